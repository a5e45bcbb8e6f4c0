/* Changes in place and views: values and errors as PyTorch 2.13 gives them for the same lines (the Python line stands at each test). */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static ct_tensor *vec(int64_t n, const double *v, bool requires_grad) {
    ct_tensor *t = test_f64(v, &n, 1);
    if (requires_grad) ct_set_requires_grad(t, true);
    return t;
}
#define VEC(...) vec((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__}, false)
#define LEAF(...) vec((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__}, true)

static ct_tensor *sum_of_squares(ct_tensor *x) { return ct_sum(ct_mul(x, x)); }

/* x = a*2; v = x[1:3]; v.mul_(w); (x*x).sum().backward() */
START_TEST(mul_in_a_slice_rebases_the_base) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *w = LEAF(5, 6), *x = ct_mul_scalar(a, 2), *v = ct_slice(x, 0, 1, 3, 1);
    ck_assert(ct_mul_(v, w) == CT_OK);
    ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward");
    ck_assert_str_eq(ct_grad_fn_name(x), "CopySlices");
    ck_values(x, 2, 20, 36, 8);
    ct_backward(sum_of_squares(x));
    ck_ok();
    ck_values(ct_tensor_grad(a), 8, 400, 864, 32);
    ck_values(ct_tensor_grad(w), 160, 432);
}
END_TEST

/* x = a*2; v = x[1:3]; x.mul_(3); (v*v).sum().backward() */
START_TEST(a_view_follows_its_base) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2), *v = ct_slice(x, 0, 1, 3, 1);
    ct_mul_scalar_(x, 3);
    ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward");
    ct_backward(sum_of_squares(v));
    ck_ok();
    ck_values(ct_tensor_grad(a), 0, 144, 216, 0);
}
END_TEST

/* z = zeros(4); z[1:3].copy_(w); (z*z).sum().backward() */
START_TEST(copy_into_a_slice_of_a_plain_tensor_gives_it_history) {
    ct_tensor *w = LEAF(5, 6), *z = ct_zeros(CT_SHAPE(4), CT_F64);
    ck_assert(!ct_requires_grad(z));
    ct_copy_(ct_slice(z, 0, 1, 3, 1), w);
    ck_ok();
    ck_assert(ct_requires_grad(z));
    ck_assert(!ct_is_leaf(z));
    ck_assert_str_eq(ct_grad_fn_name(z), "CopySlices");
    ct_backward(sum_of_squares(z));
    ck_ok();
    ck_values(ct_tensor_grad(w), 10, 12);
}
END_TEST

/* x = a*1; v = x.view(2,2); r = v[1]; r.mul_(w); (x*[1,2,3,4]).sum().backward() */
START_TEST(a_view_of_a_view_keeps_the_root_as_base) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *w = LEAF(5, 6), *x = ct_mul_scalar(a, 1), *v = ct_view(x, CT_SHAPE(2, 2)), *r = ct_select(v, 0, 1);
    ck_assert(ct_is_same(ct_tensor_base(r), x));
    ct_mul_(r, w);
    ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward");
    ct_backward(ct_sum(ct_mul(x, VEC(1, 2, 3, 4))));
    ck_ok();
    ck_values(ct_tensor_grad(a), 1, 2, 15, 24);
    ck_values(ct_tensor_grad(w), 9, 16);
}
END_TEST

