/* Samplers: PyTorch's orders, the loader with them, resuming, samplers of one's own. Stored orders are by make_golden_split.py. */
#include "data/files.h"

#include "data/golden_sampler.inc"
#include <ctorch/data.h>
#include <ctorch/ops_create.h>

#define COUNT(a) ((int64_t)(sizeof(a) / sizeof *(a)))

static ct_dataset *ten(void) { /* inputs 0 .. 9 */
    return ct_dataset_tensors(ct_arange_int(0, 10, 1, CT_I64), NULL);
}

static void ck_list(const char *what, const int64_t *got, const int64_t *want, int64_t n) {
    for (int64_t i = 0; i < n; i++) ck_assert_msg(got[i] == want[i], "%s: place %d has %d, want %d", what, (int)i, (int)got[i], (int)want[i]);
}

/* Two epochs and a draw afterwards are those stored. */
static void ck_two_epochs(const char *what, ct_sampler *s, ct_generator *g, const int64_t *want, int64_t n) {
    int64_t at = 0;
    ck_ok();
    ck_assert_int_eq(2 * ct_sampler_size(s) + 1, n);
    for (int epoch = 0; epoch < 2; epoch++) {
        ct_sampler_order o;
        ck_assert_int_eq(ct_sampler_draw(s, &o), CT_OK);
        ck_assert_int_eq(ct_numel(o.indices), ct_sampler_size(s));
        ck_assert_ptr_null(o.batch_sizes);
        ck_list(what, ct_data_i64(o.indices), want + at, ct_numel(o.indices));
        at += ct_numel(o.indices);
    }
    ck_assert_int_eq(ct_generator_random32(g) % 1000, want[at]);
    ct_sampler_free(s);
}

static const double weights[] = {0.1, 2, 0.4, 0.7, 3, 0.6, 0, 1, 1, 5};
static const int64_t some[] = {9, 1, 4, 4, 0};

