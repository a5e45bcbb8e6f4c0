/*
 * op_linalg_factor.c: Cholesky and QR.
 */
#include "ops/factor.h"

#include <ctorch/linalg.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <string.h>

/*
 * ---- cholesky: A = L L^T;  gA = L^-T P L^-1 with P = (T + T^T) / 2, T the lower triangle of L^T gL ----
 *
 * The diagonal of P is halved by the mean of triangle and strict triangle. The lower triangle of a row-major A is the upper one of what
 * LAPACK sees, and U^T of A^T = U^T U is where L belongs: no copy in another order.
 */
typedef struct cholesky_ctx {
    bool upper;
} cholesky_ctx;

static void cholesky_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    bool upper = ((const cholesky_ctx *)ct__ctx(n))->upper;
    if (!ct__needs(n, 0) || !g[0]) return;
    ct_tensor *l = upper ? ct__mt(ct__saved(n, 0)) : ct__saved(n, 0), *gl = upper ? ct__mt(g[0]) : g[0], *lt = ct__mt(l);
    ct_tensor *t = ct_matmul(lt, gl);
    ct_tensor *p = ct_mul_scalar(ct_add(ct_tril(t, 0), ct__mt(ct_tril(t, -1))), 0.5);
    ct_tensor *left = ct_linalg_solve_triangular(lt, p, true, NULL);
    gin[0] = ct_linalg_solve_triangular(l, left, false, &(ct_linalg_solve_triangular_options){.right = true});
}
static const ct__node_class cholesky_class = {
    .op = CT__OP_linalg_cholesky, .backward = cholesky_backward, .n_saved = 1, .ctx_size = sizeof(cholesky_ctx)};
static const ct__node_class cholesky_ex_class = {
    .op = CT__OP_linalg_cholesky_ex, .backward = cholesky_backward, .n_saved = 1, .ctx_size = sizeof(cholesky_ctx)};

/* info: int32, one per matrix, or NULL where a failure is an error. */
static ct_tensor *run_cholesky(int op, const ct_tensor *a, bool upper, ct_tensor *info) {
    int64_t n = ct__rows(a);
    ct__outcome o;
    ct__item_text t;
    ct_tensor *out = ct__matrix_copy(ct__fn(op), a, false);
    if (!out || !out->numel) return out;
    ct__lapack l = {.routine = CT__LAPACK_CHOLESKY, .dtype = (ct_dtype)a->dtype, .m = n, .n = n, .upper = !upper, .batch = ct__batch_count(a)};
    l.a = ct__ptr(out), l.a_step = n * n;
    if (info) l.info = (int32_t *)(void *)ct__ptr(info);
    if (ct__factorize(op, &l, &o) == CT_OK && o.item >= 0 && !info)
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %sthe leading minor of order %d is not positive definite", ct__fn(op), ct__item_str(&t, a, o.item), (int)o.info);
    return out;
}

static ct_tensor *cholesky(const ct__node_class *cls, ct_tensor *a, const ct_linalg_cholesky_options *options, ct_tensor **info) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(cls->op), options));
    CT__TRY_NULL(ct__check_square(cls->op, "A", a));
    bool upper = options && options->upper;
    ct_tensor *out[2] = {NULL, NULL};
    if (cls == &cholesky_ex_class && !(out[1] = ct__new_zeros(ct__fn(cls->op), a->sizes, a->ndim - 2, CT_I32))) return NULL;
    out[0] = run_cholesky(cls->op, a, upper, out[1]);
    ct__node *n = out[0] ? ct__node_new(cls, &a, 1, out[1] ? 2 : 1) : NULL;
    if (n) ((cholesky_ctx *)ct__ctx(n))->upper = upper;
    ct__save_output(n, 0, out[0], 0);
    if (!out[1]) return ct__finish(n, out[0]);
    ct__finish_n(n, out, 2);
    if (info) *info = out[1];
    else ct_scope_drop(out[1]);
    return out[0];
}

ct_tensor *ct_linalg_cholesky(ct_tensor *a, const ct_linalg_cholesky_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_linalg_cholesky(a, options));
    return cholesky(&cholesky_class, a, options, NULL);
}
ct_tensor *ct_linalg_cholesky_ex(ct_tensor *a, const ct_linalg_cholesky_options *options, ct_tensor **info) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast))
        return ct__autocast_end(cast, ct_linalg_cholesky_ex(a, options, info), (ct_tensor **[]){info}, 1);
    if (info) *info = NULL;
    return cholesky(&cholesky_ex_class, a, options, info);
}

