/*
 * ref_gemm.c: every product is OpenBLAS's.
 */
#include "kernels/kern_gemm.h"

static size_t scratch(const ct__gemm_args *g) {
    (void)g;
    return 0;
}

void ct__gemm_fill_ref(ct__gemm_kernels *k);
void ct__gemm_fill_ref(ct__gemm_kernels *k) { *k = (ct__gemm_kernels){.scratch = scratch}; }
