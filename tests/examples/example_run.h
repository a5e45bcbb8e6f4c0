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

/* What the last run printed, stdout and stderr together. */
static char run_output[65536];

/* Runs the program with these arguments, through the shell; returns its exit status, -1 if a signal ended it. */
static int run_program(const char *format, ...) CT_PRINTF(1, 2);
static int run_program(const char *format, ...) {
    char command[4096];
    int n = snprintf(command, sizeof command, "%s ", EXAMPLE_PROGRAM);
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
static double run_number(const char *text) {
    const char *at = strstr(run_output, text);
    ck_assert_msg(at, "\"%s\" is not in:\n%.2000s", text, run_output);
    return strtod(at + strlen(text), NULL);
}

static void run_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

#endif
