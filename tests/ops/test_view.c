/* Views with all elements: lib/ops/op_view.c, layout.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static ct_tensor *range(const int64_t *sizes, int ndim) {
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    return ct_reshape(ct_arange(0, (double)n, 1, CT_F32), sizes, ndim);
}

static void ck_strides(const ct_tensor *t, const int64_t *strides, int ndim) {
    ck_assert_int_eq(ct_ndim(t), ndim);
    for (int d = 0; d < ndim; d++) ck_assert_int_eq(ct_stride(t, d), strides[d]);
}

START_TEST(view_infers_one_size_and_shares_memory) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4)), *v = ct_view(x, CT_SHAPE(-1, 6));
    ck_sizes(v, 4, 6);
    ck_assert(ct_shares_storage(x, v));
    ct_fill_(v, 7);
    ck_assert(ct_item_f64(ct_select(ct_view(x, CT_SHAPE(-1)), 0, 23)) == 7);
    ck_sizes(ct_view(ct_zeros(CT_SHAPE(0, 3), CT_F32), CT_SHAPE(-1)), 0);
    ck_assert_int_eq(ct_ndim(ct_view(ct_zeros(CT_SHAPE(1, 1), CT_F32), NULL, 0)), 0);
    ck_ok();
}
END_TEST

START_TEST(view_says_which_sizes_do_not_fit) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4));
    ck_assert_ptr_null(ct_view(x, CT_SHAPE(5, -1)));
    ck_error(CT_ERR_SHAPE, "ct_view: [5, -1] does not have 24 elements");
    ct_view(x, CT_SHAPE(-1, -1));
    ck_error(CT_ERR_SHAPE, "ct_view: only one size of [-1, -1] can be -1");
    ct_view(x, CT_SHAPE(-2, 4));
    ck_error(CT_ERR_SHAPE, "ct_view: size -2 of dim 0 is negative");
    ct_view(x, CT_SHAPE(7));
    ck_error(CT_ERR_SHAPE, "ct_view: [7] does not have 24 elements");
    ct_view(ct_zeros(CT_SHAPE(0, 3), CT_F32), CT_SHAPE(-1, 0));
    ck_error(CT_ERR_SHAPE, "ambiguous");
    ct_view(x, CT_SHAPE(INT64_MAX, INT64_MAX));
    ck_error(CT_ERR_SHAPE, "does not have 24 elements");
    ct_view(x, NULL, 2);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_view: sizes is NULL for 2 dimensions");
    ct_view(x, NULL, 17);
    ck_error(CT_ERR_SHAPE, "ct_view: 17 dimensions");
    ct_view(NULL, CT_SHAPE(1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_view: tensor argument 1 is NULL");
    ct_view(ct_transpose(x, 0, 1), CT_SHAPE(-1));
    ck_error(CT_ERR_SHAPE, "ct_view: [3, 2, 4] with strides [4, 12, 1] cannot be seen as [24] without a copy; use ct_reshape");
}
END_TEST

START_TEST(view_of_strided_tensors_follows_torch) {
    ct_tensor *x = ct_transpose(range(CT_SHAPE(4, 3, 2)), 0, 2); /* [2, 3, 4], strides [1, 2, 6] */
    ck_strides(ct_view(x, CT_SHAPE(2, 3, 2, 2)), (int64_t[]){1, 2, 12, 6}, 4);
    ck_strides(ct_view(x, CT_SHAPE(1, 2, 3, 1, 4)), (int64_t[]){2, 1, 2, 24, 6}, 5);
    ct_tensor *e = ct_expand(range(CT_SHAPE(3, 1)), CT_SHAPE(3, 4));
    ck_strides(ct_view(e, CT_SHAPE(3, 2, 2)), (int64_t[]){1, 0, 0}, 3);
    ct_view(e, CT_SHAPE(12));
    ck_error(CT_ERR_SHAPE, "cannot be seen as [12]");
}
END_TEST

START_TEST(reshape_copies_only_where_it_must) {
    ct_tensor *x = range(CT_SHAPE(2, 3)), *t = ct_t(x), *r = ct_reshape(t, CT_SHAPE(-1));
    ck_assert(!ct_shares_storage(x, r));
    ck_values(r, 0, 3, 1, 4, 2, 5);
    ck_assert(ct_shares_storage(x, ct_reshape(x, CT_SHAPE(3, 2))));
    ck_assert_ptr_ne(ct_reshape(x, CT_SHAPE(2, 3)), x);
    ck_values(ct_reshape(ct_expand(range(CT_SHAPE(2, 1)), CT_SHAPE(2, 2)), CT_SHAPE(4)), 0, 0, 1, 1);
    ct_reshape(x, CT_SHAPE(4, 2));
    ck_error(CT_ERR_SHAPE, "ct_reshape: [4, 2] does not have 6 elements");
}
END_TEST

