/*
 * data_tone.c: functions of one number (posterize, solarize, invert, dtype), of a channel's histogram (autocontrast, equalize) and of a pixel's neighbours
 * (sharpness, blur). On u8 a function of one number is a table of 256.
 */
#include "data/data_planes.h"

#include <math.h>
#include <string.h>

static ct_tensor *like(const ct__planes *p, const char *fn) { return ct__planes_like(p, fn, p->channels, p->height, p->width); }
static int64_t plane_size(const ct__planes *p) { return p->height * p->width; }

static void apply_table(const unsigned char table[256], const char *in, char *out, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (char)table[(unsigned char)in[i]];
}

/* ---- Functions of one number ---- */

typedef struct tone {
    int bits;         /* posterize */
    double threshold; /* solarize; invert is solarize from 0 on, for any number */
    bool invert;
} tone;

static unsigned char tone_u8(const tone *t, int v) {
    if (t->bits >= 0) return (unsigned char)(v & (255 << (8 - t->bits)));
    return (unsigned char)(t->invert || v >= t->threshold ? 255 - v : v);
}

static float tone_f32(const tone *t, float v) {
    if (t->bits < 0) return t->invert || v >= (float)t->threshold ? 1 - v : v;
    float levels = (float)(1 << t->bits), level = floorf(v * levels);
    return (level < 0 ? 0 : level > levels - 1 ? levels - 1 : level) * (1 / levels);
}

static ct_tensor *map_tone(const char *fn, const ct_tensor *image, const tone *t) {
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_tensor *out = NULL;
    if (!isfinite(t->threshold) || t->threshold > (p.u8 ? 255 : 1))
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: threshold %g is above the largest number, %d", fn, t->threshold, p.u8 ? 255 : 1);
    else out = like(&p, fn);
    if (out && p.u8) {
        unsigned char table[256];
        for (int v = 0; v < 256; v++) table[v] = tone_u8(t, v);
        apply_table(table, p.data, ct__ptr(out), out->numel);
    } else if (out) {
        const float *x = (const float *)(const void *)p.data;
        float *y = (float *)(void *)ct__ptr(out);
        for (int64_t i = 0; i < out->numel; i++) y[i] = tone_f32(t, x[i]);
    }
    ct__planes_close(&p);
    return out;
}

ct_tensor *ct_image_posterize(const ct_tensor *image, int bits) {
    CT__TRY_NULL(ct__pending());
    if (bits < 0 || bits > 8) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_image_posterize: bits is %d, it must be 0 to 8", bits);
        return NULL;
    }
    return map_tone("ct_image_posterize", image, &(tone){.bits = bits});
}
ct_tensor *ct_image_solarize(const ct_tensor *image, double threshold) {
    return map_tone("ct_image_solarize", image, &(tone){.bits = -1, .threshold = threshold});
}
ct_tensor *ct_image_invert(const ct_tensor *image) { return map_tone("ct_image_invert", image, &(tone){.bits = -1, .invert = true}); }

/* ---- Dtypes ---- */

static unsigned char whole_u8(float v) {
    v *= 255.999f;
    return (unsigned char)(v >= 255 ? 255 : v > 0 ? v : 0); /* NaN fails both comparisons */
}

static ct_tensor *convert(const char *fn, const ct_tensor *image, ct_dtype dtype, bool divide) {
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_tensor *out = NULL;
    if (dtype != CT_F32 && dtype != CT_U8) ct__fail(CT_ERR_DTYPE, "%s: to %s: pictures are float32 or uint8", fn, ct_dtype_name(dtype));
    else out = ct__scope_give(ct__new(fn, p.t->sizes, p.t->ndim, dtype));
    if (out && dtype == p.t->dtype) {
        memcpy(ct__ptr(out), p.data, (size_t)out->numel * p.size);
    } else if (out && p.u8) {
        float table[256], *y = (float *)(void *)ct__ptr(out);
        for (int v = 0; v < 256; v++) table[v] = divide ? (float)v / 255 : (float)v * (1.0f / 255);
        for (int64_t i = 0; i < out->numel; i++) y[i] = table[(unsigned char)p.data[i]];
    } else if (out) {
        const float *x = (const float *)(const void *)p.data;
        for (int64_t i = 0; i < out->numel; i++) ct__ptr(out)[i] = (char)whole_u8(x[i]);
    }
    ct__planes_close(&p);
    return out;
}

ct_tensor *ct_image_to_dtype(const ct_tensor *image, ct_dtype dtype) { return convert("ct_image_to_dtype", image, dtype, false); }
ct_tensor *ct_image_to_tensor(const ct_tensor *image) { return convert("ct_image_to_tensor", image, CT_F32, true); }

/* ---- Histograms ---- */

