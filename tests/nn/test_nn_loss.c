/*
 * Losses as modules: the same numbers as the functions, weights as buffers, errors. test_modules_loss replays PyTorch's own.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <stdio.h>
#include <string.h>

static ct_tensor *x, *y, *p, *sign, *labels, *classes;

static void build(void) {
    ct_manual_seed(11);
    x = ct_randn(CT_SHAPE(4, 3), CT_F32, NULL);
    y = ct_randn(CT_SHAPE(4, 3), CT_F32, NULL);
    p = ct_rand(CT_SHAPE(4, 3), CT_F32, NULL);
    sign = test_f32((const double[]){1, -1, 1, -1}, CT_SHAPE(4));
    labels = test_i64((const double[]){0, 2, 1, 2}, CT_SHAPE(4));
    classes = test_i64((const double[]){0, -1, 0, 2, 1, -1, 1, -1, 0, -1, 0, 0}, CT_SHAPE(4, 3));
    ck_ok();
}

/* The module, which it frees, gives what the function gave, under PyTorch's name. */
static void same(const char *name, ct_module *m, ct_tensor *const *in, int n, ct_tensor *want) {
    char text[64], expected[64];
    ct_tensor *got = NULL;
    ck_ok();
    ck_assert_int_eq(ct_forward_n(m, in, n, &got, 1), CT_OK);
    ck_close(got, want, 0, 0);
    ct_module_format(m, text, sizeof text);
    snprintf(expected, sizeof expected, "%s()", name);
    ck_assert_str_eq(text, expected);
    ct_module_free(m);
}
#define IN(...) (ct_tensor *[]){__VA_ARGS__}, (int)(sizeof((ct_tensor *[]){__VA_ARGS__}) / sizeof(ct_tensor *))

START_TEST(each_gives_what_its_function_gives) {
    build();
    const ct_reduction none = CT_REDUCTION_NONE, sum = CT_REDUCTION_SUM;
    ct_cross_entropy_options ce = {.label_smoothing = 0.2, .ignore_index = ct_some_i64(1)};
    same("CrossEntropyLoss", ct_nn_cross_entropy_loss(&ce), IN(x, labels), ct_cross_entropy(x, labels, &ce));
    same("NLLLoss", ct_nn_nll_loss(&(ct_nll_loss_options){.reduction = none}), IN(x, labels), ct_nll_loss(x, labels, &(ct_nll_loss_options){.reduction = none}));
    same("MSELoss", ct_nn_mse_loss(NULL), IN(x, y), ct_mse_loss(x, y, NULL));
    same("L1Loss", ct_nn_l1_loss(&(ct_l1_loss_options){.reduction = sum}), IN(x, y), ct_l1_loss(x, y, &(ct_l1_loss_options){.reduction = sum}));
    ct_smooth_l1_loss_options smooth = {.beta = ct_some_f64(0)};
    same("SmoothL1Loss", ct_nn_smooth_l1_loss(&smooth), IN(x, y), ct_l1_loss(x, y, NULL));
    ct_huber_loss_options huber = {.delta = 0.3};
    same("HuberLoss", ct_nn_huber_loss(&huber), IN(x, y), ct_huber_loss(x, y, &huber));
    same("BCELoss", ct_nn_bce_loss(NULL), IN(p, p), ct_binary_cross_entropy(p, p, NULL));
    same("BCEWithLogitsLoss", ct_nn_bce_with_logits_loss(NULL), IN(x, p), ct_binary_cross_entropy_with_logits(x, p, NULL));
    ct_kl_div_options kl = {.reduction = CT_REDUCTION_BATCHMEAN, .log_target = true};
    same("KLDivLoss", ct_nn_kl_div_loss(&kl), IN(x, y), ct_kl_div(x, y, &kl));
    ct_poisson_nll_loss_options poisson = {.full = true, .no_log_input = true, .eps = ct_some_f64(0.1)};
    same("PoissonNLLLoss", ct_nn_poisson_nll_loss(&poisson), IN(p, p), ct_poisson_nll_loss(p, p, &poisson));
    ct_gaussian_nll_loss_options gaussian = {.full = true};
    same("GaussianNLLLoss", ct_nn_gaussian_nll_loss(&gaussian), IN(x, y, p), ct_gaussian_nll_loss(x, y, p, &gaussian));
    ct_hinge_embedding_loss_options hinge = {.margin = ct_some_f64(0.5)};
    same("HingeEmbeddingLoss", ct_nn_hinge_embedding_loss(&hinge), IN(p, ct_sign(x)), ct_hinge_embedding_loss(p, ct_sign(x), &hinge));
    ct_margin_ranking_loss_options ranking = {.margin = 0.5};
    same("MarginRankingLoss", ct_nn_margin_ranking_loss(&ranking), IN(x, y, ct_sign(p)), ct_margin_ranking_loss(x, y, ct_sign(p), &ranking));
    ct_cosine_embedding_loss_options cosine = {.margin = 0.1, .reduction = none};
    same("CosineEmbeddingLoss", ct_nn_cosine_embedding_loss(&cosine), IN(x, y, sign), ct_cosine_embedding_loss(x, y, sign, &cosine));
    same("SoftMarginLoss", ct_nn_soft_margin_loss(NULL), IN(x, ct_sign(y)), ct_soft_margin_loss(x, ct_sign(y), NULL));
    ct_triplet_margin_loss_options triplet = {.margin = 3, .p = ct_some_f64(1), .swap = true};
    same("TripletMarginLoss", ct_nn_triplet_margin_loss(&triplet), IN(x, y, p), ct_triplet_margin_loss(x, y, p, &triplet));
    ct_multi_margin_loss_options margin = {.p = 2, .margin = ct_some_f64(0)};
    same("MultiMarginLoss", ct_nn_multi_margin_loss(&margin), IN(x, labels), ct_multi_margin_loss(x, labels, &margin));
    same("MultiLabelMarginLoss", ct_nn_multilabel_margin_loss(NULL), IN(x, classes), ct_multilabel_margin_loss(x, classes, NULL));
    same("MultiLabelSoftMarginLoss", ct_nn_multilabel_soft_margin_loss(NULL), IN(x, p), ct_multilabel_soft_margin_loss(x, p, NULL));
    ct_ctc_loss_options ctc = {.blank = 2, .reduction = sum};
    ct_tensor *two = test_i64((const double[]){0}, CT_SHAPE(1)), *four = test_i64((const double[]){4}, CT_SHAPE(1)), *one = ct_ones(CT_SHAPE(1), CT_I64);
    same("CTCLoss", ct_nn_ctc_loss(&ctc), IN(ct_log_softmax(x, 1), two, four, one), ct_ctc_loss(ct_log_softmax(x, 1), two, four, one, &ctc));
}
END_TEST

