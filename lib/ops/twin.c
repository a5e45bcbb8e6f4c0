/*
 * twin.c: see twin.h.
 */
#include "ops/twin.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_shape.h>

void ct__twin_backward(const ct__node *n, ct__twin_fn fn, const void *ctx, ct_tensor *const *in, int n_in, ct_tensor *const *g, int n_out,
                       ct_tensor **gin) {
    ct_tensor *alias[CT__TWIN_MAX] = {NULL}, *wanted[CT__TWIN_MAX], *made[CT__TWIN_MAX];
    ct_tensor *out[CT__TWIN_MAX] = {NULL}, *used[CT__TWIN_MAX], *seed[CT__TWIN_MAX];
    int where[CT__TWIN_MAX], n_wanted = 0, n_used = 0;
    if (ct__pending() != CT_OK) return;
    for (int i = 0; i < n_in; i++) {
        alias[i] = in[i];
        if (!in[i] || !ct__needs(n, i)) continue;
        alias[i] = ct_view(in[i], in[i]->sizes, in[i]->ndim);
        if (!alias[i]) return;
        wanted[n_wanted] = alias[i];
        where[n_wanted++] = i;
    }
    fn(ctx, alias, out);
    if (ct__pending() != CT_OK) return;
    for (int j = 0; j < n_out; j++) {
        if (!g[j] || !out[j] || !ct__requires_grad(out[j])) continue;
        used[n_used] = out[j];
        seed[n_used++] = g[j];
    }
    if (!n_wanted || !n_used) return;
    const ct_grad_options options = {.grad_outputs = seed, .create_graph = true, .allow_unused = true};
    ct_grad(used, n_used, wanted, n_wanted, &options, made);
    for (int i = 0; i < n_wanted; i++) gin[where[i]] = made[i];
}
