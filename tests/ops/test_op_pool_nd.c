/*
 * Pooling of lines and volumes, adaptive max pooling, unpooling: what parity with torch's samples does not reach.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_pool.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include "support/test.h"

#define Z(...) ct_zeros(CT_SHAPE(__VA_ARGS__), CT_F64)

START_TEST(indices_lead_back_through_unpooling) {
    ct_tensor *x = ct_reshape(ct_arange_int(1, 1 + 2 * 4 * 4 * 4, 1, CT_I64), CT_SHAPE(1, 2, 4, 4, 4)), *i, *y = ct_max_pool3d(ct_to(x, CT_F32), 2, NULL, &i);
    ck_sizes(y, 1, 2, 2, 2, 2);
    ct_tensor *back = ct_max_unpool3d(y, i, 2, NULL);
    ck_sizes(back, 1, 2, 4, 4, 4);
    ck_assert(ct_item_f64(ct_sum(back)) == ct_item_f64(ct_sum(y)));
    ck_assert(ct_equal(ct_max_pool3d(back, 2, NULL, NULL), y));
}
END_TEST

START_TEST(integers_are_pooled_exactly) {
    int64_t v[] = {((int64_t)1 << 53) + 1, (int64_t)1 << 53, -7, -6};
    ct_tensor *x = ct_from_data(v, CT_SHAPE(1, 1, 1, 4), CT_I64), *i;
    static const int64_t window[] = {1, 2};
    ct_tensor *y = ct_max_pool2d(x, 0, &(ct_max_pool2d_options){.kernel_size_nd = window}, &i);
    ck_assert(ct_item_i64(ct_select(ct_flatten(y, 0, -1), 0, 0)) == v[0]);
    ck_values(i, 0, 3);
    ct_tensor *mean = ct_avg_pool2d(x, 0, &(ct_avg_pool2d_options){.kernel_size_nd = window});
    ck_assert(ct_item_i64(ct_select(ct_flatten(mean, 0, -1), 0, 0)) == (int64_t)1 << 53);
    ck_assert(ct_item_i64(ct_select(ct_flatten(mean, 0, -1), 0, 1)) == -6); /* -13 / 2, cut off */
}
END_TEST

START_TEST(what_does_not_fit_is_named) {
    ct_tensor *i = ct_zeros(CT_SHAPE(1, 1, 2), CT_I64);
    ck_assert(!ct_max_pool1d(Z(1, 1, 3), 4, NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_max_pool1d: the window's length 4 is larger than the padded image's 3");
    ck_assert(!ct_avg_pool3d(Z(1, 1, 3, 3, 3), 2, &(ct_avg_pool3d_options){.padding = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_avg_pool3d: padding 2 is more than half");
    ck_assert(!ct_max_pool1d(ct_zeros(CT_SHAPE(1, 1, 3), CT_I64), 2, NULL, NULL));
    ck_error(CT_ERR_DTYPE, "ct_max_pool1d: x is int64; it must be floating point");
    ck_assert(!ct_adaptive_avg_pool1d(Z(1, 3), -2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_adaptive_avg_pool1d: the result's length -2");
    ck_assert(!ct_adaptive_avg_pool3d(Z(1, 3), 1, 1, 1));
    ck_error(CT_ERR_SHAPE, "ct_adaptive_avg_pool3d: x must be [N, C, D, H, W] or [C, D, H, W], got [1, 3]");
    ck_assert(!ct_adaptive_max_pool1d(Z(1, 3), -1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_adaptive_max_pool1d: the result's length -1");
    ck_assert(!ct_adaptive_max_pool2d(ct_zeros(CT_SHAPE(1, 1, 3, 3), CT_I64), 1, 1, NULL));
    ck_error(CT_ERR_DTYPE, "ct_adaptive_max_pool2d: x is int64");
    ck_assert(!ct_adaptive_max_pool3d(Z(1, 1, 3, 3, 3), 1, 1, (int64_t)1 << 40, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the result's width 1099511627776");
    ck_assert(!ct_max_unpool1d(Z(1, 1, 2), ct_full_int(CT_SHAPE(1, 1, 2), 4, CT_I64), 2, NULL));
    ck_error(CT_ERR_INDEX, "ct_max_unpool1d: element 0 of indices is 4, outside of the result's 4 places per channel");
    ck_assert(!ct_max_unpool1d(Z(1, 1, 2), i, 2, &(ct_max_unpool1d_options){.output_size = (int64_t[]){6}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the length of output_size is 6; it must be between 3 and 5");
    ck_assert(!ct_max_unpool2d(Z(1, 1, 2, 2), ct_zeros(CT_SHAPE(1, 1, 2, 3), CT_I64), 2, NULL));
    ck_error(CT_ERR_SHAPE, "ct_max_unpool2d: indices must be int64 of x's shape [1, 1, 2, 2], got int64 [1, 1, 2, 3]");
    ck_assert(!ct_lp_pool1d(Z(1, 1, 3), 0, 2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lp_pool1d: norm_type is 0");
    ck_assert(!ct_lp_pool2d(ct_zeros(CT_SHAPE(1, 1, 3, 3), CT_I64), 2, 2, NULL));
    ck_error(CT_ERR_DTYPE, "ct_lp_pool2d: x is int64");
    ck_assert(!ct_lp_pool3d(NULL, 2, 2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lp_pool3d");
    ck_assert(!ct_avg_pool1d(Z(3), 2, NULL));
    ck_error(CT_ERR_SHAPE, "ct_avg_pool1d: x must be [N, C, L] or [C, L], got [3]");
}
END_TEST

static ct_tensor *places(ct_tensor *x) { ct_tensor *i; return ct_adaptive_max_pool2d(x, 2, 2, &i); }
static ct_tensor *there_and_back(ct_tensor *x) {
    ct_tensor *i = NULL, *y = ct_max_pool2d(x, 2, NULL, &i);
    return ct_max_unpool2d(y, i, 2, NULL);
}
static ct_tensor *powers(ct_tensor *x) { return ct_lp_pool2d(x, 2, 2, NULL); }

START_TEST(running_out_of_memory_leaves_a_clean_error) {
    ct_tensor *(*const calls[])(ct_tensor *) = {places, there_and_back, powers};
    for (int k = 0; k < 3; k++) {
        ct_tensor *x = ct_rand(CT_SHAPE(1, 2, 4, 4), CT_F64, NULL);
        ct_set_requires_grad(x, true);
        int64_t n = 1;
        for (bool done = false; !done; n++) {
            ck_assert(n < 1000);
            ct_scope scope = ct_scope_begin();
            ct_memory_fail_at(n);
            ct_status status = ct_backward(ct_sum(calls[k](x)));
            ct_memory_fail_at(0);
            done = status == CT_OK;
            ct_scope_end(scope);
            if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
            ct_tensor_set_grad(x, NULL);
        }
        ck_assert(n > 10);
    }
}
END_TEST

TEST_LIST = {
    TEST(indices_lead_back_through_unpooling),
    TEST(integers_are_pooled_exactly),
    TEST(what_does_not_fit_is_named),
    TEST(running_out_of_memory_leaves_a_clean_error),
};
TEST_MAIN("pool_nd")
