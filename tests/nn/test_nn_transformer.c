/*
 * Attention and transformers: what masks hide, options, errors, clones of modules. Values and gradients against PyTorch's are in tests/parity/modules.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef ct_nn_multihead_attention_options mha_options;
typedef ct_nn_multihead_attention_forward_options mha_forward;
typedef ct_nn_transformer_encoder_layer_options layer_options;
typedef ct_nn_transformer_encoder_forward_options encoder_forward;
typedef ct_nn_transformer_decoder_forward_options decoder_forward;

static ct_tensor *random_f64(const int64_t *sizes, int ndim) { return ct_rand(sizes, ndim, CT_F64, NULL); }
static ct_tensor *bools(const double *values, const int64_t *sizes, int ndim) { return ct_to(test_i64(values, sizes, ndim), CT_BOOL); }
static ct_module *small_layer(void) {
    return ct_nn_transformer_encoder_layer(4, 2, &(layer_options){.dim_feedforward = 5, .batch_first = true, .dtype = CT_F64});
}

START_TEST(what_a_mask_hides_has_no_influence) {
    ct_module *m = ct_nn_multihead_attention(4, 2, &(mha_options){.batch_first = true, .dtype = CT_F64});
    ct_tensor *x = random_f64(CT_SHAPE(1, 3, 4)), *other = ct_clone(x), *w;
    ct_copy_(ct_select(other, 1, 2), random_f64(CT_SHAPE(1, 4)));
    const mha_forward padding = {.key_padding_mask = bools((const double[]){0, 0, 1}, CT_SHAPE(1, 3))}, causal = {.is_causal = true};
    ct_tensor *a = ct_nn_multihead_attention_forward(m, x, x, x, &padding, &w), *b = ct_nn_multihead_attention_forward(m, x, other, other, &padding, NULL);
    ck_close(a, b, 1e-12, 1e-12);
    ck_values(ct_select(w, 2, 2), 0, 0, 0);
    a = ct_nn_multihead_attention_forward(m, x, x, x, &causal, NULL);
    b = ct_nn_multihead_attention_forward(m, other, other, other, &causal, &w);
    ck_close(ct_narrow(a, 1, 0, 2), ct_narrow(b, 1, 0, 2), 1e-12, 1e-12);
    ck_values(ct_select(ct_select(w, 0, 0), 0, 0), 1, 0, 0);
    /* the flag says what the mask says */
    const mha_forward mask = {.attn_mask = ct_nn_transformer_generate_square_subsequent_mask(3, CT_F64)};
    const mha_forward both = {.attn_mask = mask.attn_mask, .is_causal = true};
    ck_close(ct_nn_multihead_attention_forward(m, x, x, x, &mask, NULL), a, 1e-12, 1e-12);
    ck_close(ct_nn_multihead_attention_forward(m, x, x, x, &both, NULL), a, 1e-12, 1e-12);
    ct_module_free(m);
}
END_TEST

START_TEST(asking_for_weights_changes_no_result) {
    ct_module *m = ct_nn_multihead_attention(4, 2, &(mha_options){.add_bias_kv = true, .add_zero_attn = true, .dtype = CT_F64});
    ct_tensor *x = random_f64(CT_SHAPE(3, 2, 4)), *w, *each, *out = ct_nn_multihead_attention_forward(m, x, x, x, NULL, NULL);
    ck_close(ct_nn_multihead_attention_forward(m, x, x, x, NULL, &w), out, 1e-12, 1e-12);
    ck_close(ct_nn_multihead_attention_forward(m, x, ct_clone(x), ct_clone(x), NULL, NULL), out, 1e-12, 1e-12); /* projected one by one */
    ck_close(ct_forward(m, x), out, 1e-12, 1e-12);
    ck_sizes(w, 2, 3, 5);
    ct_nn_multihead_attention_forward(m, x, x, x, &(mha_forward){.no_average_attn_weights = true}, &each);
    ck_sizes(each, 2, 2, 3, 5);
    ck_close(ct_mean_dim(each, CT_DIMS(1), NULL), w, 1e-12, 1e-12);
    ck_close(ct_sum_dim(w, CT_DIMS(2), NULL), ct_ones(CT_SHAPE(2, 3), CT_F64), 1e-12, 1e-12);
    ct_module_free(m);
}
END_TEST

