/*
 * ctorch/base.h: status codes, errors, memory, threads, version.
 *
 * Everything else includes this header. It knows no tensor.
 */
#ifndef CTORCH_BASE_H
#define CTORCH_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CT_API __attribute__((visibility("default")))
#define CT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define CT_API
#define CT_PRINTF(fmt, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ------------------------------------------------------------------------------------------------ */

#define CT_VERSION_MAJOR 0
#define CT_VERSION_MINOR 1
#define CT_VERSION_PATCH 0
#define CT_VERSION_STRING "0.1.0"

/* The version of the library that runs, which may be newer than the header: "0.1.0". */
CT_API const char *ct_version(void);

/* One line per fact on how this library was built and what it found: compiler, BLAS, image codecs, ISA in use. Static
 * storage; never NULL. */
CT_API const char *ct_build_info(void);

/* ---- Status and errors --------------------------------------------------------------------------------------- */

/* Why a call failed. Values are part of the ABI and are never reused. */
typedef enum ct_status {
    CT_OK = 0,
    CT_ERR_INVALID_ARGUMENT = 1, /* a value outside of what the call accepts; NULL where something is required */
    CT_ERR_SHAPE = 2,            /* sizes that do not fit together, or too many dimensions */
    CT_ERR_DTYPE = 3,            /* an element type that the call does not take */
    CT_ERR_INDEX = 4,            /* an index or dim out of range */
    CT_ERR_OUT_OF_MEMORY = 5,    /* an allocation failed */
    CT_ERR_IO = 6,               /* the operating system refused to open, read, write, sync or rename */
    CT_ERR_FORMAT = 7,           /* a file whose content is not what its format says */
    CT_ERR_UNSUPPORTED = 8,      /* valid, but this build or version cannot do it */
    CT_ERR_STATE = 9,            /* not possible at this moment: backward a second time, a loader in use */
    CT_ERR_AUTOGRAD = 10,        /* the graph forbids it: a changed saved tensor, a leaf changed in place */
    CT_ERR_NOT_FOUND = 11,       /* a name that is not there */
    CT_ERR_USER = 12,            /* a callback of the program failed without giving a reason */
    CT_ERR_INTERNAL = 13,        /* a defect of the library; please report it */
    CT_STATUS_FORCE_32BIT = 0x7fffffff
} ct_status;

/*
 * The first failure of a thread is kept as a code and a sentence. While it is pending, every call that makes something
 * returns NULL, every call that changes something does nothing and returns the pending status, so that a program may
 * check once, at its end. Queries, keep, retain, free, release, scope begin and end and mode switches always work.
 */
CT_API bool ct_ok(void);                      /* no error is pending on this thread */
CT_API ct_status ct_error_status(void);       /* the pending status, CT_OK if none */
CT_API const char *ct_error_message(void);    /* the sentence; "" if none; valid until the error is cleared */
CT_API void ct_error_clear(void);             /* ends the error */
CT_API const char *ct_status_name(ct_status status); /* "CT_ERR_SHAPE"; "unknown status" for a number that is none */

/* For the program's own callbacks (modules, data sets, functions): makes an error pending unless one is, and returns
 * the status that is pending then. ct_error_raise takes the sentence as it is, ct_error_raisef formats it as printf
 * does; it is cut after 511 bytes. */
CT_API ct_status ct_error_raise(ct_status status, const char *sentence);
CT_API ct_status ct_error_raisef(ct_status status, const char *format, ...) CT_PRINTF(2, 3);

/* Called on the failing thread each time an error becomes pending (not again when a worker's error is handed to the thread that waits
 * for it); for logs, breakpoints, or a program that wants to
 * exit. NULL removes it. One handler for the process; set it before threads start. It must not call the library
 * except for queries. */
typedef void (*ct_error_handler)(ct_status status, const char *sentence, void *user);
CT_API void ct_error_set_handler(ct_error_handler handler, void *user);

/* ---- Contexts ------------------------------------------------------------------------------------------------ */

