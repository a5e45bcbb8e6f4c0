/*
 * cpu_gemm.c: large products of f32 for an instruction set.
 *
 *      C [m, n] = A [m, k] B [k, n]         k is cut into blocks of at most DEPTH
 *
 *                     panels of COLS columns             The tile in registers is ROWS x COLS: a step of k loads COLS numbers of B and broadcasts
 *                     |    |    |    |                   ROWS of A. Both are packed so that the tile reads them in order.
 *                B    |    |    |    |  k
 *                     |    |    |    |                   B is packed once, by all threads together. Then C is cut into a grid of parts; a
 *         k           +----+----+----+                   thread packs up to BLOCK tiles of A, small enough for a part of its second-level cache, and
 *      +------+  ROWS |tile|    |    |                   runs them down every panel of its part. While it does, it fetches the next rows of
 *   A  |------|       +----+----+----+                   A, which wait in memory, not in a cache, and the next panel.
 *      |------|       |    |    |    |
 *      +------+       +----+----+----+                   The first block of k writes C, with alpha, beta and bias; the others add to it.
 *
 * Few rows against a matrix that is stored transposed, as a linear layer has it: packing B would read and write all of it for little work. There
 * the product is C^T = B^T A^T: the few rows are what is packed, the weights are read where they lie, once, and C is stored transposed.
 *
 * For AVX-512 alone. Measured against OpenBLAS 0.3.21 on Cascade Lake, packing included, of 152 GFLOP/s a core: 2048 x 1536 x 384 and the like, as
 * stored or either one transposed, 107 to 129 a core (OpenBLAS 97 to 114), one core 117 to 134 (100 to 114); 32 x 1536 x 384 on two cores 205 (132). With
 * AVX2 and tiles of 6 x 16 it was 10 to 15 % slower than OpenBLAS. Tiles alone reach 144. What was tried: DEPTH 192 and 256 cost 2 to 8 %, 512 and 704 nothing;
 * BLOCK 12 to 24 tiles up to 6 %; packing all of k at once 5 %; rows of A where they lie in the large products 3 to 5 %; fetching none of what follows
 * 2 to 5 %. Some columns of B in L2, along which tiles of A run from L1, are as fast, but A is then packed several times or kept.
 */
#include "kernels/kernels.h"

#include <math.h>

#define CT__F64 0
#include "kernels/cpu/vec_real.h"

void CT__ISA_NAME(ct__gemm_fill)(ct__gemm_kernels *k);

#if CT__VEC_BYTES == 64
enum {
    GEMM_ROWS = 14, /* 14 x 2 sums, 2 vectors of B, 1 broadcast: 31 of 32 registers */
    GEMM_VECS = 2,
    GEMM_COLS = GEMM_VECS * LANES,
    GEMM_STEPS = 16,     /* of k between prefetches */
    DEPTH = 384,
    BLOCK = 9,           /* tiles of rows: of DEPTH 189 KiB */
    FEW = 2 * GEMM_COLS, /* rows for which the other operand is not packed */
    FEW_DEPTH = 2048,
    B_MOST = 2 << 20,    /* floats of B that are packed at a time */
    SPARE = 64           /* floats behind each packed operand */
};
static const double GRAIN = 1 << 19; /* multiplications that are worth a thread */

#include "kernels/cpu/gemm_tile.h"

/* Of packed rows, whose distances are known: 5 % faster. */
static CT__NOINLINE void tile_packed(const gemm_tile_f32 *t) { tile_run_f32(t, 1, GEMM_ROWS, false); }
static CT__NOINLINE void tile_strided(const gemm_tile_f32 *t) { tile_run_f32(t, t->a_row, 1, true); }

/* The product as it is done: maybe the transposed one. */
typedef struct plan {
    bool swapped;
    int64_t m, n, k, lda, ldb, ldc;
    bool a_along, b_along; /* rows of A, columns of B are dense: the operand is stored with k as its rows */
    const float *a, *b, *bias;
    float *c, alpha, beta;
    int64_t depth;            /* of a block of k */
    int64_t gm, gn;           /* the grid: parts of tiles of rows, parts of panels */
    int64_t columns;          /* of B that are packed at a time */
    int64_t j, width, l, now; /* the columns and the block of k that are done now */
    float *pa, *pb;
} plan;

