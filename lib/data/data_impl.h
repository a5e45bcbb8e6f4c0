/*
 * data_impl.h: what the files of lib/data share.
 */
#ifndef CT__DATA_IMPL_H
#define CT__DATA_IMPL_H

#include "core/tensor_impl.h"
#include <ctorch/data.h>
#include <ctorch/data_table.h>

/* Data sets, samplers and transforms: the state of the class lies in the same block, aligned for any type. */
struct ct_dataset {
    atomic_int refs;
    const ct_dataset_class *cls;
    _Alignas(max_align_t) unsigned char state[];
};
struct ct_sampler {
    atomic_int refs;
    const ct_sampler_class *cls;
    ct_generator *generator; /* one of its own, a reference; part of its state dict */
    _Alignas(max_align_t) unsigned char state[];
};
struct ct_transform {
    atomic_int refs;
    const ct_transform_class *cls;
    _Alignas(max_align_t) unsigned char state[];
};

/* data_class.c: a zeroed block for one of them, head bytes and the state; NULL with an error pending. complete: the class has what it needs. */
void *ct__class_instance(const char *function, bool complete, const char *needs, const uint64_t reserved[4], size_t state_size, size_t head);

CT__INLINE int64_t ct__dataset_count(const ct_dataset *d) { return d->cls->size(d); }

/* ct_dataset_get without its checks; `function` is named in messages. */
ct_status ct__dataset_fetch(const char *function, ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out);

/* data_permutation.c. torch.randperm: 0 .. n - 1 in a random order. discard: the draws that another permutation would take. */
void ct__permutation(int64_t *out, int64_t n, ct_generator *g);
void ct__permutation_discard(int64_t n, ct_generator *g);
void ct__draw_below(int64_t *out, int64_t count, int64_t n, ct_generator *g); /* torch.randint(n, (count,)) */
uint64_t ct__draw_seed(ct_generator *g);                                      /* torch's int64 random_(): 63 bits */
void ct__shuffle(int64_t *x, int64_t n, ct_generator *g);                     /* numpy.random.RandomState(seed).shuffle(x) */

/* data_subset.c: indices are in range. */
ct_dataset *ct__subset_new(ct_dataset *base, const int64_t *indices, int64_t n);

/* data_targets.c: size targets into out, the class's own way or, ct__dataset_get_targets, by getting each sample. */
ct_status ct__dataset_targets(ct_dataset *d, int64_t *out);
ct_status ct__dataset_get_targets(ct_dataset *d, int64_t *out);
const char *const *ct__dataset_labels(const ct_dataset *d, int64_t *n); /* NULL and 0 where it has none */

/* The classes that occur, ascending, and which one each sample has. */
enum { CT__MAX_CLASSES = 1 << 24 }; /* of ct_dataset_class_counts: more is a mistake */
typedef struct ct__classes {
    int64_t n;
    int64_t *value; /* [n] */
    int64_t *of;    /* [size of the data set], 0 .. n - 1 */
} ct__classes;
ct_status ct__classes_of(ct_dataset *d, ct__classes *c);
void ct__classes_free(ct__classes *c);

/* data_sampler.c: ct_sampler_draw without its checks and without finish, which is for when the epoch was handed out. */
ct_status ct__sampler_draw(const char *function, ct_sampler *s, ct_sampler_order *out);
void ct__sampler_finish(ct_sampler *s);

/* How many batches n samples make. */
CT__INLINE int64_t ct__batch_count(int64_t n, int64_t batch_size, bool drop_last) {
    return n / batch_size + (!drop_last && n % batch_size != 0);
}

/* A row-major version of t: a new reference of the caller's, or NULL with an error pending. */
ct_tensor *ct__data_dense(ct_tensor *t);

/* data_batch.c: makes the batch of these n samples, reusing *batch's input and target if nobody else refers to them. Runs in a scope of its own; batch holds
 * references of its own afterwards. On an error *batch is empty and the error pending. */
typedef struct ct__batch_plan {
    ct_dataset *dataset;
    ct_collate collate;
    void *collate_arg;
    uint64_t seed; /* of the epoch: with an index it seeds a sample's generator */
} ct__batch_plan;
ct_status ct__batch_make(const ct__batch_plan *plan, const int64_t *indices, int64_t n, ct_generator *g, ct_sample *batch);
void ct__sample_release(ct_sample *s);  /* drops the references and empties it */
bool ct__unshared(ct_tensor *t);        /* one handle, one view, no history: its memory may be written over */

/* data_idx.c: an IDX file, or its bytes, plain or gzip; name is for messages. A scope-held tensor. */
ct_tensor *ct__idx_file(const char *function, const char *path);
ct_tensor *ct__idx_parse(const char *function, const char *name, const void *bytes, size_t size);

/* data_image.c: (x - mean[c]) / std[c] on f32 [C, H, W] or [N, C, H, W]; n is C or 1. */
ct_tensor *ct__image_normalize(const char *function, const ct_tensor *image, const float *mean, const float *std, int n);
ct_status ct__image_stats(const char *function, const double *mean, const double *std, int n, float *mean_out, float *std_out);

#endif
