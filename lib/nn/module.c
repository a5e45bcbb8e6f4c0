/*
 * module.c: modules: making, freeing, the tree, running forward. Naming what is in the tree (state dicts, parameters) is in
 * module_state.c, describing it in module_text.c.
 */
#include "nn/module_impl.h"

#include <ctorch/autograd.h>

#include <string.h>

static _Thread_local ct__forward_recorder *recorder;

ct__forward_recorder *ct__module_set_recorder(ct__forward_recorder *r) {
    ct__forward_recorder *before = recorder;
    recorder = r;
    return before;
}

bool ct__module_recorded(void) { return recorder != NULL; }

/* ---- Making and freeing ---- */

static void entry_free(ct__entry *e) {
    ct__unref(e->t);
    ct__free(e->name);
    ct__free(e);
}

static void child_free(ct__child *c) {
    ct_module_free(c->module);
    ct__free(c->name);
    ct__free(c);
}

ct_module *ct_module_retain(ct_module *m) {
    if (m) atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void ct_module_free(ct_module *m) {
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    if (m->cls.destroy) m->cls.destroy(m);
    for (int64_t i = 0; i < m->entries.size; i++) entry_free(m->entries.data[i]);
    for (int64_t i = 0; i < m->children.size; i++) child_free(m->children.data[i]);
    ct__vec_free(&m->entries);
    ct__vec_free(&m->children);
    ct__hooks_free(&m->hooks);
    ct__free(m->state);
    ct__free(m);
}

ct_module *ct__module_blank(const ct_module_class *cls) {
    ct_module *m = ct__alloc_zero(sizeof *m);
    if (!m) return NULL;
    atomic_init(&m->refs, 1);
    m->training = true;
    m->cls = *cls;
    m->state = ct__alloc_zero(cls->state_size ? cls->state_size : 1);
    if (m->state) return m;
    ct__free(m);
    return NULL;
}

static ct_status init_in_scope(ct_module *m, const void *arg) {
    if (!m->cls.init) return CT_OK;
    ct_scope scope = ct_scope_begin();
    ct_status status = m->cls.init(m, arg);
    ct_scope_end(scope);
    if (status != CT_OK && ct__pending() == CT_OK)
        return ct__fail(status, "ct_module_new: init of %s failed with %s", m->cls.name, ct_status_name(status));
    return ct__pending();
}

ct_module *ct_module_new(const ct_module_class *cls, const void *arg) {
    CT__TRY_NULL(ct__pending());
    if (!cls || !cls->name || !cls->forward) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_module_new: the class %s", !cls ? "is NULL" : !cls->name ? "has no name" : "has no forward");
        return NULL;
    }
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_module_new", cls));
    ct_module *m = ct__module_blank(cls);
    if (!m) return NULL;
    m->n_own = INT64_MAX; /* until init is through */
    if (init_in_scope(m, arg) == CT_OK) {
        m->n_own = m->entries.size;
        return m;
    }
    ct_module_free(m);
    return NULL;
}

void *ct_module_state(const ct_module *m) { return m ? m->state : NULL; }
const char *ct_module_class_name(const ct_module *m) { return m ? m->cls.name : NULL; }

/* ---- Building the tree ---- */

static ct_status check_name(const char *function, const char *name) {
    if (name && *name && !strchr(name, '.')) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the name \"%s\" must be non-empty and without dots", function, name ? name : "(NULL)");
}

static int64_t find_entry(const ct_module *m, const char *name) {
    for (int64_t i = 0; i < m->entries.size; i++)
        if (!strcmp(((ct__entry *)m->entries.data[i])->name, name)) return i;
    return -1;
}

ct__entry *ct__entry_named(const ct_module *m, const char *name) {
    int64_t at = find_entry(m, name);
    return at < 0 ? NULL : m->entries.data[at];
}

void ct__entry_remove(ct_module *m, const char *name) {
    int64_t at = find_entry(m, name);
    if (at < 0) return;
    entry_free(m->entries.data[at]);
    m->entries.size--;
    if (at < m->n_own) m->n_own--;
    for (int64_t i = at; i < m->entries.size; i++) m->entries.data[i] = m->entries.data[i + 1];
}

int64_t ct__find_child(const ct_module *m, const char *name) {
    for (int64_t i = 0; i < m->children.size; i++)
        if (!strcmp(ct__child_at(m, i)->name, name)) return i;
    return -1;
}

