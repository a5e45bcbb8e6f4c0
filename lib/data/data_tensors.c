/*
 * data_tensors.c: the data set of rows of tensors.
 *
 * All tensors are row-major, so that a row is one run of bytes: a sample is a view, a batch is one memcpy per sample.
 */
#include "data/data_impl.h"

#include <ctorch/ops_create.h>
#include <string.h>

typedef struct tensors {
    int64_t size;
    ct_tensor *input, *target; /* references; NULL if absent */
    int64_t n_fields;
    char **names; /* of the fields */
    ct_tensor **fields;
} tensors;

ct_tensor *ct__data_dense(ct_tensor *t) {
    if (!t) return NULL;
    if (t->contiguous) return ct_keep(t);
    ct_scope scope = ct_scope_begin();
    ct_tensor *dense = ct_keep(ct_contiguous(t, CT_FORMAT_CONTIGUOUS));
    ct_scope_end(scope);
    return dense;
}

/* Takes t in as one of the columns: the first one sets the number of rows. */
static ct_tensor *take(tensors *s, const char *name, ct_tensor *t, bool first) {
    if (ct_ndim(t) == 0) {
        ct__fail(CT_ERR_SHAPE, "ct_dataset_tensors: \"%s\" is 0-dimensional, its first dim should count the samples", name);
        return NULL;
    }
    if (first) s->size = ct_size(t, 0);
    if (ct_size(t, 0) != s->size) {
        ct__fail(CT_ERR_SHAPE, "ct_dataset_tensors: \"%s\" has %lld rows, those before have %lld", name, (long long)ct_size(t, 0),
                 (long long)s->size);
        return NULL;
    }
    return ct__data_dense(t);
}

static void tensors_destroy(ct_dataset *d) {
    tensors *s = ct_dataset_state(d);
    for (int64_t i = 0; i < s->n_fields; i++) {
        ct_release(s->fields[i]);
        ct__free(s->names[i]);
    }
    ct__free(s->fields);
    ct__free(s->names);
    ct_release(s->input);
    ct_release(s->target);
}

static ct_status tensors_init(ct_dataset *d, const void *arg) {
    tensors *s = ct_dataset_state(d);
    const ct_dict *dict = arg;
    int64_t n = ct_dict_size(dict);
    s->names = ct__alloc_array((size_t)n, sizeof *s->names);
    if (!s->names) return ct__pending();
    s->fields = ct__alloc_array((size_t)n, sizeof *s->fields);
    if (!s->fields) return ct__pending();
    for (int64_t i = 0; i < n; i++) {
        const char *name = ct_dict_name_at(dict, i);
        ct_tensor *t = take(s, name, ct_dict_get(dict, name), i == 0);
        if (!t) return ct__pending();
        if (strcmp(name, "input") == 0) {
            s->input = t;
        } else if (strcmp(name, "target") == 0) {
            s->target = t;
        } else {
            s->fields[s->n_fields] = t;
            s->names[s->n_fields] = NULL;
            char *copy = ct__strdup(name);
            s->names[s->n_fields++] = copy;
            if (!copy) return ct__pending();
        }
    }
    return CT_OK;
}

static int64_t tensors_size(const ct_dataset *d) { return ((const tensors *)ct_dataset_state(d))->size; }

static ct_tensor *row(const ct_tensor *t, int64_t index) {
    return ct__scope_give(ct__new_view(t, t->sizes + 1, t->strides + 1, t->ndim - 1, t->offset + index * t->strides[0]));
}

static ct_status tensors_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    (void)g;
    tensors *s = ct_dataset_state(d);
    if (s->input) out->input = row(s->input, index);
    if (s->target) out->target = row(s->target, index);
    if (s->n_fields > 0) out->fields = ct_dict_new();
    for (int64_t i = 0; i < s->n_fields; i++) CT__TRY(ct_dict_set(out->fields, s->names[i], row(s->fields[i], index)));
    return ct__pending();
}

/* Rows `indices` of t [N, ...] as [n, ...]. */
static ct_tensor *gather(const ct_tensor *t, const int64_t *indices, int64_t n, ct_tensor *reuse) {
    int64_t sizes[CT_MAX_NDIM], row_numel = 1;
    memcpy(sizes, t->sizes, sizeof sizes);
    sizes[0] = n;
    for (int i = 1; i < t->ndim; i++) row_numel *= t->sizes[i];
    ct_tensor *out = ct_batch_tensor(reuse, sizes, t->ndim, t->dtype);
    size_t bytes = (size_t)row_numel * ct_dtype_size(t->dtype);
    if (!out || bytes == 0) return out;
    char *to = ct__ptr(out);
    const char *from = ct__ptr(t);
    for (int64_t i = 0; i < n; i++) memcpy(to + (size_t)i * bytes, from + (size_t)indices[i] * bytes, bytes);
    return out;
}

static ct_status tensors_get_batch(ct_dataset *d, const int64_t *indices, int64_t n, ct_sample *out) {
    tensors *s = ct_dataset_state(d);
    if (s->input) out->input = gather(s->input, indices, n, out->input);
    if (s->target) out->target = gather(s->target, indices, n, out->target);
    if (s->n_fields > 0) out->fields = ct_dict_new();
    for (int64_t i = 0; i < s->n_fields; i++)
        CT__TRY(ct_dict_set(out->fields, s->names[i], gather(s->fields[i], indices, n, NULL)));
    return ct__pending();
}

static ct_status tensors_targets(ct_dataset *d, int64_t *out) {
    const tensors *s = ct_dataset_state(d);
    if (!s->target || s->target->numel != s->size || ct_is_floating_point(s->target)) return ct__dataset_get_targets(d, out); /* which says what is wrong */
    return ct_copy_to(s->target, out, s->size, CT_I64);
}

static const ct_dataset_class tensors_class = {.name = "tensors",
                                               .state_size = sizeof(tensors),
                                               .init = tensors_init,
                                               .destroy = tensors_destroy,
                                               .size = tensors_size,
                                               .get = tensors_get,
                                               .get_batch = tensors_get_batch,
                                               .targets = tensors_targets};

ct_dataset *ct_dataset_tensor_dict(const ct_dict *dict) {
    CT__TRY_NULL(ct__pending());
    if (ct_dict_size(dict) == 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_tensor_dict: the dict is %s", dict ? "empty" : "NULL");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_dataset *d = ct_dataset_new(&tensors_class, (void *)(uintptr_t)dict); /* init only reads it */
    ct_scope_end(scope);
    return d;
}

ct_dataset *ct_dataset_tensors(ct_tensor *input, ct_tensor *target) {
    CT__TRY_NULL(ct__pending());
    if (!input) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dataset_tensors: input is NULL");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_dict *dict = ct_dict_new();
    ct_dict_set(dict, "input", input);
    if (target) ct_dict_set(dict, "target", target);
    ct_dataset *d = ct_dataset_tensor_dict(dict);
    ct_scope_end(scope);
    return d;
}
