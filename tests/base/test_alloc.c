/* The allocator: lib/base/alloc.c. All of it holds with CTORCH_ALLOC=system too; the last test runs the others that way. */
#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

#include <ctorch/sys/allocator.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static ct_memory_stats stats(void) { return ct_memory_get_stats(); }

/* Whether freed blocks are kept, which CTORCH_ALLOC and the sanitizers switch off. */
static bool caching(void) {
    ct__free(ct__alloc(1 << 20));
    return stats().cached_bytes > 0;
}

static void run_thread(void *(*fn)(void *), void *arg) {
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, fn, arg), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
}

START_TEST(blocks_are_aligned_and_apart) {
    enum { N = 400 };
    static unsigned char *p[N];
    static size_t size[N];
    for (int i = 0; i < N; i++) {
        size[i] = i < 300 ? (size_t)i * 31 : (size_t)(i - 299) * 40961;
        p[i] = ct__alloc(size[i]);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % 64, 0);
        memset(p[i], i & 255, size[i]);
    }
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < size[i]; k++)
            if (p[i][k] != (i & 255)) ck_abort_msg("block %d of %zu bytes was overwritten at %zu", i, size[i], k);
        ct__free(p[i]);
    }
}
END_TEST

START_TEST(stats_are_exact) {
    ct_memory_stats before = stats();
    void *a = ct__alloc(100), *b = ct__alloc(100000);
    ct_memory_stats now = stats();
    ck_assert_int_eq(now.live_blocks - before.live_blocks, 2);
    ck_assert_int_eq(now.requests - before.requests, 2);
    ck_assert_int_ge(now.live_bytes - before.live_bytes, 100100);
    ck_assert_int_le(now.live_bytes - before.live_bytes, 100100 + 100100 / 8 + 2 * 64 + 28);
    ct__free(a);
    ct__free(b);
    ct__free(NULL);
    now = stats();
    ck_assert_int_eq(now.live_blocks, before.live_blocks);
    ck_assert_int_eq(now.live_bytes, before.live_bytes);
    ck_assert_int_eq(now.requests - before.requests, 2);
}
END_TEST

START_TEST(at_most_an_eighth_is_wasted) {
    for (size_t size = 2000; size < 60000000; size += size / 37 + 1) {
        int64_t before = stats().live_bytes;
        void *p = ct__alloc(size);
        int64_t bytes = stats().live_bytes - before;
        ck_assert_int_ge(bytes, (int64_t)size);
        ck_assert_msg(bytes <= (int64_t)(size + 64 + 64) * 9 / 8, "%zu bytes took %lld", size, (long long)bytes);
        ct__free(p);
    }
}
END_TEST

START_TEST(peak_is_exact_on_one_thread) {
    ct_memory_reset_peak();
    int64_t base = stats().live_bytes;
    ck_assert_int_eq(stats().peak_bytes, base);
    const size_t sizes[] = {10, 3000, 70000, 5000000};
    for (size_t i = 0; i < CT__COUNT(sizes); i++) {
        void *a = ct__alloc(sizes[i]), *b = ct__alloc(sizes[i]);
        int64_t top = stats().live_bytes;
        ct__free(a);
        ct__free(b);
        ck_assert_int_eq(stats().peak_bytes, top); /* sizes rise, so each is a new peak */
    }
    /* Many small ones: the folds on the way must not lose the top. */
    ct_memory_reset_peak();
    static void *p[5000];
    for (int i = 0; i < 5000; i++) p[i] = ct__alloc(200);
    int64_t top = stats().live_bytes;
    for (int i = 0; i < 5000; i++) ct__free(p[i]);
    ck_assert_int_eq(stats().peak_bytes, top);
    ct_memory_reset_peak();
    ck_assert_int_eq(stats().peak_bytes, base);
}
END_TEST

START_TEST(the_nth_request_fails_once) {
    for (int n = 1; n <= 4; n++) {
        void *p[5];
        ct_memory_fail_at(n);
        for (int i = 1; i <= 4; i++) {
            p[i] = i % 2 ? ct__alloc(50) : ct__alloc_zero(50000);
            ck_assert_msg((p[i] == NULL) == (i == n), "request %d with fail_at(%d)", i, n);
            if (!p[i]) ck_error(CT_ERR_OUT_OF_MEMORY, i % 2 ? "50 bytes" : "50000 bytes");
        }
        for (int i = 1; i <= 4; i++) ct__free(p[i]);
    }
    ct_memory_fail_at(1);
    ct_memory_fail_at(0);
    void *p = ct__alloc(1);
    ck_ok();
    ct__free(p);
}
END_TEST

