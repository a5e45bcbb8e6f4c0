/*
 * kern_pointwise.h: 1-d loops of elementwise functions.
 *
 *      out[i] = f(in1[i], in2[i], ...)        data = {out, in1, in2, ...}, strides in bytes, 0 = one element for all
 *
 * Tables are indexed by function and dtype; NULL where there is no such loop. f16, bf16, i8 and i16 have convert and where only: what computes
 * takes ct__compute_dtype and converts. All inputs and the output of a loop have
 * the table's dtype unless said otherwise. The output may be one of the inputs with the same stride; otherwise they must not overlap.
 */
#ifndef CT__KERN_POINTWISE_H
#define CT__KERN_POINTWISE_H

#include "base/platform.h"
#include <ctorch/tensor.h>

typedef void (*ct__loop)(int64_t n, char *const *data, const int64_t *strides, const void *args);

enum { CT__DTYPES = CT_BOOL + 1 };

typedef enum ct__unary_fn {
#define CT__UNARY(name, dtypes) CT__UNARY_##name,
#include "kernels/pointwise.def"
    CT__UNARY_COUNT
} ct__unary_fn;

typedef enum ct__binary_fn {
#define CT__BINARY(name, dtypes) CT__BINARY_##name,
#include "kernels/pointwise.def"
    CT__BINARY_COUNT
} ct__binary_fn;

typedef enum ct__test_fn { /* results are bool */
#define CT__TEST(name, dtypes) CT__TEST_##name,
#include "kernels/pointwise.def"
    CT__TEST_COUNT
} ct__test_fn;

typedef enum ct__compare_fn { /* results are bool */
#define CT__COMPARE(name, dtypes) CT__COMPARE_##name,
#include "kernels/pointwise.def"
    CT__COMPARE_COUNT
} ct__compare_fn;

/* args of the rounded divisions and remainders: set to 1 if an integer divisor is 0 (the result is then 0). */
typedef struct ct__zero_flag { atomic_int *seen; } ct__zero_flag;

typedef struct ct__pointwise_kernels {
    ct__loop convert[CT__DTYPES][CT__DTYPES]; /* [to][from]; [d][d] copies */
    ct__loop unary[CT__UNARY_COUNT][CT__DTYPES];
    ct__loop binary[CT__BINARY_COUNT][CT__DTYPES];
    ct__loop test[CT__TEST_COUNT][CT__DTYPES];
    ct__loop compare[CT__COMPARE_COUNT][CT__DTYPES];
    ct__loop add_alpha[CT__DTYPES]; /* in1 + alpha * in2; args: alpha in the dtype */
    ct__loop clamp[CT__DTYPES];     /* min(max(in1, in2), in3) */
    ct__loop where[CT__DTYPES];     /* in1 (bool) ? in2 : in3 */
    ct__loop addcmul[CT__DTYPES];   /* in1 + value * in2 * in3; args: value in the dtype; not of bool */
    ct__loop addcdiv[CT__DTYPES];   /* floating point, and those below */
    ct__loop lerp[CT__DTYPES];      /* from in1 to in2; args: weight in the dtype */
    ct__loop lerp_tensor[CT__DTYPES]; /* weight in3 */
    ct__loop polygamma[CT__DTYPES];   /* args: n in the dtype */
    ct__loop logit[CT__DTYPES];       /* args: eps in the dtype, < 0 for none */
    ct__loop nan_to_num[CT__DTYPES];  /* in1, or for NaN in2, for inf in3, for -inf in4 */
} ct__pointwise_kernels;

#endif
