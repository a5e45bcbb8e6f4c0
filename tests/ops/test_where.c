/* Selection and limits: where, masked_fill, clamp. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

static ct_tensor *mask(const double *values, const int64_t *sizes, int ndim) { return ct_to(test_i64(values, sizes, ndim), CT_BOOL); }

START_TEST(where_chooses_and_broadcasts) {
    ct_tensor *m = mask((double[]){1, 0}, CT_SHAPE(2, 1)), *a = test_f32((double[]){1, 2, 3}, CT_SHAPE(3)), *b = ct_full(NULL, 0, 9, CT_F64);
    ct_tensor *y = ct_where(m, a, b);
    ck_sizes(y, 2, 3);
    ck_values(y, 1, 2, 3, 9, 9, 9);
    ck_assert_int_eq(ct_tensor_dtype(y), CT_F32); /* the 0-dim tensor is of the same category */
    ck_assert_int_eq(ct_tensor_dtype(ct_where(m, ct_ones(CT_SHAPE(3), CT_I64), a)), CT_F32);
    ck_values(ct_where(mask((double[]){1, 0, 1}, CT_SHAPE(3)), a, ct_full(CT_SHAPE(3), NAN, CT_F32)), 1, NAN, 3);
    ck_assert_int_eq(ct_numel(ct_where(ct_zeros(CT_SHAPE(0), CT_BOOL), b, b)), 0);
}
END_TEST

typedef enum form { WHERE, FILL, CLAMP, CLAMP_MIN, CLAMP_MAX, FORMS } form;
static ct_tensor *apply(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_tensor *m = mask((double[]){1, 0, 0, 1}, CT_SHAPE(2, 2));
    switch (*(form *)user) {
    case WHERE: return ct_mul(ct_where(m, in[0], in[1]), in[0]);
    case FILL: return ct_square(ct_masked_fill(in[0], m, 3));
    case CLAMP: return ct_square(ct_clamp(in[0], -0.75, 1));
    case CLAMP_MIN: return ct_square(ct_clamp_min(in[0], 0.25));
    default: return ct_square(ct_clamp_max(in[0], 0.25));
    }
}

START_TEST(gradients_match_differences) {
    for (form f = WHERE; f < FORMS; f++) {
        ct_tensor *in[] = {test_f64((double[]){0.5, -1, 2, -0.25}, CT_SHAPE(2, 2)), test_f64((double[]){0.3, 0.7}, CT_SHAPE(2))};
        ct_set_requires_grad(in[0], true);
        ct_set_requires_grad(in[1], true);
        ck_assert_msg(ct_gradcheck(apply, &f, in, f == WHERE ? 2 : 1, NULL) == CT_OK, "form %d: %s", (int)f, ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply, &f, in, f == WHERE ? 2 : 1, NULL) == CT_OK, "form %d: %s", (int)f, ct_error_message());
    }
}
END_TEST

START_TEST(masked_fill_converts_the_value_to_the_dtype) {
    ct_tensor *m = mask((double[]){1, 0, 1}, CT_SHAPE(3));
    ck_values(ct_masked_fill(ct_zeros(CT_SHAPE(3), CT_I64), m, 1.5), 1, 0, 1);
    ck_values(ct_masked_fill(ct_zeros(CT_SHAPE(3), CT_BOOL), m, 2), 1, 0, 1);
    ck_values(ct_masked_fill(ct_zeros(CT_SHAPE(3), CT_F32), m, -INFINITY), -INFINITY, 0, -INFINITY);
    ck_sizes(ct_masked_fill(ct_zeros(CT_SHAPE(1), CT_F32), m, 1), 3);
    ct_tensor *t = ct_zeros(CT_SHAPE(2, 3), CT_F32);
    ck_assert_int_eq(ct_masked_fill_(t, m, 7), CT_OK);
    ck_values(t, 7, 0, 7, 7, 0, 7);
}
END_TEST

