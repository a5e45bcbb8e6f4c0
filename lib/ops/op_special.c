/*
 * op_special.c: error functions, gamma functions, logit, sinc, nan_to_num. Laid out as op_unary.c; the functions themselves are in kernels/special.c and libm.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <float.h>
#include <math.h>

#define PI 3.14159265358979323846
#define TWO_OVER_SQRT_PI 1.128379167095512573896
#define FUNCTION(name, x, y) static const ct__function name##_function = CT__FUNCTION(name, CT__REAL, x, y)

/* ---- erf, erfc: g 2 / sqrt pi exp(-x^2), and minus that; erfinv: g sqrt pi / 2 exp(y^2) ---- */

static ct_tensor *bell(ct_tensor *g, ct_tensor *x, double factor) { return ct_mul(ct_mul_scalar(g, factor), ct_exp(ct_neg(ct_square(x)))); }

static void erf_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = bell(g[0], ct__saved(n, 0), TWO_OVER_SQRT_PI);
}
static void erfc_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = bell(g[0], ct__saved(n, 0), -TWO_OVER_SQRT_PI);
}
static void erfinv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(ct_mul_scalar(g[0], 1 / TWO_OVER_SQRT_PI), ct_exp(ct_square(ct__saved(n, 0))));
}
FUNCTION(erf, CT__A, 0);
FUNCTION(erfc, CT__A, 0);
FUNCTION(erfinv, 0, CT__A);
ct_tensor *ct_erf(ct_tensor *a) { return ct__function_fresh(&erf_function, a); }
ct_tensor *ct_erfc(ct_tensor *a) { return ct__function_fresh(&erfc_function, a); }
ct_tensor *ct_erfinv(ct_tensor *a) { return ct__function_fresh(&erfinv_function, a); }
ct_status ct_erf_(ct_tensor *a) { return ct__function_inplace(&erf_function, a); }
ct_status ct_erfc_(ct_tensor *a) { return ct__function_inplace(&erfc_function, a); }
ct_status ct_erfinv_(ct_tensor *a) { return ct__function_inplace(&erfinv_function, a); }

/* ---- lgamma: g digamma x; digamma: g polygamma(1, x) ---- */

static void lgamma_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_digamma(ct__saved(n, 0)));
}
static void digamma_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_polygamma(1, ct__saved(n, 0)));
}
FUNCTION(lgamma, CT__A, 0);
FUNCTION(digamma, CT__A, 0);
ct_tensor *ct_lgamma(ct_tensor *a) { return ct__function_fresh(&lgamma_function, a); }
ct_tensor *ct_digamma(ct_tensor *a) { return ct__function_fresh(&digamma_function, a); }
ct_status ct_lgamma_(ct_tensor *a) { return ct__function_inplace(&lgamma_function, a); }
ct_status ct_digamma_(ct_tensor *a) { return ct__function_inplace(&digamma_function, a); }

/* ---- polygamma: g polygamma(order + 1, x) ---- */

static void polygamma_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(g[0], ct_polygamma(*(const int64_t *)ct__ctx(n) + 1, ct__saved(n, 0)));
}
static const ct__forms polygamma_forms = CT__FORMS(polygamma, polygamma_backward, sizeof(int64_t), CT__A, 0, 0, 0);

static ct_status check_order(int op, int64_t n) {
    if (n >= 0 && n < 1 << 20) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the order is %lld, it must be from 0 to 1048575", ct__fn(op), (long long)n);
}
static ct__call polygamma_call(const int64_t *n, const ct__number *order, ct_tensor *a) {
    return (ct__call){.loops = ct__kern()->pointwise.polygamma, .dtype = ct__at_least_float((ct_dtype)a->dtype), .n = 1, .in = {{.t = a}}, .arg = order,
                     .ctx = n};
}
ct_tensor *ct_polygamma(int64_t n, ct_tensor *a) {
    if (!ct__enter(CT__OP_polygamma, &a, 1)) return NULL;
    CT__TRY_NULL(check_order(CT__OP_polygamma, n));
    ct__number order = ct__number_i64(n);
    ct__call c = polygamma_call(&n, &order, a);
    return ct__fresh(&polygamma_forms, &c);
}
ct_status ct_polygamma_(int64_t n, ct_tensor *a) {
    if (!ct__enter_inplace(CT__OP_polygamma_, a, NULL, 0)) return ct__pending();
    CT__TRY(check_order(CT__OP_polygamma_, n));
    ct__number order = ct__number_i64(n);
    ct__call c = polygamma_call(&n, &order, a);
    return ct__inplace(&polygamma_forms, &c);
}

/* ---- sinc: sin(pi x) / (pi x), 1 at 0; g (cos(pi x) - y) / x, 0 at 0 ---- */

