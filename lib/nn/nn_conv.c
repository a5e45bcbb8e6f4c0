/*
 * nn_conv.c: Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d: one class whose state says how many dimensions there are
 * and which way it goes. Weights and bias are drawn as torch.nn._ConvNd.reset_parameters draws them.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"
#include "ops/conv.h"
#include "ops/norm.h"

#include <ctorch/nn_conv.h>
#include <ctorch/nn_init.h>
#include <ctorch/ops_create.h>

#include <math.h>
#include <string.h>

typedef struct conv {
    int n; /* dimensions */
    bool transposed, bias;
    int64_t in, out, groups;
    ct__per_dim kernel, stride, padding, output_padding, dilation;
    ct_conv_padding auto_padding;
    ct_pad_mode padding_mode;
    int64_t border[6]; /* what ct_pad adds where the mode is not zeros: before and after, last dimension first */
    ct_dtype dtype;
} conv;

static const char *const functions[2][3] = {{"ct_nn_conv1d", "ct_nn_conv2d", "ct_nn_conv3d"},
                                            {"ct_nn_conv_transpose1d", "ct_nn_conv_transpose2d", "ct_nn_conv_transpose3d"}};
static const char *function_of(const conv *s) { return functions[s->transposed][s->n - 1]; }

/* ---- Making ---- */

static bool all_are(const ct__per_dim *p, int64_t value) {
    for (int i = 0; i < p->n; i++)
        if (p->v[i] != value) return false;
    return true;
}

static ct_status check_auto_padding(const conv *s, const char *fn) {
    if ((int)s->auto_padding < 0 || s->auto_padding > CT_CONV_PADDING_SAME)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown auto_padding %d", fn, (int)s->auto_padding);
    if (s->auto_padding == CT_CONV_PADDING_EXPLICIT) return CT_OK;
    ct__tuple_text text;
    if (!all_are(&s->padding, 0))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding %s is given beside an auto_padding that decides it", fn, ct__per_dim_str(&text, &s->padding));
    if (s->auto_padding == CT_CONV_PADDING_SAME && !all_are(&s->stride, 1))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding 'same' needs stride 1, got %s", fn, ct__per_dim_str(&text, &s->stride));
    return CT_OK;
}

static ct_status check(const conv *s) {
    const char *fn = function_of(s);
    if (s->groups < 1 || s->in < 0 || s->out < 1 || s->in % s->groups || s->out % s->groups)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld input and %lld output channels in %lld groups: both must divide evenly", fn, (long long)s->in,
                        (long long)s->out, (long long)s->groups);
    for (int i = 0; i < s->n; i++)
        if (s->kernel.v[i] < 1 || s->stride.v[i] < 1 || s->padding.v[i] < 0 || s->dilation.v[i] < 1 || s->output_padding.v[i] < 0)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: kernel size %lld, stride %lld, padding %lld, dilation %lld, output padding %lld in dimension %d", fn,
                            (long long)s->kernel.v[i], (long long)s->stride.v[i], (long long)s->padding.v[i], (long long)s->dilation.v[i],
                            (long long)s->output_padding.v[i], i);
    if ((int)s->padding_mode < 0 || s->padding_mode > CT_PAD_CIRCULAR)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown padding_mode %d", fn, (int)s->padding_mode);
    return check_auto_padding(s, fn);
}

static ct_status set_border(conv *s) {
    for (int i = 0; i < s->n; i++) {
        int64_t before = s->padding.v[i], after = before, total;
        if (s->auto_padding == CT_CONV_PADDING_SAME) {
            if (!ct__mul_i64(s->dilation.v[i], s->kernel.v[i] - 1, &total))
                return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: kernel size %lld with dilation %lld", function_of(s), (long long)s->kernel.v[i],
                                (long long)s->dilation.v[i]);
            before = total / 2, after = total - before;
        }
        s->border[2 * (s->n - 1 - i)] = before;
        s->border[2 * (s->n - 1 - i) + 1] = after;
    }
    return CT_OK;
}

