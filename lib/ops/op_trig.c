/*
 * op_trig.c: circular and hyperbolic functions and their inverses. Laid out as op_unary.c.
 */
#include "ops/forms.h"
#include <ctorch/ops_pointwise.h>

/* The names of libm's functions are taken. */
#define FUNCTION(name, x, y) static const ct__function name##_function = CT__FUNCTION(name, CT__REAL, x, y)

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
FUNCTION(sin, CT__A, 0);
FUNCTION(cos, CT__A, 0);
FUNCTION(tan, 0, CT__A);
ct_tensor *ct_sin(ct_tensor *a) { return ct__function_fresh(&sin_function, a); }
ct_tensor *ct_cos(ct_tensor *a) { return ct__function_fresh(&cos_function, a); }
ct_tensor *ct_tan(ct_tensor *a) { return ct__function_fresh(&tan_function, a); }
ct_status ct_sin_(ct_tensor *a) { return ct__function_inplace(&sin_function, a); }
ct_status ct_cos_(ct_tensor *a) { return ct__function_inplace(&cos_function, a); }
ct_status ct_tan_(ct_tensor *a) { return ct__function_inplace(&tan_function, a); }

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
FUNCTION(asin, CT__A, 0);
FUNCTION(acos, CT__A, 0);
FUNCTION(atan, CT__A, 0);
ct_tensor *ct_asin(ct_tensor *a) { return ct__function_fresh(&asin_function, a); }
ct_tensor *ct_acos(ct_tensor *a) { return ct__function_fresh(&acos_function, a); }
ct_tensor *ct_atan(ct_tensor *a) { return ct__function_fresh(&atan_function, a); }
ct_status ct_asin_(ct_tensor *a) { return ct__function_inplace(&asin_function, a); }
ct_status ct_acos_(ct_tensor *a) { return ct__function_inplace(&acos_function, a); }
ct_status ct_atan_(ct_tensor *a) { return ct__function_inplace(&atan_function, a); }

/* ---- sinh, cosh: g cosh x, g sinh x (tanh is in op_activation.c) ---- */

static void sinh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_cosh(ct__saved(n, 0)));
}
static void cosh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_sinh(ct__saved(n, 0)));
}
FUNCTION(sinh, CT__A, 0);
FUNCTION(cosh, CT__A, 0);
ct_tensor *ct_sinh(ct_tensor *a) { return ct__function_fresh(&sinh_function, a); }
ct_tensor *ct_cosh(ct_tensor *a) { return ct__function_fresh(&cosh_function, a); }
ct_status ct_sinh_(ct_tensor *a) { return ct__function_inplace(&sinh_function, a); }
ct_status ct_cosh_(ct_tensor *a) { return ct__function_inplace(&cosh_function, a); }

/* ---- asinh, acosh, atanh: g / sqrt(x^2 + 1), g / sqrt(x^2 - 1), g / (1 - x^2) ---- */

static void asinh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_rsqrt(ct_add_scalar(ct_square(ct__saved(n, 0)), 1)));
}
static void acosh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_rsqrt(ct_sub_scalar(ct_square(ct__saved(n, 0)), 1)));
}
static void atanh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(g[0], ct_sub_rscalar(1, ct_square(ct__saved(n, 0))));
}
FUNCTION(asinh, CT__A, 0);
FUNCTION(acosh, CT__A, 0);
FUNCTION(atanh, CT__A, 0);
ct_tensor *ct_asinh(ct_tensor *a) { return ct__function_fresh(&asinh_function, a); }
ct_tensor *ct_acosh(ct_tensor *a) { return ct__function_fresh(&acosh_function, a); }
ct_tensor *ct_atanh(ct_tensor *a) { return ct__function_fresh(&atanh_function, a); }
ct_status ct_asinh_(ct_tensor *a) { return ct__function_inplace(&asinh_function, a); }
ct_status ct_acosh_(ct_tensor *a) { return ct__function_inplace(&acosh_function, a); }
ct_status ct_atanh_(ct_tensor *a) { return ct__function_inplace(&atanh_function, a); }
