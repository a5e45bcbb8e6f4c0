/*
 * data_transform_geometry.c: transforms that move pixels: each draws numbers as torchvision does and calls the function of pictures. What is drawn
 * for an angle is one f32; a place is 32 bits modulo the range.
 */
#include "data/data_planes.h"

#include <math.h>
#include <string.h>

enum { MAX_SIDE = 1 << 30 };

/* Two numbers that a caller's pointer gave, kept in the state. */
typedef struct centre {
    bool given;
    double at[2];
} centre;

static centre copy_centre(const double *from) { return from ? (centre){true, {from[0], from[1]}} : (centre){0}; }
static const double *centre_at(const centre *c) { return c->given ? c->at : NULL; }

static ct_status check_size(const char *fn, int64_t height, int64_t width) {
    if (height >= 1 && width >= 1 && height <= MAX_SIDE && width <= MAX_SIDE) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a size of %lld x %lld is not possible", fn, (long long)height, (long long)width);
}

/* ---- Resize, center crop, pad ---- */

typedef struct resize {
    int64_t height, width; /* width -1: height is the shorter side's */
    bool crop;
    ct_image_resize_options o;
} resize;

static ct_tensor *resize_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const resize *r = ct_transform_state(t);
    (void)g;
    if (r->crop) return ct_image_center_crop(image, r->height, r->width);
    return r->width < 0 ? ct_image_resize_shorter(image, r->height, &r->o) : ct_image_resize(image, r->height, r->width, &r->o);
}

static const ct_transform_class resize_class = {.name = "resize", .state_size = sizeof(resize), .init = ct__transform_copy_state, .apply = resize_apply};
static const ct_transform_class center_crop_class = {
    .name = "center_crop", .state_size = sizeof(resize), .init = ct__transform_copy_state, .apply = resize_apply};

static ct_transform *resize_new(const char *fn, const resize *r, const ct_image_resize_options *options) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    if (r->o.max_size < 0 || r->o.max_size > MAX_SIDE || (int)r->o.interpolation < 0 || r->o.interpolation > CT_IMAGE_NEAREST_EXACT ||
        (r->width >= 0 && r->o.max_size) || (r->width < 0 && r->o.max_size && r->o.max_size <= r->height)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: interpolation %d or max_size %lld is not possible", fn, (int)r->o.interpolation, (long long)r->o.max_size);
        return NULL;
    }
    if (r->width < 0) CT__TRY_NULL(check_size(fn, r->height == 0 && r->o.max_size ? 1 : r->height, 1));
    else CT__TRY_NULL(check_size(fn, r->height, r->width));
    return ct_transform_new(r->crop ? &center_crop_class : &resize_class, r);
}

ct_transform *ct_transform_resize(int64_t height, int64_t width, const ct_image_resize_options *options) {
    resize r = {.height = height, .width = width < 0 ? 0 : width, .o = options ? *options : (ct_image_resize_options){0}};
    return resize_new("ct_transform_resize", &r, options);
}
ct_transform *ct_transform_resize_shorter(int64_t size, const ct_image_resize_options *options) {
    resize r = {.height = size, .width = -1, .o = options ? *options : (ct_image_resize_options){0}};
    return resize_new("ct_transform_resize_shorter", &r, options);
}
ct_transform *ct_transform_center_crop(int64_t height, int64_t width) {
    return resize_new("ct_transform_center_crop", &(resize){.height = height, .width = width < 0 ? 0 : width, .crop = true}, NULL);
}

typedef struct pad {
    int64_t side[4];
    ct_image_pad_options o;
} pad;

static ct_tensor *pad_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const pad *p = ct_transform_state(t);
    (void)g;
    return ct_image_pad(image, p->side[0], p->side[1], p->side[2], p->side[3], &p->o);
}

static const ct_transform_class pad_class = {.name = "pad", .state_size = sizeof(pad), .init = ct__transform_copy_state, .apply = pad_apply};

ct_transform *ct_transform_pad(int64_t left, int64_t top, int64_t right, int64_t bottom, const ct_image_pad_options *options) {
    static const char fn[] = "ct_transform_pad";
    pad p = {.side = {left, top, right, bottom}, .o = options ? *options : (ct_image_pad_options){0}};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(ct__check_padding(fn, p.o.fill, p.o.padding_mode));
    for (int i = 0; i < 4; i++)
        if (p.side[i] < 0 || p.side[i] > MAX_SIDE) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a padding of %lld is not possible", fn, (long long)p.side[i]);
            return NULL;
        }
    return ct_transform_new(&pad_class, &p);
}

