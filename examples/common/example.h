/*
 * What the examples share and the library is not for: where their data lie, where their results go, numbers on the command line,
 * a clock. None of it knows a tensor.
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

#endif
