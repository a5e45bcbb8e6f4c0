/*
 * Kernels of the family nn: every instruction set that this machine has against the plain C version, over sizes around the lengths of vectors and
 * groups, and with values at the edges.
 */
#include "support/test.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

static const ct__isa isas[] = {CT__ISA_BASELINE, CT__ISA_AVX2, CT__ISA_AVX512};
static const int64_t lengths[] = {1, 2, 7, 15, 16, 17, 31, 33, 64, 65, 257, 1000, 4096, 4097, 70001};
static const ct_dtype dtypes[] = {CT_F32, CT_F64};

/* A fixed stream of numbers in [low, high). */
static uint64_t stream;
static double next(double low, double high) {
    stream = stream * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(stream >> 11) / 9007199254740992.0;
}

/* Memory for one comparison: all of it is given back by used = 0. */
static _Alignas(64) char arena[8 << 20];
static size_t used;
static void *room(size_t bytes) {
    size_t at = used;
    used += (bytes + 63) / 64 * 64;
    if (used > sizeof arena) ck_abort_msg("the arena is too small");
    return arena + at;
}

/* n numbers of a dtype. */
static void *numbers(ct_dtype dtype, int64_t n, double low, double high) {
    void *p = room((size_t)n * ct_dtype_size(dtype));
    for (int64_t i = 0; i < n; i++) {
        double v = next(low, high);
        if (dtype == CT_F32) ((float *)p)[i] = (float)v;
        else ((double *)p)[i] = v;
    }
    return p;
}
static double at(const void *p, ct_dtype dtype, int64_t i) { return dtype == CT_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i]; }
static void put(void *p, ct_dtype dtype, int64_t i, double v) {
    if (dtype == CT_F32) ((float *)p)[i] = (float)v;
    else ((double *)p)[i] = v;
}

/* Whole arrays agree to a relative and an absolute error; infinities and NaN exactly. */
static void agree(const char *what, ct__isa isa, ct_dtype dtype, const void *got, const void *want, int64_t n, double rtol, double atol) {
    for (int64_t i = 0; i < n; i++) {
        double g = at(got, dtype, i), w = at(want, dtype, i);
        bool same = isnan(w) ? isnan(g) : isinf(w) ? g == w : fabs(g - w) <= atol + rtol * fabs(w);
        if (!same) /* not ck_assert_msg: Check writes to a file for each that holds */
            ck_abort_msg("%s, %s, %s: element %lld of %lld is %.17g, want %.17g", what, ct__isa_name(isa), ct_dtype_name(dtype),
                         (long long)i, (long long)n, g, w);
    }
}

static double tolerance(ct_dtype dtype) { return dtype == CT_F32 ? 2e-6 : 1e-14; }

static const char *act_names[] = {"relu", "sigmoid", "tanh", "gelu", "gelu_tanh", "silu", "leaky_relu", "elu", "softplus", "selu", "celu", "mish",
                                  "softsign", "logsigmoid", "tanhshrink", "hardtanh", "hardsigmoid", "hardswish", "threshold", "hardshrink", "softshrink"};

static void compare_act(ct__isa isa, ct__act kind, ct_dtype dtype, int64_t n, const void *x, const void *g) {
    const ct__nn_kernels *k = &ct__kern_for(isa)->nn, *ref = &ct__kern_for(CT__ISA_REF)->nn;
    size_t bytes = (size_t)n * ct_dtype_size(dtype);
    void *want = room(bytes), *got = room(bytes);
    double a = kind == CT__ACT_LEAKY_RELU ? 0.01 : kind == CT__ACT_ELU ? 1.5 : 2, b = 20, tol = tolerance(dtype);
    ref->act(kind, dtype, n, x, want, a, b);
    k->act(kind, dtype, n, x, got, a, b);
    /* gelu and its kin multiply a difference from 1 that has lost its low bits by x: absolute error there */
    agree(act_names[kind], isa, dtype, got, want, n, tol, 2 * tol);
    memcpy(got, x, bytes);
    k->act(kind, dtype, n, got, got, a, b); /* in place */
    agree(act_names[kind], isa, dtype, got, want, n, tol, 2 * tol);
    const void *saved = kind <= CT__ACT_TANH ? want : x;
    void *want_g = room(bytes);
    ref->act_backward(kind, dtype, n, saved, g, want_g, a, b);
    k->act_backward(kind, dtype, n, saved, g, got, a, b);
    agree(act_names[kind], isa, dtype, got, want_g, n, 2 * tol, 4 * tol);
}

