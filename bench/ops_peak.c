/*
 * ops_peak.c: what the machine can do at most: multiply-adds from registers to registers with the instructions that the library uses, and streams
 * through memory far larger than the caches.
 */
#include "base/alloc.h"
#include "kernels/kernels.h"
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>

/* A multiply-add takes 4 cycles and two can start in each, so that it takes 8 chains or more that do not wait for each other. Compiled with
 * -ffp-contract=fast, which makes one instruction of a * b + c where there is one. */
enum { FMA_CHAINS = 10, FMA_STEPS = 1 << 16 };

#define TARGET
#define NAME(x) x##_baseline
#define BYTES 16
#include "ops_peak.inc"
#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#define BYTES 32
#include "ops_peak.inc"
#define TARGET __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#define BYTES 64
#include "ops_peak.inc"
#endif

typedef struct fma_job {
    double (*run)(void);
    double *results; /* of each thread, so that nothing is optimized away */
} fma_job;

static void fma_range(int64_t begin, int64_t end, void *arg) {
    const fma_job *j = arg;
    for (int64_t i = begin; i < end; i++) j->results[i] = j->run();
}
static void fma_all(void *arg) { ct__parallel_for(ct_get_num_threads(), 1, fma_range, arg); }

static double fma_gflops(const bench *b, int threads, double *results) {
    fma_job job = {fma_baseline, results};
    int64_t bytes = 16;
#if defined(__x86_64__)
    if (ct__kern()->isa == CT__ISA_AVX2) job.run = fma_avx2, bytes = 32;
    if (ct__kern()->isa == CT__ISA_AVX512) job.run = fma_avx512, bytes = 64;
#endif
    return 2e-9 * (double)(FMA_STEPS * FMA_CHAINS * (bytes / 4) * threads) / bench_time(b, fma_all, &job);
}

/* ---- Memory: the width of the instructions does not matter here ---- */

enum { STREAM = 32 << 20 }; /* floats: 128 MiB an array */

typedef struct stream {
    float *a, *b, *c;
} stream;

static void read_range(int64_t begin, int64_t end, void *arg) {
    const stream *s = arg;
    float sums[32] = {0};
    for (int64_t i = begin; i + 32 <= end; i += 32)
        for (int k = 0; k < 32; k++) sums[k] += s->b[i + k];
    for (int k = 1; k < 32; k++) sums[0] += sums[k];
    s->a[begin] = sums[0];
}
static void copy_range(int64_t begin, int64_t end, void *arg) {
    const stream *s = arg;
    float *restrict a = s->a;
    for (int64_t i = begin; i < end; i++) a[i] = s->b[i] + 1; /* + 1, or it would be memcpy, which writes past the caches */
}
static void triad_range(int64_t begin, int64_t end, void *arg) {
    const stream *s = arg;
    float *restrict a = s->a;
    for (int64_t i = begin; i < end; i++) a[i] = s->b[i] + 3 * s->c[i];
}

static void over_stream(void (*range)(int64_t, int64_t, void *), void *arg) { ct__parallel_for(STREAM, 1 << 16, range, arg); }
static void read_all(void *arg) { over_stream(read_range, arg); }
static void copy_all(void *arg) { over_stream(copy_range, arg); }
static void triad_all(void *arg) { over_stream(triad_range, arg); }

peaks bench_peaks(double seconds) {
    const bench b = {.seconds = seconds};
    const int threads = ct_get_num_threads();
    float *arrays = ct__alloc_array(3 * (size_t)STREAM, sizeof *arrays); /* in huge pages, as tensors of this size */
    double *results = ct__alloc_array((size_t)threads, sizeof *results);
    if (!arrays || !results) {
        fprintf(stderr, "bench_ops: out of memory\n");
        exit(1);
    }
    for (int64_t i = 0; i < 3 * (int64_t)STREAM; i++) arrays[i] = 1;
    stream s = {arrays, arrays + STREAM, arrays + 2 * (int64_t)STREAM};
    const double gb = 4e-9 * STREAM; /* of one array */
    peaks p = {.fma = fma_gflops(&b, threads, results), .read = gb / bench_time(&b, read_all, &s), .copy = 2 * gb / bench_time(&b, copy_all, &s),
               .triad = 3 * gb / bench_time(&b, triad_all, &s)};
    ct__free(results);
    ct__free(arrays);
    return p;
}
