/* Jacobians, Hessians and their products. Expected values are what torch.autograd.functional of PyTorch 2.13 gives. */
#include "support/test.h"

#include <ctorch/ctorch.h>

/* (x.sum() * w * w, x * x) */
static ct_status two(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)n_in, (void)n_out, (void)user;
    out[0] = ct_mul(ct_sum(in[0]), ct_mul(in[1], in[1]));
    out[1] = ct_mul(in[0], in[0]);
    return ct_error_status();
}
/* x.sum()**3 * w.prod() */
static ct_tensor *cubic(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(ct_pow_scalar_int(ct_sum(in[0]), 3), ct_prod(in[1]));
}
static ct_tensor *doubled(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_mul_scalar(in[0], 2); }
static ct_tensor *sum_of_doubled(ct_tensor *const *in, int n, void *user) { return ct_sum(doubled(in, n, user)); }
static ct_tensor *constant(ct_tensor *const *in, int n, void *user) { return (void)in, (void)n, (void)user, ct_ones(CT_SHAPE(3), CT_F64); }
static ct_tensor *itself(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, in[0]; }
static ct_tensor *cube(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_pow_scalar_int(in[0], 3); }
static ct_tensor *halved_precision(ct_tensor *const *in, int n, void *user) { return (void)user, ct_to(doubled(in, n, NULL), CT_F32); }
static ct_tensor *as_integers(ct_tensor *const *in, int n, void *user) { return (void)user, ct_to(doubled(in, n, NULL), CT_I64); }
static ct_tensor *nothing(ct_tensor *const *in, int n, void *user) { return (void)in, (void)n, (void)user, NULL; }
static ct_tensor *first_none(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_slice(in[0], 0, 0, 0, 1); }

#define X() test_f64((double[]){1, 2}, CT_SHAPE(2))
#define W() test_f64((double[]){3, 4, 5}, CT_SHAPE(3))
#define ONES3() test_f64((double[]){1, 1, 1}, CT_SHAPE(3))

static const ct_functional_options strict = {.strict = true}, graph = {.create_graph = true}, strict_graph = {.strict = true, .create_graph = true};

