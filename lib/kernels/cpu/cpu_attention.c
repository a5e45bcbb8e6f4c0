/*
 * cpu_attention.c: attention for an instruction set, block by block.
 *
 * A task is ROWS rows of one head forward, a whole head backward (so that dk and dv have one writer). Scores of ROWS x COLUMNS live on the stack;
 * products are the BLAS's, with AVX-512 mostly those of a tile of our own. Forward keeps a running maximum m and sum of each row: a block with a larger
 * maximum scales what has been summed by exp(m_old - m_new). Dropout makes its mask row by row, and backward makes it again (Milakov and Gimelshein 2018;
 * Rabe and Staats 2021; Dao et al. 2022).
 */
#include "kernels/blas/blas.h"
#include "kernels/cpu/philox_block.h"
#include "kernels/kernels.h"
#include "kernels/vmath.h"

enum { ROWS = 64, COLUMNS = 128 };

typedef struct forward_job {
    const ct__attention *a;
    int64_t blocks; /* of rows in a head */
    const ct__attention_rows *out;
    void *lse;
} forward_job;

typedef struct backward_job {
    const ct__attention *a;
    const ct__attention_grads *g;
    const void *lse;
} backward_job;

static void blas_product(ct_dtype dtype, bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const void *a, int64_t lda, const void *b,
                         int64_t ldb, double beta, void *c, int64_t ldc) {
    ct__gemm(&(ct__gemm_args){.dtype = dtype, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .lda = ct__max_i64(lda, 1), .ldb = ct__max_i64(ldb, 1),
                              .ldc = ct__max_i64(ldc, 1), .a = a, .b = b, .c = c, .alpha = alpha, .beta = beta, .in_job = true});
}

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#if CT__VEC_BYTES == 64
enum { GEMM_ROWS = 14, GEMM_VECS = 2, GEMM_COLS = GEMM_VECS * LANES, GEMM_STEPS = 16, PACKED = COLUMNS * 64 };
#include "kernels/cpu/gemm_tile.h"

static CT__NOINLINE void tile_rows(const gemm_tile_f32 *t) { tile_run_f32(t, t->a_row, 1, false); }
static CT__NOINLINE void tile_columns(const gemm_tile_f32 *t) { tile_run_f32(t, 1, COLUMNS, false); }

static CT__NOINLINE void pack_rows(const float *b, int64_t ld, int64_t n, int64_t k, float *out) { pack_along_f32(b, ld, n, k, GEMM_COLS, out); }
static CT__NOINLINE void pack_columns(const float *b, int64_t ld, int64_t n, int64_t k, float *out) { pack_across_f32(b, ld, n, k, GEMM_COLS, out); }

/* A product of a block with the tile of cpu_gemm.c; A^T is a block of scores. B, with alpha, is copied to where the tile reads it in order, which
 * is faster than B where it lies. The last tile of rows is moved up to end with the last row. False: too few rows or too much of B. */
static bool own_product(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const float *a, int64_t lda, const float *b, int64_t ldb, double beta,
                        float *c, int64_t ldc) {
    const int64_t floats = ct__ceil_div_i64(n, GEMM_COLS) * GEMM_COLS * k;
    if (m < GEMM_ROWS || floats > PACKED || (ta && lda != COLUMNS)) return false;
    float packed[PACKED + LANES];
    (tb ? pack_columns : pack_rows)(b, ldb, n, k, packed);
    if (alpha != 1)
        for (int64_t i = 0; i < floats; i += LANES) v_store(packed + i, v_load(packed + i) * v_splat((float)alpha));
    gemm_tile_f32 t = {.a_row = lda, .b = packed, .k = k, .c_row = ldc, .rows = GEMM_ROWS, .alpha = 1, .keep = (float)beta};
    for (int64_t j = 0; j < n; j += GEMM_COLS, t.b += GEMM_COLS * k) {
        t.cols = (int)ct__min_i64(GEMM_COLS, n - j);
        for (int64_t i = 0; i < m; i += GEMM_ROWS) {
            const int64_t at = ct__min_i64(i, m - GEMM_ROWS);
            t.skip = (int)(i - at);
            t.simple = at == i && t.cols == GEMM_COLS && (beta == 0 || beta == 1);
            t.a = a + at * (ta ? 1 : lda);
            t.c = c + at * ldc + j;
            (ta ? tile_columns : tile_rows)(&t);
        }
    }
    return true;
}
#endif

/* C [m, n] = alpha op(A) op(B) + beta C with leading dimensions. */
static void product(ct_dtype dtype, bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const void *a, int64_t lda, const void *b,
                    int64_t ldb, double beta, void *c, int64_t ldc) {
#if CT__VEC_BYTES == 64
    if (dtype == CT_F32 && own_product(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)) return;
#endif
    blas_product(dtype, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#define T float
#define DTYPE CT_F32
#define EXP ct__v_expf
#define LOG ct__v_logf
#include "kernels/cpu/attention_blocks.inc"
#undef T
#undef DTYPE
#undef EXP
#undef LOG
#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#define T double
#define DTYPE CT_F64
#define EXP exp
#define LOG log
#include "kernels/cpu/attention_blocks.inc"

static void forward(const ct__attention *a, const ct__attention_rows *out, void *lse) {
    forward_job j = {a, (a->l + ROWS - 1) / ROWS, out, lse};
    ct__parallel_for(a->n * a->h * j.blocks, 1, a->dtype == CT_F32 ? forward_blocks_f32 : forward_blocks_f64, &j);
}

static void backward(const ct__attention *a, const ct__attention_grads *g, const void *lse) {
    backward_job j = {a, g, lse};
    ct__parallel_for(a->n * a->h, 1, a->dtype == CT_F32 ? backward_heads_f32 : backward_heads_f64, &j);
}

void CT__ISA_NAME(ct__attention_fill)(ct__attention_kernels *k);
void CT__ISA_NAME(ct__attention_fill)(ct__attention_kernels *k) { *k = (ct__attention_kernels){.forward = forward, .backward = backward}; }
