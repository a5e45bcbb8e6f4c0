/*
 * optim_impl.h: what all optimizers share. An algorithm is a table: its numbers with defaults and ranges, the names of its state
 * tensors, and the step of one parameter.
 */
#ifndef CT__OPTIM_IMPL_H
#define CT__OPTIM_IMPL_H

#include "base/vec.h"
#include "core/tensor_impl.h"
#include <ctorch/optim.h>

enum { CT__OPTIM_MAX_NUMBERS = 12, CT__OPTIM_MAX_STATE = 3 };

typedef struct ct__param {
    ct_tensor *t;                          /* a reference */
    ct_tensor *state[CT__OPTIM_MAX_STATE]; /* like t; NULL until the first step, or where the options need none */
    int64_t step;                          /* steps done with this parameter */
} ct__param;

typedef struct ct__group {
    double number[CT__OPTIM_MAX_NUMBERS]; /* in the order of the class' names */
    ct__vec params;                       /* of ct__param * */
} ct__group;

typedef struct ct__number {
    const char *name;
    double low, high; /* low <= value < high */
    bool is_bool;
} ct__number;

typedef struct ct__optim_class {
    const char *name; /* "ct_optim_adam", for messages */
    ct__number numbers[CT__OPTIM_MAX_NUMBERS]; /* "lr" is the first; ends with a NULL name */
    const char *state[CT__OPTIM_MAX_STATE];
    bool saves_step;
    /* Whether state k is needed with these numbers. */
    bool (*needs)(const double *number, int k);
    /* What must hold between the numbers beyond their ranges; or NULL. */
    ct_status (*check)(const double *number);
    /* Elements [begin, end) of one parameter: p->step is the number of this step (1 = first). Runs on the pool; cannot fail. */
    void (*step)(const double *number, const ct__param *p, const char *grad, int64_t begin, int64_t end);
} ct__optim_class;

struct ct_optim {
    atomic_int refs;
    const ct__optim_class *cls;
    ct__vec groups; /* of ct__group * */
};

ct_optim *ct__optim_new(const ct__optim_class *cls, ct_list *params, const double *number);

/* Element i of a dense tensor's data. */
CT__INLINE char *ct__element(const ct_tensor *t, int64_t i) { return t ? ct__ptr(t) + i * (t->dtype == CT_F64 ? 8 : 4) : NULL; }

#endif
