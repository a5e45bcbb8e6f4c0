/*
 * What parity with PyTorch cannot say of normalization, feature dropout, gumbel_softmax, attention and recurrent networks: random results, what stays as it
 * was after a failure, other ways to the same numbers, sentences of errors.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>

/* ---- Dropout of features ---- */

START_TEST(a_channel_goes_as_a_whole) {
    ct_manual_seed(3);
    ct_tensor *y = ct_dropout2d(ct_ones(CT_SHAPE(40, 50, 2, 3), CT_F32), 0.25, NULL);
    const float *v = ct_data_f32(y);
    int64_t gone = 0;
    for (int64_t c = 0; c < 2000; c++) {
        for (int64_t i = 1; i < 6; i++) ck_assert_msg(v[6 * c + i] == v[6 * c], "channel %lld is in parts", (long long)c);
        gone += v[6 * c] == 0;
        if (v[6 * c] != 0) ck_assert_float_eq(v[6 * c], (float)(1 / 0.75));
    }
    ck_assert_double_le(fabs((double)gone / 2000 - 0.25), 5 * sqrt(0.25 * 0.75 / 2000));
}
END_TEST

START_TEST(alpha_dropout_keeps_mean_and_variance) {
    ct_manual_seed(4);
    ct_tensor *x = ct_randn(CT_SHAPE(200000), CT_F32, NULL), *y = ct_alpha_dropout(x, 0.3, NULL);
    ck_assert_double_le(fabs(ct_item_f64(ct_mean(y))), 0.02);
    ck_assert_double_le(fabs(ct_item_f64(ct_var(y, NULL)) - 1), 0.03);
    ct_tensor *z = ct_feature_alpha_dropout(ct_randn(CT_SHAPE(500, 100, 3), CT_F32, NULL), 0.3, NULL);
    ck_assert_double_le(fabs(ct_item_f64(ct_mean(z))), 0.05);
}
END_TEST

START_TEST(in_place_forms_draw_the_same_mask) {
    ct_tensor *x = ct_rand(CT_SHAPE(4, 6, 5), CT_F32, NULL), *a, *b = ct_clone(x);
    ct_manual_seed(9);
    a = ct_dropout1d(x, 0.5, NULL);
    ct_manual_seed(9);
    ct_dropout1d_(b, 0.5, NULL);
    ck_close(a, b, 0, 0);
    ct_manual_seed(9);
    a = ct_dropout(x, 0.5, NULL);
    b = ct_clone(x);
    ct_manual_seed(9);
    ct_dropout_(b, 0.5, NULL);
    ck_close(a, b, 0, 0);
}
END_TEST

START_TEST(a_slice_of_a_drawn_gradient_is_the_mask) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 4), CT_F64, NULL), *g;
    ct_set_requires_grad(x, true);
    ct_tensor *y = ct_alpha_dropout(x, 0.5, NULL), *sum = ct_sum(y);
    ck_assert_int_eq(ct_grad(&sum, 1, &x, 1, NULL, &g), CT_OK);
    const double *v = ct_data(g);
    for (int i = 0; i < 12; i++) ck_assert(v[i] == 0 || v[i] == v[0] || v[0] == 0);
}
END_TEST

/* ---- gumbel_softmax, rrelu ---- */

START_TEST(gumbel_softmax_samples_the_distribution) {
    ct_manual_seed(6);
    const double logits[] = {0, 1, 2};
    ct_tensor *x = ct_expand(test_f32(logits, CT_SHAPE(3)), CT_SHAPE(30000, 3));
    ct_tensor *hard = ct_gumbel_softmax(x, -1, &(ct_gumbel_softmax_options){.hard = true});
    ct_tensor *share = ct_mean_dim(hard, CT_DIMS(0), NULL);
    ck_close(share, ct_softmax(test_f32(logits, CT_SHAPE(3)), 0), 0, 0.02);
    ck_close(ct_sum_dim(hard, CT_DIMS(1), NULL), ct_ones(CT_SHAPE(30000), CT_F32), 0, 1e-6);
    ct_gumbel_softmax(x, -1, &(ct_gumbel_softmax_options){.tau = -1});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gumbel_softmax: tau is -1");
}
END_TEST

