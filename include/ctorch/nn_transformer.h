/*
 * ctorch/nn_transformer.h: multi-head attention, and the encoder and decoder of "Attention Is All You Need" (Vaswani et al. 2017). What torch.nn has under
 * these names, with its parameters and initial values.
 *
 *     ct_module *layer = ct_nn_transformer_encoder_layer(64, 4, &(ct_nn_transformer_encoder_layer_options){.batch_first = true});
 *     ct_module *encoder = ct_nn_transformer_encoder(layer, 6, NULL);
 *     y = ct_nn_transformer_encoder_forward(encoder, x, &(ct_nn_transformer_encoder_forward_options){.is_causal = true}); // x and y [B, T, 64]
 *
 * Sequences are [T, B, E], with .batch_first [B, T, E], without a batch [T, E]. Masks of all calls, for queries of length L and keys of length S:
 *
 *     mask              [L, S], or [B heads, L, S]: bool, true where a key is NOT seen (as in torch; ct_scaled_dot_product_attention's is the opposite), or
 *                       floating point, added to the scores
 *     key_padding_mask  [B, S], without a batch [S]: likewise, the same for all queries: true at padding
 *     is_causal         query i sees keys 0 to i, in addition to what the masks say. (In torch it is a hint that the mask says so, and needs the mask.)
 *
 * A query that sees nothing gives attention 0 (NaN in torch when weights are asked for). Gradient: to all sequences, weights and floating point masks. Results
 * are held by the innermost scope; NULL with the error pending on failure. Since 0.1.
 */
#ifndef CTORCH_NN_TRANSFORMER_H
#define CTORCH_NN_TRANSFORMER_H

#include <ctorch/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Multi-head attention -------------------------------------------------------------------------------------- */

typedef struct ct_nn_multihead_attention_options {
    double dropout;     /* of the probabilities, in training */
    bool no_bias;       /* of the projections */
    bool add_bias_kv;   /* a learned key and value at the end of the sequence */
    bool add_zero_attn; /* a key and value of zeros at the end */
    int64_t kdim, vdim; /* features of key and value; 0 = embed_dim */
    bool batch_first;
    ct_dtype dtype;     /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[4];
} ct_nn_multihead_attention_options;

/* torch.nn.MultiheadAttention with embed_dim / num_heads features in each head. Parameters: in_proj_weight [3 E, E], of query, key and value (with another
 * kdim or vdim q_proj_weight [E, E], k_proj_weight [E, kdim], v_proj_weight [E, vdim]), in_proj_bias [3 E], bias_k and bias_v [1, 1, E],
 * out_proj.weight [E, E], out_proj.bias. */
CT_API ct_module *ct_nn_multihead_attention(int64_t embed_dim, int64_t num_heads, const ct_nn_multihead_attention_options *options);

typedef struct ct_nn_multihead_attention_forward_options {
    ct_tensor *key_padding_mask, *attn_mask;
    bool is_causal;
    bool no_average_attn_weights; /* weights of each head [B, heads, L, S] and not their mean */
    uint64_t reserved[4];
} ct_nn_multihead_attention_forward_options;

/*
 * query [L, B, E], key [S, B, kdim], value [S, B, vdim] or alike -> [L, B, E]. All three may be the same tensor: then they are projected in one product.
 * weights: unless NULL (need_weights=False), receives the probabilities, after dropout, [B, L, S] with one more S for each of .add_bias_kv and .add_zero_attn;
 * asking for them costs the fused attention.
 *
 * ct_forward is self-attention without masks. ct_forward_n's inputs: query, key, value, key_padding_mask, attn_mask, is_causal, average_attn_weights (bool
 * scalars; NULL: false and true), of which the last may be left out; outputs: the attention, the weights. Hooks see these.
 */
CT_API ct_tensor *ct_nn_multihead_attention_forward(ct_module *attention, ct_tensor *query, ct_tensor *key, ct_tensor *value,
                                                    const ct_nn_multihead_attention_forward_options *options, ct_tensor **weights);

/* ---- Layers ---------------------------------------------------------------------------------------------------- */

typedef enum ct_transformer_activation {
    CT_TRANSFORMER_RELU = 0,
    CT_TRANSFORMER_GELU = 1,
    CT_TRANSFORMER_ACTIVATION_FORCE_32BIT = 0x7fffffff
} ct_transformer_activation;

typedef struct ct_nn_transformer_layer_options {
    int64_t dim_feedforward; /* 0 = 2048 */
    ct_opt_f64 dropout;      /* 0.1 */
    ct_transformer_activation activation;
    ct_opt_f64 layer_norm_eps; /* 1e-5 */
    bool batch_first;
    bool norm_first; /* norms before each part, not after it */
    bool no_bias;
    ct_dtype dtype;
    uint64_t reserved[4];
} ct_nn_transformer_layer_options;
typedef ct_nn_transformer_layer_options ct_nn_transformer_encoder_layer_options, ct_nn_transformer_decoder_layer_options;

