/*
 * data_affine.c: pictures turned, sheared, scaled, moved.
 *
 * As torchvision does on tensors: affine_grid and grid_sample without align_corners, in f32 as there. A pixel's centre, from the middle of the
 * picture, goes through the matrix, is scaled to -1 .. 1 and back to pixels. What to read is worked out once for each row of the result, then applied
 * to all planes.
 */
#include "data/data_planes.h"

#include "base/vec.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

/*
 * What a pixel of the result is made of: the elements at, at + right, at + down, at + down + right of a plane, all of which exist. What lies outside
 * has weight 0. Nearest: only `at` counts, if anything is inside.
 */
typedef struct tap {
    int64_t at, right, down;
    float weight[4];
    float inside; /* the sum of the weights */
} tap;

typedef struct affine {
    const ct__planes *p;
    float row_x[3], row_y[3]; /* the matrix, scaled to -1 .. 1 */
    int64_t height, width;    /* of the result */
    bool bilinear, filled;
    float fill;
} affine;

/* v rounded down, for a v above -1. */
static int64_t whole(float v) { return v < 0 ? -1 : (int64_t)v; }

static void nearest_tap(const ct__planes *p, float sx, float sy, tap *t) {
    int64_t x = (int64_t)nearbyintf(sx), y = (int64_t)nearbyintf(sy);
    if (x < 0 || y < 0 || x >= p->width || y >= p->height) return;
    t->at = y * p->width + x;
    t->inside = 1;
}

static void bilinear_tap(const ct__planes *p, float sx, float sy, tap *t) {
    int64_t x = whole(sx), y = whole(sy);
    float fx = sx - (float)x, fy = sy - (float)y, west = (float)(x + 1) - sx, north = (float)(y + 1) - sy;
    if (x < 0) west = 0;
    if (y < 0) north = 0;
    if (x + 1 >= p->width) fx = 0;
    if (y + 1 >= p->height) fy = 0;
    const float weight[4] = {west * north, fx * north, west * fy, fx * fy};
    for (int i = 0; i < 4; i++) t->inside += t->weight[i] = weight[i];
    t->right = x >= 0 && x + 1 < p->width;
    t->down = y >= 0 && y + 1 < p->height ? p->width : 0;
    t->at = ct__max_i64(y, 0) * p->width + ct__max_i64(x, 0);
}

static void find_taps(const affine *a, int64_t y, tap *taps) {
    const ct__planes *p = a->p;
    float by = (float)y + 0.5f - 0.5f * (float)a->height;
    for (int64_t x = 0; x < a->width; x++) {
        float bx = (float)x + 0.5f - 0.5f * (float)a->width;
        float gx = bx * a->row_x[0] + by * a->row_x[1] + a->row_x[2], gy = bx * a->row_y[0] + by * a->row_y[1] + a->row_y[2];
        float sx = ((gx + 1) * (float)p->width - 1) / 2, sy = ((gy + 1) * (float)p->height - 1) / 2;
        taps[x] = (tap){.inside = 0};
        if (!(sx > -1 && sy > -1 && sx < (float)p->width && sy < (float)p->height)) continue; /* far outside, or not a number */
        if (a->bilinear) bilinear_tap(p, sx, sy, &taps[x]);
        else nearest_tap(p, sx, sy, &taps[x]);
    }
}

static float load(const char *plane, bool u8, int64_t at) {
    return u8 ? (float)((const unsigned char *)plane)[at] : ((const float *)(const void *)plane)[at];
}

static void put_row(const affine *a, const tap *taps, const char *plane, char *out) {
    bool u8 = a->p->u8;
    for (int64_t x = 0; x < a->width; x++) {
        const tap *t = &taps[x];
        float v = 0;
        if (!a->bilinear) {
            v = t->inside > 0 ? load(plane, u8, t->at) : a->filled ? a->fill : 0;
        } else {
            if (t->inside > 0)
                v = load(plane, u8, t->at) * t->weight[0] + load(plane, u8, t->at + t->right) * t->weight[1] + load(plane, u8, t->at + t->down) * t->weight[2] +
                    load(plane, u8, t->at + t->down + t->right) * t->weight[3];
            if (a->filled) v = (v - a->fill) * t->inside + a->fill;
        }
        if (!u8) ((float *)(void *)out)[x] = v;
        else ((unsigned char *)out)[x] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : nearbyintf(v));
    }
}

