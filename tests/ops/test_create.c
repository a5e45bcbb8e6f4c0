/* New tensors, copies, conversions, filling. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

START_TEST(tensors_of_a_shape) {
    ck_values(ct_zeros(CT_SHAPE(2, 2), CT_DTYPE_NONE), 0, 0, 0, 0);
    ck_assert_int_eq(ct_tensor_dtype(ct_zeros(CT_SHAPE(2), CT_DTYPE_NONE)), CT_F32);
    ck_values(ct_ones(CT_SHAPE(3), CT_BOOL), 1, 1, 1);
    ck_values(ct_full(CT_SHAPE(2), 1.5, CT_F64), 1.5, 1.5);
    ck_values(ct_full(CT_SHAPE(2), -1.5, CT_I64), -1, -1);
    ck_values(ct_full(CT_SHAPE(1), 0.5, CT_BOOL), 1);
    ck_values(ct_full(CT_SHAPE(1), -0.0, CT_F32), 0);
    ck_assert(signbit(ct_item_f64(ct_full(CT_SHAPE(1), -0.0, CT_F32))));
    ck_assert_int_eq(ct_tensor_dtype(ct_full_int(CT_SHAPE(1), 3, CT_DTYPE_NONE)), CT_I64);
    ck_assert(ct_item_i64(ct_full_int(CT_SHAPE(1), INT64_MAX, CT_I64)) == INT64_MAX);
    ck_sizes(ct_empty(CT_SHAPE(2, 0, 3), CT_U8), 2, 0, 3);
    ck_assert_int_eq(ct_ndim(ct_scalar_tensor(2.5, CT_DTYPE_NONE)), 0);
    ck_values(ct_scalar_tensor(2.5, CT_F64), 2.5);
    ck_assert(ct_item_i64(ct_scalar_tensor_int(INT64_MIN, CT_DTYPE_NONE)) == INT64_MIN);
    ck_values(ct_eye(2, 3, CT_I32), 1, 0, 0, 0, 1, 0);
    ck_sizes(ct_eye(0, 3, CT_F32), 0, 3);
}
END_TEST

START_TEST(large_fills_reach_every_element) {
    ct_tensor *t = ct_full(CT_SHAPE(300, 301), 3, CT_F32);
    ck_values(ct_sum(t), 3 * 300 * 301);
    ck_assert_int_eq(ct_fill_(ct_slice(t, 1, 0, CT_DIM_NONE, 2), 5), CT_OK);
    ck_values(ct_sum(t), 300 * (151 * 5 + 150 * 3));
}
END_TEST

START_TEST(sequences) {
    ck_values_close(ct_arange(0.5, 3, 0.7, CT_F32), 1e-7, 0.5, 1.2, 1.9, 2.6);
    ck_values(ct_arange(3, 0, -1, CT_F64), 3, 2, 1);
    ck_assert_int_eq(ct_numel(ct_arange(2, 2, 1, CT_F32)), 0);
    ck_values(ct_arange(0.5, 5, 1.7, CT_I64), 0, 1, 2, 3, 4); /* bounds and step are cut first */
    ck_values(ct_arange_int(10, 0, -4, CT_DTYPE_NONE), 10, 6, 2);
    ck_assert_int_eq(ct_tensor_dtype(ct_arange_int(0, 3, 1, CT_DTYPE_NONE)), CT_I64);
    ck_assert(ct_item_i64(ct_select(ct_arange_int(INT64_MAX - 2, INT64_MAX, 1, CT_I64), 0, 1)) == INT64_MAX - 1);
    ck_values(ct_linspace(0, 1, 5, CT_F32), 0, 0.25, 0.5, 0.75, 1);
    ck_values(ct_linspace(1, 0, 7, CT_F64), 1, 0.8333333333333334, 0.6666666666666667, 0.5, 0.3333333333333333, 0.16666666666666666, 0);
    ck_values(ct_linspace(-3.7, 8.9, 6, CT_I64), -3, 0, 1, 3, 5, 8);
    ck_values(ct_linspace(2, 9, 1, CT_F32), 2);
    ck_assert_int_eq(ct_numel(ct_linspace(2, 9, 0, CT_F32)), 0);
}
END_TEST

