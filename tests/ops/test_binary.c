/* Arithmetic of two tensors or a tensor and a number against PyTorch: values, gradients, result dtypes, broadcasting, in place. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

#include "golden_binary.inc"

enum { CASES = sizeof golden / sizeof golden[0] };

static ct_tensor *absolute(ct_tensor *t, size_t i) { return strcmp(golden[i].name, "pow") ? t : ct_abs(t); }

START_TEST(values_and_gradients_are_pytorchs) {
    for (size_t i = 0; i < CASES; i++) {
        ct_tensor *in[] = {absolute(test_f64(golden_a, CT_SHAPE(8)), i), test_f64(golden_b, CT_SHAPE(8))}, *g[2], *seed = ct_arange(1, 9, 1, CT_F64);
        ct_set_requires_grad(in[0], true);
        ct_set_requires_grad(in[1], true);
        ct_tensor *y = golden[i].fn(in[0], in[1]);
        test_values(golden[i].name, 0, y, golden[i].y, 8, 1e-14, 0);
        if (ct_tensor_dtype(y) == CT_BOOL) {
            ck_assert(!ct_requires_grad(y));
            continue;
        }
        ck_assert_int_eq(ct_grad(&y, 1, in, 2, &(ct_grad_options){.grad_outputs = &seed}, g), CT_OK);
        test_values(golden[i].name, 1, g[0], golden[i].ga, 8, 1e-14, 1e-15);
        test_values(golden[i].name, 2, g[1], golden[i].gb, 8, 1e-14, 1e-15);
    }
}
END_TEST

START_TEST(integers_follow_pytorchs_rules) {
    for (size_t i = 0; i < CASES; i++) {
        ct_tensor *a = test_i64(golden_i, CT_SHAPE(8)), *b = absolute(test_i64(golden_j, CT_SHAPE(8)), i);
        test_values(golden[i].name, 0, golden[i].fn(a, b), golden[i].ints, 8, 1e-6, 0);
        test_values(golden[i].name, 1, golden[i].fn(ct_to(a, CT_I32), ct_to(b, CT_I32)), golden[i].ints, 8, 1e-6, 0);
    }
}
END_TEST

START_TEST(result_dtypes_are_pytorchs_for_every_pair_and_rank) {
    static const int ndims[3][2] = {{1, 1}, {1, 0}, {0, 0}};
    const int64_t two = 2;
    for (size_t i = 0; i < CASES; i++)
        for (int r = 0; r < 3; r++)
            for (int a = 0; a < 6; a++)
                for (int b = 0; b < 6; b++) {
                    ct_tensor *y = golden[i].fn(ct_ones(&two, ndims[r][0], golden_dtypes[a]), ct_ones(&two, ndims[r][1], golden_dtypes[b]));
                    ck_assert_msg(ct_tensor_dtype(y) == golden[i].dtype[r][a][b], "%s of %s %d-d and %s %d-d: %s, want %s", golden[i].name,
                                  ct_dtype_name(golden_dtypes[a]), ndims[r][0], ct_dtype_name(golden_dtypes[b]), ndims[r][1],
                                  ct_dtype_name(ct_tensor_dtype(y)), ct_dtype_name(golden[i].dtype[r][a][b]));
                    if (!y) ck_assert_int_eq(ct_error_status(), CT_ERR_DTYPE);
                    ct_error_clear();
                }
}
END_TEST

static ct_tensor *apply(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return golden[*(size_t *)user].fn(in[0], in[1]);
}

START_TEST(gradients_of_broadcast_inputs_match_differences) {
    for (size_t i = 0; i < CASES; i++) {
        ct_tensor *in[] = {test_f64((double[]){0.7, 1.3, 2.1, 0.4, 1.9, 2.6}, CT_SHAPE(2, 3)), test_f64((double[]){1.15, 0.6, 1.7}, CT_SHAPE(3))};
        ct_set_requires_grad(in[0], true);
        ct_set_requires_grad(in[1], true);
        if (ct_tensor_dtype(golden[i].fn(in[0], in[1])) == CT_BOOL) continue;
        ck_assert_msg(ct_gradcheck(apply, &i, in, 2, NULL) == CT_OK, "%s: %s", golden[i].name, ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply, &i, in, 2, NULL) == CT_OK, "%s: %s", golden[i].name, ct_error_message());
    }
}
END_TEST

typedef enum form { ADD, SUB, MUL, DIV, POW3, POWF, RSUB, RDIV, RPOW, REM, ALPHA, LERP, ADDCMUL, ADDCDIV, FORMS } form;
static ct_tensor *apply_form(ct_tensor *const *in, int n, void *user) {
    (void)n;
    switch (*(form *)user) {
    case ADD: return ct_add_scalar(in[0], 1.5);
    case SUB: return ct_sub_scalar(in[0], 1.5);
    case MUL: return ct_mul_scalar(in[0], -2);
    case DIV: return ct_div_scalar(in[0], 4);
    case POW3: return ct_pow_scalar_int(in[0], 3);
    case POWF: return ct_pow_scalar(in[0], 1.5);
    case RSUB: return ct_sub_rscalar(1, in[0]);
    case RDIV: return ct_div_rscalar(2, in[0]);
    case RPOW: return ct_pow_rscalar(2, in[0]);
    case REM: return ct_remainder_scalar(in[0], 5);
    case ALPHA: return ct_add_alpha(in[0], in[1], -0.5);
    case LERP: return ct_lerp(in[0], in[1], 0.75);
    case ADDCMUL: return ct_addcmul(in[0], in[1], in[2], 0.5);
    case ADDCDIV: return ct_addcdiv(in[0], in[1], in[2], -2);
    default: return NULL;
    }
}

START_TEST(forms_with_numbers_and_fused_forms) {
    static const double want[FORMS][4] = {{2, 2.5, 3.5, 4.5}, {-1, -0.5, 0.5, 1.5}, {-1, -2, -4, -6}, {0.125, 0.25, 0.5, 0.75},
                                          {0.125, 1, 8, 27}, {0.353553390593273762, 1, 2.828427124746190098, 5.196152422706631880}, {0.5, 0, -1, -2},
                                          {4, 2, 1, 0.66666666666666663}, {1.414213562373095049, 2, 4, 8}, {0.5, 1, 2, 3},
                                          {-0.5, 0, 1, 2}, {1.625, 1.75, 2, 2.25}, {2.5, 3, 4, 5}, {-1.5, -1, 0, 1}};
    for (form f = ADD; f < FORMS; f++) {
        ct_tensor *in[] = {test_f64((double[]){0.5, 1, 2, 3}, CT_SHAPE(2, 2)), ct_full(CT_SHAPE(1, 2), 2, CT_F64), ct_full(CT_SHAPE(2, 1), 2, CT_F64)};
        for (int i = 0; i < 3; i++) ct_set_requires_grad(in[i], true);
        test_values("form", (int)f, apply_form(in, 3, &f), want[f], 4, 1e-15, 0);
        int n = f < ALPHA ? 1 : f < ADDCMUL ? 2 : 3;
        ck_assert_msg(ct_gradcheck(apply_form, &f, in, n, NULL) == CT_OK, "form %d: %s", (int)f, ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply_form, &f, in, n, NULL) == CT_OK, "form %d: %s", (int)f, ct_error_message());
    }
}
END_TEST

START_TEST(numbers_promote_by_their_category) {
    ct_tensor *i = ct_full_int(CT_SHAPE(2), 7, CT_I64), *b = ct_ones(CT_SHAPE(2), CT_BOOL), *d = ct_ones(CT_SHAPE(2), CT_F64);
    ck_assert_int_eq(ct_tensor_dtype(ct_add_scalar(i, 2)), CT_F32);
    ck_assert_int_eq(ct_tensor_dtype(ct_add_scalar_int(i, 2)), CT_I64);
    ck_assert_int_eq(ct_tensor_dtype(ct_add_scalar_int(b, 2)), CT_I64);
    ck_assert_int_eq(ct_tensor_dtype(ct_mul_scalar(b, 2)), CT_F32);
    ck_assert_int_eq(ct_tensor_dtype(ct_add_scalar(d, 2)), CT_F64);
    ck_assert_int_eq(ct_tensor_dtype(ct_mul_scalar_int(ct_ones(CT_SHAPE(2), CT_U8), 300)), CT_U8);
    ck_values(ct_mul_scalar_int(ct_ones(CT_SHAPE(2), CT_U8), 300), 44, 44);
    ck_values(ct_sub_scalar_int(i, 2), 5, 5);
    ck_values(ct_sub_rscalar_int(2, i), -5, -5);
    ck_values(ct_remainder_scalar_int(i, -4), -1, -1);
    ck_values(ct_pow_scalar_int(i, 2), 49, 49);
    ct_tensor *big = ct_add_scalar_int(ct_zeros(NULL, 0, CT_I64), INT64_MAX);
    ck_assert(ct_item_i64(big) == INT64_MAX); /* not through a double */
}
END_TEST

