/*
 * op_linalg_det.c: det, slogdet, from an LU factorization of A^T, whose determinant is that of A.
 */
#include "ops/factor.h"

#include <ctorch/linalg.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Determinant of L U for one matrix: sign, and the logarithm if asked for. A row exchange at each pivot that is not its own turns the sign. */
static double product(const ct__lu *f, int64_t item, bool log_too, double *log_abs) {
    int64_t n = ct__rows(f->lu), base = item * n * n;
    const int32_t *pivots = (const int32_t *)(const void *)ct__ptr(f->pivots) + item * n;
    double det = 1, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = base + i * n + i;
        double u = f->lu->dtype == CT_F32 ? (double)((const float *)(const void *)ct__ptr(f->lu))[at] : ((const double *)(const void *)ct__ptr(f->lu))[at];
        if (pivots[i] != i + 1) det = -det;
        if (log_too) {
            sum += log(fabs(u));
            u = u > 0 ? 1 : u < 0 ? -1 : 0;
        }
        det *= u;
    }
    if (log_too) *log_abs = sum;
    return det;
}

static void fill(const ct__lu *f, ct_tensor *det, ct_tensor *log_abs) {
    size_t size = ct_dtype_size((ct_dtype)det->dtype);
    for (int64_t i = 0; i < det->numel; i++) {
        double l = 0;
        ct__store_f64(ct__ptr(det) + i * (int64_t)size, (ct_dtype)det->dtype, product(f, i, log_abs != NULL, &l));
        if (log_abs) ct__store_f64(ct__ptr(log_abs) + i * (int64_t)size, (ct_dtype)det->dtype, l);
    }
}

/* x [..] as the diagonals of [.., n, n]. */
static ct_tensor *scaled_identity(ct_tensor *x, int64_t n) {
    return ct_mul(ct_unsqueeze(ct_unsqueeze(x, -1), -1), ct_eye(n, n, ct_tensor_dtype(x)));
}

/* The solution of A^T G = diag(x): with the saved factors while nothing records, else by an op. */
static ct_tensor *solve_diagonal(int op, ct_tensor *a, ct_tensor *lu, ct_tensor *pivots, ct_tensor *x) {
    if (!a || !lu || !x) return NULL;
    ct_tensor *d = scaled_identity(x, ct__rows(a));
    if (ct__grad_mode()) return ct_linalg_solve(ct__mt(a), d, NULL);
    return d ? ct__scope_give(ct__lu_solve(op, lu, pivots, false, d, a->sizes, a->ndim - 2)) : NULL;
}

/*
 * ---- det: gA = g det A^-T ----
 *
 * The gradient is the transposed adjugate, which exists for singular matrices too. With A = U S V^T it is
 *
 *      det(U) det(V) U D V^T      D_i = product of all S but S_i
 *
 * and that is taken for matrices whose determinant is next to 0.
 */
static ct_tensor *adjugate(ct_tensor *a, ct_tensor *g) { /* a [b, n, n], g [b] */
    ct_tensor *s, *vh, *u = ct_linalg_svd(a, NULL, &s, &vh);
    int64_t n = ct_size(a, -1);
    ct_tensor *sign = ct_mul(ct_mul(ct_linalg_det(u), ct_linalg_det(vh)), g);
    ct_tensor *others = ct_where(ct_eq_scalar(ct_eye(n, n, CT_F32), 1), ct_ones_like(ct_unsqueeze(s, -2), CT_DTYPE_NONE), ct_unsqueeze(s, -2));
    ct_tensor *d = ct_mul(ct_prod_dim(others, -1, NULL), ct_unsqueeze(sign, -1));
    return ct_matmul(ct_mul(u, ct_unsqueeze(d, -2)), vh);
}

