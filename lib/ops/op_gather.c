/*
 * op_gather.c: indices along one dim: index_select, index_add, gather, scatter, scatter_add.
 *
 *      op              gradient of x                  of the other
 *      index_select    index_add(0, g)
 *      index_add       g                              alpha index_select(g)
 *      gather          scatter_add(0, g)
 *      scatter         g, zero where written          gather(g)
 *      scatter_add     g                              gather(g)
 *
 * A 0-dim tensor counts as [1], as in PyTorch.
 */
#include "ops/indices.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct dim_ctx {
    int dim;
    double alpha;
} dim_ctx;

static int dim_of(ct__node *n) { return ((dim_ctx *)ct__ctx(n))->dim; }

/* "dim 1", for ct__check_indices. */
typedef struct dim_text { char s[24]; } dim_text;
static const char *dim_name(dim_text *text, int dim) {
    snprintf(text->s, sizeof text->s, "dim %d", dim);
    return text->s;
}

static size_t elem_size(const ct_tensor *t) { return ct_dtype_size((ct_dtype)t->dtype); }

/* ---- Whole slices ---- */

static void index_select_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    ct_tensor *zeros = ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0]));
    gin[0] = ct_index_add(zeros, dim_of(n), ct__saved(n, 0), g[0], NULL);
}
static const ct__node_class index_select_class = {
    .op = CT__OP_index_select, .backward = index_select_backward, .n_saved = 1, .ctx_size = sizeof(dim_ctx)};

static ct_status check_slices(const char *function, const ct_tensor *x, const ct_tensor *index) {
    ct__shape_text a;
    if (index->ndim > 1) return ct__fail(CT_ERR_SHAPE, "%s: index %s must have one dim", function, CT__SIZES(&a, index));
    if (x->ndim == 0 && index->numel != 1)
        return ct__fail(CT_ERR_SHAPE, "%s: %lld indices into a 0-dim tensor, which has one place", function, (long long)index->numel);
    return CT_OK;
}

ct_tensor *ct_index_select(ct_tensor *x, int64_t dim, ct_tensor *index) {
    static const char function[] = "ct_index_select";
    int d;
    dim_text text;
    if (!ct__enter(CT__OP_index_select, (ct_tensor *[]){x, index}, 2)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    CT__TRY_NULL(check_slices(function, x, index));
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    if (x->ndim) sizes[d] = index->numel;
    ct_tensor *out = NULL, *at = ct__indices(function, index);
    ct__node *n = NULL;
    if (at && ct__check_indices(function, at, x->ndim ? x->sizes[d] : 1, dim_name(&text, d)) == CT_OK) out = ct__new(function, sizes, x->ndim, (ct_dtype)x->dtype);
    if (out) {
        n = ct__node_new(&index_select_class, &x, 1, 1);
        ct__save(n, 0, index);
        if (n) *(dim_ctx *)ct__ctx(n) = (dim_ctx){d, 1};
        ct__picks p = ct__picks_along(x, d, at);
        ct__picks_take(&p, elem_size(x), ct__ptr(x), ct__ptr(out));
    }
    ct__unref(at);
    return ct__finish(n, out);
}

static void index_add_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const dim_ctx *c = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = g[0];
    if (!ct__needs(n, 1)) return;
    const ct__meta *m = ct__input_meta(n, 1);
    ct_tensor *gs = ct_index_select(g[0], c->dim, ct__saved(n, 0));
    gin[1] = ct_reshape(c->alpha == 1 ? gs : ct_mul_scalar(gs, c->alpha), m->sizes, m->ndim);
}
static const ct__node_class index_add_class = {
    .op = CT__OP_index_add, .backward = index_add_backward, .n_saved = 1, .ctx_size = sizeof(dim_ctx)};

