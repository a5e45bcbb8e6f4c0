/*
 * ctorch/autograd_checkpoint.h: torch.utils.checkpoint: memory for time. What runs in a checkpoint saves nothing for backward but its inputs; backward runs it a
 * second time to get what it needs. (Files that a training run resumes from are in train.h.)
 */
#ifndef CTORCH_AUTOGRAD_CHECKPOINT_H
#define CTORCH_AUTOGRAD_CHECKPOINT_H

#include <ctorch/autograd.h>
#include <ctorch/nn.h>
#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_checkpoint_options {
    bool no_preserve_rng_state; /* the second run draws other numbers than the first: for functions that draw none, saves copying 5 KiB */
    ct_generator *const *generators; /* others that fn draws from, besides the default one: put back for the second run too, even with no_preserve_rng_state */
    int32_t n_generators;
    uint64_t reserved[4];
} ct_checkpoint_options;

/*
 * torch.utils.checkpoint.checkpoint(fn, *inputs, use_reentrant=False).
 *
 *     static ct_tensor *block(ct_tensor *const *in, int n, void *user) {
 *         (void)n;
 *         return ct_tanh(ct_forward(user, in[0]));
 *     }
 *
 *     y = ct_checkpoint_apply(block, net, NULL, &x, 1, NULL);      // y = block(&x, 1, net)
 *
 * Gradients are those of the plain call: with respect to the inputs and to whatever else fn uses, such as parameters, of any order, with ct_grad,
 * retained and partial backwards and nested checkpoints. The default generator (and .generators) is put back for the second run and to where it was
 * after it, so dropout drops the same. fn must do the same again: it is an error (CT_ERR_STATE) if the second run saves another number of tensors, or one of another
 * shape or dtype, or if a parameter was changed in place between the two (CT_ERR_AUTOGRAD).
 *
 * All tensors of fn but its results are freed when it returns; fn may call ct_backward. Inputs may be NULL. user belongs to the checkpoint until
 * free_user (may be NULL) is called with it, once, when the graph is done with it or the call failed. In no_grad mode, fn just runs.
 */
CT_API ct_tensor *ct_checkpoint_apply(ct_tensor_fn fn, void *user, void (*free_user)(void *user), ct_tensor *const *inputs, int n,
                                      const ct_checkpoint_options *options);
/* With n_out results, which are NULL on an error. */
CT_API ct_status ct_checkpoint_apply_n(ct_tensors_fn fn, void *user, void (*free_user)(void *user), ct_tensor *const *inputs, int n_in,
                                       ct_tensor **outputs, int n_out, const ct_checkpoint_options *options);

/* checkpoint(module, x): ct_forward and ct_forward_n. The module must be in the same mode (train, eval) at both runs. Hooks of modules run twice too, and batch
 * statistics are updated twice, as in PyTorch. */
CT_API ct_tensor *ct_checkpoint_forward(ct_module *module, ct_tensor *input, const ct_checkpoint_options *options);
CT_API ct_status ct_checkpoint_forward_n(ct_module *module, ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out,
                                         const ct_checkpoint_options *options);

/* checkpoint_sequential: the children of module, each with one input and one output, run one after the other in `segments` parts of as many children. All parts but the
 * last, which takes what is left over, are checkpoints. module is most often a Sequential; its own hooks are not called. */
CT_API ct_tensor *ct_checkpoint_sequential(ct_module *module, int64_t segments, ct_tensor *input, const ct_checkpoint_options *options);

#ifdef __cplusplus
}
#endif
#endif
