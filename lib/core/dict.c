/*
 * dict.c: lists of tensors and ordered dictionaries.
 *
 *      entries   [ "conv1.weight" | "conv1.bias" | "step" | ... ]     in the order of their first setting; walking is an array walk
 *      slots     [ - 2 - - 0 - 1 - ]                                  entry numbers by hash of the name, open addressing
 *
 * slots exists from more than LINEAR names on; it has at least twice as many places as entries has room, so a probe ends soon. Removal
 * closes the gap in entries and fills slots anew: O(n), for an operation that checkpoints never use.
 *
 * A setter allocates all that it needs before it changes anything, so that a failure leaves the dict as it was.
 *
 * Dicts are shared by reference. A cycle would never be freed, so ct_dict_set_dict looks for the dict below the value. That walk
 * keeps its path on the stack, which bounds the depth; it marks what it has seen with the walk's number, so that a dict which is reached
 * on many ways is looked at once. Freeing goes through a list that runs through the dead dicts themselves: it neither
 * recurses nor allocates.
 */
#include "core/dict_impl.h"

#include "base/vec.h"
#include <string.h>

struct ct_list {
    ct__obj obj;
    ct__vec tensors;
};

struct ct_dict {
    ct__obj obj;
    ct__dict_entry *entries;
    int64_t size, capacity;
    int32_t *slots; /* -1 = free */
    uint32_t n_slots; /* a power of two; 0 = none yet */
    _Atomic uint64_t walk; /* the last walk that came by; a race only makes one look twice */
    ct_dict *dead; /* the next to free */
};

enum { LINEAR = 8, MAX_NAME = 1023, MAX_ENTRIES = 1 << 28 };

/* ---- Lists ----------------------------------------------------------------------------------------------------- */

ct_list *ct_list_new(void) {
    CT__TRY_NULL(ct__pending());
    ct_list *list = ct__alloc_zero(sizeof *list);
    if (!list) return NULL;
    atomic_init(&list->obj.refs, 1);
    list->obj.kind = CT__KIND_LIST;
    return ct__scope_give(list);
}

ct_status ct_list_append(ct_list *list, ct_tensor *t) {
    CT__TRY(ct__pending());
    if (!list || !t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_list_append: %s is NULL", list ? "t" : "list");
    CT__TRY(ct__vec_push(&list->tensors, t));
    ct__ref(t);
    return CT_OK;
}

int64_t ct_list_size(const ct_list *list) { return list ? list->tensors.size : 0; }

ct_tensor *ct_list_get(const ct_list *list, int64_t index) {
    CT__TRY_NULL(ct__pending());
    if (!list) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_list_get: list is NULL");
        return NULL;
    }
    if (index < 0 || index >= list->tensors.size) {
        ct__fail(CT_ERR_INDEX, "ct_list_get: index %lld is not in a list of %lld", (long long)index, (long long)list->tensors.size);
        return NULL;
    }
    return ct__scope_share(list->tensors.data[index]);
}

ct_tensor *const *ct_list_data(const ct_list *list) { return list ? (ct_tensor *const *)(void *)list->tensors.data : NULL; }

ct_list *ct_list_keep(ct_list *list) {
    if (list) ct__ref(list);
    return list;
}

void ct_list_release(ct_list *list) { ct__unref(list); }

void ct__list_destroy(ct__obj *o) {
    ct_list *list = (ct_list *)(void *)o;
    for (int64_t i = 0; i < list->tensors.size; i++) ct__unref(list->tensors.data[i]);
    ct__vec_free(&list->tensors);
    ct__free(list);
}

/* ---- Names ----------------------------------------------------------------------------------------------------- */

/* Length of the UTF-8 sequence at s as RFC 3629 has it (no surrogates, nothing overlong, at most U+10FFFF); 0 if there is none. */
static size_t utf8_length(const unsigned char *s) {
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static ct_status check_utf8(const char *function, const char *what, const char *s) {
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        size_t n = utf8_length(p);
        if (n == 0)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is not UTF-8: byte 0x%02x at offset %lld", function, what, *p,
                            (long long)((const char *)p - s));
        p += n;
    }
    return CT_OK;
}

static ct_status check_name(const char *function, const char *name) {
    if (!name || !*name) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: name is %s", function, name ? "empty" : "NULL");
    size_t n = strlen(name);
    if (n > MAX_NAME)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a name of %zu bytes, more than %d: \"%.40s...\"", function, n, MAX_NAME, name);
    return check_utf8(function, "name", name);
}

/*
 * FNV-1a from a start that differs from process to process, so that no file can be made whose names all collide; the
 * last lines spread it over the low bits.
 */
