/*
 * strided.c: the copy behind cat, flip, repeat, contiguous reshapes and the like.
 *
 * Dims are put in the order of dst, so that writes run along memory, and neighbours that are dense in both are merged. What is left
 * is a loop over outer dims around a plane of two:
 *
 *      rows both dense                memcpy
 *      src dense along the other dim  a transposition: tiles of 32 x 32, so that every cache line that is read is used up while
 *                                     it is still there
 *      anything else                  element by element
 */
#include "kernels/strided.h"

#include "base/platform.h"
#include "base/pool.h"

#include <string.h>

enum { TILE = 32, COPY_GRAIN = 1 << 15 /* elements */ };

typedef struct plan {
    size_t elem;
    int ndim; /* at least 2: the last two are the plane */
    int64_t sizes[CT__STRIDED_DIMS + 2], to[CT__STRIDED_DIMS + 2], from[CT__STRIDED_DIMS + 2]; /* strides in bytes */
    char *dst;
    const char *src;
} plan;

static void swap_dims(plan *p, int i, int j) {
    int64_t size = p->sizes[i], to = p->to[i], from = p->from[i];
    p->sizes[i] = p->sizes[j];
    p->to[i] = p->to[j];
    p->from[i] = p->from[j];
    p->sizes[j] = size;
    p->to[j] = to;
    p->from[j] = from;
}

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Slowest in dst first; stable. */
static void sort_dims(plan *p) {
    for (int i = 1; i < p->ndim; i++)
        for (int j = i; j > 0 && magnitude(p->to[j - 1]) < magnitude(p->to[j]); j--) swap_dims(p, j - 1, j);
}

static void merge_dims(plan *p) {
    int n = 0;
    for (int i = 0; i < p->ndim; i++) {
        if (n > 0 && p->to[n - 1] == p->sizes[i] * p->to[i] && p->from[n - 1] == p->sizes[i] * p->from[i]) {
            p->sizes[n - 1] *= p->sizes[i];
            p->to[n - 1] = p->to[i];
            p->from[n - 1] = p->from[i];
        } else {
            p->sizes[n] = p->sizes[i];
            p->to[n] = p->to[i];
            p->from[n] = p->from[i];
            n++;
        }
    }
    p->ndim = n;
}

static void make_plane(plan *p) {
    while (p->ndim < 2) { /* a dim of size 1 in front */
        memmove(p->sizes + 1, p->sizes, (size_t)p->ndim * sizeof *p->sizes);
        memmove(p->to + 1, p->to, (size_t)p->ndim * sizeof *p->to);
        memmove(p->from + 1, p->from, (size_t)p->ndim * sizeof *p->from);
        p->sizes[0] = 1;
        p->to[0] = p->from[0] = 0;
        p->ndim++;
    }
    if (p->from[p->ndim - 1] == (int64_t)p->elem) return;
    for (int i = 0; i < p->ndim - 2; i++) { /* the dim along which src is dense becomes the plane's other one */
        if (p->from[i] != (int64_t)p->elem) continue;
        for (int j = i; j < p->ndim - 2; j++) swap_dims(p, j, j + 1);
        return;
    }
}

#define COPY_ROW(T)                                                             \
    for (int64_t i = 0; i < n; i++, dst += to, src += from) {                   \
        T x;                                                                    \
        memcpy(&x, src, sizeof x);                                              \
        memcpy(dst, &x, sizeof x);                                              \
    }

/* The loop that a compiler can vectorise, for ct_flip. */
static void copy_reversed_4(int64_t n, ct__bits32 *restrict dst, const ct__bits32 *restrict src) {
    for (int64_t i = 0; i < n; i++) dst[i] = src[-i];
}
static void copy_reversed_8(int64_t n, ct__bits64 *restrict dst, const ct__bits64 *restrict src) {
    for (int64_t i = 0; i < n; i++) dst[i] = src[-i];
}

