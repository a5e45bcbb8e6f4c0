/*
 * op_fused.c: products and quotients added to a tensor, interpolation, in one pass.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

static double number_of(const ct__node *n) { return *(const double *)ct__ctx(n); }

static ct_status check(int op, ct_tensor *const *t, int n) {
    for (int i = 0; i < n; i++) CT__TRY(ct__check_float(op, t[i]));
    return CT_OK;
}

/* a, b, c and a number, which is the node's context too. */
static ct__call call3(const ct__loop *loops, ct_tensor *const *t, const ct__number *value) {
    return (ct__call){.loops = loops, .dtype = ct__result_type((const ct_tensor *const *)t, 3, 0), .n = 3, .in = {{.t = t[0]}, {.t = t[1]}, {.t = t[2]}},
                      .arg = value, .ctx = &value->f};
}

/* ---- addcmul: a + v b c; d a = g, d b = v g c, d c = v g b ---- */

static void addcmul_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct_mul_scalar(ct__saved(n, 1), number_of(n))));
    if (ct__needs(n, 2)) gin[2] = ct__reduce_to_input(n, 2, ct_mul(g[0], ct_mul_scalar(ct__saved(n, 0), number_of(n))));
}
static const ct__forms addcmul = CT__FORMS(addcmul, addcmul_backward, sizeof(double), 0, CT__C, CT__B, 0);

ct_tensor *ct_addcmul(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    ct_tensor *t[] = {a, b, c};
    if (!ct__enter(CT__OP_addcmul, t, 3)) return NULL;
    const ct__number v = ct__number_f64(value);
    ct__call call = call3(ct__kern()->pointwise.addcmul, t, &v);
    CT__TRY_NULL(ct__check_not_bool(CT__OP_addcmul, call.dtype));
    return ct__fresh(&addcmul, &call);
}
ct_status ct_addcmul_(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    ct_tensor *t[] = {a, b, c};
    if (!ct__enter_inplace(CT__OP_addcmul_, a, t + 1, 2)) return ct__pending();
    const ct__number v = ct__number_f64(value);
    ct__call call = call3(ct__kern()->pointwise.addcmul, t, &v);
    CT__TRY(ct__check_not_bool(CT__OP_addcmul_, call.dtype));
    return ct__inplace(&addcmul, &call);
}

/* ---- addcdiv: a + v b / c; d a = g, d b = v g / c, d c = -v g b / c^2; floating point ---- */

static void addcdiv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const double v = number_of(n);
    ct_tensor *c = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct_div_rscalar(v, c)));
    if (ct__needs(n, 2))
        gin[2] = ct__reduce_to_input(n, 2, ct_mul(g[0], ct_div(ct_mul_scalar(ct__saved(n, 0), -v), ct_mul(c, c))));
}
static const ct__forms addcdiv = CT__FORMS(addcdiv, addcdiv_backward, sizeof(double), 0, CT__C, CT__B | CT__C, 0);

ct_tensor *ct_addcdiv(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    ct_tensor *t[] = {a, b, c};
    if (!ct__enter(CT__OP_addcdiv, t, 3)) return NULL;
    CT__TRY_NULL(check(CT__OP_addcdiv, t, 3));
    const ct__number v = ct__number_f64(value);
    ct__call call = call3(ct__kern()->pointwise.addcdiv, t, &v);
    return ct__fresh(&addcdiv, &call);
}
ct_status ct_addcdiv_(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    ct_tensor *t[] = {a, b, c};
    if (!ct__enter_inplace(CT__OP_addcdiv_, a, t + 1, 2)) return ct__pending();
    CT__TRY(check(CT__OP_addcdiv_, t, 3));
    const ct__number v = ct__number_f64(value);
    ct__call call = call3(ct__kern()->pointwise.addcdiv, t, &v);
    return ct__inplace(&addcdiv, &call);
}

/* ---- lerp: a + w (b - a); d a = (1 - w) g, d b = w g; floating point, one dtype ---- */

