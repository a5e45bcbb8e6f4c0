/*
 * nn_activation.c: activations as modules. The state of each is the function that it runs, and the function's numbers.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"

#include <ctorch/nn_activation.h>
#include <ctorch/ops_create.h>

/* ---- Without options ---- */

typedef ct_tensor *(*function)(ct_tensor *x);

static ct_status plain_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = (*(const function *)ct_module_state(m))(in[0])) ? CT_OK : ct__pending();
}

static ct_module *plain(const char *name, function f) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof f, .n_inputs = 1, .n_outputs = 1, .init = ct__copy_state,
                                            .forward = plain_forward}, &f);
}
ct_module *ct_nn_relu(void) { return plain("ReLU", ct_relu); }
ct_module *ct_nn_relu6(void) { return plain("ReLU6", ct_relu6); }
ct_module *ct_nn_sigmoid(void) { return plain("Sigmoid", ct_sigmoid); }
ct_module *ct_nn_tanh(void) { return plain("Tanh", ct_tanh); }
ct_module *ct_nn_silu(void) { return plain("SiLU", ct_silu); }
ct_module *ct_nn_mish(void) { return plain("Mish", ct_mish); }
ct_module *ct_nn_selu(void) { return plain("SELU", ct_selu); }
ct_module *ct_nn_hardswish(void) { return plain("Hardswish", ct_hardswish); }
ct_module *ct_nn_hardsigmoid(void) { return plain("Hardsigmoid", ct_hardsigmoid); }
ct_module *ct_nn_softsign(void) { return plain("Softsign", ct_softsign); }
ct_module *ct_nn_logsigmoid(void) { return plain("LogSigmoid", ct_logsigmoid); }
ct_module *ct_nn_tanhshrink(void) { return plain("Tanhshrink", ct_tanhshrink); }

static ct_tensor *softmax_of_channels(ct_tensor *x) {
    if (x->ndim == 3 || x->ndim == 4) return ct_softmax(x, -3);
    ct__shape_text text;
    ct__fail(CT_ERR_SHAPE, "ct_forward: Softmax2d takes 3 or 4 dims, not %s", ct__shape_str(&text, x->sizes, x->ndim));
    return NULL;
}
ct_module *ct_nn_softmax2d(void) { return plain("Softmax2d", softmax_of_channels); }

bool ct__is_relu(const ct_module *m) { return m && m->cls.forward == plain_forward && *(const function *)ct_module_state(m) == ct_relu; }

/* ---- With one or two numbers ---- */

typedef struct numbered {
    ct_tensor *(*op)(ct_tensor *x, const double *v);
    const char *names[2]; /* shown before the numbers: "alpha="; NULL if there are fewer */
    double v[2];
    bool as_ints; /* shown without ".0", as people write them who give them */
} numbered;

static ct_status numbered_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const numbered *s = ct_module_state(m);
    return (out[0] = s->op(in[0], s->v)) ? CT_OK : ct__pending();
}

static int64_t numbered_describe(const ct_module *m, char *buffer, size_t size) {
    const numbered *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__float_text t;
    for (int i = 0; i < 2 && s->names[i]; i++)
        ct__write(&w, "%s%s%s", i ? ", " : "", s->names[i], s->as_ints ? ct__number_str(&t, s->v[i]) : ct__float_str(&t, s->v[i]));
    return w.length;
}

static ct_module *with_numbers(const char *name, numbered s) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .n_outputs = 1, .init = ct__copy_state,
                                            .forward = numbered_forward,
                                            .describe = numbered_describe}, &s);
}

static ct_tensor *leaky_relu(ct_tensor *x, const double *v) { return ct_leaky_relu(x, &(ct_leaky_relu_options){.negative_slope = ct_some_f64(v[0])}); }
ct_module *ct_nn_leaky_relu(const ct_leaky_relu_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_leaky_relu", o));
    return with_numbers("LeakyReLU", (numbered){leaky_relu, {"negative_slope="}, {o ? ct__opt_or(o->negative_slope, 0.01) : 0.01}, false});
}

