/*
 * Kernels of the family norm: every instruction set that this machine has against the plain C version.
 */
#include "support/test.h"

#include "kernels/kernels.h"

#include <math.h>

static const ct__isa isas[] = {CT__ISA_BASELINE, CT__ISA_AVX2, CT__ISA_AVX512};
static const ct_dtype dtypes[] = {CT_F32, CT_F64};

enum { ELEMENTS = 40000, NUMBERS = 4096 };
static _Alignas(64) char x[8 * ELEMENTS], g[8 * ELEMENTS], w[8 * NUMBERS], b[8 * NUMBERS], got[8 * ELEMENTS], want[8 * ELEMENTS];
static double mean[NUMBERS], p[NUMBERS], q[NUMBERS], r[NUMBERS], got_a[NUMBERS], got_b[NUMBERS], want_a[NUMBERS], want_b[NUMBERS];

static uint64_t stream;
static double next(void) {
    stream = stream * 6364136223846793005u + 1442695040888963407u;
    return (double)(stream >> 11) / 4503599627370496.0 - 1;
}
static double at(const void *v, ct_dtype dtype, int64_t i) { return dtype == CT_F32 ? (double)((const float *)v)[i] : ((const double *)v)[i]; }
static void fill(void *v, ct_dtype dtype, int64_t n, double offset) {
    for (int64_t i = 0; i < n; i++) {
        if (dtype == CT_F32) ((float *)v)[i] = (float)(next() + offset);
        else ((double *)v)[i] = next() + offset;
    }
}

static void agree(const char *what, ct__isa isa, ct_dtype dtype, const void *a, const void *c, int64_t n, double scale) {
    double tol = (dtype == CT_F32 ? 3e-6 : 1e-14) * scale;
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(at(a, dtype, i) - at(c, dtype, i)) <= tol * (1 + fabs(at(c, dtype, i)))))
            ck_abort_msg("%s, %s, %s: element %lld of %lld is %.17g, want %.17g", what, ct__isa_name(isa), ct_dtype_name(dtype), (long long)i,
                         (long long)n, at(a, dtype, i), at(c, dtype, i));
}
static void agree_sums(const char *what, ct__isa isa, ct_dtype dtype, const double *a, const double *c, int64_t n, double scale) {
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - c[i]) <= (dtype == CT_F32 ? 2e-6 : 1e-13) * scale))
            ck_abort_msg("%s, %s, %s: %lld of %lld is %.17g, want %.17g", what, ct__isa_name(isa), ct_dtype_name(dtype), (long long)i, (long long)n, a[i], c[i]);
}

static void compare_channels(ct__isa isa, const ct__channels *s) {
    const ct__norm_kernels *k = &ct__kern_for(isa)->norm, *ref = &ct__kern_for(CT__ISA_REF)->norm;
    int64_t n = s->outer * s->channels * s->inner;
    fill(x, s->dtype, n, 0.5);
    fill(g, s->dtype, n, 0);
    for (int64_t i = 0; i < s->channels; i++) mean[i] = next(), p[i] = next(), q[i] = next(), r[i] = next();
    k->scale(s, x, mean, p, q, got);
    ref->scale(s, x, mean, p, q, want);
    agree("scale", isa, s->dtype, got, want, n, 1);
    k->combine(s, g, x, mean, p, q, r, got);
    ref->combine(s, g, x, mean, p, q, r, want);
    agree("combine", isa, s->dtype, got, want, n, 1);
    k->sums(s, g, x, mean, got_a, got_b);
    ref->sums(s, g, x, mean, want_a, want_b);
    agree_sums("sums of g", isa, s->dtype, got_a, want_a, s->channels, sqrt((double)n) + 4);
    agree_sums("sums of g (x - mean)", isa, s->dtype, got_b, want_b, s->channels, sqrt((double)n) + 4);
}

