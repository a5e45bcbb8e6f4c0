/*
 * nn_norm.c: layers that normalize. BatchNorm and InstanceNorm of 1, 2 and 3 dimensions are one class whose state says which; what they share with
 * GroupNorm, LayerNorm and RMSNorm is the making of weight and bias.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"
#include "ops/transformer.h"

#include <ctorch/nn_norm.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* Weight 1 and bias 0 of these sizes. */
static ct_status add_affine(ct_module *m, const int64_t *sizes, int n, bool weight, bool bias, ct_dtype dtype) {
    if (weight) CT__TRY(ct_module_register_parameter(m, "weight", ct_ones(sizes, n, dtype)));
    if (bias) CT__TRY(ct_module_register_parameter(m, "bias", ct_zeros(sizes, n, dtype)));
    return CT_OK;
}

/* ---- BatchNorm, InstanceNorm ---- */

typedef struct norm {
    int n; /* dimensions */
    bool instance, affine, bias, track;
    bool cumulative; /* no momentum: the average of all batches */
    int64_t features;
    double eps, momentum;
    ct_dtype dtype;
} norm;

static const char *const functions[2][3] = {{"ct_nn_batch_norm1d", "ct_nn_batch_norm2d", "ct_nn_batch_norm3d"},
                                            {"ct_nn_instance_norm1d", "ct_nn_instance_norm2d", "ct_nn_instance_norm3d"}};

/* The module's tensors by the order in which init registers them. */
static ct_tensor *weight_of(const ct_module *m, const norm *s) { return s->affine ? ct__entry_at(m, 0) : NULL; }
static ct_tensor *bias_of(const ct_module *m, const norm *s) { return s->bias ? ct__entry_at(m, 1) : NULL; }
static ct_tensor *statistic(const ct_module *m, const norm *s, int i) { return s->track ? ct__entry_at(m, s->affine + s->bias + i) : NULL; }

static ct_status init(ct_module *m, const void *arg) {
    norm *s = ct_module_state(m);
    *s = *(const norm *)arg;
    if (s->features < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld features", functions[s->instance][s->n - 1], (long long)s->features);
    CT__TRY(add_affine(m, &s->features, 1, s->affine, s->bias, s->dtype));
    if (!s->track) return CT_OK;
    CT__TRY(ct_module_register_buffer(m, "running_mean", ct_zeros(&s->features, 1, s->dtype), true));
    CT__TRY(ct_module_register_buffer(m, "running_var", ct_ones(&s->features, 1, s->dtype), true));
    return ct_module_register_buffer(m, "num_batches_tracked", ct_zeros(NULL, 0, CT_I64), true);
}

/* The fewest dims are those without a batch, or of BatchNorm1d without positions. */
static ct_status check_input(const ct_module *m, const norm *s, const ct_tensor *x) {
    int most = s->n + 2, least = s->instance || s->n == 1 ? most - 1 : most;
    ct__shape_text text;
    if (x->ndim < least || x->ndim > most)
        return ct__fail(CT_ERR_SHAPE, "ct_forward: %s takes %d dims%s, not %s", m->cls.name, least, most > least ? " or one more" : "",
                        ct__shape_str(&text, x->sizes, x->ndim));
    int channels = s->instance ? x->ndim - s->n - 1 : 1;
    if (x->sizes[channels] != s->features)
        return ct__fail(CT_ERR_SHAPE, "ct_forward: %s of %lld features got %s: %lld in dim %d", m->cls.name, (long long)s->features,
                        ct__shape_str(&text, x->sizes, x->ndim), (long long)x->sizes[channels], channels);
    return CT_OK;
}

/* With ct_batch_norm or ct_batch_norm_relu. */
static ct_tensor *batch(ct_tensor *(*op)(ct_tensor *, ct_tensor *, ct_tensor *, ct_tensor *, ct_tensor *, const ct_batch_norm_options *), ct_module *m,
                        ct_tensor *x) {
    const norm *s = ct_module_state(m);
    CT__TRY_NULL(check_input(m, s, x));
    ct_tensor *count = m->training ? statistic(m, s, 2) : NULL;
    if (count && (count->dtype != CT_I64 || count->numel != 1)) {
        ct__fail(CT_ERR_DTYPE, "ct_forward: num_batches_tracked of %s is no int64 number", m->cls.name);
        return NULL;
    }
    double momentum = count && s->cumulative ? 1 / ((double)ct_item_i64(count) + 1) : s->momentum;
    ct_batch_norm_options o = {.training = m->training || !s->track, .momentum = ct_some_f64(momentum), .eps = ct_some_f64(s->eps)};
    ct_tensor *y = op(x, statistic(m, s, 0), statistic(m, s, 1), weight_of(m, s), bias_of(m, s), &o);
    if (y && count) ++*(int64_t *)ct_data_mut(count); /* the last step and a store that cannot fail: a failed forward leaves all three buffers alone */
    return y;
}

static ct_status batch_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = batch(ct_batch_norm, m, in[0]);
    return ct__pending();
}
ct_tensor *ct__batch_norm_relu_forward(ct_module *m, ct_tensor *x) { return batch(ct_batch_norm_relu, m, x); }

