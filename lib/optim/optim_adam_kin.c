/*
 * optim_adam_kin.c: NAdam, RAdam and Adamax: Adam's first moment with another denominator.
 */
#include "kernels/kernels.h"
#include "optim/optim_rule.h"

#include <math.h>

/* ---- NAdam: Nesterov's momentum, whose coefficient grows towards beta1 ---- */

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, DECOUPLED, MAXIMIZE, MOMENTUM_DECAY };
enum { MU_PRODUCT }; /* of the coefficients so far */

static double nadam_mu(const double *n, double step) { return n[BETA1] * (1 - 0.5 * pow(0.96, step * n[MOMENTUM_DECAY])); }

static void nadam_begin(const double *n, ct__param *p) {
    if (p->step == 1) p->scalar[MU_PRODUCT] = 1;
    p->scalar[MU_PRODUCT] = (double)((float)p->scalar[MU_PRODUCT] * (float)nadam_mu(n, (double)p->step)); /* PyTorch keeps it in f32 */
}

static void nadam_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    double t = (double)p->step, mu = nadam_mu(n, t), next = nadam_mu(n, t + 1), product = p->scalar[MU_PRODUCT];
    ct__nadam_args a = {.decay = {n[LR], n[WEIGHT_DECAY], n[DECOUPLED] != 0, n[MAXIMIZE] != 0}, .beta1 = n[BETA1], .beta2 = n[BETA2], .eps = n[EPS],
                        .bias2 = 1 - pow(n[BETA2], t), .by_grad = -n[LR] * (1 - mu) / (1 - product), .by_avg = -n[LR] * next / (1 - product * next)};
    ct__run_rule(CT__RULE_NADAM, p, grad, begin, end, &a);
}

#define MOMENT_NUMBERS                                                                                                                     \
    {"lr", 0, INFINITY, false}, {"beta1", 0, 1, false}, {"beta2", 0, 1, false}, {"eps", 0, INFINITY, false}, {"weight_decay", 0, INFINITY, false}

static const ct__optim_class nadam_class = {
    .name = "ct_optim_nadam",
    .numbers = {MOMENT_NUMBERS, {"decoupled_weight_decay", 0, 2, true}, {"maximize", 0, 2, true}, {"momentum_decay", 0, INFINITY, false}},
    .state = {"exp_avg", "exp_avg_sq"},
    .scalars = {"mu_product"},
    .saves_step = true,
    .begin = nadam_begin,
    .step = nadam_step,
};

ct_optim *ct_optim_nadam(ct_list *params, double lr, const ct_nadam_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_nadam", options));
    ct_nadam_options o = options ? *options : (ct_nadam_options){0};
    return ct__optim_new(&nadam_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, ct__or_default(o.beta1, 0.9), ct__or_default(o.beta2, 0.999), ct__or_default(o.eps, 1e-8), o.weight_decay, o.decoupled_weight_decay, o.maximize,
        ct__or_default(o.momentum_decay, 4e-3)});
}

/* ---- RAdam: plain momentum until the variance of the second moment can be told, rectified afterwards ---- */

static void radam_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    double t = (double)p->step, bias2 = 1 - pow(n[BETA2], t), longest = 2 / (1 - n[BETA2]) - 1; /* of the average: its limit and its length now */
    double length = longest - 2 * t * pow(n[BETA2], t) / bias2;
    double rect = length > 5 ? sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) : 0;
    ct__radam_args a = {.decay = {n[LR], n[WEIGHT_DECAY], n[DECOUPLED] != 0, n[MAXIMIZE] != 0}, .beta1 = n[BETA1], .beta2 = n[BETA2], .eps = n[EPS],
                        .bias1 = 1 - pow(n[BETA1], t), .bias2_sqrt = sqrt(bias2), .rect = rect};
    ct__run_rule(CT__RULE_RADAM, p, grad, begin, end, &a);
}

static const ct__optim_class radam_class = {
    .name = "ct_optim_radam",
    .numbers = {MOMENT_NUMBERS, {"decoupled_weight_decay", 0, 2, true}, {"maximize", 0, 2, true}},
    .state = {"exp_avg", "exp_avg_sq"},
    .saves_step = true,
    .step = radam_step,
};

ct_optim *ct_optim_radam(ct_list *params, double lr, const ct_radam_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_radam", options));
    ct_radam_options o = options ? *options : (ct_radam_options){0};
    return ct__optim_new(&radam_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, ct__or_default(o.beta1, 0.9), ct__or_default(o.beta2, 0.999), ct__or_default(o.eps, 1e-8), o.weight_decay, o.decoupled_weight_decay, o.maximize});
}

/* ---- Adamax: the infinity norm in place of the second moment ---- */

enum { ADAMAX_MAXIMIZE = WEIGHT_DECAY + 1 };

static void adamax_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__adamax_args a = {.decay = {.lr = n[LR], .weight_decay = n[WEIGHT_DECAY], .maximize = n[ADAMAX_MAXIMIZE] != 0}, .beta1 = n[BETA1], .beta2 = n[BETA2],
                         .eps = n[EPS], .step_size = n[LR] / (1 - pow(n[BETA1], (double)p->step))};
    ct__run_rule(CT__RULE_ADAMAX, p, grad, begin, end, &a);
}

static const ct__optim_class adamax_class = {
    .name = "ct_optim_adamax",
    .numbers = {MOMENT_NUMBERS, {"maximize", 0, 2, true}},
    .state = {"exp_avg", "exp_inf"},
    .saves_step = true,
    .step = adamax_step,
};

ct_optim *ct_optim_adamax(ct_list *params, double lr, const ct_adamax_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_adamax", options));
    ct_adamax_options o = options ? *options : (ct_adamax_options){0};
    return ct__optim_new(&adamax_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, ct__or_default(o.beta1, 0.9), ct__or_default(o.beta2, 0.999), ct__or_default(o.eps, 1e-8), o.weight_decay, o.maximize});
}