static void stretch(const ct__planes *p, const char *in, char *out) {
    int64_t n = plane_size(p);
    float bound = p->u8 ? 255 : 1, low = INFINITY, high = -INFINITY;
    const float *x = (const float *)(const void *)in;
    for (int64_t i = 0; i < n; i++) {
        float v = p->u8 ? (float)(unsigned char)in[i] : x[i];
        if (v < low) low = v;
        if (v > high) high = v;
    }
    float step = high == low ? 1 : (high - low) * (1 / bound);
    if (high == low) low = 0;
    for (int64_t i = 0; i < n; i++) {
        float v = ((p->u8 ? (float)(unsigned char)in[i] : x[i]) - low) / step;
        v = v < 0 ? 0 : v > bound ? bound : v;
        if (p->u8) out[i] = (char)(unsigned char)v;
        else ((float *)(void *)out)[i] = v;
    }
}

/* PIL's table: a level becomes what share of the pixels lies below it. */
static void spread(const unsigned char *in, char *out, int64_t n) {
    int64_t count[256] = {0}, below = 0;
    int last = 0;
    unsigned char table[256];
    for (int64_t i = 0; i < n; i++) count[in[i]]++;
    for (int v = 0; v < 256; v++)
        if (count[v]) last = v;
    int64_t step = (n - count[last]) / 255;
    for (int v = 0; v < 256; v++) {
        table[v] = step == 0 ? (unsigned char)v : v == 0 ? 0 : (unsigned char)ct__min_i64(255, (below + step / 2) / step);
        below += count[v];
    }
    apply_table(table, (const char *)in, out, n);
}

ct_tensor *ct_image_autocontrast(const ct_tensor *image) {
    static const char fn[] = "ct_image_autocontrast";
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 3));
    ct_tensor *out = ct__planes_check_colour(&p, fn) == CT_OK ? like(&p, fn) : NULL;
    size_t bytes = (size_t)plane_size(&p) * p.size;
    for (int64_t i = 0; i < p.n && out; i++) stretch(&p, p.data + (size_t)i * bytes, ct__ptr(out) + (size_t)i * bytes);
    ct__planes_close(&p);
    return out;
}

ct_tensor *ct_image_equalize(const ct_tensor *image) {
    static const char fn[] = "ct_image_equalize";
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 2));
    ct_scope scope = ct_scope_begin();
    ct_tensor *levels = p.u8 ? p.t : ct_image_to_dtype(p.t, CT_U8), *out = levels ? ct__scope_give(ct__new(fn, p.t->sizes, p.t->ndim, CT_U8)) : NULL;
    int64_t n = plane_size(&p);
    for (int64_t i = 0; i < p.n && out; i++) spread((const unsigned char *)ct__ptr(levels) + i * n, ct__ptr(out) + i * n, n);
    if (out && !p.u8) out = ct_image_to_dtype(out, CT_F32);
    out = ct_scope_return(scope, out);
    ct__planes_close(&p);
    return out;
}

/* ---- Neighbours ---- */

static float number(const ct__planes *p, const char *plane, int64_t i) {
    return p->u8 ? (float)((const unsigned char *)plane)[i] : ((const float *)(const void *)plane)[i];
}

static void sharpen(const ct__planes *p, float rest, const char *in, char *out) {
    int64_t w = p->width;
    float bound = p->u8 ? 255 : 1;
    for (int64_t y = 0; y < p->height; y++)
        for (int64_t x = 0; x < w; x++) {
            int64_t at = y * w + x;
            float v = number(p, in, at), smooth = 0;
            if (y > 0 && x > 0 && y < p->height - 1 && x < w - 1) {
                for (int64_t k = 0; k < 9; k++) smooth += number(p, in, at + (k / 3 - 1) * w + k % 3 - 1) * (k == 4 ? 5.0f / 13 : 1.0f / 13);
                if (p->u8) smooth = nearbyintf(smooth);
                v = (float)((double)(smooth - v) * (double)rest + (double)v);
            }
            v = v < 0 ? 0 : v > bound ? bound : v;
            if (p->u8) ((unsigned char *)out)[at] = (unsigned char)v;
            else ((float *)(void *)out)[at] = v;
        }
}

ct_tensor *ct_image_adjust_sharpness(const ct_tensor *image, double factor) {
    static const char fn[] = "ct_image_adjust_sharpness";
    ct__planes p;
    CT__TRY_NULL(ct__pending());
    if (!(factor >= 0 && factor <= INT32_MAX)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: factor is %g, it must be finite and not negative", fn, factor);
        return NULL;
    }
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 3));
    ct_tensor *out = ct__planes_check_colour(&p, fn) == CT_OK ? like(&p, fn) : NULL;
    size_t bytes = (size_t)plane_size(&p) * p.size;
    bool small = p.height <= 2 || p.width <= 2; /* torchvision returns those as they are, not even clamped */
    for (int64_t i = 0; i < p.n && out; i++) {
        if (small) memcpy(ct__ptr(out) + (size_t)i * bytes, p.data + (size_t)i * bytes, bytes);
        else sharpen(&p, (float)(1 - factor), p.data + (size_t)i * bytes, ct__ptr(out) + (size_t)i * bytes);
    }
    ct__planes_close(&p);
    return out;
}

