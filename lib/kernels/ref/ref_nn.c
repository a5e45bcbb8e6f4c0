/*
 * ref_nn.c: activations, softmax, losses and dropout in plain C.
 *
 * Every element is computed in double with libm and rounded once, so that the fast versions have something to be measured
 * against. The loops are written per element type in ref_nn.inc.
 */
#include "base/pool.h"
#include "kernels/kern_nn.h"
#include "kernels/philox.h"

#include <math.h>

#define SQRT1_2 0.70710678118654752440     /* 1 / sqrt(2) */
#define INV_SQRT_2PI 0.39894228040143267794 /* 1 / sqrt(2 pi) */
#define GELU_BETA 0.79788456080286535588    /* sqrt(2 / pi) */
#define GELU_KAPPA 0.044715

static double sigmoid(double x) {
    if (x >= 0) return 1 / (1 + exp(-x));
    double e = exp(x);
    return e / (1 + e); /* for NaN too */
}

/* log(1 + e^x) without overflow. */
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double between(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static double act_value(ct__act kind, double x, double a, double b) {
    switch (kind) {
    case CT__ACT_RELU: return x <= 0 ? 0 : x; /* NaN stays */
    case CT__ACT_SIGMOID: return sigmoid(x);
    case CT__ACT_TANH: return tanh(x);
    case CT__ACT_GELU: return 0.5 * x * (1 + erf(x * SQRT1_2));
    case CT__ACT_GELU_TANH: return 0.5 * x * (1 + tanh(GELU_BETA * (x + GELU_KAPPA * x * x * x)));
    case CT__ACT_SILU: return x / (1 + exp(-x));
    case CT__ACT_LEAKY_RELU: return x > 0 ? x : x * a;
    case CT__ACT_ELU: return x <= 0 ? expm1(x) * a : x;
    case CT__ACT_SOFTPLUS: return x * a > b ? x : log1p(exp(x * a)) / a;
    case CT__ACT_SELU: return x <= 0 ? expm1(x) * CT__SELU_ALPHA * CT__SELU_SCALE : x * CT__SELU_SCALE;
    case CT__ACT_CELU: return x <= 0 ? expm1(x / a) * a : x;
    case CT__ACT_MISH: return x * tanh(softplus(x));
    case CT__ACT_SOFTSIGN: return x / (1 + fabs(x));
    case CT__ACT_LOGSIGMOID: return -softplus(-x);
    case CT__ACT_TANHSHRINK: return x - tanh(x);
    case CT__ACT_HARDTANH: return x < a ? a : x > b ? b : x;
    case CT__ACT_HARDSIGMOID: return between(x + 3, 0, 6) / 6;
    case CT__ACT_HARDSWISH: return x * between(x + 3, 0, 6) / 6;
    case CT__ACT_THRESHOLD: return x <= a ? b : x;
    case CT__ACT_HARDSHRINK: return x >= -a && x <= a ? 0 : x;
    case CT__ACT_SOFTSHRINK: return x > a ? x - a : x < -a ? x + a : x * 0; /* NaN stays */
    case CT__ACT_COUNT: break;
    }
    return 0;
}

/* The derivative's product with g; s is y for relu, sigmoid and tanh, x for the others. */
static double act_gradient(ct__act kind, double s, double g, double a, double b) {
    switch (kind) {
    case CT__ACT_RELU: return s <= 0 ? 0 : g;
    case CT__ACT_SIGMOID: return g * (1 - s) * s;
    case CT__ACT_TANH: return g * (1 - s * s);
    case CT__ACT_GELU: return g * (0.5 * (1 + erf(s * SQRT1_2)) + s * exp(-0.5 * s * s) * INV_SQRT_2PI);
    case CT__ACT_GELU_TANH: {
        double t = tanh(GELU_BETA * (s + GELU_KAPPA * s * s * s));
        return g * (0.5 * (1 + t) + 0.5 * s * (1 - t * t) * GELU_BETA * (1 + 3 * GELU_KAPPA * s * s));
    }
    case CT__ACT_SILU: {
        double y = sigmoid(s);
        return g * y * (1 + s * (1 - y));
    }
    case CT__ACT_LEAKY_RELU: return s > 0 ? g : g * a;
    case CT__ACT_ELU: return s <= 0 ? g * a * exp(s) : g;
    case CT__ACT_SOFTPLUS: return s * a > b ? g : g * sigmoid(s * a);
    case CT__ACT_SELU: return s <= 0 ? g * CT__SELU_ALPHA * CT__SELU_SCALE * exp(s) : g * CT__SELU_SCALE;
    case CT__ACT_CELU: return s <= 0 ? g * exp(s / a) : g;
    case CT__ACT_MISH: {
        double t = tanh(softplus(s));
        return g * (t + s * sigmoid(s) * (1 - t * t));
    }
    case CT__ACT_SOFTSIGN: return g / ((1 + fabs(s)) * (1 + fabs(s))) + s * 0; /* NaN at infinity, as y is */
    case CT__ACT_LOGSIGMOID: return g * sigmoid(-s);
    case CT__ACT_TANHSHRINK: return g * tanh(s) * tanh(s);
    case CT__ACT_HARDTANH: return s <= a || s >= b ? 0 : g;
    case CT__ACT_HARDSIGMOID: return s > -3 && s < 3 ? g / 6 : 0;
    case CT__ACT_HARDSWISH: return s <= -3 ? 0 : s < 3 ? g * (s / 3 + 0.5) : g;
    case CT__ACT_THRESHOLD: return s <= a ? 0 : g;
    case CT__ACT_HARDSHRINK:
    case CT__ACT_SOFTSHRINK: return s >= -a && s <= a ? 0 : g;
    case CT__ACT_COUNT: break;
    }
    return 0;
}

/* As fmax, but NaN stays. */
static double at_least(double x, double low) { return x < low ? low : x; }

static double pair_value(ct__pair kind, double a, double b, double p) {
    double d = a - b, z = fabs(d);
    switch (kind) {
    case CT__PAIR_MSE: return d * d;
    case CT__PAIR_L1: return z;
    case CT__PAIR_SMOOTH_L1: return z < p ? 0.5 * d * d / p : z - 0.5 * p;
    case CT__PAIR_HUBER: return z <= p ? 0.5 * d * d : p * (z - 0.5 * p);
    /* the logarithms stop at -100, so that a sure and wrong probability costs 100 and not inf */
    case CT__PAIR_BCE: return (b - 1) * at_least(log1p(-a), -100) - b * at_least(log(a), -100);
    case CT__PAIR_BCE_LOGITS: return (1 - b) * a + (a < 0 ? -a : 0) + log1p(exp(-fabs(a)));
    case CT__PAIR_COUNT: break;
    }
    return 0;
}

static double sign(double d) { return d > 0 ? 1 : d < 0 ? -1 : d; }

static double pair_gradient(ct__pair kind, double a, double b, double p, double g) {
    double d = a - b, z = fabs(d);
    switch (kind) {
    case CT__PAIR_MSE: return g * 2 * d;
    case CT__PAIR_L1: return g * sign(d);
    case CT__PAIR_SMOOTH_L1: return z < p ? g * d / p : g * sign(d);
    case CT__PAIR_HUBER: return z <= p ? g * d : g * p * sign(d);
    case CT__PAIR_BCE: return g * d / at_least(a * (1 - a), 1e-12);
    case CT__PAIR_BCE_LOGITS: return g * (sigmoid(a) - b);
    case CT__PAIR_COUNT: break;
    }
    return 0;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/ref/ref_nn.inc"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/ref/ref_nn.inc"
#undef T
#undef NAME

static void act(ct__act kind, ct_dtype dtype, int64_t n, const void *x, void *y, double a, double b) {
    if (dtype == CT_F32) act_f32(kind, n, x, y, a, b);
    else act_f64(kind, n, x, y, a, b);
}

static void act_backward(ct__act kind, ct_dtype dtype, int64_t n, const void *saved, const void *g, void *gin, double a, double b) {
    if (dtype == CT_F32) act_backward_f32(kind, n, saved, g, gin, a, b);
    else act_backward_f64(kind, n, saved, g, gin, a, b);
}

static void softmax(bool log, ct_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *x, void *y) {
    if (dtype == CT_F32) softmax_f32(log, outer, n, inner, x, y);
    else softmax_f64(log, outer, n, inner, x, y);
}

static void softmax_backward(bool log, ct_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *g, const void *y, void *gin) {
    if (dtype == CT_F32) softmax_backward_f32(log, outer, n, inner, g, y, gin);
    else softmax_backward_f64(log, outer, n, inner, g, y, gin);
}

static void cross_entropy(const ct__ce *ce, void *stats, void *loss) {
    if (ce->dtype == CT_F32) cross_entropy_f32(ce, stats, loss);
    else cross_entropy_f64(ce, stats, loss);
}

static void cross_entropy_backward(const ct__ce *ce, const void *stats, const void *g, int64_t g_step, double factor, void *gin) {
    if (ce->dtype == CT_F32) cross_entropy_backward_f32(ce, stats, g, g_step, factor, gin);
    else cross_entropy_backward_f64(ce, stats, g, g_step, factor, gin);
}

static void pair_loss(ct__pair kind, ct_dtype dtype, int64_t n, const void *a, const void *b, double p, void *out, double *partial) {
    if (dtype == CT_F32) pair_loss_f32(kind, n, a, b, p, out, partial);
    else pair_loss_f64(kind, n, a, b, p, out, partial);
}

static void pair_loss_backward(ct__pair kind, ct_dtype dtype, int64_t n, const void *a, const void *b, double p, const void *g,
                               int64_t g_step, double factor, void *ga) {
    if (dtype == CT_F32) pair_loss_backward_f32(kind, n, a, b, p, g, g_step, factor, ga);
    else pair_loss_backward_f64(kind, n, a, b, p, g, g_step, factor, ga);
}

static void dropout(ct_dtype dtype, int64_t n, uint64_t key, uint64_t threshold, double scale, const void *x, void *y) {
    if (dtype == CT_F32) dropout_f32(n, key, threshold, scale, x, y);
    else dropout_f64(n, key, threshold, scale, x, y);
}

static void gelu_dropout(int64_t n, const ct__dropout_draw *draw, float *x, float *y) {
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)x[i], m = ct__dropout_factor(draw, i);
        if (y != x) x[i] = (float)(act_gradient(CT__ACT_GELU, v, 1, 0, 0) * m);
        y[i] = (float)(act_value(CT__ACT_GELU, v, 0, 0) * m);
    }
}

static void slope_backward(int64_t m, int64_t n, const float *slope, const float *g, float *gx, float *sums) {
    for (int64_t i = 0; i < m * n; i++) gx[i] = g[i] * slope[i];
    for (int64_t row = 0; sums && row < m; row += CT__SUM_ROWS)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t i = row; i < m && i < row + CT__SUM_ROWS; i++) sum += (double)gx[i * n + j];
            sums[row / CT__SUM_ROWS * n + j] = (float)sum;
        }
}

void ct__nn_fill_ref(ct__nn_kernels *k);
void ct__nn_fill_ref(ct__nn_kernels *k) {
    *k = (ct__nn_kernels){
        .act = act,
        .act_backward = act_backward,
        .softmax = softmax,
        .softmax_backward = softmax_backward,
        .cross_entropy = cross_entropy,
        .cross_entropy_backward = cross_entropy_backward,
        .pair_loss = pair_loss,
        .pair_loss_backward = pair_loss_backward,
        .dropout = dropout,
        .gelu_dropout = gelu_dropout,
        .slope_backward = slope_backward,
    };
}
