/* Attention and transformers against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

/* torch.nn.MultiheadAttention(embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False) */
MODULE(MultiheadAttention) {
    const ct_nn_multihead_attention_options o = {.dropout = F_OR("dropout", 0), .no_bias = !B_OR("bias", true), .add_bias_kv = B_OR("add_bias_kv", false),
                                                 .add_zero_attn = B_OR("add_zero_attn", false), .kdim = I_OR("kdim", 0), .vdim = I_OR("vdim", 0),
                                                 .batch_first = B_OR("batch_first", false), .dtype = CASE_DTYPE};
    return ct_nn_multihead_attention(I("embed_dim"), I("num_heads"), &o);
}
/* forward(query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False) */
FORWARD(MultiheadAttention) {
    const ct_nn_multihead_attention_forward_options o = {.key_padding_mask = OPT_T("key_padding_mask"), .attn_mask = OPT_T("attn_mask"),
                                                         .is_causal = B_OR("is_causal", false), .no_average_attn_weights = !B_OR("average_attn_weights", true)};
    *OUT(0) = ct_nn_multihead_attention_forward(module, T("query"), T("key"), T("value"), &o, B_OR("need_weights", true) ? OUT(1) : NULL);
}

#define ACTIVATION(name) (CHOICE(name, "relu", "gelu") ? CT_TRANSFORMER_GELU : CT_TRANSFORMER_RELU)
/* (d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=relu, layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True); at: what stands
 * before the names */
#define LAYER_OPTIONS(at)                                                                                                                        \
    {.dim_feedforward = I_OR(at "dim_feedforward", 0), .dropout = OPT_F(at "dropout"), .activation = ACTIVATION(at "activation"),              \
     .layer_norm_eps = OPT_F(at "layer_norm_eps"), .batch_first = B_OR(at "batch_first", false), .norm_first = B_OR(at "norm_first", false), \
     .no_bias = !B_OR(at "bias", true), .dtype = CASE_DTYPE}
#define ENCODER_LAYER(at) ct_nn_transformer_encoder_layer(I(at "d_model"), I(at "nhead"), &(ct_nn_transformer_encoder_layer_options)LAYER_OPTIONS(at))
#define DECODER_LAYER(at) ct_nn_transformer_decoder_layer(I(at "d_model"), I(at "nhead"), &(ct_nn_transformer_decoder_layer_options)LAYER_OPTIONS(at))
#define NORM (HAS("norm.normalized_shape") ? ct_nn_layer_norm(INTS("norm.normalized_shape"), &(ct_nn_layer_norm_options){.dtype = CASE_DTYPE}) : NULL)

MODULE(TransformerEncoderLayer) { return ENCODER_LAYER(""); }
MODULE(TransformerDecoderLayer) { return DECODER_LAYER(""); }
MODULE(TransformerEncoder) { return ct_nn_transformer_encoder(ENCODER_LAYER("encoder_layer."), I("num_layers"), NORM); }
MODULE(TransformerDecoder) { return ct_nn_transformer_decoder(DECODER_LAYER("decoder_layer."), I("num_layers"), NORM); }

/* forward(src, mask, src_key_padding_mask=None, is_causal=False); of a layer the mask is called src_mask */
static ct_nn_transformer_encoder_forward_options encoder_masks(replay *c) {
    ct_tensor *mask = OPT_T(HAS("src_mask") ? "src_mask" : "mask");
    return (ct_nn_transformer_encoder_forward_options){.mask = mask, .src_key_padding_mask = OPT_T("src_key_padding_mask"),
                                                       .is_causal = B_OR("is_causal", false)};
}
FORWARD(TransformerEncoderLayer) {
    const ct_nn_transformer_encoder_forward_options o = encoder_masks(c);
    *OUT(0) = ct_nn_transformer_encoder_layer_forward(module, T("src"), &o);
}
FORWARD(TransformerEncoder) {
    const ct_nn_transformer_encoder_forward_options o = encoder_masks(c);
    *OUT(0) = ct_nn_transformer_encoder_forward(module, T("src"), &o);
}

/* forward(tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False)
 * */
static ct_nn_transformer_decoder_forward_options decoder_masks(replay *c) {
    return (ct_nn_transformer_decoder_forward_options){
        .tgt_mask = OPT_T("tgt_mask"), .memory_mask = OPT_T("memory_mask"), .tgt_key_padding_mask = OPT_T("tgt_key_padding_mask"),
        .memory_key_padding_mask = OPT_T("memory_key_padding_mask"), .tgt_is_causal = B_OR("tgt_is_causal", false), .memory_is_causal = B_OR("memory_is_causal",
                                                                                                                                             false)};
}
FORWARD(TransformerDecoderLayer) {
    const ct_nn_transformer_decoder_forward_options o = decoder_masks(c);
    *OUT(0) = ct_nn_transformer_decoder_layer_forward(module, T("tgt"), T("memory"), &o);
}
FORWARD(TransformerDecoder) {
    const ct_nn_transformer_decoder_forward_options o = decoder_masks(c);
    *OUT(0) = ct_nn_transformer_decoder_forward(module, T("tgt"), T("memory"), &o);
}

/* torch.nn.Transformer(d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, ...) */
MODULE(Transformer) {
    const ct_nn_transformer_options o = {.d_model = I_OR("d_model", 0), .nhead = I_OR("nhead", 0), .num_encoder_layers = I_OR("num_encoder_layers", 0),
                                         .num_decoder_layers = I_OR("num_decoder_layers", 0), .dim_feedforward = I_OR("dim_feedforward", 0),
                                         .dropout = OPT_F("dropout"), .activation = ACTIVATION("activation"), .layer_norm_eps = OPT_F("layer_norm_eps"),
                                         .batch_first = B_OR("batch_first", false), .norm_first = B_OR("norm_first", false), .no_bias = !B_OR("bias", true),
                                         .dtype = CASE_DTYPE};
    return ct_nn_transformer(&o);
}
FORWARD(Transformer) {
    const ct_nn_transformer_forward_options o = {
        .src_mask = OPT_T("src_mask"), .tgt_mask = OPT_T("tgt_mask"), .memory_mask = OPT_T("memory_mask"),
        .src_key_padding_mask = OPT_T("src_key_padding_mask"),
        .tgt_key_padding_mask = OPT_T("tgt_key_padding_mask"), .memory_key_padding_mask = OPT_T("memory_key_padding_mask"),
        .src_is_causal = B_OR("src_is_causal", false), .tgt_is_causal = B_OR("tgt_is_causal", false), .memory_is_causal = B_OR("memory_is_causal", false)};
    *OUT(0) = ct_nn_transformer_forward(module, T("src"), T("tgt"), &o);
}

MODULES_MAIN()
