/* Transforms as a user meets them: what they call, how often they act, arguments, memory, workers, whole batches. */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>
#include <string.h>

static ct_tensor *rgb(void) {
    static uint8_t x[3 * 12 * 10];
    for (int i = 0; i < 360; i++) x[i] = (uint8_t)(i * 7 + i / 120 * 31);
    return ct_from_data(x, CT_SHAPE(3, 12, 10), CT_U8);
}

static ct_tensor *once(ct_transform *t, ct_tensor *x) {
    ct_tensor *y = ct_transform_apply(t, x, NULL);
    ct_transform_free(t);
    return y;
}

START_TEST(those_without_chance_are_their_functions) {
    ct_tensor *x = rgb();
    ct_image_resize_options small = {.max_size = 7};
    ct_image_pad_options edge = {.padding_mode = CT_IMAGE_PAD_EDGE};
    ck_close(once(ct_transform_resize(5, 6, NULL), x), ct_image_resize(x, 5, 6, NULL), 0, 0);
    ck_close(once(ct_transform_resize_shorter(6, &small), x), ct_image_resize_shorter(x, 6, &small), 0, 0);
    ck_sizes(once(ct_transform_resize_shorter(0, &small), x), 3, 7, 5);
    ck_close(once(ct_transform_center_crop(7, 20), x), ct_image_center_crop(x, 7, 20), 0, 0);
    ck_close(once(ct_transform_pad(1, 2, 3, 4, &edge), x), ct_image_pad(x, 1, 2, 3, 4, &edge), 0, 0);
    ck_close(once(ct_transform_grayscale(3), x), ct_image_rgb_to_grayscale(x, 3), 0, 0);
    ck_close(once(ct_transform_to_dtype(CT_F32), x), ct_image_to_dtype(x, CT_F32), 0, 0);
    ck_close(once(ct_transform_to_tensor(), x), ct_image_to_tensor(x), 0, 0);
    ck_close(once(ct_transform_random_horizontal_flip(1), x), ct_image_horizontal_flip(x), 0, 0);
    ck_close(once(ct_transform_random_vertical_flip(0), x), x, 0, 0);
    ck_close(once(ct_transform_color_jitter(NULL), x), x, 0, 0);
    ck_close(once(ct_transform_rand_augment(&(ct_rand_augment_options){.num_ops = ct_some_i64(0)}), x), x, 0, 0);
    ck_close(once(ct_transform_random_erasing(&(ct_random_erasing_options){.p = ct_some_f64(0)}), x), x, 0, 0);
    ct_transform *weak = ct_transform_rand_augment(&(ct_rand_augment_options){.num_ops = ct_some_i64(1), .magnitude = ct_some_i64(0)});
    for (int i = 0, same = 0; i < 50; i++) { /* of magnitude 0 all but solarize (of the brightest number), autocontrast and equalize leave the picture alone */
        same += ct_equal(ct_transform_apply(weak, x, NULL), x);
        if (i == 49) ck_assert_int_ge(same, 25);
    }
    ct_transform_free(weak);
    ck_close(once(ct_transform_random_affine(0, NULL), x), x, 0, 0);
}
END_TEST

/* How often does a transform change the picture? */
static double rate(ct_transform *t, ct_tensor *x, int n) {
    ct_generator *g = ct_generator_new(123);
    int changed = 0;
    for (int i = 0; i < n; i++) {
        ct_scope s = ct_scope_begin();
        ct_tensor *y = ct_transform_apply(t, x, g);
        changed += !ct_equal(x, y);
        ct_scope_end(s);
    }
    ct_generator_free(g);
    ct_transform_free(t);
    return (double)changed / n;
}

START_TEST(they_act_as_often_as_they_should) {
    ct_tensor *x = rgb();
    const int n = 2000;
    const double off = 4 * sqrt(0.25 / n); /* four standard deviations */
    ck_assert_double_eq_tol(rate(ct_transform_random_horizontal_flip(0.3), x, n), 0.3, off);
    ck_assert_double_eq_tol(rate(ct_transform_random_vertical_flip(0.8), x, n), 0.8, off);
    ck_assert_double_eq_tol(rate(ct_transform_random_grayscale(0.1), x, n), 0.1, off);
    ck_assert_double_eq_tol(rate(ct_transform_random_erasing(NULL), x, n), 0.5, off);
    ck_assert_double_eq_tol(rate(ct_transform_random_apply(ct_transform_random_horizontal_flip(0.5), 0.6), x, n), 0.3, off);
    ct_transform *both[] = {ct_transform_random_horizontal_flip(1), ct_transform_random_horizontal_flip(0)};
    ck_assert_double_eq_tol(rate(ct_transform_random_choice(both, 2, (const double[]){1, 3}), x, n), 0.25, off);
    ct_transform *same[] = {ct_transform_random_horizontal_flip(1), ct_transform_random_horizontal_flip(0)};
    ck_assert_double_eq_tol(rate(ct_transform_random_choice(same, 2, NULL), x, n), 0.5, off);
}
END_TEST

