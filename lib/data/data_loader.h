/*
 * data_loader.h: the loader's state, shared by data_loader.c, data_loader_order.c, data_worker.c and data_loader_state.c.
 *
 * Batches of an epoch are numbered from 0. Batch b is made in slot b % n_slots, and n_slots is one more than the number of batches that may
 * be ahead, so the batches position .. position + n_slots - 2 each have a slot while the one before them is lent to the caller:
 *
 *      number     11     12     13     14     15            n_slots = 5, position = 12
 *      slot        1      2      3      4      0
 *      state     LENT   READY  READY  MAKING  FREE
 *                 |      |__ what the next ct_loader_next hands out
 *                 |__ the caller has it until then
 *
 *      FREE --worker--> MAKING --> READY --next--> LENT --next--> FREE
 *                          \--> FAILED --next, which reports the error--> FREE: made again
 *
 * Without workers there is one slot, and ct_loader_next makes the batch itself.
 */
#ifndef CT__DATA_LOADER_H
#define CT__DATA_LOADER_H

#include "data/data_impl.h"

#include <sys/types.h>

typedef enum ct__slot_state { CT__SLOT_FREE, CT__SLOT_MAKING, CT__SLOT_READY, CT__SLOT_FAILED, CT__SLOT_LENT } ct__slot_state;

typedef struct ct__loader_slot {
    ct__slot_state state; /* under the lock; the rest belongs to who is in the state: the worker, or the caller's thread */
    ct_sample sample;     /* references of its own; kept between batches for their memory */
    ct_tensor *indices;   /* likewise */
    int64_t size;
    ct__error error; /* FAILED: the worker's */
} ct__loader_slot;

typedef struct ct__loader_worker {
    ct_loader *loader;
    pthread_t thread;
    ct_generator *generator; /* seeded anew for each sample */
} ct__loader_worker;

struct ct_loader {
    atomic_int refs;

    /* what never changes */
    ct_dataset *dataset;
    ct_collate collate;
    void *collate_arg;
    int64_t batch_size, dataset_size;
    bool shuffle, drop_last;
    ct_sampler *sampler; /* NULL: the order is shuffle's; one that gives batches makes batch_size meaningless */
    ct_generator *generator; /* the loader's own; NULL = the default one */
    ct_generator *scratch;   /* permutes; samples of a loader without workers */

    /* the epoch; changed by the caller's thread only, while no worker makes a batch */
    int64_t epoch;              /* how many were begun */
    int64_t num_samples, num_batches;
    uint64_t base_seed;         /* of the samples' generators */
    bool seeded;                /* base_seed is drawn for an epoch whose beginning failed afterwards, */
    ct_sampler_order drawn;     /* likewise its order, if memory ran out after the sampler; references */
    uint64_t sampler_seed;      /* of the permutation, if it has a fresh generator */
    ct_tensor *generator_state; /* of a generator of its own, at the epoch's start; a reference */
    int64_t *order;             /* [num_samples], the permutation or the sampler's; NULL: 0, 1, 2, ... */
    int64_t *batch_start;       /* [num_batches + 1], places in order; NULL: every batch_size */

    /* workers */
    pthread_mutex_t lock;
    pthread_cond_t work, done; /* something to make, or stop; something made */
    bool active;               /* in an epoch; under the lock, as all below */
    bool stop;
    int64_t position; /* the number of the next batch to hand out */
    int making;       /* slots in the state MAKING */
    int64_t n_slots;
    ct__loader_slot *slot;
    ct__loader_slot *lent;
    int n_workers, n_started;
    ct__loader_worker *worker;
    pid_t pid; /* of the process that started the workers */

    ct_loader_stats stats; /* the caller's thread only */
    bool cold;             /* no batch of this epoch was waited for yet, so none was made ahead */
};

/* Makes batch `number` in the slot; an error is pending afterwards if it failed. */
void ct__loader_make(ct_loader *l, ct__loader_slot *slot, int64_t number, ct_generator *g);

/* data_worker.c */
ct_status ct__loader_start(ct_loader *l);                            /* starts the workers that do not run yet */
ct__loader_slot *ct__loader_wait(ct_loader *l);                      /* the slot of batch `position`, lent; NULL and the worker's error */
void ct__loader_set_active(ct_loader *l, bool active, int64_t position); /* false: waits until no worker makes a batch */
void ct__loader_join(ct_loader *l);

/* data_loader_order.c: the order from the epoch's seeds. With a generator of its own that one is advanced. */
void ct__loader_permute(ct_loader *l, ct_generator *own);

/* The same: an order that a sampler gave, checked against the data set. A loader takes it in while no worker makes a batch. */
typedef struct ct__loader_order {
    int64_t num_samples, num_batches;
    int64_t *order, *batch_start;
} ct__loader_order;
ct_status ct__loader_order_make(const char *function, const ct_loader *l, const ct_tensor *indices, const ct_tensor *batch_sizes, ct__loader_order *out);
void ct__loader_order_take(ct_loader *l, ct__loader_order *order);
ct_status ct__loader_draw(ct_loader *l); /* asks the sampler */
void ct__loader_forget(ct_loader *l);    /* what was drawn for an epoch that did not begin */

#endif
