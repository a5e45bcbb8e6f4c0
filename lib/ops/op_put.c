/*
 * op_put.c: writing where a mask is true, or at places of the flattened tensor: forms of ct_index_put, which makes their gradients.
 */
#include "ops/along.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static const int64_t flat[] = {-1};

static ct_status check_same_dtype(int op, const ct_tensor *x, const ct_tensor *source) {
    if (source->dtype == x->dtype) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: x is %s, source is %s; convert one with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype),
                    ct_dtype_name((ct_dtype)source->dtype));
}

/* ---- masked_scatter ---- */

static ct_status check_mask(int op, const ct_tensor *x, const ct_tensor *mask, const ct_tensor *source) {
    if (mask->dtype != CT_BOOL) return ct__fail(CT_ERR_DTYPE, "%s: mask must be bool, not %s", ct__fn(op), ct_dtype_name((ct_dtype)mask->dtype));
    return check_same_dtype(op, x, source);
}

static ct_tensor *masked_scatter(int op, ct_tensor *x, ct_tensor *mask, ct_tensor *source, const int64_t *sizes, int ndim) {
    ct_tensor *m = ct_expand(mask, sizes, ndim);
    const int64_t count = ct_item_i64(ct_count_nonzero(m, NULL, 0));
    if (count > source->numel) ct__fail(CT_ERR_SHAPE, "%s: mask is true at %lld places, source has %lld elements", ct__fn(op), (long long)count, (long long)source->numel);
    ct_tensor *values = ct_narrow(ct_reshape(source, flat, 1), 0, 0, count);
    return m && values ? ct_index_put(ct_expand(x, sizes, ndim), &m, 1, values, NULL) : NULL;
}

ct_tensor *ct_masked_scatter(ct_tensor *x, ct_tensor *mask, ct_tensor *source) {
    const int op = CT__OP_masked_scatter;
    int64_t sizes[CT_MAX_NDIM];
    int ndim;
    if (!ct__enter(op, (ct_tensor *[]){x, mask, source}, 3)) return NULL;
    CT__TRY_NULL(check_mask(op, x, mask, source));
    CT__TRY_NULL(ct__broadcast(ct__fn(op), x->sizes, x->ndim, mask->sizes, mask->ndim, sizes, &ndim));
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, masked_scatter(op, x, mask, source, sizes, ndim));
}

/* Through a new tensor. */
ct_status ct_masked_scatter_(ct_tensor *x, ct_tensor *mask, ct_tensor *source) {
    const int op = CT__OP_masked_scatter_;
    int64_t sizes[CT_MAX_NDIM];
    int ndim;
    ct__shape_text a, b;
    if (!ct__enter_inplace(op, x, (ct_tensor *[]){mask, source}, 2)) return ct__pending();
    CT__TRY(check_mask(op, x, mask, source));
    CT__TRY(ct__broadcast(ct__fn(op), x->sizes, x->ndim, mask->sizes, mask->ndim, sizes, &ndim));
    bool grows = ndim != x->ndim;
    for (int d = 0; d < ndim && !grows; d++) grows = sizes[d] != x->sizes[d];
    if (grows) return ct__fail(CT_ERR_SHAPE, "%s: mask %s does not broadcast to x %s", ct__fn(op), CT__SIZES(&a, mask), CT__SIZES(&b, x));
    CT__TRY(ct__check_apart(ct__fn(op), x, mask, "mask"));
    CT__TRY(ct__check_apart(ct__fn(op), x, source, "source"));
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = masked_scatter(op, x, mask, source, sizes, ndim);
    if (out) ct_copy_(x, out);
    ct_scope_end(scope);
    return ct__pending();
}

/* ---- put ---- */

static ct_status check_put(int op, const ct_tensor *x, const ct_tensor *index, const ct_tensor *source, const ct_index_put_options *options) {
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), options));
    if (index->dtype != CT_I64) return ct__fail(CT_ERR_DTYPE, "%s: index must be int64, not %s", ct__fn(op), ct_dtype_name((ct_dtype)index->dtype));
    if (index->numel != source->numel)
        return ct__fail(CT_ERR_SHAPE, "%s: %lld indices for %lld elements of source", ct__fn(op), (long long)index->numel, (long long)source->numel);
    return check_same_dtype(op, x, source);
}

static ct_tensor *put(ct_tensor *x, ct_tensor *index, ct_tensor *source, const ct_index_put_options *options) {
    ct_tensor *at = ct_reshape(index, flat, 1);
    return at ? ct_reshape(ct_index_put(ct_reshape(x, flat, 1), &at, 1, ct_reshape(source, flat, 1), options), x->sizes, x->ndim) : NULL;
}

ct_tensor *ct_put(ct_tensor *x, ct_tensor *index, ct_tensor *source, const ct_index_put_options *options) {
    if (!ct__enter(CT__OP_put, (ct_tensor *[]){x, index, source}, 3)) return NULL;
    CT__TRY_NULL(check_put(CT__OP_put, x, index, source, options));
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, put(x, index, source, options));
}

/* Where x is row-major and nothing records through a flat view of it, otherwise through a new tensor: moving a view's history on takes memory, after x
 * has changed. */
ct_status ct_put_(ct_tensor *x, ct_tensor *index, ct_tensor *source, const ct_index_put_options *options) {
    const int op = CT__OP_put_;
    if (!ct__enter_inplace(op, x, (ct_tensor *[]){index, source}, 2)) return ct__pending();
    CT__TRY(check_put(op, x, index, source, options));
    CT__TRY(ct__check_apart(ct__fn(op), x, index, "index"));
    CT__TRY(ct__check_apart(ct__fn(op), x, source, "source"));
    ct_scope scope = ct_scope_begin();
    bool records = ct__grad_mode() && (ct__requires_grad(x) || ct__requires_grad(source));
    if (x->contiguous && !records) {
        ct_tensor *at = ct_reshape(index, flat, 1), *view = ct_view(x, flat, 1);
        if (at && view) ct_index_put_(view, &at, 1, ct_reshape(source, flat, 1), options);
    } else {
        ct_tensor *out = put(x, index, source, options);
        if (out) ct_copy_(x, out);
    }
    ct_scope_end(scope);
    return ct__pending();
}
