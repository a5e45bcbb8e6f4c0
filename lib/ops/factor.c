/*
 * factor.c: see factor.h.
 */
#include "ops/factor.h"

#include "base/vec.h"

#include <ctorch/ops_shape.h>
#include <stdio.h>
#include <string.h>

ct_status ct__check_matrices(int op, const char *what, const ct_tensor *a) {
    ct__shape_text t;
    if (a->dtype != CT_F32 && a->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s; it must be float32 or float64", ct__fn(op), what, ct_dtype_name((ct_dtype)a->dtype));
    if (a->ndim < 2) return ct__fail(CT_ERR_SHAPE, "%s: %s %s must have at least 2 dims", ct__fn(op), what, CT__SIZES(&t, a));
    return CT_OK;
}

ct_status ct__check_square(int op, const char *what, const ct_tensor *a) {
    ct__shape_text t;
    CT__TRY(ct__check_matrices(op, what, a));
    if (ct__rows(a) != ct__cols(a))
        return ct__fail(CT_ERR_SHAPE, "%s: %s %s must be a square matrix or a batch of them", ct__fn(op), what, CT__SIZES(&t, a));
    return CT_OK;
}

int64_t ct__batch_count(const ct_tensor *a) {
    int64_t count = 1;
    for (int d = 0; d < a->ndim - 2; d++) count *= a->sizes[d]; /* no overflow unless a size is 0, and then it is not used */
    return count;
}

ct_tensor *ct__new_batch(const char *function, const int64_t *batch, int n_batch, int64_t rows, int64_t cols, ct_dtype dtype) {
    int64_t sizes[CT_MAX_NDIM + 2];
    int n = n_batch;
    if (n_batch) memcpy(sizes, batch, (size_t)n_batch * sizeof *sizes);
    if (rows >= 0) sizes[n++] = rows;
    if (cols >= 0) sizes[n++] = cols;
    return ct__new(function, sizes, n, dtype);
}

ct_tensor *ct__matrix_copy_to(const char *function, const ct_tensor *a, bool transposed, const int64_t *batch, int n_batch) {
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM];
    int skipped = a->ndim - 2 > n_batch ? a->ndim - 2 - n_batch : 0, n = a->ndim - skipped; /* of size 1, where one matrix serves all */
    memcpy(sizes, a->sizes + skipped, (size_t)n * sizeof *sizes);
    memcpy(strides, a->strides + skipped, (size_t)n * sizeof *strides);
    if (transposed) {
        sizes[n - 2] = ct__cols(a), sizes[n - 1] = ct__rows(a);
        strides[n - 2] = a->strides[a->ndim - 1], strides[n - 1] = a->strides[a->ndim - 2];
    }
    ct_tensor *view = ct__new_view(a, sizes, strides, n, a->offset);
    ct_tensor *out = view ? ct__new_batch(function, batch, n_batch, sizes[n - 2], sizes[n - 1], (ct_dtype)a->dtype) : NULL;
    if (out && out->numel && ct__fill_broadcast(function, "A", out, view) != CT_OK) {
        ct__unref(out);
        out = NULL;
    }
    ct__unref(view);
    return out;
}

ct_tensor *ct__matrix_copy(const char *function, const ct_tensor *a, bool transposed) {
    return ct__matrix_copy_to(function, a, transposed, a->sizes, a->ndim - 2);
}

ct_status ct__broadcast_batches(int op, const ct_tensor *a, int a_batch, const ct_tensor *b, int b_batch, int64_t *batch, int *n_batch) {
    *n_batch = a_batch > b_batch ? a_batch : b_batch;
    for (int d = 0; d < *n_batch; d++) {
        int da = d - (*n_batch - a_batch), db = d - (*n_batch - b_batch);
        int64_t x = da < 0 ? 1 : a->sizes[da], y = db < 0 ? 1 : b->sizes[db];
        if (x != y && x != 1 && y != 1) {
            ct__shape_text ta, tb;
            return ct__fail(CT_ERR_SHAPE, "%s: the batch dims of %s and %s do not broadcast: %lld != %lld at dim %d", ct__fn(op), CT__SIZES(&ta, a),
                            CT__SIZES(&tb, b), (long long)x, (long long)y, d);
        }
        batch[d] = x == 1 ? y : x;
    }
    return CT_OK;
}

ct_status ct__factorize(int op, ct__lapack *l, ct__outcome *out) {
    size_t bytes;
    *out = (ct__outcome){.item = -1};
    if (l->batch == 0) return CT_OK;
    if (!ct__lapack_scratch(l, &bytes))
        return ct__fail(CT_ERR_UNSUPPORTED, "%s: matrices of %lld x %lld are more than LAPACK counts", ct__fn(op), (long long)l->m, (long long)l->n);
    void *scratch = ct__alloc(bytes);
    int32_t *own = NULL;
    if (scratch && !l->info) l->info = own = ct__alloc_array((size_t)l->batch, sizeof *own);
    if (scratch && l->info) {
        ct__lapack_run(l, scratch);
        for (int64_t i = 0; i < l->batch && out->item < 0; i++)
            if (l->info[i] != 0) *out = (ct__outcome){i, l->info[i]};
    }
    ct__free(own);
    ct__free(scratch);
    if (out->info == CT__LAPACK_NOT_FINITE) {
        if (l->batch > 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch element %lld has elements that are not finite", ct__fn(op), (long long)out->item);
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the input has elements that are not finite", ct__fn(op));
    }
    if (out->info < 0)
        return ct__fail(CT_ERR_INTERNAL, "%s: LAPACK refuses argument %d", ct__fn(op), -(int)out->info);
    return ct__pending();
}

const char *ct__item_str(ct__item_text *buffer, const ct_tensor *a, int64_t item) {
    if (a->ndim > 2) snprintf(buffer->s, sizeof buffer->s, "batch element %lld: ", (long long)item);
    else buffer->s[0] = 0;
    return buffer->s;
}

ct_tensor *ct__mt(ct_tensor *a) { return ct_transpose(a, -2, -1); }

ct_status ct__lu_factor(int op, const ct_tensor *a, const int64_t *batch, int n_batch, bool transposed, ct__lu *out) {
    int64_t m = transposed ? ct__rows(a) : ct__cols(a), n = transposed ? ct__cols(a) : ct__rows(a), k = ct__min_i64(m, n);
    *out = (ct__lu){.outcome = {.item = -1}};
    out->lu = ct__matrix_copy_to(ct__fn(op), a, transposed, batch, n_batch);
    if (out->lu) out->pivots = ct__new_batch(ct__fn(op), batch, n_batch, k, -1, CT_I32);
    if (!out->pivots) return ct__pending();
    if (k == 0) return CT_OK;
    ct__lapack l = {.routine = CT__LAPACK_LU, .dtype = (ct_dtype)a->dtype, .m = m, .n = n, .batch = ct__batch_count(out->lu)};
    l.a = ct__ptr(out->lu), l.a_step = m * n;
    l.ints = (int32_t *)(void *)ct__ptr(out->pivots), l.ints_step = k;
    return ct__factorize(op, &l, &out->outcome);
}
