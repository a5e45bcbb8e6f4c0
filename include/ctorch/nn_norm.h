/*
 * ctorch/nn_norm.h: normalization layers: the functions of ops_norm.h with weights and running statistics of their own.
 *
 *     y = (x - mean) / sqrt(var + eps) * weight + bias          weight begins at 1, bias at 0
 *
 * Gradients flow to x, weight and bias. no_affine (elementwise_affine=False) leaves weight and bias out, no_bias the bias alone.
 */
#ifndef CTORCH_NN_NORM_H
#define CTORCH_NN_NORM_H

#include <ctorch/nn.h>
#include <ctorch/ops_norm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_nn_batch_norm_options {
    ct_opt_f64 eps;          /* default 1e-5 */
    ct_opt_f64 momentum;     /* default 0.1 */
    bool cumulative_average; /* momentum=None: running statistics are the mean over all batches so far */
    bool no_affine, no_bias;
    bool no_track_running_stats; /* no buffers: statistics of the batch in evaluation too */
    ct_dtype dtype;              /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[4];
} ct_nn_batch_norm_options;
typedef ct_nn_batch_norm_options ct_nn_batch_norm1d_options, ct_nn_batch_norm2d_options, ct_nn_batch_norm3d_options;

/*
 * torch.nn.BatchNorm1d, BatchNorm2d, BatchNorm3d. Since 0.1.
 *
 *     batch_norm1d   x [N, C] or [N, C, L]        batch_norm2d   x [N, C, H, W]        batch_norm3d   x [N, C, D, H, W]       C = num_features
 *
 * Parameters weight and bias [C]; buffers running_mean and running_var [C], num_batches_tracked (int64, no dims). In training each channel is
 * normalized by the batch's mean and variance, and the running ones move towards them; in evaluation the running ones are used. Errors of forward:
 * CT_ERR_SHAPE for other numbers of dims or channels, and one element per channel in training. As in torch, a state dict without num_batches_tracked, which
 * old files are, loads: the module keeps its own.
 */
CT_API ct_module *ct_nn_batch_norm1d(int64_t num_features, const ct_nn_batch_norm1d_options *options);
CT_API ct_module *ct_nn_batch_norm2d(int64_t num_features, const ct_nn_batch_norm2d_options *options);
CT_API ct_module *ct_nn_batch_norm3d(int64_t num_features, const ct_nn_batch_norm3d_options *options);

/* Of a module that one of these made. momentum: no value for cumulative_average. Setting it is for a while in which running statistics are to be gathered
 * another way, as ct_update_bn does. CT_ERR_INVALID_ARGUMENT for another module. Since 0.1. */
CT_API bool ct_nn_is_batch_norm(const ct_module *module); /* false for NULL */
CT_API ct_opt_f64 ct_nn_batch_norm_momentum(const ct_module *module);
CT_API ct_status ct_nn_batch_norm_set_momentum(ct_module *module, ct_opt_f64 momentum);

typedef struct ct_nn_instance_norm_options {
    ct_opt_f64 eps;      /* default 1e-5 */
    ct_opt_f64 momentum; /* default 0.1 */
    bool affine;         /* weight and bias: not by default */
    bool no_bias;
    bool track_running_stats; /* nor buffers */
    ct_dtype dtype;           /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[4];
} ct_nn_instance_norm_options;
typedef ct_nn_instance_norm_options ct_nn_instance_norm1d_options, ct_nn_instance_norm2d_options, ct_nn_instance_norm3d_options;

/*
 * torch.nn.InstanceNorm1d, InstanceNorm2d, InstanceNorm3d: each channel of each sample by its own mean and variance. x [N, C, L], [N, C, H, W], [N, C, D, H,
 * W], or the same without N. With track_running_stats the buffers are batch_norm's, moved in training and used in evaluation. Unlike torch, which only warns
 * without affine, another number of channels than num_features is always CT_ERR_SHAPE. Since 0.1.
 */
CT_API ct_module *ct_nn_instance_norm1d(int64_t num_features, const ct_nn_instance_norm1d_options *options);
CT_API ct_module *ct_nn_instance_norm2d(int64_t num_features, const ct_nn_instance_norm2d_options *options);
CT_API ct_module *ct_nn_instance_norm3d(int64_t num_features, const ct_nn_instance_norm3d_options *options);

typedef struct ct_nn_norm_options {
    ct_opt_f64 eps; /* default 1e-5; of rms_norm the machine epsilon of x's dtype */
    bool no_affine, no_bias;
    ct_dtype dtype; /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[4];
} ct_nn_norm_options;
typedef ct_nn_norm_options ct_nn_group_norm_options, ct_nn_layer_norm_options, ct_nn_rms_norm_options;

/*
 * torch.nn.GroupNorm, LayerNorm, RMSNorm. Since 0.1.
 *
 *     group_norm   x [N, num_channels, ...]: num_groups groups of channels of each sample; weight and bias [num_channels]
 *     layer_norm   x [..., normalized_shape]: the last n dims; weight and bias [normalized_shape]: ct_nn_layer_norm(CT_SHAPE(512), NULL)
 *     rms_norm     likewise, x / sqrt(mean of x^2 + eps) * weight; there is no bias, and no_bias is an error
 */
CT_API ct_module *ct_nn_group_norm(int64_t num_groups, int64_t num_channels, const ct_nn_group_norm_options *options);
CT_API ct_module *ct_nn_layer_norm(const int64_t *normalized_shape, int n, const ct_nn_layer_norm_options *options);
CT_API ct_module *ct_nn_rms_norm(const int64_t *normalized_shape, int n, const ct_nn_rms_norm_options *options);

/* torch.nn.LocalResponseNorm: ct_local_response_norm over `size` channels. x [N, C, ...]. Since 0.1. */
CT_API ct_module *ct_nn_local_response_norm(int64_t size, const ct_local_response_norm_options *options);

#ifdef __cplusplus
}
#endif
#endif
