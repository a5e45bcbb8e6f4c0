#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/optim.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

#include "golden_optim.inc"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
static const double p0[5] = {0.5, -1.25, 2.0, 0.0, -0.75};

static ct_tensor *parameter(ct_dtype dtype) {
    ct_tensor *p = ct_to(test_f64(p0, CT_SHAPE(5)), dtype);
    ct_set_requires_grad(p, true);
    return p;
}

static void set_grad(ct_tensor *p, int step) {
    double g[5];
    for (int i = 0; i < 5; i++) g[i] = ((step * 7 + i * 3) % 11 - 5) / 4.0;
    ct_tensor_set_grad(p, ct_to(test_f64(g, CT_SHAPE(5)), ct_tensor_dtype(p)));
}

static ct_list *list_of(ct_tensor *p) {
    ct_list *l = ct_list_new();
    ct_list_append(l, p);
    return l;
}

/* The stored cases: six elements, a matrix for Muon. */
static ct_tensor *golden_parameter(size_t i, ct_dtype dtype) {
    const double values[6] = {0.5, -1.25, 2.0, 0.0, -0.75, 1.5};
    ct_tensor *p = ct_to(golden[i].kind == MUON ? test_f64(values, CT_SHAPE(3, 2)) : test_f64(values, CT_SHAPE(6)), dtype);
    ct_set_requires_grad(p, true);
    return p;
}

static void golden_step(ct_optim *o, ct_tensor *p, int step) {
    double g[6];
    for (int i = 0; i < 6; i++) g[i] = ((step * 7 + i * 3) % 11 - 5) / 4.0;
    ct_tensor_set_grad(p, ct_to(test_f64(g, ct_sizes(p), ct_ndim(p)), ct_tensor_dtype(p)));
    ct_optim_step(o);
    ck_ok();
}

static ct_optim *make_with(size_t i, ct_tensor *p, double lr) {
    ct_list *l = list_of(p);
    const void *o = golden[i].options;
    switch (golden[i].kind) {
    case SGD: return ct_optim_sgd(l, lr, o);
    case ADAM: return ct_optim_adam(l, lr, o);
    case ADAMW: return ct_optim_adamw(l, lr, o);
    case NADAM: return ct_optim_nadam(l, lr, o);
    case RADAM: return ct_optim_radam(l, lr, o);
    case ADAMAX: return ct_optim_adamax(l, lr, o);
    case ADAGRAD: return ct_optim_adagrad(l, lr, o);
    case ADADELTA: return ct_optim_adadelta(l, lr, o);
    case RMSPROP: return ct_optim_rmsprop(l, lr, o);
    case RPROP: return ct_optim_rprop(l, lr, o);
    case ASGD: return ct_optim_asgd(l, lr, o);
    case MUON: return ct_optim_muon(l, lr, o);
    default: return NULL;
    }
}

static ct_optim *make(size_t i, ct_tensor *p) { return make_with(i, p, golden[i].lr); }

/* The names of the state are PyTorch's, and the first element of each is. */
static void check_state(size_t i, const ct_optim *o, double tol) {
    ct_dict *all = ct_dict_get_dict(ct_optim_state_dict(o), "state");
    ct_dict *state = ct_dict_kind_of(all, "0") == CT_DICT_DICT ? ct_dict_get_dict(all, "0") : ct_dict_new();
    int64_t n = 0;
    for (; n < 5 && golden[i].state[n].name; n++) {
        const char *name = golden[i].state[n].name;
        double got, want = golden[i].state[n].value;
        ct_dict_kind kind = ct_dict_kind_of(state, name);
        ck_assert_msg(kind != CT_DICT_NONE, "%s: no %s in the state", golden[i].what, name);
        if (kind == CT_DICT_TENSOR) got = ct_item_f64(ct_select(ct_reshape(ct_dict_get(state, name), CT_SHAPE(-1)), 0, 0));
        else got = ct_dict_get_f64(state, name);
        ck_assert_msg(fabs(got - want) <= tol * fmax(1, fabs(want)), "%s, %s: %.17g, PyTorch's %.17g", golden[i].what, name, got, want);
    }
    ck_assert_msg(ct_dict_size(state) == n, "%s: %lld names in the state, PyTorch %lld", golden[i].what, (long long)ct_dict_size(state), (long long)n);
    ck_ok();
}

