/*
 * Recurrent networks in f32, whose steps run row by row over a packed weight, against f64, whose steps are plain products: sizes around the kernel's tile,
 * lengths, directions, layers, projections. And what they do with denormal numbers.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct net {
    int kind; /* 0 and 1: rnn, 2: lstm, 3: gru */
    int64_t steps, batch, in, hidden, proj, layers;
    bool both, lengths, no_bias;
} net;

enum { MAX_WEIGHTS = 5 * 2 * 3 };

static int make_weights(const net *n, ct_tensor **w) {
    static const int64_t gates[] = {1, 1, 4, 3};
    const int64_t g = gates[n->kind] * n->hidden, out = n->proj ? n->proj : n->hidden;
    int count = 0;
    for (int64_t layer = 0; layer < n->layers; layer++)
        for (int d = 0; d < 1 + n->both; d++) {
            const int64_t in = layer ? out * (1 + n->both) : n->in;
            w[count++] = ct_mul_scalar(ct_randn(CT_SHAPE(g, in), CT_F32, NULL), 0.5);
            w[count++] = ct_mul_scalar(ct_randn(CT_SHAPE(g, out), CT_F32, NULL), 0.5 / sqrt((double)n->hidden));
            for (int i = 0; i < 2 && !n->no_bias; i++) w[count++] = ct_randn(CT_SHAPE(g), CT_F32, NULL);
            if (n->proj) w[count++] = ct_mul_scalar(ct_randn(CT_SHAPE(n->proj, n->hidden), CT_F32, NULL), 0.5);
        }
    return count;
}

static ct_tensor *apply(const net *n, ct_tensor *x, ct_tensor **w, int count, ct_tensor *lengths) {
    const ct_rnn_options o = {.num_layers = n->layers, .bidirectional = n->both, .lengths = lengths};
    return n->kind == 0 ? ct_rnn_tanh(x, NULL, w, count, &o, NULL) : n->kind == 1 ? ct_rnn_relu(x, NULL, w, count, &o, NULL)
         : n->kind == 2 ? ct_lstm(x, NULL, NULL, w, count, &o, NULL, NULL) : ct_gru(x, NULL, w, count, &o, NULL);
}

/* out: the output, and the gradients of x and the weights for the output's gradient dy. Computed in dtype, given in f64. */
static void run(const net *n, ct_dtype dtype, ct_tensor *x, ct_tensor **w, int count, ct_tensor *lengths, ct_tensor *dy, bool graph, ct_tensor **out) {
    ct_tensor *leaf[1 + MAX_WEIGHTS], *weight = ct_to(dy, dtype);
    for (int i = 0; i <= count; i++) {
        leaf[i] = ct_clone(ct_to(i ? w[i - 1] : x, dtype));
        ct_set_requires_grad(leaf[i], true);
    }
    ct_tensor *y = apply(n, leaf[0], leaf + 1, count, lengths);
    ct_grad(&y, 1, leaf, count + 1, &(ct_grad_options){.grad_outputs = &weight, .create_graph = graph}, out + 1);
    ck_ok();
    out[0] = y;
    for (int i = 0; i <= count + 1; i++) out[i] = ct_detach(ct_to(out[i], CT_F64));
}

static ct_tensor *lengths_of(const net *n) {
    if (!n->lengths) return NULL;
    double length[64];
    for (int64_t b = 0; b < n->batch; b++) length[b] = 1 + (double)((b * 7 + 3) % n->steps);
    return test_i64(length, CT_SHAPE(n->batch));
}

/* The bound is for sums of up to some hundred f32 products of size 1 and what the steps make of their errors; relative to the largest element. */
static void compare(const net *n, ct_dtype a, bool graph_a, ct_dtype b, bool graph_b, double tol) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *w[MAX_WEIGHTS], *one[2 + MAX_WEIGHTS], *two[2 + MAX_WEIGHTS];
    const int count = make_weights(n, w);
    ct_tensor *x = ct_randn(CT_SHAPE(n->steps, n->batch, n->in), CT_F32, NULL), *lengths = lengths_of(n);
    ct_tensor *dy = ct_randn(CT_SHAPE(n->steps, n->batch, (n->proj ? n->proj : n->hidden) * (1 + n->both)), CT_F32, NULL);
    run(n, a, x, w, count, lengths, dy, graph_a, one);
    run(n, b, x, w, count, lengths, dy, graph_b, two);
    for (int i = 0; i < count + 2; i++) ck_close(one[i], two[i], tol, tol * (1 + ct_item_f64(ct_max(ct_abs(two[i])))));
    ck_ok();
    ct_scope_end(scope);
}