START_TEST(tensors_like_another_keep_its_layout) {
    ct_tensor *nhwc = ct_contiguous(ct_ones(CT_SHAPE(2, 3, 4, 5), CT_F32), CT_FORMAT_CHANNELS_LAST);
    ck_assert(ct_is_contiguous(ct_zeros_like(nhwc, CT_DTYPE_NONE), CT_FORMAT_CHANNELS_LAST));
    ck_assert_int_eq(ct_tensor_dtype(ct_ones_like(nhwc, CT_I64)), CT_I64);
    ck_values(ct_full_like(ct_zeros(CT_SHAPE(2), CT_F64), 7, CT_DTYPE_NONE), 7, 7);
    ck_sizes(ct_empty_like(ct_zeros(CT_SHAPE(2, 3), CT_U8), CT_DTYPE_NONE), 2, 3);
    ct_tensor *wide = ct_expand(ct_ones(CT_SHAPE(1, 3), CT_F32), CT_SHAPE(4, 3));
    ck_values(ct_zeros_like(wide, CT_DTYPE_NONE), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    ck_assert_int_eq(ct_stride(ct_clone(wide), 0), 3); /* dense again */
}
END_TEST

START_TEST(conversions_cut_saturate_and_wrap_as_pytorchs) {
    ct_tensor *x = test_f64((double[]){3e9, -3e9, NAN, INFINITY, 1e19, -1.7, 300, -1}, CT_SHAPE(8));
    for (int f32 = 0; f32 < 2; f32++) {
        ct_tensor *y = f32 ? ct_to(x, CT_F32) : x;
        ck_values(ct_to(y, CT_I32), INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, -1, 300, -1);
        ck_values(ct_to(y, CT_I64), 3e9, -3e9, -0x1p63, -0x1p63, -0x1p63, -1, 300, -1);
        ck_values(ct_to(ct_narrow(y, 0, 5, 3), CT_U8), 255, 44, 255);
        ck_values(ct_to(y, CT_BOOL), 1, 1, 1, 1, 1, 1, 1, 1);
    }
    ck_values(ct_to(test_i64((double[]){257, -1, 4294967297}, CT_SHAPE(3)), CT_U8), 1, 255, 1);
    ck_values(ct_to(test_i64((double[]){257, -1, 4294967297}, CT_SHAPE(3)), CT_I32), 257, -1, 1);
    ck_values(ct_to(ct_t(test_f32((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2))), CT_I64), 1, 3, 2, 4);
}
END_TEST

START_TEST(nothing_to_do_gives_a_view) {
    ct_tensor *x = ct_ones(CT_SHAPE(2, 3), CT_F32), *y = ct_to(x, CT_F32), *z = ct_contiguous(x, CT_FORMAT_CONTIGUOUS);
    ck_assert(!ct_is_same(x, y) && ct_shares_storage(x, y));
    ck_assert(!ct_is_same(x, z) && ct_shares_storage(x, z));
    ck_assert(!ct_shares_storage(x, ct_clone(x)));
    ck_assert(!ct_shares_storage(x, ct_contiguous(ct_t(x), CT_FORMAT_PRESERVE)));
    ck_assert_int_eq(ct_fill_(y, 5), CT_OK);
    ck_values(x, 5, 5, 5, 5, 5, 5);
}
END_TEST

START_TEST(memory_formats) {
    ct_tensor *x = ct_reshape(ct_arange(0, 16, 1, CT_F32), CT_SHAPE(1, 2, 2, 4));
    ct_tensor *y = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST);
    ck_assert_int_eq(ct_stride(y, 1), 1);
    ck_assert_int_eq(ct_stride(y, 3), 2);
    ck_close(y, x, 0, 0);
    ck_assert(((const float *)ct_data(y))[1] == 8);
    ck_close(ct_contiguous(y, CT_FORMAT_CONTIGUOUS), x, 0, 0);
    ck_assert(ct_is_contiguous(ct_clone(y), CT_FORMAT_CHANNELS_LAST));
    ck_assert(ct_is_contiguous(ct_to(y, CT_F64), CT_FORMAT_CHANNELS_LAST));
    ck_assert_ptr_null(ct_contiguous(ct_zeros(CT_SHAPE(2, 2), CT_F32), CT_FORMAT_CHANNELS_LAST));
    ck_error(CT_ERR_SHAPE, "ct_contiguous: channels_last wants 4 dims, the tensor has 2");
    ck_assert_ptr_null(ct_contiguous(x, (ct_memory_format)7));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_contiguous: 7 is not a memory format");
}
END_TEST

