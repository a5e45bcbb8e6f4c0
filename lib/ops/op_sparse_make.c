/*
 * op_sparse_make.c: sparse matrices from other things, and from each other.
 *
 * Index tensors are new memory of the library's own, filled by plain loops and checked where they come from outside; values go through
 * ordinary operations (index_select, index_add, mul), which record them.
 */
#include "ops/sparse.h"

#include "base/vec.h"
#include "ops/iter.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <string.h>

ct_status ct__sparse_check(const char *function, const ct_sparse_csr *a) {
    CT__TRY(ct__pending());
    if (!a) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the sparse matrix is NULL", function);
    if (ct__version(a->crow) == a->crow_version && ct__version(a->col) == a->col_version) return CT_OK;
    return ct__fail(CT_ERR_STATE, "%s: the indices of the sparse matrix were changed in place", function);
}

ct_status ct__sparse_check_values(const char *function, const ct_tensor *values, int64_t nnz) {
    ct__shape_text t;
    if (!values) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: values is NULL", function);
    if (values->dtype != CT_F32 && values->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: values is %s; it must be float32 or float64", function, ct_dtype_name((ct_dtype)values->dtype));
    if (values->ndim != 1 || values->sizes[0] != nnz)
        return ct__fail(CT_ERR_SHAPE, "%s: values is %s; for %lld entries it must be [%lld]", function, CT__SIZES(&t, values), (long long)nnz, (long long)nnz);
    return CT_OK;
}

static ct_status check_shape(const char *function, int64_t rows, int64_t cols) {
    if (rows >= 0 && cols >= 0 && rows < INT64_MAX) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %lld rows and %lld columns", function, (long long)rows, (long long)cols);
}

/* An index tensor as int64, row-major, in new memory. */
static ct_tensor *own_indices(const char *function, const char *what, const ct_tensor *t, int ndim) {
    ct__shape_text text;
    if (!t || (t->dtype != CT_I64 && t->dtype != CT_I32)) {
        if (!t) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, what);
        else ct__fail(CT_ERR_DTYPE, "%s: %s is %s; it must be int64 or int32", function, what, ct_dtype_name((ct_dtype)t->dtype));
        return NULL;
    }
    if (t->ndim != ndim) {
        ct__fail(CT_ERR_SHAPE, "%s: %s is %s; it must have %d dim%s", function, what, CT__SIZES(&text, t), ndim, ndim == 1 ? "" : "s");
        return NULL;
    }
    ct_tensor *out = ct__new(function, t->sizes, t->ndim, CT_I64);
    if (out && out->numel && ct__copy_into(function, out, t) != CT_OK) {
        ct__unref(out);
        out = NULL;
    }
    return out;
}

static ct_tensor *new_i64(const char *function, int64_t n) { return ct__new(function, &n, 1, CT_I64); }

/* ---- Of three tensors ---- */

static ct_status check_csr(const char *function, const ct_tensor *crow_t, const ct_tensor *col_t, int64_t rows, int64_t cols) {
    int64_t nnz = col_t->numel;
    if (crow_t->numel != rows + 1)
        return ct__fail(CT_ERR_SHAPE, "%s: crow_indices has %lld elements; for %lld rows it must have %lld", function, (long long)crow_t->numel, (long long)rows,
                        (long long)rows + 1);
    const int64_t *crow = ct__i64(crow_t), *col = ct__i64(col_t);
    if (crow[0] != 0 || crow[rows] != nnz)
        return ct__fail(CT_ERR_INDEX, "%s: crow_indices goes from %lld to %lld; it must go from 0 to the number of entries, %lld", function, (long long)crow[0],
                        (long long)crow[rows], (long long)nnz);
    for (int64_t i = 0; i < rows; i++)
        if (crow[i + 1] < crow[i] || crow[i + 1] > nnz)
            return ct__fail(CT_ERR_INDEX, "%s: crow_indices[%lld] is %lld after %lld, with %lld entries in all", function, (long long)i + 1,
                            (long long)crow[i + 1], (long long)crow[i], (long long)nnz);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t p = crow[i]; p < crow[i + 1]; p++) {
            if (col[p] < 0 || col[p] >= cols)
                return ct__fail(CT_ERR_INDEX, "%s: col_indices[%lld] is %lld, with %lld columns", function, (long long)p, (long long)col[p], (long long)cols);
            if (p > crow[i] && col[p] <= col[p - 1])
                return ct__fail(CT_ERR_INDEX, "%s: col_indices[%lld] is %lld after %lld in row %lld; columns rise within a row", function, (long long)p,
                                (long long)col[p], (long long)col[p - 1], (long long)i);
        }
    return CT_OK;
}

