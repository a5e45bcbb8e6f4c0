/*
 * gemm_int.c: matrix products of integers, which no BLAS has. Plain loops, parallel over the rows of all batch items; overflow wraps
 * around. those of up to 32 bits are computed in 32 bits, because narrower operands would be promoted to a signed int.
 */
#include "kernels/blas/blas.h"

#include "base/platform.h"
#include "base/pool.h"

#define NAME rows_i8
#define T int8_t
#define U uint32_t
#include "kernels/blas/gemm_int_body.h"
#define NAME rows_i16
#define T int16_t
#define U uint32_t
#include "kernels/blas/gemm_int_body.h"
#define NAME rows_u8
#define T uint8_t
#define U uint32_t
#include "kernels/blas/gemm_int_body.h"
#define NAME rows_i32
#define T int32_t
#define U uint32_t
#include "kernels/blas/gemm_int_body.h"
#define NAME rows_i64
#define T int64_t
#define U uint64_t
#include "kernels/blas/gemm_int_body.h"

static void run_rows(int64_t begin, int64_t end, void *arg) {
    const ct__gemm_args *g = arg;
    while (begin < end) { /* rows of one batch item at a time */
        int64_t item = begin / g->m, i = begin % g->m, last = ct__min_i64(g->m, i + end - begin);
        int64_t index = item, oa = 0, ob = 0, oc = 0;
        for (int d = g->batch_ndim - 1; d >= 0; d--) {
            int64_t x = index % g->batch_sizes[d];
            index /= g->batch_sizes[d];
            oa += x * g->a_strides[d];
            ob += x * g->b_strides[d];
            oc += x * g->c_strides[d];
        }
        if (g->dtype == CT_I8) rows_i8(g, (const int8_t *)g->a + oa, (const int8_t *)g->b + ob, (int8_t *)g->c + oc, i, last);
        if (g->dtype == CT_I16) rows_i16(g, (const int16_t *)g->a + oa, (const int16_t *)g->b + ob, (int16_t *)g->c + oc, i, last);
        if (g->dtype == CT_U8) rows_u8(g, (const uint8_t *)g->a + oa, (const uint8_t *)g->b + ob, (uint8_t *)g->c + oc, i, last);
        if (g->dtype == CT_I32) rows_i32(g, (const int32_t *)g->a + oa, (const int32_t *)g->b + ob, (int32_t *)g->c + oc, i, last);
        if (g->dtype == CT_I64) rows_i64(g, (const int64_t *)g->a + oa, (const int64_t *)g->b + ob, (int64_t *)g->c + oc, i, last);
        begin += last - i;
    }
}

void ct__gemm_int(const ct__gemm_args *g) {
    int64_t rows = g->m;
    for (int d = 0; d < g->batch_ndim; d++) rows *= g->batch_sizes[d];
    if (rows == 0 || g->n == 0) return;
    double per_row = (double)g->n * (double)ct__max_i64(g->k, 1);
    int64_t grain = (int64_t)(65536 / per_row);
    ct__gemm_args copy = *g; /* the pool's argument is not const */
    ct__parallel_for(rows, ct__max_i64(grain, 1), run_rows, &copy);
}
