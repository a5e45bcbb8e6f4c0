/* The loader: PyTorch's order, the same data for any number of workers, errors, resuming. Stored orders are those of PyTorch 2.13's DataLoader. */
#include "data/files.h"

#include <ctorch/data.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static ct_dataset *numbers(int64_t n) { /* inputs f32 [2]: i, -i; targets i */
    float x[128];
    int64_t y[64];
    for (int64_t i = 0; i < n; i++) {
        x[2 * i] = (float)i;
        x[2 * i + 1] = (float)-i;
        y[i] = i;
    }
    return ct_dataset_tensors(ct_from_data(x, (const int64_t[]){n, 2}, 2, CT_F32), ct_from_data(y, &n, 1, CT_I64));
}

/* A data set whose samples are random, slow at random, and may fail: sample i is [i, a random number, fields]. */
typedef struct noisy {
    int64_t n, fails_at; /* -1: never */
    atomic_int *calls, *failures_left;
} noisy;
static ct_status noisy_init(ct_dataset *d, const void *arg) {
    memcpy(ct_dataset_state(d), arg, sizeof(noisy));
    return CT_OK;
}
static int64_t noisy_size(const ct_dataset *d) { return ((const noisy *)ct_dataset_state(d))->n; }
static ct_status noisy_get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    const noisy *s = ct_dataset_state(d);
    float x[2] = {(float)i, (float)(ct_generator_random32(g) >> 8)};
    if (s->calls) atomic_fetch_add(s->calls, 1);
    if (i % 3 == 0) usleep(ct_generator_random32(g) % 200);
    if (i == s->fails_at && (!s->failures_left || atomic_fetch_sub(s->failures_left, 1) > 0))
        return ct_error_raisef(CT_ERR_IO, "noisy: sample %d is not readable", (int)i);
    out->input = ct_from_data(x, CT_SHAPE(2), CT_F32);
    out->fields = ct_dict_new();
    ct_dict_set_i64(out->fields, "twice", 2 * i);
    ct_dict_set_f64(out->fields, "half", (double)i / 2);
    ct_dict_set(out->fields, "pair", ct_from_data((const int32_t[]){(int32_t)i, 1}, CT_SHAPE(2, 1), CT_I32));
    return ct_error_status();
}
static const ct_dataset_class noisy_class = {
    .name = "noisy", .state_size = sizeof(noisy), .init = noisy_init, .size = noisy_size, .get = noisy_get};
static ct_dataset *noisy_new(int64_t n) { return ct_dataset_new(&noisy_class, &(noisy){.n = n, .fails_at = -1}); }

/* What one epoch gave: the indices and the sum of its inputs' bits. */
typedef struct trace {
    int64_t index[128], n, batches;
    uint64_t bits;
} trace;
static void note(trace *t, const ct_batch *b) {
    ck_assert_int_eq(b->index, t->batches);
    t->batches++;
    for (int64_t i = 0; i < b->size; i++) t->index[t->n++] = ct_data_i64(b->indices)[i];
    uint32_t word;
    for (int64_t i = 0; b->input && i < ct_numel(b->input); i++) {
        memcpy(&word, ct_data_f32(b->input) + i, 4);
        t->bits = t->bits * 1000003u + word;
    }
}
static trace epoch(ct_loader *l) {
    trace t = {.n = 0};
    ct_batch b;
    while (ct_loader_next(l, &b)) note(&t, &b);
    return t;
}
static void ck_same(const trace *a, const trace *b) {
    ck_assert_int_eq(a->n, b->n);
    for (int64_t i = 0; i < a->n; i++) ck_assert_int_eq(a->index[i], b->index[i]);
    ck_assert_uint_eq(a->bits, b->bits);
}

/* ---- Order ---- */

static void ck_order(const trace *t, const int64_t *want, int64_t n) {
    ck_ok();
    ck_assert_int_eq(t->n, n);
    for (int64_t i = 0; i < n; i++) ck_assert_msg(t->index[i] == want[i], "place %d has %d, want %d", (int)i, (int)t->index[i], (int)want[i]);
}