START_TEST(growth_is_a_request_and_shrinking_is_none) {
    char *p = ct__alloc(20);
    strcpy(p, "kept");
    int64_t before = stats().requests;
    ct_memory_fail_at(1);
    ck_assert_ptr_eq(ct__realloc(p, 10), p);
    ck_ok();
    ck_assert_ptr_null(ct__realloc(p, 30)); /* would fit into the block */
    ck_error(CT_ERR_OUT_OF_MEMORY, "30 bytes");
    ck_assert_str_eq(p, "kept");
    p = ct__realloc(p, 30);
    ck_assert_int_eq(stats().requests - before, 2);
    ct__free(p);
}
END_TEST

static void *allocate_once(void *out) {
    *(void **)out = ct__alloc(10);
    if (!*(void **)out) ct_error_clear();
    return NULL;
}

START_TEST(requests_of_all_threads_count_for_the_failure) {
    void *mine = NULL, *theirs = NULL;
    ct_memory_fail_at(2);
    mine = ct__alloc(10);
    run_thread(allocate_once, &theirs);
    ck_assert_ptr_nonnull(mine);
    ck_assert_ptr_null(theirs);
    run_thread(allocate_once, &theirs);
    ck_assert_ptr_nonnull(theirs);
    ct__free(mine);
    ct__free(theirs);
}
END_TEST

START_TEST(realloc_keeps_the_content) {
    unsigned char *p = NULL;
    size_t old = 0;
    for (size_t size = 1; size < 3000000; size = size * 3 + 1) {
        p = ct__realloc(p, size);
        ck_assert_ptr_nonnull(p);
        for (size_t i = 0; i < old; i++)
            if (p[i] != (i * 7 & 255)) ck_abort_msg("growing to %zu lost byte %zu", size, i);
        for (size_t i = old; i < size; i++) p[i] = (unsigned char)(i * 7);
        old = size;
    }
    ct__free(p);
}
END_TEST

START_TEST(zeroed_blocks_are_zero_also_when_reused) {
    const size_t sizes[] = {1, 500, 9000, 1000000, 5000000};
    for (size_t i = 0; i < CT__COUNT(sizes); i++)
        for (int round = 0; round < 2; round++) {
            unsigned char *p = ct__alloc_zero(sizes[i]);
            for (size_t k = 0; k < sizes[i]; k++)
                if (p[k]) ck_abort_msg("byte %zu of %zu is %d", k, sizes[i], p[k]);
            memset(p, 255, sizes[i]);
            ct__free(p);
        }
}
END_TEST

START_TEST(sizes_that_overflow_are_out_of_memory) {
    ck_assert_ptr_null(ct__alloc_array(SIZE_MAX / 4, 8));
    ck_error(CT_ERR_OUT_OF_MEMORY, "times 8 bytes");
    ck_assert_ptr_null(ct__alloc(SIZE_MAX));
    ck_error(CT_ERR_OUT_OF_MEMORY, "18446744073709551615 bytes");
    ck_assert_ptr_null(ct__alloc_zero((size_t)PTRDIFF_MAX / 2)); /* more than any address space */
    ck_error(CT_ERR_OUT_OF_MEMORY, "4611686018427387903 bytes");
    char *p = ct__alloc(8);
    ck_assert_ptr_null(ct__realloc(p, SIZE_MAX - 100));
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ct__free(p);
    p = ct__alloc_array(3, 5);
    ck_assert_ptr_nonnull(p);
    ct__free(p);
}
END_TEST

START_TEST(strings_are_copied) {
    char *a = ct__strdup("abc"), *b = ct__strndup("abc", 2), *c = ct__strndup("abc", 9), *d = ct__strdup("");
    ck_assert_str_eq(a, "abc");
    ck_assert_str_eq(b, "ab");
    ck_assert_str_eq(c, "abc");
    ck_assert_str_eq(d, "");
    ct__free(a);
    ct__free(b);
    ct__free(c);
    ct__free(d);
}
END_TEST

