/*
 * op_quantile.c: statistics of order: median, k-th value, mode, quantiles.
 *
 * All sort or select to find places, so the values are a gather of the input at indices found on the side: its gradient goes to the one element at each
 * index. But ct_median's goes evenly to all elements that equal it, and quantiles are put together from ops, sort included, for they
 * lie between elements.
 */
#include "ops/reduce.h"
#include "ops/wide.h"

#include "kernels/runs.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <math.h>

static const ct_reduce_options kept = {.keepdim = true};

/* The prologue of all: *d, and that there is something along it. */
static bool enter(int op, ct_tensor *a, int64_t dim, const ct_reduce_options *options, int *d) {
    if (!ct__enter(op, &a, 1) || CT__CHECK_OPTIONS(ct__fn(op), options) != CT_OK) return false;
    if (op != CT__OP_mode && ct__check_not_bool(op, (ct_dtype)a->dtype) != CT_OK) return false;
    if (ct__wrap_dim(ct__fn(op), dim, a->ndim, d) != CT_OK) return false;
    if (a->ndim && a->sizes[*d] == 0) ct__fail(CT_ERR_INDEX, "%s: dim %d is empty", ct__fn(op), *d);
    return ct__pending() == CT_OK;
}

/* ---- median, nanmedian ---- */

/* Where the median along d is, d kept. Among NaN, which is sorted behind everything, the first is the median, or the median is that of the others. */
static ct_tensor *median_index(ct_tensor *a, int d, bool skip_nan) {
    if (a->ndim == 0) return ct_zeros(NULL, 0, CT_I64);
    const int64_t n = a->sizes[d];
    if (!ct__is_float(a) || !ct_item_bool(ct_any(ct_isnan(a)))) return ct__kth_index(a, d, (n - 1) / 2 + 1);
    ct_tensor *order, *sorted = ct_sort(ct_detach(a), d, NULL, &order);
    ct_tensor *numbers = ct_sum_dim(ct_logical_not(ct_isnan(sorted)), (const int64_t[]){d}, 1, &kept);
    ct_tensor *middle = ct_div_tensor_mode(ct_clamp_min(ct_sub_scalar_int(numbers, 1), 0), ct_scalar_tensor_int(2, CT_I64), CT_ROUND_TRUNC);
    middle = ct_to(middle, CT_I64);
    ct_tensor *place = skip_nan ? middle : ct_where(ct_lt_scalar_int(numbers, n), numbers, middle);
    return ct_gather(order, d, place);
}

static ct_tensor *median_dim(int op, ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    int d;
    if (indices) *indices = NULL;
    if (!enter(op, a, dim, options, &d)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct__pick(scope, a, d, ct__keepdim(options), median_index(a, d, op == CT__OP_nanmedian_dim), indices);
}
ct_tensor *ct_median_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    return median_dim(CT__OP_median_dim, a, dim, options, indices);
}
ct_tensor *ct_nanmedian_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    return median_dim(CT__OP_nanmedian_dim, a, dim, options, indices);
}

/* g, shared evenly by all that equal the result. */
static void median_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *x = ct__saved(n, 0), *y = ct__saved(n, 1);
    ct_tensor *equal = y && isnan(ct_item_f64(y)) ? ct_isnan(x) : ct_eq(x, y);
    gin[0] = ct_mul(ct_div(g[0], ct_sum(equal)), equal);
}
static const ct__node_class median_class = CT__REDUCE_CLASS(CT__OP_median, median_backward, 2);
static const ct__node_class nanmedian_class = CT__REDUCE_CLASS(CT__OP_nanmedian, median_backward, 2);

static ct_tensor *median(const ct__node_class *cls, ct_tensor *a) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_not_bool(cls->op, (ct_dtype)a->dtype));
    ct_scope scope = ct_scope_begin();
    ct_tensor *out;
    if (a->numel == 0) {
        out = ct__is_float(a) ? ct_full(NULL, 0, (double)NAN, (ct_dtype)a->dtype)
                              : ct_to(ct_full_int(NULL, 0, INT64_MIN, CT_I64), (ct_dtype)a->dtype); /* what C makes of NaN in PyTorch */
    } else {
        ct_tensor *flat = ct_reshape(ct_detach(a), (const int64_t[]){-1}, 1);
        out = flat ? ct_reshape(ct_gather(flat, 0, median_index(flat, 0, cls == &nanmedian_class)), NULL, 0) : NULL;
    }
    if (out) out = ct_clone(out);
    ct_keep(out);
    ct_scope_end(scope);
    return ct__reduce_finish(cls, a, ct__all_dims(a), false, 0, out);
}
ct_tensor *ct_median(ct_tensor *a) { return median(&median_class, a); }
ct_tensor *ct_nanmedian(ct_tensor *a) { return median(&nanmedian_class, a); }

