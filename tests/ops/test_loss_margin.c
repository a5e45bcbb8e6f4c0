/*
 * Losses of margins, likelihoods, labels and sequences beside what test_parity_loss replays: options whose zero means something, edges, errors.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_loss.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

#define ROW(...) test_f64((const double[]){__VA_ARGS__}, CT_SHAPE((int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))))
#define LABELS(...) test_i64((const double[]){__VA_ARGS__}, CT_SHAPE((int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))))

/* ---- Options whose zero means something ---- */

START_TEST(a_margin_of_zero_is_not_the_default) {
    ct_tensor *x = ROW(0.25, 0.25), *t = ROW(-1, 1);
    ck_values(ct_hinge_embedding_loss(x, t, NULL), 0.5);
    ck_values(ct_hinge_embedding_loss(x, t, &(ct_hinge_embedding_loss_options){.margin = ct_some_f64(0)}), 0.125);
    ct_tensor *scores = ROW(1, 0.5), *first = test_i64((const double[]){0}, NULL, 0);
    ck_values(ct_multi_margin_loss(scores, first, NULL), 0.25);
    ck_values(ct_multi_margin_loss(scores, first, &(ct_multi_margin_loss_options){.margin = ct_some_f64(0)}), 0);
    ck_values(ct_multi_margin_loss(scores, first, &(ct_multi_margin_loss_options){.p = 2}), 0.125);
}
END_TEST

START_TEST(an_eps_of_zero_is_not_the_default) {
    ct_tensor *zero = ROW(0), *one = ROW(1);
    ck_values(ct_poisson_nll_loss(zero, one, &(ct_poisson_nll_loss_options){.no_log_input = true, .eps = ct_some_f64(0)}), INFINITY);
    ck_values_close(ct_poisson_nll_loss(zero, one, &(ct_poisson_nll_loss_options){.no_log_input = true}), 1e-12, -log(1e-8));
    ck_values_close(ct_gaussian_nll_loss(zero, one, ROW(1e-9), &(ct_gaussian_nll_loss_options){.eps = ct_some_f64(0)}), 1e-9, 0.5 * (log(1e-9) + 1e9));
    ck_values_close(ct_gaussian_nll_loss(zero, one, zero, NULL), 1e-9, 0.5 * (log(1e-6) + 1e6));
    ct_tensor *a = ROW(0, 0), *p = ROW(3, 4), *n = ROW(3, 4);
    ck_values_close(ct_triplet_margin_loss(a, a, n, &(ct_triplet_margin_loss_options){.margin = 8, .eps = ct_some_f64(0)}), 1e-12, 3);
    ck_values_close(ct_triplet_margin_loss(a, p, a, &(ct_triplet_margin_loss_options){.p = ct_some_f64(0), .eps = ct_some_f64(0)}), 1e-12, 3); /* two elements differ */
}
END_TEST

/* ---- Edges ---- */

START_TEST(soft_margin_stays_finite_far_out) {
    ct_tensor *x = test_f32((const double[]){-1e4, 1e4}, CT_SHAPE(2));
    ck_values(ct_soft_margin_loss(x, ct_ones(CT_SHAPE(2), CT_F32), &(ct_soft_margin_loss_options){.reduction = CT_REDUCTION_NONE}), 1e4, 0);
}
END_TEST

static ct_tensor *l1_distance(ct_tensor *a, ct_tensor *b, void *user) {
    ++*(int *)user;
    return ct_sum_dim(ct_abs(ct_sub(a, b)), CT_DIMS(-1), NULL);
}

START_TEST(triplets_take_a_distance_of_the_program) {
    int calls = 0;
    ct_tensor *a = ROW(0, 0), *p = ROW(1, 2), *n = ROW(2, 2);
    ct_triplet_margin_with_distance_loss_options o = {.distance_function = l1_distance, .user = &calls, .margin = 1.5};
    ck_values(ct_triplet_margin_with_distance_loss(a, p, n, &o), 0.5);
    ck_assert_int_eq(calls, 2);
    o.swap = true; /* |p - n| = 1 is the nearer */
    ck_values(ct_triplet_margin_with_distance_loss(a, p, n, &o), 3.5);
    ck_assert_int_eq(calls, 5);
}
END_TEST

