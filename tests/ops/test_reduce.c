/* Reductions against PyTorch's values and gradients, in every layout; extrema and their indices; NaN, empty and rank 0; splitting among threads. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

#include "golden_reduce.inc"

enum { CASES = sizeof golden / sizeof golden[0] };
typedef struct call { size_t i; bool keepdim; } call;

static ct_tensor *apply(ct_tensor *const *in, int n_in, void *user) {
    (void)n_in;
    const call *c = user;
    const int64_t *d = golden[c->i].dims;
    const int n = golden[c->i].n;
    const ct_reduce_options o = {.keepdim = c->keepdim};
    switch (golden[c->i].kind) {
    case SUM: return ct_sum_dim(in[0], d, n, &o);
    case MEAN: return ct_mean_dim(in[0], d, n, &o);
    case VAR: return ct_var_dim(in[0], d, n, &(ct_var_options){.keepdim = c->keepdim});
    case STD0: return ct_std_dim(in[0], d, n, &(ct_var_options){.correction = ct_some_f64(0), .keepdim = c->keepdim});
    case AMAX: return ct_amax(in[0], d, n, &o);
    case AMIN: return ct_amin(in[0], d, n, &o);
    case LOGSUMEXP: return ct_logsumexp(in[0], d, n, &o);
    case NORM1: return ct_norm(in[0], 1, d, n, &o);
    case NORM2: return ct_norm(in[0], 2, d, n, &o);
    case NORM3: return ct_norm(in[0], 3, d, n, &o);
    case NORM_HALF: return ct_norm(in[0], 0.5, d, n, &o);
    case NORM_INF: return ct_norm(in[0], INFINITY, d, n, &o);
    case PROD: return ct_prod_dim(in[0], d[0], &o);
    case MAX_DIM: return ct_max_dim(in[0], d[0], &o, NULL);
    case MIN_DIM: return ct_min_dim(in[0], d[0], &o, NULL);
    case CUMSUM: return ct_cumsum(in[0], d[0]);
    default: return NULL;
    }
}

static void check(const call *c, ct_tensor *x) {
    ct_tensor *y = apply(&x, 1, (void *)(uintptr_t)c), *g, *seed = ct_reshape(ct_arange(1, golden[c->i].ny + 1, 1, CT_F64), ct_sizes(y), ct_ndim(y));
    test_values("golden_reduce.inc, y", (int)c->i, y, golden[c->i].y, golden[c->i].ny, 1e-13, 1e-13);
    ck_assert_int_eq(ct_grad(&y, 1, &x, 1, &(ct_grad_options){.grad_outputs = &seed}, &g), CT_OK);
    test_values("golden_reduce.inc, gx", (int)c->i, g, golden[c->i].gx, 24, 1e-12, 1e-12);
}

START_TEST(values_and_gradients_are_pytorchs) {
    for (size_t i = 0; i < CASES; i++)
        for (int keepdim = 0; keepdim < 2; keepdim++) {
            ct_tensor *x = test_f64(golden_x, CT_SHAPE(2, 3, 4));
            ct_set_requires_grad(x, true);
            check(&(call){i, keepdim}, x);
            ct_scope_clear_root();
        }
}
END_TEST

START_TEST(strides_do_not_matter) {
    for (size_t i = 0; i < CASES; i++) {
        ct_tensor *x = test_f64(golden_x, CT_SHAPE(2, 3, 4));
        ct_tensor *t = ct_detach(ct_permute(ct_contiguous(ct_permute(x, CT_DIMS(2, 0, 1)), CT_FORMAT_CONTIGUOUS), CT_DIMS(1, 2, 0)));
        ct_set_requires_grad(t, true);
        check(&(call){i, false}, t);
        ct_tensor *room = ct_zeros(CT_SHAPE(4, 3, 8), CT_F64);
        ct_tensor *part = ct_detach(ct_slice(ct_slice(room, 0, 0, CT_DIM_NONE, 2), 2, 1, CT_DIM_NONE, 2));
        ck_assert_int_eq(ct_copy_(part, x), CT_OK);
        ct_set_requires_grad(part, true);
        check(&(call){i, false}, part);
        ct_scope_clear_root();
    }
}
END_TEST

START_TEST(gradients_and_their_gradients_match_differences) {
    for (size_t i = 0; i < CASES; i++) {
        double v[24];
        for (int k = 0; k < 24; k++) v[k] = 0.4 + (k * 7 % 24) / 8.0; /* no ties, no zeros */
        ct_tensor *x = test_f64(v, CT_SHAPE(2, 3, 4));
        ct_set_requires_grad(x, true);
        ck_assert_msg(ct_gradcheck(apply, &(call){i, i % 2}, &x, 1, NULL) == CT_OK, "%zu: %s", i, ct_error_message());
        ck_assert_msg(ct_gradgradcheck(apply, &(call){i, i % 2}, &x, 1, NULL) == CT_OK, "%zu: %s", i, ct_error_message());
        ct_scope_clear_root();
    }
}
END_TEST

