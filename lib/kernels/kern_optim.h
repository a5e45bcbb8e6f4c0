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

typedef struct ct__optim_kernels {
    /* index 0: f32, 1: f64 */
    void (*sgd[2])(int64_t n, void *p, const void *grad, void *buf, const ct__sgd_args *a);               /* buf NULL without momentum */
    void (*adam[2])(int64_t n, void *p, const void *grad, void *m, void *v, void *vmax, const ct__adam_args *a); /* vmax NULL without amsgrad */
} ct__optim_kernels;

#endif
