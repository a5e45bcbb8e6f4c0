/* Bits against PyTorch: see README.md. */
#include "parity/replay.h"

CALL(bitwise_not) {
    RESULT(bitwise_not, ct_bitwise_not(T("input")));
    IN_PLACE(bitwise_not_, "input", ct_bitwise_not_(SELF));
}

/* torch.bitwise_and(input, other) and the like: a tensor and a tensor, or a number */
#define BITS(name)                                                                               \
    CALL(name) {                                                                                 \
        if (IS_INT("other")) {                                                                   \
            RESULT(name##_scalar_int, ct_##name##_scalar_int(T("input"), I("other")));           \
            IN_PLACE(name##_scalar_int_, "input", ct_##name##_scalar_int_(SELF, I("other")));    \
        } else {                                                                                 \
            RESULT(name, ct_##name(T("input"), T("other")));                                     \
            IN_PLACE(name##_, "input", ct_##name##_(SELF, T("other")));                          \
        }                                                                                        \
    }
BITS(bitwise_and)
BITS(bitwise_or)
BITS(bitwise_xor)
BITS(bitwise_left_shift)
BITS(bitwise_right_shift)

PARITY_MAIN()
