/*
 * op_sparse.c: sparse matrices to dense tensors: products, sums.
 *
 * With P the pattern and v the values of a sparse matrix A [m, k], D dense [k, n], G dense [m, n]:
 *
 *      Y = mm(v, D) = A D          X = mm_t(v, G) = A^T G          s = sampled(G, D) = (G D^T) at P
 *
 * All three are bilinear, and the derivatives of each are the other two; <Y, G> = <X, D> = <s, v> is the same sum:
 *
 *      op         of       gradient
 *      mm         v, D     sampled(g, D)     mm_t(v, g)
 *      mm_t       v, G     sampled(G, g)     mm(v, g)
 *      sampled    G, D     mm(g, D)          mm_t(g, G)
 */
#include "ops/sparse.h"

#include "base/vec.h"
#include "kernels/kernels.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* What a node keeps beside tensors. */
typedef struct pattern {
    ct_tensor *crow, *col; /* saved in slots 0 and 1; borrowed while a formula runs */
    int64_t rows, cols, nnz;
    bool by_cols; /* D lies by columns, and its gradient shall */
} pattern;

static pattern pattern_of(const ct_sparse_csr *a) { return (pattern){.crow = a->crow, .col = a->col, .rows = a->rows, .cols = a->cols, .nnz = a->nnz}; }
static int real_of(const ct_tensor *t) { return t->dtype == CT_F64; }

static ct__csr csr_of(const pattern *p, const ct_tensor *values) {
    return (ct__csr){.rows = p->rows, .cols = p->cols, .crow = ct__i64(p->crow), .col = ct__i64(p->col), .values = values ? ct__ptr(values) : NULL};
}

/*
 * D as the kernels read it; *held is what has to be dropped afterwards. By columns each entry costs n reads apart from each other, by rows one
 * of n neighbours: with many entries for each row of D a copy by rows pays.
 */
static bool many_entries(const pattern *p, int64_t n) { return n >= 8 && p->nnz / 4 > p->cols; }

static bool lies_by_cols(const ct_tensor *d) {
    return d->strides[0] == 1 && (d->sizes[1] == 1 || d->strides[1] >= d->sizes[0]) && (d->strides[1] != 1 || d->sizes[1] == 1);
}

static bool dense_of(const char *fn, const pattern *p, ct_tensor *d, ct__sparse_dense *out, ct_tensor **held) {
    *held = NULL;
    if (d->sizes[1] == 1 && d->strides[0] == 1) {
        *out = (ct__sparse_dense){ct__ptr(d), ct__max_i64(d->sizes[0], 1), true};
    } else if (lies_by_cols(d) && !many_entries(p, d->sizes[1])) {
        *out = (ct__sparse_dense){ct__ptr(d), d->strides[1], true};
    } else if (d->strides[1] == 1 && d->strides[0] >= d->sizes[1]) {
        *out = (ct__sparse_dense){ct__ptr(d), d->strides[0], false};
    } else {
        if (!(*held = ct__dense(fn, d))) return false;
        *out = (ct__sparse_dense){ct__ptr(*held), ct__max_i64(d->sizes[1], 1), false};
    }
    return true;
}

/* ---- The three, without a graph: references of the caller's, NULL with an error pending ---- */

static ct_tensor *run_mm(const char *fn, const pattern *p, ct_tensor *values, ct_tensor *d) {
    ct__sparse_dense dense;
    ct_tensor *held = NULL, *v = ct__dense(fn, values), *out = NULL;
    int64_t sizes[] = {p->rows, d->sizes[1]};
    if (v && dense_of(fn, p, d, &dense, &held) && (out = ct__new(fn, sizes, 2, (ct_dtype)d->dtype))) {
        ct__csr a = csr_of(p, v);
        ct__kern()->sparse.mm[real_of(d)](&a, d->sizes[1], &dense, ct__ptr(out));
    }
    ct__unref(held);
    ct__unref(v);
    return out;
}

