/*
 * dict_impl.h: walking a dict from inside the library without a lookup, a scope or a copy per entry.
 */
#ifndef CT__DICT_IMPL_H
#define CT__DICT_IMPL_H

#include "core/object.h"

typedef struct ct__dict_entry {
    char *name; /* NUL-terminated, length bytes */
    uint32_t length;
    ct_dict_kind kind;
    uint64_t hash;
    union {
        ct_tensor *tensor; /* a reference of the dict's */
        ct_dict *dict;     /* likewise */
        char *string;      /* a copy of the dict's */
        int64_t i64;
        double f64;
    } u;
} ct__dict_entry;

/* Entry i of ct_dict_size; borrowed, valid until the dict changes. */
const ct__dict_entry *ct__dict_at(const ct_dict *dict, int64_t i);

/* Kinds in messages: "a tensor", "an integer". */
const char *ct__dict_kind_name(ct_dict_kind kind);

/* How deep dicts may be nested in each other; ct_dict_set_dict refuses a value that is deeper. */
enum { CT__DICT_MAX_DEPTH = 64 };

/* Of object.c's dispatch. */
void ct__list_destroy(ct__obj *list);
void ct__dict_destroy(ct__obj *dict);

#endif
