/*
 * optim_adagrad.c: Adagrad, Adadelta and RMSprop: steps divided by the root of squared gradients, summed or averaged.
 */
#include "optim/optim_rule.h"

#include <math.h>

/* ---- Adagrad ---- */

enum { LR, WEIGHT_DECAY, MAXIMIZE, EPS };
#define COMMON_NUMBERS {"lr", 0, INFINITY, false}, {"weight_decay", 0, INFINITY, false}, {"maximize", 0, 2, true}, {"eps", 0, INFINITY, false}
#define DECAY(n) {.lr = (n)[LR], .weight_decay = (n)[WEIGHT_DECAY], .maximize = (n)[MAXIMIZE] != 0}

enum { LR_DECAY = EPS + 1, INITIAL_ACCUMULATOR_VALUE };

static double adagrad_initial(const double *n, int k) { return (void)k, n[INITIAL_ACCUMULATOR_VALUE]; }

static void adagrad_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__adagrad_args a = {.decay = DECAY(n), .eps = n[EPS], .step_size = n[LR] / (1 + (double)(p->step - 1) * n[LR_DECAY])};
    ct__run_rule(CT__RULE_ADAGRAD, p, grad, begin, end, &a);
}

static const ct__optim_class adagrad_class = {
    .name = "ct_optim_adagrad",
    .numbers = {COMMON_NUMBERS, {"lr_decay", 0, INFINITY, false}, {"initial_accumulator_value", 0, INFINITY, false}},
    .state = {"sum"},
    .saves_step = true,
    .initial = adagrad_initial,
    .step = adagrad_step,
};

ct_optim *ct_optim_adagrad(ct_list *params, double lr, const ct_adagrad_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_adagrad", options));
    ct_adagrad_options o = options ? *options : (ct_adagrad_options){0};
    return ct__optim_new(&adagrad_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, o.weight_decay, o.maximize, ct__or_default(o.eps, 1e-10), o.lr_decay, o.initial_accumulator_value});
}

/* ---- Adadelta ---- */

enum { RHO = EPS + 1 };

static void adadelta_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__adadelta_args a = {.decay = DECAY(n), .rho = n[RHO], .eps = n[EPS]};
    ct__run_rule(CT__RULE_ADADELTA, p, grad, begin, end, &a);
}

static const ct__optim_class adadelta_class = {
    .name = "ct_optim_adadelta",
    .numbers = {COMMON_NUMBERS, {"rho", 0, 1.0000000000000002, false}}, /* 1 is allowed */
    .state = {"square_avg", "acc_delta"},
    .saves_step = true,
    .step = adadelta_step,
};

ct_optim *ct_optim_adadelta(ct_list *params, double lr, const ct_adadelta_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_adadelta", options));
    ct_adadelta_options o = options ? *options : (ct_adadelta_options){0};
    return ct__optim_new(&adadelta_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, o.weight_decay, o.maximize, ct__or_default(o.eps, 1e-6), ct__or_default(o.rho, 0.9)});
}

/* ---- RMSprop ---- */

enum { ALPHA = EPS + 1, MOMENTUM, CENTERED };
enum { SQUARE_AVG, MOMENTUM_BUFFER, GRAD_AVG };

static bool rmsprop_needs(const double *n, int k) {
    return k == SQUARE_AVG || (k == MOMENTUM_BUFFER && n[MOMENTUM] > 0) || (k == GRAD_AVG && n[CENTERED] != 0);
}

static void rmsprop_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__rmsprop_args a = {.decay = DECAY(n), .alpha = n[ALPHA], .eps = n[EPS], .momentum = n[MOMENTUM]};
    ct__param used = *p; /* a state that these numbers do not use stays as it is */
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++)
        if (!rmsprop_needs(n, k)) used.state[k] = NULL;
    ct__run_rule(CT__RULE_RMSPROP, &used, grad, begin, end, &a);
}

static const ct__optim_class rmsprop_class = {
    .name = "ct_optim_rmsprop",
    .numbers = {COMMON_NUMBERS, {"alpha", 0, INFINITY, false}, {"momentum", 0, INFINITY, false}, {"centered", 0, 2, true}},
    .state = {"square_avg", "momentum_buffer", "grad_avg"},
    .saves_step = true,
    .needs = rmsprop_needs,
    .step = rmsprop_step,
};

ct_optim *ct_optim_rmsprop(ct_list *params, double lr, const ct_rmsprop_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_rmsprop", options));
    ct_rmsprop_options o = options ? *options : (ct_rmsprop_options){0};
    return ct__optim_new(&rmsprop_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, o.weight_decay, o.maximize, ct__or_default(o.eps, 1e-8), ct__or_default(o.alpha, 0.99), o.momentum, o.centered});
}
