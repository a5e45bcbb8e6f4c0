/*
 * ctorch/ops_norm.h: normalization, with torch.nn.functional's names and defaults.
 *
 * All of them bring numbers to mean 0 and variance 1 (or length 1), then scale and shift them by learned weights:
 *
 *     y = (x - mean) / sqrt(var + eps) * weight + bias        var without Bessel's correction
 *
 *     function             mean and variance over                         weight and bias
 *     ct_batch_norm        each channel: batch and positions              [C]
 *     ct_batch_norm_relu   the same
 *     ct_instance_norm     each channel of each sample: positions         [C]
 *     ct_group_norm        each group of channels of each sample          [C]
 *     ct_layer_norm        the last dims                                  normalized_shape
 *     ct_rms_norm          the last dims, without the mean                normalized_shape, no bias
 *
 * x is floating point, [N, C, ...] with the channels in dim 1, and keeps its memory format: channels_last is read and written as it lies. weight and
 * bias may be NULL and have x's dtype. Statistics are summed in double. Gradients of any order flow to x, weight and bias. Results are held by
 * the innermost scope; NULL with the error pending on failure. Since 0.1.
 */
#ifndef CTORCH_OPS_NORM_H
#define CTORCH_OPS_NORM_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_batch_norm_options {
    bool training;       /* statistics of x, which also update the running ones; otherwise those are used. Default false, as in torch */
    ct_opt_f64 momentum; /* default 0.1 */
    ct_opt_f64 eps;      /* default 1e-5 */
    uint64_t reserved[2];
} ct_batch_norm_options;

/*
 * x [N, C, ...]; running_mean and running_var [C], floating point, both or neither. In training they are changed in place:
 *
 *     running_mean = (1 - momentum) running_mean + momentum mean
 *     running_var  = (1 - momentum) running_var  + momentum var n / (n - 1)        n elements per channel
 *
 * A cumulative average, torch's momentum=None of the module, is momentum = 1 / (number of batches so far). Errors: training with one element per
 * channel; no running statistics outside of training.
 */
CT_API ct_tensor *ct_batch_norm(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                                const ct_batch_norm_options *options);

/*
 * ct_relu(ct_batch_norm(...)), with the same results, dtypes and errors, in fewer passes over memory: torch.ao.nn.intrinsic.BNReLU2d. Saved is
 * what ct_batch_norm saves; where no gradient passes is told from it. A Sequential calls it by itself for a BatchNorm before a ReLU.
 */
CT_API ct_tensor *ct_batch_norm_relu(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                                     const ct_batch_norm_options *options);

typedef struct ct_instance_norm_options {
    bool no_use_input_stats; /* the running statistics are used: use_input_stats=False */
    ct_opt_f64 momentum;     /* default 0.1 */
    ct_opt_f64 eps;          /* default 1e-5 */
    uint64_t reserved[2];
} ct_instance_norm_options;

/* x [N, C, L...]. The running statistics, which may be NULL, move towards the mean over the samples of each sample's mean and variance. Errors: one
 * position per channel; no running statistics with no_use_input_stats. */
CT_API ct_tensor *ct_instance_norm(ct_tensor *x, ct_tensor *running_mean, ct_tensor *running_var, ct_tensor *weight, ct_tensor *bias,
                                   const ct_instance_norm_options *options);

typedef struct ct_group_norm_options {
    ct_opt_f64 eps; /* default 1e-5 */
    uint64_t reserved[2];
} ct_group_norm_options;

/* x [N, C, ...], C a multiple of num_groups. */
CT_API ct_tensor *ct_group_norm(ct_tensor *x, int64_t num_groups, ct_tensor *weight, ct_tensor *bias, const ct_group_norm_options *options);

typedef struct ct_layer_norm_options {
    ct_opt_f64 eps; /* default 1e-5 */
    uint64_t reserved[2];
} ct_layer_norm_options;

typedef struct ct_rms_norm_options {
    ct_opt_f64 eps; /* default: the machine epsilon of x's dtype */
    uint64_t reserved[2];
} ct_rms_norm_options;

/* normalized_shape are the last n sizes of x, n >= 1. */
CT_API ct_tensor *ct_layer_norm(ct_tensor *x, const int64_t *normalized_shape, int n, ct_tensor *weight, ct_tensor *bias,
                                const ct_layer_norm_options *options);
/* x / sqrt(mean of x^2 + eps) * weight */
CT_API ct_tensor *ct_rms_norm(ct_tensor *x, const int64_t *normalized_shape, int n, ct_tensor *weight, const ct_rms_norm_options *options);

typedef struct ct_local_response_norm_options {
    ct_opt_f64 alpha; /* default 1e-4 */
    ct_opt_f64 beta;  /* default 0.75 */
    ct_opt_f64 k;     /* default 1 */
    uint64_t reserved[2];
} ct_local_response_norm_options;

/* x / (k + alpha / size * sum of x^2 over size neighbouring channels)^beta; beyond the ends are zeros. x [N, C, ...] with at least three dims.
 * Composed of other ops. */
CT_API ct_tensor *ct_local_response_norm(ct_tensor *x, int64_t size, const ct_local_response_norm_options *options);

typedef struct ct_normalize_options {
    ct_opt_f64 p;   /* the order of the norm; default 2 */
    ct_opt_f64 eps; /* default 1e-12 */
    uint64_t reserved[2];
} ct_normalize_options;

/* x / max(norm of x over dim, eps); torch's default dim is 1. Composed of other ops. */
CT_API ct_tensor *ct_normalize(ct_tensor *x, int64_t dim, const ct_normalize_options *options);

#ifdef __cplusplus
}
#endif
#endif
