/*
 * ctorch/data.h: data sets and the loader.
 *
 *     ct_dataset *train  = ct_dataset_mnist("data/mnist", &(ct_mnist_options){.normalize = true});
 *     ct_loader  *loader = ct_loader_new(train, &(ct_loader_options){.batch_size = 64, .shuffle = true, .num_workers = 2});
 *     ct_batch batch;
 *     while (ct_loader_next(loader, &batch)) {
 *         ...                                     // batch.input [64, 1, 28, 28], batch.target [64]
 *     }
 *
 * A data set knows its size and makes one sample at a time; the loader orders the samples as torch.utils.data.DataLoader does,
 * has worker threads make them ahead, and stacks them into batches. Reading map: data sets, built-in data sets, a data
 * set of one's own, the loader. MNIST, CIFAR and folders of pictures are in data_vision.h, samplers in data_sampler.h, images
 * in data_image.h, transforms in data_transform.h, tables in data_table.h.
 */
#ifndef CTORCH_DATA_H
#define CTORCH_DATA_H

#include <ctorch/data_sampler.h>
#include <ctorch/data_transform.h>
#include <ctorch/data_vision.h>
#include <ctorch/dict.h>
#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Samples and data sets ----------------------------------------------------------------------------------- */

/* One example, or after collation a whole batch of them. What a data set does not have is NULL. */
typedef struct ct_sample {
    ct_tensor *input;
    ct_tensor *target;
    ct_dict *fields; /* more by name: tensors and numbers */
    uint64_t reserved[2];
} ct_sample;

/*
 * A data set. Reference-counted: ct_dataset_retain adds a reference, ct_dataset_free drops one; the order of frees never
 * matters, since whatever builds on a data set holds a reference of its own. Reading one (size, get, a loader) is
 * allowed on several threads at once.
 */
typedef struct ct_dataset ct_dataset;
CT_API ct_dataset *ct_dataset_retain(ct_dataset *dataset); /* NULL passes through */
CT_API void ct_dataset_free(ct_dataset *dataset);          /* NULL is fine */
CT_API int64_t ct_dataset_size(const ct_dataset *dataset); /* number of samples; 0 for NULL */
CT_API const char *ct_dataset_class_name(const ct_dataset *dataset); /* its class: "mnist"; NULL for NULL */

/* Sample `index`, 0 <= index < size, into *out; its tensors and fields are new references in the innermost scope. Random transforms
 * draw from generator (NULL: the default one). dataset[index]. On an error *out is all NULL. */
CT_API ct_status ct_dataset_get(ct_dataset *dataset, int64_t index, ct_generator *generator, ct_sample *out);

/*
 * The targets of all samples, i64 [size], where each is one integer, a class label; an error else. The library's data sets know them, from
 * others each sample is made. ct_dataset_class_counts says how often each label occurs, i64 [num_classes]; num_classes 0: as many as there are
 * names or the largest label asks for. Names of labels ("airplane") are borrowed; NULL where there is none.
 */
CT_API ct_tensor *ct_dataset_targets(ct_dataset *dataset);
CT_API ct_tensor *ct_dataset_class_counts(ct_dataset *dataset, int64_t num_classes);
CT_API int64_t ct_dataset_num_labels(const ct_dataset *dataset); /* how many names there are; 0 for NULL */
CT_API const char *ct_dataset_label_name(const ct_dataset *dataset, int64_t label);

/* ---- Built-in data sets --------------------------------------------------------------------------------------- */

/*
 * Rows of tensors: sample i is row i of each. All have the same first size. The tensors are shared, not copied, so a change in place is
 * seen by the next sample; only those that are not contiguous are copied. torch.utils.data.TensorDataset.
 *
 *   ct_dataset_tensors      input and target; target may be NULL
 *   ct_dataset_tensor_dict  any number by name: "input" and "target" become these, the others sample.fields
 */
CT_API ct_dataset *ct_dataset_tensors(ct_tensor *input, ct_tensor *target);
CT_API ct_dataset *ct_dataset_tensor_dict(const ct_dict *tensors);

