/*
 * Layers without parameters of their own: values against PyTorch 2.13, options, descriptions; buffers; walking the tree.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

/* Takes the module over. */
static void check_values(const char *what, ct_module *m, const double *want, double tolerance) {
    ct_tensor *x = test_f64((const double[]){-2, -0.5, 0, 0.5, 1, 3}, CT_SHAPE(2, 3));
    ct_tensor *y = ct_forward(m, x);
    ck_assert_msg(ct_ok(), "%s: %s", what, ct_error_message());
    ck_sizes(y, 2, 3);
    test_values(what, __LINE__, y, want, 6, tolerance, tolerance);
    ct_module_free(m);
}
#define VALUES(module, ...) check_values(#module, module, (const double[]){__VA_ARGS__}, 1e-8)

START_TEST(activations_are_pytorchs) {
    VALUES(ct_nn_sigmoid(), 0.119202922, 0.377540669, 0.5, 0.622459331, 0.731058579, 0.952574127);
    VALUES(ct_nn_tanh(), -0.96402758, -0.462117157, 0, 0.462117157, 0.761594156, 0.995054754);
    VALUES(ct_nn_relu(), 0, 0, 0, 0.5, 1, 3);
    VALUES(ct_nn_silu(), -0.238405844, -0.188770334, 0, 0.311229666, 0.731058579, 2.85772238);
    VALUES(ct_nn_gelu(NULL), -0.0455002639, -0.154268769, 0, 0.345731231, 0.841344746, 2.99595031);
    VALUES(ct_nn_gelu(&(ct_gelu_options){.approximate = CT_GELU_TANH}), -0.0454023059, -0.15428599, 0, 0.34571401, 0.841191991, 2.99636261);
    VALUES(ct_nn_leaky_relu(NULL), -0.02, -0.005, 0, 0.5, 1, 3);
    VALUES(ct_nn_leaky_relu(&(ct_leaky_relu_options){.negative_slope = ct_some_f64(0.2)}), -0.4, -0.1, 0, 0.5, 1, 3);
    VALUES(ct_nn_leaky_relu(&(ct_leaky_relu_options){.negative_slope = ct_some_f64(0)}), 0, 0, 0, 0.5, 1, 3);
    VALUES(ct_nn_elu(NULL), -0.864664717, -0.39346934, 0, 0.5, 1, 3);
    VALUES(ct_nn_elu(&(ct_elu_options){.alpha = ct_some_f64(2)}), -1.72932943, -0.786938681, 0, 0.5, 1, 3);
    VALUES(ct_nn_softplus(NULL), 0.126928011, 0.474076984, 0.693147181, 0.974076984, 1.31326169, 3.04858735);
    VALUES(ct_nn_softplus(&(ct_softplus_options){.beta = 2, .threshold = ct_some_f64(4)}), 0.00907496396, 0.156630844, 0.34657359, 0.656630844,
           1.06346401, 3);
    VALUES(ct_nn_softmax(0), 0.07585818, 0.182425524, 0.0474258732, 0.92414182, 0.817574476, 0.952574127);
    VALUES(ct_nn_log_softmax(1), -2.55495692, -1.05495692, -0.55495692, -2.6967341, -2.1967341, -0.196734097);
}
END_TEST