START_TEST(the_order_is_pytorchs) {
    static const int64_t first[] = {3, 2, 7, 8, 6, 1, 5, 9, 0, 4}, second[] = {1, 3, 5, 2, 8, 9, 6, 7, 4, 0};
    ct_dataset *d = numbers(10);
    for (int workers = 0; workers <= 4; workers += 2) {
        ct_manual_seed(7);
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .shuffle = true, .num_workers = workers});
        ck_assert_int_eq(ct_loader_num_batches(l), 3);
        trace t = epoch(l);
        ck_order(&t, first, 10);
        t = epoch(l);
        ck_order(&t, second, 10);
        static const uint32_t after[] = {988, 761, 158}; /* torch.randint(0, 1000, (3,)): both took as much from the stream */
        for (int i = 0; i < 3; i++) ck_assert_uint_eq(ct_generator_random32(NULL) % 1000, after[i]);
        ct_loader_free(l);
    }
    ct_dataset_free(d);
}
END_TEST

START_TEST(the_order_from_a_generator_of_ones_own_is_pytorchs) {
    static const int64_t first[] = {1, 3, 5, 7, 9, 4, 6, 2, 8, 0}, second[] = {5, 1, 6, 0, 9, 7, 8, 4, 3, 2};
    static const uint32_t after[] = {979, 661, 104};
    ct_dataset *d = numbers(10);
    ct_generator *g = ct_generator_new(7);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 5, .shuffle = true, .generator = g});
    ct_loader *seeded = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .shuffle = true, .seed = ct_some_i64(7), .drop_last = true, .num_workers = 1});
    trace t = epoch(l), u = epoch(seeded);
    ck_order(&t, first, 10);
    ck_order(&u, first, 8);
    t = epoch(l);
    u = epoch(seeded);
    ck_order(&t, second, 10);
    ck_order(&u, second, 8);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(ct_generator_random32(g) % 1000, after[i]);
    ct_loader_free(l);
    ct_loader_free(seeded);
    ct_generator_free(g);
    ct_dataset_free(d);
}
END_TEST

START_TEST(without_shuffle_the_order_is_that_of_the_data_set) {
    static const int64_t want[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const uint32_t after[] = {721, 286, 283};
    ct_dataset *d = numbers(10);
    ct_manual_seed(7);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4});
    trace t = epoch(l);
    ck_order(&t, want, 10);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq(ct_generator_random32(NULL) % 1000, after[i]);
    ct_loader_free(l);
    ct_dataset_free(d);
}
END_TEST

/* ---- Batches ---- */

START_TEST(batches_stack_samples_and_fields) {
    ct_dataset *d = noisy_new(5);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 3});
    ct_batch b;
    ck_assert(ct_loader_next(l, &b));
    ck_sizes(b.input, 3, 2);
    ck_assert_ptr_null(b.target);
    ck_values(b.indices, 0, 1, 2);
    ck_values(ct_dict_get(b.fields, "twice"), 0, 2, 4);
    ck_assert_int_eq(ct_tensor_dtype(ct_dict_get(b.fields, "twice")), CT_I64);
    ck_values(ct_dict_get(b.fields, "half"), 0, 0.5, 1);
    ck_assert_int_eq(ct_tensor_dtype(ct_dict_get(b.fields, "half")), CT_F64);
    ck_sizes(ct_dict_get(b.fields, "pair"), 3, 2, 1);
    ck_values(ct_dict_get(b.fields, "pair"), 0, 1, 1, 1, 2, 1);
    ck_assert(ct_loader_next(l, &b));
    ck_assert_int_eq(b.size, 2);
    ck_assert_int_eq(b.index, 1);
    ck_sizes(b.input, 2, 2);
    ck_assert(!ct_loader_next(l, &b));
    ck_assert_ptr_null(b.input);
    ck_assert_int_eq(b.size, 0);
    ck_ok();
    ck_assert_ptr_eq(ct_loader_dataset(l), d);
    ct_loader_free(l);
    ct_dataset_free(d);
}
END_TEST

