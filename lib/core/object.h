/*
 * object.h: what tensors, lists, dicts and sparse matrices have in common: an atomic reference count, a kind, and a place in scopes.
 */
#ifndef CT__OBJECT_H
#define CT__OBJECT_H

#include "base/alloc.h"
#include "base/error.h"
#include <ctorch/dict.h>
#include <ctorch/tensor.h>

enum { CT__KIND_TENSOR, CT__KIND_LIST, CT__KIND_DICT, CT__KIND_SPARSE, CT__KIND_COUNT };

typedef struct ct__obj {
    atomic_int refs;
    uint8_t kind;
} ct__obj;

void ct__obj_destroy(ct__obj *o); /* by kind; called by ct__unref at zero */

CT__INLINE void ct__ref(void *o) { atomic_fetch_add_explicit(&((ct__obj *)o)->refs, 1, memory_order_relaxed); }
CT__INLINE void ct__unref(void *object) { /* NULL is fine */
    ct__obj *o = object;
    if (!o) return;
    if (atomic_load_explicit(&o->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        ct__obj_destroy(o);
}

/*
 * Gives the caller's reference to the innermost scope and returns the object, so that the last line of a making function is
 * `return ct__scope_give(o)`. On failure (an error is pending, or no memory for the slot) it drops the reference and returns NULL. NULL passes through.
 */
void *ct__scope_give(void *object);

/* A second reference to an existing object, in the innermost scope: what getters return. */
CT__INLINE void *ct__scope_share(void *object) {
    if (object) ct__ref(object);
    return ct__scope_give(object);
}

/* Ends the scope and hands n objects (NULLs allowed) to the scope around it; for functions that compose ops. false with an
 * error pending if there was no memory, or if an error was pending before: the objects are then gone. */
bool ct__scope_return_n(ct_scope scope, void *const *objects, int n);

#endif
