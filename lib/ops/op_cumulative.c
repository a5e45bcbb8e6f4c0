/*
 * op_cumulative.c: running products, extrema, log-sum-exps along one dim; the running sum is in op_reduce.c.
 *
 *      op             gradient of x
 *      cumprod        gx[k] = sum over i >= k of g[i] times the product of x[0 .. i] without x[k]
 *      cummax, cummin g, added up where the extremum came from: the values are a gather at the indices
 *      logcumsumexp   gx[k] = sum over i >= k of g[i] exp(x[k] - y[i])
 */
#include "ops/wide.h"

#include "ops/elementwise.h"
#include "ops/half.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <float.h>
#include <math.h>

typedef struct cumulative_ctx {
    int dim;
} cumulative_ctx;
static int dim_of(const ct__node *n) { return ((const cumulative_ctx *)ct__ctx(n))->dim; }

/* ---- cumprod ---- */

/* While nothing records: the kernel, which needs no division. */
static ct_tensor *cumprod_gradient(ct_tensor *x, ct_tensor *g, int dim) {
    static const char function[] = "backward";
    ct_tensor *dense = ct__dense(function, x), *grad = dense ? ct__dense(function, g) : NULL, *out = NULL;
    if (grad) out = ct__new(function, x->sizes, x->ndim, (ct_dtype)x->dtype);
    if (out) {
        ct__lines l = ct__lines_of(x, dim);
        ct__cumprod_gradient(&l, (ct_dtype)x->dtype, ct__ptr(dense), ct__ptr(grad), ct__ptr(out));
    }
    ct__unref(dense);
    ct__unref(grad);
    return ct__finish(NULL, out);
}

/* Running sum from the end. */
static ct_tensor *sum_from_end(ct_tensor *a, int64_t dim) { return ct_flip(ct_cumsum(ct_flip(a, &dim, 1), dim), &dim, 1); }

/* From ops, for gradients of the gradient. Beside zeros one element k at a time: products in front of k, times the running products behind it. */
static ct_tensor *cumprod_gradient_composed(ct_tensor *x, ct_tensor *y, ct_tensor *g, int dim) {
    ct_tensor *zero = ct_eq_scalar(x, 0);
    if (!zero) return NULL;
    if (!ct_item_bool(ct_any(zero))) return ct_div(sum_from_end(ct_mul(g, y), dim), x);
    int64_t n = x->sizes[dim], one[CT_MAX_NDIM];
    for (int d = 0; d < x->ndim; d++) one[d] = d == dim ? 1 : x->sizes[d];
    ct_tensor *ones = ct_ones(one, x->ndim, (ct_dtype)x->dtype), *before = ones;
    ct_list *parts = ct_list_new();
    for (int64_t k = 0; k < n && ct_ok(); k++) {
        ct_tensor *behind = k + 1 < n ? ct_cumprod(ct_narrow(x, dim, k + 1, n - k - 1), dim) : NULL;
        ct_tensor *rest = behind ? ct_cat((ct_tensor *[]){ones, behind}, 2, dim) : ones;
        ct_tensor *sum = ct_sum_dim(ct_mul(ct_narrow(g, dim, k, n - k), rest), (const int64_t[]){dim}, 1, &(ct_reduce_options){.keepdim = true});
        ct_list_append(parts, ct_mul(before, sum));
        before = ct_mul(before, ct_narrow(x, dim, k, 1));
    }
    return ct_ok() ? ct_cat(ct_list_data(parts), n, dim) : NULL;
}

static void cumprod_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *x = ct__saved(n, 0), *y = ct__saved(n, 1);
    if (!x || !y) return;
    if (x->ndim == 0 || x->numel == 0) gin[0] = g[0];
    else gin[0] = ct__grad_mode() ? cumprod_gradient_composed(x, y, g[0], dim_of(n)) : cumprod_gradient(x, g[0], dim_of(n));
}
static const ct__node_class cumprod_class = {.op = CT__OP_cumprod, .backward = cumprod_backward, .n_saved = 2, .ctx_size = sizeof(cumulative_ctx)};

/* The end of cumprod and logcumsumexp: x in slot 0, the result in slot 1. */
static ct_tensor *finish(const ct__node_class *cls, ct_tensor *x, int dim, ct_tensor *out) {
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (n) ((cumulative_ctx *)ct__ctx(n))->dim = dim;
    ct__save(n, 0, x);
    if (out) ct__save_output(n, 1, out, 0);
    return ct__finish(n, out);
}