START_TEST(the_number_of_workers_changes_nothing) {
    ct_dataset *base = noisy_new(61);
    ct_dataset *d = ct_dataset_subset(base, (const int64_t[]){60, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, 19);
    ct_dataset *sets[] = {base, d};
    for (int s = 0; s < 2; s++) {
        trace want[2] = {{.n = 0}, {.n = 0}};
        static const int workers[] = {0, 1, 4};
        for (int w = 0; w < 3; w++) {
            ct_manual_seed(11);
            ct_loader *l = ct_loader_new(sets[s], &(ct_loader_options){.batch_size = 4, .shuffle = true, .num_workers = workers[w], .prefetch_factor = w == 2 ? 3 : 0});
            for (int e = 0; e < 2; e++) {
                trace t = epoch(l);
                ck_ok();
                if (w == 0) want[e] = t;
                ck_same(&t, &want[e]);
            }
            ct_loader_free(l);
        }
        ck_assert_uint_ne(want[0].bits, want[1].bits);
    }
    ct_dataset_free(d);
    ct_dataset_free(base);
}
END_TEST

START_TEST(a_batch_somebody_keeps_is_not_written_over) {
    ct_dataset *d = numbers(12);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4});
    ct_batch b;
    ck_assert(ct_loader_next(l, &b));
    ct_tensor *kept = ct_keep(b.input), *other = b.target;
    ck_assert(ct_loader_next(l, &b));
    ck_assert_ptr_ne(b.input, kept);
    ck_assert_ptr_eq(b.target, other); /* nobody kept that one: the memory is used again */
    ck_values(kept, 0, 0, 1, -1, 2, -2, 3, -3);
    ct_tensor *view = ct_from_data(ct_data(b.input), CT_SHAPE(1), CT_F32); /* no reference: a copy */
    ct_tensor *input = b.input;
    ck_assert(ct_loader_next(l, &b));
    ck_assert_ptr_eq(b.input, input);
    ck_values(view, 4);
    ct_release(kept);
    ct_loader_free(l);
    ct_dataset_free(d);
}
END_TEST

static ct_status sum_up(const ct_sample *samples, int64_t n, ct_sample *out, void *arg) {
    float sum[2] = {0, 0};
    if (n == 1) return *(int *)arg ? CT_ERR_USER : CT_OK;
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) sum[k] += ct_data_f32(samples[i].input)[k];
    out->input = ct_from_data(sum, CT_SHAPE(2), CT_F32);
    return ct_error_status();
}

START_TEST(a_collate_function_makes_the_batch) {
    ct_dataset *d = numbers(5);
    int fail = 1;
    for (int workers = 0; workers < 2; workers++) {
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .collate = sum_up, .collate_arg = &fail, .num_workers = workers});
        ct_batch b;
        ck_assert(ct_loader_next(l, &b));
        ck_values(b.input, 6, -6);
        ck_assert_ptr_null(b.target);
        ck_assert_int_eq(b.size, 4);
        ck_assert(!ct_loader_next(l, &b));
        ck_error(CT_ERR_USER, "ct_loader_next: the collate function failed");
        ct_loader_free(l);
    }
    ct_dataset_free(d);
}
END_TEST

START_TEST(an_empty_data_set_has_no_batches) {
    ct_dataset *d = numbers(0);
    for (int workers = 0; workers < 3; workers += 2) {
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.shuffle = true, .num_workers = workers, .seed = ct_some_i64(0)});
        ct_batch b;
        ck_assert_int_eq(ct_loader_num_batches(l), 0);
        ck_assert(!ct_loader_next(l, &b));
        ck_assert(!ct_loader_next(l, &b));
        ct_loader_free(l);
    }
    ct_dataset_free(d);
}
END_TEST

/* ---- Errors ---- */

