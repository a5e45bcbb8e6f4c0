/*
 * cast_cache.c: a list in the context, in the order of first use. A forward pass misses once per weight; looking through a few hundred entries costs nothing beside
 * the conversion that it saves.
 *
 * CT__MODE_AUTOCAST_CACHE is set as long as a scope with autocast is open on the context; the end of the outermost one clears it, of which saved_hooks.c is told, and the list
 * goes.
 */
#include "graph/cast_cache.h"

#include "base/alloc.h"

typedef struct entry {
    ct_tensor *source, *cast; /* references */
    int64_t version;          /* of source when it was converted */
    bool recorded;            /* gradients were: cast leads to source */
} entry;

typedef struct cache_slot {
    entry *entries;
    uint64_t size, capacity;
} cache_slot;
_Static_assert(sizeof(cache_slot) <= sizeof ((struct ct_context *)0)->slot[0] - CT__CAST_CACHE_WORD * sizeof(uint64_t), "the rest of the context's slot holds it");

static cache_slot *slot_of(struct ct_context *c) { return (cache_slot *)(void *)(c->slot[CT__SLOT_SAVED_HOOKS] + CT__CAST_CACHE_WORD); }

/* Dropping a tensor may run code of the program's, so the list is in order each time. */
void ct__cast_cache_forget(struct ct_context *c) {
    cache_slot *s = slot_of(c);
    while (s->size) {
        entry e = s->entries[--s->size];
        ct__unref(e.cast);
        ct__unref(e.source);
    }
    ct__free(s->entries);
    *s = (cache_slot){NULL, 0, 0};
}

ct_tensor *ct__cast_cache_find(const ct_tensor *source) {
    const cache_slot *s = slot_of(ct__context());
    for (uint64_t i = 0; i < s->size; i++) {
        const entry *e = &s->entries[i];
        if (e->source == source && e->version == ct__version(source) && e->recorded == ct__grad_mode()) return e->cast;
    }
    return NULL;
}

void ct__cast_cache_add(ct_tensor *source, ct_tensor *cast) {
    struct ct_context *c = ct__context();
    cache_slot *s = slot_of(c);
    if (!(c->modes & CT__MODE_AUTOCAST_CACHE)) return;
    if (s->size == s->capacity) {
        uint64_t capacity = s->capacity ? 2 * s->capacity : 16;
        entry *grown = ct__realloc(s->entries, (size_t)capacity * sizeof *grown);
        if (!grown) return;
        s->entries = grown;
        s->capacity = capacity;
    }
    ct__ref(source);
    ct__ref(cast);
    s->entries[s->size++] = (entry){.source = source, .cast = cast, .version = ct__version(source), .recorded = ct__grad_mode()};
}
