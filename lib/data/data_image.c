/*
 * data_image.c: normalising, picture grids.
 */
#include "data/data_impl.h"

#include "base/vec.h"
#include <math.h>
#include <string.h>

/* ---- Normalising ---- */

ct_status ct__image_stats(const char *function, const double *mean, const double *std, int n, float *mean_out, float *std_out) {
    for (int i = 0; i < n; i++) {
        mean_out[i] = (float)mean[i];
        std_out[i] = (float)std[i];
        if (std_out[i] == 0 || !isfinite(mean[i]) || !isfinite(std[i]))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: channel %d has mean %g and std %g: division by zero or not finite", function, i,
                            mean[i], std[i]);
    }
    return CT_OK;
}

ct_tensor *ct__image_normalize(const char *function, const ct_tensor *image, const float *mean, const float *std, int n) {
    CT__TRY_NULL(ct__pending());
    if (image->dtype != CT_F32) {
        ct__fail(CT_ERR_DTYPE, "%s: the image is %s, it must be float32", function, ct_dtype_name(image->dtype));
        return NULL;
    }
    if (image->ndim != 3 && image->ndim != 4) {
        ct__shape_text text;
        ct__fail(CT_ERR_SHAPE, "%s: the image is %s, it must be [C, H, W] or [N, C, H, W]", function,
                 ct__shape_str(&text, image->sizes, image->ndim));
        return NULL;
    }
    int64_t channels = image->sizes[image->ndim - 3], plane = image->sizes[image->ndim - 2] * image->sizes[image->ndim - 1];
    if (n != 1 && n != channels) {
        ct__fail(CT_ERR_SHAPE, "%s: %d means and stds for %lld channels", function, n, (long long)channels);
        return NULL;
    }
    ct_tensor *in = ct__data_dense((ct_tensor *)(uintptr_t)image); /* another handle on it, or a copy: it is not changed */
    ct_tensor *out = ct__scope_give(ct__new(function, image->sizes, image->ndim, CT_F32));
    if (in && out && in->numel > 0) {
        const float *x = (const float *)(const void *)ct__ptr(in);
        float *y = (float *)(void *)ct__ptr(out);
        for (int64_t p = 0; p < in->numel / plane; p++, x += plane, y += plane) {
            float m = mean[n == 1 ? 0 : p % channels], s = std[n == 1 ? 0 : p % channels];
            for (int64_t i = 0; i < plane; i++) y[i] = (x[i] - m) / s;
        }
    }
    ct_release(in);
    return in ? out : NULL;
}

ct_tensor *ct_image_normalize(const ct_tensor *image, const double *mean, const double *std, int n) {
    static const char fn[] = "ct_image_normalize";
    enum { FEW = 16 };
    float small[2 * FEW], *stats = small;
    CT__TRY_NULL(ct__pending());
    if (!image || !mean || !std || n < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", fn, !image ? "image is NULL" : n < 1 ? "n must be at least 1" : "mean or std is NULL");
        return NULL;
    }
    if (n > FEW && !(stats = ct__alloc_array((size_t)n, 2 * sizeof(float)))) return NULL;
    ct_tensor *out = NULL;
    if (ct__image_stats(fn, mean, std, n, stats, stats + n) == CT_OK) out = ct__image_normalize(fn, image, stats, stats + n, n);
    if (stats != small) ct__free(stats);
    return out;
}

/* ---- Grids ---- */

typedef struct grid {
    const char *fn;
    ct_image_grid_options o;
    int64_t padding, columns, n, channels, height, width; /* of one picture */
} grid;

static ct_status grid_options(grid *g, const char *fn, const ct_image_grid_options *options) {
    *g = (grid){.fn = fn, .o = options ? *options : (ct_image_grid_options){0}};
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    g->columns = g->o.nrow ? g->o.nrow : 8;
    g->padding = g->o.padding.has ? g->o.padding.value : 2;
    if (g->columns < 1 || g->padding < 0 || g->padding > 1 << 20)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: nrow %lld or padding %lld is out of range", fn, (long long)g->columns,
                        (long long)g->padding);
    if ((g->o.scale_each || g->o.value_range) && !g->o.normalize)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale_each and value_range need normalize", fn);
    return CT_OK;
}

static void min_max(const float *x, int64_t n, float *low, float *high) {
    for (int64_t i = 0; i < n; i++) {
        if (x[i] < *low) *low = x[i];
        if (x[i] > *high) *high = x[i];
    }
}

/* torchvision's norm_ip, in place on n floats that are ours. */
static void stretch(float *x, int64_t n, float low, float high) {
    float range = fmaxf(high - low, 1e-5f);
    for (int64_t i = 0; i < n; i++) x[i] = ((x[i] < low ? low : x[i] > high ? high : x[i]) - low) / range;
}

static void normalize_pictures(const grid *g, float *x, int64_t each) {
    float low = g->o.value_range ? (float)g->o.value_min : INFINITY, high = g->o.value_range ? (float)g->o.value_max : -INFINITY;
    if (!g->o.value_range && !g->o.scale_each) min_max(x, g->n * each, &low, &high);
    for (int64_t i = 0; i < g->n; i++) {
        float l = low, h = high;
        if (!g->o.value_range && g->o.scale_each) min_max(x + i * each, each, &l, &h);
        stretch(x + i * each, each, l, h);
    }
}

