/*
 * op_activation.c: relu, sigmoid, tanh, gelu, silu, leaky_relu, elu, softplus, in place where torch has that, and what all activations share.
 *
 * One function does them all: they differ in the kernel's number, two parameters, and in what backward reads. relu, sigmoid and tanh keep
 * their result, which the next layer keeps anyway; the others have no formula in terms of it and keep x, in place a copy of it.
 */
#include "ops/activation.h"
#include "ops/elementwise.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/packed.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

typedef ct__act_ctx act_ctx;

/* ---- Backward --------------------------------------------------------------------------------------------------- */

/* Phi(x) + x phi(x) */
static ct_tensor *gelu_slope(ct_tensor *x) {
    ct_tensor *cdf = ct_mul_scalar(ct_add_scalar(ct_erf(ct_mul_scalar(x, 0.70710678118654752440)), 1), 0.5);
    ct_tensor *density = ct_mul_scalar(ct_exp(ct_mul_scalar(ct_square(x), -0.5)), 0.39894228040143267794);
    return ct_add(cdf, ct_mul(x, density));
}

/* With t = tanh(u), u = sqrt(2 / pi) (x + k x^3):  (1 + t) / 2 + x (1 - t^2) u' / 2 */
static ct_tensor *gelu_tanh_slope(ct_tensor *x) {
    const double beta = 0.79788456080286535588, k = 0.044715;
    ct_tensor *square = ct_square(x);
    ct_tensor *t = ct_tanh(ct_mul(x, ct_add_scalar(ct_mul_scalar(square, beta * k), beta)));
    ct_tensor *du = ct_add_scalar(ct_mul_scalar(square, 3 * beta * k), beta);
    ct_tensor *right = ct_mul(ct_mul(x, ct_sub_rscalar(1, ct_square(t))), du);
    return ct_mul_scalar(ct_add(ct_add_scalar(t, 1), right), 0.5);
}

/* The gradient in public ops, for gradients of gradients. s is y or x. Where a branch could overflow its argument is clamped, or its
 * second derivative would be 0 * inf. */
static ct_tensor *composed(const act_ctx *c, ct_tensor *s, ct_tensor *g) {
    switch (c->kind) {
    case CT__ACT_RELU: return ct_masked_fill(g, ct_le_scalar(s, 0), 0);
    case CT__ACT_SIGMOID: return ct_mul(g, ct_mul(ct_sub_rscalar(1, s), s));
    case CT__ACT_TANH: return ct_mul(g, ct_sub_rscalar(1, ct_square(s)));
    case CT__ACT_GELU: return ct_mul(g, gelu_slope(s));
    case CT__ACT_GELU_TANH: return ct_mul(g, gelu_tanh_slope(s));
    case CT__ACT_SILU: {
        ct_tensor *y = ct_sigmoid(s);
        return ct_mul(g, ct_mul(y, ct_add_scalar(ct_mul(s, ct_sub_rscalar(1, y)), 1)));
    }
    case CT__ACT_LEAKY_RELU: return ct_where(ct_gt_scalar(s, 0), g, ct_mul_scalar(g, c->a));
    case CT__ACT_ELU: {
        ct_tensor *slope = ct_mul_scalar(ct_exp(ct_clamp_max(s, 0)), c->a);
        return ct_where(ct_le_scalar(s, 0), ct_mul(g, slope), g);
    }
    case CT__ACT_SOFTPLUS: {
        ct_tensor *z = ct_mul_scalar(s, c->a);
        return ct_where(ct_gt_scalar(z, c->b), g, ct_mul(g, ct_sigmoid(z)));
    }
    default: return ct__act_composed(c, s, g);
    }
}

static ct_tensor *fused(const char *function, const act_ctx *c, ct_tensor *saved, ct_tensor *g) {
    ct_tensor *s = ct__packed(function, saved), *out;
    ct_tensor *gd = ct__packed_gradient(function, s, g, &out);
    if (out)
        ct__kern()->nn.act_backward(c->kind, (ct_dtype)s->dtype, s->numel, ct__ptr(s), ct__ptr(gd), ct__ptr(out), c->a, c->b);
    ct__unref(s);
    ct__unref(gd);
    return ct__scope_give(out);
}

static ct_tensor *gradient(const char *function, const act_ctx *c, ct_tensor *saved, ct_tensor *g) {
    if (!saved) return NULL;
    return ct__grad_mode() ? composed(c, saved, g) : fused(function, c, saved, g);
}

