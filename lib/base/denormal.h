/*
 * denormal.h: whether the calling thread's arithmetic takes denormal numbers (f32 below 1.2e-38, f64 below 2.2e-308) for zero.
 *
 * A bit of the processor's control register (x86: FTZ and DAZ of MXCSR, arm64: FZ of FPCR), so of a system thread, whoever runs on it. Workers of the
 * pool compute as the thread that gave them the job. An operation that flushes whatever the program chose says so in its header and writes
 *
 *      const bool before = ct__flush_denormals(true);
 *      ...
 *      ct__flush_denormals(before);
 */
#ifndef CT__DENORMAL_H
#define CT__DENORMAL_H

#include "base/platform.h"

bool ct__flushes_denormals(void);

/* -> what it was before. Does nothing, and says false, where the processor cannot. */
bool ct__flush_denormals(bool on);

#endif