static void copy_row(size_t elem, int64_t n, char *dst, int64_t to, const char *src, int64_t from) {
    if (to == (int64_t)elem && from == -to && elem == 4) {
        copy_reversed_4(n, (ct__bits32 *)(void *)dst, (const ct__bits32 *)(const void *)src);
        return;
    }
    if (to == (int64_t)elem && from == -to && elem == 8) {
        copy_reversed_8(n, (ct__bits64 *)(void *)dst, (const ct__bits64 *)(const void *)src);
        return;
    }
    switch (elem) {
    case 1: COPY_ROW(uint8_t) break;
    case 2: COPY_ROW(uint16_t) break;
    case 4: COPY_ROW(uint32_t) break;
    default: COPY_ROW(uint64_t) break;
    }
}

/* Rows [begin, end) of one plane. */
static void copy_plane(const plan *p, int64_t begin, int64_t end, char *dst, const char *src) {
    int a = p->ndim - 2, b = p->ndim - 1;
    int64_t n = p->sizes[b], elem = (int64_t)p->elem;
    dst += begin * p->to[a];
    src += begin * p->from[a];
    end -= begin;
    if (p->to[b] == elem && p->from[b] == elem) {
        for (int64_t i = 0; i < end; i++) memcpy(dst + i * p->to[a], src + i * p->from[a], (size_t)n * p->elem);
        return;
    }
    int64_t tile = p->from[a] == elem ? TILE : n;
    int64_t rows = p->from[a] == elem ? TILE : 1;
    for (int64_t i = 0; i < end; i += rows)
        for (int64_t j = 0; j < n; j += tile)
            for (int64_t r = i; r < ct__min_i64(i + rows, end); r++)
                copy_row(p->elem, ct__min_i64(tile, n - j), dst + r * p->to[a] + j * p->to[b], p->to[b], src + r * p->from[a] + j * p->from[b],
                         p->from[b]);
}

static void run_rows(int64_t begin, int64_t end, void *arg) {
    const plan *p = arg;
    int64_t rows = p->sizes[p->ndim - 2];
    while (begin < end) {
        int64_t index = begin / rows, i = begin % rows, last = ct__min_i64(rows, i + end - begin);
        char *dst = p->dst;
        const char *src = p->src;
        for (int d = p->ndim - 3; d >= 0; d--) {
            int64_t x = index % p->sizes[d];
            index /= p->sizes[d];
            dst += x * p->to[d];
            src += x * p->from[d];
        }
        copy_plane(p, i, last, dst, src);
        begin += last - i;
    }
}

/* Elements [begin, end) of the only row. */
static void run_one_row(int64_t begin, int64_t end, void *arg) {
    const plan *p = arg;
    int64_t to = p->to[p->ndim - 1], from = p->from[p->ndim - 1], elem = (int64_t)p->elem;
    char *dst = p->dst + begin * to;
    const char *src = p->src + begin * from;
    if (to == elem && from == elem) memcpy(dst, src, (size_t)(end - begin) * p->elem);
    else copy_row(p->elem, end - begin, dst, to, src, from);
}

void ct__copy_strided(size_t elem, int ndim, const int64_t *sizes, void *dst, const int64_t *dst_strides, const void *src,
                      const int64_t *src_strides) {
    plan p = {.elem = elem, .dst = dst, .src = src};
    for (int i = 0; i < ndim; i++) {
        if (sizes[i] == 0) return;
        if (sizes[i] == 1) continue;
        p.sizes[p.ndim] = sizes[i];
        p.to[p.ndim] = dst_strides[i] * (int64_t)elem;
        p.from[p.ndim++] = src_strides[i] * (int64_t)elem;
    }
    if (p.ndim == 0) {
        memcpy(dst, src, elem);
        return;
    }
    sort_dims(&p);
    merge_dims(&p);
    make_plane(&p);
    int64_t rows = 1, n = p.sizes[p.ndim - 1];
    for (int i = 0; i < p.ndim - 1; i++) rows *= p.sizes[i];
    if (rows == 1) ct__parallel_for(n, COPY_GRAIN, run_one_row, &p);
    else ct__parallel_for(rows, ct__max_i64(1, COPY_GRAIN / n), run_rows, &p);
}
