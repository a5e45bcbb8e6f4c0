/* linear: lib/ops/op_linear.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_random.h>

#include <math.h>

START_TEST(linear_multiplies_by_the_transposed_weight) {
    ct_tensor *x = wave(1, CT_SHAPE(2, 2, 3)), *w = wave(2, CT_SHAPE(2, 3)), *b = wave(3, CT_SHAPE(2));
    ct_tensor *y = ct_linear(x, w, b);
    ck_sizes(y, 2, 2, 2);
    ck_values_close(y, 1e-14, 1.593586339432418, 0.8787869345467585, -0.536606314357235, -0.448679997150526, -1.7923814859360903, -2.490324180872026,
                    -0.5872477573967538, -2.7773571314959957);
    ct_tensor *want = ct_matmul(x, ct_t(w));
    ck_close(ct_linear(x, w, NULL), want, 1e-14, 1e-14);
    ck_close(ct_linear(ct_select(ct_select(x, 0, 0), 0, 1), w, b), ct_select(ct_select(y, 0, 0), 0, 1), 1e-14, 1e-14);
    ck_close(ct_linear(x, ct_select(w, 0, 1), NULL), ct_select(want, 2, 1), 1e-14, 1e-14); /* weight [in] */
    ck_close(ct_linear(ct_to(x, CT_F32), ct_to(w, CT_F32), ct_to(b, CT_F32)), ct_to(y, CT_F32), 1e-5, 1e-5);
    ct_tensor *i = test_i64((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2));
    ck_values(ct_linear(i, i, ct_select(i, 0, 0)), 6, 13, 12, 27);
}
END_TEST

START_TEST(linear_takes_any_layout_and_any_bias_that_broadcasts) {
    ct_tensor *x = wave(1, CT_SHAPE(4, 3)), *w = wave(2, CT_SHAPE(5, 3)), *b = wave(3, CT_SHAPE(5)), *want = ct_add(ct_matmul(x, ct_t(w)), b);
    ct_tensor *xt = ct_t(ct_contiguous(ct_t(x), CT_FORMAT_CONTIGUOUS)), *wt = ct_t(ct_contiguous(ct_t(w), CT_FORMAT_CONTIGUOUS));
    ct_tensor *strided = ct_select(ct_stack(CT_TENSORS(b, b), 1), 1, 0);
    ck_close(ct_linear(xt, wt, b), want, 1e-14, 1e-14);
    ck_close(ct_linear(x, w, strided), want, 1e-14, 1e-14);
    ck_close(ct_linear(x, w, ct_expand(b, CT_SHAPE(4, 5))), want, 1e-14, 1e-14);
    ck_close(ct_linear(x, w, ct_scalar_tensor(2, CT_F64)), ct_add_scalar(ct_matmul(x, ct_t(w)), 2), 1e-14, 1e-14);
    ct_tensor *cube = ct_permute(wave(4, CT_SHAPE(3, 2, 2)), CT_DIMS(1, 2, 0)); /* rows that do not fold */
    ck_close(ct_linear(cube, w, b), ct_linear(ct_contiguous(cube, CT_FORMAT_CONTIGUOUS), w, b), 0, 0);
    ct_tensor *turned = ct_transpose(wave(4, CT_SHAPE(2, 4, 3)), 0, 1);
    ck_close(ct_linear(turned, w, b), ct_linear(ct_contiguous(turned, CT_FORMAT_CONTIGUOUS), w, b), 0, 0);
}
END_TEST

START_TEST(linear_of_nothing_is_the_bias) {
    ck_sizes(ct_linear(ct_zeros(CT_SHAPE(0, 3), CT_F32), ct_zeros(CT_SHAPE(4, 3), CT_F32), ct_ones(CT_SHAPE(4), CT_F32)), 0, 4);
    ck_values(ct_linear(ct_zeros(CT_SHAPE(2, 0), CT_F32), ct_zeros(CT_SHAPE(2, 0), CT_F32), test_f32((double[]){1, 2}, CT_SHAPE(2))), 1, 2, 1, 2);
    ck_values(ct_linear(ct_zeros(CT_SHAPE(2, 0), CT_F32), ct_zeros(CT_SHAPE(1, 0), CT_F32), NULL), 0, 0);
}
END_TEST

