/* The platform seam, CPU features and version: lib/base/{platform,cpu,version}.c. */
#include "base/cpu.h"
#include "base/platform.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(the_clock_does_not_go_back) {
    int64_t a = ct__now_ns();
    usleep(2000);
    int64_t b = ct__now_ns();
    ck_assert_int_ge(b - a, 2000000);
    ck_assert_int_lt(b - a, (int64_t)60 * 1000000000);
}
END_TEST

START_TEST(an_empty_variable_is_as_good_as_none) {
    setenv("CT_TEST_VARIABLE", "", 1);
    ck_assert_ptr_null(ct__env("CT_TEST_VARIABLE"));
    setenv("CT_TEST_VARIABLE", "x", 1);
    ck_assert_str_eq(ct__env("CT_TEST_VARIABLE"), "x");
    unsetenv("CT_TEST_VARIABLE");
    ck_assert_ptr_null(ct__env("CT_TEST_VARIABLE"));
}
END_TEST

START_TEST(sizes_are_multiplied_with_overflow_checked) {
    int64_t i = 5;
    size_t s = 5;
    ck_assert(!ct__mul_i64(INT64_MAX, 2, &i) && i == 5);
    ck_assert(!ct__add_i64(INT64_MAX, 1, &i) && i == 5);
    ck_assert(!ct__mul_size(SIZE_MAX, 2, &s) && s == 5);
    ck_assert(ct__mul_i64(-3, 7, &i) && i == -21);
    ck_assert(ct__add_i64(INT64_MAX, -1, &i) && i == INT64_MAX - 1);
    ck_assert(ct__mul_size(1u << 20, 1u << 20, &s) && s == (size_t)1 << 40);
}
END_TEST

START_TEST(there_is_a_cpu) { ck_assert_int_ge(ct__cpu_count(), 1); }
END_TEST

START_TEST(isas_have_the_names_of_the_variable) {
    ck_assert_str_eq(ct__isa_name(CT__ISA_REF), "ref");
    ck_assert_str_eq(ct__isa_name(CT__ISA_BASELINE), "baseline");
    ck_assert_str_eq(ct__isa_name(CT__ISA_AVX2), "avx2");
    ck_assert_str_eq(ct__isa_name(CT__ISA_AVX512), "avx512");
    ck_assert_str_eq(ct__isa_name((ct__isa)9), "unknown");
    ck_assert_int_ge(ct__cpu_isa_max(), CT__ISA_BASELINE);
}
END_TEST

START_TEST(the_environment_lowers_the_isa_and_never_raises_it) {
    static const struct {
        const char *value;
        int isa; /* -1 = as if unset */
    } cases[] = {{"ref", CT__ISA_REF}, {"baseline", CT__ISA_BASELINE}, {"avx2", CT__ISA_AVX2}, {"avx512", CT__ISA_AVX512},
                 {"", -1}, {"sse9", -1}, {"AVX2", -1}};
    const char *want = getenv("TEST_WANT_ISA");
    int max = (int)ct__cpu_isa_max();
    if (want) {
        int isa = atoi(want);
        ck_assert_int_eq(ct__cpu_isa(), isa < 0 || isa > max ? max : isa);
        ck_assert_ptr_nonnull(strstr(ct_build_info(), ct__isa_name(ct__cpu_isa())));
        return;
    }
    for (size_t i = 0; i < CT__COUNT(cases); i++) {
        char word[64], expected[64];
        snprintf(word, sizeof word, "CTORCH_CPU=%s", cases[i].value);
        snprintf(expected, sizeof expected, "TEST_WANT_ISA=%d", cases[i].isa);
        bool passed = test_rerun("the_environment_lowers_the_isa_and_never_raises_it", word, expected, NULL);
        ck_assert_msg(passed, "CTORCH_CPU=%s", cases[i].value);
    }
}
END_TEST

START_TEST(the_environment_turns_winograd_off) {
    static const char *const cases[][2] = {{"0", "0"}, {"1", "1"}, {"", "1"}}; /* value, enabled */
    const char *want = getenv("TEST_WANT_WINOGRAD");
    if (want) {
        ck_assert_int_eq(ct__winograd_enabled(), atoi(want));
        return;
    }
    for (size_t i = 0; i < CT__COUNT(cases); i++) {
        char word[64], expected[64];
        snprintf(word, sizeof word, "CTORCH_WINOGRAD=%s", cases[i][0]);
        snprintf(expected, sizeof expected, "TEST_WANT_WINOGRAD=%s", cases[i][1]);
        ck_assert_msg(test_rerun("the_environment_turns_winograd_off", word, expected, NULL), "%s", word);
    }
}
END_TEST

START_TEST(the_version_is_one_text) {
    char want[32];
    snprintf(want, sizeof want, "%d.%d.%d", CT_VERSION_MAJOR, CT_VERSION_MINOR, CT_VERSION_PATCH);
    ck_assert_str_eq(CT_VERSION_STRING, want);
    ck_assert_str_eq(ct_version(), want);
    const char *info = ct_build_info();
    ck_assert_ptr_eq(ct_build_info(), info);
    const char *const facts[] = {"libctorch ", want, "compiler: ", "BLAS: ", "PNG: ", "zlib: ", "instruction set: "};
    for (size_t i = 0; i < CT__COUNT(facts); i++) ck_assert_msg(strstr(info, facts[i]) != NULL, "no \"%s\" in\n%s", facts[i], info);
}
END_TEST

TEST_LIST = {
    TEST(the_clock_does_not_go_back),
    TEST(an_empty_variable_is_as_good_as_none),
    TEST(sizes_are_multiplied_with_overflow_checked),
    TEST(there_is_a_cpu),
    TEST(isas_have_the_names_of_the_variable),
    TEST(the_environment_lowers_the_isa_and_never_raises_it),
    TEST(the_environment_turns_winograd_off),
    TEST(the_version_is_one_text),
};
TEST_MAIN("platform")
