/*
 * softmax and log_softmax.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

#include "golden_activation.inc"

enum { CASES = sizeof golden / sizeof *golden };

static ct_tensor *apply(bool log, ct_tensor *x, int64_t dim) { return log ? ct_log_softmax(x, dim) : ct_softmax(x, dim); }

static ct_tensor *gradient(ct_tensor *y, ct_tensor *x, bool create_graph) {
    ct_tensor *g = ct_view(ct_arange(1, (double)ct_numel(y) + 1, 1, ct_tensor_dtype(y)), ct_sizes(y), ct_ndim(y)), *gx = NULL;
    ct_grad(&y, 1, &x, 1, &(ct_grad_options){.grad_outputs = &g, .create_graph = create_graph, .retain_graph = true}, &gx);
    return gx;
}

START_TEST(values_and_gradients_are_torchs_over_each_dim) {
    for (int i = 0; i < CASES; i++)
        for (int wide = 0; wide < 2; wide++) {
            ct_tensor *x = wide ? test_f64(golden_x, CT_SHAPE(2, 3, 4)) : test_f32(golden_x, CT_SHAPE(2, 3, 4));
            double tol = wide ? 1e-12 : 2e-5;
            ct_set_requires_grad(x, true);
            ct_tensor *y = apply(golden[i].log, x, golden[i].dim);
            test_values(golden[i].log ? "log" : "", golden[i].dim, y, golden[i].y, 24, tol, tol / 10);
            test_values(golden[i].log ? "log g" : "g", golden[i].dim, gradient(y, x, false), golden[i].gx, 24, tol, tol);
            test_values(golden[i].log ? "log gg" : "gg", golden[i].dim, gradient(y, x, true), golden[i].gx, 24, tol, tol);
            ck_close(apply(golden[i].log, x, golden[i].dim - 3), y, 0, 0); /* from the end */
        }
}
END_TEST

/* transposed, channels_last and with gaps: the same numbers as of the row-major copy, and the same strides as the input */
START_TEST(layout_is_kept_and_does_not_matter) {
    ct_tensor *x = test_f64(golden_x, CT_SHAPE(2, 3, 4));
    for (int log = 0; log < 2; log++) {
        ct_tensor *t = ct_permute(x, CT_DIMS(2, 0, 1));
        for (int dim = 0; dim < 3; dim++) {
            ct_tensor *y = apply(log, t, dim);
            ck_close(y, apply(log, ct_contiguous(t, CT_FORMAT_PRESERVE), dim), 1e-12, 1e-14);
            for (int d = 0; d < 3; d++) ck_assert_int_eq(ct_stride(y, d), ct_stride(t, d));
        }
        ct_tensor *nhwc = ct_contiguous(ct_view(x, CT_SHAPE(1, 4, 3, 2)), CT_FORMAT_CHANNELS_LAST);
        ct_tensor *y = apply(log, nhwc, 1);
        ck_assert(ct_is_contiguous(y, CT_FORMAT_CHANNELS_LAST));
        ck_close(y, apply(log, ct_view(x, CT_SHAPE(1, 4, 3, 2)), 1), 1e-12, 1e-14);
        ct_tensor *gaps = ct_slice(x, 2, 1, 4, 2);
        ck_close(apply(log, gaps, 2), apply(log, ct_contiguous(gaps, CT_FORMAT_PRESERVE), 2), 1e-12, 1e-14);
        ct_tensor *wide = ct_expand(ct_slice(x, 1, 0, 1, 1), CT_SHAPE(2, 5, 4));
        ck_close(apply(log, wide, 1), ct_full(CT_SHAPE(2, 5, 4), log ? -1.6094379124341003 : 0.2, CT_F64), 1e-12, 0);
    }
}
END_TEST

