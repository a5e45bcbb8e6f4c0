/*
 * ctorch/dict.h: lists of tensors, and ordered dictionaries: what state dicts, checkpoints and batches are made of.
 */
#ifndef CTORCH_DICT_H
#define CTORCH_DICT_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A list of tensors. It holds a reference to each of its tensors. Lists that calls return belong to the innermost scope, as
 * tensors do; ct_list_keep and ct_list_release are ct_keep and ct_release for them.
 */
typedef struct ct_list ct_list;
CT_API ct_list *ct_list_new(void);
CT_API ct_status ct_list_append(ct_list *list, ct_tensor *t);
CT_API int64_t ct_list_size(const ct_list *list);
CT_API ct_tensor *ct_list_get(const ct_list *list, int64_t index); /* from 0; CT_ERR_INDEX outside of the list; a new reference, in the innermost scope */
CT_API ct_tensor *const *ct_list_data(const ct_list *list);        /* borrowed; valid until the list changes */
CT_API ct_list *ct_list_keep(ct_list *list);
CT_API void ct_list_release(ct_list *list);

/*
 * An ordered dictionary: names -> tensors, numbers, strings, dictionaries. Setting a name that exists replaces its value
 * and keeps its place. Names are non-empty UTF-8 of at most 1023 bytes; strings are UTF-8 too. A dict holds a reference to each tensor
 * and dict in it; two dicts may share one. A dict must not contain itself, directly or further down, and a value may be
 * nested at most 64 deep: CT_ERR_INVALID_ARGUMENT. Lookup takes the same time for ten names as for ten thousand; removal is linear.
 */
typedef struct ct_dict ct_dict;

typedef enum ct_dict_kind {
    CT_DICT_NONE = 0, /* no such name */
    CT_DICT_TENSOR = 1,
    CT_DICT_INT = 2,
    CT_DICT_FLOAT = 3,
    CT_DICT_STRING = 4,
    CT_DICT_DICT = 5,
    CT_DICT_FORCE_32BIT = 0x7fffffff
} ct_dict_kind;

CT_API ct_dict *ct_dict_new(void);
CT_API ct_dict *ct_dict_keep(ct_dict *dict);
CT_API void ct_dict_release(ct_dict *dict);

CT_API ct_status ct_dict_set(ct_dict *dict, const char *name, ct_tensor *value);
CT_API ct_status ct_dict_set_i64(ct_dict *dict, const char *name, int64_t value);
CT_API ct_status ct_dict_set_f64(ct_dict *dict, const char *name, double value);
CT_API ct_status ct_dict_set_string(ct_dict *dict, const char *name, const char *value); /* copied */
CT_API ct_status ct_dict_set_dict(ct_dict *dict, const char *name, ct_dict *value);
CT_API ct_status ct_dict_remove(ct_dict *dict, const char *name); /* CT_ERR_NOT_FOUND if it is not there */

/* Getters: a name that is absent or of another kind is an error (CT_ERR_NOT_FOUND, CT_ERR_INVALID_ARGUMENT) that names it; ask
 * ct_dict_kind_of first where that is not one. get_f64 accepts an INT too. Tensors and dicts are new references in
 * the innermost scope; a string is borrowed until the dict changes. */
CT_API ct_tensor *ct_dict_get(const ct_dict *dict, const char *name);
CT_API int64_t ct_dict_get_i64(const ct_dict *dict, const char *name);
CT_API double ct_dict_get_f64(const ct_dict *dict, const char *name);
CT_API const char *ct_dict_get_string(const ct_dict *dict, const char *name);
CT_API ct_dict *ct_dict_get_dict(const ct_dict *dict, const char *name);

CT_API int64_t ct_dict_size(const ct_dict *dict);
CT_API const char *ct_dict_name_at(const ct_dict *dict, int64_t index);        /* NULL if out of range */
CT_API ct_dict_kind ct_dict_kind_at(const ct_dict *dict, int64_t index);
CT_API ct_dict_kind ct_dict_kind_of(const ct_dict *dict, const char *name);    /* CT_DICT_NONE if absent */

#ifdef __cplusplus
}
#endif
#endif
