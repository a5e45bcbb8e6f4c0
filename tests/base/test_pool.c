/* The thread pool: lib/base/pool.c. */
#include "base/denormal.h"
#include "base/pool.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int default_threads; /* the tests change the number; set_threads(0) goes back */
static void set_threads(int n) {
    if (!default_threads) default_threads = ct_get_num_threads();
    ck_assert_int_eq(ct_set_num_threads(n ? n : default_threads), CT_OK);
}

/* Which ranges were run, by their number. */
typedef struct record {
    atomic_int calls;
    int64_t chunk;
    int64_t begin[256], end[256];
    atomic_int wrong_threads;
    pthread_t only; /* with check_thread: the one thread that may run */
    bool check_thread;
    int delay_us;
} record;
static void note(int64_t begin, int64_t end, void *arg) {
    record *r = arg;
    if (r->delay_us) usleep((useconds_t)r->delay_us);
    if (r->check_thread && !pthread_equal(pthread_self(), r->only)) atomic_fetch_add(&r->wrong_threads, 1);
    r->begin[begin / r->chunk] = begin;
    r->end[begin / r->chunk] = end;
    atomic_fetch_add(&r->calls, 1);
}

static void check_cover(const record *r, int64_t n, int64_t grain) {
    int count = ct__parallel_count(n, grain);
    ck_assert_int_eq(atomic_load(&r->calls), count);
    int64_t at = 0;
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(r->begin[i], at);
        ck_assert_msg(r->end[i] - at >= grain || r->end[i] == n, "range %d of %lld is %lld long, grain %lld", i, (long long)n,
                      (long long)(r->end[i] - at), (long long)grain);
        ck_assert(r->end[i] == n || r->end[i] - at == r->chunk);
        at = r->end[i];
    }
    ck_assert_int_eq(at, ct__max_i64(n, 0));
}

static void run_and_check(int64_t n, int64_t grain) {
    record r = {.chunk = ct__parallel_chunk(n, grain)};
    ct__parallel_for(n, grain, note, &r);
    check_cover(&r, n, grain);
}

START_TEST(ranges_cover_everything_once) {
    const int64_t sizes[] = {-1, 0, 1, 2, 3, 7, 64, 100, 4096, 8191, 100000, 123456789, INT64_MAX - 5, INT64_MAX};
    const int64_t grains[] = {-7, 0, 1, 2, 50, 4096, 1000000, INT64_MAX};
    for (int threads = 1; threads <= 5; threads++) {
        set_threads(threads);
        for (size_t i = 0; i < CT__COUNT(sizes); i++)
            for (size_t k = 0; k < CT__COUNT(grains); k++) {
                ck_assert_int_le(ct__parallel_count(sizes[i], grains[k]), threads);
                run_and_check(sizes[i], grains[k]);
            }
    }
    set_threads(0);
}
END_TEST

START_TEST(every_thread_gets_work_where_there_is_enough) {
    set_threads(4);
    ck_assert_int_eq(ct__parallel_count(4, 1), 4);
    ck_assert_int_eq(ct__parallel_count(1000000, 1), 4);
    ck_assert_int_eq(ct__parallel_count(1000000, 400000), 3);
    ck_assert_int_eq(ct__parallel_count(1000000, 1000000), 1);
    ck_assert_int_eq(ct__parallel_chunk(1000001, 1), 250048); /* a multiple of 64 */
    ck_assert_int_eq(ct__parallel_chunk(1001, 1), 251);
    set_threads(0);
}
END_TEST

static void *pool_busy_elsewhere(void *arg) {
    record *r = arg;
    r->only = pthread_self();
    r->check_thread = true;
    ct__parallel_for(1000, 1, note, r);
    return NULL;
}
static void start_second(int64_t begin, int64_t end, void *arg) {
    (void)end;
    if (begin != 0) return;
    pthread_t t;
    pthread_create(&t, NULL, pool_busy_elsewhere, arg);
    pthread_join(t, NULL);
}

