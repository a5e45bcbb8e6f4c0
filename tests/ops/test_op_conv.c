/*
 * Convolution: values of torch, gradients of first and second order, memory formats, errors.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_conv.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include "support/test.h"

/* Element i is (i * step) mod modulus - offset: integers, so that results are exact. */
static ct_tensor *pattern(const int64_t *sizes, int ndim, int step, int modulus, int offset, ct_dtype dtype) {
    double values[4096];
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    ck_assert(n <= 4096);
    for (int64_t i = 0; i < n; i++) values[i] = (double)(i * step % modulus - offset);
    return dtype == CT_F64 ? test_f64(values, sizes, ndim) : test_f32(values, sizes, ndim);
}
#define X(...) pattern(CT_SHAPE(__VA_ARGS__), 7, 11, 5, CT_F64)
#define W(...) pattern(CT_SHAPE(__VA_ARGS__), 5, 7, 3, CT_F64)
static const int64_t two_by_one[] = {2, 1}, one_by_two[] = {1, 2};

/* ---- values ---- */

START_TEST(values_are_torchs) {
    ct_tensor *y = ct_conv2d(X(1, 2, 4, 5), W(3, 2, 3, 2), pattern(CT_SHAPE(3), 1, 3, 1, CT_F64), NULL);
    ck_sizes(y, 1, 3, 2, 4);
    ck_values(y, 29, -15, 7, 7, 29, -15, -15, 7, 12, -6, -35, 2, -1, 25, 7, 22, 16, 24, 21, 18, -10, 9, -27, -19);
    ct_tensor *f = ct_conv2d(pattern(CT_SHAPE(1, 2, 4, 5), 7, 11, 5, CT_F32), pattern(CT_SHAPE(3, 2, 3, 2), 5, 7, 3, CT_F32),
                             pattern(CT_SHAPE(3), 1, 3, 1, CT_F32), NULL);
    ck_assert_int_eq(ct_tensor_dtype(f), CT_F32);
    ck_values(f, 29, -15, 7, 7, 29, -15, -15, 7, 12, -6, -35, 2, -1, 25, 7, 22, 16, 24, 21, 18, -10, 9, -27, -19);
}
END_TEST

START_TEST(stride_padding_dilation_and_groups_are_torchs) {
    ct_tensor *y = ct_conv2d(X(2, 4, 5, 6), W(4, 2, 2, 3), NULL,
                             &(ct_conv2d_options){.stride_nd = two_by_one, .padding_nd = one_by_two, .dilation_nd = two_by_one, .groups = 2});
    ck_sizes(y, 2, 4, 3, 8);
    ct_tensor *corner = ct_contiguous(ct_narrow(ct_narrow(y, 2, 0, 2), 3, 0, 3), CT_FORMAT_CONTIGUOUS);
    ck_values(corner, 19, 5, -23, 13, -20, -17, -8, 10, 3, -17, 10, 20, 2, 14, -9, -22, -6, 38, 1, -16, 5, 11, 0, -3, -9, 14, 11, 15, 15, -17, 6,
              -12, 10, 3, -6, -6, -2, 5, 15, 1, -6, -3, 1, 0, -19, 3, -6, -9);
    ck_values(ct_sum(y), 62);
}
END_TEST

START_TEST(padding_same_puts_the_odd_one_behind) {
    ct_tensor *y = ct_conv2d(X(1, 1, 3, 4), W(1, 1, 2, 4), NULL, &(ct_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME});
    ck_sizes(y, 1, 1, 3, 4);
    ck_values(y, -14, 5, -15, 28, -10, -2, 30, -20, -6, 28, -11, -7);
    ct_tensor *valid = ct_conv2d(X(1, 1, 3, 4), W(1, 1, 2, 4), NULL, &(ct_conv2d_options){.auto_padding = CT_CONV_PADDING_VALID});
    ck_values(valid, 5, -2);
}
END_TEST

START_TEST(one_image_needs_no_batch) {
    ct_tensor *x = X(1, 2, 4, 5), *w = W(3, 2, 3, 2);
    ct_tensor *y = ct_conv2d(ct_select(x, 0, 0), w, NULL, NULL);
    ck_sizes(y, 3, 2, 4);
    ck_close(y, ct_select(ct_conv2d(x, w, NULL, NULL), 0, 0), 0, 0);
}
END_TEST

