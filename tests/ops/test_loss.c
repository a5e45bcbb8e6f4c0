/*
 * The losses: values and gradients of PyTorch, options, edges, errors.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_loss.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <string.h>

#include "golden_loss.inc"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static ct_tensor *make(const double *values, const int64_t *sizes, int ndim, ct_dtype dtype, bool grad) {
    ct_tensor *t = dtype == CT_F32 ? test_f32(values, sizes, ndim) : dtype == CT_F64 ? test_f64(values, sizes, ndim) : test_i64(values, sizes, ndim);
    if (grad) ct_set_requires_grad(t, true);
    return t;
}

/* Gradients of loss for a and, if it wants one, b; g of loss i is i + 1. */
static void gradients(ct_tensor *loss, ct_tensor *a, ct_tensor *b, bool create_graph, ct_tensor **out) {
    ct_tensor *g = ct_view(ct_arange(1, (double)ct_numel(loss) + 1, 1, ct_tensor_dtype(loss)), ct_sizes(loss), ct_ndim(loss));
    ct_tensor *in[] = {a, b};
    out[0] = out[1] = NULL;
    ct_grad(&loss, 1, in, b && ct_requires_grad(b) ? 2 : 1, &(ct_grad_options){.grad_outputs = &g, .create_graph = create_graph, .retain_graph = true}, out);
}

/* ---- Classes ---- */

static ct_tensor *class_loss(const golden_class *c, ct_tensor *input, ct_tensor *target) {
    ct_tensor *weight = c->weighted ? make(golden_class_weight, CT_SHAPE(3), ct_tensor_dtype(input), false) : NULL;
    ct_reduction reduction = (ct_reduction)c->reduction;
    if (c->nll) return ct_nll_loss(input, target, &(ct_nll_loss_options){.weight = weight, .reduction = reduction});
    return ct_cross_entropy(input, target, &(ct_cross_entropy_options){.weight = weight, .reduction = reduction, .label_smoothing = c->smoothing});
}

START_TEST(class_losses_and_gradients_are_torchs) {
    const ct_dtype dtypes[] = {CT_F32, CT_F64};
    for (size_t i = 0; i < COUNT(golden_classes_cases); i++)
        for (int d = 0; d < 2; d++) {
            const golden_class *c = &golden_classes_cases[i];
            double tol = d ? 1e-12 : 2e-6;
            ct_tensor *x = make(golden_logits, CT_SHAPE(4, 3), dtypes[d], true), *g[2];
            ct_tensor *t = c->soft ? make(golden_probabilities, CT_SHAPE(4, 3), dtypes[d], true) : make(golden_classes, CT_SHAPE(4), CT_I64, false);
            ct_tensor *loss = class_loss(c, x, t);
            test_values("class loss", (int)i, loss, c->loss, c->n, tol, tol);
            ck_assert_int_eq(ct_ndim(loss), c->reduction == CT_REDUCTION_NONE ? 1 : 0);
            for (int create_graph = 0; create_graph < 2; create_graph++) { /* fused, then composed */
                gradients(loss, x, t, create_graph, g);
                test_values("class gradient", (int)i, g[0], c->ga, 12, tol, tol);
                if (c->soft) test_values("target gradient", (int)i, g[1], c->gb, 12, tol, tol);
            }
        }
}
END_TEST

START_TEST(images_of_classes_are_torchs_in_both_memory_formats) {
    for (size_t i = 0; i < COUNT(golden_images); i++)
        for (int nhwc = 0; nhwc < 2; nhwc++) {
            const golden_class c = {.nll = golden_images[i].nll, .weighted = true, .smoothing = 0.1, .reduction = golden_images[i].reduction};
            ct_tensor *x = make(golden_x4, CT_SHAPE(2, 3, 2, 2), CT_F64, true), *g[2];
            ct_tensor *t = make(golden_t4, CT_SHAPE(2, 2, 2), CT_I64, false);
            ct_tensor *loss = class_loss(&c, nhwc ? ct_contiguous(x, CT_FORMAT_CHANNELS_LAST) : x, t);
            test_values("images", (int)i, loss, golden_images[i].loss, golden_images[i].n, 1e-12, 1e-13);
            for (int create_graph = 0; create_graph < 2; create_graph++) {
                gradients(loss, x, NULL, create_graph, g);
                test_values("images gradient", (int)i, g[0], golden_images[i].ga, 24, 1e-12, 1e-13);
            }
        }
}
END_TEST