START_TEST(orders_are_pytorchs) {
    ct_dataset *d = ten();
    for (int own = 0; own < 2; own++) {
#define CASE(name, make)                                                                                                 \
    do {                                                                                                                 \
        ct_manual_seed(7);                                                                                               \
        ct_generator *g = own ? ct_generator_new(7) : NULL;                                                              \
        ck_two_epochs(#name, make, g, own ? name##_own : name##_default, own ? COUNT(name##_own) : COUNT(name##_default)); \
        ct_generator_free(g);                                                                                            \
    } while (0)
        CASE(random, ct_sampler_random(d, &(ct_sampler_random_options){.generator = g}));
        CASE(replaced, ct_sampler_random(d, &(ct_sampler_random_options){.replacement = true, .num_samples = 37, .generator = g}));
        CASE(longer, ct_sampler_random(d, &(ct_sampler_random_options){.num_samples = 25, .generator = g}));
        CASE(twice, ct_sampler_random(d, &(ct_sampler_random_options){.num_samples = 20, .generator = g}));
        CASE(subset, ct_sampler_subset_random(some, 5, g));
        CASE(weighted, ct_sampler_weighted_random(weights, 10, 12, &(ct_sampler_weighted_random_options){.generator = g}));
        CASE(weighted_once, ct_sampler_weighted_random(weights, 10, 6, &(ct_sampler_weighted_random_options){.generator = g, .no_replacement = true}));
    }
    ct_dataset_free(d);
}
END_TEST

START_TEST(shares_of_processes_are_pytorchs) {
    static const struct { ct_sampler_distributed_options o; const int64_t *want; int64_t n; const char *what; } cases[] = {
        {{0}, distributed_plain, COUNT(distributed_plain), "plain"},
        {{.no_shuffle = true}, distributed_in_order, COUNT(distributed_in_order), "in order"},
        {{.drop_last = true, .seed = 5}, distributed_dropped, COUNT(distributed_dropped), "dropped"},
    };
    ct_dataset *d = ten();
    for (int i = 0; i < 3; i++) {
        int64_t at = 0;
        for (int epoch = 0; epoch < 2; epoch++)
            for (int rank = 0; rank < 4; rank++) {
                ct_sampler *s = ct_sampler_distributed(d, 4, rank, &cases[i].o);
                ct_sampler_order o;
                ck_assert_int_eq(ct_sampler_set_epoch(s, epoch), CT_OK);
                ck_assert_int_eq(ct_sampler_draw(s, &o), CT_OK);
                ck_assert_int_le(at + ct_numel(o.indices), cases[i].n);
                ck_list(cases[i].what, ct_data_i64(o.indices), cases[i].want + at, ct_numel(o.indices));
                at += ct_numel(o.indices);
                ct_sampler_free(s);
            }
        ck_assert_int_eq(at, cases[i].n);
    }
    ct_sampler *s = ct_sampler_distributed(d, 40, 39, NULL); /* more processes than samples: they come again */
    ct_sampler_order o;
    ct_sampler_draw(s, &o);
    ck_assert_int_eq(ct_numel(o.indices), 1);
    ct_sampler_free(s);
    ct_dataset_free(d);
}
END_TEST

/* All indices of two epochs through a loader, and a draw of the default generator. */
static void ck_loaded(const char *what, ct_dataset *d, ct_loader_options o, const int64_t *want, int64_t n) {
    for (int workers = 0; workers < 3; workers++) {
        int64_t got[64], at = 0, batches[2] = {0, 0};
        o.num_workers = workers;
        ct_manual_seed(3);
        ct_loader *l = ct_loader_new(d, &o);
        ck_ok();
        int64_t expected = ct_loader_num_batches(l);
        ct_batch b;
        for (int epoch = 0; epoch < 2; epoch++)
            while (ct_loader_next(l, &b)) {
                ck_assert_int_eq(b.index, batches[epoch]++);
                ck_assert_int_eq(b.size, ct_size(b.input, 0));
                for (int64_t i = 0; i < b.size; i++) got[at++] = ct_data_i64(b.input)[i];
            }
        ck_ok();
        ck_assert_int_eq(batches[0], expected);
        ck_assert_int_eq(batches[1], expected);
        ck_assert_int_eq(at + 1, n);
        ck_list(what, got, want, at);
        ck_assert_int_eq(ct_generator_random32(NULL) % 1000, want[at]);
        ct_loader_free(l);
    }
}

START_TEST(a_loader_takes_the_samplers_order) {
    ct_dataset *d = ten();
    ct_sampler *weighted = ct_sampler_weighted_random(weights, 10, 12, NULL), *random = ct_sampler_random(d, NULL), *sequential = ct_sampler_sequential(d);
    ct_sampler *odd = ct_sampler_subset_random((const int64_t[]){1, 3, 5, 7, 9}, 5, NULL), *batch = ct_sampler_batch(odd, 2, NULL);
    ct_sampler_free(odd);
    ck_loaded("weighted", d, (ct_loader_options){.batch_size = 5, .sampler = weighted}, loader_weighted, COUNT(loader_weighted));
    ck_loaded("random", d, (ct_loader_options){.batch_size = 4, .sampler = random, .drop_last = true}, loader_random, COUNT(loader_random));
    ck_loaded("batch", d, (ct_loader_options){.batch_sampler = batch}, loader_batch, COUNT(loader_batch));
    ck_loaded("sequential", d, (ct_loader_options){.batch_size = 3, .sampler = sequential}, loader_sequential, COUNT(loader_sequential));
    ct_sampler_free(weighted);
    ct_sampler_free(random);
    ct_sampler_free(sequential);
    ct_sampler_free(batch);
    ct_dataset_free(d);
}
END_TEST

START_TEST(batches_of_a_batch_sampler) {
    ct_dataset *d = ten();
    ct_sampler *s = ct_sampler_sequential(d), *keep = ct_sampler_batch(s, 4, NULL);
    ct_sampler *drop = ct_sampler_batch(s, 4, &(ct_sampler_batch_options){.drop_last = true});
    ct_sampler_order o;
    ck_assert_int_eq(ct_sampler_size(keep), 3);
    ck_assert_int_eq(ct_sampler_size(drop), 2);
    ct_sampler_draw(keep, &o);
    ck_values(o.batch_sizes, 4, 4, 2);
    ct_sampler_draw(drop, &o);
    ck_values(o.batch_sizes, 4, 4);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_sampler = drop});
    ct_batch b;
    int64_t n = 0;
    while (ct_loader_next(l, &b)) n += b.size;
    ck_assert_int_eq(n, 8);
    ct_loader_free(l);
    ct_sampler_free(s);
    ct_sampler_free(keep);
    ct_sampler_free(drop);
    ct_dataset_free(d);
}
END_TEST

