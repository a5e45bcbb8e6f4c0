/*
 * data_loader_state.c: where a loader is, as a dict, and back.
 *
 *      version          1
 *      num_samples, batch_size, shuffle, drop_last   what the loader must agree with
 *      epoch            how many epochs were begun
 *      in_epoch         0: between two epochs, the rest of the epoch's entries then does not matter
 *      position         batches handed out
 *      base_seed        of the samples' generators
 *      sampler_seed     of the permutation                            default generator
 *      generator        its state now                                 a generator of the loader's own
 *      epoch_generator  its state at the start of the epoch           likewise, in an epoch
 *
 * The permutation itself is not saved: the seeds are 16 bytes, or 5056, and give it back.
 */
#include "data/data_loader.h"

#include "core/generator.h"

static const char save_fn[] = "ct_loader_state_dict";
static const char load_fn[] = "ct_loader_load_state_dict";

ct_dict *ct_loader_state_dict(const ct_loader *loader) {
    CT__TRY_NULL(ct__pending());
    if (!loader) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: loader is NULL", save_fn);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "version", 1);
    ct_dict_set_i64(d, "num_samples", loader->num_samples);
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
        if (loader->active) ct_dict_set(d, "epoch_generator", loader->generator_state);
    }
    return ct__scope_return_n(scope, (void *[]){d}, 1) ? d : NULL;
}

/* What the dict says, checked against the loader. */
typedef struct saved {
    int64_t epoch, position, base_seed, sampler_seed;
    bool in_epoch;
    ct_tensor *now, *start; /* states of the generator; NULL */
} saved;

static ct_status must_agree(const ct_dict *d, const char *name, int64_t mine) {
    int64_t theirs = ct_dict_get_i64(d, name);
    CT__TRY(ct__pending());
    if (theirs == mine) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %lld in the state, %lld in the loader", load_fn, name, (long long)theirs,
                    (long long)mine);
}

static ct_status read_state(const ct_loader *l, const ct_dict *d, saved *s) {
    CT__TRY(must_agree(d, "version", 1));
    CT__TRY(must_agree(d, "num_samples", l->num_samples));
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
    if (own && s->in_epoch) s->start = ct_dict_get(d, "epoch_generator");
    CT__TRY(ct__pending());
    if (s->epoch < 0 || s->base_seed < 0 || s->sampler_seed < 0 || s->position < 0 || s->position > l->num_batches)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: epoch %lld, position %lld of %lld, or a seed is out of range", load_fn,
                        (long long)s->epoch, (long long)s->position, (long long)l->num_batches);
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
    if (status == CT_OK) {
        ct__loader_set_active(loader, false, 0);
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
    ct_generator_free(replay);
    ct_scope_end(scope);
    return status;
}