static ct_tensor *elu(ct_tensor *x, const double *v) { return ct_elu(x, &(ct_elu_options){.alpha = ct_some_f64(v[0])}); }
ct_module *ct_nn_elu(const ct_elu_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_elu", o));
    return with_numbers("ELU", (numbered){elu, {"alpha="}, {o ? ct__opt_or(o->alpha, 1) : 1}, false});
}

static ct_tensor *celu(ct_tensor *x, const double *v) { return ct_celu(x, &(ct_celu_options){.alpha = ct_some_f64(v[0])}); }
ct_module *ct_nn_celu(const ct_celu_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_celu", o));
    return with_numbers("CELU", (numbered){celu, {"alpha="}, {o ? ct__opt_or(o->alpha, 1) : 1}, false});
}

static ct_tensor *softplus(ct_tensor *x, const double *v) { return ct_softplus(x, &(ct_softplus_options){.beta = v[0], .threshold = ct_some_f64(v[1])}); }
ct_module *ct_nn_softplus(const ct_softplus_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_softplus", o));
    return with_numbers("Softplus", (numbered){softplus, {"beta=", "threshold="}, {o && o->beta != 0 ? o->beta : 1, o ? ct__opt_or(o->threshold, 20) : 20},
                                               false});
}

static ct_tensor *hardtanh(ct_tensor *x, const double *v) {
    return ct_hardtanh(x, &(ct_hardtanh_options){.min_val = ct_some_f64(v[0]), .max_val = ct_some_f64(v[1])});
}
ct_module *ct_nn_hardtanh(const ct_hardtanh_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_hardtanh", o));
    double least = o ? ct__opt_or(o->min_val, -1) : -1, most = o ? ct__opt_or(o->max_val, 1) : 1;
    if (!(least < most)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_hardtanh: min_val %g is not below max_val %g", least, most);
        return NULL;
    }
    return with_numbers("Hardtanh", (numbered){hardtanh, {"min_val=", "max_val="}, {least, most}, false});
}

static ct_tensor *hardshrink(ct_tensor *x, const double *v) { return ct_hardshrink(x, &(ct_hardshrink_options){.lambd = ct_some_f64(v[0])}); }
ct_module *ct_nn_hardshrink(const ct_hardshrink_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_hardshrink", o));
    return with_numbers("Hardshrink", (numbered){hardshrink, {""}, {o ? ct__opt_or(o->lambd, 0.5) : 0.5}, false});
}

static ct_tensor *softshrink(ct_tensor *x, const double *v) { return ct_softshrink(x, &(ct_softshrink_options){.lambd = ct_some_f64(v[0])}); }
ct_module *ct_nn_softshrink(const ct_softshrink_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_softshrink", o));
    return with_numbers("Softshrink", (numbered){softshrink, {""}, {o ? ct__opt_or(o->lambd, 0.5) : 0.5}, false});
}

static ct_tensor *threshold(ct_tensor *x, const double *v) { return ct_threshold(x, v[0], v[1]); }
ct_module *ct_nn_threshold(double limit, double value) {
    return with_numbers("Threshold", (numbered){threshold, {"threshold=", "value="}, {limit, value}, true});
}

/* ---- Over a dimension ---- */

typedef struct along {
    ct_tensor *(*op)(ct_tensor *x, int64_t dim);
    int64_t dim;
} along;

static ct_status along_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const along *s = ct_module_state(m);
    return (out[0] = s->op(in[0], s->dim)) ? CT_OK : ct__pending();
}

static int64_t along_describe(const ct_module *m, char *buffer, size_t size) {
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "dim=%lld", (long long)((const along *)ct_module_state(m))->dim);
    return w.length;
}