/* v1 = x[:3]; v2 = x[1:]; v1.mul_(2); v2.mul_(w); (x*x).sum().backward(retain_graph=True); ... v1.sum().backward() */
START_TEST(two_overlapping_views_change_in_turn) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *w = LEAF(5, 6, 7), *x = ct_mul_scalar(a, 1);
    ct_tensor *v1 = ct_slice(x, 0, 0, 3, 1), *v2 = ct_slice(x, 0, 1, 4, 1);
    ct_mul_scalar_(v1, 2);
    ct_mul_(v2, w);
    ck_values(x, 2, 20, 36, 28);
    ct_tensor *loss = sum_of_squares(x);
    ct_backward_with(&loss, NULL, 1, &(ct_backward_options){.retain_graph = true});
    ck_ok();
    ck_values(ct_tensor_grad(a), 8, 400, 864, 392);
    ck_values(ct_tensor_grad(w), 160, 432, 224);
    ct_tensor_set_grad(a, NULL);
    ct_tensor_set_grad(w, NULL);
    ct_backward(ct_sum(v1));
    ck_ok();
    ck_values(ct_tensor_grad(a), 2, 10, 12, 0);
    ck_values(ct_tensor_grad(w), 4, 6, 0);
}
END_TEST

/* x = (a*1).view(2,2)*1; x.t()[0].mul_(w); (x*[[1,2],[3,4]]).sum().backward() */
START_TEST(a_column_reached_by_a_transpose) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *w = LEAF(5, 6), *x = ct_mul_scalar(ct_view(ct_mul_scalar(a, 1), CT_SHAPE(2, 2)), 1);
    ct_mul_(ct_select(ct_t(x), 0, 0), w);
    ct_backward(ct_sum(ct_mul(x, ct_view(VEC(1, 2, 3, 4), CT_SHAPE(2, 2)))));
    ck_ok();
    ck_values(ct_tensor_grad(a), 5, 2, 18, 4);
    ck_values(ct_tensor_grad(w), 1, 9);
}
END_TEST

/* x = a*2; x.mul_([1,2,3,4]); x.exp_(); x.sum().backward() */
START_TEST(changes_in_place_follow_each_other) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2);
    ct_mul_(x, LEAF(1, 2, 3, 4));
    ct_exp_(x);
    ck_assert_str_eq(ct_grad_fn_name(x), "ExpBackward");
    ct_backward(ct_sum(ct_mul_scalar(x, 1)));
    ck_ok();
    ck_values_close(ct_tensor_grad(a), 1e-14, 14.7781121978613, 11923.831948166913, 393959814.8239831, 631703681461445.5);
}
END_TEST

/* x = a*a; x[1:3].mul_(w); g = grad((x*x).sum(), [a, w], create_graph=True); grad((ga*ga).sum() + (gw*gw).sum(), [a, w]) */
START_TEST(copy_slices_can_be_differentiated_twice) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *w = LEAF(5, 6), *x = ct_mul(a, a), *in[] = {a, w}, *g[2], *h[2];
    ct_mul_(ct_slice(x, 0, 1, 3, 1), w);
    ct_tensor *loss = sum_of_squares(x);
    ct_grad(&loss, 1, in, 2, &(ct_grad_options){.create_graph = true}, g);
    ck_ok();
    ck_values(g[0], 4, 800, 3888, 256);
    ck_values(g[1], 160, 972);
    loss = ct_add(sum_of_squares(g[0]), sum_of_squares(g[1]));
    ct_grad(&loss, 1, in, 2, NULL, h);
    ck_ok();
    ck_values(h[0], 96, 2022400, 32752512, 98304);
    ck_values(h[1], 522240, 10392624);
}
END_TEST

/* x = a*2; x[1:3].exp_(); ga = grad((x*x).sum(), a, create_graph=True); grad(ga.sum(), a) */
START_TEST(a_saved_output_of_a_change_through_a_view) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2), *g, *h;
    ct_exp_(ct_slice(x, 0, 1, 3, 1));
    ct_tensor *loss = sum_of_squares(x);
    ct_grad(&loss, 1, &a, 1, &(ct_grad_options){.create_graph = true}, &g);
    ck_ok();
    ck_values_close(g, 1e-14, 8, 11923.831948166911, 651019.1656760157, 32);
    loss = ct_sum(g);
    ct_grad(&loss, 1, &a, 1, NULL, &h);
    ck_ok();
    ck_values_close(h, 1e-14, 8, 47695.327792667646, 2604076.6627040626, 8);
}
END_TEST

