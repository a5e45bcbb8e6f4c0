/*
 * Chains: what runs as one operation gives what its modules give one by one, and whoever looks between two modules sees what passes.
 */
#include "base/platform.h"
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

/* ---- Nets, as Sequentials with the same weights each time ---- */

static ct_module *conv_relu(void) { return ct_nn_sequential(ct_nn_conv2d(2, 5, 3, NULL), ct_nn_relu()); }
static ct_module *conv_relu_twice(void) {
    return ct_nn_sequential(ct_nn_conv2d(2, 5, 3, &(ct_nn_conv2d_options){.no_bias = true}), ct_nn_relu(), ct_nn_conv2d(5, 3, 2, NULL), ct_nn_relu());
}
static ct_module *conv_norm_relu_pool(void) {
    return ct_nn_sequential(ct_nn_conv2d(2, 5, 3, NULL), ct_nn_batch_norm2d(5, NULL), ct_nn_relu(), ct_nn_max_pool2d(2, NULL));
}
static ct_module *conv_norm(void) {
    return ct_nn_sequential(ct_nn_conv2d(2, 4, 3, &(ct_nn_conv2d_options){.padding = 1, .no_bias = true}), ct_nn_batch_norm2d(4, NULL));
}
static ct_module *reflected_conv_norm_relu(void) {
    return ct_nn_sequential(ct_nn_conv2d(2, 4, 3, &(ct_nn_conv2d_options){.padding = 1, .padding_mode = CT_PAD_REFLECT}), ct_nn_batch_norm2d(4, NULL),
                            ct_nn_relu());
}
static ct_module *overlapping_pool(void) {
    return ct_nn_sequential(ct_nn_relu(), ct_nn_max_pool2d(3, &(ct_max_pool2d_options){.stride = 2, .padding = 1}), ct_nn_relu());
}
static ct_module *norms_of_other_kinds(void) {
    return ct_nn_sequential(ct_nn_batch_norm2d(2, &(ct_nn_batch_norm2d_options){.no_affine = true}), ct_nn_relu(), ct_nn_conv2d(2, 3, 1, NULL),
                            ct_nn_batch_norm2d(3, &(ct_nn_batch_norm2d_options){.no_track_running_stats = true}), ct_nn_relu());
}
static ct_module *cnn(void) {
    return ct_nn_sequential(ct_nn_conv2d(2, 4, 3, NULL), ct_nn_relu(), ct_nn_conv2d(4, 6, 3, NULL), ct_nn_batch_norm2d(6, NULL), ct_nn_relu(),
                            ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0), ct_nn_flatten(NULL), ct_nn_linear(24, 7, NULL), ct_nn_relu(), ct_nn_relu(),
                            ct_nn_identity(), ct_nn_linear(7, 3, NULL));
}
static ct_module *empty(void) { return ct_nn_sequential_n(NULL, 0); }

typedef ct_module *(*maker)(void);
static const maker makers[] = {conv_relu,        conv_relu_twice,      conv_norm_relu_pool, conv_norm, reflected_conv_norm_relu,
                               overlapping_pool, norms_of_other_kinds, cnn,                 empty};

/* With running statistics that are not those of a new module. */
static ct_module *made(maker make, ct_dtype dtype) {
    ct_manual_seed(3);
    ct_module *net = make();
    ct_dict *buffers = ct_named_buffers(net);
    for (int64_t i = 0; i < ct_dict_size(buffers); i++) {
        ct_tensor *b = ct_dict_get(buffers, ct_dict_name_at(buffers, i));
        if (ct_is_floating_point(b)) ct_uniform_(b, 0.5, 1.5, NULL);
    }
    ct_module_to(net, dtype);
    ck_ok();
    return net;
}

static ct_tensor *one_by_one(ct_module *net, ct_tensor *x) {
    for (int64_t i = 0; i < ct_module_num_children(net); i++) x = ct_forward(ct_module_child_at(net, i, NULL), x);
    return x;
}

static ct_tensor *image(ct_dtype dtype, bool last) {
    ct_manual_seed(4);
    ct_tensor *x = ct_randn(CT_SHAPE(3, 2, 8, 8), dtype, NULL);
    return last ? ct_contiguous(x, CT_FORMAT_CHANNELS_LAST) : ct_clone(x);
}

