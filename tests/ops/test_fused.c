/*
 * Fused operations against the operations that they are made of, in every dtype and memory order; gradients of gradients; errors. PyTorch's results: the parity tests.
 */
#include "base/platform.h"
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>

static ct_tensor *random(ct_dtype dtype, const int64_t *sizes, int ndim) {
    if (dtype == CT_I64) return ct_randint(-4, 5, sizes, ndim, CT_I64, NULL);
    return ct_to(ct_randn(sizes, ndim, CT_F64, NULL), dtype);
}

/* Two functions of the same inputs, of which NULL ones are absent. */
typedef ct_tensor *(*function)(ct_tensor *const *in);

/* Results and gradients are the same bits, or close where tol says so. */
static void check(const char *what, function fused, function steps, ct_tensor *const *in, int n, double tol) {
    function fn[] = {fused, steps};
    ct_tensor *y[2], *leaf[2][3] = {{NULL}}, *g = NULL;
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < n; i++) {
            leaf[k][i] = in[i] ? ct_clone(in[i]) : NULL;
            if (in[i] && ct_is_floating_point(in[i])) ct_set_requires_grad(leaf[k][i], true);
        }
        y[k] = fn[k](leaf[k]);
        ck_assert_msg(ct_ok(), "%s: %s", what, ct_error_message());
        if (!g) g = ct_is_floating_point(y[0]) ? ct_randn_like(y[0], CT_DTYPE_NONE, NULL) : NULL;
        if (g) ct_backward(ct_sum(ct_mul(y[k], g)));
    }
    ck_ok();
    ck_close(y[0], y[1], tol, tol);
    for (int d = 0; d < ct_ndim(y[0]); d++) ck_assert_msg(ct_size(y[0], d) == 1 || ct_stride(y[0], d) == ct_stride(y[1], d), "%s: strides", what);
    for (int i = 0; i < n && g; i++)
        if (in[i] && ct_is_floating_point(in[i])) ck_close(ct_tensor_grad(leaf[0][i]), ct_tensor_grad(leaf[1][i]), tol, tol);
}

static ct_tensor *linear_fused(ct_tensor *const *in) { return ct_linear_relu(in[0], in[1], in[2]); }
static ct_tensor *linear_steps(ct_tensor *const *in) { return ct_relu(ct_linear(in[0], in[1], in[2])); }
static ct_tensor *conv_fused(ct_tensor *const *in) { return ct_conv2d_relu(in[0], in[1], in[2], &(ct_conv2d_options){.padding = 1}); }
static ct_tensor *conv_steps(ct_tensor *const *in) { return ct_relu(ct_conv2d(in[0], in[1], in[2], &(ct_conv2d_options){.padding = 1})); }
static ct_tensor *add_fused(ct_tensor *const *in) { return ct_add_relu(in[0], in[1]); }
static ct_tensor *add_steps(ct_tensor *const *in) { return ct_relu(ct_add(in[0], in[1])); }
static const ct_batch_norm_options training = {.training = true};
static ct_tensor *norm_fused(ct_tensor *const *in) { return ct_batch_norm_relu(in[0], NULL, NULL, in[1], in[2], &training); }
static ct_tensor *norm_steps(ct_tensor *const *in) { return ct_relu(ct_batch_norm(in[0], NULL, NULL, in[1], in[2], &training)); }
static ct_tensor *eval_fused(ct_tensor *const *in) {
    return ct_batch_norm_relu(in[0], ct_zeros(CT_SHAPE(3), CT_F64), ct_full(CT_SHAPE(3), 2, CT_F64), in[1], in[2], NULL);
}
static ct_tensor *eval_steps(ct_tensor *const *in) {
    return ct_relu(ct_batch_norm(in[0], ct_zeros(CT_SHAPE(3), CT_F64), ct_full(CT_SHAPE(3), 2, CT_F64), in[1], in[2], NULL));
}

static const ct_dtype dtypes[] = {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I64};

