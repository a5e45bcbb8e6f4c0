/*
 * ref_reduce.c: the reductions in plain C, one element after the other; sums of floating point in f64.
 */
#include "kernels/kern_reduce.h"

#include <math.h>

#include "kernels/reduce_dtypes.inc"

void ct__reduce_fill_ref(ct__reduce_kernels *k);
void ct__reduce_fill_ref(ct__reduce_kernels *k) { fill_all(k); }
