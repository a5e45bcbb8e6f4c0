/*
 * op_linalg_svd.c: singular values, eigenvalues of symmetric matrices, and what is made of them: pinv, matrix_rank.
 *
 * A^T = V S U^T: LAPACK, which sees A^T in a row-major A, writes V in columns, which is Vh in rows, and U^T in columns, which is U in rows.
 */
#include "ops/factor.h"

#include <ctorch/autograd.h>
#include <ctorch/linalg.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <float.h>
#include <string.h>

static ct_tensor *skew(ct_tensor *x) { return ct_sub(x, ct__mt(x)); }

/* x [.., n] as diagonals; and the matrix with ones on its diagonal instead of what is there. */
static ct_tensor *diagonal_matrix(ct_tensor *x) { return ct_mul(ct_unsqueeze(x, -1), ct_eye(ct_size(x, -1), ct_size(x, -1), ct_tensor_dtype(x))); }
static ct_tensor *ones_on_diagonal(ct_tensor *x) { return ct_masked_fill(x, ct_eq_scalar(ct_eye(ct_size(x, -1), ct_size(x, -1), CT_F32), 1), 1); }

/*
 * ---- svd ----
 *
 *      gA = U [(skew(U^T gU) S + S skew(V^T gV)) / E + gS] V^T  +  (1 - U U^T) gU S^-1 V^T  +  U S^-1 gVh (1 - V V^T)
 *
 * E_jk = S_k^2 - S_j^2, 1 on the diagonal. The second and third term are zero for as many vectors as rows (columns).
 */
static ct_tensor *svd_core(ct_tensor *u, ct_tensor *s, ct_tensor *vh, ct_tensor *gu, ct_tensor *gs, ct_tensor *gvh) {
    ct_tensor *column = ct_unsqueeze(s, -1), *row = ct_unsqueeze(s, -2), *sum = NULL;
    if (gu) sum = ct_mul(skew(ct_matmul(ct__mt(u), gu)), row);
    if (gvh) {
        ct_tensor *right = ct_mul(column, skew(ct_matmul(vh, ct__mt(gvh))));
        sum = sum ? ct_add(sum, right) : right;
    }
    sum = ct_div(sum, ones_on_diagonal(ct_sub(ct_square(row), ct_square(column))));
    return gs ? ct_add(sum, diagonal_matrix(gs)) : sum;
}

static ct_tensor *svd_gradient(ct_tensor *u, ct_tensor *s, ct_tensor *vh, ct_tensor *gu, ct_tensor *gs, ct_tensor *gvh) {
    int64_t k = ct_size(s, -1), m = ct_size(u, -2), n = ct_size(vh, -1);
    if (!gu && !gvh) return m >= n ? ct_matmul(u, ct_mul(ct_unsqueeze(gs, -1), vh)) : ct_matmul(ct_mul(u, ct_unsqueeze(gs, -2)), vh);
    ct_tensor *core = svd_core(u, s, vh, gu, gs, gvh);
    if (m > k && gu) {
        ct_tensor *x = ct_div(gu, ct_unsqueeze(s, -2));
        x = ct_sub(ct_add(ct_matmul(u, core), x), ct_matmul(u, ct_matmul(ct__mt(u), x)));
        return ct_matmul(x, vh);
    }
    if (n > k && gvh) {
        ct_tensor *x = ct_div(gvh, ct_unsqueeze(s, -1));
        x = ct_sub(ct_add(ct_matmul(core, vh), x), ct_matmul(ct_matmul(x, ct__mt(vh)), vh));
        return ct_matmul(u, x);
    }
    return m >= n ? ct_matmul(u, ct_matmul(core, vh)) : ct_matmul(ct_matmul(u, core), vh);
}

/* Slots: 0 U, 1 S, 2 Vh. */
static void svd_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *u = ct__saved(n, 0), *s = ct__saved(n, 1), *vh = ct__saved(n, 2);
    if (!ct__needs(n, 0) || !u || !s || !vh || (!g[0] && !g[1] && !g[2])) return;
    int64_t k = ct_size(s, -1);
    gin[0] = svd_gradient(ct_narrow(u, -1, 0, k), s, ct_narrow(vh, -2, 0, k), g[0] ? ct_narrow(g[0], -1, 0, k) : NULL, g[1],
                          g[2] ? ct_narrow(g[2], -2, 0, k) : NULL);
}
static const ct__node_class svd_class = {.op = CT__OP_linalg_svd, .backward = svd_backward, .n_saved = 3};

