/*
 * resample.c: see resample.h. The formulas are those of ATen's upsampling: which element, how far from it, how much.
 */
#include "ops/resample.h"

#include <math.h>
#include <string.h>

/* ---- tables ---- */

static ct__taps *taps_new(const char *function, int64_t in, int64_t out, int64_t most) {
    int64_t count;
    if (!ct__mul_i64(out, most, &count) || count > INT64_MAX / 32 || out > INT64_MAX / 32) {
        ct__fail(CT_ERR_SHAPE, "%s: %lld elements of %lld taps overflow", function, (long long)out, (long long)most);
        return NULL;
    }
    ct__taps *t = ct__alloc_array(1, sizeof *t + (size_t)(out + 1 + count) * sizeof(int64_t) + (size_t)count * sizeof(double));
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    t->in = in;
    t->out = out;
    t->weight = (double *)(void *)(t + 1);
    t->start = (int64_t *)(void *)(t->weight + count);
    t->index = t->start + out + 1;
    t->start[0] = 0;
    return t;
}

void ct__taps_unref(ct__taps *t) {
    if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) ct__free(t);
}

typedef struct axis {
    int64_t in, out;
    bool align_corners, single;
    double scale; /* input elements per output element */
} axis;

static double rounded(const axis *a, double v) { return a->single ? (double)(float)v : v; }

static double scale_of(const axis *a, double given) {
    if (a->align_corners) return a->out > 1 ? rounded(a, (double)(a->in - 1) / (double)(a->out - 1)) : 0;
    return rounded(a, given > 0 ? 1 / given : (double)a->in / (double)a->out);
}

/* The position of output i among the inputs. */
static double position(const axis *a, int64_t i, bool cubic) {
    if (a->align_corners) return rounded(a, a->scale * (double)i);
    double at = rounded(a, a->scale * ((double)i + 0.5) - 0.5);
    return !cubic && at < 0 ? 0 : at;
}

static int64_t clamp_index(const axis *a, double at) { return at <= 0 ? 0 : at >= (double)(a->in - 1) ? a->in - 1 : (int64_t)at; }

static void add(ct__taps *t, int64_t *n, int64_t index, double weight) {
    t->index[*n] = index;
    t->weight[(*n)++] = weight;
}

static void nearest(const axis *a, ct__taps *t, bool exact) {
    for (int64_t i = 0, n = 0; i < a->out; t->start[++i] = n) {
        double at = exact ? rounded(a, position(a, i, false) + 0.5) : rounded(a, a->scale * (double)i);
        add(t, &n, clamp_index(a, floor(at)), 1);
    }
}

static void linear(const axis *a, ct__taps *t) {
    for (int64_t i = 0, n = 0; i < a->out; t->start[++i] = n) {
        double at = position(a, i, false);
        int64_t first = clamp_index(a, floor(at)), second = ct__min_i64(first + 1, a->in - 1);
        double w = fmin(fmax(rounded(a, at - (double)first), 0), 1);
        add(t, &n, first, rounded(a, 1 - w));
        add(t, &n, second, w);
    }
}

static double near_weight(double x, double A) { return ((A + 2) * x - (A + 3)) * x * x + 1; }          /* |x| <= 1 */
static double far_weight(double x, double A) { return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A; } /* 1 < |x| < 2 */

static void cubic(const axis *a, ct__taps *t) {
    for (int64_t i = 0, n = 0; i < a->out; t->start[++i] = n) {
        double at = position(a, i, true), whole = fmin(floor(at), (double)(a->in - 1));
        double w = fmin(fmax(rounded(a, at - whole), 0), 1);
        const double weights[] = {far_weight(w + 1, -0.75), near_weight(w, -0.75), near_weight(1 - w, -0.75), far_weight(2 - w, -0.75)};
        for (int k = 0; k < 4; k++) add(t, &n, clamp_index(a, whole - 1 + k), weights[k]);
    }
}

static double aa_filter(double x, bool is_cubic) {
    x = fabs(x);
    if (!is_cubic) return x < 1 ? 1 - x : 0;
    return x < 1 ? near_weight(x, -0.5) : x < 2 ? far_weight(x, -0.5) : 0;
}

static void antialiased(const axis *a, ct__taps *t, bool is_cubic) {
    double half = is_cubic ? 2 : 1, support = a->scale >= 1 ? half * a->scale : half, inverse = a->scale >= 1 ? 1 / a->scale : 1;
    for (int64_t i = 0, n = 0; i < a->out; t->start[++i] = n) {
        double center = rounded(a, a->scale * ((double)i + 0.5)), total = 0;
        int64_t begin = ct__max_i64((int64_t)(center - support + 0.5), 0), end = ct__min_i64((int64_t)(center + support + 0.5), a->in), from = n;
        for (int64_t k = begin; k < end; k++) {
            double w = aa_filter(((double)(k - begin) + (double)begin - center + 0.5) * inverse, is_cubic);
            total += w;
            add(t, &n, k, w);
        }
        for (int64_t k = from; k < n && total != 0; k++) t->weight[k] /= total;
    }
}

