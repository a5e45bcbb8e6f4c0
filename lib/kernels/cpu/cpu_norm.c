/*
 * cpu_norm.c: normalization for an instruction set. The loops, in norm_loops.inc, are left to the compiler's vectoriser; sums run in LANES accumulators
 * of the element type over short stretches and are carried on in double.
 */
#include "kernels/cpu/dropout_mask.h"
#include "kernels/kernels.h"

#include <math.h>

enum {
    LANES = 16,     /* accumulators of a sum: one AVX-512 register of float32 */
    STRETCH = 2048, /* elements or rows between flushes to double */
    GRAIN = 16384,  /* elements that make a thread's while */
    COLUMNS = 64    /* columns of one task of a column sum */
};

typedef struct channel_args {
    const ct__channels *s;
    const void *g, *x;
    const double *mean, *p, *q, *r;
    double *sums, *dots;
    void *y;
} channel_args;

typedef struct row_args {
    const ct__norm_rows *c;
    const void *g, *bias;
    void *y, *gw, *gb;
} row_args;

static int64_t grain(int64_t row) { return ct__max_i64(1, GRAIN / ct__max_i64(row, 1)); }

#define T float
#define NAME(x) x##_f32
#include "kernels/cpu/norm_loops.inc"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/cpu/norm_loops.inc"
#undef T
#undef NAME

#define PICK(dtype, name) ((dtype) == CT_F32 ? name##_f32 : name##_f64)

/* Elementwise work: rows of a channel's inner elements, or, channels_last, of all channels. */
static void over_elements(const ct__channels *s, void (*rows)(int64_t, int64_t, void *), void (*last)(int64_t, int64_t, void *), void *args) {
    if (s->inner == 1) ct__parallel_for(s->outer, grain(s->channels), last, args);
    else ct__parallel_for(s->outer * s->channels, grain(s->inner), rows, args);
}

static void scale(const ct__channels *s, const void *x, const double *mean, const double *a, const double *b, void *y) {
    channel_args args = {.s = s, .x = x, .mean = mean, .p = a, .q = b, .y = y};
    over_elements(s, PICK(s->dtype, scale_rows), PICK(s->dtype, scale_last), &args);
}

static void combine(const ct__channels *s, const void *g, const void *x, const double *mean, const double *p, const double *q,
                    const double *r, void *gx) {
    channel_args args = {.s = s, .g = g, .x = x, .mean = mean, .p = p, .q = q, .r = r, .y = gx};
    over_elements(s, PICK(s->dtype, combine_rows), PICK(s->dtype, combine_last), &args);
}

static void sums(const ct__channels *s, const void *g, const void *x, const double *mean, double *sum, double *dots) {
    channel_args args = {.s = s, .g = g, .x = x, .mean = mean, .sums = sum, .dots = dots};
    if (s->inner == 1) ct__parallel_for((s->channels + COLUMNS - 1) / COLUMNS, grain(s->outer * COLUMNS), PICK(s->dtype, sums_last), &args);
    else ct__parallel_for(s->channels, grain(s->outer * s->inner), PICK(s->dtype, sums_rows), &args);
}

static void rows(const ct__norm_rows *c, const void *bias, void *y) {
    row_args args = {.c = c, .bias = bias, .y = y};
    ct__parallel_for(c->m, grain(c->n), PICK(c->dtype, rows), &args);
}

static void rows_backward(const ct__norm_rows *c, const void *g, void *gx) {
    row_args args = {.c = c, .g = g, .y = gx};
    ct__parallel_for(c->m, grain(c->n), PICK(c->dtype, rows_backward), &args);
}

static void rows_params(const ct__norm_rows *c, const void *g, void *gw, void *gb) {
    row_args args = {.c = c, .g = g, .gw = gw, .gb = gb};
    ct__parallel_for((c->n + COLUMNS - 1) / COLUMNS, grain(c->m * COLUMNS), PICK(c->dtype, rows_params), &args);
}

/* ---- Rows with what stands around a norm in a transformer ---- */

typedef struct add_args {
    dropout_mask mask;
    row_args rows;
    const float *a, *b;
    float *sum;
    int64_t group; /* rows, whose elements begin at a block of the draw */
} add_args;

