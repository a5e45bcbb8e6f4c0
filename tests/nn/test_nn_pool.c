/*
 * Pooling layers: indices as a second output, the way back, options that outlive the caller's arrays, errors. Numbers are those of the functions.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#define ND(...) (const int64_t[]){__VA_ARGS__}

static ct_tensor *cube(int ndim) {
    static const int64_t sizes[] = {1, 2, 4, 4, 4};
    return ct_randn(sizes, ndim, CT_F32, NULL);
}

/* Takes the module over. */
static void check_same(int line, ct_module *m, ct_tensor *x, ct_tensor *want) {
    ct_tensor *y = ct_forward(m, x);
    ck_assert_msg(ct_ok(), "line %d: %s", line, ct_error_message());
    test_close(__FILE__, line, y, want, 0, 0);
    ct_module_free(m);
}
#define SAME(m, x, want) check_same(__LINE__, m, x, want)

START_TEST(each_layer_is_its_function) {
    ct_tensor *l = cube(3), *i = cube(4), *v = cube(5);
    const ct_avg_pool_options inside = {.padding = 1, .stride = 1, .no_count_include_pad = true, .ceil_mode = true}, divided = {.divisor_override = 3};
    SAME(ct_nn_max_pool1d(2, NULL), l, ct_max_pool1d(l, 2, NULL, NULL));
    const ct_max_pool_options hanging = {.stride = 2, .ceil_mode = true};
    SAME(ct_nn_max_pool2d(3, &hanging), i, ct_max_pool2d(i, 3, &hanging, NULL));
    SAME(ct_nn_max_pool3d(2, &(ct_max_pool3d_options){.dilation = 2}), v, ct_max_pool3d(v, 2, &(ct_max_pool3d_options){.dilation = 2}, NULL));
    SAME(ct_nn_avg_pool1d(2, &inside), l, ct_avg_pool1d(l, 2, &inside));
    SAME(ct_nn_avg_pool2d(2, &divided), i, ct_avg_pool2d(i, 2, &divided));
    SAME(ct_nn_avg_pool3d(2, &inside), v, ct_avg_pool3d(v, 2, &inside));
    SAME(ct_nn_lp_pool1d(3, 2, NULL), l, ct_lp_pool1d(l, 3, 2, NULL));
    SAME(ct_nn_lp_pool2d(2, 2, &(ct_lp_pool2d_options){.stride = 1}), i, ct_lp_pool2d(i, 2, 2, &(ct_lp_pool2d_options){.stride = 1}));
    SAME(ct_nn_lp_pool3d(1, 3, &(ct_lp_pool3d_options){.ceil_mode = true}), v, ct_lp_pool3d(v, 1, 3, &(ct_lp_pool3d_options){.ceil_mode = true}));
    SAME(ct_nn_adaptive_avg_pool1d(3), l, ct_adaptive_avg_pool1d(l, 3));
    SAME(ct_nn_adaptive_avg_pool2d(CT_DIM_NONE, 1), i, ct_adaptive_avg_pool2d(i, 4, 1));
    SAME(ct_nn_adaptive_avg_pool3d(1, 2, 3), v, ct_adaptive_avg_pool3d(v, 1, 2, 3));
    SAME(ct_nn_adaptive_max_pool1d(3), l, ct_adaptive_max_pool1d(l, 3, NULL));
    SAME(ct_nn_adaptive_max_pool2d(2, 3), i, ct_adaptive_max_pool2d(i, 2, 3, NULL));
    SAME(ct_nn_adaptive_max_pool3d(1, CT_DIM_NONE, 3), v, ct_adaptive_max_pool3d(v, 1, 4, 3, NULL));
}
END_TEST

