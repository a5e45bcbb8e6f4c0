/*
 * data_split.c: cutting a data set into parts: at random, and so that each part has the classes in the same proportions.
 *
 * The stratified form follows scikit-learn's StratifiedShuffleSplit step by step, its draws included: a generator with seed s gives the parts of
 * random_state=s. How many of each class go into a part is the likeliest outcome of drawing without replacement: the exact share rounded down,
 * and one more for the largest remainders, equal ones in random order.
 */
#include "data/data_impl.h"

#include <math.h>
#include <string.h>

/* ---- What the forms share ---- */

/* Takes n parts out of a shuffled order of the data set. lengths are checked. */
static ct_status cut(ct_dataset *dataset, const int64_t *order, const int64_t *lengths, int n, ct_dataset **out) {
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        out[i] = ct__subset_new(dataset, order + at, lengths[i]);
        at += lengths[i];
    }
    ct_status status = ct__pending();
    for (int i = 0; i < n && status != CT_OK; i++) {
        ct_dataset_free(out[i]);
        out[i] = NULL;
    }
    return status;
}

/* What all forms check; clears out. */
static ct_status check_split(const char *function, ct_dataset *dataset, const void *parts, int n, ct_dataset **out) {
    for (int i = 0; out && i < n; i++) out[i] = NULL;
    CT__TRY(ct__pending());
    if (!dataset || !parts || !out || n < 1)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", function,
                        !dataset ? "dataset is NULL" : n < 1 ? "there must be at least one part" : "an array is NULL");
    return CT_OK;
}

/* The sizes of the parts add up to that of the data set. */
static ct_status check_lengths(const char *function, int64_t size, const int64_t *lengths, int n) {
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        if (lengths[i] < 0 || !ct__add_i64(sum, lengths[i], &sum))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: lengths[%d] is %lld", function, i, (long long)lengths[i]);
    if (sum == size) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the lengths add up to %lld, the data set has %lld samples", function, (long long)sum,
                    (long long)size);
}

/* The sizes that these fractions give: an array of the caller's, NULL with an error pending. */
static int64_t *lengths_of(const char *function, int64_t size, const double *fractions, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!(fractions[i] >= 0 && fractions[i] <= 1)) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: fractions[%d] is %g, not between 0 and 1", function, i, fractions[i]);
            return NULL;
        }
        sum += fractions[i];
    }
    if (fabs(sum - 1) > 1e-9) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the fractions add up to %.12g, not to 1", function, sum);
        return NULL;
    }
    int64_t *lengths = ct__alloc_array((size_t)n, sizeof *lengths), rest = size;
    for (int i = 0; lengths && i < n; i++) {
        lengths[i] = ct__min_i64((int64_t)floor((double)size * fractions[i]), rest);
        rest -= lengths[i];
    }
    for (int i = 0; lengths && rest > 0; i = (i + 1) % n, rest--) lengths[i]++;
    return lengths;
}

/* ---- Random splits ---- */

static ct_status random_split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out) {
    int64_t size = ct__dataset_count(dataset), *order = ct__alloc_array((size_t)size, sizeof *order);
    if (!order) return ct__pending();
    ct__permutation(order, size, generator);
    ct_status status = cut(dataset, order, lengths, n, out);
    ct__free(order);
    return status;
}

ct_status ct_dataset_random_split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out) {
    static const char fn[] = "ct_dataset_random_split";
    CT__TRY(check_split(fn, dataset, lengths, n, out));
    CT__TRY(check_lengths(fn, ct__dataset_count(dataset), lengths, n));
    return random_split(dataset, lengths, n, generator, out);
}

ct_status ct_dataset_random_split_fractions(ct_dataset *dataset, const double *fractions, int n, ct_generator *generator,
                                            ct_dataset **out) {
    static const char fn[] = "ct_dataset_random_split_fractions";
    CT__TRY(check_split(fn, dataset, fractions, n, out));
    int64_t *lengths = lengths_of(fn, ct__dataset_count(dataset), fractions, n);
    ct_status status = lengths ? random_split(dataset, lengths, n, generator, out) : ct__pending();
    ct__free(lengths);
    return status;
}

/* ---- Stratified splits ---- */

/* The samples sorted by class: those of class c are member[start[c]] .. member[start[c + 1] - 1]. */
typedef struct strata {
    int64_t size, classes;
    int64_t *member; /* [size] */
    int64_t *start;  /* [classes + 1] */
    int64_t *share;  /* [parts][classes]: how many of the class go into the part */
    int64_t *order;  /* [size]: the parts, one after the other */
    int64_t *scratch; /* [size] */
    double *exact;   /* [classes] */
} strata;

static void strata_free(strata *s) {
    ct__free(s->member);
    ct__free(s->start);
    ct__free(s->share);
    ct__free(s->order);
    ct__free(s->scratch);
    ct__free(s->exact);
}