static ct_status check_index_add(const ct_tensor *x, int d, const ct_tensor *index, const ct_tensor *source, double alpha) {
    ct__shape_text a, b;
    bool fits = source->ndim == x->ndim;
    for (int i = 0; i < x->ndim && fits; i++) fits = source->sizes[i] == (i == d ? index->numel : x->sizes[i]);
    if (x->ndim == 0) fits = source->numel == 1;
    if (!fits)
        return ct__fail(CT_ERR_SHAPE, "ct_index_add: source %s must have the sizes of x %s, with %lld (the number of indices) at dim %d",
                        CT__SIZES(&a, source), CT__SIZES(&b, x), (long long)index->numel, d);
    if (source->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "ct_index_add: x is %s, source is %s; convert one with ct_to", ct_dtype_name((ct_dtype)x->dtype),
                        ct_dtype_name((ct_dtype)source->dtype));
    if (!ct__is_float(x) && (alpha != rint(alpha) || fabs(alpha) > 0x1p53))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_index_add: alpha %g must be a whole number for %s", alpha, ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

ct_tensor *ct_index_add(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source, const ct_index_add_options *options) {
    static const char function[] = "ct_index_add";
    int d;
    dim_text text;
    if (!ct__enter(CT__OP_index_add, (ct_tensor *[]){x, index, source}, 3)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    double alpha = options && options->alpha.has ? options->alpha.value : 1;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    CT__TRY_NULL(check_slices(function, x, index));
    CT__TRY_NULL(check_index_add(x, d, index, source, alpha));
    ct_tensor *out = NULL, *dense = NULL, *at = ct__indices(function, index);
    ct__node *n = NULL;
    if (at && ct__check_indices(function, at, x->ndim ? x->sizes[d] : 1, dim_name(&text, d)) == CT_OK && (dense = ct__dense(function, source)))
        out = ct__copy_of(function, x);
    if (out) {
        n = ct__node_new(&index_add_class, (ct_tensor *[]){x, source}, 2, 1);
        ct__save(n, 0, index);
        if (n) *(dim_ctx *)ct__ctx(n) = (dim_ctx){d, alpha};
        ct__picks p = ct__picks_along(out, d, at);
        ct__picks_add(&p, (ct_dtype)x->dtype, ct__ptr(out), ct__ptr(dense), alpha);
    }
    ct__unref(at);
    ct__unref(dense);
    return ct__finish(n, out);
}

/* ---- One index per element ---- */

/* Sizes and strides of t with at least one dim. */
static int64_t size_at(const ct_tensor *t, int d) { return t->ndim ? t->sizes[d] : 1; }
static int64_t stride_at(const ct_tensor *t, int d) { return t->ndim ? t->strides[d] : 1; }
static int rank_of(const ct_tensor *t) { return t->ndim ? t->ndim : 1; }

/* index fits x but for dim, and src (or NULL) everywhere. An empty index fits everything. */
static ct_status check_along(const char *function, const ct_tensor *x, int dim, const ct_tensor *index, const ct_tensor *src) {
    ct__shape_text a, b, c;
    if (src && src->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: x is %s, src is %s; convert one with ct_to", function, ct_dtype_name((ct_dtype)x->dtype),
                        ct_dtype_name((ct_dtype)src->dtype));
    if (index->numel == 0) return CT_OK;
    if (rank_of(index) != rank_of(x) || (src && rank_of(src) != rank_of(x)))
        return ct__fail(CT_ERR_SHAPE, "%s: x %s, index %s%s%s must have the same number of dims", function, CT__SIZES(&a, x), CT__SIZES(&b, index),
                        src ? ", src " : "", src ? CT__SIZES(&c, src) : "");
    for (int d = 0; d < rank_of(x); d++) {
        if (d != dim && size_at(index, d) > size_at(x, d))
            return ct__fail(CT_ERR_SHAPE, "%s: index %s is larger than x %s at dim %d", function, CT__SIZES(&b, index), CT__SIZES(&a, x), d);
        if (src && size_at(index, d) > size_at(src, d))
            return ct__fail(CT_ERR_SHAPE, "%s: index %s is larger than src %s at dim %d", function, CT__SIZES(&b, index), CT__SIZES(&a, src), d);
    }
    return CT_OK;
}

static ct__along along_of(const ct_tensor *x, int dim, const ct_tensor *index, const ct_tensor *value) {
    ct__along a = {.ndim = rank_of(index), .dim = dim, .index = (const int64_t *)(const void *)ct__ptr(index)};
    for (int d = 0; d < a.ndim; d++) {
        a.sizes[d] = size_at(index, d);
        a.x_strides[d] = stride_at(x, d);
        a.value_strides[d] = stride_at(value, d);
    }
    return a;
}

static void gather_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    gin[0] = ct_scatter_add(ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0])), dim_of(n), ct__saved(n, 0), g[0]);
}
static const ct__node_class gather_class = {.op = CT__OP_gather, .backward = gather_backward, .n_saved = 1, .ctx_size = sizeof(dim_ctx)};

