/*
 * test_lbfgs.c: LBFGS against PyTorch's stored results, and the closure that every optimizer takes.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

#include "golden_lbfgs.inc"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Two parameters of three elements. */
typedef struct problem {
    ct_tensor *a, *b;
    ct_optim *opt;
    int calls, fail_at; /* the closure's n-th call fails */
} problem;

static ct_tensor *parameter(const double *values, ct_dtype dtype) {
    ct_tensor *p = ct_to(test_f64(values, CT_SHAPE(3)), dtype);
    ct_set_requires_grad(p, true);
    return p;
}

static problem make(double lr, const ct_lbfgs_options *options, ct_dtype dtype) {
    problem p = {.a = parameter(start[0], dtype), .b = parameter(start[1], dtype)};
    ct_list *l = ct_list_new();
    ct_list_append(l, p.a);
    ct_list_append(l, p.b);
    p.opt = ct_optim_lbfgs(l, lr, options);
    ck_ok();
    return p;
}

static ct_tensor *evaluate(void *user) {
    problem *q = user;
    if (++q->calls == q->fail_at) {
        ct_error_raise(CT_ERR_USER, "this call fails");
        return NULL;
    }
    ct_optim_zero_grad(q->opt);
    ct_tensor *p = ct_cat(CT_TENSORS(q->a, q->b), 0);
    ct_dtype dtype = ct_tensor_dtype(q->a);
    ct_tensor *r = ct_sub(ct_mul(p, ct_to(test_f64(problem_w, CT_SHAPE(6)), dtype)), ct_to(test_f64(problem_c, CT_SHAPE(6)), dtype)), *square = ct_mul(p, p);
    ct_tensor *loss = ct_add(ct_sum(ct_mul(r, r)), ct_mul_scalar(ct_sum(ct_mul(square, square)), 0.1));
    loss = ct_add(loss, ct_mul_scalar(ct_sum(ct_mul(ct_narrow(p, 0, 1, 5), ct_narrow(p, 0, 0, 5))), 0.5));
    loss = ct_add(loss, ct_sum(ct_cos(ct_mul_scalar(p, 3))));
    ct_backward(loss);
    return loss;
}

static void read(const problem *p, double out[6]) {
    ct_copy_to(p->a, out, 3, CT_F64);
    ct_copy_to(p->b, out + 3, 3, CT_F64);
}

static int64_t counter(const ct_optim *o, const char *name) {
    return ct_dict_get_i64(ct_dict_get_dict(ct_dict_get_dict(ct_optim_state_dict(o), "state"), "0"), name);
}

static void check_case(size_t i, ct_dtype dtype, int steps, double tol) {
    const result *want = dtype == CT_F64 ? &golden[i].f64 : &golden[i].f32;
    problem p = make(golden[i].lr, &golden[i].options, dtype);
    for (int s = 0, k = 0; s < steps; s++) {
        double loss, got[6];
        ck_assert_int_eq(ct_optim_step_closure(p.opt, evaluate, &p, &loss), CT_OK);
        ck_assert_msg(fabs(loss - want->loss[s]) <= tol * (1 + fabs(want->loss[s])), "%s, %s, step %d: the loss is %.17g, PyTorch's %.17g", golden[i].what,
                      ct_dtype_name(dtype), s + 1, loss, want->loss[s]);
        if (k == N_SHOWN || s + 1 != shown[k]) continue;
        read(&p, got);
        double near = k == N_SHOWN - 1 ? fmax(1e-5, 10 * tol) : tol; /* at the minimum the last bits of the loss decide when to stop */
        for (int e = 0; e < 6; e++)
            ck_assert_msg(fabs(got[e] - want->after[k][e]) <= near, "%s, %s, step %d: element %d is %.17g, PyTorch's %.17g", golden[i].what, ct_dtype_name(dtype), s + 1, e,
                          got[e], want->after[k][e]);
        k++;
    }
    if (dtype == CT_F64) {
        ck_assert_msg(counter(p.opt, "n_iter") == want->n_iter, "%s: %d iterations, PyTorch's %d", golden[i].what, (int)counter(p.opt, "n_iter"), want->n_iter);
        ck_assert_msg(counter(p.opt, "func_evals") == want->func_evals && p.calls == want->func_evals, "%s: %d evaluations, PyTorch's %d", golden[i].what, p.calls,
                      want->func_evals);
    }
    ct_optim_free(p.opt);
}

START_TEST(steps_equal_pytorchs_with_every_option) {
    for (size_t i = 0; i < COUNT(golden); i++) {
        check_case(i, CT_F64, STEPS, 1e-9);
        check_case(i, CT_F32, 5, 1e-4); /* then a step length may be chosen another way for its last bit */
    }
}
END_TEST

