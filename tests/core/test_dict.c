#include "support/test.h"

#include "core/dict_impl.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ct_tensor *number(double v) { return test_f64(&v, NULL, 0); }

static void check_names(const ct_dict *d, const char *const *names, int64_t n) {
    ck_assert_int_eq(ct_dict_size(d), n);
    for (int64_t i = 0; i < n; i++) ck_assert_str_eq(ct_dict_name_at(d, i), names[i]);
}

/* ---- Lists ---- */

START_TEST(a_list_holds_its_tensors) {
    ct_list *list = ct_list_keep(ct_list_new());
    ck_assert_int_eq(ct_list_size(list), 0);
    ct_scope s = ct_scope_begin();
    for (int i = 0; i < 100; i++) ck_assert_int_eq(ct_list_append(list, number(i)), CT_OK);
    ct_scope_end(s);
    ck_assert_int_eq(ct_list_size(list), 100);
    for (int i = 0; i < 100; i++) {
        ck_assert_double_eq(ct_item_f64(ct_list_get(list, i)), i);
        ck_assert_ptr_eq(ct_list_data(list)[i], ct_list_get(list, i));
    }
    ct_tensor *t = ct_keep(ct_list_get(list, 7));
    ct_scope_clear_root();
    ct_list_release(list);
    ck_assert_double_eq(ct_item_f64(t), 7);
    ct_release(t);
}
END_TEST

START_TEST(list_errors_name_the_argument) {
    ct_list *list = ct_list_new();
    ct_list_append(list, number(1));
    ct_list_append(list, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_list_append: t is NULL");
    ct_list_append(NULL, number(1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_list_append: list is NULL");
    ck_assert_ptr_null(ct_list_get(list, 1));
    ck_error(CT_ERR_INDEX, "ct_list_get: index 1 is not in a list of 1");
    ck_assert_ptr_null(ct_list_get(list, -1));
    ck_error(CT_ERR_INDEX, "index -1");
    ck_assert_ptr_null(ct_list_get(NULL, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "list is NULL");
    ck_assert_int_eq(ct_list_size(NULL), 0);
    ck_assert_ptr_null(ct_list_data(NULL));
    ck_assert_ptr_null(ct_list_keep(NULL));
    ct_list_release(NULL);
    ck_assert_int_eq(ct_list_size(list), 1);
    ct_error_raise(CT_ERR_USER, "pending");
    ck_assert_ptr_null(ct_list_new());
    ck_assert_ptr_null(ct_list_get(list, 0));
    ck_assert_int_eq(ct_list_append(list, NULL), CT_ERR_USER);
    ck_error(CT_ERR_USER, "pending");
}
END_TEST

/* ---- Dicts ---- */

START_TEST(values_come_back_by_kind) {
    ct_dict *d = ct_dict_new(), *below = ct_dict_new();
    ct_tensor *t = number(3);
    char text[] = "changed later";
    ck_assert_int_eq(ct_dict_set(d, "t", t), CT_OK);
    ck_assert_int_eq(ct_dict_set_i64(d, "i", INT64_MIN), CT_OK);
    ck_assert_int_eq(ct_dict_set_f64(d, "f", -0.0), CT_OK);
    ck_assert_int_eq(ct_dict_set_string(d, "s", text), CT_OK);
    ck_assert_int_eq(ct_dict_set_dict(d, "d", below), CT_OK);
    text[0] = 'X';
    ck_assert(ct_is_same(ct_dict_get(d, "t"), t));
    ck_assert_int_eq(ct_dict_get_i64(d, "i"), INT64_MIN);
    ck_assert(signbit(ct_dict_get_f64(d, "f")));
    ck_assert_str_eq(ct_dict_get_string(d, "s"), "changed later");
    ck_assert_ptr_eq(ct_dict_get_dict(d, "d"), below);
    ck_assert_double_eq(ct_dict_get_f64(d, "i"), -0x1p63);
    static const ct_dict_kind kinds[] = {CT_DICT_TENSOR, CT_DICT_INT, CT_DICT_FLOAT, CT_DICT_STRING, CT_DICT_DICT};
    check_names(d, (const char *[]){"t", "i", "f", "s", "d"}, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(ct_dict_kind_at(d, i), kinds[i]);
        ck_assert_int_eq(ct_dict_kind_of(d, ct_dict_name_at(d, i)), kinds[i]);
    }
    ck_assert_int_eq(ct_dict_kind_of(d, "x"), CT_DICT_NONE);
}
END_TEST

START_TEST(setting_again_replaces_and_keeps_the_place) {
    ct_dict *d = ct_dict_new(), *below = ct_dict_new();
    ct_dict_set(d, "a", number(1));
    ct_dict_set_string(d, "b", "x");
    ct_dict_set_dict(d, "c", below);
    ct_dict_set_i64(d, "a", 5);
    ct_dict_set(d, "b", number(2));
    ct_dict_set_dict(d, "c", below); /* the same value again */
    ct_tensor *t = ct_dict_get(d, "b");
    ct_dict_set(d, "b", t);
    check_names(d, (const char *[]){"a", "b", "c"}, 3);
    ck_assert_int_eq(ct_dict_get_i64(d, "a"), 5);
    ck_assert_double_eq(ct_item_f64(ct_dict_get(d, "b")), 2);
    ck_assert_ptr_eq(ct_dict_get_dict(d, "c"), below);
    ck_ok();
}
END_TEST

START_TEST(a_value_whose_only_holder_is_its_own_place_survives_being_set_again) {
    ct_dict *d = ct_dict_new(), *b = ct_dict_new();
    ct_scope s = ct_scope_begin();
    ct_tensor *t = number(4);
    ct_dict *below = ct_dict_new();
    ct_dict_set(d, "t", t);
    ct_dict_set_dict(b, "d", below);
    ct_scope_end(s); /* the dicts hold the only references now */
    ck_assert_int_eq(ct_dict_set(d, "t", t), CT_OK);
    ck_assert_int_eq(ct_dict_set_dict(b, "d", below), CT_OK);
    ck_assert_double_eq(ct_item_f64(ct_dict_get(d, "t")), 4);
    ck_assert_int_eq(ct_dict_size(ct_dict_get_dict(b, "d")), 0);
}
END_TEST

START_TEST(ten_thousand_names_are_found_in_order) {
    enum { N = 10000 };
    ct_dict *d = ct_dict_new();
    char name[32];
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "layer.%d.weight", i);
        ck_assert_int_eq(ct_dict_set_i64(d, name, i), CT_OK);
    }
    ck_assert_int_eq(ct_dict_size(d), N);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "layer.%d.weight", i);
        ck_assert_str_eq(ct_dict_name_at(d, i), name);
        ck_assert_int_eq(ct_dict_get_i64(d, name), i);
        snprintf(name, sizeof name, "layer.%d.bias", i);
        ck_assert_int_eq(ct_dict_kind_of(d, name), CT_DICT_NONE);
    }
}
END_TEST

