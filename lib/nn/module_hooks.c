/*
 * module_hooks.c: hooks of modules.
 *
 * Backward hooks hang on two identity nodes, made by each forward of a module that has some:
 *
 *      x -> [inputs] -> forward -> [outputs] -> y            backward: outputs' formula calls the pre-hooks and keeps the gradients,
 *                                                            inputs' formula calls the hooks with them
 *
 * Both share a record of this pass. Only tensors that require grad go through a node; without such an input there is no first node, and
 * the second one calls the hooks too.
 */
#include "nn/module_impl.h"

#include <ctorch/nn_hooks.h>

#include <string.h>

typedef struct pass {
    atomic_int refs;     /* one per node */
    ct_module *module;   /* a reference */
    bool has_input_node;
    int n_in, n_out;
    ct_tensor **grad_outputs; /* n_out references, in the block; between the two nodes' formulas of one backward */
    bool kept;                /* they are there */
    int n_hooks;
    ct_hook **hooks; /* BACKWARD_PRE and BACKWARD, as they were at forward: references */
} pass;

typedef struct node_ctx {
    pass *pass;
    bool output;
    int32_t *index; /* the module's input or output of each of the node's */
} node_ctx;

/* ---- Calling ---- */

static bool wanted(const ct_hook *h, int kind) { return h->kind == kind && !h->removed; }

static ct_status check(const ct_module *m, const char *kind, ct_status status) {
    if (status != CT_OK) ct__fail(CT_ERR_USER, "a %s hook of %s returned %s without an error", kind, m->cls.name, ct_status_name(status));
    return ct__pending();
}

static ct_status call_pre(ct_module *m, ct_tensor **in, int n_in) {
    for (ct_hook *h = m->hooks; h; h = h->next) {
        if (!wanted(h, CT__HOOK_FORWARD_PRE)) continue;
        ct__hook_enter(h);
        ct_status status = ((ct_forward_pre_hook_fn)h->module_fn)(m, in, n_in, h->user);
        ct__hook_leave(h);
        CT__TRY(check(m, "forward pre", status));
        for (int i = 0; i < m->cls.n_inputs; i++)
            if (!in[i]) return ct__fail(CT_ERR_USER, "ct_forward: a forward pre hook of %s left input %d NULL", m->cls.name, i);
    }
    return CT_OK;
}

static ct_status call_post(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    for (ct_hook *h = m->hooks; h; h = h->next) {
        if (!wanted(h, CT__HOOK_FORWARD)) continue;
        ct__hook_enter(h);
        ct_status status = ((ct_forward_hook_fn)h->module_fn)(m, in, n_in, out, n_out, h->user);
        ct__hook_leave(h);
        CT__TRY(check(m, "forward", status));
        for (int i = 0; i < n_out; i++)
            if (!out[i]) return ct__fail(CT_ERR_USER, "ct_forward: a forward hook of %s left output %d NULL", m->cls.name, i);
    }
    return CT_OK;
}

static ct_status call_backward_pre(const pass *p, ct_tensor **grad_outputs) {
    for (int i = 0; i < p->n_hooks; i++) {
        ct_hook *h = p->hooks[i];
        if (!wanted(h, CT__HOOK_BACKWARD_PRE)) continue;
        ct__hook_enter(h);
        ct_status status = ((ct_backward_pre_hook_fn)h->module_fn)(p->module, grad_outputs, p->n_out, h->user);
        ct__hook_leave(h);
        CT__TRY(check(p->module, "backward pre", status));
    }
    return CT_OK;
}

static ct_status call_backward(const pass *p, ct_tensor **grad_inputs, ct_tensor *const *grad_outputs) {
    for (int i = 0; i < p->n_hooks; i++) {
        ct_hook *h = p->hooks[i];
        if (!wanted(h, CT__HOOK_BACKWARD)) continue;
        ct__hook_enter(h);
        ct_status status = ((ct_backward_hook_fn)h->module_fn)(p->module, grad_inputs, p->n_in, grad_outputs, p->n_out, h->user);
        ct__hook_leave(h);
        CT__TRY(check(p->module, "backward", status));
    }
    return CT_OK;
}

/* ---- A pass ---- */

static void drop_grad_outputs(pass *p) {
    for (int i = 0; i < p->n_out && p->kept; i++) {
        ct__unref(p->grad_outputs[i]);
        p->grad_outputs[i] = NULL;
    }
    p->kept = false;
}

