/*
 * op_norm_layer.c: layer and RMS normalization over the last dims, and local response normalization.
 *
 * A row-major x is [m, n], n the product of the normalized sizes. Each row's mean and rstd are kept, [2, m] of double; formulas stand in
 * kern_norm.h. The gradients of weight and bias are column sums over the rows.
 *
 * Between the halves of a transformer's layer stands norm(a + dropout(b)). Made as one, it keeps s = a + dropout(b) as layer_norm does, and gives a and b their
 * gradients itself. For gradients of gradients s has a node of its own, which leads to a and b.
 */
#include "kernels/kernels.h"
#include "base/vec.h"
#include "ops/dropout.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/norm.h"
#include "ops/packed.h"
#include "ops/transformer.h"
#include "ops/twin.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_pool.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <float.h>
#include <string.h>

typedef struct layer_ctx {
    bool centred;
    int dims; /* how many are normalized */
    double eps;
    int64_t m, n;
    ct__dropout_draw draw; /* of norm(a + dropout(b)) */
} layer_ctx;

enum { ONE_PASS = 4096 }; /* columns, up to which the gradients are made in one pass over memory: L2 holds a block of rows */

static ct__norm_rows rows_of(const layer_ctx *c, const ct_tensor *x, const ct_tensor *weight, ct_tensor *stats) {
    double *mean = (double *)(void *)ct__ptr(stats);
    return (ct__norm_rows){(ct_dtype)x->dtype, c->centred, c->m, c->n, ct__ptr(x), weight ? ct__ptr(weight) : NULL, c->eps, mean, mean + c->m};
}

/* ---- Backward ---- */

/* in: x, weight */
static void twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    const layer_ctx *c = ctx;
    const ct_reduce_options keep = {.keepdim = true};
    int64_t dims[CT_MAX_NDIM];
    for (int i = 0; i < c->dims; i++) dims[i] = i - c->dims;
    ct_tensor *x = in[0], *square;
    if (c->centred) {
        square = ct_var_dim(x, dims, c->dims, &(ct_var_options){.keepdim = true, .correction = {true, 0}});
        x = ct_sub(x, ct_mean_dim(x, dims, c->dims, &keep));
    } else {
        square = ct_mean_dim(ct_square(x), dims, c->dims, &keep);
    }
    ct_tensor *y = ct_mul(x, ct_rsqrt(ct_add_scalar(square, c->eps)));
    out[0] = in[1] ? ct_mul(y, in[1]) : y;
}

/* One pass for all gradients, float32: gx of x, of which dropped (NULL: nothing) is made too, and those of weight and bias that are needed. */
static void one_pass(ct__node *n, const layer_ctx *c, const ct__norm_rows *r, const ct_tensor *x, const ct_tensor *g, ct_tensor *gx, ct_tensor *dropped,
                     ct_tensor **gin) {
    const int64_t sizes[] = {ct__ceil_div_i64(c->m, CT__SUM_ROWS), c->n};
    ct_tensor *sums[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++)
        if (i + 1 < n->n_in && ct__needs(n, i + 1)) sums[i] = ct__scope_give(ct__new("backward", sizes, 2, CT_F32));
    if (ct__pending() == CT_OK)
        ct__kern()->norm.rows_backward_all(r, dropped ? &c->draw : NULL, ct__f32(g), ct__f32(gx), ct__f32(dropped), ct__f32(sums[0]), ct__f32(sums[1]));
    for (int i = 0; i < 2; i++)
        if (sums[i]) gin[i + 1] = ct_reshape(ct_sum_dim(sums[i], CT_DIMS(0), NULL), x->sizes + x->ndim - c->dims, c->dims);
}

