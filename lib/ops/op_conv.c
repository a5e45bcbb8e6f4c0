/*
 * op_conv.c: two-dimensional convolution and its two gradients.
 *
 *      y  = conv2d(x, w) + b      gx = conv2d_input(w, gy)      gw = conv2d_weight(x, gy)      gb = sum of gy over n, h, w
 *
 * All three are bilinear, and the derivatives of each are the other two: with L = <conv2d(x, w), gy> = <x, gx> = <w, gw>, replacing one of x, w, gy
 * by an incoming gradient gives
 *
 *      op               of        gradient
 *      conv2d           x, w      conv2d_input(w, g)     conv2d_weight(x, g)
 *      conv2d_input     w, gy     conv2d_weight(g, gy)   conv2d(g, w)
 *      conv2d_weight    x, gy     conv2d_input(g, gy)    conv2d(x, g)
 *
 * so gradients of every order need no formula of their own. The geometry is worked out once, by the public call, and goes along in the node.
 */
#include "kernels/kernels.h"
#include "ops/image.h"

#include <ctorch/ops_conv.h>
#include <ctorch/ops_reduce.h>
#include <string.h>

typedef struct conv_geometry {
    ct__conv_shape s; /* x_last and y_last are set for each call */
    bool batched;
    bool last; /* the format of new images */
} conv_geometry;

/* ---- geometry ---- */

static ct_status check_weight(const char *fn, const int64_t *x, int x_ndim, const int64_t *w, int w_ndim, int64_t channels, int64_t groups) {
    ct__shape_text tx, tw;
    const char *weight = ct__shape_str(&tw, w, w_ndim);
    if (w_ndim != 4) return ct__fail(CT_ERR_SHAPE, "%s: weight must be [F, C / groups, KH, KW], got %s", fn, weight);
    if (w[0] < 1 || w[2] < 1 || w[3] < 1)
        return ct__fail(CT_ERR_SHAPE, "%s: weight %s must have at least one filter and a kernel of at least 1 x 1", fn, weight);
    if (w[0] % groups != 0)
        return ct__fail(CT_ERR_SHAPE, "%s: the %lld filters of weight %s are not divisible by groups = %lld", fn, (long long)w[0], weight,
                        (long long)groups);
    if (channels / groups != w[1] || channels % groups != 0)
        return ct__fail(CT_ERR_SHAPE, "%s: weight %s with groups = %lld expects %lld channels, but x %s has %lld", fn, weight, (long long)groups,
                        (long long)(w[1] * groups), ct__shape_str(&tx, x, x_ndim), (long long)channels);
    return CT_OK;
}

/* Output size of one dimension; pad is the padding before, extra what 'same' has more behind. */
static ct_status out_size(const char *fn, const char *dim, int64_t size, int64_t taps, int64_t stride, int64_t pad, int64_t extra, int64_t dil,
                          int64_t *out) {
    int64_t reach, padded;
    if (!ct__mul_i64(dil, taps - 1, &reach) || !ct__add_i64(reach, 1, &reach) || !ct__add_i64(size, 2 * pad + extra, &padded))
        return ct__fail(CT_ERR_SHAPE, "%s: the %s of kernel (%lld) or padded image overflows", fn, dim, (long long)taps);
    if (padded < reach)
        return ct__fail(CT_ERR_SHAPE, "%s: the kernel's %s %lld (%lld with dilation %lld) is larger than the padded image's %lld (%lld + 2 x %lld)", fn,
                        dim, (long long)taps, (long long)reach, (long long)dil, (long long)padded, (long long)size, (long long)pad);
    *out = (padded - reach) / stride + 1;
    return CT_OK;
}

static ct_status resolve_padding(const char *fn, const ct_conv2d_options *o, const ct__conv_shape *s, int64_t pad[2], int64_t extra[2]) {
    CT__TRY(ct__image_pair(fn, "padding", o->padding, o->padding_nd, 0, 0, pad));
    extra[0] = extra[1] = 0;
    if (o->auto_padding == CT_CONV_PADDING_EXPLICIT) return CT_OK;
    if (o->auto_padding != CT_CONV_PADDING_VALID && o->auto_padding != CT_CONV_PADDING_SAME)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown auto_padding %d", fn, (int)o->auto_padding);
    if (pad[0] != 0 || pad[1] != 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding %lld x %lld is given beside an auto_padding that decides it", fn, (long long)pad[0],
                        (long long)pad[1]);
    if (o->auto_padding == CT_CONV_PADDING_VALID) return CT_OK;
    if (s->stride_h != 1 || s->stride_w != 1)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding 'same' needs stride 1, got %lld x %lld", fn, (long long)s->stride_h,
                        (long long)s->stride_w);
    int64_t total[2];
    if (!ct__mul_i64(s->dil_h, s->kh - 1, &total[0]) || !ct__mul_i64(s->dil_w, s->kw - 1, &total[1]))
        return ct__fail(CT_ERR_SHAPE, "%s: a kernel of %lld x %lld overflows", fn, (long long)s->kh, (long long)s->kw);
    for (int i = 0; i < 2; i++) {
        pad[i] = total[i] / 2;
        extra[i] = total[i] % 2;
    }
    return CT_OK;
}

