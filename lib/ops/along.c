/*
 * along.c: see along.h.
 */
#include "ops/along.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <stdio.h>

const char *ct__dim_name(ct__dim_text *text, int dim) {
    snprintf(text->s, sizeof text->s, "dim %d", dim);
    return text->s;
}

ct_status ct__check_slices(const char *function, const ct_tensor *x, const ct_tensor *index) {
    ct__shape_text a;
    if (index->ndim > 1) return ct__fail(CT_ERR_SHAPE, "%s: index %s must have one dim", function, CT__SIZES(&a, index));
    if (x->ndim == 0 && index->numel != 1)
        return ct__fail(CT_ERR_SHAPE, "%s: %lld indices into a 0-dim tensor, which has one place", function, (long long)index->numel);
    return CT_OK;
}

ct_tensor *ct__along_indices(const char *function, ct_tensor *index) {
    return index->numel ? ct__indices(function, index) : ct__new(function, index->sizes, index->ndim, CT_I64);
}

static int64_t stride_at(const ct_tensor *t, int d) { return t->ndim ? t->strides[d] : 1; }

ct_status ct__check_along(const char *function, const ct_tensor *x, int dim, const ct_tensor *index, const ct_tensor *src) {
    ct__shape_text a, b, c;
    if (src && src->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: x is %s, src is %s; convert one with ct_to", function, ct_dtype_name((ct_dtype)x->dtype),
                        ct_dtype_name((ct_dtype)src->dtype));
    if (index->numel == 0) return CT_OK;
    if (ct__rank_of(index) != ct__rank_of(x) || (src && ct__rank_of(src) != ct__rank_of(x)))
        return ct__fail(CT_ERR_SHAPE, "%s: x %s, index %s%s%s must have the same number of dims", function, CT__SIZES(&a, x), CT__SIZES(&b, index),
                        src ? ", src " : "", src ? CT__SIZES(&c, src) : "");
    for (int d = 0; d < ct__rank_of(x); d++) {
        if (d != dim && ct__size_at(index, d) > ct__size_at(x, d))
            return ct__fail(CT_ERR_SHAPE, "%s: index %s is larger than x %s at dim %d", function, CT__SIZES(&b, index), CT__SIZES(&a, x), d);
        if (src && ct__size_at(index, d) > ct__size_at(src, d))
            return ct__fail(CT_ERR_SHAPE, "%s: index %s is larger than src %s at dim %d", function, CT__SIZES(&b, index), CT__SIZES(&a, src), d);
    }
    return CT_OK;
}

ct__along ct__along_of(const ct_tensor *x, int dim, const ct_tensor *index, const ct_tensor *value) {
    ct__along a = {.ndim = ct__rank_of(index), .dim = dim, .index = (const int64_t *)(const void *)ct__ptr(index)};
    for (int d = 0; d < a.ndim; d++) {
        a.sizes[d] = ct__size_at(index, d);
        a.x_strides[d] = stride_at(x, d);
        a.value_strides[d] = stride_at(value, d);
    }
    return a;
}

ct_status ct__check_apart(const char *function, const ct_tensor *x, const ct_tensor *t, const char *what) {
    if (!t || x->storage != t->storage || x->numel == 0 || t->numel == 0) return CT_OK;
    bool same = x->offset == t->offset && ct__same_sizes(x, t);
    for (int d = 0; d < x->ndim && same; d++) same = x->strides[d] == t->strides[d];
    if (!same && !ct__overlap(x, t)) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: x and %s share memory; clone one", function, what);
}

/* ---- One call ---- */

static ct__node *record(const ct__along_call *c) {
    ct_tensor *other = c->src ? c->src : c->constant ? NULL : c->value;
    ct__node *n = ct__node_new(c->cls, (ct_tensor *[]){c->x, other}, other ? 2 : 1, 1);
    ct__save(n, 0, c->index);
    if (n) *(ct__dim_ctx *)ct__ctx(n) = (ct__dim_ctx){c->dim, c->alpha};
    return n;
}

static void drop(ct__along_call *c) {
    ct__unref(c->at);
    ct__unref(c->dense);
}

ct_tensor *ct__along_new(ct__along_call c, int64_t dim) {
    ct_tensor *out = NULL;
    ct__node *n = NULL;
    if (c.prepare(&c, dim) == CT_OK) out = ct__copy_of(ct__fn(c.cls->op), c.x);
    if (out) {
        n = record(&c);
        c.write(&c, out);
    }
    drop(&c);
    return ct__finish(n, out);
}

ct_status ct__along_in_place(ct__along_call c, int64_t dim) {
    const char *function = ct__fn(c.cls->op);
    ct__node *n = NULL;
    ct_status status = ct__check_apart(function, c.x, c.index, "index");
    if (status == CT_OK) status = ct__check_apart(function, c.x, c.src, c.src_name);
    if (status == CT_OK) status = c.prepare(&c, dim);
    if (status == CT_OK) n = record(&c);
    status = ct__pending();
    if (status == CT_OK) status = c.write(&c, c.x);
    drop(&c);
    if (status == CT_OK) return ct__finish_inplace(n, c.x);
    ct__node_unref(n);
    return status;
}

/* The 0-dim tensor for a number; the caller's scope owns it. */
static bool set_value(ct__along_call *c, double value) {
    c->constant = true;
    c->value = ct_full(NULL, 0, value, (ct_dtype)c->x->dtype);
    return c->value != NULL;
}

ct_tensor *ct__along_new_scalar(ct__along_call c, int64_t dim, double value) {
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, set_value(&c, value) ? ct__along_new(c, dim) : NULL);
}

ct_status ct__along_in_place_scalar(ct__along_call c, int64_t dim, double value) {
    ct_scope scope = ct_scope_begin();
    if (set_value(&c, value)) ct__along_in_place(c, dim);
    ct_scope_end(scope);
    return ct__pending();
}
