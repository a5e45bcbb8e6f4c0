/*
 * op_norm_batch.c: batch normalization.
 *
 * A dense x is [outer, C, inner] around its channels, whatever the order of its dims in memory (op_softmax.c). The node keeps x, weight
 * and the statistics, mean, rstd = 1 / sqrt(var + eps) and the sample variance, and the bias, as one tensor
 * [4, C] of double. With xhat = (x - mean) rstd and n elements per channel:
 *
 *      gw = sum(g xhat)     gb = sum(g)
 *      gx = weight rstd (g - gb / n - xhat gw / n)      in training
 *      gx = weight rstd g                               with running statistics
 *
 * Both gradients of the parameters come from one pass over g and x, gx from a second. With a ReLU behind it (batch_ctx.relu) the kernels clip y, and the backward
 * pass takes g as 0 where it was, which it tells from x.
 */
#include "base/vec.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/norm.h"
#include "ops/packed.h"
#include "ops/twin.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

typedef struct batch_ctx {
    bool training, relu;
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

static ct__batch_norm kernel_args(const batch_ctx *c, ct_tensor *stats, const double *weight) {
    return (ct__batch_norm){.training = c->training, .relu = c->relu, .eps = c->eps, .weight = weight, .bias = vector(stats, 3),
                            .mean = vector(stats, 0), .rstd = vector(stats, 1), .sample = vector(stats, 2)};
}

static void fused(ct__node *n, const batch_ctx *c, ct_tensor *x, ct_tensor *weight, ct_tensor *stats, ct_tensor *g, ct_tensor **gin) {
    static const char function[] = "backward";
    ct_tensor *xd = ct__packed(function, x), *gx = NULL, *gd = ct__needs(n, 0) ? ct__packed_gradient(function, xd, g, &gx) : ct__packed_as(function, xd, g);
    int64_t channels = x->sizes[1];
    double *v = gd ? ct__alloc_array((size_t)ct__max_i64(channels, 1), 3 * sizeof *v) : NULL;
    if (v) {
        double *w = v, *sums = w + channels, *dots = sums + channels;
        ct__channels s = channels_of(xd);
        ct__norm_load(weight, channels, 1, w);
        ct__batch_norm b = kernel_args(c, stats, w);
        ct__kern()->norm.batch_backward(&s, &b, ct__ptr(gd), ct__ptr(xd), sums, dots, gx ? ct__ptr(gx) : NULL);
        gin[0] = ct__scope_give(gx);
        gx = NULL;
        if (ct__needs(n, 1)) gin[1] = ct__norm_vector(dots, channels, s.dtype);
        if (ct__needs(n, 2)) gin[2] = ct__norm_vector(sums, channels, s.dtype);
    }
    ct__free(v);
    ct__unref(gx);
    ct__unref(xd);
    ct__unref(gd);
}

/* What of g passes the ReLU, in public ops. Which elements those are is no function to be differentiated. */
static ct_tensor *passed(ct_tensor *x, ct_tensor *weight, ct_tensor *stats, ct_tensor *g) {
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *s = ct_to(stats, (ct_dtype)x->dtype), *row[4];
    for (int i = 0; i < 4; i++) row[i] = ct__norm_spread(ct_select(s, 0, i), x->ndim);
    ct_tensor *y = ct_mul(ct_sub(x, row[0]), row[1]);
    if (weight) y = ct_mul(y, ct__norm_spread(weight, x->ndim));
    ct_tensor *clipped = ct_scope_return(scope, ct_le_scalar(ct_add(y, row[3]), 0));
    return ct_masked_fill(g, clipped, 0);
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
    ct_tensor *gy = c.relu ? passed(x, weight, stats, g[0]) : g[0];
    if (!gy) return;
    ct__twin_backward(n, twin, &c, (ct_tensor *[]){x, weight}, 2, &gy, 1, gin);
    if (ct__needs(n, 2)) gin[2] = ct__norm_channel_sum(gy);
}
static const ct__node_class batch_norm_class = {
    .op = CT__OP_batch_norm, .backward = batch_norm_backward, .ctx_size = sizeof(batch_ctx), .n_saved = 3};
static const ct__node_class batch_norm_relu_class = {
    .op = CT__OP_batch_norm_relu, .backward = batch_norm_backward, .ctx_size = sizeof(batch_ctx), .n_saved = 3};

/* ---- Forward ---- */

static ct_tensor *run(const char *function, const batch_ctx *c, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, ct_tensor *running_mean,
                      ct_tensor *running_var, ct_tensor *stats) {
    int64_t channels = x->sizes[1];
    ct_tensor *xd = ct__packed(function, x), *y = xd ? ct__new_like(function, xd, (ct_dtype)x->dtype) : NULL;
    double *w = y ? ct__alloc_array((size_t)ct__max_i64(channels, 1), sizeof *w) : NULL;
    if (!w) {
        ct__unref(y);
        y = NULL;
    } else if (x->numel) {
        ct__channels s = channels_of(xd);
        ct__batch_norm b = kernel_args(c, stats, w);
        ct__norm_load(weight, channels, 1, w);
        ct__norm_load(bias, channels, 0, vector(stats, 3));
        if (!c->training) {
            ct__norm_load(running_mean, channels, 0, b.mean);
            ct__norm_load(running_var, channels, 1, b.rstd);
            for (int64_t i = 0; i < channels; i++) b.rstd[i] = 1 / sqrt(b.rstd[i] + c->eps);
        }
        ct__kern()->norm.batch(&s, &b, ct__ptr(xd), ct__ptr(y));
    }
    ct__free(w);
    ct__unref(xd);
    return y;
}

static ct_status check(int op, const ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias, const batch_ctx *c) {
    ct__shape_text a;
    if (x->dtype != CT_F32 && x->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype));
    if (x->ndim < 2) return ct__fail(CT_ERR_SHAPE, "%s: x %s must be [N, C, ...]", ct__fn(op), CT__SIZES(&a, x));
    int64_t channels = x->sizes[1];
    CT__TRY(ct__norm_check_vector(op, "weight", weight, channels, x));
    CT__TRY(ct__norm_check_vector(op, "bias", bias, channels, x));
    CT__TRY(ct__norm_check_running(op, running_mean, running_var, channels, c->training));
    if (c->training && channels && x->numel == channels)
        return ct__fail(CT_ERR_SHAPE, "%s: training needs more than one value per channel; x is %s", ct__fn(op), CT__SIZES(&a, x));
    if (!c->training && !running_mean)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: without .training running_mean and running_var must be given", ct__fn(op));
    return CT_OK;
}

