/*
 * cumulative.h: running products, extrema and log-sum-exps along one dim of a row-major block.
 */
#ifndef CT__CUMULATIVE_H
#define CT__CUMULATIVE_H

#include <ctorch/tensor.h>

/* [outer, n, inner], row-major; lines run along n. */
typedef struct ct__lines {
    int64_t outer, n, inner;
} ct__lines;

/* out[i] = x[0] ... x[i]; f32, f64 (carried in f64), i64 (wrapping). */
void ct__cumprod(const ct__lines *l, ct_dtype dtype, const void *x, void *out);

/* The gradient of cumprod: gx[k] = p[k-1] s[k], with the products p of x in front of k and s[k] = g[k] + x[k+1] s[k+1]. No division, so zeros
 * are like other numbers. f32, f64. */
void ct__cumprod_gradient(const ct__lines *l, ct_dtype dtype, const void *x, const void *g, void *gx);

/* Where the extremum of x[0] ... x[i] is, the last of equals; NaN wins. f32 f64 i32 i64 u8. */
void ct__cumextremum(const ct__lines *l, ct_dtype dtype, const void *x, bool max, int64_t *indices);

/* out[i] = log(exp(x[0]) + ... + exp(x[i])); f32, f64. */
void ct__logcumsumexp(const ct__lines *l, ct_dtype dtype, const void *x, void *out);

#endif
