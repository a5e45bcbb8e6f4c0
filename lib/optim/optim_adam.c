/*
 * optim_adam.c: Adam and AdamW, which differ in where weight decay goes.
 *
 * The moments of a weight without gradients, a row of an embedding that no batch has named, fall by a constant factor until they are denormal, and g * g
 * is denormal already where g is below 1e-19: each such number costs a processor about a hundred cycles. They are flushed where they cannot be seen:
 * sqrt(v) of a flushed v is below 1.1e-19, which is lost in the sum with eps unless eps is extremely small; m stops where (1 - beta1) m is flushed, and moves the
 * weight by less than lr / eps * 1.2e-37 a step. 2.5 million weights with such moments took 18 to 24 ms a step, and take 1.9 as all others do.
 */
#include "base/denormal.h"
#include "kernels/kernels.h"
#include "optim/optim_impl.h"

#include <math.h>

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, AMSGRAD, MAXIMIZE };
enum { EXP_AVG, EXP_AVG_SQ, MAX_EXP_AVG_SQ };

static bool needs(const double *n, int k) { return k != MAX_EXP_AVG_SQ || n[AMSGRAD] != 0; }

/* sqrt(FLT_MIN) against eps: below half an ulp of the sum. */
static bool flushes(const ct__adam_args *a) { return a->eps * a->bias2_sqrt > 2e-12; }

static void step_both(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end, bool decoupled) {
    double t = (double)p->step;
    ct__adam_args a = {.lr = n[LR], .beta1 = n[BETA1], .beta2 = n[BETA2], .eps = n[EPS], .weight_decay = n[WEIGHT_DECAY],
                       .step_size = n[LR] / (1 - pow(n[BETA1], t)), .bias2_sqrt = sqrt(1 - pow(n[BETA2], t)),
                       .decoupled = decoupled, .maximize = n[MAXIMIZE] != 0};
    const bool flush = flushes(&a), before = flush && ct__flush_denormals(true);
    ct__kern()->optim.adam[p->t->dtype == CT_F64](end - begin, ct__element_at(p->t, begin), grad, ct__element_at(p->state[EXP_AVG], begin),
                                                  ct__element_at(p->state[EXP_AVG_SQ], begin),
                                                  n[AMSGRAD] != 0 ? ct__element_at(p->state[MAX_EXP_AVG_SQ], begin) : NULL, &a);
    if (flush) ct__flush_denormals(before);
}
static void step_adam(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) { step_both(n, p, grad, begin, end, false); }
static void step_adamw(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) { step_both(n, p, grad, begin, end, true); }

#define ADAM_NUMBERS                                                                                                  \
    .numbers = {{"lr", 0, INFINITY, false}, {"beta1", 0, 1, false}, {"beta2", 0, 1, false}, {"eps", 0, INFINITY, false}, \
                {"weight_decay", 0, INFINITY, false}, {"amsgrad", 0, 2, true}, {"maximize", 0, 2, true}},               \
    .state = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}, .needs = needs, .saves_step = true

static const ct__optim_class adam_class = {.name = "ct_optim_adam", ADAM_NUMBERS, .step = step_adam};
static const ct__optim_class adamw_class = {.name = "ct_optim_adamw", ADAM_NUMBERS, .step = step_adamw};

static ct_optim *make(const ct__optim_class *cls, ct_list *params, double lr, const ct_adam_options *options, double weight_decay) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(cls->name, options));
    ct_adam_options o = options ? *options : (ct_adam_options){0};
    return ct__optim_new(cls, params, (const double[CT__OPTIM_MAX_NUMBERS]){lr, ct__or_default(o.beta1, 0.9), ct__or_default(o.beta2, 0.999), ct__or_default(o.eps, 1e-8),
                                                                            ct__or_default(o.weight_decay, weight_decay), o.amsgrad, o.maximize});
}
ct_optim *ct_optim_adam(ct_list *params, double lr, const ct_adam_options *o) { return make(&adam_class, params, lr, o, 0); }
ct_optim *ct_optim_adamw(ct_list *params, double lr, const ct_adam_options *o) { return make(&adamw_class, params, lr, o, 1e-2); }
