/* Activations, softmax and dropout against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

#define PLAIN(Name, name) \
    MODULE(Name) { (void)c; return ct_nn_##name(); }
PLAIN(ReLU, relu)
PLAIN(ReLU6, relu6)
PLAIN(Sigmoid, sigmoid)
PLAIN(Tanh, tanh)
PLAIN(SiLU, silu)
PLAIN(Mish, mish)
PLAIN(SELU, selu)
PLAIN(Hardswish, hardswish)
PLAIN(Hardsigmoid, hardsigmoid)
PLAIN(Softsign, softsign)
PLAIN(LogSigmoid, logsigmoid)
PLAIN(Tanhshrink, tanhshrink)
PLAIN(Softmax2d, softmax2d)

/* torch.nn.GELU(approximate='none') */
MODULE(GELU) {
    return ct_nn_gelu(&(ct_gelu_options){.approximate = CHOICE("approximate", "none", "tanh") ? CT_GELU_TANH : CT_GELU_NONE});
}
/* torch.nn.LeakyReLU(negative_slope=0.01) */
MODULE(LeakyReLU) { return ct_nn_leaky_relu(&(ct_leaky_relu_options){.negative_slope = OPT_F("negative_slope")}); }
/* torch.nn.ELU(alpha=1), CELU(alpha=1) */
MODULE(ELU) { return ct_nn_elu(&(ct_elu_options){.alpha = OPT_F("alpha")}); }
MODULE(CELU) { return ct_nn_celu(&(ct_celu_options){.alpha = OPT_F("alpha")}); }
/* torch.nn.Softplus(beta=1, threshold=20) */
MODULE(Softplus) { return ct_nn_softplus(&(ct_softplus_options){.beta = F_OR("beta", 0), .threshold = OPT_F("threshold")}); }
/* torch.nn.Hardtanh(min_val=-1, max_val=1) */
MODULE(Hardtanh) { return ct_nn_hardtanh(&(ct_hardtanh_options){.min_val = OPT_F("min_val"), .max_val = OPT_F("max_val")}); }
/* torch.nn.Hardshrink(lambd=0.5), Softshrink(lambd=0.5) */
MODULE(Hardshrink) { return ct_nn_hardshrink(&(ct_hardshrink_options){.lambd = OPT_F("lambd")}); }
MODULE(Softshrink) { return ct_nn_softshrink(&(ct_softshrink_options){.lambd = OPT_F("lambd")}); }
/* torch.nn.Threshold(threshold, value) */
MODULE(Threshold) { return ct_nn_threshold(F("threshold"), F("value")); }
/* torch.nn.RReLU(lower=0.125, upper=1/3) */
MODULE(RReLU) { return ct_nn_rrelu(&(ct_nn_rrelu_options){.lower = OPT_F("lower"), .upper = OPT_F("upper")}); }
/* torch.nn.PReLU(num_parameters=1, init=0.25) */
MODULE(PReLU) {
    return ct_nn_prelu(&(ct_nn_prelu_options){.num_parameters = I_OR("num_parameters", 0), .init = OPT_F("init"), .dtype = CASE_DTYPE});
}

/* torch.nn.Softmax(dim), LogSoftmax(dim), Softmin(dim), GLU(dim=-1) */
MODULE(Softmax) { return ct_nn_softmax(I("dim")); }
MODULE(LogSoftmax) { return ct_nn_log_softmax(I("dim")); }
MODULE(Softmin) { return ct_nn_softmin(I("dim")); }
MODULE(GLU) { return ct_nn_glu(I_OR("dim", -1)); }

/* torch.nn.Dropout(p=0.5): cases in training are those of p = 0 */
#define DROPOUT(Name, name) \
    MODULE(Name) { return ct_nn_##name(F_OR("p", 0.5)); }
DROPOUT(Dropout, dropout)
DROPOUT(Dropout1d, dropout1d)
DROPOUT(Dropout2d, dropout2d)
DROPOUT(Dropout3d, dropout3d)
DROPOUT(AlphaDropout, alpha_dropout)
DROPOUT(FeatureAlphaDropout, feature_alpha_dropout)

MODULES_MAIN()