START_TEST(the_limit_of_a_variance_lets_the_gradient_through) {
    ct_tensor *x = ROW(1), *t = ROW(0), *var = ROW(0.1), *g;
    ct_set_requires_grad(var, true);
    ct_tensor *loss = ct_gaussian_nll_loss(x, t, var, &(ct_gaussian_nll_loss_options){.eps = ct_some_f64(0.5)});
    ct_grad(&loss, 1, &var, 1, NULL, &g);
    ck_values_close(g, 1e-12, 0.5 * (1 / 0.5 - 1 / 0.25));
    ck_values(var, 0.1);
}
END_TEST

START_TEST(batchmean_divides_by_the_rows) {
    ct_tensor *x = ct_log_softmax(ct_view(ROW(1, 2, 3, 4, 5, 7), CT_SHAPE(2, 3)), 1), *t = ct_softmax(ct_view(ROW(0, 1, 0, 2, 0, 1), CT_SHAPE(2, 3)), 1);
    double sum = ct_item_f64(ct_kl_div(x, t, &(ct_kl_div_options){.reduction = CT_REDUCTION_SUM}));
    ck_values_close(ct_kl_div(x, t, &(ct_kl_div_options){.reduction = CT_REDUCTION_BATCHMEAN}), 1e-12, sum / 2);
    ck_values_close(ct_kl_div(x, t, NULL), 1e-12, sum / 6);
    ck_values_close(ct_kl_div(x, ct_log(t), &(ct_kl_div_options){.log_target = true}), 1e-12, sum / 6);
}
END_TEST

START_TEST(nothing_to_average_is_nan) {
    ct_tensor *none = ct_zeros(CT_SHAPE(0), CT_F32), *rows = ct_zeros(CT_SHAPE(0, 3), CT_F32);
    ck_values(ct_soft_margin_loss(none, none, NULL), NAN);
    ck_values(ct_hinge_embedding_loss(none, none, &(ct_hinge_embedding_loss_options){.reduction = CT_REDUCTION_SUM}), 0);
    ck_values(ct_multi_margin_loss(rows, ct_zeros(CT_SHAPE(0), CT_I64), NULL), NAN);
    ck_values(ct_multilabel_margin_loss(rows, ct_zeros(CT_SHAPE(0, 3), CT_I64), NULL), NAN);
}
END_TEST

/* ---- CTC ---- */

enum { STEPS = 5, CLASSES = 3 };

/* -log of the sum over all CLASSES^STEPS paths that spell the labels. */
static double by_enumeration(const double *log_probs, const int *labels, int n) {
    double total = 0;
    for (int path = 0; path < 243; path++) {
        int spelt[STEPS], count = 0, before = -1;
        double p = 0;
        for (int t = 0, rest = path; t < STEPS; t++, rest /= CLASSES) {
            int k = rest % CLASSES;
            p += log_probs[t * CLASSES + k];
            if (k != 0 && k != before) spelt[count++] = k;
            before = k;
        }
        bool same = count == n;
        for (int i = 0; same && i < n; i++) same = spelt[i] == labels[i];
        if (same) total += exp(p);
    }
    return -log(total);
}

START_TEST(ctc_sums_over_all_paths) {
    const int cases[][4] = {{0}, {1, 1}, {2, 1, 2}, {2, 2, 2}, {3, 1, 2, 1}, {3, 2, 2, 1}, {3, 1, 1, 1}}; /* number of labels, labels */
    ct_manual_seed(5);
    ct_tensor *x = ct_log_softmax(ct_randn(CT_SHAPE(STEPS, CLASSES), CT_F64, NULL), 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double values[3] = {0};
        int n = cases[i][0];
        for (int k = 0; k < n; k++) values[k] = cases[i][k + 1];
        ct_tensor *t = test_i64(values, CT_SHAPE(n)), *loss = ct_ctc_loss(x, t, LABELS(STEPS), LABELS((double)n), &(ct_ctc_loss_options){.reduction = CT_REDUCTION_SUM});
        ck_values_close(loss, 1e-12, by_enumeration(ct_data(x), cases[i] + 1, n));
    }
}
END_TEST

