/*
 * op_linalg_lstsq.c: least squares.
 *
 * With P = A^+ and full rank, X = P B, so gB = P^T gX, and gA is what pinv makes of gX B^T. Residuals r = A X - B, squared and summed over
 * rows: gA += 2 r g X^T, gB -= 2 r g; X is stationary, so nothing flows through it.
 */
#include "ops/factor.h"

#include "base/vec.h"

#include <ctorch/linalg.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <float.h>
#include <string.h>

/* Slots: 0 A, 1 B, 2 X; all matrices. g[1] is [0] where residuals were not asked for. */
static void lstsq_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1), *ga = NULL, *gb = NULL;
    if (!a || !b) return;
    if (g[0]) {
        ct_tensor *p = ct_linalg_pinv(a, NULL);
        if (ct__needs(n, 0)) ga = ct__pinv_gradient(a, p, ct_matmul(g[0], ct__mt(b)));
        if (ct__needs(n, 1)) gb = ct_matmul(ct__mt(p), g[0]);
    }
    if (g[1] && ct_numel(g[1])) {
        ct_tensor *x = ct__saved(n, 2);
        ct_tensor *r = ct_mul(ct_mul_scalar(ct_sub(ct_matmul(a, x), b), 2), ct_unsqueeze(g[1], -2));
        ct_tensor *ra = ct_matmul(r, ct__mt(x));
        if (ct__needs(n, 0)) ga = ga ? ct_add(ga, ra) : ra;
        if (ct__needs(n, 1)) gb = gb ? ct_sub(gb, r) : ct_neg(r);
    }
    if (ct__needs(n, 0) && ga) gin[0] = ct__reduce_to_input(n, 0, ga);
    if (ct__needs(n, 1) && gb) gin[1] = ct__reduce_to_input(n, 1, gb);
}
static const ct__node_class lstsq_class = {.op = CT__OP_linalg_lstsq, .backward = lstsq_backward, .n_saved = 3};

typedef struct problem {
    ct_tensor *a, *b;
    int64_t m, n, k, batch[CT_MAX_NDIM];
    int n_batch;
    ct_lstsq_driver driver;
    double rcond;
} problem;

enum { X, RESIDUALS, RANK, VALUES, OUTPUTS };

static ct_tensor *nothing(ct_dtype dtype) { return ct__new("ct_linalg_lstsq", (int64_t[]){0}, 1, dtype); }

static bool has_rank(const problem *p) { return p->driver != CT_LSTSQ_GELS; }
static bool has_values(const problem *p) { return p->driver == CT_LSTSQ_GELSD || p->driver == CT_LSTSQ_GELSS; }

/* B in columns of max(m, n) rows, as LAPACK wants it: X comes back in the first n, what is left of B in the others. */
static ct_tensor *right_side(const problem *p) {
    int64_t rows = ct__max_i64(p->m, p->n);
    const char *fn = "ct_linalg_lstsq";
    ct_tensor *columns = ct__matrix_copy_to(fn, p->b, true, p->batch, p->n_batch), *out = NULL;
    if (!columns || rows == p->m) return columns;
    out = ct__new_batch(fn, p->batch, p->n_batch, p->k, rows, (ct_dtype)p->b->dtype);
    if (out && out->numel) {
        size_t size = ct_dtype_size((ct_dtype)out->dtype);
        memset(ct__ptr(out), 0, (size_t)out->numel * size);
        for (int64_t i = 0, count = ct__batch_count(out) * p->k; i < count; i++)
            memcpy(ct__ptr(out) + (size_t)(i * rows) * size, ct__ptr(columns) + (size_t)(i * p->m) * size, (size_t)p->m * size);
    }
    ct__unref(columns);
    return out;
}

/* columns [.., k, rows] -> the rows [from, to) as [.., to - from, k]. */
static ct_tensor *part(const ct_tensor *columns, int64_t from, int64_t to) {
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, columns->sizes, columns->ndim * sizeof *sizes);
    sizes[columns->ndim - 1] = to - from;
    ct_tensor *view = ct__new_view(columns, sizes, columns->strides, columns->ndim, columns->offset + from);
    ct_tensor *out = view ? ct__matrix_copy("ct_linalg_lstsq", view, true) : NULL;
    ct__unref(view);
    return out;
}

