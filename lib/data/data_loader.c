/*
 * data_loader.c: the loader: options, epochs, handing out batches.
 *
 * An epoch draws its seeds before anything else, and after everything that can fail, so that a failed call may be repeated.
 */
#include "data/data_loader.h"

#include "core/generator.h"
#include <unistd.h>

enum { MAX_WORKERS = 256, MAX_PREFETCH = 1024 };

/* ---- Making and freeing ---- */

static ct_status check(ct_dataset *dataset, const ct_loader_options *o) {
    static const char fn[] = "ct_loader_new";
    CT__TRY(ct__pending());
    if (!dataset) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dataset is NULL", fn);
    CT__TRY(ct__check_reserved(fn, o->reserved, (int)CT__COUNT(o->reserved)));
    if (o->batch_size < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_size is %lld", fn, (long long)o->batch_size);
    if (o->num_workers < 0 || o->num_workers > MAX_WORKERS)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_workers is %d, not between 0 and %d", fn, o->num_workers, MAX_WORKERS);
    if (o->prefetch_factor < 0 || o->prefetch_factor > MAX_PREFETCH)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: prefetch_factor is %d, not between 0 and %d", fn, o->prefetch_factor, MAX_PREFETCH);
    if (o->prefetch_factor > 0 && o->num_workers == 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: prefetch_factor needs num_workers", fn);
    if (o->generator && o->seed.has) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: seed and generator exclude each other", fn);
    if (o->sampler && o->sampler->cls->batches)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sampler \"%s\" gives batches: it is a batch_sampler", fn, o->sampler->cls->name);
    if (o->batch_sampler && !o->batch_sampler->cls->batches)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_sampler \"%s\" gives no batches: see ct_sampler_batch", fn, o->batch_sampler->cls->name);
    if (o->batch_sampler && (o->batch_size || o->shuffle || o->drop_last || o->sampler))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_sampler excludes batch_size, shuffle, drop_last and sampler", fn);
    if (o->sampler && o->shuffle) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sampler and shuffle exclude each other", fn);
    if (o->collate_arg && !o->collate) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: collate_arg without collate", fn);
    if (ct__dataset_count(dataset) < 0)
        return ct__fail(CT_ERR_USER, "%s: data set \"%s\" says its size is %lld", fn, dataset->cls->name,
                        (long long)ct__dataset_count(dataset));
    return CT_OK;
}

/* Everything that is allocated. What was made is in *l, for ct_loader_free. */
static ct_status allocate(ct_loader *l, const ct_loader_options *o) {
    if (o->seed.has) l->generator = ct_generator_new((uint64_t)o->seed.value);
    else l->generator = ct_generator_retain(o->generator);
    if (o->seed.has && !l->generator) return ct__pending();
    l->scratch = ct_generator_new(0);
    if (!l->scratch) return ct__pending();
    if (l->shuffle && !(l->order = ct__alloc_array((size_t)l->num_samples, sizeof *l->order))) return ct__pending();

    int64_t ahead = (int64_t)o->num_workers * (o->prefetch_factor ? o->prefetch_factor : 2);
    size_t bytes;
    if (!ct__mul_size((size_t)(ahead + 1), sizeof *l->slot, &bytes)) return ct__fail_oom(SIZE_MAX);
    if (!(l->slot = ct__alloc_zero(bytes))) return ct__pending();
    l->n_slots = ahead + 1;
    if (o->num_workers == 0) return CT_OK;
    if (!(l->worker = ct__alloc_zero((size_t)o->num_workers * sizeof *l->worker))) return ct__pending();
    for (; l->n_workers < o->num_workers; l->n_workers++) {
        ct__loader_worker *w = &l->worker[l->n_workers];
        w->loader = l;
        if (!(w->generator = ct_generator_new(0))) return ct__pending();
    }
    return CT_OK;
}

