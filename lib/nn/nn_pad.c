/*
 * nn_pad.c: the fifteen padding layers: one class, whose state says how many dimensions are padded and with what.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/nn_shape.h>
#include <ctorch/ops_shape.h>

#include <string.h>

typedef struct pad {
    int64_t sides[6]; /* before and after, last dimension first */
    int n;            /* sides */
    ct_pad_mode mode;
    double value;
    bool shows_value;
} pad;

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const pad *s = ct_module_state(m);
    out[0] = ct_pad(in[0], s->sides, s->n, &(ct_pad_options){.mode = s->mode, .value = s->value});
    return ct__pending();
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const pad *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text t;
    if (s->shows_value) ct__write(&w, "padding=%s, value=%s", ct__tuple_str(&t, s->sides, s->n), ct__number_str(&(ct__float_text){{0}}, s->value));
    else ct__write(&w, "%s", ct__tuple_str(&t, s->sides, s->n));
    return w.length;
}

static ct_module *make(const char *function, const char *name, int dims, pad s, int64_t padding, const ct_nn_pad_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    s.n = 2 * dims;
    for (int i = 0; i < s.n; i++) s.sides[i] = options && options->padding_nd ? options->padding_nd[i] : padding;
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .n_outputs = 1, .init = ct__copy_state, .forward = forward,
                                            .describe = describe}, &s);
}

static const pad zero = {.mode = CT_PAD_CONSTANT}, reflect = {.mode = CT_PAD_REFLECT}, replicate = {.mode = CT_PAD_REPLICATE},
                 circular = {.mode = CT_PAD_CIRCULAR};
static pad constant(double value) { return (pad){.mode = CT_PAD_CONSTANT, .value = value, .shows_value = true}; }

ct_module *ct_nn_constant_pad1d(int64_t p, double value, const ct_nn_pad_options *o) {
    return make("ct_nn_constant_pad1d", "ConstantPad1d", 1, constant(value), p, o);
}
ct_module *ct_nn_constant_pad2d(int64_t p, double value, const ct_nn_pad_options *o) {
    return make("ct_nn_constant_pad2d", "ConstantPad2d", 2, constant(value), p, o);
}
ct_module *ct_nn_constant_pad3d(int64_t p, double value, const ct_nn_pad_options *o) {
    return make("ct_nn_constant_pad3d", "ConstantPad3d", 3, constant(value), p, o);
}
ct_module *ct_nn_zero_pad1d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_zero_pad1d", "ZeroPad1d", 1, zero, p, o); }
ct_module *ct_nn_zero_pad2d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_zero_pad2d", "ZeroPad2d", 2, zero, p, o); }
ct_module *ct_nn_zero_pad3d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_zero_pad3d", "ZeroPad3d", 3, zero, p, o); }
ct_module *ct_nn_reflection_pad1d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_reflection_pad1d", "ReflectionPad1d", 1, reflect, p, o); }
ct_module *ct_nn_reflection_pad2d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_reflection_pad2d", "ReflectionPad2d", 2, reflect, p, o); }
ct_module *ct_nn_reflection_pad3d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_reflection_pad3d", "ReflectionPad3d", 3, reflect, p, o); }
ct_module *ct_nn_replication_pad1d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_replication_pad1d", "ReplicationPad1d", 1, replicate, p, o); }
ct_module *ct_nn_replication_pad2d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_replication_pad2d", "ReplicationPad2d", 2, replicate, p, o); }
ct_module *ct_nn_replication_pad3d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_replication_pad3d", "ReplicationPad3d", 3, replicate, p, o); }
ct_module *ct_nn_circular_pad1d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_circular_pad1d", "CircularPad1d", 1, circular, p, o); }
ct_module *ct_nn_circular_pad2d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_circular_pad2d", "CircularPad2d", 2, circular, p, o); }
ct_module *ct_nn_circular_pad3d(int64_t p, const ct_nn_pad_options *o) { return make("ct_nn_circular_pad3d", "CircularPad3d", 3, circular, p, o); }
