/*
 * nn_flatten.c: Flatten.
 */
#include "nn/module_impl.h"

#include <ctorch/nn_layers.h>
#include <ctorch/ops_shape.h>

#include <stdio.h>

typedef struct flatten {
    int64_t start, end;
} flatten;

static ct_status init(ct_module *m, const void *arg) {
    *(flatten *)ct_module_state(m) = *(const flatten *)arg;
    return CT_OK;
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const flatten *s = ct_module_state(m);
    out[0] = ct_flatten(in[0], s->start, s->end);
    return ct__pending();
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const flatten *s = ct_module_state(m);
    return snprintf(buffer, size, "start_dim=%lld, end_dim=%lld", (long long)s->start, (long long)s->end);
}

static const ct_module_class flatten_class = {
    .name = "Flatten", .state_size = sizeof(flatten), .n_inputs = 1, .n_outputs = 1, .init = init, .forward = forward, .describe = describe};

ct_module *ct_nn_flatten(const ct_nn_flatten_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_flatten", options));
    flatten s = {1, -1};
    if (options && options->start_dim.has) s.start = options->start_dim.value;
    if (options && options->end_dim.has) s.end = options->end_dim.value;
    return ct_module_new(&flatten_class, &s);
}
