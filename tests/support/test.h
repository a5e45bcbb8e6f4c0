/*
 * test.h: what every test file includes. A file defines its tests and ends with
 *
 *     TEST_LIST = { TEST(add_broadcasts_over_leading_dims), TEST(...) };
 *     TEST_MAIN("op_add")
 *
 * Around each test: no error is pending, the root scope is empty, and no block of memory is left behind.
 */
#ifndef CT_TEST_H
#define CT_TEST_H

#include <check.h>
#include <ctorch/base.h>
#include <ctorch/tensor.h>

typedef struct test_entry {
    const TTest *const *test; /* START_TEST defines a pointer, whose value is no constant */
    const char *name;
} test_entry;
int test_main(const char *suite, const test_entry *tests, size_t n);

#define TEST(name) {&name, #name}
#define TEST_LIST static const test_entry all_tests[]
#define TEST_MAIN(suite) \
    int main(void) { return test_main(suite, all_tests, sizeof all_tests / sizeof all_tests[0]); }

/* This test cannot run here, and why; it returns right after. Skipped tests are counted as such. */
void test_skipped(const char *file, int line, const char *reason);
#define test_skip(reason) test_skipped(__FILE__, __LINE__, reason)

/* No error pending; prints it otherwise. */
#define ck_ok() ck_assert_msg(ct_ok(), "unexpected error: %s", ct_error_message())

/* An error with this status is pending and its sentence contains text; clears it. */
void test_error(const char *file, int line, ct_status status, const char *text);
#define ck_error(status, text) test_error(__FILE__, __LINE__, status, text)

/* Elements equal a list of doubles: exactly, or |a - b| <= atol + rtol |b|. Prints both values and the index. */
void test_values(const char *file, int line, const ct_tensor *t, const double *want, int64_t n, double rtol, double atol);
#define ck_values(t, ...) \
    test_values(__FILE__, __LINE__, t, (const double[]){__VA_ARGS__}, (int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)), 0, 0)
#define ck_values_close(t, tol, ...) \
    test_values(__FILE__, __LINE__, t, (const double[]){__VA_ARGS__}, (int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)), tol, tol)

/* Two tensors have the same sizes and dtype, and close elements (NaN equals NaN). */
void test_close(const char *file, int line, const ct_tensor *a, const ct_tensor *b, double rtol, double atol);
#define ck_close(a, b, rtol, atol) test_close(__FILE__, __LINE__, a, b, rtol, atol)

/* The sizes are these. */
void test_sizes(const char *file, int line, const ct_tensor *t, const int64_t *sizes, int ndim);
#define ck_sizes(t, ...) test_sizes(__FILE__, __LINE__, t, CT_SHAPE(__VA_ARGS__))

/* Short ways to make a tensor. */
ct_tensor *test_f32(const double *values, const int64_t *sizes, int ndim);
ct_tensor *test_f64(const double *values, const int64_t *sizes, int ndim);
ct_tensor *test_i64(const double *values, const int64_t *sizes, int ndim);

/* A fresh folder under the system's temporary one, removed at exit; a path in it. The string lives to the end. */
const char *test_tmp(const char *name);

/* Under a sanitizer: TSan cannot follow threads that a forked child starts, ASan's malloc may be locked for ever in the
 * child of a process with threads. gcc and clang say differently that one is on. */
#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define TEST_TSAN 1
#else
#define TEST_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define TEST_ASAN 1
#else
#define TEST_ASAN 0
#endif

/* Runs one test of this program (NULL: all) again in a fresh process with variables set: test_rerun("name", "CTORCH_CPU=ref", NULL).
 * For what the library reads once. true if it passed. */
bool test_rerun(const char *test, ...);

#endif
