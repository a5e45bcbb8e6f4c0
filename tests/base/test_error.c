/* Errors: lib/base/error.c, options.c. */
#include "base/error.h"
#include "support/test.h"

#include <string.h>

START_TEST(the_first_error_wins) {
    ck_assert(ct_ok());
    ck_assert_str_eq(ct_error_message(), "");
    ck_assert_int_eq(ct__fail(CT_ERR_SHAPE, "ct_f: %d != %d", 3, 4), CT_ERR_SHAPE);
    ck_assert_int_eq(ct__fail(CT_ERR_IO, "later"), CT_ERR_SHAPE);
    ck_assert_int_eq(ct_error_raise(CT_ERR_USER, "later"), CT_ERR_SHAPE);
    ck_assert(!ct_ok());
    ck_assert_int_eq(ct_error_status(), CT_ERR_SHAPE);
    ck_assert_str_eq(ct_error_message(), "ct_f: 3 != 4");
    ct_error_clear();
    ck_assert(ct_ok());
    ck_assert_int_eq(ct_error_status(), CT_OK);
    ck_assert_str_eq(ct_error_message(), "");
}
END_TEST

START_TEST(programs_raise_their_own) {
    ck_assert_int_eq(ct_error_raise(CT_ERR_USER, "100% as it is: %s"), CT_ERR_USER);
    ck_error(CT_ERR_USER, "100% as it is: %s");
    ck_assert_int_eq(ct_error_raisef(CT_ERR_NOT_FOUND, "%s no. %d", "sample", 7), CT_ERR_NOT_FOUND);
    ck_error(CT_ERR_NOT_FOUND, "sample no. 7");
    ct_error_raise(CT_ERR_USER, NULL);
    ck_error(CT_ERR_USER, "no reason given");
    ct_status (*raisef)(ct_status, const char *, ...) = ct_error_raisef; /* without the compiler's check of formats */
    raisef(CT_ERR_USER, NULL);
    ck_error(CT_ERR_USER, "no reason given");
}
END_TEST

START_TEST(raising_what_is_no_error_is_a_misuse) {
    ck_assert_int_eq(ct_error_raise(CT_OK, "text"), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_error_raise: 0 is not the status of an error: text");
    ct_error_raise((ct_status)-3, "text");
    ck_error(CT_ERR_INVALID_ARGUMENT, "-3 is not");
    ct_error_raisef((ct_status)14, "%d", 5);
    ck_error(CT_ERR_INVALID_ARGUMENT, "14 is not");
}
END_TEST

START_TEST(every_status_has_its_name) {
    static const struct {
        ct_status status;
        const char *name;
    } all[] = {
        {0, "CT_OK"},           {1, "CT_ERR_INVALID_ARGUMENT"}, {2, "CT_ERR_SHAPE"},  {3, "CT_ERR_DTYPE"},
        {4, "CT_ERR_INDEX"},    {5, "CT_ERR_OUT_OF_MEMORY"},    {6, "CT_ERR_IO"},     {7, "CT_ERR_FORMAT"},
        {8, "CT_ERR_UNSUPPORTED"}, {9, "CT_ERR_STATE"},         {10, "CT_ERR_AUTOGRAD"}, {11, "CT_ERR_NOT_FOUND"},
        {12, "CT_ERR_USER"},    {13, "CT_ERR_INTERNAL"},        {14, "unknown status"}, {(ct_status)-1, "unknown status"},
        {CT_STATUS_FORCE_32BIT, "unknown status"},
    };
    for (size_t i = 0; i < CT__COUNT(all); i++) ck_assert_str_eq(ct_status_name(all[i].status), all[i].name);
}
END_TEST

START_TEST(long_sentences_are_cut_between_characters) {
    char text[600];
    memset(text, 'a', sizeof text);
    text[599] = '\0';
    ct_error_raise(CT_ERR_USER, text);
    ck_assert_uint_eq(strlen(ct_error_message()), 511);
    ct_error_clear();
    /* a character of 2, 3, 4 bytes at every place around the cut */
    const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t k = 0; k < 3; k++)
        for (size_t at = 505; at <= 511; at++) {
            size_t length = strlen(characters[k]);
            memset(text, 'a', sizeof text - 1);
            memcpy(text + at, characters[k], length);
            ct_error_raise(CT_ERR_USER, text);
            bool fits = at + length <= 511;
            ck_assert_uint_eq(strlen(ct_error_message()), fits ? 511 : at);
            ck_assert(memcmp(ct_error_message(), text, fits ? 511 : at) == 0);
            ct_error_clear();
        }
}
END_TEST

