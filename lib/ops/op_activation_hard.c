/*
 * op_activation_hard.c: activations made of straight pieces: relu6, hardtanh, hardsigmoid, hardswish, threshold, hardshrink, softshrink, and those of
 * them that torch has in place. On integers the first two and threshold are choices of ops_pointwise.h.
 */
#include "ops/activation.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

static const ct__node_class relu6_class = CT__ACT_CLASS(relu6), hardtanh_class = CT__ACT_CLASS(hardtanh),
                            hardsigmoid_class = CT__ACT_CLASS(hardsigmoid), hardswish_class = CT__ACT_CLASS(hardswish),
                            threshold_class = CT__ACT_CLASS(threshold), hardshrink_class = CT__ACT_CLASS(hardshrink),
                            softshrink_class = CT__ACT_CLASS(softshrink), relu6__class = CT__ACT_CLASS(relu6_),
                            hardtanh__class = CT__ACT_CLASS(hardtanh_), hardsigmoid__class = CT__ACT_CLASS(hardsigmoid_),
                            hardswish__class = CT__ACT_CLASS(hardswish_), threshold__class = CT__ACT_CLASS(threshold_);

static const ct__act_ctx relu6_ctx = {CT__ACT_HARDTANH, 0, 6}, hardsigmoid_ctx = {CT__ACT_HARDSIGMOID, 0, 0},
                         hardswish_ctx = {CT__ACT_HARDSWISH, 0, 0};

/* ---- hardtanh, relu6: min where x < min, max where x > max, else x; g strictly between them ---- */

static bool is_number(int op, const ct_tensor *x) {
    if (x->dtype != CT_BOOL) return true;
    ct__fail(CT_ERR_DTYPE, "%s: not for bool tensors", ct__fn(op));
    return false;
}

/* The limits of an integer tensor are cut to whole numbers, as torch's scalars are. */
static ct_tensor *limited(const ct__node_class *cls, ct_tensor *x, ct__act_ctx c) {
    if (!ct__enter(cls->op, &x, 1) || !is_number(cls->op, x)) return NULL;
    return ct__is_float(x) ? ct__activation(cls, x, c) : ct_clamp_int(x, (int64_t)c.a, (int64_t)c.b);
}

static ct_status limited_inplace(const ct__node_class *cls, ct_tensor *x, ct__act_ctx c) {
    if (x && ct__is_float(x)) return ct__activation_inplace(cls, x, c);
    if (!ct__enter_inplace(cls->op, x, NULL, 0) || !is_number(cls->op, x)) return ct__pending();
    ct_scope scope = ct_scope_begin();
    ct_copy_(x, ct_clamp_int(x, (int64_t)c.a, (int64_t)c.b));
    ct_scope_end(scope);
    return ct__pending();
}

static bool hardtanh_ctx(const char *function, const ct_hardtanh_options *o, const ct_tensor *x, ct__act_ctx *c) {
    if (CT__CHECK_OPTIONS(function, o) != CT_OK) return false;
    *c = (ct__act_ctx){CT__ACT_HARDTANH, o && o->min_val.has ? o->min_val.value : -1, o && o->max_val.has ? o->max_val.value : 1};
    if (c->a > c->b) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: min_val %g is above max_val %g", function, c->a, c->b);
    if (x && x->dtype == CT_U8 && (c->a < 0 || c->b < 0)) /* torch's words: they would wrap around */
        ct__fail(CT_ERR_DTYPE, "%s: limits %g and %g on an unsigned tensor", function, c->a, c->b);
    return ct__pending() == CT_OK;
}

ct_tensor *ct_relu6(ct_tensor *x) { return limited(&relu6_class, x, relu6_ctx); }
ct_status ct_relu6_(ct_tensor *x) { return limited_inplace(&relu6__class, x, relu6_ctx); }

ct_tensor *ct_hardtanh(ct_tensor *x, const ct_hardtanh_options *options) {
    ct__act_ctx c;
    return hardtanh_ctx("ct_hardtanh", options, x, &c) ? limited(&hardtanh_class, x, c) : NULL;
}
ct_status ct_hardtanh_(ct_tensor *x, const ct_hardtanh_options *options) {
    ct__act_ctx c;
    return hardtanh_ctx("ct_hardtanh_", options, x, &c) ? limited_inplace(&hardtanh__class, x, c) : ct__pending();
}

/* ---- hardsigmoid: relu6(x + 3) / 6; g / 6 for |x| < 3.  hardswish: x hardsigmoid(x); g (x / 3 + 1 / 2) there, g above ---- */

ct_tensor *ct_hardsigmoid(ct_tensor *x) {
    if (!ct__enter(CT__OP_hardsigmoid, &x, 1)) return NULL;
    return ct__activation(&hardsigmoid_class, x, hardsigmoid_ctx);
}
ct_status ct_hardsigmoid_(ct_tensor *x) { return ct__activation_inplace(&hardsigmoid__class, x, hardsigmoid_ctx); }

ct_tensor *ct_hardswish(ct_tensor *x) {
    if (!ct__enter(CT__OP_hardswish, &x, 1)) return NULL;
    return ct__activation(&hardswish_class, x, hardswish_ctx);
}
ct_status ct_hardswish_(ct_tensor *x) { return ct__activation_inplace(&hardswish__class, x, hardswish_ctx); }

/* ---- threshold: x where x > threshold, else value; g there ---- */

static ct_tensor *whole_threshold(ct_tensor *x, double threshold, double value) {
    return ct_masked_fill(x, ct_le_scalar_int(x, (int64_t)threshold), (double)(int64_t)value);
}

ct_tensor *ct_threshold(ct_tensor *x, double threshold, double value) {
    if (!ct__enter(CT__OP_threshold, &x, 1) || !is_number(CT__OP_threshold, x)) return NULL;
    if (ct__is_float(x)) return ct__activation(&threshold_class, x, (ct__act_ctx){CT__ACT_THRESHOLD, threshold, value});
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, whole_threshold(x, threshold, value));
}
ct_status ct_threshold_(ct_tensor *x, double threshold, double value) {
    if (x && ct__is_float(x)) return ct__activation_inplace(&threshold__class, x, (ct__act_ctx){CT__ACT_THRESHOLD, threshold, value});
    if (!ct__enter_inplace(CT__OP_threshold_, x, NULL, 0) || !is_number(CT__OP_threshold_, x)) return ct__pending();
    ct_scope scope = ct_scope_begin();
    ct_copy_(x, whole_threshold(x, threshold, value));
    ct_scope_end(scope);
    return ct__pending();
}

/* ---- hardshrink: 0 for |x| <= lambd, else x.  softshrink: the same, nearer to 0 by lambd.  g outside, both ---- */

ct_tensor *ct_hardshrink(ct_tensor *x, const ct_hardshrink_options *options) {
    if (!ct__enter(CT__OP_hardshrink, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_hardshrink", options));
    double lambd = options && options->lambd.has ? options->lambd.value : 0.5;
    return ct__activation(&hardshrink_class, x, (ct__act_ctx){CT__ACT_HARDSHRINK, lambd, 0});
}

ct_tensor *ct_softshrink(ct_tensor *x, const ct_softshrink_options *options) {
    if (!ct__enter(CT__OP_softshrink, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_softshrink", options));
    double lambd = options && options->lambd.has ? options->lambd.value : 0.5;
    if (!(lambd >= 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_softshrink: lambd is %g but must not be negative", lambd);
        return NULL;
    }
    return ct__activation(&softshrink_class, x, (ct__act_ctx){CT__ACT_SOFTSHRINK, lambd, 0});
}
