/*
 * ctorch/ops_nn.h: activations, softmax, dropout.
 *
 * What holds for all of them: x is not changed and the result is a new tensor of x's shape, dtype (floating point; the half types are
 * computed in float32) and memory layout; gradients of any order flow; the result is held by the innermost scope; on failure they return NULL
 * with the error pending. NaN goes in and comes out. Convolution, pooling and linear layers have headers of their own, losses
 * are in ops_loss.h.
 */
#ifndef CTORCH_OPS_NN_H
#define CTORCH_OPS_NN_H

#include <ctorch/random.h>
#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Activations ----------------------------------------------------------------------------------------------- */

/*
 * Element by element. Since 0.1.
 *
 *     ct_relu         max(x, 0)                              x -> also integers, which have no gradient
 *     ct_sigmoid      1 / (1 + exp(-x))                      integers and bool give float32, as in torch
 *     ct_tanh         tanh(x)                                likewise
 *     ct_silu         x sigmoid(x)
 *     ct_gelu         x Phi(x), Phi the normal distribution's cumulative function;
 *                     CT_GELU_TANH: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
 *     ct_leaky_relu   x if x > 0, else negative_slope x
 *     ct_elu          x if x > 0, else alpha (exp(x) - 1)
 *     ct_softplus     log(1 + exp(beta x)) / beta; x itself where beta x > threshold
 *
 * ct_relu's gradient at 0 is 0, as in torch.
 */
typedef enum ct_gelu_approximate {
    CT_GELU_NONE = 0,
    CT_GELU_TANH = 1,
    CT_GELU_FORCE_32BIT = 0x7fffffff
} ct_gelu_approximate;

typedef struct ct_gelu_options {
    ct_gelu_approximate approximate; /* default CT_GELU_NONE */
    uint64_t reserved[2];
} ct_gelu_options;

typedef struct ct_leaky_relu_options {
    ct_opt_f64 negative_slope; /* default 0.01 */
    uint64_t reserved[2];
} ct_leaky_relu_options;

typedef struct ct_elu_options {
    ct_opt_f64 alpha; /* default 1 */
    uint64_t reserved[2];
} ct_elu_options;

typedef struct ct_softplus_options {
    double beta;          /* 0 = 1 */
    ct_opt_f64 threshold; /* default 20 */
    uint64_t reserved[2];
} ct_softplus_options;

CT_API ct_tensor *ct_relu(ct_tensor *x);
CT_API ct_tensor *ct_sigmoid(ct_tensor *x);
CT_API ct_tensor *ct_tanh(ct_tensor *x);
CT_API ct_tensor *ct_silu(ct_tensor *x);
CT_API ct_tensor *ct_gelu(ct_tensor *x, const ct_gelu_options *options);
CT_API ct_tensor *ct_leaky_relu(ct_tensor *x, const ct_leaky_relu_options *options);
CT_API ct_tensor *ct_elu(ct_tensor *x, const ct_elu_options *options);
CT_API ct_tensor *ct_softplus(ct_tensor *x, const ct_softplus_options *options);

/* In place: x holds the result afterwards. Only floating point. An error for a leaf that requires grad, as for every in-place form. */
CT_API ct_status ct_relu_(ct_tensor *x);
CT_API ct_status ct_sigmoid_(ct_tensor *x);
CT_API ct_status ct_tanh_(ct_tensor *x);

/* ---- Softmax --------------------------------------------------------------------------------------------------- */

/*
 * Over dim, which may count from the end; the results along it are positive and sum to 1:
 *
 *     ct_softmax      exp(x) / sum(exp(x))
 *     ct_log_softmax  x - log(sum(exp(x)))     what ct_nll_loss reads; never log(softmax), which is -inf where that underflows
 *
 * The maximum is taken off first, so that large logits do not overflow. A row with +inf or NaN, or with nothing but -inf, is NaN; -inf
 * beside finite values has probability 0, which is how masks are made. A tensor of no dimensions takes dim 0 or -1.
 * Unlike torch there is no dtype argument: convert with ct_to. Errors: dim out of range, x not floating point. Since 0.1.
 */
CT_API ct_tensor *ct_softmax(ct_tensor *x, int64_t dim);
CT_API ct_tensor *ct_log_softmax(ct_tensor *x, int64_t dim);

/* ---- Dropout --------------------------------------------------------------------------------------------------- */

typedef struct ct_dropout_options {
    bool no_training;        /* the result is x: what torch calls training=False */
    ct_generator *generator; /* NULL = the default one */
    uint64_t reserved[2];
} ct_dropout_options;

/*
 * Sets each element to 0 with probability p and multiplies the others by 1 / (1 - p), so that the expected value stays. 0 <= p <= 1.
 * With p == 0 or no_training the result is a view of x, and nothing is drawn.
 *
 * Differs from torch, on purpose, in which elements go: one 64-bit draw of the generator keys a counter-based stream (Philox 4x32-10)
 * in which every element has its own place, by its index in row-major order. So the mask is the same for any number of threads and
 * any memory format, takes no memory, and backward makes it again instead of keeping it. Since 0.1.
 */
CT_API ct_tensor *ct_dropout(ct_tensor *x, double p, const ct_dropout_options *options);

#ifdef __cplusplus
}
#endif
#endif
