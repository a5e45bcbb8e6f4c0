/* Functions of one tensor against PyTorch's values, gradients and result dtypes; edge cases; gradcheck. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <math.h>

#include "golden_unary.inc"

static ct_tensor *upto(int64_t n) { return ct_arange(1, (double)n + 1, 1, CT_F64); }

START_TEST(values_and_gradients_are_pytorchs) {
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        ct_tensor *x = test_f64(golden[i].x, CT_SHAPE(9));
        ct_set_requires_grad(x, true);
        ct_tensor *y = golden[i].fn(x), *seed = upto(9), *g;
        test_values(golden[i].name, 0, y, golden[i].y, 9, 1e-14, 1e-15);
        ck_assert_int_eq(ct_grad(&y, 1, &x, 1, &(ct_grad_options){.grad_outputs = &seed}, &g), CT_OK);
        test_values(golden[i].name, 1, g, golden[i].gx, 9, 1e-13, 1e-14);
    }
}
END_TEST

START_TEST(float32_is_exact_to_two_units_and_any_stride_gives_the_same) {
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        if (golden[i].fn == ct_frac) continue;
        ct_tensor *x = test_f32(golden[i].x, CT_SHAPE(9));
        ct_tensor *y = golden[i].fn(x);
        ct_tensor *strided = golden[i].fn(ct_t(ct_contiguous(ct_t(ct_reshape(x, CT_SHAPE(3, 3))), CT_FORMAT_CONTIGUOUS)));
        ck_close(ct_reshape(strided, CT_SHAPE(9)), y, 2.5e-7, 1e-37);
        ct_tensor *exact = ct_to(golden[i].fn(ct_to(x, CT_F64)), CT_F32); /* of the rounded input */
        test_close(golden[i].name, 2, y, exact, 3e-7, 1e-37);
    }
}
END_TEST

START_TEST(result_dtypes_are_pytorchs) {
    static const ct_dtype dtypes[] = {CT_F32, CT_F64, CT_U8, CT_I32, CT_I64, CT_BOOL};
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++)
        for (int d = 0; d < 6; d++) {
            ct_tensor *y = golden[i].fn(ct_ones(CT_SHAPE(2), dtypes[d]));
            ck_assert_msg(ct_tensor_dtype(y) == golden[i].dtype[d], "%s of %s: %s, want %s", golden[i].name, ct_dtype_name(dtypes[d]),
                          ct_dtype_name(ct_tensor_dtype(y)), ct_dtype_name(golden[i].dtype[d]));
            if (!y) ck_assert_int_eq(ct_error_status(), CT_ERR_DTYPE);
            ct_error_clear();
        }
}
END_TEST

static ct_tensor *apply(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return (*(ct_tensor *(**)(ct_tensor *))user)(in[0]);
}

START_TEST(gradients_and_their_gradients_match_differences) {
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        ct_tensor *(*fn)(ct_tensor *) = golden[i].fn;
        if (fn == ct_sign || fn == ct_floor || fn == ct_ceil || fn == ct_round || fn == ct_trunc || fn == ct_frac) continue; /* steps */
        double x[4] = {0.3, 0.45, 0.6, 0.85};
        ct_tensor *t = test_f64(x, CT_SHAPE(2, 2));
        ct_set_requires_grad(t, true);
        ck_assert_msg(ct_gradcheck(apply, &fn, &t, 1, NULL) == CT_OK, "%s: %s", golden[i].name, ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply, &fn, &t, 1, NULL) == CT_OK, "%s: %s", golden[i].name, ct_error_message());
    }
}
END_TEST

START_TEST(special_values_follow_ieee) {
    ct_tensor *x = test_f32((double[]){0, -0.0, INFINITY, -INFINITY, NAN, 1e-42, -1e-42, 200}, CT_SHAPE(8));
    ck_values_close(ct_exp(x), 1e-6, 1, 1, INFINITY, 0, NAN, 1, 1, INFINITY);
    ck_values_close(ct_log(x), 1e-6, -INFINITY, -INFINITY, INFINITY, NAN, NAN, -96.708045959472656, NAN, 5.298317366548);
    ck_values(ct_sqrt(ct_narrow(x, 0, 0, 5)), 0, 0, INFINITY, NAN, NAN);
    ck_values_close(ct_erf(x), 1e-6, 0, 0, 1, -1, NAN, 0, 0, 1);
    ck_values(ct_sign(x), 0, 0, 1, -1, 0, 1, -1, 1);
    ck_values(ct_round(test_f64((double[]){0.5, 1.5, 2.5, -0.5, -1.5}, CT_SHAPE(5))), 0, 2, 2, 0, -2);
    ck_assert(!signbit(ct_item_f64(ct_abs(ct_select(x, 0, 1)))));
}
END_TEST

