/*
 * ctorch/nn_conv.h: convolution layers.
 *
 * Lines are [N, C, L], images [N, C, H, W], volumes [N, C, D, H, W], or the same without N for one without a batch. Gradients flow to the input, weight and
 * bias. Weights are drawn as PyTorch draws them (Kaiming uniform with a = sqrt(5), bias uniform in +-1 / sqrt(fan in)). Errors when a layer is made:
 * CT_ERR_INVALID_ARGUMENT for channels that the groups do not divide and options out of range; when it runs: those of ct_conv2d.
 */
#ifndef CTORCH_NN_CONV_H
#define CTORCH_NN_CONV_H

#include <ctorch/nn.h>
#include <ctorch/ops_conv.h>
#include <ctorch/ops_shape.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value for all dimensions, or a pointer to one for each ([depth,] [height,] width), which then counts. kernel_size_nd is for kernels that are not
 * square. */
typedef struct ct_nn_conv_options {
    int64_t stride, padding, dilation, groups; /* 0: 1, 0, 1, 1 */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd, *dilation_nd;
    ct_conv_padding auto_padding; /* instead of padding, as torch's padding='same' */
    bool no_bias;
    ct_dtype dtype;           /* CT_DTYPE_NONE: float32 */
    ct_pad_mode padding_mode; /* what lies outside: zeros (CT_PAD_CONSTANT), or the input reflected, replicated, or going round */
    uint64_t reserved[4];
} ct_nn_conv_options;
typedef ct_nn_conv_options ct_nn_conv1d_options, ct_nn_conv2d_options, ct_nn_conv3d_options;

/*
 * torch.nn.Conv1d, Conv2d, Conv3d: ct_conv2d with weights of its own. Since 0.1.
 *
 *     x [N, in_channels, H, W] -> [N, out_channels, H', W']     H' = (H + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1
 *     weight [out_channels, in_channels / groups, kernel, kernel], bias [out_channels]
 */
CT_API ct_module *ct_nn_conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv1d_options *options);
CT_API ct_module *ct_nn_conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv2d_options *options);
CT_API ct_module *ct_nn_conv3d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv3d_options *options);

typedef struct ct_nn_conv_transpose_options {
    int64_t stride, padding, output_padding, dilation, groups; /* 0: 1, 0, 0, 1, 1 */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd, *output_padding_nd, *dilation_nd;
    bool no_bias;
    ct_dtype dtype; /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[4];
} ct_nn_conv_transpose_options;
typedef ct_nn_conv_transpose_options ct_nn_conv_transpose1d_options, ct_nn_conv_transpose2d_options, ct_nn_conv_transpose3d_options;

/*
 * torch.nn.ConvTranspose1d, ConvTranspose2d, ConvTranspose3d: ct_conv_transpose2d with weights of its own; zero padding is all there is. Since 0.1.
 *
 *     x [N, in_channels, H, W] -> [N, out_channels, H', W']     H' = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1
 *     weight [in_channels, out_channels / groups, kernel, kernel], bias [out_channels]
 *
 * Of the sizes that a strided convolution maps to x's, output_padding says which one comes back. The module may also be told it directly, as forward's
 * output_size: a second input, int64 [1], [2] or [3], that ct_forward_n takes.
 */
CT_API ct_module *ct_nn_conv_transpose1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv_transpose1d_options *options);
CT_API ct_module *ct_nn_conv_transpose2d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv_transpose2d_options *options);
CT_API ct_module *ct_nn_conv_transpose3d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv_transpose3d_options *options);

#ifdef __cplusplus
}
#endif
#endif
