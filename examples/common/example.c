/* See example.h. POSIX for mkdir, readlink and the clock. */
#define _POSIX_C_SOURCE 200809L
#include "example.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Paths ------------------------------------------------------------------------------------------------------- */

void join_path(char path[EXAMPLE_PATH], const char *folder, const char *file) {
    snprintf(path, EXAMPLE_PATH, "%s/%s", folder, file);
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder that the running program lies in; "." where the system does not tell. */
static void program_folder(char path[EXAMPLE_PATH]) {
    ssize_t length = readlink("/proc/self/exe", path, EXAMPLE_PATH - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
    else strcpy(path, ".");
}

bool find_data(const char *name, char path[EXAMPLE_PATH]) {
    char program[EXAMPLE_PATH];
    program_folder(program);
    const struct { const char *folder, *below; } places[] = {
        {getenv("CTORCH_DATA"), ""},
#ifdef CTORCH_EXAMPLES_DATA
        {CTORCH_EXAMPLES_DATA, ""},
#endif
        {program, "/../data"},
        {program, "/../../examples/data"},
        {"examples/data", ""},
        {"../data", ""},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!places[i].folder) continue;
        int length = snprintf(path, EXAMPLE_PATH, "%s%s/%s", places[i].folder, places[i].below, name);
        if (length > 0 && length < EXAMPLE_PATH && is_folder(path)) return true;
    }
    fprintf(stderr, "the data set \"%s\" was not found; set CTORCH_DATA to the folder that holds it (examples/data in the source tree)\n", name);
    return false;
}

bool make_folders(const char *path) {
    char part[EXAMPLE_PATH];
    if (!*path || strlen(path) > EXAMPLE_FOLDER) {
        fprintf(stderr, "the path of a folder has 1 to %d bytes, not %zu\n", EXAMPLE_FOLDER, strlen(path));
        return false;
    }
    strcpy(part, path);
    for (char *end = strchr(part + 1, '/');; end = strchr(end + 1, '/')) {
        if (end) *end = '\0';
        if (mkdir(part, 0777) != 0 && !is_folder(part)) {
            if (errno == EEXIST) fprintf(stderr, "%s is not a folder\n", part);
            else fprintf(stderr, "the folder %s cannot be made: %s\n", part, strerror(errno));
            return false;
        }
        if (!end) return true;
        *end = '/';
    }
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

bool parse_integer(const char *option, const char *text, int64_t min, int64_t max, int64_t *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < min || number > max) {
        fprintf(stderr, "%s takes a whole number from %lld to %lld, not \"%s\"\n", option, (long long)min, (long long)max, text);
        return false;
    }
    *value = number;
    return true;
}

bool parse_number(const char *option, const char *text, double min, double max, double *value) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= min && number <= max)) { /* the negation refuses NaN */
        fprintf(stderr, "%s takes a number from %g to %g, not \"%s\"\n", option, min, max, text);
        return false;
    }
    *value = number;
    return true;
}

/* ---- Time ---------------------------------------------------------------------------------------------------------- */

double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
