/*
 * op_scatter.c: writing at one index per element: scatter, scatter_add, with their forms in place.
 *
 *      op             gradient of x              of src
 *      scatter        g, zero where written      gather(g)
 *      scatter_add    g                          gather(g)
 */
#include "ops/along.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>
#include <string.h>

static int dim_of(ct__node *n) { return ((ct__dim_ctx *)ct__ctx(n))->dim; }

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
    if (!index) return;
    if (ct__needs(n, 0)) gin[0] = ct_scatter_scalar(g[0], dim_of(n), index, 0);
    if (n->n_in > 1 && ct__needs(n, 1)) gin[1] = gather_for_src(g[0], dim_of(n), index, ct__input_meta(n, 1));
}
static void scatter_add_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
    if (!ct__needs(n, 1)) return;
    ct_tensor *index = ct__saved(n, 0);
    gin[1] = index ? gather_for_src(g[0], dim_of(n), index, ct__input_meta(n, 1)) : NULL;
}
#define SCATTER_CLASS(op_, backward_) {.op = CT__OP_##op_, .backward = backward_, .n_saved = 1, .ctx_size = sizeof(ct__dim_ctx)}
static const ct__node_class scatter_class = SCATTER_CLASS(scatter, scatter_backward);
static const ct__node_class scatter_inplace_class = SCATTER_CLASS(scatter_, scatter_backward);
static const ct__node_class scatter_scalar_class = SCATTER_CLASS(scatter_scalar, scatter_backward);
static const ct__node_class scatter_scalar_inplace_class = SCATTER_CLASS(scatter_scalar_, scatter_backward);
static const ct__node_class scatter_add_class = SCATTER_CLASS(scatter_add, scatter_add_backward);
static const ct__node_class scatter_add_inplace_class = SCATTER_CLASS(scatter_add_, scatter_add_backward);

static ct_status prepare(ct__along_call *c, int64_t dim) {
    const char *function = ct__fn(c->cls->op);
    ct__dim_text text;
    CT__TRY(ct__wrap_dim(function, dim, c->x->ndim, &c->dim));
    CT__TRY(ct__check_along(function, c->x, c->dim, c->index, c->src));
    if (!(c->at = ct__along_indices(function, c->index))) return ct__pending();
    return ct__check_indices(function, c->at, ct__size_at(c->x, c->dim), ct__dim_name(&text, c->dim));
}

/* The sums of a half type are kept in f32, in a copy. */
static ct_status add_half(const ct__along_call *c, ct_tensor *out) {
    const char *function = ct__fn(c->cls->op);
    ct_tensor *sum = ct__copy_as(function, out, CT_F32), *from = sum ? ct__copy_as(function, c->src, CT_F32) : NULL;
    if (from) {
        ct__along a = ct__along_of(sum, c->dim, c->at, from);
        ct__along_add(&a, CT_F32, ct__ptr(sum), ct__ptr(from));
        ct__copy_into(function, out, sum);
    }
    ct__unref(sum);
    ct__unref(from);
    return ct__pending();
}

/* If it fails out is as it was. */
static ct_status write(const ct__along_call *c, ct_tensor *out) {
    if (!c->index->numel) return CT_OK;
    ct_tensor *from = c->src ? c->src : c->value;
    const bool adds = c->cls->backward == scatter_add_backward;
    if (adds && ct__is_half(out)) return add_half(c, out);
    ct__along a = ct__along_of(out, c->dim, c->at, from);
    if (c->value) memset(a.value_strides, 0, sizeof a.value_strides); /* the same element everywhere */
    if (adds) ct__along_add(&a, (ct_dtype)out->dtype, ct__ptr(out), ct__ptr(from));
    else ct__along_scatter(&a, ct_dtype_size((ct_dtype)out->dtype), ct__ptr(out), ct__ptr(from));
    return CT_OK;
}

static ct__along_call call_of(const ct__node_class *cls, ct_tensor *x, ct_tensor *index, ct_tensor *src) {
    return (ct__along_call){.cls = cls, .prepare = prepare, .write = write, .x = x, .index = index, .src = src, .src_name = "src"};
}

ct_tensor *ct_scatter(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) {
    if (!ct__enter(CT__OP_scatter, (ct_tensor *[]){x, index, src}, 3)) return NULL;
    return ct__along_new(call_of(&scatter_class, x, index, src), dim);
}
ct_tensor *ct_scatter_add(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) {
    if (!ct__enter(CT__OP_scatter_add, (ct_tensor *[]){x, index, src}, 3)) return NULL;
    return ct__along_new(call_of(&scatter_add_class, x, index, src), dim);
}
ct_status ct_scatter_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) {
    if (!ct__enter_inplace(CT__OP_scatter_, x, (ct_tensor *[]){index, src}, 2)) return ct__pending();
    return ct__along_in_place(call_of(&scatter_inplace_class, x, index, src), dim);
}
ct_status ct_scatter_add_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src) {
    if (!ct__enter_inplace(CT__OP_scatter_add_, x, (ct_tensor *[]){index, src}, 2)) return ct__pending();
    return ct__along_in_place(call_of(&scatter_add_inplace_class, x, index, src), dim);
}

ct_tensor *ct_scatter_scalar(ct_tensor *x, int64_t dim, ct_tensor *index, double value) {
    if (!ct__enter(CT__OP_scatter_scalar, (ct_tensor *[]){x, index}, 2)) return NULL;
    return ct__along_new_scalar(call_of(&scatter_scalar_class, x, index, NULL), dim, value);
}
ct_status ct_scatter_scalar_(ct_tensor *x, int64_t dim, ct_tensor *index, double value) {
    if (!ct__enter_inplace(CT__OP_scatter_scalar_, x, &index, 1)) return ct__pending();
    return ct__along_in_place_scalar(call_of(&scatter_scalar_inplace_class, x, index, NULL), dim, value);
}