static void pass_unref(pass *p) {
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    drop_grad_outputs(p);
    for (int i = 0; i < p->n_hooks; i++) ct__hook_unref(p->hooks[i]);
    ct_module_free(p->module);
    ct__free(p);
}

/* NULL where the module has no backward hooks, nothing records, or on an error. */
static pass *pass_new(ct_module *m, int n_in, int n_out) {
    int n = 0;
    for (const ct_hook *h = m->hooks; h; h = h->next) n += wanted(h, CT__HOOK_BACKWARD_PRE) || wanted(h, CT__HOOK_BACKWARD);
    if (!n || !ct__grad_mode()) return NULL;
    pass *p = ct__alloc_zero(sizeof *p + (size_t)n_out * sizeof(ct_tensor *) + (size_t)n * sizeof(ct_hook *));
    if (!p) return NULL;
    atomic_init(&p->refs, 1);
    p->module = ct_module_retain(m);
    p->n_in = n_in;
    p->n_out = n_out;
    p->grad_outputs = (ct_tensor **)(void *)(p + 1);
    p->hooks = (ct_hook **)(void *)(p->grad_outputs + n_out);
    for (ct_hook *h = m->hooks; h; h = h->next)
        if (wanted(h, CT__HOOK_BACKWARD_PRE) || wanted(h, CT__HOOK_BACKWARD)) p->hooks[p->n_hooks++] = ct__hook_ref(h);
    return p;
}

/* ---- The nodes ---- */

/* all[n]: the module's gradients, NULLs among them, from and to those of the node. */
static void spread(const node_ctx *c, ct_tensor *const *g, int n, ct_tensor **all) {
    for (int i = 0; i < n; i++) all[c->index[i]] = g[i];
}
static void collect(const node_ctx *c, ct_tensor *const *all, int n, ct_tensor **g) {
    for (int i = 0; i < n; i++) g[i] = all[c->index[i]];
}

static ct_status outputs_formula(pass *p, const node_ctx *c, ct_tensor *const *g, int n, ct_tensor **all, ct_tensor **gin) {
    spread(c, g, n, all);
    CT__TRY(call_backward_pre(p, all));
    drop_grad_outputs(p);
    for (int i = 0; i < p->n_out; i++) p->grad_outputs[i] = ct_keep(all[i]);
    p->kept = true;
    collect(c, all, n, gin);
    if (p->has_input_node) return CT_OK;
    ct_tensor **none = ct__alloc_zero(((size_t)p->n_in + 1) * sizeof *none);
    if (none) call_backward(p, none, p->grad_outputs);
    for (int i = 0; i < p->n_in && none; i++)
        if (none[i]) ct__fail(CT_ERR_USER, "ct_backward: a backward hook of %s gave a gradient of input %d, but no input requires one", p->module->cls.name, i);
    ct__free(none);
    drop_grad_outputs(p);
    return ct__pending();
}

static ct_status inputs_formula(pass *p, const node_ctx *c, ct_tensor *const *g, int n, ct_tensor **all, ct_tensor **gin) {
    spread(c, g, n, all);
    if (p->kept) CT__TRY(call_backward(p, all, p->grad_outputs)); /* else what flows here did not come through the module's outputs */
    drop_grad_outputs(p);
    collect(c, all, n, gin);
    return CT_OK;
}

static void hook_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const node_ctx *c = ct__ctx(n);
    pass *p = c->pass;
    ct_tensor **all = ct__alloc_zero(((size_t)(c->output ? p->n_out : p->n_in) + 1) * sizeof *all);
    if (!all) return;
    if (c->output) outputs_formula(p, c, g, n->n_in, all, gin);
    else inputs_formula(p, c, g, n->n_in, all, gin);
    ct__free(all);
}

static void hook_destroy(void *context) {
    node_ctx *c = context;
    pass_unref(c->pass);
    ct__free(c->index);
}

static const ct__node_class hook_class = {
    .op = -1, .name = "ModuleHookBackward", .backward = hook_backward, .ctx_size = sizeof(node_ctx), .ctx_destroy = hook_destroy, .user = true};