static void fill_identity(ct_tensor *t) { /* the factors of a matrix without elements */
    int64_t n = ct__rows(t);
    for (int64_t i = 0; i < t->numel; i++)
        ct__store_f64(ct__ptr(t) + i * (int64_t)ct_dtype_size((ct_dtype)t->dtype), (ct_dtype)t->dtype, i % (n * n) / n == i % n);
}

/* out: U, S, Vh; the vectors only if asked for. */
static ct_status run_svd(int op, const ct_tensor *a, bool vectors, bool full, ct_tensor **out) {
    const char *fn = ct__fn(op);
    int64_t m = ct__rows(a), n = ct__cols(a), k = ct__min_i64(m, n), u_cols = full ? m : k, v_rows = full ? n : k;
    ct__outcome o;
    ct__item_text t;
    ct_dtype dtype = (ct_dtype)a->dtype;
    ct_tensor *copy = NULL;
    if (!(out[1] = ct__new_batch(fn, a->sizes, a->ndim - 2, k, -1, dtype))) return ct__pending();
    if (vectors) {
        if (!(out[0] = ct__new_batch(fn, a->sizes, a->ndim - 2, m, u_cols, dtype))) return ct__pending();
        if (!(out[2] = ct__new_batch(fn, a->sizes, a->ndim - 2, v_rows, n, dtype))) return ct__pending();
        if (k == 0) {
            fill_identity(out[0]);
            fill_identity(out[2]);
        }
    }
    if (out[1]->numel == 0 || !(copy = ct__matrix_copy(fn, a, false))) return ct__pending();
    ct__lapack l = {.routine = CT__LAPACK_SVD, .dtype = dtype, .m = n, .n = m, .vectors = vectors, .full = full, .batch = ct__batch_count(a)};
    l.a = ct__ptr(copy), l.a_step = m * n, l.b = ct__ptr(out[1]), l.b_step = k;
    if (vectors) l.c = ct__ptr(out[2]), l.c_step = v_rows * n, l.d = ct__ptr(out[0]), l.d_step = m * u_cols;
    if (ct__factorize(op, &l, &o) == CT_OK && o.item >= 0)
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %sthe iteration for the singular values did not converge (%d)", fn, ct__item_str(&t, a, o.item), (int)o.info);
    ct__unref(copy);
    return ct__pending();
}

static ct_tensor *svd(ct_tensor *a, bool full, ct_tensor **s, ct_tensor **vh) {
    const int op = CT__OP_linalg_svd;
    ct_tensor *out[3] = {NULL, NULL, NULL};
    run_svd(op, a, true, full, out);
    ct__node *n = out[2] ? ct__node_new(&svd_class, &a, 1, 3) : NULL;
    for (int i = 0; i < 3; i++) ct__save_output(n, i, out[i], i);
    ct__finish_n(n, out, 3);
    if (s) *s = out[1];
    else ct_scope_drop(out[1]);
    if (vh) *vh = out[2];
    else ct_scope_drop(out[2]);
    return out[0];
}

ct_tensor *ct_linalg_svd(ct_tensor *a, const ct_linalg_svd_options *options, ct_tensor **s, ct_tensor **vh) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct__autocast_end(cast, ct_linalg_svd(a, options, s, vh), (ct_tensor **[]){s, vh}, 2);
    const int op = CT__OP_linalg_svd;
    if (s) *s = NULL;
    if (vh) *vh = NULL;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_matrices(op, "A", a));
    return svd(a, !(options && options->no_full_matrices), s, vh);
}

/* The gradient needs vectors: while something records they are computed too. */
static bool records(const ct_tensor *a) { return ct__grad_mode() && ct__requires_grad(a); }

ct_tensor *ct_linalg_svdvals(ct_tensor *a) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_linalg_svdvals(a));
    const int op = CT__OP_linalg_svdvals;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_matrices(op, "A", a));
    ct_tensor *out[3] = {NULL, NULL, NULL};
    if (!records(a)) {
        run_svd(op, a, false, false, out);
        return ct__finish(NULL, out[1]);
    }
    ct_scope scope = ct_scope_begin();
    svd(a, false, &out[1], NULL);
    return ct_scope_return(scope, out[1]);
}

/* ---- eigh: gA = Q ((Q^T gQ) / E + diag(gL)) Q^T, E_jk = L_k - L_j; the diagonal of the first term is 0. Slots: 0 L, 1 Q ---- */

