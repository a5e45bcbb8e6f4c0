/*
 * op_products.c: products that are made of others: addmv, addr, addbmm, tensordot, inner, vdot, vecdot, kron, trace, cross.
 */
#include "ops/half.h"
#include "ops/product.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

/* ---- beta * input + alpha * product: each is an addmm of other sizes ---- */

static ct_status check_ranks(int op, const ct_tensor *a, int na, const ct_tensor *b, int nb) {
    ct__shape_text ta, tb;
    if (a->ndim == na && b->ndim == nb) return ct__product_dtypes(ct__fn(op), a, b);
    return ct__fail(CT_ERR_SHAPE, "%s: %s and %s must have %d and %d dims", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b), na, nb);
}
static ct_status check_sizes(int op, const ct_tensor *a, int da, const ct_tensor *b, int db) {
    ct__shape_text ta, tb;
    if (a->sizes[da] == b->sizes[db]) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %s and %s cannot be multiplied: %lld != %lld", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b),
                    (long long)a->sizes[da], (long long)b->sizes[db]);
}
static ct_status check_input(int op, const ct_tensor *input, const ct_tensor *a, int64_t rows, int64_t cols) {
    ct__shape_text ta;
    int64_t sizes[] = {rows, cols};
    int n = cols < 0 ? 1 : 2;
    bool fits = input->ndim <= n;
    for (int d = 0; fits && d < input->ndim; d++) fits = input->sizes[d] == 1 || input->sizes[d] == sizes[n - input->ndim + d];
    ct__shape_text tb;
    if (!fits)
        return ct__fail(CT_ERR_SHAPE, "%s: input %s does not broadcast to %s", ct__fn(op), CT__SIZES(&ta, input), ct__shape_str(&tb, sizes, n));
    if (input->dtype == a->dtype) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: input is %s, the others are %s; convert one with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)input->dtype),
                    ct_dtype_name((ct_dtype)a->dtype));
}

ct_tensor *ct_addmv(ct_tensor *input, ct_tensor *mat, ct_tensor *vec, const ct_addmm_options *options) {
    const int op = CT__OP_addmv;
    if (!ct__enter(op, (ct_tensor *[]){input, mat, vec}, 3)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(check_ranks(op, mat, 2, vec, 1));
    CT__TRY_NULL(check_sizes(op, mat, 1, vec, 0));
    CT__TRY_NULL(check_input(op, input, mat, mat->sizes[0], -1));
    ct_scope scope = ct_scope_begin();
    if (input->ndim) input = ct_unsqueeze(input, -1);
    return ct_scope_return(scope, ct_squeeze_dim(ct_addmm(input, mat, ct_unsqueeze(vec, -1), options), CT_DIMS(-1)));
}

ct_tensor *ct_addr(ct_tensor *input, ct_tensor *vec1, ct_tensor *vec2, const ct_addmm_options *options) {
    const int op = CT__OP_addr;
    if (!ct__enter(op, (ct_tensor *[]){input, vec1, vec2}, 3)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(check_ranks(op, vec1, 1, vec2, 1));
    CT__TRY_NULL(check_input(op, input, vec1, vec1->sizes[0], vec2->sizes[0]));
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_addmm(input, ct_unsqueeze(vec1, -1), ct_unsqueeze(vec2, 0), options));
}

/* [b, n, k] x [b, k, p] summed over b is one product of [n, b k] and [b k, p]. */
ct_tensor *ct_addbmm(ct_tensor *input, ct_tensor *batch1, ct_tensor *batch2, const ct_addmm_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&input, &batch1, &batch2}, 3, &cast))
        return ct_scope_return(cast, ct_addbmm(input, batch1, batch2, options));
    const int op = CT__OP_addbmm;
    if (!ct__enter(op, (ct_tensor *[]){input, batch1, batch2}, 3)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(check_ranks(op, batch1, 3, batch2, 3));
    CT__TRY_NULL(check_sizes(op, batch1, 0, batch2, 0));
    CT__TRY_NULL(check_sizes(op, batch1, 2, batch2, 1));
    CT__TRY_NULL(check_input(op, input, batch1, batch1->sizes[1], batch2->sizes[2]));
    int64_t inner = batch1->sizes[0] * batch1->sizes[2];
    ct_scope scope = ct_scope_begin();
    ct_tensor *a = ct_reshape(ct_transpose(batch1, 0, 1), CT_SHAPE(batch1->sizes[1], inner));
    return ct_scope_return(scope, ct_addmm(input, a, ct_reshape(batch2, CT_SHAPE(inner, batch2->sizes[2])), options));
}

/* ---- tensordot, inner ---- */

