/*
 * nn_transformer_stack.c: TransformerEncoder and TransformerDecoder ("layers", a list of equal layers, and "norm"), and Transformer ("encoder", "decoder").
 */
#include "nn/module_impl.h"
#include "nn/nn_flag.h"
#include "nn/nn_text.h"
#include "nn/nn_transformer_impl.h"

#include <ctorch/nn_containers.h>
#include <ctorch/nn_init.h>
#include <ctorch/nn_norm.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

#include <limits.h>
#include <math.h>

/* ---- Encoder and decoder ---- */

enum { LAYERS, NORM };

/* Each intermediate goes once the next layer has returned. */
static ct_status stack_forward(ct_module *m, ct_tensor *const *given, int n_in, ct_tensor **out, int least, int most) {
    ct_tensor *in[CT__MOST_INPUTS] = {NULL};
    CT__TRY(ct__check_inputs(m, given, n_in, least, most));
    for (int i = 0; i < n_in; i++) in[i] = given[i];
    const ct_module *layers = ct__child_at(m, LAYERS)->module;
    for (int64_t i = 0; i < layers->children.size; i++) {
        ct_tensor *y = NULL;
        CT__TRY(ct_forward_n(ct__child_at(layers, i)->module, in, most, &y, 1));
        if (i > 0) ct_scope_drop(in[0]);
        in[0] = y;
    }
    out[0] = m->children.size > NORM ? ct_forward(ct__child_at(m, NORM)->module, in[0]) : in[0];
    return ct__pending();
}

static ct_status encoder_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_out;
    return stack_forward(m, in, n_in, out, 1, CT__ENCODER_INPUTS);
}
static ct_status decoder_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_out;
    return stack_forward(m, in, n_in, out, 2, CT__DECODER_INPUTS);
}

static const ct_module_class encoder_class = {.name = "TransformerEncoder", .n_outputs = 1, .forward = encoder_forward};
static const ct_module_class decoder_class = {.name = "TransformerDecoder", .n_outputs = 1, .forward = decoder_forward};

/* The layer and n - 1 clones of it as a ModuleList; takes over the reference. */
static ct_module *repeated(const char *function, ct_module *layer, int64_t n) {
    ct_module **all = NULL, *list = NULL;
    if (n < 1 || n > INT_MAX) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_layers is %lld", function, (long long)n);
    else if (!layer) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the layer is NULL", function);
    else if (ct__pending() == CT_OK) all = ct__alloc_array((size_t)n, sizeof *all);
    if (all) {
        all[0] = layer;
        for (int64_t i = 1; i < n; i++) all[i] = ct_module_clone(layer);
        list = ct_nn_module_list_n(all, (int)n);
        layer = NULL;
    }
    ct__free(all);
    ct_module_free(layer);
    return list;
}

static ct_module *stack(const char *function, const ct_module_class *cls, ct_module *layer, int64_t n, ct_module *norm) {
    ct_module *layers = repeated(function, layer, n), *m = ct_module_new(cls, NULL);
    ct_module_add_child(m, "layers", layers); /* with an error pending these free what they are given */
    if (norm) ct_module_add_child(m, "norm", norm);
    if (ct__pending() == CT_OK) return m;
    ct_module_free(m);
    return NULL;
}

ct_module *ct_nn_transformer_encoder(ct_module *layer, int64_t num_layers, ct_module *norm) {
    return stack("ct_nn_transformer_encoder", &encoder_class, layer, num_layers, norm);
}
ct_module *ct_nn_transformer_decoder(ct_module *layer, int64_t num_layers, ct_module *norm) {
    return stack("ct_nn_transformer_decoder", &decoder_class, layer, num_layers, norm);
}

ct_tensor *ct_nn_transformer_encoder_forward(ct_module *m, ct_tensor *src, const ct_nn_transformer_encoder_forward_options *options) {
    return ct__encoder_call("ct_nn_transformer_encoder_forward", &encoder_class, m, src, options);
}
ct_tensor *ct_nn_transformer_decoder_forward(ct_module *m, ct_tensor *tgt, ct_tensor *memory, const ct_nn_transformer_decoder_forward_options *options) {
    return ct__decoder_call("ct_nn_transformer_decoder_forward", &decoder_class, m, tgt, memory, options);
}

/* ---- Transformer ---- */

static const char fn[] = "ct_nn_transformer";
enum { ENCODER, DECODER };
enum { SRC, TGT, SRC_MASK, TGT_MASK, MEMORY_MASK, SRC_PADDING, TGT_PADDING, MEMORY_PADDING, SRC_CAUSAL, TGT_CAUSAL, MEMORY_CAUSAL, N_INPUTS };

static ct_module *half(const ct__transformer_layer *o, int which, int64_t n) {
    ct_module *layer = ct__transformer_layer_new(o, which == DECODER);
    const ct_nn_layer_norm_options norm = {.eps = ct_some_f64(o->layer_norm_eps), .no_bias = o->no_bias, .dtype = o->dtype};
    return stack(fn, which == ENCODER ? &encoder_class : &decoder_class, layer, n, layer ? ct_nn_layer_norm(CT_SHAPE(o->d_model), &norm) : NULL);
}

static ct_status init(ct_module *m, const void *arg) {
    *(ct__transformer_layer *)ct_module_state(m) = *(const ct__transformer_layer *)arg;
    return CT_OK;
}

