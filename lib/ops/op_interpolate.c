/*
 * op_interpolate.c: images at another size. Every mode is separable: one resampling (resample.h) per dimension; area is adaptive average pooling.
 */
#include "ops/resample.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_pool.h>

#include <math.h>

typedef struct request {
    int nd;
    ct_interpolate_mode mode;
    int64_t size[3];  /* of the result; the first nd */
    double scale[3];  /* that positions follow; 0: from the sizes */
    bool align_corners, antialias;
} request;

/* ---- options ---- */

static const char *mode_name(ct_interpolate_mode m) {
    static const char *const names[] = {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"};
    return names[m];
}

static ct_status check_mode(const ct_tensor *x, const ct_interpolate_options *o) {
    static const int dims[] = {0, 0, 1, 2, 2, 3, 0}; /* 0: any */
    ct__shape_text a;
    bool smooth = o->mode >= CT_INTERPOLATE_LINEAR && o->mode <= CT_INTERPOLATE_TRILINEAR;
    if ((int)o->mode < 0 || o->mode > CT_INTERPOLATE_AREA) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_interpolate: unknown mode %d", (int)o->mode);
    if (x->ndim < 3 || x->ndim > 5)
        return ct__fail(CT_ERR_SHAPE, "ct_interpolate: x must be [N, C, L], [N, C, H, W] or [N, C, D, H, W], got %s", CT__SIZES(&a, x));
    if (dims[o->mode] != 0 && x->ndim != dims[o->mode] + 2)
        return ct__fail(CT_ERR_SHAPE, "ct_interpolate: mode %s takes %d dims, got %s", mode_name(o->mode), dims[o->mode] + 2, CT__SIZES(&a, x));
    if (o->align_corners && !smooth)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_interpolate: align_corners means nothing with mode %s", mode_name(o->mode));
    if (o->antialias && o->mode != CT_INTERPOLATE_BILINEAR && o->mode != CT_INTERPOLATE_BICUBIC)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_interpolate: antialias is for bilinear and bicubic, not %s", mode_name(o->mode));
    return CT_OK;
}

static ct_status read_sizes(const ct_tensor *x, const ct_interpolate_options *o, request *r) {
    bool sizes = o->size != 0 || o->size_nd, scales = o->scale_factor != 0 || o->scale_factor_nd;
    if (sizes == scales)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_interpolate: %s",
                       sizes ? "size and scale_factor are both given" : "neither size nor scale_factor is given");
    if (sizes && o->recompute_scale_factor)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_interpolate: recompute_scale_factor needs a scale_factor");
    bool follow = scales && !o->recompute_scale_factor && o->mode != CT_INTERPOLATE_AREA;
    for (int i = 0; i < r->nd; i++) {
        double scale = !scales ? 0 : o->scale_factor_nd ? o->scale_factor_nd[i] : o->scale_factor, size = floor((double)x->sizes[2 + i] * scale);
        if (scales && !(scale > 0 && size <= INT32_MAX))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_interpolate: scale_factor %g of %lld elements must be positive and give at most %d", scale,
                            (long long)x->sizes[2 + i], INT32_MAX);
        r->size[i] = scales ? (int64_t)size : o->size_nd ? o->size_nd[i] : o->size;
        r->scale[i] = follow ? scale : 0;
        if (r->size[i] < 1 || r->size[i] > INT32_MAX || x->sizes[2 + i] < 1)
            return ct__fail(CT_ERR_SHAPE, "ct_interpolate: %lld elements cannot become %lld along the %s", (long long)x->sizes[2 + i],
                            (long long)r->size[i], ct__image_dim(r->nd, 3 - r->nd + i));
    }
    return CT_OK;
}

static ct_status check_dtype(const ct_tensor *x, ct_interpolate_mode mode) {
    bool bytes = mode <= CT_INTERPOLATE_NEAREST_EXACT || mode == CT_INTERPOLATE_BILINEAR || mode == CT_INTERPOLATE_BICUBIC;
    if (ct__is_float(x) || (x->dtype == CT_U8 && bytes)) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "ct_interpolate: x is %s; mode %s takes floating point%s: convert with ct_to", ct_dtype_name((ct_dtype)x->dtype),
                    mode_name(mode), bytes ? " and uint8" : "");
}

