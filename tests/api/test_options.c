/*
 * Option structs end in words for members of later versions: one that is not zero is an error of every call that takes the struct, in
 * whichever word it is, and the call does nothing. All calls have valid arguments but for that word.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <stdio.h>
#include <string.h>

static ct_tensor *a, *b, *index2, *image, *weight, *gradient, *indices, *labels, *cube, *picture, *made;
static ct_dict *dict;

static void build(void) {
    a = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    b = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    cube = ct_rand(CT_SHAPE(2, 3, 3), CT_F32, NULL);
    index2 = ct_zeros(CT_SHAPE(2), CT_I64);
    labels = ct_zeros(CT_SHAPE(2), CT_I64);
    image = ct_rand(CT_SHAPE(1, 2, 4, 4), CT_F32, NULL);
    picture = ct_rand(CT_SHAPE(1, 4, 4), CT_F32, NULL);
    weight = ct_rand(CT_SHAPE(2, 2, 3, 3), CT_F32, NULL);
    gradient = ct_rand(CT_SHAPE(1, 2, 2, 2), CT_F32, NULL);
    dict = ct_dict_new();
    ct_dict_set(dict, "a", a);
    ck_ok();
}

static bool refused_with_error(const char *call, bool refused) {
    ck_assert_msg(refused, "%s accepts a reserved word that is not zero", call);
    ck_assert_msg(ct_error_status() == CT_ERR_INVALID_ARGUMENT && strstr(ct_error_message(), "reserved word"), "%s: %s", call, ct_error_message());
    ck_assert_msg(!strncmp(ct_error_message(), "ct_", 3), "%s: the message does not begin with the function: %s", call, ct_error_message());
    ct_error_clear();
    return true;
}

/* The struct with its first and with its last reserved word set; zero first, that the arguments are otherwise valid. */
#define EACH_WORD(type, ok, refused, call)                                                                     \
    do {                                                                                                       \
        type o = {0};                                                                                          \
        if (ok) {                                                                                              \
            (void)(call);                                                                                      \
            ck_assert_msg(ct_ok(), "%s with zeroed options: %s", #call, ct_error_message());                   \
        }                                                                                                      \
        for (size_t i_ = 0; i_ < sizeof o.reserved / sizeof *o.reserved; i_ += sizeof o.reserved / sizeof *o.reserved - 1) { \
            memset(&o, 0, sizeof o);                                                                           \
            o.reserved[i_] = 1;                                                                                \
            refused_with_error(#call, refused);                                                                \
            if (sizeof o.reserved / sizeof *o.reserved == 1) break;                                            \
        }                                                                                                      \
    } while (0)
#define MAKES(type, call) EACH_WORD(type, true, (call) == NULL, call)
#define DOES(type, call) EACH_WORD(type, true, (call) != CT_OK, call)
#define MAKES_OWNED(type, call) EACH_WORD(type, false, (call) == NULL, call)

START_TEST(operations_on_lines_and_volumes_refuse_a_reserved_word) {
    ct_tensor *line = ct_rand(CT_SHAPE(1, 1, 4), CT_F32, NULL), *volume = ct_rand(CT_SHAPE(1, 1, 4, 4, 4), CT_F32, NULL);
    build();
    MAKES(ct_conv1d_options, ct_conv1d(line, line, NULL, &o));
    MAKES(ct_conv3d_options, ct_conv3d(volume, volume, NULL, &o));
    MAKES(ct_conv_transpose1d_options, ct_conv_transpose1d(line, line, NULL, &o));
    MAKES(ct_conv_transpose2d_options, ct_conv_transpose2d(image, weight, NULL, &o));
    MAKES(ct_conv_transpose3d_options, ct_conv_transpose3d(volume, volume, NULL, &o));
    MAKES(ct_unfold_options, ct_unfold(image, 2, &o));
    MAKES(ct_fold_options, ct_fold(ct_unfold(image, 2, NULL), 4, 4, 2, &o));
    MAKES(ct_grid_sample_options, ct_grid_sample(image, ct_zeros(CT_SHAPE(1, 2, 2, 2), CT_F32), &o));
    MAKES(ct_affine_grid_options, ct_affine_grid(ct_zeros(CT_SHAPE(1, 2, 3), CT_F32), CT_SHAPE(1, 1, 2, 2), &o));
    MAKES_OWNED(ct_interpolate_options, ct_interpolate(image, &o)); /* zeroed options say neither size nor scale */
    ct_tensor *i1, *i2, *i3, *y1 = ct_max_pool1d(line, 2, NULL, &i1), *y2 = ct_max_pool2d(image, 2, NULL, &i2), *y3 = ct_max_pool3d(volume, 2, NULL, &i3);
    MAKES(ct_max_pool1d_options, ct_max_pool1d(line, 2, &o, NULL));
    MAKES(ct_max_pool3d_options, ct_max_pool3d(volume, 2, &o, NULL));
    MAKES(ct_max_unpool1d_options, ct_max_unpool1d(y1, i1, 2, &o));
    MAKES(ct_max_unpool2d_options, ct_max_unpool2d(y2, i2, 2, &o));
    MAKES(ct_max_unpool3d_options, ct_max_unpool3d(y3, i3, 2, &o));
    MAKES(ct_avg_pool1d_options, ct_avg_pool1d(line, 2, &o));
    MAKES(ct_avg_pool3d_options, ct_avg_pool3d(volume, 2, &o));
    MAKES(ct_lp_pool1d_options, ct_lp_pool1d(line, 2, 2, &o));
    MAKES(ct_lp_pool2d_options, ct_lp_pool2d(image, 2, 2, &o));
    MAKES(ct_lp_pool3d_options, ct_lp_pool3d(volume, 2, 2, &o));
}
END_TEST

START_TEST(operations_refuse_a_reserved_word) {
    build();
    ct_tensor *list[] = {index2}, *square3 = ct_select(cube, 0, 0);
    ct_tensor *wide_index = ct_zeros(CT_SHAPE(2, 3), CT_I64), *some = ct_rand(CT_SHAPE(2), CT_F32, NULL);
    MAKES(ct_cross_entropy_options, ct_cross_entropy(a, labels, &o));
    MAKES(ct_nll_loss_options, ct_nll_loss(a, labels, &o));
    MAKES(ct_mse_loss_options, ct_mse_loss(a, b, &o));
    MAKES(ct_l1_loss_options, ct_l1_loss(a, b, &o));
    MAKES(ct_smooth_l1_loss_options, ct_smooth_l1_loss(a, b, &o));
    MAKES(ct_huber_loss_options, ct_huber_loss(a, b, &o));
    MAKES(ct_binary_cross_entropy_options, ct_binary_cross_entropy(a, b, &o));
    MAKES(ct_binary_cross_entropy_with_logits_options, ct_binary_cross_entropy_with_logits(a, b, &o));
    ct_tensor *one = ct_zeros(CT_SHAPE(1), CT_I64);
    MAKES(ct_kl_div_options, ct_kl_div(a, b, &o));
    MAKES(ct_poisson_nll_loss_options, ct_poisson_nll_loss(a, b, &o));
    MAKES(ct_gaussian_nll_loss_options, ct_gaussian_nll_loss(a, b, b, &o));
    MAKES(ct_hinge_embedding_loss_options, ct_hinge_embedding_loss(a, b, &o));
    MAKES(ct_margin_ranking_loss_options, ct_margin_ranking_loss(a, b, b, &o));
    MAKES(ct_cosine_embedding_loss_options, ct_cosine_embedding_loss(a, b, labels, &o));
    MAKES(ct_soft_margin_loss_options, ct_soft_margin_loss(a, b, &o));
    MAKES(ct_triplet_margin_loss_options, ct_triplet_margin_loss(a, b, b, &o));
    MAKES(ct_triplet_margin_with_distance_loss_options, ct_triplet_margin_with_distance_loss(a, b, b, &o));
    MAKES(ct_multi_margin_loss_options, ct_multi_margin_loss(a, labels, &o));
    MAKES(ct_multilabel_margin_loss_options, ct_multilabel_margin_loss(a, ct_zeros(CT_SHAPE(2, 3), CT_I64), &o));
    MAKES(ct_multilabel_soft_margin_loss_options, ct_multilabel_soft_margin_loss(a, b, &o));
    MAKES(ct_ctc_loss_options, ct_ctc_loss(a, ct_zeros(CT_SHAPE(0), CT_I64), one, one, &o));
    MAKES(ct_hardtanh_options, ct_hardtanh(a, &o));
    DOES(ct_hardtanh_options, ct_hardtanh_(a, &o));
    MAKES(ct_hardshrink_options, ct_hardshrink(a, &o));
    MAKES(ct_softshrink_options, ct_softshrink(a, &o));
    MAKES(ct_celu_options, ct_celu(a, &o));
    DOES(ct_celu_options, ct_celu_(a, &o));
    DOES(ct_elu_options, ct_elu_(a, &o));
    DOES(ct_leaky_relu_options, ct_leaky_relu_(a, &o));
    MAKES(ct_rrelu_options, ct_rrelu(a, &o));
    DOES(ct_rrelu_options, ct_rrelu_(a, &o));
    MAKES(ct_gumbel_softmax_options, ct_gumbel_softmax(a, 1, &o));
    MAKES(ct_dropout_options, ct_dropout2d(image, 0.5, &o));
    MAKES(ct_dropout_options, ct_alpha_dropout(a, 0.5, &o));
    DOES(ct_dropout_options, ct_dropout_(image, 0.5, &o));
    MAKES(ct_pairwise_distance_options, ct_pairwise_distance(a, b, &o));
    MAKES(ct_cosine_similarity_options, ct_cosine_similarity(a, b, 1, &o));
    MAKES(ct_normalize_options, ct_normalize(a, 1, &o));
    MAKES(ct_local_response_norm_options, ct_local_response_norm(cube, 2, &o));
    MAKES(ct_layer_norm_options, ct_layer_norm(a, CT_SHAPE(3), NULL, NULL, &o));
    MAKES(ct_rms_norm_options, ct_rms_norm(a, CT_SHAPE(3), NULL, &o));
    MAKES(ct_group_norm_options, ct_group_norm(image, 1, NULL, NULL, &o));
    MAKES(ct_instance_norm_options, ct_instance_norm(image, NULL, NULL, NULL, NULL, &o));
    MAKES(ct_batch_norm_options, ct_batch_norm(image, ct_zeros(CT_SHAPE(2), CT_F32), ct_ones(CT_SHAPE(2), CT_F32), NULL, NULL, &o));
    MAKES(ct_scaled_dot_product_attention_options, ct_scaled_dot_product_attention(cube, cube, cube, NULL, &o));
    MAKES(ct_embedding_bag_options, ct_embedding_bag(ct_zeros(CT_SHAPE(2, 2), CT_I64), a, NULL, &o));
    ct_tensor *cells[] = {ct_rand(CT_SHAPE(12, 3), CT_F32, NULL), ct_rand(CT_SHAPE(12, 3), CT_F32, NULL)}, **plain = (ct_tensor *[]){square3, square3};
    MAKES(ct_rnn_options, ct_lstm(cube, NULL, NULL, cells, 2, &o, NULL, NULL));
    MAKES(ct_rnn_options, ct_rnn_tanh(cube, NULL, plain, 2, &o, NULL));
    MAKES(ct_multinomial_options, ct_multinomial(a, 1, &o));
    MAKES(ct_reduce_options, ct_sum_dim(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_mean_dim(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_prod_dim(a, 1, &o));
    MAKES(ct_var_options, ct_var(a, &o));
    MAKES(ct_var_options, ct_var_dim(a, CT_DIMS(1), &o));
    MAKES(ct_var_options, ct_std(a, &o));
    MAKES(ct_var_options, ct_std_dim(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_amax(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_amin(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_max_dim(a, 1, &o, &indices));
    MAKES(ct_reduce_options, ct_min_dim(a, 1, &o, &indices));
    MAKES(ct_reduce_options, ct_argmax(a, 1, &o));
    MAKES(ct_reduce_options, ct_argmin(a, 1, &o));
    MAKES(ct_reduce_options, ct_norm(a, 2, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_logsumexp(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_all_dim(a, 1, &o));
    MAKES(ct_reduce_options, ct_any_dim(a, 1, &o));
    MAKES(ct_conv2d_options, ct_conv2d(image, weight, NULL, &o));
    MAKES(ct_conv2d_options, ct_conv2d_input(CT_SHAPE(1, 2, 4, 4), weight, gradient, &o));
    MAKES(ct_conv2d_options, ct_conv2d_weight(image, CT_SHAPE(2, 2, 3, 3), gradient, &o));
    MAKES(ct_max_pool2d_options, ct_max_pool2d(image, 2, &o, NULL));
    MAKES(ct_avg_pool2d_options, ct_avg_pool2d(image, 2, &o));
    MAKES(ct_index_add_options, ct_index_add(a, 0, index2, b, &o));
    MAKES(ct_index_put_options, ct_index_put(a, list, 1, b, &o));
    DOES(ct_index_put_options, ct_index_put_(a, list, 1, b, &o));
    MAKES(ct_embedding_options, ct_embedding(index2, b, &o));
    MAKES(ct_sort_options, ct_sort(a, 1, &o, &indices));
    MAKES(ct_topk_options, ct_topk(a, 1, 1, &o, &indices));
    MAKES(ct_sort_options, ct_argsort(a, 1, &o));
    MAKES(ct_reduce_options, ct_nansum_dim(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_nanmean_dim(a, CT_DIMS(1), &o));
    MAKES(ct_var_options, ct_var_mean(a, CT_DIMS(1), &o, &indices));
    MAKES(ct_var_options, ct_std_mean(a, CT_DIMS(1), &o, &indices));
    MAKES(ct_reduce_options, ct_aminmax(a, 1, &o, &indices));
    MAKES(ct_reduce_options, ct_median_dim(a, 1, &o, &indices));
    MAKES(ct_reduce_options, ct_nanmedian_dim(a, 1, &o, &indices));
    MAKES(ct_reduce_options, ct_mode(a, 1, &o, &indices));
    MAKES(ct_reduce_options, ct_kthvalue(a, 1, 1, &o, &indices));
    MAKES(ct_quantile_options, ct_quantile(a, ct_scalar_tensor(0.5, CT_F32), 1, &o));
    MAKES(ct_quantile_options, ct_quantile_scalar(a, 0.5, 1, &o));
    MAKES(ct_quantile_options, ct_nanquantile(a, ct_scalar_tensor(0.5, CT_F32), 1, &o));
    MAKES(ct_quantile_options, ct_nanquantile_scalar(a, 0.5, 1, &o));
    MAKES(ct_reduce_options, ct_all_dims(a, CT_DIMS(1), &o));
    MAKES(ct_reduce_options, ct_any_dims(a, CT_DIMS(1), &o));
    MAKES(ct_unique_options, ct_unique(a, 0, &o, NULL, NULL));
    MAKES(ct_repeat_interleave_options, ct_repeat_interleave(a, index2, 0, &o));
    MAKES(ct_repeat_interleave_options, ct_repeat_interleave_int(a, 2, 0, &o));
    MAKES(ct_pad_options, ct_pad(a, CT_SHAPE(1, 1), &o));
    MAKES(ct_scatter_reduce_options, ct_scatter_reduce(a, 0, wide_index, b, CT_SCATTER_SUM, &o));
    DOES(ct_scatter_reduce_options, ct_scatter_reduce_(a, 0, wide_index, b, CT_SCATTER_SUM, &o));
    DOES(ct_index_add_options, ct_index_add_(a, 0, index2, b, &o));
    MAKES(ct_index_put_options, ct_put(a, index2, some, &o));
    DOES(ct_index_put_options, ct_put_(a, index2, some, &o));
    MAKES(ct_searchsorted_options, ct_searchsorted(a, b, &o));
    MAKES(ct_searchsorted_options, ct_searchsorted_scalar(some, 0.5, &o));
    MAKES(ct_bucketize_options, ct_bucketize(a, some, &o));
    MAKES(ct_gelu_options, ct_gelu(a, &o));
    MAKES(ct_leaky_relu_options, ct_leaky_relu(a, &o));
    MAKES(ct_elu_options, ct_elu(a, &o));
    MAKES(ct_softplus_options, ct_softplus(a, &o));
    MAKES(ct_dropout_options, ct_dropout(a, 0.5, &o));
    MAKES(ct_addmm_options, ct_addmm(b, a, square3, &o));
    MAKES(ct_addmm_options, ct_baddbmm(cube, cube, cube, &o));
    ct_tensor *eye = ct_eye(3, 3, CT_F32), *v = ct_ones(CT_SHAPE(3), CT_F32);
    MAKES(ct_addmm_options, ct_addmv(v, eye, v, &o));
    MAKES(ct_addmm_options, ct_addr(eye, v, v, &o));
    MAKES(ct_addmm_options, ct_addbmm(eye, cube, cube, &o));
    MAKES(ct_linalg_cholesky_options, ct_linalg_cholesky(eye, &o));
    MAKES(ct_linalg_cholesky_options, ct_linalg_cholesky_ex(eye, &o, NULL));
    MAKES(ct_linalg_svd_options, ct_linalg_svd(eye, &o, NULL, NULL));
    MAKES(ct_linalg_eigh_options, ct_linalg_eigh(eye, &o, NULL));
    MAKES(ct_linalg_eigh_options, ct_linalg_eigvalsh(eye, &o));
    MAKES(ct_linalg_solve_options, ct_linalg_solve(eye, eye, &o));
    MAKES(ct_linalg_solve_triangular_options, ct_linalg_solve_triangular(eye, eye, true, &o));
    MAKES(ct_linalg_lstsq_options, ct_linalg_lstsq(eye, eye, &o, NULL, NULL, NULL));
    MAKES(ct_linalg_rank_options, ct_linalg_pinv(eye, &o));
    MAKES(ct_linalg_rank_options, ct_linalg_matrix_rank(eye, &o));
    MAKES(ct_linalg_vector_norm_options, ct_linalg_vector_norm(eye, &o));
    MAKES(ct_linalg_norm_options, ct_linalg_matrix_norm(eye, &o));
    MAKES(ct_linalg_norm_options, ct_linalg_norm(eye, &o));
    EACH_WORD(ct_allclose_options, true, !ct_allclose(a, a, &o), ct_allclose(a, a, &o));
    MAKES(ct_isclose_options, ct_isclose(a, a, &o));
    MAKES(ct_logit_options, ct_logit(a, &o));
    MAKES(ct_nan_to_num_options, ct_nan_to_num(a, &o));
}
END_TEST

static ct_tensor *square(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(in[0], in[0]);
}
static ct_status do_nothing(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    out[0] = in[0];
    return CT_OK;
}
static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    out[0] = in[0];
    return CT_OK;
}
static int64_t none(const ct_dataset *d) { return d ? 0 : 1; }
static ct_status get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    (void)d, (void)i, (void)g, (void)out;
    return CT_OK;
}
static ct_tensor *apply(ct_transform *t, ct_tensor *x, ct_generator *g) {
    (void)t, (void)g;
    return x;
}

static ct_status squares(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)n_out;
    out[0] = square(in, n_in, user);
    return ct_error_status();
}
static ct_tensor *sum_of_squares(ct_tensor *const *in, int n, void *user) { return ct_sum(square(in, n, user)); }
static ct_status forward_hook(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)m, (void)in, (void)n_in, (void)out, (void)n_out, (void)user;
    return CT_OK;
}
static void *pack(ct_tensor *t, void *user) { return (void)user, t; }
static ct_tensor *unpack(void *packed, void *user) { return (void)user, packed; }

START_TEST(autograd_and_classes_refuse_a_reserved_word) {
    build();
    ct_module *net = ct_nn_sequential(ct_nn_tanh());
    ct_tensor *leaf = ct_rand(CT_SHAPE(2), CT_F64, NULL), *loss, *grad = NULL, *in[] = {leaf};
    ct_set_requires_grad(leaf, true);
    loss = ct_sum(ct_mul(leaf, leaf));
    EACH_WORD(ct_grad_options, false, ct_grad(&loss, 1, in, 1, &o, &grad) != CT_OK && !grad, ct_grad);
    EACH_WORD(ct_backward_options, false, ct_backward_with(&loss, NULL, 1, &o) != CT_OK && !ct_tensor_grad(leaf), ct_backward_with);
    DOES(ct_gradcheck_options, ct_gradcheck(square, NULL, in, 1, &o));
    DOES(ct_gradcheck_options, ct_gradgradcheck(square, NULL, in, 1, &o));
    DOES(ct_gradcheck_options, ct_gradcheck_n(squares, NULL, in, 1, 1, &o));
    DOES(ct_functional_options, ct_jacobian(square, NULL, in, 1, &o, &grad));
    DOES(ct_functional_options, ct_hvp(sum_of_squares, NULL, in, 1, in, &o, NULL, &grad));
    MAKES(ct_checkpoint_options, ct_checkpoint_apply(square, NULL, NULL, in, 1, &o));
    MAKES(ct_checkpoint_options, ct_checkpoint_sequential(net, 1, a, &o));
    EACH_WORD(ct_graph_dot_options, true, ct_graph_dot_format(in, 1, &o, NULL, 0) < 0, ct_graph_dot_format(in, 1, &o, NULL, 0));
    DOES(ct_module_hook_options, ct_module_register_forward_hook(net, forward_hook, NULL, NULL, &o, NULL));
    EACH_WORD(ct_saved_tensors_hooks, false, (o.pack = pack, o.unpack = unpack, ct_scope_end(ct_saved_tensors_hooks_begin(&o, NULL)), !ct_ok()), ct_saved_tensors_hooks_begin);
    EACH_WORD(ct_function_class, false, (o.name = "f", o.forward = do_nothing, o.backward = do_nothing, ct_function_apply(&o, NULL, in, 1) == NULL), ct_function_apply);
    EACH_WORD(ct_module_class, false, (o.name = "m", o.forward = forward, ct_module_new(&o, NULL) == NULL), ct_module_new);
    EACH_WORD(ct_dataset_class, false, (o.name = "d", o.size = none, o.get = get, ct_dataset_new(&o, NULL) == NULL), ct_dataset_new);
    EACH_WORD(ct_transform_class, false, (o.name = "t", o.apply = apply, ct_transform_new(&o, NULL) == NULL), ct_transform_new);
    ct_module_free(net);
}
END_TEST

START_TEST(layers_refuse_a_reserved_word) {
    const int64_t two = 2;
    MAKES_OWNED(ct_nn_conv1d_options, ct_nn_conv1d(2, 2, 3, &o));
    MAKES_OWNED(ct_nn_conv2d_options, ct_nn_conv2d(2, 2, 3, &o));
    MAKES_OWNED(ct_nn_conv3d_options, ct_nn_conv3d(2, 2, 3, &o));
    MAKES_OWNED(ct_nn_conv_transpose1d_options, ct_nn_conv_transpose1d(2, 2, 3, &o));
    MAKES_OWNED(ct_nn_conv_transpose2d_options, ct_nn_conv_transpose2d(2, 2, 3, &o));
    MAKES_OWNED(ct_nn_conv_transpose3d_options, ct_nn_conv_transpose3d(2, 2, 3, &o));
    MAKES_OWNED(ct_max_pool1d_options, ct_nn_max_pool1d(2, &o));
    MAKES_OWNED(ct_max_pool2d_options, ct_nn_max_pool2d(2, &o));
    MAKES_OWNED(ct_max_pool3d_options, ct_nn_max_pool3d(2, &o));
    MAKES_OWNED(ct_max_unpool1d_options, ct_nn_max_unpool1d(2, &o));
    MAKES_OWNED(ct_max_unpool2d_options, ct_nn_max_unpool2d(2, &o));
    MAKES_OWNED(ct_max_unpool3d_options, ct_nn_max_unpool3d(2, &o));
    MAKES_OWNED(ct_avg_pool1d_options, ct_nn_avg_pool1d(2, &o));
    MAKES_OWNED(ct_avg_pool2d_options, ct_nn_avg_pool2d(2, &o));
    MAKES_OWNED(ct_avg_pool3d_options, ct_nn_avg_pool3d(2, &o));
    MAKES_OWNED(ct_lp_pool1d_options, ct_nn_lp_pool1d(2, 2, &o));
    MAKES_OWNED(ct_lp_pool2d_options, ct_nn_lp_pool2d(2, 2, &o));
    MAKES_OWNED(ct_lp_pool3d_options, ct_nn_lp_pool3d(2, 2, &o));
    MAKES_OWNED(ct_nn_fractional_max_pool2d_options, (o.output_size = 2, ct_nn_fractional_max_pool2d(2, &o)));
    MAKES_OWNED(ct_nn_fractional_max_pool3d_options, (o.output_size = 2, ct_nn_fractional_max_pool3d(2, &o)));
    MAKES_OWNED(ct_nn_batch_norm1d_options, ct_nn_batch_norm1d(2, &o));
    MAKES_OWNED(ct_nn_batch_norm2d_options, ct_nn_batch_norm2d(2, &o));
    MAKES_OWNED(ct_nn_batch_norm3d_options, ct_nn_batch_norm3d(2, &o));
    MAKES_OWNED(ct_nn_instance_norm1d_options, ct_nn_instance_norm1d(2, &o));
    MAKES_OWNED(ct_nn_instance_norm2d_options, ct_nn_instance_norm2d(2, &o));
    MAKES_OWNED(ct_nn_instance_norm3d_options, ct_nn_instance_norm3d(2, &o));
    MAKES_OWNED(ct_nn_group_norm_options, ct_nn_group_norm(2, 2, &o));
    MAKES_OWNED(ct_nn_layer_norm_options, ct_nn_layer_norm(&two, 1, &o));
    MAKES_OWNED(ct_nn_rms_norm_options, ct_nn_rms_norm(&two, 1, &o));
    MAKES_OWNED(ct_local_response_norm_options, ct_nn_local_response_norm(2, &o));
    MAKES_OWNED(ct_gelu_options, ct_nn_gelu(&o));
    MAKES_OWNED(ct_leaky_relu_options, ct_nn_leaky_relu(&o));
    MAKES_OWNED(ct_elu_options, ct_nn_elu(&o));
    MAKES_OWNED(ct_celu_options, ct_nn_celu(&o));
    MAKES_OWNED(ct_softplus_options, ct_nn_softplus(&o));
    MAKES_OWNED(ct_hardtanh_options, ct_nn_hardtanh(&o));
    MAKES_OWNED(ct_hardshrink_options, ct_nn_hardshrink(&o));
    MAKES_OWNED(ct_softshrink_options, ct_nn_softshrink(&o));
    MAKES_OWNED(ct_nn_rrelu_options, ct_nn_rrelu(&o));
    MAKES_OWNED(ct_nn_prelu_options, ct_nn_prelu(&o));
    MAKES_OWNED(ct_nn_bilinear_options, ct_nn_bilinear(2, 2, 2, &o));
    MAKES_OWNED(ct_cosine_similarity_options, ct_nn_cosine_similarity(1, &o));
    MAKES_OWNED(ct_pairwise_distance_options, ct_nn_pairwise_distance(&o));
    MAKES_OWNED(ct_nn_embedding_options, ct_nn_embedding(2, 2, &o));
    MAKES_OWNED(ct_nn_embedding_options, ct_nn_embedding_from_pretrained(ct_zeros(CT_SHAPE(2, 2), CT_F32), &o));
    MAKES_OWNED(ct_nn_embedding_bag_options, ct_nn_embedding_bag(2, 2, &o));
    MAKES_OWNED(ct_nn_embedding_bag_options, ct_nn_embedding_bag_from_pretrained(ct_zeros(CT_SHAPE(2, 2), CT_F32), &o));
    MAKES_OWNED(ct_nn_pad_options, ct_nn_constant_pad2d(1, 0, &o));
    MAKES_OWNED(ct_nn_pad_options, ct_nn_zero_pad1d(1, &o));
    MAKES_OWNED(ct_nn_pad_options, ct_nn_reflection_pad3d(1, &o));
    MAKES_OWNED(ct_nn_pad_options, ct_nn_replication_pad2d(1, &o));
    MAKES_OWNED(ct_nn_pad_options, ct_nn_circular_pad1d(1, &o));
    MAKES_OWNED(ct_nn_upsample_options, (o.size = 2, ct_nn_upsample(&o)));
    MAKES_OWNED(ct_nn_upsample_options, (o.size = 2, ct_nn_upsampling_nearest2d(&o)));
    MAKES_OWNED(ct_nn_upsample_options, (o.size = 2, ct_nn_upsampling_bilinear2d(&o)));
    MAKES_OWNED(ct_unfold_options, ct_nn_unfold(2, &o));
    MAKES_OWNED(ct_fold_options, ct_nn_fold(2, 2, 2, &o));
}
END_TEST

START_TEST(modules_and_optimizers_refuse_a_reserved_word) {
    build();
    ct_module *net = ct_nn_linear(2, 2, NULL);
    ct_list *parameters = ct_parameters(net);
    MAKES_OWNED(ct_nn_linear_options, ct_nn_linear(2, 2, &o));
    MAKES_OWNED(ct_nn_flatten_options, ct_nn_flatten(&o));
    MAKES_OWNED(ct_sgd_options, ct_optim_sgd(parameters, 0.1, &o));
    MAKES_OWNED(ct_adam_options, ct_optim_adam(parameters, 0.1, &o));
    MAKES_OWNED(ct_adam_options, ct_optim_adamw(parameters, 0.1, &o));
    MAKES_OWNED(ct_nadam_options, ct_optim_nadam(parameters, 0.1, &o));
    MAKES_OWNED(ct_radam_options, ct_optim_radam(parameters, 0.1, &o));
    MAKES_OWNED(ct_adamax_options, ct_optim_adamax(parameters, 0.1, &o));
    MAKES_OWNED(ct_adagrad_options, ct_optim_adagrad(parameters, 0.1, &o));
    MAKES_OWNED(ct_adadelta_options, ct_optim_adadelta(parameters, 0.1, &o));
    MAKES_OWNED(ct_rmsprop_options, ct_optim_rmsprop(parameters, 0.1, &o));
    MAKES_OWNED(ct_rprop_options, ct_optim_rprop(parameters, 0.1, &o));
    MAKES_OWNED(ct_asgd_options, ct_optim_asgd(parameters, 0.1, &o));
    MAKES_OWNED(ct_muon_options, ct_optim_muon(parameters, 0.1, &o));
    MAKES_OWNED(ct_lbfgs_options, ct_optim_lbfgs(parameters, 1, &o));
    ct_optim *optim = ct_optim_sgd(parameters, 0.1, NULL);
    MAKES_OWNED(ct_lr_step_options, ct_lr_step(optim, 1, &o));
    MAKES_OWNED(ct_lr_step_options, ct_lr_multi_step(optim, NULL, 0, &o));
    MAKES_OWNED(ct_lr_constant_options, ct_lr_constant(optim, &o));
    MAKES_OWNED(ct_lr_linear_options, ct_lr_linear(optim, &o));
    MAKES_OWNED(ct_lr_polynomial_options, ct_lr_polynomial(optim, &o));
    MAKES_OWNED(ct_lr_cosine_options, ct_lr_cosine_annealing(optim, 1, &o));
    MAKES_OWNED(ct_lr_warm_restarts_options, ct_lr_cosine_annealing_warm_restarts(optim, 1, &o));
    MAKES_OWNED(ct_lr_cyclic_options, ct_lr_cyclic(optim, 0.1, 0.2, &o));
    MAKES_OWNED(ct_lr_one_cycle_options, ct_lr_one_cycle(optim, 0.1, 10, &o));
    MAKES_OWNED(ct_lr_plateau_options, ct_lr_reduce_on_plateau(optim, &o));
    MAKES_OWNED(ct_lr_swa_options, ct_lr_swa(optim, 0.1, &o));
    MAKES_OWNED(ct_optim_average_options, ct_optim_average_ema(dict, 0.9, &o));
    MAKES_OWNED(ct_optim_average_options, ct_optim_average_swa(dict, &o));
    MAKES_OWNED(ct_early_stopping_options, ct_early_stopping_new(&o));
    ct_optim_free(optim);
    DOES(ct_load_state_dict_options, ct_load_state_dict(net, ct_state_dict_clone(net), &o));
    DOES(ct_init_kaiming_options, ct_init_kaiming_uniform_(weight, &o));
    DOES(ct_init_kaiming_options, ct_init_kaiming_normal_(weight, &o));
    ct_module_free(net);
}
END_TEST

START_TEST(sequence_modules_refuse_a_reserved_word) {
    build();
    ct_tensor *lengths = ct_full(CT_SHAPE(3), 2, CT_I64);
    ct_packed_sequence packed;
    MAKES_OWNED(ct_nn_rnn_options, ct_nn_rnn(2, 2, &o));
    MAKES_OWNED(ct_nn_lstm_options, ct_nn_lstm(2, 2, &o));
    MAKES_OWNED(ct_nn_gru_options, ct_nn_gru(2, 2, &o));
    MAKES_OWNED(ct_nn_rnn_cell_options, ct_nn_rnn_cell(2, 2, &o));
    MAKES_OWNED(ct_nn_lstm_cell_options, ct_nn_lstm_cell(2, 2, &o));
    MAKES_OWNED(ct_nn_gru_cell_options, ct_nn_gru_cell(2, 2, &o));
    MAKES_OWNED(ct_nn_multihead_attention_options, ct_nn_multihead_attention(2, 2, &o));
    MAKES_OWNED(ct_nn_transformer_encoder_layer_options, ct_nn_transformer_encoder_layer(2, 2, &o));
    MAKES_OWNED(ct_nn_transformer_decoder_layer_options, ct_nn_transformer_decoder_layer(2, 2, &o));
    MAKES_OWNED(ct_nn_transformer_options, ct_nn_transformer(&o));
    ct_module *attention = ct_nn_multihead_attention(3, 1, NULL);
    const ct_nn_transformer_layer_options narrow = {.dim_feedforward = 2};
    ct_module *encoder = ct_nn_transformer_encoder_layer(3, 1, &narrow), *decoder = ct_nn_transformer_decoder_layer(3, 1, &narrow);
    ct_module *both = ct_nn_transformer(&(ct_nn_transformer_options){.d_model = 3, .nhead = 1, .num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 2});
    MAKES(ct_nn_multihead_attention_forward_options, ct_nn_multihead_attention_forward(attention, cube, cube, cube, &o, NULL));
    MAKES(ct_nn_transformer_encoder_forward_options, ct_nn_transformer_encoder_layer_forward(encoder, cube, &o));
    MAKES(ct_nn_transformer_decoder_forward_options, ct_nn_transformer_decoder_layer_forward(decoder, cube, cube, &o));
    MAKES(ct_nn_transformer_forward_options, ct_nn_transformer_forward(both, cube, cube, &o));
    ct_module_free(attention), ct_module_free(encoder), ct_module_free(decoder), ct_module_free(both);
    DOES(ct_pack_padded_sequence_options, ct_pack_padded_sequence(cube, lengths, &o, &packed));
    DOES(ct_pack_sequence_options, ct_pack_sequence(&a, 1, &o, &packed));
    MAKES(ct_pad_sequence_options, ct_pad_sequence(&a, 1, &o));
    MAKES(ct_unpad_sequence_options, ct_unpad_sequence(cube, lengths, &o));
    ck_assert_int_eq(ct_pack_sequence(&a, 1, NULL, &packed), CT_OK);
    MAKES(ct_pad_packed_sequence_options, ct_pad_packed_sequence(&packed, &o, NULL));
}
END_TEST

START_TEST(data_and_files_refuse_a_reserved_word) {
    build();
    const char *file = test_tmp("options.safetensors"), *png = test_tmp("options.png"), *csv = test_tmp("options.csv");
    char text[200];
    ct_list *pictures = ct_list_new();
    ct_tensor *one_picture = ct_unsqueeze(picture, 0);
    ct_list_append(pictures, picture);
    ct_dataset *data = ct_dataset_tensors(a, labels);
    FILE *f = fopen(csv, "w");
    fputs("p,q\n1,2\n", f);
    fclose(f);
    DOES(ct_save_options, ct_save(dict, file, &o));
    MAKES(ct_save_options, ct_save_buffer(dict, &o));
    made = ct_save_buffer(dict, NULL);
    MAKES(ct_load_options, ct_load(file, &o));
    MAKES(ct_load_options, ct_load_buffer(ct_data(made), (size_t)ct_numel(made), &o));
    MAKES(ct_load_options, ct_load_metadata(file, &o));
    MAKES(ct_load_options, ct_read_file(file, &o));
    DOES(ct_image_write_options, ct_image_write(png, picture, &o));
    MAKES(ct_image_write_options, ct_image_encode(picture, CT_IMAGE_PNG, &o));
    MAKES(ct_image_options, ct_image_read(png, &o));
    MAKES(ct_image_grid_options, ct_image_grid(one_picture, &o));
    MAKES(ct_image_grid_options, ct_image_grid_list(pictures, &o));
    MAKES(ct_image_resize_options, ct_image_resize(one_picture, 2, 2, &o));
    MAKES_OWNED(ct_image_resize_options, ct_image_resize_shorter(one_picture, 0, &o)); /* zeroed options say no max_size */
    MAKES(ct_image_pad_options, ct_image_pad(one_picture, 1, 1, 1, 1, &o));
    MAKES(ct_image_rotate_options, ct_image_rotate(one_picture, 5, &o));
    MAKES(ct_image_affine_options, ct_image_affine(one_picture, &o));
    MAKES(ct_image_gaussian_blur_options, ct_image_gaussian_blur(one_picture, 3, &o));
    MAKES_OWNED(ct_image_resize_options, ct_transform_resize(2, 2, &o));
    MAKES_OWNED(ct_image_resize_options, ct_transform_resize_shorter(2, &o));
    MAKES_OWNED(ct_image_pad_options, ct_transform_pad(1, 1, 1, 1, &o));
    MAKES_OWNED(ct_random_resized_crop_options, ct_transform_random_resized_crop(2, 2, &o));
    MAKES_OWNED(ct_random_affine_options, ct_transform_random_affine(5, &o));
    MAKES_OWNED(ct_random_erasing_options, ct_transform_random_erasing(&o));
    MAKES_OWNED(ct_color_jitter_options, ct_transform_color_jitter(&o));
    MAKES_OWNED(ct_gaussian_blur_options, ct_transform_gaussian_blur(3, &o));
    MAKES_OWNED(ct_rand_augment_options, ct_transform_rand_augment(&o));
    ct_tensor *mixed = ct_zeros(CT_SHAPE(2, 1, 2, 2), CT_F32), *mixed_labels = labels;
    DOES(ct_mixup_options, ct_mixup(&mixed, &mixed_labels, 3, NULL, &o));
    DOES(ct_mixup_options, ct_cutmix(&mixed, &mixed_labels, 3, NULL, &o));
    MAKES_OWNED(ct_random_crop_options, ct_transform_random_crop(2, 2, &o));
    MAKES_OWNED(ct_random_shift_options, ct_transform_random_shift(0.1, 0.1, &o));
    MAKES_OWNED(ct_random_rotation_options, ct_transform_random_rotation(5, &o));
    MAKES_OWNED(ct_csv_options, ct_csv_read(csv, &o));
    MAKES_OWNED(ct_csv_options, ct_csv_parse("p,q\n1,2\n", 8, &o));
    MAKES_OWNED(ct_loader_options, ct_loader_new(data, &o));
    EACH_WORD(ct_download_options, false, ct_download("https://host/file", "nowhere", &o) != CT_OK, (void)0);
    EACH_WORD(ct_download_named_options, false, ct_download_dataset("mnist", "nowhere", &o) != CT_OK, (void)0);
    EACH_WORD(ct_download_named_options, false, ct_download_weights("resnet18", text, sizeof text, &o) != CT_OK, (void)0);
    MAKES_OWNED(ct_mnist_options, ct_dataset_mnist("nowhere", &o));
    MAKES_OWNED(ct_mnist_options, ct_dataset_fashion_mnist("nowhere", &o));
    MAKES_OWNED(ct_mnist_options, ct_dataset_kmnist("nowhere", &o));
    MAKES_OWNED(ct_cifar_options, ct_dataset_cifar10("nowhere", &o));
    MAKES_OWNED(ct_cifar_options, ct_dataset_cifar100("nowhere", &o));
    MAKES_OWNED(ct_image_folder_options, ct_dataset_image_folder("nowhere", &o));
    MAKES_OWNED(ct_sampler_random_options, ct_sampler_random(data, &o));
    MAKES_OWNED(ct_sampler_weighted_random_options, ct_sampler_weighted_random((const double[]){1}, 1, 1, &o));
    MAKES_OWNED(ct_sampler_distributed_options, ct_sampler_distributed(data, 1, 0, &o));
    ct_sampler *sampler = ct_sampler_sequential(data);
    MAKES_OWNED(ct_sampler_batch_options, ct_sampler_batch(sampler, 1, &o));
    ct_sampler_free(sampler);
    ct_dataset *parts[4];
    EACH_WORD(ct_k_fold_options, false, ct_dataset_k_fold(data, 2, &o, parts, parts + 2) != CT_OK, (void)0);
    EACH_WORD(ct_k_fold_options, false, ct_dataset_stratified_k_fold(data, 2, &o, parts, parts + 2) != CT_OK, (void)0);
    EACH_WORD(ct_print_options, true, ct_format(a, text, sizeof text, &o) == -1, ct_format(a, text, sizeof text, &o));
    ct_checkpoint c = {.step = 1};
    c.reserved[3] = 1;
    refused_with_error("ct_checkpoint_save", ct_checkpoint_save(&c, file) != CT_OK);
    refused_with_error("ct_checkpoint_load", ct_checkpoint_load(&c, file) != CT_OK);
    ct_dataset_free(data);
    remove(file);
    remove(png);
    remove(csv);
}
END_TEST

START_TEST(losses_as_modules_refuse_a_reserved_word) {
    MAKES_OWNED(ct_cross_entropy_options, ct_nn_cross_entropy_loss(&o));
    MAKES_OWNED(ct_nll_loss_options, ct_nn_nll_loss(&o));
    MAKES_OWNED(ct_mse_loss_options, ct_nn_mse_loss(&o));
    MAKES_OWNED(ct_l1_loss_options, ct_nn_l1_loss(&o));
    MAKES_OWNED(ct_smooth_l1_loss_options, ct_nn_smooth_l1_loss(&o));
    MAKES_OWNED(ct_huber_loss_options, ct_nn_huber_loss(&o));
    MAKES_OWNED(ct_binary_cross_entropy_options, ct_nn_bce_loss(&o));
    MAKES_OWNED(ct_binary_cross_entropy_with_logits_options, ct_nn_bce_with_logits_loss(&o));
    MAKES_OWNED(ct_kl_div_options, ct_nn_kl_div_loss(&o));
    MAKES_OWNED(ct_poisson_nll_loss_options, ct_nn_poisson_nll_loss(&o));
    MAKES_OWNED(ct_gaussian_nll_loss_options, ct_nn_gaussian_nll_loss(&o));
    MAKES_OWNED(ct_hinge_embedding_loss_options, ct_nn_hinge_embedding_loss(&o));
    MAKES_OWNED(ct_margin_ranking_loss_options, ct_nn_margin_ranking_loss(&o));
    MAKES_OWNED(ct_cosine_embedding_loss_options, ct_nn_cosine_embedding_loss(&o));
    MAKES_OWNED(ct_soft_margin_loss_options, ct_nn_soft_margin_loss(&o));
    MAKES_OWNED(ct_triplet_margin_loss_options, ct_nn_triplet_margin_loss(&o));
    MAKES_OWNED(ct_multi_margin_loss_options, ct_nn_multi_margin_loss(&o));
    MAKES_OWNED(ct_multilabel_margin_loss_options, ct_nn_multilabel_margin_loss(&o));
    MAKES_OWNED(ct_multilabel_soft_margin_loss_options, ct_nn_multilabel_soft_margin_loss(&o));
    MAKES_OWNED(ct_ctc_loss_options, ct_nn_ctc_loss(&o));
    MAKES_OWNED(ct_triplet_margin_with_distance_loss_options, ct_nn_triplet_margin_with_distance_loss(&o));
    ct_module *m = ct_nn_linear(2, 2, NULL);
    ct_list *parameters = ct_parameters(m);
    MAKES(ct_clip_grad_norm_options, ct_clip_grad_norm_(parameters, 1, &o));
    MAKES(ct_clip_grad_norm_options, ct_get_total_norm(parameters, &o));
    DOES(ct_weight_norm_options, ct_weight_norm(m, "weight", &o));
    DOES(ct_spectral_norm_options, ct_spectral_norm(m, "bias", &o));
    ct_module_free(m);
}
END_TEST

START_TEST(metrics_and_logs_refuse_a_reserved_word) {
    ct_tensor *matrix = ct_eye(2, 2, CT_I64);
    MAKES(ct_class_score_options, ct_precision(matrix, &o));
    MAKES(ct_class_score_options, ct_recall(matrix, &o));
    MAKES(ct_class_score_options, ct_f1_score(matrix, &o));
    MAKES_OWNED(ct_progress_options, ct_progress_new(1, &o));
    MAKES_OWNED(ct_summary_writer_options, ct_summary_writer_new("never", &o));
}
END_TEST

START_TEST(charts_and_reports_refuse_a_reserved_word) {
    build();
    static const char *const names[] = {"a", "b"};
    MAKES_OWNED(ct_chart_options, ct_chart_new(NULL, &o));
    ct_chart *xy = ct_chart_new(NULL, NULL), *bars = ct_chart_new(NULL, NULL);
    ct_report *report = ct_report_new("options");
    DOES(ct_chart_line_options, ct_chart_line(xy, NULL, labels, &o));
    DOES(ct_chart_scatter_options, ct_chart_scatter(xy, labels, labels, &o));
    DOES(ct_chart_histogram_options, ct_chart_histogram(xy, labels, &o));
    DOES(ct_chart_bars_options, ct_chart_bars(bars, names, labels, &o));
    EACH_WORD(ct_chart_heatmap_options, false, ct_chart_heatmap(xy, a, &o) != CT_OK, ct_chart_heatmap(xy, a, &o));
    const ct_report_column column = {.name = "a"};
    DOES(ct_report_table_options, ct_report_table(report, &column, 1, &o));
    EACH_WORD(ct_report_column, false, (o.name = "a", ct_report_table(report, &o, 1, NULL)) != CT_OK, ct_report_table(report, &o, 1, NULL));
    DOES(ct_report_images_options, ct_report_images(report, picture, &o));
    ct_tensor *counts = ct_ones(CT_SHAPE(2, 2), CT_I64);
    DOES(ct_report_confusion_options, ct_report_confusion(report, counts, &o));
    ct_chart_free(xy);
    ct_chart_free(bars);
    ct_report_free(report);
}
END_TEST

TEST_LIST = {
    TEST(charts_and_reports_refuse_a_reserved_word),
    TEST(operations_on_lines_and_volumes_refuse_a_reserved_word),
    TEST(operations_refuse_a_reserved_word),
    TEST(autograd_and_classes_refuse_a_reserved_word),
    TEST(layers_refuse_a_reserved_word),
    TEST(modules_and_optimizers_refuse_a_reserved_word),
    TEST(sequence_modules_refuse_a_reserved_word),
    TEST(data_and_files_refuse_a_reserved_word),
    TEST(losses_as_modules_refuse_a_reserved_word),
    TEST(metrics_and_logs_refuse_a_reserved_word),
};
TEST_MAIN("options")
