/*
 * Histories: series in memory, CSV, JSON lines, state dicts.
 */
#include "support/test.h"

#include "base/file.h"

#include <ctorch/history.h>
#include <ctorch/ops_create.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_file(const char *path, const char *want) {
    char *data;
    size_t size;
    ck_assert_int_eq(ct__file_read("test", path, 1 << 20, &data, &size), CT_OK);
    ck_assert_str_eq(data, want);
    ct__free(data);
}

static ct_history *example(void) {
    ct_history *h = ct_history_new();
    ct_history_log(h, "loss", 0.1, 1);
    ct_history_log(h, "loss", 1.0 / 3, 2);
    ct_history_log(h, "acc, \"top\"", 50, 2);
    ct_history_log(h, "loss", NAN, 4);
    ct_history_log(h, "acc, \"top\"", INFINITY, 3);
    ck_ok();
    return h;
}

START_TEST(series_come_back_in_order) {
    ct_history *h = example();
    ck_assert_int_eq(ct_history_num_series(h), 2);
    ck_assert_str_eq(ct_history_name_at(h, 0), "loss");
    ck_assert_str_eq(ct_history_name_at(h, 1), "acc, \"top\"");
    ck_assert_ptr_null(ct_history_name_at(h, 2));
    ck_assert_ptr_null(ct_history_name_at(h, -1));
    ck_values(ct_history_values(h, "loss"), 0.1, 1.0 / 3, NAN);
    ck_values(ct_history_steps(h, "loss"), 1, 2, 4);
    ct_history_log(h, "loss", 7, 4); /* the same step: the number is replaced */
    ck_values(ct_history_values(h, "loss"), 0.1, 1.0 / 3, 7);
    ct_history_free(h);
    ck_assert_int_eq(ct_history_num_series(NULL), 0);
    ct_history_free(NULL);
}
END_TEST

START_TEST(a_csv_has_a_line_for_each_step) {
    ct_history *h = example();
    const char *path = test_tmp("history.csv");
    ck_assert_int_eq(ct_history_write_csv(h, path), CT_OK);
    check_file(path, "step,loss,\"acc, \"\"top\"\"\"\n1,0.10000000000000001,\n2,0.33333333333333331,50\n3,,inf\n4,nan,\n");
    ct_history_free(h);
    h = ct_history_new();
    ck_assert_int_eq(ct_history_write_csv(h, path), CT_OK);
    check_file(path, "step\n");
    ct_history_free(h);
}
END_TEST

START_TEST(json_lines_have_what_is_there) {
    ct_history *h = example();
    ct_history_log(h, "a\\b\n", -2, 9);
    const char *path = test_tmp("history.jsonl");
    ck_assert_int_eq(ct_history_write_jsonl(h, path), CT_OK);
    check_file(path, "{\"step\": 1, \"loss\": 0.10000000000000001}\n{\"step\": 2, \"loss\": 0.33333333333333331, \"acc, \\\"top\\\"\": 50}\n"
                     "{\"step\": 3, \"acc, \\\"top\\\"\": null}\n{\"step\": 4, \"loss\": null}\n{\"step\": 9, \"a\\\\b\\u000a\": -2}\n");
    ct_history_free(h);
}
END_TEST

START_TEST(a_state_dict_brings_all_back) {
    ct_history *h = example(), *again = ct_history_new();
    ct_history_log(again, "other", 1, 1);
    ck_assert_int_eq(ct_history_load_state_dict(again, ct_history_state_dict(h)), CT_OK);
    ck_assert_int_eq(ct_history_num_series(again), 2);
    ck_values(ct_history_values(again, "loss"), 0.1, 1.0 / 3, NAN);
    ct_history_log(again, "loss", 5, 5); /* and it goes on */
    ck_values(ct_history_steps(again, "loss"), 1, 2, 4, 5);

    ct_dict *broken = ct_dict_new(), *one = ct_dict_new();
    ct_dict_set(one, "steps", ct_from_data((int64_t[]){2, 1}, CT_SHAPE(2), CT_I64));
    ct_dict_set_dict(broken, "x", one);
    ck_assert_int_eq(ct_history_load_state_dict(again, broken), CT_ERR_FORMAT);
    ck_error(CT_ERR_FORMAT, "the series x has no steps int64 [n] and values [n]");
    ct_dict_set(one, "values", ct_zeros(CT_SHAPE(2), CT_F64));
    ck_assert_int_eq(ct_history_load_state_dict(again, broken), CT_ERR_FORMAT);
    ck_error(CT_ERR_FORMAT, "step 1 of x comes after step 2");
    ck_assert_int_eq(ct_history_num_series(again), 2); /* as it was */
    ct_history_free(h);
    ct_history_free(again);
}
END_TEST

START_TEST(mistakes_change_nothing) {
    ct_history *h = example();
    ck_assert_int_eq(ct_history_log(h, "loss", 1, 3), CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "ct_history_log: step 3 of loss comes after step 4");
    ck_assert_int_eq(ct_history_log(h, "", 1, 3), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the name of a series has 1 to 255 bytes, not 0");
    ck_assert_int_eq(ct_history_log(NULL, "a", 1, 3), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "history is NULL");
    ck_assert_ptr_null(ct_history_values(h, "lost"));
    ck_error(CT_ERR_NOT_FOUND, "ct_history_values: there is no series lost among 2");
    ck_assert_int_eq(ct_history_write_csv(h, "/nowhere/x.csv"), CT_ERR_IO);
    ck_error(CT_ERR_IO, "/nowhere/x.csv");
    ck_assert_int_eq(ct_history_num_series(h), 2);

    /* A full disk leaves the file that was there. */
    const char *path = test_tmp("kept.csv");
    ck_assert_int_eq(ct_history_write_csv(h, path), CT_OK);
    ct_history_log(h, "loss", 9, 9);
    ct__file_fail_at(1);
    ck_assert_int_eq(ct_history_write_csv(h, path), CT_ERR_IO);
    ct__file_fail_at(0);
    ck_error(CT_ERR_IO, path);
    check_file(path, "step,loss,\"acc, \"\"top\"\"\"\n1,0.10000000000000001,\n2,0.33333333333333331,50\n3,,inf\n4,nan,\n");
    ct_history_free(h);
}
END_TEST

START_TEST(every_failed_allocation_is_an_error_and_nothing_is_lost) {
    const char *path = test_tmp("sweep.csv");
    bool done = false;
    int failures = 0;
    for (int64_t n = 1; !done && n < 500; n++) {
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(n);
        ct_history *h = ct_history_new(), *again = ct_history_new();
        for (int i = 0; i < 40; i++) ct_history_log(h, i % 2 ? "a" : "b", i, i);
        ct_history_load_state_dict(again, ct_history_state_dict(h));
        ct_history_write_csv(again, path);
        ct_memory_fail_at(0);
        done = ct_ok();
        failures += !done;
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_history_free(h);
        ct_history_free(again);
        ct_scope_end(scope);
    }
    ck_assert(done);
    ck_assert_int_gt(failures, 10);
}
END_TEST

TEST_LIST = {
    TEST(series_come_back_in_order),
    TEST(a_csv_has_a_line_for_each_step),
    TEST(json_lines_have_what_is_there),
    TEST(a_state_dict_brings_all_back),
    TEST(mistakes_change_nothing),
    TEST(every_failed_allocation_is_an_error_and_nothing_is_lost),
};
TEST_MAIN("history")
