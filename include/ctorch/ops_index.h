/*
 * ctorch/ops_index.h: reading and writing at indices, embedding, sorting.
 *
 * Index tensors are int64 or int32. Every index is checked before anything is written; the error (CT_ERR_INDEX) names the value, where it stands in
 * the index tensor, and the size that it exceeds. Negative indices count from the end in ct_index and ct_index_put only,
 * as in PyTorch; elsewhere they are an error.
 *
 * Gradients of every order flow to x, src, source and values, never to an index. Where several indices name one element, its
 * gradients are added, in the order of the indices: the same bits from run to run.
 *
 * All but ct_index_put_ return new tensors.
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

/* Where x is not zero: int64 [count, ndim], in row-major order. No gradient. */
CT_API ct_tensor *ct_nonzero(ct_tensor *x);

/* ---- Categories ------------------------------------------------------------------------------------------------ */

typedef struct ct_embedding_options {
    ct_opt_i64 padding_idx;  /* this row of weight gets no gradient; may count from the end. None by default. */
    bool scale_grad_by_freq; /* gradients are divided by how often their index occurs in input */
    uint64_t reserved[2];
} ct_embedding_options;

/* The rows of weight [num_embeddings, dim] at these indices: input [...] -> [..., dim]. The gradient is dense. F.embedding without max_norm (which
 * changes the weights on the fly) and sparse. */
CT_API ct_tensor *ct_embedding(ct_tensor *input, ct_tensor *weight, const ct_embedding_options *options);

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

typedef struct ct_topk_options {
    bool no_largest; /* the k smallest: largest=False */
    bool no_sorted;  /* in any order: sorted=False */
    uint64_t reserved[2];
} ct_topk_options;

/* The k largest along dim (PyTorch's default is -1), the largest first; of equal elements the first ones. NaN is larger than everything. Not for bool. */
CT_API ct_tensor *ct_topk(ct_tensor *x, int64_t k, int64_t dim, const ct_topk_options *options, ct_tensor **indices);

#ifdef __cplusplus
}
#endif
#endif