START_TEST(all_elements) {
    ct_tensor *x = test_f64(golden_x, CT_SHAPE(2, 3, 4)), *one = ct_full(NULL, 0, 3, CT_F32);
    double sum = 0, squares = 0, product = 1;
    for (int i = 0; i < 24; i++) sum += golden_x[i], product *= golden_x[i] + 3, squares += golden_x[i] * golden_x[i];
    ck_values(ct_sum(x), sum);
    ck_values_close(ct_mean(x), 1e-15, sum / 24);
    ck_values_close(ct_prod(ct_add_scalar(x, 3)), 1e-13, product);
    ck_values_close(ct_var(x, NULL), 1e-14, (squares - sum * sum / 24) / 23);
    ck_values_close(ct_std(x, &(ct_var_options){.correction = ct_some_f64(0)}), 1e-14, sqrt((squares - sum * sum / 24) / 24));
    ck_values(ct_max(x), 2.5);
    ck_values(ct_min(x), -2.5);
    ck_values_close(ct_norm(x, 2, NULL, 0, NULL), 1e-15, sqrt(squares));
    ck_values(ct_norm(x, 0, NULL, 0, NULL), (double)ct_item_i64(ct_count_nonzero(x, NULL, 0)));
    ck_values(ct_sum(one), 3);
    ck_values(ct_var(one, NULL), NAN);
    ck_values(ct_cumsum(one, 0), 3);
    ck_values(ct_sum_dim(one, CT_DIMS(-1), NULL), 3);
    ck_values(ct_max_dim(one, 0, NULL, NULL), 3);
    ck_assert_int_eq(ct_ndim(ct_sum_dim(x, NULL, 0, NULL)), 0); /* no dims named: all */
    ck_sizes(ct_sum_dim(x, NULL, 0, &(ct_reduce_options){.keepdim = true}), 1, 1, 1);
}
END_TEST

START_TEST(integers_and_bools) {
    ct_tensor *u = ct_full_int(CT_SHAPE(300), 200, CT_U8), *b = ct_to(test_i64((double[]){1, 0, 1}, CT_SHAPE(3)), CT_BOOL);
    ck_values(ct_sum(u), 60000);
    ck_assert_int_eq(ct_tensor_dtype(ct_sum(u)), CT_I64);
    ck_values(ct_sum(b), 2);
    ck_values(ct_prod(b), 0);
    ck_values(ct_cumsum(b, 0), 1, 1, 2);
    ck_assert_int_eq(ct_tensor_dtype(ct_cumsum(b, 0)), CT_I64);
    ck_values(ct_max(b), 1);
    ck_assert_int_eq(ct_tensor_dtype(ct_amin(b, NULL, 0, NULL)), CT_BOOL);
    ck_assert(ct_item_i64(ct_sum(ct_full_int(CT_SHAPE(2), INT64_MAX, CT_I64))) == -2); /* wraps */
    ck_values_close(ct_logsumexp(ct_zeros(CT_SHAPE(4), CT_I32), NULL, 0, NULL), 1e-6, 1.3862943611198906);
    ck_assert_int_eq(ct_tensor_dtype(ct_all(u)), CT_U8);
    ck_assert_int_eq(ct_tensor_dtype(ct_all(b)), CT_BOOL);
}
END_TEST

