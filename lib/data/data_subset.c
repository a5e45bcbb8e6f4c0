/*
 * data_subset.c: subsets of a data set, and several as one.
 */
#include "data/data_impl.h"

#include <string.h>

typedef struct subset {
    ct_dataset *base;
    int64_t *indices;
    int64_t n;
} subset;

static ct_status subset_init(ct_dataset *d, const void *arg) {
    subset *s = ct_dataset_state(d);
    const subset *from = arg;
    s->indices = ct__alloc_array((size_t)from->n, sizeof *s->indices);
    if (!s->indices) return ct__pending();
    if (from->n > 0) memcpy(s->indices, from->indices, (size_t)from->n * sizeof *s->indices);
    s->n = from->n;
    s->base = ct_dataset_retain(from->base);
    return CT_OK;
}

static void subset_destroy(ct_dataset *d) {
    subset *s = ct_dataset_state(d);
    ct__free(s->indices);
    ct_dataset_free(s->base);
}

static int64_t subset_size(const ct_dataset *d) { return ((const subset *)ct_dataset_state(d))->n; }

static ct_status subset_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    subset *s = ct_dataset_state(d);
    return ct__dataset_fetch("ct_dataset_subset", s->base, s->indices[index], g, out);
}

static ct_status subset_get_batch(ct_dataset *d, const int64_t *indices, int64_t n, ct_sample *out) {
    subset *s = ct_dataset_state(d);
    int64_t *mapped = ct__alloc_array((size_t)n, sizeof *mapped);
    if (!mapped) return ct__pending();
    for (int64_t i = 0; i < n; i++) mapped[i] = s->indices[indices[i]];
    ct_status status = s->base->cls->get_batch(s->base, mapped, n, out);
    ct__free(mapped);
    return status;
}

/* The base's, read whole where that is cheap. */
static ct_status subset_targets(ct_dataset *d, int64_t *out) {
    subset *s = ct_dataset_state(d);
    if (!s->base->cls->targets) return ct__dataset_get_targets(d, out);
    int64_t *all = ct__alloc_array((size_t)ct__dataset_count(s->base), sizeof *all);
    if (!all) return ct__pending();
    ct_status status = s->base->cls->targets(s->base, all);
    for (int64_t i = 0; i < s->n && status == CT_OK; i++) out[i] = all[s->indices[i]];
    ct__free(all);
    return status;
}

static const char *const *subset_labels(const ct_dataset *d, int64_t *n) { return ct__dataset_labels(((const subset *)ct_dataset_state(d))->base, n); }

/* Whether whole batches can be made depends on the data set below, so there are two classes. */
static const ct_dataset_class subset_class = {.name = "subset",
                                              .state_size = sizeof(subset),
                                              .init = subset_init,
                                              .destroy = subset_destroy,
                                              .size = subset_size,
                                              .get = subset_get,
                                              .targets = subset_targets,
                                              .labels = subset_labels};
static const ct_dataset_class subset_batch_class = {.name = "subset",
                                                    .state_size = sizeof(subset),
                                                    .init = subset_init,
                                                    .destroy = subset_destroy,
                                                    .size = subset_size,
                                                    .get = subset_get,
                                                    .get_batch = subset_get_batch,
                                                    .targets = subset_targets,
                                                    .labels = subset_labels};

ct_dataset *ct__subset_new(ct_dataset *base, const int64_t *indices, int64_t n) {
    subset from = {.base = base, .indices = (int64_t *)(uintptr_t)indices, .n = n}; /* init only reads them */
    return ct_dataset_new(base->cls->get_batch ? &subset_batch_class : &subset_class, &from);
}

ct_dataset *ct_dataset_subset(ct_dataset *dataset, const int64_t *indices, int64_t n) {
    CT__TRY_NULL(ct__pending());
    if (!dataset || n < 0 || (n > 0 && !indices)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_subset: %s",
                 !dataset ? "dataset is NULL" : n < 0 ? "a negative number of indices" : "indices is NULL");
        return NULL;
    }
    int64_t size = ct__dataset_count(dataset);
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] >= 0 && indices[i] < size) continue;
        ct__fail(CT_ERR_INDEX, "ct_dataset_subset: indices[%lld] is %lld, the data set has %lld samples", (long long)i,
                 (long long)indices[i], (long long)size);
        return NULL;
    }
    return ct__subset_new(dataset, indices, n);
}