/* Copies picture x [C, h, w] into out [channels, H, W] at row y0, column x0; one channel goes to all. */
static void place(const grid *g, ct_tensor *out, const char *x, int64_t channels, int64_t y0, int64_t x0, size_t size) {
    for (int64_t c = 0; c < out->sizes[0]; c++)
        for (int64_t y = 0; y < g->height; y++) {
            const char *from = x + (size_t)(((channels == 1 ? 0 : c) * g->height + y) * g->width) * size;
            char *to = ct__ptr(out) + (size_t)((c * out->sizes[1] + y0 + y) * out->sizes[2] + x0) * size;
            memcpy(to, from, (size_t)g->width * size);
        }
}

/* The pictures lie in x, n times [C, h, w], dense; with normalize they are ours to change. */
static ct_tensor *lay_out(grid *g, char *x, ct_dtype dtype) {
    int64_t each = g->channels * g->height * g->width, channels = g->channels == 1 ? 3 : g->channels;
    size_t size = ct_dtype_size(dtype);
    if (g->o.normalize) normalize_pictures(g, (float *)(void *)x, each);
    bool single = g->n == 1;
    int64_t padding = single ? 0 : g->padding, columns = ct__min_i64(g->columns, g->n), rows = ct__ceil_div_i64(g->n, columns);
    int64_t out_h, out_w;
    if (!ct__mul_i64(g->height + padding, rows, &out_h) || !ct__mul_i64(g->width + padding, columns, &out_w)) {
        ct__fail(CT_ERR_SHAPE, "%s: %lld pictures of %lld x %lld are too large for a grid", g->fn, (long long)g->n, (long long)g->height,
                 (long long)g->width);
        return NULL;
    }
    ct_tensor *out = ct__scope_give(ct__new(g->fn, (const int64_t[]){channels, out_h + padding, out_w + padding}, 3, dtype));
    if (!out) return NULL;
    for (int64_t i = 0; i < out->numel; i++) ct__store_f64(ct__ptr(out) + (size_t)i * size, dtype, g->o.pad_value);
    for (int64_t i = 0; i < g->n; i++)
        place(g, out, x + (size_t)(i * each) * size, g->channels, i / columns * (g->height + padding) + padding,
              i % columns * (g->width + padding) + padding, size);
    return out;
}

static ct_status check_pictures(const grid *g, const ct_tensor *images) {
    if (images->dtype != CT_F32 && (images->dtype != CT_U8 || g->o.normalize))
        return ct__fail(CT_ERR_DTYPE, "%s: the images are %s, they must be float32%s", g->fn, ct_dtype_name(images->dtype),
                        g->o.normalize ? " for normalize" : " or uint8");
    return CT_OK;
}

ct_tensor *ct_image_grid(const ct_tensor *images, const ct_image_grid_options *options) {
    grid g;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(grid_options(&g, "ct_image_grid", options));
    if (!images) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: images is NULL", g.fn);
        return NULL;
    }
    CT__TRY_NULL(check_pictures(&g, images));
    int n = images->ndim;
    if (n < 2 || n > 4) {
        ct__shape_text text;
        ct__fail(CT_ERR_SHAPE, "%s: the images are %s, they must be [N, C, H, W], [C, H, W] or [H, W]", g.fn,
                 ct__shape_str(&text, images->sizes, n));
        return NULL;
    }
    g.n = n == 4 ? images->sizes[0] : 1;
    g.channels = n >= 3 ? images->sizes[n - 3] : 1;
    g.height = images->sizes[n - 2];
    g.width = images->sizes[n - 1];
    if (images->numel == 0) {
        ct__fail(CT_ERR_SHAPE, "%s: no pictures, or pictures without pixels", g.fn);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = NULL, *x = ct__scope_give(g.o.normalize ? ct__new(g.fn, images->sizes, n, CT_F32) : ct__data_dense((ct_tensor *)(uintptr_t)images));
    if (x && g.o.normalize && ct_copy_to(images, ct__ptr(x), x->numel, CT_F32) != CT_OK) x = NULL;
    if (x) out = lay_out(&g, ct__ptr(x), x->dtype);
    return ct_scope_return(scope, out);
}

ct_tensor *ct_image_grid_list(const ct_list *images, const ct_image_grid_options *options) {
    grid g;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(grid_options(&g, "ct_image_grid_list", options));
    g.n = ct_list_size(images);
    if (g.n == 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the list is %s", g.fn, images ? "empty" : "NULL");
        return NULL;
    }
    ct_tensor *const *picture = ct_list_data(images), *first = picture[0];
    for (int64_t i = 0; i < g.n; i++) {
        CT__TRY_NULL(check_pictures(&g, picture[i]));
        if (picture[i]->ndim == 3 && picture[i]->numel > 0 && picture[i]->dtype == first->dtype && ct__same_sizes(picture[i], first)) continue;
        ct__shape_text a, b;
        ct__fail(CT_ERR_SHAPE, "%s: picture %lld is %s of %s, the first %s of %s: all must be one [C, H, W]", g.fn, (long long)i,
                 ct__shape_str(&a, picture[i]->sizes, picture[i]->ndim), ct_dtype_name(picture[i]->dtype),
                 ct__shape_str(&b, first->sizes, first->ndim), ct_dtype_name(first->dtype));
        return NULL;
    }
    g.channels = first->sizes[0];
    g.height = first->sizes[1];
    g.width = first->sizes[2];
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = NULL;
    ct_tensor *x = ct__scope_give(ct__new(g.fn, (const int64_t[]){g.n, g.channels, g.height, g.width}, 4, first->dtype));
    size_t bytes = (size_t)first->numel * ct_dtype_size(first->dtype);
    for (int64_t i = 0; i < g.n && x; i++)
        if (ct_copy_to(picture[i], ct__ptr(x) + (size_t)i * bytes, first->numel, first->dtype) != CT_OK) x = NULL;
    if (x) out = lay_out(&g, ct__ptr(x), x->dtype);
    return ct_scope_return(scope, out);
}
