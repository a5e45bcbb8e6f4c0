/* Sparse matrices against PyTorch, whose side is dense: see README.md and families/sparse.py. */
#include "parity/replay.h"

#define A ct_sparse_csr_tensor(T("crow"), T("col"), T("values"), I("rows"), I("cols"))

CALL(sparse_mm) {
    RESULT(sparse_mm, ct_sparse_mm(A, T("dense")));
    RESULT(sparse_mm_t, ct_sparse_mm_t(ct_sparse_t(A), T("dense")));
}
CALL(sparse_mm_t) {
    RESULT(sparse_mm_t, ct_sparse_mm_t(A, T("dense")));
    RESULT(sparse_mm, ct_sparse_mm(ct_sparse_t(A), T("dense")));
}
CALL(sparse_mv) { RESULT(sparse_mv, ct_sparse_mv(A, T("vec"))); }
CALL(sparse_linear) { RESULT(sparse_linear, ct_sparse_linear(A, T("weight"), OPT_T("bias"))); }
CALL(sparse_sampled_mm) { RESULT(sparse_sampled_mm, ct_sparse_sampled_mm(A, T("mat1"), T("mat2"))); }
CALL(sparse_to_dense) { RESULT(sparse_to_dense, ct_sparse_to_dense(A)); }
CALL(sparse_sum) { RESULT(sparse_sum, ct_sparse_sum(A)); }

static ct_tensor *both_sums(ct_sparse_csr *a, ct_tensor **rows) {
    *rows = ct_sparse_sum_dim(a, 1);
    return ct_sparse_sum_dim(a, 0);
}
CALL(sparse_sum_dim) { RESULT(sparse_sum_dim, both_sums(A, OUT(1))); }

CALL(sparse_coo) { RESULT(sparse_to_dense, ct_sparse_to_dense(ct_sparse_csr_from_coo(T("indices"), T("values"), I("rows"), I("cols")))); }

/* diag(by_row) X diag(by_col), some rows of it, transposed */
CALL(sparse_rearranged) {
    RESULT(sparse_to_dense, ct_sparse_to_dense(ct_sparse_t(ct_sparse_index_select(
                                ct_sparse_mul_cols(ct_sparse_mul_rows(ct_to_sparse_csr(T("input")), T("by_row")), T("by_col")), T("index")))));
}

PARITY_MAIN()