static uint64_t hash_name(const char *name) {
    static _Atomic uint64_t start;
    uint64_t h = atomic_load_explicit(&start, memory_order_relaxed);
    if (h == 0) {
        uint64_t mine = (((uint64_t)ct__now_ns() ^ (uint64_t)(uintptr_t)&h) * 0x9e3779b97f4a7c15u) | 1;
        if (atomic_compare_exchange_strong(&start, &h, mine)) h = mine;
    }
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    return h ^ (h >> 29);
}

static int64_t find_hashed(const ct_dict *d, const char *name, uint64_t hash) {
    if (d->n_slots == 0) {
        for (int64_t i = 0; i < d->size; i++)
            if (d->entries[i].hash == hash && strcmp(d->entries[i].name, name) == 0) return i;
        return -1;
    }
    uint32_t mask = d->n_slots - 1;
    for (uint32_t s = (uint32_t)hash & mask;; s = (s + 1) & mask) {
        int32_t i = d->slots[s];
        if (i < 0) return -1;
        if (d->entries[i].hash == hash && strcmp(d->entries[i].name, name) == 0) return i;
    }
}

static void put_slot(ct_dict *d, int64_t entry) {
    uint32_t mask = d->n_slots - 1, s = (uint32_t)d->entries[entry].hash & mask;
    while (d->slots[s] >= 0) s = (s + 1) & mask;
    d->slots[s] = (int32_t)entry;
}

static void fill_slots(ct_dict *d) {
    if (d->n_slots == 0) return;
    memset(d->slots, 0xff, d->n_slots * sizeof *d->slots);
    for (int64_t i = 0; i < d->size; i++) put_slot(d, i);
}

/* ---- Entries --------------------------------------------------------------------------------------------------- */

const char *ct__dict_kind_name(ct_dict_kind kind) {
    static const char *const names[] = {"nothing", "a tensor", "an integer", "a float", "a string", "a dict"};
    return (unsigned)kind < CT__COUNT(names) ? names[kind] : "unknown";
}

const ct__dict_entry *ct__dict_at(const ct_dict *dict, int64_t i) { return &dict->entries[i]; }

/* Room for one entry more. */
static ct_status grow(ct_dict *d) {
    if (d->size < d->capacity) return CT_OK;
    if (d->capacity >= MAX_ENTRIES)
        return ct__fail(CT_ERR_UNSUPPORTED, "ct_dict_set: a dict holds at most %d names", MAX_ENTRIES);
    int64_t capacity = d->capacity ? 2 * d->capacity : LINEAR;
    if (capacity > LINEAR) {
        uint32_t n = (uint32_t)capacity * 2;
        int32_t *slots = ct__alloc_array(n, sizeof *slots);
        if (!slots) return ct__pending();
        ct__free(d->slots);
        d->slots = slots;
        d->n_slots = n;
        fill_slots(d);
    }
    ct__dict_entry *entries = ct__realloc(d->entries, (size_t)capacity * sizeof *entries);
    if (!entries) return ct__pending(); /* the wider slots are no harm */
    d->entries = entries;
    d->capacity = capacity;
    return CT_OK;
}

/* Drops what an entry that is no longer in a dict held. A dict that this ends is put on *dead instead of being freed here. */
static void drop_value(ct__dict_entry *e, ct_dict **dead) {
    if (e->kind == CT_DICT_TENSOR) ct__unref(e->u.tensor);
    if (e->kind == CT_DICT_STRING) ct__free(e->u.string);
    if (e->kind == CT_DICT_DICT && atomic_fetch_sub_explicit(&e->u.dict->obj.refs, 1, memory_order_acq_rel) == 1) {
        e->u.dict->dead = *dead;
        *dead = e->u.dict;
    }
}

static void free_dead(ct_dict *dead) {
    while (dead) {
        ct_dict *d = dead;
        dead = d->dead;
        for (int64_t i = 0; i < d->size; i++) {
            drop_value(&d->entries[i], &dead);
            ct__free(d->entries[i].name);
        }
        ct__free(d->entries);
        ct__free(d->slots);
        ct__free(d);
    }
}

void ct__dict_destroy(ct__obj *o) {
    ct_dict *d = (ct_dict *)(void *)o;
    d->dead = NULL;
    free_dead(d);
}

