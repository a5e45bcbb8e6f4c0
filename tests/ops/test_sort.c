/* sort, topk: lib/ops/op_sort.c, lib/kernels/order.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <stdlib.h>

START_TEST(sort_orders_values_and_tells_where_they_were) {
    ct_tensor *x = test_f32((double[]){3, 1, 2, 4, 6, 5}, CT_SHAPE(2, 3)), *at;
    ck_values(ct_sort(x, 1, NULL, &at), 1, 2, 3, 4, 5, 6);
    ck_values(at, 1, 2, 0, 0, 2, 1);
    ck_assert_int_eq(ct_tensor_dtype(at), CT_I64);
    ck_values(ct_sort(x, 0, &(ct_sort_options){.descending = true}, &at), 4, 6, 5, 3, 1, 2);
    ck_values(at, 1, 1, 1, 0, 0, 0);
    ck_values(ct_sort(ct_t(x), -1, NULL, NULL), 3, 4, 1, 6, 2, 5);
    ck_values(ct_sort(ct_scalar_tensor(2, CT_F64), 0, NULL, &at), 2);
    ck_values(at, 0);
    ck_sizes(ct_sort(ct_zeros(CT_SHAPE(2, 0), CT_F32), 1, NULL, &at), 2, 0);
    ck_values(ct_sort(ct_gt_scalar(x, 2), 1, NULL, NULL), 0, 0, 1, 1, 1, 1);
    ck_values(ct_sort(ct_to(x, CT_U8), 1, NULL, NULL), 1, 2, 3, 4, 5, 6);
    ck_values(ct_sort(ct_neg(ct_to(x, CT_I32)), 1, NULL, NULL), -3, -2, -1, -6, -5, -4);
}
END_TEST

START_TEST(nan_is_the_largest_and_equals_keep_their_order) {
    ct_tensor *x = test_f32((double[]){3, NAN, 1, 2, 1}, CT_SHAPE(5)), *at;
    ck_values(ct_sort(x, 0, NULL, &at), 1, 1, 2, 3, NAN);
    ck_values(at, 2, 4, 3, 0, 1);
    ck_values(ct_sort(x, 0, &(ct_sort_options){.descending = true, .stable = true}, &at), NAN, 3, 2, 1, 1);
    ck_values(at, 1, 0, 3, 2, 4);
    ck_values(ct_topk(x, 2, 0, NULL, &at), NAN, 3);
    ck_values(at, 1, 0);
    ck_values(ct_topk(x, 2, 0, &(ct_topk_options){.no_largest = true}, &at), 1, 1);
    ck_values(at, 2, 4);
}
END_TEST

/* Long rows with many equal elements: merges, the quickselect and the threads. */
START_TEST(long_rows_are_stable_and_topk_agrees_with_sort) {
    enum { ROWS = 6, N = 5000, K = 77 };
    ct_tensor *x = ct_reshape(ct_remainder_scalar_int(ct_mul_scalar_int(ct_arange_int(0, ROWS * N, 1, CT_I64), 48271), 311), CT_SHAPE(ROWS, N));
    ct_dtype dtypes[] = {CT_F32, CT_F64, CT_I32, CT_I64};
    for (int i = 0; i < 4; i++) {
        for (int descending = 0; descending < 2; descending++) {
            ct_tensor *at, *kat, *uat;
            ct_tensor *y = ct_to(x, dtypes[i]), *sorted = ct_sort(y, 1, &(ct_sort_options){.descending = descending}, &at);
            ck_close(ct_gather(y, 1, at), sorted, 0, 0);
            ct_tensor *left = ct_narrow(sorted, 1, 0, N - 1), *right = ct_narrow(sorted, 1, 1, N - 1);
            ct_tensor *rising = ct_lt(ct_narrow(at, 1, 0, N - 1), ct_narrow(at, 1, 1, N - 1));
            ck_assert(ct_item_bool(ct_all(descending ? ct_ge(left, right) : ct_le(left, right))));
            ck_assert(ct_item_bool(ct_all(ct_logical_or(ct_ne(left, right), rising))));
            ct_topk_options o = {.no_largest = !descending}, u = {.no_largest = !descending, .no_sorted = true};
            ck_close(ct_topk(y, K, 1, &o, &kat), ct_narrow(sorted, 1, 0, K), 0, 0);
            ck_close(kat, ct_narrow(at, 1, 0, K), 0, 0);
            ct_topk(y, K, 1, &u, &uat);
            ck_close(ct_sort(uat, 1, NULL, NULL), ct_sort(kat, 1, NULL, NULL), 0, 0);
        }
    }
}
END_TEST

