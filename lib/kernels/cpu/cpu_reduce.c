/*
 * cpu_reduce.c: the reductions for an instruction set. Integers: the plain loops, which vectorise as they stand. Floating point, where the order of
 * additions matters: loops that spell out the lanes.
 */
#include "kernels/kernels.h"

#include <math.h>

#include "kernels/reduce_dtypes.inc"

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
    fill_all(k);
    fill_fast_f32(k, CT_F32);
    fill_fast_f64(k, CT_F64);
}
