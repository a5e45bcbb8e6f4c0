/*
 * RNN, LSTM, GRU and their cells as modules: parameters as PyTorch 2.13 makes them, states, descriptions, errors. Values and gradients against
 * PyTorch's are in tests/parity.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <stdio.h>
#include <string.h>

static ct_tensor *random_f64(const int64_t *sizes, int ndim) { return ct_rand(sizes, ndim, CT_F64, NULL); }

static void check_text(ct_module *m, const char *want) {
    char text[256];
    ck_ok();
    ct_module_format(m, text, sizeof text);
    ck_assert_str_eq(text, want);
    ct_module_free(m);
}

START_TEST(parameters_have_pytorchs_names_shapes_and_bits) {
    static const struct { const char *name; int64_t rows, cols; float first, second; } want[] = {
        {"weight_ih_l0", 12, 2, 0x1.867e84p-2f, -0x1.ba1768p-2f},         {"weight_hh_l0", 12, 2, 0x1.18eb26p-1f, -0x1.e461e6p-2f},
        {"bias_ih_l0", 12, 1, 0x1.a5602p-2f, -0x1.29a17ep-3f},            {"bias_hh_l0", 12, 1, -0x1.4824ep-2f, -0x1.512cfcp-2f},
        {"weight_hr_l0", 2, 3, -0x1.78805ep-4f, 0x1.bf68acp-2f},          {"weight_ih_l0_reverse", 12, 2, -0x1.aa07aap-3f, -0x1.2d097p-5f},
        {"weight_hh_l0_reverse", 12, 2, -0x1.a6e1fap-2f, -0x1.c59072p-2f}, {"bias_ih_l0_reverse", 12, 1, 0x1.3939ccp-3f, -0x1.05338ep-8f},
        {"bias_hh_l0_reverse", 12, 1, 0x1.718c78p-2f, -0x1.62c41p-2f},    {"weight_hr_l0_reverse", 2, 3, -0x1.ae09fap-2f, 0x1.33dfb6p-3f},
    };
    ct_manual_seed(5);
    ct_module *m = ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.bidirectional = true, .proj_size = 2});
    ct_dict *state = ct_state_dict(m);
    ck_assert_int_eq(ct_dict_size(state), 10);
    for (int i = 0; i < 10; i++) {
        ck_assert_str_eq(ct_dict_name_at(state, i), want[i].name);
        ct_tensor *t = ct_module_get_parameter(m, want[i].name);
        ck_assert_int_eq(ct_size(t, 0), want[i].rows);
        ck_assert_int_eq(ct_ndim(t) == 2 ? ct_size(t, 1) : 1, want[i].cols);
        ck_assert_float_eq(ct_data_f32(t)[0], want[i].first);
        ck_assert_float_eq(ct_data_f32(t)[1], want[i].second);
    }
    ct_module_free(m);
    ct_manual_seed(5);
    m = ct_nn_gru_cell(2, 3, NULL);
    ck_values_close(ct_slice(ct_flatten(ct_module_get_parameter(m, "weight_hh"), 0, -1), 0, 0, 2, 1), 1e-9, -0.5119550824165344, 0.48510321974754333);
    ck_sizes(ct_module_get_parameter(m, "bias_hh"), 9);
    ct_module_free(m);
    m = ct_nn_lstm_cell(2, 3, &(ct_nn_lstm_cell_options){.no_bias = true, .dtype = CT_F64});
    ck_assert_int_eq(ct_list_size(ct_parameters(m)), 2);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(m, "weight_ih")), CT_F64);
    ct_module_free(m);
}
END_TEST

START_TEST(descriptions_are_pytorchs) {
    check_text(ct_nn_rnn(2, 3, NULL), "RNN(2, 3)");
    check_text(ct_nn_gru(2, 3, &(ct_nn_gru_options){.no_bias = true, .batch_first = true}), "GRU(2, 3, bias=False, batch_first=True)");
    check_text(ct_nn_lstm(10, 20, &(ct_nn_lstm_options){.num_layers = 2, .dropout = 0.5, .bidirectional = true, .proj_size = 4}),
               "LSTM(10, 20, proj_size=4, num_layers=2, dropout=0.5, bidirectional=True)");
    check_text(ct_nn_rnn_cell(2, 3, &(ct_nn_rnn_cell_options){.no_bias = true, .nonlinearity = CT_RNN_RELU}), "RNNCell(2, 3, bias=False, nonlinearity=relu)");
    check_text(ct_nn_lstm_cell(2, 3, NULL), "LSTMCell(2, 3)");
}
END_TEST

START_TEST(one_output_and_typed_calls_agree_and_states_chain) {
    ct_module *lstm = ct_nn_lstm(3, 4, &(ct_nn_lstm_options){.num_layers = 2, .dtype = CT_F64, .batch_first = true});
    ct_tensor *x = random_f64(CT_SHAPE(2, 5, 3)), *hn, *cn, *h, *c;
    ct_tensor *all = ct_nn_lstm_forward(lstm, x, NULL, NULL, &hn, &cn);
    ck_sizes(all, 2, 5, 4);
    ck_sizes(hn, 2, 2, 4);
    ck_close(ct_forward(lstm, x), all, 0, 0);
    ck_close(ct_nn_lstm_forward(lstm, x, NULL, NULL, NULL, NULL), all, 0, 0);
    ck_close(ct_nn_lstm_forward(lstm, x, NULL, NULL, NULL, &c), all, 0, 0);
    ck_close(c, cn, 0, 0);
    ct_tensor *zeros = ct_zeros(CT_SHAPE(2, 2, 4), CT_F64);
    ck_close(ct_nn_lstm_forward(lstm, x, NULL, zeros, NULL, NULL), all, 0, 0);
    /* two steps, then three more from where they ended */
    ct_tensor *first = ct_nn_lstm_forward(lstm, ct_narrow(x, 1, 0, 2), NULL, NULL, &h, &c);
    ct_tensor *rest = ct_nn_lstm_forward(lstm, ct_narrow(x, 1, 2, 3), h, c, &h, &c);
    ck_close(ct_cat(CT_TENSORS(first, rest), 1), all, 1e-12, 1e-12);
    ck_close(h, hn, 1e-12, 1e-12);
    ck_close(c, cn, 1e-12, 1e-12);
    ct_module_free(lstm);
}
END_TEST