/*
 * All state that the library keeps per thread (pending error, scopes, grad mode) is one context. A thread gets its own on
 * first use. Runtimes that move work between threads (Go, Julia, fibres) make contexts of their own and install
 * one before each slice of work:
 *
 *     ct_context *mine = ct_context_new();
 *     ct_context *before = ct_context_swap(mine);
 *     ... calls ...
 *     ct_context_swap(before);
 *
 * A context is used by one thread at a time. ct_context_swap(NULL) goes back to the thread's own. It returns what was
 * installed, NULL for the thread's own. ct_context_free ends the context's scopes and forgets its error; a context that is
 * installed is not freed: CT_ERR_STATE.
 */
typedef struct ct_context ct_context;
CT_API ct_context *ct_context_new(void);
CT_API void ct_context_free(ct_context *context);
CT_API ct_context *ct_context_swap(ct_context *context);

/* ---- Memory -------------------------------------------------------------------------------------------------- */

/*
 * All memory of the library. Bytes are what was asked for, rounded up to the block that serves it. Freed blocks are kept for the
 * next request: at most as many bytes as were ever in use at once, or 64 MiB if that is more. The environment's CTORCH_ALLOC=system
 * (the default in builds with a sanitizer) keeps none and takes every block from the system, for valgrind and ASan;
 * CTORCH_ALLOC=cache is the opposite.
 *
 * The numbers are exact while no other thread is in the library; the peak of several threads is exact to 64 KiB for each.
 */
typedef struct ct_memory_stats {
    int64_t live_bytes;   /* in use by tensors, graph, modules and so on */
    int64_t peak_bytes;   /* the highest live_bytes since the start or ct_memory_reset_peak */
    int64_t live_blocks;  /* number of blocks in use */
    int64_t cached_bytes; /* freed, kept for the next request */
    int64_t requests;     /* logical allocations so far; the number that ct_memory_fail_at counts */
    int64_t reserved[3];
} ct_memory_stats;
CT_API ct_memory_stats ct_memory_get_stats(void);
CT_API void ct_memory_reset_peak(void);
CT_API void ct_memory_trim(void); /* gives cached blocks back to the system: all but a few small ones of other running threads */

/* For tests: the n-th logical allocation from now on (1 = the next) fails, once. 0 switches it off. It counts
 * requests ahead of all caches, on all threads. */
CT_API void ct_memory_fail_at(int64_t n);

/* ---- Threads ------------------------------------------------------------------------------------------------- */

/* Number of threads that share the work of one operation, the caller included. Default: the CPUs that the process may
 * run on, or the environment's CTORCH_NUM_THREADS (anything but a number from 1 is ignored). Setting it (1 to 256) changes how sums are split, so results may
 * differ in the last bits. Process-wide; must not be called while another thread is inside the library. */
CT_API ct_status ct_set_num_threads(int n);
CT_API int ct_get_num_threads(void);

/* The library runs OpenBLAS single-threaded inside its own pool: before its first BLAS call it sets OpenBLAS' global
 * thread count to 1. A program that uses OpenBLAS itself gets the old value back with ct_blas_release(); the next
 * BLAS call of the library sets it again. The old value also comes back when the library is unloaded. */
CT_API void ct_blas_release(void);

/*
 * on: floats below 1.2e-38 and doubles below 2.2e-308 in size count as 0, as operands and as results; some processors need a hundred
 * cycles for each such number. Off by default. For the calling thread, the work that it shares with the library's threads, and threads that it starts later;
 * false where the processor cannot. torch.set_flush_denormal. Recurrent networks (ops_rnn.h) and Adam (optim.h) always flush.
 */
CT_API bool ct_set_flush_denormal(bool on);

/* ---- Optional numbers ------------------------------------------------------------------------------------------ */

/* In option structs zero means "default". A number whose zero means something is one of these instead:
 * (ct_adam_options){.weight_decay = ct_some_f64(0)}. */
typedef struct ct_opt_f64 { bool has; double value; } ct_opt_f64;
typedef struct ct_opt_i64 { bool has; int64_t value; } ct_opt_i64;
CT_API ct_opt_f64 ct_some_f64(double value);
CT_API ct_opt_i64 ct_some_i64(int64_t value);

#ifdef __cplusplus
}
#endif
#endif
