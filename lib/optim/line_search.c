/*
 * line_search.c: a step length that satisfies the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6), in the
 * form that torch.optim.LBFGS has them:
 *
 *      loss(t) <= loss(0) + c1 t slope(0)   and   |slope(t)| <= c2 |slope(0)|
 *
 * First the step is stretched until [before, now] must contain such a point (bracket), then the interval is narrowed by the minimum of the cubic through
 * both ends (zoom). NaN in a loss fails no comparison here, as in PyTorch: it ends the search at max_evals.
 */
#include "optim/line_search.h"

#include <math.h>

static const double C1 = 1e-4, C2 = 0.9;

typedef struct search {
    const ct__line *line;
    const ct__line_point *start;
    ct__line_point now;
    ct__line_point end[2]; /* the bracket; what was met first is end[0] */
    int64_t iter, evals;
    bool done;
} search;

static void assign(ct__line_point *to, const ct__line_point *from) {
    ct_tensor *before = to->grad;
    *to = *from;
    if (to->grad) ct__ref(to->grad);
    ct__unref(before);
}

static ct_status evaluate(search *s, double t) {
    ct__line_point p = {.t = t};
    CT__TRY(s->line->evaluate(s->line->user, t, &p));
    ct__unref(s->now.grad);
    s->now = p;
    s->evals++;
    return CT_OK;
}

/* Where the cubic with these values and slopes has its minimum, kept within the bounds; their middle where it has none. */
static double cubic_minimum(const ct__line_point *a, const ct__line_point *b, double low, double high) {
    double d1 = a->slope + b->slope - 3 * (a->loss - b->loss) / (a->t - b->t), square = d1 * d1 - a->slope * b->slope;
    if (!(square >= 0)) return (low + high) / 2;
    double d2 = sqrt(square), t;
    if (a->t <= b->t) t = b->t - (b->t - a->t) * ((b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2));
    else t = a->t - (a->t - b->t) * ((a->slope + d2 - d1) / (a->slope - b->slope + 2 * d2));
    t = low > t ? low : t;
    return high < t ? high : t;
}

static bool too_high(const search *s) { return s->now.loss > s->start->loss + C1 * s->now.t * s->start->slope; }
static bool flat_enough(const search *s) { return fabs(s->now.slope) <= -C2 * s->start->slope; }

static ct_status bracket(search *s, double t) {
    const ct__line_point *before = &s->end[0];
    assign(&s->end[0], s->start);
    CT__TRY(evaluate(s, t));
    for (; s->iter < s->line->max_evals; s->iter++) {
        if (too_high(s) || (s->iter > 1 && s->now.loss >= before->loss)) break;
        if (flat_enough(s)) {
            s->done = true;
            assign(&s->end[0], &s->now);
            break;
        }
        if (s->now.slope >= 0) break;
        double now = s->now.t, next = cubic_minimum(before, &s->now, now + 0.01 * (now - before->t), now * 10);
        assign(&s->end[0], &s->now);
        CT__TRY(evaluate(s, next));
    }
    if (s->iter == s->line->max_evals) assign(&s->end[0], s->start);
    assign(&s->end[1], &s->now);
    return CT_OK;
}

/* The minimum of the cubic, moved a tenth of the interval off its end if it lies closer than that twice in a row. */
static double zoom_at(const search *s, bool *slow) {
    const ct__line_point *a = &s->end[0], *b = &s->end[1];
    double low = b->t < a->t ? b->t : a->t, high = b->t > a->t ? b->t : a->t, margin = 0.1 * (high - low);
    double t = cubic_minimum(a, b, low, high);
    if (!(fmin(high - t, t - low) < margin)) {
        *slow = false;
        return t;
    }
    if (!*slow && t < high && t > low) {
        *slow = true;
        return t;
    }
    *slow = false;
    return fabs(t - high) < fabs(t - low) ? high - margin : low + margin;
}

static ct_status zoom(search *s, int *best) {
    bool slow = false;
    int low = s->end[0].loss <= s->end[1].loss ? 0 : 1;
    for (; !s->done && s->iter < s->line->max_evals; s->iter++) {
        if (fabs(s->end[1].t - s->end[0].t) * s->line->d_norm < s->line->tolerance_change) break;
        CT__TRY(evaluate(s, zoom_at(s, &slow)));
        if (too_high(s) || s->now.loss >= s->end[low].loss) {
            assign(&s->end[!low], &s->now);
            low = s->end[0].loss <= s->end[1].loss ? 0 : 1;
            continue;
        }
        if (flat_enough(s)) s->done = true;
        else if (s->now.slope * (s->end[!low].t - s->end[low].t) >= 0) assign(&s->end[!low], &s->end[low]);
        assign(&s->end[low], &s->now);
    }
    *best = low;
    return CT_OK;
}

ct_status ct__strong_wolfe(const ct__line *line, const ct__line_point *start, double t, ct__line_point *best, int64_t *evals) {
    search s = {.line = line, .start = start};
    int low = 0;
    ct_status status = bracket(&s, t);
    if (status == CT_OK && !s.done) status = zoom(&s, &low);
    *best = (ct__line_point){0};
    if (status == CT_OK) assign(best, &s.end[low]);
    *evals = s.evals;
    ct__unref(s.now.grad);
    ct__unref(s.end[0].grad);
    ct__unref(s.end[1].grad);
    return status;
}
