/*
 * metrics.c: accuracy, confusion matrix, RMSE, R2.
 *
 * Data sets that metrics see are small beside what made the predictions, so these are plain loops in row-major order.
 */
#include <ctorch/metrics.h>

#include "base/vec.h"
#include "core/tensor_impl.h"
#include "ops/layout.h"

#include <math.h>

/* The two arguments, row-major: references of our own. */
typedef struct pair {
    ct_tensor *preds, *target;
} pair;

static void close_pair(pair *p) {
    ct__unref(p->preds);
    ct__unref(p->target);
}

static bool open_pair(const char *function, ct_tensor *preds, ct_tensor *target, pair *out) {
    *out = (pair){0};
    if (ct__pending() != CT_OK) return false;
    if (!preds || !target) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, preds ? "target" : "preds");
        return false;
    }
    if (!ct__same_sizes(preds, target)) {
        ct__shape_text ps, ts;
        ct__fail(CT_ERR_SHAPE, "%s: preds %s and target %s differ in shape", function, CT__SIZES(&ps, preds), CT__SIZES(&ts, target));
        return false;
    }
    out->preds = ct__dense(function, preds);
    out->target = out->preds ? ct__dense(function, target) : NULL;
    if (out->target) return true;
    close_pair(out);
    return false;
}

static bool check_indices(const char *function, const char *what, const ct_tensor *t) {
    if (!ct__is_float(t)) return true;
    ct__fail(CT_ERR_DTYPE, "%s: %s is %s, not an integer dtype: class indices, as ct_argmax gives them", function, what, ct_dtype_name((ct_dtype)t->dtype));
    return false;
}

static const char *element(const ct_tensor *t, int64_t i) { return ct__ptr(t) + i * (int64_t)ct_dtype_size((ct_dtype)t->dtype); }
static int64_t index_at(const ct_tensor *t, int64_t i) { return ct__load_i64(element(t, i), (ct_dtype)t->dtype); }
static double number_at(const ct_tensor *t, int64_t i) { return ct__load_f64(element(t, i), (ct_dtype)t->dtype); }

static ct_tensor *number(const char *function, double value) {
    ct_tensor *t = ct__new(function, NULL, 0, CT_F64);
    if (t) *(double *)(void *)ct__ptr(t) = value;
    return ct__scope_give(t);
}

/* ---- Classes ---- */

static bool open_classes(const char *function, ct_tensor *preds, ct_tensor *target, pair *p) {
    if (!open_pair(function, preds, target, p)) return false;
    if (check_indices(function, "preds", preds) && check_indices(function, "target", target)) return true;
    close_pair(p);
    return false;
}

ct_tensor *ct_accuracy(ct_tensor *preds, ct_tensor *target) {
    pair p;
    if (!open_classes("ct_accuracy", preds, target, &p)) return NULL;
    int64_t n = p.preds->numel, right = 0;
    for (int64_t i = 0; i < n; i++) right += index_at(p.preds, i) == index_at(p.target, i);
    close_pair(&p);
    return number("ct_accuracy", n ? (double)right / (double)n : NAN);
}

