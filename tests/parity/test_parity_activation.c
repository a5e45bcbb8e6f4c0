/* Activations, softmax and dropout against PyTorch: see README.md. */
#include "parity/replay.h"

#define FLOATING ct_is_floating_point(T("input"))

/* f(input), and in place */
#define PLAIN(name) RESULT(name, ct_##name(T("input")))
#define PLAIN_IN_PLACE(name) \
    PLAIN(name);             \
    if (FLOATING) IN_PLACE(name##_, "input", ct_##name##_(SELF))
CALL(relu) { PLAIN_IN_PLACE(relu); }
CALL(sigmoid) { PLAIN_IN_PLACE(sigmoid); }
CALL(tanh) { PLAIN_IN_PLACE(tanh); }
CALL(silu) { PLAIN_IN_PLACE(silu); }
CALL(selu) { PLAIN_IN_PLACE(selu); }
CALL(mish) { PLAIN_IN_PLACE(mish); }
CALL(hardsigmoid) { PLAIN_IN_PLACE(hardsigmoid); }
CALL(hardswish) { PLAIN_IN_PLACE(hardswish); }
CALL(softsign) { PLAIN(softsign); }
CALL(logsigmoid) { PLAIN(logsigmoid); }
CALL(tanhshrink) { PLAIN(tanhshrink); }

CALL(relu6) {
    RESULT(relu6, ct_relu6(T("input")));
    IN_PLACE(relu6_, "input", ct_relu6_(SELF));
}

/* F.gelu(input, approximate="none") */
CALL(gelu) {
    const ct_gelu_options options = {.approximate = (ct_gelu_approximate)CHOICE("approximate", "none", "tanh")};
    RESULT(gelu, ct_gelu(T("input"), &options));
}

/* F.leaky_relu(input, negative_slope=0.01) */
CALL(leaky_relu) {
    const ct_leaky_relu_options options = {.negative_slope = OPT_F("negative_slope")};
    RESULT(leaky_relu, ct_leaky_relu(T("input"), &options));
    IN_PLACE(leaky_relu_, "input", ct_leaky_relu_(SELF, &options));
}

/* F.elu(input, alpha=1) */
CALL(elu) {
    const ct_elu_options options = {.alpha = OPT_F("alpha")};
    RESULT(elu, ct_elu(T("input"), &options));
    IN_PLACE(elu_, "input", ct_elu_(SELF, &options));
}

/* F.celu(input, alpha=1) */
CALL(celu) {
    const ct_celu_options options = {.alpha = OPT_F("alpha")};
    RESULT(celu, ct_celu(T("input"), &options));
    IN_PLACE(celu_, "input", ct_celu_(SELF, &options));
}

/* F.softplus(input, beta=1, threshold=20) */
CALL(softplus) {
    const ct_softplus_options options = {.beta = F_OR("beta", 0), .threshold = OPT_F("threshold")};
    RESULT(softplus, ct_softplus(T("input"), &options));
}

/* F.hardtanh(input, min_val=-1, max_val=1) */
CALL(hardtanh) {
    const ct_hardtanh_options options = {.min_val = OPT_F("min_val"), .max_val = OPT_F("max_val")};
    RESULT(hardtanh, ct_hardtanh(T("input"), &options));
    IN_PLACE(hardtanh_, "input", ct_hardtanh_(SELF, &options));
}

/* F.threshold(input, threshold, value) */
CALL(threshold) {
    RESULT(threshold, ct_threshold(T("input"), F("threshold"), F("value")));
    IN_PLACE(threshold_, "input", ct_threshold_(SELF, F("threshold"), F("value")));
}

/* F.hardshrink(input, lambd=0.5) */
CALL(hardshrink) {
    const ct_hardshrink_options options = {.lambd = OPT_F("lambd")};
    RESULT(hardshrink, ct_hardshrink(T("input"), &options));
}

/* F.softshrink(input, lambd=0.5) */
CALL(softshrink) {
    const ct_softshrink_options options = {.lambd = OPT_F("lambd")};
    RESULT(softshrink, ct_softshrink(T("input"), &options));
}

/* F.prelu(input, weight) */
CALL(prelu) { RESULT(prelu, ct_prelu(T("input"), T("weight"))); }

/* F.rrelu(input, lower=1/8, upper=1/3, training=False) */
CALL(rrelu) {
    const ct_rrelu_options options = {.lower = OPT_F("lower"), .upper = OPT_F("upper"), .training = B_OR("training", false)};
    RESULT(rrelu, ct_rrelu(T("input"), &options));
    IN_PLACE(rrelu_, "input", ct_rrelu_(SELF, &options));
}

/* F.glu(input, dim=-1) */
CALL(glu) { RESULT(glu, ct_glu(T("input"), I_OR("dim", -1))); }

/* f(input, dim) */
CALL(softmax) { RESULT(softmax, ct_softmax(T("input"), I("dim"))); }
CALL(log_softmax) { RESULT(log_softmax, ct_log_softmax(T("input"), I("dim"))); }
CALL(softmin) { RESULT(softmin, ct_softmin(T("input"), I("dim"))); }

/* F.gumbel_softmax(logits, tau=1, hard=False, dim=-1) */
CALL(gumbel_softmax) {
    const ct_gumbel_softmax_options options = {.tau = F_OR("tau", 0), .hard = B_OR("hard", false)};
    RESULT(gumbel_softmax, ct_gumbel_softmax(T("logits"), I_OR("dim", -1), &options));
}

/* F.dropout(input, p=0.5, training=True) and its like; training is False by default for the alpha forms, as in PyTorch's functional */
#define DROPOUT(name, trains)                                                          \
    const ct_dropout_options options = {.no_training = !B_OR("training", trains)};     \
    RESULT(name, ct_##name(T("input"), F_OR("p", 0.5), &options));                     \
    if (FLOATING) IN_PLACE(name##_, "input", ct_##name##_(SELF, F_OR("p", 0.5), &options))
CALL(dropout) { DROPOUT(dropout, true); }
CALL(dropout1d) { DROPOUT(dropout1d, true); }
CALL(dropout2d) { DROPOUT(dropout2d, true); }
CALL(dropout3d) { DROPOUT(dropout3d, true); }
CALL(alpha_dropout) { DROPOUT(alpha_dropout, false); }
CALL(feature_alpha_dropout) { DROPOUT(feature_alpha_dropout, false); }

PARITY_MAIN()