START_TEST(a_cell_steps_through_what_the_network_runs) {
    ct_module *gru = ct_nn_gru(3, 4, &(ct_nn_gru_options){.dtype = CT_F64}), *cell = ct_nn_gru_cell(3, 4, &(ct_nn_gru_cell_options){.dtype = CT_F64});
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "%s_l0", names[i]);
        ck_assert_int_eq(ct_module_register_parameter(cell, names[i], ct_module_get_parameter(gru, name)), CT_OK);
    }
    ct_tensor *x = random_f64(CT_SHAPE(3, 2, 3)), *hn, *h = NULL;
    ct_tensor *all = ct_nn_gru_forward(gru, x, NULL, &hn);
    for (int t = 0; t < 3; t++) {
        h = ct_nn_gru_cell_forward(cell, ct_select(x, 0, t), h);
        ck_close(h, ct_select(all, 0, t), 1e-12, 1e-12);
    }
    ck_close(h, ct_select(hn, 0, 0), 1e-12, 1e-12);
    ck_close(ct_forward(cell, ct_select(x, 0, 0)), ct_select(all, 0, 0), 1e-12, 1e-12);
    ct_module_free(gru);
    ct_module_free(cell);
}
END_TEST

START_TEST(lstm_and_rnn_cells_start_from_zeros) {
    ct_module *lstm = ct_nn_lstm_cell(3, 4, NULL), *rnn = ct_nn_rnn_cell(3, 4, &(ct_nn_rnn_cell_options){.nonlinearity = CT_RNN_RELU});
    ct_tensor *x = ct_rand(CT_SHAPE(3), CT_F32, NULL), *zeros = ct_zeros(CT_SHAPE(4), CT_F32), *c, *c2;
    ct_tensor *h = ct_nn_lstm_cell_forward(lstm, x, NULL, NULL, &c);
    ck_close(ct_nn_lstm_cell_forward(lstm, x, zeros, zeros, &c2), h, 0, 0);
    ck_close(c, c2, 0, 0);
    ck_sizes(c, 4);
    ck_close(ct_nn_rnn_cell_forward(rnn, x, NULL), ct_nn_rnn_cell_forward(rnn, x, zeros), 0, 0);
    ct_module_free(lstm);
    ct_module_free(rnn);
}
END_TEST

