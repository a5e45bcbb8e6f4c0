/*
 * data_targets.c: the targets of a whole data set, as class labels: how many there are of each, and which classes occur at all.
 */
#include "data/data_impl.h"

#include <stdlib.h>

static const char fn[] = "ct_dataset_targets";

/* One sample after the other. Random transforms get a generator of their own, so that looking changes nothing. */
ct_status ct__dataset_get_targets(ct_dataset *d, int64_t *out) {
    int64_t n = ct__dataset_count(d);
    ct_generator *g = ct_generator_new(0);
    ct_status status = g ? CT_OK : ct__pending();
    for (int64_t i = 0; i < n && status == CT_OK; i++) {
        ct_scope scope = ct_scope_begin();
        ct_sample s;
        status = ct__dataset_fetch(fn, d, i, g, &s);
        if (status == CT_OK && (!s.target || s.target->numel != 1 || ct_is_floating_point(s.target)))
            status = ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the target of sample %lld of data set \"%s\" is no class label, one integer", fn,
                              (long long)i, d->cls->name);
        if (status == CT_OK) status = ct_copy_to(s.target, &out[i], 1, CT_I64);
        ct_scope_end(scope);
    }
    ct_generator_free(g);
    return status;
}

ct_status ct__dataset_targets(ct_dataset *d, int64_t *out) {
    if (!d->cls->targets) return ct__dataset_get_targets(d, out);
    ct_status status = d->cls->targets(d, out);
    if (status != CT_OK) ct__fail(status, "%s: data set \"%s\" failed to give its targets", fn, d->cls->name);
    return ct__pending();
}

const char *const *ct__dataset_labels(const ct_dataset *d, int64_t *n) {
    *n = 0;
    return d->cls->labels ? d->cls->labels(d, n) : NULL;
}

ct_tensor *ct_dataset_targets(ct_dataset *dataset) {
    CT__TRY_NULL(ct__pending());
    if (!dataset) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dataset is NULL", fn);
        return NULL;
    }
    int64_t n = ct__dataset_count(dataset);
    ct_tensor *t = ct_batch_tensor(NULL, &n, 1, CT_I64);
    return t && ct__dataset_targets(dataset, (int64_t *)(void *)ct__ptr(t)) == CT_OK ? t : NULL;
}

ct_tensor *ct_dataset_class_counts(ct_dataset *dataset, int64_t num_classes) {
    static const char counts_fn[] = "ct_dataset_class_counts";
    CT__TRY_NULL(ct__pending());
    if (!dataset || num_classes < 0) {
        if (!dataset) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dataset is NULL", counts_fn);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_classes is %lld", counts_fn, (long long)num_classes);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *targets = ct_dataset_targets(dataset), *counts = NULL;
    const int64_t *target = targets ? (const int64_t *)(const void *)ct__ptr(targets) : NULL;
    int64_t n = targets ? targets->numel : 0, classes = num_classes;
    if (classes == 0) (void)ct__dataset_labels(dataset, &classes);
    for (int64_t i = 0; i < n && num_classes == 0; i++) classes = ct__max_i64(classes, ct__min_i64(target[i], CT__MAX_CLASSES) + 1);
    for (int64_t i = 0; i < n; i++)
        if (target[i] < 0 || target[i] >= ct__min_i64(classes, CT__MAX_CLASSES)) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the target of sample %lld is %lld, not 0 to %lld", counts_fn, (long long)i, (long long)target[i],
                     (long long)ct__min_i64(classes, CT__MAX_CLASSES) - 1);
            break;
        }
    if (ct__pending() == CT_OK) counts = ct_batch_tensor(NULL, &classes, 1, CT_I64);
    if (counts) {
        int64_t *count = (int64_t *)(void *)ct__ptr(counts);
        for (int64_t c = 0; c < classes; c++) count[c] = 0;
        for (int64_t i = 0; i < n; i++) count[target[i]]++;
    }
    return ct_scope_return(scope, counts);
}

int64_t ct_dataset_num_labels(const ct_dataset *dataset) {
    int64_t n = 0;
    if (dataset) (void)ct__dataset_labels(dataset, &n);
    return n;
}

const char *ct_dataset_label_name(const ct_dataset *dataset, int64_t label) {
    int64_t n = 0;
    const char *const *names = dataset ? ct__dataset_labels(dataset, &n) : NULL;
    return names && label >= 0 && label < n ? names[label] : NULL;
}

/* ---- Which classes occur ---- */

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

ct_status ct__classes_of(ct_dataset *d, ct__classes *c) {
    int64_t size = ct__dataset_count(d);
    *c = (ct__classes){0};
    if ((c->of = ct__alloc_array((size_t)size, sizeof *c->of)) && (c->value = ct__alloc_array((size_t)size, sizeof *c->value)) &&
        ct__dataset_targets(d, c->of) == CT_OK) {
        for (int64_t i = 0; i < size; i++) c->value[i] = c->of[i];
        qsort(c->value, (size_t)size, sizeof *c->value, ascending);
        for (int64_t i = 0; i < size; i++)
            if (c->n == 0 || c->value[i] != c->value[c->n - 1]) c->value[c->n++] = c->value[i];
        for (int64_t i = 0; i < size; i++) {
            const int64_t *at = bsearch(&c->of[i], c->value, (size_t)c->n, sizeof *c->value, ascending);
            c->of[i] = at - c->value;
        }
    }
    if (ct__pending() != CT_OK) ct__classes_free(c);
    return ct__pending();
}

void ct__classes_free(ct__classes *c) {
    ct__free(c->of);
    ct__free(c->value);
    *c = (ct__classes){0};
}
