/* Views of a part, as_strided: lib/ops/op_part.c. Wanted values are PyTorch 2.13's. */
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

START_TEST(select_takes_one_index_of_a_dim) {
    ct_tensor *x = range(CT_SHAPE(2, 3));
    ck_values(ct_select(x, 0, 1), 3, 4, 5);
    ck_values(ct_select(x, -1, -3), 0, 3);
    ck_assert_int_eq(ct_ndim(ct_select(ct_select(x, 0, 1), 0, 2)), 0);
    ct_fill_(ct_select(x, 1, 0), 9);
    ck_values(x, 9, 1, 2, 9, 4, 5);
    ct_select(x, 1, 3);
    ck_error(CT_ERR_INDEX, "ct_select: index 3 is out of range for dim 1 of [2, 3]");
    ct_select(x, 1, -4);
    ck_error(CT_ERR_INDEX, "ct_select: index -4");
    ct_select(ct_scalar_tensor(1, CT_F32), 0, 0);
    ck_error(CT_ERR_INDEX, "ct_select: a 0-dim tensor has no dim");
    ct_select(x, 2, 0);
    ck_error(CT_ERR_INDEX, "ct_select: dim 2 is out of range");
}
END_TEST

START_TEST(narrow_stays_inside) {
    ct_tensor *x = range(CT_SHAPE(2, 3));
    ck_values(ct_narrow(x, 1, 1, 2), 1, 2, 4, 5);
    ck_values(ct_narrow(x, 1, -1, 1), 2, 5);
    ck_sizes(ct_narrow(x, 1, 3, 0), 2, 0);
    ct_narrow(x, 1, 2, 2);
    ck_error(CT_ERR_INDEX, "ct_narrow: start 2 with length 2 does not lie inside of dim 1 of [2, 3]");
    ct_narrow(x, 1, -4, 1);
    ck_error(CT_ERR_INDEX, "start -4");
    ct_narrow(x, 1, 0, -1);
    ck_error(CT_ERR_INDEX, "length -1");
    ct_narrow(x, 1, 1, INT64_MAX);
    ck_error(CT_ERR_INDEX, "length 9223372036854775807");
}
END_TEST

START_TEST(slice_clamps_bounds_as_python_does) {
    static const struct {
        int64_t start, end, step, n;
        double want[6];
        const char *why;
    } cases[] = {
        {0, 6, 1, 6, {0, 1, 2, 3, 4, 5}, "all"},
        {CT_DIM_NONE, CT_DIM_NONE, 1, 6, {0, 1, 2, 3, 4, 5}, "no bounds"},
        {CT_DIM_NONE, CT_DIM_NONE, 2, 3, {0, 2, 4}, "every second"},
        {1, CT_DIM_NONE, 4, 2, {1, 5}, "a step that just reaches"},
        {-2, CT_DIM_NONE, 1, 2, {4, 5}, "from the end"},
        {CT_DIM_NONE, -4, 1, 2, {0, 1}, "to before the end"},
        {-100, 100, 5, 2, {0, 5}, "far outside"},
        {4, 2, 1, 0, {0}, "end before start"},
        {6, 9, 1, 0, {0}, "start at the size"},
        {2, 3, INT64_MAX, 1, {2}, "a step beyond everything"},
        {INT64_MIN + 1, INT64_MAX, INT64_MAX, 1, {0}, "extremes"},
    };
    ct_tensor *x = range(CT_SHAPE(6));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ct_tensor *s = ct_slice(x, 0, cases[i].start, cases[i].end, cases[i].step);
        ck_assert_msg(ct_numel(s) == cases[i].n, "%s: %lld elements", cases[i].why, (long long)ct_numel(s));
        test_values(__FILE__, __LINE__, s, cases[i].want, cases[i].n, 0, 0);
    }
    ck_values(ct_slice(range(CT_SHAPE(2, 3)), -1, 0, 3, 2), 0, 2, 3, 5);
    ct_slice(x, 0, 0, 1, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_slice: step 0 is below 1; ct_flip reverses");
    ct_slice(ct_scalar_tensor(1, CT_F32), 0, 0, 1, 1);
    ck_error(CT_ERR_INDEX, "ct_slice: a 0-dim tensor");
}
END_TEST

