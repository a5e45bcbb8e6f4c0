/*
 * blas.h: matrix products on pointers. The seam to OpenBLAS and to kernels of our own, and plain loops for integers.
 *
 *      C [m, n]  =  alpha * op(A) [m, k] * op(B) [k, n]  +  beta * C        (or + bias [n] in every row)
 *
 * All matrices are row-major: element (i, j) of a stored matrix with leading dimension ld is at i * ld + j. ta says that A is stored as
 * [k, m], tb that B is stored as [n, k]. A batch is up to CT__GEMM_BATCH_DIMS dimensions of such products; A and B may stay where they are along
 * one (stride 0: broadcast), C may not.
 *
 * OpenBLAS runs single-threaded: the work is split here, over the library's own pool, into a grid of panels of C whose borders depend
 * on sizes and the configured number of threads only. It never sees a wrong argument, because sizes were checked
 * by the caller and leading dimensions here; so it never prints.
 */
#ifndef CT__BLAS_H
#define CT__BLAS_H

#include <ctorch/tensor.h>

enum { CT__GEMM_BATCH_DIMS = CT_MAX_NDIM };

typedef struct ct__gemm_args {
    ct_dtype dtype; /* CT_F32, CT_F64; ct__gemm_int: the integers */
    bool ta, tb;
    int64_t m, n, k;
    int64_t lda, ldb, ldc; /* elements; at least the stored row's length, at least 1, at most ct__blas_ld_max() */
    const void *a, *b;
    void *c;
    double alpha, beta; /* beta 0 overwrites C whatever is there, NaN too */
    const void *bias;   /* [n], of the matrices' dtype, added to every row; or NULL. Needs beta == 0. */
    bool in_job;        /* called from inside a job of the pool: asks for no memory */
    int batch_ndim;     /* 0: one product */
    int64_t batch_sizes[CT__GEMM_BATCH_DIMS];
    int64_t a_strides[CT__GEMM_BATCH_DIMS], b_strides[CT__GEMM_BATCH_DIMS], c_strides[CT__GEMM_BATCH_DIMS];
} ct__gemm_args;

/* f32 and f64. Any size may be 0: an empty k gives beta * C (or bias, or zeros). Large products of f32 are packed and multiplied by kern_gemm.h's
 * kernels; where there is no memory for that CT_ERR_OUT_OF_MEMORY is pending, and C is as it was. */
void ct__gemm(const ct__gemm_args *g);

/* i8, i16, i32, i64, u8, wrapping around as PyTorch does. alpha and beta are whole numbers. The same struct. */
void ct__gemm_int(const ct__gemm_args *g);

/* Before any call of OpenBLAS from pool or caller: makes sure that it runs single-threaded. ct__gemm does it itself. */
void ct__blas_enter(void);

/* OpenBLAS counts with 32 bits. Sizes beyond are split inside; a leading dimension cannot be: the caller copies or refuses. */
int64_t ct__blas_ld_max(void);

/* For tests: pretend that OpenBLAS counts to `limit` only (sizes, not leading dimensions); 0 = what it really does. */
void ct__blas_set_size_limit(int64_t limit);

/* "OpenBLAS 0.3.21 ..., as it describes itself; static storage. */
const char *ct__blas_describe(void);

#endif
