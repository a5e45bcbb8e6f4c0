/* Hooks of modules. The order of calls and the values are those of PyTorch 2.13 for the same modules. */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <string.h>

/* ---- Order ---- */

static char trace[2048];

typedef struct mark {
    const char *name;
    int freed;
} mark;

static void note(const char *kind, const void *user) {
    size_t n = strlen(trace);
    snprintf(trace + n, sizeof trace - n, "%s%s%s", n ? " " : "", kind, ((const mark *)user)->name);
}
static ct_status on_pre(ct_module *m, ct_tensor **in, int n, void *user) { return (void)m, (void)in, (void)n, note("pre", user), CT_OK; }
static ct_status on_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    return (void)m, (void)in, (void)n_in, (void)out, (void)n_out, note("fwd", user), CT_OK;
}
static ct_status on_backward_pre(ct_module *m, ct_tensor **g, int n, void *user) { return (void)m, (void)g, (void)n, note("bpre", user), CT_OK; }
static ct_status on_backward(ct_module *m, ct_tensor **gi, int n_in, ct_tensor *const *go, int n_out, void *user) {
    return (void)m, (void)gi, (void)n_in, (void)go, (void)n_out, note("bwd", user), CT_OK;
}
static void free_mark(void *user) { ((mark *)user)->freed++; }

static mark marks[] = {{.name = "N0"}, {.name = "N1"}, {.name = "N2"}, {.name = "L0"}, {.name = "L1"}, {.name = "L2"}, {.name = "T0"}, {.name = "T1"}, {.name = "T2"}};

static ct_module *traced(void) {
    ct_module *net = ct_nn_sequential(ct_nn_linear(2, 2, NULL), ct_nn_tanh());
    ct_module *all[] = {net, ct_module_get_child(net, "0"), ct_module_get_child(net, "1")};
    for (int i = 0; i < 3; i++) {
        for (int k = 1; k <= 2; k++) {
            ct_module_register_forward_pre_hook(all[i], on_pre, &marks[3 * i + k], free_mark, NULL, NULL);
            ct_module_register_forward_hook(all[i], on_forward, &marks[3 * i + k], free_mark, NULL, NULL);
            ct_module_register_full_backward_pre_hook(all[i], on_backward_pre, &marks[3 * i + k], free_mark, NULL, NULL);
            ct_module_register_full_backward_hook(all[i], on_backward, &marks[3 * i + k], free_mark, NULL, NULL);
        }
        ct_module_register_forward_hook(all[i], on_forward, &marks[3 * i], free_mark, &(ct_module_hook_options){.prepend = true}, NULL);
    }
    ck_ok();
    return net;
}

#define FORWARD "preN1 preN2 preL1 preL2 fwdL0 fwdL1 fwdL2 preT1 preT2 fwdT0 fwdT1 fwdT2 fwdN0 fwdN1 fwdN2"

START_TEST(the_order_of_calls) {
    ct_module *net = traced();
    ct_tensor *x = ct_ones(CT_SHAPE(1, 2), CT_F32), *w = ct_module_get_parameter(net, "0.weight"), *g;
    trace[0] = '\0';
    ct_backward(ct_sum(ct_forward(net, x)));
    ck_assert_str_eq(trace, FORWARD " bpreN1 bpreN2 bwdN1 bwdN2 bpreT1 bpreT2 bwdT1 bwdT2 bpreL1 bpreL2 bwdL1 bwdL2");
    ct_set_requires_grad(x, true);
    trace[0] = '\0';
    ct_backward(ct_sum(ct_forward(net, x)));
    ck_assert_str_eq(trace, FORWARD " bpreN1 bpreN2 bpreT1 bpreT2 bwdT1 bwdT2 bpreL1 bpreL2 bwdL1 bwdL2 bwdN1 bwdN2");
    trace[0] = '\0';
    ct_tensor *y = ct_sum(ct_forward(net, x));
    ct_grad(&y, 1, &w, 1, NULL, &g);
    ck_assert_str_eq(trace, FORWARD " bpreN1 bpreN2 bpreT1 bpreT2 bwdT1 bwdT2 bpreL1 bpreL2");
    trace[0] = '\0';
    ct_scope s = ct_no_grad_begin();
    ct_forward(net, x);
    ct_scope_end(s);
    ck_assert_str_eq(trace, FORWARD);
    ck_ok();
    ct_module_free(net);
    ct_scope_clear_root();
    for (int i = 0; i < 9; i++) ck_assert_int_eq(marks[i].freed, i % 3 ? 4 : 1);
}
END_TEST

