/*
 * data_loader_state.c: where a loader is, as a dict, and back.
 *
 *      version          1
 *      num_samples, batch_size, shuffle, drop_last   what the loader must agree with; num_samples is the data set's
 *      epoch            how many epochs were begun
 *      in_epoch         0: between two epochs, the rest of the epoch's entries then does not matter
 *      position         batches handed out
 *      base_seed        of the samples' generators
 *      sampler_seed     of the permutation                            default generator
 *      generator        its state now                                 a generator of the loader's own
 *      epoch_generator  its state at the start of the epoch           likewise, in an epoch
 *      sampler          its state dict                                a sampler
 *      indices          of the whole epoch                            a sampler, in an epoch
 *      batch_sizes      likewise                                      a batch sampler, in an epoch
 *
 * A sampler may be the program's own and may depend on anything, so its order is saved as it is. The permutation itself is not saved: the seeds
 * are 16 bytes, or 5056, and give it back.
 */
#include "data/data_loader.h"

#include "core/generator.h"

static const char save_fn[] = "ct_loader_state_dict";
static const char load_fn[] = "ct_loader_load_state_dict";

/* The order of the epoch as the sampler gave it. */
static void save_order(const ct_loader *l, ct_dict *d) {
    ct_dict_set(d, "indices", ct_from_data(l->order, &l->num_samples, 1, CT_I64));
    if (!l->batch_start) return;
    ct_tensor *sizes = ct_from_data(l->batch_start + 1, &l->num_batches, 1, CT_I64);
    int64_t *size = sizes ? (int64_t *)(void *)ct__ptr(sizes) : NULL;
    for (int64_t i = 0; size && i < l->num_batches; i++) size[i] -= l->batch_start[i];
    ct_dict_set(d, "batch_sizes", sizes);
}

ct_dict *ct_loader_state_dict(const ct_loader *loader) {
    CT__TRY_NULL(ct__pending());
    if (!loader) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: loader is NULL", save_fn);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "version", 1);
    ct_dict_set_i64(d, "num_samples", loader->dataset_size);
    ct_dict_set_i64(d, "batch_size", loader->batch_size);
    ct_dict_set_i64(d, "shuffle", loader->shuffle);
    ct_dict_set_i64(d, "drop_last", loader->drop_last);
    ct_dict_set_i64(d, "epoch", loader->epoch);
    ct_dict_set_i64(d, "in_epoch", loader->active);
    ct_dict_set_i64(d, "position", loader->position);
    ct_dict_set_i64(d, "base_seed", (int64_t)loader->base_seed);
    if (!loader->generator) {
        ct_dict_set_i64(d, "sampler_seed", (int64_t)loader->sampler_seed);
    } else {
        ct_dict_set(d, "generator", ct_generator_get_state(loader->generator));
        if (loader->active && !loader->sampler) ct_dict_set(d, "epoch_generator", loader->generator_state);
    }
    if (loader->sampler) ct_dict_set_dict(d, "sampler", ct_sampler_state_dict(loader->sampler));
    if (loader->sampler && loader->active) save_order(loader, d);
    return ct__scope_return_n(scope, (void *[]){d}, 1) ? d : NULL;
}

/* What the dict says, checked against the loader. */
typedef struct saved {
    int64_t epoch, position, base_seed, sampler_seed;
    bool in_epoch;
    ct_tensor *now, *start; /* states of the generator; NULL */
    const ct_dict *sampler; /* NULL without one */
    ct__loader_order order; /* of the sampler, in an epoch */
} saved;

static ct_status must_agree(const ct_dict *d, const char *name, int64_t mine) {
    int64_t theirs = ct_dict_get_i64(d, name);
    CT__TRY(ct__pending());
    if (theirs == mine) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %lld in the state, %lld in the loader", load_fn, name, (long long)theirs,
                    (long long)mine);
}

