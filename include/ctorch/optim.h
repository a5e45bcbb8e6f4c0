/*
 * ctorch/optim.h: optimizers. Formulas, names and defaults are torch.optim's.
 *
 * An optimizer holds references to its parameters. A step either changes all of them or, on an error, none.
 */
#ifndef CTORCH_OPTIM_H
#define CTORCH_OPTIM_H

#include <ctorch/dict.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_optim ct_optim;

CT_API ct_optim *ct_optim_retain(ct_optim *optim); /* NULL passes through */
CT_API void ct_optim_free(ct_optim *optim);        /* NULL is fine */

/* ---- Making one ------------------------------------------------------------------------------------------------ */

/* params: leaves that require grad, floating point (the half types are stepped in float32 and rounded), dense; each once (CT_ERR_INVALID_ARGUMENT
 * names the number of one that is not). They form group 0. lr >= 0. */

typedef struct ct_sgd_options {
    double momentum;
    double dampening;
    double weight_decay;
    bool nesterov; /* needs momentum and no dampening */
    bool maximize;
    uint64_t reserved[4];
} ct_sgd_options;

/* g = grad + weight_decay p;  buf = momentum buf + (1 - dampening) g (the first time buf = g);  p -= lr buf, with nesterov p -= lr (g + momentum buf). torch.optim.SGD. */
CT_API ct_optim *ct_optim_sgd(ct_list *params, double lr, const ct_sgd_options *options);

typedef struct ct_adam_options {
    ct_opt_f64 beta1, beta2; /* 0.9, 0.999; in [0, 1) */
    ct_opt_f64 eps;          /* 1e-8 */
    ct_opt_f64 weight_decay; /* Adam: 0, added to the gradient; AdamW: 0.01, taken off the weight */
    bool amsgrad;
    bool maximize;
    uint64_t reserved[4];
} ct_adam_options;

/* m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t).
 * Denormal numbers (f32: below 1.2e-38) count as 0 in it unless eps is below about 1e-10; the weights are PyTorch's up to lr / eps * 1.2e-37 a step.
 * Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019. torch.optim.Adam, AdamW; PyTorch's lr is 1e-3. */
CT_API ct_optim *ct_optim_adam(ct_list *params, double lr, const ct_adam_options *options);
CT_API ct_optim *ct_optim_adamw(ct_list *params, double lr, const ct_adam_options *options);

typedef struct ct_nadam_options {
    ct_opt_f64 beta1, beta2;   /* 0.9, 0.999 */
    ct_opt_f64 eps;            /* 1e-8 */
    ct_opt_f64 momentum_decay; /* 4e-3 */
    double weight_decay;
    bool decoupled_weight_decay; /* off the weight, as in AdamW */
    bool maximize;
    uint64_t reserved[4];
} ct_nadam_options;

/* Adam with Nesterov's momentum: mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), P_t = mu_1 ... mu_t,  p -= lr ((1 - mu_t) g / (1 - P_t) + mu_(t+1) m / (1 - P_(t+1)))
 * / (sqrt(v') + eps). Dozat 2016. torch.optim.NAdam; PyTorch's lr is 2e-3. */
CT_API ct_optim *ct_optim_nadam(ct_list *params, double lr, const ct_nadam_options *options);

typedef struct ct_radam_options {
    ct_opt_f64 beta1, beta2; /* 0.9, 0.999 */
    ct_opt_f64 eps;          /* 1e-8 */
    double weight_decay;
    bool decoupled_weight_decay;
    bool maximize;
    uint64_t reserved[4];
} ct_radam_options;

/* Adam that steps by m' alone until the variance of v can be told (the average's length rho_t > 5), and by r_t m' / (sqrt(v') + eps) afterwards,
 * r_t = sqrt((rho_t - 4)(rho_t - 2) rho / ((rho - 4)(rho - 2) rho_t)). Liu et al. 2020. torch.optim.RAdam; PyTorch's lr is 1e-3. */
CT_API ct_optim *ct_optim_radam(ct_list *params, double lr, const ct_radam_options *options);

typedef struct ct_adamax_options {
    ct_opt_f64 beta1, beta2; /* 0.9, 0.999 */
    ct_opt_f64 eps;          /* 1e-8 */
    double weight_decay;
    bool maximize;
    uint64_t reserved[4];
} ct_adamax_options;

/* u = max(beta2 u, |g| + eps);  p -= lr / (1 - beta1^t) m / u. Kingma and Ba 2015. torch.optim.Adamax; PyTorch's lr is 2e-3. */
CT_API ct_optim *ct_optim_adamax(ct_list *params, double lr, const ct_adamax_options *options);

