/*
 * data_window.c: flips, crops, padding, resizing, erasing: what moves pixels by whole numbers, or leaves it to ct_interpolate.
 *
 * Crops and padding are one thing: a window of the picture that may reach outside.
 *
 *     window column   0 ............ inside.from ......... inside.to ............ width
 *     comes from      column by column, unpad()   memcpy      column by column, unpad()
 */
#include "data/data_planes.h"

#include "base/vec.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_vision.h>
#include <math.h>
#include <string.h>

enum { MAX_PADDING = 1 << 30 };

/* ---- Windows ---- */

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

/* Is the mirror wide enough for a window of size elements from start on? */
static ct_status check_mirror(const char *fn, ct_image_padding mode, int64_t start, int64_t size, int64_t n, const char *name) {
    int64_t before = ct__max_i64(0, -start), after = ct__max_i64(0, start + size - n), most = mode == CT_IMAGE_PAD_REFLECT ? n - 1 : n;
    if (mode < CT_IMAGE_PAD_REFLECT || (before <= most && after <= most)) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: a mirrored padding of %lld and %lld is more than the picture's %s of %lld can give", fn, (long long)before,
                    (long long)after, name, (long long)n);
}

ct_status ct__check_padding(const char *fn, double fill, ct_image_padding mode) {
    if (isfinite(fill) && (int)mode >= 0 && mode <= CT_IMAGE_PAD_SYMMETRIC) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: fill %g or padding mode %d is not possible", fn, fill, (int)mode);
}

/* The fill value as an element. */
typedef union element {
    float f;
    unsigned char bytes[sizeof(float)];
} element;

static element fill_element(double fill, bool u8) {
    element e = {0};
    if (!u8) e.f = (float)fill;
    else e.bytes[0] = (unsigned char)(fill < 0 ? 0 : fill > 255 ? 255 : fill);
    return e;
}

/* One row of a window; row NULL: all of it is fill. [from, to) are the columns that lie inside. */
static void window_row(const ct__planes *p, const ct__window *w, const char *row, int64_t from, int64_t to, element fill, char *out) {
    for (int64_t x = 0; x < w->width; x++) {
        if (x == from && row && to > from) {
            memcpy(out + (size_t)x * p->size, row + (size_t)(w->left + x) * p->size, (size_t)(to - from) * p->size);
            x = to - 1;
            continue;
        }
        int64_t at = row ? unpad(w->left + x, p->width, w->mode) : -1;
        const char *source = at < 0 ? (const char *)fill.bytes : row + (size_t)at * p->size;
        if (p->u8) out[x] = *source;
        else memcpy(out + (size_t)x * sizeof(float), source, sizeof(float));
    }
}

ct_tensor *ct__planes_window(const ct__planes *p, const char *fn, const ct__window *w) {
    CT__TRY_NULL(check_mirror(fn, w->mode, w->top, w->height, p->height, "height"));
    CT__TRY_NULL(check_mirror(fn, w->mode, w->left, w->width, p->width, "width"));
    ct_tensor *out = ct__planes_like(p, fn, p->channels, w->height, w->width);
    if (!out) return NULL;
    element fill = fill_element(w->fill, p->u8);
    int64_t from = ct__max_i64(0, -w->left), to = ct__min_i64(w->width, p->width - w->left);
    char *row_out = ct__ptr(out);
    for (int64_t plane = 0; plane < p->n; plane++)
        for (int64_t y = 0; y < w->height; y++, row_out += (size_t)w->width * p->size) {
            int64_t at = unpad(w->top + y, p->height, w->mode);
            window_row(p, w, at < 0 ? NULL : p->data + (size_t)((plane * p->height + at) * p->width) * p->size, from, to, fill, row_out);
        }
    return out;
}

static ct_status check_window(const char *fn, int64_t top, int64_t left, int64_t height, int64_t width) {
    if (height >= 1 && width >= 1 && height <= MAX_PADDING && width <= MAX_PADDING && top >= -MAX_PADDING && top <= MAX_PADDING && left >= -MAX_PADDING &&
        left <= MAX_PADDING)
        return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a window of %lld x %lld at (%lld, %lld) is not possible", fn, (long long)height, (long long)width,
                    (long long)top, (long long)left);
}

