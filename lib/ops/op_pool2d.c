/*
 * op_pool2d.c: max, average and adaptive average pooling of images.
 *
 * Max pooling saves which tap won, a byte per result, and not its input. What backward does, scatter, is linear in the gradient, and its own
 * derivative is the gather at the same places, whose derivative is the scatter again: two nodes give every order. Average pooling is
 * linear itself, with its transpose as backward; adaptive pooling differs in its windows only.
 */
#include "kernels/kernels.h"
#include "ops/image.h"

#include <ctorch/ops_pool.h>
#include <string.h>

typedef struct pool_geometry {
    ct__pool2d_shape s; /* last: the format of x and of all that derives from it */
    bool batched;
    bool adaptive, count_pad; /* average pooling only */
    double divisor;
} pool_geometry;

static ct__image_sizes x_sizes(const pool_geometry *g) { return (ct__image_sizes){g->batched, 2, g->s.n, g->s.c, {1, g->s.h, g->s.w}}; }
static ct__image_sizes y_sizes(const pool_geometry *g) { return (ct__image_sizes){g->batched, 2, g->s.n, g->s.c, {1, g->s.oh, g->s.ow}}; }
static int real_of(const ct_tensor *t) { return t->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32; }

/* ---- geometry ---- */

static ct_status ct__image_pair(const char *fn, const char *name, int64_t scalar, const int64_t *nd, int64_t fallback, int64_t min, int64_t out[2]) {
    int64_t all[3];
    CT__TRY(ct__image_values(fn, name, 2, scalar, nd, fallback, min, 0, all));
    out[0] = all[1], out[1] = all[2];
    return CT_OK;
}

typedef struct pool_window {
    int64_t kernel[2], stride[2], pad[2], dil[2];
    bool ceil_mode;
} pool_window;

static ct_status begin_geometry(int op, const ct_tensor *x, pool_geometry *g) {
    ct__image_sizes in;
    int real;
    CT__TRY(ct__image_dtype(ct__fn(op), "x", x, &real));
    CT__TRY(ct__image_sizes_of(ct__fn(op), "x", x->sizes, x->ndim, 2, &in));
    if (in.c < 1) return ct__fail(CT_ERR_SHAPE, "%s: x has no channels", ct__fn(op));
    *g = (pool_geometry){.batched = in.batched};
    g->s = (ct__pool2d_shape){.n = in.n, .c = in.c, .h = in.size[1], .w = in.size[2], .last = ct__prefers_channels_last(x)};
    return CT_OK;
}

/* The last window must begin inside of the image or its padding on the left. */
static int64_t pool_out(int64_t size, int64_t reach, int64_t stride, int64_t pad, bool ceil_mode) {
    int64_t room = size + 2 * pad - reach;
    if (room < 0) return 0;
    int64_t n = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    return ceil_mode && (n - 1) * stride >= size + pad ? n - 1 : n;
}

static ct_status fit_window(int op, const pool_window *w, pool_geometry *g) {
    const char *fn = ct__fn(op);
    int64_t size[] = {g->s.h, g->s.w}, out[2];
    for (int i = 0; i < 2; i++) {
        int64_t reach = w->dil[i] * (w->kernel[i] - 1) + 1; /* each below 2^31 */
        if (w->pad[i] > reach / 2)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding %lld is more than half of the kernel's size %lld (%lld with dilation %lld)", fn,
                            (long long)w->pad[i], (long long)w->kernel[i], (long long)reach, (long long)w->dil[i]);
        out[i] = pool_out(size[i], reach, w->stride[i], w->pad[i], w->ceil_mode);
        if (out[i] < 1)
            return ct__fail(CT_ERR_SHAPE, "%s: the window's %s %lld is larger than the padded image's %lld", fn, i ? "width" : "height",
                            (long long)reach, (long long)(size[i] + 2 * w->pad[i]));
    }
    g->s.oh = out[0], g->s.ow = out[1];
    g->s.kh = w->kernel[0], g->s.kw = w->kernel[1];
    g->s.stride_h = w->stride[0], g->s.stride_w = w->stride[1];
    g->s.pad_h = w->pad[0], g->s.pad_w = w->pad[1];
    g->s.dil_h = w->dil[0], g->s.dil_w = w->dil[1];
    return CT_OK;
}

