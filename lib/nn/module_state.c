/*
 * module_state.c: naming what is in the tree: parameters, buffers, state dicts, conversion.
 */
#include "nn/module_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>

#include <string.h>

/* ---- Walking ---- */

static ct_status walk(ct_module *m, ct__buf *path, int depth, ct__visit fn, void *user) {
    CT__TRY(fn(m, path->size ? path->data : "", depth, user));
    size_t length = path->size;
    for (int64_t i = 0; i < m->children.size; i++) {
        const ct__child *c = ct__child_at(m, i);
        CT__TRY(ct__buf_printf(path, "%s%s", length ? "." : "", c->name));
        CT__TRY(walk(c->module, path, depth + 1, fn, user));
        path->size = length;
        path->data[length] = 0;
    }
    return CT_OK;
}

ct_status ct__module_walk(const ct_module *root, ct__visit fn, void *user) {
    ct__buf path = {0};
    ct_status status = walk((ct_module *)root, &path, 0, fn, user);
    ct__buf_free(&path);
    return status;
}

/* Collects entries under their full names. One visitor serves all questions. */
typedef struct collector {
    ct_list *list; /* one of the two */
    ct_dict *dict;
    bool parameters, buffers, transient;
    bool unique; /* each tensor once */
    bool detach; /* without history, as state dicts are */
    bool clone;
    ct__vec seen; /* for unique: borrowed tensors */
    ct__buf name;
} collector;

static bool wanted(const collector *c, const ct__entry *e) {
    const bool kinds[] = {[CT__ENTRY_PARAMETER] = c->parameters, [CT__ENTRY_BUFFER] = c->buffers, [CT__ENTRY_TRANSIENT] = c->transient, [CT__ENTRY_COMPUTED] = false};
    if (!kinds[e->kind]) return false;
    for (int64_t i = 0; c->unique && i < c->seen.size; i++)
        if (c->seen.data[i] == e->t) return false;
    return true;
}

static ct_status collect_one(collector *c, const char *path, ct__entry *e) {
    if (c->unique) CT__TRY(ct__vec_push(&c->seen, e->t));
    ct_tensor *t = c->detach ? ct_detach(e->t) : e->t;
    if (c->clone) t = ct_clone(t);
    if (c->list) return ct_list_append(c->list, t);
    c->name.size = 0;
    CT__TRY(ct__buf_printf(&c->name, "%s%s%s", path, *path ? "." : "", e->name));
    return ct_dict_set(c->dict, c->name.data, t);
}

static ct_status collect(ct_module *m, const char *path, int depth, void *user) {
    (void)depth;
    collector *c = user;
    for (int64_t i = 0; i < m->entries.size; i++) {
        ct__entry *e = m->entries.data[i];
        if (wanted(c, e)) CT__TRY(collect_one(c, path, e));
    }
    return CT_OK;
}

/* Runs the collector in a scope and hands its list (as_list) or dict on. */
static void *run(const char *function, const ct_module *m, bool as_list, collector c) {
    CT__TRY_NULL(ct__pending());
    if (!m) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is NULL", function);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    if (as_list) c.list = ct_list_new();
    else c.dict = ct_dict_new();
    void *result = as_list ? (void *)c.list : (void *)c.dict;
    if (result) ct__module_walk(m, collect, &c);
    ct__vec_free(&c.seen);
    ct__buf_free(&c.name);
    return ct__scope_return_n(scope, &result, 1) ? result : NULL;
}

ct_list *ct_parameters(const ct_module *m) { return run("ct_parameters", m, true, (collector){.parameters = true, .unique = true}); }
ct_dict *ct_named_parameters(const ct_module *m) {
    return run("ct_named_parameters", m, false, (collector){.parameters = true, .unique = true});
}
ct_dict *ct_named_buffers(const ct_module *m) {
    return run("ct_named_buffers", m, false, (collector){.buffers = true, .transient = true, .unique = true});
}
ct_dict *ct_state_dict(const ct_module *m) {
    return run("ct_state_dict", m, false, (collector){.parameters = true, .buffers = true, .detach = true});
}
ct_dict *ct_state_dict_clone(const ct_module *m) {
    return run("ct_state_dict_clone", m, false, (collector){.parameters = true, .buffers = true, .detach = true, .clone = true});
}

