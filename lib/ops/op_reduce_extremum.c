/*
 * op_reduce_extremum.c: the largest and smallest elements, and where they are.
 */
#include "ops/reduce.h"
#include "ops/wide.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <math.h>

/* ---- max, min: g, shared evenly by all that equal the result (by all NaN, if that is it) ---- */

static void extremum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *x = ct__saved(n, 0), *y = ct__saved(n, 1);
    ct_tensor *equal = y && isnan(ct_item_f64(y)) ? ct_isnan(x) : ct_eq(x, y);
    gin[0] = ct_mul(ct_div(g[0], ct_sum(equal)), equal);
}
static const ct__node_class max_class = CT__REDUCE_CLASS(CT__OP_max, extremum_backward, 2);
static const ct__node_class min_class = CT__REDUCE_CLASS(CT__OP_min, extremum_backward, 2);

static ct_tensor *extremum(const ct__node_class *cls, ct__reduce_fn fn, ct_tensor *a, uint32_t mask, bool keepdim) {
    CT__TRY_NULL(ct__check_not_empty(cls->op, a, mask));
    return ct__reduce_finish(cls, a, mask, keepdim, 0, ct__reduce(ct__fn(cls->op), a, mask, keepdim, fn, NULL, (ct_dtype)a->dtype));
}
ct_tensor *ct_max(ct_tensor *a) {
    return ct__enter(CT__OP_max, &a, 1) ? extremum(&max_class, CT__REDUCE_MAX, a, ct__all_dims(a), false) : NULL;
}
ct_tensor *ct_min(ct_tensor *a) {
    return ct__enter(CT__OP_min, &a, 1) ? extremum(&min_class, CT__REDUCE_MIN, a, ct__all_dims(a), false) : NULL;
}

/* ---- amax, amin: g, shared evenly by all that equal their result ---- */

static void extrema_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const ct__reduce_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0);
    if (!x) return;
    int64_t dims[CT_MAX_NDIM];
    int count = ct__mask_dims(c->mask, x->ndim, dims);
    ct_tensor *equal = ct_eq(x, ct__restore_dims(ct__saved(n, 1), x->ndim, c->mask, c->keepdim));
    ct_tensor *sharers = count ? ct_sum_dim(equal, dims, count, &(ct_reduce_options){.keepdim = true}) : ct_to(equal, CT_I64);
    gin[0] = ct_div(ct_mul(ct__restore_dims(g[0], x->ndim, c->mask, c->keepdim), equal), sharers);
}
static const ct__node_class amax_class = CT__REDUCE_CLASS(CT__OP_amax, extrema_backward, 2);
static const ct__node_class amin_class = CT__REDUCE_CLASS(CT__OP_amin, extrema_backward, 2);

ct_tensor *ct_amax(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_amax, a, dims, n, options, &mask)) return NULL;
    return extremum(&amax_class, CT__REDUCE_MAX, a, mask, ct__keepdim(options));
}
ct_tensor *ct_amin(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_amin, a, dims, n, options, &mask)) return NULL;
    return extremum(&amin_class, CT__REDUCE_MIN, a, mask, ct__keepdim(options));
}

/* Both, with the nodes of amin and amax. */
ct_tensor *ct_aminmax(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **max) {
    const int n = dim == CT_DIM_NONE ? 0 : 1;
    uint32_t mask;
    if (max) *max = NULL;
    if (!ct__reduce_enter(CT__OP_aminmax, a, &dim, n, options, &mask)) return NULL;
    CT__TRY_NULL(ct__check_not_empty(CT__OP_aminmax, a, mask));
    ct_scope scope = ct_scope_begin();
    ct_tensor *low = ct_amin(a, &dim, n, options);
    return ct__return_two(scope, low, max ? ct_amax(a, &dim, n, options) : NULL, max);
}

/* ---- max_dim, min_dim: g to the element at the index ---- */

static void indexed_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const ct__reduce_ctx *c = ct__ctx(n);
    const ct__meta *m = ct__input_meta(n, 0);
    if (m->ndim == 0) {
        gin[0] = g[0];
        return;
    }
    int64_t dim;
    ct__mask_dims(c->mask, m->ndim, &dim);
    ct_tensor *index = ct__restore_dims(ct__saved(n, 0), m->ndim, c->mask, c->keepdim);
    gin[0] = ct_scatter(ct_zeros(m->sizes, m->ndim, (ct_dtype)m->dtype), dim, index, ct__restore_dims(g[0], m->ndim, c->mask, c->keepdim));
}
static const ct__node_class max_dim_class = CT__REDUCE_CLASS(CT__OP_max_dim, indexed_backward, 1);
static const ct__node_class min_dim_class = CT__REDUCE_CLASS(CT__OP_min_dim, indexed_backward, 1);

