/*
 * norm.h: what the normalizations share.
 */
#ifndef CT__NORM_H
#define CT__NORM_H

#include "kernels/kernels.h"
#include "ops/twin.h"

/* An optional vector of n numbers of x's dtype. */
ct_status ct__norm_check_vector(int op, const char *what, const ct_tensor *t, int64_t n, const ct_tensor *x);

/* The parameters of a half type x: its own dtype or float32, as in torch. They may be NULL. */
ct_status ct__norm_check_params(int op, const ct_tensor *x, ct_tensor *weight, ct_tensor *bias);

/* Elements of a vector as double, dense; a missing one is all `missing`. */
void ct__norm_load(const ct_tensor *t, int64_t n, double missing, double *out);

/* Count, mean and sum of squared deviations of each channel. */
void ct__norm_moments(const ct__channels *s, const void *x, ct__moments *out);

/* Running statistics: both or neither, [n], floating point, changeable in place if they will be. */
ct_status ct__norm_check_running(int op, ct_tensor *mean, ct_tensor *var, int64_t n, bool changed);
/* (1 - momentum) old + momentum value[i] */
void ct__norm_move(ct_tensor *running, const double *value, double momentum);

/* What batch norm in evaluation does to a channel, y = x scale + shift, behind a convolution whose bias (NULL: 0) goes into shift. Vectors of one dtype;
 * scale and shift are scope-held. */
ct_status ct__batch_norm_affine(ct_tensor *mean, ct_tensor *var, ct_tensor *weight, ct_tensor *bias, ct_tensor *conv_bias, double eps, ct_tensor **scale,
                                ct_tensor **shift);

/* The gradient of a number per channel: g summed over all dims but 1. */
ct_tensor *ct__norm_channel_sum(ct_tensor *g);

/* n numbers as a scope-held tensor [n]. */
ct_tensor *ct__norm_vector(const double *v, int64_t n, ct_dtype dtype);

/* [C] as [1, C, 1, ...] of ndim dims; NULL stays NULL. */
ct_tensor *ct__norm_spread(ct_tensor *vector, int ndim);

#endif
