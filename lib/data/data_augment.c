/*
 * data_augment.c: random crop, shift and rotation.
 *
 * All work on the last two dims; what is ahead of them are planes. The draws are torchvision's, one by one, so that a generator in the same state gives the
 * same picture: torch.randint of a small range is 32 bits modulo the range, torch.empty(1).uniform_ one f32.
 */
#include "data/data_impl.h"

#include "base/vec.h"
#include "core/generator.h"
#include <math.h>
#include <string.h>

/* A picture seen as planes, dense. */
typedef struct planes {
    ct_tensor *t; /* a reference */
    int64_t n, height, width;
    size_t size; /* of an element */
} planes;

static ct_status planes_open(planes *p, const char *fn, ct_tensor *image) {
    ct__shape_text text;
    if (image->ndim < 2 || image->numel == 0)
        return ct__fail(CT_ERR_SHAPE, "%s: the image is %s, it must be [..., H, W] and not empty", fn,
                        ct__shape_str(&text, image->sizes, image->ndim));
    if (image->dtype != CT_F32 && image->dtype != CT_U8)
        return ct__fail(CT_ERR_DTYPE, "%s: the image is %s, it must be float32 or uint8", fn, ct_dtype_name(image->dtype));
    *p = (planes){.height = image->sizes[image->ndim - 2], .width = image->sizes[image->ndim - 1], .size = ct_dtype_size(image->dtype)};
    p->n = image->numel / (p->height * p->width);
    p->t = ct__data_dense(image);
    return ct__pending();
}

/* A new tensor with the planes of p, each height x width; in the innermost scope. */
static ct_tensor *planes_like(const planes *p, const char *fn, int64_t height, int64_t width) {
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, p->t->sizes, sizeof sizes);
    sizes[p->t->ndim - 2] = height;
    sizes[p->t->ndim - 1] = width;
    return ct__scope_give(ct__new(fn, sizes, p->t->ndim, p->t->dtype));
}

/* The fill value as an element. */
typedef union element {
    float f;
    unsigned char bytes[sizeof(float)];
} element;
static element fill_element(double fill, ct_dtype dtype) {
    element e = {0};
    if (dtype == CT_F32) e.f = (float)fill;
    else e.bytes[0] = (unsigned char)(fill < 0 ? 0 : fill > 255 ? 255 : fill);
    return e;
}

static int64_t draw_below(ct_generator *g, int64_t range) {
    g = ct__generator_lock(g);
    uint64_t draw = range < (1 << 28) ? ct__draw32(g) : ct__draw64(g);
    ct__generator_unlock(g);
    return (int64_t)(draw % (uint64_t)range);
}

static double draw_uniform(ct_generator *g, double low, double high) {
    g = ct__generator_lock(g);
    float u = ct__draw_f32(g), a = (float)low, b = (float)high;
    ct__generator_unlock(g);
    return fmaf(u, b - a, a);
}

/* ---- Random crop ---- */

static const char crop_fn[] = "ct_transform_random_crop";

typedef struct crop {
    int64_t height, width;
    ct_random_crop_options o;
} crop;

/* The index in 0 .. n - 1 that i stands for in a picture padded by this mode; -1: the fill value. */
static int64_t unpad(int64_t i, int64_t n, ct_image_padding mode) {
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case CT_IMAGE_PAD_EDGE: return i < 0 ? 0 : n - 1;
    case CT_IMAGE_PAD_REFLECT: return i < 0 ? -i : 2 * (n - 1) - i;
    case CT_IMAGE_PAD_SYMMETRIC: return i < 0 ? -i - 1 : 2 * n - 1 - i;
    default: return -1;
    }
}

/* One axis: the padding around it, and whether a mirror is wide enough for it. */
typedef struct axis {
    int64_t n, pad, extra, size; /* the picture, .padding, what pad_if_needed adds outside of it, the crop */
} axis;

static ct_status axis_init(axis *a, const crop *c, int64_t n, int64_t size, const char *name) {
    *a = (axis){.n = n, .pad = c->o.padding, .size = size};
    int64_t padded = n + 2 * a->pad; /* padding is at most 2^30, n what fits in memory */
    if (c->o.pad_if_needed && padded < size) a->extra = size - padded;
    if (padded + 2 * a->extra < size)
        return ct__fail(CT_ERR_SHAPE, "%s: a crop of %s %lld does not fit into a picture of %lld (%lld with padding)", crop_fn, name,
                        (long long)size, (long long)n, (long long)padded);
    int64_t most = c->o.padding_mode == CT_IMAGE_PAD_REFLECT ? 1 : 0;
    if (c->o.padding_mode >= CT_IMAGE_PAD_REFLECT && (a->pad > n - most || a->extra > padded - most))
        return ct__fail(CT_ERR_SHAPE, "%s: a mirrored padding of %lld and %lld is more than the picture's %s of %lld can give", crop_fn,
                        (long long)a->pad, (long long)a->extra, name, (long long)n);
    return CT_OK;
}