START_TEST(random_sets_and_removals_agree_with_an_array) {
    enum { NAMES = 60 };
    int order[NAMES], n = 0, value[NAMES];
    ct_dict *d = ct_dict_new();
    uint32_t r = 1;
    char name[16];
    for (int step = 0; step < 20000; step++) {
        r = r * 1664525u + 1013904223u;
        int k = (int)(r >> 16) % NAMES, at = 0;
        snprintf(name, sizeof name, "name %d", k);
        while (at < n && order[at] != k) at++;
        if ((r >> 8) % 3) {
            ct_dict_set_i64(d, name, step);
            value[k] = step;
            if (at == n) order[n++] = k;
        } else if (at == n) {
            ct_dict_remove(d, name);
            ck_error(CT_ERR_NOT_FOUND, "ct_dict_remove: no \"name");
        } else {
            ck_assert_int_eq(ct_dict_remove(d, name), CT_OK);
            memmove(order + at, order + at + 1, (size_t)(--n - at) * sizeof *order);
        }
        ck_assert_int_eq(ct_dict_size(d), n);
        for (int i = 0; i < n; i++) {
            snprintf(name, sizeof name, "name %d", order[i]);
            ck_assert_str_eq(ct_dict_name_at(d, i), name);
            ck_assert_int_eq(ct_dict_get_i64(d, name), value[order[i]]);
        }
    }
}
END_TEST

START_TEST(getters_say_what_is_there_instead) {
    ct_dict *d = ct_dict_new();
    ct_dict_set_string(d, "lr", "fast");
    ck_assert_double_eq(ct_dict_get_f64(d, "lr"), 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_get_f64: \"lr\" is a string, not a float");
    ck_assert_ptr_null(ct_dict_get(d, "lr"));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_get: \"lr\" is a string, not a tensor");
    ck_assert_ptr_null(ct_dict_get_dict(d, "lr"));
    ck_error(CT_ERR_INVALID_ARGUMENT, "not a dict");
    ck_assert_int_eq(ct_dict_get_i64(d, "lr"), 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "not an integer");
    ck_assert_ptr_null(ct_dict_get_string(d, "step"));
    ck_error(CT_ERR_NOT_FOUND, "ct_dict_get_string: no \"step\" among 1 names");
    ct_dict_set_f64(d, "x", 1.5);
    ck_assert_int_eq(ct_dict_get_i64(d, "x"), 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"x\" is a float, not an integer");
    ck_assert_ptr_null(ct_dict_get(NULL, "x"));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_get: dict is NULL");
    ck_assert_ptr_null(ct_dict_get(d, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "name is NULL");
    ck_assert_int_eq(ct_dict_size(NULL), 0);
    ck_assert_ptr_null(ct_dict_name_at(NULL, 0));
    ck_assert_ptr_null(ct_dict_name_at(d, 2));
    ck_assert_ptr_null(ct_dict_name_at(d, -1));
    ck_assert_int_eq(ct_dict_kind_at(d, 2), CT_DICT_NONE);
    ck_assert_int_eq(ct_dict_kind_of(NULL, "x"), CT_DICT_NONE);
    ck_assert_ptr_null(ct_dict_keep(NULL));
    ct_dict_release(NULL);
}
END_TEST

