/*
 * windows.c: see windows.h.
 */
#include "ops/windows.h"

ct__image_sizes ct__pool_x_sizes(const ct__pool_geometry *g) {
    return (ct__image_sizes){g->batched, g->nd, g->s.n, g->s.c, {g->s.d, g->s.h, g->s.w}};
}
ct__image_sizes ct__pool_y_sizes(const ct__pool_geometry *g) {
    return (ct__image_sizes){g->batched, g->nd, g->s.n, g->s.c, {g->s.od, g->s.oh, g->s.ow}};
}

ct_status ct__pool_begin(int op, int nd, const ct_tensor *x, ct__pool_geometry *g) {
    ct__image_sizes in;
    CT__TRY(ct__image_sizes_of(ct__fn(op), "x", x->sizes, x->ndim, nd, &in));
    if (in.c < 1) return ct__fail(CT_ERR_SHAPE, "%s: x has no channels", ct__fn(op));
    *g = (ct__pool_geometry){.nd = nd, .batched = in.batched};
    g->s = (ct__pool_shape){.n = in.n, .c = in.c, .d = in.size[0], .h = in.size[1], .w = in.size[2]};
    g->s.last = nd == 2 && ct__prefers_channels_last(x);
    return CT_OK;
}

/* The last window must begin inside of the image or its padding on the left. With ceil_mode even the first may hang over. */
static int64_t pool_out(int64_t size, int64_t reach, int64_t stride, int64_t pad, bool ceil_mode) {
    int64_t room = size + 2 * pad - reach + (ceil_mode ? stride - 1 : 0);
    if (room < 0) return 0;
    int64_t n = room / stride + 1;
    return ceil_mode && (n - 1) * stride >= size + pad ? n - 1 : n;
}

/* Dilation can carry a window's taps over a small image. */
static ct_status check_taps(int op, const char *dim, int64_t n, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dil) {
    for (int64_t i = 0; i < n && dil > 1; i++) {
        int64_t at = i * stride - pad, first = at < 0 ? (-at + dil - 1) / dil : 0;
        if (first < kernel && at + first * dil < size) continue;
        return ct__fail(CT_ERR_SHAPE, "%s: window %lld along the %s (kernel %lld, dilation %lld, padding %lld) has no element of the %lld", ct__fn(op),
                        (long long)i, dim, (long long)kernel, (long long)dil, (long long)pad, (long long)size);
    }
    return CT_OK;
}

static ct_status fit_dim(int op, const char *dim, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dil, bool ceil_mode, int64_t *out) {
    const char *fn = ct__fn(op);
    int64_t reach = dil * (kernel - 1) + 1; /* each below 2^31 */
    if (pad > reach / 2)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding %lld is more than half of the kernel's size %lld (%lld with dilation %lld)", fn,
                        (long long)pad, (long long)kernel, (long long)reach, (long long)dil);
    *out = pool_out(size, reach, stride, pad, ceil_mode);
    if (*out < 1)
        return ct__fail(CT_ERR_SHAPE, "%s: the window's %s %lld is larger than the padded image's %lld", fn, dim, (long long)reach,
                        (long long)(size + 2 * pad));
    return check_taps(op, dim, *out, size, kernel, stride, pad, dil);
}

