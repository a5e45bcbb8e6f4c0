/*
 * zero_rows.c: see zero_rows.h.
 */
#include "ops/zero_rows.h"

#include "base/pool.h"
#include "ops/packed.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <string.h>

enum {
    SAMPLES = 32,        /* rows that are looked at first: a gradient without zeros costs no more */
    MOST = 4,            /* one row in so many may have something in it */
    GRAIN = 32768,       /* elements that make a thread's while to look at */
    LEAST_WORK = 1 << 24 /* multiplications of one product, from which gathering and spreading rows is worth while */
};

/* Of either sign; NaN is something. */
static bool is_zero(const float *row, int64_t n) {
    int64_t i = 0;
    for (uint64_t some[4]; i + 32 <= n; i += 32) {
        uint64_t any = 0;
        for (int64_t part = 0; part < 32; part += 8) {
            memcpy(some, row + i + part, sizeof some);
            any |= some[0] | some[1] | some[2] | some[3];
        }
        if (any & 0x7fffffff7fffffffu) return false;
    }
    for (; i < n; i++)
        if (row[i] != 0) return false;
    return true;
}

typedef struct scan {
    const float *g; /* [rows, cols] */
    int64_t cols;
    uint8_t *full; /* [rows] */
} scan;
static void scan_rows(int64_t begin, int64_t end, void *arg) {
    const scan *s = arg;
    for (int64_t i = begin; i < end; i++) s->full[i] = !is_zero(s->g + i * s->cols, s->cols);
}

/* The numbers of the rows that have something in them, int64 [k], scope-held; NULL if those are too many. */
static ct_tensor *full_rows(const ct_tensor *g, int64_t rows, int64_t cols) {
    scan s = {.g = ct__f32(g), .cols = cols};
    const int64_t step = (rows / SAMPLES) | 1; /* odd: sequences are of even lengths, and their first tokens should not be met at each step */
    int64_t seen = 0, n = 0;
    for (int64_t i = 0; i < rows; i += step) seen++, n += !is_zero(s.g + i * cols, cols);
    if (n * MOST > seen) return NULL;
    ct_tensor *full = ct__scope_give(ct__new("backward", &rows, 1, CT_U8)), *at = ct__scope_give(ct__new("backward", (int64_t[]){rows / MOST}, 1, CT_I64));
    if (ct__pending() != CT_OK) return NULL;
    s.full = (uint8_t *)ct__ptr(full);
    ct__parallel_for(rows, ct__max_i64(1, GRAIN / cols), scan_rows, &s);
    int64_t *to = (int64_t *)(void *)ct__ptr(at);
    n = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (!s.full[i]) continue;
        if (n == rows / MOST) return NULL;
        to[n++] = i;
    }
    return ct_narrow(at, 0, 0, n);
}

/* A sum that overflows counts as infinite: then nothing is left out that could have been. */
static bool is_finite(ct_tensor *t) { return isfinite(ct_item_f64(ct_sum(t))); }

bool ct__product_without_zero_rows(ct_tensor *g, ct_tensor *x, ct_tensor *weight, ct_tensor **gx, ct_tensor **gw) {
    if (ct__pending() != CT_OK || ct__grad_mode() || (!gx && !gw) || !ct__is_dense_f32(g) || g->ndim < 1) return false;
    if ((gw && !ct__is_dense_f32(x)) || (gx && !ct__is_dense_f32(weight))) return false;
    const int64_t cols = g->sizes[g->ndim - 1], rows = cols ? g->numel / cols : 0, in = gx ? weight->sizes[1] : x->sizes[x->ndim - 1];
    if (rows < SAMPLES || in == 0 || g->numel < LEAST_WORK / in) return false;
    ct_tensor *at = full_rows(g, rows, cols);
    if (!at || (gx && !is_finite(weight)) || (gw && !is_finite(x))) return false;
    ct_tensor *some = ct_index_select(ct_reshape(g, (int64_t[]){rows, cols}, 2), 0, at);
    if (gw) *gw = ct_mm(ct_t(some), ct_index_select(ct_reshape(x, (int64_t[]){rows, in}, 2), 0, at));
    if (gx) {
        int64_t sizes[CT_MAX_NDIM];
        for (int d = 0; d < g->ndim; d++) sizes[d] = g->sizes[d];
        sizes[g->ndim - 1] = in;
        ct_tensor *all = ct_zeros((int64_t[]){rows, in}, 2, CT_F32);
        ct_index_copy_(all, 0, at, ct_mm(some, weight));
        *gx = ct_reshape(all, sizes, g->ndim);
    }
    return ct__pending() == CT_OK;
}