static void lerp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul_scalar(g[0], 1 - number_of(n)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul_scalar(g[0], number_of(n)));
}
static const ct__forms lerp = CT__FORMS(lerp, lerp_backward, sizeof(double), 0, 0, 0, 0);

static ct_status check_lerp(int op, ct_tensor *const *t, int n) {
    CT__TRY(check(op, t, n));
    for (int i = 1; i < n; i++)
        if (t[i]->dtype != t[0]->dtype && !(i == 2 && t[i]->ndim == 0))
            return ct__fail(CT_ERR_DTYPE, "%s: %s and %s; all must be of one dtype", ct__fn(op), ct_dtype_name((ct_dtype)t[0]->dtype),
                            ct_dtype_name((ct_dtype)t[i]->dtype));
    return CT_OK;
}
static ct__call lerp_call(ct_tensor *const *t, const ct__number *weight) {
    return (ct__call){.loops = ct__kern()->pointwise.lerp, .dtype = (ct_dtype)t[0]->dtype, .n = 2, .in = {{.t = t[0]}, {.t = t[1]}}, .arg = weight,
                      .ctx = &weight->f};
}
ct_tensor *ct_lerp(ct_tensor *a, ct_tensor *end, double weight) {
    ct_tensor *t[] = {a, end};
    if (!ct__enter(CT__OP_lerp, t, 2)) return NULL;
    CT__TRY_NULL(check_lerp(CT__OP_lerp, t, 2));
    const ct__number w = ct__number_f64(weight);
    ct__call call = lerp_call(t, &w);
    return ct__fresh(&lerp, &call);
}
ct_status ct_lerp_(ct_tensor *a, ct_tensor *end, double weight) {
    ct_tensor *t[] = {a, end};
    if (!ct__enter_inplace(CT__OP_lerp_, a, t + 1, 1)) return ct__pending();
    CT__TRY(check_lerp(CT__OP_lerp_, t, 2));
    const ct__number w = ct__number_f64(weight);
    ct__call call = lerp_call(t, &w);
    return ct__inplace(&lerp, &call);
}

/* ---- lerp_tensor: the weights are a tensor too; d w = g (b - a) ---- */

static void lerp_tensor_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *w = ct__saved(n, 2);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul(g[0], ct_sub_rscalar(1, w)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], w));
    if (ct__needs(n, 2)) gin[2] = ct__reduce_to_input(n, 2, ct_mul(g[0], ct_sub(ct__saved(n, 1), ct__saved(n, 0))));
}
static const ct__forms lerp_tensor = CT__FORMS(lerp_tensor, lerp_tensor_backward, 0, CT__C, CT__C, CT__A | CT__B, 0);

static ct__call lerp_tensor_call(ct_tensor *const *t) {
    return (ct__call){.loops = ct__kern()->pointwise.lerp_tensor, .dtype = (ct_dtype)t[0]->dtype, .n = 3, .in = {{.t = t[0]}, {.t = t[1]}, {.t = t[2]}}};
}
ct_tensor *ct_lerp_tensor(ct_tensor *a, ct_tensor *end, ct_tensor *weight) {
    ct_tensor *t[] = {a, end, weight};
    if (!ct__enter(CT__OP_lerp_tensor, t, 3)) return NULL;
    CT__TRY_NULL(check_lerp(CT__OP_lerp_tensor, t, 3));
    ct__call call = lerp_tensor_call(t);
    return ct__fresh(&lerp_tensor, &call);
}
ct_status ct_lerp_tensor_(ct_tensor *a, ct_tensor *end, ct_tensor *weight) {
    ct_tensor *t[] = {a, end, weight};
    if (!ct__enter_inplace(CT__OP_lerp_tensor_, a, t + 1, 2)) return ct__pending();
    CT__TRY(check_lerp(CT__OP_lerp_tensor_, t, 3));
    ct__call call = lerp_tensor_call(t);
    return ct__inplace(&lerp_tensor, &call);
}