/*
 * ---- qr ----
 *
 *      Z = gR R^T - Q^T gQ
 *      m >= n:   gA = [gQ + Q sym(triu(Z))] R^-T                   sym(X) = X + X^T, its diagonal halved
 *      m < n:    gA = Q ([tril(Z^T - Z) R1^-T, 0] + gR)            R1 the first m columns of R
 */
typedef struct qr_ctx {
    ct_qr_mode mode;
} qr_ctx;

static ct_tensor *minus(ct_tensor *a, ct_tensor *b) { return a && b ? ct_sub(a, b) : a ? a : ct_neg(b); }
static const ct_linalg_solve_triangular_options from_right = {.right = true};

static ct_tensor *qr_tall(ct_tensor *q, ct_tensor *r, ct_tensor *gq, ct_tensor *gr) {
    ct_tensor *x = minus(gr ? ct_matmul(gr, ct__mt(r)) : NULL, gq ? ct_matmul(ct__mt(q), gq) : NULL);
    ct_tensor *sym = ct_add(ct_triu(x, 0), ct__mt(ct_triu(x, 1)));
    ct_tensor *ga = ct_matmul(q, sym);
    if (gq) ga = ct_add(ga, gq);
    return ct_linalg_solve_triangular(ct__mt(r), ga, false, &from_right);
}

static ct_tensor *qr_wide(ct_tensor *q, ct_tensor *r, ct_tensor *gq, ct_tensor *gr) {
    int64_t m = ct_size(r, -2), n = ct_size(r, -1);
    ct_tensor *x = minus(gr ? ct_matmul(gr, ct__mt(r)) : NULL, gq ? ct_matmul(ct__mt(q), gq) : NULL), *r1 = ct_narrow(r, -1, 0, m);
    ct_tensor *skew = ct_linalg_solve_triangular(ct__mt(r1), ct_tril(ct_sub(ct__mt(x), x), 0), false, &from_right);
    ct_tensor *ga = ct_cat(CT_TENSORS(skew, ct_zeros_like(ct_narrow(r, -1, m, n - m), CT_DTYPE_NONE)), -1);
    return ct_matmul(q, gr ? ct_add(ga, gr) : ga);
}

/* Slots: 0 Q, 1 R. */
static void qr_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const qr_ctx *c = ct__ctx(n);
    ct_tensor *q = ct__saved(n, 0), *r = ct__saved(n, 1);
    if (!ct__needs(n, 0) || !q || !r || (!g[0] && !g[1])) return;
    int64_t rows = ct__input_meta(n, 0)->sizes[ct_ndim(r) - 2], cols = ct_size(r, -1);
    if (c->mode == CT_QR_R) ct__fail(CT_ERR_AUTOGRAD, "ct_linalg_qr: its gradient needs Q; use CT_QR_REDUCED");
    else if (c->mode == CT_QR_COMPLETE && rows > cols)
        ct__fail(CT_ERR_AUTOGRAD, "ct_linalg_qr: CT_QR_COMPLETE has no gradient for %lld x %lld: more rows than columns", (long long)rows, (long long)cols);
    else gin[0] = rows >= cols ? qr_tall(q, r, g[0], g[1]) : qr_wide(q, r, g[0], g[1]);
}
static const ct__node_class qr_class = {.op = CT__OP_linalg_qr, .backward = qr_backward, .n_saved = 2, .ctx_size = sizeof(qr_ctx)};

/* The first rows of the reflectors' upper triangle. */
static ct_tensor *take_r(const ct_tensor *reflectors, int64_t rows) {
    int64_t sizes[CT_MAX_NDIM], n = ct__rows(reflectors);
    memcpy(sizes, reflectors->sizes, reflectors->ndim * sizeof *sizes);
    sizes[reflectors->ndim - 1] = rows;
    ct_tensor *view = ct__new_view(reflectors, sizes, reflectors->strides, reflectors->ndim, reflectors->offset);
    ct_tensor *r = view ? ct__matrix_copy("ct_linalg_qr", view, true) : NULL;
    ct__unref(view);
    if (!r || !r->numel) return r;
    size_t size = ct_dtype_size((ct_dtype)r->dtype);
    for (int64_t b = 0, count = ct__batch_count(r); b < count; b++)
        for (int64_t i = 1; i < rows; i++) memset(ct__ptr(r) + (size_t)((b * rows + i) * n) * size, 0, (size_t)ct__min_i64(i, n) * size);
    return r;
}