/*
 * torch.nn.TransformerEncoderLayer and TransformerDecoderLayer:
 *
 *     encoder   x = norm1(x + self_attn(x));  x = norm2(x + linear2(dropout(activation(linear1(x)))))
 *     decoder   x = norm1(x + self_attn(x));  x = norm2(x + multihead_attn(x, memory));  x = norm3(x + linear2(..))
 *
 * with dropout on what is added; .norm_first: x + self_attn(norm1(x)), .... These names are those of the children and of the parameters.
 */
CT_API ct_module *ct_nn_transformer_encoder_layer(int64_t d_model, int64_t nhead, const ct_nn_transformer_encoder_layer_options *options);
CT_API ct_module *ct_nn_transformer_decoder_layer(int64_t d_model, int64_t nhead, const ct_nn_transformer_decoder_layer_options *options);

typedef struct ct_nn_transformer_encoder_forward_options {
    ct_tensor *mask, *src_key_padding_mask;
    bool is_causal;
    uint64_t reserved[4];
} ct_nn_transformer_encoder_forward_options;

typedef struct ct_nn_transformer_decoder_forward_options {
    ct_tensor *tgt_mask, *memory_mask;
    ct_tensor *tgt_key_padding_mask, *memory_key_padding_mask;
    bool tgt_is_causal, memory_is_causal;
    uint64_t reserved[4];
} ct_nn_transformer_decoder_forward_options;

/* ct_forward is without masks (encoder only). ct_forward_n's inputs: src, mask, src_key_padding_mask, is_causal; tgt, memory and then as in the struct. */
CT_API ct_tensor *ct_nn_transformer_encoder_layer_forward(ct_module *layer, ct_tensor *src, const ct_nn_transformer_encoder_forward_options *options);
CT_API ct_tensor *ct_nn_transformer_decoder_layer_forward(ct_module *layer, ct_tensor *tgt, ct_tensor *memory,
                                                          const ct_nn_transformer_decoder_forward_options *options);

/* ---- Stacks ---------------------------------------------------------------------------------------------------- */

/*
 * num_layers times the layer, and a norm at the end unless it is NULL: torch.nn.TransformerEncoder and TransformerDecoder. Take over the references to both,
 * on failure too. The first of "layers" is the given one, the others are clones of it (ct_module_clone): they begin with equal weights, as in torch. A layer
 * of one's own is called with the inputs of ct_nn_transformer_encoder_layer's (decoder_layer's) ct_forward_n. In eval mode torch's fast path zeroes the
 * outputs of padded positions; here they stay.
 */
CT_API ct_module *ct_nn_transformer_encoder(ct_module *layer, int64_t num_layers, ct_module *norm);
CT_API ct_module *ct_nn_transformer_decoder(ct_module *layer, int64_t num_layers, ct_module *norm);

CT_API ct_tensor *ct_nn_transformer_encoder_forward(ct_module *encoder, ct_tensor *src, const ct_nn_transformer_encoder_forward_options *options);
CT_API ct_tensor *ct_nn_transformer_decoder_forward(ct_module *decoder, ct_tensor *tgt, ct_tensor *memory,
                                                    const ct_nn_transformer_decoder_forward_options *options);

typedef struct ct_nn_transformer_options {
    int64_t d_model, nhead;                         /* 0 = 512, 8 */
    int64_t num_encoder_layers, num_decoder_layers; /* 0 = 6, 6 */
    int64_t dim_feedforward;                        /* 0 = 2048 */
    ct_opt_f64 dropout;                             /* 0.1 */
    ct_transformer_activation activation;
    ct_module *custom_encoder, *custom_decoder; /* in place of those made here; the references are taken over, on failure too */
    ct_opt_f64 layer_norm_eps;                  /* 1e-5 */
    bool batch_first, norm_first, no_bias;
    ct_dtype dtype;
    uint64_t reserved[4];
} ct_nn_transformer_options;

/* torch.nn.Transformer: encoder and decoder, each with a norm at the end; all weights of two dims are drawn by xavier_uniform_. */
CT_API ct_module *ct_nn_transformer(const ct_nn_transformer_options *options);

typedef struct ct_nn_transformer_forward_options {
    ct_tensor *src_mask, *tgt_mask, *memory_mask;
    ct_tensor *src_key_padding_mask, *tgt_key_padding_mask, *memory_key_padding_mask;
    bool src_is_causal, tgt_is_causal, memory_is_causal;
    uint64_t reserved[4];
} ct_nn_transformer_forward_options;

/* src [S, B, E], tgt [T, B, E] or alike -> [T, B, E]. ct_forward_n's inputs are src, tgt and then as in the struct. */
CT_API ct_tensor *ct_nn_transformer_forward(ct_module *transformer, ct_tensor *src, ct_tensor *tgt, const ct_nn_transformer_forward_options *options);

/* [size, size] to be added to scores: 0 on and below the diagonal, -inf above. CT_DTYPE_NONE: float32. .is_causal is faster. */
CT_API ct_tensor *ct_nn_transformer_generate_square_subsequent_mask(int64_t size, ct_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