START_TEST(a_workers_error_reaches_the_caller_and_the_batch_can_be_had_again) {
    for (int workers = 0; workers < 3; workers++) {
        atomic_int left = 1;
        ct_dataset *d = ct_dataset_new(&noisy_class, &(noisy){.n = 20, .fails_at = 9, .failures_left = &left});
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .num_workers = workers, .seed = ct_some_i64(1)});
        ct_batch b;
        trace t = {.n = 0};
        for (int i = 0; i < 2; i++) {
            ck_assert(ct_loader_next(l, &b));
            note(&t, &b);
        }
        ck_assert(!ct_loader_next(l, &b));
        ck_assert(!ct_loader_next(l, &b)); /* pending: nothing happens */
        ck_error(CT_ERR_IO, "noisy: sample 9 is not readable");
        while (ct_loader_next(l, &b)) note(&t, &b);
        ck_ok();
        ct_dataset *good = noisy_new(20);
        ct_loader *never = ct_loader_new(good, &(ct_loader_options){.batch_size = 4, .seed = ct_some_i64(1)});
        trace want = epoch(never);
        ck_same(&t, &want);
        ct_loader_free(never);
        ct_loader_free(l);
        ct_dataset_free(good);
        ct_dataset_free(d);
    }
}
END_TEST

/* Samples that do not fit together: by sample number. */
static ct_status odd_get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    (void)g;
    int64_t kind = *(int64_t *)ct_dataset_state(d), size = i == 2 && kind == 1 ? 3 : 2;
    static const float zero[3] = {0};
    static const int64_t izero[3] = {0};
    if (!(i == 2 && kind == 3)) out->input = ct_from_data(i == 2 && kind == 2 ? (const void *)izero : zero, &size, 1, i == 2 && kind == 2 ? CT_I64 : CT_F32);
    if (kind >= 4) out->fields = ct_dict_new();
    if (kind == 4) ct_dict_set_i64(out->fields, i == 2 ? "other" : "name", 1);
    if (kind == 5 && i != 2) ct_dict_set_i64(out->fields, "name", 1);
    if (kind == 6) i == 2 ? ct_dict_set_f64(out->fields, "name", 1) : ct_dict_set_i64(out->fields, "name", 1);
    if (kind == 7) ct_dict_set_string(out->fields, "name", "text");
    if (kind == 8) i == 2 ? ct_dict_set_string(out->fields, "name", "x") : ct_dict_set_i64(out->fields, "name", 1);
    return ct_error_status();
}
static ct_status odd_init(ct_dataset *d, const void *arg) {
    *(int64_t *)ct_dataset_state(d) = *(const int64_t *)arg;
    return CT_OK;
}
static int64_t odd_size(const ct_dataset *d) {
    (void)d;
    return 4;
}
static const ct_dataset_class odd_class = {.name = "odd", .state_size = sizeof(int64_t), .init = odd_init, .size = odd_size, .get = odd_get};

START_TEST(samples_that_do_not_fit_together_are_named) {
    static const char *const message[] = {NULL,
                                          "input of sample 2 is [3], of sample 0 [2]: they cannot be stacked",
                                          "input of sample 2 is int64, of sample 0 float32",
                                          "sample 2 has no input, sample 0 has one",
                                          "sample 2 has no field \"name\", sample 0 has",
                                          "sample 2 has 0 fields, sample 0 has 1",
                                          "field \"name\" of sample 2 is a number of another kind",
                                          "field \"name\" is no tensor and no number: give the loader a collate function",
                                          "field \"name\" of sample 2 is no tensor and no number"};
    for (int64_t kind = 0; kind < 9; kind++) {
        ct_dataset *d = ct_dataset_new(&odd_class, &kind);
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4});
        ct_batch b;
        ck_assert(ct_loader_next(l, &b) == (kind == 0));
        if (kind > 0) {
            ck_assert_msg(strstr(ct_error_message(), message[kind]), "kind %d: %s", (int)kind, ct_error_message());
            ct_error_clear();
        }
        ct_loader_free(l);
        ct_dataset_free(d);
    }
}
END_TEST

