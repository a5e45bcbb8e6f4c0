/*
 * cpu_optim.c: the same loops, vectorised by the compiler for each ISA. They are bound by memory from 100 thousand elements on.
 */
#include "kernels/kernels.h"

#include <math.h>

#define T float
#define SQRT sqrtf
#define NAME(x) x##_f32
#include "kernels/optim.inc"
#undef T
#undef SQRT
#undef NAME
#define T double
#define SQRT sqrt
#define NAME(x) x##_f64
#include "kernels/optim.inc"

void CT__ISA_NAME(ct__optim_fill)(ct__optim_kernels *k) {
    k->sgd[0] = sgd_f32;
    k->sgd[1] = sgd_f64;
    k->adam[0] = adam_f32;
    k->adam[1] = adam_f64;
}
