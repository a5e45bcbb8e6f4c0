/* Linear layers and convolutions against PyTorch: see ../README.md. */
#include "parity/modules/module_replay.h"

/* torch.nn.Linear(in_features, out_features, bias=True) */
MODULE(Linear) {
    return ct_nn_linear(I("in_features"), I("out_features"), &(ct_nn_linear_options){.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE});
}

MODULES_MAIN()