START_TEST(freed_blocks_are_used_again) {
    if (!caching()) return;
    const size_t sizes[] = {100, 8000, 9000, 3000000};
    for (size_t i = 0; i < CT__COUNT(sizes); i++) {
        void *p = ct__alloc(sizes[i]);
        ct__free(p);
        void *again = ct__alloc(sizes[i] - 1);
        ck_assert_ptr_eq(p, again);
        ct__free(again);
    }
}
END_TEST

START_TEST(trim_gives_all_of_it_back) {
    ct_memory_trim();
    int64_t before = stats().cached_bytes;
    static void *p[3000];
    for (int i = 0; i < 3000; i++) p[i] = ct__alloc((size_t)i * 10);
    for (int i = 0; i < 3000; i++) ct__free(p[i]);
    ck_assert(!caching() || stats().cached_bytes > before + 20000000);
    ct_memory_trim();
    ck_assert_int_eq(stats().cached_bytes, before);
    /* A slab stays as long as one of its blocks is in use, and its other blocks are usable. */
    for (int i = 0; i < 3000; i++) p[i] = ct__alloc(100);
    for (int i = 1; i < 3000; i++) ct__free(p[i]);
    ct_memory_trim();
    strcpy(p[0], "still mine");
    for (int i = 1; i < 3000; i++) memset(p[i] = ct__alloc(100), 1, 100);
    ck_assert_str_eq(p[0], "still mine");
    for (int i = 0; i < 3000; i++) ct__free(p[i]);
}
END_TEST

START_TEST(the_cache_is_bounded) {
    ct_memory_trim();
    ct_memory_reset_peak();
    void *p[20];
    for (int round = 1; round <= 10; round++) { /* other sizes each time: the classes do not fit */
        for (int i = 0; i < 3; i++) ck_assert_ptr_nonnull(p[i] = ct__alloc((size_t)(round * 3 + i) << 20));
        for (int i = 0; i < 3; i++) ct__free(p[i]);
        ct_memory_stats s = stats();
        int64_t limit = s.peak_bytes + s.peak_bytes / 2, most = limit > 64 << 20 ? limit : 64 << 20;
        ck_assert_int_le(s.cached_bytes, most + (4 << 20)); /* and slabs of small blocks */
    }
    /* The newest are what is kept. */
    if (caching()) {
        ck_assert_ptr_eq(p[0] = ct__alloc((size_t)32 << 20), p[2]);
        ct__free(p[0]);
    }
    ct_memory_trim();
}
END_TEST

enum { N_CROSS = 20000 };
static void *cross[N_CROSS];
static void *free_half(void *first) {
    for (int i = *(int *)first; i < N_CROSS; i += 2) ct__free(cross[i]);
    return NULL;
}

START_TEST(a_block_may_be_freed_on_any_thread) {
    ct_memory_trim();
    ct_memory_stats before = stats();
    for (int i = 0; i < N_CROSS; i++) cross[i] = ct__alloc(i % 100 ? 120 : 30000);
    pthread_t t[2];
    int first[2] = {0, 1};
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, free_half, &first[i]);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    ct_memory_stats now = stats();
    ck_assert_int_eq(now.live_blocks, before.live_blocks);
    ck_assert_int_eq(now.live_bytes, before.live_bytes);
    ck_assert_int_eq(now.requests - before.requests, N_CROSS);
    ct_memory_trim(); /* the threads' lists came back with their ends */
    ck_assert_int_eq(stats().cached_bytes, before.cached_bytes);
}
END_TEST

/* Threads that hand blocks to each other through slots, each block full of its own number. */
enum { N_SLOTS = 64 };
static _Atomic(uint32_t *) slots[N_SLOTS];
static atomic_int damaged;
static void check_and_free(uint32_t *p) {
    if (!p) return;
    for (uint32_t i = 1; i < p[0]; i++)
        if (p[i] != (p[0] ^ i)) atomic_fetch_add(&damaged, 1);
    ct__free(p);
}
static void *exchange(void *arg) {
    uint32_t x = (uint32_t)(uintptr_t)arg;
    for (int k = 0; k < 20000; k++) {
        x = x * 1664525 + 1013904223;
        uint32_t n = (x >> 8) % (k % 50 ? 500 : 20000) + 1;
        uint32_t *p = ct__alloc(n * sizeof *p);
        for (uint32_t i = 0; i < n; i++) p[i] = i ? n ^ i : n;
        check_and_free(atomic_exchange(&slots[x >> 26], p));
    }
    return NULL;
}

