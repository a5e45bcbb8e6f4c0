/* Transforms. Stored numbers are those of torchvision's formulas run in PyTorch 2.13 from the same seed. */
#include "data/files.h"

#include <ctorch/data_transform.h>

static ct_tensor *picture(ct_dtype dtype) { /* [1, 4, 5]: 1, 2, ..., 20 */
    float f[20];
    uint8_t u[20];
    for (int i = 0; i < 20; i++) f[i] = (float)(u[i] = (uint8_t)(i + 1));
    return ct_from_data(dtype == CT_F32 ? (void *)f : (void *)u, CT_SHAPE(1, 4, 5), dtype);
}

START_TEST(crops_are_where_torchvision_puts_them) {
    float grid[72];
    for (int i = 0; i < 72; i++) grid[i] = (float)i;
    ct_tensor *x = ct_from_data(grid, CT_SHAPE(1, 8, 9), CT_F32);
    ct_transform *t = ct_transform_random_crop(4, 5, NULL);
    ct_generator *g = ct_generator_new(5);
    static const int corner[][2] = {{1, 4}, {2, 0}, {1, 0}, {2, 3}};
    for (int i = 0; i < 4; i++) {
        ct_tensor *y = ct_transform_apply(t, x, g);
        ck_sizes(y, 1, 4, 5);
        ck_assert_float_eq(ct_data_f32(y)[0], (float)(9 * corner[i][0] + corner[i][1]));
        ck_assert_float_eq(ct_data_f32(y)[19], (float)(9 * (corner[i][0] + 3) + corner[i][1] + 4));
    }
    ct_transform_free(t);
    ct_generator_free(g);
}
END_TEST

START_TEST(a_crop_of_the_whole_picture_draws_nothing) {
    ct_transform *t = ct_transform_random_crop(4, 5, NULL);
    ct_generator *g = ct_generator_new(5), *untouched = ct_generator_new(5);
    ck_close(ct_transform_apply(t, picture(CT_U8), g), picture(CT_U8), 0, 0);
    ck_assert_uint_eq(ct_generator_random32(g), ct_generator_random32(untouched));
    ct_transform_free(t);
    ct_generator_free(g);
    ct_generator_free(untouched);
}
END_TEST

/* The whole padded picture as the crop: no randomness. */
static ct_tensor *padded(int64_t padding, bool if_needed, ct_image_padding mode, int64_t h, int64_t w) {
    ct_transform *t = ct_transform_random_crop(
        h, w, &(ct_random_crop_options){.padding = padding, .pad_if_needed = if_needed, .padding_mode = mode, .fill = 9});
    static const float row[] = {1, 2, 3};
    ct_tensor *y = ct_transform_apply(t, ct_from_data(row, CT_SHAPE(1, 1, 3), CT_F32), NULL);
    ct_transform_free(t);
    return y;
}

START_TEST(padding_modes_are_torchvisions) {
    ck_values(padded(1, false, CT_IMAGE_PAD_CONSTANT, 3, 5), 9, 9, 9, 9, 9, 9, 1, 2, 3, 9, 9, 9, 9, 9, 9);
    ck_values(padded(1, false, CT_IMAGE_PAD_EDGE, 3, 5), 1, 1, 2, 3, 3, 1, 1, 2, 3, 3, 1, 1, 2, 3, 3);
    ck_values(padded(1, false, CT_IMAGE_PAD_SYMMETRIC, 3, 5), 1, 1, 2, 3, 3, 1, 1, 2, 3, 3, 1, 1, 2, 3, 3);
    ck_assert_ptr_null(padded(1, false, CT_IMAGE_PAD_REFLECT, 3, 5));
    ck_error(CT_ERR_SHAPE, "mirrored padding of 1 and 1 is more than the picture's height of 1");
}
END_TEST

