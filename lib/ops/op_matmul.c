/*
 * op_matmul.c: matmul, mm, bmm, mv, dot, addmm, baddbmm, outer.
 *
 * They are one product with one formula. Vectors become matrices of one row or column, batch dims are broadcast by strides of 0, and
 * the result loses again what was added:
 *
 *      C [.., m, n] = A [.., m, k] B [.., k, n]      gA = g B^T      gB = A^T g      summed over what was broadcast
 *
 * A batch of A with one matrix B is folded into a single product of batch * m rows where A's strides allow it, and so is gB.
 * Transposed operands are views: the BLAS reads them as they lie.
 */
#include "ops/half.h"
#include "ops/product.h"

#include "base/vec.h"

#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

ct_status ct__product_dtypes(const char *function, const ct_tensor *a, const ct_tensor *b) {
    const char *x = ct_dtype_name((ct_dtype)a->dtype), *y = ct_dtype_name((ct_dtype)b->dtype);
    if (a->dtype != b->dtype) return ct__fail(CT_ERR_DTYPE, "%s: %s and %s cannot be multiplied; convert one with ct_to", function, x, y);
    if (a->dtype == CT_BOOL) return ct__fail(CT_ERR_DTYPE, "%s: matrices of bool cannot be multiplied; convert them with ct_to", function);
    return CT_OK;
}

/* ---- The product ---- */

static void product_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__needs(n, 1) ? ct__saved(n, 0) : NULL, *b = ct__needs(n, 0) ? ct__saved(n, 1) : NULL;
    ct__product_gradients(n, 0, g[0], a, b, gin);
}
static const ct__node_class mm_class = {.op = CT__OP_mm, .backward = product_backward, .n_saved = 2, .used_by = {2, 1}};
static const ct__node_class bmm_class = {.op = CT__OP_bmm, .backward = product_backward, .n_saved = 2, .used_by = {2, 1}};
static const ct__node_class mv_class = {.op = CT__OP_mv, .backward = product_backward, .n_saved = 2, .used_by = {2, 1}};
static const ct__node_class dot_class = {.op = CT__OP_dot, .backward = product_backward, .n_saved = 2, .used_by = {2, 1}};
static const ct__node_class matmul_class = {.op = CT__OP_matmul, .backward = product_backward, .n_saved = 2, .used_by = {2, 1}};

static const ct__node_class *class_of(int op) {
    switch (op) {
    case CT__OP_mm: return &mm_class;
    case CT__OP_bmm: return &bmm_class;
    case CT__OP_mv: return &mv_class;
    case CT__OP_dot: return &dot_class;
    default: return &matmul_class;
    }
}

/* The batch dims of the result; CT_ERR_SHAPE names both tensors. */
static ct_status broadcast_batch(const char *function, const ct__matrix *a, const ct__matrix *b, int64_t *batch, int *n) {
    *n = a->n_batch > b->n_batch ? a->n_batch : b->n_batch;
    for (int d = 0; d < *n; d++) {
        int da = d - (*n - a->n_batch), db = d - (*n - b->n_batch);
        int64_t x = da < 0 ? 1 : a->batch[da], y = db < 0 ? 1 : b->batch[db];
        if (x != y && x != 1 && y != 1) {
            ct__shape_text ta, tb;
            return ct__fail(CT_ERR_SHAPE, "%s: %s and %s cannot be multiplied: %lld != %lld at batch dim %d", function, CT__SIZES(&ta, a->t),
                            CT__SIZES(&tb, b->t), (long long)x, (long long)y, d);
        }
        batch[d] = x == 1 ? y : x;
    }
    return CT_OK;
}

static ct_status check_inner(const char *function, const ct__matrix *a, const ct__matrix *b) {
    ct__shape_text ta, tb;
    if (a->cols == b->rows) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %s and %s cannot be multiplied: %lld != %lld", function, CT__SIZES(&ta, a->t), CT__SIZES(&tb, b->t),
                    (long long)a->cols, (long long)b->rows);
}

