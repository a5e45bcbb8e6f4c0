/*
 * op_linalg_norm.c: norms under torch.linalg's names, and products of several matrices. All of it is made of other operations, as in PyTorch.
 */
#include "ops/factor.h"
#include "ops/half.h"

#include "base/vec.h"

#include <ctorch/linalg.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>
#include <string.h>

static ct_status check_norm(int op, const ct_tensor *x, const int64_t *dims, int n_dims, ct_dtype dtype) {
    if (!ct__is_float(x)) return ct__fail(CT_ERR_DTYPE, "%s: wants floating point, not %s", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype));
    if (n_dims < 0 || (n_dims > 0 && !dims))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dims is NULL or n_dims negative (%d)", ct__fn(op), n_dims);
    if (dtype != CT_DTYPE_NONE && (!ct_dtype_is_floating_point(dtype) || ct_promote_types(dtype, (ct_dtype)x->dtype) != dtype))
        return ct__fail(CT_ERR_DTYPE, "%s: dtype %s is narrower than the input's %s", ct__fn(op), ct_dtype_name(dtype), ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

/* ---- vector_norm ---- */

ct_tensor *ct_linalg_vector_norm(ct_tensor *x, const ct_linalg_vector_norm_options *options) {
    const int op = CT__OP_linalg_vector_norm;
    static const ct_linalg_vector_norm_options defaults = {0};
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    const ct_linalg_vector_norm_options *o = options ? options : &defaults;
    CT__TRY_NULL(check_norm(op, x, o->dims, o->n_dims, o->dtype));
    ct_scope scope = ct_scope_begin();
    if (o->dtype != CT_DTYPE_NONE && o->dtype != ct_tensor_dtype(x)) x = ct_to(x, o->dtype);
    return ct_scope_return(scope, ct_norm(x, o->ord.has ? o->ord.value : 2, o->dims, o->n_dims, &(ct_reduce_options){.keepdim = o->keepdim}));
}

/* ---- matrix_norm ---- */

static ct_tensor *restore(ct_tensor *x, const int dims[2], bool keepdim) { /* the two dims, in rising order, at size 1 again */
    if (!keepdim) return x;
    int low = dims[0] < dims[1] ? dims[0] : dims[1], high = dims[0] < dims[1] ? dims[1] : dims[0];
    return ct_unsqueeze(ct_unsqueeze(x, low), high);
}

/* Sums of |column| or |row|, and the largest or smallest of them. */
static ct_tensor *by_sums(ct_tensor *a, double ord, const int dims[2], bool keepdim) {
    int inner = isinf(ord) ? dims[1] : dims[0], outer = isinf(ord) ? dims[0] : dims[1];
    ct_tensor *sums = ct_norm(a, 1, CT_DIMS(inner), &(ct_reduce_options){.keepdim = true});
    ct_tensor *out = (ord > 0 ? ct_amax : ct_amin)(sums, CT_DIMS(outer), &(ct_reduce_options){.keepdim = true});
    return keepdim ? out : ct_squeeze_dim(out, CT_DIMS(dims[0], dims[1]));
}

static ct_tensor *by_values(ct_tensor *a, double ord, bool nuclear, const int dims[2], bool keepdim) {
    int64_t order[CT_MAX_NDIM];
    int n = 0;
    for (int d = 0; d < ct_ndim(a); d++)
        if (d != dims[0] && d != dims[1]) order[n++] = d;
    order[n] = dims[0], order[n + 1] = dims[1];
    ct_tensor *s = ct_linalg_svdvals(ct_permute(a, order, n + 2));
    ct_tensor *out = nuclear ? ct_sum_dim(s, CT_DIMS(-1), NULL) : (ord > 0 ? ct_amax : ct_amin)(s, CT_DIMS(-1), NULL);
    return restore(out, dims, keepdim);
}

static ct_tensor *matrix_norm(int op, ct_tensor *a, const ct_linalg_norm_options *o, const int dims[2]) {
    double ord = o->ord.has ? o->ord.value : 0, size = fabs(ord);
    bool frobenius = o->name == CT_NORM_FRO || (o->name == CT_NORM_NONE && !o->ord.has), nuclear = o->name == CT_NORM_NUC;
    if (!frobenius && !nuclear && size != 1 && size != 2 && !isinf(ord)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: ord %g is none of 1, -1, 2, -2 and the infinities", ct__fn(op), ord);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    if (o->dtype != CT_DTYPE_NONE && o->dtype != ct_tensor_dtype(a)) a = ct_to(a, o->dtype);
    ct_tensor *out;
    if (frobenius) out = ct_norm(a, 2, CT_DIMS(dims[0], dims[1]), &(ct_reduce_options){.keepdim = o->keepdim});
    else if (nuclear || size == 2) out = by_values(a, ord, nuclear, dims, o->keepdim);
    else out = by_sums(a, ord, dims, o->keepdim);
    return ct_scope_return(scope, out);
}

static ct_status two_dims(int op, const ct_tensor *a, const int64_t *given, int dims[2]) {
    ct__shape_text t;
    if (a->ndim < 2) return ct__fail(CT_ERR_SHAPE, "%s: A %s must have at least 2 dims", ct__fn(op), CT__SIZES(&t, a));
    CT__TRY(ct__wrap_dim(ct__fn(op), given ? given[0] : -2, a->ndim, &dims[0]));
    CT__TRY(ct__wrap_dim(ct__fn(op), given ? given[1] : -1, a->ndim, &dims[1]));
    if (dims[0] == dims[1]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dim %d is given twice", ct__fn(op), dims[0]);
    return CT_OK;
}

static ct_status check_options(int op, const ct_tensor *x, const ct_linalg_norm_options *o) {
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), o));
    CT__TRY(check_norm(op, x, o->dims, o->n_dims, o->dtype));
    if (o->name != CT_NORM_NONE && o->name != CT_NORM_FRO && o->name != CT_NORM_NUC)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown name %d", ct__fn(op), (int)o->name);
    if (o->name != CT_NORM_NONE && o->ord.has) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: both ord and name are given", ct__fn(op));
    return CT_OK;
}

