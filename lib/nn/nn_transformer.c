/*
 * nn_transformer.c: TransformerEncoderLayer and TransformerDecoderLayer: attention, a feed-forward network, norms and dropout, as children
 * with PyTorch's names.
 *
 * A block is what is added to x. x = norm(x + dropout(block(x))), or with norm_first x = x + dropout(block(norm(x))).
 *
 * The first of these is one operation, and so are linear1, GELU and dropout of the feed-forward network, unless somebody looks between: a child with hooks, or a
 * summary (as in nn_chain.c).
 */
#include "nn/module_impl.h"
#include "nn/nn_flag.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"
#include "nn/nn_transformer_impl.h"

#include <ctorch/nn_layers.h>
#include <ctorch/nn_norm.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

/* Children in the order of PyTorch's __init__, which is also the order of draws. */
typedef enum part { SELF_ATTN, CROSS_ATTN, LINEAR1, DROPOUT, LINEAR2, NORM1, NORM2, NORM3, DROPOUT1, DROPOUT2, DROPOUT3, N_PARTS } part;
static const char *const names[N_PARTS] = {"self_attn", "multihead_attn", "linear1", "dropout", "linear2", "norm1",
                                           "norm2",     "norm3",          "dropout1", "dropout2", "dropout3"};

typedef struct layer {
    ct__transformer_layer o;
    bool decodes;
} layer;

/* The encoder has no attention to memory, and so neither the third norm nor the third dropout. */
static bool has(const layer *s, int i) { return s->decodes || (i != CROSS_ATTN && i != NORM3 && i != DROPOUT3); }
static ct_module *part_of(const ct_module *m, part wanted) {
    const layer *s = ct_module_state(m);
    int at = 0;
    for (int i = 0; i < (int)wanted; i++) at += has(s, i);
    return ct__child_at(m, at)->module;
}

/* ---- Making ---- */

static ct_module *make(const layer *s, part i) {
    const ct__transformer_layer *o = &s->o;
    const ct_nn_linear_options linear = {.no_bias = o->no_bias, .dtype = o->dtype};
    const ct_nn_layer_norm_options norm = {.eps = ct_some_f64(o->layer_norm_eps), .no_bias = o->no_bias, .dtype = o->dtype};
    switch (i) {
    case SELF_ATTN:
    case CROSS_ATTN:
        return ct_nn_multihead_attention(o->d_model, o->nhead, &(ct_nn_multihead_attention_options){.dropout = o->dropout, .no_bias = o->no_bias,
                                                                                                   .batch_first = o->batch_first, .dtype = o->dtype});
    case LINEAR1: return ct_nn_linear(o->d_model, o->dim_feedforward, &linear);
    case LINEAR2: return ct_nn_linear(o->dim_feedforward, o->d_model, &linear);
    case NORM1:
    case NORM2:
    case NORM3:
        return ct_nn_layer_norm(CT_SHAPE(o->d_model), &norm);
    default: return ct_nn_dropout(o->dropout);
    }
}

static ct_status init(ct_module *m, const void *arg) {
    layer *s = ct_module_state(m);
    *s = *(const layer *)arg;
    const ct__transformer_layer *o = &s->o;
    if (o->d_model < 1 || o->nhead < 1 || o->d_model % o->nhead || o->dim_feedforward < 1)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: d_model %lld must be divisible by nhead %lld, and dim_feedforward %lld be positive", o->function,
                        (long long)o->d_model,
                        (long long)o->nhead, (long long)o->dim_feedforward);
    if (!(o->dropout >= 0 && o->dropout <= 1))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dropout is %g but must be between 0 and 1", o->function, o->dropout);
    if (o->activation != CT_TRANSFORMER_RELU && o->activation != CT_TRANSFORMER_GELU)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown activation %d", o->function, (int)o->activation);
    for (int i = 0; i < N_PARTS; i++)
        if (has(s, i)) CT__TRY(ct_module_add_child(m, names[i], make(s, (part)i)));
    return CT_OK;
}

