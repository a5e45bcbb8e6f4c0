/*
 * cpu_attention.c: attention for an instruction set, block by block.
 *
 * A task is ROWS rows of one head forward, a whole head backward (so that dk and dv have one writer). Scores of ROWS x COLUMNS live on the stack;
 * products are the BLAS's. Forward keeps a running maximum m and sum of each row: a block with a larger maximum scales what has been summed
 * by exp(m_old - m_new). Dropout makes its mask row by row, and backward makes it again (Milakov and Gimelshein 2018; Rabe and Staats 2021; Dao et al. 2022).
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

/* C [m, n] = alpha op(A) op(B) + beta C with leading dimensions. */
static void product(ct_dtype dtype, bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const void *a, int64_t lda, const void *b,
                    int64_t ldb, double beta, void *c, int64_t ldc) {
    ct__gemm(&(ct__gemm_args){.dtype = dtype, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .lda = ct__max_i64(lda, 1), .ldb = ct__max_i64(ldb, 1),
                              .ldc = ct__max_i64(ldc, 1), .a = a, .b = b, .c = c, .alpha = alpha, .beta = beta, .in_job = true});
}

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
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