START_TEST(drawn_numbers_fill_their_ranges) {
    ct_tensor *one = ct_full(CT_SHAPE(1, 1, 1), 0.25, CT_F32);
    ct_transform *t = ct_transform_color_jitter(&(ct_color_jitter_options){.brightness_range = (const double[]){0.5, 1.5}});
    ct_generator *g = ct_generator_new(7);
    double sum = 0, low = 9, high = 0;
    for (int i = 0; i < 2000; i++) {
        ct_scope s = ct_scope_begin();
        double factor = (double)ct_data_f32(ct_transform_apply(t, one, g))[0] / 0.25;
        sum += factor;
        low = fmin(low, factor);
        high = fmax(high, factor);
        ct_scope_end(s);
    }
    ck_assert(low >= 0.5 - 1e-6 && low < 0.51 && high <= 1.5 + 1e-6 && high > 1.49);
    ck_assert_double_eq_tol(sum / 2000, 1, 4 * sqrt(1.0 / 12 / 2000));
    ct_transform_free(t);

    ct_tensor *x = ct_ones(CT_SHAPE(1, 40, 40), CT_F32);
    t = ct_transform_random_erasing(&(ct_random_erasing_options){.p = ct_some_f64(1), .scale_min = 0.1, .scale_max = 0.2});
    for (int i = 0; i < 300; i++) { /* the erased share of the area is what was asked for, but for whole pixels */
        ct_scope s = ct_scope_begin();
        double erased = 1 - ct_item_f64(ct_mean(ct_transform_apply(t, x, g)));
        ck_assert_double_ge(erased, 0.08);
        ck_assert_double_le(erased, 0.23);
        ct_scope_end(s);
    }
    ct_transform_free(t);
    ct_generator_free(g);
}
END_TEST

#define REFUSES(call, text)                        \
    do {                                           \
        ck_assert_ptr_null(call);                  \
        ck_error(CT_ERR_INVALID_ARGUMENT, text);   \
    } while (0)