/* Of float32 or float64. The class is one of the two. */
static ct_tensor *batch_norm(const ct__node_class *cls, ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                             const ct_batch_norm_options *o) {
    const char *function = ct__fn(cls->op);
    const batch_ctx c = {.training = o && o->training, .relu = cls == &batch_norm_relu_class, .eps = o && o->eps.has ? o->eps.value : 1e-5};
    double momentum = o && o->momentum.has ? o->momentum.value : 0.1;
    CT__TRY_NULL(check(cls->op, x, running_mean, running_var, weight, bias, &c));
    ct_tensor *stats = ct__new(function, (int64_t[]){4, x->sizes[1]}, 2, CT_F64);
    if (!stats) return NULL;
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){x, weight, bias}, 3, 1);
    if (n) *(batch_ctx *)ct__ctx(n) = c;
    ct__save(n, 0, x);
    ct__save(n, 1, weight);
    ct__save(n, 2, stats);
    ct_tensor *y = ct__finish(n, ct__pending() == CT_OK ? run(function, &c, x, weight, bias, running_mean, running_var, stats) : NULL);
    if (y && c.training && running_mean && x->numel) { /* last, that a failure leaves them as they were */
        ct__norm_move(running_mean, vector(stats, 0), momentum);
        ct__norm_move(running_var, vector(stats, 2), momentum);
    }
    ct__unref(stats);
    return y;
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
    return batch_norm(&batch_norm_class, x, running_mean, running_var, weight, bias, o);
}

/* What goes step by step: half types, whose y is rounded before its sign decides, and what has no channels. */
ct_tensor *ct_batch_norm_relu(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                              const ct_batch_norm_options *o) {
    if (!ct__enter(CT__OP_batch_norm_relu, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_batch_norm_relu", o));
    if (x->ndim > 1 && !ct__is_half(x)) return batch_norm(&batch_norm_relu_class, x, running_mean, running_var, weight, bias, o);
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_relu(ct_batch_norm(x, running_mean, running_var, weight, bias, o)));
}
