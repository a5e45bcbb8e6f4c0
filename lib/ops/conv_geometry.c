/*
 * conv_geometry.c: the sizes of convolutions from those of their tensors and options.
 */
#include "ops/conv.h"

static const char *weight_form(int nd, bool transposed) {
    static const char *const form[] = {"[F, C / groups, K]", "[F, C / groups, KH, KW]", "[F, C / groups, KD, KH, KW]"};
    static const char *const turned[] = {"[C, F / groups, K]", "[C, F / groups, KH, KW]", "[C, F / groups, KD, KH, KW]"};
    return transposed ? turned[nd - 1] : form[nd - 1];
}

/* A weight of nd + 2 dims, none of them 0 but the channels; filters divisible by groups. */
static ct_status check_weight(const char *fn, int nd, const int64_t *w, int w_ndim, int64_t groups, bool transposed) {
    ct__shape_text tw;
    const char *weight = ct__shape_str(&tw, w, w_ndim);
    if (w_ndim != nd + 2) return ct__fail(CT_ERR_SHAPE, "%s: weight must be %s, got %s", fn, weight_form(nd, transposed), weight);
    bool empty = w[0] < 1;
    for (int i = 2; i < w_ndim; i++) empty = empty || w[i] < 1;
    if (empty)
        return ct__fail(CT_ERR_SHAPE, "%s: weight %s must have at least one filter and a kernel of at least %s", fn, weight,
                        nd == 1 ? "1" : nd == 2 ? "1 x 1" : "1 x 1 x 1");
    if (w[0] % groups != 0)
        return ct__fail(CT_ERR_SHAPE, "%s: the %lld %s of weight %s are not divisible by groups = %lld", fn, (long long)w[0],
                        transposed ? "channels" : "filters", weight, (long long)groups);
    return CT_OK;
}

static ct_status check_channels(const char *fn, const int64_t *x, int x_ndim, const int64_t *w, int w_ndim, int64_t channels, int64_t groups) {
    ct__shape_text tx, tw;
    if (channels / groups == w[1] && channels % groups == 0) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: weight %s with groups = %lld expects %lld channels, but x %s has %lld", fn, ct__shape_str(&tw, w, w_ndim),
                    (long long)groups, (long long)(w[1] * groups), ct__shape_str(&tx, x, x_ndim), (long long)channels);
}

/* ---- one dimension ---- */

typedef struct axis {
    int64_t taps, stride, pad, dil;
    int64_t extra; /* what 'same' pads more behind; output_padding of the transposed form */
} axis;

/* dil (taps - 1) + 1 */
static ct_status reach_of(const char *fn, const char *dim, const axis *a, int64_t *reach) {
    if (ct__mul_i64(a->dil, a->taps - 1, reach) && ct__add_i64(*reach, 1, reach)) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: the %s of kernel (%lld, dilation %lld) overflows", fn, dim, (long long)a->taps, (long long)a->dil);
}

static ct_status out_size(const char *fn, const char *dim, int64_t size, const axis *a, int64_t *out) {
    int64_t reach = 0, padded;
    CT__TRY(reach_of(fn, dim, a, &reach));
    if (!ct__add_i64(size, 2 * a->pad + a->extra, &padded))
        return ct__fail(CT_ERR_SHAPE, "%s: the %s of the padded image overflows", fn, dim);
    if (padded < reach)
        return ct__fail(CT_ERR_SHAPE, "%s: the kernel's %s %lld (%lld with dilation %lld) is larger than the padded image's %lld (%lld + 2 x %lld)", fn,
                        dim, (long long)a->taps, (long long)reach, (long long)a->dil, (long long)padded, (long long)size, (long long)a->pad);
    *out = (padded - reach) / a->stride + 1;
    return CT_OK;
}

