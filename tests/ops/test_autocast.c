/*
 * test_autocast.c: which dtype each operation of autocast's lists gives, against PyTorch's; what becomes of weights and gradients.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

#include "golden_autocast.inc"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static ct_dtype input_dtype;
static ct_tensor *random_of(const int64_t *sizes, int ndim) { return ct_to(ct_rand(sizes, ndim, CT_F32, NULL), input_dtype); }
#define X(...) random_of(CT_SHAPE(__VA_ARGS__))
#define ONES(...) ct_ones(CT_SHAPE(__VA_ARGS__), CT_F32)
static ct_tensor *eye(void) { return ct_to(ct_eye(2, 2, CT_F32), input_dtype); }
static ct_tensor *labels(int64_t a, int64_t b) { return ct_from_data((int64_t[]){a, b}, CT_SHAPE(2), CT_I64); }
static ct_tensor *zeros(const int64_t *sizes, int ndim) { return ct_zeros(sizes, ndim, CT_I64); }

static ct_tensor *network(const char *name) {
    int64_t gates = !strcmp(name, "gru") ? 3 : !strcmp(name, "lstm") ? 4 : 1;
    ct_tensor *w[] = {X(2 * gates, 3), X(2 * gates, 2)}, *input = X(4, 1, 3), *h = X(1, 1, 2);
    if (gates == 4) return ct_lstm(input, h, X(1, 1, 2), w, 2, NULL, NULL, NULL);
    if (gates == 3) return ct_gru(input, h, w, 2, NULL, NULL);
    return !strcmp(name, "rnn_tanh") ? ct_rnn_tanh(input, h, w, 2, NULL, NULL) : ct_rnn_relu(input, h, w, 2, NULL, NULL);
}

static ct_tensor *pad(const char *name) {
    static const int64_t all[6] = {1, 1, 1, 1, 1, 1};
    const int n = strstr(name, "3d") ? 3 : strstr(name, "2d") ? 2 : 1;
    const ct_pad_options o = {.mode = !strncmp(name, "refl", 4) ? CT_PAD_REFLECT : !strncmp(name, "repl", 4) ? CT_PAD_REPLICATE : !strcmp(name, "circular") ? CT_PAD_CIRCULAR
                                                                                                                                : CT_PAD_CONSTANT};
    return ct_pad(n == 1 ? X(1, 1, 4) : n == 2 ? X(1, 1, 4, 4) : X(1, 1, 4, 4, 4), all, 2 * n, &o);
}

/* The calls of make_golden_autocast.py. */
static ct_tensor *run(const char *name) {
#define IS(text, call) \
    if (!strcmp(name, text)) return call
    ct_tensor *out[2] = {NULL, NULL};
    IS("conv1d", ct_conv1d(X(1, 2, 5), X(3, 2, 2), X(3), NULL));
    IS("conv2d", ct_conv2d(X(1, 2, 5, 5), X(3, 2, 2, 2), X(3), NULL));
    IS("conv3d", ct_conv3d(X(1, 2, 3, 3, 3), X(3, 2, 2, 2, 2), NULL, NULL));
    IS("conv_transpose1d", ct_conv_transpose1d(X(1, 2, 5), X(2, 3, 2), NULL, NULL));
    IS("conv_transpose2d", ct_conv_transpose2d(X(1, 2, 5, 5), X(2, 3, 2, 2), NULL, NULL));
    IS("conv_transpose3d", ct_conv_transpose3d(X(1, 2, 3, 3, 3), X(2, 3, 2, 2, 2), NULL, NULL));
    IS("linear", ct_linear(X(2, 3), X(4, 3), X(4)));
    IS("mm", ct_mm(X(2, 3), X(3, 2)));
    IS("bmm", ct_bmm(X(1, 2, 3), X(1, 3, 2)));
    IS("matmul", ct_matmul(X(2, 3), X(3)));
    IS("addmm", ct_addmm(X(2, 2), X(2, 3), X(3, 2), NULL));
    IS("addbmm", ct_addbmm(X(2, 2), X(1, 2, 3), X(1, 3, 2), NULL));
    IS("baddbmm", ct_baddbmm(X(1, 2, 2), X(1, 2, 3), X(1, 3, 2), NULL));
    IS("linalg_vecdot", ct_linalg_vecdot(X(2, 3), X(2, 3), -1));
    IS("prelu", ct_prelu(X(2, 3), X(1)));
    IS("scaled_dot_product_attention", ct_scaled_dot_product_attention(X(1, 2, 3), X(1, 2, 3), X(1, 2, 3), NULL, NULL));
    IS("einsum", ct_einsum("ij,jk->ik", CT_TENSORS(X(2, 3), X(3, 2))));
    IS("linalg_multi_dot", ct_linalg_multi_dot(CT_TENSORS(X(2, 3), X(3, 2), X(2, 2))));
    IS("mv", ct_mv(X(2, 3), X(3)));
    IS("dot", ct_dot(X(3), X(3)));
    IS("outer", ct_outer(X(3), X(3)));
    IS("bilinear", ct_bilinear(X(2, 3), X(2, 4), X(5, 3, 4), NULL));
    IS("rnn_tanh_cell", ct_rnn_tanh_cell(X(1, 3), X(1, 2), X(2, 3), X(2, 2), NULL, NULL));
    IS("rnn_relu_cell", ct_rnn_relu_cell(X(1, 3), X(1, 2), X(2, 3), X(2, 2), NULL, NULL));
    IS("gru_cell", ct_gru_cell(X(1, 3), X(1, 2), X(6, 3), X(6, 2), NULL, NULL));
    IS("lstm_cell", ct_lstm_cell(X(1, 3), X(1, 2), X(1, 2), X(8, 3), X(8, 2), NULL, NULL, out));
    if (strstr("rnn_tanh rnn_relu gru lstm", name)) return network(name);
    IS("softmax", ct_softmax(X(2, 3), 1));
    IS("layer_norm", ct_layer_norm(X(2, 3), CT_SHAPE(3), NULL, NULL, NULL));
    IS("gelu", ct_gelu(X(3), NULL));
    IS("sum", ct_sum(X(3)));
    IS("add", ct_add(X(3), X(3)));
    IS("layer_norm_weight", ct_layer_norm(X(2, 3), CT_SHAPE(3), ONES(3), ONES(3), NULL));
    IS("batch_norm_weight", ct_batch_norm(X(2, 3), ONES(3), ONES(3), ONES(3), ONES(3), &(ct_batch_norm_options){.training = true}));
    IS("avg_pool2d", ct_avg_pool2d(X(1, 1, 2, 2), 2, NULL));
    IS("avg_pool3d", ct_avg_pool3d(X(1, 1, 2, 2, 2), 2, NULL));
    IS("max_pool2d", ct_max_pool2d(X(1, 1, 2, 2), 2, NULL, NULL));
    IS("max_pool3d", ct_max_pool3d(X(1, 1, 2, 2, 2), 2, NULL, out));
    IS("adaptive_avg_pool3d", ct_adaptive_avg_pool3d(X(1, 1, 2, 2, 2), 1, 1, 1));
    IS("adaptive_max_pool3d", ct_adaptive_max_pool3d(X(1, 1, 2, 2, 2), 1, 1, 1, NULL));
    IS("max_unpool2d", ct_max_unpool2d(X(1, 1, 1, 1), zeros(CT_SHAPE(1, 1, 1, 1)), 2, NULL));
    IS("max_unpool3d", ct_max_unpool3d(X(1, 1, 1, 1, 1), zeros(CT_SHAPE(1, 1, 1, 1, 1)), 2, NULL));
    IS("grid_sample", ct_grid_sample(X(1, 1, 3, 3), X(1, 2, 2, 2), NULL));
    IS("prod", ct_prod(X(3)));
    IS("prod_dim", ct_prod_dim(X(3, 2), 0, NULL));
    IS("cumprod", ct_cumprod(X(3), 0));
    IS("quantile", ct_quantile_scalar(X(3), 0.5, CT_DIM_NONE, NULL));
    IS("nanquantile", ct_nanquantile_scalar(X(3), 0.5, CT_DIM_NONE, NULL));
    IS("cdist", ct_cdist(X(2, 3), X(2, 3), 2));
    IS("trace", ct_trace(X(2, 2)));
    if (strstr("reflect1d reflect2d reflect3d replicate1d replicate3d constant circular", name)) return pad(name);
    IS("mse_loss", ct_mse_loss(X(3), X(3), NULL));
    IS("l1_loss", ct_l1_loss(X(3), X(3), NULL));
    IS("smooth_l1_loss", ct_smooth_l1_loss(X(3), X(3), NULL));
    IS("huber_loss", ct_huber_loss(X(3), X(3), NULL));
    IS("binary_cross_entropy", ct_binary_cross_entropy(X(3), X(3), NULL));
    IS("binary_cross_entropy_with_logits", ct_binary_cross_entropy_with_logits(X(3), X(3), NULL));
    IS("nll_loss", ct_nll_loss(X(2, 3), labels(1, 0), NULL));
    IS("cross_entropy", ct_cross_entropy(X(2, 3), labels(1, 0), NULL));
    IS("kl_div", ct_kl_div(X(2, 3), X(2, 3), NULL));
    IS("poisson_nll_loss", ct_poisson_nll_loss(X(3), X(3), NULL));
    IS("gaussian_nll_loss", ct_gaussian_nll_loss(X(3), X(3), X(3), NULL));
    IS("hinge_embedding_loss", ct_hinge_embedding_loss(X(2), labels(1, 0), NULL));
    IS("margin_ranking_loss", ct_margin_ranking_loss(X(2), X(2), labels(1, 0), NULL));
    IS("cosine_embedding_loss", ct_cosine_embedding_loss(X(2, 3), X(2, 3), labels(1, 0), NULL));
    IS("soft_margin_loss", ct_soft_margin_loss(X(3), X(3), NULL));
    IS("triplet_margin_loss", ct_triplet_margin_loss(X(2, 3), X(2, 3), X(2, 3), NULL));
    IS("multi_margin_loss", ct_multi_margin_loss(X(2, 3), labels(1, 0), NULL));
    IS("multilabel_margin_loss", ct_multilabel_margin_loss(X(1, 2), ct_unsqueeze(labels(1, 0), 0), NULL));
    IS("multilabel_soft_margin_loss", ct_multilabel_soft_margin_loss(X(2, 3), X(2, 3), NULL));
    IS("ctc_loss", ct_ctc_loss(X(5, 1, 3), ct_unsqueeze(labels(1, 2), 0), ct_full_int(CT_SHAPE(1), 5, CT_I64), ct_full_int(CT_SHAPE(1), 2, CT_I64), NULL));
    IS("linalg_cholesky", ct_linalg_cholesky(eye(), NULL));
    IS("linalg_cholesky_ex", ct_linalg_cholesky_ex(eye(), NULL, out));
    IS("linalg_inv", ct_linalg_inv(eye()));
    IS("linalg_svd", (ct_linalg_svd(X(2, 2), NULL, out, NULL), out[0]));
    IS("linalg_svdvals", ct_linalg_svdvals(X(2, 2)));
    IS("linalg_qr", (ct_linalg_qr(X(2, 2), CT_QR_REDUCED, out), out[0]));
    IS("linalg_eigh", (ct_linalg_eigh(eye(), NULL, out), out[0]));
    IS("linalg_eigvalsh", ct_linalg_eigvalsh(eye(), NULL));
    IS("linalg_solve", ct_linalg_solve(eye(), X(2, 1), NULL));
    IS("linalg_lstsq", ct_linalg_lstsq(X(3, 2), X(3, 1), NULL, NULL, NULL, NULL));
    IS("linalg_matrix_rank", ct_linalg_matrix_rank(X(2, 2), NULL));
    IS("index_copy_mixed", ct_index_copy(X(3), 0, ct_full_int(CT_SHAPE(1), 1, CT_I64), ONES(1)));
    IS("cat_mixed", ct_cat(CT_TENSORS(X(2), ONES(2)), 0));
    IS("stack_mixed", ct_stack(CT_TENSORS(X(2), ONES(2)), 0));
    IS("mm_mixed", ct_mm(X(2, 2), ONES(2, 2)));
    IS("mse_loss_mixed", ct_mse_loss(X(2), ONES(2), NULL));
    IS("add_mixed", ct_add(X(2), ONES(2)));
    IS("mm_f64", ct_mm(ct_ones(CT_SHAPE(2, 2), CT_F64), ct_ones(CT_SHAPE(2, 2), CT_F64)));
    ck_abort_msg("%s: no call for it", name);
#undef IS
}