START_TEST(impossible_arguments_are_errors) {
    double nan = (double)NAN;
    REFUSES(ct_transform_resize(0, 5, NULL), "ct_transform_resize: a size of 0 x 5");
    REFUSES(ct_transform_resize(5, -1, NULL), "a size of 5 x 0");
    REFUSES(ct_transform_resize(5, 5, &(ct_image_resize_options){.max_size = 9}), "max_size 9");
    REFUSES(ct_transform_resize_shorter(0, NULL), "a size of 0");
    REFUSES(ct_transform_resize_shorter(9, &(ct_image_resize_options){.max_size = 9}), "max_size 9");
    REFUSES(ct_transform_center_crop(0, 1), "ct_transform_center_crop: a size of 0 x 1");
    REFUSES(ct_transform_pad(0, 0, 0, -2, NULL), "a padding of -2");
    REFUSES(ct_transform_random_horizontal_flip(1.1), "p is 1.1");
    REFUSES(ct_transform_random_vertical_flip(nan), "p is nan");
    REFUSES(ct_transform_random_grayscale(-1), "p is -1");
    REFUSES(ct_transform_grayscale(2), "num_output_channels is 2");
    REFUSES(ct_transform_random_apply(ct_transform_grayscale(1), 2), "p is 2");
    REFUSES(ct_transform_random_apply(NULL, 0.5), "transform 0 is NULL");
    REFUSES(ct_transform_random_choice(NULL, 0, NULL), "nothing to choose from");
    ct_transform *t[] = {ct_transform_grayscale(1)};
    REFUSES(ct_transform_random_choice(t, 1, (const double[]){0}), "the probabilities add up to 0");
    REFUSES(ct_transform_random_resized_crop(4, 4, &(ct_random_resized_crop_options){.scale_min = 0.5, .scale_max = 2}), "scale 0.5 .. 2");
    REFUSES(ct_transform_random_resized_crop(4, 4, &(ct_random_resized_crop_options){.ratio_min = -1, .ratio_max = 2}), "ratio -1 .. 2");
    REFUSES(ct_transform_random_rotation(5, &(ct_random_rotation_options){.interpolation = CT_IMAGE_BICUBIC}), "interpolation 3");
    REFUSES(ct_transform_random_affine(5, &(ct_random_affine_options){.scale_max = 2}), "scale 0 .. 2");
    REFUSES(ct_transform_random_affine(5, &(ct_random_affine_options){.translate = {0, 2}}), "y 2 must be between 0 and 1");
    REFUSES(ct_transform_random_affine(5, &(ct_random_affine_options){.shear_x = {3, 1}}), "shear 3 .. 1");
    REFUSES(ct_transform_color_jitter(&(ct_color_jitter_options){.hue = 0.6}), "hue from -0.6 to 0.6");
    REFUSES(ct_transform_color_jitter(&(ct_color_jitter_options){.contrast = -1}), "contrast");
    REFUSES(ct_transform_gaussian_blur(4, NULL), "a kernel of 4 x 4");
    REFUSES(ct_transform_gaussian_blur(3, &(ct_gaussian_blur_options){.sigma_min = 2, .sigma_max = 1}), "sigma 2 .. 1");
    REFUSES(ct_transform_random_erasing(&(ct_random_erasing_options){.values = &nan, .num_values = 1}), "value 0 is nan");
    REFUSES(ct_transform_random_erasing(&(ct_random_erasing_options){.value = 1, .random = true}), "besides random ones");
    REFUSES(ct_transform_random_erasing(&(ct_random_erasing_options){.num_values = 2}), "2 values");
    REFUSES(ct_transform_rand_augment(&(ct_rand_augment_options){.magnitude = ct_some_i64(31)}), "magnitude 31 of 31");
    ck_assert_ptr_null(ct_transform_to_dtype(CT_F64));
    ck_error(CT_ERR_DTYPE, "to float64");

    ct_tensor *x = rgb();
    ck_assert_ptr_null(once(ct_transform_random_erasing(&(ct_random_erasing_options){.random = true}), x));
    ck_error(CT_ERR_DTYPE, "random values need float32");
    ck_assert_ptr_null(once(ct_transform_random_erasing(&(ct_random_erasing_options){.values = (const double[]){1, 2}, .num_values = 2}), x));
    ck_error(CT_ERR_SHAPE, "2 values for 3 channels");
    ck_assert_ptr_null(once(ct_transform_rand_augment(NULL), ct_zeros(CT_SHAPE(2, 4, 4), CT_U8)));
    ck_error(CT_ERR_SHAPE, "ct_transform_rand_augment: the image has 2 channels");
}
END_TEST

/* Everything in a row. */
static ct_transform *pipeline(void) {
    ct_transform *any[] = {ct_transform_gaussian_blur(3, NULL), ct_transform_rand_augment(NULL)};
    return ct_transform_compose(ct_transform_random_resized_crop(10, 12, NULL), ct_transform_random_horizontal_flip(0.5),
                                ct_transform_random_choice(any, 2, NULL),
                                ct_transform_random_apply(ct_transform_color_jitter(&(ct_color_jitter_options){.brightness = 0.4, .hue = 0.1}), 0.8),
                                ct_transform_random_affine(10, &(ct_random_affine_options){.translate = {0.1, 0.1}, .scale_min = 0.9, .scale_max = 1.1}),
                                ct_transform_random_grayscale(0.2), ct_transform_pad(1, 1, 1, 1, NULL), ct_transform_random_crop(10, 10, NULL),
                                ct_transform_to_tensor(), ct_transform_normalize((const double[]){0.5}, (const double[]){0.25}, 1),
                                ct_transform_random_erasing(NULL));
}

