/*
 * Convolution layers: initial weights and results of PyTorch 2.13, options, output sizes, errors.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#define ND(...) (const int64_t[]){__VA_ARGS__}

/* First and last element of weight and bias, exactly, and the sums. Takes the module over. */
static void check_draws(int line, ct_module *m, const double *want, double sum_w, double sum_b) {
    ck_assert_msg(ct_ok(), "line %d: %s", line, ct_error_message());
    const ct_tensor *w = ct_module_get_parameter(m, "weight"), *b = ct_module_get_parameter(m, "bias");
    const float *pw = ct_data_f32(w), *pb = ct_data_f32(b);
    const float got[] = {pw[0], pw[ct_numel(w) - 1], pb[0], pb[ct_numel(b) - 1]};
    for (int i = 0; i < 4; i++) ck_assert_msg(got[i] == (float)want[i], "line %d, %d: %.9g, not %.9g", line, i, (double)got[i], want[i]);
    double sw = 0, sb = 0;
    for (int64_t i = 0; i < ct_numel(w); i++) sw += (double)pw[i];
    for (int64_t i = 0; i < ct_numel(b); i++) sb += (double)pb[i];
    ck_assert_double_eq_tol(sw, sum_w, 1e-7);
    ck_assert_double_eq_tol(sb, sum_b, 1e-7);
    ct_module_free(m);
}
#define DRAWS(module, sum_w, sum_b, ...) (ct_manual_seed(7), check_draws(__LINE__, module, (const double[]){__VA_ARGS__}, sum_w, sum_b))

START_TEST(initial_weights_are_pytorchs_bits) {
    DRAWS(ct_nn_conv1d(4, 6, 3, &(ct_nn_conv1d_options){.groups = 2}), 1.64226051, -0.675199799, 0.0285141356, 0.3749488, -0.0908418074, -0.201772705);
    DRAWS(ct_nn_conv2d(2, 3, 0, &(ct_nn_conv2d_options){.kernel_size_nd = ND(3, 2)}), 1.16125348, -0.297687277, 0.0201625377, 0.265128821, -0.0642348528,
          -0.0726294667);
    DRAWS(ct_nn_conv3d(2, 2, 2, NULL), 0.556338757, 0.0978616178, 0.0174612701, 0.086042285, 0.0633252859, 0.0345363319);
    DRAWS(ct_nn_conv_transpose1d(4, 6, 3, &(ct_nn_conv_transpose1d_options){.groups = 2}), 1.34090008, -0.551298305, 0.0232816935, 0.306144416, -0.07417202,
          -0.164746732);
    DRAWS(ct_nn_conv_transpose2d(2, 3, 0, &(ct_nn_conv_transpose2d_options){.kernel_size_nd = ND(3, 2)}), 0.948159574, -0.243060652, 0.0164626427, 0.216476783,
          -0.0524475388, -0.0593017116);
    DRAWS(ct_nn_conv_transpose3d(2, 2, 2, NULL), 0.556338757, 0.0978616178, 0.0174612701, 0.086042285, 0.0633252859, 0.0345363319);
}
END_TEST

/* A 2 x 3 kernel of 1..6 over 0..11 as 3 x 4. */
static ct_tensor *padded_by(ct_pad_mode mode, bool same) {
    ct_nn_conv2d_options o = {.kernel_size_nd = ND(2, 3), .padding_nd = same ? NULL : ND(1, 2), .padding_mode = mode, .no_bias = true,
                              .auto_padding = same ? CT_CONV_PADDING_SAME : CT_CONV_PADDING_EXPLICIT};
    ct_module *m = ct_nn_conv2d(1, 1, 0, &o);
    ct_scope scope = ct_no_grad_begin();
    ct_copy_(ct_module_get_parameter(m, "weight"), ct_reshape(ct_arange(1, 7, 1, CT_F32), CT_SHAPE(1, 1, 2, 3)));
    ct_scope_end(scope);
    ct_tensor *y = ct_forward(m, ct_reshape(ct_arange(0, 12, 1, CT_F32), CT_SHAPE(1, 1, 3, 4)));
    ct_module_free(m);
    return y;
}