START_TEST(results_have_the_dtypes_of_pytorchs) {
    int same = 0;
    for (size_t i = 0; i < COUNT(golden); i++)
        for (int k = 0; k < 4; k++) {
            const ct_dtype cast = k < 2 ? CT_BF16 : CT_F16;
            input_dtype = k % 2 ? cast : CT_F32;
            if (golden[i].result[k] == CT_DTYPE_NONE) continue; /* PyTorch has no kernel for it */
            ct_scope scope = ct_autocast_begin(cast);
            ct_tensor *y = run(golden[i].name);
            ck_assert_msg(ct_ok(), "%s of %s under %s: %s", golden[i].name, ct_dtype_name(input_dtype), ct_dtype_name(cast), ct_error_message());
            ck_assert_msg(ct_tensor_dtype(y) == golden[i].result[k], "%s of %s under %s: %s, PyTorch's is %s", golden[i].name, ct_dtype_name(input_dtype), ct_dtype_name(cast),
                          ct_dtype_name(ct_tensor_dtype(y)), ct_dtype_name(golden[i].result[k]));
            same++;
            ct_scope_end(scope);
        }
    printf("results of autocast compared: %d\n", same);
}
END_TEST

START_TEST(a_scope_turns_it_on_and_its_end_off_again) {
    ck_assert(!ct_is_autocast_enabled() && ct_autocast_dtype() == CT_DTYPE_NONE);
    ct_scope outer = ct_autocast_begin(CT_BF16);
    ck_assert_int_eq(ct_autocast_dtype(), CT_BF16);
    ct_scope f16 = ct_autocast_begin(CT_F16);
    ck_assert_int_eq(ct_autocast_dtype(), CT_F16);
    ct_scope off = ct_autocast_begin(CT_DTYPE_NONE);
    ck_assert(!ct_is_autocast_enabled());
    input_dtype = CT_F32;
    ck_assert_int_eq(ct_tensor_dtype(ct_mm(X(2, 2), X(2, 2))), CT_F32);
    ct_scope_end(off);
    ck_assert_int_eq(ct_autocast_dtype(), CT_F16);
    ct_scope_end(f16);
    ck_assert(ct_is_autocast_enabled());
    ct_scope bad = ct_autocast_begin(CT_F64);
    ck_error(CT_ERR_DTYPE, "ct_autocast_begin: float64 is no dtype to cast to");
    ck_assert_int_eq(ct_autocast_dtype(), CT_BF16);
    ct_scope_end(bad);
    ct_scope_end(outer);
    ck_assert(!ct_is_autocast_enabled());
}
END_TEST

