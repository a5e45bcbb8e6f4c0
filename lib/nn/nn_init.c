/*
 * nn_init.c: torch.nn.init. The bounds are computed in double, in PyTorch's order of operations: a different rounding would
 * change the last bit of half the weights.
 */
#include "base/error.h"

#include <ctorch/autograd.h>
#include <ctorch/nn_init.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_random.h>

#include <math.h>

typedef ct_status (*filler)(ct_tensor *t, double a, double b, ct_generator *g);

static ct_status without_grad(ct_tensor *t, filler fill, double a, double b, ct_generator *g) {
    ct_scope scope = ct_no_grad_begin();
    ct_status status = fill(t, a, b, g);
    ct_scope_end(scope);
    return status;
}

static ct_status fill_constant(ct_tensor *t, double a, double b, ct_generator *g) {
    (void)b, (void)g;
    return ct_fill_(t, a);
}

ct_status ct_init_uniform_(ct_tensor *t, double a, double b, ct_generator *g) { return without_grad(t, ct_uniform_, a, b, g); }
ct_status ct_init_normal_(ct_tensor *t, double mean, double std, ct_generator *g) { return without_grad(t, ct_normal_, mean, std, g); }
ct_status ct_init_constant_(ct_tensor *t, double value) { return without_grad(t, fill_constant, value, 0, NULL); }
ct_status ct_init_zeros_(ct_tensor *t) { return ct_init_constant_(t, 0); }
ct_status ct_init_ones_(ct_tensor *t) { return ct_init_constant_(t, 1); }

/* [out, in, kernel...]: fan in = in * kernel, fan out = out * kernel. */
static ct_status fans(const char *function, const ct_tensor *t, double *fan_in, double *fan_out) {
    CT__TRY(ct__pending());
    if (!t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the tensor is NULL", function);
    if (ct_ndim(t) < 2) return ct__fail(CT_ERR_SHAPE, "%s: fans need at least 2 dimensions, the tensor has %d", function, ct_ndim(t));
    double field = 1;
    for (int i = 2; i < ct_ndim(t); i++) field *= (double)ct_size(t, i);
    *fan_in = (double)ct_size(t, 1) * field;
    *fan_out = (double)ct_size(t, 0) * field;
    return CT_OK;
}

static ct_status xavier(const char *function, ct_tensor *t, double gain, ct_generator *g, bool uniform) {
    double in, out;
    CT__TRY(fans(function, t, &in, &out));
    double std = gain * sqrt(2.0 / (in + out)), bound = sqrt(3.0) * std;
    return uniform ? ct_init_uniform_(t, -bound, bound, g) : ct_init_normal_(t, 0, std, g);
}
ct_status ct_init_xavier_uniform_(ct_tensor *t, double gain, ct_generator *g) { return xavier("ct_init_xavier_uniform_", t, gain, g, true); }
ct_status ct_init_xavier_normal_(ct_tensor *t, double gain, ct_generator *g) { return xavier("ct_init_xavier_normal_", t, gain, g, false); }

double ct_init_calculate_gain(ct_nonlinearity nonlinearity, double a) {
    switch (nonlinearity) {
    case CT_NONLINEARITY_LEAKY_RELU: return sqrt(2.0 / (1 + a * a));
    case CT_NONLINEARITY_TANH: return 5.0 / 3;
    case CT_NONLINEARITY_RELU: return sqrt(2.0);
    case CT_NONLINEARITY_SELU: return 3.0 / 4;
    default: return 1;
    }
}

static ct_status kaiming(const char *function, ct_tensor *t, const ct_init_kaiming_options *options, bool uniform) {
    double in, out;
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    ct_init_kaiming_options o = options ? *options : (ct_init_kaiming_options){0};
    CT__TRY(fans(function, t, &in, &out));
    double fan = o.mode == CT_FAN_OUT ? out : in;
    if (ct_numel(t) == 0) return CT_OK; /* as PyTorch: nothing to draw, and the fan may be 0 */
    double std = ct_init_calculate_gain(o.nonlinearity, o.a) / sqrt(fan), bound = sqrt(3.0) * std;
    return uniform ? ct_init_uniform_(t, -bound, bound, o.generator) : ct_init_normal_(t, 0, std, o.generator);
}
ct_status ct_init_kaiming_uniform_(ct_tensor *t, const ct_init_kaiming_options *o) { return kaiming("ct_init_kaiming_uniform_", t, o, true); }
ct_status ct_init_kaiming_normal_(ct_tensor *t, const ct_init_kaiming_options *o) { return kaiming("ct_init_kaiming_normal_", t, o, false); }
