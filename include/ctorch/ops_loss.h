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
    CT_REDUCTION_NONE = 2,      /* they stay apart */
    CT_REDUCTION_BATCHMEAN = 3, /* the sum divided by input's first size; ct_kl_div only */
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

/* ---- Distributions --------------------------------------------------------------------------------------------- */

typedef struct ct_kl_div_options {
    ct_reduction reduction; /* CT_REDUCTION_BATCHMEAN is what mathematics calls the divergence; the mean divides by the number of classes too */
    bool log_target;        /* target holds log-probabilities */
    uint64_t reserved[2];
} ct_kl_div_options;

typedef struct ct_poisson_nll_loss_options {
    bool no_log_input; /* input is the rate itself */
    bool full;         /* adds Stirling's approximation of log(target!), for targets above 1 */
    ct_opt_f64 eps;    /* default 1e-8, inside of the logarithm */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_poisson_nll_loss_options;

typedef struct ct_gaussian_nll_loss_options {
    bool full;      /* adds log(2 pi) / 2 */
    ct_opt_f64 eps; /* default 1e-6: var counts as at least this much; its gradient flows as if it did not */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_gaussian_nll_loss_options;

/*
 * Element by element; shapes broadcast and dtypes promote:
 *
 *     ct_kl_div             t log(t) - t x, 0 where t is 0; with .log_target exp(t) (t - x).      x: log-probabilities
 *     ct_poisson_nll_loss   exp(x) - t x; with .no_log_input x - t log(x + eps)                   t: counts
 *                           .full: + t log(t) - t + log(2 pi t) / 2 where t > 1
 *     ct_gaussian_nll_loss  (log(v) + (x - t)^2 / v) / 2, v = max(var, eps)                       x: means
 *
 * var is not negative (an error names value and position), and of input's shape, of input's shape without its last dim, or of input's shape with 1 in
 * one dim. Since 0.1.
 */
CT_API ct_tensor *ct_kl_div(ct_tensor *input, ct_tensor *target, const ct_kl_div_options *options);
CT_API ct_tensor *ct_poisson_nll_loss(ct_tensor *input, ct_tensor *target, const ct_poisson_nll_loss_options *options);
CT_API ct_tensor *ct_gaussian_nll_loss(ct_tensor *input, ct_tensor *target, ct_tensor *var, const ct_gaussian_nll_loss_options *options);

/* ---- Margins: embeddings and rankings ----------------------------------------------------------------------------- */

typedef struct ct_hinge_embedding_loss_options {
    ct_opt_f64 margin; /* default 1 */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_hinge_embedding_loss_options;

typedef struct ct_margin_ranking_loss_options {
    double margin; /* default 0 */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_margin_ranking_loss_options;

typedef struct ct_cosine_embedding_loss_options {
    double margin; /* default 0; useful are -1 to 1 */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_cosine_embedding_loss_options;

typedef struct ct_soft_margin_loss_options {
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_soft_margin_loss_options;

/*
 * The target t is 1 or -1:
 *
 *     ct_hinge_embedding_loss   t = 1: x         t = -1: max(0, margin - x)      x: a distance. Another t: the sum of both
 *     ct_margin_ranking_loss    max(0, margin - t (x1 - x2))                     t = 1: x1 shall be the larger. All three have as many dims
 *     ct_cosine_embedding_loss  t = 1: 1 - cos   t = -1: max(0, cos - margin)    another t: 0. x1, x2 [N, D], t [N]; or [D], [D], []
 *     ct_soft_margin_loss       log(1 + exp(-t x))                               finite for all x; torch's overflows
 *
 * Shapes broadcast and dtypes promote; the dtype that results must be floating point unless CT_REDUCTION_NONE. Since 0.1.
 */
CT_API ct_tensor *ct_hinge_embedding_loss(ct_tensor *input, ct_tensor *target, const ct_hinge_embedding_loss_options *options);
CT_API ct_tensor *ct_margin_ranking_loss(ct_tensor *input1, ct_tensor *input2, ct_tensor *target, const ct_margin_ranking_loss_options *options);
CT_API ct_tensor *ct_cosine_embedding_loss(ct_tensor *input1, ct_tensor *input2, ct_tensor *target, const ct_cosine_embedding_loss_options *options);
CT_API ct_tensor *ct_soft_margin_loss(ct_tensor *input, ct_tensor *target, const ct_soft_margin_loss_options *options);

typedef struct ct_triplet_margin_loss_options {
    double margin;  /* 0 = 1; must be positive */
    ct_opt_f64 p;   /* default 2: the norm */
    ct_opt_f64 eps; /* default 1e-6, added to each difference */
    bool swap;      /* the negative's distance is from anchor or positive, whichever is nearer: Balntas et al. 2016 */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_triplet_margin_loss_options;

/* The distance of two batches, one number per sample, from public operations; NULL with an error pending. */
typedef ct_tensor *(*ct_distance_fn)(ct_tensor *a, ct_tensor *b, void *user);

typedef struct ct_triplet_margin_with_distance_loss_options {
    ct_distance_fn distance_function; /* NULL = ct_pairwise_distance */
    void *user;                       /* handed to it */
    double margin;                    /* 0 = 1; must be positive */
    bool swap;
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_triplet_margin_with_distance_loss_options;

/*
 * max(0, margin + d(anchor, positive) - d(anchor, negative)): Schroff et al. 2015. anchor, positive, negative [N, D] or [D] (as many dims, sizes
 * broadcast) -> [N] or []; d is ct_pairwise_distance, or the program's. Since 0.1.
 */
CT_API ct_tensor *ct_triplet_margin_loss(ct_tensor *anchor, ct_tensor *positive, ct_tensor *negative, const ct_triplet_margin_loss_options *options);
CT_API ct_tensor *ct_triplet_margin_with_distance_loss(ct_tensor *anchor, ct_tensor *positive, ct_tensor *negative,
                                                       const ct_triplet_margin_with_distance_loss_options *options);

/* ---- Margins: classes --------------------------------------------------------------------------------------------- */

typedef struct ct_multi_margin_loss_options {
    int32_t p;         /* 0 = 1; 1 or 2 */
    ct_opt_f64 margin; /* default 1 */
    ct_tensor *weight; /* [C], of input's dtype, or NULL */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_multi_margin_loss_options;

typedef struct ct_multilabel_margin_loss_options {
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_multilabel_margin_loss_options;

typedef struct ct_multilabel_soft_margin_loss_options {
    ct_tensor *weight; /* broadcasts against input; NULL = 1 */
    ct_reduction reduction;
    uint64_t reserved[2];
} ct_multilabel_soft_margin_loss_options;

/*
 * Input [N, C] or [C], scores; a loss per row:
 *
 *     ct_multi_margin_loss            sum over i != t of weight[t] max(0, margin - x[t] + x[i])^p / C           target int64 or uint8 [N] or []
 *     ct_multilabel_margin_loss       sum over labels t, others i of max(0, 1 - (x[t] - x[i])) / C              target int64 or uint8 of input's shape:
 *                                     a row's labels stand at its front, -1 ends them
 *     ct_multilabel_soft_margin_loss  mean over C of -weight (t log(sigmoid(x)) + (1 - t) log(sigmoid(-x)))     target 0 or 1, of input's shape
 *
 * A label out of range is an error that names value and position. The last one takes input of any shape with classes last. Since 0.1.
 */
CT_API ct_tensor *ct_multi_margin_loss(ct_tensor *input, ct_tensor *target, const ct_multi_margin_loss_options *options);
CT_API ct_tensor *ct_multilabel_margin_loss(ct_tensor *input, ct_tensor *target, const ct_multilabel_margin_loss_options *options);
CT_API ct_tensor *ct_multilabel_soft_margin_loss(ct_tensor *input, ct_tensor *target, const ct_multilabel_soft_margin_loss_options *options);

/* ---- Sequences -------------------------------------------------------------------------------------------------------- */

typedef struct ct_ctc_loss_options {
    int64_t blank;          /* the class that stands for no label */
    ct_reduction reduction; /* the mean divides each loss by its target's length first */
    bool zero_infinity;     /* a target that does not fit its input costs 0, without gradient, and not inf */
    uint64_t reserved[2];
} ct_ctc_loss_options;

/*
 * Connectionist temporal classification: Graves et al. 2006. -log of the probability of all ways to spell the target over the input's steps, with blanks
 * between and labels repeated.
 *
 *     log_probs       [T, N, C] or [T, C], as ct_log_softmax over C gives them
 *     targets         labels in [0, C) but blank; int64 or int32: [N, S], padded with anything; or all of them in one row [sum of lengths]
 *     input_lengths   int64 or int32 [N], each 0 to T; or [] without batch
 *     target_lengths  int64 or int32 [N], each 0 to S; or []
 *
 * The gradient is torch's: of the logits below an assumed log-softmax, exp(log_probs) - p with p the share of the paths that go through a class at a
 * step. Behind ct_log_softmax it is the exact one. It can be taken once. Since 0.1.
 */
CT_API ct_tensor *ct_ctc_loss(ct_tensor *log_probs, ct_tensor *targets, ct_tensor *input_lengths, ct_tensor *target_lengths,
                              const ct_ctc_loss_options *options);

#ifdef __cplusplus
}
#endif
#endif
