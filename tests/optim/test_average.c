/*
 * test_average.c: EMA and SWA against PyTorch's AveragedModel.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

#include "golden_average.inc"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct net {
    ct_tensor *w, *mean, *count;
    ct_dict *params, *buffers;
} net;

static net make_net(ct_dtype dtype) {
    net n = {.w = ct_zeros(CT_SHAPE(4), dtype), .mean = ct_zeros(CT_SHAPE(2), dtype), .count = ct_zeros(NULL, 0, CT_I64), .params = ct_dict_new(), .buffers = ct_dict_new()};
    ct_set_requires_grad(n.w, true);
    ct_dict_set(n.params, "w", n.w);
    ct_dict_set(n.buffers, "mean", n.mean);
    ct_dict_set(n.buffers, "count", n.count);
    return n;
}

static double value(int step, int i) { return ((step * 7 + i * 3) % 11 - 5) / 4.0; }

static void set(net *n, int step) {
    double v[6];
    for (int i = 0; i < 6; i++) v[i] = value(step, i);
    ct_scope scope = ct_no_grad_begin();
    ct_copy_(n->w, test_f64(v, CT_SHAPE(4)));
    ct_copy_(n->mean, test_f64(v + 4, CT_SHAPE(2)));
    ct_fill_(n->count, step * 3);
    ct_scope_end(scope);
}

static void read(const ct_optim_average *a, double out[7]) {
    ct_dict *d = ct_optim_average_tensors(a);
    ct_copy_to(ct_dict_get(d, "w"), out, 4, CT_F64);
    ct_copy_to(ct_dict_get(d, "mean"), out + 4, 2, CT_F64);
    ct_copy_to(ct_dict_get(d, "count"), out + 6, 1, CT_F64);
}

static ct_optim_average *make(const net *n, bool ema, bool use_buffers) {
    const ct_optim_average_options o = {.buffers = n->buffers, .use_buffers = use_buffers};
    return ema ? ct_optim_average_ema(n->params, 0.75, &o) : ct_optim_average_swa(n->params, &o);
}

START_TEST(averages_equal_pytorchs) {
    for (size_t i = 0; i < COUNT(golden); i++) {
        net n = make_net(golden[i].dtype);
        ct_optim_average *a = make(&n, golden[i].ema, golden[i].use_buffers);
        double tol = golden[i].dtype == CT_F64 ? 1e-15 : golden[i].dtype == CT_F32 ? 2e-7 : 8e-3;
        if (!golden[i].ema && golden[i].use_buffers) tol = fmax(tol, 1e-7); /* made with avg_fn, which does not divide in f32; multi_avg_fn refuses integers */
        for (int s = 0; s < STEPS; s++) {
            double got[7];
            set(&n, s);
            ck_assert_int_eq(ct_optim_average_update(a), CT_OK);
            read(a, got);
            for (int k = 0; k < 7; k++)
                ck_assert_msg(fabs(got[k] - golden[i].after[s][k]) <= tol, "%s, %s, use_buffers %d, update %d: element %d is %.17g, PyTorch's %.17g",
                              ct_dtype_name(golden[i].dtype), golden[i].ema ? "ema" : "swa", golden[i].use_buffers, s + 1, k, got[k], golden[i].after[s][k]);
        }
        ck_assert_int_eq(ct_optim_average_count(a), STEPS);
        ct_optim_average_free(a);
    }
}
END_TEST

START_TEST(a_new_average_has_the_values_of_the_module) {
    net n = make_net(CT_F32);
    set(&n, 2);
    ct_optim_average *a = make(&n, true, false), *same = ct_optim_average_retain(a);
    double got[7];
    ct_optim_average_free(a);
    set(&n, 3);
    read(same, got);
    for (int i = 0; i < 6; i++) ck_assert_double_eq(got[i], value(2, i));
    ck_assert_int_eq(ct_optim_average_count(same), 0);
    ck_assert_int_eq(ct_optim_average_count(NULL), 0);
    ck_assert_ptr_null(ct_optim_average_retain(NULL));
    ct_optim_average_free(same);
    ct_optim_average_free(NULL);
}
END_TEST

