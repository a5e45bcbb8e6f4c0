/*
 * ctorch/nn_activation.h: activations and dropout as modules: the functions of the same names in ops_nn.h, which say what they compute. There is no inplace
 * option: in-place forms are functions (ct_relu_). Since 0.1.
 */
#ifndef CTORCH_NN_ACTIVATION_H
#define CTORCH_NN_ACTIVATION_H

#include <ctorch/nn.h>
#include <ctorch/ops_nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Element by element ------------------------------------------------------------------------------------------ */

CT_API ct_module *ct_nn_relu(void);
CT_API ct_module *ct_nn_relu6(void);
CT_API ct_module *ct_nn_sigmoid(void);
CT_API ct_module *ct_nn_tanh(void);
CT_API ct_module *ct_nn_silu(void);
CT_API ct_module *ct_nn_mish(void);
CT_API ct_module *ct_nn_selu(void);
CT_API ct_module *ct_nn_hardswish(void);
CT_API ct_module *ct_nn_hardsigmoid(void);
CT_API ct_module *ct_nn_softsign(void);
CT_API ct_module *ct_nn_logsigmoid(void); /* torch.nn.LogSigmoid */
CT_API ct_module *ct_nn_tanhshrink(void);
CT_API ct_module *ct_nn_gelu(const ct_gelu_options *options);
CT_API ct_module *ct_nn_leaky_relu(const ct_leaky_relu_options *options);
CT_API ct_module *ct_nn_elu(const ct_elu_options *options);
CT_API ct_module *ct_nn_celu(const ct_celu_options *options);
CT_API ct_module *ct_nn_softplus(const ct_softplus_options *options);
CT_API ct_module *ct_nn_hardtanh(const ct_hardtanh_options *options); /* min_val below max_val */
CT_API ct_module *ct_nn_hardshrink(const ct_hardshrink_options *options);
CT_API ct_module *ct_nn_softshrink(const ct_softshrink_options *options);
CT_API ct_module *ct_nn_threshold(double threshold, double value);

typedef struct ct_nn_rrelu_options {
    ct_opt_f64 lower; /* default 1 / 8 */
    ct_opt_f64 upper; /* default 1 / 3 */
    uint64_t reserved[2];
} ct_nn_rrelu_options;

/* In training the slopes are drawn from the default generator, in evaluation they are (lower + upper) / 2. */
CT_API ct_module *ct_nn_rrelu(const ct_nn_rrelu_options *options);

typedef struct ct_nn_prelu_options {
    int64_t num_parameters; /* 0 = 1; or one for each channel, dim 1 of the input */
    ct_opt_f64 init;        /* default 0.25 */
    ct_dtype dtype;         /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[2];
} ct_nn_prelu_options;

/* x if x > 0, else weight x. Parameter weight [num_parameters], which begins at init. */
CT_API ct_module *ct_nn_prelu(const ct_nn_prelu_options *options);

/* ---- Over a dimension -------------------------------------------------------------------------------------------- */

CT_API ct_module *ct_nn_softmax(int64_t dim);
CT_API ct_module *ct_nn_log_softmax(int64_t dim);
CT_API ct_module *ct_nn_softmin(int64_t dim);
CT_API ct_module *ct_nn_softmax2d(void);   /* over the channels of [N, C, H, W] or [C, H, W] */
CT_API ct_module *ct_nn_glu(int64_t dim);  /* torch's default is -1 */

/* ---- Dropout ----------------------------------------------------------------------------------------------------- */

/* In training zeroes with probability p (PyTorch's default is 0.5) and scales what stays by 1 / (1 - p); in evaluation hands its input on. dropout: elements;
 * dropout1d, 2d, 3d: whole channels of [N, C, ...]; the alpha forms keep the mean and variance of SELU networks. The mask is not PyTorch's (see ct_dropout). */
CT_API ct_module *ct_nn_dropout(double p);
CT_API ct_module *ct_nn_dropout1d(double p);
CT_API ct_module *ct_nn_dropout2d(double p);
CT_API ct_module *ct_nn_dropout3d(double p);
CT_API ct_module *ct_nn_alpha_dropout(double p);
CT_API ct_module *ct_nn_feature_alpha_dropout(double p);

#ifdef __cplusplus
}
#endif
#endif