/* With one input query, key and value are read out of their common projection; asked for its weights, or with equal inputs that are not the same, the
 * module goes another way. */
START_TEST(one_projection_gives_what_three_give) {
    for (int i = 0; i < 8; i++) {
        const bool first = i & 1;
        ct_module *m = ct_nn_multihead_attention(6, 3, &(mha_options){.dropout = i & 2 ? 0.4 : 0, .batch_first = first, .dtype = CT_F64});
        ct_tensor *x = random_f64(CT_SHAPE(first ? 2 : 67, first ? 67 : 2, 6)), *ga[3], *gb[3], *w;
        const mha_forward o = {.key_padding_mask = i & 4 ? ct_gt_scalar(random_f64(CT_SHAPE(2, 67)), 0.7) : NULL, .is_causal = i == 3};
        ct_set_requires_grad(x, true);
        ct_tensor *in[] = {x, ct_module_get_parameter(m, "in_proj_weight"), ct_module_get_parameter(m, "in_proj_bias")};
        ct_manual_seed(5);
        ct_tensor *a = ct_nn_multihead_attention_forward(m, x, x, x, &o, NULL);
        ct_manual_seed(5);
        ct_tensor *b = ct_nn_multihead_attention_forward(m, x, x, x, &o, &w);
        ck_close(a, b, 1e-11, 1e-11);
        a = ct_sum(ct_square(a));
        b = ct_sum(ct_square(b));
        ck_assert_int_eq(ct_grad(&a, 1, in, 3, &(ct_grad_options){.create_graph = true}, ga), CT_OK);
        ck_assert_int_eq(ct_grad(&b, 1, in, 3, &(ct_grad_options){.create_graph = true}, gb), CT_OK);
        for (int k = 0; k < 3; k++) ck_close(ga[k], gb[k], 1e-10, 1e-10);
        a = ct_sum(ct_square(ga[0]));
        b = ct_sum(ct_square(gb[0]));
        ck_assert_int_eq(ct_grad(&a, 1, in, 2, NULL, ga), CT_OK);
        ck_assert_int_eq(ct_grad(&b, 1, in, 2, NULL, gb), CT_OK);
        for (int k = 0; k < 2; k++) ck_close(ga[k], gb[k], 1e-9, 1e-9);
        ct_module_free(m);
    }
}
END_TEST

START_TEST(a_query_that_sees_nothing_gets_zero_and_no_nan) {
    ct_module *m = ct_nn_multihead_attention(4, 2, &(mha_options){.no_bias = true, .dtype = CT_F64});
    const mha_forward o = {.key_padding_mask = ct_ones(CT_SHAPE(1, 3), CT_BOOL)};
    for (int weights = 0; weights < 2; weights++) {
        ct_tensor *x = random_f64(CT_SHAPE(3, 1, 4)), *w;
        ct_set_requires_grad(x, true);
        ct_tensor *y = ct_nn_multihead_attention_forward(m, x, x, x, &o, weights ? &w : NULL);
        ck_close(y, ct_zeros(CT_SHAPE(3, 1, 4), CT_F64), 0, 0);
        ck_assert_int_eq(ct_backward(ct_sum(y)), CT_OK);
        ck_close(ct_tensor_grad(x), ct_zeros(CT_SHAPE(3, 1, 4), CT_F64), 0, 0);
    }
    ct_module_free(m);
}
END_TEST

START_TEST(a_mask_may_be_learned) {
    ct_module *m = ct_nn_multihead_attention(4, 2, NULL);
    ct_tensor *x = ct_rand(CT_SHAPE(3, 1, 4), CT_F32, NULL), *mask = ct_zeros(CT_SHAPE(3, 3), CT_F32);
    ct_set_requires_grad(mask, true);
    ck_assert_int_eq(ct_backward(ct_sum(ct_pow_scalar(ct_nn_multihead_attention_forward(m, x, x, x, &(mha_forward){.attn_mask = mask}, NULL), 2))), CT_OK);
    ck_assert_double_gt(ct_item_f64(ct_sum(ct_abs(ct_tensor_grad(mask)))), 0);
    ct_module_free(m);
}
END_TEST

