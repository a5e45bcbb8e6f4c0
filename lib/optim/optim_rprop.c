/*
 * optim_rprop.c: Rprop, which looks at the signs of the gradient only, and ASGD, which keeps the average of the parameters.
 */
#include "optim/optim_rule.h"

#include <math.h>

/* ---- Rprop ---- */

enum { LR, ETAMINUS, ETAPLUS, STEP_SIZE_MIN, STEP_SIZE_MAX, RPROP_MAXIMIZE };
enum { PREV, STEP_SIZE };

static double rprop_initial(const double *n, int k) { return k == STEP_SIZE ? n[LR] : 0; }

static ct_status rprop_check(const double *n) {
    if (n[ETAMINUS] > 0 && n[ETAPLUS] > 1) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_rprop: 0 < etaminus < 1 < etaplus must hold, not %g and %g", n[ETAMINUS], n[ETAPLUS]);
}

static void rprop_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__rprop_args a = {.maximize = n[RPROP_MAXIMIZE] != 0, .etaminus = n[ETAMINUS], .etaplus = n[ETAPLUS], .low = n[STEP_SIZE_MIN], .high = n[STEP_SIZE_MAX]};
    ct__run_rule(CT__RULE_RPROP, p, grad, begin, end, &a);
}

static const ct__optim_class rprop_class = {
    .name = "ct_optim_rprop",
    .numbers = {{"lr", 0, INFINITY, false}, {"etaminus", 0, 1, false}, {"etaplus", 1, INFINITY, false}, {"step_size_min", -INFINITY, INFINITY, false},
                {"step_size_max", -INFINITY, INFINITY, false}, {"maximize", 0, 2, true}},
    .state = {"prev", "step_size"},
    .saves_step = true,
    .initial = rprop_initial,
    .check = rprop_check,
    .step = rprop_step,
};

ct_optim *ct_optim_rprop(ct_list *params, double lr, const ct_rprop_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_rprop", options));
    ct_rprop_options o = options ? *options : (ct_rprop_options){0};
    return ct__optim_new(&rprop_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, ct__or_default(o.etaminus, 0.5), ct__or_default(o.etaplus, 1.2), ct__or_default(o.step_size_min, 1e-6), ct__or_default(o.step_size_max, 50), o.maximize});
}

/* ---- ASGD ---- */

enum { LAMBD = LR + 1, ALPHA, T0, WEIGHT_DECAY, MAXIMIZE };
enum { ETA, MU };

static void asgd_begin(const double *n, ct__param *p) {
    double t = (double)p->step;
    p->now[ETA] = p->step == 1 ? (double)(float)n[LR] : p->scalar[ETA];
    p->now[MU] = p->step == 1 ? 1 : p->scalar[MU];
    p->scalar[ETA] = (double)(float)(n[LR] / pow(1 + n[LAMBD] * n[LR] * t, n[ALPHA])); /* PyTorch keeps both in f32 */
    p->scalar[MU] = (double)(float)(1 / fmax(1, t - n[T0]));
}

static void asgd_step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__asgd_args a = {.decay = {.lr = n[LR], .weight_decay = n[WEIGHT_DECAY], .maximize = n[MAXIMIZE] != 0}, .lambd = n[LAMBD], .eta = p->now[ETA], .mu = p->now[MU]};
    ct__run_rule(CT__RULE_ASGD, p, grad, begin, end, &a);
}

static const ct__optim_class asgd_class = {
    .name = "ct_optim_asgd",
    .numbers = {{"lr", 0, INFINITY, false}, {"lambd", -INFINITY, INFINITY, false}, {"alpha", -INFINITY, INFINITY, false}, {"t0", -INFINITY, INFINITY, false},
                {"weight_decay", 0, INFINITY, false}, {"maximize", 0, 2, true}},
    .state = {"ax"},
    .scalars = {"eta", "mu"},
    .saves_step = true,
    .begin = asgd_begin,
    .step = asgd_step,
};

ct_optim *ct_optim_asgd(ct_list *params, double lr, const ct_asgd_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_asgd", options));
    ct_asgd_options o = options ? *options : (ct_asgd_options){0};
    return ct__optim_new(&asgd_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, ct__or_default(o.lambd, 1e-4), ct__or_default(o.alpha, 0.75), ct__or_default(o.t0, 1e6), o.weight_decay, o.maximize});
}