/* Pools with indices and back again: the maxima at their places. Takes both modules over. */
static void check_way_back(ct_module *pool, ct_module *unpool, ct_tensor *x) {
    ct_tensor *out[2], *back = NULL;
    ck_assert_int_eq(ct_forward_n(pool, &x, 1, out, 2), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(out[1]), CT_I64);
    ck_assert_int_eq(ct_forward_n(unpool, out, 2, &back, 1), CT_OK);
    ck_assert_double_eq_tol(ct_item_f64(ct_sum(back)), ct_item_f64(ct_sum(out[0])), 1e-5);
    ck_close(ct_where(ct_ne_scalar(back, 0), back, x), x, 0, 0);
    ct_module_free(pool);
    ct_module_free(unpool);
}

START_TEST(max_unpool_is_the_way_back) {
    check_way_back(ct_nn_max_pool1d(2, NULL), ct_nn_max_unpool1d(2, NULL), cube(3));
    check_way_back(ct_nn_max_pool2d(2, NULL), ct_nn_max_unpool2d(2, NULL), cube(4));
    check_way_back(ct_nn_max_pool3d(2, NULL), ct_nn_max_unpool3d(2, NULL), cube(5));
}
END_TEST

START_TEST(max_unpool_takes_the_size_of_its_result) {
    ct_module *pool = ct_nn_max_pool1d(2, NULL), *unpool = ct_nn_max_unpool1d(2, NULL), *adaptive = ct_nn_adaptive_max_pool1d(2);
    ct_tensor *x = test_f32((double[]){1, 5, 2, 4, 3}, CT_SHAPE(1, 1, 5)), *in[3], *back = NULL;
    ck_assert_int_eq(ct_forward_n(pool, &x, 1, in, 2), CT_OK);
    in[2] = test_i64((double[]){1, 1, 5}, CT_SHAPE(3));
    ck_assert_int_eq(ct_forward_n(unpool, in, 3, &back, 1), CT_OK);
    ck_values(back, 0, 5, 0, 4, 0);
    in[2] = NULL;
    ck_assert_int_eq(ct_forward_n(unpool, in, 3, &back, 1), CT_OK);
    ck_values(back, 0, 5, 0, 4);
    ck_assert_ptr_null(ct_forward(unpool, x));
    ck_error(CT_ERR_INVALID_ARGUMENT, "MaxUnpool1d takes 2 to 3 inputs, not 1");

    ck_assert_int_eq(ct_forward_n(adaptive, &x, 1, in, 2), CT_OK);
    ck_values(in[1], 1, 3);
    ct_forward_n(adaptive, &x, 1, in, 3);
    ck_error(CT_ERR_INVALID_ARGUMENT, "AdaptiveMaxPool1d gives its result and the indices, not 3 outputs");
    ct_module_free(pool), ct_module_free(unpool), ct_module_free(adaptive);
}
END_TEST

