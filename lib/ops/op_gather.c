/*
 * op_gather.c: reading at indices: index_select, gather, and what is made of them: take, take_along_dim.
 *
 *      op              gradient of x
 *      index_select    index_add(0, g)
 *      gather          scatter_add(0, g)
 *
 * A 0-dim tensor counts as [1], as in PyTorch.
 */
#include "ops/along.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <string.h>

static int dim_of(ct__node *n) { return ((ct__dim_ctx *)ct__ctx(n))->dim; }

/* ---- Whole slices ---- */

static void index_select_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    ct_tensor *zeros = ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0]));
    gin[0] = ct_index_add(zeros, dim_of(n), ct__saved(n, 0), g[0], NULL);
}
static const ct__node_class index_select_class = {
    .op = CT__OP_index_select, .backward = index_select_backward, .n_saved = 1, .ctx_size = sizeof(ct__dim_ctx)};

ct_tensor *ct_index_select(ct_tensor *x, int64_t dim, ct_tensor *index) {
    static const char function[] = "ct_index_select";
    int d;
    ct__dim_text text;
    if (!ct__enter(CT__OP_index_select, (ct_tensor *[]){x, index}, 2)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    CT__TRY_NULL(ct__check_slices(function, x, index));
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    if (x->ndim) sizes[d] = index->numel;
    ct_tensor *out = NULL, *at = ct__indices(function, index);
    ct__node *n = NULL;
    if (at && ct__check_indices(function, at, x->ndim ? x->sizes[d] : 1, ct__dim_name(&text, d)) == CT_OK) out = ct__new(function, sizes, x->ndim, (ct_dtype)x->dtype);
    if (out) {
        n = ct__node_new(&index_select_class, &x, 1, 1);
        ct__save(n, 0, index);
        if (n) *(ct__dim_ctx *)ct__ctx(n) = (ct__dim_ctx){d, 1};
        ct__picks p = ct__picks_along(x, d, at);
        ct__picks_take(&p, ct_dtype_size((ct_dtype)x->dtype), ct__ptr(x), ct__ptr(out));
    }
    ct__unref(at);
    return ct__finish(n, out);
}

/* ---- One index per element ---- */

static void gather_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    gin[0] = ct_scatter_add(ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0])), dim_of(n), ct__saved(n, 0), g[0]);
}
static const ct__node_class gather_class = {.op = CT__OP_gather, .backward = gather_backward, .n_saved = 1, .ctx_size = sizeof(ct__dim_ctx)};

ct_tensor *ct_gather(ct_tensor *x, int64_t dim, ct_tensor *index) {
    static const char function[] = "ct_gather";
    int d;
    ct__dim_text text;
    if (!ct__enter(CT__OP_gather, (ct_tensor *[]){x, index}, 2)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    CT__TRY_NULL(ct__check_along(function, x, d, index, NULL));
    ct_tensor *out = NULL, *at = ct__along_indices(function, index);
    ct__node *n = NULL;
    if (at && ct__check_indices(function, at, ct__size_at(x, d), ct__dim_name(&text, d)) == CT_OK) out = ct__new(function, index->sizes, index->ndim, (ct_dtype)x->dtype);
    if (out) {
        n = ct__node_new(&gather_class, &x, 1, 1);
        ct__save(n, 0, index);
        if (n) *(ct__dim_ctx *)ct__ctx(n) = (ct__dim_ctx){d, 1};
        if (out->numel) {
            ct__along a = ct__along_of(x, d, at, out);
            ct__along_gather(&a, ct_dtype_size((ct_dtype)x->dtype), ct__ptr(x), ct__ptr(out));
        }
    }
    ct__unref(at);
    return ct__finish(n, out);
}

/* ---- take_along_dim, take ---- */

/* Negative indices counted from the end. */
static ct_tensor *wrapped(ct_tensor *indices, int64_t size) {
    ct_tensor *negative = ct_lt_scalar_int(indices, 0);
    if (!negative || !ct_item_bool(ct_any(negative))) return indices;
    return ct_where(negative, ct_add_scalar_int(indices, size), indices);
}

ct_tensor *ct_take_along_dim(ct_tensor *x, ct_tensor *indices, int64_t dim) {
    static const char function[] = "ct_take_along_dim";
    static const int64_t all[] = {-1};
    int d;
    int64_t to_x[CT_MAX_NDIM], to_index[CT_MAX_NDIM];
    ct__shape_text a, b;
    if (!ct__enter(CT__OP_take_along_dim, (ct_tensor *[]){x, indices}, 2)) return NULL;
    if (dim == CT_DIM_NONE) {
        ct_scope scope = ct_scope_begin();
        return ct_scope_return(scope, ct_gather(ct_reshape(x, all, 1), 0, wrapped(ct_reshape(indices, all, 1), x->numel)));
    }
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    bool fits = x->ndim == indices->ndim;
    for (int i = 0; i < x->ndim && fits; i++) {
        const int64_t m = x->sizes[i], n = indices->sizes[i];
        fits = i == d || m == n || m == 1 || n == 1;
        to_x[i] = i == d || m != 1 ? m : n;
        to_index[i] = i == d || n != 1 ? n : m;
    }
    if (!fits) {
        ct__fail(CT_ERR_SHAPE, "%s: indices %s do not broadcast with x %s but for dim %d", function, CT__SIZES(&a, indices), CT__SIZES(&b, x), d);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_gather(ct_expand(x, to_x, x->ndim), d, wrapped(ct_expand(indices, to_index, x->ndim), ct__size_at(x, d))));
}

ct_tensor *ct_take(ct_tensor *x, ct_tensor *index) {
    if (!ct__enter(CT__OP_take, (ct_tensor *[]){x, index}, 2)) return NULL;
    if (index->dtype != CT_I64) {
        ct__fail(CT_ERR_DTYPE, "ct_take: index must be int64, not %s", ct_dtype_name((ct_dtype)index->dtype));
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_index(ct_reshape(x, (const int64_t[]){-1}, 1), &index, 1));
}
