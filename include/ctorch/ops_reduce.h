/*
 * ctorch/ops_reduce.h: sums, extrema, statistics over all elements or over some dims.
 *
 * The form without a suffix reduces all elements to a 0-dim tensor; _dim reduces one dim (int64_t dim) or a list (dims, n): see CT_DIMS;
 * n = 0 means all dims. Dims may count from the end. A reduced dim disappears, or stays with size 1 with .keepdim.
 *
 * Sums of floating point are added in blocks whose results are added in double precision: deterministic for a given
 * thread count, and as exact as PyTorch's cascade or better.
 *
 * Gradients: of every order, except for what gives integers or bools. Errors: CT_ERR_INDEX for a dim out of range, CT_ERR_INVALID_ARGUMENT for one
 * named twice, CT_ERR_DTYPE for dtypes that the op does not take.
 */
#ifndef CTORCH_OPS_REDUCE_H
#define CTORCH_OPS_REDUCE_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_reduce_options {
    bool keepdim;
    uint64_t reserved[2];
} ct_reduce_options;

/* Sum and product: integers and bools give int64. Mean: floating point only; of no elements it is NaN. */
CT_API ct_tensor *ct_sum(ct_tensor *a);
CT_API ct_tensor *ct_sum_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);
CT_API ct_tensor *ct_mean(ct_tensor *a);
CT_API ct_tensor *ct_mean_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);
CT_API ct_tensor *ct_prod(ct_tensor *a); /* the gradient is right with zeros among the elements too */
CT_API ct_tensor *ct_prod_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options);

typedef struct ct_var_options {
    ct_opt_f64 correction; /* sum of squares / (n - correction): 1 = sample variance (default), ct_some_f64(0) = population */
    bool keepdim;
    uint64_t reserved[2];
} ct_var_options;

/* Variance and its root, in two passes (mean first). Floating point only. With n <= correction: NaN or infinity, as in torch. */
CT_API ct_tensor *ct_var(ct_tensor *a, const ct_var_options *options);
CT_API ct_tensor *ct_var_dim(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options);
CT_API ct_tensor *ct_std(ct_tensor *a, const ct_var_options *options);
CT_API ct_tensor *ct_std_dim(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options);
/* Both at once: the mean through *mean, which may be NULL. */
CT_API ct_tensor *ct_var_mean(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options, ct_tensor **mean);
CT_API ct_tensor *ct_std_mean(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options, ct_tensor **mean);

/* Without what is NaN: the sum (0 if there is nothing else) and the mean (NaN then). */
CT_API ct_tensor *ct_nansum(ct_tensor *a);
CT_API ct_tensor *ct_nansum_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);
CT_API ct_tensor *ct_nanmean(ct_tensor *a);
CT_API ct_tensor *ct_nanmean_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);

/*
 * Extrema; any dtype; NaN wins. ct_max, ct_min, ct_amax, ct_amin share the gradient evenly among equal extrema; the _dim
 * forms give it to the one element whose index they return: int64 [shape of the result] through indices, which may be NULL; the first
 * of equals. An empty reduced dim is an error.
 */
CT_API ct_tensor *ct_max(ct_tensor *a);
CT_API ct_tensor *ct_min(ct_tensor *a);
CT_API ct_tensor *ct_amax(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);
CT_API ct_tensor *ct_amin(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);
CT_API ct_tensor *ct_max_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices);
CT_API ct_tensor *ct_min_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices);

/* Both extrema, the largest through *max, which may be NULL; of all elements with CT_DIM_NONE. The gradients are those of ct_amin, ct_amax. */
CT_API ct_tensor *ct_aminmax(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **max);

/* The index of the first extremum, int64, no gradient. CT_DIM_NONE: in the flattened tensor, 0-dim. NaN wins. Not for bool. */
CT_API ct_tensor *ct_argmax(ct_tensor *a, int64_t dim, const ct_reduce_options *options);
CT_API ct_tensor *ct_argmin(ct_tensor *a, int64_t dim, const ct_reduce_options *options);

/* (sum |a|^ord)^(1/ord); ord 2 is the Euclidean norm, 0 counts non-zeros, INFINITY and -INFINITY are max and min of |a|. Floating point only. The
 * gradient at 0 is 0. torch.linalg.vector_norm. */
CT_API ct_tensor *ct_norm(ct_tensor *a, double ord, const int64_t *dims, int n, const ct_reduce_options *options);

/* log(sum(exp(a))) without overflow; integers are converted to float32. */
CT_API ct_tensor *ct_logsumexp(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);

/* Running sum along dim, the shape of a; integers and bools give int64. */
CT_API ct_tensor *ct_cumsum(ct_tensor *a, int64_t dim);

/*
 * Along dim, the shape of a, for element i of what stands at 0 to i:
 *
 *     ct_cumprod        the product; integers and bools give int64. The gradient is right beside zeros.
 *     ct_cummax, cummin the extremum and through *indices (may be NULL) where it is, the last of equals; NaN wins. PyTorch's indices.
 *     ct_logcumsumexp   log(sum(exp)), without overflow; floating point only
 */