/* ---- One's own ---- */

/* Gives what its table says next; batches by another table. */
typedef struct table {
    const int64_t *index, *size;
    int64_t n, batches, calls;
} table;
static ct_status table_init(ct_sampler *s, const void *arg) {
    memcpy(ct_sampler_state(s), arg, sizeof(table));
    return ((const table *)arg)->n < 0 ? CT_ERR_USER : CT_OK;
}
static int64_t table_size(const ct_sampler *s) {
    const table *t = ct_sampler_state(s);
    return t->size ? t->batches : t->n;
}
static ct_status table_draw(ct_sampler *s, ct_sampler_order *out) {
    table *t = ct_sampler_state(s);
    if (t->calls++ == 3) return CT_ERR_USER;
    out->indices = ct_from_data(t->index, &t->n, 1, CT_I64);
    if (t->size) out->batch_sizes = ct_from_data(t->size, &t->batches, 1, CT_I64);
    return ct_error_status();
}
static ct_status table_save(const ct_sampler *s, ct_dict *d) { return ct_dict_set_i64(d, "calls", ((const table *)ct_sampler_state(s))->calls); }
static ct_status table_load(ct_sampler *s, const ct_dict *d) {
    int64_t calls = ct_dict_get_i64(d, "calls");
    if (ct_ok()) ((table *)ct_sampler_state(s))->calls = calls;
    return ct_error_status();
}
static const ct_sampler_class list_class = {.name = "list",
                                            .state_size = sizeof(table),
                                            .init = table_init,
                                            .size = table_size,
                                            .draw = table_draw,
                                            .save = table_save,
                                            .load = table_load};
static const ct_sampler_class lists_class = {
    .name = "lists", .state_size = sizeof(table), .batches = true, .init = table_init, .size = table_size, .draw = table_draw};

START_TEST(a_sampler_of_ones_own_says_what_comes_when) {
    ct_dataset *d = ten();
    ct_sampler *s = ct_sampler_new(&lists_class, &(table){.index = (const int64_t[]){3, 3, 0, 9, 1}, .n = 5, .size = (const int64_t[]){3, 1}, .batches = 2});
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_sampler = s, .num_workers = 1});
    ct_batch b;
    ck_assert_str_eq(ct_sampler_class_name(s), "lists");
    ck_assert(ct_loader_next(l, &b));
    ck_values(b.input, 3, 3, 0);
    ck_assert(ct_loader_next(l, &b));
    ck_values(b.input, 9);
    ck_assert(!ct_loader_next(l, &b));
    ck_ok();
    ct_loader_free(l);
    ct_sampler_free(s);
    ct_dataset_free(d);
}
END_TEST

