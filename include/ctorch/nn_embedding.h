/*
 * ctorch/nn_embedding.h: tables of vectors that are looked up by number. Gradients are dense: sparse ones are an error that says so. Since 0.1.
 */
#ifndef CTORCH_NN_EMBEDDING_H
#define CTORCH_NN_EMBEDDING_H

#include <ctorch/nn.h>
#include <ctorch/ops_index.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_nn_embedding_options {
    ct_opt_i64 padding_idx;  /* this row begins at zero and gets no gradient; may count from the end. None by default */
    ct_opt_f64 max_norm;     /* rows that are read and whose norm is above are scaled down to it, in place. None by default */
    ct_opt_f64 norm_type;    /* default 2: the order of that norm */
    bool scale_grad_by_freq; /* gradients are divided by how often their index occurs in the input */
    bool sparse;             /* CT_ERR_UNSUPPORTED */
    bool no_freeze;          /* of from_pretrained only: the weights are trained; by default they are not */
    ct_dtype dtype;          /* CT_DTYPE_NONE: float32; of from_pretrained the weight's */
    uint64_t reserved[4];
} ct_nn_embedding_options;

/*
 * The rows of weight [num_embeddings, embedding_dim] at the indices: x [...], int64 or int32 -> [..., embedding_dim]. The weight is drawn from the standard
 * normal distribution. Gradient: to the weight. CT_ERR_INDEX for an index outside. torch.nn.Embedding.
 */
CT_API ct_module *ct_nn_embedding(int64_t num_embeddings, int64_t embedding_dim, const ct_nn_embedding_options *options);

/* With these weights [num_embeddings, embedding_dim], whose storage the module shares. padding_idx does not zero its row. Embedding.from_pretrained. */
CT_API ct_module *ct_nn_embedding_from_pretrained(ct_tensor *weight, const ct_nn_embedding_options *options);

typedef struct ct_nn_embedding_bag_options {
    ct_embedding_bag_mode mode; /* the mean by default */
    ct_opt_i64 padding_idx;     /* this row begins at zero, gets no gradient, and does not count in its bag */
    ct_opt_f64 max_norm;
    ct_opt_f64 norm_type; /* default 2 */
    bool scale_grad_by_freq;
    bool include_last_offset; /* offsets ends with the end of the last bag */
    bool sparse;              /* CT_ERR_UNSUPPORTED */
    bool no_freeze;           /* of from_pretrained only */
    ct_dtype dtype;
    uint64_t reserved[4];
} ct_nn_embedding_bag_options;

/*
 * Means, sums or maxima of bags of rows -> [bags, embedding_dim]. One to three inputs of ct_forward_n: x [B, N], each row a bag, or x [N] with offsets [B] as
 * the second input; and as the third factors of x's shape for sums. A NULL one is absent. See ct_embedding_bag. torch.nn.EmbeddingBag.
 */
CT_API ct_module *ct_nn_embedding_bag(int64_t num_embeddings, int64_t embedding_dim, const ct_nn_embedding_bag_options *options);
CT_API ct_module *ct_nn_embedding_bag_from_pretrained(ct_tensor *weight, const ct_nn_embedding_bag_options *options);

#ifdef __cplusplus
}
#endif
#endif
