/*
 * module_impl.h: the module's layout, for the layers of this folder.
 */
#ifndef CT__MODULE_IMPL_H
#define CT__MODULE_IMPL_H

#include "base/vec.h"
#include "core/tensor_impl.h"
#include "graph/hooks.h"
#include <ctorch/nn.h>

/* TRANSIENT: a buffer that is not saved. COMPUTED: a weight that is made of other entries before each forward (nn_reparam.c), itself neither parameter nor buffer. */
typedef enum ct__entry_kind { CT__ENTRY_PARAMETER, CT__ENTRY_BUFFER, CT__ENTRY_TRANSIENT, CT__ENTRY_COMPUTED } ct__entry_kind;

typedef struct ct__entry {
    char *name;
    ct_tensor *t; /* a reference */
    ct__entry_kind kind;
} ct__entry;

typedef struct ct__child {
    char *name;
    ct_module *module; /* a reference */
} ct__child;

struct ct_module {
    atomic_int refs;
    bool training;
    ct_module_class cls;
    void *state;
    ct__vec entries;  /* of ct__entry *, parameters and buffers in order of registration */
    int64_t n_own;    /* how many of them init registered; those that the program added stand behind */
    ct__vec children; /* of ct__child * */
    ct_hook *hooks;   /* NULL for most */
};

/* A module of the class with a zeroed state and nothing in it. */
ct_module *ct__module_blank(const ct_module_class *cls);

/* Forward and backward hooks may look between the module and its neighbours: what fuses adjacent modules must leave it alone. */
CT__INLINE bool ct__module_has_hooks(const ct_module *m) { return m->hooks != NULL; }
/* forward with its hooks around it. */
ct_status ct__forward_hooked(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out);
ct_status ct__forward_class(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out); /* without; all outputs are there unless it fails */
/* ct_forward_n for the typed call `function` of a class: any other module is an error. */
ct_status ct__forward_as(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out);

/* The i-th entry, as init registered it: borrowed, NULL if there are fewer. For the layers' own forward. */
CT__INLINE ct_tensor *ct__entry_at(const ct_module *m, int64_t i) {
    return i < m->entries.size && i < m->n_own ? ((ct__entry *)m->entries.data[i])->t : NULL;
}
ct__entry *ct__entry_named(const ct_module *m, const char *name); /* of the module itself; NULL if it has none of that name */
void ct__entry_remove(ct_module *m, const char *name);            /* that is not there is fine; the others keep their order */
CT__INLINE ct__child *ct__child_at(const ct_module *m, int64_t i) { return m->children.data[i]; }
int64_t ct__find_child(const ct_module *m, const char *name); /* its index, -1 if there is none */
bool ct__is_module_list(const ct_module *m);
bool ct__takes_indices(const ct_module *m); /* an embedding */

/* The init of classes whose argument is the first value of their state (NULL: zeros), and nothing more. */
ct_status ct__copy_state(ct_module *m, const void *arg);

/* For the forward of classes that take several numbers of inputs: there are least to most, and the first `least` are not NULL. */
ct_status ct__check_inputs(const ct_module *m, ct_tensor *const *in, int n_in, int least, int most);

/* The last n numbers of an int64 [n] or [more]: sizes that come as a tensor. */
ct_status ct__read_sizes(const char *function, const ct_tensor *t, int n, int more, int64_t *out);

/* Walks the tree, a module before its children, and calls fn with the dotted path of each module ("" for the root) and its
 * depth. Stops at the first status but CT_OK. */
typedef ct_status (*ct__visit)(ct_module *m, const char *path, int depth, void *user);
ct_status ct__module_walk(const ct_module *root, ct__visit fn, void *user);

/* Called after each forward on this thread while a summary is being made. */
typedef struct ct__forward_recorder {
    void (*record)(struct ct__forward_recorder *r, const ct_module *m, ct_tensor *const *out, int n_out);
} ct__forward_recorder;
ct__forward_recorder *ct__module_set_recorder(ct__forward_recorder *r); /* returns the one before */
bool ct__module_recorded(void);                                         /* there is one */

#endif
