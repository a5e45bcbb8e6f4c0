/* Scopes: lib/core/scope.c. What is alive is told by the number of blocks in use, or by the deleter of foreign memory. */
#include "support/test.h"

#include "core/object.h"
#include <ctorch/autograd.h>
#include <ctorch/dict.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <pthread.h>

static float number[1];
static void count_end(void *data, void *user) {
    (void)data;
    ++*(int *)user;
}
/* A tensor whose end adds one to *ended, which is static: the root scope ends after the test. */
static ct_tensor *mortal(int *ended) { return ct_from_blob(number, CT_SHAPE(1), NULL, CT_F32, count_end, ended); }

/* ---- Begin and end ---- */

START_TEST(an_end_drops_what_was_made_since_the_begin) {
    static int outer, inner;
    ct_scope a = ct_scope_begin();
    mortal(&outer);
    ct_scope b = ct_scope_begin();
    for (int i = 0; i < 200; i++) mortal(&inner); /* more than the stack's first room */
    ct_scope_end(b);
    ck_assert_int_eq(inner, 200);
    ck_assert_int_eq(outer, 0);
    ct_scope_end(a);
    ck_assert_int_eq(outer, 1);
}
END_TEST

START_TEST(the_end_of_an_outer_scope_ends_the_inner_ones) {
    static int ended;
    ct_scope a = ct_scope_begin();
    ct_scope b = ct_scope_begin();
    mortal(&ended);
    ct_scope c = ct_no_grad_begin();
    mortal(&ended);
    ct_scope_end(a);
    ck_assert_int_eq(ended, 2);
    ck_assert(ct_is_grad_enabled());
    ct_scope_end(c); /* too late: nothing */
    ct_scope_end(b);
    mortal(&ended);
    ct_scope_end(b);
    ct_scope_end(a);
    ck_assert_int_eq(ended, 2);
}
END_TEST

START_TEST(a_late_end_leaves_newer_scopes_alone) {
    static int ended;
    ct_scope a = ct_scope_begin();
    ct_scope jumped = ct_scope_begin(), jumped_too = ct_no_grad_begin();
    ct_scope_end(a);
    ct_scope newer = ct_no_grad_begin();
    mortal(&ended);
    ct_scope_end(ct_scope_begin());
    ct_scope_end(jumped);
    ct_scope_end(jumped_too);
    ck_assert_int_eq(ended, 0);
    ck_assert(!ct_is_grad_enabled());
    ct_scope_end(newer);
    ck_assert_int_eq(ended, 1);
    ck_assert(ct_is_grad_enabled());
}
END_TEST

