#include "support/test.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t blocks_before;

static void before_each(void) {
    ct_error_clear();
    ct_scope_clear_root();
    blocks_before = ct_memory_get_stats().live_blocks;
}

static void after_each(void) {
    ck_assert_msg(ct_ok(), "error left pending: %s", ct_error_message());
    ct_scope_clear_root();
    int64_t left = ct_memory_get_stats().live_blocks - blocks_before;
    ck_assert_msg(left <= 0, "%lld blocks of memory left behind", (long long)left);
}

static int n_skipped;

void test_skipped(const char *file, int line, const char *reason) {
    n_skipped++;
    printf("%s:%d: skipped: %s\n", file, line, reason);
}

/* scripts/test.sh adds up these files. One that is missing tells it that the program died. */
static void write_counts(int passed, int failed) {
    const char *path = getenv("CTORCH_TEST_COUNTS");
    if (!path) return;
    FILE *f = fopen(path, "w");
    if (!f) return;
    fprintf(f, "%d %d %d\n", passed, failed, n_skipped);
    fclose(f);
}

int test_main(const char *suite, const test_entry *tests, size_t n) {
    Suite *s = suite_create(suite);
    for (size_t i = 0; i < n; i++) {
        TCase *c = tcase_create(tests[i].name);
        tcase_set_timeout(c, 0);
        tcase_add_checked_fixture(c, before_each, after_each);
        tcase_add_test(c, *tests[i].test);
        suite_add_tcase(s, c);
    }
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    write_counts(srunner_ntests_run(r) - failed - n_skipped, failed);
    srunner_free(r);
    return failed != 0;
}

void test_error(const char *file, int line, ct_status status, const char *text) {
    if (ct_error_status() != status || !strstr(ct_error_message(), text)) {
        char got[512];
        snprintf(got, sizeof got, "%s", ct_error_message());
        const char *name = ct_status_name(ct_error_status());
        ct_error_clear();
        ck_abort_msg("%s:%d: want %s with \"%s\", got %s: \"%s\"", file, line, ct_status_name(status), text, name, got);
    }
    ct_error_clear();
}

static double *doubles(const char *file, int line, const ct_tensor *t) {
    if (!t) ck_abort_msg("%s:%d: tensor is NULL: %s", file, line, ct_error_message());
    size_t n = (size_t)ct_numel(t);
    double *d = malloc((n + 1) * sizeof *d);
    if (ct_copy_to(t, d, (int64_t)n, CT_F64) != CT_OK) ck_abort_msg("%s:%d: %s", file, line, ct_error_message());
    return d;
}

static bool close_to(double a, double b, double rtol, double atol) {
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return a == b || (isfinite(a) && fabs(a - b) <= atol + rtol * fabs(b));
}

void test_values(const char *file, int line, const ct_tensor *t, const double *want, int64_t n, double rtol, double atol) {
    double *d = doubles(file, line, t);
    if (ct_numel(t) != n) ck_abort_msg("%s:%d: %lld elements, want %lld", file, line, (long long)ct_numel(t), (long long)n);
    for (int64_t i = 0; i < n; i++)
        if (!close_to(d[i], want[i], rtol, atol))
            ck_abort_msg("%s:%d: element %lld is %.17g, want %.17g", file, line, (long long)i, d[i], want[i]);
    free(d);
}

void test_sizes(const char *file, int line, const ct_tensor *t, const int64_t *sizes, int ndim) {
    if (!t) ck_abort_msg("%s:%d: tensor is NULL: %s", file, line, ct_error_message());
    if (ct_ndim(t) != ndim) ck_abort_msg("%s:%d: %d dims, want %d", file, line, ct_ndim(t), ndim);
    for (int i = 0; i < ndim; i++)
        if (ct_size(t, i) != sizes[i])
            ck_abort_msg("%s:%d: size %lld at dim %d, want %lld", file, line, (long long)ct_size(t, i), i, (long long)sizes[i]);
}

void test_close(const char *file, int line, const ct_tensor *a, const ct_tensor *b, double rtol, double atol) {
    double *x = doubles(file, line, a), *y = doubles(file, line, b);
    test_sizes(file, line, a, ct_sizes(b), ct_ndim(b));
    if (ct_tensor_dtype(a) != ct_tensor_dtype(b))
        ck_abort_msg("%s:%d: %s, want %s", file, line, ct_dtype_name(ct_tensor_dtype(a)), ct_dtype_name(ct_tensor_dtype(b)));
    for (int64_t i = 0; i < ct_numel(a); i++)
        if (!close_to(x[i], y[i], rtol, atol))
            ck_abort_msg("%s:%d: element %lld is %.17g, want %.17g", file, line, (long long)i, x[i], y[i]);
    free(x);
    free(y);
}

static ct_tensor *from_doubles(const double *values, const int64_t *sizes, int ndim, ct_dtype dtype) {
    size_t n = 1;
    for (int i = 0; i < ndim; i++) n *= (size_t)sizes[i];
    char *buffer = malloc(n * 8 + 1);
    for (size_t i = 0; i < n; i++) {
        if (dtype == CT_F32) ((float *)(void *)buffer)[i] = (float)values[i];
        if (dtype == CT_F64) ((double *)(void *)buffer)[i] = values[i];
        if (dtype == CT_I64) ((int64_t *)(void *)buffer)[i] = (int64_t)values[i];
    }
    ct_tensor *t = ct_from_data(buffer, sizes, ndim, dtype);
    free(buffer);
    return t;
}
ct_tensor *test_f32(const double *values, const int64_t *sizes, int ndim) { return from_doubles(values, sizes, ndim, CT_F32); }
ct_tensor *test_f64(const double *values, const int64_t *sizes, int ndim) { return from_doubles(values, sizes, ndim, CT_F64); }
ct_tensor *test_i64(const double *values, const int64_t *sizes, int ndim) { return from_doubles(values, sizes, ndim, CT_I64); }

static char tmp_folder[256];
static void remove_tmp(void) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", tmp_folder);
    if (system(command) != 0) fprintf(stderr, "could not remove %s\n", tmp_folder);
}

const char *test_tmp(const char *name) {
    static char paths[64][512];
    static int next;
    if (!tmp_folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(tmp_folder, sizeof tmp_folder, "%s/ctorch_test_XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(tmp_folder)) ck_abort_msg("mkdtemp failed");
        atexit(remove_tmp);
    }
    char *p = paths[next++ % 64];
    snprintf(p, sizeof paths[0], "%s/%s", tmp_folder, name);
    return p;
}

bool test_rerun(const char *test, ...) {
    char self[4096]; /* not exec of /proc/self/exe itself: under valgrind that is valgrind */
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) ck_abort_msg("readlink failed");
    self[n] = '\0';
    pid_t child = fork();
    if (child == 0) {
        va_list args;
        va_start(args, test);
        for (char *assignment; (assignment = va_arg(args, char *));) putenv(assignment);
        va_end(args);
        if (test) setenv("CK_RUN_CASE", test, 1);
        setenv("CK_VERBOSITY", "silent", 1);
        unsetenv("CTORCH_TEST_COUNTS");
        execl(self, self, (char *)NULL);
        _exit(99);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status == 0;
}

/* What the sanitizers ask for when they are linked in, from a library of their own: hence visible. Tests request impossible sizes, and
 * fork beside other threads. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "allocator_may_return_null=1:die_after_fork=0"; }