static void compare_batch(ct__isa isa, const ct__channels *s, bool training, bool relu, double offset) {
    const ct__norm_kernels *k[2] = {&ct__kern_for(CT__ISA_REF)->norm, &ct__kern_for(isa)->norm};
    static double weight[NUMBERS], bias[NUMBERS], stat[2][3][NUMBERS], sums[2][2][NUMBERS];
    int64_t n = s->outer * s->channels * s->inner, c = s->channels, each = s->outer * s->inner;
    double size = sqrt((double)each) + 4;
    fill(x, s->dtype, n, offset);
    fill(g, s->dtype, n, 0);
    for (int64_t i = 0; i < c; i++) {
        weight[i] = next(), bias[i] = next();
        for (int f = 0; f < 2; f++) stat[f][0][i] = offset + weight[i] / 4, stat[f][1][i] = 1.5 + bias[i], stat[f][2][i] = 0;
    }
    for (int f = 0; f < 2; f++) {
        ct__batch_norm batch = {training, relu, 1e-3, weight, bias, stat[f][0], stat[f][1], stat[f][2]};
        k[f]->batch(s, &batch, x, f ? got : want);
    }
    agree("batch", isa, s->dtype, got, want, n, 4);
    agree_sums("mean", isa, s->dtype, stat[1][0], stat[0][0], c, 1 + fabs(offset));
    agree_sums("rstd", isa, s->dtype, stat[1][1], stat[0][1], c, 8);
    if (training) agree_sums("sample variance", isa, s->dtype, stat[1][2], stat[0][2], c, 1);
    for (int with_gx = 1; with_gx >= 0; with_gx--) { /* from the same statistics, so that both clip the same elements */
        for (int f = 0; f < 2; f++) {
            ct__batch_norm batch = {training, relu, 1e-3, weight, bias, stat[0][0], stat[0][1], stat[0][2]};
            k[f]->batch_backward(s, &batch, g, x, sums[f][0], sums[f][1], with_gx ? (f ? got : want) : NULL);
        }
        agree("batch_backward", isa, s->dtype, got, want, n, 8);
        agree_sums("sums of h", isa, s->dtype, sums[1][0], sums[0][0], c, size);
        agree_sums("sums of h xhat", isa, s->dtype, sums[1][1], sums[0][1], c, 4 * size);
    }
}

START_TEST(batch_norm_agrees_with_the_reference) {
    static const int64_t shapes[][3] = {{2, 1, 1}, {3, 5, 1}, {7, 64, 1}, {300, 65, 1}, {150, 130, 1}, {1, 3, 17}, {2, 3, 16}, {4, 5, 33}, {50, 3, 49}, {2, 2, 5000}, {3, 2, 2050}};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t d = 0; d < 2 && ct__kern_for(isas[i]); d++)
            for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
                for (int form = 0; form < 4; form++)
                    compare_batch(isas[i], &(ct__channels){dtypes[d], shapes[j][0], shapes[j][1], shapes[j][2]}, form & 1, form & 2, 0.5);
}
END_TEST

START_TEST(batch_norm_keeps_the_variance_of_values_far_from_0) {
    static float far[4096], y[4096];
    for (size_t i = 0; i < sizeof isas / sizeof *isas && ct__kern_for(isas[i]); i++)
        for (int last = 0; last < 2; last++) {
            double weight = 1, bias = 0, mean_of, rstd, sample;
            for (int j = 0; j < 4096; j++) far[j] = 8192 + (float)(j % 2) / 4; /* variance 1 / 64 */
            ct__channels s = {CT_F32, last ? 4096 : 1, 1, last ? 1 : 4096};
            ct__batch_norm batch = {true, false, 0, &weight, &bias, &mean_of, &rstd, &sample};
            ct__kern_for(isas[i])->norm.batch(&s, &batch, far, y);
            ck_assert_double_eq_tol(mean_of, 8192.125, 1e-9);
            ck_assert_double_eq_tol(rstd, 8, 1e-6);
            ck_assert_double_eq_tol(sample, 4096. / 4095 / 64, 1e-8);
        }
}
END_TEST

