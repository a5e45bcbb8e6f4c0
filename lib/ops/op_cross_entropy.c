/*
 * op_cross_entropy.c: nll_loss and cross_entropy.
 *
 * Class indices, the usual case, take one kernel forward and one backward:
 *
 *      forward    x [N, C, ...]  ->  per row the maximum and the logarithm of the sum (saved), the loss
 *      backward   gin = k (p (sum of T) - T),   p = softmax(x) made again from x and what was saved
 *
 * T [N, C, ...] is the target as a distribution: of row n, (1 - smoothing) weight[t] at t plus smoothing / C weight[c] everywhere, 0 for an
 * ignored row. It is built only where the gradient itself is recorded: then the line above is written in public ops. Probabilities as
 * targets are a T that the caller gave; their loss is composed.
 *
 * nll_loss is linear in x, with the coefficients -T without smoothing.
 */
#include "base/vec.h"
#include "kernels/kernels.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/loss.h"
#include "ops/packed.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

typedef struct ce_ctx {
    int64_t ignore;
    double smoothing;
    double factor; /* of a row: 1, or for the mean 1 / the sum of weight[t] */
    ct_reduction reduction;
} ce_ctx;

enum { SAVED_INPUT, SAVED_TARGET, SAVED_WEIGHT, SAVED_STATS, SAVED_COUNT };

/* ---- Shapes: input [N, C, d1, ...] or [C], target without the C ---- */

static int class_dim(const ct_tensor *x) { return x->ndim == 1 ? 0 : 1; }

/* x as [outer, classes, inner], whose rows in order are target's elements; x is row-major or channels_last. */
static void class_layout(const ct_tensor *x, int64_t *outer, int64_t *classes, int64_t *inner) {
    int dim = class_dim(x);
    int64_t rows = 1;
    for (int d = 0; d < x->ndim; d++)
        if (d != dim) rows *= x->sizes[d];
    *classes = x->sizes[dim];
    *outer = x->contiguous ? (dim == 0 ? 1 : x->sizes[0]) : rows;
    *inner = *outer ? rows / *outer : 1;
}

static ct_tensor *own_class_layout(const char *function, ct_tensor *x) {
    if (x->contiguous || (x->ndim == 4 && ct__is_dense(x, CT_FORMAT_CHANNELS_LAST))) {
        ct__ref(x);
        return x;
    }
    return ct__dense(function, x);
}

static bool check_target_shape(const char *function, const ct_tensor *x, const ct_tensor *target) {
    int dim = class_dim(x);
    bool ok = target->ndim == x->ndim - 1;
    for (int d = 0; ok && d < target->ndim; d++) ok = target->sizes[d] == x->sizes[d < dim ? d : d + 1];
    ct__shape_text xs, ts;
    if (!ok)
        ct__fail(CT_ERR_SHAPE, "%s: input %s wants class indices of its shape without dim %d, not %s", function,
                 ct__shape_str(&xs, x->sizes, x->ndim), dim, ct__shape_str(&ts, target->sizes, target->ndim));
    return ok;
}

bool ct__check_class_weight(const char *function, const ct_tensor *x, int64_t classes, const ct_tensor *weight) {
    ct__shape_text ws;
    if (!weight) return true;
    if (weight->dtype != x->dtype)
        ct__fail(CT_ERR_DTYPE, "%s: input is %s, but weight is %s", function, ct_dtype_name((ct_dtype)x->dtype),
                 ct_dtype_name((ct_dtype)weight->dtype));
    else if (weight->ndim != 1 || weight->sizes[0] != classes)
        ct__fail(CT_ERR_SHAPE, "%s: weight must be [%lld], one number per class, not %s", function, (long long)classes,
                 ct__shape_str(&ws, weight->sizes, weight->ndim));
    else if (ct__grad_mode() && ct__requires_grad(weight))
        ct__fail(CT_ERR_AUTOGRAD, "%s: weight has no gradient, but requires one", function);
    return ct__pending() == CT_OK;
}

