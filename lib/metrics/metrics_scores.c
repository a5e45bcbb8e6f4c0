/*
 * metrics_scores.c: metrics of scores: top-k accuracy, and what changes as the threshold of a yes-or-no decision moves: ROC and
 * precision-recall curves.
 */
#include <ctorch/metrics.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "metrics/metrics_impl.h"
#include "ops/layout.h"

#include <math.h>
#include <stdlib.h>

/* ---- Top k ---- */

/* Whether class k of a row has less than `top` classes before it; of equal scores the first counts as higher, NaN as the highest, as ct_topk orders them. */
static bool in_top(const ct_tensor *scores, int64_t row, int64_t classes, int64_t k, int64_t top) {
    double s = ct__metric_number(scores, row * classes + k);
    int64_t before = 0;
    for (int64_t j = 0; j < classes && before < top; j++) {
        double other = ct__metric_number(scores, row * classes + j);
        bool equal = other == s || (isnan(other) && isnan(s));
        before += equal ? j < k : other > s || isnan(other);
    }
    return before < top;
}

ct_tensor *ct_top_k_accuracy(ct_tensor *scores, ct_tensor *target, int64_t k) {
    static const char fn[] = "ct_top_k_accuracy";
    ct__metric_pair p;
    if (!ct__metric_open_any(fn, scores, target, &p)) return NULL;
    ct_tensor *out = NULL;
    ct__shape_text ss, ts;
    if (scores->ndim != 2 || target->ndim != 1 || scores->sizes[0] != target->sizes[0]) {
        ct__fail(CT_ERR_SHAPE, "%s: scores are [N, classes] and target is [N], not %s and %s", fn, CT__SIZES(&ss, scores), CT__SIZES(&ts, target));
    } else if (k < 1 || k > scores->sizes[1]) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: k is %lld but must be 1 to %lld, the number of classes", fn, (long long)k, (long long)scores->sizes[1]);
    } else if (ct__metric_check_indices(fn, "target", target) && ct__metric_check_range(fn, "target", p.target, scores->sizes[1])) {
        int64_t n = scores->sizes[0], right = 0;
        for (int64_t i = 0; i < n; i++) right += in_top(p.preds, i, scores->sizes[1], ct__metric_index(p.target, i), k);
        out = ct__metric_result(fn, n ? (double)right / (double)n : NAN);
    }
    ct__metric_close(&p);
    return out;
}

/* ---- Thresholds ---- */

typedef struct scored {
    double score;
    bool positive;
} scored;