bool ct__batch_norm_parameters(const ct_module *m, ct_dtype dtype, int64_t features, ct__norm_parameters *out) {
    const norm *s = ct_module_state(m);
    *out = (ct__norm_parameters){statistic(m, s, 0), statistic(m, s, 1), weight_of(m, s), bias_of(m, s), s->eps};
    const ct_tensor *t[] = {out->mean, out->var, out->weight, out->bias};
    if (m->training || s->n != 2 || !out->mean || !out->var) return false;
    for (size_t i = 0; i < CT__COUNT(t); i++)
        if (t[i] && (t[i]->dtype != dtype || t[i]->ndim != 1 || t[i]->sizes[0] != features)) return false;
    return true;
}

static ct_status instance_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const norm *s = ct_module_state(m);
    CT__TRY(check_input(m, s, in[0]));
    bool batched = in[0]->ndim == s->n + 2;
    ct_instance_norm_options o = {.no_use_input_stats = !m->training && s->track, .momentum = ct_some_f64(s->momentum), .eps = ct_some_f64(s->eps)};
    ct_tensor *y = ct_instance_norm(batched ? in[0] : ct_unsqueeze(in[0], 0), statistic(m, s, 0), statistic(m, s, 1), weight_of(m, s), bias_of(m, s), &o);
    out[0] = batched ? y : ct_select(y, 0, 0);
    return ct__pending();
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const norm *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__float_text t;
    ct__write(&w, "%lld, eps=%s", (long long)s->features, ct__float_str(&t, s->eps));
    ct__write(&w, ", momentum=%s, affine=%s", s->cumulative ? "None" : ct__float_str(&t, s->momentum), ct__bool_str(s->affine));
    ct__write(&w, ", bias=%s, track_running_stats=%s", ct__bool_str(s->bias), ct__bool_str(s->track));
    return w.length;
}

static ct_module *make(norm s) {
    static const char *const names[2][3] = {{"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"}, {"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"}};
    ct_module_class cls = {.name = names[s.instance][s.n - 1], .state_size = sizeof s, .n_inputs = 1, .n_outputs = 1, .init = init,
                           .forward = s.instance ? instance_forward : batch_forward, .describe = describe};
    s.dtype = s.dtype ? s.dtype : CT_F32;
    return ct_module_new(&cls, &s);
}

static ct_module *make_batch(int n, int64_t features, const ct_nn_batch_norm_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[0][n - 1], options));
    ct_nn_batch_norm_options o = options ? *options : (ct_nn_batch_norm_options){0};
    if (o.cumulative_average && o.momentum.has) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: momentum %g is given beside a cumulative_average that has none", functions[0][n - 1], o.momentum.value);
        return NULL;
    }
    return make((norm){.n = n, .affine = !o.no_affine, .bias = !o.no_affine && !o.no_bias, .track = !o.no_track_running_stats,
                       .cumulative = o.cumulative_average,
                       .features = features, .eps = ct__opt_or(o.eps, 1e-5), .momentum = ct__opt_or(o.momentum, 0.1), .dtype = o.dtype});
}

static ct_module *make_instance(int n, int64_t features, const ct_nn_instance_norm_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[1][n - 1], options));
    ct_nn_instance_norm_options o = options ? *options : (ct_nn_instance_norm_options){0};
    return make((norm){.n = n, .instance = true, .affine = o.affine, .bias = o.affine && !o.no_bias, .track = o.track_running_stats, .features = features,
                       .eps = ct__opt_or(o.eps, 1e-5), .momentum = ct__opt_or(o.momentum, 0.1), .dtype = o.dtype});
}

bool ct_nn_is_batch_norm(const ct_module *m) { return m && m->cls.forward == batch_forward; }