int64_t ct_parameter_count(const ct_module *m, bool trainable_only) {
    if (!m) return 0;
    ct_scope scope = ct_scope_begin();
    ct_list *list = ct_parameters(m);
    int64_t sum = 0;
    for (int64_t i = 0; i < ct_list_size(list); i++) {
        const ct_tensor *t = ct_list_data(list)[i];
        if (!trainable_only || ct_requires_grad(t)) sum += ct_numel(t);
    }
    ct_scope_end(scope);
    return sum;
}

/* ---- By path ---- */

static ct_module *find_child(const ct_module *m, const char *name, size_t length) {
    for (int64_t i = 0; i < m->children.size; i++) {
        const ct__child *c = ct__child_at(m, i);
        if (strlen(c->name) == length && !memcmp(c->name, name, length)) return c->module;
    }
    return NULL;
}

/* The module that holds the last component of the path, which *name then is; NULL if there is none. */
static const ct_module *descend(const ct_module *m, const char *path, const char **name) {
    for (const char *dot; m && (dot = strchr(path, '.')); path = dot + 1) m = find_child(m, path, (size_t)(dot - path));
    *name = path;
    return m;
}

static ct_status check_path(const char *function, const ct_module *m, const char *path) {
    CT__TRY(ct__pending());
    if (m && path) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, m ? "path" : "module");
}

static ct_tensor *get_entry(const char *function, const ct_module *m, const char *path, bool parameter) {
    const char *name;
    CT__TRY_NULL(check_path(function, m, path));
    const ct_module *owner = descend(m, path, &name);
    for (int64_t i = 0; owner && i < owner->entries.size; i++) {
        const ct__entry *e = owner->entries.data[i];
        bool is_parameter = e->kind == CT__ENTRY_PARAMETER || e->kind == CT__ENTRY_COMPUTED;
        if (is_parameter == parameter && !strcmp(e->name, name)) return ct__scope_share(e->t);
    }
    ct__fail(CT_ERR_NOT_FOUND, "%s: %s has no %s \"%s\"", function, m->cls.name, parameter ? "parameter" : "buffer", path);
    return NULL;
}

ct_tensor *ct_module_get_parameter(const ct_module *m, const char *path) { return get_entry("ct_module_get_parameter", m, path, true); }
ct_tensor *ct_module_get_buffer(const ct_module *m, const char *path) { return get_entry("ct_module_get_buffer", m, path, false); }

ct_module *ct_module_get_child(const ct_module *m, const char *path) {
    const char *name;
    CT__TRY_NULL(check_path("ct_module_get_child", m, path));
    const ct_module *owner = descend(m, path, &name);
    ct_module *child = owner ? find_child(owner, name, strlen(name)) : NULL;
    if (!child) ct__fail(CT_ERR_NOT_FOUND, "ct_module_get_child: %s has no child \"%s\"", m->cls.name, path);
    return child;
}

/* ---- Parameters as a whole ---- */

static ct_status for_each_parameter(const char *function, const ct_module *m, ct_status (*fn)(ct_tensor *t, bool arg), bool arg) {
    CT__TRY(ct__pending());
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is NULL", function);
    ct_scope scope = ct_scope_begin();
    ct_list *list = ct_parameters(m);
    for (int64_t i = 0; i < ct_list_size(list); i++) fn(ct_list_data(list)[i], arg);
    ct_scope_end(scope);
    return ct__pending();
}

ct_status ct_module_set_requires_grad(ct_module *m, bool requires_grad) {
    return for_each_parameter("ct_module_set_requires_grad", m, ct_set_requires_grad, requires_grad);
}

