/* Growable buffers: lib/base/vec.c. */
#include "base/vec.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

START_TEST(a_buffer_is_a_string_at_all_times) {
    ct__buf b = {0};
    ck_assert_int_eq(ct__buf_puts(&b, ""), CT_OK);
    ck_assert_str_eq(b.data, "");
    char want[3000] = "";
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(ct__buf_printf(&b, "%d;", i * i), CT_OK);
        sprintf(want + strlen(want), "%d;", i * i);
        ck_assert_str_eq(b.data, want);
        ck_assert_uint_eq(b.size, strlen(want));
        ck_assert_uint_lt(b.size, b.capacity);
    }
    ck_assert_int_eq(ct__buf_append(&b, "a\0b", 3), CT_OK);
    ck_assert_uint_eq(b.size, strlen(want) + 3);
    ck_assert_int_eq(b.data[b.size - 1], 'b');
    ck_assert_int_eq(b.data[b.size], '\0');
    ct__buf_free(&b);
    ck_assert_ptr_null(b.data);
    ct__buf_free(&b);
}
END_TEST

START_TEST(a_buffer_stops_at_its_maximum_and_keeps_what_it_has) {
    ct__buf b = {.max = 100};
    for (int i = 0; i < 100; i++) ck_assert_int_eq(ct__buf_append(&b, "x", 1), CT_OK);
    ck_assert_uint_le(b.capacity, 101);
    ck_assert_int_eq(ct__buf_append(&b, "y", 1), CT_ERR_UNSUPPORTED);
    ck_error(CT_ERR_UNSUPPORTED, "a buffer of 100 bytes cannot take 1 more: its limit is 100");
    ck_assert_int_eq(ct__buf_printf(&b, "%d", 5), CT_ERR_UNSUPPORTED);
    ck_error(CT_ERR_UNSUPPORTED, "its limit is 100");
    ck_assert_uint_eq(b.size, 100);
    ck_assert_uint_eq(strlen(b.data), 100);
    ck_assert_int_eq(ct__buf_append(&b, "", 0), CT_OK);
    ck_assert_int_eq(ct__buf_append(&b, "", SIZE_MAX), CT_ERR_UNSUPPORTED);
    ck_error(CT_ERR_UNSUPPORTED, "cannot take");
    ct__buf_free(&b);
    ck_assert_uint_eq(b.max, 100);
}
END_TEST

START_TEST(the_default_maximum_is_a_gibibyte) {
    ct__buf b = {0};
    ck_assert_int_eq(ct__buf_reserve(&b, ((size_t)1 << 30) + 1), CT_ERR_UNSUPPORTED);
    ck_error(CT_ERR_UNSUPPORTED, "its limit is 1073741824");
    ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(growth_that_fails_leaves_a_buffer_as_it_was) {
    ct__buf b = {0};
    ct__buf_puts(&b, "kept");
    char large[500];
    memset(large, 'z', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    ct_memory_fail_at(1);
    ck_assert_int_eq(ct__buf_puts(&b, large), CT_ERR_OUT_OF_MEMORY);
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ck_assert_str_eq(b.data, "kept");
    ct_memory_fail_at(1);
    ck_assert_int_eq(ct__buf_printf(&b, "%s", large), CT_ERR_OUT_OF_MEMORY);
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ck_assert_str_eq(b.data, "kept");
    ck_assert_uint_eq(b.size, 4);
    ck_assert_int_eq(ct__buf_printf(&b, "%s", large), CT_OK);
    ck_assert_uint_eq(b.size, 4 + strlen(large));
    ct__buf_free(&b);
}
END_TEST

START_TEST(a_vector_grows_and_survives_failure) {
    ct__vec v = {0};
    int x[1000];
    for (int i = 0; i < 1000; i++) ck_assert_int_eq(ct__vec_push(&v, &x[i]), CT_OK);
    for (int i = 0; i < 1000; i++) ck_assert_ptr_eq(v.data[i], &x[i]);
    ck_assert_int_eq(v.size, 1000);
    ck_assert_int_eq(ct__vec_reserve(&v, 5), CT_OK); /* never shrinks */
    ck_assert_int_ge(v.capacity, 1000);
    int64_t capacity = v.capacity;
    ct_memory_fail_at(1);
    ck_assert_int_eq(ct__vec_reserve(&v, capacity + 1), CT_ERR_OUT_OF_MEMORY);
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ck_assert_int_eq(v.capacity, capacity);
    ck_assert_ptr_eq(v.data[999], &x[999]);
    ck_assert_int_eq(ct__vec_reserve(&v, INT64_MAX), CT_ERR_OUT_OF_MEMORY);
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ct__vec_free(&v);
    ck_assert_int_eq(v.size + v.capacity, 0);
}
END_TEST

START_TEST(reserved_room_needs_no_further_request) {
    ct__vec v = {0};
    ck_assert_int_eq(ct__vec_reserve(&v, 100), CT_OK);
    int64_t before = ct_memory_get_stats().requests;
    for (int i = 0; i < 100; i++) ct__vec_push(&v, NULL);
    ck_assert_int_eq(ct_memory_get_stats().requests, before);
    ct__vec_free(&v);
}
END_TEST

START_TEST(shapes_are_written_like_torchs) {
    ct__shape_text t;
    ck_assert_str_eq(ct__shape_str(&t, NULL, 0), "[]");
    ck_assert_str_eq(ct__shape_str(&t, (int64_t[]){5}, 1), "[5]");
    ck_assert_str_eq(ct__shape_str(&t, (int64_t[]){2, 0, -4}, 3), "[2, 0, -4]");
    int64_t huge[40];
    for (int i = 0; i < 40; i++) huge[i] = INT64_MIN;
    for (int n = 1; n <= 40; n++) {
        const char *s = ct__shape_str(&t, huge, n);
        ck_assert_uint_lt(strlen(s), sizeof t.s);
        ck_assert_int_eq(s[strlen(s) - 1], ']');
        ck_assert((strstr(s, "...") != NULL) == (n > 8));
    }
}
END_TEST

TEST_LIST = {
    TEST(a_buffer_is_a_string_at_all_times),
    TEST(a_buffer_stops_at_its_maximum_and_keeps_what_it_has),
    TEST(the_default_maximum_is_a_gibibyte),
    TEST(growth_that_fails_leaves_a_buffer_as_it_was),
    TEST(a_vector_grows_and_survives_failure),
    TEST(reserved_room_needs_no_further_request),
    TEST(shapes_are_written_like_torchs),
};
TEST_MAIN("vec")