/* ---- Replacing ---- */

static ct_status twice_in(ct_module *m, ct_tensor **in, int n, void *user) { return (void)m, (void)n, (void)user, in[0] = ct_mul_scalar(in[0], 2), ct_error_status(); }
static ct_status one_more(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    return (void)m, (void)in, (void)n_in, (void)n_out, (void)user, out[0] = ct_add_scalar(out[0], 1), ct_error_status();
}
static ct_status ten_times(ct_module *m, ct_tensor **g, int n, void *user) { return (void)m, (void)n, (void)user, g[0] = ct_mul_scalar(g[0], 10), ct_error_status(); }
static ct_status three_times(ct_module *m, ct_tensor **gi, int n_in, ct_tensor *const *go, int n_out, void *user) {
    (void)m, (void)n_in, (void)n_out, (void)user;
    ck_values(go[0], 10, 10);
    ck_values(gi[0], 40, 60);
    gi[0] = ct_mul_scalar(gi[0], 3);
    return ct_error_status();
}

START_TEST(hooks_replace) {
    ct_module *lin = ct_nn_linear(2, 2, &(ct_nn_linear_options){.no_bias = true});
    ct_tensor *w = ct_module_get_parameter(lin, "weight"), *x = ct_ones(CT_SHAPE(1, 2), CT_F32);
    ct_scope s = ct_no_grad_begin();
    ct_copy_(w, test_f32((double[]){1, 2, 3, 4}, CT_SHAPE(2, 2)));
    ct_scope_end(s);
    ct_set_requires_grad(x, true);
    ct_module_register_forward_pre_hook(lin, twice_in, NULL, NULL, NULL, NULL);
    ct_module_register_forward_hook(lin, one_more, NULL, NULL, NULL, NULL);
    ct_module_register_full_backward_pre_hook(lin, ten_times, NULL, NULL, NULL, NULL);
    ct_module_register_full_backward_hook(lin, three_times, NULL, NULL, NULL, NULL);
    ct_tensor *y = ct_forward(lin, x);
    ck_values(y, 7, 15);
    ck_assert_str_eq(ct_grad_fn_name(y), "ModuleHookBackward");
    ct_backward(ct_sum(y));
    ck_ok();
    ck_values(ct_tensor_grad(x), 240, 360);
    ck_values(ct_tensor_grad(w), 20, 20, 20, 20);
    ct_module_free(lin);
}
END_TEST

static ct_status twice_gradient(ct_module *m, ct_tensor **gi, int n_in, ct_tensor *const *go, int n_out, void *user) {
    return (void)m, (void)n_in, (void)go, (void)n_out, (void)user, gi[0] = ct_mul_scalar(gi[0], 2), ct_error_status();
}
START_TEST(gradients_of_gradients_pass) {
    ct_module *tanh = ct_nn_tanh();
    ct_module_register_full_backward_hook(tanh, twice_gradient, NULL, NULL, NULL, NULL);
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2)), *g, *h;
    ct_set_requires_grad(a, true);
    ct_tensor *y = ct_sum(ct_forward(tanh, a));
    ct_grad(&y, 1, &a, 1, &(ct_grad_options){.create_graph = true}, &g);
    ck_values_close(g, 1e-4, 0.8399, 0.1413);
    y = ct_sum(g);
    ct_grad(&y, 1, &a, 1, NULL, &h);
    ck_ok();
    ck_values_close(h, 1e-4, -1.2794, -0.2724);
    ct_module_free(tanh);
}
END_TEST