START_TEST(dropout_acts_between_layers_and_in_training_only) {
    ct_module *one = ct_nn_rnn(3, 4, &(ct_nn_rnn_options){.dropout = 1}), *two = ct_nn_rnn(3, 4, &(ct_nn_rnn_options){.num_layers = 2, .dropout = 1});
    ct_tensor *x = ct_rand(CT_SHAPE(5, 2, 3), CT_F32, NULL), *other = ct_rand(CT_SHAPE(5, 2, 3), CT_F32, NULL);
    ck_assert(!ct_equal(ct_forward(one, x), ct_forward(one, other)));
    ck_close(ct_forward(two, x), ct_forward(two, other), 0, 0); /* the second layer sees zeros */
    ct_module_eval(two);
    ck_assert(!ct_equal(ct_forward(two, x), ct_forward(two, other)));
    ct_module_free(one);
    ct_module_free(two);
}
END_TEST

START_TEST(gradients_reach_all_weights_and_states) {
    ct_module *lstm = ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.num_layers = 2, .bidirectional = true, .proj_size = 2, .dtype = CT_F64});
    ct_tensor *x = random_f64(CT_SHAPE(3, 2, 2)), *h = random_f64(CT_SHAPE(4, 2, 2)), *c = random_f64(CT_SHAPE(4, 2, 3)), *hn, *cn;
    ct_tensor *leaves[] = {x, h, c};
    for (int i = 0; i < 3; i++) ct_set_requires_grad(leaves[i], true);
    ct_tensor *y = ct_nn_lstm_forward(lstm, x, h, c, &hn, &cn);
    ck_assert_int_eq(ct_backward(ct_add(ct_sum(y), ct_add(ct_sum(hn), ct_sum(cn)))), CT_OK);
    for (int i = 0; i < 3; i++) ck_assert_ptr_nonnull(ct_tensor_grad(leaves[i]));
    ct_list *all = ct_parameters(lstm);
    ck_assert_int_eq(ct_list_size(all), 20);
    for (int i = 0; i < 20; i++) ck_assert_ptr_nonnull(ct_tensor_grad(ct_list_get(all, i)));
    ct_module_free(lstm);
}
END_TEST

static int hook_inputs, hook_outputs;
static ct_status count_hook(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)m, (void)in, (void)out, (void)user;
    hook_inputs = n_in;
    hook_outputs = n_out;
    return CT_OK;
}

START_TEST(hooks_see_what_typed_calls_pass) {
    ct_module *lstm = ct_nn_lstm(2, 3, NULL);
    ct_tensor *x = ct_rand(CT_SHAPE(3, 2, 2), CT_F32, NULL), *hn, *cn;
    ck_assert_int_eq(ct_module_register_forward_hook(lstm, count_hook, NULL, NULL, NULL, NULL), CT_OK);
    ct_nn_lstm_forward(lstm, x, NULL, NULL, &hn, &cn);
    ck_assert_int_eq(hook_inputs, 3);
    ck_assert_int_eq(hook_outputs, 3);
    ct_module_free(lstm);
}
END_TEST

