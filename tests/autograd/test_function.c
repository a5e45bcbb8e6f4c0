/* Functions of the program's own. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <string.h>

static ct_tensor *leaf(int64_t n, const double *v) {
    ct_tensor *t = test_f64(v, &n, 1);
    ct_set_requires_grad(t, true);
    return t;
}
#define LEAF(...) leaf((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

static ct_status cube_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    ck_assert(!ct_is_grad_enabled());
    ct_function_save_for_backward(ctx, in, 1);
    out[0] = ct_mul(in[0], ct_mul(in[0], in[0]));
    return ct_error_status();
}
static ct_status cube_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)n_in, (void)n_out;
    ct_tensor *x = ct_function_saved_tensor(ctx, 0);
    gin[0] = ct_mul(g[0], ct_mul_scalar(ct_mul(x, x), 3));
    return ct_error_status();
}
static void count_free(void *user) { ++*(int *)user; }
static const ct_function_class cube = {.name = "Cube", .forward = cube_forward, .backward = cube_backward, .free_user = count_free};

START_TEST(a_function_has_its_own_backward) {
    int freed = 0;
    ct_scope s = ct_scope_begin();
    ct_tensor *x = LEAF(1, 2, -3), *y = ct_function_apply(&cube, &freed, &x, 1);
    ck_values(y, 1, 8, -27);
    ck_assert_str_eq(ct_grad_fn_name(y), "CubeBackward");
    ct_tensor *loss = ct_sum(y);
    ct_backward(loss);
    ck_ok();
    ck_values(ct_tensor_grad(x), 3, 12, 27);
    ck_assert(ct_backward(loss) == CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "backward a second time through CubeBackward");
    ct_scope_end(s);
    ck_assert_int_eq(freed, 1);
    x = ct_detach(LEAF(1, 2)); /* nothing records: the context ends with the call */
    y = ct_function_apply(&cube, &freed, &x, 1);
    ck_assert(!ct_requires_grad(y));
    ck_assert_int_eq(freed, 2);
}
END_TEST

static ct_tensor *apply_cube(ct_tensor *const *in, int n, void *user) { return (void)user, ct_function_apply(&(ct_function_class){.name = "Cube", .forward = cube_forward, .backward = cube_backward}, NULL, in, n); }

START_TEST(a_function_passes_gradcheck_twice) {
    ct_tensor *x = LEAF(1, 2, -3);
    ck_assert(ct_gradcheck(apply_cube, NULL, &x, 1, NULL) == CT_OK);
    ck_ok();
    ck_assert(ct_gradgradcheck(apply_cube, NULL, &x, 1, NULL) == CT_OK);
    ck_ok();
}
END_TEST

/* exp saves its output; two outputs, one of them not differentiable; user carries a number */
static ct_status exp_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct_exp(in[0]);
    out[1] = ct_gt_scalar(in[0], 0);
    out[2] = ct_mul_scalar(in[0], *(double *)ct_function_user(ctx));
    ct_function_mark_non_differentiable(ctx, 2);
    ct_tensor *saved[] = {out[0], NULL, in[0]};
    return ct_function_save_for_backward(ctx, saved, 3);
}
static ct_status exp_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    ck_assert_int_eq(n_in, 2);
    ck_assert_int_eq(n_out, 3);
    ck_assert_ptr_nonnull(g[0]);
    ck_assert_ptr_nonnull(g[2]); /* zeros */
    ck_assert_ptr_null(ct_function_saved_tensor(ctx, 1));
    ck_assert_ptr_nonnull(ct_function_saved_tensor(ctx, 2));
    ck_assert(ct_function_needs_input_grad(ctx, 0));
    ck_assert(!ct_function_needs_input_grad(ctx, 1) && !ct_function_needs_input_grad(ctx, 7));
    gin[0] = ct_mul(g[0], ct_function_saved_tensor(ctx, 0));
    return ct_error_status();
}
static const ct_function_class exp3 = {.name = "Exp3", .forward = exp_forward, .backward = exp_backward};

START_TEST(several_outputs_and_a_saved_output) {
    double two = 2;
    ct_tensor *x = LEAF(0, 1), *in[] = {x, NULL}, *out[3], *g, *h;
    ck_assert(ct_function_apply_n(&exp3, &two, in, 2, out, 3) == CT_OK);
    ck_assert(ct_requires_grad(out[0]));
    ck_assert(!ct_requires_grad(out[1]) && ct_tensor_dtype(out[1]) == CT_BOOL);
    ck_assert(!ct_requires_grad(out[2]) && ct_is_leaf(out[2]));
    ck_values(out[2], 0, 2);
    ct_tensor *loss = ct_sum(out[0]);
    ct_grad(&loss, 1, &x, 1, &(ct_grad_options){.create_graph = true}, &g);
    ck_ok();
    ck_values_close(g, 1e-15, 1, 2.718281828459045);
    loss = ct_sum(ct_mul(g, g));
    ct_grad(&loss, 1, &x, 1, NULL, &h);
    ck_ok();
    ck_values_close(h, 1e-14, 2, 14.7781121978613);
}
END_TEST

static ct_status identity_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out, (void)ctx;
    out[0] = in[0];
    return CT_OK;
}
static ct_status reverse_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)n_in, (void)n_out, (void)ctx;
    gin[0] = ct_mul_scalar(g[0], -1);
    return CT_OK;
}
START_TEST(returning_an_input_gives_an_alias) {
    const ct_function_class reversal = {.name = "GradientReversal", .forward = identity_forward, .backward = reverse_backward};
    ct_tensor *x = LEAF(1, 2), *y = ct_function_apply(&reversal, NULL, &x, 1);
    ck_assert(!ct_is_same(x, y) && ct_shares_storage(x, y));
    ck_assert(ct_is_leaf(x));
    ct_backward(ct_sum(y));
    ck_values(ct_tensor_grad(x), -1, -1);
}
END_TEST

