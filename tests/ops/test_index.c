/* x[i0, :, i1], writing there, masks: lib/ops/op_index.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static ct_tensor *range(const int64_t *sizes, int ndim) {
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    return ct_reshape(ct_arange(0, (double)n, 1, CT_F32), sizes, ndim);
}
static ct_tensor *mask(const double *v, const int64_t *sizes, int ndim) { return ct_to(test_i64(v, sizes, ndim), CT_BOOL); }
#define IDS(...) test_i64((double[]){__VA_ARGS__}, (int64_t[]){(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))}, 1)
#define LIST(...) (ct_tensor *[]){__VA_ARGS__}, (int)(sizeof((ct_tensor *[]){__VA_ARGS__}) / sizeof(ct_tensor *))

START_TEST(index_replaces_dims_by_the_broadcast_shape) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4)), *c = test_i64((double[]){2, 3}, CT_SHAPE(2, 1));
    ct_tensor *apart = ct_index(x, LIST(IDS(1, 0), NULL, c));
    ck_sizes(apart, 2, 2, 3);
    ck_values(apart, 14, 18, 22, 2, 6, 10, 15, 19, 23, 3, 7, 11);
    ct_tensor *together = ct_index(x, LIST(NULL, IDS(2, 0), IDS(1, -1)));
    ck_sizes(together, 2, 2);
    ck_values(together, 9, 3, 21, 15);
    ck_values(ct_index(ct_transpose(x, 0, 2), LIST(IDS(3), IDS(0, 2))), 3, 15, 11, 23);
    ck_values(ct_index(x, LIST(ct_to(IDS(1), CT_I32), IDS(0), IDS(-4))), 12);
    ck_sizes(ct_index(x, LIST(IDS(0, 1, 1))), 3, 3, 4);
    ck_sizes(ct_index(x, LIST(NULL, NULL)), 2, 3, 4);
    ck_sizes(ct_index(x, NULL, 0), 2, 3, 4);
    ck_sizes(ct_index(x, LIST(test_i64(NULL, CT_SHAPE(0)))), 0, 3, 4);
    ck_assert_int_eq(ct_ndim(ct_index(range(CT_SHAPE(3)), LIST(ct_scalar_tensor_int(1, CT_I64)))), 0);
}
END_TEST

START_TEST(masks_stand_for_their_true_places) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4)), *m = mask((double[]){1, 0, 1, 0, 1, 0}, CT_SHAPE(2, 3));
    ct_tensor *out = ct_index(x, LIST(m));
    ck_sizes(out, 3, 4);
    ck_values(out, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19);
    ck_values(ct_index(x, LIST(mask((double[]){1, 0}, CT_SHAPE(2)), IDS(0, 2))), 0, 1, 2, 3, 8, 9, 10, 11);
    ck_sizes(ct_index(x, LIST(mask((double[]){0, 0}, CT_SHAPE(2)))), 0, 3, 4);
    ct_tensor *yes = ct_ones(NULL, 0, CT_BOOL), *no = ct_zeros(NULL, 0, CT_BOOL), *s = ct_scalar_tensor(2, CT_F32);
    ck_sizes(ct_index(x, LIST(yes)), 1, 2, 3, 4);
    ck_sizes(ct_index(x, LIST(no)), 0, 2, 3, 4);
    ck_values(ct_index(s, LIST(yes)), 2);
    ck_sizes(ct_index(s, LIST(no)), 0);
    ck_sizes(ct_index(x, LIST(NULL, yes, IDS(0, 2))), 2, 2, 4);
}
END_TEST

START_TEST(index_says_what_is_wrong) {
    ct_tensor *x = range(CT_SHAPE(3, 4));
    ct_index(x, LIST(test_i64((double[]){0, 1, 3, 0}, CT_SHAPE(2, 2))));
    ck_error(CT_ERR_INDEX, "ct_index: index 3 at [1, 0] is out of range: dim 0 has size 3");
    ct_index(x, LIST(NULL, IDS(0, -5)));
    ck_error(CT_ERR_INDEX, "ct_index: index -5 at [1] is out of range: dim 1 has size 4");
    ct_index(x, LIST(IDS(0, 1), IDS(0, 1, 2)));
    ck_error(CT_ERR_SHAPE, "ct_index: [2] and [3] cannot be broadcast");
    ct_index(x, LIST(mask((double[]){1, 0}, CT_SHAPE(2))));
    ck_error(CT_ERR_INDEX, "ct_index: mask [2] does not fit x [3, 4] at dim 0: 2 != 3");
    ct_index(x, LIST(IDS(0), IDS(0), IDS(0)));
    ck_error(CT_ERR_INDEX, "ct_index: more indices than the 2 dims of x [3, 4]");
    ct_index(x, LIST(ct_zeros(CT_SHAPE(1), CT_F32)));
    ck_error(CT_ERR_DTYPE, "ct_index: an index must be int64, int32 or bool, not float32");
    ct_index(x, LIST(ct_zeros(CT_SHAPE(3), CT_U8)));
    ck_error(CT_ERR_DTYPE, "not uint8");
    ct_index(x, NULL, 2);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_index: a list of 2 indices at NULL");
    ct_index(x, LIST(IDS(0), IDS(0), ct_ones(NULL, 0, CT_BOOL), IDS(0)));
    ck_error(CT_ERR_INDEX, "ct_index: more indices than");
}
END_TEST

START_TEST(index_put_writes_or_adds) {
    ct_tensor *x = ct_zeros(CT_SHAPE(2, 3), CT_F32), *v = test_f32((double[]){1, 2, 3}, CT_SHAPE(3));
    ct_index_put_options add = {.accumulate = true};
    ck_values(ct_index_put(x, LIST(IDS(0, 1, 0), IDS(2, 0, 2)), v, NULL), 0, 0, 3, 2, 0, 0);
    ck_values(ct_index_put(x, LIST(IDS(0, 1, 0), IDS(2, 0, 2)), v, &add), 0, 0, 4, 2, 0, 0);
    ck_values(ct_index_put(x, LIST(IDS(1)), v, NULL), 0, 0, 0, 1, 2, 3);
    ck_values(ct_index_put(x, LIST(mask((double[]){1, 0, 0, 0, 0, 1}, CT_SHAPE(2, 3))), ct_scalar_tensor(5, CT_F32), NULL), 5, 0, 0, 0, 0, 5);
    ck_values(ct_index_put(x, LIST(ct_ones(NULL, 0, CT_BOOL), IDS(0)), ct_scalar_tensor(5, CT_F32), NULL), 5, 5, 5, 0, 0, 0);
    ck_values(x, 0, 0, 0, 0, 0, 0);
    ck_assert_int_eq(ct_index_put_(ct_t(x), LIST(IDS(2, 0)), ct_ones(CT_SHAPE(1, 2), CT_F32), NULL), CT_OK);
    ck_values(x, 1, 0, 1, 1, 0, 1);
    ck_assert_int_eq(ct_version_of(x), 1);
    ct_index_put_(x, LIST(ct_zeros(NULL, 0, CT_BOOL)), ct_scalar_tensor(9, CT_F32), NULL);
    ck_values(x, 1, 0, 1, 1, 0, 1);
    ct_index_put_(x, LIST(ct_ones(NULL, 0, CT_BOOL)), ct_scalar_tensor(9, CT_F32), NULL);
    ck_values(x, 9, 9, 9, 9, 9, 9);
    ct_tensor *o = range(CT_SHAPE(4));
    ct_index_put_(o, LIST(IDS(1, 2, 3)), ct_narrow(o, 0, 0, 3), NULL); /* from itself */
    ck_values(o, 0, 0, 1, 2);
}
END_TEST