START_TEST(masked_fill_in_place_stops_the_gradient_where_it_filled) {
    ct_tensor *leaf = ct_ones(CT_SHAPE(3), CT_F64), *g;
    ct_set_requires_grad(leaf, true);
    ct_tensor *x = ct_mul_scalar(leaf, 2);
    ck_assert_int_eq(ct_masked_fill_(x, mask((double[]){0, 1, 0}, CT_SHAPE(3)), 5), CT_OK);
    ct_tensor *sum = ct_sum(x);
    ck_assert_int_eq(ct_grad(&sum, 1, &leaf, 1, NULL, &g), CT_OK);
    ck_values(g, 2, 0, 2);
}
END_TEST

START_TEST(clamp_limits) {
    ct_tensor *x = test_f32((double[]){-2, 0, 2, NAN, INFINITY}, CT_SHAPE(5)), *i = test_i64((double[]){-2, 0, 2}, CT_SHAPE(3));
    ck_values(ct_clamp(x, -1, 1), -1, 0, 1, NAN, 1);
    ck_values(ct_clamp(x, 1, -1), -1, -1, -1, NAN, -1); /* the upper limit wins */
    ck_values(ct_clamp(x, NAN, 1), NAN, NAN, NAN, NAN, NAN);
    ck_values(ct_clamp(x, -INFINITY, 1), -2, 0, 1, NAN, 1);
    ck_values(ct_clamp_min(x, 0), 0, 0, 2, NAN, INFINITY);
    ck_values(ct_clamp_max(x, 0), -2, 0, 0, NAN, 0);
    ck_values(ct_clamp_min(x, NAN), NAN, NAN, NAN, NAN, NAN);
    ck_assert_int_eq(ct_tensor_dtype(ct_clamp(i, 0, 1)), CT_F32);
    ck_assert_int_eq(ct_tensor_dtype(ct_clamp_int(i, 0, 1)), CT_I64);
    ck_values(ct_clamp_int(i, -1, 1), -1, 0, 1);
    ck_values(ct_clamp(i, 0.5, 1), 0.5, 0.5, 1);
    ck_assert_int_eq(ct_clamp_(x, -1, 1), CT_OK);
    ck_values(x, -1, 0, 1, NAN, 1);
    ck_assert_int_eq(ct_clamp_(x, NAN, 1), CT_OK);
    ck_values(x, NAN, NAN, NAN, NAN, NAN);
}
END_TEST

START_TEST(the_gradient_of_clamp_passes_at_the_limits) {
    ct_tensor *leaf = test_f64((double[]){-2, -1, 0, 1, 2}, CT_SHAPE(5)), *g, *sum;
    ct_set_requires_grad(leaf, true);
    sum = ct_sum(ct_clamp(leaf, -1, 1));
    ck_assert_int_eq(ct_grad(&sum, 1, &leaf, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 1, 1, 1, 0);
    ct_tensor *x = ct_mul_scalar(leaf, 1);
    ck_assert_int_eq(ct_clamp_(x, -1, 1), CT_OK);
    sum = ct_sum(x);
    ck_assert_int_eq(ct_grad(&sum, 1, &leaf, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 1, 1, 1, 0);
}
END_TEST

START_TEST(errors_say_what_was_wrong) {
    ct_tensor *f = ct_zeros(CT_SHAPE(2), CT_F32), *m = ct_zeros(CT_SHAPE(3), CT_BOOL);
    ck_assert_ptr_null(ct_where(f, f, f));
    ck_error(CT_ERR_DTYPE, "ct_where: the mask is float32, not bool");
    ck_assert_ptr_null(ct_where(m, f, f));
    ck_error(CT_ERR_SHAPE, "ct_where");
    ck_assert_ptr_null(ct_masked_fill(ct_zeros(CT_SHAPE(3), CT_U8), m, 300));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_masked_fill: 300 does not fit into uint8");
    ck_assert_int_eq(ct_masked_fill_(f, m, 1), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "ct_masked_fill_: ");
    ck_assert_int_eq(ct_clamp_(ct_zeros(CT_SHAPE(2), CT_I64), 0, 1), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_clamp_: the result is float32");
}
END_TEST

TEST_LIST = {TEST(where_chooses_and_broadcasts), TEST(gradients_match_differences), TEST(masked_fill_converts_the_value_to_the_dtype),
             TEST(masked_fill_in_place_stops_the_gradient_where_it_filled), TEST(clamp_limits), TEST(the_gradient_of_clamp_passes_at_the_limits),
             TEST(errors_say_what_was_wrong)};
TEST_MAIN("op_where")
