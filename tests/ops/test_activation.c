/*
 * relu, sigmoid, tanh, gelu, silu, leaky_relu, elu, softplus.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <string.h>

#define GOLDEN_ACTIVATIONS
#include "golden_activation.inc"

enum { N = sizeof golden_x / sizeof *golden_x, CASES = sizeof golden / sizeof *golden };

static ct_tensor *apply(const char *what, ct_tensor *x) {
    if (!strcmp(what, "relu")) return ct_relu(x);
    if (!strcmp(what, "sigmoid")) return ct_sigmoid(x);
    if (!strcmp(what, "tanh")) return ct_tanh(x);
    if (!strcmp(what, "silu")) return ct_silu(x);
    if (!strcmp(what, "gelu")) return ct_gelu(x, NULL);
    if (!strcmp(what, "gelu_tanh")) return ct_gelu(x, &(ct_gelu_options){.approximate = CT_GELU_TANH});
    if (!strcmp(what, "leaky_relu")) return ct_leaky_relu(x, NULL);
    if (!strcmp(what, "leaky_relu_02")) return ct_leaky_relu(x, &(ct_leaky_relu_options){.negative_slope = ct_some_f64(0.2)});
    if (!strcmp(what, "elu")) return ct_elu(x, NULL);
    if (!strcmp(what, "elu_05")) return ct_elu(x, &(ct_elu_options){.alpha = ct_some_f64(0.5)});
    if (!strcmp(what, "softplus")) return ct_softplus(x, NULL);
    if (!strcmp(what, "softplus_3_2")) return ct_softplus(x, &(ct_softplus_options){.beta = 3, .threshold = ct_some_f64(2)});
    ck_abort_msg("no such activation: %s", what);
    return NULL;
}

/* 1, 2, 3, ... in the shape of t */
static ct_tensor *counting(ct_tensor *t) {
    ct_tensor *flat = ct_arange(1, (double)ct_numel(t) + 1, 1, ct_tensor_dtype(t));
    return ct_view(flat, ct_sizes(t), ct_ndim(t));
}

static ct_tensor *gradient(ct_tensor *y, ct_tensor *x) {
    ct_tensor *g = counting(y), *gx = NULL;
    ct_grad(&y, 1, &x, 1, &(ct_grad_options){.grad_outputs = &g, .retain_graph = true}, &gx);
    return gx;
}

START_TEST(values_and_gradients_are_torchs) {
    for (int i = 0; i < CASES; i++)
        for (int wide = 0; wide < 2; wide++) {
            double tol = wide ? 1e-13 : 3e-6;
            ct_tensor *x = wide ? test_f64(golden_x, CT_SHAPE(N)) : test_f32(golden_x, CT_SHAPE(N));
            ct_set_requires_grad(x, true);
            ct_tensor *y = apply(golden[i].what, x);
            test_values(golden[i].what, i, y, golden[i].y, N, tol, wide ? 0 : 1e-7);
            test_values(golden[i].what, i, gradient(y, x), golden[i].gx, N, tol, wide ? 1e-13 : 1e-6);
        }
}
END_TEST

START_TEST(a_recorded_gradient_is_the_same_as_the_fused_one) {
    for (int i = 0; i < CASES; i++) {
        ct_tensor *x = test_f64(golden_x, CT_SHAPE(N)), *gx = NULL;
        ct_set_requires_grad(x, true);
        ct_tensor *y = apply(golden[i].what, x), *g = counting(y);
        ct_grad(&y, 1, &x, 1, &(ct_grad_options){.grad_outputs = &g, .create_graph = true}, &gx);
        test_values(golden[i].what, i, gx, golden[i].gx, N, 1e-12, 1e-12);
    }
}
END_TEST

static ct_tensor *checked(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return apply(user, in[0]);
}