/* ---- Several inputs and outputs ---- */

static ct_status two_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    out[0] = ct_mul(in[0], in[1]);
    out[1] = ct_add_scalar(in[0], 1);
    out[2] = ct_detach(in[1]);
    return ct_error_status();
}
static const ct_module_class two_class = {.name = "Two", .n_inputs = 2, .n_outputs = 3, .forward = two_forward};
static ct_status look_at_two(ct_module *m, ct_tensor **gi, int n_in, ct_tensor *const *go, int n_out, void *user) {
    (void)m;
    ck_assert_int_eq(n_in, 2);
    ck_assert_int_eq(n_out, 3);
    ck_values(gi[0], 3, 4);
    ck_assert_ptr_null(gi[1]);
    ck_values(go[0], 1, 1);
    ck_assert(!go[1] && !go[2]);
    ++*(int *)user;
    return CT_OK;
}
START_TEST(several_inputs_and_outputs) {
    int calls = 0;
    ct_module *m = ct_module_new(&two_class, NULL);
    ct_module_register_full_backward_hook(m, look_at_two, &calls, NULL, NULL, NULL);
    ct_tensor *in[] = {test_f64((double[]){1, 2}, CT_SHAPE(2)), test_f64((double[]){3, 4}, CT_SHAPE(2))}, *out[3];
    ct_set_requires_grad(in[0], true);
    ct_forward_n(m, in, 2, out, 3);
    ck_assert(!ct_requires_grad(out[2]));
    ct_backward(ct_sum(out[0]));
    ck_ok();
    ck_values(ct_tensor_grad(in[0]), 3, 4);
    ck_assert_int_eq(calls, 1);
    ct_mul_scalar_(out[0], 2);
    ck_error(CT_ERR_AUTOGRAD, "a view that a function with a backward of its own returned is changed in place");
    ct_module_free(m);
}
END_TEST

static ct_status in_place_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    ct_mul_scalar_(in[0], 2);
    out[0] = in[0];
    return ct_error_status();
}
static const ct_module_class in_place_class = {.name = "InPlace", .n_inputs = 1, .n_outputs = 1, .forward = in_place_forward};
START_TEST(a_module_that_changes_its_input) {
    ct_module *m = ct_module_new(&in_place_class, NULL);
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2));
    ct_set_requires_grad(a, true);
    ck_assert_ptr_nonnull(ct_forward(m, ct_mul_scalar(a, 1)));
    ct_module_register_full_backward_hook(m, twice_gradient, NULL, NULL, NULL, NULL);
    ck_assert_ptr_null(ct_forward(m, ct_mul_scalar(a, 1)));
    ck_error(CT_ERR_AUTOGRAD, "ct_mul_scalar_: a view that a function with a backward of its own returned is changed in place");
    ct_module_free(m);
}
END_TEST

/* ---- Removing, lifetime ---- */

