/*
 * Layers that change shapes, and those of two inputs: results of PyTorch 2.13, errors.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#define ND(...) (const int64_t[]){__VA_ARGS__}
#define PAD(...) &(ct_nn_pad_options){.padding_nd = ND(__VA_ARGS__)}

static ct_tensor *counting(int ndim) {
    static const int64_t sizes[] = {1, 1, 2, 2, 2};
    return ct_reshape(ct_arange(0, ndim == 3 ? 3 : ndim == 4 ? 4 : 8, 1, CT_F32), ndim == 3 ? ND(1, 1, 3) : sizes, ndim);
}

/* Takes the module over. */
static void check_values(int line, ct_module *m, ct_tensor *x, const double *want, int64_t n) {
    ct_tensor *y = ct_forward(m, x);
    ck_assert_msg(ct_ok(), "line %d: %s", line, ct_error_message());
    test_values(ct_module_class_name(m), line, y, want, n, 1e-6, 1e-6);
    ct_module_free(m);
}
#define VALUES(m, x, ...) \
    check_values(__LINE__, m, x, (const double[]){__VA_ARGS__}, (int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))

START_TEST(paddings_are_pytorchs) {
    ct_tensor *l = counting(3), *i = counting(4), *v = counting(5);
    VALUES(ct_nn_constant_pad1d(0, 9, PAD(1, 2)), l, 9, 0, 1, 2, 9, 9);
    VALUES(ct_nn_zero_pad1d(1, NULL), l, 0, 0, 1, 2, 0);
    VALUES(ct_nn_reflection_pad1d(2, NULL), l, 2, 1, 0, 1, 2, 1, 0);
    VALUES(ct_nn_replication_pad1d(0, PAD(0, 2)), l, 0, 1, 2, 2, 2);
    VALUES(ct_nn_circular_pad1d(1, NULL), l, 2, 0, 1, 2, 0);
    VALUES(ct_nn_constant_pad2d(0, 5, PAD(1, -1, 0, 1)), i, 5, 0, 5, 2, 5, 5);
    VALUES(ct_nn_zero_pad2d(0, PAD(1, 0, 0, 1)), i, 0, 0, 1, 0, 2, 3, 0, 0, 0);
    VALUES(ct_nn_reflection_pad2d(0, PAD(1, 0, 0, 1)), i, 1, 0, 1, 3, 2, 3, 1, 0, 1);
    VALUES(ct_nn_replication_pad2d(0, PAD(1, 0, 0, 1)), i, 0, 0, 1, 2, 2, 3, 2, 2, 3);
    VALUES(ct_nn_circular_pad2d(0, PAD(1, 0, 0, 1)), i, 1, 0, 1, 3, 2, 3, 1, 0, 1);
    VALUES(ct_nn_constant_pad3d(0, 5, PAD(1, 0, 0, 0, 0, 1)), v, 5, 0, 1, 5, 2, 3, 5, 4, 5, 5, 6, 7, 5, 5, 5, 5, 5, 5);
    VALUES(ct_nn_zero_pad3d(0, PAD(1, 0, 0, 0, 0, 1)), v, 0, 0, 1, 0, 2, 3, 0, 4, 5, 0, 6, 7, 0, 0, 0, 0, 0, 0);
    VALUES(ct_nn_reflection_pad3d(0, PAD(1, 0, 0, 0, 0, 1)), v, 1, 0, 1, 3, 2, 3, 5, 4, 5, 7, 6, 7, 1, 0, 1, 3, 2, 3);
    VALUES(ct_nn_replication_pad3d(0, PAD(1, 0, 0, 0, 0, 1)), v, 0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 4, 4, 5, 6, 6, 7);
    VALUES(ct_nn_circular_pad3d(0, PAD(1, 0, 0, 0, 0, 1)), v, 1, 0, 1, 3, 2, 3, 5, 4, 5, 7, 6, 7, 1, 0, 1, 3, 2, 3);
    ct_module *wide = ct_nn_reflection_pad1d(3, NULL);
    ck_assert_ptr_null(ct_forward(wide, l));
    ck_error(CT_ERR_SHAPE, "ct_pad");
    ct_module_free(wide);
}
END_TEST

