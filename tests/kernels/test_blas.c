/* The BLAS seam: lib/kernels/blas. Against a triple loop, for all transpositions, sizes around the grid's borders, and small limits. */
#include "support/test.h"

#include "base/pool.h"
#include "kernels/blas/blas.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double value(int64_t i) { return sin(0.7 * (double)i + 0.3); }

static void put(void *p, ct_dtype d, int64_t i, double v) {
    if (d == CT_F32) ((float *)p)[i] = (float)v;
    else if (d == CT_F64) ((double *)p)[i] = v;
    else if (d == CT_I32) ((int32_t *)p)[i] = (int32_t)(v * 9);
    else if (d == CT_I64) ((int64_t *)p)[i] = (int64_t)(v * 9);
    else ((uint8_t *)p)[i] = (uint8_t)fabs(v * 9);
}
static double get(const void *p, ct_dtype d, int64_t i) {
    if (d == CT_F32) return (double)((const float *)p)[i];
    if (d == CT_F64) return ((const double *)p)[i];
    if (d == CT_I32) return (double)((const int32_t *)p)[i];
    if (d == CT_I64) return (double)((const int64_t *)p)[i];
    return (double)((const uint8_t *)p)[i];
}

/* One product of a batch of `batch`, B shared by all of it, rows of all matrices `pad` longer than needed. */
static void check(ct_dtype d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, double beta, bool bias, int64_t batch, int64_t pad) {
    ct__gemm_args g = {.dtype = d, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .alpha = alpha, .beta = beta, .batch_ndim = 1, .batch_sizes = {batch}};
    g.lda = (ta ? m : k) + pad + ((ta ? m : k) + pad == 0);
    g.ldb = (tb ? k : n) + pad + ((tb ? k : n) + pad == 0);
    g.ldc = n + pad + (n + pad == 0);
    int64_t na = (ta ? k : m) * g.lda, nb = (tb ? n : k) * g.ldb, nc = m * g.ldc;
    g.a_strides[0] = na;
    g.c_strides[0] = nc;
    char *a = malloc((size_t)(batch * na + 1) * 8), *b = malloc((size_t)(nb + 1) * 8), *c = malloc((size_t)(batch * nc + 1) * 8), *v = malloc((size_t)(n + 1) * 8);
    double *before = malloc((size_t)(batch * nc + 1) * sizeof *before);
    for (int64_t i = 0; i < batch * na; i++) put(a, d, i, value(i));
    for (int64_t i = 0; i < nb; i++) put(b, d, i, value(i + 1000));
    for (int64_t i = 0; i < n; i++) put(v, d, i, value(i + 2000));
    for (int64_t i = 0; i < batch * nc; i++) {
        put(c, d, i, value(i + 3000));
        if (beta == 0 && i % g.ldc < n && d <= CT_F64) put(c, d, i, NAN);
        before[i] = get(c, d, i);
    }
    g.a = a;
    g.b = b;
    g.c = c;
    g.bias = bias ? v : NULL;
    if (d <= CT_F64) ct__gemm(&g);
    else ct__gemm_int(&g);
    for (int64_t s = 0; s < batch; s++)
        for (int64_t i = 0; i < nc; i++) {
            int64_t row = i / g.ldc, col = i % g.ldc;
            double want = before[s * nc + i], got = get(c, d, s * nc + i);
            if (col < n) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += get(a, d, s * na + (ta ? l * g.lda + row : row * g.lda + l)) * get(b, d, tb ? col * g.ldb + l : l * g.ldb + col);
                want = alpha * sum + (bias ? get(v, d, col) : beta == 0 ? 0 : beta * want);
                if (d == CT_U8) want = (double)(uint8_t)(int64_t)want;
            }
            double tolerance = d == CT_F32 ? 1e-5 * (1 + fabs(want)) * sqrt((double)k + 1) : d == CT_F64 ? 1e-13 * ((double)k + 1) : 0;
            ck_assert_msg(fabs(got - want) <= tolerance, "%s m %lld n %lld k %lld ta %d tb %d batch %lld pad %lld: row %lld col %lld is %.9g, want %.9g",
                          ct_dtype_name(d), (long long)m, (long long)n, (long long)k, ta, tb, (long long)s, (long long)pad, (long long)row, (long long)col, got, want);
        }
    free(a);
    free(b);
    free(c);
    free(v);
    free(before);
}

static void check_all(ct_dtype d, int64_t m, int64_t n, int64_t k) {
    for (int t = 0; t < 4; t++) {
        check(d, t & 1, t >> 1, m, n, k, 1, 0, false, 1, 0);
        check(d, t & 1, t >> 1, m, n, k, 2, -3, false, 3, 2);
        check(d, t & 1, t >> 1, m, n, k, 1, 0, true, 2, 1);
        check(d, t & 1, t >> 1, m, n, k, 0, 1, false, 1, 0);
    }
}

static const int64_t sizes[][3] = {{0, 3, 2}, {3, 0, 2}, {2, 3, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 5}, {1, 7, 5}, {7, 1, 5}, {2, 3, 1}, {5, 4, 9}, {17, 33, 19}};

