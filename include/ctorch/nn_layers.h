/*
 * ctorch/nn_layers.h: the layers. Each returns a module (a reference of the caller's), NULL on an error. Parameter names, shapes, defaults
 * and initial values are PyTorch's: with the same seed the weights are the same bits. Weights are drawn from the default generator when
 * the layer is made.
 */
#ifndef CTORCH_NN_LAYERS_H
#define CTORCH_NN_LAYERS_H

#include <ctorch/nn.h>
#include <ctorch/ops_conv.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Containers ------------------------------------------------------------------------------------------------ */

/* Runs the children one after the other; they are named "0", "1", ... Takes over the references to the children, on failure too: a NULL
 * child (one that could not be made) makes the whole call fail, with the child's error. */
CT_API ct_module *ct_nn_sequential_n(ct_module *const *children, int n);

/* ct_nn_sequential(a, b, c): sugar over ct_nn_sequential_n. The children are made from left to right. */
#ifdef __cplusplus
}
namespace ctorch_detail {
inline ct_module *sequential(std::initializer_list<ct_module *> l) { return ct_nn_sequential_n(l.begin(), (int)l.size()); }
}
#define ct_nn_sequential(...) ctorch_detail::sequential({__VA_ARGS__})
extern "C" {
#else
#define ct_nn_sequential(...) \
    ct_nn_sequential_n((ct_module *[]){__VA_ARGS__}, (int)(sizeof((ct_module *[]){__VA_ARGS__}) / sizeof(ct_module *)))
#endif

/* ---- Linear and convolution ------------------------------------------------------------------------------------ */

typedef struct ct_nn_linear_options {
    bool no_bias;
    ct_dtype dtype; /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[2];
} ct_nn_linear_options;

/* y = x W^T + b. x [..., in_features] -> [..., out_features]; weight [out_features, in_features], bias [out_features]. torch.nn.Linear. */
CT_API ct_module *ct_nn_linear(int64_t in_features, int64_t out_features, const ct_nn_linear_options *options);

/* Per-dimension values (height, width): the scalar field for both, or the pointer field to two. */
typedef struct ct_nn_conv2d_options {
    int64_t stride, padding, dilation, groups; /* 0: 1, 0, 1, 1 */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd, *dilation_nd;
    ct_conv_padding auto_padding; /* instead of padding, as torch's padding='same' */
    bool no_bias;
    ct_dtype dtype;
    uint64_t reserved[4];
} ct_nn_conv2d_options;

/* x [N, in_channels, H, W] -> [N, out_channels, H', W'] with H' = (H + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1.
 * weight [out_channels, in_channels / groups, kernel, kernel], bias [out_channels]. torch.nn.Conv2d with zero padding. */
CT_API ct_module *ct_nn_conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel_size, const ct_nn_conv2d_options *options);

/* ---- Pooling ---------------------------------------------------------------------------------------------------- */

/* x [N, C, H, W] or [C, H, W]: the largest, or the mean, of each window; options as of the functions ct_max_pool2d and ct_avg_pool2d.
 * torch.nn.MaxPool2d, AvgPool2d, AdaptiveAvgPool2d (output size h x w). */
CT_API ct_module *ct_nn_max_pool2d(int64_t kernel_size, const ct_max_pool2d_options *options);
CT_API ct_module *ct_nn_avg_pool2d(int64_t kernel_size, const ct_avg_pool2d_options *options);
CT_API ct_module *ct_nn_adaptive_avg_pool2d(int64_t h, int64_t w);

/* ---- Shape ------------------------------------------------------------------------------------------------------ */

typedef struct ct_nn_flatten_options {
    ct_opt_i64 start_dim, end_dim; /* 1, -1 */
    uint64_t reserved[2];
} ct_nn_flatten_options;
CT_API ct_module *ct_nn_flatten(const ct_nn_flatten_options *options);
CT_API ct_module *ct_nn_identity(void);

/* ---- Regularisation ------------------------------------------------------------------------------------------- */

/* In training zeroes each element with probability p and scales the others by 1 / (1 - p); PyTorch's default p is 0.5. The mask is not PyTorch's
 * (see ct_dropout). */
CT_API ct_module *ct_nn_dropout(double p);

/* ---- Activations: elementwise, as the functions of the same names in ops_nn.h ---------------------------------- */

CT_API ct_module *ct_nn_relu(void);
CT_API ct_module *ct_nn_sigmoid(void);
CT_API ct_module *ct_nn_tanh(void);
CT_API ct_module *ct_nn_silu(void);
CT_API ct_module *ct_nn_gelu(const ct_gelu_options *options);
CT_API ct_module *ct_nn_leaky_relu(const ct_leaky_relu_options *options);
CT_API ct_module *ct_nn_elu(const ct_elu_options *options);
CT_API ct_module *ct_nn_softplus(const ct_softplus_options *options);
CT_API ct_module *ct_nn_softmax(int64_t dim);
CT_API ct_module *ct_nn_log_softmax(int64_t dim);

#ifdef __cplusplus
}
#endif
#endif
