/*
 * nn_linear.c: Linear and Bilinear. Weights and bias are drawn as reset_parameters of torch.nn.Linear and Bilinear draws them.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"
#include "ops/transformer.h"

#include <ctorch/nn_init.h>
#include <ctorch/nn_layers.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>

#include <math.h>

/* ---- Linear ---- */

typedef struct linear {
    int64_t in, out;
    bool bias;
    ct_dtype dtype;
} linear;

static ct_status init(ct_module *m, const void *arg) {
    linear *s = ct_module_state(m);
    *s = *(const linear *)arg;
    if (s->in < 0 || s->out < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_linear: %lld input and %lld output features", (long long)s->in, (long long)s->out);
    CT__TRY(ct_module_register_parameter(m, "weight", ct_empty(CT_SHAPE(s->out, s->in), s->dtype)));
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "bias", ct_empty(CT_SHAPE(s->out), s->dtype)));
    CT__TRY(ct_init_kaiming_uniform_(ct__entry_at(m, 0), &(ct_init_kaiming_options){.a = sqrt(5)}));
    double bound = s->in > 0 ? 1 / sqrt((double)s->in) : 0;
    return s->bias ? ct_init_uniform_(ct__entry_at(m, 1), -bound, bound, NULL) : CT_OK;
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct_linear(in[0], ct__entry_at(m, 0), ct__entry_at(m, 1));
    return ct__pending();
}

bool ct__is_linear(const ct_module *m) { return m && m->cls.forward == forward; }
ct_tensor *ct__linear_gelu_dropout_forward(ct_module *m, ct_tensor *x, double p) {
    return ct__is_linear(m) ? ct__linear_gelu_dropout(x, ct__entry_at(m, 0), ct__entry_at(m, 1), p) : NULL;
}
ct_tensor *ct__linear_relu_forward(ct_module *m, ct_tensor *x) { return ct_linear_relu(x, ct__entry_at(m, 0), ct__entry_at(m, 1)); }

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const linear *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "in_features=%lld, out_features=%lld, bias=%s", (long long)s->in, (long long)s->out, ct__bool_str(s->bias));
    return w.length;
}

static const ct_module_class linear_class = {
    .name = "Linear", .state_size = sizeof(linear), .n_inputs = 1, .n_outputs = 1, .init = init, .forward = forward, .describe = describe};

ct_module *ct_nn_linear(int64_t in_features, int64_t out_features, const ct_nn_linear_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_linear", options));
    ct_nn_linear_options o = options ? *options : (ct_nn_linear_options){0};
    return ct_module_new(&linear_class, &(linear){in_features, out_features, !o.no_bias, o.dtype ? o.dtype : CT_F32});
}

/* ---- Bilinear ---- */

typedef struct bilinear {
    int64_t in1, in2, out;
    bool bias;
    ct_dtype dtype;
} bilinear;

static ct_status bilinear_init(ct_module *m, const void *arg) {
    bilinear *s = ct_module_state(m);
    *s = *(const bilinear *)arg;
    if (s->in1 < 1 || s->in2 < 0 || s->out < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_bilinear: %lld and %lld input and %lld output features", (long long)s->in1, (long long)s->in2,
                        (long long)s->out);
    double bound = 1 / sqrt((double)s->in1);
    CT__TRY(ct_module_register_parameter(m, "weight", ct_empty(CT_SHAPE(s->out, s->in1, s->in2), s->dtype)));
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "bias", ct_empty(CT_SHAPE(s->out), s->dtype)));
    CT__TRY(ct_init_uniform_(ct__entry_at(m, 0), -bound, bound, NULL));
    return s->bias ? ct_init_uniform_(ct__entry_at(m, 1), -bound, bound, NULL) : CT_OK;
}

static ct_status bilinear_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct_bilinear(in[0], in[1], ct__entry_at(m, 0), ct__entry_at(m, 1));
    return ct__pending();
}

static int64_t bilinear_describe(const ct_module *m, char *buffer, size_t size) {
    const bilinear *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "in1_features=%lld, in2_features=%lld, out_features=%lld, bias=%s", (long long)s->in1, (long long)s->in2, (long long)s->out,
              ct__bool_str(s->bias));
    return w.length;
}

ct_module *ct_nn_bilinear(int64_t in1_features, int64_t in2_features, int64_t out_features, const ct_nn_bilinear_options *options) {
    static const ct_module_class cls = {.name = "Bilinear", .state_size = sizeof(bilinear), .n_inputs = 2, .n_outputs = 1,
                                        .init = bilinear_init, .forward = bilinear_forward, .describe = bilinear_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_bilinear", options));
    ct_nn_bilinear_options o = options ? *options : (ct_nn_bilinear_options){0};
    return ct_module_new(&cls, &(bilinear){in1_features, in2_features, out_features, !o.no_bias, o.dtype ? o.dtype : CT_F32});
}
