/*
 * op_slices.c: writing whole slices at indices of a dim: index_add, index_copy, index_fill, with their forms in place.
 *
 *      op            gradient of x                of source                 of value
 *      index_add     g                            alpha index_select(g)
 *      index_copy    g, zero where written        index_select(g)
 *      index_fill    g, zero where written                                  the sum of index_select(g)
 */
#include "ops/along.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

static void index_add_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__dim_ctx *c = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = g[0];
    if (!ct__needs(n, 1)) return;
    const ct__meta *m = ct__input_meta(n, 1);
    ct_tensor *gs = ct_index_select(g[0], c->dim, ct__saved(n, 0));
    gin[1] = ct_reshape(c->alpha == 1 ? gs : ct_mul_scalar(gs, c->alpha), m->sizes, m->ndim);
}
static void index_copy_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const int dim = ((const ct__dim_ctx *)ct__ctx(n))->dim;
    if (ct__needs(n, 0)) gin[0] = ct_index_fill_scalar(g[0], dim, ct__saved(n, 0), 0);
    if (!ct__needs(n, 1)) return;
    const ct__meta *m = ct__input_meta(n, 1);
    gin[1] = ct_reshape(ct_index_select(g[0], dim, ct__saved(n, 0)), m->sizes, m->ndim);
}
static void index_fill_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const int dim = ((const ct__dim_ctx *)ct__ctx(n))->dim;
    if (ct__needs(n, 0)) gin[0] = ct_index_fill_scalar(g[0], dim, ct__saved(n, 0), 0);
    if (n->n_in < 2 || !ct__needs(n, 1)) return;
    const ct__meta *m = ct__input_meta(n, 1);
    ct_tensor *index = ct__saved(n, 0); /* unique places: a slice that is filled twice has the value once */
    if (index) gin[1] = ct_reshape(ct_to(ct_sum(ct_sub(g[0], ct_index_fill_scalar(g[0], dim, index, 0))), (ct_dtype)m->dtype), m->sizes, m->ndim);
}
#define SLICES_CLASS(op_, backward_) {.op = CT__OP_##op_, .backward = backward_, .n_saved = 1, .ctx_size = sizeof(ct__dim_ctx)}
static const ct__node_class index_add_class = SLICES_CLASS(index_add, index_add_backward);
static const ct__node_class index_add_inplace_class = SLICES_CLASS(index_add_, index_add_backward);
static const ct__node_class index_copy_class = SLICES_CLASS(index_copy, index_copy_backward);
static const ct__node_class index_copy_inplace_class = SLICES_CLASS(index_copy_, index_copy_backward);
static const ct__node_class index_fill_class = SLICES_CLASS(index_fill, index_fill_backward);
static const ct__node_class index_fill_inplace_class = SLICES_CLASS(index_fill_, index_fill_backward);
static const ct__node_class index_fill_scalar_class = SLICES_CLASS(index_fill_scalar, index_fill_backward);
static const ct__node_class index_fill_scalar_inplace_class = SLICES_CLASS(index_fill_scalar_, index_fill_backward);

/* ---- One call ---- */

static ct_status check_source(const ct__along_call *c) {
    const char *function = ct__fn(c->cls->op);
    const ct_tensor *x = c->x, *source = c->src;
    ct__shape_text a, b;
    bool fits = source->ndim == x->ndim;
    for (int i = 0; i < x->ndim && fits; i++) fits = source->sizes[i] == (i == c->dim ? c->index->numel : x->sizes[i]);
    if (x->ndim == 0) fits = source->numel == 1;
    if (x->ndim == 1 && source->ndim == 0) fits = c->index->numel == 1;
    if (!fits)
        return ct__fail(CT_ERR_SHAPE, "%s: source %s must have the sizes of x %s, with %lld (the number of indices) at dim %d", function,
                        CT__SIZES(&a, source), CT__SIZES(&b, x), (long long)c->index->numel, c->dim);
    if (source->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: x is %s, source is %s; convert one with ct_to", function, ct_dtype_name((ct_dtype)x->dtype),
                        ct_dtype_name((ct_dtype)source->dtype));
    return CT_OK;
}

/* Negative ones count from the end. at is c's own copy. */
static ct_status wrap_indices(ct__along_call *c) {
    const int64_t size = ct__size_at(c->x, c->dim);
    bool negative = false;
    const int64_t *v = (const int64_t *)(const void *)ct__ptr(c->at);
    for (int64_t i = 0; i < c->at->numel; i++) negative |= v[i] < 0;
    if (!negative) return CT_OK;
    ct_tensor *own = ct__copy_of(ct__fn(c->cls->op), c->at);
    ct__unref(c->at);
    if (!(c->at = own)) return ct__pending();
    int64_t *w = (int64_t *)(void *)ct__ptr(own);
    for (int64_t i = 0; i < own->numel; i++)
        if (w[i] < 0 && w[i] >= -size) w[i] += size;
    return CT_OK;
}

/* What is written to all slices. */
static ct_tensor *constant_slices(const ct__along_call *c) {
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, c->x->sizes, c->x->ndim * sizeof *sizes);
    if (c->x->ndim) sizes[c->dim] = c->at->numel;
    ct_tensor *out = ct__new(ct__fn(c->cls->op), sizes, c->x->ndim, (ct_dtype)c->x->dtype);
    if (out && ct__copy_into(ct__fn(c->cls->op), out, c->value) == CT_OK) return out;
    ct__unref(out);
    return NULL;
}