START_TEST(a_relu_behind_batch_norm_lets_NaN_through_and_stops_the_gradient_of_zeros) {
    for (size_t i = 0; i < sizeof isas / sizeof *isas && ct__kern_for(isas[i]); i++)
        for (int last = 0; last < 2; last++) {
            float in[4] = {2, 1, 0, NAN}, out[4], gy[4] = {1, 1, 1, 1}, gx[4];
            double weight = 1, bias = 0, mean_of = 1, rstd = 1, sample, sum, dot;
            ct__channels s = {CT_F32, last ? 4 : 1, 1, last ? 1 : 4};
            ct__batch_norm batch = {false, true, 0, &weight, &bias, &mean_of, &rstd, &sample};
            ct__kern_for(isas[i])->norm.batch(&s, &batch, in, out);
            ck_assert_float_eq(out[0], 1);
            ck_assert(out[1] == 0 && out[2] == 0 && isnan(out[3]));
            ct__kern_for(isas[i])->norm.batch_backward(&s, &batch, gy, in, &sum, &dot, gx);
            ck_assert_double_eq(sum, 2);
            ck_assert(gx[0] == 1 && gx[1] == 0 && gx[2] == 0);
        }
}
END_TEST

START_TEST(channels_agree_with_the_reference) {
    static const int64_t shapes[][3] = {{1, 1, 1}, {3, 5, 1}, {7, 64, 1}, {300, 65, 1}, {129, 130, 1}, {1, 3, 17}, {2, 3, 16}, {4, 5, 33}, {2, 2, 5000}, {0, 4, 3}};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t d = 0; d < 2 && ct__kern_for(isas[i]); d++)
            for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
                compare_channels(isas[i], &(ct__channels){dtypes[d], shapes[j][0], shapes[j][1], shapes[j][2]});
}
END_TEST

static void compare_rows(ct__isa isa, ct__norm_rows c, bool weighted, bool shifted) {
    const ct__norm_kernels *k = &ct__kern_for(isa)->norm, *ref = &ct__kern_for(CT__ISA_REF)->norm;
    static char gw[2][8 * NUMBERS], gb[2][8 * NUMBERS];
    fill(x, c.dtype, c.m * c.n, 0.5);
    fill(g, c.dtype, c.m * c.n, 0);
    fill(w, c.dtype, c.n, 1);
    fill(b, c.dtype, c.n, 0);
    c.x = x;
    c.weight = weighted ? w : NULL;
    c.eps = 1e-3;
    c.mean = got_a, c.rstd = got_b;
    k->rows(&c, shifted ? b : NULL, got);
    c.mean = want_a, c.rstd = want_b;
    ref->rows(&c, shifted ? b : NULL, want);
    agree("rows", isa, c.dtype, got, want, c.m * c.n, 4);
    agree_sums("mean", isa, c.dtype, got_a, want_a, c.m, 1);
    agree_sums("rstd", isa, c.dtype, got_b, want_b, c.m, 4);
    k->rows_backward(&c, g, got);
    ref->rows_backward(&c, g, want);
    agree("rows_backward", isa, c.dtype, got, want, c.m * c.n, 8);
    k->rows_params(&c, g, weighted ? gw[0] : NULL, gb[0]);
    ref->rows_params(&c, g, weighted ? gw[1] : NULL, gb[1]);
    agree("rows_params, bias", isa, c.dtype, gb[0], gb[1], c.n, sqrt((double)c.m) + 1);
    if (weighted) agree("rows_params, weight", isa, c.dtype, gw[0], gw[1], c.n, sqrt((double)c.m) + 1);
}

START_TEST(rows_agree_with_the_reference) {
    static const int64_t shapes[][2] = {{1, 1}, {3, 7}, {5, 16}, {9, 65}, {300, 33}, {2, 4000}, {131, 128}};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t d = 0; d < 2 && ct__kern_for(isas[i]); d++)
            for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
                for (int form = 0; form < 8; form++)
                    compare_rows(isas[i], (ct__norm_rows){.dtype = dtypes[d], .centred = form & 1, .m = shapes[j][0], .n = shapes[j][1]}, form & 2, form & 4);
}
END_TEST