static ct_tensor *window(const char *fn, const ct_tensor *image, const ct__window *w) {
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_tensor *out = ct__planes_window(&p, fn, w);
    ct__planes_close(&p);
    return out;
}

ct_tensor *ct_image_crop(const ct_tensor *image, int64_t top, int64_t left, int64_t height, int64_t width) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check_window("ct_image_crop", top, left, height, width));
    return window("ct_image_crop", image, &(ct__window){.top = top, .left = left, .height = height, .width = width});
}

ct_tensor *ct_image_pad(const ct_tensor *image, int64_t left, int64_t top, int64_t right, int64_t bottom, const ct_image_pad_options *options) {
    static const char fn[] = "ct_image_pad";
    ct_image_pad_options o = options ? *options : (ct_image_pad_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(ct__check_padding(fn, o.fill, o.padding_mode));
    const int64_t sides[] = {left, top, right, bottom};
    for (int i = 0; i < 4; i++)
        if (sides[i] < 0 || sides[i] > MAX_PADDING) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a padding of %lld is not possible", fn, (long long)sides[i]);
            return NULL;
        }
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_tensor *out = ct__planes_window(&p, fn, &(ct__window){.top = -top, .left = -left, .height = p.height + top + bottom, .width = p.width + left + right,
                                                             .mode = o.padding_mode, .fill = o.fill});
    ct__planes_close(&p);
    return out;
}

/* Where a centred window of size begins in n elements: ahead of the picture where it is larger, with the odd pixel behind it. */
static int64_t centre(int64_t n, int64_t size) { return size > n ? -((size - n) / 2) : (int64_t)rint((double)(n - size) / 2); }

ct_tensor *ct_image_center_crop(const ct_tensor *image, int64_t height, int64_t width) {
    static const char fn[] = "ct_image_center_crop";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check_window(fn, 0, 0, height, width));
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct__window w = {.top = centre(p.height, height), .left = centre(p.width, width), .height = height, .width = width};
    ct_tensor *out = ct__planes_window(&p, fn, &w);
    ct__planes_close(&p);
    return out;
}

/* ---- Flips ---- */

static ct_tensor *flip(const char *fn, const ct_tensor *image, int64_t dim) {
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *out = ct_scope_return(scope, ct_flip(p.t, &dim, 1));
    ct__planes_close(&p);
    return out;
}
ct_tensor *ct_image_horizontal_flip(const ct_tensor *image) { return flip("ct_image_horizontal_flip", image, -1); }
ct_tensor *ct_image_vertical_flip(const ct_tensor *image) { return flip("ct_image_vertical_flip", image, -2); }

/* ---- Resizing ---- */

static ct_status check_resize(const char *fn, const ct_image_resize_options *o) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if (o && ((int)o->interpolation < 0 || o->interpolation > CT_IMAGE_NEAREST_EXACT))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: there is no interpolation %d", fn, (int)o->interpolation);
    if (o && (o->max_size < 0 || o->max_size > MAX_PADDING))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: max_size is %lld", fn, (long long)o->max_size);
    return CT_OK;
}

static ct_tensor *resize_planes(const ct__planes *p, int64_t height, int64_t width, const ct_image_resize_options *o) {
    static const ct_interpolate_mode modes[] = {CT_INTERPOLATE_BILINEAR, CT_INTERPOLATE_NEAREST, CT_INTERPOLATE_BILINEAR, CT_INTERPOLATE_BICUBIC,
                                                CT_INTERPOLATE_NEAREST_EXACT};
    ct_interpolate_mode mode = modes[o ? (int)o->interpolation : 0];
    bool smooth = mode == CT_INTERPOLATE_BILINEAR || mode == CT_INTERPOLATE_BICUBIC;
    int64_t sizes[CT_MAX_NDIM], to[2] = {height, width};
    ct_scope scope = ct_no_grad_begin();
    memcpy(sizes, p->t->sizes, sizeof sizes);
    sizes[p->t->ndim - 2] = height;
    sizes[p->t->ndim - 1] = width;
    ct_tensor *x = ct_reshape(p->t, (const int64_t[]){1, p->n, p->height, p->width}, 4);
    if (height == p->height && width == p->width) x = ct_clone(x);
    else x = ct_interpolate(x, &(ct_interpolate_options){.size_nd = to, .mode = mode, .antialias = smooth && !(o && o->no_antialias)});
    return ct_scope_return(scope, ct_reshape(x, sizes, p->t->ndim));
}

