/* Comparison and logic against PyTorch: see README.md. */
#include "parity/replay.h"

#define COMPARE(name)                                                                                              \
    CALL(name) {                                                                                                   \
        if (IS_INT("other")) RESULT(name##_scalar_int, ct_##name##_scalar_int(T("input"), I("other")));            \
        if (IS_NUMBER("other") && (!IS_INT("other") || ct_is_floating_point(T("input"))))                          \
            RESULT(name##_scalar, ct_##name##_scalar(T("input"), F("other")));                                     \
        if (IS_TENSOR("other")) RESULT(name, ct_##name(T("input"), T("other")));                                   \
    }
COMPARE(eq)
COMPARE(ne)
COMPARE(lt)
COMPARE(le)
COMPARE(gt)
COMPARE(ge)

#define LOGIC(name)                                              \
    CALL(name) {                                                 \
        RESULT(name, ct_##name(T("input"), T("other")));         \
        IN_PLACE(name##_, "input", ct_##name##_(SELF, T("other"))); \
    }
LOGIC(logical_and)
LOGIC(logical_or)
LOGIC(logical_xor)
CALL(logical_not) {
    RESULT(logical_not, ct_logical_not(T("input")));
    IN_PLACE(logical_not_, "input", ct_logical_not_(SELF));
}

CALL(isnan) { RESULT(isnan, ct_isnan(T("input"))); }
CALL(isinf) { RESULT(isinf, ct_isinf(T("input"))); }
CALL(isfinite) { RESULT(isfinite, ct_isfinite(T("input"))); }
CALL(signbit) { RESULT(signbit, ct_signbit(T("input"))); }

/* torch.isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False) */
CALL(isclose) {
    const ct_isclose_options options = {.rtol = OPT_F("rtol"), .atol = OPT_F("atol"), .equal_nan = B_OR("equal_nan", false)};
    RESULT(isclose, ct_isclose(T("input"), T("other"), &options));
}
CALL(allclose) {
    const ct_allclose_options options = {.rtol = OPT_F("rtol"), .atol = OPT_F("atol"), .equal_nan = B_OR("equal_nan", false)};
    RESULT_BOOL(allclose, ct_allclose(T("input"), T("other"), &options));
}
CALL(equal) { RESULT_BOOL(equal, ct_equal(T("input"), T("other"))); }

PARITY_MAIN()
