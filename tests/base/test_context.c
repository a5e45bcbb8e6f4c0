/* Contexts: lib/base/context.c. */
#include "base/context.h"
#include "base/error.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *run_thread(void *(*fn)(void *), void *arg) {
    pthread_t t;
    void *result = NULL;
    ck_assert_int_eq(pthread_create(&t, NULL, fn, arg), 0);
    ck_assert_int_eq(pthread_join(t, &result), 0);
    return result;
}

static void *fail_here(void *unused) {
    (void)unused;
    if (!ct_ok()) return "began with an error";
    ct__fail(CT_ERR_SHAPE, "ct_f: in the thread");
    return ct_ok() ? "has no error of its own" : NULL;
}

START_TEST(a_threads_error_stays_on_that_thread) {
    void *complaint = run_thread(fail_here, NULL);
    ck_assert_msg(!complaint, "%s", (char *)complaint);
    ck_ok();
    ct__fail(CT_ERR_IO, "ct_f: here");
    complaint = run_thread(fail_here, NULL);
    ck_assert_msg(!complaint, "%s", (char *)complaint);
    ck_error(CT_ERR_IO, "here");
}
END_TEST

START_TEST(a_swapped_in_context_carries_its_own_state) {
    ct_context *mine = ct_context_new();
    ck_assert_ptr_nonnull(mine);
    ct__context()->modes = 5;
    ck_assert_ptr_null(ct_context_swap(mine));
    ck_assert_uint_eq(ct__context()->modes, 0);
    ct__context()->modes = 9;
    ct__fail(CT_ERR_DTYPE, "ct_f: in mine");
    ck_assert_ptr_eq(ct_context_swap(NULL), mine);
    ck_ok();
    ck_assert_uint_eq(ct__context()->modes, 5);
    ct__context()->modes = 0;
    ck_assert_ptr_null(ct_context_swap(NULL));
    ck_assert_ptr_null(ct_context_swap(mine));
    ck_assert_uint_eq(ct__context()->modes, 9);
    ck_assert_int_eq(ct_error_status(), CT_ERR_DTYPE);
    ck_assert_ptr_eq(ct_context_swap(NULL), mine);
    ct_context_free(mine); /* with its error */
    ct_context_free(NULL);
}
END_TEST

START_TEST(contexts_nest) {
    ct_context *a = ct_context_new(), *b = ct_context_new();
    ck_assert_ptr_null(ct_context_swap(a));
    ck_assert_ptr_eq(ct_context_swap(b), a);
    ct__fail(CT_ERR_SHAPE, "in b");
    ck_assert_ptr_eq(ct_context_swap(a), b);
    ck_ok();
    ck_assert_ptr_eq(ct_context_swap(a), a);
    ck_assert_ptr_eq(ct_context_swap(NULL), a);
    ct_context_free(a);
    ct_context_free(b);
}
END_TEST

START_TEST(an_installed_context_is_not_freed) {
    ct_context *mine = ct_context_new();
    ct_context_swap(mine);
    ct_context_free(mine);
    ck_error(CT_ERR_STATE, "ct_context_free: the context is installed");
    ct__context()->modes = 3; /* still there */
    ct_context_swap(NULL);
    ct_context_free(mine);
    ck_ok();
}
END_TEST

START_TEST(making_a_context_can_fail) {
    ct_memory_fail_at(1);
    ck_assert_ptr_null(ct_context_new());
    ck_assert_ptr_null(ct_context_new()); /* pending */
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
}
END_TEST

static void *work_in(void *context) {
    ct_context_swap(context);
    ct__context()->modes += 1;
    ct_context_swap(NULL);
    return ct__context()->modes == 0 ? NULL : "the thread's own was changed";
}