/* The rows of a sum with dropout, and all gradients in one pass: against the plain version, which adds up, normalizes and sums one after the other. */
static void compare_all(ct__isa isa, int64_t m, int64_t n, const ct__dropout_draw *draw, bool weighted) {
    static float sum[2][ELEMENTS], dropped[2][ELEMENTS], gw[2][NUMBERS], gb[2][NUMBERS];
    const int64_t blocks = (m + CT__SUM_ROWS - 1) / CT__SUM_ROWS;
    double *stats[2][2] = {{got_a, got_b}, {want_a, want_b}};
    void *y[2] = {got, want};
    fill(x, CT_F32, m * n, 0.5);
    fill(w, CT_F32, n, 1);
    fill(b, CT_F32, n, 0);
    fill(g, CT_F32, m * n, 0);
    for (int f = 0; f < 2; f++) {
        const ct__norm_rows c = {CT_F32, true, m, n, sum[f], weighted ? w : NULL, 1e-3, stats[f][0], stats[f][1]};
        ct__kern_for(f ? CT__ISA_REF : isa)->norm.add_rows(&c, draw, (void *)x, (void *)g, sum[f], weighted ? (void *)b : NULL, y[f]);
    }
    agree("sum", isa, CT_F32, sum[0], sum[1], m * n, 1);
    agree("add_rows", isa, CT_F32, got, want, m * n, 4);
    agree_sums("mean", isa, CT_F32, got_a, want_a, m, 1);
    for (int f = 0; f < 2; f++) {
        const ct__norm_rows c = {CT_F32, true, m, n, sum[1], weighted ? w : NULL, 1e-3, want_a, want_b};
        float *gx = f ? (float *)(void *)want : (float *)(void *)got;
        memcpy(gx, g, (size_t)(m * n) * 4);
        ct__kern_for(f ? CT__ISA_REF : isa)->norm.rows_backward_all(&c, draw, gx, gx, dropped[f], gw[f], weighted ? gb[f] : NULL); /* over g */
    }
    agree("gx", isa, CT_F32, got, want, m * n, 8);
    agree("gm", isa, CT_F32, dropped[0], dropped[1], m * n, 16);
    agree("gw", isa, CT_F32, gw[0], gw[1], blocks * n, 16);
    if (weighted) agree("gb", isa, CT_F32, gb[0], gb[1], blocks * n, 16);
}

START_TEST(rows_with_what_stands_around_them_agree_with_the_reference) {
    static const int64_t shapes[][2] = {{1, 1}, {3, 7}, {5, 16}, {9, 65}, {64, 64}, {65, 96}, {300, 33}, {131, 128}, {200, 200}, {2, 4000}};
    static const ct__dropout_draw draws[] = {{7, 0, 1}, {7, 0x20000000u, 8. / 7}, {0xfedcba9876543210u, 0x80000000u, 2}, {7, (uint64_t)1 << 32, 0}};
    for (size_t i = 0; i < sizeof isas / sizeof *isas && ct__kern_for(isas[i]); i++)
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            for (size_t d = 0; d < sizeof draws / sizeof *draws; d++)
                for (int weighted = 0; weighted < 2; weighted++) compare_all(isas[i], shapes[j][0], shapes[j][1], &draws[d], weighted);
}
END_TEST

TEST_LIST = {
    TEST(channels_agree_with_the_reference),
    TEST(batch_norm_agrees_with_the_reference),
    TEST(batch_norm_keeps_the_variance_of_values_far_from_0),
    TEST(a_relu_behind_batch_norm_lets_NaN_through_and_stops_the_gradient_of_zeros),
    TEST(rows_agree_with_the_reference),
    TEST(rows_with_what_stands_around_them_agree_with_the_reference),
};
TEST_MAIN("kern_norm")
