/*
 * module_clone.c: deep copies of module trees. What is shared inside a tree is shared in the same way inside its clone: every tensor and module is copied once.
 */
#include "nn/module_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>

#include <string.h>

typedef struct copies {
    ct__vec from, to; /* tensors and modules, and what they became; borrowed: the clone holds them */
} copies;

static void *copy_of(const copies *c, const void *from) {
    for (int64_t i = 0; i < c->from.size; i++)
        if (c->from.data[i] == from) return c->to.data[i];
    return NULL;
}

static ct_status remember(copies *c, void *from, void *to) {
    CT__TRY(ct__vec_push(&c->from, from));
    return ct__vec_push(&c->to, to);
}

/* In a scope without grad mode. */
static ct_status clone_entry(copies *c, ct_module *copy, const ct__entry *e) {
    ct_tensor *t = copy_of(c, e->t);
    if (e->kind == CT__ENTRY_COMPUTED)
        return ct__fail(CT_ERR_UNSUPPORTED, "ct_module_clone: \"%s\" of %s is normalised by hooks, which are not cloned", e->name, copy->cls.name);
    if (!t && !(t = ct_clone(e->t))) return ct__pending();
    if (e->kind == CT__ENTRY_PARAMETER) {
        CT__TRY(ct_module_register_parameter(copy, e->name, t));
        CT__TRY(ct_set_requires_grad(t, ct_requires_grad(e->t)));
    } else {
        CT__TRY(ct_module_register_buffer(copy, e->name, t, e->kind == CT__ENTRY_BUFFER));
    }
    return copy_of(c, e->t) ? CT_OK : remember(c, e->t, t);
}

static ct_module *clone(copies *c, ct_module *m);

static ct_status fill(copies *c, ct_module *copy, ct_module *m) {
    CT__TRY(remember(c, m, copy));
    copy->n_own = m->n_own;
    for (int64_t i = 0; i < m->entries.size; i++) CT__TRY(clone_entry(c, copy, m->entries.data[i]));
    for (int64_t i = 0; i < m->children.size; i++) {
        const ct__child *child = ct__child_at(m, i);
        CT__TRY(ct_module_add_child(copy, child->name, clone(c, child->module)));
    }
    return CT_OK;
}

/* A reference; NULL with an error pending. */
static ct_module *clone(copies *c, ct_module *m) {
    ct_module *known = copy_of(c, m), *copy;
    if (known) return ct_module_retain(known);
    if (m->cls.destroy && !m->cls.clone) {
        ct__fail(CT_ERR_UNSUPPORTED, "ct_module_clone: %s has a state that it frees, and no clone function for it", m->cls.name);
        return NULL;
    }
    copy = ct__module_blank(&m->cls);
    if (!copy) return NULL;
    copy->training = m->training;
    if (m->cls.clone) {
        ct_status status = m->cls.clone(copy, m);
        if (status != CT_OK) ct__fail(status, "ct_module_clone: clone of %s failed with %s", m->cls.name, ct_status_name(status));
    } else {
        memcpy(copy->state, m->state, m->cls.state_size);
    }
    if (ct__pending() == CT_OK && fill(c, copy, m) == CT_OK) return copy;
    ct_module_free(copy);
    return NULL;
}

ct_module *ct_module_clone(ct_module *m) {
    CT__TRY_NULL(ct__pending());
    if (!m) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_module_clone: the module is NULL");
        return NULL;
    }
    copies c = {.from = {.size = 0}};
    ct_scope scope = ct_no_grad_begin();
    ct_module *copy = clone(&c, m);
    ct_scope_end(scope);
    ct__vec_free(&c.from);
    ct__vec_free(&c.to);
    return copy;
}
