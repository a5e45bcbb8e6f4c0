/*
 * metrics.c: what the metrics share; accuracy and the confusion matrix; errors of numbers.
 *
 * Data sets that metrics see are small beside what made the predictions, so these are plain loops in row-major order.
 */
#include <ctorch/metrics.h>

#include "base/vec.h"
#include "metrics/metrics_impl.h"
#include "ops/layout.h"

#include <math.h>
#include <string.h>

void ct__metric_close(ct__metric_pair *p) {
    ct__unref(p->preds);
    ct__unref(p->target);
}

bool ct__metric_open_any(const char *function, ct_tensor *preds, ct_tensor *target, ct__metric_pair *out) {
    *out = (ct__metric_pair){0};
    if (ct__pending() != CT_OK) return false;
    if (!preds || !target) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, preds ? "target" : "preds");
        return false;
    }
    out->preds = ct__dense(function, preds);
    out->target = out->preds ? ct__dense(function, target) : NULL;
    if (out->target) return true;
    ct__metric_close(out);
    return false;
}

bool ct__metric_open(const char *function, ct_tensor *preds, ct_tensor *target, ct__metric_pair *out) {
    if (preds && target && !ct__pending() && !ct__same_sizes(preds, target)) {
        ct__shape_text ps, ts;
        ct__fail(CT_ERR_SHAPE, "%s: preds %s and target %s differ in shape", function, CT__SIZES(&ps, preds), CT__SIZES(&ts, target));
        return false;
    }
    return ct__metric_open_any(function, preds, target, out);
}

bool ct__metric_check_indices(const char *function, const char *what, const ct_tensor *t) {
    if (!ct__is_float(t)) return true;
    ct__fail(CT_ERR_DTYPE, "%s: %s is %s, not an integer dtype: class indices, as ct_argmax gives them", function, what, ct_dtype_name((ct_dtype)t->dtype));
    return false;
}

ct_tensor *ct__metric_results(const char *function, const double *values, int64_t n) {
    ct_tensor *t = ct__new(function, &n, 1, CT_F64);
    if (t && n) memcpy(ct__ptr(t), values, (size_t)n * sizeof *values);
    return ct__scope_give(t);
}

ct_tensor *ct__metric_result(const char *function, double value) {
    ct_tensor *t = ct__new(function, NULL, 0, CT_F64);
    if (t) *(double *)(void *)ct__ptr(t) = value;
    return ct__scope_give(t);
}

/* ---- Classes ---- */

static bool open_classes(const char *function, ct_tensor *preds, ct_tensor *target, ct__metric_pair *p) {
    if (!ct__metric_open(function, preds, target, p)) return false;
    if (ct__metric_check_indices(function, "preds", preds) && ct__metric_check_indices(function, "target", target)) return true;
    ct__metric_close(p);
    return false;
}

ct_tensor *ct_accuracy(ct_tensor *preds, ct_tensor *target) {
    ct__metric_pair p;
    if (!open_classes("ct_accuracy", preds, target, &p)) return NULL;
    int64_t n = p.preds->numel, right = 0;
    for (int64_t i = 0; i < n; i++) right += ct__metric_index(p.preds, i) == ct__metric_index(p.target, i);
    ct__metric_close(&p);
    return ct__metric_result("ct_accuracy", n ? (double)right / (double)n : NAN);
}

bool ct__metric_check_range(const char *function, const char *what, const ct_tensor *t, int64_t num_classes) {
    for (int64_t i = 0; i < t->numel; i++) {
        int64_t k = ct__metric_index(t, i);
        if (k >= 0 && k < num_classes) continue;
        ct__fail(CT_ERR_INDEX, "%s: %s has %lld at position %lld, which is not one of the %lld classes", function, what, (long long)k,
                 (long long)i, (long long)num_classes);
        return false;
    }
    return true;
}

