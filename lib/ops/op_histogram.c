/*
 * op_histogram.c: counting: histc, bincount. No gradients.
 */
#include "ops/wide.h"

#include "base/half_bits.h"
#include "base/vec.h"
#include "ops/elementwise.h"
#include "ops/indices.h"

#include <ctorch/ops_reduce.h>

#include <math.h>

/* ---- histc ---- */

/* The smallest and the largest element; NaN if there is one. */
static void range_of(const ct_tensor *x, double *min, double *max) {
    const size_t size = ct_dtype_size((ct_dtype)x->dtype);
    *min = INFINITY;
    *max = -INFINITY;
    for (int64_t i = 0; i < x->numel; i++) {
        double v = ct__load_f64(ct__ptr(x) + (size_t)i * size, (ct_dtype)x->dtype);
        if (isnan(v)) *min = *max = v;
        if (isnan(v)) return;
        *min = v < *min ? v : *min;
        *max = v > *max ? v : *max;
    }
}

/* In the elements' own type, as PyTorch computes: borders fall on the same side. */
static void count_f32(int64_t n, const float *x, int64_t bins, float min, float max, int64_t *count) {
    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] >= min && x[i] <= max)) continue;
        float at = (x[i] - min) * (float)bins / (max - min);
        count[at < (float)bins ? ct__min_i64((int64_t)at, bins - 1) : bins - 1]++; /* too large a number too */
    }
}
static void count_f64(int64_t n, const double *x, int64_t bins, double min, double max, int64_t *count) {
    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] >= min && x[i] <= max)) continue;
        double at = (x[i] - min) * (double)bins / (max - min);
        count[at < (double)bins ? ct__min_i64((int64_t)at, bins - 1) : bins - 1]++;
    }
}

/* Half types: PyTorch rounds each step. x and the bounds are exact in f32. */
static float rounded(float v, ct_dtype dtype) {
    return dtype == CT_F16 ? ct__f32_from_f16(ct__f16_from_f32(v)) : ct__f32_from_bf16(ct__bf16_from_f32(v));
}
static void count_half(ct_dtype dtype, int64_t n, const float *x, int64_t bins, float min, float max, int64_t *count) {
    min = rounded(min, dtype);
    max = rounded(max, dtype);
    const float width = rounded(max - min, dtype), factor = rounded((float)bins, dtype);
    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] >= min && x[i] <= max)) continue;
        float at = rounded(rounded(rounded(x[i] - min, dtype) * factor, dtype) / width, dtype);
        count[at < (float)bins ? ct__min_i64((int64_t)at, bins - 1) : bins - 1]++;
    }
}

static ct_tensor *histogram(ct_tensor *a, int64_t bins, double min, double max) {
    static const char function[] = "ct_histc";
    ct_dtype dtype = a->dtype == CT_F64 ? CT_F64 : CT_F32;
    ct_tensor *x = ct__wide(function, a, dtype), *count = NULL, *out = NULL;
    if (!x) return NULL;
    if (min == max && x->numel) range_of(x, &min, &max);
    if (min == max) {
        min -= 1;
        max += 1;
    }
    if (!isfinite(min) || !isfinite(max)) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_histc: the range from %g to %g is not finite", min, max);
    else count = ct__new_zeros(function, &bins, 1, CT_I64);
    if (count) {
        int64_t *c = (int64_t *)(void *)ct__ptr(count);
        if (ct__is_half(a) && x->numel) count_half((ct_dtype)a->dtype, x->numel, (const float *)(const void *)ct__ptr(x), bins, (float)min, (float)max, c);
        else if (dtype == CT_F32 && x->numel) count_f32(x->numel, (const float *)(const void *)ct__ptr(x), bins, (float)min, (float)max, c);
        if (dtype == CT_F64 && x->numel) count_f64(x->numel, (const double *)(const void *)ct__ptr(x), bins, min, max, c);
        out = ct__wide(function, count, (ct_dtype)a->dtype);
    }
    ct__unref(x);
    ct__unref(count);
    return out;
}

ct_tensor *ct_histc(ct_tensor *a, int64_t bins, double min, double max) {
    if (!ct__enter(CT__OP_histc, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_float(CT__OP_histc, a));
    if (bins < 1 || !(min <= max)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_histc: %lld bins from %g to %g; at least one, and max not below min", (long long)bins, min, max);
        return NULL;
    }
    return ct__finish(NULL, histogram(a, bins, min, max));
}

/* ---- bincount ---- */

static ct_status check_bincount(const ct_tensor *a, const ct_tensor *weights, int64_t minlength) {
    ct__shape_text text;
    if (ct__is_float(a) || a->dtype == CT_BOOL)
        return ct__fail(CT_ERR_DTYPE, "ct_bincount: a is %s; it must be integers", ct_dtype_name((ct_dtype)a->dtype));
    if (a->ndim != 1) return ct__fail(CT_ERR_SHAPE, "ct_bincount: a %s must have one dim", CT__SIZES(&text, a));
    if (weights && (weights->ndim != 1 || weights->numel != a->numel))
        return ct__fail(CT_ERR_SHAPE, "ct_bincount: weights %s for %lld elements", CT__SIZES(&text, weights), (long long)a->numel);
    if (minlength < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_bincount: minlength %lld is negative", (long long)minlength);
    return CT_OK;
}

/* at: int64, checked; weights f32, f64 or NULL. */
static void add_up(const ct_tensor *at, const ct_tensor *weights, ct_tensor *out) {
    const int64_t *v = (const int64_t *)(const void *)ct__ptr(at);
    char *to = ct__ptr(out);
    for (int64_t i = 0; i < at->numel; i++) {
        if (!weights) ((int64_t *)(void *)to)[v[i]]++;
        else if (weights->dtype == CT_F32) ((float *)(void *)to)[v[i]] += ((const float *)(const void *)ct__ptr(weights))[i];
        else ((double *)(void *)to)[v[i]] += ((const double *)(const void *)ct__ptr(weights))[i];
    }
}

ct_tensor *ct_bincount(ct_tensor *a, ct_tensor *weights, int64_t minlength) {
    static const char function[] = "ct_bincount";
    if (!ct__enter(CT__OP_bincount, (ct_tensor *[]){a, weights}, weights ? 2 : 1)) return NULL;
    CT__TRY_NULL(check_bincount(a, weights, minlength));
    ct_dtype dtype = !weights ? CT_I64 : weights->dtype == CT_F32 ? CT_F32 : CT_F64;
    ct_tensor *at = ct__wide(function, a, CT_I64), *w = weights && a->numel ? ct__wide(function, weights, dtype) : NULL, *out = NULL;
    if (at && ct__pending() == CT_OK) {
        const int64_t *v = (const int64_t *)(const void *)ct__ptr(at);
        int64_t size = minlength;
        for (int64_t i = 0; i < at->numel; i++) {
            if (v[i] < 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_bincount: element %lld is negative: %lld", (long long)i, (long long)v[i]);
            if (v[i] >= size) size = v[i] < INT64_MAX ? v[i] + 1 : v[i];
        }
        if (ct__pending() == CT_OK) out = ct__new_zeros(function, &size, 1, a->numel ? dtype : CT_I64); /* of nothing int64, as in PyTorch */
        if (out && a->numel) add_up(at, w, out);
    }
    ct__unref(at);
    ct__unref(w);
    return ct__finish(NULL, out);
}
