/*
 * op_norm_group.c: group normalization, and instance normalization, whose groups are single channels.
 *
 * A row-major x is N G groups of D = C / G channels with P positions each. The loops are those of batch norm with a "channel" for each sample
 * and channel, [1, N C, P]; statistics are merged to groups first. With h = g weight, xhat = (x - mean) rstd and n = D P elements in a group:
 *
 *      gx = rstd (h - sum(h) / n - xhat sum(h xhat) / n)        gw = sum over samples and positions of g xhat        gb of g
 */
#include "base/vec.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/norm.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

typedef struct group_ctx {
    int64_t n, c, groups, positions;
    double eps;
} group_ctx;

static ct__channels spread(const group_ctx *k, ct_dtype dtype) { return (ct__channels){dtype, 1, k->n * k->c, k->positions}; }

/* mean, rstd and sample variance of group i: stats [3, N G] */
static double *vector(ct_tensor *stats, int i) { return (double *)(void *)ct__ptr(stats) + i * stats->sizes[1]; }

/* ---- Backward ---- */

/* in: x, weight */
static void twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    const group_ctx *k = ctx;
    ct_tensor *x = ct_reshape(in[0], CT_SHAPE(k->n, k->groups, k->c / k->groups * k->positions));
    ct_tensor *mean = ct_mean_dim(x, CT_DIMS(2), &(ct_reduce_options){.keepdim = true});
    ct_tensor *var = ct_var_dim(x, CT_DIMS(2), &(ct_var_options){.keepdim = true, .correction = {true, 0}});
    ct_tensor *y = ct_reshape(ct_mul(ct_sub(x, mean), ct_rsqrt(ct_add_scalar(var, k->eps))), in[0]->sizes, in[0]->ndim);
    out[0] = in[1] ? ct_mul(y, ct__norm_spread(in[1], in[0]->ndim)) : y;
}

/* From the sums for each sample and channel: coefficients of ct__norm_kernels.combine. */
static void coefficients(const group_ctx *k, const double *w, const double *rstd, const double *sums, const double *dots, double *p, double *q,
                         double *r) {
    int64_t d = k->c / k->groups;
    double n = (double)(d * k->positions);
    for (int64_t group = 0; group < k->n * k->groups; group++) {
        int64_t first = group * d, channel = group % k->groups * d;
        double sum = 0, dot = 0, s = rstd[group];
        for (int64_t i = 0; i < d; i++) {
            sum += w[channel + i] * sums[first + i];
            dot += w[channel + i] * dots[first + i];
        }
        for (int64_t i = 0; i < d; i++) {
            p[first + i] = w[channel + i] * s;
            q[first + i] = -s * s * s * dot / n;
            r[first + i] = -s * sum / n;
        }
    }
}

/* Sums over the samples: gw in dots[0..C), gb in sums[0..C). */
static void over_samples(const group_ctx *k, const double *rstd, double *sums, double *dots) {
    int64_t d = k->c / k->groups;
    for (int64_t i = 0; i < k->n * k->c; i++) {
        double dot = dots[i] * rstd[i / d], sum = sums[i];
        if (i < k->c) dots[i] = dot, sums[i] = sum;
        else dots[i % k->c] += dot, sums[i % k->c] += sum;
    }
}

static void fused(ct__node *n, const group_ctx *k, ct_tensor *x, ct_tensor *weight, ct_tensor *stats, ct_tensor *g, ct_tensor **gin) {
    static const char function[] = "backward";
    ct_tensor *xd = ct__dense(function, x), *gd = xd ? ct__dense(function, g) : NULL, *gx = NULL;
    int64_t all = k->n * k->c, d = k->c / k->groups;
    double *v = gd ? ct__alloc_array((size_t)(6 * all + k->c + 1), sizeof *v) : NULL;
    if (v) {
        double *mean = v, *sums = mean + all, *dots = sums + all, *p = dots + all, *q = p + all, *r = q + all, *w = r + all;
        double *rstd = vector(stats, 1);
        ct__channels s = spread(k, (ct_dtype)x->dtype);
        ct__norm_load(weight, k->c, 1, w);
        for (int64_t i = 0; i < all; i++) mean[i] = vector(stats, 0)[i / d];
        ct__kern()->norm.sums(&s, ct__ptr(gd), ct__ptr(xd), mean, sums, dots);
        if (ct__needs(n, 0) && (gx = ct__new(function, x->sizes, x->ndim, s.dtype)) && gx->numel) {
            coefficients(k, w, rstd, sums, dots, p, q, r);
            ct__kern()->norm.combine(&s, ct__ptr(gd), ct__ptr(xd), mean, p, q, r, ct__ptr(gx));
        }
        gin[0] = ct__scope_give(gx);
        over_samples(k, rstd, sums, dots);
        for (int64_t i = 0; all == 0 && i < k->c; i++) sums[i] = dots[i] = 0;
        if (ct__needs(n, 1)) gin[1] = ct__norm_vector(dots, k->c, s.dtype);
        if (ct__needs(n, 2)) gin[2] = ct__norm_vector(sums, k->c, s.dtype);
    }
    ct__free(v);
    ct__unref(xd);
    ct__unref(gd);
}