/* ---- Flips ---- */

typedef struct flip {
    double p;
    bool vertical;
} flip;

static ct_tensor *flip_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const flip *f = ct_transform_state(t);
    if (!ct__draw_chance(g, f->p)) return image;
    return f->vertical ? ct_image_vertical_flip(image) : ct_image_horizontal_flip(image);
}

static const ct_transform_class horizontal_class = {
    .name = "random_horizontal_flip", .state_size = sizeof(flip), .init = ct__transform_copy_state, .apply = flip_apply};
static const ct_transform_class vertical_class = {
    .name = "random_vertical_flip", .state_size = sizeof(flip), .init = ct__transform_copy_state, .apply = flip_apply};

ct_transform *ct_transform_random_horizontal_flip(double p) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(ct__check_probability("ct_transform_random_horizontal_flip", p));
    return ct_transform_new(&horizontal_class, &(flip){p, false});
}
ct_transform *ct_transform_random_vertical_flip(double p) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(ct__check_probability("ct_transform_random_vertical_flip", p));
    return ct_transform_new(&vertical_class, &(flip){p, true});
}

/* ---- Random crop ---- */

static const char crop_fn[] = "ct_transform_random_crop";

typedef struct crop {
    int64_t size[2]; /* height, width */
    ct_random_crop_options o;
} crop;

/* Where a window of size begins, in the picture's own coordinates; drawn only where there is a choice. *status tells of a picture that is too small. */
static int64_t place(const crop *c, int64_t n, int64_t size, const char *name, ct_generator *g, ct_status *status) {
    int64_t before = c->o.padding, padded = n + 2 * before; /* padding is at most 2^30, n what fits in memory */
    if (c->o.pad_if_needed && padded < size) {
        before += size - padded;
        padded += 2 * (size - padded);
    }
    if (padded >= size) return (padded > size ? ct__draw_one_below(g, padded - size + 1) : 0) - before;
    *status = ct__fail(CT_ERR_SHAPE, "%s: a crop of %s %lld does not fit into a picture of %lld (%lld with padding)", crop_fn, name, (long long)size,
                       (long long)n, (long long)padded);
    return 0;
}

static ct_tensor *crop_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const crop *c = ct_transform_state(t);
    ct__planes p;
    ct_status status = CT_OK;
    CT__TRY_NULL(ct__planes_open(&p, crop_fn, image, 2));
    int64_t top = place(c, p.height, c->size[0], "height", g, &status), left = status == CT_OK ? place(c, p.width, c->size[1], "width", g, &status) : 0;
    ct_tensor *out = NULL;
    if (status == CT_OK)
        out = ct__planes_window(&p, crop_fn, &(ct__window){.top = top, .left = left, .height = c->size[0], .width = c->size[1], .mode = c->o.padding_mode,
                                                           .fill = c->o.fill});
    ct__planes_close(&p);
    return out;
}

static const ct_transform_class crop_class = {.name = "random_crop", .state_size = sizeof(crop), .init = ct__transform_copy_state, .apply = crop_apply};

ct_transform *ct_transform_random_crop(int64_t height, int64_t width, const ct_random_crop_options *options) {
    crop c = {.size = {height, width}, .o = options ? *options : (ct_random_crop_options){0}};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(crop_fn, options));
    CT__TRY_NULL(check_size(crop_fn, height, width));
    CT__TRY_NULL(ct__check_padding(crop_fn, c.o.fill, c.o.padding_mode));
    if (c.o.padding < 0 || c.o.padding > MAX_SIDE) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding %lld is not possible", crop_fn, (long long)c.o.padding);
        return NULL;
    }
    return ct_transform_new(&crop_class, &c);
}

/* ---- Random resized crop ---- */

static const char resized_fn[] = "ct_transform_random_resized_crop";

typedef struct resized {
    int64_t height, width;
    double scale[2], ratio[2];
    float log_ratio[2];
    ct_image_resize_options o;
} resized;

typedef struct place2d {
    int64_t top, left, height, width;
} place2d;

