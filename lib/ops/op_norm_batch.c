/*
 * op_norm_batch.c: batch normalization.
 *
 * A dense x is [outer, C, inner] around its channels, whatever the order of its dims in memory (op_softmax.c). The node keeps x, weight
 * and the statistics, mean, rstd = 1 / sqrt(var + eps) and the sample variance, as one tensor [3, C] of double. With xhat = (x - mean) rstd and n elements per channel:
 *
 *      gw = sum(g xhat)     gb = sum(g)
 *      gx = weight rstd (g - gb / n - xhat gw / n)      in training
 *      gx = weight rstd g                               with running statistics
 *
 * Both gradients of the parameters come from one pass over g and x, gx from a second.
 */
#include "base/vec.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/norm.h"
#include "ops/packed.h"
#include "ops/twin.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

typedef struct batch_ctx {
    bool training;
    double eps;
    ct_tensor *stats; /* for the twin: of the running statistics; not a reference */
} batch_ctx;

static ct__channels channels_of(const ct_tensor *dense) {
    int64_t n = dense->sizes[1], inner = dense->sizes[1] > 1 ? dense->strides[1] : 1;
    if (n <= 1) return (ct__channels){(ct_dtype)dense->dtype, 1, n, dense->numel};
    return (ct__channels){(ct_dtype)dense->dtype, dense->numel / n / inner, n, inner};
}

static double *vector(ct_tensor *stats, int i) { return (double *)(void *)ct__ptr(stats) + i * stats->sizes[1]; }

/* ---- Backward ---- */

/* in: x, weight. The running statistics are constants. */
static void twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    const batch_ctx *c = ctx;
    int64_t dims[CT_MAX_NDIM];
    int n = 0, ndim = in[0]->ndim;
    for (int d = 0; d < ndim; d++)
        if (d != 1) dims[n++] = d;
    ct_tensor *mean, *rstd;
    if (c->training) {
        mean = ct_mean_dim(in[0], dims, n, &(ct_reduce_options){.keepdim = true});
        ct_tensor *var = ct_var_dim(in[0], dims, n, &(ct_var_options){.keepdim = true, .correction = {true, 0}});
        rstd = ct_rsqrt(ct_add_scalar(var, c->eps));
    } else {
        ct_tensor *stats = ct_to(c->stats, (ct_dtype)in[0]->dtype);
        mean = ct__norm_spread(ct_select(stats, 0, 0), ndim);
        rstd = ct__norm_spread(ct_select(stats, 0, 1), ndim);
    }
    ct_tensor *y = ct_mul(ct_sub(in[0], mean), rstd);
    out[0] = in[1] ? ct_mul(y, ct__norm_spread(in[1], ndim)) : y;
}

/* Coefficients of ct__norm_kernels.combine from the sums: p, q, r [C] each. */
static void coefficients(const batch_ctx *c, const ct__channels *s, const double *w, const double *rstd, const double *sums, const double *dots,
                         double *p, double *q, double *r) {
    double n = (double)(s->outer * s->inner);
    for (int64_t i = 0; i < s->channels; i++) {
        p[i] = w[i] * rstd[i];
        q[i] = c->training ? -p[i] * rstd[i] * rstd[i] * dots[i] / n : 0;
        r[i] = c->training ? -p[i] * sums[i] / n : 0;
    }
}

static void fused(ct__node *n, const batch_ctx *c, ct_tensor *x, ct_tensor *weight, ct_tensor *stats, ct_tensor *g, ct_tensor **gin) {
    static const char function[] = "backward";
    ct_tensor *xd = ct__packed(function, x), *gd = ct__packed_as(function, xd, g), *gx = NULL;
    int64_t channels = x->sizes[1];
    double *v = gd ? ct__alloc_array((size_t)ct__max_i64(channels, 1), 6 * sizeof *v) : NULL;
    if (v) {
        double *w = v, *sums = w + channels, *dots = sums + channels, *p = dots + channels, *q = p + channels, *r = q + channels;
        double *mean = vector(stats, 0), *rstd = vector(stats, 1);
        ct__channels s = channels_of(xd);
        ct__norm_load(weight, channels, 1, w);
        ct__kern()->norm.sums(&s, ct__ptr(gd), ct__ptr(xd), mean, sums, dots);
        if (ct__needs(n, 0) && (gx = ct__new_like(function, xd, s.dtype)) && gx->numel) {
            coefficients(c, &s, w, rstd, sums, dots, p, q, r);
            ct__kern()->norm.combine(&s, ct__ptr(gd), ct__ptr(xd), mean, p, q, r, ct__ptr(gx));
        }
        gin[0] = ct__scope_give(gx);
        for (int64_t i = 0; i < channels; i++) dots[i] *= rstd[i];
        if (ct__needs(n, 1)) gin[1] = ct__norm_vector(dots, channels, s.dtype);
        if (ct__needs(n, 2)) gin[2] = ct__norm_vector(sums, channels, s.dtype);
    }
    ct__free(v);
    ct__unref(xd);
    ct__unref(gd);
}

/* Slots: 0 x, 1 weight, 2 statistics. */
static void batch_norm_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    batch_ctx c = *(const batch_ctx *)ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0), *weight = ct__saved(n, 1), *stats = ct__saved(n, 2);
    if (!x || !stats || ct__pending() != CT_OK) return;
    c.stats = stats;
    if (!ct__grad_mode()) {
        fused(n, &c, x, weight, stats, g[0], gin);
        return;
    }
    ct__twin_backward(n, twin, &c, (ct_tensor *[]){x, weight}, 2, g, 1, gin);
    if (ct__needs(n, 2)) gin[2] = ct__norm_channel_sum(g[0]);
}
static const ct__node_class batch_norm_class = {
    .op = CT__OP_batch_norm, .backward = batch_norm_backward, .ctx_size = sizeof(batch_ctx), .n_saved = 3};