/* Sample i is sample indices[i] of another data set; the indices are copied, and may repeat. torch.utils.data.Subset.
 * ct_dataset_subset_indices gives them back, i64 [n]; an error for a data set of another kind. */
CT_API ct_dataset *ct_dataset_subset(ct_dataset *dataset, const int64_t *indices, int64_t n);
CT_API ct_tensor *ct_dataset_subset_indices(const ct_dataset *dataset);

/*
 * Cuts a data set into n disjoint random subsets, out[0] .. out[n - 1], each a reference of the caller's. The sizes add up to that of the data set;
 * as fractions they add up to 1, and what rounding down leaves over goes to the first parts, one sample each.
 * The same generator state gives the same parts as torch.utils.data.random_split. On an error every out[i] is NULL.
 */
CT_API ct_status ct_dataset_random_split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out);
CT_API ct_status ct_dataset_random_split_fractions(ct_dataset *dataset, const double *fractions, int n, ct_generator *generator,
                                                   ct_dataset **out);

/*
 * The same, each part with the classes in the proportions of the whole: what a validation set wants. The classes are ct_dataset_targets; a
 * class needs a sample for each part, a part one for each class. A generator with seed s gives the parts of scikit-learn's
 * train_test_split(stratify=y, random_state=s) with these sizes. Each part is in random order.
 */
CT_API ct_status ct_dataset_stratified_split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out);
CT_API ct_status ct_dataset_stratified_split_fractions(ct_dataset *dataset, const double *fractions, int n, ct_generator *generator,
                                                       ct_dataset **out);

typedef struct ct_k_fold_options {
    bool shuffle;            /* which samples are in which fold is random */
    ct_generator *generator; /* for shuffle, during the call; NULL = the default one */
    uint64_t reserved[4];
} ct_k_fold_options;

/*
 * k-fold cross-validation: test[f] is a k-th of the data set and train[f] the rest, for f = 0 .. k - 1; each sample is in one test part. The parts are
 * references of the caller's, in the data set's order, and NULL on an error. The stratified form gives each fold the classes in the same proportions;
 * k may exceed the size of a class but not of all. scikit-learn's KFold and StratifiedKFold; a generator with seed s is random_state=s.
 */
CT_API ct_status ct_dataset_k_fold(ct_dataset *dataset, int k, const ct_k_fold_options *options, ct_dataset **train, ct_dataset **test);
CT_API ct_status ct_dataset_stratified_k_fold(ct_dataset *dataset, int k, const ct_k_fold_options *options, ct_dataset **train, ct_dataset **test);

/* n data sets, one after the other; each keeps its reference. torch.utils.data.ConcatDataset. Labels' names are the first one's. */
CT_API ct_dataset *ct_dataset_concat(ct_dataset *const *datasets, int64_t n);

/* The same samples, the input of each passed through a transform (data_transform.h). Both keep their references. */
CT_API ct_dataset *ct_dataset_transform(ct_dataset *dataset, ct_transform *transform);

/* ---- A data set of one's own -------------------------------------------------------------------------------------- */

/*
 * A class is a table of functions and the size of a state of one's own. It must outlive its data sets (make it static).
 *
 *     typedef struct squares { int64_t n; } squares;
 *     static ct_status squares_init(ct_dataset *d, const void *arg) { ((squares *)ct_dataset_state(d))->n = *(const int64_t *)arg; return CT_OK; }
 *     static int64_t squares_size(const ct_dataset *d) { return ((const squares *)ct_dataset_state(d))->n; }
 *     static ct_status squares_get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
 *         float x = (float)i;
 *         (void)d, (void)g;
 *         out->input = ct_from_data(&x, NULL, 0, CT_F32);
 *         out->target = ct_from_data(&(float){x * x}, NULL, 0, CT_F32);
 *         return ct_error_status();
 *     }
 *     static const ct_dataset_class squares_class = {.name = "squares", .state_size = sizeof(squares), .init = squares_init,
 *                                                    .size = squares_size, .get = squares_get};
 *     ct_dataset *d = ct_dataset_new(&squares_class, &(int64_t){100});
 *
 * A function that fails returns a status; ct_error_raise gives the reason. get may run on several threads at once: it
 * must not change the state without a lock. It runs in a scope of the caller's, without gradients; random numbers come from
 * the generator it is given, which is seeded by (seed, epoch, index), so that the data do not depend on the number of workers.
 */
