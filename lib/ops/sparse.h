/*
 * sparse.h: what the operations on sparse matrices share.
 */
#ifndef CT__OPS_SPARSE_H
#define CT__OPS_SPARSE_H

#include "core/sparse_impl.h"
#include "ops/layout.h"

/* Fails with an error pending, for NULL ("ct_X: the sparse matrix is NULL"), and for one whose indices were written since it was made. */
ct_status ct__sparse_check(const char *function, const ct_sparse_csr *a);

/* float32 or float64, one dim of nnz elements. */
ct_status ct__sparse_check_values(const char *function, const ct_tensor *values, int64_t nnz);

/* The row of each entry, int64 [nnz]; a reference of the caller's. */
ct_tensor *ct__sparse_row_ids(const char *function, const ct_sparse_csr *a);

CT__INLINE int64_t *ct__i64(const ct_tensor *t) { return (int64_t *)(void *)ct__ptr(t); }

#endif
