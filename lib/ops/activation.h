/*
 * activation.h: what the files of activations share. An activation is a class and a kind of kernel with up to two parameters.
 */
#ifndef CT__ACTIVATION_H
#define CT__ACTIVATION_H

#include "kernels/kernels.h"
#include "ops/op.h"

typedef struct ct__act_ctx {
    ct__act kind;
    double a, b; /* parameters, as in kern_nn.h */
} ct__act_ctx;

void ct__act_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin);
#define CT__ACT_CLASS(name) {.op = CT__OP_##name, .backward = ct__act_backward, .ctx_size = sizeof(ct__act_ctx), .n_saved = 1}

/* The gradient of y = relu(...) from that of y: g where y is not <= 0. Scope-held, NULL with an error pending; recorded where something records. */
ct_tensor *ct__relu_gradient(const char *function, ct_tensor *y, ct_tensor *g);
/* y = relu(y) of fresh results, float32 or float64, packed; NULL passes through. */
void ct__relu_fresh(ct_tensor *y);

/* x has been checked by ct__enter. promoting: an integer x goes through float32, as in torch. */
ct_tensor *ct__activation(const ct__node_class *cls, ct_tensor *x, ct__act_ctx c);
ct_tensor *ct__activation_promoting(const ct__node_class *cls, ct_tensor *x, ct__act_ctx c);
ct_status ct__activation_inplace(const ct__node_class *cls, ct_tensor *x, ct__act_ctx c); /* with its ct__enter_inplace */

/* The gradient in public ops, for kinds from CT__ACT_SELU on. */
ct_tensor *ct__act_composed(const ct__act_ctx *c, ct_tensor *x, ct_tensor *g);

#endif