ct__transformer_layer ct__transformer_layer_of(const char *function, int64_t d_model, int64_t nhead, const ct_nn_transformer_layer_options *options) {
    const ct_nn_transformer_layer_options o = options ? *options : (ct_nn_transformer_layer_options){.dim_feedforward = 0};
    return (ct__transformer_layer){.function = function, .d_model = d_model, .nhead = nhead, .dim_feedforward = o.dim_feedforward ? o.dim_feedforward : 2048,
                                   .dropout = ct__opt_or(o.dropout, 0.1), .activation = o.activation, .layer_norm_eps = ct__opt_or(o.layer_norm_eps, 1e-5),
                                   .batch_first = o.batch_first, .norm_first = o.norm_first, .no_bias = o.no_bias, .dtype = o.dtype ? o.dtype : CT_F32};
}

/* ---- Running ---- */

/* A block gets x and what is in in[]; NULL with an error pending. */
typedef ct_tensor *(*block)(const ct_module *m, ct_tensor *x, ct_tensor *const *in);

static ct_tensor *attend(const ct_module *m, part i, ct_tensor *x, ct_tensor *memory, ct_tensor *padding, ct_tensor *mask, ct_tensor *causal) {
    ct_tensor *y = NULL;
    ct_forward_n(part_of(m, i), (ct_tensor *[]){x, memory, memory, padding, mask, causal}, 6, &y, 1);
    return y;
}

static ct_tensor *encoder_attention(const ct_module *m, ct_tensor *x, ct_tensor *const *in) {
    return attend(m, SELF_ATTN, x, x, in[CT__SRC_KEY_PADDING_MASK], in[CT__SRC_MASK], in[CT__SRC_IS_CAUSAL]);
}
static ct_tensor *decoder_attention(const ct_module *m, ct_tensor *x, ct_tensor *const *in) {
    return attend(m, SELF_ATTN, x, x, in[CT__TGT_KEY_PADDING_MASK], in[CT__TGT_MASK], in[CT__TGT_IS_CAUSAL]);
}
static ct_tensor *memory_attention(const ct_module *m, ct_tensor *x, ct_tensor *const *in) {
    return attend(m, CROSS_ATTN, x, in[CT__MEMORY], in[CT__MEMORY_KEY_PADDING_MASK], in[CT__MEMORY_MASK], in[CT__MEMORY_IS_CAUSAL]);
}

/* Whether first and dropout may run as one with what is around; *p is how much is dropped. */
static bool unseen(const ct_module *first, const ct_module *dropout, double *p) {
    return ct__is_dropout(dropout, p) && !ct__module_has_hooks(first) && !ct__module_has_hooks(dropout) && !ct__module_recorded();
}

static ct_tensor *feed_forward(const ct_module *m, ct_tensor *x, ct_tensor *const *in) {
    (void)in;
    const layer *s = ct_module_state(m);
    ct_module *linear = part_of(m, LINEAR1), *dropout = part_of(m, DROPOUT);
    const bool gelu = s->o.activation == CT_TRANSFORMER_GELU;
    double p;
    ct_tensor *y = NULL;
    if (unseen(linear, dropout, &p)) {
        if (gelu) y = ct__linear_gelu_dropout_forward(linear, x, p);
        else if (ct__is_linear(linear)) y = ct_forward(dropout, ct__linear_relu_forward(linear, x));
    }
    if (!y && ct__pending() == CT_OK) {
        y = ct_forward(linear, x);
        y = ct_forward(dropout, gelu ? ct_gelu(y, NULL) : ct_relu(y));
    }
    return ct_forward(part_of(m, LINEAR2), y);
}

/* x with the i-th block added. */
static ct_tensor *with(const ct_module *m, int i, block f, ct_tensor *x, ct_tensor *const *in) {
    const layer *s = ct_module_state(m);
    ct_module *norm = part_of(m, (part)(NORM1 + i)), *dropout = part_of(m, (part)(DROPOUT1 + i));
    if (s->o.norm_first) return ct_add(x, ct_forward(dropout, f(m, ct_forward(norm, x), in)));
    ct_tensor *b = f(m, x, in);
    double p;
    ct_tensor *y = b && unseen(norm, dropout, &p) ? ct__add_dropout_norm_forward(norm, x, b, p) : NULL;
    return y || ct__pending() != CT_OK ? y : ct_forward(norm, ct_add(x, ct_forward(dropout, b)));
}

