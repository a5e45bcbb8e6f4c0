/*
 * op_unary.c: functions of one tensor, and their in-place forms. Each block: the function, its derivative, the class, the call.
 * x is the input, y the result, g the gradient of y.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#define LN2 0.693147180559945309417
#define LN10 2.302585092994045684018
#define TWO_OVER_SQRT_PI 1.128379167095512573896

typedef enum saves { NOTHING, INPUT, OUTPUT } saves;

static ct_tensor *finish(const ct__node_class *cls, ct_tensor *x, ct_tensor *y, saves what) {
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (what == INPUT) ct__save(n, 0, x);
    if (what == OUTPUT) ct__save_output(n, 0, y, 0);
    return ct__finish(n, y);
}

/* Numbers to the same dtype. */
static ct_tensor *number(const ct__node_class *cls, ct__unary_fn fn, ct_tensor *x, saves what) {
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    CT__TRY_NULL(ct__check_not_bool(cls->op, (ct_dtype)x->dtype));
    return finish(cls, x, ct__unary(cls->op, fn, x, (ct_dtype)x->dtype), what);
}

/* Integers become float32. */
static ct_tensor *real(const ct__node_class *cls, ct__unary_fn fn, ct_tensor *x, saves what) {
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    return finish(cls, x, ct__unary(cls->op, fn, x, ct__at_least_float((ct_dtype)x->dtype)), what);
}

/* Of integers they are the identity. */
static ct_tensor *rounded(const ct__node_class *cls, ct__unary_fn fn, ct_tensor *x) {
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    CT__TRY_NULL(ct__check_not_bool(cls->op, (ct_dtype)x->dtype));
    ct_tensor *y = ct__is_float(x) ? ct__unary(cls->op, fn, x, (ct_dtype)x->dtype) : ct__copy_of(ct__fn(cls->op), x);
    return finish(cls, x, y, NOTHING);
}

static void zero_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_zeros_like(g[0], CT_DTYPE_NONE);
}

/* ---- neg: -x; -g ---- */

static void neg_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_neg(g[0]);
}
static const ct__node_class neg_class = {.op = CT__OP_neg, .backward = neg_backward};
ct_tensor *ct_neg(ct_tensor *a) { return number(&neg_class, CT__UNARY_neg, a, NOTHING); }

/* ---- abs: |x|; g sign x ---- */

static void abs_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_sign(ct__saved(n, 0)));
}
static const ct__node_class abs_class = {.op = CT__OP_abs, .backward = abs_backward, .n_saved = 1};
ct_tensor *ct_abs(ct_tensor *a) { return number(&abs_class, CT__UNARY_abs, a, INPUT); }

/* ---- square: x^2; 2 g x ---- */

static void square_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_mul_scalar(ct__saved(n, 0), 2));
}
static const ct__node_class square_class = {.op = CT__OP_square, .backward = square_backward, .n_saved = 1};
ct_tensor *ct_square(ct_tensor *a) {
    if (!ct__enter(CT__OP_square, &a, 1)) return NULL;
    ct_dtype dtype = a->dtype == CT_BOOL ? CT_I64 : (ct_dtype)a->dtype;
    return finish(&square_class, a, ct__unary(CT__OP_square, CT__UNARY_square, a, dtype), INPUT);
}

/* ---- sign, floor, ceil, round, trunc: steps; 0 ---- */

static const ct__node_class sign_class = {.op = CT__OP_sign, .backward = zero_backward};
static const ct__node_class floor_class = {.op = CT__OP_floor, .backward = zero_backward};
static const ct__node_class ceil_class = {.op = CT__OP_ceil, .backward = zero_backward};
static const ct__node_class round_class = {.op = CT__OP_round, .backward = zero_backward};
static const ct__node_class trunc_class = {.op = CT__OP_trunc, .backward = zero_backward};
ct_tensor *ct_sign(ct_tensor *a) {
    if (a && a->dtype == CT_BOOL) /* a bool is its own sign */
        return ct__enter(CT__OP_sign, &a, 1) ? ct__finish(NULL, ct__copy_of(ct__fn(CT__OP_sign), a)) : NULL;
    return number(&sign_class, CT__UNARY_sign, a, NOTHING);
}
ct_tensor *ct_floor(ct_tensor *a) { return rounded(&floor_class, CT__UNARY_floor, a); }
ct_tensor *ct_ceil(ct_tensor *a) { return rounded(&ceil_class, CT__UNARY_ceil, a); }
ct_tensor *ct_round(ct_tensor *a) { return rounded(&round_class, CT__UNARY_round, a); }
ct_tensor *ct_trunc(ct_tensor *a) { return rounded(&trunc_class, CT__UNARY_trunc, a); }

/* ---- frac: x - trunc x; g ---- */

