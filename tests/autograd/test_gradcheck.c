/* gradcheck accepts right gradients and names what is wrong with others. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static ct_tensor *leaf2(const double *v) {
    ct_tensor *t = test_f64(v, CT_SHAPE(2, 2));
    ct_set_requires_grad(t, true);
    return t;
}
static ct_tensor *product(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_exp(ct_mul(in[0], ct_t(in[1]))); }
static ct_tensor *detached_square(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_mul(in[0], ct_detach(in[0])); }
static ct_tensor *constant(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_detach(in[0]); }
static ct_tensor *flat(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_mul_scalar(ct_detach(in[0]), 0); }
static ct_tensor *none(ct_tensor *const *in, int n, void *user) { return (void)in, (void)n, (void)user, NULL; }
static ct_tensor *sign_of(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_gt_scalar(in[0], 0); }
static ct_tensor *drifting(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return ct_mul_scalar(in[0], 1 + 1e-9 * ++*(int *)user);
}
static ct_tensor *linear(ct_tensor *const *in, int n, void *user) { return (void)n, (void)user, ct_mul_scalar(in[0], 3); }

START_TEST(right_gradients_pass) {
    ct_tensor *in[] = {leaf2((double[]){0.1, -0.2, 0.3, 0.4}), leaf2((double[]){0.5, 0.6, -0.7, 0.8})};
    ck_assert(ct_gradcheck(product, NULL, in, 2, NULL) == CT_OK);
    ck_ok();
    ck_assert(ct_gradgradcheck(product, NULL, in, 2, NULL) == CT_OK);
    ck_ok();
    ck_values(in[0], 0.1, -0.2, 0.3, 0.4); /* as it was */
    ct_tensor *view[] = {ct_t(in[0]), ct_detach(in[1])}; /* strided, not a leaf; and one without gradient */
    ck_assert(ct_gradcheck(product, NULL, view, 2, NULL) == CT_OK);
    ck_assert(ct_gradcheck(linear, NULL, in, 1, &(ct_gradcheck_options){.rtol = ct_some_f64(0), .atol = 1e-8}) == CT_OK);
    ck_assert(ct_gradgradcheck(linear, NULL, in, 1, NULL) == CT_OK);
    ck_assert(ct_gradcheck(flat, NULL, in, 1, NULL) == CT_OK);
    ck_ok();
    ck_assert_ptr_null(ct_tensor_grad(in[0]));
}
END_TEST

