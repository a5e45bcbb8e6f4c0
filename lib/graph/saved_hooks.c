/*
 * saved_hooks.c: packing and unpacking, and the stack of hooks.
 */
#include "graph/saved_hooks.h"

#include "graph/cast_cache.h"

/* ---- The stack ---- */

typedef struct hooks_slot {
    ct__saved_hooks **stack;
    uint64_t size, capacity;
} hooks_slot;
_Static_assert(sizeof(hooks_slot) <= CT__CAST_CACHE_WORD * sizeof(uint64_t), "the first words of the context's slot hold it");

static hooks_slot *slot_of(struct ct_context *c) { return (hooks_slot *)(void *)c->slot[CT__SLOT_SAVED_HOOKS]; }
static uint64_t depth_of(uint64_t modes) { return (modes & CT__MODES_HOOKS) / CT__MODES_ONE_DEEPER; }

void ct__saved_hooks_unref(ct__saved_hooks *h) {
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) h->destroy(h);
}

static void ref(ct__saved_hooks *h) { atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed); }

/* A destroy function of the program's may call the library, so the stack is in order each time. */
static void shrink(struct ct_context *c) {
    hooks_slot *s = slot_of(c);
    while (s->size > depth_of(c->modes)) ct__saved_hooks_unref(s->stack[--s->size]);
    if (s->size) return;
    ct__free(s->stack);
    *s = (hooks_slot){NULL, 0, 0};
}

static void modes_shrunk(struct ct_context *c) {
    shrink(c);
    if (!(c->modes & CT__MODE_AUTOCAST_CACHE)) ct__cast_cache_forget(c);
}

static void destroy_slot(struct ct_context *c) {
    c->modes &= ~CT__MODES_DEPTH;
    modes_shrunk(c);
}

__attribute__((constructor)) static void register_in_base(void) {
    ct__modes_shrunk = modes_shrunk;
    ct__context_on_destroy(CT__SLOT_SAVED_HOOKS, destroy_slot);
}

static bool grow(hooks_slot *s) {
    uint64_t capacity = s->capacity ? 2 * s->capacity : 8;
    ct__saved_hooks **stack = ct__realloc(s->stack, (size_t)capacity * sizeof *stack);
    if (!stack) return false;
    s->stack = stack;
    s->capacity = capacity;
    return true;
}

ct_scope ct__saved_hooks_begin(ct__saved_hooks *h) {
    struct ct_context *c = ct__context();
    hooks_slot *s = slot_of(c);
    ct_scope scope = ct_scope_begin();
    if (!h || ct__pending() != CT_OK) return scope;
    if (depth_of(c->modes) == depth_of(CT__MODES_HOOKS)) {
        ct__fail(CT_ERR_UNSUPPORTED, "saved-tensor hooks nested more than %d deep", (int)depth_of(CT__MODES_HOOKS));
        return scope;
    }
    shrink(c); /* a formula of the program's may have left without ending its scope */
    if (s->size == s->capacity && !grow(s)) return scope;
    ref(h);
    s->stack[s->size++] = h;
    c->modes += CT__MODES_ONE_DEEPER;
    return scope;
}

/* ---- Packing ---- */

void ct__saved_pack_free(ct__saved_pack *p) {
    if (!p) return;
    p->hooks->drop(p->hooks, p->value);
    ct__saved_hooks_unref(p->hooks);
    ct__node_unref(p->edge.node);
    ct__unref(p->unpacked);
    ct__free(p);
}

void ct__pack(ct__node *n, ct__saved_tensor *s) {
    if (ct__pending() != CT_OK) return;
    ct_tensor *t = s->t;
    struct ct_context *c = ct__context();
    ct__saved_hooks *h = slot_of(c)->stack[depth_of(c->modes) - 1];
    ct__saved_pack *p = ct__alloc_zero(sizeof *p);
    if (!p) return;
    if (s->output < 0) p->edge = ct__gradient_edge(t);
    p->dtype = t->dtype;
    p->ndim = t->ndim;
    p->numel = t->numel;
    ct_scope scope = ct_scope_begin();
    c->modes |= CT__MODE_NO_GRAD;
    ct_tensor *detached = ct__pending() == CT_OK ? ct__scope_give(ct__new_view(t, t->sizes, t->strides, t->ndim, t->offset)) : NULL;
    if (detached) p->value = h->pack(h, detached, s);
    ct_scope_end(scope);
    if (ct__pending() != CT_OK) { /* the node goes with its op; a value that came with the error is dropped */
        if (p->value) h->drop(h, p->value);
        ct__node_unref(p->edge.node);
        ct__free(p);
        return;
    }
    ref(h);
    p->hooks = h;
    s->packed = p;
    s->t = NULL;
    n->packed = true;
    ct__unref(t);
}

void ct__pack_all(ct__node *n) {
    for (int i = 0; i < n->cls->n_saved; i++)
        if (n->saved[i].t) ct__pack(n, &n->saved[i]);
}

/* ---- Unpacking ---- */

static ct_tensor *call_unpack(const ct__node *n, ct__saved_pack *p) {
    ct_scope scope = ct_scope_begin();
    ct__context()->modes |= CT__MODE_NO_GRAD;
    ct_tensor *t = p->hooks->unpack(p->hooks, p->value);
    if (!t) ct__fail(CT_ERR_USER, "%s: a saved-tensor hook unpacked NULL without an error", ct__node_name(n));
    if (t && (t->dtype != p->dtype || t->ndim != p->ndim || t->numel != p->numel)) {
        ct__fail(CT_ERR_SHAPE, "%s: a saved-tensor hook unpacked a %s tensor of %d dims and %lld elements, packed was %s, %d dims, %lld elements", ct__node_name(n),
                 ct_dtype_name((ct_dtype)t->dtype), t->ndim, (long long)t->numel, ct_dtype_name((ct_dtype)p->dtype), p->ndim, (long long)p->numel);
    }
    t = ct__pending() == CT_OK ? ct_keep(t) : NULL;
    ct_scope_end(scope);
    return t;
}

ct_tensor *ct__unpack(ct__node *n, ct__saved_tensor *s) {
    ct__saved_pack *p = s->packed;
    if (!p->unpacked && !(p->unpacked = call_unpack(n, p))) return NULL;
    ct_tensor *t = p->unpacked, *out = ct__new_view(t, t->sizes, t->strides, t->ndim, t->offset);
    bool in_node = s >= n->saved && s < n->saved + n->cls->n_saved;
    if (!in_node) { /* nobody would forget it */
        ct__unref(p->unpacked);
        p->unpacked = NULL;
    }
    if (!out) return NULL;
    if (ct__grad_mode()) {
        ct__node *history = s->output < 0 ? p->edge.node : n;
        if (history && ct__set_history(out, ct__node_ref(history), s->output < 0 ? p->edge.nr : s->output) != CT_OK) {
            ct__unref(out);
            return NULL;
        }
    }
    return ct__scope_give(out);
}

void ct__forget_unpacked(ct__node *n) {
    for (int i = 0; i < n->cls->n_saved; i++) {
        ct__saved_pack *p = n->saved[i].packed;
        if (!p) continue;
        ct__unref(p->unpacked);
        p->unpacked = NULL;
    }
}
