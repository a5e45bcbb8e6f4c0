/*
 * Pooling: values of torch, gradients of first and second order, memory formats, errors.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_pool.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include "support/test.h"

#include <math.h>

/* Element i is (i * 7) mod 11 - 5. */
static ct_tensor *pattern(const int64_t *sizes, int ndim) {
    double values[1024];
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    ck_assert(n <= 1024);
    for (int64_t i = 0; i < n; i++) values[i] = (double)(i * 7 % 11 - 5);
    return test_f64(values, sizes, ndim);
}
#define X(...) pattern(CT_SHAPE(__VA_ARGS__))
static const int64_t two_by_three[] = {2, 3}, one_by_two[] = {1, 2}, two_by_one[] = {2, 1};

/* All different, so that differences of 1e-6 change no maximum. */
static ct_tensor *distinct(const int64_t *sizes, int ndim) {
    double values[256];
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    ck_assert(n <= 256);
    for (int64_t i = 0; i < n; i++) values[i] = (double)(i * 101 % 257) / 16;
    return test_f64(values, sizes, ndim);
}

/* ---- values ---- */

START_TEST(max_values_and_indices_are_torchs) {
    ct_tensor *x = X(1, 2, 4, 6), *i;
    ct_tensor *y = ct_max_pool2d(x, 2, NULL, &i);
    ck_sizes(y, 1, 2, 2, 3);
    ck_values(y, 4, 5, 1, 2, 5, 4, 5, 1, 4, 5, 4, 5);
    ck_assert_int_eq(ct_tensor_dtype(i), CT_I64);
    ck_values(i, 6, 3, 4, 12, 14, 17, 1, 2, 4, 12, 15, 23);

    y = ct_max_pool2d(x, 3, &(ct_max_pool2d_options){.stride = 2, .padding = 1, .ceil_mode = true}, &i);
    ck_sizes(y, 1, 2, 3, 4);
    ck_values(y, 4, 5, 5, -3, 4, 5, 4, 4, 0, 3, 2, 2, 5, 5, 4, 0, 5, 4, 5, 5, 3, 2, 5, 5);
    ck_values(i, 6, 3, 3, 5, 6, 14, 17, 17, 18, 20, 23, 23, 1, 1, 4, 5, 12, 15, 23, 23, 18, 21, 23, 23);

    y = ct_max_pool2d(x, 0, &(ct_max_pool2d_options){.kernel_size_nd = two_by_three, .stride_nd = one_by_two, .dilation_nd = two_by_one}, &i);
    ck_sizes(y, 1, 2, 2, 2);
    ck_values(y, 5, 5, 4, 3, 5, 4, 3, 2);
    ck_values(i, 14, 3, 6, 9, 1, 4, 7, 10);
}
END_TEST

START_TEST(the_last_nan_wins_and_the_first_of_equals) {
    double v[16];
    for (int k = 0; k < 16; k++) v[k] = k;
    v[0] = v[5] = NAN;
    ct_tensor *i, *y = ct_max_pool2d(test_f64(v, CT_SHAPE(1, 4, 4)), 2, NULL, &i);
    ck_values(i, 5, 7, 13, 15);
    ck_assert(isnan(ct_item_f64(ct_select(ct_select(ct_select(y, 0, 0), 0, 0), 0, 0))));
    ct_max_pool2d(ct_zeros(CT_SHAPE(1, 4, 4), CT_F32), 2, NULL, &i);
    ck_values(i, 0, 2, 8, 10);
    for (int k = 0; k < 16; k++) v[k] = -INFINITY;
    y = ct_max_pool2d(test_f64(v, CT_SHAPE(1, 4, 4)), 3, &(ct_max_pool2d_options){.stride = 2, .padding = 1}, &i);
    ck_values(y, -INFINITY, -INFINITY, -INFINITY, -INFINITY);
    ck_values(i, 0, 1, 4, 5);
}
END_TEST

