/*
 * optim_impl.h: what all optimizers share. An algorithm is a table: its numbers with defaults and ranges, the names of its state
 * tensors, and the step of one parameter.
 */
#ifndef CT__OPTIM_IMPL_H
#define CT__OPTIM_IMPL_H

#include "base/vec.h"
#include "core/tensor_impl.h"
#include <ctorch/optim.h>

enum { CT__OPTIM_MAX_NUMBERS = 12, CT__OPTIM_MAX_STATE = 3, CT__OPTIM_MAX_SCALARS = 2 };

typedef struct ct__param {
    ct_tensor *t;                          /* a reference */
    ct_tensor *state[CT__OPTIM_MAX_STATE]; /* like t; NULL until the first step, or where the options need none */
    int64_t step;                          /* steps done with this parameter */
    double scalar[CT__OPTIM_MAX_SCALARS];  /* state that is one number, saved as the class names it */
    double now[CT__OPTIM_MAX_SCALARS];     /* what begin hands to the ranges of this step */
} ct__param;

typedef struct ct__group {
    double number[CT__OPTIM_MAX_NUMBERS]; /* in the order of the class' names */
    ct__vec params;                       /* of ct__param * */
    bool scheduled;                       /* initial_lr is set: what "lr" was when the first schedule was made; the base of all of them */
    double initial_lr;
} ct__group;

typedef struct ct__number {
    const char *name;
    double low, high; /* low <= value < high */
    bool is_bool;
} ct__number;

/* An optimizer that moves all its parameters at once and evaluates the loss itself (LBFGS), in place of .step. What it keeps from step to step is its own. */
typedef struct ct__solver_class {
    /* One step in ct_no_grad; on an error parameters and state are as they were. */
    ct_status (*minimize)(ct_optim *o, ct_optim_closure closure, void *user, double *loss);
    ct_dict *(*save)(const ct_optim *o);                       /* of o->solver, which is not NULL */
    void *(*load)(const ct_optim *o, const ct_dict *d); /* a new one; NULL with an error pending */
    void (*free)(void *solver);                                /* NULL is fine */
} ct__solver_class;

typedef struct ct__optim_class {
    const char *name; /* "ct_optim_adam", for messages */
    ct__number numbers[CT__OPTIM_MAX_NUMBERS]; /* "lr" is the first; ends with a NULL name */
    const char *state[CT__OPTIM_MAX_STATE];
    const char *scalars[CT__OPTIM_MAX_SCALARS];
    bool saves_step;
    /* Whether state k is needed with these numbers; NULL: always. */
    bool (*needs)(const double *number, int k);
    /* What a state tensor is filled with at first; NULL: zero. */
    double (*initial)(const double *number, int k);
    /* What must hold between the numbers beyond their ranges; or NULL. */
    ct_status (*check)(const double *number);
    /* What a parameter must be beyond f32 or f64 and dense: NULL, or the reason why it is not. NULL: nothing. */
    const char *(*refuses)(const ct_tensor *t);
    /* What can fail in a step, before anything changes: replaces the gradient (scope-held), and fresh[k], which becomes state k. Or NULL. */
    ct_status (*direction)(const double *number, const ct__param *p, ct_tensor **grad, ct_tensor **fresh);
    /* Once per parameter and step, ahead of the ranges: moves p->scalar on. Cannot fail. Or NULL. */
    void (*begin)(const double *number, ct__param *p);
    /* Elements [begin, end) of one parameter: p->step is the number of this step (1 = first). Runs on the pool; cannot fail. */
    void (*step)(const double *number, const ct__param *p, const char *grad, int64_t begin, int64_t end);
    const ct__solver_class *solver; /* instead of step; or NULL */
} ct__optim_class;

struct ct_optim {
    atomic_int refs;
    const ct__optim_class *cls;
    ct__vec groups; /* of ct__group * */
    void *solver;   /* the state of cls->solver; NULL until the first step */
};

/* "0", "1", ...: names in dicts of what PyTorch has in lists. Returns buffer. */
const char *ct__number_name(char buffer[24], int64_t i);
ct_optim *ct__optim_new(const ct__optim_class *cls, ct_list *params, const double *number);
/* Calls the closure in a scope of its own, where gradients are recorded, and reads the loss that it returns. */
ct_status ct__optim_evaluate(const ct_optim *o, ct_optim_closure closure, void *user, double *loss);

CT__INLINE bool ct__optim_needs(const ct__optim_class *cls, const double *number, int k) {
    return cls->state[k] && (!cls->needs || cls->needs(number, k));
}
CT__INLINE double ct__or_default(ct_opt_f64 o, double value) { return o.has ? o.value : value; }

/* Element i of a dense tensor's data. */
CT__INLINE char *ct__element_at(const ct_tensor *t, int64_t i) { return t ? ct__ptr(t) + i * (t->dtype == CT_F64 ? 8 : 4) : NULL; }

#endif
