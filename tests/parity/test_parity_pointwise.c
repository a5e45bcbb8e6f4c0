/* Pointwise arithmetic and selection against PyTorch: see README.md. */
#include "parity/replay.h"

/* A double in the place of an int makes float32 of integers, so only floating point tensors tell both. */
#define TAKES_F64(name) (IS_NUMBER(name) && (!IS_INT(name) || ct_is_floating_point(T("input"))))

/* Both forms of fn(tensor, number), and in place. */
#define WITH_NUMBER(op, ...)                                                                                    \
    if (IS_INT("other")) {                                                                                      \
        RESULT(op##_int, ct_##op##_int(T("input"), I("other") __VA_ARGS__));                                    \
        IN_PLACE(op##_int_, "input", ct_##op##_int_(SELF, I("other") __VA_ARGS__));                             \
    }                                                                                                           \
    if (TAKES_F64("other")) {                                                                                   \
        RESULT(op, ct_##op(T("input"), F("other") __VA_ARGS__));                                                \
        IN_PLACE(op##_, "input", ct_##op##_(SELF, F("other") __VA_ARGS__));                                     \
    }
#define WITH_TENSOR(op)                                          \
    if (IS_TENSOR("other") && IS_TENSOR("input")) {              \
        RESULT(op, ct_##op(T("input"), T("other")));             \
        IN_PLACE(op##_, "input", ct_##op##_(SELF, T("other")));  \
    }

/* ---- Arithmetic ---- */

/* torch.add(input, other, *, alpha=1) */
CALL(add) {
    WITH_NUMBER(add_scalar)
    if (!IS_TENSOR("other")) return;
    RESULT(add_alpha, ct_add_alpha(T("input"), T("other"), F_OR("alpha", 1)));
    IN_PLACE(add_alpha_, "input", ct_add_alpha_(SELF, T("other"), F_OR("alpha", 1)));
    if (!HAS("alpha")) WITH_TENSOR(add)
}

/* torch.relu(torch.add(input, other)) */
CALL(add_relu) { RESULT(add_relu, ct_add_relu(T("input"), T("other"))); }

/* torch.sub(input, other, *, alpha=1) */
CALL(sub) {
    WITH_NUMBER(sub_scalar)
    if (!IS_TENSOR("other")) return;
    RESULT(sub_alpha, ct_sub_alpha(T("input"), T("other"), F_OR("alpha", 1)));
    IN_PLACE(sub_alpha_, "input", ct_sub_alpha_(SELF, T("other"), F_OR("alpha", 1)));
    if (!HAS("alpha")) WITH_TENSOR(sub)
}

/* torch.rsub(input, other): other - input */
CALL(rsub) {
    if (IS_INT("other")) RESULT(sub_rscalar_int, ct_sub_rscalar_int(I("other"), T("input")));
    if (TAKES_F64("other")) RESULT(sub_rscalar, ct_sub_rscalar(F("other"), T("input")));
}

CALL(mul) {
    WITH_NUMBER(mul_scalar)
    WITH_TENSOR(mul)
}

/* torch.div(input, other, *, rounding_mode=None) */
CALL(div) {
    const ct_rounding_mode mode = (ct_rounding_mode)CHOICE("rounding_mode", "", "trunc", "floor");
    if (!IS_TENSOR("other")) {
        WITH_NUMBER(div_scalar_mode, , mode)
        return;
    }
    RESULT(div_tensor_mode, ct_div_tensor_mode(T("input"), T("other"), mode));
    IN_PLACE(div_tensor_mode_, "input", ct_div_tensor_mode_(SELF, T("other"), mode));
    if (!HAS("rounding_mode")) WITH_TENSOR(div)
}
CALL(div_rounded) { div_adapter(c); }
CALL(div_numbers) {
    const ct_rounding_mode mode = (ct_rounding_mode)CHOICE("rounding_mode", "", "trunc", "floor");
    WITH_NUMBER(div_scalar_mode, , mode)
    if (HAS("rounding_mode")) return;
    RESULT(div_scalar, ct_div_scalar(T("input"), F("other")));
    IN_PLACE(div_scalar_, "input", ct_div_scalar_(SELF, F("other")));
}
CALL(div_rscalar) { RESULT(div_rscalar, ct_div_rscalar(F("other"), T("input"))); }

CALL(floor_divide) {
    WITH_NUMBER(floor_divide_scalar)
    WITH_TENSOR(floor_divide)
}
CALL(fmod) {
    WITH_NUMBER(fmod_scalar)
    WITH_TENSOR(fmod)
}
CALL(remainder) {
    WITH_NUMBER(remainder_scalar)
    WITH_TENSOR(remainder)
}
CALL(remainder_rscalar) {
    if (IS_INT("input")) RESULT(remainder_rscalar_int, ct_remainder_rscalar_int(I("input"), T("other")));
    if (!IS_INT("input") || ct_is_floating_point(T("other"))) RESULT(remainder_rscalar, ct_remainder_rscalar(F("input"), T("other")));
}

/* torch.pow(input, exponent): a number on either side */
CALL(pow) {
    if (IS_NUMBER("input")) {
        if (IS_INT("input")) RESULT(pow_rscalar_int, ct_pow_rscalar_int(I("input"), T("exponent")));
        if (!IS_INT("input") || ct_is_floating_point(T("exponent"))) RESULT(pow_rscalar, ct_pow_rscalar(F("input"), T("exponent")));
        return;
    }
    if (IS_INT("exponent")) {
        RESULT(pow_scalar_int, ct_pow_scalar_int(T("input"), I("exponent")));
        IN_PLACE(pow_scalar_int_, "input", ct_pow_scalar_int_(SELF, I("exponent")));
    }
    if (TAKES_F64("exponent")) {
        RESULT(pow_scalar, ct_pow_scalar(T("input"), F("exponent")));
        IN_PLACE(pow_scalar_, "input", ct_pow_scalar_(SELF, F("exponent")));
    }
    if (IS_TENSOR("exponent")) {
        RESULT(pow, ct_pow(T("input"), T("exponent")));
        IN_PLACE(pow_, "input", ct_pow_(SELF, T("exponent")));
    }
}
CALL(float_power) {
    if (IS_NUMBER("input")) {
        RESULT(float_power_rscalar, ct_float_power_rscalar(F("input"), T("exponent")));
    } else if (IS_NUMBER("exponent")) {
        RESULT(float_power_scalar, ct_float_power_scalar(T("input"), F("exponent")));
        IN_PLACE(float_power_scalar_, "input", ct_float_power_scalar_(SELF, F("exponent")));
    } else {
        RESULT(float_power, ct_float_power(T("input"), T("exponent")));
        IN_PLACE(float_power_, "input", ct_float_power_(SELF, T("exponent")));
    }
}

CALL(atan2) { WITH_TENSOR(atan2) }
CALL(maximum) { RESULT(maximum, ct_maximum(T("input"), T("other"))); }
CALL(minimum) { RESULT(minimum, ct_minimum(T("input"), T("other"))); }

/* ---- Fused ---- */

/* torch.addcmul(input, tensor1, tensor2, *, value=1) */
CALL(addcmul) {
    RESULT(addcmul, ct_addcmul(T("input"), T("tensor1"), T("tensor2"), F_OR("value", 1)));
    IN_PLACE(addcmul_, "input", ct_addcmul_(SELF, T("tensor1"), T("tensor2"), F_OR("value", 1)));
}
CALL(addcdiv) {
    RESULT(addcdiv, ct_addcdiv(T("input"), T("tensor1"), T("tensor2"), F_OR("value", 1)));
    IN_PLACE(addcdiv_, "input", ct_addcdiv_(SELF, T("tensor1"), T("tensor2"), F_OR("value", 1)));
}

/* torch.lerp(input, end, weight) */
CALL(lerp) {
    if (IS_NUMBER("weight")) {
        RESULT(lerp, ct_lerp(T("input"), T("end"), F("weight")));
        IN_PLACE(lerp_, "input", ct_lerp_(SELF, T("end"), F("weight")));
    } else {
        RESULT(lerp_tensor, ct_lerp_tensor(T("input"), T("end"), T("weight")));
        IN_PLACE(lerp_tensor_, "input", ct_lerp_tensor_(SELF, T("end"), T("weight")));
    }
}

/* ---- Limits and selection ---- */

/* torch.clamp(input, min=None, max=None): numbers or tensors. Numbers on both sides, or on one. */
CALL(clamp) {
    if (IS_TENSOR("min") || IS_TENSOR("max")) {
        RESULT(clamp_tensor, ct_clamp_tensor(T("input"), OPT_T("min"), OPT_T("max")));
        IN_PLACE(clamp_tensor_, "input", ct_clamp_tensor_(SELF, OPT_T("min"), OPT_T("max")));
    } else if (IS_INT("min") && IS_INT("max")) {
        RESULT(clamp_int, ct_clamp_int(T("input"), I("min"), I("max")));
        IN_PLACE(clamp_int_, "input", ct_clamp_int_(SELF, I("min"), I("max")));
    } else if (HAS("min") && HAS("max")) {
        RESULT(clamp, ct_clamp(T("input"), F("min"), F("max")));
        IN_PLACE(clamp_, "input", ct_clamp_(SELF, F("min"), F("max")));
    } else if (HAS("min")) {
        RESULT(clamp_min, ct_clamp_min(T("input"), F("min")));
        IN_PLACE(clamp_min_, "input", ct_clamp_min_(SELF, F("min")));
    } else {
        RESULT(clamp_max, ct_clamp_max(T("input"), F("max")));
        IN_PLACE(clamp_max_, "input", ct_clamp_max_(SELF, F("max")));
    }
}

#define LIMIT(name, bound, low, high)                                                          \
    CALL(name) {                                                                               \
        if (IS_INT(bound)) {                                                                   \
            RESULT(name##_int, ct_##name##_int(T("input"), I(bound)));                         \
            IN_PLACE(name##_int_, "input", ct_##name##_int_(SELF, I(bound)));                  \
        }                                                                                      \
        if (TAKES_F64(bound)) {                                                                \
            RESULT(name, ct_##name(T("input"), F(bound)));                                     \
            IN_PLACE(name##_, "input", ct_##name##_(SELF, F(bound)));                          \
        }                                                                                      \
        if (IS_TENSOR(bound)) {                                                                \
            RESULT(clamp_tensor, ct_clamp_tensor(T("input"), low, high));                      \
            IN_PLACE(clamp_tensor_, "input", ct_clamp_tensor_(SELF, low, high));               \
        }                                                                                      \
    }
LIMIT(clamp_min, "min", T("min"), NULL)
LIMIT(clamp_max, "max", NULL, T("max"))

/* torch.masked_fill(input, mask, value) */
CALL(masked_fill) {
    if (IS_TENSOR("value")) {
        RESULT(masked_fill_tensor, ct_masked_fill_tensor(T("input"), T("mask"), T("value")));
        IN_PLACE(masked_fill_tensor_, "input", ct_masked_fill_tensor_(SELF, T("mask"), T("value")));
    } else {
        RESULT(masked_fill, ct_masked_fill(T("input"), T("mask"), F("value")));
        IN_PLACE(masked_fill_, "input", ct_masked_fill_(SELF, T("mask"), F("value")));
    }
}

/* torch.where(condition, input, other): a number on either side */
CALL(where) {
    if (IS_INT("other")) RESULT(where_scalar_int, ct_where_scalar_int(T("condition"), T("input"), I("other")));
    if (IS_INT("input")) RESULT(where_rscalar_int, ct_where_rscalar_int(T("condition"), I("input"), T("other")));
    if (TAKES_F64("other")) RESULT(where_scalar, ct_where_scalar(T("condition"), T("input"), F("other")));
    if (IS_NUMBER("input") && (!IS_INT("input") || ct_is_floating_point(T("other"))))
        RESULT(where_rscalar, ct_where_rscalar(T("condition"), F("input"), T("other")));
    if (IS_TENSOR("input") && IS_TENSOR("other")) RESULT(where, ct_where(T("condition"), T("input"), T("other")));
}

PARITY_MAIN()
