/* Activations against PyTorch: see README.md. */
#include "parity/replay.h"

/* relu(input) */
CALL(relu) {
    RESULT(relu, ct_relu(T("input")));
    if (ct_is_floating_point(T("input"))) IN_PLACE(relu_, "input", ct_relu_(SELF));
}

PARITY_MAIN()
