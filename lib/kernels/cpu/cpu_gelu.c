/*
 * cpu_gelu.c: gelu of float32 and its gradient, alone and with the dropout that follows it in a transformer. There, forward knows all that the slope needs, and
 * writes that over x: backward is one multiplication, with the column sums for the bias in front of gelu on the way. Ends of ranges take the same
 * instructions as the rest, so that results do not depend on where threads begin.
 */
#include "kernels/cpu/dropout_mask.h"
#include "kernels/cpu/gelu_vec.h"
#include "kernels/kernels.h"

enum { GRAIN = 8192 }; /* elements that make a thread's while */

typedef struct gelu_args {
    const float *x, *g;
    float *y;
} gelu_args;

CT__INLINE VEC slope_of(VEC x) {
    VEC slope;
    v_gelu_and_slope(x, &slope);
    return slope;
}

static void gelu_range(int64_t begin, int64_t end, void *arg) {
    const gelu_args *c = arg;
    int64_t i = begin;
    for (; i + LANES <= end; i += LANES) v_store(c->y + i, v_gelu(v_load(c->x + i)));
    if (i < end) v_store_n(c->y + i, v_gelu(v_load_n(c->x + i, (int)(end - i))), (int)(end - i));
}

static void gelu_backward_range(int64_t begin, int64_t end, void *arg) {
    const gelu_args *c = arg;
    int64_t i = begin;
    for (; i + LANES <= end; i += LANES) v_store(c->y + i, v_load(c->g + i) * slope_of(v_load(c->x + i)));
    const int n = (int)(end - i);
    if (n) v_store_n(c->y + i, v_load_n(c->g + i, n) * slope_of(v_load_n(c->x + i, n)), n);
}

void CT__ISA_NAME(ct__gelu)(int64_t n, const float *x, float *y);
void CT__ISA_NAME(ct__gelu)(int64_t n, const float *x, float *y) {
    gelu_args args = {.x = x, .y = y};
    ct__parallel_for(n, GRAIN, gelu_range, &args);
}

void CT__ISA_NAME(ct__gelu_backward)(int64_t n, const float *x, const float *g, float *gx);
void CT__ISA_NAME(ct__gelu_backward)(int64_t n, const float *x, const float *g, float *gx) {
    gelu_args args = {.x = x, .g = g, .y = gx};
    ct__parallel_for(n, GRAIN, gelu_backward_range, &args);
}

/* ---- With dropout ---- */

typedef struct drop_args {
    dropout_mask mask;
    int64_t n;
    float *x, *y;
} drop_args;

static void gelu_dropout_blocks(int64_t begin, int64_t end, void *arg) {
    const drop_args *c = arg;
    float factor[CT__PHILOX_BLOCK];
    for (int i = 0; i < CT__PHILOX_BLOCK; i++) factor[i] = 1;
    for (int64_t block = begin; block < end; block++) {
        float *x = c->x + block * CT__PHILOX_BLOCK, *y = c->y + block * CT__PHILOX_BLOCK;
        const int n = (int)ct__min_i64(CT__PHILOX_BLOCK, c->n - block * CT__PHILOX_BLOCK);
        if (c->mask.drops) dropout_factors(&c->mask, block, factor);
        for (int i = 0; i < n; i += LANES) {
            const int some = n - i < LANES ? n - i : LANES;
            VEC slope, m = v_load(factor + i), value = v_gelu_and_slope(some == LANES ? v_load(x + i) : v_load_n(x + i, some), &slope) * m;
            slope *= m;
            if (some == LANES) {
                if (x != y) v_store(x + i, slope);
                v_store(y + i, value);
            } else {
                if (x != y) v_store_n(x + i, slope, some);
                v_store_n(y + i, value, some);
            }
        }
    }
}

void CT__ISA_NAME(ct__gelu_dropout)(int64_t n, const ct__dropout_draw *draw, float *x, float *y);
void CT__ISA_NAME(ct__gelu_dropout)(int64_t n, const ct__dropout_draw *draw, float *x, float *y) {
    drop_args args = {.mask = dropout_mask_of(draw), .n = n, .x = x, .y = y};
    ct__parallel_for(ct__ceil_div_i64(n, CT__PHILOX_BLOCK), GRAIN / CT__PHILOX_BLOCK, gelu_dropout_blocks, &args);
}

typedef struct slope_args {
    int64_t m, n;
    const float *slope, *g;
    float *gx, *sums;
} slope_args;

static void slope_blocks(int64_t begin, int64_t end, void *arg) {
    const slope_args *c = arg;
    const int64_t n = c->n;
    for (int64_t block = begin; block < end; block++) {
        float *restrict sum = c->sums ? c->sums + block * n : NULL;
        for (int64_t j = 0; sum && j < n; j++) sum[j] = 0;
        for (int64_t row = block * CT__SUM_ROWS; row < ct__min_i64((block + 1) * CT__SUM_ROWS, c->m); row++) {
            const float *slope = c->slope + row * n, *g = c->g + row * n;
            float *gx = c->gx + row * n;
            if (sum) {
                CT__IVDEP for (int64_t j = 0; j < n; j++) {
                    const float v = g[j] * slope[j];
                    gx[j] = v;
                    sum[j] += v;
                }
            } else {
                CT__IVDEP for (int64_t j = 0; j < n; j++) gx[j] = g[j] * slope[j];
            }
        }
    }
}

void CT__ISA_NAME(ct__slope_backward)(int64_t m, int64_t n, const float *slope, const float *g, float *gx, float *sums);
void CT__ISA_NAME(ct__slope_backward)(int64_t m, int64_t n, const float *slope, const float *g, float *gx, float *sums) {
    slope_args args = {.m = m, .n = n, .slope = slope, .g = g, .gx = gx, .sums = sums};
    ct__parallel_for(ct__ceil_div_i64(m, CT__SUM_ROWS), 1, slope_blocks, &args);
}
