/*
 * ctorch/data_transform.h: random transforms of pictures for training, and their deterministic relatives: torchvision.transforms.v2.
 *
 *     ct_transform *augment = ct_transform_compose(ct_transform_random_resized_crop(224, 224, NULL), ct_transform_random_horizontal_flip(0.5),
 *                                                  ct_transform_color_jitter(&(ct_color_jitter_options){.brightness = 0.4, .contrast = 0.4}));
 *
 * Each calls the function of data_image.h of its name with numbers drawn at random. The draws are torchvision's, one by one, so the same
 * generator state gives the same crop, angle and colours. Names and defaults are torchvision's.
 * Reading map: transforms, containers, geometry, colour, whole batches, a transform of one's own.
 */
#ifndef CTORCH_DATA_TRANSFORM_H
#define CTORCH_DATA_TRANSFORM_H

#include <ctorch/data_image.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Transforms -------------------------------------------------------------------------------------------------- */

/*
 * Something that makes a new tensor of a picture, [C, H, W] f32 or u8. Reference-counted. All randomness comes from the generator at the
 * call (NULL: the default one). One transform may be applied on several threads at once.
 */
typedef struct ct_transform ct_transform;
CT_API ct_transform *ct_transform_retain(ct_transform *transform); /* NULL passes through */
CT_API void ct_transform_free(ct_transform *transform);            /* NULL is fine */
CT_API const char *ct_transform_class_name(const ct_transform *transform);
/* The new picture, or image itself where a transform does not act. */
CT_API ct_tensor *ct_transform_apply(ct_transform *transform, ct_tensor *image, ct_generator *generator);

/* ---- Containers ---------------------------------------------------------------------------------------------------- */

/*
 * Several in a row: Compose. One of several, drawn with these probabilities (p NULL: all the same; else n numbers, not negative, any sum):
 * RandomChoice. It takes over the caller's reference to each, on failure too; retain one to keep it. A NULL among them is an error (the call that
 * should have made it failed). The macro takes them as arguments:
 *
 *     ct_transform *t = ct_transform_compose(ct_transform_random_crop(28, 28, &(ct_random_crop_options){.padding = 2}),
 *                                            ct_transform_random_rotation(10, NULL));
 */