static ct_tensor *ctc_of_logits(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return ct_ctc_loss(ct_log_softmax(in[0], 2), user, LABELS(6, 4), LABELS(2, 1), NULL);
}

START_TEST(ctc_gradients_are_right_once) {
    ct_tensor *x = ct_randn(CT_SHAPE(6, 2, 4), CT_F64, NULL), *t = ct_view(LABELS(1, 1, 3, 0), CT_SHAPE(2, 2)), *g;
    ct_set_requires_grad(x, true);
    ck_assert_int_eq(ct_gradcheck(ctc_of_logits, t, &x, 1, NULL), CT_OK);
    ct_tensor *loss = ctc_of_logits(&x, 1, t);
    ck_assert_int_eq(ct_grad(&loss, 1, &x, 1, &(ct_grad_options){.create_graph = true}, &g), CT_OK);
    ct_tensor *again = ct_sum(ct_mul(g, g));
    ck_assert_int_ne(ct_grad(&again, 1, &x, 1, NULL, &g), CT_OK);
    ck_error(CT_ERR_AUTOGRAD, "once");
}
END_TEST

START_TEST(a_target_that_does_not_fit_costs_inf_or_nothing) {
    ct_tensor *x = ct_log_softmax(ct_ones(CT_SHAPE(2, 2, 3), CT_F64), 2), *t = ct_view(LABELS(1, 1, 1, 2), CT_SHAPE(2, 2)), *g; /* 1 1 needs three steps */
    ct_ctc_loss_options o = {.reduction = CT_REDUCTION_NONE};
    x = ct_detach(x);
    ct_set_requires_grad(x, true);
    ct_tensor *loss = ct_ctc_loss(x, t, LABELS(2, 2), LABELS(2, 2), &o);
    ck_values_close(loss, 1e-12, INFINITY, 2 * log(3));
    o.zero_infinity = true;
    loss = ct_sum(ct_ctc_loss(x, t, LABELS(2, 2), LABELS(2, 2), &o));
    ck_values_close(loss, 1e-12, 2 * log(3));
    ct_grad(&loss, 1, &x, 1, NULL, &g);
    ck_values_close(ct_select(g, 1, 0), 0, 0, 0, 0, 0, 0, 0);
    ck_values_close(ct_select(g, 1, 1), 1e-12, 1.0 / 3, -2.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, -2.0 / 3);
}
END_TEST

/* Hundreds of steps: what is lost by adding logarithms in f32 would show. */
START_TEST(ctc_of_long_inputs_is_the_same_in_both_dtypes) {
    enum { T = 600, S = 60 };
    ct_manual_seed(3);
    ct_tensor *x = ct_log_softmax(ct_randn(CT_SHAPE(T, 3, 20), CT_F32, NULL), 2), *t = ct_randint(1, 20, CT_SHAPE(3, S), CT_I64, NULL), *g[2];
    for (int d = 0; d < 2; d++) {
        ct_tensor *in = ct_detach(d ? ct_to(x, CT_F64) : x);
        ct_set_requires_grad(in, true);
        ct_tensor *loss = ct_ctc_loss(in, t, LABELS(T, T, T), LABELS(S, S, S - 10), NULL);
        ct_grad(&loss, 1, &in, 1, NULL, &g[d]);
    }
    ck_close(g[0], ct_to(g[1], CT_F32), 1e-5, 1e-9);
}
END_TEST

/* ---- Errors ---- */

