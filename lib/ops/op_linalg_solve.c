/*
 * op_linalg_solve.c: linear systems: solve, solve_triangular, inv.
 *
 * LU of the transposed matrix is as good as that of the matrix itself and reads a row-major A as it lies: A^T is factorized, and
 * A X = B solved as (A^T)^T X = B. A triangular system needs no copy of B in another order: B^T, which LAPACK sees in a row-major
 * B, is solved from the right. A itself is copied, since its dims may lie anyhow.
 */
#include "ops/factor.h"

#include "base/vec.h"

#include <ctorch/linalg.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <string.h>

static ct_status singular(int op, const ct_tensor *lu, ct__outcome o) {
    ct__item_text t;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %sthe matrix is singular: its pivot %d is zero", ct__fn(op), ct__item_str(&t, lu, o.item), (int)o.info);
}

static ct_status same_dtypes(int op, const ct_tensor *a, const ct_tensor *b) {
    if (a->dtype == b->dtype) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: A is %s, B is %s; convert one with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)a->dtype),
                    ct_dtype_name((ct_dtype)b->dtype));
}

/* ---- solve: A X = B;  gB = A^-T gX,  gA = -gB X^T ---- */

ct_tensor *ct__lu_solve(int op, const ct_tensor *lu, const ct_tensor *pivots, bool trans, const ct_tensor *b, const int64_t *batch, int n_batch) {
    int64_t n = ct__rows(b), k = ct__cols(b);
    ct__outcome o;
    ct_tensor *out = NULL, *columns = ct__matrix_copy_to(ct__fn(op), b, true, batch, n_batch);
    if (!columns) return NULL;
    if (columns->numel) {
        ct__lapack l = {.routine = CT__LAPACK_LU_SOLVE, .dtype = (ct_dtype)b->dtype, .m = n, .n = n, .k = k, .trans = trans, .batch = ct__batch_count(columns)};
        bool one = ct__batch_count(lu) == 1;
        l.a = ct__ptr(lu), l.a_step = one ? 0 : n * n;
        l.b = ct__ptr(columns), l.b_step = n * k;
        l.ints = (int32_t *)(void *)ct__ptr(pivots), l.ints_step = one ? 0 : n;
        if (ct__factorize(op, &l, &o) != CT_OK) goto done;
    }
    out = ct__matrix_copy(ct__fn(op), columns, true);
done:
    ct__unref(columns);
    return out;
}

/* Slots: 0 A, 1 X, 2 LU of A^T, 3 pivots. */
static void solve_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *x = ct__saved(n, 1), *lu = ct__saved(n, 2), *pivots = ct__saved(n, 3), *gb;
    if (!x) return;
    if (ct__grad_mode()) gb = ct_linalg_solve(ct__mt(ct__saved(n, 0)), g[0], NULL);
    else gb = ct__scope_give(ct__lu_solve(CT__OP_linalg_solve, lu, pivots, false, g[0], x->sizes, x->ndim - 2));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, gb);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_neg(ct_matmul(gb, ct__mt(x))));
}
static const ct__node_class solve_class = {.op = CT__OP_linalg_solve, .backward = solve_backward, .n_saved = 4};

/* B has at least two dims and A's dtype. */
static ct_tensor *solve_matrices(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_linalg_solve;
    ct__shape_text ta, tb;
    int64_t batch[CT_MAX_NDIM];
    int n_batch;
    if (ct__rows(a) != ct__rows(b)) {
        ct__fail(CT_ERR_SHAPE, "%s: A %s and B %s do not fit: A X = B wants %lld rows in B", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b),
                 (long long)ct__rows(a));
        return NULL;
    }
    CT__TRY_NULL(ct__broadcast_batches(op, a, a->ndim - 2, b, b->ndim - 2, batch, &n_batch));
    ct__lu f;
    ct_tensor *out = NULL;
    ct__node *node = NULL;
    bool one = ct__batch_count(a) == 1;
    if (ct__lu_factor(op, a, one ? NULL : batch, one ? 0 : n_batch, false, &f) == CT_OK) {
        if (f.outcome.item >= 0) singular(op, a, f.outcome);
        else out = ct__lu_solve(op, f.lu, f.pivots, true, b, batch, n_batch);
    }
    node = out ? ct__node_new(&solve_class, (ct_tensor *[]){a, b}, 2, 1) : NULL;
    ct__save(node, 0, a);
    ct__save_output(node, 1, out, 0);
    ct__save(node, 2, f.lu);
    ct__save(node, 3, f.pivots);
    ct__unref(f.lu);
    ct__unref(f.pivots);
    return ct__finish(node, out);
}

