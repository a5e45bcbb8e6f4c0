/*
 * nn_reparam.c: weight_norm and spectral_norm. Both are the same mechanism around a formula:
 *
 *      before    weight                                     a parameter
 *      after     weight (COMPUTED), weight_g, weight_v      weight stays in its place among the entries, where forward looks for it, but is neither a
 *                                                           parameter nor a buffer: no optimizer, state dict or conversion meets it
 *
 *      forward pre-hook     weight = formula(parts), recorded if anything records
 *      forward hook         weight = the same without history, so that no graph lives longer than the program's scopes; buffers that the formula moves on
 *                           move now, after a forward that did not fail
 *
 * Both hooks share one record, which the first one owns. It remembers which storages and versions the present weight was made of: with these unchanged
 * and nothing to record, the pre-hook leaves all as it is and a module may run on several threads.
 */
#include "nn/module_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/nn_hooks.h>
#include <ctorch/nn_utils.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PARTS = 3 };

typedef struct reparam reparam;

typedef struct reparam_method {
    const char *function; /* "ct_weight_norm" */
    int n_parts, n_parameters;          /* the first parts are parameters, the others buffers */
    const char *suffix[MAX_PARTS];      /* "_g": what the parts are called */
    /* moved[i], in training mode: what part i becomes after this forward, for the innermost scope; NULL: it stays. */
    ct_tensor *(*compute)(const reparam *r, ct_tensor *const *part, bool training, ct_tensor **moved);
    bool moves; /* in training mode parts become others */
} reparam_method;

struct reparam {
    const reparam_method *method;
    char *name[MAX_PARTS + 1];        /* of the weight and its parts: "weight", "weight_g", .. */
    int dim;                          /* -1: none */
    int64_t n_power_iterations;
    double eps;
    ct_tensor *made_of[MAX_PARTS];    /* what the weight was made of: aliases, which hold the storages */
    int64_t made_at[MAX_PARTS];       /* their versions then */
    ct_tensor *moved[MAX_PARTS];      /* between the two hooks: references */
};

static void drop(ct_tensor **t) {
    for (int i = 0; i < MAX_PARTS; i++) {
        ct__unref(t[i]);
        t[i] = NULL;
    }
}

static void reparam_free(void *user) {
    reparam *r = user;
    if (!r) return;
    drop(r->made_of);
    drop(r->moved);
    for (int i = 0; i <= MAX_PARTS; i++) ct__free(r->name[i]);
    ct__free(r);
}

/* ---- Making the weight ---- */

static bool is_current(const reparam *r, ct_tensor *const *part) {
    for (int i = 0; i < r->method->n_parts; i++)
        if (!r->made_of[i] || r->made_of[i]->storage != part[i]->storage || r->made_at[i] != ct__version(part[i])) return false;
    return true;
}

static void remember(reparam *r, ct_tensor *const *part, ct_tensor *const *moved) {
    drop(r->made_of);
    drop(r->moved);
    for (int i = 0; i < r->method->n_parts; i++) {
        r->made_of[i] = ct_keep(ct_detach(part[i]));
        r->made_at[i] = ct__version(part[i]);
        r->moved[i] = ct_keep(moved[i]);
    }
}

static void put(ct__entry *e, ct_tensor *t) {
    ct_tensor *before = e->t;
    e->t = ct_keep(t);
    ct__unref(before);
}

/* The weight's entry and the parts; NULL with an error pending if the program took one away. */
static ct__entry *entries_of(const reparam *r, const ct_module *m, ct_tensor **part) {
    ct__entry *weight = ct__entry_named(m, r->name[0]);
    bool all = weight && weight->kind == CT__ENTRY_COMPUTED;
    for (int i = 0; all && i < r->method->n_parts; i++) {
        const ct__entry *e = ct__entry_named(m, r->name[i + 1]);
        all = e != NULL;
        part[i] = e ? e->t : NULL;
    }
    if (all) return weight;
    ct__fail(CT_ERR_STATE, "%s: \"%s\" of %s or a part of it was registered anew", r->method->function, r->name[0], m->cls.name);
    return NULL;
}