static ct_status make_geometry(int op, const int64_t *x, int x_ndim, const int64_t *w, int w_ndim, const ct_conv2d_options *options,
                               conv_geometry *g) {
    static const ct_conv2d_options defaults = {0};
    const ct_conv2d_options *o = options ? options : &defaults;
    const char *fn = ct__fn(op);
    ct__image_sizes in;
    int64_t stride[2], dil[2], pad[2], extra[2], groups = o->groups != 0 ? o->groups : 1;
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (groups < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: groups is %lld; it must be positive", fn, (long long)groups);
    CT__TRY(ct__image_sizes_of(fn, "x", x, x_ndim, &in));
    CT__TRY(check_weight(fn, x, x_ndim, w, w_ndim, in.c, groups));
    CT__TRY(ct__image_pair(fn, "stride", o->stride, o->stride_nd, 1, 1, stride));
    CT__TRY(ct__image_pair(fn, "dilation", o->dilation, o->dilation_nd, 1, 1, dil));
    g->batched = in.batched;
    g->s = (ct__conv_shape){.n = in.n, .c = in.c, .h = in.h, .w = in.w, .f = w[0], .kh = w[2], .kw = w[3], .groups = groups};
    g->s.stride_h = stride[0], g->s.stride_w = stride[1], g->s.dil_h = dil[0], g->s.dil_w = dil[1];
    CT__TRY(resolve_padding(fn, o, &g->s, pad, extra));
    g->s.pad_h = pad[0], g->s.pad_w = pad[1];
    CT__TRY(out_size(fn, "height", in.h, w[2], stride[0], pad[0], extra[0], dil[0], &g->s.oh));
    return out_size(fn, "width", in.w, w[3], stride[1], pad[1], extra[1], dil[1], &g->s.ow);
}

static ct_status check_dtypes(int op, const char *first, const ct_tensor *a, const char *second, const ct_tensor *b) {
    int real;
    CT__TRY(ct__image_dtype(ct__fn(op), first, a, &real));
    if (b && a->dtype != b->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, %s is %s; convert one with ct_to", ct__fn(op), first, ct_dtype_name((ct_dtype)a->dtype), second,
                        ct_dtype_name((ct_dtype)b->dtype));
    return CT_OK;
}

static ct_status check_sizes(int op, const char *what, const ct_tensor *t, const ct__image_sizes *want) {
    ct__shape_text a, b;
    int64_t sizes[] = {want->n, want->c, want->h, want->w};
    int ndim = want->batched ? 4 : 3, skip = 4 - ndim;
    if (t->ndim == ndim && memcmp(t->sizes, sizes + skip, (size_t)ndim * sizeof *sizes) == 0) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %s is %s, but the other sizes and the options make it %s", ct__fn(op), what, CT__SIZES(&a, t),
                    ct__shape_str(&b, sizes + skip, ndim));
}

static ct__image_sizes x_sizes(const conv_geometry *g) { return (ct__image_sizes){g->batched, g->s.n, g->s.c, g->s.h, g->s.w}; }
static ct__image_sizes y_sizes(const conv_geometry *g) { return (ct__image_sizes){g->batched, g->s.n, g->s.f, g->s.oh, g->s.ow}; }
static bool is_last(const ct_tensor *out) { return !out->contiguous; } /* of an image of ct__image_new */
static int real_of(const ct_tensor *t) { return t->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32; }

/* ---- running kernels: out and the tensors exist, sizes are checked; errors are pending afterwards ---- */

/* Scratch for a pass; NULL with the error pending. */
static void *scratch_for(int op, const ct__conv_shape *s, ct__conv_pass pass, int real) {
    size_t bytes = ct__kern()->conv.scratch(s, pass, real);
    if (bytes == SIZE_MAX) {
        ct__fail(CT_ERR_SHAPE, "%s: an image of %lld x %lld with %lld channels, padded, is too large", ct__fn(op), (long long)s->h, (long long)s->w,
                 (long long)s->c);
        return NULL;
    }
    return ct__alloc(bytes);
}

