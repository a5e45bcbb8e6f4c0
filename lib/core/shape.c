/*
 * shape.c: sizes, strides, dims, broadcasting, overlap.
 */
#include "core/tensor_impl.h"

#include "base/vec.h"

#include <string.h>

void ct__row_major_strides(const int64_t *sizes, int ndim, int64_t *strides) {
    int64_t step = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = step;
        step *= sizes[i] > 1 ? sizes[i] : 1; /* as PyTorch: a dimension of size 0 counts as 1 */
    }
}

/* Dense in the given order of dims, last varying fastest; dimensions of size 1 may have any stride. */
static bool dense_in_order(const ct_tensor *t, const int *order) {
    int64_t step = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        int d = order ? order[i] : i;
        if (t->sizes[d] == 1) continue;
        if (t->strides[d] != step) return false;
        step *= t->sizes[d];
    }
    return true;
}

bool ct__is_dense(const ct_tensor *t, ct_memory_format format) {
    static const int nhwc[] = {0, 2, 3, 1};
    if (format == CT_FORMAT_CHANNELS_LAST) return t->ndim == 4 && (t->numel == 0 || dense_in_order(t, nhwc));
    return t->numel == 0 || dense_in_order(t, NULL);
}

/* Dims from the slowest to the fastest: by stride, stable; for dims of equal stride the original order. */
static void order_by_stride(const ct_tensor *t, int *order) {
    for (int i = 0; i < t->ndim; i++) {
        int j = i;
        for (; j > 0 && t->strides[order[j - 1]] < t->strides[i]; j--) order[j] = order[j - 1];
        order[j] = i;
    }
}

bool ct__is_non_overlapping_and_dense(const ct_tensor *t) {
    if (t->contiguous) return true;
    int order[CT_MAX_NDIM];
    order_by_stride(t, order);
    return dense_in_order(t, order);
}

/* PyTorch's order of iteration, innermost first: by rising stride; dims of stride 0 (ct_expand) keep their place among the others. */
static void order_of_iteration(const ct_tensor *t, int *order) {
    const int64_t *size = t->sizes, *stride = t->strides;
    for (int i = 0; i < t->ndim; i++) order[i] = t->ndim - 1 - i;
    for (int i = 1; i < t->ndim; i++)
        for (int outer = i, inner = i - 1; inner >= 0; inner--) {
            int a = order[inner], b = order[outer];
            if (stride[a] == 0 || stride[b] == 0 || (stride[a] == stride[b] && size[a] <= size[b])) continue;
            if (stride[a] < stride[b]) break;
            order[inner] = b;
            order[outer] = a;
            outer = inner;
        }
}

void ct__preserved_strides(const ct_tensor *t, int64_t *strides) {
    if (ct__is_non_overlapping_and_dense(t)) {
        memcpy(strides, t->strides, t->ndim * sizeof *strides);
        return;
    }
    int order[CT_MAX_NDIM];
    int64_t step = 1;
    order_of_iteration(t, order);
    for (int i = 0; i < t->ndim; i++) {
        strides[order[i]] = step;
        step *= t->sizes[order[i]] > 1 ? t->sizes[order[i]] : 1;
    }
}

bool ct__has_internal_overlap(const ct_tensor *t) {
    if (t->contiguous || t->numel == 0) return false;
    for (int i = 0; i < t->ndim; i++)
        if (t->sizes[i] > 1 && t->strides[i] == 0) return true;
    return false;
}

bool ct__overlap(const ct_tensor *a, const ct_tensor *b) {
    if (a == b || a->storage != b->storage || a->numel == 0 || b->numel == 0) return false;
    if (!ct__is_non_overlapping_and_dense(a) || !ct__is_non_overlapping_and_dense(b)) return false; /* too hard to tell cheaply, as in PyTorch */
    const char *pa = ct__ptr(a), *pb = ct__ptr(b);
    const char *ea = pa + (size_t)a->numel * ct_dtype_size((ct_dtype)a->dtype);
    const char *eb = pb + (size_t)b->numel * ct_dtype_size((ct_dtype)b->dtype);
    if (pa == pb && ea == eb) return a->ndim != b->ndim || memcmp(a->strides, b->strides, a->ndim * sizeof *a->strides) != 0;
    return pa < eb && pb < ea;
}