/* What both losses ask of input, weight and options. */
static bool check_common(const char *function, const ct_tensor *x, const ct_tensor *weight, ct_reduction reduction) {
    if (!ct__check_reduction(function, reduction) || !ct__check_loss_dtype(function, "input", (ct_dtype)x->dtype)) return false;
    if (x->ndim == 0) {
        ct__fail(CT_ERR_SHAPE, "%s: input needs a dim for the classes, but has none", function);
        return false;
    }
    return ct__check_class_weight(function, x, x->sizes[class_dim(x)], weight);
}

ct_tensor *ct__class_indices(const char *function, ct_tensor *target) {
    if (target->dtype == CT_I64) return ct__dense(function, target);
    if (target->dtype != CT_U8) {
        ct__fail(CT_ERR_DTYPE, "%s: class indices must be int64 or uint8, not %s", function, ct_dtype_name((ct_dtype)target->dtype));
        return NULL;
    }
    ct_tensor *bytes = ct__dense(function, target);
    ct_tensor *wide = bytes ? ct__new(function, target->sizes, target->ndim, CT_I64) : NULL;
    for (int64_t i = 0; wide && i < wide->numel; i++)
        ((int64_t *)(void *)ct__ptr(wide))[i] = ((const uint8_t *)ct__ptr(bytes))[i];
    ct__unref(bytes);
    return wide;
}

void ct__fail_class(const char *function, int64_t label, int64_t position, int64_t classes) {
    ct__fail(CT_ERR_INDEX, "%s: target %lld at position %lld is not one of the %lld classes", function, (long long)label, (long long)position,
             (long long)classes);
}

/* Every index is a class or the ignored one. Sums the weights of those that count, for the mean. */
static bool check_indices(const char *function, const ct_tensor *indices, const ct_tensor *weight, int64_t classes, int64_t ignore,
                          double *weight_sum) {
    const int64_t *t = (const void *)ct__ptr(indices);
    double sum = 0;
    for (int64_t i = 0; i < indices->numel; i++) {
        if (t[i] == ignore) continue;
        if (CT__UNLIKELY(t[i] < 0 || t[i] >= classes)) {
            ct__fail_class(function, t[i], i, classes);
            return false;
        }
        sum += weight ? ct__load_f64(ct__ptr(weight) + t[i] * (int64_t)ct_dtype_size((ct_dtype)weight->dtype), (ct_dtype)weight->dtype)
                      : 1;
    }
    *weight_sum = sum;
    return true;
}

/* ---- Parts that are not kernels ---- */

static double at(const ct_tensor *t, int64_t i) {
    return t->dtype == CT_F32 ? (double)((const float *)(const void *)ct__ptr(t))[i] : ((const double *)(const void *)ct__ptr(t))[i];
}
static void put(ct_tensor *t, int64_t i, double v) {
    if (t->dtype == CT_F32) ((float *)(void *)ct__ptr(t))[i] = (float)v;
    else ((double *)(void *)ct__ptr(t))[i] = v;
}

/* factor * T in the order of like, which class_layout can describe. A reference of the caller's. */
static ct_tensor *distribution(const char *function, const ct_tensor *like, const ct_tensor *indices, const ct_tensor *weight,
                               const ce_ctx *c, double factor) {
    int64_t outer, classes, inner;
    ct_tensor *out = ct__new_like(function, like, (ct_dtype)like->dtype);
    if (!out) return NULL;
    class_layout(like, &outer, &classes, &inner);
    const int64_t *t = (const void *)ct__ptr(indices);
    double even = factor * c->smoothing / (double)classes, own = factor * (1 - c->smoothing);
    for (int64_t row = 0; row < outer * inner; row++) {
        int64_t first = row / inner * classes * inner + row % inner;
        bool counts = t[row] != c->ignore;
        for (int64_t k = 0; k < classes; k++)
            put(out, first + k * inner, counts ? even * (weight ? at(weight, k) : 1) + (k == t[row] ? own * (weight ? at(weight, k) : 1) : 0) : 0);
    }
    return out;
}

