/*
 * kern_gemm.h: large products of f32 with kernels of our own; ct__gemm (blas/blas.h) asks here before it cuts the product up for OpenBLAS.
 */
#ifndef CT__KERN_GEMM_H
#define CT__KERN_GEMM_H

#include "kernels/blas/blas.h"

typedef struct ct__gemm_kernels {
    /* Bytes of scratch that f32 needs, aligned to 64; 0: OpenBLAS is to do this one. */
    size_t (*scratch)(const ct__gemm_args *g);
    /* One product, batch_ndim 0, over the pool. */
    void (*f32)(const ct__gemm_args *g, void *scratch);
} ct__gemm_kernels;

#endif
