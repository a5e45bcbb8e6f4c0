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

CT_API ct_tensor *ct_movedim_intlist(ct_tensor *x, const int64_t *source, const int64_t *destination, int n); /* several at once */

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
CT_API ct_tensor *ct_broadcast_to(ct_tensor *x, const int64_t *sizes, int ndim); /* the same */

/* With the sizes of another tensor. */
CT_API ct_tensor *ct_expand_as(ct_tensor *x, ct_tensor *other);
CT_API ct_tensor *ct_view_as(ct_tensor *x, ct_tensor *other);
CT_API ct_tensor *ct_reshape_as(ct_tensor *x, ct_tensor *other);

/* With dims of size 1 up to that number: [n] -> [1, n] -> [1, n, 1]; [n, m] -> [n, m, 1]. */
CT_API ct_tensor *ct_atleast_1d(ct_tensor *x);
CT_API ct_tensor *ct_atleast_2d(ct_tensor *x);
CT_API ct_tensor *ct_atleast_3d(ct_tensor *x);

/* All windows of `size` elements of dim, `step` apart: [.., d, ..] -> [.., (d - size) / step + 1, .., size]. Windows may share elements. Tensor.unfold;
 * ct_unfold is F.unfold, of images. */
CT_API ct_tensor *ct_unfold_dim(ct_tensor *x, int64_t dim, int64_t size, int64_t step);

typedef enum ct_indexing {
    CT_INDEXING_IJ = 0, /* dim i of the results belongs to tensor i */
    CT_INDEXING_XY = 1, /* dims 0 and 1 change places, for pictures */
    CT_INDEXING_FORCE_32BIT = 0x7fffffff
} ct_indexing;
/* A grid from n coordinate axes of 0 or 1 dim: n views of sizes [length of 0, length of 1, ...], each constant but along its own dim. */
CT_API ct_list *ct_meshgrid(ct_tensor *const *tensors, int64_t n, ct_indexing indexing);

/* ---- Copies ---------------------------------------------------------------------------------------------------- */

/* The whole tensor repeats[i] times along dim i, new dims in front: numpy.tile. n is at least ndim. */
CT_API ct_tensor *ct_repeat(ct_tensor *x, const int64_t *repeats, int n);

CT_API ct_tensor *ct_tile(ct_tensor *x, const int64_t *repeats, int n); /* n may be below ndim, too: the last dims' then */

/* Every slice of dim repeated: repeats times, or (repeats int64 or int32, [d], or [1] for all) repeats[i] times slice i. CT_DIM_NONE: of the flattened
 * tensor. 1 2 3 -> 1 1 2 2 3 3. */
typedef struct ct_repeat_interleave_options {
    ct_opt_i64 output_size; /* of the result at dim, if it is known; checked */
    uint64_t reserved[2];
} ct_repeat_interleave_options;
CT_API ct_tensor *ct_repeat_interleave(ct_tensor *x, ct_tensor *repeats, int64_t dim, const ct_repeat_interleave_options *options);
CT_API ct_tensor *ct_repeat_interleave_int(ct_tensor *x, int64_t repeats, int64_t dim, const ct_repeat_interleave_options *options);

typedef enum ct_pad_mode {
    CT_PAD_CONSTANT = 0,
    CT_PAD_REFLECT = 1,   /* 3 2 | 1 2 3 | 2 1: the border once */
    CT_PAD_REPLICATE = 2, /* 1 1 | 1 2 3 | 3 3 */
    CT_PAD_CIRCULAR = 3,  /* 2 3 | 1 2 3 | 1 2 */
    CT_PAD_FORCE_32BIT = 0x7fffffff
} ct_pad_mode;
typedef struct ct_pad_options {
    ct_pad_mode mode;
    double value; /* CT_PAD_CONSTANT */
    uint64_t reserved[2];
} ct_pad_options;
/*
 * pad [n]: before and after for the last dim, then for the one in front of it, ...: CT_SHAPE(1, 1, 2, 0) is left 1, right 1, top 2. Negative numbers cut off.
 * The modes other than constant pad the last 1, 2 or 3 dims of tensors with one or two (batch, channels) more; reflect up to size - 1, circular
 * up to the size. F.pad.
 */
CT_API ct_tensor *ct_pad(ct_tensor *x, const int64_t *pad, int n, const ct_pad_options *options);

CT_API ct_tensor *ct_rot90(ct_tensor *x, int64_t k, int64_t dim0, int64_t dim1); /* k quarter turns from dim0 to dim1; 1, 0 and 1 in PyTorch */
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

/* Joins along dim 1 (vectors: 0), 0, 2, after atleast_1d, 2d, 3d; ct_column_stack makes columns of vectors. */
CT_API ct_tensor *ct_hstack(ct_tensor *const *tensors, int64_t n);
CT_API ct_tensor *ct_vstack(ct_tensor *const *tensors, int64_t n);
CT_API ct_tensor *ct_dstack(ct_tensor *const *tensors, int64_t n);
CT_API ct_tensor *ct_column_stack(ct_tensor *const *tensors, int64_t n);

/* A vector as a diagonal of a matrix of zeros, or that diagonal of a matrix, copied. */
CT_API ct_tensor *ct_diag(ct_tensor *x, int64_t diagonal);
/* The last dim becomes the diagonal of new dims dim1 and dim2 of the result, zeros beside it. PyTorch's defaults are 0, -2, -1. */
CT_API ct_tensor *ct_diag_embed(ct_tensor *x, int64_t offset, int64_t dim1, int64_t dim2);

/* A copy of x with src where ct_select, ct_slice, ct_diagonal take from. */
CT_API ct_tensor *ct_select_scatter(ct_tensor *x, ct_tensor *src, int64_t dim, int64_t index);
CT_API ct_tensor *ct_slice_scatter(ct_tensor *x, ct_tensor *src, int64_t dim, int64_t start, int64_t end, int64_t step);
CT_API ct_tensor *ct_diagonal_scatter(ct_tensor *x, ct_tensor *src, int64_t offset, int64_t dim1, int64_t dim2);

/* ---- Splitting: lists of views --------------------------------------------------------------------------------- */

CT_API ct_list *ct_split(ct_tensor *x, int64_t split_size, int64_t dim);                  /* pieces of that size, the last may be smaller */
CT_API ct_list *ct_split_sizes(ct_tensor *x, const int64_t *sizes, int n, int64_t dim);   /* of these sizes, which add up */
CT_API ct_list *ct_chunk(ct_tensor *x, int64_t chunks, int64_t dim);                      /* at most so many, of ceil(size / chunks) */
CT_API ct_list *ct_unbind(ct_tensor *x, int64_t dim);                                     /* ct_select of each index */

#ifdef __cplusplus
}
#endif
#endif