/* Slots: 0 A, 1 det, 2 LU, 3 pivots. */
static void det_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *det = ct__saved(n, 1), *lu = ct__saved(n, 2), *pivots = ct__saved(n, 3);
    if (!ct__needs(n, 0) || !a || !det) return;
    double eps = a->dtype == CT_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    ct_tensor *small = ct_lt_scalar(ct_abs(det), 100 * eps);
    int64_t count = ct_item_i64(ct_count_nonzero(small, NULL, 0));
    ct_tensor *x = ct_mul(g[0], det);
    if (count == 0) {
        gin[0] = solve_diagonal(CT__OP_linalg_det, a, lu, pivots, x);
        return;
    }
    int64_t order = ct__rows(a), flat[] = {-1, order, order};
    ct_tensor *all = ct_reshape(a, flat, 3), *ga = ct_reshape(g[0], CT_SHAPE(-1)), *result;
    if (count == det->numel) {
        result = adjugate(all, ga);
    } else {
        small = ct_reshape(small, CT_SHAPE(-1));
        ct_tensor *at = ct_select(ct_nonzero(small), 1, 0), *rest = ct_select(ct_nonzero(ct_logical_not(small)), 1, 0);
        ct_tensor *regular = ct_index_select(all, 0, rest), *d = scaled_identity(ct_index_select(ct_reshape(x, CT_SHAPE(-1)), 0, rest), order);
        result = ct_zeros(ct_sizes(all), ct_ndim(all), ct_tensor_dtype(a));
        result = ct_index_add(result, 0, at, adjugate(ct_index_select(all, 0, at), ct_index_select(ga, 0, at)), NULL);
        result = ct_index_add(result, 0, rest, ct_linalg_solve(ct__mt(regular), d, NULL), NULL);
    }
    gin[0] = ct_reshape(result, a->sizes, a->ndim);
}
static const ct__node_class det_class = {.op = CT__OP_linalg_det, .backward = det_backward, .n_saved = 4};

ct_tensor *ct_linalg_det(ct_tensor *a) {
    const int op = CT__OP_linalg_det;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_square(op, "A", a));
    ct__lu f;
    ct_tensor *out = NULL;
    if (ct__lu_factor(op, a, a->sizes, a->ndim - 2, false, &f) == CT_OK) out = ct__new(ct__fn(op), a->sizes, a->ndim - 2, (ct_dtype)a->dtype);
    if (out) fill(&f, out, NULL);
    ct__node *n = out ? ct__node_new(&det_class, &a, 1, 1) : NULL;
    ct__save(n, 0, a);
    ct__save_output(n, 1, out, 0);
    ct__save(n, 2, f.lu);
    ct__save(n, 3, f.pivots);
    ct__unref(f.lu);
    ct__unref(f.pivots);
    return ct__finish(n, out);
}

/* ---- slogdet: gA = g A^-T, g of the logarithm; the sign is constant. Slots: 0 A, 1 LU, 2 pivots ---- */

static void slogdet_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0) && g[1]) gin[0] = solve_diagonal(CT__OP_linalg_slogdet, ct__saved(n, 0), ct__saved(n, 1), ct__saved(n, 2), g[1]);
}
static const ct__node_class slogdet_class = {.op = CT__OP_linalg_slogdet, .backward = slogdet_backward, .n_saved = 3};

ct_tensor *ct_linalg_slogdet(ct_tensor *a, ct_tensor **logabsdet) {
    const int op = CT__OP_linalg_slogdet;
    if (logabsdet) *logabsdet = NULL;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_square(op, "A", a));
    ct__lu f;
    ct_tensor *out[2] = {NULL, NULL};
    if (ct__lu_factor(op, a, a->sizes, a->ndim - 2, false, &f) == CT_OK) {
        out[0] = ct__new(ct__fn(op), a->sizes, a->ndim - 2, (ct_dtype)a->dtype);
        out[1] = ct__new(ct__fn(op), a->sizes, a->ndim - 2, (ct_dtype)a->dtype);
    }
    if (out[0] && out[1]) fill(&f, out[0], out[1]);
    ct__node *n = out[1] ? ct__node_new(&slogdet_class, &a, 1, 2) : NULL;
    ct__save(n, 0, a);
    ct__save(n, 1, f.lu);
    ct__save(n, 2, f.pivots);
    ct__unref(f.lu);
    ct__unref(f.pivots);
    ct__finish_n(n, out, 2);
    if (logabsdet) *logabsdet = out[1];
    else ct_scope_drop(out[1]);
    return out[0];
}
