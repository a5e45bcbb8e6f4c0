/*
 * ctorch/nn_pool.h: pooling layers: the functions of ops_pool.h as modules, with their options. Lines are [N, C, L], images [N, C, H, W], volumes [N, C, D,
 * H, W], or the same without N. Gradients flow. The options' arrays are copied. Since 0.1.
 */
#ifndef CTORCH_NN_POOL_H
#define CTORCH_NN_POOL_H

#include <ctorch/nn.h>
#include <ctorch/ops_pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* torch.nn.MaxPool1d, 2d, 3d: the largest of each window. ct_forward_n with two outputs also gives their int64 indices (return_indices=True). */
CT_API ct_module *ct_nn_max_pool1d(int64_t kernel_size, const ct_max_pool1d_options *options);
CT_API ct_module *ct_nn_max_pool2d(int64_t kernel_size, const ct_max_pool2d_options *options);
CT_API ct_module *ct_nn_max_pool3d(int64_t kernel_size, const ct_max_pool3d_options *options);

/* torch.nn.MaxUnpool1d, 2d, 3d: the way back. ct_forward_n takes x, the indices, and optionally the size of the result: int64 [1], [2] or [3] (or all
 * sizes), forward's output_size. In the options output_size stays NULL. */
CT_API ct_module *ct_nn_max_unpool1d(int64_t kernel_size, const ct_max_unpool1d_options *options);
CT_API ct_module *ct_nn_max_unpool2d(int64_t kernel_size, const ct_max_unpool2d_options *options);
CT_API ct_module *ct_nn_max_unpool3d(int64_t kernel_size, const ct_max_unpool3d_options *options);

/* torch.nn.AvgPool1d, 2d, 3d: the mean of each window. (torch's AvgPool1d has no divisor_override.) */
CT_API ct_module *ct_nn_avg_pool1d(int64_t kernel_size, const ct_avg_pool1d_options *options);
CT_API ct_module *ct_nn_avg_pool2d(int64_t kernel_size, const ct_avg_pool2d_options *options);
CT_API ct_module *ct_nn_avg_pool3d(int64_t kernel_size, const ct_avg_pool3d_options *options);

/* torch.nn.LPPool1d, 2d, 3d: the root of the sum of powers of each window. */
CT_API ct_module *ct_nn_lp_pool1d(double norm_type, int64_t kernel_size, const ct_lp_pool1d_options *options);
CT_API ct_module *ct_nn_lp_pool2d(double norm_type, int64_t kernel_size, const ct_lp_pool2d_options *options);
CT_API ct_module *ct_nn_lp_pool3d(double norm_type, int64_t kernel_size, const ct_lp_pool3d_options *options);

/* torch.nn.AdaptiveAvgPool1d, 2d, 3d and AdaptiveMaxPool1d, 2d, 3d: as many windows as there shall be results; CT_DIM_NONE keeps the size of a
 * dimension. Those of maxima give the indices as a second output. */
CT_API ct_module *ct_nn_adaptive_avg_pool1d(int64_t l);
CT_API ct_module *ct_nn_adaptive_avg_pool2d(int64_t h, int64_t w);
CT_API ct_module *ct_nn_adaptive_avg_pool3d(int64_t d, int64_t h, int64_t w);
CT_API ct_module *ct_nn_adaptive_max_pool1d(int64_t l);
CT_API ct_module *ct_nn_adaptive_max_pool2d(int64_t h, int64_t w);
CT_API ct_module *ct_nn_adaptive_max_pool3d(int64_t d, int64_t h, int64_t w);

typedef struct ct_nn_fractional_max_pool_options {
    int64_t output_size; /* either this */
    double output_ratio; /* or this, between 0 and 1: the output's size is the input's times it, rounded down */
    const int64_t *kernel_size_nd, *output_size_nd;
    const double *output_ratio_nd;
    ct_tensor *random_samples; /* [N, C, 2] or [N, C, 3] between 0 and 1: used always, instead of drawing for each input. Buffer _random_samples */
    uint64_t reserved[4];
} ct_nn_fractional_max_pool_options;
typedef ct_nn_fractional_max_pool_options ct_nn_fractional_max_pool2d_options, ct_nn_fractional_max_pool3d_options;

/* torch.nn.FractionalMaxPool2d, 3d (Graham 2014): the largest of windows of kernel_size that begin at pseudo-random places, other ones for each channel of
 * each sample and each pass, in evaluation too. x [N, C, H, W] or [C, H, W]. Drawn from the default generator, in torch's stream. The indices are a second
 * output. */
CT_API ct_module *ct_nn_fractional_max_pool2d(int64_t kernel_size, const ct_nn_fractional_max_pool2d_options *options);
CT_API ct_module *ct_nn_fractional_max_pool3d(int64_t kernel_size, const ct_nn_fractional_max_pool3d_options *options);

#ifdef __cplusplus
}
#endif
#endif