static const net nets[] = {
    {2, 2, 1, 1, 1, 0, 1, false, false, false},   {2, 3, 1, 3, 17, 0, 1, true, false, false},  {2, 5, 3, 4, 16, 0, 2, false, false, false},
    {2, 4, 7, 5, 31, 0, 1, true, true, false},    {2, 6, 13, 3, 67, 0, 1, false, true, true},  {2, 3, 33, 2, 20, 0, 1, false, false, false},
    {2, 4, 5, 3, 12, 5, 2, true, true, false},    {2, 3, 9, 2, 65, 64, 1, false, false, true}, {3, 2, 1, 1, 1, 0, 1, false, false, false},
    {3, 5, 4, 3, 17, 0, 1, true, true, false},    {3, 3, 10, 2, 64, 0, 2, false, false, true}, {3, 4, 33, 3, 33, 0, 1, false, true, false},
    {0, 4, 6, 3, 19, 0, 1, true, true, false},    {0, 2, 1, 1, 1, 0, 3, false, false, true},   {1, 3, 9, 3, 65, 0, 1, false, false, false},
    {0, 3, 1, 3, 400, 0, 1, false, false, false}, {2, 2, 1, 2, 190, 0, 1, false, false, false}, /* one row of a large weight */
    {2, 270, 9, 2, 5, 0, 1, true, false, false}, {3, 300, 8, 2, 4, 0, 1, true, true, false}, {2, 520, 4, 2, 6, 3, 1, true, true, false}, /* several blocks */
    {2, 3, 5, 200, 150, 0, 1, true, false, false}, {3, 2, 6, 300, 110, 0, 1, false, true, false}, /* a large weight of the input */
    {2, 1, 9, 3, 10, 0, 1, false, false, false},  {3, 1, 9, 3, 10, 0, 1, false, false, false},  /* one step */
};

START_TEST(steps_in_f32_agree_with_f64) {
    const int before = ct_get_num_threads();
    for (int threads = 1; threads <= 3; threads++) {
        ct_set_num_threads(threads);
        ct_manual_seed(3);
        for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) compare(&nets[i], CT_F32, false, CT_F64, false, 2e-5);
    }
    ct_set_num_threads(before);
}
END_TEST

START_TEST(fused_gradients_agree_with_those_that_are_recorded) {
    ct_manual_seed(4);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        compare(&nets[i], CT_F64, false, CT_F64, true, 1e-12);
        compare(&nets[i], CT_F32, false, CT_F32, true, 2e-5);
    }
}
END_TEST

START_TEST(the_same_run_gives_the_same_bits) {
    const int before = ct_get_num_threads();
    ct_set_num_threads(3);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        ct_manual_seed(5);
        compare(&nets[i], CT_F32, false, CT_F32, false, 0);
    }
    ct_set_num_threads(before);
}
END_TEST

/* ---- Denormal numbers ---- */

/* The smallest element above 0 in size; 0 if there is none. */
static float smallest(ct_tensor *t) {
    const float *x = ct_data_f32(ct_contiguous(t, CT_FORMAT_CONTIGUOUS));
    float least = INFINITY;
    for (int64_t i = 0; i < ct_numel(t); i++)
        if (x[i] != 0 && fabsf(x[i]) < least) least = fabsf(x[i]);
    return isinf(least) ? 0 : least;
}

/* A gradient that falls by a constant factor from step to step: what is below FLT_MIN is 0, what is above stays, and the program's own mode is as it was. */
START_TEST(gradients_too_small_for_a_float_are_zero) {
    const int64_t steps = 200;
    ct_tensor *w[] = {ct_full(CT_SHAPE(1, 1), 1, CT_F32), ct_full(CT_SHAPE(1, 1), 0.5, CT_F32)};
    ct_tensor *x = ct_full(CT_SHAPE(steps, 1, 1), 1, CT_F32), *dx;
    ct_set_requires_grad(x, true);
    ct_tensor *last = ct_select(ct_rnn_relu(x, NULL, w, 2, NULL, NULL), 0, -1);
    ck_assert_int_eq(ct_grad(&last, 1, &x, 1, NULL, &dx), CT_OK);
    for (int64_t t = 0; t < steps; t++) {
        const int power = (int)(steps - 1 - t);
        ck_assert_float_eq(ct_data_f32(dx)[t], power <= 126 ? ldexpf(1, -power) : 0);
    }
    ck_assert(smallest(dx) == FLT_MIN);
    volatile float tiny = FLT_MIN;
    ck_assert(tiny / 2 > 0);
    ck_ok();
}
END_TEST

START_TEST(a_program_may_flush_everywhere) {
    ct_tensor *x = ct_full(CT_SHAPE(3), 1e-20, CT_F32);
    ck_assert(smallest(ct_mul(x, x)) > 0);
    if (!ct_set_flush_denormal(true)) test_skip("this processor cannot flush denormals");
    else {
        float least = smallest(ct_mul(x, x));
        ck_assert(ct_set_flush_denormal(false));
        ck_assert(least == 0);
        ck_assert(smallest(ct_mul(x, x)) > 0);
    }
}
END_TEST

TEST_LIST = {
    TEST(steps_in_f32_agree_with_f64),
    TEST(fused_gradients_agree_with_those_that_are_recorded),
    TEST(the_same_run_gives_the_same_bits),
    TEST(gradients_too_small_for_a_float_are_zero),
    TEST(a_program_may_flush_everywhere),
};
TEST_MAIN("rnn_steps")