START_TEST(large_transposed_copies_are_right) {
    ct_tensor *x = ct_reshape(ct_arange_int(0, 200 * 300, 1, CT_I32), CT_SHAPE(200, 300)), *y = ct_contiguous(ct_t(x), CT_FORMAT_CONTIGUOUS);
    const int32_t *a = ct_data(x), *b = ct_data(y);
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < 300; j++) ck_assert_int_eq(a[i * 300 + j], b[j * 200 + i]);
}
END_TEST

typedef enum form { CLONE, TO, CONTIGUOUS, FORMS } form;
static ct_tensor *apply(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_tensor *t = ct_mul(ct_t(in[0]), ct_t(in[0]));
    switch (*(form *)user) {
    case CLONE: return ct_clone(t);
    case TO: return ct_to(t, CT_F64);
    default: return ct_contiguous(t, CT_FORMAT_CONTIGUOUS);
    }
}
START_TEST(gradients_flow_through_copies) {
    for (form f = CLONE; f < FORMS; f++) {
        ct_tensor *x = test_f64((double[]){1, 2, 3, 4, 5, 6}, CT_SHAPE(2, 3));
        ct_set_requires_grad(x, true);
        ck_assert_msg(ct_gradcheck(apply, &f, &x, 1, NULL) == CT_OK, "%s", ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply, &f, &x, 1, NULL) == CT_OK, "%s", ct_error_message());
    }
    ct_tensor *x = ct_ones(CT_SHAPE(2), CT_F32), *g;
    ct_set_requires_grad(x, true);
    ct_tensor *sum = ct_sum(ct_mul_scalar(ct_to(x, CT_F64), 3));
    ck_assert_int_eq(ct_grad(&sum, 1, &x, 1, NULL, &g), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(g), CT_F32);
    ck_values(g, 3, 3);
}
END_TEST

START_TEST(copy_broadcasts_converts_and_differentiates) {
    ct_tensor *dst = ct_zeros(CT_SHAPE(2, 3), CT_F64), *src = test_f32((double[]){1, 2, 3}, CT_SHAPE(3)), *g[2];
    ct_set_requires_grad(src, true);
    ct_tensor *leaf = ct_ones(CT_SHAPE(2, 3), CT_F64);
    ct_set_requires_grad(leaf, true);
    ct_tensor *x = ct_mul(leaf, leaf);
    ck_assert_int_eq(ct_copy_(x, src), CT_OK);
    ck_values(x, 1, 2, 3, 1, 2, 3);
    ct_tensor *sum = ct_sum(x);
    ck_assert_int_eq(ct_grad(&sum, 1, (ct_tensor *[]){leaf, src}, 2, NULL, g), CT_OK);
    ck_values(g[0], 0, 0, 0, 0, 0, 0);
    ck_values(g[1], 2, 2, 2);
    ck_assert_int_eq(ct_tensor_dtype(g[1]), CT_F32);
    ck_assert_int_eq(ct_copy_(dst, ct_ones(CT_SHAPE(2, 3), CT_BOOL)), CT_OK);
    ck_values(dst, 1, 1, 1, 1, 1, 1);
    ct_tensor *line = ct_arange(0, 5, 1, CT_F32); /* overlapping: as if src were copied first */
    ck_assert_int_eq(ct_copy_(ct_narrow(line, 0, 1, 4), ct_narrow(line, 0, 0, 4)), CT_OK);
    ck_values(line, 0, 0, 1, 2, 3);
}
END_TEST