START_TEST(padding_modes_are_pytorchs) {
    ck_values(padded_by(CT_PAD_CONSTANT, false), 0, 6, 17, 32, 23, 12, 24, 53, 85, 106, 67, 31, 60, 117, 169, 190, 115, 51, 24, 43, 56, 62, 32, 11);
    ck_values(padded_by(CT_PAD_CONSTANT, true), 53, 85, 106, 67, 117, 169, 190, 115, 43, 56, 62, 32);
    ck_values(padded_by(CT_PAD_REFLECT, false), 41, 38, 49, 70, 73, 62, 77, 74, 85, 106, 109, 98, 161, 158, 169, 190, 193, 182, 125, 122, 133, 154, 157, 146);
    ck_values(padded_by(CT_PAD_REFLECT, true), 74, 85, 106, 109, 158, 169, 190, 193, 122, 133, 154, 157);
    ck_values(padded_by(CT_PAD_REPLICATE, true), 69, 85, 106, 118, 153, 169, 190, 202, 177, 193, 214, 226);
    ck_values(padded_by(CT_PAD_CIRCULAR, false), 79, 72, 73, 94, 79, 72, 91, 84, 85, 106, 91, 84, 175, 168, 169, 190, 175, 168, 79, 72, 73, 94, 79, 72);
    ck_values(padded_by(CT_PAD_CIRCULAR, true), 84, 85, 106, 91, 168, 169, 190, 175, 72, 73, 94, 79);
}
END_TEST

START_TEST(valid_padding_pads_nothing_in_any_mode) {
    ct_module *m = ct_nn_conv1d(1, 1, 3, &(ct_nn_conv1d_options){.auto_padding = CT_CONV_PADDING_VALID, .padding_mode = CT_PAD_CIRCULAR});
    ck_sizes(ct_forward(m, ct_ones(CT_SHAPE(2, 1, 5), CT_F32)), 2, 1, 3);
    ck_sizes(ct_forward(m, ct_ones(CT_SHAPE(1, 5), CT_F32)), 1, 3);
    ct_module_free(m);
    ck_ok();
}
END_TEST

START_TEST(gradients_reach_the_weights_through_a_padding_mode) {
    ct_module *m = ct_nn_conv1d(1, 1, 3, &(ct_nn_conv1d_options){.padding = 1, .padding_mode = CT_PAD_REPLICATE});
    ct_backward(ct_sum(ct_forward(m, test_f32((double[]){1, 2, 4}, CT_SHAPE(1, 1, 3)))));
    ck_values(ct_tensor_grad(ct_module_get_parameter(m, "weight")), 4, 7, 10);
    ck_values(ct_tensor_grad(ct_module_get_parameter(m, "bias")), 3);
    ct_module_free(m);
}
END_TEST

START_TEST(a_transposed_convolution_takes_the_size_of_its_result) {
    ct_module *m = ct_nn_conv_transpose1d(1, 1, 3, &(ct_nn_conv_transpose1d_options){.stride = 2, .no_bias = true});
    ct_scope scope = ct_no_grad_begin();
    ct_fill_(ct_module_get_parameter(m, "weight"), 1);
    ct_scope_end(scope);
    ct_tensor *x = test_f32((double[]){1, 2}, CT_SHAPE(1, 1, 2)), *y = NULL;
    ck_values(ct_forward(m, x), 1, 1, 3, 2, 2);
    ct_tensor *in[] = {x, test_i64((double[]){6}, CT_SHAPE(1))};
    ck_assert_int_eq(ct_forward_n(m, in, 2, &y, 1), CT_OK);
    ck_values(y, 1, 1, 3, 2, 2, 0);
    in[1] = test_i64((double[]){1, 1, 5}, CT_SHAPE(3));
    ck_assert_int_eq(ct_forward_n(m, in, 2, &y, 1), CT_OK);
    ck_values(y, 1, 1, 3, 2, 2);
    in[1] = NULL;
    ck_assert_int_eq(ct_forward_n(m, in, 2, &y, 1), CT_OK);
    ck_sizes(y, 1, 1, 5);

    in[1] = test_i64((double[]){7}, CT_SHAPE(1));
    ct_forward_n(m, in, 2, &y, 1);
    ck_error(CT_ERR_SHAPE, "size 2 in dimension 0 gives 5 to 6 elements, not 7");
    in[1] = test_i64((double[]){7, 7}, CT_SHAPE(2));
    ct_forward_n(m, in, 2, &y, 1);
    ck_error(CT_ERR_SHAPE, "sizes are int64 [1] or [3], not int64 [2]");
    in[1] = x;
    ct_forward_n(m, in, 2, &y, 1);
    ck_error(CT_ERR_SHAPE, "not float32 [1, 1, 2]");
    ct_forward_n(m, in, 0, &y, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ConvTranspose1d takes 1 to 2 inputs, not 0");
    in[0] = NULL;
    ct_forward_n(m, in, 1, &y, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "input 0 of ConvTranspose1d is NULL");
    ct_module_free(m);
}
END_TEST

START_TEST(zeros_and_pointers_in_options_mean_what_the_header_says) {
    ct_module *a = ct_nn_conv3d(2, 4, 3, &(ct_nn_conv3d_options){.stride_nd = ND(1, 2, 3), .padding_nd = ND(0, 1, 0), .dilation_nd = ND(2, 1, 1), .stride = 7,
                                                                 .dtype = CT_F64});
    ck_sizes(ct_forward(a, ct_zeros(CT_SHAPE(1, 2, 5, 5, 6), CT_F64)), 1, 4, 1, 3, 2);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(a, "bias")), CT_F64);
    ct_module_free(a);
    ct_module *b = ct_nn_conv_transpose2d(2, 4, 3, &(ct_nn_conv_transpose2d_options){.stride = 2, .output_padding_nd = ND(0, 1), .groups = 2});
    ck_sizes(ct_forward(b, ct_zeros(CT_SHAPE(1, 2, 4, 4), CT_F32)), 1, 4, 9, 10);
    ck_sizes(ct_module_get_parameter(b, "weight"), 2, 2, 3, 3);
    ct_module_free(b);
    ck_ok();
}
END_TEST

