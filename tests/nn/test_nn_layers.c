/*
 * Layers without parameters of their own: values against PyTorch 2.13, options, descriptions; buffers; walking the tree.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
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
    TEST(identity_hands_its_input_on),
    TEST(means_over_windows_are_pytorchs),
    TEST(wrong_options_and_inputs_have_sentences),
    TEST(buffers_are_state_but_no_parameters),
    TEST(children_are_walked_in_order),
};
TEST_MAIN("nn_layers")
