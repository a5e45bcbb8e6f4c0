/*
 * transformer.h: what stands between the products of a transformer's layer, in one operation each. The results are those of the operations they are named after,
 * one by one, and p draws from the default generator as ct_dropout would; in evaluation p is 0.
 *
 * Scope-held; NULL with an error pending, or without one: not possible as one, for a dtype or a shape that has no fused form. Then nothing has been drawn.
 */
#ifndef CT__TRANSFORMER_H
#define CT__TRANSFORMER_H

#include "core/tensor_impl.h"

/* dropout(gelu(linear(x, weight, bias)), p): op_linear.c. bias may be NULL. */
ct_tensor *ct__linear_gelu_dropout(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, double p);

/* layer_norm(a + dropout(b, p), sizes [n], weight, bias): op_norm_layer.c. weight and bias may be NULL. */
ct_tensor *ct__add_dropout_layer_norm(ct_tensor *a, ct_tensor *b, double p, const int64_t *sizes, int n, ct_tensor *weight, ct_tensor *bias, double eps);

#endif