ct_tensor *ct__planes_affine(const ct__planes *p, const char *fn, const double m[6], int64_t height, int64_t width, ct_image_interpolation interpolation,
                             ct_opt_f64 fill) {
    affine a = {.p = p, .height = height, .width = width, .bilinear = interpolation == CT_IMAGE_BILINEAR, .filled = fill.has, .fill = (float)fill.value};
    for (int i = 0; i < 3; i++) {
        a.row_x[i] = (float)m[i] / (0.5f * (float)p->width);
        a.row_y[i] = (float)m[3 + i] / (0.5f * (float)p->height);
    }
    ct_tensor *out = ct__planes_like(p, fn, p->channels, height, width);
    tap *taps = out ? ct__alloc_array((size_t)width, sizeof *taps) : NULL;
    if (!taps) return NULL;
    size_t in_bytes = (size_t)(p->height * p->width) * p->size, out_bytes = (size_t)(height * width) * p->size;
    for (int64_t y = 0; y < height; y++) {
        find_taps(&a, y, taps);
        for (int64_t plane = 0; plane < p->n; plane++)
            put_row(&a, taps, p->data + (size_t)plane * in_bytes, ct__ptr(out) + (size_t)plane * out_bytes + (size_t)(y * width) * p->size);
    }
    ct__free(taps);
    return out;
}

/* ---- Matrices ---- */

static double radians(double degrees) { return degrees * (3.14159265358979323846 / 180); }

/*
 * The way back from a pixel of the result, all from the picture's centre: torchvision's
 *
 *     M^-1 = C RSS^-1 C^-1 T^-1        RSS = R(angle) scale SHy(shear y) SHx(shear x)
 *
 * where C moves to the centre of rotation and T is the translation.
 */
static void inverse_matrix(double angle, const double translate[2], double scale, const double shear[2], const double centre[2], double m[6]) {
    double rotation = radians(angle), sx = radians(shear[0]), sy = radians(shear[1]);
    double a = cos(rotation - sy) / cos(sy), b = -(a * tan(sx) + sin(rotation));
    double c = sin(rotation - sy) / cos(sy), d = cos(rotation) - c * tan(sx);
    double x = centre[0] + translate[0], y = centre[1] + translate[1];
    m[0] = d / scale;
    m[1] = -b / scale;
    m[3] = -c / scale;
    m[4] = a / scale;
    m[2] = centre[0] - m[0] * x - m[1] * y;
    m[5] = centre[1] - m[3] * x - m[4] * y;
}

ct_status ct__check_center(const char *fn, const double *center) {
    if (!center || (isfinite(center[0]) && isfinite(center[1]))) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: center (%g, %g) is not finite", fn, center[0], center[1]);
}