ct_loader *ct_loader_new(ct_dataset *dataset, const ct_loader_options *options) {
    ct_loader_options o = options ? *options : (ct_loader_options){0};
    CT__TRY_NULL(check(dataset, &o));
    ct_loader *l = ct__alloc_zero(sizeof *l);
    if (!l) return NULL;
    atomic_init(&l->refs, 1);
    pthread_mutex_init(&l->lock, NULL); /* with default attributes these do not fail on any system that has this library's pool */
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    l->dataset = ct_dataset_retain(dataset);
    l->collate = o.collate;
    l->collate_arg = o.collate_arg;
    l->shuffle = o.shuffle;
    l->drop_last = o.drop_last;
    l->batch_size = o.batch_size ? o.batch_size : 1;
    l->num_samples = l->dataset_size = ct__dataset_count(dataset);
    l->num_batches = ct__batch_count(l->num_samples, l->batch_size, l->drop_last);
    l->sampler = ct_sampler_retain(o.sampler ? o.sampler : o.batch_sampler);
    if (allocate(l, &o) != CT_OK) {
        ct_loader_free(l);
        l = NULL;
    }
    return l;
}

ct_loader *ct_loader_retain(ct_loader *loader) {
    if (loader) atomic_fetch_add_explicit(&loader->refs, 1, memory_order_relaxed);
    return loader;
}

/* The workers did not come along into this process: it was forked from the one that started them. */
static bool forked(const ct_loader *l) { return l->n_started > 0 && l->pid != getpid(); }

void ct_loader_free(ct_loader *loader) {
    if (!loader || atomic_fetch_sub_explicit(&loader->refs, 1, memory_order_acq_rel) != 1) return;
    if (forked(loader)) return; /* a worker may have held the lock, or half made a batch */
    ct__loader_join(loader);
    for (int64_t i = 0; i < loader->n_slots; i++) {
        ct__sample_release(&loader->slot[i].sample);
        ct_release(loader->slot[i].indices);
    }
    for (int i = 0; i < loader->n_workers; i++) ct_generator_free(loader->worker[i].generator);
    ct__free(loader->worker);
    ct__free(loader->slot);
    ct__free(loader->order);
    ct__free(loader->batch_start);
    ct__loader_forget(loader);
    ct_sampler_free(loader->sampler);
    ct_release(loader->generator_state);
    ct_generator_free(loader->scratch);
    ct_generator_free(loader->generator);
    ct_dataset_free(loader->dataset);
    pthread_cond_destroy(&loader->done);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    ct__free(loader);
}

int64_t ct_loader_num_batches(const ct_loader *loader) {
    if (!loader) return 0;
    if (!loader->sampler || loader->active) return loader->num_batches;
    int64_t n = ct_sampler_size(loader->sampler);
    return loader->sampler->cls->batches ? n : ct__batch_count(n, loader->batch_size, loader->drop_last);
}
ct_dataset *ct_loader_dataset(const ct_loader *loader) { return loader ? loader->dataset : NULL; }

/* ---- Epochs ---- */

static ct_status begin_epoch(ct_loader *l) {
    CT__TRY(ct__loader_start(l));
    if (l->generator && !l->sampler) { /* its state at the start is what a resumed loader permutes from */
        ct_scope scope = ct_scope_begin();
        ct_tensor *state = ct_keep(ct_generator_get_state(l->generator));
        ct_scope_end(scope);
        if (!state) return ct__pending();
        ct_release(l->generator_state);
        l->generator_state = state;
    }
    if (!l->seeded) l->base_seed = ct__draw_seed(l->generator);
    l->seeded = true;
    if (l->sampler) CT__TRY(ct__loader_draw(l));
    if (l->shuffle && !l->generator) l->sampler_seed = ct__draw_seed(NULL);
    ct__loader_permute(l, l->generator);
    l->seeded = false;
    l->epoch++;
    ct__loader_set_active(l, true, 0);
    return CT_OK;
}

/* At the end of an epoch PyTorch's sampler draws one more permutation, of which it uses nothing. */
static void end_epoch(ct_loader *l) {
    ct__loader_set_active(l, false, 0);
    if (l->shuffle && l->generator) ct__permutation_discard(l->num_samples, l->generator);
    if (l->sampler) ct__sampler_finish(l->sampler);
}