static ct_module *over_dim(const char *name, ct_tensor *(*op)(ct_tensor *, int64_t), int64_t dim) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof(along), .n_inputs = 1, .n_outputs = 1, .init = ct__copy_state,
                                            .forward = along_forward,
                                            .describe = along_describe}, &(along){op, dim});
}
ct_module *ct_nn_softmax(int64_t dim) { return over_dim("Softmax", ct_softmax, dim); }
ct_module *ct_nn_log_softmax(int64_t dim) { return over_dim("LogSoftmax", ct_log_softmax, dim); }
ct_module *ct_nn_softmin(int64_t dim) { return over_dim("Softmin", ct_softmin, dim); }
ct_module *ct_nn_glu(int64_t dim) { return over_dim("GLU", ct_glu, dim); }

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
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "approximate='%s'", o->approximate == CT_GELU_TANH ? "tanh" : "none");
    return w.length;
}
ct_module *ct_nn_gelu(const ct_gelu_options *options) {
    static const ct_module_class cls = {.name = "GELU", .state_size = sizeof *options, .n_inputs = 1, .n_outputs = 1,
                                        .init = gelu_init, .forward = gelu, .describe = gelu_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_gelu", options));
    return ct_module_new(&cls, options);
}

/* ---- RReLU ---- */

static ct_status rrelu_init(ct_module *m, const void *arg) {
    double *s = ct_module_state(m);
    s[0] = ((const double *)arg)[0], s[1] = ((const double *)arg)[1];
    if (s[0] <= s[1]) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_rrelu: slopes from %g to %g", s[0], s[1]);
}
static ct_status rrelu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const double *s = ct_module_state(m);
    out[0] = ct_rrelu(in[0], &(ct_rrelu_options){.lower = ct_some_f64(s[0]), .upper = ct_some_f64(s[1]), .training = m->training});
    return ct__pending();
}
static int64_t rrelu_describe(const ct_module *m, char *buffer, size_t size) {
    const double *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__float_text lower, upper;
    ct__write(&w, "lower=%s, upper=%s", ct__float_str(&lower, s[0]), ct__float_str(&upper, s[1]));
    return w.length;
}
ct_module *ct_nn_rrelu(const ct_nn_rrelu_options *options) {
    static const ct_module_class cls = {.name = "RReLU", .state_size = 2 * sizeof(double), .n_inputs = 1, .n_outputs = 1,
                                        .init = rrelu_init, .forward = rrelu, .describe = rrelu_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_rrelu", options));
    ct_nn_rrelu_options o = options ? *options : (ct_nn_rrelu_options){0};
    return ct_module_new(&cls, (const double[]){ct__opt_or(o.lower, 1.0 / 8), ct__opt_or(o.upper, 1.0 / 3)});
}

/* ---- PReLU ---- */

static ct_status prelu_init(ct_module *m, const void *arg) {
    const ct_nn_prelu_options *o = arg;
    int64_t n = o->num_parameters ? o->num_parameters : 1;
    if (n < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_prelu: %lld parameters", (long long)n);
    return ct_module_register_parameter(m, "weight", ct_full(&n, 1, ct__opt_or(o->init, 0.25), o->dtype ? o->dtype : CT_F32));
}
static ct_status prelu(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    return (out[0] = ct_prelu(in[0], ct__entry_at(m, 0))) ? CT_OK : ct__pending();
}
static int64_t prelu_describe(const ct_module *m, char *buffer, size_t size) {
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "num_parameters=%lld", (long long)ct__entry_at(m, 0)->numel);
    return w.length;
}
ct_module *ct_nn_prelu(const ct_nn_prelu_options *options) {
    static const ct_module_class cls = {.name = "PReLU", .n_inputs = 1, .n_outputs = 1, .init = prelu_init, .forward = prelu, .describe = prelu_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_prelu", options));
    return ct_module_new(&cls, options ? options : &(ct_nn_prelu_options){0});
}