ct_sparse_csr *ct_sparse_csr_tensor(ct_tensor *crow_indices, ct_tensor *col_indices, ct_tensor *values, int64_t rows, int64_t cols) {
    static const char fn[] = "ct_sparse_csr_tensor";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check_shape(fn, rows, cols));
    ct_tensor *col = NULL, *crow = own_indices(fn, "crow_indices", crow_indices, 1);
    ct_sparse_csr *out = NULL;
    if (crow) col = own_indices(fn, "col_indices", col_indices, 1);
    if (col && ct__sparse_check_values(fn, values, col->numel) == CT_OK && check_csr(fn, crow, col, rows, cols) == CT_OK)
        out = ct__sparse_new(crow, col, values, rows, cols);
    ct__unref(crow);
    ct__unref(col);
    return out;
}

/* ---- Of coordinates ---- */

/* Sorts places by (col, place), stable: runs of length 1, 2, 4, ... are merged, from one array to the other and back. */
static void sort_row(int64_t *place, int64_t *scratch, int64_t n, const int64_t *col) {
    int64_t *from = place, *to = scratch;
    bool sorted = true;
    for (int64_t i = 1; i < n && sorted; i++) sorted = col[place[i - 1]] <= col[place[i]];
    if (sorted) return;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * run) {
            int64_t middle = ct__min_i64(begin + run, n), end = ct__min_i64(begin + 2 * run, n), a = begin, b = middle;
            for (int64_t i = begin; i < end; i++) {
                if (b == end || (a < middle && col[from[a]] <= col[from[b]])) to[i] = from[a++];
                else to[i] = from[b++];
            }
        }
        int64_t *other = from;
        from = to;
        to = other;
    }
    if (from != place) memcpy(place, from, (size_t)n * sizeof *place);
}

typedef struct coo {
    const int64_t *row, *col; /* [n] */
    int64_t n, rows, cols;
    ct_tensor *crow, *out_col, *slot; /* slot [n]: the entry that each coordinate is added to */
} coo;

static ct_status check_coo(const char *function, const coo *c) {
    for (int64_t i = 0; i < c->n; i++) {
        bool row = c->row[i] < 0 || c->row[i] >= c->rows;
        if (row || c->col[i] < 0 || c->col[i] >= c->cols)
            return ct__fail(CT_ERR_INDEX, "%s: indices[%d][%lld] is %lld, with %lld %s", function, !row, (long long)i, (long long)(row ? c->row[i] : c->col[i]),
                            (long long)(row ? c->rows : c->cols), row ? "rows" : "columns");
    }
    return CT_OK;
}

