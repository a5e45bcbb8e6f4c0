/*
 * What may be changed in place, and what a view is worth afterwards: case by case as PyTorch 2.13 (the Python line stands at each), with its errors.
 * a is a leaf [1, 2, 3, 4] that requires grad, w one of ones; x = a * 2 or a * 1; z are plain zeros.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

static ct_tensor *a, *w, *x, *z;

static void build(double factor) {
    a = test_f64((double[]){1, 2, 3, 4}, CT_SHAPE(4));
    w = test_f64((double[]){1, 1, 1, 1}, CT_SHAPE(4));
    z = ct_zeros(CT_SHAPE(4), CT_F64);
    ct_set_requires_grad(a, true), ct_set_requires_grad(w, true);
    x = ct_mul_scalar(a, factor);
}

static ct_tensor *cut(ct_tensor *t, int64_t from, int64_t to) { return ct_slice(t, 0, from, to, 1); }
static ct_tensor *piece(ct_tensor *t, int i) { return ct_list_get(ct_split(t, 2, 0), i); }
static ct_tensor *grad_of_sum(ct_tensor *t) {
    ct_tensor_set_grad(a, NULL);
    ct_backward(ct_sum(t));
    return ct_tensor_grad(a);
}
#define ck_refused(call, text)                  \
    do {                                        \
        ck_assert((call) != CT_OK);             \
        ck_error(CT_ERR_AUTOGRAD, text);        \
    } while (0)
#define ck_unusable(tensor, text)                         \
    do {                                                  \
        ck_assert_ptr_null(ct_mul_scalar(tensor, 2));     \
        ck_error(CT_ERR_AUTOGRAD, text);                  \
    } while (0)

#define PIECE "a piece of ct_split, ct_chunk or ct_unbind is changed in place while gradients are recorded"
#define NO_GRAD "a view made in no_grad mode is changed in place while gradients are recorded"
#define FUNCTION "a view that a function with a backward of its own returned is changed in place while gradients are recorded"
#define LEAF "a leaf that requires grad is changed in place"
#define VIEW_OF_LEAF "a view of a leaf that requires grad is changed in place"

/* u = x.split(2); u[0].mul_(2)   and chunk, unbind, split_with_sizes */
START_TEST(pieces_may_not_be_changed) {
    build(2);
    ck_refused(ct_mul_scalar_(piece(x, 0), 2), PIECE);
    ck_refused(ct_mul_scalar_(ct_list_get(ct_chunk(x, 2, 0), 1), 2), PIECE);
    ck_refused(ct_mul_scalar_(ct_list_get(ct_unbind(x, 0), 0), 2), PIECE);
    ck_refused(ct_mul_scalar_(ct_list_get(ct_split_sizes(x, (int64_t[]){1, 3}, 2, 0), 0), 2), PIECE);
    ck_refused(ct_mul_scalar_(cut(piece(x, 0), 0, 1), 2), PIECE); /* a view of a piece is one */
    ck_refused(ct_mul_(piece(z, 0), cut(w, 0, 2)), PIECE);
    ck_assert(ct_mul_scalar_(piece(z, 0), 2) == CT_OK); /* nothing is recorded */
    ck_values(x, 2, 4, 6, 8);
}
END_TEST

/* u = x.split(2)
 * with no_grad: u[0].mul_(2)   or   x.mul_(2)
 * u[0] * 2 */
START_TEST(a_piece_is_of_no_use_after_its_base_changed) {
    build(2);
    ct_tensor *u = piece(x, 0);
    ct_scope s = ct_no_grad_begin();
    ck_assert(ct_mul_scalar_(u, 2) == CT_OK);
    ct_scope_end(s);
    ck_unusable(u, "a piece of ct_split, ct_chunk or ct_unbind is used after its base or another view of it was changed in place");
    ck_values(grad_of_sum(x), 2, 2, 2, 2); /* but x is */
    build(2);
    u = piece(x, 0);
    ct_mul_scalar_(x, 2);
    ck_unusable(u, "is used after its base or another view of it was changed in place");
    ck_assert(ct_requires_grad(u));
    ck_assert_ptr_nonnull(ct_detach(u));
    build(2);
    u = piece(z, 0);
    ct_mul_(z, w);
    ck_unusable(u, "is used after its base or another view of it was changed in place");
}
END_TEST

