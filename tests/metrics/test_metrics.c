/*
 * Metrics: values that scikit-learn's definitions give, edges, errors.
 */
#include "support/test.h"

#include <ctorch/metrics.h>
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <math.h>

static const double preds[] = {0, 2, 1, 1, 2, 0, 2}, targets[] = {0, 1, 1, 1, 2, 2, 2};

START_TEST(accuracy_is_the_share_that_is_right) {
    ct_tensor *p = test_i64(preds, CT_SHAPE(7)), *t = test_i64(targets, CT_SHAPE(7));
    ct_tensor *a = ct_accuracy(p, t);
    ck_assert_int_eq(ct_ndim(a), 0);
    ck_assert_int_eq(ct_tensor_dtype(a), CT_F64);
    ck_values(a, 5.0 / 7);
    ck_values(ct_accuracy(ct_to(p, CT_U8), t), 5.0 / 7);
    ck_values(ct_accuracy(ct_zeros(CT_SHAPE(0), CT_I64), ct_zeros(CT_SHAPE(0), CT_I64)), NAN);
    /* any layout: columns of a table */
    ct_tensor *table = ct_stack((ct_tensor *[]){p, t}, 2, 1);
    ck_values(ct_accuracy(ct_select(table, 1, 0), ct_select(table, 1, 1)), 5.0 / 7);
}
END_TEST

START_TEST(rows_of_the_confusion_matrix_are_targets) {
    ct_tensor *p = test_i64(preds, CT_SHAPE(7)), *t = test_i64(targets, CT_SHAPE(7));
    ct_tensor *m = ct_confusion_matrix(p, t, 4);
    ck_sizes(m, 4, 4);
    ck_assert_int_eq(ct_tensor_dtype(m), CT_I64);
    ck_values(m, 1, 0, 0, 0, 0, 2, 1, 0, 1, 0, 2, 0, 0, 0, 0, 0);
    ct_tensor *first = ct_confusion_matrix(ct_narrow(p, 0, 0, 3), ct_narrow(t, 0, 0, 3), 4);
    ct_tensor *rest = ct_confusion_matrix(ct_narrow(p, 0, 3, 4), ct_narrow(t, 0, 3, 4), 4);
    ck_close(ct_add(first, rest), m, 0, 0);
    ck_values(ct_accuracy_per_class(m), 1, 2.0 / 3, 2.0 / 3, NAN);
    ck_values(ct_accuracy_per_class(ct_transpose(m, 0, 1)), 0.5, 1, 2.0 / 3, NAN);
}
END_TEST