START_TEST(activations_agree_with_the_reference) {
    for (size_t s = 0; s < sizeof isas / sizeof *isas; s++)
        for (size_t d = 0; d < 2; d++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths && ct__kern_for(isas[s]); l++)
                for (int kind = 0; kind < CT__ACT_COUNT; kind++) {
                    int64_t n = lengths[l];
                    used = 0;
                    void *x = numbers(dtypes[d], n, -12, 12), *g = numbers(dtypes[d], n, -2, 2);
                    compare_act(isas[s], (ct__act)kind, dtypes[d], n, x, g);
                }
}
END_TEST

START_TEST(activations_agree_at_the_edges) {
    const double edges[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e-30, -1e-30, 1e-5, -1e-5, 88, -88, 104, -104, 1e4, -1e4, 3e38, -3e38, 10, 10.0001};
    enum { COUNT = sizeof edges / sizeof *edges };
    for (size_t s = 0; s < sizeof isas / sizeof *isas; s++)
        for (size_t d = 0; d < 2 && ct__kern_for(isas[s]); d++)
            for (int kind = 0; kind < CT__ACT_COUNT; kind++) {
                used = 0;
                double x[COUNT], g[COUNT];
                for (int i = 0; i < COUNT; i++) {
                    put(x, dtypes[d], i, edges[i]);
                    put(g, dtypes[d], i, 1);
                }
                if (kind == CT__ACT_GELU_TANH) /* x^3 overflows in the element type, which the reference's double does not */
                    for (int i = 0; i < COUNT; i++)
                        if (fabs(edges[i]) > 1e5) put(x, dtypes[d], i, 0);
                compare_act(isas[s], (ct__act)kind, dtypes[d], COUNT, x, g);
            }
}
END_TEST

static const int64_t shapes[][3] = {{1, 1, 1}, {3, 10, 1}, {5, 17, 1}, {2, 1000, 1}, {64, 10, 1}, {300, 33, 1}, {2, 5, 3}, {1, 7, 64}, {2, 3, 65}, {3, 10, 130}, {40, 1, 9}};

static void compare_softmax(ct__isa isa, ct_dtype dtype, bool log, const int64_t *shape, const void *x) {
    const ct__nn_kernels *k = &ct__kern_for(isa)->nn, *ref = &ct__kern_for(CT__ISA_REF)->nn;
    int64_t n = shape[0] * shape[1] * shape[2];
    size_t bytes = (size_t)n * ct_dtype_size(dtype);
    void *want = room(bytes), *got = room(bytes), *want_g = room(bytes), *g = numbers(dtype, n, -1, 1);
    double tol = tolerance(dtype);
    ref->softmax(log, dtype, shape[0], shape[1], shape[2], x, want);
    k->softmax(log, dtype, shape[0], shape[1], shape[2], x, got);
    agree(log ? "log_softmax" : "softmax", isa, dtype, got, want, n, 2 * tol, tol);
    ref->softmax_backward(log, dtype, shape[0], shape[1], shape[2], g, want, want_g);
    k->softmax_backward(log, dtype, shape[0], shape[1], shape[2], g, want, got);
    agree(log ? "log_softmax backward" : "softmax backward", isa, dtype, got, want_g, n, 4 * tol, 4 * tol);
}

