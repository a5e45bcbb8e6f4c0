/*
 * ctorch/ops_nn.h: activations, softmax, dropout, similarity.
 *
 * What holds for all of them: x is not changed and the result is a new tensor of x's shape, dtype (floating point; the half types are
 * computed in float32) and memory layout; gradients of any order flow; the result is held by the innermost scope; on failure they return NULL
 * with the error pending. NaN goes in and comes out. Convolution, pooling, linear layers, normalization, attention and recurrent
 * layers have headers of their own, losses are in ops_loss.h.
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

/*
 * More of them, element by element. Since 0.1.
 *
 *     ct_relu6        min(max(x, 0), 6)                         also integers, without a gradient
 *     ct_hardtanh     min(max(x, min_val), max_val)             likewise; the gradient is 0 at the limits themselves
 *     ct_hardsigmoid  relu6(x + 3) / 6
 *     ct_hardswish    x relu6(x + 3) / 6
 *     ct_threshold    x if x > threshold, else value            also integers, without a gradient
 *     ct_hardshrink   0 if |x| <= lambd, else x
 *     ct_softshrink   0 if |x| <= lambd, else x, nearer to 0 by lambd
 *     ct_selu         scale x if x > 0, else scale alpha (exp(x) - 1), with the constants of Klambauer et al. (2017)
 *     ct_celu         x if x > 0, else alpha (exp(x / alpha) - 1)
 *     ct_mish         x tanh(log(1 + exp(x)))
 *     ct_softsign     x / (1 + |x|)                             integers and bool give float32
 *     ct_logsigmoid   -log(1 + exp(-x))
 *     ct_tanhshrink   x - tanh(x)                               integers and bool give float32
 *     ct_prelu        x if x > 0, else weight x; weight has one number, or one for each channel (dim 1)
 *     ct_rrelu        x if x > 0, else slope x: in training the slope is drawn for each element from [lower, upper), in torch's
 *                     stream; otherwise it is their mean
 *     ct_glu          a sigmoid(b), a and b the two halves of x along dim
 */
typedef struct ct_hardtanh_options {
    ct_opt_f64 min_val; /* default -1 */
    ct_opt_f64 max_val; /* default 1 */
    uint64_t reserved[2];
} ct_hardtanh_options;

typedef struct ct_hardshrink_options {
    ct_opt_f64 lambd; /* default 0.5 */
    uint64_t reserved[2];
} ct_hardshrink_options;

typedef struct ct_softshrink_options {
    ct_opt_f64 lambd; /* default 0.5; not negative */
    uint64_t reserved[2];
} ct_softshrink_options;

typedef struct ct_celu_options {
    ct_opt_f64 alpha; /* default 1; not 0 */
    uint64_t reserved[2];
} ct_celu_options;

typedef struct ct_rrelu_options {
    ct_opt_f64 lower;        /* default 1 / 8 */
    ct_opt_f64 upper;        /* default 1 / 3 */
    bool training;           /* torch's default is False here too */
    ct_generator *generator; /* NULL = the default one */
    uint64_t reserved[2];
} ct_rrelu_options;

CT_API ct_tensor *ct_relu6(ct_tensor *x);
CT_API ct_tensor *ct_hardtanh(ct_tensor *x, const ct_hardtanh_options *options);
CT_API ct_tensor *ct_hardsigmoid(ct_tensor *x);
CT_API ct_tensor *ct_hardswish(ct_tensor *x);
CT_API ct_tensor *ct_threshold(ct_tensor *x, double threshold, double value);
CT_API ct_tensor *ct_hardshrink(ct_tensor *x, const ct_hardshrink_options *options);
CT_API ct_tensor *ct_softshrink(ct_tensor *x, const ct_softshrink_options *options);
CT_API ct_tensor *ct_selu(ct_tensor *x);
CT_API ct_tensor *ct_celu(ct_tensor *x, const ct_celu_options *options);
CT_API ct_tensor *ct_mish(ct_tensor *x);
CT_API ct_tensor *ct_softsign(ct_tensor *x);
CT_API ct_tensor *ct_logsigmoid(ct_tensor *x);
CT_API ct_tensor *ct_tanhshrink(ct_tensor *x);
CT_API ct_tensor *ct_prelu(ct_tensor *x, ct_tensor *weight);
CT_API ct_tensor *ct_rrelu(ct_tensor *x, const ct_rrelu_options *options);
CT_API ct_tensor *ct_glu(ct_tensor *x, int64_t dim); /* torch's default dim is -1 */

/* In place: x holds the result afterwards. Floating point, and integers where the form above takes them. An error for a leaf that requires
 * grad, as for every in-place form. Those whose gradient reads x keep a copy of it while something records. */