static void make_grid(plan *p) {
    const int64_t tiles = ct__ceil_div_i64(p->m, GEMM_ROWS), panels = ct__ceil_div_i64(ct__min_i64(p->n, p->columns), GEMM_COLS);
    const int64_t parts = ct__max_i64(1, (int64_t)fmin((double)ct__num_threads(), (double)p->m * (double)p->n * (double)p->k / GRAIN));
    double best = INFINITY;
    for (int64_t gm = 1; gm <= parts; gm++) {
        const int64_t gn = parts / gm;
        const double time = (double)ct__ceil_div_i64(tiles, gm) * (double)ct__ceil_div_i64(panels, gn) + 0.1 * (double)ct__ceil_div_i64(tiles, gm);
        if (parts % gm || (p->swapped && gn > 1) || time >= best) continue;
        best = time;
        p->gm = gm;
        p->gn = gn;
    }
}

static plan plan_of(const ct__gemm_args *g) {
    if (g->m == 0 || g->n == 0 || g->k == 0) return (plan){.m = 0};
    plan p = {.m = g->m, .n = g->n, .k = g->k, .lda = g->lda, .ldb = g->ldb, .ldc = g->ldc, .a_along = g->ta, .b_along = !g->tb, .a = g->a, .b = g->b,
              .bias = g->bias, .c = g->c, .alpha = (float)g->alpha, .beta = (float)g->beta};
    int64_t depth = DEPTH;
    if (!g->ta && g->tb && g->m <= FEW && g->n > g->m) {
        p = (plan){.swapped = true, .m = g->n, .n = g->m, .k = g->k, .lda = g->ldb, .ldb = g->lda, .ldc = g->ldc, .a = g->b, .b = g->a, .bias = g->bias,
                   .c = g->c, .alpha = (float)g->alpha, .beta = (float)g->beta};
        depth = FEW_DEPTH;
    }
    p.depth = ct__ceil_div_i64(ct__even_part_i64(ct__max_i64(p.k, 1), depth), 8) * 8;
    p.columns = ct__max_i64(1, B_MOST / p.depth / GEMM_COLS) * GEMM_COLS;
    make_grid(&p);
    return p;
}

/* ---- Scratch: a block of B, then a block of A per part ---- */

static int64_t b_floats(const plan *p) { return ct__ceil_div_i64(ct__min_i64(p->n, p->columns), GEMM_COLS) * GEMM_COLS * p->depth + SPARE; }
static int64_t a_floats(const plan *p) { return p->swapped ? 0 : ct__min_i64(ct__ceil_div_i64(p->m, GEMM_ROWS), BLOCK) * GEMM_ROWS * p->depth + SPARE; }

/* Below these sizes OpenBLAS, which does not pack small ones, is as fast or faster. Between 112 and 144 rows the last tile of a part is mostly empty, but up to 16
 * million products OpenBLAS' clearing and packing cost more: the weight gradient of a layer of 128 features (128 x 784 x 64) is 1.35 times as fast, 128 x 9216 x 64
 * would be a tenth slower. */
static size_t scratch(const ct__gemm_args *g) {
    const double products = (double)g->m * (double)g->n * (double)g->k;
    if (products < 1 << 20) return 0;
    const plan p = plan_of(g);
    const bool many = p.m >= 144 && p.n >= 96, some = p.m >= 112 && p.n >= 128 && products >= 1 << 21 && products <= 1 << 24;
    const bool large = p.swapped ? p.n >= 8 && p.m >= 64 && p.k >= 64 : p.k >= 64 && (many || some);
    if (!large) return 0;
    return (size_t)(b_floats(&p) + p.gm * p.gn * a_floats(&p)) * sizeof(float);
}

static void pack_panels(int64_t begin, int64_t end, void *arg) {
    const plan *p = arg;
    const int64_t j = begin * GEMM_COLS, n = ct__min_i64(p->width, end * GEMM_COLS) - j;
    float *out = p->pb + j * p->now;
    if (p->b_along) pack_along_f32(p->b + p->l * p->ldb + p->j + j, p->ldb, n, p->now, GEMM_COLS, out);
    else pack_across_f32(p->b + (p->j + j) * p->ldb + p->l, p->ldb, n, p->now, GEMM_COLS, out);
}

