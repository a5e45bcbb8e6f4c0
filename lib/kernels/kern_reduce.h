/*
 * kern_reduce.h: folding many elements into one.
 *
 * Each output has a state (a sum, an extremum and its index, ...), into which elements are folded by
 *
 *      inner   one state, n elements at a stride                      a row sum
 *      outer   cols states, rows x cols elements: a state per column   a column sum
 *
 * Partial states, of different threads, are merged in a fixed order; finish turns states into results. Sums of floating point are
 * kept in f64; within a block the fast versions add in the dtype itself, in many lanes.
 */
#ifndef CT__KERN_REDUCE_H
#define CT__KERN_REDUCE_H

#include "kernels/kern_pointwise.h"

typedef enum ct__reduce_fn {
    CT__REDUCE_SUM,         /* -> T; int64 for integers and bools */
    CT__REDUCE_PROD,        /* likewise */
    CT__REDUCE_SUM_SQUARES, /* -> T: the root of the sum; floating point */
    CT__REDUCE_SUM_ABS,     /* -> T; floating point */
    CT__REDUCE_SUM_POWER,   /* -> T: (sum |x|^p)^(1/p); floating point */
    CT__REDUCE_VAR,         /* -> T: variance or, with .root, standard deviation; floating point */
    CT__REDUCE_NONZERO,     /* -> int64: how many */
    CT__REDUCE_ALL,         /* -> one byte, 0 or 1 */
    CT__REDUCE_ANY,
    CT__REDUCE_MAX,         /* -> T; NaN wins */
    CT__REDUCE_MIN,
    CT__REDUCE_ARGMAX,      /* -> int64: the first; NaN wins */
    CT__REDUCE_ARGMIN,
    CT__REDUCE_COUNT
} ct__reduce_fn;

typedef struct ct__reduce_args {
    double divisor;    /* of the sum: 1, or the count for a mean */
    double p;          /* SUM_POWER */
    double correction; /* VAR */
    bool root;
} ct__reduce_args;

/* State of VAR: count, mean, sum of squared deviations. Merged by Chan, Golub, LeVeque (1979). */
typedef struct ct__moments {
    double n, mean, m2;
} ct__moments;
CT__INLINE void ct__moments_merge(ct__moments *a, double n, double mean, double m2) {
    if (n == 0) return;
    double total = a->n + n, delta = mean - a->mean;
    a->m2 += m2 + delta * delta * (a->n * n / total);
    a->mean += delta * (n / total);
    a->n = total;
}

/* State of ARGMAX and ARGMIN over elements of type T; index -1: none yet. */
#define CT__EXTREMUM(T) struct { T value; int64_t index; }

/* Strides in bytes. first: the index of the first element along the reduced dim, for the ARG functions. */
typedef struct ct__reduce_loops {
    size_t state; /* bytes of a state, at most CT__REDUCE_STATE */
    void (*init)(int64_t n, void *states);
    void (*inner)(int64_t n, const char *in, int64_t stride, int64_t first, void *state, const ct__reduce_args *args);
    void (*outer)(int64_t rows, int64_t cols, const char *in, int64_t row_stride, int64_t col_stride, int64_t first,
                  void *states, const ct__reduce_args *args);
    void (*merge)(int64_t n, void *states, const void *more);
    void (*finish)(int64_t n, const void *states, char *out, int64_t stride, const ct__reduce_args *args);
} ct__reduce_loops;
enum { CT__REDUCE_STATE = 24 };

typedef struct ct__reduce_kernels {
    ct__reduce_loops fn[CT__REDUCE_COUNT][CT__DTYPES];
    /* Running sums: out[i] = in[0] + ... + in[i], carried in f64 or int64. in and out are of dtype T and of T or int64. */
    void (*cumsum[CT__DTYPES])(int64_t n, const char *in, int64_t stride, char *out, int64_t out_stride);
} ct__reduce_kernels;

#endif