/* x = a[0:1]*2; e = x.expand(3); x.mul_(3); (e*w).sum().backward() */
START_TEST(an_expanded_view_made_anew_sums_its_gradient) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *w = LEAF(5, 6, 7), *x = ct_mul_scalar(ct_slice(a, 0, 0, 1, 1), 2), *e = ct_expand(x, CT_SHAPE(3));
    ct_mul_scalar_(x, 3);
    ck_assert_str_eq(ct_grad_fn_name(e), "AsStridedBackward");
    ct_backward(ct_sum(ct_mul(e, w)));
    ck_ok();
    ck_values(ct_tensor_grad(a), 108, 0, 0, 0);
    ck_values(ct_tensor_grad(w), 6, 6, 6);
}
END_TEST

/* x = a*2; v = x[1:3]; v.zero_(); (x*x).sum().backward() */
START_TEST(zeroing_a_slice_stops_its_gradient) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2), *v = ct_slice(x, 0, 1, 3, 1);
    ct_zero_(v);
    ck_assert_str_eq(ct_grad_fn_name(x), "CopySlices");
    ct_backward(sum_of_squares(x));
    ck_ok();
    ck_values(ct_tensor_grad(a), 8, 0, 0, 32);
}
END_TEST

/* x = a*2; d = x.detach(); d.mul_(2): x's values and version change, its history does not */
START_TEST(detach_shares_memory_and_version_but_no_history) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2), *d = ct_detach(x);
    ck_assert(ct_shares_storage(x, d));
    ck_assert(!ct_requires_grad(d));
    ck_assert_ptr_null(ct_tensor_base(d));
    ct_mul_scalar_(d, 2);
    ck_ok();
    ck_values(x, 4, 8, 12, 16);
    ck_assert_int_eq(ct_version_of(x), 1);
    ck_assert_int_eq(ct_version_of(d), 1);
    ck_assert_str_eq(ct_grad_fn_name(x), "MulScalarBackward");
    ct_backward(sum_of_squares(x));
    ck_ok();
    ck_values(ct_tensor_grad(a), 16, 32, 48, 64);
}
END_TEST

/* v.retain_grad(); x.retain_grad(); v.mul_(3); (x*x).sum().backward(): v's new node is not on the way */
START_TEST(retained_gradients_move_with_the_history) {
    ct_tensor *a = LEAF(1, 2, 3, 4), *x = ct_mul_scalar(a, 2), *v = ct_slice(x, 0, 1, 3, 1);
    ct_retain_grad(v);
    ct_retain_grad(x);
    ct_mul_scalar_(v, 3);
    ct_backward(sum_of_squares(x));
    ck_ok();
    ck_assert_ptr_null(ct_tensor_grad(v));
    ck_values(ct_tensor_grad(x), 4, 24, 36, 16);
    ck_values(ct_tensor_grad(a), 8, 144, 216, 32);
}
END_TEST

/* An in-place op on a detached, strided base with holes between its elements. */
START_TEST(a_base_with_holes) {
    ct_tensor *w = LEAF(5, 6), *all = ct_view(VEC(1, 2, 3, 4, 5, 6), CT_SHAPE(3, 2)), *base = ct_detach(ct_select(all, 1, 1));
    ct_mul_(ct_slice(base, 0, 1, 3, 1), w);
    ck_ok();
    ck_values(base, 2, 20, 36);
    ct_backward(sum_of_squares(base));
    ck_ok();
    ck_values(ct_tensor_grad(w), 2 * 20 * 4, 2 * 36 * 6);
}
END_TEST

typedef ct_status change(ct_tensor *t, ct_tensor *w);
static ct_status by_number(ct_tensor *t, ct_tensor *w) { return (void)w, ct_mul_scalar_(t, 2); }
static ct_status by_tensor(ct_tensor *t, ct_tensor *w) { return ct_mul_(t, w); }

