/*
 * ctorch/ops_random.h: random tensors. The numbers are PyTorch's on a CPU: the same seed and the same calls give the same
 * values, bit for bit unless said otherwise.
 *
 * Every call draws from generator, NULL = the default one (random.h). No gradient flows. Results are row-major and held by the innermost
 * scope. Errors as in ops_create.h, and CT_ERR_INVALID_ARGUMENT for parameters outside of the distribution's range.
 */
#ifndef CTORCH_OPS_RANDOM_H
#define CTORCH_OPS_RANDOM_H

#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* New tensors. CT_DTYPE_NONE is float32; ct_rand and ct_randn make floating point only. */
CT_API ct_tensor *ct_rand(const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator);  /* uniform in [0, 1) */
CT_API ct_tensor *ct_randn(const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator); /* normal; from 16 elements on to 1e-6 */

/* Integers in [low, high). CT_DTYPE_NONE is int64. Error: high <= low, or a bound that the dtype cannot hold. */
CT_API ct_tensor *ct_randint(int64_t low, int64_t high, const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator);

/* With the sizes of a, and its strides where it is dense. CT_DTYPE_NONE is a's dtype. */
CT_API ct_tensor *ct_rand_like(ct_tensor *a, ct_dtype dtype, ct_generator *generator);
CT_API ct_tensor *ct_randn_like(ct_tensor *a, ct_dtype dtype, ct_generator *generator);
CT_API ct_tensor *ct_randint_like(ct_tensor *a, int64_t low, int64_t high, ct_dtype dtype, ct_generator *generator);

/*
 * Normal numbers of a mean and a standard deviation each: two tensors, broadcast, or one and a number; floating point. The dtype is mean's, std's where
 * mean is a number. No gradient flows (torch's is zero). Error: a negative std. ct_normal_float_float is torch.normal with two numbers and a size.
 */
CT_API ct_tensor *ct_normal(ct_tensor *mean, ct_tensor *std, ct_generator *generator);
CT_API ct_tensor *ct_normal_scalar(ct_tensor *mean, double std, ct_generator *generator);
CT_API ct_tensor *ct_normal_rscalar(double mean, ct_tensor *std, ct_generator *generator);
CT_API ct_tensor *ct_normal_float_float(double mean, double std, const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator);

/* A random order of 0, ..., n - 1. CT_DTYPE_NONE is int64. */
CT_API ct_tensor *ct_randperm(int64_t n, ct_dtype dtype, ct_generator *generator);

/* 1 with probability p[i], else 0; the shape and dtype of p, which is floating point in [0, 1]. */
CT_API ct_tensor *ct_bernoulli(ct_tensor *p, ct_generator *generator);

typedef struct ct_multinomial_options {
    bool replacement;        /* an index may be drawn more than once */
    ct_generator *generator; /* NULL = the default one */
    uint64_t reserved[2];
} ct_multinomial_options;

/*
 * Draws num_samples indices per row, with probabilities proportional to the row's weights. weights [C] or [N, C], floating point, finite, not
 * negative, not all zero -> int64 [num_samples] or [N, num_samples]. Without replacement num_samples must not exceed the number of
 * non-zero weights. As torch.multinomial.
 */
CT_API ct_tensor *ct_multinomial(ct_tensor *weights, int64_t num_samples, const ct_multinomial_options *options);

/*
 * In place: every element gets a new value. No gradient flows to what was there. All but random_, bernoulli_ and geometric_ want floating point.
 */
CT_API ct_status ct_uniform_(ct_tensor *a, double from, double to, ct_generator *generator);  /* [from, to) */
CT_API ct_status ct_normal_(ct_tensor *a, double mean, double std, ct_generator *generator);  /* std >= 0 */
CT_API ct_status ct_random_(ct_tensor *a, int64_t from, int64_t to, ct_generator *generator); /* integers in [from, to), any dtype but bool beyond 2 */
CT_API ct_status ct_bernoulli_(ct_tensor *a, double p, ct_generator *generator);              /* 1 with probability p */
CT_API ct_status ct_bernoulli_tensor_(ct_tensor *a, ct_tensor *p, ct_generator *generator);   /* p is floating point, broadcast to a */
CT_API ct_status ct_exponential_(ct_tensor *a, double lambd, ct_generator *generator);        /* density lambd exp(-lambd x); lambd > 0 */
CT_API ct_status ct_log_normal_(ct_tensor *a, double mean, double std, ct_generator *generator); /* exp of a normal number; std > 0 */
CT_API ct_status ct_cauchy_(ct_tensor *a, double median, double sigma, ct_generator *generator); /* sigma > 0 */
CT_API ct_status ct_geometric_(ct_tensor *a, double p, ct_generator *generator);              /* trials up to the first success, p in (0, 1) */

#ifdef __cplusplus
}
#endif
#endif
