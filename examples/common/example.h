/*
 * What the examples share and the library is not for: where their data lie, where their results go, numbers on the command line,
 * a clock, a progress bar. None of it knows a tensor.
 *
 * Functions that can fail return false (or NULL) after one line on stderr.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXAMPLE_PATH 1024  /* bytes in a path, its end included */
#define EXAMPLE_FOLDER 960 /* the longest name of a folder, so that there is room for a file in it */

/*
 * The folder of a bundled data set ("mnist"), into path: the first that exists of
 *
 *     $CTORCH_DATA/mnist
 *     the source tree's examples/data/mnist, if CMake built the program
 *     ../data/mnist and ../../examples/data/mnist beside the program
 *     examples/data/mnist and ../data/mnist beside the current folder
 */
bool find_data(const char *name, char path[EXAMPLE_PATH]);

/* Makes a folder and those above it, as mkdir -p. Its path may have EXAMPLE_FOLDER bytes. */
bool make_folders(const char *path);

/* "folder/file" into path, for a folder that make_folders took. */
void join_path(char path[EXAMPLE_PATH], const char *folder, const char *file);

/* The value of an option as a number: all of the text, and in range. */
bool parse_integer(const char *option, const char *text, int64_t min, int64_t max, int64_t *value);
bool parse_number(const char *option, const char *text, double min, double max, double *value);

/* Seconds since some moment, by a clock that nobody sets. */
double seconds_now(void);

/*
 * A line on stderr that shows how far a loop is:
 *
 *     epoch 2/6  [===========>            ]  46 %  loss 0.1431  2150 images/s  0:04 left
 *
 * On a terminal it is redrawn in place, ten times a second, and progress_end removes it. In a pipe or a log a plain line comes every 30
 * seconds instead, so that a short loop prints none.
 */
typedef struct progress {
    const char *label;
    int64_t total, first; /* steps of the whole loop; those that an earlier run has done */
    double started, shown;
    bool terminal;
} progress;

void progress_begin(progress *p, const char *label, int64_t total, int64_t first);
void progress_show(progress *p, int64_t done, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;
void progress_end(progress *p);

#endif