START_TEST(threads_do_not_get_each_others_blocks) {
    pthread_t t[3];
    for (uintptr_t i = 0; i < 3; i++) pthread_create(&t[i], NULL, exchange, (void *)(i + 1));
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < N_SLOTS; i++) check_and_free(atomic_exchange(&slots[i], NULL));
    ck_assert_int_eq(atomic_load(&damaged), 0);
}
END_TEST

static atomic_bool fork_stop;
static void *keep_allocating(void *unused) {
    while (!atomic_load(&fork_stop))
        for (int i = 0; i < 100; i++) ct__free(ct__alloc((size_t)i * 200));
    return unused;
}

START_TEST(a_forked_child_can_allocate) {
    if (TEST_ASAN) {
        test_skip("ASan's own malloc may be locked for ever in the child of a process with threads");
        return;
    }
    pthread_t t;
    pthread_create(&t, NULL, keep_allocating, NULL);
    int failures = 0;
    for (int k = 0; k < 20; k++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20); /* a lock that nobody holds any more would hang it */
            for (int i = 0; i < 2000; i++) ct__free(ct__alloc((size_t)i * 10));
            void *p = ct__alloc(10);
            ct__free(p);
            if (!TEST_TSAN) run_thread(allocate_once, &p); /* in a heap that may lie where the other thread's was */
            if (!TEST_TSAN) ct__free(p);
            if (!p) _exit(1);
            execlp("true", "true", (char *)NULL); /* not _exit(0): leak checkers see what the other thread had in hand */
            _exit(2);
        }
        int status;
        waitpid(child, &status, 0);
        failures += status != 0;
    }
    atomic_store(&fork_stop, true);
    pthread_join(t, NULL);
    ck_assert_int_eq(failures, 0);
}
END_TEST

static struct {
    int64_t blocks, bytes;
    bool refuse;
} own;
static void *own_allocate(size_t size, size_t alignment, void *user) {
    void *p = NULL;
    if (own.refuse || user != &own || posix_memalign(&p, alignment, size) != 0) return NULL;
    own.blocks++;
    own.bytes += (int64_t)size;
    return p;
}
static void own_free(void *p, size_t size, void *user) {
    if (user != &own) return;
    own.blocks--;
    own.bytes -= (int64_t)size;
    free(p);
}

START_TEST(an_allocator_of_the_program_serves_everything) {
    const ct_allocator mine = {.allocate = own_allocate, .free = own_free, .user = &own};
    void *p = ct__alloc(10);
    ck_assert_int_eq(ct_allocator_set(&mine), CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "still holds");
    ct__free(p);

    ck_assert_msg(ct_allocator_set(&mine) == CT_OK, "%s", ct_error_message());
    void *a = ct__alloc(10), *b = ct__alloc(5000000);
    ck_assert_int_ge(own.blocks, 2);
    ct_memory_stats s = stats();
    ck_assert_int_eq(own.bytes, s.live_bytes + s.cached_bytes);
    own.refuse = true;
    ck_assert_ptr_null(ct__alloc(7000000));
    ck_error(CT_ERR_OUT_OF_MEMORY, "7000000");
    own.refuse = false;
    ct__free(a);
    ct__free(b);
    ck_assert_int_eq(ct_allocator_set(NULL), CT_OK);
    ck_assert_int_eq(own.blocks, 0);
    ck_assert_int_eq(own.bytes, 0);
}
END_TEST

