/* Indices along one dim: lib/ops/op_gather.c, indices.c. Wanted values are PyTorch 2.13's. */
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
static ct_tensor *ids(const double *v, const int64_t *sizes, int ndim) { return test_i64(v, sizes, ndim); }
#define IDS(...) ids((double[]){__VA_ARGS__}, (int64_t[]){(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))}, 1)

START_TEST(index_select_takes_slices) {
    ct_tensor *x = range(CT_SHAPE(3, 4));
    ck_values(ct_index_select(x, 1, IDS(2, 0, 2)), 2, 0, 2, 6, 4, 6, 10, 8, 10);
    ck_values(ct_index_select(x, 0, IDS(2, 1)), 8, 9, 10, 11, 4, 5, 6, 7);
    ck_values(ct_index_select(x, -1, ct_to(IDS(3), CT_I32)), 3, 7, 11);
    ck_sizes(ct_index_select(x, 1, ct_scalar_tensor_int(2, CT_I64)), 3, 1);
    ck_sizes(ct_index_select(x, 1, ids(NULL, CT_SHAPE(0))), 3, 0);
    ck_values(ct_index_select(ct_t(x), 0, IDS(1, 3)), 1, 5, 9, 3, 7, 11);
    ct_tensor *s = ct_index_select(ct_scalar_tensor(7, CT_F32), 0, IDS(0));
    ck_assert_int_eq(ct_ndim(s), 0);
    ck_values(s, 7);
    ck_values(ct_index_select(ct_eq_scalar(x, 4), 1, IDS(0)), 0, 1, 0);
}
END_TEST

START_TEST(index_select_names_the_bad_index) {
    ct_tensor *x = range(CT_SHAPE(3, 4));
    ct_index_select(x, 1, IDS(0, 4));
    ck_error(CT_ERR_INDEX, "ct_index_select: index 4 at [1] is out of range: dim 1 has size 4");
    ct_index_select(x, 1, IDS(-1));
    ck_error(CT_ERR_INDEX, "ct_index_select: index -1 at [0]");
    ct_index_select(x, 1, ct_zeros(CT_SHAPE(1, 1), CT_I64));
    ck_error(CT_ERR_SHAPE, "ct_index_select: index [1, 1] must have one dim");
    ct_index_select(x, 1, ct_zeros(CT_SHAPE(1), CT_F32));
    ck_error(CT_ERR_DTYPE, "ct_index_select: indices must be int64 or int32, not float32");
    ct_index_select(ct_scalar_tensor(7, CT_F32), 0, IDS(0, 0));
    ck_error(CT_ERR_SHAPE, "ct_index_select: 2 indices into a 0-dim tensor");
    ct_index_select(x, 2, IDS(0));
    ck_error(CT_ERR_INDEX, "ct_index_select: dim 2");
}
END_TEST

START_TEST(index_add_adds_slices) {
    ct_tensor *x = ct_ones(CT_SHAPE(3, 2), CT_F32), *s = range(CT_SHAPE(3, 2));
    ck_values(ct_index_add(x, 0, IDS(2, 0, 2), s, NULL), 3, 4, 1, 1, 5, 7);
    ck_values(ct_index_add(x, 0, IDS(2, 0, 2), s, &(ct_index_add_options){.alpha = ct_some_f64(-2)}), -3, -5, 1, 1, -7, -11);
    ck_values(x, 1, 1, 1, 1, 1, 1);
    ck_values(ct_index_add(ct_t(x), 1, IDS(1, 1, 1), ct_t(s), NULL), 1, 7, 1, 1, 10, 1);
    ct_tensor *i = test_i64((double[]){1, 2}, CT_SHAPE(2));
    ck_values(ct_index_add(i, 0, IDS(1, 1), i, &(ct_index_add_options){.alpha = ct_some_f64(3)}), 1, 11);
    ck_values(ct_index_add(ct_to(i, CT_U8), 0, IDS(1), ct_full_int(CT_SHAPE(1), 255, CT_U8), NULL), 1, 1);
    ck_values(ct_index_add(ct_to(i, CT_I32), 0, IDS(0), ct_full_int(CT_SHAPE(1), 5, CT_I32), NULL), 6, 2);
    ck_values(ct_index_add(ct_zeros(CT_SHAPE(2), CT_BOOL), 0, IDS(0, 0), ct_ones(CT_SHAPE(2), CT_BOOL), NULL), 1, 0);
    ck_values(ct_index_add(ct_scalar_tensor(1, CT_F64), 0, IDS(0), ct_scalar_tensor(2, CT_F64), NULL), 3);
    ct_index_add(x, 0, IDS(0, 1), s, NULL);
    ck_error(CT_ERR_SHAPE, "ct_index_add: source [3, 2] must have the sizes of x [3, 2], with 2 (the number of indices) at dim 0");
    ct_index_add(x, 0, IDS(0, 3, 0), s, NULL);
    ck_error(CT_ERR_INDEX, "ct_index_add: index 3 at [1] is out of range: dim 0 has size 3");
    ct_index_add(x, 0, IDS(0, 1, 0), ct_to(s, CT_F64), NULL);
    ck_error(CT_ERR_DTYPE, "ct_index_add: x is float32, source is float64");
    ct_index_add(i, 0, IDS(1, 1), i, &(ct_index_add_options){.alpha = ct_some_f64(0.5)});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_index_add: alpha 0.5 must be a whole number for int64");
    ct_index_add(x, 0, IDS(0, 1, 0), s, &(ct_index_add_options){.reserved = {1}});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_index_add");
}
END_TEST

