/*
 * record.c: the tensor's side: its autograd record, its edge into the graph, and the end of an op.
 *
 * Views. A view remembers the tensor that it views (the root: never another view) and the version of their storage that its node
 * belongs to. An in-place change of either moves the base's history on; a view whose version is old then gets a new node, as_strided
 * of the base, when somebody asks for its edge.
 */
#include "graph/graph.h"
#include "core/print.h"
#include "graph/hooks.h"
#include "graph/owned.h"
#include "graph/saved_hooks.h"

#include <stdio.h>

/* ---- The record ---- */

static void autograd_destroy(ct_tensor *t) {
    ct__autograd *ag = ct__ag(t);
    if (ag->retains_grad) ct__retain_remove(ag->node, t);
    t->autograd = NULL;
    ct__node_unref(ag->node);
    ct__hooks_free(&ag->hooks);
    ct__unref(ag->grad);
    ct__unref(ag->base);
    ct__free(atomic_load_explicit(&ag->accumulator, memory_order_relaxed));
    ct__free(ag);
}

static const char *print_suffix(const ct_tensor *t, char *buffer, size_t size) {
    if (!ct__has_history(t)) return ct__requires_grad(t) ? "requires_grad=True" : NULL;
    const char *name = ct__view_is_stale(t) ? ct__op_node_name(ct__as_strided_class.op) : ct__node_name(ct__ag(t)->node);
    snprintf(buffer, size, "grad_fn=<%s>", name);
    return buffer;
}

/* When the program starts or loads the library: no tensor has a record before. */
__attribute__((constructor)) static void register_in_core(void) {
    ct__autograd_destroy = autograd_destroy;
    ct__print_suffix = print_suffix;
}

ct__autograd *ct__ag_make(ct_tensor *t) {
    if (t->autograd) return t->autograd;
    return t->autograd = ct__alloc_zero(sizeof(ct__autograd));
}

bool ct__requires_grad(const ct_tensor *t) {
    const ct__autograd *ag = ct__ag(t);
    return ag && (ag->node || ag->requires_grad || (ag->base && ct__requires_grad(ag->base)));
}

ct_status ct__set_history(ct_tensor *t, ct__node *n, int nr) {
    ct__autograd *ag = ct__ag_make(t);
    if (!ag) {
        ct__node_unref(n);
        return ct__pending();
    }
    ct__node *old = ag->node;
    if (CT__UNLIKELY(ag->retains_grad)) ct__retain_remove(old, t);
    ag->node = n;
    ag->nr = nr;
    ct_status status = CT__UNLIKELY(ag->retains_grad) && n ? ct__retain_add(n, nr, t) : CT_OK;
    ct__node_unref(old);
    return status;
}

/* ---- Edges ---- */

static ct__node *as_strided_node(ct__edge e, const ct_tensor *base, const ct_tensor *view) {
    ct__node *n = ct__node_make(&ct__as_strided_class, 1, 1);
    if (!n) {
        ct__node_unref(e.node);
        return NULL;
    }
    n->edge[0] = e;
    n->sequence = ct__next_sequence();
    ct__as_strided_ctx *c = ct__ctx(n);
    c->base = ct__geometry_of(base);
    c->view = ct__geometry_of(view);
    ct__set_meta(&n->meta[0], view);
    return n;
}

const char *ct__view_kind_name(int kind) {
    switch (kind) {
    case CT__VIEW_NO_GRAD: return "a view made in no_grad mode";
    case CT__VIEW_INFERENCE: return "a view made in inference mode";
    case CT__VIEW_PIECE: return "a piece of ct_split, ct_chunk or ct_unbind";
    case CT__VIEW_FUNCTION: return "a view that a function with a backward of its own returned";
    default: return "a view";
    }
}

const char *ct__view_kind_advice(int kind) {
    switch (kind) {
    case CT__VIEW_PIECE: return "take the piece with ct_slice or ct_select, or use the form that is not in place";
    case CT__VIEW_FUNCTION: return "use the form that is not in place, or return a clone";
    default: return "make the view and the change both inside or both outside of that mode";
    }
}

ct__node *ct__as_strided_node(ct_tensor *base, const ct_tensor *view) {
    ct__edge e = ct__gradient_edge(base);
    return e.node ? as_strided_node(e, base, view) : NULL;
}

/* The base was changed since the view's node was made. */
static ct_status regenerate(ct_tensor *view, ct__autograd *ag) {
    if (ag->view_kind != CT__VIEW_DEFAULT)
        return ct__fail(CT_ERR_AUTOGRAD, "%s is used after its base or another view of it was changed in place while gradients are recorded; %s",
                        ct__view_kind_name(ag->view_kind), ct__view_kind_advice(ag->view_kind));
    ct__edge e = ct__gradient_edge(ag->base);
    CT__TRY(ct__pending());
    ct__node *n = as_strided_node(e, ag->base, view); /* leads nowhere if the base was detached meanwhile: the view still requires grad, as PyTorch's */
    CT__TRY(ct__pending());
    CT__TRY(ct__set_history(view, n, 0));
    ag->view_version = ct__version(view);
    return CT_OK;
}

