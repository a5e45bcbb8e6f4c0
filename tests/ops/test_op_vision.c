/*
 * Interpolation, sampling at grids, windows as columns, shuffles: what parity with torch's samples does not reach.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_vision.h>

#include "support/test.h"

#define Z(...) ct_zeros(CT_SHAPE(__VA_ARGS__), CT_F64)

START_TEST(an_identity_grid_samples_the_image) {
    ct_tensor *x = ct_randn(CT_SHAPE(2, 3, 4, 5), CT_F64, NULL);
    ct_tensor *theta = ct_repeat(test_f64((double[]){1, 0, 0, 0, 1, 0}, CT_SHAPE(1, 2, 3)), CT_SHAPE(2, 1, 1));
    for (int align = 0; align < 2; align++) {
        ct_tensor *grid = ct_affine_grid(theta, CT_SHAPE(2, 3, 4, 5), &(ct_affine_grid_options){.align_corners = align});
        ck_sizes(grid, 2, 4, 5, 2);
        for (int mode = 0; mode <= CT_GRID_SAMPLE_BICUBIC; mode++) {
            ct_tensor *y = ct_grid_sample(x, grid, &(ct_grid_sample_options){.mode = (ct_grid_sample_mode)mode, .align_corners = align});
            ck_assert(ct_allclose(y, x, NULL));
        }
    }
}
END_TEST

START_TEST(folding_what_was_unfolded_counts_the_windows) {
    ct_tensor *x = ct_ones(CT_SHAPE(1, 2, 3, 3), CT_F32);
    ct_tensor *y = ct_fold(ct_unfold(x, 2, NULL), 3, 3, 2, NULL);
    ck_values(ct_flatten(ct_select(y, 1, 0), 0, -1), 1, 2, 1, 2, 4, 2, 1, 2, 1);
}
END_TEST

START_TEST(shuffling_there_and_back_changes_nothing) {
    ct_tensor *x = ct_randn(CT_SHAPE(2, 8, 3, 5), CT_F32, NULL);
    ck_assert(ct_equal(ct_pixel_unshuffle(ct_pixel_shuffle(x, 2), 2), x));
    ck_assert(ct_equal(ct_channel_shuffle(ct_channel_shuffle(x, 2), 4), x));
}
END_TEST

START_TEST(bytes_stay_bytes) {
    ct_tensor *x = ct_to(ct_arange_int(0, 16, 1, CT_I64), CT_U8), *image = ct_reshape(x, CT_SHAPE(1, 1, 4, 4));
    ct_tensor *y = ct_interpolate(image, &(ct_interpolate_options){.size = 2, .mode = CT_INTERPOLATE_BILINEAR});
    ck_assert_int_eq(ct_tensor_dtype(y), CT_U8);
    ck_values(y, 3, 5, 11, 13); /* 2.5, 4.5 ... : each pass rounds up */
}
END_TEST

typedef struct bad_size {
    const char *reason;
    ct_interpolate_options o;
    ct_status status;
    const char *message;
} bad_size;