START_TEST(what_a_sampler_gives_is_checked) {
    static const int64_t far[] = {1, 10}, negative[] = {0, -1}, sizes[] = {1, 2}, zero[] = {2, 0};
    struct { const ct_sampler_class *cls; table t; ct_status status; const char *message; } cases[] = {
        {&list_class, {.index = far, .n = 2}, CT_ERR_INDEX, "ct_loader_next: index 1 of sampler \"list\" is 10, the data set has 10 samples"},
        {&list_class, {.index = negative, .n = 2}, CT_ERR_INDEX, "index 1 of sampler \"list\" is -1"},
        {&lists_class, {.index = far, .n = 1, .size = sizes, .batches = 2}, CT_ERR_INVALID_ARGUMENT,
         "batch 1 of sampler \"lists\" has 2 samples, 0 indices are left"},
        {&lists_class, {.index = negative, .n = 1, .size = zero, .batches = 2}, CT_ERR_INVALID_ARGUMENT, "batch 0 of sampler \"lists\" has 2 samples"},
        {&lists_class, {.index = far, .n = 1}, CT_ERR_USER, "must give indices and batch_sizes, i64 of one dim"},
        {&list_class, {.index = far, .n = 1, .size = sizes, .batches = 1}, CT_ERR_USER, "must give indices and no batch_sizes"},
        {&list_class, {.index = far, .n = 1, .calls = 3}, CT_ERR_USER, "sampler \"list\" failed"},
    };
    ct_dataset *d = ten();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_sampler *s = ct_sampler_new(cases[i].cls, &cases[i].t);
        ct_loader_options o = {.num_workers = (int)i % 2};
        *(cases[i].cls->batches ? &o.batch_sampler : &o.sampler) = s;
        ct_loader *l = ct_loader_new(d, &o);
        ct_batch b;
        ck_assert(!ct_loader_next(l, &b));
        ck_error(cases[i].status, cases[i].message);
        ct_loader_free(l);
        ct_sampler_free(s);
    }
    ct_dataset_free(d);
}
END_TEST

START_TEST(a_draw_that_failed_is_tried_again) {
    ct_dataset *d = ten();
    ct_manual_seed(7);
    ct_sampler *s = ct_sampler_new(&list_class, &(table){.index = some, .n = 5, .calls = 3});
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 5, .sampler = s});
    ct_batch b;
    ck_assert(!ct_loader_next(l, &b));
    ck_error(CT_ERR_USER, "ct_loader_next: sampler \"list\" failed");
    ck_assert(ct_loader_next(l, &b));
    ck_values(b.indices, 9, 1, 4, 4, 0);
    uint32_t after = ct_generator_random32(NULL);
    ct_manual_seed(7);
    ct_generator_random64(NULL); /* the base seed was drawn once */
    ck_assert_uint_eq(after, ct_generator_random32(NULL));
    ct_loader_free(l);
    ct_sampler_free(s);
    ct_dataset_free(d);
}
END_TEST

/* ---- Mistakes ---- */

