/*
 * nn_transformer_impl.h: what the layers and the stacks of a transformer share: options with their defaults filled in, and the order of forward's inputs.
 */
#ifndef CT__NN_TRANSFORMER_IMPL_H
#define CT__NN_TRANSFORMER_IMPL_H

#include <ctorch/nn_transformer.h>

/* Inputs of an encoder and its layers, of a decoder and its layers, of a Transformer. */
enum { CT__SRC, CT__SRC_MASK, CT__SRC_KEY_PADDING_MASK, CT__SRC_IS_CAUSAL, CT__ENCODER_INPUTS };
enum {
    CT__TGT,
    CT__MEMORY,
    CT__TGT_MASK,
    CT__MEMORY_MASK,
    CT__TGT_KEY_PADDING_MASK,
    CT__MEMORY_KEY_PADDING_MASK,
    CT__TGT_IS_CAUSAL,
    CT__MEMORY_IS_CAUSAL,
    CT__DECODER_INPUTS,
    CT__MOST_INPUTS = CT__DECODER_INPUTS
};

typedef struct ct__transformer_layer {
    const char *function; /* that makes it */
    int64_t d_model, nhead, dim_feedforward;
    double dropout, layer_norm_eps;
    ct_transformer_activation activation;
    bool batch_first, norm_first, no_bias;
    ct_dtype dtype;
} ct__transformer_layer;

ct__transformer_layer ct__transformer_layer_of(const char *function, int64_t d_model, int64_t nhead, const ct_nn_transformer_layer_options *options);
ct_module *ct__transformer_layer_new(const ct__transformer_layer *o, bool decodes);

/* The typed calls of layers and stacks alike. */
ct_tensor *ct__encoder_call(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *src,
                            const ct_nn_transformer_encoder_forward_options *options);
ct_tensor *ct__decoder_call(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *tgt, ct_tensor *memory,
                            const ct_nn_transformer_decoder_forward_options *options);

#endif