static void zero(ct_tensor *t) { memset(ct__ptr(t), 0, (size_t)t->numel * ct_dtype_size((ct_dtype)t->dtype)); }

/* No channels to sum over: y is the bias. */
static void fill_bias(ct_tensor *y, ct_tensor *bias) {
    zero(y);
    if (!bias) return;
    int64_t strides[4] = {0};
    strides[y->ndim - 3] = bias->strides[0];
    ct_tensor *view = ct__new_view(bias, y->sizes, strides, y->ndim, bias->offset);
    if (view) ct__copy_raw(y, view);
    ct__unref(view);
}

static void run_forward(const conv_geometry *g, ct_tensor *x, ct_tensor *w, ct_tensor *bias, ct_tensor *y) {
    const char *fn = ct__fn(CT__OP_conv2d);
    int real = real_of(y);
    if (y->numel == 0) return;
    if (g->s.c == 0) {
        fill_bias(y, bias);
        return;
    }
    ct__conv_shape s = g->s;
    s.y_last = is_last(y);
    ct_tensor *xd = ct__image_read(fn, x, &s.x_last), *wd = xd ? ct__dense(fn, w) : NULL, *bd = bias && wd ? ct__dense(fn, bias) : NULL;
    void *scratch = wd && (!bias || bd) ? scratch_for(CT__OP_conv2d, &s, CT__CONV_FORWARD, real) : NULL;
    if (scratch) ct__kern()->conv.forward[real](&s, ct__ptr(xd), ct__ptr(wd), bd ? ct__ptr(bd) : NULL, ct__ptr(y), scratch);
    ct__free(scratch);
    ct__unref(bd);
    ct__unref(wd);
    ct__unref(xd);
}

static void run_input_grad(const conv_geometry *g, ct_tensor *w, ct_tensor *gy, ct_tensor *gx) {
    const char *fn = ct__fn(CT__OP_conv2d_input);
    int real = real_of(gx);
    if (gx->numel == 0) return;
    ct__conv_shape s = g->s;
    s.x_last = is_last(gx);
    ct_tensor *gd = ct__image_read(fn, gy, &s.y_last), *wd = gd ? ct__dense(fn, w) : NULL;
    void *scratch = wd ? scratch_for(CT__OP_conv2d_input, &s, CT__CONV_INPUT_GRAD, real) : NULL;
    if (scratch) ct__kern()->conv.input_grad[real](&s, ct__ptr(gd), ct__ptr(wd), ct__ptr(gx), scratch);
    ct__free(scratch);
    ct__unref(wd);
    ct__unref(gd);
}

static void run_weight_grad(const conv_geometry *g, ct_tensor *x, ct_tensor *gy, ct_tensor *gw, ct_tensor *gbias) {
    const char *fn = ct__fn(CT__OP_conv2d_weight);
    int real = real_of(gw);
    if (g->s.n == 0 || g->s.c == 0) {
        zero(gw);
        if (gbias) zero(gbias);
        return;
    }
    ct__conv_shape s = g->s;
    ct_tensor *xd = ct__image_read(fn, x, &s.x_last), *gd = xd ? ct__image_read(fn, gy, &s.y_last) : NULL;
    void *scratch = gd ? scratch_for(CT__OP_conv2d_weight, &s, CT__CONV_WEIGHT_GRAD, real) : NULL;
    if (scratch) ct__kern()->conv.weight_grad[real](&s, ct__ptr(xd), ct__ptr(gd), ct__ptr(gw), gbias ? ct__ptr(gbias) : NULL, scratch);
    ct__free(scratch);
    ct__unref(gd);
    ct__unref(xd);
}

/* ---- the three ops on a known geometry, each recorded; sizes and dtypes are checked ---- */

static ct_tensor *conv(const conv_geometry *g, ct_tensor *x, ct_tensor *w, ct_tensor *bias);
static ct_tensor *conv_input(const conv_geometry *g, ct_tensor *w, ct_tensor *gy);
static ct_tensor *conv_weight(const conv_geometry *g, ct_tensor *x, ct_tensor *gy);

