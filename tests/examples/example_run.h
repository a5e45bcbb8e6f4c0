/*
 * example_run.h: runs an example program as a user does, and reads what it wrote. EXAMPLE_PROGRAM is its path, from CMake.
 */
#ifndef EXAMPLE_RUN_H
#define EXAMPLE_RUN_H

#include "support/test.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The program that runs; a test of several sets it. */
static const char *run_path = EXAMPLE_PROGRAM;

/* What the last run printed, stdout and stderr together. */
static char run_output[65536];

/* Runs the program with these arguments, through the shell; returns its exit status, -1 if a signal ended it. */
static int run_program(const char *format, ...) CT_PRINTF(1, 2);
static int run_program(const char *format, ...) {
    char command[4096];
    int n = snprintf(command, sizeof command, "%s ", run_path);
    va_list arguments;
    va_start(arguments, format);
    n += vsnprintf(command + n, sizeof command - (size_t)n, format, arguments);
    va_end(arguments);
    snprintf(command + n, sizeof command - (size_t)n, " 2>&1");

    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t length = fread(run_output, 1, sizeof run_output - 1, pipe);
    run_output[length] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The run must have this exit status and have printed this text. */
#define ck_run(status, text, ...)                                                                                 \
    do {                                                                                                          \
        int got_ = run_program(__VA_ARGS__);                                                                      \
        ck_assert_msg(got_ == (status), "exit status %d, expected %d; it printed:\n%.2000s", got_, (status), run_output); \
        ck_assert_msg(strstr(run_output, (text)), "\"%s\" is not in:\n%.2000s", (text), run_output);                   \
    } while (0)

/* A file's bytes, NUL-terminated; the caller frees. */
static char *run_file(const char *folder, const char *name, size_t *size) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s is not there", path);
    fseek(file, 0, SEEK_END);
    long n = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)n + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)n, file), (size_t)n);
    fclose(file);
    bytes[n] = '\0';
    if (size) *size = (size_t)n;
    return bytes;
}

/* The number behind a text in what the last run printed. */
static inline double run_number(const char *text) {
    const char *at = strstr(run_output, text);
    ck_assert_msg(at, "\"%s\" is not in:\n%.2000s", text, run_output);
    return strtod(at + strlen(text), NULL);
}

/* The folder holds a report, as a page and as Markdown, that is whole and has each of these texts, the last one NULL, as the Markdown writes them. */
static inline void run_report(const char *folder, const char *const texts[]) {
    char *page = run_file(folder, "report.html", NULL), *markdown = run_file(folder, "report.md", NULL);
    ck_assert_ptr_nonnull(strstr(page, "<!DOCTYPE html>"));
    ck_assert_ptr_nonnull(strstr(page, "</html>"));
    ck_assert_msg(!strstr(page, "<script") && !strstr(page, " nan"), "%s/report.html holds a script or a number that is none", folder);
    for (int i = 0; texts[i]; i++) ck_assert_msg(strstr(markdown, texts[i]), "\"%s\" is not in %s/report.md", texts[i], folder);
    for (const char *at = markdown; (at = strstr(at, "](report_files/")); at++) { /* each picture that it shows is there */
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 2, ")"), at + 2);
        free(run_file(folder, name, NULL));
    }
    free(page);
    free(markdown);
}
#define ck_report(folder, ...) run_report(folder, (const char *const[]){__VA_ARGS__, NULL})

static inline void run_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Two folders hold the same file. */
static inline void run_same_file(const char *a, const char *b, const char *name) {
    size_t n, m;
    char *x = run_file(a, name, &n), *y = run_file(b, name, &m);
    ck_assert_msg(n == m && !memcmp(x, y, n), "%s differs", name);
    free(x);
    free(y);
}

#endif