static ct_status before_forward(ct_module *m, ct_tensor **in, int n_in, void *user) {
    (void)in, (void)n_in;
    reparam *r = user;
    ct_tensor *part[MAX_PARTS], *moved[MAX_PARTS] = {NULL};
    ct__entry *weight = entries_of(r, m, part);
    if (!weight) return ct__pending();
    if (!ct__grad_mode() && !(r->method->moves && m->training) && is_current(r, part)) return CT_OK;
    ct_tensor *t = r->method->compute(r, part, m->training, moved);
    if (!t) return ct__pending();
    remember(r, part, moved);
    put(weight, t);
    return ct__pending();
}

static ct_status move_parts(const ct_module *m, reparam *r) {
    ct_scope scope = ct_no_grad_begin();
    for (int i = 0; i < r->method->n_parts; i++) {
        const ct__entry *e = r->moved[i] ? ct__entry_named(m, r->name[i + 1]) : NULL;
        if (e) ct_copy_(e->t, r->moved[i]);
    }
    ct_scope_end(scope);
    return ct__pending();
}

static ct_status after_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)in, (void)n_in, (void)out, (void)n_out;
    reparam *r = user;
    ct__entry *weight = ct__entry_named(m, r->name[0]);
    if (weight && ct__has_history(weight->t)) {
        ct_tensor *t = ct_detach(weight->t);
        if (!t) return ct__pending();
        put(weight, t);
    }
    if (!r->method->moves || !m->training) return CT_OK;
    ct_status status = move_parts(m, r);
    drop(r->moved);
    return status;
}

/* ---- Putting on and taking off ---- */

static bool is_ours(const ct_hook *h, const reparam_method *method, const char *name) {
    if (h->removed || h->kind != CT__HOOK_FORWARD_PRE || h->module_fn != (void (*)(void))before_forward) return false;
    const reparam *r = h->user;
    return r->method == method && !strcmp(r->name[0], name);
}

static ct_hook *find(const ct_module *m, const reparam_method *method, const char *name) {
    for (ct_hook *h = m->hooks; h; h = h->next)
        if (is_ours(h, method, name)) return h;
    return NULL;
}

/* The parameter to be normalised; NULL with an error pending. *name gets its default. */
static ct__entry *target(const reparam_method *method, const ct_module *m, const char **name) {
    if (ct__pending() != CT_OK) return NULL;
    if (!*name) *name = "weight";
    ct__entry *e = m ? ct__entry_named(m, *name) : NULL;
    if (!m) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is NULL", method->function);
    else if (e && e->kind == CT__ENTRY_COMPUTED) ct__fail(CT_ERR_STATE, "%s: \"%s\" of %s is normalised already", method->function, *name, m->cls.name);
    else if (!e || e->kind != CT__ENTRY_PARAMETER) ct__fail(CT_ERR_NOT_FOUND, "%s: %s has no parameter \"%s\"", method->function, m->cls.name, *name);
    else return e;
    return NULL;
}

static char *joined(const char *name, const char *suffix) {
    const size_t size = strlen(name) + strlen(suffix) + 1;
    char *s = ct__alloc(size);
    if (s) snprintf(s, size, "%s%s", name, suffix);
    return s;
}

static reparam *reparam_new(const reparam_method *method, const ct_module *m, const char *name) {
    reparam *r = ct__alloc_zero(sizeof *r);
    if (!r) return NULL;
    r->method = method;
    r->name[0] = ct__strdup(name);
    for (int i = 0; i < method->n_parts; i++) {
        r->name[i + 1] = joined(name, method->suffix[i]);
        if (r->name[i + 1] && ct__entry_named(m, r->name[i + 1]))
            ct__fail(CT_ERR_STATE, "%s: %s has \"%s\" already", method->function, m->cls.name, r->name[i + 1]);
    }
    if (ct__pending() == CT_OK) return r;
    reparam_free(r);
    return NULL;
}

static void remove_parts(ct_module *m, const reparam *r) {
    for (int i = 0; i < r->method->n_parts; i++) ct__entry_remove(m, r->name[i + 1]);
}

static void remove_hooks(ct_module *m, const reparam *r) {
    ct_hook *owner = NULL;
    for (ct_hook *h = m->hooks; h; h = h->next) {
        if (h->removed || h->user != r) continue;
        if (h->kind == CT__HOOK_FORWARD_PRE) owner = h;
        else ct__hook_mark_removed(h);
    }
    if (owner) ct__hook_mark_removed(owner); /* frees r */
}