static ct_status remove_itself(ct_module *m, ct_tensor **in, int n, void *user) {
    (void)m, (void)in, (void)n;
    ct_hook **self = user;
    ct_hook_remove(*self);
    *self = NULL;
    return CT_OK;
}
START_TEST(removed_hooks_do_not_run) {
    ct_module *m = ct_nn_tanh();
    mark a = {.name = "a"}, b = {.name = "b"};
    ct_hook *h, *self, *late;
    ct_tensor *x = test_f64((double[]){1}, CT_SHAPE(1));
    ct_set_requires_grad(x, true);
    ct_module_register_forward_pre_hook(m, on_pre, &a, free_mark, NULL, &h);
    ct_module_register_forward_pre_hook(m, remove_itself, &self, NULL, NULL, &self);
    ct_module_register_full_backward_hook(m, on_backward, &b, free_mark, NULL, &late);
    ct_hook_remove(h);
    ck_assert_int_eq(a.freed, 1);
    trace[0] = '\0';
    ct_tensor *y = ct_forward(m, x);
    ck_assert_ptr_null(self);
    ct_module_register_full_backward_hook(m, on_backward, &a, free_mark, NULL, NULL); /* after forward: not part of its graph */
    ct_hook_remove(late);
    ct_backward(y);
    ck_ok();
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(b.freed, 1);
    for (int i = 0; i < 100; i++) { /* the list does not grow */
        ct_module_register_forward_hook(m, on_forward, &b, NULL, NULL, &h);
        ct_hook_remove(h);
    }
    ct_module_register_forward_hook(m, on_forward, &b, free_mark, NULL, &h);
    ct_module_free(m);
    ct_scope_clear_root();
    ct_hook_remove(h); /* the handle outlives the module */
    ck_assert_int_eq(b.freed, 2);
    ck_assert_int_eq(a.freed, 2);
}
END_TEST

START_TEST(the_graph_keeps_module_and_hooks) {
    mark a = {.name = "a"};
    ct_module *m = ct_nn_tanh();
    ct_tensor *x = test_f64((double[]){1}, CT_SHAPE(1));
    ct_set_requires_grad(x, true);
    ct_module_register_full_backward_hook(m, on_backward, &a, free_mark, NULL, NULL);
    ct_tensor *y = ct_forward(m, x);
    ct_module_free(m);
    trace[0] = '\0';
    ct_backward(y);
    ck_ok();
    ck_assert_str_eq(trace, "bwda");
    ck_assert_int_eq(a.freed, 0);
    ct_scope_clear_root();
    ck_assert_int_eq(a.freed, 1);
}
END_TEST

/* ---- Errors ---- */

static ct_status refuse_pre(ct_module *m, ct_tensor **in, int n, void *user) { return (void)m, (void)in, (void)n, (void)user, CT_ERR_SHAPE; }
static ct_status raise_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    return (void)m, (void)in, (void)n_in, (void)out, (void)n_out, (void)user, ct_error_raise(CT_ERR_FORMAT, "forward hook says no");
}
static ct_status raise_backward(ct_module *m, ct_tensor **gi, int n_in, ct_tensor *const *go, int n_out, void *user) {
    return (void)m, (void)gi, (void)n_in, (void)go, (void)n_out, (void)user, ct_error_raise(CT_ERR_FORMAT, "backward hook says no");
}
static ct_status no_input(ct_module *m, ct_tensor **in, int n, void *user) { return (void)m, (void)n, (void)user, in[0] = NULL, CT_OK; }
static ct_status no_output(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    return (void)m, (void)in, (void)n_in, (void)n_out, (void)user, out[0] = NULL, CT_OK;
}
static ct_status wrong_shape(ct_module *m, ct_tensor **gi, int n_in, ct_tensor *const *go, int n_out, void *user) {
    return (void)m, (void)n_in, (void)go, (void)n_out, (void)user, gi[0] = ct_ones(CT_SHAPE(3), CT_F64), CT_OK;
}