static ct_status read_window(int op, int64_t kernel_size, const int64_t *kernel_nd, int64_t stride, const int64_t *stride_nd, int64_t padding,
                             const int64_t *padding_nd, pool_window *w) {
    const char *fn = ct__fn(op);
    CT__TRY(ct__image_pair(fn, "kernel_size", kernel_size, kernel_nd, 0, 1, w->kernel));
    if (stride == 0 && !stride_nd) memcpy(w->stride, w->kernel, sizeof w->stride);
    else CT__TRY(ct__image_pair(fn, "stride", stride, stride_nd, 0, 1, w->stride));
    w->dil[0] = w->dil[1] = 1;
    return ct__image_pair(fn, "padding", padding, padding_nd, 0, 0, w->pad);
}

/* Dilation can carry a window's taps over a small image. */
static ct_status check_taps(int op, int64_t n, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dil, const char *dim) {
    for (int64_t i = 0; i < n && dil > 1; i++) {
        int64_t at = i * stride - pad, first = at < 0 ? (-at + dil - 1) / dil : 0;
        if (first < kernel && at + first * dil < size) continue;
        return ct__fail(CT_ERR_SHAPE, "%s: window %lld along the %s (kernel %lld, dilation %lld, padding %lld) has no element of the %lld", ct__fn(op),
                        (long long)i, dim, (long long)kernel, (long long)dil, (long long)pad, (long long)size);
    }
    return CT_OK;
}

/* ---- max pooling: scatter and gather by taps ---- */

static ct_tensor *scatter(const pool_geometry *g, ct_tensor *gy, ct_tensor *taps);
static ct_tensor *gather(const pool_geometry *g, ct_tensor *x, ct_tensor *taps);

/* Slot 0: taps, in all three. */
static void max_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0) && g[0]) gin[0] = scatter(ct__ctx(n), g[0], ct__saved(n, 0));
}
static void scatter_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = gather(ct__ctx(n), g[0], ct__saved(n, 0));
}
static void gather_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = scatter(ct__ctx(n), g[0], ct__saved(n, 0));
}
static const ct__node_class max_class = {
    .op = CT__OP_max_pool2d, .backward = max_backward, .ctx_size = sizeof(pool_geometry), .n_saved = 1};
static const ct__node_class scatter_class = {
    .op = -1, .name = "MaxPool2dScatterBackward", .backward = scatter_backward, .ctx_size = sizeof(pool_geometry), .n_saved = 1};
static const ct__node_class gather_class = {
    .op = -1, .name = "MaxPool2dGatherBackward", .backward = gather_backward, .ctx_size = sizeof(pool_geometry), .n_saved = 1};

static ct__node *record(const ct__node_class *cls, const pool_geometry *g, ct_tensor *in, ct_tensor *taps, int n_out) {
    ct__node *n = ct__node_new(cls, &in, 1, n_out);
    if (!n) return NULL;
    *(pool_geometry *)ct__ctx(n) = *g;
    if (taps) ct__save(n, 0, taps);
    return n;
}

static ct_tensor *scatter(const pool_geometry *g, ct_tensor *gy, ct_tensor *taps) {
    const char *fn = ct__fn(CT__OP_max_pool2d);
    if (!ct__enter(CT__OP_max_pool2d, (ct_tensor *[]){gy, taps}, 2)) return NULL;
    ct__image_sizes sizes = x_sizes(g);
    ct_tensor *gx = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)gy->dtype), *in = gx ? ct__image_as(fn, gy, g->s.last) : NULL;
    ct__node *n = in ? record(&scatter_class, g, gy, taps, 1) : NULL;
    if (in && gx->numel > 0) ct__kern()->pool2d.max_scatter[real_of(gx)](&g->s, ct__ptr(in), ct__ptr(taps), ct__ptr(gx));
    ct__unref(in);
    return ct__finish(n, gx);
}

static ct_tensor *gather(const pool_geometry *g, ct_tensor *x, ct_tensor *taps) {
    const char *fn = ct__fn(CT__OP_max_pool2d);
    if (!ct__enter(CT__OP_max_pool2d, (ct_tensor *[]){x, taps}, 2)) return NULL;
    ct__image_sizes sizes = y_sizes(g);
    ct_tensor *y = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)x->dtype), *in = y ? ct__image_as(fn, x, g->s.last) : NULL;
    ct__node *n = in ? record(&gather_class, g, x, taps, 1) : NULL;
    if (in && y->numel > 0) ct__kern()->pool2d.max_gather[real_of(y)](&g->s, ct__ptr(in), ct__ptr(taps), ct__ptr(y));
    ct__unref(in);
    return ct__finish(n, y);
}