ct_tensor *ct__matmul(int op, ct_tensor *a, ct_tensor *b) {
    const char *function = ct__fn(op);
    ct__shape_text ta, tb;
    if (a->ndim == 0 || b->ndim == 0) {
        ct__fail(CT_ERR_SHAPE, "%s: %s and %s cannot be multiplied: one is 0-dim; use ct_mul", function, CT__SIZES(&ta, a), CT__SIZES(&tb, b));
        return NULL;
    }
    CT__TRY_NULL(ct__product_dtypes(function, a, b));
    if (ct__is_half(a)) {
        ct__half h = ct__half_begin(a);
        ct_tensor *wide_a = ct__widen(a), *wide_b = ct__widen(b);
        return ct__half_end(h, wide_a && wide_b ? ct__matmul(op, wide_a, wide_b) : NULL);
    }
    ct__matrix x = ct__matrix_of(a, true), y = ct__matrix_of(b, false);
    CT__TRY_NULL(check_inner(function, &x, &y));
    int64_t sizes[CT_MAX_NDIM + 2];
    int n_batch;
    CT__TRY_NULL(broadcast_batch(function, &x, &y, sizes, &n_batch));
    int n = n_batch;
    if (a->ndim > 1) sizes[n++] = x.rows;
    if (b->ndim > 1) sizes[n++] = y.cols;
    ct_tensor *in[] = {a, b};
    ct__node *node = ct__node_new(class_of(op), in, 2, 1);
    ct__product_save(node, 0, a, b);
    ct_tensor *out = ct__new(function, sizes, n, (ct_dtype)a->dtype);
    if (out) {
        if (y.n_batch == 0 && x.n_batch > 0 && ct__matrix_fold(&x)) n_batch = 0;
        ct__multiply(function, &x, &y, sizes, n_batch, out, 1, 0, NULL);
    }
    return ct__finish(node, out);
}

ct_tensor *ct_matmul(ct_tensor *a, ct_tensor *b) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&a, &b}, 2, &cast)) return ct_scope_return(cast, ct_matmul(a, b));
    return ct__enter(CT__OP_matmul, (ct_tensor *[]){a, b}, 2) ? ct__matmul(CT__OP_matmul, a, b) : NULL;
}

/* The forms for one case each. */
static ct_tensor *of_ranks(int op, ct_tensor *a, int na, ct_tensor *b, int nb) {
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct__shape_text ta, tb;
    if (a->ndim != na || b->ndim != nb) {
        ct__fail(CT_ERR_SHAPE, "%s: %s and %s: it multiplies tensors of %d and %d dims only; ct_matmul takes others", ct__fn(op), CT__SIZES(&ta, a),
                 CT__SIZES(&tb, b), na, nb);
        return NULL;
    }
    if (op == CT__OP_bmm && a->sizes[0] != b->sizes[0]) {
        ct__fail(CT_ERR_SHAPE, "ct_bmm: %s and %s cannot be multiplied: batches of %lld != %lld", CT__SIZES(&ta, a), CT__SIZES(&tb, b),
                 (long long)a->sizes[0], (long long)b->sizes[0]);
        return NULL;
    }
    return ct__matmul(op, a, b);
}
ct_tensor *ct_mm(ct_tensor *a, ct_tensor *b) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&a, &b}, 2, &cast)) return ct_scope_return(cast, ct_mm(a, b));
    return of_ranks(CT__OP_mm, a, 2, b, 2);
}
ct_tensor *ct_bmm(ct_tensor *a, ct_tensor *b) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&a, &b}, 2, &cast)) return ct_scope_return(cast, ct_bmm(a, b));
    return of_ranks(CT__OP_bmm, a, 3, b, 3);
}
ct_tensor *ct_mv(ct_tensor *a, ct_tensor *b) { return of_ranks(CT__OP_mv, a, 2, b, 1); }
ct_tensor *ct_dot(ct_tensor *a, ct_tensor *b) { return of_ranks(CT__OP_dot, a, 1, b, 1); }

/* ---- beta * input + alpha * product ---- */

typedef struct addmm_ctx {
    double beta, alpha;
} addmm_ctx;

static ct_tensor *scaled(ct_tensor *g, double factor) { return factor == 1 ? g : ct_mul_scalar(g, factor); }

static void addmm_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const addmm_ctx *c = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, scaled(g[0], c->beta));
    if (!ct__needs(n, 1) && !ct__needs(n, 2)) return;
    ct_tensor *a = ct__needs(n, 2) ? ct__saved(n, 0) : NULL, *b = ct__needs(n, 1) ? ct__saved(n, 1) : NULL;
    ct__product_gradients(n, 1, scaled(g[0], c->alpha), a, b, gin);
}
static const ct__node_class addmm_class = {.op = CT__OP_addmm, .backward = addmm_backward, .n_saved = 2, .used_by = {4, 2}, .ctx_size = sizeof(addmm_ctx)};
static const ct__node_class baddbmm_class = {.op = CT__OP_baddbmm, .backward = addmm_backward, .n_saved = 2, .used_by = {4, 2}, .ctx_size = sizeof(addmm_ctx)};

