/*
 * iter.h: elementwise work on tensors of any strides, broadcast and converted; PyTorch's TensorIterator.
 *
 *      ct__map:   result = loop(in...)     a new tensor
 *      ct__map_into:   out = loop(in...)   an existing one
 *
 * Both broadcast the operands, order the dims by stride and merge those that lie in one run (a contiguous tensor of any shape is
 * one dim), call the 1-d loop of kernels for each row, and share the rows among threads. An operand whose dtype is not the
 * loop's is converted in blocks on the stack; so are results.
 *
 * Loops compute in ct__compute_dtype only. An op whose common dtype is f16 hands its f16 tensors over with ct__arg_as, takes the f32 loop, and
 * has the result rounded by ct__map_as or ct__map_into:
 *
 *      ct_dtype compute = ct__compute_dtype(dtype);
 *      ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_as(b, dtype)};
 *      out = ct__map_as(function, kernels.add[compute], NULL, compute, dtype, in, 2);
 */
#ifndef CT__ITER_H
#define CT__ITER_H

#include "core/tensor_impl.h"
#include "kernels/kernels.h"

enum { CT__ITER_OPERANDS = 5, CT__GRAIN = 32768 }; /* elements below which a second thread does not pay */

/* An input: a tensor, or (t NULL) one element in memory that stands for all. dtype: what the loop wants. */
typedef struct ct__arg {
    const ct_tensor *t;
    const void *element; /* of type dtype */
    ct_dtype dtype;
    ct_dtype via; /* a tensor is rounded (wrapped) to this dtype first; CT_DTYPE_NONE: not */
} ct__arg;
CT__INLINE ct__arg ct__arg_tensor(const ct_tensor *t, ct_dtype dtype) { return (ct__arg){.t = t, .dtype = dtype}; }
/* A tensor in the common dtype of an op, for loops of ct__compute_dtype(dtype). */
CT__INLINE ct__arg ct__arg_as(const ct_tensor *t, ct_dtype dtype) {
    ct_dtype compute = ct__compute_dtype(dtype);
    return (ct__arg){.t = t, .dtype = compute, .via = compute == dtype || dtype == (ct_dtype)t->dtype ? CT_DTYPE_NONE : dtype};
}
CT__INLINE ct__arg ct__arg_element(const void *element, ct_dtype dtype) { return (ct__arg){.element = element, .dtype = dtype}; }

/* One number in the form that a loop reads. */
typedef union ct__element {
    float f32;
    double f64;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
} ct__element;

/* A new tensor of dtype (which the loop writes), with the shape of the broadcast inputs and, as in PyTorch, strides that follow theirs. A
 * reference of the caller's own, or NULL with an error pending. */
ct_tensor *ct__map(const char *function, ct__loop loop, const void *args, ct_dtype dtype, const ct__arg *in, int n_in);
/* The same, where the loop writes dtype and the tensor is of result: converted. */
ct_tensor *ct__map_as(const char *function, ct__loop loop, const void *args, ct_dtype dtype, ct_dtype result, const ct__arg *in, int n_in);

/* The loop writes dtype, which is converted to out's. The inputs must broadcast to out's shape. An input that
 * overlaps out other than element for element is copied first. Does not bump the version. */
ct_status ct__map_into(const char *function, ct_tensor *out, ct__loop loop, const void *args, ct_dtype dtype,
                       const ct__arg *in, int n_in);

/* dst = src, broadcast and converted; dst = element (of dst's dtype). No graph, no version. */
ct_status ct__copy_into(const char *function, ct_tensor *dst, const ct_tensor *src);
ct_status ct__fill_into(const char *function, ct_tensor *dst, const void *element);

#endif
