/*
 * recompute.c: checkpoints, made of saved-tensor hooks.
 *
 *      forward    fn runs under hooks that keep of the k-th saved tensor its number and what it looked like:  saved[k] = {float32, [64, 10]}
 *      backward   a formula unpacks number k: fn runs again under other hooks, which keep the k-th saved tensor itself:  saved[k].t
 *                 what is unpacked leaves the frame; what backward does not ask for goes with the graph
 *
 * A frame belongs to the values that it packed. It holds its inputs without history, so it keeps no graph alive, but the slots that hold them are
 * packed like an operation's: by the hooks around the checkpoint. So a checkpoint in a checkpoint holds nothing either; its inputs come from
 * the outer one's second run.
 *
 * The second run builds a graph, which nobody walks, and which goes at its end: what unpack returns gets the history of the first run's tensor.
 * fn may nevertheless run a backward through its own part of it: there, the hooks give back what they were given. In the first run such a
 * backward unpacks from a frame that is not complete, which is then recomputed as often as it is asked.
 */
#include "autograd/engine.h"
#include "autograd/single.h"

#include "base/vec.h"
#include "core/generator.h"
#include <ctorch/autograd_checkpoint.h>

#include <string.h>

typedef struct saved {
    ct__meta meta;
    bool leaf; /* requires grad: a parameter, most often */
    bool gone; /* nobody will ask */
    int64_t version;
    ct_tensor *t; /* from a second run, until it is asked for */
} saved;

typedef struct input {
    ct__saved_tensor slot;
    bool requires_grad;
} input;

/* A generator's state before the first run. */
typedef struct rng {
    ct_generator *g;      /* a reference; NULL: the default one */
    ct_tensor *first, *now; /* now: while the second run lasts */
} rng;

typedef struct frame {
    ct__saved_hooks hooks;
    ct_tensors_fn fn;
    void *user;
    void (*free_user)(void *user);
    uint64_t modes;   /* of the first run */
    rng *rng;
    int n_rng;
    bool complete;    /* it has ended */
    ct__node *keeper; /* has no edges: the slots' node, for messages */
    input *in;
    int n_in, n_out;
    saved *saved;
    int64_t n_saved, capacity;
} frame;

/* Hooks of a second run. They outlive the frame's interest if fn keeps a tensor. */
typedef struct recorder {
    ct__saved_hooks hooks;
    frame *to;      /* NULL when the run has ended */
    int64_t number; /* of the next tensor */
} recorder;

static const ct__node_class keeper_class = {.op = -1, .name = "ct_checkpoint_apply"};

/* ---- The second run's hooks ---- */

static ct_status check_same(const frame *f, int64_t k, const ct_tensor *t, const ct__saved_tensor *slot) {
    if (k >= f->n_saved)
        return f->complete ? ct__fail(CT_ERR_STATE, "ct_checkpoint_apply: the second run saves more tensors for backward than the first, which saved %lld",
                                      (long long)f->n_saved) : CT_OK;
    const saved *s = &f->saved[k];
    if (t->dtype != s->meta.dtype || t->ndim != s->meta.ndim || memcmp(t->sizes, s->meta.sizes, t->ndim * sizeof *t->sizes) != 0) {
        ct__shape_text a, b;
        return ct__fail(CT_ERR_STATE, "ct_checkpoint_apply: tensor %lld that the second run saves for backward is %s %s, in the first run it was %s %s", (long long)k,
                        ct_dtype_name((ct_dtype)t->dtype), ct__shape_str(&a, t->sizes, t->ndim), ct_dtype_name((ct_dtype)s->meta.dtype),
                        ct__shape_str(&b, s->meta.sizes, s->meta.ndim));
    }
    if (s->leaf && slot->version != s->version) {
        ct__shape_text text;
        return ct__fail(CT_ERR_AUTOGRAD, "ct_checkpoint_apply: a leaf %s %s was changed in place between the two runs: it is at version %lld, in the first run it was at %lld",
                        ct_dtype_name((ct_dtype)t->dtype), ct__shape_str(&text, t->sizes, t->ndim), (long long)slot->version, (long long)s->version);
    }
    return CT_OK;
}

