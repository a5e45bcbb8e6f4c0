/*
 * sparse.c: the life of a sparse matrix' handle. Operations are in lib/ops/op_sparse*.c.
 */
#include "core/sparse_impl.h"

#include "core/tensor_impl.h"

ct_sparse_csr *ct__sparse_new(ct_tensor *crow, ct_tensor *col, ct_tensor *values, int64_t rows, int64_t cols) {
    CT__TRY_NULL(ct__pending());
    if (!crow || !col || !values) return NULL;
    ct_sparse_csr *s = ct__alloc_zero(sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->obj.refs, 1);
    s->obj.kind = CT__KIND_SPARSE;
    ct__ref(crow);
    ct__ref(col);
    ct__ref(values);
    s->crow = crow, s->col = col, s->values = values;
    s->rows = rows, s->cols = cols, s->nnz = values->numel;
    s->crow_version = ct__version(crow), s->col_version = ct__version(col);
    return ct__scope_give(s);
}

void ct__sparse_destroy(ct__obj *o) {
    ct_sparse_csr *s = (ct_sparse_csr *)(void *)o;
    ct__unref(s->crow);
    ct__unref(s->col);
    ct__unref(s->values);
    ct__free(s);
}

ct_sparse_csr *ct_sparse_keep(ct_sparse_csr *a) {
    if (a) ct__ref(a);
    return a;
}
void ct_sparse_release(ct_sparse_csr *a) { ct__unref(a); }

int64_t ct_sparse_size(const ct_sparse_csr *a, int64_t dim) {
    if (!a || dim < -2 || dim > 1) return 0;
    return dim == 0 || dim == -2 ? a->rows : a->cols;
}
int64_t ct_sparse_nnz(const ct_sparse_csr *a) { return a ? a->nnz : 0; }
ct_dtype ct_sparse_dtype(const ct_sparse_csr *a) { return a ? (ct_dtype)a->values->dtype : CT_DTYPE_NONE; }

ct_tensor *ct_sparse_crow_indices(const ct_sparse_csr *a) { return a ? ct__scope_share(a->crow) : NULL; }
ct_tensor *ct_sparse_col_indices(const ct_sparse_csr *a) { return a ? ct__scope_share(a->col) : NULL; }
ct_tensor *ct_sparse_values(const ct_sparse_csr *a) { return a ? ct__scope_share(a->values) : NULL; }