void ct__act_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    gin[0] = gradient(ct__fn(n->cls->op), ct__ctx(n), ct__saved(n, 0), g[0]);
}

ct_tensor *ct__relu_gradient(const char *function, ct_tensor *y, ct_tensor *g) { return gradient(function, &(act_ctx){CT__ACT_RELU, 0, 0}, y, g); }

void ct__relu_fresh(ct_tensor *y) {
    if (y) ct__kern()->nn.act(CT__ACT_RELU, (ct_dtype)y->dtype, y->numel, ct__ptr(y), ct__ptr(y), 0, 0);
}

static const ct__node_class relu_class = CT__ACT_CLASS(relu), sigmoid_class = CT__ACT_CLASS(sigmoid), tanh_class = CT__ACT_CLASS(tanh),
                            gelu_class = CT__ACT_CLASS(gelu), silu_class = CT__ACT_CLASS(silu), leaky_relu_class = CT__ACT_CLASS(leaky_relu),
                            elu_class = CT__ACT_CLASS(elu), softplus_class = CT__ACT_CLASS(softplus), relu__class = CT__ACT_CLASS(relu_),
                            sigmoid__class = CT__ACT_CLASS(sigmoid_), tanh__class = CT__ACT_CLASS(tanh_), silu__class = CT__ACT_CLASS(silu_),
                            leaky_relu__class = CT__ACT_CLASS(leaky_relu_), elu__class = CT__ACT_CLASS(elu_);

/* ---- Forward ---------------------------------------------------------------------------------------------------- */

static bool check_float(const ct__node_class *cls, const ct_tensor *x) {
    if (x->dtype == CT_F32 || x->dtype == CT_F64) return true;
    ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", ct__fn(cls->op), ct_dtype_name((ct_dtype)x->dtype));
    return false;
}

/* The node for x; not saved yet. NULL if nothing records. */
static ct__node *record(const ct__node_class *cls, ct_tensor *x, act_ctx c) {
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (n) *(act_ctx *)ct__ctx(n) = c;
    return n;
}

ct_tensor *ct__activation(const ct__node_class *cls, ct_tensor *x, act_ctx c) {
    if (ct__is_half(x)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct__activation(cls, ct__widen(x), c));
    }
    if (!check_float(cls, x)) return NULL;
    const char *function = ct__fn(cls->op);
    ct_tensor *in = ct__packed(function, x);
    ct_tensor *y = in ? ct__new_like(function, in, (ct_dtype)in->dtype) : NULL;
    if (y) ct__kern()->nn.act(c.kind, (ct_dtype)in->dtype, in->numel, ct__ptr(in), ct__ptr(y), c.a, c.b);
    ct__unref(in);
    ct__node *n = y ? record(cls, x, c) : NULL;
    if (c.kind <= CT__ACT_TANH) ct__save_output(n, 0, y, 0);
    else ct__save(n, 0, x);
    return ct__finish(n, y);
}

ct_tensor *ct__activation_promoting(const ct__node_class *cls, ct_tensor *x, act_ctx c) {
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    if (ct__is_float(x)) return ct__activation(cls, x, c);
    ct_scope scope = ct_scope_begin();
    ct_tensor *f = ct_to(x, CT_F32);
    return ct_scope_return(scope, f ? ct__activation(cls, f, c) : NULL);
}

ct_tensor *ct_relu(ct_tensor *x) {
    if (!ct__enter(CT__OP_relu, &x, 1)) return NULL;
    if (ct__is_float(x) || x->dtype == CT_BOOL) return ct__activation(&relu_class, x, (act_ctx){CT__ACT_RELU, 0, 0});
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_maximum(x, ct_scalar_tensor_int(0, (ct_dtype)x->dtype)));
}
ct_tensor *ct_sigmoid(ct_tensor *x) { return ct__activation_promoting(&sigmoid_class, x, (act_ctx){CT__ACT_SIGMOID, 0, 0}); }
ct_tensor *ct_tanh(ct_tensor *x) { return ct__activation_promoting(&tanh_class, x, (act_ctx){CT__ACT_TANH, 0, 0}); }

ct_tensor *ct_silu(ct_tensor *x) {
    if (!ct__enter(CT__OP_silu, &x, 1)) return NULL;
    return ct__activation(&silu_class, x, (act_ctx){CT__ACT_SILU, 0, 0});
}

