/*
 * data_rand_augment.c: RandAugment: a few operations of a list of 14, all with one magnitude, which each reads on its own scale.
 */
#include "data/data_planes.h"

#include <math.h>

static const char fn[] = "ct_transform_rand_augment";

typedef struct augment {
    int64_t num_ops, magnitude, bins;
    ct_image_interpolation interpolation;
    ct_opt_f64 fill;
} augment;

/* torchvision's order, which the draw counts on. */
typedef enum operation {
    IDENTITY,
    SHEAR_X,
    SHEAR_Y,
    TRANSLATE_X,
    TRANSLATE_Y,
    ROTATE,
    BRIGHTNESS,
    COLOR,
    CONTRAST,
    SHARPNESS,
    POSTERIZE,
    SOLARIZE,
    AUTOCONTRAST,
    EQUALIZE,
    OPERATIONS
} operation;

static bool is_signed(operation op) { return op >= SHEAR_X && op <= SHARPNESS; }

/* Element i of torch.linspace(from, to, n), which is computed in f32 from the nearer end. */
static double step_of(double from, double to, int64_t n, int64_t i) {
    float a = (float)from, b = (float)to, step = (b - a) / (float)(n - 1);
    return (double)(i < n / 2 ? fmaf(step, (float)i, a) : fmaf(-step, (float)(n - i - 1), b));
}

static double magnitude_of(const augment *a, operation op, const ct_tensor *image) {
    int64_t height = image->sizes[image->ndim - 2], width = image->sizes[image->ndim - 1];
    switch (op) {
    case SHEAR_X:
    case SHEAR_Y: return step_of(0, 0.3, a->bins, a->magnitude);
    case TRANSLATE_X: return step_of(0, 150.0 / 331 * (double)width, a->bins, a->magnitude);
    case TRANSLATE_Y: return step_of(0, 150.0 / 331 * (double)height, a->bins, a->magnitude);
    case ROTATE: return step_of(0, 30, a->bins, a->magnitude);
    case POSTERIZE: return (double)nearbyintf(8 - (float)a->magnitude / (float)((double)(a->bins - 1) / 4));
    case SOLARIZE: return step_of(1, 0, a->bins, a->magnitude);
    case BRIGHTNESS:
    case COLOR:
    case CONTRAST:
    case SHARPNESS: return step_of(0, 0.9, a->bins, a->magnitude);
    default: return 0;
    }
}

static ct_tensor *move(const augment *a, const ct_tensor *image, ct_image_affine_options o) {
    o.interpolation = a->interpolation;
    o.fill = a->fill;
    return ct_image_affine(image, &o);
}

static ct_tensor *perform(const augment *a, operation op, double m, ct_tensor *image) {
    static const double corner[2] = {0, 0};
    double degrees = atan(m) * (180 / 3.14159265358979323846);
    switch (op) {
    case SHEAR_X: return move(a, image, (ct_image_affine_options){.shear = {degrees, 0}, .center = corner});
    case SHEAR_Y: return move(a, image, (ct_image_affine_options){.shear = {0, degrees}, .center = corner});
    case TRANSLATE_X: return move(a, image, (ct_image_affine_options){.translate = {trunc(m), 0}});
    case TRANSLATE_Y: return move(a, image, (ct_image_affine_options){.translate = {0, trunc(m)}});
    case ROTATE: return ct_image_rotate(image, m, &(ct_image_rotate_options){.interpolation = a->interpolation, .fill = a->fill});
    case BRIGHTNESS: return ct_image_adjust_brightness(image, 1 + m);
    case COLOR: return ct_image_adjust_saturation(image, 1 + m);
    case CONTRAST: return ct_image_adjust_contrast(image, 1 + m);
    case SHARPNESS: return ct_image_adjust_sharpness(image, 1 + m);
    case POSTERIZE: return ct_image_posterize(image, (int)m);
    case SOLARIZE: return ct_image_solarize(image, image->dtype == CT_U8 ? 255 * m : m);
    case AUTOCONTRAST: return ct_image_autocontrast(image);
    case EQUALIZE: return ct_image_equalize(image);
    default: return image;
    }
}

static ct_tensor *augment_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const augment *a = ct_transform_state(t);
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 3));
    ct_status status = ct__planes_check_colour(&p, fn);
    ct__planes_close(&p);
    for (int64_t i = 0; i < a->num_ops && image && status == CT_OK; i++) {
        operation op = (operation)ct__draw_one_below(g, OPERATIONS);
        double m = magnitude_of(a, op, image);
        if (is_signed(op) && ct__draw_between(g, 0, 1) <= 0.5) m = -m;
        image = perform(a, op, m, image);
    }
    return status == CT_OK ? image : NULL;
}

static const ct_transform_class augment_class = {
    .name = "rand_augment", .state_size = sizeof(augment), .init = ct__transform_copy_state, .apply = augment_apply};

ct_transform *ct_transform_rand_augment(const ct_rand_augment_options *options) {
    ct_rand_augment_options o = options ? *options : (ct_rand_augment_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    augment a = {.num_ops = o.num_ops.has ? o.num_ops.value : 2, .magnitude = o.magnitude.has ? o.magnitude.value : 9,
                 .bins = o.num_magnitude_bins ? o.num_magnitude_bins : 31, .interpolation = o.interpolation, .fill = o.fill};
    if (a.num_ops < 0 || a.num_ops > 1000 || a.bins < 2 || a.bins > 1 << 20 || a.magnitude < 0 || a.magnitude >= a.bins || (int)o.interpolation < 0 ||
        o.interpolation > CT_IMAGE_BILINEAR || (o.fill.has && !isfinite(o.fill.value))) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld operations of magnitude %lld of %lld, interpolation %d or fill %g is not possible", fn,
                 (long long)a.num_ops, (long long)a.magnitude, (long long)a.bins, (int)o.interpolation, o.fill.value);
        return NULL;
    }
    return ct_transform_new(&augment_class, &a);
}
