/*
 * op_loss.c: losses that compare two tensors element by element: mse, l1, smooth_l1, huber, binary cross entropy.
 *
 * pair_core is the one recorded op: both tensors of one shape and dtype, the loss reduced or not, forward and backward one pass over memory each.
 * What torch allows around it (broadcasting, promotion, weights) is composed of public ops, whose gradients come by themselves.
 */
#include "ops/loss.h"

#include "base/vec.h"
#include "kernels/kernels.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/packed.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* ---- Shared with the other losses ---- */

bool ct__check_reduction(const char *function, ct_reduction reduction) {
    if (reduction == CT_REDUCTION_MEAN || reduction == CT_REDUCTION_SUM || reduction == CT_REDUCTION_NONE) return true;
    if (reduction == CT_REDUCTION_BATCHMEAN) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: CT_REDUCTION_BATCHMEAN is for ct_kl_div only", function);
    else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a reduction", function, (int)reduction);
    return false;
}

bool ct__check_loss_dtype(const char *function, const char *what, ct_dtype dtype) {
    if (dtype == CT_F32 || dtype == CT_F64) return true;
    if (ct_dtype_is_floating_point(dtype)) ct__fail(CT_ERR_DTYPE, "%s: %s is %s, another input is not", function, what, ct_dtype_name(dtype));
    else ct__fail(CT_ERR_DTYPE, "%s: %s is %s, not a floating point dtype", function, what, ct_dtype_name(dtype));
    return false;
}

ct_tensor *ct__reduce_loss(ct_tensor *loss, ct_reduction reduction) {
    if (reduction == CT_REDUCTION_SUM) return ct_sum(loss);
    return reduction == CT_REDUCTION_MEAN ? ct_mean(loss) : loss;
}

ct_tensor *ct__loss_scalar(const char *function, double value, ct_dtype dtype) {
    ct_tensor *t = ct__new(function, NULL, 0, dtype);
    if (t) ct__store_f64(ct__ptr(t), dtype, value);
    return t;
}

bool ct__loss_begin(ct__loss *c, int op, ct_tensor **in, int n, ct_reduction reduction) {
    *c = (ct__loss){.function = ct__fn(op), .reduction = reduction};
    if (!ct__enter(op, in, n) || !ct__check_reduction(c->function, reduction)) return false;
    ct_dtype dtype = ct__result_type((const ct_tensor *const *)in, n, 0);
    c->scope = ct_scope_begin();
    if (dtype != CT_F16 && dtype != CT_BF16) return true;
    c->half = dtype;
    for (int i = 0; i < n; i++) in[i] = ct__widen(in[i]);
    return true;
}

ct_tensor *ct__loss_end(const ct__loss *c, ct_tensor *loss) {
    if (loss) loss = ct__reduce_loss(loss, c->reduction);
    return ct_scope_return(c->scope, loss && c->half ? ct_to(loss, c->half) : loss);
}

/* ---- The recorded op ---- */

typedef struct pair_ctx {
    ct__pair kind;
    ct_reduction reduction;
    double p;
    int64_t numel;
} pair_ctx;

/* The gradient for a in public ops; g has the mean's divisor in it. */
static ct_tensor *composed(const pair_ctx *c, ct_tensor *a, ct_tensor *b, ct_tensor *g) {
    ct_tensor *d = c->kind == CT__PAIR_BCE_LOGITS ? NULL : ct_sub(a, b);
    switch (c->kind) {
    case CT__PAIR_MSE: return ct_mul(g, ct_mul_scalar(d, 2));
    case CT__PAIR_L1: return ct_mul(g, ct_sign(d));
    case CT__PAIR_SMOOTH_L1: return ct_mul(g, ct_clamp(ct_div_scalar(d, c->p), -1, 1));
    case CT__PAIR_HUBER: return ct_mul(g, ct_clamp(d, -c->p, c->p));
    case CT__PAIR_BCE: return ct_div(ct_mul(g, d), ct_clamp_min(ct_mul(a, ct_sub_rscalar(1, a)), 1e-12));
    case CT__PAIR_BCE_LOGITS: return ct_mul(g, ct_sub(ct_sigmoid(a), b));
    case CT__PAIR_COUNT: break;
    }
    return NULL;
}