typedef struct ct_adagrad_options {
    double lr_decay;                  /* lr / (1 + (t - 1) lr_decay) */
    double weight_decay;
    double initial_accumulator_value; /* s at first */
    ct_opt_f64 eps;                   /* 1e-10 */
    bool maximize;
    uint64_t reserved[4];
} ct_adagrad_options;

/* s += g^2;  p -= lr g / (sqrt(s) + eps). Duchi, Hazan, Singer 2011. torch.optim.Adagrad; PyTorch's lr is 1e-2. */
CT_API ct_optim *ct_optim_adagrad(ct_list *params, double lr, const ct_adagrad_options *options);

typedef struct ct_adadelta_options {
    ct_opt_f64 rho; /* 0.9; in [0, 1] */
    ct_opt_f64 eps; /* 1e-6 */
    double weight_decay;
    bool maximize;
    uint64_t reserved[4];
} ct_adadelta_options;

/* v = rho v + (1 - rho) g^2;  d = sqrt(a + eps) / sqrt(v + eps) g;  a = rho a + (1 - rho) d^2;  p -= lr d. Zeiler 2012. torch.optim.Adadelta; PyTorch's lr is 1. */
CT_API ct_optim *ct_optim_adadelta(ct_list *params, double lr, const ct_adadelta_options *options);

typedef struct ct_rmsprop_options {
    ct_opt_f64 alpha; /* 0.99 */
    ct_opt_f64 eps;   /* 1e-8 */
    double weight_decay;
    double momentum;
    bool centered; /* by the variance: takes the squared average of the gradient off */
    bool maximize;
    uint64_t reserved[4];
} ct_rmsprop_options;

/* v = alpha v + (1 - alpha) g^2;  d = g / (sqrt(v) + eps);  p -= lr d, with momentum buf = momentum buf + d, p -= lr buf. Hinton's lecture 6e; centered: Graves 2013.
 * torch.optim.RMSprop; PyTorch's lr is 1e-2. */
CT_API ct_optim *ct_optim_rmsprop(ct_list *params, double lr, const ct_rmsprop_options *options);

typedef struct ct_rprop_options {
    ct_opt_f64 etaminus, etaplus;            /* 0.5, 1.2 */
    ct_opt_f64 step_size_min, step_size_max; /* 1e-6, 50 */
    bool maximize;
    uint64_t reserved[4];
} ct_rprop_options;

/* A step size per element, lr at first: times etaplus where the gradient keeps its sign, etaminus where it changes (then no step is made). For whole batches.
 * Riedmiller and Braun 1993. torch.optim.Rprop; PyTorch's lr is 1e-2. */
CT_API ct_optim *ct_optim_rprop(ct_list *params, double lr, const ct_rprop_options *options);

typedef struct ct_asgd_options {
    ct_opt_f64 lambd; /* 1e-4 */
    ct_opt_f64 alpha; /* 0.75 */
    ct_opt_f64 t0;    /* 1e6: where averaging begins */
    double weight_decay;
    bool maximize;
    uint64_t reserved[4];
} ct_asgd_options;

/* p = p (1 - lambd eta) - eta g;  eta = lr / (1 + lambd lr t)^alpha;  from t0 on the state "ax" is the average of p, until then p itself. Polyak and Juditsky 1992.
 * torch.optim.ASGD; PyTorch's lr is 1e-2. */
CT_API ct_optim *ct_optim_asgd(ct_list *params, double lr, const ct_asgd_options *options);

typedef enum ct_muon_adjust_lr {
    CT_MUON_ORIGINAL = 0,        /* sqrt(max(1, rows / columns)) */
    CT_MUON_MATCH_RMS_ADAMW = 1, /* 0.2 sqrt(max(rows, columns)): AdamW's learning rates and decay carry over */
    CT_MUON_ADJUST_LR_FORCE_32BIT = 0x7fffffff
} ct_muon_adjust_lr;

typedef struct ct_muon_options {
    ct_opt_f64 weight_decay; /* 0.1, off the weight */
    ct_opt_f64 momentum;     /* 0.95 */
    bool no_nesterov;
    double ns_coefficients[3]; /* all zero: 3.4445, -4.775, 2.0315 */
    ct_opt_f64 eps;            /* 1e-7 */
    ct_opt_i64 ns_steps;       /* 5; below 100 */
    ct_muon_adjust_lr adjust_lr;
    uint64_t reserved[4];
} ct_muon_options;

/* For matrices, the hidden layers' weights: the momentum, made nearly orthogonal by Newton-Schulz steps (in bfloat16, as in PyTorch), is the direction. A parameter that is
 * not 2-d is an error; give those to AdamW. Jordan et al. 2024. torch.optim.Muon; PyTorch's lr is 1e-3. */
