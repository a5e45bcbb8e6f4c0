/*
 * nn_conv.c: Conv2d. Weights and bias are drawn as torch.nn._ConvNd.reset_parameters draws them.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/nn_init.h>
#include <ctorch/nn_layers.h>
#include <ctorch/ops_conv.h>
#include <ctorch/ops_create.h>

#include <math.h>
#include <stdio.h>

typedef struct conv2d {
    int64_t in, out, groups;
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    ct_conv_padding auto_padding;
    bool bias;
    ct_dtype dtype;
} conv2d;

static void pair(int64_t out[2], int64_t both, const int64_t *nd, int64_t zero_means) {
    out[0] = nd ? nd[0] : both ? both : zero_means;
    out[1] = nd ? nd[1] : both ? both : zero_means;
}

static ct_status check(const conv2d *s) {
    if (s->groups < 1 || s->in < 0 || s->out < 1 || s->in % s->groups || s->out % s->groups)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: %lld input and %lld output channels in %lld groups: both must divide evenly", (long long)s->in,
                        (long long)s->out, (long long)s->groups);
    for (int i = 0; i < 2; i++)
        if (s->kernel[i] < 1 || s->stride[i] < 1 || s->padding[i] < 0 || s->dilation[i] < 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: kernel size %lld, stride %lld, padding %lld, dilation %lld in dimension %d", (long long)s->kernel[i],
                            (long long)s->stride[i], (long long)s->padding[i], (long long)s->dilation[i], i);
    if ((int)s->auto_padding < 0 || s->auto_padding > CT_CONV_PADDING_SAME)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: unknown auto_padding %d", (int)s->auto_padding);
    if (s->auto_padding != CT_CONV_PADDING_EXPLICIT && (s->padding[0] || s->padding[1]))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: padding %lld x %lld is given beside an auto_padding that decides it", (long long)s->padding[0],
                        (long long)s->padding[1]);
    if (s->auto_padding == CT_CONV_PADDING_SAME && (s->stride[0] != 1 || s->stride[1] != 1))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: padding 'same' needs stride 1, got %lld x %lld", (long long)s->stride[0], (long long)s->stride[1]);
    return CT_OK;
}

static ct_status init(ct_module *m, const void *arg) {
    conv2d *s = ct_module_state(m);
    *s = *(const conv2d *)arg;
    CT__TRY(check(s));
    CT__TRY(ct_module_register_parameter(m, "weight", ct_empty(CT_SHAPE(s->out, s->in / s->groups, s->kernel[0], s->kernel[1]), s->dtype)));
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "bias", ct_empty(CT_SHAPE(s->out), s->dtype)));
    CT__TRY(ct_init_kaiming_uniform_(ct__entry_at(m, 0), &(ct_init_kaiming_options){.a = sqrt(5)}));
    double fan_in = (double)(s->in / s->groups * s->kernel[0] * s->kernel[1]);
    if (!s->bias || fan_in == 0) return CT_OK;
    return ct_init_uniform_(ct__entry_at(m, 1), -1 / sqrt(fan_in), 1 / sqrt(fan_in), NULL);
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const conv2d *s = ct_module_state(m);
    ct_conv2d_options o = {.stride_nd = s->stride, .padding_nd = s->padding, .dilation_nd = s->dilation, .groups = s->groups,
                           .auto_padding = s->auto_padding};
    out[0] = ct_conv2d(in[0], ct__entry_at(m, 0), ct__entry_at(m, 1), &o);
    return ct__pending();
}

/* As Conv2d.extra_repr: what differs from the defaults. */
static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const conv2d *s = ct_module_state(m);
    ct__pair_text kernel, stride, padding, dilation;
    char groups[40] = "", pads[64] = "", dilations[64] = "";
    if (s->auto_padding != CT_CONV_PADDING_EXPLICIT) snprintf(pads, sizeof pads, ", padding=%s", s->auto_padding == CT_CONV_PADDING_SAME ? "same" : "valid");
    else if (s->padding[0] || s->padding[1]) snprintf(pads, sizeof pads, ", padding=%s", ct__pair_str(&padding, s->padding));
    if (s->dilation[0] != 1 || s->dilation[1] != 1) snprintf(dilations, sizeof dilations, ", dilation=%s", ct__pair_str(&dilation, s->dilation));
    if (s->groups != 1) snprintf(groups, sizeof groups, ", groups=%lld", (long long)s->groups);
    return snprintf(buffer, size, "%lld, %lld, kernel_size=%s, stride=%s%s%s%s%s", (long long)s->in, (long long)s->out, ct__pair_str(&kernel, s->kernel),
                    ct__pair_str(&stride, s->stride), pads, dilations, groups, s->bias ? "" : ", bias=False");
}

static const ct_module_class conv2d_class = {
    .name = "Conv2d", .state_size = sizeof(conv2d), .n_inputs = 1, .n_outputs = 1, .init = init, .forward = forward, .describe = describe};

ct_module *ct_nn_conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv2d_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_conv2d", options));
    ct_nn_conv2d_options o = options ? *options : (ct_nn_conv2d_options){0};
    conv2d s = {.in = in_channels, .out = out_channels, .groups = o.groups ? o.groups : 1, .auto_padding = o.auto_padding,
                .bias = !o.no_bias, .dtype = o.dtype ? o.dtype : CT_F32};
    pair(s.kernel, kernel_size, o.kernel_size_nd, 0);
    pair(s.stride, o.stride, o.stride_nd, 1);
    pair(s.padding, o.padding, o.padding_nd, 0);
    pair(s.dilation, o.dilation, o.dilation_nd, 1);
    return ct_module_new(&conv2d_class, &s);
}