/* Sum of the rows' losses times factor, or the losses themselves. */
static ct_tensor *finish_rows(const char *function, ct_tensor *rows, const ce_ctx *c) {
    if (!rows || c->reduction == CT_REDUCTION_NONE) return rows;
    double lane[8] = {0}, sum = 0;
    for (int64_t i = 0; i < rows->numel; i++) lane[i % 8] += at(rows, i);
    for (int l = 0; l < 8; l++) sum += lane[l];
    ct_tensor *out = ct__loss_scalar(function, sum * c->factor, (ct_dtype)rows->dtype);
    ct__unref(rows);
    return out;
}

/* g of the losses as a factor of [N, C, ...]. */
static ct_tensor *spread_gradient(const ce_ctx *c, ct_tensor *x, ct_tensor *g) {
    return c->reduction == CT_REDUCTION_NONE ? ct_unsqueeze(g, class_dim(x)) : g;
}

/* ---- nll_loss ---- */

/* gin = g * D, where D, a constant, is -factor T. */
static void nll_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const char *function = ct__fn(n->cls->op);
    const ce_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, SAVED_INPUT), *indices = ct__saved(n, SAVED_TARGET), *weight = ct__saved(n, SAVED_WEIGHT);
    if (ct__pending() != CT_OK) return;
    ct_tensor *like = own_class_layout(function, x);
    ct_tensor *d = like ? distribution(function, like, indices, weight, c, -c->factor) : NULL;
    ct__unref(like);
    gin[0] = ct_mul(ct__scope_give(d), spread_gradient(c, x, g[0]));
}
static const ct__node_class nll_class = {
    .op = CT__OP_nll_loss, .backward = nll_backward, .ctx_size = sizeof(ce_ctx), .n_saved = SAVED_COUNT};

static ct_tensor *nll_rows(const char *function, ct_tensor *input, const ct_tensor *indices, const ct_tensor *weight, const ce_ctx *c) {
    int64_t outer, classes, inner;
    ct_tensor *x = own_class_layout(function, input);
    ct_tensor *rows = x ? ct__new(function, indices->sizes, indices->ndim, (ct_dtype)x->dtype) : NULL;
    if (rows) {
        const int64_t *t = (const void *)ct__ptr(indices);
        class_layout(x, &outer, &classes, &inner);
        for (int64_t r = 0; r < rows->numel; r++) {
            if (t[r] == c->ignore) put(rows, r, 0);
            else put(rows, r, -(weight ? at(weight, t[r]) : 1) * at(x, (r / inner * classes + t[r]) * inner + r % inner));
        }
    }
    ct__unref(x);
    return rows;
}

/* ---- cross_entropy with class indices ---- */

/* The kernel's view of it all; x as own_class_layout gives it. */
static ct__ce ce_view(const ct_tensor *x, const ct_tensor *indices, const ct_tensor *weight, const ce_ctx *c) {
    ct__ce ce = {.dtype = (ct_dtype)x->dtype, .x = ct__ptr(x), .target = (const void *)ct__ptr(indices),
                 .weight = weight ? ct__ptr(weight) : NULL, .ignore = c->ignore, .smoothing = c->smoothing};
    class_layout(x, &ce.outer, &ce.classes, &ce.inner);
    return ce;
}

static ct_tensor *ce_fused(const char *function, const ce_ctx *c, ct_tensor *x, ct_tensor *indices, ct_tensor *weight, ct_tensor *stats,
                           ct_tensor *g) {
    ct_tensor *in = own_class_layout(function, x);
    ct_tensor *gd = ct__dense(function, g);
    ct_tensor *out = in && gd ? ct__new_like(function, in, (ct_dtype)in->dtype) : NULL;
    if (out && out->numel) {
        ct__ce ce = ce_view(in, indices, weight, c);
        ct__kern()->nn.cross_entropy_backward(&ce, ct__ptr(stats), ct__ptr(gd), c->reduction == CT_REDUCTION_NONE, c->factor, ct__ptr(out));
    }
    ct__unref(in);
    ct__unref(gd);
    return ct__scope_give(out);
}