/* ---- kthvalue, mode ---- */

ct_tensor *ct_kthvalue(ct_tensor *a, int64_t k, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    int d;
    if (indices) *indices = NULL;
    if (!enter(CT__OP_kthvalue, a, dim, options, &d)) return NULL;
    const int64_t n = a->ndim ? a->sizes[d] : 1;
    if (k < 1 || k > n) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_kthvalue: k %lld is out of range for size %lld at dim %d", (long long)k, (long long)n, d);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct__pick(scope, a, d, ct__keepdim(options), ct__kth_index(a, d, k), indices);
}

/* Places in the sorted rows, [rows, 1]. */
static ct_tensor *mode_places(ct_tensor *sorted, int d) {
    static const char function[] = "ct_mode";
    ct_tensor *last = ct_movedim(sorted, d, -1), *wide = last ? ct__wide(function, last, ct__order_dtype((ct_dtype)last->dtype)) : NULL;
    if (!wide) return NULL;
    int64_t sizes[CT_MAX_NDIM], n = wide->sizes[wide->ndim - 1];
    for (int i = 0; i < wide->ndim; i++) sizes[i] = i < wide->ndim - 1 ? wide->sizes[i] : 1;
    ct_tensor *places = ct__new(function, sizes, wide->ndim, CT_I64);
    if (places && places->numel) ct__mode_of_rows((ct_dtype)wide->dtype, places->numel, n, ct__ptr(wide), (int64_t *)(void *)ct__ptr(places));
    ct__unref(wide);
    return ct_movedim(ct__scope_give(places), -1, d);
}

ct_tensor *ct_mode(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    int d;
    if (indices) *indices = NULL;
    if (!enter(CT__OP_mode, a, dim, options, &d)) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *order, *sorted = ct_sort(ct_detach(a), d, NULL, &order);
    if (a->ndim && sorted) order = ct_gather(order, d, mode_places(sorted, d));
    return ct__pick(scope, a, d, ct__keepdim(options), order, indices);
}

/* ---- quantile, nanquantile ---- */

