/*
 * saved_hooks.h: what becomes of tensors that are saved for backward while hooks are there.
 *
 *      slot.t     = x                        without hooks
 *      slot.packed -> value = pack(x),       with them: x itself is not held, only where its gradient goes
 *                     edge  = x's edge
 *
 * An op packs what it saved at its end, when in-place forms have made their change. A formula that asks for the slot gets unpack(value) with x's
 * history; it stays in the slot until the formula returns, so that asking twice unpacks once.
 *
 * The hooks in force are the innermost of the context's stack. Its depth is in ct_context.modes (CT__MODES_HOOKS), so a scope's end
 * restores it.
 */
#ifndef CT__SAVED_HOOKS_H
#define CT__SAVED_HOOKS_H

#include "graph/graph.h"

typedef struct ct__saved_hooks ct__saved_hooks;
struct ct__saved_hooks {
    atomic_int refs; /* of the stack, of each packed value, of whoever made it */
    /* t is detached, and borrowed. Runs without recording, in a scope. An error is pending, not returned. */
    void *(*pack)(ct__saved_hooks *h, ct_tensor *t, const ct__saved_tensor *slot);
    ct_tensor *(*unpack)(ct__saved_hooks *h, void *value); /* likewise; in the scope */
    void (*drop)(ct__saved_hooks *h, void *value);        /* once per value */
    void (*destroy)(ct__saved_hooks *h);                  /* frees h */
};

struct ct__saved_pack {
    ct__saved_hooks *hooks; /* a reference */
    void *value;
    ct__edge edge; /* of an input; a reference */
    ct_tensor *unpacked; /* while a formula runs */
    uint8_t dtype, ndim;
    int64_t numel;
};

void ct__saved_hooks_unref(ct__saved_hooks *h); /* NULL is fine */

/* Begins a scope in which h is in force; the stack takes a reference of its own. With an error pending, or without memory, h is not. */
ct_scope ct__saved_hooks_begin(ct__saved_hooks *h);

CT__INLINE bool ct__has_saved_hooks(void) { return (ct__context()->modes & CT__MODES_HOOKS) != 0; }

void ct__pack(ct__node *n, ct__saved_tensor *slot); /* there are hooks, and slot->t */
void ct__pack_all(ct__node *n);                     /* n's slots */
ct_tensor *ct__unpack(ct__node *n, ct__saved_tensor *slot); /* scope-held */
void ct__saved_pack_free(ct__saved_pack *p);
void ct__forget_unpacked(ct__node *n); /* the formula has returned */

#endif
