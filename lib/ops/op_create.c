/*
 * op_create.c: new tensors from shapes and numbers.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>

#include <math.h>
#include <string.h>

/* ---- from a shape: empty, zeros, ones, full ---- */

static ct_tensor *empty(int op, const int64_t *sizes, int ndim, ct_dtype dtype, ct_dtype standard) {
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = standard;
    if (!ct__dtype_valid(dtype)) {
        ct__fail(CT_ERR_DTYPE, "%s: tensors of %s cannot be made", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    return ct__new(ct__fn(op), sizes, ndim, dtype);
}

/* Takes over t, whose elements become x. */
static ct_tensor *filled(int op, ct_tensor *t, ct__number x) {
    ct__element e;
    if (!t) return NULL;
    ct_status status = ct__element_checked(ct__fn(op), x, (ct_dtype)t->dtype, &e);
    if (status == CT_OK) {
        if (e.i64 == 0) {
            if (t->numel) memset(ct__ptr(t), 0, (size_t)t->numel * ct_dtype_size((ct_dtype)t->dtype));
        } else {
            status = ct__fill_into(ct__fn(op), t, &e);
        }
    }
    if (status != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return ct__finish(NULL, t);
}

ct_tensor *ct_empty(const int64_t *sizes, int ndim, ct_dtype dtype) {
    return ct__finish(NULL, empty(CT__OP_empty, sizes, ndim, dtype, CT_F32));
}
ct_tensor *ct_zeros(const int64_t *sizes, int ndim, ct_dtype dtype) {
    return filled(CT__OP_zeros, empty(CT__OP_zeros, sizes, ndim, dtype, CT_F32), ct__number_i64(0));
}
ct_tensor *ct_ones(const int64_t *sizes, int ndim, ct_dtype dtype) {
    return filled(CT__OP_ones, empty(CT__OP_ones, sizes, ndim, dtype, CT_F32), ct__number_i64(1));
}
ct_tensor *ct_full(const int64_t *sizes, int ndim, double value, ct_dtype dtype) {
    return filled(CT__OP_full, empty(CT__OP_full, sizes, ndim, dtype, CT_F32), ct__number_f64(value));
}
ct_tensor *ct_full_int(const int64_t *sizes, int ndim, int64_t value, ct_dtype dtype) {
    return filled(CT__OP_full_int, empty(CT__OP_full_int, sizes, ndim, dtype, CT_I64), ct__number_i64(value));
}
ct_tensor *ct_scalar_tensor(double value, ct_dtype dtype) {
    return filled(CT__OP_scalar_tensor, empty(CT__OP_scalar_tensor, NULL, 0, dtype, CT_F32), ct__number_f64(value));
}
ct_tensor *ct_scalar_tensor_int(int64_t value, ct_dtype dtype) {
    return filled(CT__OP_scalar_tensor_int, empty(CT__OP_scalar_tensor_int, NULL, 0, dtype, CT_I64), ct__number_i64(value));
}

/* ---- like a tensor ---- */

static ct_tensor *like(int op, ct_tensor *a, ct_dtype dtype) {
    if (!ct__enter(op, &a, 1)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = (ct_dtype)a->dtype;
    if (!ct__dtype_valid(dtype)) {
        ct__fail(CT_ERR_DTYPE, "%s: tensors of %s cannot be made", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    return ct__new_like(ct__fn(op), a, dtype);
}

ct_tensor *ct_empty_like(ct_tensor *a, ct_dtype dtype) { return ct__finish(NULL, like(CT__OP_empty_like, a, dtype)); }
ct_tensor *ct_zeros_like(ct_tensor *a, ct_dtype dtype) {
    return filled(CT__OP_zeros_like, like(CT__OP_zeros_like, a, dtype), ct__number_i64(0));
}
ct_tensor *ct_ones_like(ct_tensor *a, ct_dtype dtype) {
    return filled(CT__OP_ones_like, like(CT__OP_ones_like, a, dtype), ct__number_i64(1));
}
ct_tensor *ct_full_like(ct_tensor *a, double value, ct_dtype dtype) {
    return filled(CT__OP_full_like, like(CT__OP_full_like, a, dtype), ct__number_f64(value));
}

/* ---- sequences ---- */

static ct_status check_range(int op, bool up, bool down, bool step_zero) {
    if (step_zero) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: step is 0", ct__fn(op));
    if (up || down)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: with a %s step end must not be %s start", ct__fn(op),
                        up ? "positive" : "negative", up ? "below" : "above");
    return CT_OK;
}

/* In integers throughout: of start, end and step whatever they are. */
static ct_tensor *arange_int(int op, int64_t start, int64_t end, int64_t step, ct_dtype dtype) {
    CT__TRY_NULL(check_range(op, step > 0 && end < start, step < 0 && end > start, step == 0));
    uint64_t distance = step > 0 ? (uint64_t)end - (uint64_t)start : (uint64_t)start - (uint64_t)end;
    uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    uint64_t count = distance / by + (distance % by != 0);
    if (count > INT64_MAX) {
        ct__fail(CT_ERR_SHAPE, "%s: %lld to %lld has too many elements", ct__fn(op), (long long)start, (long long)end);
        return NULL;
    }
    int64_t n = (int64_t)count;
    ct_tensor *out = empty(op, &n, 1, dtype, CT_I64);
    if (!out) return NULL;
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    for (int64_t i = 0; i < n; i++)
        ct__store_i64(ct__ptr(out) + (size_t)i * size, (ct_dtype)out->dtype,
                      (int64_t)((uint64_t)start + (uint64_t)i * (uint64_t)step));
    return ct__finish(NULL, out);
}

ct_tensor *ct_arange_int(int64_t start, int64_t end, int64_t step, ct_dtype dtype) {
    return ct__enter(CT__OP_arange_int, NULL, 0) ? arange_int(CT__OP_arange_int, start, end, step, dtype) : NULL;
}

/* start + i * step in f64, rounded to the dtype. For an integer dtype the bounds and the step are cut to integers first, as in PyTorch. */
ct_tensor *ct_arange(double start, double end, double step, ct_dtype dtype) {
    const int op = CT__OP_arange;
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (!isfinite(start) || !isfinite(end) || !isfinite(step)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_arange: %g to %g by %g is not finite", start, end, step);
        return NULL;
    }
    if (dtype != CT_DTYPE_NONE && !ct_dtype_is_floating_point(dtype)) {
        int64_t cut[3];
        ct__store_f64(&cut[0], CT_I64, start);
        ct__store_f64(&cut[1], CT_I64, end);
        ct__store_f64(&cut[2], CT_I64, step);
        return arange_int(op, cut[0], cut[1], cut[2], dtype);
    }
    CT__TRY_NULL(check_range(op, step > 0 && end < start, step < 0 && end > start, step == 0));
    double length = ceil((end - start) / step);
    if (length >= 0x1p62) {
        ct__fail(CT_ERR_SHAPE, "ct_arange: %g to %g by %g has too many elements", start, end, step);
        return NULL;
    }
    int64_t n = (int64_t)length;
    ct_tensor *out = empty(op, &n, 1, dtype, CT_F32);
    if (!out) return NULL;
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    for (int64_t i = 0; i < n; i++)
        ct__store_f64(ct__ptr(out) + (size_t)i * size, (ct_dtype)out->dtype, start + (double)i * step);
    return ct__finish(NULL, out);
}

static double rounded(double x, ct_dtype dtype) {
    ct__element e;
    ct__store_f64(&e, dtype, x);
    return ct__load_f64(&e, dtype);
}

/* From both ends towards the middle, in the dtype's arithmetic, as PyTorch does: the last element is end itself. */
static void linspace_f32(float *p, float start, float end, int64_t n) {
    float step = (end - start) / (float)(n - 1);
    for (int64_t i = 0; i < n; i++)
        p[i] = i < n / 2 ? fmaf(step, (float)i, start) : fmaf(-step, (float)(n - i - 1), end);
}
static void linspace_f64(double *p, double start, double end, int64_t n) {
    double step = (end - start) / (double)(n - 1);
    for (int64_t i = 0; i < n; i++)
        p[i] = i < n / 2 ? fma(step, (double)i, start) : fma(-step, (double)(n - i - 1), end);
}

/* The half types round every step of it, as PyTorch's scalars of them do. */
static void linspace_half(uint16_t *p, ct_dtype dtype, double start, double end, int64_t n) {
    const double first = rounded(start, dtype), last = rounded(end, dtype);
    const double step = rounded(rounded(last - first, dtype) / rounded((double)(n - 1), dtype), dtype);
    for (int64_t i = 0; i < n; i++) {
        double part = rounded(step * rounded((double)(i < n / 2 ? i : n - i - 1), dtype), dtype);
        ct__store_f64(p + i, dtype, i < n / 2 ? first + part : last - part);
    }
}

ct_tensor *ct_linspace(double start, double end, int64_t steps, ct_dtype dtype) {
    const int op = CT__OP_linspace;
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (steps < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_linspace: steps is %lld", (long long)steps);
        return NULL;
    }
    ct_tensor *out = empty(op, &steps, 1, dtype, CT_F32);
    if (!out) return NULL;
    char *p = ct__ptr(out);
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    if (steps == 1) {
        ct__store_f64(p, (ct_dtype)out->dtype, start);
    } else if (out->dtype == CT_F32) {
        linspace_f32((float *)(void *)p, (float)start, (float)end, steps);
    } else if (out->dtype == CT_F64) {
        linspace_f64((double *)(void *)p, start, end, steps);
    } else if (ct__is_half(out)) {
        linspace_half((uint16_t *)(void *)p, (ct_dtype)out->dtype, start, end, steps);
    } else { /* the ends are cut to integers, the step is not */
        double step = (trunc(end) - trunc(start)) / (double)(steps - 1);
        for (int64_t i = 0; i < steps; i++)
            ct__store_f64(p + (size_t)i * size, (ct_dtype)out->dtype,
                          i < steps / 2 ? fma(step, (double)i, trunc(start)) : fma(-step, (double)(steps - i - 1), trunc(end)));
    }
    return ct__finish(NULL, out);
}

ct_tensor *ct_eye(int64_t n, int64_t m, ct_dtype dtype) {
    const int op = CT__OP_eye;
    ct_tensor *out = empty(op, (int64_t[]){n, m}, 2, dtype, CT_F32);
    if (!out) return NULL;
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    if (out->numel) memset(ct__ptr(out), 0, (size_t)out->numel * size);
    for (int64_t i = 0; i < n && i < m; i++)
        ct__store_i64(ct__ptr(out) + (size_t)(i * m + i) * size, (ct_dtype)out->dtype, 1);
    return ct__finish(NULL, out);
}
