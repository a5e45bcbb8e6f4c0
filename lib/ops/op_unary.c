/*
 * op_unary.c: arithmetic functions, rounding, exponentials and logarithms of one tensor. Each block: the function, its derivative, the
 * description, the two calls. x is the input, y the result, g the gradient of y.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

#define LN2 0.693147180559945309417
#define LN10 2.302585092994045684018

/* The names of libm's functions are taken. */
#define FUNCTION(name, domain, x, y) static const ct__function name##_function = CT__FUNCTION(name, domain, x, y)

/* ---- neg: -x; -g ---- */

static void neg_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_neg(g[0]);
}
FUNCTION(neg, CT__NUMBER, 0, 0);
ct_tensor *ct_neg(ct_tensor *a) { return ct__function_fresh(&neg_function, a); }
ct_status ct_neg_(ct_tensor *a) { return ct__function_inplace(&neg_function, a); }

/* ---- abs: |x|; g sign x ---- */

static void abs_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_sign(ct__saved(n, 0)));
}
FUNCTION(abs, CT__NUMBER, CT__A, 0);
ct_tensor *ct_abs(ct_tensor *a) { return ct__function_fresh(&abs_function, a); }
ct_status ct_abs_(ct_tensor *a) { return ct__function_inplace(&abs_function, a); }

/* ---- square: x^2; 2 g x ---- */

static void square_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_mul_scalar(ct__saved(n, 0), 2));
}
FUNCTION(square, CT__COUNTED, CT__A, 0);
ct_tensor *ct_square(ct_tensor *a) { return ct__function_fresh(&square_function, a); }
ct_status ct_square_(ct_tensor *a) { return ct__function_inplace(&square_function, a); }

/* ---- sign, floor, ceil, round, trunc: steps; 0 ---- */

#define sign_backward ct__zero_backward
#define floor_backward ct__zero_backward
#define ceil_backward ct__zero_backward
#define round_backward ct__zero_backward
#define trunc_backward ct__zero_backward
FUNCTION(sign, CT__SIGN, 0, 0);
FUNCTION(floor, CT__WHOLE, 0, 0);
FUNCTION(ceil, CT__WHOLE, 0, 0);
FUNCTION(round, CT__WHOLE, 0, 0);
FUNCTION(trunc, CT__WHOLE, 0, 0);
ct_tensor *ct_sign(ct_tensor *a) { return ct__function_fresh(&sign_function, a); }
ct_tensor *ct_floor(ct_tensor *a) { return ct__function_fresh(&floor_function, a); }
ct_tensor *ct_ceil(ct_tensor *a) { return ct__function_fresh(&ceil_function, a); }
ct_tensor *ct_round(ct_tensor *a) { return ct__function_fresh(&round_function, a); }
ct_tensor *ct_trunc(ct_tensor *a) { return ct__function_fresh(&trunc_function, a); }
ct_status ct_sign_(ct_tensor *a) { return ct__function_inplace(&sign_function, a); }
ct_status ct_floor_(ct_tensor *a) { return ct__function_inplace(&floor_function, a); }
ct_status ct_ceil_(ct_tensor *a) { return ct__function_inplace(&ceil_function, a); }
ct_status ct_round_(ct_tensor *a) { return ct__function_inplace(&round_function, a); }
ct_status ct_trunc_(ct_tensor *a) { return ct__function_inplace(&trunc_function, a); }

/* ---- round_decimals: x scaled by a power of ten, rounded, scaled back; 0 ---- */

static const ct__forms round_decimals = CT__FORMS(round_decimals, ct__zero_backward, 0, 0, 0, 0, 0);

/* A reference of the caller's. Multiplies and divides by 10^|decimals|, which is exact up to 10^22, where 10^-|decimals| is not. */
static ct_tensor *rounded_at(int op, const ct_tensor *a, int64_t decimals) {
    const ct_dtype dtype = (ct_dtype)a->dtype;
    if (decimals == 0) return ct__unary(op, CT__UNARY_round, a, dtype);
    const ct__number scale = ct__number_f64(pow(10, fabs((double)decimals)));
    const ct__binary_fn first = decimals > 0 ? CT__BINARY_mul : CT__BINARY_div, last = decimals > 0 ? CT__BINARY_div : CT__BINARY_mul;
    ct_tensor *y = ct__binary_number(op, first, a, scale, false, dtype);
    if (y && (ct__unary_into(op, CT__UNARY_round, y) != CT_OK || ct__binary_number_into(op, last, y, scale, dtype) != CT_OK)) {
        ct__unref(y);
        y = NULL;
    }
    return y;
}

