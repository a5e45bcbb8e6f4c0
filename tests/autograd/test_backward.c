/* ct_backward, ct_backward_with, ct_grad: values as PyTorch 2.13 gives them. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

static ct_tensor *leaf(int64_t n, const double *v) {
    ct_tensor *t = test_f64(v, &n, 1);
    ct_set_requires_grad(t, true);
    return t;
}
#define LEAF(...) leaf((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})
#define VEC(...) test_f64((double[]){__VA_ARGS__}, (int64_t[]){(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))}, 1)

/* b = a*a; c = b + a; d = b*c; (d + b).sum().backward() */
START_TEST(shared_nodes_get_the_sum_of_their_gradients) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *b = ct_mul(a, a), *c = ct_add(b, a), *d = ct_mul(b, c);
    ck_assert(ct_backward(ct_sum(ct_add(d, b))) == CT_OK);
    ck_values(ct_tensor_grad(a), 9, 48, 141, 312);
    ck_assert_ptr_null(ct_tensor_grad(b));
    ck_ok();
}
END_TEST

START_TEST(gradients_accumulate_in_the_same_tensor) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *loss = ct_sum(ct_mul(a, a));
    ct_backward_with(&loss, NULL, 1, &(ct_backward_options){.retain_graph = true});
    ct_tensor *grad = ct_tensor_grad(a);
    ct_backward(loss);
    ck_assert(ct_is_same(grad, ct_tensor_grad(a)));
    ck_values(grad, 4, 8, 12, 16);
    ct_tensor_set_grad(a, NULL);
    ck_assert_ptr_null(ct_tensor_grad(a));
    ck_ok();
}
END_TEST

START_TEST(two_leaves_never_share_one_gradient) {
    ct_tensor *a = LEAF(1, 2), *b = LEAF(3, 4), *y = ct_add(a, b), *g = VEC(1, 1);
    ct_backward_with(&y, &g, 1, NULL);
    ck_assert(!ct_shares_storage(ct_tensor_grad(a), ct_tensor_grad(b)));
    ck_assert(!ct_shares_storage(ct_tensor_grad(a), g));
    ct_mul_scalar_(ct_tensor_grad(a), 5);
    ck_values(ct_tensor_grad(b), 1, 1);
    ck_values(g, 1, 1);
    ct_tensor *x = LEAF(1, 2, 3, 4), *z = LEAF(1, 2, 3, 4); /* views of one gradient */
    y = ct_add(ct_view(x, CT_SHAPE(2, 2)), ct_view(z, CT_SHAPE(2, 2)));
    ct_backward(ct_sum(ct_mul(y, y)));
    ck_assert(!ct_shares_storage(ct_tensor_grad(x), ct_tensor_grad(z)));
    ck_values(ct_tensor_grad(x), 4, 8, 12, 16);
    ck_values(ct_tensor_grad(z), 4, 8, 12, 16);
}
END_TEST

START_TEST(a_second_backward_needs_retain_graph) {
    ct_tensor *a = LEAF(1, 2), *loss = ct_sum(ct_mul(a, a));
    ct_backward(loss);
    ck_assert(ct_backward(loss) == CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "ct_backward: backward a second time through MulBackward: what it had saved went with the first; give the first one .retain_graph = true");
    ck_values(ct_tensor_grad(a), 2, 4);
    ct_tensor *sum = ct_add(a, a), *g = VEC(1, 1); /* saves nothing: a second time is fine, as in PyTorch */
    ct_backward_with(&sum, &g, 1, NULL);
    ct_backward_with(&sum, &g, 1, NULL);
    ck_ok();
    ck_values(ct_tensor_grad(a), 6, 8);
}
END_TEST