bool ct__is_vector_rhs(const ct_tensor *a, const ct_tensor *b) {
    return b->ndim == 1 || (b->ndim == a->ndim - 1 && memcmp(a->sizes, b->sizes, (size_t)b->ndim * sizeof *b->sizes) == 0);
}

ct_tensor *ct_linalg_solve(ct_tensor *a, ct_tensor *b, const ct_linalg_solve_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a, &b}, 2, &cast)) return ct_scope_return(cast, ct_linalg_solve(a, b, options));
    const int op = CT__OP_linalg_solve;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_square(op, "A", a));
    CT__TRY_NULL(same_dtypes(op, a, b));
    ct__shape_text t;
    bool vector = ct__is_vector_rhs(a, b), right = options && options->right;
    if (b->ndim == 0) {
        ct__fail(CT_ERR_SHAPE, "%s: B %s must have at least 1 dim", ct__fn(op), CT__SIZES(&t, b));
        return NULL;
    }
    if (!vector && !right) return solve_matrices(a, b);
    ct_scope scope = ct_scope_begin(); /* a vector is a column; X A = B is A^T X^T = B^T */
    if (vector) b = ct_unsqueeze(b, -1);
    if (right) {
        a = ct__mt(a);
        b = ct__mt(b);
    }
    ct_tensor *x = a && b ? solve_matrices(a, b) : NULL;
    if (right) x = ct__mt(x);
    return ct_scope_return(scope, vector ? ct_squeeze_dim(x, CT_DIMS(-1)) : x);
}

/* ---- solve_triangular ---- */

typedef struct triangular_ctx {
    bool upper, right, unit;
} triangular_ctx;

static ct_tensor *triangular(ct_tensor *a, ct_tensor *b, triangular_ctx c, bool flipped) {
    ct_linalg_solve_triangular_options o = {.right = c.right, .unitriangular = c.unit};
    return ct_linalg_solve_triangular(a, b, c.upper != flipped, &o);
}

/* Slots: 0 A, 1 X.  left: gB = A^-T gX, gA = -gB X^T;  right: gB = gX A^-T, gA = -X^T gB; of gA the triangle. */
static void triangular_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const triangular_ctx *c = ct__ctx(n);
    ct_tensor *a = ct__saved(n, 0), *x = ct__saved(n, 1), *gb = triangular(ct__mt(a), g[0], *c, true);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, gb);
    if (!ct__needs(n, 0)) return;
    ct_tensor *ga = ct_neg(c->right ? ct_matmul(ct__mt(x), gb) : ct_matmul(gb, ct__mt(x)));
    ga = c->upper ? ct_triu(ga, c->unit) : ct_tril(ga, -(int64_t)c->unit);
    gin[0] = ct__reduce_to_input(n, 0, ga);
}
static const ct__node_class triangular_class = {
    .op = CT__OP_linalg_solve_triangular, .backward = triangular_backward, .n_saved = 2, .ctx_size = sizeof(triangular_ctx)};

static ct_tensor *run_triangular(const ct_tensor *a, const ct_tensor *b, triangular_ctx c, const int64_t *batch, int n_batch) {
    const int op = CT__OP_linalg_solve_triangular;
    int64_t n = ct__rows(a), k = c.right ? ct__rows(b) : ct__cols(b);
    bool one = ct__batch_count(a) == 1;
    ct__outcome o;
    ct_tensor *out = ct__matrix_copy_to(ct__fn(op), b, false, batch, n_batch), *rows = NULL;
    if (out && out->numel) {
        rows = ct__matrix_copy_to(ct__fn(op), a, false, batch, one ? 0 : n_batch);
        /* LAPACK sees A^T, the other triangle, and B^T, [k, n] for A X = B */
        ct__lapack l = {.routine = CT__LAPACK_TRIANGULAR, .dtype = (ct_dtype)a->dtype, .m = c.right ? n : k, .n = n, .k = c.right ? k : n};
        l.upper = !c.upper, l.unit = c.unit, l.right = !c.right, l.batch = ct__batch_count(out);
        if (rows) l.a = ct__ptr(rows), l.a_step = one ? 0 : n * n;
        l.b = ct__ptr(out), l.b_step = n * k;
        if (rows) ct__factorize(op, &l, &o);
    }
    ct__unref(rows);
    return out;
}