/* Names and strings: what is UTF-8 and what is not. */
static const struct {
    const char *text;
    bool ok;
    const char *reason;
} texts[] = {
    {"a", true, "ASCII"},
    {"\xc3\xa4", true, "two bytes"},
    {"\xe6\xbc\xa2", true, "three bytes"},
    {"\xf0\x9f\x98\x80", true, "four bytes"},
    {"\xf4\x8f\xbf\xbf", true, "U+10FFFF, the last one"},
    {"\xed\x9f\xbf", true, "U+D7FF, before the surrogates"},
    {"\x01\n", true, "control characters"},
    {"\xff", false, "no first byte"},
    {"\x80", false, "a continuation alone"},
    {"a\xc3", false, "cut off"},
    {"\xe6\xbc", false, "cut off after two of three"},
    {"\xc3(", false, "no continuation"},
    {"\xc0\xaf", false, "overlong slash"},
    {"\xe0\x80\xaf", false, "overlong in three"},
    {"\xf0\x80\x80\xaf", false, "overlong in four"},
    {"\xed\xa0\x80", false, "a surrogate"},
    {"\xf4\x90\x80\x80", false, "above U+10FFFF"},
    {"\xf8\x88\x80\x80\x80", false, "five bytes"},
};

START_TEST(names_and_strings_are_utf8) {
    ct_dict *d = ct_dict_new();
    for (size_t k = 0; k < CT__COUNT(texts); k++) {
        ct_status status = ct_dict_set_i64(d, texts[k].text, 1);
        ck_assert_msg((status == CT_OK) == texts[k].ok, "name: %s", texts[k].reason);
        if (!texts[k].ok) ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_i64: name is not UTF-8: byte 0x");
        status = ct_dict_set_string(d, "s", texts[k].text);
        ck_assert_msg((status == CT_OK) == texts[k].ok, "string: %s", texts[k].reason);
        if (!texts[k].ok) ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_string: value is not UTF-8");
    }
}
END_TEST

START_TEST(wrong_names_and_values_are_refused) {
    ct_dict *d = ct_dict_new();
    char longest[1025];
    memset(longest, 'n', sizeof longest);
    longest[1023] = '\0';
    ck_assert_int_eq(ct_dict_set_i64(d, longest, 1), CT_OK);
    longest[1023] = 'n';
    longest[1024] = '\0';
    ct_dict_set_i64(d, longest, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "a name of 1024 bytes, more than 1023: \"nnn");
    ct_dict_set_i64(d, "", 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "name is empty");
    ct_dict_set_f64(d, NULL, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_f64: name is NULL");
    ct_dict_set(d, "t", NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_set: value of \"t\" is NULL");
    ct_dict_set_string(d, "t", NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "value of \"t\" is NULL");
    ct_dict_set_dict(d, "t", NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "value of \"t\" is NULL");
    ct_dict_set_i64(NULL, "t", 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "dict is NULL");
    ck_assert_int_eq(ct_dict_size(d), 1);
}
END_TEST

START_TEST(a_dict_may_not_contain_itself) {
    ct_dict *a = ct_dict_new(), *b = ct_dict_new(), *c = ct_dict_new();
    ct_dict_set_dict(a, "self", a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dict_set_dict: \"self\" would make the dict contain itself, 1 deep");
    ct_dict_set_dict(a, "b", b);
    ct_dict_set_dict(b, "c", c);
    ct_dict_set_dict(c, "a", a);
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"a\" would make the dict contain itself, 3 deep");
    ct_dict_set_dict(a, "c", c); /* sharing is no cycle */
    ck_ok();
    ck_assert_int_eq(ct_dict_size(c), 0);
}
END_TEST