static int64_t axis_room(const axis *a) { return a->n + 2 * (a->pad + a->extra) - a->size + 1; } /* how many places there are */

/* Where element i of the crop at `start` comes from; -1: outside. Padded twice, so unpadded twice. */
static int64_t axis_source(const axis *a, int64_t start, int64_t i, ct_image_padding mode) {
    int64_t at = unpad(start + i - a->extra, a->n + 2 * a->pad, mode);
    return at < 0 ? -1 : unpad(at - a->pad, a->n, mode);
}

static ct_tensor *crop_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const crop *c = ct_transform_state(t);
    planes p;
    axis rows, columns;
    CT__TRY_NULL(planes_open(&p, crop_fn, image));
    ct_tensor *out = NULL;
    if (axis_init(&rows, c, p.height, c->height, "height") != CT_OK || axis_init(&columns, c, p.width, c->width, "width") != CT_OK ||
        !(out = planes_like(&p, crop_fn, c->height, c->width)))
        goto done;

    int64_t y0 = 0, x0 = 0;
    if (axis_room(&rows) > 1 || axis_room(&columns) > 1) { /* torchvision draws nothing where there is no choice at all */
        y0 = draw_below(g, axis_room(&rows));
        x0 = draw_below(g, axis_room(&columns));
    }
    element fill = fill_element(c->o.fill, p.t->dtype);
    const char *in = ct__ptr(p.t);
    char *to = ct__ptr(out);
    for (int64_t plane = 0; plane < p.n; plane++, in += (size_t)(p.height * p.width) * p.size)
        for (int64_t y = 0; y < c->height; y++) {
            int64_t from_y = axis_source(&rows, y0, y, c->o.padding_mode);
            const char *row = from_y < 0 ? NULL : in + (size_t)(from_y * p.width) * p.size;
            for (int64_t x = 0; x < c->width; x++, to += p.size) {
                int64_t from_x = axis_source(&columns, x0, x, c->o.padding_mode);
                memcpy(to, row && from_x >= 0 ? row + (size_t)from_x * p.size : (const char *)fill.bytes, p.size);
            }
        }
done:
    ct_release(p.t);
    return out;
}

static ct_status crop_init(ct_transform *t, const void *arg) {
    memcpy(ct_transform_state(t), arg, sizeof(crop));
    return CT_OK;
}

static const ct_transform_class crop_class = {.name = "random_crop", .state_size = sizeof(crop), .init = crop_init, .apply = crop_apply};

ct_transform *ct_transform_random_crop(int64_t height, int64_t width, const ct_random_crop_options *options) {
    crop c = {.height = height, .width = width, .o = options ? *options : (ct_random_crop_options){0}};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(crop_fn, options));
    if (height < 1 || width < 1 || c.o.padding < 0 || c.o.padding > 1 << 30 || (int)c.o.padding_mode < 0 ||
        c.o.padding_mode > CT_IMAGE_PAD_SYMMETRIC || !isfinite(c.o.fill)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a crop of %lld x %lld, padding %lld, mode %d, fill %g is not possible", crop_fn,
                 (long long)height, (long long)width, (long long)c.o.padding, (int)c.o.padding_mode, c.o.fill);
        return NULL;
    }
    return ct_transform_new(&crop_class, &c);
}

/* ---- Random shift ---- */

static const char shift_fn[] = "ct_transform_random_shift";

typedef struct shift {
    double x, y, fill;
} shift;

static ct_tensor *shift_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const shift *s = ct_transform_state(t);
    planes p;
    CT__TRY_NULL(planes_open(&p, shift_fn, image));
    ct_tensor *out = planes_like(&p, shift_fn, p.height, p.width);
    if (!out) goto done;
    (void)draw_uniform(g, 0, 0); /* RandomAffine's angle */
    double most_x = s->x * (double)p.width, most_y = s->y * (double)p.height;
    int64_t dx = (int64_t)rint(draw_uniform(g, -most_x, most_x)), dy = (int64_t)rint(draw_uniform(g, -most_y, most_y));
    element fill = fill_element(s->fill, p.t->dtype);
    const char *in = ct__ptr(p.t);
    char *to = ct__ptr(out);
    for (int64_t plane = 0; plane < p.n; plane++, in += (size_t)(p.height * p.width) * p.size)
        for (int64_t y = 0; y < p.height; y++)
            for (int64_t x = 0; x < p.width; x++, to += p.size) {
                bool inside = y - dy >= 0 && y - dy < p.height && x - dx >= 0 && x - dx < p.width;
                memcpy(to, inside ? in + (size_t)((y - dy) * p.width + x - dx) * p.size : (const char *)fill.bytes, p.size);
            }
done:
    ct_release(p.t);
    return out;
}

static ct_status shift_init(ct_transform *t, const void *arg) {
    memcpy(ct_transform_state(t), arg, sizeof(shift));
    return CT_OK;
}

static const ct_transform_class shift_class = {.name = "random_shift", .state_size = sizeof(shift), .init = shift_init, .apply = shift_apply};

