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

/* params: leaves that require grad, f32 or f64, dense; each once (CT_ERR_INVALID_ARGUMENT names the number of one that is not). They form group 0. lr >= 0. */

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
 * Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019. torch.optim.Adam, AdamW; PyTorch's lr is 1e-3. */
CT_API ct_optim *ct_optim_adam(ct_list *params, double lr, const ct_adam_options *options);
CT_API ct_optim *ct_optim_adamw(ct_list *params, double lr, const ct_adam_options *options);

/* ---- Using it --------------------------------------------------------------------------------------------------- */

/* One step from the .grad of the parameters; those without one are passed over. */
CT_API ct_status ct_optim_step(ct_optim *optim);

/* Drops the gradients: zero_grad(set_to_none=True). */
CT_API ct_status ct_optim_zero_grad(ct_optim *optim);

/* ---- Groups and numbers ------------------------------------------------------------------------------------------ */

/* Adds a group of parameters with numbers of its own, at first those of group 0. Returns its index, -1 on an error. */
CT_API int64_t ct_optim_add_param_group(ct_optim *optim, ct_list *params);
CT_API int64_t ct_optim_num_groups(const ct_optim *optim);
CT_API ct_list *ct_optim_group_params(const ct_optim *optim, int64_t group);

/* A number of a group by PyTorch's name: "lr", "weight_decay", "momentum", "eps", "beta1", ...; booleans are 0 and 1. set checks it as the
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