START_TEST(a_single_row_without_batch_is_torchs) {
    const double logits[] = {1, 2, 0.5}, two[] = {2};
    ct_tensor *x = make(logits, CT_SHAPE(3), CT_F64, true), *t = ct_to(make(two, NULL, 0, CT_F64, false), CT_I64), *g[2];
    ct_tensor *loss = ct_cross_entropy(x, t, NULL);
    ck_values_close(loss, 1e-12, 1.964368784107945);
    gradients(loss, x, NULL, false, g);
    ck_values_close(g[0], 1e-12, 0.23122389762214904, 0.6285317192117624, -0.8597556168339116);
    ck_values_close(ct_nll_loss(x, t, NULL), 0, -0.5);
}
END_TEST

START_TEST(large_and_infinite_logits_are_torchs) {
    const double logits[] = {1e4, 0, -1e4, 1e4, 1e4 + 1, 1e4 + 2, -INFINITY, 0, 0}, classes[] = {1, 0, 1};
    ct_tensor *x = make(logits, CT_SHAPE(3, 3), CT_F32, true), *t = make(classes, CT_SHAPE(3), CT_I64, false), *g[2];
    ct_tensor *loss = ct_cross_entropy(x, t, &(ct_cross_entropy_options){.reduction = CT_REDUCTION_NONE});
    ck_values_close(loss, 1e-6, 1e4, 2.40760596444438, 0.6931471805599453);
    gradients(loss, x, NULL, false, g); /* rows by 1, 2, 3 */
    ck_values_close(g[0], 1e-6, 1, -1, 0, -1.8199388536592388, 0.4894569421095952, 1.3304819115496436, 0, -1.5, 1.5);
    const double nan_row[] = {NAN, 0, 0}, first[] = {0};
    ck_values(ct_cross_entropy(make(nan_row, CT_SHAPE(1, 3), CT_F32, false), make(first, CT_SHAPE(1), CT_I64, false), NULL), NAN);
}
END_TEST

START_TEST(nothing_to_average_is_nan_with_zero_gradient) {
    const double ignored[] = {-100, -100};
    ct_tensor *x = ct_ones(CT_SHAPE(2, 3), CT_F64), *t = make(ignored, CT_SHAPE(2), CT_I64, false), *g[2];
    ct_set_requires_grad(x, true);
    ct_tensor *loss = ct_cross_entropy(x, t, NULL);
    ck_values(loss, NAN);
    gradients(loss, x, NULL, false, g);
    ck_values(g[0], 0, 0, 0, 0, 0, 0);
    ck_values(ct_cross_entropy(x, t, &(ct_cross_entropy_options){.reduction = CT_REDUCTION_SUM}), 0);
    ct_tensor *none = ct_zeros(CT_SHAPE(0, 3), CT_F32), *no_t = ct_zeros(CT_SHAPE(0), CT_I64);
    ck_values(ct_cross_entropy(none, no_t, NULL), NAN);
    ck_values(ct_nll_loss(none, no_t, NULL), NAN);
    ck_sizes(ct_cross_entropy(none, no_t, &(ct_cross_entropy_options){.reduction = CT_REDUCTION_NONE}), 0);
    ck_values(ct_mse_loss(none, none, NULL), NAN);
    ck_values(ct_mse_loss(none, none, &(ct_mse_loss_options){.reduction = CT_REDUCTION_SUM}), 0);
    ck_values(ct_binary_cross_entropy_with_logits(none, none, NULL), NAN);
}
END_TEST

START_TEST(another_index_can_be_ignored) {
    const double classes[] = {1, 2, 0, 0}; /* -100 is then out of range */
    ct_tensor *x = make(golden_logits, CT_SHAPE(4, 3), CT_F64, false), *t = make(classes, CT_SHAPE(4), CT_I64, false);
    ct_opt_i64 zero = ct_some_i64(0);
    ck_values_close(ct_nll_loss(x, t, &(ct_nll_loss_options){.ignore_index = zero}), 1e-12, -2.5);
    ck_values_close(ct_nll_loss(x, ct_to(t, CT_U8), &(ct_nll_loss_options){.ignore_index = zero}), 1e-12, -2.5);
    ck_values_close(ct_cross_entropy(x, t, &(ct_cross_entropy_options){.ignore_index = zero}), 1e-12, (0.4643687841079449 + 0.06588390375742911) / 2);
}
END_TEST