static void frac_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
}
static const ct__node_class frac_class = {.op = CT__OP_frac, .backward = frac_backward};
ct_tensor *ct_frac(ct_tensor *a) {
    if (!ct__enter(CT__OP_frac, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_float(CT__OP_frac, a));
    return finish(&frac_class, a, ct__unary(CT__OP_frac, CT__UNARY_frac, a, (ct_dtype)a->dtype), NOTHING);
}

/* ---- reciprocal: 1 / x; -g y^2 ---- */

static void reciprocal_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *y = ct__saved(n, 0);
    gin[0] = ct_mul(ct_neg(g[0]), ct_mul(y, y));
}
static const ct__node_class reciprocal_class = {.op = CT__OP_reciprocal, .backward = reciprocal_backward, .n_saved = 1};
ct_tensor *ct_reciprocal(ct_tensor *a) { return real(&reciprocal_class, CT__UNARY_reciprocal, a, OUTPUT); }

/* ---- sqrt: g / (2 y) ---- */

static void sqrt_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_mul_scalar(ct__saved(n, 0), 2));
}
static const ct__node_class sqrt_class = {.op = CT__OP_sqrt, .backward = sqrt_backward, .n_saved = 1};
ct_tensor *ct_sqrt(ct_tensor *a) { return real(&sqrt_class, CT__UNARY_sqrt, a, OUTPUT); }

/* ---- rsqrt: 1 / sqrt x; -g y^3 / 2 ---- */

static void rsqrt_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *y = ct__saved(n, 0);
    gin[0] = ct_mul(ct_mul_scalar(g[0], -0.5), ct_mul(y, ct_mul(y, y)));
}
static const ct__node_class rsqrt_class = {.op = CT__OP_rsqrt, .backward = rsqrt_backward, .n_saved = 1};
ct_tensor *ct_rsqrt(ct_tensor *a) { return real(&rsqrt_class, CT__UNARY_rsqrt, a, OUTPUT); }

/* ---- exp: g y ---- */

static void exp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct__saved(n, 0));
}
static const ct__node_class exp_class = {.op = CT__OP_exp, .backward = exp_backward, .n_saved = 1};
ct_tensor *ct_exp(ct_tensor *a) { return real(&exp_class, CT__UNARY_exp, a, OUTPUT); }

/* ---- exp2: 2^x; g y ln 2 ---- */

static void exp2_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_mul_scalar(ct__saved(n, 0), LN2));
}
static const ct__node_class exp2_class = {.op = CT__OP_exp2, .backward = exp2_backward, .n_saved = 1};
ct_tensor *ct_exp2(ct_tensor *a) { return real(&exp2_class, CT__UNARY_exp2, a, OUTPUT); }

/* ---- expm1: g (y + 1) ---- */

static void expm1_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_add_scalar(ct__saved(n, 0), 1));
}
static const ct__node_class expm1_class = {.op = CT__OP_expm1, .backward = expm1_backward, .n_saved = 1};
ct_tensor *ct_expm1(ct_tensor *a) { return real(&expm1_class, CT__UNARY_expm1, a, OUTPUT); }

/* ---- log, log2, log10, log1p: g / x, g / (x ln 2), g / (x ln 10), g / (x + 1) ---- */

static void log_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct__saved(n, 0));
}
static void log2_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_mul_scalar(ct__saved(n, 0), LN2));
}
static void log10_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_mul_scalar(ct__saved(n, 0), LN10));
}
static void log1p_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_add_scalar(ct__saved(n, 0), 1));
}
static const ct__node_class log_class = {.op = CT__OP_log, .backward = log_backward, .n_saved = 1};
static const ct__node_class log2_class = {.op = CT__OP_log2, .backward = log2_backward, .n_saved = 1};
static const ct__node_class log10_class = {.op = CT__OP_log10, .backward = log10_backward, .n_saved = 1};
static const ct__node_class log1p_class = {.op = CT__OP_log1p, .backward = log1p_backward, .n_saved = 1};
ct_tensor *ct_log(ct_tensor *a) { return real(&log_class, CT__UNARY_log, a, INPUT); }
ct_tensor *ct_log2(ct_tensor *a) { return real(&log2_class, CT__UNARY_log2, a, INPUT); }
ct_tensor *ct_log10(ct_tensor *a) { return real(&log10_class, CT__UNARY_log10, a, INPUT); }
ct_tensor *ct_log1p(ct_tensor *a) { return real(&log1p_class, CT__UNARY_log1p, a, INPUT); }

/* ---- sin, cos, tan: g cos x, -g sin x, g (1 + y^2) ---- */

static void sin_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_cos(ct__saved(n, 0)));
}
static void cos_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(ct_neg(g[0]), ct_sin(ct__saved(n, 0)));
}
static void tan_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_add_scalar(ct_square(ct__saved(n, 0)), 1));
}
static const ct__node_class sin_class = {.op = CT__OP_sin, .backward = sin_backward, .n_saved = 1};
static const ct__node_class cos_class = {.op = CT__OP_cos, .backward = cos_backward, .n_saved = 1};
static const ct__node_class tan_class = {.op = CT__OP_tan, .backward = tan_backward, .n_saved = 1};
ct_tensor *ct_sin(ct_tensor *a) { return real(&sin_class, CT__UNARY_sin, a, INPUT); }
ct_tensor *ct_cos(ct_tensor *a) { return real(&cos_class, CT__UNARY_cos, a, INPUT); }
ct_tensor *ct_tan(ct_tensor *a) { return real(&tan_class, CT__UNARY_tan, a, OUTPUT); }

