/*
 * Progress lines: what a log, a terminal and a callback get to see.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_openpt */
#endif
#include "support/test.h"

#include <ctorch/progress.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct log { char text[8192]; size_t size, writes; } log_;

static void collect(const char *text, size_t size, void *user) {
    log_ *l = user;
    ck_assert_uint_lt(l->size + size, sizeof l->text);
    memcpy(l->text + l->size, text, size);
    l->size += size, l->text[l->size] = '\0', l->writes++;
}

/* A bar that is drawn on every call: the interval is shorter than anything. */
static ct_progress *bar_into(log_ *l, int64_t total, const char *label) {
    ct_progress *p = ct_progress_new(total, &(ct_progress_options){.label = label, .unit = "images", .interval = 1e-12, .mode = CT_PROGRESS_BAR, .write = collect, .user = l});
    ck_ok();
    return p;
}

START_TEST(a_bar_is_redrawn_in_place_and_removed) {
    log_ l = {.size = 0};
    ct_progress *p = bar_into(&l, 8, "epoch 1/2");
    ct_progress_update(p, 2, 100, "loss 0.5");
    ck_assert_ptr_nonnull(strstr(l.text, "\repoch 1/2  [======>                 ]   25 %  loss 0.5  "));
    ck_assert_ptr_nonnull(strstr(l.text, " images/s  "));
    ck_assert_ptr_nonnull(strstr(l.text, " left\033[K"));
    ck_assert_uint_eq(l.writes, 1); /* one write a line: it does not tear */
    ct_progress_updatef(p, 8, 100, "loss %.3f", 0.25);
    ck_assert_ptr_nonnull(strstr(l.text, "[========================]  100 %  loss 0.250"));
    ck_assert_ptr_null(strchr(l.text, '\n'));
    ct_progress_free(p);
    ck_assert_str_eq(l.text + l.size - 4, "\r\033[K");
}
END_TEST

START_TEST(a_kept_bar_ends_with_its_last_state) {
    log_ l = {.size = 0};
    ct_progress *p = ct_progress_new(4, &(ct_progress_options){.mode = CT_PROGRESS_BAR, .keep = true, .interval = 1e6, .write = collect, .user = &l});
    ct_progress_update(p, 4, 0, "done");
    size_t before = l.writes;
    ct_progress_free(p);
    ck_assert_uint_le(before, 1);
    ck_assert_ptr_nonnull(strstr(l.text, "100 %  done"));
    ck_assert_ptr_nonnull(strstr(l.text, " in all"));
    ck_assert_int_eq(l.text[l.size - 1], '\n');
}
END_TEST

START_TEST(lines_are_whole_lines_without_control_characters) {
    log_ l = {.size = 0};
    ct_progress *p = ct_progress_new(3, &(ct_progress_options){.label = "a\nb", .interval = 1e-12, .mode = CT_PROGRESS_LINES, .write = collect, .user = &l});
    ct_progress_update(p, 1, 1, "x\033[2Jy\tz");
    ct_progress_update(p, 3, 1, NULL);
    ct_progress_free(p);
    ck_assert_ptr_null(strchr(l.text, '\033'));
    ck_assert_ptr_null(strchr(l.text, '\r'));
    ck_assert_ptr_nonnull(strstr(l.text, "a b   33 %  x [2Jy z"));
    ck_assert_uint_eq(l.writes, 2);
    char *end = strchr(l.text, '\n');
    ck_assert(end && strchr(end + 1, '\n') == l.text + l.size - 1);
}
END_TEST

START_TEST(a_log_gets_no_line_of_a_short_loop) {
    log_ l = {.size = 0};
    ct_progress *p = ct_progress_new(1000, &(ct_progress_options){.write = collect, .user = &l}); /* a callback is no terminal */
    for (int i = 1; i <= 1000; i++) ct_progress_updatef(p, i, 1, "%d", i);
    ct_progress_free(p);
    ck_assert_uint_eq(l.size, 0);
}
END_TEST

START_TEST(steps_of_an_earlier_run_count_as_done_only) {
    log_ l = {.size = 0};
    ct_progress *p = ct_progress_new(100, &(ct_progress_options){.initial = 50, .interval = 1e-12, .mode = CT_PROGRESS_LINES, .write = collect, .user = &l});
    ct_progress_update(p, 50, 0, NULL);
    ck_assert_ptr_nonnull(strstr(l.text, " 50 %"));
    ck_assert_ptr_null(strstr(l.text, "left")); /* nothing is known of this run's speed yet */
    ct_progress_update(p, 75, 0, NULL);
    ck_assert_ptr_nonnull(strstr(l.text, " 75 %"));
    ck_assert_ptr_nonnull(strstr(l.text, " 0:01 left"));
    ct_progress_free(p);
}
END_TEST