START_TEST(impossible_samplers_are_errors) {
    ct_dataset *d = ten();
    ct_sampler *s = ct_sampler_sequential(d), *b = ct_sampler_batch(s, 2, NULL);
    const double bad[] = {1, -1}, none[] = {0, 0};
    ct_sampler_order o;
#define REFUSED(call, message)                     \
    do {                                           \
        ck_assert_ptr_null(call);                  \
        ck_error(CT_ERR_INVALID_ARGUMENT, message); \
    } while (0)
    REFUSED(ct_sampler_sequential(NULL), "ct_sampler_sequential: dataset is NULL");
    REFUSED(ct_sampler_random(NULL, NULL), "ct_sampler_random: dataset is NULL");
    REFUSED(ct_sampler_random(d, &(ct_sampler_random_options){.num_samples = -1}), "num_samples is -1");
    REFUSED(ct_sampler_subset_random(NULL, 2, NULL), "indices is NULL");
    REFUSED(ct_sampler_subset_random(some, -1, NULL), "a negative number");
    REFUSED(ct_sampler_weighted_random(NULL, 2, 1, NULL), "weights is NULL");
    REFUSED(ct_sampler_weighted_random(bad, 2, 1, NULL), "weights[1] is -1");
    REFUSED(ct_sampler_weighted_random((const double[]){0.0 / 0.0}, 1, 1, NULL), "weights[0] is");
    REFUSED(ct_sampler_weighted_random(none, 2, 1, NULL), "0 weights that are not zero");
    REFUSED(ct_sampler_weighted_random(weights, 10, 0, NULL), "0 samples by 10 weights");
    REFUSED(ct_sampler_weighted_random(weights, 10, 10, &(ct_sampler_weighted_random_options){.no_replacement = true}),
            "10 samples without replacement by 9 weights");
    REFUSED(ct_sampler_batch(NULL, 1, NULL), "sampler is NULL");
    REFUSED(ct_sampler_batch(s, 0, NULL), "batch_size is 0");
    REFUSED(ct_sampler_batch(b, 2, NULL), "already gives batches");
    REFUSED(ct_sampler_distributed(d, 2, 2, NULL), "rank 2 of 2 replicas");
    REFUSED(ct_sampler_distributed(NULL, 2, 1, NULL), "dataset is NULL");
    REFUSED(ct_sampler_new(&(ct_sampler_class){.name = "x"}, NULL), "needs a name, size and draw");
    REFUSED(ct_loader_new(d, &(ct_loader_options){.sampler = b}), "it is a batch_sampler");
    REFUSED(ct_loader_new(d, &(ct_loader_options){.batch_sampler = s}), "gives no batches");
    REFUSED(ct_loader_new(d, &(ct_loader_options){.sampler = s, .shuffle = true}), "sampler and shuffle exclude each other");
    REFUSED(ct_loader_new(d, &(ct_loader_options){.batch_sampler = b, .batch_size = 2}), "batch_sampler excludes batch_size");
    REFUSED(ct_loader_new(d, &(ct_loader_options){.batch_sampler = b, .drop_last = true}), "batch_sampler excludes");
    REFUSED(ct_loader_new(d, &(ct_loader_options){.batch_sampler = b, .sampler = s}), "batch_sampler excludes");
    REFUSED(ct_sampler_state_dict(NULL), "sampler is NULL");
    ck_assert_ptr_null(ct_sampler_new(&list_class, &(table){.n = -1}));
    ck_error(CT_ERR_USER, "init of sampler \"list\" failed");
    ct_sampler_set_epoch(s, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "sampler \"sequential\" knows no epoch");
    ct_sampler_set_epoch(NULL, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "sampler is NULL");
    ct_sampler_draw(s, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "out is NULL");
    ct_sampler_draw(NULL, &o);
    ck_error(CT_ERR_INVALID_ARGUMENT, "sampler is NULL");
    ct_sampler_load_state_dict(s, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "state is NULL");
    ct_sampler_free(ct_sampler_retain(s));
    ck_assert_ptr_null(ct_sampler_retain(NULL));
    ck_assert_ptr_null(ct_sampler_class_name(NULL));
    ck_assert_ptr_null(ct_sampler_state(NULL));
    ck_assert_int_eq(ct_sampler_size(NULL), 0);
    ct_sampler_free(NULL);
    ct_sampler_free(s);
    ct_sampler_free(b);
    ct_dataset *empty = ct_dataset_tensors(ct_arange_int(0, 0, 1, CT_I64), NULL);
    s = ct_sampler_random(empty, NULL);
    ck_assert_int_eq(ct_sampler_draw(s, &o), CT_OK);
    ck_assert_int_eq(ct_numel(o.indices), 0);
    ct_sampler_free(s);
    s = ct_sampler_random(empty, &(ct_sampler_random_options){.num_samples = 3});
    ct_sampler_draw(s, &o);
    ck_error(CT_ERR_INVALID_ARGUMENT, "3 samples of an empty data set");
    ct_sampler_free(s);
    ct_dataset_free(empty);
    ct_dataset_free(d);
}
END_TEST

/* ---- Resuming ---- */

