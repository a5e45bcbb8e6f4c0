/*
 * cpu_reduce.c: the floating point reductions for an instruction set. The order of additions matters, so the loops spell out the lanes. Integers, whose
 * plain loops the compiler vectorises as they stand, and functions that are rare are ref's.
 */
#include "kernels/kernels.h"

#include <math.h>

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define F(name) PASTE(name, TN)

#define T float
#define TN f32
#define LIBM(name) name##f
#include "kernels/cpu/cpu_reduce.inc"

#define T double
#define TN f64
#define LIBM(name) name
#include "kernels/cpu/cpu_reduce.inc"

void CT__ISA_NAME(ct__reduce_fill)(ct__reduce_kernels *k);
void CT__ISA_NAME(ct__reduce_fill)(ct__reduce_kernels *k) {
    fill_fast_f32(k, CT_F32);
    fill_fast_f64(k, CT_F64);
}