static ct_status clear_grad(ct_tensor *t, bool unused) {
    (void)unused;
    return ct_tensor_set_grad(t, NULL);
}
ct_status ct_module_zero_grad(ct_module *m) { return for_each_parameter("ct_module_zero_grad", m, clear_grad, false); }

/* ---- Loading ---- */

typedef struct mismatch {
    ct__buf text; /* the first few names */
    int64_t n;
} mismatch;

static ct_status note(mismatch *x, const char *name, ct_dict *report, const char *kind) {
    if (report) CT__TRY(ct_dict_set_string(report, name, kind));
    if (x->n++ < 4) CT__TRY(ct__buf_printf(&x->text, "%s\"%s\"", x->n > 1 ? ", " : "", name));
    return CT_OK;
}

/* Norms count batches since PyTorch 0.4.1. As there, a state dict without the count is no error: the module keeps its own. */
static bool may_be_missing(const char *name) {
    const char *dot = strrchr(name, '.');
    return !strcmp(dot ? dot + 1 : name, "num_batches_tracked");
}

static ct_status check_value(const ct_dict *state, const char *name, const ct_tensor *own) {
    const ct_tensor *t = ct_dict_get(state, name);
    if (t && own && !ct__same_sizes(t, own)) {
        ct__shape_text a, b;
        return ct__fail(CT_ERR_SHAPE, "ct_load_state_dict: \"%s\" is %s in the state dict and %s in the module", name,
                        ct__shape_str(&a, t->sizes, t->ndim), ct__shape_str(&b, own->sizes, own->ndim));
    }
    return ct__pending();
}

/* Everything that can be wrong, before anything changes. */
static ct_status check_state(const ct_dict *own, const ct_dict *state, const ct_load_state_dict_options *o) {
    mismatch missing = {0}, unexpected = {0};
    ct_dict *report = o ? o->report : NULL;
    ct_status status = CT_OK;
    for (int64_t i = 0; status == CT_OK && i < ct_dict_size(own); i++) {
        const char *name = ct_dict_name_at(own, i);
        if (ct_dict_kind_of(state, name) == CT_DICT_NONE) {
            if (!may_be_missing(name)) status = note(&missing, name, report, "missing");
        } else status = check_value(state, name, ct_dict_get(own, name));
    }
    for (int64_t i = 0; status == CT_OK && i < ct_dict_size(state); i++) {
        const char *name = ct_dict_name_at(state, i);
        if (ct_dict_kind_of(own, name) == CT_DICT_NONE) status = note(&unexpected, name, report, "unexpected");
    }
    if (status == CT_OK && !(o && o->no_strict) && missing.n + unexpected.n)
        status = ct__fail(CT_ERR_NOT_FOUND, "ct_load_state_dict: %lld missing (%s%s), %lld unexpected (%s%s)", (long long)missing.n,
                          missing.n ? missing.text.data : "", missing.n > 4 ? ", ..." : "", (long long)unexpected.n,
                          unexpected.n ? unexpected.text.data : "", unexpected.n > 4 ? ", ..." : "");
    ct__buf_free(&missing.text);
    ct__buf_free(&unexpected.text);
    return status;
}

/* Values are converted first, all of them; the copies after that allocate nothing and cannot fail. */
static ct_status copy_values(const ct_dict *own, const ct_dict *state) {
    ct_list *from = ct_list_new(), *to = ct_list_new();
    for (int64_t i = 0; i < ct_dict_size(own); i++) {
        const char *name = ct_dict_name_at(own, i);
        if (ct_dict_kind_of(state, name) == CT_DICT_NONE) continue;
        ct_tensor *t = ct_dict_get(own, name);
        ct_tensor *value = ct_contiguous(ct_to(ct_dict_get(state, name), ct_tensor_dtype(t)), CT_FORMAT_CONTIGUOUS);
        CT__TRY(ct_list_append(to, t));
        CT__TRY(ct_list_append(from, value));
    }
    CT__TRY(ct__pending());
    for (int64_t i = 0; i < ct_list_size(to); i++) {
        ct_tensor *t = ct_list_data(to)[i], *value = ct_list_data(from)[i];
        if (!t->contiguous) CT__TRY(ct_copy_(t, value));
        else if (t->numel) {
            memmove(ct__ptr(t), ct__ptr(value), (size_t)t->numel * ct_dtype_size((ct_dtype)t->dtype));
            ct__bump_version(t);
        }
    }
    return CT_OK;
}

