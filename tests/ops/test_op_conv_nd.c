/*
 * Convolution of lines and volumes, and transposed convolution: what parity with torch's samples does not reach. Errors, integers, volumes that are
 * cut into pieces, every allocation failing.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_conv.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include "support/test.h"

#define Z(...) ct_zeros(CT_SHAPE(__VA_ARGS__), CT_F64)

START_TEST(a_line_is_an_image_of_height_1) {
    ct_tensor *x = ct_randn(CT_SHAPE(2, 4, 9), CT_F64, NULL), *w = ct_randn(CT_SHAPE(6, 2, 3), CT_F64, NULL), *b = ct_randn(CT_SHAPE(6), CT_F64, NULL);
    ct_tensor *y = ct_conv1d(x, w, b, &(ct_conv1d_options){.stride = 2, .padding = 1, .groups = 2});
    static const int64_t stride[] = {1, 2}, pad[] = {0, 1};
    ct_tensor *same = ct_conv2d(ct_unsqueeze(x, 2), ct_unsqueeze(w, 2), b, &(ct_conv2d_options){.stride_nd = stride, .padding_nd = pad, .groups = 2});
    ck_assert(ct_equal(y, ct_squeeze_dim(same, CT_DIMS(2))));
}
END_TEST

/* 10 MiB, more than a piece: a kernel of depth 1 is a convolution of each plane. */
START_TEST(volumes_are_cut_into_pieces_without_seams) {
    ct_tensor *x = ct_randn(CT_SHAPE(1, 20, 50, 50, 50), CT_F32, NULL), *w = ct_randn(CT_SHAPE(4, 20, 1, 3, 3), CT_F32, NULL);
    ct_set_requires_grad(x, true);
    ct_set_requires_grad(w, true);
    ct_tensor *y = ct_conv3d(x, w, NULL, NULL), *g = ct_randn(ct_sizes(y), 5, CT_F32, NULL);
    ct_tensor *planes = ct_reshape(ct_transpose(x, 1, 2), CT_SHAPE(50, 20, 50, 50));
    ct_tensor *z = ct_transpose(ct_unsqueeze(ct_conv2d(planes, ct_select(w, 2, 0), NULL, NULL), 0), 1, 2);
    ck_assert(ct_allclose(y, z, NULL));
    ct_tensor *a[2], *b[2];
    ct_grad(&y, 1, (ct_tensor *[]){x, w}, 2, &(ct_grad_options){.grad_outputs = &g}, a);
    ct_grad(&z, 1, (ct_tensor *[]){x, w}, 2, &(ct_grad_options){.grad_outputs = &g}, b);
    for (int i = 0; i < 2; i++) ck_assert(ct_allclose(a[i], b[i], &(ct_allclose_options){.rtol = ct_some_f64(1e-4), .atol = ct_some_f64(1e-2)}));
}
END_TEST

START_TEST(transposed_is_the_gradient_of_the_convolution) {
    ct_tensor *x = ct_randn(CT_SHAPE(2, 4, 3, 5), CT_F64, NULL), *w = ct_randn(CT_SHAPE(4, 3, 3, 2), CT_F64, NULL);
    ct_tensor *y = ct_conv_transpose2d(x, w, NULL, &(ct_conv_transpose2d_options){.stride = 2, .padding = 1, .output_padding = 1});
    ck_sizes(y, 2, 3, 6, 9);
    ck_assert(ct_equal(y, ct_conv2d_input(CT_SHAPE(2, 3, 6, 9), w, x, &(ct_conv2d_options){.stride = 2, .padding = 1})));
}
END_TEST

START_TEST(integers_are_exact_and_wrap_around) {
    int64_t big = (int64_t)1 << 62, one[] = {1, 1, 1};
    ct_tensor *x = ct_full_int(CT_SHAPE(1, 1, 3), big + 1, CT_I64), *w = ct_from_data(one, CT_SHAPE(1, 1, 3), CT_I64);
    ck_assert(ct_item_i64(ct_conv1d(x, w, NULL, NULL)) == -big + 3);
    ck_assert(ct_item_i64(ct_select(ct_conv_transpose1d(x, w, NULL, NULL), 2, 2)) == -big + 3);
    ct_tensor *small = ct_conv1d(ct_full_int(CT_SHAPE(1, 1, 3), 100, CT_U8), ct_to(w, CT_U8), NULL, NULL);
    ck_assert_int_eq(ct_tensor_dtype(small), CT_U8);
    ck_assert_int_eq(ct_item_i64(small), 300 % 256);
}
END_TEST

typedef struct failure {
    const char *reason;
    ct_tensor *(*call)(ct_tensor *, ct_tensor *, ct_tensor *, const ct_conv_transpose_options *);
    ct_tensor *x, *w, *b;
    ct_conv_transpose_options o;
    ct_status status;
    const char *message;
} failure;

