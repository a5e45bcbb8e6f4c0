/*
 * module_replay.h: what the adapter of a module is written with: how it is made from the constructor arguments of PyTorch, which it looks up by
 * their names with the macros of ../replay.h (I("in_channels"), B_OR("bias", true), ...):
 *
 *     // torch.nn.Linear(in_features, out_features, bias=True)
 *     MODULE(Linear) {
 *         return ct_nn_linear(I("in_features"), I("out_features"), &(ct_nn_linear_options){.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE});
 *     }
 *
 * It is then run with ct_forward_n on the inputs of the case in PyTorch's order, an absent one being NULL. Where a typed call is needed, because there are
 * flags among the inputs, or states:
 *
 *     FORWARD(LSTM) { *OUT(0) = ct_nn_lstm_forward(module, T("input"), ..., OUT(1), OUT(2)); }
 */
#ifndef CT_MODULE_REPLAY_H
#define CT_MODULE_REPLAY_H

#include "parity/replay.h"

typedef struct module_adapter {
    const char *name;
    ct_module *(*make)(replay *c);
    void (*forward)(replay *c, ct_module *module); /* NULL: ct_forward_n */
} module_adapter;
module_adapter *module_adapter_named(const char *name); /* makes the entry where there is none */

#define MODULE(name)                                                                                                             \
    static ct_module *name##_make(replay *c);                                                                                    \
    __attribute__((constructor)) static void name##_register(void) { module_adapter_named(#name)->make = name##_make; }         \
    static ct_module *name##_make(replay *c)
#define FORWARD(name)                                                                                                            \
    static void name##_forward(replay *c, ct_module *module);                                                                    \
    __attribute__((constructor)) static void name##_register_forward(void) { module_adapter_named(#name)->forward = name##_forward; } \
    static void name##_forward(replay *c, ct_module *module)

#define MODULES_MAIN() \
    int main(int argc, char **argv) { return module_replay_main(argc, argv); }
int module_replay_main(int argc, char **argv);

#endif