START_TEST(once_differentiable) {
    ct_function_class once = cube;
    once.free_user = NULL;
    once.once_differentiable = true;
    ct_tensor *x = LEAF(1, 2), *y = ct_sum(ct_function_apply(&once, NULL, &x, 1)), *g;
    ck_assert(ct_grad(&y, 1, &x, 1, &(ct_grad_options){.create_graph = true}, &g) == CT_OK);
    ck_values(g, 3, 12);
    ck_assert(ct_requires_grad(g));
    y = ct_sum(g);
    ck_assert(ct_backward(y) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "CubeBackward can be differentiated once only");
}
END_TEST

static ct_status fails(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)in, (void)n_in, (void)out, (void)n_out;
    return CT_ERR_USER;
}
static ct_status nothing(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)in, (void)n_in, (void)out, (void)n_out;
    return CT_OK;
}
static ct_status scalar_gradient(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_in, (void)n_out;
    gin[0] = ct_sum(g[0]);
    return CT_OK;
}
START_TEST(failures_of_callbacks) {
    int freed = 0;
    ct_tensor *x = LEAF(1, 2);
    ct_function_class f = {.name = "F", .forward = fails, .backward = fails, .free_user = count_free};
    ck_assert_ptr_null(ct_function_apply(&f, &freed, &x, 1));
    ck_error(CT_ERR_USER, "F: forward returned CT_ERR_USER without an error");
    f.forward = nothing;
    ck_assert_ptr_null(ct_function_apply(&f, &freed, &x, 1));
    ck_error(CT_ERR_USER, "F: forward left output 0 NULL");
    f.forward = identity_forward;
    ct_backward(ct_sum(ct_function_apply(&f, &freed, &x, 1)));
    ck_error(CT_ERR_USER, "FBackward: backward returned CT_ERR_USER without an error");
    f.backward = scalar_gradient;
    ct_backward(ct_sum(ct_function_apply(&f, &freed, &x, 1)));
    ck_error(CT_ERR_SHAPE, "the result of FBackward for input 0 is a gradient float64 [] for a tensor float64 [2]");
    f.backward = NULL;
    ck_assert_ptr_null(ct_function_apply(&f, &freed, &x, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the class's backward is NULL");
    ck_assert_ptr_null(ct_function_apply(NULL, NULL, &x, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the class is NULL");
    ct_scope_clear_root();
    ck_assert_int_eq(freed, 5);
    ck_assert_ptr_null(ct_function_user(NULL));
    ck_assert_ptr_null(ct_function_saved_tensor(NULL, 0));
    ck_error(CT_ERR_STATE, "only in backward");
    ck_assert(ct_function_set_materialize_grads(NULL, false) == CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the context is NULL");
}
END_TEST

static ct_status null_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct_mul_scalar(in[0], 2);
    out[1] = ct_mul_scalar(in[0], 3);
    return ct_function_set_materialize_grads(ctx, false);
}
static ct_status null_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_in, (void)n_out;
    ck_assert_ptr_null(g[0]);
    gin[0] = ct_mul_scalar(g[1], 3);
    return CT_OK;
}
START_TEST(gradients_that_do_not_come_may_stay_null) {
    const ct_function_class f = {.name = "F", .forward = null_forward, .backward = null_backward};
    ct_tensor *x = LEAF(1, 2), *out[2];
    ct_function_apply_n(&f, NULL, &x, 1, out, 2);
    ct_backward(ct_sum(out[1]));
    ck_ok();
    ck_values(ct_tensor_grad(x), 3, 3);
}
END_TEST

START_TEST(a_saved_tensor_that_changed_is_an_error) {
    ct_tensor *x = ct_mul_scalar(LEAF(1, 2), 1), *y = ct_sum(apply_cube(&x, 1, NULL));
    ct_mul_scalar_(x, 2);
    ck_assert(ct_backward(y) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "CubeBackward: the float64 input [2] that its gradient needs was changed in place");
}
END_TEST

static ct_status changing_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_out;
    for (int i = 0; i < n_in; i++) ct_mul_scalar_(in[i], 2);
    out[0] = ct_neg(in[0]);
    return ct_error_status();
}
static ct_status changing_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_out, (void)n_in;
    gin[0] = ct_neg(g[0]);
    return ct_error_status();
}
static const ct_function_class changing = {.name = "Changing", .forward = changing_forward, .backward = changing_backward};

START_TEST(forward_may_not_change_an_input_that_requires_grad) {
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2)), *plain = test_f64((double[]){1, 2}, CT_SHAPE(2)), *both[] = {a, plain};
    ck_assert_ptr_nonnull(ct_function_apply(&changing, NULL, both, 2)); /* nothing is recorded */
    ct_set_requires_grad(a, true);
    ck_assert_ptr_null(ct_function_apply(&changing, NULL, both, 2));
    ck_error(CT_ERR_AUTOGRAD, "Changing: forward changed an input that requires grad in place; change a clone");
}
END_TEST

TEST_LIST = {TEST(forward_may_not_change_an_input_that_requires_grad),
             TEST(a_function_has_its_own_backward),
             TEST(a_function_passes_gradcheck_twice),
             TEST(several_outputs_and_a_saved_output),
             TEST(returning_an_input_gives_an_alias),
             TEST(once_differentiable),
             TEST(failures_of_callbacks),
             TEST(gradients_that_do_not_come_may_stay_null),
             TEST(a_saved_tensor_that_changed_is_an_error)};
TEST_MAIN("function")
