/* Functions of pictures give torchvision's results (../golden/image/make_transforms.py) on u8 and f32, and sentences where they cannot. */
#include "data/golden.h"

/* x's functions by the names of the generator. fill: of u8 and f32. */
static double fill(const ct_tensor *x, double u8, double f32) { return ct_tensor_dtype(x) == CT_U8 ? u8 : f32; }
#define RESIZE(...) &(ct_image_resize_options){__VA_ARGS__}
#define PAD(...) &(ct_image_pad_options){__VA_ARGS__}
#define ROTATE(...) &(ct_image_rotate_options){__VA_ARGS__}
#define AFFINE(...) &(ct_image_affine_options){__VA_ARGS__}
#define CASE(name, call) static ct_tensor *run_##name(const ct_tensor *x) { return call; }
CASE(hflip, ct_image_horizontal_flip(x))
CASE(vflip, ct_image_vertical_flip(x))
CASE(resize_small, ct_image_resize(x, 5, 4, NULL))
CASE(resize_large, ct_image_resize(x, 13, 17, RESIZE(.interpolation = CT_IMAGE_BILINEAR)))
CASE(resize_plain, ct_image_resize(x, 5, 4, RESIZE(.no_antialias = true)))
CASE(resize_bicubic, ct_image_resize(x, 6, 7, RESIZE(.interpolation = CT_IMAGE_BICUBIC)))
CASE(resize_nearest, ct_image_resize(x, 6, 14, RESIZE(.interpolation = CT_IMAGE_NEAREST)))
CASE(resize_exact, ct_image_resize(x, 6, 14, RESIZE(.interpolation = CT_IMAGE_NEAREST_EXACT)))
CASE(resize_shorter, ct_image_resize_shorter(x, 5, NULL))
CASE(resize_max, ct_image_resize_shorter(x, 8, RESIZE(.max_size = 9)))
CASE(resize_longer, ct_image_resize_shorter(x, 0, RESIZE(.max_size = 7)))
CASE(crop, ct_image_crop(x, -2, 3, 8, 12))
CASE(center_crop, ct_image_center_crop(x, 4, 6))
CASE(center_crop_large, ct_image_center_crop(x, 14, 6))
CASE(resized_crop, ct_image_resized_crop(x, 1, 2, 6, 5, 4, 8, NULL))
CASE(pad, ct_image_pad(x, 1, 2, 3, 4, PAD(.fill = fill(x, 77, 0.5))))
CASE(pad_edge, ct_image_pad(x, 1, 2, 3, 4, PAD(.padding_mode = CT_IMAGE_PAD_EDGE)))
CASE(pad_reflect, ct_image_pad(x, 1, 2, 3, 4, PAD(.padding_mode = CT_IMAGE_PAD_REFLECT)))
CASE(pad_symmetric, ct_image_pad(x, 1, 2, 3, 4, PAD(.padding_mode = CT_IMAGE_PAD_SYMMETRIC)))
CASE(rotate, ct_image_rotate(x, 25, NULL))
CASE(rotate_bilinear, ct_image_rotate(x, 25, ROTATE(.interpolation = CT_IMAGE_BILINEAR)))
CASE(rotate_fill, ct_image_rotate(x, -70, ROTATE(.interpolation = CT_IMAGE_BILINEAR, .fill = ct_some_f64(fill(x, 100, 0.5)))))
CASE(rotate_expand, ct_image_rotate(x, 33, ROTATE(.interpolation = CT_IMAGE_BILINEAR, .expand = true)))
CASE(rotate_expand_90, ct_image_rotate(x, 90, ROTATE(.expand = true)))
CASE(rotate_180, ct_image_rotate(x, -180, NULL))
CASE(rotate_center, ct_image_rotate(x, 40, ROTATE(.interpolation = CT_IMAGE_BILINEAR, .center = (const double[]){2, 3})))
CASE(affine, ct_image_affine(x, AFFINE(.angle = 17, .translate = {2, -1}, .scale = 1.3, .shear = {9, -5}, .interpolation = CT_IMAGE_BILINEAR)))
CASE(affine_nearest, ct_image_affine(x, AFFINE(.angle = -31, .translate = {1, 1}, .scale = 0.8, .shear = {4, 0}, .fill = ct_some_f64(fill(x, 9, 0.25)))))
CASE(affine_center, ct_image_affine(x, AFFINE(.angle = 10, .shear = {0, 12}, .interpolation = CT_IMAGE_BILINEAR, .center = (const double[]){0, 0})))
CASE(affine_shift, ct_image_affine(x, AFFINE(.translate = {3, -2})))
CASE(brightness, ct_image_adjust_brightness(x, 1.7))
CASE(brightness_less, ct_image_adjust_brightness(x, 0.35))
CASE(contrast, ct_image_adjust_contrast(x, 1.6))
CASE(contrast_less, ct_image_adjust_contrast(x, 0.4))
CASE(saturation, ct_image_adjust_saturation(x, 1.8))
CASE(saturation_less, ct_image_adjust_saturation(x, 0.3))
CASE(hue, ct_image_adjust_hue(x, 0.2))
CASE(hue_less, ct_image_adjust_hue(x, -0.4))
CASE(sharpness, ct_image_adjust_sharpness(x, 1.9))
CASE(sharpness_less, ct_image_adjust_sharpness(x, 0.1))
CASE(gamma, ct_image_adjust_gamma(x, 0.6, 1))
CASE(gamma_gain, ct_image_adjust_gamma(x, 2.2, 1.5))
CASE(grayscale, ct_image_rgb_to_grayscale(x, 1))
CASE(grayscale3, ct_image_rgb_to_grayscale(x, 3))
CASE(posterize, ct_image_posterize(x, 3))
CASE(solarize, ct_image_solarize(x, fill(x, 100, 0.4)))
CASE(invert, ct_image_invert(x))
CASE(blur, ct_image_gaussian_blur(x, 1, &(ct_image_gaussian_blur_options){.kernel_size_nd = (const int64_t[]){5, 3}}))
CASE(blur_sigma, ct_image_gaussian_blur(x, 7, &(ct_image_gaussian_blur_options){.sigma_nd = (const double[]){0.8, 1.9}}))
CASE(to_f32, ct_image_to_dtype(x, CT_F32))
CASE(to_u8, ct_image_to_dtype(x, CT_U8))
static ct_tensor *run_autocontrast(const ct_tensor *x) {
    ct_tensor *in = (ct_tensor *)(uintptr_t)x;
    if (ct_tensor_dtype(x) == CT_F32) return ct_image_autocontrast(ct_add_scalar(ct_mul_scalar(in, 0.5), 0.1));
    return ct_image_autocontrast(ct_add_scalar_int(ct_bitwise_right_shift_scalar_int(in, 1), 20));
}
static ct_tensor *run_equalize(const ct_tensor *x) {
    return ct_image_equalize(ct_repeat((ct_tensor *)(uintptr_t)x, (const int64_t[]){1, 3, 4}, 3));
}