static ct_status transposed_size(const char *fn, const char *dim, int64_t size, const axis *a, int64_t *out) {
    int64_t reach = 0, whole;
    if (a->extra >= ct__max_i64(a->stride, a->dil))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: output_padding %lld must be smaller than stride %lld or dilation %lld", fn, (long long)a->extra,
                        (long long)a->stride, (long long)a->dil);
    CT__TRY(reach_of(fn, dim, a, &reach));
    if (!ct__mul_i64(size - 1, a->stride, &whole) || !ct__add_i64(whole, reach, &whole) || !ct__add_i64(whole, a->extra, &whole))
        return ct__fail(CT_ERR_SHAPE, "%s: the %s of the result overflows", fn, dim);
    *out = whole - 2 * a->pad;
    if (*out >= 1) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: the result's %s would be %lld: (%lld - 1) x %lld + %lld + %lld - 2 x %lld", fn, dim, (long long)*out,
                    (long long)size, (long long)a->stride, (long long)reach, (long long)a->extra, (long long)a->pad);
}

/* ---- options ---- */

static ct_status read_groups(const char *fn, int64_t given, int64_t *groups) {
    *groups = given != 0 ? given : 1;
    if (*groups < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: groups is %lld; it must be positive", fn, (long long)given);
    return CT_OK;
}

static ct_status resolve_padding(const char *fn, int nd, const ct_conv_options *o, axis a[3]) {
    int64_t pad[3];
    CT__TRY(ct__image_values(fn, "padding", nd, o->padding, o->padding_nd, 0, 0, 0, pad));
    for (int i = 0; i < 3; i++) a[i].pad = pad[i];
    if (o->auto_padding == CT_CONV_PADDING_EXPLICIT) return CT_OK;
    if (o->auto_padding != CT_CONV_PADDING_VALID && o->auto_padding != CT_CONV_PADDING_SAME)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown auto_padding %d", fn, (int)o->auto_padding);
    for (int i = 0; i < 3; i++) {
        if (pad[i] != 0)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding %lld is given beside an auto_padding that decides it", fn, (long long)pad[i]);
        if (o->auto_padding == CT_CONV_PADDING_VALID) continue;
        if (a[i].stride != 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding 'same' needs stride 1, got %lld along the %s", fn, (long long)a[i].stride,
                            ct__image_dim(nd, i));
        int64_t reach = 0;
        CT__TRY(reach_of(fn, ct__image_dim(nd, i), &a[i], &reach));
        a[i].pad = (reach - 1) / 2;
        a[i].extra = (reach - 1) % 2;
    }
    return CT_OK;
}

static void set_axes(ct__conv_geometry *g, const axis a[3], const int64_t x[3], const int64_t y[3]) {
    ct__conv_shape *s = &g->s;
    g->d = x[0], s->h = x[1], s->w = x[2];
    g->od = y[0], s->oh = y[1], s->ow = y[2];
    g->kd = a[0].taps, s->kh = a[1].taps, s->kw = a[2].taps;
    g->stride_d = a[0].stride, s->stride_h = a[1].stride, s->stride_w = a[2].stride;
    g->pad_d = a[0].pad, s->pad_h = a[1].pad, s->pad_w = a[2].pad;
    g->dil_d = a[0].dil, s->dil_h = a[1].dil, s->dil_w = a[2].dil;
}

static ct_status read_axes(const char *fn, int nd, const int64_t *w, int64_t stride, const int64_t *stride_nd, int64_t dilation,
                           const int64_t *dilation_nd, axis a[3]) {
    int64_t strides[3], dils[3];
    CT__TRY(ct__image_values(fn, "stride", nd, stride, stride_nd, 1, 1, 1, strides));
    CT__TRY(ct__image_values(fn, "dilation", nd, dilation, dilation_nd, 1, 1, 1, dils));
    for (int i = 0; i < 3; i++) a[i] = (axis){.taps = i < 3 - nd ? 1 : w[2 + i - (3 - nd)], .stride = strides[i], .dil = dils[i]};
    return CT_OK;
}

/* ---- the two fits ---- */

ct_status ct__conv_fit(int op, int nd, const int64_t *x, int x_ndim, const int64_t *w, int w_ndim, const ct_conv_options *options,
                       ct__conv_geometry *g) {
    static const ct_conv_options defaults = {0};
    const ct_conv_options *o = options ? options : &defaults;
    const char *fn = ct__fn(op);
    ct__image_sizes in;
    axis a[3] = {{0}};
    int64_t groups, out[3];
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    CT__TRY(read_groups(fn, o->groups, &groups));
    CT__TRY(ct__image_sizes_of(fn, "x", x, x_ndim, nd, &in));
    CT__TRY(check_weight(fn, nd, w, w_ndim, groups, false));
    CT__TRY(check_channels(fn, x, x_ndim, w, w_ndim, in.c, groups));
    CT__TRY(read_axes(fn, nd, w, o->stride, o->stride_nd, o->dilation, o->dilation_nd, a));
    CT__TRY(resolve_padding(fn, nd, o, a));
    for (int i = 0; i < 3; i++) CT__TRY(out_size(fn, ct__image_dim(nd, i), in.size[i], &a[i], &out[i]));
    *g = (ct__conv_geometry){.nd = nd, .batched = in.batched, .s = {.n = in.n, .c = in.c, .f = w[0], .groups = groups}};
    set_axes(g, a, in.size, out);
    return CT_OK;
}

ct_status ct__conv_transpose_fit(int op, int nd, const int64_t *y, int y_ndim, const int64_t *w, int w_ndim, const ct_conv_transpose_options *options,
                                 ct__conv_geometry *g) {
    static const ct_conv_transpose_options defaults = {0};
    const ct_conv_transpose_options *o = options ? options : &defaults;
    const char *fn = ct__fn(op);
    ct__image_sizes in;
    axis a[3] = {{0}};
    ct__shape_text tx, tw;
    int64_t groups, pad[3], out_pad[3], out[3], channels;
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    CT__TRY(read_groups(fn, o->groups, &groups));
    CT__TRY(ct__image_sizes_of(fn, "x", y, y_ndim, nd, &in));
    CT__TRY(check_weight(fn, nd, w, w_ndim, groups, true));
    if (in.c != w[0])
        return ct__fail(CT_ERR_SHAPE, "%s: weight %s expects %lld channels, but x %s has %lld", fn, ct__shape_str(&tw, w, w_ndim), (long long)w[0],
                        ct__shape_str(&tx, y, y_ndim), (long long)in.c);
    if (w[1] < 1) return ct__fail(CT_ERR_SHAPE, "%s: weight %s makes no channels", fn, ct__shape_str(&tw, w, w_ndim));
    CT__TRY(read_axes(fn, nd, w, o->stride, o->stride_nd, o->dilation, o->dilation_nd, a));
    CT__TRY(ct__image_values(fn, "padding", nd, o->padding, o->padding_nd, 0, 0, 0, pad));
    CT__TRY(ct__image_values(fn, "output_padding", nd, o->output_padding, o->output_padding_nd, 0, 0, 0, out_pad));
    for (int i = 0; i < 3; i++) {
        a[i].pad = pad[i];
        a[i].extra = out_pad[i];
        CT__TRY(transposed_size(fn, ct__image_dim(nd, i), in.size[i], &a[i], &out[i]));
    }
    if (!ct__mul_i64(w[1], groups, &channels))
        return ct__fail(CT_ERR_SHAPE, "%s: %lld x %lld channels overflow", fn, (long long)w[1], (long long)groups);
    *g = (ct__conv_geometry){.nd = nd, .batched = in.batched, .s = {.n = in.n, .c = channels, .f = w[0], .groups = groups}};
    set_axes(g, a, out, in.size);
    return CT_OK;
}

ct__image_sizes ct__conv_x_sizes(const ct__conv_geometry *g) {
    return (ct__image_sizes){g->batched, g->nd, g->s.n, g->s.c, {g->d, g->s.h, g->s.w}};
}
ct__image_sizes ct__conv_y_sizes(const ct__conv_geometry *g) {
    return (ct__image_sizes){g->batched, g->nd, g->s.n, g->s.f, {g->od, g->s.oh, g->s.ow}};
}
int ct__conv_w_sizes(const ct__conv_geometry *g, int64_t *sizes) {
    const int64_t kernel[] = {g->kd, g->s.kh, g->s.kw};
    sizes[0] = g->s.f;
    sizes[1] = g->s.c / g->s.groups;
    for (int i = 0; i < g->nd; i++) sizes[2 + i] = kernel[3 - g->nd + i];
    return g->nd + 2;
}