/* Sets name to the value in e (kind and u), taking over its reference or string; on failure the caller still has it. */
static ct_status set(ct_dict *d, const char *name, const ct__dict_entry *e) {
    uint64_t hash = hash_name(name);
    int64_t i = find_hashed(d, name, hash);
    if (i >= 0) {
        ct__dict_entry old = d->entries[i];
        ct_dict *dead = NULL;
        d->entries[i].kind = e->kind;
        d->entries[i].u = e->u;
        drop_value(&old, &dead);
        free_dead(dead);
        return CT_OK;
    }
    CT__TRY(grow(d));
    char *copy = ct__strdup(name);
    if (!copy) return ct__pending();
    d->entries[d->size] = *e;
    d->entries[d->size].name = copy;
    d->entries[d->size].length = (uint32_t)strlen(copy);
    d->entries[d->size].hash = hash;
    d->size++;
    if (d->n_slots) put_slot(d, d->size - 1);
    return CT_OK;
}

/* What all setters check first. */
static ct_status enter_set(const char *function, const ct_dict *dict, const char *name) {
    CT__TRY(ct__pending());
    if (!dict) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dict is NULL", function);
    return check_name(function, name);
}

/* ---- Public: making and setting ---------------------------------------------------------------------------------- */

ct_dict *ct_dict_new(void) {
    CT__TRY_NULL(ct__pending());
    ct_dict *d = ct__alloc_zero(sizeof *d);
    if (!d) return NULL;
    atomic_init(&d->obj.refs, 1);
    d->obj.kind = CT__KIND_DICT;
    return ct__scope_give(d);
}

ct_dict *ct_dict_keep(ct_dict *dict) {
    if (dict) ct__ref(dict);
    return dict;
}

void ct_dict_release(ct_dict *dict) { ct__unref(dict); }

ct_status ct_dict_set(ct_dict *dict, const char *name, ct_tensor *value) {
    CT__TRY(enter_set("ct_dict_set", dict, name));
    if (!value) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dict_set: value of \"%s\" is NULL", name);
    ct__ref(value); /* before set: the old value, which it drops, may be the same */
    ct_status status = set(dict, name, &(ct__dict_entry){.kind = CT_DICT_TENSOR, .u.tensor = value});
    if (status != CT_OK) ct__unref(value);
    return status;
}

ct_status ct_dict_set_i64(ct_dict *dict, const char *name, int64_t value) {
    CT__TRY(enter_set("ct_dict_set_i64", dict, name));
    return set(dict, name, &(ct__dict_entry){.kind = CT_DICT_INT, .u.i64 = value});
}

ct_status ct_dict_set_f64(ct_dict *dict, const char *name, double value) {
    CT__TRY(enter_set("ct_dict_set_f64", dict, name));
    return set(dict, name, &(ct__dict_entry){.kind = CT_DICT_FLOAT, .u.f64 = value});
}

ct_status ct_dict_set_string(ct_dict *dict, const char *name, const char *value) {
    CT__TRY(enter_set("ct_dict_set_string", dict, name));
    if (!value) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_string: value of \"%s\" is NULL", name);
    CT__TRY(check_utf8("ct_dict_set_string", "value", value));
    char *copy = ct__strdup(value);
    if (!copy) return ct__pending();
    ct_status status = set(dict, name, &(ct__dict_entry){.kind = CT_DICT_STRING, .u.string = copy});
    if (status != CT_OK) ct__free(copy);
    return status;
}

/* CT_OK if `dict` is not value and not below it, and value is at most CT__DICT_MAX_DEPTH deep. */
static ct_status check_nesting(const ct_dict *dict, const char *name, ct_dict *value) {
    static _Atomic uint64_t walks;
    uint64_t walk = atomic_fetch_add_explicit(&walks, 1, memory_order_relaxed) + 1;
    struct { ct_dict *d; int64_t next; } path[CT__DICT_MAX_DEPTH];
    int depth = 0;
    path[depth].d = value;
    path[depth++].next = 0;
    while (depth > 0) {
        ct_dict *d = path[depth - 1].d;
        if (d == dict)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_dict: \"%s\" would make the dict contain itself, %d deep", name, depth);
        int64_t i = path[depth - 1].next;
        while (i < d->size && (d->entries[i].kind != CT_DICT_DICT ||
                               atomic_load_explicit(&d->entries[i].u.dict->walk, memory_order_relaxed) == walk))
            i++;
        if (i == d->size) {
            atomic_store_explicit(&d->walk, walk, memory_order_relaxed);
            depth--;
            continue;
        }
        path[depth - 1].next = i + 1;
        if (depth == CT__DICT_MAX_DEPTH)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_dict: the value of \"%s\" is nested more than %d deep", name, CT__DICT_MAX_DEPTH);
        path[depth].d = d->entries[i].u.dict;
        path[depth++].next = 0;
    }
    return CT_OK;
}