/* The kinds: each with a generator of its own where it takes one. */
static ct_loader *make_loader(ct_dataset *d, int kind, int workers) {
    ct_generator *g = kind % 2 ? ct_generator_new(5) : NULL;
    ct_sampler *s = NULL, *batch = NULL;
    switch (kind / 2) {
    case 0: s = ct_sampler_random(d, &(ct_sampler_random_options){.generator = g, .num_samples = 13}); break;
    case 1: s = ct_sampler_weighted_random(weights, 10, 12, &(ct_sampler_weighted_random_options){.generator = g}); break;
    case 2: s = ct_sampler_subset_random(some, 5, g); break;
    default: s = ct_sampler_distributed(d, 2, 1, NULL); break;
    }
    if (kind / 2 == 3) ct_sampler_set_epoch(s, 3);
    ct_loader_options o = {.num_workers = workers};
    if (kind % 2) batch = ct_sampler_batch(s, 3, NULL);
    else o.batch_size = 3;
    *(batch ? &o.batch_sampler : &o.sampler) = batch ? batch : s;
    ct_loader *l = ct_loader_new(d, &o);
    ck_ok();
    ct_sampler_free(s);
    ct_sampler_free(batch);
    ct_generator_free(g);
    return l;
}

static int64_t rest(ct_loader *l, int64_t *out) { /* of this epoch, and the whole next one */
    int64_t n = 0;
    ct_batch b;
    for (int epoch = 0; epoch < 2; epoch++) {
        while (ct_loader_next(l, &b))
            for (int64_t i = 0; i < b.size; i++) out[n++] = ct_data_i64(b.indices)[i];
        out[n++] = -1;
    }
    ck_ok();
    return n;
}

START_TEST(a_resumed_loader_goes_on_with_the_samplers_order) {
    ct_dataset *d = ten();
    for (int kind = 0; kind < 8; kind++)
        for (int taken = 0; taken < 3; taken++) {
            int64_t want[64], got[64];
            ct_batch b;
            ct_manual_seed(31);
            ct_loader *l = make_loader(d, kind, 0), *resumed = make_loader(d, kind, taken);
            for (int i = 0; i < 2 && kind == 1; i++) ck_assert(ct_loader_next(resumed, &b)); /* loading works in mid-epoch too */
            int64_t skipped[64];
            rest(l, skipped); /* two whole epochs */
            for (int i = 0; i < taken && i < ct_loader_num_batches(l); i++) ck_assert(ct_loader_next(l, &b));
            ct_dict *state = ct_loader_state_dict(l);
            ct_tensor *generator = ct_generator_get_state(NULL);
            int64_t n = rest(l, want);
            ck_assert_int_eq(ct_loader_load_state_dict(resumed, state), CT_OK);
            ct_generator_set_state(NULL, generator);
            ck_assert_int_eq(rest(resumed, got), n);
            ck_list("resumed", got, want, n);
            ct_loader_free(l);
            ct_loader_free(resumed);
        }
    ct_dataset_free(d);
}
END_TEST

