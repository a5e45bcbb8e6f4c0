/*
 * image.c: what convolution and pooling share.
 */
#include "ops/image.h"

#include "kernels/kern_conv.h"

ct_status ct__image_sizes_of(const char *function, const char *what, const int64_t *sizes, int ndim, int nd, ct__image_sizes *out) {
    static const char *const form[] = {"", "[N, C, L] or [C, L]", "[N, C, H, W] or [C, H, W]", "[N, C, D, H, W] or [C, D, H, W]"};
    ct__shape_text text;
    if (ndim != nd + 1 && ndim != nd + 2)
        return ct__fail(CT_ERR_SHAPE, "%s: %s must be %s, got %s", function, what, form[nd], ct__shape_str(&text, sizes, ndim));
    bool batched = ndim == nd + 2;
    *out = (ct__image_sizes){.batched = batched, .nd = nd, .n = batched ? sizes[0] : 1, .c = sizes[batched], .size = {1, 1, 1}};
    for (int i = 0; i < nd; i++) {
        out->size[3 - nd + i] = sizes[batched + 1 + i];
        if (sizes[batched + 1 + i] < 1)
            return ct__fail(CT_ERR_SHAPE, "%s: %s %s has no pixels", function, what, ct__shape_str(&text, sizes, ndim));
    }
    return CT_OK;
}

int ct__image_shape(const ct__image_sizes *s, int64_t *sizes) {
    int n = 0;
    if (s->batched) sizes[n++] = s->n;
    sizes[n++] = s->c;
    for (int i = 3 - s->nd; i < 3; i++) sizes[n++] = s->size[i];
    return n;
}

const char *ct__image_dim(int nd, int i) {
    static const char *const names[] = {"depth", "height", "width"};
    return nd == 1 ? "length" : names[i];
}

ct_status ct__image_dtype(const char *function, const char *what, const ct_tensor *t, int *real) {
    if (t->dtype != CT_F32 && t->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s; it must be float32 or float64: convert with ct_to", function, what,
                        ct_dtype_name((ct_dtype)t->dtype));
    *real = t->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32;
    return CT_OK;
}

bool ct__prefers_channels_last(const ct_tensor *t) {
    static const int order[] = {1, 3, 2, 0}; /* from the fastest */
    if (t->ndim != 4 || t->strides[1] == 0) return false;
    int64_t least = 0;
    for (int i = 0; i < 4; i++) {
        int d = order[i];
        if (t->sizes[d] == 0 || t->strides[d] < least) return false;
        if (d == 0 && least == t->strides[1]) return false; /* H, W and C are 1: row-major as well */
        least = t->strides[d] * ct__max_i64(t->sizes[d], 1);
    }
    return true;
}

ct_tensor *ct__image_new(const char *function, const ct__image_sizes *s, bool last, ct_dtype dtype) {
    int64_t sizes[5], strides[4];
    int ndim = ct__image_shape(s, sizes);
    if (!last || !s->batched || s->nd != 2) return ct__new(function, sizes, ndim, dtype);
    int64_t c = ct__max_i64(s->c, 1), row, image;
    if (!ct__mul_i64(c, s->size[2], &row) || !ct__mul_i64(row, s->size[1], &image))
        return ct__new(function, sizes, ndim, dtype); /* it names the overflow */
    strides[0] = image, strides[1] = 1, strides[2] = row, strides[3] = c;
    return ct__new_strided(function, sizes, strides, ndim, dtype);
}

ct_tensor *ct__image_read(const char *function, ct_tensor *t, bool *last) {
    *last = !t->contiguous && ct__is_dense(t, CT_FORMAT_CHANNELS_LAST);
    if (!*last) return ct__dense(function, t);
    ct__ref(t);
    return t;
}

ct_tensor *ct__image_as(const char *function, ct_tensor *t, bool last) {
    if (!last || t->ndim != 4) return ct__dense(function, t);
    if (ct__is_dense(t, CT_FORMAT_CHANNELS_LAST)) {
        ct__ref(t);
        return t;
    }
    ct__image_sizes s = {.batched = true, .nd = 2, .n = t->sizes[0], .c = t->sizes[1], .size = {1, t->sizes[2], t->sizes[3]}};
    ct_tensor *copy = ct__image_new(function, &s, true, (ct_dtype)t->dtype);
    if (copy) ct__copy_raw(copy, t);
    return copy;
}

ct_status ct__image_values(const char *function, const char *name, int nd, int64_t scalar, const int64_t *values, int64_t fallback, int64_t min,
                           int64_t absent, int64_t out[3]) {
    for (int i = 0; i < 3; i++) {
        int own = i - (3 - nd);
        out[i] = own < 0 ? absent : values ? values[own] : scalar != 0 ? scalar : fallback;
        if (own < 0) continue;
        if (out[i] < min)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %lld; it must be at least %lld", function, name, (long long)out[i], (long long)min);
        if (out[i] > INT32_MAX) /* sums and products of a few of them stay within int64 */
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %lld; it may be at most %d", function, name, (long long)out[i], INT32_MAX);
    }
    return CT_OK;
}