/* torchvision's ten tries, then the largest centred window of a possible shape. */
static place2d draw_window(const resized *r, int64_t height, int64_t width, ct_generator *g) {
    double area = (double)(height * width);
    for (int attempt = 0; attempt < 10; attempt++) {
        double target = area * ct__draw_between(g, r->scale[0], r->scale[1]);
        double ratio = (double)expf((float)ct__draw_between(g, (double)r->log_ratio[0], (double)r->log_ratio[1]));
        int64_t w = (int64_t)rint(sqrt(target * ratio)), h = (int64_t)rint(sqrt(target / ratio));
        if (w < 1 || w > width || h < 1 || h > height) continue;
        int64_t top = ct__draw_one_below(g, height - h + 1);
        return (place2d){top, ct__draw_one_below(g, width - w + 1), h, w};
    }
    place2d all = {0, 0, height, width};
    double shape = (double)width / (double)height;
    if (shape < r->ratio[0]) all.height = ct__max_i64(1, (int64_t)rint((double)width / r->ratio[0]));
    else if (shape > r->ratio[1]) all.width = ct__max_i64(1, (int64_t)rint((double)height * r->ratio[1]));
    all.top = (height - all.height) / 2;
    all.left = (width - all.width) / 2;
    return all;
}

static ct_tensor *resized_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const resized *r = ct_transform_state(t);
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, resized_fn, image, 2));
    place2d at = draw_window(r, p.height, p.width, g);
    ct__planes_close(&p);
    return ct_image_resized_crop(image, at.top, at.left, at.height, at.width, r->height, r->width, &r->o);
}

static const ct_transform_class resized_class = {
    .name = "random_resized_crop", .state_size = sizeof(resized), .init = ct__transform_copy_state, .apply = resized_apply};

ct_transform *ct_transform_random_resized_crop(int64_t height, int64_t width, const ct_random_resized_crop_options *options) {
    ct_random_resized_crop_options o = options ? *options : (ct_random_resized_crop_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(resized_fn, options));
    CT__TRY_NULL(check_size(resized_fn, height, width));
    if (o.scale_min == 0 && o.scale_max == 0) o.scale_min = 0.08, o.scale_max = 1;
    if (o.ratio_min == 0 && o.ratio_max == 0) o.ratio_min = 3.0 / 4, o.ratio_max = 4.0 / 3;
    if (!(o.scale_min >= 0 && o.scale_min <= o.scale_max && o.scale_max <= 1 && o.ratio_min > 0 && o.ratio_min <= o.ratio_max && isfinite(o.ratio_max)) ||
        (int)o.interpolation < 0 || o.interpolation > CT_IMAGE_NEAREST_EXACT) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale %g .. %g, ratio %g .. %g or interpolation %d is not possible", resized_fn, o.scale_min, o.scale_max,
                 o.ratio_min, o.ratio_max, (int)o.interpolation);
        return NULL;
    }
    resized r = {.height = height, .width = width, .scale = {o.scale_min, o.scale_max}, .ratio = {o.ratio_min, o.ratio_max},
                 .log_ratio = {logf((float)o.ratio_min), logf((float)o.ratio_max)}, .o = {.interpolation = o.interpolation, .no_antialias = o.no_antialias}};
    return ct_transform_new(&resized_class, &r);
}

/* ---- Rotation, affine, shift ---- */

typedef struct rotation {
    double degrees;
    centre c;
    ct_random_rotation_options o;
} rotation;

static ct_tensor *rotation_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const rotation *r = ct_transform_state(t);
    double angle = ct__draw_between(g, -r->degrees, r->degrees);
    return ct_image_rotate(image, angle, &(ct_image_rotate_options){.interpolation = r->o.interpolation, .expand = r->o.expand, .center = centre_at(&r->c),
                                                                    .fill = ct_some_f64(r->o.fill)});
}

static const ct_transform_class rotation_class = {
    .name = "random_rotation", .state_size = sizeof(rotation), .init = ct__transform_copy_state, .apply = rotation_apply};

static ct_status check_turn(const char *fn, double degrees, double fill, ct_image_interpolation i, const double *center) {
    CT__TRY(ct__check_center(fn, center));
    if (degrees >= 0 && isfinite(degrees) && isfinite(fill) && (int)i >= 0 && i <= CT_IMAGE_BILINEAR) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: degrees %g, fill %g or interpolation %d is not possible", fn, degrees, fill, (int)i);
}