/* Those of t[n] that require grad become results of a node; true if there are any. part: scratch of 2 n. */
static bool through_node(pass *p, bool output, ct_tensor **t, int n, ct_tensor **part) {
    ct_tensor **alias = part + n;
    int used = 0;
    int32_t *index = ct__alloc_zero(((size_t)n + 1) * sizeof *index);
    for (int i = 0; i < n && index; i++) {
        if (!t[i] || !ct__requires_grad(t[i])) continue;
        index[used] = i;
        part[used++] = t[i];
    }
    ct__node *node = used ? ct__node_new(&hook_class, part, used, used) : NULL;
    if (!node) {
        ct__free(index);
        return false;
    }
    node_ctx *c = ct__ctx(node);
    *c = (node_ctx){p, output, index};
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    for (int i = 0; i < used; i++) {
        alias[i] = ct__new_view(part[i], part[i]->sizes, part[i]->strides, part[i]->ndim, part[i]->offset);
        if (alias[i]) ct__mark_function_view(alias[i], part[i]); /* a change in place would pass the hooks by */
    }
    if (!ct__finish_n(node, alias, used)) return false;
    for (int i = 0; i < used; i++) t[index[i]] = alias[i];
    return true;
}

/* ---- Forward ---- */

ct_status ct__forward_hooked(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    size_t most = (size_t)(n_in > n_out ? n_in : n_out);
    ct_tensor **args = ct__alloc_zero(((size_t)n_in + 2 * most) * sizeof *args), **part = args ? args + n_in : NULL;
    if (!args) return ct__pending();
    if (n_in) memcpy(args, in, (size_t)n_in * sizeof *args);
    ct_status status = call_pre(m, args, n_in);
    pass *p = status == CT_OK ? pass_new(m, n_in, n_out) : NULL;
    if (p) p->has_input_node = through_node(p, false, args, n_in, part);
    if (ct__pending() == CT_OK) ct__forward_class(m, args, n_in, out, n_out);
    if (ct__pending() == CT_OK) call_post(m, args, n_in, out, n_out);
    if (ct__pending() == CT_OK && p) through_node(p, true, out, n_out, part);
    pass_unref(p);
    ct__free(args);
    return ct__pending();
}

/* ---- Registering ---- */

static ct_status add(const char *function, int kind, ct_module *m, void (*fn)(void), void *user, void (*free_user)(void *user),
                     const ct_module_hook_options *options, ct_hook **handle) {
    if (handle) *handle = NULL;
    ct_status status = ct__pending();
    if (status == CT_OK) status = CT__CHECK_OPTIONS(function, options);
    if (status == CT_OK && (!m || !fn)) status = ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, m ? "hook" : "module");
    ct_hook *h = status == CT_OK ? ct__hook_new(kind, 0) : NULL;
    if (!h) {
        if (free_user) free_user(user);
        return ct__pending();
    }
    h->module_fn = fn;
    h->user = user;
    h->free_user = free_user;
    if (handle) *handle = ct__hook_ref(h);
    if (options && options->prepend) ct__hook_prepend(&m->hooks, h);
    else ct__hook_add(&m->hooks, h);
    return CT_OK;
}

typedef void (*any_fn)(void);

ct_status ct_module_register_forward_pre_hook(ct_module *m, ct_forward_pre_hook_fn fn, void *user, void (*free_user)(void *user),
                                              const ct_module_hook_options *options, ct_hook **handle) {
    return add("ct_module_register_forward_pre_hook", CT__HOOK_FORWARD_PRE, m, (any_fn)fn, user, free_user, options, handle);
}

ct_status ct_module_register_forward_hook(ct_module *m, ct_forward_hook_fn fn, void *user, void (*free_user)(void *user),
                                          const ct_module_hook_options *options, ct_hook **handle) {
    return add("ct_module_register_forward_hook", CT__HOOK_FORWARD, m, (any_fn)fn, user, free_user, options, handle);
}

ct_status ct_module_register_full_backward_pre_hook(ct_module *m, ct_backward_pre_hook_fn fn, void *user, void (*free_user)(void *user),
                                                    const ct_module_hook_options *options, ct_hook **handle) {
    return add("ct_module_register_full_backward_pre_hook", CT__HOOK_BACKWARD_PRE, m, (any_fn)fn, user, free_user, options, handle);
}

ct_status ct_module_register_full_backward_hook(ct_module *m, ct_backward_hook_fn fn, void *user, void (*free_user)(void *user),
                                                const ct_module_hook_options *options, ct_hook **handle) {
    return add("ct_module_register_full_backward_hook", CT__HOOK_BACKWARD, m, (any_fn)fn, user, free_user, options, handle);
}
