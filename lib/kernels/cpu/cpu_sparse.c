/*
 * cpu_sparse.c: products of sparse matrices: the same loops, vectorised by the compiler for each ISA.
 */
#include "kernels/kernels.h"

#include <string.h>

#define T float
#define NAME(x) x##_f32
#include "kernels/sparse.inc"
#define T double
#define NAME(x) x##_f64
#include "kernels/sparse.inc"

void CT__ISA_NAME(ct__sparse_fill)(ct__sparse_kernels *k) {
    *k = (ct__sparse_kernels){.mm = {mm_f32, mm_f64}, .mm_t = {mm_t_f32, mm_t_f64}, .sampled = {sampled_f32, sampled_f64}};
}
