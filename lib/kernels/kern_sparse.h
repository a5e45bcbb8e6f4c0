/*
 * kern_sparse.h: products of a sparse matrix in compressed rows.
 *
 * D, dense [cols, n], lies by rows (element (j, c) at j * ld + c) or by columns (c * ld + j): `by_cols`. A tf-idf batch meets a linear layer's
 * weight [out, in], which is D = W^T by columns: reading or writing it as it lies saves a copy of all of W for a batch that touches a few
 * thousand elements of it. Sums run over a row's entries in order, or over rows in order; borders of threads do not cross them.
 */
#ifndef CT__KERN_SPARSE_H
#define CT__KERN_SPARSE_H

#include <ctorch/tensor.h>

/* Indices are valid, columns rise within a row. */
typedef struct ct__csr {
    int64_t rows, cols;
    const int64_t *crow, *col;
    const void *values;
} ct__csr;

typedef struct ct__sparse_dense {
    void *data;
    int64_t ld;
    bool by_cols;
} ct__sparse_dense;

typedef struct ct__sparse_kernels {
    /* index 0: f32, 1: f64. The other dense matrix, [rows, n], is row-major without gaps. */
    void (*mm[2])(const ct__csr *a, int64_t n, const ct__sparse_dense *d, void *out);                  /* out [rows, n] = A D */
    void (*mm_t[2])(const ct__csr *a, int64_t n, const void *g, const ct__sparse_dense *out);          /* out [cols, n] = A^T g */
    void (*sampled[2])(const ct__csr *a, int64_t n, const void *g, const ct__sparse_dense *d, void *out); /* out [nnz] = (g D^T) at A's entries */
} ct__sparse_kernels;

#endif