START_TEST(the_hard_form_has_the_gradient_of_the_soft_one) {
    ct_tensor *x = ct_rand(CT_SHAPE(4, 5), CT_F64, NULL), *w = ct_rand(CT_SHAPE(4, 5), CT_F64, NULL), *g[2];
    ct_set_requires_grad(x, true);
    for (int hard = 0; hard < 2; hard++) {
        ct_manual_seed(8);
        ct_tensor *y = ct_sum(ct_mul(w, ct_gumbel_softmax(x, 1, &(ct_gumbel_softmax_options){.hard = hard, .tau = 0.7})));
        ck_assert_int_eq(ct_grad(&y, 1, &x, 1, NULL, &g[hard]), CT_OK);
    }
    ck_close(g[0], g[1], 1e-12, 1e-12);
}
END_TEST

/* ---- Normalization ---- */

START_TEST(running_statistics_change_only_in_training_and_only_on_success) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 2, 4), CT_F32, NULL), *mean = ct_zeros(CT_SHAPE(2), CT_F32), *var = ct_ones(CT_SHAPE(2), CT_F32);
    ct_batch_norm(x, mean, var, NULL, NULL, NULL);
    ck_values(mean, 0, 0);
    ck_values(var, 1, 1);
    for (int64_t i = 1; i < 30; i++) {
        ct_memory_fail_at(i);
        ct_tensor *y = ct_batch_norm(x, mean, var, NULL, NULL, &(ct_batch_norm_options){.training = true});
        ct_memory_fail_at(0);
        if (y) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ck_values(mean, 0, 0);
        ck_values(var, 1, 1);
    }
    ck_ok();
    ck_assert_double_ne(ct_item_f64(ct_select(mean, 0, 0)), 0);
}
END_TEST

START_TEST(a_falling_momentum_gives_the_cumulative_average) {
    ct_tensor *mean = ct_zeros(CT_SHAPE(1), CT_F64), *var = ct_ones(CT_SHAPE(1), CT_F64);
    double want = 0;
    for (int i = 1; i <= 3; i++) {
        ct_tensor *x = ct_rand(CT_SHAPE(8, 1), CT_F64, NULL);
        want += ct_item_f64(ct_mean(x)) / 3;
        ct_batch_norm(x, mean, var, NULL, NULL, &(ct_batch_norm_options){.training = true, .momentum = ct_some_f64(1.0 / i)});
    }
    ck_values_close(mean, 1e-12, want);
}
END_TEST

START_TEST(large_means_do_not_hurt_the_variance) {
    ct_tensor *x = ct_add_scalar(ct_randn(CT_SHAPE(64, 3, 50), CT_F32, NULL), 1000), *y;
    y = ct_batch_norm(x, NULL, NULL, NULL, NULL, &(ct_batch_norm_options){.training = true});
    ck_assert_double_le(fabs(ct_item_f64(ct_var(y, NULL)) - 1), 1e-2);
    y = ct_layer_norm(x, CT_SHAPE(50), NULL, NULL, NULL);
    ck_assert_double_le(fabs(ct_item_f64(ct_var(y, NULL)) - 1), 1e-2);
}
END_TEST

