/*
 * data_transform_color.c: transforms of numbers: gray, colour jitter, blur, dtypes, random erasing. Draws as torchvision's.
 */
#include "data/data_planes.h"

#include "base/vec.h"
#include <ctorch/ops_random.h>
#include <math.h>
#include <string.h>

/* ---- Dtypes and gray ---- */

typedef struct change {
    ct_dtype dtype;
    int channels; /* grayscale; 0: as many as the picture has */
    double p;
} change;

static ct_tensor *tensor_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    (void)t;
    (void)g;
    return ct_image_to_tensor(image);
}
static ct_tensor *dtype_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    (void)g;
    return ct_image_to_dtype(image, ((const change *)ct_transform_state(t))->dtype);
}
static ct_tensor *gray_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    (void)g;
    return ct_image_rgb_to_grayscale(image, ((const change *)ct_transform_state(t))->channels);
}
static ct_tensor *random_gray_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    if (!ct__draw_chance(g, ((const change *)ct_transform_state(t))->p)) return image;
    return ct_image_rgb_to_grayscale(image, image->ndim > 2 && image->sizes[image->ndim - 3] == 1 ? 1 : 3);
}

static const ct_transform_class tensor_class = {.name = "to_tensor", .apply = tensor_apply};
static const ct_transform_class dtype_class = {.name = "to_dtype", .state_size = sizeof(change), .init = ct__transform_copy_state, .apply = dtype_apply};
static const ct_transform_class gray_class = {.name = "grayscale", .state_size = sizeof(change), .init = ct__transform_copy_state, .apply = gray_apply};
static const ct_transform_class random_gray_class = {
    .name = "random_grayscale", .state_size = sizeof(change), .init = ct__transform_copy_state, .apply = random_gray_apply};

ct_transform *ct_transform_to_tensor(void) { return ct_transform_new(&tensor_class, NULL); }

ct_transform *ct_transform_to_dtype(ct_dtype dtype) {
    CT__TRY_NULL(ct__pending());
    if (dtype != CT_F32 && dtype != CT_U8) {
        ct__fail(CT_ERR_DTYPE, "ct_transform_to_dtype: to %s: pictures are float32 or uint8", ct_dtype_name(dtype));
        return NULL;
    }
    return ct_transform_new(&dtype_class, &(change){.dtype = dtype});
}

ct_transform *ct_transform_grayscale(int num_output_channels) {
    CT__TRY_NULL(ct__pending());
    if (num_output_channels != 1 && num_output_channels != 3) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_transform_grayscale: num_output_channels is %d, it must be 1 or 3", num_output_channels);
        return NULL;
    }
    return ct_transform_new(&gray_class, &(change){.channels = num_output_channels});
}

ct_transform *ct_transform_random_grayscale(double p) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(ct__check_probability("ct_transform_random_grayscale", p));
    return ct_transform_new(&random_gray_class, &(change){.p = p});
}

/* ---- Colour jitter ---- */

static const char jitter_fn[] = "ct_transform_color_jitter";

typedef struct jitter {
    struct {
        bool on;
        double low, high;
    } range[4]; /* brightness, contrast, saturation, hue */
} jitter;

static ct_tensor *jitter_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    static ct_tensor *(*const adjust[4])(const ct_tensor *, double) = {ct_image_adjust_brightness, ct_image_adjust_contrast, ct_image_adjust_saturation,
                                                                       ct_image_adjust_hue};
    const jitter *j = ct_transform_state(t);
    int64_t order[4];
    double factor[4];
    ct__permutation(order, 4, g);
    for (int i = 0; i < 4; i++) factor[i] = j->range[i].on ? ct__draw_between(g, j->range[i].low, j->range[i].high) : 0;
    for (int i = 0; i < 4 && image; i++)
        if (j->range[order[i]].on) image = adjust[order[i]](image, factor[order[i]]);
    return image;
}

static const ct_transform_class jitter_class = {.name = "color_jitter", .state_size = sizeof(jitter), .init = ct__transform_copy_state, .apply = jitter_apply};