/* x.grad, gradients and buffers of both are close. */
static void compare(ct_module *a, ct_module *b, ct_tensor *xa, ct_tensor *xb, double tol) {
    ct_dict *pa = ct_named_parameters(a), *pb = ct_named_parameters(b), *ba = ct_named_buffers(a), *bb = ct_named_buffers(b);
    if (ct_tensor_grad(xa) || ct_tensor_grad(xb)) ck_close(ct_tensor_grad(xa), ct_tensor_grad(xb), tol, tol);
    for (int64_t i = 0; i < ct_dict_size(pa); i++) {
        const char *name = ct_dict_name_at(pa, i);
        ct_tensor *ga = ct_tensor_grad(ct_dict_get(pa, name)), *gb = ct_tensor_grad(ct_dict_get(pb, name));
        ck_assert_msg(!ga == !gb, "%s", name);
        if (ga) ck_close(ga, gb, tol, tol);
    }
    for (int64_t i = 0; i < ct_dict_size(ba); i++) {
        const char *name = ct_dict_name_at(ba, i);
        ck_close(ct_dict_get(ba, name), ct_dict_get(bb, name), tol, tol);
    }
}

static void check_training(maker make, ct_dtype dtype, bool last, bool train) {
    const double tol = dtype == CT_F64 ? 1e-12 : 1e-5;
    ct_module *a = made(make, dtype), *b = made(make, dtype);
    if (!train) ct_module_eval(a), ct_module_eval(b);
    ct_tensor *xa = image(dtype, last), *xb = image(dtype, last);
    ct_set_requires_grad(xa, true), ct_set_requires_grad(xb, true);
    ct_tensor *ya = ct_forward(a, xa), *yb = one_by_one(b, xb);
    ck_close(ya, yb, tol, tol);
    ck_assert_int_eq(ct_is_contiguous(ya, CT_FORMAT_CONTIGUOUS), ct_is_contiguous(yb, CT_FORMAT_CONTIGUOUS));
    ct_manual_seed(5);
    ct_tensor *g = ct_randn_like(ya, CT_DTYPE_NONE, NULL);
    ct_backward(ct_sum(ct_mul(ya, g))), ct_backward(ct_sum(ct_mul(yb, g)));
    ck_ok();
    compare(a, b, xa, xb, 10 * tol);
    ct_module_free(a), ct_module_free(b);
}

START_TEST(outputs_gradients_and_buffers_are_those_of_the_modules_one_by_one) {
    for (size_t i = 0; i < CT__COUNT(makers); i++)
        for (int k = 0; k < 8; k++) {
            ct_scope scope = ct_scope_begin();
            check_training(makers[i], k & 1 ? CT_F64 : CT_F32, k & 2, k & 4);
            ct_scope_end(scope);
        }
}
END_TEST

START_TEST(without_a_graph_results_are_the_same) {
    for (size_t i = 0; i < CT__COUNT(makers); i++)
        for (int k = 0; k < 12; k++) {
            const ct_dtype dtype = k % 3 == 0 ? CT_F32 : k % 3 == 1 ? CT_F64 : CT_BF16;
            const double tol = dtype == CT_F32 ? 1e-5 : dtype == CT_F64 ? 1e-12 : 2e-2;
            ct_scope scope = k & 1 ? ct_no_grad_begin() : ct_inference_mode_begin();
            ct_module *a = made(makers[i], dtype), *b = made(makers[i], dtype);
            ct_module_eval(a), ct_module_eval(b);
            for (int again = 0; again < 2; again++) ck_close(ct_forward(a, image(dtype, k & 2)), one_by_one(b, image(dtype, k & 2)), tol, tol);
            ct_module_free(a), ct_module_free(b);
            ct_scope_end(scope);
            ck_ok();
        }
}
END_TEST

START_TEST(frozen_parameters_do_not_record) { /* in evaluation with gradients on, a frozen net is one operation too */
    ct_module *a = made(conv_norm_relu_pool, CT_F32), *b = made(conv_norm_relu_pool, CT_F32);
    ct_module_eval(a), ct_module_eval(b);
    ct_module_set_requires_grad(a, false), ct_module_set_requires_grad(b, false);
    ct_tensor *y = ct_forward(a, image(CT_F32, false));
    ck_assert(!ct_requires_grad(y));
    ck_close(y, one_by_one(b, image(CT_F32, false)), 1e-5, 1e-5);
    ct_tensor *x = image(CT_F32, false), *z = image(CT_F32, false); /* but the gradient of an image passes */
    ct_set_requires_grad(x, true), ct_set_requires_grad(z, true);
    ct_backward(ct_sum(ct_forward(a, x))), ct_backward(ct_sum(one_by_one(b, z)));
    ck_close(ct_tensor_grad(x), ct_tensor_grad(z), 1e-5, 1e-5);
    ct_module_free(a), ct_module_free(b);
}
END_TEST