START_TEST(linear_relu_is_relu_of_linear) {
    for (size_t d = 0; d < CT__COUNT(dtypes); d++) {
        ct_tensor *x = random(dtypes[d], CT_SHAPE(4, 5)), *w = random(dtypes[d], CT_SHAPE(7, 5)), *b = random(dtypes[d], CT_SHAPE(7));
        check("linear", linear_fused, linear_steps, (ct_tensor *[]){x, w, b}, 3, 0);
        check("no bias", linear_fused, linear_steps, (ct_tensor *[]){x, w, NULL}, 3, 0);
        check("one row", linear_fused, linear_steps, (ct_tensor *[]){ct_select(x, 0, 0), w, b}, 3, 0);
        check("more dims", linear_fused, linear_steps, (ct_tensor *[]){random(dtypes[d], CT_SHAPE(2, 3, 5)), w, b}, 3, 0);
        check("no rows", linear_fused, linear_steps, (ct_tensor *[]){random(dtypes[d], CT_SHAPE(0, 5)), w, b}, 3, 0);
        check("one output", linear_fused, linear_steps, (ct_tensor *[]){x, ct_select(w, 0, 0), NULL}, 3, 0);
    }
}
END_TEST

START_TEST(conv2d_relu_is_relu_of_conv2d) {
    for (size_t d = 0; d < CT__COUNT(dtypes); d++)
        for (int last = 0; last < 2; last++) {
            ct_tensor *x = random(dtypes[d], CT_SHAPE(2, 3, 5, 6)), *w = random(dtypes[d], CT_SHAPE(4, 3, 3, 2)), *b = random(dtypes[d], CT_SHAPE(4));
            if (last) x = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST);
            check("conv2d", conv_fused, conv_steps, (ct_tensor *[]){x, w, b}, 3, 0);
            check("no bias", conv_fused, conv_steps, (ct_tensor *[]){x, w, NULL}, 3, 0);
            check("one image", conv_fused, conv_steps, (ct_tensor *[]){ct_select(x, 0, 0), w, b}, 3, 0);
            check("no images", conv_fused, conv_steps, (ct_tensor *[]){random(dtypes[d], CT_SHAPE(0, 3, 5, 6)), w, b}, 3, 0);
            check("no channels", conv_fused, conv_steps,
                  (ct_tensor *[]){random(dtypes[d], CT_SHAPE(2, 0, 5, 6)), random(dtypes[d], CT_SHAPE(4, 0, 3, 2)), b}, 3, 0);
        }
}
END_TEST

START_TEST(add_relu_is_relu_of_add) {
    const ct_dtype more[] = {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I64, CT_I32, CT_U8};
    for (size_t i = 0; i < CT__COUNT(more); i++)
        for (size_t j = 0; j < CT__COUNT(more); j++) {
            ct_tensor *a = ct_to(ct_randint(-4, 5, CT_SHAPE(3, 1, 5), CT_I64, NULL), more[i]), *b = ct_to(ct_randint(-4, 5, CT_SHAPE(2, 1), CT_I64, NULL), more[j]);
            check("broadcast", add_fused, add_steps, (ct_tensor *[]){a, b}, 2, 0);
            check("0 dims", add_fused, add_steps, (ct_tensor *[]){a, ct_select(ct_select(b, 0, 0), 0, 0)}, 2, 0);
        }
    ct_tensor *image = ct_contiguous(random(CT_F32, CT_SHAPE(2, 3, 4, 5)), CT_FORMAT_CHANNELS_LAST);
    check("channels last", add_fused, add_steps, (ct_tensor *[]){image, random(CT_F32, CT_SHAPE(2, 3, 4, 5))}, 2, 0);
    ct_tensor *large = random(CT_F32, CT_SHAPE(300, 301));
    check("large", add_fused, add_steps, (ct_tensor *[]){large, ct_t(random(CT_F32, CT_SHAPE(301, 300)))}, 2, 0);
}
END_TEST

START_TEST(batch_norm_relu_is_relu_of_batch_norm) {
    for (size_t d = 0; d < 4; d++)
        for (int last = 0; last < 2; last++) {
            double tol = dtypes[d] == CT_F64 ? 1e-14 : dtypes[d] == CT_F32 ? 1e-6 : 0;
            ct_tensor *x = random(dtypes[d], CT_SHAPE(4, 3, 5, 7)), *w = random(dtypes[d], CT_SHAPE(3)), *b = random(dtypes[d], CT_SHAPE(3));
            if (last) x = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST);
            check("training", norm_fused, norm_steps, (ct_tensor *[]){x, w, b}, 3, tol);
            check("evaluation", eval_fused, eval_steps, (ct_tensor *[]){x, w, b}, 3, tol);
            check("no parameters", norm_fused, norm_steps, (ct_tensor *[]){x, NULL, NULL}, 3, tol);
            check("columns", norm_fused, norm_steps, (ct_tensor *[]){random(dtypes[d], CT_SHAPE(8, 3)), w, b}, 3, tol);
            check("nothing", norm_fused, norm_steps, (ct_tensor *[]){random(dtypes[d], CT_SHAPE(0, 3, 2)), w, b}, 3, tol);
        }
}
END_TEST

