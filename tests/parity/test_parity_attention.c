/* Attention and bags of embeddings against PyTorch: see README.md. */
#include "parity/replay.h"

/* F.scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0, is_causal=False, scale=None, enable_gqa=False) */
CALL(scaled_dot_product_attention) {
    const ct_scaled_dot_product_attention_options options = {
        .dropout_p = F_OR("dropout_p", 0), .is_causal = B_OR("is_causal", false), .scale = OPT_F("scale"), .enable_gqa = B_OR("enable_gqa", false)};
    RESULT(scaled_dot_product_attention, ct_scaled_dot_product_attention(T("query"), T("key"), T("value"), OPT_T("attn_mask"), &options));
}

/* F.embedding_bag(input, weight, offsets=None, ..., scale_grad_by_freq=False, mode="mean", sparse=False, per_sample_weights=None,
 * include_last_offset=False, padding_idx=None) */
CALL(embedding_bag) {
    const ct_embedding_bag_options options = {.mode = (ct_embedding_bag_mode)CHOICE("mode", "mean", "sum", "max"),
                                              .scale_grad_by_freq = B_OR("scale_grad_by_freq", false),
                                              .include_last_offset = B_OR("include_last_offset", false),
                                              .padding_idx = OPT_I("padding_idx"),
                                              .per_sample_weights = OPT_T("per_sample_weights")};
    RESULT(embedding_bag, ct_embedding_bag(T("input"), T("weight"), OPT_T("offsets"), &options));
}

PARITY_MAIN()