static ct_status max_geometry(const ct_tensor *x, int64_t kernel_size, const ct_max_pool2d_options *options, pool_geometry *g) {
    static const ct_max_pool2d_options defaults = {0};
    const ct_max_pool2d_options *o = options ? options : &defaults;
    const int op = CT__OP_max_pool2d;
    pool_window w = {.ceil_mode = o->ceil_mode};
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY(begin_geometry(op, x, g));
    CT__TRY(read_window(op, kernel_size, o->kernel_size_nd, o->stride, o->stride_nd, o->padding, o->padding_nd, &w));
    CT__TRY(ct__image_pair(ct__fn(op), "dilation", o->dilation, o->dilation_nd, 1, 1, w.dil));
    CT__TRY(fit_window(op, &w, g));
    if (w.kernel[0] > INT32_MAX / w.kernel[1])
        return ct__fail(CT_ERR_UNSUPPORTED, "ct_max_pool2d: a window of %lld x %lld is too large", (long long)w.kernel[0], (long long)w.kernel[1]);
    CT__TRY(check_taps(op, g->s.oh, g->s.h, w.kernel[0], w.stride[0], w.pad[0], w.dil[0], "height"));
    return check_taps(op, g->s.ow, g->s.w, w.kernel[1], w.stride[1], w.pad[1], w.dil[1], "width");
}

ct_tensor *ct_max_pool2d(ct_tensor *x, int64_t kernel_size, const ct_max_pool2d_options *options, ct_tensor **indices) {
    const char *fn = ct__fn(CT__OP_max_pool2d);
    pool_geometry g;
    if (indices) *indices = NULL;
    if (!ct__enter(CT__OP_max_pool2d, &x, 1)) return NULL;
    CT__TRY_NULL(max_geometry(x, kernel_size, options, &g));
    ct__image_sizes sizes = y_sizes(&g);
    ct_tensor *out[2] = {ct__image_new(fn, &sizes, g.s.last, (ct_dtype)x->dtype), NULL}, *taps = NULL, *in = NULL;
    ct__node *n = NULL;
    int n_out = indices ? 2 : 1;
    if (!out[0]) return NULL;
    if (indices) out[1] = ct__image_new(fn, &sizes, g.s.last, CT_I64);
    if (ct__pending() == CT_OK) taps = ct__image_new(fn, &sizes, g.s.last, ct__pool2d_wide_taps(&g.s) ? CT_I32 : CT_U8);
    if (taps) in = ct__image_as(fn, x, g.s.last);
    if (in) n = record(&max_class, &g, x, taps, n_out);
    if (in && out[0]->numel > 0) {
        ct__kern()->pool2d.max_forward[real_of(x)](&g.s, ct__ptr(in), ct__ptr(out[0]), ct__ptr(taps));
        if (indices) ct__kern()->pool2d.max_indices(&g.s, ct__ptr(taps), (int64_t *)(void *)ct__ptr(out[1]));
    }
    ct__unref(in);
    ct__unref(taps);
    ct__finish_n(n, out, n_out);
    if (indices) *indices = out[1];
    return out[0];
}

/* ---- average pooling ---- */

static ct__pool2d_window strided_window(int64_t i, int64_t size, int64_t kernel, int64_t stride, int64_t pad, bool count_pad) {
    int64_t begin = i * stride - pad, end = ct__min_i64(begin + kernel, size + pad);
    ct__pool2d_window w = {.begin = ct__max_i64(begin, 0), .end = ct__min_i64(end, size)};
    w.count = (double)(count_pad ? end - begin : w.end - w.begin);
    return w;
}

/* floor(i size / out) to ceil((i + 1) size / out), without the product. */
static ct__pool2d_window adaptive_window(int64_t i, int64_t size, int64_t out) {
    int64_t whole = size / out, rest = size % out;
    ct__pool2d_window w = {.begin = i * whole + i * rest / out, .end = (i + 1) * whole + ((i + 1) * rest + out - 1) / out};
    w.count = (double)(w.end - w.begin);
    return w;
}

/* Tables for rows and columns in one block, which the caller frees; NULL on an error. */
static ct__pool2d_window *make_windows(const pool_geometry *g, ct__pool2d_windows *win) {
    const ct__pool2d_shape *s = &g->s;
    ct__pool2d_window *w = ct__alloc_array((size_t)(s->oh + s->ow), sizeof *w);
    if (!w) return NULL;
    for (int64_t i = 0; i < s->oh; i++)
        w[i] = g->adaptive ? adaptive_window(i, s->h, s->oh) : strided_window(i, s->h, s->kh, s->stride_h, s->pad_h, g->count_pad);
    for (int64_t j = 0; j < s->ow; j++)
        w[s->oh + j] = g->adaptive ? adaptive_window(j, s->w, s->ow) : strided_window(j, s->w, s->kw, s->stride_w, s->pad_w, g->count_pad);
    *win = (ct__pool2d_windows){.rows = w, .cols = w + s->oh, .divisor = g->divisor};
    return w;
}

