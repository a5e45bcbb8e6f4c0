/*
 * runs.h: equal neighbours in sorted data, and sorting rows.
 *
 * Element types: f32 f64 i32 i64 u8. NaN equals nothing, and is sorted behind everything.
 */
#ifndef CT__RUNS_H
#define CT__RUNS_H

#include <ctorch/tensor.h>

/* x [rows, n], each row sorted: the place of the last element of the longest run, of the first of the longest. n is at least 1. */
void ct__mode_of_rows(ct_dtype dtype, int64_t rows, int64_t n, const void *x, int64_t *place);

/* x [n, width] in the order of order [n] (NULL: as it lies): run[i] is the number of the run of equal rows that row number i of the order is
 * in, first[run] the row that begins it. Returns how many runs. width may be 0: all rows are equal then. */
int64_t ct__runs(ct_dtype dtype, int64_t n, int64_t width, const void *x, const int64_t *order, int64_t *run, int64_t *first);

/* The order [n] that sorts the rows of x [n, width] by their first element, then the second, ...; stable. scratch has n places. */
void ct__sort_rows(ct_dtype dtype, int64_t n, int64_t width, const void *x, int64_t *order, int64_t *scratch);

#endif