/* ---- work ---- */

static ct__filter filter_of(const request *r) {
    switch (r->mode) {
    case CT_INTERPOLATE_NEAREST: return CT__FILTER_NEAREST;
    case CT_INTERPOLATE_NEAREST_EXACT: return CT__FILTER_NEAREST_EXACT;
    case CT_INTERPOLATE_BICUBIC: return r->antialias ? CT__FILTER_CUBIC_AA : CT__FILTER_CUBIC;
    default: return r->antialias ? CT__FILTER_LINEAR_AA : CT__FILTER_LINEAR;
    }
}

/* Nothing changes along this dimension. */
static bool is_identity(const request *r, int64_t in, int i) {
    if (r->size[i] != in) return false;
    return r->scale[i] == 0 || r->scale[i] == 1 || filter_of(r) == CT__FILTER_LINEAR || r->align_corners;
}

/* torch copies an image that keeps both sizes, even where the scale would pick other elements. */
static bool is_copy(const ct_tensor *x, const request *r) {
    return r->nd == 2 && r->mode == CT_INTERPOLATE_NEAREST && x->sizes[2] == r->size[0] && x->sizes[3] == r->size[1];
}

static ct_tensor *resample(ct_tensor *x, const request *r) {
    if (!x || is_copy(x, r)) return x;
    /* The last dim, which has a sum of its own for each result, is the slow one: last if the others leave fewer lines of it. Bytes are rounded in between,
     * in torch's order. */
    const bool bytes = x->dtype == CT_U8, last_first = bytes || r->size[0] >= x->sizes[2];
    for (int k = 0; k < r->nd && x; k++) {
        const int i = last_first ? r->nd - 1 - k : k;
        if (is_identity(r, x->sizes[2 + i], i)) continue;
        ct__taps *table = ct__taps_make(ct__fn(CT__OP_interpolate), filter_of(r), x->sizes[2 + i], r->size[i], r->align_corners, r->scale[i],
                                        x->dtype == CT_F32);
        ct__taps *turned = table && !bytes ? ct__taps_transpose(table) : NULL;
        if (bytes) x = table ? ct__resample_dim_u8(x, 2 + i, table) : NULL;
        else x = turned ? ct__resample_dim(x, 2 + i, table, turned) : NULL;
        ct__taps_unref(turned);
        ct__taps_unref(table);
    }
    return x;
}

static ct_tensor *area(ct_tensor *x, const request *r) {
    if (r->nd == 1) return ct_adaptive_avg_pool1d(x, r->size[0]);
    if (r->nd == 2) return ct_adaptive_avg_pool2d(x, r->size[0], r->size[1]);
    return ct_adaptive_avg_pool3d(x, r->size[0], r->size[1], r->size[2]);
}

ct_tensor *ct_interpolate(ct_tensor *x, const ct_interpolate_options *options) {
    static const ct_interpolate_options defaults = {0};
    const ct_interpolate_options *o = options ? options : &defaults;
    if (!ct__enter(CT__OP_interpolate, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_interpolate", options));
    CT__TRY_NULL(check_mode(x, o));
    CT__TRY_NULL(check_dtype(x, o->mode));
    request r = {.nd = x->ndim - 2, .mode = o->mode, .align_corners = o->align_corners, .antialias = o->antialias};
    CT__TRY_NULL(read_sizes(x, o, &r));
    if (o->mode == CT_INTERPOLATE_AREA) return area(x, &r);
    bool through = ct__is_half(x) || (x->dtype == CT_U8 && o->mode <= CT_INTERPOLATE_NEAREST_EXACT);
    ct_scope scope = ct_scope_begin();
    ct_tensor *y = resample(through ? ct_to(x, CT_F32) : x, &r);
    if (through) y = ct_to(y, (ct_dtype)x->dtype);
    return ct_scope_return(scope, y == x ? ct_clone(x) : y); /* x itself: no dimension changes */
}