ct_tensor *ct_linalg_matrix_norm(ct_tensor *a, const ct_linalg_norm_options *options) {
    const int op = CT__OP_linalg_matrix_norm;
    static const ct_linalg_norm_options defaults = {0};
    int dims[2];
    if (!ct__enter(op, &a, 1)) return NULL;
    const ct_linalg_norm_options *o = options ? options : &defaults;
    CT__TRY_NULL(check_options(op, a, o));
    if (o->n_dims != 0 && o->n_dims != 2) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d dims are given, a matrix has 2", ct__fn(op), (int)o->n_dims);
        return NULL;
    }
    CT__TRY_NULL(two_dims(op, a, o->n_dims ? o->dims : NULL, dims));
    return matrix_norm(op, a, o, dims);
}

ct_tensor *ct_linalg_norm(ct_tensor *x, const ct_linalg_norm_options *options) {
    const int op = CT__OP_linalg_norm;
    static const ct_linalg_norm_options defaults = {0};
    int dims[2];
    ct__shape_text t;
    if (!ct__enter(op, &x, 1)) return NULL;
    const ct_linalg_norm_options *o = options ? options : &defaults;
    CT__TRY_NULL(check_options(op, x, o));
    bool which = o->ord.has || o->name != CT_NORM_NONE;
    int over = o->n_dims ? o->n_dims : x->ndim;
    if (which && over != 1 && over != 2) {
        ct__fail(CT_ERR_SHAPE, "%s: x %s: an order is for 1 or 2 dims, not %d", ct__fn(op), CT__SIZES(&t, x), over);
        return NULL;
    }
    if (which && (over == 2 || o->name != CT_NORM_NONE)) {
        if (over != 2) {
            ct__fail(CT_ERR_SHAPE, "%s: x %s: the Frobenius and the nuclear norm are for 2 dims, not %d", ct__fn(op), CT__SIZES(&t, x), over);
            return NULL;
        }
        CT__TRY_NULL(two_dims(op, x, o->n_dims ? o->dims : NULL, dims));
        return matrix_norm(op, x, o, dims);
    }
    ct_linalg_vector_norm_options v = {.ord = o->ord, .dims = o->dims, .n_dims = o->n_dims, .keepdim = o->keepdim, .dtype = o->dtype};
    return ct_linalg_vector_norm(x, &v);
}

/* ---- matrix_power ---- */

ct_tensor *ct_linalg_matrix_power(ct_tensor *a, int64_t n) {
    const int op = CT__OP_linalg_matrix_power;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__check_square(op, "A", a));
    ct_scope scope = ct_scope_begin();
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    ct_tensor *power = n < 0 ? ct_linalg_inv(a) : ct_clone(a), *out = NULL;
    if (n == 0) out = ct_where(ct_ones(NULL, 0, CT_BOOL), ct_eye(ct__rows(a), ct__rows(a), ct_tensor_dtype(a)), a); /* recorded, with a gradient of 0 */
    while (left && power) {
        if (left & 1) out = out ? ct_matmul(out, power) : power;
        left >>= 1;
        if (left) power = ct_matmul(power, power);
    }
    return ct_scope_return(scope, out);
}

