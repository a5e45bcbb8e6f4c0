/*
 * ctorch/ops_attention.h: scaled dot product attention.
 */
#ifndef CTORCH_OPS_ATTENTION_H
#define CTORCH_OPS_ATTENTION_H

#include <ctorch/random.h>
#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_scaled_dot_product_attention_options {
    double dropout_p;        /* of the probabilities. Applies whenever it is not 0, as in torch */
    bool is_causal;          /* row i sees columns 0 to i; not together with attn_mask */
    ct_opt_f64 scale;        /* default 1 / sqrt(E) */
    bool enable_gqa;         /* query has a multiple of key's and value's heads, dim -3, which are shared by groups of it */
    ct_generator *generator; /* of dropout; NULL = the default one */
    uint64_t reserved[4];
} ct_scaled_dot_product_attention_options;

/*
 * softmax(query key^T scale + mask) value, over the last dims:
 *
 *     query [..., H, L, E], key [..., H, S, E], value [..., H, S, Ev] -> [..., H, L, Ev]; leading dims broadcast
 *     attn_mask: NULL, or broadcasts to [..., H, L, S]: bool, true where a column is seen, or of query's dtype, added to the scores
 *
 * A row that sees nothing is 0. Without a mask that needs a gradient, with three or four dims that need no broadcasting, the scores are never stored:
 * forward works in blocks and backward makes them, and dropout's mask, again. Floating point; half types are computed in float32. Gradients of any
 * order flow to query, key, value and a floating point mask. Results are held by the innermost scope; NULL with the error pending on failure.
 * torch.nn.functional.scaled_dot_product_attention. Since 0.1.
 */
CT_API ct_tensor *ct_scaled_dot_product_attention(ct_tensor *query, ct_tensor *key, ct_tensor *value, ct_tensor *attn_mask,
                                                  const ct_scaled_dot_product_attention_options *options);

#ifdef __cplusplus
}
#endif
#endif