static ct_status draw(ct_module *m) {
    ct_scope scope = ct_scope_begin();
    ct_list *all = ct_parameters(m);
    for (int64_t i = 0; i < ct_list_size(all); i++) {
        ct_tensor *p = ct_list_data(all)[i];
        if (ct_ndim(p) > 1) ct_init_xavier_uniform_(p, 1, NULL);
    }
    ct_scope_end(scope);
    return ct__pending();
}

static ct_status check_sequences(const ct__transformer_layer *o, const ct_tensor *src, const ct_tensor *tgt) {
    ct__shape_text a, b;
    const int d = ct_ndim(src), batch = o->batch_first ? 0 : 1;
    bool fits = (d == 2 || d == 3) && ct_ndim(tgt) == d && ct_size(src, -1) == o->d_model && ct_size(tgt, -1) == o->d_model;
    if (fits && (d == 2 || ct_size(src, batch) == ct_size(tgt, batch))) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: src %s and tgt %s must be sequences of d_model = %lld features with the same batch", fn,
                    ct__shape_str(&a, ct_sizes(src), d), ct__shape_str(&b, ct_sizes(tgt), ct_ndim(tgt)), (long long)o->d_model);
}

static ct_status forward(ct_module *m, ct_tensor *const *given, int n_in, ct_tensor **out, int n_out) {
    (void)n_out;
    ct_tensor *in[N_INPUTS] = {NULL}, *memory = NULL;
    CT__TRY(ct__check_inputs(m, given, n_in, 2, N_INPUTS));
    for (int i = 0; i < n_in; i++) in[i] = given[i];
    CT__TRY(check_sequences(ct_module_state(m), in[SRC], in[TGT]));
    ct_tensor *const encode[CT__ENCODER_INPUTS] = {in[SRC], in[SRC_MASK], in[SRC_PADDING], in[SRC_CAUSAL]};
    CT__TRY(ct_forward_n(ct__child_at(m, ENCODER)->module, encode, CT__ENCODER_INPUTS, &memory, 1));
    ct_tensor *const decode[CT__DECODER_INPUTS] = {in[TGT], memory, in[TGT_MASK], in[MEMORY_MASK], in[TGT_PADDING], in[MEMORY_PADDING], in[TGT_CAUSAL],
                                                   in[MEMORY_CAUSAL]};
    return ct_forward_n(ct__child_at(m, DECODER)->module, decode, CT__DECODER_INPUTS, out, 1);
}

static const ct_module_class transformer_class = {.name = "Transformer", .state_size = sizeof(ct__transformer_layer), .n_outputs = 1, .init = init,
                                                  .forward = forward};

ct_module *ct_nn_transformer(const ct_nn_transformer_options *options) {
    const ct_nn_transformer_options o = options ? *options : (ct_nn_transformer_options){.d_model = 0};
    const ct_nn_transformer_layer_options each = {.dim_feedforward = o.dim_feedforward, .dropout = o.dropout, .activation = o.activation,
                                                  .layer_norm_eps = o.layer_norm_eps, .batch_first = o.batch_first, .norm_first = o.norm_first,
                                                  .no_bias = o.no_bias, .dtype = o.dtype};
    const ct__transformer_layer layer = ct__transformer_layer_of(fn, o.d_model ? o.d_model : 512, o.nhead ? o.nhead : 8, &each);
    ct_module *m = CT__CHECK_OPTIONS(fn, options) == CT_OK ? ct_module_new(&transformer_class, &layer) : NULL;
    /* with an error pending these free what they are given */
    ct_module_add_child(m, "encoder", o.custom_encoder ? o.custom_encoder : half(&layer, ENCODER, o.num_encoder_layers ? o.num_encoder_layers : 6));
    ct_module_add_child(m, "decoder", o.custom_decoder ? o.custom_decoder : half(&layer, DECODER, o.num_decoder_layers ? o.num_decoder_layers : 6));
    if (ct__pending() == CT_OK && draw(m) == CT_OK) return m;
    ct_module_free(m);
    return NULL;
}

ct_tensor *ct_nn_transformer_forward(ct_module *m, ct_tensor *src, ct_tensor *tgt, const ct_nn_transformer_forward_options *options) {
    static const char name[] = "ct_nn_transformer_forward";
    const ct_nn_transformer_forward_options o = options ? *options : (ct_nn_transformer_forward_options){.src_mask = NULL};
    ct_tensor *y = NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(name, options));
    ct_scope scope = ct_scope_begin();
    ct_tensor *in[N_INPUTS] = {src, tgt, o.src_mask, o.tgt_mask, o.memory_mask, o.src_key_padding_mask, o.tgt_key_padding_mask, o.memory_key_padding_mask,
                               ct__flag_of(o.src_is_causal), ct__flag_of(o.tgt_is_causal), ct__flag_of(o.memory_is_causal)};
    ct__forward_as(name, &transformer_class, m, in, N_INPUTS, &y, 1);
    return ct_scope_return(scope, y);
}

ct_tensor *ct_nn_transformer_generate_square_subsequent_mask(int64_t size, ct_dtype dtype) {
    CT__TRY_NULL(ct__pending());
    if (size < 0 || (dtype != CT_DTYPE_NONE && !ct_dtype_is_floating_point(dtype))) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_transformer_generate_square_subsequent_mask: size %lld, dtype %s", (long long)size, ct_dtype_name(dtype));
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_triu(ct_full(CT_SHAPE(size, size), -INFINITY, dtype), 1));
}