ct_tensor *ct_gelu(ct_tensor *x, const ct_gelu_options *options) {
    if (!ct__enter(CT__OP_gelu, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_gelu", options));
    ct_gelu_approximate approximate = options ? options->approximate : CT_GELU_NONE;
    if (approximate != CT_GELU_NONE && approximate != CT_GELU_TANH) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_gelu: approximate is %d, neither CT_GELU_NONE nor CT_GELU_TANH", (int)approximate);
        return NULL;
    }
    return ct__activation(&gelu_class, x, (act_ctx){approximate == CT_GELU_TANH ? CT__ACT_GELU_TANH : CT__ACT_GELU, 0, 0});
}

static act_ctx leaky_relu_ctx(const ct_leaky_relu_options *o) {
    return (act_ctx){CT__ACT_LEAKY_RELU, o && o->negative_slope.has ? o->negative_slope.value : 0.01, 0};
}
static act_ctx elu_ctx(const ct_elu_options *o) { return (act_ctx){CT__ACT_ELU, o && o->alpha.has ? o->alpha.value : 1, 0}; }

ct_tensor *ct_leaky_relu(ct_tensor *x, const ct_leaky_relu_options *options) {
    if (!ct__enter(CT__OP_leaky_relu, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_leaky_relu", options));
    return ct__activation(&leaky_relu_class, x, leaky_relu_ctx(options));
}

ct_tensor *ct_elu(ct_tensor *x, const ct_elu_options *options) {
    if (!ct__enter(CT__OP_elu, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_elu", options));
    return ct__activation(&elu_class, x, elu_ctx(options));
}

ct_tensor *ct_softplus(ct_tensor *x, const ct_softplus_options *options) {
    if (!ct__enter(CT__OP_softplus, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_softplus", options));
    double beta = options && options->beta != 0 ? options->beta : 1;
    double threshold = options && options->threshold.has ? options->threshold.value : 20;
    return ct__activation(&softplus_class, x, (act_ctx){CT__ACT_SOFTPLUS, beta, threshold});
}

/* ---- In place --------------------------------------------------------------------------------------------------- */

ct_status ct__activation_inplace(const ct__node_class *cls, ct_tensor *x, act_ctx c) {
    if (!ct__enter_inplace(cls->op, x, NULL, 0)) return ct__pending();
    if (ct__is_half(x)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *wide = ct__widen(x);
        if (wide) ct_copy_(x, ct__activation(cls, wide, c));
        ct_scope_end(scope);
        return ct__pending();
    }
    if (!check_float(cls, x)) return ct__pending();
    ct__node *n = record(cls, x, c); /* what can fail comes before x changes */
    if (c.kind <= CT__ACT_TANH) {
        ct__save_output(n, 0, x, 0);
    } else if (n) {
        ct_tensor *old = ct__copy_of(ct__fn(cls->op), x);
        ct__save_old(n, 0, old);
        ct__unref(old);
    }
    ct_tensor *d = ct__pending() == CT_OK ? ct__packed(ct__fn(cls->op), x) : NULL;
    if (!d) {
        ct__node_unref(n);
        return ct__pending();
    }
    ct__kern()->nn.act(c.kind, (ct_dtype)d->dtype, d->numel, ct__ptr(d), ct__ptr(d), c.a, c.b);
    if (d != x) ct__copy_raw(x, d);
    ct__unref(d);
    return ct__finish_inplace(n, x);
}

ct_status ct_relu_(ct_tensor *x) { return ct__activation_inplace(&relu__class, x, (act_ctx){CT__ACT_RELU, 0, 0}); }
ct_status ct_sigmoid_(ct_tensor *x) { return ct__activation_inplace(&sigmoid__class, x, (act_ctx){CT__ACT_SIGMOID, 0, 0}); }
ct_status ct_tanh_(ct_tensor *x) { return ct__activation_inplace(&tanh__class, x, (act_ctx){CT__ACT_TANH, 0, 0}); }
ct_status ct_silu_(ct_tensor *x) { return ct__activation_inplace(&silu__class, x, (act_ctx){CT__ACT_SILU, 0, 0}); }
ct_status ct_leaky_relu_(ct_tensor *x, const ct_leaky_relu_options *options) {
    CT__TRY(CT__CHECK_OPTIONS("ct_leaky_relu_", options));
    return ct__activation_inplace(&leaky_relu__class, x, leaky_relu_ctx(options));
}
ct_status ct_elu_(ct_tensor *x, const ct_elu_options *options) {
    CT__TRY(CT__CHECK_OPTIONS("ct_elu_", options));
    return ct__activation_inplace(&elu__class, x, elu_ctx(options));
}
