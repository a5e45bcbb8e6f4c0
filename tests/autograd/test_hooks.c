/* Hooks: order, replacement, removal, lifetime. Values as PyTorch 2.13 gives them. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

static ct_tensor *leaf(int64_t n, const double *v) {
    ct_tensor *t = test_f64(v, &n, 1);
    ct_set_requires_grad(t, true);
    return t;
}
#define LEAF(...) leaf((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

typedef struct probe {
    const char *name;
    double seen;   /* the gradient's first element */
    int calls, freed, order;
    ct_hook *self; /* removed from inside */
} probe;
static int next_order;

static double first_of(const ct_tensor *t) { /* gradients may be strided */
    double v[8] = {0};
    ck_assert(ct_copy_to(t, v, 8, CT_F64) == CT_OK);
    return v[0];
}

static ct_tensor *look(ct_tensor *g, void *user) {
    probe *p = user;
    p->calls++;
    p->order = ++next_order;
    p->seen = first_of(g);
    if (p->self) ct_hook_remove(p->self);
    p->self = NULL;
    return NULL;
}
static ct_tensor *twice(ct_tensor *g, void *user) { return (void)user, ct_mul_scalar(g, 2); }
static ct_tensor *plus_one(ct_tensor *g, void *user) { return (void)user, ct_add_scalar(g, 1); }
static void count_free(void *user) { ((probe *)user)->freed++; }

/* a.register_hook(g*2); a.register_hook(g+1); (a*3).sum().backward() */
START_TEST(hooks_replace_in_order_of_registration) {
    ct_tensor *a = LEAF(1, 2, 3);
    ct_register_hook(a, twice, NULL, NULL, NULL);
    ct_register_hook(a, plus_one, NULL, NULL, NULL);
    ct_backward(ct_sum(ct_mul_scalar(a, 3)));
    ck_ok();
    ck_values(ct_tensor_grad(a), 7, 7, 7);
}
END_TEST

/* grad((a*3).sum(), a) runs the hooks of a too */
START_TEST(hooks_run_before_grad_captures) {
    ct_tensor *a = LEAF(1, 2), *x = ct_mul_scalar(a, 2), *in[] = {x, a}, *g[2];
    ct_register_hook(a, twice, NULL, NULL, NULL);
    ct_register_hook(x, plus_one, NULL, NULL, NULL);
    ct_retain_grad(x);
    ct_tensor *y = ct_sum(ct_mul_scalar(x, 3));
    ct_grad(&y, 1, in, 2, NULL, g);
    ck_ok();
    ck_values(g[0], 4, 4);
    ck_values(g[1], 16, 16);
    ck_values(ct_tensor_grad(x), 4, 4);
    ck_assert_ptr_null(ct_tensor_grad(a));
}
END_TEST

/* x.register_hook(old); x.mul_(3); x.register_hook(new); x.sum().backward() */
START_TEST(a_hook_stays_with_the_operation_that_it_was_registered_on) {
    ct_tensor *a = LEAF(1, 2), *x = ct_mul_scalar(a, 2);
    probe old = {0}, new = {0};
    ct_register_hook(x, look, &old, NULL, NULL);
    ct_mul_scalar_(x, 3);
    ct_register_hook(x, look, &new, NULL, NULL);
    ct_backward(ct_sum(x));
    ck_ok();
    ck_assert(new.order < old.order);
    ck_assert_double_eq(new.seen, 1);
    ck_assert_double_eq(old.seen, 3);
}
END_TEST

START_TEST(a_hook_sees_the_whole_gradient_once) {
    ct_tensor *a = LEAF(5, 6), *x = ct_mul_scalar(a, 1);
    probe p = {0}, l = {0};
    ct_register_hook(x, look, &p, NULL, NULL);
    ct_register_hook(a, look, &l, NULL, NULL);
    ct_backward(ct_sum(ct_add(ct_mul(x, x), ct_mul_scalar(x, 3))));
    ck_ok();
    ck_assert_int_eq(p.calls, 1);
    ck_assert_double_eq(p.seen, 13);
    ck_assert_int_eq(l.calls, 1);
    ck_assert_double_eq(l.seen, 13);
}
END_TEST