static ct_status forward(ct_module *m, ct_tensor *const *given, int n_in, ct_tensor **out, int n_out) {
    (void)n_out;
    const layer *s = ct_module_state(m);
    ct_tensor *in[CT__MOST_INPUTS] = {NULL}, *x = given[0];
    CT__TRY(ct__check_inputs(m, given, n_in, s->decodes ? 2 : 1, s->decodes ? CT__DECODER_INPUTS : CT__ENCODER_INPUTS));
    for (int i = 0; i < n_in; i++) in[i] = given[i];
    x = with(m, 0, s->decodes ? decoder_attention : encoder_attention, x, in);
    if (s->decodes) x = with(m, 1, memory_attention, x, in);
    out[0] = with(m, s->decodes ? 2 : 1, feed_forward, x, in);
    return ct__pending();
}

#define LAYER_CLASS(python) {.name = python, .state_size = sizeof(layer), .n_outputs = 1, .init = init, .forward = forward}
static const ct_module_class encoder_class = LAYER_CLASS("TransformerEncoderLayer"), decoder_class = LAYER_CLASS("TransformerDecoderLayer");

ct_module *ct__transformer_layer_new(const ct__transformer_layer *o, bool decodes) {
    return ct_module_new(decodes ? &decoder_class : &encoder_class, &(layer){*o, decodes});
}

ct_module *ct_nn_transformer_encoder_layer(int64_t d_model, int64_t nhead, const ct_nn_transformer_encoder_layer_options *options) {
    static const char fn[] = "ct_nn_transformer_encoder_layer";
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    const ct__transformer_layer o = ct__transformer_layer_of(fn, d_model, nhead, options);
    return ct__transformer_layer_new(&o, false);
}

ct_module *ct_nn_transformer_decoder_layer(int64_t d_model, int64_t nhead, const ct_nn_transformer_decoder_layer_options *options) {
    static const char fn[] = "ct_nn_transformer_decoder_layer";
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    const ct__transformer_layer o = ct__transformer_layer_of(fn, d_model, nhead, options);
    return ct__transformer_layer_new(&o, true);
}

/* ---- Typed calls ---- */

ct_tensor *ct__encoder_call(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *src,
                            const ct_nn_transformer_encoder_forward_options *options) {
    const ct_nn_transformer_encoder_forward_options o = options ? *options : (ct_nn_transformer_encoder_forward_options){.mask = NULL};
    ct_tensor *y = NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    ct_scope scope = ct_scope_begin();
    ct_tensor *in[CT__ENCODER_INPUTS] = {src, o.mask, o.src_key_padding_mask, ct__flag_of(o.is_causal)};
    ct__forward_as(function, cls, m, in, CT__ENCODER_INPUTS, &y, 1);
    return ct_scope_return(scope, y);
}

ct_tensor *ct__decoder_call(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *tgt, ct_tensor *memory,
                            const ct_nn_transformer_decoder_forward_options *options) {
    const ct_nn_transformer_decoder_forward_options o = options ? *options : (ct_nn_transformer_decoder_forward_options){.tgt_mask = NULL};
    ct_tensor *y = NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    ct_scope scope = ct_scope_begin();
    ct_tensor *in[CT__DECODER_INPUTS] = {tgt, memory, o.tgt_mask, o.memory_mask, o.tgt_key_padding_mask, o.memory_key_padding_mask,
                                         ct__flag_of(o.tgt_is_causal), ct__flag_of(o.memory_is_causal)};
    ct__forward_as(function, cls, m, in, CT__DECODER_INPUTS, &y, 1);
    return ct_scope_return(scope, y);
}

ct_tensor *ct_nn_transformer_encoder_layer_forward(ct_module *m, ct_tensor *src, const ct_nn_transformer_encoder_forward_options *options) {
    return ct__encoder_call("ct_nn_transformer_encoder_layer_forward", &encoder_class, m, src, options);
}
ct_tensor *ct_nn_transformer_decoder_layer_forward(ct_module *m, ct_tensor *tgt, ct_tensor *memory, const ct_nn_transformer_decoder_forward_options *options) {
    return ct__decoder_call("ct_nn_transformer_decoder_layer_forward", &decoder_class, m, tgt, memory, options);
}