ct_status ct_dict_set_dict(ct_dict *dict, const char *name, ct_dict *value) {
    CT__TRY(enter_set("ct_dict_set_dict", dict, name));
    if (!value) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_dict: value of \"%s\" is NULL", name);
    CT__TRY(check_nesting(dict, name, value));
    ct__ref(value); /* as in ct_dict_set */
    ct_status status = set(dict, name, &(ct__dict_entry){.kind = CT_DICT_DICT, .u.dict = value});
    if (status != CT_OK) ct__unref(value);
    return status;
}

ct_status ct_dict_remove(ct_dict *dict, const char *name) {
    CT__TRY(enter_set("ct_dict_remove", dict, name));
    int64_t i = find_hashed(dict, name, hash_name(name));
    if (i < 0) return ct__fail(CT_ERR_NOT_FOUND, "ct_dict_remove: no \"%s\" among %lld names", name, (long long)dict->size);
    ct__dict_entry old = dict->entries[i];
    ct_dict *dead = NULL;
    memmove(&dict->entries[i], &dict->entries[i + 1], (size_t)(dict->size - i - 1) * sizeof old);
    dict->size--;
    fill_slots(dict);
    ct__free(old.name);
    drop_value(&old, &dead);
    free_dead(dead);
    return CT_OK;
}

/* ---- Public: getting --------------------------------------------------------------------------------------------- */

/* The entry of this name and kind (or of kind `other`), NULL with an error pending. */
static const ct__dict_entry *get(const char *function, const ct_dict *d, const char *name, ct_dict_kind kind, ct_dict_kind other) {
    CT__TRY_NULL(ct__pending());
    if (!d || !name) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, d ? "name" : "dict");
        return NULL;
    }
    int64_t i = find_hashed(d, name, hash_name(name));
    if (i < 0) {
        ct__fail(CT_ERR_NOT_FOUND, "%s: no \"%.300s\" among %lld names", function, name, (long long)d->size);
        return NULL;
    }
    const ct__dict_entry *e = &d->entries[i];
    if (e->kind != kind && e->kind != other) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%.300s\" is %s, not %s", function, name, ct__dict_kind_name(e->kind), ct__dict_kind_name(kind));
        return NULL;
    }
    return e;
}

ct_tensor *ct_dict_get(const ct_dict *dict, const char *name) {
    const ct__dict_entry *e = get("ct_dict_get", dict, name, CT_DICT_TENSOR, CT_DICT_TENSOR);
    return e ? ct__scope_share(e->u.tensor) : NULL;
}

int64_t ct_dict_get_i64(const ct_dict *dict, const char *name) {
    const ct__dict_entry *e = get("ct_dict_get_i64", dict, name, CT_DICT_INT, CT_DICT_INT);
    return e ? e->u.i64 : 0;
}

double ct_dict_get_f64(const ct_dict *dict, const char *name) {
    const ct__dict_entry *e = get("ct_dict_get_f64", dict, name, CT_DICT_FLOAT, CT_DICT_INT);
    return !e ? 0 : e->kind == CT_DICT_INT ? (double)e->u.i64 : e->u.f64;
}

const char *ct_dict_get_string(const ct_dict *dict, const char *name) {
    const ct__dict_entry *e = get("ct_dict_get_string", dict, name, CT_DICT_STRING, CT_DICT_STRING);
    return e ? e->u.string : NULL;
}

ct_dict *ct_dict_get_dict(const ct_dict *dict, const char *name) {
    const ct__dict_entry *e = get("ct_dict_get_dict", dict, name, CT_DICT_DICT, CT_DICT_DICT);
    return e ? ct__scope_share(e->u.dict) : NULL;
}

int64_t ct_dict_size(const ct_dict *dict) { return dict ? dict->size : 0; }

static const ct__dict_entry *at(const ct_dict *d, int64_t index) {
    return d && index >= 0 && index < d->size ? &d->entries[index] : NULL;
}

const char *ct_dict_name_at(const ct_dict *dict, int64_t index) {
    const ct__dict_entry *e = at(dict, index);
    return e ? e->name : NULL;
}

ct_dict_kind ct_dict_kind_at(const ct_dict *dict, int64_t index) {
    const ct__dict_entry *e = at(dict, index);
    return e ? e->kind : CT_DICT_NONE;
}

ct_dict_kind ct_dict_kind_of(const ct_dict *dict, const char *name) {
    int64_t i = dict && name ? find_hashed(dict, name, hash_name(name)) : -1;
    return i < 0 ? CT_DICT_NONE : dict->entries[i].kind;
}