ct_tensor *ct_confusion_matrix(ct_tensor *preds, ct_tensor *target, int64_t num_classes) {
    const char *function = "ct_confusion_matrix";
    ct_tensor *out = NULL;
    ct__metric_pair p;
    if (!open_classes(function, preds, target, &p)) return NULL;
    if (num_classes < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_classes is %lld but must be at least 1", function, (long long)num_classes);
    } else if (ct__metric_check_range(function, "preds", p.preds, num_classes) && ct__metric_check_range(function, "target", p.target, num_classes)) {
        out = ct__new_zeros(function, (const int64_t[]){num_classes, num_classes}, 2, CT_I64);
        int64_t *count = out ? (void *)ct__ptr(out) : NULL;
        for (int64_t i = 0; count && i < p.preds->numel; i++) count[ct__metric_index(p.target, i) * num_classes + ct__metric_index(p.preds, i)]++;
    }
    ct__metric_close(&p);
    return ct__scope_give(out);
}

/* ---- Numbers ---- */

/* n samples of m outputs, side by side. */
static bool open_numbers(const char *function, ct_tensor *preds, ct_tensor *target, ct__metric_pair *p, int64_t *n, int64_t *m) {
    if (!ct__metric_open(function, preds, target, p)) return false;
    ct__shape_text ps;
    if (preds->ndim != 1 && preds->ndim != 2)
        ct__fail(CT_ERR_SHAPE, "%s: preds must be [N] or [N, outputs], not %s", function, CT__SIZES(&ps, preds));
    else {
        *n = preds->sizes[0];
        *m = preds->ndim == 2 ? preds->sizes[1] : 1;
        return true;
    }
    ct__metric_close(p);
    return false;
}

/* Of output j: the sums of squared and of absolute errors. */
static double squared_error(const ct__metric_pair *p, int64_t n, int64_t m, int64_t j) {
    double sum = 0;
    for (int64_t i = j; i < n * m; i += m) {
        double d = ct__metric_number(p->preds, i) - ct__metric_number(p->target, i);
        sum += d * d;
    }
    return sum;
}
static double absolute_error(const ct__metric_pair *p, int64_t n, int64_t m, int64_t j) {
    double sum = 0;
    for (int64_t i = j; i < n * m; i += m) sum += fabs(ct__metric_number(p->preds, i) - ct__metric_number(p->target, i));
    return sum;
}

/* Of output j: the sum of squared distances of the target from its mean. */
static double spread(const ct__metric_pair *p, int64_t n, int64_t m, int64_t j) {
    double mean = 0, sum = 0;
    for (int64_t i = j; i < n * m; i += m) mean += ct__metric_number(p->target, i);
    mean /= (double)n;
    for (int64_t i = j; i < n * m; i += m) {
        double d = ct__metric_number(p->target, i) - mean;
        sum += d * d;
    }
    return sum;
}

/* The mean over the outputs of (the sum of errors / n), or of its root. */
static ct_tensor *mean_error(const char *function, ct_tensor *preds, ct_tensor *target, double (*error)(const ct__metric_pair *, int64_t, int64_t, int64_t), bool root) {
    ct__metric_pair p;
    int64_t n, m;
    if (!open_numbers(function, preds, target, &p, &n, &m)) return NULL;
    double sum = 0;
    for (int64_t j = 0; j < m; j++) {
        double mean = error(&p, n, m, j) / (double)n;
        sum += root ? sqrt(mean) : mean;
    }
    ct__metric_close(&p);
    return ct__metric_result(function, sum / (double)m);
}

ct_tensor *ct_mean_squared_error(ct_tensor *preds, ct_tensor *target) { return mean_error("ct_mean_squared_error", preds, target, squared_error, false); }
ct_tensor *ct_root_mean_squared_error(ct_tensor *preds, ct_tensor *target) { return mean_error("ct_root_mean_squared_error", preds, target, squared_error, true); }
ct_tensor *ct_mean_absolute_error(ct_tensor *preds, ct_tensor *target) { return mean_error("ct_mean_absolute_error", preds, target, absolute_error, false); }

ct_tensor *ct_r2_score(ct_tensor *preds, ct_tensor *target) {
    ct__metric_pair p;
    int64_t n, m;
    if (!open_numbers("ct_r2_score", preds, target, &p, &n, &m)) return NULL;
    double sum = 0;
    for (int64_t j = 0; j < m && n >= 2; j++) {
        double error = squared_error(&p, n, m, j), all = spread(&p, n, m, j);
        if (all == 0) sum += error == 0; /* scikit-learn's force_finite; NaN does not come here */
        else sum += 1 - error / all;
    }
    ct__metric_close(&p);
    return ct__metric_result("ct_r2_score", n < 2 ? NAN : sum / (double)m);
}
