/*
 * op_conv.c: convolution of one to three dimensions, its two gradients, and the transposed convolution, which is one of them.
 *
 *      y  = conv(x, w) + b      gx = conv_input(w, gy)      gw = conv_weight(x, gy)      gb = sum of gy over all but channels
 *
 * All three are bilinear, and the derivatives of each are the other two: with L = <conv(x, w), gy> = <x, gx> = <w, gw>, replacing one of x, w, gy
 * by an incoming gradient gives
 *
 *      op             of        gradient
 *      conv           x, w      conv_input(w, g)     conv_weight(x, g)
 *      conv_input     w, gy     conv_weight(g, gy)   conv(g, w)
 *      conv_weight    x, gy     conv_input(g, gy)    conv(x, g)
 *
 * so gradients of every order need no formula of their own, and conv_transpose(x, w) is conv_input(w, x). The geometry is worked out once, by the public
 * call, and goes along in the node. With a ReLU behind it, the incoming gradient is set to 0 where y is, and then is conv's.
 */
#include "ops/activation.h"
#include "ops/conv.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_reduce.h>
#include <string.h>

typedef ct__conv_geometry geometry;

/* ---- the three ops on a known geometry, each recorded; sizes and dtypes are checked. classes have one for each number of dimensions ---- */

static ct_tensor *conv(const ct__node_class *cls, const geometry *g, ct_tensor *x, ct_tensor *w, ct_tensor *bias);
static ct_tensor *conv_input(const ct__node_class *classes, const geometry *g, ct_tensor *w, ct_tensor *gy, ct_tensor *bias);
static ct_tensor *conv_weight(const geometry *g, ct_tensor *x, ct_tensor *gy);

static int op_of(int nd) { return nd == 1 ? CT__OP_conv1d : nd == 2 ? CT__OP_conv2d : CT__OP_conv3d; }
static int op_for(const ct__node_class *cls, const geometry *g) { return cls->op >= 0 ? cls->op : op_of(g->nd); } /* for messages */

static ct_tensor *bias_grad(const geometry *g, ct_tensor *gy) {
    int64_t dims[4];
    int n = 0;
    for (int d = 0; d < gy->ndim; d++)
        if (d != (g->batched ? 1 : 0)) dims[n++] = d;
    return ct_sum_dim(gy, dims, n, NULL);
}

/* While nothing records, the gradients of weight and bias come from one pass over gy. There are images and channels. */
static void weight_and_bias_grad(const geometry *g, ct_tensor *x, ct_tensor *gy, ct_tensor **gw, ct_tensor **gb) {
    const int op = op_of(g->nd);
    if (!ct__enter(op, (ct_tensor *[]){x, gy}, 2)) return;
    int64_t sizes[5];
    int ndim = ct__conv_w_sizes(g, sizes);
    ct_tensor *w = ct__new(ct__fn(op), sizes, ndim, (ct_dtype)gy->dtype), *b = w ? ct__new(ct__fn(op), sizes, 1, (ct_dtype)gy->dtype) : NULL;
    if (b) ct__conv_weight_grad(ct__fn(op), g, x, gy, w, b);
    *gw = ct__scope_give(w);
    *gb = ct__scope_give(b);
}

#define CLASS(name_, function) {.name = name_, .backward = function, .ctx_size = sizeof(geometry), .n_saved = 2, .used_by = {2, 1}, .op = -1}
#define OP_CLASS(op_, function) {.op = op_, .backward = function, .ctx_size = sizeof(geometry), .n_saved = 2, .used_by = {2, 1}}

static void conv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin);
static void conv_relu_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin);
static void input_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin);
static void weight_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin);
static const ct__node_class conv_class[3] = {
    OP_CLASS(CT__OP_conv1d, conv_backward), OP_CLASS(CT__OP_conv2d, conv_backward), OP_CLASS(CT__OP_conv3d, conv_backward)};
static const ct__node_class conv_relu_class = {
    .op = CT__OP_conv2d_relu, .backward = conv_relu_backward, .ctx_size = sizeof(geometry), .n_saved = 3, .used_by = {2, 1}};
static const ct__node_class input_class[3] = {
    CLASS("Conv1dInputBackward", input_backward), OP_CLASS(CT__OP_conv2d_input, input_backward), CLASS("Conv3dInputBackward", input_backward)};
static const ct__node_class weight_class[3] = {
    CLASS("Conv1dWeightBackward", weight_backward), OP_CLASS(CT__OP_conv2d_weight, weight_backward), CLASS("Conv3dWeightBackward", weight_backward)};
static const ct__node_class transpose_class[3] = {OP_CLASS(CT__OP_conv_transpose1d, input_backward),
                                                  OP_CLASS(CT__OP_conv_transpose2d, input_backward),
                                                  OP_CLASS(CT__OP_conv_transpose3d, input_backward)};

