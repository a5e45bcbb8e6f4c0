/*
 * ctorch/nn_hooks.h: functions of the program's that see what goes into and comes out of modules, forward and backward: Module.register_*_hook.
 *
 *     static ct_status print_mean(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
 *         (void)in; (void)n_in; (void)n_out; (void)user;
 *         printf("%s: %g\n", ct_module_class_name(m), ct_item_f64(ct_mean(out[0])));
 *         return ct_error_status();
 *     }
 *     ct_hook *h;
 *     ct_module_register_forward_hook(ct_module_get_child(net, "2"), print_mean, NULL, NULL, NULL, &h);
 *     ...
 *     ct_hook_remove(h);
 *
 * ct_forward and ct_forward_n of the module then do, as in PyTorch: forward pre-hooks, forward, forward hooks. Backward calls the backward pre-hooks when the
 * gradients of the module's outputs are complete, and the backward hooks when those of its inputs are. Hooks of a kind run in the order of registration.
 *
 * A hook replaces a tensor by another in the array that it is given. It may not change tensors in place that backward needs; the inputs and outputs of a
 * module with backward hooks may not be changed in place at all, which is an error. A status but CT_OK, or a pending error, stops the forward or backward; without
 * an error it is CT_ERR_USER.
 */
#ifndef CTORCH_NN_HOOKS_H
#define CTORCH_NN_HOOKS_H

#include <ctorch/autograd.h>
#include <ctorch/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before forward: may replace inputs[i]. */
typedef ct_status (*ct_forward_pre_hook_fn)(ct_module *module, ct_tensor **inputs, int n_in, void *user);
/* After forward: may replace outputs[i]. The inputs are those that forward got. */
typedef ct_status (*ct_forward_hook_fn)(ct_module *module, ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out, void *user);
/* grad_outputs[i] is NULL where no gradient flows from output i. May replace the others by gradients of the same shape and dtype. */
typedef ct_status (*ct_backward_pre_hook_fn)(ct_module *module, ct_tensor **grad_outputs, int n_out, void *user);
/* grad_inputs[i] is NULL for an input that needs no gradient; may replace the others. If no input needs one, all are NULL, and the hook runs after the pre-hooks.
 * It does not run in a backward that computes no gradient of an input, such as ct_grad for a weight. */
typedef ct_status (*ct_backward_hook_fn)(ct_module *module, ct_tensor **grad_inputs, int n_in, ct_tensor *const *grad_outputs, int n_out, void *user);

typedef struct ct_module_hook_options {
    bool prepend; /* runs before those that are there */
    uint64_t reserved[2];
} ct_module_hook_options;

/*
 * free_user (may be NULL) is called once: when the hook was removed and no call of it runs, when the module and all graphs that it made are gone, or when registering
 * fails. handle (may be NULL) receives a handle that only ct_hook_remove frees; it may be called after the module is gone, and from inside of the hook. Backward hooks
 * are those that the module had when forward ran, without those that were removed since.
 */
CT_API ct_status ct_module_register_forward_pre_hook(ct_module *module, ct_forward_pre_hook_fn fn, void *user, void (*free_user)(void *user),
                                                     const ct_module_hook_options *options, ct_hook **handle);
CT_API ct_status ct_module_register_forward_hook(ct_module *module, ct_forward_hook_fn fn, void *user, void (*free_user)(void *user),
                                                 const ct_module_hook_options *options, ct_hook **handle);
CT_API ct_status ct_module_register_full_backward_pre_hook(ct_module *module, ct_backward_pre_hook_fn fn, void *user, void (*free_user)(void *user),
                                                           const ct_module_hook_options *options, ct_hook **handle);
CT_API ct_status ct_module_register_full_backward_hook(ct_module *module, ct_backward_hook_fn fn, void *user, void (*free_user)(void *user),
                                                       const ct_module_hook_options *options, ct_hook **handle);

#ifdef __cplusplus
}
#endif
#endif