/* Rows that a thread does not finish alone, and columns: the same as composed of log_softmax and nll_loss. */
START_TEST(large_problems_agree_with_the_composition) {
    const int64_t shapes[][3] = {{3000, 7, 1}, {2, 5, 3000}, {70, 1000, 1}};
    for (int i = 0; i < 3; i++) {
        int64_t n = shapes[i][0], c = shapes[i][1], d = shapes[i][2];
        ct_tensor *x = ct_view(ct_sin(ct_arange(0, (double)(n * c * d), 1, CT_F64)), CT_SHAPE(n, c, d)), *g[2], *h[2];
        ct_tensor *t = ct_view(ct_remainder_scalar_int(ct_arange_int(0, n * d, 1, CT_I64), c), CT_SHAPE(n, d));
        ct_set_requires_grad(x, true);
        ct_tensor *fused = ct_cross_entropy(x, t, NULL), *composed = ct_nll_loss(ct_log_softmax(x, 1), t, NULL);
        ck_close(fused, composed, 1e-12, 0);
        gradients(fused, x, NULL, false, g);
        gradients(composed, x, NULL, false, h);
        ck_close(g[0], h[0], 1e-9, 1e-15);
    }
}
END_TEST

static ct_tensor *checked_class(ct_tensor *const *in, int n, void *user) {
    const golden_class *c = user;
    return class_loss(c, in[0], n == 2 ? in[1] : make(golden_classes, CT_SHAPE(4), CT_I64, false));
}

START_TEST(class_gradients_of_any_order_are_right) {
    for (size_t i = 0; i < COUNT(golden_classes_cases); i++) {
        golden_class c = golden_classes_cases[i];
        ct_tensor *in[] = {make(golden_logits, CT_SHAPE(4, 3), CT_F64, true), make(golden_probabilities, CT_SHAPE(4, 3), CT_F64, true)};
        ct_gradcheck(checked_class, &c, in, c.soft ? 2 : 1, NULL);
        ck_assert_msg(ct_ok(), "case %zu: %s", i, ct_error_message());
        ct_gradgradcheck(checked_class, &c, in, c.soft ? 2 : 1, NULL);
        ck_assert_msg(ct_ok(), "case %zu: %s", i, ct_error_message());
    }
}
END_TEST