static bool is_leaf_slot(const ct__saved_tensor *slot) {
    return slot->output < 0 && ct__ag(slot->t) && ct__ag(slot->t)->requires_grad && !ct__has_history(slot->t);
}

static void *record_pack(ct__saved_hooks *hooks, ct_tensor *t, const ct__saved_tensor *slot) {
    recorder *r = (recorder *)hooks;
    frame *f = r->to;
    if (f) {
        int64_t k = r->number++;
        if (check_same(f, k, t, slot) != CT_OK) return NULL;
        saved *s = k < f->n_saved ? &f->saved[k] : NULL;
        if (s && !s->gone) {
            ct__unref(s->t);
            s->t = ct_keep(t);
        }
    }
    return ct_keep(t);
}
static ct_tensor *record_unpack(ct__saved_hooks *hooks, void *value) { return (void)hooks, ct__scope_share(value); }
static void record_drop(ct__saved_hooks *hooks, void *value) { (void)hooks, ct__unref(value); }
static void record_destroy(ct__saved_hooks *hooks) { ct__free(hooks); }

/* ---- The second run ---- */

/* The inputs as leaves of their own, in the innermost scope. */
static ct_status bring_inputs(frame *f, ct_tensor **in) {
    for (int i = 0; i < f->n_in; i++) {
        in[i] = NULL;
        ct_tensor *t = ct__saved_at(f->keeper, &f->in[i].slot);
        CT__TRY(ct__pending());
        if (!t) continue;
        in[i] = ct__scope_give(ct__new_view(t, t->sizes, t->strides, t->ndim, t->offset));
        if (!in[i]) return ct__pending();
        if (f->in[i].requires_grad) CT__TRY(ct_set_requires_grad(in[i], true));
    }
    return CT_OK;
}

/* The generators as they were at first, or as they are now again: whatever is pending. */
static void set_states(frame *f, bool first) {
    ct__error error;
    bool failed = ct__error_take(&error);
    for (int i = 0; i < f->n_rng; i++) ct_generator_set_state(f->rng[i].g, first ? f->rng[i].first : f->rng[i].now);
    if (failed) ct__error_put(&error);
}

static ct_status call(const frame *f, ct_tensor *const *in, ct_tensor **out) {
    for (int i = 0; i < f->n_out; i++) out[i] = NULL;
    ct_status status = f->fn(in, f->n_in, out, f->n_out, f->user);
    if (status != CT_OK) ct__fail(CT_ERR_USER, "ct_checkpoint_apply: the function returned %s without an error", ct_status_name(status));
    for (int i = 0; i < f->n_out; i++)
        if (!out[i]) ct__fail(CT_ERR_USER, "ct_checkpoint_apply: the function left output %d NULL", i);
    return ct__pending();
}

static ct_status run_again(frame *f, recorder *r, ct_tensor **in, ct_tensor **out) {
    ct_scope outer = ct_scope_begin();
    struct ct_context *c = ct__context();
    c->modes = (c->modes & CT__MODES_DEPTH) | f->modes;
    ct_status status = bring_inputs(f, in);
    for (int i = 0; i < f->n_rng; i++) f->rng[i].now = ct_generator_get_state(f->rng[i].g);
    ct_scope scope = ct__saved_hooks_begin(&r->hooks);
    status = ct__pending();
    if (status == CT_OK) {
        set_states(f, true);
        status = call(f, in, out);
        set_states(f, false);
    }
    ct_scope_end(scope);
    ct_scope_end(outer);
    if (status == CT_OK && f->complete && r->number != f->n_saved)
        status = ct__fail(CT_ERR_STATE, "ct_checkpoint_apply: the second run saves %lld tensors for backward, the first saved %lld", (long long)r->number, (long long)f->n_saved);
    return status;
}

static void forget(frame *f) {
    for (int64_t i = 0; i < f->n_saved; i++) {
        ct__unref(f->saved[i].t);
        f->saved[i].t = NULL;
    }
}