static ct_status draw(ct_module *m, bool bias) {
    ct_tensor *weight = ct__entry_at(m, 0);
    CT__TRY(ct_init_kaiming_uniform_(weight, &(ct_init_kaiming_options){.a = sqrt(5)}));
    double fan_in = 1;
    for (int i = 1; i < weight->ndim; i++) fan_in *= (double)weight->sizes[i];
    if (!bias) return CT_OK;
    double bound = fan_in > 0 ? 1 / sqrt(fan_in) : 0;
    return ct_init_uniform_(ct__entry_at(m, 1), -bound, bound, NULL);
}

static ct_status init(ct_module *m, const void *arg) {
    conv *s = ct_module_state(m);
    *s = *(const conv *)arg;
    CT__TRY(check(s));
    CT__TRY(set_border(s));
    int64_t sizes[5] = {s->transposed ? s->in : s->out, (s->transposed ? s->out : s->in) / s->groups};
    memcpy(sizes + 2, s->kernel.v, (size_t)s->n * sizeof *sizes);
    CT__TRY(ct_module_register_parameter(m, "weight", ct_empty(sizes, s->n + 2, s->dtype)));
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "bias", ct_empty(CT_SHAPE(s->out), s->dtype)));
    return draw(m, s->bias);
}

/* ---- Running ---- */

/* The function's options, and its x: padded, where the mode is none of them. */
static ct_tensor *prepare(const conv *s, ct_tensor *x, ct_conv_options *o) {
    *o = (ct_conv_options){.stride_nd = s->stride.v, .padding_nd = s->padding.v, .dilation_nd = s->dilation.v, .groups = s->groups,
                           .auto_padding = s->auto_padding};
    if (s->padding_mode == CT_PAD_CONSTANT || s->auto_padding == CT_CONV_PADDING_VALID) return x;
    o->padding_nd = NULL, o->auto_padding = CT_CONV_PADDING_EXPLICIT;
    return ct_pad(x, s->border, 2 * s->n, &(ct_pad_options){.mode = s->padding_mode});
}

typedef ct_tensor *(*convolution)(ct_tensor *, ct_tensor *, ct_tensor *, const ct_conv_options *);

static ct_tensor *convolve(convolution op, const ct_module *m, ct_tensor *x) {
    ct_conv_options o;
    x = prepare(ct_module_state(m), x, &o);
    return op(x, ct__entry_at(m, 0), ct__entry_at(m, 1), &o);
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    static const convolution ops[] = {ct_conv1d, ct_conv2d, ct_conv3d};
    (void)n_in, (void)n_out;
    out[0] = convolve(ops[((const conv *)ct_module_state(m))->n - 1], m, in[0]);
    return ct__pending();
}

bool ct__is_conv2d(const ct_module *m) { return m && m->cls.forward == forward && ((const conv *)ct_module_state(m))->n == 2; }
ct_tensor *ct__conv2d_relu_forward(ct_module *m, ct_tensor *x) { return convolve(ct_conv2d_relu, m, x); }

/* All are of t[0]'s dtype, float32 or float64, and nothing is recorded of them. */
static bool are_plain(ct_tensor *const *t, size_t n) {
    if ((t[0]->dtype != CT_F32 && t[0]->dtype != CT_F64) || (ct__context()->modes & CT__MODE_AUTOCAST)) return false;
    for (size_t i = 0; i < n; i++)
        if (t[i] && (t[i]->dtype != t[0]->dtype || (ct__grad_mode() && ct__requires_grad(t[i])))) return false;
    return true;
}

