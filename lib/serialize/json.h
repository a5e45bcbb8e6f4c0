/*
 * json.h: yyjson with the library's memory, and the tree of a dict as JSON.
 */
#ifndef CT__JSON_H
#define CT__JSON_H

#include "core/dict_impl.h"
#include "third_party/yyjson/yyjson.h"

/* An allocation that fails leaves CT_ERR_OUT_OF_MEMORY pending and makes yyjson return NULL or false. */
extern const yyjson_alc ct__json_alc;

/* A string of a file in a message: quoted, control characters and what is too long left out. */
typedef struct ct__quoted { char s[120]; } ct__quoted;
const char *ct__quote(ct__quoted *out, const char *s, size_t n);

/*
 * A dict with numbers, strings or dicts in it <-> a dict of tensors only and the tree as JSON text (format: ctorch/serialize.h).
 *
 * flatten: *tree is NULL, and *flat the dict itself, if it is one of tensors only. Otherwise *flat is a new dict, held by the innermost
 * scope, and *tree a block to ct__free.
 * restore: the tree that text says, with the tensors of flat, which it uses up; held by the innermost scope. `where` begins the messages.
 */
ct_status ct__tree_flatten(const char *function, const ct_dict *dict, const ct_dict **flat, char **tree);
ct_dict *ct__tree_restore(const char *where, ct_dict *flat, const char *text, size_t size);

#endif