/* Relative to x, and to the value itself where 1 + erf(x / sqrt(2)) would have lost it. */
START_TEST(gelu_keeps_its_digits_in_the_tail) {
    enum { N = 16001 };
    static float in[N], out[N], one[N], slope[N];
    for (size_t s = 0; s < sizeof isas / sizeof *isas && ct__kern_for(isas[s]); s++) {
        for (int i = 0; i < N; i++) in[i] = (float)(i - N / 2) / 1000, one[i] = 1;
        ct__kern_for(isas[s])->nn.act(CT__ACT_GELU, CT_F32, N, in, out, 0, 0);
        ct__kern_for(isas[s])->nn.act_backward(CT__ACT_GELU, CT_F32, N, in, one, slope, 0, 0);
        for (int i = 0; i < N; i++) {
            const double x = (double)in[i], below = 0.5 * erfc(-x * sqrt(0.5)), d = below + x * exp(-x * x / 2) * 0.39894228040143267794;
            ck_assert_double_le(fabs((double)out[i] - x * below), 3e-6 * fabs(x * below));
            ck_assert_double_le(fabs((double)slope[i] - d), 3e-7);
        }
    }
}
END_TEST

START_TEST(softmax_agrees_over_rows_and_columns) {
    for (size_t s = 0; s < sizeof isas / sizeof *isas; s++)
        for (size_t d = 0; d < 2; d++)
            for (size_t l = 0; l < sizeof shapes / sizeof *shapes && ct__kern_for(isas[s]); l++) {
                int64_t n = shapes[l][0] * shapes[l][1] * shapes[l][2];
                used = 0;
                void *x = numbers(dtypes[d], n, -8, 8);
                compare_softmax(isas[s], dtypes[d], false, shapes[l], x);
                compare_softmax(isas[s], dtypes[d], true, shapes[l], x);
                const double edges[] = {1e4, -INFINITY, INFINITY, NAN};
                for (int e = 0; e < 4; e++) { /* each alone, then together with those before */
                    put(x, dtypes[d], e * 7 % n, edges[e]);
                    compare_softmax(isas[s], dtypes[d], false, shapes[l], x);
                    compare_softmax(isas[s], dtypes[d], true, shapes[l], x);
                }
            }
}
END_TEST

static void compare_ce(ct__isa isa, ct__ce ce, const void *g) {
    const ct__nn_kernels *k = &ct__kern_for(isa)->nn, *ref = &ct__kern_for(CT__ISA_REF)->nn;
    int64_t rows = ce.outer * ce.inner, n = rows * ce.classes;
    size_t size = ct_dtype_size(ce.dtype);
    void *stats = room((size_t)rows * 2 * size), *loss = room((size_t)rows * size), *gin = room((size_t)n * size);
    void *stats_ref = room((size_t)rows * 2 * size), *loss_ref = room((size_t)rows * size), *gin_ref = room((size_t)n * size);
    double tol = tolerance(ce.dtype);
    k->cross_entropy(&ce, stats, loss);
    ref->cross_entropy(&ce, stats_ref, loss_ref);
    agree("cross_entropy", isa, ce.dtype, loss, loss_ref, rows, 4 * tol, tol);
    for (int64_t step = 0; step <= 1; step++) {
        k->cross_entropy_backward(&ce, stats, g, step, 0.25, gin);
        ref->cross_entropy_backward(&ce, stats_ref, g, step, 0.25, gin_ref);
        agree("cross_entropy backward", isa, ce.dtype, gin, gin_ref, n, 4 * tol, 2 * tol);
    }
}