START_TEST(what_must_not_change_in_place) {
    ct_tensor *a = LEAF(1, 2), *w = LEAF(5, 6);
    for (int i = 0; i < 2; i++) {
        change *f = i ? by_tensor : by_number;
        ck_assert(f(a, w) != CT_OK);
        ck_error(CT_ERR_AUTOGRAD, "a leaf that requires grad is changed in place");
        ck_assert(f(ct_slice(a, 0, 0, 2, 1), w) != CT_OK);
        ck_error(CT_ERR_AUTOGRAD, "a view of a leaf that requires grad is changed in place");
        ct_scope s = ct_no_grad_begin();
        ct_tensor *of_leaf = ct_slice(a, 0, 0, 2, 1), *x = VEC(1, 2), *of_plain = ct_slice(x, 0, 0, 2, 1);
        ct_keep(of_leaf), ct_keep(of_plain);
        ct_scope_end(s);
        ck_assert(f(of_leaf, w) != CT_OK); /* it requires grad as its base does */
        ck_error(CT_ERR_AUTOGRAD, "made in no_grad mode is changed in place while gradients are recorded");
        ck_assert_int_eq(f(of_plain, w) == CT_OK, i == 0);
        if (i) ck_error(CT_ERR_AUTOGRAD, "made in no_grad mode is changed in place while gradients are recorded");
        ct_release(of_leaf);
        ct_release(of_plain);
    }
    ck_values(a, 1, 2);
    ck_assert(ct_mul_scalar_(ct_expand(ct_mul_scalar(ct_slice(a, 0, 0, 1, 1), 1), CT_SHAPE(3)), 2) != CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "more than one element of the tensor to write to lies at the same address");
}
END_TEST

START_TEST(without_recording_all_of_it_is_allowed) {
    ct_tensor *a = LEAF(1, 2), *v = ct_slice(a, 0, 0, 1, 1);
    ct_scope s = ct_no_grad_begin();
    ck_assert(ct_mul_scalar_(a, 2) == CT_OK);
    ck_assert(ct_mul_scalar_(v, 2) == CT_OK);
    ct_scope_end(s);
    ck_values(a, 4, 4);
    ck_assert(ct_is_leaf(a));
    ck_assert_str_eq(ct_grad_fn_name(v), "AsStridedBackward"); /* as in PyTorch: the version has moved on */
    ct_backward(ct_sum(v));
    ck_ok();
    ck_values(ct_tensor_grad(a), 1, 0);
}
END_TEST

/* with no_grad: v = x[:2];  x.mul_(2);  v*2 */
START_TEST(a_no_grad_view_is_of_no_use_after_its_base_changed) {
    ct_tensor *a = LEAF(1, 2, 3), *x = ct_mul_scalar(a, 1);
    ct_scope s = ct_no_grad_begin();
    ct_tensor *v = ct_slice(x, 0, 0, 2, 1);
    v = ct_scope_return(s, v);
    ck_assert(ct_requires_grad(v));
    ck_assert(ct_is_leaf(v));
    ct_mul_scalar_(x, 2);
    ck_ok();
    ck_assert_ptr_null(ct_mul_scalar(v, 2));
    ck_error(CT_ERR_AUTOGRAD, "a view made in no_grad mode is used after its base or another view of it was changed in place");
}
END_TEST

START_TEST(detach_in_place) {
    ct_tensor *a = LEAF(1, 2, 3), *x = ct_mul_scalar(a, 2), *v = ct_slice(x, 0, 0, 2, 1);
    ck_assert(ct_detach_(v) != CT_OK);
    ck_error(CT_ERR_AUTOGRAD, "the tensor is a view");
    ct_detach_(x);
    ck_assert(ct_is_leaf(x));
    ck_assert(!ct_requires_grad(x));
    ck_assert_str_eq(ct_grad_fn_name(v), "SliceBackward");
    ct_detach_(a);
    ck_assert(!ct_requires_grad(a));
}
END_TEST