static ct_status recompute(frame *f) {
    recorder *r = ct__alloc_zero(sizeof *r);
    ct_tensor **tensors = r ? ct__alloc_array((size_t)f->n_in + (size_t)f->n_out, sizeof *tensors) : NULL;
    ct_status status = ct__pending();
    if (r) {
        r->hooks = (ct__saved_hooks){.pack = record_pack, .unpack = record_unpack, .drop = record_drop, .destroy = record_destroy};
        atomic_init(&r->hooks.refs, 1);
        r->to = f;
        if (status == CT_OK) status = run_again(f, r, tensors, tensors + f->n_in);
        r->to = NULL;
        ct__saved_hooks_unref(&r->hooks);
    }
    ct__free(tensors);
    if (status != CT_OK) forget(f);
    return status;
}

/* ---- The first run's hooks ---- */

static void *frame_pack(ct__saved_hooks *hooks, ct_tensor *t, const ct__saved_tensor *slot) {
    frame *f = (frame *)hooks;
    if (f->n_saved == f->capacity) {
        int64_t capacity = f->capacity ? 2 * f->capacity : 16;
        saved *grown = ct__realloc(f->saved, (size_t)capacity * sizeof *grown);
        if (!grown) return NULL;
        f->saved = grown;
        f->capacity = capacity;
    }
    saved *s = &f->saved[f->n_saved++];
    *s = (saved){.leaf = is_leaf_slot(slot), .version = slot->version};
    ct__set_meta(&s->meta, t);
    return (void *)(intptr_t)f->n_saved; /* never NULL */
}

static ct_tensor *frame_unpack(ct__saved_hooks *hooks, void *value) {
    frame *f = (frame *)hooks;
    int64_t k = (intptr_t)value - 1;
    if (!f->saved[k].t && recompute(f) != CT_OK) return NULL;
    saved *s = &f->saved[k];
    if (s->leaf && s->t && ct__version(s->t) != s->version) { /* left over from an earlier backward */
        ct__fail(CT_ERR_AUTOGRAD, "ct_checkpoint_apply: a leaf was changed in place since its checkpoint: it is at version %lld, in the first run it was at %lld",
                 (long long)ct__version(s->t), (long long)s->version);
        return NULL;
    }
    ct_tensor *t = s->t;
    s->t = NULL;
    return ct__scope_give(t);
}

static void frame_drop(ct__saved_hooks *hooks, void *value) {
    saved *s = &((frame *)hooks)->saved[(intptr_t)value - 1];
    s->gone = true;
    ct__unref(s->t);
    s->t = NULL;
}

static void frame_destroy(ct__saved_hooks *hooks) {
    frame *f = (frame *)hooks;
    forget(f);
    for (int i = 0; i < f->n_in && f->in; i++) ct__saved_clear(&f->in[i].slot);
    ct__node_unref(f->keeper);
    for (int i = 0; i < f->n_rng; i++) {
        ct__unref(f->rng[i].first);
        ct_generator_free(f->rng[i].g);
    }
    ct__free(f->rng);
    ct__free(f->in);
    ct__free(f->saved);
    if (f->free_user) f->free_user(f->user);
    ct__free(f);
}

/* ---- The first run ---- */

static ct_status keep_inputs(frame *f, ct_tensor *const *in) {
    f->keeper = ct__node_make(&keeper_class, 0, 0);
    f->in = ct__alloc_zero(((size_t)f->n_in + 1) * sizeof *f->in);
    for (int i = 0; i < f->n_in && ct__pending() == CT_OK; i++) {
        ct_tensor *t = in[i], *alias = t ? ct__new_view(t, t->sizes, t->strides, t->ndim, t->offset) : NULL;
        if (!alias) continue;
        f->in[i].requires_grad = ct__requires_grad(t);
        alias->inference = t->inference;
        ct__save_at(f->keeper, &f->in[i].slot, alias);
        ct__unref(alias);
        ct__saved_pack_at(f->keeper, &f->in[i].slot);
    }
    return ct__pending();
}