START_TEST(impossible_options_are_errors) {
    ct_dataset *d = numbers(3);
    ct_generator *g = ct_generator_new(1);
    struct { ct_loader_options o; const char *message; } cases[] = {
        {{.batch_size = -1}, "batch_size is -1"},
        {{.num_workers = 257}, "num_workers is 257, not between 0 and 256"},
        {{.num_workers = -1}, "num_workers is -1"},
        {{.prefetch_factor = 2}, "prefetch_factor needs num_workers"},
        {{.num_workers = 1, .prefetch_factor = 2000}, "prefetch_factor is 2000"},
        {{.generator = g, .seed = ct_some_i64(1)}, "seed and generator exclude each other"},
        {{.collate_arg = g}, "collate_arg without collate"},
        {{.reserved = {0, 1}}, "ct_loader_new"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_ptr_null(ct_loader_new(d, &cases[i].o));
        ck_error(CT_ERR_INVALID_ARGUMENT, cases[i].message);
    }
    ck_assert_ptr_null(ct_loader_new(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
    ct_loader *l = ct_loader_new(d, NULL);
    ck_assert_int_eq(ct_loader_num_batches(l), 3);
    ck_assert(!ct_loader_next(l, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "batch is NULL");
    ct_batch b;
    ck_assert(!ct_loader_next(NULL, &b));
    ck_error(CT_ERR_INVALID_ARGUMENT, "loader is NULL");
    ct_loader_reset(NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_loader_reset: loader is NULL");
    ck_assert_ptr_null(ct_loader_state_dict(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "loader is NULL");
    ct_loader_load_state_dict(l, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "state is NULL");
    ct_loader_free(ct_loader_retain(l));
    ct_loader_free(l);
    ct_loader_free(NULL);
    ck_assert_ptr_null(ct_loader_retain(NULL));
    ck_assert_int_eq(ct_loader_num_batches(NULL), 0);
    ck_assert_ptr_null(ct_loader_dataset(NULL));
    ct_generator_free(g);
    ct_dataset_free(d);
}
END_TEST

/* ---- Leaving an epoch ---- */

START_TEST(reset_begins_a_new_epoch) {
    for (int workers = 0; workers < 4; workers += 3) {
        ct_dataset *d = noisy_new(40);
        ct_manual_seed(2);
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 2, .shuffle = true, .num_workers = workers});
        ct_batch b;
        for (int i = 0; i < 3; i++) ck_assert(ct_loader_next(l, &b));
        ck_assert_int_eq(ct_loader_reset(l), CT_OK);
        trace second = epoch(l);
        ck_assert_int_eq(second.n, 40);

        ct_manual_seed(2); /* the same draws: an epoch of which nothing is taken, then the second */
        ct_loader *again = ct_loader_new(d, &(ct_loader_options){.batch_size = 2, .shuffle = true});
        ck_assert(ct_loader_next(again, &b));
        ct_loader_reset(again);
        trace want = epoch(again);
        ck_same(&second, &want);
        ct_loader_free(again);
        ct_loader_free(l);
        ct_dataset_free(d);
    }
}
END_TEST

START_TEST(freeing_in_mid_epoch_joins_the_workers) {
    for (int taken = 0; taken < 4; taken++) {
        ct_dataset *d = noisy_new(60);
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 3, .num_workers = 4});
        ct_dataset_free(d);
        ct_batch b;
        for (int i = 0; i < taken; i++) ck_assert(ct_loader_next(l, &b));
        ct_loader_free(l);
    }
}
END_TEST

START_TEST(after_fork_a_loader_with_workers_is_an_error) {
    ct_dataset *d = numbers(30);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 2, .num_workers = 2});
    ct_batch b;
    ck_assert(ct_loader_next(l, &b));
    pid_t child = fork();
    if (child == 0) {
        bool refused = !ct_loader_next(l, &b) && ct_error_status() == CT_ERR_STATE;
        ct_loader_free(l);
        _exit(refused ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
    ck_assert(ct_loader_next(l, &b));
    ct_loader_free(l);
    ct_dataset_free(d);
}
END_TEST

/* ---- Waiting ---- */

/* Samples that take a while. */
static ct_status slow_get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    (void)g;
    usleep((unsigned)*(int64_t *)ct_dataset_state(d));
    out->target = ct_from_data(&i, NULL, 0, CT_I64);
    return ct_error_status();
}
static const ct_dataset_class slow_class = {.name = "slow", .state_size = sizeof(int64_t), .init = odd_init, .size = odd_size, .get = slow_get};

START_TEST(stats_tell_waiting_from_working) {
    ct_dataset *d = ct_dataset_new(&slow_class, &(int64_t){20000}); /* 4 samples of 20 ms */
    ct_loader *alone = ct_loader_new(d, NULL), *ahead = ct_loader_new(d, &(ct_loader_options){.num_workers = 1, .prefetch_factor = 4});
    ct_batch b;
    (void)epoch(alone);
    ct_loader_stats s = ct_loader_get_stats(alone);
    ck_assert_int_eq(s.batches, 4);
    ck_assert_double_ge(s.first_wait_seconds, 0.02);
    ck_assert_double_ge(s.wait_seconds, 0.06); /* without workers all of the making is waiting */

    ck_assert(ct_loader_next(ahead, &b));
    usleep(400000); /* the training step: meanwhile the others are made */
    while (ct_loader_next(ahead, &b)) {}
    ct_loader_stats t = ct_loader_get_stats(ahead);
    ck_assert_int_eq(t.batches, 4);
    ck_assert_double_ge(t.first_wait_seconds, 0.02);
    ck_assert_double_lt(t.wait_seconds, s.wait_seconds / 2);
    ct_loader_reset_stats(ahead);
    ck_assert_int_eq(ct_loader_get_stats(ahead).batches, 0);
    ct_loader_reset_stats(NULL);
    ck_assert_int_eq(ct_loader_get_stats(NULL).batches, 0);
    ct_loader_free(alone);
    ct_loader_free(ahead);
    ct_dataset_free(d);
}
END_TEST

START_TEST(one_worker_keeps_ahead_of_a_step_that_takes_longer_than_a_batch) {
    ct_dataset *digits = ct_dataset_mnist(TEST_EXAMPLES_DIR "/data/mnist", &(ct_mnist_options){.split = CT_SPLIT_TEST});
    ct_transform *augment = ct_transform_compose(ct_transform_random_crop(28, 28, &(ct_random_crop_options){.padding = 2}),
                                                 ct_transform_random_rotation(10, NULL), ct_transform_normalize(&CT_MNIST_MEAN, &CT_MNIST_STD, 1));
    ct_dataset *d = ct_dataset_transform(digits, augment);
    double share = 1;
    for (int attempt = 0; attempt < 5 && share > 0.1; attempt++) { /* a busy machine may hold the worker up, not five times */
        ct_loader *alone = ct_loader_new(d, &(ct_loader_options){.batch_size = 100});
        ct_loader *ahead = ct_loader_new(d, &(ct_loader_options){.batch_size = 100, .num_workers = 1});
        ct_batch b;
        while (ct_loader_next(alone, &b)) {}
        ct_loader_stats s = ct_loader_get_stats(alone);
        ck_assert_int_eq(s.batches, 20);
        double making = (s.first_wait_seconds + s.wait_seconds) / 20; /* of one batch; the step takes four times as long */
        while (ct_loader_next(ahead, &b)) usleep((unsigned)(4e6 * making));
        share = ct_loader_get_stats(ahead).wait_seconds / (20 * 4 * making);
        ct_loader_free(alone);
        ct_loader_free(ahead);
    }
    ck_assert_double_le(share, 0.1);
    ck_ok();
    ct_transform_free(augment);
    ct_dataset_free(digits);
    ct_dataset_free(d);
}
END_TEST

/* ---- Resuming ---- */

static ct_loader *resumable(ct_dataset *d, int own, int workers) {
    ct_loader_options o = {.batch_size = 4, .shuffle = true, .num_workers = workers};
    if (own) o.seed = ct_some_i64(5);
    return ct_loader_new(d, &o);
}

START_TEST(a_resumed_loader_goes_on_where_it_was) {
    ct_dataset *d = noisy_new(30);
    for (int own = 0; own < 2; own++)
        for (int taken = 0; taken <= 8; taken++) { /* 8 batches an epoch; with 8 taken, the end has not been reported */
            ct_manual_seed(21);
            ct_loader *l = resumable(d, own, 2);
            (void)epoch(l);
            ct_batch b;
            for (int i = 0; i < taken; i++) ck_assert(ct_loader_next(l, &b));
            ct_dict *state = ct_loader_state_dict(l);
            ct_tensor *generator = ct_generator_get_state(NULL);
            trace rest = {.batches = taken}, next;
            while (ct_loader_next(l, &b)) note(&rest, &b);
            next = epoch(l);
            ct_loader_free(l);

            ct_manual_seed(99);
            ct_loader *resumed = resumable(d, own, taken % 3);
            if (taken % 2) ck_assert(ct_loader_next(resumed, &b)); /* loading works in mid-epoch too */
            ck_assert_int_eq(ct_loader_load_state_dict(resumed, state), CT_OK);
            ct_generator_set_state(NULL, generator);
            trace rest2 = {.batches = taken}, next2;
            while (ct_loader_next(resumed, &b)) note(&rest2, &b);
            next2 = epoch(resumed);
            ck_ok();
            ck_same(&rest2, &rest);
            ck_same(&next2, &next);
            ct_loader_free(resumed);
        }
    ct_dataset_free(d);
}
END_TEST

START_TEST(a_state_that_does_not_fit_is_refused) {
    ct_dataset *d = noisy_new(30), *other = noisy_new(31);
    ct_loader *l = resumable(d, 0, 0), *own = resumable(d, 1, 0), *longer = resumable(other, 0, 0);
    ct_batch b;
    ck_assert(ct_loader_next(own, &b));
    ct_loader_load_state_dict(longer, ct_loader_state_dict(l));
    ck_error(CT_ERR_INVALID_ARGUMENT, "num_samples is 30 in the state, 31 in the loader");
    ct_loader_load_state_dict(l, ct_loader_state_dict(own));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state is of a loader with a generator, this one has the default one");
    ct_loader_load_state_dict(own, ct_loader_state_dict(l));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the state is of a loader with the default generator, this one has one of its own");
    ct_dict *state = ct_loader_state_dict(own);
    ct_dict_set_i64(state, "position", 9);
    ct_loader_load_state_dict(own, state);
    ck_error(CT_ERR_INVALID_ARGUMENT, "position 9 of 8");
    state = ct_loader_state_dict(own);
    ct_dict_set(state, "epoch_generator", ct_from_data("abc", CT_SHAPE(3), CT_U8));
    ct_loader_load_state_dict(own, state);
    ck_error(CT_ERR_SHAPE, "a state has 5056 bytes, got 3");
    ct_dict_remove(state, "base_seed");
    ct_loader_load_state_dict(own, state);
    ck_error(CT_ERR_NOT_FOUND, "base_seed");
    ct_dict_set_i64(state, "version", 2);
    ct_loader_load_state_dict(own, state);
    ck_error(CT_ERR_INVALID_ARGUMENT, "version is 2 in the state, 1 in the loader");
    trace rest = {.batches = 1}; /* and it goes on as if nothing had happened */
    note(&(trace){.batches = 0}, &b);
    while (ct_loader_next(own, &b)) note(&rest, &b);
    ck_assert_int_eq(rest.n, 26);
    ct_loader_free(l);
    ct_loader_free(own);
    ct_loader_free(longer);
    ct_dataset_free(d);
    ct_dataset_free(other);
}
END_TEST

/* ---- Memory ---- */

START_TEST(every_failed_allocation_is_an_error_and_the_epoch_goes_on) {
    ct_dataset *d = noisy_new(10);
    ct_manual_seed(4);
    ct_loader *reference = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .shuffle = true});
    trace want = epoch(reference);
    ct_loader_free(reference);
    for (int workers = 0; workers <= 2; workers += 2) {
        int failures = 0, clean = 0;
        for (int64_t n = 1; clean < 3; n++) { /* with workers the count of requests varies a little: until three in a row pass */
            ct_manual_seed(4);
            ct_memory_fail_at(n);
            ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .shuffle = true, .num_workers = workers});
            bool failed = !l;
            trace t = {.n = 0};
            ct_batch b;
            for (bool more = l != NULL; more;) {
                more = ct_loader_next(l, &b);
                if (more) note(&t, &b);
                if (!more && !ct_ok()) {
                    ck_error(CT_ERR_OUT_OF_MEMORY, "");
                    failed = more = true;
                }
            }
            ct_memory_fail_at(0);
            if (l) ck_same(&t, &want);
            else ck_error(CT_ERR_OUT_OF_MEMORY, "");
            ct_loader_free(l);
            failures += failed;
            clean = failed ? 0 : clean + 1;
            if (!failed && workers == 0) break;
        }
        ck_assert_int_gt(failures, 40);
    }
    ct_dataset_free(d);
}
END_TEST