START_TEST(a_second_submitter_runs_the_same_ranges_itself) {
    set_threads(4);
    record r = {.chunk = ct__parallel_chunk(1000, 1)};
    ct__parallel_for(4, 1, start_second, &r); /* holds the pool until the second is through */
    check_cover(&r, 1000, 1);
    ck_assert_int_eq(atomic_load(&r.wrong_threads), 0);
    set_threads(0);
}
END_TEST

static record nested[4];
static void nest(int64_t begin, int64_t end, void *arg) {
    (void)end;
    (void)arg;
    record *r = &nested[begin];
    r->chunk = ct__parallel_chunk(100, 1);
    r->only = pthread_self();
    r->check_thread = true;
    ct__parallel_for(100, 1, note, r);
}

START_TEST(a_nested_call_runs_in_its_own_thread) {
    set_threads(4);
    memset(nested, 0, sizeof nested);
    ct__parallel_for(4, 1, nest, NULL);
    for (int i = 0; i < 4; i++) {
        check_cover(&nested[i], 100, 1);
        ck_assert_int_eq(atomic_load(&nested[i].wrong_threads), 0);
    }
    set_threads(0);
}
END_TEST

static void add_one(int64_t begin, int64_t end, void *arg) {
    for (int64_t i = begin; i < end; i++) ((int64_t *)arg)[i]++;
}

static void *submit_many(void *arg) {
    for (int k = 0; k < 2000; k++) ct__parallel_for(500, 1, add_one, arg);
    return NULL;
}

START_TEST(many_submitters_at_once) {
    set_threads(3);
    static int64_t counts[4][500];
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, submit_many, counts[i]);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 500; k++) ck_assert_int_eq(counts[i][k], 2000);
    set_threads(0);
}
END_TEST

/* Jobs that start while the workers spin, while they sleep, and that last long enough for the caller to sleep. */
START_TEST(no_wake_up_is_lost) {
    const int threads[] = {2, 3, 9};
    for (size_t t = 0; t < CT__COUNT(threads); t++) {
        set_threads(threads[t]);
        for (int k = 0; k < 300; k++) {
            record r = {.chunk = ct__parallel_chunk(100, 1), .delay_us = k % 3 == 0 ? 60 : 0};
            ct__parallel_for(100, 1, note, &r);
            check_cover(&r, 100, 1);
            usleep((useconds_t)(k % 5) * 10);
        }
    }
    set_threads(0);
}
END_TEST

START_TEST(a_forked_child_has_a_pool_of_its_own) {
    if (TEST_TSAN) {
        test_skip("TSan cannot follow threads that a forked child starts");
        return;
    }
    set_threads(3);
    static int64_t counts[90];
    ct__parallel_for(90, 1, add_one, counts);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        for (int k = 0; k < 50; k++) ct__parallel_for(90, 1, add_one, counts);
        for (int k = 0; k < 90; k++)
            if (counts[k] != 51) _exit(1);
        if (ct_set_num_threads(2) != CT_OK) _exit(2);
        ct__parallel_for(90, 1, add_one, counts);
        exit(0); /* joins the workers on the way */
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    ct__parallel_for(90, 1, add_one, counts); /* and the parent's still works */
    for (int k = 0; k < 90; k++) ck_assert_int_eq(counts[k], 2);
    set_threads(0);
}
END_TEST

/* In arg: how many ranges see a product of denormal size as zero. */
static void count_flushed(int64_t begin, int64_t end, void *arg) {
    (void)begin, (void)end;
    volatile float small = 1e-20f, product = small * small;
    usleep(200); /* so that workers come to take a range */
    if (product == 0) atomic_fetch_add((atomic_int *)arg, 1);
}

static int flushed_ranges(void) {
    atomic_int n = 0;
    ct__parallel_for(4, 1, count_flushed, &n);
    return atomic_load(&n);
}

