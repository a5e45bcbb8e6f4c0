/*
 * op_sequence.c: arange, linspace, logspace, and the indices of triangles.
 */
#include "ops/create.h"
#include <ctorch/ops_create.h>

#include <math.h>

/* A sequence of bools is none. */
static ct_status check_number(int op, ct_dtype dtype) { return ct__check_not_bool(op, dtype); }

/* ---- arange ---- */

static ct_status check_range(int op, bool up, bool down, bool step_zero) {
    if (step_zero) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: step is 0", ct__fn(op));
    if (up || down)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: with a %s step end must not be %s start", ct__fn(op),
                        up ? "positive" : "negative", up ? "below" : "above");
    return CT_OK;
}

/* start + i * step for n elements, in integers. */
static ct_tensor *count_up(int op, int64_t start, int64_t step, int64_t n, ct_dtype dtype) {
    ct_tensor *out = ct__create(op, &n, 1, dtype, CT_I64);
    if (!out) return NULL;
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    for (int64_t i = 0; i < n; i++)
        ct__store_i64(ct__ptr(out) + (size_t)i * size, (ct_dtype)out->dtype, (int64_t)((uint64_t)start + (uint64_t)i * (uint64_t)step));
    return ct__finish(NULL, out);
}

/* In integers throughout: of start, end and step whatever they are. */
static ct_tensor *arange_int(int op, int64_t start, int64_t end, int64_t step, ct_dtype dtype) {
    CT__TRY_NULL(check_number(op, dtype));
    CT__TRY_NULL(check_range(op, step > 0 && end < start, step < 0 && end > start, step == 0));
    uint64_t distance = step > 0 ? (uint64_t)end - (uint64_t)start : (uint64_t)start - (uint64_t)end;
    uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    uint64_t count = distance / by + (distance % by != 0);
    if (count > INT64_MAX) {
        ct__fail(CT_ERR_SHAPE, "%s: %lld to %lld has too many elements", ct__fn(op), (long long)start, (long long)end);
        return NULL;
    }
    return count_up(op, start, step, (int64_t)count, dtype);
}

ct_tensor *ct_arange_int(int64_t start, int64_t end, int64_t step, ct_dtype dtype) {
    return ct__enter(CT__OP_arange_int, NULL, 0) ? arange_int(CT__OP_arange_int, start, end, step, dtype) : NULL;
}

/* start + i * step in f64, rounded to the dtype. For an integer dtype the bounds and the step are cut to integers first, as in PyTorch; which
 * counts the elements by what was given, but for int64. */
ct_tensor *ct_arange(double start, double end, double step, ct_dtype dtype) {
    const int op = CT__OP_arange;
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (!isfinite(start) || !isfinite(end) || !isfinite(step)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_arange: %g to %g by %g is not finite", start, end, step);
        return NULL;
    }
    const bool whole = dtype != CT_DTYPE_NONE && !ct_dtype_is_floating_point(dtype);
    int64_t cut[3] = {0, 0, 1};
    if (whole) {
        ct__store_f64(&cut[0], CT_I64, start);
        ct__store_f64(&cut[1], CT_I64, end);
        ct__store_f64(&cut[2], CT_I64, step);
        if (dtype == CT_I64) return arange_int(op, cut[0], cut[1], cut[2], dtype);
        CT__TRY_NULL(check_number(op, dtype));
    }
    CT__TRY_NULL(check_range(op, step > 0 && end < start, step < 0 && end > start, step == 0 || cut[2] == 0));
    double length = ceil((end - start) / step);
    if (length >= 0x1p62) {
        ct__fail(CT_ERR_SHAPE, "ct_arange: %g to %g by %g has too many elements", start, end, step);
        return NULL;
    }
    int64_t n = (int64_t)length;
    if (whole) return count_up(op, cut[0], cut[2], n, dtype);
    ct_tensor *out = ct__create(op, &n, 1, dtype, CT_F32);
    if (!out) return NULL;
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    for (int64_t i = 0; i < n; i++)
        ct__store_f64(ct__ptr(out) + (size_t)i * size, (ct_dtype)out->dtype, start + (double)i * step);
    return ct__finish(NULL, out);
}

/* ---- linspace: from both ends towards the middle, in the dtype's arithmetic, as PyTorch does: the last element is end itself ---- */

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

/* x as the dtype holds it: cut to an integer, rounded to a half type. */
static double held(double x, ct_dtype dtype) {
    ct__element e = ct__element_of(ct__number_f64(x), dtype);
    return ct__load_f64(&e, dtype);
}
/* The half types round every step of it, as PyTorch's scalars of them do. */
static void linspace_half(char *p, double start, double end, int64_t n, ct_dtype dtype) {
    const double step = held(held(end - start, dtype) / held((double)(n - 1), dtype), dtype);
    for (int64_t i = 0; i < n; i++) {
        double part = held(step * held((double)(i < n / 2 ? i : n - i - 1), dtype), dtype);
        ct__store_f64(p + (size_t)i * ct_dtype_size(dtype), dtype, i < n / 2 ? start + part : end - part);
    }
}
/* Of integers the ends are cut, the step is not. */
static void linspace_int(char *p, double start, double end, int64_t n, ct_dtype dtype) {
    const size_t size = ct_dtype_size(dtype);
    const double step = (end - start) / (double)(n - 1);
    for (int64_t i = 0; i < n; i++)
        ct__store_f64(p + (size_t)i * size, dtype, i < n / 2 ? fma(step, (double)i, start) : fma(-step, (double)(n - i - 1), end));
}