START_TEST(gradients_of_any_order_are_right) {
    const double values[] = {-2.2, -0.7, -0.1, 0.3, 0.9, 1.7};
    for (int i = 0; i < CASES; i++) {
        ct_tensor *x = test_f64(values, CT_SHAPE(2, 3));
        ct_set_requires_grad(x, true);
        ct_gradcheck(checked, (void *)(uintptr_t)golden[i].what, &x, 1, NULL);
        ck_assert_msg(ct_ok(), "%s: %s", golden[i].what, ct_error_message());
        ct_gradgradcheck(checked, (void *)(uintptr_t)golden[i].what, &x, 1, NULL);
        ck_assert_msg(ct_ok(), "%s: %s", golden[i].what, ct_error_message());
    }
}
END_TEST

START_TEST(infinities_and_nan_are_torchs) {
    const double in[] = {-INFINITY, INFINITY, NAN, 1e4, -1e4};
    ct_tensor *x = test_f32(in, CT_SHAPE(5));
    ct_set_requires_grad(x, true);
    ck_values(ct_relu(x), 0, INFINITY, NAN, 1e4, 0);
    ck_values(ct_sigmoid(x), 0, 1, NAN, 1, 0);
    ck_values(ct_tanh(x), -1, 1, NAN, 1, -1);
    ck_values(ct_silu(x), NAN, INFINITY, NAN, 1e4, 0);
    ck_values_close(ct_leaky_relu(x, NULL), 1e-6, -INFINITY, INFINITY, NAN, 1e4, -100);
    ck_values(ct_elu(x, NULL), -1, INFINITY, NAN, 1e4, -1);
    ck_values(ct_softplus(x, NULL), 0, INFINITY, NAN, 1e4, 0);
    ck_values(gradient(ct_relu(x), x), 0, 2, 3, 4, 0);
    ck_values(gradient(ct_sigmoid(x), x), 0, 0, NAN, 0, 0);
    ck_values(gradient(ct_tanh(x), x), 0, 0, NAN, 0, 0);
    ck_values(gradient(ct_elu(x, NULL), x), 0, 2, 3, 4, 0);
    ck_values(gradient(ct_softplus(x, NULL), x), 0, 2, NAN, 4, 0);
}
END_TEST

/* Gradients of gradients must not see inf * 0 in the branch that was not taken. */
START_TEST(second_derivatives_stay_finite_far_out) {
    const double in[] = {-800, 800};
    const char *names[] = {"elu", "softplus", "leaky_relu", "sigmoid", "tanh"};
    for (int i = 0; i < 5; i++) {
        ct_tensor *x = test_f64(in, CT_SHAPE(2)), *gx = NULL, *ggx = NULL;
        ct_set_requires_grad(x, true);
        ct_tensor *y = ct_sum(apply(names[i], x));
        ct_grad(&y, 1, &x, 1, &(ct_grad_options){.create_graph = true}, &gx);
        if (!ct_requires_grad(gx)) continue; /* constant: leaky_relu */
        ct_tensor *s = ct_sum(gx);
        ct_grad(&s, 1, &x, 1, &(ct_grad_options){.materialize_grads = true}, &ggx);
        test_values(names[i], i, ggx, (const double[]){0, 0}, 2, 0, 0);
    }
}
END_TEST

START_TEST(memory_layout_is_kept) {
    ct_tensor *x = ct_view(ct_arange(-12, 12, 1, CT_F32), CT_SHAPE(1, 2, 3, 4));
    ct_tensor *nhwc = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST);
    ct_tensor *y = ct_sigmoid(nhwc);
    ck_assert(ct_is_contiguous(y, CT_FORMAT_CHANNELS_LAST));
    ck_close(y, ct_sigmoid(x), 0, 1e-7);
    ct_tensor *t = ct_transpose(ct_view(x, CT_SHAPE(4, 6)), 0, 1);
    ct_tensor *yt = ct_relu(t);
    ck_assert_int_eq(ct_stride(yt, 0), 1);
    ck_assert_int_eq(ct_stride(yt, 1), 6);
    ck_close(yt, ct_transpose(ct_relu(ct_view(x, CT_SHAPE(4, 6))), 0, 1), 0, 0);
    ct_tensor *gaps = ct_slice(ct_view(x, CT_SHAPE(4, 6)), 1, 0, 6, 2);
    ck_close(ct_tanh(gaps), ct_slice(ct_tanh(ct_view(x, CT_SHAPE(4, 6))), 1, 0, 6, 2), 0, 1e-7);
}
END_TEST