static norm *batch_norm_of(const char *function, const ct_module *m) {
    if (ct_nn_is_batch_norm(m)) return ct_module_state(m);
    ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is no BatchNorm", function, m ? m->cls.name : "NULL");
    return NULL;
}

ct_opt_f64 ct_nn_batch_norm_momentum(const ct_module *m) {
    const norm *s = batch_norm_of("ct_nn_batch_norm_momentum", m);
    return s && !s->cumulative ? ct_some_f64(s->momentum) : (ct_opt_f64){0};
}

ct_status ct_nn_batch_norm_set_momentum(ct_module *m, ct_opt_f64 momentum) {
    CT__TRY(ct__pending());
    norm *s = batch_norm_of("ct_nn_batch_norm_set_momentum", m);
    if (!s) return ct__pending();
    s->cumulative = !momentum.has;
    if (momentum.has) s->momentum = momentum.value;
    return CT_OK;
}

ct_module *ct_nn_batch_norm1d(int64_t features, const ct_nn_batch_norm1d_options *o) { return make_batch(1, features, o); }
ct_module *ct_nn_batch_norm2d(int64_t features, const ct_nn_batch_norm2d_options *o) { return make_batch(2, features, o); }
ct_module *ct_nn_batch_norm3d(int64_t features, const ct_nn_batch_norm3d_options *o) { return make_batch(3, features, o); }
ct_module *ct_nn_instance_norm1d(int64_t features, const ct_nn_instance_norm1d_options *o) { return make_instance(1, features, o); }
ct_module *ct_nn_instance_norm2d(int64_t features, const ct_nn_instance_norm2d_options *o) { return make_instance(2, features, o); }
ct_module *ct_nn_instance_norm3d(int64_t features, const ct_nn_instance_norm3d_options *o) { return make_instance(3, features, o); }

/* ---- GroupNorm, LayerNorm, RMSNorm ---- */

typedef struct shaped {
    const char *function;
    int64_t sizes[CT_MAX_NDIM]; /* of weight and bias */
    int n;
    int64_t groups;
    bool affine, bias;
    ct_opt_f64 eps;
    ct_dtype dtype;
} shaped;

static ct_status shaped_init(ct_module *m, const void *arg) {
    shaped *s = ct_module_state(m);
    *s = *(const shaped *)arg;
    return add_affine(m, s->sizes, s->n, s->affine, s->bias, s->dtype);
}

static ct_module *make_shaped(ct_module_class cls, shaped s, const int64_t *sizes, int n, const ct_nn_norm_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(s.function, options));
    ct_nn_norm_options o = options ? *options : (ct_nn_norm_options){0};
    if (n < 1 || n > CT_MAX_NDIM || !sizes) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d sizes at %s; 1 to %d are taken", s.function, n, sizes ? "an array" : "NULL", CT_MAX_NDIM);
        return NULL;
    }
    memcpy(s.sizes, sizes, (size_t)n * sizeof *sizes);
    s.n = n, s.affine = !o.no_affine, s.bias = s.affine && !o.no_bias, s.eps = o.eps, s.dtype = o.dtype ? o.dtype : CT_F32;
    cls.state_size = sizeof s, cls.n_inputs = 1, cls.n_outputs = 1, cls.init = shaped_init;
    return ct_module_new(&cls, &s);
}

static ct_status group_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const shaped *s = ct_module_state(m);
    out[0] = ct_group_norm(in[0], s->groups, ct__entry_at(m, 0), ct__entry_at(m, 1), &(ct_group_norm_options){.eps = s->eps});
    return ct__pending();
}

static int64_t group_describe(const ct_module *m, char *buffer, size_t size) {
    const shaped *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "%lld, %lld, eps=%s", (long long)s->groups, (long long)s->sizes[0], ct__float_str(&(ct__float_text){{0}}, ct__opt_or(s->eps, 1e-5)));
    ct__write(&w, ", affine=%s, bias=%s", ct__bool_str(s->affine), ct__bool_str(s->bias));
    return w.length;
}

ct_module *ct_nn_group_norm(int64_t num_groups, int64_t num_channels, const ct_nn_group_norm_options *options) {
    if (num_groups < 1 || num_channels < 0 || num_channels % num_groups) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_group_norm: %lld channels in %lld groups", (long long)num_channels, (long long)num_groups);
        return NULL;
    }
    return make_shaped((ct_module_class){.name = "GroupNorm", .forward = group_forward, .describe = group_describe},
                       (shaped){.function = "ct_nn_group_norm", .groups = num_groups}, &num_channels, 1, options);
}

