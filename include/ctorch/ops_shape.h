/*
 * ctorch/ops_shape.h: views, joining, splitting, rearranging.
 *
 * A view shares memory and version counter with the tensor it was taken from: writing to one (ct_copy_, ct_add_, ct_data_mut) shows in the other, and
 * gradients follow. Views are made without a copy, in any number; they keep the storage alive. Like every op they return
 * a new handle, also where nothing changes.
 *
 * Common to all: any dtype. A dim may count from the end (-1). Gradients of every order. Errors: CT_ERR_INDEX for a dim out of
 * range, CT_ERR_SHAPE for sizes that do not fit, each naming the numbers.
 */
#ifndef CTORCH_OPS_SHAPE_H
#define CTORCH_OPS_SHAPE_H

#include <ctorch/dict.h>
#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tensors and their number in one: ct_cat(CT_TENSORS(a, b), 0). Sugar for (ct_tensor *[]){a, b}, 2. */
#ifdef __cplusplus
}
namespace ctorch_detail {
inline ct_tensor *const *tensors(const std::initializer_list<ct_tensor *> &l) { return l.begin(); }
inline int64_t tensor_count(const std::initializer_list<ct_tensor *> &l) { return (int64_t)l.size(); }
}
extern "C" {
#define CT_TENSORS(...) ctorch_detail::tensors({__VA_ARGS__}), ctorch_detail::tensor_count({__VA_ARGS__})
#else
#define CT_TENSORS(...) \
    (ct_tensor *[]){__VA_ARGS__}, (int64_t)(sizeof((ct_tensor *[]){__VA_ARGS__}) / sizeof(ct_tensor *))
#endif

/* ---- Views: other sizes, the same elements -------------------------------------------------------------------- */

/*
 * One size may be -1: what is left. ct_view is an error where strides do not allow it without a copy (after ct_transpose, for example);
 * ct_reshape then copies.
 */
CT_API ct_tensor *ct_view(ct_tensor *x, const int64_t *sizes, int ndim);
CT_API ct_tensor *ct_reshape(ct_tensor *x, const int64_t *sizes, int ndim);

/* Dims start_dim to end_dim (included) become one; PyTorch's defaults are 0 and -1. Copies where ct_reshape would. A 0-dim
 * tensor becomes [1]. */
CT_API ct_tensor *ct_flatten(ct_tensor *x, int64_t start_dim, int64_t end_dim);

/* The reverse: dim becomes n dims of these sizes, one of which may be -1. */
CT_API ct_tensor *ct_unflatten(ct_tensor *x, int64_t dim, const int64_t *sizes, int n);

/* Without dims of size 1: all of them, or those in the list (others there stay as they are; n = 0 removes none). */
CT_API ct_tensor *ct_squeeze(ct_tensor *x);
CT_API ct_tensor *ct_squeeze_dim(ct_tensor *x, const int64_t *dims, int n);

/* A new dim of size 1 in front of dim; dim is from -(ndim + 1) to ndim. */
CT_API ct_tensor *ct_unsqueeze(ct_tensor *x, int64_t dim);

/* ---- Views: other order ---------------------------------------------------------------------------------------- */

CT_API ct_tensor *ct_transpose(ct_tensor *x, int64_t dim0, int64_t dim1);                /* two dims change places */
CT_API ct_tensor *ct_permute(ct_tensor *x, const int64_t *dims, int n);                  /* dim i of the result is dims[i] of x; all dims */
CT_API ct_tensor *ct_t(ct_tensor *x);                                                    /* of a matrix; fewer dims stay as they are */
CT_API ct_tensor *ct_movedim(ct_tensor *x, int64_t source, int64_t destination);         /* one dim moves, the others keep their order */

/* ---- Views: a part --------------------------------------------------------------------------------------------- */

/* Without dim: what lies at index there (-1 is the last). x[:, index] for dim 1. */
CT_API ct_tensor *ct_select(ct_tensor *x, int64_t dim, int64_t index);

/* length elements of dim from start on (start may count from the end); the range must lie inside. */
CT_API ct_tensor *ct_narrow(ct_tensor *x, int64_t dim, int64_t start, int64_t length);

/* x[start:end:step] of one dim, as in Python: bounds may count from the end and are clamped to the size, an empty result is
 * fine. CT_DIM_NONE leaves a bound out. step is at least 1 (ct_flip reverses). */
CT_API ct_tensor *ct_slice(ct_tensor *x, int64_t dim, int64_t start, int64_t end, int64_t step);

/* The elements (i, i + offset) of dims dim1 and dim2, as a last dim; offset < 0 below the diagonal. PyTorch's
 * defaults are offset 0, dims 0 and 1. */
CT_API ct_tensor *ct_diagonal(ct_tensor *x, int64_t offset, int64_t dim1, int64_t dim2);

/*
 * Any view of the storage: element (i, j, ...) at storage_offset + i * strides[0] + j * strides[1] + ..., counted in elements from the
 * storage's start. Strides are not negative; elements may coincide, and the gradient is right then too. Errors: elements
 * outside of the storage. PyTorch's default offset is ct_storage_offset(x).
 */
CT_API ct_tensor *ct_as_strided(ct_tensor *x, const int64_t *sizes, int ndim, const int64_t *strides, int64_t storage_offset);

/* Repeats dims of size 1 without a copy: sizes are those of the result, new dims in front, -1 keeps a size. The result must not be changed in
 * place. */
CT_API ct_tensor *ct_expand(ct_tensor *x, const int64_t *sizes, int ndim);

/* ---- Copies ---------------------------------------------------------------------------------------------------- */

/* The whole tensor repeats[i] times along dim i, new dims in front: numpy.tile. n is at least ndim. */
CT_API ct_tensor *ct_repeat(ct_tensor *x, const int64_t *repeats, int n);

CT_API ct_tensor *ct_flip(ct_tensor *x, const int64_t *dims, int n); /* reversed along these dims; n = 0: a copy */

/* What leaves at one end comes in at the other: dims[i] moves by shifts[i]. dims NULL with n = 1 rolls the flattened tensor. */
CT_API ct_tensor *ct_roll(ct_tensor *x, const int64_t *shifts, int n, const int64_t *dims);

/* Joins along dim: sizes agree in all other dims. The dtype is the promoted one, the format that of the inputs (channels_last
 * if all are). Tensors of sizes [0] are skipped, whatever the others' dims are, as in PyTorch. */
CT_API ct_tensor *ct_cat(ct_tensor *const *tensors, int64_t n, int64_t dim);

/* Joins along a new dim; all sizes agree. 2 of [3, 4] along dim 1 -> [3, 2, 4]. */
CT_API ct_tensor *ct_stack(ct_tensor *const *tensors, int64_t n, int64_t dim);

/* The last two dims' lower (upper) triangle up to and with the diagonal-th diagonal (0 = the main one, above it positive), zeros elsewhere. */
CT_API ct_tensor *ct_tril(ct_tensor *x, int64_t diagonal);
CT_API ct_tensor *ct_triu(ct_tensor *x, int64_t diagonal);

/* ---- Splitting: lists of views --------------------------------------------------------------------------------- */

CT_API ct_list *ct_split(ct_tensor *x, int64_t split_size, int64_t dim);                  /* pieces of that size, the last may be smaller */
CT_API ct_list *ct_split_sizes(ct_tensor *x, const int64_t *sizes, int n, int64_t dim);   /* of these sizes, which add up */
CT_API ct_list *ct_chunk(ct_tensor *x, int64_t chunks, int64_t dim);                      /* at most so many, of ceil(size / chunks) */
CT_API ct_list *ct_unbind(ct_tensor *x, int64_t dim);                                     /* ct_select of each index */

#ifdef __cplusplus
}
#endif
#endif
