/* Modules that change shapes against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

MODULE(Identity) { (void)c; return ct_nn_identity(); }
/* torch.nn.Flatten(start_dim=1, end_dim=-1) */
MODULE(Flatten) { return ct_nn_flatten(&(ct_nn_flatten_options){.start_dim = OPT_I("start_dim"), .end_dim = OPT_I("end_dim")}); }

MODULES_MAIN()
