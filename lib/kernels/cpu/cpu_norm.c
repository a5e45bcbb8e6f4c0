/*
 * cpu_norm.c: normalization for an instruction set. The loops, in norm_loops.inc, are left to the compiler's vectoriser; sums run in LANES accumulators
 * of the element type over short stretches and are carried on in double.
 */
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

void CT__ISA_NAME(ct__batch_norm)(const ct__channels *s, const ct__batch_norm *b, const void *x, void *y);
void CT__ISA_NAME(ct__batch_norm_backward)(const ct__channels *s, const ct__batch_norm *b, const void *g, const void *x, double *sums, double *dots, void *gx);

void CT__ISA_NAME(ct__norm_fill)(ct__norm_kernels *k);
void CT__ISA_NAME(ct__norm_fill)(ct__norm_kernels *k) {
    *k = (ct__norm_kernels){.scale = scale, .sums = sums, .combine = combine, .rows = rows, .rows_backward = rows_backward, .rows_params = rows_params};
    k->batch = CT__ISA_NAME(ct__batch_norm);
    k->batch_backward = CT__ISA_NAME(ct__batch_norm_backward);
}
