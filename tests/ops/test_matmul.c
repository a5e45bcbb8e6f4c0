/* Matrix products: lib/ops/op_matmul.c, product.c. Wanted values are PyTorch 2.13's, or a plain sum's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* What matmul means, by broadcasting and a sum: a [.., m, k, 1] * b [.., 1, k, n]. */
static ct_tensor *plain(ct_tensor *a, ct_tensor *b) {
    bool row = ct_ndim(a) == 1, column = ct_ndim(b) == 1;
    if (row) a = ct_unsqueeze(a, 0);
    if (column) b = ct_unsqueeze(b, 1);
    ct_tensor *c = ct_sum_dim(ct_mul(ct_unsqueeze(a, -1), ct_unsqueeze(b, -3)), CT_DIMS(-2), NULL);
    if (column) c = ct_squeeze_dim(c, CT_DIMS(-1));
    return row ? ct_squeeze_dim(c, (const int64_t[]){column ? -1 : -2}, 1) : c;
}

typedef struct ranks {
    int64_t a[5], b[5];
    int na, nb;
} ranks;
static const ranks all_ranks[] = {
    {{3}, {3}, 1, 1},
    {{2, 3}, {3}, 2, 1},
    {{3}, {3, 2}, 1, 2},
    {{2, 3}, {3, 4}, 2, 2},
    {{1, 3}, {3, 1}, 2, 2},
    {{1, 3}, {3, 4}, 2, 2},
    {{4, 3}, {3, 1}, 2, 2},
    {{2, 4, 3}, {3, 2}, 3, 2},
    {{4, 3}, {2, 3, 2}, 2, 3},
    {{2, 4, 3}, {3}, 3, 1},
    {{3}, {2, 3, 2}, 1, 3},
    {{2, 1, 2, 3}, {2, 3, 1}, 4, 3},
    {{2, 1, 2, 3}, {1, 3, 3, 2}, 4, 4},
    {{2, 2, 1, 3}, {2, 2, 3, 2}, 4, 4},
};
enum { N_RANKS = sizeof all_ranks / sizeof all_ranks[0] };

START_TEST(matmul_follows_all_of_torchs_rank_rules) {
    for (int i = 0; i < N_RANKS; i++) {
        const ranks *r = &all_ranks[i];
        ct_tensor *a = wave(1, r->a, r->na), *b = wave(2, r->b, r->nb);
        ck_close(ct_matmul(a, b), plain(a, b), 1e-14, 1e-14);
        ct_tensor *af = ct_to(a, CT_F32), *bf = ct_to(b, CT_F32);
        ck_close(ct_matmul(af, bf), plain(af, bf), 1e-6, 1e-6);
        ct_tensor *ai = ct_to(ct_mul_scalar(a, 20), CT_I64), *bi = ct_to(ct_mul_scalar(b, 20), CT_I64);
        ck_close(ct_matmul(ai, bi), plain(ai, bi), 0, 0);
    }
    ck_values_close(ct_mm(wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(3, 2))), 1e-14, -0.17351976786265233, 0.7861422527921614, -1.164877719281876,
                    1.0677514798666623);
    ck_values_close(ct_matmul(wave(1, CT_SHAPE(2, 1, 2, 3)), wave(2, CT_SHAPE(2, 3, 1))), 1e-14, 1.4024663313725507, -0.7277263224171023,
                    1.9287101921108594, 0.6012432604135749, -1.9835014939959574, -0.778367765456621, -1.4404009233079254, -1.727433873931895);
}
END_TEST

