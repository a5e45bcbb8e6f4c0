/*
 * data_kfold.c: k-fold cross-validation, by scikit-learn's KFold and StratifiedKFold: each sample gets the number of a fold, and fold f's test part is
 * what has number f, its training part the rest, both in the data set's order. A generator with seed s gives the folds of random_state=s.
 */
#include "data/data_impl.h"

/* The parts of all folds. On an error they are all NULL. */
static ct_status make_parts(ct_dataset *dataset, int k, const int64_t *fold, ct_dataset **train, ct_dataset **test) {
    int64_t n = ct__dataset_count(dataset), *order = ct__alloc_array((size_t)n, sizeof *order);
    for (int f = 0; f < k && order; f++) {
        int64_t in = 0, out = n; /* the training part grows from the left, the test part from the right, backwards */
        for (int64_t i = 0; i < n; i++)
            if (fold[i] != f) order[in++] = i;
        for (int64_t i = n - 1; i >= 0; i--)
            if (fold[i] == f) order[--out] = i;
        train[f] = ct__subset_new(dataset, order, in);
        test[f] = ct__subset_new(dataset, order + out, n - out);
    }
    ct__free(order);
    ct_status status = ct__pending();
    for (int f = 0; f < k && status != CT_OK; f++) {
        ct_dataset_free(train[f]);
        ct_dataset_free(test[f]);
        train[f] = test[f] = NULL;
    }
    return status;
}

static ct_status check(const char *fn, ct_dataset *dataset, int k, const ct_k_fold_options *o, ct_dataset **train, ct_dataset **test) {
    for (int f = 0; f < k; f++) {
        if (train) train[f] = NULL;
        if (test) test[f] = NULL;
    }
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if (!dataset || !train || !test)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, !dataset ? "dataset" : !train ? "train" : "test");
    if (k < 2 || k > ct__dataset_count(dataset))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d folds of %lld samples: k must be at least 2 and at most that", fn, k,
                        (long long)ct__dataset_count(dataset));
    if (o && o->generator && !o->shuffle) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: generator without shuffle", fn);
    return CT_OK;
}

ct_status ct_dataset_k_fold(ct_dataset *dataset, int k, const ct_k_fold_options *options, ct_dataset **train, ct_dataset **test) {
    CT__TRY(check("ct_dataset_k_fold", dataset, k, options, train, test));
    int64_t n = ct__dataset_count(dataset), *order = ct__alloc_array((size_t)n, sizeof *order), *fold = NULL;
    if (order && (fold = ct__alloc_array((size_t)n, sizeof *fold))) {
        for (int64_t i = 0; i < n; i++) order[i] = i;
        if (options && options->shuffle) ct__shuffle(order, n, options->generator);
        int64_t at = 0; /* the first n % k folds have one sample more */
        for (int f = 0; f < k; f++)
            for (int64_t end = at + n / k + (f < n % k); at < end; at++) fold[order[at]] = f;
        (void)make_parts(dataset, k, fold, train, test);
    }
    ct__free(fold);
    ct__free(order);
    return ct__pending();
}

/* The classes in the order in which they first come; the samples sorted by that are dealt out to the folds in turn, which says how many of each class a
 * fold gets. Which ones: the class's samples in their order, fold by fold, or shuffled. */
static void stratify(ct__classes *c, int64_t n, int k, const ct_k_fold_options *o, int64_t *fold, int64_t *count, int64_t *rank, int64_t *folds) {
    int64_t seen = 0, sorted = 0;
    for (int64_t i = 0; i < c->n; i++) rank[i] = -1;
    for (int64_t i = 0; i < n; i++) {
        if (rank[c->of[i]] < 0) rank[c->of[i]] = seen++;
        count[rank[c->of[i]]]++;
    }
    for (int64_t r = 0; r < c->n; r++) {
        int64_t n_r = count[r], at = sorted; /* folds[at ..] are those of this class's samples */
        for (int f = 0; f < k; f++) {
            int64_t first = (f - sorted % k + k) % k; /* the class's first sample whose place in the sorted order is f modulo k */
            for (int64_t j = first; j < n_r; j += k) folds[at++] = f;
        }
        if (o && o->shuffle) ct__shuffle(folds + sorted, n_r, o->generator);
        count[r] = sorted; /* from here on: where its next one is */
        sorted += n_r;
    }
    for (int64_t i = 0; i < n; i++) fold[i] = folds[count[rank[c->of[i]]]++];
}

ct_status ct_dataset_stratified_k_fold(ct_dataset *dataset, int k, const ct_k_fold_options *options, ct_dataset **train, ct_dataset **test) {
    static const char fn[] = "ct_dataset_stratified_k_fold";
    ct__classes c;
    CT__TRY(check(fn, dataset, k, options, train, test));
    CT__TRY(ct__classes_of(dataset, &c));
    int64_t n = ct__dataset_count(dataset), largest = 0, *fold = NULL, *count = NULL, *rank = NULL, *folds = NULL;
    if ((fold = ct__alloc_array((size_t)n, sizeof *fold)) && (folds = ct__alloc_array((size_t)n, sizeof *folds)) &&
        (rank = ct__alloc_array((size_t)c.n, sizeof *rank)) && (count = ct__alloc_zero((size_t)c.n * sizeof *count))) {
        for (int64_t i = 0; i < n; i++) largest = ct__max_i64(largest, ++count[c.of[i]]);
        if (k > largest) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d folds, but the largest class has %lld samples", fn, k, (long long)largest);
        } else {
            for (int64_t i = 0; i < c.n; i++) count[i] = 0;
            stratify(&c, n, k, options, fold, count, rank, folds);
            (void)make_parts(dataset, k, fold, train, test);
        }
    }
    ct__free(count);
    ct__free(rank);
    ct__free(folds);
    ct__free(fold);
    ct__classes_free(&c);
    return ct__pending();
}