static ct_tensor *run_mm_t(const char *fn, const pattern *p, ct_tensor *values, ct_tensor *g) {
    int64_t n = g->sizes[1], sizes[] = {p->cols, n}, strides[] = {n > 0 ? n : 1, 1};
    bool by_cols = p->by_cols && !many_entries(p, n) && n > 0 && p->cols > 0;
    if (by_cols) strides[0] = 1, strides[1] = p->cols;
    ct_tensor *v = ct__dense(fn, values), *rows = v ? ct__dense(fn, g) : NULL, *out = NULL;
    if (rows) out = by_cols ? ct__new_strided(fn, sizes, strides, 2, (ct_dtype)g->dtype) : ct__new(fn, sizes, 2, (ct_dtype)g->dtype);
    if (out) {
        ct__csr a = csr_of(p, v);
        ct__kern()->sparse.mm_t[real_of(g)](&a, n, ct__ptr(rows), &(ct__sparse_dense){ct__ptr(out), by_cols ? p->cols : strides[0], by_cols});
    }
    ct__unref(rows);
    ct__unref(v);
    return out;
}

static ct_tensor *run_sampled(const char *fn, const pattern *p, ct_tensor *g, ct_tensor *d) {
    ct__sparse_dense dense;
    ct_tensor *held = NULL, *rows = ct__dense(fn, g), *out = NULL;
    if (rows && dense_of(fn, p, d, &dense, &held) && (out = ct__new(fn, &p->nnz, 1, (ct_dtype)g->dtype))) {
        ct__csr a = csr_of(p, NULL);
        ct__kern()->sparse.sampled[real_of(g)](&a, g->sizes[1], ct__ptr(rows), &dense, ct__ptr(out));
    }
    ct__unref(held);
    ct__unref(rows);
    return out;
}

/* ---- With one ---- */

static ct_tensor *mm(const pattern *p, ct_tensor *values, ct_tensor *d);
static ct_tensor *mm_t(const pattern *p, ct_tensor *values, ct_tensor *g);
static ct_tensor *sampled(const pattern *p, ct_tensor *g, ct_tensor *d);

static bool saved_pattern(ct__node *n, pattern *p) {
    *p = *(const pattern *)ct__ctx(n);
    p->crow = ct__saved(n, 0);
    p->col = ct__saved(n, 1);
    return p->crow && p->col;
}

/* Slots: 0 crow, 1 col, 2 and 3 the inputs. */
static void mm_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    pattern p;
    if (!saved_pattern(n, &p)) return;
    if (ct__needs(n, 0)) gin[0] = sampled(&p, g[0], ct__saved(n, 3));
    if (ct__needs(n, 1)) gin[1] = mm_t(&p, ct__saved(n, 2), g[0]);
}
static void mm_t_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    pattern p;
    if (!saved_pattern(n, &p)) return;
    if (ct__needs(n, 0)) gin[0] = sampled(&p, ct__saved(n, 3), g[0]);
    if (ct__needs(n, 1)) gin[1] = mm(&p, ct__saved(n, 2), g[0]);
}
static void sampled_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    pattern p;
    if (!saved_pattern(n, &p)) return;
    if (ct__needs(n, 0)) gin[0] = mm(&p, g[0], ct__saved(n, 3));
    if (ct__needs(n, 1)) gin[1] = mm_t(&p, g[0], ct__saved(n, 2));
}
static const ct__node_class mm_class = {.op = CT__OP_sparse_mm, .backward = mm_backward, .n_saved = 4, .ctx_size = sizeof(pattern)};
static const ct__node_class mm_t_class = {.op = CT__OP_sparse_mm_t, .backward = mm_t_backward, .n_saved = 4, .ctx_size = sizeof(pattern)};
static const ct__node_class sampled_class = {.op = CT__OP_sparse_sampled_mm, .backward = sampled_backward, .n_saved = 4, .ctx_size = sizeof(pattern)};

/* Each input is needed for the gradient of the other. */
static ct_tensor *finish(const ct__node_class *cls, const pattern *p, ct_tensor *a, ct_tensor *b, ct_tensor *out) {
    ct__node *n = out ? ct__node_new(cls, (ct_tensor *[]){a, b}, 2, 1) : NULL;
    if (n) {
        *(pattern *)ct__ctx(n) = *p;
        ct__save(n, 0, p->crow);
        ct__save(n, 1, p->col);
        if (n->edge[1].node) ct__save(n, 2, a);
        if (n->edge[0].node) ct__save(n, 3, b);
    }
    return ct__finish(n, out);
}