/* What linspace and logspace ask of their arguments. start and end become what the dtype holds. */
static ct_tensor *spaced(int op, double *start, double *end, int64_t steps, ct_dtype dtype) {
    ct__element unused;
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = CT_F32;
    if (steps < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: steps is %lld", ct__fn(op), (long long)steps);
        return NULL;
    }
    CT__TRY_NULL(check_number(op, dtype));
    ct_tensor *out = ct__create(op, &steps, 1, dtype, CT_F32);
    if (out && (ct__element_checked(ct__fn(op), ct__number_f64(*start), dtype, &unused) != CT_OK ||
                ct__element_checked(ct__fn(op), ct__number_f64(*end), dtype, &unused) != CT_OK)) {
        ct__unref(out);
        return NULL;
    }
    *start = held(*start, dtype);
    *end = held(*end, dtype);
    return out;
}

ct_tensor *ct_linspace(double start, double end, int64_t steps, ct_dtype dtype) {
    ct_tensor *out = spaced(CT__OP_linspace, &start, &end, steps, dtype);
    if (!out || steps == 0) return ct__finish(NULL, out);
    char *p = ct__ptr(out);
    const ct_dtype d = (ct_dtype)out->dtype;
    if (steps == 1) ct__store_f64(p, d, start);
    else if (d == CT_F32) linspace_f32((float *)(void *)p, (float)start, (float)end, steps);
    else if (d == CT_F64) linspace_f64((double *)(void *)p, start, end, steps);
    else if (ct__is_half(out)) linspace_half(p, start, end, steps, d);
    else linspace_int(p, start, end, steps, d);
    return ct__finish(NULL, out);
}

/* ---- logspace: base to the power of linspace, in f64 whatever the dtype ---- */

ct_tensor *ct_logspace(double start, double end, int64_t steps, double base, ct_dtype dtype) {
    ct_tensor *out = spaced(CT__OP_logspace, &start, &end, steps, dtype);
    if (!out) return NULL;
    char *p = ct__ptr(out);
    const ct_dtype d = (ct_dtype)out->dtype;
    const size_t size = ct_dtype_size(d);
    const double step = steps > 1 ? (end - start) / (double)(steps - 1) : 0;
    for (int64_t i = 0; i < steps; i++) {
        const double exponent = steps == 1 || i < steps / 2 ? start + step * (double)i : end - step * (double)(steps - i - 1);
        ct__store_f64(p + (size_t)i * size, d, pow(base, exponent));
    }
    return ct__finish(NULL, out);
}

/* ---- tril_indices, triu_indices: [2, n], the rows above the columns, row by row ---- */

static int64_t clamped(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

/* The columns of row r: [0, edge) of the lower triangle, [edge, cols) of the upper one. */
static int64_t edge(int64_t r, int64_t cols, int64_t offset, bool upper) {
    return offset > INT64_MAX - r - 1 ? cols : clamped(r + offset + !upper, 0, cols);
}

static ct_tensor *triangle(int op, int64_t rows, int64_t cols, int64_t offset, ct_dtype dtype, bool upper) {
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = CT_I64;
    int64_t elements, n = 0;
    if (rows < 0 || cols < 0 || !ct__mul_i64(rows, cols, &elements)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld rows and %lld columns", ct__fn(op), (long long)rows, (long long)cols);
        return NULL;
    }
    if (dtype != CT_I64 && dtype != CT_I32) {
        ct__fail(CT_ERR_DTYPE, "%s: indices are int64 or int32, not %s", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    for (int64_t r = 0; r < rows && cols; r++) n += upper ? cols - edge(r, cols, offset, true) : edge(r, cols, offset, false);
    ct_tensor *out = ct__create(op, (int64_t[]){2, n}, 2, dtype, CT_I64);
    if (!out) return NULL;
    char *p = ct__ptr(out);
    const size_t size = ct_dtype_size(dtype);
    int64_t i = 0;
    for (int64_t r = 0; r < rows && cols; r++) {
        const int64_t e = edge(r, cols, offset, upper), last = upper ? cols : e;
        for (int64_t c = upper ? e : 0; c < last; c++, i++) {
            ct__store_i64(p + (size_t)i * size, dtype, r);
            ct__store_i64(p + (size_t)(n + i) * size, dtype, c);
        }
    }
    return ct__finish(NULL, out);
}
ct_tensor *ct_tril_indices(int64_t row, int64_t col, int64_t offset, ct_dtype dtype) { return triangle(CT__OP_tril_indices, row, col, offset, dtype, false); }
ct_tensor *ct_triu_indices(int64_t row, int64_t col, int64_t offset, ct_dtype dtype) { return triangle(CT__OP_triu_indices, row, col, offset, dtype, true); }