CT_API ct_status ct_relu_(ct_tensor *x);
CT_API ct_status ct_sigmoid_(ct_tensor *x);
CT_API ct_status ct_tanh_(ct_tensor *x);
CT_API ct_status ct_relu6_(ct_tensor *x);
CT_API ct_status ct_elu_(ct_tensor *x, const ct_elu_options *options);
CT_API ct_status ct_selu_(ct_tensor *x);
CT_API ct_status ct_celu_(ct_tensor *x, const ct_celu_options *options);
CT_API ct_status ct_silu_(ct_tensor *x);
CT_API ct_status ct_mish_(ct_tensor *x);
CT_API ct_status ct_hardtanh_(ct_tensor *x, const ct_hardtanh_options *options);
CT_API ct_status ct_hardsigmoid_(ct_tensor *x);
CT_API ct_status ct_hardswish_(ct_tensor *x);
CT_API ct_status ct_leaky_relu_(ct_tensor *x, const ct_leaky_relu_options *options);
CT_API ct_status ct_threshold_(ct_tensor *x, double threshold, double value);
CT_API ct_status ct_rrelu_(ct_tensor *x, const ct_rrelu_options *options);

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
CT_API ct_tensor *ct_softmin(ct_tensor *x, int64_t dim); /* softmax of -x. Since 0.1 */

typedef struct ct_gumbel_softmax_options {
    double tau;              /* the temperature: 0 = 1; must be positive */
    bool hard;               /* 1 at the largest and 0 elsewhere, with the gradient of what is not rounded */
    ct_generator *generator; /* NULL = the default one */
    uint64_t reserved[2];
} ct_gumbel_softmax_options;

/* A sample of one category per row: softmax((x + noise) / tau), the noise drawn from the Gumbel distribution. Torch's default dim is -1. The
 * distribution is torch's, the stream is not: the numbers are drawn in double precision in row-major order. Since 0.1. */
CT_API ct_tensor *ct_gumbel_softmax(ct_tensor *x, int64_t dim, const ct_gumbel_softmax_options *options);

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

/*
 * Whole channels at once: all elements of a channel go together or stay. x is [N, C, ...] with the batch dim first; dropout1d also takes [C, L],
 * dropout3d also [C, D, H, W]. (torch's dropout2d warns about three dims and takes the first for the batch: so it is here.)
 *
 * alpha_dropout sets elements to the value that a SELU has far below 0 instead, and scales and shifts all so that mean and variance stay;
 * feature_alpha_dropout does so with channels. Masks come from ct_dropout, so what it says of them holds. Since 0.1.
 */
CT_API ct_tensor *ct_dropout1d(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_tensor *ct_dropout2d(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_tensor *ct_dropout3d(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_tensor *ct_alpha_dropout(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_tensor *ct_feature_alpha_dropout(ct_tensor *x, double p, const ct_dropout_options *options);

/* In place. */
CT_API ct_status ct_dropout_(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_status ct_dropout1d_(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_status ct_dropout2d_(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_status ct_dropout3d_(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_status ct_alpha_dropout_(ct_tensor *x, double p, const ct_dropout_options *options);
CT_API ct_status ct_feature_alpha_dropout_(ct_tensor *x, double p, const ct_dropout_options *options);

/* ---- Similarity, distance, forms --------------------------------------------------------------------------------- */

typedef struct ct_pairwise_distance_options {
    ct_opt_f64 p;   /* the order of the norm; default 2 */
    ct_opt_f64 eps; /* added to each difference; default 1e-6 */
    bool keepdim;
    uint64_t reserved[2];
} ct_pairwise_distance_options;

typedef struct ct_cosine_similarity_options {
    ct_opt_f64 eps; /* lengths are at least this; default 1e-8 */
    uint64_t reserved[2];
} ct_cosine_similarity_options;

/*
 * Between vectors; the shapes of x1 and x2 broadcast. Composed of other ops. Since 0.1.
 *
 *     ct_pairwise_distance   norm of (x1 - x2 + eps) over the last dim
 *     ct_cosine_similarity   x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) over dim (torch's default: 1)
 *     ct_bilinear            y[.., o] = sum over i, j of x1[.., i] weight[o, i, j] x2[.., j] + bias[o]
 *                            x1 [..., in1], x2 [..., in2], weight [out, in1, in2], bias [out] or NULL -> [..., out]
 */
CT_API ct_tensor *ct_pairwise_distance(ct_tensor *x1, ct_tensor *x2, const ct_pairwise_distance_options *options);
CT_API ct_tensor *ct_cosine_similarity(ct_tensor *x1, ct_tensor *x2, int64_t dim, const ct_cosine_similarity_options *options);
CT_API ct_tensor *ct_bilinear(ct_tensor *x1, ct_tensor *x2, ct_tensor *weight, ct_tensor *bias);

#ifdef __cplusplus
}
#endif
#endif
