/*
 * data_color.c: brightness, contrast, saturation, hue, gray: functions of a pixel's one or three numbers.
 *
 * Pixels are taken in runs: their numbers as f32 (u8 as 0 .. 255, or 0 .. 1 where the formula wants it), a function of the run, and back. Products and sums are
 * rounded once where torch's kernels use a fused multiply-add.
 */
#include "data/data_planes.h"

#include <math.h>
#include <string.h>

enum { RUN = 256 };

/* In place on n pixels; c[0] (gray) or c[0] .. c[2] (RGB), each a run of numbers. */
typedef void (*pixel_fn)(const void *arg, float (*c)[RUN], int channels, int n);

typedef struct pixels {
    pixel_fn fn;
    bool unit; /* u8 as 0 .. 1: x / 255 and, back, the whole part of 255.999 x. Otherwise cut to 0 .. 255, or 0 .. 1, and to a whole number */
    bool loose; /* f32 may leave 0 .. 1 */
} pixels;

static float clamp(float v, float high) { return v < 0 ? 0 : v > high ? high : v; } /* NaN stays */
static float fused(float a, float b, float c) { return (float)((double)a * (double)b + (double)c); }

static void load_run(const ct__planes *p, const char *from, float *to, int n, bool unit) {
    if (!p->u8) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return;
    }
    for (int i = 0; i < n; i++) to[i] = (float)((const unsigned char *)from)[i];
    for (int i = 0; i < n && unit; i++) to[i] *= 1.0f / 255;
}

static void store_run(const ct__planes *p, const pixels *how, const float *from, char *to, int n) {
    for (int i = 0; i < n; i++) {
        if (!p->u8) ((float *)(void *)to)[i] = how->loose ? from[i] : clamp(from[i], 1);
        else ((unsigned char *)to)[i] = (unsigned char)clamp(how->unit ? from[i] * 255.999f : from[i], 255);
    }
}

/* One picture: its planes at in, channels of them; out has out_channels. arg may differ from picture to picture. */
static void map_picture(const ct__planes *p, const pixels *how, const void *arg, const char *in, char *out, int out_channels) {
    int64_t plane = p->height * p->width;
    float c[3][RUN];
    for (int64_t at = 0; at < plane; at += RUN) {
        int n = (int)ct__min_i64(RUN, plane - at);
        for (int64_t k = 0; k < p->channels; k++) load_run(p, in + (size_t)(k * plane + at) * p->size, c[k], n, how->unit);
        how->fn(arg, c, (int)p->channels, n);
        for (int k = 0; k < out_channels; k++) store_run(p, how, c[k], out + (size_t)(k * plane + at) * p->size, n);
    }
}

static ct_tensor *map_planes(const ct__planes *p, const char *fn, const pixels *how, const void *arg, int out_channels) {
    ct_tensor *out = ct__planes_like(p, fn, out_channels, p->height, p->width);
    size_t plane = (size_t)(p->height * p->width) * p->size;
    for (int64_t i = 0; i < p->n / p->channels && out; i++)
        map_picture(p, how, arg, p->data + (size_t)(i * p->channels) * plane, ct__ptr(out) + (size_t)i * (size_t)out_channels * plane, out_channels);
    return out;
}

static ct_status open_colour(ct__planes *p, const char *fn, const ct_tensor *image, double number, double low, double high, const char *name) {
    CT__TRY(ct__pending());
    if (!(number >= low && number <= high))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g, it must be %s", fn, name, number, low < 0 ? "between -0.5 and 0.5" : "finite and not negative");
    CT__TRY(ct__planes_open(p, fn, image, 3));
    if (ct__planes_check_colour(p, fn) != CT_OK) ct__planes_close(p);
    return ct__pending();
}

/* A copy: what a function that leaves gray pictures alone returns for one. */
static ct_tensor *copy_of(const ct__planes *p, const char *fn) {
    ct_tensor *out = ct__planes_like(p, fn, p->channels, p->height, p->width);
    if (out) memcpy(ct__ptr(out), p->data, (size_t)(p->n * p->height * p->width) * p->size);
    return out;
}

static float gray(float r, float g, float b) { return fused(b, 0.114f, fused(g, 0.587f, r * 0.2989f)); }

/* ---- Brightness, gray, saturation, contrast ---- */

