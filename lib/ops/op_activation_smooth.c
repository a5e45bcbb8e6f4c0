/*
 * op_activation_smooth.c: selu, celu, mish, softsign, logsigmoid, tanhshrink, and the gradients in public ops of all activations that are not in
 * op_activation.c.
 */
#include "ops/activation.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

/* ---- Gradients for gradients of gradients. Where a branch could overflow its argument is clamped, or its second derivative would be 0 * inf. ---- */

/* g * factor * exp(x / alpha) below 0, g * scale above. */
static ct_tensor *elu_like(ct_tensor *x, ct_tensor *g, double alpha, double factor, double scale) {
    ct_tensor *below = ct_mul_scalar(ct_exp(ct_div_scalar(ct_clamp_max(x, 0), alpha)), factor);
    return ct_where(ct_le_scalar(x, 0), ct_mul(g, below), scale == 1 ? g : ct_mul_scalar(g, scale));
}

/* With t = tanh(softplus(x)):  t + x sigmoid(x) (1 - t^2) */
static ct_tensor *mish_slope(ct_tensor *x) {
    const ct_softplus_options never = {.threshold = {true, 1e300}};
    ct_tensor *t = ct_tanh(ct_softplus(x, &never));
    return ct_add(t, ct_mul(ct_mul(x, ct_sigmoid(x)), ct_sub_rscalar(1, ct_square(t))));
}

/* g / (1 + |x|)^2; NaN at infinity, as y is. */
static ct_tensor *softsign_gradient(ct_tensor *x, ct_tensor *g) {
    return ct_add(ct_div(g, ct_square(ct_add_scalar(ct_abs(x), 1))), ct_mul_scalar(x, 0));
}

static ct_tensor *hardswish_gradient(ct_tensor *x, ct_tensor *g) {
    ct_tensor *middle = ct_mul(g, ct_add_scalar(ct_div_scalar(x, 3), 0.5));
    return ct_masked_fill(ct_where(ct_lt_scalar(x, 3), middle, g), ct_le_scalar(x, -3), 0);
}

ct_tensor *ct__act_composed(const ct__act_ctx *c, ct_tensor *x, ct_tensor *g) {
    switch (c->kind) {
    case CT__ACT_SELU: return elu_like(x, g, 1, CT__SELU_ALPHA * CT__SELU_SCALE, CT__SELU_SCALE);
    case CT__ACT_CELU: return elu_like(x, g, c->a, 1, 1);
    case CT__ACT_MISH: return ct_mul(g, mish_slope(x));
    case CT__ACT_SOFTSIGN: return softsign_gradient(x, g);
    case CT__ACT_LOGSIGMOID: return ct_mul(g, ct_sigmoid(ct_neg(x)));
    case CT__ACT_TANHSHRINK: return ct_mul(g, ct_square(ct_tanh(x)));
    case CT__ACT_HARDTANH: return ct_masked_fill(g, ct_logical_or(ct_le_scalar(x, c->a), ct_ge_scalar(x, c->b)), 0);
    case CT__ACT_HARDSIGMOID:
        return ct_masked_fill(ct_div_scalar(g, 6), ct_logical_not(ct_lt_scalar(ct_abs(x), 3)), 0);
    case CT__ACT_HARDSWISH: return hardswish_gradient(x, g);
    case CT__ACT_THRESHOLD: return ct_masked_fill(g, ct_le_scalar(x, c->a), 0);
    case CT__ACT_HARDSHRINK:
    case CT__ACT_SOFTSHRINK: return ct_masked_fill(g, ct_le_scalar(ct_abs(x), c->a), 0);
    default: return NULL;
    }
}

/* ---- The functions ---- */

static const ct__node_class selu_class = CT__ACT_CLASS(selu), celu_class = CT__ACT_CLASS(celu), mish_class = CT__ACT_CLASS(mish),
                            softsign_class = CT__ACT_CLASS(softsign), logsigmoid_class = CT__ACT_CLASS(logsigmoid),
                            tanhshrink_class = CT__ACT_CLASS(tanhshrink), selu__class = CT__ACT_CLASS(selu_),
                            celu__class = CT__ACT_CLASS(celu_), mish__class = CT__ACT_CLASS(mish_);

static const ct__act_ctx selu_ctx = {CT__ACT_SELU, 0, 0}, mish_ctx = {CT__ACT_MISH, 0, 0};

static bool celu_ctx(const char *function, const ct_celu_options *o, ct__act_ctx *c) {
    if (CT__CHECK_OPTIONS(function, o) != CT_OK) return false;
    *c = (ct__act_ctx){CT__ACT_CELU, o && o->alpha.has ? o->alpha.value : 1, 0};
    if (c->a == 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: alpha is 0", function);
    return ct__pending() == CT_OK;
}

ct_tensor *ct_selu(ct_tensor *x) { return ct__enter(CT__OP_selu, &x, 1) ? ct__activation(&selu_class, x, selu_ctx) : NULL; }
ct_status ct_selu_(ct_tensor *x) { return ct__activation_inplace(&selu__class, x, selu_ctx); }

ct_tensor *ct_celu(ct_tensor *x, const ct_celu_options *options) {
    ct__act_ctx c;
    if (!ct__enter(CT__OP_celu, &x, 1) || !celu_ctx("ct_celu", options, &c)) return NULL;
    return ct__activation(&celu_class, x, c);
}
ct_status ct_celu_(ct_tensor *x, const ct_celu_options *options) {
    ct__act_ctx c;
    return celu_ctx("ct_celu_", options, &c) ? ct__activation_inplace(&celu__class, x, c) : ct__pending();
}

ct_tensor *ct_mish(ct_tensor *x) { return ct__enter(CT__OP_mish, &x, 1) ? ct__activation(&mish_class, x, mish_ctx) : NULL; }
ct_status ct_mish_(ct_tensor *x) { return ct__activation_inplace(&mish__class, x, mish_ctx); }

ct_tensor *ct_softsign(ct_tensor *x) { return ct__activation_promoting(&softsign_class, x, (ct__act_ctx){CT__ACT_SOFTSIGN, 0, 0}); }
ct_tensor *ct_tanhshrink(ct_tensor *x) { return ct__activation_promoting(&tanhshrink_class, x, (ct__act_ctx){CT__ACT_TANHSHRINK, 0, 0}); }
ct_tensor *ct_logsigmoid(ct_tensor *x) {
    if (!ct__enter(CT__OP_logsigmoid, &x, 1)) return NULL;
    return ct__activation(&logsigmoid_class, x, (ct__act_ctx){CT__ACT_LOGSIGMOID, 0, 0});
}
