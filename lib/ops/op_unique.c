/*
 * op_unique.c: what is different among elements, or slices along a dim.
 *
 * x as rows [n, width], width 1 for elements. An order sorts them (unique), or they stay as they lie (unique_consecutive); runs of equal
 * rows in that order are the results, each represented by its first row.
 */
#include "ops/wide.h"

#include "kernels/runs.h"

#include "base/vec.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static int64_t *data(ct_tensor *t) { return (int64_t *)(void *)ct__ptr(t); }
static ct_tensor *new_i64(const char *function, int64_t n) { return ct__scope_give(ct__new(function, &n, 1, CT_I64)); }

/* The rows of x, in a type that can be compared: a reference of the caller's. */
static ct_tensor *rows_of(const char *function, ct_tensor *x, int64_t dim, int64_t n) {
    int64_t sizes[] = {n, n ? x->numel / n : 0};
    ct_tensor *rows = dim == CT_DIM_NONE ? ct_reshape(x, &n, 1) : ct_reshape(ct_movedim(x, dim, 0), sizes, 2);
    return rows ? ct__wide(function, rows, ct__order_dtype((ct_dtype)x->dtype)) : NULL;
}

static ct_tensor *order_of(const char *function, ct_tensor *rows, int64_t n, int64_t width) {
    if (rows->ndim == 1) return ct_argsort(rows, 0, NULL);
    ct_tensor *order = new_i64(function, n), *scratch = new_i64(function, n);
    if (order && scratch) ct__sort_rows((ct_dtype)rows->dtype, n, width, ct__ptr(rows), data(order), data(scratch));
    return scratch ? order : NULL;
}

typedef struct results {
    ct_tensor *first, *inverse, *counts;
} results;

static results find(const char *function, ct_tensor *rows, int64_t n, int64_t width, ct_tensor *order) {
    ct_tensor *run = new_i64(function, n), *first = new_i64(function, n);
    results r = {.inverse = new_i64(function, n)};
    if (!run || !first || !r.inverse) return r;
    int64_t k = ct__runs((ct_dtype)rows->dtype, n, width, ct__ptr(rows), order ? data(order) : NULL, data(run), data(first));
    r.first = ct_narrow(first, 0, 0, k);
    r.counts = ct_zeros(&k, 1, CT_I64);
    if (!r.counts) return r;
    for (int64_t i = 0; i < n; i++) {
        data(r.inverse)[order ? data(order)[i] : i] = data(run)[i];
        data(r.counts)[data(run)[i]]++;
    }
    return r;
}

static ct_tensor *unique(int op, ct_tensor *x, int64_t dim, bool sorted, ct_tensor **inverse, ct_tensor **counts) {
    const char *function = ct__fn(op);
    ct_scope scope = ct_no_grad_begin();
    const int64_t n = dim == CT_DIM_NONE ? x->numel : x->sizes[dim];
    ct_tensor *out = NULL, *rows = rows_of(function, x, dim, n);
    results r = {NULL, NULL, NULL};
    if (rows) {
        const int64_t width = rows->ndim == 1 ? 1 : rows->sizes[1];
        ct_tensor *order = sorted ? order_of(function, rows, n, width) : NULL;
        if (ct_ok()) r = find(function, rows, n, width, order);
    }
    ct__unref(rows);
    if (r.counts) out = ct_index_select(dim == CT_DIM_NONE ? ct_reshape(x, &n, 1) : x, dim == CT_DIM_NONE ? 0 : dim, r.first);
    if (r.inverse && dim == CT_DIM_NONE) r.inverse = ct_reshape(r.inverse, x->sizes, x->ndim);
    if (!ct__scope_return_n(scope, (void *[]){out, inverse ? r.inverse : NULL, counts ? r.counts : NULL}, 3)) return NULL;
    if (inverse) *inverse = r.inverse;
    if (counts) *counts = r.counts;
    return out;
}

/* The prologue: dim is wrapped. */
static bool enter(int op, ct_tensor *x, int64_t *dim, ct_tensor **inverse, ct_tensor **counts) {
    int d;
    if (inverse) *inverse = NULL;
    if (counts) *counts = NULL;
    if (!ct__enter(op, &x, 1)) return false;
    if (*dim == CT_DIM_NONE) return true;
    if (x->ndim == 0) ct__fail(CT_ERR_INDEX, "%s: dim %lld of a 0-dim tensor", ct__fn(op), (long long)*dim);
    else if (ct__wrap_dim(ct__fn(op), *dim, x->ndim, &d) == CT_OK) *dim = d;
    if (ct__pending() != CT_OK) return false;
    if (x->numel == 0 && x->sizes[*dim] > 0) {
        ct__shape_text a;
        ct__fail(CT_ERR_SHAPE, "%s: the slices of %s along dim %lld are empty", ct__fn(op), CT__SIZES(&a, x), (long long)*dim);
        return false;
    }
    return true;
}

ct_tensor *ct_unique(ct_tensor *x, int64_t dim, const ct_unique_options *options, ct_tensor **inverse, ct_tensor **counts) {
    if (!enter(CT__OP_unique, x, &dim, inverse, counts)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_unique", options));
    return unique(CT__OP_unique, x, dim, true, inverse, counts);
}

ct_tensor *ct_unique_consecutive(ct_tensor *x, int64_t dim, ct_tensor **inverse, ct_tensor **counts) {
    if (!enter(CT__OP_unique_consecutive, x, &dim, inverse, counts)) return NULL;
    return unique(CT__OP_unique_consecutive, x, dim, false, inverse, counts);
}
