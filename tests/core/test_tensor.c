/* Making, asking, and reading tensors: lib/core/tensor.c. */
#include "support/test.h"

#include "core/tensor_impl.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <string.h>

/* ---- Foreign memory ---- */

static float foreign[16];
static int n_ended;
static void *ended_data, *ended_user;
static void end(void *data, void *user) {
    n_ended++;
    ended_data = data;
    ended_user = user;
}

START_TEST(a_deleter_runs_once_with_the_last_view) {
    n_ended = 0;
    ct_scope a = ct_scope_begin();
    ct_tensor *t = ct_from_blob(foreign, CT_SHAPE(2, 3), NULL, CT_F32, end, &n_ended);
    ck_assert_ptr_eq(ct_data(t), foreign);
    ct_tensor *view = ct_keep(ct_select(t, 0, 1));
    ct_scope_end(a);
    ck_assert_int_eq(n_ended, 0);
    ck_assert_ptr_eq(ct_data(view), foreign + 3);
    ct_release(view);
    ck_assert_int_eq(n_ended, 1);
    ck_assert_ptr_eq(ended_data, foreign);
    ck_assert_ptr_eq(ended_user, &n_ended);
}
END_TEST

START_TEST(a_call_that_fails_never_runs_the_deleter) {
    n_ended = 0;
    ct_from_blob(NULL, CT_SHAPE(2), NULL, CT_F32, end, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_from_blob: data at");
    ct_from_blob((char *)foreign + 1, CT_SHAPE(2), NULL, CT_F32, end, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "not aligned");
    ct_from_blob(foreign, CT_SHAPE(2), (int64_t[]){-1}, CT_F32, end, NULL);
    ck_error(CT_ERR_SHAPE, "strides [-1] are negative");
    ct_from_blob(foreign, CT_SHAPE(3, 3), (int64_t[]){INT64_MAX, 1}, CT_F32, end, NULL);
    ck_error(CT_ERR_SHAPE, "reach beyond 64 bits");
    ct_from_blob(foreign, CT_SHAPE(2), (int64_t[]){INT64_MAX / 2}, CT_F32, end, NULL);
    ck_error(CT_ERR_SHAPE, "reach beyond 64 bits");
    ct_from_blob(foreign, CT_SHAPE(2), NULL, (ct_dtype)42, end, NULL);
    ck_error(CT_ERR_DTYPE, "ct_from_blob: 42 is not a dtype");
    ct_from_blob(foreign, CT_SHAPE(-2), NULL, CT_F32, end, NULL);
    ck_error(CT_ERR_SHAPE, "ct_from_blob: size -2 of dim 0 is negative");
    ct_from_blob(foreign, NULL, 3, NULL, CT_F32, end, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "sizes is NULL");
    ct_error_raise(CT_ERR_USER, "pending");
    ct_from_blob(foreign, CT_SHAPE(2), NULL, CT_F32, end, NULL);
    ck_error(CT_ERR_USER, "pending");
    ct_scope_clear_root();
    int failures = 0;
    for (int64_t n = 1;; n++) { /* the storage, the handle, the scope's stack */
        ct_memory_fail_at(n);
        ct_tensor *t = ct_from_blob(foreign, CT_SHAPE(2), NULL, CT_F32, end, NULL);
        ct_memory_fail_at(0);
        if (t) break;
        failures++;
        ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        ct_scope_clear_root();
    }
    ck_assert_int_eq(failures, 3);
    ck_assert_int_eq(n_ended, 0);
    ct_scope_clear_root();
    ck_assert_int_eq(n_ended, 1);
}
END_TEST

START_TEST(foreign_memory_has_the_strides_that_are_given) {
    for (int i = 0; i < 16; i++) foreign[i] = (float)i;
    ct_tensor *t = ct_from_blob(foreign, CT_SHAPE(2, 3), (int64_t[]){1, 4}, CT_F32, NULL, NULL);
    ck_values(t, 0, 4, 8, 1, 5, 9);
    ck_assert(!ct_is_contiguous(t, CT_FORMAT_CONTIGUOUS));
    ck_assert_int_eq(ct_fill_(t, 7), CT_OK); /* writes through */
    ck_assert_float_eq(foreign[9], 7);
    ck_assert_float_eq(foreign[2], 2);
    ct_tensor *scalar = ct_from_blob(foreign, NULL, 0, NULL, CT_F32, NULL, NULL);
    ck_values(scalar, 7);
}
END_TEST

START_TEST(empty_foreign_memory_may_be_null_and_its_views_too) {
    n_ended = 0;
    ct_scope a = ct_scope_begin();
    ct_tensor *t = ct_from_blob(NULL, CT_SHAPE(0, 3), NULL, CT_F32, end, NULL);
    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_null(ct_data(t));
    ck_assert_ptr_null(ct_data_mut(t));
    ck_assert_ptr_nonnull(ct_sum(ct_narrow(t, 1, 1, 2)));
    ck_assert_ptr_nonnull(ct_add_scalar(t, 1));
    ck_assert_ptr_nonnull(ct_to(t, CT_F64));
    ct_scope_end(a);
    ck_assert_int_eq(n_ended, 1);
}
END_TEST

/* ---- Copies ---- */

START_TEST(from_data_copies) {
    float data[] = {1, 2, 3, 4};
    ct_tensor *t = ct_from_data(data, CT_SHAPE(2, 2), CT_F32);
    data[0] = 9;
    ck_values(t, 1, 2, 3, 4);
    ck_assert_uint_eq((uintptr_t)ct_data(t) % 64, 0);
    ck_assert_ptr_nonnull(ct_from_data(NULL, CT_SHAPE(0, 5), CT_F32));
    ck_assert_ptr_null(ct_from_data(NULL, CT_SHAPE(2), CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_from_data: data is NULL for 2 elements");
    ck_assert_ptr_null(ct_from_data(data, CT_SHAPE(2), CT_DTYPE_NONE));
    ck_error(CT_ERR_DTYPE, "ct_from_data: 0 is not a dtype");
    ck_assert_ptr_null(ct_from_data(data, CT_SHAPE(INT64_MAX), CT_F32));
    ck_error(CT_ERR_OUT_OF_MEMORY, "9223372036854775807 elements of float32 do not fit in memory");
    ck_assert_ptr_null(ct_from_data(data, CT_SHAPE(INT64_MAX / 4 - 1), CT_F32));
    ck_error(CT_ERR_OUT_OF_MEMORY, "do not fit in memory");
}
END_TEST

START_TEST(bools_become_0_and_1) {
    const uint8_t data[] = {0, 1, 2, 255};
    ct_tensor *t = ct_from_data(data, CT_SHAPE(4), CT_BOOL);
    ck_values(t, 0, 1, 1, 1);
    const uint8_t *bytes = ct_data(t);
    ck_assert_uint_eq(bytes[3], 1);
}
END_TEST

START_TEST(copy_to_converts_in_row_major_order) {
    ct_tensor *t = ct_transpose(test_f32((double[]){0, 1.5, -2.5, 3, 4, 300}, CT_SHAPE(2, 3)), 0, 1);
    double d[6];
    ck_assert_int_eq(ct_copy_to(t, d, 6, CT_F64), CT_OK);
    const double want[] = {0, 3, 1.5, 4, -2.5, 300};
    for (int i = 0; i < 6; i++) ck_assert_double_eq(d[i], want[i]);
    uint8_t u[6];
    ck_assert_int_eq(ct_copy_to(t, u, 6, CT_U8), CT_OK);
    const uint8_t bytes[] = {0, 3, 1, 4, 254, 44};
    ck_assert_mem_eq(u, bytes, 6);
    ck_assert_int_eq(ct_copy_to(t, d, 5, CT_F64), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "room for 5 elements at out, the tensor has 6");
    ck_assert_int_eq(ct_copy_to(t, NULL, 6, CT_F64), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "at NULL");
    ck_assert_int_eq(ct_copy_to(NULL, d, 6, CT_F64), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_copy_to: the tensor is NULL");
    ck_assert_int_eq(ct_copy_to(t, d, 6, CT_DTYPE_NONE), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "0 is not a dtype");
    ck_assert_int_eq(ct_copy_to(ct_zeros(CT_SHAPE(0), CT_F32), NULL, 0, CT_F64), CT_OK);
    int64_t big = INT64_MAX, back;
    ck_assert_int_eq(ct_copy_to(ct_from_data(&big, NULL, 0, CT_I64), &back, 1, CT_I64), CT_OK); /* not through a double */
    ck_assert_int_eq(back, INT64_MAX);
}
END_TEST

/* ---- Data in place ---- */

START_TEST(data_mut_counts_as_a_change_for_all_views) {
    ct_tensor *t = ct_zeros(CT_SHAPE(2, 3), CT_F32), *view = ct_select(t, 0, 1);
    ck_assert_int_eq(ct_version_of(t), 0);
    (void)ct_data(t);
    ck_assert_int_eq(ct_version_of(t), 0);
    ((float *)ct_data_mut(view))[0] = 5;
    ck_assert_int_eq(ct_version_of(t), 1);
    ck_assert_int_eq(ct_version_of(view), 1);
    ck_values(t, 0, 0, 0, 5, 0, 0);
    ck_assert_ptr_null(ct_data_mut(NULL));
    ck_assert_ptr_null(ct_data_mut(ct_zeros(CT_SHAPE(0), CT_F32)));
}
END_TEST

START_TEST(backward_through_data_that_was_changed_is_an_error) {
    ct_tensor *leaf = ct_ones(CT_SHAPE(3), CT_F32), *other = ct_ones(CT_SHAPE(3), CT_F32);
    ct_set_requires_grad(leaf, true);
    ct_tensor *loss = ct_sum(ct_mul(leaf, other));
    ((float *)ct_data_mut(ct_narrow(other, 0, 1, 1)))[0] = 2; /* through a view too */
    ck_assert_int_eq(ct_backward(loss), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "MulBackward: the float32 input [3] that its gradient needs was changed in place: it is at version 1, saved was version 0");
    ck_assert_ptr_null(ct_tensor_grad(leaf));
    loss = ct_sum(ct_add(leaf, other)); /* add needs neither */
    ct_data_mut(other);
    ck_assert_int_eq(ct_backward(loss), CT_OK);
    ck_values(ct_tensor_grad(leaf), 1, 1, 1);
}
END_TEST

START_TEST(typed_data_is_given_for_the_right_dtype_and_dense_data_only) {
    ct_tensor *f = ct_zeros(CT_SHAPE(2, 3), CT_F32), *d = ct_zeros(CT_SHAPE(2), CT_F64), *l = ct_zeros(CT_SHAPE(2), CT_I64), *u = ct_zeros(CT_SHAPE(2), CT_U8);
    ck_assert_ptr_eq(ct_data_f32(f), ct_data(f));
    ck_assert_ptr_eq(ct_data_f64(d), ct_data(d));
    ck_assert_ptr_eq(ct_data_i64(l), ct_data(l));
    ck_assert_ptr_eq(ct_data_u8(u), ct_data(u));
    ck_assert_ptr_null(ct_data_f32(NULL));
    ck_ok();
    ck_assert_ptr_null(ct_data_f32(d));
    ck_error(CT_ERR_DTYPE, "ct_data_f32: the tensor is float64; convert it with ct_to");
    ck_assert_ptr_null(ct_data_f64(f));
    ck_error(CT_ERR_DTYPE, "ct_data_f64");
    ck_assert_ptr_null(ct_data_i64(f));
    ck_error(CT_ERR_DTYPE, "ct_data_i64");
    ck_assert_ptr_null(ct_data_u8(f));
    ck_error(CT_ERR_DTYPE, "ct_data_u8");
    ck_assert_ptr_null(ct_data_f32(ct_transpose(f, 0, 1)));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_data_f32: sizes [3, 2] with strides [1, 3] are not contiguous");
}
END_TEST

/* ---- Asking ---- */

START_TEST(one_element_is_read_from_any_shape) {
    ck_assert_double_eq(ct_item_f64(test_f32((double[]){-2.75}, CT_SHAPE(1, 1))), -2.75);
    ck_assert_int_eq(ct_item_i64(test_f32((double[]){-2.75}, CT_SHAPE(1, 1))), -2);
    ck_assert(ct_item_bool(test_f32((double[]){0.25}, NULL, 0)));
    ck_assert(!ct_item_bool(test_f32((double[]){-0.0}, NULL, 0)));
    ck_assert(ct_item_bool(test_f32((double[]){NAN}, NULL, 0))); /* as in Python */
    ck_assert_double_eq(ct_item_f64(ct_select(test_i64((double[]){4, 5, 6}, CT_SHAPE(3)), 0, 2)), 6);
    ck_assert_int_eq(ct_item_i64(ct_full_int(NULL, 0, INT64_MAX, CT_I64)), INT64_MAX);
    ck_assert_double_eq(ct_item_f64(NULL), 0);
    ck_ok();
    ck_assert_double_eq(ct_item_f64(ct_ones(CT_SHAPE(2, 2), CT_F32)), 0);
    ck_error(CT_ERR_SHAPE, "ct_item_f64: [2, 2] has 4 elements, not one");
    ck_assert_int_eq(ct_item_i64(ct_ones(CT_SHAPE(0), CT_F32)), 0);
    ck_error(CT_ERR_SHAPE, "ct_item_i64: [0] has 0 elements");
    ck_assert(!ct_item_bool(ct_ones(CT_SHAPE(2), CT_BOOL)));
    ck_error(CT_ERR_SHAPE, "ct_item_bool");
}
END_TEST

START_TEST(queries_tell_and_take_null) {
    ct_tensor *t = ct_narrow(ct_zeros(CT_SHAPE(4, 3), CT_F64), 0, 1, 2);
    ck_assert_int_eq(ct_ndim(t), 2);
    ck_assert_int_eq(ct_numel(t), 6);
    ck_assert_int_eq(ct_size(t, 0), 2);
    ck_assert_int_eq(ct_size(t, -1), 3);
    ck_assert_int_eq(ct_size(t, 2), 0);
    ck_assert_int_eq(ct_size(t, -3), 0);
    ck_assert_int_eq(ct_size(t, INT64_MIN), 0);
    ck_assert_int_eq(ct_size(t, INT64_MAX), 0);
    ck_assert_int_eq(ct_stride(t, 0), 3);
    ck_assert_int_eq(ct_stride(t, 5), 0);
    ck_assert_int_eq(ct_sizes(t)[1], 3);
    ck_assert_int_eq(ct_strides(t)[1], 1);
    ck_assert_int_eq(ct_storage_offset(t), 3);
    ck_assert_int_eq(ct_tensor_dtype(t), CT_F64);
    ck_assert_int_eq(ct_tensor_device(t), CT_DEVICE_CPU);
    ck_assert(ct_is_floating_point(t));
    ck_assert(!ct_is_floating_point(ct_zeros(CT_SHAPE(1), CT_BOOL)));
    ck_assert(ct_is_same(t, t));
    ct_tensor *alias = ct_detach(t);
    ck_assert(!ct_is_same(t, alias));
    ck_assert(ct_shares_storage(t, alias));
    ck_assert(!ct_shares_storage(t, ct_clone(t)));
    ck_assert_int_eq(ct_ndim(NULL) + ct_numel(NULL) + ct_size(NULL, 0) + ct_stride(NULL, 0) + ct_storage_offset(NULL) + ct_version_of(NULL), 0);
    ck_assert_ptr_null(ct_sizes(NULL));
    ck_assert_ptr_null(ct_strides(NULL));
    ck_assert_ptr_null(ct_data(NULL));
    ck_assert_int_eq(ct_tensor_dtype(NULL), CT_DTYPE_NONE);
    ck_assert_int_eq(ct_tensor_device(NULL), CT_DEVICE_CPU);
    ck_assert(!ct_is_contiguous(NULL, CT_FORMAT_CONTIGUOUS));
    ck_assert(!ct_is_floating_point(NULL));
    ck_assert(!ct_shares_storage(t, NULL));
    ck_assert(!ct_shares_storage(NULL, NULL));
    ck_ok();
}
END_TEST

START_TEST(queries_work_while_an_error_is_pending) {
    ct_tensor *t = ct_zeros(CT_SHAPE(2, 3), CT_F32);
    ct_error_raise(CT_ERR_USER, "pending");
    ck_assert_int_eq(ct_numel(t), 6);
    ck_assert_int_eq(ct_size(t, -1), 3);
    ck_assert_ptr_nonnull(ct_data(t));
    ck_assert_ptr_eq(ct_data_f32(t), ct_data(t));
    ck_assert_int_eq(ct_version_of(t), 0);
    ck_error(CT_ERR_USER, "pending");
}
END_TEST

TEST_LIST = {
    TEST(a_deleter_runs_once_with_the_last_view),
    TEST(a_call_that_fails_never_runs_the_deleter),
    TEST(foreign_memory_has_the_strides_that_are_given),
    TEST(empty_foreign_memory_may_be_null_and_its_views_too),
    TEST(from_data_copies),
    TEST(bools_become_0_and_1),
    TEST(copy_to_converts_in_row_major_order),
    TEST(data_mut_counts_as_a_change_for_all_views),
    TEST(backward_through_data_that_was_changed_is_an_error),
    TEST(typed_data_is_given_for_the_right_dtype_and_dense_data_only),
    TEST(one_element_is_read_from_any_shape),
    TEST(queries_tell_and_take_null),
    TEST(queries_work_while_an_error_is_pending),
};
TEST_MAIN("tensor")