START_TEST(diagonal_is_a_view_of_two_dims) {
    ct_tensor *x = range(CT_SHAPE(2, 3, 4));
    ck_values(ct_diagonal(x, 1, -1, 0), 12, 16, 20);
    ck_sizes(ct_diagonal(x, 1, -1, 0), 3, 1);
    ck_values(ct_diagonal(range(CT_SHAPE(3, 4)), 0, 0, 1), 0, 5, 10);
    ck_values(ct_diagonal(range(CT_SHAPE(3, 4)), 2, 0, 1), 2, 7);
    ck_values(ct_diagonal(range(CT_SHAPE(3, 4)), -2, 0, 1), 8);
    ck_sizes(ct_diagonal(x, 10, 0, 1), 4, 0);
    ck_sizes(ct_diagonal(x, INT64_MIN, 0, 1), 4, 0);
    ct_tensor *z = ct_zeros(CT_SHAPE(2, 2), CT_F32);
    ct_fill_(ct_diagonal(z, 0, 0, 1), 1);
    ck_values(z, 1, 0, 0, 1);
    ct_diagonal(x, 0, 1, -2);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_diagonal: dim1 and dim2 are both 1");
    ct_diagonal(range(CT_SHAPE(3)), 0, 0, 1);
    ck_error(CT_ERR_INDEX, "ct_diagonal: dim 1");
}
END_TEST

START_TEST(as_strided_reaches_all_of_the_storage_and_no_more) {
    ct_tensor *x = range(CT_SHAPE(2, 3));
    ck_values(ct_as_strided(x, CT_SHAPE(2, 2), (int64_t[]){1, 2}, 1), 1, 3, 2, 4);
    ck_values(ct_as_strided(ct_select(x, 0, 1), CT_SHAPE(2), (int64_t[]){2}, 0), 0, 2);
    ck_values(ct_as_strided(x, NULL, 0, NULL, 5), 5);
    ck_sizes(ct_as_strided(x, CT_SHAPE(0, 2), (int64_t[]){100, 1}, 6), 0, 2);
    ct_as_strided(x, CT_SHAPE(2, 2), (int64_t[]){1, 1}, 4);
    ck_error(CT_ERR_INDEX, "ct_as_strided: [2, 2] with strides [1, 1] from offset 4 on reaches beyond the storage of 6 elements");
    ct_as_strided(x, CT_SHAPE(2), (int64_t[]){-1}, 3);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_as_strided: stride -1 of dim 0 is negative");
    ct_as_strided(x, CT_SHAPE(2), (int64_t[]){1}, -3);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_as_strided: storage_offset -3");
    ct_as_strided(x, CT_SHAPE(2, -1), (int64_t[]){1, 1}, 0);
    ck_error(CT_ERR_SHAPE, "ct_as_strided: size -1 of dim 1 is negative");
    ck_assert_ptr_null(ct_as_strided(ct_zeros(CT_SHAPE(6), CT_F32), CT_SHAPE(0, 2), (int64_t[]){1, INT64_MAX}, 0)); /* its parts would overflow */
    ck_error(CT_ERR_INDEX, "reaches beyond");
    ct_as_strided(x, CT_SHAPE(3, 2), (int64_t[]){INT64_MAX, 1}, 0);
    ck_error(CT_ERR_INDEX, "reaches beyond the storage");
    ct_as_strided(x, CT_SHAPE(2), NULL, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "strides are NULL");
}
END_TEST

/* ---- Gradients ---- */

static ct_tensor *square(ct_tensor *x) { return ct_mul(x, x); }