START_TEST(a_loop_of_unknown_length_counts) {
    log_ l = {.size = 0};
    ct_progress *p = bar_into(&l, 0, "reading");
    ct_progress_update(p, 12345, 1, NULL);
    ck_assert_ptr_nonnull(strstr(l.text, "\rreading  12345  "));
    ck_assert_ptr_null(strchr(l.text, '%'));
    ct_progress_free(p);
}
END_TEST

/* Reads what the terminal got so far. */
static size_t read_terminal(int master, char *text, size_t size) {
    ssize_t n = read(master, text, size - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    return (size_t)n;
}

START_TEST(a_terminal_gets_a_bar_as_wide_as_it_is) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) test_skip("there is no pseudo terminal");
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(terminal, 0);
    struct winsize size = {.ws_row = 24, .ws_col = 30};
    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    setenv("TERM", "xterm", 1);

    char text[1024];
    ct_progress *p = ct_progress_new(10, &(ct_progress_options){.label = "\xc3\xa4\xc3\xb6\xc3\xbc", .fd = terminal, .interval = 1e-12});
    ct_progress_update(p, 5, 0, "a text that is far too long for so narrow a terminal");
    size_t n = read_terminal(master, text, sizeof text);
    ck_assert_int_eq(text[0], '\r');
    ck_assert_str_eq(text + n - 3, "\033[K");
    ck_assert_uint_eq(n - 4, 29 + 3); /* 29 columns; three letters of two bytes */
    size.ws_col = 120; /* it may be made wider meanwhile */
    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    ct_progress_update(p, 6, 0, "a text that is far too long for so narrow a terminal");
    read_terminal(master, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "so narrow a terminal  0:0"));
    ct_progress_free(p);
    read_terminal(master, text, sizeof text);
    ck_assert_str_eq(text, "\r\033[K");

    setenv("TERM", "dumb", 1);
    p = ct_progress_new(10, &(ct_progress_options){.fd = terminal, .interval = 1e-12});
    ct_progress_update(p, 5, 0, NULL);
    read_terminal(master, text, sizeof text);
    ck_assert_ptr_null(strchr(text, '\033'));
    ct_progress_free(p);
    close(terminal);
    close(master);
}
END_TEST

START_TEST(it_works_while_an_error_is_pending_and_for_null) {
    log_ l = {.size = 0};
    ct_progress *p = bar_into(&l, 2, "x");
    ct_error_raise(CT_ERR_USER, "something");
    ct_progress_update(p, 1, 0, NULL);
    ck_assert_uint_gt(l.size, 0);
    ck_assert_ptr_null(ct_progress_new(3, NULL));
    ct_progress_free(p);
    ck_error(CT_ERR_USER, "something");
    ct_progress_update(NULL, 1, 1, "x");
    ct_progress_updatef(NULL, 1, 1, "%d", 1);
    ct_progress_free(NULL);
    p = ct_progress_new(3, &(ct_progress_options){.mode = CT_PROGRESS_OFF, .interval = 1e-12, .write = collect, .user = &l});
    size_t before = l.size;
    ct_progress_update(p, 1, 1, "x");
    ct_progress_free(p);
    ck_assert_uint_eq(l.size, before);
}
END_TEST

START_TEST(wrong_options_are_errors) {
    ck_assert_ptr_null(ct_progress_new(1, &(ct_progress_options){.interval = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: interval is -1 seconds");
    ck_assert_ptr_null(ct_progress_new(1, &(ct_progress_options){.mode = (ct_progress_mode)7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: unknown mode 7");
    ck_assert_ptr_null(ct_progress_new(1, &(ct_progress_options){.fd = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: fd is -1");
    ck_assert_ptr_null(ct_progress_new(1, &(ct_progress_options){.initial = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: initial is -1");
    for (int n = 1; n <= 3; n++) {
        ct_memory_fail_at(n);
        ck_assert_ptr_null(ct_progress_new(1, &(ct_progress_options){.label = "a", .unit = "b"}));
        ct_memory_fail_at(0);
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
}
END_TEST

TEST_LIST = {
    TEST(a_bar_is_redrawn_in_place_and_removed),
    TEST(a_kept_bar_ends_with_its_last_state),
    TEST(lines_are_whole_lines_without_control_characters),
    TEST(a_log_gets_no_line_of_a_short_loop),
    TEST(steps_of_an_earlier_run_count_as_done_only),
    TEST(a_loop_of_unknown_length_counts),
    TEST(a_terminal_gets_a_bar_as_wide_as_it_is),
    TEST(it_works_while_an_error_is_pending_and_for_null),
    TEST(wrong_options_are_errors),
};
TEST_MAIN("progress")