START_TEST(fills_stop_the_gradient_and_bump_the_version) {
    ct_tensor *leaf = ct_ones(CT_SHAPE(3), CT_F64), *g;
    ct_set_requires_grad(leaf, true);
    ct_tensor *x = ct_mul_scalar(leaf, 2);
    ck_assert_int_eq(ct_fill_(ct_narrow(x, 0, 0, 1), 4), CT_OK);
    ck_assert_int_eq(ct_zero_(ct_narrow(x, 0, 1, 1)), CT_OK);
    ck_values(x, 4, 0, 2);
    ck_assert_int_eq(ct_version_of(x), 2);
    ct_tensor *sum = ct_sum(x);
    ck_assert_int_eq(ct_grad(&sum, 1, &leaf, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 0, 2);
    ct_tensor *i = ct_zeros(CT_SHAPE(1), CT_I64);
    ck_assert_int_eq(ct_fill_int_(i, INT64_MAX), CT_OK);
    ck_assert(ct_item_i64(i) == INT64_MAX);
}
END_TEST

START_TEST(errors_say_what_was_wrong) {
    ck_assert_ptr_null(ct_zeros(CT_SHAPE(2, -1), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_zeros");
    ck_assert_ptr_null(ct_empty(CT_SHAPE(INT64_MAX, 4), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_empty");
    ck_assert_ptr_null(ct_ones(CT_SHAPE(2), (ct_dtype)77));
    ck_error(CT_ERR_DTYPE, "ct_ones: tensors of unknown dtype cannot be made");
    ck_assert_ptr_null(ct_full(CT_SHAPE(2), 300, CT_U8));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_full: 300 does not fit into uint8");
    ck_assert_ptr_null(ct_full(CT_SHAPE(2), NAN, CT_I64));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_full: nan does not fit into int64");
    ck_assert_ptr_null(ct_full(CT_SHAPE(2), 1e300, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "does not fit into float32");
    ck_assert_ptr_null(ct_arange(0, 1, 0, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_arange: step is 0");
    ck_assert_ptr_null(ct_arange(0, -1, 1, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_arange: with a positive step end must not be below start");
    ck_assert_ptr_null(ct_arange(0, 1e300, 1e-300, CT_F32));
    ck_error(CT_ERR_SHAPE, "too many elements");
    ck_assert_ptr_null(ct_arange(0, INFINITY, 1, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "is not finite");
    ck_assert_ptr_null(ct_arange_int(INT64_MIN, INT64_MAX, 1, CT_I64));
    ck_error(CT_ERR_SHAPE, "ct_arange_int");
    ck_assert_ptr_null(ct_linspace(0, 1, -1, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linspace: steps is -1");
    ck_assert_ptr_null(ct_eye(-1, 2, CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_eye");
    ck_assert_ptr_null(ct_to(NULL, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_to: tensor argument 1 is NULL");
    ck_assert_ptr_null(ct_to(ct_zeros(NULL, 0, CT_F32), (ct_dtype)77));
    ck_error(CT_ERR_DTYPE, "ct_to: tensors of unknown dtype cannot be made");
    ck_assert_int_eq(ct_copy_(ct_zeros(CT_SHAPE(2), CT_F32), ct_zeros(CT_SHAPE(3), CT_F32)), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "ct_copy_");
    ck_assert_int_eq(ct_fill_(ct_zeros(CT_SHAPE(2), CT_U8), -300), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_fill_: -300 does not fit into uint8");
    ct_error_raise(CT_ERR_USER, "stop");
    ck_assert_ptr_null(ct_zeros(CT_SHAPE(2), CT_F32));
    ck_error(CT_ERR_USER, "stop");
}
END_TEST

TEST_LIST = {TEST(tensors_of_a_shape), TEST(large_fills_reach_every_element), TEST(sequences), TEST(tensors_like_another_keep_its_layout),
             TEST(conversions_cut_saturate_and_wrap_as_pytorchs), TEST(nothing_to_do_gives_a_view), TEST(memory_formats),
             TEST(large_transposed_copies_are_right), TEST(gradients_flow_through_copies), TEST(copy_broadcasts_converts_and_differentiates),
             TEST(fills_stop_the_gradient_and_bump_the_version), TEST(errors_say_what_was_wrong)};
TEST_MAIN("op_create")