/* Takes over r. part: the new parts; the entry becomes COMPUTED with the value `weight`. All or nothing. */
static ct_status put_on(ct_module *m, ct__entry *e, reparam *r, ct_tensor *const *part, ct_tensor *weight) {
    for (int i = 0; i < r->method->n_parts && ct__pending() == CT_OK; i++) {
        if (i < r->method->n_parameters) ct_module_register_parameter(m, r->name[i + 1], part[i]);
        else ct_module_register_buffer(m, r->name[i + 1], part[i], true);
    }
    ct_hook *post = NULL;
    ct_module_register_forward_hook(m, after_forward, r, NULL, NULL, &post);
    if (ct_module_register_forward_pre_hook(m, before_forward, r, NULL, NULL, NULL) != CT_OK) {
        ct_hook_remove(post);
        remove_parts(m, r);
        reparam_free(r);
        return ct__pending();
    }
    ct__hook_unref(post);
    find(m, r->method, r->name[0])->free_user = reparam_free; /* only now: until here a failure was ours to clean up */
    put(e, weight);
    e->kind = CT__ENTRY_COMPUTED;
    return CT_OK;
}

static ct_status take_off(const reparam_method *method, ct_module *m, const char *name, const char *function) {
    CT__TRY(ct__pending());
    if (!name) name = "weight";
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the module is NULL", function);
    ct_hook *h = find(m, method, name);
    if (!h) return ct__fail(CT_ERR_NOT_FOUND, "%s: \"%s\" of %s is not normalised so", function, name, m->cls.name);
    reparam *r = h->user;
    ct_tensor *part[MAX_PARTS];
    ct__entry *e = entries_of(r, m, part);
    if (!e) return ct__pending();
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *weight = method->compute(r, part, false, NULL);
    if (weight) ct_set_requires_grad(weight, true);
    if (ct__pending() == CT_OK) {
        put(e, weight);
        e->kind = CT__ENTRY_PARAMETER;
        remove_parts(m, r);
        remove_hooks(m, r);
    }
    ct_scope_end(scope);
    return ct__pending();
}

/* ---- weight_norm: part[0] = g, part[1] = v ---- */

static ct_tensor *lengths(ct_tensor *v, int dim) {
    int64_t others[CT_MAX_NDIM];
    int n = 0;
    if (dim < 0) return ct_norm(v, 2, NULL, 0, NULL);
    for (int d = 0; d < v->ndim; d++)
        if (d != dim) others[n++] = d;
    return n ? ct_norm(v, 2, others, n, &(ct_reduce_options){.keepdim = true}) : ct_abs(v);
}

static ct_tensor *weight_norm_compute(const reparam *r, ct_tensor *const *part, bool training, ct_tensor **moved) {
    (void)training, (void)moved;
    return ct_mul(part[1], ct_div(part[0], lengths(part[1], r->dim)));
}

static const reparam_method weight_norm = {
    .function = "ct_weight_norm", .n_parts = 2, .n_parameters = 2, .suffix = {"_g", "_v"}, .compute = weight_norm_compute};

ct_status ct_weight_norm(ct_module *m, const char *name, const ct_weight_norm_options *o) {
    CT__TRY(CT__CHECK_OPTIONS("ct_weight_norm", o));
    ct__entry *e = target(&weight_norm, m, &name);
    int dim = -1;
    if (!e) return ct__pending();
    if (!(o && o->dim == CT_DIM_NONE)) CT__TRY(ct__wrap_dim("ct_weight_norm", o ? o->dim : 0, e->t->ndim, &dim));
    if (e->t->ndim == 0) dim = -1;
    reparam *r = reparam_new(&weight_norm, m, name);
    if (!r) return ct__pending();
    r->dim = dim;
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *v = ct_detach(e->t), *part[] = {v ? lengths(v, dim) : NULL, v};
    ct_tensor *weight = part[0] ? weight_norm_compute(r, part, false, NULL) : NULL;
    if (weight) put_on(m, e, r, part, weight);
    else reparam_free(r);
    ct_scope_end(scope);
    return ct__pending();
}
ct_status ct_remove_weight_norm(ct_module *m, const char *name) { return take_off(&weight_norm, m, name, "ct_remove_weight_norm"); }

/* ---- spectral_norm: part[0] = weight_orig, part[1] = u, part[2] = v ---- */

/* W [size of dim, the rest]. */
static ct_tensor *as_matrix(ct_tensor *w, int dim) {
    int64_t order[CT_MAX_NDIM];
    int n = 0;
    order[n++] = dim;
    for (int d = 0; d < w->ndim; d++)
        if (d != dim) order[n++] = d;
    return ct_reshape(dim ? ct_permute(w, order, n) : w, CT_SHAPE(w->sizes[dim], w->numel / w->sizes[dim]));
}

