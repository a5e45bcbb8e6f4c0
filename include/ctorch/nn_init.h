/*
 * ctorch/nn_init.h: torch.nn.init. They fill a tensor in place, without gradient, and draw from the given generator (NULL = the default
 * one) what PyTorch draws: the same seed gives the same values.
 */
#ifndef CTORCH_NN_INIT_H
#define CTORCH_NN_INIT_H

#include <ctorch/random.h>
#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

CT_API ct_status ct_init_uniform_(ct_tensor *t, double a, double b, ct_generator *generator);
CT_API ct_status ct_init_normal_(ct_tensor *t, double mean, double std, ct_generator *generator);
CT_API ct_status ct_init_constant_(ct_tensor *t, double value);
CT_API ct_status ct_init_zeros_(ct_tensor *t);
CT_API ct_status ct_init_ones_(ct_tensor *t);

/* Glorot and Bengio 2010: uniform in +-gain sqrt(6 / (fan_in + fan_out)), or normal with std gain sqrt(2 / (fan_in + fan_out)). t has 2 or more
 * dimensions [out, in, kernel...]; PyTorch's gain is 1 by default. */
CT_API ct_status ct_init_xavier_uniform_(ct_tensor *t, double gain, ct_generator *generator);
CT_API ct_status ct_init_xavier_normal_(ct_tensor *t, double gain, ct_generator *generator);

typedef enum ct_fan_mode { CT_FAN_IN = 0, CT_FAN_OUT = 1, CT_FAN_MODE_FORCE_32BIT = 0x7fffffff } ct_fan_mode;

/* PyTorch's default is leaky_relu with slope 0. */
typedef enum ct_nonlinearity {
    CT_NONLINEARITY_LEAKY_RELU = 0, /* gain sqrt(2 / (1 + a^2)) */
    CT_NONLINEARITY_LINEAR = 1,     /* 1; also for sigmoid and convolutions */
    CT_NONLINEARITY_TANH = 2,       /* 5/3 */
    CT_NONLINEARITY_RELU = 3,       /* sqrt(2) */
    CT_NONLINEARITY_SELU = 4,       /* 3/4 */
    CT_NONLINEARITY_FORCE_32BIT = 0x7fffffff
} ct_nonlinearity;

typedef struct ct_init_kaiming_options {
    double a; /* the negative slope of leaky_relu */
    ct_fan_mode mode;
    ct_nonlinearity nonlinearity;
    ct_generator *generator;
    uint64_t reserved[2];
} ct_init_kaiming_options;

/* He et al. 2015: uniform in +-gain sqrt(3 / fan), or normal with std gain / sqrt(fan). */
CT_API ct_status ct_init_kaiming_uniform_(ct_tensor *t, const ct_init_kaiming_options *options);
CT_API ct_status ct_init_kaiming_normal_(ct_tensor *t, const ct_init_kaiming_options *options);

/* A number of normal distribution with mean and std, drawn anew until it lies in [a, b]; PyTorch's default is 0, 1, -2, 2. std > 0, a < b. As in PyTorch
 * 2.13 candidates are normal where more than 0.3 of these lie between the limits, else uniform, and a and b must then be finite. CT_ERR_INVALID_ARGUMENT
 * if 100,000 rounds leave an element without a number: so few lie between. */
CT_API ct_status ct_init_trunc_normal_(ct_tensor *t, double mean, double std, double a, double b, ct_generator *generator);

/* Saxe et al. 2013: t [rows, ...], as [rows, cols], becomes gain times a matrix with orthonormal rows or, if it has more rows than columns, columns.
 * float32 or float64. */
CT_API ct_status ct_init_orthogonal_(ct_tensor *t, double gain, ct_generator *generator);

/* Martens 2010: t [rows, cols] becomes normal with mean 0 and std (PyTorch's default is 0.01), but for ceil(sparsity * rows) zeros in each column. 0 <=
 * sparsity <= 1. Which these are is drawn from the generator given; PyTorch takes the default one for that. */
CT_API ct_status ct_init_sparse_(ct_tensor *t, double sparsity, double std, ct_generator *generator);

/* Identities: t [n, m] with ones on the diagonal; and t [out, in, kernel...] of a convolution in 1 to 3 dimensions that hands on as many channels as it
 * can, in each of `groups` (1 is PyTorch's default) groups of output channels: a 1 at the kernel's centre from channel i to channel i. */
CT_API ct_status ct_init_eye_(ct_tensor *t);
CT_API ct_status ct_init_dirac_(ct_tensor *t, int64_t groups);

CT_API double ct_init_calculate_gain(ct_nonlinearity nonlinearity, double a);

#ifdef __cplusplus
}
#endif
#endif