ct_tensor *ct_image_resize(const ct_tensor *image, int64_t height, int64_t width, const ct_image_resize_options *options) {
    static const char fn[] = "ct_image_resize";
    CT__TRY_NULL(check_resize(fn, options));
    CT__TRY_NULL(check_window(fn, 0, 0, height, width));
    if (options && options->max_size) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: max_size is an option of ct_image_resize_shorter: here both sides are given", fn);
        return NULL;
    }
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_tensor *out = resize_planes(&p, height, width, options);
    ct__planes_close(&p);
    return out;
}

ct_tensor *ct_image_resize_shorter(const ct_tensor *image, int64_t size, const ct_image_resize_options *options) {
    static const char fn[] = "ct_image_resize_shorter";
    CT__TRY_NULL(check_resize(fn, options));
    int64_t max = options ? options->max_size : 0;
    if (size < 0 || size > MAX_PADDING || (size == 0 && max == 0) || (max > 0 && max <= size)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: size %lld with max_size %lld is not possible: max_size is larger, and one of them is given", fn, (long long)size,
                 (long long)max);
        return NULL;
    }
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    int64_t shorter = ct__min_i64(p.height, p.width), longer = ct__max_i64(p.height, p.width), to_shorter = size, to_longer = max;
    if (size == 0) to_shorter = (int64_t)((double)(max * shorter) / (double)longer);
    else to_longer = (int64_t)((double)(size * longer) / (double)shorter);
    if (size > 0 && max > 0 && to_longer > max) {
        to_shorter = (int64_t)((double)(max * to_shorter) / (double)to_longer);
        to_longer = max;
    }
    ct_tensor *out = NULL;
    bool upright = p.width <= p.height;
    int64_t height = upright ? to_longer : to_shorter, width = upright ? to_shorter : to_longer;
    if (check_window(fn, 0, 0, height, width) == CT_OK) out = resize_planes(&p, height, width, options);
    ct__planes_close(&p);
    return out;
}

ct_tensor *ct_image_resized_crop(const ct_tensor *image, int64_t top, int64_t left, int64_t height, int64_t width, int64_t to_height, int64_t to_width,
                                 const ct_image_resize_options *options) {
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_image_resize(ct_image_crop(image, top, left, height, width), to_height, to_width, options));
}

/* ---- Erasing ---- */

ct_tensor *ct_image_erase(const ct_tensor *image, int64_t top, int64_t left, int64_t height, int64_t width, ct_tensor *value) {
    static const char fn[] = "ct_image_erase";
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 3));
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *out = NULL;
    if (!value || value->dtype != p.t->dtype) {
        ct__fail(value ? CT_ERR_DTYPE : CT_ERR_INVALID_ARGUMENT, "%s: value %s", fn, value ? "has not the picture's dtype" : "is NULL");
    } else if (top < 0 || left < 0 || height < 0 || width < 0 || height > p.height || width > p.width || top > p.height - height || left > p.width - width) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a window of %lld x %lld at (%lld, %lld) does not lie inside %lld x %lld", fn, (long long)height,
                 (long long)width, (long long)top, (long long)left, (long long)p.height, (long long)p.width);
    } else if ((out = ct_clone(p.t))) {
        ct_tensor *hole = ct_narrow(ct_narrow(out, -2, top, height), -1, left, width);
        if (hole && hole->numel > 0 && ct_copy_(hole, value) != CT_OK) out = NULL;
    }
    out = ct_scope_return(scope, out);
    ct__planes_close(&p);
    return out;
}
