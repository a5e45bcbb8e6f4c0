/* Checkpoints: gradients are those of the plain call, memory is less, what cannot be recomputed is an error. */
#include "support/test.h"

#include <ctorch/ctorch.h>

typedef struct block {
    ct_tensor *w;
    int calls, freed, change; /* change: what is wrong with the calls after the first */
} block;

static void freed(void *user) { ((block *)user)->freed++; }

static ct_tensor *leaf(const int64_t *sizes, int ndim, uint64_t seed) {
    ct_generator *g = ct_generator_new(seed);
    ct_tensor *t = ct_randn(sizes, ndim, CT_F64, g);
    ct_generator_free(g);
    ct_set_requires_grad(t, true);
    return t;
}

/* dropout(tanh(x @ w)) * x */
static ct_tensor *run_block(ct_tensor *const *in, int n, void *user) {
    (void)n;
    block *b = user;
    b->calls++;
    ct_tensor *h = ct_tanh(ct_matmul(in[0], b->w));
    if (b->calls > 1 && b->change == 1) h = ct_exp(h);
    if (b->calls > 1 && b->change == 2) h = ct_mul(h, ct_ones(CT_SHAPE(1, 4), CT_F64));
    if (b->calls > 1 && b->change == 3) ct_error_raise(CT_ERR_USER, "the second run fails");
    return ct_mul(ct_dropout(h, 0.5, NULL), in[0]);
}

static void gradients(ct_tensor *loss, ct_tensor *x, ct_tensor *w, ct_tensor **g) {
    ct_tensor *in[] = {x, w};
    ct_grad(&loss, 1, in, 2, NULL, g);
}

START_TEST(gradients_are_those_of_the_plain_call) {
    ct_tensor *x = leaf(CT_SHAPE(3, 4), 1), *w = leaf(CT_SHAPE(4, 4), 2), *plain[2], *again[2];
    block b = {.w = w}, c = {.w = w};
    ct_manual_seed(5);
    gradients(ct_sum(run_block(&x, 1, &b)), x, w, plain);
    ct_tensor *draw = ct_rand(CT_SHAPE(4), CT_F64, NULL);
    ct_manual_seed(5);
    ct_tensor *loss = ct_sum(ct_checkpoint_apply(run_block, &c, freed, &x, 1, NULL));
    ck_assert_int_eq(c.calls, 1);
    ck_assert_int_eq(c.freed, 0);
    gradients(loss, x, w, again);
    ck_ok();
    ck_assert_int_eq(c.calls, 2);
    ck_close(plain[0], again[0], 0, 0);
    ck_close(plain[1], again[1], 0, 0);
    ck_close(draw, ct_rand(CT_SHAPE(4), CT_F64, NULL), 0, 0); /* the default generator is where one run leaves it */
    ck_assert_int_eq(c.freed, 1); /* the graph needs it no more */
}
END_TEST

START_TEST(inputs_that_need_no_gradient_and_no_grad_mode) {
    ct_tensor *x = ct_ones(CT_SHAPE(3, 4), CT_F64), *w = leaf(CT_SHAPE(4, 4), 2), *g, *want;
    block b = {.w = w}, c = {.w = w};
    ct_manual_seed(5);
    ct_tensor *loss = ct_sum(run_block(&x, 1, &b));
    ct_grad(&loss, 1, &w, 1, NULL, &want);
    ct_manual_seed(5);
    loss = ct_sum(ct_checkpoint_apply(run_block, &c, NULL, &x, 1, NULL));
    ct_grad(&loss, 1, &w, 1, NULL, &g);
    ck_ok();
    ck_close(g, want, 0, 0);
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *y = ct_checkpoint_apply(run_block, &c, freed, &x, 1, NULL);
    ck_assert(!ct_requires_grad(y));
    ck_assert_int_eq(c.freed, 1);
    ct_scope_end(scope);
    w = ct_detach(w); /* nothing requires grad */
    b.w = w;
    y = ct_checkpoint_apply(run_block, &b, freed, &x, 1, NULL);
    ck_assert(!ct_requires_grad(y));
    ck_assert_int_eq(b.freed, 1);
}
END_TEST

