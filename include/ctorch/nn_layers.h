/*
 * ctorch/nn_layers.h: the layers. Each function returns a module (a reference of the caller's), NULL on an error. Parameter names, shapes, defaults
 * and initial values are PyTorch's: with the same seed the weights are the same bits. Weights are drawn from the default generator when
 * the layer is made. Containers, Linear and Flatten are here; the rest is in
 *
 *     nn_conv.h         convolutions, transposed ones      nn_pool.h   pooling
 *     nn_activation.h   activations, dropout               nn_norm.h   batch, instance, group, layer, RMS norm
 */
#ifndef CTORCH_NN_LAYERS_H
#define CTORCH_NN_LAYERS_H

#include <ctorch/nn.h>
#include <ctorch/nn_activation.h>
#include <ctorch/nn_conv.h>
#include <ctorch/nn_norm.h>
#include <ctorch/nn_pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Containers ------------------------------------------------------------------------------------------------ */

/* Runs the children one after the other; they are named "0", "1", ... Takes over the references to the children, on failure too: a NULL
 * child (one that could not be made) makes the whole call fail, with the child's error. */
CT_API ct_module *ct_nn_sequential_n(ct_module *const *children, int n);

/* ct_nn_sequential(a, b, c): sugar over ct_nn_sequential_n. The children are made from left to right. */
#ifdef __cplusplus
}
namespace ctorch_detail {
inline ct_module *sequential(std::initializer_list<ct_module *> l) { return ct_nn_sequential_n(l.begin(), (int)l.size()); }
}
#define ct_nn_sequential(...) ctorch_detail::sequential({__VA_ARGS__})
extern "C" {
#else
#define ct_nn_sequential(...) \
    ct_nn_sequential_n((ct_module *[]){__VA_ARGS__}, (int)(sizeof((ct_module *[]){__VA_ARGS__}) / sizeof(ct_module *)))
#endif

/* ---- Linear --------------------------------------------------------------------------------------------------- */

typedef struct ct_nn_linear_options {
    bool no_bias;
    ct_dtype dtype; /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[2];
} ct_nn_linear_options;

/* y = x W^T + b. x [..., in_features] -> [..., out_features]; weight [out_features, in_features], bias [out_features]. torch.nn.Linear. */
CT_API ct_module *ct_nn_linear(int64_t in_features, int64_t out_features, const ct_nn_linear_options *options);

/* ---- Shape ------------------------------------------------------------------------------------------------------ */

typedef struct ct_nn_flatten_options {
    ct_opt_i64 start_dim, end_dim; /* 1, -1 */
    uint64_t reserved[2];
} ct_nn_flatten_options;
CT_API ct_module *ct_nn_flatten(const ct_nn_flatten_options *options);
CT_API ct_module *ct_nn_identity(void);

#ifdef __cplusplus
}
#endif
#endif
