/*
 * packed.c: bringing tensors into memory that flat kernels can walk.
 */
#include "ops/packed.h"

#include "graph/owned.h"
#include "ops/layout.h"

bool ct__same_order(const ct_tensor *a, const ct_tensor *b) {
    for (int d = 0; d < a->ndim; d++)
        if (a->sizes[d] > 1 && a->strides[d] != b->strides[d]) return false;
    return true;
}

bool ct__is_packed(const ct_tensor *t) {
    if (t->contiguous) return true;
    int64_t strides[CT_MAX_NDIM]; /* what a packed tensor keeps, any other does not */
    ct__preserved_strides(t, strides);
    for (int d = 0; d < t->ndim; d++)
        if (t->sizes[d] > 1 && t->strides[d] != strides[d]) return false;
    return true;
}

/* t, or its elements in the order of a new tensor like `like`. */
static ct_tensor *ordered(const char *function, bool as_it_is, const ct_tensor *like, ct_tensor *t) {
    if (as_it_is) {
        ct__ref(t);
        return t;
    }
    ct_tensor *copy = ct__new_like(function, like, (ct_dtype)t->dtype);
    if (copy) ct__copy_raw(copy, t);
    return copy;
}

ct_tensor *ct__packed(const char *function, ct_tensor *t) { return t ? ordered(function, ct__is_packed(t), t, t) : NULL; }

ct_tensor *ct__packed_as(const char *function, const ct_tensor *like, ct_tensor *t) {
    return t && like ? ordered(function, ct__same_order(like, t), like, t) : NULL;
}

ct_tensor *ct__packed_gradient(const char *function, const ct_tensor *like, ct_tensor *g, ct_tensor **out) {
    const bool over = g && ct__owned(g);
    ct_tensor *gd = ct__packed_as(function, like, g);
    *out = gd && !(over && gd == g) ? ct__new_like(function, like, (ct_dtype)like->dtype) : gd;
    if (*out && *out == gd) ct__ref(gd);
    if (gd && !*out) {
        ct__unref(gd);
        gd = NULL;
    }
    return gd;
}
