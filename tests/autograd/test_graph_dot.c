/* Graphs as text for graphviz, and saved-tensor hooks of the program's own. */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <stdlib.h>
#include <string.h>

static char text[16384];

static const char *dot(ct_tensor *const *t, int n, const ct_graph_dot_options *o) {
    int64_t length = ct_graph_dot_format(t, n, o, text, sizeof text);
    ck_ok();
    ck_assert_int_eq(length, (int64_t)strlen(text));
    return text;
}

START_TEST(a_graph_as_text) {
    ct_tensor *w = ct_ones(CT_SHAPE(2, 3), CT_F32), *x = ct_ones(CT_SHAPE(3), CT_F64);
    ct_set_requires_grad(w, true);
    ct_dict *names = ct_dict_new();
    ct_dict_set(names, "a \"weight\"", w);
    ct_tensor *y = ct_sum(ct_mul(w, x));
    ck_assert_str_eq(dot(&y, 1, &(ct_graph_dot_options){.params = names, .show_shapes = true, .show_saved = true}),
                     "digraph {\n"
                     "\tgraph [size=\"12,12\"]\n"
                     "\tnode [align=left fillcolor=lightgrey fontname=monospace fontsize=10 height=0.2 shape=box style=filled]\n"
                     "\ttensor0 [label=\"float64 []\" fillcolor=darkolivegreen1]\n"
                     "\tn0 -> tensor0\n"
                     "\tn0 [label=\"SumBackward\\nfloat64 []\"]\n"
                     "\tn1 -> n0\n"
                     "\tn1 [label=\"MulBackward\\nfloat64 [2, 3]\"]\n"
                     "\tsaved1_1 [label=\"saved input\\nfloat64 [3]\" fillcolor=orange]\n"
                     "\tn1 -> saved1_1 [dir=none]\n"
                     "\tn2 -> n1\n"
                     "\tn2 [label=\"AccumulateGrad\"]\n"
                     "\tleaf2 [label=\"a \\\"weight\\\"\\nfloat32 [2, 3]\" fillcolor=lightblue]\n"
                     "\tleaf2 -> n2\n"
                     "}\n");
    char small[16];
    ck_assert_int_eq(ct_graph_dot_format(&y, 1, NULL, small, sizeof small), ct_graph_dot_format(&y, 1, NULL, NULL, 0));
    ck_assert_str_eq(small, "digraph {\n\tgrap");
}
END_TEST

START_TEST(the_text_does_not_depend_on_addresses) {
    char *first = NULL;
    for (int i = 0; i < 2; i++) {
        ct_scope s = ct_scope_begin();
        ct_module *net = ct_nn_sequential(ct_nn_linear(4, 3, NULL), ct_nn_relu(), ct_nn_linear(3, 2, NULL));
        ct_tensor *y = ct_forward(net, ct_ones(CT_SHAPE(5, 4), CT_F32)), *both[] = {y, ct_sum(y)};
        const char *now = dot(both, 2, &(ct_graph_dot_options){.params = ct_named_parameters(net), .show_saved = true});
        ck_assert_ptr_nonnull(strstr(now, "label=\"2.weight\\nfloat32 [2, 3]\""));
        if (first) ck_assert_str_eq(now, first);
        else first = strdup(now);
        free(malloc(100));
        ct_zeros(CT_SHAPE(100), CT_F32);
        ct_module_free(net);
        ct_scope_end(s);
    }
    free(first);
}
END_TEST

static ct_status pair_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    out[0] = ct_neg(in[0]);
    out[1] = ct_exp(in[0]);
    return ct_error_status();
}
static ct_status pair_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_out, (void)n_in;
    gin[0] = g[0];
    return ct_error_status();
}
static const ct_function_class pair = {.name = "Pair", .forward = pair_forward, .backward = pair_backward};

START_TEST(several_outputs_and_none) {
    ct_tensor *w = ct_ones(CT_SHAPE(4), CT_F32);
    ct_set_requires_grad(w, true);
    ct_tensor *out[2];
    ct_function_apply_n(&pair, NULL, &w, 1, out, 2);
    ct_tensor *plain = ct_ones(CT_SHAPE(1), CT_F32), *roots[] = {plain, w, ct_neg(out[1]), out[0]};
    const char *s = dot(roots, 4, NULL);
    ck_assert_ptr_nonnull(strstr(s, "\ttensor0 [label=\"float32 [1]\" fillcolor=darkolivegreen1]\n"));
    ck_assert_ptr_nonnull(strstr(s, "\tn0 -> tensor1\n"));
    ck_assert_ptr_null(strstr(s, "-> tensor0"));
    ck_assert_ptr_nonnull(strstr(s, "\tn2 -> tensor3 [taillabel=\"0\"]\n"));
    ck_assert_ptr_nonnull(strstr(s, "\tn2 -> n1 [taillabel=\"1\"]\n"));
    ck_assert_ptr_nonnull(strstr(s, "\tn2 [label=\"PairBackward\"]\n"));
}
END_TEST

