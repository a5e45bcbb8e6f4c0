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

START_TEST(errors_of_numbers_are_scikit_learns) {
    const double y[] = {3, -0.5, 2, 7}, x[] = {2.5, 0, 2, 8};
    ct_tensor *p = test_f32(x, CT_SHAPE(4)), *t = test_f64(y, CT_SHAPE(4));
    ck_values_close(ct_mean_absolute_error(p, t), 1e-14, 0.5);
    ck_values_close(ct_mean_squared_error(p, t), 1e-14, 0.375);
    ck_values_close(ct_mean_absolute_error(ct_reshape(p, CT_SHAPE(2, 2)), ct_reshape(t, CT_SHAPE(2, 2))), 1e-14, 0.5);
    ck_values(ct_mean_absolute_error(ct_zeros(CT_SHAPE(0), CT_F32), ct_zeros(CT_SHAPE(0), CT_F32)), NAN);
}
END_TEST

/* The scores below are what scikit-learn gives for the same numbers. */

START_TEST(precision_recall_and_f1_are_scikit_learns) {
    ct_tensor *m = ct_confusion_matrix(test_i64(preds, CT_SHAPE(7)), test_i64(targets, CT_SHAPE(7)), 3);
    static const struct { ct_average average; double precision, recall, f1; } WANT[] = {
        {CT_AVERAGE_MACRO, 0.7222222222222222, 0.7777777777777777, 0.7111111111111111},
        {CT_AVERAGE_MICRO, 0.7142857142857143, 0.7142857142857143, 0.7142857142857143},
        {CT_AVERAGE_WEIGHTED, 0.7857142857142857, 0.7142857142857143, 0.7238095238095238}};
    for (int i = 0; i < 3; i++) {
        ct_class_score_options o = {.average = WANT[i].average};
        ck_values_close(ct_precision(m, &o), 1e-14, WANT[i].precision);
        ck_values_close(ct_recall(m, &o), 1e-14, WANT[i].recall);
        ck_values_close(ct_f1_score(m, &o), 1e-14, WANT[i].f1);
    }
    ck_values_close(ct_precision(m, NULL), 1e-14, WANT[0].precision); /* the default is the macro mean */
    ck_values_close(ct_precision(m, &(ct_class_score_options){.average = CT_AVERAGE_NONE}), 1e-14, 0.5, 1, 2.0 / 3);
    ck_values_close(ct_f1_score(m, &(ct_class_score_options){.average = CT_AVERAGE_NONE}), 1e-14, 2.0 / 3, 0.8, 2.0 / 3);

    /* A class that occurs nowhere does not count in the macro mean; one that is never predicted has the score of 0 / 0. */
    ct_tensor *wide = ct_confusion_matrix(test_i64(preds, CT_SHAPE(7)), test_i64(targets, CT_SHAPE(7)), 5);
    ck_values_close(ct_precision(wide, NULL), 1e-14, WANT[0].precision);
    const double zeros[] = {0, 0, 0, 0}, mixed[] = {0, 1, 1, 0};
    ct_tensor *never = ct_confusion_matrix(test_i64(zeros, CT_SHAPE(4)), test_i64(mixed, CT_SHAPE(4)), 2);
    ck_values_close(ct_precision(never, NULL), 1e-14, 0.25);
    ck_values_close(ct_precision(never, &(ct_class_score_options){.zero_division = 1}), 1e-14, 0.75);

    const double guess[] = {1, 1, 1, 1, 0, 0, 0, 0}, truth[] = {1, 0, 1, 1, 0, 1, 0, 1};
    ct_tensor *two = ct_confusion_matrix(test_i64(guess, CT_SHAPE(8)), test_i64(truth, CT_SHAPE(8)), 2);
    ck_values_close(ct_precision(two, &(ct_class_score_options){.average = CT_AVERAGE_BINARY}), 1e-14, 0.75);
    ck_values_close(ct_recall(two, &(ct_class_score_options){.average = CT_AVERAGE_BINARY}), 1e-14, 0.6);

    ck_assert_ptr_null(ct_recall(m, &(ct_class_score_options){.average = CT_AVERAGE_BINARY}));
    ck_error(CT_ERR_SHAPE, "ct_recall: CT_AVERAGE_BINARY is of 2 classes, the matrix has 3");
    ck_assert_ptr_null(ct_recall(m, &(ct_class_score_options){.average = (ct_average)9}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_recall: unknown average 9");
}
END_TEST

static const double scores[] = {0.9, 0.8, 0.8, 0.6, 0.55, 0.5, 0.4, 0.4}, binary[] = {1, 0, 1, 1, 0, 1, 0, 1};

START_TEST(curves_are_scikit_learns) {
    ct_tensor *s = test_f64(scores, CT_SHAPE(8)), *t = test_i64(binary, CT_SHAPE(8)), *x, *y, *at;
    ck_assert_int_eq(ct_roc_curve(s, t, &x, &y, &at), CT_OK);
    ck_values_close(x, 1e-14, 0, 0, 1.0 / 3, 1.0 / 3, 2.0 / 3, 2.0 / 3, 1);
    ck_values_close(y, 1e-14, 0, 0.2, 0.4, 0.6, 0.6, 0.8, 1);
    ck_values(at, INFINITY, 0.9, 0.8, 0.6, 0.55, 0.5, 0.4);
    ck_assert_int_eq(ct_precision_recall_curve(s, t, &x, &y, &at), CT_OK);
    ck_values_close(x, 1e-14, 0.625, 2.0 / 3, 0.6, 0.75, 2.0 / 3, 1, 1);
    ck_values_close(y, 1e-14, 1, 0.8, 0.6, 0.6, 0.4, 0.2, 0);
    ck_values(at, 0.4, 0.5, 0.55, 0.6, 0.8, 0.9, INFINITY);
    ck_assert_int_eq(ct_roc_curve(s, t, NULL, &y, NULL), CT_OK);
    ck_sizes(y, 7);
    ck_values_close(ct_roc_auc(s, t), 1e-14, 0.6);
    ck_values_close(ct_average_precision(s, t), 1e-14, 0.7416666666666667);
}
END_TEST

START_TEST(scores_of_many_classes_are_scikit_learns) {
    const double rows[] = {.2, .5, .3, .7, .2, .1, .1, .3, .6, .3, .4, .3, .25, .35, .4, .6, .3, .1}, classes[] = {1, 0, 2, 2, 1, 0};
    ct_tensor *s = test_f64(rows, CT_SHAPE(6, 3)), *t = test_i64(classes, CT_SHAPE(6));
    ck_values_close(ct_roc_auc(s, t), 1e-14, 0.8958333333333334);
    ck_values_close(ct_top_k_accuracy(s, t, 1), 1e-14, 2.0 / 3);
    ck_values(ct_top_k_accuracy(s, t, 3), 1);
    /* of equal scores the first counts: row 3 is 0.3, 0.4, 0.3 and its class is 2 */
    ck_values_close(ct_top_k_accuracy(s, t, 2), 1e-14, 5.0 / 6);
    ck_values_close(ct_top_k_accuracy(test_f64((const double[]){NAN, 1}, CT_SHAPE(1, 2)), test_i64((const double[]){1}, CT_SHAPE(1)), 1), 0, 0);
}
END_TEST

START_TEST(scores_have_an_answer_or_an_error_at_the_edges) {
    const double ones[] = {1, 1}, some[] = {0.1, 0.2}, nan[] = {0.1, NAN};
    ct_tensor *s = test_f64(some, CT_SHAPE(2)), *all = test_i64(ones, CT_SHAPE(2)), *x, *none = ct_zeros(CT_SHAPE(0), CT_F32), *no_class = ct_zeros(CT_SHAPE(0), CT_I64);
    ck_values(ct_roc_auc(s, all), NAN);
    ck_values(ct_roc_auc(none, no_class), NAN);
    ck_values(ct_average_precision(none, no_class), 0);
    ck_values(ct_average_precision(s, all), 1);
    ck_assert_int_eq(ct_precision_recall_curve(none, no_class, &x, NULL, NULL), CT_OK);
    ck_values(x, 1);
    ck_assert_ptr_null(ct_roc_auc(test_f64(nan, CT_SHAPE(2)), all));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_roc_auc: the score of sample 1 is NaN");
    ck_assert_ptr_null(ct_average_precision(s, test_i64((const double[]){0, 2}, CT_SHAPE(2))));
    ck_error(CT_ERR_INDEX, "ct_average_precision: target has 2 at position 1, which is not one of the 2 classes");
    ck_assert_int_eq(ct_roc_curve(ct_zeros(CT_SHAPE(2, 2), CT_F32), ct_zeros(CT_SHAPE(2, 2), CT_I64), &x, NULL, NULL), CT_ERR_SHAPE);
    ck_assert_ptr_null(x);
    ck_error(CT_ERR_SHAPE, "ct_roc_curve: scores must be [N], one number per sample, not [2, 2]");
    ck_assert_ptr_null(ct_top_k_accuracy(ct_zeros(CT_SHAPE(2, 3), CT_F32), all, 4));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_top_k_accuracy: k is 4 but must be 1 to 3");
    ck_assert_ptr_null(ct_top_k_accuracy(s, all, 1));
    ck_error(CT_ERR_SHAPE, "ct_top_k_accuracy: scores are [N, classes] and target is [N], not [2] and [2]");
    ck_assert_ptr_null(ct_roc_auc(ct_zeros(CT_SHAPE(3, 2), CT_F32), all));
    ck_error(CT_ERR_SHAPE, "ct_roc_auc: target must be [N] beside scores [N, classes], not [2] beside [3, 2]");
}
END_TEST

START_TEST(curves_survive_every_failed_allocation) {
    ct_tensor *s = test_f64(scores, CT_SHAPE(8)), *t = test_i64(binary, CT_SHAPE(8));
    bool done = false;
    for (int64_t n = 1; !done && n < 100; n++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *x, *y, *at;
        ct_memory_fail_at(n);
        ct_status status = ct_roc_curve(s, t, &x, &y, &at);
        ct_memory_fail_at(0);
        done = status == CT_OK;
        if (!done) {
            ck_assert(!x && !y && !at);
            ck_error(CT_ERR_OUT_OF_MEMORY, "");
        }
        ct_scope_end(scope);
    }
    ck_assert(done);
}
END_TEST

START_TEST(running_means_are_weighted_and_may_forget) {
    ct_running_mean m = {0};
    ck_assert(isnan(ct_running_mean_value(&m)));
    ct_running_mean_add(&m, 1, 3);
    ct_running_mean_add(&m, 5, 1);
    ck_assert_double_eq(ct_running_mean_value(&m), 2);
    ct_running_mean_add(&m, NAN, 0); /* no weight, no effect */
    ck_assert_double_eq(ct_running_mean_value(&m), 2);
    m = (ct_running_mean){.decay = 0.5};
    ct_running_mean_add(&m, 4, 1);
    ck_assert_double_eq(ct_running_mean_value(&m), 4); /* no bias at the start */
    ct_running_mean_add(&m, 1, 1);
    ck_assert_double_eq_tol(ct_running_mean_value(&m), 2, 1e-12);
    ct_running_mean_add(NULL, 1, 1);
    ck_assert(isnan(ct_running_mean_value(NULL)));
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
    TEST(errors_of_numbers_are_scikit_learns),
    TEST(precision_recall_and_f1_are_scikit_learns),
    TEST(curves_are_scikit_learns),
    TEST(scores_of_many_classes_are_scikit_learns),
    TEST(scores_have_an_answer_or_an_error_at_the_edges),
    TEST(curves_survive_every_failed_allocation),
    TEST(running_means_are_weighted_and_may_forget),
    TEST(results_are_not_recorded),
};
TEST_MAIN("metrics")