START_TEST(dropout_acts_in_training_only) {
    ct_module *m = ct_nn_multihead_attention(4, 2, &(mha_options){.dropout = 1, .no_bias = true});
    ct_tensor *x = ct_rand(CT_SHAPE(3, 1, 4), CT_F32, NULL), *w;
    ck_close(ct_nn_multihead_attention_forward(m, x, x, x, NULL, &w), ct_zeros(CT_SHAPE(3, 1, 4), CT_F32), 0, 0);
    ck_close(w, ct_zeros(CT_SHAPE(1, 3, 3), CT_F32), 0, 0);
    ck_close(ct_forward(m, x), ct_zeros(CT_SHAPE(3, 1, 4), CT_F32), 0, 0);
    ct_module_eval(m);
    ck_assert_double_gt(ct_item_f64(ct_sum(ct_abs(ct_forward(m, x)))), 0);
    ct_module_free(m);
    /* 0.1 unless another probability is given, of which 0 is one */
    ct_module *usual = ct_nn_transformer_encoder_layer(4, 2, NULL), *none = ct_nn_transformer_encoder_layer(4, 2, &(layer_options){.dropout = ct_some_f64(0)});
    ck_assert(!ct_equal(ct_forward(usual, x), ct_forward(usual, x)));
    ck_assert(ct_equal(ct_forward(none, x), ct_forward(none, x)));
    ct_module_free(usual);
    ct_module_free(none);
    ct_module *exact = ct_nn_transformer_encoder_layer(4, 2, &(layer_options){.layer_norm_eps = ct_some_f64(0)});
    char text[2000];
    ct_module_format(exact, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "(norm1): LayerNorm((4,), eps=0.0,"));
    ct_module_free(exact);
}
END_TEST

/* A child with a hook runs by itself, which keeps a layer from doing several children's work in one operation. */
static ct_status look(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)m, (void)in, (void)n_in, (void)out, (void)n_out;
    ++*(int *)user;
    return CT_OK;
}
static int looks;
static ct_status watch(ct_module *m, void *user) {
    (void)user;
    return ct_module_num_children(m) ? CT_OK : ct_module_register_forward_hook(m, look, &looks, NULL, NULL, NULL);
}

typedef struct run_result {
    ct_tensor *y, *gradient[17], *second[17];
    int n;
} run_result;

/* The gradients of sum(y * y * w), twice from one graph, and those of sum(gradient[0]^2) with respect to all that require grad. */
static run_result run_layer(ct_module *m, ct_tensor *x, ct_tensor *w, const encoder_forward *o, bool again) {
    run_result r = {.n = 0};
    ct_list *parameters = ct_parameters(m);
    ct_tensor *in[17];
    if (ct_requires_grad(x)) in[r.n++] = x;
    for (int64_t i = 0; i < ct_list_size(parameters); i++)
        if (ct_requires_grad(ct_list_get(parameters, i))) in[r.n++] = ct_list_get(parameters, i);
    ct_manual_seed(3);
    r.y = ct_nn_transformer_encoder_layer_forward(m, x, o);
    ct_tensor *loss = ct_sum(ct_mul(ct_square(r.y), w)), *twice[17];
    ck_assert_int_eq(ct_grad(&loss, 1, in, r.n, &(ct_grad_options){.retain_graph = true}, r.gradient), CT_OK);
    ck_assert_int_eq(ct_grad(&loss, 1, in, r.n, &(ct_grad_options){.retain_graph = true}, twice), CT_OK);
    for (int i = 0; i < r.n; i++) ck_close(r.gradient[i], twice[i], 0, 0);
    if (!again) return r;
    ck_assert_int_eq(ct_grad(&loss, 1, in, r.n, &(ct_grad_options){.create_graph = true}, twice), CT_OK);
    for (int i = 0; i < r.n; i++) ck_close(r.gradient[i], twice[i], 2e-4, 2e-5);
    ct_tensor *norm = ct_sum(ct_square(twice[0]));
    ck_assert_int_eq(ct_grad(&norm, 1, in, r.n, &(ct_grad_options){.allow_unused = true}, r.second), CT_OK);
    return r;
}