START_TEST(interpolation_names_what_does_not_fit) {
    ct_tensor *x = Z(1, 1, 3, 3);
    const bad_size all[] = {
        {"nothing", {0}, CT_ERR_INVALID_ARGUMENT, "ct_interpolate: neither size nor scale_factor is given"},
        {"both", {.size = 2, .scale_factor = 2}, CT_ERR_INVALID_ARGUMENT, "size and scale_factor are both given"},
        {"dims", {.size = 2, .mode = CT_INTERPOLATE_LINEAR}, CT_ERR_SHAPE, "mode linear takes 3 dims, got [1, 1, 3, 3]"},
        {"align", {.size = 2, .align_corners = true}, CT_ERR_INVALID_ARGUMENT, "align_corners means nothing with mode nearest"},
        {"antialias", {.size = 2, .antialias = true}, CT_ERR_INVALID_ARGUMENT, "antialias is for bilinear and bicubic, not nearest"},
        {"recompute", {.size = 2, .recompute_scale_factor = true}, CT_ERR_INVALID_ARGUMENT, "recompute_scale_factor needs a scale_factor"},
        {"mode", {.size = 2, .mode = (ct_interpolate_mode)9}, CT_ERR_INVALID_ARGUMENT, "unknown mode 9"},
        {"negative", {.size = -2}, CT_ERR_SHAPE, "3 elements cannot become -2 along the height"},
        {"small", {.scale_factor = 0.1}, CT_ERR_SHAPE, "3 elements cannot become 0 along the height"},
        {"scale", {.scale_factor = -1}, CT_ERR_INVALID_ARGUMENT, "scale_factor -1 of 3 elements must be positive"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ck_assert_msg(!ct_interpolate(x, &all[i].o), "%s", all[i].reason);
        ck_error(all[i].status, all[i].message);
    }
    ck_assert(!ct_interpolate(ct_zeros(CT_SHAPE(1, 1, 3), CT_I64), &(ct_interpolate_options){.size = 2}));
    ck_error(CT_ERR_DTYPE, "ct_interpolate: x is int64; mode nearest takes floating point and uint8");
    ck_assert(!ct_interpolate(Z(3, 3), &(ct_interpolate_options){.size = 2}));
    ck_error(CT_ERR_SHAPE, "got [3, 3]");
}
END_TEST

START_TEST(grids_and_windows_name_what_does_not_fit) {
    ct_tensor *x = Z(1, 1, 3, 3), *grid = Z(1, 2, 2, 2);
    ck_assert(!ct_grid_sample(x, Z(1, 2, 2, 3), NULL));
    ck_error(CT_ERR_SHAPE, "got [1, 1, 3, 3] and [1, 2, 2, 3]");
    ck_assert(!ct_grid_sample(x, ct_to(grid, CT_F32), NULL));
    ck_error(CT_ERR_DTYPE, "ct_grid_sample: x is float64, grid is float32");
    ck_assert(!ct_grid_sample(Z(1, 1, 2, 2, 2), Z(1, 1, 1, 1, 3), &(ct_grid_sample_options){.mode = CT_GRID_SAMPLE_BICUBIC}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "bicubic is for images");
    ck_assert(!ct_grid_sample(x, grid, &(ct_grid_sample_options){.mode = (ct_grid_sample_mode)7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "unknown mode 7");
    ck_assert(!ct_affine_grid(Z(1, 2, 3), CT_SHAPE(1, 1, 2), NULL));
    ck_error(CT_ERR_SHAPE, "ct_affine_grid: sizes must be {N, C, H, W} or {N, C, D, H, W}, got 3 numbers");
    ck_assert(!ct_affine_grid(Z(1, 2, 3), CT_SHAPE(2, 1, 2, 2), NULL));
    ck_error(CT_ERR_SHAPE, "theta must be [2, 2, 3], got [1, 2, 3]");
    ck_assert(!ct_unfold(x, 4, NULL));
    ck_error(CT_ERR_SHAPE, "ct_unfold: the kernel's height 4 (4 with dilation 1) is larger than the padded image's 3");
    ck_assert(!ct_unfold(ct_zeros(CT_SHAPE(1, 3, 3), CT_I64), 2, NULL));
    ck_error(CT_ERR_DTYPE, "ct_unfold: x is int64; it must be floating point or bool");
    ck_assert(!ct_fold(Z(1, 6, 4), 3, 3, 2, NULL));
    ck_error(CT_ERR_SHAPE, "ct_fold: the 6 rows of x [1, 6, 4] are not divisible by the window's 2 x 2 elements");
    ck_assert(!ct_fold(Z(1, 4, 5), 3, 3, 2, NULL));
    ck_error(CT_ERR_SHAPE, "ct_fold: x [1, 4, 5] must have a column for each of the 2 x 2 windows");
    ck_assert(!ct_pixel_shuffle(Z(1, 6, 2, 2), 2));
    ck_error(CT_ERR_SHAPE, "ct_pixel_shuffle: the 6 channels of [1, 6, 2, 2] are not divisible by 2 x 2");
    ck_assert(!ct_pixel_unshuffle(Z(1, 3, 3), 2));
    ck_error(CT_ERR_SHAPE, "height and width of [1, 3, 3] are not divisible by 2");
    ck_assert(!ct_channel_shuffle(Z(1, 6, 2), 4));
    ck_error(CT_ERR_SHAPE, "ct_channel_shuffle: the 6 channels of [1, 6, 2] are not divisible by 4 groups");
    ck_assert(!ct_pixel_shuffle(x, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the factor is 0");
}
END_TEST

static ct_tensor *enlarged(ct_tensor *x) { return ct_interpolate(x, &(ct_interpolate_options){.scale_factor = 1.5, .mode = CT_INTERPOLATE_BICUBIC}); }
static ct_tensor *columns(ct_tensor *x) { return ct_unfold(x, 2, NULL); }
static ct_tensor *sampled(ct_tensor *x) { return ct_grid_sample(x, ct_reshape(ct_narrow(ct_flatten(x, 0, -1), 0, 0, 8), CT_SHAPE(1, 2, 2, 2)), NULL); }

/* First and second derivatives. */
START_TEST(running_out_of_memory_leaves_a_clean_error) {
    ct_tensor *(*const calls[])(ct_tensor *) = {enlarged, columns, sampled};
    for (int k = 0; k < 3; k++) {
        ct_tensor *x = ct_rand(CT_SHAPE(1, 2, 4, 4), CT_F64, NULL);
        ct_set_requires_grad(x, true);
        int64_t n = 1;
        for (bool done = false; !done; n++) {
            ck_assert(n < 3000);
            ct_scope scope = ct_scope_begin();
            ct_memory_fail_at(n);
            ct_tensor *y = ct_sum(ct_square(calls[k](x))), *g = NULL;
            ct_grad(&y, 1, &x, 1, &(ct_grad_options){.create_graph = true}, &g);
            ct_status status = ct_backward(ct_sum(ct_square(g)));
            ct_memory_fail_at(0);
            done = status == CT_OK;
            ct_scope_end(scope);
            if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
            ct_tensor_set_grad(x, NULL);
        }
        ck_assert(n > 12);
    }
}
END_TEST

TEST_LIST = {
    TEST(an_identity_grid_samples_the_image),
    TEST(folding_what_was_unfolded_counts_the_windows),
    TEST(shuffling_there_and_back_changes_nothing),
    TEST(bytes_stay_bytes),
    TEST(interpolation_names_what_does_not_fit),
    TEST(grids_and_windows_name_what_does_not_fit),
    TEST(running_out_of_memory_leaves_a_clean_error),
};
TEST_MAIN("vision")
