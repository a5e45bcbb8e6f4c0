/*
 * lr_decay.c: schedules that multiply the present learning rate by a factor of the epoch. Where PyTorch starts one anew inside a sequence it takes the closed form at epoch 0
 * (CT__LR_RESTART).
 */
#include "optim/lr_impl.h"

#include <math.h>

#define PI 3.141592653589793238463
#define AT_REST(phase) ((phase) == CT__LR_INITIAL)

static double opt_or(ct_opt_i64 o, int64_t value) { return (double)(o.has ? o.value : value); }

/* CT_ERR_INVALID_ARGUMENT unless low <= v <= high. NaN is in no range. */
static bool within(const char *function, const char *name, double v, double low, double high) {
    if (v >= low && v <= high) return true;
    ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g; it must be from %g to %g", function, name, v, low, high);
    return false;
}

/* ---- step, multi_step, exponential ---- */

enum { GAMMA, STEP_SIZE };

static double step_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    if (phase == CT__LR_RESTART) return s->base[group];
    return AT_REST(phase) || s->last_epoch % (int64_t)s->number[STEP_SIZE] != 0 ? lr : lr * s->number[GAMMA];
}
static const ct__lr_class step_class = {.name = "ct_lr_step", .next = step_next};

ct_lr_scheduler *ct_lr_step(ct_optim *optim, int64_t step_size, const ct_lr_step_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_step", options));
    double gamma = options && options->gamma.has ? options->gamma.value : 0.1;
    if (ct__pending() != CT_OK || !within("ct_lr_step", "step_size", (double)step_size, 1, 0x1p53) || !within("ct_lr_step", "gamma", gamma, -1e300, 1e300)) return NULL;
    return ct__lr_start(ct__lr_new(&step_class, optim, (double[CT__LR_MAX_NUMBERS]){gamma, (double)step_size}));
}

static double multi_step_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    if (phase == CT__LR_RESTART) lr = s->base[group];
    if (AT_REST(phase)) return lr;
    int times = 0;
    for (int i = 0; i < s->n_milestones; i++) times += phase == CT__LR_RESTART ? s->milestones[i] <= 0 : s->milestones[i] == s->last_epoch;
    return times ? lr * pow(s->number[GAMMA], times) : lr;
}
static const ct__lr_class multi_step_class = {.name = "ct_lr_multi_step", .next = multi_step_next};

ct_lr_scheduler *ct_lr_multi_step(ct_optim *optim, const int64_t *milestones, int n, const ct_lr_step_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_multi_step", options));
    double gamma = options && options->gamma.has ? options->gamma.value : 0.1;
    if (ct__pending() != CT_OK || !within("ct_lr_multi_step", "gamma", gamma, -1e300, 1e300)) return NULL;
    ct_lr_scheduler *s = ct__lr_new(&multi_step_class, optim, (double[CT__LR_MAX_NUMBERS]){gamma});
    if (s && ct__lr_set_milestones(s, milestones, n) == CT_OK) return ct__lr_start(s);
    ct_lr_scheduler_free(s);
    return NULL;
}

static double exponential_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    if (phase == CT__LR_RESTART) return s->base[group];
    return AT_REST(phase) ? lr : lr * s->number[GAMMA];
}
static const ct__lr_class exponential_class = {.name = "ct_lr_exponential", .next = exponential_next};

ct_lr_scheduler *ct_lr_exponential(ct_optim *optim, double gamma) {
    if (ct__pending() != CT_OK || !within("ct_lr_exponential", "gamma", gamma, -1e300, 1e300)) return NULL;
    return ct__lr_start(ct__lr_new(&exponential_class, optim, (double[CT__LR_MAX_NUMBERS]){gamma}));
}

/* ---- constant, linear, polynomial ---- */

enum { TOTAL, START, END };