/* While nothing records, the gradients of weight and bias come from one pass over gy. There are images and channels. */
static void weight_and_bias_grad(const conv_geometry *g, ct_tensor *x, ct_tensor *gy, ct_tensor **gw, ct_tensor **gb) {
    const char *fn = ct__fn(CT__OP_conv2d_weight);
    if (!ct__enter(CT__OP_conv2d_weight, (ct_tensor *[]){x, gy}, 2)) return;
    int64_t sizes[] = {g->s.f, g->s.c / g->s.groups, g->s.kh, g->s.kw};
    ct_tensor *w = ct__new(fn, sizes, 4, (ct_dtype)gy->dtype), *b = w ? ct__new(fn, sizes, 1, (ct_dtype)gy->dtype) : NULL;
    if (b) run_weight_grad(g, x, gy, w, b);
    *gw = ct__scope_give(w);
    *gb = ct__scope_give(b);
}

/* Slots: 0 x, 1 w. */
static void conv2d_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const conv_geometry *geo = ct__ctx(n);
    bool bias = n->n_in > 2 && ct__needs(n, 2);
    if (ct__needs(n, 0)) gin[0] = conv_input(geo, ct__saved(n, 1), g[0]);
    if (ct__needs(n, 1) && bias && !ct__grad_mode() && geo->s.n > 0 && geo->s.c > 0) {
        weight_and_bias_grad(geo, ct__saved(n, 0), g[0], &gin[1], &gin[2]);
        return;
    }
    if (ct__needs(n, 1)) gin[1] = conv_weight(geo, ct__saved(n, 0), g[0]);
    if (bias) gin[2] = geo->batched ? ct_sum_dim(g[0], CT_DIMS(0, 2, 3), NULL) : ct_sum_dim(g[0], CT_DIMS(1, 2), NULL);
}
static const ct__node_class conv2d_class = {
    .op = CT__OP_conv2d, .backward = conv2d_backward, .ctx_size = sizeof(conv_geometry), .n_saved = 2};

/* Slots: 0 w, 1 gy. */
static void conv2d_input_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const conv_geometry *geo = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = conv_weight(geo, g[0], ct__saved(n, 1));
    if (ct__needs(n, 1)) gin[1] = conv(geo, g[0], ct__saved(n, 0), NULL);
}
static const ct__node_class conv2d_input_class = {
    .op = CT__OP_conv2d_input, .backward = conv2d_input_backward, .ctx_size = sizeof(conv_geometry), .n_saved = 2};

/* Slots: 0 x, 1 gy. */
static void conv2d_weight_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const conv_geometry *geo = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = conv_input(geo, g[0], ct__saved(n, 1));
    if (ct__needs(n, 1)) gin[1] = conv(geo, ct__saved(n, 0), g[0], NULL);
}
static const ct__node_class conv2d_weight_class = {
    .op = CT__OP_conv2d_weight, .backward = conv2d_weight_backward, .ctx_size = sizeof(conv_geometry), .n_saved = 2};

static ct__node *record(const ct__node_class *cls, const conv_geometry *g, ct_tensor *const *in, int n_in) {
    ct__node *n = ct__node_new(cls, in, n_in, 1);
    if (!n) return NULL;
    *(conv_geometry *)ct__ctx(n) = *g;
    ct__save(n, 0, in[0]);
    ct__save(n, 1, in[1]);
    return n;
}

static ct_tensor *conv(const conv_geometry *g, ct_tensor *x, ct_tensor *w, ct_tensor *bias) {
    ct_tensor *in[] = {x, w, bias};
    int n_in = bias ? 3 : 2;
    if (!ct__enter(CT__OP_conv2d, in, n_in)) return NULL;
    ct__image_sizes sizes = y_sizes(g);
    ct_tensor *y = ct__image_new(ct__fn(CT__OP_conv2d), &sizes, g->last, (ct_dtype)x->dtype);
    if (!y) return NULL;
    ct__node *n = record(&conv2d_class, g, in, n_in);
    if (ct__pending() == CT_OK) run_forward(g, x, w, bias, y);
    return ct__finish(n, y);
}

static ct_tensor *conv_input(const conv_geometry *g, ct_tensor *w, ct_tensor *gy) {
    ct_tensor *in[] = {w, gy};
    if (!ct__enter(CT__OP_conv2d_input, in, 2)) return NULL;
    ct__image_sizes sizes = x_sizes(g);
    ct_tensor *gx = ct__image_new(ct__fn(CT__OP_conv2d_input), &sizes, g->last, (ct_dtype)gy->dtype);
    if (!gx) return NULL;
    ct__node *n = record(&conv2d_input_class, g, in, 2);
    if (ct__pending() == CT_OK) run_input_grad(g, w, gy, gx);
    return ct__finish(n, gx);
}