START_TEST(averages_are_torchs) {
    ct_tensor *x = X(1, 2, 4, 6);
    ck_values(ct_avg_pool2d(x, 2, NULL), 0.25, 0.5, -2, -1, 2, -0.5, 0.5, -2, 1, 2, -0.5, -0.25);
    ct_avg_pool2d_options o = {.stride = 2, .padding = 1, .ceil_mode = true};
    ct_tensor *y = ct_avg_pool2d(x, 3, &o);
    ck_sizes(y, 1, 2, 3, 4);
    ck_values_close(y, 1e-12, 1. / 9, 4. / 9, 0, -4. / 3, 0, 1. / 9, -5. / 9, 1. / 6, -2. / 3, -1. / 3, -2. / 3, 0.5, 2. / 9, 0, -4. / 9, -1. / 3,
                    7. / 9, -5. / 9, 0, -1. / 6, 1. / 3, -2. / 3, 5. / 6, 1.25);
    o.no_count_include_pad = true;
    ck_values_close(ct_avg_pool2d(x, 3, &o), 1e-12, 0.25, 2. / 3, 0, -4, 0, 1. / 9, -5. / 9, 1. / 3, -2, -2. / 3, -4. / 3, 2, 0.5, 0, -2. / 3, -1,
                    7. / 6, -5. / 9, 0, -1. / 3, 1, -4. / 3, 5. / 3, 5);
    ck_values_close(ct_avg_pool2d(x, 2, &(ct_avg_pool2d_options){.divisor_override = 3}), 1e-12, 1. / 3, 2. / 3, -8. / 3, -4. / 3, 8. / 3, -2. / 3,
                    2. / 3, -8. / 3, 4. / 3, 8. / 3, -2. / 3, -1. / 3);
}
END_TEST

START_TEST(adaptive_averages_are_torchs) {
    ct_tensor *x = X(1, 2, 4, 6);
    ck_values_close(ct_adaptive_avg_pool2d(x, 3, 4), 1e-12, 0.25, -1, 2, -2, 1, -0.25, 0, -1.25, -1, 0.5, -2, -0.5, 0.5, 2, -0.5, 1, 1.25, 0, 0.25,
                    -1, 2, -2, 1, -0.25);
    ct_tensor *y = ct_adaptive_avg_pool2d(x, 1, CT_DIM_NONE);
    ck_sizes(y, 1, 2, 1, 6);
    ck_values_close(y, 1e-12, 0.25, -1, 0.5, 2, -2, -0.5, 0.5, 2, -2, -0.5, 1, -0.25);
    ck_sizes(ct_adaptive_avg_pool2d(x, 0, 2), 1, 2, 0, 2);
    ck_sizes(ct_adaptive_avg_pool2d(x, 9, 2), 1, 2, 9, 2);
}
END_TEST

static ct_tensor *max2(ct_tensor *x) { return ct_max_pool2d(x, 2, &(ct_max_pool2d_options){.padding = 1}, NULL); }
static ct_tensor *avg3(ct_tensor *x) { return ct_avg_pool2d(x, 3, &(ct_avg_pool2d_options){.stride = 2}); }
static ct_tensor *adaptive(ct_tensor *x) { return ct_adaptive_avg_pool2d(x, 3, 2); }
static ct_tensor *(*const pools[])(ct_tensor *) = {max2, avg3, adaptive};

START_TEST(memory_formats_give_the_same_numbers_and_are_kept) {
    ct_tensor *x = X(2, 3, 5, 6), *last = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST), *swapped = ct_contiguous(ct_transpose(x, 2, 3), CT_FORMAT_CONTIGUOUS);
    for (int p = 0; p < 3; p++) {
        ct_tensor *want = pools[p](x), *got = pools[p](last);
        ck_assert(ct_is_contiguous(want, CT_FORMAT_CONTIGUOUS));
        ck_assert(ct_is_contiguous(got, CT_FORMAT_CHANNELS_LAST));
        ck_close(got, want, 1e-13, 1e-13);
        ck_close(pools[p](ct_transpose(swapped, 2, 3)), want, 1e-13, 1e-13);
        ck_close(pools[p](ct_select(x, 0, 1)), ct_select(want, 0, 1), 1e-13, 1e-13);
        ck_assert_int_eq(ct_size(pools[p](ct_narrow(x, 0, 0, 0)), 0), 0);
    }
    ct_tensor *i;
    ct_max_pool2d(last, 2, NULL, &i);
    ck_assert(ct_is_contiguous(i, CT_FORMAT_CHANNELS_LAST));
}
END_TEST

/* ---- gradients ---- */