/* Slots: 0 x, 1 w. */
static void conv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const geometry *geo = ct__ctx(n);
    bool bias = n->n_in > 2 && ct__needs(n, 2);
    if (ct__needs(n, 0)) gin[0] = conv_input(input_class, geo, ct__saved(n, 1), g[0], NULL);
    if (ct__needs(n, 1) && bias && !ct__grad_mode() && geo->s.n > 0 && geo->s.c > 0) {
        weight_and_bias_grad(geo, ct__saved(n, 0), g[0], &gin[1], &gin[2]);
        return;
    }
    if (ct__needs(n, 1)) gin[1] = conv_weight(geo, ct__saved(n, 0), g[0]);
    if (bias) gin[2] = bias_grad(geo, g[0]);
}

/* Slots: 0 x, 1 w, 2 y. */
static void conv_relu_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *gy = ct__relu_gradient(ct__fn(n->cls->op), ct__saved(n, 2), g[0]);
    if (gy) conv_backward(n, &gy, gin);
}

/* Slots: 0 w, 1 gy. */
static void input_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const geometry *geo = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = conv_weight(geo, g[0], ct__saved(n, 1));
    if (ct__needs(n, 1)) gin[1] = conv(&conv_class[geo->nd - 1], geo, g[0], ct__saved(n, 0), NULL);
    if (n->n_in > 2 && ct__needs(n, 2)) gin[2] = bias_grad(geo, g[0]);
}

/* Slots: 0 x, 1 gy. */
static void weight_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const geometry *geo = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = conv_input(input_class, geo, g[0], ct__saved(n, 1), NULL);
    if (ct__needs(n, 1)) gin[1] = conv(&conv_class[geo->nd - 1], geo, ct__saved(n, 0), g[0], NULL);
}

static ct__node *record(const ct__node_class *cls, const geometry *g, ct_tensor *const *in, int n_in) {
    ct__node *n = ct__node_new(cls, in, n_in, 1);
    if (!n) return NULL;
    *(geometry *)ct__ctx(n) = *g;
    ct__save(n, 0, in[0]);
    ct__save(n, 1, in[1]);
    return n;
}

static ct_tensor *conv(const ct__node_class *cls, const geometry *g, ct_tensor *x, ct_tensor *w, ct_tensor *bias) {
    const bool relu = cls == &conv_relu_class;
    ct_tensor *in[] = {x, w, bias};
    int n_in = bias ? 3 : 2;
    if (!ct__enter(cls->op, in, n_in)) return NULL;
    ct__image_sizes sizes = ct__conv_y_sizes(g);
    ct_tensor *y = ct__image_new(ct__fn(cls->op), &sizes, g->last, (ct_dtype)x->dtype);
    if (!y) return NULL;
    ct__node *n = record(cls, g, in, n_in);
    if (relu) ct__save_output(n, 2, y, 0);
    if (ct__pending() == CT_OK) ct__conv_forward(ct__fn(cls->op), g, x, w, &(ct__conv_after){.bias = bias, .relu = relu}, y);
    return ct__finish(n, y);
}

static ct_tensor *conv_input(const ct__node_class *classes, const geometry *g, ct_tensor *w, ct_tensor *gy, ct_tensor *bias) {
    const ct__node_class *cls = &classes[g->nd - 1];
    const int op = op_for(cls, g);
    ct_tensor *in[] = {w, gy, bias};
    int n_in = bias ? 3 : 2;
    if (!ct__enter(op, in, n_in)) return NULL;
    ct__image_sizes sizes = ct__conv_x_sizes(g);
    ct_tensor *gx = ct__image_new(ct__fn(op), &sizes, g->last, (ct_dtype)gy->dtype);
    if (!gx) return NULL;
    ct__node *n = record(cls, g, in, n_in);
    if (ct__pending() == CT_OK) ct__conv_input_grad(ct__fn(op), g, w, gy, bias, gx);
    return ct__finish(n, gx);
}

static ct_tensor *conv_weight(const geometry *g, ct_tensor *x, ct_tensor *gy) {
    const ct__node_class *cls = &weight_class[g->nd - 1];
    const int op = op_for(cls, g);
    ct_tensor *in[] = {x, gy};
    if (!ct__enter(op, in, 2)) return NULL;
    int64_t sizes[5];
    int ndim = ct__conv_w_sizes(g, sizes);
    ct_tensor *gw = ct__new(ct__fn(op), sizes, ndim, (ct_dtype)gy->dtype);
    if (!gw) return NULL;
    ct__node *n = record(cls, g, in, 2);
    if (ct__pending() == CT_OK) ct__conv_weight_grad(ct__fn(op), g, x, gy, gw, NULL);
    return ct__finish(n, gw);
}