START_TEST(a_context_moves_between_threads) {
    ct_context *mine = ct_context_new();
    for (int i = 0; i < 3; i++) {
        void *complaint = run_thread(work_in, mine);
        ck_assert_msg(!complaint, "%s", (char *)complaint);
    }
    ct_context_swap(mine);
    ck_assert_uint_eq(ct__context()->modes, 3);
    ct_context_swap(NULL);
    ct_context_free(mine);
}
END_TEST

/* The destroy function of a slot: what it has seen. */
static atomic_int ended;
static _Atomic uint64_t ended_value;
static int report_to = -1;
static void on_end(struct ct_context *c) {
    uint64_t value = c->slot[CT__SLOT_GRAPH][7];
    if (!value) return;
    atomic_fetch_add(&ended, 1);
    atomic_store(&ended_value, value);
    if (report_to >= 0 && write(report_to, &value, sizeof value) < 0) abort();
    c->slot[CT__SLOT_GRAPH][7] = 0;
}

static void *use_slot(void *context) {
    ct__context()->slot[CT__SLOT_GRAPH][7] = 42;
    if (context) ct_context_swap(context); /* and ends with it installed */
    return NULL;
}

START_TEST(slots_end_with_the_thread_or_the_context) {
    ct__context_on_destroy(CT__SLOT_GRAPH, on_end);
    run_thread(use_slot, NULL);
    ck_assert_int_eq(atomic_load(&ended), 1);
    ck_assert_uint_eq(atomic_load(&ended_value), 42);

    ct_context *mine = ct_context_new();
    ct_context_swap(mine);
    ct__context()->slot[CT__SLOT_GRAPH][7] = 43;
    ct_context_swap(NULL);
    ct_context_free(mine);
    ck_assert_int_eq(atomic_load(&ended), 2);
    ck_assert_uint_eq(atomic_load(&ended_value), 43);

    /* A thread that ends with a context of the program's installed ends its own, not that one. */
    mine = ct_context_new();
    run_thread(use_slot, mine);
    ck_assert_int_eq(atomic_load(&ended), 3);
    ck_assert_uint_eq(atomic_load(&ended_value), 42);
    ct_context_free(mine); /* installed nowhere any more */
    ck_ok();
    ck_assert_int_eq(atomic_load(&ended), 3);
}
END_TEST

START_TEST(the_main_threads_context_ends_with_the_process) {
    ct__context_on_destroy(CT__SLOT_GRAPH, on_end);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        report_to = ends[1];
        ct__context()->slot[CT__SLOT_GRAPH][7] = 77;
        exit(0);
    }
    close(ends[1]);
    uint64_t value = 0;
    ck_assert_int_eq(read(ends[0], &value, sizeof value), sizeof value);
    ck_assert_uint_eq(value, 77);
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Destructors of other keys may run after ours; the library then starts anew and ends once more. */
static pthread_key_t late_key;
static void late(void *unused) {
    (void)unused;
    ct__context()->slot[CT__SLOT_GRAPH][7] = 99;
    ct__fail(CT_ERR_USER, "late");
}
static void *end_late(void *unused) {
    ct__context();
    pthread_setspecific(late_key, &late_key);
    return unused;
}

START_TEST(calls_after_the_threads_end_are_cleaned_up_too) {
    ct__context_on_destroy(CT__SLOT_GRAPH, on_end);
    ck_assert_int_eq(pthread_key_create(&late_key, late), 0);
    run_thread(end_late, NULL);
    ck_assert_uint_eq(atomic_load(&ended_value), 99);
    pthread_key_delete(late_key);
}
END_TEST

TEST_LIST = {
    TEST(a_threads_error_stays_on_that_thread),
    TEST(a_swapped_in_context_carries_its_own_state),
    TEST(contexts_nest),
    TEST(an_installed_context_is_not_freed),
    TEST(making_a_context_can_fail),
    TEST(a_context_moves_between_threads),
    TEST(slots_end_with_the_thread_or_the_context),
    TEST(the_main_threads_context_ends_with_the_process),
    TEST(calls_after_the_threads_end_are_cleaned_up_too),
};
TEST_MAIN("context")
