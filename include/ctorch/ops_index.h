/*
 * ctorch/ops_index.h: reading and writing at indices, embedding, sorting.
 *
 * Index tensors are int64 or int32. Every index is checked before anything is written; the error (CT_ERR_INDEX) names the value, where it stands in
 * the index tensor, and the size that it exceeds. Negative indices count from the end in ct_index and ct_index_put, ct_index_fill, ct_take,
 * ct_put and ct_take_along_dim, as in PyTorch; elsewhere they are an error.
 *
 * Gradients of every order flow to x, src, source and values, never to an index. Where several indices name one element, its
 * gradients are added, in the order of the indices: the same bits from run to run.
 *
 * Forms that end in an underscore change x and return a status; all others return new tensors. What is written must not share memory with x.
 */
#ifndef CTORCH_OPS_INDEX_H
#define CTORCH_OPS_INDEX_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- One dim --------------------------------------------------------------------------------------------------- */

/* The slices of x at these positions of dim: index [n] (or 0-dim, as [1]), x [.., d, ..] -> [.., n, ..]. */
CT_API ct_tensor *ct_index_select(ct_tensor *x, int64_t dim, ct_tensor *index);

typedef struct ct_index_add_options {
    ct_opt_f64 alpha; /* 1 */
    uint64_t reserved[2];
} ct_index_add_options;

/* x, with alpha * source's slice i added to its slice index[i]. source has the sizes of x but for dim, where it has those of index. */
CT_API ct_tensor *ct_index_add(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source, const ct_index_add_options *options);

CT_API ct_status ct_index_add_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source, const ct_index_add_options *options);

/* x, with source's slice i (shaped as ct_index_add's) in the place of its slice index[i]; or with a value there: a 0-dim tensor or a number. */
CT_API ct_tensor *ct_index_copy(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source);
CT_API ct_status ct_index_copy_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source);
CT_API ct_tensor *ct_index_fill(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *value);
CT_API ct_status ct_index_fill_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *value);
CT_API ct_tensor *ct_index_fill_scalar(ct_tensor *x, int64_t dim, ct_tensor *index, double value);
CT_API ct_status ct_index_fill_scalar_(ct_tensor *x, int64_t dim, ct_tensor *index, double value);

/*
 * Element by element along dim; for dim 1 of a matrix:
 *
 *     ct_gather        out[i][j] = x[i][index[i][j]]
 *     ct_scatter       out = x;  out[i][index[i][j]]  = src[i][j]      the last of several wins
 *     ct_scatter_add   out = x;  out[i][index[i][j]] += src[i][j]
 *
 * All have the same number of dims. index is nowhere larger than src, and but for dim nowhere larger than x. An empty index
 * changes nothing. src has x's dtype.
 */
CT_API ct_tensor *ct_gather(ct_tensor *x, int64_t dim, ct_tensor *index);
CT_API ct_tensor *ct_scatter(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src);
CT_API ct_tensor *ct_scatter_add(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src);
CT_API ct_tensor *ct_scatter_scalar(ct_tensor *x, int64_t dim, ct_tensor *index, double value); /* a number everywhere */
CT_API ct_status ct_scatter_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src);
CT_API ct_status ct_scatter_scalar_(ct_tensor *x, int64_t dim, ct_tensor *index, double value);
CT_API ct_status ct_scatter_add_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src);

typedef enum ct_scatter_reduction {
    CT_SCATTER_SUM = 0,
    CT_SCATTER_PROD = 1,
    CT_SCATTER_MEAN = 2, /* of integers: rounded down */
    CT_SCATTER_AMAX = 3,
    CT_SCATTER_AMIN = 4,
    CT_SCATTER_FORCE_32BIT = 0x7fffffff
} ct_scatter_reduction;

typedef struct ct_scatter_reduce_options {
    bool no_include_self; /* x's own elements do not take part where something is scattered to: include_self=False */
    uint64_t reserved[2];
} ct_scatter_reduce_options;

/* As ct_scatter_add, with another function. Equal extrema share the gradient. The derivative of the gradient of a product beside two zeros in src is an
 * error, as in PyTorch. */
CT_API ct_tensor *ct_scatter_reduce(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src, ct_scatter_reduction reduce,
                                    const ct_scatter_reduce_options *options);