START_TEST(inference_tensors) {
    ct_tensor *w = LEAF(5, 6);
    ct_scope s = ct_inference_mode_begin();
    ct_tensor *made = ct_mul_scalar(w, 2), *view = ct_slice(w, 0, 0, 2, 1);
    ck_assert(ct_is_inference_mode_enabled());
    ck_assert(ct_is_inference(made));
    ck_assert(!ct_is_inference(view));
    ck_assert(ct_is_inference(ct_detach(made)));
    ck_assert(!ct_is_inference(ct_detach(w)));
    ct_mul_scalar_(made, 2);
    ck_ok();
    ct_keep(made), ct_keep(view);
    ct_scope_end(s);
    ck_assert(!ct_is_inference_mode_enabled());
    ck_assert(ct_is_inference(ct_slice(made, 0, 0, 1, 1)));
    ck_assert(ct_mul_scalar_(made, 2) != CT_OK);
    ck_error(CT_ERR_AUTOGRAD, "made in inference mode is changed in place outside of it");
    s = ct_no_grad_begin();
    ck_assert(ct_mul_scalar_(made, 2) != CT_OK);
    ck_error(CT_ERR_AUTOGRAD, "made in inference mode is changed in place outside of it");
    ct_scope_end(s);
    ck_assert_ptr_null(ct_mul(made, w));
    ck_error(CT_ERR_AUTOGRAD, "a tensor made in inference mode cannot be saved for backward");
    ck_assert_ptr_nonnull(ct_add(made, w));
    ck_assert(ct_set_requires_grad(made, true) != CT_OK);
    ck_error(CT_ERR_AUTOGRAD, "made in inference mode cannot require grad");
    ck_assert(ct_mul_(view, w) != CT_OK);
    ck_error(CT_ERR_AUTOGRAD, "made in inference mode is changed in place while gradients are recorded");
    ck_assert_ptr_nonnull(ct_mul(ct_clone(made), w));
    ct_release(made);
    ct_release(view);
}
END_TEST

/* y = x*x; x.mul_(3); y.sum().backward() */
START_TEST(a_changed_saved_tensor_is_an_error) {
    ct_tensor *a = LEAF(1, 2, 3), *x = ct_mul_scalar(a, 2), *y = ct_mul(x, x);
    ct_mul_scalar_(x, 3);
    ck_assert(ct_backward(ct_sum(y)) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "MulBackward: the float64 input [3] that its gradient needs was changed in place: it is at version 1, saved was version 0");
    x = ct_exp(a);
    y = ct_mul_scalar(x, 1);
    ct_data_mut(x);
    ck_assert(ct_backward(ct_sum(y)) == CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ExpBackward: the float64 output [3] that its gradient needs was changed in place");
}
END_TEST

TEST_LIST = {TEST(mul_in_a_slice_rebases_the_base),
             TEST(a_view_follows_its_base),
             TEST(copy_into_a_slice_of_a_plain_tensor_gives_it_history),
             TEST(a_view_of_a_view_keeps_the_root_as_base),
             TEST(two_overlapping_views_change_in_turn),
             TEST(a_column_reached_by_a_transpose),
             TEST(changes_in_place_follow_each_other),
             TEST(copy_slices_can_be_differentiated_twice),
             TEST(a_saved_output_of_a_change_through_a_view),
             TEST(an_expanded_view_made_anew_sums_its_gradient),
             TEST(zeroing_a_slice_stops_its_gradient),
             TEST(detach_shares_memory_and_version_but_no_history),
             TEST(retained_gradients_move_with_the_history),
             TEST(a_base_with_holes),
             TEST(what_must_not_change_in_place),
             TEST(without_recording_all_of_it_is_allowed),
             TEST(a_no_grad_view_is_of_no_use_after_its_base_changed),
             TEST(detach_in_place),
             TEST(inference_tensors),
             TEST(a_changed_saved_tensor_is_an_error)};
TEST_MAIN("inplace_views")
