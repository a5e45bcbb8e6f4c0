/*
 * TensorBoard event files: frames, errors, a full disk. That TensorBoard reads them is test_tensorboard.py's.
 */
#include "support/test.h"

#include "base/file.h"
#include "train/event_file.h"

#include <ctorch/ops_create.h>
#include <ctorch/summary_writer.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* The number of records, each with a length that fits; -1 if the last one is torn. */
static int count_records(const char *path) {
    char *data;
    size_t size, at = 0;
    int n = 0;
    ck_assert_int_eq(ct__file_read("test", path, 1 << 24, &data, &size), CT_OK);
    while (at + 12 <= size) {
        uint64_t length;
        memcpy(&length, data + at, 8);
        if (length > size || at + 16 + length > size) break;
        at += 16 + (size_t)length, n++;
    }
    ct__free(data);
    return at == size ? n : -1;
}

START_TEST(a_record_is_framed_as_tensorflow_frames_it) {
    /* What tensorboard 2.21's RecordWriter writes for these bytes. */
    static const unsigned char WANT[] = {9, 0, 0, 0, 0, 0, 0, 0, 55, 249, 113, 57, '1', '2', '3', '4', '5', '6', '7', '8', '9', 229, 176, 138, 199};
    ct__buf event = {0}, record = {0};
    ct__buf_puts(&event, "123456789");
    ck_assert_int_eq(ct__event_record(&record, &event), CT_OK);
    ck_assert_uint_eq(record.size, sizeof WANT);
    ck_assert_mem_eq(record.data, WANT, sizeof WANT);
    ct__buf_free(&event);
    ct__buf_free(&record);
}
END_TEST

START_TEST(events_are_in_the_file_after_a_flush) {
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/a/b", test_tmp("runs"));
    ct_summary_writer *w = ct_summary_writer_new(folder, &(ct_summary_writer_options){.filename_suffix = ".test", .purge_step = ct_some_i64(7)});
    ck_ok();
    const char *path = ct_summary_writer_path(w);
    ck_assert_ptr_nonnull(strstr(path, "/a/b/events.out.tfevents."));
    ck_assert_str_eq(path + strlen(path) - 5, ".test");
    ck_assert_int_eq(count_records(path), 2); /* version and purge are there at once */
    ct_summary_writer_add_scalar(w, "loss", 0.5, 1);
    ct_summary_writer_add_text(w, "note", "**bold**", 1);
    ct_summary_writer_add_histogram(w, "w", ct_arange(-3, 4, 1, CT_F32), 1);
    ct_summary_writer_add_image(w, "digit", ct_full(CT_SHAPE(3, 4, 5), 0.5, CT_F32), 1);
    ck_ok();
    ck_assert_int_eq(count_records(path), 2);
    ck_assert_int_eq(ct_summary_writer_flush(w), CT_OK);
    ck_assert_int_eq(count_records(path), 6);
    ct_summary_writer_add_scalar(w, "loss", NAN, 2);
    char kept[4096];
    snprintf(kept, sizeof kept, "%s", path);
    ck_assert_int_eq(ct_summary_writer_free(w), CT_OK);
    ck_assert_int_eq(count_records(kept), 7);
    ck_assert_int_eq(ct_summary_writer_free(NULL), CT_OK);
    ck_assert_ptr_null(ct_summary_writer_path(NULL));
}
END_TEST

START_TEST(much_is_written_before_the_time_is_up) {
    ct_summary_writer *w = ct_summary_writer_new(test_tmp("many"), NULL);
    for (int i = 0; i < 3000; i++) ct_summary_writer_add_scalar(w, "loss", i, i);
    ck_ok();
    ck_assert_int_gt(count_records(ct_summary_writer_path(w)), 1000);
    ct_summary_writer_free(w);
    w = ct_summary_writer_new(test_tmp("soon"), &(ct_summary_writer_options){.flush_secs = 1e-9});
    ct_summary_writer_add_scalar(w, "loss", 1, 1);
    ck_assert_int_eq(count_records(ct_summary_writer_path(w)), 2);
    ct_summary_writer_free(w);
}
END_TEST