START_TEST(gather_and_scatter_are_opposites) {
    ct_tensor *x = test_i64((double[]){1, 2, 3, 4, 5, 6}, CT_SHAPE(2, 3)), *at = ids((double[]){0, 2, 1, 1}, CT_SHAPE(2, 2));
    ct_tensor *src = test_i64((double[]){10, 20, 30, 40}, CT_SHAPE(2, 2));
    ck_values(ct_gather(x, 1, at), 1, 3, 5, 5);
    ck_values(ct_gather(x, 0, ids((double[]){1, 0, 1}, CT_SHAPE(1, 3))), 4, 2, 6);
    ck_values(ct_gather(ct_t(x), 0, at), 1, 6, 2, 5);
    ck_values(ct_scatter(x, 1, at, src), 10, 2, 20, 4, 40, 6);
    ck_values(ct_scatter_add(x, 1, at, src), 11, 2, 23, 4, 75, 6);
    ck_values(ct_scatter_add(x, 0, ids((double[]){1, 1, 1, 0}, CT_SHAPE(2, 2)), src), 1, 42, 3, 44, 25, 6);
    ck_values(x, 1, 2, 3, 4, 5, 6);
    ck_values(ct_scatter(x, 1, ids(NULL, CT_SHAPE(0)), src), 1, 2, 3, 4, 5, 6);
    ck_sizes(ct_gather(x, 1, ids(NULL, CT_SHAPE(0))), 0);
    ct_tensor *s = ct_scalar_tensor(3, CT_F32);
    ck_sizes(ct_gather(s, 0, IDS(0, 0)), 2);
    ck_assert_int_eq(ct_ndim(ct_gather(range(CT_SHAPE(2)), 0, ct_scalar_tensor_int(1, CT_I64))), 0);
    ck_values(ct_scatter(s, 0, IDS(0), range(CT_SHAPE(2))), 0);
}
END_TEST

