/* Special functions against PyTorch: see README.md. */
#include "parity/replay.h"

#define FUNCTION(name)                               \
    CALL(name) {                                     \
        RESULT(name, ct_##name(T("input")));         \
        IN_PLACE(name##_, "input", ct_##name##_(SELF)); \
    }
FUNCTION(erf)
FUNCTION(erfc)
FUNCTION(erfinv)
FUNCTION(lgamma)
FUNCTION(digamma)
FUNCTION(sinc)

/* torch.polygamma(n, input) */
CALL(polygamma) {
    RESULT(polygamma, ct_polygamma(I("n"), T("input")));
    IN_PLACE(polygamma_, "input", ct_polygamma_(I("n"), SELF));
}

/* torch.logit(input, eps=None) */
CALL(logit) {
    const ct_logit_options options = {.eps = OPT_F("eps")};
    RESULT(logit, ct_logit(T("input"), &options));
    IN_PLACE(logit_, "input", ct_logit_(SELF, &options));
}

/* torch.nan_to_num(input, nan=0.0, posinf=None, neginf=None) */
CALL(nan_to_num) {
    const ct_nan_to_num_options options = {.nan = OPT_F("nan"), .posinf = OPT_F("posinf"), .neginf = OPT_F("neginf")};
    RESULT(nan_to_num, ct_nan_to_num(T("input"), &options));
    IN_PLACE(nan_to_num_, "input", ct_nan_to_num_(SELF, &options));
}

/* Of two tensors. */
CALL(logaddexp) { RESULT(logaddexp, ct_logaddexp(T("input"), T("other"))); }
CALL(logaddexp2) { RESULT(logaddexp2, ct_logaddexp2(T("input"), T("other"))); }
CALL(fmax) { RESULT(fmax, ct_fmax(T("input"), T("other"))); }
CALL(fmin) { RESULT(fmin, ct_fmin(T("input"), T("other"))); }
CALL(hypot) {
    RESULT(hypot, ct_hypot(T("input"), T("other")));
    IN_PLACE(hypot_, "input", ct_hypot_(SELF, T("other")));
}
CALL(heaviside) {
    RESULT(heaviside, ct_heaviside(T("input"), T("values")));
    IN_PLACE(heaviside_, "input", ct_heaviside_(SELF, T("values")));
}

/* torch.xlogy(input, other): numbers on either side */
CALL(xlogy) {
    if (IS_NUMBER("input")) {
        RESULT(xlogy_rscalar, ct_xlogy_rscalar(F("input"), T("other")));
    } else if (IS_NUMBER("other")) {
        RESULT(xlogy_scalar, ct_xlogy_scalar(T("input"), F("other")));
        IN_PLACE(xlogy_scalar_, "input", ct_xlogy_scalar_(SELF, F("other")));
    } else {
        RESULT(xlogy, ct_xlogy(T("input"), T("other")));
        IN_PLACE(xlogy_, "input", ct_xlogy_(SELF, T("other")));
    }
}

/* torch.copysign(input, other) */
CALL(copysign) {
    if (IS_NUMBER("other")) {
        RESULT(copysign_scalar, ct_copysign_scalar(T("input"), F("other")));
        IN_PLACE(copysign_scalar_, "input", ct_copysign_scalar_(SELF, F("other")));
    } else {
        RESULT(copysign, ct_copysign(T("input"), T("other")));
        IN_PLACE(copysign_, "input", ct_copysign_(SELF, T("other")));
    }
}

PARITY_MAIN()
