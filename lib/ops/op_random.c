/*
 * op_random.c: random tensors: PyTorch's streams.
 *
 * Elements are drawn one after the other in memory order (the order in which PyTorch's serial kernels walk a tensor), under one lock of
 * the generator. A tensor that is not dense is drawn into dense memory of the same order of dims and copied; so are the half types, whose numbers
 * are those of f32, rounded.
 */
#include "core/generator.h"
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>

#include <math.h>
#include <string.h>

/* ---- drawing ---- */

typedef struct draw {
    ct_generator *g; /* locked */
    ct_dtype dtype, rounded; /* of what is drawn, of what it becomes */
    double a, b; /* parameters of the distribution */
    int64_t from;
    uint64_t range;
} draw;

typedef void (*draw_fn)(const draw *d, int64_t n, void *out);

/* FMA as in PyTorch's build: without it half of the numbers would differ in the last bit. */
static void draw_uniform(const draw *d, int64_t n, void *out) {
    float *f = out;
    double *e = out;
    const float from = (float)d->a, width = (float)d->b - (float)d->a;
    for (int64_t i = 0; i < n; i++) {
        if (d->dtype == CT_F32)
            f[i] = fmaf(ct__draw_f32(d->g), width, from);
        else
            e[i] = fma(ct__draw_f64(d->g), d->b - d->a, d->a);
    }
}

/* What a half type rounds up to the end of the range becomes its beginning, as in PyTorch. */
static void draw_uniform_halfs(const draw *d, int64_t n, void *out) {
    float *f = out, end;
    ct__element e;
    ct__store_f64(&e, d->rounded, d->b);
    end = (float)ct__load_f64(&e, d->rounded);
    draw_uniform(d, n, out);
    for (int64_t i = 0; i < n; i++) {
        ct__store_f64(&e, d->rounded, (double)f[i]);
        if ((float)ct__load_f64(&e, d->rounded) == end) f[i] = (float)d->a;
    }
}

/* Eight pairs of uniform numbers, Box-Muller: the first of each pair lies 8 before the second. */
static void box_muller_f32(float *x, float mean, float std) {
    for (int j = 0; j < 8; j++) {
        float r = sqrtf(-2.0f * logf(1.0f - x[j])), theta = 2.0f * 3.14159265358979323846f * x[j + 8];
        x[j] = fmaf(r * cosf(theta), std, mean);
        x[j + 8] = fmaf(r * sinf(theta), std, mean);
    }
}
static void box_muller_f64(double *x, double mean, double std) {
    for (int j = 0; j < 8; j++) {
        double r = sqrt(-2.0 * log(1.0 - x[j])), theta = 2.0 * 3.14159265358979323846 * x[j + 8];
        x[j] = r * cos(theta) * std + mean;
        x[j + 8] = r * sin(theta) * std + mean;
    }
}

/* From 16 elements on: uniform numbers for all, turned block by block; the last 16 are drawn anew unless blocks fill them. */
static void draw_normal_blocks(const draw *d, int64_t n, void *out) {
    float *f = out;
    double *e = out;
    const bool f32 = d->dtype == CT_F32;
    for (int64_t i = 0; i < n; i++) {
        if (f32) f[i] = ct__draw_f32(d->g);
        else e[i] = ct__draw_f64(d->g);
    }
    for (int64_t i = 0; i + 16 <= n; i += 16) {
        if (f32) box_muller_f32(f + i, (float)d->a, (float)d->b);
        else box_muller_f64(e + i, d->a, d->b);
    }
    if (n % 16 == 0) return;
    for (int64_t i = n - 16; i < n; i++) {
        if (f32) f[i] = ct__draw_f32(d->g);
        else e[i] = ct__draw_f64(d->g);
    }
    if (f32) box_muller_f32(f + n - 16, (float)d->a, (float)d->b);
    else box_muller_f64(e + n - 16, d->a, d->b);
}
/* The half types: block by block, and the last 16 anew. */
static void draw_normal_halfs(const draw *d, int64_t n, void *out) {
    float *f = out;
    for (int64_t i = 0; i < n; i += 16) {
        float *block = f + ct__min_i64(i, n - 16);
        for (int j = 0; j < 16; j++) block[j] = ct__draw_f32(d->g);
        box_muller_f32(block, (float)d->a, (float)d->b);
    }
}
static void draw_normal(const draw *d, int64_t n, void *out) {
    for (int64_t i = 0; i < n; i++) {
        double x = ct__draw_normal(d->g) * d->b + d->a;
        if (d->dtype == CT_F32) ((float *)out)[i] = (float)x;
        else ((double *)out)[i] = x;
    }
}

