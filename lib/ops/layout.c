/*
 * layout.c: see layout.h.
 */
#include "ops/layout.h"

#include "base/vec.h"
#include "kernels/strided.h"

#include <string.h>

ct_status ct__infer_sizes(const char *function, const int64_t *sizes, int ndim, int64_t numel, int64_t *out) {
    if (ndim < 0 || ndim > CT_MAX_NDIM)
        return ct__fail(CT_ERR_SHAPE, "%s: %d dimensions; a tensor has 0 to %d", function, ndim, CT_MAX_NDIM);
    if (ndim && !sizes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sizes is NULL for %d dimensions", function, ndim);
    ct__shape_text text;
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < ndim; i++) {
        if (sizes[i] == -1 && open >= 0)
            return ct__fail(CT_ERR_SHAPE, "%s: only one size of %s can be -1", function, ct__shape_str(&text, sizes, ndim));
        if (sizes[i] < -1) return ct__fail(CT_ERR_SHAPE, "%s: size %lld of dim %d is negative", function, (long long)sizes[i], i);
        out[i] = sizes[i];
        if (sizes[i] == -1) open = i;
        else if (!ct__mul_i64(known, sizes[i], &known)) known = -1; /* more than any numel */
        if (known < 0) break;
    }
    if (open >= 0 && known == 0)
        return ct__fail(CT_ERR_SHAPE, "%s: the size that -1 stands for in %s is ambiguous: the others multiply to 0", function,
                        ct__shape_str(&text, sizes, ndim));
    if (known < 0 || (open < 0 ? known != numel : numel % known != 0))
        return ct__fail(CT_ERR_SHAPE, "%s: %s does not have %lld elements", function, ct__shape_str(&text, sizes, ndim), (long long)numel);
    if (open >= 0) out[open] = numel / known;
    return CT_OK;
}

/* Both shapes are walked from the last dim on. Dims of x that are dense with each other make a chunk; dims of the new shape must
 * multiply up to exactly each chunk. As PyTorch's computeStride, so that both agree on what is a view. */
bool ct__view_strides(const ct_tensor *x, const int64_t *sizes, int ndim, int64_t *strides) {
    if (x->contiguous || x->numel == 0) {
        ct__row_major_strides(sizes, ndim, strides);
        return true;
    }
    int view = ndim - 1;
    int64_t base = x->strides[x->ndim - 1], chunk = 1, made = 1;
    for (int d = x->ndim - 1; d >= 0; d--) {
        chunk *= x->sizes[d];
        if (d > 0 && (x->sizes[d - 1] == 1 || x->strides[d - 1] == chunk * base)) continue;
        for (; view >= 0 && (made < chunk || sizes[view] == 1); view--) {
            strides[view] = made * base;
            made *= sizes[view];
        }
        if (made != chunk) return false;
        if (d > 0) base = x->strides[d - 1];
        chunk = made = 1;
    }
    return view == -1;
}

void ct__copy_raw(ct_tensor *dst, const ct_tensor *src) {
    if (dst->numel == 0) return;
    ct__copy_strided(ct_dtype_size((ct_dtype)dst->dtype), dst->ndim, dst->sizes, ct__ptr(dst), dst->strides, ct__ptr(src), src->strides);
}

ct_tensor *ct__dense(const char *function, ct_tensor *x) {
    if (x->contiguous) {
        ct__ref(x);
        return x;
    }
    ct_tensor *out = ct__new(function, x->sizes, x->ndim, (ct_dtype)x->dtype);
    if (out) ct__copy_raw(out, x);
    return out;
}

ct_tensor *ct__new_zeros(const char *function, const int64_t *sizes, int ndim, ct_dtype dtype) {
    ct_tensor *out = ct__new(function, sizes, ndim, dtype);
    if (out && out->numel) memset(ct__ptr(out), 0, (size_t)out->numel * ct_dtype_size(dtype));
    return out;
}

ct_status ct__fill_broadcast(const char *function, const char *what, ct_tensor *out, const ct_tensor *in) {
    ct__shape_text a, b;
    int64_t strides[CT_MAX_NDIM];
    bool fits = in->ndim <= out->ndim;
    for (int d = 0; d < out->ndim && fits; d++) {
        int own = d - (out->ndim - in->ndim);
        fits = own < 0 || in->sizes[own] == 1 || in->sizes[own] == out->sizes[d];
        strides[d] = own < 0 || in->sizes[own] == 1 ? 0 : in->strides[own];
    }
    if (!fits)
        return ct__fail(CT_ERR_SHAPE, "%s: %s %s does not broadcast to %s", function, what, CT__SIZES(&a, in), CT__SIZES(&b, out));
    if (out->numel) ct__copy_strided(ct_dtype_size((ct_dtype)out->dtype), out->ndim, out->sizes, ct__ptr(out), out->strides, ct__ptr(in), strides);
    return CT_OK;
}