ct_status ct__pool_fit(int op, const ct__pool_request *r, ct__pool_geometry *g) {
    const char *fn = ct__fn(op);
    ct__pool_shape *s = &g->s;
    int nd = g->nd;
    int64_t kernel[3], stride[3], pad[3], dil[3], out[3];
    const int64_t size[] = {s->d, s->h, s->w};
    CT__TRY(ct__image_values(fn, "kernel_size", nd, r->kernel_size, r->kernel_size_nd, 0, 1, 1, kernel));
    bool tiles = r->stride == 0 && !r->stride_nd;
    CT__TRY(ct__image_values(fn, "stride", nd, r->stride, tiles ? &kernel[3 - nd] : r->stride_nd, 0, 1, 1, stride));
    CT__TRY(ct__image_values(fn, "padding", nd, r->padding, r->padding_nd, 0, 0, 0, pad));
    CT__TRY(ct__image_values(fn, "dilation", nd, r->dilation, r->dilation_nd, 1, 1, 1, dil));
    for (int i = 0; i < 3; i++) CT__TRY(fit_dim(op, ct__image_dim(nd, i), size[i], kernel[i], stride[i], pad[i], dil[i], r->ceil_mode, &out[i]));
    s->od = out[0], s->oh = out[1], s->ow = out[2];
    s->kd = kernel[0], s->kh = kernel[1], s->kw = kernel[2];
    s->stride_d = stride[0], s->stride_h = stride[1], s->stride_w = stride[2];
    s->pad_d = pad[0], s->pad_h = pad[1], s->pad_w = pad[2];
    s->dil_d = dil[0], s->dil_h = dil[1], s->dil_w = dil[2];
    return CT_OK;
}

ct_status ct__pool_fit_adaptive(int op, const int64_t *out_nd, ct__pool_geometry *g) {
    const int64_t size[] = {g->s.d, g->s.h, g->s.w};
    int64_t out[3] = {1, 1, 1};
    for (int i = 0; i < g->nd; i++) {
        int at = 3 - g->nd + i;
        out[at] = out_nd[i] == CT_DIM_NONE ? size[at] : out_nd[i];
        if (out[at] < 0 || out[at] > INT32_MAX)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the result's %s %lld must be of 0 to %d", ct__fn(op), ct__image_dim(g->nd, at),
                            (long long)out[at], INT32_MAX);
    }
    g->adaptive = true;
    g->s.od = out[0], g->s.oh = out[1], g->s.ow = out[2];
    return CT_OK;
}

/* ---- windows ---- */

static ct__pool_window strided_window(int64_t i, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dil, bool count_pad) {
    int64_t begin = i * stride - pad, end = ct__min_i64(begin + dil * (kernel - 1) + 1, size + pad);
    int64_t first = begin < 0 ? begin + (-begin + dil - 1) / dil * dil : begin;
    ct__pool_window w = {.begin = first, .end = ct__min_i64(end, size), .step = dil};
    w.count = (double)(count_pad ? end - begin : w.end - w.begin);
    return w;
}

/* floor(i size / out) to ceil((i + 1) size / out), without the product. */
static ct__pool_window adaptive_window(int64_t i, int64_t size, int64_t out) {
    int64_t whole = size / out, rest = size % out;
    ct__pool_window w = {.begin = i * whole + i * rest / out, .end = (i + 1) * whole + ((i + 1) * rest + out - 1) / out, .step = 1};
    w.count = (double)(w.end - w.begin);
    return w;
}

ct__pool_window *ct__pool_tables(const ct__pool_geometry *g, ct__pool_windows *win) {
    const ct__pool_shape *s = &g->s;
    const int64_t size[] = {s->d, s->h, s->w}, out[] = {s->od, s->oh, s->ow}, kernel[] = {s->kd, s->kh, s->kw};
    const int64_t stride[] = {s->stride_d, s->stride_h, s->stride_w}, pad[] = {s->pad_d, s->pad_h, s->pad_w}, dil[] = {s->dil_d, s->dil_h, s->dil_w};
    ct__pool_window *table = ct__alloc_array((size_t)(s->od + s->oh + s->ow), sizeof *table), *w = table;
    if (!table) return NULL;
    *win = (ct__pool_windows){.planes = w, .rows = w + s->od, .cols = w + s->od + s->oh, .divisor = g->divisor};
    for (int d = 0; d < 3; d++)
        for (int64_t i = 0; i < out[d]; i++)
            *w++ = g->adaptive ? adaptive_window(i, size[d], out[d]) : strided_window(i, size[d], kernel[d], stride[d], pad[d], dil[d], g->count_pad);
    return table;
}