static void brightness(const void *arg, float (*c)[RUN], int channels, int n) {
    float factor = *(const float *)arg;
    for (int k = 0; k < channels; k++)
        for (int i = 0; i < n; i++) c[k][i] *= factor;
}

ct_tensor *ct_image_adjust_brightness(const ct_tensor *image, double factor) {
    static const char fn[] = "ct_image_adjust_brightness";
    ct__planes p;
    CT__TRY_NULL(open_colour(&p, fn, image, factor, 0, (double)INT32_MAX, "factor"));
    ct_tensor *out = map_planes(&p, fn, &(pixels){.fn = brightness}, &(float){(float)factor}, (int)p.channels);
    ct__planes_close(&p);
    return out;
}

static void to_gray(const void *arg, float (*c)[RUN], int channels, int n) {
    (void)arg;
    for (int i = 0; i < n && channels == 3; i++) c[0][i] = gray(c[0][i], c[1][i], c[2][i]);
    for (int k = 1; k < 3; k++) memcpy(c[k], c[0], sizeof c[k]);
}

ct_tensor *ct_image_rgb_to_grayscale(const ct_tensor *image, int num_output_channels) {
    static const char fn[] = "ct_image_rgb_to_grayscale";
    ct__planes p;
    CT__TRY_NULL(ct__pending());
    if (num_output_channels != 1 && num_output_channels != 3) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_output_channels is %d, it must be 1 or 3", fn, num_output_channels);
        return NULL;
    }
    CT__TRY_NULL(open_colour(&p, fn, image, 0, 0, 0, ""));
    ct_tensor *out = map_planes(&p, fn, &(pixels){.fn = to_gray, .loose = true}, NULL, num_output_channels);
    ct__planes_close(&p);
    return out;
}

typedef struct blend {
    float factor, rest; /* rest = 1 - factor, from the double */
    float mean;         /* contrast: what to blend with */
    bool floor;         /* u8: the gray is a whole number */
} blend;

static void saturation(const void *arg, float (*c)[RUN], int channels, int n) {
    const blend *b = arg;
    (void)channels;
    for (int i = 0; i < n; i++) {
        float g = gray(c[0][i], c[1][i], c[2][i]);
        if (b->floor) g = floorf(g);
        for (int k = 0; k < 3; k++) c[k][i] = fused(g, b->rest, c[k][i] * b->factor);
    }
}

ct_tensor *ct_image_adjust_saturation(const ct_tensor *image, double factor) {
    static const char fn[] = "ct_image_adjust_saturation";
    ct__planes p;
    CT__TRY_NULL(open_colour(&p, fn, image, factor, 0, (double)INT32_MAX, "factor"));
    blend b = {.factor = (float)factor, .rest = (float)(1 - factor), .floor = p.u8};
    ct_tensor *out = p.channels == 1 ? copy_of(&p, fn) : map_planes(&p, fn, &(pixels){.fn = saturation}, &b, 3);
    ct__planes_close(&p);
    return out;
}

static void contrast(const void *arg, float (*c)[RUN], int channels, int n) {
    const blend *b = arg;
    for (int k = 0; k < channels; k++)
        for (int i = 0; i < n; i++) c[k][i] = fused(b->mean, b->rest, c[k][i] * b->factor);
}

/* The mean of a picture's gray. */
static float mean_gray(const ct__planes *p, const char *in) {
    int64_t plane = p->height * p->width;
    double sum = 0;
    float c[3][RUN];
    for (int64_t at = 0; at < plane; at += RUN) {
        int n = (int)ct__min_i64(RUN, plane - at);
        for (int64_t k = 0; k < p->channels; k++) load_run(p, in + (size_t)(k * plane + at) * p->size, c[k], n, false);
        for (int i = 0; i < n; i++) {
            float g = p->channels == 3 ? gray(c[0][i], c[1][i], c[2][i]) : c[0][i];
            sum += (double)(p->u8 ? floorf(g) : g);
        }
    }
    return (float)(sum / (double)plane);
}