static ct_status layer_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const shaped *s = ct_module_state(m);
    out[0] = ct_layer_norm(in[0], s->sizes, s->n, ct__entry_at(m, 0), ct__entry_at(m, 1), &(ct_layer_norm_options){.eps = s->eps});
    return ct__pending();
}

ct_tensor *ct__add_dropout_norm_forward(ct_module *m, ct_tensor *a, ct_tensor *b, double p) {
    if (m->cls.forward != layer_forward) return NULL;
    const shaped *s = ct_module_state(m);
    return ct__add_dropout_layer_norm(a, b, p, s->sizes, s->n, ct__entry_at(m, 0), ct__entry_at(m, 1), ct__opt_or(s->eps, 1e-5));
}

static int64_t layer_describe(const ct_module *m, char *buffer, size_t size) {
    const shaped *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "%s, eps=%s", ct__tuple_str(&(ct__tuple_text){{0}}, s->sizes, s->n), ct__float_str(&(ct__float_text){{0}}, ct__opt_or(s->eps, 1e-5)));
    ct__write(&w, ", elementwise_affine=%s, bias=%s", ct__bool_str(s->affine), ct__bool_str(s->bias));
    return w.length;
}

ct_module *ct_nn_layer_norm(const int64_t *normalized_shape, int n, const ct_nn_layer_norm_options *options) {
    return make_shaped((ct_module_class){.name = "LayerNorm", .forward = layer_forward, .describe = layer_describe}, (shaped){.function = "ct_nn_layer_norm"},
                       normalized_shape, n, options);
}

static ct_status rms_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const shaped *s = ct_module_state(m);
    out[0] = ct_rms_norm(in[0], s->sizes, s->n, ct__entry_at(m, 0), &(ct_rms_norm_options){.eps = s->eps});
    return ct__pending();
}

static int64_t rms_describe(const ct_module *m, char *buffer, size_t size) {
    const shaped *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "%s, eps=%s", ct__tuple_str(&(ct__tuple_text){{0}}, s->sizes, s->n), s->eps.has ? ct__float_str(&(ct__float_text){{0}}, s->eps.value)
              : "None");
    ct__write(&w, ", elementwise_affine=%s", ct__bool_str(s->affine));
    return w.length;
}

ct_module *ct_nn_rms_norm(const int64_t *normalized_shape, int n, const ct_nn_rms_norm_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_rms_norm", options));
    ct_nn_norm_options o = options ? *options : (ct_nn_norm_options){0};
    if (o.no_bias) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_rms_norm: no_bias is set, but there never is a bias");
        return NULL;
    }
    o.no_bias = true;
    return make_shaped((ct_module_class){.name = "RMSNorm", .forward = rms_forward, .describe = rms_describe}, (shaped){.function = "ct_nn_rms_norm"},
                       normalized_shape, n, &o);
}

/* ---- LocalResponseNorm ---- */

typedef struct response {
    int64_t size;
    double alpha, beta, k;
} response;

static ct_status response_init(ct_module *m, const void *arg) {
    const response *s = arg;
    *(response *)ct_module_state(m) = *s;
    return s->size > 0 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_local_response_norm: size %lld", (long long)s->size);
}

static ct_status response_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const response *s = ct_module_state(m);
    out[0] = ct_local_response_norm(in[0], s->size, &(ct_local_response_norm_options){.alpha = ct_some_f64(s->alpha), .beta = ct_some_f64(s->beta),
                                                                                      .k = ct_some_f64(s->k)});
    return ct__pending();
}

static int64_t response_describe(const ct_module *m, char *buffer, size_t size) {
    const response *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__float_text a, b, k;
    ct__write(&w, "%lld, alpha=%s, beta=%s, k=%s", (long long)s->size, ct__float_str(&a, s->alpha), ct__float_str(&b, s->beta), ct__float_str(&k, s->k));
    return w.length;
}

ct_module *ct_nn_local_response_norm(int64_t size, const ct_local_response_norm_options *options) {
    static const ct_module_class cls = {.name = "LocalResponseNorm", .state_size = sizeof(response), .n_inputs = 1, .n_outputs = 1,
                                        .init = response_init, .forward = response_forward, .describe = response_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_local_response_norm", options));
    ct_local_response_norm_options o = options ? *options : (ct_local_response_norm_options){0};
    return ct_module_new(&cls, &(response){size, ct__opt_or(o.alpha, 1e-4), ct__opt_or(o.beta, 0.75), ct__opt_or(o.k, 1)});
}
