/*
 * data_batch.c: making a batch of n samples.
 *
 * Three ways, tried in this order: the program's collate function, which gets all n samples; the class's get_batch; and the default, which
 * copies one sample after the other into its row of the batch and lets it go. The last two write into the tensors of an earlier batch
 * where nobody refers to them any more: pages that are in the cache and need not be cleared by the system.
 */
#include "data/data_impl.h"

#include "base/vec.h"
#include "graph/graph.h"
#include <string.h>

static const char fn[] = "ct_loader_next";

bool ct__unshared(ct_tensor *t) {
    return t && !t->autograd && ct__owns_memory(t->storage) && atomic_load_explicit(&t->obj.refs, memory_order_acquire) == 1 &&
           atomic_load_explicit(&t->storage->refs, memory_order_acquire) == 1;
}

void ct__sample_release(ct_sample *s) {
    ct_release(s->input);
    ct_release(s->target);
    ct_dict_release(s->fields);
    *s = (ct_sample){0};
}

ct_tensor *ct_batch_tensor(ct_tensor *reuse, const int64_t *sizes, int ndim, ct_dtype dtype) {
    CT__TRY_NULL(ct__pending());
    if (reuse && reuse->contiguous && reuse->dtype == dtype && reuse->ndim == ndim &&
        (ndim == 0 || memcmp(reuse->sizes, sizes, (size_t)ndim * sizeof *sizes) == 0))
        return reuse;
    return ct__scope_give(ct__new("ct_batch_tensor", sizes, ndim, dtype));
}

/* The seed of sample `index`'s generator: the two words mixed by splitmix64's finaliser, because the generator takes 32 bits of it and
 * neighbours must not be alike. */
