/*
 * ctorch/ops_pointwise.h: elementwise arithmetic, functions, selection, comparison and logic.
 *
 * Shapes: operands are broadcast to a common shape (trailing dims aligned, size 1 stretches). The result's strides follow the
 * operands' (channels_last in, channels_last out), as in PyTorch.
 *
 * Dtypes: operands are converted to a common dtype by torch.result_type's rules: bool < integer < floating point; within a
 * category tensors with dims outrank 0-dim ones, which outrank numbers. A double number is of the floating point category, whatever its value, an
 * int64_t one (the _int forms) of the integer category: int64 tensor + 2.0 is float32, + 2 stays int64.
 *
 * Gradients: of every order unless said otherwise; each op's block in lib/ops begins with its formula.
 *
 * In-place forms end in an underscore, keep dtype and shape of their first argument and return a status. Errors: CT_ERR_SHAPE if the other operand does
 * not broadcast to it, CT_ERR_DTYPE if the result's category is higher than its own, CT_ERR_AUTOGRAD for a leaf that
 * requires grad.
 *
 * Errors of all: CT_ERR_SHAPE for shapes that do not broadcast, CT_ERR_DTYPE for dtypes that the op does not take.
 */
#ifndef CTORCH_OPS_POINTWISE_H
#define CTORCH_OPS_POINTWISE_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Arithmetic ------------------------------------------------------------------------------------------------ */

typedef enum ct_rounding_mode {
    CT_ROUND_NONE = 0,  /* true division */
    CT_ROUND_TRUNC = 1, /* towards zero: C's division of integers */
    CT_ROUND_FLOOR = 2, /* towards minus infinity: Python's // */
    CT_ROUND_FORCE_32BIT = 0x7fffffff
} ct_rounding_mode;

/*
 * Two tensors. On integers: wrapping arithmetic, ct_div gives float32 (true division); the other divisions and remainders by zero
 * are CT_ERR_INVALID_ARGUMENT. On bools add is or, mul is and, sub is an error.
 */