/* ---- Blur ---- */

enum { MAX_KERNEL = 1 << 20 };

typedef struct blur {
    int64_t size[2]; /* x, y */
    double sigma[2];
    float *kernel[2], *line, *middle; /* weights; a row of the padded picture; rows that are done along x: the result's width, the padded picture's height */
} blur;

static void make_kernel(float *kernel, int64_t size, double sigma) {
    double limit = (double)(size - 1) / (2 * sqrt(2)), sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < size; i++) {
            double x = size > 1 ? (2 * (double)i / (double)(size - 1) - 1) * limit / sigma : 0, weight = exp(-x * x);
            if (pass == 0) sum += weight;
            else kernel[i] = (float)(weight / sum);
        }
}

/* to += weight from, n numbers */
static void add_scaled(float *to, const float *from, float weight, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] += from[i] * weight;
}

/* in: a plane of the padded picture */
static void blur_plane(const blur *b, const ct__planes *padded, const char *in, const ct__planes *p, char *out) {
    int64_t w = p->width;
    memset(b->middle, 0, (size_t)(padded->height * w) * sizeof(float));
    for (int64_t y = 0; y < padded->height; y++) {
        for (int64_t x = 0; x < padded->width; x++) b->line[x] = number(p, in, y * padded->width + x);
        for (int64_t k = 0; k < b->size[0]; k++) add_scaled(b->middle + y * w, b->line + k, b->kernel[0][k], w);
    }
    for (int64_t y = 0; y < p->height; y++) {
        float *row = p->u8 ? b->line : (float *)(void *)out + y * w;
        memset(row, 0, (size_t)w * sizeof(float));
        for (int64_t k = 0; k < b->size[1]; k++) add_scaled(row, b->middle + (y + k) * w, b->kernel[1][k], w);
        for (int64_t x = 0; x < w && p->u8; x++)
            ((unsigned char *)out)[y * w + x] = (unsigned char)nearbyintf(row[x] < 0 ? 0 : row[x] > 255 ? 255 : row[x]);
    }
}

static ct_tensor *run_blur(const char *fn, blur *b, const ct__planes *p) {
    int64_t px = b->size[0] / 2, py = b->size[1] / 2;
    ct__planes padded;
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = NULL, *window = ct__planes_window(p, fn, &(ct__window){.top = -py, .left = -px, .height = p->height + 2 * py, .width = p->width + 2 * px,
                                                                           .mode = CT_IMAGE_PAD_REFLECT});
    if (window && ct__planes_open(&padded, fn, window, 2) == CT_OK) {
        float *numbers = ct__alloc_array((size_t)(padded.height * p->width + padded.width + b->size[0] + b->size[1]), sizeof(float));
        if (numbers && (out = like(p, fn))) {
            b->kernel[0] = numbers;
            b->kernel[1] = numbers + b->size[0];
            b->line = b->kernel[1] + b->size[1];
            b->middle = b->line + padded.width;
            for (int i = 0; i < 2; i++) make_kernel(b->kernel[i], b->size[i], b->sigma[i]);
            for (int64_t i = 0; i < p->n; i++)
                blur_plane(b, &padded, padded.data + (size_t)(i * plane_size(&padded)) * p->size, p, ct__ptr(out) + (size_t)(i * plane_size(p)) * p->size);
        }
        ct__free(numbers);
        ct__planes_close(&padded);
    }
    return ct_scope_return(scope, out);
}

ct_tensor *ct_image_gaussian_blur(const ct_tensor *image, int64_t kernel_size, const ct_image_gaussian_blur_options *options) {
    static const char fn[] = "ct_image_gaussian_blur";
    ct_image_gaussian_blur_options o = options ? *options : (ct_image_gaussian_blur_options){0};
    blur b = {.size = {kernel_size, kernel_size}, .sigma = {o.sigma, o.sigma}};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    for (int i = 0; i < 2; i++) {
        if (o.kernel_size_nd) b.size[i] = o.kernel_size_nd[i];
        if (o.sigma_nd) b.sigma[i] = o.sigma_nd[i];
        else if (b.sigma[i] == 0) b.sigma[i] = (double)b.size[i] * 0.15 + 0.35;
        if (b.size[i] < 1 || b.size[i] % 2 == 0 || b.size[i] > MAX_KERNEL || !(b.sigma[i] > 0 && isfinite(b.sigma[i]))) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a kernel of %lld with sigma %g is not possible: the size is odd, both are positive", fn,
                     (long long)b.size[i], b.sigma[i]);
            return NULL;
        }
    }
    ct__planes p;
    CT__TRY_NULL(ct__planes_open(&p, fn, image, 3));
    ct_tensor *out = run_blur(fn, &b, &p);
    ct__planes_close(&p);
    return out;
}
