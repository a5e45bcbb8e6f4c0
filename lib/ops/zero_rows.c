/*
 * zero_rows.c: see zero_rows.h.
 */
#include "ops/zero_rows.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

enum {
    SAMPLES = 32,        /* rows that are looked at first: a gradient without zeros costs no more */
    MOST = 4,            /* one row in so many may have something in it */
    LEAST_WORK = 1 << 24 /* multiplications of one product, from which gathering and spreading rows is worth while */
};

static bool is_zero(const float *row, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (row[i] != 0) return false; /* NaN is something */
    return true;
}

/* The numbers of the rows that have something in them, int64 [k], scope-held; NULL if those are too many. */
static ct_tensor *full_rows(const ct_tensor *g, int64_t rows, int64_t cols) {
    const float *p = (const float *)(const void *)ct__ptr(g);
    const int64_t step = (rows / SAMPLES) | 1; /* odd: sequences are of even lengths, and their first tokens should not be met at each step */
    int64_t seen = 0, full = 0;
    for (int64_t i = 0; i < rows; i += step) seen++, full += !is_zero(p + i * cols, cols);
    if (full * MOST > seen) return NULL;
    ct_tensor *at = ct__scope_give(ct__new("backward", (int64_t[]){rows / MOST}, 1, CT_I64));
    int64_t *to = at ? (int64_t *)(void *)ct__ptr(at) : NULL;
    full = 0;
    for (int64_t i = 0; at && i < rows; i++) {
        if (is_zero(p + i * cols, cols)) continue;
        if (full == rows / MOST) return NULL;
        to[full++] = i;
    }
    return at ? ct_narrow(at, 0, 0, full) : NULL;
}

/* A sum that overflows counts as infinite: then nothing is left out that could have been. */
static bool is_finite(ct_tensor *t) { return isfinite(ct_item_f64(ct_sum(t))); }
static bool fits(const ct_tensor *t) { return t->dtype == CT_F32 && t->contiguous; }

bool ct__product_without_zero_rows(ct_tensor *g, ct_tensor *x, ct_tensor *weight, ct_tensor **gx, ct_tensor **gw) {
    if (ct__pending() != CT_OK || ct__grad_mode() || (!gx && !gw) || !fits(g) || g->ndim < 1 || (gw && !fits(x)) || (gx && !fits(weight))) return false;
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