static ct_tensor *fused(const char *function, const pair_ctx *c, ct_tensor *a, ct_tensor *b, ct_tensor *g, double factor) {
    ct_tensor *ad = ct__packed(function, a);
    ct_tensor *bd = ct__packed_as(function, ad, b);
    ct_tensor *gd = c->reduction == CT_REDUCTION_NONE ? ct__packed_as(function, ad, g) : ct__dense(function, g);
    ct_tensor *out = bd && gd ? ct__new_like(function, ad, (ct_dtype)ad->dtype) : NULL;
    if (out && out->numel)
        ct__kern()->nn.pair_loss_backward(c->kind, (ct_dtype)ad->dtype, ad->numel, ct__ptr(ad), ct__ptr(bd), c->p, ct__ptr(gd),
                                          c->reduction == CT_REDUCTION_NONE, factor, ct__ptr(out));
    ct__unref(ad);
    ct__unref(bd);
    ct__unref(gd);
    return ct__scope_give(out);
}

/* The losses of a difference have -gradient for b; the cross entropies are linear in b. */
static ct_tensor *target_gradient(const pair_ctx *c, ct_tensor *a, ct_tensor *ga, ct_tensor *g) {
    if (c->kind == CT__PAIR_BCE) return ct_mul(g, ct_sub(ct_log1p(ct_neg(a)), ct_log(a)));
    if (c->kind == CT__PAIR_BCE_LOGITS) return ct_neg(ct_mul(g, a));
    return ct_neg(ga);
}

static void pair_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const pair_ctx *c = ct__ctx(n);
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1), *ga = NULL;
    double factor = c->reduction == CT_REDUCTION_MEAN ? 1 / (double)c->numel : 1;
    bool linear = c->kind == CT__PAIR_BCE || c->kind == CT__PAIR_BCE_LOGITS;
    if (!a || !b) return;
    ct_tensor *scaled = g[0]; /* with the mean's divisor, for the composed parts */
    if (factor != 1 && (ct__grad_mode() || linear)) scaled = ct_mul_scalar(g[0], factor);
    if (ct__needs(n, 0) || !linear)
        ga = ct__grad_mode() ? composed(c, a, b, scaled) : fused(ct__fn(n->cls->op), c, a, b, g[0], factor);
    if (ct__needs(n, 0)) gin[0] = ga;
    if (ct__needs(n, 1)) gin[1] = target_gradient(c, a, ga, scaled);
}

#define PAIR_CLASS(name) {.op = CT__OP_##name, .backward = pair_backward, .ctx_size = sizeof(pair_ctx), .n_saved = 2}
static const ct__node_class mse_class = PAIR_CLASS(mse_loss), l1_class = PAIR_CLASS(l1_loss),
                            smooth_l1_class = PAIR_CLASS(smooth_l1_loss), huber_class = PAIR_CLASS(huber_loss),
                            bce_class = PAIR_CLASS(binary_cross_entropy),
                            bce_logits_class = PAIR_CLASS(binary_cross_entropy_with_logits);

/* Sum or mean of the losses of dense tensors. */
static ct_tensor *reduced(const char *function, const pair_ctx *c, ct_tensor *a, ct_tensor *b) {
    double few[64], *partial = few, sum = 0;
    int64_t chunks = (a->numel + CT__PAIR_CHUNK - 1) / CT__PAIR_CHUNK;
    if (chunks > (int64_t)CT__COUNT(few)) partial = ct__alloc_array((size_t)chunks, sizeof *partial);
    if (!partial) return NULL;
    if (chunks) ct__kern()->nn.pair_loss(c->kind, (ct_dtype)a->dtype, a->numel, ct__ptr(a), ct__ptr(b), c->p, NULL, partial);
    for (int64_t i = 0; i < chunks; i++) sum += partial[i];
    if (partial != few) ct__free(partial);
    return ct__loss_scalar(function, c->reduction == CT_REDUCTION_MEAN ? sum / (double)a->numel : sum, (ct_dtype)a->dtype);
}