START_TEST(a_failed_allocation_while_saving_or_loading_leaves_the_loader) {
    ct_dataset *d = noisy_new(10);
    for (int own = 0; own < 2; own++) {
        ct_manual_seed(4);
        ct_loader *l = resumable(d, own, 0), *target = resumable(d, own, 0);
        ct_batch b;
        ck_assert(ct_loader_next(l, &b));
        ct_dict *state = NULL;
        int failures = 0;
        for (int64_t n = 1; !state; n++, failures++) {
            ct_memory_fail_at(n);
            state = ct_loader_state_dict(l);
            ct_memory_fail_at(0);
            if (!state) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        }
        for (int64_t n = 1;; n++, failures++) {
            ct_memory_fail_at(n);
            ct_status status = ct_loader_load_state_dict(target, state);
            ct_memory_fail_at(0);
            if (status == CT_OK) break;
            ck_error(CT_ERR_OUT_OF_MEMORY, "");
            ck_assert_int_eq(ct_dict_get_i64(ct_loader_state_dict(target), "in_epoch"), 0);
        }
        ck_assert_int_gt(failures, 5);
        trace a = {.batches = 1}, c = {.batches = 1};
        while (ct_loader_next(l, &b)) note(&a, &b);
        while (ct_loader_next(target, &b)) note(&c, &b);
        ck_same(&a, &c);
        ct_loader_free(l);
        ct_loader_free(target);
    }
    ct_dataset_free(d);
}
END_TEST

