/*
 * data_loader_order.c: which samples are in which batch of an epoch.
 *
 *      order        7  3  0 | 5  1 | 9  9  2  4        indices into the data set, num_samples of them
 *      batch_start  0         3      5            9    places in order, num_batches + 1; from a batch sampler only
 *
 * What a sampler gives is the program's, so all of it is checked here, once, and copied: workers then read it without a lock.
 */
#include "data/data_loader.h"

#include "base/vec.h"
#include "core/generator.h"

void ct__loader_permute(ct_loader *l, ct_generator *own) {
    if (!l->shuffle) return;
    if (own) {
        ct__permutation(l->order, l->num_samples, own);
    } else {
        (void)ct_generator_manual_seed(l->scratch, l->sampler_seed);
        ct__permutation(l->order, l->num_samples, l->scratch);
    }
}

/* The indices into out->order. */
static ct_status copy_indices(const char *fn, const ct_loader *l, const ct_tensor *indices, ct__loader_order *out) {
    out->num_samples = indices->numel;
    if (!(out->order = ct__alloc_array((size_t)indices->numel, sizeof *out->order))) return ct__pending();
    CT__TRY(ct_copy_to(indices, out->order, indices->numel, CT_I64));
    for (int64_t i = 0; i < out->num_samples; i++)
        if (out->order[i] < 0 || out->order[i] >= l->dataset_size)
            return ct__fail(CT_ERR_INDEX, "%s: index %lld of sampler \"%s\" is %lld, the data set has %lld samples", fn, (long long)i,
                            l->sampler->cls->name, (long long)out->order[i], (long long)l->dataset_size);
    return CT_OK;
}

/* The sizes summed up into out->batch_start. */
static ct_status add_sizes(const char *fn, const ct_loader *l, const ct_tensor *sizes, ct__loader_order *out) {
    out->num_batches = sizes->numel;
    if (!(out->batch_start = ct__alloc_array((size_t)sizes->numel + 1, sizeof *out->batch_start))) return ct__pending();
    int64_t *start = out->batch_start, sum = 0;
    CT__TRY(ct_copy_to(sizes, start, sizes->numel, CT_I64));
    for (int64_t i = 0; i < out->num_batches; i++) {
        int64_t size = start[i];
        if (size < 1 || size > out->num_samples - sum)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch %lld of sampler \"%s\" has %lld samples, %lld indices are left", fn, (long long)i,
                            l->sampler->cls->name, (long long)size, (long long)(out->num_samples - sum));
        start[i] = sum;
        sum += size;
    }
    start[out->num_batches] = sum;
    return CT_OK;
}

ct_status ct__loader_order_make(const char *function, const ct_loader *l, const ct_tensor *indices, const ct_tensor *batch_sizes, ct__loader_order *out) {
    *out = (ct__loader_order){0};
    ct_status status = copy_indices(function, l, indices, out);
    if (status == CT_OK && batch_sizes) status = add_sizes(function, l, batch_sizes, out);
    if (status == CT_OK && !batch_sizes) out->num_batches = ct__batch_count(out->num_samples, l->batch_size, l->drop_last);
    if (status != CT_OK) {
        ct__free(out->order);
        ct__free(out->batch_start);
        *out = (ct__loader_order){0};
    }
    return status;
}

void ct__loader_order_take(ct_loader *l, ct__loader_order *order) {
    ct__free(l->order);
    ct__free(l->batch_start);
    l->order = order->order;
    l->batch_start = order->batch_start;
    l->num_samples = order->num_samples;
    l->num_batches = order->num_batches;
    *order = (ct__loader_order){0};
}

void ct__loader_forget(ct_loader *l) {
    ct_release(l->drawn.indices);
    ct_release(l->drawn.batch_sizes);
    l->drawn = (ct_sampler_order){0};
    l->seeded = false;
}

/* A sampler that has drawn must not draw again because the loader had no memory for its order: so that is kept for the next try. */
ct_status ct__loader_draw(ct_loader *l) {
    static const char fn[] = "ct_loader_next";
    ct__loader_order order;
    ct_status status = CT_OK;
    if (!l->drawn.indices) {
        ct_sampler_order drawn;
        ct_scope scope = ct_scope_begin();
        status = ct__sampler_draw(fn, l->sampler, &drawn);
        if (status == CT_OK) l->drawn = (ct_sampler_order){.indices = ct_keep(drawn.indices), .batch_sizes = ct_keep(drawn.batch_sizes)};
        ct_scope_end(scope);
    }
    if (status == CT_OK) status = ct__loader_order_make(fn, l, l->drawn.indices, l->drawn.batch_sizes, &order);
    if (status == CT_OK) ct__loader_order_take(l, &order);
    if (status != CT_ERR_OUT_OF_MEMORY) {
        bool seeded = l->seeded;
        ct__loader_forget(l);
        l->seeded = seeded;
    }
    return status;
}