ct_tensor *ct__conv2d_norm_forward(ct_module *m, ct_module *norm, bool relu, ct_tensor *x) {
    const conv *s = ct_module_state(m);
    ct_tensor *weight = ct__entry_at(m, 0), *bias = ct__entry_at(m, 1);
    ct__norm_parameters p;
    ct_conv_options o;
    if (x->ndim != 4 || weight->ndim != 4 || !ct__batch_norm_parameters(norm, (ct_dtype)x->dtype, weight->sizes[0], &p)) return NULL;
    ct_tensor *scale, *shift, *all[] = {x, weight, bias, p.weight, p.bias};
    if (!are_plain(all, CT__COUNT(all))) return NULL;
    if (ct__batch_norm_affine(p.mean, p.var, p.weight, p.bias, bias, p.eps, &scale, &shift) != CT_OK) return NULL;
    x = prepare(s, x, &o);
    return ct__conv2d_scaled(x, weight, scale, shift, relu, &o);
}

/* The output padding that leads from x to the sizes asked for, as _ConvTransposeNd._output_padding. */
static ct_status output_padding_for(const conv *s, const ct_tensor *x, const ct_tensor *wanted, int64_t padding[3]) {
    int64_t sizes[3];
    CT__TRY(ct__read_sizes("ct_forward", wanted, s->n, x->ndim, sizes));
    for (int i = 0; i < s->n && x->ndim >= s->n; i++) {
        double size = (double)x->sizes[x->ndim - s->n + i];
        double least = (size - 1) * (double)s->stride.v[i] - 2 * (double)s->padding.v[i] + (double)s->dilation.v[i] * (double)(s->kernel.v[i] - 1) + 1;
        double more = (double)sizes[i] - least;
        if (!(more >= 0 && more <= (double)s->stride.v[i] - 1))
            return ct__fail(CT_ERR_SHAPE, "ct_forward: %s of size %lld in dimension %d gives %.0f to %.0f elements, not %lld", functions[1][s->n - 1],
                            (long long)size, i,
                            least, least + (double)s->stride.v[i] - 1, (long long)sizes[i]);
        padding[i] = (int64_t)more;
    }
    return CT_OK;
}

static ct_status forward_transposed(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    static ct_tensor *(*const ops[])(ct_tensor *, ct_tensor *, ct_tensor *, const ct_conv_transpose_options *) = {ct_conv_transpose1d, ct_conv_transpose2d,
                                                                                                             ct_conv_transpose3d};
    (void)n_out;
    const conv *s = ct_module_state(m);
    int64_t padding[3];
    memcpy(padding, s->output_padding.v, sizeof padding);
    CT__TRY(ct__check_inputs(m, in, n_in, 1, 2));
    if (n_in == 2 && in[1]) CT__TRY(output_padding_for(s, in[0], in[1], padding));
    ct_conv_transpose_options o = {.stride_nd = s->stride.v, .padding_nd = s->padding.v, .output_padding_nd = padding, .dilation_nd = s->dilation.v,
                                   .groups = s->groups};
    out[0] = ops[s->n - 1](in[0], ct__entry_at(m, 0), ct__entry_at(m, 1), &o);
    return ct__pending();
}

/* ---- Describing: as _ConvNd.extra_repr, what differs from the defaults ---- */

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    static const char *const modes[] = {"zeros", "reflect", "replicate", "circular"};
    const conv *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text t;
    ct__write(&w, "%lld, %lld, kernel_size=%s", (long long)s->in, (long long)s->out, ct__tuple_str(&t, s->kernel.v, s->n));
    ct__write(&w, ", stride=%s", ct__tuple_str(&t, s->stride.v, s->n));
    if (s->auto_padding != CT_CONV_PADDING_EXPLICIT) ct__write(&w, ", padding=%s", s->auto_padding == CT_CONV_PADDING_SAME ? "same" : "valid");
    else if (!all_are(&s->padding, 0)) ct__write(&w, ", padding=%s", ct__tuple_str(&t, s->padding.v, s->n));
    if (!all_are(&s->dilation, 1)) ct__write(&w, ", dilation=%s", ct__tuple_str(&t, s->dilation.v, s->n));
    if (!all_are(&s->output_padding, 0)) ct__write(&w, ", output_padding=%s", ct__tuple_str(&t, s->output_padding.v, s->n));
    if (s->groups != 1) ct__write(&w, ", groups=%lld", (long long)s->groups);
    if (!s->bias) ct__write(&w, ", bias=False");
    if (s->padding_mode != CT_PAD_CONSTANT) ct__write(&w, ", padding_mode=%s", modes[s->padding_mode]);
    return w.length;
}

