/*
 * op_searchsorted.c: binary search in sorted rows: searchsorted, bucketize. Elements are compared as float64 or int64, which hold every value of the other
 * types.
 */
#include "ops/wide.h"

#include "base/pool.h"
#include "base/vec.h"
#include "ops/elementwise.h"
#include "ops/indices.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>

typedef struct search {
    bool real, right;
    int64_t n;        /* length of a row */
    int64_t per_row;  /* values that are looked up in one row; 0: there is one row */
    const void *rows; /* double or int64_t [.., n] */
    const void *values;
    const int64_t *sorter; /* as rows, or NULL */
    int64_t *out;
} search;

/* Is the element in front of where v goes? Written so that NaN values go to the end. */
CT__INLINE bool in_front(const search *s, bool real, int64_t e, int64_t v) {
    if (real) {
        const double a = ((const double *)s->rows)[e], b = ((const double *)s->values)[v];
        return s->right ? !(a > b) : !(a >= b);
    }
    const int64_t a = ((const int64_t *)s->rows)[e], b = ((const int64_t *)s->values)[v];
    return s->right ? a <= b : a < b;
}

/* PyTorch's steps: with NaN among the elements the result depends on them. Both bounds move without a branch on the data. */
CT__INLINE int64_t find(const search *s, bool real, bool mapped, int64_t row, int64_t v) {
    int64_t low = 0, high = s->n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const bool front = in_front(s, real, row + (mapped ? s->sorter[row + middle] : middle), v);
        low = front ? middle + 1 : low;
        high = front ? high : middle;
    }
    return low;
}

static void run(int64_t begin, int64_t end, void *arg) {
    const search *s = arg;
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = s->per_row ? i / s->per_row * s->n : 0;
        if (s->sorter) s->out[i] = find(s, s->real, true, row, i);
        else if (s->real) s->out[i] = find(s, true, false, row, i);
        else s->out[i] = find(s, false, false, row, i);
    }
}

/* ---- Checks ---- */

static ct_status check_sequence(const char *fn, const ct_tensor *rows, const ct_tensor *values, const ct_searchsorted_options *o) {
    ct__shape_text a, b;
    if (rows->dtype != values->dtype || rows->dtype == CT_BOOL)
        return ct__fail(CT_ERR_DTYPE, "%s: the sorted sequence is %s, values are %s; both must be the same, and not bool", fn,
                        ct_dtype_name((ct_dtype)rows->dtype), ct_dtype_name((ct_dtype)values->dtype));
    bool fits = rows->ndim > 0 && (rows->ndim == 1 || rows->ndim == values->ndim);
    for (int d = 0; d < rows->ndim - 1 && fits; d++) fits = rows->sizes[d] == values->sizes[d];
    if (!fits)
        return ct__fail(CT_ERR_SHAPE, "%s: the sorted sequence %s must have one dim, or the sizes of values %s but for the last one", fn, CT__SIZES(&a, rows),
                        CT__SIZES(&b, values));
    if (o && (o->side < CT_SIDE_DEFAULT || o->side > CT_SIDE_RIGHT || (o->side == CT_SIDE_LEFT && o->right)))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: side %d with right %d", fn, (int)o->side, (int)o->right);
    if (o && o->out_int32 && rows->sizes[rows->ndim - 1] > INT32_MAX)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: out_int32 for %lld elements", fn, (long long)rows->sizes[rows->ndim - 1]);
    if (o && o->sorter && (o->sorter->dtype != CT_I64 || !ct__same_sizes(o->sorter, rows)))
        return ct__fail(CT_ERR_SHAPE, "%s: sorter is %s %s; it must be int64 %s", fn, ct_dtype_name((ct_dtype)o->sorter->dtype), CT__SIZES(&a, o->sorter),
                        CT__SIZES(&b, rows));
    return CT_OK;
}

static ct_tensor *searchsorted(int op, ct_tensor *rows, ct_tensor *values, const ct_searchsorted_options *o) {
    const char *fn = ct__fn(op);
    CT__TRY_NULL(check_sequence(fn, rows, values, o));
    const bool real = ct__is_float(rows);
    const int64_t n = rows->sizes[rows->ndim - 1];
    ct_tensor *r = ct__wide(fn, rows, real ? CT_F64 : CT_I64), *v = r ? ct__wide(fn, values, real ? CT_F64 : CT_I64) : NULL, *sorter = NULL, *out = NULL;
    if (v && o && o->sorter && (sorter = ct__indices(fn, o->sorter))) ct__check_indices(fn, sorter, n, "the sorted sequence");
    if (v && ct__pending() == CT_OK) out = ct__new(fn, values->sizes, values->ndim, CT_I64);
    if (out && out->numel) {
        search s = {real, o && (o->right || o->side == CT_SIDE_RIGHT), n, rows->ndim == 1 ? 0 : values->sizes[values->ndim - 1], ct__ptr(r), ct__ptr(v),
                    sorter ? (const int64_t *)(const void *)ct__ptr(sorter) : NULL, (int64_t *)(void *)ct__ptr(out)};
        ct__parallel_for(out->numel, 1024, run, &s);
    }
    ct__unref(r);
    ct__unref(v);
    ct__unref(sorter);
    return ct__finish(NULL, ct__narrowed(fn, out, o && o->out_int32 ? CT_I32 : CT_I64));
}

/* ---- The ops ---- */

ct_tensor *ct_searchsorted(ct_tensor *sorted_sequence, ct_tensor *values, const ct_searchsorted_options *options) {
    if (!ct__enter(CT__OP_searchsorted, (ct_tensor *[]){sorted_sequence, values}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_searchsorted", options));
    return searchsorted(CT__OP_searchsorted, sorted_sequence, values, options);
}

ct_tensor *ct_searchsorted_scalar(ct_tensor *sorted_sequence, double value, const ct_searchsorted_options *options) {
    if (!ct__enter(CT__OP_searchsorted_scalar, &sorted_sequence, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_searchsorted_scalar", options));
    ct_scope scope = ct_scope_begin();
    ct_tensor *v = ct_full(NULL, 0, value, (ct_dtype)sorted_sequence->dtype);
    return ct_scope_return(scope, v ? searchsorted(CT__OP_searchsorted_scalar, sorted_sequence, v, options) : NULL);
}

ct_tensor *ct_bucketize(ct_tensor *x, ct_tensor *boundaries, const ct_bucketize_options *options) {
    if (!ct__enter(CT__OP_bucketize, (ct_tensor *[]){x, boundaries}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_bucketize", options));
    if (boundaries->ndim != 1) {
        ct__fail(CT_ERR_SHAPE, "ct_bucketize: boundaries have %d dims, not one", boundaries->ndim);
        return NULL;
    }
    ct_searchsorted_options o = {.right = options && options->right, .out_int32 = options && options->out_int32};
    return searchsorted(CT__OP_bucketize, boundaries, x, &o);
}