static ct_tensor *weight_of(const double *values) {
    ct_tensor *w = test_f32(values, CT_SHAPE(2, 2));
    ct_set_requires_grad(w, true);
    return w;
}
static const double some[4] = {1.001, -2.5, 0.3, 4};

START_TEST(parameters_and_their_gradients_stay_float32) {
    ct_tensor *w = weight_of(some), *x = test_f32((double[]){1, 2}, CT_SHAPE(1, 2));
    ct_scope cast = ct_autocast_begin(CT_BF16);
    ct_tensor *y = ct_linear(x, w, NULL);
    ck_assert_int_eq(ct_tensor_dtype(y), CT_BF16);
    ct_tensor *loss = ct_scope_return(cast, ct_mse_loss(y, ct_zeros(CT_SHAPE(1, 2), CT_F32), NULL));
    ck_assert_int_eq(ct_tensor_dtype(loss), CT_F32);
    ck_assert_int_eq(ct_backward(loss), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(w), CT_F32);
    ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(w)), CT_F32);
    /* y = (-4, 8.3) in bfloat16: (-4, 8.3125); d loss / d w = y x */
    ck_values_close(ct_tensor_grad(w), 1e-2, -4, -8, 8.3125, 16.625);
}
END_TEST

START_TEST(a_weight_is_converted_once_and_anew_when_it_has_changed) {
    ct_tensor *w = weight_of(some), *x = test_f32((double[]){1, 2}, CT_SHAPE(1, 2));
    ct_scope cast = ct_autocast_begin(CT_BF16);
    ct_linear(x, w, NULL);
    int64_t blocks = ct_memory_get_stats().live_blocks;
    ct_scope each = ct_scope_begin();
    ct_tensor *y = ct_sum(ct_add(ct_linear(x, w, NULL), ct_linear(x, w, NULL)));
    ct_backward(y);
    ct_scope_end(each);
    ct_tensor *one = ct_tensor_grad(w);
    ck_values_close(one, 1e-6, 2, 4, 2, 4);
    each = ct_scope_begin();
    ct_backward(ct_sum(ct_linear(x, w, NULL))); /* through the same copy once more */
    ct_scope_end(each);
    ck_ok();
    ck_values_close(one, 1e-6, 3, 6, 3, 6);
    ck_assert_int_ge(blocks, 1);
    ct_scope no_grad = ct_no_grad_begin();
    ct_tensor *before = ct_linear(x, w, NULL);
    ct_fill_(w, 2);
    ck_values(ct_linear(x, w, NULL), 6, 6);
    ct_scope_end(no_grad);
    (void)before;
    ct_tensor *again = ct_linear(x, w, NULL); /* and one that was converted without a graph is not used with one */
    ck_values(again, 6, 6);
    ck_assert(ct_requires_grad(again));
    ct_scope_end(cast);
}
END_TEST