START_TEST(wrong_options_have_sentences) {
    ck_assert_ptr_null(ct_nn_conv1d(3, 4, 3, &(ct_nn_conv1d_options){.groups = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv1d: 3 input and 4 output channels in 2 groups");
    ck_assert_ptr_null(ct_nn_conv3d(2, 4, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv3d: kernel size 0");
    ck_assert_ptr_null(ct_nn_conv2d(2, 4, 3, &(ct_nn_conv2d_options){.padding_mode = (ct_pad_mode)4}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: unknown padding_mode 4");
    ck_assert_ptr_null(ct_nn_conv2d(2, 4, 3, &(ct_nn_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME, .stride = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding 'same' needs stride 1, got 2");
    ck_assert_ptr_null(ct_nn_conv2d(2, 4, 3, &(ct_nn_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME, .padding_nd = ND(1, 0)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding (1, 0) is given beside an auto_padding");
    ck_assert_ptr_null(ct_nn_conv_transpose2d(2, 4, 3, &(ct_nn_conv_transpose2d_options){.output_padding = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv_transpose2d: kernel size 3, stride 1, padding 0, dilation 1, output padding -1");
    ck_assert_ptr_null(ct_nn_conv1d(1, 1, INT64_MAX, &(ct_nn_conv1d_options){.dilation = 4, .auto_padding = CT_CONV_PADDING_SAME}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "with dilation 4");
}
END_TEST

START_TEST(layers_survive_every_failed_allocation) {
    int64_t n = 1;
    for (bool done = false; !done; n++) {
        ck_assert_int_lt(n, 500);
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(n);
        ct_module *m = ct_nn_conv2d(1, 2, 3, &(ct_nn_conv2d_options){.padding = 1, .padding_mode = CT_PAD_REFLECT});
        ct_tensor *y = ct_forward(m, ct_ones(CT_SHAPE(1, 1, 4, 4), CT_F32));
        ct_memory_fail_at(0);
        done = y != NULL;
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_module_free(m);
        ct_scope_end(scope);
    }
    ck_assert_int_gt(n, 10);
}
END_TEST

TEST_LIST = {
    TEST(initial_weights_are_pytorchs_bits),
    TEST(padding_modes_are_pytorchs),
    TEST(valid_padding_pads_nothing_in_any_mode),
    TEST(gradients_reach_the_weights_through_a_padding_mode),
    TEST(a_transposed_convolution_takes_the_size_of_its_result),
    TEST(zeros_and_pointers_in_options_mean_what_the_header_says),
    TEST(wrong_options_have_sentences),
    TEST(layers_survive_every_failed_allocation),
};
TEST_MAIN("nn_conv")
