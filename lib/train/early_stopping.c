/*
 * early_stopping.c: when to stop, and the weights to go back to.
 *
 * Written on the public headers, so the handle lives in a tensor of bytes that it holds itself; the path lies behind the struct.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/serialize.h>
#include <ctorch/train.h>

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct ct_early_stopping {
    atomic_int refs;
    ct_tensor *memory; /* this struct */
    ct_module *module; /* a reference; or NULL */
    const char *path;  /* or NULL */
    int64_t patience;
    double min_delta;
    bool max, check_finite;

    int64_t step, best_step, wait; /* step: updates so far */
    double best;
    ct_dict *best_state; /* a reference; NULL before the first improvement, or without a module */
    char reason[200];    /* "" while it goes on */
};

static ct_status check_options(const ct_early_stopping_options *o) {
    static const char function[] = "ct_early_stopping_new";
    if (!ct_ok()) return ct_error_status();
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i]) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: a reserved word of the options is not zero: members from a newer header?", function);
    if (o->patience.has && o->patience.value < 0) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: patience is %lld", function, (long long)o->patience.value);
    if (!(o->min_delta >= 0 && o->min_delta < INFINITY)) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: min_delta is %g; it must be at least 0", function, o->min_delta);
    if (o->path && !o->module) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: .path needs a .module to write", function);
    return CT_OK;
}

ct_early_stopping *ct_early_stopping_new(const ct_early_stopping_options *options) {
    ct_early_stopping_options o = options ? *options : (ct_early_stopping_options){0};
    if (check_options(&o) != CT_OK) return NULL;
    size_t path_size = o.path ? strlen(o.path) + 1 : 0;
    ct_scope scope = ct_scope_begin();
    ct_tensor *memory = ct_keep(ct_zeros(CT_SHAPE((int64_t)(sizeof(ct_early_stopping) + path_size)), CT_U8));
    ct_scope_end(scope);
    if (!memory) return NULL;
    ct_early_stopping *s = ct_data_mut(memory);
    atomic_init(&s->refs, 1);
    s->memory = memory;
    s->module = ct_module_retain(o.module);
    if (o.path) s->path = memcpy(s + 1, o.path, path_size);
    s->patience = o.patience.has ? o.patience.value : 3;
    s->min_delta = o.min_delta;
    s->max = o.max;
    s->check_finite = !o.no_check_finite;
    s->best = o.max ? -INFINITY : INFINITY;
    s->best_step = -1;
    return s;
}

ct_early_stopping *ct_early_stopping_retain(ct_early_stopping *s) {
    if (s) atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void ct_early_stopping_free(ct_early_stopping *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    ct_module_free(s->module);
    ct_dict_release(s->best_state);
    ct_release(s->memory);
}

/* ---- The update ---- */

static bool is_better(const ct_early_stopping *s, double metric) {
    return s->max ? metric - s->min_delta > s->best : metric + s->min_delta < s->best;
}

/* The weights of now become the best ones; all that can fail comes first. */
static ct_status keep_weights(ct_early_stopping *s) {
    if (!s->module) return CT_OK;
    ct_scope scope = ct_scope_begin();
    ct_dict *state = ct_state_dict_clone(s->module);
    if (s->path) ct_save(state, s->path, NULL);
    if (ct_ok()) {
        ct_dict_release(s->best_state);
        s->best_state = ct_dict_keep(state);
    }
    ct_scope_end(scope);
    return ct_error_status();
}

bool ct_early_stopping_update(ct_early_stopping *s, double metric) {
    if (!ct_ok()) return true;
    if (!s) return ct_error_raise(CT_ERR_INVALID_ARGUMENT, "ct_early_stopping_update: the handle is NULL"), true;
    if (s->reason[0]) return true;
    bool finite = isfinite(metric), better = is_better(s, metric) && (finite || !s->check_finite);
    if (better && keep_weights(s) != CT_OK) return true;
    s->wait = better ? 0 : s->wait + 1;
    if (better) {
        s->best = metric;
        s->best_step = s->step;
    }
    int64_t step = s->step++;
    if (s->check_finite && !finite)
        snprintf(s->reason, sizeof s->reason, "the metric is %g at update %lld; the best was %g at update %lld", isnan(metric) ? fabs(metric) : metric,
                 (long long)step, s->best, (long long)s->best_step);
    else if (s->wait && s->wait >= s->patience)
        snprintf(s->reason, sizeof s->reason, "the metric has not improved by more than %g in %lld updates; the best was %g at update %lld", s->min_delta,
                 (long long)s->wait, s->best, (long long)s->best_step);
    return s->reason[0] != 0;
}

/* ---- Queries ---- */

double ct_early_stopping_best(const ct_early_stopping *s) { return s ? s->best : INFINITY; }
int64_t ct_early_stopping_best_step(const ct_early_stopping *s) { return s ? s->best_step : -1; }
int64_t ct_early_stopping_wait_count(const ct_early_stopping *s) { return s ? s->wait : 0; }
bool ct_early_stopping_improved(const ct_early_stopping *s) { return s && s->step && s->best_step == s->step - 1; }
const char *ct_early_stopping_reason(const ct_early_stopping *s) { return s ? s->reason : ""; }

ct_status ct_early_stopping_restore(ct_early_stopping *s) {
    if (!ct_ok()) return ct_error_status();
    if (!s) return ct_error_raise(CT_ERR_INVALID_ARGUMENT, "ct_early_stopping_restore: the handle is NULL");
    if (!s->best_state)
        return ct_error_raisef(CT_ERR_STATE, "ct_early_stopping_restore: %s", s->module ? "there was no improvement yet" : "it was made without a .module");
    return ct_load_state_dict(s->module, s->best_state, NULL);
}

/* ---- State ---- */

ct_dict *ct_early_stopping_state_dict(const ct_early_stopping *s) {
    if (!ct_ok()) return NULL;
    if (!s) return ct_error_raise(CT_ERR_INVALID_ARGUMENT, "ct_early_stopping_state_dict: the handle is NULL"), NULL;
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "step", s->step);
    ct_dict_set_f64(d, "best", s->best);
    ct_dict_set_i64(d, "best_step", s->best_step);
    ct_dict_set_i64(d, "wait_count", s->wait);
    ct_dict_set_string(d, "reason", s->reason);
    if (s->best_state) ct_dict_set_dict(d, "best_state", s->best_state);
    return ct_ok() ? d : NULL;
}