START_TEST(nesting_is_bounded_and_sharing_is_walked_once) {
    ct_dict *d = ct_dict_new();
    for (int i = 1; i < CT__DICT_MAX_DEPTH; i++) { /* each holds the one below twice: 2^63 ways to the last */
        ct_dict *outer = ct_dict_new();
        ck_assert_int_eq(ct_dict_set_dict(outer, "left", d), CT_OK);
        ck_assert_int_eq(ct_dict_set_dict(outer, "right", d), CT_OK);
        d = outer;
    }
    ct_dict *top = ct_dict_new();
    ck_assert_int_eq(ct_dict_set_dict(top, "d", d), CT_OK);
    ct_dict *over = ct_dict_new();
    ct_dict_set_dict(over, "d", top);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the value of \"d\" is nested more than 64 deep");
}
END_TEST

START_TEST(a_chain_of_any_length_is_freed_without_recursion) {
    ct_dict *top = ct_dict_keep(ct_dict_new()), *last = top;
    for (int i = 0; i < 200000; i++) { /* grown at the lower end, where no walk sees the depth */
        ct_scope s = ct_scope_begin();
        ct_dict *next = ct_dict_new();
        ck_assert_int_eq(ct_dict_set_dict(last, "next", next), CT_OK);
        last = next;
        ct_scope_end(s);
    }
    ct_dict_release(top);
}
END_TEST

START_TEST(with_an_error_pending_nothing_changes) {
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "a", 1);
    ct_tensor *t = number(1);
    ct_error_raise(CT_ERR_USER, "pending");
    ck_assert_ptr_null(ct_dict_new());
    ck_assert_int_eq(ct_dict_set(d, "t", t), CT_ERR_USER);
    ck_assert_int_eq(ct_dict_set_i64(d, "a", 2), CT_ERR_USER);
    ck_assert_int_eq(ct_dict_remove(d, "a"), CT_ERR_USER);
    ck_assert_int_eq(ct_dict_get_i64(d, "a"), 0);
    ck_assert_int_eq(ct_dict_kind_of(d, "a"), CT_DICT_INT);
    ck_error(CT_ERR_USER, "pending");
    ck_assert_int_eq(ct_dict_get_i64(d, "a"), 1);
    ck_assert_int_eq(ct_dict_size(d), 1);
}
END_TEST

/* Runs into growth of entries and of slots; after each failure the dict is what it was before the call. */
START_TEST(a_failed_allocation_leaves_the_dict_as_it_was) {
    int64_t failures = 0;
    ct_tensor *t = number(1);
    ct_dict *below = ct_dict_new();
    for (int n = 1;; n++) {
        ct_dict *d = ct_dict_new();
        char name[16] = "";
        int i = 0;
        ct_memory_fail_at(n);
        for (; i < 40; i++) {
            snprintf(name, sizeof name, "n%d", i);
            ct_status status = i % 4 == 0   ? ct_dict_set(d, name, t)
                               : i % 4 == 1 ? ct_dict_set_string(d, name, "text")
                               : i % 4 == 2 ? ct_dict_set_dict(d, name, below)
                                            : ct_dict_set_i64(d, name, i);
            if (status != CT_OK) break;
        }
        ct_memory_fail_at(0);
        if (i == 40) break;
        failures++;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ck_assert_int_eq(ct_dict_size(d), i);
        ck_assert_int_eq(ct_dict_kind_of(d, name), CT_DICT_NONE);
        for (int k = 0; k < i; k++) {
            snprintf(name, sizeof name, "n%d", k);
            ck_assert_str_eq(ct_dict_name_at(d, k), name);
            ck_assert_int_ne(ct_dict_kind_of(d, name), CT_DICT_NONE);
        }
        ck_assert_int_eq(ct_dict_set_i64(d, "after", 1), CT_OK);
    }
    ck_assert_int_gt(failures, 40);
}
END_TEST

TEST_LIST = {
    TEST(a_list_holds_its_tensors),
    TEST(list_errors_name_the_argument),
    TEST(values_come_back_by_kind),
    TEST(setting_again_replaces_and_keeps_the_place),
    TEST(a_value_whose_only_holder_is_its_own_place_survives_being_set_again),
    TEST(ten_thousand_names_are_found_in_order),
    TEST(random_sets_and_removals_agree_with_an_array),
    TEST(getters_say_what_is_there_instead),
    TEST(names_and_strings_are_utf8),
    TEST(wrong_names_and_values_are_refused),
    TEST(a_dict_may_not_contain_itself),
    TEST(nesting_is_bounded_and_sharing_is_walked_once),
    TEST(a_chain_of_any_length_is_freed_without_recursion),
    TEST(with_an_error_pending_nothing_changes),
    TEST(a_failed_allocation_leaves_the_dict_as_it_was),
};
TEST_MAIN("dict")
