/* Products of sparse matrices: every ISA against the plain C, dense operands by rows and by columns, one thread and several. */
#include "support/test.h"

#include "kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 37, COLS = 53, MAX_N = 70 };

typedef struct problem {
    int64_t crow[ROWS + 1], col[ROWS * COLS], nnz;
    double values[ROWS * COLS], g[ROWS * MAX_N], d[COLS * MAX_N];
    float values_f[ROWS * COLS], g_f[ROWS * MAX_N], d_f[COLS * MAX_N];
} problem;

static void build(problem *p) {
    unsigned state = 1;
    p->nnz = 0;
    for (int i = 0; i < ROWS; i++) {
        p->crow[i] = p->nnz;
        for (int j = 0; j < COLS; j++) {
            state = state * 1103515245u + 12345u;
            if ((state >> 16) % 5 == 0 && i % 7 != 3) p->col[p->nnz++] = j;
        }
    }
    p->crow[ROWS] = p->nnz;
    for (int i = 0; i < ROWS * COLS; i++) p->values_f[i] = (float)(p->values[i] = sin(i * 0.7));
    for (int i = 0; i < ROWS * MAX_N; i++) p->g_f[i] = (float)(p->g[i] = cos(i * 0.3));
    for (int i = 0; i < COLS * MAX_N; i++) p->d_f[i] = (float)(p->d[i] = sin(i * 0.11 + 1));
}

static void check(const char *what, ct__isa isa, bool f64, const void *got, const void *want, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double a = f64 ? ((const double *)got)[i] : (double)((const float *)got)[i], b = f64 ? ((const double *)want)[i] : (double)((const float *)want)[i];
        ck_assert_msg(fabs(a - b) <= (f64 ? 1e-12 : 1e-4), "%s, isa %d, element %lld: %.17g, ref %.17g", what, (int)isa, (long long)i, a, b);
    }
}

START_TEST(all_isas_agree_with_plain_c) {
    static problem p;
    static double got[3][COLS * MAX_N], want[3][COLS * MAX_N];
    build(&p);
    for (int isa = CT__ISA_REF; isa <= CT__ISA_AVX512; isa++) {
        const ct__kernels *k = ct__kern_for((ct__isa)isa), *ref = ct__kern_for(CT__ISA_REF);
        if (!k) continue;
        for (int f64 = 0; f64 < 2; f64++)
            for (int by_cols = 0; by_cols < 2; by_cols++)
                for (int64_t n = 0; n <= MAX_N; n += n < 6 ? 1 : 16) {
                    ct__csr a = {.rows = ROWS, .cols = COLS, .crow = p.crow, .col = p.col, .values = f64 ? (void *)p.values : (void *)p.values_f};
                    ct__sparse_dense d = {f64 ? (void *)p.d : (void *)p.d_f, by_cols ? COLS : n > 0 ? n : 1, by_cols};
                    const void *g = f64 ? (void *)p.g : (void *)p.g_f;
                    memset(got, 0xff, sizeof got);
                    memset(want, 0xff, sizeof want);
                    k->sparse.mm[f64](&a, n, &d, got[0]);
                    ref->sparse.mm[f64](&a, n, &d, want[0]);
                    check("mm", (ct__isa)isa, f64, got[0], want[0], ROWS * n);
                    ct__sparse_dense x = d, y = d;
                    x.data = got[1], y.data = want[1];
                    k->sparse.mm_t[f64](&a, n, g, &x);
                    ref->sparse.mm_t[f64](&a, n, g, &y);
                    check("mm_t", (ct__isa)isa, f64, got[1], want[1], COLS * n);
                    k->sparse.sampled[f64](&a, n, g, &d, got[2]);
                    ref->sparse.sampled[f64](&a, n, g, &d, want[2]);
                    check("sampled", (ct__isa)isa, f64, got[2], want[2], p.nnz);
                }
    }
}
END_TEST

TEST_LIST = {TEST(all_isas_agree_with_plain_c)};
TEST_MAIN("kern_sparse")