/* ---- asin, acos, atan: g / sqrt(1 - x^2), -g / sqrt(1 - x^2), g / (x^2 + 1) ---- */

static void asin_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_rsqrt(ct_sub_rscalar(1, ct_square(ct__saved(n, 0)))));
}
static void acos_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(ct_neg(g[0]), ct_rsqrt(ct_sub_rscalar(1, ct_square(ct__saved(n, 0)))));
}
static void atan_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_add_scalar(ct_square(ct__saved(n, 0)), 1));
}
static const ct__node_class asin_class = {.op = CT__OP_asin, .backward = asin_backward, .n_saved = 1};
static const ct__node_class acos_class = {.op = CT__OP_acos, .backward = acos_backward, .n_saved = 1};
static const ct__node_class atan_class = {.op = CT__OP_atan, .backward = atan_backward, .n_saved = 1};
ct_tensor *ct_asin(ct_tensor *a) { return real(&asin_class, CT__UNARY_asin, a, INPUT); }
ct_tensor *ct_acos(ct_tensor *a) { return real(&acos_class, CT__UNARY_acos, a, INPUT); }
ct_tensor *ct_atan(ct_tensor *a) { return real(&atan_class, CT__UNARY_atan, a, INPUT); }

/* ---- sinh, cosh: g cosh x, g sinh x ---- */

static void sinh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_cosh(ct__saved(n, 0)));
}
static void cosh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_sinh(ct__saved(n, 0)));
}
static const ct__node_class sinh_class = {.op = CT__OP_sinh, .backward = sinh_backward, .n_saved = 1};
static const ct__node_class cosh_class = {.op = CT__OP_cosh, .backward = cosh_backward, .n_saved = 1};
ct_tensor *ct_sinh(ct_tensor *a) { return real(&sinh_class, CT__UNARY_sinh, a, INPUT); }
ct_tensor *ct_cosh(ct_tensor *a) { return real(&cosh_class, CT__UNARY_cosh, a, INPUT); }

/* ---- erf: g 2 / sqrt pi exp(-x^2) ---- */

static void erf_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(ct_mul_scalar(g[0], TWO_OVER_SQRT_PI), ct_exp(ct_neg(ct_square(ct__saved(n, 0)))));
}
static const ct__node_class erf_class = {.op = CT__OP_erf, .backward = erf_backward, .n_saved = 1};
ct_tensor *ct_erf(ct_tensor *a) { return real(&erf_class, CT__UNARY_erf, a, INPUT); }

/* ---- in place: neg_, abs_ (of which a copy of x is kept), exp_, sqrt_ ---- */

static ct_status inplace(const ct__node_class *cls, ct__unary_fn fn, ct_tensor *x, ct_dtype dtype, saves what) {
    CT__TRY(ct__check_cast(cls->op, dtype, (ct_dtype)x->dtype));
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (n && what == INPUT) {
        ct_tensor *old = ct__copy_of(ct__fn(cls->op), x);
        ct__save_old(n, 0, old);
        ct__unref(old);
    }
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__unary_into(cls->op, fn, x);
    if (status == CT_OK && what == OUTPUT) ct__save_output(n, 0, x, 0);
    if (status == CT_OK) return ct__finish_inplace(n, x);
    ct__node_unref(n);
    return status;
}

static const ct__node_class neg_inplace_class = {.op = CT__OP_neg_, .backward = neg_backward};
static const ct__node_class abs_inplace_class = {.op = CT__OP_abs_, .backward = abs_backward, .n_saved = 1};
static const ct__node_class exp_inplace_class = {.op = CT__OP_exp_, .backward = exp_backward, .n_saved = 1};
static const ct__node_class sqrt_inplace_class = {.op = CT__OP_sqrt_, .backward = sqrt_backward, .n_saved = 1};

ct_status ct_neg_(ct_tensor *a) {
    if (!ct__enter_inplace(CT__OP_neg_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_not_bool(CT__OP_neg_, (ct_dtype)a->dtype));
    return inplace(&neg_inplace_class, CT__UNARY_neg, a, (ct_dtype)a->dtype, NOTHING);
}
ct_status ct_abs_(ct_tensor *a) {
    if (!ct__enter_inplace(CT__OP_abs_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_not_bool(CT__OP_abs_, (ct_dtype)a->dtype));
    return inplace(&abs_inplace_class, CT__UNARY_abs, a, (ct_dtype)a->dtype, INPUT);
}
ct_status ct_exp_(ct_tensor *a) {
    if (!ct__enter_inplace(CT__OP_exp_, a, NULL, 0)) return ct__pending();
    return inplace(&exp_inplace_class, CT__UNARY_exp, a, ct__at_least_float((ct_dtype)a->dtype), OUTPUT);
}
ct_status ct_sqrt_(ct_tensor *a) {
    if (!ct__enter_inplace(CT__OP_sqrt_, a, NULL, 0)) return ct__pending();
    return inplace(&sqrt_inplace_class, CT__UNARY_sqrt, a, ct__at_least_float((ct_dtype)a->dtype), OUTPUT);
}
