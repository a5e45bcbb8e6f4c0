/*
 * ref_optim.c: the optimizer steps in plain C.
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

void ct__optim_fill_ref(ct__optim_kernels *k) {
    *k = (ct__optim_kernels){.sgd = {sgd_f32, sgd_f64}, .adam = {adam_f32, adam_f64}};
}
