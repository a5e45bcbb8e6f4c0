/*
 * lr_cycle.c: schedules that set learning rate and momentum from the epoch alone, cyclic and one_cycle; and swa, which leads from any learning rate to its own.
 */
#include "optim/lr_impl.h"

#include <math.h>

#define PI 3.141592653589793238463

/* Which number of the optimizer is its momentum. */
static ct_status find_momentum(ct_lr_scheduler *s) {
    static const char *const names[] = {"momentum", "beta1"};
    for (int i = 0; i < 2; i++) {
        ct_optim_get(s->optim, 0, names[i]);
        if (ct__pending() == CT_OK) {
            s->momentum = names[i];
            return CT_OK;
        }
        if (ct__pending() != CT_ERR_NOT_FOUND) return ct__pending();
        ct_error_clear();
    }
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the optimizer has no momentum to cycle; .no_cycle_momentum leaves it out", s->cls->name);
}

static ct_lr_scheduler *start(ct_lr_scheduler *s, bool momentum) {
    if (s && momentum && find_momentum(s) != CT_OK) {
        ct_lr_scheduler_free(s);
        return NULL;
    }
    return ct__lr_start(s);
}

/* ---- cyclic ---- */

enum { BASE_LR, MAX_LR, TOTAL_SIZE, STEP_RATIO, MODE, GAMMA, BASE_MOMENTUM, MAX_MOMENTUM };

/* Between 0 at the base and the height of this cycle at its top. */
static double cyclic_height(const ct_lr_scheduler *s) {
    const double *n = s->number;
    double e = (double)s->last_epoch, cycle = floor(1 + e / n[TOTAL_SIZE]), x = 1 + e / n[TOTAL_SIZE] - cycle;
    double height = x <= n[STEP_RATIO] ? x / n[STEP_RATIO] : (x - 1) / (n[STEP_RATIO] - 1);
    if (n[MODE] == CT_LR_TRIANGULAR2) return height * (1 / pow(2, cycle - 1));
    return n[MODE] == CT_LR_EXP_RANGE ? height * pow(n[GAMMA], e) : height;
}
static double cyclic_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    (void)phase, (void)group, (void)lr;
    return s->number[BASE_LR] + (s->number[MAX_LR] - s->number[BASE_LR]) * cyclic_height(s);
}
static double cyclic_momentum(const ct_lr_scheduler *s) {
    return s->number[MAX_MOMENTUM] - (s->number[MAX_MOMENTUM] - s->number[BASE_MOMENTUM]) * cyclic_height(s);
}
static const ct__lr_class cyclic_class = {.name = "ct_lr_cyclic", .next = cyclic_next, .momentum = cyclic_momentum};

ct_lr_scheduler *ct_lr_cyclic(ct_optim *optim, double base_lr, double max_lr, const ct_lr_cyclic_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_cyclic", options));
    ct_lr_cyclic_options o = options ? *options : (ct_lr_cyclic_options){0};
    int64_t up = o.step_size_up.has ? o.step_size_up.value : 2000, down = o.step_size_down.has ? o.step_size_down.value : up;
    if (up < 1 || down < 1 || up > INT64_C(1) << 52 || down > INT64_C(1) << 52) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_cyclic: %lld steps up and %lld down; both must be at least 1", (long long)up, (long long)down);
        return NULL;
    }
    if (o.mode < CT_LR_TRIANGULAR || o.mode > CT_LR_EXP_RANGE) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_cyclic: %d is not a mode", (int)o.mode);
        return NULL;
    }
    double total = (double)(up + down);
    return start(ct__lr_new(&cyclic_class, optim, (double[CT__LR_MAX_NUMBERS]){
        base_lr, max_lr, total, (double)up / total, (double)o.mode, o.gamma.has ? o.gamma.value : 1, o.base_momentum.has ? o.base_momentum.value : 0.8,
        o.max_momentum.has ? o.max_momentum.value : 0.9}), !o.no_cycle_momentum);
}

/* ---- one_cycle ---- */

enum { FIRST, TOP, LAST, TOTAL_STEPS, PCT_START, LINEAR, THREE_PHASE, LOW_MOMENTUM, HIGH_MOMENTUM };

static double anneal(const double *n, double from, double to, double part) {
    return n[LINEAR] != 0 ? (to - from) * part + from : to + (from - to) / 2 * (cos(PI * part) + 1);
}