START_TEST(hooks_that_fail_stop_forward_and_backward) {
    ct_tensor *x = test_f64((double[]){1}, CT_SHAPE(1)), *plain = test_f64((double[]){1}, CT_SHAPE(1));
    ct_set_requires_grad(x, true);
    ct_hook *h;
    ct_module *m = ct_nn_tanh();
    ct_module_register_forward_pre_hook(m, refuse_pre, NULL, NULL, NULL, &h);
    ck_assert_ptr_null(ct_forward(m, x));
    ck_error(CT_ERR_USER, "a forward pre hook of Tanh returned CT_ERR_SHAPE without an error");
    ct_hook_remove(h);
    ct_module_register_forward_pre_hook(m, no_input, NULL, NULL, NULL, &h);
    ct_forward(m, x);
    ck_error(CT_ERR_USER, "a forward pre hook of Tanh left input 0 NULL");
    ct_hook_remove(h);
    ct_module_register_forward_hook(m, raise_forward, NULL, NULL, NULL, &h);
    ck_assert_ptr_null(ct_forward(m, x));
    ck_error(CT_ERR_FORMAT, "forward hook says no");
    ct_hook_remove(h);
    ct_module_register_forward_hook(m, no_output, NULL, NULL, NULL, &h);
    ct_forward(m, x);
    ck_error(CT_ERR_USER, "a forward hook of Tanh left output 0 NULL");
    ct_hook_remove(h);
    ct_module_register_full_backward_hook(m, raise_backward, NULL, NULL, NULL, &h);
    ck_assert(ct_backward(ct_forward(m, x)) == CT_ERR_FORMAT);
    ck_error(CT_ERR_FORMAT, "backward hook says no");
    ct_hook_remove(h);
    ct_module_register_full_backward_hook(m, wrong_shape, NULL, NULL, NULL, &h);
    ct_backward(ct_forward(m, x));
    ck_error(CT_ERR_SHAPE, "the result of ModuleHookBackward for input 0 is a gradient float64 [3] for a tensor float64 [1]");
    ct_hook_remove(h);
    ct_module *lin = ct_nn_linear(1, 1, NULL);
    ct_module_to(lin, CT_F64);
    ct_module_register_full_backward_hook(lin, wrong_shape, NULL, NULL, NULL, NULL);
    ct_backward(ct_forward(lin, plain));
    ck_error(CT_ERR_USER, "a backward hook of Linear gave a gradient of input 0, but no input requires one");
    ck_assert_ptr_null(ct_tensor_grad(x));
    mark a = {0};
    ck_assert(ct_module_register_forward_hook(NULL, on_forward, &a, free_mark, NULL, &h) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_module_register_forward_hook: the module is NULL");
    ck_assert_ptr_null(h);
    ck_assert(ct_module_register_full_backward_hook(m, NULL, &a, free_mark, NULL, &h) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_module_register_full_backward_hook: the hook is NULL");
    ck_assert_int_eq(a.freed, 2);
    ct_module_free(m);
    ct_module_free(lin);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    for (int64_t n = 1;; n++) {
        ct_scope scope = ct_scope_begin();
        ct_module *net = ct_nn_sequential(ct_nn_linear(2, 2, NULL), ct_nn_tanh());
        mark a = {.name = ""};
        ct_tensor *x = ct_ones(CT_SHAPE(1, 2), CT_F32);
        ct_set_requires_grad(x, true);
        trace[0] = '\0';
        ct_memory_fail_at(n);
        ct_module_register_full_backward_hook(net, on_backward, &a, free_mark, NULL, NULL);
        ct_module_register_full_backward_pre_hook(ct_module_child_at(net, 1, NULL), on_backward_pre, &a, free_mark, NULL, NULL);
        ct_backward(ct_sum(ct_forward(net, x)));
        ct_memory_fail_at(0);
        bool done = ct_ok();
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_module_free(net);
        ct_scope_end(scope);
        ck_assert_int_eq(a.freed, 2);
        if (done) break;
    }
}
END_TEST

TEST_LIST = {TEST(the_order_of_calls),
             TEST(hooks_replace),
             TEST(gradients_of_gradients_pass),
             TEST(several_inputs_and_outputs),
             TEST(a_module_that_changes_its_input),
             TEST(removed_hooks_do_not_run),
             TEST(the_graph_keeps_module_and_hooks),
             TEST(hooks_that_fail_stop_forward_and_backward),
             TEST(every_allocation_may_fail)};
TEST_MAIN("module_hooks")
