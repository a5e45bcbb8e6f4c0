/*
 * data_planes.c: a picture as dense planes; torchvision's draws.
 */
#include "data/data_planes.h"

#include "base/vec.h"
#include "core/generator.h"
#include <math.h>
#include <string.h>

ct_status ct__planes_open(ct__planes *p, const char *fn, const ct_tensor *image, int min_ndim) {
    CT__TRY(ct__pending());
    if (!image) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: image is NULL", fn);
    ct__shape_text text;
    if (image->ndim < min_ndim || image->numel == 0)
        return ct__fail(CT_ERR_SHAPE, "%s: the image is %s, it must be %s and not empty", fn, ct__shape_str(&text, image->sizes, image->ndim),
                        min_ndim == 2 ? "[..., H, W]" : "[..., C, H, W]");
    if (image->dtype != CT_F32 && image->dtype != CT_U8)
        return ct__fail(CT_ERR_DTYPE, "%s: the image is %s, it must be float32 or uint8", fn, ct_dtype_name(image->dtype));
    int n = image->ndim;
    *p = (ct__planes){.height = image->sizes[n - 2], .width = image->sizes[n - 1], .channels = n > 2 ? image->sizes[n - 3] : 1,
                      .size = ct_dtype_size(image->dtype), .u8 = image->dtype == CT_U8};
    p->n = image->numel / (p->height * p->width);
    p->t = ct__data_dense((ct_tensor *)(uintptr_t)image); /* another handle on it, or a copy: it is not changed */
    if (p->t) p->data = ct__ptr(p->t);
    return ct__pending();
}

void ct__planes_close(ct__planes *p) { ct_release(p->t); }

ct_status ct__planes_check_colour(const ct__planes *p, const char *fn) {
    if (p->channels == 1 || p->channels == 3) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: the image has %lld channels, it must have 1 or 3", fn, (long long)p->channels);
}

ct_tensor *ct__planes_like(const ct__planes *p, const char *fn, int64_t channels, int64_t height, int64_t width) {
    int64_t sizes[CT_MAX_NDIM];
    int n = p->t->ndim;
    memcpy(sizes, p->t->sizes, sizeof sizes);
    if (n > 2) sizes[n - 3] = channels;
    sizes[n - 2] = height;
    sizes[n - 1] = width;
    return ct__scope_give(ct__new(fn, sizes, n, p->t->dtype));
}

int64_t ct__draw_one_below(ct_generator *g, int64_t range) {
    int64_t out;
    ct__draw_below(&out, 1, range, g);
    return out;
}

double ct__draw_between(ct_generator *g, double low, double high) {
    g = ct__generator_lock(g);
    float u = ct__draw_f32(g), a = (float)low, b = (float)high;
    ct__generator_unlock(g);
    return fmaf(u, b - a, a);
}

bool ct__draw_chance(ct_generator *g, double p) {
    g = ct__generator_lock(g);
    float u = ct__draw_f32(g);
    ct__generator_unlock(g);
    return u < (float)p;
}

ct_status ct__transform_copy_state(ct_transform *t, const void *arg) {
    memcpy(ct_transform_state(t), arg, t->cls->state_size);
    return CT_OK;
}

ct_status ct__check_probability(const char *fn, double p) {
    if (p >= 0 && p <= 1) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: p is %g, it must be between 0 and 1", fn, p);
}