/* ---- arguments ---- */

static ct_status check_pair(int op, const char *first, const ct_tensor *a, const char *second, const ct_tensor *b) {
    if (a->dtype == b->dtype) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, %s is %s; convert one with ct_to", ct__fn(op), first, ct_dtype_name((ct_dtype)a->dtype), second,
                    ct_dtype_name((ct_dtype)b->dtype));
}

/* x, weight and bias of one dtype, which the op takes. */
static ct_status check_dtypes(int op, const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, bool only_int64) {
    bool integer = !ct__is_float(x);
    if (x->dtype == CT_BOOL || (integer && only_int64 && x->dtype != CT_I64))
        return ct__fail(CT_ERR_DTYPE, "%s: x is %s; it must be floating point or %s: convert with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype),
                        only_int64 ? "int64" : "an integer");
    CT__TRY(check_pair(op, "x", x, "weight", weight));
    return bias ? check_pair(op, "x", x, "bias", bias) : CT_OK;
}

static ct_status check_bias(int op, const ct_tensor *bias, int64_t channels) {
    ct__shape_text a;
    if (!bias || (bias->ndim == 1 && bias->sizes[0] == channels)) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: bias must be [%lld], one number per filter, got %s", ct__fn(op), (long long)channels, CT__SIZES(&a, bias));
}

/* The dtype that the passes compute x's in. */
static ct_dtype compute_dtype(const ct_tensor *x) { return ct__is_half(x) ? CT_F32 : !ct__is_float(x) ? CT_I64 : (ct_dtype)x->dtype; }

static bool prefers_last(const ct_tensor *x, const ct_tensor *weight) {
    return x->ndim == 4 && (ct__prefers_channels_last(x) || ct__prefers_channels_last(weight));
}

/* ---- public: convolution ---- */

static ct_status check_conv(int op, int nd, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_options *options, geometry *g) {
    CT__TRY(ct__enter(op, (ct_tensor *[]){x, weight, bias}, bias ? 3 : 2) ? CT_OK : ct__pending());
    CT__TRY(ct__conv_fit(op, nd, x->sizes, x->ndim, weight->sizes, weight->ndim, options, g));
    CT__TRY(check_dtypes(op, x, weight, bias, false));
    g->last = nd == 2 && prefers_last(x, weight);
    return check_bias(op, bias, g->s.f);
}

static ct_tensor *conv_any(int nd, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_options *options) {
    const ct__node_class *cls = &conv_class[nd - 1];
    geometry g;
    CT__TRY_NULL(check_conv(cls->op, nd, x, weight, bias, options, &g));
    ct_dtype given = (ct_dtype)x->dtype, dtype = compute_dtype(x);
    if (given == dtype) return conv(cls, &g, x, weight, bias);
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_to(conv(cls, &g, ct_to(x, dtype), ct_to(weight, dtype), bias ? ct_to(bias, dtype) : NULL), given));
}

ct_tensor *ct_conv1d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv1d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast)) return ct_scope_return(cast, ct_conv1d(x, weight, bias, options));
    return conv_any(1, x, weight, bias, options);
}
ct_tensor *ct_conv2d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv2d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast)) return ct_scope_return(cast, ct_conv2d(x, weight, bias, options));
    return conv_any(2, x, weight, bias, options);
}
ct_tensor *ct_conv3d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv3d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast)) return ct_scope_return(cast, ct_conv3d(x, weight, bias, options));
    return conv_any(3, x, weight, bias, options);
}

/* Other dtypes go step by step: a half type's y is rounded before its sign decides. */
ct_tensor *ct_conv2d_relu(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv2d_options *options) {
    ct_scope scope;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &scope))
        return ct_scope_return(scope, ct_conv2d_relu(x, weight, bias, options));
    geometry g;
    CT__TRY_NULL(check_conv(CT__OP_conv2d_relu, 2, x, weight, bias, options, &g));
    if (x->dtype == CT_F32 || x->dtype == CT_F64) return conv(&conv_relu_class, &g, x, weight, bias);
    scope = ct_scope_begin();
    return ct_scope_return(scope, ct_relu(ct_conv2d(x, weight, bias, options)));
}

ct_tensor *ct__conv2d_scaled(ct_tensor *x, ct_tensor *weight, ct_tensor *scale, ct_tensor *shift, bool relu, const ct_conv2d_options *options) {
    const int op = CT__OP_conv2d;
    geometry g;
    CT__TRY_NULL(check_conv(op, 2, x, weight, shift, options, &g));
    ct__image_sizes sizes = ct__conv_y_sizes(&g);
    ct_tensor *y = ct__image_new(ct__fn(op), &sizes, g.last, (ct_dtype)x->dtype);
    if (y) ct__conv_forward(ct__fn(op), &g, x, weight, &(ct__conv_after){scale, shift, relu}, y);
    return ct__finish(NULL, y);
}

