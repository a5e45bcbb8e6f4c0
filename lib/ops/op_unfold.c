/*
 * op_unfold.c: windows of images as columns and back (im2col, col2im). Both are linear and each is the other's transpose.
 */
#include "kernels/kernels.h"
#include "ops/half.h"
#include "ops/image.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_vision.h>

typedef struct fold_geometry {
    ct__conv_shape s; /* without f and groups */
    bool batched;
} geometry;

static ct_tensor *unfold(const geometry *g, ct_tensor *x);
static ct_tensor *fold(const geometry *g, ct_tensor *cols);

static void unfold_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = fold(ct__ctx(n), g[0]);
}
static void fold_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = unfold(ct__ctx(n), g[0]);
}
static const ct__node_class unfold_class = {.op = CT__OP_unfold, .backward = unfold_backward, .ctx_size = sizeof(geometry)};
static const ct__node_class fold_class = {.op = CT__OP_fold, .backward = fold_backward, .ctx_size = sizeof(geometry)};

static ct__node *record(const ct__node_class *cls, const geometry *g, ct_tensor *in) {
    ct__node *n = ct__node_new(cls, &in, 1, 1);
    if (n) *(geometry *)ct__ctx(n) = *g;
    return n;
}

/* Sizes of columns; false where they overflow. */
static bool column_sizes(const geometry *g, int64_t sizes[3], int *ndim) {
    const ct__conv_shape *s = &g->s;
    int64_t all[3] = {s->n, s->c, s->oh};
    if (!ct__mul_i64(s->c, s->kh, &all[1]) || !ct__mul_i64(all[1], s->kw, &all[1]) || !ct__mul_i64(s->oh, s->ow, &all[2])) return false;
    *ndim = g->batched ? 3 : 2;
    for (int i = 0; i < *ndim; i++) sizes[i] = all[3 - *ndim + i];
    return true;
}

static ct_tensor *unfold(const geometry *g, ct_tensor *x) {
    const char *fn = ct__fn(CT__OP_unfold);
    int64_t sizes[3];
    int ndim;
    if (!ct__enter(CT__OP_unfold, &x, 1)) return NULL;
    if (!column_sizes(g, sizes, &ndim)) {
        ct__fail(CT_ERR_SHAPE, "ct_unfold: %lld channels of %lld x %lld windows overflow", (long long)g->s.c, (long long)g->s.kh, (long long)g->s.kw);
        return NULL;
    }
    ct_tensor *cols = ct__new(fn, sizes, ndim, (ct_dtype)x->dtype), *in = cols ? ct__dense(fn, x) : NULL;
    ct__node *n = in ? record(&unfold_class, g, x) : NULL;
    if (in && cols->numel > 0) ct__kern()->vision.unfold(&g->s, ct_dtype_size((ct_dtype)x->dtype), ct__ptr(in), ct__ptr(cols));
    ct__unref(in);
    return ct__finish(n, cols);
}

static ct_tensor *fold(const geometry *g, ct_tensor *cols) {
    const char *fn = ct__fn(CT__OP_fold);
    if (!ct__enter(CT__OP_fold, &cols, 1)) return NULL;
    ct__image_sizes sizes = {g->batched, 2, g->s.n, g->s.c, {1, g->s.h, g->s.w}};
    int real = cols->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32;
    ct_tensor *x = ct__image_new(fn, &sizes, false, (ct_dtype)cols->dtype), *in = x ? ct__dense(fn, cols) : NULL;
    ct__node *n = in ? record(&fold_class, g, cols) : NULL;
    if (in && x->numel > 0) ct__kern()->vision.fold[real](&g->s, ct__ptr(in), ct__ptr(x));
    ct__unref(in);
    return ct__finish(n, x);
}