static ct_status check_reading(const char *fn, ct_image_interpolation i, const double *center, ct_opt_f64 fill) {
    if ((int)i < 0 || i > CT_IMAGE_BILINEAR)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: interpolation %d is not possible: pictures are turned with the nearest pixel or bilinear", fn, (int)i);
    if (fill.has && !isfinite(fill.value)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: fill is %g", fn, fill.value);
    return ct__check_center(fn, center);
}

/* From the middle of the picture. */
static void centre_of(const ct__planes *p, const double *center, double out[2]) {
    out[0] = center ? center[0] - 0.5 * (double)p->width : 0;
    out[1] = center ? center[1] - 0.5 * (double)p->height : 0;
}

/* ---- Rotation ---- */

/* How large the turned picture is, in f32 and cut to 4 digits as in torchvision, so that a hair's breadth makes no pixel. */
static ct_status expanded_size(const char *fn, const ct__planes *p, const double m[6], int64_t size[2]) {
    float half[2] = {0.5f * (float)p->width, 0.5f * (float)p->height};
    for (int axis = 0; axis < 2; axis++) {
        float low = INFINITY, high = -INFINITY;
        for (int corner = 0; corner < 4; corner++) {
            float x = corner % 2 ? half[0] : -half[0], y = corner / 2 ? half[1] : -half[1];
            float at = x * (float)m[3 * axis] + y * (float)m[3 * axis + 1] + (float)m[3 * axis + 2];
            low = fminf(low, at);
            high = fmaxf(high, at);
        }
        high = ceilf(truncf((high + half[axis]) * 10000.0f) * 1e-4f);
        low = floorf(truncf((low + half[axis]) * 10000.0f) * 1e-4f);
        if (!(high - low >= 1 && high - low < 1 << 30)) /* a centre so far away that f32 cannot tell the corners apart */
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: expand: the turned picture would be %g pixels wide or high", fn, (double)(high - low));
        size[axis] = (int64_t)(high - low);
    }
    return CT_OK;
}

/* Multiples of 90 degrees only move pixels. -1: not one of those. */
static int quarter_turns(const ct__planes *p, double angle, const ct_image_rotate_options *o) {
    if (o->center) return -1;
    if (angle == 0) return 0;
    if (angle == 180) return 2;
    if (!o->expand && p->width != p->height) return -1;
    return angle == 90 ? 1 : angle == 270 ? 3 : -1;
}

ct_tensor *ct_image_rotate(const ct_tensor *image, double angle, const ct_image_rotate_options *options) {
    static const char fn[] = "ct_image_rotate";
    ct_image_rotate_options o = options ? *options : (ct_image_rotate_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(check_reading(fn, o.interpolation, o.center, o.fill));
    if (!isfinite(angle)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: angle is %g", fn, angle);
        return NULL;
    }
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    angle = fmod(angle, 360);
    if (angle < 0) angle += 360;
    ct_tensor *out = NULL;
    int turns = quarter_turns(&p, angle, &o);
    if (turns >= 0) {
        ct_scope scope = ct_no_grad_begin();
        out = ct_scope_return(scope, turns ? ct_contiguous(ct_rot90(p.t, turns, -2, -1), CT_FORMAT_CONTIGUOUS) : ct_clone(p.t));
    } else {
        double m[6], centre[2];
        int64_t size[2] = {p.width, p.height};
        centre_of(&p, o.center, centre);
        inverse_matrix(-angle, (const double[]){0, 0}, 1, (const double[]){0, 0}, centre, m);
        if (!o.expand || expanded_size(fn, &p, m, size) == CT_OK)
            out = ct__planes_affine(&p, fn, m, size[1], size[0], o.interpolation, o.fill);
    }
    ct__planes_close(&p);
    return out;
}

/* ---- Affine ---- */

static ct_status check_affine(const char *fn, const ct_image_affine_options *o) {
    CT__TRY(check_reading(fn, o->interpolation, o->center, o->fill));
    const double numbers[] = {o->angle, o->translate[0], o->translate[1], o->scale, o->shear[0], o->shear[1]};
    bool finite = true;
    for (size_t i = 0; i < CT__COUNT(numbers); i++) finite = finite && isfinite(numbers[i]);
    if (finite && o->scale >= 0) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: angle %g, translation (%g, %g), scale %g or shear (%g, %g) is not possible", fn, o->angle, o->translate[0],
                    o->translate[1], o->scale, o->shear[0], o->shear[1]);
}

/* A whole number of pixels, and nothing else: pixels are only moved. */
static bool is_shift(const ct_image_affine_options *o) {
    return o->angle == 0 && (o->scale == 0 || o->scale == 1) && o->shear[0] == 0 && o->shear[1] == 0 && o->translate[0] == rint(o->translate[0]) &&
           o->translate[1] == rint(o->translate[1]) && fabs(o->translate[0]) < 1 << 20 && fabs(o->translate[1]) < 1 << 20;
}

ct_tensor *ct_image_affine(const ct_tensor *image, const ct_image_affine_options *options) {
    static const char fn[] = "ct_image_affine";
    ct_image_affine_options o = options ? *options : (ct_image_affine_options){0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(check_affine(fn, &o));
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_tensor *out;
    if (is_shift(&o)) {
        out = ct__planes_window(&p, fn, &(ct__window){.top = -(int64_t)o.translate[1], .left = -(int64_t)o.translate[0], .height = p.height, .width = p.width,
                                                      .fill = o.fill.value});
    } else {
        double m[6], centre[2];
        centre_of(&p, o.center, centre);
        inverse_matrix(o.angle, o.translate, o.scale != 0 ? o.scale : 1, o.shear, centre, m);
        out = ct__planes_affine(&p, fn, m, p.height, p.width, o.interpolation, o.fill);
    }
    ct__planes_close(&p);
    return out;
}