START_TEST(gradients_are_torchs) {
    ct_tensor *x = X(1, 1, 4, 4), *v = test_f64((const double[]){1, 2, 3, 4}, CT_SHAPE(1, 1, 2, 2)), *g;
    ct_set_requires_grad(x, true);
    ct_tensor *y = ct_sum(ct_mul(ct_max_pool2d(x, 3, &(ct_max_pool2d_options){.stride = 1}, NULL), v));
    ck_assert_int_eq(ct_grad(&y, 1, &x, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0);

    ct_tensor *zeros = ct_zeros(CT_SHAPE(1, 1, 2, 2), CT_F64);
    ct_set_requires_grad(zeros, true);
    y = ct_sum(ct_max_pool2d(zeros, 2, NULL, NULL));
    ck_assert_int_eq(ct_grad(&y, 1, &zeros, 1, NULL, &g), CT_OK);
    ck_values(g, 1, 0, 0, 0);

    ct_tensor *z = X(1, 1, 3, 4), *u = test_f64((const double[]){1, 2, 3, 4, 5, 1}, CT_SHAPE(1, 1, 2, 3));
    ct_set_requires_grad(z, true);
    y = ct_sum(ct_mul(ct_adaptive_avg_pool2d(z, 2, 3), u));
    ck_assert_int_eq(ct_grad(&y, 1, &z, 1, NULL, &g), CT_OK);
    ck_values_close(g, 1e-12, 0.25, 0.75, 1.25, 0.75, 1.25, 3, 2.75, 1, 1, 2.25, 1.5, 0.25);
}
END_TEST

typedef struct setting {
    const char *reason;
    int kind;
    int64_t sizes[4];
    ct_max_pool2d_options max;
    ct_avg_pool2d_options avg;
    bool last;
} setting;

static ct_tensor *apply(ct_tensor *const *in, int n, void *user) {
    const setting *s = user;
    (void)n;
    ct_tensor *x = s->last ? ct_contiguous(in[0], CT_FORMAT_CHANNELS_LAST) : in[0];
    if (s->kind == 0) return ct_max_pool2d(x, 2, &s->max, NULL);
    return s->kind == 1 ? ct_avg_pool2d(x, 2, &s->avg) : ct_adaptive_avg_pool2d(x, 2, 3);
}

START_TEST(gradients_of_first_and_second_order_agree_with_differences) {
    static setting settings[] = {
        {"max", 0, {2, 2, 4, 4}, {0}, {0}, false},
        {"max, odd", 0, {1, 2, 5, 3}, {0}, {0}, false},
        {"max, overlapping", 0, {1, 2, 4, 5}, {.stride = 1, .padding = 1}, {0}, false},
        {"max, channels_last", 0, {1, 3, 4, 5}, {.stride = 1}, {0}, true},
        {"avg", 1, {1, 2, 4, 5}, {0}, {.stride = 1, .padding = 1, .no_count_include_pad = true}, false},
        {"avg, channels_last", 1, {1, 3, 4, 4}, {0}, {.ceil_mode = true, .divisor_override = 3}, true},
        {"adaptive", 2, {1, 2, 5, 4}, {0}, {0}, false},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        setting *s = &settings[i];
        ct_scope scope = ct_scope_begin();
        ct_tensor *x = distinct(s->sizes, 4);
        ct_set_requires_grad(x, true);
        ck_assert_msg(ct_gradcheck(apply, s, &x, 1, NULL) == CT_OK, "%s: %s", s->reason, ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply, s, &x, 1, NULL) == CT_OK, "%s: %s", s->reason, ct_error_message());
        ct_scope_end(scope);
    }
}
END_TEST

START_TEST(backward_does_not_need_the_input) {
    ct_tensor *x = distinct(CT_SHAPE(1, 1, 4, 4)), *a = ct_clone(x), *g;
    ct_set_requires_grad(x, true);
    a = ct_mul_scalar(x, 1);
    ct_tensor *y = ct_sum(ct_max_pool2d(a, 2, NULL, NULL));
    ck_assert_int_eq(ct_zero_(a), CT_OK);
    ck_assert_int_eq(ct_grad(&y, 1, &x, 1, NULL, &g), CT_OK);
    ck_values(ct_sum(g), 4);
}
END_TEST

/* ---- errors ---- */