START_TEST(reflection_leaves_the_edge_out) {
    ct_transform *t = ct_transform_random_crop(6, 7, &(ct_random_crop_options){.padding = 2, .padding_mode = CT_IMAGE_PAD_REFLECT});
    static const float x[] = {1, 2, 3, 4, 5, 6};
    ct_tensor *in = ct_from_data(x, CT_SHAPE(2, 3), CT_F32);
    ck_assert_ptr_null(ct_transform_apply(t, in, NULL)); /* 2 rows cannot be reflected twice */
    ck_error(CT_ERR_SHAPE, "mirrored padding of 2");
    ct_transform_free(t);
    t = ct_transform_random_crop(4, 5, &(ct_random_crop_options){.padding = 1, .padding_mode = CT_IMAGE_PAD_REFLECT});
    ck_values(ct_transform_apply(t, in, NULL), 5, 4, 5, 6, 5, 2, 1, 2, 3, 2, 5, 4, 5, 6, 5, 2, 1, 2, 3, 2);
    ct_transform_free(t);
}
END_TEST

START_TEST(pad_if_needed_adds_what_is_missing_on_both_sides) {
    ct_transform *t = ct_transform_random_crop(1, 5, &(ct_random_crop_options){.pad_if_needed = true, .fill = 7});
    static const float x[] = {1, 2, 3};
    ct_generator *g = ct_generator_new(3);
    bool seen[5] = {false}; /* padded to 2 + 3 + 2, so there are three places */
    for (int i = 0; i < 40; i++) {
        const float *y = ct_data_f32(ct_transform_apply(t, ct_from_data(x, CT_SHAPE(1, 3), CT_F32), g));
        int at = 0;
        while (y[at] == 7) at++;
        ck_assert_int_le(at, 2);
        seen[at] = true;
        for (int k = 0; k < 5; k++) ck_assert_float_eq(y[k], k >= at && k < at + 3 ? x[k - at] : 7);
    }
    ck_assert(seen[0] && seen[1] && seen[2]);
    ct_generator_free(g);
    ct_transform_free(t);
}
END_TEST

START_TEST(shifts_are_random_affines) {
    ct_transform *t = ct_transform_random_shift(0.5, 0.5, &(ct_random_shift_options){.fill = 200});
    ct_generator *g = ct_generator_new(5);
    static const int by[][2] = {{-2, 2}, {2, -2}, {1, -2}, {1, 0}};
    for (int i = 0; i < 4; i++) {
        ct_tensor *in = picture(CT_U8), *out = ct_transform_apply(t, in, g);
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 5; x++) {
                int fy = y - by[i][1], fx = x - by[i][0];
                int want = fy >= 0 && fy < 4 && fx >= 0 && fx < 5 ? ct_data_u8(in)[5 * fy + fx] : 200;
                ck_assert_int_eq(ct_data_u8(out)[5 * y + x], want);
            }
    }
    ct_transform_free(t);
    ct_generator_free(g);
}
END_TEST

START_TEST(rotations_equal_grid_sample) {
    ct_transform *nearest = ct_transform_random_rotation(45, &(ct_random_rotation_options){.fill = 99});
    ct_transform *bilinear =
        ct_transform_random_rotation(45, &(ct_random_rotation_options){.interpolation = CT_IMAGE_BILINEAR, .fill = 0.5});
    ct_transform *black = ct_transform_random_rotation(45, &(ct_random_rotation_options){.interpolation = CT_IMAGE_BILINEAR});
    ct_generator *g = ct_generator_new(5), *again = ct_generator_new(5);
    ck_values(ct_transform_apply(nearest, picture(CT_U8), g), 99, 3, 4, 10, 10, 2, 7, 8, 14, 15, 6, 7, 13, 14, 19, 11, 11, 17, 18, 99);
    ck_values_close(ct_transform_apply(bilinear, picture(CT_F32), g), 1e-5, 2.2283995151519775, 5.363692760467529, 3.4255385398864746,
                    1.6103676557540894, 0.5069588422775269, 12.018156051635742, 10.080000877380371, 8.141845703125, 6.203691482543945,
                    4.188053607940674, 15.821818351745605, 14.796308517456055, 12.858154296875, 10.919999122619629, 8.981844902038574,
                    0.7800033688545227, 8.900979995727539, 17.574462890625, 15.636306762695312, 3.600862979888916);
    (void)ct_generator_random32(again);
    ck_values(ct_transform_apply(black, picture(CT_U8), again), 2, 5, 3, 1, 0, 12, 10, 8, 6, 4, 16, 15, 13, 11, 9, 0, 9, 18, 16, 3);
    ct_transform_free(nearest);
    ct_transform_free(bilinear);
    ct_transform_free(black);
    ct_generator_free(g);
    ct_generator_free(again);
}
END_TEST

