/*
 * lr_impl.h: what all schedules share. A schedule is a table: its name and how it finds the next learning rate of a group.
 */
#ifndef CT__LR_IMPL_H
#define CT__LR_IMPL_H

#include "base/vec.h"
#include "core/tensor_impl.h"
#include <ctorch/lr_scheduler.h>

enum { CT__LR_MAX_NUMBERS = 10, CT__LR_MAX_COUNTS = 3 };

/* Which step is computed: the one that making a schedule does, an ordinary one, a start anew at epoch 0 inside a sequence. */
typedef enum ct__lr_phase { CT__LR_INITIAL, CT__LR_NEXT, CT__LR_RESTART } ct__lr_phase;

typedef struct ct__lr_class {
    const char *name; /* "ct_lr_step", for messages */
    /* The learning rate of a group at s->last_epoch from the present one. NULL for what composes others or watches a metric. */
    double (*next)(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr);
    /* Moves s->count on, ahead of next; s->last_epoch is the new one. Or NULL. */
    void (*advance)(ct_lr_scheduler *s, ct__lr_phase phase);
    /* The momentum that goes with it, for all groups; or NULL. */
    double (*momentum)(const ct_lr_scheduler *s);
    const char *counts[CT__LR_MAX_COUNTS]; /* names of s->count in the state dict */
} ct__lr_class;

struct ct_lr_scheduler {
    atomic_int refs;
    const ct__lr_class *cls;
    ct_optim *optim;
    int64_t last_epoch, n_groups;
    double *base, *last;  /* n_groups each, one block with: */
    double *value;        /* what a step is about to set */
    double *fresh_base, *fresh_last, fresh_count[CT__LR_MAX_COUNTS]; /* what loading has read so far */
    int64_t fresh_epoch;
    double number[CT__LR_MAX_NUMBERS];
    double count[CT__LR_MAX_COUNTS];
    const char *momentum; /* the optimizer's name of it where it is cycled; else NULL */
    int64_t *milestones;
    int n_milestones;
    ct_lr_scheduler **child; /* references */
    int n_children;
    ct_lr_lambda_fn fn;
    void *user;
    void (*free_user)(void *user);
};

/* Without the first value set; NULL with an error pending. */
ct_lr_scheduler *ct__lr_new(const ct__lr_class *cls, ct_optim *optim, const double *number);
/* Sets the first value; frees s and returns NULL on an error. s NULL passes through. */
ct_lr_scheduler *ct__lr_start(ct_lr_scheduler *s);
/* last_epoch moves to epoch, and the learning rates with it; nothing changes on an error. */
ct_status ct__lr_update(ct_lr_scheduler *s, ct__lr_phase phase, int64_t epoch);
ct_status ct__lr_set_milestones(ct_lr_scheduler *s, const int64_t *milestones, int n);
/* CT_ERR_STATE if the optimizer has got or lost groups since the schedule was made. */
ct_status ct__lr_check_groups(const ct_lr_scheduler *s);
/* Reads the optimizer's learning rates into last. */
void ct__lr_read(ct_lr_scheduler *s);

/* The composing ones; lr_compose.c. */
bool ct__lr_composes(const ct_lr_scheduler *s);
ct_status ct__lr_step_children(ct_lr_scheduler *s);
/* lr_plateau.c */
bool ct__lr_watches(const ct_lr_scheduler *s);
ct_status ct__lr_watch(ct_lr_scheduler *s, double metric);

#endif