START_TEST(fractional_windows_are_drawn_for_each_pass_and_cover_the_ends) {
    ct_module *m = ct_nn_fractional_max_pool2d(2, &(ct_nn_fractional_max_pool2d_options){.output_ratio_nd = (const double[]){0.5, 0.7}});
    ct_tensor *x = ct_reshape(ct_arange(0, 2 * 3 * 64, 1, CT_F32), CT_SHAPE(2, 3, 8, 8)), *out[2], *again;
    ct_manual_seed(1);
    ck_assert_int_eq(ct_forward_n(m, &x, 1, out, 2), CT_OK);
    ck_sizes(out[0], 2, 3, 4, 5);
    ck_close(ct_remainder_scalar(out[0], 64), ct_to(out[1], CT_F32), 0, 0); /* the values are their places */
    ck_values(ct_select(ct_select(ct_flatten(out[1], 0, 1), 2, -1), 1, 3), 63, 63, 63, 63, 63, 63);
    again = ct_forward(m, x);
    ck_assert(!ct_equal(out[0], again));
    ct_manual_seed(1);
    ck_close(ct_forward(m, x), out[0], 0, 0);
    ct_module_free(m);

    m = ct_nn_fractional_max_pool3d(1, &(ct_nn_fractional_max_pool3d_options){.output_size_nd = ND(2, 1, 3),
                                                                              .random_samples = ct_full(CT_SHAPE(1, 2, 3), 0.5, CT_F32)});
    ct_tensor *v = ct_rand(CT_SHAPE(2, 4, 4, 4), CT_F32, NULL);
    ck_close(ct_forward(m, v), ct_forward(m, v), 0, 0);
    ck_sizes(ct_forward(m, v), 2, 2, 1, 3);
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(3, 4, 4, 4), CT_F32)));
    ck_error(CT_ERR_SHAPE, "random samples of FractionalMaxPool3d are [1, 2, 3], not [1, 3, 3]");
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(2, 4, 4, 2), CT_F32)));
    ck_error(CT_ERR_SHAPE, "3 windows of 1 in dim 3 of [2, 4, 4, 2]");
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(4, 4), CT_F32)));
    ck_error(CT_ERR_SHAPE, "FractionalMaxPool3d takes 4 dims or one more, not [4, 4]");
    ct_fill_(ct_module_get_buffer(m, "_random_samples"), 2);
    ck_assert_ptr_null(ct_forward(m, v));
    ck_error(CT_ERR_INVALID_ARGUMENT, "a random sample is 2; they lie between 0 and 1");
    ct_module_free(m);
    ck_assert_ptr_null(ct_nn_fractional_max_pool2d(2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_fractional_max_pool2d: neither output size nor ratio is given");
    ck_assert_ptr_null(ct_nn_fractional_max_pool2d(2, &(ct_nn_fractional_max_pool2d_options){.output_ratio = 1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "output ratio 1; it lies between 0 and 1");
    ck_assert_ptr_null(ct_nn_fractional_max_pool3d(0, &(ct_nn_fractional_max_pool3d_options){.output_size = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_fractional_max_pool3d: kernel size 0");
}
END_TEST

START_TEST(arrays_of_the_options_are_copied) {
    int64_t kernel[] = {2, 1}, stride[] = {1, 2};
    ct_module *m = ct_nn_max_pool2d(0, &(ct_max_pool2d_options){.kernel_size_nd = kernel, .stride_nd = stride});
    kernel[0] = kernel[1] = stride[0] = stride[1] = -1;
    ck_sizes(ct_forward(m, ct_zeros(CT_SHAPE(1, 4, 4), CT_F32)), 1, 3, 2);
    ct_module_free(m);
    ck_ok();
}
END_TEST

START_TEST(wrong_options_have_sentences) {
    ck_assert_ptr_null(ct_nn_max_pool3d(2, &(ct_max_pool3d_options){.padding = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_max_pool3d: kernel size 2, stride 2, padding 2 (at most half the kernel)");
    ck_assert_ptr_null(ct_nn_avg_pool1d(0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_avg_pool1d: kernel size 0");
    ck_assert_ptr_null(ct_nn_lp_pool2d(2, 2, &(ct_lp_pool2d_options){.stride = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_lp_pool2d: kernel size 2, stride -1");
    ck_assert_ptr_null(ct_nn_max_unpool2d(2, &(ct_max_unpool2d_options){.output_size = ND(4, 4)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_max_unpool2d: output_size is no option of the module");
    ck_assert_ptr_null(ct_nn_adaptive_max_pool3d(1, -3, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_adaptive_max_pool3d: output size (1, -3, 2)");
}
END_TEST

TEST_LIST = {
    TEST(each_layer_is_its_function),
    TEST(max_unpool_is_the_way_back),
    TEST(max_unpool_takes_the_size_of_its_result),
    TEST(fractional_windows_are_drawn_for_each_pass_and_cover_the_ends),
    TEST(arrays_of_the_options_are_copied),
    TEST(wrong_options_have_sentences),
};
TEST_MAIN("nn_pool")