/* y = x**4 * 0.25 with products: y' = x^3, y'' = 3x^2, y''' = 6x */
START_TEST(third_derivative) {
    ct_tensor *x = LEAF(1.5, -2), *x2 = ct_mul(x, x), *y = ct_mul_scalar(ct_mul(x2, x2), 0.25), *d = y;
    const ct_grad_options o = {.create_graph = true};
    const double want[3][2] = {{3.375, -8}, {6.75, 12}, {9, -12}};
    for (int i = 0; i < 3; i++) {
        ct_tensor *s = ct_sum(d);
        ck_assert(ct_grad(&s, 1, &x, 1, &o, &d) == CT_OK);
        ck_values(d, want[i][0], want[i][1]);
        ck_assert(ct_requires_grad(d));
    }
    ck_assert_ptr_null(ct_tensor_grad(x));
}
END_TEST

START_TEST(create_graph_gives_grad_a_history) {
    ct_tensor *a = LEAF(1, 2), *loss = ct_sum(ct_mul(a, a));
    ct_backward_with(&loss, NULL, 1, &(ct_backward_options){.create_graph = true});
    ct_tensor *g = ct_tensor_grad(a);
    ck_assert(ct_requires_grad(g));
    ck_values(g, 2, 4);
    loss = ct_sum(ct_mul(g, g)); /* 4 a^2 -> 8 a */
    ct_tensor *h;
    ct_grad(&loss, 1, &a, 1, NULL, &h);
    ck_values(h, 8, 16);
    ct_tensor_set_grad(a, NULL); /* a's gradient knows a: without this they hold each other, as in PyTorch */
    ck_ok();
}
END_TEST

START_TEST(gradients_of_a_vector) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *y = ct_mul_scalar(a, 2), *g = VEC(1, 2, 3, 4);
    ck_assert(ct_backward_with(&y, &g, 1, NULL) == CT_OK);
    ck_values(ct_tensor_grad(a), 2, 4, 6, 8);
    ct_tensor *roots[] = {ct_sum(ct_mul(a, a)), ct_mul_scalar(a, 3)}, *gs[] = {NULL, g};
    ck_assert(ct_backward_with(roots, gs, 2, NULL) == CT_OK);
    ck_values(ct_tensor_grad(a), 2 + 2 + 3, 4 + 4 + 6, 6 + 6 + 9, 8 + 8 + 12);
    ct_tensor *twice[] = {roots[1], roots[1]}, *g2[] = {g, g};
    ct_tensor_set_grad(a, NULL);
    ck_assert(ct_backward_with(twice, g2, 2, NULL) == CT_OK);
    ck_values(ct_tensor_grad(a), 6, 12, 18, 24);
}
END_TEST

/* a root that the other root was made from */
START_TEST(a_root_below_another) {
    ct_tensor *a = LEAF(2), *y = ct_mul(a, a), *z = ct_mul(y, y), *roots[] = {y, z};
    ct_backward_with(roots, NULL, 2, NULL);
    ck_ok();
    ck_values(ct_tensor_grad(a), 4 + 32);
}
END_TEST

START_TEST(a_leaf_may_be_the_root) {
    ct_tensor *a = LEAF(2), *g;
    ct_backward(a);
    ck_values(ct_tensor_grad(a), 1);
    ct_grad(&a, 1, &a, 1, NULL, &g);
    ck_ok();
    ck_values(g, 1);
}
END_TEST

/* x = a*b; x.retain_grad(); backward([x.sum()], inputs=[x, b]) */
START_TEST(backward_into_some_inputs_only) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *b = LEAF(1, 2, 3, 4), *x = ct_mul(a, b), *loss = ct_sum(x), *in[] = {x, b};
    ct_backward_with(&loss, NULL, 1, &(ct_backward_options){.inputs = in, .n_inputs = 2});
    ck_ok();
    ck_assert_ptr_null(ct_tensor_grad(a));
    ck_values(ct_tensor_grad(b), 1, 2, 3, 4);
    ck_values(ct_tensor_grad(x), 1, 1, 1, 1);
    ck_assert(ct_retains_grad(x));
}
END_TEST