START_TEST(topk_takes_the_first_k) {
    ct_tensor *x = test_f32((double[]){3, 1, 2, 4, 6, 5}, CT_SHAPE(2, 3)), *at;
    ck_values(ct_topk(x, 2, -1, NULL, &at), 3, 2, 6, 5);
    ck_values(at, 0, 2, 1, 2);
    ck_values(ct_topk(x, 1, 0, &(ct_topk_options){.no_largest = true}, NULL), 3, 1, 2);
    ck_sizes(ct_topk(x, 0, 1, NULL, NULL), 2, 0);
    ck_values(ct_topk(x, 3, 1, NULL, NULL), 3, 2, 1, 6, 5, 4);
    ck_values(ct_topk(ct_scalar_tensor(1, CT_F32), 1, 0, NULL, NULL), 1);
    ct_topk(x, 4, 1, NULL, &at);
    ck_assert_ptr_null(at);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_topk: k 4 is out of range for size 3 at dim 1");
    ct_topk(x, -1, 1, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_topk: k -1");
    ct_topk(ct_gt_scalar(x, 2), 1, 1, NULL, NULL);
    ck_error(CT_ERR_DTYPE, "ct_topk: x is bool");
    ct_sort(x, 2, NULL, &at);
    ck_error(CT_ERR_INDEX, "ct_sort: dim 2 is out of range");
    ct_sort(x, 1, &(ct_sort_options){.reserved = {0, 1}}, &at);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sort");
}
END_TEST

static ct_tensor *g_sort(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *s = ct_sort(in[0], 0, NULL, NULL);
    return ct_mul(s, s);
}
static ct_tensor *g_topk(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *s = ct_topk(in[0], 2, 1, NULL, NULL);
    return ct_mul(s, s);
}
START_TEST(gradients_of_sorting_are_right_twice) {
    ck_grads(g_sort, NULL, wave(1, CT_SHAPE(3, 2)));
    ck_grads(g_topk, NULL, wave(2, CT_SHAPE(2, 4)));
}
END_TEST

/* Rows from some length on are sorted by their bits: signs, both zeros, infinities, NaN and ties come out as in short ones. */
static void check_long_row(ct_tensor *x, bool descending) {
    ct_tensor *at, *sorted = ct_sort(x, 0, &(ct_sort_options){.descending = descending}, &at);
    const int64_t n = ct_numel(x), *p = ct_data_i64(at);
    ck_ok();
    ck_assert(ct_allclose(sorted, ct_gather(x, 0, at), &(ct_allclose_options){.equal_nan = true}));
    double *v = malloc((size_t)n * sizeof *v);
    ct_copy_to(sorted, v, n, CT_F64);
    for (int64_t i = 1; i < n; i++) {
        double a = descending ? v[i] : v[i - 1], b = descending ? v[i - 1] : v[i];
        bool equal = a == b || (isnan(a) && isnan(b));
        ck_assert_msg(equal || a < b || isnan(b), "%lld: %g, %g", (long long)i, a, b);
        ck_assert_msg(!equal || p[i - 1] < p[i], "equal elements %lld and %lld change places", (long long)p[i - 1], (long long)p[i]);
    }
    free(v);
}
START_TEST(long_rows_are_sorted_by_their_bits) {
    static const double special[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e-40, -1e-40, 3, -3, -NAN};
    for (int descending = 0; descending < 2; descending++)
        for (int real = 0; real < 4; real++) {
            enum { N = 1500 };
            double v[N];
            int64_t w[N];
            for (int i = 0; i < N; i++) {
                v[i] = i % 3 ? (i * 7919 % 1009 - 500) / 4.0 : special[i / 3 % 10];
                w[i] = (int64_t)(i % 5 ? i * 7919 % 400 - 200 : i % 2 ? INT32_MIN : INT32_MAX) * (real == 3 ? 4000000000 : 1);
            }
            ct_tensor *x = real < 2 ? ct_from_data(v, CT_SHAPE(N), CT_F64) : ct_from_data(w, CT_SHAPE(N), CT_I64);
            if (real == 0 || real == 2) x = ct_to(x, real == 0 ? CT_F32 : CT_I32);
            check_long_row(x, descending);
            check_long_row(ct_slice(x, 0, CT_DIM_NONE, CT_DIM_NONE, 3), descending);
        }
}
END_TEST

TEST_LIST = {TEST(sort_orders_values_and_tells_where_they_were), TEST(nan_is_the_largest_and_equals_keep_their_order),
             TEST(long_rows_are_stable_and_topk_agrees_with_sort), TEST(topk_takes_the_first_k), TEST(long_rows_are_sorted_by_their_bits), TEST(gradients_of_sorting_are_right_twice)};
TEST_MAIN("op_sort")
