/*
 * What one can ask of a tensor and of an element type.
 */
#include "support/test.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

START_TEST(types_promote_as_in_pytorch) {
    static const struct {
        ct_dtype a, b, want;
    } cases[] = {
        {CT_F32, CT_F64, CT_F64}, {CT_I64, CT_F32, CT_F32}, {CT_U8, CT_I32, CT_I32}, {CT_BOOL, CT_U8, CT_U8},    {CT_BOOL, CT_BOOL, CT_BOOL},
        {CT_I32, CT_I64, CT_I64}, {CT_I64, CT_BOOL, CT_I64}, {CT_U8, CT_I8, CT_I16},  {CT_F16, CT_BF16, CT_F32}, {CT_F16, CT_I64, CT_F16},
        {CT_U8, CT_I16, CT_I16},  {CT_BF16, CT_F32, CT_F32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(ct_dtype_name(ct_promote_types(cases[i].a, cases[i].b)), ct_dtype_name(cases[i].want));
        ck_assert_str_eq(ct_dtype_name(ct_promote_types(cases[i].b, cases[i].a)), ct_dtype_name(cases[i].want));
    }
    ck_assert_int_eq(ct_promote_types(CT_F32, (ct_dtype)77), CT_DTYPE_NONE);
}
END_TEST

START_TEST(floating_point_types_are_these_four) {
    for (int d = CT_F32; d <= CT_BOOL; d++)
        ck_assert_int_eq(ct_dtype_is_floating_point((ct_dtype)d), d == CT_F32 || d == CT_F64 || d == CT_F16 || d == CT_BF16);
    ck_assert(!ct_dtype_is_floating_point(CT_DTYPE_NONE));
    ck_assert(!ct_dtype_is_floating_point((ct_dtype)77));
}
END_TEST

START_TEST(a_view_tells_where_it_lies) {
    ct_tensor *t = ct_zeros(CT_SHAPE(4, 5), CT_F32), *v = ct_transpose(ct_narrow(t, 1, 2, 3), 0, 1);
    ck_sizes(v, 3, 4);
    ck_assert_int_eq(ct_strides(v)[0], 1);
    ck_assert_int_eq(ct_strides(v)[1], 5);
    ck_assert_int_eq(ct_storage_offset(v), 2);
    ck_assert_int_eq(ct_storage_offset(t), 0);
    ck_assert_int_eq(ct_tensor_device(v), CT_DEVICE_CPU);
    ck_assert_int_eq(ct_storage_offset(NULL), 0);
    ck_assert_ptr_null(ct_strides(NULL));
    ck_ok();
}
END_TEST

TEST_LIST = {
    TEST(types_promote_as_in_pytorch),
    TEST(floating_point_types_are_these_four),
    TEST(a_view_tells_where_it_lies),
};
TEST_MAIN("dtype")
