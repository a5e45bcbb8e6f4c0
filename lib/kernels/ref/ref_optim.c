/*
 * ref_optim.c: the optimizer steps in plain C.
 */
#include "kernels/kernels.h"

#include <math.h>

#define T float
#define SQRT sqrtf
#define ABS fabsf
#define NAME(x) x##_f32
#include "kernels/optim.inc"
#include "kernels/ref/optim_rules.inc"
#undef T
#undef SQRT
#undef ABS
#undef NAME
#define T double
#define SQRT sqrt
#define ABS fabs
#define NAME(x) x##_f64
#include "kernels/optim.inc"
#include "kernels/ref/optim_rules.inc"

void ct__optim_fill_ref(ct__optim_kernels *k) {
#define RULE(NAME, name) [CT__RULE_##NAME] = {name##_f32, name##_f64}
    *k = (ct__optim_kernels){.sgd = {sgd_f32, sgd_f64}, .adam = {adam_f32, adam_f64},
                             .rule = {RULE(NADAM, nadam), RULE(RADAM, radam), RULE(ADAMAX, adamax), RULE(ADAGRAD, adagrad), RULE(ADADELTA, adadelta),
                                      RULE(RMSPROP, rmsprop), RULE(RPROP, rprop), RULE(ASGD, asgd), RULE(ALONG, along)}};
}