ct__taps *ct__taps_make(const char *function, ct__filter filter, int64_t in, int64_t out, bool align_corners, double scale, bool single) {
    axis a = {.in = in, .out = out, .align_corners = align_corners, .single = single};
    a.scale = scale_of(&a, scale);
    bool aa = filter == CT__FILTER_LINEAR_AA || filter == CT__FILTER_CUBIC_AA;
    double width = filter == CT__FILTER_CUBIC_AA ? 2 : 1, reach = aa ? 2 * ceil(width * fmax(a.scale, 1)) + 3 : 4;
    int64_t most = filter <= CT__FILTER_NEAREST_EXACT ? 1 : filter == CT__FILTER_LINEAR ? 2 : aa ? (int64_t)fmin(reach, (double)in) : 4;
    ct__taps *t = taps_new(function, in, out, most);
    if (!t) return NULL;
    switch (filter) {
    case CT__FILTER_NEAREST: nearest(&a, t, false); break;
    case CT__FILTER_NEAREST_EXACT: nearest(&a, t, true); break;
    case CT__FILTER_LINEAR: linear(&a, t); break;
    case CT__FILTER_CUBIC: cubic(&a, t); break;
    case CT__FILTER_LINEAR_AA: antialiased(&a, t, false); break;
    case CT__FILTER_CUBIC_AA: antialiased(&a, t, true); break;
    }
    return t;
}

/* Counting sort by input element; those of one input stay in the order of outputs. */
ct__taps *ct__taps_transpose(const ct__taps *t) {
    int64_t count = t->start[t->out];
    ct__taps *r = ct__alloc_array(1, sizeof *r + (size_t)(t->in + 1 + count) * sizeof(int64_t) + (size_t)count * sizeof(double));
    if (!r) return NULL;
    atomic_init(&r->refs, 1);
    r->in = t->out;
    r->out = t->in;
    r->weight = (double *)(void *)(r + 1);
    r->start = (int64_t *)(void *)(r->weight + count);
    r->index = r->start + r->out + 1;
    memset(r->start, 0, (size_t)(r->out + 1) * sizeof *r->start);
    for (int64_t k = 0; k < count; k++) r->start[t->index[k] + 1]++;
    for (int64_t i = 0; i < r->out; i++) r->start[i + 1] += r->start[i];
    for (int64_t i = 0; i < t->out; i++) /* start[j] runs through the places of input j ... */
        for (int64_t k = t->start[i]; k < t->start[i + 1]; k++) {
            int64_t to = r->start[t->index[k]]++;
            r->index[to] = i;
            r->weight[to] = t->weight[k];
        }
    for (int64_t i = r->out; i > 0; i--) r->start[i] = r->start[i - 1]; /* ... and ends where input j + 1 begins */
    r->start[0] = 0;
    return r;
}

/* ---- the op ---- */

typedef struct resample_ctx {
    ct__taps *table, *transpose;
    int dim;
} resample_ctx;

static void resample_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const resample_ctx *c = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = ct__resample_dim(g[0], c->dim, c->transpose, c->table);
}
static void resample_destroy(void *ctx) {
    resample_ctx *c = ctx;
    ct__taps_unref(c->table);
    ct__taps_unref(c->transpose);
}
static const ct__node_class resample_class = {
    .op = CT__OP_interpolate, .backward = resample_backward, .ctx_size = sizeof(resample_ctx), .ctx_destroy = resample_destroy};

/* What lies in front of and behind dim in memory. last: [N, H, W, C]. */
static void split_sizes(const ct_tensor *x, int dim, bool last, ct__resample *r) {
    r->outer = r->inner = 1;
    for (int d = 0; d < x->ndim; d++) {
        bool before = last ? d == 0 || (d > 1 && d < dim) : d < dim;
        if (d == dim) continue;
        if (before) r->outer *= x->sizes[d];
        else r->inner *= x->sizes[d];
    }
}

/* A new image with another size along dim. */
static ct_tensor *resized(const char *function, const ct_tensor *x, int dim, int64_t size, bool last, ct_dtype dtype) {
    ct__image_sizes s = {.batched = true, .nd = x->ndim - 2, .n = x->sizes[0], .c = x->sizes[1], .size = {1, 1, 1}};
    for (int d = 2; d < x->ndim; d++) s.size[d - 2 + 3 - s.nd] = d == dim ? size : x->sizes[d];
    return ct__image_new(function, &s, last, dtype);
}

ct_tensor *ct__resample_dim(ct_tensor *x, int dim, ct__taps *table, ct__taps *transpose) {
    const char *fn = ct__fn(CT__OP_interpolate);
    bool last;
    if (!ct__enter(CT__OP_interpolate, &x, 1)) return NULL;
    ct_tensor *in = ct__image_read(fn, x, &last), *y = in ? resized(fn, x, dim, table->out, last, (ct_dtype)x->dtype) : NULL;
    ct__node *n = y ? ct__node_new(&resample_class, &x, 1, 1) : NULL;
    if (n) {
        *(resample_ctx *)ct__ctx(n) = (resample_ctx){table, transpose, dim};
        atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&transpose->refs, 1, memory_order_relaxed);
    }
    if (y && y->numel > 0) {
        ct__resample r = {.in = table->in, .out = table->out, .start = table->start, .index = table->index, .weight = table->weight};
        split_sizes(in, dim, last, &r);
        ct__kern()->vision.resample[x->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32](&r, ct__ptr(in), ct__ptr(y));
    }
    ct__unref(in);
    return ct__finish(n, y);
}