START_TEST(flatten_and_unflatten_undo_each_other) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4));
    ck_sizes(ct_flatten(x, 0, -1), 24);
    ck_sizes(ct_flatten(x, 1, 2), 2, 12);
    ck_sizes(ct_flatten(x, -3, -2), 6, 4);
    ck_sizes(ct_flatten(ct_scalar_tensor(1, CT_F32), 0, -1), 1);
    ck_values(ct_flatten(ct_transpose(range(CT_SHAPE(2, 2)), 0, 1), 0, -1), 0, 2, 1, 3);
    ck_sizes(ct_unflatten(x, -1, CT_SHAPE(2, -1)), 2, 3, 2, 2);
    ck_sizes(ct_unflatten(x, 1, CT_SHAPE(3)), 2, 3, 4);
    ct_flatten(x, 2, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_flatten: start_dim 2 comes after end_dim 1");
    ct_unflatten(x, 1, CT_SHAPE(2, -1));
    ck_error(CT_ERR_SHAPE, "ct_unflatten: [2, -1] does not have 3 elements");
    ct_unflatten(x, 1, NULL, 0);
    ck_error(CT_ERR_SHAPE, "ct_unflatten: 0 sizes for one of 3 dims");
    ct_unflatten(x, 3, CT_SHAPE(1));
    ck_error(CT_ERR_INDEX, "ct_unflatten: dim 3");
}
END_TEST

START_TEST(squeeze_removes_ones_and_unsqueeze_adds_one) {
    ct_tensor *x = range(CT_SHAPE(1, 2, 1, 3));
    ck_sizes(ct_squeeze(x), 2, 3);
    ck_sizes(ct_squeeze_dim(x, CT_DIMS(0)), 2, 1, 3);
    ck_sizes(ct_squeeze_dim(x, CT_DIMS(1, -2)), 1, 2, 3);
    ck_sizes(ct_squeeze_dim(x, NULL, 0), 1, 2, 1, 3);
    ck_assert_int_eq(ct_ndim(ct_squeeze_dim(ct_scalar_tensor(1, CT_F32), CT_DIMS(-1))), 0);
    ct_squeeze_dim(x, CT_DIMS(0, -4));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_squeeze_dim: dim 0 appears twice");
    ct_tensor *u = ct_unsqueeze(range(CT_SHAPE(2, 3)), 1);
    ck_sizes(u, 2, 1, 3);
    ck_strides(u, (int64_t[]){3, 3, 1}, 3);
    ck_sizes(ct_unsqueeze(u, -1), 2, 1, 3, 1);
    ck_strides(ct_unsqueeze(u, 3), (int64_t[]){3, 3, 1, 1}, 4);
    ck_sizes(ct_unsqueeze(ct_scalar_tensor(1, CT_F32), -1), 1);
    ct_unsqueeze(u, 4);
    ck_error(CT_ERR_INDEX, "ct_unsqueeze: dim 4 is out of range");
    int64_t ones[CT_MAX_NDIM];
    for (int i = 0; i < CT_MAX_NDIM; i++) ones[i] = 1;
    ct_unsqueeze(ct_zeros(ones, CT_MAX_NDIM, CT_F32), 0);
    ck_error(CT_ERR_SHAPE, "ct_unsqueeze: the tensor has 16 dims");
}
END_TEST