static ct_status keep_states(frame *f, const ct_checkpoint_options *o) {
    bool standard = !o || !o->no_preserve_rng_state;
    int given = o ? o->n_generators : 0, n = given + (standard ? 1 : 0);
    if (!n) return CT_OK;
    f->rng = ct__alloc_zero((size_t)n * sizeof *f->rng);
    if (!f->rng) return ct__pending();
    ct_scope scope = ct_scope_begin();
    for (int i = 0; i < n; i++) {
        f->rng[i].g = i < given ? ct_generator_retain(o->generators[i]) : NULL;
        f->rng[i].first = ct_keep(ct_generator_get_state(f->rng[i].g));
        f->n_rng = i + 1;
    }
    ct_scope_end(scope);
    return ct__pending();
}

static ct_status begin(frame *f, ct_tensor *const *in, const ct_checkpoint_options *o) {
    CT__TRY(keep_inputs(f, in));
    f->modes = ct__context()->modes & ~CT__MODES_DEPTH;
    return keep_states(f, o);
}

static ct_status check_call(bool fn, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, const ct_checkpoint_options *o) {
    static const char function[] = "ct_checkpoint_apply";
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(function, o));
    if (!fn) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the function is NULL", function);
    if (o && (o->n_generators < 0 || (o->n_generators && !o->generators)))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d generators%s", function, (int)o->n_generators, o->generators ? "" : " at NULL");
    for (int i = 0; o && i < o->n_generators; i++)
        if (!o->generators[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: generator %d is NULL", function, i);
    if (n_in < 0 || (n_in && !in) || n_out < 1 || !out)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d inputs%s, %d outputs%s", function, n_in, n_in && !in ? " at NULL" : "", n_out, out ? "" : " at NULL");
    return CT_OK;
}

ct_status ct_checkpoint_apply_n(ct_tensors_fn fn, void *user, void (*free_user)(void *user), ct_tensor *const *in, int n_in, ct_tensor **out, int n_out,
                                const ct_checkpoint_options *options) {
    for (int i = 0; i < n_out && out; i++) out[i] = NULL;
    ct_status status = check_call(fn != NULL, in, n_in, out, n_out, options);
    frame *f = status == CT_OK ? ct__alloc_zero(sizeof *f) : NULL;
    if (!f) {
        if (free_user) free_user(user);
        return ct__pending();
    }
    *f = (frame){.hooks = {.pack = frame_pack, .unpack = frame_unpack, .drop = frame_drop, .destroy = frame_destroy},
                 .fn = fn, .user = user, .free_user = free_user, .n_in = n_in, .n_out = n_out};
    atomic_init(&f->hooks.refs, 1);
    bool records = ct__grad_mode();
    if (records) status = begin(f, in, options);
    if (status == CT_OK) {
        ct_scope scope = records ? ct__saved_hooks_begin(&f->hooks) : ct_scope_begin();
        if (ct__pending() == CT_OK) call(f, in, out);
        f->complete = true;
        if (!ct__scope_return_n(scope, (void *const *)out, n_out))
            for (int i = 0; i < n_out; i++) out[i] = NULL;
    }
    ct__saved_hooks_unref(&f->hooks);
    return ct__pending();
}

/* ---- One output ---- */

typedef struct single {
    ct__single call; /* first */
    void (*free_user)(void *user);
} single;

static void single_free(void *user) {
    single *s = user;
    if (s->free_user) s->free_user(s->call.user);
    ct__free(s);
}

ct_tensor *ct_checkpoint_apply(ct_tensor_fn fn, void *user, void (*free_user)(void *user), ct_tensor *const *inputs, int n, const ct_checkpoint_options *options) {
    ct_tensor *out = NULL;
    ct_status status = check_call(fn != NULL, inputs, n, &out, 1, options);
    single *s = status == CT_OK ? ct__alloc(sizeof *s) : NULL;
    if (!s) {
        if (free_user) free_user(user);
        return NULL;
    }
    *s = (single){{fn, user}, free_user};
    ct_checkpoint_apply_n(ct__call_single, s, single_free, inputs, n, &out, 1, options);
    return out;
}