static void two_passes(ct__node *n, const layer_ctx *c, const ct__norm_rows *r, const ct_tensor *x, const ct_tensor *g, ct_tensor *gx, ct_tensor **gin) {
    ct_tensor *gp[2] = {NULL, NULL};
    for (int i = 0; i < n->n_in - 1; i++)
        if (ct__needs(n, i + 1)) gp[i] = ct__scope_give(ct__new("backward", x->sizes + x->ndim - c->dims, c->dims, r->dtype));
    if (ct__pending() == CT_OK && (gp[0] || gp[1])) ct__kern()->norm.rows_params(r, ct__ptr(g), gp[0] ? ct__ptr(gp[0]) : NULL, gp[1] ? ct__ptr(gp[1]) : NULL);
    if (ct__pending() == CT_OK && ct__needs(n, 0)) ct__kern()->norm.rows_backward(r, ct__ptr(g), ct__ptr(gx));
    for (int i = 0; i < n->n_in - 1; i++) gin[i + 1] = gp[i];
}

/* Of a node whose inputs are x, weight, bias and, of norm(a + dropout(b)), which x then is, b in place 3. */
static void fused(ct__node *n, const layer_ctx *c, ct_tensor *x, ct_tensor *weight, ct_tensor *stats, ct_tensor *g, ct_tensor **gin) {
    static const char function[] = "backward";
    const bool also_b = n->n_in > 3 && ct__needs(n, 3), drops = also_b && c->draw.threshold > 0;
    ct_tensor *xd = ct__dense(function, x), *gx = NULL, *gd = xd ? ct__packed_gradient(function, xd, g, &gx) : NULL, *wd = NULL, *dropped = NULL;
    if (gd && weight) wd = ct__dense(function, weight);
    if (gd && drops) dropped = ct__new(function, x->sizes, x->ndim, CT_F32);
    if (gd && ct__pending() == CT_OK) {
        const ct__norm_rows r = rows_of(c, xd, wd, stats);
        if (r.dtype == CT_F32 && (n->n_in > 3 || (c->n <= ONE_PASS && c->m > CT__SUM_ROWS))) one_pass(n, c, &r, x, gd, gx, dropped, gin);
        else two_passes(n, c, &r, x, gd, gx, gin);
    }
    ct__unref(xd);
    ct__unref(gd);
    ct__unref(wd);
    gx = ct__scope_give(gx);
    dropped = ct__scope_give(dropped);
    if (ct__needs(n, 0)) gin[0] = gx;
    if (also_b) gin[3] = drops ? dropped : gx;
}

/* Slots: 0 x, 1 weight, 2 statistics. */
static void layer_norm_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const layer_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0), *weight = ct__saved(n, 1), *stats = ct__saved(n, 2);
    if (!x || !stats || ct__pending() != CT_OK) return;
    if (!ct__grad_mode()) {
        fused(n, c, x, weight, stats, g[0], gin);
        return;
    }
    ct__twin_backward(n, twin, c, (ct_tensor *[]){x, weight}, 2, g, 1, gin);
    if (n->n_in > 2 && ct__needs(n, 2)) gin[2] = ct__sum_to(g[0], x->sizes + x->ndim - c->dims, c->dims);
}
static const ct__node_class layer_norm_class = {
    .op = CT__OP_layer_norm, .backward = layer_norm_backward, .ctx_size = sizeof(layer_ctx), .n_saved = 3};
static const ct__node_class rms_norm_class = {
    .op = CT__OP_rms_norm, .backward = layer_norm_backward, .ctx_size = sizeof(layer_ctx), .n_saved = 3};

/* ---- Forward ---- */

static ct_tensor *run(const char *function, const layer_ctx *c, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, ct_tensor *stats) {
    ct_tensor *xd = ct__dense(function, x), *wd = weight && xd ? ct__dense(function, weight) : NULL;
    ct_tensor *bd = bias && xd ? ct__dense(function, bias) : NULL, *y = NULL;
    if (xd && (wd || !weight) && (bd || !bias)) y = ct__new(function, x->sizes, x->ndim, (ct_dtype)x->dtype);
    if (y && y->numel) {
        ct__norm_rows r = rows_of(c, xd, wd, stats);
        ct__kern()->norm.rows(&r, bd ? ct__ptr(bd) : NULL, ct__ptr(y));
    }
    ct__unref(xd);
    ct__unref(wd);
    ct__unref(bd);
    return y;
}