START_TEST(every_layout_gives_the_same_product) {
    ct_tensor *a = wave(1, CT_SHAPE(5, 7)), *b = wave(2, CT_SHAPE(7, 6)), *want = plain(a, b);
    ct_tensor *at = ct_t(ct_contiguous(ct_t(a), CT_FORMAT_CONTIGUOUS)), *bt = ct_t(ct_contiguous(ct_t(b), CT_FORMAT_CONTIGUOUS));
    ct_tensor *wide = ct_zeros(CT_SHAPE(10, 14), CT_F64), *part = ct_slice(ct_slice(wide, 0, 0, 10, 2), 1, 0, 14, 2), *block = ct_narrow(ct_narrow(wide, 0, 3, 5), 1, 4, 7);
    ck_close(ct_mm(at, bt), want, 1e-14, 1e-14);
    ck_close(ct_mm(a, bt), want, 1e-14, 1e-14);
    ck_close(ct_mm(at, b), want, 1e-14, 1e-14);
    ct_copy_(part, a); /* neither rows nor columns dense */
    ck_close(ct_mm(part, b), want, 1e-14, 1e-14);
    ct_copy_(block, a); /* rows dense, further apart than they are long */
    ck_close(ct_mm(block, b), want, 1e-14, 1e-14);
    ck_close(ct_mm(ct_t(b), ct_t(block)), ct_t(want), 1e-14, 1e-14);
    ct_tensor *same = ct_expand(ct_narrow(a, 0, 0, 1), CT_SHAPE(5, 7)); /* rows that are one row */
    ck_close(ct_mm(same, b), plain(same, b), 1e-14, 1e-14);
    ct_tensor *strided = ct_select(ct_reshape(b, CT_SHAPE(7, 3, 2)), 2, 1);
    ck_close(ct_mv(ct_t(strided), ct_select(b, 1, 3)), plain(ct_t(strided), ct_select(b, 1, 3)), 1e-14, 1e-14);
    ck_close(ct_dot(ct_select(b, 1, 0), ct_select(b, 1, 5)), plain(ct_select(b, 1, 0), ct_select(b, 1, 5)), 1e-14, 1e-14);
    ct_tensor *batch = ct_transpose(wave(3, CT_SHAPE(3, 2, 5)), 0, 1); /* [2, 3, 5], batch inside */
    ck_close(ct_matmul(batch, ct_t(wave(4, CT_SHAPE(4, 5)))), plain(batch, ct_t(wave(4, CT_SHAPE(4, 5)))), 1e-14, 1e-14);
    ct_tensor *odd = ct_permute(wave(3, CT_SHAPE(2, 3, 5)), CT_DIMS(2, 0, 1)); /* [5, 2, 3] */
    ck_close(ct_matmul(odd, wave(4, CT_SHAPE(3, 2))), plain(odd, wave(4, CT_SHAPE(3, 2))), 1e-14, 1e-14);
    ck_close(ct_bmm(odd, ct_permute(odd, CT_DIMS(0, 2, 1))), plain(odd, ct_permute(odd, CT_DIMS(0, 2, 1))), 1e-14, 1e-14);
}
END_TEST

START_TEST(empty_products_are_zero_or_empty) {
    ck_values(ct_mm(ct_zeros(CT_SHAPE(2, 0), CT_F32), ct_zeros(CT_SHAPE(0, 2), CT_F32)), 0, 0, 0, 0);
    ck_values(ct_mm(ct_zeros(CT_SHAPE(2, 0), CT_I32), ct_zeros(CT_SHAPE(0, 1), CT_I32)), 0, 0);
    ck_values(ct_dot(ct_zeros(CT_SHAPE(0), CT_F64), ct_zeros(CT_SHAPE(0), CT_F64)), 0);
    ck_sizes(ct_mm(ct_zeros(CT_SHAPE(0, 3), CT_F32), ct_zeros(CT_SHAPE(3, 2), CT_F32)), 0, 2);
    ck_sizes(ct_mm(ct_zeros(CT_SHAPE(3, 2), CT_F32), ct_zeros(CT_SHAPE(2, 0), CT_F32)), 3, 0);
    ck_sizes(ct_matmul(ct_zeros(CT_SHAPE(0, 2, 3), CT_F32), ct_zeros(CT_SHAPE(3, 2), CT_F32)), 0, 2, 2);
    ck_sizes(ct_matmul(ct_zeros(CT_SHAPE(2, 0, 3), CT_F32), ct_zeros(CT_SHAPE(3, 2), CT_F32)), 2, 0, 2);
    ck_values(ct_matmul(ct_zeros(CT_SHAPE(2, 2, 0), CT_F32), ct_zeros(CT_SHAPE(0, 1), CT_F32)), 0, 0, 0, 0);
    ck_values(ct_addmm(test_f32((double[]){1, 2}, CT_SHAPE(2)), ct_zeros(CT_SHAPE(2, 0), CT_F32), ct_zeros(CT_SHAPE(0, 2), CT_F32),
                       &(ct_addmm_options){.beta = ct_some_f64(3)}), 3, 6, 3, 6);
}
END_TEST