static double constant_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    if (phase == CT__LR_RESTART) lr = s->base[group];
    if (s->last_epoch == 0) return s->number[TOTAL] == 0 && phase == CT__LR_RESTART ? lr : lr * s->number[START];
    return (double)s->last_epoch != s->number[TOTAL] ? lr : lr * (1 / s->number[START]);
}
static const ct__lr_class constant_class = {.name = "ct_lr_constant", .next = constant_next};

ct_lr_scheduler *ct_lr_constant(ct_optim *optim, const ct_lr_constant_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_constant", options));
    ct_lr_constant_options o = options ? *options : (ct_lr_constant_options){0};
    double factor = o.factor.has ? o.factor.value : 1.0 / 3, total = opt_or(o.total_iters, 5);
    if (ct__pending() != CT_OK || !within("ct_lr_constant", "factor", factor, 0, 1) || !within("ct_lr_constant", "total_iters", total, 0, 0x1p53)) return NULL;
    return ct__lr_start(ct__lr_new(&constant_class, optim, (double[CT__LR_MAX_NUMBERS]){total, factor}));
}

static double linear_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    double e = (double)s->last_epoch, total = s->number[TOTAL], start = s->number[START], rise = s->number[END] - start;
    if (phase == CT__LR_RESTART) lr = s->base[group];
    if (e == 0) return lr * start;
    return e > total ? lr : lr * (1 + rise / (total * start + (e - 1) * rise));
}
static const ct__lr_class linear_class = {.name = "ct_lr_linear", .next = linear_next};

ct_lr_scheduler *ct_lr_linear(ct_optim *optim, const ct_lr_linear_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_linear", options));
    ct_lr_linear_options o = options ? *options : (ct_lr_linear_options){0};
    double start = o.start_factor.has ? o.start_factor.value : 1.0 / 3, end = o.end_factor.has ? o.end_factor.value : 1, total = opt_or(o.total_iters, 5);
    if (ct__pending() != CT_OK || !within("ct_lr_linear", "start_factor", start, 0x1p-1022, 1) || !within("ct_lr_linear", "end_factor", end, 0, 1) ||
        !within("ct_lr_linear", "total_iters", total, 1, 0x1p53))
        return NULL;
    return ct__lr_start(ct__lr_new(&linear_class, optim, (double[CT__LR_MAX_NUMBERS]){total, start, end}));
}

enum { POWER = START };

static double polynomial_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    double e = (double)s->last_epoch, total = s->number[TOTAL];
    if (phase == CT__LR_RESTART) return s->base[group];
    if (AT_REST(phase) || e > total) return lr;
    return lr * pow((1 - e / total) / (1 - (e - 1) / total), s->number[POWER]);
}
static const ct__lr_class polynomial_class = {.name = "ct_lr_polynomial", .next = polynomial_next};

ct_lr_scheduler *ct_lr_polynomial(ct_optim *optim, const ct_lr_polynomial_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_lr_polynomial", options));
    ct_lr_polynomial_options o = options ? *options : (ct_lr_polynomial_options){0};
    double total = opt_or(o.total_iters, 5), power = o.power.has ? o.power.value : 1;
    if (ct__pending() != CT_OK || !within("ct_lr_polynomial", "total_iters", total, 1, 0x1p53) || !within("ct_lr_polynomial", "power", power, 0, 1e300)) return NULL;
    return ct__lr_start(ct__lr_new(&polynomial_class, optim, (double[CT__LR_MAX_NUMBERS]){total, power}));
}

/* ---- cosine_annealing, with warm restarts ---- */

enum { T_MAX, ETA_MIN, T_MULT };
enum { T_CUR, T_I };

static double cosine_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    double e = (double)s->last_epoch, t = s->number[T_MAX], low = s->number[ETA_MIN];
    if (phase == CT__LR_RESTART) return s->base[group];
    if (AT_REST(phase)) return lr;
    if ((s->last_epoch - 1 - (int64_t)t) % (2 * (int64_t)t) == 0) return lr + (s->base[group] - low) * (1 - cos(PI / t)) / 2; /* from the bottom */
    return (1 + cos(PI * e / t)) / (1 + cos(PI * (e - 1) / t)) * (lr - low) + low;
}
static const ct__lr_class cosine_class = {.name = "ct_lr_cosine_annealing", .next = cosine_next};