ct_transform *ct_transform_color_jitter(const ct_color_jitter_options *options) {
    static const char *const names[] = {"brightness", "contrast", "saturation", "hue"};
    ct_color_jitter_options o = options ? *options : (ct_color_jitter_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(jitter_fn, options));
    const double amount[] = {o.brightness, o.contrast, o.saturation, o.hue};
    const double *const given[] = {o.brightness_range, o.contrast_range, o.saturation_range, o.hue_range};
    jitter j = {0};
    for (int i = 0; i < 4; i++) {
        double centre = i < 3 ? 1 : 0, low = centre - amount[i], high = centre + amount[i];
        if (i < 3 && low < 0) low = 0;
        if (given[i]) low = given[i][0], high = given[i][1];
        if (!(amount[i] >= 0 && low <= high && isfinite(high) && low >= (i < 3 ? 0 : -0.5) && (i < 3 || high <= 0.5))) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s from %g to %g is not possible", jitter_fn, names[i], low, high);
            return NULL;
        }
        j.range[i].on = low != centre || high != centre;
        j.range[i].low = low;
        j.range[i].high = high;
    }
    return ct_transform_new(&jitter_class, &j);
}

/* ---- Blur ---- */

typedef struct blur {
    int64_t size[2];
    double low, high;
} blur;

static ct_tensor *blur_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const blur *b = ct_transform_state(t);
    return ct_image_gaussian_blur(image, 1, &(ct_image_gaussian_blur_options){.sigma = ct__draw_between(g, b->low, b->high), .kernel_size_nd = b->size});
}

static const ct_transform_class blur_class = {.name = "gaussian_blur", .state_size = sizeof(blur), .init = ct__transform_copy_state, .apply = blur_apply};

ct_transform *ct_transform_gaussian_blur(int64_t kernel_size, const ct_gaussian_blur_options *options) {
    static const char fn[] = "ct_transform_gaussian_blur";
    ct_gaussian_blur_options o = options ? *options : (ct_gaussian_blur_options){0};
    blur b = {{kernel_size, kernel_size}, o.sigma_min, o.sigma_max};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    if (b.low == 0 && b.high == 0) b.low = 0.1, b.high = 2;
    if (o.kernel_size_nd) memcpy(b.size, o.kernel_size_nd, sizeof b.size);
    if (!(b.low > 0 && b.low <= b.high && isfinite(b.high)) || b.size[0] < 1 || b.size[1] < 1 || b.size[0] % 2 == 0 || b.size[1] % 2 == 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a kernel of %lld x %lld with sigma %g .. %g is not possible: sizes are odd, all are positive", fn,
                 (long long)b.size[0], (long long)b.size[1], b.low, b.high);
        return NULL;
    }
    return ct_transform_new(&blur_class, &b);
}

/* ---- Random erasing ---- */

static const char erasing_fn[] = "ct_transform_random_erasing";
enum { MAX_VALUES = 4 }; /* a picture has no more channels */

typedef struct erasing {
    double p, scale[2], value[MAX_VALUES];
    float log_ratio[2];
    int n; /* values */
    bool random;
} erasing;

/* The value for a window of height x width, [C or 1, 1, 1] or, random, [C, height, width]. */
static ct_tensor *erasing_value(const erasing *e, const ct_tensor *image, int64_t height, int64_t width, ct_generator *g) {
    const int64_t sizes[] = {e->random ? image->sizes[0] : e->n, e->random ? height : 1, e->random ? width : 1};
    ct_tensor *v = ct__scope_give(ct__new(erasing_fn, sizes, 3, image->dtype));
    if (v && e->random && ct_normal_(v, 0, 1, g) != CT_OK) v = NULL;
    for (int i = 0; i < e->n && v && !e->random; i++) {
        double x = e->value[i];
        if (image->dtype == CT_U8) ((unsigned char *)ct__ptr(v))[i] = (unsigned char)(x < 0 ? 0 : x > 255 ? 255 : x);
        else ((float *)(void *)ct__ptr(v))[i] = (float)x;
    }
    return v;
}