START_TEST(integers_wrap_around) {
    ck_values(ct_mm(ct_full_int(CT_SHAPE(1, 2), 200, CT_U8), ct_full_int(CT_SHAPE(2, 1), 3, CT_U8)), 176);
    ck_values(ct_mm(ct_full_int(CT_SHAPE(1, 1), INT32_MAX, CT_I32), ct_full_int(CT_SHAPE(1, 1), 2, CT_I32)), -2);
    ck_values(ct_mm(ct_full_int(CT_SHAPE(1, 1), INT64_MAX, CT_I64), ct_full_int(CT_SHAPE(1, 1), 2, CT_I64)), -2);
}
END_TEST

START_TEST(products_say_what_does_not_fit) {
    ct_tensor *a = ct_zeros(CT_SHAPE(64, 784), CT_F32), *b = ct_zeros(CT_SHAPE(128, 784), CT_F32), *v = ct_zeros(CT_SHAPE(3), CT_F32);
    ct_matmul(a, b);
    ck_error(CT_ERR_SHAPE, "ct_matmul: [64, 784] and [128, 784] cannot be multiplied: 784 != 128");
    ct_mm(a, b);
    ck_error(CT_ERR_SHAPE, "ct_mm: [64, 784] and [128, 784] cannot be multiplied: 784 != 128");
    ct_matmul(v, a);
    ck_error(CT_ERR_SHAPE, "ct_matmul: [3] and [64, 784] cannot be multiplied: 3 != 64");
    ct_matmul(ct_scalar_tensor(1, CT_F32), a);
    ck_error(CT_ERR_SHAPE, "ct_matmul: [] and [64, 784] cannot be multiplied: one is 0-dim; use ct_mul");
    ct_matmul(ct_zeros(CT_SHAPE(2, 2, 3), CT_F32), ct_zeros(CT_SHAPE(3, 3, 2), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_matmul: [2, 2, 3] and [3, 3, 2] cannot be multiplied: 2 != 3 at batch dim 0");
    ct_bmm(ct_zeros(CT_SHAPE(1, 2, 3), CT_F32), ct_zeros(CT_SHAPE(3, 3, 2), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_bmm: [1, 2, 3] and [3, 3, 2] cannot be multiplied: batches of 1 != 3");
    ct_mm(a, v);
    ck_error(CT_ERR_SHAPE, "ct_mm: [64, 784] and [3]: it multiplies tensors of 2 and 2 dims only; ct_matmul takes others");
    ct_mv(v, a);
    ck_error(CT_ERR_SHAPE, "ct_mv: [3] and [64, 784]: it multiplies tensors of 2 and 1 dims only");
    ct_dot(v, ct_zeros(CT_SHAPE(2), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_dot: [3] and [2] cannot be multiplied: 3 != 2");
    ct_matmul(a, ct_to(b, CT_F64));
    ck_error(CT_ERR_DTYPE, "ct_matmul: float32 and float64 cannot be multiplied; convert one with ct_to");
    ct_mm(ct_to(a, CT_BOOL), ct_to(a, CT_BOOL));
    ck_error(CT_ERR_DTYPE, "ct_mm: matrices of bool cannot be multiplied");
    ct_mm(a, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_mm: tensor argument 2 is NULL");
    ct_outer(a, v);
    ck_error(CT_ERR_SHAPE, "ct_outer: [64, 784] and [3]: both must be vectors");
}
END_TEST

START_TEST(addmm_adds_a_scaled_input) {
    ct_tensor *a = wave(1, CT_SHAPE(2, 3)), *b = wave(2, CT_SHAPE(3, 2)), *bias = wave(3, CT_SHAPE(2));
    ck_values_close(ct_addmm(bias, a, b, &(ct_addmm_options){.beta = ct_some_f64(0.5), .alpha = ct_some_f64(2)}), 1e-14, -0.2514795316953711,
                    1.0473228768022724, -2.2341954345338184, 1.6105413309512744);
    ck_close(ct_addmm(bias, a, b, NULL), ct_add(plain(a, b), bias), 1e-14, 1e-14);
    ck_close(ct_addmm(ct_scalar_tensor(2, CT_F64), a, b, NULL), ct_add_scalar(plain(a, b), 2), 1e-14, 1e-14);
    ck_close(ct_addmm(ct_full(CT_SHAPE(2, 1), NAN, CT_F64), a, b, &(ct_addmm_options){.beta = ct_some_f64(0)}), plain(a, b), 1e-14, 1e-14);
    ck_values(ct_addmm(bias, ct_full(CT_SHAPE(1, 1), NAN, CT_F64), ct_ones(CT_SHAPE(1, 2), CT_F64),
                       &(ct_addmm_options){.beta = ct_some_f64(0), .alpha = ct_some_f64(0)}), 0, 0);
    ct_tensor *x = wave(4, CT_SHAPE(2, 2, 3)), *y = wave(5, CT_SHAPE(2, 3, 2)), *c = wave(6, CT_SHAPE(2, 1, 2));
    ck_close(ct_baddbmm(c, x, y, &(ct_addmm_options){.alpha = ct_some_f64(-1)}), ct_sub(c, plain(x, y)), 1e-14, 1e-14);
    ct_tensor *i = test_i64((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2));
    ck_values(ct_addmm(i, i, i, &(ct_addmm_options){.beta = ct_some_f64(2), .alpha = ct_some_f64(-1)}), -5, -6, -9, -14);
    ct_addmm(i, i, i, &(ct_addmm_options){.beta = ct_some_f64(1.5)});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_addmm: beta 1.5 and alpha 1 must be whole numbers for int64");
    ct_addmm(wave(1, CT_SHAPE(3)), a, b, NULL);
    ck_error(CT_ERR_SHAPE, "ct_addmm: input [3] does not broadcast to [2, 2]");
    ct_addmm(bias, a, a, NULL);
    ck_error(CT_ERR_SHAPE, "ct_addmm: [2, 3] and [2, 3] cannot be multiplied: 3 != 2");
    ct_addmm(bias, x, y, NULL);
    ck_error(CT_ERR_SHAPE, "ct_addmm: [2, 2, 3] and [2, 3, 2] cannot be multiplied: it wants two matrices");
    ct_baddbmm(bias, x, wave(1, CT_SHAPE(3, 3, 2)), NULL);
    ck_error(CT_ERR_SHAPE, "it wants two equal batches of matrices");
    ct_baddbmm(wave(1, CT_SHAPE(1, 1, 1, 2)), x, y, NULL);
    ck_error(CT_ERR_SHAPE, "ct_baddbmm: input [1, 1, 1, 2] does not broadcast to [2, 2, 2]");
    ct_addmm(ct_to(bias, CT_F32), a, b, NULL);
    ck_error(CT_ERR_DTYPE, "ct_addmm: input is float32, the matrices are float64");
}
END_TEST

START_TEST(outer_is_all_pairs) {
    ct_tensor *a = test_i64((double[]){1, 2}, CT_SHAPE(2)), *b = test_f32((double[]){1, 0.5, 2}, CT_SHAPE(3));
    ck_values(ct_outer(a, b), 1, 0.5, 2, 2, 1, 4);
    ck_assert_int_eq(ct_tensor_dtype(ct_outer(a, b)), CT_F32);
    ck_assert_int_eq(ct_tensor_dtype(ct_outer(ct_to(a, CT_BOOL), ct_to(b, CT_BOOL))), CT_BOOL);
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *g_matmul(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_matmul(in[0], in[1]);
}
static ct_tensor *g_matmul_strided(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_matmul(ct_permute(in[0], CT_DIMS(2, 0, 1)), ct_t(in[1]));
}
static ct_tensor *g_addmm(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return ct_ndim(in[1]) == 2 ? ct_addmm(in[0], in[1], in[2], user) : ct_baddbmm(in[0], in[1], in[2], user);
}
static ct_tensor *g_outer(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_outer(in[0], in[1]);
}
START_TEST(gradients_of_products_are_right_twice) {
    for (int i = 0; i < N_RANKS; i++) {
        const ranks *r = &all_ranks[i];
        ck_grads(g_matmul, NULL, wave(1, r->a, r->na), wave(2, r->b, r->nb));
    }
    ck_grads(g_matmul_strided, NULL, wave(1, CT_SHAPE(2, 3, 2)), wave(2, CT_SHAPE(2, 3)));
    ck_grads(g_matmul, NULL, wave(1, CT_SHAPE(2, 0)), wave(2, CT_SHAPE(0, 3)));
    ct_addmm_options o = {.beta = ct_some_f64(0.5), .alpha = ct_some_f64(2)};
    ck_grads(g_addmm, &o, wave(1, CT_SHAPE(3)), wave(2, CT_SHAPE(2, 2)), wave(3, CT_SHAPE(2, 3)));
    ck_grads(g_addmm, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(2, 2)), wave(3, CT_SHAPE(2, 3)));
    ck_grads(g_addmm, &o, wave(1, CT_SHAPE(2, 1)), wave(2, CT_SHAPE(2, 2, 2)), wave(3, CT_SHAPE(2, 2, 2)));
    ck_grads(g_outer, NULL, wave(1, CT_SHAPE(2)), wave(2, CT_SHAPE(3)));
}
END_TEST

START_TEST(only_needed_gradients_are_kept_and_made) {
    ct_tensor *a = wave(1, CT_SHAPE(2, 3)), *b = wave(2, CT_SHAPE(3, 2));
    ct_set_requires_grad(b, true);
    ct_tensor *c = ct_mm(a, b);
    ct_fill_(b, 0); /* fails: a leaf in place */
    ck_error(CT_ERR_AUTOGRAD, "ct_fill_");
    ct_scope s = ct_no_grad_begin();
    ct_fill_(b, 0); /* b is not saved, for a needs no gradient */
    ct_scope_end(s);
    ct_backward(ct_sum(c));
    ck_close(ct_tensor_grad(b), ct_expand(ct_unsqueeze(ct_sum_dim(a, CT_DIMS(0), NULL), 1), CT_SHAPE(3, 2)), 1e-14, 1e-14);
    ck_assert_ptr_null(ct_tensor_grad(a));
}
END_TEST

TEST_LIST = {TEST(matmul_follows_all_of_torchs_rank_rules), TEST(every_layout_gives_the_same_product), TEST(empty_products_are_zero_or_empty),
             TEST(integers_wrap_around), TEST(products_say_what_does_not_fit), TEST(addmm_adds_a_scaled_input), TEST(outer_is_all_pairs),
             TEST(gradients_of_products_are_right_twice), TEST(only_needed_gradients_are_kept_and_made)};
TEST_MAIN("op_matmul")