static ct_tensor *unit(const reparam *r, ct_tensor *x) { return ct_normalize(x, 0, &(ct_normalize_options){.eps = ct_some_f64(r->eps)}); }

/* u and v, moved on: new tensors, which backward may keep while the buffers move further. */
static bool power_iteration(const reparam *r, ct_tensor *w, ct_tensor **u, ct_tensor **v) {
    ct_scope scope = ct_no_grad_begin();
    for (int64_t i = 0; i < r->n_power_iterations && ct__pending() == CT_OK; i++) {
        *v = unit(r, ct_mv(ct_transpose(w, 0, 1), *u));
        *u = unit(r, ct_mv(w, *v));
    }
    return ct__scope_return_n(scope, (void *[]){*u, *v}, 2);
}

static ct_tensor *spectral_norm_compute(const reparam *r, ct_tensor *const *part, bool training, ct_tensor **moved) {
    ct_tensor *w = as_matrix(part[0], r->dim), *u = part[1], *v = part[2];
    if (!w || (training && !power_iteration(r, w, &u, &v))) return NULL;
    if (training) moved[1] = u, moved[2] = v;
    return ct_div(part[0], ct_dot(u, ct_mv(w, v)));
}

static const reparam_method spectral_norm = {.function = "ct_spectral_norm", .n_parts = 3, .n_parameters = 1, .suffix = {"_orig", "_u", "_v"},
                                     .compute = spectral_norm_compute, .moves = true};

static ct_status check_spectral(const ct_module *m, const ct__entry *e, const char *name, reparam *r, const ct_spectral_norm_options *o) {
    bool transposed = !strncmp(m->cls.name, "ConvTranspose", strlen("ConvTranspose"));
    CT__TRY(ct__wrap_dim("ct_spectral_norm", o->dim.has ? o->dim.value : transposed, e->t->ndim, &r->dim));
    r->n_power_iterations = o->n_power_iterations ? o->n_power_iterations : 1;
    r->eps = o->eps.has ? o->eps.value : 1e-12;
    if (e->t->ndim == 0 || e->t->numel == 0) return ct__fail(CT_ERR_SHAPE, "ct_spectral_norm: \"%s\" is no matrix", name);
    if (r->n_power_iterations < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_spectral_norm: n_power_iterations is %lld", (long long)r->n_power_iterations);
    if (!(r->eps >= 0)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_spectral_norm: eps is %g", r->eps);
    return CT_OK;
}

/* A random vector of length 1. */
static ct_tensor *random_unit(const reparam *r, int64_t n, ct_dtype dtype) {
    ct_tensor *x = ct_empty(CT_SHAPE(n), dtype);
    return x && ct_normal_(x, 0, 1, NULL) == CT_OK ? unit(r, x) : NULL;
}

ct_status ct_spectral_norm(ct_module *m, const char *name, const ct_spectral_norm_options *options) {
    CT__TRY(CT__CHECK_OPTIONS("ct_spectral_norm", options));
    ct__entry *e = target(&spectral_norm, m, &name);
    reparam *r = e ? reparam_new(&spectral_norm, m, name) : NULL;
    if (!r) return ct__pending();
    if (check_spectral(m, e, name, r, options ? options : &(ct_spectral_norm_options){0}) != CT_OK) {
        reparam_free(r);
        return ct__pending();
    }
    const bool frozen = !ct_requires_grad(e->t);
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *weight = e->t, *w = as_matrix(weight, r->dim), *part[] = {weight, NULL, NULL};
    if (w) part[1] = random_unit(r, w->sizes[0], (ct_dtype)w->dtype);
    if (part[1]) part[2] = random_unit(r, w->sizes[1], (ct_dtype)w->dtype);
    ct_tensor *first = part[2] ? ct_detach(weight) : NULL;
    if (first) put_on(m, e, r, part, first);
    else reparam_free(r);
    if (frozen && ct__ag(weight)) ct__ag(weight)->requires_grad = false; /* as it was, also where an error is pending */
    ct_scope_end(scope);
    return ct__pending();
}
ct_status ct_remove_spectral_norm(ct_module *m, const char *name) { return take_off(&spectral_norm, m, name, "ct_remove_spectral_norm"); }