static ct_tensor *mm(const pattern *p, ct_tensor *values, ct_tensor *d) {
    if (!values || !d || ct__pending() != CT_OK) return NULL;
    pattern with = *p;
    with.by_cols = lies_by_cols(d);
    return finish(&mm_class, &with, values, d, run_mm("ct_sparse_mm", p, values, d));
}
static ct_tensor *mm_t(const pattern *p, ct_tensor *values, ct_tensor *g) {
    if (!values || !g || ct__pending() != CT_OK) return NULL;
    return finish(&mm_t_class, p, values, g, run_mm_t("ct_sparse_mm_t", p, values, g));
}
static ct_tensor *sampled(const pattern *p, ct_tensor *g, ct_tensor *d) {
    if (!g || !d || ct__pending() != CT_OK) return NULL;
    pattern with = *p;
    with.by_cols = lies_by_cols(d);
    return finish(&sampled_class, &with, g, d, run_sampled("ct_sparse_sampled_mm", p, g, d));
}

/* ---- The public forms ---- */

static ct_status check_dense(int op, const ct_sparse_csr *a, const char *what, ct_tensor *d, int ndim, int64_t rows) {
    ct__shape_text t;
    CT__TRY(ct__sparse_check(ct__fn(op), a));
    if (!ct__enter(op, &d, 1)) return ct__pending();
    if (d->dtype != a->values->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: the sparse matrix is %s, %s %s; convert one", ct__fn(op), ct_dtype_name((ct_dtype)a->values->dtype), what,
                        ct_dtype_name((ct_dtype)d->dtype));
    if (d->ndim != ndim || d->sizes[0] != rows)
        return ct__fail(CT_ERR_SHAPE, "%s: the sparse matrix [%lld, %lld] and %s %s cannot be multiplied: it must be [%lld%s", ct__fn(op), (long long)a->rows,
                        (long long)a->cols, what, CT__SIZES(&t, d), (long long)rows, ndim == 1 ? "]" : ", n]");
    return CT_OK;
}

ct_tensor *ct_sparse_mm(ct_sparse_csr *a, ct_tensor *dense) {
    CT__TRY_NULL(check_dense(CT__OP_sparse_mm, a, "dense", dense, 2, a ? a->cols : 0));
    pattern p = pattern_of(a);
    return mm(&p, a->values, dense);
}

ct_tensor *ct_sparse_mm_t(ct_sparse_csr *a, ct_tensor *dense) {
    CT__TRY_NULL(check_dense(CT__OP_sparse_mm_t, a, "dense", dense, 2, a ? a->rows : 0));
    pattern p = pattern_of(a);
    return mm_t(&p, a->values, dense);
}

ct_tensor *ct_sparse_mv(ct_sparse_csr *a, ct_tensor *vec) {
    CT__TRY_NULL(check_dense(CT__OP_sparse_mv, a, "vec", vec, 1, a ? a->cols : 0));
    pattern p = pattern_of(a);
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_squeeze_dim(mm(&p, a->values, ct_unsqueeze(vec, -1)), CT_DIMS(-1)));
}

ct_tensor *ct_sparse_sampled_mm(ct_sparse_csr *a, ct_tensor *mat1, ct_tensor *mat2) {
    const int op = CT__OP_sparse_sampled_mm;
    ct__shape_text t1, t2;
    CT__TRY_NULL(check_dense(op, a, "mat1", mat1, 2, a ? a->rows : 0));
    if (!ct__enter(op, &mat2, 1)) return NULL;
    if (mat2->dtype != mat1->dtype || mat2->ndim != 2 || mat2->sizes[0] != mat1->sizes[1] || mat2->sizes[1] != a->cols) {
        if (mat2->dtype != mat1->dtype) ct__fail(CT_ERR_DTYPE, "%s: mat1 is %s, mat2 is %s", ct__fn(op), ct_dtype_name((ct_dtype)mat1->dtype), ct_dtype_name((ct_dtype)mat2->dtype));
        else
            ct__fail(CT_ERR_SHAPE, "%s: mat1 %s and mat2 %s do not make a product of the matrix' sizes [%lld, %lld]", ct__fn(op), CT__SIZES(&t1, mat1),
                     CT__SIZES(&t2, mat2), (long long)a->rows, (long long)a->cols);
        return NULL;
    }
    pattern p = pattern_of(a);
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, sampled(&p, mat1, ct_t(mat2)));
}

