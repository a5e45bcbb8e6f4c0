#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/lr_scheduler.h>
#include <ctorch/ops_create.h>
#include <math.h>
#include <string.h>

static double factor(int64_t epoch, int64_t group, void *user) {
    (void)group, (void)user;
    return epoch % 2 ? pow(0.9, (double)epoch) : 1;
}
static ct_lr_scheduler *sequence(ct_optim *o, ct_lr_scheduler *a, ct_lr_scheduler *b, int64_t milestone) {
    return ct_lr_sequential(o, (ct_lr_scheduler *[]){a, b}, 2, &milestone);
}
static ct_lr_scheduler *chain(ct_lr_scheduler *a, ct_lr_scheduler *b) { return ct_lr_chained((ct_lr_scheduler *[]){a, b}, 2); }

#include "golden_lr.inc"

static ct_optim *optimizer(void) {
    ct_tensor *p = ct_zeros(CT_SHAPE(1), CT_F32);
    ct_set_requires_grad(p, true);
    ct_list *l = ct_list_new();
    ct_list_append(l, p);
    return ct_optim_sgd(l, 0.1, &(ct_sgd_options){.momentum = 0.9});
}

static ct_status step(ct_lr_scheduler *s, const char *what, int e) {
    return strstr(what, "plateau") ? ct_lr_scheduler_step_metric(s, metrics[e]) : ct_lr_scheduler_step(s);
}

static void check(const char *what, int e, const char *name, double got, double want) {
    ck_assert_msg(fabs(got - want) <= 1e-14, "%s, step %d: %s is %.17g, PyTorch's %.17g", what, e, name, got, want);
}

START_TEST(schedules_equal_pytorchs_with_every_option) {
    for (int i = 0; i < CASES; i++) {
        const char *what;
        double lr[21], momentum[21];
        ct_optim *o = optimizer();
        ct_lr_scheduler *s = make_case(i, o, &what, lr, momentum);
        ck_ok();
        for (int e = 0; e <= 20; e++) {
            check(what, e, "lr", ct_optim_get(o, 0, "lr"), lr[e]);
            check(what, e, "momentum", ct_optim_get(o, 0, "momentum"), momentum[e]);
            check(what, e, "last_lr", ct_lr_scheduler_last_lr(s, 0), lr[e]);
            ck_assert_int_eq(ct_lr_scheduler_last_epoch(s), e);
            if (e < 20) step(s, what, e);
            ck_ok();
        }
        ct_lr_scheduler_free(s);
        ct_optim_free(o);
    }
}
END_TEST

START_TEST(a_saved_and_loaded_schedule_goes_on_with_the_same_bits) {
    for (int i = 0; i < CASES; i++) {
        const char *what;
        double lr[21], momentum[21];
        ct_optim *o = optimizer(), *o2 = optimizer();
        ct_lr_scheduler *s = make_case(i, o, &what, lr, momentum), *fresh = make_case(i, o2, &what, lr, momentum);
        for (int e = 0; e < 7; e++) step(s, what, e);
        ct_optim_load_state_dict(o2, ct_optim_state_dict(o));
        ck_assert_int_eq(ct_lr_scheduler_load_state_dict(fresh, ct_lr_scheduler_state_dict(s)), CT_OK);
        for (int e = 7; e < 20; e++) {
            step(s, what, e);
            step(fresh, what, e);
            ck_assert_msg(ct_optim_get(o, 0, "lr") == ct_optim_get(o2, 0, "lr"), "%s, step %d", what, e);
        }
        ck_ok();
        ct_lr_scheduler_free(s);
        ct_lr_scheduler_free(fresh);
        ct_optim_free(o);
        ct_optim_free(o2);
    }
}
END_TEST

