/*
 * ctorch/optim_average.h: averages of weights over training: EMA and SWA, torch.optim.swa_utils.AveragedModel.
 *
 *     ct_optim_average *ema = ct_optim_average_ema(ct_named_parameters(net), 0.999, &(ct_optim_average_options){.buffers = ct_named_buffers(net)});
 *     while (ct_loader_next(loader, &batch)) {
 *         ... one training step ...
 *         ct_optim_average_update(ema);
 *     }
 *     ct_optim_average_swap(ema);                                     // the net has the averaged weights now
 *     ... evaluate, or ct_save(ct_state_dict(net), "ema.safetensors", NULL) ...
 *     ct_optim_average_swap(ema);                                     // and its own again
 *     ct_optim_average_free(ema);
 *
 * PyTorch makes a deep copy of the model. Here an average belongs to the tensors of a module, of which it keeps one averaged copy each; what follows is
 * the same, number for number. Averaged weights have never seen a batch: a net with batch normalisation needs ct_update_bn (train.h) after the swap, unless its
 * buffers are averaged too.
 */
#ifndef CTORCH_OPTIM_AVERAGE_H
#define CTORCH_OPTIM_AVERAGE_H

#include <ctorch/dict.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_optim_average ct_optim_average;

CT_API ct_optim_average *ct_optim_average_retain(ct_optim_average *average); /* NULL passes through */
CT_API void ct_optim_average_free(ct_optim_average *average);          /* NULL is fine */

typedef struct ct_optim_average_options {
    ct_dict *buffers; /* ct_named_buffers(net): the copies of these follow the module's at each update, or with */
    bool use_buffers; /* they are averaged as the parameters are, integers rounded towards zero */
    uint64_t reserved[4];
} ct_optim_average_options;

/*
 * params: ct_named_parameters(net), or any dict of tensors, dense in memory; the average holds references to the tensors. Nothing is averaged yet: the
 * first update copies, later ones do
 *
 *   ema   a = decay a + (1 - decay) p      get_ema_multi_avg_fn; decay in [0, 1], PyTorch's default is 0.999
 *   swa   a += (p - a) / (n + 1)           get_swa_multi_avg_fn: the mean of all that update has seen, n of them before this one
 */
CT_API ct_optim_average *ct_optim_average_ema(const ct_dict *params, double decay, const ct_optim_average_options *options);
CT_API ct_optim_average *ct_optim_average_swa(const ct_dict *params, const ct_optim_average_options *options);

/* update_parameters: takes the present values in. All or nothing. CT_ERR_STATE while swapped, or if a tensor has changed its dtype. */
CT_API ct_status ct_optim_average_update(ct_optim_average *average);
CT_API int64_t ct_optim_average_count(const ct_optim_average *average); /* n_averaged: updates so far; 0 for NULL */

/* The averaged tensors by the names that they were given: for ct_save, or ct_load_state_dict into another net. They share storage with the average until it
 * loads a state. */
CT_API ct_dict *ct_optim_average_tensors(const ct_optim_average *average);

/* Exchanges the values of the module's tensors and the averaged ones; once more puts them back. In between, update and the state dict are CT_ERR_STATE. */
CT_API ct_status ct_optim_average_swap(ct_optim_average *average);
CT_API bool ct_optim_average_is_swapped(const ct_optim_average *average);

/* {"n_averaged", "module": {name: tensor}}; the tensors share storage. Loading checks names, shapes and dtypes before anything changes. */
CT_API ct_dict *ct_optim_average_state_dict(const ct_optim_average *average);
CT_API ct_status ct_optim_average_load_state_dict(ct_optim_average *average, const ct_dict *state);

#ifdef __cplusplus
}
#endif
#endif