START_TEST(gather_and_scatter_say_what_does_not_fit) {
    ct_tensor *x = range(CT_SHAPE(3, 4));
    ct_gather(x, 1, ids((double[]){0, 1, 4}, CT_SHAPE(3, 1)));
    ck_error(CT_ERR_INDEX, "ct_gather: index 4 at [2, 0] is out of range: dim 1 has size 4");
    ct_gather(x, 1, IDS(0));
    ck_error(CT_ERR_SHAPE, "ct_gather: x [3, 4], index [1] must have the same number of dims");
    ct_gather(x, 1, ct_zeros(CT_SHAPE(4, 1), CT_I64));
    ck_error(CT_ERR_SHAPE, "ct_gather: index [4, 1] is larger than x [3, 4] at dim 0");
    ct_gather(x, 1, ct_zeros(CT_SHAPE(1, 1), CT_BOOL));
    ck_error(CT_ERR_DTYPE, "not bool");
    ct_scatter(x, 1, ct_zeros(CT_SHAPE(1, 2), CT_I64), ct_ones(CT_SHAPE(1, 1), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_scatter: index [1, 2] is larger than src [1, 1] at dim 1");
    ct_scatter(x, 1, ct_zeros(CT_SHAPE(1, 2), CT_I64), ct_ones(CT_SHAPE(3, 4), CT_I64));
    ck_error(CT_ERR_DTYPE, "ct_scatter: x is float32, src is int64");
    ct_scatter_add(x, 1, ct_full_int(CT_SHAPE(1, 2), -1, CT_I64), ct_ones(CT_SHAPE(3, 4), CT_F32));
    ck_error(CT_ERR_INDEX, "ct_scatter_add: index -1 at [0, 0]");
}
END_TEST

START_TEST(long_indices_give_the_same_on_any_number_of_threads) {
    int before = ct_get_num_threads();
    ct_tensor *index = ct_remainder_scalar_int(ct_mul_scalar_int(ct_arange_int(0, 30000, 1, CT_I64), 7919), 100), *out[2];
    ct_tensor *rows = ct_reshape(ct_arange(0, 30000 * 8, 1, CT_F32), CT_SHAPE(30000, 8)), *zeros = ct_zeros(CT_SHAPE(100, 8), CT_F32);
    for (int i = 0; i < 2; i++) {
        ct_set_num_threads(i ? 4 : 1);
        ct_tensor *a = ct_index_add(zeros, 0, index, rows, NULL), *b = ct_index_add(ct_t(zeros), 1, index, ct_t(rows), NULL);
        ct_tensor *wide = ct_expand(ct_unsqueeze(index, 1), CT_SHAPE(30000, 8));
        ct_tensor *c = ct_scatter_add(zeros, 0, wide, rows), *d = ct_scatter_add(ct_contiguous(ct_t(zeros), CT_FORMAT_CONTIGUOUS), 1, ct_t(wide), ct_t(rows));
        ck_close(ct_t(b), a, 0, 0);
        ck_close(c, a, 0, 0);
        ck_close(ct_t(d), a, 0, 0);
        out[i] = ct_add(ct_index_select(a, 0, index), ct_gather(a, 0, wide));
    }
    ck_close(out[0], out[1], 0, 0);
    ct_set_num_threads(before);
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *square(ct_tensor *x) { return ct_mul(x, x); }
static ct_tensor *g_index_select(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_index_select(in[0], 1, IDS(2, 0, 2)));
}
static ct_tensor *g_index_select_scalar(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_index_select(in[0], 0, IDS(0)));
}
static ct_tensor *g_index_add(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_index_add(in[0], 1, IDS(2, 2, 1), in[1], &(ct_index_add_options){.alpha = ct_some_f64(1.5)}));
}
static ct_tensor *g_gather(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_gather(in[0], 1, ids((double[]){0, 2, 1, 1}, CT_SHAPE(2, 2))));
}
static ct_tensor *g_scatter(ct_tensor *const *in, int n, void *user) { /* src larger than index */
    (void)n, (void)user;
    return square(ct_scatter(in[0], 1, ids((double[]){0, 2, 1, 0}, CT_SHAPE(2, 2)), in[1]));
}
static ct_tensor *g_scatter_add(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_scatter_add(in[0], 1, ids((double[]){2, 2}, CT_SHAPE(1, 2)), in[1]));
}
static ct_tensor *g_scatter_nothing(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_scatter(in[0], 1, ids(NULL, CT_SHAPE(0)), in[1]));
}
START_TEST(gradients_of_indexing_a_dim_are_right_twice) {
    ck_grads(g_index_select, NULL, wave(1, CT_SHAPE(2, 3)));
    ck_grads(g_index_select_scalar, NULL, wave(1, NULL, 0));
    ck_grads(g_index_add, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(2, 3)));
    ck_grads(g_gather, NULL, wave(1, CT_SHAPE(2, 3)));
    ck_grads(g_scatter, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(3, 2)));
    ck_grads(g_scatter_add, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(3, 3)));
    ck_grads(g_scatter_nothing, NULL, wave(1, CT_SHAPE(2, 3)), wave(2, CT_SHAPE(1, 1)));
}
END_TEST

TEST_LIST = {TEST(index_select_takes_slices),
             TEST(index_select_names_the_bad_index),
             TEST(index_add_adds_slices),
             TEST(gather_and_scatter_are_opposites),
             TEST(gather_and_scatter_say_what_does_not_fit),
             TEST(long_indices_give_the_same_on_any_number_of_threads),
             TEST(gradients_of_indexing_a_dim_are_right_twice)};
TEST_MAIN("op_gather")