/* Slots: 0 x, 1 weight, 2 statistics. */
static void group_norm_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const group_ctx *k = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0), *weight = ct__saved(n, 1), *stats = ct__saved(n, 2);
    if (!x || !stats || ct__pending() != CT_OK) return;
    if (!ct__grad_mode() && x->numel) {
        fused(n, k, x, weight, stats, g[0], gin);
        return;
    }
    if (x->numel) ct__twin_backward(n, twin, k, (ct_tensor *[]){x, weight}, 2, g, 1, gin);
    else if (ct__needs(n, 0)) gin[0] = ct_zeros_like(x, CT_DTYPE_NONE);
    if (!x->numel && ct__needs(n, 1)) gin[1] = ct_zeros_like(weight, CT_DTYPE_NONE);
    if (ct__needs(n, 2)) gin[2] = ct__norm_channel_sum(g[0]);
}
static const ct__node_class group_norm_class = {
    .op = CT__OP_group_norm, .backward = group_norm_backward, .ctx_size = sizeof(group_ctx), .n_saved = 3};
static const ct__node_class instance_norm_class = {
    .op = CT__OP_instance_norm, .backward = group_norm_backward, .ctx_size = sizeof(group_ctx), .n_saved = 3};

/* ---- Forward ---- */

static void statistics(const group_ctx *k, const ct__moments *m, ct_tensor *stats) {
    int64_t d = k->c / k->groups;
    for (int64_t group = 0; group < k->n * k->groups; group++) {
        ct__moments all = m[group * d];
        for (int64_t i = 1; i < d; i++) ct__moments_merge(&all, m[group * d + i].n, m[group * d + i].mean, m[group * d + i].m2);
        vector(stats, 0)[group] = all.mean;
        vector(stats, 1)[group] = 1 / sqrt(all.m2 / all.n + k->eps);
        vector(stats, 2)[group] = all.m2 / (all.n - 1);
    }
}

/* y in x's layout from row-major work. */
static ct_tensor *arranged(const char *function, ct_tensor *x, ct_tensor *y) {
    if (!y || x->contiguous) return y;
    ct_tensor *out = ct__new_like(function, x, (ct_dtype)y->dtype);
    if (out && ct__same_sizes(out, y) && !out->contiguous) {
        ct__copy_raw(out, y);
        ct__unref(y);
        return out;
    }
    ct__unref(out);
    return ct__pending() == CT_OK ? y : (ct__unref(y), NULL);
}

static ct_tensor *run(const char *function, const group_ctx *k, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, ct_tensor *stats) {
    int64_t all = k->n * k->c, d = k->groups ? k->c / k->groups : 1;
    ct_tensor *xd = ct__dense(function, x), *y = xd ? ct__new(function, x->sizes, x->ndim, (ct_dtype)x->dtype) : NULL;
    ct__moments *m = y ? ct__alloc_array((size_t)(all + 1), sizeof *m + 3 * sizeof(double)) : NULL;
    double *w = m ? ct__alloc_array((size_t)(2 * k->c + 1), sizeof *w) : NULL;
    if (!w) {
        ct__unref(y);
        y = NULL;
    } else if (x->numel) {
        ct__channels s = spread(k, (ct_dtype)x->dtype);
        double *mean = (double *)(m + all), *a = mean + all, *b = a + all;
        ct__norm_moments(&s, ct__ptr(xd), m);
        statistics(k, m, stats);
        ct__norm_load(weight, k->c, 1, w);
        ct__norm_load(bias, k->c, 0, w + k->c);
        for (int64_t i = 0; i < all; i++) {
            mean[i] = vector(stats, 0)[i / d];
            a[i] = vector(stats, 1)[i / d] * w[i % k->c];
            b[i] = w[k->c + i % k->c];
        }
        ct__kern()->norm.scale(&s, ct__ptr(xd), mean, a, b, ct__ptr(y));
    }
    ct__free(w);
    ct__free(m);
    ct__unref(xd);
    return arranged(function, x, y);
}

static ct_tensor *normalized(const ct__node_class *cls, const group_ctx *k, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, ct_tensor *stats) {
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){x, weight, bias}, 3, 1);
    if (n) *(group_ctx *)ct__ctx(n) = *k;
    ct__save(n, 0, x);
    ct__save(n, 1, weight);
    ct__save(n, 2, stats);
    return ct__finish(n, ct__pending() == CT_OK ? run(ct__fn(cls->op), k, x, weight, bias, stats) : NULL);
}

