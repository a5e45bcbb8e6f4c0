/*
 * nn_activation.c: activations as modules. One class function pair per activation; options are checked once, when the module is made.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/nn_layers.h>

#include <stdio.h>

static double or_default(ct_opt_f64 o, double value) { return o.has ? o.value : value; }

/* ---- Without options ---- */

static ct_status relu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    return (out[0] = ct_relu(in[0])) ? CT_OK : ct__pending();
}
static ct_status sigmoid(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    return (out[0] = ct_sigmoid(in[0])) ? CT_OK : ct__pending();
}
static ct_status tanh_(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    return (out[0] = ct_tanh(in[0])) ? CT_OK : ct__pending();
}
static ct_status silu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    return (out[0] = ct_silu(in[0])) ? CT_OK : ct__pending();
}

static ct_module *plain(const char *name, ct_status (*forward)(ct_module *, ct_tensor *const *, int, ct_tensor **, int)) {
    return ct_module_new(&(ct_module_class){.name = name, .n_inputs = 1, .n_outputs = 1, .forward = forward}, NULL);
}
ct_module *ct_nn_relu(void) { return plain("ReLU", relu); }
ct_module *ct_nn_sigmoid(void) { return plain("Sigmoid", sigmoid); }
ct_module *ct_nn_tanh(void) { return plain("Tanh", tanh_); }
ct_module *ct_nn_silu(void) { return plain("SiLU", silu); }

/* ---- GELU ---- */

static ct_status gelu_init(ct_module *m, const void *arg) {
    ct_gelu_options *o = ct_module_state(m);
    if (arg) *o = *(const ct_gelu_options *)arg;
    if (o->approximate == CT_GELU_NONE || o->approximate == CT_GELU_TANH) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_gelu: approximate is %d", (int)o->approximate);
}
static ct_status gelu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_gelu(in[0], ct_module_state(m))) ? CT_OK : ct__pending();
}
static int64_t gelu_describe(const ct_module *m, char *buffer, size_t size) {
    const ct_gelu_options *o = ct_module_state(m);
    return snprintf(buffer, size, "approximate='%s'", o->approximate == CT_GELU_TANH ? "tanh" : "none");
}
ct_module *ct_nn_gelu(const ct_gelu_options *options) {
    static const ct_module_class cls = {.name = "GELU", .state_size = sizeof *options, .n_inputs = 1, .n_outputs = 1,
                                        .init = gelu_init, .forward = gelu, .describe = gelu_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_gelu", options));
    return ct_module_new(&cls, options);
}

/* ---- LeakyReLU ---- */

static ct_status leaky_relu_init(ct_module *m, const void *arg) {
    if (arg) *(ct_leaky_relu_options *)ct_module_state(m) = *(const ct_leaky_relu_options *)arg;
    return CT_OK;
}
static ct_status leaky_relu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_leaky_relu(in[0], ct_module_state(m))) ? CT_OK : ct__pending();
}
static int64_t leaky_relu_describe(const ct_module *m, char *buffer, size_t size) {
    const ct_leaky_relu_options *o = ct_module_state(m);
    return snprintf(buffer, size, "negative_slope=%s", ct__float_str(&(ct__float_text){{0}}, or_default(o->negative_slope, 0.01)));
}
ct_module *ct_nn_leaky_relu(const ct_leaky_relu_options *options) {
    static const ct_module_class cls = {.name = "LeakyReLU", .state_size = sizeof *options, .n_inputs = 1, .n_outputs = 1,
                                        .init = leaky_relu_init, .forward = leaky_relu, .describe = leaky_relu_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_leaky_relu", options));
    return ct_module_new(&cls, options);
}

/* ---- ELU ---- */

static ct_status elu_init(ct_module *m, const void *arg) {
    if (arg) *(ct_elu_options *)ct_module_state(m) = *(const ct_elu_options *)arg;
    return CT_OK;
}
static ct_status elu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_elu(in[0], ct_module_state(m))) ? CT_OK : ct__pending();
}
static int64_t elu_describe(const ct_module *m, char *buffer, size_t size) {
    const ct_elu_options *o = ct_module_state(m);
    return snprintf(buffer, size, "alpha=%s", ct__float_str(&(ct__float_text){{0}}, or_default(o->alpha, 1)));
}
ct_module *ct_nn_elu(const ct_elu_options *options) {
    static const ct_module_class cls = {.name = "ELU", .state_size = sizeof *options, .n_inputs = 1, .n_outputs = 1,
                                        .init = elu_init, .forward = elu, .describe = elu_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_elu", options));
    return ct_module_new(&cls, options);
}

/* ---- Softplus ---- */

static ct_status softplus_init(ct_module *m, const void *arg) {
    if (arg) *(ct_softplus_options *)ct_module_state(m) = *(const ct_softplus_options *)arg;
    return CT_OK;
}
static ct_status softplus(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_softplus(in[0], ct_module_state(m))) ? CT_OK : ct__pending();
}
static int64_t softplus_describe(const ct_module *m, char *buffer, size_t size) {
    const ct_softplus_options *o = ct_module_state(m);
    ct__float_text beta, threshold;
    return snprintf(buffer, size, "beta=%s, threshold=%s", ct__float_str(&beta, o->beta != 0 ? o->beta : 1),
                    ct__float_str(&threshold, or_default(o->threshold, 20)));
}
ct_module *ct_nn_softplus(const ct_softplus_options *options) {
    static const ct_module_class cls = {.name = "Softplus", .state_size = sizeof *options, .n_inputs = 1, .n_outputs = 1,
                                        .init = softplus_init, .forward = softplus, .describe = softplus_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_softplus", options));
    return ct_module_new(&cls, options);
}

/* ---- Softmax, LogSoftmax ---- */

static ct_status dim_init(ct_module *m, const void *arg) {
    *(int64_t *)ct_module_state(m) = *(const int64_t *)arg;
    return CT_OK;
}
static int64_t dim_describe(const ct_module *m, char *buffer, size_t size) {
    return snprintf(buffer, size, "dim=%lld", (long long)*(const int64_t *)ct_module_state(m));
}
static ct_status softmax(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_softmax(in[0], *(int64_t *)ct_module_state(m))) ? CT_OK : ct__pending();
}
static ct_status log_softmax(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_log_softmax(in[0], *(int64_t *)ct_module_state(m))) ? CT_OK : ct__pending();
}
ct_module *ct_nn_softmax(int64_t dim) {
    static const ct_module_class cls = {.name = "Softmax", .state_size = sizeof dim, .n_inputs = 1, .n_outputs = 1,
                                        .init = dim_init, .forward = softmax, .describe = dim_describe};
    return ct_module_new(&cls, &dim);
}
ct_module *ct_nn_log_softmax(int64_t dim) {
    static const ct_module_class cls = {.name = "LogSoftmax", .state_size = sizeof dim, .n_inputs = 1, .n_outputs = 1,
                                        .init = dim_init, .forward = log_softmax, .describe = dim_describe};
    return ct_module_new(&cls, &dim);
}
