/*
 * hooks.c: the lists of hooks. Who calls them is autograd's business.
 */
#include "graph/hooks.h"

ct_hook *ct__hook_new(int kind, int nr) {
    ct_hook *h = ct__alloc_zero(sizeof *h);
    if (!h) return NULL;
    atomic_init(&h->refs, 1);
    h->kind = (uint8_t)kind;
    h->nr = nr;
    return h;
}

static void free_user(ct_hook *h) {
    if (h->free_user) h->free_user(h->user);
    h->free_user = NULL;
    h->user = NULL;
}

void ct__hook_unref(ct_hook *h) {
    if (!h || atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1) return;
    free_user(h);
    ct__free(h);
}

void ct__hook_mark_removed(ct_hook *h) {
    h->removed = true;
    if (!h->running) free_user(h);
}

void ct__hook_enter(ct_hook *h) {
    ct__hook_ref(h);
    h->running++;
}

/* A hook that removed itself lets its data go now. */
void ct__hook_leave(ct_hook *h) {
    if (--h->running == 0 && h->removed) free_user(h);
    ct__hook_unref(h);
}

void ct__hook_prepend(ct_hook **list, ct_hook *hook) {
    hook->next = *list;
    *list = hook;
}

void ct__hook_add(ct_hook **list, ct_hook *hook) {
    while (*list) {
        ct_hook *h = *list;
        if (h->removed && !h->running) {
            *list = h->next;
            ct__hook_unref(h);
        } else {
            list = &h->next;
        }
    }
    *list = hook;
}

void ct__hooks_free(ct_hook **list) {
    ct_hook *h = *list;
    *list = NULL;
    while (h) {
        ct_hook *next = h->next;
        h->next = NULL;
        ct__hook_unref(h);
        h = next;
    }
}

ct_status ct__retain_add(ct__node *n, int nr, ct_tensor *t) {
    ct_hook *h = ct__hook_new(CT__HOOK_RETAIN, nr);
    if (!h) return ct__pending();
    h->retainer = t;
    ct__hook_add(&n->hooks, h);
    return CT_OK;
}

void ct__retain_remove(ct__node *n, const ct_tensor *t) {
    for (ct_hook *h = n ? n->hooks : NULL; h; h = h->next) {
        if (h->retainer != t) continue;
        h->retainer = NULL;
        h->removed = true;
    }
}
