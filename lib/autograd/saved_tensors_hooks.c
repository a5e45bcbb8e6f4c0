/*
 * saved_tensors_hooks.c: the program's own hooks on saved tensors.
 */
#include "graph/saved_hooks.h"
#include <ctorch/autograd_graph.h>

typedef struct user_hooks {
    ct__saved_hooks base;
    ct_saved_tensors_hooks table;
    void *user;
} user_hooks;

static void *pack(ct__saved_hooks *base, ct_tensor *t, const ct__saved_tensor *slot) {
    (void)slot;
    const user_hooks *h = (const user_hooks *)base;
    return h->table.pack(t, h->user);
}

static ct_tensor *unpack(ct__saved_hooks *base, void *value) {
    const user_hooks *h = (const user_hooks *)base;
    return h->table.unpack(value, h->user);
}

static void drop(ct__saved_hooks *base, void *value) {
    const user_hooks *h = (const user_hooks *)base;
    if (h->table.free_packed) h->table.free_packed(value, h->user);
}

static void destroy(ct__saved_hooks *base) {
    user_hooks *h = (user_hooks *)base;
    if (h->table.free_user) h->table.free_user(h->user);
    ct__free(h);
}

static user_hooks *make(const ct_saved_tensors_hooks *table, void *user) {
    static const char function[] = "ct_saved_tensors_hooks_begin";
    CT__TRY_NULL(ct__pending());
    if (!table || !table->pack || !table->unpack) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the hooks%s NULL", function, !table ? " are" : !table->pack ? "' pack is" : "' unpack is");
        return NULL;
    }
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, table));
    user_hooks *h = ct__alloc_zero(sizeof *h);
    if (!h) return NULL;
    h->base = (ct__saved_hooks){.pack = pack, .unpack = unpack, .drop = drop, .destroy = destroy};
    atomic_init(&h->base.refs, 1);
    h->table = *table;
    h->user = user;
    return h;
}

ct_scope ct_saved_tensors_hooks_begin(const ct_saved_tensors_hooks *table, void *user) {
    user_hooks *h = make(table, user);
    if (!h && table && table->free_user) table->free_user(user);
    ct_scope scope = ct__saved_hooks_begin(h ? &h->base : NULL);
    ct__saved_hooks_unref(h ? &h->base : NULL);
    return scope;
}