typedef struct ct_dataset_class {
    const char *name;
    size_t state_size;                                 /* bytes of ct_dataset_state, zeroed before init */
    ct_status (*init)(ct_dataset *dataset, const void *arg); /* or NULL */
    void (*destroy)(ct_dataset *dataset);              /* or NULL; also called when init failed, on what it left */
    int64_t (*size)(const ct_dataset *dataset);        /* must not change while a loader uses the data set */
    ct_status (*get)(ct_dataset *dataset, int64_t index, ct_generator *generator, ct_sample *out); /* index is in range, *out all NULL */

    /* Optional, for data in memory whose samples are not random: n samples at once, stacked along a new first dim as the default
     * collation would. out->input and out->target come in as tensors of an earlier batch that may be written over, or NULL
     * (see ct_batch_tensor). The loader calls it instead of get, unless it has a collate function. */
    ct_status (*get_batch)(ct_dataset *dataset, const int64_t *indices, int64_t n, ct_sample *out);

    /* Optional, for ct_dataset_targets: all targets, without making the samples; out has room for size of them. And the labels' names: *n of them,
     * which live as long as the data set. */
    ct_status (*targets)(ct_dataset *dataset, int64_t *out);
    const char *const *(*labels)(const ct_dataset *dataset, int64_t *n);
    uint64_t reserved[4];
} ct_dataset_class;

CT_API ct_dataset *ct_dataset_new(const ct_dataset_class *cls, const void *arg);
CT_API void *ct_dataset_state(const ct_dataset *dataset);                     /* NULL for NULL */
CT_API const ct_dataset_class *ct_dataset_class_of(const ct_dataset *dataset); /* NULL for NULL */

/* For get_batch: reuse, if it has these sizes and this dtype, else a new tensor with unset elements. reuse may be NULL. */
CT_API ct_tensor *ct_batch_tensor(ct_tensor *reuse, const int64_t *sizes, int ndim, ct_dtype dtype);

/* ---- The loader --------------------------------------------------------------------------------------------- */

/*
 * Turns n samples into a batch: sets out's members to tensors of the innermost scope. Without one, tensors are stacked along a new first
 * dim, and numbers of fields become tensors i64 [n] and f64 [n] (torch.utils.data.default_collate). Several threads may be inside at once.
 */
typedef ct_status (*ct_collate)(const ct_sample *samples, int64_t n, ct_sample *out, void *arg);

/* Names and defaults are those of torch.utils.data.DataLoader. */
typedef struct ct_loader_options {
    int64_t batch_size;      /* 0 = 1 */
    bool shuffle;            /* a new random order each epoch */
    bool drop_last;          /* leaves out a last batch that is smaller than the others */
    int32_t num_workers;     /* threads that make batches ahead, at most 256; 0: ct_loader_next makes them itself */
    int32_t prefetch_factor; /* batches ahead per worker, at most 1024; 0 = 2 */
    ct_opt_i64 seed;         /* a generator of the loader's own with this seed: generator=torch.Generator().manual_seed(seed) */
    ct_generator *generator; /* or this one (a reference of its own); neither: the default generator. Not both. */
    ct_collate collate;      /* NULL = stack */
    void *collate_arg;
    ct_sampler *sampler;       /* orders the samples; excludes shuffle (data_sampler.h; a reference of its own) */
    ct_sampler *batch_sampler; /* makes the batches too; excludes batch_size, shuffle, drop_last and sampler */
    uint64_t reserved[4];
} ct_loader_options;