START_TEST(large_and_small_exponents_keep_their_precision) {
    ct_tensor *x = test_f32((double[]){-103, -88, -87.5, 88, 88.7, 88.73, -104}, CT_SHAPE(7));
    ct_tensor *y = ct_exp(x);
    const double want[7] = {1.8378e-45, 6.0546e-39, 9.9824e-39, 1.6516e38, 3.3236e38, INFINITY, 0};
    for (int i = 0; i < 7; i++) {
        double exact = i < 5 ? exp((double)ct_data_f32(x)[i]) : want[i];
        ck_assert_msg(fabs(ct_data_f32(y)[i] - exact) <= fmax(1.5e-45, 2.5e-7 * exact) || ct_data_f32(y)[i] == (float)exact, "exp(%g) = %g, want %g",
                      ct_data_f32(x)[i], ct_data_f32(y)[i], exact);
    }
}
END_TEST

START_TEST(integers_wrap_and_keep_their_dtype) {
    ct_tensor *t = ct_full_int(CT_SHAPE(1), INT64_MIN, CT_I64);
    ck_assert(ct_item_i64(ct_abs(t)) == INT64_MIN);
    ck_assert(ct_item_i64(ct_neg(t)) == INT64_MIN);
    ck_assert_int_eq(ct_item_i64(ct_neg(ct_full_int(NULL, 0, 1, CT_U8))), 255);
    ck_assert_int_eq(ct_item_i64(ct_square(ct_full_int(NULL, 0, 3, CT_I32))), 9);
}
END_TEST

START_TEST(empty_and_rank_0_tensors_work) {
    ck_sizes(ct_exp(ct_zeros(CT_SHAPE(0, 3), CT_F32)), 0, 3);
    ck_assert_int_eq(ct_ndim(ct_exp(ct_zeros(NULL, 0, CT_F32))), 0);
    ck_values(ct_exp(ct_zeros(NULL, 0, CT_F32)), 1);
}
END_TEST

START_TEST(in_place_forms_change_and_differentiate) {
    static ct_status (*const fn[])(ct_tensor *) = {ct_sqrt_, ct_neg_, ct_abs_, ct_exp_};
    static const double y[4][2] = {{0.5, 2}, {-0.25, -4}, {0.25, 4}, {1.284025416687741484, 54.598150033144239078}};
    static const double gx[4][2] = {{1, 0.25}, {-1, -1}, {1, 1}, {1.284025416687741484, 54.598150033144239078}};
    for (int i = 0; i < 4; i++) {
        ct_tensor *leaf = test_f64((double[]){0.25, 4}, CT_SHAPE(2)), *seed = ct_ones(CT_SHAPE(2), CT_F64), *g;
        ct_set_requires_grad(leaf, true);
        ct_tensor *x = ct_mul_scalar(leaf, 1);
        ck_assert_int_eq(fn[i](x), CT_OK);
        ck_assert_int_eq(ct_version_of(x), 1);
        test_values("in place", i, x, y[i], 2, 1e-15, 0);
        ck_assert_int_eq(ct_grad(&x, 1, &leaf, 1, &(ct_grad_options){.grad_outputs = &seed}, &g), CT_OK);
        test_values("in place, gradient", i, g, gx[i], 2, 1e-15, 0);
    }
}
END_TEST

START_TEST(a_result_that_its_gradient_needs_may_not_change) {
    ct_tensor *leaf = ct_ones(CT_SHAPE(2), CT_F64), *seed = ct_ones(CT_SHAPE(2), CT_F64), *g;
    ct_set_requires_grad(leaf, true);
    ct_tensor *x = ct_exp(leaf);
    ck_assert_int_eq(ct_neg_(x), CT_OK);
    ck_assert_int_eq(ct_grad(&x, 1, &leaf, 1, &(ct_grad_options){.grad_outputs = &seed}, &g), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "was changed in place");
}
END_TEST

START_TEST(errors_say_what_was_wrong) {
    ck_assert_ptr_null(ct_neg(ct_zeros(CT_SHAPE(2), CT_BOOL)));
    ck_error(CT_ERR_DTYPE, "ct_neg: not for bool tensors");
    ck_assert_ptr_null(ct_frac(ct_zeros(CT_SHAPE(2), CT_I64)));
    ck_error(CT_ERR_DTYPE, "ct_frac: wants floating point, not int64");
    ck_assert_ptr_null(ct_exp(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_exp: tensor argument 1 is NULL");
    ck_assert_int_eq(ct_exp_(ct_zeros(CT_SHAPE(2), CT_I64)), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_exp_: the result is float32 and cannot be written to a tensor of int64");
    ct_tensor *leaf = ct_zeros(CT_SHAPE(2), CT_F32);
    ct_set_requires_grad(leaf, true);
    ck_assert_int_eq(ct_neg_(leaf), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_neg_");
    ck_assert_int_eq(ct_abs_(ct_zeros(CT_SHAPE(2), CT_BOOL)), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_abs_");
}
END_TEST

TEST_LIST = {TEST(values_and_gradients_are_pytorchs), TEST(float32_is_exact_to_two_units_and_any_stride_gives_the_same),
             TEST(result_dtypes_are_pytorchs), TEST(gradients_and_their_gradients_match_differences), TEST(special_values_follow_ieee),
             TEST(large_and_small_exponents_keep_their_precision), TEST(integers_wrap_and_keep_their_dtype), TEST(empty_and_rank_0_tensors_work),
             TEST(in_place_forms_change_and_differentiate), TEST(a_result_that_its_gradient_needs_may_not_change), TEST(errors_say_what_was_wrong)};
TEST_MAIN("op_unary")
