/*
 * function.c: operations of the program's own.
 *
 * forward runs before there is a node: its context begins on the stack and moves into the node, if one is recorded. What forward
 * saved lies in a block of the context's, since every call may save another number of tensors.
 *
 * forward's outputs are not given the node themselves, but aliases of them are: an output may be an input, or a tensor that the
 * program keeps.
 */
#include "autograd/engine.h"

#include "base/vec.h"

#include <string.h>

struct ct_function_ctx {
    ct_function_class cls;
    char *name; /* of the node */
    void *user;
    ct__node *node;      /* once it exists */
    bool in_forward;
    bool recorded;       /* an input requires grad */
    bool keep_null;      /* grad_out may be NULL */
    ct_tensor *const *in; /* in forward */
    int n_in, n_out, n_saved;
    ct__saved_tensor *saved; /* in forward: references and versions; then as other nodes' */
    bool *fixed;             /* per output: marked as not differentiable. NULL: none */
};

/* ---- The context's life ---- */

static void release(void *context) {
    ct_function_ctx *c = context;
    for (int i = 0; i < c->n_saved; i++) ct__saved_clear(&c->saved[i]);
}

static void destroy(void *context) {
    ct_function_ctx *c = context;
    release(c);
    ct__free(c->saved);
    ct__free(c->fixed);
    ct__free(c->name);
    if (c->cls.free_user) c->cls.free_user(c->user);
}

static const char *name_of(const void *context) { return ((const ct_function_ctx *)context)->name; }

static ct_status init(ct_function_ctx *c, const ct_function_class *f) {
    static const char suffix[] = "Backward";
    size_t length = f->name ? strlen(f->name) : 0;
    c->name = ct__alloc(length + sizeof suffix);
    if (!c->name) return ct__pending();
    if (length) memcpy(c->name, f->name, length);
    memcpy(c->name + length, suffix, sizeof suffix);
    return CT_OK;
}

/* ---- Backward ---- */

static void function_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_function_ctx *c = ct__ctx(n);
    ct_tensor **all = ct__alloc_array((size_t)n->n_out, sizeof *all);
    if (!all) return;
    for (int i = 0; i < n->n_out; i++) {
        all[i] = g[i];
        if (g[i] || c->keep_null) continue;
        ct_tensor *zero = ct__new(c->name, n->meta[i].sizes, n->meta[i].ndim, (ct_dtype)n->meta[i].dtype);
        if (zero) memset(ct__ptr(zero), 0, zero->storage->nbytes);
        all[i] = ct__scope_give(zero);
    }
    ct_status status = ct__pending();
    if (status == CT_OK) {
        status = c->cls.backward(c, all, n->n_out, gin, n->n_in);
        if (status != CT_OK) ct__fail(CT_ERR_USER, "%s: backward returned %s without an error", c->name, ct_status_name(status));
    }
    ct__free(all);
}

#define CLASS(is_once)                                                                                                          \
    {.op = -1, .name_of = name_of, .backward = function_backward, .ctx_size = sizeof(ct_function_ctx), .ctx_destroy = destroy, \
     .release = release, .user = true, .once = is_once}
static const ct__node_class function_class = CLASS(false), function_once_class = CLASS(true);
#undef CLASS

/* ---- Forward ---- */

/* What forward saved moves from plain references to the node's slots. */
static void settle_saved(ct_function_ctx *c, ct_tensor *const *raw) {
    for (int i = 0; i < c->n_saved; i++) {
        ct__saved_tensor *s = &c->saved[i];
        ct_tensor *t = s->t;
        int nr = -1;
        for (int o = 0; o < c->n_out && t; o++)
            if (raw[o] == t) nr = o;
        for (int j = 0; j < c->n_in && t; j++)
            if (c->in[j] == t) nr = -1; /* returned as it came: the input's history is the right one */
        if (nr < 0) {
            if (t && t->inference) ct__save_at(c->node, s, t); /* raises the error */
            continue;
        }
        int64_t version = s->version;
        s->t = NULL;
        ct__save_output_at(c->node, s, t, c->fixed && c->fixed[nr] ? -1 : nr);
        s->version = version;
        ct__unref(t);
    }
}

/* The node, if this call is recorded. Takes over the context; without a node it ends here. */
static ct__node *record(ct_function_ctx *c, ct_tensor *const *raw) {
    ct__node *n = ct__node_new(c->cls.once_differentiable ? &function_once_class : &function_class, c->in, c->n_in, c->n_out);
    if (!n) {
        destroy(c);
        return NULL;
    }
    ct_function_ctx *to = ct__ctx(n);
    *to = *c;
    to->node = n;
    to->in_forward = false;
    settle_saved(to, raw);
    for (int i = 0; i < to->n_saved; i++) ct__saved_pack_at(n, &to->saved[i]);
    for (int i = 0; i < c->n_out; i++) ct__set_meta(&n->meta[i], raw[i]);
    to->in = NULL;
    return n;
}

