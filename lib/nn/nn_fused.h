/*
 * nn_fused.h: what nn_chain.c asks of layers: which class a module is of (NULL is of none), and their forward with what follows taken along. No hooks are
 * called; in a scope of the caller's; NULL with an error pending on failure.
 */
#ifndef CT__NN_FUSED_H
#define CT__NN_FUSED_H

#include "nn/module_impl.h"

bool ct__is_relu(const ct_module *m);
bool ct__is_max_pool(const ct_module *m);
bool ct__is_linear(const ct_module *m);
bool ct__is_conv2d(const ct_module *m);

/* A Dropout, and *p how much it drops now: 0 in evaluation. */
bool ct__is_dropout(const ct_module *m, double *p);

ct_tensor *ct__linear_relu_forward(ct_module *m, ct_tensor *x);
ct_tensor *ct__conv2d_relu_forward(ct_module *m, ct_tensor *x);
ct_tensor *ct__batch_norm_relu_forward(ct_module *m, ct_tensor *x);

/* NULL without an error: not possible as one, since something is recorded, norm is in training or dtypes differ. */
ct_tensor *ct__conv2d_norm_forward(ct_module *conv, ct_module *norm, bool relu, ct_tensor *x);

/* dropout(gelu(m(x)), p) of a Linear, and norm(a + dropout(b, p)) of a LayerNorm. NULL without an error: not possible as one (ops/transformer.h), or of
 * another class. */
ct_tensor *ct__linear_gelu_dropout_forward(ct_module *m, ct_tensor *x, double p);
ct_tensor *ct__add_dropout_norm_forward(ct_module *norm, ct_tensor *a, ct_tensor *b, double p);

/* The parameters of an evaluating BatchNorm of dtype; false: it trains, keeps no statistics, or is of another dtype. */
typedef struct ct__norm_parameters {
    ct_tensor *mean, *var, *weight, *bias; /* borrowed; weight and bias may be NULL */
    double eps;
} ct__norm_parameters;
bool ct__batch_norm_parameters(const ct_module *m, ct_dtype dtype, int64_t features, ct__norm_parameters *out);

/* The children of m one after the other. */
ct_tensor *ct__forward_children(ct_module *m, ct_tensor *x);

#endif