/* ---- A part of C ---- */

static gemm_tile_f32 tile_of(const plan *p) {
    return (gemm_tile_f32){.k = p->now, .c_row = p->ldc, .alpha = p->alpha, .keep = p->l ? 1 : p->beta, .rows = GEMM_ROWS};
}

/* What differs from panel to panel. */
static void set_panel(gemm_tile_f32 *t, const plan *p, int64_t panel) {
    t->b = p->pb + panel * GEMM_COLS * p->now;
    t->cols = (int)ct__min_i64(p->width - panel * GEMM_COLS, GEMM_COLS);
}

/* What the tiles of a block fetch for later: `first` for the first tile and panel, per_tile and per_panel bytes on for others, in the first `panels` panels. */
typedef struct fetch {
    gemm_fetch first;
    int64_t per_tile, per_panel, panels;
} fetch;

static gemm_fetch fetch_at(const fetch *f, int64_t tile, int64_t panel) {
    gemm_fetch at = f->first;
    at.p += tile * f->per_tile + panel * f->per_panel;
    return at;
}

/* Rows i.. of A, a tile of them for each tile that runs, a share of it for each of so many panels. */
static fetch fetch_rows(const plan *p, int64_t i, int64_t panels) {
    const int64_t ld = p->lda * (int64_t)sizeof(float), runs = p->now / GEMM_STEPS;
    /* Of a tile so many rows as they are stored; a panel fetches a line of `each` of them, or, of long ones, all of one, and that `lines` times. */
    const int64_t rows = p->a_along ? p->now : GEMM_ROWS, each = p->a_along ? runs : 1, lines = ct__ceil_div_i64(rows, panels * each);
    const float *at = p->a_along ? p->a + p->l * p->lda + i : p->a + i * p->lda + p->l;
    return (fetch){.first = {(const char *)at, (int)lines, ld, p->a_along ? lines * ld : GEMM_STEPS * (int64_t)sizeof(float)},
                   .per_tile = p->a_along ? GEMM_ROWS * (int64_t)sizeof(float) : GEMM_ROWS * ld,
                   .per_panel = lines * each * ld,
                   .panels = ct__ceil_div_i64(rows, lines * each)};
}

/* The panel behind `panel`. */
static fetch fetch_panel(const plan *p, int64_t panel, int64_t panels, int64_t tiles) {
    const int64_t lines = ct__ceil_div_i64(GEMM_COLS * GEMM_STEPS * (int64_t)sizeof(float), 64 * tiles), bytes = GEMM_COLS * p->now * (int64_t)sizeof(float);
    return (fetch){.first = {(const char *)p->pb + (panel + 1) * bytes, (int)lines, 64, lines * 64},
                   .per_tile = p->now / GEMM_STEPS * lines * 64,
                   .per_panel = bytes,
                   .panels = panels - 1};
}

/* Packed rows i.. of A down the panels; rows ..to are packed later. */
static void run_block(const plan *p, int64_t i, int64_t rows, int64_t to, int64_t first, int64_t last, const float *pa) {
    const int64_t tiles = ct__ceil_div_i64(rows, GEMM_ROWS), panels = last - first;
    fetch a = {.panels = 0}, b = fetch_panel(p, first, panels, tiles);
    if (i + rows < to && panels > 0 && p->now >= GEMM_STEPS) a = fetch_rows(p, i + rows, panels);
    gemm_tile_f32 t = tile_of(p);
    for (int64_t panel = 0; panel < panels; panel++) {
        const int64_t j = p->j + (first + panel) * GEMM_COLS;
        set_panel(&t, p, first + panel);
        t.bias = p->bias && !p->l ? p->bias + j : NULL;
        for (int64_t tile = 0; tile < tiles; tile++) {
            t.a = pa + tile * GEMM_ROWS * p->now;
            t.rows = (int)ct__min_i64(rows - tile * GEMM_ROWS, GEMM_ROWS);
            t.c = p->c + (i + tile * GEMM_ROWS) * p->ldc + j;
            t.simple = t.rows == GEMM_ROWS && t.cols == GEMM_COLS && t.alpha == 1 && (t.keep == 0 || t.keep == 1);
            t.next = panel < a.panels ? fetch_at(&a, tile, panel) : panel < b.panels ? fetch_at(&b, tile, panel) : (gemm_fetch){.p = NULL};
            tile_packed(&t);
        }
    }
}