CT_API ct_optim *ct_optim_muon(ct_list *params, double lr, const ct_muon_options *options);

typedef enum ct_lbfgs_line_search {
    CT_LBFGS_LINE_SEARCH_NONE = 0,         /* each iteration goes lr along its direction */
    CT_LBFGS_LINE_SEARCH_STRONG_WOLFE = 1, /* as far as the strong Wolfe conditions hold, from lr on */
    CT_LBFGS_LINE_SEARCH_FORCE_32BIT = 0x7fffffff
} ct_lbfgs_line_search;

typedef struct ct_lbfgs_options {
    int64_t max_iter;            /* 20: iterations per step */
    int64_t max_eval;            /* 5 max_iter / 4: evaluations per step */
    ct_opt_f64 tolerance_grad;   /* 1e-7: done when no element of the gradient is larger */
    ct_opt_f64 tolerance_change; /* 1e-9: done when neither loss nor any parameter changes by more */
    int64_t history_size;        /* 100: pairs of vectors that the curvature is told from */
    ct_lbfgs_line_search line_search_fn;
    uint64_t reserved[4];
} ct_lbfgs_options;

/*
 * Quasi-Newton for whole batches: each step is up to max_iter iterations, which evaluate the loss through a closure (ct_optim_step_closure; ct_optim_step
 * is an error). One parameter group only. Keeps 2 history_size vectors as long as all parameters together, in float32 (float64 if a parameter has
 * that). Liu and Nocedal 1989. torch.optim.LBFGS; PyTorch's lr is 1.
 */
CT_API ct_optim *ct_optim_lbfgs(ct_list *params, double lr, const ct_lbfgs_options *options);

/* ---- Using it --------------------------------------------------------------------------------------------------- */

/* One step from the .grad of the parameters; those without one are passed over. */
CT_API ct_status ct_optim_step(ct_optim *optim);

/*
 * step(closure): the closure zeroes the gradients, computes the loss, runs backward and returns the loss, one element (NULL with an error pending stops
 * the step). It runs in a scope of its own, where gradients are recorded:
 *
 *     typedef struct { ct_optim *opt; ct_module *net; ct_tensor *input, *target; } problem;
 *     static ct_tensor *evaluate(void *user) {
 *         problem *p = user;
 *         ct_optim_zero_grad(p->opt);
 *         ct_tensor *loss = ct_mse_loss(ct_forward(p->net, p->input), p->target, NULL);
 *         ct_backward(loss);
 *         return loss;
 *     }
 *
 * All optimizers take one: they call it once and step. LBFGS calls it as often as it needs. *loss (may be NULL) is that of the first call, ahead of the step.
 */
typedef ct_tensor *(*ct_optim_closure)(void *user);
CT_API ct_status ct_optim_step_closure(ct_optim *optim, ct_optim_closure closure, void *user, double *loss);

/* Drops the gradients: zero_grad(set_to_none=True). */
CT_API ct_status ct_optim_zero_grad(ct_optim *optim);

/* ---- Groups and numbers ------------------------------------------------------------------------------------------ */

/* Adds a group of parameters with numbers of its own, at first those of group 0. Returns its index, -1 on an error. */
CT_API int64_t ct_optim_add_param_group(ct_optim *optim, ct_list *params);
CT_API int64_t ct_optim_num_groups(const ct_optim *optim);
CT_API ct_list *ct_optim_group_params(const ct_optim *optim, int64_t group);

/* A number of a group by PyTorch's name: "lr", "weight_decay", "momentum", "eps", "beta1", "etaminus", ...; booleans are 0 and 1. set checks it as the
 * constructor does; group -1 sets it in all groups. get gives 0 with an error pending for a name that the optimizer does not have. */
CT_API double ct_optim_get(const ct_optim *optim, int64_t group, const char *name);
CT_API ct_status ct_optim_set(ct_optim *optim, int64_t group, const char *name, double value);

/* ---- State ------------------------------------------------------------------------------------------------------ */

/* {"state": {"0": {"step", "exp_avg", ...}, ...}, "param_groups": {"0": {"lr", ..., "params": "0 1 2"}, ...}}: PyTorch's layout, parameters by number. The
 * tensors share storage with the optimizer. load copies, after it has checked everything against the parameters. */
CT_API ct_dict *ct_optim_state_dict(const ct_optim *optim);
CT_API ct_status ct_optim_load_state_dict(ct_optim *optim, const ct_dict *state);

#ifdef __cplusplus
}
#endif
#endif