CT_API ct_status ct_scatter_reduce_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src, ct_scatter_reduction reduce,
                                    const ct_scatter_reduce_options *options);

/* ct_gather with x and indices broadcast in all dims but dim; with CT_DIM_NONE, both flattened. Negative indices count from the end. */
CT_API ct_tensor *ct_take_along_dim(ct_tensor *x, ct_tensor *indices, int64_t dim);

/* ---- Several dims ---------------------------------------------------------------------------------------------- */

/*
 * x[i0, i1, ...]: indices[k] belongs to dim k, NULL takes the whole dim (Python's `:`), missing ones at the end too:
 *
 *     ct_index(x, (ct_tensor *[]){rows, NULL, columns}, 3)        x[rows, :, columns]
 *
 * The index tensors are broadcast together to one shape B, which replaces their dims where these are neighbours and comes first where they are
 * not, as in PyTorch and NumPy. A bool tensor stands for the indices of its true elements and takes as many dims as it has. uint8
 * masks, deprecated in PyTorch, are an error.
 */
CT_API ct_tensor *ct_index(ct_tensor *x, ct_tensor *const *indices, int n);

typedef struct ct_index_put_options {
    bool accumulate; /* add instead of replace; without it the last of several values wins */
    uint64_t reserved[2];
} ct_index_put_options;

/* x with x[i0, i1, ...] = values, which broadcast to the sizes of ct_index's result and have x's dtype; in place, or a copy. */
CT_API ct_tensor *ct_index_put(ct_tensor *x, ct_tensor *const *indices, int n, ct_tensor *values, const ct_index_put_options *options);
CT_API ct_status ct_index_put_(ct_tensor *x, ct_tensor *const *indices, int n, ct_tensor *values, const ct_index_put_options *options);

/* The elements of x where mask (bool) is true, in row-major order: [count]. x and mask are broadcast together. */
CT_API ct_tensor *ct_masked_select(ct_tensor *x, ct_tensor *mask);

/* x, with the elements where mask is true replaced by those of source (of x's dtype), in row-major order; source has at least as many. x and mask are
 * broadcast together; in place, mask to x. */
CT_API ct_tensor *ct_masked_scatter(ct_tensor *x, ct_tensor *mask, ct_tensor *source);
CT_API ct_status ct_masked_scatter_(ct_tensor *x, ct_tensor *mask, ct_tensor *source);

/* x as if it were flattened; indices (int64) may count from the end. ct_take has index's sizes; ct_put writes source (as many elements, of x's
 * dtype) there, or adds it. */
CT_API ct_tensor *ct_take(ct_tensor *x, ct_tensor *index);
CT_API ct_tensor *ct_put(ct_tensor *x, ct_tensor *index, ct_tensor *source, const ct_index_put_options *options);
CT_API ct_status ct_put_(ct_tensor *x, ct_tensor *index, ct_tensor *source, const ct_index_put_options *options);

/* Where x is not zero: int64 [count, ndim], in row-major order. No gradient. */
CT_API ct_tensor *ct_nonzero(ct_tensor *x);

/* ---- Categories ------------------------------------------------------------------------------------------------ */

typedef struct ct_embedding_options {
    ct_opt_i64 padding_idx;  /* this row of weight gets no gradient; may count from the end. None by default. */
    bool scale_grad_by_freq; /* gradients are divided by how often their index occurs in input */
    ct_opt_f64 max_norm;     /* rows of weight that are read and whose norm is above are scaled down to it first, in place, unrecorded. None by default. */
    ct_opt_f64 norm_type;    /* default 2: the order of that norm */
    uint64_t reserved[2];
} ct_embedding_options;

/* The rows of weight [num_embeddings, dim] at these indices: input [...] -> [..., dim]. The gradient is dense. F.embedding without
 * sparse. */
CT_API ct_tensor *ct_embedding(ct_tensor *input, ct_tensor *weight, const ct_embedding_options *options);

typedef enum ct_embedding_bag_mode {
    CT_EMBEDDING_BAG_MEAN = 0, /* of an empty bag: 0 */
    CT_EMBEDDING_BAG_SUM = 1,
    CT_EMBEDDING_BAG_MAX = 2, /* likewise; the first of equals gets the gradient */
    CT_EMBEDDING_BAG_FORCE_32BIT = 0x7fffffff
} ct_embedding_bag_mode;