ct_status ct_load_state_dict(ct_module *m, const ct_dict *state, const ct_load_state_dict_options *options) {
    CT__TRY(ct__pending());
    if (!m || !state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_load_state_dict: the %s is NULL", m ? "state dict" : "module");
    CT__TRY(CT__CHECK_OPTIONS("ct_load_state_dict", options));
    ct_scope scope = ct_no_grad_begin();
    ct_dict *own = ct_state_dict(m);
    ct_status status = own ? check_state(own, state, options) : ct__pending();
    if (status == CT_OK) status = copy_values(own, state);
    ct_scope_end(scope);
    return status;
}

/* ---- Conversion ---- */

/* t keeps its handle and takes what other has; other is left with t's old elements. For a graph that saved t this is a change in place, so the
 * version goes on from t's. */
static void swap_data(ct_tensor *t, ct_tensor *other) {
    atomic_store_explicit(&other->storage->version, ct__version(t) + 1, memory_order_relaxed);
    ct_tensor before = *t;
    t->storage = other->storage, t->dtype = other->dtype, t->offset = other->offset, t->contiguous = other->contiguous;
    memcpy(t->strides, other->strides, t->ndim * sizeof *t->strides);
    other->storage = before.storage, other->dtype = before.dtype, other->offset = before.offset, other->contiguous = before.contiguous;
    memcpy(other->strides, before.strides, t->ndim * sizeof *t->strides);
}

static ct_status convert(ct_list *from, ct_list *to, ct_tensor *t, ct_dtype dtype) {
    CT__TRY(ct__pending());
    if (!t || !ct__is_float(t) || t->dtype == dtype) return CT_OK;
    CT__TRY(ct_list_append(from, ct_to(ct_detach(t), dtype)));
    return ct_list_append(to, t);
}

static ct_status convert_all(const ct_module *m, ct_dtype dtype) {
    ct_list *from = ct_list_new(), *to = ct_list_new(), *parameters = ct_parameters(m);
    ct_dict *buffers = ct_named_buffers(m);
    for (int64_t i = 0; i < ct_list_size(parameters); i++) {
        ct_tensor *t = ct_list_data(parameters)[i];
        if (ct__leads_to_leaf(t))
            return ct__fail(CT_ERR_STATE, "ct_module_to: a graph that leads to parameter %lld is alive; end its scope first", (long long)i);
        CT__TRY(convert(from, to, t, dtype));
        CT__TRY(convert(from, to, ct_tensor_grad(t), dtype));
    }
    for (int64_t i = 0; i < ct_dict_size(buffers); i++)
        CT__TRY(convert(from, to, ct_dict_get(buffers, ct_dict_name_at(buffers, i)), dtype));
    CT__TRY(ct__pending());
    for (int64_t i = 0; i < ct_list_size(to); i++) {
        swap_data(ct_list_data(to)[i], ct_list_data(from)[i]);
        ct__leaf_converted(ct_list_data(to)[i]);
    }
    return CT_OK;
}

ct_status ct_module_to(ct_module *m, ct_dtype dtype) {
    CT__TRY(ct__pending());
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_module_to: the module is NULL");
    if (!ct__dtype_valid(dtype) || !ct_dtype_is_floating_point(dtype))
        return ct__fail(CT_ERR_DTYPE, "ct_module_to: %s is no floating point dtype", ct_dtype_name(dtype));
    ct_scope scope = ct_no_grad_begin();
    ct_status status = convert_all(m, dtype);
    ct_scope_end(scope);
    return status;
}
