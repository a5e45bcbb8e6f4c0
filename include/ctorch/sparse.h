/*
 * ctorch/sparse.h: sparse matrices in compressed rows (CSR), for features that are mostly zeros: bags of words, TF-IDF, one-hot columns.
 *
 * A ct_sparse_csr is a handle on three tensors and a shape [rows, cols]:
 *
 *     crow_indices  int64 [rows + 1]   row i owns the entries from crow_indices[i] to crow_indices[i + 1]
 *     col_indices   int64 [nnz]        their columns, rising within a row
 *     values        [nnz]              float32 or float64
 *
 * Gradients of every order flow to values and to dense operands; values is an ordinary tensor, so a sparse matrix with learned entries is one whose
 * values require grad. The pattern is fixed: what is not stored is zero and stays zero.
 *
 * Handles are references in the innermost scope, like tensors: ct_sparse_keep and ct_sparse_release are ct_keep and ct_release for
 * them. A handle does not change; calls that return one share what they can with their argument.
 *
 *     ct_sparse_csr *counts = ct_sparse_csr_from_coo(indices, values, 422, 30000);   // documents, words
 *     ct_sparse_csr *features = ct_sparse_mul_cols(counts, idf);
 *     ct_tensor *scores = ct_sparse_linear(ct_sparse_index_select(features, rows), weight, bias);
 *
 * Everything that comes in is checked, so that no index leads out of bounds: CT_ERR_INDEX names the entry. Work is shared among threads by rows, or by
 * columns where results are; each result is added up in the order of the rows, so it is the same for any number of threads.
 */
#ifndef CTORCH_SPARSE_H
#define CTORCH_SPARSE_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_sparse_csr ct_sparse_csr;

/* ---- Making ----------------------------------------------------------------------------------------------------- */

/* Of its three tensors: torch.sparse_csr_tensor. Indices may be int32 or int64 and are copied; columns rise within each row, none twice. values is shared
 * and recorded. */
CT_API ct_sparse_csr *ct_sparse_csr_tensor(ct_tensor *crow_indices, ct_tensor *col_indices, ct_tensor *values, int64_t rows, int64_t cols);

/* Of coordinates: indices int64 or int32 [2, n], rows above columns, values [n]. Any order; entries of one place are added:
 * torch.sparse_coo_tensor(indices, values, size).coalesce().to_sparse_csr(). The gradient of values is that of each entry. */
CT_API ct_sparse_csr *ct_sparse_csr_from_coo(ct_tensor *indices, ct_tensor *values, int64_t rows, int64_t cols);

/* What is not zero in a dense matrix: Tensor.to_sparse_csr. The gradient of x is that of its non-zero elements. */
CT_API ct_sparse_csr *ct_to_sparse_csr(ct_tensor *x);

/* The same pattern, other values [nnz], which may have the other dtype. */
CT_API ct_sparse_csr *ct_sparse_with_values(ct_sparse_csr *a, ct_tensor *values);

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

CT_API ct_sparse_csr *ct_sparse_keep(ct_sparse_csr *a); /* a reference of the caller's own; NULL passes through */
CT_API void ct_sparse_release(ct_sparse_csr *a);

/* Queries: 0, CT_DTYPE_NONE or NULL on NULL. */
CT_API int64_t ct_sparse_size(const ct_sparse_csr *a, int64_t dim); /* dim 0 rows, 1 columns; may count from the end */
CT_API int64_t ct_sparse_nnz(const ct_sparse_csr *a);               /* stored entries */
CT_API ct_dtype ct_sparse_dtype(const ct_sparse_csr *a);
/* The tensors themselves, in the innermost scope. The indices must not be written: what uses the matrix afterwards is CT_ERR_STATE. */
CT_API ct_tensor *ct_sparse_crow_indices(const ct_sparse_csr *a);
CT_API ct_tensor *ct_sparse_col_indices(const ct_sparse_csr *a);
CT_API ct_tensor *ct_sparse_values(const ct_sparse_csr *a);

/* ---- Other matrices of it --------------------------------------------------------------------------------------- */

CT_API ct_sparse_csr *ct_sparse_t(ct_sparse_csr *a);                                         /* transposed */
CT_API ct_sparse_csr *ct_sparse_index_select(ct_sparse_csr *a, ct_tensor *index);            /* these rows, in this order; a row may occur twice */
CT_API ct_sparse_csr *ct_sparse_mul_rows(ct_sparse_csr *a, ct_tensor *scale);                /* row i times scale[i]: diag(scale) A */
CT_API ct_sparse_csr *ct_sparse_mul_cols(ct_sparse_csr *a, ct_tensor *scale);                /* column j times scale[j]: A diag(scale) */

/* ---- To dense tensors ------------------------------------------------------------------------------------------- */

CT_API ct_tensor *ct_sparse_to_dense(ct_sparse_csr *a);             /* [rows, cols] */
CT_API ct_tensor *ct_sparse_sum(ct_sparse_csr *a);                  /* of all entries, 0-dim */
CT_API ct_tensor *ct_sparse_sum_dim(ct_sparse_csr *a, int64_t dim); /* 0: of each column, [cols]; 1: of each row, [rows] */

/*
 * Products; torch.sparse.mm. Dtypes agree. A dense operand is read as it lies, by rows or (a transposed view) by columns; its gradient
 * comes in the same order, so that the gradient of a weight [out, in] behind ct_t needs no copy.
 */
CT_API ct_tensor *ct_sparse_mm(ct_sparse_csr *a, ct_tensor *dense);   /* A [m, k] x [k, n] -> [m, n] */
CT_API ct_tensor *ct_sparse_mm_t(ct_sparse_csr *a, ct_tensor *dense); /* A^T [k, m] x [m, n] -> [k, n], without transposing A */
CT_API ct_tensor *ct_sparse_mv(ct_sparse_csr *a, ct_tensor *vec);     /* A [m, k] x [k] -> [m] */

/* The product of dense matrices where A has entries: values [nnz] of (mat1 [m, n] x mat2 [n, k]); A's values are not read.
 * torch.sparse.sampled_addmm with beta 0. */
CT_API ct_tensor *ct_sparse_sampled_mm(ct_sparse_csr *a, ct_tensor *mat1, ct_tensor *mat2);

/* A fully connected layer on sparse rows: A weight^T + bias; weight [out, in], bias [out] or NULL -> [rows, out]. */
CT_API ct_tensor *ct_sparse_linear(ct_sparse_csr *a, ct_tensor *weight, ct_tensor *bias);

#ifdef __cplusplus
}
#endif
#endif