/* ---- Batches ---- */

void ct__loader_make(ct_loader *l, ct__loader_slot *slot, int64_t number, ct_generator *g) {
    int64_t start = l->batch_start ? l->batch_start[number] : number * l->batch_size;
    slot->size = l->batch_start ? l->batch_start[number + 1] - start : ct__min_i64(l->batch_size, l->num_samples - start);
    ct_scope scope = ct_scope_begin();
    ct_tensor *indices = ct_batch_tensor(ct__unshared(slot->indices) ? slot->indices : NULL, &slot->size, 1, CT_I64);
    if (indices) {
        if (indices != slot->indices) {
            ct_release(slot->indices);
            slot->indices = ct_keep(indices);
        }
        int64_t *index = (int64_t *)(void *)ct__ptr(indices);
        for (int64_t i = 0; i < slot->size; i++) index[i] = l->order ? l->order[start + i] : start + i;
        ct__batch_plan plan = {.dataset = l->dataset, .collate = l->collate, .collate_arg = l->collate_arg, .seed = l->base_seed};
        (void)ct__batch_make(&plan, index, slot->size, g, &slot->sample);
    }
    ct_scope_end(scope);
}

/* A loader without workers: as ct__loader_wait, in this thread. */
static ct__loader_slot *make_here(ct_loader *l) {
    ct__loader_slot *slot = &l->slot[0];
    ct__loader_make(l, slot, l->position, l->scratch);
    if (ct__pending() != CT_OK) return NULL;
    l->lent = slot;
    l->position++;
    return slot;
}

/* The caller is done with the batch he had. */
static void take_back(ct_loader *l) {
    if (!l->lent) return;
    pthread_mutex_lock(&l->lock);
    l->lent->state = CT__SLOT_FREE;
    l->lent = NULL;
    if (l->n_workers > 0) pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
}

static bool next(ct_loader *loader, ct_batch *batch) {
    take_back(loader);
    if (!loader->active && begin_epoch(loader) != CT_OK) return false;
    if (loader->position == loader->num_batches) {
        end_epoch(loader);
        return false;
    }
    int64_t number = loader->position;
    ct__loader_slot *slot = loader->n_workers > 0 ? ct__loader_wait(loader) : make_here(loader);
    if (!slot) return false;
    *batch = (ct_batch){.input = slot->sample.input,
                        .target = slot->sample.target,
                        .fields = slot->sample.fields,
                        .indices = slot->indices,
                        .size = slot->size,
                        .index = number};
    return true;
}

bool ct_loader_next(ct_loader *loader, ct_batch *batch) {
    if (batch) *batch = (ct_batch){0};
    if (ct__pending() != CT_OK) return false;
    if (!loader || !batch) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_loader_next: %s is NULL", loader ? "batch" : "loader");
        return false;
    }
    if (forked(loader)) {
        ct__fail(CT_ERR_STATE, "ct_loader_next: the worker threads did not survive fork(); make the loader in the child");
        return false;
    }
    int64_t start = ct__now_ns();
    bool first = loader->cold || !loader->active, more = next(loader, batch);
    loader->cold = false;
    double seconds = (double)(ct__now_ns() - start) / 1e9;
    if (first) loader->stats.first_wait_seconds += seconds;
    else loader->stats.wait_seconds += seconds;
    loader->stats.batches += more;
    return more;
}

ct_loader_stats ct_loader_get_stats(const ct_loader *loader) { return loader ? loader->stats : (ct_loader_stats){0}; }

void ct_loader_reset_stats(ct_loader *loader) {
    if (loader) loader->stats = (ct_loader_stats){0};
}

ct_status ct_loader_reset(ct_loader *loader) {
    CT__TRY(ct__pending());
    if (!loader) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_loader_reset: loader is NULL");
    if (forked(loader)) return ct__fail(CT_ERR_STATE, "ct_loader_reset: the worker threads did not survive fork()");
    ct__loader_set_active(loader, false, 0);
    return CT_OK;
}
