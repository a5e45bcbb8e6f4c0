/* Joining and splitting: lib/ops/op_cat.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static ct_tensor *range(double start, const int64_t *sizes, int ndim) {
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    return ct_reshape(ct_arange(start, start + (double)n, 1, CT_F32), sizes, ndim);
}

START_TEST(cat_joins_along_any_dim) {
    ct_tensor *a = range(0, CT_SHAPE(2, 2)), *b = range(10, CT_SHAPE(2, 1)), *c = range(20, CT_SHAPE(1, 2));
    ck_values(ct_cat(CT_TENSORS(a, b), 1), 0, 1, 10, 2, 3, 11);
    ck_values(ct_cat(CT_TENSORS(a, c), -2), 0, 1, 2, 3, 20, 21);
    ck_values(ct_cat(CT_TENSORS(ct_t(a), a), 0), 0, 2, 1, 3, 0, 1, 2, 3);
    ck_values(ct_cat(CT_TENSORS(a), 0), 0, 1, 2, 3);
    ck_assert(!ct_shares_storage(ct_cat(CT_TENSORS(a), 0), a));
    ck_sizes(ct_cat(CT_TENSORS(ct_zeros(CT_SHAPE(0, 3), CT_F32), ct_zeros(CT_SHAPE(2, 3), CT_F32)), 0), 2, 3);
}
END_TEST

START_TEST(cat_promotes_dtypes) {
    ct_tensor *i = test_i64((double[]){1, 2}, CT_SHAPE(2)), *f = test_f32((double[]){0.5}, CT_SHAPE(1));
    ct_tensor *out = ct_cat(CT_TENSORS(i, f), 0);
    ck_assert_int_eq(ct_tensor_dtype(out), CT_F32);
    ck_values(out, 1, 2, 0.5);
    ck_assert_int_eq(ct_tensor_dtype(ct_cat(CT_TENSORS(ct_zeros(CT_SHAPE(0), CT_F64), f), 0)), CT_F64);
    ck_assert_int_eq(ct_tensor_dtype(ct_stack(CT_TENSORS(ct_scalar_tensor(1, CT_F32), ct_scalar_tensor(1, CT_I64)), 0)), CT_F32);
}
END_TEST

START_TEST(cat_skips_empty_vectors) {
    ct_tensor *none = ct_zeros(CT_SHAPE(0), CT_F32), *a = range(0, CT_SHAPE(2, 3));
    ck_sizes(ct_cat(CT_TENSORS(none, a, none), 1), 2, 3);
    ck_sizes(ct_cat(CT_TENSORS(none, none), 0), 0);
    ct_cat(CT_TENSORS(none, a), -3);
    ck_error(CT_ERR_INDEX, "ct_cat: dim -3 is out of range: 2 dimensions");
}
END_TEST

START_TEST(cat_keeps_channels_last_if_all_are) {
    ct_tensor *x = ct_contiguous(range(0, CT_SHAPE(2, 3, 2, 2)), CT_FORMAT_CHANNELS_LAST);
    ct_tensor *both = ct_cat(CT_TENSORS(x, x), 1), *mixed = ct_cat(CT_TENSORS(x, ct_zeros(CT_SHAPE(2, 3, 2, 2), CT_F32)), 1);
    ck_assert(ct_is_contiguous(both, CT_FORMAT_CHANNELS_LAST) && !ct_is_contiguous(both, CT_FORMAT_CONTIGUOUS));
    ck_assert(ct_is_contiguous(mixed, CT_FORMAT_CONTIGUOUS));
    ck_close(ct_narrow(both, 1, 3, 3), x, 0, 0);
    ck_close(ct_narrow(both, 1, 0, 3), x, 0, 0);
}
END_TEST

START_TEST(joining_says_what_does_not_fit) {
    ct_tensor *a = range(0, CT_SHAPE(2, 3)), *b = range(0, CT_SHAPE(3, 3)), *v = range(0, CT_SHAPE(3));
    ct_cat(CT_TENSORS(a, b), 1);
    ck_error(CT_ERR_SHAPE, "ct_cat: [2, 3] and [3, 3] (tensor 1) cannot be joined along dim 1: 2 != 3 at dim 0");
    ct_cat(CT_TENSORS(a, v), 0);
    ck_error(CT_ERR_SHAPE, "ct_cat: tensor 0 has sizes [2, 3], tensor 1 [3]: another number of dims");
    ct_cat(CT_TENSORS(v, ct_scalar_tensor(1, CT_F32)), 0);
    ck_error(CT_ERR_SHAPE, "ct_cat: tensor 1 is 0-dim; use ct_stack");
    ct_cat(NULL, 0, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cat: a list of 0 tensors at NULL");
    ct_cat(CT_TENSORS(a, NULL), 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cat: tensor argument 2 is NULL");
    ct_stack(CT_TENSORS(a, v), 0);
    ck_error(CT_ERR_SHAPE, "ct_stack: tensor 0 has sizes [2, 3], tensor 1 [3]");
    ct_stack(CT_TENSORS(a, a), 3);
    ck_error(CT_ERR_INDEX, "ct_stack: dim 3 is out of range");
}
END_TEST

START_TEST(stack_makes_a_dim) {
    ct_tensor *a = range(0, CT_SHAPE(2)), *b = range(10, CT_SHAPE(2));
    ck_values(ct_stack(CT_TENSORS(a, b), 0), 0, 1, 10, 11);
    ck_values(ct_stack(CT_TENSORS(a, b), -1), 0, 10, 1, 11);
    ck_sizes(ct_stack(CT_TENSORS(range(0, CT_SHAPE(3, 4)), range(0, CT_SHAPE(3, 4))), 1), 3, 2, 4);
    ck_values(ct_stack(CT_TENSORS(ct_scalar_tensor(1, CT_F32), ct_scalar_tensor(2, CT_F32)), 0), 1, 2);
}
END_TEST

/* Sizes along dim 0 of a list's pieces. */
static void ck_pieces(ct_list *list, const int64_t *want, int64_t n) {
    ck_ok();
    ck_assert_int_eq(ct_list_size(list), n);
    for (int64_t i = 0; i < n; i++) ck_assert_int_eq(ct_size(ct_list_get(list, i), 0), want[i]);
}

