/*
 * cpu_rnn.c: the steps of LSTM and GRU for an instruction set: the loops of rnn_loops.inc with the functions of vmath.h, which vectorise, and rows shared
 * among threads where a step is large.
 *
 * Products with a packed weight hold a tile of C in registers: ROWS rows by VECS vectors. The weight lies as
 *
 *      [columns / (VECS lanes)][k][VECS lanes]        zeros beyond the last column
 *
 * so that it is read in order. A block of DEPTH rows of it stays in L1 while all rows of A pass; the tile of C is stored and loaded again from one block to
 * the next.
 */
#include "kernels/kernels.h"
#include "kernels/vmath.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#undef REAL
#undef NAME

static double sigmoid_f64(double x) { return 1 / (1 + exp(-x)); }

#define REAL float
#define SIGMOID ct__v_sigmoidf
#define TANH ct__v_tanhf
#define T float
#define NAME(x) x##_f32
#include "kernels/rnn_loops.inc"
#undef REAL
#undef SIGMOID
#undef TANH
#undef T
#undef NAME
#define REAL double
#define SIGMOID sigmoid_f64
#define TANH tanh
#define T double
#define NAME(x) x##_f64
#include "kernels/rnn_loops.inc"

enum { GRAIN = 4096 }; /* gates' elements that make a thread's while */
static int64_t grain(int64_t h) { return ct__max_i64(1, GRAIN / ct__max_i64(4 * h, 1)); }

static void lstm(ct_dtype dtype, int64_t rows, int64_t h, void *gates, void *c, void *c_old, void *out) {
    lstm_job j = {.h = h, .gates = gates, .c = c, .c_old = c_old, .out = out};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? lstm_rows_f32 : lstm_rows_f64, &j);
}
static void lstm_backward(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *c_old, const void *dout, void *dc, void *dgates, void *out) {
    lstm_job j = {.h = h, .saved = gates, .old = c_old, .dout = dout, .c = dc, .gates = dgates, .out = out};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? lstm_backward_rows_f32 : lstm_backward_rows_f64, &j);
}
static void gru(ct_dtype dtype, int64_t rows, int64_t h, void *gx, const void *gh, void *state, void *hn, void *out) {
    gru_job j = {.h = h, .gx = gx, .gh = gh, .state = state, .hn = hn, .out = out};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? gru_rows_f32 : gru_rows_f64, &j);
}
static void gru_backward(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *hn, const void *old, void *dstate, void *dgx, void *dgh) {
    gru_job j = {.h = h, .gh = gates, .saved_hn = hn, .old = old, .state = dstate, .gx = dgx, .out = dgh};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? gru_backward_rows_f32 : gru_backward_rows_f64, &j);
}

/* ---- Products with a packed weight ---- */

#if CT__VEC_BYTES == 64
enum { ROWS = 6, VECS = 4 }; /* 24 sums, 4 vectors of W, 1 of A in 32 registers */
#else
enum { ROWS = 4, VECS = 3 }; /* 12, 3 and 1 in 16 */
#endif
enum { DEPTH = 64, WIDTH = VECS * LANES };

static int64_t tiles_of(int64_t n) { return (n - 1) / WIDTH + 1; }
static int64_t packed_size(int64_t k, int64_t n) { return k * tiles_of(n) * WIDTH; }

static void pack(int64_t k, int64_t n, bool transposed, const float *w, float *packed) {
    for (int64_t tile = 0; tile < tiles_of(n); tile++) {
        const int64_t first = tile * WIDTH, cols = ct__min_i64(WIDTH, n - first);
        for (int64_t i = 0; i < k; i++, packed += WIDTH) {
            for (int64_t j = 0; j < cols; j++) packed[j] = transposed ? w[(first + j) * k + i] : w[i * n + first + j];
            for (int64_t j = cols; j < WIDTH; j++) packed[j] = 0;
        }
    }
}

