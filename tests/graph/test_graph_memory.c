/* Depth and memory: long chains on a small stack, every allocation failing once, what a scope and a graph hold. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <pthread.h>

static ct_tensor *leaf(int64_t n, const double *v) {
    ct_tensor *t = test_f64(v, &n, 1);
    ct_set_requires_grad(t, true);
    return t;
}
#define LEAF(...) leaf((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

enum { CHAIN = 1000000, SMALL_STACK = 256 * 1024 };

/* A chain of ops on a, each of which saves tensors; only the last is held. */
static ct_tensor *chain(ct_tensor *a, ct_tensor *w, int n) {
    ct_tensor *x = ct_mul(a, w);
    for (int i = 1; i < n; i++) {
        ct_tensor *y = ct_mul(x, w);
        ct_scope_drop(x);
        x = y;
    }
    return x;
}

static void *run_chain(void *arg) {
    bool *good = arg;
    ct_tensor *a = LEAF(1), *w = LEAF(1);
    ct_tensor *y = ct_sum(chain(a, w, CHAIN));
    good[0] = ct_backward(y) == CT_OK;
    good[1] = ct_tensor_grad(a) && ct_item_f64(ct_tensor_grad(a)) == 1;
    good[2] = ct_tensor_grad(w) && ct_item_f64(ct_tensor_grad(w)) == CHAIN;
    ct_scope_clear_root();
    a = LEAF(1), w = LEAF(1);
    ct_scope s = ct_scope_begin();
    y = chain(a, w, CHAIN); /* freed without a backward */
    good[3] = y != NULL;
    ct_scope_end(s);
    s = ct_scope_begin();
    ct_tensor *x = ct_mul(a, w); /* the same through one tensor changed in place, and through a view of it */
    for (int i = 0; i < CHAIN / 10; i++) ct_add_scalar_(x, 0);
    for (int i = 0; i < CHAIN / 10; i++) ct_mul_(ct_slice(x, 0, 0, 1, 1), w);
    good[4] = ct_ok();
    ct_scope_end(s);
    ct_error_clear();
    ct_scope_clear_root();
    return NULL;
}

START_TEST(a_million_ops_on_a_stack_of_256_kib) {
    bool good[5] = {false};
    pthread_attr_t attr;
    pthread_t thread;
    ck_assert_int_eq(pthread_attr_init(&attr), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, run_chain, good), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    for (int i = 0; i < 5; i++) ck_assert_msg(good[i], "step %d", i);
}
END_TEST

START_TEST(a_graph_holds_what_it_saved_and_backward_lets_it_go) {
    ct_scope_drop(LEAF(1)); /* the scope stack's own block */
    int64_t before = ct_memory_get_stats().live_blocks;
    ct_scope s = ct_scope_begin();
    ct_tensor *a = LEAF(1, 2), *y = ct_sum(chain(a, a, 100));
    int64_t recorded = ct_memory_get_stats().live_blocks;
    ct_backward(y);
    ck_ok();
    ck_assert_int_lt(ct_memory_get_stats().live_blocks, recorded - 190); /* the chain's tensors: 99 times handle and storage */
    ct_scope_end(s);
    ck_assert_int_le(ct_memory_get_stats().live_blocks, before);
}
END_TEST

START_TEST(in_place_graphs_are_no_cycles) {
    ct_tensor *a = LEAF(1, 2), *w = LEAF(3, 4);
    ct_scope s = ct_scope_begin();
    ct_tensor *warm = ct_mul(a, w);
    ct_mul_(ct_slice(warm, 0, 0, 1, 1), ct_slice(w, 0, 0, 1, 1));
    ct_scope_end(s);
    int64_t before = ct_memory_get_stats().live_blocks;
    s = ct_scope_begin();
    ct_tensor *x = ct_mul(a, w), *v = ct_slice(x, 0, 0, 1, 1);
    ct_mul_(x, w);
    ct_exp_(x);
    ct_mul_(v, v);
    ct_mul_(x, x);
    ct_mul_(x, ct_expand(v, CT_SHAPE(2))); /* saves a view of what changes */
    ct_copy_(v, ct_slice(w, 0, 1, 2, 1));
    ct_retain_grad(x);
    ct_retain_grad(v);
    ck_ok();
    ct_scope_end(s);
    ck_assert_int_le(ct_memory_get_stats().live_blocks, before);
}
END_TEST