START_TEST(an_incomplete_allocator_is_refused) {
    ck_assert_int_eq(ct_allocator_set(&(ct_allocator){.allocate = own_allocate}), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "both functions");
    ct_allocator newer = {.allocate = own_allocate, .free = own_free, .reserved = {0, 1}};
    ck_assert_int_eq(ct_allocator_set(&newer), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_allocator_set: a reserved word");
}
END_TEST

/* With the caches full and the system out of memory, the caches are given up first. */
static int64_t own_limit = INT64_MAX;
static void *limited_allocate(size_t size, size_t alignment, void *user) {
    return own.bytes + (int64_t)size > own_limit ? NULL : own_allocate(size, alignment, user);
}

START_TEST(caches_are_given_up_before_a_request_fails) {
    const ct_allocator mine = {.allocate = limited_allocate, .free = own_free, .user = &own};
    ck_assert_msg(ct_allocator_set(&mine) == CT_OK, "%s", ct_error_message());
    own_limit = 20 << 20;
    for (int i = 1; i <= 9; i++) {
        void *p = ct__alloc((size_t)i << 20);
        ck_assert_msg(p != NULL, "%d MiB", i);
        ct__free(p);
    }
    own_limit = INT64_MAX;
    ck_assert_int_eq(ct_allocator_set(NULL), CT_OK);
    ck_assert_int_eq(own.blocks, 0);
}
END_TEST

/* A thread's first call when the system has nothing left, not even for the thread's lists. */
static void *first_call_without_memory(void *theirs) {
    static void *volatile block; /* a calloc whose block nobody sees may be taken for one that never fails */
    setrlimit(RLIMIT_AS, &(struct rlimit){1 << 20, 1 << 20});
    for (size_t size = 1 << 20; size >= 8; size /= 2)
        do block = calloc(1, size);
        while (block);
    bool failed = ct__alloc(10) == NULL && ct_error_status() == CT_ERR_OUT_OF_MEMORY;
    ct__free(theirs);
    return failed ? NULL : "got memory";
}
static int exhaust_and_call(void) {
    void *theirs = ct__alloc(100), *complaint = "";
    int64_t live = stats().live_blocks;
    pthread_t t;
    if (pthread_create(&t, NULL, first_call_without_memory, theirs) != 0) return 1;
    pthread_join(t, &complaint);
    return complaint ? 2 : stats().live_blocks == live - 1 ? 0 : 3;
}

START_TEST(a_threads_first_call_may_find_no_memory) {
    const char *preload = getenv("LD_PRELOAD");
    if (TEST_ASAN || TEST_TSAN || (preload && strstr(preload, "vgpreload"))) {
        test_skip("sanitizers and valgrind bring a malloc of their own, which RLIMIT_AS does not starve");
        return;
    }
    ct_memory_trim();
    pid_t child = fork();
    if (child == 0) _exit(exhaust_and_call());
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(all_of_it_holds_without_caches) {
    if (getenv("CTORCH_ALLOC")) return;
    ck_assert(test_rerun(NULL, "CTORCH_ALLOC=system", NULL));
}
END_TEST

START_TEST(system_mode_keeps_nothing) {
    const char *mode = getenv("CTORCH_ALLOC");
    if (!mode || strcmp(mode, "system") != 0) return;
    ck_assert(!caching());
    int64_t before = stats().live_bytes;
    void *p = ct__alloc(1000);
    ck_assert_int_eq(stats().live_bytes - before, 1064);
    ct__free(p);
    ck_assert_int_eq(stats().cached_bytes, 0);
}
END_TEST

TEST_LIST = {
    TEST(blocks_are_aligned_and_apart),
    TEST(stats_are_exact),
    TEST(at_most_an_eighth_is_wasted),
    TEST(peak_is_exact_on_one_thread),
    TEST(the_nth_request_fails_once),
    TEST(growth_is_a_request_and_shrinking_is_none),
    TEST(requests_of_all_threads_count_for_the_failure),
    TEST(realloc_keeps_the_content),
    TEST(zeroed_blocks_are_zero_also_when_reused),
    TEST(sizes_that_overflow_are_out_of_memory),
    TEST(strings_are_copied),
    TEST(freed_blocks_are_used_again),
    TEST(trim_gives_all_of_it_back),
    TEST(the_cache_is_bounded),
    TEST(a_block_may_be_freed_on_any_thread),
    TEST(threads_do_not_get_each_others_blocks),
    TEST(a_forked_child_can_allocate),
    TEST(an_allocator_of_the_program_serves_everything),
    TEST(an_incomplete_allocator_is_refused),
    TEST(caches_are_given_up_before_a_request_fails),
    TEST(system_mode_keeps_nothing),
    TEST(a_threads_first_call_may_find_no_memory),
    TEST(all_of_it_holds_without_caches),
};
TEST_MAIN("alloc")
