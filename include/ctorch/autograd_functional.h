/*
 * ctorch/autograd_functional.h: torch.autograd.functional: whole Jacobians and Hessians, and their products with vectors.
 *
 *     static ct_tensor *energy(ct_tensor *const *x, int n, void *user) { (void)n; (void)user; return ct_sum(ct_pow_scalar(x[0], 3)); }
 *
 *     ct_tensor *h;
 *     ct_hessian(energy, NULL, &x, 1, NULL, &h);      // [3, 3] for x [3]
 *
 * fn is called with inputs of its own: without history, requiring grad, so that nothing outside sees gradients; with .create_graph, views of those inputs that
 * require grad. Inputs are floating point. What is returned is in the innermost scope; on an error all results are NULL.
 */
#ifndef CTORCH_AUTOGRAD_FUNCTIONAL_H
#define CTORCH_AUTOGRAD_FUNCTIONAL_H

#include <ctorch/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_functional_options {
    bool create_graph; /* results can be differentiated again */
    bool strict;       /* an output that does not depend on an input is an error (CT_ERR_AUTOGRAD), not zeros; with create_graph, also a result that cannot be differentiated */
    uint64_t reserved[4];
} ct_functional_options;

/* Jacobian: out[i] = d fn / d inputs[i], of the sizes of fn's result followed by those of the input, in the input's dtype. One backward per element of the result. */
CT_API ct_status ct_jacobian(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_functional_options *options, ct_tensor **out);
/* For n_out results: out[o * n_in + i] = d result o / d inputs[i]. */
CT_API ct_status ct_jacobian_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out, const ct_functional_options *options,
                               ct_tensor **out);

/* Hessian of a function whose result has one element: out[i * n + j] = d2 fn / d inputs[i] d inputs[j], of the sizes of input i followed by those of j. */
CT_API ct_status ct_hessian(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_functional_options *options, ct_tensor **out);

/*
 * Products without the matrix, from one backward (vjp, and vhp of a gradient) or two (jvp, hvp: the double backward trick).
 *
 *     vjp   v^T J, per input    v: like the results of fn; NULL where there is one, of one element: 1
 *     jvp   J v, per result     v: like the inputs; NULL likewise
 *     vhp   v^T H, per input    v: like the inputs; NULL likewise
 *     hvp   H v, per input      the same for a function that is twice continuously differentiable; vhp is faster
 *
 * output(s), which may be NULL, receives fn's results.
 */
CT_API ct_status ct_vjp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *v, const ct_functional_options *options, ct_tensor **output,
                        ct_tensor **vjp);
CT_API ct_status ct_jvp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *const *v, const ct_functional_options *options,
                        ct_tensor **output, ct_tensor **jvp);
CT_API ct_status ct_vjp_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, ct_tensor *const *v, int n_out, const ct_functional_options *options,
                          ct_tensor **outputs, ct_tensor **vjp);
CT_API ct_status ct_jvp_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, ct_tensor *const *v, int n_out, const ct_functional_options *options,
                          ct_tensor **outputs, ct_tensor **jvp);
CT_API ct_status ct_vhp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *const *v, const ct_functional_options *options,
                        ct_tensor **output, ct_tensor **vhp);
CT_API ct_status ct_hvp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *const *v, const ct_functional_options *options,
                        ct_tensor **output, ct_tensor **hvp);

#ifdef __cplusplus
}
#endif
#endif