START_TEST(a_swap_exchanges_the_values_and_a_second_one_goes_back) {
    net n = make_net(CT_F32);
    ct_optim_average *a = make(&n, true, false);
    for (int s = 0; s < 2; s++) {
        set(&n, s);
        ct_optim_average_update(a);
    }
    double averaged[7], w[4];
    read(a, averaged);
    int64_t version = ct_version_of(n.w);
    ck_assert_int_eq(ct_optim_average_swap(a), CT_OK);
    ck_assert(ct_optim_average_is_swapped(a));
    ck_assert_int_gt(ct_version_of(n.w), version); /* what a graph saved of it is known to have changed */
    ct_copy_to(n.w, w, 4, CT_F64);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(w[i], averaged[i]);
    ct_optim_average_update(a);
    ck_error(CT_ERR_STATE, "ct_optim_average_update: the module has the averaged values");
    ck_assert_ptr_null(ct_optim_average_state_dict(a));
    ck_error(CT_ERR_STATE, "ct_optim_average_state_dict");
    ct_optim_average_load_state_dict(a, ct_dict_new());
    ck_error(CT_ERR_STATE, "ct_optim_average_load_state_dict");
    ck_assert_int_eq(ct_optim_average_swap(a), CT_OK);
    ck_assert(!ct_optim_average_is_swapped(a));
    ct_copy_to(n.w, w, 4, CT_F64);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(w[i], value(1, i));
    ct_optim_average_free(a);
}
END_TEST

START_TEST(a_saved_and_loaded_average_goes_on_with_the_same_bits) {
    for (int ema = 0; ema < 2; ema++) {
        net n = make_net(CT_F32);
        ct_optim_average *a = make(&n, ema, true), *b = make(&n, ema, true);
        for (int s = 0; s < 4; s++) {
            set(&n, s);
            if (s == 2) ck_assert_int_eq(ct_optim_average_load_state_dict(b, ct_optim_average_state_dict(a)), CT_OK);
            ct_optim_average_update(a);
            if (s >= 2) ct_optim_average_update(b);
        }
        double x[7], y[7];
        read(a, x);
        read(b, y);
        ck_assert(!memcmp(x, y, sizeof x));
        ct_optim_average_free(a);
        ct_optim_average_free(b);
    }
}
END_TEST