/* (x * y, sin(x) + z, 2 y), z may be NULL */
static ct_status several(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)n_in, (void)n_out;
    if (user) ++*(int *)user;
    out[0] = ct_mul(in[0], in[1]);
    out[1] = in[2] ? ct_add(ct_sin(in[0]), in[2]) : ct_sin(in[0]);
    out[2] = ct_mul_scalar(in[1], 2);
    return ct_error_status();
}

START_TEST(several_inputs_and_outputs) {
    ct_tensor *in[3] = {leaf(CT_SHAPE(4), 1), leaf(CT_SHAPE(4), 2), NULL}, *out[3], *g[2], *want[2];
    int calls = 0;
    for (int i = 0; i < 2; i++) {
        several(in, 3, out, 3, NULL);
        ct_tensor *loss = ct_sum(ct_mul(out[0], ct_mul(out[1], out[2])));
        ct_grad(&loss, 1, in, 2, NULL, want);
        ct_checkpoint_apply_n(several, &calls, NULL, in, 3, out, 3, NULL);
        ck_ok();
        loss = ct_sum(ct_mul(out[0], ct_mul(out[1], out[2])));
        ct_grad(&loss, 1, in, 2, NULL, g);
        ck_ok();
        ck_close(g[0], want[0], 0, 0);
        ck_close(g[1], want[1], 0, 0);
        ck_assert_int_eq(calls, 2 * (i + 1)); /* one second run serves all three outputs */
        in[2] = ct_ones(CT_SHAPE(1), CT_F64);
    }
}
END_TEST

/* A block in a block in a block; user counts calls. */
typedef struct nest {
    int depth, calls;
    struct nest *inner;
    ct_tensor *w;
} nest;
static ct_tensor *nested(ct_tensor *const *in, int n, void *user) {
    nest *s = user;
    s->calls++;
    ct_tensor *h = ct_sin(ct_mul(in[0], s->w));
    if (s->inner) h = ct_checkpoint_apply(nested, s->inner, NULL, &h, 1, NULL);
    return (void)n, ct_mul(ct_tanh(h), h);
}
static ct_tensor *plain_nested(ct_tensor *x, nest *s) {
    ct_tensor *h = ct_sin(ct_mul(x, s->w));
    if (s->inner) h = plain_nested(h, s->inner);
    return ct_mul(ct_tanh(h), h);
}

START_TEST(nested_checkpoints) {
    ct_tensor *x = leaf(CT_SHAPE(5), 1), *w = leaf(CT_SHAPE(5), 2), *g[2], *want[2];
    nest c = {.w = w}, b = {.w = w, .inner = &c}, a = {.w = w, .inner = &b};
    gradients(ct_sum(plain_nested(x, &a)), x, w, want);
    gradients(ct_sum(ct_checkpoint_apply(nested, &a, NULL, &x, 1, NULL)), x, w, g);
    ck_ok();
    ck_close(g[0], want[0], 1e-15, 1e-15);
    ck_close(g[1], want[1], 1e-15, 1e-15);
    ck_assert_int_eq(a.calls, 2);
}
END_TEST

START_TEST(gradients_of_gradients_and_retained_graphs) {
    ct_tensor *x = leaf(CT_SHAPE(5), 1), *w = leaf(CT_SHAPE(5), 2), *in[] = {x, w}, *g[2], *h[2], *want[2], *first[2];
    nest b = {.w = w}, a = {.w = w, .inner = &b};
    for (int i = 0; i < 2; i++) {
        ct_tensor *y = i ? ct_checkpoint_apply(nested, &a, NULL, &x, 1, NULL) : plain_nested(x, &a), *loss = ct_sum(y);
        ct_grad(&loss, 1, in, 2, &(ct_grad_options){.create_graph = true}, g);
        ct_tensor *penalty = ct_sum(ct_mul(g[0], ct_mul(g[0], g[1])));
        ct_grad(&penalty, 1, in, 2, &(ct_grad_options){.retain_graph = true}, i ? h : want);
        ck_ok();
        ct_grad(&penalty, 1, in, 2, NULL, first); /* a second time through what was retained */
        ck_ok();
        ck_close(first[0], i ? h[0] : want[0], 0, 0);
    }
    ck_close(h[0], want[0], 1e-14, 1e-14);
    ck_close(h[1], want[1], 1e-14, 1e-14);
    ct_tensor *loss = ct_sum(ct_checkpoint_apply(nested, &a, NULL, &x, 1, NULL));
    ct_backward(loss);
    ck_assert(ct_backward(loss) == CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "backward a second time through");
}
END_TEST