START_TEST(weights_are_buffers) {
    build();
    ct_tensor *w = test_f32((const double[]){1, 2, 3}, CT_SHAPE(3)), *v = test_f32((const double[]){4, 5, 6}, CT_SHAPE(3));
    ct_module *m = ct_nn_bce_with_logits_loss(&(ct_binary_cross_entropy_with_logits_options){.weight = w, .pos_weight = v});
    ct_dict *state = ct_state_dict(m);
    ck_assert_int_eq(ct_dict_size(state), 2);
    ck_values(ct_dict_get(state, "weight"), 1, 2, 3);
    ck_values(ct_dict_get(state, "pos_weight"), 4, 5, 6);
    ck_assert_int_eq(ct_list_size(ct_parameters(m)), 0);
    ct_tensor *want = ct_binary_cross_entropy_with_logits(x, p, &(ct_binary_cross_entropy_with_logits_options){.weight = w, .pos_weight = v});
    ck_close(ct_nn_loss_forward(m, x, p), want, 0, 0);
    ck_assert_int_eq(ct_module_to(m, CT_F64), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(ct_nn_loss_forward(m, ct_to(x, CT_F64), ct_to(p, CT_F64))), CT_F64);
    ct_module_free(m);
    ck_assert_int_eq(ct_tensor_dtype(w), CT_F64); /* the same tensor */
    w = ct_to(w, CT_F32);
    ct_module *plain = ct_nn_nll_loss(NULL);
    ck_assert_int_eq(ct_dict_size(ct_state_dict(plain)), 0);
    ck_assert_int_eq(ct_module_register_buffer(plain, "weight", w, true), CT_OK); /* as loss.weight = w */
    ck_close(ct_nn_loss_forward(plain, x, labels), ct_nll_loss(x, labels, &(ct_nll_loss_options){.weight = w}), 0, 0);
    ct_module_free(plain);
}
END_TEST

#define WEIGHED(make, type, target)                                                                  \
    do {                                                                                             \
        type o = {.weight = w};                                                                      \
        ct_module *m_ = make(&o), *plain_ = make(NULL);                                              \
        ck_values(ct_module_get_buffer(m_, "weight"), 1, 2, 3);                                      \
        ck_assert(ct_item_f64(ct_nn_loss_forward(m_, p, target)) != ct_item_f64(ct_nn_loss_forward(plain_, p, target))); \
        ct_module_free(m_);                                                                          \
        ct_module_free(plain_);                                                                      \
    } while (0)

START_TEST(every_weight_counts) {
    build();
    ct_tensor *w = test_f32((const double[]){1, 2, 3}, CT_SHAPE(3));
    WEIGHED(ct_nn_cross_entropy_loss, ct_cross_entropy_options, labels);
    WEIGHED(ct_nn_nll_loss, ct_nll_loss_options, labels);
    WEIGHED(ct_nn_multi_margin_loss, ct_multi_margin_loss_options, labels);
    WEIGHED(ct_nn_bce_loss, ct_binary_cross_entropy_options, ct_square(p));
    WEIGHED(ct_nn_multilabel_soft_margin_loss, ct_multilabel_soft_margin_loss_options, p);
    p = ct_select(p, 0, 0);
    WEIGHED(ct_nn_mse_loss, ct_mse_loss_options, ct_square(p));
    WEIGHED(ct_nn_l1_loss, ct_l1_loss_options, ct_square(p));
    WEIGHED(ct_nn_huber_loss, ct_huber_loss_options, ct_square(p));
}
END_TEST