ct_tensor *ct_image_adjust_contrast(const ct_tensor *image, double factor) {
    static const char fn[] = "ct_image_adjust_contrast";
    ct__planes p;
    CT__TRY_NULL(open_colour(&p, fn, image, factor, 0, (double)INT32_MAX, "factor"));
    ct_tensor *out = ct__planes_like(&p, fn, p.channels, p.height, p.width);
    size_t picture = (size_t)(p.channels * p.height * p.width) * p.size;
    for (int64_t i = 0; i < p.n / p.channels && out; i++) {
        const char *in = p.data + (size_t)i * picture;
        blend b = {.factor = (float)factor, .rest = (float)(1 - factor), .mean = mean_gray(&p, in)};
        map_picture(&p, &(pixels){.fn = contrast}, &b, in, ct__ptr(out) + (size_t)i * picture, (int)p.channels);
    }
    ct__planes_close(&p);
    return out;
}

/* ---- Hue ---- */

static float unit(float v) { return clamp(v, 1); }

/* v - floor(v) for a v of a few units; 0 for what is no such number. */
static float fraction(float v) {
    if (!(v > -8 && v < 8)) return 0;
    float f = v - (float)(int)v;
    return f < 0 ? f + 1 : f;
}

/* RGB to hue (0 .. 1), saturation, value; the hue moves; and back. PIL's formulas, in torchvision's order of operations. */
static void move_hue(float by, float *r, float *g, float *b) {
    float most = *g > *b ? *g : *b, least = *g > *b ? *b : *g, high = *r > most ? *r : most, low = *r < least ? *r : least;
    float range = high - low, divisor = high == low ? 1 : range;
    float s = range / (high == low ? 1 : high), rc = (high - *r) / divisor, gc = (high - *g) / divisor, bc = (high - *b) / divisor;
    float h = high == *r ? bc - gc : high == *g ? rc + 2 - bc : gc + 4 - rc;
    h = fraction(fraction(h * (1.0f / 6) + 1) + by);
    float h6 = h * 6;
    int sector = (int)h6; /* 0 .. 6 */
    float f = h6 - (float)sector, sf = s * f;
    float q = unit((1 - sf) * high), t = unit((sf + (1 - s)) * high), p = unit((1 - s) * high), v = high;
    switch (sector % 6) {
    case 0: *r = v; *g = t; *b = p; break;
    case 1: *r = q; *g = v; *b = p; break;
    case 2: *r = p; *g = v; *b = t; break;
    case 3: *r = p; *g = q; *b = v; break;
    case 4: *r = t; *g = p; *b = v; break;
    default: *r = v; *g = p; *b = q; break;
    }
}

static void hue(const void *arg, float (*c)[RUN], int channels, int n) {
    (void)channels;
    for (int i = 0; i < n; i++) move_hue(*(const float *)arg, &c[0][i], &c[1][i], &c[2][i]);
}

ct_tensor *ct_image_adjust_hue(const ct_tensor *image, double factor) {
    static const char fn[] = "ct_image_adjust_hue";
    ct__planes p;
    CT__TRY_NULL(open_colour(&p, fn, image, factor, -0.5, 0.5, "factor"));
    ct_tensor *out = p.channels == 1 ? copy_of(&p, fn) : map_planes(&p, fn, &(pixels){.fn = hue, .unit = true, .loose = true}, &(float){(float)factor}, 3);
    ct__planes_close(&p);
    return out;
}

/* ---- Gamma ---- */

typedef struct power {
    float gamma, gain;
} power;

static void power_of(const void *arg, float (*c)[RUN], int channels, int n) {
    const power *a = arg;
    for (int k = 0; k < channels; k++)
        for (int i = 0; i < n; i++) {
            float v = powf(c[k][i], a->gamma);
            c[k][i] = a->gain == 1 ? v : unit(v * a->gain);
        }
}

ct_tensor *ct_image_adjust_gamma(const ct_tensor *image, double gamma, double gain) {
    static const char fn[] = "ct_image_adjust_gamma";
    ct__planes p;
    CT__TRY_NULL(open_colour(&p, fn, image, gamma, 0, (double)INT32_MAX, "gamma"));
    ct_tensor *out = NULL;
    if (isfinite(gain)) out = map_planes(&p, fn, &(pixels){.fn = power_of, .unit = true, .loose = true}, &(power){(float)gamma, (float)gain}, (int)p.channels);
    else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: gain is %g", fn, gain);
    ct__planes_close(&p);
    return out;
}