/* ---- multi_dot: the cheapest parentheses, by dynamic programming over all ranges of factors ---- */

typedef struct chain {
    ct_tensor *const *t;
    int64_t n;
    double *cost;   /* [i][j]: multiplications for factors i to j */
    int32_t *split; /* [i][j]: the last factor of the left half */
} chain;

static double rows_of(const ct_tensor *t, bool first) { return t->ndim == 2 ? (double)t->sizes[0] : first ? 1 : (double)t->sizes[0]; }
static double cols_of(const ct_tensor *t, bool last) { return t->ndim == 2 ? (double)t->sizes[1] : last ? 1 : (double)t->sizes[0]; }

static void plan(chain *c) {
    for (int64_t i = 0; i < c->n; i++) c->cost[i * c->n + i] = 0;
    for (int64_t length = 2; length <= c->n; length++)
        for (int64_t i = 0; i + length <= c->n; i++) {
            int64_t j = i + length - 1;
            double best = INFINITY;
            for (int64_t k = i; k < j; k++) {
                double cost = c->cost[i * c->n + k] + c->cost[(k + 1) * c->n + j] +
                              rows_of(c->t[i], i == 0) * cols_of(c->t[k], false) * cols_of(c->t[j], j == c->n - 1);
                if (cost >= best) continue;
                best = cost;
                c->split[i * c->n + j] = (int32_t)k;
            }
            c->cost[i * c->n + j] = best;
        }
}

static ct_tensor *multiply(const chain *c, int64_t i, int64_t j) { /* at most n deep */
    if (i == j) return ct__widen(c->t[i]); /* half types are rounded once, at the end */
    int64_t k = c->split[i * c->n + j];
    return ct_matmul(multiply(c, i, k), multiply(c, k + 1, j));
}

static ct_status check_chain(ct_tensor *const *t, int64_t n) {
    ct__shape_text a, b;
    for (int64_t i = 0; i < n; i++) {
        bool end = i == 0 || i == n - 1;
        if (t[i]->ndim != 2 && !(end && t[i]->ndim == 1))
            return ct__fail(CT_ERR_SHAPE, "ct_linalg_multi_dot: factor %lld is %s; it must be a matrix%s", (long long)i, CT__SIZES(&a, t[i]), end ? " or a vector" : "");
        if (t[i]->dtype != t[0]->dtype)
            return ct__fail(CT_ERR_DTYPE, "ct_linalg_multi_dot: factor %lld is %s, the first is %s", (long long)i, ct_dtype_name((ct_dtype)t[i]->dtype),
                            ct_dtype_name((ct_dtype)t[0]->dtype));
        if (i > 0 && t[i - 1]->sizes[t[i - 1]->ndim - 1] != t[i]->sizes[0])
            return ct__fail(CT_ERR_SHAPE, "ct_linalg_multi_dot: factors %lld %s and %lld %s cannot be multiplied", (long long)i - 1, CT__SIZES(&a, t[i - 1]),
                            (long long)i, CT__SIZES(&b, t[i]));
    }
    return CT_OK;
}

ct_tensor *ct_linalg_multi_dot(ct_tensor *const *tensors, int64_t n) {
    const int op = CT__OP_linalg_multi_dot;
    CT__TRY_NULL(ct__pending());
    if (!tensors || n < 2 || n > 1024) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: wants 2 to 1024 factors, not %lld", ct__fn(op), (long long)(tensors ? n : 0));
        return NULL;
    }
    if (!ct__enter(op, tensors, (int)n)) return NULL;
    CT__TRY_NULL(check_chain(tensors, n));
    chain c = {.t = tensors, .n = n};
    c.cost = ct__alloc_array((size_t)(n * n), sizeof *c.cost);
    c.split = c.cost ? ct__alloc_array((size_t)(n * n), sizeof *c.split) : NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = NULL;
    if (c.split) {
        plan(&c);
        out = multiply(&c, 0, n - 1);
        if (out && ct__is_half(tensors[0])) out = ct_to(out, (ct_dtype)tensors[0]->dtype);
    }
    ct__free(c.split);
    ct__free(c.cost);
    return ct_scope_return(scope, out);
}