static ct_status check_erasing(const erasing *e, const ct_tensor *image) {
    if (image->ndim != 3) {
        ct__shape_text text;
        return ct__fail(CT_ERR_SHAPE, "%s: the image is %s, it must be [C, H, W]", erasing_fn, ct__shape_str(&text, image->sizes, image->ndim));
    }
    if (e->n > 1 && e->n != image->sizes[0])
        return ct__fail(CT_ERR_SHAPE, "%s: %d values for %lld channels", erasing_fn, e->n, (long long)image->sizes[0]);
    if (e->random && image->dtype != CT_F32)
        return ct__fail(CT_ERR_DTYPE, "%s: the image is %s, random values need float32", erasing_fn, ct_dtype_name(image->dtype));
    return CT_OK;
}

static ct_tensor *erasing_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const erasing *e = ct_transform_state(t);
    CT__TRY_NULL(check_erasing(e, image));
    if (!ct__draw_chance(g, e->p)) return image;
    int64_t height = image->sizes[1], width = image->sizes[2];
    for (int attempt = 0; attempt < 10; attempt++) {
        double area = (double)(height * width) * ct__draw_between(g, e->scale[0], e->scale[1]);
        double ratio = (double)expf((float)ct__draw_between(g, (double)e->log_ratio[0], (double)e->log_ratio[1]));
        int64_t h = (int64_t)rint(sqrt(area * ratio)), w = (int64_t)rint(sqrt(area / ratio));
        if (h >= height || w >= width) continue;
        ct_tensor *value = erasing_value(e, image, h, w, g); /* its draws are ahead of the place's */
        int64_t top = ct__draw_one_below(g, height - h + 1), left = ct__draw_one_below(g, width - w + 1);
        return value ? ct_image_erase(image, top, left, h, w, value) : NULL;
    }
    return image;
}

static const ct_transform_class erasing_class = {
    .name = "random_erasing", .state_size = sizeof(erasing), .init = ct__transform_copy_state, .apply = erasing_apply};

ct_transform *ct_transform_random_erasing(const ct_random_erasing_options *options) {
    ct_random_erasing_options o = options ? *options : (ct_random_erasing_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(erasing_fn, options));
    erasing e = {.p = o.p.has ? o.p.value : 0.5, .value = {o.value}, .n = 1, .random = o.random};
    CT__TRY_NULL(ct__check_probability(erasing_fn, e.p));
    if (o.scale_min == 0 && o.scale_max == 0) o.scale_min = 0.02, o.scale_max = 0.33;
    if (o.ratio_min == 0 && o.ratio_max == 0) o.ratio_min = 0.3, o.ratio_max = 3.3;
    if (!(o.scale_min >= 0 && o.scale_min <= o.scale_max && o.scale_max <= 1 && o.ratio_min > 0 && o.ratio_min <= o.ratio_max && isfinite(o.ratio_max)) ||
        o.num_values < 0 || o.num_values > MAX_VALUES || (o.num_values > 0) != (o.values != NULL) || (o.random && (o.values || o.value != 0))) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale %g .. %g, ratio %g .. %g, or %d values%s is not possible", erasing_fn, o.scale_min, o.scale_max,
                 o.ratio_min, o.ratio_max, o.num_values, o.random ? " besides random ones" : "");
        return NULL;
    }
    if (o.num_values) memcpy(e.value, o.values, (size_t)(e.n = o.num_values) * sizeof *e.value);
    for (int i = 0; i < e.n; i++)
        if (!isfinite(e.value[i])) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: value %d is %g", erasing_fn, i, e.value[i]);
            return NULL;
        }
    e.scale[0] = o.scale_min, e.scale[1] = o.scale_max;
    e.log_ratio[0] = logf((float)o.ratio_min), e.log_ratio[1] = logf((float)o.ratio_max);
    return ct_transform_new(&erasing_class, &e);
}
