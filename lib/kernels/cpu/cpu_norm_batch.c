/*
 * cpu_norm_batch.c: batch norm, for float and double. See norm_batch.h.
 */
#include "kernels/kernels.h"

#include <math.h>

enum {
    BATCH_BLOCK = 2048,   /* elements of a block: in the L1, and few enough to a lane */
    BATCH_GRAIN = 16384   /* elements that make a thread's while */
};

typedef struct batch_job {
    const ct__channels *s;
    const ct__batch_norm *b;
    const void *g, *x;
    double *sums, *dots; /* NULL in the forward pass */
    void *out;
} batch_job;

typedef struct batch_coefficients {
    double mean, a, b, p, q, r;
} batch_coefficients;

/* p, q, r from the channel's sums. */
static batch_coefficients batch_coefficients_of(const batch_job *j, int64_t c) {
    const ct__batch_norm *b = j->b;
    double n = (double)(j->s->outer * j->s->inner), a = b->rstd[c] * b->weight[c];
    batch_coefficients k = {.mean = b->mean[c], .a = a, .b = b->bias[c], .p = a};
    if (j->sums && b->training) {
        k.q = -a * b->rstd[c] * j->dots[c] / n;
        k.r = -a * j->sums[c] / n;
    }
    return k;
}

static void batch_statistics(const ct__batch_norm *b, const ct__moments *m, int64_t c) {
    b->mean[c] = m->mean;
    b->rstd[c] = 1 / sqrt(m->m2 / m->n + b->eps);
    b->sample[c] = m->m2 / (m->n - 1);
}

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/norm_batch.h"

#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/norm_batch.h"

#define PICK(dtype, name) ((dtype) == CT_F32 ? name##_f32 : name##_f64)

static int64_t grain(int64_t elements) { return ct__max_i64(1, BATCH_GRAIN / ct__max_i64(elements, 1)); }

/* Vectors of channels. */
static void over_columns(const batch_job *j, void (*columns)(int64_t, int64_t, void *)) {
    int64_t lanes = j->s->dtype == CT_F32 ? CT__LANES_F32 : CT__LANES_F64;
    ct__parallel_for(ct__ceil_div_i64(j->s->channels, lanes), grain(j->s->outer * lanes), columns, (void *)(uintptr_t)j);
}

void CT__ISA_NAME(ct__batch_norm)(const ct__channels *s, const ct__batch_norm *b, const void *x, void *y);
void CT__ISA_NAME(ct__batch_norm)(const ct__channels *s, const ct__batch_norm *b, const void *x, void *y) {
    batch_job j = {.s = s, .b = b, .x = x, .out = y};
    if (s->inner > 1) {
        ct__parallel_for(s->channels, grain(s->outer * s->inner), PICK(s->dtype, batch_planes), &j);
        return;
    }
    if (b->training) over_columns(&j, PICK(s->dtype, measure_columns));
    ct__parallel_for(s->outer, grain(s->channels), PICK(s->dtype, batch_rows), &j);
}

void CT__ISA_NAME(ct__batch_norm_backward)(const ct__channels *s, const ct__batch_norm *b, const void *g, const void *x, double *sums, double *dots, void *gx);
void CT__ISA_NAME(ct__batch_norm_backward)(const ct__channels *s, const ct__batch_norm *b, const void *g, const void *x, double *sums, double *dots, void *gx) {
    batch_job j = {.s = s, .b = b, .g = g, .x = x, .sums = sums, .dots = dots, .out = gx};
    for (int64_t c = 0; c < s->channels; c++) sums[c] = dots[c] = 0;
    if (s->inner > 1) {
        ct__parallel_for(s->channels, grain(s->outer * s->inner), PICK(s->dtype, backward_planes), &j);
        return;
    }
    over_columns(&j, PICK(s->dtype, sums_columns));
    if (gx) ct__parallel_for(s->outer, grain(s->channels), PICK(s->dtype, backward_rows), &j);
}