/* a and b have the same sizes and dtype. */
static ct_tensor *pair_core(const ct__node_class *cls, pair_ctx c, ct_tensor *a, ct_tensor *b) {
    const char *function = ct__fn(cls->op);
    if (!a || !b) return NULL;
    c.numel = a->numel;
    ct_tensor *ad = ct__packed(function, a), *bd = ct__packed_as(function, ad, b), *out = NULL;
    if (bd && c.reduction == CT_REDUCTION_NONE) {
        out = ct__new_like(function, ad, (ct_dtype)a->dtype);
        if (out && out->numel)
            ct__kern()->nn.pair_loss(c.kind, (ct_dtype)a->dtype, a->numel, ct__ptr(ad), ct__ptr(bd), c.p, ct__ptr(out), NULL);
    } else if (bd) {
        out = reduced(function, &c, ad, bd);
    }
    ct__unref(ad);
    ct__unref(bd);
    ct__node *n = out ? ct__node_new(cls, (ct_tensor *[]){a, b}, 2, 1) : NULL;
    if (n) *(pair_ctx *)ct__ctx(n) = c;
    ct__save(n, 0, a);
    ct__save(n, 1, b);
    return ct__finish(n, out);
}

/* ---- Distances ---- */

/* a in the given shape and dtype. */
static ct_tensor *shaped(ct_tensor *a, const int64_t *sizes, int ndim, ct_dtype dtype) {
    if (a && a->dtype != dtype) a = ct_to(a, dtype);
    bool same = a && a->ndim == ndim;
    for (int d = 0; same && d < ndim; d++) same = a->sizes[d] == sizes[d];
    return same ? a : ct_expand(a, sizes, ndim);
}

static bool fits_input(const char *function, const char *what, const ct_tensor *t, const ct_tensor *input) {
    ct__shape_text ts, is;
    if (ct__same_sizes(t, input)) return true;
    ct__fail(CT_ERR_SHAPE, "%s: %s has shape %s, but input has %s", function, what, ct__shape_str(&ts, t->sizes, t->ndim),
             ct__shape_str(&is, input->sizes, input->ndim));
    return false;
}

/* The parts of a distance's call that most calls do without. */
static ct_tensor *composed_distance(const ct__node_class *cls, pair_ctx c, ct_tensor *a, ct_tensor *b, ct_tensor *weight,
                                    const int64_t *sizes, int ndim, ct_dtype dtype) {
    ct_reduction reduction = c.reduction;
    if (weight) c.reduction = CT_REDUCTION_NONE;
    ct_scope scope = ct_scope_begin();
    ct_tensor *loss = pair_core(cls, c, shaped(a, sizes, ndim, dtype), shaped(b, sizes, ndim, dtype));
    if (weight) {
        loss = ct_mul(loss, weight);
        if (reduction == CT_REDUCTION_MEAN && c.kind != CT__PAIR_HUBER) loss = ct_div(ct_sum(loss), ct_sum(weight));
        else loss = ct__reduce_loss(loss, reduction);
    }
    return ct_scope_return(scope, loss);
}

static ct_tensor *distance(const ct__node_class *cls, pair_ctx c, ct_tensor *input, ct_tensor *target, ct_tensor *weight) {
    const char *function = ct__fn(cls->op);
    ct_tensor *in[] = {input, target, weight};
    int64_t sizes[CT_MAX_NDIM];
    int ndim;
    if (!ct__enter(cls->op, in, weight ? 3 : 2) || !ct__check_reduction(function, c.reduction)) return NULL;
    ct_dtype dtype = ct__result_type((const ct_tensor *const *)in, 2, 0);
    if (dtype == CT_F16 || dtype == CT_BF16) {
        ct__half h = {ct_scope_begin(), dtype};
        return ct__half_end(h, distance(cls, c, ct_to(input, CT_F32), ct_to(target, CT_F32), ct__widen(weight)));
    }
    if (!ct__check_loss_dtype(function, "the common dtype of input and target", dtype)) return NULL;
    if (weight && !fits_input(function, "weight", weight, input)) return NULL;
    if (!weight && input->dtype == target->dtype && ct__same_sizes(input, target)) return pair_core(cls, c, input, target);
    CT__TRY_NULL(ct__broadcast(function, input->sizes, input->ndim, target->sizes, target->ndim, sizes, &ndim));
    return composed_distance(cls, c, input, target, weight, sizes, ndim, dtype);
}

ct_tensor *ct_mse_loss(ct_tensor *input, ct_tensor *target, const ct_mse_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_mse_loss(input, target, o));
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_mse_loss", o));
    pair_ctx c = {.kind = CT__PAIR_MSE, .reduction = o ? o->reduction : CT_REDUCTION_MEAN};
    return distance(&mse_class, c, input, target, o ? o->weight : NULL);
}