/* What ct_loader_next hands out. All of it is borrowed: valid until the next call on the loader, which may write over the tensors
 * unless somebody else (a graph, ct_keep) holds a reference to them or to a view. */
typedef struct ct_batch {
    ct_tensor *input;
    ct_tensor *target;
    ct_dict *fields;
    ct_tensor *indices; /* i64 [size]: which samples these are */
    int64_t size;       /* number of samples; the last batch may have fewer */
    int64_t index;      /* number of the batch in its epoch, from 0 */
    uint64_t reserved[4];
} ct_batch;

/*
 * A loader over a data set. Reference-counted; used by one thread at a time. Freeing it, in mid-epoch too, waits for its workers.
 *
 * Order: from the same generator state the samples come in the same order as PyTorch's, epoch after epoch, for any number
 * of workers. Each epoch draws a base seed; with shuffle and the default generator also the seed of a fresh generator that permutes (with a
 * generator of the loader's own that one permutes). The base seed and the index of a sample seed the generator of its random
 * transforms: here PyTorch's numbers differ, since there they depend on the number of workers. A sampler draws after the base seed, with whatever
 * generator it has; an index that the data set does not have is an error of the call that begins the epoch.
 *
 * Workers are threads; each makes whole batches, which are handed out in order. They must not outlive a fork: in
 * the child ct_loader_next is an error (CT_ERR_STATE), and ct_loader_free leaves their memory alone.
 */
typedef struct ct_loader ct_loader;
CT_API ct_loader *ct_loader_new(ct_dataset *dataset, const ct_loader_options *options);
CT_API ct_loader *ct_loader_retain(ct_loader *loader); /* NULL passes through */
CT_API void ct_loader_free(ct_loader *loader);         /* NULL is fine */
CT_API int64_t ct_loader_num_batches(const ct_loader *loader);  /* in this epoch, or the next: len(loader); 0 for NULL */
CT_API ct_dataset *ct_loader_dataset(const ct_loader *loader);  /* borrowed */

/*
 * The next batch. false at the end of the epoch or with an error pending; *batch is then all zero. After the end the next call begins
 * a new epoch. A batch that failed, in a worker too, is an error here; after ct_error_clear the next call tries the same batch again.
 */
CT_API bool ct_loader_next(ct_loader *loader, ct_batch *batch);

/* Gives up the rest of an epoch, after a break: the next call begins a new one. Without it, it would go on where the loop was left. */
CT_API ct_status ct_loader_reset(ct_loader *loader);

/* How long the calling thread was held up, since the loader was made or ct_loader_reset_stats. Without workers ct_loader_next makes the batches, so
 * all of that counts. A training loop that waits for more than a few percent of its time wants more workers or cheaper transforms. */
typedef struct ct_loader_stats {
    int64_t batches;           /* handed out */
    double first_wait_seconds; /* in the calls for the first batch of an epoch, when nothing was made ahead */
    double wait_seconds;       /* in those for all others, the call that ends the epoch included */
    uint64_t reserved[4];
} ct_loader_stats;
CT_API ct_loader_stats ct_loader_get_stats(const ct_loader *loader); /* all zero for NULL */
CT_API void ct_loader_reset_stats(ct_loader *loader);

/*
 * Where the loader is, for a checkpoint: epoch, position, seeds, and the state of a generator of its own (the default generator is the
 * checkpoint's to save). With a sampler it holds the indices of the epoch, 8 bytes each, and the sampler's own state. A loader over the same data set with
 * the same batch size, shuffle, drop_last, class of sampler and kind of generator that loads it goes on with the same batches and the same random
 * transforms, in mid-epoch too; the number of workers may differ. Loading checks everything first and leaves the loader as it was on an error.
 */
CT_API ct_dict *ct_loader_state_dict(const ct_loader *loader);
CT_API ct_status ct_loader_load_state_dict(ct_loader *loader, const ct_dict *state);

#ifdef __cplusplus
}
#endif
#endif
