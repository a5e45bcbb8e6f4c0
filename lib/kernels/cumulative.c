/*
 * cumulative.c: see cumulative.h. A line is a chain and stays on one thread; lines are shared.
 */
#include "kernels/cumulative.h"

#include "base/platform.h"
#include "base/pool.h"

#include <math.h>

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define MUL_F(a, b) ((a) * (b))
#define MUL_I(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))

#define T float
#define NAME(x) PASTE(x, f32)
#define ACC double
#define MUL MUL_F
#define IS_FLOAT 1
#include "kernels/cumulative_body.h"
#define T double
#define NAME(x) PASTE(x, f64)
#define ACC double
#define MUL MUL_F
#define IS_FLOAT 1
#include "kernels/cumulative_body.h"
#define T int64_t
#define NAME(x) PASTE(x, i64)
#define ACC int64_t
#define MUL MUL_I
#define IS_FLOAT 0
#include "kernels/cumulative_body.h"
#define T int32_t
#define NAME(x) PASTE(x, i32)
#define IS_FLOAT 0
#include "kernels/cumulative_body.h"
#define T uint8_t
#define NAME(x) PASTE(x, u8)
#define IS_FLOAT 0
#include "kernels/cumulative_body.h"

typedef enum function { CUMPROD, CUMPROD_GRADIENT, CUMEXTREMUM, LOGCUMSUMEXP } function;

typedef struct job {
    const ct__lines *l;
    function f;
    ct_dtype dtype;
    bool max;
    const char *x, *g;
    char *out; /* of x's dtype; indices of CUMEXTREMUM */
} job;

static void run_line(const job *j, int64_t at) {
    const int64_t n = j->l->n, step = j->l->inner, size = (int64_t)ct_dtype_size(j->dtype);
    const char *x = j->x + at * size;
    char *out = j->out + at * (j->f == CUMEXTREMUM ? 8 : size);
    switch (j->f) {
    case CUMPROD:
        (j->dtype == CT_F32 ? cumprod_f32 : j->dtype == CT_F64 ? cumprod_f64 : cumprod_i64)(n, step, x, out);
        break;
    case CUMPROD_GRADIENT:
        (j->dtype == CT_F32 ? cumprod_gradient_f32 : cumprod_gradient_f64)(n, step, x, j->g + at * size, out);
        break;
    case LOGCUMSUMEXP:
        (j->dtype == CT_F32 ? logcumsumexp_f32 : logcumsumexp_f64)(n, step, x, out);
        break;
    case CUMEXTREMUM: {
        int64_t *indices = (int64_t *)(void *)out;
        if (j->dtype == CT_F32) cumextremum_f32(n, step, x, j->max, indices);
        else if (j->dtype == CT_F64) cumextremum_f64(n, step, x, j->max, indices);
        else if (j->dtype == CT_I64) cumextremum_i64(n, step, x, j->max, indices);
        else if (j->dtype == CT_I32) cumextremum_i32(n, step, x, j->max, indices);
        else cumextremum_u8(n, step, x, j->max, indices);
        break;
    }
    }
}

static void run_lines(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    for (int64_t line = begin; line < end; line++) run_line(j, line / j->l->inner * j->l->n * j->l->inner + line % j->l->inner);
}

static void run(const job *j) {
    enum { GRAIN = 8192 /* elements */ };
    const ct__lines *l = j->l;
    if (l->outer == 0 || l->n == 0 || l->inner == 0) return;
    ct__parallel_for(l->outer * l->inner, ct__max_i64(1, GRAIN / l->n), run_lines, (void *)(uintptr_t)j);
}

void ct__cumprod(const ct__lines *l, ct_dtype dtype, const void *x, void *out) { run(&(job){.l = l, .f = CUMPROD, .dtype = dtype, .x = x, .out = out}); }
void ct__cumprod_gradient(const ct__lines *l, ct_dtype dtype, const void *x, const void *g, void *gx) {
    run(&(job){.l = l, .f = CUMPROD_GRADIENT, .dtype = dtype, .x = x, .g = g, .out = gx});
}
void ct__cumextremum(const ct__lines *l, ct_dtype dtype, const void *x, bool max, int64_t *indices) {
    run(&(job){.l = l, .f = CUMEXTREMUM, .dtype = dtype, .max = max, .x = x, .out = (char *)indices});
}
void ct__logcumsumexp(const ct__lines *l, ct_dtype dtype, const void *x, void *out) { run(&(job){.l = l, .f = LOGCUMSUMEXP, .dtype = dtype, .x = x, .out = out}); }
