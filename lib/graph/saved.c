/*
 * saved.c: tensors that a formula needs. An input is held as it is. An output is held as an alias without history: the output holds
 * the node, so the node must not hold the output; while something records (create_graph), unpacking attaches the node again.
 */
#include "graph/saved_hooks.h"

#include "base/vec.h"

void ct__save_at(ct__node *n, ct__saved_tensor *s, ct_tensor *input) {
    if (!n || !input) return;
    if (CT__UNLIKELY(input->inference)) {
        ct__fail(CT_ERR_AUTOGRAD, "%s: a tensor made in inference mode cannot be saved for backward; use a clone of it (ct_clone)", ct__node_name(n));
        return;
    }
    ct__ref(input);
    s->t = input;
    s->version = ct__version(input);
    s->output = -1;
    s->tracked = ct__requires_grad(input);
}

void ct__save_output_at(ct__node *n, ct__saved_tensor *s, ct_tensor *out, int nr) {
    if (!n || !out) return;
    s->t = ct__new_view(out, out->sizes, out->strides, out->ndim, out->offset);
    s->version = ct__version(out);
    s->output = nr;
    s->tracked = false;
}

void ct__saved_clear(ct__saved_tensor *s) {
    ct__unref(s->t);
    s->t = NULL;
    ct__saved_pack *p = s->packed;
    s->packed = NULL;
    ct__saved_pack_free(p);
}

void ct__saved_pack_at(ct__node *n, ct__saved_tensor *s) {
    if (n && s->t && CT__UNLIKELY(ct__has_saved_hooks())) ct__pack(n, s);
}

/* An input whose gradient needs the slot requires grad. */
static bool is_used(const ct__node *n, int slot) {
    unsigned bits = slot < (int)CT__COUNT(n->cls->used_by) ? n->cls->used_by[slot] : 0;
    if (!bits) return true;
    for (int i = 0; i < n->n_in && bits >> i; i++)
        if ((bits >> i & 1) && n->edge[i].node) return true;
    return false;
}

void ct__save(ct__node *n, int slot, ct_tensor *input) {
    if (n && is_used(n, slot)) ct__save_at(n, &n->saved[slot], input);
}

void ct__save_output(ct__node *n, int slot, ct_tensor *out, int nr) {
    if (n) ct__save_output_at(n, &n->saved[slot], out, nr);
}

void ct__save_old(ct__node *n, int slot, ct_tensor *copy) {
    if (!n || !copy) return;
    ct__node *before = ct__node_ref(n->edge[0].node);
    if (before && ct__set_history(copy, before, n->edge[0].nr) != CT_OK) return;
    ct__save(n, slot, copy);
}

static ct_status check(const ct__node *n, const ct__saved_tensor *s) {
    if (n->released)
        return ct__fail(CT_ERR_STATE, "backward a second time through %s: what it had saved went with the first; give the first one .retain_graph = true",
                        ct__node_name(n));
    if (s->overwritten)
        return ct__fail(CT_ERR_AUTOGRAD, "%s: its in-place operation overwrote a tensor that its gradient needs; use the form that is not in place",
                        ct__node_name(n));
    if (s->t && ct__version(s->t) != s->version) {
        ct__shape_text text;
        return ct__fail(CT_ERR_AUTOGRAD, "%s: the %s %s %s that its gradient needs was changed in place: it is at version %lld, saved was version %lld",
                        ct__node_name(n), ct_dtype_name((ct_dtype)s->t->dtype), s->output < 0 ? "input" : "output",
                        ct__shape_str(&text, s->t->sizes, s->t->ndim), (long long)ct__version(s->t), (long long)s->version);
    }
    if (CT__UNLIKELY(s->tracked && s->t && ct__grad_mode() && !ct__requires_grad(s->t))) /* else the gradient's own gradient would lack a part */
        return ct__fail(CT_ERR_AUTOGRAD, "%s: an input that its gradient needs was detached in place, or requires grad no more, while backward is recorded; use ct_detach",
                        ct__node_name(n));
    return CT_OK;
}

ct_tensor *ct__saved_at(ct__node *n, ct__saved_tensor *s) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check(n, s));
    if (CT__UNLIKELY(s->packed != NULL)) return ct__unpack(n, s);
    if (!s->t || s->output < 0 || !ct__grad_mode()) return ct__scope_share(s->t);
    ct_tensor *out = ct__new_view(s->t, s->t->sizes, s->t->strides, s->t->ndim, s->t->offset);
    if (!out) return NULL;
    if (ct__set_history(out, ct__node_ref(n), s->output) != CT_OK) {
        ct__unref(out);
        return NULL;
    }
    return ct__scope_give(out);
}

ct_tensor *ct__saved(ct__node *n, int slot) { return ct__saved_at(n, &n->saved[slot]); }
