/*
 * data_sampler_batch.c: the samplers that cut what others order: into batches, into the shares of processes.
 */
#include "data/data_impl.h"

#include "core/generator.h"
#include <string.h>

/* ---- Batches ---- */

static const char batch_fn[] = "ct_sampler_batch";

typedef struct batches {
    ct_sampler *sampler; /* a reference */
    int64_t batch_size;
    bool drop_last;
} batches;

static ct_status batch_init(ct_sampler *s, const void *arg) {
    batches *b = ct_sampler_state(s);
    *b = *(const batches *)arg;
    b->sampler = ct_sampler_retain(b->sampler);
    return CT_OK;
}

static void batch_destroy(ct_sampler *s) { ct_sampler_free(((batches *)ct_sampler_state(s))->sampler); }

static int64_t batch_count(const ct_sampler *s) {
    const batches *b = ct_sampler_state(s);
    return ct__batch_count(ct_sampler_size(b->sampler), b->batch_size, b->drop_last);
}

static ct_status batch_draw(ct_sampler *s, ct_sampler_order *out) {
    const batches *b = ct_sampler_state(s);
    int64_t n = batch_count(s);
    ct_tensor *sizes = ct_batch_tensor(NULL, &n, 1, CT_I64); /* ahead of the draw, and mostly right */
    if (!sizes) return ct__pending();
    CT__TRY(ct__sampler_draw(batch_fn, b->sampler, out));
    int64_t left = out->indices->numel;
    n = ct__batch_count(left, b->batch_size, b->drop_last);
    out->batch_sizes = ct_batch_tensor(sizes, &n, 1, CT_I64);
    if (!out->batch_sizes) return ct__pending();
    int64_t *size = (int64_t *)(void *)ct__ptr(out->batch_sizes);
    for (int64_t i = 0; i < n; i++, left -= b->batch_size) size[i] = ct__min_i64(left, b->batch_size);
    return CT_OK;
}

static void batch_finish(ct_sampler *s) { ct__sampler_finish(((batches *)ct_sampler_state(s))->sampler); }

static ct_status batch_save(const ct_sampler *s, ct_dict *state) {
    return ct_dict_set_dict(state, "sampler", ct_sampler_state_dict(((const batches *)ct_sampler_state(s))->sampler));
}

static ct_status batch_load(ct_sampler *s, const ct_dict *state) {
    const ct_dict *inner = ct_dict_get_dict(state, "sampler");
    CT__TRY(ct__pending());
    return ct_sampler_load_state_dict(((batches *)ct_sampler_state(s))->sampler, inner);
}

static const ct_sampler_class batch_class = {.name = "batch",
                                             .state_size = sizeof(batches),
                                             .batches = true,
                                             .init = batch_init,
                                             .destroy = batch_destroy,
                                             .size = batch_count,
                                             .draw = batch_draw,
                                             .finish = batch_finish,
                                             .save = batch_save,
                                             .load = batch_load};

ct_sampler *ct_sampler_batch(ct_sampler *sampler, int64_t batch_size, const ct_sampler_batch_options *options) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(batch_fn, options));
    if (!sampler || sampler->cls->batches || batch_size < 1) {
        if (!sampler) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sampler is NULL", batch_fn);
        else if (sampler->cls->batches) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sampler \"%s\" already gives batches", batch_fn, sampler->cls->name);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_size is %lld", batch_fn, (long long)batch_size);
        return NULL;
    }
    return ct_sampler_new(&batch_class, &(batches){sampler, batch_size, options && options->drop_last});
}

/* ---- Shares of processes ---- */

static const char distributed_fn[] = "ct_sampler_distributed";

typedef struct distributed {
    ct_dataset *dataset; /* a reference */
    int64_t replicas, rank, epoch;
    ct_sampler_distributed_options o;
} distributed;

static ct_status distributed_init(ct_sampler *s, const void *arg) {
    distributed *d = ct_sampler_state(s);
    *d = *(const distributed *)arg;
    d->dataset = ct_dataset_retain(d->dataset);
    return CT_OK;
}

static void distributed_destroy(ct_sampler *s) { ct_dataset_free(((distributed *)ct_sampler_state(s))->dataset); }

/* A share: the whole number of samples divided by the processes, rounded down or up. */
static int64_t distributed_size(const ct_sampler *s) {
    const distributed *d = ct_sampler_state(s);
    int64_t n = ct__dataset_count(d->dataset);
    return n / d->replicas + (!d->o.drop_last && n % d->replicas != 0);
}

/* Element i of the padded order is element i % n of the permutation. */
static ct_status distributed_draw(ct_sampler *s, ct_sampler_order *out) {
    const distributed *d = ct_sampler_state(s);
    int64_t n = ct__dataset_count(d->dataset), share = distributed_size(s), *all = ct__alloc_array((size_t)n, sizeof *all);
    ct_generator *g = all ? ct_generator_new(d->o.seed + (uint64_t)d->epoch) : NULL;
    out->indices = g ? ct_batch_tensor(NULL, &share, 1, CT_I64) : NULL;
    if (out->indices) {
        int64_t *index = (int64_t *)(void *)ct__ptr(out->indices);
        if (!d->o.no_shuffle) ct__permutation(all, n, g);
        for (int64_t i = 0, at = d->rank; i < share; i++, at += d->replicas) index[i] = d->o.no_shuffle ? at % n : all[at % n];
    }
    ct_generator_free(g);
    ct__free(all);
    return ct__pending();
}

static ct_status distributed_save(const ct_sampler *s, ct_dict *state) {
    return ct_dict_set_i64(state, "epoch", ((const distributed *)ct_sampler_state(s))->epoch);
}

static ct_status distributed_load(ct_sampler *s, const ct_dict *state) {
    int64_t epoch = ct_dict_get_i64(state, "epoch");
    CT__TRY(ct__pending());
    return ct_sampler_set_epoch(s, epoch);
}

static const ct_sampler_class distributed_class = {.name = "distributed",
                                                   .state_size = sizeof(distributed),
                                                   .init = distributed_init,
                                                   .destroy = distributed_destroy,
                                                   .size = distributed_size,
                                                   .draw = distributed_draw,
                                                   .save = distributed_save,
                                                   .load = distributed_load};

ct_sampler *ct_sampler_distributed(ct_dataset *dataset, int64_t num_replicas, int64_t rank, const ct_sampler_distributed_options *options) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(distributed_fn, options));
    if (!dataset || num_replicas < 1 || rank < 0 || rank >= num_replicas) {
        if (!dataset) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dataset is NULL", distributed_fn);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: rank %lld of %lld replicas", distributed_fn, (long long)rank, (long long)num_replicas);
        return NULL;
    }
    return ct_sampler_new(&distributed_class, &(distributed){dataset, num_replicas, rank, 0, options ? *options : (ct_sampler_distributed_options){0}});
}

ct_status ct_sampler_set_epoch(ct_sampler *sampler, int64_t epoch) {
    static const char fn[] = "ct_sampler_set_epoch";
    CT__TRY(ct__pending());
    if (!sampler) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sampler is NULL", fn);
    if (sampler->cls == &batch_class) return ct_sampler_set_epoch(((batches *)ct_sampler_state(sampler))->sampler, epoch);
    if (sampler->cls != &distributed_class)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sampler \"%s\" knows no epoch", fn, sampler->cls->name);
    if (epoch < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: epoch is %lld", fn, (long long)epoch);
    ((distributed *)ct_sampler_state(sampler))->epoch = epoch;
    return CT_OK;
}
