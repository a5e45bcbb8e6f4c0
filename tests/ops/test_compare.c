/* Comparison, logic, tests of one tensor, equal and allclose. The values of the two-tensor forms are in test_binary.c. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <math.h>

START_TEST(numbers_compare_in_the_common_dtype) {
    ct_tensor *f = test_f32((double[]){-1, 0, 2, NAN}, CT_SHAPE(4)), *i = test_i64((double[]){-1, 0, 2}, CT_SHAPE(3));
    ck_values(ct_eq_scalar(f, 2), 0, 0, 1, 0);
    ck_values(ct_ne_scalar(f, 2), 1, 1, 0, 1);
    ck_values(ct_lt_scalar(f, 0), 1, 0, 0, 0);
    ck_values(ct_le_scalar(f, 0), 1, 1, 0, 0);
    ck_values(ct_gt_scalar(f, 0), 0, 0, 1, 0);
    ck_values(ct_ge_scalar(f, 0), 0, 1, 1, 0);
    ck_values(ct_eq_scalar_int(i, 2), 0, 0, 1);
    ck_values(ct_ne_scalar_int(i, 2), 1, 1, 0);
    ck_values(ct_lt_scalar_int(i, 0), 1, 0, 0);
    ck_values(ct_le_scalar_int(i, 0), 1, 1, 0);
    ck_values(ct_gt_scalar_int(i, 0), 0, 0, 1);
    ck_values(ct_ge_scalar_int(i, 0), 0, 1, 1);
    ck_values(ct_lt_scalar(i, 1.5), 1, 1, 0);
    ck_values(ct_lt_scalar(f, 1e300), 1, 1, 1, 0);
    ck_assert_int_eq(ct_tensor_dtype(ct_eq_scalar(f, 2)), CT_BOOL);
}
END_TEST

START_TEST(integers_that_do_not_fit_compare_as_what_they_are) {
    ct_tensor *u = ct_to(test_i64((double[]){5, 200}, CT_SHAPE(2)), CT_U8), *i = ct_to(u, CT_I32);
    ck_values(ct_lt_scalar_int(u, 300), 1, 1);
    ck_values(ct_ge_scalar_int(u, -1), 1, 1);
    ck_values(ct_eq_scalar_int(i, ((int64_t)1 << 32) + 5), 0, 0);
    ck_values(ct_gt_scalar_int(ct_ones(CT_SHAPE(1), CT_BOOL), 1), 0);
}
END_TEST

START_TEST(large_integers_are_told_apart) {
    ct_tensor *a = ct_full_int(CT_SHAPE(1), ((int64_t)1 << 53) + 1, CT_I64);
    ck_values(ct_eq_scalar_int(a, (int64_t)1 << 53), 0);
    ck_values(ct_gt(a, ct_full_int(CT_SHAPE(1), (int64_t)1 << 53, CT_I64)), 1);
}
END_TEST

START_TEST(logic_counts_what_is_not_zero) {
    ct_tensor *f = test_f32((double[]){0, -0.0, 2, NAN}, CT_SHAPE(4)), *b = ct_to(test_i64((double[]){0, 1, 0, 1}, CT_SHAPE(4)), CT_BOOL);
    ck_values(ct_logical_and(f, b), 0, 0, 0, 1);
    ck_values(ct_logical_or(f, b), 0, 1, 1, 1);
    ck_values(ct_logical_xor(f, b), 0, 1, 1, 0);
    ck_values(ct_logical_not(f), 1, 1, 0, 0);
    ck_values(ct_logical_not(b), 1, 0, 1, 0);
    ck_values(ct_logical_not(ct_arange_int(0, 3, 1, CT_DTYPE_NONE)), 1, 0, 0);
}
END_TEST

START_TEST(nan_and_infinity_are_found) {
    ct_tensor *f = test_f64((double[]){1, NAN, INFINITY, -INFINITY}, CT_SHAPE(4));
    ck_values(ct_isnan(f), 0, 1, 0, 0);
    ck_values(ct_isinf(f), 0, 0, 1, 1);
    ck_values(ct_isfinite(f), 1, 0, 0, 0);
    ck_values(ct_isnan(ct_ones(CT_SHAPE(2), CT_I32)), 0, 0);
    ck_values(ct_isinf(ct_ones(CT_SHAPE(2), CT_BOOL)), 0, 0);
    ck_values(ct_isfinite(ct_ones(CT_SHAPE(2), CT_U8)), 1, 1);
}
END_TEST

START_TEST(results_broadcast_and_never_require_grad) {
    ct_tensor *a = ct_ones(CT_SHAPE(2, 1), CT_F32);
    ct_set_requires_grad(a, true);
    ct_tensor *y = ct_gt(a, ct_zeros(CT_SHAPE(3), CT_I64));
    ck_sizes(y, 2, 3);
    ck_assert(!ct_requires_grad(y));
    ck_sizes(ct_eq(ct_zeros(CT_SHAPE(0, 3), CT_F32), ct_zeros(NULL, 0, CT_F32)), 0, 3);
}
END_TEST

START_TEST(equal_wants_sizes_and_values) {
    ct_tensor *a = test_f32((double[]){1, 2}, CT_SHAPE(2));
    ck_assert(ct_equal(a, test_f32((double[]){1, 2}, CT_SHAPE(2))));
    ck_assert(ct_equal(a, test_i64((double[]){1, 2}, CT_SHAPE(2))));
    ck_assert(!ct_equal(a, test_f32((double[]){1, 3}, CT_SHAPE(2))));
    ck_assert(!ct_equal(a, test_f32((double[]){1, 2}, CT_SHAPE(1, 2))));
    ck_assert(!ct_equal(ct_full(NULL, 0, NAN, CT_F32), ct_full(NULL, 0, NAN, CT_F32)));
    ck_assert(ct_equal(ct_zeros(CT_SHAPE(0), CT_F32), ct_zeros(CT_SHAPE(0), CT_F32)));
    ck_assert(!ct_equal(a, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_equal: tensor argument 2 is NULL");
}
END_TEST

START_TEST(allclose_has_pytorchs_tolerances) {
    ct_tensor *a = test_f64((double[]){1, 1000}, CT_SHAPE(2)), *nan = ct_full(CT_SHAPE(2), NAN, CT_F64), *inf = ct_full(CT_SHAPE(2), INFINITY, CT_F64);
    ck_assert(ct_allclose(a, test_f64((double[]){1.000009, 1000.009}, CT_SHAPE(2)), NULL));
    ck_assert(!ct_allclose(a, test_f64((double[]){1.00002, 1000}, CT_SHAPE(2)), NULL));
    ck_assert(ct_allclose(a, test_f64((double[]){1.05, 1000}, CT_SHAPE(2)), &(ct_allclose_options){.atol = ct_some_f64(0.1)}));
    ck_assert(!ct_allclose(a, test_f64((double[]){1.000009, 1000}, CT_SHAPE(2)), &(ct_allclose_options){.rtol = ct_some_f64(0)}));
    ck_assert(!ct_allclose(nan, nan, NULL));
    ck_assert(ct_allclose(nan, nan, &(ct_allclose_options){.equal_nan = true}));
    ck_assert(ct_allclose(inf, inf, NULL));
    ck_assert(!ct_allclose(inf, ct_neg(inf), NULL));
    ck_assert(ct_allclose(a, ct_reshape(a, CT_SHAPE(1, 2)), NULL));
    ck_assert(!ct_allclose(a, ct_to(a, CT_F32), NULL));
    ck_error(CT_ERR_DTYPE, "ct_allclose: float64 and float32");
    ck_assert(!ct_allclose(a, a, &(ct_allclose_options){.rtol = ct_some_f64(-1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_allclose: rtol -1");
    ck_assert(!ct_allclose(a, a, &(ct_allclose_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_allclose");
}
END_TEST

TEST_LIST = {TEST(numbers_compare_in_the_common_dtype), TEST(integers_that_do_not_fit_compare_as_what_they_are), TEST(large_integers_are_told_apart),
             TEST(logic_counts_what_is_not_zero), TEST(nan_and_infinity_are_found), TEST(results_broadcast_and_never_require_grad),
             TEST(equal_wants_sizes_and_values), TEST(allclose_has_pytorchs_tolerances)};
TEST_MAIN("op_compare")