START_TEST(a_failed_index_put_leaves_x_alone) {
    ct_tensor *x = range(CT_SHAPE(3, 4));
    ck_assert_int_eq(ct_index_put_(x, LIST(IDS(0, 3)), ct_scalar_tensor(9, CT_F32), NULL), CT_ERR_INDEX);
    ck_error(CT_ERR_INDEX, "ct_index_put_: index 3 at [1] is out of range: dim 0 has size 3");
    ct_index_put_(x, LIST(IDS(0, 1)), ct_ones(CT_SHAPE(3), CT_F32), NULL);
    ck_error(CT_ERR_SHAPE, "ct_index_put_: values [3] does not broadcast to [2, 4]");
    ct_index_put_(x, LIST(IDS(0)), ct_ones(CT_SHAPE(4), CT_I64), NULL);
    ck_error(CT_ERR_DTYPE, "ct_index_put_: x is float32, values are int64");
    ck_values(x, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    ck_assert_int_eq(ct_version_of(x), 0);
}
END_TEST

START_TEST(masked_select_flattens) {
    ct_tensor *x = range(CT_SHAPE(3, 4));
    ck_values(ct_masked_select(x, mask((double[]){1, 0, 1, 1}, CT_SHAPE(4))), 0, 2, 3, 4, 6, 7, 8, 10, 11);
    ck_values(ct_masked_select(ct_t(x), ct_gt_scalar(ct_t(x), 8)), 9, 10, 11);
    ck_values(ct_masked_select(ct_scalar_tensor(2, CT_F32), mask((double[]){1, 0, 1}, CT_SHAPE(3))), 2, 2);
    ck_sizes(ct_masked_select(ct_scalar_tensor(2, CT_F32), ct_ones(NULL, 0, CT_BOOL)), 1);
    ct_masked_select(x, IDS(1, 0, 1, 1));
    ck_error(CT_ERR_DTYPE, "ct_masked_select: mask must be bool, not int64");
    ct_masked_select(x, ct_ones(CT_SHAPE(3), CT_BOOL));
    ck_error(CT_ERR_SHAPE, "ct_masked_select: [3, 4] and [3] cannot be broadcast");
}
END_TEST

START_TEST(nonzero_lists_places_in_order) {
    ct_tensor *x = test_f32((double[]){0, 1, -0.0, NAN, 0, 2}, CT_SHAPE(2, 3));
    ck_values(ct_nonzero(x), 0, 1, 1, 0, 1, 2);
    ck_values(ct_nonzero(ct_t(x)), 0, 1, 1, 0, 2, 1);
    ck_sizes(ct_nonzero(ct_zeros(CT_SHAPE(2, 3), CT_I64)), 0, 2);
    ck_sizes(ct_nonzero(ct_scalar_tensor(5, CT_F64)), 1, 0);
    ck_sizes(ct_nonzero(ct_scalar_tensor(0, CT_F64)), 0, 0);
    ck_values(ct_nonzero(ct_to(IDS(0, 7, 1), CT_U8)), 1, 2);
    ck_values(ct_nonzero(ct_to(IDS(0, -7, 1), CT_I32)), 1, 2);
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *square(ct_tensor *x) { return ct_mul(x, x); }
static ct_tensor *g_index(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_index(in[0], LIST(IDS(1, 0, 1), NULL, IDS(0, 1, 0))));
}
static ct_tensor *g_index_mask(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_index(in[0], LIST(NULL, mask((double[]){1, 0, 0, 1, 1, 0}, CT_SHAPE(3, 2)))));
}
static ct_tensor *g_index_scalar_mask(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_index(in[0], LIST(ct_ones(NULL, 0, CT_BOOL), IDS(1))));
}
static ct_tensor *g_put(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_index_put_options o = {.accumulate = user != NULL};
    return square(ct_index_put(in[0], LIST(NULL, user ? IDS(2, 0, 2) : IDS(2, 0, 1)), in[1], &o));
}
static ct_tensor *g_put_inplace(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_index_put_options o = {.accumulate = user != NULL};
    ct_tensor *x = ct_mul_scalar(in[0], 2);
    ct_index_put_(ct_select(x, 0, 1), LIST(IDS(2, 0)), in[1], &o);
    return square(x);
}
static ct_tensor *g_masked_select(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_masked_select(in[0], mask((double[]){1, 0, 1, 1}, CT_SHAPE(2, 1, 2))));
}
START_TEST(gradients_of_indexing_are_right_twice) {
    ck_grads(g_index, NULL, wave(1, CT_SHAPE(2, 3, 2)));
    ck_grads(g_index_mask, NULL, wave(2, CT_SHAPE(2, 3, 2)));
    ck_grads(g_index_scalar_mask, NULL, wave(3, CT_SHAPE(2, 3)));
    ck_grads(g_put, NULL, wave(4, CT_SHAPE(2, 3, 2)), wave(5, CT_SHAPE(3, 1)));
    ck_grads(g_put, "accumulate", wave(4, CT_SHAPE(2, 3, 2)), wave(5, CT_SHAPE(3, 2)));
    ck_grads(g_put_inplace, NULL, wave(6, CT_SHAPE(2, 3)), wave(7, CT_SHAPE(2)));
    ck_grads(g_put_inplace, "accumulate", wave(6, CT_SHAPE(2, 3)), wave(7, CT_SHAPE(1)));
    ck_grads(g_masked_select, NULL, wave(8, CT_SHAPE(3, 2)));
}
END_TEST

TEST_LIST = {TEST(index_replaces_dims_by_the_broadcast_shape),
             TEST(masks_stand_for_their_true_places),
             TEST(index_says_what_is_wrong),
             TEST(index_put_writes_or_adds),
             TEST(a_failed_index_put_leaves_x_alone),
             TEST(masked_select_flattens),
             TEST(nonzero_lists_places_in_order),
             TEST(gradients_of_indexing_are_right_twice)};
TEST_MAIN("op_index")
