/*
 * lr_scheduler.c: the handle of a schedule, its step and its state. The formulas are in lr_decay.c and lr_cycle.c, schedules made of others in lr_compose.c.
 */
#include "optim/lr_impl.h"
#include "optim/optim_impl.h"

#include <ctorch/ops_create.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Making and freeing ---- */

ct_lr_scheduler *ct_lr_scheduler_retain(ct_lr_scheduler *s) {
    if (s) atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void ct_lr_scheduler_free(ct_lr_scheduler *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < s->n_children; i++) ct_lr_scheduler_free(s->child[i]);
    if (s->free_user) s->free_user(s->user);
    ct_optim_free(s->optim);
    ct__free(s->child);
    ct__free(s->milestones);
    ct__free(s->base);
    ct__free(s);
}

ct_lr_scheduler *ct__lr_new(const ct__lr_class *cls, ct_optim *optim, const double *number) {
    CT__TRY_NULL(ct__pending());
    if (!optim) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the optimizer is NULL", cls->name);
        return NULL;
    }
    ct_lr_scheduler *s = ct__alloc_zero(sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    s->cls = cls;
    s->optim = ct_optim_retain(optim);
    s->n_groups = ct_optim_num_groups(optim);
    if (number) memcpy(s->number, number, sizeof s->number);
    s->base = ct__alloc_array((size_t)s->n_groups, 5 * sizeof *s->base);
    if (!s->base) {
        ct_lr_scheduler_free(s);
        return NULL;
    }
    s->last = s->base + s->n_groups;
    s->value = s->last + s->n_groups;
    s->fresh_base = s->value + s->n_groups;
    s->fresh_last = s->fresh_base + s->n_groups;
    ct__lr_read(s);
    for (int64_t i = 0; i < s->n_groups; i++) {
        ct__group *g = optim->groups.data[i];
        if (!g->scheduled) g->initial_lr = s->last[i];
        g->scheduled = true;
        s->base[i] = g->initial_lr;
    }
    return s;
}

ct_lr_scheduler *ct__lr_start(ct_lr_scheduler *s) {
    if (!s || ct__lr_update(s, CT__LR_INITIAL, 0) == CT_OK) return s;
    ct_lr_scheduler_free(s);
    return NULL;
}

ct_status ct__lr_set_milestones(ct_lr_scheduler *s, const int64_t *milestones, int n) {
    if (n < 0 || (n && !milestones)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d milestones at NULL", s->cls->name, n);
    s->milestones = ct__alloc_array((size_t)n, sizeof *milestones);
    if (!s->milestones) return ct__pending();
    if (n) memcpy(s->milestones, milestones, (size_t)n * sizeof *milestones);
    s->n_milestones = n;
    return CT_OK;
}

void ct__lr_read(ct_lr_scheduler *s) {
    for (int64_t g = 0; g < s->n_groups; g++) s->last[g] = ct_optim_get(s->optim, g, "lr");
}

/* ---- The step ---- */

/* All values are found and checked before the first is set. */
static ct_status set_values(ct_lr_scheduler *s) {
    for (int64_t g = 0; g < s->n_groups; g++)
        if (!(s->value[g] >= 0 && s->value[g] < INFINITY))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the learning rate of group %lld would become %g at step %lld", s->cls->name, (long long)g, s->value[g],
                            (long long)s->last_epoch);
    if (s->momentum) CT__TRY(ct_optim_set(s->optim, -1, s->momentum, s->cls->momentum(s)));
    for (int64_t g = 0; g < s->n_groups; g++) CT__TRY(ct_optim_set(s->optim, g, "lr", s->value[g]));
    ct__lr_read(s);
    return CT_OK;
}

ct_status ct__lr_check_groups(const ct_lr_scheduler *s) {
    int64_t now = ct_optim_num_groups(s->optim);
    if (now == s->n_groups) return CT_OK;
    return ct__fail(CT_ERR_STATE, "%s: the optimizer has %lld groups now, %lld when the schedule was made", s->cls->name, (long long)now, (long long)s->n_groups);
}

ct_status ct__lr_update(ct_lr_scheduler *s, ct__lr_phase phase, int64_t epoch) {
    CT__TRY(ct__lr_check_groups(s));
    int64_t before = s->last_epoch;
    double count[CT__LR_MAX_COUNTS];
    memcpy(count, s->count, sizeof count);
    s->last_epoch = epoch;
    if (s->cls->advance) s->cls->advance(s, phase);
    for (int64_t g = 0; g < s->n_groups; g++) s->value[g] = s->cls->next(s, phase, g, ct_optim_get(s->optim, g, "lr"));
    ct_status status = ct__pending();
    if (status == CT_OK) status = set_values(s);
    if (status == CT_OK) return CT_OK;
    s->last_epoch = before;
    memcpy(s->count, count, sizeof count);
    return status;
}