static void sinc_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *x = ct__saved(n, 0), *zero = ct_eq_scalar(x, 0);
    ct_tensor *safe = ct_masked_fill(x, zero, 1), *z = ct_mul_scalar(safe, PI);
    ct_tensor *slope = ct_div(ct_sub(ct_mul(z, ct_cos(z)), ct_sin(z)), ct_mul(z, safe));
    gin[0] = ct_mul(g[0], ct_masked_fill(slope, zero, 0));
}
FUNCTION(sinc, CT__A, 0);
ct_tensor *ct_sinc(ct_tensor *a) { return ct__function_fresh(&sinc_function, a); }
ct_status ct_sinc_(ct_tensor *a) { return ct__function_inplace(&sinc_function, a); }

/* ---- logit: log(x / (1 - x)), x moved into [eps, 1 - eps] first; g / (x (1 - x)), 0 where x was moved, NaN outside of [0, 1] if there is no eps ---- */

static void logit_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const double eps = *(const double *)ct__ctx(n), lo = eps < 0 ? 0 : eps;
    ct_tensor *x = ct__saved(n, 0);
    ct_tensor *slope = ct_div(g[0], ct_mul(x, ct_sub_rscalar(1, x)));
    gin[0] = ct_masked_fill(slope, ct_logical_or(ct_lt_scalar(x, lo), ct_gt_scalar(x, 1 - lo)), eps < 0 ? (double)NAN : 0);
}
static const ct__forms logit_forms = CT__FORMS(logit, logit_backward, sizeof(double), CT__A, 0, 0, 0);

static ct__call logit_call(const double *eps, const ct__number *arg, ct_tensor *a) {
    return (ct__call){.loops = ct__kern()->pointwise.logit, .dtype = ct__at_least_float((ct_dtype)a->dtype), .n = 1, .in = {{.t = a}}, .arg = arg, .ctx = eps};
}
static double eps_of(const ct_logit_options *o) { return o && o->eps.has ? o->eps.value : -1; }

ct_tensor *ct_logit(ct_tensor *a, const ct_logit_options *options) {
    if (!ct__enter(CT__OP_logit, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_logit", options));
    const double eps = eps_of(options);
    const ct__number arg = ct__number_f64(eps);
    ct__call c = logit_call(&eps, &arg, a);
    return ct__fresh(&logit_forms, &c);
}
ct_status ct_logit_(ct_tensor *a, const ct_logit_options *options) {
    if (!ct__enter_inplace(CT__OP_logit_, a, NULL, 0)) return ct__pending();
    CT__TRY(CT__CHECK_OPTIONS("ct_logit_", options));
    const double eps = eps_of(options);
    const ct__number arg = ct__number_f64(eps);
    ct__call c = logit_call(&eps, &arg, a);
    return ct__inplace(&logit_forms, &c);
}

/* ---- nan_to_num: g where x is finite ---- */

static void nan_to_num_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_masked_fill(g[0], ct_logical_not(ct_isfinite(ct__saved(n, 0))), 0);
}
static const ct__forms nan_to_num_forms = CT__FORMS(nan_to_num, nan_to_num_backward, 0, CT__A, 0, 0, 0);

static double largest(ct_dtype d) {
    switch (d) {
    case CT_F16: return 65504;
    case CT_BF16: return 0x1.fep127;
    case CT_F32: return FLT_MAX;
    default: return DBL_MAX;
    }
}
static ct__call nan_to_num_call(ct_tensor *a, const ct_nan_to_num_options *o) {
    const ct_dtype d = (ct_dtype)a->dtype;
    const double most = largest(d);
    const double nan = o && o->nan.has ? o->nan.value : 0, up = o && o->posinf.has ? o->posinf.value : most;
    const double down = o && o->neginf.has ? o->neginf.value : -most;
    return (ct__call){.loops = ct__kern()->pointwise.nan_to_num, .dtype = d, .n = 4,
                      .in = {{.t = a}, {.x = ct__number_f64(nan)}, {.x = ct__number_f64(up)}, {.x = ct__number_f64(down)}}};
}
ct_tensor *ct_nan_to_num(ct_tensor *a, const ct_nan_to_num_options *options) {
    if (!ct__enter(CT__OP_nan_to_num, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nan_to_num", options));
    if (!ct__is_float(a)) return ct__finish(NULL, ct__copy_of("ct_nan_to_num", a));
    ct__call c = nan_to_num_call(a, options);
    return ct__fresh(&nan_to_num_forms, &c);
}
ct_status ct_nan_to_num_(ct_tensor *a, const ct_nan_to_num_options *options) {
    if (!ct__enter_inplace(CT__OP_nan_to_num_, a, NULL, 0)) return ct__pending();
    CT__TRY(CT__CHECK_OPTIONS("ct_nan_to_num_", options));
    if (!ct__is_float(a)) return ct__finish_inplace(NULL, a);
    ct__call c = nan_to_num_call(a, options);
    return ct__inplace(&nan_to_num_forms, &c);
}