START_TEST(weights_that_were_replaced_are_used) {
    ct_module *rnn = ct_nn_rnn(2, 3, NULL);
    ct_tensor *x = ct_rand(CT_SHAPE(3, 1, 2), CT_F32, NULL);
    ct_list *all = ct_parameters(rnn);
    static const char *const names[] = {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"};
    for (int i = 0; i < 4; i++) ct_module_register_parameter(rnn, names[i], ct_zeros_like(ct_detach(ct_list_get(all, i)), CT_DTYPE_NONE));
    ck_close(ct_forward(rnn, x), ct_zeros(CT_SHAPE(3, 1, 3), CT_F32), 0, 0);
    ct_module_free(rnn);
}
END_TEST

#define REFUSED(status, text, make)             \
    do {                                        \
        ck_assert_ptr_null(make);               \
        ck_error(status, text);                 \
    } while (0)

START_TEST(wrong_arguments_of_the_makers_have_sentences) {
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_rnn: input_size is 0, hidden_size 3", ct_nn_rnn(0, 3, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_gru: input_size is 2, hidden_size -1", ct_nn_gru(2, -1, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "hidden_size 9223372036854775807", ct_nn_lstm(2, INT64_MAX, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_lstm: num_layers is -1", ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.num_layers = -1}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "num_layers is 9223372036854775807", ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.num_layers = INT64_MAX}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_gru: dropout is 1.5", ct_nn_gru(2, 3, &(ct_nn_gru_options){.dropout = 1.5}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_gru: dropout is nan", ct_nn_gru(2, 3, &(ct_nn_gru_options){.dropout = (double)NAN}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_lstm: proj_size is 3, but must be below hidden_size, which is 3",
            ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.proj_size = 3}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_rnn: unknown nonlinearity 7", ct_nn_rnn(2, 3, &(ct_nn_rnn_options){.nonlinearity = (ct_rnn_nonlinearity)7}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_rnn_cell: unknown nonlinearity 7",
            ct_nn_rnn_cell(2, 3, &(ct_nn_rnn_cell_options){.nonlinearity = (ct_rnn_nonlinearity)7}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_gru_cell: input_size is 2, hidden_size -1", ct_nn_gru_cell(2, -1, NULL));
    REFUSED(CT_ERR_DTYPE, "", ct_nn_gru(2, 3, &(ct_nn_gru_options){.dtype = CT_I64}));
}
END_TEST

START_TEST(wrong_inputs_have_sentences) {
    ct_module *lstm = ct_nn_lstm(2, 3, NULL), *gru = ct_nn_gru(2, 3, NULL), *cell = ct_nn_lstm_cell(2, 3, NULL), *linear = ct_nn_linear(2, 2, NULL);
    ct_tensor *x = ct_rand(CT_SHAPE(4, 5, 2), CT_F32, NULL), *h = ct_zeros(CT_SHAPE(1, 5, 3), CT_F32), *wrong = ct_zeros(CT_SHAPE(1, 4, 3), CT_F32), *hn = x;
    REFUSED(CT_ERR_SHAPE, "ct_nn_lstm: input [4, 5, 3] has 3 features, but input_size is 2", ct_forward(lstm, ct_zeros(CT_SHAPE(4, 5, 3), CT_F32)));
    REFUSED(CT_ERR_SHAPE, "input [2]", ct_forward(lstm, ct_zeros(CT_SHAPE(2), CT_F32)));
    REFUSED(CT_ERR_DTYPE, "float64", ct_forward(lstm, ct_to(x, CT_F64)));
    REFUSED(CT_ERR_SHAPE, "ct_lstm: h0 is [1, 4, 3], but must be [1, 5, 3]", ct_nn_lstm_forward(lstm, x, wrong, h, NULL, NULL));
    REFUSED(CT_ERR_SHAPE, "ct_lstm: c0 is [1, 4, 3], but must be [1, 5, 3]", ct_nn_lstm_forward(lstm, x, h, wrong, &hn, NULL));
    ck_assert_ptr_null(hn);
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_gru_forward: the module is LSTM, not GRU", ct_nn_gru_forward(lstm, x, NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_rnn_forward: the module is Linear, not RNN", ct_nn_rnn_forward(linear, x, NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_gru_forward: the module is NULL", ct_nn_gru_forward(NULL, x, NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "input 0 of GRU is NULL", ct_nn_gru_forward(gru, NULL, NULL, NULL));
    REFUSED(CT_ERR_SHAPE, "ct_nn_lstm_cell: input [4, 5, 2] must be [B, 2] or [2]", ct_forward(cell, x));
    REFUSED(CT_ERR_SHAPE, "ct_lstm_cell: input [5, 2] and h [4, 3]",
            ct_nn_lstm_cell_forward(cell, ct_select(x, 0, 0), ct_zeros(CT_SHAPE(4, 3), CT_F32), NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_rnn_cell_forward: the module is LSTMCell, not RNNCell", ct_nn_rnn_cell_forward(cell, x, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "input 0 of LSTMCell is NULL", ct_nn_lstm_cell_forward(cell, NULL, NULL, NULL, NULL));
    ct_tensor *four[] = {x, x, x, x}, *out[4];
    ck_assert_int_eq(ct_forward_n(cell, four, 4, out, 1), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "LSTMCell takes 1 to 3 inputs, not 4");
    ck_assert_int_eq(ct_forward_n(gru, four, 1, out, 3), CT_ERR_USER);
    ck_error(CT_ERR_USER, "GRU left output 2 NULL");
    ct_module_free(lstm);
    ct_module_free(gru);
    ct_module_free(cell);
    ct_module_free(linear);
}
END_TEST

START_TEST(running_out_of_memory_leaves_nothing_behind) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 2, 2), CT_F32, NULL), *lengths = test_i64((const double[]){2, 3}, CT_SHAPE(2));
    bool done = false;
    for (int64_t i = 1; i < 500 && !done; i++) {
        ct_packed_sequence packed, out;
        ct_tensor *hn = NULL, *y = NULL;
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(i);
        ct_module *gru = ct_nn_gru(2, 3, &(ct_nn_gru_options){.num_layers = 2, .bidirectional = true});
        ct_pack_padded_sequence(x, lengths, &(ct_pack_padded_sequence_options){.no_enforce_sorted = true}, &packed);
        ct_nn_gru_forward_packed(gru, &packed, NULL, &out, &hn);
        y = ct_pad_packed_sequence(&out, NULL, NULL);
        ct_memory_fail_at(0);
        done = y != NULL;
        if (!done) {
            ck_assert(!packed.data || !out.data || hn);
            ck_error(CT_ERR_OUT_OF_MEMORY, "");
        }
        ct_scope_end(scope);
        ct_module_free(gru);
    }
    ck_assert(done);
}
END_TEST

TEST_LIST = {
    TEST(parameters_have_pytorchs_names_shapes_and_bits),
    TEST(descriptions_are_pytorchs),
    TEST(one_output_and_typed_calls_agree_and_states_chain),
    TEST(a_cell_steps_through_what_the_network_runs),
    TEST(lstm_and_rnn_cells_start_from_zeros),
    TEST(dropout_acts_between_layers_and_in_training_only),
    TEST(gradients_reach_all_weights_and_states),
    TEST(hooks_see_what_typed_calls_pass),
    TEST(weights_that_were_replaced_are_used),
    TEST(wrong_arguments_of_the_makers_have_sentences),
    TEST(wrong_inputs_have_sentences),
    TEST(running_out_of_memory_leaves_nothing_behind),
};
TEST_MAIN("nn_rnn")