START_TEST(all_any_and_count) {
    ct_tensor *x = test_f32((double[]){1, 0, NAN, 2, 3, 4}, CT_SHAPE(2, 3));
    ck_values(ct_all(x), 0);
    ck_values(ct_any(x), 1);
    ck_values(ct_all_dim(x, 1, NULL), 0, 1);
    ck_values(ct_any_dim(ct_sub(x, x), 0, NULL), 0, 0, 1);
    ck_sizes(ct_all_dim(x, 0, &(ct_reduce_options){.keepdim = true}), 1, 3);
    ck_values(ct_all(ct_zeros(CT_SHAPE(0), CT_F32)), 1);
    ck_values(ct_any(ct_zeros(CT_SHAPE(0), CT_F32)), 0);
    ck_values(ct_count_nonzero(x, NULL, 0), 5);
    ck_values(ct_count_nonzero(x, CT_DIMS(0)), 2, 1, 2);
}
END_TEST

START_TEST(extrema_take_the_first_index_and_nan_wins) {
    ct_tensor *x = test_f32((double[]){1, 3, 3, NAN, 2, NAN, -1, -1, 0}, CT_SHAPE(3, 3)), *at;
    ck_values(ct_max_dim(x, 1, NULL, &at), 3, NAN, 0);
    ck_values(at, 1, 0, 2);
    ck_values(ct_min_dim(x, 1, NULL, &at), 1, NAN, -1);
    ck_values(at, 0, 0, 0);
    ck_values(ct_argmax(x, 0, NULL), 1, 0, 1);
    ck_values(ct_argmin(x, -1, NULL), 0, 0, 0);
    ck_values(ct_argmax(x, CT_DIM_NONE, NULL), 3);
    ck_sizes(ct_argmax(x, CT_DIM_NONE, &(ct_reduce_options){.keepdim = true}), 1, 1);
    ck_values(ct_argmax(ct_t(x), CT_DIM_NONE, NULL), 1); /* row-major, whatever the strides: column 1, row 0 of x is the NaN at (1, 0) */
    ck_values(ct_amax(x, CT_DIMS(1), NULL), 3, NAN, 0);
    ck_values(ct_max(x), NAN);
    ck_values(ct_max_dim(ct_full(CT_SHAPE(4), -INFINITY, CT_F64), 0, NULL, &at), -INFINITY);
    ck_values(at, 0);
    ct_tensor *tied = ct_zeros(CT_SHAPE(100000), CT_F32); /* over all threads the first */
    ck_values(ct_argmax(tied, 0, NULL), 0);
    ck_assert_int_eq(ct_fill_(ct_narrow(tied, 0, 60000, 40000), 1), CT_OK);
    ck_values(ct_argmax(tied, CT_DIM_NONE, NULL), 60000);
}
END_TEST