/* Highest first. */
static int by_score(const void *a, const void *b) {
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The samples by falling score; those of equal score are one step, since no threshold can part them. */
typedef struct steps {
    scored *s;
    int64_t n, size, positives;
    double *threshold, *true_positives, *false_positives; /* [size]: counts of the samples with at least this score */
} steps;

static void close_steps(steps *t) {
    ct__free(t->s);
    ct__free(t->threshold);
    ct__free(t->true_positives);
    ct__free(t->false_positives);
    *t = (steps){0};
}

static bool check_binary(const char *fn, const ct_tensor *scores, const ct_tensor *target) {
    ct__shape_text ss;
    if (scores->ndim == 1) return ct__metric_check_indices(fn, "target", target);
    ct__fail(CT_ERR_SHAPE, "%s: scores must be [N], one number per sample, not %s", fn, CT__SIZES(&ss, scores));
    return false;
}

/* Counts the steps of column `column` of the scores against the samples of class `positive`. False with an error pending. */
static bool open_steps(const char *fn, const ct__metric_pair *p, int64_t column, int64_t positive, steps *out) {
    int64_t n = p->target->numel, columns = n ? p->preds->numel / n : 1;
    steps t = {.n = n, .s = ct__alloc_array((size_t)n + 1, sizeof *t.s), .threshold = ct__alloc_array((size_t)n + 1, sizeof(double))};
    t.true_positives = ct__alloc_array((size_t)n + 1, sizeof(double));
    t.false_positives = ct__alloc_array((size_t)n + 1, sizeof(double));
    *out = t;
    if (!t.s || !t.threshold || !t.true_positives || !t.false_positives) return false;
    for (int64_t i = 0; i < n; i++) {
        t.s[i] = (scored){ct__metric_number(p->preds, i * columns + column), ct__metric_index(p->target, i) == positive};
        if (!isnan(t.s[i].score)) continue;
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the score of sample %lld is NaN", fn, (long long)i);
        return false;
    }
    qsort(t.s, (size_t)n, sizeof *t.s, by_score);
    int64_t yes = 0;
    for (int64_t i = 0; i < n; i++) {
        yes += t.s[i].positive;
        if (i + 1 < n && t.s[i + 1].score == t.s[i].score) continue;
        t.threshold[t.size] = t.s[i].score;
        t.true_positives[t.size] = (double)yes;
        t.false_positives[t.size++] = (double)(i + 1 - yes);
    }
    t.positives = yes;
    *out = t;
    return true;
}

/* Opens scores [N] and a target of 0 and 1. */
static bool open_binary(const char *fn, ct_tensor *scores, ct_tensor *target, steps *t) {
    ct__metric_pair p;
    *t = (steps){0};
    if (!ct__metric_open(fn, scores, target, &p)) return false;
    bool right = check_binary(fn, scores, target) && ct__metric_check_range(fn, "target", p.target, 2) && open_steps(fn, &p, 0, 1, t);
    ct__metric_close(&p);
    if (!right) close_steps(t);
    return right;
}

/* ---- ROC ---- */

/* The area by trapezoids; NaN where one of the classes has no sample. */
static double area(const steps *t) {
    double sum = 0, before_true = 0, before_false = 0, negatives = (double)(t->n - t->positives);
    for (int64_t i = 0; i < t->size; i++) {
        sum += (t->false_positives[i] - before_false) * (t->true_positives[i] + before_true) / 2;
        before_true = t->true_positives[i], before_false = t->false_positives[i];
    }
    return sum / (double)t->positives / negatives;
}

static ct_tensor *area_of_classes(const char *fn, const ct__metric_pair *p) {
    int64_t classes = p->preds->sizes[1];
    double sum = 0;
    for (int64_t k = 0; k < classes; k++) {
        steps t;
        bool opened = open_steps(fn, p, k, k, &t);
        if (opened) sum += area(&t);
        close_steps(&t);
        if (!opened) return NULL;
    }
    return ct__metric_result(fn, sum / (double)classes);
}

ct_tensor *ct_roc_auc(ct_tensor *scores, ct_tensor *target) {
    static const char fn[] = "ct_roc_auc";
    if (!scores || scores->ndim != 2) {
        steps t;
        if (!open_binary(fn, scores, target, &t)) return NULL;
        double a = area(&t);
        close_steps(&t);
        return ct__metric_result(fn, a);
    }
    ct__metric_pair p;
    if (!ct__metric_open_any(fn, scores, target, &p)) return NULL;
    ct_tensor *out = NULL;
    ct__shape_text ss, ts;
    if (target->ndim != 1 || target->sizes[0] != scores->sizes[0])
        ct__fail(CT_ERR_SHAPE, "%s: target must be [N] beside scores [N, classes], not %s beside %s", fn, CT__SIZES(&ts, target), CT__SIZES(&ss, scores));
    else if (ct__metric_check_indices(fn, "target", target) && ct__metric_check_range(fn, "target", p.target, scores->sizes[1]))
        out = area_of_classes(fn, &p);
    ct__metric_close(&p);
    return out;
}

/* Hands three columns of n numbers on, those that are asked for. */
static ct_status give(const char *fn, double *const columns[3], int64_t n, ct_tensor **const out[3]) {
    ct_tensor *made[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++)
        if (out[i]) made[i] = ct__metric_results(fn, columns[i], n);
    for (int i = 0; i < 3 && ct__pending() == CT_OK; i++)
        if (out[i]) *out[i] = made[i];
    return ct__pending();
}

static void clear(ct_tensor **const out[3]) {
    for (int i = 0; i < 3; i++)
        if (out[i]) *out[i] = NULL;
}

ct_status ct_roc_curve(ct_tensor *scores, ct_tensor *target, ct_tensor **fpr, ct_tensor **tpr, ct_tensor **thresholds) {
    static const char fn[] = "ct_roc_curve";
    ct_tensor **const out[3] = {fpr, tpr, thresholds};
    steps t;
    clear(out);
    if (!open_binary(fn, scores, target, &t)) return ct__pending();
    /* One point more, at the origin; the arrays have room for it. */
    double negatives = (double)(t.n - t.positives);
    for (int64_t i = t.size; i > 0; i--) {
        t.threshold[i] = t.threshold[i - 1];
        t.true_positives[i] = t.true_positives[i - 1] / (double)t.positives;
        t.false_positives[i] = t.false_positives[i - 1] / negatives;
    }
    t.threshold[0] = INFINITY, t.true_positives[0] = t.positives ? 0 : NAN, t.false_positives[0] = negatives > 0 ? 0 : NAN;
    ct_status status = give(fn, (double *const[]){t.false_positives, t.true_positives, t.threshold}, t.size + 1, out);
    close_steps(&t);
    return status;
}

/* ---- Precision and recall ---- */

ct_status ct_precision_recall_curve(ct_tensor *scores, ct_tensor *target, ct_tensor **precision, ct_tensor **recall, ct_tensor **thresholds) {
    static const char fn[] = "ct_precision_recall_curve";
    ct_tensor **const out[3] = {precision, recall, thresholds};
    steps t;
    clear(out);
    if (!open_binary(fn, scores, target, &t)) return ct__pending();
    for (int64_t i = 0; i < t.size; i++) {
        double yes = t.true_positives[i];
        t.true_positives[i] = t.positives ? yes / (double)t.positives : 1; /* recall; scikit-learn's 1 without any positive */
        t.false_positives[i] = yes / (yes + t.false_positives[i]);         /* precision */
    }
    /* Rising thresholds, and the end where nothing is called positive. */
    for (int64_t i = 0, j = t.size - 1; i < j; i++, j--) {
        double *columns[3] = {t.threshold, t.true_positives, t.false_positives};
        for (int k = 0; k < 3; k++) {
            double swap = columns[k][i];
            columns[k][i] = columns[k][j], columns[k][j] = swap;
        }
    }
    t.threshold[t.size] = INFINITY, t.true_positives[t.size] = 0, t.false_positives[t.size] = 1;
    ct_status status = give(fn, (double *const[]){t.false_positives, t.true_positives, t.threshold}, t.size + 1, out);
    close_steps(&t);
    return status;
}

ct_tensor *ct_average_precision(ct_tensor *scores, ct_tensor *target) {
    static const char fn[] = "ct_average_precision";
    steps t;
    if (!open_binary(fn, scores, target, &t)) return NULL;
    double sum = 0, before = 0;
    for (int64_t i = 0; i < t.size; i++) {
        double yes = t.true_positives[i];
        sum += (yes - before) * yes / (yes + t.false_positives[i]);
        before = yes;
    }
    double value = t.positives ? sum / (double)t.positives : 0;
    close_steps(&t);
    return ct__metric_result(fn, value);
}

/* ---- Running mean ---- */

void ct_running_mean_add(ct_running_mean *mean, double value, double weight) {
    if (!mean || weight == 0) return;
    double keep = mean->decay > 0 ? mean->decay : 1;
    mean->sum = keep * mean->sum + weight * value;
    mean->weight = keep * mean->weight + weight;
}

double ct_running_mean_value(const ct_running_mean *mean) { return mean && mean->weight != 0 ? mean->sum / mean->weight : (double)NAN; }