/* One step with all kinds of nodes: views, in-place, saved outputs, several gradients for one tensor, hooks, a second order. */
static ct_tensor *pass(ct_tensor *g, void *user) { return (void)user, ct_mul_scalar(g, 1); }
static ct_status step(ct_tensor *a, ct_tensor *w) {
    ct_scope s = ct_scope_begin();
    ct_tensor *x = ct_mul(a, w), *v = ct_slice(x, 0, 0, 1, 1), *g = NULL, *in[] = {a, w}, *gs[2];
    ct_mul_(v, ct_slice(w, 0, 1, 2, 1));
    ct_tensor *y = ct_exp(ct_add(x, ct_mul(x, w)));
    if (y) ct_register_hook(y, pass, NULL, NULL, NULL);
    if (y) ct_retain_grad(y);
    ct_tensor *loss = y ? ct_sum(y) : NULL;
    if (loss) ct_grad(&loss, 1, in, 2, &(ct_grad_options){.create_graph = true}, gs);
    if (ct_ok() && loss) g = ct_add(ct_sum(ct_mul(gs[0], gs[0])), ct_sum(y));
    if (g) ct_backward(g);
    ct_scope_end(s);
    return ct_error_status();
}

START_TEST(every_allocation_of_a_step_may_fail) {
    const double values[] = {0.1, 0.2}, weights[] = {0.3, 0.4};
    ct_tensor *a = leaf(2, values), *w = leaf(2, weights);
    ck_assert(step(a, w) == CT_OK);
    ck_ok();
    double want[2], got[2];
    ct_copy_to(ct_tensor_grad(a), want, 2, CT_F64);
    int64_t before = ct_memory_get_stats().live_blocks;
    int failures = 0;
    for (int n = 1;; n++) {
        ct_tensor_set_grad(a, NULL);
        ct_tensor_set_grad(w, NULL);
        ct_memory_fail_at(n);
        ct_status status = step(a, w);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_assert_msg(status == CT_ERR_OUT_OF_MEMORY, "allocation %d: %s", n, ct_error_message());
        ct_error_clear();
        failures++;
        ct_tensor_set_grad(a, NULL);
        ct_tensor_set_grad(w, NULL);
        ck_assert_msg(ct_memory_get_stats().live_blocks <= before, "allocation %d: %lld blocks left behind", n,
                      (long long)(ct_memory_get_stats().live_blocks - before));
        ck_assert(ct_is_leaf(a) && ct_is_leaf(w));
        ck_values(a, 0.1, 0.2);
    }
    ck_assert_int_gt(failures, 100);
    ct_copy_to(ct_tensor_grad(a), got, 2, CT_F64);
    ck_assert_double_eq(want[0], got[0]);
    ck_assert_double_eq(want[1], got[1]);
}
END_TEST

static void *record_shared(void *arg) {
    ct_tensor *w = arg;
    for (int i = 0; i < 20000; i++) {
        ct_scope s = ct_scope_begin();
        ct_tensor *y = ct_mul(w, w);
        if (!ct_grad_fn_name(y)) arg = NULL;
        ct_scope_end(s);
    }
    return arg;
}
START_TEST(threads_may_record_with_the_same_leaf) {
    ct_tensor *w = LEAF(1, 2);
    pthread_t threads[3];
    void *result;
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, record_shared, w), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_nonnull(result);
    }
}
END_TEST

TEST_LIST = {TEST(a_million_ops_on_a_stack_of_256_kib), TEST(a_graph_holds_what_it_saved_and_backward_lets_it_go), TEST(in_place_graphs_are_no_cycles),
             TEST(every_allocation_of_a_step_may_fail), TEST(threads_may_record_with_the_same_leaf)};
TEST_MAIN("graph_memory")