#define ROW(name) {#name, run_##name}
static const struct { const char *name; ct_tensor *(*run)(const ct_tensor *); } cases[] = {
    ROW(hflip), ROW(vflip), ROW(resize_small), ROW(resize_large), ROW(resize_plain), ROW(resize_bicubic), ROW(resize_nearest), ROW(resize_exact),
    ROW(resize_shorter), ROW(resize_max), ROW(resize_longer), ROW(crop), ROW(center_crop), ROW(center_crop_large), ROW(resized_crop), ROW(pad), ROW(pad_edge),
    ROW(pad_reflect), ROW(pad_symmetric), ROW(rotate), ROW(rotate_bilinear), ROW(rotate_fill), ROW(rotate_expand), ROW(rotate_expand_90), ROW(rotate_180),
    ROW(rotate_center), ROW(affine), ROW(affine_nearest), ROW(affine_center), ROW(affine_shift), ROW(brightness), ROW(brightness_less), ROW(contrast),
    ROW(contrast_less), ROW(saturation), ROW(saturation_less), ROW(hue), ROW(hue_less), ROW(sharpness), ROW(sharpness_less), ROW(gamma), ROW(gamma_gain),
    ROW(grayscale), ROW(grayscale3), ROW(posterize), ROW(solarize), ROW(autocontrast), ROW(equalize), ROW(invert), ROW(blur), ROW(blur_sigma), ROW(to_f32),
    ROW(to_u8)};

START_TEST(functions_give_torchvisions_results) {
    ct_dict *golden = ct_load(TEST_SOURCE_DIR "/golden/image/functions.safetensors", NULL);
    static const char *const kinds[] = {"u8", "f32", "gray"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k < 3; k++) {
            char key[64], input[16];
            snprintf(key, sizeof key, "%s.%s", cases[i].name, kinds[k]);
            snprintf(input, sizeof input, "input.%s", kinds[k]);
            if (k < 2 || ct_dict_kind_of(golden, key) == CT_DICT_TENSOR) ck_stored(cases[i].run(stored(golden, input)), golden, key, 3e-6);
        }
}
END_TEST

START_TEST(batches_are_done_picture_by_picture) {
    ct_dict *golden = ct_load(TEST_SOURCE_DIR "/golden/image/functions.safetensors", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].run == run_equalize) continue; /* its repeat counts the dims */
        ct_tensor *x = stored(golden, "input.u8"), *other = ct_flip(x, (const int64_t[]){0, 2}, 2);
        ct_tensor *both = cases[i].run(ct_stack(CT_TENSORS(x, other), 0));
        ck_close(ct_select(both, 0, 0), cases[i].run(x), 0, 0);
        ck_close(ct_select(both, 0, 1), cases[i].run(ct_contiguous(other, CT_FORMAT_CONTIGUOUS)), 0, 0);
    }
}
END_TEST