typedef struct ct_embedding_bag_options {
    ct_embedding_bag_mode mode;
    bool scale_grad_by_freq;       /* as above; not for maxima */
    bool include_last_offset;      /* offsets has one number more, the end of the last bag */
    ct_opt_i64 padding_idx;        /* elements with this index do not count, nor does its row get a gradient */
    ct_tensor *per_sample_weights; /* of input's shape and weight's dtype, for sums: a factor for each element; NULL = 1 */
    uint64_t reserved[2];
} ct_embedding_bag_options;

/*
 * Means, sums or maxima of the rows of weight [num_embeddings, dim] that a bag names -> [bags, dim]. input [B, N]: each row is a bag, offsets is
 * NULL; input [N]: bag b begins at offsets[b] and ends where the next begins. Both int64 or both int32. Composed of other ops. F.embedding_bag without max_norm and
 * sparse. Since 0.1.
 */
CT_API ct_tensor *ct_embedding_bag(ct_tensor *input, ct_tensor *weight, ct_tensor *offsets, const ct_embedding_bag_options *options);

/* x [...] int64 -> [..., num_classes] int64, one at x, zeros elsewhere. num_classes -1: the highest value + 1. No gradient. */
CT_API ct_tensor *ct_one_hot(ct_tensor *x, int64_t num_classes);

/* ---- Order ----------------------------------------------------------------------------------------------------- */

typedef struct ct_sort_options {
    bool descending;
    bool stable; /* equal elements keep their order. This implementation always does; the option says that the program relies on it. */
    uint64_t reserved[2];
} ct_sort_options;

/* Sorted along dim (PyTorch's default is -1). *indices (or NULL): int64, where each element was. NaN is larger than everything. */
CT_API ct_tensor *ct_sort(ct_tensor *x, int64_t dim, const ct_sort_options *options, ct_tensor **indices);

CT_API ct_tensor *ct_argsort(ct_tensor *x, int64_t dim, const ct_sort_options *options); /* the indices only */
CT_API ct_tensor *ct_msort(ct_tensor *x);                                                /* ct_sort along dim 0 */

typedef struct ct_topk_options {
    bool no_largest; /* the k smallest: largest=False */
    bool no_sorted;  /* in any order: sorted=False */
    uint64_t reserved[2];
} ct_topk_options;

/* The k largest along dim (PyTorch's default is -1), the largest first; of equal elements the first ones. NaN is larger than everything. Not for bool. */
CT_API ct_tensor *ct_topk(ct_tensor *x, int64_t k, int64_t dim, const ct_topk_options *options, ct_tensor **indices);

typedef enum ct_side {
    CT_SIDE_DEFAULT = 0, /* as .right says */
    CT_SIDE_LEFT = 1,
    CT_SIDE_RIGHT = 2,
    CT_SIDE_FORCE_32BIT = 0x7fffffff
} ct_side;

typedef struct ct_searchsorted_options {
    bool right;        /* behind equal elements instead of in front of them */
    ct_side side;      /* the same as a word; CT_SIDE_LEFT together with .right is an error */
    bool out_int32;    /* int32 results */
    ct_tensor *sorter; /* int64, sorted_sequence's sizes: the order that sorts it along the last dim; NULL: it is sorted */
    uint64_t reserved[2];
} ct_searchsorted_options;

/*
 * Where each value must be inserted for the last dim of sorted_sequence to stay sorted, int64. sorted_sequence is [d], or its sizes are values' but for the
 * last dim. NaN is larger than everything. Both of one dtype, not bool; no gradient. ct_bucketize: boundaries is [d]; .sorter and .side are not for it.
 */
CT_API ct_tensor *ct_searchsorted(ct_tensor *sorted_sequence, ct_tensor *values, const ct_searchsorted_options *options);
CT_API ct_tensor *ct_searchsorted_scalar(ct_tensor *sorted_sequence, double value, const ct_searchsorted_options *options);
typedef struct ct_bucketize_options {
    bool right;
    bool out_int32;
    uint64_t reserved[2];
} ct_bucketize_options;
CT_API ct_tensor *ct_bucketize(ct_tensor *x, ct_tensor *boundaries, const ct_bucketize_options *options);

#ifdef __cplusplus
}
#endif
#endif