#define F(x) ct_some_f64(x)
START_TEST(more_activations_are_pytorchs) {
    VALUES(ct_nn_relu6(), 0, 0, 0, 0.5, 1, 3);
    VALUES(ct_nn_mish(), -0.252501483, -0.220743775, 0, 0.375245211, 0.865098388, 2.986535);
    VALUES(ct_nn_selu(), -1.52016647, -0.691758188, 0, 0.525350494, 1.05070099, 3.15210296);
    VALUES(ct_nn_hardswish(), -0.333333333, -0.208333333, 0, 0.291666667, 0.666666667, 3);
    VALUES(ct_nn_hardsigmoid(), 0.166666667, 0.416666667, 0.5, 0.583333333, 0.666666667, 1);
    VALUES(ct_nn_softsign(), -0.666666667, -0.333333333, 0, 0.333333333, 0.5, 0.75);
    VALUES(ct_nn_logsigmoid(), -2.12692801, -0.974076984, -0.693147181, -0.474076984, -0.313261688, -0.0485873516);
    VALUES(ct_nn_tanhshrink(), -1.03597242, -0.0378828427, 0, 0.0378828427, 0.238405844, 2.00494525);
    VALUES(ct_nn_celu(NULL), -0.864664717, -0.39346934, 0, 0.5, 1, 3);
    VALUES(ct_nn_celu(&(ct_celu_options){.alpha = F(2)}), -1.26424112, -0.442398434, 0, 0.5, 1, 3);
    VALUES(ct_nn_hardtanh(NULL), -1, -0.5, 0, 0.5, 1, 1);
    VALUES(ct_nn_hardtanh(&(ct_hardtanh_options){.max_val = F(0)}), -1, -0.5, 0, 0, 0, 0);
    VALUES(ct_nn_hardtanh(&(ct_hardtanh_options){.min_val = F(0), .max_val = F(2)}), 0, 0, 0, 0.5, 1, 2);
    VALUES(ct_nn_hardshrink(NULL), -2, 0, 0, 0, 1, 3);
    VALUES(ct_nn_hardshrink(&(ct_hardshrink_options){.lambd = F(0)}), -2, -0.5, 0, 0.5, 1, 3);
    VALUES(ct_nn_softshrink(NULL), -1.5, 0, 0, 0, 0.5, 2.5);
    VALUES(ct_nn_softshrink(&(ct_softshrink_options){.lambd = F(0)}), -2, -0.5, 0, 0.5, 1, 3);
    VALUES(ct_nn_softplus(&(ct_softplus_options){.threshold = F(0)}), 0.126928011, 0.474076984, 0.693147181, 0.5, 1, 3);
    VALUES(ct_nn_threshold(0.7, 9), 9, 9, 9, 9, 1, 3);
    VALUES(ct_nn_softmin(1), 0.736124724, 0.164251628, 0.0996236481, 0.59220107, 0.359188106, 0.048610824);
    VALUES(ct_nn_prelu(&(ct_nn_prelu_options){.dtype = CT_F64}), -0.5, -0.125, 0, 0.5, 1, 3);
    VALUES(ct_nn_prelu(&(ct_nn_prelu_options){.dtype = CT_F64, .init = F(0)}), 0, 0, 0, 0.5, 1, 3);
}
END_TEST