static ct_status strata_make(const char *fn, ct_dataset *dataset, int parts, strata *s) {
    ct__classes c;
    *s = (strata){.size = ct__dataset_count(dataset)};
    CT__TRY(ct__classes_of(dataset, &c));
    s->classes = c.n;
    size_t shares = 0;
    if (!ct__mul_size((size_t)parts, (size_t)c.n, &shares)) ct__fail_oom(SIZE_MAX);
    if (ct__pending() == CT_OK && (s->member = ct__alloc_array((size_t)s->size, sizeof *s->member)) &&
        (s->start = ct__alloc_zero((size_t)(c.n + 1) * sizeof *s->start)) && (s->share = ct__alloc_array(shares, sizeof *s->share)) &&
        (s->order = ct__alloc_array((size_t)s->size, sizeof *s->order)) && (s->scratch = ct__alloc_array((size_t)s->size, sizeof *s->scratch)) &&
        (s->exact = ct__alloc_array((size_t)c.n, sizeof *s->exact))) {
        for (int64_t i = 0; i < s->size; i++) s->start[c.of[i] + 1]++;
        for (int64_t k = 0; k < c.n; k++) {
            if (s->start[k + 1] < parts)
                ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: class %lld has %lld samples, too few for %d parts", fn, (long long)c.value[k],
                         (long long)s->start[k + 1], parts);
            s->scratch[k] = s->start[k];
            s->start[k + 1] += s->start[k];
        }
        for (int64_t i = 0; i < s->size; i++) s->member[s->scratch[c.of[i]]++] = i;
    }
    ct__classes_free(&c);
    return ct__pending();
}

/* Deals out n samples to the classes in proportion to how many each has left: scikit-learn's _approximate_mode. */
static void deal(strata *s, const int64_t *left, int64_t n, int64_t *share, ct_generator *g) {
    int64_t all = 0, missing = n;
    for (int64_t c = 0; c < s->classes; c++) all += left[c];
    for (int64_t c = 0; c < s->classes; c++) {
        s->exact[c] = (double)left[c] / (double)all * (double)n;
        share[c] = (int64_t)floor(s->exact[c]);
        missing -= share[c];
        s->exact[c] -= (double)share[c]; /* the remainder; taken ones become -1 */
    }
    while (missing > 0) {
        double largest = -1;
        int64_t ties = 0;
        for (int64_t c = 0; c < s->classes; c++) largest = fmax(largest, s->exact[c]);
        if (largest < 0) break; /* cannot be: n is at most what is left */
        for (int64_t c = 0; c < s->classes; c++)
            if (s->exact[c] == largest) {
                s->scratch[ties++] = c;
                s->exact[c] = -1;
            }
        ct__shuffle(s->scratch, ties, g);
        for (int64_t i = 0; i < ties && missing > 0; i++, missing--) share[s->scratch[i]]++;
    }
}

/* Fills s->order. */
static void deal_all(strata *s, const int64_t *lengths, int parts, int64_t *left, int64_t *at, ct_generator *g) {
    for (int64_t c = 0; c < s->classes; c++) left[c] = s->start[c + 1] - s->start[c];
    for (int p = 0; p < parts; p++) {
        int64_t *share = s->share + p * s->classes;
        deal(s, left, lengths[p], share, g);
        for (int64_t c = 0; c < s->classes; c++) left[c] -= share[c];
        at[p] = p == 0 ? 0 : at[p - 1] + lengths[p - 1];
    }
    for (int64_t c = 0; c < s->classes; c++) {
        int64_t *member = s->member + s->start[c];
        ct__shuffle(member, s->start[c + 1] - s->start[c], g);
        for (int p = 0; p < parts; p++) {
            int64_t n = s->share[p * s->classes + c];
            if (n > 0) memcpy(s->order + at[p], member, (size_t)n * sizeof *member);
            at[p] += n;
            member += n;
        }
    }
    for (int p = 0; p < parts; p++) ct__shuffle(s->order + at[p] - lengths[p], lengths[p], g);
}

static ct_status stratified_split(const char *fn, ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out) {
    strata s;
    int64_t *left = NULL, *at = NULL;
    ct_status status = strata_make(fn, dataset, n, &s);
    for (int i = 0; i < n && status == CT_OK; i++)
        if (lengths[i] < s.classes)
            status = ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: part %d has %lld samples, fewer than the %lld classes", fn, i, (long long)lengths[i],
                              (long long)s.classes);
    if (status == CT_OK && (left = ct__alloc_array((size_t)s.classes, sizeof *left)) && (at = ct__alloc_array((size_t)n, sizeof *at))) {
        deal_all(&s, lengths, n, left, at, generator);
        status = cut(dataset, s.order, lengths, n, out);
    }
    ct__free(at);
    ct__free(left);
    strata_free(&s);
    return ct__pending();
}

ct_status ct_dataset_stratified_split(ct_dataset *dataset, const int64_t *lengths, int n, ct_generator *generator, ct_dataset **out) {
    static const char fn[] = "ct_dataset_stratified_split";
    CT__TRY(check_split(fn, dataset, lengths, n, out));
    CT__TRY(check_lengths(fn, ct__dataset_count(dataset), lengths, n));
    return stratified_split(fn, dataset, lengths, n, generator, out);
}

ct_status ct_dataset_stratified_split_fractions(ct_dataset *dataset, const double *fractions, int n, ct_generator *generator,
                                                ct_dataset **out) {
    static const char fn[] = "ct_dataset_stratified_split_fractions";
    CT__TRY(check_split(fn, dataset, fractions, n, out));
    int64_t *lengths = lengths_of(fn, ct__dataset_count(dataset), fractions, n);
    ct_status status = lengths ? stratified_split(fn, dataset, lengths, n, generator, out) : ct__pending();
    ct__free(lengths);
    return status;
}
