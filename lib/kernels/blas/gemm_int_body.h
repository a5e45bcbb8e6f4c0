/*
 * gemm_int_body.h: the loops of gemm_int.c for one element type: T, and U, the unsigned type of its width, in which overflow
 * wraps around. Included once per type.
 */

/* One batch item: rows [begin, end) of C [m, n]. Element (i, l) of A is a[i * a_row + l * a_col]; B likewise. Row by row of B, so that the inner
 * loop runs along memory unless B is transposed. */
static void NAME(const ct__gemm_args *g, const T *a, const T *b, T *c, int64_t begin, int64_t end) {
    int64_t a_row = g->ta ? 1 : g->lda, a_col = g->ta ? g->lda : 1;
    int64_t b_row = g->tb ? 1 : g->ldb, b_col = g->tb ? g->ldb : 1;
    const T *bias = g->bias;
    U alpha = (U)(int64_t)g->alpha, beta = (U)(int64_t)g->beta;
    for (int64_t i = begin; i < end; i++) {
        T *row = c + i * g->ldc;
        for (int64_t j = 0; j < g->n; j++) row[j] = bias ? bias[j] : beta == 0 ? 0 : (T)(U)((U)row[j] * beta);
        for (int64_t l = 0; l < g->k; l++) {
            U x = (U)((U)a[i * a_row + l * a_col] * alpha);
            for (int64_t j = 0; j < g->n; j++) {
                const U sum = (U)row[j], y = (U)b[l * b_row + j * b_col];
                row[j] = (T)(sum + x * y);
            }
        }
    }
}
#undef NAME
#undef T
#undef U