/* Windows over an image of h x w, whose sizes are in g->s. */
static ct_status fit(int op, int64_t kernel_size, const ct_unfold_options *o, geometry *g) {
    const char *fn = ct__fn(op);
    int64_t kernel[3], dil[3], pad[3], stride[3], out[3];
    const int64_t size[] = {1, g->s.h, g->s.w};
    CT__TRY(ct__image_values(fn, "kernel_size", 2, kernel_size, o->kernel_size_nd, 0, 1, 1, kernel));
    CT__TRY(ct__image_values(fn, "dilation", 2, o->dilation, o->dilation_nd, 1, 1, 1, dil));
    CT__TRY(ct__image_values(fn, "padding", 2, o->padding, o->padding_nd, 0, 0, 0, pad));
    CT__TRY(ct__image_values(fn, "stride", 2, o->stride, o->stride_nd, 1, 1, 1, stride));
    for (int i = 1; i < 3; i++) {
        int64_t reach = dil[i] * (kernel[i] - 1) + 1, padded; /* each below 2^31 */
        if (!ct__add_i64(size[i], 2 * pad[i], &padded)) return ct__fail(CT_ERR_SHAPE, "%s: the padded image overflows", fn);
        if (padded < reach)
            return ct__fail(CT_ERR_SHAPE, "%s: the kernel's %s %lld (%lld with dilation %lld) is larger than the padded image's %lld", fn,
                            ct__image_dim(2, i), (long long)kernel[i], (long long)reach, (long long)dil[i], (long long)padded);
        out[i] = (padded - reach) / stride[i] + 1;
    }
    ct__conv_shape *s = &g->s;
    s->kh = kernel[1], s->kw = kernel[2], s->dil_h = dil[1], s->dil_w = dil[2];
    s->pad_h = pad[1], s->pad_w = pad[2], s->stride_h = stride[1], s->stride_w = stride[2];
    s->oh = out[1], s->ow = out[2];
    return CT_OK;
}

static const ct_unfold_options defaults = {0};

static ct_status check_dtype(int op, const ct_tensor *x) {
    if (ct__is_float(x) || x->dtype == CT_BOOL) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: x is %s; it must be floating point or bool: convert with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype));
}

ct_tensor *ct_unfold(ct_tensor *x, int64_t kernel_size, const ct_unfold_options *options) {
    const int op = CT__OP_unfold;
    ct__image_sizes in;
    geometry g = {.batched = false};
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__image_sizes_of(ct__fn(op), "x", x->sizes, x->ndim, 2, &in));
    CT__TRY_NULL(check_dtype(op, x));
    g.batched = in.batched;
    g.s = (ct__conv_shape){.n = in.n, .c = in.c, .h = in.size[1], .w = in.size[2]};
    CT__TRY_NULL(fit(op, kernel_size, options ? options : &defaults, &g));
    if (!ct__is_half(x)) return unfold(&g, x);
    ct__half h = ct__half_begin(x);
    return ct__half_end(h, unfold(&g, ct__widen(x)));
}

static ct_status check_columns(const ct_tensor *x, const geometry *g, int64_t channels) {
    ct__shape_text a;
    int64_t taps, windows;
    if (!ct__mul_i64(g->s.kh, g->s.kw, &taps) || !ct__mul_i64(g->s.oh, g->s.ow, &windows))
        return ct__fail(CT_ERR_SHAPE, "ct_fold: windows of %lld x %lld overflow", (long long)g->s.kh, (long long)g->s.kw);
    if (channels % taps != 0 || channels == 0)
        return ct__fail(CT_ERR_SHAPE, "ct_fold: the %lld rows of x %s are not divisible by the window's %lld x %lld elements", (long long)channels,
                        CT__SIZES(&a, x), (long long)g->s.kh, (long long)g->s.kw);
    if (x->sizes[x->ndim - 1] != windows)
        return ct__fail(CT_ERR_SHAPE, "ct_fold: x %s must have a column for each of the %lld x %lld windows", CT__SIZES(&a, x), (long long)g->s.oh,
                        (long long)g->s.ow);
    return CT_OK;
}

ct_tensor *ct_fold(ct_tensor *x, int64_t h, int64_t w, int64_t kernel_size, const ct_fold_options *options) {
    const int op = CT__OP_fold;
    ct__shape_text a;
    geometry g = {.batched = false};
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    if (x->ndim != 2 && x->ndim != 3) {
        ct__fail(CT_ERR_SHAPE, "ct_fold: x must be [N, C KH KW, L] or [C KH KW, L], got %s", CT__SIZES(&a, x));
        return NULL;
    }
    CT__TRY_NULL(check_dtype(op, x));
    if (h < 1 || w < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_fold: an image of %lld x %lld", (long long)h, (long long)w);
        return NULL;
    }
    int64_t channels = x->sizes[x->ndim - 2];
    g.batched = x->ndim == 3;
    g.s = (ct__conv_shape){.n = g.batched ? x->sizes[0] : 1, .h = h, .w = w};
    CT__TRY_NULL(fit(op, kernel_size, options ? options : &defaults, &g));
    CT__TRY_NULL(check_columns(x, &g, channels));
    g.s.c = channels / (g.s.kh * g.s.kw);
    if (x->dtype == CT_F32 || x->dtype == CT_F64) return fold(&g, x);
    ct__half wide = ct__half_begin(x); /* bool too: a place that any column has */
    return ct__half_end(wide, fold(&g, ct_to(x, CT_F32)));
}
