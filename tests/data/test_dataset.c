/* Data sets: the class, tensors, subsets, random splits. Stored splits are PyTorch 2.13's. */
#include "data/files.h"

#include <ctorch/data.h>

static ct_tensor *range(int64_t n) { /* i64 [n]: 0, 1, ... */
    int64_t v[64];
    for (int64_t i = 0; i < n; i++) v[i] = i;
    return ct_from_data(v, &n, 1, CT_I64);
}

START_TEST(tensors_give_rows) {
    static const float x[] = {1, 2, 3, 4, 5, 6};
    ct_tensor *input = ct_from_data(x, CT_SHAPE(3, 2), CT_F32);
    ct_dataset *d = ct_dataset_tensors(input, range(3));
    ct_sample s;
    ck_ok();
    ck_assert_str_eq(ct_dataset_class_name(d), "tensors");
    ck_assert_int_eq(ct_dataset_size(d), 3);
    ck_assert_int_eq(ct_dataset_get(d, 1, NULL, &s), CT_OK);
    ck_values(s.input, 3, 4);
    ck_assert_int_eq(ct_ndim(s.target), 0);
    ck_assert_int_eq(ct_item_i64(s.target), 1);
    ck_assert(ct_shares_storage(s.input, input));
    ck_assert_ptr_null(s.fields);
    ct_dataset_free(d);
    d = ct_dataset_tensors(input, NULL);
    ck_assert_int_eq(ct_dataset_get(d, 2, NULL, &s), CT_OK);
    ck_assert_ptr_null(s.target);
    ct_dataset_free(d);
}
END_TEST

START_TEST(tensors_by_name_become_fields) {
    ct_dict *dict = ct_dict_new();
    ct_dict_set(dict, "mask", range(4));
    ct_dict_set(dict, "target", range(4));
    ct_dataset *d = ct_dataset_tensor_dict(dict);
    ct_sample s;
    ck_assert_int_eq(ct_dataset_get(d, 3, NULL, &s), CT_OK);
    ck_assert_ptr_null(s.input);
    ck_assert_int_eq(ct_item_i64(s.target), 3);
    ck_assert_int_eq(ct_dict_size(s.fields), 1);
    ck_assert_int_eq(ct_item_i64(ct_dict_get(s.fields, "mask")), 3);
    ct_dataset_free(d);
}
END_TEST

START_TEST(tensors_of_other_layouts_are_made_dense) {
    int64_t table[] = {1, 2, 3, 4, 5, 6}; /* [2, 3], read as its transpose */
    ct_tensor *t = ct_from_blob(table, CT_SHAPE(3, 2), (const int64_t[]){1, 3}, CT_I64, NULL, NULL);
    ct_dataset *d = ct_dataset_tensors(t, NULL);
    ct_sample s;
    ct_dataset_get(d, 1, NULL, &s);
    ck_values(s.input, 2, 5);
    ct_dataset_free(d);
}
END_TEST