static ct_tensor *avg(const pool_geometry *g, ct_tensor *x);
static ct_tensor *spread(const pool_geometry *g, ct_tensor *gy);

static int avg_op(const pool_geometry *g) { return g->adaptive ? CT__OP_adaptive_avg_pool2d : CT__OP_avg_pool2d; }

static void avg_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = spread(ct__ctx(n), g[0]);
}
static void spread_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = avg(ct__ctx(n), g[0]);
}
static const ct__node_class avg_class = {.op = CT__OP_avg_pool2d, .backward = avg_backward, .ctx_size = sizeof(pool_geometry)};
static const ct__node_class adaptive_class = {.op = CT__OP_adaptive_avg_pool2d, .backward = avg_backward, .ctx_size = sizeof(pool_geometry)};
static const ct__node_class spread_class = {
    .op = -1, .name = "AvgPool2dSpreadBackward", .backward = spread_backward, .ctx_size = sizeof(pool_geometry)};

static ct_tensor *avg(const pool_geometry *g, ct_tensor *x) {
    const char *fn = ct__fn(avg_op(g));
    ct__pool2d_windows win;
    if (!ct__enter(avg_op(g), &x, 1)) return NULL;
    ct__image_sizes sizes = y_sizes(g);
    ct_tensor *y = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)x->dtype), *in = y ? ct__image_as(fn, x, g->s.last) : NULL;
    ct__node *n = in ? record(g->adaptive ? &adaptive_class : &avg_class, g, x, NULL, 1) : NULL;
    ct__pool2d_window *table = in ? make_windows(g, &win) : NULL;
    if (table && y->numel > 0) ct__kern()->pool2d.avg_forward[real_of(y)](&g->s, &win, ct__ptr(in), ct__ptr(y));
    ct__free(table);
    ct__unref(in);
    return ct__finish(n, y);
}

static ct_tensor *spread(const pool_geometry *g, ct_tensor *gy) {
    const char *fn = ct__fn(avg_op(g));
    ct__pool2d_windows win;
    if (!ct__enter(avg_op(g), &gy, 1)) return NULL;
    ct__image_sizes sizes = x_sizes(g);
    ct_tensor *gx = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)gy->dtype), *in = gx ? ct__image_as(fn, gy, g->s.last) : NULL;
    ct__node *n = in ? record(&spread_class, g, gy, NULL, 1) : NULL;
    ct__pool2d_window *table = in ? make_windows(g, &win) : NULL;
    if (table && gx->numel > 0) ct__kern()->pool2d.avg_backward[real_of(gx)](&g->s, &win, ct__ptr(in), ct__ptr(gx));
    ct__free(table);
    ct__unref(in);
    return ct__finish(n, gx);
}

static ct_status avg_geometry(const ct_tensor *x, int64_t kernel_size, const ct_avg_pool2d_options *options, pool_geometry *g) {
    static const ct_avg_pool2d_options defaults = {0};
    const ct_avg_pool2d_options *o = options ? options : &defaults;
    const int op = CT__OP_avg_pool2d;
    pool_window w = {.ceil_mode = o->ceil_mode};
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY(begin_geometry(op, x, g));
    CT__TRY(read_window(op, kernel_size, o->kernel_size_nd, o->stride, o->stride_nd, o->padding, o->padding_nd, &w));
    g->count_pad = !o->no_count_include_pad;
    g->divisor = (double)o->divisor_override;
    return fit_window(op, &w, g);
}

ct_tensor *ct_avg_pool2d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool2d_options *options) {
    pool_geometry g;
    if (!ct__enter(CT__OP_avg_pool2d, &x, 1)) return NULL;
    CT__TRY_NULL(avg_geometry(x, kernel_size, options, &g));
    return avg(&g, x);
}

ct_tensor *ct_adaptive_avg_pool2d(ct_tensor *x, int64_t h, int64_t w) {
    const int op = CT__OP_adaptive_avg_pool2d;
    pool_geometry g;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(begin_geometry(op, x, &g));
    g.adaptive = true;
    g.s.oh = h == CT_DIM_NONE ? g.s.h : h;
    g.s.ow = w == CT_DIM_NONE ? g.s.w : w;
    if (g.s.oh < 0 || g.s.ow < 0 || g.s.oh > INT32_MAX || g.s.ow > INT32_MAX) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_adaptive_avg_pool2d: the size %lld x %lld must be of 0 to %d", (long long)h, (long long)w, INT32_MAX);
        return NULL;
    }
    return avg(&g, x);
}