static void check_case(size_t i, ct_dtype dtype, double tol) {
    ct_tensor *p = golden_parameter(i, dtype);
    ct_optim *o = make(i, p);
    for (int s = 0; s < STEPS; s++) {
        golden_step(o, p, s);
        if (s != 0 && s != STEPS - 1) continue;
        double got[6];
        ct_copy_to(p, got, 6, CT_F64);
        const double *want = s == 0 ? golden[i].after_one : golden[i].after_all;
        for (int k = 0; k < 6; k++)
            ck_assert_msg(fabs(got[k] - want[k]) <= tol, "%s, %s, step %d: element %d is %.17g, PyTorch's %.17g", golden[i].what, ct_dtype_name(dtype), s + 1, k,
                          got[k], want[k]);
    }
    check_state(i, o, tol);
    ct_optim_free(o);
}

START_TEST(steps_equal_pytorchs_with_every_option) {
    for (size_t i = 0; i < COUNT(golden); i++) {
        bool half = golden[i].kind == MUON; /* which computes in bfloat16: a sum in another order may round another way */
        check_case(i, CT_F64, half ? 5e-3 : 1e-13);
        check_case(i, CT_F32, half ? 5e-3 : 2e-5);
    }
}
END_TEST

START_TEST(a_parameter_without_gradient_is_passed_over) {
    ct_tensor *a = parameter(CT_F64), *b = parameter(CT_F64);
    ct_list *l = list_of(a);
    ct_list_append(l, b);
    ct_optim *o = ct_optim_sgd(l, 1, NULL);
    set_grad(a, 0);
    ck_assert_int_eq(ct_optim_step(o), CT_OK);
    ck_values(b, 0.5, -1.25, 2.0, 0.0, -0.75);
    ck_values(a, 1.75, -0.75, 1.75, -1.0, 0.25); /* p - (i * 3 % 11 - 5) / 4 */
    ct_optim_free(o);
}
END_TEST

START_TEST(zero_grad_drops_gradients) {
    ct_tensor *a = parameter(CT_F32);
    ct_optim *o = ct_optim_sgd(list_of(a), 1, NULL);
    set_grad(a, 0);
    ck_assert_ptr_nonnull(ct_tensor_grad(a));
    ct_optim_zero_grad(o);
    ck_assert_ptr_null(ct_tensor_grad(a));
    ct_optim_free(o);
}
END_TEST

START_TEST(groups_have_numbers_of_their_own) {
    ct_tensor *a = parameter(CT_F64), *b = parameter(CT_F64);
    ct_optim *o = ct_optim_adamw(list_of(a), 0.1, NULL);
    ck_assert_int_eq(ct_optim_num_groups(o), 1);
    ck_assert_int_eq(ct_optim_add_param_group(o, list_of(b)), 1);
    ck_assert_int_eq(ct_optim_num_groups(o), 2);
    ck_assert_int_eq(ct_optim_set(o, 1, "weight_decay", 0), CT_OK);
    ck_assert_double_eq(ct_optim_get(o, 0, "weight_decay"), 0.01);
    ck_assert_double_eq(ct_optim_get(o, 1, "weight_decay"), 0);
    ct_optim_set(o, -1, "lr", 0.5);
    ck_assert_double_eq(ct_optim_get(o, 0, "lr"), 0.5);
    ck_assert_double_eq(ct_optim_get(o, 1, "lr"), 0.5);
    ck_assert_int_eq(ct_list_size(ct_optim_group_params(o, 1)), 1);
    ck_assert_double_eq(ct_optim_get(o, 0, "momentum"), 0);
    ck_error(CT_ERR_NOT_FOUND, "ct_optim_get: ct_optim_adamw has no number \"momentum\"");
    ct_optim_set(o, 0, "lr", NAN);
    ck_error(CT_ERR_INVALID_ARGUMENT, "lr is nan");
    ct_optim_set(o, 2, "lr", 1);
    ck_error(CT_ERR_INDEX, "group 2 of 2");
    ct_optim_free(o);
}
END_TEST