START_TEST(resizing_is_pytorchs) {
    ct_tensor *l = counting(3), *i = counting(4);
    VALUES(ct_nn_upsample(&(ct_nn_upsample_options){.scale_factor = 2}), l, 0, 0, 1, 1, 2, 2);
    VALUES(ct_nn_upsample(&(ct_nn_upsample_options){.size_nd = ND(3, 4), .ndim = 2, .mode = CT_INTERPOLATE_BILINEAR}), i, 0, 0.25, 0.75, 1, 1, 1.25, 1.75, 2,
           2, 2.25, 2.75,
           3);
    VALUES(ct_nn_upsample(&(ct_nn_upsample_options){.scale_factor_nd = (const double[]){2, 1.5}, .ndim = 2, .mode = CT_INTERPOLATE_BILINEAR,
                                                    .align_corners = true}), i, 0, 0.5,
           1, 0.666666687, 1.16666663, 1.66666663, 1.33333337, 1.83333337, 2.33333349, 2, 2.5, 3);
    VALUES(ct_nn_upsampling_nearest2d(&(ct_nn_upsample_options){.scale_factor = 2}), i, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3);
    VALUES(ct_nn_upsampling_bilinear2d(&(ct_nn_upsample_options){.size = 3}), i, 0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3);

    ct_module *m = ct_nn_upsample(&(ct_nn_upsample_options){.size_nd = ND(3, 4), .ndim = 2});
    ck_assert_ptr_null(ct_forward(m, l));
    ck_error(CT_ERR_SHAPE, "Upsample takes [N, C, ...] with 2 more dims, not [1, 1, 3]");
    ct_module_free(m);
    ck_assert_ptr_null(ct_nn_upsample(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "neither size nor scale factor is given");
    ck_assert_ptr_null(ct_nn_upsample(&(ct_nn_upsample_options){.size = 2, .scale_factor = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "a size and a scale factor are given");
    ck_assert_ptr_null(ct_nn_upsample(&(ct_nn_upsample_options){.size_nd = ND(2, 2)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ndim is 0");
    ck_assert_ptr_null(ct_nn_upsample(&(ct_nn_upsample_options){.scale_factor = -2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "scale factor -2");
    ck_assert_ptr_null(ct_nn_upsampling_nearest2d(&(ct_nn_upsample_options){.size = 2, .mode = CT_INTERPOLATE_AREA}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_upsampling_nearest2d: mode, align_corners and dims");
}
END_TEST

/* Takes the modules over. */
static void check_inverse(ct_module *there, ct_module *back, ct_tensor *x, const int64_t *sizes, int ndim) {
    ct_tensor *y = ct_forward(there, x);
    ck_ok();
    test_sizes(__FILE__, __LINE__, y, sizes, ndim);
    ck_close(ct_forward(back, y), x, 0, 0);
    ct_module_free(there);
    ct_module_free(back);
}

START_TEST(what_goes_there_comes_back) {
    ct_tensor *x = ct_rand(CT_SHAPE(2, 8, 4, 6), CT_F32, NULL);
    check_inverse(ct_nn_pixel_shuffle(2), ct_nn_pixel_unshuffle(2), x, CT_SHAPE(2, 2, 8, 12));
    check_inverse(ct_nn_channel_shuffle(2), ct_nn_channel_shuffle(4), x, CT_SHAPE(2, 8, 4, 6));
    check_inverse(ct_nn_unfold(2, &(ct_unfold_options){.stride = 2}), ct_nn_fold(4, 6, 2, &(ct_fold_options){.stride = 2}), x, CT_SHAPE(2, 32, 6));
    check_inverse(ct_nn_flatten(NULL), ct_nn_unflatten(1, CT_SHAPE(8, -1, 6)), x, CT_SHAPE(2, 192));
    check_inverse(ct_nn_unflatten(-1, CT_SHAPE(2, 3)), ct_nn_flatten(&(ct_nn_flatten_options){.start_dim = ct_some_i64(3)}), x, CT_SHAPE(2, 8, 4, 2, 3));
    check_inverse(ct_nn_flatten(&(ct_nn_flatten_options){.start_dim = ct_some_i64(0), .end_dim = ct_some_i64(0)}), ct_nn_identity(), x, CT_SHAPE(2, 8, 4, 6));
    ck_assert_ptr_null(ct_nn_pixel_shuffle(0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_pixel_shuffle: upscale_factor=0");
    ck_assert_ptr_null(ct_nn_fold(4, -1, 2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_fold: an image of 4 x -1");
    ck_assert_ptr_null(ct_nn_unfold(0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_unfold: kernel size 0");
    ck_assert_ptr_null(ct_nn_unflatten(0, NULL, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_unflatten: 2 sizes at NULL");
}
END_TEST

/* Takes the module over. */
static ct_tensor *of_two(ct_module *m, ct_tensor *a, ct_tensor *b) {
    ct_tensor *in[] = {a, b}, *y = NULL;
    ct_forward_n(m, in, 2, &y, 1);
    ck_ok();
    ck_assert_ptr_null(ct_forward(m, a));
    ck_error(CT_ERR_INVALID_ARGUMENT, "takes 2 input(s)");
    ct_module_free(m);
    return y;
}

START_TEST(layers_of_two_inputs_are_pytorchs) {
    ct_tensor *a = ct_reshape(ct_arange(0, 12, 1, CT_F32), CT_SHAPE(2, 3, 2)), *b = ct_add_scalar(ct_flip(a, CT_DIMS(0)), 1);
    ck_values_close(of_two(ct_nn_cosine_similarity(1, NULL), a, b), 1e-6, 0.875064015, 0.943879724, 0.956182837, 0.978423953);
    ck_values_close(of_two(ct_nn_cosine_similarity(0, &(ct_cosine_similarity_options){.eps = ct_some_f64(100)}), a, b), 1e-6, 0.0006, 0.0022, 0.0042, 0.0066,
                    0.0094, 0.0126);
    ck_values_close(of_two(ct_nn_pairwise_distance(NULL), a, b), 1e-6, 9.89949417, 9.89949417, 9.89949417, 7.07106924, 7.07106924, 7.07106924);
    ct_tensor *kept = of_two(ct_nn_pairwise_distance(&(ct_pairwise_distance_options){.p = ct_some_f64(1), .eps = ct_some_f64(0), .keepdim = true}), a, b);
    ck_sizes(kept, 2, 3, 1);
    ck_values(kept, 14, 14, 14, 10, 10, 10);
}
END_TEST

START_TEST(bilinear_draws_and_computes_as_pytorch) {
    ct_manual_seed(7);
    ct_module *m = ct_nn_bilinear(3, 4, 2, NULL);
    const float *w = ct_data_f32(ct_module_get_parameter(m, "weight")), *b = ct_data_f32(ct_module_get_parameter(m, "bias"));
    ck_assert(w[0] == 0.0403250754f && w[23] == 0.224990532f && b[0] == 0.0241679419f && b[1] == 0.107654117f);
    ct_tensor *x1 = ct_reshape(ct_arange(0, 6, 1, CT_F32), CT_SHAPE(2, 3)), *x2 = ct_reshape(ct_arange(-3, 5, 1, CT_F32), CT_SHAPE(2, 4));
    ck_values_close(of_two(m, x1, x2), 1e-5, -0.0478278548, -3.05796885, 8.90109253, 1.31572056);
    m = ct_nn_bilinear(3, 4, 2, &(ct_nn_bilinear_options){.no_bias = true, .dtype = CT_F64});
    ck_assert_int_eq(ct_list_size(ct_parameters(m)), 1);
    ct_module_free(m);
    ck_assert_ptr_null(ct_nn_bilinear(0, 4, 2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_bilinear: 0 and 4 input and 2 output features");
}
END_TEST

TEST_LIST = {
    TEST(paddings_are_pytorchs),
    TEST(resizing_is_pytorchs),
    TEST(what_goes_there_comes_back),
    TEST(layers_of_two_inputs_are_pytorchs),
    TEST(bilinear_draws_and_computes_as_pytorch),
};
TEST_MAIN("nn_shape")