ct_transform *ct_transform_random_shift(double x, double y, const ct_random_shift_options *options) {
    shift s = {.x = x, .y = y, .fill = options ? options->fill : 0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(shift_fn, options));
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1) || !isfinite(s.fill)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: x %g and y %g must be between 0 and 1, fill %g finite", shift_fn, x, y, s.fill);
        return NULL;
    }
    return ct_transform_new(&shift_class, &s);
}

/* ---- Random rotation ---- */

static const char rotation_fn[] = "ct_transform_random_rotation";

typedef struct rotation {
    double degrees;
    ct_random_rotation_options o;
} rotation;

static float load(const planes *p, int64_t plane, int64_t y, int64_t x) {
    const char *at = ct__ptr(p->t) + (size_t)((plane * p->height + y) * p->width + x) * p->size;
    return p->t->dtype == CT_F32 ? *(const float *)(const void *)at : (float)*(const unsigned char *)at;
}

static void store(char *to, ct_dtype dtype, float v) {
    if (dtype == CT_F32) *(float *)(void *)to = v;
    else *(unsigned char *)to = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : rintf(v));
}

static bool is_inside(const planes *p, float y, float x) { return y >= 0 && y < (float)p->height && x >= 0 && x < (float)p->width; }

/* The picture at (y, x), as grid_sample reads it; *inside is how much of that lies in the picture. */
static float sample(const planes *p, int64_t plane, float y, float x, ct_image_interpolation mode, float *inside) {
    *inside = 0;
    float value = 0;
    if (mode == CT_IMAGE_NEAREST) {
        y = nearbyintf(y);
        x = nearbyintf(x);
        if (!is_inside(p, y, x)) return 0;
        *inside = 1;
        return load(p, plane, (int64_t)y, (int64_t)x);
    }
    float y0 = floorf(y), x0 = floorf(x);
    for (int corner = 0; corner < 4; corner++) { /* north west, north east, south west, south east */
        float cy = y0 + (float)(corner / 2), cx = x0 + (float)(corner % 2);
        float weight = (corner % 2 ? x - x0 : x0 + 1 - x) * (corner / 2 ? y - y0 : y0 + 1 - y);
        if (!is_inside(p, cy, cx)) continue;
        value += load(p, plane, (int64_t)cy, (int64_t)cx) * weight;
        *inside += weight;
    }
    return value;
}

static ct_tensor *rotation_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const rotation *r = ct_transform_state(t);
    planes p;
    CT__TRY_NULL(planes_open(&p, rotation_fn, image));
    ct_tensor *out = planes_like(&p, rotation_fn, p.height, p.width);
    if (!out) goto done;

    /* torchvision's affine_grid and grid_sample without align_corners, in f32 as there: pixel centres from -w/2 + 0.5, turned, scaled to
     * -1 .. 1, and back to pixels */
    double angle = -draw_uniform(g, -r->degrees, r->degrees) * (3.14159265358979323846 / 180);
    float cosine = (float)cos(angle), sine = (float)sin(angle), half_w = 0.5f * (float)p.width, half_h = 0.5f * (float)p.height;
    float fill = (float)r->o.fill;
    char *to = ct__ptr(out);
    for (int64_t plane = 0; plane < p.n; plane++)
        for (int64_t y = 0; y < p.height; y++)
            for (int64_t x = 0; x < p.width; x++, to += p.size) {
                float bx = (float)x + 0.5f - half_w, by = (float)y + 0.5f - half_h;
                float gx = bx * (cosine / half_w) + by * (sine / half_w), gy = bx * (-sine / half_h) + by * (cosine / half_h);
                float sx = ((gx + 1) * (float)p.width - 1) / 2, sy = ((gy + 1) * (float)p.height - 1) / 2, inside;
                float v = sample(&p, plane, sy, sx, r->o.interpolation, &inside);
                if (r->o.interpolation == CT_IMAGE_BILINEAR) v = v * inside + (1 - inside) * fill;
                else if (inside < 0.5f) v = fill;
                store(to, p.t->dtype, v);
            }
done:
    ct_release(p.t);
    return out;
}

static ct_status rotation_init(ct_transform *t, const void *arg) {
    memcpy(ct_transform_state(t), arg, sizeof(rotation));
    return CT_OK;
}

static const ct_transform_class rotation_class = {
    .name = "random_rotation", .state_size = sizeof(rotation), .init = rotation_init, .apply = rotation_apply};

ct_transform *ct_transform_random_rotation(double degrees, const ct_random_rotation_options *options) {
    rotation r = {.degrees = degrees, .o = options ? *options : (ct_random_rotation_options){0}};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(rotation_fn, options));
    if (!(degrees >= 0 && isfinite(degrees)) || !isfinite(r.o.fill) ||
        (r.o.interpolation != CT_IMAGE_NEAREST && r.o.interpolation != CT_IMAGE_BILINEAR)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: degrees %g, fill %g or interpolation %d is not possible", rotation_fn, degrees, r.o.fill,
                 (int)r.o.interpolation);
        return NULL;
    }
    return ct_transform_new(&rotation_class, &r);
}