static ct_status check_quantile(int op, const ct_tensor *a, const ct_tensor *q, const ct_quantile_options *o) {
    const char *fn = ct__fn(op);
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if ((a->dtype != CT_F32 && a->dtype != CT_F64) || q->dtype != a->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: a is %s, q is %s; both must be float32 or both float64", fn, ct_dtype_name((ct_dtype)a->dtype),
                        ct_dtype_name((ct_dtype)q->dtype));
    if (a->numel == 0) return ct__fail(CT_ERR_SHAPE, "%s: a has no elements", fn);
    if (q->ndim > 1) return ct__fail(CT_ERR_SHAPE, "%s: q has %d dims; 0 or 1", fn, q->ndim);
    if (o && (o->interpolation < CT_QUANTILE_LINEAR || o->interpolation > CT_QUANTILE_MIDPOINT))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is no interpolation", fn, (int)o->interpolation);
    const size_t size = ct_dtype_size((ct_dtype)q->dtype);
    for (int64_t i = 0; i < q->numel; i++) {
        double v = ct__load_f64(ct__ptr(q) + (size_t)(i * (q->ndim ? q->strides[0] : 0)) * size, (ct_dtype)q->dtype);
        if (!(v >= 0 && v <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: q %g is not from 0 to 1", fn, v);
    }
    return CT_OK;
}

/* Between a and b, counted from the nearer one: PyTorch's lerp. */
static ct_tensor *between(ct_tensor *a, ct_tensor *b, ct_tensor *w) {
    ct_tensor *step = ct_sub(b, a);
    return ct_where(ct_lt_scalar(w, 0.5), ct_add(a, ct_mul(w, step)), ct_sub(b, ct_mul(step, ct_sub_rscalar(1, w))));
}

/* Of sorted [.., n] at q [k]: [.., k]. */
static ct_tensor *at_ranks(ct_tensor *sorted, ct_tensor *q, bool skip_nan, ct_quantile_interpolation how) {
    if (!sorted) return NULL;
    const int64_t n = ct_size(sorted, -1);
    ct_tensor *ranks;
    if (skip_nan) {
        ct_tensor *numbers = ct_sum_dim(ct_logical_not(ct_isnan(sorted)), CT_DIMS(-1), &kept);
        ranks = ct_mul(q, ct_sub_scalar_int(numbers, 1));
        ranks = ct_masked_fill(ranks, ct_lt_scalar(ranks, 0), 0);
    } else {
        ct_tensor *last = ct_full(NULL, 0, (double)(n - 1), ct_tensor_dtype(q));
        ranks = ct_where(ct_isnan(ct_narrow(sorted, -1, n - 1, 1)), last, ct_mul_scalar(q, (double)(n - 1)));
    }
    if (how == CT_QUANTILE_LOWER) ranks = ct_floor(ranks);
    if (how == CT_QUANTILE_HIGHER) ranks = ct_ceil(ranks);
    if (how == CT_QUANTILE_NEAREST) ranks = ct_round(ranks);
    ct_tensor *below = ct_to(ranks, CT_I64), *values = ct_gather(sorted, -1, below);
    if (how != CT_QUANTILE_LINEAR && how != CT_QUANTILE_MIDPOINT) return values;
    ct_tensor *weight = how == CT_QUANTILE_MIDPOINT ? ct_full_like(ranks, 0.5, CT_DTYPE_NONE) : ct_sub(ranks, below);
    return between(values, ct_gather(sorted, -1, ct_to(ct_ceil(ranks), CT_I64)), weight);
}

static ct_tensor *quantile(int op, ct_tensor *a, ct_tensor *q, int64_t dim, const ct_quantile_options *options) {
    const bool all = dim == CT_DIM_NONE, keepdim = options && options->keepdim, skip_nan = op == CT__OP_nanquantile || op == CT__OP_nanquantile_scalar;
    int d = 0;
    if (!ct__enter(op, (ct_tensor *[]){a, q}, 2)) return NULL;
    CT__TRY_NULL(check_quantile(op, a, q, options));
    if (!all) CT__TRY_NULL(ct__wrap_dim(ct__fn(op), dim, a->ndim, &d));
    ct_scope scope = ct_scope_begin();
    const int ndim = a->ndim;
    ct_tensor *x = all || ndim == 0 ? ct_reshape(a, (const int64_t[]){-1}, 1) : ct_movedim(a, d, -1);
    ct_tensor *out = at_ranks(ct_sort(x, -1, NULL, NULL), ct_reshape(q, (const int64_t[]){-1}, 1), skip_nan, options ? options->interpolation : CT_QUANTILE_LINEAR);
    if (keepdim && all)
        for (int i = 0; i < ndim; i++) out = ct_unsqueeze(out, 0);
    else if (keepdim && ndim)
        out = ct_unsqueeze(out, d);
    out = q->ndim ? ct_movedim(out, -1, 0) : ct_squeeze_dim(out, CT_DIMS(-1));
    return ct_scope_return(scope, out);
}
static ct_tensor *quantile_scalar(int op, ct_tensor *a, double q, int64_t dim, const ct_quantile_options *options) {
    if (!ct__enter(op, &a, 1)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, quantile(op, a, ct_scalar_tensor(q, ct__is_float(a) ? (ct_dtype)a->dtype : CT_F32), dim, options));
}

ct_tensor *ct_quantile(ct_tensor *a, ct_tensor *q, int64_t dim, const ct_quantile_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a, &q}, 2, &cast)) return ct_scope_return(cast, ct_quantile(a, q, dim, options));
    return quantile(CT__OP_quantile, a, q, dim, options);
}
ct_tensor *ct_nanquantile(ct_tensor *a, ct_tensor *q, int64_t dim, const ct_quantile_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a, &q}, 2, &cast)) return ct_scope_return(cast, ct_nanquantile(a, q, dim, options));
    return quantile(CT__OP_nanquantile, a, q, dim, options);
}
ct_tensor *ct_quantile_scalar(ct_tensor *a, double q, int64_t dim, const ct_quantile_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_quantile_scalar(a, q, dim, options));
    return quantile_scalar(CT__OP_quantile_scalar, a, q, dim, options);
}
ct_tensor *ct_nanquantile_scalar(ct_tensor *a, double q, int64_t dim, const ct_quantile_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_nanquantile_scalar(a, q, dim, options));
    return quantile_scalar(CT__OP_nanquantile_scalar, a, q, dim, options);
}