START_TEST(cross_entropy_agrees_with_weights_smoothing_and_ignored_rows) {
    for (size_t s = 0; s < sizeof isas / sizeof *isas; s++)
        for (size_t d = 0; d < 2; d++)
            for (size_t l = 0; l < sizeof shapes / sizeof *shapes && ct__kern_for(isas[s]); l++) {
                int64_t rows = shapes[l][0] * shapes[l][2], classes = shapes[l][1];
                used = 0;
                void *x = numbers(dtypes[d], rows * classes, -8, 8), *w = numbers(dtypes[d], classes, 0.5, 2), *g = numbers(dtypes[d], rows, -1, 1);
                int64_t *t = room((size_t)rows * sizeof *t);
                for (int64_t r = 0; r < rows; r++) t[r] = r % 5 == 3 ? -100 : (int64_t)next(0, (double)classes);
                ct__ce ce = {.dtype = dtypes[d], .outer = shapes[l][0], .classes = classes, .inner = shapes[l][2], .x = x, .target = t, .ignore = -100};
                compare_ce(isas[s], ce, g);
                ce.weight = w;
                compare_ce(isas[s], ce, g);
                ce.smoothing = 0.1;
                compare_ce(isas[s], ce, g);
                ce.weight = NULL;
                compare_ce(isas[s], ce, g);
                ce.smoothing = 0; /* a class that is out of the question, and large logits */
                for (int64_t r = 0; r < rows * classes; r++) put(x, dtypes[d], r, 1e4 + at(x, dtypes[d], r));
                if (classes > 1) put(x, dtypes[d], (t[0] + 1) % classes * shapes[l][2], -INFINITY);
                compare_ce(isas[s], ce, g);
            }
}
END_TEST

static const char *pair_names[] = {"mse", "l1", "smooth_l1", "huber", "bce", "bce_logits"};

START_TEST(pair_losses_agree_in_values_sums_and_gradients) {
    for (size_t s = 0; s < sizeof isas / sizeof *isas; s++)
        for (size_t d = 0; d < 2; d++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths && ct__kern_for(isas[s]); l++)
                for (int kind = 0; kind < CT__PAIR_COUNT; kind++) {
                    const ct__nn_kernels *k = &ct__kern_for(isas[s])->nn, *ref = &ct__kern_for(CT__ISA_REF)->nn;
                    int64_t n = lengths[l], chunks = (n + CT__PAIR_CHUNK - 1) / CT__PAIR_CHUNK;
                    ct_dtype dtype = dtypes[d];
                    bool probability = kind == CT__PAIR_BCE;
                    used = 0;
                    void *a = numbers(dtype, n, probability ? 0 : -4, probability ? 1 : 4), *b = numbers(dtype, n, 0, 1), *g = numbers(dtype, n, -1, 1);
                    if (n > 2) { /* sure and right, sure and wrong */
                        put(a, dtype, 0, 0), put(b, dtype, 0, 0);
                        put(a, dtype, 1, 1), put(b, dtype, 1, 0);
                        put(a, dtype, 2, 0), put(b, dtype, 2, 1);
                    }
                    size_t bytes = (size_t)n * ct_dtype_size(dtype);
                    void *out = room(bytes), *want = room(bytes);
                    double *sums = room((size_t)chunks * sizeof *sums), *want_sums = room((size_t)chunks * sizeof *sums), tol = tolerance(dtype);
                    k->pair_loss((ct__pair)kind, dtype, n, a, b, 0.7, out, sums);
                    ref->pair_loss((ct__pair)kind, dtype, n, a, b, 0.7, want, want_sums);
                    agree(pair_names[kind], isas[s], dtype, out, want, n, 2 * tol, tol);
                    agree(pair_names[kind], isas[s], CT_F64, sums, want_sums, chunks, 2 * tol, tol);
                    memset(sums, 0, (size_t)chunks * sizeof *sums);
                    k->pair_loss((ct__pair)kind, dtype, n, a, b, 0.7, NULL, sums);
                    agree(pair_names[kind], isas[s], CT_F64, sums, want_sums, chunks, 2 * tol, tol);
                    for (int64_t step = 0; step <= 1; step++) {
                        k->pair_loss_backward((ct__pair)kind, dtype, n, a, b, 0.7, g, step, 0.5, out);
                        ref->pair_loss_backward((ct__pair)kind, dtype, n, a, b, 0.7, g, step, 0.5, want);
                        agree(pair_names[kind], isas[s], dtype, out, want, n, 4 * tol, 4 * tol);
                    }
                }
}
END_TEST

