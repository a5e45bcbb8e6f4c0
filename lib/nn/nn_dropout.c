/*
 * nn_dropout.c: Dropout.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/nn_layers.h>

#include <stdio.h>

static ct_status init(ct_module *m, const void *arg) {
    double p = *(const double *)arg;
    if (!(p >= 0 && p <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_dropout: p is %g; a probability is 0 to 1", p);
    *(double *)ct_module_state(m) = p;
    return CT_OK;
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = m->training ? ct_dropout(in[0], *(double *)ct_module_state(m), NULL) : in[0];
    return ct__pending();
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    return snprintf(buffer, size, "p=%s, inplace=False", ct__float_str(&(ct__float_text){{0}}, *(const double *)ct_module_state(m)));
}

static const ct_module_class dropout_class = {
    .name = "Dropout", .state_size = sizeof(double), .n_inputs = 1, .n_outputs = 1, .init = init, .forward = forward, .describe = describe};

ct_module *ct_nn_dropout(double p) { return ct_module_new(&dropout_class, &p); }