START_TEST(windows_that_do_not_fit_are_named) {
    ct_tensor *x = X(1, 3, 4, 4);
    ck_assert(!ct_max_pool2d(x, 9, NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_max_pool2d: the window's height 9 is larger than the padded image's 4");
    ck_assert(!ct_avg_pool2d(x, 2, &(ct_avg_pool2d_options){.padding = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_avg_pool2d: padding 2 is more than half of the kernel's size 2 (2 with dilation 1)");
    ck_assert(!ct_max_pool2d(x, 0, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_max_pool2d: kernel_size is 0; it must be at least 1");
    ck_assert(!ct_max_pool2d(x, 2, &(ct_max_pool2d_options){.stride = -1}, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "stride is -1");
    ck_assert(!ct_max_pool2d(x, 2, &(ct_max_pool2d_options){.dilation = -1}, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dilation is -1");
    ck_assert(!ct_max_pool2d(X(4, 4), 2, NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_max_pool2d: x must be [N, C, H, W] or [C, H, W], got [4, 4]");
    ck_assert(!ct_avg_pool2d(ct_zeros(CT_SHAPE(2, 0, 4, 4), CT_F32), 2, NULL));
    ck_error(CT_ERR_SHAPE, "ct_avg_pool2d: x has no channels");
    ck_assert(!ct_adaptive_avg_pool2d(x, -1, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_adaptive_avg_pool2d: the result's height -1 must be of 0 to 2147483647");
    ck_assert(!ct_max_pool2d(ct_zeros(CT_SHAPE(1, 4, 4), CT_BOOL), 2, NULL, NULL));
    ck_error(CT_ERR_DTYPE, "ct_max_pool2d: x is bool; it must be floating point or an integer");
    ck_assert(!ct_avg_pool2d(ct_zeros(CT_SHAPE(1, 4, 4), CT_I32), 2, NULL));
    ck_error(CT_ERR_DTYPE, "ct_avg_pool2d: x is int32; it must be floating point or int64");
    ct_tensor *i = x;
    ck_assert(!ct_max_pool2d(NULL, 2, NULL, &i));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_max_pool2d");
    ck_assert(i == NULL);
    ck_assert(!ct_max_pool2d(x, 2, &(ct_max_pool2d_options){.reserved = {0, 1}}, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_max_pool2d");
    ck_assert(!ct_avg_pool2d(x, 2, &(ct_avg_pool2d_options){.reserved = {0, 1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_avg_pool2d");
}
END_TEST

START_TEST(a_window_without_elements_is_an_error) {
    ck_assert(!ct_max_pool2d(X(1, 1, 1, 1), 2, &(ct_max_pool2d_options){.dilation = 3, .padding = 2, .stride = 1}, NULL));
    ck_error(CT_ERR_SHAPE, "window 0 along the height (kernel 2, dilation 3, padding 2) has no element of the 1");
}
END_TEST

START_TEST(running_out_of_memory_leaves_a_clean_error) {
    ct_tensor *x = ct_contiguous(distinct(CT_SHAPE(2, 3, 5, 6)), CT_FORMAT_CHANNELS_LAST);
    x = ct_detach(x);
    ct_set_requires_grad(x, true);
    for (int p = 0; p < 3; p++) {
        int64_t n = 1;
        for (bool done = false; !done; n++) {
            ck_assert(n < 1000);
            ct_scope scope = ct_scope_begin();
            ct_memory_fail_at(n);
            ct_status status = ct_backward(ct_sum(pools[p](x)));
            ct_memory_fail_at(0);
            done = status == CT_OK;
            ct_scope_end(scope);
            if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
            ct_tensor_set_grad(x, NULL);
        }
        ck_assert(n > 6);
    }
}
END_TEST

TEST_LIST = {
    TEST(max_values_and_indices_are_torchs),
    TEST(the_last_nan_wins_and_the_first_of_equals),
    TEST(averages_are_torchs),
    TEST(adaptive_averages_are_torchs),
    TEST(memory_formats_give_the_same_numbers_and_are_kept),
    TEST(gradients_are_torchs),
    TEST(gradients_of_first_and_second_order_agree_with_differences),
    TEST(backward_does_not_need_the_input),
    TEST(windows_that_do_not_fit_are_named),
    TEST(a_window_without_elements_is_an_error),
    TEST(running_out_of_memory_leaves_a_clean_error),
};
TEST_MAIN("op_pool")
