/*
 * optim_sgd.c: stochastic gradient descent.
 */
#include "kernels/kernels.h"
#include "optim/optim_impl.h"

#include <math.h>

enum { LR, MOMENTUM, DAMPENING, WEIGHT_DECAY, NESTEROV, MAXIMIZE };

static bool needs(const double *n, int k) { return k == 0 && n[MOMENTUM] != 0; }

static ct_status check(const double *n) {
    if (n[NESTEROV] != 0 && (n[MOMENTUM] <= 0 || n[DAMPENING] != 0))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_sgd: nesterov needs momentum above 0 and no dampening, not %g and %g", n[MOMENTUM], n[DAMPENING]);
    return CT_OK;
}

static void step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    ct__sgd_args a = {.lr = n[LR], .momentum = n[MOMENTUM], .dampening = n[DAMPENING], .weight_decay = n[WEIGHT_DECAY],
                      .nesterov = n[NESTEROV] != 0, .maximize = n[MAXIMIZE] != 0, .first = p->step == 1};
    char *buf = n[MOMENTUM] != 0 ? ct__element_at(p->state[0], begin) : NULL;
    ct__kern()->optim.sgd[p->t->dtype == CT_F64](end - begin, ct__element_at(p->t, begin), grad, buf, &a);
}

static const ct__optim_class sgd_class = {
    .name = "ct_optim_sgd",
    .numbers = {{"lr", 0, INFINITY, false}, {"momentum", 0, INFINITY, false}, {"dampening", -INFINITY, INFINITY, false},
                {"weight_decay", 0, INFINITY, false}, {"nesterov", 0, 2, true}, {"maximize", 0, 2, true}},
    .state = {"momentum_buffer"},
    .needs = needs,
    .check = check,
    .step = step,
};

ct_optim *ct_optim_sgd(ct_list *params, double lr, const ct_sgd_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_sgd", options));
    ct_sgd_options o = options ? *options : (ct_sgd_options){0};
    return ct__optim_new(&sgd_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize});
}
