/*
 * cpu_pointwise.c: the elementwise loops for an instruction set. The loops over dense memory are left to the compiler's vectoriser, which the
 * functions of vmath.h allow: they have no branches, no tables and no calls.
 */
#include "kernels/kernels.h"
#include "kernels/vmath.h"

#include <math.h>

#define IVDEP CT__IVDEP
#define FAST 1
#define WITH_F64 CT__ISA_F64
#define EVERY_DTYPE CT__ISA_FIRST /* the others take these over */
#define F32_MATH(name) ct__v_##name##f
#include "kernels/pointwise_dtypes.inc"

void CT__ISA_NAME(ct__pointwise_fill)(ct__pointwise_kernels *k);
void CT__ISA_NAME(ct__pointwise_fill)(ct__pointwise_kernels *k) { fill_all(k); }