START_TEST(removed_hooks_do_not_run) {
    ct_tensor *a = LEAF(1, 2);
    probe p = {0}, q = {0};
    ct_hook *h;
    ct_register_hook(a, look, &p, count_free, &h);
    ct_register_hook(a, look, &q, count_free, &q.self);
    ct_hook_remove(h);
    ct_hook_remove(NULL);
    ck_assert_int_eq(p.freed, 1);
    ct_backward(ct_sum(a));
    ct_backward(ct_sum(a));
    ck_ok();
    ck_assert_int_eq(p.calls, 0);
    ck_assert_int_eq(q.calls, 1); /* it removed itself while it ran */
    ck_assert_int_eq(q.freed, 1);
    for (int i = 0; i < 100; i++) { /* the list does not grow */
        ct_register_hook(a, look, &p, NULL, &h);
        ct_hook_remove(h);
    }
}
END_TEST

START_TEST(a_handle_outlives_its_tensor) {
    probe p = {0};
    ct_hook *h;
    ct_scope s = ct_scope_begin();
    ct_tensor *x = ct_mul_scalar(LEAF(1, 2), 2);
    ct_register_hook(x, look, &p, count_free, &h);
    ct_scope_end(s);
    ct_hook_remove(h);
    ck_assert_int_eq(p.freed, 1);
    s = ct_scope_begin();
    ct_register_hook(ct_mul_scalar(LEAF(1, 2), 2), look, &p, count_free, NULL);
    ct_scope_end(s);
    ck_assert_int_eq(p.freed, 2);
}
END_TEST

static ct_status see_grad(ct_tensor *t, void *user) {
    probe *p = user;
    p->calls++;
    p->order = ++next_order;
    p->seen = first_of(ct_tensor_grad(t));
    return ct_tensor_set_grad(t, NULL);
}
START_TEST(post_accumulate_hooks_see_the_leaf_and_its_grad) {
    ct_tensor *a = LEAF(1, 2), *b = LEAF(3, 4);
    static probe p; /* the leaf goes after the test's end, and count_free is called then */
    ct_register_post_accumulate_grad_hook(a, see_grad, &p, count_free, NULL);
    ct_register_hook(a, twice, NULL, NULL, NULL);
    ct_backward(ct_sum(ct_mul(a, b)));
    ck_ok();
    ck_assert_int_eq(p.calls, 1);
    ck_assert_double_eq(p.seen, 6);
    ck_assert_ptr_null(ct_tensor_grad(a)); /* an optimizer in backward */
    ck_values(ct_tensor_grad(b), 1, 2);
    ct_register_post_accumulate_grad_hook(ct_mul(a, a), see_grad, &p, count_free, NULL);
    ck_error(CT_ERR_AUTOGRAD, "ct_register_post_accumulate_grad_hook: the tensor is not a leaf");
    ck_assert_int_eq(p.freed, 1);
}
END_TEST

static ct_tensor *failing(ct_tensor *g, void *user) {
    (void)g, (void)user;
    ct_error_raise(CT_ERR_USER, "no");
    return NULL;
}
static ct_tensor *too_long(ct_tensor *g, void *user) { return (void)g, (void)user, test_f64((double[]){1, 2, 3}, CT_SHAPE(3)); }
static ct_tensor *f32(ct_tensor *g, void *user) { return (void)g, (void)user, test_f32((double[]){1, 2}, CT_SHAPE(2)); }
static ct_status refuse(ct_tensor *t, void *user) { return (void)t, (void)user, CT_ERR_STATE; }

START_TEST(a_failing_hook_stops_the_run) {
    const struct {
        ct_hook_fn fn;
        ct_status status;
        const char *text;
    } cases[] = {{failing, CT_ERR_USER, "no"},
                 {too_long, CT_ERR_SHAPE, "ct_register_hook: what the hook returned is a gradient float64 [3] for a tensor float64 [2]"},
                 {f32, CT_ERR_DTYPE, "is a gradient float32 [2] for a tensor float64 [2]"}};
    for (int i = 0; i < 3; i++) {
        ct_tensor *a = LEAF(1, 2), *x = ct_mul_scalar(a, 2), *y = ct_sum(ct_mul(x, x));
        ct_register_hook(x, cases[i].fn, NULL, NULL, NULL);
        ck_assert(ct_backward(y) == cases[i].status);
        ck_error(cases[i].status, cases[i].text);
        ck_assert_ptr_null(ct_tensor_grad(a));
    }
    ct_tensor *a = LEAF(1, 2);
    ct_register_post_accumulate_grad_hook(a, refuse, NULL, NULL, NULL);
    ct_backward(ct_sum(a));
    ck_error(CT_ERR_USER, "a hook returned CT_ERR_STATE without an error");
}
END_TEST