/* ---- public: transposed convolution ---- */

static ct_tensor *transpose_any(int nd, ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose_options *options) {
    const int op = transpose_class[nd - 1].op;
    geometry g;
    if (!ct__enter(op, (ct_tensor *[]){x, weight, bias}, bias ? 3 : 2)) return NULL;
    CT__TRY_NULL(ct__conv_transpose_fit(op, nd, x->sizes, x->ndim, weight->sizes, weight->ndim, options, &g));
    CT__TRY_NULL(check_dtypes(op, x, weight, bias, true));
    CT__TRY_NULL(check_bias(op, bias, g.s.c));
    g.last = nd == 2 && prefers_last(x, weight);
    ct_dtype given = (ct_dtype)x->dtype, dtype = compute_dtype(x);
    if (given == dtype) return conv_input(transpose_class, &g, weight, x, bias);
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_to(conv_input(transpose_class, &g, ct_to(weight, dtype), ct_to(x, dtype), bias ? ct_to(bias, dtype) : NULL), given));
}

ct_tensor *ct_conv_transpose1d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose1d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast))
        return ct_scope_return(cast, ct_conv_transpose1d(x, weight, bias, options));
    return transpose_any(1, x, weight, bias, options);
}
ct_tensor *ct_conv_transpose2d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose2d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast))
        return ct_scope_return(cast, ct_conv_transpose2d(x, weight, bias, options));
    return transpose_any(2, x, weight, bias, options);
}
ct_tensor *ct_conv_transpose3d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose3d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast))
        return ct_scope_return(cast, ct_conv_transpose3d(x, weight, bias, options));
    return transpose_any(3, x, weight, bias, options);
}

/* ---- public: gradients as functions ---- */

static ct_status check_given_sizes(int op, const char *what, const int64_t *sizes, int ndim) {
    if (!sizes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", ct__fn(op), what);
    if (ndim < 0 || ndim > CT_MAX_NDIM) return ct__fail(CT_ERR_SHAPE, "%s: %s has %d dims", ct__fn(op), what, ndim);
    int64_t numel;
    return ct__numel(ct__fn(op), sizes, ndim, &numel);
}

static ct_status check_grad(int op, const char *name, const ct_tensor *other, const ct_tensor *gy, const ct__image_sizes *want) {
    ct__shape_text a, b;
    int64_t sizes[5];
    int ndim = ct__image_shape(want, sizes), real;
    CT__TRY(ct__image_dtype(ct__fn(op), name, other, &real));
    CT__TRY(check_pair(op, name, other, "grad_output", gy));
    if (gy->ndim == ndim && memcmp(gy->sizes, sizes, (size_t)ndim * sizeof *sizes) == 0) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: grad_output is %s, but the other sizes and the options make it %s", ct__fn(op), CT__SIZES(&a, gy),
                    ct__shape_str(&b, sizes, ndim));
}

ct_tensor *ct_conv2d_input(const int64_t *input_sizes, int ndim, ct_tensor *weight, ct_tensor *grad_output, const ct_conv2d_options *options) {
    const int op = CT__OP_conv2d_input;
    geometry g;
    if (!ct__enter(op, (ct_tensor *[]){weight, grad_output}, 2)) return NULL;
    CT__TRY_NULL(check_given_sizes(op, "input_sizes", input_sizes, ndim));
    CT__TRY_NULL(ct__conv_fit(op, 2, input_sizes, ndim, weight->sizes, weight->ndim, options, &g));
    ct__image_sizes y = ct__conv_y_sizes(&g);
    CT__TRY_NULL(check_grad(op, "weight", weight, grad_output, &y));
    g.last = prefers_last(grad_output, weight);
    return conv_input(input_class, &g, weight, grad_output, NULL);
}

ct_tensor *ct_conv2d_weight(ct_tensor *x, const int64_t *weight_sizes, int ndim, ct_tensor *grad_output, const ct_conv2d_options *options) {
    const int op = CT__OP_conv2d_weight;
    geometry g;
    if (!ct__enter(op, (ct_tensor *[]){x, grad_output}, 2)) return NULL;
    CT__TRY_NULL(check_given_sizes(op, "weight_sizes", weight_sizes, ndim));
    CT__TRY_NULL(ct__conv_fit(op, 2, x->sizes, x->ndim, weight_sizes, ndim, options, &g));
    ct__image_sizes y = ct__conv_y_sizes(&g);
    CT__TRY_NULL(check_grad(op, "x", x, grad_output, &y));
    g.last = prefers_last(x, grad_output);
    return conv_weight(&g, x, grad_output);
}
