/* The two forms of elementwise ops: what in-place forms save and refuse; sentences. Values and gradients are in tests/parity. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

static ct_tensor *leaf(void) {
    ct_tensor *x = test_f64((double[]){0.5, 1.5, 2.5}, CT_SHAPE(3));
    ct_set_requires_grad(x, true);
    return x;
}

START_TEST(a_result_that_backward_reads_must_not_change_again) {
    ct_tensor *x = ct_mul_scalar(leaf(), 1);
    ck_assert_int_eq(ct_exp_(x), CT_OK);
    ck_assert_int_eq(ct_mul_scalar_(x, 2), CT_OK); /* exp's gradient reads its result */
    ck_assert_int_eq(ct_backward(ct_sum(x)), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ExpBackward: the float64 output [3] that its gradient needs was changed in place");
}
END_TEST

START_TEST(an_operand_that_backward_reads_is_kept_as_it_was) {
    ct_tensor *a = leaf(), *x = ct_mul_scalar(a, 1);
    ck_assert_int_eq(ct_sin_(x), CT_OK);
    ck_assert_int_eq(ct_mul_scalar_(x, 2), CT_OK);
    ck_assert_int_eq(ct_pow_scalar_int_(x, 3), CT_OK);
    ck_assert_int_eq(ct_backward(ct_sum(x)), CT_OK);
    ct_tensor *b = leaf();
    ct_backward(ct_sum(ct_pow_scalar_int(ct_mul_scalar(ct_sin(b), 2), 3)));
    ck_assert(ct_allclose(ct_tensor_grad(a), ct_tensor_grad(b), NULL));
}
END_TEST

START_TEST(through_a_view_the_base_gets_the_gradient) {
    ct_tensor *a = leaf(), *x = ct_mul_scalar(a, 1);
    ck_assert_int_eq(ct_lgamma_(ct_narrow(x, 0, 1, 2)), CT_OK);
    ck_assert_int_eq(ct_backward(ct_sum(x)), CT_OK);
    ck_values_close(ct_tensor_grad(a), 1e-14, 1, 0.03648997397857652, 0.7031566406452432);
}
END_TEST

START_TEST(an_operand_that_is_the_tensor_itself_is_an_error_at_backward) {
    ct_tensor *x = ct_mul_scalar(leaf(), 1);
    ck_assert_int_eq(ct_atan2_(x, x), CT_OK);
    ck_assert_int_eq(ct_backward(ct_sum(x)), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "Atan2Backward: its in-place operation overwrote a tensor that its gradient needs");
}
END_TEST

