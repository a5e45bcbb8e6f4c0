/*
 * wide.c: see wide.h.
 */
#include "ops/wide.h"

#include "ops/iter.h"

#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>

ct_dtype ct__order_dtype(ct_dtype dtype) { return dtype == CT_BOOL ? CT_U8 : ct__compute_dtype(dtype); }

ct_tensor *ct__wide(const char *function, ct_tensor *x, ct_dtype dtype) {
    if (x->dtype == dtype) return ct__dense(function, x);
    ct_tensor *out = ct__new(function, x->sizes, x->ndim, dtype);
    if (out && ct__copy_into(function, out, x) != CT_OK) {
        ct__unref(out);
        return NULL;
    }
    return out;
}

ct_tensor *ct__narrowed(const char *function, ct_tensor *wide, ct_dtype dtype) {
    if (!wide || wide->dtype == dtype) return wide;
    ct_tensor *out = ct__wide(function, wide, dtype);
    ct__unref(wide);
    return out;
}

ct__lines ct__lines_of(const ct_tensor *x, int dim) {
    ct__lines l = {1, x->ndim ? x->sizes[dim] : 1, 1};
    for (int d = 0; d < x->ndim; d++) {
        if (d < dim) l.outer *= x->sizes[d];
        if (d > dim) l.inner *= x->sizes[d];
    }
    return l;
}

ct_tensor *ct__return_two(ct_scope scope, ct_tensor *first, ct_tensor *other, ct_tensor **second) {
    if (!ct__scope_return_n(scope, (void *[]){first, second ? other : NULL}, 2)) return NULL;
    if (second) *second = other;
    return first;
}

ct_tensor *ct__pick(ct_scope scope, ct_tensor *x, int dim, bool keepdim, ct_tensor *index, ct_tensor **indices) {
    ct_tensor *values = ct_gather(x, dim, index);
    if (!keepdim && x->ndim) {
        values = ct_squeeze_dim(values, (const int64_t[]){dim}, 1);
        if (indices) index = ct_squeeze_dim(index, (const int64_t[]){dim}, 1);
    }
    return ct__return_two(scope, values, index, indices);
}
