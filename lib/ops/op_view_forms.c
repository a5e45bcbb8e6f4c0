/*
 * op_view_forms.c: views that are other ops with other arguments: sizes of another tensor, more dims, windows, grids.
 */
#include "ops/layout.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>
#include <string.h>

/* ---- Sizes of another tensor ---- */

ct_tensor *ct_broadcast_to(ct_tensor *x, const int64_t *sizes, int ndim) {
    return ct__enter(CT__OP_broadcast_to, &x, 1) ? ct_expand(x, sizes, ndim) : NULL;
}
ct_tensor *ct_expand_as(ct_tensor *x, ct_tensor *other) {
    return ct__enter(CT__OP_expand_as, (ct_tensor *[]){x, other}, 2) ? ct_expand(x, other->sizes, other->ndim) : NULL;
}
ct_tensor *ct_view_as(ct_tensor *x, ct_tensor *other) {
    return ct__enter(CT__OP_view_as, (ct_tensor *[]){x, other}, 2) ? ct_view(x, other->sizes, other->ndim) : NULL;
}
ct_tensor *ct_reshape_as(ct_tensor *x, ct_tensor *other) {
    return ct__enter(CT__OP_reshape_as, (ct_tensor *[]){x, other}, 2) ? ct_reshape(x, other->sizes, other->ndim) : NULL;
}

/* ---- More dims ---- */

ct_tensor *ct_atleast_1d(ct_tensor *x) {
    if (!ct__enter(CT__OP_atleast_1d, &x, 1)) return NULL;
    return x->ndim == 0 ? ct_reshape(x, (const int64_t[]){1}, 1) : ct_view(x, x->sizes, x->ndim);
}
ct_tensor *ct_atleast_2d(ct_tensor *x) {
    if (!ct__enter(CT__OP_atleast_2d, &x, 1)) return NULL;
    if (x->ndim == 0) return ct_reshape(x, (const int64_t[]){1, 1}, 2);
    return x->ndim == 1 ? ct_unsqueeze(x, 0) : ct_view(x, x->sizes, x->ndim);
}
ct_tensor *ct_atleast_3d(ct_tensor *x) {
    if (!ct__enter(CT__OP_atleast_3d, &x, 1)) return NULL;
    if (x->ndim == 0) return ct_reshape(x, (const int64_t[]){1, 1, 1}, 3);
    if (x->ndim == 1) return ct_reshape(x, (const int64_t[]){1, x->sizes[0], 1}, 3);
    return x->ndim == 2 ? ct_unsqueeze(x, -1) : ct_view(x, x->sizes, x->ndim);
}

/* ---- Windows: as_strided, whose gradient adds up where windows overlap ---- */

ct_tensor *ct_unfold_dim(ct_tensor *x, int64_t dim, int64_t size, int64_t step) {
    static const char function[] = "ct_unfold_dim";
    int d;
    int64_t sizes[CT_MAX_NDIM + 1], strides[CT_MAX_NDIM + 1];
    if (!ct__enter(CT__OP_unfold_dim, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(function, dim, x->ndim, &d));
    const int64_t have = x->ndim ? x->sizes[d] : 1;
    if (size < 0 || size > have || step < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: windows of size %lld, step %lld in dim %d of size %lld; size from 0 to that, step at least 1", function,
                 (long long)size, (long long)step, d, (long long)have);
        return NULL;
    }
    if (x->ndim == CT_MAX_NDIM) {
        ct__fail(CT_ERR_SHAPE, "%s: the tensor has %d dims, which is the maximum", function, CT_MAX_NDIM);
        return NULL;
    }
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    memcpy(strides, x->strides, x->ndim * sizeof *strides);
    sizes[x->ndim] = size;
    strides[x->ndim] = x->ndim ? x->strides[d] : 1;
    if (x->ndim) {
        sizes[d] = (have - size) / step + 1;
        strides[d] = sizes[d] > 1 ? step * x->strides[d] : x->strides[d]; /* a step beyond the size could overflow the stride */
    }
    return ct_as_strided(x, sizes, x->ndim + 1, strides, x->offset);
}

/* ---- Grids ---- */

static ct_status check_axes(ct_tensor *const *tensors, int64_t n, ct_indexing indexing) {
    ct__shape_text a;
    if (n < 1 || n > CT_MAX_NDIM || !tensors)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_meshgrid: %lld tensors%s; 1 to %d", (long long)n, tensors ? "" : " at NULL", CT_MAX_NDIM);
    if (indexing != CT_INDEXING_IJ && indexing != CT_INDEXING_XY)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_meshgrid: %d is no indexing", (int)indexing);
    if (!ct__enter(CT__OP_meshgrid, tensors, (int)n)) return ct__pending();
    for (int64_t i = 0; i < n; i++) {
        if (tensors[i]->ndim > 1) return ct__fail(CT_ERR_SHAPE, "ct_meshgrid: tensor %lld %s has more than one dim", (long long)i, CT__SIZES(&a, tensors[i]));
        if (tensors[i]->dtype != tensors[0]->dtype)
            return ct__fail(CT_ERR_DTYPE, "ct_meshgrid: tensor 0 is %s, tensor %lld %s", ct_dtype_name((ct_dtype)tensors[0]->dtype), (long long)i,
                            ct_dtype_name((ct_dtype)tensors[i]->dtype));
    }
    return CT_OK;
}

ct_list *ct_meshgrid(ct_tensor *const *tensors, int64_t n, ct_indexing indexing) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check_axes(tensors, n, indexing));
    const int ndim = (int)n;
    int64_t grid[CT_MAX_NDIM];
    bool swap = indexing == CT_INDEXING_XY && n > 1;
    for (int i = 0; i < ndim; i++) grid[swap && i < 2 ? 1 - i : i] = tensors[i]->numel;
    ct_scope scope = ct_scope_begin();
    ct_list *list = ct_list_new();
    for (int i = 0; i < ndim && ct_ok(); i++) {
        int64_t own[CT_MAX_NDIM];
        for (int d = 0; d < ndim; d++) own[d] = d == (swap && i < 2 ? 1 - i : i) ? tensors[i]->numel : 1;
        ct_list_append(list, ct_expand(ct_reshape(tensors[i], own, ndim), grid, ndim));
    }
    return ct__scope_return_n(scope, (void *[]){list}, 1) ? list : NULL;
}