CT_API ct_tensor *ct_cumprod(ct_tensor *a, int64_t dim);
CT_API ct_tensor *ct_cummax(ct_tensor *a, int64_t dim, ct_tensor **indices);
CT_API ct_tensor *ct_cummin(ct_tensor *a, int64_t dim, ct_tensor **indices);
CT_API ct_tensor *ct_logcumsumexp(ct_tensor *a, int64_t dim);

/*
 * Statistics of order. Of an even number of elements the median is the smaller of the two in the middle, as in PyTorch; NaN wins, or is left
 * out by the nan forms. ct_mode: the most frequent element, the smallest of several. ct_kthvalue: the k-th smallest, k from 1. Not for bool, but for
 * ct_mode. indices: as ct_max_dim; of equal elements PyTorch leaves open which. ct_median shares its gradient evenly among equals, the others
 * give it to the one element. Not defined for an empty dim; ct_median of nothing is NaN.
 */
CT_API ct_tensor *ct_median(ct_tensor *a);
CT_API ct_tensor *ct_median_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices);
CT_API ct_tensor *ct_nanmedian(ct_tensor *a);
CT_API ct_tensor *ct_nanmedian_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices);
CT_API ct_tensor *ct_mode(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices);
CT_API ct_tensor *ct_kthvalue(ct_tensor *a, int64_t k, int64_t dim, const ct_reduce_options *options, ct_tensor **indices);

/* Between two elements, at weight w from the lower to the upper one. */
typedef enum ct_quantile_interpolation {
    CT_QUANTILE_LINEAR = 0, /* lower + w (upper - lower) */
    CT_QUANTILE_LOWER = 1,
    CT_QUANTILE_HIGHER = 2,
    CT_QUANTILE_NEAREST = 3, /* halves: the even one */
    CT_QUANTILE_MIDPOINT = 4,
    CT_QUANTILE_FORCE_32BIT = 0x7fffffff
} ct_quantile_interpolation;

typedef struct ct_quantile_options {
    ct_quantile_interpolation interpolation;
    bool keepdim;
    uint64_t reserved[2];
} ct_quantile_options;

/*
 * The elements at q (n - 1) of the sorted ones along dim (CT_DIM_NONE: of all): q of [], or [k] with the result [k, ...]; 0 to 1, of a's dtype,
 * float32 or float64. A NaN among the elements makes the result NaN; the nan forms leave it out. Gradients to a, and to q.
 */
CT_API ct_tensor *ct_quantile(ct_tensor *a, ct_tensor *q, int64_t dim, const ct_quantile_options *options);
CT_API ct_tensor *ct_quantile_scalar(ct_tensor *a, double q, int64_t dim, const ct_quantile_options *options);
CT_API ct_tensor *ct_nanquantile(ct_tensor *a, ct_tensor *q, int64_t dim, const ct_quantile_options *options);
CT_API ct_tensor *ct_nanquantile_scalar(ct_tensor *a, double q, int64_t dim, const ct_quantile_options *options);

/* Are all, is any of the elements non-zero (NaN is)? bool, uint8 for uint8; no gradient. Of none: true, false. */
CT_API ct_tensor *ct_all(ct_tensor *a);
CT_API ct_tensor *ct_all_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options);
CT_API ct_tensor *ct_all_dims(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);
CT_API ct_tensor *ct_any(ct_tensor *a);
CT_API ct_tensor *ct_any_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options);
CT_API ct_tensor *ct_any_dims(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options);

/* How many elements are not zero, int64, no gradient. n = 0: of all. */
CT_API ct_tensor *ct_count_nonzero(ct_tensor *a, const int64_t *dims, int n);

/*
 * How many elements lie in each of `bins` bins (PyTorch's default is 100) of equal width from min to max, the last one with its upper border: [bins] of
 * a's dtype. Others, NaN too, are left out. With min == max (both 0 in PyTorch) the bounds are the smallest and the largest element. Floating
 * point only, no gradient.
 */
CT_API ct_tensor *ct_histc(ct_tensor *a, int64_t bins, double min, double max);

/* How often each number from 0 on occurs in a [n], integers that are not negative: int64 [max(minlength, largest + 1)]. With weights [n] (or NULL)
 * their sums instead: float32 for float32, otherwise float64. No gradient. */
CT_API ct_tensor *ct_bincount(ct_tensor *a, ct_tensor *weights, int64_t minlength);

typedef struct ct_unique_options {
    bool no_sorted; /* any order will do. This implementation sorts all the same. */
    uint64_t reserved[2];
} ct_unique_options;

/*
 * The different elements, sorted, [k]; or, along dim, the different slices (CT_DIM_NONE: elements). *inverse: int64, for each element (slice) where
 * it went; *counts: int64 [k], how many it stands for; either may be NULL. Every NaN is different. No gradient. ct_unique_consecutive removes what
 * equals the one before it and does not sort.
 */
CT_API ct_tensor *ct_unique(ct_tensor *a, int64_t dim, const ct_unique_options *options, ct_tensor **inverse, ct_tensor **counts);
CT_API ct_tensor *ct_unique_consecutive(ct_tensor *a, int64_t dim, ct_tensor **inverse, ct_tensor **counts);

#ifdef __cplusplus
}
#endif
#endif
