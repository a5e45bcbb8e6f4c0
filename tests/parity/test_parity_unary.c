/* Functions of one tensor against PyTorch: see README.md. */
#include "parity/replay.h"

#define FUNCTION(name)                               \
    CALL(name) {                                     \
        RESULT(name, ct_##name(T("input")));         \
        IN_PLACE(name##_, "input", ct_##name##_(SELF)); \
    }
FUNCTION(neg)
FUNCTION(abs)
FUNCTION(square)
FUNCTION(sign)
FUNCTION(floor)
FUNCTION(ceil)
FUNCTION(trunc)
FUNCTION(frac)
FUNCTION(reciprocal)
FUNCTION(sqrt)
FUNCTION(rsqrt)
FUNCTION(exp)
FUNCTION(exp2)
FUNCTION(expm1)
FUNCTION(log)
FUNCTION(log2)
FUNCTION(log10)
FUNCTION(log1p)
FUNCTION(sin)
FUNCTION(cos)
FUNCTION(tan)
FUNCTION(asin)
FUNCTION(acos)
FUNCTION(atan)
FUNCTION(sinh)
FUNCTION(cosh)
FUNCTION(asinh)
FUNCTION(acosh)
FUNCTION(atanh)

/* torch.round(input, *, decimals=0) */
CALL(round) {
    if (HAS("decimals")) {
        RESULT(round_decimals, ct_round_decimals(T("input"), I("decimals")));
        IN_PLACE(round_decimals_, "input", ct_round_decimals_(SELF, I("decimals")));
    } else {
        RESULT(round, ct_round(T("input")));
        IN_PLACE(round_, "input", ct_round_(SELF));
    }
}

PARITY_MAIN()