static void compare_layers(const layer_options *o, int form) {
    static const int64_t d[] = {8, 12, 64, 6}, rows[] = {3, 50, 5, 70};
    ct_module *fused = ct_nn_transformer_encoder_layer(d[form % 4], 2, o), *apart = ct_module_clone(fused);
    ck_assert_int_eq(ct_module_apply(apart, watch, NULL), CT_OK);
    ct_tensor *x = ct_randn(CT_SHAPE(2, rows[form % 4], d[form % 4]), CT_F32, NULL), *w = ct_rand_like(x, CT_DTYPE_NONE, NULL);
    ct_set_requires_grad(x, form != 5);
    if (form == 6) { /* some are frozen */
        ct_set_requires_grad(ct_module_get_parameter(fused, "linear1.weight"), false);
        ct_set_requires_grad(ct_module_get_parameter(apart, "linear1.weight"), false);
        ct_set_requires_grad(ct_module_get_parameter(fused, "norm1.bias"), false);
        ct_set_requires_grad(ct_module_get_parameter(apart, "norm1.bias"), false);
    }
    const run_result a = run_layer(fused, x, w, NULL, true), b = run_layer(apart, x, w, NULL, true);
    ck_close(a.y, b.y, 1e-5, 1e-5);
    for (int i = 0; i < a.n; i++) {
        ck_close(a.gradient[i], b.gradient[i], 2e-4, 2e-5);
        ck_assert_int_eq(a.second[i] == NULL, b.second[i] == NULL);
        if (a.second[i]) ck_close(a.second[i], b.second[i], 2e-3, 1e-3 * ct_item_f64(ct_max(ct_abs(b.second[i]))));
    }
    ct_module_eval(fused);
    ct_module_eval(apart);
    ck_close(run_layer(fused, x, w, NULL, false).y, run_layer(apart, x, w, NULL, false).y, 1e-5, 1e-5);
    ct_scope scope = ct_no_grad_begin();
    ck_close(ct_forward(fused, x), ct_forward(apart, x), 1e-5, 1e-5);
    ct_scope_end(scope);
    ct_module_free(fused);
    ct_module_free(apart);
}

START_TEST(children_that_run_as_one_give_what_they_give_one_by_one) {
    looks = 0;
    for (int form = 0; form < 8; form++)
        for (int norm_first = 0; norm_first < 2; norm_first++)
            for (int relu = 0; relu < 2; relu++) {
                ct_scope scope = ct_scope_begin();
                compare_layers(&(layer_options){.dim_feedforward = 10 + 27 * form, .dropout = ct_some_f64(form == 4 ? 1 : form % 2 ? 0.3 : 0.1 * (form > 1)), .batch_first = true,
                                                .norm_first = norm_first, .no_bias = form == 7, .activation = relu ? CT_TRANSFORMER_RELU : CT_TRANSFORMER_GELU},
                               form);
                ct_scope_end(scope);
            }
    ck_assert_int_gt(looks, 0);
}
END_TEST

START_TEST(layers_of_an_encoder_begin_alike_and_are_their_own) {
    ct_module *encoder = ct_nn_transformer_encoder(small_layer(), 3, ct_nn_layer_norm(CT_SHAPE(4), &(ct_nn_layer_norm_options){.dtype = CT_F64}));
    ck_ok();
    ck_assert_int_eq(ct_list_size(ct_parameters(encoder)), 3 * 12 + 2);
    ct_tensor *first = ct_module_get_parameter(encoder, "layers.0.linear1.weight"), *last = ct_module_get_parameter(encoder, "layers.2.linear1.weight");
    ck_close(first, last, 0, 0);
    ck_assert(!ct_shares_storage(first, last));
    ct_module_eval(encoder);
    ct_tensor *x = random_f64(CT_SHAPE(2, 3, 4)), *y = x;
    for (int i = 0; i < 3; i++) y = ct_forward(ct_module_child_at(ct_module_get_child(encoder, "layers"), i, NULL), y);
    ck_close(ct_nn_transformer_encoder_forward(encoder, x, NULL), ct_forward(ct_module_get_child(encoder, "norm"), y), 1e-12, 1e-12);
    ct_module_free(encoder);
}
END_TEST