START_TEST(a_prelu_learns_a_slope_for_each_channel) {
    ct_module *m = ct_nn_prelu(&(ct_nn_prelu_options){.num_parameters = 2});
    ct_backward(ct_sum(ct_forward(m, test_f32((double[]){-2, -0.5, 4, 1, -3, -1}, CT_SHAPE(1, 2, 3)))));
    ck_values(ct_tensor_grad(ct_module_get_parameter(m, "weight")), -2.5, -4);
    ct_module_free(m);
    ck_assert_ptr_null(ct_nn_prelu(&(ct_nn_prelu_options){.num_parameters = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_prelu: -1 parameters");
}
END_TEST

START_TEST(slopes_of_rrelu_are_drawn_in_training_only) {
    ct_module *m = ct_nn_rrelu(NULL), *zero = ct_nn_rrelu(&(ct_nn_rrelu_options){.lower = F(0), .upper = F(0)});
    ct_tensor *x = test_f32((double[]){-2, -0.5, 0, 0.5, 1, 3}, CT_SHAPE(2, 3));
    ct_manual_seed(3);
    ck_values_close(ct_forward(m, x), 1e-7, -0.264211744, -0.0923687741, 0, 0.5, 1, 3);
    ct_module_eval(m);
    ck_values_close(ct_forward(m, x), 1e-7, -0.458333333, -0.114583333, 0, 0.5, 1, 3);
    ck_values(ct_forward(zero, x), 0, 0, 0, 0.5, 1, 3);
    ct_module_free(m);
    ct_module_free(zero);
    ck_assert_ptr_null(ct_nn_rrelu(&(ct_nn_rrelu_options){.lower = F(1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "slopes from 1 to 0.33");
}
END_TEST

START_TEST(softmax2d_is_over_channels) {
    ct_module *m = ct_nn_softmax2d();
    ct_tensor *x = ct_rand(CT_SHAPE(2, 3, 4, 5), CT_F32, NULL);
    ck_close(ct_forward(m, x), ct_softmax(x, 1), 0, 0);
    ck_close(ct_forward(m, ct_select(x, 0, 1)), ct_softmax(ct_select(x, 0, 1), 0), 0, 0);
    ck_assert_ptr_null(ct_forward(m, ct_select(ct_select(x, 0, 0), 0, 0)));
    ck_error(CT_ERR_SHAPE, "Softmax2d takes 3 or 4 dims, not [4, 5]");
    ct_module_free(m);
}
END_TEST

START_TEST(glu_gates_one_half_with_the_other) {
    ct_module *m = ct_nn_glu(-1);
    ck_values_close(ct_forward(m, test_f32((double[]){1, 2, 0, 1}, CT_SHAPE(4))), 1e-6, 0.5, 1.46211716);
    ct_module_free(m);
}
END_TEST

/* In training what stays is scaled; the zeroed ones come in whole channels where that is asked for. Takes the module over. */
static void check_dropout(ct_module *m, int ndim, int64_t run) {
    static const int64_t sizes[] = {4, 16, 2, 2, 2};
    ct_tensor *x = ct_ones(sizes, ndim, CT_F32), *y = ct_forward(m, x);
    const float *p = ct_data_f32(y);
    int64_t zeros = 0, n = ct_numel(y);
    ck_assert_msg(ct_ok(), "%s: %s", ct_module_class_name(m), ct_error_message());
    for (int64_t i = 0; i < n; i++) {
        ck_assert_msg(p[i] == 0 || p[i] == 2, "%s: %g", ct_module_class_name(m), (double)p[i]);
        ck_assert_msg(p[i] == p[i / run * run], "%s: element %lld is not as its channel", ct_module_class_name(m), (long long)i);
        zeros += p[i] == 0;
    }
    ck_assert_msg(zeros > n / 5 && zeros < n - n / 5, "%s: %lld of %lld zeros", ct_module_class_name(m), (long long)zeros, (long long)n);
    ct_module_eval(m);
    ck_close(ct_forward(m, x), x, 0, 0);
    ct_module_free(m);
}

START_TEST(dropout_takes_elements_or_channels_in_training_only) {
    ct_manual_seed(1);
    check_dropout(ct_nn_dropout(0.5), 5, 1);
    check_dropout(ct_nn_dropout1d(0.5), 3, 2);
    check_dropout(ct_nn_dropout2d(0.5), 4, 4);
    check_dropout(ct_nn_dropout3d(0.5), 5, 8);
    ck_assert_ptr_null(ct_nn_dropout2d(1.5));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_dropout2d: p is 1.5");
    ck_assert_ptr_null(ct_nn_alpha_dropout((double)NAN));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_alpha_dropout: p is");
}
END_TEST

START_TEST(alpha_dropout_keeps_mean_and_variance) {
    ct_manual_seed(1);
    ct_module *m = ct_nn_alpha_dropout(0.3), *channels = ct_nn_feature_alpha_dropout(0.3);
    ct_tensor *x = ct_randn(CT_SHAPE(200, 100, 4), CT_F32, NULL), *y = ct_forward(m, x), *z = ct_forward(channels, x);
    ck_assert_double_eq_tol(ct_item_f64(ct_mean(y)), 0, 0.03);
    ck_assert_double_eq_tol(ct_item_f64(ct_mean(ct_square(y))), 1, 0.05);
    ck_assert_double_eq_tol(ct_item_f64(ct_mean(z)), 0, 0.05);
    ck_assert_double_eq_tol(ct_item_f64(ct_mean(ct_square(z))), 1, 0.06);
    ct_module_free(m);
    ct_module_free(channels);
}
END_TEST

START_TEST(identity_hands_its_input_on) {
    ct_module *m = ct_nn_identity();
    ct_tensor *x = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    ck_close(ct_forward(m, x), x, 0, 0);
    ck_assert(ct_shares_storage(ct_forward(m, x), x));
    ct_module_free(m);
}
END_TEST

START_TEST(means_over_windows_are_pytorchs) {
    ct_tensor *x = ct_reshape(ct_arange(0, 32, 1, CT_F32), CT_SHAPE(1, 2, 4, 4));
    ct_module *windows = ct_nn_avg_pool2d(2, NULL), *rows = ct_nn_adaptive_avg_pool2d(2, 1);
    ck_values(ct_forward(windows, x), 2.5, 4.5, 10.5, 12.5, 18.5, 20.5, 26.5, 28.5);
    ck_values(ct_forward(rows, x), 3.5, 11.5, 19.5, 27.5);
    ck_sizes(ct_forward(rows, x), 1, 2, 2, 1);
    ct_module_free(windows);
    ct_module_free(rows);
    ck_ok();
}
END_TEST

START_TEST(wrong_options_and_inputs_have_sentences) {
    ck_assert_ptr_null(ct_nn_elu(&(ct_elu_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "reserved word");
    ck_assert_ptr_null(ct_nn_hardtanh(&(ct_hardtanh_options){.max_val = ct_some_f64(-1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "min_val -1 is not below max_val -1");
    ck_assert_ptr_null(ct_nn_adaptive_avg_pool2d(-2, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "-2");
    ct_module *m = ct_nn_log_softmax(2);
    ck_assert_ptr_null(ct_forward(m, ct_zeros(CT_SHAPE(2, 3), CT_F32)));
    ck_error(CT_ERR_INDEX, "dim 2 is out of range");
    ct_module_free(m);
}
END_TEST

/* ---- Buffers and the tree ---- */

static ct_status counting_init(ct_module *m, const void *arg) {
    (void)arg;
    ct_status status = ct_module_register_buffer(m, "seen", ct_zeros(NULL, 0, CT_F32), true);
    if (status == CT_OK) status = ct_module_register_buffer(m, "scratch", ct_ones(CT_SHAPE(2), CT_F32), false);
    return status;
}
static ct_status counting_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = in[0];
    return ct_add_scalar_(ct_module_get_buffer(m, "seen"), 1);
}
static const ct_module_class counting = {
    .name = "Counting", .n_inputs = 1, .n_outputs = 1, .init = counting_init, .forward = counting_forward};

START_TEST(buffers_are_state_but_no_parameters) {
    ct_module *net = ct_nn_sequential(ct_module_new(&counting, NULL), ct_nn_linear(2, 2, NULL));
    ck_ok();
    ck_assert_int_eq(ct_list_size(ct_parameters(net)), 2);
    ct_dict *buffers = ct_named_buffers(net);
    ck_assert_int_eq(ct_dict_size(buffers), 2);
    ck_assert_str_eq(ct_dict_name_at(buffers, 0), "0.seen");
    ck_assert_str_eq(ct_dict_name_at(buffers, 1), "0.scratch");
    ct_forward(net, ct_ones(CT_SHAPE(1, 2), CT_F32));
    ct_forward(net, ct_ones(CT_SHAPE(1, 2), CT_F32));
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(net, "0.seen")), 2);

    ct_dict *state = ct_state_dict(net); /* without the one that is not persistent */
    ck_assert_int_eq(ct_dict_size(state), 3);
    ck_assert_str_eq(ct_dict_name_at(state, 0), "0.seen");
    ct_module *other = ct_nn_sequential(ct_module_new(&counting, NULL), ct_nn_linear(2, 2, NULL));
    ck_assert_int_eq(ct_load_state_dict(other, state, NULL), CT_OK);
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(other, "0.seen")), 2);

    ck_assert_ptr_null(ct_module_get_buffer(net, "0.nothing"));
    ck_error(CT_ERR_NOT_FOUND, "ct_module_get_buffer: Sequential has no buffer \"0.nothing\"");
    ct_module_free(net);
    ct_module_free(other);
}
END_TEST

START_TEST(children_are_walked_in_order) {
    ct_module *net = ct_nn_sequential(ct_nn_identity(), ct_nn_sequential(ct_nn_silu(), ct_nn_tanh(), ct_nn_identity()));
    ck_assert_int_eq(ct_module_num_children(net), 2);
    ck_assert_int_eq(ct_module_num_children(NULL), 0);
    const char *name = NULL;
    ct_module *inner = ct_module_child_at(net, 1, &name);
    ck_assert_str_eq(name, "1");
    ck_assert_int_eq(ct_module_num_children(inner), 3);
    static const char *const want[] = {"SiLU", "Tanh", "Identity"};
    for (int i = 0; i < 3; i++) ck_assert_str_eq(ct_module_class_name(ct_module_child_at(inner, i, NULL)), want[i]);
    ck_assert_ptr_null(ct_module_child_at(net, 2, &name));
    ct_error_clear();
    ct_module_free(net);
}
END_TEST

TEST_LIST = {
    TEST(activations_are_pytorchs),
    TEST(more_activations_are_pytorchs),
    TEST(a_prelu_learns_a_slope_for_each_channel),
    TEST(slopes_of_rrelu_are_drawn_in_training_only),
    TEST(softmax2d_is_over_channels),
    TEST(glu_gates_one_half_with_the_other),
    TEST(dropout_takes_elements_or_channels_in_training_only),
    TEST(alpha_dropout_keeps_mean_and_variance),
    TEST(identity_hands_its_input_on),
    TEST(means_over_windows_are_pytorchs),
    TEST(wrong_options_and_inputs_have_sentences),
    TEST(buffers_are_state_but_no_parameters),
    TEST(children_are_walked_in_order),
};
TEST_MAIN("nn_layers")