START_TEST(class_errors_name_what_is_wrong) {
    ct_tensor *p = test_i64(preds, CT_SHAPE(7)), *t = test_i64(targets, CT_SHAPE(7));
    const double bad[] = {0, 1, 1, -1, 2, 2, 2};
    ck_assert_ptr_null(ct_confusion_matrix(p, t, 2));
    ck_error(CT_ERR_INDEX, "ct_confusion_matrix: preds has 2 at position 1, which is not one of the 2 classes");
    ck_assert_ptr_null(ct_confusion_matrix(p, test_i64(bad, CT_SHAPE(7)), 3));
    ck_error(CT_ERR_INDEX, "ct_confusion_matrix: target has -1 at position 3, which is not one of the 3 classes");
    ck_assert_ptr_null(ct_confusion_matrix(p, t, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_confusion_matrix: num_classes is 0");
    ck_assert_ptr_null(ct_accuracy(p, ct_narrow(t, 0, 0, 6)));
    ck_error(CT_ERR_SHAPE, "ct_accuracy: preds [7] and target [6] differ in shape");
    ck_assert_ptr_null(ct_accuracy(ct_to(p, CT_F32), t));
    ck_error(CT_ERR_DTYPE, "ct_accuracy: preds is float32, not an integer dtype");
    ck_assert_ptr_null(ct_accuracy(p, ct_to(t, CT_F64)));
    ck_error(CT_ERR_DTYPE, "ct_accuracy: target is float64, not an integer dtype");
    ck_assert_ptr_null(ct_accuracy(p, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_accuracy: target is NULL");
    ck_assert_ptr_null(ct_accuracy_per_class(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_accuracy_per_class: confusion_matrix is NULL");
    ck_assert_ptr_null(ct_accuracy_per_class(p));
    ck_error(CT_ERR_SHAPE, "ct_accuracy_per_class: a confusion matrix is square, not [7]");
}
END_TEST

START_TEST(rmse_and_r2_are_scikit_learns) {
    const double y[] = {3, -0.5, 2, 7}, x[] = {2.5, 0, 2, 8};
    ct_tensor *p = test_f32(x, CT_SHAPE(4)), *t = test_f64(y, CT_SHAPE(4));
    ck_values_close(ct_root_mean_squared_error(p, t), 1e-14, 0.6123724356957945);
    ck_values_close(ct_r2_score(p, t), 1e-14, 0.9486081370449679);
    const double y2[] = {0.5, 1, -1, 1, 7, -6}, x2[] = {0, 2, -1, 2, 8, -5};
    p = test_f64(x2, CT_SHAPE(3, 2)), t = test_f64(y2, CT_SHAPE(3, 2));
    ck_values_close(ct_root_mean_squared_error(p, t), 1e-14, 0.8227486121839513);
    ck_values_close(ct_r2_score(p, t), 1e-14, 0.9368005266622779);
    ct_tensor *turned = ct_contiguous(ct_transpose(p, 0, 1), CT_FORMAT_PRESERVE); /* the same numbers, other strides */
    ck_values_close(ct_r2_score(ct_transpose(turned, 0, 1), t), 1e-14, 0.9368005266622779);
}
END_TEST

START_TEST(r2_has_an_answer_at_the_edges) {
    const double y[] = {2, 2, 2}, x[] = {2, 2, 3};
    ct_tensor *t = test_f64(y, CT_SHAPE(3));
    ck_values(ct_r2_score(t, t), 1);
    ck_values(ct_r2_score(test_f64(x, CT_SHAPE(3)), t), 0);
    ck_values(ct_r2_score(ct_ones(CT_SHAPE(1), CT_F32), ct_ones(CT_SHAPE(1), CT_F32)), NAN);
    ck_values(ct_r2_score(ct_full(CT_SHAPE(2), NAN, CT_F32), ct_arange(0, 2, 1, CT_F32)), NAN);
    ck_values(ct_root_mean_squared_error(ct_zeros(CT_SHAPE(0), CT_F32), ct_zeros(CT_SHAPE(0), CT_F32)), NAN);
    ck_assert_ptr_null(ct_r2_score(ct_zeros(CT_SHAPE(1, 1, 1), CT_F32), ct_zeros(CT_SHAPE(1, 1, 1), CT_F32)));
    ck_error(CT_ERR_SHAPE, "ct_r2_score: preds must be [N] or [N, outputs], not [1, 1, 1]");
    ck_assert_ptr_null(ct_root_mean_squared_error(t, ct_zeros(CT_SHAPE(3, 1), CT_F64)));
    ck_error(CT_ERR_SHAPE, "ct_root_mean_squared_error: preds [3] and target [3, 1] differ in shape");
}
END_TEST

START_TEST(results_are_not_recorded) {
    ct_tensor *p = ct_ones(CT_SHAPE(3), CT_F32);
    ct_set_requires_grad(p, true);
    ck_assert(!ct_requires_grad(ct_root_mean_squared_error(p, ct_zeros(CT_SHAPE(3), CT_F32))));
}
END_TEST

TEST_LIST = {
    TEST(accuracy_is_the_share_that_is_right),
    TEST(rows_of_the_confusion_matrix_are_targets),
    TEST(class_errors_name_what_is_wrong),
    TEST(rmse_and_r2_are_scikit_learns),
    TEST(r2_has_an_answer_at_the_edges),
    TEST(results_are_not_recorded),
};
TEST_MAIN("metrics")