START_TEST(running_statistics_move_the_same_way) {
    ct_tensor *x = random(CT_F32, CT_SHAPE(4, 3, 5)), *m[2], *v[2];
    for (int k = 0; k < 2; k++) {
        m[k] = ct_zeros(CT_SHAPE(3), CT_F32), v[k] = ct_ones(CT_SHAPE(3), CT_F32);
        if (k) ct_relu(ct_batch_norm(x, m[k], v[k], NULL, NULL, &training));
        else ct_batch_norm_relu(x, m[k], v[k], NULL, NULL, &training);
    }
    ck_close(m[0], m[1], 0, 0);
    ck_close(v[0], v[1], 0, 0);
}
END_TEST

START_TEST(nan_stays) {
    ct_tensor *x = ct_full(CT_SHAPE(2, 3, 4, 4), NAN, CT_F32), *w = ct_ones(CT_SHAPE(2, 3, 3, 3), CT_F32);
    ck_assert(ct_item_bool(ct_all(ct_isnan(ct_conv2d_relu(x, w, NULL, NULL)))));
    ck_assert(ct_item_bool(ct_all(ct_isnan(ct_add_relu(x, x)))));
    ck_assert(ct_item_bool(ct_all(ct_isnan(ct_batch_norm_relu(x, NULL, NULL, NULL, NULL, &training)))));
    ck_assert(ct_item_bool(ct_all(ct_isnan(ct_linear_relu(x, ct_ones(CT_SHAPE(5, 4), CT_F32), NULL)))));
    ck_ok();
}
END_TEST

/* ---- Gradients of gradients, away from the kink ---- */

static ct_tensor *all_of_them(ct_tensor *const *in, int n, void *user) {
    (void)user, (void)n;
    ct_tensor *y = ct_conv2d_relu(in[0], in[1], in[2], NULL);
    y = ct_batch_norm_relu(y, NULL, NULL, in[2], ct_add_scalar(in[2], 1), &training);
    y = ct_add_relu(y, ct_mul(y, y));
    return ct_linear_relu(y, in[3], ct_select(in[3], 1, 0));
}
START_TEST(gradients_of_gradients) {
    ct_manual_seed(11);
    ct_tensor *in[] = {random(CT_F64, CT_SHAPE(2, 2, 3, 4)), random(CT_F64, CT_SHAPE(2, 2, 2, 3)), ct_abs(random(CT_F64, CT_SHAPE(2))), random(CT_F64, CT_SHAPE(3, 2))};
    for (int i = 0; i < 4; i++) {
        in[i] = ct_detach(in[i]);
        ct_set_requires_grad(in[i], true);
    }
    ck_assert_int_eq(ct_gradcheck(all_of_them, NULL, in, 4, NULL), CT_OK);
    ck_ok();
    ck_assert_int_eq(ct_gradgradcheck(all_of_them, NULL, in, 4, NULL), CT_OK);
    ck_ok();
}
END_TEST

/* relu's backward writes over a gradient that nobody else has. */
START_TEST(gradients_that_others_hold_stay_as_they_are) {
    ct_tensor *a = test_f32((double[]){1, -1, 2}, CT_SHAPE(3)), *b = test_f32((double[]){-1, 1, 2}, CT_SHAPE(3)), *g = test_f32((double[]){3, 4, 5}, CT_SHAPE(3));
    ct_set_requires_grad(a, true), ct_set_requires_grad(b, true);
    ct_tensor *y = ct_relu(a), *z = ct_relu(b), *sum = ct_add(y, z); /* one gradient for both */
    ct_retain_grad(sum), ct_retain_grad(y);
    ct_backward_with(&sum, &g, 1, NULL);
    ck_ok();
    ck_values(g, 3, 4, 5);
    ck_values(ct_tensor_grad(sum), 3, 4, 5);
    ck_values(ct_tensor_grad(y), 3, 4, 5);
    ck_values(ct_tensor_grad(a), 3, 0, 5);
    ck_values(ct_tensor_grad(b), 0, 4, 5);
    ct_tensor *c = test_f32((double[]){1, -1, 2}, CT_SHAPE(3)), *row = test_f32((double[]){3, 4, 5}, CT_SHAPE(1, 3)), *gc;
    ct_set_requires_grad(c, true);
    ct_tensor *r = ct_relu(c), *wide = ct_mul(ct_expand(r, CT_SHAPE(2, 3)), row); /* through views, and twice */
    for (int i = 0; i < 2; i++) {
        ct_grad(&wide, 1, &c, 1, &(ct_grad_options){.retain_graph = true, .grad_outputs = (ct_tensor *[]){ct_ones(CT_SHAPE(2, 3), CT_F32)}}, &gc);
        ck_values(gc, 6, 0, 10);
    }
    ck_values(row, 3, 4, 5);
}
END_TEST