static ct_status check_register(const char *function, const ct_module *m, const char *name, const ct_tensor *t) {
    CT__TRY(ct__pending());
    if (!m || !t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, m ? "tensor" : "module");
    CT__TRY(check_name(function, name));
    if (ct__find_child(m, name) < 0) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s has a child named \"%s\" already", function, m->cls.name, name);
}

static ct_status set_entry(ct_module *m, const char *name, ct_tensor *t, ct__entry_kind kind) {
    int64_t at = find_entry(m, name);
    ct__entry *e = at >= 0 ? m->entries.data[at] : ct__alloc_zero(sizeof *e);
    if (!e) return ct__pending();
    if (at < 0 && (!(e->name = ct__strdup(name)) || ct__vec_push(&m->entries, e) != CT_OK)) {
        entry_free(e);
        return ct__pending();
    }
    ct_tensor *before = e->t;
    e->t = ct_keep(t);
    e->kind = kind;
    ct__unref(before);
    return CT_OK;
}

ct_status ct_module_register_parameter(ct_module *m, const char *name, ct_tensor *t) {
    CT__TRY(check_register("ct_module_register_parameter", m, name, t));
    if (!ct_is_leaf(t))
        return ct__fail(CT_ERR_AUTOGRAD, "ct_module_register_parameter: \"%s\" is the result of an operation; a parameter is a leaf (see ct_detach)", name);
    CT__TRY(ct_set_requires_grad(t, true)); /* checks that it is floating point */
    return set_entry(m, name, t, CT__ENTRY_PARAMETER);
}

ct_status ct_module_register_buffer(ct_module *m, const char *name, ct_tensor *t, bool persistent) {
    CT__TRY(check_register("ct_module_register_buffer", m, name, t));
    return set_entry(m, name, t, persistent ? CT__ENTRY_BUFFER : CT__ENTRY_TRANSIENT);
}

static bool contains(const ct_module *tree, const ct_module *m) {
    if (tree == m) return true;
    for (int64_t i = 0; i < tree->children.size; i++)
        if (contains(ct__child_at(tree, i)->module, m)) return true;
    return false;
}

static ct_status add_child(ct_module *m, const char *name, ct_module *child) {
    static const char fn[] = "ct_module_add_child";
    CT__TRY(ct__pending());
    if (!m || !child) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", fn, m ? "child" : "module");
    CT__TRY(check_name(fn, name));
    if (find_entry(m, name) >= 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s has a parameter or buffer named \"%s\" already", fn, m->cls.name, name);
    if (contains(child, m)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%s\" contains the module that it would be a child of", fn, name);
    int64_t at = ct__find_child(m, name);
    ct__child *c = at >= 0 ? m->children.data[at] : ct__alloc_zero(sizeof *c);
    if (!c) return ct__pending();
    if (at < 0 && (!(c->name = ct__strdup(name)) || ct__vec_push(&m->children, c) != CT_OK)) {
        child_free(c);
        return ct__pending();
    }
    ct_module *before = c->module;
    c->module = child;
    ct_module_free(before);
    return CT_OK;
}

ct_status ct_module_add_child(ct_module *m, const char *name, ct_module *child) {
    ct_status status = add_child(m, name, child);
    if (status != CT_OK) ct_module_free(child);
    return status;
}

int64_t ct_module_num_children(const ct_module *m) { return m ? m->children.size : 0; }

ct_module *ct_module_child_at(const ct_module *m, int64_t index, const char **name) {
    if (!m || index < 0 || index >= m->children.size) return NULL;
    if (name) *name = ct__child_at(m, index)->name;
    return ct__child_at(m, index)->module;
}

/* ---- Running ---- */