START_TEST(the_copies_go_with_the_outermost_scope) {
    ct_tensor *w = weight_of(some), *x = test_f32((double[]){1, 2}, CT_SHAPE(1, 2));
    ct_scope outside = ct_scope_begin();
    int64_t blocks = ct_memory_get_stats().live_blocks;
    ct_scope cast = ct_autocast_begin(CT_BF16), inner = ct_autocast_begin(CT_BF16);
    ct_linear(x, w, NULL);
    ct_scope_end(inner);
    ck_assert_int_gt(ct_memory_get_stats().live_blocks, blocks);
    ct_scope off = ct_autocast_begin(CT_DTYPE_NONE);
    ct_scope on = ct_autocast_begin(CT_BF16);
    ct_linear(x, w, NULL);
    (void)off, (void)on; /* jumped over by the end of an outer scope */
    ct_scope_end(cast);
    ck_assert_int_le(ct_memory_get_stats().live_blocks, blocks + 1); /* the leaf's own node may be there */
    ct_scope_end(outside);
}
END_TEST

START_TEST(backward_inside_of_the_scope_works_in_the_dtypes_of_forward) {
    ct_tensor *w = weight_of(some), *v = weight_of(some);
    ct_tensor *y = ct_mm(w, v); /* before the scope: float32, and so must its formula be */
    ct_scope cast = ct_autocast_begin(CT_BF16);
    ck_assert_int_eq(ct_backward(ct_sum(y)), CT_OK);
    ct_scope_end(cast);
    ck_values_close(ct_tensor_grad(w), 1e-6, 1.001 - 2.5, 4.3, 1.001 - 2.5, 4.3);
}
END_TEST

