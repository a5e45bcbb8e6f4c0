/*
 * scope.c: scopes are marks in one stack of references per context.
 *
 *      entry[]   a  b  c | d  e | f        <- size
 *                root      ^      ^
 *                          |      innermost scope: start = 5
 *                          outer scope: start = 3
 *
 * A ct_scope value holds its own start and what it interrupted (the outer scope's start and serial, the modes), so that
 * beginning a scope writes no memory that could be missing. Serials rise: a scope whose serial is above the innermost one's was
 * ended already, by an outer end. So was one in [jumped_from, jumped_to], the serials that the last end of an outer scope jumped over:
 * without them the end of such a scope would take a newer scope's tensors.
 *
 * References leave the stack before they are dropped, one at a time: a deleter of the program's may call the library.
 */
#include "core/object.h"

#include <string.h>

typedef struct scope_stack {
    ct__obj **entry;
    uint64_t size, capacity;
    uint64_t start, serial; /* of the innermost scope; 0, 0 for the root */
    uint64_t last_serial;
    uint64_t jumped_from, jumped_to;
} scope_stack;
_Static_assert(sizeof(scope_stack) <= sizeof ((struct ct_context *)0)->slot[0], "the context's slot holds the stack");

static scope_stack *stack_of(struct ct_context *c) { return (scope_stack *)(void *)c->slot[CT__SLOT_SCOPES]; }

static void drop_down_to(scope_stack *s, uint64_t start) {
    while (s->size > start) ct__unref(s->entry[--s->size]);
}

/* The scope of this serial ends; remembers those that are still open inside of it. */
static void note_jump(scope_stack *s, uint64_t serial) {
    if (serial == s->serial) return;
    s->jumped_from = serial + 1;
    s->jumped_to = s->last_serial;
}

static void clear(scope_stack *s) {
    note_jump(s, 0);
    drop_down_to(s, 0);
    ct__free(s->entry);
    s->entry = NULL;
    s->capacity = 0;
    s->start = s->serial = 0;
}

static void destroy_slot(struct ct_context *c) { clear(stack_of(c)); }
static void register_slot(void) { ct__context_on_destroy(CT__SLOT_SCOPES, destroy_slot); }

static bool grow(scope_stack *s) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_slot);
    uint64_t capacity = s->capacity ? 2 * s->capacity : 64;
    ct__obj **entry = ct__realloc(s->entry, (size_t)capacity * sizeof *entry);
    if (!entry) return false;
    s->entry = entry;
    s->capacity = capacity;
    return true;
}

void *ct__scope_give(void *object) {
    struct ct_context *c = ct__context();
    scope_stack *s = stack_of(c);
    if (!object) return NULL;
    if (CT__UNLIKELY(c->error.status != CT_OK || (s->size == s->capacity && !grow(s)))) {
        ct__unref(object);
        return NULL;
    }
    s->entry[s->size++] = object;
    return object;
}

ct_scope ct_scope_begin(void) {
    struct ct_context *c = ct__context();
    scope_stack *s = stack_of(c);
    ct_scope scope = {.serial = ++s->last_serial, .start = s->size, .outer_start = s->start, .outer_serial = s->serial, .modes = c->modes};
    s->start = scope.start;
    s->serial = scope.serial;
    return scope;
}

void ct_scope_end(ct_scope scope) {
    struct ct_context *c = ct__context();
    scope_stack *s = stack_of(c);
    if (scope.serial == 0 || scope.serial > s->serial || scope.start > s->size) return;
    if (scope.serial >= s->jumped_from && scope.serial <= s->jumped_to) return;
    note_jump(s, scope.serial);
    drop_down_to(s, scope.start);
    s->start = scope.outer_start;
    s->serial = scope.outer_serial;
    bool shrunk = (c->modes & CT__MODES_DEPTH) != (scope.modes & CT__MODES_DEPTH);
    c->modes = scope.modes;
    if (CT__UNLIKELY(shrunk)) ct__modes_shrunk(c);
}

void ct_scope_clear_root(void) { clear(stack_of(ct__context())); }

ct_tensor *ct_scope_return(ct_scope scope, ct_tensor *t) {
    ct_keep(t);
    ct_scope_end(scope);
    return ct__scope_give(t);
}

bool ct__scope_return_n(ct_scope scope, void *const *objects, int n) {
    for (int i = 0; i < n; i++)
        if (objects[i]) ct__ref(objects[i]);
    ct_scope_end(scope);
    int given = 0;
    while (given < n && (!objects[given] || ct__scope_give(objects[given]))) given++;
    if (given == n) return ct__pending() == CT_OK;
    for (int i = given + 1; i < n; i++) ct__unref(objects[i]);
    return false;
}

ct_status ct_scope_drop(ct_tensor *t) {
    if (!t) return CT_OK;
    scope_stack *s = stack_of(ct__context());
    for (uint64_t i = s->size; i-- > s->start;) {
        if (s->entry[i] != (ct__obj *)t) continue;
        memmove(&s->entry[i], &s->entry[i + 1], (size_t)(s->size - i - 1) * sizeof *s->entry);
        s->size--;
        ct__unref(t);
        return CT_OK;
    }
    return ct__fail(CT_ERR_STATE, "ct_scope_drop: the innermost scope holds no reference to this tensor");
}

ct_tensor *ct_keep(ct_tensor *t) {
    if (t) ct__ref(t);
    return t;
}

void ct_release(ct_tensor *t) { ct__unref(t); }