ct_lr_scheduler *ct_lr_cosine_annealing(ct_optim *optim, int64_t t_max, const ct_lr_cosine_options *options) {
    const char *function = "ct_lr_cosine_annealing";
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    double eta_min = options ? options->eta_min : 0;
    if (ct__pending() != CT_OK || !within(function, "t_max", (double)t_max, 1, 0x1p52) || !within(function, "eta_min", eta_min, 0, 1e300)) return NULL;
    return ct__lr_start(ct__lr_new(&cosine_class, optim, (double[CT__LR_MAX_NUMBERS]){(double)t_max, eta_min}));
}

static void restarts_advance(ct_lr_scheduler *s, ct__lr_phase phase) {
    if (phase != CT__LR_NEXT) {
        s->count[T_CUR] = 0;
        s->count[T_I] = s->number[T_MAX];
        return;
    }
    s->count[T_CUR]++;
    if (s->count[T_CUR] < s->count[T_I]) return;
    s->count[T_CUR] -= s->count[T_I];
    s->count[T_I] *= s->number[T_MULT];
}
static double restarts_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    (void)phase, (void)lr;
    double low = s->number[ETA_MIN];
    return low + (s->base[group] - low) * (1 + cos(PI * s->count[T_CUR] / s->count[T_I])) / 2;
}
static const ct__lr_class restarts_class = {
    .name = "ct_lr_cosine_annealing_warm_restarts", .next = restarts_next, .advance = restarts_advance, .counts = {"T_cur", "T_i"}};

ct_lr_scheduler *ct_lr_cosine_annealing_warm_restarts(ct_optim *optim, int64_t t_0, const ct_lr_warm_restarts_options *options) {
    const char *function = restarts_class.name;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    double eta_min = options ? options->eta_min : 0, t_mult = options ? opt_or(options->t_mult, 1) : 1;
    if (ct__pending() != CT_OK || !within(function, "t_0", (double)t_0, 1, 0x1p52) || !within(function, "t_mult", t_mult, 1, 0x1p52) ||
        !within(function, "eta_min", eta_min, 0, 1e300))
        return NULL;
    return ct__lr_start(ct__lr_new(&restarts_class, optim, (double[CT__LR_MAX_NUMBERS]){(double)t_0, eta_min, t_mult}));
}

/* ---- lambda, multiplicative ---- */

static double lambda_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    (void)phase, (void)lr;
    return s->base[group] * s->fn(s->last_epoch, group, s->user);
}
static double multiplicative_next(const ct_lr_scheduler *s, ct__lr_phase phase, int64_t group, double lr) {
    return AT_REST(phase) ? lr : lr * s->fn(s->last_epoch, group, s->user);
}
static const ct__lr_class lambda_class = {.name = "ct_lr_lambda", .next = lambda_next};
static const ct__lr_class multiplicative_class = {.name = "ct_lr_multiplicative", .next = multiplicative_next};

static ct_lr_scheduler *with_function(const ct__lr_class *cls, ct_optim *optim, ct_lr_lambda_fn fn, void *user, void (*free_user)(void *user)) {
    if (!fn) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the function is NULL", cls->name);
    ct_lr_scheduler *s = ct__lr_new(cls, optim, NULL);
    if (!s) {
        if (free_user) free_user(user);
        return NULL;
    }
    s->fn = fn;
    s->user = user;
    s->free_user = free_user;
    return ct__lr_start(s);
}
ct_lr_scheduler *ct_lr_lambda(ct_optim *optim, ct_lr_lambda_fn fn, void *user, void (*free_user)(void *user)) {
    return with_function(&lambda_class, optim, fn, user, free_user);
}
ct_lr_scheduler *ct_lr_multiplicative(ct_optim *optim, ct_lr_lambda_fn fn, void *user, void (*free_user)(void *user)) {
    return with_function(&multiplicative_class, optim, fn, user, free_user);
}