ct_status ct__wrap_dim(const char *function, int64_t dim, int ndim, int *out) {
    int64_t n = ndim ? ndim : 1;
    if (dim < -n || dim >= n)
        return ct__fail(CT_ERR_INDEX, "%s: dim %lld is out of range: %d dimension%s allow %lld to %lld", function, (long long)dim, ndim,
                        ndim == 1 ? "" : "s", (long long)-n, (long long)(n - 1));
    *out = (int)(dim < 0 ? dim + n : dim);
    return CT_OK;
}

ct_status ct__wrap_dims(const char *function, const int64_t *dims, int n, int ndim, uint32_t *mask) {
    uint32_t m = 0;
    if (n < 0 || (n > 0 && !dims)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a list of %d dims at %s", function, n, dims ? "an address" : "NULL");
    for (int i = 0; i < n; i++) {
        int d = 0;
        CT__TRY(ct__wrap_dim(function, dims[i], ndim, &d));
        if (m & (1u << d)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dim %d appears twice in the list of dims", function, d);
        m |= 1u << d;
    }
    *mask = n ? m : (1u << ndim) - 1;
    return CT_OK;
}

ct_status ct__broadcast(const char *function, const int64_t *a, int na, const int64_t *b, int nb, int64_t *out, int *nout) {
    int n = na > nb ? na : nb;
    int64_t result[CT_MAX_NDIM];
    for (int i = 0; i < n; i++) { /* i counts from the last dimension */
        int64_t x = i < na ? a[na - 1 - i] : 1, y = i < nb ? b[nb - 1 - i] : 1;
        if (x != y && x != 1 && y != 1) {
            ct__shape_text ta, tb;
            return ct__fail(CT_ERR_SHAPE, "%s: %s and %s cannot be broadcast: %lld != %lld at dim %d", function, ct__shape_str(&ta, a, na),
                            ct__shape_str(&tb, b, nb), (long long)x, (long long)y, n - 1 - i);
        }
        result[n - 1 - i] = x == 1 ? y : x;
    }
    memcpy(out, result, (size_t)n * sizeof *out);
    *nout = n;
    return CT_OK;
}

ct_status ct__numel(const char *function, const int64_t *sizes, int ndim, int64_t *numel) {
    int64_t n = 1;
    if (ndim < 0 || ndim > CT_MAX_NDIM)
        return ct__fail(CT_ERR_SHAPE, "%s: %d dimensions; a tensor has 0 to %d", function, ndim, CT_MAX_NDIM);
    if (ndim && !sizes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sizes is NULL for %d dimensions", function, ndim);
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (sizes[i] < 0) return ct__fail(CT_ERR_SHAPE, "%s: size %lld of dim %d is negative", function, (long long)sizes[i], i);
        empty |= sizes[i] == 0;
    }
    for (int i = 0; i < ndim; i++) {
        if (sizes[i] > 0 && !ct__mul_i64(n, sizes[i], &n)) { /* an empty tensor's strides must fit too */
            ct__shape_text text;
            return ct__fail(CT_ERR_SHAPE, "%s: %s has more elements than 64 bits count", function, ct__shape_str(&text, sizes, ndim));
        }
    }
    *numel = empty ? 0 : n;
    return CT_OK;
}

bool ct__same_sizes(const ct_tensor *a, const ct_tensor *b) {
    return a->ndim == b->ndim && memcmp(a->sizes, b->sizes, a->ndim * sizeof *a->sizes) == 0;
}
