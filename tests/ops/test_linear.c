/* linear: lib/ops/op_linear.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

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

TEST_LIST = {TEST(linear_multiplies_by_the_transposed_weight), TEST(linear_takes_any_layout_and_any_bias_that_broadcasts), TEST(linear_of_nothing_is_the_bias),
             TEST(linear_says_what_does_not_fit), TEST(gradients_of_linear_are_right_twice)};
TEST_MAIN("op_linear")