/* ---- uint8: weights as 16-bit integers over a power of two that is as large as the largest weight permits ---- */

/* Taps of one output that read the same element, where a border cuts the kernel off, become one: they are rounded together. */
static void merge_taps(ct__taps *t) {
    int64_t n = 0;
    for (int64_t i = 0, from = 0; i < t->out; i++) {
        int64_t first = n, end = t->start[i + 1];
        for (int64_t k = from; k < end; k++) {
            if (n > first && t->index[n - 1] == t->index[k]) t->weight[n - 1] += t->weight[k];
            else add(t, &n, t->index[k], t->weight[k]);
        }
        from = end;
        t->start[i + 1] = n;
    }
}

static int fixed_point(const ct__taps *t, int16_t *weight) {
    double most = 0;
    int bits = 0;
    for (int64_t k = 0; k < t->start[t->out]; k++) most = fmax(most, t->weight[k]);
    for (; bits < 22 && (int)(0.5 + most * (1 << (bits + 1))) < 1 << 15; bits++) {}
    for (int64_t k = 0; k < t->start[t->out]; k++) {
        double v = t->weight[k] * (1 << bits);
        weight[k] = (int16_t)(v < 0 ? v - 0.5 : v + 0.5);
    }
    return bits;
}

typedef struct u8_job {
    const ct__resample *r;
    const int16_t *weight;
    int bits;
    const uint8_t *x;
    uint8_t *y;
} u8_job;

static uint8_t unfix(const u8_job *o, int32_t sum) {
    sum >>= o->bits;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* Output i of a dimension whose elements lie side by side. */
static uint8_t sum_taps_u8(const u8_job *o, const uint8_t *x, int64_t i) {
    const int64_t *index = o->r->index;
    int32_t sum = 1 << (o->bits - 1);
    for (int64_t t = o->r->start[i]; t < o->r->start[i + 1]; t++) sum += o->weight[t] * x[index[t]];
    return unfix(o, sum);
}

/* Output i where an element is a row of inner numbers: rows are scaled and added, a run of numbers at a time. */
static void sum_rows_u8(const u8_job *o, const uint8_t *x, int64_t i, uint8_t *y) {
    enum { RUN = 256 };
    const ct__resample *r = o->r;
    int32_t sum[RUN];
    for (int64_t k = 0; k < r->inner; k += RUN) {
        int64_t n = ct__min_i64(RUN, r->inner - k);
        for (int64_t j = 0; j < n; j++) sum[j] = 1 << (o->bits - 1);
        for (int64_t t = r->start[i]; t < r->start[i + 1]; t++) {
            const uint8_t *row = x + r->index[t] * r->inner + k;
            int32_t weight = o->weight[t];
            for (int64_t j = 0; j < n; j++) sum[j] += weight * row[j];
        }
        for (int64_t j = 0; j < n; j++) y[k + j] = unfix(o, sum[j]);
    }
}

static void resample_u8(int64_t begin, int64_t end, void *arg) { /* an item is an output row of inner elements */
    const u8_job *o = arg;
    const ct__resample *r = o->r;
    const uint8_t *x = o->x + begin / r->out * r->in * r->inner;
    for (int64_t item = begin, i = begin % r->out; item < end; item++) {
        if (r->inner == 1) o->y[item] = sum_taps_u8(o, x, i);
        else sum_rows_u8(o, x, i, o->y + item * r->inner);
        if (++i == r->out) {
            i = 0;
            x += r->in * r->inner;
        }
    }
}

ct_tensor *ct__resample_dim_u8(ct_tensor *x, int dim, ct__taps *table) {
    const char *fn = ct__fn(CT__OP_interpolate);
    bool last;
    if (!ct__enter(CT__OP_interpolate, &x, 1)) return NULL;
    ct_tensor *in = ct__image_read(fn, x, &last), *y = in ? resized(fn, x, dim, table->out, last, CT_U8) : NULL;
    merge_taps(table);
    int16_t *weight = y ? ct__alloc_array((size_t)table->start[table->out] + 1, sizeof *weight) : NULL;
    if (weight && y->numel > 0) {
        ct__resample r = {.in = table->in, .out = table->out, .start = table->start, .index = table->index};
        split_sizes(in, dim, last, &r);
        u8_job o = {.r = &r, .weight = weight, .x = (const uint8_t *)ct__ptr(in), .y = (uint8_t *)ct__ptr(y)};
        o.bits = fixed_point(table, weight);
        ct__parallel_for(r.outer * r.out, ct__max_i64(1, 8192 / r.inner), resample_u8, &o);
    }
    ct__free(weight);
    ct__unref(in);
    return ct__finish(NULL, y);
}
