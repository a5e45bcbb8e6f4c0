/* Losses against PyTorch: see README.md. */
#include "parity/replay.h"

#define REDUCTION CHOICE("reduction", "mean", "sum", "none")

/* F.cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0) */
CALL(cross_entropy) {
    const ct_cross_entropy_options options = {
        .weight = OPT_T("weight"), .ignore_index = OPT_I("ignore_index"), .reduction = REDUCTION, .label_smoothing = F_OR("label_smoothing", 0)};
    RESULT(cross_entropy, ct_cross_entropy(T("input"), T("target"), &options));
}

/* F.nll_loss(input, target, weight=None, ignore_index=-100, reduction="mean") */
CALL(nll_loss) {
    const ct_nll_loss_options options = {.weight = OPT_T("weight"), .ignore_index = OPT_I("ignore_index"), .reduction = REDUCTION};
    RESULT(nll_loss, ct_nll_loss(T("input"), T("target"), &options));
}

/* F.mse_loss(input, target, reduction="mean", weight=None) */
CALL(mse_loss) {
    const ct_mse_loss_options options = {.reduction = REDUCTION, .weight = OPT_T("weight")};
    RESULT(mse_loss, ct_mse_loss(T("input"), T("target"), &options));
}

/* F.l1_loss(input, target, reduction="mean", weight=None) */
CALL(l1_loss) {
    const ct_l1_loss_options options = {.reduction = REDUCTION, .weight = OPT_T("weight")};
    RESULT(l1_loss, ct_l1_loss(T("input"), T("target"), &options));
}

/* F.smooth_l1_loss(input, target, reduction="mean", beta=1) */
CALL(smooth_l1_loss) {
    const ct_smooth_l1_loss_options options = {.reduction = REDUCTION, .beta = OPT_F("beta")};
    RESULT(smooth_l1_loss, ct_smooth_l1_loss(T("input"), T("target"), &options));
}

/* F.huber_loss(input, target, reduction="mean", delta=1, weight=None) */
CALL(huber_loss) {
    const ct_huber_loss_options options = {.reduction = REDUCTION, .delta = F_OR("delta", 0), .weight = OPT_T("weight")};
    RESULT(huber_loss, ct_huber_loss(T("input"), T("target"), &options));
}

/* F.binary_cross_entropy(input, target, weight=None, reduction="mean") */
CALL(binary_cross_entropy) {
    const ct_binary_cross_entropy_options options = {.weight = OPT_T("weight"), .reduction = REDUCTION};
    RESULT(binary_cross_entropy, ct_binary_cross_entropy(T("input"), T("target"), &options));
}

/* F.binary_cross_entropy_with_logits(input, target, weight=None, reduction="mean", pos_weight=None) */
CALL(binary_cross_entropy_with_logits) {
    const ct_binary_cross_entropy_with_logits_options options = {.weight = OPT_T("weight"), .pos_weight = OPT_T("pos_weight"), .reduction = REDUCTION};
    RESULT(binary_cross_entropy_with_logits, ct_binary_cross_entropy_with_logits(T("input"), T("target"), &options));
}

PARITY_MAIN()
