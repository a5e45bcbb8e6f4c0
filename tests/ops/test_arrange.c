/* Copies in another order: lib/ops/op_arrange.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

static ct_tensor *range(const int64_t *sizes, int ndim) {
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    return ct_reshape(ct_arange(0, (double)n, 1, CT_F32), sizes, ndim);
}

START_TEST(flip_reverses_dims) {
    ct_tensor *x = range(CT_SHAPE(2, 3));
    ck_values(ct_flip(x, CT_DIMS(1)), 2, 1, 0, 5, 4, 3);
    ck_values(ct_flip(x, CT_DIMS(0, -1)), 5, 4, 3, 2, 1, 0);
    ck_values(ct_flip(ct_t(x), CT_DIMS(0)), 2, 5, 1, 4, 0, 3);
    ck_values(ct_flip(x, NULL, 0), 0, 1, 2, 3, 4, 5);
    ck_values(ct_flip(ct_scalar_tensor(4, CT_F32), CT_DIMS(0)), 4);
    ck_sizes(ct_flip(ct_zeros(CT_SHAPE(0, 2), CT_F32), CT_DIMS(0)), 0, 2);
    ck_assert_int_eq(ct_tensor_dtype(ct_flip(test_i64((double[]){1, 2}, CT_SHAPE(2)), CT_DIMS(0))), CT_I64);
    ct_flip(x, CT_DIMS(0, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_flip: dim 0 appears twice");
}
END_TEST

START_TEST(roll_moves_what_leaves_to_the_other_end) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4)), *m = range(CT_SHAPE(2, 3));
    ck_values(ct_roll(x, CT_DIMS(1, -1), (int64_t[]){0, 2}), 13, 14, 15, 12, 17, 18, 19, 16, 21, 22, 23, 20, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8);
    ck_values(ct_roll(m, CT_DIMS(-7), NULL), 1, 2, 3, 4, 5, 0);
    ck_values(ct_roll(ct_t(m), CT_DIMS(1), NULL), 5, 0, 3, 1, 4, 2);
    ck_values(ct_roll(m, CT_DIMS(1, 1), (int64_t[]){1, 1}), 1, 2, 0, 4, 5, 3); /* one dim twice */
    ck_values(ct_roll(m, CT_DIMS(INT64_MIN), (int64_t[]){1}), 2, 0, 1, 5, 3, 4);
    ck_values(ct_roll(ct_scalar_tensor(1, CT_F32), CT_DIMS(3), NULL), 1);
    ck_sizes(ct_roll(ct_zeros(CT_SHAPE(0, 2), CT_F32), CT_DIMS(1), (int64_t[]){0}), 0, 2);
    ct_roll(m, CT_DIMS(1, 1), NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_roll: 2 shifts without dims");
    ct_roll(m, NULL, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_roll: 0 shifts at NULL");
    ct_roll(ct_scalar_tensor(1, CT_F32), CT_DIMS(1), (int64_t[]){0});
    ck_error(CT_ERR_INDEX, "ct_roll: dim 0 of a 0-dim tensor");
    ct_roll(m, CT_DIMS(1), (int64_t[]){2});
    ck_error(CT_ERR_INDEX, "ct_roll: dim 2 is out of range");
}
END_TEST

START_TEST(repeat_tiles_the_tensor) {
    ct_tensor *m = range(CT_SHAPE(2, 3));
    ck_values(ct_repeat(m, CT_DIMS(2, 1, 2)), 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    ck_values(ct_repeat(ct_t(m), CT_DIMS(1, 2)), 0, 3, 0, 3, 1, 4, 1, 4, 2, 5, 2, 5);
    ck_sizes(ct_repeat(m, CT_DIMS(0, 2)), 0, 6);
    ck_values(ct_repeat(ct_scalar_tensor(3, CT_F32), CT_DIMS(2)), 3, 3);
    ck_values(ct_repeat(ct_scalar_tensor(3, CT_F32), NULL, 0), 3);
    ct_repeat(m, CT_DIMS(2));
    ck_error(CT_ERR_SHAPE, "ct_repeat: 1 repeats for a tensor of 2 dims");
    ct_repeat(m, CT_DIMS(1, -1));
    ck_error(CT_ERR_SHAPE, "ct_repeat: -1 times at dim 1");
    ct_repeat(m, CT_DIMS(1, INT64_MAX));
    ck_error(CT_ERR_SHAPE, "ct_repeat: 9223372036854775807 times at dim 1");
}
END_TEST

START_TEST(triangles_keep_one_side) {
    ct_tensor *m = range(CT_SHAPE(3, 3));
    ck_values(ct_tril(m, 0), 0, 0, 0, 3, 4, 0, 6, 7, 8);
    ck_values(ct_tril(m, -1), 0, 0, 0, 3, 0, 0, 6, 7, 0);
    ck_values(ct_triu(m, 1), 0, 1, 2, 0, 0, 5, 0, 0, 0);
    ck_values(ct_triu(ct_t(m), 0), 0, 3, 6, 0, 4, 7, 0, 0, 8);
    ck_values(ct_tril(range(CT_SHAPE(2, 1, 2)), 0), 0, 0, 2, 0);
    ck_values(ct_tril(m, INT64_MAX), 0, 1, 2, 3, 4, 5, 6, 7, 8);
    ck_values(ct_triu(m, INT64_MAX), 0, 0, 0, 0, 0, 0, 0, 0, 0);
    ck_values(ct_tril(m, INT64_MIN), 0, 0, 0, 0, 0, 0, 0, 0, 0);
    ck_sizes(ct_triu(ct_zeros(CT_SHAPE(0, 3), CT_F32), 0), 0, 3);
    ct_tril(range(CT_SHAPE(3)), 0);
    ck_error(CT_ERR_SHAPE, "ct_tril: [3] has fewer than 2 dims");
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *square(ct_tensor *x) { return ct_mul(x, x); }
static ct_tensor *g_flip(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(ct_flip(in[0], CT_DIMS(0, 2)), in[0]);
}
static ct_tensor *g_roll(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(ct_roll(in[0], CT_DIMS(1, -1), (int64_t[]){1, 2}), ct_roll(ct_transpose(in[0], 0, 2), CT_DIMS(5), NULL));
}
static ct_tensor *g_repeat(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_repeat(in[0], CT_DIMS(2, 1, 3, 2)));
}
static ct_tensor *g_repeat_none(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_add(ct_repeat(in[0], CT_DIMS(1, 0, 1)), ct_zeros(CT_SHAPE(1), CT_F64));
}
static ct_tensor *g_tri(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_add(square(ct_tril(in[0], 0)), square(square(ct_triu(in[0], 1))));
}
START_TEST(gradients_of_rearranging_are_right_twice) {
    ck_grads(g_flip, NULL, wave(1, CT_SHAPE(2, 3, 2)));
    ck_grads(g_roll, NULL, wave(2, CT_SHAPE(2, 3, 2)));
    ck_grads(g_repeat, NULL, wave(3, CT_SHAPE(1, 2, 2)));
    ck_grads(g_repeat_none, NULL, wave(3, CT_SHAPE(1, 2, 2)));
    ck_grads(g_tri, NULL, wave(4, CT_SHAPE(2, 3, 2)));
}
END_TEST

TEST_LIST = {TEST(flip_reverses_dims), TEST(roll_moves_what_leaves_to_the_other_end), TEST(repeat_tiles_the_tensor), TEST(triangles_keep_one_side),
             TEST(gradients_of_rearranging_are_right_twice)};
TEST_MAIN("op_arrange")
