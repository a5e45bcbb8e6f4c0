/*
 * nn_dropout.c: the dropout family: one class, whose state names the function that runs in training.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"

#include <ctorch/nn_activation.h>

typedef struct dropout {
    const char *function; /* of the call that made it, for messages */
    ct_tensor *(*op)(ct_tensor *x, double p, const ct_dropout_options *options);
    double p;
} dropout;

static ct_status init(ct_module *m, const void *arg) {
    const dropout *s = arg;
    *(dropout *)ct_module_state(m) = *s;
    return s->p >= 0 && s->p <= 1 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: p is %g; a probability is 0 to 1", s->function, s->p);
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const dropout *s = ct_module_state(m);
    out[0] = m->training ? s->op(in[0], s->p, NULL) : in[0];
    return ct__pending();
}

bool ct__is_dropout(const ct_module *m, double *p) {
    const dropout *s = m && m->cls.forward == forward ? ct_module_state(m) : NULL;
    if (!s || s->op != ct_dropout) return false;
    *p = m->training ? s->p : 0;
    return true;
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "p=%s, inplace=False", ct__float_str(&(ct__float_text){{0}}, ((const dropout *)ct_module_state(m))->p));
    return w.length;
}

static ct_module *make(const char *name, dropout s) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .n_outputs = 1, .init = init, .forward = forward,
                                            .describe = describe},
                         &s);
}

ct_module *ct_nn_dropout(double p) { return make("Dropout", (dropout){"ct_nn_dropout", ct_dropout, p}); }
ct_module *ct_nn_dropout1d(double p) { return make("Dropout1d", (dropout){"ct_nn_dropout1d", ct_dropout1d, p}); }
ct_module *ct_nn_dropout2d(double p) { return make("Dropout2d", (dropout){"ct_nn_dropout2d", ct_dropout2d, p}); }
ct_module *ct_nn_dropout3d(double p) { return make("Dropout3d", (dropout){"ct_nn_dropout3d", ct_dropout3d, p}); }
ct_module *ct_nn_alpha_dropout(double p) { return make("AlphaDropout", (dropout){"ct_nn_alpha_dropout", ct_alpha_dropout, p}); }
ct_module *ct_nn_feature_alpha_dropout(double p) {
    return make("FeatureAlphaDropout", (dropout){"ct_nn_feature_alpha_dropout", ct_feature_alpha_dropout, p});
}