/* A copy whose tensors nobody else changes, checked against the module. */
static ct_dict *read_best(const ct_early_stopping *s, const ct_dict *state) {
    ct_dict *from = ct_dict_get_dict(state, "best_state"), *like = ct_state_dict(s->module), *best = ct_dict_new();
    if (ct_ok() && ct_dict_size(from) != ct_dict_size(like))
        ct_error_raisef(CT_ERR_SHAPE, "ct_early_stopping_load_state_dict: %lld tensors in \"best_state\", %lld in the module", (long long)ct_dict_size(from),
                        (long long)ct_dict_size(like));
    for (int64_t i = 0; i < ct_dict_size(like) && ct_ok(); i++) {
        const char *name = ct_dict_name_at(like, i);
        ct_tensor *t = ct_dict_get(like, name), *saved = ct_dict_get(from, name), *copy = ct_empty_like(t, CT_DTYPE_NONE);
        if (ct_ok() && (ct_ndim(saved) != ct_ndim(t) || memcmp(ct_sizes(saved), ct_sizes(t), (size_t)ct_ndim(t) * sizeof(int64_t)) != 0))
            ct_error_raisef(CT_ERR_SHAPE, "ct_early_stopping_load_state_dict: \"%s\" has another shape than the module's", name);
        if (ct_copy_(copy, saved) == CT_OK) ct_dict_set(best, name, copy);
    }
    return ct_ok() ? best : NULL;
}

static ct_status load(ct_early_stopping *s, const ct_dict *state) {
    int64_t step = ct_dict_get_i64(state, "step"), best_step = ct_dict_get_i64(state, "best_step"), wait = ct_dict_get_i64(state, "wait_count");
    double best = ct_dict_get_f64(state, "best");
    const char *reason = ct_dict_get_string(state, "reason");
    ct_dict *weights = ct_ok() && s->module && best_step >= 0 ? read_best(s, state) : NULL;
    if (!ct_ok()) return ct_error_status();
    if (step < 0 || step > INT64_MAX / 2 || best_step < -1 || best_step >= step + (step == 0) || wait < 0 || wait > step)
        return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "ct_early_stopping_load_state_dict: step %lld, best_step %lld and wait_count %lld do not fit together",
                               (long long)step, (long long)best_step, (long long)wait);
    s->step = step;
    s->best_step = best_step;
    s->wait = wait;
    s->best = best;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
    ct_dict_release(s->best_state);
    s->best_state = ct_dict_keep(weights);
    return CT_OK;
}

ct_status ct_early_stopping_load_state_dict(ct_early_stopping *s, const ct_dict *state) {
    if (!ct_ok()) return ct_error_status();
    if (!s || !state) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "ct_early_stopping_load_state_dict: the %s is NULL", s ? "state dict" : "handle");
    ct_scope scope = ct_no_grad_begin();
    ct_status status = load(s, state);
    ct_scope_end(scope);
    return status;
}
