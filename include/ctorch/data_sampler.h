/*
 * ctorch/data_sampler.h: in which order a loader takes the samples: torch.utils.data's samplers.
 *
 *     double often[] = {1, 1, 1, 9};                                        // one number per sample
 *     ct_sampler *rare_first = ct_sampler_weighted_random(often, 4, 100, NULL);
 *     loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 10, .sampler = rare_first});
 *     ct_sampler_free(rare_first);                                          // the loader holds a reference of its own
 *
 * A sampler draws the indices of a whole epoch at once, as the epoch begins. For the same state of the generator they are those of PyTorch's sampler of
 * this name, epoch after epoch. Most programs need none: .shuffle of the loader is ct_sampler_random. data.h includes this header.
 */
#ifndef CTORCH_DATA_SAMPLER_H
#define CTORCH_DATA_SAMPLER_H

#include <ctorch/dict.h>
#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_dataset ct_dataset; /* data.h */

/* Reference-counted. What builds on a sampler (a loader, a batch sampler) holds a reference of its own. Used by one thread at a time. */
typedef struct ct_sampler ct_sampler;
CT_API ct_sampler *ct_sampler_retain(ct_sampler *sampler); /* NULL passes through */
CT_API void ct_sampler_free(ct_sampler *sampler);          /* NULL is fine */
CT_API const char *ct_sampler_class_name(const ct_sampler *sampler);
CT_API int64_t ct_sampler_size(const ct_sampler *sampler); /* len(sampler): indices of an epoch, batches for a batch sampler; 0 for NULL */

/* One epoch. */
typedef struct ct_sampler_order {
    ct_tensor *indices;     /* i64 [n] */
    ct_tensor *batch_sizes; /* i64 [batches], each at least 1, of a batch sampler; else NULL */
    uint64_t reserved[2];
} ct_sampler_order;

/* Draws an epoch into *out, tensors of the innermost scope: list(sampler). On an error *out is all NULL. */
CT_API ct_status ct_sampler_draw(ct_sampler *sampler, ct_sampler_order *out);

/* ---- The samplers ------------------------------------------------------------------------------------------------ */

/* 0, 1, ... n - 1: SequentialSampler. */
CT_API ct_sampler *ct_sampler_sequential(ct_dataset *dataset);

typedef struct ct_sampler_random_options {
    bool replacement;        /* each index drawn anew from all */
    int64_t num_samples;     /* 0 = as many as the data set has; without replacement more than that go through it several times */
    ct_generator *generator; /* a reference of its own; NULL: each epoch seeds a fresh one from the default generator */
    uint64_t reserved[4];
} ct_sampler_random_options;

/* A random order: RandomSampler. */
CT_API ct_sampler *ct_sampler_random(ct_dataset *dataset, const ct_sampler_random_options *options);

/* These indices (copied) in random order: SubsetRandomSampler. generator NULL: the default one. */
CT_API ct_sampler *ct_sampler_subset_random(const int64_t *indices, int64_t n, ct_generator *generator);

typedef struct ct_sampler_weighted_random_options {
    bool no_replacement;     /* an index at most once an epoch */
    ct_generator *generator; /* a reference of its own; NULL = the default one */
    uint64_t reserved[4];
} ct_sampler_weighted_random_options;

/* num_samples indices of 0 .. n - 1, each with a probability proportional to its weight (copied): WeightedRandomSampler. Weights are finite, not
 * negative, not all zero. For classes of unequal sizes take 1 / (the class's count), see ct_dataset_class_counts. */
CT_API ct_sampler *ct_sampler_weighted_random(const double *weights, int64_t n, int64_t num_samples,
                                              const ct_sampler_weighted_random_options *options);

typedef struct ct_sampler_batch_options {
    bool drop_last; /* leaves out a last batch that is smaller than the others */
    uint64_t reserved[2];
} ct_sampler_batch_options;

