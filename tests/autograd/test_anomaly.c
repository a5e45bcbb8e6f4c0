/* Anomaly mode: errors of backward name the forward that they belong to; the first NaN is one. */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

static ct_tensor *leaf(const double *v, const int64_t *sizes, int ndim) {
    ct_tensor *t = test_f32(v, sizes, ndim);
    ct_set_requires_grad(t, true);
    return t;
}

START_TEST(the_first_nan_names_its_forward) {
    ct_tensor *a = leaf((double[]){1, 2, 0, 4, 5, 6}, CT_SHAPE(2, 3)), *b = leaf((double[]){1, 2, 0, 4, 5, 6}, CT_SHAPE(2, 3));
    ct_scope s = ct_detect_anomaly_begin(true);
    ck_assert(ct_is_anomaly_enabled() && ct_is_anomaly_check_nan_enabled());
    ct_tensor *loss = ct_sum(ct_exp(ct_mul_scalar(ct_div(a, b), 2)));
    ck_assert(ct_backward(loss) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_backward: ExpBackward returned NaN for its input 0, float32 [2, 3] (1 of 6 elements, the first at [0, 2]); its forward was ct_exp of float32 [2, 3]");
    loss = ct_sum(ct_where(ct_gt_scalar(b, 0), ct_div(a, b), ct_zeros_like(a, CT_DTYPE_NONE)));
    ck_assert(ct_backward(loss) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_backward: DivBackward returned NaN for its input 0, float32 [2, 3] (1 of 6 elements, the first at [0, 2]); its forward was ct_div of float32 [2, 3] and float32 [2, 3]");
    ct_scope_end(s);
    ck_assert(!ct_is_anomaly_enabled() && !ct_is_anomaly_check_nan_enabled());
    ct_backward(ct_sum(ct_div(a, b)));
    ck_ok(); /* without the mode NaN is a number like any other */
}
END_TEST

START_TEST(what_is_not_computed_is_not_looked_at) {
    ct_tensor *a = leaf((double[]){1, 0}, CT_SHAPE(2)), *b = leaf((double[]){1, 0}, CT_SHAPE(2)), *g;
    ct_scope s = ct_detect_anomaly_begin(true);
    ct_tensor *loss = ct_sum(ct_mul_scalar(ct_pow(a, b), 1));
    ct_grad(&loss, 1, &a, 1, NULL, &g);
    ck_ok();
    ct_scope_end(s);
}
END_TEST

START_TEST(a_nan_that_came_in_is_said_to) {
    ct_tensor *a = leaf((double[]){1, 2}, CT_SHAPE(2)), *y, *nan = test_f32((double[]){1, NAN}, CT_SHAPE(2));
    ct_scope s = ct_detect_anomaly_begin(true);
    y = ct_mul_scalar(a, 3);
    ct_backward_with(&y, &nan, 1, NULL);
    ck_error(CT_ERR_AUTOGRAD, "ct_backward_with: MulScalarBackward returned NaN for its input 0, float32 [2] (1 of 2 elements, the first at [1]); the gradient that it was "
             "given had NaN already; its forward was ct_mul_scalar of float32 [2]");
    ct_scope_end(s);
    y = ct_mul_scalar(a, 3);
    s = ct_detect_anomaly_begin(true);
    ct_backward_with(&y, &nan, 1, NULL);
    ck_error(CT_ERR_AUTOGRAD, "; its forward ran outside of anomaly mode");
    ct_scope_end(s);
}
END_TEST

START_TEST(other_errors_name_their_forward_too) {
    ct_tensor *a = leaf((double[]){1, 2}, CT_SHAPE(2)), *w = leaf((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2));
    ct_scope s = ct_detect_anomaly_begin(false);
    ck_assert(ct_is_anomaly_enabled() && !ct_is_anomaly_check_nan_enabled());
    ct_tensor *x = ct_mul_scalar(a, 2), *y = ct_mul(x, w);
    ct_mul_scalar_(x, 3);
    ct_backward(ct_sum(y));
    ck_error(CT_ERR_AUTOGRAD, "it is at version 1, saved was version 0; its forward was ct_mul of float32 [2] and float32 [2, 2]");
    ct_backward(ct_sum(ct_div(a, ct_zeros_like(a, CT_DTYPE_NONE))));
    ck_ok(); /* NaN is not looked for */
    ct_scope_end(s);
}
END_TEST

START_TEST(views_functions_and_gradients_of_gradients) {
    ct_tensor *a = leaf((double[]){4, 0, 2, 1}, CT_SHAPE(4)), *g;
    ct_scope s = ct_detect_anomaly_begin(true);
    ct_tensor *x = ct_mul_scalar(a, 1), *zero = test_f32((double[]){0, 0}, CT_SHAPE(2));
    ct_mul_(ct_slice(x, 0, 0, 2, 1), ct_div(zero, ct_slice(a, 0, 1, 3, 1)));
    ct_backward(ct_sum(x));
    ck_error(CT_ERR_AUTOGRAD, "CopySlices returned NaN for its input 0, float32 [4] (1 of 4 elements, the first at [0]); its forward was ct_mul_ through a view, of float32 [2] and "
             "float32 [2]");
    ct_tensor *y = ct_sum(ct_sqrt(ct_mul(a, a)));
    ct_backward(y);
    ck_error(CT_ERR_AUTOGRAD, "MulBackward returned NaN for its input 0");
    a = leaf((double[]){1, 2, 0}, CT_SHAPE(3));
    y = ct_sum(ct_pow_scalar(a, 1.5));
    ct_grad(&y, 1, &a, 1, &(ct_grad_options){.create_graph = true}, &g);
    ck_ok();
    ct_tensor *z = ct_sum(ct_mul_scalar(g, 0));
    ct_backward(z);
    ck_error(CT_ERR_AUTOGRAD, ", in the backward of PowScalarBackward");
    ct_scope_end(s);
}
END_TEST

START_TEST(many_inputs_and_a_short_sentence) {
    ct_tensor *t[6];
    for (int i = 0; i < 6; i++) t[i] = leaf((double[]){0}, CT_SHAPE(1));
    ct_scope s = ct_detect_anomaly_begin(true);
    ct_backward(ct_sum(ct_mul_scalar(ct_div(ct_cat(t, 6, 0), ct_cat(t, 6, 0)), 1)));
    ck_error(CT_ERR_AUTOGRAD, "DivBackward returned NaN");
    ct_tensor *y = ct_cat(t, 6, 0), *nan = ct_full(CT_SHAPE(6), NAN, CT_F32);
    ct_backward_with(&y, &nan, 1, NULL);
    ck_error(CT_ERR_AUTOGRAD, "its forward was ct_cat of float32 [1], float32 [1], float32 [1], float32 [1] and 2 more");
    ct_scope_end(s);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    for (int64_t n = 1;; n++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *a = leaf((double[]){1, 2}, CT_SHAPE(2)), *b = leaf((double[]){1, 0}, CT_SHAPE(2));
        ct_detect_anomaly_begin(true);
        ct_memory_fail_at(n);
        ct_backward(ct_sum(ct_div(a, b)));
        ct_memory_fail_at(0);
        bool done = strstr(ct_error_message(), "NaN") != NULL || ct_ok();
        ct_error_clear();
        ct_scope_end(scope);
        ck_assert(!ct_is_anomaly_enabled());
        if (done) break;
    }
}
END_TEST

TEST_LIST = {TEST(the_first_nan_names_its_forward),
             TEST(what_is_not_computed_is_not_looked_at),
             TEST(a_nan_that_came_in_is_said_to),
             TEST(other_errors_name_their_forward_too),
             TEST(views_functions_and_gradients_of_gradients),
             TEST(many_inputs_and_a_short_sentence),
             TEST(every_allocation_may_fail)};
TEST_MAIN("anomaly")
