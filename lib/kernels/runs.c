/*
 * runs.c: see runs.h.
 */
#include "kernels/runs.h"

#include "base/platform.h"

#include <string.h>

#define BODY "kernels/runs_body.h"
#include "kernels/five_types.inc"

void ct__mode_of_rows(ct_dtype dtype, int64_t rows, int64_t n, const void *x, int64_t *place) {
    switch (dtype) {
    case CT_F32: modes_f32(rows, n, x, place); break;
    case CT_F64: modes_f64(rows, n, x, place); break;
    case CT_I32: modes_i32(rows, n, x, place); break;
    case CT_I64: modes_i64(rows, n, x, place); break;
    default: modes_u8(rows, n, x, place); break;
    }
}

int64_t ct__runs(ct_dtype dtype, int64_t n, int64_t width, const void *x, const int64_t *order, int64_t *run, int64_t *first) {
    switch (dtype) {
    case CT_F32: return runs_f32(n, width, x, order, run, first);
    case CT_F64: return runs_f64(n, width, x, order, run, first);
    case CT_I32: return runs_i32(n, width, x, order, run, first);
    case CT_I64: return runs_i64(n, width, x, order, run, first);
    default: return runs_u8(n, width, x, order, run, first);
    }
}

void ct__sort_rows(ct_dtype dtype, int64_t n, int64_t width, const void *x, int64_t *order, int64_t *scratch) {
    switch (dtype) {
    case CT_F32: sort_rows_f32(n, width, x, order, scratch); break;
    case CT_F64: sort_rows_f64(n, width, x, order, scratch); break;
    case CT_I32: sort_rows_i32(n, width, x, order, scratch); break;
    case CT_I64: sort_rows_i64(n, width, x, order, scratch); break;
    default: sort_rows_u8(n, width, x, order, scratch); break;
    }
}