START_TEST(the_result_is_saved_and_must_not_change) {
    ct_tensor *x = random(CT_F32, CT_SHAPE(2, 3)), *w = random(CT_F32, CT_SHAPE(4, 3));
    ct_set_requires_grad(w, true);
    ct_tensor *y = ct_linear_relu(x, w, NULL);
    ct_mul_scalar_(y, 2);
    ct_backward(ct_sum(y));
    ck_error(CT_ERR_AUTOGRAD, "changed");
}
END_TEST

START_TEST(errors_are_those_of_the_steps) {
    ct_tensor *x = ct_ones(CT_SHAPE(2, 3), CT_F32), *image = ct_ones(CT_SHAPE(2, 3, 4, 4), CT_F32), *bools = ct_ones(CT_SHAPE(2, 3), CT_BOOL);
    ck_assert_ptr_null(ct_linear_relu(x, ct_ones(CT_SHAPE(4, 5), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "ct_linear_relu: x [2, 3] and weight [4, 5] cannot be multiplied: 3 != 5");
    ck_assert_ptr_null(ct_linear_relu(x, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linear_relu: tensor argument 2 is NULL");
    ck_assert_ptr_null(ct_linear_relu(x, ct_ones(CT_SHAPE(4, 3), CT_F64), NULL));
    ck_error(CT_ERR_DTYPE, "ct_linear_relu");
    ck_assert_ptr_null(ct_conv2d_relu(image, ct_ones(CT_SHAPE(4, 2, 3, 3), CT_F32), NULL, NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d_relu: ");
    ck_assert_ptr_null(ct_conv2d_relu(image, ct_ones(CT_SHAPE(4, 3, 3, 3), CT_F32), ct_ones(CT_SHAPE(3), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "ct_conv2d_relu: bias must be [4]");
    ck_assert_ptr_null(ct_conv2d_relu(image, ct_ones(CT_SHAPE(4, 3, 3, 3), CT_F32), NULL, &(ct_conv2d_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_conv2d_relu");
    ck_assert_ptr_null(ct_add_relu(x, ct_ones(CT_SHAPE(4), CT_F32)));
    ck_error(CT_ERR_SHAPE, "ct_add_relu: [2, 3] and [4]");
    ck_assert_ptr_null(ct_add_relu(bools, bools));
    ck_error(CT_ERR_DTYPE, "ct_relu");
    ck_assert_ptr_null(ct_batch_norm_relu(image, NULL, NULL, ct_ones(CT_SHAPE(2), CT_F32), NULL, &training));
    ck_error(CT_ERR_SHAPE, "ct_batch_norm_relu: weight [2] must be [3]");
    ck_assert_ptr_null(ct_batch_norm_relu(image, NULL, NULL, NULL, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_batch_norm_relu: without .training");
    ck_assert_ptr_null(ct_batch_norm_relu(ct_ones(CT_SHAPE(2), CT_F32), NULL, NULL, NULL, NULL, &training));
    ck_error(CT_ERR_SHAPE, "[N, C, ...]");
}
END_TEST

TEST_LIST = {
    TEST(linear_relu_is_relu_of_linear),
    TEST(conv2d_relu_is_relu_of_conv2d),
    TEST(add_relu_is_relu_of_add),
    TEST(batch_norm_relu_is_relu_of_batch_norm),
    TEST(running_statistics_move_the_same_way),
    TEST(nan_stays),
    TEST(gradients_of_gradients),
    TEST(gradients_that_others_hold_stay_as_they_are),
    TEST(the_result_is_saved_and_must_not_change),
    TEST(errors_are_those_of_the_steps),
};
TEST_MAIN("fused")