START_TEST(gradients_pass_through_any_layout) {
    const double values[] = {-1, 2, 3, -4, 5, -6};
    ct_tensor *x = test_f64(values, CT_SHAPE(2, 3));
    ct_set_requires_grad(x, true);
    ct_tensor *y = ct_relu(ct_transpose(x, 0, 1)); /* [3, 2] */
    ck_values(gradient(y, x), 0, 3, 5, 0, 4, 0);
    ct_tensor *total = ct_sum(ct_sigmoid(ct_slice(x, 1, 0, 3, 2))); /* an expanded gradient, gaps */
    ct_tensor *gx = NULL;
    ct_grad(&total, 1, &x, 1, NULL, &gx);
    ck_values_close(gx, 1e-12, 0.19661193324148185, 0, 0.045176659730912, 0.017662706213291114, 0, 0.002466509291360048);
}
END_TEST

START_TEST(scalars_and_empty_tensors_work) {
    ct_tensor *s = ct_scalar_tensor(-2, CT_F32);
    ck_assert_int_eq(ct_ndim(ct_relu(s)), 0);
    ck_values(ct_relu(s), 0);
    ct_tensor *e = ct_zeros(CT_SHAPE(0, 3), CT_F32);
    ck_sizes(ct_gelu(e, NULL), 0, 3);
    ct_set_requires_grad(e, true);
    ct_tensor *y = ct_sum(ct_tanh(e)), *ge = NULL;
    ct_grad(&y, 1, &e, 1, NULL, &ge);
    ck_sizes(ge, 0, 3);
}
END_TEST

START_TEST(integers_are_handled_as_in_torch) {
    const double values[] = {-2, 0, 3};
    ct_tensor *x = test_i64(values, CT_SHAPE(3));
    ct_tensor *r = ct_relu(x);
    ck_assert_int_eq(ct_tensor_dtype(r), CT_I64);
    ck_values(r, 0, 0, 3);
    ct_tensor *s = ct_sigmoid(x), *b = ct_tanh(ct_to(x, CT_BOOL));
    ck_assert_int_eq(ct_tensor_dtype(s), CT_F32);
    ck_assert_int_eq(ct_tensor_dtype(b), CT_F32);
    ck_values_close(s, 1e-6, 0.11920292, 0.5, 0.95257413);
    ck_values_close(b, 1e-6, 0.76159416, 0, 0.76159416);
    ck_assert_ptr_null(ct_relu(ct_to(x, CT_BOOL)));
    ck_error(CT_ERR_DTYPE, "ct_relu: bool is not a floating point dtype");
    ck_assert_ptr_null(ct_gelu(x, NULL));
    ck_error(CT_ERR_DTYPE, "ct_gelu: int64 is not a floating point dtype");
}
END_TEST

START_TEST(in_place_forms_change_their_tensor) {
    const double values[] = {-1, 0, 2, -3, 0.5, 1};
    ct_tensor *x = test_f64(values, CT_SHAPE(2, 3));
    ck_assert_int_eq(ct_relu_(x), CT_OK);
    ck_values(x, 0, 0, 2, 0, 0.5, 1);
    ck_assert_int_eq(ct_version_of(x), 1);
    ck_assert_int_eq(ct_sigmoid_(ct_slice(x, 1, 0, 3, 2)), CT_OK); /* columns 0 and 2, with a gap between */
    ck_values_close(x, 1e-12, 0.5, 0, 0.8807970779778823, 0.5, 0.5, 0.7310585786300049);
    ck_assert_int_eq(ct_tanh_(ct_select(x, 0, 1)), CT_OK);
    ck_values_close(x, 1e-12, 0.5, 0, 0.8807970779778823, 0.46211715726000974, 0.46211715726000974, 0.6237125498258757);
}
END_TEST

static ct_tensor *inplace_of_product(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_tensor *t = ct_mul_scalar(in[0], 1.5);
    const char *what = user;
    if (!strcmp(what, "relu_")) ct_relu_(t);
    else if (!strcmp(what, "sigmoid_")) ct_sigmoid_(t);
    else ct_tanh_(ct_select(t, 0, 1)); /* on a view: the base's history moves on too */
    return ct_mul_scalar(t, 2);
}