/* ---- The six ---- */

static ct_module *make(conv s) {
    static const char *const names[2][3] = {{"Conv1d", "Conv2d", "Conv3d"}, {"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"}};
    ct_module_class cls = {.name = names[s.transposed][s.n - 1], .state_size = sizeof s, .n_inputs = s.transposed ? 0 : 1, .n_outputs = 1, .init = init,
                           .forward = s.transposed ? forward_transposed : forward, .describe = describe};
    return ct_module_new(&cls, &s);
}

static int64_t or_one(int64_t v) { return v ? v : 1; }

static ct_module *make_conv(int n, int64_t in, int64_t out, int64_t kernel, const ct_nn_conv_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[0][n - 1], options));
    ct_nn_conv_options o = options ? *options : (ct_nn_conv_options){0};
    return make((conv){.n = n, .bias = !o.no_bias, .in = in, .out = out, .groups = or_one(o.groups), .kernel = ct__per_dim_of(n, kernel, o.kernel_size_nd),
                       .stride = ct__per_dim_of(n, or_one(o.stride), o.stride_nd), .padding = ct__per_dim_of(n, o.padding, o.padding_nd),
                       .output_padding = ct__per_dim_of(n, 0, NULL), .dilation = ct__per_dim_of(n, or_one(o.dilation), o.dilation_nd),
                       .auto_padding = o.auto_padding, .padding_mode = o.padding_mode, .dtype = o.dtype ? o.dtype : CT_F32});
}

static ct_module *make_transposed(int n, int64_t in, int64_t out, int64_t kernel, const ct_nn_conv_transpose_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[1][n - 1], options));
    ct_nn_conv_transpose_options o = options ? *options : (ct_nn_conv_transpose_options){0};
    return make((conv){.n = n, .transposed = true, .bias = !o.no_bias, .in = in, .out = out, .groups = or_one(o.groups),
                       .kernel = ct__per_dim_of(n, kernel, o.kernel_size_nd), .stride = ct__per_dim_of(n, or_one(o.stride), o.stride_nd),
                       .padding = ct__per_dim_of(n, o.padding, o.padding_nd), .output_padding = ct__per_dim_of(n, o.output_padding, o.output_padding_nd),
                       .dilation = ct__per_dim_of(n, or_one(o.dilation), o.dilation_nd), .dtype = o.dtype ? o.dtype : CT_F32});
}

ct_module *ct_nn_conv1d(int64_t in, int64_t out, int64_t kernel, const ct_nn_conv1d_options *o) { return make_conv(1, in, out, kernel, o); }
ct_module *ct_nn_conv2d(int64_t in, int64_t out, int64_t kernel, const ct_nn_conv2d_options *o) { return make_conv(2, in, out, kernel, o); }
ct_module *ct_nn_conv3d(int64_t in, int64_t out, int64_t kernel, const ct_nn_conv3d_options *o) { return make_conv(3, in, out, kernel, o); }
ct_module *ct_nn_conv_transpose1d(int64_t in, int64_t out, int64_t kernel, const ct_nn_conv_transpose1d_options *o) {
    return make_transposed(1, in, out, kernel, o);
}
ct_module *ct_nn_conv_transpose2d(int64_t in, int64_t out, int64_t kernel, const ct_nn_conv_transpose2d_options *o) {
    return make_transposed(2, in, out, kernel, o);
}
ct_module *ct_nn_conv_transpose3d(int64_t in, int64_t out, int64_t kernel, const ct_nn_conv_transpose3d_options *o) {
    return make_transposed(3, in, out, kernel, o);
}