ct_tensor *ct_linalg_solve_triangular(ct_tensor *a, ct_tensor *b, bool upper, const ct_linalg_solve_triangular_options *options) {
    const int op = CT__OP_linalg_solve_triangular;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    triangular_ctx c = {upper, options && options->right, options && options->unitriangular};
    ct__shape_text ta, tb;
    int64_t batch[CT_MAX_NDIM];
    int n_batch;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_square(op, "A", a));
    CT__TRY_NULL(ct__check_matrices(op, "B", b));
    CT__TRY_NULL(same_dtypes(op, a, b));
    if (ct__rows(a) != (c.right ? ct__cols(b) : ct__rows(b))) {
        ct__fail(CT_ERR_SHAPE, "%s: A %s and B %s do not fit: %s wants %lld %s in B", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b),
                 c.right ? "X A = B" : "A X = B", (long long)ct__rows(a), c.right ? "columns" : "rows");
        return NULL;
    }
    CT__TRY_NULL(ct__broadcast_batches(op, a, a->ndim - 2, b, b->ndim - 2, batch, &n_batch));
    ct_tensor *out = run_triangular(a, b, c, batch, n_batch);
    ct__node *n = out ? ct__node_new(&triangular_class, (ct_tensor *[]){a, b}, 2, 1) : NULL;
    if (n) *(triangular_ctx *)ct__ctx(n) = c;
    ct__save(n, 0, a);
    ct__save_output(n, 1, out, 0);
    return ct__finish(n, out);
}

/* ---- inv: Y = A^-1; gA = -Y^T g Y^T ---- */

static void inv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *yt = ct__mt(ct__saved(n, 0));
    if (ct__needs(n, 0)) gin[0] = ct_neg(ct_matmul(yt, ct_matmul(g[0], yt)));
}
static const ct__node_class inv_class = {.op = CT__OP_linalg_inv, .backward = inv_backward, .n_saved = 1};

static void set_identity(ct_tensor *t) { /* row-major [.., n, n] of zeros */
    int64_t n = ct__rows(t), count = ct__batch_count(t);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t at = i * n * n + j * n + j;
            if (t->dtype == CT_F32) ((float *)(void *)ct__ptr(t))[at] = 1;
            else ((double *)(void *)ct__ptr(t))[at] = 1;
        }
}

/* LAPACK solves A^T Y = I; the columns of Y = A^-T are the rows of A^-1. */
static ct_tensor *run_inv(int op, const ct_tensor *a) {
    ct__lu f;
    ct__outcome o;
    int64_t n = ct__rows(a);
    ct_tensor *out = NULL;
    if (ct__lu_factor(op, a, a->sizes, a->ndim - 2, false, &f) == CT_OK) {
        if (f.outcome.item >= 0) singular(op, f.lu, f.outcome);
        else out = ct__new_zeros(ct__fn(op), a->sizes, a->ndim, (ct_dtype)a->dtype);
    }
    if (out && out->numel) {
        set_identity(out);
        ct__lapack l = {.routine = CT__LAPACK_LU_SOLVE, .dtype = (ct_dtype)a->dtype, .m = n, .n = n, .k = n, .batch = ct__batch_count(a)};
        l.a = ct__ptr(f.lu), l.b = ct__ptr(out), l.a_step = l.b_step = n * n;
        l.ints = (int32_t *)(void *)ct__ptr(f.pivots), l.ints_step = n;
        ct__factorize(op, &l, &o);
    }
    ct__unref(f.lu);
    ct__unref(f.pivots);
    return out;
}

ct_tensor *ct_linalg_inv(ct_tensor *a) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_linalg_inv(a));
    const int op = CT__OP_linalg_inv;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_square(op, "A", a));
    ct_tensor *out = run_inv(op, a);
    ct__node *n = out ? ct__node_new(&inv_class, &a, 1, 1) : NULL;
    ct__save_output(n, 0, out, 0);
    return ct__finish(n, out);
}