START_TEST(memory_formats_give_the_same_numbers_and_are_kept) {
    ct_tensor *x = X(2, 3, 5, 6), *w = W(4, 3, 3, 3), *b = pattern(CT_SHAPE(4), 1, 3, 1, CT_F64);
    ct_conv2d_options o = {.padding = 1};
    ct_tensor *want = ct_conv2d(x, w, b, &o);
    ck_assert(ct_is_contiguous(want, CT_FORMAT_CONTIGUOUS));
    ct_tensor *xl = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST), *wl = ct_contiguous(w, CT_FORMAT_CHANNELS_LAST);
    ct_tensor *a = ct_conv2d(xl, w, b, &o), *c = ct_conv2d(x, wl, b, &o);
    ck_assert(ct_is_contiguous(a, CT_FORMAT_CHANNELS_LAST));
    ck_assert(ct_is_contiguous(c, CT_FORMAT_CHANNELS_LAST));
    ck_close(a, want, 1e-13, 1e-13);
    ck_close(c, want, 1e-13, 1e-13);
}
END_TEST

START_TEST(strided_inputs_give_the_same_numbers) {
    ct_tensor *x = X(2, 3, 6, 5), *w = W(4, 3, 3, 2), *b = X(4, 2);
    ct_tensor *xt = ct_transpose(x, 2, 3), *wt = ct_transpose(w, 2, 3), *bt = ct_select(b, 1, 1);
    ct_tensor *y = ct_conv2d(xt, wt, bt, NULL);
    ct_tensor *want = ct_conv2d(ct_clone(ct_reshape(xt, CT_SHAPE(2, 3, 5, 6))), ct_contiguous(wt, CT_FORMAT_CONTIGUOUS),
                                ct_contiguous(bt, CT_FORMAT_CONTIGUOUS), NULL);
    ck_close(y, want, 1e-13, 1e-13);
    ct_tensor *expanded = ct_expand(ct_narrow(x, 1, 0, 1), CT_SHAPE(2, 3, 6, 5));
    ck_close(ct_conv2d(expanded, w, NULL, NULL), ct_conv2d(ct_contiguous(expanded, CT_FORMAT_CONTIGUOUS), w, NULL, NULL), 1e-13, 1e-13);
}
END_TEST

START_TEST(empty_batches_and_no_channels) {
    ct_tensor *x = ct_zeros(CT_SHAPE(0, 3, 4, 4), CT_F64), *w = W(2, 3, 3, 3), *b = X(2);
    ct_set_requires_grad(w, true);
    ct_set_requires_grad(b, true);
    ct_tensor *y = ct_conv2d(x, w, b, NULL);
    ck_sizes(y, 0, 2, 2, 2);
    ck_assert_int_eq(ct_backward(ct_sum(y)), CT_OK);
    ck_close(ct_tensor_grad(w), ct_zeros_like(w, CT_DTYPE_NONE), 0, 0);
    ck_values(ct_tensor_grad(b), 0, 0);
    ct_tensor *none = ct_conv2d(ct_zeros(CT_SHAPE(1, 0, 2, 2), CT_F64), ct_zeros(CT_SHAPE(2, 0, 1, 1), CT_F64), b, NULL);
    ck_values(none, -5, -5, -5, -5, 2, 2, 2, 2);
}
END_TEST

/* ---- gradients ---- */

START_TEST(gradients_are_torchs) {
    ct_tensor *x = X(1, 2, 5, 5), *w = W(2, 2, 3, 3), *b = pattern(CT_SHAPE(2), 1, 3, 1, CT_F64);
    ct_tensor *v = pattern(CT_SHAPE(1, 2, 3, 3), 3, 5, 2, CT_F64);
    ct_conv2d_options o = {.stride = 2, .padding = 1};
    ct_set_requires_grad(x, true);
    ct_set_requires_grad(w, true);
    ct_set_requires_grad(b, true);
    ck_assert_int_eq(ct_backward(ct_sum(ct_mul(ct_conv2d(x, w, b, &o), v))), CT_OK);
    ck_values(ct_tensor_grad(x), -6, 2, -1, 0, -1, 9, 6, -7, 3, 2, 4, -4, 4, 4, -6, -9, 7, 5, -6, 9, -1, 0, -1, -2, 4, 2, 7, 3, -10, -1, -1, 6, -4, 7,
              3, 0, -9, -4, 4, 2, 5, -1, -3, -10, -1, 3, -10, -1, 8, 0);
    ck_values(ct_tensor_grad(w), 11, -23, 5, 6, -1, -12, 8, 13, -18, 12, -25, 3, 7, -34, 9, 10, 15, -19, 5, 9, -6, -12, 1, -5, -18, 10, 11, 3, 10, -6,
              9, 14, -14, -19, 10, 12);
    ck_values(ct_tensor_grad(b), 0, -2);

    /* the same as functions */
    ct_tensor *gx = ct_conv2d_input(CT_SHAPE(1, 2, 5, 5), w, v, &o), *gw = ct_conv2d_weight(x, CT_SHAPE(2, 2, 3, 3), v, &o);
    ck_close(gx, ct_tensor_grad(x), 0, 0);
    ck_close(gw, ct_tensor_grad(w), 0, 0);
}
END_TEST

