/*
 * twin.h: gradients of gradients for ops with fused kernels.
 *
 * Such an op has a twin: the same function written with public ops. While its backward is being recorded, the gradient is that of the
 * twin, which the engine computes in a run of its own and records like any other:
 *
 *      in[i]  --view-->  alias[i]  --twin-->  out        ct_grad(out, alias, g, create_graph)
 *
 * The aliases keep paths apart: where one input was made from another, its gradient must not contain what flows on through that.
 */
#ifndef CT__TWIN_H
#define CT__TWIN_H

#include "ops/op.h"

/* out[i] = the op's outputs, from inputs of which those that are optional may be NULL. Runs in a scope; errors are pending. */
typedef void (*ct__twin_fn)(const void *ctx, ct_tensor *const *in, ct_tensor **out);

enum { CT__TWIN_MAX = 12 };

/* gin[i] for every input that n needs. in: the node's inputs in order (n_in <= CT__TWIN_MAX), with their history. */
void ct__twin_backward(const ct__node *n, ct__twin_fn fn, const void *ctx, ct_tensor *const *in, int n_in, ct_tensor *const *g, int n_out,
                       ct_tensor **gin);

#endif
