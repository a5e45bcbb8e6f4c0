/*
 * nn_containers.c: Sequential, ModuleList, ModuleDict and Identity.
 *
 * A list's children are named by their numbers. Inserting and taking out move the modules along the names, which stay as they are:
 *
 *      names    "0"  "1"  "2"               "0"  "1"  "2"  "3"
 *      modules   a    b    c    insert at 1   a    x    b    c
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"

#include <ctorch/nn_containers.h>

#include <stdio.h>
#include <string.h>

typedef struct number_text { char s[24]; } number_text;
static const char *number(number_text *b, int64_t i) {
    snprintf(b->s, sizeof b->s, "%lld", (long long)i);
    return b->s;
}

/* ---- The classes ---- */

static ct_status sequential_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct__forward_children(m, in[0]);
    return ct__pending();
}

static ct_status no_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)in, (void)n_in, (void)out, (void)n_out;
    return ct__fail(CT_ERR_UNSUPPORTED, "ct_forward: a %s only holds modules; run its children", m->cls.name);
}

static const ct_module_class sequential_class = {.name = "Sequential", .n_inputs = 1, .n_outputs = 1, .forward = sequential_forward},
                             list_class = {.name = "ModuleList", .forward = no_forward}, dict_class = {.name = "ModuleDict", .forward = no_forward};

static bool is_a(const ct_module *m, const ct_module_class *cls) { return m->cls.forward == cls->forward && !strcmp(m->cls.name, cls->name); }
bool ct__is_module_list(const ct_module *m) { return is_a(m, &list_class); }

/* The ct_module itself if nothing is pending, else NULL, and it is freed. */
static ct_module *finish(ct_module *m) {
    if (ct__pending() == CT_OK) return m;
    ct_module_free(m);
    return NULL;
}

/* With an error pending ct_module_add_child frees the child, so that all references are taken over whatever fails. */
static ct_module *of_children(const char *function, const ct_module_class *cls, ct_module *const *children, int n) {
    ct_module *m = ct_module_new(cls, NULL);
    number_text name;
    if (n < 0 || (n && !children)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s_n: %d children at %s", function, n, children ? "an array" : "NULL");
    for (int i = 0; children && i < n; i++) {
        if (!children[i]) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: child %d is NULL", function, i);
        ct_module_add_child(m, number(&name, i), children[i]);
    }
    return finish(m);
}

static ct_module *of_named(const char *function, const ct_module_class *cls, const ct_named_module *children, int n) {
    ct_module *m = ct_module_new(cls, NULL);
    if (n < 0 || (n && !children)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s_n: %d children at %s", function, n, children ? "an array" : "NULL");
    for (int i = 0; children && i < n; i++) {
        if (!children[i].module)
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: child %d (\"%s\") is NULL", function, i, children[i].name ? children[i].name : "(NULL)");
        if (m && children[i].name && ct__find_child(m, children[i].name) >= 0)
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: two children are named \"%s\"", function, children[i].name);
        ct_module_add_child(m, children[i].name, children[i].module);
    }
    return finish(m);
}

ct_module *ct_nn_sequential_n(ct_module *const *children, int n) { return of_children("ct_nn_sequential", &sequential_class, children, n); }
ct_module *ct_nn_module_list_n(ct_module *const *children, int n) { return of_children("ct_nn_module_list", &list_class, children, n); }
ct_module *ct_nn_sequential_named_n(const ct_named_module *children, int n) { return of_named("ct_nn_sequential_named", &sequential_class, children, n); }
ct_module *ct_nn_module_dict_n(const ct_named_module *children, int n) { return of_named("ct_nn_module_dict", &dict_class, children, n); }

/* ---- Changing them ---- */

static ct_status check(const char *function, const ct_module_class *cls, const ct_module *m) {
    CT__TRY(ct__pending());
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is NULL", function);
    return is_a(m, cls) ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is %s, not %s", function, m->cls.name, cls->name);
}

/* The children from `first` on are named by their numbers. */
static ct_status check_numbered(const char *function, const ct_module *m, int64_t first) {
    number_text name;
    for (int64_t i = first; i < m->children.size; i++)
        if (strcmp(ct__child_at(m, i)->name, number(&name, i)))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: child %lld is named \"%s\"; only numbered children can move", function, (long long)i,
                            ct__child_at(m, i)->name);
    return CT_OK;
}

