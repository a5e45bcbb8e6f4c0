/*
 * kern_nn.h: activations, softmax, losses and dropout.
 *
 * All of them take dense memory; ops bring other layouts into one first. dtype is CT_F32 or CT_F64, and every void pointer
 * points to elements of it unless said otherwise. Outputs may be the input (same pointer) in act, act_backward and dropout,
 * nowhere else. Work is split over the pool at borders that do not depend on the number of threads wherever sums cross them,
 * so that results do not either.
 */
#ifndef CT__KERN_NN_H
#define CT__KERN_NN_H

#include <ctorch/tensor.h>

/* SELU is scale * x above 0 and scale * alpha * (e^x - 1) below: Klambauer et al., "Self-normalizing neural networks" (2017). */
#define CT__SELU_ALPHA 1.6732632423543772848170429916717
#define CT__SELU_SCALE 1.0507009873554804934193349852946

/* Activations. What backward reads: y for the first three, x for the others. */
typedef enum ct__act {
    CT__ACT_RELU,
    CT__ACT_SIGMOID,
    CT__ACT_TANH,
    CT__ACT_GELU,       /* with erf */
    CT__ACT_GELU_TANH,  /* the tanh approximation */
    CT__ACT_SILU,
    CT__ACT_LEAKY_RELU, /* a = negative slope */
    CT__ACT_ELU,        /* a = alpha */
    CT__ACT_SOFTPLUS,   /* a = beta, b = threshold */
    CT__ACT_SELU,
    CT__ACT_CELU,       /* a = alpha */
    CT__ACT_MISH,
    CT__ACT_SOFTSIGN,
    CT__ACT_LOGSIGMOID,
    CT__ACT_TANHSHRINK,
    CT__ACT_HARDTANH,   /* a = min, b = max */
    CT__ACT_HARDSIGMOID,
    CT__ACT_HARDSWISH,
    CT__ACT_THRESHOLD,  /* a = threshold, b = value */
    CT__ACT_HARDSHRINK, /* a = lambda */
    CT__ACT_SOFTSHRINK, /* a = lambda */
    CT__ACT_COUNT
} ct__act;

/* Losses between two tensors of the same shape, element by element. p: beta of SMOOTH_L1, delta of HUBER. */
typedef enum ct__pair {
    CT__PAIR_MSE,
    CT__PAIR_L1,
    CT__PAIR_SMOOTH_L1,
    CT__PAIR_HUBER,
    CT__PAIR_BCE,        /* a = probability */
    CT__PAIR_BCE_LOGITS, /* a = logit */
    CT__PAIR_COUNT
} ct__pair;

/*
 * Cross entropy against class indices. x is [outer, classes, inner], target [outer, inner], rows are numbered
 * outer * inner + position in inner. A row's loss, with lp its log-probabilities and w = 1 where weight is NULL:
 *
 *     (1 - smoothing) w[t] (-lp[t])  +  smoothing / classes * sum_c w[c] (-lp[c])        0 if t == ignore
 *
 * Targets are valid: in [0, classes) or equal to ignore.
 */
typedef struct ct__ce {
    ct_dtype dtype;
    int64_t outer, classes, inner;
    const void *x;
    const int64_t *target;
    const void *weight; /* [classes] or NULL */
    int64_t ignore;
    double smoothing;
} ct__ce;

/* Elements per partial sum of pair_loss: a border that depends on nothing else. */
enum { CT__PAIR_CHUNK = 4096 };
/* Elements that one step of the dropout generator covers; see philox.h. */
enum { CT__PHILOX_BLOCK = 64 };


/* Dropout: element i in row-major order is multiplied by word(key, i) >= threshold ? scale : 0, where word is 32 bits of Philox 4x32-10. */
typedef struct ct__dropout_draw {
    uint64_t key;
    uint64_t threshold; /* words below it drop their element; 2^32 drops all; 0 none, and scale is 1 */
    double scale;       /* of what is kept */
} ct__dropout_draw;

/* Rows of one partial sum over columns. */
enum { CT__SUM_ROWS = 64 };

typedef struct ct__nn_kernels {
    void (*act)(ct__act kind, ct_dtype dtype, int64_t n, const void *x, void *y, double a, double b);
    void (*act_backward)(ct__act kind, ct_dtype dtype, int64_t n, const void *saved, const void *g, void *gin, double a, double b);

    /* Over the middle dim of [outer, n, inner]; with log the logarithm of it. Backward reads the output y. */
    void (*softmax)(bool log, ct_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *x, void *y);
    void (*softmax_backward)(bool log, ct_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *g, const void *y,
                             void *gin);

    /* stats [rows][2]: a row's maximum m and log(sum(exp(x - m))), which backward reads; apart, as their sum has lost the
     * bits that matter when logits are large. loss [rows]. */
    void (*cross_entropy)(const ct__ce *ce, void *stats, void *loss);
    /* gin = factor * g * d loss / d x. g: one element per row, or one for all if g_step is 0. */
    void (*cross_entropy_backward)(const ct__ce *ce, const void *stats, const void *g, int64_t g_step, double factor, void *gin);

    /* p [n]: loss of each element into out, if not NULL; sums over each CT__PAIR_CHUNK elements into partial, if not NULL. */
    void (*pair_loss)(ct__pair kind, ct_dtype dtype, int64_t n, const void *a, const void *b, double p, void *out, double *partial);
    /* ga = factor * g * d loss / d a; g_step as above. */
    void (*pair_loss_backward)(ct__pair kind, ct_dtype dtype, int64_t n, const void *a, const void *b, double p, const void *g,
                               int64_t g_step, double factor, void *ga);

    /* y[i] = x[i] * (word(key, i) >= threshold ? scale : 0), where word is 32 bits of Philox 4x32-10; threshold <= 2^32. */
    void (*dropout)(ct_dtype dtype, int64_t n, uint64_t key, uint64_t threshold, double scale, const void *x, void *y);

    /* float32, m the factors of a draw: y = gelu(x) m, and x = gelu'(x) m, the slope of that, unless y is x. */
    void (*gelu_dropout)(int64_t n, const ct__dropout_draw *draw, float *x, float *y);
    /* float32 [m, n]: gx = g slope; gx may be g. sums [ceil(m / CT__SUM_ROWS), n]: gx summed over as many rows each; or NULL. */
    void (*slope_backward)(int64_t m, int64_t n, const float *slope, const float *g, float *gx, float *sums);
} ct__nn_kernels;

#endif