START_TEST(only_what_is_wanted_is_computed) {
    ct_tensor *x = X(1, 2, 5, 5), *w = W(2, 2, 3, 3), *b = pattern(CT_SHAPE(2), 1, 3, 1, CT_F64);
    ct_set_requires_grad(b, true);
    ck_assert_int_eq(ct_backward(ct_sum(ct_conv2d(x, w, b, NULL))), CT_OK);
    ck_values(ct_tensor_grad(b), 9, 9);
    ck_assert(ct_tensor_grad(x) == NULL && ct_tensor_grad(w) == NULL);
}
END_TEST

START_TEST(gradients_of_channels_last_are_the_same) {
    ct_tensor *x = X(2, 3, 5, 6), *w = W(4, 3, 3, 3), *v = X(2, 4, 5, 6);
    ct_tensor *xl = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST), *wl = ct_clone(w);
    ct_tensor *in[] = {x, w, xl, wl}, *g[4];
    for (int i = 0; i < 4; i++) ct_set_requires_grad(in[i], true);
    for (int i = 0; i < 4; i += 2) {
        ct_tensor *y = ct_sum(ct_mul(ct_conv2d(in[i], in[i + 1], NULL, &(ct_conv2d_options){.padding = 1}), v));
        ck_assert_int_eq(ct_grad(&y, 1, in + i, 2, NULL, g + i), CT_OK);
    }
    ck_assert(ct_is_contiguous(g[2], CT_FORMAT_CHANNELS_LAST));
    ck_close(g[2], g[0], 1e-13, 1e-13);
    ck_close(g[3], g[1], 1e-13, 1e-13);
}
END_TEST

typedef struct setting {
    const char *reason;
    int64_t x[4], w[4];
    ct_conv2d_options o;
    bool bias;
} setting;

static ct_tensor *apply(ct_tensor *const *in, int n, void *user) {
    const setting *s = user;
    return ct_conv2d(in[0], in[1], n > 2 ? in[2] : NULL, &s->o);
}
static ct_tensor *apply_input(ct_tensor *const *in, int n, void *user) {
    const setting *s = user;
    (void)n;
    return ct_conv2d_input(s->x, 4, in[0], in[1], &s->o);
}
static ct_tensor *apply_weight(ct_tensor *const *in, int n, void *user) {
    const setting *s = user;
    (void)n;
    return ct_conv2d_weight(in[0], s->w, 4, in[1], &s->o);
}

static void check_gradients(const char *reason, ct_gradcheck_fn fn, setting *s, ct_tensor **in, int n) {
    for (int i = 0; i < n; i++) ct_set_requires_grad(in[i], true);
    ck_assert_msg(ct_gradcheck(fn, s, in, n, NULL) == CT_OK, "%s: %s", reason, ct_error_message());
    ck_assert_msg(ct_gradgradcheck(fn, s, in, n, NULL) == CT_OK, "%s: %s", reason, ct_error_message());
}

START_TEST(gradients_of_first_and_second_order_agree_with_differences) {
    static setting settings[] = {
        {"plain", {2, 2, 4, 3}, {3, 2, 2, 2}, {0}, true},
        {"stride", {1, 2, 5, 5}, {2, 2, 3, 2}, {.stride = 2, .padding = 1}, true},
        {"dilation", {1, 1, 5, 5}, {2, 1, 2, 2}, {.dilation_nd = two_by_one, .padding_nd = one_by_two}, false},
        {"groups", {1, 4, 3, 3}, {2, 2, 2, 2}, {.groups = 2}, true},
        {"depthwise", {1, 3, 3, 4}, {3, 1, 2, 2}, {.groups = 3, .padding = 1}, false},
        {"same", {1, 2, 3, 4}, {2, 2, 2, 3}, {.auto_padding = CT_CONV_PADDING_SAME}, true},
        {"a stride that leaves rows out", {1, 1, 6, 4}, {1, 1, 1, 1}, {.stride = 3}, false},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        setting *s = &settings[i];
        ct_scope scope = ct_scope_begin();
        ct_tensor *x = pattern(s->x, 4, 7, 11, 5, CT_F64), *w = pattern(s->w, 4, 5, 7, 3, CT_F64), *b = X(s->w[0]);
        ct_tensor *gy = ct_ones_like(ct_conv2d(x, w, NULL, &s->o), CT_DTYPE_NONE);
        check_gradients(s->reason, apply, s, (ct_tensor *[]){x, w, b}, s->bias ? 3 : 2);
        check_gradients(s->reason, apply_input, s, (ct_tensor *[]){w, gy}, 2);
        check_gradients(s->reason, apply_weight, s, (ct_tensor *[]){x, gy}, 2);
        ct_scope_end(scope);
    }
}
END_TEST

