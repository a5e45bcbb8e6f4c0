/*
 * hooks.h: functions of the program's that see gradients pass. One list per node or leaf, in the order of registration:
 *
 *      node->hooks, a leaf's ag->hooks, or a module's hooks -> ct_hook -> ct_hook -> ...
 *
 * The list holds a reference to each hook, and so does the program while it has the handle. A removed hook stays in its list, marked,
 * until the list is next added to or freed: removing works from inside of a hook.
 */
#ifndef CT__HOOKS_H
#define CT__HOOKS_H

#include "graph/graph.h"

enum { CT__HOOK_TENSOR, CT__HOOK_POST_ACCUMULATE, CT__HOOK_RETAIN,
       CT__HOOK_ORIGIN, /* never called: see graph/origin.h */
       CT__HOOK_FORWARD_PRE, CT__HOOK_FORWARD, CT__HOOK_BACKWARD_PRE, CT__HOOK_BACKWARD }; /* of modules: nn's */

struct ct_hook {
    atomic_int refs;
    uint8_t kind;
    bool removed;
    int32_t nr;         /* of which output of the node */
    atomic_int running; /* calls in progress: user is freed after the last. Modules may run on several threads */
    union {
        ct_tensor *(*tensor_fn)(ct_tensor *grad, void *user);
        ct_status (*leaf_fn)(ct_tensor *leaf, void *user);
        void (*module_fn)(void); /* by kind; see nn/module_hooks.c */
    };
    void *user;
    void (*free_user)(void *user);
    ct_tensor *retainer; /* RETAIN: the tensor whose .grad is set, borrowed: it takes the hook out when it goes */
    ct_hook *next;
};

ct_hook *ct__hook_new(int kind, int nr); /* counted once, for the list */
void ct__hook_add(ct_hook **list, ct_hook *hook);
void ct__hook_prepend(ct_hook **list, ct_hook *hook);
CT__INLINE ct_hook *ct__hook_ref(ct_hook *h) {
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    return h;
}
void ct__hook_enter(ct_hook *hook); /* around a call of it */
void ct__hook_leave(ct_hook *hook);
void ct__hook_unref(ct_hook *hook); /* NULL is fine */
void ct__hook_mark_removed(ct_hook *hook);
void ct__hooks_free(ct_hook **list);

/* .grad of a tensor that is no leaf: the hook that stores it at its node. */
ct_status ct__retain_add(ct__node *n, int nr, ct_tensor *t);
void ct__retain_remove(ct__node *n, const ct_tensor *t);

#endif
