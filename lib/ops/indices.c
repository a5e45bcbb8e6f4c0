/*
 * indices.c: see indices.h.
 */
#include "ops/indices.h"

#include "base/vec.h"

#include <stdio.h>
#include <string.h>

ct_tensor *ct__indices(const char *function, ct_tensor *index) {
    if (index->dtype == CT_I64) return ct__dense(function, index);
    if (index->dtype != CT_I32) {
        ct__fail(CT_ERR_DTYPE, "%s: indices must be int64 or int32, not %s", function, ct_dtype_name((ct_dtype)index->dtype));
        return NULL;
    }
    ct_tensor *narrow = ct__dense(function, index), *out = NULL;
    if (narrow) out = ct__new(function, index->sizes, index->ndim, CT_I64);
    if (out && out->numel) {
        const int32_t *from = (const int32_t *)(const void *)ct__ptr(narrow);
        int64_t *to = (int64_t *)(void *)ct__ptr(out);
        for (int64_t i = 0; i < out->numel; i++) to[i] = from[i];
    }
    ct__unref(narrow);
    return out;
}

ct_status ct__check_indices(const char *function, const ct_tensor *index, int64_t size, const char *what) {
    const int64_t *v = (const int64_t *)(const void *)ct__ptr(index);
    bool bad = false;
    for (int64_t i = 0; i < index->numel; i++) bad |= (uint64_t)v[i] >= (uint64_t)size; /* negative ones are large */
    if (!bad) return CT_OK;
    int64_t i = 0, place[CT_MAX_NDIM], rest;
    while ((uint64_t)v[i] < (uint64_t)size) i++;
    rest = i;
    for (int d = index->ndim - 1; d >= 0; d--) {
        place[d] = rest % index->sizes[d];
        rest /= index->sizes[d];
    }
    ct__shape_text text;
    return ct__fail(CT_ERR_INDEX, "%s: index %lld at %s is out of range: %s has size %lld", function, (long long)v[i],
                    ct__shape_str(&text, place, index->ndim), what, (long long)size);
}

ct__picks ct__picks_along(const ct_tensor *x, int dim, const ct_tensor *index) {
    ct__picks p = {.n = index->numel, .scale = x->ndim ? x->strides[dim] : 1, .place = (const int64_t *)(const void *)ct__ptr(index)};
    for (int d = 0; d < dim; d++) {
        p.outer_sizes[p.n_outer] = x->sizes[d];
        p.outer_strides[p.n_outer++] = x->strides[d];
    }
    for (int d = dim + 1; d < x->ndim; d++) {
        p.inner_sizes[p.n_inner] = x->sizes[d];
        p.inner_strides[p.n_inner++] = x->strides[d];
    }
    return p;
}
