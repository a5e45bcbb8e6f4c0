/*
 * ctorch/ops_pointwise.h: elementwise arithmetic, functions, selection, comparison and logic. Special functions are in ops_special.h, bits in ops_bitwise.h.
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

#include <ctorch/ops_bitwise.h>
#include <ctorch/ops_special.h>
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
CT_API ct_tensor *ct_add_relu(ct_tensor *a, ct_tensor *b); /* ct_relu(ct_add(a, b)) in one pass, as the end of a residual block; only the result is saved */
CT_API ct_tensor *ct_add_alpha(ct_tensor *a, ct_tensor *b, double alpha); /* a + alpha * b; integers want a whole alpha */
CT_API ct_tensor *ct_sub(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_sub_alpha(ct_tensor *a, ct_tensor *b, double alpha); /* a - alpha * b */
CT_API ct_tensor *ct_mul(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_div(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_div_tensor_mode(ct_tensor *a, ct_tensor *b, ct_rounding_mode rounding_mode); /* gradient zero when rounded */
CT_API ct_tensor *ct_floor_divide(ct_tensor *a, ct_tensor *b); /* ct_div_tensor_mode with CT_ROUND_FLOOR; torch has no gradient for it */
CT_API ct_tensor *ct_remainder(ct_tensor *a, ct_tensor *b); /* sign of b: Python's % */
CT_API ct_tensor *ct_fmod(ct_tensor *a, ct_tensor *b);      /* sign of a: C's % */
CT_API ct_tensor *ct_pow(ct_tensor *a, ct_tensor *b);       /* integers to negative powers: 0, or +-1 for a = +-1 */
CT_API ct_tensor *ct_float_power(ct_tensor *a, ct_tensor *b); /* ct_pow of both converted to float64 */
CT_API ct_tensor *ct_maximum(ct_tensor *a, ct_tensor *b);   /* NaN wins; equal elements share the gradient */
CT_API ct_tensor *ct_minimum(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_atan2(ct_tensor *a, ct_tensor *b);     /* the angle of (x = b, y = a) */

/* A tensor and a number, as double or exactly as int64_t. */
CT_API ct_tensor *ct_add_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_sub_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_mul_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_div_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_div_scalar_mode(ct_tensor *a, double b, ct_rounding_mode rounding_mode);
CT_API ct_tensor *ct_floor_divide_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_pow_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_float_power_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_remainder_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_fmod_scalar(ct_tensor *a, double b);
CT_API ct_tensor *ct_add_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_sub_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_mul_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_pow_scalar_int(ct_tensor *a, int64_t b); /* error: an integer tensor to a negative power */
CT_API ct_tensor *ct_div_scalar_mode_int(ct_tensor *a, int64_t b, ct_rounding_mode rounding_mode);
CT_API ct_tensor *ct_floor_divide_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_remainder_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_fmod_scalar_int(ct_tensor *a, int64_t b);

/* A number on the left: a - b, a / b, a to the power of b, the remainder of a by b. */
CT_API ct_tensor *ct_sub_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_div_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_pow_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_float_power_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_remainder_rscalar(double a, ct_tensor *b);
CT_API ct_tensor *ct_sub_rscalar_int(int64_t a, ct_tensor *b);
CT_API ct_tensor *ct_pow_rscalar_int(int64_t a, ct_tensor *b);
CT_API ct_tensor *ct_remainder_rscalar_int(int64_t a, ct_tensor *b);

/* In place: a += b and so on. */
CT_API ct_status ct_add_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_add_alpha_(ct_tensor *a, ct_tensor *b, double alpha);
CT_API ct_status ct_sub_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_mul_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_sub_alpha_(ct_tensor *a, ct_tensor *b, double alpha);
CT_API ct_status ct_div_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_div_tensor_mode_(ct_tensor *a, ct_tensor *b, ct_rounding_mode rounding_mode);
CT_API ct_status ct_floor_divide_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_remainder_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_fmod_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_pow_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_float_power_(ct_tensor *a, ct_tensor *b); /* a must be float64 */
CT_API ct_status ct_atan2_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_add_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_sub_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_mul_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_div_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_div_scalar_mode_(ct_tensor *a, double b, ct_rounding_mode rounding_mode);
CT_API ct_status ct_floor_divide_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_remainder_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_fmod_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_pow_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_float_power_scalar_(ct_tensor *a, double b);
CT_API ct_status ct_add_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_sub_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_mul_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_div_scalar_mode_int_(ct_tensor *a, int64_t b, ct_rounding_mode rounding_mode);
CT_API ct_status ct_floor_divide_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_remainder_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_fmod_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_pow_scalar_int_(ct_tensor *a, int64_t b);

/* Fused forms. ct_addcmul takes integers too (value is cut to one), the others floating point only. */
CT_API ct_tensor *ct_addcmul(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value); /* a + value * b * c */
CT_API ct_tensor *ct_addcdiv(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value); /* a + value * b / c */
CT_API ct_tensor *ct_lerp(ct_tensor *a, ct_tensor *end, double weight);               /* a + weight * (end - a) */
CT_API ct_tensor *ct_lerp_tensor(ct_tensor *a, ct_tensor *end, ct_tensor *weight);    /* one dtype for all three; a 0-dim weight may have another */
CT_API ct_status ct_addcmul_(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value);
CT_API ct_status ct_addcdiv_(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value);
CT_API ct_status ct_lerp_(ct_tensor *a, ct_tensor *end, double weight);
CT_API ct_status ct_lerp_tensor_(ct_tensor *a, ct_tensor *end, ct_tensor *weight);

/* ---- Functions of one tensor ----------------------------------------------------------------------------------- */

/* Any number dtype in, the same out. floor, ceil, round, trunc and sign have a gradient of zero. */
CT_API ct_tensor *ct_neg(ct_tensor *a);
CT_API ct_tensor *ct_abs(ct_tensor *a);    /* subgradient 0 at 0 */
CT_API ct_tensor *ct_square(ct_tensor *a); /* bool gives int64 */
CT_API ct_tensor *ct_sign(ct_tensor *a);   /* -1, 0, 1; NaN gives 0 */
CT_API ct_tensor *ct_floor(ct_tensor *a);
CT_API ct_tensor *ct_ceil(ct_tensor *a);
CT_API ct_tensor *ct_round(ct_tensor *a); /* halves to even */
CT_API ct_tensor *ct_round_decimals(ct_tensor *a, int64_t decimals); /* to that many decimals, or to 10^-decimals; floating point only */
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
CT_API ct_tensor *ct_asinh(ct_tensor *a);
CT_API ct_tensor *ct_acosh(ct_tensor *a);
CT_API ct_tensor *ct_atanh(ct_tensor *a);

/* In place. Those that would make float32 of integers want floating point. */
CT_API ct_status ct_neg_(ct_tensor *a);
CT_API ct_status ct_abs_(ct_tensor *a);
CT_API ct_status ct_square_(ct_tensor *a);
CT_API ct_status ct_sign_(ct_tensor *a);
CT_API ct_status ct_floor_(ct_tensor *a);
CT_API ct_status ct_ceil_(ct_tensor *a);
CT_API ct_status ct_round_(ct_tensor *a);
CT_API ct_status ct_round_decimals_(ct_tensor *a, int64_t decimals);
CT_API ct_status ct_trunc_(ct_tensor *a);
CT_API ct_status ct_frac_(ct_tensor *a);
CT_API ct_status ct_reciprocal_(ct_tensor *a);
CT_API ct_status ct_sqrt_(ct_tensor *a);
CT_API ct_status ct_rsqrt_(ct_tensor *a);
CT_API ct_status ct_exp_(ct_tensor *a);
CT_API ct_status ct_exp2_(ct_tensor *a);
CT_API ct_status ct_expm1_(ct_tensor *a);
CT_API ct_status ct_log_(ct_tensor *a);
CT_API ct_status ct_log2_(ct_tensor *a);
CT_API ct_status ct_log10_(ct_tensor *a);
CT_API ct_status ct_log1p_(ct_tensor *a);
CT_API ct_status ct_sin_(ct_tensor *a);
CT_API ct_status ct_cos_(ct_tensor *a);
CT_API ct_status ct_tan_(ct_tensor *a);
CT_API ct_status ct_asin_(ct_tensor *a);
CT_API ct_status ct_acos_(ct_tensor *a);
CT_API ct_status ct_atan_(ct_tensor *a);
CT_API ct_status ct_sinh_(ct_tensor *a);
CT_API ct_status ct_cosh_(ct_tensor *a);
CT_API ct_status ct_asinh_(ct_tensor *a);
CT_API ct_status ct_acosh_(ct_tensor *a);
CT_API ct_status ct_atanh_(ct_tensor *a);

/* ---- Selection ------------------------------------------------------------------------------------------------- */

/*
 * Limits. NaN stays NaN; min > max gives max. The gradient passes where min <= a <= max. A NaN limit makes all elements NaN. The double forms make
 * float32 of integers, as every double number does; the _int ones keep them.
 */
CT_API ct_tensor *ct_clamp(ct_tensor *a, double min, double max);
CT_API ct_tensor *ct_clamp_min(ct_tensor *a, double min);
CT_API ct_tensor *ct_clamp_max(ct_tensor *a, double max);
CT_API ct_tensor *ct_clamp_int(ct_tensor *a, int64_t min, int64_t max);
CT_API ct_tensor *ct_clamp_min_int(ct_tensor *a, int64_t min);
CT_API ct_tensor *ct_clamp_max_int(ct_tensor *a, int64_t max);
CT_API ct_status ct_clamp_(ct_tensor *a, double min, double max);
CT_API ct_status ct_clamp_min_(ct_tensor *a, double min);
CT_API ct_status ct_clamp_max_(ct_tensor *a, double max);
CT_API ct_status ct_clamp_int_(ct_tensor *a, int64_t min, int64_t max);
CT_API ct_status ct_clamp_min_int_(ct_tensor *a, int64_t min);
CT_API ct_status ct_clamp_max_int_(ct_tensor *a, int64_t max);

/* Limits of their own for the elements, broadcast and promoted; one of the two may be NULL: no such limit. A NaN limit makes its element
 * NaN. The limits get the gradient where they are the result. */
CT_API ct_tensor *ct_clamp_tensor(ct_tensor *a, ct_tensor *min, ct_tensor *max);
CT_API ct_status ct_clamp_tensor_(ct_tensor *a, ct_tensor *min, ct_tensor *max);

/* condition ? a : b, all three broadcast; condition is bool. */
CT_API ct_tensor *ct_where(ct_tensor *condition, ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_where_scalar(ct_tensor *condition, ct_tensor *a, double b);
CT_API ct_tensor *ct_where_rscalar(ct_tensor *condition, double a, ct_tensor *b);
CT_API ct_tensor *ct_where_scalar_int(ct_tensor *condition, ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_where_rscalar_int(ct_tensor *condition, int64_t a, ct_tensor *b);

/* value where mask (bool, broadcast with a), else a. The dtype is a's; value is converted to it and must fit. */
CT_API ct_tensor *ct_masked_fill(ct_tensor *a, ct_tensor *mask, double value);
CT_API ct_status ct_masked_fill_(ct_tensor *a, ct_tensor *mask, double value); /* mask must broadcast to a */
CT_API ct_tensor *ct_masked_fill_tensor(ct_tensor *a, ct_tensor *mask, ct_tensor *value); /* a 0-dim value, which gets the sum of the gradient under the mask */
CT_API ct_status ct_masked_fill_tensor_(ct_tensor *a, ct_tensor *mask, ct_tensor *value);

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

/* In place: 1 and 0 in a's own dtype. */
CT_API ct_status ct_logical_and_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_logical_or_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_logical_xor_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_logical_not_(ct_tensor *a);

/* Integers and bools are never NaN or infinite. */
CT_API ct_tensor *ct_isnan(ct_tensor *a);
CT_API ct_tensor *ct_isinf(ct_tensor *a);
CT_API ct_tensor *ct_isfinite(ct_tensor *a);

CT_API ct_tensor *ct_signbit(ct_tensor *a); /* below 0, or -0 */

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

/* The same for each element. torch.isclose. */
typedef ct_allclose_options ct_isclose_options;
CT_API ct_tensor *ct_isclose(ct_tensor *a, ct_tensor *b, const ct_isclose_options *options);

#ifdef __cplusplus
}
#endif
#endif
