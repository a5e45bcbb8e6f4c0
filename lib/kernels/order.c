/*
 * order.c: see order.h. Rows are sorted as pairs of value and index, long ones by the bits of their elements; parallel over rows.
 */
#include "kernels/order.h"

#include "base/platform.h"
#include "base/pool.h"
#include "kernels/strided.h"

#include <string.h>

#define BODY "kernels/order_body.h"
#include "kernels/five_types.inc"

#define KEY ct__bits32
#define BITS 32
#define NAME(x) PASTE(x, 32)
#include "kernels/order_radix.h"
#define KEY ct__bits64
#define BITS 64
#define NAME(x) PASTE(x, 64)
#include "kernels/order_radix.h"

enum { PAIR = 16, RADIX = 128 /* elements from which on it pays */, ROW_GRAIN = 4096 /* elements */ };
_Static_assert(sizeof(pair_f64) == PAIR && sizeof(pair_u8) == PAIR, "scratch of every type has the same size");

static int64_t grain(const ct__order *o) { return ct__max_i64(1, ROW_GRAIN / o->n); }

/* True if the row was sorted by its bits. */
static bool by_bits(const ct__order *o, int64_t x, int64_t out, int64_t *indices, void *scratch) {
    if (o->k < o->n || o->n < RADIX || o->last || o->unsorted) return false;
    const bool real = o->dtype == CT_F32 || o->dtype == CT_F64;
    if ((o->dtype == CT_F32 || o->dtype == CT_I32) && o->n < UINT32_MAX)
        radix_row_32(o, (const ct__bits32 *)o->x + x, (ct__bits32 *)o->values + out, indices, real, scratch);
    else if (o->dtype == CT_F64 || o->dtype == CT_I64)
        radix_row_64(o, (const ct__bits64 *)o->x + x, (ct__bits64 *)o->values + out, indices, real, scratch);
    else return false;
    return true;
}

typedef struct job {
    const ct__order *o;
    char *scratch;      /* one piece per range */
    size_t piece;
    int64_t chunk;
} job;

static void run_rows(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    const ct__order *o = j->o;
    void *scratch = j->scratch + (size_t)(begin / j->chunk) * j->piece;
    for (int64_t row = begin; row < end; row++) {
        int64_t x = 0, out = 0, rest = row;
        for (int d = o->ndim - 1; d >= 0; d--) {
            x += rest % o->sizes[d] * o->x_strides[d];
            out += rest % o->sizes[d] * o->out_strides[d];
            rest /= o->sizes[d];
        }
        int64_t *indices = o->indices + out;
        if (by_bits(o, x, out, indices, scratch)) continue;
        switch (o->dtype) {
        case CT_F32: row_f32(o, (const float *)o->x + x, (float *)o->values + out, indices, scratch); break;
        case CT_F64: row_f64(o, (const double *)o->x + x, (double *)o->values + out, indices, scratch); break;
        case CT_I32: row_i32(o, (const int32_t *)o->x + x, (int32_t *)o->values + out, indices, scratch); break;
        case CT_I64: row_i64(o, (const int64_t *)o->x + x, (int64_t *)o->values + out, indices, scratch); break;
        default: row_u8(o, (const uint8_t *)o->x + x, (uint8_t *)o->values + out, indices, scratch); break;
        }
    }
}

bool ct__order_scratch(const ct__order *o, size_t *bytes) {
    size_t n = 2 * PAIR;
    return ct__mul_size(n, (size_t)o->n, &n) && ct__mul_size(n, (size_t)ct__parallel_count(o->rows, grain(o)), bytes);
}

void ct__order_run(const ct__order *o, void *scratch) {
    if (o->rows == 0 || o->k == 0) return;
    job j = {.o = o, .scratch = scratch, .piece = 2 * PAIR * (size_t)o->n, .chunk = ct__parallel_chunk(o->rows, grain(o))};
    ct__parallel_for(o->rows, grain(o), run_rows, &j);
}