START_TEST(rounded_division) {
    ct_tensor *a = test_f64((double[]){7, -7, 7, -7, 1, 0}, CT_SHAPE(6)), *b = test_f64((double[]){2, 2, -2, -2, 0, -3}, CT_SHAPE(6));
    ck_values(ct_div_tensor_mode(a, b, CT_ROUND_FLOOR), 3, -4, -4, 3, INFINITY, 0);
    ck_values(ct_div_tensor_mode(a, b, CT_ROUND_TRUNC), 3, -3, -3, 3, INFINITY, 0);
    ck_values(ct_div_tensor_mode(a, b, CT_ROUND_NONE), 3.5, -3.5, -3.5, 3.5, INFINITY, 0);
    ck_values(ct_div_tensor_mode(ct_to(ct_narrow(a, 0, 0, 4), CT_I32), ct_to(ct_narrow(b, 0, 0, 4), CT_I32), CT_ROUND_FLOOR), 3, -4, -4, 3);
}
END_TEST

START_TEST(integer_division_never_traps) {
    ct_tensor *low = ct_full_int(CT_SHAPE(1), INT64_MIN, CT_I64), *minus = ct_full_int(CT_SHAPE(1), -1, CT_I64), *zero = ct_zeros(CT_SHAPE(1), CT_I64);
    ck_assert(ct_item_i64(ct_div_tensor_mode(low, minus, CT_ROUND_TRUNC)) == INT64_MIN);
    ck_assert(ct_item_i64(ct_div_tensor_mode(low, minus, CT_ROUND_FLOOR)) == INT64_MIN);
    ck_assert_int_eq(ct_item_i64(ct_remainder(low, minus)), 0);
    ck_assert_int_eq(ct_item_i64(ct_fmod(low, minus)), 0);
    ck_assert_int_eq(ct_item_i64(ct_pow(ct_full_int(CT_SHAPE(1), 2, CT_I64), minus)), 0);
    ck_assert_int_eq(ct_item_i64(ct_pow(minus, minus)), -1);
    ck_assert_ptr_null(ct_remainder(low, zero));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_remainder: integer division by zero");
    ck_assert_ptr_null(ct_fmod(low, zero));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_fmod: integer division by zero");
    ck_assert_ptr_null(ct_div_tensor_mode(low, zero, CT_ROUND_FLOOR));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_div_tensor_mode: integer division by zero");
    ck_assert_ptr_null(ct_remainder_scalar_int(low, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_remainder_scalar_int: integer division by zero");
    ck_values(ct_div(low, zero), -INFINITY);
}
END_TEST

START_TEST(shapes_broadcast_and_layouts_carry_over) {
    ct_tensor *a = ct_reshape(ct_arange(0, 6, 1, CT_F32), CT_SHAPE(2, 1, 3)), *b = ct_reshape(ct_arange(0, 4, 1, CT_F32), CT_SHAPE(4, 1));
    ct_tensor *y = ct_add(a, b);
    ck_sizes(y, 2, 4, 3);
    ck_values(ct_select(y, 0, 1), 3, 4, 5, 4, 5, 6, 5, 6, 7, 6, 7, 8);
    ck_sizes(ct_add(ct_zeros(CT_SHAPE(1, 0), CT_F32), b), 4, 0);
    ct_tensor *nhwc = ct_contiguous(ct_zeros(CT_SHAPE(2, 3, 4, 5), CT_F32), CT_FORMAT_CHANNELS_LAST);
    ck_assert(ct_is_contiguous(ct_add(nhwc, nhwc), CT_FORMAT_CHANNELS_LAST));
    ck_assert(ct_is_contiguous(ct_add(nhwc, ct_ones(CT_SHAPE(3, 1, 1), CT_F32)), CT_FORMAT_CHANNELS_LAST));
    ck_assert(ct_is_contiguous(ct_mul_scalar(nhwc, 2), CT_FORMAT_CHANNELS_LAST));
    ct_tensor *t = ct_t(ct_zeros(CT_SHAPE(3, 5), CT_F32));
    ck_assert_int_eq(ct_stride(ct_add(t, t), 0), 1);
    ck_assert_int_eq(ct_stride(ct_add(t, ct_zeros(CT_SHAPE(5, 3), CT_F32)), 0), 1); /* the first operand decides */
    ct_tensor *wide = ct_expand(ct_ones(CT_SHAPE(1, 3), CT_F32), CT_SHAPE(4, 3));
    ck_assert_int_eq(ct_stride(ct_add(wide, wide), 0), 3);
}
END_TEST

START_TEST(large_tensors_are_split_among_threads_and_stay_right) {
    ct_tensor *x = ct_arange(0, 100003, 1, CT_F64), *rows = ct_reshape(ct_arange(0, 90000, 1, CT_F64), CT_SHAPE(300, 300));
    ct_tensor *y = ct_sub(ct_mul_scalar(x, 2), x);
    ck_assert(ct_equal(y, x));
    ct_tensor *sum = ct_add(rows, ct_t(rows)); /* strided on one side: element (i, j) is 301 (i + j) */
    ck_assert(ct_item_f64(ct_select(ct_select(sum, 0, 299), 0, 0)) == 299.0 * 301);
    ck_assert(ct_equal(sum, ct_t(sum)));
    ck_assert(ct_equal(ct_add(ct_to(x, CT_I64), x), ct_mul_scalar(x, 2))); /* converted in blocks */
}
END_TEST

START_TEST(in_place_forms_change_their_first_argument) {
    ct_tensor *a = test_f32((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2)), *b = test_f64((double[]){10, 20}, CT_SHAPE(2));
    ck_assert_int_eq(ct_add_(a, b), CT_OK);
    ck_values(a, 11, 22, 13, 24);
    ck_assert_int_eq(ct_sub_(a, b), CT_OK);
    ck_assert_int_eq(ct_mul_(a, b), CT_OK);
    ck_values(a, 10, 40, 30, 80);
    ck_assert_int_eq(ct_div_(a, b), CT_OK);
    ck_assert_int_eq(ct_add_alpha_(a, b, 0.5), CT_OK);
    ck_values(a, 6, 12, 8, 14);
    ck_assert_int_eq(ct_add_scalar_(a, 1), CT_OK);
    ck_assert_int_eq(ct_sub_scalar_(a, 3), CT_OK);
    ck_assert_int_eq(ct_mul_scalar_(a, 3), CT_OK);
    ck_assert_int_eq(ct_div_scalar_(a, 2), CT_OK);
    ck_values(a, 6, 15, 9, 18);
    ck_assert_int_eq(ct_tensor_dtype(a), CT_F32);
    ck_assert_int_eq(ct_add_(ct_t(a), a), CT_OK); /* overlaps: the old values are added */
    ck_values(a, 12, 24, 24, 36);
    ct_tensor *line = ct_arange(0, 5, 1, CT_F32);
    ck_assert_int_eq(ct_add_(ct_narrow(line, 0, 1, 4), ct_narrow(line, 0, 0, 4)), CT_OK);
    ck_values(line, 0, 1, 3, 5, 7);
}
END_TEST

START_TEST(in_place_forms_differentiate_what_was_there_before) {
    ct_tensor *leaf[] = {test_f64((double[]){2, 3}, CT_SHAPE(2)), test_f64((double[]){5, 4}, CT_SHAPE(2))}, *g[2], *seed = ct_ones(CT_SHAPE(2), CT_F64);
    for (int i = 0; i < 2; i++) ct_set_requires_grad(leaf[i], true);
    ct_tensor *x = ct_add_scalar(leaf[0], 0);
    ck_assert_int_eq(ct_mul_(x, leaf[1]), CT_OK);       /* a b */
    ck_assert_int_eq(ct_div_scalar_(x, 2), CT_OK);      /* a b / 2 */
    ck_assert_int_eq(ct_sub_(x, leaf[1]), CT_OK);       /* a b / 2 - b */
    ck_assert_int_eq(ct_div_(x, leaf[0]), CT_OK);       /* b / 2 - b / a */
    ck_assert_int_eq(ct_add_alpha_(x, leaf[0], 3), CT_OK);
    ck_values(x, 6, 9 + 2 - 4.0 / 3);
    ck_assert_int_eq(ct_grad(&x, 1, leaf, 2, &(ct_grad_options){.grad_outputs = &seed}, g), CT_OK);
    ck_values_close(g[0], 1e-14, 3 + 5.0 / 4, 3 + 4.0 / 9);
    ck_values_close(g[1], 1e-14, 0, 0.5 - 1.0 / 3);
}
END_TEST

START_TEST(errors_say_what_was_wrong) {
    ct_tensor *a = ct_zeros(CT_SHAPE(2, 3), CT_F32), *b = ct_zeros(CT_SHAPE(2), CT_F32), *i = ct_zeros(CT_SHAPE(3), CT_I64), *t = ct_zeros(CT_SHAPE(3), CT_BOOL);
    ck_assert_ptr_null(ct_add(a, b));
    ck_error(CT_ERR_SHAPE, "ct_add: [2, 3] and [2] cannot be broadcast: 3 != 2 at dim 1");
    ck_assert_ptr_null(ct_mul(a, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_mul: tensor argument 2 is NULL");
    ck_assert_ptr_null(ct_sub(t, t));
    ck_error(CT_ERR_DTYPE, "ct_sub: bool tensors cannot be subtracted");
    ck_assert_ptr_null(ct_add_alpha(i, i, 0.5));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_add_alpha: for int64 alpha must be a whole number, not 0.5");
    ck_assert_int_eq(ct_add_(i, ct_zeros(CT_SHAPE(3), CT_F32)), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_add_: the result is float32 and cannot be written to a tensor of int64");
    ck_assert_int_eq(ct_add_(b, ct_zeros(CT_SHAPE(4, 2), CT_F32)), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "ct_add_: the result would be [4, 2], which the tensor [2] cannot hold in place");
    ck_assert_int_eq(ct_mul_(ct_expand(ct_zeros(CT_SHAPE(1, 3), CT_F32), CT_SHAPE(2, 3)), a), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_mul_: more than one element");
    ck_assert_ptr_null(ct_pow_scalar_int(i, -1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_pow_scalar_int: integers to the power of -1");
    ck_assert_ptr_null(ct_lerp(a, ct_to(a, CT_F64), 0.5));
    ck_error(CT_ERR_DTYPE, "ct_lerp: float32 and float64");
    ck_assert_ptr_null(ct_addcdiv(i, i, i, 1));
    ck_error(CT_ERR_DTYPE, "ct_addcdiv: wants floating point");
    ck_assert_ptr_null(ct_div_tensor_mode(a, a, (ct_rounding_mode)9));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_div_tensor_mode: 9 is not a rounding mode");
    ct_set_requires_grad(b, true);
    ck_assert_int_eq(ct_add_scalar_(b, 1), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_add_scalar_: a leaf that requires grad");
}
END_TEST

TEST_LIST = {TEST(values_and_gradients_are_pytorchs), TEST(integers_follow_pytorchs_rules), TEST(result_dtypes_are_pytorchs_for_every_pair_and_rank),
             TEST(gradients_of_broadcast_inputs_match_differences), TEST(forms_with_numbers_and_fused_forms), TEST(numbers_promote_by_their_category),
             TEST(rounded_division), TEST(integer_division_never_traps), TEST(shapes_broadcast_and_layouts_carry_over),
             TEST(large_tensors_are_split_among_threads_and_stay_right), TEST(in_place_forms_change_their_first_argument),
             TEST(in_place_forms_differentiate_what_was_there_before), TEST(errors_say_what_was_wrong)};
TEST_MAIN("op_binary")