static ct_tensor *conv_weight(const conv_geometry *g, ct_tensor *x, ct_tensor *gy) {
    ct_tensor *in[] = {x, gy};
    if (!ct__enter(CT__OP_conv2d_weight, in, 2)) return NULL;
    int64_t sizes[] = {g->s.f, g->s.c / g->s.groups, g->s.kh, g->s.kw};
    ct_tensor *gw = ct__new(ct__fn(CT__OP_conv2d_weight), sizes, 4, (ct_dtype)gy->dtype);
    if (!gw) return NULL;
    ct__node *n = record(&conv2d_weight_class, g, in, 2);
    if (ct__pending() == CT_OK) run_weight_grad(g, x, gy, gw, NULL);
    return ct__finish(n, gw);
}

/* ---- public ---- */

ct_tensor *ct_conv2d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv2d_options *options) {
    ct_tensor *in[] = {x, weight, bias};
    conv_geometry g = {.last = false};
    if (!ct__enter(CT__OP_conv2d, in, bias ? 3 : 2)) return NULL;
    CT__TRY_NULL(make_geometry(CT__OP_conv2d, x->sizes, x->ndim, weight->sizes, weight->ndim, options, &g));
    CT__TRY_NULL(check_dtypes(CT__OP_conv2d, "x", x, "weight", weight));
    if (bias) {
        ct__shape_text a;
        CT__TRY_NULL(check_dtypes(CT__OP_conv2d, "x", x, "bias", bias));
        if (bias->ndim != 1 || bias->sizes[0] != g.s.f) {
            ct__fail(CT_ERR_SHAPE, "ct_conv2d: bias must be [%lld], one number per filter, got %s", (long long)g.s.f, CT__SIZES(&a, bias));
            return NULL;
        }
    }
    g.last = ct__prefers_channels_last(x) || (x->ndim == 4 && ct__prefers_channels_last(weight));
    return conv(&g, x, weight, bias);
}

static ct_status check_given_sizes(int op, const char *what, const int64_t *sizes, int ndim) {
    if (!sizes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", ct__fn(op), what);
    if (ndim < 0 || ndim > CT_MAX_NDIM) return ct__fail(CT_ERR_SHAPE, "%s: %s has %d dims", ct__fn(op), what, ndim);
    int64_t numel;
    return ct__numel(ct__fn(op), sizes, ndim, &numel);
}

ct_tensor *ct_conv2d_input(const int64_t *input_sizes, int ndim, ct_tensor *weight, ct_tensor *grad_output, const ct_conv2d_options *options) {
    const int op = CT__OP_conv2d_input;
    conv_geometry g = {.last = false};
    if (!ct__enter(op, (ct_tensor *[]){weight, grad_output}, 2)) return NULL;
    CT__TRY_NULL(check_given_sizes(op, "input_sizes", input_sizes, ndim));
    CT__TRY_NULL(make_geometry(op, input_sizes, ndim, weight->sizes, weight->ndim, options, &g));
    CT__TRY_NULL(check_dtypes(op, "weight", weight, "grad_output", grad_output));
    ct__image_sizes y = y_sizes(&g);
    CT__TRY_NULL(check_sizes(op, "grad_output", grad_output, &y));
    g.last = ct__prefers_channels_last(grad_output) || (ndim == 4 && ct__prefers_channels_last(weight));
    return conv_input(&g, weight, grad_output);
}

ct_tensor *ct_conv2d_weight(ct_tensor *x, const int64_t *weight_sizes, int ndim, ct_tensor *grad_output, const ct_conv2d_options *options) {
    const int op = CT__OP_conv2d_weight;
    conv_geometry g = {.last = false};
    if (!ct__enter(op, (ct_tensor *[]){x, grad_output}, 2)) return NULL;
    CT__TRY_NULL(check_given_sizes(op, "weight_sizes", weight_sizes, ndim));
    CT__TRY_NULL(make_geometry(op, x->sizes, x->ndim, weight_sizes, ndim, options, &g));
    CT__TRY_NULL(check_dtypes(op, "x", x, "grad_output", grad_output));
    ct__image_sizes y = y_sizes(&g);
    CT__TRY_NULL(check_sizes(op, "grad_output", grad_output, &y));
    g.last = ct__prefers_channels_last(x) || ct__prefers_channels_last(grad_output);
    return conv_weight(&g, x, grad_output);
}