static ct_tensor *g_select(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_select(in[0], 1, -1));
}
static ct_tensor *g_narrow(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_narrow(in[0], 1, 1, 2));
}
static ct_tensor *g_slice(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return square(ct_slice(ct_transpose(in[0], 0, 1), 0, 0, CT_DIM_NONE, 2));
}
static ct_tensor *g_diagonal(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(square(ct_diagonal(in[0], 0, 0, 1)), square(ct_diagonal(in[0], -1, 2, 1)));
}
static ct_tensor *g_windows(ct_tensor *const *in, int n, void *user) { /* overlapping windows: every element several times */
    (void)n, (void)user;
    return square(ct_as_strided(in[0], CT_SHAPE(4, 3), (int64_t[]){2, 1}, 1));
}
static ct_tensor *g_strided_of_expanded(ct_tensor *const *in, int n, void *user) { /* input and result both name elements twice */
    (void)n, (void)user;
    ct_tensor *e = ct_expand(in[0], CT_SHAPE(2, 12));
    return square(ct_as_strided(e, CT_SHAPE(3, 4), (int64_t[]){2, 1}, 0));
}
static ct_tensor *g_strided_of_part(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *p = ct_narrow(ct_mul_scalar(in[0], 2), 0, 4, 8);
    return square(ct_as_strided(p, CT_SHAPE(2, 2), (int64_t[]){3, 1}, 5));
}

START_TEST(gradients_of_parts_are_right_twice) {
    ck_grads(g_select, NULL, wave(1, CT_SHAPE(2, 3, 2)));
    ck_grads(g_narrow, NULL, wave(2, CT_SHAPE(2, 3, 2)));
    ck_grads(g_slice, NULL, wave(3, CT_SHAPE(2, 3, 2)));
    ck_grads(g_diagonal, NULL, wave(4, CT_SHAPE(2, 2, 2)));
    ck_grads(g_windows, NULL, wave(5, CT_SHAPE(12)));
    ck_grads(g_strided_of_part, NULL, wave(6, CT_SHAPE(12)));
}
END_TEST

/* By differences an expanded input moves one element and its twins; PyTorch's gradient gives each of them its share. */
START_TEST(as_strided_shares_gradients_among_names_of_one_element) {
    ct_tensor *x = test_f64((double[]){1, 2, 3}, CT_SHAPE(3));
    ct_set_requires_grad(x, true);
    ct_tensor *e = ct_expand(x, CT_SHAPE(2, 3)), *s = ct_as_strided(e, CT_SHAPE(2, 2), (int64_t[]){1, 1}, 0);
    ct_backward(ct_sum(square(s)));
    ck_values(ct_tensor_grad(x), 2, 8, 6);
    ct_tensor *y = wave(1, CT_SHAPE(12));
    ck_grads(g_strided_of_expanded, NULL, y);
}
END_TEST

START_TEST(gradient_of_an_empty_part_is_zero) {
    ct_tensor *x = wave(1, CT_SHAPE(2, 3));
    ct_set_requires_grad(x, true);
    ct_tensor *s = ct_add(ct_sum(ct_slice(x, 1, 2, 1, 1)), ct_sum(ct_as_strided(x, CT_SHAPE(0), (int64_t[]){1}, 0)));
    ct_backward(s);
    ck_values(ct_tensor_grad(x), 0, 0, 0, 0, 0, 0);
}
END_TEST

TEST_LIST = {TEST(select_takes_one_index_of_a_dim),
             TEST(narrow_stays_inside),
             TEST(slice_clamps_bounds_as_python_does),
             TEST(diagonal_is_a_view_of_two_dims),
             TEST(as_strided_reaches_all_of_the_storage_and_no_more),
             TEST(gradients_of_parts_are_right_twice),
             TEST(as_strided_shares_gradients_among_names_of_one_element),
             TEST(gradient_of_an_empty_part_is_zero)};
TEST_MAIN("op_part")
