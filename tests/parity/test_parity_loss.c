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

/* F.kl_div(input, target, reduction="mean", log_target=False) */
CALL(kl_div) {
    const ct_kl_div_options options = {.reduction = CHOICE("reduction", "mean", "sum", "none", "batchmean"), .log_target = B_OR("log_target", false)};
    RESULT(kl_div, ct_kl_div(T("input"), T("target"), &options));
}

/* F.poisson_nll_loss(input, target, log_input=True, full=False, eps=1e-8, reduction="mean") */
CALL(poisson_nll_loss) {
    const ct_poisson_nll_loss_options options = {
        .no_log_input = !B_OR("log_input", true), .full = B_OR("full", false), .eps = OPT_F("eps"), .reduction = REDUCTION};
    RESULT(poisson_nll_loss, ct_poisson_nll_loss(T("input"), T("target"), &options));
}

/* F.gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean") */
CALL(gaussian_nll_loss) {
    const ct_gaussian_nll_loss_options options = {.full = B_OR("full", false), .eps = OPT_F("eps"), .reduction = REDUCTION};
    RESULT(gaussian_nll_loss, ct_gaussian_nll_loss(T("input"), T("target"), T("var"), &options));
}

/* F.hinge_embedding_loss(input, target, margin=1, reduction="mean") */
CALL(hinge_embedding_loss) {
    const ct_hinge_embedding_loss_options options = {.margin = OPT_F("margin"), .reduction = REDUCTION};
    RESULT(hinge_embedding_loss, ct_hinge_embedding_loss(T("input"), T("target"), &options));
}

/* F.margin_ranking_loss(input1, input2, target, margin=0, reduction="mean") */
CALL(margin_ranking_loss) {
    const ct_margin_ranking_loss_options options = {.margin = F_OR("margin", 0), .reduction = REDUCTION};
    RESULT(margin_ranking_loss, ct_margin_ranking_loss(T("input1"), T("input2"), T("target"), &options));
}

/* F.cosine_embedding_loss(input1, input2, target, margin=0, reduction="mean") */
CALL(cosine_embedding_loss) {
    const ct_cosine_embedding_loss_options options = {.margin = F_OR("margin", 0), .reduction = REDUCTION};
    RESULT(cosine_embedding_loss, ct_cosine_embedding_loss(T("input1"), T("input2"), T("target"), &options));
}

/* F.soft_margin_loss(input, target, reduction="mean") */
CALL(soft_margin_loss) {
    const ct_soft_margin_loss_options options = {.reduction = REDUCTION};
    RESULT(soft_margin_loss, ct_soft_margin_loss(T("input"), T("target"), &options));
}

/* F.triplet_margin_loss(anchor, positive, negative, margin=1, p=2, eps=1e-6, swap=False, reduction="mean") */
CALL(triplet_margin_loss) {
    const ct_triplet_margin_loss_options options = {
        .margin = F_OR("margin", 0), .p = OPT_F("p"), .eps = OPT_F("eps"), .swap = B_OR("swap", false), .reduction = REDUCTION};
    RESULT(triplet_margin_loss, ct_triplet_margin_loss(T("anchor"), T("positive"), T("negative"), &options));
}

/* F.triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1, swap=False, reduction="mean") */
CALL(triplet_margin_with_distance_loss) {
    const ct_triplet_margin_with_distance_loss_options options = {.margin = F_OR("margin", 0), .swap = B_OR("swap", false), .reduction = REDUCTION};
    RESULT(triplet_margin_with_distance_loss, ct_triplet_margin_with_distance_loss(T("anchor"), T("positive"), T("negative"), &options));
}

/* F.multi_margin_loss(input, target, p=1, margin=1, weight=None, reduction="mean") */
CALL(multi_margin_loss) {
    const ct_multi_margin_loss_options options = {.p = (int32_t)I_OR("p", 0), .margin = OPT_F("margin"), .weight = OPT_T("weight"), .reduction = REDUCTION};
    RESULT(multi_margin_loss, ct_multi_margin_loss(T("input"), T("target"), &options));
}

/* F.multilabel_margin_loss(input, target, reduction="mean") */
CALL(multilabel_margin_loss) {
    const ct_multilabel_margin_loss_options options = {.reduction = REDUCTION};
    RESULT(multilabel_margin_loss, ct_multilabel_margin_loss(T("input"), T("target"), &options));
}

/* F.multilabel_soft_margin_loss(input, target, weight=None, reduction="mean") */
CALL(multilabel_soft_margin_loss) {
    const ct_multilabel_soft_margin_loss_options options = {.weight = OPT_T("weight"), .reduction = REDUCTION};
    RESULT(multilabel_soft_margin_loss, ct_multilabel_soft_margin_loss(T("input"), T("target"), &options));
}

/* F.ctc_loss(log_softmax(logits), targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False) */
CALL(ctc_loss) {
    const ct_ctc_loss_options options = {.blank = I_OR("blank", 0), .reduction = REDUCTION, .zero_infinity = B_OR("zero_infinity", false)};
    RESULT(ctc_loss, ct_ctc_loss(ct_log_softmax(T("logits"), -1), T("targets"), T("input_lengths"), T("target_lengths"), &options));
}

PARITY_MAIN()