START_TEST(rows_with_infinities_and_nan_are_torchs) {
    const double rows[] = {INFINITY, 0, -INFINITY, -INFINITY, NAN, 0, 1e4, 0, -1e4, 1e4, -INFINITY, 0};
    ct_tensor *x = test_f32(rows, CT_SHAPE(6, 2));
    ck_values(ct_softmax(x, 1), NAN, NAN, NAN, NAN, NAN, NAN, 1, 0, 0, 1, 0, 1);
    ck_values(ct_log_softmax(x, 1), NAN, NAN, NAN, NAN, NAN, NAN, 0, -1e4, -2e4, 0, -INFINITY, 0);
    ct_tensor *t = ct_contiguous(ct_transpose(x, 0, 1), CT_FORMAT_PRESERVE); /* the same over columns */
    ck_values(ct_transpose(ct_softmax(t, 0), 0, 1), NAN, NAN, NAN, NAN, NAN, NAN, 1, 0, 0, 1, 0, 1);
    ck_values(ct_transpose(ct_log_softmax(t, 0), 0, 1), NAN, NAN, NAN, NAN, NAN, NAN, 0, -1e4, -2e4, 0, -INFINITY, 0);
}
END_TEST

START_TEST(probabilities_sum_to_one_over_long_rows) {
    ct_tensor *x = ct_view(ct_linspace(-20, 20, 30000, CT_F32), CT_SHAPE(3, 10000));
    ck_values_close(ct_sum_dim(ct_softmax(x, 1), CT_DIMS(1), NULL), 1e-5, 1, 1, 1);
}
END_TEST

START_TEST(scalars_single_and_empty_dims_work) {
    ct_tensor *s = ct_scalar_tensor(3, CT_F32);
    ck_values(ct_softmax(s, 0), 1);
    ck_values(ct_log_softmax(s, -1), 0);
    ck_values(ct_softmax(ct_zeros(CT_SHAPE(2, 1), CT_F32), 1), 1, 1);
    ck_sizes(ct_softmax(ct_zeros(CT_SHAPE(3, 0), CT_F32), 1), 3, 0);
    ck_sizes(ct_log_softmax(ct_zeros(CT_SHAPE(0, 3), CT_F32), 1), 0, 3);
}
END_TEST

typedef struct check { bool log; int dim; } check;
static ct_tensor *checked(ct_tensor *const *in, int n, void *user) {
    (void)n;
    const check *c = user;
    return apply(c->log, in[0], c->dim);
}

START_TEST(gradients_of_any_order_are_right) {
    for (int log = 0; log < 2; log++)
        for (int dim = 0; dim < 3; dim++) {
            check c = {log, dim};
            ct_tensor *x = ct_contiguous(ct_slice(test_f64(golden_x, CT_SHAPE(2, 3, 4)), 2, 0, 2, 1), CT_FORMAT_PRESERVE);
            ct_set_requires_grad(x, true);
            ck_assert_int_eq(ct_gradcheck(checked, &c, &x, 1, NULL), CT_OK);
            ck_assert_int_eq(ct_gradgradcheck(checked, &c, &x, 1, NULL), CT_OK);
            ck_ok();
        }
}
END_TEST

START_TEST(wrong_arguments_are_named) {
    ct_tensor *x = ct_zeros(CT_SHAPE(2, 3), CT_F32);
    ck_assert_ptr_null(ct_softmax(x, 2));
    ck_error(CT_ERR_INDEX, "ct_softmax");
    ck_assert_ptr_null(ct_log_softmax(x, -3));
    ck_error(CT_ERR_INDEX, "ct_log_softmax");
    ck_assert_ptr_null(ct_softmax(ct_to(x, CT_I64), 1));
    ck_error(CT_ERR_DTYPE, "ct_softmax: int64 is not a floating point dtype");
    ck_assert_ptr_null(ct_softmax(NULL, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_softmax: tensor argument 1 is NULL");
}
END_TEST

TEST_LIST = {
    TEST(values_and_gradients_are_torchs_over_each_dim),
    TEST(layout_is_kept_and_does_not_matter),
    TEST(rows_with_infinities_and_nan_are_torchs),
    TEST(probabilities_sum_to_one_over_long_rows),
    TEST(scalars_single_and_empty_dims_work),
    TEST(gradients_of_any_order_are_right),
    TEST(wrong_arguments_are_named),
};
TEST_MAIN("op_softmax")