START_TEST(grad_leaves_grad_alone) {
    ct_tensor *a = LEAF(1, 2), *b = LEAF(3, 4), *x = ct_mul(a, b), *y = ct_sum(ct_mul_scalar(x, 2)), *in[] = {x, a, x}, *out[3];
    ck_assert(ct_grad(&y, 1, in, 3, NULL, out) == CT_OK);
    ck_values(out[0], 2, 2);
    ck_values(out[1], 6, 8);
    ck_values(out[2], 2, 2);
    ck_assert_ptr_null(ct_tensor_grad(a));
    ck_assert_ptr_null(ct_tensor_grad(b));
    ck_assert(!ct_requires_grad(out[0]));
}
END_TEST

static int formulas_run;
static ct_tensor *count_run(ct_tensor *g, void *user) {
    (void)g, (void)user;
    formulas_run++;
    return NULL;
}
START_TEST(grad_computes_only_what_leads_to_the_inputs) {
    ct_tensor *a = LEAF(1, 2), *b = LEAF(3, 4), *p = ct_mul(a, a), *q = ct_mul(b, b), *y = ct_sum(ct_mul(p, q)), *g;
    ct_register_hook(q, count_run, NULL, NULL, NULL);
    ct_register_hook(p, count_run, NULL, NULL, NULL);
    formulas_run = 0;
    ct_grad(&y, 1, &a, 1, &(ct_grad_options){.retain_graph = true}, &g);
    ck_assert_int_eq(formulas_run, 1);
    ck_values(g, 18, 64);
    ct_grad(&y, 1, &b, 1, NULL, &g); /* b's path was kept whole */
    ck_values(g, 6, 32);
    ck_ok();
}
END_TEST