START_TEST(dropout_gives_the_same_elements_everywhere) {
    for (size_t s = 0; s < sizeof isas / sizeof *isas; s++)
        for (size_t d = 0; d < 2; d++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths && ct__kern_for(isas[s]); l++) {
                int64_t n = lengths[l];
                size_t bytes = (size_t)n * ct_dtype_size(dtypes[d]);
                used = 0;
                void *x = numbers(dtypes[d], n, -1, 1), *want = room(bytes), *got = room(bytes);
                const uint64_t thresholds[] = {1, 0x40000000u, 0xffffffffu, 0x100000000u};
                for (int i = 0; i < 4; i++) {
                    ct__kern_for(CT__ISA_REF)->nn.dropout(dtypes[d], n, 0x123456789abcdef0u, thresholds[i], 1.25, x, want);
                    ct__kern_for(isas[s])->nn.dropout(dtypes[d], n, 0x123456789abcdef0u, thresholds[i], 1.25, x, got);
                    agree("dropout", isas[s], dtypes[d], got, want, n, 0, 0);
                }
            }
}
END_TEST

START_TEST(dropout_draws_philox_4x32_10) {
    /* counter 0 under key 0, from the known answers of Random123 (kat_vectors): words of elements 0, 16, 32, 48 */
    const uint32_t words[] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
    float ones[64], y[64];
    for (int i = 0; i < 64; i++) ones[i] = 1;
    for (int w = 0; w < 4; w++) {
        ct__kern()->nn.dropout(CT_F32, 64, 0, words[w], 2, ones, y);
        ck_assert_float_eq(y[16 * w], 2);
        ct__kern()->nn.dropout(CT_F32, 64, 0, (uint64_t)words[w] + 1, 2, ones, y);
        ck_assert_float_eq(y[16 * w], 0);
    }
}
END_TEST

static const ct__dropout_draw draws[] = {{7, 0, 1}, {7, 0x20000000u, 8. / 7}, {0xfedcba9876543210u, 0x80000000u, 2}, {7, (uint64_t)1 << 32, 0}};