START_TEST(splitting_gives_views_in_order) {
    ct_tensor *x = range(0, CT_SHAPE(11)), *none = ct_zeros(CT_SHAPE(0, 2), CT_F32);
    ck_pieces(ct_split(x, 4, 0), (int64_t[]){4, 4, 3}, 3);
    ck_pieces(ct_split(x, 100, 0), (int64_t[]){11}, 1);
    ck_pieces(ct_split(none, 0, 0), (int64_t[]){0}, 1);
    ck_pieces(ct_split(none, 2, 0), (int64_t[]){0}, 1);
    ck_pieces(ct_split_sizes(x, CT_SHAPE(5, 0, 6), 0), (int64_t[]){5, 0, 6}, 3);
    ck_pieces(ct_chunk(x, 6, 0), (int64_t[]){2, 2, 2, 2, 2, 1}, 6);
    ck_pieces(ct_chunk(range(0, CT_SHAPE(5)), 4, 0), (int64_t[]){2, 2, 1}, 3);
    ck_pieces(ct_chunk(none, 3, 0), (int64_t[]){0, 0, 0}, 3);
    ck_assert_int_eq(ct_list_size(ct_unbind(none, 0)), 0);
    ct_list *columns = ct_unbind(range(0, CT_SHAPE(2, 2)), 1);
    ck_assert_int_eq(ct_list_size(columns), 2);
    ck_values(ct_list_get(columns, 1), 1, 3);
    ck_assert(ct_shares_storage(ct_list_get(ct_split(x, 4, 0), 2), x));
    ck_values(ct_list_get(ct_split(x, 4, 0), 2), 8, 9, 10);
}
END_TEST

