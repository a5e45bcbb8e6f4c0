/*
 * op_repeat.c: forms of repeating and turning that are made of other ops: tile, repeat_interleave, rot90.
 */
#include "ops/indices.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>
#include <string.h>

ct_tensor *ct_tile(ct_tensor *x, const int64_t *repeats, int n) {
    int64_t all[CT_MAX_NDIM];
    if (!ct__enter(CT__OP_tile, &x, 1)) return NULL;
    if (n < 0 || n > CT_MAX_NDIM || (n && !repeats)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_tile: %d repeats%s; at most %d", n, n > 0 && !repeats ? " at NULL" : "", CT_MAX_NDIM);
        return NULL;
    }
    const int lead = x->ndim > n ? x->ndim - n : 0;
    for (int d = 0; d < lead; d++) all[d] = 1;
    if (n) memcpy(all + lead, repeats, (size_t)n * sizeof *all);
    return ct_repeat(x, all, lead + n);
}

/* ---- repeat_interleave: slices at 0 0 1 2 2 2 ... ---- */

/* How often: one number for all slices, or times[i]. */
typedef struct amounts {
    int64_t same;
    const int64_t *times; /* or NULL */
} amounts;

/* The index of slices, int64 [sum of amounts]; scope-held. */
static ct_tensor *slices(const char *function, int64_t size, const amounts *a) {
    int64_t total = 0, at = 0;
    for (int64_t i = 0; i < size; i++) {
        int64_t k = a->times ? a->times[i] : a->same;
        if (k < 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: repeats %lld is negative", function, (long long)k);
        else if (!ct__add_i64(total, k, &total)) ct__fail(CT_ERR_SHAPE, "%s: more slices than int64 can count", function);
        CT__TRY_NULL(ct__pending());
    }
    ct_tensor *index = ct__scope_give(ct__new(function, &total, 1, CT_I64));
    if (!index) return NULL;
    int64_t *p = (int64_t *)(void *)ct__ptr(index);
    for (int64_t i = 0; i < size; i++)
        for (int64_t k = a->times ? a->times[i] : a->same; k > 0; k--) p[at++] = i;
    return index;
}

static ct_tensor *interleave(int op, ct_tensor *x, int d, const amounts *a, const ct_repeat_interleave_options *o) {
    const char *function = ct__fn(op);
    ct_tensor *index = slices(function, x->sizes[d], a);
    if (index && o && o->output_size.has && o->output_size.value != index->numel) {
        ct__fail(CT_ERR_SHAPE, "%s: output_size is %lld, but the repeats add up to %lld", function, (long long)o->output_size.value, (long long)index->numel);
        return NULL;
    }
    return ct_index_select(x, d, index);
}

/* Prologue: *x flattened if there is no dim. */
static bool enter(int op, ct_tensor **x, int64_t dim, const ct_repeat_interleave_options *o, int *d) {
    if (CT__CHECK_OPTIONS(ct__fn(op), o) != CT_OK) return false;
    *d = 0;
    if (dim != CT_DIM_NONE && (*x)->ndim == 0) ct__fail(CT_ERR_INDEX, "%s: dim %lld of a 0-dim tensor", ct__fn(op), (long long)dim);
    else if (dim != CT_DIM_NONE) ct__wrap_dim(ct__fn(op), dim, (*x)->ndim, d);
    else *x = ct_reshape(*x, (const int64_t[]){-1}, 1);
    return ct__pending() == CT_OK;
}

static ct_tensor *by_tensor(ct_tensor *x, ct_tensor *repeats, int d, const ct_repeat_interleave_options *options) {
    static const char function[] = "ct_repeat_interleave";
    if (repeats->ndim > 1 || (repeats->numel != 1 && repeats->numel != x->sizes[d])) {
        ct__shape_text a;
        ct__fail(CT_ERR_SHAPE, "%s: repeats %s for %lld slices", function, CT__SIZES(&a, repeats), (long long)x->sizes[d]);
        return NULL;
    }
    ct_tensor *times = ct__indices(function, repeats), *out = NULL;
    if (times) {
        const int64_t *t = (const int64_t *)(const void *)ct__ptr(times);
        amounts a = {times->numel == 1 ? t[0] : 0, times->numel == 1 ? NULL : t};
        out = interleave(CT__OP_repeat_interleave, x, d, &a, options);
    }
    ct__unref(times);
    return out;
}

ct_tensor *ct_repeat_interleave(ct_tensor *x, ct_tensor *repeats, int64_t dim, const ct_repeat_interleave_options *options) {
    int d;
    if (!ct__enter(CT__OP_repeat_interleave, (ct_tensor *[]){x, repeats}, 2)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, enter(CT__OP_repeat_interleave, &x, dim, options, &d) ? by_tensor(x, repeats, d, options) : NULL);
}

ct_tensor *ct_repeat_interleave_int(ct_tensor *x, int64_t repeats, int64_t dim, const ct_repeat_interleave_options *options) {
    const int op = CT__OP_repeat_interleave_int;
    int d;
    if (!ct__enter(op, &x, 1)) return NULL;
    if (repeats < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_repeat_interleave_int: repeats %lld is negative", (long long)repeats);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, enter(op, &x, dim, options, &d) ? interleave(op, x, d, &(amounts){repeats, NULL}, options) : NULL);
}

/* ---- rot90: a quarter turn is a flip and a transposition ---- */

ct_tensor *ct_rot90(ct_tensor *x, int64_t k, int64_t dim0, int64_t dim1) {
    int d0, d1;
    if (!ct__enter(CT__OP_rot90, &x, 1)) return NULL;
    if (x->ndim < 2) {
        ct__fail(CT_ERR_SHAPE, "ct_rot90: a tensor of %d dims has no plane to turn", x->ndim);
        return NULL;
    }
    CT__TRY_NULL(ct__wrap_dim("ct_rot90", dim0, x->ndim, &d0));
    CT__TRY_NULL(ct__wrap_dim("ct_rot90", dim1, x->ndim, &d1));
    if (d0 == d1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_rot90: dim0 and dim1 are both %d", d0);
        return NULL;
    }
    const int64_t both[] = {d0, d1};
    ct_scope scope = ct_scope_begin();
    switch ((k % 4 + 4) % 4) {
    case 1: return ct_scope_return(scope, ct_transpose(ct_flip(x, both + 1, 1), d0, d1));
    case 2: return ct_scope_return(scope, ct_flip(x, both, 2));
    case 3: return ct_scope_return(scope, ct_transpose(ct_flip(x, both, 1), d0, d1));
    default: return ct_scope_return(scope, ct_clone(x));
    }
}
