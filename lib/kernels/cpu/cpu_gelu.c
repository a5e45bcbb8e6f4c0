/*
 * cpu_gelu.c: gelu of float32 and its gradient. Ends of ranges take the same instructions as the rest, so that results do not depend on where threads begin.
 */
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