/* Q's columns from the reflectors: the first cols of m. */
static ct_tensor *take_q(const ct_tensor *reflectors, ct_tensor *tau, int64_t cols) {
    int64_t m = ct__cols(reflectors), n = ct__rows(reflectors), k = ct__min_i64(m, n), copied = ct__min_i64(n, cols), count = ct__batch_count(reflectors);
    size_t size = ct_dtype_size((ct_dtype)tau->dtype);
    ct__outcome o;
    ct_tensor *q = ct__new_batch("ct_linalg_qr", reflectors->sizes, reflectors->ndim - 2, cols, m, (ct_dtype)tau->dtype), *out = NULL;
    if (!q) return NULL;
    if (q->numel) {
        for (int64_t b = 0; b < count; b++)
            memcpy(ct__ptr(q) + (size_t)(b * cols * m) * size, ct__ptr(reflectors) + (size_t)(b * n * m) * size, (size_t)(copied * m) * size);
        ct__lapack l = {.routine = CT__LAPACK_Q, .dtype = (ct_dtype)tau->dtype, .m = m, .n = cols, .k = k, .batch = count};
        l.a = ct__ptr(q), l.a_step = cols * m, l.b = ct__ptr(tau), l.b_step = k;
        if (ct__factorize(CT__OP_linalg_qr, &l, &o) != CT_OK) goto done;
    }
    out = ct__matrix_copy("ct_linalg_qr", q, true);
done:
    ct__unref(q);
    return out;
}

static ct_status run_qr(const ct_tensor *a, ct_qr_mode mode, ct_tensor **out) {
    const int op = CT__OP_linalg_qr;
    int64_t m = ct__rows(a), n = ct__cols(a), k = ct__min_i64(m, n);
    ct__outcome o;
    ct_tensor *reflectors = ct__matrix_copy(ct__fn(op), a, true), *tau = NULL;
    if (reflectors) tau = ct__new_batch(ct__fn(op), a->sizes, a->ndim - 2, k, -1, (ct_dtype)a->dtype);
    if (!tau) goto done;
    if (tau->numel) {
        ct__lapack l = {.routine = CT__LAPACK_QR, .dtype = (ct_dtype)a->dtype, .m = m, .n = n, .batch = ct__batch_count(a)};
        l.a = ct__ptr(reflectors), l.a_step = m * n, l.b = ct__ptr(tau), l.b_step = k;
        if (ct__factorize(op, &l, &o) != CT_OK) goto done;
    }
    out[1] = take_r(reflectors, mode == CT_QR_COMPLETE ? m : k);
    out[0] = mode == CT_QR_R ? ct__new(ct__fn(op), (int64_t[]){0}, 1, (ct_dtype)a->dtype) : take_q(reflectors, tau, mode == CT_QR_COMPLETE ? m : k);
done:
    ct__unref(reflectors);
    ct__unref(tau);
    return ct__pending();
}

ct_tensor *ct_linalg_qr(ct_tensor *a, ct_qr_mode mode, ct_tensor **r) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct__autocast_end(cast, ct_linalg_qr(a, mode, r), (ct_tensor **[]){r}, 1);
    const int op = CT__OP_linalg_qr;
    if (r) *r = NULL;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_matrices(op, "A", a));
    if (mode != CT_QR_REDUCED && mode != CT_QR_COMPLETE && mode != CT_QR_R) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_linalg_qr: unknown mode %d", (int)mode);
        return NULL;
    }
    ct_tensor *out[2] = {NULL, NULL};
    run_qr(a, mode, out);
    ct__node *n = out[0] && out[1] ? ct__node_new(&qr_class, &a, 1, 2) : NULL;
    if (n) ((qr_ctx *)ct__ctx(n))->mode = mode;
    ct__save_output(n, 0, out[0], 0);
    ct__save_output(n, 1, out[1], 1);
    ct__finish_n(n, out, 2);
    if (r) *r = out[1];
    else ct_scope_drop(out[1]);
    return out[0];
}
