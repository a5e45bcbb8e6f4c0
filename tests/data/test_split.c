/* Stratified splits, k-fold, concatenation, targets and class counts. Stored parts are scikit-learn's, by make_golden_split.py. */
#include "data/files.h"

#include "data/golden_split.inc"
#include <ctorch/data.h>

enum { N = 40 };

static ct_dataset *labelled(void) { /* inputs 0 .. 39 */
    int64_t x[N];
    for (int64_t i = 0; i < N; i++) x[i] = i;
    return ct_dataset_tensors(ct_from_data(x, CT_SHAPE(N), CT_I64), ct_from_data(split_targets, CT_SHAPE(N), CT_I64));
}

static int64_t ck_part(const ct_dataset *d, const int64_t *want) {
    ct_tensor *t = ct_dataset_subset_indices(d);
    ck_ok();
    for (int64_t i = 0; i < ct_numel(t); i++)
        ck_assert_msg(ct_data_i64(t)[i] == want[i], "place %d has %d, want %d", (int)i, (int)ct_data_i64(t)[i], (int)want[i]);
    return ct_numel(t);
}

static void free_all(ct_dataset **d, int n) {
    for (int i = 0; i < n; i++) ct_dataset_free(d[i]);
}

START_TEST(stratified_splits_are_scikit_learns) {
    ct_dataset *d = labelled(), *part[2];
    static const struct { uint64_t seed; int64_t lengths[2]; const int64_t *train, *test; } cases[] = {
        {0, {30, 10}, train_0, test_0}, {42, {33, 7}, train_42, test_42}};
    for (int i = 0; i < 2; i++) {
        ct_generator *g = ct_generator_new(cases[i].seed);
        ck_assert_int_eq(ct_dataset_stratified_split(d, cases[i].lengths, 2, g, part), CT_OK);
        ck_assert_int_eq(ck_part(part[0], cases[i].train), cases[i].lengths[0]);
        ck_assert_int_eq(ck_part(part[1], cases[i].test), cases[i].lengths[1]);
        free_all(part, 2);
        ct_generator_free(g);
    }
    ct_generator *g = ct_generator_new(0);
    ck_assert_int_eq(ct_dataset_stratified_split_fractions(d, (const double[]){0.75, 0.25}, 2, g, part), CT_OK);
    ck_part(part[0], train_0);
    ck_part(part[1], test_0);
    free_all(part, 2);
    ct_generator_free(g);
    ct_dataset_free(d);
}
END_TEST

START_TEST(three_parts_have_the_classes_in_proportion_and_each_sample_once) {
    int64_t y[1000], seen[1000] = {0};
    for (int i = 0; i < 1000; i++) y[i] = i < 700 ? 0 : i < 900 ? 1 : 2; /* 70, 20, 10 % */
    ct_tensor *t = ct_from_data(y, CT_SHAPE(1000), CT_I64);
    ct_dataset *d = ct_dataset_tensors(t, t), *part[3];
    static const double fractions[] = {0.8, 0.15, 0.05};
    ck_assert_int_eq(ct_dataset_stratified_split_fractions(d, fractions, 3, NULL, part), CT_OK);
    for (int p = 0; p < 3; p++) {
        double n = 1000 * fractions[p];
        ck_values_close(ct_dataset_class_counts(part[p], 0), 1e-9, 0.7 * n, 0.2 * n, 0.1 * n);
        ct_tensor *indices = ct_dataset_subset_indices(part[p]);
        for (int64_t i = 0; i < ct_numel(indices); i++) seen[ct_data_i64(indices)[i]]++;
    }
    for (int i = 0; i < 1000; i++) ck_assert_int_eq(seen[i], 1);
    free_all(part, 3);
    ct_dataset_free(d);
}
END_TEST

START_TEST(folds_are_scikit_learns) {
    ct_dataset *d = labelled(), *train[3], *test[3];
    ct_generator *g = ct_generator_new(0);
    for (int i = 0; i < 4; i++) {
        const int64_t *const want[] = {k_fold, k_fold_shuffled, stratified_k_fold, stratified_k_fold_shuffled};
        ct_generator_manual_seed(g, 1);
        ct_k_fold_options o = {.shuffle = i % 2, .generator = i % 2 ? g : NULL};
        ck_assert_int_eq((i / 2 ? ct_dataset_stratified_k_fold : ct_dataset_k_fold)(d, 3, &o, train, test), CT_OK);
        int64_t at = 0;
        for (int f = 0; f < 3; f++) {
            at += ck_part(test[f], want[i] + at);
            ck_assert_int_eq(ct_dataset_size(train[f]) + ct_dataset_size(test[f]), N);
            ct_tensor *a = ct_dataset_subset_indices(train[f]), *b = ct_dataset_subset_indices(test[f]);
            for (int64_t x = 0, y = 0, k = 0; k < N; k++) { /* merged they are 0 .. 39: each once, each part in order */
                if (x < ct_numel(a) && ct_data_i64(a)[x] == k) x++;
                else ck_assert_int_eq(ct_data_i64(b)[y++], k);
            }
        }
        ck_assert_int_eq(at, N);
        free_all(train, 3);
        free_all(test, 3);
    }
    ct_generator_free(g);
    ct_dataset_free(d);
}
END_TEST

