/*
 * ctorch/nn_utils.h: torch.nn.utils: gradients clipped, parameters as one vector, weights under weight or spectral normalisation.
 *
 *     ct_backward(loss);
 *     ct_clip_grad_norm_(ct_parameters(net), 1.0, NULL);
 *     ct_optim_step(opt);
 */
#ifndef CTORCH_NN_UTILS_H
#define CTORCH_NN_UTILS_H

#include <ctorch/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Gradients -------------------------------------------------------------------------------------------------- */

typedef struct ct_clip_grad_norm_options {
    ct_opt_f64 norm_type;     /* default 2; INFINITY, -INFINITY and 0 as in ct_norm */
    bool error_if_nonfinite;  /* CT_ERR_STATE, and nothing changes, if the norm is NaN or infinite. Otherwise the gradients become NaN or 0 then */
    uint64_t reserved[2];
} ct_clip_grad_norm_options;

/* The norm of all elements of all tensors taken as one vector, [] of the dtype that these promote to: the norm of the tensors' norms. 0 for an empty list. No
 * gradient. The error, with .error_if_nonfinite, is CT_ERR_STATE. */
CT_API ct_tensor *ct_get_total_norm(const ct_list *tensors, const ct_clip_grad_norm_options *options);

/* Multiplies the parameters' gradients, those there are, by max_norm / (norm + 1e-6) if that is below 1, norm being that of all of them together before;
 * returns it. max_norm is not negative. NULL on an error. */
CT_API ct_tensor *ct_clip_grad_norm_(const ct_list *parameters, double max_norm, const ct_clip_grad_norm_options *options);

/* The same with a norm that is known: ct_get_total_norm's. */
CT_API ct_status ct_clip_grads_with_norm_(const ct_list *parameters, double max_norm, ct_tensor *total_norm);

/* Limits each element of the gradients to -clip_value .. clip_value, which is not negative. */
CT_API ct_status ct_clip_grad_value_(const ct_list *parameters, double clip_value);

/* ---- Parameters as one vector ------------------------------------------------------------------------------------- */

/* All elements one after the other, [sum of sizes]; gradients flow back to the parameters. At least one parameter. */
CT_API ct_tensor *ct_parameters_to_vector(const ct_list *parameters);

/* Copies the vector's elements into the parameters, whose dtype stays. The vector has as many as all of them together. (PyTorch makes the parameters
 * views of the vector.) */
CT_API ct_status ct_vector_to_parameters(ct_tensor *vector, const ct_list *parameters);

/* ---- Normalised weights ------------------------------------------------------------------------------------------- */

/*
 * Both replace the parameter `name` (NULL = "weight") of a module by others, from which it is made anew before each forward. These are
 * torch.nn.utils.weight_norm and spectral_norm, so the state dict has their names and not those of torch.nn.utils.parametrizations. An optimizer is made
 * afterwards: the old parameter is gone. ct_module_get_parameter still gives the weight, as of the last forward and without history. The weight is not
 * in ct_parameters.
 *
 * While nothing records, a weight whose parts have not changed is used again: after one forward in eval mode under ct_no_grad_begin the module may run
 * on several threads. With gradients, or in training under spectral normalisation, it is one thread's.
 *
 * A parameter that is not there is CT_ERR_NOT_FOUND, one that is normalised already CT_ERR_STATE. On failure the module is as it was.
 */

typedef struct ct_weight_norm_options {
    int64_t dim; /* 0 = the outputs of Linear and Conv; each slice along it has its own length. CT_DIM_NONE, PyTorch's None or -1: one length for all */
    uint64_t reserved[2];
} ct_weight_norm_options;

/*
 * Salimans and Kingma 2016: weight = g v / |v|, with the parameters
 *
 *     weight_g    the lengths, [.., 1, size of dim, 1, ..], or [] with CT_DIM_NONE
 *     weight_v    the directions, weight's shape; the memory is weight's
 *
 * Removing puts the present weight back as a parameter.
 */
CT_API ct_status ct_weight_norm(ct_module *module, const char *name, const ct_weight_norm_options *options);
CT_API ct_status ct_remove_weight_norm(ct_module *module, const char *name);

typedef struct ct_spectral_norm_options {
    int64_t n_power_iterations; /* 0 = 1, for each forward in training mode */
    ct_opt_f64 eps;             /* default 1e-12: the least length that u and v are divided by */
    ct_opt_i64 dim;             /* default 0, of transposed convolutions 1: the outputs */
    uint64_t reserved[2];
} ct_spectral_norm_options;

/*
 * Miyato et al. 2018: weight = weight_orig / sigma, with sigma = u^T W v its largest singular value as power iteration sees it; W is weight_orig as
 * [size of dim, the rest].
 *
 *     weight_orig             the parameter that was weight
 *     weight_u, weight_v      buffers, the singular vectors; drawn from the default generator at first, as PyTorch draws them
 */
CT_API ct_status ct_spectral_norm(ct_module *module, const char *name, const ct_spectral_norm_options *options);
CT_API ct_status ct_remove_spectral_norm(ct_module *module, const char *name);

#ifdef __cplusplus
}
#endif
#endif