/* The tensor that output i shares its memory with as a view does: an input, an earlier output, or what forward took a view of. */
static ct_tensor *viewed_by(const ct_function_ctx *c, ct_tensor *const *raw, ct_tensor *const *out, int i) {
    for (int j = 0; j < c->n_in; j++)
        if (raw[i] == c->in[j]) return c->in[j];
    for (int j = 0; j < i; j++)
        if (raw[i] == raw[j]) return out[j];
    ct_tensor *base = raw[i]->autograd ? ct__ag(raw[i])->base : NULL;
    for (int j = 0; j < c->n_out && base; j++)
        if (base == raw[j]) return out[j];
    return base;
}

/* So that a change in place of one, which the other's history would not know of, is an error. */
static void mark_views(const ct_function_ctx *c, ct_tensor *const *raw, ct_tensor *const *out) {
    for (int i = 0; i < c->n_out && ct__pending() == CT_OK; i++) {
        ct_tensor *base = out[i] && ct__is_float(out[i]) && !(c->fixed && c->fixed[i]) ? viewed_by(c, raw, out, i) : NULL;
        if (base && base != out[i]) ct__mark_function_view(out[i], base);
    }
}

/* Attaches the outputs one by one: those marked get no history. */
static void finish(ct__node *n, const bool *fixed, ct_tensor **out, int n_out) {
    bool inference = (ct__context()->modes & CT__MODE_INFERENCE) != 0;
    for (int i = 0; i < n_out; i++) {
        if (!out[i]) continue;
        out[i]->inference |= inference;
        if (!n || ct__pending() != CT_OK || !ct__is_float(out[i]) || (fixed && fixed[i])) continue;
        ct__set_history(out[i], ct__node_ref(n), i);
    }
    ct__node_unref(n);
}

/* Sum of the versions of the inputs that require grad: whether forward has changed one, whose history would not know. */
static int64_t versions(const ct_function_ctx *c) {
    int64_t sum = 0;
    for (int i = 0; i < c->n_in && c->recorded; i++)
        if (c->in[i] && ct__requires_grad(c->in[i])) sum += ct__version(c->in[i]);
    return sum;
}

static ct_status call_forward(ct_function_ctx *c, ct_tensor **raw) {
    ct_scope modes = ct_scope_begin();
    ct__context()->modes |= CT__MODE_NO_GRAD;
    int64_t before = versions(c);
    ct_status status = c->cls.forward(c, c->in, c->n_in, raw, c->n_out);
    if (status == CT_OK && versions(c) != before)
        ct__fail(CT_ERR_AUTOGRAD, "%s: forward changed an input that requires grad in place; change a clone", c->cls.name ? c->cls.name : "ct_function_apply");
    for (int i = 0; i < c->n_out && status == CT_OK && ct__pending() == CT_OK; i++)
        if (!raw[i]) ct__fail(CT_ERR_USER, "%s: forward left output %d NULL", c->cls.name ? c->cls.name : "ct_function_apply", i);
    if (status != CT_OK) ct__fail(CT_ERR_USER, "%s: forward returned %s without an error", c->cls.name ? c->cls.name : "ct_function_apply", ct_status_name(status));
    if (ct__pending() == CT_OK)
        for (int i = 0; i < c->n_out; i++) ct__ref(raw[i]);
    ct_scope_end(modes);
    return ct__pending();
}

static ct_status check_call(const char *function, const ct_function_class *f, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    CT__TRY(ct__pending());
    if (!f || !f->forward || !f->backward)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the class%s is NULL", function, !f ? "" : !f->forward ? "'s forward" : "'s backward");
    CT__TRY(CT__CHECK_OPTIONS(function, f));
    if (n_in < 0 || (n_in && !in) || n_out < 1 || !out)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d inputs%s, %d outputs%s", function, n_in, n_in && !in ? " at NULL" : "", n_out, out ? "" : " at NULL");
    return CT_OK;
}

static bool any_requires_grad(ct_tensor *const *in, int n) {
    for (int i = 0; i < n; i++)
        if (in[i] && ct__requires_grad(in[i])) return true;
    return false;
}

