/*
 * ctc.c: see ctc.h. Graves et al., "Connectionist temporal classification" (2006), equations 6 to 16, in logarithms.
 *
 *      states of the labels a b b      _ a _ b _ b _        a step stays, goes to the next state, or leaves out a blank
 *                                      0 1 2 3 4 5 6        between different labels: 1 -> 3, but not 3 -> 5
 *
 * alpha[t][s] sums the paths that end in state s at step t, x[t] included; beta[t][s] those that go from there to the end, x[t] included too. A sample
 * is a chain of steps and stays on one thread. Backward keeps two rows of beta, not all of it.
 */
#include "kernels/ctc.h"

#include "base/platform.h"
#include "base/pool.h"

#include <math.h>

/* log(e^a + e^b), log(e^a + e^b + e^c); NaN stays. The largest needs no exponential: these are most of the time. */
static double log_sum2(double a, double b) {
    const double most = a > b ? a : b, least = a > b ? b : a;
    return least == -INFINITY ? most : most + log1p(exp(least - most));
}
static double log_sum3(double a, double b, double c) {
    if (c == -INFINITY) return log_sum2(a, b);
    double most = a, x = b, y = c;
    if (x > most) most = b, x = a;
    if (y > most) y = most, most = c;
    return most == -INFINITY ? a + b + c : most + log(1 + exp(x - most) + exp(y - most));
}

/* One sample's view. */
typedef struct sample {
    const ct__ctc *c;
    int64_t n, steps, states;
    const int64_t *labels;
} sample;

static sample sample_of(const ct__ctc *c, int64_t n) {
    return (sample){.c = c, .n = n, .steps = c->input_length[n], .states = 2 * c->target_length[n] + 1, .labels = c->targets + c->offset[n]};
}
static int64_t class_of(const sample *p, int64_t s) { return s % 2 ? p->labels[s / 2] : p->c->blank; }
static bool may_skip_to(const sample *p, int64_t s) { return s >= 2 && class_of(p, s) != class_of(p, s - 2); }

static int64_t place(const sample *p, int64_t t) { return (t * p->c->batch + p->n) * p->c->classes; }
static double log_prob(const sample *p, int64_t t, int64_t k) {
    const int64_t at = place(p, t) + k;
    return p->c->dtype == CT_F32 ? (double)((const float *)p->c->x)[at] : ((const double *)p->c->x)[at];
}

static void forward_step(const sample *p, int64_t t, const double *before, double *now) {
    for (int64_t s = 0; s < p->states; s++) {
        double next = s ? before[s - 1] : -INFINITY, skip = may_skip_to(p, s) ? before[s - 2] : -INFINITY;
        now[s] = log_sum3(before[s], next, skip) + log_prob(p, t, class_of(p, s));
    }
}

static double sample_loss(const sample *p, int64_t kept, double *alpha) {
    const int64_t width = p->c->states;
    if (p->steps == 0) return p->states == 1 ? 0 : INFINITY;
    for (int64_t s = 0; s < p->states; s++) alpha[s] = s < 2 ? log_prob(p, 0, class_of(p, s)) : -INFINITY;
    for (int64_t t = 1; t < p->steps; t++) forward_step(p, t, alpha + (t - 1) % kept * width, alpha + t % kept * width);
    const double *last = alpha + (p->steps - 1) % kept * width + p->states - 1;
    return -log_sum2(last[0], p->states > 1 ? last[-1] : -INFINITY);
}

typedef struct job {
    const ct__ctc *c;
    int64_t kept;
    double *alpha, *loss, *scratch;
    const double *g;
    void *out;
    bool zero_infinity;
} job;

static void forward_samples(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    for (int64_t n = begin; n < end; n++) {
        sample p = sample_of(j->c, n);
        j->loss[n] = sample_loss(&p, j->kept, j->alpha + n * j->kept * j->c->states);
    }
}

void ct__ctc_forward(const ct__ctc *c, int64_t kept, double *alpha, double *loss) {
    ct__parallel_for(c->batch, 1, forward_samples, &(job){.c = c, .kept = kept, .alpha = alpha, .loss = loss});
}

/* ---- Backward ---- */

static void put(const ct__ctc *c, void *out, int64_t at, double v) {
    if (c->dtype == CT_F32) ((float *)out)[at] = (float)v;
    else ((double *)out)[at] = v;
}

/* now = beta of step t; after = beta of step t + 1, or NULL at the last one. */
static void backward_step(const sample *p, int64_t t, const double *after, double *now) {
    for (int64_t s = 0; s < p->states; s++) {
        double ways = s + 2 >= p->states ? 0 : -INFINITY; /* the last step ends in the last label or the blank behind it */
        if (after) {
            double next = s + 1 < p->states ? after[s + 1] : -INFINITY;
            ways = log_sum3(after[s], next, s + 2 < p->states && may_skip_to(p, s + 2) ? after[s + 2] : -INFINITY);
        }
        now[s] = ways + log_prob(p, t, class_of(p, s));
    }
}

/* share: scratch [classes], of all paths those that are in a state of the class. alpha and beta both hold x[t]: one of them goes. No term is above 1, so
 * they are summed as they are. */
static void gradient_step(const sample *p, int64_t t, const double *alpha, const double *beta, double loss, double g, double *share, void *out) {
    const int64_t classes = p->c->classes;
    for (int64_t k = 0; k < classes; k++) share[k] = 0;
    for (int64_t s = 0; s < p->states; s++) {
        double through = alpha[s] + beta[s];
        if (through != -INFINITY) share[class_of(p, s)] += exp(through + loss - log_prob(p, t, class_of(p, s)));
    }
    for (int64_t k = 0; k < classes; k++) put(p->c, out, place(p, t) + k, g * (exp(log_prob(p, t, k)) - share[k]));
}

static void fill_step(const sample *p, int64_t t, double v, void *out) {
    for (int64_t k = 0; k < p->c->classes; k++) put(p->c, out, place(p, t) + k, v);
}

static void sample_gradient(const sample *p, const double *alpha, double loss, double g, bool zero_infinity, double *scratch, void *out) {
    const int64_t width = p->c->states;
    double *beta[2] = {scratch, scratch + width}, *share = scratch + 2 * width;
    for (int64_t t = p->steps; t < p->c->steps; t++) fill_step(p, t, 0, out);
    for (int64_t t = p->steps - 1; t >= 0; t--) {
        if (loss == INFINITY) {
            fill_step(p, t, zero_infinity ? 0 : (double)NAN, out);
            continue;
        }
        backward_step(p, t, t + 1 < p->steps ? beta[(t + 1) % 2] : NULL, beta[t % 2]);
        gradient_step(p, t, alpha + t * width, beta[t % 2], loss, g, share, out);
    }
}

static void backward_samples(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    const ct__ctc *c = j->c;
    for (int64_t n = begin; n < end; n++) {
        sample p = sample_of(c, n);
        sample_gradient(&p, j->alpha + n * c->steps * c->states, j->loss[n], j->g[n], j->zero_infinity, j->scratch + n * (2 * c->states + c->classes), j->out);
    }
}

void ct__ctc_backward(const ct__ctc *c, const double *alpha, const double *loss, const double *g, bool zero_infinity, double *scratch, void *out) {
    job j = {.c = c, .alpha = (double *)(uintptr_t)alpha, .loss = (double *)(uintptr_t)loss, .scratch = scratch, .g = g, .out = out,
             .zero_infinity = zero_infinity};
    ct__parallel_for(c->batch, 1, backward_samples, &j);
}
