/*
 * ctorch/nn_layers.h: the layers. Each function returns a module (a reference of the caller's), NULL on an error. Parameter names, shapes, defaults
 * and initial values are PyTorch's: with the same seed the weights are the same bits. Weights are drawn from the default generator when
 * the layer is made. What multiplies by a matrix and what compares is here; the rest, which this header includes, is in
 *
 *     nn_containers.h   Sequential, ModuleList, ModuleDict   nn_embedding.h   Embedding, EmbeddingBag
 *     nn_activation.h   activations, dropout                 nn_shape.h       Flatten, padding, Upsample, PixelShuffle
 *     nn_conv.h         convolutions, transposed ones        nn_pool.h        pooling
 *     nn_norm.h         batch, instance, group, layer, RMS norm
 */
#ifndef CTORCH_NN_LAYERS_H
#define CTORCH_NN_LAYERS_H

#include <ctorch/nn.h>
#include <ctorch/nn_activation.h>
#include <ctorch/nn_containers.h>
#include <ctorch/nn_conv.h>
#include <ctorch/nn_embedding.h>
#include <ctorch/nn_norm.h>
#include <ctorch/nn_pool.h>
#include <ctorch/nn_shape.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Linear --------------------------------------------------------------------------------------------------- */

typedef struct ct_nn_linear_options {
    bool no_bias;
    ct_dtype dtype; /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[2];
} ct_nn_linear_options;

/* y = x W^T + b. x [..., in_features] -> [..., out_features]; weight [out_features, in_features], bias [out_features]. torch.nn.Linear. */
CT_API ct_module *ct_nn_linear(int64_t in_features, int64_t out_features, const ct_nn_linear_options *options);

typedef ct_nn_linear_options ct_nn_bilinear_options;

/* y[o] = sum over i, j of x1[i] weight[o, i, j] x2[j] + bias[o]: two inputs, x1 [..., in1_features] and x2 [..., in2_features] -> [..., out_features];
 * weight [out_features, in1_features, in2_features], bias [out_features]. torch.nn.Bilinear. Since 0.1. */
CT_API ct_module *ct_nn_bilinear(int64_t in1_features, int64_t in2_features, int64_t out_features, const ct_nn_bilinear_options *options);

/* ---- Similarity, distance ----------------------------------------------------------------------------------------- */

/* Of two inputs: ct_cosine_similarity over dim (torch's default: 1), ct_pairwise_distance over the last. torch.nn.CosineSimilarity, PairwiseDistance. Since
 * 0.1. */
CT_API ct_module *ct_nn_cosine_similarity(int64_t dim, const ct_cosine_similarity_options *options);
CT_API ct_module *ct_nn_pairwise_distance(const ct_pairwise_distance_options *options);

#ifdef __cplusplus
}
#endif
#endif
