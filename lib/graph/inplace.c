/*
 * inplace.c: changes in place: what is allowed, and how history moves on.
 *
 *      v = view of b;  v *= w
 *
 *      before   b -> B                       after   b -> CopySlices -> B     the gradient of b outside of v passes, that of v goes
 *               v -> view -> B                              | fn = Mul        through Mul's formula
 *                                                           +--> w's node
 *                                                    v -> as_strided of b -> CopySlices
 */
#include "graph/saved_hooks.h"

static bool is_leaf_that_requires(const ct_tensor *t) { return ct__requires_grad(t) && !ct__has_history(t); }

static ct_status check_recorded(const char *function, const ct_tensor *t) {
    const ct__autograd *ag = ct__ag(t);
    if (ag && ag->base) {
        if (ag->view_kind != CT__VIEW_DEFAULT)
            return ct__fail(CT_ERR_AUTOGRAD, "%s: %s is changed in place while gradients are recorded; %s", function, ct__view_kind_name(ag->view_kind),
                            ct__view_kind_advice(ag->view_kind));
        if (ct__requires_grad(t) && !ct__has_history(ag->base))
            return ct__fail(CT_ERR_AUTOGRAD, "%s: a view of a leaf that requires grad is changed in place; do it between ct_no_grad_begin() and "
                            "ct_scope_end, or on a clone", function);
    }
    if (is_leaf_that_requires(t))
        return ct__fail(CT_ERR_AUTOGRAD, "%s: a leaf that requires grad is changed in place; do it between ct_no_grad_begin() and ct_scope_end, or on a clone",
                        function);
    return CT_OK;
}

ct_status ct__check_inplace(const char *function, ct_tensor *t, ct_tensor *const *in, int n_in) {
    if (CT__UNLIKELY(t->inference) && !(ct__context()->modes & CT__MODE_INFERENCE))
        return ct__fail(CT_ERR_AUTOGRAD, "%s: a tensor made in inference mode is changed in place outside of it; change a clone", function);
    if (ct__grad_mode()) {
        bool recorded = ct__requires_grad(t);
        for (int i = 0; i < n_in && !recorded; i++) recorded = in[i] && ct__requires_grad(in[i]);
        if (recorded) CT__TRY(check_recorded(function, t));
    }
    if (ct__has_internal_overlap(t))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: more than one element of the tensor to write to lies at the same address (ct_expand does that); use a clone",
                        function);
    return CT_OK;
}

/* Takes over the reference to fn. */
static ct_status rebase(ct__node *fn, ct_tensor *view) {
    ct__autograd *ag = ct__ag(view);
    ct_tensor *base = ag->base;
    ct__node *c = ct__node_make(&ct__copy_slices_class, fn->n_in, 1);
    if (!c) {
        ct__node_unref(fn);
        return ct__pending();
    }
    ct__copy_slices_ctx *ctx = ct__ctx(c);
    ctx->base = ct__geometry_of(base);
    ctx->view = ct__geometry_of(view);
    ctx->fn = fn;
    c->edge[0] = ct__gradient_edge(base);
    for (int i = 1; i < fn->n_in; i++) c->edge[i] = (ct__edge){ct__node_ref(fn->edge[i].node), fn->edge[i].nr};
    c->sequence = ct__next_sequence();
    ct__set_meta(&c->meta[0], base);
    if (ct__pending() != CT_OK) {
        ct__node_unref(c);
        return ct__pending();
    }
    CT__TRY(ct__set_history(base, c, 0));
    ct__node *n = ct__as_strided_node(base, view); /* now: the base may be detached before somebody asks */
    CT__TRY(ct__pending());
    ag->view_version = ct__version(view);
    return ct__set_history(view, n, 0);
}

ct_status ct__finish_inplace(ct__node *n, ct_tensor *t) {
    ct__bump_version(t);
    if (!n) return ct__pending();
    if (CT__UNLIKELY(ct__pending() != CT_OK || !ct__is_float(t))) {
        ct__node_unref(n);
        return ct__pending();
    }
    for (int i = 0; i < n->cls->n_saved; i++) {
        ct__saved_tensor *s = &n->saved[i];
        if (!s->t || s->t->storage != t->storage) continue;
        if (s->output >= 0) {
            s->version = ct__version(t);
        } else { /* it holds old values no more, and holding t, whose history n becomes, would be a cycle */
            s->overwritten = true;
            ct__saved_clear(s);
        }
    }
    if (CT__UNLIKELY(ct__has_saved_hooks())) ct__pack_all(n);
    if (CT__UNLIKELY(ct__pending() != CT_OK)) {
        ct__node_unref(n);
        return ct__pending();
    }
    ct__set_meta(&n->meta[0], t);
    const ct__autograd *ag = ct__ag(t);
    return ag && ag->base ? rebase(n, t) : ct__set_history(t, n, 0);
}
