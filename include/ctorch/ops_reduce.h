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

/* Are all, is any of the elements non-zero (NaN is)? bool, uint8 for uint8; no gradient. Of none: true, false. */
CT_API ct_tensor *ct_all(ct_tensor *a);
CT_API ct_tensor *ct_all_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options);
CT_API ct_tensor *ct_any(ct_tensor *a);
CT_API ct_tensor *ct_any_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options);

/* How many elements are not zero, int64, no gradient. n = 0: of all. */
CT_API ct_tensor *ct_count_nonzero(ct_tensor *a, const int64_t *dims, int n);

#ifdef __cplusplus
}
#endif
#endif
