/* Losses as modules against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

#define REDUCTION .reduction = CHOICE("reduction", "mean", "sum", "none", "batchmean")

/* torch.nn.MSELoss(reduction='mean'), ... */
#define LOSS(Name, name, options, ...) \
    MODULE(Name) { return ct_nn_##name(&(ct_##options##_options){__VA_ARGS__}); }
LOSS(MSELoss, mse_loss, mse_loss, REDUCTION)
LOSS(L1Loss, l1_loss, l1_loss, REDUCTION)
LOSS(SmoothL1Loss, smooth_l1_loss, smooth_l1_loss, REDUCTION, .beta = OPT_F("beta"))
LOSS(HuberLoss, huber_loss, huber_loss, REDUCTION, .delta = F_OR("delta", 0))
LOSS(KLDivLoss, kl_div_loss, kl_div, REDUCTION, .log_target = B_OR("log_target", false))
LOSS(SoftMarginLoss, soft_margin_loss, soft_margin_loss, REDUCTION)
LOSS(HingeEmbeddingLoss, hinge_embedding_loss, hinge_embedding_loss, REDUCTION, .margin = OPT_F("margin"))
LOSS(MarginRankingLoss, margin_ranking_loss, margin_ranking_loss, REDUCTION, .margin = F_OR("margin", 0))
LOSS(CosineEmbeddingLoss, cosine_embedding_loss, cosine_embedding_loss, REDUCTION, .margin = F_OR("margin", 0))
LOSS(MultiLabelMarginLoss, multilabel_margin_loss, multilabel_margin_loss, REDUCTION)
LOSS(MultiLabelSoftMarginLoss, multilabel_soft_margin_loss, multilabel_soft_margin_loss, REDUCTION, .weight = OPT_T("weight"))
LOSS(MultiMarginLoss, multi_margin_loss, multi_margin_loss, REDUCTION, .p = (int32_t)I_OR("p", 0), .margin = OPT_F("margin"), .weight = OPT_T("weight"))
LOSS(NLLLoss, nll_loss, nll_loss, REDUCTION, .weight = OPT_T("weight"), .ignore_index = OPT_I("ignore_index"))
LOSS(CrossEntropyLoss, cross_entropy_loss, cross_entropy, REDUCTION, .weight = OPT_T("weight"), .ignore_index = OPT_I("ignore_index"),
     .label_smoothing = F_OR("label_smoothing", 0))
LOSS(BCELoss, bce_loss, binary_cross_entropy, REDUCTION, .weight = OPT_T("weight"))
LOSS(BCEWithLogitsLoss, bce_with_logits_loss, binary_cross_entropy_with_logits, REDUCTION, .weight = OPT_T("weight"), .pos_weight = OPT_T("pos_weight"))
LOSS(PoissonNLLLoss, poisson_nll_loss, poisson_nll_loss, REDUCTION, .no_log_input = !B_OR("log_input", true), .full = B_OR("full", false), .eps = OPT_F("eps"))
LOSS(GaussianNLLLoss, gaussian_nll_loss, gaussian_nll_loss, REDUCTION, .full = B_OR("full", false), .eps = OPT_F("eps"))
LOSS(TripletMarginLoss, triplet_margin_loss, triplet_margin_loss, REDUCTION, .margin = F_OR("margin", 0), .p = OPT_F("p"), .eps = OPT_F("eps"),
     .swap = B_OR("swap", false))
LOSS(TripletMarginWithDistanceLoss, triplet_margin_with_distance_loss, triplet_margin_with_distance_loss, REDUCTION, .margin = F_OR("margin", 0),
     .swap = B_OR("swap", false))
LOSS(CTCLoss, ctc_loss, ctc_loss, REDUCTION, .blank = I_OR("blank", 0), .zero_infinity = B_OR("zero_infinity", false))

/* forward(log_probs, targets, input_lengths, target_lengths): lengths may be numbers */
static ct_tensor *lengths(replay *c, const char *name) {
    return IS_TENSOR(name) ? T(name) : ct_from_data(INT_LIST(name), CT_SHAPE(LEN(name)), CT_I64);
}
FORWARD(CTCLoss) {
    ct_tensor *in[] = {T("log_probs"), T("targets"), lengths(c, "input_lengths"), lengths(c, "target_lengths")};
    ct_forward_n(module, in, 4, OUT(0), 1);
}

MODULES_MAIN()
