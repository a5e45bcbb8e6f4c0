/*
 * context.h: the per-thread state. Layers above register slots for their own part of it.
 */
#ifndef CT__CONTEXT_H
#define CT__CONTEXT_H

#include "base/platform.h"

typedef struct ct__error {
    ct_status status;
    char message[512];
} ct__error;

/* Slots of upper layers; fixed numbers so that access is an array index. */
enum { CT__SLOT_SCOPES, CT__SLOT_GRAPH, CT__SLOT_SAVED_HOOKS, CT__SLOT_COUNT };

/*
 * modes: one word that scopes save and restore whole. Zero is the state of a new context. The layer that owns a bit defines
 * its meaning (graph: NO_GRAD, INFERENCE, ...).
 *
 * CT__MODES_DEPTH: these bits count things that a layer keeps for open scopes. When the end of a scope puts an old count back, the layer is
 * told (ct__modes_shrunk), so that it lets go of what belonged to scopes that are gone, those that were jumped over included.
 */
#define CT__MODES_DEPTH ((uint64_t)0xffff << 48)
#define CT__MODES_ONE_DEEPER ((uint64_t)1 << 48)
struct ct_context {
    uint64_t modes;
    ct__error error;
    bool installed; /* swapped in on some thread, so it must not be freed; not kept for a thread's own */
    uint64_t slot[CT__SLOT_COUNT][8]; /* plain storage, zero at first: no allocation before it is needed */
};

/* Registered by graph, whose saved-tensor hooks CT__MODES_DEPTH counts. */
extern void (*ct__modes_shrunk)(struct ct_context *context);

/* Called with the context of a thread that ends or that ct_context_free gets, on the thread that ends it, where another
 * context may be installed. One function per slot; it leaves the slot so that a second call finds nothing to do. */
void ct__context_on_destroy(int slot, void (*destroy)(struct ct_context *context));

extern CT__TLS_FAST struct ct_context *ct__context_current; /* NULL until the thread's first call */
struct ct_context *ct__context_make(void);                 /* the slow path; never NULL */

CT__INLINE struct ct_context *ct__context(void) {
    struct ct_context *c = ct__context_current;
    return CT__LIKELY(c != NULL) ? c : ct__context_make();
}

#endif