static ct_status prepare(ct__along_call *c, int64_t dim) {
    const char *function = ct__fn(c->cls->op);
    ct__dim_text text;
    CT__TRY(ct__wrap_dim(function, dim, c->x->ndim, &c->dim));
    CT__TRY(ct__check_slices(function, c->x, c->index));
    if (c->src) CT__TRY(check_source(c));
    if (c->value && c->value->ndim != 0) return ct__fail(CT_ERR_SHAPE, "%s: value has %d dims, not 0", function, c->value->ndim);
    if (!(c->at = ct__indices(function, c->index))) return ct__pending();
    if (c->value) CT__TRY(wrap_indices(c));
    CT__TRY(ct__check_indices(function, c->at, ct__size_at(c->x, c->dim), ct__dim_name(&text, c->dim)));
    c->dense = c->src ? ct__dense(function, c->src) : constant_slices(c);
    return ct__pending();
}

static ct_status write(const ct__along_call *c, ct_tensor *out) {
    ct__picks p = ct__picks_along(out, c->dim, c->at);
    if (!c->dense->numel || !out->numel) return CT_OK;
    if (c->cls->backward == index_add_backward) ct__picks_add(&p, (ct_dtype)out->dtype, ct__ptr(out), ct__ptr(c->dense), c->alpha);
    else ct__picks_put(&p, ct_dtype_size((ct_dtype)out->dtype), ct__ptr(out), ct__ptr(c->dense));
    return CT_OK;
}

static ct__along_call call_of(const ct__node_class *cls, ct_tensor *x, ct_tensor *index, ct_tensor *source, ct_tensor *value) {
    return (ct__along_call){.cls = cls, .prepare = prepare, .write = write, .x = x, .index = index, .src = source, .src_name = "source", .value = value};
}

/* ---- index_add ---- */

static ct_status alpha_of(int op, const ct_tensor *x, const ct_index_add_options *options, double *alpha) {
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), options));
    *alpha = options && options->alpha.has ? options->alpha.value : 1;
    if (!ct__is_float(x) && (*alpha != rint(*alpha) || fabs(*alpha) > 0x1p53))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: alpha %g must be a whole number for %s", ct__fn(op), *alpha, ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}
ct_tensor *ct_index_add(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source, const ct_index_add_options *options) {
    if (!ct__enter(CT__OP_index_add, (ct_tensor *[]){x, index, source}, 3)) return NULL;
    ct__along_call c = call_of(&index_add_class, x, index, source, NULL);
    CT__TRY_NULL(alpha_of(CT__OP_index_add, x, options, &c.alpha));
    return ct__along_new(c, dim);
}
ct_status ct_index_add_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source, const ct_index_add_options *options) {
    if (!ct__enter_inplace(CT__OP_index_add_, x, (ct_tensor *[]){index, source}, 2)) return ct__pending();
    ct__along_call c = call_of(&index_add_inplace_class, x, index, source, NULL);
    CT__TRY(alpha_of(CT__OP_index_add_, x, options, &c.alpha));
    return ct__along_in_place(c, dim);
}

/* ---- index_copy ---- */

ct_tensor *ct_index_copy(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_WIDEST, (ct_tensor **[]){&x, &index, &source}, 3, &cast)) return ct_scope_return(cast, ct_index_copy(x, dim, index, source));
    if (!ct__enter(CT__OP_index_copy, (ct_tensor *[]){x, index, source}, 3)) return NULL;
    return ct__along_new(call_of(&index_copy_class, x, index, source, NULL), dim);
}
ct_status ct_index_copy_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *source) {
    if (!ct__enter_inplace(CT__OP_index_copy_, x, (ct_tensor *[]){index, source}, 2)) return ct__pending();
    return ct__along_in_place(call_of(&index_copy_inplace_class, x, index, source, NULL), dim);
}

/* ---- index_fill ---- */

ct_tensor *ct_index_fill(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *value) {
    if (!ct__enter(CT__OP_index_fill, (ct_tensor *[]){x, index, value}, 3)) return NULL;
    return ct__along_new(call_of(&index_fill_class, x, index, NULL, value), dim);
}
ct_status ct_index_fill_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *value) {
    if (!ct__enter_inplace(CT__OP_index_fill_, x, (ct_tensor *[]){index, value}, 2)) return ct__pending();
    return ct__along_in_place(call_of(&index_fill_inplace_class, x, index, NULL, value), dim);
}
ct_tensor *ct_index_fill_scalar(ct_tensor *x, int64_t dim, ct_tensor *index, double value) {
    if (!ct__enter(CT__OP_index_fill_scalar, (ct_tensor *[]){x, index}, 2)) return NULL;
    return ct__along_new_scalar(call_of(&index_fill_scalar_class, x, index, NULL, NULL), dim, value);
}
ct_status ct_index_fill_scalar_(ct_tensor *x, int64_t dim, ct_tensor *index, double value) {
    if (!ct__enter_inplace(CT__OP_index_fill_scalar_, x, &index, 1)) return ct__pending();
    return ct__along_in_place_scalar(call_of(&index_fill_scalar_inplace_class, x, index, NULL, NULL), dim, value);
}