static void eigh_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *l = ct__saved(n, 0), *q = ct__saved(n, 1);
    if (!ct__needs(n, 0) || !l || !q || (!g[0] && !g[1])) return;
    if (!g[1]) {
        gin[0] = ct_matmul(ct_mul(q, ct_unsqueeze(g[0], -2)), ct__mt(q));
        return;
    }
    ct_tensor *e = ones_on_diagonal(ct_sub(ct_unsqueeze(l, -2), ct_unsqueeze(l, -1)));
    ct_tensor *eye = ct_eye(ct_size(l, -1), ct_size(l, -1), ct_tensor_dtype(l));
    ct_tensor *core = ct_mul(ct_div(ct_matmul(ct__mt(q), g[1]), e), ct_sub_rscalar(1, eye));
    if (g[0]) core = ct_add(core, diagonal_matrix(g[0]));
    gin[0] = ct_matmul(q, ct_matmul(core, ct__mt(q)));
}
static const ct__node_class eigh_class = {.op = CT__OP_linalg_eigh, .backward = eigh_backward, .n_saved = 2};

/* out: L, Q. */
static ct_status run_eigh(int op, const ct_tensor *a, bool vectors, bool upper, ct_tensor **out) {
    int64_t n = ct__rows(a);
    ct__outcome o;
    ct__item_text t;
    ct_tensor *copy = ct__matrix_copy(ct__fn(op), a, false);
    if (copy) out[0] = ct__new_batch(ct__fn(op), a->sizes, a->ndim - 2, n, -1, (ct_dtype)a->dtype);
    if (!out[0]) goto done;
    if (copy->numel) { /* the lower triangle of a row-major A is the upper one of what LAPACK sees */
        ct__lapack l = {.routine = CT__LAPACK_EIGH, .dtype = (ct_dtype)a->dtype, .m = n, .n = n, .vectors = vectors, .upper = !upper};
        l.batch = ct__batch_count(a), l.a = ct__ptr(copy), l.a_step = n * n, l.b = ct__ptr(out[0]), l.b_step = n;
        if (ct__factorize(op, &l, &o) == CT_OK && o.item >= 0)
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %sthe iteration for the eigenvalues did not converge (%d)", ct__fn(op), ct__item_str(&t, a, o.item),
                     (int)o.info);
    }
    if (vectors && ct__pending() == CT_OK) out[1] = ct__matrix_copy(ct__fn(op), copy, true);
done:
    ct__unref(copy);
    return ct__pending();
}

static ct_tensor *eigh(ct_tensor *a, bool upper, ct_tensor **eigenvectors) {
    ct_tensor *out[2] = {NULL, NULL};
    run_eigh(CT__OP_linalg_eigh, a, true, upper, out);
    ct__node *n = out[1] ? ct__node_new(&eigh_class, &a, 1, 2) : NULL;
    ct__save_output(n, 0, out[0], 0);
    ct__save_output(n, 1, out[1], 1);
    ct__finish_n(n, out, 2);
    if (eigenvectors) *eigenvectors = out[1];
    else ct_scope_drop(out[1]);
    return out[0];
}

ct_tensor *ct_linalg_eigh(ct_tensor *a, const ct_linalg_eigh_options *options, ct_tensor **eigenvectors) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast))
        return ct__autocast_end(cast, ct_linalg_eigh(a, options, eigenvectors), (ct_tensor **[]){eigenvectors}, 1);
    const int op = CT__OP_linalg_eigh;
    if (eigenvectors) *eigenvectors = NULL;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_square(op, "A", a));
    return eigh(a, options && options->upper, eigenvectors);
}

ct_tensor *ct_linalg_eigvalsh(ct_tensor *a, const ct_linalg_eigh_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_linalg_eigvalsh(a, options));
    const int op = CT__OP_linalg_eigvalsh;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_square(op, "A", a));
    ct_tensor *out[2] = {NULL, NULL};
    if (records(a)) return eigh(a, options && options->upper, NULL);
    run_eigh(op, a, false, options && options->upper, out);
    return ct__finish(NULL, out[0]);
}

/* ---- What counts as zero ---- */

static ct_status check_rank(int op, const ct_tensor *a, const ct_linalg_rank_options *o) {
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), o));
    return o && o->hermitian ? ct__check_square(op, "A", a) : ct__check_matrices(op, "A", a);
}