static ct_status check(const char *function, const ct_lr_scheduler *s) {
    CT__TRY(ct__pending());
    return s ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the schedule is NULL", function);
}

ct_status ct_lr_scheduler_step(ct_lr_scheduler *s) {
    CT__TRY(check("ct_lr_scheduler_step", s));
    if (ct__lr_watches(s)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a step needs the metric: ct_lr_scheduler_step_metric", s->cls->name);
    return ct__lr_composes(s) ? ct__lr_step_children(s) : ct__lr_update(s, CT__LR_NEXT, s->last_epoch + 1);
}

ct_status ct_lr_scheduler_step_metric(ct_lr_scheduler *s, double metric) {
    CT__TRY(check("ct_lr_scheduler_step_metric", s));
    if (!ct__lr_watches(s)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a step takes no metric: ct_lr_scheduler_step", s->cls->name);
    return ct__lr_watch(s, metric);
}

double ct_lr_scheduler_last_lr(const ct_lr_scheduler *s, int64_t group) {
    if (check("ct_lr_scheduler_last_lr", s) != CT_OK) return 0;
    if (group >= 0 && group < s->n_groups) return s->last[group];
    ct__fail(CT_ERR_INDEX, "ct_lr_scheduler_last_lr: group %lld of %lld", (long long)group, (long long)s->n_groups);
    return 0;
}
int64_t ct_lr_scheduler_last_epoch(const ct_lr_scheduler *s) { return s ? s->last_epoch : -1; }

/* ---- State ---- */

ct_dict *ct_lr_scheduler_state_dict(const ct_lr_scheduler *s) {
    CT__TRY_NULL(check("ct_lr_scheduler_state_dict", s));
    ct_scope scope = ct_scope_begin();
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "last_epoch", s->last_epoch);
    ct_dict_set(d, "base_lrs", ct_from_data(s->base, &s->n_groups, 1, CT_F64));
    ct_dict_set(d, "last_lr", ct_from_data(s->last, &s->n_groups, 1, CT_F64));
    for (int k = 0; k < CT__LR_MAX_COUNTS && s->cls->counts[k]; k++) ct_dict_set_f64(d, s->cls->counts[k], s->count[k]);
    for (int i = 0; i < s->n_children; i++) {
        char name[24];
        snprintf(name, sizeof name, "%d", i);
        ct_dict_set_dict(d, name, ct_lr_scheduler_state_dict(s->child[i]));
    }
    return ct__scope_return_n(scope, (void *[]){d}, 1) ? d : NULL;
}

static ct_status read_values(const ct_lr_scheduler *s, const ct_dict *d, const char *name, double *out) {
    ct_tensor *t = ct_dict_get(d, name);
    if (!t) return ct__pending();
    if (t->numel != s->n_groups)
        return ct__fail(CT_ERR_SHAPE, "ct_lr_scheduler_load_state_dict: \"%s\" is for %lld groups, the optimizer has %lld", name, (long long)t->numel, (long long)s->n_groups);
    return ct_copy_to(t, out, s->n_groups, CT_F64);
}

/* A tree of schedules is read whole before any of it changes. */
static ct_status read_tree(ct_lr_scheduler *s, const ct_dict *d) {
    ct_scope scope = ct_scope_begin();
    s->fresh_epoch = ct_dict_get_i64(d, "last_epoch");
    for (int k = 0; k < CT__LR_MAX_COUNTS && s->cls->counts[k]; k++) s->fresh_count[k] = ct_dict_get_f64(d, s->cls->counts[k]);
    ct_status status = ct__pending();
    if (status == CT_OK) status = read_values(s, d, "base_lrs", s->fresh_base);
    if (status == CT_OK) status = read_values(s, d, "last_lr", s->fresh_last);
    for (int i = 0; i < s->n_children && status == CT_OK; i++) {
        char name[24];
        snprintf(name, sizeof name, "%d", i);
        ct_dict *child = ct_dict_get_dict(d, name);
        status = child ? read_tree(s->child[i], child) : ct__pending();
    }
    ct_scope_end(scope);
    return status;
}

static void take_tree(ct_lr_scheduler *s) {
    s->last_epoch = s->fresh_epoch;
    memcpy(s->count, s->fresh_count, sizeof s->count);
    memcpy(s->base, s->fresh_base, (size_t)s->n_groups * sizeof *s->base);
    memcpy(s->last, s->fresh_last, (size_t)s->n_groups * sizeof *s->last);
    for (int i = 0; i < s->n_children; i++) take_tree(s->child[i]);
}

ct_status ct_lr_scheduler_load_state_dict(ct_lr_scheduler *s, const ct_dict *state) {
    CT__TRY(check("ct_lr_scheduler_load_state_dict", s));
    if (!state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_scheduler_load_state_dict: the state dict is NULL");
    CT__TRY(read_tree(s, state));
    take_tree(s);
    return CT_OK;
}