/* A net of modules trains: the loss falls, weights stay float32. */
START_TEST(modules_train_under_it) {
    ct_manual_seed(1);
    ct_module *net = ct_nn_sequential(ct_nn_conv2d(1, 4, 3, NULL), ct_nn_batch_norm2d(4, NULL), ct_nn_relu(), ct_nn_flatten(NULL), ct_nn_linear(16, 8, NULL),
                                      ct_nn_layer_norm(CT_SHAPE(8), NULL), ct_nn_gelu(NULL), ct_nn_linear(8, 3, NULL));
    ct_tensor *x = ct_rand(CT_SHAPE(12, 1, 4, 4), CT_F32, NULL), *t = ct_randint(0, 3, CT_SHAPE(12), CT_I64, NULL);
    ct_optim *opt = ct_optim_adam(ct_parameters(net), 1e-2, NULL);
    double first = 0, last = 0;
    for (int i = 0; i < 30; i++) {
        ct_scope step = ct_scope_begin(), cast = ct_autocast_begin(CT_BF16);
        ct_tensor *logits = ct_forward(net, x);
        ck_assert_int_eq(ct_tensor_dtype(logits), CT_BF16);
        ct_tensor *loss = ct_scope_return(cast, ct_cross_entropy(logits, t, NULL));
        ct_optim_zero_grad(opt);
        ct_backward(loss);
        ct_optim_step(opt);
        last = ct_item_f64(loss);
        if (i == 0) first = last;
        ct_scope_end(step);
    }
    ck_ok();
    ck_assert_msg(last < 0.7 * first, "the loss went from %g to %g", first, last);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(net, "0.weight")), CT_F32);
    ct_optim_free(opt);
    ct_module_free(net);
}
END_TEST