ct_tensor *ct_gather(ct_tensor *x, int64_t dim, ct_tensor *index) {
    static const char function[] = "ct_gather";
    int d;
    dim_text text;
    if (!ct__enter(CT__OP_gather, (ct_tensor *[]){x, index}, 2)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    CT__TRY_NULL(check_along(function, x, d, index, NULL));
    ct_tensor *out = NULL, *at = ct__indices(function, index);
    ct__node *n = NULL;
    if (at && ct__check_indices(function, at, size_at(x, d), dim_name(&text, d)) == CT_OK) out = ct__new(function, index->sizes, index->ndim, (ct_dtype)x->dtype);
    if (out) {
        n = ct__node_new(&gather_class, &x, 1, 1);
        ct__save(n, 0, index);
        if (n) *(dim_ctx *)ct__ctx(n) = (dim_ctx){d, 1};
        if (out->numel) {
            ct__along a = along_of(x, d, at, out);
            ct__along_gather(&a, elem_size(x), ct__ptr(x), ct__ptr(out));
        }
    }
    ct__unref(at);
    return ct__finish(n, out);
}

/* g where index points to, with src's sizes: zeros beyond index's. */
static ct_tensor *gather_for_src(ct_tensor *g, int dim, ct_tensor *index, const ct__meta *src) {
    ct_tensor *out = ct_gather(g, dim, index);
    if (ct_numel(index) == 0) return ct_zeros(src->sizes, src->ndim, ct_tensor_dtype(g));
    for (int d = 0; d < src->ndim && ct_ndim(out) == src->ndim; d++) {
        int64_t pad[CT_MAX_NDIM];
        if (ct_size(out, d) == src->sizes[d]) continue;
        memcpy(pad, ct_sizes(out), (size_t)src->ndim * sizeof *pad);
        pad[d] = src->sizes[d] - pad[d];
        out = ct_cat((ct_tensor *[]){out, ct_zeros(pad, src->ndim, ct_tensor_dtype(g))}, 2, d);
    }
    return ct_reshape(out, src->sizes, src->ndim); /* 0-dim and [1] stand for each other */
}

static void scatter_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *index = ct__saved(n, 0);
    if (ct__needs(n, 0)) gin[0] = index ? ct_scatter(g[0], dim_of(n), index, ct_zeros(ct_sizes(index), ct_ndim(index), ct_tensor_dtype(g[0]))) : NULL;
    if (ct__needs(n, 1)) gin[1] = index ? gather_for_src(g[0], dim_of(n), index, ct__input_meta(n, 1)) : NULL;
}
static void scatter_add_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
    if (!ct__needs(n, 1)) return;
    ct_tensor *index = ct__saved(n, 0);
    gin[1] = index ? gather_for_src(g[0], dim_of(n), index, ct__input_meta(n, 1)) : NULL;
}
static const ct__node_class scatter_class = {.op = CT__OP_scatter, .backward = scatter_backward, .n_saved = 1, .ctx_size = sizeof(dim_ctx)};
static const ct__node_class scatter_add_class = {
    .op = CT__OP_scatter_add, .backward = scatter_add_backward, .n_saved = 1, .ctx_size = sizeof(dim_ctx)};

static ct_tensor *scatter(const ct__node_class *cls, ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) {
    const char *function = ct__fn(cls->op);
    int d;
    dim_text text;
    if (!ct__enter(cls->op, (ct_tensor *[]){x, index, src}, 3)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    CT__TRY_NULL(check_along(function, x, d, index, src));
    ct_tensor *out = NULL, *at = ct__indices(function, index);
    ct__node *n = NULL;
    if (at && ct__check_indices(function, at, size_at(x, d), dim_name(&text, d)) == CT_OK) out = ct__copy_of(function, x);
    if (out) {
        n = ct__node_new(cls, (ct_tensor *[]){x, src}, 2, 1);
        ct__save(n, 0, index);
        if (n) *(dim_ctx *)ct__ctx(n) = (dim_ctx){d, 1};
        if (index->numel) {
            ct__along a = along_of(out, d, at, src);
            if (cls == &scatter_class) ct__along_scatter(&a, elem_size(x), ct__ptr(out), ct__ptr(src));
            else ct__along_add(&a, (ct_dtype)x->dtype, ct__ptr(out), ct__ptr(src));
        }
    }
    ct__unref(at);
    return ct__finish(n, out);
}
ct_tensor *ct_scatter(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) { return scatter(&scatter_class, x, dim, index, src); }
ct_tensor *ct_scatter_add(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) { return scatter(&scatter_add_class, x, dim, index, src); }
