/*
 * metrics_classes.c: what a confusion matrix says about each class: recall, precision, F1, and their averages.
 */
#include <ctorch/metrics.h>

#include "base/vec.h"
#include "metrics/metrics_impl.h"
#include "ops/layout.h"

#include <math.h>

/* The matrix, row-major: a reference of our own; NULL with an error pending. */
static ct_tensor *open_matrix(const char *function, ct_tensor *m) {
    CT__TRY_NULL(ct__pending());
    if (!m) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: confusion_matrix is NULL", function);
        return NULL;
    }
    if (!ct__metric_check_indices(function, "confusion_matrix", m)) return NULL;
    if (m->ndim != 2 || m->sizes[0] != m->sizes[1]) {
        ct__shape_text ms;
        ct__fail(CT_ERR_SHAPE, "%s: a confusion matrix is square, not %s", function, CT__SIZES(&ms, m));
        return NULL;
    }
    return ct__dense(function, m);
}

/* One class against the others, or the sums of all of them. */
typedef struct counts {
    double hits, targets, preds; /* true positives; how often it is the target; how often it is predicted */
} counts;

static counts count_class(const ct_tensor *m, int64_t k) {
    counts c = {.hits = (double)ct__metric_index(m, k * m->sizes[0] + k)};
    for (int64_t j = 0; j < m->sizes[0]; j++) {
        c.targets += (double)ct__metric_index(m, k * m->sizes[0] + j);
        c.preds += (double)ct__metric_index(m, j * m->sizes[0] + k);
    }
    return c;
}

/* The scores. 0 / 0 is NaN here. */
static double recall(counts c) { return c.hits / c.targets; }
static double precision(counts c) { return c.hits / c.preds; }
static double f1(counts c) { return 2 * c.hits / (c.targets + c.preds); }

ct_tensor *ct_accuracy_per_class(ct_tensor *confusion_matrix) {
    ct_tensor *m = open_matrix("ct_accuracy_per_class", confusion_matrix), *out = m ? ct__new("ct_accuracy_per_class", m->sizes, 1, CT_F64) : NULL;
    for (int64_t k = 0; out && k < m->sizes[0]; k++) ((double *)(void *)ct__ptr(out))[k] = recall(count_class(m, k));
    ct__unref(m);
    return ct__scope_give(out);
}

static double or_zero_division(double score, const ct_class_score_options *o) { return isnan(score) ? o->zero_division : score; }

static double average(const ct_tensor *m, double (*score)(counts), const ct_class_score_options *o) {
    double sum = 0, weight = 0;
    counts all = {0};
    for (int64_t k = 0; k < m->sizes[0]; k++) {
        counts c = count_class(m, k);
        double w = o->average == CT_AVERAGE_WEIGHTED ? c.targets : c.targets > 0 || c.preds > 0; /* macro: of the classes that occur */
        if (w > 0) sum += w * or_zero_division(score(c), o);
        weight += w;
        all = (counts){all.hits + c.hits, all.targets + c.targets, all.preds + c.preds};
    }
    if (o->average == CT_AVERAGE_MICRO) return or_zero_division(score(all), o);
    return or_zero_division(sum / weight, o);
}

static ct_tensor *class_score(const char *function, ct_tensor *confusion_matrix, double (*score)(counts), const ct_class_score_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    ct_class_score_options o = options ? *options : (ct_class_score_options){0};
    ct_tensor *m = open_matrix(function, confusion_matrix), *out = NULL;
    if (!m) return NULL;
    if (o.average > CT_AVERAGE_BINARY || (int)o.average < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown average %d", function, (int)o.average);
    } else if (o.average == CT_AVERAGE_BINARY && m->sizes[0] != 2) {
        ct__fail(CT_ERR_SHAPE, "%s: CT_AVERAGE_BINARY is of 2 classes, the matrix has %lld", function, (long long)m->sizes[0]);
    } else if (o.average == CT_AVERAGE_NONE) {
        out = ct__new(function, m->sizes, 1, CT_F64);
        for (int64_t k = 0; out && k < m->sizes[0]; k++) ((double *)(void *)ct__ptr(out))[k] = or_zero_division(score(count_class(m, k)), &o);
        out = ct__scope_give(out);
    } else {
        out = ct__metric_result(function, o.average == CT_AVERAGE_BINARY ? or_zero_division(score(count_class(m, 1)), &o) : average(m, score, &o));
    }
    ct__unref(m);
    return out;
}

ct_tensor *ct_precision(ct_tensor *confusion_matrix, const ct_class_score_options *options) {
    return class_score("ct_precision", confusion_matrix, precision, options);
}
ct_tensor *ct_recall(ct_tensor *confusion_matrix, const ct_class_score_options *options) {
    return class_score("ct_recall", confusion_matrix, recall, options);
}
ct_tensor *ct_f1_score(ct_tensor *confusion_matrix, const ct_class_score_options *options) {
    return class_score("ct_f1_score", confusion_matrix, f1, options);
}