START_TEST(any_allocation_under_it_may_fail) {
    ct_tensor *w = weight_of(some), *x = test_f32((double[]){1, 2}, CT_SHAPE(1, 2));
    int64_t n = 1;
    for (;; n++) {
        ct_scope outer = ct_scope_begin();
        ct_scope cast = ct_autocast_begin(CT_BF16);
        ct_memory_fail_at(n);
        ct_tensor *hn = NULL, *rnn_w[] = {w, w};
        ct_tensor *y = ct_linear(x, w, NULL), *z = ct_rnn_tanh(ct_reshape(x, CT_SHAPE(1, 1, 2)), NULL, rnn_w, 2, NULL, &hn);
        ct_tensor *p = ct_max_pool3d(ct_reshape(y, CT_SHAPE(1, 1, 1, 2)), 1, NULL, &hn);
        ct_memory_fail_at(0);
        ck_assert(ct_ok() == (y && z && p));
        ct_scope_end(cast);
        bool done = ct_ok();
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        ck_assert(!ct_is_autocast_enabled());
        ct_scope_end(outer);
        if (done) break;
    }
    ck_assert_int_gt(n, 10);
}
END_TEST

TEST_LIST = {TEST(results_have_the_dtypes_of_pytorchs), TEST(a_scope_turns_it_on_and_its_end_off_again), TEST(parameters_and_their_gradients_stay_float32),
             TEST(a_weight_is_converted_once_and_anew_when_it_has_changed), TEST(the_copies_go_with_the_outermost_scope),
             TEST(backward_inside_of_the_scope_works_in_the_dtypes_of_forward), TEST(modules_train_under_it), TEST(any_allocation_under_it_may_fail)};
TEST_MAIN("autocast")