static ct_tensor *ce_composed(const char *function, const ce_ctx *c, ct_tensor *x, ct_tensor *indices, ct_tensor *weight, ct_tensor *g) {
    const int64_t dim = class_dim(x);
    const ct_reduce_options keep = {.keepdim = true};
    ct_tensor *like = own_class_layout(function, x);
    ct_tensor *t = ct__scope_give(like ? distribution(function, like, indices, weight, c, c->factor) : NULL);
    ct__unref(like);
    ct_tensor *p = ct_mul(ct_softmax(x, dim), ct_sum_dim(t, &dim, 1, &keep));
    return ct_mul(ct_sub(p, t), spread_gradient(c, x, g));
}

static void ce_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const char *function = ct__fn(n->cls->op);
    const ce_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, SAVED_INPUT), *indices = ct__saved(n, SAVED_TARGET), *weight = ct__saved(n, SAVED_WEIGHT);
    ct_tensor *stats = ct__saved(n, SAVED_STATS);
    if (ct__pending() != CT_OK) return;
    if (ct__grad_mode()) gin[0] = ce_composed(function, c, x, indices, weight, g[0]);
    else gin[0] = ce_fused(function, c, x, indices, weight, stats, g[0]);
}
static const ct__node_class ce_class = {
    .op = CT__OP_cross_entropy, .backward = ce_backward, .ctx_size = sizeof(ce_ctx), .n_saved = SAVED_COUNT};

static ct_tensor *ce_rows(const char *function, ct_tensor *input, const ct_tensor *indices, const ct_tensor *weight, const ce_ctx *c,
                          ct_tensor **stats) {
    ct_tensor *x = own_class_layout(function, input);
    ct_tensor *rows = x ? ct__new(function, indices->sizes, indices->ndim, (ct_dtype)x->dtype) : NULL;
    *stats = rows ? ct__new(function, (const int64_t[]){rows->numel, 2}, 2, (ct_dtype)x->dtype) : NULL;
    if (*stats && rows->numel) {
        ct__ce ce = ce_view(x, indices, weight, c);
        ct__kern()->nn.cross_entropy(&ce, ct__ptr(*stats), ct__ptr(rows));
    }
    ct__unref(x);
    if (*stats) return rows;
    ct__unref(rows);
    return NULL;
}

/* Both losses with class indices. */
static ct_tensor *index_loss(const ct__node_class *cls, ct_tensor *input, ct_tensor *target, ct_tensor *weight_in, ce_ctx c) {
    const char *function = ct__fn(cls->op);
    double weight_sum = 0;
    if (!check_target_shape(function, input, target)) return NULL;
    ct_tensor *out = NULL, *stats = NULL, *indices = ct__class_indices(function, target);
    ct_tensor *weight = indices && weight_in ? ct__dense(function, weight_in) : NULL;
    ct__node *n = NULL;
    if (ct__pending() != CT_OK) goto done;
    if (!check_indices(function, indices, weight, input->sizes[class_dim(input)], c.ignore, &weight_sum)) goto done;
    c.factor = c.reduction == CT_REDUCTION_MEAN ? 1 / weight_sum : 1;
    if (cls == &nll_class) out = nll_rows(function, input, indices, weight, &c);
    else out = ce_rows(function, input, indices, weight, &c, &stats);
    out = finish_rows(function, out, &c);
    n = out ? ct__node_new(cls, &input, 1, 1) : NULL;
    if (n) *(ce_ctx *)ct__ctx(n) = c;
    ct__save(n, SAVED_INPUT, input);
    ct__save(n, SAVED_TARGET, indices);
    ct__save(n, SAVED_WEIGHT, weight);
    ct__save(n, SAVED_STATS, stats);
done:
    ct__unref(indices);
    ct__unref(weight);
    ct__unref(stats);
    return ct__finish(n, out);
}