START_TEST(rotation_by_zero_changes_nothing) {
    for (int mode = 1; mode <= 2; mode++) {
        ct_transform *t = ct_transform_random_rotation(0, &(ct_random_rotation_options){.interpolation = (ct_image_interpolation)mode, .fill = 3});
        ck_close(ct_transform_apply(t, picture(CT_F32), NULL), picture(CT_F32), 1e-5, 0);
        ct_transform_free(t);
    }
}
END_TEST

START_TEST(normalize_is_by_channel) {
    static const float x[] = {1, 2, 3, 4};
    ct_tensor *in = ct_from_data(x, CT_SHAPE(2, 1, 2), CT_F32);
    const double mean[] = {1, 2}, std[] = {2, 4};
    ct_transform *t = ct_transform_normalize(mean, std, 2);
    ck_values(ct_transform_apply(t, in, NULL), 0, 0.5, 0.25, 0.5);
    ct_transform_free(t);
    ck_values(ct_image_normalize(in, mean, std, 1), 0, 0.5, 1, 1.5);
    ck_values(ct_image_normalize(ct_from_data(x, CT_SHAPE(2, 2, 1, 1), CT_F32), mean, std, 2), 0, 0, 1, 0.5);
    double many[20];
    for (int i = 0; i < 20; i++) many[i] = 1;
    float planes[20] = {3};
    ck_assert_float_eq(ct_data_f32(ct_image_normalize(ct_from_data(planes, CT_SHAPE(20, 1, 1), CT_F32), many, many, 20))[0], 2);
    ck_assert_ptr_null(ct_image_normalize(in, many, many, 3));
    ck_error(CT_ERR_SHAPE, "3 means and stds for 2 channels");
    ck_assert_ptr_null(ct_image_normalize(picture(CT_U8), mean, std, 1));
    ck_error(CT_ERR_DTYPE, "the image is uint8");
    ck_assert_ptr_null(ct_image_normalize(in, mean, (const double[]){0}, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "std 0");
    ck_assert_ptr_null(ct_image_normalize(ct_from_data(x, CT_SHAPE(4), CT_F32), mean, std, 1));
    ck_error(CT_ERR_SHAPE, "[4]");
    ck_assert_ptr_null(ct_image_normalize(NULL, mean, std, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "image is NULL");
    ck_assert_ptr_null(ct_transform_normalize(NULL, std, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "mean or std is NULL");
}
END_TEST

/* ---- Classes ---- */

typedef struct plus {
    float by;
} plus;
static int destroyed;
static ct_status plus_init(ct_transform *t, const void *arg) {
    ((plus *)ct_transform_state(t))->by = *(const float *)arg;
    return *(const float *)arg < 0 ? ct_error_raise(CT_ERR_INVALID_ARGUMENT, "plus: negative") : CT_OK;
}
static void plus_destroy(ct_transform *t) {
    (void)t;
    destroyed++;
}
static ct_tensor *plus_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    (void)g;
    float x = ct_data_f32(image)[0] + ((plus *)ct_transform_state(t))->by;
    return x > 100 ? NULL : ct_from_data(&x, CT_SHAPE(1, 1, 1), CT_F32);
}
static const ct_transform_class plus_class = {
    .name = "plus", .state_size = sizeof(plus), .init = plus_init, .destroy = plus_destroy, .apply = plus_apply};
static ct_transform *plus_new(float by) { return ct_transform_new(&plus_class, &by); }
static ct_tensor *one(void) { return ct_from_data(&(float){1}, CT_SHAPE(1, 1, 1), CT_F32); }

START_TEST(compose_runs_in_order_and_takes_its_children_over) {
    destroyed = 0;
    ct_transform *kept = plus_new(10);
    ct_transform *t = ct_transform_compose(plus_new(1), ct_transform_retain(kept));
    ck_assert_str_eq(ct_transform_class_name(t), "compose");
    ck_values(ct_transform_apply(t, one(), NULL), 12);
    ct_transform_free(t);
    ck_assert_int_eq(destroyed, 1);
    ct_transform_free(kept);
    ck_assert_int_eq(destroyed, 2);

    ck_assert_ptr_null(ct_transform_compose(plus_new(1), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "transform 1 is NULL");
    ck_assert_int_eq(destroyed, 3);
    ck_assert_ptr_null(ct_transform_compose(plus_new(1), plus_new(-1)));
    ck_error(CT_ERR_INVALID_ARGUMENT, "plus: negative");
    ck_assert_int_eq(destroyed, 5);
    t = ct_transform_compose_n(NULL, 0);
    ck_values(ct_transform_apply(t, one(), NULL), 1);
    ct_transform_free(t);
    ck_assert_ptr_null(ct_transform_compose_n(NULL, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_transform_compose");
}
END_TEST

START_TEST(a_transform_that_fails_says_why) {
    ct_transform *t = plus_new(200);
    ck_assert_ptr_null(ct_transform_apply(t, one(), NULL));
    ck_error(CT_ERR_USER, "transform \"plus\" failed without giving a reason");
    ck_assert_ptr_null(ct_transform_apply(t, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "image is NULL");
    ck_assert_ptr_null(ct_transform_apply(NULL, one(), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "transform is NULL");
    ct_transform_free(t);
    ck_assert_ptr_null(ct_transform_new(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "needs a name and apply");
}
END_TEST

START_TEST(impossible_arguments_are_errors) {
    ck_assert_ptr_null(ct_transform_random_crop(0, 5, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "a size of 0 x 5");
    ck_assert_ptr_null(ct_transform_random_crop(5, 5, &(ct_random_crop_options){.padding = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding -1");
    ck_assert_ptr_null(ct_transform_random_crop(5, 5, &(ct_random_crop_options){.padding_mode = (ct_image_padding)4}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding mode 4");
    ck_assert_ptr_null(ct_transform_random_shift(1.5, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "x 1.5");
    ck_assert_ptr_null(ct_transform_random_rotation(-1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "degrees -1");
    ct_transform *t = ct_transform_random_crop(5, 5, NULL);
    ck_assert_ptr_null(ct_transform_apply(t, picture(CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "a crop of height 5 does not fit into a picture of 4");
    ck_assert_ptr_null(ct_transform_apply(t, ct_from_data(&(int64_t){1}, NULL, 0, CT_I64), NULL));
    ck_error(CT_ERR_SHAPE, "the image is []");
    ck_assert_ptr_null(ct_transform_apply(t, ct_from_data(&(int64_t){1}, CT_SHAPE(1, 1), CT_I64), NULL));
    ck_error(CT_ERR_DTYPE, "the image is int64");
    ct_transform_free(t);
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_scope s = ct_scope_begin();
        ct_tensor *in = picture(CT_F32);
        ct_memory_fail_at(n);
        ct_transform *t = ct_transform_compose(ct_transform_random_crop(4, 4, &(ct_random_crop_options){.padding = 1}),
                                               ct_transform_random_shift(0.1, 0.1, NULL), ct_transform_random_rotation(5, NULL),
                                               ct_transform_normalize((const double[]){0}, (const double[]){1}, 1));
        ct_tensor *out = ct_transform_apply(t, in, NULL);
        ct_memory_fail_at(0);
        ct_transform_free(t);
        ct_scope_end(s);
        if (out && ct_ok()) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_assert_int_gt(failures, 10);
}
END_TEST

TEST_LIST = {TEST(crops_are_where_torchvision_puts_them),
             TEST(a_crop_of_the_whole_picture_draws_nothing),
             TEST(padding_modes_are_torchvisions),
             TEST(reflection_leaves_the_edge_out),
             TEST(pad_if_needed_adds_what_is_missing_on_both_sides),
             TEST(shifts_are_random_affines),
             TEST(rotations_equal_grid_sample),
             TEST(rotation_by_zero_changes_nothing),
             TEST(normalize_is_by_channel),
             TEST(compose_runs_in_order_and_takes_its_children_over),
             TEST(a_transform_that_fails_says_why),
             TEST(impossible_arguments_are_errors),
             TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("transform")