/* out = a + b m, or b m where a is NULL, of elements begin to end; begin is a multiple of CT__PHILOX_BLOCK. */
static void add_dropped(const dropout_mask *mask, int64_t begin, int64_t end, const float *a, const float *b, float *out) {
    float factor[CT__PHILOX_BLOCK];
    for (int i = 0; i < CT__PHILOX_BLOCK; i++) factor[i] = 1;
    for (int64_t at = begin; at < end; at += CT__PHILOX_BLOCK) {
        const int64_t n = ct__min_i64(CT__PHILOX_BLOCK, end - at);
        if (mask->drops) dropout_factors(mask, at / CT__PHILOX_BLOCK, factor);
        if (a) {
            CT__IVDEP for (int64_t i = 0; i < n; i++) out[at + i] = a[at + i] + b[at + i] * factor[i];
        } else {
            CT__IVDEP for (int64_t i = 0; i < n; i++) out[at + i] = b[at + i] * factor[i];
        }
    }
}

static void add_groups(int64_t begin, int64_t end, void *arg) {
    add_args *k = arg;
    const ct__norm_rows *c = k->rows.c;
    for (int64_t first = begin * k->group; first < ct__min_i64(end * k->group, c->m); first += k->group) {
        const int64_t last = ct__min_i64(first + k->group, c->m);
        add_dropped(&k->mask, first * c->n, last * c->n, k->a, k->b, k->sum);
        rows_f32(first, last, &k->rows);
    }
}

static void add_rows(const ct__norm_rows *c, const ct__dropout_draw *draw, const float *a, const float *b, float *sum, const float *bias, float *y) {
    int64_t group = 1;
    while (group * c->n % CT__PHILOX_BLOCK) group *= 2;
    add_args args = {.mask = dropout_mask_of(draw), .rows = {.c = c, .bias = bias, .y = y}, .a = a, .b = b, .sum = sum, .group = group};
    ct__parallel_for(ct__ceil_div_i64(c->m, group), grain(group * c->n), add_groups, &args);
}

typedef struct all_args {
    const ct__norm_rows *c;
    const dropout_mask *mask; /* or NULL */
    const float *g;
    float *gx, *gm, *gw, *gb;
} all_args;

/* Each block is small enough for the second and the third loop to find it in L2. */
static void backward_blocks(int64_t begin, int64_t end, void *arg) {
    const all_args *k = arg;
    const int64_t n = k->c->n;
    for (int64_t block = begin; block < end; block++) {
        const int64_t first = block * CT__SUM_ROWS, at = first * n;
        ct__norm_rows some = *k->c;
        some.m = ct__min_i64(CT__SUM_ROWS, some.m - first);
        some.x = (const float *)some.x + at;
        some.mean += first, some.rstd += first;
        row_args args = {.c = &some, .g = k->g + at, .y = k->gx + at, .gw = k->gw ? k->gw + block * n : NULL, .gb = k->gb ? k->gb + block * n : NULL};
        if (k->gw || k->gb) rows_params_f32(0, ct__ceil_div_i64(n, COLUMNS), &args);
        rows_backward_f32(0, some.m, &args);
        if (k->mask) add_dropped(k->mask, at, at + some.m * n, NULL, k->gx, k->gm);
    }
}

static void rows_backward_all(const ct__norm_rows *c, const ct__dropout_draw *draw, const float *g, float *gx, float *gm, float *gw, float *gb) {
    const dropout_mask mask = draw ? dropout_mask_of(draw) : (dropout_mask){.drops = false};
    all_args args = {.c = c, .mask = draw ? &mask : NULL, .g = g, .gx = gx, .gm = gm, .gw = gw, .gb = gb};
    ct__parallel_for(ct__ceil_div_i64(c->m, CT__SUM_ROWS), ct__ceil_div_i64(grain(c->n), CT__SUM_ROWS), backward_blocks, &args);
}

void CT__ISA_NAME(ct__batch_norm)(const ct__channels *s, const ct__batch_norm *b, const void *x, void *y);
void CT__ISA_NAME(ct__batch_norm_backward)(const ct__channels *s, const ct__batch_norm *b, const void *g, const void *x, double *sums, double *dots, void *gx);

void CT__ISA_NAME(ct__norm_fill)(ct__norm_kernels *k);
void CT__ISA_NAME(ct__norm_fill)(ct__norm_kernels *k) {
    *k = (ct__norm_kernels){.scale = scale, .sums = sums, .combine = combine, .rows = rows, .rows_backward = rows_backward, .rows_params = rows_params,
                            .add_rows = add_rows, .rows_backward_all = rows_backward_all};
    k->batch = CT__ISA_NAME(ct__batch_norm);
    k->batch_backward = CT__ISA_NAME(ct__batch_norm_backward);
}