START_TEST(impossible_splits_and_folds_are_errors) {
    ct_dataset *d = labelled(), *a[60], *b[60];
    ct_generator *g = ct_generator_new(1);
    ct_dataset_stratified_split(d, (const int64_t[]){37, 3}, 2, NULL, a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "part 1 has 3 samples, fewer than the 5 classes");
    ct_dataset_stratified_split(d, (const int64_t[]){10, 10, 10, 10}, 4, NULL, a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "class -3 has 3 samples, too few for 4 parts");
    ck_assert_ptr_null(a[3]);
    ct_dataset_stratified_split(d, (const int64_t[]){37, 4}, 2, NULL, a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the lengths add up to 41, the data set has 40 samples");
    ct_dataset_stratified_split_fractions(d, (const double[]){0.5, 0.6}, 2, NULL, a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dataset_stratified_split_fractions: the fractions add up to 1.1");
    ct_dataset_stratified_split_fractions(NULL, (const double[]){0.5, 0.5}, 2, NULL, a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
    ct_dataset_k_fold(d, 1, NULL, a, b);
    ck_error(CT_ERR_INVALID_ARGUMENT, "1 folds of 40 samples");
    ct_dataset_k_fold(d, 41, NULL, a, b);
    ck_error(CT_ERR_INVALID_ARGUMENT, "41 folds of 40 samples");
    ct_dataset_k_fold(d, 2, NULL, a, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "test is NULL");
    ct_dataset_k_fold(d, 2, &(ct_k_fold_options){.generator = g}, a, b);
    ck_error(CT_ERR_INVALID_ARGUMENT, "generator without shuffle");
    ct_dataset_stratified_k_fold(d, 30, NULL, a, b);
    ck_error(CT_ERR_INVALID_ARGUMENT, "30 folds, but the largest class has 13 samples");
    ck_assert_ptr_null(a[0]);
    ct_generator_free(g);
    ct_dataset_free(d);
}
END_TEST

START_TEST(concat_gives_one_after_the_other) {
    ct_dataset *d = labelled(), *one = ct_dataset_subset(d, (const int64_t[]){7, 3}, 2), *none = ct_dataset_subset(d, NULL, 0);
    ct_dataset *all = ct_dataset_concat((ct_dataset *[]){one, none, d}, 3);
    ct_dataset_free(one);
    ct_dataset_free(none);
    ct_sample s;
    ck_ok();
    ck_assert_int_eq(ct_dataset_size(all), 42);
    static const int64_t want[] = {7, 3, 0, 1};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(ct_dataset_get(all, i, NULL, &s), CT_OK);
        ck_assert_int_eq(ct_item_i64(s.input), want[i]);
    }
    ct_dataset_get(all, 41, NULL, &s);
    ck_assert_int_eq(ct_item_i64(s.input), 39);
    ct_loader *l = ct_loader_new(all, &(ct_loader_options){.batch_size = 42});
    ct_batch b;
    ck_assert(ct_loader_next(l, &b));
    ck_close(ct_dataset_targets(all), b.target, 0, 0);
    ct_loader_free(l);
    ck_assert_ptr_null(ct_dataset_concat(NULL, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "datasets is NULL");
    ck_assert_ptr_null(ct_dataset_concat((ct_dataset *[]){d, NULL}, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "data set 1 is NULL");
    ck_assert_ptr_null(ct_dataset_concat((ct_dataset *[]){d}, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "at least one data set");
    ct_dataset_free(all);
    ct_dataset_free(d);
}
END_TEST

/* A data set that knows no targets: each sample is made. */
static int64_t slow_size(const ct_dataset *d) {
    (void)d;
    return 3;
}
static ct_status slow_get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    int64_t kind = *(const int64_t *)ct_dataset_state(d), label = 2 * i;
    ct_generator_random32(g);
    if (kind == 0) out->target = ct_from_data(&label, NULL, 0, CT_I64);
    if (kind == 1) out->target = ct_from_data(&(float){1}, NULL, 0, CT_F32);
    return kind == 2 && i == 1 ? CT_ERR_USER : ct_error_status();
}
static ct_status slow_init(ct_dataset *d, const void *arg) {
    *(int64_t *)ct_dataset_state(d) = *(const int64_t *)arg;
    return CT_OK;
}
static const ct_dataset_class slow_class = {.name = "slow", .state_size = sizeof(int64_t), .init = slow_init, .size = slow_size, .get = slow_get};

START_TEST(targets_are_read_or_made) {
    ct_dataset *d = ct_dataset_new(&slow_class, &(int64_t){0}), *part = ct_dataset_subset(d, (const int64_t[]){2, 0}, 2);
    ct_manual_seed(1);
    ck_values(ct_dataset_targets(d), 0, 2, 4);
    ck_values(ct_dataset_targets(part), 4, 0);
    ck_values(ct_dataset_class_counts(d, 0), 1, 0, 1, 0, 1);
    ck_values(ct_dataset_class_counts(d, 6), 1, 0, 1, 0, 1, 0);
    uint32_t next = ct_generator_random32(NULL);
    ct_manual_seed(1);
    ck_assert_uint_eq(next, ct_generator_random32(NULL)); /* looking at targets draws nothing */
    ck_assert_ptr_null(ct_dataset_class_counts(d, 4));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the target of sample 2 is 4, not 0 to 3");
    ck_assert_ptr_null(ct_dataset_class_counts(d, -1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "num_classes is -1");
    ct_dataset_free(part);
    ct_dataset_free(d);
    d = ct_dataset_new(&slow_class, &(int64_t){1});
    ck_assert_ptr_null(ct_dataset_targets(d));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the target of sample 0 of data set \"slow\" is no class label");
    ct_dataset_free(d);
    d = ct_dataset_new(&slow_class, &(int64_t){2});
    ck_assert_ptr_null(ct_dataset_targets(d));
    ct_error_clear();
    ct_dataset_free(d);
    d = labelled();
    ck_assert_ptr_null(ct_dataset_class_counts(d, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the target of sample 5 is -3, not 0 to 3");
    ck_assert_int_eq(ct_dataset_num_labels(d), 0);
    ck_assert_ptr_null(ct_dataset_label_name(d, 0));
    ct_dataset_free(d);
    d = ct_dataset_tensors(ct_from_data((const float[]){1, 2}, CT_SHAPE(2), CT_F32), ct_from_data((const float[]){1, 2}, CT_SHAPE(2), CT_F32));
    ck_assert_ptr_null(ct_dataset_targets(d));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the target of sample 0 of data set \"tensors\" is no class label");
    ct_dataset_free(d);
    ck_assert_ptr_null(ct_dataset_targets(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
    ck_assert_ptr_null(ct_dataset_class_counts(NULL, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
    ck_assert_int_eq(ct_dataset_num_labels(NULL), 0);
}
END_TEST

START_TEST(a_label_as_large_as_can_be_is_an_error_and_no_allocation) {
    ct_dataset *d = ct_dataset_tensors(ct_from_data((const float[]){1}, CT_SHAPE(1), CT_F32), ct_from_data((const int64_t[]){INT64_MAX}, CT_SHAPE(1), CT_I64));
    ck_assert_ptr_null(ct_dataset_class_counts(d, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the target of sample 0 is 9223372036854775807");
    ct_dataset_free(d);
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    ct_dataset *d = labelled();
    for (int kind = 0; kind < 4; kind++) {
        int failures = 0;
        for (int64_t n = 1;; n++, failures++) {
            ct_dataset *a[3] = {d, d, d}, *b[3] = {d, d, d}, *c = NULL;
            ct_scope scope = ct_scope_begin();
            ct_memory_fail_at(n);
            if (kind == 0) ct_dataset_stratified_split(d, (const int64_t[]){20, 20}, 2, NULL, a);
            if (kind == 1) ct_dataset_k_fold(d, 3, NULL, a, b);
            if (kind == 2) ct_dataset_stratified_k_fold(d, 3, &(ct_k_fold_options){.shuffle = true}, a, b);
            if (kind == 3) c = ct_dataset_concat((ct_dataset *[]){d, d}, 2);
            if (kind == 3 && c) ct_dataset_class_counts(c, 0);
            ct_memory_fail_at(0);
            ct_scope_end(scope);
            bool done = ct_ok() || ct_error_status() == CT_ERR_INVALID_ARGUMENT; /* kind 3 ends with the label -3 */
            if (kind < 3) ck_assert(done == (a[1] != NULL));
            ct_error_clear();
            if (kind < 3) free_all(a, kind == 0 ? 2 : 3);
            if (kind == 1 || kind == 2) free_all(b, 3);
            ct_dataset_free(c);
            if (done) break;
        }
        ck_assert_int_gt(failures, 4);
    }
    ct_dataset_free(d);
}
END_TEST

TEST_LIST = {TEST(stratified_splits_are_scikit_learns),
             TEST(three_parts_have_the_classes_in_proportion_and_each_sample_once),
             TEST(folds_are_scikit_learns),
             TEST(impossible_splits_and_folds_are_errors),
             TEST(concat_gives_one_after_the_other),
             TEST(targets_are_read_or_made),
             TEST(a_label_as_large_as_can_be_is_an_error_and_no_allocation),
             TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("split")
