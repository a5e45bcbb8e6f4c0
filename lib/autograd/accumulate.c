/*
 * accumulate.c: .grad.
 *
 * The first gradient becomes .grad itself where nobody else has it and it lies in memory as the leaf does, so that optimizers
 * walk both in the same order; else a copy is laid out like the leaf. Later ones are added in place. While backward is recorded, .grad
 * becomes a new tensor with history each time.
 */
#include "autograd/engine.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

/* g has the leaf's strides, or is row-major where the leaf is not dense. */
static bool lies_like(const ct_tensor *g, const ct_tensor *leaf) {
    if (leaf->contiguous) return g->contiguous;
    ct_tensor like = *leaf; /* the strides that a new tensor like the leaf gets */
    ct__preserved_strides(leaf, like.strides);
    for (int i = 0; i < g->ndim; i++)
        if (g->sizes[i] != 1 && g->strides[i] != like.strides[i]) return false;
    return true;
}

static void set_grad(ct__autograd *ag, ct_tensor *g) {
    ct_tensor *old = ag->grad;
    ag->grad = g;
    ct__unref(old);
}

static ct_status first(ct_tensor *leaf, ct_tensor *g, bool create_graph) {
    ct_tensor *grad;
    if (!create_graph && ct__owned(g) && lies_like(g, leaf)) {
        grad = ct__new_view(g, g->sizes, g->strides, g->ndim, g->offset); /* without the history that a view has */
    } else {
        grad = ct__new_like("ct_backward", leaf, (ct_dtype)leaf->dtype);
        if (grad) ct_copy_(grad, g); /* recorded while create_graph is on */
    }
    if (ct__pending() != CT_OK) {
        ct__unref(grad);
        return ct__pending();
    }
    set_grad(ct__ag(leaf), grad);
    return CT_OK;
}

ct_status ct__accumulate(ct_tensor *leaf, ct_tensor *g, bool create_graph) {
    ct__autograd *ag = ct__ag(leaf);
    if (!ag->grad) return first(leaf, g, create_graph);
    if (!create_graph) return ct_add_(ag->grad, g);
    ct_tensor *sum = ct_add(ag->grad, g);
    if (sum) set_grad(ag, ct_keep(sum));
    return ct__pending();
}
