/* Transforms draw torchvision's numbers: from the same seed come the same pictures, several in a row (../golden/image/make_transforms.py). */
#include "data/golden.h"

static const char *key_of(const char *format, const char *name, int i) {
    static char key[512];
    snprintf(key, sizeof key, format, name, i);
    return key;
}
static ct_dict *load(const char *name) { return ct_load(key_of(TEST_SOURCE_DIR "/golden/image/%s.safetensors", name, 0), NULL); }

static ct_transform *two_flips(void) { return ct_transform_compose(ct_transform_random_horizontal_flip(0.5), ct_transform_random_vertical_flip(0.5)); }
static ct_transform *choice(void) {
    ct_transform *t[] = {ct_transform_random_crop(9, 9, &(ct_random_crop_options){.padding = 1}), ct_transform_random_horizontal_flip(1),
                         ct_transform_random_vertical_flip(1)};
    return ct_transform_random_choice(t, 3, (const double[]){1, 2, 5});
}

START_TEST(the_same_seed_gives_torchvisions_pictures) {
    ct_dict *golden = load("transforms");
    ct_dict *functions = load("functions");
    ct_tensor *x = ct_dict_get(functions, "input.f32");
    const ct_image_interpolation bilinear = CT_IMAGE_BILINEAR;
    const double values[] = {0.1, 0.2, 0.3};
    struct { const char *name; ct_transform *t; } rows[] = {
        {"crop_pad", ct_transform_random_crop(6, 11, &(ct_random_crop_options){.padding = 1})},
        {"crop_needed", ct_transform_random_crop(12, 5, &(ct_random_crop_options){.pad_if_needed = true, .padding_mode = CT_IMAGE_PAD_EDGE})},
        {"resized_crop", ct_transform_random_resized_crop(6, 5, NULL)},
        {"resized_crop_narrow", ct_transform_random_resized_crop(6, 5, &(ct_random_resized_crop_options){.scale_min = 0.9, .scale_max = 1, .ratio_min = 3,
                                    .ratio_max = 4, .interpolation = CT_IMAGE_NEAREST, .no_antialias = true})},
        {"hflip", ct_transform_random_horizontal_flip(0.5)},
        {"vflip", ct_transform_random_vertical_flip(0.7)},
        {"rotation", ct_transform_random_rotation(40, &(ct_random_rotation_options){.interpolation = bilinear})},
        {"rotation_expand", ct_transform_random_rotation(40, &(ct_random_rotation_options){.interpolation = bilinear, .expand = true, .fill = 0.5})},
        {"rotation_center", ct_transform_random_rotation(40, &(ct_random_rotation_options){.interpolation = bilinear, .center = (const double[]){1, 2}})},
        {"affine", ct_transform_random_affine(20, &(ct_random_affine_options){.translate = {0.2, 0.3}, .scale_min = 0.7, .scale_max = 1.4, .shear_x = {-10, 10},
                                                                             .interpolation = bilinear})},
        {"affine_shear", ct_transform_random_affine(5, &(ct_random_affine_options){.shear_x = {1, 9}, .shear_y = {-20, -3}, .interpolation = bilinear,
                                                                                  .fill = 0.25, .center = (const double[]){0, 1}})},
        {"shift", ct_transform_random_affine(0, &(ct_random_affine_options){.translate = {0.3, 0.3}})},
        {"shift", ct_transform_random_shift(0.3, 0.3, NULL)},
        {"jitter", ct_transform_color_jitter(&(ct_color_jitter_options){.brightness = 0.4, .contrast = 0.5, .saturation = 0.6, .hue = 0.2})},
        {"jitter_some", ct_transform_color_jitter(&(ct_color_jitter_options){.contrast_range = (const double[]){1.5, 2},
                                                                                .hue_range = (const double[]){-0.3, -0.1}})},
        {"random_gray", ct_transform_random_grayscale(0.5)},
        {"blur", ct_transform_gaussian_blur(5, NULL)},
        {"erasing", ct_transform_random_erasing(&(ct_random_erasing_options){.p = ct_some_f64(0.8)})},
        {"erasing_values", ct_transform_random_erasing(&(ct_random_erasing_options){.p = ct_some_f64(1), .scale_min = 0.1, .scale_max = 0.6, .ratio_min = 0.5,
                               .ratio_max = 2, .values = values, .num_values = 3})},
        {"erasing_random", ct_transform_random_erasing(&(ct_random_erasing_options){.p = ct_some_f64(1), .scale_min = 0.2, .scale_max = 0.5, .random = true})},
        {"apply", ct_transform_random_apply(two_flips(), 0.6)},
        {"choice", choice()}};
    ck_ok();
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        ct_generator *g = ct_generator_new(11);
        for (int i = 0; i < 4; i++) {
            ck_stored(ct_transform_apply(rows[r].t, x, g), golden, key_of("%s.%d", rows[r].name, i), 3e-6);
        }
        ct_generator_free(g);
        ct_transform_free(rows[r].t);
    }
}
END_TEST

START_TEST(rand_augment_is_torchvisions) {
    ct_dict *golden = load("transforms");
    ct_tensor *x = ct_dict_get(load("functions"), "input.u8");
    ct_transform *t = ct_transform_rand_augment(NULL);
    ct_generator *g = ct_generator_new(5);
    for (int i = 0; i < 24; i++) ck_stored(ct_transform_apply(t, x, g), golden, key_of("%s.%d", "rand_augment", i), 0);
    ct_transform_free(t);
    ct_generator_free(g);
}
END_TEST

START_TEST(mixup_and_cutmix_are_torchvisions) {
    ct_dict *golden = load("transforms");
    static const struct {
        const char *name;
        ct_status (*mix)(ct_tensor **, ct_tensor **, int64_t, ct_generator *, const ct_mixup_options *);
        double alpha;
    } rows[] = {
        {"mixup", ct_mixup, 0}, {"mixup_low", ct_mixup, 0.2}, {"cutmix", ct_cutmix, 0}, {"cutmix_high", ct_cutmix, 3}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        ct_generator *g = ct_generator_new(9);
        ct_mixup_options o = {.alpha = ct_some_f64(rows[r].alpha)};
        for (int i = 0; i < 3; i++) {
            ct_tensor *x = ct_dict_get(golden, "batch"), *y = ct_dict_get(golden, "labels");
            ck_assert_int_eq(rows[r].mix(&x, &y, 3, g, rows[r].alpha > 0 ? &o : NULL), CT_OK);
            ck_stored(x, golden, key_of("%s.%d.x", rows[r].name, i), 1e-6);
            ck_stored(y, golden, key_of("%s.%d.y", rows[r].name, i), 1e-6);
        }
        ct_generator_free(g);
    }
}
END_TEST

TEST_LIST = {TEST(the_same_seed_gives_torchvisions_pictures), TEST(rand_augment_is_torchvisions), TEST(mixup_and_cutmix_are_torchvisions)};
TEST_MAIN("transform_golden")