START_TEST(the_full_extremum_shares_its_gradient) {
    ct_tensor *x = test_f64((double[]){1, 3, 3, 0}, CT_SHAPE(4)), *g, *y;
    ct_set_requires_grad(x, true);
    y = ct_max(x);
    ck_assert_int_eq(ct_grad(&y, 1, &x, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 0.5, 0.5, 0);
    y = ct_min(x);
    ck_assert_int_eq(ct_grad(&y, 1, &x, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 0, 0, 1);
}
END_TEST

static ct_tensor *product(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return *(int *)user < 0 ? ct_prod(in[0]) : ct_prod_dim(in[0], *(int *)user, NULL);
}
START_TEST(products_beside_zeros_have_gradients_of_every_order) {
    for (int dim = -1; dim < 2; dim++) {
        ct_tensor *x = test_f64((double[]){2, 0, 3, 0, 0, 5, 1.5, 2.5, -1}, CT_SHAPE(3, 3));
        ct_set_requires_grad(x, true);
        ck_assert_msg(ct_gradcheck(product, &dim, &x, 1, NULL) == CT_OK, "%s", ct_error_message());
        ck_assert_msg(ct_gradgradcheck(product, &dim, &x, 1, NULL) == CT_OK, "%s", ct_error_message());
    }
}
END_TEST

START_TEST(norms_have_a_subgradient_of_zero_at_zero) {
    const double orders[] = {0, 0.5, 1, 1.5, 2, 3, INFINITY};
    for (int i = 0; i < 7; i++) {
        ct_tensor *x = ct_zeros(CT_SHAPE(3), CT_F64), *g;
        ct_set_requires_grad(x, true);
        ct_tensor *y = ct_norm(x, orders[i], NULL, 0, NULL);
        ck_values(y, 0);
        ck_assert_int_eq(ct_grad(&y, 1, &x, 1, NULL, &g), CT_OK);
        ck_values(g, 0, 0, 0);
    }
    ck_values_close(ct_norm(ct_full(CT_SHAPE(4), 1e30, CT_F32), 2, NULL, 0, NULL), 1e-6, 2e30); /* the squares overflow f32 */
}
END_TEST

START_TEST(infinities_in_logsumexp) {
    ck_values(ct_logsumexp(test_f64((double[]){INFINITY, 1}, CT_SHAPE(2)), NULL, 0, NULL), INFINITY);
    ck_values(ct_logsumexp(ct_full(CT_SHAPE(2), -INFINITY, CT_F64), NULL, 0, NULL), -INFINITY);
    ck_values(ct_logsumexp(test_f64((double[]){NAN, 1}, CT_SHAPE(2)), NULL, 0, NULL), NAN);
    ck_values(ct_logsumexp(ct_zeros(CT_SHAPE(2, 0), CT_F64), CT_DIMS(1), NULL), -INFINITY, -INFINITY);
    ck_values_close(ct_logsumexp(test_f64((double[]){1000, 1000}, CT_SHAPE(2)), NULL, 0, NULL), 1e-14, 1000.6931471805599);
}
END_TEST

START_TEST(reductions_of_nothing) {
    ct_tensor *none = ct_zeros(CT_SHAPE(2, 0), CT_F32);
    ck_values(ct_sum(none), 0);
    ck_values(ct_prod(none), 1);
    ck_values(ct_mean(none), NAN);
    ck_values(ct_var(none, NULL), NAN);
    ck_values(ct_sum_dim(none, CT_DIMS(1), NULL), 0, 0);
    ck_sizes(ct_sum_dim(none, CT_DIMS(0), NULL), 0);
    ck_sizes(ct_amax(none, CT_DIMS(0), NULL), 0);
    ck_sizes(ct_cumsum(none, 1), 2, 0);
    ck_values(ct_norm(none, 2, CT_DIMS(1), NULL), 0, 0);
}
END_TEST

START_TEST(sums_stay_exact_over_many_elements) {
    const int64_t n = 1 << 22;
    ct_tensor *x = ct_full(&n, 1, 0.1, CT_F32);
    double want = (double)n * (double)0.1f;
    ck_assert_msg(fabs(ct_item_f64(ct_sum(x)) - want) <= 1e-6 * want, "%.9g, want %.9g", ct_item_f64(ct_sum(x)), want);
    ck_assert(fabs(ct_item_f64(ct_mean(x)) - (double)0.1f) <= 2e-7 * 0.1);
    ct_tensor *columns = ct_reshape(x, CT_SHAPE(1 << 20, 4));
    ck_values_close(ct_sum_dim(columns, CT_DIMS(0), NULL), 1e-6, want / 4, want / 4, want / 4, want / 4);
    ck_values_close(ct_var(ct_add_scalar(ct_to(ct_arange(0, 1000, 1, CT_F32), CT_F32), 1e6), NULL), 1e-6, 1000.0 * 1001 / 12);
}
END_TEST

START_TEST(results_are_the_same_from_run_to_run_and_close_for_any_thread_count) {
    int threads = ct_get_num_threads();
    ct_manual_seed(3);
    ct_tensor *x = ct_randn(CT_SHAPE(100, 1000), CT_F32, NULL);
    for (int t = 1; t <= 4; t++) {
        ck_assert_int_eq(ct_set_num_threads(t), CT_OK);
        ck_assert(ct_equal(ct_sum(x), ct_sum(x)));
        ck_assert(ct_equal(ct_var_dim(x, CT_DIMS(0), NULL), ct_var_dim(x, CT_DIMS(0), NULL)));
        ck_close(ct_sum(x), ct_to(ct_sum(ct_to(x, CT_F64)), CT_F32), 1e-6, 1e-4);
        ck_close(ct_var(x, NULL), ct_to(ct_var(ct_to(x, CT_F64), NULL), CT_F32), 1e-6, 0);
        ck_close(ct_max(x), ct_amax(ct_amax(x, CT_DIMS(1), NULL), CT_DIMS(0), NULL), 0, 0);
    }
    ck_assert_int_eq(ct_set_num_threads(threads), CT_OK);
}
END_TEST

START_TEST(errors_say_what_was_wrong) {
    ct_tensor *x = ct_zeros(CT_SHAPE(2, 3), CT_F32), *i = ct_zeros(CT_SHAPE(2), CT_I64), *none = ct_zeros(CT_SHAPE(2, 0), CT_F32), *at = x;
    ck_assert_ptr_null(ct_sum_dim(x, CT_DIMS(2), NULL));
    ck_error(CT_ERR_INDEX, "ct_sum_dim: dim 2 is out of range");
    ck_assert_ptr_null(ct_sum_dim(x, CT_DIMS(0, -2), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sum_dim: dim 0 appears twice");
    ck_assert_ptr_null(ct_mean(i));
    ck_error(CT_ERR_DTYPE, "ct_mean: wants floating point, not int64");
    ck_assert_ptr_null(ct_var(i, NULL));
    ck_error(CT_ERR_DTYPE, "ct_var: wants floating point");
    ck_assert_ptr_null(ct_norm(i, 2, NULL, 0, NULL));
    ck_error(CT_ERR_DTYPE, "ct_norm: wants floating point");
    ck_assert_ptr_null(ct_norm(x, NAN, NULL, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_norm: ord is NaN");
    ck_assert_ptr_null(ct_norm(none, INFINITY, CT_DIMS(1), NULL));
    ck_error(CT_ERR_INDEX, "ct_norm: dim 1 is empty");
    ck_assert_ptr_null(ct_max(none));
    ck_error(CT_ERR_INDEX, "ct_max: dim 1 is empty and has no extremum");
    ck_assert_ptr_null(ct_max_dim(none, 1, NULL, &at));
    ck_assert_ptr_null(at);
    ck_error(CT_ERR_INDEX, "ct_max_dim: dim 1 is empty");
    ck_assert_ptr_null(ct_argmax(ct_zeros(CT_SHAPE(2), CT_BOOL), 0, NULL));
    ck_error(CT_ERR_DTYPE, "ct_argmax: not for bool tensors");
    ck_assert_ptr_null(ct_argmin(x, 5, NULL));
    ck_error(CT_ERR_INDEX, "ct_argmin: dim 5 is out of range");
    ck_assert_ptr_null(ct_sum_dim(x, CT_DIMS(0), &(ct_reduce_options){.reserved = {0, 1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sum_dim");
    ck_assert_ptr_null(ct_cumsum(x, 2));
    ck_error(CT_ERR_INDEX, "ct_cumsum: dim 2 is out of range");
    ck_assert_ptr_null(ct_sum(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sum: tensor argument 1 is NULL");
}
END_TEST

TEST_LIST = {TEST(values_and_gradients_are_pytorchs), TEST(strides_do_not_matter), TEST(gradients_and_their_gradients_match_differences), TEST(all_elements),
             TEST(integers_and_bools), TEST(all_any_and_count), TEST(extrema_take_the_first_index_and_nan_wins), TEST(the_full_extremum_shares_its_gradient),
             TEST(products_beside_zeros_have_gradients_of_every_order), TEST(norms_have_a_subgradient_of_zero_at_zero), TEST(infinities_in_logsumexp),
             TEST(reductions_of_nothing), TEST(sums_stay_exact_over_many_elements), TEST(results_are_the_same_from_run_to_run_and_close_for_any_thread_count),
             TEST(errors_say_what_was_wrong)};
TEST_MAIN("op_reduce")