/* Batches of another sampler's indices, for .batch_sampler of the loader: BatchSampler. */
CT_API ct_sampler *ct_sampler_batch(ct_sampler *sampler, int64_t batch_size, const ct_sampler_batch_options *options);

typedef struct ct_sampler_distributed_options {
    bool no_shuffle;
    uint64_t seed;  /* the same in all processes */
    bool drop_last; /* leaves out what does not divide by num_replicas; otherwise the first samples come again, so that all have as many */
    uint64_t reserved[4];
} ct_sampler_distributed_options;

/*
 * The share of process `rank` of num_replicas: indices rank, rank + num_replicas, ... of the permutation seeded by seed + epoch: DistributedSampler. The epoch
 * is 0 until ct_sampler_set_epoch, which is to be called ahead of each epoch (an error for other samplers); otherwise all epochs have one order.
 */
CT_API ct_sampler *ct_sampler_distributed(ct_dataset *dataset, int64_t num_replicas, int64_t rank, const ct_sampler_distributed_options *options);
CT_API ct_status ct_sampler_set_epoch(ct_sampler *sampler, int64_t epoch);

/* ---- State ------------------------------------------------------------------------------------------------------- */

/* What the next epochs depend on besides the default generator: a generator of its own, the epoch that was set. The loader's state dict holds
 * it, and the indices of the epoch that it is in. Loading checks everything first and changes nothing on an error. */
CT_API ct_dict *ct_sampler_state_dict(ct_sampler *sampler);
CT_API ct_status ct_sampler_load_state_dict(ct_sampler *sampler, const ct_dict *state);

/* ---- A sampler of one's own ---------------------------------------------------------------------------------------- */

/*
 * As ct_dataset_class in data.h. All functions run in the thread that calls ct_loader_next.
 *
 *     static int64_t backwards_size(const ct_sampler *s) { return *(const int64_t *)ct_sampler_state(s); }
 *     static ct_status backwards_init(ct_sampler *s, const void *arg) { *(int64_t *)ct_sampler_state(s) = *(const int64_t *)arg; return CT_OK; }
 *     static ct_status backwards_draw(ct_sampler *s, ct_sampler_order *out) {
 *         out->indices = ct_arange_int(backwards_size(s) - 1, -1, -1, CT_I64);
 *         return ct_error_status();
 *     }
 *     static const ct_sampler_class backwards_class = {.name = "backwards", .state_size = sizeof(int64_t), .init = backwards_init,
 *                                                      .size = backwards_size, .draw = backwards_draw};
 *     ct_sampler *s = ct_sampler_new(&backwards_class, &(int64_t){100});
 */
typedef struct ct_sampler_class {
    const char *name;
    size_t state_size; /* bytes of ct_sampler_state, zeroed before init */
    bool batches;      /* draw sets batch_sizes, and size counts batches */
    ct_status (*init)(ct_sampler *sampler, const void *arg); /* or NULL */
    void (*destroy)(ct_sampler *sampler);                    /* or NULL; also called when init failed */
    int64_t (*size)(const ct_sampler *sampler);
    /* Sets out's members to tensors of the innermost scope. A draw that fails is tried again. Its length may differ from size, which is what
     * ct_loader_num_batches says ahead of the epoch. */
    ct_status (*draw)(ct_sampler *sampler, ct_sampler_order *out);
    void (*finish)(ct_sampler *sampler); /* or NULL: all of the epoch was handed out; not called where the epoch was given up */
    ct_status (*save)(const ct_sampler *sampler, ct_dict *state); /* or NULL: adds entries to the state dict */
    ct_status (*load)(ct_sampler *sampler, const ct_dict *state); /* or NULL: checks and reads them */
    uint64_t reserved[4];
} ct_sampler_class;

CT_API ct_sampler *ct_sampler_new(const ct_sampler_class *cls, const void *arg);
CT_API void *ct_sampler_state(const ct_sampler *sampler); /* NULL for NULL */

#ifdef __cplusplus
}
#endif
#endif