TEST_LIST = {TEST(the_order_is_pytorchs),
             TEST(the_order_from_a_generator_of_ones_own_is_pytorchs),
             TEST(without_shuffle_the_order_is_that_of_the_data_set),
             TEST(batches_stack_samples_and_fields),
             TEST(the_number_of_workers_changes_nothing),
             TEST(a_batch_somebody_keeps_is_not_written_over),
             TEST(a_collate_function_makes_the_batch),
             TEST(an_empty_data_set_has_no_batches),
             TEST(a_workers_error_reaches_the_caller_and_the_batch_can_be_had_again),
             TEST(samples_that_do_not_fit_together_are_named),
             TEST(impossible_options_are_errors),
             TEST(reset_begins_a_new_epoch),
             TEST(freeing_in_mid_epoch_joins_the_workers),
             TEST(after_fork_a_loader_with_workers_is_an_error),
             TEST(stats_tell_waiting_from_working),
             TEST(one_worker_keeps_ahead_of_a_step_that_takes_longer_than_a_batch),
             TEST(a_resumed_loader_goes_on_where_it_was),
             TEST(a_state_that_does_not_fit_is_refused),
             TEST(every_failed_allocation_is_an_error_and_the_epoch_goes_on),
             TEST(a_failed_allocation_while_saving_or_loading_leaves_the_loader)};
TEST_MAIN("loader")
