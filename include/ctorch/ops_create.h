/*
 * ctorch/ops_create.h: making tensors, copying, converting, filling.
 *
 * Common to all: a shape is (sizes, ndim), see CT_SHAPE; the result is row-major, on the CPU, without gradient, held by the
 * innermost scope. Errors: CT_ERR_SHAPE for a negative size, more than CT_MAX_NDIM dims or a number of elements that
 * overflows; CT_ERR_DTYPE for a dtype that operations do not take; CT_ERR_OUT_OF_MEMORY.
 */
#ifndef CTORCH_OPS_CREATE_H
#define CTORCH_OPS_CREATE_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * New tensors of a shape. CT_DTYPE_NONE is float32, except for ct_full_int (int64).
 * A value that the dtype cannot hold is CT_ERR_INVALID_ARGUMENT; a fraction is cut off for integer dtypes, as in torch.
 */
CT_API ct_tensor *ct_empty(const int64_t *sizes, int ndim, ct_dtype dtype); /* uninitialised memory */
CT_API ct_tensor *ct_zeros(const int64_t *sizes, int ndim, ct_dtype dtype);
CT_API ct_tensor *ct_ones(const int64_t *sizes, int ndim, ct_dtype dtype);
CT_API ct_tensor *ct_full(const int64_t *sizes, int ndim, double value, ct_dtype dtype);
CT_API ct_tensor *ct_full_int(const int64_t *sizes, int ndim, int64_t value, ct_dtype dtype); /* exact above 2^53 */

/* A 0-dim tensor. CT_DTYPE_NONE is float32 (torch.scalar_tensor), int64 for the _int form. */
CT_API ct_tensor *ct_scalar_tensor(double value, ct_dtype dtype);
CT_API ct_tensor *ct_scalar_tensor_int(int64_t value, ct_dtype dtype);

/*
 * Sequences, 1-d. ct_arange: start, start + step, ... below end, ceil((end - start) / step) of them; CT_DTYPE_NONE is
 * float32, int64 for ct_arange_int, which computes in integers throughout. ct_linspace: steps values from start to end,
 * both included; ct_logspace: base (torch's default is 10) to the power of those. For integer dtypes bounds and step are cut to integers
 * first, but not linspace's step. Errors: bool, step 0, an end on the wrong side of start, steps < 0, bounds that are not finite.
 */
CT_API ct_tensor *ct_arange(double start, double end, double step, ct_dtype dtype);
CT_API ct_tensor *ct_arange_int(int64_t start, int64_t end, int64_t step, ct_dtype dtype);
CT_API ct_tensor *ct_linspace(double start, double end, int64_t steps, ct_dtype dtype);
CT_API ct_tensor *ct_logspace(double start, double end, int64_t steps, double base, ct_dtype dtype);

/* [n, m] with ones on the diagonal. CT_DTYPE_NONE is float32. */
CT_API ct_tensor *ct_eye(int64_t n, int64_t m, ct_dtype dtype);

/* Rows and columns of the elements on and below (above) a diagonal of a [row, col] matrix: [2, n], row by row. int64 or int32. */
CT_API ct_tensor *ct_tril_indices(int64_t row, int64_t col, int64_t offset, ct_dtype dtype);
CT_API ct_tensor *ct_triu_indices(int64_t row, int64_t col, int64_t offset, ct_dtype dtype);

/* Uninitialised, with strides (elements, not negative) of one's own: dims may overlap or leave gaps. */
CT_API ct_tensor *ct_empty_strided(const int64_t *sizes, const int64_t *strides, int ndim, ct_dtype dtype);

/*
 * New tensors with the sizes of a, and its strides where a is dense (channels_last stays channels_last; torch's
 * preserve_format). CT_DTYPE_NONE keeps a's dtype. Nothing flows back to a.
 */
CT_API ct_tensor *ct_empty_like(ct_tensor *a, ct_dtype dtype);
CT_API ct_tensor *ct_zeros_like(ct_tensor *a, ct_dtype dtype);
CT_API ct_tensor *ct_ones_like(ct_tensor *a, ct_dtype dtype);
CT_API ct_tensor *ct_full_like(ct_tensor *a, double value, ct_dtype dtype);
CT_API ct_tensor *ct_full_like_int(ct_tensor *a, int64_t value, ct_dtype dtype);
CT_API ct_tensor *ct_empty_like_memory_format(ct_tensor *a, ct_dtype dtype, ct_memory_format format); /* another order of the memory */

/*
 * Copies and conversions. Gradients flow through, converted back to the input's dtype. Unlike torch's, they never return
 * the argument's own handle: where nothing has to be done ct_to and ct_contiguous return a view of a, which shares its memory as torch's
 * `self` would. Floating point to integer cuts towards zero; what does not fit gives the smallest integer for int32 and int64, and the low
 * 8 bits for uint8; to bool is != 0.
 */
CT_API ct_tensor *ct_clone(ct_tensor *a);                            /* new memory; strides as ct_empty_like's */
CT_API ct_tensor *ct_clone_memory_format(ct_tensor *a, ct_memory_format format); /* new memory in that order; channels_last needs 4 dims */
CT_API ct_tensor *ct_to(ct_tensor *a, ct_dtype dtype);               /* another dtype; CT_DTYPE_NONE keeps it */
CT_API ct_tensor *ct_contiguous(ct_tensor *a, ct_memory_format format); /* dense in that format (PRESERVE = CONTIGUOUS); channels_last needs 4 dims */

/*
 * In place. The gradient of ct_copy_ flows to src (summed where src was broadcast) and stops for what dst was before.
 * Errors: src does not broadcast to dst; dst is a leaf that requires grad, or overlaps itself (ct_expand).
 */
CT_API ct_status ct_copy_(ct_tensor *dst, ct_tensor *src); /* converted and broadcast to dst */
CT_API ct_status ct_fill_(ct_tensor *a, double value);
CT_API ct_status ct_fill_int_(ct_tensor *a, int64_t value);
CT_API ct_status ct_zero_(ct_tensor *a);

#ifdef __cplusplus
}
#endif
#endif
