/*
 * kern_optim.h: one optimizer step over n elements, in one pass over memory. All arrays are dense and in the same order.
 */
#ifndef CT__KERN_OPTIM_H
#define CT__KERN_OPTIM_H

#include <stdbool.h>
#include <stdint.h>

/* grad' = maximize ? -grad : grad, + weight_decay * p;  momentum != 0: buf = first ? grad' : momentum buf + (1 - dampening) grad';
 * grad' = nesterov ? grad' + momentum buf : buf;  p -= lr grad'. */
typedef struct ct__sgd_args {
    double lr, momentum, dampening, weight_decay;
    bool nesterov, maximize, first;
} ct__sgd_args;

/* decoupled: p *= 1 - lr * weight_decay, else grad += weight_decay * p;  m += (1 - beta1)(grad - m);  v = beta2 v + (1 - beta2) grad^2;
 * p -= step_size * m / (sqrt(vmax or v) / bias2_sqrt + eps). */
typedef struct ct__adam_args {
    double lr, beta1, beta2, eps, weight_decay;
    double step_size, bias2_sqrt; /* lr / (1 - beta1^t), sqrt(1 - beta2^t) */
    bool decoupled, maximize;
} ct__adam_args;

/*
 * The other rules. g = maximize ? -grad : grad; unless decoupled, + weight_decay * p; decoupled: p *= 1 - lr * weight_decay first. state[k] as listed.
 */
typedef struct ct__decay_args {
    double lr, weight_decay;
    bool decoupled, maximize;
} ct__decay_args;

typedef struct ct__nadam_args { /* m, v: m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g^2;  d = sqrt(v / bias2) + eps;  p += by_grad g / d + by_avg m / d */
    ct__decay_args decay;
    double beta1, beta2, eps, bias2, by_grad, by_avg;
} ct__nadam_args;

typedef struct ct__radam_args { /* m, v as above;  p -= lr m / bias1, where rectified (rect > 0) times rect sqrt(bias2) / (sqrt(v) + eps) */
    ct__decay_args decay;
    double beta1, beta2, eps, bias1, bias2_sqrt, rect;
} ct__radam_args;

typedef struct ct__adamax_args { /* m, u: m as above;  u = max(beta2 u, |g| + eps);  p -= step_size m / u */
    ct__decay_args decay;
    double beta1, beta2, eps, step_size;
} ct__adamax_args;

typedef struct ct__adagrad_args { /* s: s += g^2;  p -= step_size g / (sqrt(s) + eps) */
    ct__decay_args decay;
    double eps, step_size;
} ct__adagrad_args;

typedef struct ct__adadelta_args { /* v, a: v = rho v + (1 - rho) g^2;  d = sqrt(a + eps) / sqrt(v + eps) g;  a = rho a + (1 - rho) d^2;  p -= lr d */
    ct__decay_args decay;
    double rho, eps;
} ct__adadelta_args;

typedef struct ct__rmsprop_args { /* v, buf or NULL, avg or NULL: v = alpha v + (1 - alpha) g^2;  avg += (1 - alpha)(g - avg);  d = sqrt(v - avg^2) + eps;
                                   * buf = momentum buf + g / d;  p -= lr buf, without momentum lr g / d */
    ct__decay_args decay;
    double alpha, eps, momentum;
} ct__rmsprop_args;

typedef struct ct__rprop_args { /* prev, size: size *= etaplus where g prev > 0, etaminus where < 0 (there g = 0), within [low, high];  p -= sign(g) size;  prev = g */
    bool maximize;
    double etaminus, etaplus, low, high;
} ct__rprop_args;

typedef struct ct__asgd_args { /* ax: p *= 1 - lambd eta;  p -= eta g;  ax += mu (p - ax), with mu = 1 ax = p */
    ct__decay_args decay;
    double lambd, eta, mu;
} ct__asgd_args;

typedef struct ct__along_args { /* p *= 1 - lr weight_decay;  p -= step_size grad */
    ct__decay_args decay;
    double step_size;
} ct__along_args;

typedef enum ct__rule {
    CT__RULE_NADAM,
    CT__RULE_RADAM,
    CT__RULE_ADAMAX,
    CT__RULE_ADAGRAD,
    CT__RULE_ADADELTA,
    CT__RULE_RMSPROP,
    CT__RULE_RPROP,
    CT__RULE_ASGD,
    CT__RULE_ALONG,
    CT__RULE_COUNT
} ct__rule;

typedef struct ct__optim_kernels {
    /* index 0: f32, 1: f64 */
    void (*sgd[2])(int64_t n, void *p, const void *grad, void *buf, const ct__sgd_args *a);               /* buf NULL without momentum */
    void (*adam[2])(int64_t n, void *p, const void *grad, void *m, void *v, void *vmax, const ct__adam_args *a); /* vmax NULL without amsgrad */
    void (*rule[CT__RULE_COUNT][2])(int64_t n, void *p, const void *grad, void *const *state, const void *args); /* args: the rule's struct */
} ct__optim_kernels;

#endif