static void draw_integers(const draw *d, int64_t n, void *out) {
    const size_t size = ct_dtype_size(d->dtype);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = d->range >= 1u << 28 ? ct__draw64(d->g) : ct__draw32(d->g);
        ct__store_i64((char *)out + (size_t)i * size, d->dtype, (int64_t)((uint64_t)d->from + r % d->range));
    }
}

static void draw_bernoulli(const draw *d, int64_t n, void *out) {
    const size_t size = ct_dtype_size(d->dtype);
    for (int64_t i = 0; i < n; i++) ct__store_i64((char *)out + (size_t)i * size, d->dtype, ct__draw_f64(d->g) < d->a);
}

/* Fills t. dense_fn takes row-major tensors; others, and those where it is NULL, fn. */
static ct_status fill(int op, ct_tensor *t, draw d, draw_fn fn, ct_generator *generator) {
    if (t->numel == 0) return CT_OK;
    d.rounded = (ct_dtype)t->dtype;
    d.dtype = ct__sum_dtype(d.rounded);
    if (d.dtype != d.rounded && fn == draw_uniform) fn = draw_uniform_halfs;
    ct_tensor *dense = NULL;
    int64_t strides[CT_MAX_NDIM];
    ct__preserved_strides(t, strides);
    if (d.dtype != (ct_dtype)t->dtype || (!t->contiguous && memcmp(strides, t->strides, sizeof strides[0] * t->ndim) != 0)) {
        dense = ct__new_strided(ct__fn(op), t->sizes, strides, t->ndim, d.dtype);
        if (!dense) return ct__pending();
    }
    d.g = ct__generator_lock(generator);
    fn(&d, t->numel, ct__ptr(dense ? dense : t));
    ct__generator_unlock(d.g);
    if (!dense) return CT_OK;
    ct_status status = ct__copy_into(ct__fn(op), t, dense);
    ct__unref(dense);
    return status;
}

static draw_fn normal_fn(const ct_tensor *t) {
    if (t->numel < 16 || !t->contiguous) return draw_normal;
    return ct__is_half(t) ? draw_normal_halfs : draw_normal_blocks;
}

/* ---- new tensors ---- */

