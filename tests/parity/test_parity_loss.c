/* Losses against PyTorch: see README.md. */
#include "parity/replay.h"

#define REDUCTION CHOICE("reduction", "mean", "sum", "none")

/* F.cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0) */
CALL(cross_entropy) {
    const ct_cross_entropy_options options = {
        .weight = OPT_T("weight"), .ignore_index = OPT_I("ignore_index"), .reduction = REDUCTION, .label_smoothing = F_OR("label_smoothing", 0)};
    RESULT(cross_entropy, ct_cross_entropy(T("input"), T("target"), &options));
}

PARITY_MAIN()