START_TEST(ctc_errors_name_what_is_wrong) {
    ct_tensor *x = ct_zeros(CT_SHAPE(4, 2, 3), CT_F32), *t = ct_view(LABELS(1, 2, 2, 7), CT_SHAPE(2, 2)), *two = LABELS(2, 2), *four = LABELS(4, 4);
    ck_assert_ptr_null(ct_ctc_loss(x, t, four, two, NULL));
    ck_error(CT_ERR_INDEX, "ct_ctc_loss: target 7 at position 1 of sample 1 is not one of the 3 classes");
    ck_values(ct_ctc_loss(x, t, four, LABELS(0, 0), &(ct_ctc_loss_options){.reduction = CT_REDUCTION_SUM}), 0); /* what lies behind a length is padding */
    ck_assert_ptr_null(ct_ctc_loss(x, t, LABELS(4, 5), two, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_ctc_loss: input_lengths has 5 at position 1, but 0 to 4 fit");
    ck_assert_ptr_null(ct_ctc_loss(x, t, four, LABELS(2, 3), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_ctc_loss: target_lengths has 3 at position 1, but 0 to 2 fit");
    ck_assert_ptr_null(ct_ctc_loss(x, LABELS(1, 2, 1), four, two, NULL));
    ck_error(CT_ERR_SHAPE, "ct_ctc_loss: target_lengths sum up to 4, but targets has 3 labels");
    ck_assert_ptr_null(ct_ctc_loss(x, LABELS(1, 2, 1, 1, 1), four, two, NULL));
    ck_error(CT_ERR_SHAPE, "sum up to 4, but targets has 5 labels");
    ck_assert_ptr_null(ct_ctc_loss(x, t, LABELS(4), two, NULL));
    ck_error(CT_ERR_SHAPE, "ct_ctc_loss: input_lengths must have one number for each of 2 samples, not [1]");
    ck_assert_ptr_null(ct_ctc_loss(x, ct_to(t, CT_F32), four, two, NULL));
    ck_error(CT_ERR_DTYPE, "ct_ctc_loss: targets must be integers, not float32");
    ck_assert_ptr_null(ct_ctc_loss(x, ct_zeros(CT_SHAPE(3, 2), CT_I64), four, two, NULL));
    ck_error(CT_ERR_SHAPE, "ct_ctc_loss: targets must be [2, S], or all labels in one row, not [3, 2]");
    ck_assert_ptr_null(ct_ctc_loss(x, t, four, two, &(ct_ctc_loss_options){.blank = 3}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_ctc_loss: blank 3 is not one of the 3 classes");
    ck_assert_ptr_null(ct_ctc_loss(ct_zeros(CT_SHAPE(4), CT_F32), t, four, two, NULL));
    ck_error(CT_ERR_SHAPE, "ct_ctc_loss: log_probs must be [T, N, C] or [T, C], not [4]");
    ck_assert_ptr_null(ct_ctc_loss(x, t, NULL, two, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_ctc_loss: tensor argument 3 is NULL");
}
END_TEST

START_TEST(label_errors_name_index_value_and_classes) {
    ct_tensor *x = ct_zeros(CT_SHAPE(2, 3), CT_F32), *labels = ct_view(LABELS(0, -1, 9, 1, 3, -1), CT_SHAPE(2, 3));
    ck_assert_ptr_null(ct_multi_margin_loss(x, LABELS(0, 3), NULL));
    ck_error(CT_ERR_INDEX, "ct_multi_margin_loss: target 3 at position 1 is not one of the 3 classes");
    ck_assert_ptr_null(ct_multi_margin_loss(x, LABELS(-1, 0), NULL));
    ck_error(CT_ERR_INDEX, "ct_multi_margin_loss: target -1 at position 0");
    ck_assert_ptr_null(ct_multilabel_margin_loss(x, labels, NULL)); /* the 9 behind -1 is not looked at */
    ck_error(CT_ERR_INDEX, "ct_multilabel_margin_loss: target 3 at position 4 is not one of the 3 classes");
    ck_assert_ptr_null(ct_multi_margin_loss(x, LABELS(0), NULL));
    ck_error(CT_ERR_SHAPE, "ct_multi_margin_loss: input [2, 3] wants one class index per row, not [1]");
    ck_assert_ptr_null(ct_multi_margin_loss(x, LABELS(0, 1), &(ct_multi_margin_loss_options){.p = 3}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_multi_margin_loss: p is 3 but must be 1 or 2");
    ck_assert_ptr_null(ct_multi_margin_loss(x, LABELS(0, 1), &(ct_multi_margin_loss_options){.weight = ct_ones(CT_SHAPE(2), CT_F32)}));
    ck_error(CT_ERR_SHAPE, "ct_multi_margin_loss: weight must be [3]");
    ck_assert_ptr_null(ct_multilabel_margin_loss(x, LABELS(0, 1, 2), NULL));
    ck_error(CT_ERR_SHAPE, "ct_multilabel_margin_loss: target must have input's shape [2, 3], not [3]");
    ck_assert_ptr_null(ct_multilabel_soft_margin_loss(ct_zeros(NULL, 0, CT_F32), ct_zeros(NULL, 0, CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "ct_multilabel_soft_margin_loss: input needs a dim for the classes");
}
END_TEST

START_TEST(margin_errors_name_what_is_wrong) {
    ct_tensor *x = ct_zeros(CT_SHAPE(2, 3), CT_F32), *row = ct_zeros(CT_SHAPE(3), CT_F32);
    ck_assert_ptr_null(ct_margin_ranking_loss(x, x, row, NULL));
    ck_error(CT_ERR_SHAPE, "ct_margin_ranking_loss: input1 [2, 3], input2 [2, 3] and target [3] must have as many dims");
    ck_assert_ptr_null(ct_cosine_embedding_loss(x, x, x, NULL));
    ck_error(CT_ERR_SHAPE, "ct_cosine_embedding_loss: input1 [2, 3]");
    ck_assert_ptr_null(ct_triplet_margin_loss(x, x, row, NULL));
    ck_error(CT_ERR_SHAPE, "ct_triplet_margin_loss: anchor [2, 3], positive [2, 3] and negative [3] must have as many dims");
    ck_assert_ptr_null(ct_triplet_margin_loss(x, x, x, &(ct_triplet_margin_loss_options){.margin = NAN}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_triplet_margin_loss: margin is nan but must be positive");
    ck_assert_ptr_null(ct_triplet_margin_with_distance_loss(x, x, x, &(ct_triplet_margin_with_distance_loss_options){.margin = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_triplet_margin_with_distance_loss: margin is -1");
    ck_assert_ptr_null(ct_gaussian_nll_loss(x, x, ct_sub_scalar(x, 2), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gaussian_nll_loss: var has -2 at position 0");
    ck_assert_ptr_null(ct_gaussian_nll_loss(x, x, row, NULL));
    ck_error(CT_ERR_SHAPE, "ct_gaussian_nll_loss: var [3] is neither of input's shape [2, 3]");
    ck_assert_ptr_null(ct_soft_margin_loss(x, ct_zeros(CT_SHAPE(4), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "[4]");
    ck_assert_ptr_null(ct_soft_margin_loss(x, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_soft_margin_loss: tensor argument 2 is NULL");
    ck_assert_ptr_null(ct_soft_margin_loss(x, x, &(ct_soft_margin_loss_options){.reduction = CT_REDUCTION_BATCHMEAN}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_soft_margin_loss: CT_REDUCTION_BATCHMEAN is for ct_kl_div only");
    ck_assert_ptr_null(ct_kl_div(x, x, &(ct_kl_div_options){.reduction = (ct_reduction)7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_kl_div: 7 is not a reduction");
}
END_TEST

TEST_LIST = {
    TEST(a_margin_of_zero_is_not_the_default),
    TEST(an_eps_of_zero_is_not_the_default),
    TEST(soft_margin_stays_finite_far_out),
    TEST(triplets_take_a_distance_of_the_program),
    TEST(the_limit_of_a_variance_lets_the_gradient_through),
    TEST(batchmean_divides_by_the_rows),
    TEST(nothing_to_average_is_nan),
    TEST(ctc_sums_over_all_paths),
    TEST(ctc_gradients_are_right_once),
    TEST(a_target_that_does_not_fit_costs_inf_or_nothing),
    TEST(ctc_of_long_inputs_is_the_same_in_both_dtypes),
    TEST(ctc_errors_name_what_is_wrong),
    TEST(label_errors_name_index_value_and_classes),
    TEST(margin_errors_name_what_is_wrong),
};
TEST_MAIN("op_loss_margin")