START_TEST(jacobian_of_two_results_and_two_inputs) {
    ct_tensor *in[] = {X(), W()}, *j[4];
    ck_assert(ct_jacobian_n(two, NULL, in, 2, 2, NULL, j) == CT_OK);
    ck_sizes(j[0], 3, 2);
    ck_values(j[0], 9, 9, 16, 16, 25, 25);
    ck_values(j[1], 18, 0, 0, 0, 24, 0, 0, 0, 30);
    ck_values(j[2], 2, 0, 0, 4);
    ck_sizes(j[3], 2, 3);
    ck_values(j[3], 0, 0, 0, 0, 0, 0);
    for (int i = 0; i < 4; i++) ck_assert(!ct_requires_grad(j[i]));
    ck_assert(ct_jacobian_n(two, NULL, in, 2, 2, &strict, j) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_jacobian_n: result 1 does not depend on input 1 (.strict)");
    ck_assert_ptr_null(j[0]);
    ck_assert(!ct_requires_grad(in[0]));
    ck_assert_ptr_null(ct_tensor_grad(in[0]));
}
END_TEST

START_TEST(jacobian_with_a_graph_reaches_the_programs_tensors) {
    ct_tensor *x = X(), *j, *g;
    ct_set_requires_grad(x, true);
    ck_assert(ct_jacobian(cube, NULL, &x, 1, &graph, &j) == CT_OK);
    ck_values(j, 3, 0, 0, 12);
    ct_tensor *sum = ct_sum(j);
    ct_grad(&sum, 1, &x, 1, NULL, &g);
    ck_ok();
    ck_values(g, 6, 12);
    ct_tensor *in[] = {X(), W()}, *all[4];
    ct_jacobian_n(two, NULL, in, 2, 2, &graph, all);
    ck_ok();
    ck_assert(ct_requires_grad(all[0]) && ct_requires_grad(all[2]) && !ct_requires_grad(all[3]));
    ck_values(all[1], 18, 0, 0, 0, 24, 0, 0, 0, 30);
}
END_TEST

START_TEST(jacobian_of_constants_and_linear_functions) {
    ct_tensor *x = X(), *j;
    ct_jacobian(constant, NULL, &x, 1, NULL, &j);
    ck_ok();
    ck_sizes(j, 3, 2);
    ck_values(j, 0, 0, 0, 0, 0, 0);
    ct_jacobian(itself, NULL, &x, 1, NULL, &j);
    ck_values(j, 1, 0, 0, 1);
    ct_jacobian(constant, NULL, &x, 1, &strict, &j);
    ck_error(CT_ERR_AUTOGRAD, "ct_jacobian: result 0 does not require grad");
    ct_jacobian(doubled, NULL, &x, 1, &strict_graph, &j);
    ck_error(CT_ERR_AUTOGRAD, "the derivative with respect to input 0 does not depend on the inputs");
    ct_jacobian(halved_precision, NULL, &x, 1, NULL, &j);
    ck_ok();
    ck_assert_int_eq(ct_tensor_dtype(j), CT_F64);
    ck_values(j, 2, 0, 0, 2);
    ct_jacobian(as_integers, NULL, &x, 1, NULL, &j);
    ck_values(j, 0, 0, 0, 0);
}
END_TEST

START_TEST(jacobian_of_empty_and_rank_0_tensors) {
    ct_tensor *none = ct_zeros(CT_SHAPE(0, 2), CT_F32), *x = X(), *s = ct_scalar_tensor(2, CT_F64), *j;
    ct_jacobian(sum_of_doubled, NULL, &none, 1, NULL, &j);
    ck_sizes(j, 0, 2);
    for (int i = 0; i < 2; i++) {
        ct_jacobian(first_none, NULL, &x, 1, i ? &graph : NULL, &j);
        ck_ok();
        ck_sizes(j, 0, 2);
    }
    ct_jacobian(cube, NULL, &s, 1, NULL, &j);
    ck_assert_int_eq(ct_ndim(j), 0);
    ck_values(j, 12);
    ct_hessian(cube, NULL, &s, 1, NULL, &j);
    ck_values(j, 12);
}
END_TEST

START_TEST(hessian) {
    ct_tensor *in[] = {X(), W()}, *h[4], *x = X();
    ck_assert(ct_hessian(cubic, NULL, in, 2, NULL, h) == CT_OK);
    ck_sizes(h[1], 2, 3);
    ck_values_close(h[0], 1e-12, 1080, 1080, 1080, 1080);
    ck_values_close(h[1], 1e-12, 540, 405, 324, 540, 405, 324);
    ck_values_close(h[2], 1e-12, 540, 540, 405, 405, 324, 324);
    ck_values_close(h[3], 1e-12, 0, 135, 108, 135, 0, 81, 108, 81, 0);
    ct_hessian(sum_of_doubled, NULL, &x, 1, NULL, h);
    ck_values(h[0], 0, 0, 0, 0);
    ct_hessian(sum_of_doubled, NULL, &x, 1, &strict, h);
    ck_error(CT_ERR_AUTOGRAD, "ct_hessian: the gradient with respect to input 0 does not depend on the inputs, as that of a linear function");
    ct_hessian(itself, NULL, &x, 1, NULL, h);
    ck_error(CT_ERR_SHAPE, "ct_hessian: the function's result must have one element, it is [2]");
}
END_TEST

START_TEST(products_with_vectors) {
    ct_tensor *in[] = {X(), W()}, *v3[] = {ONES3(), X()}, *v2[] = {X(), ONES3()}, *out[2], *r[2], *one;
    ck_assert(ct_vjp_n(two, NULL, in, 2, v3, 2, NULL, out, r) == CT_OK);
    ck_values(out[0], 27, 48, 75);
    ck_values(out[1], 1, 4);
    ck_values(r[0], 52, 58);
    ck_values(r[1], 18, 24, 30);
    ck_assert(!ct_requires_grad(out[0]));
    ck_assert(ct_jvp_n(two, NULL, in, 2, v2, 2, NULL, NULL, r) == CT_OK);
    ck_values(r[0], 45, 72, 105);
    ck_values(r[1], 2, 8);
    ck_assert(ct_hvp(cubic, NULL, in, 2, v2, NULL, &one, r) == CT_OK);
    ck_values_close(one, 1e-12, 1620);
    ck_values_close(r[0], 1e-12, 4509, 4509);
    ck_values_close(r[1], 1e-12, 1863, 1431, 1161);
    ck_assert(ct_vhp(cubic, NULL, in, 2, v2, NULL, NULL, r) == CT_OK);
    ck_values_close(r[0], 1e-12, 4509, 4509);
    ck_values_close(r[1], 1e-12, 1863, 1431, 1161);
    ct_vjp(cubic, NULL, in, 2, NULL, NULL, NULL, r);
    ck_ok();
    ck_values_close(r[1], 1e-12, 540, 405, 324);
    ct_tensor *x = X(), *s = ct_scalar_tensor(2, CT_F64), *ones = test_f64((double[]){1, 1}, CT_SHAPE(2));
    ct_jvp(doubled, NULL, &x, 1, &ones, &strict, &one, r);
    ck_values(one, 2, 4);
    ck_values(r[0], 2, 2);
    ct_jvp(cube, NULL, &s, 1, NULL, NULL, NULL, r);
    ck_values(r[0], 12);
    ct_hvp(sum_of_doubled, NULL, &x, 1, &ones, NULL, NULL, r);
    ck_values(r[0], 0, 0);
    ct_vhp(sum_of_doubled, NULL, &x, 1, &ones, NULL, NULL, r);
    ck_values(r[0], 0, 0);
    ct_jvp(halved_precision, NULL, &x, 1, &x, NULL, NULL, r);
    ck_assert_int_eq(ct_tensor_dtype(r[0]), CT_F32);
    ck_values(r[0], 2, 4);
    ck_ok();
}
END_TEST

START_TEST(products_can_be_differentiated) {
    ct_tensor *x = X(), *v = test_f64((double[]){1, 3}, CT_SHAPE(2)), *r, *g;
    ct_set_requires_grad(x, true);
    ct_jvp(cube, NULL, &x, 1, &v, &graph, NULL, &r); /* 3 x^2 v */
    ct_tensor *sum = ct_sum(r);
    ct_grad(&sum, 1, &x, 1, NULL, &g);
    ck_ok();
    ck_values(g, 6, 36);
    ct_vjp(cube, NULL, &x, 1, v, &graph, NULL, &r);
    sum = ct_sum(r);
    ct_grad(&sum, 1, &x, 1, NULL, &g);
    ck_ok();
    ck_values(g, 6, 36);
}
END_TEST

START_TEST(mistakes) {
    ct_tensor *x = X(), *i = test_i64((double[]){1, 2}, CT_SHAPE(2)), *r[2], *in[] = {X(), W()}, *w = W();
    ck_assert(ct_jacobian(NULL, NULL, &x, 1, NULL, r) == CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_jacobian: the function is NULL");
    ct_jacobian(cube, NULL, &i, 1, NULL, r);
    ck_error(CT_ERR_DTYPE, "ct_jacobian: input 0 is int64; it must be floating point");
    ct_jacobian(cube, NULL, NULL, 1, NULL, r);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_jacobian: 1 inputs at NULL");
    ct_jacobian(cube, NULL, &x, 1, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_jacobian: the place for the results is NULL");
    ct_jacobian(nothing, NULL, &x, 1, NULL, r);
    ck_error(CT_ERR_USER, "ct_jacobian: the function left result 0 NULL");
    ct_vjp(cube, NULL, &x, 1, NULL, NULL, NULL, r);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_vjp: v is NULL for result 0");
    ct_vjp(cube, NULL, &x, 1, w, NULL, NULL, r);
    ck_error(CT_ERR_SHAPE, "ct_vjp: v[0] is a gradient float64 [3] for a tensor float64 [2]");
    ct_jvp_n(two, NULL, in, 2, NULL, 2, NULL, NULL, r);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_jvp: v is NULL for input 0");
    ct_hvp(itself, NULL, &x, 1, &x, NULL, NULL, r);
    ck_error(CT_ERR_SHAPE, "ct_hvp: the function's result must have one element");
}
END_TEST

START_TEST(every_allocation_may_fail) {
    for (int which = 0; which < 3; which++) {
        for (int64_t n = 1;; n++) {
            ct_scope scope = ct_scope_begin();
            ct_tensor *in[] = {X(), W()}, *v[] = {X(), ONES3()}, *r[4];
            ct_memory_fail_at(n);
            if (which == 0) ct_jacobian_n(two, NULL, in, 2, 2, NULL, r);
            if (which == 1) ct_hessian(cubic, NULL, in, 2, &graph, r);
            if (which == 2) ct_hvp(cubic, NULL, in, 2, v, NULL, NULL, r);
            ct_memory_fail_at(0);
            bool done = ct_ok();
            if (!done) {
                ck_assert_ptr_null(r[0]);
                ck_error(CT_ERR_OUT_OF_MEMORY, "");
            }
            ct_scope_end(scope);
            if (done) break;
        }
    }
}
END_TEST

TEST_LIST = {TEST(jacobian_of_two_results_and_two_inputs),
             TEST(jacobian_with_a_graph_reaches_the_programs_tensors),
             TEST(jacobian_of_constants_and_linear_functions),
             TEST(jacobian_of_empty_and_rank_0_tensors),
             TEST(hessian),
             TEST(products_with_vectors),
             TEST(products_can_be_differentiated),
             TEST(mistakes),
             TEST(every_allocation_may_fail)};
TEST_MAIN("functional")