/* u = z.split(2)[0]; u.requires_grad_(); u * 2   and   z.requires_grad_(); u.mul_(2) */
START_TEST(pieces_of_plain_tensors) {
    build(2);
    ct_tensor *u = piece(z, 0);
    ct_set_requires_grad(u, true);
    ck_assert_str_eq(ct_grad_fn_name(ct_mul_scalar(u, 2)), "MulScalarBackward");
    build(2);
    u = piece(z, 0);
    ct_set_requires_grad(z, true);
    ck_refused(ct_mul_scalar_(u, 2), PIECE);
    u = piece(x, 0);
    ck_refused(ct_set_requires_grad(u, false), "is not a leaf");
    ck_refused(ct_detach_(u), "the tensor is a view");
}
END_TEST

/* ---- What functions return ---- */

static ct_status same_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    out[0] = in[0];
    return CT_OK;
}
static ct_status part_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    out[0] = cut(in[0], 0, 2);
    return ct_error_status();
}
static ct_status own_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    out[0] = ct_mul_scalar(in[0], 2);
    out[1] = cut(out[0], 0, 2);
    return ct_error_status();
}
static ct_status twice_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    out[0] = out[1] = ct_mul_scalar(in[0], 2);
    return ct_error_status();
}
static ct_status pass(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_out, (void)n_in;
    gin[0] = g[0];
    return CT_OK;
}
static ct_status pad(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_out, (void)n_in;
    ct_tensor *both[] = {g[0], ct_zeros(CT_SHAPE(2), CT_F64)};
    gin[0] = ct_cat(both, 2, 0);
    return ct_error_status();
}
static const ct_function_class same = {.name = "Same", .forward = same_forward, .backward = pass}, part = {.name = "Part", .forward = part_forward, .backward = pad},
                               own = {.name = "Own", .forward = own_forward, .backward = pass}, twice = {.name = "Twice", .forward = twice_forward, .backward = pass};

START_TEST(views_that_functions_return) {
    build(2);
    ct_tensor *y = ct_function_apply(&same, NULL, &x, 1), *out[2];
    ck_assert(ct_is_same(ct_tensor_base(y), x));
    ck_assert_str_eq(ct_grad_fn_name(y), "SameBackward");
    ck_refused(ct_mul_scalar_(y, 2), FUNCTION);
    ct_mul_scalar_(x, 3);
    ck_unusable(y, "a view that a function with a backward of its own returned is used after its base");
    build(2);
    y = ct_function_apply(&part, NULL, &x, 1);
    ck_assert(ct_is_same(ct_tensor_base(y), x));
    ck_values(grad_of_sum(y), 2, 2, 0, 0);
    ck_refused(ct_mul_scalar_(y, 2), FUNCTION);
    ck_refused(ct_mul_scalar_(ct_function_apply(&same, NULL, &a, 1), 2), FUNCTION);
    ct_function_apply_n(&own, NULL, &x, 1, out, 2);
    ck_assert(ct_is_same(ct_tensor_base(out[1]), out[0]));
    ck_refused(ct_mul_scalar_(out[1], 2), FUNCTION);
    ck_assert(ct_mul_scalar_(out[0], 2) == CT_OK);
    ck_unusable(out[1], "is used after its base");
    ct_function_apply_n(&twice, NULL, &x, 1, out, 2);
    ck_refused(ct_mul_scalar_(out[1], 2), FUNCTION);
    y = ct_function_apply(&same, NULL, &z, 1); /* nothing is recorded */
    ck_assert(ct_mul_scalar_(y, 2) == CT_OK);
    ck_assert_ptr_null(ct_tensor_base(y));
    ct_scope s = ct_no_grad_begin();
    y = ct_function_apply(&same, NULL, &a, 1);
    ck_assert_ptr_null(ct_tensor_base(y));
    y = ct_scope_return(s, y);
    ck_assert(ct_mul_scalar_(y, 2) == CT_OK);
    ck_values(a, 2, 4, 6, 8);
}
END_TEST

/* ---- Leaves, views of leaves, modes ---- */