static ct_status call(const problem *p, ct_tensor *columns, int32_t *ranks, ct_tensor *values) {
    static const ct__lapack_routine routine[] = {CT__LAPACK_GELSY, CT__LAPACK_GELS, CT__LAPACK_GELSD, CT__LAPACK_GELSS};
    const int op = CT__OP_linalg_lstsq;
    int64_t rows = ct__max_i64(p->m, p->n);
    ct__outcome o;
    ct__item_text t;
    ct_tensor *copy = ct__matrix_copy_to(ct__fn(op), p->a, true, p->batch, p->n_batch);
    if (!copy) return ct__pending();
    ct__lapack l = {.routine = routine[p->driver], .dtype = (ct_dtype)p->a->dtype, .m = p->m, .n = p->n, .k = p->k, .rcond = p->rcond};
    l.batch = ct__batch_count(columns), l.a = ct__ptr(copy), l.a_step = p->m * p->n, l.b = ct__ptr(columns), l.b_step = rows * p->k;
    if (values) l.c = ct__ptr(values), l.c_step = ct__min_i64(p->m, p->n);
    l.ints = ranks, l.ints_step = 1;
    if (ct__factorize(op, &l, &o) == CT_OK && o.item >= 0)
        ct__fail(CT_ERR_INVALID_ARGUMENT, p->driver == CT_LSTSQ_GELS ? "%s: %sA has not full rank (%d); the other drivers take that" : "%s: %sno convergence (%d)",
                 ct__fn(op), ct__item_str(&t, copy, o.item), (int)o.info);
    ct__unref(copy);
    return ct__pending();
}

/* The sums of squares of rows n to m of each column: [.., k]. */
static ct_tensor *residuals_of(const problem *p, ct_tensor *columns, const int32_t *ranks, int64_t count) {
    bool full = p->m > p->n && p->driver != CT_LSTSQ_GELSY;
    for (int64_t i = 0; full && has_rank(p) && i < count; i++) full = ranks[i] == p->n;
    if (!full) return nothing((ct_dtype)columns->dtype);
    ct_tensor *rest = part(columns, p->n, p->m);
    if (!rest) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *sum = ct_keep(ct_sum_dim(ct_square(ct__scope_give(rest)), CT_DIMS(-2), NULL));
    ct_scope_end(scope);
    return sum;
}

static ct_tensor *ranks_as_i64(const problem *p, const int32_t *ranks) {
    ct_tensor *out = ct__new_batch("ct_linalg_lstsq", p->batch, p->n_batch, -1, -1, CT_I64);
    for (int64_t i = 0; out && i < out->numel; i++) ((int64_t *)(void *)ct__ptr(out))[i] = ranks[i];
    return out;
}

static ct_status run(const problem *p, ct_tensor **out) {
    ct_dtype dtype = (ct_dtype)p->a->dtype;
    int64_t small = ct__min_i64(p->m, p->n), count = 1;
    for (int d = 0; d < p->n_batch; d++) count *= p->batch[d];
    int32_t *ranks = NULL;
    ct_tensor *columns = right_side(p);
    if (!columns) return ct__pending();
    if (!(ranks = ct__alloc_zero((size_t)ct__max_i64(count, 1) * sizeof *ranks))) goto done;
    if (has_values(p)) out[VALUES] = ct__new_batch("ct_linalg_lstsq", p->batch, p->n_batch, small, -1, dtype);
    else out[VALUES] = nothing(dtype);
    if (!out[VALUES]) goto done;
    /* Without rows X is 0, without columns the residual is all of B: as right_side made it. */
    if (count && small && p->k && call(p, columns, ranks, has_values(p) ? out[VALUES] : NULL) != CT_OK) goto done;
    out[X] = part(columns, 0, p->n);
    if (out[X]) out[RESIDUALS] = residuals_of(p, columns, ranks, count);
    if (out[RESIDUALS]) out[RANK] = has_rank(p) ? ranks_as_i64(p, ranks) : nothing(CT_I64);
done:
    ct__free(ranks);
    ct__unref(columns);
    return ct__pending();
}