START_TEST(permutations_move_strides_only) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4));
    ck_strides(ct_permute(x, CT_DIMS(2, 0, -2)), (int64_t[]){1, 12, 4}, 3);
    ck_strides(ct_transpose(x, 0, -1), (int64_t[]){1, 4, 12}, 3);
    ck_strides(ct_movedim(x, 0, -1), (int64_t[]){4, 1, 12}, 3);
    ck_strides(ct_movedim(x, 2, 0), (int64_t[]){1, 12, 4}, 3);
    ck_strides(ct_movedim(x, 1, 1), (int64_t[]){12, 4, 1}, 3);
    ck_values(ct_t(range(CT_SHAPE(2, 3))), 0, 3, 1, 4, 2, 5);
    ck_values(ct_t(range(CT_SHAPE(3))), 0, 1, 2);
    ct_tensor *s = ct_scalar_tensor(5, CT_F32);
    ck_values(ct_t(s), 5);
    ck_values(ct_transpose(s, 0, -1), 5);
    ck_values(ct_movedim(s, -1, 0), 5);
    ck_values(ct_permute(s, NULL, 0), 5);
    ct_t(x);
    ck_error(CT_ERR_SHAPE, "ct_t: [2, 3, 4] has 3 dims, more than 2");
    ct_permute(x, CT_DIMS(0, 1));
    ck_error(CT_ERR_SHAPE, "ct_permute: 2 dims in the list for a tensor of 3");
    ct_permute(x, CT_DIMS(0, 1, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_permute: dim 1 appears twice");
    ct_transpose(x, 0, 3);
    ck_error(CT_ERR_INDEX, "ct_transpose: dim 3 is out of range");
}
END_TEST

START_TEST(expand_repeats_without_a_copy) {
    ct_tensor *x = range(CT_SHAPE(3, 1)), *e = ct_expand(x, CT_SHAPE(2, -1, 2));
    ck_strides(e, (int64_t[]){0, 1, 0}, 3);
    ck_values(e, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2);
    ck_sizes(ct_expand(ct_zeros(CT_SHAPE(1), CT_F32), CT_SHAPE(0)), 0);
    ck_sizes(ct_expand(ct_scalar_tensor(1, CT_F32), CT_SHAPE(2, 2)), 2, 2);
    ct_tensor *y = range(CT_SHAPE(2, 3, 4));
    ct_expand(y, CT_SHAPE(2, -1, 5));
    ck_error(CT_ERR_SHAPE, "ct_expand: [2, 3, 4] cannot be expanded to [2, -1, 5]: 4 != 5 at dim 2");
    ct_expand(y, CT_SHAPE(3, 4));
    ck_error(CT_ERR_SHAPE, "ct_expand: 2 sizes for a tensor of 3 dims");
    ct_expand(y, CT_SHAPE(-1, 2, 3, 4));
    ck_error(CT_ERR_SHAPE, "ct_expand: [2, 3, 4] has no size that -1 at dim 0 of [-1, 2, 3, 4] could keep");
    ct_expand(x, CT_SHAPE(3, -2));
    ck_error(CT_ERR_SHAPE, "1 != -2 at dim 1");
    ct_fill_(e, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "same address");
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *g_view(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(ct_view(in[0], CT_SHAPE(3, 4)), ct_view(in[0], CT_SHAPE(3, 4)));
}
static ct_tensor *g_reshape_copy(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *r = ct_reshape(ct_transpose(in[0], 0, 1), CT_SHAPE(4, 3));
    return ct_mul(r, r);
}
static ct_tensor *g_flatten(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *r = ct_unflatten(ct_flatten(in[0], 1, 2), 1, CT_SHAPE(3, -1));
    return ct_mul(r, r);
}
static ct_tensor *g_squeeze(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *u = ct_unsqueeze(in[0], 1), *s = ct_squeeze(u), *d = ct_squeeze_dim(u, CT_DIMS(1));
    return ct_mul(s, d);
}
static ct_tensor *g_permute(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(ct_permute(in[0], CT_DIMS(2, 0, 1)), ct_movedim(ct_transpose(in[0], 0, 1), 2, 0));
}
static ct_tensor *g_t(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *m = ct_flatten(in[0], 1, -1);
    return ct_mul(ct_t(m), ct_t(m));
}
static ct_tensor *g_expand(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *e = ct_expand(ct_unsqueeze(in[0], 1), CT_SHAPE(2, 2, 2, 3, 2));
    return ct_mul(e, e);
}

START_TEST(gradients_of_views_are_right_twice) {
    ck_grads(g_view, NULL, wave(1, CT_SHAPE(2, 3, 2)));
    ck_grads(g_reshape_copy, NULL, wave(2, CT_SHAPE(2, 3, 2)));
    ck_grads(g_flatten, NULL, wave(3, CT_SHAPE(2, 3, 2)));
    ck_grads(g_squeeze, NULL, wave(4, CT_SHAPE(2, 3, 2)));
    ck_grads(g_permute, NULL, wave(5, CT_SHAPE(2, 2, 2)));
    ck_grads(g_t, NULL, wave(6, CT_SHAPE(2, 3, 2)));
    ck_grads(g_expand, NULL, wave(7, CT_SHAPE(2, 3, 2)));
}
END_TEST

START_TEST(changing_a_view_changes_the_history_of_its_base) {
    ct_tensor *x = test_f64((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2));
    ct_set_requires_grad(x, true);
    ct_tensor *y = ct_mul_scalar(x, 3), *v = ct_select(ct_transpose(y, 0, 1), 0, 1); /* the second column */
    ct_mul_scalar_(v, 10);
    ct_tensor *w = ct_view(y, CT_SHAPE(4));
    ck_values(w, 3, 60, 9, 120);
    ct_backward(ct_sum(ct_mul(w, w)));
    ck_values(ct_tensor_grad(x), 18, 3600, 54, 7200);
    ck_ok();
}
END_TEST

TEST_LIST = {TEST(view_infers_one_size_and_shares_memory), TEST(view_says_which_sizes_do_not_fit),
             TEST(view_of_strided_tensors_follows_torch),  TEST(reshape_copies_only_where_it_must),
             TEST(flatten_and_unflatten_undo_each_other),  TEST(squeeze_removes_ones_and_unsqueeze_adds_one),
             TEST(permutations_move_strides_only),         TEST(expand_repeats_without_a_copy),
             TEST(gradients_of_views_are_right_twice),     TEST(changing_a_view_changes_the_history_of_its_base)};
TEST_MAIN("op_view")