ct_tensor *ct_sparse_linear(ct_sparse_csr *a, ct_tensor *weight, ct_tensor *bias) {
    const int op = CT__OP_sparse_linear;
    ct__shape_text t;
    CT__TRY_NULL(ct__sparse_check(ct__fn(op), a));
    if (!ct__enter(op, (ct_tensor *[]){weight, bias}, bias ? 2 : 1)) return NULL;
    if (weight->ndim != 2 || weight->sizes[1] != a->cols) {
        ct__fail(CT_ERR_SHAPE, "%s: weight is %s; for %lld columns it must be [out, %lld]", ct__fn(op), CT__SIZES(&t, weight), (long long)a->cols, (long long)a->cols);
        return NULL;
    }
    if (bias && (bias->ndim != 1 || bias->sizes[0] != weight->sizes[0])) {
        ct__fail(CT_ERR_SHAPE, "%s: bias is %s; it must be [%lld]", ct__fn(op), CT__SIZES(&t, bias), (long long)weight->sizes[0]);
        return NULL;
    }
    if (weight->dtype != a->values->dtype || (bias && bias->dtype != weight->dtype)) {
        ct__fail(CT_ERR_DTYPE, "%s: the sparse matrix is %s, weight %s%s%s; convert with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)a->values->dtype),
                 ct_dtype_name((ct_dtype)weight->dtype), bias ? ", bias " : "", bias ? ct_dtype_name((ct_dtype)bias->dtype) : "");
        return NULL;
    }
    pattern p = pattern_of(a);
    ct_scope scope = ct_scope_begin();
    ct_tensor *y = mm(&p, a->values, ct_t(weight));
    return ct_scope_return(scope, bias ? ct_add(y, bias) : y);
}

/* ---- to_dense, sums: values added to where they belong ---- */

static ct_tensor *add_at(ct_tensor *values, ct_tensor *at, int64_t n) {
    return ct_index_add(ct_zeros(&n, 1, ct_tensor_dtype(values)), 0, at, values, NULL);
}

ct_tensor *ct_sparse_to_dense(ct_sparse_csr *a) {
    const char *fn = ct__fn(CT__OP_sparse_to_dense);
    int64_t n;
    CT__TRY_NULL(ct__sparse_check(fn, a));
    if (!ct__mul_i64(a->rows, a->cols, &n)) {
        ct__fail(CT_ERR_SHAPE, "%s: [%lld, %lld] has more elements than fit in 64 bits", fn, (long long)a->rows, (long long)a->cols);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *at = ct__scope_give(ct__sparse_row_ids(fn, a)), *out = NULL;
    if (at) {
        for (int64_t p = 0; p < a->nnz; p++) ct__i64(at)[p] = ct__i64(at)[p] * a->cols + ct__i64(a->col)[p];
        out = ct_reshape(add_at(a->values, at, n), CT_SHAPE(a->rows, a->cols));
    }
    return ct_scope_return(scope, out);
}

ct_tensor *ct_sparse_sum(ct_sparse_csr *a) {
    CT__TRY_NULL(ct__sparse_check(ct__fn(CT__OP_sparse_sum), a));
    return ct_sum(a->values);
}

ct_tensor *ct_sparse_sum_dim(ct_sparse_csr *a, int64_t dim) {
    const char *fn = ct__fn(CT__OP_sparse_sum_dim);
    int d;
    CT__TRY_NULL(ct__sparse_check(fn, a));
    CT__TRY_NULL(ct__wrap_dim(fn, dim, 2, &d));
    ct_scope scope = ct_scope_begin();
    ct_tensor *at = d == 0 ? a->col : ct__scope_give(ct__sparse_row_ids(fn, a));
    return ct_scope_return(scope, at ? add_at(a->values, at, d == 0 ? a->cols : a->rows) : NULL);
}