ct_status ct_function_apply_n(const ct_function_class *f, void *user, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    ct_function_ctx c = {.user = user, .in_forward = true, .in = in, .n_in = n_in, .n_out = n_out};
    for (int i = 0; i < n_out && out; i++) out[i] = NULL;
    ct_status status = check_call("ct_function_apply", f, in, n_in, out, n_out);
    if (f) c.cls = *f;
    c.recorded = status == CT_OK && ct__grad_mode() && any_requires_grad(in, n_in);
    ct_tensor **raw = NULL;
    if (status == CT_OK) status = init(&c, f);
    if (status == CT_OK && !(raw = ct__alloc_zero((size_t)n_out * sizeof *raw))) status = ct__pending();
    if (status == CT_OK) status = call_forward(&c, raw);
    if (status != CT_OK) {
        ct__free(raw);
        destroy(&c);
        return ct__pending();
    }
    for (int i = 0; i < n_out; i++) out[i] = ct__new_view(raw[i], raw[i]->sizes, raw[i]->strides, raw[i]->ndim, raw[i]->offset);
    if (c.recorded) mark_views(&c, raw, out);
    bool *fixed = c.fixed;
    ct__node *n = record(&c, raw);
    finish(n, n ? fixed : NULL, out, n_out);
    for (int i = 0; i < n_out; i++) {
        ct__unref(raw[i]);
        out[i] = ct__scope_give(out[i]);
    }
    for (int i = 0; i < n_out && ct__pending() != CT_OK; i++) out[i] = NULL; /* the scope frees those that it got */
    ct__free(raw);
    return ct__pending();
}

ct_tensor *ct_function_apply(const ct_function_class *f, void *user, ct_tensor *const *in, int n_in) {
    ct_tensor *out = NULL;
    ct_function_apply_n(f, user, in, n_in, &out, 1);
    return out;
}

/* ---- For the callbacks ---- */

static ct_status check_forward(const char *function, const ct_function_ctx *c) {
    CT__TRY(ct__pending());
    if (!c) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the context is NULL", function);
    return c->in_forward ? CT_OK : ct__fail(CT_ERR_STATE, "%s: only in forward", function);
}

ct_status ct_function_save_for_backward(ct_function_ctx *c, ct_tensor *const *tensors, int n) {
    static const char function[] = "ct_function_save_for_backward";
    CT__TRY(check_forward(function, c));
    if (n < 0 || (n && !tensors)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d tensors%s", function, n, tensors ? "" : " at NULL");
    ct__saved_tensor *saved = ct__alloc_zero((size_t)(n + 1) * sizeof *saved);
    if (!saved) return ct__pending();
    for (int i = 0; i < n && c->recorded; i++) /* else backward never comes */
        if (tensors[i]) saved[i] = (ct__saved_tensor){.t = ct_keep(tensors[i]), .version = ct__version(tensors[i]), .output = -1,
                                                             .tracked = ct__requires_grad(tensors[i])};
    release(c);
    ct__free(c->saved);
    c->saved = saved;
    c->n_saved = n;
    return CT_OK;
}

ct_status ct_function_mark_non_differentiable(ct_function_ctx *c, int output) {
    static const char function[] = "ct_function_mark_non_differentiable";
    CT__TRY(check_forward(function, c));
    if (output < 0 || output >= c->n_out) return ct__fail(CT_ERR_INDEX, "%s: output %d of %d", function, output, c->n_out);
    if (!c->fixed) c->fixed = ct__alloc_zero((size_t)c->n_out * sizeof *c->fixed);
    if (!c->fixed) return ct__pending();
    c->fixed[output] = true;
    return CT_OK;
}

ct_status ct_function_set_materialize_grads(ct_function_ctx *c, bool value) {
    CT__TRY(check_forward("ct_function_set_materialize_grads", c));
    c->keep_null = !value;
    return CT_OK;
}

void *ct_function_user(const ct_function_ctx *c) { return c ? c->user : NULL; }

bool ct_function_needs_input_grad(const ct_function_ctx *c, int input) {
    if (!c || input < 0 || input >= c->n_in) return false;
    if (c->in_forward) return c->recorded && c->in[input] && ct__requires_grad(c->in[input]);
    return ct__needs(c->node, input);
}

ct_tensor *ct_function_saved_tensor(ct_function_ctx *c, int index) {
    static const char function[] = "ct_function_saved_tensor";
    CT__TRY_NULL(ct__pending());
    if (!c || c->in_forward) {
        ct__fail(CT_ERR_STATE, "%s: only in backward", function);
        return NULL;
    }
    if (index < 0 || index >= c->n_saved) {
        ct__fail(CT_ERR_INDEX, "%s: tensor %d of %d", function, index, c->n_saved);
        return NULL;
    }
    return ct__saved_at(c->node, &c->saved[index]);
}
