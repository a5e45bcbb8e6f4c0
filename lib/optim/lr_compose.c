/*
 * lr_compose.c: schedules made of others.
 */
#include "optim/lr_impl.h"

static const ct__lr_class sequential_class = {.name = "ct_lr_sequential"}, chained_class = {.name = "ct_lr_chained"};

bool ct__lr_composes(const ct_lr_scheduler *s) { return s->cls == &sequential_class || s->cls == &chained_class; }

static void free_all(ct_lr_scheduler *const *schedulers, int n) {
    for (int i = 0; i < n && schedulers; i++) ct_lr_scheduler_free(schedulers[i]);
}

static const char *unfit(const ct_lr_scheduler *s, const ct_lr_scheduler *child, const ct__lr_class *cls) {
    if (child->optim != s->optim) return "is for another optimizer";
    if (cls == &sequential_class && ct__lr_watches(child)) return "watches a metric";
    if (cls == &sequential_class && ct__lr_composes(child)) return "is itself made of schedules"; /* which cannot be started anew */
    return NULL;
}

/* Takes the references over. */
static ct_lr_scheduler *compose(const ct__lr_class *cls, ct_optim *optim, ct_lr_scheduler *const *schedulers, int n) {
    if (ct__pending() == CT_OK && (n < 1 || !schedulers)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d schedules", cls->name, n);
    for (int i = 0; i < n && ct__pending() == CT_OK; i++)
        if (!schedulers[i]) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: schedule %d is NULL", cls->name, i);
    ct_lr_scheduler *s = ct__pending() == CT_OK ? ct__lr_new(cls, optim ? optim : schedulers[0]->optim, NULL) : NULL;
    for (int i = 0; s && i < n; i++) {
        const char *why = unfit(s, schedulers[i], cls);
        if (why) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: schedule %d (%s) %s", cls->name, i, schedulers[i]->cls->name, why);
    }
    ct_lr_scheduler **child = s && ct__pending() == CT_OK ? ct__alloc_array((size_t)n, sizeof *child) : NULL;
    if (!child) {
        ct_lr_scheduler_free(s);
        free_all(schedulers, n);
        return NULL;
    }
    for (int i = 0; i < n; i++) child[i] = schedulers[i];
    s->child = child;
    s->n_children = n;
    return s;
}

/* The learning rates go back to where the first schedule found them, and the first one starts. */
static ct_status start_first(ct_lr_scheduler *s) {
    for (int64_t g = 0; g < s->n_groups; g++) CT__TRY(ct_optim_set(s->optim, g, "lr", s->base[g]));
    CT__TRY(ct__lr_update(s->child[0], CT__LR_INITIAL, 0));
    ct__lr_read(s);
    return CT_OK;
}

ct_lr_scheduler *ct_lr_sequential(ct_optim *optim, ct_lr_scheduler *const *schedulers, int n, const int64_t *milestones) {
    ct_lr_scheduler *s = compose(&sequential_class, optim, schedulers, n);
    if (!s) return NULL;
    ct_status status = ct__lr_set_milestones(s, milestones, n - 1);
    for (int i = 0; status == CT_OK && i < n - 1; i++)
        if (milestones[i] < 1 || (i && milestones[i] <= milestones[i - 1]))
            status = ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_sequential: milestone %d is %lld; milestones rise from 1", i, (long long)milestones[i]);
    if (status == CT_OK && start_first(s) == CT_OK) return s;
    ct_lr_scheduler_free(s);
    return NULL;
}

ct_lr_scheduler *ct_lr_chained(ct_lr_scheduler *const *schedulers, int n) { return compose(&chained_class, NULL, schedulers, n); }

static ct_status step_chain(ct_lr_scheduler *s) {
    for (int i = 0; i < s->n_children; i++) {
        if (ct__lr_watches(s->child[i])) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_chained: schedule %d watches a metric; step it by itself", i);
        CT__TRY(ct_lr_scheduler_step(s->child[i]));
    }
    return CT_OK;
}

static ct_status step_sequence(ct_lr_scheduler *s) {
    int i = 0;
    while (i < s->n_milestones && s->milestones[i] <= s->last_epoch + 1) i++;
    bool begins = i > 0 && s->milestones[i - 1] == s->last_epoch + 1;
    return begins ? ct__lr_update(s->child[i], CT__LR_RESTART, 0) : ct_lr_scheduler_step(s->child[i]);
}

ct_status ct__lr_step_children(ct_lr_scheduler *s) {
    CT__TRY(s->cls == &chained_class ? step_chain(s) : step_sequence(s));
    s->last_epoch++;
    ct__lr_read(s);
    return CT_OK;
}