START_TEST(in_place_forms_are_differentiated) {
    const double values[] = {-2.2, -0.7, -0.1, 0.3, 0.9, 1.7};
    const char *names[] = {"relu_", "sigmoid_", "tanh_"};
    for (int i = 0; i < 3; i++) {
        ct_tensor *x = test_f64(values, CT_SHAPE(2, 3));
        ct_set_requires_grad(x, true);
        ct_gradcheck(inplace_of_product, (void *)(uintptr_t)names[i], &x, 1, NULL);
        ck_assert_msg(ct_ok(), "%s: %s", names[i], ct_error_message());
        ct_gradgradcheck(inplace_of_product, (void *)(uintptr_t)names[i], &x, 1, NULL);
        ck_assert_msg(ct_ok(), "%s: %s", names[i], ct_error_message());
    }
}
END_TEST

START_TEST(in_place_errors_leave_the_tensor_alone) {
    const double values[] = {-1, 2};
    ct_tensor *leaf = test_f32(values, CT_SHAPE(2));
    ct_set_requires_grad(leaf, true);
    ck_assert_int_eq(ct_relu_(leaf), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_relu_: a leaf that requires grad");
    ck_values(leaf, -1, 2);
    ct_tensor *x = test_i64(values, CT_SHAPE(2));
    ck_assert_int_eq(ct_tanh_(x), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_tanh_: int64 is not a floating point dtype");
    ct_tensor *wide = ct_expand(test_f32(values, CT_SHAPE(1, 2)), CT_SHAPE(3, 2));
    ck_assert_int_eq(ct_relu_(wide), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_relu_");
    ck_assert_int_eq(ct_relu_(NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_relu_: tensor argument 1 is NULL");
}
END_TEST

/* What relu saved is its result; changing that in between must not give a wrong gradient. */
START_TEST(a_changed_result_is_an_error_at_backward) {
    const double values[] = {-1, 2};
    ct_tensor *x = test_f32(values, CT_SHAPE(2));
    ct_set_requires_grad(x, true);
    ct_tensor *y = ct_relu(x);
    ct_scope no_grad = ct_no_grad_begin();
    ct_add_scalar_(y, 1);
    ct_scope_end(no_grad);
    ck_assert_int_eq(ct_backward(ct_sum(y)), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "changed in place");
}
END_TEST

START_TEST(wrong_arguments_are_named) {
    ct_tensor *x = ct_ones(CT_SHAPE(2), CT_F32);
    ck_assert_ptr_null(ct_sigmoid(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sigmoid: tensor argument 1 is NULL");
    ck_assert_ptr_null(ct_gelu(x, &(ct_gelu_options){.approximate = (ct_gelu_approximate)7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gelu: approximate is 7");
    ck_assert_ptr_null(ct_gelu(x, &(ct_gelu_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gelu");
    ck_assert_ptr_null(ct_leaky_relu(x, &(ct_leaky_relu_options){.reserved = {0, 1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_leaky_relu");
    ck_assert_ptr_null(ct_elu(x, &(ct_elu_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_elu");
    ck_assert_ptr_null(ct_softplus(x, &(ct_softplus_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_softplus");
}
END_TEST

TEST_LIST = {
    TEST(values_and_gradients_are_torchs),
    TEST(a_recorded_gradient_is_the_same_as_the_fused_one),
    TEST(gradients_of_any_order_are_right),
    TEST(infinities_and_nan_are_torchs),
    TEST(second_derivatives_stay_finite_far_out),
    TEST(memory_layout_is_kept),
    TEST(gradients_pass_through_any_layout),
    TEST(scalars_and_empty_tensors_work),
    TEST(integers_are_handled_as_in_torch),
    TEST(in_place_forms_change_their_tensor),
    TEST(in_place_forms_are_differentiated),
    TEST(in_place_errors_leave_the_tensor_alone),
    TEST(a_changed_result_is_an_error_at_backward),
    TEST(wrong_arguments_are_named),
};
TEST_MAIN("op_activation")