START_TEST(a_late_end_after_clearing_the_root_leaves_newer_scopes_alone) {
    static int ended;
    ct_scope jumped = ct_scope_begin();
    ct_scope_clear_root();
    ct_scope newer = ct_scope_begin();
    mortal(&ended);
    ct_scope_end(jumped);
    ck_assert_int_eq(ended, 0);
    ct_scope_end(newer);
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(a_zeroed_scope_ends_nothing) {
    static int ended;
    mortal(&ended);
    ct_scope_end((ct_scope){0});
    ck_assert_int_eq(ended, 0);
    ct_scope_clear_root();
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(modes_come_back_with_the_end) {
    ct_scope a = ct_no_grad_begin();
    ct_scope b = ct_enable_grad_begin();
    ck_assert(ct_is_grad_enabled());
    ct_scope c = ct_inference_mode_begin();
    ck_assert(ct_is_inference_mode_enabled());
    ck_assert(!ct_is_grad_enabled());
    ct_scope_end(c);
    ck_assert(!ct_is_inference_mode_enabled());
    ck_assert(ct_is_grad_enabled());
    ct_scope_end(b);
    ck_assert(!ct_is_grad_enabled());
    ct_scope_end(a);
    ck_assert(ct_is_grad_enabled());
}
END_TEST

START_TEST(scopes_work_while_an_error_is_pending) {
    static int ended;
    ct_scope a = ct_scope_begin();
    ct_tensor *t = mortal(&ended), *u = mortal(&ended);
    ct_error_raise(CT_ERR_USER, "on purpose");
    ct_scope b = ct_no_grad_begin();
    ck_assert(!ct_is_grad_enabled());
    ct_scope_end(b);
    ck_assert(ct_is_grad_enabled());
    ck_assert_ptr_eq(ct_keep(t), t);
    ck_assert_int_eq(ct_scope_drop(u), CT_OK);
    ck_assert_int_eq(ended, 1);
    ct_scope_end(a);
    ct_release(t);
    ck_assert_int_eq(ended, 2);
    ck_error(CT_ERR_USER, "on purpose");
}
END_TEST

/* ---- Keep, drop, return ---- */

START_TEST(keep_outlives_the_scope) {
    static int ended;
    ct_scope a = ct_scope_begin();
    ct_tensor *t = ct_keep(mortal(&ended));
    ct_scope_end(a);
    ck_assert_int_eq(ended, 0);
    ck_assert_int_eq(ct_numel(t), 1);
    ct_release(t);
    ck_assert_int_eq(ended, 1);
    ck_assert_ptr_null(ct_keep(NULL));
    ct_release(NULL);
}
END_TEST

START_TEST(drop_takes_one_reference_the_newest) {
    static int ended;
    ct_list *list = ct_list_new();
    ct_tensor *t = mortal(&ended);
    ct_list_append(list, t);
    ck_assert_ptr_eq(ct_list_get(list, 0), t); /* the scope's second */
    ct_list_release(ct_list_keep(list));
    ck_assert_int_eq(ct_scope_drop(t), CT_OK);
    ck_assert_int_eq(ct_scope_drop(t), CT_OK);
    ck_assert_int_eq(ct_scope_drop(t), CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "ct_scope_drop: the innermost scope holds no reference");
    ck_assert_int_eq(ended, 0); /* the list's */
    ck_assert_int_eq(ct_scope_drop(NULL), CT_OK);
}
END_TEST

START_TEST(drop_does_not_reach_into_the_outer_scope) {
    static int ended;
    ct_tensor *t = mortal(&ended);
    ct_scope a = ct_scope_begin();
    ck_assert_int_eq(ct_scope_drop(t), CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "innermost scope");
    ct_scope_end(a);
    ck_assert_int_eq(ended, 0);
    ck_assert_int_eq(ct_scope_drop(t), CT_OK);
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(dropping_in_the_middle_keeps_the_others) {
    static int a, b, c;
    ct_scope s = ct_scope_begin();
    mortal(&a);
    ct_tensor *t = mortal(&b);
    mortal(&c);
    ck_assert_int_eq(ct_scope_drop(t), CT_OK);
    ck_assert_int_eq(b, 1);
    ck_assert_int_eq(a + c, 0);
    ct_scope_end(s);
    ck_assert_int_eq(a + b + c, 3);
}
END_TEST

START_TEST(return_gives_the_tensor_to_the_outer_scope) {
    static int made, other;
    ct_scope a = ct_scope_begin();
    ct_scope b = ct_no_grad_begin();
    mortal(&other);
    ct_tensor *t = mortal(&made);
    ck_assert_ptr_eq(ct_scope_return(b, t), t);
    ck_assert_int_eq(other, 1);
    ck_assert_int_eq(made, 0);
    ck_assert(ct_is_grad_enabled());
    ck_assert_int_eq(ct_scope_drop(t), CT_OK);
    ck_assert_int_eq(made, 1);
    ct_scope_end(a);
}
END_TEST

START_TEST(return_gives_a_reference_whether_or_not_the_scope_held_one) {
    static int ended;
    ct_tensor *t = mortal(&ended); /* the root's */
    ct_scope a = ct_scope_begin();
    ct_scope b = ct_scope_begin();
    ck_assert_ptr_eq(ct_scope_return(b, t), t);
    ck_assert_int_eq(ct_scope_drop(t), CT_OK); /* a's */
    ct_scope_end(a);
    ck_assert_int_eq(ended, 0);
}
END_TEST

START_TEST(return_of_null_ends_the_scope) {
    static int ended;
    ct_scope a = ct_scope_begin();
    mortal(&ended);
    ck_assert_ptr_null(ct_scope_return(a, NULL));
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(return_with_an_error_pending_gives_null_and_frees) {
    static int ended;
    ct_scope a = ct_scope_begin();
    ct_tensor *t = mortal(&ended);
    ct_error_raise(CT_ERR_USER, "on purpose");
    ck_assert_ptr_null(ct_scope_return(a, t));
    ck_assert_int_eq(ended, 1);
    ck_error(CT_ERR_USER, "on purpose");
}
END_TEST

START_TEST(lists_and_dicts_are_held_like_tensors) {
    static int ended;
    ct_scope a = ct_scope_begin();
    ct_list *list = ct_list_new();
    ct_dict *dict = ct_dict_keep(ct_dict_new());
    ct_list_append(list, mortal(&ended));
    ct_dict_set(dict, "t", mortal(&ended));
    ct_scope_end(a);
    ck_assert_int_eq(ended, 1);
    ct_dict_release(dict);
    ck_assert_int_eq(ended, 2);
}
END_TEST

START_TEST(returning_several_objects_hands_all_of_them_on) {
    static int ended;
    ct_scope outer = ct_scope_begin(), inner = ct_scope_begin();
    void *objects[] = {mortal(&ended), NULL, ct_list_new()};
    ck_assert(ct__scope_return_n(inner, objects, 3));
    ck_assert_int_eq(ended, 0);
    ck_assert_int_eq(ct_scope_drop(objects[0]), CT_OK);
    ck_assert_int_eq(ended, 1);
    ct_scope_end(outer);
}
END_TEST

/* ---- Failures ---- */

/* Fills the innermost scope until the next reference needs a wider stack. */
static void fill(void) {
    ct_scope_clear_root();
    for (int i = 0; i < 64; i++) ct_list_new();
}

START_TEST(a_scope_that_cannot_grow_fails_the_making_call) {
    static int ended;
    fill();
    ct_memory_fail_at(3); /* storage, handle, then the stack */
    ck_assert_ptr_null(mortal(&ended));
    ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
    ck_assert_int_eq(ended, 0); /* the call failed, the memory is still the caller's */
    ck_assert_ptr_nonnull(mortal(&ended));
}
END_TEST

START_TEST(a_return_that_finds_no_slot_ends_the_scope_and_frees) {
    static int ended;
    ct_tensor *t = ct_keep(mortal(&ended));
    fill();
    ct_scope a = ct_scope_begin();
    ct_memory_fail_at(1);
    ck_assert_ptr_null(ct_scope_return(a, t));
    ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
    ck_assert_int_eq(ended, 0); /* ours */
    ct_release(t);
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(returning_several_objects_without_a_slot_drops_all) {
    static int ended;
    ct_tensor *first = ct_keep(mortal(&ended)), *second = ct_keep(mortal(&ended));
    ct_scope_clear_root();
    for (int i = 0; i < 63; i++) ct_list_new(); /* room for one of the two */
    ct_scope a = ct_scope_begin();
    ct_memory_fail_at(1);
    ck_assert(!ct__scope_return_n(a, (void *[]){first, second}, 2));
    ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
    ct_release(second);
    ck_assert_int_eq(ended, 1);
    ct_release(first);
    ct_scope_clear_root(); /* the root may hold the first */
    ck_assert_int_eq(ended, 2);
}
END_TEST

/* A deleter of the program's may call the library: the stack is consistent while it runs. */
static void make_more(void *data, void *user) {
    (void)data;
    ct_scope s = ct_scope_begin();
    for (int i = 0; i < 100; i++) mortal(user);
    ct_scope_end(s);
    mortal(user); /* goes to the scope that is ending */
}
START_TEST(a_deleter_may_make_tensors) {
    static int ended;
    ct_scope a = ct_scope_begin();
    for (int i = 0; i < 3; i++) ct_from_blob(number, CT_SHAPE(1), NULL, CT_F32, make_more, &ended);
    ct_scope_end(a);
    ck_assert_int_eq(ended, 303);
}
END_TEST

/* ---- Threads and contexts ---- */

static void *leave_in_root(void *ended) {
    mortal(ended);
    ct_scope_begin(); /* never ended */
    mortal(ended);
    return NULL;
}
START_TEST(a_threads_root_ends_with_the_thread) {
    static int ended;
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, leave_in_root, &ended), 0);
    pthread_join(t, NULL);
    ck_assert_int_eq(ended, 2);
}
END_TEST

static void *release_here(void *t) {
    ct_release(t);
    return NULL;
}
START_TEST(release_works_on_any_thread) {
    static int ended;
    pthread_t thread;
    ct_tensor *t = ct_keep(mortal(&ended));
    ct_scope_clear_root();
    ck_assert_int_eq(pthread_create(&thread, NULL, release_here, t), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(ended, 1);
}
END_TEST

typedef struct slice {
    ct_context *context;
    int *ended;
    ct_scope scope;
    ct_tensor *t;
    bool wrong;
} slice;
static void *first_slice(void *argument) {
    slice *s = argument;
    ct_context *before = ct_context_swap(s->context);
    s->scope = ct_no_grad_begin();
    s->t = mortal(s->ended);
    ct_error_raise(CT_ERR_USER, "of the task");
    ct_context_swap(before);
    s->wrong = !ct_ok() || !ct_is_grad_enabled();
    return NULL;
}
static void *second_slice(void *argument) {
    slice *s = argument;
    ct_context *before = ct_context_swap(s->context);
    s->wrong |= ct_error_status() != CT_ERR_USER || ct_is_grad_enabled() || *s->ended != 0 || mortal(s->ended);
    ct_error_clear();
    s->wrong |= ct_scope_drop(s->t) != CT_OK || *s->ended != 1;
    ct_scope_end(s->scope);
    s->wrong |= !ct_is_grad_enabled();
    ct_context_swap(before);
    return NULL;
}
START_TEST(a_context_carries_its_scopes_and_error_between_threads) {
    static int ended;
    slice s = {.context = ct_context_new(), .ended = &ended};
    void *(*const slices[])(void *) = {first_slice, second_slice};
    for (int i = 0; i < 2; i++) {
        pthread_t t;
        ck_assert_int_eq(pthread_create(&t, NULL, slices[i], &s), 0);
        pthread_join(t, NULL);
        ck_assert(!s.wrong);
    }
    ct_context_free(s.context);
    ck_ok();
}
END_TEST

START_TEST(freeing_a_context_ends_its_scopes_and_forgets_its_error) {
    static int outer, inner;
    ct_context *c = ct_context_new();
    mortal(&outer);
    ct_context_swap(c);
    ct_scope_begin();
    mortal(&inner);
    ct_scope_begin();
    mortal(&inner);
    ct_error_raise(CT_ERR_USER, "forgotten");
    ck_assert_ptr_eq(ct_context_swap(NULL), c);
    ck_ok();
    ck_assert_int_eq(inner, 0);
    ct_context_free(c);
    ck_assert_int_eq(inner, 2);
    ck_assert_int_eq(outer, 0);
}
END_TEST

TEST_LIST = {
    TEST(an_end_drops_what_was_made_since_the_begin),
    TEST(the_end_of_an_outer_scope_ends_the_inner_ones),
    TEST(a_late_end_leaves_newer_scopes_alone),
    TEST(a_late_end_after_clearing_the_root_leaves_newer_scopes_alone),
    TEST(a_zeroed_scope_ends_nothing),
    TEST(modes_come_back_with_the_end),
    TEST(scopes_work_while_an_error_is_pending),
    TEST(keep_outlives_the_scope),
    TEST(drop_takes_one_reference_the_newest),
    TEST(drop_does_not_reach_into_the_outer_scope),
    TEST(dropping_in_the_middle_keeps_the_others),
    TEST(return_gives_the_tensor_to_the_outer_scope),
    TEST(return_gives_a_reference_whether_or_not_the_scope_held_one),
    TEST(return_of_null_ends_the_scope),
    TEST(return_with_an_error_pending_gives_null_and_frees),
    TEST(lists_and_dicts_are_held_like_tensors),
    TEST(returning_several_objects_hands_all_of_them_on),
    TEST(a_scope_that_cannot_grow_fails_the_making_call),
    TEST(a_return_that_finds_no_slot_ends_the_scope_and_frees),
    TEST(returning_several_objects_without_a_slot_drops_all),
    TEST(a_deleter_may_make_tensors),
    TEST(a_threads_root_ends_with_the_thread),
    TEST(release_works_on_any_thread),
    TEST(a_context_carries_its_scopes_and_error_between_threads),
    TEST(freeing_a_context_ends_its_scopes_and_forgets_its_error),
};
TEST_MAIN("scope")
