/*
 * platform.h: the seam to compiler and operating system. Everything that differs between systems is behind these names.
 */
#ifndef CT__PLATFORM_H
#define CT__PLATFORM_H

#include <ctorch/base.h>
#include <pthread.h>
#include <stdatomic.h>

#if defined(__GNUC__)
#define CT__LIKELY(x) __builtin_expect(!!(x), 1)
#define CT__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CT__INLINE static inline __attribute__((always_inline))
#define CT__NOINLINE __attribute__((noinline))
#else
#define CT__LIKELY(x) (x)
#define CT__UNLIKELY(x) (x)
#define CT__INLINE static inline
#define CT__NOINLINE
#endif

/* Before a loop whose output may be its input, element for element; the compiler would otherwise take its scalar loop then. */
#if defined(__clang__)
#define CT__IVDEP _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define CT__IVDEP _Pragma("GCC ivdep")
#else
#define CT__IVDEP
#endif

#define CT__COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A TLS variable that is read without a call; for a few pointers only, the loader's reserve is small. */
#if defined(__GNUC__) && defined(__linux__)
#define CT__TLS_FAST _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define CT__TLS_FAST _Thread_local
#endif

/* Checks what the library itself guarantees; in debug builds only. Arguments of callers are always checked and give an
 * error instead. */
#ifdef NDEBUG
#define CT__ASSERT(x) ((void)0)
#else
#define CT__ASSERT(x) ((x) ? (void)0 : __builtin_trap())
#endif

int64_t ct__now_ns(void);        /* monotonic */
int ct__cpu_count(void);         /* CPUs that this process may run on, at least 1 */
const char *ct__env(const char *name); /* NULL if unset or empty */

/* Products and sums of sizes: false on overflow, *out then untouched. */
CT__INLINE bool ct__mul_i64(int64_t a, int64_t b, int64_t *out) {
    int64_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
CT__INLINE bool ct__add_i64(int64_t a, int64_t b, int64_t *out) {
    int64_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
CT__INLINE bool ct__mul_size(size_t a, size_t b, size_t *out) {
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
CT__INLINE int64_t ct__min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
CT__INLINE int64_t ct__max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
/* Rounds up; a >= 0, b > 0. */
CT__INLINE int64_t ct__ceil_div_i64(int64_t a, int64_t b) { return (a + b - 1) / b; }
/* The size of the pieces when n > 0 is cut into as many equal ones as `most` > 0 demands. */
CT__INLINE int64_t ct__even_part_i64(int64_t n, int64_t most) { return ct__ceil_div_i64(n, ct__ceil_div_i64(n, most)); }

#endif