/* Fills crow, out_col and slot; place [n] and scratch [n] are memory. Returns the number of entries. */
static int64_t compress(const coo *c, int64_t *place, int64_t *scratch) {
    int64_t *crow = ct__i64(c->crow), *out_col = ct__i64(c->out_col), *slot = ct__i64(c->slot), nnz = 0;
    memset(crow, 0, (size_t)(c->rows + 1) * sizeof *crow);
    for (int64_t i = 0; i < c->n; i++) crow[c->row[i] + 1]++;
    for (int64_t i = 0; i < c->rows; i++) crow[i + 1] += crow[i];
    for (int64_t i = c->n; i-- > 0;) place[--crow[c->row[i] + 1]] = i; /* from the back: each row's end moves down to its begin, which is crow[row] one too high */
    for (int64_t i = 0; i < c->rows; i++) {
        int64_t begin = crow[i + 1], end = i + 2 <= c->rows ? crow[i + 2] : c->n, first = nnz;
        sort_row(place + begin, scratch, end - begin, c->col);
        for (int64_t p = begin; p < end; p++) {
            int64_t at = place[p];
            if (nnz == first || out_col[nnz - 1] != c->col[at]) out_col[nnz++] = c->col[at];
            slot[at] = nnz - 1;
        }
        crow[i] = first;
    }
    crow[c->rows] = nnz;
    return nnz;
}

static ct_tensor *first_of(ct_tensor *t, int64_t n) { return t->numel == n ? (ct__ref(t), t) : ct__new_view(t, &n, t->strides, 1, t->offset); }

ct_sparse_csr *ct_sparse_csr_from_coo(ct_tensor *indices, ct_tensor *values, int64_t rows, int64_t cols) {
    static const char fn[] = "ct_sparse_csr_from_coo";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check_shape(fn, rows, cols));
    ct__shape_text text;
    ct_sparse_csr *out = NULL;
    coo c = {.rows = rows, .cols = cols};
    int64_t *memory = NULL, nnz;
    ct_tensor *own = own_indices(fn, "indices", indices, 2), *col = NULL;
    if (!own) return NULL;
    if (own->sizes[0] != 2) {
        ct__fail(CT_ERR_SHAPE, "%s: indices is %s; it must be [2, n]: rows and columns", fn, CT__SIZES(&text, own));
        goto done;
    }
    c.n = own->sizes[1], c.row = ct__i64(own), c.col = c.row + c.n;
    if (ct__sparse_check_values(fn, values, c.n) != CT_OK || check_coo(fn, &c) != CT_OK) goto done;
    c.crow = new_i64(fn, rows + 1);
    c.out_col = c.crow ? new_i64(fn, c.n) : NULL;
    c.slot = c.out_col ? new_i64(fn, c.n) : NULL;
    memory = c.slot ? ct__alloc_array((size_t)c.n + 1, 2 * sizeof *memory) : NULL;
    if (!memory) goto done;
    nnz = compress(&c, memory, memory + c.n);
    if ((col = first_of(c.out_col, nnz))) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *sum = ct_index_add(ct_zeros(&nnz, 1, (ct_dtype)values->dtype), 0, c.slot, values, NULL);
        out = ct__sparse_new(c.crow, col, sum, rows, cols);
        if (!ct__scope_return_n(scope, (void *[]){out}, 1)) out = NULL;
    }
done:
    ct__free(memory);
    ct__unref(own);
    ct__unref(c.crow);
    ct__unref(c.out_col);
    ct__unref(c.slot);
    ct__unref(col);
    return out;
}

/* ---- Of a dense matrix ---- */

static ct_sparse_csr *of_dense(const char *fn, ct_tensor *x) {
    ct_tensor *at = ct_nonzero(x);
    if (!at) return NULL;
    int64_t rows = x->sizes[0], nnz = at->sizes[0], i = 0;
    ct_tensor *crow = ct__scope_give(new_i64(fn, rows + 1)), *col = ct__scope_give(new_i64(fn, nnz));
    if (!crow || !col || !(at = ct_contiguous(at, CT_FORMAT_CONTIGUOUS))) return NULL;
    const int64_t *pairs = ct__i64(at);
    for (int64_t p = 0; p < nnz; p++) {
        while (i <= pairs[2 * p]) ct__i64(crow)[i++] = p;
        ct__i64(col)[p] = pairs[2 * p + 1];
    }
    while (i <= rows) ct__i64(crow)[i++] = nnz;
    ct_tensor *values = ct_index(x, (ct_tensor *[]){ct_select(at, 1, 0), ct_select(at, 1, 1)}, 2);
    return ct__sparse_new(crow, col, values, rows, x->sizes[1]);
}