START_TEST(leaves_and_their_views) {
    build(1);
    ck_refused(ct_fill_(a, 1), LEAF);
    ck_refused(ct_add_scalar_(cut(a, 0, 2), 1), VIEW_OF_LEAF);
    ck_refused(ct_mul_scalar_(ct_expand(cut(a, 0, 1), CT_SHAPE(3)), 2), VIEW_OF_LEAF);
    ct_tensor *d = ct_detach(x), *v = cut(z, 0, 2);
    ct_set_requires_grad(d, true);
    ck_refused(ct_mul_scalar_(d, 2), LEAF);
    ct_set_requires_grad(v, true); /* v = z[:2]; v.requires_grad_(); v.mul_(2) */
    ck_assert(ct_mul_scalar_(v, 2) != CT_OK);
    ct_error_clear();
    ck_assert(ct_mul_scalar_(z, 2) == CT_OK); /* v is none the worse */
    ck_assert(ct_is_leaf(v));
    ct_backward(ct_sum(ct_mul_scalar(v, 3)));
    ck_values(ct_tensor_grad(v), 3, 3);
    build(1); /* ... z.mul_(w): v follows its base, and is no leaf any more */
    v = cut(z, 0, 2);
    ct_set_requires_grad(v, true);
    ct_mul_(z, w);
    ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward");
    ct_backward(ct_sum(ct_mul_scalar(v, 3)));
    ck_ok();
    ck_assert_ptr_null(ct_tensor_grad(v));
    ck_values(ct_tensor_grad(w), 0, 0, 0, 0);
}
END_TEST

/* b = a * 1; v = b[:2]; b.detach_(); v.mul_(2) */
START_TEST(detaching_the_base) {
    build(1);
    ct_tensor *v = cut(x, 0, 2);
    ct_detach_(x);
    ck_assert_str_eq(ct_grad_fn_name(v), "SliceBackward");
    ck_assert_ptr_null(ct_grad_fn_name(x));
    ck_assert(ct_requires_grad(v));
}
END_TEST

START_TEST(views_made_without_grad) {
    build(1);
    ct_scope s = ct_no_grad_begin();
    ct_tensor *of_leaf = ct_keep(cut(a, 0, 2)), *of_plain = ct_keep(cut(z, 0, 2));
    ct_scope_end(s);
    ck_refused(ct_mul_scalar_(of_leaf, 2), NO_GRAD);
    ck_refused(ct_copy_(of_plain, cut(w, 0, 2)), NO_GRAD);
    ck_refused(ct_copy_(cut(of_plain, 0, 1), cut(w, 0, 1)), NO_GRAD);
    ck_assert(ct_set_requires_grad(of_leaf, false) == CT_OK); /* a leaf, which goes on requiring grad as its base does */
    ck_assert(ct_requires_grad(of_leaf));
    ct_set_requires_grad(of_plain, true);
    ck_assert_str_eq(ct_grad_fn_name(ct_mul_scalar(of_plain, 2)), "MulScalarBackward");
    ct_release(of_leaf), ct_release(of_plain);
    ct_tensor *v = cut(a, 0, 2); /* with no_grad: v.mul_(2) */
    s = ct_no_grad_begin();
    ct_mul_scalar_(v, 2);
    ct_scope_end(s);
    ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward");
    ck_assert_int_eq(ct_version_of(v), 1);
    ck_refused(ct_set_requires_grad(v, false), "is not a leaf");
    ck_refused(ct_set_requires_grad(x, false), "is not a leaf");
    s = ct_no_grad_begin();
    ct_add_scalar_(ct_view(a, CT_SHAPE(2, 2)), 1);
    ct_scope_end(s);
    ck_values(grad_of_sum(ct_mul(a, a)), 6, 10, 8, 10); /* a = [2, 4, 3, 4] + 1 */
}
END_TEST

/* with no_grad: v = a[:2]   v requires grad as a does, but no gradient reaches either through it */
START_TEST(no_gradient_reaches_a_view_made_without_grad) {
    build(1);
    ct_scope s = ct_no_grad_begin();
    ct_tensor *v = cut(a, 0, 2), *one = ct_select(a, 0, 0), *g;
    v = ct_keep(v), one = ct_keep(one);
    ct_scope_end(s);
    ct_tensor *y = ct_sum(ct_mul(v, v));
    ck_assert(ct_requires_grad(y));
    ct_grad(&y, 1, &v, 1, &(ct_grad_options){.retain_graph = true}, &g);
    ck_error(CT_ERR_AUTOGRAD, "ct_grad: the outputs do not depend on input 0");
    ct_grad(&y, 1, &v, 1, &(ct_grad_options){.retain_graph = true, .allow_unused = true}, &g);
    ck_ok();
    ck_assert_ptr_null(g);
    ct_retain_grad(y);
    ck_assert(ct_backward(y) == CT_OK);
    ck_assert(!ct_tensor_grad(a) && !ct_tensor_grad(v));
    ck_values(ct_tensor_grad(y), 1);
    ck_refused(ct_backward(one), "ct_backward: tensor 0 is a view made while nothing was recorded");
    ck_assert(ct_retain_grad(v) == CT_OK);
    ct_release(v), ct_release(one);
}
END_TEST

