/*
 * ctorch/lr_scheduler.h: learning-rate schedules. Names, formulas and defaults are torch.optim.lr_scheduler's.
 *
 *     ct_lr_scheduler *schedule = ct_lr_cosine_annealing(opt, epochs, NULL);
 *     for (int epoch = 0; epoch < epochs; epoch++) {
 *         ... ct_optim_step(opt) for each batch
 *         ct_lr_scheduler_step(schedule);
 *     }
 *     ct_lr_scheduler_free(schedule);
 *
 * A schedule holds a reference to its optimizer and sets "lr" of all its groups, some also "momentum" or "beta1". Making one sets the first value. What it multiplies is
 * the learning rate that is there, as in PyTorch, so that several work on one optimizer. Groups added to the optimizer afterwards are an error of the next step.
 */
#ifndef CTORCH_LR_SCHEDULER_H
#define CTORCH_LR_SCHEDULER_H

#include <ctorch/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_lr_scheduler ct_lr_scheduler;

CT_API ct_lr_scheduler *ct_lr_scheduler_retain(ct_lr_scheduler *scheduler); /* NULL passes through */
CT_API void ct_lr_scheduler_free(ct_lr_scheduler *scheduler);               /* NULL is fine */

/* The next epoch, or batch: whatever one counts in. With an error nothing changes. ct_lr_reduce_on_plateau wants step_metric, with what is watched; NaN counts as
 * no better. */
CT_API ct_status ct_lr_scheduler_step(ct_lr_scheduler *scheduler);
CT_API ct_status ct_lr_scheduler_step_metric(ct_lr_scheduler *scheduler, double metric);

/* The learning rate that the last step set for a group; 0 with an error pending for a group that it does not have. */
CT_API double ct_lr_scheduler_last_lr(const ct_lr_scheduler *scheduler, int64_t group);
CT_API int64_t ct_lr_scheduler_last_epoch(const ct_lr_scheduler *scheduler); /* steps done; 0 after making; -1 for NULL */

/* Where it stands: "last_epoch", "base_lrs", "last_lr" and what else it counts; those of a chain's members by number. Loading wants a schedule made with the same
 * arguments, and an optimizer that loads its own state. */
CT_API ct_dict *ct_lr_scheduler_state_dict(const ct_lr_scheduler *scheduler);
CT_API ct_status ct_lr_scheduler_load_state_dict(ct_lr_scheduler *scheduler, const ct_dict *state);

/* ---- Schedules. e is the number of steps done, base the learning rate that the group had when the first schedule of its optimizer was made ("initial_lr"). */

typedef struct ct_lr_step_options {
    ct_opt_f64 gamma; /* 0.1 */
    uint64_t reserved[2];
} ct_lr_step_options;

/* lr *= gamma every step_size steps. torch's StepLR. */
CT_API ct_lr_scheduler *ct_lr_step(ct_optim *optim, int64_t step_size, const ct_lr_step_options *options);
/* lr *= gamma at each milestone; one that is listed twice counts twice. MultiStepLR. */
CT_API ct_lr_scheduler *ct_lr_multi_step(ct_optim *optim, const int64_t *milestones, int n, const ct_lr_step_options *options);
/* lr *= gamma each step. ExponentialLR. */
CT_API ct_lr_scheduler *ct_lr_exponential(ct_optim *optim, double gamma);

typedef struct ct_lr_constant_options {
    ct_opt_f64 factor;      /* 1/3; in [0, 1] */
    ct_opt_i64 total_iters; /* 5 */
    uint64_t reserved[2];
} ct_lr_constant_options;

/* base * factor until total_iters, base from there on. ConstantLR. */
CT_API ct_lr_scheduler *ct_lr_constant(ct_optim *optim, const ct_lr_constant_options *options);

typedef struct ct_lr_linear_options {
    ct_opt_f64 start_factor; /* 1/3; in (0, 1] */
    ct_opt_f64 end_factor;   /* 1; in [0, 1] */
    ct_opt_i64 total_iters;  /* 5 */
    uint64_t reserved[2];
} ct_lr_linear_options;

/* From base * start_factor in a straight line to base * end_factor at total_iters: the usual warm-up. LinearLR. */
CT_API ct_lr_scheduler *ct_lr_linear(ct_optim *optim, const ct_lr_linear_options *options);

typedef struct ct_lr_polynomial_options {
    ct_opt_i64 total_iters; /* 5 */
    ct_opt_f64 power;       /* 1 */
    uint64_t reserved[2];
} ct_lr_polynomial_options;

/* base (1 - e / total_iters)^power, 0 from total_iters on. PolynomialLR. */
CT_API ct_lr_scheduler *ct_lr_polynomial(ct_optim *optim, const ct_lr_polynomial_options *options);

typedef struct ct_lr_cosine_options {
    double eta_min;
    uint64_t reserved[2];
} ct_lr_cosine_options;

/* eta_min + (base - eta_min)(1 + cos(pi e / t_max)) / 2; goes up again after t_max. Loshchilov and Hutter 2017. CosineAnnealingLR. */
CT_API ct_lr_scheduler *ct_lr_cosine_annealing(ct_optim *optim, int64_t t_max, const ct_lr_cosine_options *options);

typedef struct ct_lr_warm_restarts_options {
    ct_opt_i64 t_mult; /* 1: how many times longer each run is than the one before */
    double eta_min;
    uint64_t reserved[2];
} ct_lr_warm_restarts_options;