/* ---- Forward ---- */

/* Into the rows of stats: mean, rstd and, in training, the sample variance, for the running one. */
static void statistics(const batch_ctx *c, const ct__channels *s, const void *x, ct_tensor *running_mean, ct_tensor *running_var, ct__moments *m,
                       ct_tensor *stats) {
    double *mean = vector(stats, 0), *rstd = vector(stats, 1), *sample = vector(stats, 2);
    if (c->training) {
        ct__norm_moments(s, x, m);
        for (int64_t i = 0; i < s->channels; i++) {
            mean[i] = m[i].mean;
            rstd[i] = m[i].m2 / m[i].n;
            sample[i] = m[i].m2 / (m[i].n - 1);
        }
    } else {
        ct__norm_load(running_mean, s->channels, 0, mean);
        ct__norm_load(running_var, s->channels, 1, rstd);
    }
    for (int64_t i = 0; i < s->channels; i++) rstd[i] = 1 / sqrt(rstd[i] + c->eps);
}

static ct_tensor *run(const batch_ctx *c, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, ct_tensor *running_mean, ct_tensor *running_var,
                      ct_tensor *stats) {
    static const char function[] = "ct_batch_norm";
    int64_t channels = x->sizes[1];
    ct_tensor *xd = ct__packed(function, x), *y = xd ? ct__new_like(function, xd, (ct_dtype)x->dtype) : NULL;
    ct__moments *m = y ? ct__alloc_array((size_t)ct__max_i64(channels, 1), sizeof *m + 2 * sizeof(double)) : NULL;
    if (!m) {
        ct__unref(y);
        y = NULL;
    } else if (x->numel) {
        ct__channels s = channels_of(xd);
        double *mean = vector(stats, 0), *rstd = vector(stats, 1), *a = (double *)(m + channels), *b = a + channels;
        statistics(c, &s, ct__ptr(xd), running_mean, running_var, m, stats);
        ct__norm_load(weight, channels, 1, a);
        ct__norm_load(bias, channels, 0, b);
        for (int64_t i = 0; i < channels; i++) a[i] *= rstd[i];
        ct__kern()->norm.scale(&s, ct__ptr(xd), mean, a, b, ct__ptr(y));
    }
    ct__free(m);
    ct__unref(xd);
    return y;
}

static ct_status check(const ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias, const batch_ctx *c) {
    const int op = CT__OP_batch_norm;
    ct__shape_text a;
    if (x->dtype != CT_F32 && x->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "ct_batch_norm: %s is not a floating point dtype", ct_dtype_name((ct_dtype)x->dtype));
    if (x->ndim < 2) return ct__fail(CT_ERR_SHAPE, "ct_batch_norm: x %s must be [N, C, ...]", CT__SIZES(&a, x));
    int64_t channels = x->sizes[1];
    CT__TRY(ct__norm_check_vector(op, "weight", weight, channels, x));
    CT__TRY(ct__norm_check_vector(op, "bias", bias, channels, x));
    CT__TRY(ct__norm_check_running(op, running_mean, running_var, channels, c->training));
    if (c->training && channels && x->numel == channels)
        return ct__fail(CT_ERR_SHAPE, "ct_batch_norm: training needs more than one value per channel; x is %s", CT__SIZES(&a, x));
    if (!c->training && !running_mean)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_batch_norm: without .training running_mean and running_var must be given");
    return CT_OK;
}

ct_tensor *ct_batch_norm(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                         const ct_batch_norm_options *o) {
    if (!ct__enter(CT__OP_batch_norm, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_batch_norm", o));
    if (x->ndim == 1 && x->numel == 0 && ct__is_float(x)) { /* torch looks no further */
        ct_scope scope = ct_scope_begin();
        return ct_scope_return(scope, ct_mul_scalar(x, 1));
    }
    if (ct__is_half(x)) {
        CT__TRY_NULL(ct__norm_check_params(CT__OP_batch_norm, x, weight, bias));
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_batch_norm(ct__widen(x), running_mean, running_var, ct__widen(weight), ct__widen(bias), o));
    }
    batch_ctx c = {.training = o && o->training, .eps = o && o->eps.has ? o->eps.value : 1e-5};
    double momentum = o && o->momentum.has ? o->momentum.value : 0.1;
    CT__TRY_NULL(check(x, running_mean, running_var, weight, bias, &c));
    ct_tensor *stats = ct__new("ct_batch_norm", (int64_t[]){3, x->sizes[1]}, 2, CT_F64);
    if (!stats) return NULL;
    ct__node *n = ct__node_new(&batch_norm_class, (ct_tensor *[]){x, weight, bias}, 3, 1);
    if (n) *(batch_ctx *)ct__ctx(n) = c;
    ct__save(n, 0, x);
    ct__save(n, 1, weight);
    ct__save(n, 2, stats);
    ct_tensor *y = ct__finish(n, ct__pending() == CT_OK ? run(&c, x, weight, bias, running_mean, running_var, stats) : NULL);
    if (y && c.training && running_mean && x->numel) { /* last, that a failure leaves them as they were */
        ct__norm_move(running_mean, vector(stats, 0), momentum);
        ct__norm_move(running_var, vector(stats, 2), momentum);
    }
    ct__unref(stats);
    return y;
}