/* The value at this step of what goes first -> top -> (first ->) last. */
static double one_cycle_value(const ct_lr_scheduler *s, double first, double top, double last) {
    const double *n = s->number;
    double e = (double)s->last_epoch, end = n[TOTAL_STEPS] - 1, peak = n[PCT_START] * n[TOTAL_STEPS] - 1, valley = 2 * n[PCT_START] * n[TOTAL_STEPS] - 2;
    if (e <= peak) return anneal(n, first, top, e / peak);
    if (n[THREE_PHASE] == 0) return anneal(n, top, last, (e - peak) / (end - peak));
    if (e <= valley) return anneal(n, top, first, (e - peak) / (valley - peak));
    return anneal(n, first, last, (e - valley) / (end - valley));
}
static double one_cycle_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    (void)phase, (void)group;
    const double *n = s->number;
    if ((double)s->last_epoch > n[TOTAL_STEPS]) {
        ct__fail(CT_ERR_STATE, "ct_lr_one_cycle: step %lld of %g", (long long)s->last_epoch, n[TOTAL_STEPS]);
        return lr;
    }
    return one_cycle_value(s, n[FIRST], n[TOP], n[LAST]);
}
static double one_cycle_momentum(const ct_lr_scheduler *s) {
    return one_cycle_value(s, s->number[HIGH_MOMENTUM], s->number[LOW_MOMENTUM], s->number[HIGH_MOMENTUM]);
}
static const ct__lr_class one_cycle_class = {.name = "ct_lr_one_cycle", .next = one_cycle_next, .momentum = one_cycle_momentum};

ct_lr_scheduler *ct_lr_one_cycle(ct_optim *optim, double max_lr, int64_t total_steps, const ct_lr_one_cycle_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_one_cycle", options));
    ct_lr_one_cycle_options o = options ? *options : (ct_lr_one_cycle_options){0};
    double pct = o.pct_start.has ? o.pct_start.value : 0.3, div = o.div_factor.has ? o.div_factor.value : 25;
    double final_div = o.final_div_factor.has ? o.final_div_factor.value : 1e4;
    if (total_steps < 1 || !(pct >= 0 && pct <= 1) || !(div > 0) || !(final_div > 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_one_cycle: total_steps %lld must be at least 1, pct_start %g from 0 to 1, div_factor %g and final_div_factor %g above 0",
                 (long long)total_steps, pct, div, final_div);
        return NULL;
    }
    return start(ct__lr_new(&one_cycle_class, optim, (double[CT__LR_MAX_NUMBERS]){
        max_lr / div, max_lr, max_lr / div / final_div, (double)total_steps, pct, o.linear, o.three_phase,
        o.base_momentum.has ? o.base_momentum.value : 0.85, o.max_momentum.has ? o.max_momentum.value : 0.95}), !o.no_cycle_momentum);
}

/* ---- swa ---- */

enum { SWA_LR, ANNEAL_EPOCHS, ANNEAL_LINEAR };

/* How much of the way to swa_lr is done after so many steps. */
static double swa_part(const double *n, double step) {
    double part = fmax(0, fmin(1, step / fmax(1, n[ANNEAL_EPOCHS])));
    return n[ANNEAL_LINEAR] != 0 ? part : (1 - cos(PI * part)) / 2;
}
static double swa_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    (void)phase, (void)group;
    const double *n = s->number;
    double step = n[ANNEAL_EPOCHS] == 0 ? fmax(1, (double)s->last_epoch) : (double)s->last_epoch;
    double before = swa_part(n, step - 1), now = swa_part(n, step);
    double first = before == 1 ? n[SWA_LR] : (lr - before * n[SWA_LR]) / (1 - before); /* where it set out from */
    return n[SWA_LR] * now + first * (1 - now);
}
static const ct__lr_class swa_class = {.name = "ct_lr_swa", .next = swa_next};

ct_lr_scheduler *ct_lr_swa(ct_optim *optim, double swa_lr, const ct_lr_swa_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_swa", options));
    int64_t epochs = options && options->anneal_epochs.has ? options->anneal_epochs.value : 10;
    if (!(swa_lr >= 0 && swa_lr < INFINITY) || epochs < 0 || epochs > INT64_C(1) << 52) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_lr_swa: swa_lr %g and anneal_epochs %lld must be finite and at least 0", swa_lr, (long long)epochs);
        return NULL;
    }
    return ct__lr_start(ct__lr_new(&swa_class, optim, (double[CT__LR_MAX_NUMBERS]){swa_lr, (double)epochs, options && options->linear}));
}
