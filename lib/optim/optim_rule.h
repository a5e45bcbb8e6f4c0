/*
 * optim_rule.h: calls a rule of kern_optim.h on a range of one parameter.
 */
#ifndef CT__OPTIM_RULE_H
#define CT__OPTIM_RULE_H

#include "kernels/kernels.h"
#include "optim/optim_impl.h"

CT__INLINE void ct__run_rule(ct__rule rule, const ct__param *p, const char *grad, int64_t begin, int64_t end, const void *args) {
    void *state[CT__OPTIM_MAX_STATE];
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++) state[k] = ct__element_at(p->state[k], begin);
    ct__kern()->optim.rule[rule][p->t->dtype == CT_F64](end - begin, ct__element_at(p->t, begin), grad, state, args);
}

#endif