START_TEST(a_division_that_fails_changes_nothing) {
    ct_tensor *a = test_i64((double[]){7, -7, 5}, CT_SHAPE(3)), *b = test_i64((double[]){2, 0, 3}, CT_SHAPE(3));
    ck_assert_int_eq(ct_floor_divide_(a, b), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_floor_divide_: integer division by zero");
    ck_assert_int_eq(ct_fmod_scalar_int_(a, 0), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_fmod_scalar_int_: integer division by zero");
    ck_values(a, 7, -7, 5);
    ck_assert_int_eq(ct_version_of(a), 0);
    ck_assert_int_eq(ct_div_tensor_mode_(a, a, (ct_rounding_mode)9), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_div_tensor_mode_: 9 is not a rounding mode");
}
END_TEST

START_TEST(the_identity_of_integers_counts_as_a_change) {
    ct_tensor *a = ct_arange_int(0, 3, 1, CT_I32);
    ck_assert_int_eq(ct_floor_(a), CT_OK);
    ck_assert_int_eq(ct_version_of(a), 1);
    ck_values(a, 0, 1, 2);
}
END_TEST

START_TEST(dtypes_that_do_not_fit_are_refused) {
    ct_tensor *i = ct_ones(CT_SHAPE(2), CT_I64), *f = ct_ones(CT_SHAPE(2), CT_F32), *b = ct_ones(CT_SHAPE(2), CT_BOOL);
    ck_assert_int_eq(ct_sin_(i), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_sin_: the result is float32 and cannot be written to a tensor of int64");
    ck_assert_ptr_null(ct_bitwise_and(f, i));
    ck_error(CT_ERR_DTYPE, "ct_bitwise_and: wants integers or bools, not float32");
    ck_assert_ptr_null(ct_bitwise_left_shift(b, b));
    ck_error(CT_ERR_DTYPE, "ct_bitwise_left_shift: not for bool tensors");
    ck_assert_ptr_null(ct_hypot(i, i));
    ck_error(CT_ERR_DTYPE, "ct_hypot: wants floating point, not int64");
    ck_assert_ptr_null(ct_heaviside(f, i));
    ck_error(CT_ERR_DTYPE, "ct_heaviside: float32 and int64; both must be of one dtype");
    ck_assert_int_eq(ct_float_power_(f, f), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_float_power_: the result is float64 and cannot be written to a tensor of float32");
    ck_assert_ptr_null(ct_lerp_tensor(f, f, ct_to(f, CT_F64)));
    ck_error(CT_ERR_DTYPE, "ct_lerp_tensor: float32 and float64; all must be of one dtype");
    ck_assert_ptr_null(ct_isclose(f, i, NULL));
    ck_error(CT_ERR_DTYPE, "ct_isclose: float32 and int64; both must be of one dtype");
    ck_assert_ptr_null(ct_round_decimals(i, 1));
    ck_error(CT_ERR_DTYPE, "ct_round_decimals: wants floating point, not int64");
}
END_TEST

START_TEST(arguments_out_of_range_are_refused) {
    ct_tensor *f = ct_ones(CT_SHAPE(2), CT_F32), *m = ct_ones(CT_SHAPE(2), CT_BOOL);
    ck_assert_ptr_null(ct_polygamma(-1, f));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_polygamma: the order is -1");
    ck_assert_ptr_null(ct_clamp_tensor(f, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clamp_tensor: min and max are both NULL");
    ck_assert_ptr_null(ct_masked_fill_tensor(f, m, f));
    ck_error(CT_ERR_SHAPE, "ct_masked_fill_tensor: the value has 1 dims; a 0-dim tensor is wanted");
    ck_assert_ptr_null(ct_clone_memory_format(f, CT_FORMAT_CHANNELS_LAST));
    ck_error(CT_ERR_SHAPE, "ct_clone_memory_format: channels_last wants 4 dims, the tensor has 1");
    ck_assert_ptr_null(ct_tril_indices(-1, 3, 0, CT_I64));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_tril_indices: -1 rows and 3 columns");
    ck_assert_ptr_null(ct_triu_indices(3, 3, 0, CT_F32));
    ck_error(CT_ERR_DTYPE, "ct_triu_indices: indices are int64 or int32, not float32");
    ck_assert_ptr_null(ct_logspace(0, 1, -1, 10, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_logspace: steps is -1");
    ck_assert_ptr_null(ct_empty_strided((int64_t[]){2}, (int64_t[]){-1}, 1, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_empty_strided: stride -1 at dim 0 is negative or too large");
    ck_assert_ptr_null(ct_empty_strided((int64_t[]){2, 2}, (int64_t[]){INT64_MAX, INT64_MAX}, 2, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_empty_strided: stride 9223372036854775807 at dim 0 is negative or too large");
    ck_assert_ptr_null(ct_normal(f, ct_neg(f), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_normal: std is -1, it must not be negative");
    ck_assert_int_eq(ct_exponential_(f, 0, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_exponential_: lambd is 0, it must be positive");
    ck_assert_int_eq(ct_geometric_(f, 1, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_geometric_: p is 1, it must be in (0, 1)");
    ck_assert_int_eq(ct_bernoulli_tensor_(f, ct_mul_scalar(f, 2), NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_bernoulli_tensor_: the probability 2 is not in [0, 1]");
}
END_TEST

START_TEST(polygamma_is_infinite_at_its_poles_and_right_beside_them) {
    ct_tensor *x = test_f64((double[]){0, -1, -3, INFINITY, -2.5, -1000000.5}, CT_SHAPE(6));
    ck_values_close(ct_polygamma(1, x), 1e-13, INFINITY, INFINITY, INFINITY, 0, 9.53924664498912375, 9.86960340109035862);
}
END_TEST

START_TEST(strides_of_ones_own_lie_in_one_block) {
    ct_tensor *x = ct_empty_strided((int64_t[]){2, 3}, (int64_t[]){1, 1}, 2, CT_F32); /* rows that overlap: 4 elements */
    ck_sizes(x, 2, 3);
    ck_assert_int_eq(ct_stride(x, 0), 1);
    ck_assert_int_eq(ct_copy_(ct_as_strided(x, CT_SHAPE(4), (int64_t[]){1}, 0), ct_arange(0, 4, 1, CT_F32)), CT_OK);
    ck_values(x, 0, 1, 2, 1, 2, 3);
    ct_tensor *gap = ct_empty_strided((int64_t[]){2, 2}, (int64_t[]){5, 2}, 2, CT_F32);
    ck_assert_int_eq(ct_fill_(gap, 3), CT_OK);
    ck_values(gap, 3, 3, 3, 3);
}
END_TEST

static ct_tensor *remainder_of_seven(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_add(ct_remainder_rscalar(7, in[0]), ct_remainder_rscalar_int(9, in[0]));
}
START_TEST(remainders_of_a_number_have_the_gradient_that_pytorch_lacks) {
    ct_tensor *x = test_f64((double[]){0.85, 1.3, 2.2, -3.1}, CT_SHAPE(4));
    ct_set_requires_grad(x, true);
    ck_assert_int_eq(ct_gradcheck(remainder_of_seven, NULL, &x, 1, NULL), CT_OK);
    ck_assert_int_eq(ct_gradgradcheck(remainder_of_seven, NULL, &x, 1, NULL), CT_OK);
}
END_TEST

TEST_LIST = {
    TEST(a_result_that_backward_reads_must_not_change_again),
    TEST(an_operand_that_backward_reads_is_kept_as_it_was),
    TEST(through_a_view_the_base_gets_the_gradient),
    TEST(an_operand_that_is_the_tensor_itself_is_an_error_at_backward),
    TEST(a_division_that_fails_changes_nothing),
    TEST(the_identity_of_integers_counts_as_a_change),
    TEST(dtypes_that_do_not_fit_are_refused),
    TEST(arguments_out_of_range_are_refused),
    TEST(polygamma_is_infinite_at_its_poles_and_right_beside_them),
    TEST(strides_of_ones_own_lie_in_one_block),
    TEST(remainders_of_a_number_have_the_gradient_that_pytorch_lacks),
};
TEST_MAIN("forms")