/* The dims that are not in dims, then (or before) those that are; how many elements each group has. */
static ct_tensor *as_matrix(ct_tensor *t, const int *dims, int n, bool dims_last, int64_t *free_sizes, int *n_free) {
    int64_t order[CT_MAX_NDIM], free_dims[CT_MAX_NDIM], rows = 1, sum = 1;
    *n_free = 0;
    for (int d = 0; d < t->ndim; d++) {
        bool summed = false;
        for (int i = 0; i < n; i++) summed = summed || dims[i] == d;
        if (summed) continue;
        free_dims[*n_free] = d;
        free_sizes[(*n_free)++] = t->sizes[d];
        rows *= t->sizes[d];
    }
    for (int i = 0; i < *n_free; i++) order[dims_last ? i : n + i] = free_dims[i];
    for (int i = 0; i < n; i++) {
        order[dims_last ? *n_free + i : i] = dims[i];
        sum *= t->sizes[dims[i]];
    }
    ct_tensor *p = ct_permute(t, order, *n_free + n);
    return dims_last ? ct_reshape(p, CT_SHAPE(rows, sum)) : ct_reshape(p, CT_SHAPE(sum, rows));
}

static ct_status wrap_list(int op, const int64_t *dims, int n, const ct_tensor *t, int *out) {
    for (int i = 0; i < n; i++) {
        CT__TRY(ct__wrap_dim(ct__fn(op), dims[i], t->ndim, &out[i]));
        for (int j = 0; j < i; j++)
            if (out[i] == out[j]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dim %d is given twice", ct__fn(op), out[i]);
    }
    return CT_OK;
}

static ct_tensor *tensordot(int op, ct_tensor *a, ct_tensor *b, const int *da, const int *db, int n) {
    CT__TRY_NULL(ct__product_dtypes(ct__fn(op), a, b));
    for (int i = 0; i < n; i++) CT__TRY_NULL(check_sizes(op, a, da[i], b, db[i]));
    if (a->ndim + b->ndim - 2 * n > CT_MAX_NDIM) {
        ct__fail(CT_ERR_SHAPE, "%s: the result has more than %d dims", ct__fn(op), CT_MAX_NDIM);
        return NULL;
    }
    int64_t sizes[2 * CT_MAX_NDIM];
    int na, nb;
    ct_scope scope = ct_scope_begin();
    ct_tensor *x = as_matrix(a, da, n, true, sizes, &na), *y = as_matrix(b, db, n, false, sizes + na, &nb);
    return ct_scope_return(scope, ct_reshape(ct_mm(x, y), sizes, na + nb));
}

ct_tensor *ct_tensordot(ct_tensor *a, ct_tensor *b, const int64_t *dims_a, const int64_t *dims_b, int n) {
    const int op = CT__OP_tensordot;
    int da[CT_MAX_NDIM], db[CT_MAX_NDIM];
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    if (n < 0 || n > a->ndim || n > b->ndim || (n > 0 && (!dims_a || !dims_b))) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d pairs of dims for tensors of %d and %d dims", ct__fn(op), n, a->ndim, b->ndim);
        return NULL;
    }
    CT__TRY_NULL(wrap_list(op, dims_a, n, a, da));
    CT__TRY_NULL(wrap_list(op, dims_b, n, b, db));
    return tensordot(op, a, b, da, db, n);
}

ct_tensor *ct_inner(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_inner;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    if (a->ndim == 0 || b->ndim == 0) return ct_mul(a, b);
    return tensordot(op, a, b, (int[]){a->ndim - 1}, (int[]){b->ndim - 1}, 1);
}

ct_tensor *ct_vdot(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_vdot;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    CT__TRY_NULL(check_ranks(op, a, 1, b, 1));
    CT__TRY_NULL(check_sizes(op, a, 0, b, 0));
    return ct__matmul(op, a, b);
}

ct_tensor *ct_linalg_vecdot(ct_tensor *a, ct_tensor *b, int64_t dim) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&a, &b}, 2, &cast)) return ct_scope_return(cast, ct_linalg_vecdot(a, b, dim));
    const int op = CT__OP_linalg_vecdot;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    CT__TRY_NULL(ct__product_dtypes(ct__fn(op), a, b));
    int64_t sizes[CT_MAX_NDIM];
    int n, d;
    CT__TRY_NULL(ct__broadcast(ct__fn(op), a->sizes, a->ndim, b->sizes, b->ndim, sizes, &n));
    CT__TRY_NULL(ct__wrap_dim(ct__fn(op), dim, n, &d));
    if (n == 0) {
        ct__fail(CT_ERR_SHAPE, "%s: [] and []: vectors have at least 1 dim", ct__fn(op));
        return NULL;
    }
    ct_scope scope = ct_scope_begin(); /* a batch of [1, k] x [k, 1] */
    ct_tensor *x = ct_unsqueeze(ct_movedim(ct_expand(a, sizes, n), d, -1), -2), *y = ct_unsqueeze(ct_movedim(ct_expand(b, sizes, n), d, -1), -1);
    return ct_scope_return(scope, ct_squeeze_dim(ct_matmul(x, y), CT_DIMS(-2, -1)));
}