START_TEST(views_and_gradients_do_no_harm) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 6, 6), CT_F32, NULL), *turned = ct_transpose(x, 1, 2);
    ck_close(ct_image_adjust_hue(turned, 0.1), ct_image_adjust_hue(ct_contiguous(turned, CT_FORMAT_CONTIGUOUS), 0.1), 0, 0);
    ct_set_requires_grad(x, true);
    ck_assert(!ct_requires_grad(ct_image_horizontal_flip(x)));
    ck_assert(!ct_requires_grad(ct_image_resize(x, 3, 3, NULL)));
    ck_assert(!ct_requires_grad(ct_image_rotate(x, 90, NULL)));
    ct_tensor *zero = ct_zeros(CT_SHAPE(1, 1, 1), CT_F32), *erased = ct_image_erase(x, 1, 2, 2, 3, zero);
    ck_assert(!ct_requires_grad(erased));
    for (int i = 0; i < 3 * 36; i++) {
        int y = i / 6 % 6, c = i % 6;
        ck_assert_float_eq(ct_data_f32(erased)[i], y >= 1 && y < 3 && c >= 2 && c < 5 ? 0 : ct_data_f32(x)[i]);
    }
    ct_tensor *u8 = ct_from_data("\0\1\2\377", CT_SHAPE(1, 2, 2), CT_U8);
    ck_values(ct_image_to_tensor(u8), 0, (double)(1.0f / 255), (double)(2.0f / 255), 1);
    ck_close(ct_image_resize(u8, 2, 2, NULL), u8, 0, 0);
}
END_TEST

#define REFUSES(call, status, text)         \
    do {                                    \
        ck_assert_ptr_null(call);           \
        ck_error(status, text);             \
    } while (0)

