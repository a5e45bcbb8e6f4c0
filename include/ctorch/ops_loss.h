/*
 * ctorch/ops_loss.h: losses, with torch.nn.functional's names, options and defaults.
 *
 * A loss is one number per element or row, and by default the mean of them all: a tensor of no dimensions, ready for
 * ct_backward. All are differentiable to any order, also with respect to a floating point target, except where the block says otherwise.
 * Results are held by the innermost scope; NULL with the error pending on failure.
 */
#ifndef CTORCH_OPS_LOSS_H
#define CTORCH_OPS_LOSS_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the numbers become one. The mean of none is NaN, their sum 0. */
typedef enum ct_reduction {
    CT_REDUCTION_MEAN = 0,
    CT_REDUCTION_SUM = 1,
    CT_REDUCTION_NONE = 2, /* they stay apart */
    CT_REDUCTION_FORCE_32BIT = 0x7fffffff
} ct_reduction;

/* ---- Classes ---------------------------------------------------------------------------------------------------- */

typedef struct ct_cross_entropy_options {
    ct_tensor *weight;       /* [C], of input's dtype, or NULL: a factor for each class */
    ct_opt_i64 ignore_index; /* default -100: rows with this target count for nothing, in the mean neither */
    ct_reduction reduction;
    double label_smoothing;  /* 0 to 1: this share of the target is spread evenly over all classes */
    uint64_t reserved[2];
} ct_cross_entropy_options;

/*
 * Cross entropy between logits and targets. The target is either class indices or probabilities:
 *
 *     input [N, C], [N, C, d1, ...] or [C]      target int64 or uint8 [N], [N, d1, ...] or [], each in [0, C)
 *                                               or floating point of input's shape
 *
 *     indices:        loss[n] = -weight[t] log_softmax(input[n])[t]        mean: the sum of losses / the sum of weight[t]
 *     probabilities:  loss[n] = -sum_c weight[c] target[c] log_softmax(input[n])[c]        mean: over N d1 ...
 *
 * With indices one pass over the logits makes the loss and one their gradient; no probabilities are stored. A target out of range is an
 * error that names its value and place, before anything is computed. weight has no gradient. Since 0.1.
 */
CT_API ct_tensor *ct_cross_entropy(ct_tensor *input, ct_tensor *target, const ct_cross_entropy_options *options);

typedef struct ct_nll_loss_options {
    ct_tensor *weight;       /* as above */
    ct_opt_i64 ignore_index; /* default -100 */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_nll_loss_options;

/* The same for log-probabilities, as ct_log_softmax gives them: loss[n] = -weight[t] input[n][t]. Class indices only. Since 0.1. */
CT_API ct_tensor *ct_nll_loss(ct_tensor *input, ct_tensor *target, const ct_nll_loss_options *options);

/* ---- Distances --------------------------------------------------------------------------------------------------- */

typedef struct ct_mse_loss_options {
    ct_reduction reduction;
    ct_tensor *weight; /* of input's shape, or NULL; the mean then divides by its sum */
    uint64_t reserved[2];
} ct_mse_loss_options;

typedef struct ct_l1_loss_options {
    ct_reduction reduction;
    ct_tensor *weight; /* as in ct_mse_loss_options */
    uint64_t reserved[2];
} ct_l1_loss_options;

typedef struct ct_smooth_l1_loss_options {
    ct_reduction reduction;
    ct_opt_f64 beta;  /* default 1; 0 makes it the L1 loss */
    uint64_t reserved[2];
} ct_smooth_l1_loss_options;

typedef struct ct_huber_loss_options {
    ct_reduction reduction;
    double delta;      /* 0 = 1; must be positive */
    ct_tensor *weight; /* of input's shape, or NULL; unlike in the two above the mean divides by the number of elements, as in torch */
    uint64_t reserved[2];
} ct_huber_loss_options;

/*
 * Distances between input and target, element by element, with d = input - target:
 *
 *     ct_mse_loss         d^2
 *     ct_l1_loss          |d|                                                 gradient 0 at d = 0
 *     ct_smooth_l1_loss   |d| < beta ? d^2 / (2 beta) : |d| - beta / 2
 *     ct_huber_loss       |d| <= delta ? d^2 / 2 : delta (|d| - delta / 2)
 *
 * Shapes broadcast and dtypes promote as in ct_sub; torch warns when the shapes differ, as it is mostly a mistake ([N] against [N, 1] gives
 * N * N losses). The dtype that results must be floating point. Since 0.1.
 */
CT_API ct_tensor *ct_mse_loss(ct_tensor *input, ct_tensor *target, const ct_mse_loss_options *options);
CT_API ct_tensor *ct_l1_loss(ct_tensor *input, ct_tensor *target, const ct_l1_loss_options *options);
CT_API ct_tensor *ct_smooth_l1_loss(ct_tensor *input, ct_tensor *target, const ct_smooth_l1_loss_options *options);
CT_API ct_tensor *ct_huber_loss(ct_tensor *input, ct_tensor *target, const ct_huber_loss_options *options);

/* ---- Yes or no ---------------------------------------------------------------------------------------------------- */

typedef struct ct_binary_cross_entropy_options {
    ct_tensor *weight; /* broadcasts to input's shape; NULL = 1. A factor for each element, not in the mean's divisor */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_binary_cross_entropy_options;

typedef struct ct_binary_cross_entropy_with_logits_options {
    ct_tensor *weight;     /* as above */
    ct_tensor *pos_weight; /* broadcasts to input's shape; NULL = 1. A factor for the positive part */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_binary_cross_entropy_with_logits_options;

/*
 * Cross entropy of independent yes-or-no questions; target is floating point of input's shape and dtype, each in 0..1:
 *
 *     ct_binary_cross_entropy               -(y log(x) + (1 - y) log(1 - x)), x a probability in 0..1 (an error otherwise that names
 *                                           value and place); the logarithms stop at -100, the gradient's divisor x (1 - x) at 1e-12
 *     ct_binary_cross_entropy_with_logits   (1 - y) x + (1 + (pos_weight - 1) y) log(1 + exp(-x)), x any number; exact also where a
 *                                           sigmoid would round to 0 or 1, so the one to use
 *
 * Since 0.1.
 */
CT_API ct_tensor *ct_binary_cross_entropy(ct_tensor *input, ct_tensor *target, const ct_binary_cross_entropy_options *options);
CT_API ct_tensor *ct_binary_cross_entropy_with_logits(ct_tensor *input, ct_tensor *target,
                                                      const ct_binary_cross_entropy_with_logits_options *options);

#ifdef __cplusplus
}
#endif
#endif
