/*
 * ref_pointwise.c: the elementwise loops in plain C with libm: one strided loop per function and dtype.
 */
#include "kernels/kern_pointwise.h"

#include <math.h>

#define FAST 0
#define WITH_F64 1
#define EVERY_DTYPE 1
#define IVDEP
#define F32_MATH(name) name##f
#include "kernels/pointwise_dtypes.inc"

void ct__pointwise_fill_ref(ct__pointwise_kernels *k);
void ct__pointwise_fill_ref(ct__pointwise_kernels *k) { fill_all(k); }