START_TEST(unused_inputs) {
    ct_tensor *a = LEAF(1, 2), *w = LEAF(5, 6, 7), *y = ct_sum(ct_mul(a, a)), *in[] = {a, w}, *out[2];
    ck_assert(ct_grad(&y, 1, in, 2, &(ct_grad_options){.retain_graph = true}, out) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_grad: the outputs do not depend on input 1; .allow_unused = true gives NULL for it");
    ck_assert_ptr_null(out[0]);
    ck_assert(ct_grad(&y, 1, in, 2, &(ct_grad_options){.retain_graph = true, .allow_unused = true}, out) == CT_OK);
    ck_values(out[0], 2, 4);
    ck_assert_ptr_null(out[1]);
    ck_assert(ct_grad(&y, 1, in, 2, &(ct_grad_options){.materialize_grads = true}, out) == CT_OK);
    ck_values(out[1], 0, 0, 0);
}
END_TEST

START_TEST(errors_name_what_is_wrong) {
    ct_tensor *a = LEAF(1, 2), *plain = VEC(1), *y = ct_mul_scalar(a, 2), *g = VEC(1, 2, 3), *out;
    ck_assert(ct_backward(NULL) == CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_backward: tensor 0 is NULL");
    ct_backward(plain);
    ck_error(CT_ERR_AUTOGRAD, "ct_backward: tensor 0 does not require grad and was not made by a recorded operation");
    ct_backward(y);
    ck_error(CT_ERR_SHAPE, "ct_backward: tensor 0 is [2]; without a gradient given it must have one element");
    ct_backward_with(&y, &g, 1, NULL);
    ck_error(CT_ERR_SHAPE, "ct_backward_with: gradient 0 is a gradient float64 [3] for a tensor float64 [2]");
    g = test_f32((double[]){1, 2}, CT_SHAPE(2));
    ct_backward_with(&y, &g, 1, NULL);
    ck_error(CT_ERR_DTYPE, "ct_backward_with: gradient 0 is a gradient float32 [2] for a tensor float64 [2]");
    ct_backward_with(&y, NULL, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_backward_with: no tensors");
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.n_inputs = 1});
    ck_error(CT_ERR_INVALID_ARGUMENT, "inputs is NULL, n_inputs is 1");
    ct_backward_with(&y, NULL, 1, &(ct_backward_options){.reserved = {1}});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_backward_with");
    ct_grad(&y, 1, &plain, 1, NULL, &out);
    ck_error(CT_ERR_AUTOGRAD, "ct_grad: input 0 does not require grad");
    ct_grad(&y, 1, NULL, 0, NULL, &out);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_grad: no inputs");
    ct_grad(NULL, 0, &a, 1, NULL, &out);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_grad: no outputs");
    ct_grad(&y, 1, &a, 1, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_grad: out is NULL");
    ck_assert_ptr_null(ct_tensor_grad(a));
}
END_TEST

START_TEST(a_pending_error_keeps_backward_from_touching_gradients) {
    ct_tensor *a = LEAF(1, 2), *loss = ct_sum(ct_mul(a, a)), *out = a;
    ct_error_raise(CT_ERR_USER, "earlier");
    ck_assert(ct_backward(loss) == CT_ERR_USER);
    ck_assert(ct_grad(&loss, 1, &a, 1, NULL, &out) == CT_ERR_USER);
    ck_assert_ptr_null(out);
    ck_assert(ct_set_requires_grad(a, false) == CT_ERR_USER);
    ck_assert(ct_tensor_set_grad(a, NULL) == CT_ERR_USER);
    ck_assert(ct_requires_grad(a));
    ck_error(CT_ERR_USER, "earlier");
    ck_assert_ptr_null(ct_tensor_grad(a));
    ck_assert(ct_backward(loss) == CT_OK);
}
END_TEST

START_TEST(leaves) {
    ct_tensor *a = LEAF(1, 2), *y = ct_mul(a, a);
    ck_assert(ct_is_leaf(a) && ct_requires_grad(a) && !ct_grad_fn_name(a));
    ck_assert(!ct_is_leaf(y) && ct_requires_grad(y));
    ck_assert_str_eq(ct_grad_fn_name(y), "MulBackward");
    ck_assert(ct_set_requires_grad(y, true) == CT_OK);
    ck_assert(!ct_is_leaf(y));
    ct_set_requires_grad(y, false);
    ck_error(CT_ERR_AUTOGRAD, "ct_set_requires_grad: the tensor was made by MulBackward and is not a leaf");
    ct_set_requires_grad(test_i64((double[]){1}, CT_SHAPE(1)), true);
    ck_error(CT_ERR_DTYPE, "only floating point tensors can require grad, this one is int64");
    ct_set_requires_grad(NULL, true);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_set_requires_grad: the tensor is NULL");
    ck_assert(ct_set_requires_grad(a, false) == CT_OK);
    ck_assert(!ct_requires_grad(a));
    ck_assert(ct_is_leaf(ct_mul(a, a)));
    ck_assert(!ct_requires_grad(NULL) && !ct_is_leaf(NULL) && !ct_grad_fn_name(NULL) && !ct_tensor_grad(NULL) && !ct_tensor_base(NULL));
    ck_assert(!ct_retains_grad(NULL) && !ct_is_inference(NULL));
    ct_retain_grad(a);
    ck_error(CT_ERR_AUTOGRAD, "ct_retain_grad: the tensor does not require grad");
    ck_assert_ptr_null(ct_detach(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_detach");
    ct_detach_(NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_detach_");
}
END_TEST

/* a.requires_grad_(False) between forward and backward: nothing is added to it */
START_TEST(a_leaf_that_was_turned_off_gets_nothing) {
    ct_tensor *a = LEAF(1, 2), *b = LEAF(3, 4), *loss = ct_sum(ct_mul(a, b));
    ct_set_requires_grad(a, false);
    ck_assert(ct_backward(loss) == CT_OK);
    ck_assert_ptr_null(ct_tensor_grad(a));
    ck_values(ct_tensor_grad(b), 1, 2);
}
END_TEST

START_TEST(printing_tells_the_history) {
    char text[200];
    ct_tensor *a = LEAF(1, 2);
    ct_format(a, text, sizeof text, NULL);
    ck_assert_str_eq(text, "tensor([1., 2.], dtype=torch.float64, requires_grad=True)");
    ct_format(ct_mul(a, a), text, sizeof text, NULL);
    ck_assert_str_eq(text, "tensor([1., 4.], dtype=torch.float64, grad_fn=<MulBackward>)");
    ct_format(ct_detach(a), text, sizeof text, NULL);
    ck_assert_str_eq(text, "tensor([1., 2.], dtype=torch.float64)");
}
END_TEST

START_TEST(set_grad_checks_what_it_gets) {
    ct_tensor *a = LEAF(1, 2), *g = VEC(3, 4);
    ck_assert(ct_tensor_set_grad(a, g) == CT_OK);
    ck_assert(ct_is_same(ct_tensor_grad(a), g));
    ct_tensor_set_grad(a, VEC(1, 2, 3));
    ck_error(CT_ERR_SHAPE, "is a gradient float64 [3] for a tensor float64 [2]");
    ct_tensor_set_grad(a, test_f32((double[]){1, 2}, CT_SHAPE(2)));
    ck_error(CT_ERR_DTYPE, "is a gradient float32 [2] for a tensor float64 [2]");
    ct_tensor_set_grad(a, a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "cannot be its own gradient");
    ck_assert(ct_is_same(ct_tensor_grad(a), g));
}
END_TEST

START_TEST(modes) {
    ct_tensor *a = LEAF(1, 2);
    ck_assert(ct_is_grad_enabled());
    ct_scope off = ct_no_grad_begin();
    ck_assert(!ct_is_grad_enabled());
    ck_assert(!ct_requires_grad(ct_mul(a, a)));
    ct_scope on = ct_enable_grad_begin();
    ck_assert(ct_is_grad_enabled());
    ct_tensor *y = ct_sum(ct_mul(a, a));
    ck_assert(ct_requires_grad(y));
    y = ct_scope_return(on, y);
    ck_assert(!ct_is_grad_enabled());
    ck_assert(ct_backward(y) == CT_OK); /* the mode of the caller does not matter */
    ct_scope_end(off);
    ck_assert(ct_is_grad_enabled());
    ck_values(ct_tensor_grad(a), 2, 4);
    ck_assert(!ct_is_inference(ct_tensor_grad(a)));
}
END_TEST

START_TEST(many_inputs_in_one_node) {
    enum { N = 40 };
    ct_tensor *in[N], *sum = NULL, *g[N];
    for (int i = 0; i < N; i++) in[i] = LEAF(i, 1);
    ct_tensor *all = ct_cat(in, N, 0);
    ck_ok();
    sum = ct_sum(ct_mul(all, all));
    ck_assert(ct_grad(&sum, 1, in, N, NULL, g) == CT_OK);
    for (int i = 0; i < N; i++) ck_values(g[i], 2.0 * i, 2);
}
END_TEST

TEST_LIST = {TEST(shared_nodes_get_the_sum_of_their_gradients),
             TEST(gradients_accumulate_in_the_same_tensor),
             TEST(two_leaves_never_share_one_gradient),
             TEST(a_second_backward_needs_retain_graph),
             TEST(third_derivative),
             TEST(create_graph_gives_grad_a_history),
             TEST(gradients_of_a_vector),
             TEST(a_root_below_another),
             TEST(a_leaf_may_be_the_root),
             TEST(backward_into_some_inputs_only),
             TEST(grad_leaves_grad_alone),
             TEST(grad_computes_only_what_leads_to_the_inputs),
             TEST(unused_inputs),
             TEST(errors_name_what_is_wrong),
             TEST(a_pending_error_keeps_backward_from_touching_gradients),
             TEST(leaves),
             TEST(a_leaf_that_was_turned_off_gets_nothing),
             TEST(printing_tells_the_history),
             TEST(printing_tells_the_history),
             TEST(set_grad_checks_what_it_gets),
             TEST(modes),
             TEST(many_inputs_in_one_node)};
TEST_MAIN("backward")