static struct {
    int calls;
    ct_status status;
    char text[64];
    void *user;
} heard;
static void listen(ct_status status, const char *sentence, void *user) {
    heard.calls++;
    heard.status = status;
    strncpy(heard.text, sentence, sizeof heard.text - 1);
    heard.user = user;
}

START_TEST(the_handler_hears_each_error_once) {
    ct_error_set_handler(listen, &heard);
    ct__fail(CT_ERR_DTYPE, "ct_g: f32");
    ct__fail(CT_ERR_SHAPE, "hidden by the first");
    ck_assert_int_eq(heard.calls, 1);
    ck_assert_int_eq(heard.status, CT_ERR_DTYPE);
    ck_assert_str_eq(heard.text, "ct_g: f32");
    ck_assert_ptr_eq(heard.user, &heard);
    ct_error_clear();
    ct__fail(CT_ERR_SHAPE, "next");
    ck_assert_int_eq(heard.calls, 2);
    ct_error_set_handler(NULL, NULL);
    ct_error_clear();
    ct__fail(CT_ERR_SHAPE, "unheard");
    ck_assert_int_eq(heard.calls, 2);
    ct_error_clear();
}
END_TEST

static void *fail_and_hand_over(void *out) {
    ct__fail(CT_ERR_FORMAT, "ct_worker: bad sample 3");
    if (!ct__error_take(out)) return "nothing to take";
    if (!ct_ok()) return "still pending after take";
    ct__error second;
    return ct__error_take(&second) ? "taken twice" : NULL;
}

START_TEST(a_workers_error_moves_to_the_thread_that_waits) {
    ct__error error;
    pthread_t t;
    void *complaint;
    pthread_create(&t, NULL, fail_and_hand_over, &error);
    pthread_join(t, &complaint);
    ck_assert_msg(!complaint, "%s", (char *)complaint);
    ck_ok();
    ct__error_put(&error);
    ck_error(CT_ERR_FORMAT, "ct_worker: bad sample 3");
    ct__fail(CT_ERR_SHAPE, "mine");
    ct__error_put(&error); /* the first wins here too */
    ck_error(CT_ERR_SHAPE, "mine");
    ct__error_put(&(ct__error){0});
    ck_ok();
}
END_TEST

START_TEST(reporting_out_of_memory_allocates_nothing) {
    int64_t before = ct_memory_get_stats().requests;
    ck_assert_int_eq(ct__fail_oom(123), CT_ERR_OUT_OF_MEMORY);
    ck_assert_int_eq(ct_memory_get_stats().requests, before);
    ck_error(CT_ERR_OUT_OF_MEMORY, "123 bytes");
}
END_TEST

typedef struct some_options {
    int x;
    uint64_t reserved[3];
} some_options;

START_TEST(reserved_words_must_be_zero) {
    const some_options good = {.x = 1}, *o = NULL;
    ck_assert_int_eq(CT__CHECK_OPTIONS("ct_h", o), CT_OK);
    o = &good;
    ck_assert_int_eq(CT__CHECK_OPTIONS("ct_h", o), CT_OK);
    for (int i = 0; i < 3; i++) {
        some_options bad = {.x = 1};
        bad.reserved[i] = 1;
        o = &bad;
        ck_assert_int_eq(CT__CHECK_OPTIONS("ct_h", o), CT_ERR_INVALID_ARGUMENT);
        ck_error(CT_ERR_INVALID_ARGUMENT, "ct_h: a reserved word of the options is not zero");
    }
}
END_TEST

START_TEST(optional_numbers_say_that_they_are_there) {
    ck_assert(ct_some_f64(0).has && ct_some_f64(0).value == 0 && ct_some_f64(-2.5).value == -2.5);
    ck_assert(ct_some_i64(0).has && ct_some_i64(INT64_MIN).value == INT64_MIN);
}
END_TEST

TEST_LIST = {
    TEST(the_first_error_wins),
    TEST(programs_raise_their_own),
    TEST(raising_what_is_no_error_is_a_misuse),
    TEST(every_status_has_its_name),
    TEST(long_sentences_are_cut_between_characters),
    TEST(the_handler_hears_each_error_once),
    TEST(a_workers_error_moves_to_the_thread_that_waits),
    TEST(reporting_out_of_memory_allocates_nothing),
    TEST(reserved_words_must_be_zero),
    TEST(optional_numbers_say_that_they_are_there),
};
TEST_MAIN("error")