START_TEST(linear_says_what_does_not_fit) {
    ct_tensor *x = ct_zeros(CT_SHAPE(2, 3), CT_F32), *w = ct_zeros(CT_SHAPE(4, 3), CT_F32), *v = ct_zeros(CT_SHAPE(3), CT_F32);
    ct_linear(x, ct_zeros(CT_SHAPE(4, 2), CT_F32), NULL);
    ck_error(CT_ERR_SHAPE, "ct_linear: x [2, 3] and weight [4, 2] cannot be multiplied: 3 != 2");
    ct_linear(x, w, v);
    ck_error(CT_ERR_SHAPE, "ct_linear: bias [3] does not broadcast to [2, 4]");
    ct_linear(x, v, v);
    ck_error(CT_ERR_SHAPE, "ct_linear: x [2, 3] and weight [3]: they must be [..., in] and [out, in] when there is a bias");
    ct_linear(ct_scalar_tensor(1, CT_F32), w, NULL);
    ck_error(CT_ERR_SHAPE, "ct_linear: x [] and weight [4, 3]: they must be [..., in] and [out, in]");
    ct_linear(x, ct_to(w, CT_F64), NULL);
    ck_error(CT_ERR_DTYPE, "ct_linear: float32 and float64 cannot be multiplied");
    ct_linear(x, w, ct_zeros(CT_SHAPE(4), CT_F64));
    ck_error(CT_ERR_DTYPE, "ct_linear: bias is float64, x is float32");
    ct_linear(x, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linear: tensor argument 2 is NULL");
}
END_TEST

static ct_tensor *g_linear(ct_tensor *const *in, int n, void *user) {
    (void)user;
    return ct_linear(in[0], in[1], n > 2 ? in[2] : NULL);
}
START_TEST(gradients_of_linear_are_right_twice) {
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(4, 3)), wave(3, CT_SHAPE(4)));
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(2, 2, 3)), wave(2, CT_SHAPE(2, 3)), wave(3, CT_SHAPE(2)));
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(3)), wave(2, CT_SHAPE(2, 3)), wave(3, CT_SHAPE(2)));
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(2, 3)));
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(3)));
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(2, 2, 3)), wave(2, CT_SHAPE(2, 3)), wave(3, CT_SHAPE(4, 1)));
    ck_grads(g_linear, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(1, 3)), wave(3, NULL, 0));
}
END_TEST

/* Gradients of sum(y * g), g being 0 but in every step-th row: float32, where such rows are left out of large products, against float64, where they are not. */
static void compare_sparse(int64_t rows, int64_t step, bool want_x, bool want_w, double odd_x, double odd_w) {
    enum { IN = 300, OUT = 130 };
    ct_scope scope = ct_scope_begin();
    ct_tensor *x = ct_randn(CT_SHAPE(2, rows / 2, IN), CT_F32, NULL), *w = ct_randn(CT_SHAPE(OUT, IN), CT_F32, NULL), *b = ct_randn(CT_SHAPE(OUT), CT_F32, NULL);
    ct_tensor *g = ct_neg(ct_zeros(CT_SHAPE(rows, OUT), CT_F32)), *wanted[3], *made[2][3];
    for (int64_t i = 0; step && i < rows; i += step) ct_fill_(ct_narrow(ct_select(g, 0, i), 0, OUT - 1, 1), 1 + (double)i / (double)rows); /* at a row's end */
    if (odd_x != 0) ct_fill_(ct_select(ct_select(ct_select(x, 0, 1), 0, 3), 0, 5), odd_x);
    if (odd_w != 0) ct_fill_(ct_select(ct_select(w, 0, 7), 0, 5), odd_w);
    for (int wide = 0; wide < 2; wide++) {
        const ct_dtype dtype = wide ? CT_F64 : CT_F32;
        ct_tensor *a = ct_clone(ct_to(x, dtype)), *c = ct_clone(ct_to(w, dtype)), *d = ct_clone(ct_to(b, dtype));
        int n = 0;
        ct_set_requires_grad(a, want_x);
        ct_set_requires_grad(c, want_w);
        ct_set_requires_grad(d, true);
        if (want_x) wanted[n++] = a;
        if (want_w) wanted[n++] = c;
        wanted[n++] = d;
        ct_tensor *y = ct_linear(a, c, d), *gy = ct_reshape(ct_to(g, dtype), CT_SHAPE(2, rows / 2, OUT));
        ck_assert_int_eq(ct_grad(&y, 1, wanted, n, &(ct_grad_options){.grad_outputs = &gy}, made[wide]), CT_OK);
    }
    for (int i = 0; i < want_x + want_w + 1; i++) ck_close(made[0][i], ct_to(made[1][i], CT_F32), 1e-4, 1e-4); /* NaN equals NaN */
    ct_scope_end(scope);
}

START_TEST(rows_without_a_gradient_change_nothing) {
    static const int64_t rows[] = {514, 1000}, steps[] = {0, 1, 2, 4, 5, 128, 2000};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            for (int which = 0; which < 4; which++) compare_sparse(rows[r], steps[s], which & 1, which & 2, 0, 0);
    /* 0 times what is not finite is NaN in PyTorch too */
    compare_sparse(514, 128, true, true, INFINITY, 0);
    compare_sparse(514, 128, true, true, NAN, 0);
    compare_sparse(514, 128, true, true, 0, -INFINITY);
    compare_sparse(514, 128, false, true, 0, NAN);
}
END_TEST

TEST_LIST = {TEST(linear_multiplies_by_the_transposed_weight), TEST(linear_takes_any_layout_and_any_bias_that_broadcasts), TEST(linear_of_nothing_is_the_bias),
             TEST(linear_says_what_does_not_fit), TEST(gradients_of_linear_are_right_twice), TEST(rows_without_a_gradient_change_nothing)};
TEST_MAIN("op_linear")