START_TEST(products_equal_the_triple_loop) {
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_all(CT_F32, sizes[i][0], sizes[i][1], sizes[i][2]);
        check_all(CT_F64, sizes[i][0], sizes[i][1], sizes[i][2]);
        check_all(CT_I32, sizes[i][0], sizes[i][1], sizes[i][2]);
        check_all(CT_I64, sizes[i][0], sizes[i][1], sizes[i][2]);
        check_all(CT_U8, sizes[i][0], sizes[i][1], sizes[i][2]);
    }
}
END_TEST

/* Those that kernels of our own do: sizes around their tiles of 14 x 32, blocks of 384 of k, and their parts; few rows against weights. */
static const int64_t large[][3] = {{144, 96, 64},  {154, 127, 65}, {155, 129, 383}, {383, 97, 64}, {253, 160, 100}, {150, 100, 800}, {8, 1030, 130},
                                   {31, 500, 77}, {32, 513, 128}, {33, 80, 400},   {64, 65, 300}, {63, 141, 129},  {9, 70, 2100},
                                   {700, 100, 400}, {290, 420, 72}, {530, 97, 777}};

START_TEST(large_products_equal_the_triple_loop) {
    int before = ct_get_num_threads();
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        const int64_t m = large[i][0], n = large[i][1], k = large[i][2];
        ct_set_num_threads(1 + (int)(i % 5));
        for (int t = 0; t < 4; t++) {
            check(CT_F32, t & 1, t >> 1, m, n, k, 1, 0, t & 1, 1, 0);
            check(CT_F32, t & 1, t >> 1, m, n, k, 1, 1, false, 1, t);
        }
        check(CT_F32, false, true, m, n, k, 1, 0, true, 1, 3);
        check(CT_F32, false, true, m, n, k, 2, -3, false, 1, 1);
        check(CT_F32, false, false, m, n, k, -0.5, 0, true, 1, 2);
    }
    ct_set_num_threads(before);
}
END_TEST

START_TEST(every_grid_covers_the_result_once) {
    int before = ct_get_num_threads();
    static const int64_t grids[][3] = {{129, 65, 300}, {65, 129, 300}, {513, 40, 40}, {3, 700, 300}, {1, 3000, 100}, {3000, 1, 100}, {70, 70, 200}};
    for (int threads = 1; threads <= 12; threads += 1 + threads / 3) {
        ct_set_num_threads(threads);
        for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
            check(CT_F32, i & 1, i & 2, grids[i][0], grids[i][1], grids[i][2], 1, 0, true, 1, 0);
            check(CT_F64, i & 2, i & 1, grids[i][0], grids[i][1], grids[i][2], 1.5, 0.5, false, 1 + (int64_t)(i % 3), 3);
        }
    }
    ct_set_num_threads(before);
}
END_TEST

START_TEST(sizes_beyond_the_limit_are_split) {
    for (int64_t limit = 1; limit <= 5; limit += 2) {
        ct__blas_set_size_limit(limit);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            check_all(CT_F32, sizes[i][0], sizes[i][1], sizes[i][2]);
            check_all(CT_F64, sizes[i][0], sizes[i][1], sizes[i][2]);
        }
        ct__blas_set_size_limit(0);
    }
}
END_TEST

START_TEST(long_dot_products_are_split_and_the_same_each_time) {
    enum { N = 300001 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), first = 0;
    double want = 0;
    for (int i = 0; i < N; i++) {
        x[i] = (float)value(i);
        y[i] = (float)value(i + 5);
        want += (double)x[i] * (double)y[i];
    }
    int before = ct_get_num_threads();
    for (int threads = 1; threads <= 5; threads += 2) {
        ct_set_num_threads(threads);
        for (int again = 0; again < 2; again++) {
            float c = NAN;
            ct__gemm_args g = {.dtype = CT_F32, .m = 1, .n = 1, .k = N, .lda = N, .ldb = 1, .ldc = 1, .a = x, .b = y, .c = &c, .alpha = 2};
            ct__gemm(&g);
            ck_assert_msg(fabs((double)c - 2 * want) <= 1e-4 * fabs(want), "%g, want %g", (double)c, 2 * want);
            if (again) ck_assert(c == first);
            first = c;
        }
    }
    ct_set_num_threads(before);
    free(x);
    free(y);
}
END_TEST

START_TEST(the_threads_of_openblas_are_given_back) {
    ct_blas_release();
    openblas_set_num_threads(2);
    int mine = openblas_get_num_threads();
    check(CT_F32, false, false, 2, 2, 2, 1, 0, false, 1, 0);
    ck_assert_int_eq(openblas_get_num_threads(), 1);
    ct_blas_release();
    ck_assert_int_eq(openblas_get_num_threads(), mine);
    ct_blas_release(); /* twice is fine */
    ck_assert_int_eq(openblas_get_num_threads(), mine);
    check(CT_F32, false, false, 2, 2, 2, 1, 0, false, 1, 0);
    ck_assert_int_eq(openblas_get_num_threads(), 1);
    ck_assert_ptr_nonnull(strstr(ct__blas_describe(), "OpenBLAS"));
    ck_assert_int_eq(ct__blas_ld_max(), INT32_MAX);
}
END_TEST

TEST_LIST = {TEST(products_equal_the_triple_loop), TEST(large_products_equal_the_triple_loop), TEST(every_grid_covers_the_result_once), TEST(sizes_beyond_the_limit_are_split),
             TEST(long_dot_products_are_split_and_the_same_each_time), TEST(the_threads_of_openblas_are_given_back)};
TEST_MAIN("blas")
