/*
 * ops.h: what the parts of bench_ops share.
 */
#ifndef BENCH_OPS_H
#define BENCH_OPS_H

#include <stdbool.h>

typedef struct peaks {
    double fma;               /* GFLOP/s of f32 multiply-adds in registers, two FLOP each */
    double read, copy, triad; /* GB/s of a[i], of a[i] = b[i] and of a[i] = b[i] + s c[i]; each array is counted once */
} peaks;

typedef struct bench {
    const char *only; /* lines whose name contains it; NULL: all */
    double seconds;   /* per figure */
    bool last;        /* convolutions on channels-last images */
    peaks peak;       /* of the threads in use */
} bench;

/* Whether the line is wanted. Lines are told apart by their name before they are set up. */
bool bench_wants(const bench *b, const char *name);

/* The fastest run in seconds, of those within b->seconds and at least three: what else runs on the machine matters least for it. */
double bench_time(const bench *b, void (*run)(void *arg), void *arg);

/* The machine's peaks with the library's ISA and number of threads. */
peaks bench_peaks(double seconds);

void bench_convolutions(const bench *b);
void bench_pools(const bench *b);

#endif