START_TEST(tensors_must_agree_in_their_first_size) {
    ck_assert_ptr_null(ct_dataset_tensors(range(3), range(4)));
    ck_error(CT_ERR_SHAPE, "\"target\" has 4 rows, those before have 3");
    ck_assert_ptr_null(ct_dataset_tensors(ct_from_data(&(float){1}, NULL, 0, CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "\"input\" is 0-dimensional");
    ck_assert_ptr_null(ct_dataset_tensors(NULL, range(4)));
    ck_error(CT_ERR_INVALID_ARGUMENT, "input is NULL");
    ck_assert_ptr_null(ct_dataset_tensor_dict(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the dict is NULL");
    ct_dict *dict = ct_dict_new();
    ck_assert_ptr_null(ct_dataset_tensor_dict(dict));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the dict is empty");
    ct_dict_set_i64(dict, "input", 3);
    ck_assert_ptr_null(ct_dataset_tensor_dict(dict));
    ck_error(CT_ERR_INVALID_ARGUMENT, "input");
}
END_TEST

START_TEST(get_checks_its_arguments) {
    ct_dataset *d = ct_dataset_tensors(range(3), NULL);
    ct_sample s = {.input = (ct_tensor *)&s};
    ck_assert_int_eq(ct_dataset_get(d, 3, NULL, &s), CT_ERR_INDEX);
    ck_assert_ptr_null(s.input);
    ck_error(CT_ERR_INDEX, "ct_dataset_get: sample 3 of data set \"tensors\", which has 3");
    ck_assert_int_eq(ct_dataset_get(d, -1, NULL, &s), CT_ERR_INDEX);
    ct_error_clear();
    ck_assert_int_eq(ct_dataset_get(NULL, 0, NULL, &s), CT_ERR_INVALID_ARGUMENT);
    ct_error_clear();
    ck_assert_int_eq(ct_dataset_get(d, 0, NULL, NULL), CT_ERR_INVALID_ARGUMENT);
    ct_error_clear();
    ct_error_raise(CT_ERR_USER, "earlier");
    ck_assert_int_eq(ct_dataset_get(d, 0, NULL, &s), CT_ERR_USER);
    ck_error(CT_ERR_USER, "earlier");
    ct_dataset_free(d);
    ct_dataset_free(NULL);
    ck_assert_ptr_null(ct_dataset_retain(NULL));
    ck_assert_int_eq(ct_dataset_size(NULL), 0);
    ck_assert_ptr_null(ct_dataset_class_name(NULL));
    ck_assert_ptr_null(ct_dataset_state(NULL));
    ck_assert_ptr_null(ct_dataset_class_of(NULL));
}
END_TEST

/* ---- Subsets and splits ---- */

static void ck_indices(const ct_dataset *d, const int64_t *want, int64_t n) {
    ct_tensor *t = ct_dataset_subset_indices(d);
    ck_ok();
    ck_assert_int_eq(ct_numel(t), n);
    for (int64_t i = 0; i < n; i++) ck_assert_int_eq(ct_data_i64(t)[i], want[i]);
}

START_TEST(subsets_map_indices_and_keep_their_base) {
    ct_dataset *base = ct_dataset_tensors(range(10), NULL);
    ct_dataset *d = ct_dataset_subset(base, (const int64_t[]){7, 0, 7}, 3);
    ct_dataset *dd = ct_dataset_subset(d, (const int64_t[]){1, 2}, 2);
    ct_dataset_free(base);
    ct_dataset_free(d);
    ct_sample s;
    ck_assert_int_eq(ct_dataset_size(dd), 2);
    ct_dataset_get(dd, 0, NULL, &s);
    ck_assert_int_eq(ct_item_i64(s.input), 0);
    ct_dataset_get(dd, 1, NULL, &s);
    ck_assert_int_eq(ct_item_i64(s.input), 7);
    ck_indices(dd, (const int64_t[]){1, 2}, 2);
    ck_assert_ptr_null(ct_dataset_subset(dd, (const int64_t[]){1, 2}, 2));
    ck_error(CT_ERR_INDEX, "indices[1] is 2, the data set has 2 samples");
    ck_assert_ptr_null(ct_dataset_subset(dd, NULL, 2));
    ck_error(CT_ERR_INVALID_ARGUMENT, "indices is NULL");
    ck_assert_ptr_null(ct_dataset_subset(NULL, NULL, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
    ct_dataset *none = ct_dataset_subset(dd, NULL, 0);
    ck_assert_int_eq(ct_dataset_size(none), 0);
    ct_dataset_free(none);
    ct_dataset_free(dd);
    d = ct_dataset_tensors(range(2), NULL);
    ck_assert_ptr_null(ct_dataset_subset_indices(d));
    ck_error(CT_ERR_INVALID_ARGUMENT, "no subset but a data set of class tensors");
    ct_dataset_free(d);
}
END_TEST

START_TEST(splits_are_pytorchs) {
    ct_dataset *base = ct_dataset_tensors(range(10), NULL), *part[3];
    ct_manual_seed(3);
    ck_assert_int_eq(ct_dataset_random_split(base, (const int64_t[]){3, 5, 2}, 3, NULL, part), CT_OK);
    ck_indices(part[0], (const int64_t[]){6, 0, 3}, 3);
    ck_indices(part[1], (const int64_t[]){7, 8, 5, 1, 9}, 5);
    ck_indices(part[2], (const int64_t[]){2, 4}, 2);
    for (int i = 0; i < 3; i++) ct_dataset_free(part[i]);
    ct_generator *g = ct_generator_new(42);
    ck_assert_int_eq(ct_dataset_random_split_fractions(base, (const double[]){0.5, 0.25, 0.25}, 3, g, part), CT_OK);
    ck_indices(part[0], (const int64_t[]){2, 6, 1, 8, 4, 5}, 6);
    ck_indices(part[1], (const int64_t[]){0, 9}, 2);
    ck_indices(part[2], (const int64_t[]){3, 7}, 2);
    for (int i = 0; i < 3; i++) ct_dataset_free(part[i]);
    ct_generator_free(g);
    ct_dataset_free(base);
}
END_TEST

START_TEST(impossible_splits_are_errors) {
    ct_dataset *base = ct_dataset_tensors(range(10), NULL), *part[2] = {base, base};
    ck_assert_int_eq(ct_dataset_random_split(base, (const int64_t[]){3, 8}, 2, NULL, part), CT_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(part[0]);
    ck_assert_ptr_null(part[1]);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the lengths add up to 11, the data set has 10 samples");
    ct_dataset_random_split(base, (const int64_t[]){-1, 11}, 2, NULL, part);
    ck_error(CT_ERR_INVALID_ARGUMENT, "lengths[0] is -1");
    ct_dataset_random_split_fractions(base, (const double[]){0.5, 0.4}, 2, NULL, part);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the fractions add up to 0.9, not to 1");
    ct_dataset_random_split_fractions(base, (const double[]){1.5, -0.5}, 2, NULL, part);
    ck_error(CT_ERR_INVALID_ARGUMENT, "fractions[0] is 1.5");
    ct_dataset_random_split(base, NULL, 2, NULL, part);
    ck_error(CT_ERR_INVALID_ARGUMENT, "an array is NULL");
    ct_dataset_random_split(base, (const int64_t[]){10}, 0, NULL, part);
    ck_error(CT_ERR_INVALID_ARGUMENT, "at least one part");
    ct_dataset_free(base);
}
END_TEST

/* ---- A class of the test's own ---- */

typedef struct counter {
    int64_t n;
} counter;
static int destroyed;
static ct_status counter_init(ct_dataset *d, const void *arg) {
    ((counter *)ct_dataset_state(d))->n = *(const int64_t *)arg;
    return *(const int64_t *)arg < 0 ? CT_ERR_INVALID_ARGUMENT : CT_OK;
}
static void counter_destroy(ct_dataset *d) {
    (void)d;
    destroyed++;
}
static int64_t counter_size(const ct_dataset *d) { return ((const counter *)ct_dataset_state(d))->n; }
static ct_status counter_get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    (void)d;
    if (i == 2) return CT_ERR_USER;
    float x = (float)i + (float)(ct_generator_random32(g) & 1) / 2;
    out->input = ct_from_data(&x, CT_SHAPE(1, 1, 1), CT_F32);
    return ct_error_status();
}
static const ct_dataset_class counter_class = {.name = "counter",
                                               .state_size = sizeof(counter),
                                               .init = counter_init,
                                               .destroy = counter_destroy,
                                               .size = counter_size,
                                               .get = counter_get};

START_TEST(a_class_of_ones_own_works_like_the_librarys) {
    destroyed = 0;
    ct_dataset *d = ct_dataset_new(&counter_class, &(int64_t){4});
    ck_assert_ptr_eq(ct_dataset_class_of(d), &counter_class);
    ck_assert_int_eq(ct_dataset_size(d), 4);
    ct_generator *g = ct_generator_new(1), *same = ct_generator_new(1);
    ct_sample a, b;
    ct_dataset_get(d, 3, g, &a);
    ct_dataset_get(d, 3, same, &b);
    ck_close(a.input, b.input, 0, 0);
    ck_assert_int_eq(ct_dataset_get(d, 2, g, &a), CT_ERR_USER);
    ck_error(CT_ERR_USER, "data set \"counter\" failed to give sample 2");

    ct_transform *t = ct_transform_normalize((const double[]){1}, (const double[]){2}, 1);
    ct_dataset *mapped = ct_dataset_transform(d, t);
    ct_transform_free(t);
    ct_dataset_free(d);
    ct_generator_manual_seed(g, 1);
    ct_dataset_get(mapped, 3, g, &a);
    ck_assert_float_eq((float)ct_item_f64(a.input), ((float)ct_item_f64(b.input) - 1) / 2);
    ck_assert_int_eq(destroyed, 0);
    ct_dataset_free(mapped);
    ck_assert_int_eq(destroyed, 1);
    ct_generator_free(g);
    ct_generator_free(same);

    ck_assert_ptr_null(ct_dataset_new(&counter_class, &(int64_t){-1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "init of data set \"counter\" failed");
    ck_assert_int_eq(destroyed, 2);
    ck_assert_ptr_null(ct_dataset_new(&(ct_dataset_class){.name = "x"}, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "needs a name, size and get");
    ck_assert_ptr_null(ct_dataset_transform(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
}
END_TEST

START_TEST(batch_tensors_are_reused_where_they_fit) {
    ct_tensor *t = ct_batch_tensor(NULL, CT_SHAPE(2, 3), CT_F32);
    ck_sizes(t, 2, 3);
    ck_assert_ptr_eq(ct_batch_tensor(t, CT_SHAPE(2, 3), CT_F32), t);
    ck_assert_ptr_ne(ct_batch_tensor(t, CT_SHAPE(2, 3), CT_I32), t);
    ck_assert_ptr_ne(ct_batch_tensor(t, CT_SHAPE(3, 2), CT_F32), t);
    ck_assert_ptr_ne(ct_batch_tensor(t, CT_SHAPE(6), CT_F32), t);
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    ct_tensor *x = range(10);
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_memory_fail_at(n);
        ct_dataset *d = ct_dataset_tensors(x, x), *part[2] = {NULL, NULL};
        if (d) ct_dataset_random_split(d, (const int64_t[]){4, 6}, 2, NULL, part);
        ct_memory_fail_at(0);
        bool done = ct_ok();
        ck_assert(done == (part[1] != NULL));
        ct_dataset_free(part[0]);
        ct_dataset_free(part[1]);
        ct_dataset_free(d);
        if (done) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

TEST_LIST = {TEST(tensors_give_rows),
             TEST(tensors_by_name_become_fields),
             TEST(tensors_of_other_layouts_are_made_dense),
             TEST(tensors_must_agree_in_their_first_size),
             TEST(get_checks_its_arguments),
             TEST(subsets_map_indices_and_keep_their_base),
             TEST(splits_are_pytorchs),
             TEST(impossible_splits_are_errors),
             TEST(a_class_of_ones_own_works_like_the_librarys),
             TEST(batch_tensors_are_reused_where_they_fit),
             TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("dataset")