START_TEST(denormals_are_flushed_by_all_threads_or_none) {
    set_threads(4);
    if (!ct_set_flush_denormal(false)) test_skip("this processor cannot flush denormals");
    else {
        for (int k = 0; k < 20; k++) {
            ck_assert_int_eq(flushed_ranges(), 0);
            ck_assert(ct_set_flush_denormal(true));
            ck_assert(ct__flush_denormals(true)); /* what it was */
            ck_assert_int_eq(flushed_ranges(), 4);
            ck_assert(ct_set_flush_denormal(false));
            ck_assert(!ct__flushes_denormals());
        }
    }
    set_threads(0);
}
END_TEST

START_TEST(numbers_of_threads_out_of_range_are_refused) {
    int before = ct_get_num_threads();
    ck_assert_int_eq(ct_set_num_threads(0), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_set_num_threads: 0 threads; 1 to 256");
    ck_assert_int_eq(ct_set_num_threads(257), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "257");
    ck_assert_int_eq(ct_get_num_threads(), before);
    set_threads(256);
    ck_assert_int_eq(ct_get_num_threads(), 256);
    ck_assert_int_eq(ct__parallel_count(1000, 1), 250); /* 4 each */
    run_and_check(1000, 1);
    set_threads(0);
}
END_TEST

static void *set_from_outside(void *out) {
    *(ct_status *)out = ct_set_num_threads(1);
    return NULL;
}
static void set_while_busy(int64_t begin, int64_t end, void *out) {
    (void)end;
    if (begin != 0) return;
    pthread_t t;
    pthread_create(&t, NULL, set_from_outside, out);
    pthread_join(t, NULL);
}

START_TEST(the_number_does_not_change_under_a_job) {
    set_threads(2);
    ct_status got = CT_OK;
    ct__parallel_for(2, 1, set_while_busy, &got);
    ck_assert_int_eq(got, CT_ERR_STATE);
    ck_assert_int_eq(ct_get_num_threads(), 2);
    set_threads(0);
}
END_TEST

START_TEST(a_stopped_pool_starts_again) {
    set_threads(3);
    run_and_check(100, 1);
    ct__pool_stop();
    ct__pool_stop();
    run_and_check(100, 1);
    set_threads(0);
}
END_TEST

START_TEST(the_environment_sets_the_number) {
    static const struct {
        const char *value, *want;
    } cases[] = {{"3", "3"}, {"1", "1"}, {"5000", "256"}, {"0", "cpus"}, {"-2", "cpus"}, {"many", "cpus"}, {"4x", "cpus"}, {"", "cpus"}};
    const char *want = getenv("TEST_WANT_THREADS");
    if (want) { /* the inner one */
        ck_assert_int_eq(ct_get_num_threads(), strcmp(want, "cpus") == 0 ? ct__cpu_count() : atoi(want));
        run_and_check(1000, 1);
        return;
    }
    for (size_t i = 0; i < CT__COUNT(cases); i++) {
        char number[64], expected[64];
        snprintf(number, sizeof number, "CTORCH_NUM_THREADS=%s", cases[i].value);
        snprintf(expected, sizeof expected, "TEST_WANT_THREADS=%s", cases[i].want);
        bool passed = test_rerun("the_environment_sets_the_number", number, expected, NULL);
        ck_assert_msg(passed, "CTORCH_NUM_THREADS=%s did not give %s", cases[i].value, cases[i].want);
    }
}
END_TEST

TEST_LIST = {
    TEST(ranges_cover_everything_once),
    TEST(every_thread_gets_work_where_there_is_enough),
    TEST(a_second_submitter_runs_the_same_ranges_itself),
    TEST(a_nested_call_runs_in_its_own_thread),
    TEST(many_submitters_at_once),
    TEST(no_wake_up_is_lost),
    TEST(a_forked_child_has_a_pool_of_its_own),
    TEST(denormals_are_flushed_by_all_threads_or_none),
    TEST(numbers_of_threads_out_of_range_are_refused),
    TEST(the_number_does_not_change_under_a_job),
    TEST(a_stopped_pool_starts_again),
    TEST(the_environment_sets_the_number),
};
TEST_MAIN("pool")