static ct_tensor *inner_backward(ct_tensor *g, void *user) {
    ct_tensor *shared = user;
    ct_scope s = ct_enable_grad_begin();
    ct_backward(ct_sum(ct_mul(shared, shared)));
    ct_scope_end(s);
    return (void)g, NULL;
}
START_TEST(a_hook_may_run_backward_over_the_same_leaf) {
    ct_tensor *a = LEAF(1, 2), *x = ct_mul_scalar(a, 3);
    ct_register_hook(x, inner_backward, a, NULL, NULL);
    ct_backward(ct_sum(x));
    ck_ok();
    ck_values(ct_tensor_grad(a), 2 + 3, 4 + 3);
}
END_TEST

START_TEST(registering_needs_a_tensor_that_requires_grad) {
    probe p = {0};
    ct_hook *h = (ct_hook *)&p;
    ct_register_hook(test_f64((double[]){1}, CT_SHAPE(1)), look, &p, count_free, &h);
    ck_error(CT_ERR_AUTOGRAD, "ct_register_hook: the tensor does not require grad");
    ck_assert_ptr_null(h);
    ct_register_hook(NULL, look, &p, count_free, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_register_hook: the tensor is NULL");
    ct_register_hook(LEAF(1), NULL, &p, count_free, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_register_hook: the hook is NULL");
    ck_assert_int_eq(p.freed, 3);
}
END_TEST

/* ---- retain_grad, case by case as PyTorch 2.13 ---- */

/* x.retain_grad(); v = x[1:3]; v.retain_grad(); (v * v).sum().backward() */
START_TEST(retained_gradients_of_a_tensor_and_its_view) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2), *v = ct_slice(x, 0, 1, 3, 1);
    ct_retain_grad(x);
    ct_retain_grad(v);
    ct_backward(ct_sum(ct_mul(v, v)));
    ck_ok();
    ck_values(ct_tensor_grad(x), 0, 8, 12, 0);
    ck_values(ct_tensor_grad(v), 8, 12);
}
END_TEST

START_TEST(retain_grad_follows_changes_in_place) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2);
    ct_retain_grad(x);
    ct_mul_scalar_(x, 3);
    ck_assert(ct_retains_grad(x));
    ct_backward(ct_sum(ct_mul(x, x)));
    ck_ok();
    ck_values(ct_tensor_grad(x), 12, 24, 36, 48);
    ck_values(ct_tensor_grad(a), 72, 144, 216, 288);
    x = ct_mul_scalar(a, 2); /* v = x[:2]; v.mul_(3): x's history moves to CopySlices */
    ct_retain_grad(x);
    ct_mul_scalar_(ct_slice(x, 0, 0, 2, 1), 3);
    ct_backward(ct_sum(x));
    ck_values(ct_tensor_grad(x), 1, 1, 1, 1);
    for (int by_view = 0; by_view < 2; by_view++) { /* v.retain_grad(); x.mul_(3) or v.mul_(3); v.sum().backward() */
        x = ct_mul_scalar(a, 2);
        ct_tensor *v = ct_slice(x, 0, 0, 2, 1);
        ct_retain_grad(v);
        ct_mul_scalar_(by_view ? v : x, 3);
        ct_backward(ct_sum(v));
        ck_ok();
        ck_values(ct_tensor_grad(v), 1, 1);
        ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward");
    }
}
END_TEST

static ct_tensor *no_grad_yet(ct_tensor *g, void *user) {
    (void)g;
    ck_assert_ptr_null(ct_tensor_grad(user));
    return NULL;
}

START_TEST(what_is_retained_is_what_hooks_made_of_it) {
    for (int first = 0; first < 2; first++) {
        ct_tensor *a = LEAF(1, 2), *x = ct_mul_scalar(a, 2);
        if (first) ct_retain_grad(x);
        ct_register_hook(x, twice, NULL, NULL, NULL);
        ct_register_hook(x, no_grad_yet, x, NULL, NULL);
        if (!first) ct_retain_grad(x);
        ct_tensor *y = ct_sum(x);
        ct_backward_with(&y, NULL, 1, &(ct_backward_options){.retain_graph = true});
        ck_ok();
        ck_values(ct_tensor_grad(x), 2, 2);
        ct_tensor_set_grad(x, NULL);
        ct_backward(y);
        ck_values(ct_tensor_grad(x), 2, 2);
    }
}
END_TEST