START_TEST(the_number_of_workers_does_not_change_the_pictures) {
    ct_tensor *pictures = ct_randint(0, 256, CT_SHAPE(40, 3, 14, 13), CT_U8, NULL);
    ct_dataset *plain = ct_dataset_tensors(pictures, NULL);
    ct_transform *t = pipeline();
    ct_dataset *data = ct_dataset_transform(plain, t);
    ct_tensor *first = NULL;
    for (int workers = 0; workers <= 4; workers += 2) {
        ct_loader *loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 40, .shuffle = true, .num_workers = workers, .seed = ct_some_i64(3)});
        ct_batch batch;
        ck_assert(ct_loader_next(loader, &batch));
        if (first) ck_close(batch.input, first, 0, 0);
        else first = ct_clone(batch.input);
        ct_loader_free(loader);
    }
    ck_ok();
    ct_dataset_free(data);
    ct_dataset_free(plain);
    ct_transform_free(t);
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    ct_tensor *x = rgb();
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_scope s = ct_scope_begin();
        ct_generator *g = ct_generator_new(2);
        ct_memory_fail_at(n);
        ct_transform *t = pipeline();
        ct_tensor *y = ct_transform_apply(t, x, g), *labels = ct_zeros(CT_SHAPE(1), CT_I64);
        ct_tensor *input = y ? ct_unsqueeze(y, 0) : NULL, *before = input;
        bool mixed = ct_mixup(&input, &labels, 3, g, NULL) == CT_OK && ct_cutmix(&input, &labels, 0, g, NULL) == CT_OK;
        ct_memory_fail_at(0);
        ck_assert(mixed == ct_ok() && (mixed || !before || input));
        ct_transform_free(t);
        ct_generator_free(g);
        ct_scope_end(s);
        if (mixed) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_assert_int_gt(failures, 40);
}
END_TEST

START_TEST(mixed_targets_add_up_to_one_and_mixes_say_what_they_need) {
    ct_tensor *x = ct_rand(CT_SHAPE(4, 1, 6, 6), CT_F32, NULL), *y = test_i64((double[]){0, 2, 1, 2}, CT_SHAPE(4)), *before = x;
    ck_assert_int_eq(ct_cutmix(&x, &y, 3, NULL, NULL), CT_OK);
    ck_sizes(y, 4, 3);
    ck_values_close(ct_sum_dim(y, (const int64_t[]){1}, 1, NULL), 1e-6, 1, 1, 1, 1);
    ck_assert_int_eq(ct_mixup(&x, &y, 0, NULL, &(ct_mixup_options){.alpha = ct_some_f64(0.4)}), CT_OK); /* probabilities again */
    ck_values_close(ct_sum_dim(y, (const int64_t[]){1}, 1, NULL), 1e-6, 1, 1, 1, 1);
    double mean = ct_item_f64(ct_mean(x)); /* every pixel counts as often as before, but for the cut's edges */
    ck_assert(mean > 0 && mean < 1);
    ck_assert_int_eq(ct_mixup(&x, &y, 4, NULL, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "num_classes is 4 with a target [4, 3]");
    ct_mixup(&x, &y, 3, NULL, &(ct_mixup_options){.alpha = ct_some_f64(0)});
    ck_error(CT_ERR_INVALID_ARGUMENT, "alpha is 0, it must be positive");
    ct_tensor *labels = test_i64((double[]){0, 2, 1, 3}, CT_SHAPE(4)), *none = NULL, *u8 = ct_zeros(CT_SHAPE(4, 1, 2, 2), CT_U8), *kept = labels;
    ck_assert_int_ne(ct_mixup(&before, &labels, 3, NULL, NULL), CT_OK); /* 3 is no class of 3 */
    ct_error_clear();
    ck_assert_ptr_eq(labels, kept);
    ct_mixup(&before, &labels, 0, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "num_classes is 0 with a target [4]");
    ct_mixup(&u8, &labels, 4, NULL, NULL);
    ck_error(CT_ERR_DTYPE, "the input is uint8, it must be float32");
    ck_assert_int_eq(ct_cutmix(&u8, &labels, 4, NULL, NULL), CT_OK);
    ct_cutmix(&u8, &none, 4, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "target is NULL");
    ct_cutmix(NULL, &labels, 4, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "input is NULL");
    ct_tensor *flat = ct_rand(CT_SHAPE(4, 6), CT_F32, NULL);
    ct_mixup(&flat, &y, 0, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "input [4, 6]");
}
END_TEST

TEST_LIST = {TEST(those_without_chance_are_their_functions), TEST(they_act_as_often_as_they_should), TEST(drawn_numbers_fill_their_ranges),
             TEST(impossible_arguments_are_errors), TEST(the_number_of_workers_does_not_change_the_pictures), TEST(every_failed_allocation_is_a_clean_error),
             TEST(mixed_targets_add_up_to_one_and_mixes_say_what_they_need)};
TEST_MAIN("augment")