CT_API ct_tensor *ct_add(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_add_alpha(ct_tensor *a, ct_tensor *b, double alpha); /* a + alpha * b; integers want a whole alpha */
CT_API ct_tensor *ct_sub(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_mul(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_div(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_div_tensor_mode(ct_tensor *a, ct_tensor *b, ct_rounding_mode rounding_mode); /* gradient zero when rounded */
CT_API ct_tensor *ct_remainder(ct_tensor *a, ct_tensor *b); /* sign of b: Python's % */
CT_API ct_tensor *ct_fmod(ct_tensor *a, ct_tensor *b);      /* sign of a: C's % */
CT_API ct_tensor *ct_pow(ct_tensor *a, ct_tensor *b);       /* integers to negative powers: 0, or +-1 for a = +-1 */
CT_API ct_tensor *ct_maximum(ct_tensor *a, ct_tensor *b);   /* NaN wins; equal elements share the gradient */
CT_API ct_tensor *ct_minimum(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_atan2(ct_tensor *a, ct_tensor *b);     /* the angle of (x = b, y = a) */

/* A tensor and a number, as double or exactly as int64_t. */
CT_API ct_tensor *ct_add_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_sub_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_mul_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_div_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_pow_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_remainder_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_add_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_sub_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_mul_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_pow_scalar_int(ct_tensor *a, int64_t b); /* error: an integer tensor to a negative power */
CT_API ct_tensor *ct_remainder_scalar_int(ct_tensor *a, int64_t b);

/* A number on the left: a - b, a / b, a to the power of b. */
CT_API ct_tensor *ct_sub_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_div_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_pow_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_sub_rscalar_int(int64_t a, ct_tensor *b);

/* In place: a += b and so on. */
CT_API ct_status ct_add_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_add_alpha_(ct_tensor *a, ct_tensor *b, double alpha);
CT_API ct_status ct_sub_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_mul_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_div_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_add_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_sub_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_mul_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_div_scalar_(ct_tensor *a, double b);

/* Fused forms, floating point only. */
CT_API ct_tensor *ct_addcmul(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value); /* a + value * b * c */
CT_API ct_tensor *ct_addcdiv(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value); /* a + value * b / c */
CT_API ct_tensor *ct_lerp(ct_tensor *a, ct_tensor *end, double weight);               /* a + weight * (end - a) */

/* ---- Functions of one tensor ----------------------------------------------------------------------------------- */

/* Any number dtype in, the same out. floor, ceil, round, trunc and sign have a gradient of zero. */
CT_API ct_tensor *ct_neg(ct_tensor *a);
CT_API ct_tensor *ct_abs(ct_tensor *a);    /* subgradient 0 at 0 */
CT_API ct_tensor *ct_square(ct_tensor *a); /* bool gives int64 */
CT_API ct_tensor *ct_sign(ct_tensor *a);   /* -1, 0, 1; NaN gives 0 */
CT_API ct_tensor *ct_floor(ct_tensor *a);
CT_API ct_tensor *ct_ceil(ct_tensor *a);
CT_API ct_tensor *ct_round(ct_tensor *a); /* halves to even */
CT_API ct_tensor *ct_trunc(ct_tensor *a);
CT_API ct_tensor *ct_frac(ct_tensor *a);  /* a - trunc(a); floating point only */

/* Floating point; integers and bools are converted to float32 first. */
CT_API ct_tensor *ct_reciprocal(ct_tensor *a);
CT_API ct_tensor *ct_sqrt(ct_tensor *a);
CT_API ct_tensor *ct_rsqrt(ct_tensor *a); /* 1 / sqrt(a) */
CT_API ct_tensor *ct_exp(ct_tensor *a);
CT_API ct_tensor *ct_exp2(ct_tensor *a);
CT_API ct_tensor *ct_expm1(ct_tensor *a); /* exp(a) - 1, exact near 0 */
CT_API ct_tensor *ct_log(ct_tensor *a);
CT_API ct_tensor *ct_log2(ct_tensor *a);
CT_API ct_tensor *ct_log10(ct_tensor *a);
CT_API ct_tensor *ct_log1p(ct_tensor *a); /* log(1 + a), exact near 0 */
CT_API ct_tensor *ct_sin(ct_tensor *a);
CT_API ct_tensor *ct_cos(ct_tensor *a);
CT_API ct_tensor *ct_tan(ct_tensor *a);
CT_API ct_tensor *ct_asin(ct_tensor *a);
CT_API ct_tensor *ct_acos(ct_tensor *a);
CT_API ct_tensor *ct_atan(ct_tensor *a);
CT_API ct_tensor *ct_sinh(ct_tensor *a);
CT_API ct_tensor *ct_cosh(ct_tensor *a);
CT_API ct_tensor *ct_erf(ct_tensor *a);

/* In place. exp_ and sqrt_ want floating point. */
CT_API ct_status ct_neg_(ct_tensor *a);
CT_API ct_status ct_abs_(ct_tensor *a);
CT_API ct_status ct_exp_(ct_tensor *a);
CT_API ct_status ct_sqrt_(ct_tensor *a);

/* ---- Selection ------------------------------------------------------------------------------------------------- */

/*
 * Limits. NaN stays NaN; min > max gives max. The gradient passes where min <= a <= max. A NaN limit makes all elements NaN. The double forms make
 * float32 of integers, as every double number does; the _int ones keep them.
 */
CT_API ct_tensor *ct_clamp(ct_tensor *a, double min, double max);
CT_API ct_tensor *ct_clamp_min(ct_tensor *a, double min);
CT_API ct_tensor *ct_clamp_max(ct_tensor *a, double max);
CT_API ct_tensor *ct_clamp_int(ct_tensor *a, int64_t min, int64_t max);
CT_API ct_status ct_clamp_(ct_tensor *a, double min, double max);

/* condition ? a : b, all three broadcast; condition is bool. */
CT_API ct_tensor *ct_where(ct_tensor *condition, ct_tensor *a, ct_tensor *b);

/* value where mask (bool, broadcast with a), else a. The dtype is a's; value is converted to it and must fit. */
CT_API ct_tensor *ct_masked_fill(ct_tensor *a, ct_tensor *mask, double value);
CT_API ct_status ct_masked_fill_(ct_tensor *a, ct_tensor *mask, double value); /* mask must broadcast to a */

/* ---- Comparison and logic: bool results, no gradient -------------------------------------------------------------- */

/* In the common dtype. An int64_t number that the tensor's integer dtype cannot hold compares as what it is: uint8 elements are all < 300, and
 * torch lets the 300 wrap. */
CT_API ct_tensor *ct_eq(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_ne(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_lt(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_le(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_gt(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_ge(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_eq_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_ne_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_lt_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_le_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_gt_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_ge_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_eq_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_ne_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_lt_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_le_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_gt_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_ge_scalar_int(ct_tensor *a, int64_t b);

/* Non-zero counts as true, NaN too. */
CT_API ct_tensor *ct_logical_and(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_logical_or(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_logical_xor(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_logical_not(ct_tensor *a);

/* Integers and bools are never NaN or infinite. */
CT_API ct_tensor *ct_isnan(ct_tensor *a);
CT_API ct_tensor *ct_isinf(ct_tensor *a);
CT_API ct_tensor *ct_isfinite(ct_tensor *a);

/* The same sizes and all elements equal, in the common dtype (NaN differs from NaN). false on an error. torch.equal. */
CT_API bool ct_equal(ct_tensor *a, ct_tensor *b);

typedef struct ct_allclose_options {
    ct_opt_f64 rtol; /* 1e-5 */
    ct_opt_f64 atol; /* 1e-8 */
    bool equal_nan;  /* NaN is close to NaN */
    uint64_t reserved[2];
} ct_allclose_options;

/* |a - b| <= atol + rtol |b| for all elements, after broadcasting; equal infinities are close. The dtypes must agree: CT_ERR_DTYPE.
 * false on an error. torch.allclose. */
CT_API bool ct_allclose(ct_tensor *a, ct_tensor *b, const ct_allclose_options *options);

#ifdef __cplusplus
}
#endif
#endif