START_TEST(transposed_names_what_does_not_fit) {
    ct_tensor *x = Z(1, 4, 3, 3), *w = Z(4, 2, 2, 2);
    const failure failures[] = {
        {"channels", ct_conv_transpose2d, x, Z(3, 2, 2, 2), NULL, {0}, CT_ERR_SHAPE,
         "ct_conv_transpose2d: weight [3, 2, 2, 2] expects 3 channels, but x [1, 4, 3, 3] has 4"},
        {"groups", ct_conv_transpose2d, x, w, NULL, {.groups = 3}, CT_ERR_SHAPE, "the 4 channels of weight [4, 2, 2, 2] are not divisible by groups = 3"},
        {"bias", ct_conv_transpose2d, x, w, Z(4), {0}, CT_ERR_SHAPE, "ct_conv_transpose2d: bias must be [2]"},
        {"output_padding", ct_conv_transpose2d, x, w, NULL, {.output_padding = 2, .stride = 2}, CT_ERR_INVALID_ARGUMENT,
         "output_padding 2 must be smaller than stride 2 or dilation 1"},
        {"padding", ct_conv_transpose2d, x, w, NULL, {.padding = 2}, CT_ERR_SHAPE, "the result's height would be 0: (3 - 1) x 1 + 2 + 0 - 2 x 2"},
        {"negative", ct_conv_transpose2d, x, w, NULL, {.padding = -1}, CT_ERR_INVALID_ARGUMENT, "padding is -1; it must be at least 0"},
        {"rank", ct_conv_transpose1d, x, w, NULL, {0}, CT_ERR_SHAPE, "ct_conv_transpose1d: x must be [N, C, L] or [C, L], got [1, 4, 3, 3]"},
        {"weight", ct_conv_transpose3d, Z(1, 4, 3, 3, 3), w, NULL, {0}, CT_ERR_SHAPE, "weight must be [C, F / groups, KD, KH, KW], got [4, 2, 2, 2]"},
        {"dtype", ct_conv_transpose2d, ct_to(x, CT_I32), ct_to(w, CT_I32), NULL, {0}, CT_ERR_DTYPE, "x is int32; it must be floating point or int64"},
        {"overflow", ct_conv_transpose2d, x, w, NULL, {.stride = INT32_MAX, .dilation = INT32_MAX}, CT_ERR_SHAPE, "ct_conv_transpose2d"},
    };
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const failure *f = &failures[i];
        ck_assert_msg(!f->call(f->x, f->w, f->b, &f->o), "%s", f->reason);
        ck_error(f->status, f->message);
    }
}
END_TEST

START_TEST(lines_and_volumes_name_what_does_not_fit) {
    ck_assert(!ct_conv1d(Z(1, 2, 3), Z(1, 2, 4), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv1d: the kernel's length 4 (4 with dilation 1) is larger than the padded image's 3 (3 + 2 x 0)");
    ck_assert(!ct_conv3d(Z(1, 2, 3, 3, 3), Z(1, 2, 4, 1, 1), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv3d: the kernel's depth 4");
    ck_assert(!ct_conv3d(Z(2, 3, 3), Z(1, 2, 1, 1, 1), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv3d: x must be [N, C, D, H, W] or [C, D, H, W], got [2, 3, 3]");
    ck_assert(!ct_conv1d(ct_zeros(CT_SHAPE(1, 2, 3), CT_BOOL), ct_zeros(CT_SHAPE(1, 2, 3), CT_BOOL), NULL, NULL));
    ck_error(CT_ERR_DTYPE, "ct_conv1d: x is bool; it must be floating point or an integer");
}
END_TEST

static ct_tensor *volume(ct_tensor *const *t) { return ct_conv3d(t[0], t[1], t[2], &(ct_conv3d_options){.padding = 1}); }
static ct_tensor *transposed(ct_tensor *const *t) { return ct_conv_transpose3d(t[0], t[1], t[2], &(ct_conv_transpose3d_options){.stride = 2}); }

START_TEST(running_out_of_memory_leaves_a_clean_error) {
    ct_tensor *(*const calls[])(ct_tensor *const *) = {volume, transposed};
    for (int k = 0; k < 2; k++) {
        ct_tensor *t[] = {ct_randn(CT_SHAPE(2, 3, 3, 4, 4), CT_F64, NULL), ct_randn(CT_SHAPE(3, 3, 2, 2, 2), CT_F64, NULL),
                          ct_randn(CT_SHAPE(3), CT_F64, NULL)};
        for (int i = 0; i < 3; i++) ct_set_requires_grad(t[i], true);
        int64_t n = 1;
        for (bool done = false; !done; n++) {
            ck_assert(n < 1000);
            ct_scope scope = ct_scope_begin();
            ct_memory_fail_at(n);
            ct_status status = ct_backward(ct_sum(calls[k](t)));
            ct_memory_fail_at(0);
            done = status == CT_OK;
            ct_scope_end(scope);
            if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
            for (int i = 0; i < 3; i++) ct_tensor_set_grad(t[i], NULL);
        }
        ck_assert(n > 12);
    }
}
END_TEST

TEST_LIST = {
    TEST(a_line_is_an_image_of_height_1),
    TEST(volumes_are_cut_into_pieces_without_seams),
    TEST(transposed_is_the_gradient_of_the_convolution),
    TEST(integers_are_exact_and_wrap_around),
    TEST(transposed_names_what_does_not_fit),
    TEST(lines_and_volumes_name_what_does_not_fit),
    TEST(running_out_of_memory_leaves_a_clean_error),
};
TEST_MAIN("conv_nd")