START_TEST(gelu_with_dropout_leaves_its_slope) {
    for (size_t s = 0; s < sizeof isas / sizeof *isas && ct__kern_for(isas[s]); s++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (size_t d = 0; d < sizeof draws / sizeof *draws; d++) {
                const int64_t n = lengths[l];
                used = 0;
                float *x[2] = {numbers(CT_F32, n, -6, 6), room((size_t)n * 4)}, *y[2] = {room((size_t)n * 4), room((size_t)n * 4)}, *alone = room((size_t)n * 4);
                memcpy(x[1], x[0], (size_t)n * 4);
                memcpy(alone, x[0], (size_t)n * 4);
                ct__kern_for(isas[s])->nn.gelu_dropout(n, &draws[d], alone, alone);
                ct__kern_for(isas[s])->nn.gelu_dropout(n, &draws[d], x[0], y[0]);
                ct__kern_for(CT__ISA_REF)->nn.gelu_dropout(n, &draws[d], x[1], y[1]);
                agree("gelu_dropout", isas[s], CT_F32, y[0], y[1], n, 3e-6, 0);
                agree("its slope", isas[s], CT_F32, x[0], x[1], n, 0, 6e-7);
                ck_assert_int_eq(memcmp(alone, y[0], (size_t)n * 4), 0);
            }
}
END_TEST

START_TEST(slopes_are_multiplied_and_summed) {
    static const int64_t sizes[][2] = {{1, 1}, {3, 17}, {63, 5}, {64, 16}, {65, 33}, {200, 100}, {129, 70}};
    for (size_t s = 0; s < sizeof isas / sizeof *isas && ct__kern_for(isas[s]); s++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            const int64_t m = sizes[i][0], n = sizes[i][1], blocks = (m + CT__SUM_ROWS - 1) / CT__SUM_ROWS;
            used = 0;
            float *slope = numbers(CT_F32, m * n, -1, 1), *g = numbers(CT_F32, m * n, -1, 1), *gx[2], *sums[2];
            for (int f = 0; f < 2; f++) {
                gx[f] = room((size_t)(m * n) * 4);
                sums[f] = room((size_t)(blocks * n) * 4);
            }
            ct__kern_for(CT__ISA_REF)->nn.slope_backward(m, n, slope, g, gx[1], sums[1]);
            ct__kern_for(isas[s])->nn.slope_backward(m, n, slope, g, gx[0], NULL);
            ck_assert_int_eq(memcmp(gx[0], gx[1], (size_t)(m * n) * 4), 0);
            ct__kern_for(isas[s])->nn.slope_backward(m, n, slope, g, g, sums[0]); /* over g */
            ck_assert_int_eq(memcmp(g, gx[1], (size_t)(m * n) * 4), 0);
            agree("sums", isas[s], CT_F32, sums[0], sums[1], blocks * n, 0, 64 * 3e-7); /* of 64 terms below 1, in float32 */
        }
}
END_TEST

START_TEST(results_do_not_depend_on_the_number_of_threads) {
    enum { N = 70001, CLASSES = 33, ROWS = 2000 };
    const ct__nn_kernels *k = &ct__kern()->nn;
    int before = ct_get_num_threads();
    used = 0;
    float *x = numbers(CT_F32, N, -4, 4), *b = numbers(CT_F32, N, -4, 4), *y[2];
    double sums[2][(N + CT__PAIR_CHUNK - 1) / CT__PAIR_CHUNK];
    for (int i = 0; i < 2; i++) {
        y[i] = room(3 * N * sizeof(float));
        ck_assert_int_eq(ct_set_num_threads(i ? 3 : 1), CT_OK);
        k->dropout(CT_F32, N, 7, 0x80000000u, 2, x, y[i]);
        k->softmax(false, CT_F32, ROWS, CLASSES, 1, x, y[i] + N);
        k->act(CT__ACT_GELU, CT_F32, N, x, y[i] + 2 * N, 0, 0);
        k->pair_loss(CT__PAIR_MSE, CT_F32, N, x, b, 0, NULL, sums[i]);
    }
    ck_assert_int_eq(memcmp(y[0], y[1], N * sizeof(float)), 0);
    ck_assert_int_eq(memcmp(y[0] + N, y[1] + N, ROWS * CLASSES * sizeof(float)), 0);
    ck_assert_int_eq(memcmp(y[0] + 2 * N, y[1] + 2 * N, N * sizeof(float)), 0);
    ck_assert_int_eq(memcmp(sums[0], sums[1], sizeof sums[0]), 0);
    ck_assert_int_eq(ct_set_num_threads(before), CT_OK);
}
END_TEST

TEST_LIST = {
    TEST(activations_agree_with_the_reference),
    TEST(activations_agree_at_the_edges),
    TEST(gelu_keeps_its_digits_in_the_tail),
    TEST(softmax_agrees_over_rows_and_columns),
    TEST(cross_entropy_agrees_with_weights_smoothing_and_ignored_rows),
    TEST(pair_losses_agree_in_values_sums_and_gradients),
    TEST(dropout_gives_the_same_elements_everywhere),
    TEST(dropout_draws_philox_4x32_10),
    TEST(gelu_with_dropout_leaves_its_slope),
    TEST(slopes_are_multiplied_and_summed),
    TEST(results_do_not_depend_on_the_number_of_threads),
};
TEST_MAIN("kern_nn")