START_TEST(gradcheck_of_a_checkpoint) {
    ct_tensor *w = leaf(CT_SHAPE(3), 2), *x = leaf(CT_SHAPE(3), 1);
    nest b = {.w = w}, a = {.w = w, .inner = &b};
    struct { nest *s; } user = {&a};
    ck_assert(ct_gradcheck(nested, user.s, &x, 1, NULL) == CT_OK);
    ck_assert(ct_gradgradcheck(nested, user.s, &x, 1, NULL) == CT_OK);
    ck_ok();
}
END_TEST

START_TEST(a_part_of_the_gradients) {
    ct_tensor *x = leaf(CT_SHAPE(3, 4), 1), *w = leaf(CT_SHAPE(4, 4), 2), *g, *want[2];
    block b = {.w = w};
    ct_manual_seed(5);
    ct_tensor *loss = ct_sum(ct_checkpoint_apply(run_block, &b, NULL, &x, 1, NULL));
    ct_grad(&loss, 1, &x, 1, &(ct_grad_options){.retain_graph = true}, &g);
    gradients(loss, x, w, want); /* what the first left over is used, the rest recomputed */
    ck_ok();
    ck_close(g, want[0], 0, 0);
}
END_TEST

/* fn may run a backward through itself: x * d(x^3)/dx */
static ct_tensor *inner_backward(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *x = in[0], *y = ct_sum(ct_mul(x, ct_mul(x, x))), *g;
    ct_grad(&y, 1, &x, 1, &(ct_grad_options){.create_graph = true}, &g);
    return ct_mul(g, x);
}
START_TEST(the_function_may_call_backward) {
    ct_tensor *x = test_f64((double[]){1, 2}, CT_SHAPE(2)), *g;
    ct_set_requires_grad(x, true);
    ct_tensor *loss = ct_sum(ct_checkpoint_apply(inner_backward, NULL, NULL, &x, 1, NULL)); /* 3 x^3 */
    ck_ok();
    ct_grad(&loss, 1, &x, 1, NULL, &g);
    ck_ok();
    ck_values(g, 9, 36);
}
END_TEST

START_TEST(what_is_not_the_same_again_is_an_error) {
    ct_tensor *x = leaf(CT_SHAPE(3, 4), 1), *w = leaf(CT_SHAPE(4, 4), 2);
    static const struct { ct_status status; const char *text; } want[] = {
        {CT_ERR_STATE, "the first saved"}, {CT_ERR_STATE, "in the first run"}, {CT_ERR_USER, "the second run fails"}};
    for (int change = 1; change <= 3; change++) {
        block b = {.w = w, .change = change};
        ct_scope scope = ct_scope_begin();
        ct_tensor *y = ct_checkpoint_apply(run_block, &b, NULL, &x, 1, NULL);
        ck_assert(ct_backward(ct_sum(y)) != CT_OK);
        ck_assert_int_eq(ct_error_status(), want[change - 1].status);
        ct_error_clear();
        ct_scope_end(scope);
    }
    block b = {.w = w};
    ct_tensor *loss = ct_sum(ct_checkpoint_apply(run_block, &b, NULL, &x, 1, NULL));
    ct_scope scope = ct_no_grad_begin();
    ct_mul_scalar_(w, 2);
    ct_scope_end(scope);
    ct_backward(loss);
    ck_error(CT_ERR_AUTOGRAD, "ct_checkpoint_apply: a leaf float64 [4, 4] was changed in place between the two runs: it is at version 1, in the first run it was at 0");
    ct_tensor *z = ct_mul_scalar(x, 1);
    loss = ct_sum(ct_checkpoint_apply(run_block, &b, NULL, &z, 1, NULL));
    ct_mul_scalar_(z, 2);
    ct_backward(loss);
    ck_error(CT_ERR_AUTOGRAD, "ct_checkpoint_apply: the float64 input [3, 4] that its gradient needs was changed in place");
}
END_TEST

