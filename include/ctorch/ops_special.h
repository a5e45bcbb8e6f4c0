/*
 * ctorch/ops_special.h: special functions, elementwise. Shapes, dtypes, gradients, in-place forms and errors as in ops_pointwise.h.
 *
 * Integers and bools are converted to float32 first, where it is not said that they are refused. Values are correct to a few units in the last place over
 * the whole range, with PyTorch's answers at 0, infinity and NaN.
 */
#ifndef CTORCH_OPS_SPECIAL_H
#define CTORCH_OPS_SPECIAL_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Of one tensor ---- */

CT_API ct_tensor *ct_erf(ct_tensor *a);     /* 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a */
CT_API ct_tensor *ct_erfc(ct_tensor *a);    /* 1 - erf(a), exact where erf is close to 1 */
CT_API ct_tensor *ct_erfinv(ct_tensor *a);  /* erf(result) = a; infinite at -1 and 1, NaN beyond */
CT_API ct_tensor *ct_lgamma(ct_tensor *a);  /* log |gamma(a)| */
CT_API ct_tensor *ct_digamma(ct_tensor *a); /* the derivative of lgamma; NaN at negative whole numbers */
CT_API ct_tensor *ct_sinc(ct_tensor *a);    /* sin(pi a) / (pi a), 1 at 0 */
CT_API ct_status ct_erf_(ct_tensor *a);
CT_API ct_status ct_erfc_(ct_tensor *a);
CT_API ct_status ct_erfinv_(ct_tensor *a);
CT_API ct_status ct_lgamma_(ct_tensor *a);
CT_API ct_status ct_digamma_(ct_tensor *a);
CT_API ct_status ct_sinc_(ct_tensor *a);

/*
 * The n-th derivative of digamma, n >= 0. Infinite at 0 and at negative whole numbers, where torch gives a huge number for n = 1: what its
 * sin(pi a) was rounded to. Error: n < 0 or n >= 2^20.
 */
CT_API ct_tensor *ct_polygamma(int64_t n, ct_tensor *a);
CT_API ct_status ct_polygamma_(int64_t n, ct_tensor *a);

typedef struct ct_logit_options {
    ct_opt_f64 eps; /* a is moved into [eps, 1 - eps] first; not given (or negative): nothing is moved */
    uint64_t reserved[2];
} ct_logit_options;

/* log(a / (1 - a)), the inverse of sigmoid. Without eps NaN outside of [0, 1]. */
CT_API ct_tensor *ct_logit(ct_tensor *a, const ct_logit_options *options);
CT_API ct_status ct_logit_(ct_tensor *a, const ct_logit_options *options);

typedef struct ct_nan_to_num_options {
    ct_opt_f64 nan;    /* 0 */
    ct_opt_f64 posinf; /* the largest number of the dtype */
    ct_opt_f64 neginf; /* the lowest */
    uint64_t reserved[2];
} ct_nan_to_num_options;

/* Numbers in the place of NaN and the infinities. Integers and bools are copied. The gradient passes where a is finite. */
CT_API ct_tensor *ct_nan_to_num(ct_tensor *a, const ct_nan_to_num_options *options);
CT_API ct_status ct_nan_to_num_(ct_tensor *a, const ct_nan_to_num_options *options);

/* ---- Of two ---- */

CT_API ct_tensor *ct_hypot(ct_tensor *a, ct_tensor *b);      /* sqrt(a^2 + b^2) without overflow in between; floating point only */
CT_API ct_tensor *ct_logaddexp(ct_tensor *a, ct_tensor *b);  /* log(exp(a) + exp(b)); floating point only */
CT_API ct_tensor *ct_logaddexp2(ct_tensor *a, ct_tensor *b); /* log2(2^a + 2^b); floating point only */
CT_API ct_tensor *ct_xlogy(ct_tensor *a, ct_tensor *b);      /* a log(b); 0 where a is 0, unless b is NaN */
CT_API ct_tensor *ct_copysign(ct_tensor *a, ct_tensor *b);   /* |a| with the sign of b, that of -0 too; no gradient for b */
CT_API ct_tensor *ct_fmax(ct_tensor *a, ct_tensor *b);       /* ct_maximum, but NaN loses against a number */
CT_API ct_tensor *ct_fmin(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_heaviside(ct_tensor *a, ct_tensor *b);  /* 0 for a < 0 and NaN, b for a = 0, 1 for a > 0; one dtype for both; no gradient */
CT_API ct_tensor *ct_xlogy_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_xlogy_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_copysign_scalar(ct_tensor *a, double b);
CT_API ct_status ct_hypot_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_xlogy_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_copysign_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_heaviside_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_xlogy_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_copysign_scalar_(ct_tensor *a, double b);

#ifdef __cplusplus
}
#endif
#endif
