/*
 * op_reduce_var.c: variance, standard deviation, norms, log-sum-exp.
 */
#include "ops/half.h"
#include "ops/reduce.h"
#include "ops/wide.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <math.h>

/* ---- var: sum (x - m)^2 / (n - c); d x = 2 g (x - m) / (n - c) ---- */

static ct_tensor *var_gradient(ct__node *n, ct_tensor *g) {
    const ct__reduce_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0);
    if (!x) return NULL;
    int64_t dims[CT_MAX_NDIM];
    int count = ct__mask_dims(c->mask, x->ndim, dims);
    ct_tensor *mean = count ? ct_mean_dim(x, dims, count, &(ct_reduce_options){.keepdim = true}) : x;
    double scale = 2 / ((double)c->count - c->p);
    return ct_mul(ct_mul_scalar(ct__restore_dims(g, x->ndim, c->mask, c->keepdim), scale), ct_sub(x, mean));
}
static void var_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = var_gradient(n, g[0]);
}
/* d sqrt v = d v / (2 sqrt v), 0 where v is 0 */
static void std_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *y = ct__saved(n, 1);
    gin[0] = var_gradient(n, ct_masked_fill(ct_div(g[0], ct_mul_scalar(y, 2)), ct_eq_scalar(y, 0), 0));
}
static const ct__node_class var_class = CT__REDUCE_CLASS(CT__OP_var, var_backward, 1);
static const ct__node_class var_dim_class = CT__REDUCE_CLASS(CT__OP_var_dim, var_backward, 1);
static const ct__node_class std_class = CT__REDUCE_CLASS(CT__OP_std, std_backward, 2);
static const ct__node_class std_dim_class = CT__REDUCE_CLASS(CT__OP_std_dim, std_backward, 2);

static ct_tensor *var(const ct__node_class *cls, ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options) {
    const char *fn = ct__fn(cls->op);
    uint32_t mask;
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(ct__check_float(cls->op, a));
    CT__TRY_NULL(ct__wrap_dims(fn, dims, n, a->ndim, &mask));
    ct__reduce_args args = {.correction = options && options->correction.has ? options->correction.value : 1,
                            .root = cls->backward == std_backward};
    bool keepdim = options && options->keepdim;
    return ct__reduce_finish(cls, a, mask, keepdim, args.correction,
                             ct__reduce(fn, a, mask, keepdim, CT__REDUCE_VAR, &args, (ct_dtype)a->dtype));
}
ct_tensor *ct_var(ct_tensor *a, const ct_var_options *options) { return var(&var_class, a, NULL, 0, options); }
ct_tensor *ct_std(ct_tensor *a, const ct_var_options *options) { return var(&std_class, a, NULL, 0, options); }
ct_tensor *ct_var_dim(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options) {
    return var(&var_dim_class, a, dims, n, options);
}
ct_tensor *ct_std_dim(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options) {
    return var(&std_dim_class, a, dims, n, options);
}

/* Both, in two passes. */
static ct_tensor *with_mean(const ct__node_class *cls, ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options, ct_tensor **mean) {
    if (mean) *mean = NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = var(cls, a, dims, n, options), *m = NULL;
    if (out && mean) m = ct_mean_dim(a, dims, n, &(ct_reduce_options){.keepdim = options && options->keepdim});
    return ct__return_two(scope, out, m, mean);
}
static const ct__node_class var_mean_class = CT__REDUCE_CLASS(CT__OP_var_mean, var_backward, 1);
static const ct__node_class std_mean_class = CT__REDUCE_CLASS(CT__OP_std_mean, std_backward, 2);
ct_tensor *ct_var_mean(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options, ct_tensor **mean) {
    return with_mean(&var_mean_class, a, dims, n, options, mean);
}
ct_tensor *ct_std_mean(ct_tensor *a, const int64_t *dims, int n, const ct_var_options *options, ct_tensor **mean) {
    return with_mean(&std_mean_class, a, dims, n, options, mean);
}

/*
 * ---- norm: y = (sum |x|^p)^(1/p); d x = g sign x |x|^(p-1) / y^(p-1), 0 where y is 0 ----
 *
 * p = 0: 0.  p = inf, -inf: g sign x, shared evenly by the elements whose |x| is y.  p < 1: 0 where x is 0, where the slope is infinite.
 */
static void norm_backward(ct__node *n, ct_tensor *const *grad, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const ct__reduce_ctx *c = ct__ctx(n);
    const double p = c->p;
    ct_tensor *x = ct__saved(n, 0), *y = ct__restore_dims(ct__saved(n, 1), ct_ndim(x), c->mask, c->keepdim);
    ct_tensor *g = ct__restore_dims(grad[0], ct_ndim(x), c->mask, c->keepdim);
    if (!x || !y) return;
    if (p == 0) {
        gin[0] = ct_zeros_like(x, CT_DTYPE_NONE);
    } else if (p == 1) {
        gin[0] = ct_mul(g, ct_sign(x));
    } else if (p == 2) {
        gin[0] = ct_mul(g, ct_masked_fill(ct_div(x, y), ct_eq_scalar(y, 0), 0));
    } else if (isinf(p)) {
        int64_t dims[CT_MAX_NDIM];
        int count = ct__mask_dims(c->mask, x->ndim, dims);
        ct_tensor *size = ct_abs(x), *equal = ct_logical_or(ct_eq(size, y), ct_logical_and(ct_isnan(size), ct_isnan(y)));
        ct_tensor *sharers = count ? ct_sum_dim(equal, dims, count, &(ct_reduce_options){.keepdim = true}) : ct_to(equal, CT_I64);
        gin[0] = ct_mul(ct_mul(ct_div(g, sharers), equal), ct_sign(x));
    } else if (p < 1) {
        ct_tensor *slope = ct_masked_fill(ct_mul(ct_sign(x), ct_pow_scalar(ct_abs(x), p - 1)), ct_eq_scalar(x, 0), 0);
        gin[0] = ct_mul(ct_mul(slope, g), ct_pow_scalar(y, 1 - p));
    } else {
        ct_tensor *slope = p < 2 ? ct_mul(ct_sign(x), ct_pow_scalar(ct_abs(x), p - 1)) : ct_mul(x, ct_pow_scalar(ct_abs(x), p - 2));
        ct_tensor *scale = ct_masked_fill(ct_div(g, ct_pow_scalar(y, p - 1)), ct_eq_scalar(y, 0), 0);
        gin[0] = ct_mul(slope, scale);
    }
}
static const ct__node_class norm_class = CT__REDUCE_CLASS(CT__OP_norm, norm_backward, 2);