ct_transform *ct_transform_random_rotation(double degrees, const ct_random_rotation_options *options) {
    static const char fn[] = "ct_transform_random_rotation";
    rotation r = {.degrees = degrees, .o = options ? *options : (ct_random_rotation_options){0}};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(check_turn(fn, degrees, r.o.fill, r.o.interpolation, r.o.center));
    r.c = copy_centre(r.o.center);
    return ct_transform_new(&rotation_class, &r);
}

typedef struct affine {
    double degrees;
    bool translates, scales, shears_x, shears_y;
    centre c;
    ct_random_affine_options o;
} affine;

static ct_tensor *affine_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const affine *a = ct_transform_state(t);
    if (image->ndim < 2) return ct_image_affine(image, NULL); /* which says so */
    ct_image_affine_options o = {.interpolation = a->o.interpolation, .center = centre_at(&a->c), .fill = ct_some_f64(a->o.fill)};
    o.angle = ct__draw_between(g, -a->degrees, a->degrees);
    for (int i = 0; i < 2 && a->translates; i++) {
        double most = a->o.translate[i] * (double)image->sizes[image->ndim - 1 - i];
        o.translate[i] = rint(ct__draw_between(g, -most, most));
    }
    if (a->scales) o.scale = ct__draw_between(g, a->o.scale_min, a->o.scale_max);
    if (a->shears_x) o.shear[0] = ct__draw_between(g, a->o.shear_x[0], a->o.shear_x[1]);
    if (a->shears_y) o.shear[1] = ct__draw_between(g, a->o.shear_y[0], a->o.shear_y[1]);
    return ct_image_affine(image, &o);
}

static const ct_transform_class affine_class = {.name = "random_affine", .state_size = sizeof(affine), .init = ct__transform_copy_state, .apply = affine_apply};
static const ct_transform_class shift_class = {.name = "random_shift", .state_size = sizeof(affine), .init = ct__transform_copy_state, .apply = affine_apply};

static ct_transform *affine_new(const char *fn, const ct_transform_class *cls, double degrees, const ct_random_affine_options *options) {
    affine a = {.degrees = degrees, .o = *options};
    const ct_random_affine_options *o = &a.o;
    CT__TRY_NULL(check_turn(fn, degrees, o->fill, o->interpolation, o->center));
    if (!(o->translate[0] >= 0 && o->translate[0] <= 1 && o->translate[1] >= 0 && o->translate[1] <= 1)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: x %g and y %g must be between 0 and 1", fn, o->translate[0], o->translate[1]);
        return NULL;
    }
    a.scales = o->scale_min != 0 || o->scale_max != 0;
    a.shears_y = o->shear_y[0] != 0 || o->shear_y[1] != 0;
    a.shears_x = a.shears_y || o->shear_x[0] != 0 || o->shear_x[1] != 0;
    a.translates = o->translate[0] != 0 || o->translate[1] != 0 || cls == &shift_class;
    if ((a.scales && !(o->scale_min > 0 && o->scale_min <= o->scale_max && isfinite(o->scale_max))) ||
        !(o->shear_x[0] <= o->shear_x[1] && o->shear_y[0] <= o->shear_y[1] && isfinite(o->shear_x[0]) && isfinite(o->shear_x[1]) && isfinite(o->shear_y[0]) &&
          isfinite(o->shear_y[1]))) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale %g .. %g or shear %g .. %g, %g .. %g is not possible", fn, o->scale_min, o->scale_max, o->shear_x[0],
                 o->shear_x[1], o->shear_y[0], o->shear_y[1]);
        return NULL;
    }
    a.c = copy_centre(o->center);
    return ct_transform_new(cls, &a);
}

ct_transform *ct_transform_random_affine(double degrees, const ct_random_affine_options *options) {
    static const char fn[] = "ct_transform_random_affine";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    return affine_new(fn, &affine_class, degrees, options ? options : &(ct_random_affine_options){0});
}

ct_transform *ct_transform_random_shift(double x, double y, const ct_random_shift_options *options) {
    static const char fn[] = "ct_transform_random_shift";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    return affine_new(fn, &shift_class, 0, &(ct_random_affine_options){.translate = {x, y}, .fill = options ? options->fill : 0});
}