ct_tensor *ct_cumprod(ct_tensor *x, int64_t dim) {
    static const char function[] = "ct_cumprod";
    int d;
    if (!ct__enter(CT__OP_cumprod, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    if (ct__all_half(&x, 1)) { /* in f32, gradient and all */
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_cumprod(ct__widen(x), dim));
    }
    ct_dtype dtype = ct__is_float(x) ? (ct_dtype)x->dtype : CT_I64;
    ct_tensor *wide = ct__wide(function, x, dtype), *out = wide ? ct__new(function, x->sizes, x->ndim, dtype) : NULL;
    if (out) {
        ct__lines l = ct__lines_of(x, d);
        ct__cumprod(&l, dtype, ct__ptr(wide), ct__ptr(out));
    }
    ct__unref(wide);
    return finish(&cumprod_class, x, d, out);
}

/* ---- cummax, cummin ---- */

static ct_tensor *cumextremum(int op, ct_tensor *x, int64_t dim, bool max, ct_tensor **indices) {
    const char *function = ct__fn(op);
    int d;
    if (indices) *indices = NULL;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    ct_dtype dtype = ct__order_dtype((ct_dtype)x->dtype);
    ct_tensor *wide = ct__wide(function, x, dtype), *at = wide ? ct__new(function, x->sizes, x->ndim, CT_I64) : NULL;
    if (at) {
        ct__lines l = ct__lines_of(x, d);
        ct__cumextremum(&l, dtype, ct__ptr(wide), max, (int64_t *)(void *)ct__ptr(at));
    }
    ct__unref(wide);
    ct_scope scope = ct_scope_begin();
    return ct__pick(scope, x, d, true, ct__scope_give(at), indices);
}
ct_tensor *ct_cummax(ct_tensor *x, int64_t dim, ct_tensor **indices) { return cumextremum(CT__OP_cummax, x, dim, true, indices); }
ct_tensor *ct_cummin(ct_tensor *x, int64_t dim, ct_tensor **indices) { return cumextremum(CT__OP_cummin, x, dim, false, indices); }

/* ---- logcumsumexp ---- */

/* exp(x + the running log-sum-exp from the end of log |g| - y), for the positive and the negative parts of g. */
static ct_tensor *logcumsumexp_part(ct_tensor *log_g, ct_tensor *x, ct_tensor *y, int64_t dim) {
    ct_tensor *sums = ct_flip(ct_logcumsumexp(ct_flip(ct_sub(log_g, y), &dim, 1), dim), &dim, 1);
    return ct_exp(ct_add(sums, x));
}
static void logcumsumexp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *x = ct__saved(n, 0), *y = ct__saved(n, 1);
    if (!x || !y) return;
    if (x->ndim == 0 || x->numel == 0) {
        gin[0] = g[0];
        return;
    }
    double lowest = x->dtype == CT_F64 ? -DBL_MAX : x->dtype == CT_F16 ? -65504 : x->dtype == CT_BF16 ? -0x1.fep127 : (double)-FLT_MAX;
    ct_tensor *log_g = ct_log(ct_abs(g[0])), *none = ct_full(NULL, 0, lowest, ct_tensor_dtype(g[0]));
    ct_tensor *positive = ct_where(ct_gt_scalar(g[0], 0), log_g, none), *negative = ct_where(ct_lt_scalar(g[0], 0), log_g, none);
    gin[0] = ct_sub(logcumsumexp_part(positive, x, y, dim_of(n)), logcumsumexp_part(negative, x, y, dim_of(n)));
}
static const ct__node_class logcumsumexp_class = {
    .op = CT__OP_logcumsumexp, .backward = logcumsumexp_backward, .n_saved = 2, .ctx_size = sizeof(cumulative_ctx)};

ct_tensor *ct_logcumsumexp(ct_tensor *x, int64_t dim) {
    static const char function[] = "ct_logcumsumexp";
    int d;
    if (!ct__enter(CT__OP_logcumsumexp, &x, 1)) return NULL;
    CT__TRY_NULL(ct__check_float(CT__OP_logcumsumexp, x));
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    ct_dtype dtype = x->dtype == CT_F64 ? CT_F64 : CT_F32;
    ct_tensor *wide = ct__wide(function, x, dtype), *out = wide ? ct__new(function, x->sizes, x->ndim, dtype) : NULL;
    if (out) {
        ct__lines l = ct__lines_of(x, d);
        ct__logcumsumexp(&l, dtype, ct__ptr(wide), ct__ptr(out));
    }
    ct__unref(wide);
    return finish(&logcumsumexp_class, x, d, ct__narrowed(function, out, (ct_dtype)x->dtype));
}