/* The count of non-zeros, and the extrema of |x|, want a tensor in between. */
static ct_tensor *special_norm(const ct_tensor *a, double p, uint32_t mask, bool keepdim) {
    const int op = CT__OP_norm;
    ct_dtype dtype = (ct_dtype)a->dtype;
    ct_tensor *first = p == 0 ? ct__reduce(ct__fn(op), a, mask, keepdim, CT__REDUCE_NONZERO, NULL, CT_I64)
                              : ct__unary(op, CT__UNARY_abs, a, dtype);
    if (!first) return NULL;
    ct_tensor *out;
    if (p == 0) {
        out = ct__new_like(ct__fn(op), first, dtype);
        if (out) ct__copy_into(ct__fn(op), out, first);
    } else {
        out = ct__reduce(ct__fn(op), first, mask, keepdim, p > 0 ? CT__REDUCE_MAX : CT__REDUCE_MIN, NULL, dtype);
    }
    ct__unref(first);
    return out;
}

ct_tensor *ct_norm(ct_tensor *a, double ord, const int64_t *dims, int n, const ct_reduce_options *options) {
    const int op = CT__OP_norm;
    uint32_t mask;
    if (!ct__reduce_enter(op, a, dims, n, options, &mask)) return NULL;
    CT__TRY_NULL(ct__check_float(op, a));
    if (isnan(ord)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_norm: ord is NaN");
        return NULL;
    }
    if (ord < 0 || isinf(ord)) CT__TRY_NULL(ct__check_not_empty(op, a, mask));
    bool keepdim = ct__keepdim(options);
    ct__reduce_args args = {.divisor = 1, .p = ord};
    ct_tensor *out;
    if (ord == 0 || isinf(ord))
        out = special_norm(a, ord, mask, keepdim);
    else
        out = ct__reduce(ct__fn(op), a, mask, keepdim,
                         ord == 1 ? CT__REDUCE_SUM_ABS : ord == 2 ? CT__REDUCE_SUM_SQUARES : CT__REDUCE_SUM_POWER, &args, (ct_dtype)a->dtype);
    return ct__reduce_finish(&norm_class, a, mask, keepdim, ord, out);
}

/* ---- logsumexp: y = m + log sum exp(x - m) with m = max x; d x = g exp(x - y) ---- */

static void logsumexp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const ct__reduce_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0), *y = ct__restore_dims(ct__saved(n, 1), ct_ndim(x), c->mask, c->keepdim);
    gin[0] = ct_mul(ct__restore_dims(g[0], ct_ndim(x), c->mask, c->keepdim), ct_exp(ct_sub(x, y)));
}
static const ct__node_class logsumexp_class = CT__REDUCE_CLASS(CT__OP_logsumexp, logsumexp_backward, 2);

ct_tensor *ct_logsumexp(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_logsumexp, a, dims, n, options, &mask)) return NULL;
    if (ct__all_half(&a, 1)) {
        ct__half h = ct__half_begin(a);
        return ct__half_end(h, ct_logsumexp(ct__widen(a), dims, n, options));
    }
    bool keepdim = ct__keepdim(options);
    ct_scope scope = ct_scope_begin();
    ct__context()->modes |= CT__MODE_NO_GRAD;
    const ct_dtype dtype = ct__at_least_float((ct_dtype)a->dtype);
    ct_tensor *x = ct_to(a, ct__compute_dtype(dtype)), *out;
    if (a->numel == 0) {
        out = ct_log(ct_sum_dim(x, dims, n, options)); /* -infinity */
    } else {
        ct_tensor *m = ct_amax(x, dims, n, &(ct_reduce_options){.keepdim = true});
        m = ct_masked_fill(m, ct_isinf(m), 0); /* infinity - infinity would be NaN */
        ct_tensor *sum = ct_sum_dim(ct_exp(ct_sub(x, m)), dims, n, &(ct_reduce_options){.keepdim = true});
        out = ct_add(ct_log(sum), m);
    }
    if (dtype != ct__compute_dtype(dtype)) out = ct_to(out, dtype);
    ct_keep(out);
    ct_scope_end(scope);
    if (out && !keepdim && a->numel) { /* the reduced dims, all of size 1, disappear */
        int kept = 0;
        for (int d = 0; d < out->ndim; d++)
            if (!(mask >> d & 1)) {
                out->sizes[kept] = out->sizes[d];
                out->strides[kept++] = out->strides[d];
            }
        out->ndim = (uint8_t)kept;
    }
    return ct__reduce_finish(&logsumexp_class, a, mask, keepdim, 0, out);
}