static ct_status describe(ct_tensor *a, ct_tensor *b, const ct_linalg_lstsq_options *o, problem *p) {
    const int op = CT__OP_linalg_lstsq;
    ct__shape_text ta, tb;
    p->a = a, p->b = b;
    p->m = ct__rows(a), p->n = ct__cols(a), p->k = ct__cols(b);
    p->driver = o ? o->driver : CT_LSTSQ_GELSY;
    if (p->m != ct__rows(b))
        return ct__fail(CT_ERR_SHAPE, "%s: A %s and B %s do not fit: A X = B wants %lld rows in B", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b),
                        (long long)p->m);
    if ((int)p->driver < CT_LSTSQ_GELSY || p->driver > CT_LSTSQ_GELSS)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown driver %d", ct__fn(op), (int)p->driver);
    if (p->k == 0 && has_values(p)) return ct__fail(CT_ERR_SHAPE, "%s: B %s has no columns; GELSD and GELSS want one", ct__fn(op), CT__SIZES(&tb, b));
    double eps = a->dtype == CT_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    p->rcond = o && o->rcond.has ? o->rcond.value : eps * (double)ct__max_i64(p->m, p->n);
    return ct__broadcast_batches(op, a, a->ndim - 2, b, b->ndim - 2, p->batch, &p->n_batch);
}

/* B a matrix. out: X and residuals recorded, the others plain. */
static ct_status lstsq(ct_tensor *a, ct_tensor *b, const ct_linalg_lstsq_options *options, ct_tensor **out) {
    problem p;
    CT__TRY(describe(a, b, options, &p));
    run(&p, out);
    ct__node *n = out[RANK] ? ct__node_new(&lstsq_class, (ct_tensor *[]){a, b}, 2, 2) : NULL;
    ct__save(n, 0, a);
    ct__save(n, 1, b);
    ct__save_output(n, 2, out[X], 0);
    ct__finish_n(n, out, 2);
    out[RANK] = ct__scope_give(out[RANK]);
    out[VALUES] = ct__scope_give(out[VALUES]);
    return ct__pending();
}

ct_tensor *ct_linalg_lstsq(ct_tensor *a, ct_tensor *b, const ct_linalg_lstsq_options *options, ct_tensor **residuals, ct_tensor **rank,
                           ct_tensor **singular_values) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a, &b}, 2, &cast))
        return ct__autocast_end(cast, ct_linalg_lstsq(a, b, options, residuals, rank, singular_values), (ct_tensor **[]){residuals, rank, singular_values}, 3);
    const int op = CT__OP_linalg_lstsq;
    ct_tensor **to[] = {NULL, residuals, rank, singular_values}, *out[OUTPUTS] = {NULL};
    for (int i = 1; i < OUTPUTS; i++)
        if (to[i]) *to[i] = NULL;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct__shape_text t;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_matrices(op, "A", a));
    if (a->dtype != b->dtype || b->ndim == 0) {
        if (b->ndim == 0) ct__fail(CT_ERR_SHAPE, "%s: B %s must have at least 1 dim", ct__fn(op), CT__SIZES(&t, b));
        else ct__fail(CT_ERR_DTYPE, "%s: A is %s, B is %s; convert one with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)a->dtype), ct_dtype_name((ct_dtype)b->dtype));
        return NULL;
    }
    bool vector = ct__is_vector_rhs(a, b);
    ct_scope scope = ct_scope_begin();
    if (vector) b = ct_unsqueeze(b, -1);
    if (b) lstsq(a, b, options, out);
    if (vector) out[X] = ct_squeeze_dim(out[X], CT_DIMS(-1));
    for (int i = 1; i < OUTPUTS; i++)
        if (!to[i]) out[i] = NULL;
    if (!ct__scope_return_n(scope, (void *const *)out, OUTPUTS)) return NULL;
    for (int i = 1; i < OUTPUTS; i++)
        if (to[i]) *to[i] = out[i];
    return out[X];
}