START_TEST(without_the_generator_state_dropout_differs) {
    ct_tensor *x = leaf(CT_SHAPE(3, 4), 1), *w = leaf(CT_SHAPE(4, 4), 2), *g[2], *want[2];
    block b = {.w = w};
    ct_manual_seed(5);
    gradients(ct_sum(run_block(&x, 1, &b)), x, w, want);
    ct_manual_seed(5);
    gradients(ct_sum(ct_checkpoint_apply(run_block, &b, NULL, &x, 1, &(ct_checkpoint_options){.no_preserve_rng_state = true})), x, w, g);
    ck_ok();
    ck_assert(!ct_item_bool(ct_all(ct_eq(g[0], want[0])))); /* d x needs what dropout gave, which now has another mask */
}
END_TEST

static ct_generator *own;
static ct_tensor *own_dropout(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_mul(ct_dropout(in[0], 0.5, &(ct_dropout_options){.generator = own}), in[0]);
}
START_TEST(generators_of_ones_own) {
    ct_tensor *x = leaf(CT_SHAPE(100), 1), *g, *want;
    own = ct_generator_new(3);
    ct_tensor *loss = ct_sum(own_dropout(&x, 1, NULL));
    ct_grad(&loss, 1, &x, 1, NULL, &want);
    uint64_t next = ct_generator_random64(own);
    ct_generator_manual_seed(own, 3);
    loss = ct_sum(ct_checkpoint_apply(own_dropout, NULL, NULL, &x, 1, &(ct_checkpoint_options){.generators = &own, .n_generators = 1, .no_preserve_rng_state = true}));
    ct_grad(&loss, 1, &x, 1, NULL, &g);
    ck_ok();
    ck_close(g, want, 0, 0);
    ck_assert_uint_eq(ct_generator_random64(own), next);
    ct_generator_free(own);
    own = NULL;
    ct_checkpoint_apply(own_dropout, NULL, NULL, &x, 1, &(ct_checkpoint_options){.generators = &own, .n_generators = 1});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_checkpoint_apply: generator 0 is NULL");
}
END_TEST

static ct_module *tower(int n) {
    ct_module *m = ct_nn_sequential(ct_nn_identity());
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "layer%d", i);
        ct_module_add_child(m, name, ct_nn_sequential(ct_nn_linear(64, 64, NULL), ct_nn_tanh(), ct_nn_dropout(0.2)));
    }
    return m;
}

START_TEST(a_sequence_of_modules_needs_less_memory) {
    ct_module *net = tower(15);
    ct_tensor *x = ct_ones(CT_SHAPE(512, 64), CT_F32), *grads[2], *w = ct_module_get_parameter(net, "layer0.0.weight");
    int64_t saved[2], peak[2];
    for (int i = 0; i < 2; i++) {
        ct_module_zero_grad(net);
        ct_manual_seed(7);
        ct_scope scope = ct_scope_begin();
        int64_t before = ct_memory_get_stats().live_bytes;
        ct_memory_reset_peak();
        ct_tensor *y = i ? ct_checkpoint_sequential(net, 4, x, NULL) : ct_forward(net, x);
        saved[i] = ct_memory_get_stats().live_bytes - before;
        ct_backward(ct_sum(y));
        ck_ok();
        peak[i] = ct_memory_get_stats().peak_bytes - before;
        grads[i] = ct_keep(ct_tensor_grad(w));
        ct_scope_end(scope);
    }
    ck_close(grads[0], grads[1], 0, 0);
    ck_assert_msg(saved[1] < saved[0] / 2, "%lld against %lld bytes after forward", (long long)saved[1], (long long)saved[0]);
    ck_assert_msg(peak[1] < peak[0] * 2 / 3, "%lld against %lld bytes at the peak", (long long)peak[1], (long long)peak[0]);
    ct_release(grads[0]), ct_release(grads[1]);
    ct_module_free(net);
}
END_TEST

