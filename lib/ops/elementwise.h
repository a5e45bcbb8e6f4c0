/*
 * elementwise.h: what the elementwise ops share: numbers, result dtypes, calls of the kernels' loops. No graph here.
 */
#ifndef CT__ELEMENTWISE_H
#define CT__ELEMENTWISE_H

#include "ops/iter.h"
#include "ops/op.h"

/* A number of the caller's: a double or, exactly, an int64_t. category as in ct__result_type. */
typedef struct ct__number {
    int category; /* 1 integer, 2 floating point */
    double f;
    int64_t i;
} ct__number;
CT__INLINE ct__number ct__number_f64(double v) { return (ct__number){2, v, 0}; }
CT__INLINE ct__number ct__number_i64(int64_t v) { return (ct__number){1, (double)v, v}; }

/* The number as an element: converted as a tensor would be. The checked form says that a value does not fit, as torch.full does. */
ct__element ct__element_of(ct__number x, ct_dtype dtype);
ct_status ct__element_checked(const char *function, ct__number x, ct_dtype dtype, ct__element *out);
/* For a loop of ct__compute_dtype(dtype): rounded or wrapped to dtype first. */
ct__element ct__loop_element(ct__number x, ct_dtype dtype);
/* The same, but what only scales keeps its f32 value for the half types: the value of addcmul, the weight of lerp, the factor of mul. */
CT__INLINE ct__element ct__loop_factor(ct__number x, ct_dtype dtype) {
    return ct_dtype_is_floating_point(dtype) ? ct__element_of(x, ct__compute_dtype(dtype)) : ct__loop_element(x, dtype);
}

/* torch.result_type of two tensors; floating point at least for the second form. */
ct_dtype ct__common_dtype(const ct_tensor *a, const ct_tensor *b);
CT__INLINE ct_dtype ct__at_least_float(ct_dtype d) { return ct_dtype_is_floating_point(d) ? d : CT_F32; }
ct_dtype ct__number_dtype(const ct_tensor *a, ct__number x);

/* CT_ERR_DTYPE unless a result of dtype from may be written to a tensor of dtype to: the category must not fall. */
ct_status ct__check_cast(int op, ct_dtype from, ct_dtype to);
/* CT_ERR_DTYPE "ct_X: not for bool tensors" for CT_BOOL. */
ct_status ct__check_not_bool(int op, ct_dtype dtype);
ct_status ct__check_float(int op, const ct_tensor *t);
ct_status ct__check_bits(int op, ct_dtype dtype); /* integers and bool */

/* fn(a, b) in dtype (computed in ct__compute_dtype); ct__binary_number has the number on the right, or left. A reference of the caller's, NULL with an error pending. */
ct_tensor *ct__binary(int op, ct__binary_fn fn, const ct_tensor *a, const ct_tensor *b, ct_dtype dtype);
ct_tensor *ct__binary_number(int op, ct__binary_fn fn, const ct_tensor *a, ct__number x, bool left, ct_dtype dtype);
/* a = fn(a, b) */
ct_status ct__binary_into(int op, ct__binary_fn fn, ct_tensor *a, const ct_tensor *b, ct_dtype dtype);
ct_status ct__binary_number_into(int op, ct__binary_fn fn, ct_tensor *a, ct__number x, ct_dtype dtype);

ct_tensor *ct__unary(int op, ct__unary_fn fn, const ct_tensor *a, ct_dtype dtype);
ct_status ct__unary_into(int op, ct__unary_fn fn, ct_tensor *a);

/* A copy in the memory order of a, without history; a reference of the caller's. The second form converts. */
ct_tensor *ct__copy_of(const char *function, const ct_tensor *a);
ct_tensor *ct__copy_as(const char *function, const ct_tensor *a, ct_dtype dtype);
/* The elements of a, row-major and in dtype: a itself where that is what it is. A reference of the caller's. */
ct_tensor *ct__dense_as(const char *function, ct_tensor *a, ct_dtype dtype);
/* Takes over the reference t, which may be NULL: t itself if it is of dtype, else a copy in it. */
ct_tensor *ct__into_dtype(const char *function, ct_tensor *t, ct_dtype dtype);
/* What sums over many terms are kept in: f32 for the half types, otherwise the dtype itself. */
CT__INLINE ct_dtype ct__sum_dtype(ct_dtype d) { return d == CT_F16 || d == CT_BF16 ? CT_F32 : d; }

#endif