START_TEST(a_million_nodes_and_failing_writes) {
    ct_tensor *x = ct_ones(CT_SHAPE(1), CT_F32);
    ct_set_requires_grad(x, true);
    ct_tensor *y = ct_mul_scalar(x, 1);
    for (int i = 0; i < 1000000; i++) {
        ct_tensor *next = ct_add_scalar(y, 1);
        ct_scope_drop(y);
        y = next;
    }
    const char *path = test_tmp("graph.dot");
    FILE *file = fopen(path, "w+");
    ck_assert(ct_graph_dot(&y, 1, file, NULL) == CT_OK);
    ck_ok();
    int64_t lines = 0;
    rewind(file);
    for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
    fclose(file);
    ck_assert_int_eq(lines, 2 * 1000002 + 7); /* a box and an edge per node, the leaf, the tensor, head and tail */
    file = fopen("/dev/full", "w");
    if (!file) return;
    ck_assert(ct_graph_dot(&y, 1, file, NULL) == CT_ERR_IO);
    ck_error(CT_ERR_IO, "ct_graph_dot: a write failed: ");
    fclose(file);
    file = fopen("/dev/full", "w"); /* short: only the flush fails */
    ck_assert(ct_graph_dot(&x, 1, file, NULL) == CT_ERR_IO);
    ck_error(CT_ERR_IO, "ct_graph_dot: a write failed: ");
    fclose(file);
}
END_TEST

START_TEST(mistakes) {
    ct_tensor *none = NULL, *x = ct_ones(CT_SHAPE(1), CT_F32);
    ck_assert_int_eq(ct_graph_dot_format(&none, 1, NULL, text, sizeof text), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_graph_dot_format: tensor 0 is NULL");
    ck_assert(ct_graph_dot(&x, 1, NULL, NULL) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_graph_dot: the file is NULL");
    ck_assert(ct_graph_dot(NULL, 1, stdout, NULL) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_graph_dot: no tensors");
}
END_TEST

/* ---- Saved-tensor hooks ---- */

typedef struct counts {
    int packed, unpacked, dropped, freed, fail_at;
} counts;

static void *pack(ct_tensor *t, void *user) {
    counts *c = user;
    ck_assert(!ct_requires_grad(t));
    if (++c->packed == c->fail_at) ct_error_raise(CT_ERR_USER, "pack fails");
    return ct_keep(ct_mul_scalar(t, 10)); /* so that it shows */
}
static ct_tensor *unpack(void *packed, void *user) {
    counts *c = user;
    c->unpacked++;
    return ct_mul_scalar(packed, c->fail_at < 0 ? 0.1 : 1);
}
static void drop(void *packed, void *user) {
    ((counts *)user)->dropped++;
    ct_release(packed);
}
static void free_counts(void *user) { ((counts *)user)->freed++; }
static const ct_saved_tensors_hooks hooks = {.pack = pack, .unpack = unpack, .free_packed = drop, .free_user = free_counts};

/* with saved_tensors_hooks(lambda t: t * 10, lambda t: t): y = a * a * b.exp() */
START_TEST(hooks_see_what_is_saved) {
    counts c = {0};
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2)), *b = ct_zeros(CT_SHAPE(2), CT_F64);
    ct_set_requires_grad(a, true), ct_set_requires_grad(b, true);
    ct_scope s = ct_saved_tensors_hooks_begin(&hooks, &c);
    ct_tensor *y = ct_keep(ct_sum(ct_mul(ct_mul(a, a), ct_exp(b))));
    ct_scope_end(s);
    ck_assert_int_eq(c.packed, 5);
    ck_assert_int_eq(c.freed, 0);
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.retain_graph = true});
    ck_ok();
    ck_assert_int_eq(c.unpacked, 5);
    ck_values(ct_tensor_grad(a), 200, 400);  /* exp(b) and a come ten times as large */
    ck_values(ct_tensor_grad(b), 100, 400);
    ck_assert_int_eq(c.dropped, 0);
    ct_backward(y);
    ck_ok();
    ck_assert_int_eq(c.unpacked, 10);
    ck_assert_int_eq(c.dropped, 5);
    ck_assert_int_eq(c.freed, 1);
    ct_release(y);
}
END_TEST

START_TEST(hooks_nest_and_end_with_their_scope) {
    counts outer = {0}, inner = {0};
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2));
    ct_set_requires_grad(a, true);
    ct_scope o = ct_saved_tensors_hooks_begin(&hooks, &outer);
    ct_scope i = ct_saved_tensors_hooks_begin(&hooks, &inner);
    ct_exp(a);
    ct_scope_end(i);
    ck_assert_int_eq(inner.packed, 1);
    ck_assert_int_eq(inner.freed, 1);
    ct_exp(a);
    ck_assert_int_eq(outer.packed, 1);
    ct_saved_tensors_hooks_begin(&hooks, &inner); /* jumped over */
    ct_exp(a);
    ct_scope_end(o);
    ct_exp(a);
    ck_assert_int_eq(inner.packed, 2);
    ck_assert_int_eq(outer.packed, 1);
    ck_assert_int_eq(inner.freed, 2);
    ck_assert_int_eq(outer.freed, 1);
}
END_TEST