static ct_status check_param(int op, const char *what, ct_tensor *t, const int64_t *shape, int n, const ct_tensor *x) {
    ct__shape_text a, b;
    if (!t) return CT_OK;
    if (!ct__enter(op, &t, 1)) return ct__pending();
    bool same = t->ndim == n;
    for (int i = 0; same && i < n; i++) same = t->sizes[i] == shape[i];
    if (!same)
        return ct__fail(CT_ERR_SHAPE, "%s: %s %s must have the normalized shape %s", ct__fn(op), what, CT__SIZES(&a, t), ct__shape_str(&b, shape, n));
    if (t->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, but x is %s", ct__fn(op), what, ct_dtype_name((ct_dtype)t->dtype),
                        ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

static ct_status check(int op, const ct_tensor *x, const int64_t *shape, int n, ct_tensor *weight, ct_tensor *bias, layer_ctx *c) {
    ct__shape_text a, b;
    if (x->dtype != CT_F32 && x->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype));
    if (!shape || n < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: normalized_shape has no dims", ct__fn(op));
    bool fits = n <= x->ndim;
    c->m = c->n = 1;
    for (int i = 0; fits && i < n; i++) {
        fits = shape[i] == x->sizes[x->ndim - n + i];
        c->n *= shape[i];
    }
    if (!fits)
        return ct__fail(CT_ERR_SHAPE, "%s: x %s does not end in the normalized shape %s", ct__fn(op), CT__SIZES(&a, x),
                        n <= CT_MAX_NDIM ? ct__shape_str(&b, shape, n) : "");
    for (int d = 0; d < x->ndim - n; d++) c->m *= x->sizes[d];
    CT__TRY(check_param(op, "weight", weight, shape, n, x));
    return check_param(op, "bias", bias, shape, n, x);
}

static ct_tensor *normalized(const ct__node_class *cls, layer_ctx *c, ct_tensor *x, const int64_t *shape, int n, ct_tensor *weight, ct_tensor *bias) {
    CT__TRY_NULL(check(cls->op, x, shape, n, weight, bias, c));
    ct_tensor *stats = ct__new(ct__fn(cls->op), (int64_t[]){2, c->m}, 2, CT_F64);
    if (!stats) return NULL;
    ct__node *node = ct__node_new(cls, (ct_tensor *[]){x, weight, bias}, c->centred ? 3 : 2, 1);
    if (node) *(layer_ctx *)ct__ctx(node) = *c;
    ct__save(node, 0, x);
    ct__save(node, 1, weight);
    ct__save(node, 2, stats);
    ct_tensor *y = ct__pending() == CT_OK ? run(ct__fn(cls->op), c, x, weight, bias, stats) : NULL;
    ct__unref(stats);
    return ct__finish(node, y);
}

ct_tensor *ct_layer_norm(ct_tensor *x, const int64_t *normalized_shape, int n, ct_tensor *weight, ct_tensor *bias, const ct_layer_norm_options *o) {
    if (!ct__enter(CT__OP_layer_norm, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_layer_norm", o));
    if (ct__is_half(x)) {
        CT__TRY_NULL(ct__norm_check_params(CT__OP_layer_norm, x, weight, bias));
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_layer_norm(ct__widen(x), normalized_shape, n, ct__widen(weight), ct__widen(bias), o));
    }
    layer_ctx c = {.centred = true, .dims = n, .eps = o && o->eps.has ? o->eps.value : 1e-5};
    return normalized(&layer_norm_class, &c, x, normalized_shape, n, weight, bias);
}

ct_tensor *ct_rms_norm(ct_tensor *x, const int64_t *normalized_shape, int n, ct_tensor *weight, const ct_rms_norm_options *o) {
    if (!ct__enter(CT__OP_rms_norm, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_rms_norm", o));
    if (ct__is_half(x)) {
        CT__TRY_NULL(ct__norm_check_params(CT__OP_rms_norm, x, weight, NULL));
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_rms_norm(ct__widen(x), normalized_shape, n, ct__widen(weight), o));
    }
    layer_ctx c = {.dims = n, .eps = o && o->eps.has ? o->eps.value : x->dtype == CT_F64 ? DBL_EPSILON : FLT_EPSILON};
    return normalized(&rms_norm_class, &c, x, normalized_shape, n, weight, NULL);
}

/* ---- norm(a + dropout(b)) ---- */

/* s = a + dropout(b), in gradients of gradients only. */
static void sum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__dropout_draw *draw = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = g[0];
    if (ct__needs(n, 1)) gin[1] = draw->threshold ? ct__dropout_with(g[0], *draw) : g[0];
}
static const ct__node_class sum_class = {.op = CT__OP_add, .name = "AddDropoutBackward", .backward = sum_backward, .ctx_size = sizeof(ct__dropout_draw)};

/* Recorded: layer_norm's gradient at s, whose own goes on to b. Views keep paths apart, as in twin.h. */
static void add_norm_recorded(ct__node *n, const layer_ctx *c, ct_tensor *s, ct_tensor *weight, ct_tensor *g, ct_tensor **gin) {
    ct_tensor *in[] = {ct_view(s, s->sizes, s->ndim), weight ? ct_view(weight, weight->sizes, weight->ndim) : NULL}, *y = NULL, *made[2], *wanted[2];
    int where[2], n_wanted = 0;
    for (int i = 0; i < 2; i++)
        if (in[i] && ct__requires_grad(in[i])) where[n_wanted] = i, wanted[n_wanted++] = in[i];
    if (ct__pending() == CT_OK) twin(c, in, &y);
    if (!y) return;
    if (n_wanted) ct_grad(&y, 1, wanted, n_wanted, &(ct_grad_options){.grad_outputs = &g, .create_graph = true}, made);
    if (ct__pending() != CT_OK) return;
    for (int i = 0; i < n_wanted; i++) gin[where[i]] = made[i];
    if (ct__needs(n, 2)) gin[2] = ct__sum_to(g, s->sizes + s->ndim - c->dims, c->dims);
    if (ct__needs(n, 3)) gin[3] = c->draw.threshold ? ct__dropout_with(gin[0], c->draw) : gin[0];
}

/* Slots: 0 s, 1 weight, 2 statistics. Inputs: a, weight, bias, b. */
static void add_norm_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const layer_ctx *c = ct__ctx(n);
    ct_tensor *s = ct__saved(n, 0), *weight = ct__saved(n, 1), *stats = ct__saved(n, 2);
    if (!s || !stats || ct__pending() != CT_OK) return;
    if (ct__grad_mode()) add_norm_recorded(n, c, s, weight, g[0], gin);
    else fused(n, c, s, weight, stats, g[0], gin);
}
static const ct__node_class add_norm_class = {
    .op = CT__OP_layer_norm, .name = "AddDropoutLayerNormBackward", .backward = add_norm_backward, .ctx_size = sizeof(layer_ctx), .n_saved = 3};

static bool is_plain(const ct_tensor *t) { return !t || ct__is_dense_f32(t); }
static bool is_like(const ct_tensor *a, const ct_tensor *b) {
    return a->ndim == b->ndim && memcmp(a->sizes, b->sizes, sizeof a->sizes[0] * a->ndim) == 0 && is_plain(a) && is_plain(b) && a->numel > 0;
}

ct_tensor *ct__add_dropout_layer_norm(ct_tensor *a, ct_tensor *b, double p, const int64_t *sizes, int n, ct_tensor *weight, ct_tensor *bias, double eps) {
    static const char function[] = "ct_layer_norm";
    ct_tensor *in[] = {a, weight, bias, b}, *s = NULL, *y = NULL, *stats = NULL;
    if (!ct__enter(CT__OP_add, (ct_tensor *[]){a, b}, 2) || !is_like(a, b) || !is_plain(weight) || !is_plain(bias)) return NULL;
    layer_ctx c = {.centred = true, .dims = n, .eps = eps};
    CT__TRY_NULL(check(CT__OP_layer_norm, a, sizes, n, weight, bias, &c));
    if (c.n > ONE_PASS) return NULL;
    c.draw = ct__dropout_new_draw(p, NULL);
    s = ct__new(function, a->sizes, a->ndim, CT_F32);
    stats = s ? ct__new(function, (int64_t[]){2, c.m}, 2, CT_F64) : NULL;
    y = stats ? ct__new(function, a->sizes, a->ndim, CT_F32) : NULL;
    if (y) {
        const ct__norm_rows r = rows_of(&c, s, weight, stats);
        ct__kern()->norm.add_rows(&r, &c.draw, ct__f32(a), ct__f32(b), ct__f32(s), ct__f32(bias), ct__f32(y));
    }
    ct__node *sum = ct__node_new(&sum_class, (ct_tensor *[]){a, b}, 2, 1), *node = NULL;
    if (sum) *(ct__dropout_draw *)ct__ctx(sum) = c.draw;
    s = ct__finish(sum, s);
    node = ct__node_new(&add_norm_class, in, 4, 1);
    if (node) *(layer_ctx *)ct__ctx(node) = c;
    ct__save(node, 0, s);
    ct__save(node, 1, weight);
    ct__save(node, 2, stats);
    ct__unref(stats);
    return ct__finish(node, y);
}

/* ---- local_response_norm: the window mean of x^2 is an average pool over the channels, padded with zeros ---- */

ct_tensor *ct_local_response_norm(ct_tensor *x, int64_t size, const ct_local_response_norm_options *o) {
    ct__shape_text a;
    if (!ct__enter(CT__OP_local_response_norm, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_local_response_norm", o));
    if (ct__is_half(x)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_local_response_norm(ct__widen(x), size, o));
    }
    if (!ct__is_float(x)) {
        ct__fail(CT_ERR_DTYPE, "ct_local_response_norm: %s is not a floating point dtype", ct_dtype_name((ct_dtype)x->dtype));
        return NULL;
    }
    if (x->ndim < 3) {
        ct__fail(CT_ERR_SHAPE, "ct_local_response_norm: x %s must have at least three dims", CT__SIZES(&a, x));
        return NULL;
    }
    if (size < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_local_response_norm: size is %lld", (long long)size);
        return NULL;
    }
    double alpha = o && o->alpha.has ? o->alpha.value : 1e-4, beta = o && o->beta.has ? o->beta.value : 0.75, k = o && o->k.has ? o->k.value : 1;
    ct_scope scope = ct_scope_begin();
    if (x->numel == 0) return ct_scope_return(scope, ct_mul_scalar(x, 1));
    int64_t n = x->sizes[0], c = x->sizes[1], rest = x->numel / n / c, before = size / 2, after = (size - 1) / 2;
    ct_tensor *square = ct_reshape(ct_square(x), CT_SHAPE(n, 1, c, rest));
    ct_tensor *parts[] = {ct_zeros(CT_SHAPE(n, 1, before, rest), (ct_dtype)x->dtype), square, ct_zeros(CT_SHAPE(n, 1, after, rest), (ct_dtype)x->dtype)};
    ct_tensor *padded = ct_cat(parts, 3, 2);
    ct_tensor *mean = ct_avg_pool2d(padded, 0, &(ct_avg_pool2d_options){.kernel_size_nd = (int64_t[]){size, 1}, .stride = 1});
    ct_tensor *divisor = ct_pow_scalar(ct_add_scalar(ct_mul_scalar(ct_reshape(mean, x->sizes, x->ndim), alpha), k), beta);
    return ct_scope_return(scope, ct_div(x, divisor));
}