static ct_status twice_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    out[0] = ct_mul_scalar(in[0], 2);
    return ct_error_status();
}
static const ct_module_class twice = {.name = "Twice", .forward = twice_forward};

START_TEST(stacks_take_layers_and_halves_of_ones_own) {
    ct_module *encoder = ct_nn_transformer_encoder(ct_module_new(&twice, NULL), 3, NULL);
    ct_tensor *x = ct_ones(CT_SHAPE(2, 1, 4), CT_F32);
    ck_close(ct_forward(encoder, x), ct_mul_scalar(x, 8), 0, 0);
    ct_module *m = ct_nn_transformer(&(ct_nn_transformer_options){.d_model = 4, .nhead = 2, .custom_encoder = encoder,
                                                                  .custom_decoder = ct_nn_transformer_decoder(ct_module_new(&twice, NULL), 2, NULL)});
    ck_close(ct_nn_transformer_forward(m, x, x, NULL), ct_mul_scalar(x, 4), 0, 0);
    ct_module_free(m);
}
END_TEST

START_TEST(a_transformer_is_its_encoder_and_decoder) {
    ct_module *m = ct_nn_transformer(&(ct_nn_transformer_options){.d_model = 4, .nhead = 2, .num_encoder_layers = 1, .num_decoder_layers = 2,
                                                                  .dim_feedforward = 5, .dtype = CT_F64});
    ct_module_eval(m);
    ct_tensor *src = random_f64(CT_SHAPE(3, 2, 4)), *tgt = random_f64(CT_SHAPE(2, 2, 4)), *hidden = bools((const double[]){0, 0, 1, 0, 1, 1}, CT_SHAPE(2, 3));
    ct_module *encoder = ct_module_get_child(m, "encoder"), *decoder = ct_module_get_child(m, "decoder");
    ct_tensor *memory = ct_nn_transformer_encoder_forward(encoder, src, &(encoder_forward){.src_key_padding_mask = hidden});
    ct_tensor *want = ct_nn_transformer_decoder_forward(decoder, tgt, memory, &(decoder_forward){.memory_key_padding_mask = hidden, .tgt_is_causal = true});
    const ct_nn_transformer_forward_options o = {.src_key_padding_mask = hidden, .memory_key_padding_mask = hidden, .tgt_is_causal = true};
    ck_close(ct_nn_transformer_forward(m, src, tgt, &o), want, 0, 0);
    /* what stands at padding reaches no output */
    ct_tensor *other = ct_clone(src);
    ct_copy_(ct_select(other, 0, 2), random_f64(CT_SHAPE(2, 4)));
    ck_close(ct_nn_transformer_forward(m, other, tgt, &o), want, 1e-12, 1e-12);
    ck_assert(!ct_equal(ct_nn_transformer_forward(m, other, tgt, NULL), want));
    ct_module *layer = ct_module_child_at(ct_module_get_child(decoder, "layers"), 0, NULL);
    ck_sizes(ct_nn_transformer_decoder_layer_forward(layer, tgt, memory, NULL), 2, 2, 4);
    ct_module_free(m);
    m = ct_nn_transformer(NULL);
    ck_sizes(ct_module_get_parameter(m, "decoder.layers.5.linear1.weight"), 2048, 512);
    ck_sizes(ct_module_get_parameter(m, "encoder.layers.5.norm2.bias"), 512);
    ct_module_free(m);
}
END_TEST

#define REFUSED(status, text, make)             \
    do {                                        \
        ck_assert_ptr_null(make);               \
        ck_error(status, text);                 \
    } while (0)