ct_tensor *ct_l1_loss(ct_tensor *input, ct_tensor *target, const ct_l1_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_l1_loss(input, target, o));
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_l1_loss", o));
    pair_ctx c = {.kind = CT__PAIR_L1, .reduction = o ? o->reduction : CT_REDUCTION_MEAN};
    return distance(&l1_class, c, input, target, o ? o->weight : NULL);
}

ct_tensor *ct_smooth_l1_loss(ct_tensor *input, ct_tensor *target, const ct_smooth_l1_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_smooth_l1_loss(input, target, o));
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_smooth_l1_loss", o));
    double beta = o && o->beta.has ? o->beta.value : 1;
    if (!(beta >= 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_smooth_l1_loss: beta is %g but must not be negative", beta);
        return NULL;
    }
    ct__pair kind = beta > 0 ? CT__PAIR_SMOOTH_L1 : CT__PAIR_L1;
    return distance(&smooth_l1_class, (pair_ctx){.kind = kind, .p = beta, .reduction = o ? o->reduction : CT_REDUCTION_MEAN}, input,
                    target, NULL);
}

ct_tensor *ct_huber_loss(ct_tensor *input, ct_tensor *target, const ct_huber_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_huber_loss(input, target, o));
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_huber_loss", o));
    double delta = o && o->delta != 0 ? o->delta : 1;
    if (!(delta > 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_huber_loss: delta is %g but must be positive", delta);
        return NULL;
    }
    pair_ctx c = {.kind = CT__PAIR_HUBER, .p = delta, .reduction = o ? o->reduction : CT_REDUCTION_MEAN};
    return distance(&huber_class, c, input, target, o ? o->weight : NULL);
}

/* ---- Binary cross entropy ---- */

static bool check_binary(const char *function, ct_tensor *input, ct_tensor *target, ct_reduction reduction) {
    if (!ct__check_reduction(function, reduction) || !ct__check_loss_dtype(function, "input", (ct_dtype)input->dtype)) return false;
    if (!fits_input(function, "target", target, input)) return false;
    if (input->dtype == target->dtype) return true;
    ct__fail(CT_ERR_DTYPE, "%s: input is %s, but target is %s", function, ct_dtype_name((ct_dtype)input->dtype),
             ct_dtype_name((ct_dtype)target->dtype));
    return false;
}

/* weight broadcasts to input without making it larger. */
static bool check_factor(const char *function, const char *what, const ct_tensor *weight, const ct_tensor *input) {
    int64_t sizes[CT_MAX_NDIM];
    int ndim;
    ct__shape_text ws, is;
    if (ct__broadcast(function, input->sizes, input->ndim, weight->sizes, weight->ndim, sizes, &ndim) != CT_OK) return false;
    bool same = ndim == input->ndim;
    for (int d = 0; same && d < ndim; d++) same = sizes[d] == input->sizes[d];
    if (!same)
        ct__fail(CT_ERR_SHAPE, "%s: %s of shape %s does not broadcast to input's %s", function, what,
                 ct__shape_str(&ws, weight->sizes, weight->ndim), ct__shape_str(&is, input->sizes, input->ndim));
    return same;
}

/* All elements lie in 0..1; NaN does not. */
static bool check_probability(const char *function, const char *what, ct_tensor *t) {
    ct_tensor *rows = ct__dense(function, t);
    if (!rows) return false;
    const char *p = ct__ptr(rows);
    ct_dtype dtype = (ct_dtype)rows->dtype;
    int64_t at = 0, n = rows->numel;
    if (dtype == CT_F32)
        while (at < n && ((const float *)(const void *)p)[at] >= 0 && ((const float *)(const void *)p)[at] <= 1) at++;
    else
        while (at < n && ((const double *)(const void *)p)[at] >= 0 && ((const double *)(const void *)p)[at] <= 1) at++;
    if (at < n)
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s has %g at position %lld, which is not between 0 and 1", function, what,
                 ct__load_f64(p + at * (int64_t)ct_dtype_size(dtype), dtype), (long long)at);
    ct__unref(rows);
    return at == n;
}