static ct_tensor *indexed(const ct__node_class *cls, ct__reduce_fn value, ct__reduce_fn where, ct_tensor *a, int64_t dim,
                          const ct_reduce_options *options, ct_tensor **indices) {
    const char *fn = ct__fn(cls->op);
    uint32_t mask;
    if (indices) *indices = NULL;
    if (!ct__reduce_enter(cls->op, a, &dim, 1, options, &mask)) return NULL;
    CT__TRY_NULL(ct__check_not_empty(cls->op, a, mask));
    const bool keepdim = ct__keepdim(options);
    ct_tensor *result[2] = {ct__reduce(fn, a, mask, keepdim, value, NULL, (ct_dtype)a->dtype)};
    result[1] = ct__reduce(fn, a, mask, keepdim, where, NULL, CT_I64);
    ct__node *n = ct__node_new(cls, &a, 1, 2);
    if (n) *(ct__reduce_ctx *)ct__ctx(n) = (ct__reduce_ctx){.mask = mask, .keepdim = keepdim};
    ct__save_output(n, 0, result[1], 1);
    if (!ct__finish_n(n, result, 2)) return NULL;
    if (indices)
        *indices = result[1];
    else
        ct_scope_drop(result[1]);
    return result[0];
}
ct_tensor *ct_max_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    return indexed(&max_dim_class, CT__REDUCE_MAX, CT__REDUCE_ARGMAX, a, dim, options, indices);
}
ct_tensor *ct_min_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options, ct_tensor **indices) {
    return indexed(&min_dim_class, CT__REDUCE_MIN, CT__REDUCE_ARGMIN, a, dim, options, indices);
}

/* ---- argmax, argmin ---- */

/* Over all elements: the index in row-major order, whatever the strides are. */
static ct_tensor *arg_all(int op, ct__reduce_fn fn, const ct_tensor *a, bool keepdim) {
    ct_tensor *dense = NULL;
    if (!a->contiguous) {
        dense = ct__new(ct__fn(op), a->sizes, a->ndim, (ct_dtype)a->dtype);
        if (!dense || ct__copy_into(ct__fn(op), dense, a) != CT_OK) goto fail;
        a = dense;
    }
    ct_tensor *flat = ct__new_view(a, &a->numel, (int64_t[]){1}, 1, a->offset);
    if (!flat) goto fail;
    ct_tensor *out = ct__reduce(ct__fn(op), flat, 1, false, fn, NULL, CT_I64);
    ct__unref(flat);
    if (out && keepdim) {
        out->ndim = a->ndim;
        for (int d = 0; d < a->ndim; d++) out->sizes[d] = out->strides[d] = 1;
    }
    ct__unref(dense);
    return out;
fail:
    ct__unref(dense);
    return NULL;
}

static ct_tensor *arg(int op, ct__reduce_fn fn, ct_tensor *a, int64_t dim, const ct_reduce_options *options) {
    const bool all = dim == CT_DIM_NONE;
    uint32_t mask;
    if (!ct__reduce_enter(op, a, &dim, all ? 0 : 1, options, &mask)) return NULL;
    CT__TRY_NULL(ct__check_not_bool(op, (ct_dtype)a->dtype));
    CT__TRY_NULL(ct__check_not_empty(op, a, mask));
    return ct__finish(NULL, all ? arg_all(op, fn, a, ct__keepdim(options))
                                : ct__reduce(ct__fn(op), a, mask, ct__keepdim(options), fn, NULL, CT_I64));
}
ct_tensor *ct_argmax(ct_tensor *a, int64_t dim, const ct_reduce_options *options) {
    return arg(CT__OP_argmax, CT__REDUCE_ARGMAX, a, dim, options);
}
ct_tensor *ct_argmin(ct_tensor *a, int64_t dim, const ct_reduce_options *options) {
    return arg(CT__OP_argmin, CT__REDUCE_ARGMIN, a, dim, options);
}

/* ---- all, any, count_nonzero ---- */

static ct_tensor *logical(int op, ct__reduce_fn fn, ct_tensor *a, uint32_t mask, bool keepdim) {
    return ct__finish(NULL, ct__reduce(ct__fn(op), a, mask, keepdim, fn, NULL, a->dtype == CT_U8 ? CT_U8 : CT_BOOL));
}
ct_tensor *ct_all(ct_tensor *a) {
    return ct__enter(CT__OP_all, &a, 1) ? logical(CT__OP_all, CT__REDUCE_ALL, a, ct__all_dims(a), false) : NULL;
}
ct_tensor *ct_any(ct_tensor *a) {
    return ct__enter(CT__OP_any, &a, 1) ? logical(CT__OP_any, CT__REDUCE_ANY, a, ct__all_dims(a), false) : NULL;
}
ct_tensor *ct_all_dims(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_all_dims, a, dims, n, options, &mask)) return NULL;
    return logical(CT__OP_all_dims, CT__REDUCE_ALL, a, mask, ct__keepdim(options));
}
ct_tensor *ct_all_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_all_dim, a, &dim, 1, options, &mask)) return NULL;
    return logical(CT__OP_all_dim, CT__REDUCE_ALL, a, mask, ct__keepdim(options));
}
ct_tensor *ct_any_dims(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_any_dims, a, dims, n, options, &mask)) return NULL;
    return logical(CT__OP_any_dims, CT__REDUCE_ANY, a, mask, ct__keepdim(options));
}
ct_tensor *ct_any_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_any_dim, a, &dim, 1, options, &mask)) return NULL;
    return logical(CT__OP_any_dim, CT__REDUCE_ANY, a, mask, ct__keepdim(options));
}
ct_tensor *ct_count_nonzero(ct_tensor *a, const int64_t *dims, int n) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_count_nonzero, a, dims, n, NULL, &mask)) return NULL;
    return ct__finish(NULL, ct__reduce(ct__fn(CT__OP_count_nonzero), a, mask, false, CT__REDUCE_NONZERO, NULL, CT_I64));
}
