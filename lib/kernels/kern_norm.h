/*
 * kern_norm.h: normalization.
 *
 * Two shapes of dense memory, dtype CT_F32 or CT_F64, which void pointers point to; statistics and sums are double.
 *
 *      channels   x [outer, channels, inner], a number per channel: batch, instance and group norm. inner == 1 is channels_last.
 *                 (Means and variances of channels are those of kern_reduce.h.)
 *      rows       x [m, n], statistics per row, weight and bias per column: layer and RMS norm
 *
 * Sums over a channel or column are split at borders that do not depend on the number of threads.
 */
#ifndef CT__KERN_NORM_H
#define CT__KERN_NORM_H

#include "kernels/kern_nn.h"

#include <ctorch/tensor.h>

typedef struct ct__channels {
    ct_dtype dtype;
    int64_t outer, channels, inner;
} ct__channels;

/* Batch norm: y = (x - mean[c]) rstd[c] weight[c] + bias[c], with relu the larger of that and 0. */
typedef struct ct__batch_norm {
    bool training; /* the statistics are x's own: the forward pass fills them and the backward one goes through them; else they are given */
    bool relu;
    double eps;                   /* training: rstd = 1 / sqrt(variance + eps) */
    const double *weight, *bias;  /* [channels] */
    double *mean, *rstd, *sample; /* [channels]; sample: the unbiased variance, in training only */
} ct__batch_norm;

/* Rows. centred: layer norm, xhat = (x - mean) rstd; otherwise RMS norm, xhat = x rstd, and mean is not used. */
typedef struct ct__norm_rows {
    ct_dtype dtype;
    bool centred;
    int64_t m, n;
    const void *x;
    const void *weight; /* [n] or NULL */
    double eps;
    double *mean, *rstd; /* [m] */
} ct__norm_rows;

typedef struct ct__norm_kernels {
    /* y = (x - mean[c]) a[c] + b[c] */
    void (*scale)(const ct__channels *s, const void *x, const double *mean, const double *a, const double *b, void *y);
    /* sums[c] = sum of g, dots[c] = sum of g (x - mean[c]) */
    void (*sums)(const ct__channels *s, const void *g, const void *x, const double *mean, double *sums, double *dots);
    /* gx = p[c] g + q[c] (x - mean[c]) + r[c] */
    void (*combine)(const ct__channels *s, const void *g, const void *x, const double *mean, const double *p, const double *q,
                    const double *r, void *gx);

    void (*batch)(const ct__channels *s, const ct__batch_norm *b, const void *x, void *y);
    /* With h = g, or 0 where relu made y 0, xhat = (x - mean) rstd, and n elements per channel: sums[c] = sum of h, dots[c] = sum of h xhat, which are the
     * gradients of bias and weight, and gx = weight rstd (h - (sums + xhat dots) / n), in evaluation weight rstd h. gx may be NULL or g. */
    void (*batch_backward)(const ct__channels *s, const ct__batch_norm *b, const void *g, const void *x, double *sums, double *dots, void *gx);

    /* y = xhat weight + bias (NULL: 0); fills mean and rstd = 1 / sqrt(variance + eps), or 1 / sqrt(mean square + eps). */
    void (*rows)(const ct__norm_rows *c, const void *bias, void *y);
    /* With h = g weight: gx = rstd (h - mean(h) - xhat mean(h xhat)), without mean(h) if not centred. gx may be g. */
    void (*rows_backward)(const ct__norm_rows *c, const void *g, void *gx);
    /* gw = column sums of g xhat, gb = of g; either may be NULL. */
    void (*rows_params)(const ct__norm_rows *c, const void *g, void *gw, void *gb);

    /* float32, m the factors of a draw: sum = a + b m, then rows of c->x, which is sum. */
    void (*add_rows)(const ct__norm_rows *c, const ct__dropout_draw *draw, const float *a, const float *b, float *sum, const float *bias, float *y);
    /* float32, rows_backward and rows_params in one pass over memory; gx may be g. gw, gb [ceil(m / CT__SUM_ROWS), n]: sums over as many rows each; either may
     * be NULL. gm = gx m, the gradient of b above, unless draw is NULL. */
    void (*rows_backward_all)(const ct__norm_rows *c, const ct__dropout_draw *draw, const float *g, float *gx, float *gm, float *gw, float *gb);
} ct__norm_kernels;

#endif
