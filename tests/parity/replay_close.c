/*
 * replay_close.c: compares tensors with stored ones, as torch.testing.assert_close does: |a - b| <= atol + rtol |b|, NaN equals NaN, integers
 * and bools exactly.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/replay_impl.h"

tolerance tolerance_of(const golden *g, const char *key, ct_dtype dtype) {
    yyjson_val *own = yyjson_obj_get(yyjson_obj_get(g->root, key), ct_dtype_name(dtype));
    if (own) return (tolerance){yyjson_get_num(yyjson_obj_get(own, "rtol")), yyjson_get_num(yyjson_obj_get(own, "atol"))};
    switch (dtype) { /* torch.testing._comparison._DTYPE_PRECISIONS */
    case CT_F16: return (tolerance){1e-3, 1e-5};
    case CT_BF16: return (tolerance){1.6e-2, 1e-5};
    case CT_F32: return (tolerance){1.3e-6, 1e-5};
    case CT_F64: return (tolerance){1e-7, 1e-7};
    default: return (tolerance){0, 0};
    }
}

static double half_value(uint16_t h) {
    int sign = h >> 15, e = h >> 10 & 31, m = h & 1023;
    double v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return sign ? -v : v;
}

static double bfloat_value(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

/* The element at p: in *i for integers and bools, in *f for floating point. */
static bool load(ct_dtype dtype, const char *p, double *f, int64_t *i) {
    union { float f; double d; int16_t s; uint16_t h; int32_t w; int64_t l; } u;
    memcpy(&u, p, ct_dtype_size(dtype));
    switch (dtype) {
    case CT_F32: *f = u.f; return true;
    case CT_F64: *f = u.d; return true;
    case CT_F16: *f = half_value(u.h); return true;
    case CT_BF16: *f = bfloat_value(u.h); return true;
    case CT_I16: *i = u.s; return false;
    case CT_I32: *i = u.w; return false;
    case CT_I64: *i = u.l; return false;
    case CT_I8: *i = (signed char)*p; return false;
    default: *i = (unsigned char)*p; return false;
    }
}

static bool element_is_close(ct_dtype dtype, const char *got, const char *want, tolerance tol, char *text, size_t size) {
    double a = 0, b = 0;
    int64_t i = 0, k = 0;
    bool floating = load(dtype, got, &a, &i);
    load(dtype, want, &b, &k);
    if (!floating) {
        if (i != k) snprintf(text, size, "%lld, PyTorch %lld", (long long)i, (long long)k);
        return i == k;
    }
    if (isnan(a) && isnan(b)) return true;
    if (a == b || (isfinite(a) && isfinite(b) && fabs(a - b) <= tol.atol + tol.rtol * fabs(b))) return true;
    snprintf(text, size, "%.17g, PyTorch %.17g (differs by %.2g, relative %.2g)", a, b, fabs(a - b), fabs(a - b) / fabs(b));
    return false;
}

static void shape_text(const int64_t *sizes, int ndim, char *text, size_t size) {
    size_t n = (size_t)snprintf(text, size, "[");
    for (int d = 0; d < ndim && n < size; d++) n += (size_t)snprintf(text + n, size - n, d ? ", %lld" : "%lld", (long long)sizes[d]);
    if (n < size) snprintf(text + n, size - n, "]");
}

bool tensor_is_close(const ct_tensor *t, const stored *want, tolerance tol, char *text, size_t size) {
    char a[100], b[100];
    if (!t) return snprintf(text, size, "NULL"), false;
    if (ct_tensor_dtype(t) != want->dtype)
        return snprintf(text, size, "dtype %s, PyTorch %s", ct_dtype_name(ct_tensor_dtype(t)), ct_dtype_name(want->dtype)), false;
    if (ct_ndim(t) != want->ndim || memcmp(ct_sizes(t), want->sizes, (size_t)want->ndim * sizeof(int64_t)) != 0) {
        shape_text(ct_sizes(t), ct_ndim(t), a, sizeof a);
        shape_text(want->sizes, want->ndim, b, sizeof b);
        return snprintf(text, size, "shape %s, PyTorch %s", a, b), false;
    }
    const char *data = ct_data(t);
    size_t item = ct_dtype_size(want->dtype);
    for (int64_t i = 0; i < want->numel; i++) {
        const char *got = data + (size_t)element_offset(want->sizes, ct_strides(t), want->ndim, i) * item;
        if (element_is_close(want->dtype, got, want->data + (size_t)i * item, tol, a, sizeof a)) continue;
        snprintf(text, size, "element %lld is %s", (long long)i, a);
        return false;
    }
    return true;
}

/* (1 + (7 i + 3 k) % 11) / 4 for element i, in t's dtype and shape: what make_golden.py weighs output k with. */
ct_tensor *tensor_weights(const ct_tensor *t, int k) {
    int64_t n = ct_numel(t);
    double *w = malloc(((size_t)n + 1) * sizeof *w);
    for (int64_t i = 0; i < n; i++) w[i] = (double)(1 + (7 * i + 3 * k) % 11) / 4;
    ct_tensor *weights = ct_to(ct_from_data(w, ct_sizes(t), ct_ndim(t), CT_F64), ct_tensor_dtype(t));
    free(w);
    return weights;
}
