/*
 * Failing the n-th allocation of elementwise ops, reductions and their gradients, for every n: an out-of-memory error, nothing left behind (the harness counts
 * blocks), in-place arguments as they were.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

typedef ct_tensor *(*step)(ct_tensor *x, ct_tensor *m);

static ct_tensor *arithmetic(ct_tensor *x, ct_tensor *m) { return ct_mul(ct_add(x, ct_t(x)), ct_where(m, ct_exp(x), ct_pow_scalar(x, 3))); }
static ct_tensor *limits(ct_tensor *x, ct_tensor *m) { return ct_masked_fill(ct_clamp(ct_maximum(x, ct_t(x)), 0, 2), m, 1); }
static ct_tensor *division(ct_tensor *x, ct_tensor *m) { return (void)m, ct_atan2(ct_remainder(x, ct_abs(x)), ct_div(x, ct_t(x))); }
static ct_tensor *sums(ct_tensor *x, ct_tensor *m) { return (void)m, ct_add(ct_logsumexp(x, CT_DIMS(1), NULL), ct_var_dim(x, CT_DIMS(0), NULL)); }
static ct_tensor *norms(ct_tensor *x, ct_tensor *m) { return (void)m, ct_add(ct_norm(x, 3, NULL, 0, NULL), ct_norm(x, 1e300 * 1e300, NULL, 0, NULL)); }
static ct_tensor *extrema(ct_tensor *x, ct_tensor *m) {
    ct_tensor *at;
    (void)m;
    return ct_add(ct_add(ct_max_dim(x, 1, NULL, &at), ct_amin(x, CT_DIMS(0), NULL)), ct_prod_dim(x, 0, NULL));
}
static ct_tensor *copies(ct_tensor *x, ct_tensor *m) {
    ct_tensor *y = ct_clone(x);
    ct_mul_(y, ct_t(x));
    ct_masked_fill_(y, m, 2);
    ct_copy_(ct_select(y, 0, 0), ct_select(y, 0, 1));
    return ct_cumsum(ct_to(ct_contiguous(ct_t(y), CT_FORMAT_CONTIGUOUS), CT_F32), 0);
}
static ct_tensor *created(ct_tensor *x, ct_tensor *m) {
    (void)m;
    return ct_mul(ct_add(ct_linspace(0, 1, 3, CT_F64), ct_to(ct_randperm(3, CT_I32, NULL), CT_F64)),
                  ct_mul(x, ct_to(ct_multinomial(ct_ones(CT_SHAPE(3), CT_F64), 3, NULL), CT_F64)));
}

START_TEST(a_failed_allocation_leaves_nothing_behind) {
    static const step steps[] = {arithmetic, limits, division, sums, norms, extrema, copies, created};
    int failures = 0;
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++)
        for (int64_t n = 1;; n++) {
            ct_scope scope = ct_scope_begin();
            ct_tensor *x = test_f64((double[]){0.5, 1, 2, 3, 0.25, 1.5, 1.25, 0.75, 4}, CT_SHAPE(3, 3)), *g = NULL;
            ct_tensor *m = ct_to(test_i64((double[]){1, 0, 1, 0, 0, 1, 1, 1, 0}, CT_SHAPE(3, 3)), CT_BOOL);
            ct_set_requires_grad(x, true);
            ck_ok();
            ct_memory_fail_at(n);
            ct_tensor *y = ct_sum(steps[s](x, m));
            ct_status status = ct_grad(&y, 1, &x, 1, NULL, &g);
            ct_memory_fail_at(0);
            bool done = ct_ok();
            if (!done) {
                ck_assert_int_eq(ct_error_status(), CT_ERR_OUT_OF_MEMORY);
                ck_assert_int_eq(status, CT_ERR_OUT_OF_MEMORY);
                ck_assert_ptr_null(g);
                failures++;
            }
            ct_error_clear();
            ck_values(x, 0.5, 1, 2, 3, 0.25, 1.5, 1.25, 0.75, 4);
            ct_scope_end(scope);
            if (done) break;
        }
    ck_assert_int_gt(failures, 200);
}
END_TEST

START_TEST(in_place_forms_that_fail_change_nothing) {
    for (int64_t n = 1;; n++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *x = test_f64((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2)), *leaf = ct_ones(CT_SHAPE(2, 2), CT_F64);
        ct_set_requires_grad(leaf, true);
        ct_memory_fail_at(n);
        ct_status status = ct_mul_(x, leaf);
        if (status == CT_OK) status = ct_add_(x, ct_t(x));
        ct_memory_fail_at(0);
        ct_error_clear();
        if (status != CT_OK && ct_version_of(x) == 0) ck_values(x, 1, 2, 3, 4);
        if (status != CT_OK && ct_version_of(x) == 1) ck_values(x, 1, 2, 3, 4); /* times ones */
        if (status == CT_OK) ck_values(x, 2, 5, 5, 8);
        ct_scope_end(scope);
        if (status == CT_OK) break;
        ck_assert_int_eq(status, CT_ERR_OUT_OF_MEMORY);
    }
}
END_TEST

TEST_LIST = {TEST(a_failed_allocation_leaves_nothing_behind), TEST(in_place_forms_that_fail_change_nothing)};
TEST_MAIN("elementwise_memory")