static ct_status check_added(const char *function, const ct_tensor *input, const ct_tensor *a, const addmm_ctx *c) {
    if (input->dtype != a->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: input is %s, the matrices are %s; convert one with ct_to", function, ct_dtype_name((ct_dtype)input->dtype),
                        ct_dtype_name((ct_dtype)a->dtype));
    if (!ct__is_float(a) && (c->beta != rint(c->beta) || c->alpha != rint(c->alpha) || fabs(c->beta) > 0x1p53 || fabs(c->alpha) > 0x1p53))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: beta %g and alpha %g must be whole numbers for %s", function, c->beta, c->alpha,
                        ct_dtype_name((ct_dtype)a->dtype));
    return CT_OK;
}

static ct_tensor *added(int op, ct_tensor *input, ct_tensor *a, ct_tensor *b, const ct_addmm_options *options) {
    const char *function = ct__fn(op);
    ct_tensor *in[] = {input, a, b};
    int rank = op == CT__OP_addmm ? 2 : 3;
    if (!ct__enter(op, in, 3)) return NULL;
    if (ct__all_half(in, 3)) {
        ct__half h = ct__half_begin(input);
        return ct__half_end(h, added(op, ct__widen(input), ct__widen(a), ct__widen(b), options));
    }
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    addmm_ctx c = {options && options->beta.has ? options->beta.value : 1, options && options->alpha.has ? options->alpha.value : 1};
    ct__shape_text ta, tb;
    if (a->ndim != rank || b->ndim != rank || (rank == 3 && a->sizes[0] != b->sizes[0])) {
        ct__fail(CT_ERR_SHAPE, "%s: %s and %s cannot be multiplied: it wants %s", function, CT__SIZES(&ta, a), CT__SIZES(&tb, b),
                 rank == 2 ? "two matrices" : "two equal batches of matrices");
        return NULL;
    }
    CT__TRY_NULL(ct__product_dtypes(function, a, b));
    CT__TRY_NULL(check_added(function, input, a, &c));
    ct__matrix x = ct__matrix_of(a, true), y = ct__matrix_of(b, false);
    CT__TRY_NULL(check_inner(function, &x, &y));
    int64_t sizes[] = {a->sizes[0], x.rows, y.cols};
    ct_tensor *out = ct__new(function, sizes + (rank == 2), rank, (ct_dtype)a->dtype);
    if (!out) return NULL;
    ct__node *node = ct__node_new(rank == 2 ? &addmm_class : &baddbmm_class, in, 3, 1);
    if (node) *(addmm_ctx *)ct__ctx(node) = c;
    ct__product_save(node, 1, a, b);
    if (ct__fill_broadcast(function, "input", out, input) == CT_OK) ct__multiply(function, &x, &y, sizes, x.n_batch, out, c.alpha, c.beta, NULL);
    return ct__finish(node, out);
}

ct_tensor *ct_addmm(ct_tensor *input, ct_tensor *mat1, ct_tensor *mat2, const ct_addmm_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&input, &mat1, &mat2}, 3, &cast)) return ct_scope_return(cast, ct_addmm(input, mat1, mat2, options));
    return added(CT__OP_addmm, input, mat1, mat2, options);
}
ct_tensor *ct_baddbmm(ct_tensor *input, ct_tensor *batch1, ct_tensor *batch2, const ct_addmm_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&input, &batch1, &batch2}, 3, &cast))
        return ct_scope_return(cast, ct_baddbmm(input, batch1, batch2, options));
    return added(CT__OP_baddbmm, input, batch1, batch2, options);
}

/* ---- Outer ---- */

ct_tensor *ct_outer(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_outer, (ct_tensor *[]){a, b}, 2)) return NULL;
    if (a->ndim != 1 || b->ndim != 1) {
        ct__shape_text ta, tb;
        ct__fail(CT_ERR_SHAPE, "ct_outer: %s and %s: both must be vectors", CT__SIZES(&ta, a), CT__SIZES(&tb, b));
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_mul(ct_unsqueeze(a, -1), b));
}