ct__edge ct__gradient_edge(ct_tensor *t) {
    ct__autograd *ag = ct__ag(t);
    if (!ag) return (ct__edge){NULL, 0};
    if (ct__view_is_stale(t) && regenerate(t, ag) != CT_OK) return (ct__edge){NULL, 0};
    if (ag->node) return (ct__edge){ct__node_ref(ag->node), ag->nr};
    return (ct__edge){ag->requires_grad ? ct__accumulator(t) : NULL, 0};
}

/* ---- Gradients ---- */

bool ct__owned(const ct_tensor *t) {
    if (atomic_load_explicit(&t->obj.refs, memory_order_acquire) != 1 || t->inference || ct__requires_grad(t)) return false;
    int others = atomic_load_explicit(&t->storage->refs, memory_order_acquire) - 1;
    const ct_tensor *base = t->autograd ? ct__ag(t)->base : NULL;
    if (base && base->storage == t->storage && atomic_load_explicit(&base->obj.refs, memory_order_acquire) == 1) others--; /* only t holds it */
    return others == 0;
}

/* ---- The end of an op ---- */

/* Takes over the reference to n. */
static ct_status attach(ct__node *n, ct_tensor *out, int nr) {
    if (!ct__is_float(out)) {
        ct__node_unref(n);
        return CT_OK;
    }
    ct__set_meta(&n->meta[nr], out);
    return ct__set_history(out, n, nr);
}

ct_tensor *ct__finish(ct__node *n, ct_tensor *out) {
    struct ct_context *c = ct__context();
    if (CT__UNLIKELY(!out || c->error.status != CT_OK)) {
        ct__node_unref(n);
        ct__unref(out);
        return NULL;
    }
    if (c->modes & CT__MODE_INFERENCE) out->inference = true;
    if (n) {
        if (CT__UNLIKELY(c->modes & CT__MODES_HOOKS)) ct__pack_all(n);
        attach(n, out, 0);
    }
    return ct__scope_give(out); /* frees it if attach failed */
}

bool ct__finish_n(ct__node *n, ct_tensor **out, int n_out) {
    struct ct_context *c = ct__context();
    if (n && CT__UNLIKELY(c->modes & CT__MODES_HOOKS)) ct__pack_all(n);
    for (int i = 0; i < n_out && c->error.status == CT_OK; i++) {
        if (!out[i]) continue;
        if (c->modes & CT__MODE_INFERENCE) out[i]->inference = true;
        if (!n) continue;
        attach(ct__node_ref(n), out[i], i);
    }
    ct__node_unref(n);
    for (int i = 0; i < n_out; i++) out[i] = ct__scope_give(out[i]);
    if (c->error.status == CT_OK) return true;
    for (int i = 0; i < n_out; i++) out[i] = NULL; /* the scope frees those that it got */
    return false;
}

ct_tensor *ct__finish_view(ct__node *n, ct_tensor *out, ct_tensor *base) {
    struct ct_context *c = ct__context();
    ct__autograd *ag = NULL;
    if (CT__UNLIKELY(!out || c->error.status != CT_OK)) goto fail;
    if (!ct__is_float(out) || base->inference) { /* never part of a graph */
        ct__node_unref(n);
        return ct__scope_give(out);
    }
    if (!(ag = ct__ag_make(out))) goto fail;
    const ct__autograd *of_base = ct__ag(base);
    bool chained = of_base && of_base->base;
    ag->base = chained ? of_base->base : base;
    ct__ref(ag->base);
    ag->view_kind = c->modes & CT__MODE_INFERENCE ? CT__VIEW_INFERENCE : c->modes & CT__MODE_NO_GRAD ? CT__VIEW_NO_GRAD : CT__VIEW_DEFAULT;
    if (ag->view_kind == CT__VIEW_DEFAULT && chained) ag->view_kind = of_base->view_kind;
    ag->view_version = ct__version(out);
    if (n) {
        if (CT__UNLIKELY(c->modes & CT__MODES_HOOKS)) ct__pack_all(n);
        ct__set_meta(&n->meta[0], out);
        ag->node = n;
    }
    return ct__scope_give(out);
fail:
    ct__node_unref(n);
    ct__unref(out);
    return NULL;
}

ct_tensor *ct__mark_piece(ct_tensor *out) {
    ct__autograd *ag = out ? ct__ag(out) : NULL;
    if (ag && ag->base && ag->view_kind == CT__VIEW_DEFAULT) ag->view_kind = CT__VIEW_PIECE;
    return out;
}

ct_status ct__mark_function_view(ct_tensor *out, ct_tensor *base) {
    ct__autograd *ag = ct__ag_make(out);
    if (!ag) return ct__pending();
    const ct__autograd *of_base = ct__ag(base);
    ag->base = of_base && of_base->base ? of_base->base : base;
    ct__ref(ag->base);
    ag->view_kind = CT__VIEW_FUNCTION;
    ag->view_version = ct__version(out);
    return CT_OK;
}