START_TEST(what_is_not_possible_is_an_error) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 4, 5), CT_F32, NULL), *rgba = ct_rand(CT_SHAPE(4, 4, 5), CT_F32, NULL), *line = ct_rand(CT_SHAPE(5), CT_F32, NULL);
    ct_tensor *f64 = ct_rand(CT_SHAPE(3, 4, 5), CT_F64, NULL), *u8 = ct_zeros(CT_SHAPE(1, 1, 1), CT_U8);
    const ct_status arg = CT_ERR_INVALID_ARGUMENT;
    double nan = (double)NAN;
    REFUSES(ct_image_horizontal_flip(NULL), arg, "ct_image_horizontal_flip: image is NULL");
    REFUSES(ct_image_vertical_flip(line), CT_ERR_SHAPE, "the image is [5], it must be [..., H, W]");
    REFUSES(ct_image_invert(f64), CT_ERR_DTYPE, "the image is float64");
    REFUSES(ct_image_adjust_contrast(rgba, 1), CT_ERR_SHAPE, "the image has 4 channels, it must have 1 or 3");
    REFUSES(ct_image_adjust_brightness(x, -0.1), arg, "factor is -0.1");
    REFUSES(ct_image_adjust_saturation(x, nan), arg, "factor is");
    REFUSES(ct_image_adjust_hue(x, 0.6), arg, "factor is 0.6, it must be between -0.5 and 0.5");
    REFUSES(ct_image_adjust_sharpness(x, nan), arg, "factor is");
    REFUSES(ct_image_adjust_gamma(x, -1, 1), arg, "gamma is -1");
    REFUSES(ct_image_adjust_gamma(x, 1, (double)INFINITY), arg, "gain is inf");
    REFUSES(ct_image_rgb_to_grayscale(x, 2), arg, "num_output_channels is 2");
    REFUSES(ct_image_rgb_to_grayscale(rgba, 1), CT_ERR_SHAPE, "4 channels");
    REFUSES(ct_image_posterize(x, 9), arg, "bits is 9");
    REFUSES(ct_image_solarize(x, 1.5), arg, "threshold 1.5 is above the largest number, 1");
    REFUSES(ct_image_autocontrast(rgba), CT_ERR_SHAPE, "4 channels");
    REFUSES(ct_image_to_dtype(x, CT_F64), CT_ERR_DTYPE, "to float64");
    REFUSES(ct_image_gaussian_blur(x, 4, NULL), arg, "a kernel of 4");
    REFUSES(ct_image_gaussian_blur(x, 3, &(ct_image_gaussian_blur_options){.sigma = -1}), arg, "sigma -1");
    REFUSES(ct_image_gaussian_blur(x, 9, NULL), CT_ERR_SHAPE, "a mirrored padding of 4 and 4 is more than the picture's height of 4");
    REFUSES(ct_image_resize(x, 0, 5, NULL), arg, "a window of 0 x 5");
    REFUSES(ct_image_resize(x, 5, 5, RESIZE(.max_size = 7)), arg, "max_size is an option of ct_image_resize_shorter");
    REFUSES(ct_image_resize(x, 5, 5, RESIZE(.interpolation = (ct_image_interpolation)5)), arg, "no interpolation 5");
    REFUSES(ct_image_resize_shorter(x, 0, NULL), arg, "size 0 with max_size 0");
    REFUSES(ct_image_resize_shorter(x, 5, RESIZE(.max_size = 5)), arg, "size 5 with max_size 5");
    REFUSES(ct_image_crop(x, 0, 0, -1, 3), arg, "a window of -1 x 3");
    REFUSES(ct_image_center_crop(x, 3, 0), arg, "a window of 3 x 0");
    REFUSES(ct_image_pad(x, 1, 1, -1, 1, NULL), arg, "a padding of -1");
    REFUSES(ct_image_pad(x, 1, 1, 1, 1, PAD(.fill = nan)), arg, "fill nan");
    REFUSES(ct_image_pad(x, 1, 1, 1, 5, PAD(.padding_mode = CT_IMAGE_PAD_SYMMETRIC)), CT_ERR_SHAPE, "a mirrored padding of 1 and 5");
    REFUSES(ct_image_pad(x, 1 << 30, 1 << 30, 1 << 30, 1 << 30, NULL), CT_ERR_SHAPE, "more elements than 64 bits count");
    REFUSES(ct_image_rotate(x, nan, NULL), arg, "angle is nan");
    REFUSES(ct_image_rotate(x, 1, ROTATE(.interpolation = CT_IMAGE_BICUBIC)), arg, "interpolation 3 is not possible");
    REFUSES(ct_image_rotate(x, 1, ROTATE(.center = (const double[]){nan, 0})), arg, "center (nan, 0)");
    REFUSES(ct_image_rotate(x, 1, ROTATE(.expand = true, .center = (const double[]){1e300, 0})), arg, "expand: the turned picture would be");
    REFUSES(ct_image_affine(x, AFFINE(.scale = -1)), arg, "scale -1");
    REFUSES(ct_image_affine(x, AFFINE(.fill = ct_some_f64(nan))), arg, "fill is nan");
    REFUSES(ct_image_erase(x, 0, 0, 5, 1, ct_zeros(CT_SHAPE(1), CT_F32)), arg, "a window of 5 x 1 at (0, 0) does not lie inside 4 x 5");
    REFUSES(ct_image_erase(x, 0, 0, 1, 1, u8), CT_ERR_DTYPE, "value has not the picture's dtype");
    REFUSES(ct_image_erase(x, 0, 0, 1, 1, NULL), arg, "value is NULL");
}
END_TEST

START_TEST(numbers_far_out_of_range_are_no_crash) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 4, 5), CT_F32, NULL), *odd = ct_from_data((const float[]){NAN, INFINITY, -INFINITY}, CT_SHAPE(3, 1, 1), CT_F32);
    ck_assert_ptr_nonnull(ct_image_affine(x, AFFINE(.scale = 1e-300, .translate = {1e300, -1e300})));
    ck_assert_ptr_nonnull(ct_image_affine(x, AFFINE(.shear = {90, 90}, .interpolation = CT_IMAGE_BILINEAR)));
    ck_values(ct_image_to_dtype(odd, CT_U8), 0, 255, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].run != run_pad_reflect && cases[i].run != run_pad_symmetric && cases[i].run != run_pad_edge && cases[i].run != run_blur &&
            cases[i].run != run_blur_sigma && cases[i].run != run_resized_crop && cases[i].run != run_resize_max && cases[i].run != run_resize_longer)
            ck_assert_ptr_nonnull(cases[i].run(odd));
    ck_ok();
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int64_t n = 1;; n++) {
            ct_scope s = ct_scope_begin();
            ct_tensor *x = ct_zeros(CT_SHAPE(3, 9, 11), i % 2 ? CT_F32 : CT_U8);
            ct_memory_fail_at(n);
            ct_tensor *y = cases[i].run(x);
            ct_memory_fail_at(0);
            ck_assert_msg((y != NULL) == ct_ok(), "%s: a picture and an error, or neither", cases[i].name);
            ct_scope_end(s);
            if (ct_ok()) break;
            ck_error(CT_ERR_OUT_OF_MEMORY, "");
        }
}
END_TEST

TEST_LIST = {TEST(functions_give_torchvisions_results), TEST(batches_are_done_picture_by_picture), TEST(views_and_gradients_do_no_harm),
             TEST(what_is_not_possible_is_an_error), TEST(numbers_far_out_of_range_are_no_crash), TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("image_functions")