START_TEST(a_full_disk_leaves_whole_events_and_loses_none) {
    ct_summary_writer *w = ct_summary_writer_new(test_tmp("full"), &(ct_summary_writer_options){.flush_secs = 1e-9});
    ck_ok();
    struct rlimit old, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int added = 1; /* the version */
    ct_status status = CT_OK;
    for (int i = 0; status == CT_OK && i < 20; i++, added++) status = ct_summary_writer_add_scalar(w, "loss", i, i);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(status, CT_ERR_IO);
    ck_error(CT_ERR_IO, "ct_summary_writer_add_scalar: cannot write ");
    int there = count_records(ct_summary_writer_path(w));
    ck_assert_msg(there > 0 && there < added, "%d of %d records", there, added);
    ck_assert_int_eq(ct_summary_writer_flush(w), CT_OK); /* there is room again */
    ck_assert_int_eq(count_records(ct_summary_writer_path(w)), added);
    ct_summary_writer_free(w);
}
END_TEST

START_TEST(mistakes_are_errors) {
    ck_assert_ptr_null(ct_summary_writer_new("", NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_summary_writer_new: folder is empty");
    ck_assert_ptr_null(ct_summary_writer_new("/dev/null/x", NULL));
    ck_error(CT_ERR_IO, "ct_summary_writer_new: cannot make the folder /dev/null");
    ck_assert_ptr_null(ct_summary_writer_new("x", &(ct_summary_writer_options){.flush_secs = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "flush_secs is -1");
    ck_assert_ptr_null(ct_summary_writer_new("x", &(ct_summary_writer_options){.filename_suffix = "a/b"}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the filename_suffix a/b has a \"/\"");
    ct_summary_writer *w = ct_summary_writer_new(test_tmp("wrong"), NULL);
    ck_assert_int_eq(ct_summary_writer_add_scalar(w, "", 1, 1), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "a tag has 1 to 1023 bytes, not 0");
    ck_assert_int_eq(ct_summary_writer_add_histogram(w, "w", ct_full(CT_SHAPE(3), NAN, CT_F32), 1), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "none of the 3 elements of w is finite");
    ck_assert_int_ne(ct_summary_writer_add_image(w, "i", ct_zeros(CT_SHAPE(3), CT_F32), 1), CT_OK);
    ck_error(CT_ERR_SHAPE, "");
    ck_assert_int_eq(ct_summary_writer_add_text(w, "t", NULL, 1), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "text is NULL");
    ck_assert_int_eq(ct_summary_writer_add_scalar(NULL, "t", 1, 1), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "writer is NULL");
    ck_assert_int_eq(ct_summary_writer_flush(w), CT_OK);
    ck_assert_int_eq(count_records(ct_summary_writer_path(w)), 1); /* nothing of all that */
    ct_summary_writer_free(w);
}
END_TEST

START_TEST(every_failed_allocation_leaves_whole_records) {
    ct_summary_writer *w = ct_summary_writer_new(test_tmp("sweep"), NULL);
    bool done = false;
    int failures = 0;
    for (int64_t n = 1; !done && n < 500; n++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *x = ct_arange(0, 4, 1, CT_F32);
        ct_memory_fail_at(n);
        ct_summary_writer_add_histogram(w, "w", x, n);
        ct_summary_writer_add_text(w, "t", "x", n);
        ct_summary_writer_add_scalar(w, "s", 1, n);
        ct_memory_fail_at(0);
        done = ct_ok();
        failures += !done;
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_scope_end(scope);
    }
    ck_assert(done && failures > 5);
    ck_assert_int_eq(ct_summary_writer_flush(w), CT_OK);
    ck_assert_int_gt(count_records(ct_summary_writer_path(w)), 3);
    ct_summary_writer_free(w);
}
END_TEST

TEST_LIST = {
    TEST(a_record_is_framed_as_tensorflow_frames_it),
    TEST(events_are_in_the_file_after_a_flush),
    TEST(much_is_written_before_the_time_is_up),
    TEST(a_full_disk_leaves_whole_events_and_loses_none),
    TEST(mistakes_are_errors),
    TEST(every_failed_allocation_leaves_whole_records),
};
TEST_MAIN("summary_writer")