START_TEST(splitting_says_what_does_not_fit) {
    ct_tensor *x = range(0, CT_SHAPE(2, 3)), *s = ct_scalar_tensor(1, CT_F32);
    ck_assert_ptr_null(ct_split(x, 0, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_split: split_size 0 for size 3 at dim 1");
    ct_split(x, -1, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_split: split_size -1");
    ct_split_sizes(x, CT_SHAPE(1, 1), 1);
    ck_error(CT_ERR_SHAPE, "ct_split_sizes: [1, 1] do not add up to size 3 of dim 1");
    ct_split_sizes(x, CT_SHAPE(4, -1), 1);
    ck_error(CT_ERR_SHAPE, "ct_split_sizes: [4, -1]");
    ct_chunk(x, 0, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_chunk: 0 chunks");
    ct_split(s, 1, 0);
    ck_error(CT_ERR_INDEX, "ct_split: a 0-dim tensor cannot be split");
    ct_unbind(s, 0);
    ck_error(CT_ERR_INDEX, "ct_unbind: a 0-dim");
    ct_chunk(s, 1, 0);
    ck_error(CT_ERR_INDEX, "ct_chunk: a 0-dim");
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *g_cat(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *c = ct_cat(CT_TENSORS(in[0], ct_transpose(in[1], 0, 1), in[0]), 1);
    return ct_mul(c, c);
}
static ct_tensor *g_cat_skips(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *c = ct_cat(CT_TENSORS(in[0], in[1]), 1);
    return ct_mul(c, c);
}
static ct_tensor *g_stack(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *c = ct_stack(CT_TENSORS(in[0], in[1]), 1);
    return ct_mul(c, c);
}
static ct_tensor *g_split(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_list *a = ct_split(in[0], 2, 1), *b = ct_unbind(in[0], 1), *c = ct_chunk(in[0], 3, 1);
    return ct_mul(ct_mul(ct_select(ct_list_get(a, 1), 1, 0), ct_list_get(b, 0)), ct_select(ct_list_get(c, 1), 1, 0));
}

START_TEST(gradients_of_joins_and_splits_are_right_twice) {
    ck_grads(g_cat, NULL, wave(1, CT_SHAPE(2, 2)), wave(2, CT_SHAPE(3, 2)));
    ck_grads(g_cat_skips, NULL, wave(1, CT_SHAPE(2, 2)), wave(2, CT_SHAPE(0)));
    ck_grads(g_stack, NULL, wave(1, CT_SHAPE(2, 2)), wave(2, CT_SHAPE(2, 2)));
    ck_grads(g_split, NULL, wave(3, CT_SHAPE(2, 3)));
}
END_TEST

START_TEST(gradient_of_a_promoted_part_has_its_own_dtype) {
    ct_tensor *f = test_f32((double[]){1, 2}, CT_SHAPE(2)), *d = test_f64((double[]){3}, CT_SHAPE(1));
    ct_set_requires_grad(f, true);
    ct_tensor *c = ct_cat(CT_TENSORS(f, d), 0);
    ct_backward(ct_sum(ct_mul(c, c)));
    ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(f)), CT_F32);
    ck_values(ct_tensor_grad(f), 2, 4);
}
END_TEST

TEST_LIST = {TEST(cat_joins_along_any_dim),
             TEST(cat_promotes_dtypes),
             TEST(cat_skips_empty_vectors),
             TEST(cat_keeps_channels_last_if_all_are),
             TEST(joining_says_what_does_not_fit),
             TEST(stack_makes_a_dim),
             TEST(splitting_gives_views_in_order),
             TEST(splitting_says_what_does_not_fit),
             TEST(gradients_of_joins_and_splits_are_right_twice),
             TEST(gradient_of_a_promoted_part_has_its_own_dtype)};
TEST_MAIN("op_cat")