/* The singular values s (falling, or absolute eigenvalues in any order) above the tolerance: bool. */
static ct_tensor *above(ct_tensor *a, ct_tensor *s, const ct_linalg_rank_options *o) {
    double eps = ct_tensor_dtype(a) == CT_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    double atol = o && o->atol.has ? o->atol.value : 0, rtol = eps * (double)ct__max_i64(ct_size(a, -1), ct_size(a, -2));
    if (atol > 0) rtol = 0;
    if (o && o->rtol.has) rtol = o->rtol.value;
    ct_tensor *largest = ct_amax(s, CT_DIMS(-1), &(ct_reduce_options){.keepdim = true});
    return ct_gt(s, ct_clamp_min(ct_mul_scalar(largest, rtol), atol));
}

ct_tensor *ct_linalg_matrix_rank(ct_tensor *a, const ct_linalg_rank_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_linalg_matrix_rank(a, options));
    const int op = CT__OP_linalg_matrix_rank;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(check_rank(op, a, options));
    if (ct__rows(a) == 0 || ct__cols(a) == 0 || a->numel == 0) return ct__finish(NULL, ct__new_zeros(ct__fn(op), a->sizes, a->ndim - 2, CT_I64));
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *s = options && options->hermitian ? ct_abs(ct_linalg_eigvalsh(a, NULL)) : ct_linalg_svdvals(a);
    return ct_scope_return(scope, ct_sum_dim(above(a, s, options), CT_DIMS(-1), NULL));
}

/*
 * ---- pinv: P = V S^+ U^T ----
 *
 *      m <= n:   K = g^T P      gA = -(P K)^T + K P^T - (A P) K P^T + (P^T P) (g^T - K A)
 *      m > n:    K = P g^T      gA = -(K P)^T + (g^T - A K) P P^T + P^T K - (P^T K) P A
 *
 * Golub and Pereyra 1973, for constant rank. Slots: 0 A, 1 P.
 */
static void pinv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *p = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__pinv_gradient(a, p, g[0]);
}
static const ct__node_class pinv_class = {.op = CT__OP_linalg_pinv, .backward = pinv_backward, .n_saved = 2};

ct_tensor *ct__pinv_gradient(ct_tensor *a, ct_tensor *p, ct_tensor *g) {
    ct_tensor *gt = ct__mt(g), *pt = ct__mt(p);
    if (ct_size(a, -2) <= ct_size(a, -1)) {
        ct_tensor *k = ct_matmul(gt, p), *kpt = ct_matmul(k, pt);
        ct_tensor *first = ct_sub(kpt, ct__mt(ct_matmul(p, k))), *second = ct_matmul(ct_matmul(a, p), kpt);
        return ct_add(ct_sub(first, second), ct_matmul(ct_matmul(pt, p), ct_sub(gt, ct_matmul(k, a))));
    }
    ct_tensor *k = ct_matmul(p, gt), *ptk = ct_matmul(pt, k);
    ct_tensor *first = ct_sub(ptk, ct__mt(ct_matmul(k, p))), *second = ct_matmul(ct_matmul(ptk, p), a);
    return ct_add(ct_sub(first, second), ct_matmul(ct_matmul(ct_sub(gt, ct_matmul(a, k)), p), pt));
}

static ct_tensor *run_pinv(ct_tensor *a, const ct_linalg_rank_options *o) {
    ct_tensor *s, *vh, *u, *size;
    if (o && o->hermitian) {
        s = ct_linalg_eigh(a, NULL, &u);
        vh = ct__mt(u);
        size = ct_abs(s);
    } else {
        u = svd(a, false, &s, &vh);
        size = s;
    }
    ct_tensor *inverse = ct_masked_fill(ct_reciprocal(s), ct_logical_not(above(a, size, o)), 0);
    return ct_matmul(ct__mt(vh), ct_mul(ct_unsqueeze(inverse, -1), ct__mt(u)));
}

ct_tensor *ct_linalg_pinv(ct_tensor *a, const ct_linalg_rank_options *options) {
    const int op = CT__OP_linalg_pinv;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(check_rank(op, a, options));
    ct_tensor *out;
    if (a->numel == 0) {
        out = ct__new_batch(ct__fn(op), a->sizes, a->ndim - 2, ct__cols(a), ct__rows(a), (ct_dtype)a->dtype);
    } else {
        ct_scope scope = ct_no_grad_begin();
        out = ct_keep(run_pinv(a, options));
        ct_scope_end(scope);
    }
    ct__node *n = out ? ct__node_new(&pinv_class, &a, 1, 1) : NULL;
    ct__save(n, 0, a);
    ct__save_output(n, 1, out, 0);
    return ct__finish(n, out);
}
