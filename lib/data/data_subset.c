/*
 * data_subset.c: subsets and random splits.
 */
#include "data/data_impl.h"

#include "core/generator.h"
#include <math.h>
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

/* Whether whole batches can be made depends on the data set below, so there are two classes. */
static const ct_dataset_class subset_class = {.name = "subset",
                                              .state_size = sizeof(subset),
                                              .init = subset_init,
                                              .destroy = subset_destroy,
                                              .size = subset_size,
                                              .get = subset_get};
static const ct_dataset_class subset_batch_class = {.name = "subset",
                                                    .state_size = sizeof(subset),
                                                    .init = subset_init,
                                                    .destroy = subset_destroy,
                                                    .size = subset_size,
                                                    .get = subset_get,
                                                    .get_batch = subset_get_batch};

static ct_dataset *new_subset(ct_dataset *base, const int64_t *indices, int64_t n) {
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
    return new_subset(dataset, indices, n);
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

/* ---- Random splits ---- */

/* Permutes and cuts. lengths are checked. */
static ct_status split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out) {
    int64_t size = ct__dataset_count(dataset), at = 0;
    int64_t *order = ct__alloc_array((size_t)size, sizeof *order);
    if (!order) return ct__pending();
    ct__permutation(order, size, generator);
    for (int i = 0; i < n; i++) {
        out[i] = new_subset(dataset, order + at, lengths[i]);
        at += lengths[i];
    }
    ct__free(order);
    ct_status status = ct__pending();
    for (int i = 0; i < n && status != CT_OK; i++) {
        ct_dataset_free(out[i]);
        out[i] = NULL;
    }
    return status;
}

/* What both forms check; clears out. */
static ct_status check_split(const char *function, ct_dataset *dataset, const void *parts, int n, ct_dataset **out) {
    for (int i = 0; out && i < n; i++) out[i] = NULL;
    CT__TRY(ct__pending());
    if (!dataset || !parts || !out || n < 1)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", function,
                        !dataset ? "dataset is NULL" : n < 1 ? "there must be at least one part" : "an array is NULL");
    return CT_OK;
}

ct_status ct_dataset_random_split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out) {
    CT__TRY(check_split("ct_dataset_random_split", dataset, lengths, n, out));
    int64_t size = ct__dataset_count(dataset), sum = 0;
    for (int i = 0; i < n; i++)
        if (lengths[i] < 0 || !ct__add_i64(sum, lengths[i], &sum))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_random_split: lengths[%d] is %lld", i, (long long)lengths[i]);
    if (sum != size)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_random_split: the lengths add up to %lld, the data set has %lld samples",
                        (long long)sum, (long long)size);
    return split(dataset, lengths, n, generator, out);
}

ct_status ct_dataset_random_split_fractions(ct_dataset *dataset, const double *fractions, int n, ct_generator *generator,
                                            ct_dataset **out) {
    CT__TRY(check_split("ct_dataset_random_split_fractions", dataset, fractions, n, out));
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!(fractions[i] >= 0 && fractions[i] <= 1))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_random_split_fractions: fractions[%d] is %g, not between 0 and 1", i,
                            fractions[i]);
        sum += fractions[i];
    }
    if (fabs(sum - 1) > 1e-9)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_random_split_fractions: the fractions add up to %.12g, not to 1", sum);
    int64_t *lengths = ct__alloc_array((size_t)n, sizeof *lengths);
    if (!lengths) return ct__pending();
    int64_t size = ct__dataset_count(dataset), rest = size;
    for (int i = 0; i < n; i++) {
        lengths[i] = ct__min_i64((int64_t)floor((double)size * fractions[i]), rest);
        rest -= lengths[i];
    }
    for (int i = 0; rest > 0; i = (i + 1) % n, rest--) lengths[i]++;
    ct_status status = split(dataset, lengths, n, generator, out);
    ct__free(lengths);
    return status;
}

/* ---- Permutations ---- */

/* The smallest n for which torch.randperm draws 64 bits at a time. */
static const int64_t wide_from = UINT32_MAX / 20;

void ct__permutation(int64_t *out, int64_t n, ct_generator *g) {
    for (int64_t i = 0; i < n; i++) out[i] = i;
    g = ct__generator_lock(g);
    for (int64_t i = 0; i < n - 1; i++) {
        uint64_t draw = n < wide_from ? ct__draw32(g) : ct__draw64(g);
        int64_t j = i + (int64_t)(draw % (uint64_t)(n - i)), swap = out[i];
        out[i] = out[j];
        out[j] = swap;
    }
    ct__generator_unlock(g);
}

void ct__permutation_discard(int64_t n, ct_generator *g) {
    g = ct__generator_lock(g);
    for (int64_t i = 0; i < n - 1; i++)
        if (n < wide_from) (void)ct__draw32(g);
        else (void)ct__draw64(g);
    ct__generator_unlock(g);
}