START_TEST(modules) {
    ct_module *net = tower(3);
    ct_tensor *x = ct_ones(CT_SHAPE(2, 64), CT_F32);
    ct_manual_seed(1);
    ct_tensor *want = ct_forward(net, x);
    for (int segments = 1; segments <= 4; segments++) {
        ct_manual_seed(1);
        ck_close(ct_checkpoint_sequential(net, segments, x, NULL), want, 0, 0);
    }
    ct_manual_seed(1);
    ct_tensor *y = ct_checkpoint_forward(net, x, NULL), *out;
    ck_close(y, want, 0, 0);
    ct_manual_seed(1);
    ct_checkpoint_forward_n(net, &x, 1, &out, 1, NULL);
    ck_close(out, want, 0, 0);
    ct_module *other = ct_module_retain(net);
    ct_module_free(net); /* the graph keeps what it needs */
    ct_backward(ct_sum(y));
    ck_ok();
    ck_assert_ptr_nonnull(ct_tensor_grad(ct_module_get_parameter(other, "layer2.0.weight")));
    ct_checkpoint_sequential(other, 5, x, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_checkpoint_sequential: 5 segments of Sequential with 4 children");
    ct_checkpoint_sequential(NULL, 1, x, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the module is NULL");
    ct_checkpoint_forward(NULL, x, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_checkpoint_forward: the module is NULL");
    ct_module_free(other);
}
END_TEST

static ct_tensor *gives_null(ct_tensor *const *in, int n, void *user) { return (void)in, (void)n, (void)user, NULL; }

START_TEST(mistakes) {
    ct_tensor *x = leaf(CT_SHAPE(3, 4), 1);
    block b = {0};
    ck_assert_ptr_null(ct_checkpoint_apply(NULL, &b, freed, &x, 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_checkpoint_apply: the function is NULL");
    ck_assert_int_eq(b.freed, 1);
    ck_assert_ptr_null(ct_checkpoint_apply(gives_null, &b, freed, &x, 1, NULL));
    ck_error(CT_ERR_USER, "ct_checkpoint_apply: the function left output 0 NULL");
    ck_assert_int_eq(b.freed, 2);
    ck_assert_ptr_null(ct_checkpoint_apply(gives_null, &b, freed, NULL, 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "1 inputs at NULL");
    ck_assert_int_eq(b.freed, 3);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    for (int64_t n = 1;; n++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *x = leaf(CT_SHAPE(3, 4), 1), *w = leaf(CT_SHAPE(4, 4), 2), *g[2];
        block b = {.w = w};
        ct_manual_seed(5);
        ct_memory_fail_at(n);
        gradients(ct_sum(ct_checkpoint_apply(run_block, &b, freed, &x, 1, NULL)), x, w, g);
        ct_memory_fail_at(0);
        bool done = ct_ok();
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_scope_end(scope);
        ck_assert_int_eq(b.freed, 1);
        if (done) break;
    }
}
END_TEST

TEST_LIST = {TEST(gradients_are_those_of_the_plain_call),
             TEST(inputs_that_need_no_gradient_and_no_grad_mode),
             TEST(several_inputs_and_outputs),
             TEST(nested_checkpoints),
             TEST(gradients_of_gradients_and_retained_graphs),
             TEST(gradcheck_of_a_checkpoint),
             TEST(a_part_of_the_gradients),
             TEST(the_function_may_call_backward),
             TEST(what_is_not_the_same_again_is_an_error),
             TEST(without_the_generator_state_dropout_differs),
             TEST(generators_of_ones_own),
             TEST(a_sequence_of_modules_needs_less_memory),
             TEST(modules),
             TEST(mistakes),
             TEST(every_allocation_may_fail)};
TEST_MAIN("recompute")