START_TEST(every_group_has_its_own_base) {
    ct_optim *o = optimizer();
    ct_tensor *p = ct_zeros(CT_SHAPE(1), CT_F32);
    ct_set_requires_grad(p, true);
    ct_list *l = ct_list_new();
    ct_list_append(l, p);
    ct_optim_add_param_group(o, l);
    ct_optim_set(o, 1, "lr", 10);
    ct_lr_scheduler *s = ct_lr_exponential(o, 0.5);
    ct_lr_scheduler_step(s);
    ck_assert_double_eq(ct_lr_scheduler_last_lr(s, 0), 0.05);
    ck_assert_double_eq(ct_lr_scheduler_last_lr(s, 1), 5);
    ct_lr_scheduler_last_lr(s, 2);
    ck_error(CT_ERR_INDEX, "group 2 of 2");
    ct_list *more = ct_list_new();
    ct_tensor *q = ct_zeros(CT_SHAPE(1), CT_F32);
    ct_set_requires_grad(q, true);
    ct_list_append(more, q);
    ct_optim_add_param_group(o, more);
    ct_lr_scheduler_step(s);
    ck_error(CT_ERR_STATE, "the optimizer has 3 groups now, 2 when the schedule was made");
    ck_assert_double_eq(ct_optim_get(o, 1, "lr"), 5);
    ct_optim_free(o);
    ct_lr_scheduler_free(s); /* the order of frees does not matter */
}
END_TEST

