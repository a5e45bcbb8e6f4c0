/*
 * ctorch/ops_conv.h: convolution.
 *
 * Images are [N, C, H, W], lines [N, C, L], volumes [N, C, D, H, W], or the same without N for one without a batch. float32 and float64 are
 * computed as they are, float16 and bfloat16 in float32, integers exactly (wrapping around). Images are taken in both memory formats as they lie; the
 * result is channels_last if the image or the weight is (as torch does), else row-major. Channels_last saves the conversions at both ends
 * and is the faster one. Lines and volumes are row-major.
 */
#ifndef CTORCH_OPS_CONV_H
#define CTORCH_OPS_CONV_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What torch takes as a string for padding: padding='same'. */
typedef enum ct_conv_padding {
    CT_CONV_PADDING_EXPLICIT = 0, /* the numbers given */
    CT_CONV_PADDING_VALID = 1,    /* 'valid': none */
    CT_CONV_PADDING_SAME = 2,     /* 'same': H' = H and W' = W; stride 1 only; an odd number puts the larger half below and right */
    CT_CONV_PADDING_FORCE_32BIT = 0x7fffffff
} ct_conv_padding;

/* A value for all dimensions, or a pointer to one for each ([depth,] [height,] width), which then counts. */
typedef struct ct_conv_options {
    int64_t stride;   /* 0 = 1 */
    int64_t padding;  /* zeros on each side */
    int64_t dilation; /* distance between the taps of the kernel; 0 = 1 */
    int64_t groups;   /* 0 = 1 */
    const int64_t *stride_nd, *padding_nd, *dilation_nd;
    ct_conv_padding auto_padding; /* instead of padding, as torch's padding='same' */
    uint64_t reserved[4];
} ct_conv_options;
typedef ct_conv_options ct_conv1d_options, ct_conv2d_options, ct_conv3d_options;

/*
 * The cross-correlation of images with filters, as torch.nn.functional.conv1d, conv2d, conv3d:
 *
 *     y[n, f, i, j] = bias[f] + sum over c, a, b of  x[n, c, i stride - padding + a dilation, j stride - padding + b dilation]  weight[f, c, a, b]
 *
 *     x [N, C, H, W], weight [F, C / groups, KH, KW], bias [F] or NULL for none  ->  y [N, F, H', W']
 *     H' = floor((H + 2 padding - dilation (KH - 1) - 1) / stride) + 1, W' likewise
 *
 * and the same with one index or three. With groups, filter f sees the channels of its own group only: it is number f / (F / groups); groups == C is
 * depthwise convolution. Gradients of any order flow to x, weight and bias. Errors: CT_ERR_SHAPE with the sizes where they do not fit
 * (channels, groups, a kernel larger than the padded image), CT_ERR_DTYPE for mixed dtypes or bool, CT_ERR_INVALID_ARGUMENT for options out of
 * range. Large f32 ones of 3 x 3 filters with stride 1 take Winograd's algorithm, as exact for ordinary numbers: an infinity in x or weight may come out as NaN,
 * and so may numbers above 1e37; CTORCH_WINOGRAD=0 in the environment turns it off. Since 0.1.
 */
CT_API ct_tensor *ct_conv1d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv1d_options *options);
CT_API ct_tensor *ct_conv2d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv2d_options *options);
CT_API ct_tensor *ct_conv3d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv3d_options *options);

/*
 * ct_relu(ct_conv2d(x, weight, bias, options)), with the same results, dtypes and errors: torch.ao.nn.intrinsic.ConvReLU2d. Negative sums become 0 as they are
 * stored, so there is no second pass and no second tensor. Saved are x, weight and the result, whose zeros say where no gradient passes. A Sequential calls
 * it by itself for a Conv2d before a ReLU. Since 0.1.
 */
CT_API ct_tensor *ct_conv2d_relu(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv2d_options *options);

typedef struct ct_conv_transpose_options {
    int64_t stride;         /* 0 = 1 */
    int64_t padding;        /* cut off on each side of the result */
    int64_t output_padding; /* added at the end of the result: one of the sizes that the convolution maps to x's; below stride or dilation */
    int64_t dilation;       /* 0 = 1 */
    int64_t groups;         /* 0 = 1 */
    const int64_t *stride_nd, *padding_nd, *output_padding_nd, *dilation_nd;
    uint64_t reserved[4];
} ct_conv_transpose_options;
typedef ct_conv_transpose_options ct_conv_transpose1d_options, ct_conv_transpose2d_options, ct_conv_transpose3d_options;

/*
 * The transposed convolution, torch.nn.functional.conv_transpose1d, conv_transpose2d, conv_transpose3d: the gradient of a convolution with
 * respect to its input, as a layer. Each element of x spreads its multiple of the kernel over the result.
 *
 *     x [N, C, H, W], weight [C, F / groups, KH, KW], bias [F] or NULL for none  ->  y [N, F, H', W']
 *     H' = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1, W' likewise
 *
 * Gradients of any order flow to x, weight and bias. dtypes: floating point and int64. Errors as ct_conv2d's, and where the result would be
 * empty. Since 0.1.
 */
CT_API ct_tensor *ct_conv_transpose1d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose1d_options *options);
CT_API ct_tensor *ct_conv_transpose2d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose2d_options *options);
CT_API ct_tensor *ct_conv_transpose3d(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, const ct_conv_transpose3d_options *options);

/*
 * The two gradients of ct_conv2d, given that of y, as functions: torch.nn.grad.conv2d_input and conv2d_weight. float32 and
 * float64. The size that is asked for must be one that ct_conv2d turns into grad_output's. They
 * are bilinear, like ct_conv2d, and gradients of any order flow. Since 0.1.
 *
 *     ct_conv2d_input    weight [F, C / groups, KH, KW], grad_output [N, F, H', W']  ->  [input_sizes] = [N, C, H, W]
 *     ct_conv2d_weight   x [N, C, H, W], grad_output [N, F, H', W']                  ->  [weight_sizes] = [F, C / groups, KH, KW]
 */
CT_API ct_tensor *ct_conv2d_input(const int64_t *input_sizes, int ndim, ct_tensor *weight, ct_tensor *grad_output,
                                  const ct_conv2d_options *options);
CT_API ct_tensor *ct_conv2d_weight(ct_tensor *x, const int64_t *weight_sizes, int ndim, ct_tensor *grad_output,
                                   const ct_conv2d_options *options);

#ifdef __cplusplus
}
#endif
#endif