static ct_status check(int op, const ct_tensor *x, ct_tensor *weight, ct_tensor *bias, int min_dims, group_ctx *k) {
    ct__shape_text a;
    if (x->dtype != CT_F32 && x->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype));
    if (x->ndim < min_dims)
        return ct__fail(CT_ERR_SHAPE, "%s: x %s must be [N, C%s, ...]", ct__fn(op), CT__SIZES(&a, x), min_dims > 2 ? ", L" : "");
    k->n = x->sizes[0];
    k->c = x->sizes[1];
    k->positions = 1;
    for (int d = 2; d < x->ndim; d++) k->positions *= x->sizes[d];
    CT__TRY(ct__norm_check_vector(op, "weight", weight, k->c, x));
    return ct__norm_check_vector(op, "bias", bias, k->c, x);
}

ct_tensor *ct_group_norm(ct_tensor *x, int64_t num_groups, ct_tensor *weight, ct_tensor *bias, const ct_group_norm_options *o) {
    const int op = CT__OP_group_norm;
    group_ctx k = {.groups = num_groups, .eps = o && o->eps.has ? o->eps.value : 1e-5};
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_group_norm", o));
    if (ct__is_half(x)) {
        CT__TRY_NULL(ct__norm_check_params(op, x, weight, bias));
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_group_norm(ct__widen(x), num_groups, ct__widen(weight), ct__widen(bias), o));
    }
    CT__TRY_NULL(check(op, x, weight, bias, 2, &k));
    if (num_groups < 1 || k.c % num_groups) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_group_norm: %lld channels in %lld groups", (long long)k.c, (long long)num_groups);
        return NULL;
    }
    ct_tensor *stats = ct__new("ct_group_norm", (int64_t[]){3, k.n * k.groups}, 2, CT_F64);
    ct_tensor *y = stats ? normalized(&group_norm_class, &k, x, weight, bias, stats) : NULL;
    ct__unref(stats);
    return y;
}

/* The mean over the samples of row i of the statistics, into its first channels: the last thing that is done with them. */
static const double *sample_mean(const group_ctx *k, ct_tensor *stats, int row, double *out) {
    const double *v = vector(stats, row);
    for (int64_t c = 0; c < k->c; c++) {
        double sum = 0;
        for (int64_t i = 0; i < k->n; i++) sum += v[i * k->c + c];
        out[c] = sum / (double)k->n;
    }
    return out;
}

ct_tensor *ct_instance_norm(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                            const ct_instance_norm_options *o) {
    const int op = CT__OP_instance_norm;
    group_ctx k = {.eps = o && o->eps.has ? o->eps.value : 1e-5};
    double momentum = o && o->momentum.has ? o->momentum.value : 0.1;
    bool uses_input = !(o && o->no_use_input_stats);
    ct__shape_text a;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_instance_norm", o));
    if (ct__is_half(x)) {
        CT__TRY_NULL(ct__norm_check_params(op, x, weight, bias));
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_instance_norm(ct__widen(x), running_mean, running_var, ct__widen(weight), ct__widen(bias), o));
    }
    CT__TRY_NULL(check(op, x, weight, bias, uses_input ? 3 : 2, &k));
    CT__TRY_NULL(ct__norm_check_running(op, running_mean, running_var, k.c, uses_input));
    if (!uses_input) {
        if (running_mean) return ct_batch_norm(x, running_mean, running_var, weight, bias, &(ct_batch_norm_options){.eps = {true, k.eps}});
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_instance_norm: with .no_use_input_stats running_mean and running_var must be given");
        return NULL;
    }
    if (k.positions == 1) {
        ct__fail(CT_ERR_SHAPE, "ct_instance_norm: more than one position per channel is needed; x is %s", CT__SIZES(&a, x));
        return NULL;
    }
    k.groups = k.c;
    double *means = running_mean ? ct__alloc_array((size_t)(2 * k.c + 1), sizeof *means) : NULL;
    ct_tensor *stats = ct__pending() == CT_OK ? ct__new("ct_instance_norm", (int64_t[]){3, k.n * k.c}, 2, CT_F64) : NULL;
    ct_tensor *y = stats ? normalized(&instance_norm_class, &k, x, weight, bias, stats) : NULL;
    if (y && running_mean && x->numel) {
        ct__norm_move(running_mean, sample_mean(&k, stats, 0, means), momentum);
        ct__norm_move(running_var, sample_mean(&k, stats, 2, means + k.c), momentum);
    }
    ct__unref(stats);
    ct__free(means);
    return y;
}