START_TEST(nan_passes_and_so_does_its_gradient) {
    for (size_t i = 0; i < CT__COUNT(makers); i++) {
        ct_module *a = made(makers[i], CT_F64), *b = made(makers[i], CT_F64);
        ct_module_eval(a), ct_module_eval(b);
        ct_tensor *xa = image(CT_F64, false), *xb = image(CT_F64, false);
        ct_fill_(ct_select(ct_select(xa, 0, 1), 0, 0), NAN), ct_fill_(ct_select(ct_select(xb, 0, 1), 0, 0), NAN);
        ct_set_requires_grad(xa, true), ct_set_requires_grad(xb, true);
        ct_tensor *ya = ct_forward(a, xa), *yb = one_by_one(b, xb);
        ck_close(ya, yb, 1e-12, 1e-12);
        ct_backward(ct_sum(ya)), ct_backward(ct_sum(yb));
        ck_close(ct_tensor_grad(xa), ct_tensor_grad(xb), 1e-11, 1e-11);
        ct_module_free(a), ct_module_free(b);
    }
    ck_ok();
}
END_TEST

START_TEST(autocast_casts_as_for_the_modules_one_by_one) {
    ct_module *a = made(cnn, CT_F32), *b = made(cnn, CT_F32);
    ct_module_eval(a), ct_module_eval(b);
    for (int grad = 0; grad < 2; grad++) {
        ct_scope mode = grad ? ct_scope_begin() : ct_no_grad_begin(), cast = ct_autocast_begin(CT_BF16);
        ct_tensor *ya = ct_forward(a, image(CT_F32, false)), *yb = one_by_one(b, image(CT_F32, false));
        ck_assert_int_eq(ct_tensor_dtype(ya), CT_BF16);
        ck_close(ya, yb, 0, 0);
        ct_scope_end(cast);
        ct_scope_end(mode);
    }
    ck_ok();
    ct_module_free(a), ct_module_free(b);
}
END_TEST

/* ---- Who looks between ---- */

typedef struct seen {
    double least; /* the smallest element that came out of the module */
    int calls;
} seen;
static ct_status look(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)m, (void)in, (void)n_in, (void)n_out;
    seen *s = user;
    s->least = ct_item_f64(ct_min(ct_detach(out[0])));
    s->calls++;
    return ct_error_status();
}
static ct_status look_before(ct_module *m, ct_tensor **in, int n_in, void *user) {
    (void)m, (void)n_in;
    seen *s = user;
    s->least = ct_item_f64(ct_min(ct_detach(in[0])));
    s->calls++;
    return ct_error_status();
}
static ct_status look_back(ct_module *m, ct_tensor **gin, int n_in, ct_tensor *const *gout, int n_out, void *user) {
    (void)m, (void)gin, (void)n_in, (void)gout, (void)n_out;
    ((seen *)user)->calls++;
    return CT_OK;
}

START_TEST(hooks_see_what_passes_between_two_modules) {
    const maker nets[] = {conv_relu, conv_norm_relu_pool, conv_norm, overlapping_pool, cnn};
    for (size_t i = 0; i < CT__COUNT(nets); i++)
        for (int train = 0; train < 2; train++) {
            ct_module *a = made(nets[i], CT_F32), *b = made(nets[i], CT_F32);
            if (!train) ct_module_eval(a), ct_module_eval(b);
            ct_module *first = ct_module_child_at(a, 0, NULL), *second = ct_module_child_at(a, 1, NULL);
            seen out = {0}, in = {0}, back = {0};
            ct_module_register_forward_hook(first, look, &out, NULL, NULL, NULL);
            ct_module_register_forward_pre_hook(second, look_before, &in, NULL, NULL, NULL);
            ct_module_register_full_backward_hook(second, look_back, &back, NULL, NULL, NULL);
            ct_tensor *x = image(CT_F32, false), *y = ct_forward(a, x), *z = one_by_one(b, x);
            ck_close(y, z, 1e-5, 1e-5);
            double want = ct_item_f64(ct_min(ct_detach(ct_forward(ct_module_child_at(b, 0, NULL), x))));
            ck_assert(out.calls == 1 && in.calls == 1 && out.least == in.least);
            ck_assert(fabs(out.least - want) < 1e-5);
            if (ct_requires_grad(y)) {
                ct_backward(ct_sum(y));
                ck_assert_int_eq(back.calls, 1);
            }
            ct_module_free(a), ct_module_free(b);
        }
    ck_ok();
}
END_TEST