static ct_status check_forward(const ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    CT__TRY(ct__pending());
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: the module is NULL");
    const ct_module_class *c = &m->cls;
    if (n_in < 0 || n_out < 1 || (n_in && !in) || !out)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward_n: %d inputs and %d outputs for %s", n_in, n_out, c->name);
    if ((c->n_inputs && n_in != c->n_inputs) || (c->n_outputs && n_out != c->n_outputs))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: %s takes %d input(s) and gives %d output(s), not %d and %d", c->name, c->n_inputs,
                        c->n_outputs, n_in, n_out);
    for (int i = 0; i < c->n_inputs; i++)
        if (!in[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: input %d of %s is NULL", i, c->name);
    return CT_OK;
}

ct_status ct__copy_state(ct_module *m, const void *arg) {
    if (arg) memcpy(m->state, arg, m->cls.state_size);
    return CT_OK;
}

ct_status ct__check_inputs(const ct_module *m, ct_tensor *const *in, int n_in, int least, int most) {
    if (n_in < least || n_in > most)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: %s takes %d to %d inputs, not %d", m->cls.name, least, most, n_in);
    for (int i = 0; i < least; i++)
        if (!in[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: input %d of %s is NULL", i, m->cls.name);
    return CT_OK;
}

ct_status ct__read_sizes(const char *function, const ct_tensor *t, int n, int more, int64_t *out) {
    ct__shape_text text;
    if (t->dtype != CT_I64 || t->ndim != 1 || (t->sizes[0] != n && t->sizes[0] != more) || t->sizes[0] < n)
        return ct__fail(CT_ERR_SHAPE, "%s: sizes are int64 [%d] or [%d], not %s %s", function, n, more, ct_dtype_name((ct_dtype)t->dtype),
                        ct__shape_str(&text, t->sizes, t->ndim));
    const int64_t *v = (const int64_t *)ct__ptr(t);
    for (int i = 0; i < n; i++) out[i] = v[(t->sizes[0] - n + i) * t->strides[0]];
    return CT_OK;
}

static void clear_outputs(ct_tensor **out, int n_out) {
    for (int i = 0; out && i < n_out; i++) out[i] = NULL;
}

ct_status ct__forward_class(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    ct_status status = m->cls.forward(m, in, n_in, out, n_out);
    if (status != CT_OK) ct__fail(status, "ct_forward: %s failed with %s", m->cls.name, ct_status_name(status));
    for (int i = 0; i < n_out; i++)
        if (!out[i]) ct__fail(CT_ERR_USER, "ct_forward: %s left output %d NULL", m->cls.name, i);
    return ct__pending();
}

ct_status ct_forward_n(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    clear_outputs(out, n_out);
    CT__TRY(check_forward(m, in, n_in, out, n_out));
    ct_scope scope = ct_scope_begin();
    if (CT__UNLIKELY(ct__module_has_hooks(m))) ct__forward_hooked(m, in, n_in, out, n_out);
    else ct__forward_class(m, in, n_in, out, n_out);
    if (ct__pending() != CT_OK) clear_outputs(out, n_out); /* a failed class may have left anything there */
    if (!ct__scope_return_n(scope, (void *const *)out, n_out)) clear_outputs(out, n_out);
    else if (recorder) recorder->record(recorder, m, out, n_out);
    return ct__pending();
}

ct_status ct__forward_as(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    clear_outputs(out, n_out);
    CT__TRY(ct__pending());
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is NULL", function);
    if (m->cls.forward != cls->forward || strcmp(m->cls.name, cls->name))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is %s, not %s", function, m->cls.name, cls->name);
    return ct_forward_n(m, in, n_in, out, n_out);
}

ct_tensor *ct_forward(ct_module *m, ct_tensor *input) {
    ct_tensor *out = NULL;
    ct_forward_n(m, &input, 1, &out, 1);
    return out;
}

static void set_training(ct_module *m, bool training) {
    if (!m) return;
    m->training = training;
    for (int64_t i = 0; i < m->children.size; i++) set_training(ct__child_at(m, i)->module, training);
}
void ct_module_train(ct_module *m) { set_training(m, true); }
void ct_module_eval(ct_module *m) { set_training(m, false); }
bool ct_module_is_training(const ct_module *m) { return m && m->training; }

static ct_status apply(ct_module *m, ct_status (*fn)(ct_module *, void *), void *user) {
    for (int64_t i = 0; i < m->children.size; i++) CT__TRY(apply(ct__child_at(m, i)->module, fn, user));
    ct_status status = fn(m, user);
    if (status != CT_OK) ct__fail(status, "ct_module_apply: the function failed with %s on %s", ct_status_name(status), m->cls.name);
    return ct__pending();
}

ct_status ct_module_apply(ct_module *m, ct_status (*fn)(ct_module *module, void *user), void *user) {
    CT__TRY(ct__pending());
    if (!m || !fn) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_module_apply: the %s is NULL", m ? "function" : "module");
    return apply(m, fn, user);
}