START_TEST(parameters_of_a_half_type_come_near) {
    problem p = make(1, &(ct_lbfgs_options){.line_search_fn = CT_LBFGS_LINE_SEARCH_STRONG_WOLFE}, CT_BF16);
    double loss;
    for (int i = 0; i < 5; i++) ct_optim_step_closure(p.opt, evaluate, &p, &loss);
    ck_ok();
    ck_assert_int_eq(ct_tensor_dtype(p.a), CT_BF16);
    ck_assert_msg(loss < -3.5, "the loss is %g", loss); /* -3.67 is the minimum */
    ct_optim_free(p.opt);
}
END_TEST

START_TEST(it_wants_a_closure_and_one_group) {
    problem p = make(1, NULL, CT_F32);
    ct_optim_step(p.opt);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_optim_lbfgs: a step needs the closure: ct_optim_step_closure");
    ct_optim_step_closure(p.opt, NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the closure is NULL");
    ct_optim_step_closure(NULL, evaluate, &p, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the optimizer is NULL");
    ct_list *l = ct_list_new();
    ct_list_append(l, parameter(start[0], CT_F32));
    ck_assert_int_eq(ct_optim_add_param_group(p.opt, l), -1);
    ck_error(CT_ERR_UNSUPPORTED, "ct_optim_lbfgs works on one group of parameters only");
    ct_optim_free(p.opt);
}
END_TEST

START_TEST(options_out_of_range_are_errors) {
    static const struct { ct_lbfgs_options o; const char *text; } bad[] = {
        {{.max_iter = -1}, "max_iter is -1"}, {{.max_eval = -2}, "max_eval is -2"}, {{.history_size = -1}, "history_size is -1"},
        {{.tolerance_grad = {true, NAN}}, "tolerance_grad is nan"}, {{.tolerance_change = {true, -1}}, "tolerance_change is -1"},
        {{.line_search_fn = 7}, "7 is not a line search"}, {{.reserved = {1}}, "reserved"}};
    ct_list *l = ct_list_new();
    ct_list_append(l, parameter(start[0], CT_F32));
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_ptr_null(ct_optim_lbfgs(l, 1, &bad[i].o));
        ck_error(CT_ERR_INVALID_ARGUMENT, bad[i].text);
    }
    ck_assert_ptr_null(ct_optim_lbfgs(l, NAN, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "lr is nan");
}
END_TEST

START_TEST(a_closure_that_fails_leaves_parameters_and_state_as_they_were) {
    for (int fail_at = 1; fail_at < 8; fail_at++) {
        problem p = make(1, &(ct_lbfgs_options){.line_search_fn = CT_LBFGS_LINE_SEARCH_STRONG_WOLFE}, CT_F32);
        double before[6], after[6], loss = 5;
        ct_optim_set(p.opt, 0, "max_iter", 2);
        ct_optim_step_closure(p.opt, evaluate, &p, NULL);
        read(&p, before);
        int64_t evals = counter(p.opt, "func_evals");
        p.calls = 0;
        p.fail_at = fail_at;
        ct_status status = ct_optim_step_closure(p.opt, evaluate, &p, &loss);
        if (p.calls < fail_at) { /* the step was done before */
            ck_assert_int_eq(status, CT_OK);
            ck_assert_int_gt(fail_at, 2);
            ct_optim_free(p.opt);
            break;
        }
        ck_error(CT_ERR_USER, "this call fails");
        ck_assert_double_eq(loss, 0);
        read(&p, after);
        ck_assert(!memcmp(before, after, sizeof before));
        ck_assert_int_eq(counter(p.opt, "func_evals"), evals);
        ct_optim_free(p.opt);
    }
}
END_TEST

static ct_tensor *silent(void *user) { return (void)user, NULL; }
static ct_tensor *two_losses(void *user) { return (void)user, ct_zeros(CT_SHAPE(2), CT_F32); }

START_TEST(a_closure_returns_one_loss) {
    problem p = make(1, NULL, CT_F32);
    ct_optim_step_closure(p.opt, silent, NULL, NULL);
    ck_error(CT_ERR_USER, "the closure of ct_optim_lbfgs returned no loss");
    ct_optim_step_closure(p.opt, two_losses, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "2");
    ct_optim_free(p.opt);
}
END_TEST

START_TEST(any_allocation_of_a_step_may_fail) {
    const ct_lbfgs_options options = {.max_iter = 3, .max_eval = 5, .line_search_fn = CT_LBFGS_LINE_SEARCH_STRONG_WOLFE};
    problem p = make(1, &options, CT_F32);
    ct_optim_step_closure(p.opt, evaluate, &p, NULL);
    double before[6], after[6];
    read(&p, before);
    int64_t n = 1, evals = counter(p.opt, "func_evals");
    for (;; n++) {
        ct_memory_fail_at(n);
        ct_status status = ct_optim_step_closure(p.opt, evaluate, &p, NULL);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        read(&p, after);
        ck_assert_msg(!memcmp(before, after, sizeof before) && counter(p.opt, "func_evals") == evals, "allocation %d: a failed step changed something", (int)n);
    }
    ck_assert_int_gt(n, 100);
    ct_optim_free(p.opt);
}
END_TEST

START_TEST(a_saved_and_loaded_optimizer_goes_on_with_the_same_bits) {
    for (size_t i = 0; i < COUNT(golden); i++) {
        problem p = make(golden[i].lr, &golden[i].options, CT_F32), q = make(0.7, NULL, CT_F32);
        for (int stop = 0; stop < 3; stop++) { /* before the first step, too */
            if (stop) ct_optim_step_closure(p.opt, evaluate, &p, NULL);
            ck_assert_int_eq(ct_optim_load_state_dict(q.opt, ct_optim_state_dict(p.opt)), CT_OK);
            ct_scope no_grad = ct_no_grad_begin();
            ct_copy_(q.a, p.a);
            ct_copy_(q.b, p.b);
            ct_scope_end(no_grad);
            double a, b, x[6], y[6];
            ct_dict *state = ct_optim_state_dict(p.opt);
            for (int s = 0; s < 2; s++) {
                ct_optim_step_closure(p.opt, evaluate, &p, &a);
                ct_optim_step_closure(q.opt, evaluate, &q, &b);
            }
            read(&p, x);
            read(&q, y);
            ck_ok();
            ck_assert_msg(a == b && !memcmp(x, y, sizeof x), "%s, %d steps", golden[i].what, stop);
            ct_optim_load_state_dict(p.opt, state);
        }
        ct_optim_free(p.opt);
        ct_optim_free(q.opt);
    }
}
END_TEST

START_TEST(loading_a_state_that_does_not_fit_changes_nothing) {
    problem p = make(0.3, NULL, CT_F32);
    ct_optim_step_closure(p.opt, evaluate, &p, NULL);
    ct_list *l = ct_list_new();
    ct_tensor *other = parameter(start[0], CT_F32);
    ct_list_append(l, other);
    ct_list_append(l, parameter(start[1], CT_F32));
    ct_dict *state = ct_optim_state_dict(p.opt), *own = ct_dict_get_dict(ct_dict_get_dict(state, "state"), "0");
    int64_t evals = counter(p.opt, "func_evals");
    ct_dict_set(own, "ro", ct_zeros(CT_SHAPE(1), CT_F64));
    ct_optim_load_state_dict(p.opt, state);
    ck_error(CT_ERR_SHAPE, "\"ro\" do not fit together");
    ct_dict_set(own, "d", ct_zeros(CT_SHAPE(5), CT_F32));
    ct_optim_load_state_dict(p.opt, state);
    ck_error(CT_ERR_SHAPE, "\"d\" is [5], the parameters have 6 elements");
    ct_dict_set_i64(own, "n_iter", -1);
    ct_optim_load_state_dict(p.opt, state);
    ck_error(CT_ERR_INVALID_ARGUMENT, "n_iter -1");
    ct_dict_remove(own, "func_evals");
    ct_optim_load_state_dict(p.opt, state);
    ck_error(CT_ERR_NOT_FOUND, "func_evals");
    ck_assert_int_eq(counter(p.opt, "func_evals"), evals);
    ct_optim_free(p.opt);
}
END_TEST

/* One mechanism for all: SGD calls it once, then steps. */
START_TEST(every_optimizer_takes_a_closure) {
    problem p = make(1, NULL, CT_F64), q = p;
    ct_optim_free(p.opt);
    ct_list *l = ct_list_new();
    ct_list_append(l, p.a);
    ct_list_append(l, p.b);
    q.opt = ct_optim_sgd(l, 0.01, NULL);
    ct_tensor *before = ct_clone(ct_detach(q.a));
    double loss;
    ct_scope no_grad = ct_no_grad_begin(); /* the closure records all the same */
    ck_assert_int_eq(ct_optim_step_closure(q.opt, evaluate, &q, &loss), CT_OK);
    ck_assert_double_eq_tol(loss, golden[0].f64.loss[0], 1e-12);
    ck_close(q.a, ct_sub_alpha(before, ct_tensor_grad(q.a), 0.01), 1e-15, 1e-15);
    ct_scope_end(no_grad);
    ck_assert_int_eq(q.calls, 1);
    q.fail_at = 2;
    ct_copy_(before, ct_detach(q.a));
    ck_assert_int_eq(ct_optim_step_closure(q.opt, evaluate, &q, &loss), CT_ERR_USER);
    ck_error(CT_ERR_USER, "this call fails");
    ck_assert(ct_equal(before, q.a));
    ct_optim_free(q.opt);
}
END_TEST

TEST_LIST = {TEST(steps_equal_pytorchs_with_every_option), TEST(parameters_of_a_half_type_come_near), TEST(it_wants_a_closure_and_one_group),
             TEST(options_out_of_range_are_errors), TEST(a_closure_that_fails_leaves_parameters_and_state_as_they_were), TEST(a_closure_returns_one_loss),
             TEST(any_allocation_of_a_step_may_fail), TEST(a_saved_and_loaded_optimizer_goes_on_with_the_same_bits),
             TEST(loading_a_state_that_does_not_fit_changes_nothing), TEST(every_optimizer_takes_a_closure)};
TEST_MAIN("lbfgs")