/* a [rows, depth], rows lda apart; c [rows, vecs * LANES], rows ldc apart. */
CT__INLINE void tile(const int rows, const int vecs, int64_t depth, const float *a, int64_t lda, const float *w, bool add, float *c, int64_t ldc) {
    VEC sum[ROWS][VECS];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++) sum[i][v] = add ? v_load(c + i * ldc + v * LANES) : v_zero();
#pragma GCC unroll 2
    for (int64_t k = 0; k < depth; k++, w += WIDTH) {
        VEC wv[VECS];
        for (int v = 0; v < vecs; v++) wv[v] = v_load(w + v * LANES);
        for (int i = 0; i < rows; i++) {
            VEC x = v_splat(a[i * lda + k]);
            for (int v = 0; v < vecs; v++) sum[i][v] = v_fma(x, wv[v], sum[i][v]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++) v_store(c + i * ldc + v * LANES, sum[i][v]);
}

/* A function for each number of rows, so that its sums stay in registers. Columns are a whole tile or, at the edge, fewer vectors. */
#define TILE(n)                                                                                                                           \
    static CT__NOINLINE void tile_##n(int vecs, int64_t depth, const float *a, int64_t lda, const float *w, bool add, float *c, int64_t ldc) { \
        if (vecs > 2) tile(n, VECS, depth, a, lda, w, add, c, ldc);                                                                        \
        else if (vecs == 2) tile(n, 2, depth, a, lda, w, add, c, ldc);                                                                     \
        else tile(n, 1, depth, a, lda, w, add, c, ldc);                                                                                    \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
#if CT__VEC_BYTES == 64
TILE(5)
TILE(6)
#endif
static void (*const tile_fns[])(int, int64_t, const float *, int64_t, const float *, bool, float *, int64_t) = {
    tile_1, tile_2, tile_3, tile_4,
#if CT__VEC_BYTES == 64
    tile_5, tile_6,
#endif
};

/* Columns [first, first + cols) of C, in groups of about as many rows each. */
static void panel(int64_t rows, int64_t k, const float *a, const float *w, bool add, float *c, int64_t ldc, int vecs) {
    const int64_t groups = (rows - 1) / ROWS + 1;
    for (int64_t l = 0; l < ct__max_i64(k, 1); l += DEPTH, w += DEPTH * WIDTH)
        for (int64_t g = 0; g < groups; g++) {
            const int64_t i = rows * g / groups, m = rows * (g + 1) / groups - i;
            tile_fns[m - 1](vecs, ct__min_i64(DEPTH, k - l), a + i * k + l, k, w, add || l > 0, c + i * ldc, ldc);
        }
}

static void product(int64_t rows, int64_t k, int64_t n, const float *a, const float *packed, bool add, float *c) {
    for (int64_t first = 0; first < n; first += WIDTH, packed += k * WIDTH) {
        const int64_t cols = ct__min_i64(WIDTH, n - first);
        if (cols == WIDTH) {
            panel(rows, k, a, packed, add, c + first, n, VECS);
            continue;
        }
        const int vecs = (int)((cols - 1) / LANES + 1);
        float edge[ROWS * WIDTH] = {0};
        for (int64_t i = 0; i < rows; i += ROWS) { /* the last columns by way of whole vectors */
            const int64_t m = ct__min_i64(ROWS, rows - i);
            for (int64_t r = 0; r < m && add; r++) memcpy(edge + r * WIDTH, c + (i + r) * n + first, (size_t)cols * sizeof *c);
            panel(m, k, a + i * k, packed, add, edge, WIDTH, vecs);
            for (int64_t r = 0; r < m; r++) memcpy(c + (i + r) * n + first, edge + r * WIDTH, (size_t)cols * sizeof *c);
        }
    }
}

void CT__ISA_NAME(ct__rnn_fill)(ct__rnn_kernels *k);
void CT__ISA_NAME(ct__rnn_fill)(ct__rnn_kernels *k) {
    *k = (ct__rnn_kernels){.lstm = lstm, .lstm_backward = lstm_backward, .gru = gru, .gru_backward = gru_backward,
                            .packed_size = packed_size, .pack = pack, .product = product};
}