/* Runs of the cosine from base to eta_min, the first t_0 steps long. CosineAnnealingWarmRestarts. */
CT_API ct_lr_scheduler *ct_lr_cosine_annealing_warm_restarts(ct_optim *optim, int64_t t_0, const ct_lr_warm_restarts_options *options);

typedef enum ct_lr_cyclic_mode {
    CT_LR_TRIANGULAR = 0,  /* the same each cycle */
    CT_LR_TRIANGULAR2 = 1, /* half as high each cycle */
    CT_LR_EXP_RANGE = 2,   /* gamma^e times as high */
    CT_LR_CYCLIC_MODE_FORCE_32BIT = 0x7fffffff
} ct_lr_cyclic_mode;

typedef struct ct_lr_cyclic_options {
    ct_opt_i64 step_size_up;   /* 2000 */
    ct_opt_i64 step_size_down; /* as step_size_up */
    ct_lr_cyclic_mode mode;
    ct_opt_f64 gamma; /* 1 */
    bool no_cycle_momentum;
    ct_opt_f64 base_momentum, max_momentum; /* 0.8, 0.9; runs against the learning rate: "momentum", or "beta1" where there is none */
    uint64_t reserved[2];
} ct_lr_cyclic_options;

/* From base_lr up to max_lr and back, over and over. An optimizer without momentum is an error unless no_cycle_momentum. Smith 2017. CyclicLR. */
CT_API ct_lr_scheduler *ct_lr_cyclic(ct_optim *optim, double base_lr, double max_lr, const ct_lr_cyclic_options *options);

typedef struct ct_lr_one_cycle_options {
    ct_opt_f64 pct_start;   /* 0.3: the part of the steps that goes up */
    bool linear;            /* anneal_strategy: straight lines instead of cosines */
    bool no_cycle_momentum;
    ct_opt_f64 base_momentum, max_momentum; /* 0.85, 0.95 */
    ct_opt_f64 div_factor;       /* 25: the first learning rate is max_lr / div_factor */
    ct_opt_f64 final_div_factor; /* 1e4: the last one is the first / final_div_factor */
    bool three_phase;            /* up, down to the first, down to the last */
    uint64_t reserved[2];
} ct_lr_one_cycle_options;

/* One rise to max_lr and one fall over total_steps steps; a step beyond them is CT_ERR_STATE. Smith and Topin 2018. OneCycleLR. */
CT_API ct_lr_scheduler *ct_lr_one_cycle(ct_optim *optim, double max_lr, int64_t total_steps, const ct_lr_one_cycle_options *options);

typedef struct ct_lr_swa_options {
    ct_opt_i64 anneal_epochs; /* 10: steps until swa_lr is reached; 0: with the first */
    bool linear;              /* anneal_strategy: not cosine */
    uint64_t reserved[2];
} ct_lr_swa_options;

/* From the learning rate that is there to swa_lr within anneal_epochs steps, then constant: for the stretch in which weights are averaged (optim_average.h). SWALR. */
CT_API ct_lr_scheduler *ct_lr_swa(ct_optim *optim, double swa_lr, const ct_lr_swa_options *options);

/* What a program computes itself: the factor for epoch e and a group. lambda: lr = base * factor. multiplicative: lr *= factor, from e = 1 on. free_user (may be
 * NULL) is called once, when the schedule goes or could not be made. LambdaLR, MultiplicativeLR. */
typedef double (*ct_lr_lambda_fn)(int64_t epoch, int64_t group, void *user);
CT_API ct_lr_scheduler *ct_lr_lambda(ct_optim *optim, ct_lr_lambda_fn fn, void *user, void (*free_user)(void *user));
CT_API ct_lr_scheduler *ct_lr_multiplicative(ct_optim *optim, ct_lr_lambda_fn fn, void *user, void (*free_user)(void *user));

typedef struct ct_lr_plateau_options {
    bool max;             /* mode: what is watched should rise, not fall */
    ct_opt_f64 factor;    /* 0.1; below 1 */
    ct_opt_i64 patience;  /* 10: steps without improvement that are let pass */
    ct_opt_f64 threshold; /* 1e-4: by how much a better one must be better: times the best, or */
    bool threshold_abs;   /* threshold_mode: absolute */
    int64_t cooldown;     /* steps after a change that do not count */
    double min_lr;
    ct_opt_f64 eps; /* 1e-8: smaller changes are not made */
    uint64_t reserved[2];
} ct_lr_plateau_options;

/* lr *= factor when the metric has not improved for more than patience steps. ReduceLROnPlateau. */
CT_API ct_lr_scheduler *ct_lr_reduce_on_plateau(ct_optim *optim, const ct_lr_plateau_options *options);

/*
 * Schedules of one optimizer, n of them; the references are taken over, on failure too. sequential runs scheduler i until milestones[i] (n - 1 of them,
 * rising), each from its beginning. chained steps all of them at once. SequentialLR, ChainedScheduler.
 */
CT_API ct_lr_scheduler *ct_lr_sequential(ct_optim *optim, ct_lr_scheduler *const *schedulers, int n, const int64_t *milestones);
CT_API ct_lr_scheduler *ct_lr_chained(ct_lr_scheduler *const *schedulers, int n);

#ifdef __cplusplus
}
#endif
#endif