static uint64_t sample_seed(uint64_t epoch_seed, int64_t index) {
    uint64_t x = epoch_seed + 0x9e3779b97f4a7c15u * ((uint64_t)index + 1);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static ct_status fetch(const ct__batch_plan *plan, int64_t index, ct_generator *g, ct_sample *out) {
    CT__TRY(ct_generator_manual_seed(g, sample_seed(plan->seed, index)));
    return ct__dataset_fetch(fn, plan->dataset, index, g, out);
}

/* ---- The default: row by row ---- */

/* A batch tensor for n samples like this one. */
static ct_tensor *stack_begin(const ct_tensor *sample, int64_t n, ct_tensor *reuse) {
    int64_t sizes[CT_MAX_NDIM];
    if (sample->ndim == CT_MAX_NDIM) {
        ct__fail(CT_ERR_SHAPE, "%s: samples of %d dims cannot be stacked", fn, CT_MAX_NDIM);
        return NULL;
    }
    sizes[0] = n;
    memcpy(sizes + 1, sample->sizes, (size_t)sample->ndim * sizeof *sizes);
    return ct_batch_tensor(reuse, sizes, sample->ndim + 1, sample->dtype);
}

/* Copies a sample's tensor into row i. name and the two indices are for the message. */
static ct_status stack_row(ct_tensor *batch, int64_t i, ct_tensor *t, const char *name, const int64_t *indices) {
    if (!t != !batch)
        return ct__fail(CT_ERR_SHAPE, "%s: sample %lld has %s %s, sample %lld has %s", fn, (long long)indices[i], t ? "a" : "no", name,
                        (long long)indices[0], t ? "none" : "one");
    if (!t) return CT_OK;
    if (t->dtype != batch->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: %s of sample %lld is %s, of sample %lld %s", fn, name, (long long)indices[i],
                        ct_dtype_name(t->dtype), (long long)indices[0], ct_dtype_name(batch->dtype));
    if (t->ndim != batch->ndim - 1 || memcmp(t->sizes, batch->sizes + 1, (size_t)t->ndim * sizeof *t->sizes) != 0) {
        ct__shape_text a, b;
        return ct__fail(CT_ERR_SHAPE, "%s: %s of sample %lld is %s, of sample %lld %s: they cannot be stacked", fn, name,
                        (long long)indices[i], ct__shape_str(&a, t->sizes, t->ndim), (long long)indices[0],
                        ct__shape_str(&b, batch->sizes + 1, batch->ndim - 1));
    }
    if (t->numel == 0) return CT_OK;
    size_t bytes = (size_t)t->numel * ct_dtype_size(t->dtype);
    ct_tensor *dense = ct__data_dense(t);
    if (!dense) return ct__pending();
    memcpy(ct__ptr(batch) + (size_t)i * bytes, ct__ptr(dense), bytes);
    ct_release(dense);
    return CT_OK;
}

/* The batch's fields: for each of the first sample's a tensor with room for n rows. */
static ct_dict *fields_begin(const ct_dict *first, int64_t n) {
    ct_dict *fields = ct_dict_new();
    for (int64_t f = 0; f < ct_dict_size(first) && fields; f++) {
        const char *name = ct_dict_name_at(first, f);
        ct_tensor *t = NULL;
        switch (ct_dict_kind_at(first, f)) {
        case CT_DICT_TENSOR: {
            ct_tensor *sample = ct_dict_get(first, name);
            if (sample) t = stack_begin(sample, n, NULL);
            break;
        }
        case CT_DICT_INT: t = ct_batch_tensor(NULL, &n, 1, CT_I64); break;
        case CT_DICT_FLOAT: t = ct_batch_tensor(NULL, &n, 1, CT_F64); break;
        default: ct__fail(CT_ERR_UNSUPPORTED, "%s: field \"%s\" is no tensor and no number: give the loader a collate function", fn, name);
        }
        if (ct_dict_set(fields, name, t) != CT_OK) return NULL;
    }
    return fields;
}

static ct_status fields_row(ct_dict *batch, int64_t i, const ct_dict *fields, const int64_t *indices) {
    if (!fields != !batch || ct_dict_size(fields) != ct_dict_size(batch))
        return ct__fail(CT_ERR_SHAPE, "%s: sample %lld has %lld fields, sample %lld has %lld", fn, (long long)indices[i],
                        (long long)ct_dict_size(fields), (long long)indices[0], (long long)ct_dict_size(batch));
    for (int64_t f = 0; f < ct_dict_size(batch); f++) {
        const char *name = ct_dict_name_at(batch, f);
        ct_tensor *t = ct_dict_get(batch, name);
        if (!t) return ct__pending();
        switch (ct_dict_kind_of(fields, name)) {
        case CT_DICT_INT:
        case CT_DICT_FLOAT: {
            bool whole = t->dtype == CT_I64;
            if (t->ndim != 1 || (whole && ct_dict_kind_of(fields, name) == CT_DICT_FLOAT) || (!whole && t->dtype != CT_F64))
                return ct__fail(CT_ERR_DTYPE, "%s: field \"%s\" of sample %lld is a number of another kind than that of sample %lld", fn,
                                name, (long long)indices[i], (long long)indices[0]);
            if (whole) ((int64_t *)(void *)ct__ptr(t))[i] = ct_dict_get_i64(fields, name);
            else ((double *)(void *)ct__ptr(t))[i] = ct_dict_get_f64(fields, name);
            break;
        }
        case CT_DICT_TENSOR: CT__TRY(stack_row(t, i, ct_dict_get(fields, name), name, indices)); break;
        case CT_DICT_NONE:
            return ct__fail(CT_ERR_NOT_FOUND, "%s: sample %lld has no field \"%s\", sample %lld has", fn, (long long)indices[i], name,
                            (long long)indices[0]);
        default: return ct__fail(CT_ERR_UNSUPPORTED, "%s: field \"%s\" of sample %lld is no tensor and no number", fn, name, (long long)indices[i]);
        }
    }
    return ct__pending();
}

/* out->input and out->target come in as what may be written over. */
static ct_status stack(const ct__batch_plan *plan, const int64_t *indices, int64_t n, ct_generator *g, ct_sample *out) {
    ct_sample reuse = *out;
    *out = (ct_sample){0};
    for (int64_t i = 0; i < n; i++) {
        ct_scope rows = ct_scope_begin(); /* the first sample makes the batch's tensors, which outlive it */
        ct_sample s;
        ct_status status = fetch(plan, indices[i], g, &s);
        if (i == 0 && status == CT_OK) {
            if (s.input) out->input = stack_begin(s.input, n, reuse.input);
            if (s.target) out->target = stack_begin(s.target, n, reuse.target);
            if (s.fields) out->fields = fields_begin(s.fields, n);
            status = ct__pending();
        }
        if (status == CT_OK) status = stack_row(out->input, i, s.input, "input", indices);
        if (status == CT_OK) status = stack_row(out->target, i, s.target, "target", indices);
        if (status == CT_OK && (s.fields || out->fields)) status = fields_row(out->fields, i, s.fields, indices);
        if (i > 0) ct_scope_end(rows);
        else if (!ct__scope_return_n(rows, (void *[]){out->input, out->target, out->fields}, 3)) status = ct__pending();
        if (status != CT_OK) return status;
    }
    return CT_OK;
}

/* ---- The program's collate function ---- */

static ct_status collate(const ct__batch_plan *plan, const int64_t *indices, int64_t n, ct_generator *g, ct_sample *out) {
    *out = (ct_sample){0};
    ct_sample *samples = ct__alloc_array((size_t)n, sizeof *samples);
    if (!samples) return ct__pending();
    ct_status status = CT_OK;
    for (int64_t i = 0; i < n && status == CT_OK; i++) status = fetch(plan, indices[i], g, &samples[i]);
    if (status == CT_OK) {
        status = plan->collate(samples, n, out, plan->collate_arg);
        if (status != CT_OK) ct__fail(status, "%s: the collate function failed", fn);
    }
    ct__free(samples);
    return ct__pending();
}

ct_status ct__batch_make(const ct__batch_plan *plan, const int64_t *indices, int64_t n, ct_generator *g, ct_sample *batch) {
    ct_scope scope = ct_scope_begin(); /* saves the modes, too */
    ct__context()->modes |= CT__MODE_NO_GRAD;

    ct_sample old = *batch, made = {0};
    *batch = (ct_sample){0};
    if (ct__unshared(old.input)) made.input = old.input;
    if (ct__unshared(old.target)) made.target = old.target;

    ct_status status;
    if (plan->collate) {
        status = collate(plan, indices, n, g, &made);
    } else if (plan->dataset->cls->get_batch) {
        status = plan->dataset->cls->get_batch(plan->dataset, indices, n, &made);
        if (status != CT_OK) ct__fail(status, "%s: data set \"%s\" failed to give a batch", fn, plan->dataset->cls->name);
    } else {
        status = stack(plan, indices, n, g, &made);
    }
    status = ct__pending();
    if (status == CT_OK) {
        ct_keep(made.input);
        ct_keep(made.target);
        ct_dict_keep(made.fields);
        *batch = (ct_sample){.input = made.input, .target = made.target, .fields = made.fields};
    }
    ct__sample_release(&old); /* after the keeps: what was reused lives on through them */
    ct_scope_end(scope);
    return status;
}