START_TEST(hooks_end_with_their_context) {
    counts c = {0};
    ct_context *other = ct_context_new(), *before = ct_context_swap(other);
    ct_saved_tensors_hooks_begin(&hooks, &c);
    ct_context_swap(before);
    ct_exp(ct_ones(CT_SHAPE(1), CT_F64));
    ck_assert_int_eq(c.packed, 0);
    ct_context_free(other);
    ck_assert_int_eq(c.freed, 1);
}
END_TEST

/* Only what a gradient needs is saved. */
START_TEST(what_is_not_needed_is_not_saved) {
    ct_tensor *x = ct_ones(CT_SHAPE(2, 2), CT_F64), *w = ct_ones(CT_SHAPE(2, 2), CT_F64);
    ct_set_requires_grad(w, true);
    ct_tensor *(*ops[])(ct_tensor *, ct_tensor *) = {ct_mul, ct_div, ct_matmul, ct_mm};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        for (int swapped = 0; swapped < 2; swapped++) {
            counts c = {.fail_at = -1};
            ct_scope s = ct_saved_tensors_hooks_begin(&hooks, &c);
            ct_tensor *y = swapped ? ops[i](w, x) : ops[i](x, w);
            ck_assert_int_eq(c.packed, ops[i] == ct_div && !swapped ? 2 : 1);
            ct_backward(ct_sum(y));
            ck_ok();
            ct_scope_end(s);
        }
    }
}
END_TEST

START_TEST(packed_tensors_can_be_differentiated_twice) {
    counts c = {.fail_at = -1};
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2)), *g, *h;
    ct_set_requires_grad(a, true);
    ct_scope s = ct_saved_tensors_hooks_begin(&hooks, &c);
    ct_tensor *x = ct_mul_scalar(a, 1);
    ct_exp_(ct_slice(x, 0, 1, 2, 1)); /* an output that changes after it was saved, through a view */
    ct_tensor *y = ct_sum(ct_mul(x, ct_mul(x, a)));
    ct_grad(&y, 1, &a, 1, &(ct_grad_options){.create_graph = true}, &g);
    ct_tensor *z = ct_sum(g);
    ct_grad(&z, 1, &a, 1, NULL, &h);
    ck_ok();
    double e = 54.598150033144236; /* exp(2 * 2): y = a^3, a exp(2 a) */
    ck_values_close(g, 1e-14, 3, e + 4 * e);
    ck_values_close(h, 1e-14, 6, 4 * e + 8 * e);
    ct_scope_end(s);
}
END_TEST

START_TEST(hooks_that_fail) {
    counts c = {.fail_at = 2};
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2));
    ct_set_requires_grad(a, true);
    ct_scope s = ct_saved_tensors_hooks_begin(&hooks, &c);
    ck_assert_ptr_null(ct_mul(a, a));
    ck_error(CT_ERR_USER, "pack fails");
    ct_scope_end(s);
    ck_assert_int_eq(c.dropped, 1);
    s = ct_saved_tensors_hooks_begin(NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_saved_tensors_hooks_begin: the hooks are NULL");
    ct_scope_end(s);
    s = ct_saved_tensors_hooks_begin(&(ct_saved_tensors_hooks){.pack = pack, .free_user = free_counts}, &c);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the hooks' unpack is NULL");
    ct_scope_end(s);
    ck_assert_int_eq(c.freed, 2);
}
END_TEST

static ct_tensor *wrong(void *packed, void *user) { return (void)packed, (void)user, ct_ones(CT_SHAPE(3), CT_F64); }
START_TEST(unpack_must_give_what_was_packed) {
    counts c = {0};
    ct_tensor *a = test_f64((double[]){1, 2}, CT_SHAPE(2));
    ct_set_requires_grad(a, true);
    ct_scope s = ct_saved_tensors_hooks_begin(&(ct_saved_tensors_hooks){.pack = pack, .unpack = wrong, .free_packed = drop}, &c);
    ct_tensor *y = ct_sum(ct_exp(a));
    ct_backward(y);
    ck_error(CT_ERR_SHAPE, "ExpBackward: a saved-tensor hook unpacked a float64 tensor of 1 dims and 3 elements, packed was float64, 1 dims, 2 elements");
    ct_scope_end(s);
}
END_TEST

TEST_LIST = {TEST(a_graph_as_text),
             TEST(the_text_does_not_depend_on_addresses),
             TEST(several_outputs_and_none),
             TEST(a_million_nodes_and_failing_writes),
             TEST(mistakes),
             TEST(hooks_see_what_is_saved),
             TEST(hooks_nest_and_end_with_their_scope),
             TEST(hooks_end_with_their_context),
             TEST(what_is_not_needed_is_not_saved),
             TEST(packed_tensors_can_be_differentiated_twice),
             TEST(hooks_that_fail),
             TEST(unpack_must_give_what_was_packed)};
TEST_MAIN("graph_dot")