START_TEST(a_wrong_gradient_is_named) {
    ct_tensor *x = leaf2((double[]){0, 0, 2, 3});
    ck_assert(ct_gradcheck(detached_square, NULL, &x, 1, NULL) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_gradcheck: input 0, element 2 [1, 0], output 0, element 2: backward gives 2, differences give 4");
    ck_assert(ct_gradcheck(constant, NULL, &x, 1, NULL) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "input 0, element 0 [0, 0], output 0, element 0: backward gives 0, differences give 1");
    ck_assert(ct_gradgradcheck(detached_square, NULL, &x, 1, NULL) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_gradgradcheck: input 0, element 0 [0, 0], output 0, element 0: backward gives 0, differences give");
    ck_values(x, 0, 0, 2, 3);
}
END_TEST

START_TEST(a_gradient_that_changes_is_named) {
    int calls = 0;
    ct_tensor *x = leaf2((double[]){1, 1, 2, 3});
    ck_assert(ct_gradcheck(drifting, &calls, &x, 1, &(ct_gradcheck_options){.eps = 1, .atol = 1e-3}) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "a second backward gives");
    ck_assert(ct_gradcheck(drifting, &calls, &x, 1, &(ct_gradcheck_options){.eps = 1, .atol = 1e-3, .nondet_tol = 1e-3}) == CT_OK);
}
END_TEST

START_TEST(what_gradcheck_does_not_take) {
    ct_tensor *x = leaf2((double[]){1, 1, 2, 3}), *plain = ct_detach(x), *f = test_f32((double[]){1}, CT_SHAPE(1)), *e = ct_expand(ct_slice(x, 1, 0, 1, 1), CT_SHAPE(2, 3));
    ct_set_requires_grad(f, true);
    ct_gradcheck(linear, NULL, &plain, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gradcheck: no input requires grad");
    ct_gradcheck(linear, NULL, &f, 1, NULL);
    ck_error(CT_ERR_DTYPE, "ct_gradcheck: input 0 is float32; differences need float64");
    ct_gradcheck(linear, NULL, &e, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "elements of input 0 lie at the same address");
    ct_gradcheck(NULL, NULL, &x, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the function is NULL");
    ct_gradcheck(linear, NULL, &x, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "no inputs");
    ct_gradcheck(none, NULL, &x, 1, NULL);
    ck_error(CT_ERR_USER, "the function returned NULL without an error");
    ct_gradgradcheck(none, NULL, &x, 1, NULL);
    ck_error(CT_ERR_USER, "the function returned NULL without an error");
    ct_gradcheck(sign_of, NULL, &x, 1, NULL);
    ck_error(CT_ERR_DTYPE, "the function returned bool; it must be floating point");
    ct_gradcheck(linear, NULL, &x, 1, &(ct_gradcheck_options){.reserved = {0, 1}});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gradcheck");
}
END_TEST

START_TEST(gradcheck_works_inside_no_grad) {
    ct_tensor *x = leaf2((double[]){1, 1, 2, 3});
    ct_scope s = ct_no_grad_begin();
    ck_assert(ct_gradcheck(linear, NULL, &x, 1, NULL) == CT_OK);
    ct_scope_end(s);
}
END_TEST

/* (x y, whether x is positive, sin(y)); user: the third is wrong */
static ct_status three(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)n_in, (void)n_out;
    out[0] = ct_mul(in[0], in[1]);
    out[1] = ct_gt_scalar(in[0], 0);
    out[2] = user ? ct_mul(in[1], ct_detach(in[1])) : ct_sin(in[1]);
    return ct_error_status();
}
static ct_status nothing(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) { return (void)in, (void)n_in, (void)out, (void)n_out, (void)user, CT_OK; }
static ct_status only_signs(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)n_in, (void)n_out, (void)user;
    out[0] = ct_gt_scalar(in[0], 0);
    return ct_error_status();
}

START_TEST(functions_with_several_results) {
    ct_tensor *in[] = {leaf2((double[]){0.1, -0.2, 0.3, 0.4}), leaf2((double[]){0.5, 0.6, -0.7, 0.8})};
    int wrong = 1;
    ck_assert(ct_gradcheck_n(three, NULL, in, 2, 3, NULL) == CT_OK);
    ck_assert(ct_gradgradcheck_n(three, NULL, in, 2, 3, NULL) == CT_OK);
    ck_ok();
    ct_gradcheck_n(three, &wrong, in, 2, 3, NULL);
    ck_error(CT_ERR_AUTOGRAD, "ct_gradcheck_n: input 1, element 0 [0, 0], output 1, element 0: backward gives 0.5, differences give 1"); /* of those that count */
    ct_gradgradcheck_n(three, &wrong, in, 2, 3, NULL);
    ck_error(CT_ERR_AUTOGRAD, "ct_gradgradcheck_n: input 1");
    ct_gradcheck_n(nothing, NULL, in, 2, 2, NULL);
    ck_error(CT_ERR_USER, "ct_gradcheck_n: the function returned NULL without an error");
    ct_gradcheck_n(only_signs, NULL, in, 2, 1, NULL);
    ck_error(CT_ERR_DTYPE, "ct_gradcheck_n: none of the function's 1 results is floating point");
    ct_gradcheck_n(three, NULL, in, 2, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_gradcheck_n: 0 results");
}
END_TEST

TEST_LIST = {TEST(functions_with_several_results), TEST(right_gradients_pass), TEST(a_wrong_gradient_is_named), TEST(a_gradient_that_changes_is_named),
             TEST(what_gradcheck_does_not_take), TEST(gradcheck_works_inside_no_grad)};
TEST_MAIN("gradcheck")