START_TEST(a_state_of_another_sampler_is_refused) {
    ct_dataset *d = ten();
    ct_loader *plain = ct_loader_new(d, &(ct_loader_options){.batch_size = 3}), *random = make_loader(d, 0, 0), *weighted = make_loader(d, 2, 0),
              *batch = make_loader(d, 3, 0);
    ct_batch b;
    ck_assert(ct_loader_next(random, &b));
    ck_assert(ct_loader_next(batch, &b));
    ct_loader_load_state_dict(plain, ct_loader_state_dict(random));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state is of a loader with a sampler, this one has none");
    ct_loader_load_state_dict(random, ct_loader_state_dict(plain));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state is of a loader without a sampler, this one has one");
    ct_loader_load_state_dict(weighted, ct_loader_state_dict(random));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state is of a sampler \"random\", this one is \"weighted_random\"");
    ct_dict *state = ct_loader_state_dict(random);
    ct_dict_set(state, "indices", ct_from_data((const int64_t[]){4, 11}, CT_SHAPE(2), CT_I64));
    ct_loader_load_state_dict(random, state);
    ck_error(CT_ERR_INDEX, "index 1 of sampler \"random\" is 11");
    ct_dict_set(state, "indices", ct_from_data((const float[]){4}, CT_SHAPE(1), CT_F32));
    ct_loader_load_state_dict(random, state);
    ck_error(CT_ERR_INVALID_ARGUMENT, "must be i64 of one dim");
    ct_dict_set(state, "indices", ct_from_data((const int64_t[]){4}, CT_SHAPE(1), CT_I64));
    ct_dict_set_i64(state, "position", 2);
    ct_loader_load_state_dict(random, state);
    ck_error(CT_ERR_INVALID_ARGUMENT, "position 2 of 1");
    state = ct_loader_state_dict(batch);
    ct_dict_remove(state, "batch_sizes");
    ct_loader_load_state_dict(batch, state);
    ck_error(CT_ERR_NOT_FOUND, "batch_sizes");
    ck_assert(ct_loader_next(random, &b)); /* and it goes on as if nothing had happened */
    ck_assert_int_eq(b.index, 1);
    ct_generator *g = ct_generator_new(1);
    ct_sampler *own = ct_sampler_subset_random(some, 5, g), *other = ct_sampler_subset_random(some, 5, NULL);
    ct_sampler_load_state_dict(own, ct_sampler_state_dict(other));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state is of a sampler with the default generator, this one has one of its own");
    state = ct_sampler_state_dict(own);
    ct_dict_set(state, "generator", ct_from_data("abc", CT_SHAPE(3), CT_U8));
    ct_sampler_load_state_dict(own, state);
    ck_error(CT_ERR_SHAPE, "a state has 5056 bytes, got 3");
    ct_sampler_free(own);
    ct_sampler_free(other);
    ct_generator_free(g);
    ct_loader_free(plain);
    ct_loader_free(random);
    ct_loader_free(weighted);
    ct_loader_free(batch);
    ct_dataset_free(d);
}
END_TEST

START_TEST(every_failed_allocation_leaves_the_order_as_it_was) {
    ct_dataset *d = ten();
    for (int kind = 0; kind < 8; kind++) {
        int64_t want[64], got[64], failures = 0;
        ct_manual_seed(4);
        ct_loader *reference = make_loader(d, kind, 0);
        int64_t n = rest(reference, want);
        ct_loader_free(reference);
        for (int64_t at = 1;; at++, failures++) {
            ct_manual_seed(4);
            ct_loader *l = make_loader(d, kind, 0);
            ct_batch b;
            ct_dict *state = NULL;
            bool failed = false;
            ct_memory_fail_at(at);
            bool first = ct_loader_next(l, &b);
            failed = failed || !ct_ok();
            ct_error_clear();
            if (!failed) state = ct_loader_state_dict(l);
            failed = failed || !ct_ok();
            ct_error_clear();
            if (!failed) ct_loader_load_state_dict(l, state);
            failed = failed || !ct_ok();
            ct_memory_fail_at(0);
            ct_error_clear();
            int64_t m = 0;
            for (int64_t i = 0; first && i < b.size; i++) got[m++] = want[i]; /* the batch may be gone by now; what follows shows that it was right */
            m += rest(l, got + m);
            ck_assert_int_eq(m, n);
            ck_list("after a failure", got, want, n);
            ct_loader_free(l);
            if (!failed) break;
        }
        ck_assert_int_gt(failures, 10);
    }
    ct_dataset_free(d);
}
END_TEST

TEST_LIST = {TEST(orders_are_pytorchs),
             TEST(shares_of_processes_are_pytorchs),
             TEST(a_loader_takes_the_samplers_order),
             TEST(batches_of_a_batch_sampler),
             TEST(a_sampler_of_ones_own_says_what_comes_when),
             TEST(what_a_sampler_gives_is_checked),
             TEST(a_draw_that_failed_is_tried_again),
             TEST(impossible_samplers_are_errors),
             TEST(a_resumed_loader_goes_on_with_the_samplers_order),
             TEST(a_state_of_another_sampler_is_refused),
             TEST(every_failed_allocation_leaves_the_order_as_it_was)};
TEST_MAIN("sampler")
