/*
 * cpu.c: instruction sets, and what else of the environment chooses kernels.
 */
#include "base/cpu.h"

#include "base/platform.h"

#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

static const char *const names[] = {"ref", "baseline", "avx2", "avx512"};

const char *ct__isa_name(ct__isa isa) { return (unsigned)isa < CT__COUNT(names) ? names[isa] : "unknown"; }

#if defined(__x86_64__) && defined(__GNUC__)
/* By hand: clang before 16 knows no "f16c". Its registers are those of AVX, which the builtin for avx2 has checked. */
static bool has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

/* The builtins also ask the operating system whether it saves the wide registers. The list is what the build passes as
 * -m flags for each ISA. */
ct__isa ct__cpu_isa_max(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
                has_f16c();
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return avx512 ? CT__ISA_AVX512 : avx2 ? CT__ISA_AVX2 : CT__ISA_BASELINE;
#else
    return CT__ISA_BASELINE;
#endif
}

static ct__isa chosen;
static bool winograd, winograd_always;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void) {
    chosen = ct__cpu_isa_max();
    const char *word = ct__env("CTORCH_CPU");
    for (int i = 0; word && i < (int)CT__COUNT(names); i++)
        if (strcmp(word, names[i]) == 0 && (ct__isa)i < chosen) chosen = (ct__isa)i;
    word = ct__env("CTORCH_WINOGRAD");
    winograd = !word || strcmp(word, "0") != 0;
    winograd_always = word && strcmp(word, "always") == 0;
}

ct__isa ct__cpu_isa(void) {
    pthread_once(&once, choose);
    return chosen;
}

bool ct__winograd_enabled(void) {
    pthread_once(&once, choose);
    return winograd;
}

bool ct__winograd_always(void) {
    pthread_once(&once, choose);
    return winograd_always;
}