ct_tensor *ct_round_decimals(ct_tensor *a, int64_t decimals) {
    const int op = CT__OP_round_decimals;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_float(op, a));
    return ct__finish(ct__node_new(&round_decimals.fresh, &a, 1, 1), rounded_at(op, a, decimals));
}
ct_status ct_round_decimals_(ct_tensor *a, int64_t decimals) {
    const int op = CT__OP_round_decimals_;
    if (!ct__enter_inplace(op, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(op, a));
    return ct__inplace_copy(&round_decimals, a, rounded_at(op, a, decimals));
}

/* ---- frac: x - trunc x; g ---- */

#define frac_backward ct__pass_backward
FUNCTION(frac, CT__FLOAT, 0, 0);
ct_tensor *ct_frac(ct_tensor *a) { return ct__function_fresh(&frac_function, a); }
ct_status ct_frac_(ct_tensor *a) { return ct__function_inplace(&frac_function, a); }

/* ---- reciprocal: 1 / x; -g y^2 ---- */

static void reciprocal_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *y = ct__saved(n, 0);
    gin[0] = ct_mul(ct_neg(g[0]), ct_mul(y, y));
}
FUNCTION(reciprocal, CT__REAL, 0, CT__A);
ct_tensor *ct_reciprocal(ct_tensor *a) { return ct__function_fresh(&reciprocal_function, a); }
ct_status ct_reciprocal_(ct_tensor *a) { return ct__function_inplace(&reciprocal_function, a); }

/* ---- sqrt: g / (2 y) ---- */

static void sqrt_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_mul_scalar(ct__saved(n, 0), 2));
}
FUNCTION(sqrt, CT__REAL, 0, CT__A);
ct_tensor *ct_sqrt(ct_tensor *a) { return ct__function_fresh(&sqrt_function, a); }
ct_status ct_sqrt_(ct_tensor *a) { return ct__function_inplace(&sqrt_function, a); }

/* ---- rsqrt: 1 / sqrt x; -g y^3 / 2 ---- */

static void rsqrt_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *y = ct__saved(n, 0);
    gin[0] = ct_mul(ct_mul_scalar(g[0], -0.5), ct_pow_scalar_int(y, 3));
}
FUNCTION(rsqrt, CT__REAL, 0, CT__A);
ct_tensor *ct_rsqrt(ct_tensor *a) { return ct__function_fresh(&rsqrt_function, a); }
ct_status ct_rsqrt_(ct_tensor *a) { return ct__function_inplace(&rsqrt_function, a); }

/* ---- exp: g y ---- */

static void exp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct__saved(n, 0));
}
FUNCTION(exp, CT__REAL, 0, CT__A);
ct_tensor *ct_exp(ct_tensor *a) { return ct__function_fresh(&exp_function, a); }
ct_status ct_exp_(ct_tensor *a) { return ct__function_inplace(&exp_function, a); }

/* ---- exp2: 2^x; g y ln 2 ---- */

static void exp2_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul_scalar(ct_mul(g[0], ct__saved(n, 0)), LN2);
}
FUNCTION(exp2, CT__REAL, 0, CT__A);
ct_tensor *ct_exp2(ct_tensor *a) { return ct__function_fresh(&exp2_function, a); }
ct_status ct_exp2_(ct_tensor *a) { return ct__function_inplace(&exp2_function, a); }

/* ---- expm1: g (y + 1) ---- */

static void expm1_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_add_scalar(ct__saved(n, 0), 1));
}
FUNCTION(expm1, CT__REAL, 0, CT__A);
ct_tensor *ct_expm1(ct_tensor *a) { return ct__function_fresh(&expm1_function, a); }
ct_status ct_expm1_(ct_tensor *a) { return ct__function_inplace(&expm1_function, a); }

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
FUNCTION(log, CT__REAL, CT__A, 0);
FUNCTION(log2, CT__REAL, CT__A, 0);
FUNCTION(log10, CT__REAL, CT__A, 0);
FUNCTION(log1p, CT__REAL, CT__A, 0);
ct_tensor *ct_log(ct_tensor *a) { return ct__function_fresh(&log_function, a); }
ct_tensor *ct_log2(ct_tensor *a) { return ct__function_fresh(&log2_function, a); }
ct_tensor *ct_log10(ct_tensor *a) { return ct__function_fresh(&log10_function, a); }
ct_tensor *ct_log1p(ct_tensor *a) { return ct__function_fresh(&log1p_function, a); }
ct_status ct_log_(ct_tensor *a) { return ct__function_inplace(&log_function, a); }
ct_status ct_log2_(ct_tensor *a) { return ct__function_inplace(&log2_function, a); }
ct_status ct_log10_(ct_tensor *a) { return ct__function_inplace(&log10_function, a); }
ct_status ct_log1p_(ct_tensor *a) { return ct__function_inplace(&log1p_function, a); }