/* Rows of A where they lie. The last tile is moved up to end with the last row; what it has in common with the one before is left out. */
static void run_swapped(const plan *p, int64_t begin, int64_t end) {
    gemm_tile_f32 t = tile_of(p);
    t.a_row = p->lda;
    const int64_t bytes = GEMM_ROWS * GEMM_STEPS * (int64_t)sizeof(float);
    const gemm_fetch next = {.lines = (int)(bytes / 64), .line = 64, .step = bytes};
    for (int64_t i = begin; i < end; i += GEMM_ROWS) {
        const int64_t at = ct__min_i64(i, p->m - GEMM_ROWS);
        t.skip = (int)(i - at);
        t.a = p->a + at * p->lda + p->l;
        t.bias = p->bias && !p->l ? p->bias + at : NULL;
        for (int64_t panel = 0; panel * GEMM_COLS < p->width; panel++) {
            set_panel(&t, p, panel);
            t.c = p->c + (p->j + panel * GEMM_COLS) * p->ldc + at;
            t.next = next;
            if (panel == 0 && p->now == p->lda && i + 2 * GEMM_ROWS <= end) t.next.p = (const char *)(t.a + GEMM_ROWS * p->lda);
            else t.next.lines = 0;
            tile_strided(&t);
        }
    }
}

static void run_parts(int64_t begin, int64_t end, void *arg) {
    const plan *p = arg;
    const int64_t tiles = ct__ceil_div_i64(p->m, GEMM_ROWS), panels = ct__ceil_div_i64(p->width, GEMM_COLS);
    for (int64_t part = begin; part < end; part++) {
        const int64_t x = part / p->gn, y = part % p->gn, first = panels * y / p->gn, last = panels * (y + 1) / p->gn;
        const int64_t from = tiles * x / p->gm * GEMM_ROWS, to = ct__min_i64(tiles * (x + 1) / p->gm * GEMM_ROWS, p->m);
        const int64_t block = ct__even_part_i64(ct__ceil_div_i64(to - from, GEMM_ROWS), BLOCK) * GEMM_ROWS;
        float *pa = p->pa + part * a_floats(p);
        if (p->swapped) run_swapped(p, from, to);
        for (int64_t i = from; i < to && !p->swapped; i += block) {
            const int64_t rows = ct__min_i64(block, to - i);
            if (p->a_along) pack_along_f32(p->a + p->l * p->lda + i, p->lda, rows, p->now, GEMM_ROWS, pa);
            else pack_across_f32(p->a + i * p->lda + p->l, p->lda, rows, p->now, GEMM_ROWS, pa);
            run_block(p, i, rows, to, first, last, pa);
        }
    }
}

static void f32(const ct__gemm_args *g, void *scratch_) {
    plan p = plan_of(g);
    p.pb = scratch_;
    p.pa = p.pb + b_floats(&p);
    for (p.j = 0; p.j < p.n; p.j += p.width) {
        p.width = ct__min_i64(p.columns, p.n - p.j);
        for (p.l = 0; p.l < p.k; p.l += p.now) {
            p.now = ct__min_i64(p.depth, p.k - p.l);
            ct__parallel_for(ct__ceil_div_i64(p.width, GEMM_COLS), ct__max_i64(1, (1 << 15) / (p.now * GEMM_COLS)), pack_panels, &p);
            ct__parallel_for(p.gm * p.gn, 1, run_parts, &p);
        }
    }
}

void CT__ISA_NAME(ct__gemm_fill)(ct__gemm_kernels *k) { *k = (ct__gemm_kernels){.scratch = scratch, .f32 = f32}; }
#else
void CT__ISA_NAME(ct__gemm_fill)(ct__gemm_kernels *k) { (void)k; }
#endif