ct_sparse_csr *ct_to_sparse_csr(ct_tensor *x) {
    static const char fn[] = "ct_to_sparse_csr";
    ct__shape_text t;
    CT__TRY_NULL(ct__pending());
    if (!x || x->ndim != 2 || (x->dtype != CT_F32 && x->dtype != CT_F64)) {
        if (!x) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: x is NULL", fn);
        else if (x->ndim != 2) ct__fail(CT_ERR_SHAPE, "%s: x %s must be a matrix", fn, CT__SIZES(&t, x));
        else ct__fail(CT_ERR_DTYPE, "%s: x is %s; it must be float32 or float64", fn, ct_dtype_name((ct_dtype)x->dtype));
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_sparse_csr *out = of_dense(fn, x);
    return ct__scope_return_n(scope, (void *[]){out}, 1) ? out : NULL;
}

/* ---- Of another sparse matrix ---- */

ct_sparse_csr *ct_sparse_with_values(ct_sparse_csr *a, ct_tensor *values) {
    CT__TRY_NULL(ct__sparse_check("ct_sparse_with_values", a));
    CT__TRY_NULL(ct__sparse_check_values("ct_sparse_with_values", values, a->nnz));
    return ct__sparse_new(a->crow, a->col, values, a->rows, a->cols);
}

ct_tensor *ct__sparse_row_ids(const char *function, const ct_sparse_csr *a) {
    ct_tensor *ids = new_i64(function, a->nnz);
    if (!ids) return NULL;
    const int64_t *crow = ct__i64(a->crow);
    for (int64_t i = 0; i < a->rows; i++)
        for (int64_t p = crow[i]; p < crow[i + 1]; p++) ct__i64(ids)[p] = i;
    return ids;
}

/* A matrix of these indices with the entries `from` of a's values. */
static ct_sparse_csr *rearranged(const ct_sparse_csr *a, ct_tensor *crow, ct_tensor *col, ct_tensor *from, int64_t rows, int64_t cols) {
    ct_scope scope = ct_scope_begin();
    ct_sparse_csr *out = from ? ct__sparse_new(crow, col, ct_index_select(a->values, 0, from), rows, cols) : NULL;
    if (!ct__scope_return_n(scope, (void *[]){out}, 1)) out = NULL;
    ct__unref(crow);
    ct__unref(col);
    ct__unref(from);
    return out;
}

ct_sparse_csr *ct_sparse_t(ct_sparse_csr *a) {
    static const char fn[] = "ct_sparse_t";
    CT__TRY_NULL(ct__sparse_check(fn, a));
    CT__TRY_NULL(check_shape(fn, a->cols, a->rows));
    ct_tensor *crow_t = new_i64(fn, a->cols + 1), *col_t = crow_t ? new_i64(fn, a->nnz) : NULL, *from_t = col_t ? new_i64(fn, a->nnz) : NULL;
    if (from_t) {
        int64_t *crow = ct__i64(crow_t), *col = ct__i64(col_t), *from = ct__i64(from_t);
        const int64_t *old_row = ct__i64(a->crow), *old_col = ct__i64(a->col);
        memset(crow, 0, (size_t)(a->cols + 1) * sizeof *crow);
        for (int64_t p = 0; p < a->nnz; p++) crow[old_col[p] + 1]++;
        for (int64_t j = 0; j < a->cols; j++) crow[j + 1] += crow[j];
        for (int64_t i = 0; i < a->rows; i++)
            for (int64_t p = old_row[i]; p < old_row[i + 1]; p++) {
                int64_t to = crow[old_col[p]]++; /* each begin moves to its end */
                col[to] = i;
                from[to] = p;
            }
        for (int64_t j = a->cols; j > 0; j--) crow[j] = crow[j - 1];
        crow[0] = 0;
    }
    return rearranged(a, crow_t, col_t, from_t, a->cols, a->rows);
}

/* Total entries of the chosen rows; an index out of range is an error. */
static ct_status count_rows(const char *fn, const ct_sparse_csr *a, const ct_tensor *index, int64_t *nnz) {
    const int64_t *crow = ct__i64(a->crow);
    *nnz = 0;
    for (int64_t i = 0; i < index->numel; i++) {
        int64_t row = ct__i64(index)[i];
        if (row < 0 || row >= a->rows)
            return ct__fail(CT_ERR_INDEX, "%s: index[%lld] is %lld, with %lld rows", fn, (long long)i, (long long)row, (long long)a->rows);
        if (!ct__add_i64(*nnz, crow[row + 1] - crow[row], nnz)) return ct__fail(CT_ERR_SHAPE, "%s: the number of entries overflows", fn);
    }
    return CT_OK;
}

ct_sparse_csr *ct_sparse_index_select(ct_sparse_csr *a, ct_tensor *index) {
    static const char fn[] = "ct_sparse_index_select";
    CT__TRY_NULL(ct__sparse_check(fn, a));
    int64_t nnz = 0;
    ct_tensor *rows = own_indices(fn, "index", index, 1), *crow_t = NULL, *col_t = NULL, *from_t = NULL;
    if (!rows) return NULL;
    if (count_rows(fn, a, rows, &nnz) == CT_OK && (crow_t = new_i64(fn, rows->numel + 1)) && (col_t = new_i64(fn, nnz))) from_t = new_i64(fn, nnz);
    int64_t n = rows->numel;
    if (from_t) {
        int64_t *crow = ct__i64(crow_t), *col = ct__i64(col_t), *from = ct__i64(from_t), p = 0;
        const int64_t *old_row = ct__i64(a->crow), *old_col = ct__i64(a->col);
        for (int64_t i = 0; i < n; i++) {
            int64_t row = ct__i64(rows)[i];
            crow[i] = p;
            for (int64_t q = old_row[row]; q < old_row[row + 1]; q++, p++) {
                col[p] = old_col[q];
                from[p] = q;
            }
        }
        crow[n] = p;
    }
    ct__unref(rows);
    return rearranged(a, crow_t, col_t, from_t, n, a->cols);
}

/* values * scale[of], of: the row or column of each entry. */
static ct_sparse_csr *scaled(const char *fn, ct_sparse_csr *a, ct_tensor *scale, bool by_row) {
    ct__shape_text t;
    CT__TRY_NULL(ct__sparse_check(fn, a));
    int64_t want = by_row ? a->rows : a->cols;
    if (!scale || scale->ndim != 1 || scale->sizes[0] != want || scale->dtype != a->values->dtype) {
        if (!scale) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale is NULL", fn);
        else if (scale->dtype != a->values->dtype)
            ct__fail(CT_ERR_DTYPE, "%s: scale is %s, the matrix %s; convert one", fn, ct_dtype_name((ct_dtype)scale->dtype), ct_dtype_name((ct_dtype)a->values->dtype));
        else ct__fail(CT_ERR_SHAPE, "%s: scale %s must be [%lld]", fn, CT__SIZES(&t, scale), (long long)want);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *of = by_row ? ct__scope_give(ct__sparse_row_ids(fn, a)) : a->col;
    ct_tensor *values = of ? ct_mul(a->values, ct_index_select(scale, 0, of)) : NULL;
    ct_sparse_csr *out = ct__sparse_new(a->crow, a->col, values, a->rows, a->cols);
    return ct__scope_return_n(scope, (void *[]){out}, 1) ? out : NULL;
}
ct_sparse_csr *ct_sparse_mul_rows(ct_sparse_csr *a, ct_tensor *scale) { return scaled("ct_sparse_mul_rows", a, scale, true); }
ct_sparse_csr *ct_sparse_mul_cols(ct_sparse_csr *a, ct_tensor *scale) { return scaled("ct_sparse_mul_cols", a, scale, false); }