static ct_status shorten(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)m, (void)in, (void)n_in, (void)out, (void)n_out;
    ct_module_free(ct_nn_sequential_pop(user, -1));
    return ct_error_status();
}
START_TEST(a_hook_may_change_the_container_that_runs) {
    ct_module *net = ct_nn_sequential(ct_nn_identity(), ct_nn_relu(), ct_nn_linear(2, 1, NULL));
    ct_module_register_forward_hook(ct_module_child_at(net, 0, NULL), shorten, net, NULL, NULL, NULL);
    ck_values(ct_forward(net, test_f32((double[]){-1, 2}, CT_SHAPE(2))), 0, 2);
    ck_assert_int_eq(ct_module_num_children(net), 2);
    ct_module_free(net);
}
END_TEST

START_TEST(a_summary_lists_every_module) {
    ct_module *net = made(conv_norm_relu_pool, CT_F32);
    char text[4000];
    ck_assert_int_gt(ct_module_summary(net, CT_SHAPE(3, 2, 8, 8), text, sizeof text), 0);
    ck_ok();
    const char *names[] = {"Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "[3, 5, 6, 6]", "[3, 5, 3, 3]"};
    for (size_t i = 0; i < CT__COUNT(names); i++) ck_assert_msg(strstr(text, names[i]) != NULL, "%s is not in\n%s", names[i], text);
    ct_module_free(net);
}
END_TEST

/* ---- The public call ---- */

START_TEST(a_chain_is_what_a_sequential_of_the_modules_is) {
    ct_module *net = made(cnn, CT_F32), *list[16];
    for (int i = 0; i < 13; i++) list[i] = ct_module_child_at(net, i, NULL);
    ct_module_eval(net);
    ct_tensor *x = image(CT_F32, false), *y = ct_forward_chain(list, 13, x);
    ck_close(y, ct_forward(net, x), 0, 0);
    ck_close(ct_forward_chain(CT_MODULES(list[0], list[1]), x), ct_relu(ct_forward(list[0], x)), 1e-6, 1e-6);
    ck_close(ct_forward_chain(NULL, 0, x), x, 0, 0);
    ct_module_free(net);
}
END_TEST

START_TEST(one_module_may_stand_in_a_chain_twice) {
    ct_module *net = ct_nn_sequential(ct_nn_linear(3, 3, NULL), ct_nn_relu()), *lin = ct_module_child_at(net, 0, NULL), *act = ct_module_child_at(net, 1, NULL);
    ct_tensor *x = ct_randn(CT_SHAPE(4, 3), CT_F32, NULL), *w = ct_module_get_parameter(lin, "weight");
    ct_backward(ct_sum(ct_forward_chain(CT_MODULES(lin, act, lin, act), x)));
    ct_tensor *g = ct_clone(ct_tensor_grad(w));
    ct_module_zero_grad(net);
    ct_backward(ct_sum(ct_relu(ct_forward(lin, ct_relu(ct_forward(lin, x))))));
    ck_close(g, ct_tensor_grad(w), 1e-6, 1e-6);
    ct_module_free(net);
}
END_TEST

START_TEST(mistakes_are_errors) {
    ct_module *lin = ct_nn_linear(3, 2, NULL), *act = ct_nn_relu(), *norm = ct_nn_batch_norm2d(4, NULL), *conv = ct_nn_conv2d(2, 5, 3, NULL);
    ct_tensor *x = ct_ones(CT_SHAPE(4, 3), CT_F32), *image = ct_ones(CT_SHAPE(2, 2, 8, 8), CT_F32);
    ck_assert_ptr_null(ct_forward_chain(NULL, 2, x));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_forward_chain: 2 modules at NULL");
    ck_assert_ptr_null(ct_forward_chain(CT_MODULES(lin, NULL), x));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_forward_chain: module 1 is NULL");
    ck_assert_ptr_null(ct_forward_chain(CT_MODULES(lin), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_forward_chain: the input is NULL");
    ck_assert_ptr_null(ct_forward_chain(CT_MODULES(lin, act, lin, act), x));
    ck_error(CT_ERR_SHAPE, "cannot be multiplied: 2 != 3");
    for (int i = 0; i < 2; i++) { /* 5 filters before a norm of 4 features */
        ck_assert_ptr_null(ct_forward_chain(CT_MODULES(conv, norm, act), image));
        ck_error(CT_ERR_SHAPE, "BatchNorm2d of 4 features");
        ct_module_eval(norm);
        ct_module_set_requires_grad(conv, false), ct_module_set_requires_grad(norm, false);
    }
    ck_assert_ptr_null(ct_forward_chain(CT_MODULES(conv, act), ct_select(image, 0, 0)) ? NULL : act); /* [C, H, W] is fine */
    ct_module_free(lin), ct_module_free(act), ct_module_free(norm), ct_module_free(conv);
}
END_TEST

/* ---- Memory ---- */

START_TEST(a_fused_pair_makes_one_tensor) {
    const int64_t bytes = 4 * 16 * 62 * 62 * 4; /* of an output */
    ct_module *conv = ct_nn_conv2d(3, 16, 3, NULL), *norm = ct_nn_batch_norm2d(16, NULL), *act = ct_nn_relu();
    ct_tensor *x = ct_ones(CT_SHAPE(4, 3, 64, 64), CT_F32);
    int64_t before = ct_memory_get_stats().live_bytes;
    ct_tensor *y = ct_forward_chain(CT_MODULES(conv, act), x);
    ck_assert_int_lt(ct_memory_get_stats().live_bytes - before, bytes + bytes / 4);
    ck_assert_str_eq(ct_grad_fn_name(y), "Conv2dReluBackward");
    ct_scope_drop(y);
    ct_module_eval(norm);
    ct_scope scope = ct_no_grad_begin();
    ct_memory_reset_peak();
    ck_assert_ptr_nonnull(ct_forward_chain(CT_MODULES(conv, norm, act), x));
    ck_assert_int_lt(ct_memory_get_stats().peak_bytes - before, 2 * bytes);
    ct_scope_end(scope);
    ct_module_free(conv), ct_module_free(norm), ct_module_free(act);
}
END_TEST

/* A step of each net when the n-th allocation fails, for every n. */
static int sweep(maker make, bool train) {
    ct_module *net = made(make, CT_F32);
    if (!train) ct_module_eval(net);
    ct_tensor *x = image(CT_F32, false);
    int failures = 0;
    for (int64_t n = 1;; n++) {
        ct_scope scope = train ? ct_scope_begin() : ct_no_grad_begin();
        ct_module_zero_grad(net);
        ct_memory_fail_at(n);
        ct_tensor *y = ct_forward(net, x);
        if (train) ct_backward(ct_sum(y));
        ct_memory_fail_at(0);
        ct_status status = ct_error_status();
        ck_assert_msg(status == CT_OK || status == CT_ERR_OUT_OF_MEMORY, "allocation %lld: %s", (long long)n, ct_error_message());
        ct_error_clear();
        ct_scope_end(scope);
        if (status == CT_OK) break;
        failures++;
    }
    ct_module_free(net);
    return failures;
}
START_TEST(every_allocation_may_fail) {
    ck_assert_int_gt(sweep(cnn, true), 60);
    ck_assert_int_gt(sweep(cnn, false), 15);
    ck_assert_int_gt(sweep(reflected_conv_norm_relu, false), 5);
}
END_TEST

TEST_LIST = {
    TEST(outputs_gradients_and_buffers_are_those_of_the_modules_one_by_one),
    TEST(without_a_graph_results_are_the_same),
    TEST(frozen_parameters_do_not_record),
    TEST(nan_passes_and_so_does_its_gradient),
    TEST(autocast_casts_as_for_the_modules_one_by_one),
    TEST(hooks_see_what_passes_between_two_modules),
    TEST(a_hook_may_change_the_container_that_runs),
    TEST(a_summary_lists_every_module),
    TEST(a_chain_is_what_a_sequential_of_the_modules_is),
    TEST(one_module_may_stand_in_a_chain_twice),
    TEST(mistakes_are_errors),
    TEST(a_fused_pair_makes_one_tensor),
    TEST(every_allocation_may_fail),
};
TEST_MAIN("nn_chain")
