/*
 * sparse_impl.h: the handle of a sparse matrix: three tensors and two sizes.
 *
 *      crow [rows + 1]   0  2  2  5          row i owns entries crow[i] to crow[i + 1]
 *      col  [nnz]        1 3     0 2 4       rising within a row
 *      values [nnz]      a b     c d e       any tensor: gradients flow through it
 *
 * crow and col are the handle's own, row-major int64, checked when it was made, and nobody else may write them: the kernels trust them. Their
 * versions tell if someone did so anyhow, through the tensors that the accessors return.
 */
#ifndef CT__SPARSE_IMPL_H
#define CT__SPARSE_IMPL_H

#include "core/object.h"
#include <ctorch/sparse.h>

struct ct_sparse_csr {
    ct__obj obj;
    ct_tensor *crow, *col, *values; /* references */
    int64_t rows, cols, nnz;
    int64_t crow_version, col_version;
};

/* A handle in the innermost scope with references of its own to the three; they have been checked. NULL tensors and pending errors give NULL. */
ct_sparse_csr *ct__sparse_new(ct_tensor *crow, ct_tensor *col, ct_tensor *values, int64_t rows, int64_t cols);

/* Of object.c's dispatch. */
void ct__sparse_destroy(ct__obj *sparse);

#endif