START_TEST(class_errors_name_what_is_wrong) {
    const double bad[] = {1, 7, 0, 0}, negative[] = {0, 0, -3, 0};
    ct_tensor *x = make(golden_logits, CT_SHAPE(4, 3), CT_F32, false), *t = make(bad, CT_SHAPE(4), CT_I64, false);
    ct_tensor *good = ct_zeros(CT_SHAPE(4), CT_I64);
    ck_assert_ptr_null(ct_cross_entropy(x, t, NULL));
    ck_error(CT_ERR_INDEX, "ct_cross_entropy: target 7 at position 1 is not one of the 3 classes");
    ck_assert_ptr_null(ct_nll_loss(x, make(negative, CT_SHAPE(4), CT_I64, false), NULL));
    ck_error(CT_ERR_INDEX, "ct_nll_loss: target -3 at position 2 is not one of the 3 classes");
    ck_assert_ptr_null(ct_cross_entropy(x, ct_zeros(CT_SHAPE(5), CT_I64), NULL));
    ck_error(CT_ERR_SHAPE, "ct_cross_entropy: input [4, 3] wants class indices of its shape without dim 1, not [5]");
    ck_assert_ptr_null(ct_cross_entropy(x, ct_zeros(CT_SHAPE(4, 1), CT_I64), NULL));
    ck_error(CT_ERR_SHAPE, "not [4, 1]");
    ck_assert_ptr_null(ct_cross_entropy(x, ct_zeros(CT_SHAPE(4), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "ct_cross_entropy: probabilities need input's shape [4, 3], but target has [4]");
    ck_assert_ptr_null(ct_cross_entropy(x, ct_zeros(CT_SHAPE(4), CT_I32), NULL));
    ck_error(CT_ERR_DTYPE, "ct_cross_entropy: class indices must be int64 or uint8, not int32");
    ck_assert_ptr_null(ct_nll_loss(x, ct_zeros(CT_SHAPE(4), CT_F32), NULL));
    ck_error(CT_ERR_DTYPE, "ct_nll_loss: class indices must be int64 or uint8, not float32");
    ck_assert_ptr_null(ct_cross_entropy(ct_to(x, CT_I64), good, NULL));
    ck_error(CT_ERR_DTYPE, "ct_cross_entropy: input is int64");
    ck_assert_ptr_null(ct_cross_entropy(ct_scalar_tensor(1, CT_F32), good, NULL));
    ck_error(CT_ERR_SHAPE, "ct_cross_entropy: input needs a dim for the classes");
    ck_assert_ptr_null(ct_cross_entropy(x, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cross_entropy: tensor argument 2 is NULL");
    ck_assert_ptr_null(ct_cross_entropy(x, good, &(ct_cross_entropy_options){.label_smoothing = 1.5}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cross_entropy: label_smoothing is 1.5");
    ck_assert_ptr_null(ct_cross_entropy(x, good, &(ct_cross_entropy_options){.reduction = (ct_reduction)9}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cross_entropy: 9 is not a reduction");
    ck_assert_ptr_null(ct_cross_entropy(x, ct_softmax(x, 1), &(ct_cross_entropy_options){.ignore_index = ct_some_i64(1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cross_entropy: ignore_index 1 needs class indices");
    ck_assert_ptr_null(ct_cross_entropy(x, good, &(ct_cross_entropy_options){.weight = ct_ones(CT_SHAPE(4), CT_F32)}));
    ck_error(CT_ERR_SHAPE, "ct_cross_entropy: weight must be [3], one number per class, not [4]");
    ck_assert_ptr_null(ct_nll_loss(x, good, &(ct_nll_loss_options){.weight = ct_ones(CT_SHAPE(3), CT_F64)}));
    ck_error(CT_ERR_DTYPE, "ct_nll_loss: input is float32, but weight is float64");
    ct_tensor *w = ct_ones(CT_SHAPE(3), CT_F32);
    ct_set_requires_grad(w, true);
    ck_assert_ptr_null(ct_nll_loss(x, good, &(ct_nll_loss_options){.weight = w}));
    ck_error(CT_ERR_AUTOGRAD, "ct_nll_loss: weight has no gradient");
    ck_assert_ptr_null(ct_cross_entropy(x, good, &(ct_cross_entropy_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cross_entropy");
    ck_assert_ptr_null(ct_nll_loss(x, good, &(ct_nll_loss_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nll_loss");
}
END_TEST

/* ---- Pairs ---- */

static bool is_binary(const golden_pair *c) { return c->what[0] == 'b' || strstr(c->what, "logits"); }

static ct_tensor *pair_loss(const golden_pair *c, ct_tensor *a, ct_tensor *b, ct_tensor *w) {
    ct_reduction r = (ct_reduction)c->reduction;
    if (!c->weighted) w = NULL;
    if (!strcmp(c->what, "mse")) return ct_mse_loss(a, b, &(ct_mse_loss_options){.reduction = r, .weight = w});
    if (!strcmp(c->what, "l1")) return ct_l1_loss(a, b, &(ct_l1_loss_options){.reduction = r, .weight = w});
    if (!strcmp(c->what, "smooth_l1")) return ct_smooth_l1_loss(a, b, &(ct_smooth_l1_loss_options){.reduction = r});
    if (!strcmp(c->what, "smooth_l1_03")) return ct_smooth_l1_loss(a, b, &(ct_smooth_l1_loss_options){.reduction = r, .beta = ct_some_f64(0.3)});
    if (!strcmp(c->what, "smooth_l1_0")) return ct_smooth_l1_loss(a, b, &(ct_smooth_l1_loss_options){.reduction = r, .beta = ct_some_f64(0)});
    if (!strcmp(c->what, "huber")) return ct_huber_loss(a, b, &(ct_huber_loss_options){.reduction = r, .weight = w});
    if (!strcmp(c->what, "huber_03")) return ct_huber_loss(a, b, &(ct_huber_loss_options){.reduction = r, .delta = 0.3, .weight = w});
    if (!strcmp(c->what, "bce")) return ct_binary_cross_entropy(a, b, &(ct_binary_cross_entropy_options){.reduction = r, .weight = w});
    ct_tensor *pos = !strcmp(c->what, "logits_pos") ? ct_full(CT_SHAPE(1), 3, ct_tensor_dtype(a)) : NULL;
    return ct_binary_cross_entropy_with_logits(a, b, &(ct_binary_cross_entropy_with_logits_options){.reduction = r, .weight = w, .pos_weight = pos});
}

static const double *first_of(const golden_pair *c) { return !is_binary(c) ? golden_a : c->what[0] == 'b' ? golden_p : golden_z; }

START_TEST(pair_losses_and_gradients_are_torchs) {
    const ct_dtype dtypes[] = {CT_F32, CT_F64};
    for (size_t i = 0; i < COUNT(golden_pairs); i++)
        for (int d = 0; d < 2; d++) {
            const golden_pair *c = &golden_pairs[i];
            double tol = d ? 1e-8 : 5e-6; /* torch's epsilons are of float32 in float64 too */
            ct_tensor *a = make(first_of(c), CT_SHAPE(6), dtypes[d], true), *g[2];
            ct_tensor *b = make(is_binary(c) ? golden_y : golden_b, CT_SHAPE(6), dtypes[d], true);
            ct_tensor *w = make(golden_weight, CT_SHAPE(6), dtypes[d], false);
            ct_tensor *loss = pair_loss(c, a, b, w);
            test_values(c->what, (int)i, loss, c->loss, c->n, tol, 1e-7);
            for (int create_graph = 0; create_graph < 2; create_graph++) { /* fused, then composed */
                gradients(loss, a, b, create_graph, g);
                test_values(c->what, (int)i, g[0], c->ga, 6, tol, 1e-7);
                test_values(c->what, (int)i, g[1], c->gb, 6, tol, 2e-7);
            }
        }
}
END_TEST

static ct_tensor *checked_pair(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return pair_loss(user, in[0], in[1], make(golden_weight, CT_SHAPE(2, 3), CT_F64, false));
}

START_TEST(pair_gradients_of_any_order_are_right) {
    /* away from the kinks of the distances, inside of (0, 1) for probabilities */
    const double distances[] = {-2, -0.55, 0.15, 0.4, 1.2, 3}, others[] = {1, -0.5, 0.1, 0.01, 0.05, 5.5};
    const double inside[] = {0.1, 0.35, 0.5, 0.62, 0.8, 0.93}, targets[] = {0.2, 0.7, 0.4, 0.9, 0.3, 0.6};
    for (size_t i = 0; i < COUNT(golden_pairs); i++) {
        golden_pair c = golden_pairs[i];
        ct_tensor *in[] = {make(is_binary(&c) ? inside : distances, CT_SHAPE(2, 3), CT_F64, true),
                           make(is_binary(&c) ? targets : others, CT_SHAPE(2, 3), CT_F64, true)};
        ct_gradcheck(checked_pair, &c, in, 2, NULL);
        ck_assert_msg(ct_ok(), "%s, case %zu: %s", c.what, i, ct_error_message());
        ct_gradgradcheck(checked_pair, &c, in, 2, NULL);
        ck_assert_msg(ct_ok(), "%s, case %zu: %s", c.what, i, ct_error_message());
    }
}
END_TEST

START_TEST(distances_broadcast_and_promote) {
    const double column[] = {1, 2}, row[] = {0, 1, 4};
    ct_tensor *a = make(column, CT_SHAPE(2, 1), CT_F32, true), *b = make(row, CT_SHAPE(3), CT_F64, true), *g[2];
    ct_tensor *loss = ct_mse_loss(a, b, NULL);
    ck_assert_int_eq(ct_tensor_dtype(loss), CT_F64);
    ck_values_close(loss, 1e-12, 19.0 / 6);
    gradients(loss, a, b, false, g);
    ck_sizes(g[0], 2, 1);
    ck_assert_int_eq(ct_tensor_dtype(g[0]), CT_F32);
    ck_values_close(g[0], 1e-6, -2.0 / 3, 1.0 / 3);
    ck_values_close(g[1], 1e-12, -1, -1.0 / 3, 5.0 / 3);
    const double whole[] = {1, 5};
    ck_values(ct_l1_loss(make(column, CT_SHAPE(2), CT_F32, false), make(whole, CT_SHAPE(2), CT_I64, false), NULL), 1.5);
}
END_TEST

START_TEST(distances_of_other_layouts_are_the_same) {
    ct_tensor *a = ct_view(ct_arange(0, 24, 1, CT_F64), CT_SHAPE(4, 6)), *b = ct_view(ct_cos(ct_arange(0, 24, 1, CT_F64)), CT_SHAPE(6, 4)), *g[2], *h[2];
    ct_set_requires_grad(a, true);
    ct_mse_loss_options none = {.reduction = CT_REDUCTION_NONE};
    ct_tensor *t = ct_transpose(b, 0, 1); /* a row-major, t not */
    ct_tensor *x = ct_mse_loss(a, t, &none), *y = ct_mse_loss(a, ct_contiguous(t, CT_FORMAT_PRESERVE), &none);
    ck_close(x, y, 0, 0);
    gradients(x, a, NULL, false, g);
    gradients(y, a, NULL, false, h);
    ck_close(g[0], h[0], 0, 0);
    ck_close(ct_mse_loss(a, t, NULL), ct_mean(y), 1e-14, 0);
    ck_close(ct_mse_loss(ct_slice(a, 1, 0, 6, 3), ct_slice(t, 1, 0, 6, 3), NULL), ct_mean(ct_slice(y, 1, 0, 6, 3)), 1e-14, 0);
}
END_TEST

/* More partial sums than fit on the stack. */
START_TEST(sums_over_many_elements_are_exact_enough) {
    int64_t n = 300000;
    ct_tensor *a = ct_full(CT_SHAPE(n), 0.1, CT_F32), *b = ct_zeros(CT_SHAPE(n), CT_F32);
    ck_values_close(ct_l1_loss(a, b, &(ct_l1_loss_options){.reduction = CT_REDUCTION_SUM}), 1e-7, 30000);
    ck_values_close(ct_mse_loss(a, b, NULL), 1e-7, 0.01);
}
END_TEST

START_TEST(logits_far_out_stay_finite) {
    const double z[] = {1e4, -1e4, 1e4, -1e4, INFINITY, -INFINITY}, y[] = {1, 0, 0, 1, 1, 0};
    ct_tensor *a = make(z, CT_SHAPE(6), CT_F32, true), *b = make(y, CT_SHAPE(6), CT_F32, false), *g[2];
    ct_tensor *loss = ct_binary_cross_entropy_with_logits(a, b, &(ct_binary_cross_entropy_with_logits_options){.reduction = CT_REDUCTION_NONE});
    const float *v = ct_data_f32(loss);
    ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 1e4f && v[3] == 1e4f);
    gradients(loss, a, NULL, false, g);
    ck_values(g[0], 0, 0, 3, -4, 0, 0);
}
END_TEST

START_TEST(pair_errors_name_what_is_wrong) {
    ct_tensor *a = ct_ones(CT_SHAPE(2, 3), CT_F32), *b = ct_ones(CT_SHAPE(2, 4), CT_F32), *half = ct_full(CT_SHAPE(2, 3), 0.5, CT_F32);
    ct_tensor *ints = ct_ones(CT_SHAPE(2, 3), CT_I64);
    ck_assert_ptr_null(ct_mse_loss(a, b, NULL));
    ck_error(CT_ERR_SHAPE, "ct_mse_loss");
    ck_assert_ptr_null(ct_mse_loss(ints, ints, NULL));
    ck_error(CT_ERR_DTYPE, "ct_mse_loss: the common dtype of input and target is int64");
    ck_assert_ptr_null(ct_l1_loss(a, a, &(ct_l1_loss_options){.weight = ct_ones(CT_SHAPE(3), CT_F32)}));
    ck_error(CT_ERR_SHAPE, "ct_l1_loss: weight has shape [3], but input has [2, 3]");
    ck_assert_ptr_null(ct_huber_loss(a, a, &(ct_huber_loss_options){.delta = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_huber_loss: delta is -1 but must be positive");
    ck_assert_ptr_null(ct_smooth_l1_loss(a, a, &(ct_smooth_l1_loss_options){.beta = ct_some_f64(-1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_smooth_l1_loss: beta is -1 but must not be negative");
    ck_assert_ptr_null(ct_smooth_l1_loss(a, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_smooth_l1_loss: tensor argument 2 is NULL");
    ck_assert_ptr_null(ct_mse_loss(a, a, &(ct_mse_loss_options){.reduction = (ct_reduction)-1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_mse_loss: -1 is not a reduction");
    ct_tensor *outside = ct_add_scalar(half, 0.75);
    ck_assert_ptr_null(ct_binary_cross_entropy(outside, half, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_binary_cross_entropy: input has 1.25 at position 0, which is not between 0 and 1");
    ck_assert_ptr_null(ct_binary_cross_entropy(half, ct_full(CT_SHAPE(2, 3), NAN, CT_F32), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_binary_cross_entropy: target has nan at position 0");
    ck_assert_ptr_null(ct_binary_cross_entropy(half, ct_ones(CT_SHAPE(3), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "ct_binary_cross_entropy: target has shape [3], but input has [2, 3]");
    ck_assert_ptr_null(ct_binary_cross_entropy_with_logits(half, ints, NULL));
    ck_error(CT_ERR_DTYPE, "ct_binary_cross_entropy_with_logits: input is float32, but target is int64");
    ck_assert_ptr_null(ct_binary_cross_entropy(half, half, &(ct_binary_cross_entropy_options){.weight = ct_ones(CT_SHAPE(4, 2, 3), CT_F32)}));
    ck_error(CT_ERR_SHAPE, "ct_binary_cross_entropy: weight of shape [4, 2, 3] does not broadcast to input's [2, 3]");
    ck_assert_ptr_null(ct_binary_cross_entropy_with_logits(half, half, &(ct_binary_cross_entropy_with_logits_options){.pos_weight = ct_ones(CT_SHAPE(2), CT_F32)}));
    ck_error(CT_ERR_SHAPE, "ct_binary_cross_entropy_with_logits");
}
END_TEST

START_TEST(unknown_options_are_refused) {
    ct_tensor *a = ct_ones(CT_SHAPE(2), CT_F32);
    ck_assert_ptr_null(ct_mse_loss(a, a, &(ct_mse_loss_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_mse_loss");
    ck_assert_ptr_null(ct_l1_loss(a, a, &(ct_l1_loss_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_l1_loss");
    ck_assert_ptr_null(ct_smooth_l1_loss(a, a, &(ct_smooth_l1_loss_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_smooth_l1_loss");
    ck_assert_ptr_null(ct_huber_loss(a, a, &(ct_huber_loss_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_huber_loss");
    ck_assert_ptr_null(ct_binary_cross_entropy(a, a, &(ct_binary_cross_entropy_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_binary_cross_entropy");
    ck_assert_ptr_null(ct_binary_cross_entropy_with_logits(a, a, &(ct_binary_cross_entropy_with_logits_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_binary_cross_entropy_with_logits");
}
END_TEST

TEST_LIST = {
    TEST(class_losses_and_gradients_are_torchs),
    TEST(images_of_classes_are_torchs_in_both_memory_formats),
    TEST(a_single_row_without_batch_is_torchs),
    TEST(large_and_infinite_logits_are_torchs),
    TEST(nothing_to_average_is_nan_with_zero_gradient),
    TEST(another_index_can_be_ignored),
    TEST(large_problems_agree_with_the_composition),
    TEST(class_gradients_of_any_order_are_right),
    TEST(class_errors_name_what_is_wrong),
    TEST(pair_losses_and_gradients_are_torchs),
    TEST(pair_gradients_of_any_order_are_right),
    TEST(distances_broadcast_and_promote),
    TEST(distances_of_other_layouts_are_the_same),
    TEST(sums_over_many_elements_are_exact_enough),
    TEST(logits_far_out_stay_finite),
    TEST(pair_errors_name_what_is_wrong),
    TEST(unknown_options_are_refused),
};
TEST_MAIN("op_loss")