START_TEST(wrong_arguments_are_errors_that_name_them) {
    ct_optim *o = optimizer();
    ck_assert_ptr_null(ct_lr_step(NULL, 3, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lr_step: the optimizer is NULL");
    ck_assert_ptr_null(ct_lr_step(o, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lr_step: step_size is 0");
    ck_assert_ptr_null(ct_lr_linear(o, &(ct_lr_linear_options){.start_factor = ct_some_f64(0)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "start_factor is 0");
    ck_assert_ptr_null(ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.factor = ct_some_f64(1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "factor 1 must be");
    ck_assert_ptr_null(ct_lr_cyclic(o, 0.1, 0.2, &(ct_lr_cyclic_options){.mode = 9}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "9 is not a mode");
    ck_assert_ptr_null(ct_lr_one_cycle(o, 0.1, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "total_steps 0");
    ck_assert_ptr_null(ct_lr_lambda(o, NULL, NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the function is NULL");
    ck_assert_ptr_null(ct_lr_step(o, 1, &(ct_lr_step_options){.reserved = {0, 1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_lr_step");
    ck_assert_ptr_null(sequence(o, ct_lr_constant(o, NULL), ct_lr_reduce_on_plateau(o, NULL), 3));
    ck_error(CT_ERR_INVALID_ARGUMENT, "schedule 1 (ct_lr_reduce_on_plateau) watches a metric");
    ck_assert_ptr_null(sequence(o, ct_lr_constant(o, NULL), ct_lr_constant(o, NULL), 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "milestone 0 is 0");
    ck_assert_ptr_null(chain(NULL, ct_lr_exponential(o, 0.5)));
    ck_error(CT_ERR_INVALID_ARGUMENT, "schedule 0 is NULL");
    ct_lr_scheduler *s = ct_lr_exponential(o, -1);
    ct_lr_scheduler_step(s);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the learning rate of group 0 would become -");
    ck_assert_int_eq(ct_lr_scheduler_last_epoch(s), 0);
    ct_lr_scheduler_step_metric(s, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "takes no metric");
    ct_lr_scheduler_load_state_dict(s, ct_dict_new());
    ck_error(CT_ERR_NOT_FOUND, "last_epoch");
    ct_lr_scheduler *same = ct_lr_scheduler_retain(s);
    ct_lr_scheduler_free(s);
    ck_assert_double_gt(ct_lr_scheduler_last_lr(same, 0), 0);
    ct_lr_scheduler_free(same);
    ct_lr_scheduler_free(NULL);
    ck_assert_int_eq(ct_lr_scheduler_last_epoch(NULL), -1);
    ct_optim_free(o);
}
END_TEST

/* NaN anywhere in what a learning rate is made of: an error when the schedule is made. */
START_TEST(no_schedule_takes_nan) {
    ct_optim *o = optimizer();
    const ct_opt_f64 nan = ct_some_f64(NAN);
    ct_lr_scheduler *made[] = {
        ct_lr_step(o, 3, &(ct_lr_step_options){.gamma = nan}), (ct_error_clear(), ct_lr_multi_step(o, NULL, 0, &(ct_lr_step_options){.gamma = nan})),
        (ct_error_clear(), ct_lr_exponential(o, NAN)), (ct_error_clear(), ct_lr_constant(o, &(ct_lr_constant_options){.factor = nan})),
        (ct_error_clear(), ct_lr_linear(o, &(ct_lr_linear_options){.start_factor = nan})), (ct_error_clear(), ct_lr_linear(o, &(ct_lr_linear_options){.end_factor = nan})),
        (ct_error_clear(), ct_lr_polynomial(o, &(ct_lr_polynomial_options){.power = nan})),
        (ct_error_clear(), ct_lr_cosine_annealing(o, 5, &(ct_lr_cosine_options){.eta_min = NAN})),
        (ct_error_clear(), ct_lr_cosine_annealing_warm_restarts(o, 5, &(ct_lr_warm_restarts_options){.eta_min = NAN})),
        (ct_error_clear(), ct_lr_cyclic(o, NAN, 0.2, NULL)), (ct_error_clear(), ct_lr_cyclic(o, 0.1, NAN, NULL)), (ct_error_clear(), ct_lr_one_cycle(o, NAN, 5, NULL)),
        (ct_error_clear(), ct_lr_swa(o, NAN, NULL)), (ct_error_clear(), ct_lr_swa(o, -1, NULL)),
        (ct_error_clear(), ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.factor = nan})),
        (ct_error_clear(), ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.min_lr = NAN}))};
    ck_error(CT_ERR_INVALID_ARGUMENT, "min_lr nan");
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) ck_assert_msg(!made[i], "schedule %d was made", (int)i);
    ck_assert_double_eq(ct_optim_get(o, 0, "lr"), 0.1);
    ct_optim_free(o);
}
END_TEST

START_TEST(a_momentum_is_cycled_by_the_optimizers_name_of_it) {
    ct_tensor *p = ct_zeros(CT_SHAPE(1), CT_F32);
    ct_set_requires_grad(p, true);
    ct_list *l = ct_list_new();
    ct_list_append(l, p);
    ct_optim *adam = ct_optim_adam(l, 0.1, NULL), *adagrad = ct_optim_adagrad(l, 0.1, NULL);
    ct_lr_scheduler *s = ct_lr_one_cycle(adam, 0.5, 10, NULL);
    ck_assert_double_eq(ct_optim_get(adam, 0, "beta1"), 0.95);
    ck_assert_ptr_null(ct_lr_one_cycle(adagrad, 0.5, 10, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the optimizer has no momentum to cycle");
    for (int i = 0; i < 10; i++) ct_lr_scheduler_step(s);
    ck_ok();
    ct_lr_scheduler_step(s);
    ck_error(CT_ERR_STATE, "ct_lr_one_cycle: step 11 of 10");
    ct_lr_scheduler_free(s);
    ct_optim_free(adam);
    ct_optim_free(adagrad);
}
END_TEST

START_TEST(making_and_loading_survive_every_failed_allocation) {
    ct_optim *o = optimizer();
    int failures = 0;
    for (int64_t n = 1;; n++) {
        ct_optim_set(o, 0, "lr", 0.1);
        ct_memory_fail_at(n);
        ct_lr_scheduler *s = sequence(o, ct_lr_constant(o, NULL), ct_lr_exponential(o, 0.5), 3);
        ct_lr_scheduler_load_state_dict(s, ct_lr_scheduler_state_dict(s));
        ct_memory_fail_at(0);
        ct_lr_scheduler_free(s);
        ct_status status = ct_error_status();
        ck_assert(status == CT_OK || status == CT_ERR_OUT_OF_MEMORY);
        ct_error_clear();
        if (status == CT_OK) break;
        failures++;
    }
    ck_assert_int_gt(failures, 8);
    ct_optim_free(o);
}
END_TEST

TEST_LIST = {TEST(no_schedule_takes_nan), TEST(schedules_equal_pytorchs_with_every_option), TEST(a_saved_and_loaded_schedule_goes_on_with_the_same_bits), TEST(every_group_has_its_own_base),
             TEST(wrong_arguments_are_errors_that_name_them), TEST(a_momentum_is_cycled_by_the_optimizers_name_of_it),
             TEST(making_and_loading_survive_every_failed_allocation)};
TEST_MAIN("lr_scheduler")
