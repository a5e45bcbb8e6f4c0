/*
 * draw.c: see draw.h.
 */
#include "ops/draw.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- Distributions ---- */

/* FMA as in PyTorch's build: without it half of the numbers would differ in the last bit. */
static void draw_uniform(const ct__draw *d, int64_t n, void *out) {
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
static float held(double x, ct_dtype dtype) {
    ct__element e = ct__element_of(ct__number_f64(x), dtype);
    return (float)ct__load_f64(&e, dtype);
}
static void draw_uniform_halfs(const ct__draw *d, int64_t n, void *out) {
    float *f = out;
    const float end = held(d->b, d->rounded);
    draw_uniform(d, n, out);
    for (int64_t i = 0; i < n; i++)
        if (held((double)f[i], d->rounded) == end) f[i] = (float)d->a;
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
static void draw_normal_blocks(const ct__draw *d, int64_t n, void *out) {
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
static void draw_normal_halfs(const ct__draw *d, int64_t n, void *out) {
    float *f = out;
    for (int64_t i = 0; i < n; i += 16) {
        float *block = f + ct__min_i64(i, n - 16);
        for (int j = 0; j < 16; j++) block[j] = ct__draw_f32(d->g);
        box_muller_f32(block, (float)d->a, (float)d->b);
    }
}
static void draw_single_normals(const ct__draw *d, int64_t n, void *out) {
    for (int64_t i = 0; i < n; i++) {
        double x = ct__draw_normal(d->g) * d->b + d->a;
        if (d->dtype == CT_F32) ((float *)out)[i] = (float)x;
        else ((double *)out)[i] = x;
    }
}

static void draw_integers(const ct__draw *d, int64_t n, void *out) {
    const size_t size = ct_dtype_size(d->dtype);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = d->range >= 1u << 28 ? ct__draw64(d->g) : ct__draw32(d->g);
        ct__store_i64((char *)out + (size_t)i * size, d->dtype, (int64_t)((uint64_t)d->from + r % d->range));
    }
}

/* The others are functions of one draw in f64 each, whatever the dtype. */
#define DRAWN(name, expression)                                                                                                  \
    static void name(const ct__draw *d, int64_t n, void *out) {                                                                  \
        const size_t size = ct_dtype_size(d->dtype);                                                                             \
        for (int64_t i = 0; i < n; i++) ct__store_f64((char *)out + (size_t)i * size, d->dtype, expression);                     \
    }
DRAWN(draw_bernoulli, ct__draw_f64(d->g) < d->a)
DRAWN(draw_exponential, -log1p(-ct__draw_f64(d->g)) / d->a)
DRAWN(draw_log_normal, exp(ct__draw_normal(d->g) * d->b + d->a))
DRAWN(draw_cauchy, d->a + d->b * tan(PI * (ct__draw_f64(d->g) - 0.5)))
DRAWN(draw_geometric, ceil(log(ct__draw_f64(d->g)) / log1p(-d->a)))

ct__draw ct__draw_uniform(double from, double to) { return (ct__draw){.fn = draw_uniform, .a = from, .b = to}; }
ct__draw ct__draw_normals(const ct_tensor *t, double mean, double std) {
    ct__draw_fn fn = t->numel < 16 || !t->contiguous ? draw_single_normals : ct__is_half(t) ? draw_normal_halfs : draw_normal_blocks;
    return (ct__draw){.fn = fn, .a = mean, .b = std};
}
/* Of the magnitude, rounded down; 0 for 0. */
static int log2_of(int64_t x) {
    uint64_t magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    int n = 0;
    while (magnitude >>= 1) n++;
    return n;
}
static int64_t whole(int64_t x, ct_dtype dtype) {
    ct__element e;
    ct__store_i64(&e, dtype, x);
    return ct__load_i64(&e, dtype);
}
/* A range for a floating point dtype loses what would be rounded out of it at its ends, as PyTorch does. */
ct__draw ct__draw_integers(int64_t from, int64_t to, ct_dtype dtype) {
    const int digits = dtype == CT_F32 ? 24 : dtype == CT_F64 ? 53 : dtype == CT_F16 ? 11 : dtype == CT_BF16 ? 8 : 64;
    if (digits < 64) {
        const int64_t first = whole(from + 1, dtype), last = whole(to - 1, dtype);
        if (first < from) from = first + ((int64_t)1 << (log2_of(from + 1) - digits + 1));
        if (last >= to) to = last - ((int64_t)1 << (log2_of(to - 1) - digits + 1));
    }
    return (ct__draw){.fn = draw_integers, .from = from, .range = (uint64_t)to - (uint64_t)from};
}
ct__draw ct__draw_bernoulli(double p) { return (ct__draw){.fn = draw_bernoulli, .a = p}; }
ct__draw ct__draw_exponential(double lambd) { return (ct__draw){.fn = draw_exponential, .a = lambd}; }
ct__draw ct__draw_log_normal(double mean, double std) { return (ct__draw){.fn = draw_log_normal, .a = mean, .b = std}; }
ct__draw ct__draw_cauchy(double median, double sigma) { return (ct__draw){.fn = draw_cauchy, .a = median, .b = sigma}; }
ct__draw ct__draw_geometric(double p) { return (ct__draw){.fn = draw_geometric, .a = p}; }

/* ---- Filling ---- */

/* Where the elements of t are drawn: t itself, or dense memory in the order of its strides. A reference of the caller's. */
static ct_tensor *room_for(int op, ct_tensor *t) {
    const bool half = ct__is_half(t);
    int64_t strides[CT_MAX_NDIM];
    ct__preserved_strides(t, strides);
    if (!half && (t->contiguous || memcmp(strides, t->strides, sizeof strides[0] * t->ndim) == 0)) {
        ct__ref(t);
        return t;
    }
    return ct__new_strided(ct__fn(op), t->sizes, strides, t->ndim, half ? CT_F32 : (ct_dtype)t->dtype);
}

ct_status ct__draw_fill(int op, ct_tensor *t, ct__draw d, ct_generator *generator) {
    if (t->numel == 0) return CT_OK;
    ct_tensor *room = room_for(op, t);
    if (!room) return ct__pending();
    d.dtype = (ct_dtype)room->dtype;
    d.rounded = (ct_dtype)t->dtype;
    if (ct__is_half(t) && d.fn == draw_uniform) d.fn = draw_uniform_halfs;
    d.g = ct__generator_lock(generator);
    d.fn(&d, t->numel, ct__ptr(room));
    ct__generator_unlock(d.g);
    ct_status status = room == t ? CT_OK : ct__copy_into(ct__fn(op), t, room);
    ct__unref(room);
    return status;
}

/* The probabilities lie where the results will: in t's memory order. f32 ones (and half ones) are compared with f32 draws. */
ct_status ct__draw_fill_bernoulli(int op, ct_tensor *t, const ct_tensor *p, ct_generator *generator) {
    const bool f64 = p->dtype == CT_F64;
    int64_t strides[CT_MAX_NDIM];
    ct__preserved_strides(t, strides);
    ct_tensor *room = ct__new_strided(ct__fn(op), t->sizes, strides, t->ndim, f64 ? CT_F64 : CT_F32);
    ct_status status = room ? ct__copy_into(ct__fn(op), room, p) : ct__pending();
    float *f = room ? (float *)(void *)ct__ptr(room) : NULL;
    double *d = (double *)(void *)f;
    for (int64_t i = 0; i < t->numel && status == CT_OK; i++) {
        double v = f64 ? d[i] : (double)f[i];
        if (!(v >= 0 && v <= 1)) status = ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the probability %g is not in [0, 1]", ct__fn(op), v);
    }
    if (status == CT_OK) {
        ct_generator *g = ct__generator_lock(generator);
        for (int64_t i = 0; i < t->numel; i++) {
            if (f64) d[i] = ct__draw_f64(g) < d[i];
            else f[i] = ct__draw_f32(g) < f[i];
        }
        ct__generator_unlock(g);
        status = ct__copy_into(ct__fn(op), t, room);
    }
    ct__unref(room);
    return status;
}