START_TEST(gradients_of_one_image_agree_with_differences) {
    setting s = {.reason = "no batch"};
    check_gradients(s.reason, apply, &s, (ct_tensor *[]){X(2, 3, 4), W(2, 2, 2, 2), X(2)}, 3);
}
END_TEST

/* ---- errors ---- */

START_TEST(shapes_that_do_not_fit_are_named) {
    ck_assert(!ct_conv2d(X(1, 3, 4, 4), W(2, 4, 3, 3), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d: weight [2, 4, 3, 3] with groups = 1 expects 4 channels, but x [1, 3, 4, 4] has 3");
    ck_assert(!ct_conv2d(X(1, 3, 4, 4), W(2, 3, 5, 3), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d: the kernel's height 5 (5 with dilation 1) is larger than the padded image's 4 (4 + 2 x 0)");
    ck_assert(!ct_conv2d(X(1, 3, 4, 4), W(2, 3, 2, 3), NULL, &(ct_conv2d_options){.dilation = 4, .padding = 2}));
    ck_error(CT_ERR_SHAPE, "the kernel's width 3 (9 with dilation 4) is larger than the padded image's 8 (4 + 2 x 2)");
    ck_assert(!ct_conv2d(X(1, 4, 4, 4), W(3, 2, 1, 1), NULL, &(ct_conv2d_options){.groups = 2}));
    ck_error(CT_ERR_SHAPE, "the 3 filters of weight [3, 2, 1, 1] are not divisible by groups = 2");
    ck_assert(!ct_conv2d(X(1, 5, 4, 4), W(4, 2, 1, 1), NULL, &(ct_conv2d_options){.groups = 2}));
    ck_error(CT_ERR_SHAPE, "expects 4 channels, but x [1, 5, 4, 4] has 5");
    ck_assert(!ct_conv2d(X(1, 4, 4, 4), W(4, 4, 1, 1), X(3), NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d: bias must be [4], one number per filter, got [3]");
    ck_assert(!ct_conv2d(X(3, 4), W(2, 3, 1, 1), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d: x must be [N, C, H, W] or [C, H, W], got [3, 4]");
    ck_assert(!ct_conv2d(X(1, 3, 4, 4), W(2, 3, 1), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d: weight must be [F, C / groups, KH, KW], got [2, 3, 1]");
    ck_assert(!ct_conv2d(X(1, 3, 4, 4), ct_zeros(CT_SHAPE(0, 3, 2, 2), CT_F64), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "weight [0, 3, 2, 2] must have at least one filter");
    ck_assert(!ct_conv2d(ct_zeros(CT_SHAPE(1, 3, 0, 4), CT_F64), W(2, 3, 1, 1), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "x [1, 3, 0, 4] has no pixels");
}
END_TEST

START_TEST(options_out_of_range_are_named) {
    ct_tensor *x = X(1, 3, 4, 4), *w = W(2, 3, 2, 2);
    static const int64_t zero_by_one[] = {0, 1};
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.stride = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_conv2d: stride is -1; it must be at least 1");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.stride_nd = zero_by_one}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "stride is 0");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.padding = -2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding is -2; it must be at least 0");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.dilation = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dilation is -1");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.padding = INT64_MAX}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "it may be at most 2147483647");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.groups = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "groups is -1");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME, .stride = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding 'same' needs stride 1, got 2 along the height");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.auto_padding = CT_CONV_PADDING_VALID, .padding = 1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "beside an auto_padding");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.auto_padding = (ct_conv_padding)9}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "unknown auto_padding 9");
    ck_assert(!ct_conv2d(x, w, NULL, &(ct_conv2d_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_conv2d");
}
END_TEST

START_TEST(dtypes_and_missing_tensors_are_named) {
    ct_tensor *x = X(1, 3, 4, 4), *w = W(2, 3, 2, 2);
    ck_assert(!ct_conv2d(x, ct_to(w, CT_F32), NULL, NULL));
    ck_error(CT_ERR_DTYPE, "ct_conv2d: x is float64, weight is float32");
    ck_assert(!ct_conv2d(x, w, ct_zeros(CT_SHAPE(2), CT_F32), NULL));
    ck_error(CT_ERR_DTYPE, "x is float64, bias is float32");
    ck_assert(!ct_conv2d(ct_to(x, CT_BOOL), ct_to(w, CT_BOOL), NULL, NULL));
    ck_error(CT_ERR_DTYPE, "ct_conv2d: x is bool; it must be floating point or an integer");
    ck_assert(!ct_conv2d_weight(ct_to(x, CT_I64), CT_SHAPE(2, 3, 2, 2), ct_zeros(CT_SHAPE(1, 2, 3, 3), CT_I64), NULL));
    ck_error(CT_ERR_DTYPE, "ct_conv2d_weight: x is int64; it must be float32 or float64");
    ck_assert(!ct_conv2d(NULL, w, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_conv2d");
    ck_assert(!ct_conv2d(x, NULL, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_conv2d");
}
END_TEST

START_TEST(sizes_that_gradients_cannot_have_are_named) {
    ct_tensor *x = X(1, 3, 4, 4), *w = W(2, 3, 2, 2), *g = X(1, 2, 2, 2);
    ck_assert(!ct_conv2d_input(CT_SHAPE(1, 3, 4, 4), w, g, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d_input: grad_output is [1, 2, 2, 2], but the other sizes and the options make it [1, 2, 3, 3]");
    ck_assert(!ct_conv2d_weight(x, CT_SHAPE(2, 3, 2, 2), g, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d_weight: grad_output is [1, 2, 2, 2], but the other sizes and the options make it [1, 2, 3, 3]");
    ck_assert(!ct_conv2d_input(NULL, 4, w, g, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "input_sizes is NULL");
    ck_assert(!ct_conv2d_weight(x, CT_SHAPE(2, 3, 2), g, NULL));
    ck_error(CT_ERR_SHAPE, "weight must be [F, C / groups, KH, KW], got [2, 3, 2]");
    ck_assert(!ct_conv2d_weight(x, CT_SHAPE(-2, 3, 2, 2), g, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d_weight");
}
END_TEST

/* One forward and backward through every allocation that they make. */
START_TEST(running_out_of_memory_leaves_a_clean_error) {
    ct_tensor *x = X(2, 3, 5, 6), *w = W(4, 3, 3, 3), *b = pattern(CT_SHAPE(4), 1, 3, 1, CT_F64);
    ct_set_requires_grad(x, true);
    ct_set_requires_grad(w, true);
    ct_set_requires_grad(b, true);
    int64_t n = 1, before = ct_memory_get_stats().live_blocks;
    for (bool done = false; !done; n++) {
        ck_assert(n < 1000);
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(n);
        ct_status status = ct_backward(ct_sum(ct_conv2d(x, w, b, &(ct_conv2d_options){.padding = 1})));
        ct_memory_fail_at(0);
        done = status == CT_OK;
        ct_scope_end(scope);
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_tensor_set_grad(x, NULL);
        ct_tensor_set_grad(w, NULL);
        ct_tensor_set_grad(b, NULL);
    }
    ck_assert(n > 8);
    ck_assert_int_le(ct_memory_get_stats().live_blocks, before + 8); /* autograd records of the three leaves */
}
END_TEST

TEST_LIST = {
    TEST(values_are_torchs),
    TEST(stride_padding_dilation_and_groups_are_torchs),
    TEST(padding_same_puts_the_odd_one_behind),
    TEST(one_image_needs_no_batch),
    TEST(memory_formats_give_the_same_numbers_and_are_kept),
    TEST(strided_inputs_give_the_same_numbers),
    TEST(empty_batches_and_no_channels),
    TEST(gradients_are_torchs),
    TEST(only_what_is_wanted_is_computed),
    TEST(gradients_of_channels_last_are_the_same),
    TEST(gradients_of_first_and_second_order_agree_with_differences),
    TEST(gradients_of_one_image_agree_with_differences),
    TEST(shapes_that_do_not_fit_are_named),
    TEST(options_out_of_range_are_named),
    TEST(dtypes_and_missing_tensors_are_named),
    TEST(sizes_that_gradients_cannot_have_are_named),
    TEST(running_out_of_memory_leaves_a_clean_error),
};
TEST_MAIN("op_conv")