START_TEST(wrong_arguments_of_the_makers_have_sentences) {
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_multihead_attention: embed_dim 5 cannot be divided among 2 heads", ct_nn_multihead_attention(5, 2, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "embed_dim 4 cannot be divided among 0 heads", ct_nn_multihead_attention(4, 0, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "kdim is -1, vdim 4", ct_nn_multihead_attention(4, 2, &(mha_options){.kdim = -1}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "dropout is nan", ct_nn_multihead_attention(4, 2, &(mha_options){.dropout = (double)NAN}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_transformer_encoder_layer: d_model 4 must be divisible by nhead 3", ct_nn_transformer_encoder_layer(4, 3, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_transformer_decoder_layer: dropout is 2",
            ct_nn_transformer_decoder_layer(4, 2, &(layer_options){.dropout = ct_some_f64(2)}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "unknown activation 9",
            ct_nn_transformer_decoder_layer(4, 2, &(layer_options){.activation = (ct_transformer_activation)9}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "dim_feedforward -1", ct_nn_transformer_encoder_layer(4, 2, &(layer_options){.dim_feedforward = -1}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_transformer: d_model 512 must be divisible by nhead 7",
            ct_nn_transformer(&(ct_nn_transformer_options){.nhead = 7}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_transformer_encoder: num_layers is 0",
            ct_nn_transformer_encoder(small_layer(), 0, ct_nn_layer_norm(CT_SHAPE(4), NULL)));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_transformer_decoder: the layer is NULL", ct_nn_transformer_decoder(NULL, 2, ct_nn_layer_norm(CT_SHAPE(4), NULL)));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "num_layers is -1",
            ct_nn_transformer(&(ct_nn_transformer_options){.num_encoder_layers = -1, .custom_decoder = ct_module_new(&twice, NULL)}));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "size -1", ct_nn_transformer_generate_square_subsequent_mask(-1, CT_F32));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "dtype int64", ct_nn_transformer_generate_square_subsequent_mask(2, CT_I64));
}
END_TEST

START_TEST(wrong_inputs_have_sentences) {
    ct_module *m = ct_nn_multihead_attention(4, 2, &(mha_options){.kdim = 3}), *layer = small_layer();
    ct_module *same = ct_nn_multihead_attention(4, 2, &(mha_options){.batch_first = true});
    ct_module *net = ct_nn_transformer(&(ct_nn_transformer_options){.d_model = 4, .nhead = 2, .dim_feedforward = 2, .num_encoder_layers = 1,
                                                                    .num_decoder_layers = 1});
    ct_tensor *q = ct_zeros(CT_SHAPE(2, 5, 4), CT_F32), *k = ct_zeros(CT_SHAPE(3, 5, 3), CT_F32), *v = ct_zeros(CT_SHAPE(3, 5, 4), CT_F32), *w = q;
#define ATTEND(...) ct_nn_multihead_attention_forward(m, q, k, v, &(mha_forward){__VA_ARGS__}, &w)
    REFUSED(CT_ERR_SHAPE, "query [2, 5, 4], key [3, 5, 4], value [3, 5, 4] must be [L, B, 4], [S, B, 3], [S, B, 4]",
            ct_nn_multihead_attention_forward(m, q, v, v, NULL, &w));
    ck_assert_ptr_null(w);
    REFUSED(CT_ERR_SHAPE, "must be [B, L, 4], [B, S, 4], [B, S, 4]", ct_nn_multihead_attention_forward(same, q, v, v, NULL, NULL));
    REFUSED(CT_ERR_SHAPE, "must be [L, 4], [S, 3], [S, 4]", ct_nn_multihead_attention_forward(m, ct_select(q, 1, 0), k, v, NULL, NULL));
    REFUSED(CT_ERR_SHAPE, "attn_mask is [3, 2], but must be [2, 3] or [10, 2, 3]", ATTEND(.attn_mask = ct_zeros(CT_SHAPE(3, 2), CT_F32)));
    REFUSED(CT_ERR_SHAPE, "key_padding_mask is [3, 5], but must be [5, 3]", ATTEND(.key_padding_mask = ct_zeros(CT_SHAPE(3, 5), CT_BOOL)));
    REFUSED(CT_ERR_DTYPE, "attn_mask is int64; it must be bool or floating point", ATTEND(.attn_mask = ct_zeros(CT_SHAPE(2, 3), CT_I64)));
    REFUSED(CT_ERR_DTYPE, "float64", ct_forward(same, ct_to(q, CT_F64)));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "input 1 of MultiheadAttention is NULL", ct_nn_multihead_attention_forward(m, q, NULL, v, NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "ct_nn_multihead_attention_forward: the module is TransformerEncoderLayer, not MultiheadAttention",
            ct_nn_multihead_attention_forward(layer, q, k, v, NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "the module is NULL", ct_nn_transformer_encoder_forward(NULL, q, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "the module is TransformerEncoderLayer, not TransformerDecoder", ct_nn_transformer_decoder_forward(layer, q, q, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "input 0 of TransformerEncoderLayer is NULL", ct_nn_transformer_encoder_layer_forward(layer, NULL, NULL));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "TransformerDecoder takes 2 to 8 inputs, not 1", ct_forward(ct_module_get_child(net, "decoder"), q));
    REFUSED(CT_ERR_SHAPE, "ct_nn_transformer: src [2, 5, 4] and tgt [3, 5, 3] must be sequences of d_model = 4", ct_nn_transformer_forward(net, q, k, NULL));
    REFUSED(CT_ERR_SHAPE, "with the same batch", ct_nn_transformer_forward(net, q, ct_zeros(CT_SHAPE(2, 4, 4), CT_F32), NULL));
    ct_module_free(m);
    ct_module_free(same);
    ct_module_free(layer);
    ct_module_free(net);
}
END_TEST

/* ---- Clones ---- */

START_TEST(a_clone_is_deep_and_shares_as_its_original_does) {
    ct_module *inner = ct_nn_linear(3, 3, NULL), *net = ct_nn_sequential(inner, ct_nn_batch_norm1d(3, NULL), ct_module_retain(inner), ct_nn_linear(3, 3, NULL));
    ct_module_register_parameter(ct_module_get_child(net, "3"), "weight", ct_module_get_parameter(net, "0.weight"));
    ct_module_set_requires_grad(ct_module_get_child(net, "1"), false);
    ct_module_eval(net);
    ct_module *copy = ct_module_clone(net);
    ct_module_train(net);
    ck_ok();
    ck_assert(!ct_module_is_training(copy) && !ct_module_is_training(ct_module_get_child(copy, "1")));
    ck_assert_int_eq(ct_list_size(ct_parameters(copy)), ct_list_size(ct_parameters(net)));
    ck_assert_ptr_eq(ct_module_get_child(copy, "0"), ct_module_get_child(copy, "2"));
    ck_assert(ct_is_same(ct_module_get_parameter(copy, "0.weight"), ct_module_get_parameter(copy, "3.weight")));
    ck_assert(!ct_shares_storage(ct_module_get_parameter(copy, "0.weight"), ct_module_get_parameter(net, "0.weight")));
    ck_assert(!ct_requires_grad(ct_module_get_parameter(copy, "1.weight")) && ct_requires_grad(ct_module_get_parameter(copy, "3.bias")));
    ct_tensor *x = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    ct_module_eval(net);
    ck_close(ct_forward(copy, x), ct_forward(net, x), 0, 0);
    ck_assert_int_eq(ct_init_zeros_(ct_module_get_parameter(net, "0.weight")), CT_OK);
    ck_assert(!ct_equal(ct_forward(copy, x), ct_forward(net, x)));
    ct_module_free(net);
    ct_module_free(copy);
}
END_TEST

typedef struct owner { char *text; } owner;
static ct_status owner_init(ct_module *m, const void *arg) {
    (void)arg;
    ((owner *)ct_module_state(m))->text = strdup("mine");
    return CT_OK;
}
static void owner_destroy(ct_module *m) { free(((owner *)ct_module_state(m))->text); }
static ct_status owner_clone(ct_module *m, const ct_module *original) {
    ((owner *)ct_module_state(m))->text = strdup(((const owner *)ct_module_state(original))->text);
    return CT_OK;
}
static ct_status owner_clone_fails(ct_module *m, const ct_module *original) {
    owner_clone(m, original);
    return CT_ERR_USER;
}

START_TEST(state_that_is_freed_needs_a_clone_function) {
    ct_module_class cls = {.name = "Owner", .state_size = sizeof(owner), .forward = twice_forward, .init = owner_init, .destroy = owner_destroy};
    ct_module *plain = ct_nn_sequential(ct_nn_linear(2, 2, NULL), ct_module_new(&cls, NULL));
    REFUSED(CT_ERR_UNSUPPORTED, "ct_module_clone: Owner has a state that it frees", ct_module_clone(plain));
    cls.clone = owner_clone;
    ct_module *able = ct_nn_sequential(ct_module_new(&cls, NULL)), *copy = ct_module_clone(able);
    ct_module_free(able);
    ck_assert_str_eq(((owner *)ct_module_state(ct_module_get_child(copy, "0")))->text, "mine");
    cls.clone = owner_clone_fails;
    ct_module *failing = ct_module_new(&cls, NULL);
    REFUSED(CT_ERR_USER, "ct_module_clone: clone of Owner failed", ct_module_clone(failing));
    REFUSED(CT_ERR_INVALID_ARGUMENT, "the module is NULL", ct_module_clone(NULL));
    ct_module *normed = ct_nn_linear(2, 2, NULL);
    ct_weight_norm(normed, NULL, NULL);
    REFUSED(CT_ERR_UNSUPPORTED, "\"weight\" of Linear is normalised by hooks", ct_module_clone(normed));
    ct_module_free(plain);
    ct_module_free(copy);
    ct_module_free(failing);
    ct_module_free(normed);
}
END_TEST

START_TEST(running_out_of_memory_leaves_nothing_behind) {
    ct_tensor *x = ct_rand(CT_SHAPE(3, 1, 4), CT_F32, NULL), *mask = bools((const double[]){0, 0, 1}, CT_SHAPE(1, 3));
    bool done = false;
    for (int64_t i = 1; i < 3000 && !done; i++) {
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(i);
        ct_module *m = ct_nn_transformer(&(ct_nn_transformer_options){.d_model = 4, .nhead = 2, .dim_feedforward = 3, .num_encoder_layers = 2,
                                                                      .num_decoder_layers = 1,
                                                                      .custom_decoder = ct_nn_transformer_decoder(ct_module_new(&twice, NULL), 2, NULL)});
        done = ct_nn_transformer_forward(m, x, x, &(ct_nn_transformer_forward_options){.src_key_padding_mask = mask, .src_is_causal = true}) != NULL;
        ct_memory_fail_at(0);
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_scope_end(scope);
        ct_module_free(m);
    }
    ck_assert(done);
}
END_TEST

START_TEST(a_step_that_runs_out_of_memory_leaves_nothing_behind) {
    ct_module *m = ct_nn_transformer_encoder_layer(4, 2, &(layer_options){.dim_feedforward = 3, .activation = CT_TRANSFORMER_GELU});
    ct_tensor *x = ct_rand(CT_SHAPE(3, 1, 4), CT_F32, NULL);
    bool done = false;
    for (int64_t i = 1; i < 3000 && !done; i++) {
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(i);
        ct_tensor *y = ct_forward(m, x);
        done = y && ct_backward(ct_sum(y)) == CT_OK;
        ct_memory_fail_at(0);
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_scope_end(scope);
    }
    ck_assert(done);
    ct_module_free(m);
}
END_TEST

TEST_LIST = {
    TEST(what_a_mask_hides_has_no_influence),
    TEST(asking_for_weights_changes_no_result),
    TEST(one_projection_gives_what_three_give),
    TEST(a_query_that_sees_nothing_gets_zero_and_no_nan),
    TEST(a_mask_may_be_learned),
    TEST(dropout_acts_in_training_only),
    TEST(children_that_run_as_one_give_what_they_give_one_by_one),
    TEST(layers_of_an_encoder_begin_alike_and_are_their_own),
    TEST(stacks_take_layers_and_halves_of_ones_own),
    TEST(a_transformer_is_its_encoder_and_decoder),
    TEST(wrong_arguments_of_the_makers_have_sentences),
    TEST(wrong_inputs_have_sentences),
    TEST(a_clone_is_deep_and_shares_as_its_original_does),
    TEST(state_that_is_freed_needs_a_clone_function),
    TEST(running_out_of_memory_leaves_nothing_behind),
    TEST(a_step_that_runs_out_of_memory_leaves_nothing_behind),
};
TEST_MAIN("nn_transformer")