START_TEST(wrong_numbers_and_parameters_are_errors) {
    ct_tensor *a = parameter(CT_F32);
    ck_assert_ptr_null(ct_optim_sgd(list_of(a), -1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_optim_sgd: lr is -1");
    ck_assert_ptr_null(ct_optim_sgd(list_of(a), 1, &(ct_sgd_options){.nesterov = true}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "nesterov needs momentum");
    ck_assert_ptr_null(ct_optim_adam(list_of(a), 1, &(ct_adam_options){.beta1 = ct_some_f64(1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "beta1 is 1");
    ck_assert_ptr_null(ct_optim_adam(list_of(a), 1, &(ct_adam_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_optim_adam");
    ck_assert_ptr_null(ct_optim_sgd(NULL, 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "list of parameters is NULL");
    ck_assert_ptr_null(ct_optim_sgd(ct_list_new(), 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "list of parameters is empty");
    ct_list *twice = list_of(a);
    ct_list_append(twice, a);
    ck_assert_ptr_null(ct_optim_sgd(twice, 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "parameter 1 appears twice");
    ck_assert_ptr_null(ct_optim_sgd(list_of(ct_zeros(CT_SHAPE(2), CT_I64)), 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "parameter 0 is not of a floating point dtype");
    ck_assert_ptr_null(ct_optim_sgd(list_of(ct_mul_scalar(a, 2)), 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "parameter 0 is the result of an operation");
    ck_assert_ptr_null(ct_optim_muon(list_of(a), 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_optim_muon: parameter 0 is not a matrix");
    ck_assert_ptr_null(ct_optim_rprop(list_of(a), 1, &(ct_rprop_options){.etaminus = ct_some_f64(0)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "0 < etaminus < 1 < etaplus must hold, not 0 and 1.2");
    ck_assert_ptr_null(ct_optim_adadelta(list_of(a), 1, &(ct_adadelta_options){.rho = ct_some_f64(1.5)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "rho is 1.5");
    ck_assert_ptr_null(ct_optim_muon(list_of(a), 1, &(ct_muon_options){.adjust_lr = 7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "7 is not a way to adjust the learning rate");
}
END_TEST

/* Every optimizer, its constructor and ct_optim_set. */
START_TEST(a_learning_rate_is_a_number_from_0_on) {
    static const double bad[] = {NAN, -0.1, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(golden); i++) {
        if (golden[i].options) continue; /* one of each kind */
        ct_tensor *p = golden_parameter(i, CT_F32);
        ct_optim *o = make(i, p);
        for (size_t k = 0; k < COUNT(bad); k++) {
            ck_assert_ptr_null(make_with(i, p, bad[k]));
            ck_error(CT_ERR_INVALID_ARGUMENT, "lr is");
            ct_optim_set(o, 0, "lr", bad[k]);
            ck_error(CT_ERR_INVALID_ARGUMENT, "lr is");
            ck_assert_double_eq(ct_optim_get(o, 0, "lr"), golden[i].lr);
        }
        ct_optim_free(o);
    }
}
END_TEST

START_TEST(a_saved_and_loaded_optimizer_goes_on_with_the_same_bits) {
    for (size_t i = 0; i < COUNT(golden); i++) {
        ct_tensor *p = golden_parameter(i, CT_F32), *q = golden_parameter(i, CT_F32);
        ct_optim *o = make(i, p), *fresh = make(i, q);
        for (int s = 0; s < 3; s++) golden_step(o, p, s);
        ct_scope no_grad = ct_no_grad_begin();
        ct_copy_(q, p);
        ct_scope_end(no_grad);
        ck_assert_int_eq(ct_optim_load_state_dict(fresh, ct_optim_state_dict(o)), CT_OK);
        for (int s = 3; s < 6; s++) {
            golden_step(o, p, s);
            golden_step(fresh, q, s);
        }
        ck_assert_msg(!memcmp(ct_data(p), ct_data(q), 24), "%s", golden[i].what);
        ct_optim_free(o);
        ct_optim_free(fresh);
        ck_ok();
    }
}
END_TEST

START_TEST(loading_a_state_that_does_not_fit_changes_nothing) {
    ct_tensor *p = parameter(CT_F32), *q = ct_zeros(CT_SHAPE(3), CT_F32);
    ct_set_requires_grad(q, true);
    ct_optim *o = ct_optim_adam(list_of(p), 0.1, NULL), *other = ct_optim_adam(list_of(q), 0.2, NULL);
    set_grad(p, 0);
    ct_optim_step(o);
    ck_assert_int_eq(ct_optim_load_state_dict(other, ct_optim_state_dict(o)), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "\"exp_avg\" of parameter 0 is [5], the parameter [3]");
    ck_assert_double_eq(ct_optim_get(other, 0, "lr"), 0.2);
    ct_optim_load_state_dict(o, ct_dict_new());
    ck_error(CT_ERR_NOT_FOUND, "state");
    ct_optim_free(o);
    ct_optim_free(other);
}
END_TEST

START_TEST(a_step_with_a_wrong_gradient_changes_no_parameter) {
    ct_tensor *a = parameter(CT_F32), *b = parameter(CT_F32);
    ct_list *l = list_of(a);
    ct_list_append(l, b);
    ct_optim *o = ct_optim_sgd(l, 1, &(ct_sgd_options){.momentum = 0.9});
    set_grad(a, 1);
    set_grad(b, 1);
    int64_t requests = ct_memory_get_stats().requests;
    ct_optim_step(o);
    requests = ct_memory_get_stats().requests - requests;
    ct_tensor *before = ct_clone(ct_detach(a));
    for (int64_t n = 1; n <= requests; n++) { /* the n-th allocation of a step fails */
        ct_optim *fresh = ct_optim_sgd(l, 1, &(ct_sgd_options){.momentum = 0.9});
        ct_memory_fail_at(n);
        ct_status status = ct_optim_step(fresh);
        ct_memory_fail_at(0);
        ck_assert_int_eq(status, CT_ERR_OUT_OF_MEMORY);
        ct_error_clear();
        ck_assert_int_eq(ct_dict_size(ct_dict_get_dict(ct_optim_state_dict(fresh), "state")), 0);
        ck_assert(!memcmp(ct_data(a), ct_data(before), 20));
        ct_optim_free(fresh);
    }
    ct_optim_free(o);
}
END_TEST

START_TEST(a_retained_optimizer_outlives_one_free) {
    ct_tensor *p = test_f32((const double[]){1}, NULL, 0);
    ct_set_requires_grad(p, true);
    ct_optim *o = ct_optim_sgd(list_of(p), 0.5, NULL), *same = ct_optim_retain(o);
    ck_assert_ptr_eq(o, same);
    ct_optim_free(o);
    ct_backward(ct_mul_scalar(p, 3));
    ck_assert_int_eq(ct_optim_step(same), CT_OK);
    ck_values(p, -0.5);
    ct_optim_free(same);
    ck_assert_ptr_null(ct_optim_retain(NULL));
}
END_TEST

/* One gradient, then none: the moments fall until they are denormal. weight: its value after n steps, in f64 where nothing is flushed. */
static double adam_by_hand(double weight, double grad, double eps, int n) {
    double m = 0, v = 0;
    for (int t = 1; t <= n; t++) {
        double g = t == 1 ? grad : 0;
        m += 0.1 * (g - m);
        v = 0.999 * v + 0.001 * g * g;
        weight -= 0.01 / (1 - pow(0.9, t)) * m / (sqrt(v) / sqrt(1 - pow(0.999, t)) + eps);
    }
    return weight;
}

START_TEST(moments_too_small_for_a_float_leave_weights_alone) {
    const double grads[] = {1, 1e-5, 1e-10, 1e-18, 3e-20, 1e-22, 1e-30, 1e-38, 1e-40}, eps[] = {1e-8, 1e-10};
    for (int e = 0; e < 2; e++) {
        ct_tensor *w = test_f32((const double[9]){0, 0, 0, 0, 0, 0, 0, 0, 0}, CT_SHAPE(9)), *none = ct_zeros(CT_SHAPE(9), CT_F32);
        ct_set_requires_grad(w, true);
        ct_optim *opt = ct_optim_adam(list_of(w), 0.01, &(ct_adam_options){.eps = ct_some_f64(eps[e])});
        for (int t = 0; t < 1500; t++) {
            ct_tensor_set_grad(w, t ? none : test_f32(grads, CT_SHAPE(9)));
            ck_assert_int_eq(ct_optim_step(opt), CT_OK);
        }
        for (int i = 0; i < 9; i++) {
            double want = adam_by_hand(0, grads[i], eps[e], 1500), got = (double)ct_data_f32(w)[i];
            ck_assert_msg(fabs(got - want) <= 2e-5 * fabs(want) + 1500 * 0.02 / eps[e] * 1.2e-37, "gradient %g: the weight is %g, want %g", grads[i], got, want);
        }
        ct_optim_free(opt);
    }
    ck_ok();
}
END_TEST

/* PyTorch's numbers after three steps. It rounds within a step as well; the step here is computed in float32 and rounded at its end. */
START_TEST(parameters_of_half_types_are_stepped_in_float32) {
    static const struct { ct_dtype dtype; double adam[3], exp_avg[3], sgd[3], tolerance; } want[] = {
        {CT_F16, {0.70751953125, 2.291015625, 2.708984375}, {0.056060791015625, -0.11212158203125, 0.1683349609375}, {0.8994140625, 2.1796875, 2.69921875}, 2e-3},
        {CT_BF16, {0.703125, 2.28125, 2.71875}, {0.05615234375, -0.1123046875, 0.1689453125}, {0.8984375, 2.171875, 2.703125}, 1.6e-2}};
    for (int h = 0; h < 2; h++)
        for (int adam = 0; adam < 2; adam++) {
            ct_tensor *p = ct_to(ct_from_data((double[]){1, 2, 3}, CT_SHAPE(3), CT_F64), want[h].dtype);
            ct_tensor *g = ct_to(ct_from_data((double[]){0.1, -0.2, 0.3}, CT_SHAPE(3), CT_F64), want[h].dtype);
            ct_set_requires_grad(p, true);
            ct_optim *o = adam ? ct_optim_adam(list_of(p), 0.1, NULL)
                               : ct_optim_sgd(list_of(p), 0.1, &(ct_sgd_options){.momentum = 0.9, .weight_decay = 0.01});
            int64_t version = ct_version_of(p);
            for (int i = 1; i <= 3; i++) {
                ct_tensor_set_grad(p, ct_mul_scalar(g, i));
                ck_assert_int_eq(ct_optim_step(o), CT_OK);
            }
            ck_assert_int_eq(ct_version_of(p), version + 3);
            ck_assert_int_eq(ct_tensor_dtype(p), want[h].dtype);
            const double *all = adam ? want[h].adam : want[h].sgd;
            for (int i = 0; i < 3; i++) {
                double got = ct_item_f64(ct_select(p, 0, i));
                ck_assert_msg(fabs(got - all[i]) <= want[h].tolerance * all[i], "%s: element %d is %g, want %g", ct_dtype_name(want[h].dtype), i, got, all[i]);
            }
            if (adam) {
                ct_dict *state = ct_dict_get_dict(ct_dict_get_dict(ct_optim_state_dict(o), "state"), "0");
                ct_tensor *average = ct_dict_get(state, "exp_avg");
                ck_assert_int_eq(ct_tensor_dtype(average), want[h].dtype);
                for (int i = 0; i < 3; i++)
                    ck_assert(fabs(ct_item_f64(ct_select(average, 0, i)) - want[h].exp_avg[i]) <= want[h].tolerance * fabs(want[h].exp_avg[i]));
            }
            ct_optim_free(o);
        }
}
END_TEST

TEST_LIST = {TEST(a_learning_rate_is_a_number_from_0_on), TEST(parameters_of_half_types_are_stepped_in_float32), TEST(moments_too_small_for_a_float_leave_weights_alone), TEST(a_retained_optimizer_outlives_one_free), TEST(steps_equal_pytorchs_with_every_option), TEST(a_parameter_without_gradient_is_passed_over), TEST(zero_grad_drops_gradients),
             TEST(groups_have_numbers_of_their_own), TEST(wrong_numbers_and_parameters_are_errors),
             TEST(a_saved_and_loaded_optimizer_goes_on_with_the_same_bits), TEST(loading_a_state_that_does_not_fit_changes_nothing),
             TEST(a_step_with_a_wrong_gradient_changes_no_parameter)};
TEST_MAIN("optim")
