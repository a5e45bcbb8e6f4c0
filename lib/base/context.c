/*
 * context.c: one context per thread, contexts of the program's own, and the end of both.
 *
 * A thread's own context is a thread-local variable, not a block, so that it exists when memory does not (700 bytes of the loader's
 * reserve for quick thread-local variables: nothing of that size may be added). What every call reads is the pointer to the installed one:
 *
 *     ct__context_current --> own            (normal)
 *                         --> a ct_context_new() block   (between two ct_context_swap calls)
 *
 * Its end: a pthread key runs thread_end when the thread ends; the thread that ends the process (or unloads the
 * library) has no such moment, for it the library's destructor does the same.
 */
#include "base/alloc.h"
#include "base/context.h"
#include "base/error.h"
#include "base/pool.h"

#include <string.h>

CT__TLS_FAST struct ct_context *ct__context_current;
static _Thread_local struct ct_context own;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static atomic_bool key_made;

typedef void (*destroy_fn)(struct ct_context *);
static _Atomic(destroy_fn) on_destroy[CT__SLOT_COUNT];

void (*ct__modes_shrunk)(struct ct_context *context);

void ct__context_on_destroy(int slot, void (*destroy)(struct ct_context *context)) {
    CT__ASSERT(slot >= 0 && slot < CT__SLOT_COUNT);
    atomic_store(&on_destroy[slot], destroy);
}

static void destroy_slots(struct ct_context *c) {
    for (int i = 0; i < CT__SLOT_COUNT; i++) {
        destroy_fn destroy = atomic_load(&on_destroy[i]);
        if (destroy) destroy(c);
    }
}

/* After this the thread may still call the library, from the destructor of another key: it then starts anew, and the
 * key, set again, has this run again. */
static void thread_end(void *unused) {
    (void)unused;
    if (ct__context_current) ct__context_current->installed = false; /* still swapped in, it belongs to the program */
    ct__context_current = &own;
    destroy_slots(&own);
    memset(&own, 0, sizeof own);
    ct__context_current = NULL;
    ct__alloc_thread_exit();
}

static void make_key(void) { atomic_store(&key_made, pthread_key_create(&key, thread_end) == 0); }

CT__NOINLINE struct ct_context *ct__context_make(void) {
    ct__context_current = &own;
    pthread_once(&key_once, make_key);
    /* Failure means that this thread's scopes are not ended with it: a leak, better than no context. */
    if (atomic_load(&key_made)) (void)pthread_setspecific(key, &own);
    return &own;
}

/* Priority 101 = after the destructors of the layers above and of the program. */
__attribute__((destructor(101))) static void library_end(void) {
    ct__pool_stop();
    thread_end(NULL);
    /* The key's function may be unmapped next; other threads that still run must not call it when they end. */
    if (atomic_exchange(&key_made, false)) pthread_key_delete(key);
    ct_memory_trim();
}

/* ---- Public -------------------------------------------------------------------------------------------------- */

ct_context *ct_context_new(void) {
    if (ct__pending() != CT_OK) return NULL;
    return ct__alloc_zero(sizeof(struct ct_context));
}

void ct_context_free(ct_context *context) {
    if (!context) return;
    if (context->installed) {
        ct__fail(CT_ERR_STATE, "ct_context_free: the context is installed; swap it out first");
        return;
    }
    destroy_slots(context);
    ct__free(context);
}

ct_context *ct_context_swap(ct_context *context) {
    struct ct_context *before = ct__context();
    before->installed = false;
    ct__context_current = context ? context : &own;
    ct__context_current->installed = true;
    return before == &own ? NULL : before;
}