/* ---- kron: [a0, 1, a1, 1] * [1, b0, 1, b1] -> [a0 b0, a1 b1] ---- */

ct_tensor *ct_kron(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_kron;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    int n = a->ndim > b->ndim ? a->ndim : b->ndim;
    int64_t sa[CT_MAX_NDIM], sb[CT_MAX_NDIM], sizes[CT_MAX_NDIM];
    if (2 * n > CT_MAX_NDIM) {
        ct__fail(CT_ERR_UNSUPPORTED, "%s: %d dims are more than %d", ct__fn(op), n, CT_MAX_NDIM / 2);
        return NULL;
    }
    for (int d = 0; d < n; d++) {
        int da = d - (n - a->ndim), db = d - (n - b->ndim);
        sa[2 * d] = da < 0 ? 1 : a->sizes[da], sa[2 * d + 1] = 1;
        sb[2 * d] = 1, sb[2 * d + 1] = db < 0 ? 1 : b->sizes[db];
        if (!ct__mul_i64(sa[2 * d], sb[2 * d + 1], &sizes[d])) {
            ct__fail(CT_ERR_SHAPE, "%s: the size of dim %d overflows", ct__fn(op), d);
            return NULL;
        }
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_reshape(ct_mul(ct_reshape(a, sa, 2 * n), ct_reshape(b, sb, 2 * n)), sizes, n));
}

/* ---- trace ---- */

ct_tensor *ct_trace(ct_tensor *a) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_trace(a));
    ct__shape_text t;
    if (!ct__enter(CT__OP_trace, &a, 1)) return NULL;
    if (a->ndim != 2 || a->dtype == CT_BOOL) {
        if (a->ndim != 2) ct__fail(CT_ERR_SHAPE, "ct_trace: %s must be a matrix", CT__SIZES(&t, a));
        else ct__fail(CT_ERR_DTYPE, "ct_trace: not for bool tensors");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_sum(ct_diagonal(a, 0, 0, 1)));
}

/* ---- cross: c_i = a_(i+1) b_(i+2) - a_(i+2) b_(i+1), indices modulo 3 ---- */

static ct_tensor *cross(int op, ct_tensor *a, ct_tensor *b, int64_t dim) {
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct__shape_text ta, tb;
    int d = 0;
    if (a->dtype == CT_BOOL || b->dtype == CT_BOOL) {
        ct__fail(CT_ERR_DTYPE, "%s: not for bool tensors", ct__fn(op));
        return NULL;
    }
    if (ct__all_half((ct_tensor *[]){a, b}, 2)) {
        ct__half h = ct__half_begin(a);
        return ct__half_end(h, cross(op, ct__widen(a), ct__widen(b), dim));
    }
    if (a->ndim != b->ndim) {
        ct__fail(CT_ERR_SHAPE, "%s: %s and %s must have the same number of dims", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b));
        return NULL;
    }
    if (op == CT__OP_cross && dim == CT_DIM_NONE) {
        while (d < a->ndim && a->sizes[d] != 3) d++;
        if (d == a->ndim) {
            ct__fail(CT_ERR_SHAPE, "%s: %s has no dim of size 3", ct__fn(op), CT__SIZES(&ta, a));
            return NULL;
        }
    } else CT__TRY_NULL(ct__wrap_dim(ct__fn(op), dim, a->ndim, &d));
    if (a->ndim == 0 || a->sizes[d] != 3 || b->sizes[d] != 3) {
        ct__fail(CT_ERR_SHAPE, "%s: %s and %s must have size 3 at dim %d", ct__fn(op), CT__SIZES(&ta, a), CT__SIZES(&tb, b), d);
        return NULL;
    }
    int64_t at[] = {d};
    ct_scope scope = ct_scope_begin();
    ct_tensor *a1 = ct_roll(a, (int64_t[]){-1}, 1, at), *a2 = ct_roll(a, (int64_t[]){-2}, 1, at);
    ct_tensor *b1 = ct_roll(b, (int64_t[]){-1}, 1, at), *b2 = ct_roll(b, (int64_t[]){-2}, 1, at);
    return ct_scope_return(scope, ct_sub(ct_mul(a1, b2), ct_mul(a2, b1)));
}
ct_tensor *ct_cross(ct_tensor *a, ct_tensor *b, int64_t dim) { return cross(CT__OP_cross, a, b, dim); }
ct_tensor *ct_linalg_cross(ct_tensor *a, ct_tensor *b, int64_t dim) { return cross(CT__OP_linalg_cross, a, b, dim); }