CT_API ct_transform *ct_transform_compose_n(ct_transform *const *transforms, int n);
CT_API ct_transform *ct_transform_random_choice(ct_transform *const *transforms, int n, const double *p);
#ifdef __cplusplus
} /* a list evaluates from left to right, in C++ as in C's compound literals */
#define ct_transform_compose(...) ctorch_detail::compose({__VA_ARGS__})
namespace ctorch_detail {
inline ct_transform *compose(std::initializer_list<ct_transform *> l) { return ct_transform_compose_n(l.begin(), (int)l.size()); }
}
extern "C" {
#else
#define ct_transform_compose(...)                             \
    ct_transform_compose_n((ct_transform *[]){__VA_ARGS__}, \
                           (int)(sizeof((ct_transform *[]){__VA_ARGS__}) / sizeof(ct_transform *)))
#endif

/* transform with probability p, else the picture as it is: RandomApply; for several, a Compose of them. It takes over the caller's reference. */
CT_API ct_transform *ct_transform_random_apply(ct_transform *transform, double p);

/* ---- Geometry ------------------------------------------------------------------------------------------------------ */

CT_API ct_transform *ct_transform_resize(int64_t height, int64_t width, const ct_image_resize_options *options);
CT_API ct_transform *ct_transform_resize_shorter(int64_t size, const ct_image_resize_options *options); /* Resize(size) */
CT_API ct_transform *ct_transform_center_crop(int64_t height, int64_t width);
CT_API ct_transform *ct_transform_pad(int64_t left, int64_t top, int64_t right, int64_t bottom, const ct_image_pad_options *options);
CT_API ct_transform *ct_transform_random_horizontal_flip(double p); /* torchvision's default is 0.5 */
CT_API ct_transform *ct_transform_random_vertical_flip(double p);

typedef struct ct_random_crop_options {
    int64_t padding;     /* pixels put around the picture first */
    bool pad_if_needed;  /* and as many more as the crop needs */
    double fill;         /* for CT_IMAGE_PAD_CONSTANT */
    ct_image_padding padding_mode;
    uint64_t reserved[4];
} ct_random_crop_options;

/* A window of height x width at a random place: RandomCrop. An error if the picture is smaller. */
CT_API ct_transform *ct_transform_random_crop(int64_t height, int64_t width, const ct_random_crop_options *options);

/* Ranges: both 0 = the default. */
typedef struct ct_random_resized_crop_options {
    double scale_min, scale_max;          /* of the picture's area; 0.08 to 1 */
    double ratio_min, ratio_max;          /* width / height; 3/4 to 4/3 */
    ct_image_interpolation interpolation; /* default bilinear */
    bool no_antialias;
    uint64_t reserved[4];
} ct_random_resized_crop_options;

/* A window of random area and shape, resized to height x width: RandomResizedCrop. */
CT_API ct_transform *ct_transform_random_resized_crop(int64_t height, int64_t width, const ct_random_resized_crop_options *options);

typedef struct ct_random_shift_options {
    double fill; /* of what comes in from outside */
    uint64_t reserved[4];
} ct_random_shift_options;

/* Moves the picture by a whole number of pixels, at most x times its width and y times its height (0 to 1) each way: RandomAffine(0, translate=(x, y)). */
CT_API ct_transform *ct_transform_random_shift(double x, double y, const ct_random_shift_options *options);

typedef struct ct_random_rotation_options {
    ct_image_interpolation interpolation; /* nearest (the default) or bilinear */
    double fill;
    bool expand;
    const double *center; /* {x, y}; copied */
    uint64_t reserved[4];
} ct_random_rotation_options;

/* Turns the picture by a random angle in -degrees .. degrees: RandomRotation. */
CT_API ct_transform *ct_transform_random_rotation(double degrees, const ct_random_rotation_options *options);

typedef struct ct_random_affine_options {
    double translate[2];         /* at most so many widths and heights each way, 0 to 1; both 0: none */
    double scale_min, scale_max; /* both 0: none */
    double shear_x[2];           /* degrees, from .. to; both 0: none */
    double shear_y[2];           /* drawn only where shear_x or shear_y is not 0 */
    ct_image_interpolation interpolation; /* nearest (the default) or bilinear */
    double fill;
    const double *center; /* {x, y}; copied */
    uint64_t reserved[4];
} ct_random_affine_options;

/* Turns by -degrees .. degrees, moves, scales, shears: RandomAffine. shear_y is drawn only if it is not {0, 0}, as with four numbers there. */
CT_API ct_transform *ct_transform_random_affine(double degrees, const ct_random_affine_options *options);

typedef struct ct_random_erasing_options {
    ct_opt_f64 p;                /* default 0.5 */
    double scale_min, scale_max; /* of the picture's area; both 0 = 0.02 to 0.33 */
    double ratio_min, ratio_max; /* height / width; both 0 = 0.3 to 3.3 */
    double value;
    const double *values; /* one for each channel, which then count; copied */
    int32_t num_values;
    bool random; /* numbers of a normal distribution; f32 pictures only */
    uint64_t reserved[4];
} ct_random_erasing_options;

/* A random rectangle of [C, H, W] is overwritten: RandomErasing. */
CT_API ct_transform *ct_transform_random_erasing(const ct_random_erasing_options *options);

/* ---- Colour -------------------------------------------------------------------------------------------------------- */

/* ct_image_normalize, ct_image_to_tensor, ct_image_to_dtype as transforms: Normalize, ToTensor, ToDtype(scale=True). */
CT_API ct_transform *ct_transform_normalize(const double *mean, const double *std, int n);
CT_API ct_transform *ct_transform_to_tensor(void);
CT_API ct_transform *ct_transform_to_dtype(ct_dtype dtype);

CT_API ct_transform *ct_transform_grayscale(int num_output_channels); /* 1 or 3; torchvision's default is 1 */
CT_API ct_transform *ct_transform_random_grayscale(double p);         /* as many channels as the picture has; torchvision's default is 0.1 */

/* A number b draws a factor from max(0, 1 - b) .. 1 + b, for hue from -b .. b; the pointers from {min, max}, which then count, and are copied. 0 and
 * NULL: left alone. */
typedef struct ct_color_jitter_options {
    double brightness, contrast, saturation, hue;
    const double *brightness_range, *contrast_range, *saturation_range, *hue_range;
    uint64_t reserved[4];
} ct_color_jitter_options;

/* Brightness, contrast, saturation and hue, in a random order: ColorJitter. */
CT_API ct_transform *ct_transform_color_jitter(const ct_color_jitter_options *options);

typedef struct ct_gaussian_blur_options {
    double sigma_min, sigma_max;   /* both 0 = 0.1 to 2 */
    const int64_t *kernel_size_nd; /* {x, y}, which then counts; copied */
    uint64_t reserved[4];
} ct_gaussian_blur_options;

/* A bell of random width: GaussianBlur. */
CT_API ct_transform *ct_transform_gaussian_blur(int64_t kernel_size, const ct_gaussian_blur_options *options);

typedef struct ct_rand_augment_options {
    ct_opt_i64 num_ops;         /* default 2 */
    ct_opt_i64 magnitude;       /* 0 .. bins - 1; default 9 */
    int64_t num_magnitude_bins; /* at least 2; 0 = 31 */
    ct_image_interpolation interpolation; /* nearest (the default) or bilinear */
    ct_opt_f64 fill;
    uint64_t reserved[4];
} ct_rand_augment_options;

/* num_ops of torchvision's 14 (identity, shear, translate, rotate, brightness, color, contrast, sharpness, posterize, solarize, autocontrast,
 * equalize): RandAugment. */
CT_API ct_transform *ct_transform_rand_augment(const ct_rand_augment_options *options);

/* ---- Whole batches --------------------------------------------------------------------------------------------------- */

typedef struct ct_mixup_options {
    ct_opt_f64 alpha; /* of the Beta(alpha, alpha) distribution, above 0; default 1 */
    uint64_t reserved[4];
} ct_mixup_options;

/*
 * Mixes each sample of a batch with its predecessor, the first with the last: *input f32 [N, C, H, W], *target class numbers i64 [N] or probabilities
 * [N, num_classes] (then num_classes may be 0). Both are replaced by new tensors of the innermost scope, the targets by probabilities f32 [N,
 * num_classes], as ct_cross_entropy takes them.
 *
 *   ct_mixup    lambda x + (1 - lambda) predecessor                        MixUp
 *   ct_cutmix   a rectangle of about (1 - lambda) of the area from the predecessor; targets by the area.  CutMix; u8 too
 *
 *     while (ct_loader_next(loader, &batch)) {
 *         ct_scope scope = ct_scope_begin();
 *         ct_mixup(&batch.input, &batch.target, 10, NULL, NULL);
 *         loss = ct_cross_entropy(ct_forward(net, batch.input), batch.target, NULL);
 *         ct_scope_end(scope);
 *     }
 *
 * On an error both pointers are as they were.
 */
CT_API ct_status ct_mixup(ct_tensor **input, ct_tensor **target, int64_t num_classes, ct_generator *generator, const ct_mixup_options *options);
CT_API ct_status ct_cutmix(ct_tensor **input, ct_tensor **target, int64_t num_classes, ct_generator *generator, const ct_mixup_options *options);

/* ---- A transform of one's own -------------------------------------------------------------------------------------- */

/* As ct_dataset_class in data.h. apply returns a tensor of the innermost scope, or NULL with an error raised; it must not change image, and
 * may run on several threads at once. */
typedef struct ct_transform_class {
    const char *name;
    size_t state_size;                                     /* bytes of ct_transform_state, zeroed before init */
    ct_status (*init)(ct_transform *transform, const void *arg); /* or NULL */
    void (*destroy)(ct_transform *transform);              /* or NULL; also called when init failed */
    ct_tensor *(*apply)(ct_transform *transform, ct_tensor *image, ct_generator *generator);
    uint64_t reserved[4];
} ct_transform_class;

CT_API ct_transform *ct_transform_new(const ct_transform_class *cls, const void *arg);
CT_API void *ct_transform_state(const ct_transform *transform); /* NULL for NULL */

#ifdef __cplusplus
}
#endif
#endif