START_TEST(a_state_that_does_not_fit_changes_nothing) {
    net n = make_net(CT_F32), other = make_net(CT_F64);
    ct_optim_average *a = make(&n, true, false), *b = make(&other, true, false);
    set(&other, 1);
    ct_optim_average_update(b);
    ct_optim_average_load_state_dict(a, ct_optim_average_state_dict(b));
    ck_error(CT_ERR_SHAPE, "\"w\" is float64 [4], it should be float32 [4]");
    ct_dict *d = ct_optim_average_state_dict(a);
    ct_dict_set_i64(d, "n_averaged", -1);
    ct_optim_average_load_state_dict(a, d);
    ck_error(CT_ERR_INVALID_ARGUMENT, "n_averaged is -1");
    ct_dict_set_i64(d, "n_averaged", 1);
    ct_dict_remove(ct_dict_get_dict(d, "module"), "mean");
    ct_optim_average_load_state_dict(a, d);
    ck_error(CT_ERR_SHAPE, "2 tensors in the dict, 3 in the average");
    ct_optim_average_load_state_dict(a, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state dict is NULL");
    ck_assert_int_eq(ct_optim_average_count(a), 0);
    ct_optim_average_free(a);
    ct_optim_average_free(b);
}
END_TEST

START_TEST(wrong_arguments_are_errors) {
    net n = make_net(CT_F32);
    static const double bad[] = {-0.1, 1.1, NAN};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_ptr_null(ct_optim_average_ema(n.params, bad[i], NULL));
        ck_error(CT_ERR_INVALID_ARGUMENT, "ct_optim_average_ema: decay is");
    }
    ck_assert_ptr_null(ct_optim_average_swa(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the dict of parameters is NULL");
    ck_assert_ptr_null(ct_optim_average_swa(ct_dict_new(), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the dict of parameters is empty");
    ck_assert_ptr_null(ct_optim_average_swa(n.params, &(ct_optim_average_options){.use_buffers = true}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "use_buffers needs the buffers");
    ck_assert_ptr_null(ct_optim_average_swa(n.params, &(ct_optim_average_options){.buffers = n.params}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"w\" is a parameter and a buffer");
    ct_dict *sparse = ct_dict_new();
    ct_dict_set(sparse, "half", ct_slice(ct_zeros(CT_SHAPE(6), CT_F32), 0, 0, 6, 2));
    ck_assert_ptr_null(ct_optim_average_swa(sparse, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"half\" is not dense in memory");
    ct_optim_average_update(NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_optim_average_update: the average is NULL");
}
END_TEST

START_TEST(a_module_of_another_dtype_since_is_an_error) {
    ct_module *m = ct_nn_linear(2, 2, NULL);
    ct_optim_average *a = ct_optim_average_ema(ct_named_parameters(m), 0.9, NULL);
    ct_module_to(m, CT_F64);
    ct_optim_average_update(a);
    ck_error(CT_ERR_STATE, "\"weight\" has changed its dtype");
    ct_optim_average_swap(a);
    ck_error(CT_ERR_STATE, "\"weight\" has changed its dtype");
    ck_assert(!ct_optim_average_is_swapped(a));
    ct_optim_average_free(a);
    ct_module_free(m);
}
END_TEST

/* Any allocation of an update, of a swap or of a load may fail: nothing changes. The tensors are large enough to be split among threads. */
START_TEST(any_allocation_may_fail) {
    ct_dict *params = ct_dict_new(), *buffers = ct_dict_new();
    ct_tensor *w = ct_rand(CT_SHAPE(300, 400), CT_F32, NULL), *h = ct_rand(CT_SHAPE(400, 100), CT_BF16, NULL), *c = ct_ones(CT_SHAPE(3), CT_I64);
    ct_dict_set(params, "w", w);
    ct_dict_set(params, "h", ct_t(h)); /* dense in another order */
    ct_dict_set(buffers, "c", c);
    ct_optim_average *a = ct_optim_average_swa(params, &(ct_optim_average_options){.buffers = buffers, .use_buffers = true});
    ct_optim_average_update(a);
    ct_dict *state = ct_optim_average_state_dict(a), *now = ct_optim_average_tensors(a);
    ct_mul_scalar_(w, 2);
    ct_mul_scalar_(h, 2);
    ct_tensor *w0 = ct_clone(w), *a0 = ct_clone(ct_dict_get(now, "w")), *h0 = ct_clone(ct_dict_get(now, "h"));
    for (int what = 0; what < 3; what++) {
        int64_t n = 1;
        for (;; n++) {
            ct_memory_fail_at(n);
            ct_status status = what == 0 ? ct_optim_average_load_state_dict(a, state) : what == 1 ? ct_optim_average_swap(a) : ct_optim_average_update(a);
            ct_memory_fail_at(0);
            if (status == CT_OK) break;
            ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
            ck_assert(ct_equal(w, w0) && ct_equal(ct_dict_get(now, "w"), a0) && ct_equal(ct_dict_get(now, "h"), h0) && !ct_optim_average_is_swapped(a));
            ck_assert_int_eq(ct_optim_average_count(a), 1);
        }
        ck_assert_int_gt(n, 1);
        if (what == 1) ct_optim_average_swap(a);
        now = ct_optim_average_tensors(a);
    }
    ck_close(ct_dict_get(now, "w"), ct_mul_scalar(w0, 0.75), 1e-6, 1e-6);
    ct_optim_average_free(a);
}
END_TEST

TEST_LIST = {TEST(averages_equal_pytorchs), TEST(a_new_average_has_the_values_of_the_module), TEST(a_swap_exchanges_the_values_and_a_second_one_goes_back),
             TEST(a_saved_and_loaded_average_goes_on_with_the_same_bits), TEST(a_state_that_does_not_fit_changes_nothing), TEST(wrong_arguments_are_errors),
             TEST(a_module_of_another_dtype_since_is_an_error), TEST(any_allocation_may_fail)};
TEST_MAIN("average")
