/*
 * data_impl.h: what the files of lib/data share.
 */
#ifndef CT__DATA_IMPL_H
#define CT__DATA_IMPL_H

#include "core/tensor_impl.h"
#include <ctorch/data.h>
#include <ctorch/data_table.h>

/* Data sets and transforms: the state of the class lies in the same block, aligned for any type. */
struct ct_dataset {
    atomic_int refs;
    const ct_dataset_class *cls;
    _Alignas(max_align_t) unsigned char state[];
};
struct ct_transform {
    atomic_int refs;
    const ct_transform_class *cls;
    _Alignas(max_align_t) unsigned char state[];
};

CT__INLINE int64_t ct__dataset_count(const ct_dataset *d) { return d->cls->size(d); }

/* ct_dataset_get without its checks; `function` is named in messages. */
ct_status ct__dataset_fetch(const char *function, ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out);

/* torch.randperm: 0 .. n - 1 in a random order. discard: the draws that another permutation would take. */
void ct__permutation(int64_t *out, int64_t n, ct_generator *g);
void ct__permutation_discard(int64_t n, ct_generator *g);

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
