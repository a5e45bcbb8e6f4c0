/*
 * denormal.c: flushing of denormal numbers, per processor. The register is written only to change it: that costs more than to read it.
 */
#include "base/denormal.h"

#if defined(__x86_64__) && defined(__GNUC__)

enum { FLUSH = 0x8000 | 0x40 }; /* results (FTZ) and operands (DAZ) */
static uint64_t control(void) { return __builtin_ia32_stmxcsr(); }
static void set_control(uint64_t bits) { __builtin_ia32_ldmxcsr((unsigned)bits); }
static bool possible(void) { return true; } /* DAZ came with the first 64-bit processors */

#elif defined(__aarch64__) && defined(__GNUC__)

enum { FLUSH = 1 << 24 };
static uint64_t control(void) {
    uint64_t bits;
    __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
}
static void set_control(uint64_t bits) { __asm__ volatile("msr fpcr, %0" : : "r"(bits)); }
static bool possible(void) { return true; }

#else

enum { FLUSH = 0 };
static uint64_t control(void) { return 0; }
static void set_control(uint64_t bits) { (void)bits; }
static bool possible(void) { return false; }

#endif

bool ct__flushes_denormals(void) { return possible() && (control() & FLUSH) == FLUSH; }

bool ct__flush_denormals(bool on) {
    const uint64_t bits = control(), wanted = on ? bits | FLUSH : bits & ~(uint64_t)FLUSH;
    if (bits != wanted) set_control(wanted);
    return possible() && (bits & FLUSH) == FLUSH;
}

bool ct_set_flush_denormal(bool on) {
    ct__flush_denormals(on);
    return possible();
}