static bool check_range(const char *function, const char *what, const ct_tensor *t, int64_t num_classes) {
    for (int64_t i = 0; i < t->numel; i++) {
        int64_t k = index_at(t, i);
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
    pair p;
    if (!open_classes(function, preds, target, &p)) return NULL;
    if (num_classes < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_classes is %lld but must be at least 1", function, (long long)num_classes);
    } else if (check_range(function, "preds", p.preds, num_classes) && check_range(function, "target", p.target, num_classes)) {
        out = ct__new_zeros(function, (const int64_t[]){num_classes, num_classes}, 2, CT_I64);
        int64_t *count = out ? (void *)ct__ptr(out) : NULL;
        for (int64_t i = 0; count && i < p.preds->numel; i++) count[index_at(p.target, i) * num_classes + index_at(p.preds, i)]++;
    }
    close_pair(&p);
    return ct__scope_give(out);
}

ct_tensor *ct_accuracy_per_class(ct_tensor *confusion_matrix) {
    const char *function = "ct_accuracy_per_class";
    CT__TRY_NULL(ct__pending());
    if (!confusion_matrix) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: confusion_matrix is NULL", function);
        return NULL;
    }
    if (!check_indices(function, "confusion_matrix", confusion_matrix)) return NULL;
    if (confusion_matrix->ndim != 2 || confusion_matrix->sizes[0] != confusion_matrix->sizes[1]) {
        ct__shape_text ms;
        ct__fail(CT_ERR_SHAPE, "%s: a confusion matrix is square, not %s", function, CT__SIZES(&ms, confusion_matrix));
        return NULL;
    }
    int64_t n = confusion_matrix->sizes[0];
    ct_tensor *m = ct__dense(function, confusion_matrix), *out = m ? ct__new(function, &n, 1, CT_F64) : NULL;
    for (int64_t i = 0; out && i < n; i++) {
        int64_t all = 0;
        for (int64_t j = 0; j < n; j++) all += index_at(m, i * n + j);
        ((double *)(void *)ct__ptr(out))[i] = all ? (double)index_at(m, i * n + i) / (double)all : NAN;
    }
    ct__unref(m);
    return ct__scope_give(out);
}

/* ---- Numbers ---- */

/* n samples of m outputs, side by side. */
static bool open_numbers(const char *function, ct_tensor *preds, ct_tensor *target, pair *p, int64_t *n, int64_t *m) {
    if (!open_pair(function, preds, target, p)) return false;
    ct__shape_text ps;
    if (preds->ndim != 1 && preds->ndim != 2)
        ct__fail(CT_ERR_SHAPE, "%s: preds must be [N] or [N, outputs], not %s", function, CT__SIZES(&ps, preds));
    else {
        *n = preds->sizes[0];
        *m = preds->ndim == 2 ? preds->sizes[1] : 1;
        return true;
    }
    close_pair(p);
    return false;
}

/* Of output j: the sum of squared errors. */
static double squared_error(const pair *p, int64_t n, int64_t m, int64_t j) {
    double sum = 0;
    for (int64_t i = j; i < n * m; i += m) {
        double d = number_at(p->preds, i) - number_at(p->target, i);
        sum += d * d;
    }
    return sum;
}

/* Of output j: the sum of squared distances of the target from its mean. */
static double spread(const pair *p, int64_t n, int64_t m, int64_t j) {
    double mean = 0, sum = 0;
    for (int64_t i = j; i < n * m; i += m) mean += number_at(p->target, i);
    mean /= (double)n;
    for (int64_t i = j; i < n * m; i += m) {
        double d = number_at(p->target, i) - mean;
        sum += d * d;
    }
    return sum;
}

ct_tensor *ct_root_mean_squared_error(ct_tensor *preds, ct_tensor *target) {
    pair p;
    int64_t n, m;
    if (!open_numbers("ct_root_mean_squared_error", preds, target, &p, &n, &m)) return NULL;
    double sum = 0;
    for (int64_t j = 0; j < m; j++) sum += sqrt(squared_error(&p, n, m, j) / (double)n);
    close_pair(&p);
    return number("ct_root_mean_squared_error", sum / (double)m);
}

ct_tensor *ct_r2_score(ct_tensor *preds, ct_tensor *target) {
    pair p;
    int64_t n, m;
    if (!open_numbers("ct_r2_score", preds, target, &p, &n, &m)) return NULL;
    double sum = 0;
    for (int64_t j = 0; j < m && n >= 2; j++) {
        double error = squared_error(&p, n, m, j), all = spread(&p, n, m, j);
        if (all == 0) sum += error == 0; /* scikit-learn's force_finite; NaN does not come here */
        else sum += 1 - error / all;
    }
    close_pair(&p);
    return number("ct_r2_score", n < 2 ? NAN : sum / (double)m);
}