ct_tensor *ct_binary_cross_entropy(ct_tensor *input, ct_tensor *target, const ct_binary_cross_entropy_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_binary_cross_entropy(input, target, o));
    const char *function = "ct_binary_cross_entropy";
    ct_tensor *weight = o ? o->weight : NULL;
    ct_reduction reduction = o ? o->reduction : CT_REDUCTION_MEAN;
    if (!ct__enter(CT__OP_binary_cross_entropy, (ct_tensor *[]){input, target, weight}, weight ? 3 : 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, o));
    if (ct__all_half((ct_tensor *[]){input, target}, 2)) {
        ct__half h = ct__half_begin(input);
        ct_binary_cross_entropy_options wide = {.weight = ct__widen(weight), .reduction = reduction};
        return ct__half_end(h, ct_binary_cross_entropy(ct__widen(input), ct__widen(target), &wide));
    }
    if (!check_binary(function, input, target, reduction)) return NULL;
    if (weight && !check_factor(function, "weight", weight, input)) return NULL;
    if (!check_probability(function, "input", input) || !check_probability(function, "target", target)) return NULL;
    if (!weight) return pair_core(&bce_class, (pair_ctx){.kind = CT__PAIR_BCE, .reduction = reduction}, input, target);
    ct_scope scope = ct_scope_begin();
    ct_tensor *loss = pair_core(&bce_class, (pair_ctx){.kind = CT__PAIR_BCE, .reduction = CT_REDUCTION_NONE}, input, target);
    return ct_scope_return(scope, ct__reduce_loss(ct_mul(loss, weight), reduction));
}

/* (1 - y) x + (1 + (pos_weight - 1) y) log(1 + exp(-x)); the last factor is the loss of x against 1. */
static ct_tensor *logits_with_pos_weight(ct_tensor *x, ct_tensor *y, ct_tensor *pos_weight) {
    const pair_ctx c = {.kind = CT__PAIR_BCE_LOGITS, .reduction = CT_REDUCTION_NONE};
    ct_tensor *positive = pair_core(&bce_logits_class, c, x, ct_ones_like(x, CT_DTYPE_NONE));
    ct_tensor *factor = ct_add_scalar(ct_mul(ct_sub_scalar(pos_weight, 1), y), 1);
    return ct_add(ct_mul(ct_sub_rscalar(1, y), x), ct_mul(factor, positive));
}

ct_tensor *ct_binary_cross_entropy_with_logits(ct_tensor *input, ct_tensor *target,
                                               const ct_binary_cross_entropy_with_logits_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast))
        return ct_scope_return(cast, ct_binary_cross_entropy_with_logits(input, target, o));
    const char *function = "ct_binary_cross_entropy_with_logits";
    const ct__node_class *cls = &bce_logits_class;
    ct_tensor *weight = o ? o->weight : NULL, *pos_weight = o ? o->pos_weight : NULL;
    ct_reduction reduction = o ? o->reduction : CT_REDUCTION_MEAN;
    if (!ct__enter(cls->op, (ct_tensor *[]){input, target}, 2)) return NULL;
    if (weight && !ct__enter(cls->op, &weight, 1)) return NULL;
    if (pos_weight && !ct__enter(cls->op, &pos_weight, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, o));
    if (ct__all_half((ct_tensor *[]){input, target}, 2)) {
        ct__half h = ct__half_begin(input);
        ct_binary_cross_entropy_with_logits_options wide = {.weight = ct__widen(weight), .pos_weight = ct__widen(pos_weight), .reduction = reduction};
        return ct__half_end(h, ct_binary_cross_entropy_with_logits(ct__widen(input), ct__widen(target), &wide));
    }
    if (!check_binary(function, input, target, reduction)) return NULL;
    if (weight && !check_factor(function, "weight", weight, input)) return NULL;
    if (pos_weight && !check_factor(function, "pos_weight", pos_weight, input)) return NULL;
    pair_ctx c = {.kind = CT__PAIR_BCE_LOGITS, .reduction = weight ? CT_REDUCTION_NONE : reduction};
    if (!weight && !pos_weight) return pair_core(cls, c, input, target);
    ct_scope scope = ct_scope_begin();
    ct_tensor *loss;
    if (pos_weight) loss = logits_with_pos_weight(input, target, pos_weight);
    else loss = pair_core(cls, c, input, target);
    if (weight) loss = ct_mul(loss, weight);
    return ct_scope_return(scope, ct__reduce_loss(loss, reduction));
}