ct_tensor *ct_dataset_subset_indices(const ct_dataset *dataset) {
    CT__TRY_NULL(ct__pending());
    if (!dataset || (dataset->cls != &subset_class && dataset->cls != &subset_batch_class)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_subset_indices: %s%s", dataset ? "no subset but a data set of class " : "dataset is NULL",
                 dataset ? dataset->cls->name : "");
        return NULL;
    }
    const subset *s = ct_dataset_state(dataset);
    return ct_from_data(s->indices, &s->n, 1, CT_I64);
}

/* ---- Several as one ---- */

typedef struct concat {
    ct_dataset **part; /* references */
    int64_t *end;      /* where each part ends: the sizes added up */
    int64_t n;
} concat;

static ct_status concat_init(ct_dataset *d, const void *arg) {
    concat *c = ct_dataset_state(d);
    const concat *from = arg;
    if (!(c->part = ct__alloc_array((size_t)from->n, sizeof(ct_dataset *)))) return ct__pending();
    if (!(c->end = ct__alloc_array((size_t)from->n, sizeof *c->end))) return ct__pending();
    int64_t sum = 0;
    for (int64_t i = 0; i < from->n; i++) {
        if (!ct__add_i64(sum, ct__dataset_count(from->part[i]), &sum))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_concat: the sizes add up to more than an int64_t holds");
        c->end[i] = sum;
        c->part[i] = ct_dataset_retain(from->part[i]);
        c->n++;
    }
    return CT_OK;
}

static void concat_destroy(ct_dataset *d) {
    concat *c = ct_dataset_state(d);
    for (int64_t i = 0; i < c->n; i++) ct_dataset_free(c->part[i]);
    ct__free(c->part);
    ct__free(c->end);
}

static int64_t concat_size(const ct_dataset *d) {
    const concat *c = ct_dataset_state(d);
    return c->end[c->n - 1];
}

static ct_status concat_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    const concat *c = ct_dataset_state(d);
    int64_t low = 0, high = c->n - 1; /* the first part that ends past index */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (c->end[middle] > index) high = middle;
        else low = middle + 1;
    }
    return ct__dataset_fetch("ct_dataset_concat", c->part[low], index - (low > 0 ? c->end[low - 1] : 0), g, out);
}

static ct_status concat_targets(ct_dataset *d, int64_t *out) {
    const concat *c = ct_dataset_state(d);
    for (int64_t i = 0; i < c->n; i++) CT__TRY(ct__dataset_targets(c->part[i], out + (i > 0 ? c->end[i - 1] : 0)));
    return CT_OK;
}

static const char *const *concat_labels(const ct_dataset *d, int64_t *n) { return ct__dataset_labels(((const concat *)ct_dataset_state(d))->part[0], n); }

static const ct_dataset_class concat_class = {.name = "concat",
                                              .state_size = sizeof(concat),
                                              .init = concat_init,
                                              .destroy = concat_destroy,
                                              .size = concat_size,
                                              .get = concat_get,
                                              .targets = concat_targets,
                                              .labels = concat_labels};

ct_dataset *ct_dataset_concat(ct_dataset *const *datasets, int64_t n) {
    CT__TRY_NULL(ct__pending());
    if (!datasets || n < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_concat: %s", n < 1 ? "there must be at least one data set" : "datasets is NULL");
        return NULL;
    }
    for (int64_t i = 0; i < n; i++)
        if (!datasets[i]) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_concat: data set %lld is NULL", (long long)i);
            return NULL;
        }
    return ct_dataset_new(&concat_class, &(concat){(ct_dataset **)(uintptr_t)datasets, NULL, n}); /* init only reads them */
}
