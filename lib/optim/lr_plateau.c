/*
 * lr_plateau.c: the schedule that watches a metric.
 */
#include "optim/lr_impl.h"

#include <math.h>

enum { MAX, FACTOR, PATIENCE, THRESHOLD, ABSOLUTE, COOLDOWN, MIN_LR, EPS };
enum { BEST, BAD_EPOCHS, COOLING };

static const ct__lr_class plateau_class = {.name = "ct_lr_reduce_on_plateau", .counts = {"best", "num_bad_epochs", "cooldown_counter"}};

bool ct__lr_watches(const ct_lr_scheduler *s) { return s->cls == &plateau_class; }

static bool better(const double *n, double metric, double best) {
    double margin = n[ABSOLUTE] != 0 ? n[THRESHOLD] : n[THRESHOLD] * best;
    if (n[ABSOLUTE] == 0 && isinf(best)) margin = 0; /* the first one */
    return n[MAX] != 0 ? metric > best + margin : metric < best - margin;
}

static ct_status reduce(ct_lr_scheduler *s) {
    const double *n = s->number;
    for (int64_t g = 0; g < s->n_groups; g++) {
        double lr = ct_optim_get(s->optim, g, "lr"), next = fmax(lr * n[FACTOR], n[MIN_LR]);
        if (lr - next > n[EPS]) CT__TRY(ct_optim_set(s->optim, g, "lr", next));
    }
    return CT_OK;
}

ct_status ct__lr_watch(ct_lr_scheduler *s, double metric) {
    const double *n = s->number;
    CT__TRY(ct__lr_check_groups(s));
    bool improved = better(n, metric, s->count[BEST]), cooling = s->count[COOLING] > 0;
    double bad = improved || cooling ? 0 : s->count[BAD_EPOCHS] + 1;
    if (bad > n[PATIENCE]) CT__TRY(reduce(s));
    s->last_epoch++;
    if (improved) s->count[BEST] = metric;
    if (cooling) s->count[COOLING]--;
    if (bad > n[PATIENCE]) s->count[COOLING] = n[COOLDOWN];
    s->count[BAD_EPOCHS] = bad > n[PATIENCE] ? 0 : bad;
    ct__lr_read(s);
    return CT_OK;
}

ct_lr_scheduler *ct_lr_reduce_on_plateau(ct_optim *optim, const ct_lr_plateau_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(plateau_class.name, options));
    ct_lr_plateau_options o = options ? *options : (ct_lr_plateau_options){0};
    double factor = o.factor.has ? o.factor.value : 0.1, patience = o.patience.has ? (double)o.patience.value : 10;
    if (!(factor < 1) || !(factor >= 0) || patience < 0 || o.cooldown < 0 || !(o.min_lr >= 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: factor %g must be from 0 to below 1; patience %g, cooldown %lld and min_lr %g at least 0", plateau_class.name, factor, patience,
                 (long long)o.cooldown, o.min_lr);
        return NULL;
    }
    ct_lr_scheduler *s = ct__lr_new(&plateau_class, optim, (double[CT__LR_MAX_NUMBERS]){
        o.max, factor, patience, o.threshold.has ? o.threshold.value : 1e-4, o.threshold_abs, (double)o.cooldown, o.min_lr, o.eps.has ? o.eps.value : 1e-8});
    if (s) s->count[BEST] = o.max ? -INFINITY : INFINITY;
    return s;
}