START_TEST(bases_that_become_plain) {
    build(1); /* v = x[:2]; v.mul_(3); x.detach_() */
    ct_tensor *v = cut(x, 0, 2);
    ct_mul_scalar_(v, 3);
    ct_detach_(x);
    ck_assert(ct_requires_grad(v) && !ct_requires_grad(x));
    ck_values(grad_of_sum(v), 3, 3, 0, 0);
    build(1); /* v = a[:2]; a.requires_grad_(False); v.mul_(2) */
    v = cut(a, 0, 2);
    ct_set_requires_grad(a, false);
    ck_refused(ct_mul_scalar_(v, 2), VIEW_OF_LEAF);
    build(1); /* v = z[0]; v.requires_grad_(); u = v.unsqueeze(0); z.add_(1); u.retain_grad(); (u * 2).sum().backward() */
    v = ct_select(z, 0, 0);
    ct_set_requires_grad(v, true);
    ct_tensor *u = ct_unsqueeze(v, 0);
    ct_add_scalar_(z, 1);
    ck_assert(ct_retain_grad(u) == CT_OK);
    ck_assert_str_eq(ct_grad_fn_name(u), "AsStridedBackward");
    ct_backward(ct_sum(ct_mul_scalar(u, 2)));
    ck_ok();
    ck_assert_ptr_null(ct_tensor_grad(v));
    ck_values(ct_tensor_grad(u), 2);
}
END_TEST

/* y = (x * x).sum(); x.detach_(); grad(y, a, create_graph=True) */
START_TEST(a_saved_tensor_that_was_detached_in_place) {
    build(1);
    ct_tensor *y = ct_sum(ct_mul(x, x)), *g;
    ct_detach_(x);
    ck_refused(ct_grad(&y, 1, &a, 1, &(ct_grad_options){.create_graph = true}, &g), "MulBackward: an input that its gradient needs was detached in place");
    ct_grad(&y, 1, &a, 1, NULL, &g); /* PyTorch refuses this too; the values are all that is needed */
    ck_ok();
    ck_values(g, 2, 4, 6, 8);
}
END_TEST

/* y = (a * 2).sum(); a.requires_grad_(False); a.mul_(w); y.backward() */
START_TEST(a_leaf_that_is_none_any_more) {
    build(1);
    ct_tensor *y = ct_sum(ct_mul_scalar(a, 2));
    ct_set_requires_grad(a, false);
    ct_mul_(a, w);
    ck_refused(ct_backward(y), "ct_backward: a leaf that the graph leads to was changed in place and is none any more");
}
END_TEST

/* ---- Views of views, as_strided ---- */

START_TEST(views_of_views) {
    build(2);
    ct_tensor *v = cut(x, 0, 2), *u = cut(v, 0, 1); /* v.mul_(3); u.mul_(2) */
    ct_mul_scalar_(v, 3);
    ck_assert_str_eq(ct_grad_fn_name(u), "AsStridedBackward");
    ct_mul_scalar_(u, 2);
    ck_values(grad_of_sum(x), 12, 6, 2, 2);
    build(1); /* v = x.view(2, 2); v.t().mul_(2) */
    ct_mul_scalar_(ct_t(ct_view(x, CT_SHAPE(2, 2))), 2);
    ck_values(grad_of_sum(x), 2, 2, 2, 2);
    build(1); /* x[0] = x[1] * 2 */
    ct_copy_(ct_select(x, 0, 0), ct_mul_scalar(ct_select(x, 0, 1), 2));
    ck_values(grad_of_sum(x), 0, 3, 1, 1);
}
END_TEST

START_TEST(as_strided) {
    build(1);
    ck_values(grad_of_sum(ct_as_strided(x, CT_SHAPE(2, 2), (int64_t[]){1, 1}, 0)), 1, 2, 1, 0);
    build(1);
    ct_mul_scalar_(ct_as_strided(x, CT_SHAPE(2), (int64_t[]){2}, 0), 3);
    ck_values(grad_of_sum(x), 3, 1, 3, 1);
}
END_TEST

/* ---- Elements that coincide, memory that is shared ---- */