START_TEST(retained_gradients_add_up_and_come_with_grad_too) {
    ct_tensor *a = LEAF(1, 2), *x = ct_mul_scalar(a, 2), *y = ct_sum(x), *g;
    ct_retain_grad(x);
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.retain_graph = true});
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.retain_graph = true});
    ck_values(ct_tensor_grad(x), 2, 2);
    ct_tensor_set_grad(x, NULL);
    ct_grad(&y, 1, &a, 1, &(ct_grad_options){.retain_graph = true}, &g);
    ck_values(ct_tensor_grad(x), 1, 1);
    ct_tensor_set_grad(x, NULL);
    ct_grad(&y, 1, &x, 1, NULL, &g);
    ck_ok();
    ck_values(ct_tensor_grad(x), 1, 1);
    x = ct_mul_scalar(a, 2);
    ct_retain_grad(x);
    y = ct_sum(ct_mul(x, x));
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.create_graph = true});
    ck_values(ct_tensor_grad(x), 4, 8);
    ck_assert(ct_requires_grad(ct_tensor_grad(x)));
    ct_tensor_set_grad(a, NULL); /* it leads back to itself */
    ct_tensor_set_grad(x, NULL);
    x = ct_mul_scalar(a, 2);
    y = ct_sum(x);
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.inputs = &x, .n_inputs = 1});
    ck_assert(ct_retains_grad(x));
    ck_values(ct_tensor_grad(x), 1, 1);
    ck_assert_ptr_null(ct_tensor_grad(a));
    ct_retain_grad(a);
    ck_assert(!ct_retains_grad(a));
    ct_retain_grad(ct_ones(CT_SHAPE(1), CT_F32));
    ck_error(CT_ERR_AUTOGRAD, "ct_retain_grad: the tensor does not require grad");
}
END_TEST

/* grad((a * 2).sum(), [a, b], ...) */
START_TEST(unused_inputs) {
    ct_tensor *a = LEAF(1, 2), *b = LEAF(1, 2), *in[] = {a, b}, *g[2], *y = ct_sum(ct_mul(a, a)), *none = NULL, *same[] = {a, a};
    ct_grad(&y, 1, in, 2, &(ct_grad_options){.retain_graph = true}, g);
    ck_error(CT_ERR_AUTOGRAD, "ct_grad: the outputs do not depend on input 1; .allow_unused = true gives NULL for it");
    ck_assert(!g[0] && !g[1]);
    ct_grad(&y, 1, in, 2, &(ct_grad_options){.retain_graph = true, .allow_unused = true}, g);
    ck_ok();
    ck_values(g[0], 2, 4);
    ck_assert_ptr_null(g[1]);
    ct_grad(&y, 1, in, 2, &(ct_grad_options){.retain_graph = true, .materialize_grads = true}, g);
    ck_values(g[1], 0, 0);
    ck_assert(!ct_requires_grad(g[1]));
    ct_grad(&y, 1, in, 2, &(ct_grad_options){.create_graph = true, .materialize_grads = true}, g);
    ck_values(g[1], 0, 0);
    ck_assert(ct_requires_grad(g[1])); /* so that it can be differentiated again like the others */
    ct_grad(&y, 1, same, 2, &(ct_grad_options){.retain_graph = true}, g);
    ck_values(g[1], 2, 4);
    ct_grad(&y, 1, &y, 1, &(ct_grad_options){.retain_graph = true}, g);
    ck_values(g[0], 1);
    ct_tensor *d = ct_detach(a);
    ct_grad(&y, 1, &d, 1, &(ct_grad_options){.allow_unused = true}, g);
    ck_error(CT_ERR_AUTOGRAD, "ct_grad: input 0 does not require grad");
    ct_grad(&y, 1, &none, 1, &(ct_grad_options){.allow_unused = true}, g);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_grad: input 0 is NULL");
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.inputs = &b, .n_inputs = 1, .retain_graph = true});
    ck_ok();
    ck_assert(!ct_tensor_grad(a) && !ct_tensor_grad(b));
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.inputs = &b});
    ck_error(CT_ERR_INVALID_ARGUMENT, "inputs is given, n_inputs is 0");
}
END_TEST

TEST_LIST = {TEST(hooks_replace_in_order_of_registration),
             TEST(hooks_run_before_grad_captures),
             TEST(a_hook_stays_with_the_operation_that_it_was_registered_on),
             TEST(a_hook_sees_the_whole_gradient_once),
             TEST(removed_hooks_do_not_run),
             TEST(a_handle_outlives_its_tensor),
             TEST(post_accumulate_hooks_see_the_leaf_and_its_grad),
             TEST(a_failing_hook_stops_the_run),
             TEST(a_hook_may_run_backward_over_the_same_leaf),
             TEST(registering_needs_a_tensor_that_requires_grad),
             TEST(retained_gradients_of_a_tensor_and_its_view),
             TEST(retain_grad_follows_changes_in_place),
             TEST(what_is_retained_is_what_hooks_made_of_it),
             TEST(retained_gradients_add_up_and_come_with_grad_too),
             TEST(unused_inputs)};
TEST_MAIN("hooks")