static ct_status read_sampler(const ct_loader *l, const ct_dict *d, saved *s) {
    bool has = ct_dict_kind_of(d, "sampler") != CT_DICT_NONE;
    if (has != (l->sampler != NULL))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the state is of a loader %s sampler, this one has %s", load_fn, has ? "with a" : "without a",
                        has ? "none" : "one");
    if (!has) return CT_OK;
    s->sampler = ct_dict_get_dict(d, "sampler");
    if (!s->in_epoch) return ct__pending();
    ct_tensor *indices = ct_dict_get(d, "indices"), *sizes = NULL;
    if (l->sampler->cls->batches) sizes = ct_dict_get(d, "batch_sizes");
    CT__TRY(ct__pending());
    if (indices->dtype != CT_I64 || indices->ndim != 1 || (sizes && (sizes->dtype != CT_I64 || sizes->ndim != 1)))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: indices and batch_sizes must be i64 of one dim", load_fn);
    return ct__loader_order_make(load_fn, l, indices, sizes, &s->order);
}

static ct_status read_state(const ct_loader *l, const ct_dict *d, saved *s) {
    CT__TRY(must_agree(d, "version", 1));
    CT__TRY(must_agree(d, "num_samples", l->dataset_size));
    CT__TRY(must_agree(d, "batch_size", l->batch_size));
    CT__TRY(must_agree(d, "shuffle", l->shuffle));
    CT__TRY(must_agree(d, "drop_last", l->drop_last));
    s->epoch = ct_dict_get_i64(d, "epoch");
    s->in_epoch = ct_dict_get_i64(d, "in_epoch") != 0;
    s->position = ct_dict_get_i64(d, "position");
    s->base_seed = ct_dict_get_i64(d, "base_seed");
    bool own = ct_dict_kind_of(d, "generator") != CT_DICT_NONE;
    if (own != (l->generator != NULL))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the state is of a loader with %s generator, this one has %s", load_fn,
                        own ? "a" : "the default", own ? "the default one" : "one of its own");
    if (!own) s->sampler_seed = ct_dict_get_i64(d, "sampler_seed");
    if (own) s->now = ct_dict_get(d, "generator");
    if (own && s->in_epoch && !l->sampler) s->start = ct_dict_get(d, "epoch_generator");
    CT__TRY(ct__pending());
    CT__TRY(read_sampler(l, d, s));
    int64_t num_batches = l->sampler ? s->order.num_batches : l->num_batches; /* between epochs a sampler's position does not matter */
    if (l->sampler && !s->in_epoch) s->position = 0;
    if (s->epoch < 0 || s->base_seed < 0 || s->sampler_seed < 0 || s->position < 0 || s->position > num_batches)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: epoch %lld, position %lld of %lld, or a seed is out of range", load_fn,
                        (long long)s->epoch, (long long)s->position, (long long)num_batches);
    return CT_OK;
}

ct_status ct_loader_load_state_dict(ct_loader *loader, const ct_dict *state) {
    CT__TRY(ct__pending());
    if (!loader || !state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", load_fn, loader ? "state" : "loader");
    saved s = {0};
    ct_scope scope = ct_scope_begin();
    ct_generator *replay = NULL; /* goes through the epoch's start again; also tries the states out before anything changes */
    ct_status status = read_state(loader, state, &s);
    if (status == CT_OK && s.now) {
        replay = ct_generator_new(0);
        status = ct_generator_set_state(replay, s.now);
        if (status == CT_OK && s.start) status = ct_generator_set_state(replay, s.start);
        if (status == CT_OK && !replay) status = ct__pending();
    }
    if (status == CT_OK && s.in_epoch) status = ct__loader_start(loader);
    if (status == CT_OK && s.sampler) status = ct_sampler_load_state_dict(loader->sampler, s.sampler); /* nothing can fail after it */
    if (status == CT_OK) {
        ct__loader_set_active(loader, false, 0);
        if (s.order.order) ct__loader_order_take(loader, &s.order);
        ct__loader_forget(loader);
        loader->epoch = s.epoch;
        loader->base_seed = (uint64_t)s.base_seed;
        loader->sampler_seed = (uint64_t)s.sampler_seed;
        if (s.now) status = ct_generator_set_state(loader->generator, s.now);
        if (s.start) {
            ct_release(loader->generator_state);
            loader->generator_state = ct_keep(s.start);
            (void)ct_generator_random64(replay); /* the base seed */
        }
        if (s.in_epoch) {
            ct__loader_permute(loader, replay);
            ct__loader_set_active(loader, true, s.position);
        }
    }
    ct__free(s.order.order);
    ct__free(s.order.batch_start);
    ct_generator_free(replay);
    ct_scope_end(scope);
    return status;
}