START_TEST(elements_at_one_address) {
    ct_tensor *one = ct_ones(CT_SHAPE(1), CT_F64), *e = ct_expand(one, CT_SHAPE(3));
    ck_assert(ct_add_scalar_(e, 1) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "more than one element of the tensor to write to lies at the same address");
    ck_assert(ct_copy_(e, ct_ones(CT_SHAPE(3), CT_F64)) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "more than one element of the tensor to write to lies at the same address");
    ct_tensor *r = ct_arange(0, 4, 1, CT_F64);
    ct_add_(cut(r, 0, 3), cut(r, 1, 4)); /* PyTorch refuses these: here, as if the source had been copied first */
    ck_values(r, 1, 3, 5, 3);
    ct_add_(cut(r, 1, 4), cut(r, 0, 3));
    ck_values(r, 1, 4, 8, 8);
    ct_copy_(cut(r, 1, 4), cut(r, 0, 3));
    ck_values(r, 1, 1, 4, 8);
    ct_tensor *m = ct_view(r, CT_SHAPE(2, 2));
    ct_add_(m, ct_t(m));
    ck_values(r, 2, 5, 5, 16);
    ct_add_(m, ct_select(m, 0, 0));
    ck_values(r, 4, 10, 7, 21);
    ck_ok();
}
END_TEST

/* ---- Saved tensors ---- */

START_TEST(what_a_formula_needs) {
    build(2);
    ct_tensor *y = ct_exp(x); /* needs its output, not its input */
    ct_add_scalar_(x, 1);
    ck_values_close(grad_of_sum(y), 1e-12, 14.7781121978613, 109.19630006628847, 806.857586985470, 5961.915974083457);
    y = ct_exp(x);
    ct_add_scalar_(y, 1);
    ck_refused(ct_backward(ct_sum(y)), "ExpBackward: the float64 output [4] that its gradient needs was changed in place");
    y = ct_mul_scalar(x, 2); /* needs nothing */
    ct_add_scalar_(x, 1);
    ck_values(grad_of_sum(y), 4, 4, 4, 4);
    build(1); /* x.mul_(x) */
    ct_mul_(x, x);
    ck_refused(ct_backward(ct_sum(x)), "overwrote a tensor that its gradient needs");
    build(1); /* x[:2].mul_(x[2:]): both share x's version */
    ct_mul_(cut(x, 0, 2), cut(x, 2, 4));
    ck_assert(ct_backward(ct_sum(x)) != CT_OK);
    ck_assert_int_eq(ct_error_status(), CT_ERR_AUTOGRAD);
    ct_error_clear();
    build(1); /* v = x[2:]; s = (v * v).sum(); x[:2].zero_(); s.backward() */
    ct_tensor *v = cut(x, 2, 4), *s = ct_sum(ct_mul(v, v));
    ct_zero_(cut(x, 0, 2));
    ck_refused(ct_backward(s), "was changed in place");
    build(1); /* y = a * a; with no_grad: a.add_(1)   and   a.detach().add_(1) */
    y = ct_sum(ct_mul(a, a));
    ct_add_scalar_(ct_detach(a), 1);
    ck_refused(ct_backward(y), "MulBackward: the float64 input [4] that its gradient needs was changed in place: it is at version 1, saved was version 0");
}
END_TEST

START_TEST(copies) {
    build(1); /* z.copy_(w); z.copy_(w * 2) */
    ct_copy_(z, w);
    ct_copy_(z, ct_mul_scalar(w, 2));
    ct_backward(ct_sum(z));
    ck_values(ct_tensor_grad(w), 2, 2, 2, 2);
    ct_tensor *i = ct_zeros(CT_SHAPE(4), CT_I64);
    ct_copy_(i, w);
    ck_ok();
    ck_assert(!ct_requires_grad(i));
}
END_TEST

TEST_LIST = {TEST(pieces_may_not_be_changed),
             TEST(a_piece_is_of_no_use_after_its_base_changed),
             TEST(pieces_of_plain_tensors),
             TEST(views_that_functions_return),
             TEST(leaves_and_their_views),
             TEST(detaching_the_base),
             TEST(views_made_without_grad),
             TEST(no_gradient_reaches_a_view_made_without_grad),
             TEST(bases_that_become_plain),
             TEST(a_leaf_that_is_none_any_more),
             TEST(a_saved_tensor_that_was_detached_in_place),
             TEST(views_of_views),
             TEST(as_strided),
             TEST(elements_at_one_address),
             TEST(what_a_formula_needs),
             TEST(copies)};
TEST_MAIN("inplace_rules")