ct_tensor *ct_nll_loss(ct_tensor *input, ct_tensor *target, const ct_nll_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_nll_loss(input, target, o));
    ct_tensor *weight = o ? o->weight : NULL;
    if (!ct__enter(CT__OP_nll_loss, (ct_tensor *[]){input, target, weight}, weight ? 3 : 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nll_loss", o));
    if (ct__all_half((ct_tensor *[]){input, weight}, 2)) {
        ct__half h = ct__half_begin(input);
        ct_nll_loss_options wide = o ? *o : (ct_nll_loss_options){0};
        wide.weight = ct__widen(weight);
        return ct__half_end(h, ct_nll_loss(ct__widen(input), target, &wide));
    }
    ce_ctx c = {.ignore = o && o->ignore_index.has ? o->ignore_index.value : -100, .reduction = o ? o->reduction : CT_REDUCTION_MEAN};
    if (!check_common("ct_nll_loss", input, weight, c.reduction)) return NULL;
    return index_loss(&nll_class, input, target, weight, c);
}

/* ---- cross_entropy with probabilities ---- */

static ct_tensor *probability_loss(ct_tensor *input, ct_tensor *target, ct_tensor *weight, ct_reduction reduction, double smoothing) {
    int64_t dim = class_dim(input), classes = input->sizes[dim], view[CT_MAX_NDIM];
    int64_t rows = 1;
    for (int d = 0; d < input->ndim; d++) {
        view[d] = d == dim ? classes : 1;
        if (d != dim) rows *= input->sizes[d];
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *t = target;
    if (smoothing > 0) t = ct_add_scalar(ct_mul_scalar(t, 1 - smoothing), smoothing / (double)classes);
    if (weight) t = ct_mul(t, ct_view(weight, view, input->ndim));
    ct_tensor *product = ct_mul(ct_log_softmax(input, dim), t);
    ct_tensor *loss;
    if (reduction == CT_REDUCTION_NONE) loss = ct_neg(ct_sum_dim(product, &dim, 1, NULL));
    else loss = ct_mul_scalar(ct_sum(product), reduction == CT_REDUCTION_MEAN ? -1 / (double)rows : -1);
    return ct_scope_return(scope, loss);
}

ct_tensor *ct_cross_entropy(ct_tensor *input, ct_tensor *target, const ct_cross_entropy_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_cross_entropy(input, target, o));
    const char *function = "ct_cross_entropy";
    ct_tensor *weight = o ? o->weight : NULL;
    if (!ct__enter(CT__OP_cross_entropy, (ct_tensor *[]){input, target, weight}, weight ? 3 : 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, o));
    if (ct__all_half((ct_tensor *[]){input, weight, ct__is_float(target) ? target : NULL}, 3)) {
        ct__half h = ct__half_begin(input);
        ct_cross_entropy_options wide = o ? *o : (ct_cross_entropy_options){0};
        wide.weight = ct__widen(weight);
        return ct__half_end(h, ct_cross_entropy(ct__widen(input), ct__widen(target), &wide));
    }
    ce_ctx c = {.ignore = o && o->ignore_index.has ? o->ignore_index.value : -100,
                .smoothing = o ? o->label_smoothing : 0,
                .reduction = o ? o->reduction : CT_REDUCTION_MEAN};
    if (!check_common(function, input, weight, c.reduction)) return NULL;
    if (!(c.smoothing >= 0 && c.smoothing <= 1)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: label_smoothing is %g but must be between 0 and 1", function, c.smoothing);
        return NULL;
    }
    if (!ct__is_float(target)) return index_loss(&ce_class, input, target, weight, c);
    if (!ct__same_sizes(input, target)) {
        ct__shape_text xs, ts;
        ct__fail(CT_ERR_SHAPE, "%s: probabilities need input's shape %s, but target has %s", function,
                 ct__shape_str(&xs, input->sizes, input->ndim), ct__shape_str(&ts, target->sizes, target->ndim));
        return NULL;
    }
    if (c.ignore >= 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: ignore_index %lld needs class indices, but target holds probabilities", function,
                 (long long)c.ignore);
        return NULL;
    }
    return probability_loss(input, target, weight, c.reduction, c.smoothing);
}