START_TEST(normalizations_say_what_is_wrong) {
    ct_tensor *x = ct_ones(CT_SHAPE(2, 6, 4), CT_F32), *two = ct_ones(CT_SHAPE(2), CT_F32);
    ct_batch_norm(x, NULL, NULL, NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_batch_norm: without .training running_mean and running_var must be given");
    ct_batch_norm(x, two, NULL, NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "both be given");
    ct_batch_norm(x, NULL, NULL, two, NULL, &(ct_batch_norm_options){.training = true});
    ck_error(CT_ERR_SHAPE, "ct_batch_norm: weight [2] must be [6]");
    ct_group_norm(x, 4, NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_group_norm: 6 channels in 4 groups");
    ct_layer_norm(x, CT_SHAPE(3), NULL, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "ct_layer_norm: x [2, 6, 4] does not end in the normalized shape [3]");
    ct_rms_norm(x, CT_SHAPE(4), two, NULL);
    ck_error(CT_ERR_SHAPE, "ct_rms_norm: weight [2] must have the normalized shape [4]");
    ct_local_response_norm(x, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_local_response_norm: size is 0");
}
END_TEST

/* ---- Attention ---- */

START_TEST(attention_drops_what_the_seed_says) {
    ct_tensor *q = ct_rand(CT_SHAPE(2, 3, 4), CT_F32, NULL), *a, *b, *c;
    const ct_scaled_dot_product_attention_options o = {.dropout_p = 0.5};
    ct_manual_seed(2);
    a = ct_scaled_dot_product_attention(q, q, q, NULL, &o);
    ct_manual_seed(2);
    b = ct_scaled_dot_product_attention(q, q, q, NULL, &o);
    c = ct_scaled_dot_product_attention(q, q, q, NULL, NULL);
    ck_close(a, b, 0, 0);
    ck_assert(!ct_allclose(a, c, NULL));
}
END_TEST

/* Sum of squares of attention with dropout, written out. */
static ct_tensor *attention_by_hand(ct_tensor *const *in, ct_tensor *mask, double p) {
    ct_tensor *scores = ct_mul_scalar(ct_matmul(in[0], ct_transpose(in[1], -2, -1)), 1 / sqrt((double)ct_size(in[0], -1)));
    ct_tensor *weights = ct_dropout(ct_softmax(mask ? ct_add(scores, mask) : scores, -1), p, NULL);
    return ct_sum(ct_square(ct_matmul(weights, in[2])));
}

/* Lengths around the kernel's blocks of 64 rows, 128 columns and 64 words; by strides as well; values, gradients, gradients of gradients. */
START_TEST(attention_with_dropout_is_dropout_of_its_weights) {
    static const int64_t lengths[][2] = {{1, 1}, {5, 7}, {64, 128}, {65, 129}, {70, 200}};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
        const int64_t l = lengths[i / 2][0], s = lengths[i / 2][1];
        const double p = i == 4 ? 1 : 0.3;
        ct_tensor *in[] = {ct_transpose(ct_rand(CT_SHAPE(2, l, 3, 4), CT_F64, NULL), 1, 2), ct_rand(CT_SHAPE(2, 3, s, 4), CT_F64, NULL),
                           ct_rand(CT_SHAPE(2, 3, s, 5), CT_F64, NULL)}, *ga[3], *gb[3];
        ct_tensor *mask = i % 2 ? ct_randn(CT_SHAPE(3, 1, s), CT_F64, NULL) : NULL;
        for (int k = 0; k < 3; k++) ct_set_requires_grad(in[k] = ct_detach(in[k]), true);
        const bool second = i < 4;
        ct_manual_seed(2);
        ct_tensor *a = ct_sum(ct_square(ct_scaled_dot_product_attention(in[0], in[1], in[2], mask, &(ct_scaled_dot_product_attention_options){.dropout_p = p})));
        ct_manual_seed(2);
        ct_tensor *b = attention_by_hand(in, mask, p);
        ck_close(a, b, 1e-10, 1e-10);
        ck_assert_int_eq(ct_grad(&a, 1, in, 3, &(ct_grad_options){.create_graph = second}, ga), CT_OK);
        ck_assert_int_eq(ct_grad(&b, 1, in, 3, &(ct_grad_options){.create_graph = second}, gb), CT_OK);
        for (int k = 0; k < 3; k++) ck_close(ga[k], gb[k], 1e-10, 1e-9);
        if (!second) continue;
        a = ct_add(ct_sum(ct_square(ga[0])), ct_sum(ct_square(ga[2])));
        b = ct_add(ct_sum(ct_square(gb[0])), ct_sum(ct_square(gb[2])));
        ck_assert_int_eq(ct_grad(&a, 1, in, 3, NULL, ga), CT_OK);
        ck_assert_int_eq(ct_grad(&b, 1, in, 3, NULL, gb), CT_OK);
        for (int k = 0; k < 3; k++) ck_close(ga[k], gb[k], 1e-9, 1e-9);
    }
}
END_TEST

START_TEST(attention_stores_no_scores) {
    enum { L = 1024 };
    ct_tensor *q = ct_rand(CT_SHAPE(1, 1, L, 8), CT_F32, NULL);
    ct_scaled_dot_product_attention(q, q, q, NULL, NULL); /* the pool and the BLAS have what they need */
    int64_t before = ct_memory_get_stats().live_bytes;
    ct_memory_reset_peak();
    ct_scaled_dot_product_attention(q, q, q, NULL, &(ct_scaled_dot_product_attention_options){.dropout_p = 0.1});
    ck_assert_int_lt(ct_memory_get_stats().peak_bytes - before, (int64_t)L * L * 4 / 8);
}
END_TEST

/* ---- Bags ---- */

START_TEST(gradients_of_bags_are_divided_as_those_of_embeddings) {
    const double at[] = {0, 2, 2, 4, 1, 0}, from[] = {0, 2, 2, 5};
    ct_tensor *input = test_i64(at, CT_SHAPE(6)), *weight = ct_rand(CT_SHAPE(5, 3), CT_F64, NULL), *g[2];
    ct_set_requires_grad(weight, true);
    ct_tensor *sum = ct_sum(ct_embedding_bag(input, weight, test_i64(from, CT_SHAPE(4)),
                                             &(ct_embedding_bag_options){.mode = CT_EMBEDDING_BAG_SUM, .scale_grad_by_freq = true}));
    ck_assert_int_eq(ct_grad(&sum, 1, &weight, 1, NULL, &g[0]), CT_OK);
    sum = ct_sum(ct_embedding(input, weight, &(ct_embedding_options){.scale_grad_by_freq = true}));
    ck_assert_int_eq(ct_grad(&sum, 1, &weight, 1, NULL, &g[1]), CT_OK);
    ck_close(g[0], g[1], 1e-12, 1e-12);
}
END_TEST

/* ---- Recurrent networks ---- */

static ct_tensor *lstm_weights[8];
static void make_weights(int64_t in, int64_t h, int layers, ct_dtype dtype) {
    for (int i = 0; i < 4 * layers; i++) {
        const bool matrix = i % 4 < 2;
        const int64_t cols = i % 4 == 0 && i < 4 ? in : h, sizes[] = {4 * h, cols};
        lstm_weights[i] = ct_sub_scalar(ct_rand(sizes, matrix ? 2 : 1, dtype, NULL), 0.5);
    }
}

START_TEST(sequences_with_lengths_are_those_run_alone) {
    ct_manual_seed(1);
    make_weights(3, 4, 1, CT_F64);
    const double lengths[] = {2, 5, 1};
    ct_tensor *x = ct_rand(CT_SHAPE(3, 5, 3), CT_F64, NULL), *hn, *cn;
    ct_tensor *y = ct_lstm(x, NULL, NULL, lstm_weights, 4, &(ct_rnn_options){.batch_first = true, .lengths = test_i64(lengths, CT_SHAPE(3))}, &hn, &cn);
    ck_sizes(y, 3, 5, 4);
    for (int b = 0; b < 3; b++) {
        const int64_t n = (int64_t)lengths[b];
        ct_tensor *h1, *c1, *alone = ct_lstm(ct_narrow(ct_select(x, 0, b), 0, 0, n), NULL, NULL, lstm_weights, 4, NULL, &h1, &c1);
        ck_close(ct_narrow(ct_select(y, 0, b), 0, 0, n), alone, 1e-12, 1e-12);
        ck_close(ct_select(hn, 1, b), h1, 1e-12, 1e-12);
        ck_close(ct_select(cn, 1, b), c1, 1e-12, 1e-12);
        if (n < 5) ck_assert_double_eq(ct_item_f64(ct_sum(ct_abs(ct_narrow(ct_select(y, 0, b), 0, n, 5 - n)))), 0);
    }
}
END_TEST

START_TEST(dropout_lies_between_layers_only_and_only_in_training) {
    ct_manual_seed(1);
    make_weights(3, 4, 2, CT_F32);
    ct_tensor *x = ct_rand(CT_SHAPE(5, 2, 3), CT_F32, NULL);
    const ct_rnn_options plain = {.num_layers = 2}, drops = {.num_layers = 2, .dropout = 0.5}, eval = {.num_layers = 2, .dropout = 0.5, .no_training = true};
    ct_tensor *want = ct_lstm(x, NULL, NULL, lstm_weights, 8, &plain, NULL, NULL);
    ck_close(ct_lstm(x, NULL, NULL, lstm_weights, 8, &eval, NULL, NULL), want, 0, 0);
    ck_assert(!ct_allclose(ct_lstm(x, NULL, NULL, lstm_weights, 8, &drops, NULL, NULL), want, NULL));
    const ct_rnn_options single = {.dropout = 0.5};
    ck_close(ct_lstm(x, NULL, NULL, lstm_weights, 4, &single, NULL, NULL), ct_lstm(x, NULL, NULL, lstm_weights, 4, NULL, NULL, NULL), 0, 0);
}
END_TEST

START_TEST(recurrent_networks_say_what_is_wrong) {
    make_weights(3, 4, 1, CT_F32);
    ct_tensor *x = ct_rand(CT_SHAPE(5, 2, 3), CT_F32, NULL), *state = ct_zeros(CT_SHAPE(1, 3, 4), CT_F32);
    const double lengths[] = {2, 6}, sizes[] = {1, 2};
    ct_lstm(x, NULL, NULL, lstm_weights, 3, &(ct_rnn_options){.num_layers = 2}, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lstm: 3 weights for 2 layers of 1 directions");
    ct_lstm(x, state, NULL, lstm_weights, 4, NULL, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "ct_lstm: h0 is [1, 3, 4], but must be [1, 2, 4]");
    ct_lstm(ct_rand(CT_SHAPE(5, 2, 2), CT_F32, NULL), NULL, NULL, lstm_weights, 4, NULL, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "ct_lstm: w_ih of layer 0 is [16, 3], but must be [16, 2]");
    ct_lstm(x, NULL, NULL, lstm_weights, 4, &(ct_rnn_options){.lengths = test_i64(lengths, CT_SHAPE(2))}, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lstm: lengths[1] is 6, but must be between 1 and 5");
    ct_lstm(ct_rand(CT_SHAPE(3, 3), CT_F32, NULL), NULL, NULL, lstm_weights, 4, &(ct_rnn_options){.batch_sizes = test_i64(sizes, CT_SHAPE(2))}, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lstm: batch_sizes[1] is 2; they must be positive, not grow, and add up to the 3 rows of input");
    ct_lstm_cell(ct_rand(CT_SHAPE(2, 3), CT_F32, NULL), ct_rand(CT_SHAPE(3, 4), CT_F32, NULL), ct_rand(CT_SHAPE(3, 4), CT_F32, NULL), lstm_weights[0],
                 lstm_weights[1], NULL, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "ct_lstm_cell: input [2, 3] and h [3, 4] must be [B, I] and [B, H]");
}
END_TEST

TEST_LIST = {
    TEST(a_channel_goes_as_a_whole),
    TEST(alpha_dropout_keeps_mean_and_variance),
    TEST(in_place_forms_draw_the_same_mask),
    TEST(a_slice_of_a_drawn_gradient_is_the_mask),
    TEST(gumbel_softmax_samples_the_distribution),
    TEST(the_hard_form_has_the_gradient_of_the_soft_one),
    TEST(running_statistics_change_only_in_training_and_only_on_success),
    TEST(a_falling_momentum_gives_the_cumulative_average),
    TEST(large_means_do_not_hurt_the_variance),
    TEST(normalizations_say_what_is_wrong),
    TEST(attention_drops_what_the_seed_says),
    TEST(attention_with_dropout_is_dropout_of_its_weights),
    TEST(attention_stores_no_scores),
    TEST(gradients_of_bags_are_divided_as_those_of_embeddings),
    TEST(sequences_with_lengths_are_those_run_alone),
    TEST(dropout_lies_between_layers_only_and_only_in_training),
    TEST(recurrent_networks_say_what_is_wrong),
};
TEST_MAIN("layer_ops")