static ct_tensor *first_difference(ct_tensor *a, ct_tensor *b, void *user) {
    ++*(int *)user;
    return ct_abs(ct_select(ct_sub(a, b), 1, 0));
}

START_TEST(the_distance_of_a_triplet_is_a_child_or_a_function) {
    build();
    char text[128];
    ct_tensor *in[] = {x, y, p}, *out;
    ct_module *m = ct_nn_triplet_margin_with_distance_loss(&(ct_triplet_margin_with_distance_loss_options){.margin = 2});
    ct_module_format(m, text, sizeof text);
    ck_assert_str_eq(text, "TripletMarginWithDistanceLoss(\n  (distance_function): PairwiseDistance()\n)");
    ck_assert_int_eq(ct_forward_n(m, in, 3, &out, 1), CT_OK);
    ck_close(out, ct_triplet_margin_loss(x, y, p, &(ct_triplet_margin_loss_options){.margin = 2}), 0, 0);
    ct_module_add_child(m, "distance_function", ct_nn_pairwise_distance(&(ct_pairwise_distance_options){.p = ct_some_f64(1)}));
    ck_assert_int_eq(ct_forward_n(m, in, 3, &out, 1), CT_OK);
    ck_close(out, ct_triplet_margin_loss(x, y, p, &(ct_triplet_margin_loss_options){.margin = 2, .p = ct_some_f64(1)}), 0, 0);
    ct_module_free(m);
    int calls = 0;
    m = ct_nn_triplet_margin_with_distance_loss(&(ct_triplet_margin_with_distance_loss_options){.distance_function = first_difference, .user = &calls});
    ck_assert_int_eq(ct_module_num_children(m), 0);
    ck_assert_int_eq(ct_forward_n(m, in, 3, &out, 1), CT_OK);
    ck_assert_int_eq(calls, 2);
    ct_module_free(m);
    for (int64_t n = 1;; n++) { /* no allocation may be lost */
        ct_memory_fail_at(n);
        m = ct_nn_triplet_margin_with_distance_loss(NULL);
        ct_memory_fail_at(0);
        ct_module_free(m);
        if (m) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
}
END_TEST

START_TEST(a_loss_module_trains) {
    build();
    ct_module *net = ct_nn_linear(3, 3, NULL), *criterion = ct_nn_cross_entropy_loss(NULL);
    ct_optim *sgd = ct_optim_sgd(ct_parameters(net), 0.5, NULL);
    double before = 0, after = 0;
    for (int step = 0; step < 20; step++) {
        ct_tensor *loss = ct_nn_loss_forward(criterion, ct_forward(net, x), labels);
        if (!step) before = ct_item_f64(loss);
        after = ct_item_f64(loss);
        ct_optim_zero_grad(sgd);
        ct_backward(loss);
        ct_optim_step(sgd);
    }
    ck_ok();
    ck_assert(after < before);
    ct_optim_free(sgd);
    ct_module_free(criterion);
    ct_module_free(net);
}
END_TEST

START_TEST(errors_name_what_is_wrong) {
    build();
    ck_assert_ptr_null(ct_nn_mse_loss(&(ct_mse_loss_options){.reduction = (ct_reduction)9}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_mse_loss: 9 is not a reduction");
    ck_assert_ptr_null(ct_nn_huber_loss(&(ct_huber_loss_options){.reduction = CT_REDUCTION_BATCHMEAN}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_huber_loss: CT_REDUCTION_BATCHMEAN is for ct_kl_div only");
    ck_assert_ptr_null(ct_nn_kl_div_loss(&(ct_kl_div_options){.reduction = (ct_reduction)4}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_kl_div_loss: 4 is not a reduction");
    ct_module *m = ct_nn_triplet_margin_loss(&(ct_triplet_margin_loss_options){.margin = -1});
    ck_assert_ptr_null(ct_nn_loss_forward(m, x, y));
    ck_error(CT_ERR_INVALID_ARGUMENT, "TripletMarginLoss takes 3 input(s)");
    ct_tensor *out;
    ck_assert_int_ne(ct_forward_n(m, IN(x, y, p), &out, 1), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_triplet_margin_loss: margin is -1 but must be positive");
    ct_module_free(m);
    m = ct_nn_mse_loss(NULL);
    ck_assert_ptr_null(ct_nn_loss_forward(m, x, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "input 1 of MSELoss is NULL");
    ct_module_free(m);
    ck_assert_ptr_null(ct_nn_loss_forward(NULL, x, y));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the module is NULL");
}
END_TEST

TEST_LIST = {
    TEST(each_gives_what_its_function_gives),
    TEST(weights_are_buffers),
    TEST(every_weight_counts),
    TEST(the_distance_of_a_triplet_is_a_child_or_a_function),
    TEST(a_loss_module_trains),
    TEST(errors_name_what_is_wrong),
};
TEST_MAIN("nn_loss")