static ct_tensor *fresh(int op, const int64_t *sizes, int ndim, ct_dtype dtype, bool floating) {
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (!ct__dtype_valid(dtype) || (floating && !ct_dtype_is_floating_point(dtype))) {
        ct__fail(CT_ERR_DTYPE, "%s: not for %s", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    return ct__new(ct__fn(op), sizes, ndim, dtype);
}

static ct_tensor *filled(int op, ct_tensor *t, draw d, draw_fn fn, ct_generator *generator) {
    if (t && fill(op, t, d, fn, generator) != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return ct__finish(NULL, t);
}

ct_tensor *ct_rand(const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    ct_tensor *t = fresh(CT__OP_rand, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_F32 : dtype, true);
    return filled(CT__OP_rand, t, (draw){.a = 0, .b = 1}, draw_uniform, generator);
}

ct_tensor *ct_randn(const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    ct_tensor *t = fresh(CT__OP_randn, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_F32 : dtype, true);
    return t ? filled(CT__OP_randn, t, (draw){.a = 0, .b = 1}, normal_fn(t), generator) : NULL;
}

/* Of the magnitude, rounded down; 0 for 0. */
static int log2_of(int64_t x) {
    uint64_t magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    int n = 0;
    while (magnitude >>= 1) n++;
    return n;
}

static ct_status check_integers(int op, int64_t from, int64_t to, ct_dtype dtype) {
    if (from >= to)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: [%lld, %lld) is empty", ct__fn(op), (long long)from, (long long)to);
    static const struct range { int64_t low, high; } ranges[] = {
        [CT_F32] = {INT64_MIN, INT64_MAX}, [CT_F64] = {INT64_MIN, INT64_MAX}, [CT_F16] = {-65504, 65504},     [CT_BF16] = {INT64_MIN, INT64_MAX},
        [CT_I8] = {INT8_MIN, INT8_MAX},    [CT_U8] = {0, UINT8_MAX},          [CT_I16] = {INT16_MIN, INT16_MAX}, [CT_I32] = {INT32_MIN, INT32_MAX},
        [CT_I64] = {INT64_MIN, INT64_MAX}, [CT_BOOL] = {0, 1}};
    if (from < ranges[dtype].low || to - 1 > ranges[dtype].high)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: [%lld, %lld) does not fit into %s", ct__fn(op), (long long)from, (long long)to, ct_dtype_name(dtype));
    return CT_OK;
}

/* A range of whole numbers for a floating point dtype loses what would be rounded out of it at its ends, as PyTorch does. */
static draw integer_draw(int64_t from, int64_t to, ct_dtype dtype) {
    const int digits = dtype == CT_F32 ? 24 : dtype == CT_F64 ? 53 : dtype == CT_F16 ? 11 : dtype == CT_BF16 ? 8 : 64;
    if (digits < 64) {
        ct__element e;
        ct__store_i64(&e, dtype, from + 1);
        int64_t first = ct__load_i64(&e, dtype);
        ct__store_i64(&e, dtype, to - 1);
        int64_t last = ct__load_i64(&e, dtype);
        if (first < from) from = first + ((int64_t)1 << (log2_of(from + 1) - digits + 1));
        if (last >= to) to = last - ((int64_t)1 << (log2_of(to - 1) - digits + 1));
    }
    return (draw){.from = from, .range = (uint64_t)to - (uint64_t)from};
}

ct_tensor *ct_randint(int64_t low, int64_t high, const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    const int op = CT__OP_randint;
    ct_tensor *t = fresh(op, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_I64 : dtype, false);
    if (t && check_integers(op, low, high, (ct_dtype)t->dtype) != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return t ? filled(op, t, integer_draw(low, high, (ct_dtype)t->dtype), draw_integers, generator) : NULL;
}

ct_tensor *ct_randperm(int64_t n, ct_dtype dtype, ct_generator *generator) {
    const int op = CT__OP_randperm;
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (n < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_randperm: n is %lld", (long long)n);
        return NULL;
    }
    if (dtype == CT_DTYPE_NONE) dtype = CT_I64;
    if (n && ct__dtype_valid(dtype)) CT__TRY_NULL(check_integers(op, 0, n, dtype));
    if (dtype == CT_F16 && n > 2049) { /* whole numbers that it tells apart */
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_randperm: n is %lld; float16 takes at most 2049", (long long)n);
        return NULL;
    }
    ct_tensor *order = fresh(op, &n, 1, CT_I64, false);
    if (!order) return NULL;
    int64_t *p = (int64_t *)(void *)ct__ptr(order);
    for (int64_t i = 0; i < n; i++) p[i] = i;
    ct_generator *g = ct__generator_lock(generator);
    for (int64_t i = 0; i < n - 1; i++) {
        int64_t j = i + (int64_t)(ct__draw32(g) % (uint64_t)(n - i)), v = p[i];
        p[i] = p[j];
        p[j] = v;
    }
    ct__generator_unlock(g);
    if (dtype == CT_I64) return ct__finish(NULL, order);
    ct_tensor *out = fresh(op, &n, 1, dtype, false);
    if (out) ct__copy_into(ct__fn(op), out, order);
    ct__unref(order);
    return ct__finish(NULL, out);
}

/* Draws of p's own precision (f32 for the half types), in row-major order, for a row-major result. */
static ct_status draw_by_probability(const ct_tensor *t, ct_generator *generator) {
    float *f = (float *)(void *)ct__ptr(t);
    double *d = (double *)(void *)ct__ptr(t);
    const bool f32 = t->dtype == CT_F32;
    for (int64_t i = 0; i < t->numel; i++) {
        double v = f32 ? (double)f[i] : d[i];
        if (v >= 0 && v <= 1) continue;
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_bernoulli: the probability %g is not in [0, 1]", v);
    }
    ct_generator *g = ct__generator_lock(generator);
    for (int64_t i = 0; i < t->numel; i++) {
        if (f32) f[i] = ct__draw_f32(g) < f[i];
        else d[i] = ct__draw_f64(g) < d[i];
    }
    ct__generator_unlock(g);
    return CT_OK;
}

ct_tensor *ct_bernoulli(ct_tensor *p, ct_generator *generator) {
    const int op = CT__OP_bernoulli;
    if (!ct__enter(op, &p, 1)) return NULL;
    CT__TRY_NULL(ct__check_float(op, p));
    ct_tensor *t = ct__new(ct__fn(op), p->sizes, p->ndim, ct__sum_dtype((ct_dtype)p->dtype));
    if (!t) return NULL;
    if (ct__copy_into(ct__fn(op), t, p) != CT_OK || draw_by_probability(t, generator) != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return ct__finish(NULL, ct__into_dtype(ct__fn(op), t, (ct_dtype)p->dtype));
}

/* ---- in place ---- */

/* Nothing of what was there flows on: the gradient is zero. */
static void random_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_zeros_like(g[0], CT_DTYPE_NONE);
}
static const ct__node_class uniform_class = {.op = CT__OP_uniform_, .backward = random_backward};
static const ct__node_class normal_class = {.op = CT__OP_normal_, .backward = random_backward};
static const ct__node_class random_class = {.op = CT__OP_random_, .backward = random_backward};
static const ct__node_class bernoulli_class = {.op = CT__OP_bernoulli_, .backward = random_backward};

static ct_status overwrite(const ct__node_class *cls, ct_tensor *a, draw d, draw_fn fn, ct_generator *generator) {
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    ct_status status = ct__pending();
    if (status == CT_OK) status = fill(cls->op, a, d, fn, generator);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}

ct_status ct_uniform_(ct_tensor *a, double from, double to, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_uniform_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_uniform_, a));
    if (!(from <= to) || !isfinite(to - from))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_uniform_: [%g, %g) is no range", from, to);
    return overwrite(&uniform_class, a, (draw){.a = from, .b = to}, draw_uniform, generator);
}

ct_status ct_normal_(ct_tensor *a, double mean, double std, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_normal_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_normal_, a));
    if (!(std >= 0)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_normal_: std is %g, it must not be negative", std);
    return overwrite(&normal_class, a, (draw){.a = mean, .b = std}, normal_fn(a), generator);
}

ct_status ct_random_(ct_tensor *a, int64_t from, int64_t to, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_random_, a, NULL, 0)) return ct__pending();
    CT__TRY(check_integers(CT__OP_random_, from, to, (ct_dtype)a->dtype));
    return overwrite(&random_class, a, integer_draw(from, to, (ct_dtype)a->dtype), draw_integers, generator);
}

ct_status ct_bernoulli_(ct_tensor *a, double p, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_bernoulli_, a, NULL, 0)) return ct__pending();
    if (!(p >= 0 && p <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_bernoulli_: the probability %g is not in [0, 1]", p);
    return overwrite(&bernoulli_class, a, (draw){.a = p}, draw_bernoulli, generator);
}