static ct_status check_insert(const char *function, const ct_module_class *cls, const ct_module *m, int64_t *index) {
    CT__TRY(check(function, cls, m));
    int64_t n = m->children.size, at = *index < 0 ? *index + n : *index;
    if (at < 0 || at > n) return ct__fail(CT_ERR_INDEX, "%s: index %lld with %lld children", function, (long long)*index, (long long)n);
    *index = at;
    return check_numbered(function, m, at);
}

static ct_status insert(const char *function, const ct_module_class *cls, ct_module *m, int64_t index, ct_module *child) {
    number_text name;
    if (check_insert(function, cls, m, &index) != CT_OK) {
        ct_module_free(child);
        return ct__pending();
    }
    int64_t n = m->children.size;
    if (ct__find_child(m, number(&name, n)) >= 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: there is a child named \"%s\" already", function, name.s);
    CT__TRY(ct_module_add_child(m, name.s, child));
    for (int64_t i = n; i > index; i--) ct__child_at(m, i)->module = ct__child_at(m, i - 1)->module;
    ct__child_at(m, index)->module = child;
    return CT_OK;
}

static ct_status append(const char *function, const ct_module_class *cls, ct_module *m, ct_module *child) {
    return insert(function, cls, m, m ? m->children.size : 0, child);
}

ct_status ct_nn_sequential_append(ct_module *m, ct_module *child) { return append("ct_nn_sequential_append", &sequential_class, m, child); }
ct_status ct_nn_sequential_insert(ct_module *m, int64_t index, ct_module *child) {
    return insert("ct_nn_sequential_insert", &sequential_class, m, index, child);
}
ct_status ct_nn_module_list_append(ct_module *m, ct_module *child) { return append("ct_nn_module_list_append", &list_class, m, child); }
ct_status ct_nn_module_list_insert(ct_module *m, int64_t index, ct_module *child) { return insert("ct_nn_module_list_insert", &list_class, m, index, child); }

/* Takes the entry at `entry` out of the tree and the module out of the one at `at`; the modules between move up. */
static ct_module *take(ct_module *m, int64_t at, int64_t entry) {
    ct_module *child = ct__child_at(m, at)->module;
    ct__child *gone = ct__child_at(m, entry);
    for (int64_t i = at; i < entry; i++) ct__child_at(m, i)->module = ct__child_at(m, i + 1)->module;
    memmove(m->children.data + entry, m->children.data + entry + 1, (size_t)(m->children.size - entry - 1) * sizeof *m->children.data);
    m->children.size--;
    ct__free(gone->name);
    ct__free(gone);
    return child;
}

static ct_module *pop(const char *function, const ct_module_class *cls, ct_module *m, int64_t index) {
    CT__TRY_NULL(check(function, cls, m));
    int64_t n = m->children.size, at = index < 0 ? index + n : index;
    if (at < 0 || at >= n) {
        ct__fail(CT_ERR_INDEX, "%s: index %lld with %lld children", function, (long long)index, (long long)n);
        return NULL;
    }
    if (at < n - 1) CT__TRY_NULL(check_numbered(function, m, at));
    return take(m, at, n - 1);
}
ct_module *ct_nn_sequential_pop(ct_module *m, int64_t index) { return pop("ct_nn_sequential_pop", &sequential_class, m, index); }
ct_module *ct_nn_module_list_pop(ct_module *m, int64_t index) { return pop("ct_nn_module_list_pop", &list_class, m, index); }

ct_module *ct_nn_module_dict_pop(ct_module *m, const char *name) {
    CT__TRY_NULL(check("ct_nn_module_dict_pop", &dict_class, m));
    int64_t at = name ? ct__find_child(m, name) : -1;
    if (at >= 0) return take(m, at, at);
    ct__fail(CT_ERR_NOT_FOUND, "ct_nn_module_dict_pop: there is no child \"%s\"", name ? name : "(NULL)");
    return NULL;
}

/* ---- Identity ---- */

static ct_status identity_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    out[0] = in[0];
    return CT_OK;
}
static const ct_module_class identity_class = {.name = "Identity", .n_inputs = 1, .n_outputs = 1, .forward = identity_forward};
ct_module *ct_nn_identity(void) { return ct_module_new(&identity_class, NULL); }
