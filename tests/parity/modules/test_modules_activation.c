/* Activations against PyTorch: see ../README.md. */
#include "parity/modules/module_replay.h"

MODULE(ReLU) { (void)c; return ct_nn_relu(); }
MODULE(Sigmoid) { (void)c; return ct_nn_sigmoid(); }
MODULE(Tanh) { (void)c; return ct_nn_tanh(); }
MODULE(SiLU) { (void)c; return ct_nn_silu(); }

/* torch.nn.GELU(approximate='none') */
MODULE(GELU) {
    return ct_nn_gelu(&(ct_gelu_options){.approximate = CHOICE("approximate", "none", "tanh") ? CT_GELU_TANH : CT_GELU_NONE});
}
/* torch.nn.LeakyReLU(negative_slope=0.01) */
MODULE(LeakyReLU) { return ct_nn_leaky_relu(&(ct_leaky_relu_options){.negative_slope = OPT_F("negative_slope")}); }
/* torch.nn.ELU(alpha=1) */
MODULE(ELU) { return ct_nn_elu(&(ct_elu_options){.alpha = OPT_F("alpha")}); }
/* torch.nn.Softplus(beta=1, threshold=20) */
MODULE(Softplus) { return ct_nn_softplus(&(ct_softplus_options){.beta = F_OR("beta", 0), .threshold = OPT_F("threshold")}); }
/* torch.nn.Softmax(dim) */
MODULE(Softmax) { return ct_nn_softmax(I("dim")); }
MODULE(LogSoftmax) { return ct_nn_log_softmax(I("dim")); }

MODULES_MAIN()
