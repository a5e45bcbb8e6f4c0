/*
 * data_dataset.c: the data set class: making, counting references, one sample.
 *
 * A data set is one block: its reference count, its class, then the state that the class asked for.
 */
#include "data/data_impl.h"

#include "graph/graph.h"

ct_dataset *ct_dataset_new(const ct_dataset_class *cls, const void *arg) {
    ct_dataset *d = ct__class_instance("ct_dataset_new", cls && cls->name && cls->size && cls->get, "a name, size and get",
                                       cls ? cls->reserved : NULL, cls ? cls->state_size : 0, sizeof *d);
    if (!d) return NULL;
    atomic_init(&d->refs, 1);
    d->cls = cls;
    if (cls->init) {
        ct_status status = cls->init(d, arg);
        if (status != CT_OK) ct__fail(status, "ct_dataset_new: init of data set \"%s\" failed", cls->name);
    }
    if (ct__pending() != CT_OK) {
        ct_dataset_free(d);
        d = NULL;
    }
    return d;
}

ct_dataset *ct_dataset_retain(ct_dataset *dataset) {
    if (dataset) atomic_fetch_add_explicit(&dataset->refs, 1, memory_order_relaxed);
    return dataset;
}

void ct_dataset_free(ct_dataset *dataset) {
    if (!dataset || atomic_fetch_sub_explicit(&dataset->refs, 1, memory_order_acq_rel) != 1) return;
    if (dataset->cls->destroy) dataset->cls->destroy(dataset);
    ct__free(dataset);
}

void *ct_dataset_state(const ct_dataset *dataset) { return dataset ? (void *)dataset->state : NULL; }
const ct_dataset_class *ct_dataset_class_of(const ct_dataset *dataset) { return dataset ? dataset->cls : NULL; }
const char *ct_dataset_class_name(const ct_dataset *dataset) { return dataset ? dataset->cls->name : NULL; }
int64_t ct_dataset_size(const ct_dataset *dataset) { return dataset ? ct__dataset_count(dataset) : 0; }

ct_status ct__dataset_fetch(const char *function, ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    *out = (ct_sample){0};
    ct_status status = d->cls->get(d, index, g, out);
    if (status == CT_OK) status = ct__pending();
    else status = ct__fail(status, "%s: data set \"%s\" failed to give sample %lld", function, d->cls->name, (long long)index);
    if (status != CT_OK) *out = (ct_sample){0};
    return status;
}

ct_status ct_dataset_get(ct_dataset *dataset, int64_t index, ct_generator *generator, ct_sample *out) {
    if (out) *out = (ct_sample){0};
    CT__TRY(ct__pending());
    if (!dataset || !out) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_get: %s is NULL", dataset ? "out" : "dataset");
    int64_t n = ct__dataset_count(dataset);
    if (index < 0 || index >= n)
        return ct__fail(CT_ERR_INDEX, "ct_dataset_get: sample %lld of data set \"%s\", which has %lld", (long long)index,
                        dataset->cls->name, (long long)n);

    /* the class runs without gradients, its tensors stay in the caller's scope: the modes are put back by hand */
    uint64_t modes = ct__context()->modes;
    ct__context()->modes |= CT__MODE_NO_GRAD;
    ct_status status = ct__dataset_fetch("ct_dataset_get", dataset, index, generator, out);
    ct__context()->modes = modes;
    return status;
}

/* ---- A transform in front of another data set ---- */

typedef struct mapped {
    ct_dataset *base;
    ct_transform *transform;
} mapped;

static ct_status mapped_init(ct_dataset *d, const void *arg) {
    mapped *m = ct_dataset_state(d);
    const mapped *from = arg;
    m->base = ct_dataset_retain(from->base);
    m->transform = ct_transform_retain(from->transform);
    return CT_OK;
}

static void mapped_destroy(ct_dataset *d) {
    mapped *m = ct_dataset_state(d);
    ct_dataset_free(m->base);
    ct_transform_free(m->transform);
}

static int64_t mapped_size(const ct_dataset *d) { return ct__dataset_count(((const mapped *)ct_dataset_state(d))->base); }

static ct_status mapped_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    mapped *m = ct_dataset_state(d);
    CT__TRY(ct__dataset_fetch("ct_dataset_transform", m->base, index, g, out));
    out->input = ct_transform_apply(m->transform, out->input, g);
    return ct__pending();
}

static ct_status mapped_targets(ct_dataset *d, int64_t *out) { return ct__dataset_targets(((mapped *)ct_dataset_state(d))->base, out); }
static const char *const *mapped_labels(const ct_dataset *d, int64_t *n) { return ct__dataset_labels(((const mapped *)ct_dataset_state(d))->base, n); }

static const ct_dataset_class mapped_class = {.name = "transform",
                                              .state_size = sizeof(mapped),
                                              .init = mapped_init,
                                              .destroy = mapped_destroy,
                                              .size = mapped_size,
                                              .get = mapped_get,
                                              .targets = mapped_targets,
                                              .labels = mapped_labels};

ct_dataset *ct_dataset_transform(ct_dataset *dataset, ct_transform *transform) {
    CT__TRY_NULL(ct__pending());
    if (!dataset || !transform) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_transform: %s is NULL", dataset ? "transform" : "dataset");
        return NULL;
    }
    return ct_dataset_new(&mapped_class, &(mapped){dataset, transform});
}
