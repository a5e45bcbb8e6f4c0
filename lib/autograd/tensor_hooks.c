/*
 * tensor_hooks.c: registering, removing and calling hooks. The lists are graph's.
 */
#include "autograd/engine.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

/* ---- Calling ---- */

static ct_status call(const ct__node *n, ct_hook *h, ct_tensor **g) {
    ct__hook_enter(h);
    ct_tensor *r = h->tensor_fn(*g, h->user);
    ct__hook_leave(h);
    CT__TRY(ct__pending());
    if (!r || r == *g) return CT_OK;
    const ct__meta *m = &n->meta[h->nr];
    CT__TRY(ct__check_gradient(r->dtype == m->dtype ? CT_ERR_SHAPE : CT_ERR_DTYPE, "ct_register_hook: what the hook returned", r, m));
    ct__ref(r);
    ct__unref(*g);
    *g = r;
    return CT_OK;
}

/* .grad of a tensor that is no leaf is never the gradient itself: others still read that. */
static ct_status retain(ct_tensor *t, ct_tensor *g) {
    ct__autograd *ag = ct__ag(t);
    ct_tensor *grad = ct_keep(ag->grad ? ct_add(ag->grad, g) : ct_clone(g));
    if (!grad) return ct__pending();
    ct__unref(ag->grad);
    ag->grad = grad;
    return CT_OK;
}

ct_status ct__run_tensor_hooks(const ct__node *n, ct_hook *hooks, ct_tensor **g) {
    for (ct_hook *h = hooks; h; h = h->next)
        if (h->kind == CT__HOOK_TENSOR && !h->removed && g[h->nr]) CT__TRY(call(n, h, &g[h->nr]));
    for (ct_hook *h = hooks; h; h = h->next)
        if (h->kind == CT__HOOK_RETAIN && !h->removed && g[h->nr]) CT__TRY(retain(h->retainer, g[h->nr]));
    return CT_OK;
}

ct_status ct__run_leaf_hooks(ct_tensor *leaf) {
    for (ct_hook *h = ct__ag(leaf)->hooks; h; h = h->next) {
        if (h->kind != CT__HOOK_POST_ACCUMULATE || h->removed) continue;
        ct__hook_enter(h);
        ct_status status = h->leaf_fn(leaf, h->user);
        ct__hook_leave(h);
        CT__TRY(ct__pending());
        if (status != CT_OK)
            return ct__fail(CT_ERR_USER, "ct_register_post_accumulate_grad_hook: a hook returned %s without an error", ct_status_name(status));
    }
    return CT_OK;
}

/* ---- Registering ---- */

static ct_status add(ct_tensor *t, ct_hook *h, ct_hook **handle) {
    ct__edge e = ct__gradient_edge(t); /* a view's node may have to be made anew */
    ct_status status = ct__pending();
    if (status == CT_OK && !e.node)
        status = ct__fail(CT_ERR_AUTOGRAD, "ct_register_hook: the tensor is a view made while nothing was recorded: no gradient reaches it");
    if (status == CT_OK) {
        bool leaf = e.node->cls == &ct__accumulate_class;
        h->nr = e.nr;
        if (handle) *handle = ct__hook_ref(h);
        ct__hook_add(leaf ? &ct__ag(t)->hooks : &e.node->hooks, h);
    } else {
        ct__hook_unref(h);
    }
    ct__node_unref(e.node);
    return status;
}

static ct_status check(const char *function, const ct_tensor *t, bool fn) {
    CT__TRY(ct__pending());
    if (!t || !fn) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, t ? "hook" : "tensor");
    if (!ct__requires_grad(t)) return ct__fail(CT_ERR_AUTOGRAD, "%s: the tensor does not require grad", function);
    return CT_OK;
}

static ct_hook *make(ct_status checked, int kind, void *user, void (*free_user)(void *user)) {
    ct_hook *h = checked == CT_OK ? ct__hook_new(kind, 0) : NULL;
    if (h) {
        h->user = user;
        h->free_user = free_user;
    } else if (free_user) {
        free_user(user);
    }
    return h;
}

ct_status ct_register_hook(ct_tensor *t, ct_hook_fn fn, void *user, void (*free_user)(void *user), ct_hook **handle) {
    if (handle) *handle = NULL;
    ct_hook *h = make(check("ct_register_hook", t, fn != NULL), CT__HOOK_TENSOR, user, free_user);
    if (!h) return ct__pending();
    h->tensor_fn = fn;
    return add(t, h, handle);
}

ct_status ct_register_post_accumulate_grad_hook(ct_tensor *t, ct_leaf_hook_fn fn, void *user, void (*free_user)(void *user), ct_hook **handle) {
    static const char function[] = "ct_register_post_accumulate_grad_hook";
    if (handle) *handle = NULL;
    ct_status status = check(function, t, fn != NULL);
    if (status == CT_OK && ct__has_history(t)) status = ct__fail(CT_ERR_AUTOGRAD, "%s: the tensor is not a leaf", function);
    ct_hook *h = make(status, CT__HOOK_POST_ACCUMULATE, user, free_user);
    if (!h) return ct__pending();
    h->leaf_fn = fn;
    return add(t, h, handle);
}

void ct_hook_remove(ct_hook *handle) {
    if (!handle) return;
    ct__hook_mark_removed(handle);
    ct__hook_unref(handle);
}
