/*
 * op_view.c: views with all of x's elements: other sizes, other order, repeated without a copy.
 */
#include "ops/layout.h"

#include "base/vec.h"

#include <ctorch/ops_shape.h>
#include <string.h>

/* The end of every view: shares x's storage and remembers x for changes in place. */
static ct_tensor *make_view(ct__node *n, ct_tensor *x, const int64_t *sizes, const int64_t *strides, int ndim) {
    return ct__finish_view(n, ct__new_view(x, sizes, strides, ndim, x->offset), x);
}

/* ---- Other sizes: the gradient gets the sizes of x back ---- */

static void reshape_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    gin[0] = ct_reshape(g[0], m->sizes, m->ndim);
}
static const ct__node_class view_class = {.op = CT__OP_view, .backward = reshape_backward};
static const ct__node_class reshape_class = {.op = CT__OP_reshape, .backward = reshape_backward};
static const ct__node_class flatten_class = {.op = CT__OP_flatten, .backward = reshape_backward};
static const ct__node_class unflatten_class = {.op = CT__OP_unflatten, .backward = reshape_backward};
static const ct__node_class squeeze_class = {.op = CT__OP_squeeze, .backward = reshape_backward};
static const ct__node_class squeeze_dim_class = {.op = CT__OP_squeeze_dim, .backward = reshape_backward};
static const ct__node_class unsqueeze_class = {.op = CT__OP_unsqueeze, .backward = reshape_backward};

ct_tensor *ct_view(ct_tensor *x, const int64_t *sizes, int ndim) {
    int64_t to[CT_MAX_NDIM], strides[CT_MAX_NDIM];
    if (!ct__enter(CT__OP_view, &x, 1)) return NULL;
    CT__TRY_NULL(ct__infer_sizes("ct_view", sizes, ndim, x->numel, to));
    if (!ct__view_strides(x, to, ndim, strides)) {
        ct__shape_text a, b, c;
        ct__fail(CT_ERR_SHAPE, "ct_view: %s with strides %s cannot be seen as %s without a copy; use ct_reshape", CT__SIZES(&a, x),
                 ct__shape_str(&b, x->strides, x->ndim), ct__shape_str(&c, to, ndim));
        return NULL;
    }
    return make_view(ct__node_new(&view_class, &x, 1, 1), x, to, strides, ndim);
}

/* A view where strides allow it, a row-major copy where not. to multiplies up to x's elements. */
static ct_tensor *reshape(const ct__node_class *cls, ct_tensor *x, const int64_t *to, int ndim) {
    int64_t strides[CT_MAX_NDIM];
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (ct__view_strides(x, to, ndim, strides)) return make_view(n, x, to, strides, ndim);
    ct_tensor *out = NULL, *flat = ct__dense(ct__fn(cls->op), x);
    if (flat) {
        ct__row_major_strides(to, ndim, strides);
        out = ct__new_view(flat, to, strides, ndim, 0);
    }
    ct__unref(flat);
    return ct__finish(n, out);
}

ct_tensor *ct_reshape(ct_tensor *x, const int64_t *sizes, int ndim) {
    int64_t to[CT_MAX_NDIM];
    if (!ct__enter(CT__OP_reshape, &x, 1)) return NULL;
    CT__TRY_NULL(ct__infer_sizes("ct_reshape", sizes, ndim, x->numel, to));
    return reshape(&reshape_class, x, to, ndim);
}

ct_tensor *ct_flatten(ct_tensor *x, int64_t start_dim, int64_t end_dim) {
    int64_t to[CT_MAX_NDIM];
    int start, end, n = 0;
    if (!ct__enter(CT__OP_flatten, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim("ct_flatten", start_dim, x->ndim, &start));
    CT__TRY_NULL(ct__wrap_dim("ct_flatten", end_dim, x->ndim, &end));
    if (start > end) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_flatten: start_dim %d comes after end_dim %d", start, end);
        return NULL;
    }
    for (int d = 0; d < start; d++) to[n++] = x->sizes[d];
    to[n] = 1;
    for (int d = start; d <= end && d < x->ndim; d++) to[n] *= x->sizes[d];
    n++;
    for (int d = end + 1; d < x->ndim; d++) to[n++] = x->sizes[d];
    return reshape(&flatten_class, x, to, n);
}

ct_tensor *ct_unflatten(ct_tensor *x, int64_t dim, const int64_t *sizes, int n) {
    int64_t to[2 * CT_MAX_NDIM];
    int d;
    if (!ct__enter(CT__OP_unflatten, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim("ct_unflatten", dim, x->ndim, &d));
    if (x->ndim == 0 || n < 1 || x->ndim - 1 + n > CT_MAX_NDIM) {
        ct__fail(CT_ERR_SHAPE, "ct_unflatten: %d sizes for one of %d dims; at least 1, at most %d dims in all", n, x->ndim, CT_MAX_NDIM);
        return NULL;
    }
    CT__TRY_NULL(ct__infer_sizes("ct_unflatten", sizes, n, x->sizes[d], to + d));
    memcpy(to, x->sizes, (size_t)d * sizeof *to);
    memcpy(to + d + n, x->sizes + d + 1, (size_t)(x->ndim - d - 1) * sizeof *to);
    return reshape(&unflatten_class, x, to, x->ndim - 1 + n);
}

/* Without the dims of size 1 in the mask. */
static ct_tensor *squeeze(const ct__node_class *cls, ct_tensor *x, uint32_t mask) {
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM];
    int n = 0;
    for (int d = 0; d < x->ndim; d++) {
        if ((mask >> d & 1) && x->sizes[d] == 1) continue;
        sizes[n] = x->sizes[d];
        strides[n++] = x->strides[d];
    }
    return make_view(ct__node_new(cls, &x, 1, 1), x, sizes, strides, n);
}

ct_tensor *ct_squeeze(ct_tensor *x) { return ct__enter(CT__OP_squeeze, &x, 1) ? squeeze(&squeeze_class, x, ~0u) : NULL; }

ct_tensor *ct_squeeze_dim(ct_tensor *x, const int64_t *dims, int n) {
    uint32_t mask;
    if (!ct__enter(CT__OP_squeeze_dim, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dims("ct_squeeze_dim", dims, n, x->ndim, &mask));
    return squeeze(&squeeze_dim_class, x, n ? mask : 0);
}

ct_tensor *ct_unsqueeze(ct_tensor *x, int64_t dim) {
    int64_t sizes[CT_MAX_NDIM + 1], strides[CT_MAX_NDIM + 1];
    int at;
    if (!ct__enter(CT__OP_unsqueeze, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim("ct_unsqueeze", dim, x->ndim + 1, &at));
    if (x->ndim == CT_MAX_NDIM) {
        ct__fail(CT_ERR_SHAPE, "ct_unsqueeze: the tensor has %d dims, which is the maximum", CT_MAX_NDIM);
        return NULL;
    }
    for (int d = 0, n = 0; n <= x->ndim; n++) {
        sizes[n] = n == at ? 1 : x->sizes[d];
        strides[n] = n == at ? (d < x->ndim ? x->sizes[d] * x->strides[d] : 1) : x->strides[d];
        d += n != at;
    }
    return make_view(ct__node_new(&unsqueeze_class, &x, 1, 1), x, sizes, strides, x->ndim + 1);
}

/* ---- Other order: the gradient is put back in x's ---- */

typedef struct permute_ctx {
    int64_t inverse[CT_MAX_NDIM];
    int n;
} permute_ctx;

static void permute_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const permute_ctx *c = ct__ctx(n);
    gin[0] = ct_permute(g[0], c->inverse, c->n);
}
static const ct__node_class permute_class = {.op = CT__OP_permute, .backward = permute_backward, .ctx_size = sizeof(permute_ctx)};
static const ct__node_class transpose_class = {.op = CT__OP_transpose, .backward = permute_backward, .ctx_size = sizeof(permute_ctx)};
static const ct__node_class t_class = {.op = CT__OP_t, .backward = permute_backward, .ctx_size = sizeof(permute_ctx)};
static const ct__node_class movedim_class = {.op = CT__OP_movedim, .backward = permute_backward, .ctx_size = sizeof(permute_ctx)};

/* order: a permutation of x's dims. */
static ct_tensor *permute(const ct__node_class *cls, ct_tensor *x, const int *order) {
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM];
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    for (int i = 0; i < x->ndim; i++) {
        sizes[i] = x->sizes[order[i]];
        strides[i] = x->strides[order[i]];
    }
    if (n) {
        permute_ctx *c = ct__ctx(n);
        c->n = x->ndim;
        for (int i = 0; i < x->ndim; i++) c->inverse[order[i]] = i;
    }
    return make_view(n, x, sizes, strides, x->ndim);
}

static ct_tensor *transpose(const ct__node_class *cls, ct_tensor *x, int d0, int d1) {
    int order[CT_MAX_NDIM + 1];
    for (int i = 0; i <= x->ndim; i++) order[i] = i; /* one more, so that dim 0 of a 0-dim tensor is there */
    order[d0] = d1;
    order[d1] = d0;
    return permute(cls, x, order);
}

ct_tensor *ct_permute(ct_tensor *x, const int64_t *dims, int n) {
    int order[CT_MAX_NDIM];
    uint32_t mask;
    if (!ct__enter(CT__OP_permute, &x, 1)) return NULL;
    if (n != x->ndim) {
        ct__fail(CT_ERR_SHAPE, "ct_permute: %d dims in the list for a tensor of %d", n, x->ndim);
        return NULL;
    }
    CT__TRY_NULL(ct__wrap_dims("ct_permute", dims, n, x->ndim, &mask)); /* none twice */
    for (int i = 0; i < n; i++) order[i] = (int)(dims[i] < 0 ? dims[i] + n : dims[i]);
    return permute(&permute_class, x, order);
}

ct_tensor *ct_transpose(ct_tensor *x, int64_t dim0, int64_t dim1) {
    int d0, d1;
    if (!ct__enter(CT__OP_transpose, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim("ct_transpose", dim0, x->ndim, &d0));
    CT__TRY_NULL(ct__wrap_dim("ct_transpose", dim1, x->ndim, &d1));
    return transpose(&transpose_class, x, d0, d1);
}

ct_tensor *ct_t(ct_tensor *x) {
    if (!ct__enter(CT__OP_t, &x, 1)) return NULL;
    if (x->ndim > 2) {
        ct__shape_text a;
        ct__fail(CT_ERR_SHAPE, "ct_t: %s has %d dims, more than 2; use ct_transpose", CT__SIZES(&a, x), x->ndim);
        return NULL;
    }
    return transpose(&t_class, x, 0, x->ndim == 2 ? 1 : 0);
}

ct_tensor *ct_movedim(ct_tensor *x, int64_t source, int64_t destination) {
    int order[CT_MAX_NDIM + 1], from, to;
    if (!ct__enter(CT__OP_movedim, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim("ct_movedim", source, x->ndim, &from));
    CT__TRY_NULL(ct__wrap_dim("ct_movedim", destination, x->ndim, &to));
    for (int i = 0, d = 0; i < x->ndim; i++) {
        if (i == to) {
            order[i] = from;
            continue;
        }
        if (d == from) d++;
        order[i] = d++;
    }
    return permute(&movedim_class, x, order);
}

static const ct__node_class movedim_intlist_class = {.op = CT__OP_movedim_intlist, .backward = permute_backward, .ctx_size = sizeof(permute_ctx)};

ct_tensor *ct_movedim_intlist(ct_tensor *x, const int64_t *source, const int64_t *destination, int n) {
    static const char function[] = "ct_movedim_intlist";
    int order[CT_MAX_NDIM + 1], from, to, next = 0;
    uint32_t taken, filled;
    if (!ct__enter(CT__OP_movedim_intlist, &x, 1)) return NULL;
    if (n < 0 || (n && (!source || !destination))) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d dims%s", function, n, n > 0 ? ", a list at NULL" : "");
        return NULL;
    }
    CT__TRY_NULL(ct__wrap_dims(function, source, n, x->ndim, &taken)); /* none twice */
    CT__TRY_NULL(ct__wrap_dims(function, destination, n, x->ndim, &filled));
    if (n == 0) taken = filled = 0;
    for (int i = 0; i < n; i++) {
        CT__TRY_NULL(ct__wrap_dim(function, source[i], x->ndim, &from));
        CT__TRY_NULL(ct__wrap_dim(function, destination[i], x->ndim, &to));
        order[to] = from;
    }
    for (int i = 0; i < x->ndim; i++) {
        if (filled >> i & 1) continue;
        while (taken >> next & 1) next++;
        order[i] = next++;
    }
    return permute(&movedim_intlist_class, x, order);
}

/* ---- Expand: gradients of all repetitions are added ---- */

static void expand_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    gin[0] = ct__sum_to(g[0], m->sizes, m->ndim);
}
static const ct__node_class expand_class = {.op = CT__OP_expand, .backward = expand_backward};

ct_tensor *ct_expand(ct_tensor *x, const int64_t *sizes, int ndim) {
    int64_t to[CT_MAX_NDIM], strides[CT_MAX_NDIM], numel;
    ct__shape_text a, b;
    if (!ct__enter(CT__OP_expand, &x, 1)) return NULL;
    if (ndim < x->ndim || ndim > CT_MAX_NDIM || (ndim && !sizes)) {
        ct__fail(CT_ERR_SHAPE, "ct_expand: %d sizes for a tensor of %d dims; as many or more, at most %d", ndim, x->ndim, CT_MAX_NDIM);
        return NULL;
    }
    for (int i = 0; i < ndim; i++) {
        int d = i - (ndim - x->ndim); /* dim of x; below 0 in front of it */
        int64_t have = d < 0 ? 1 : x->sizes[d];
        to[i] = sizes[i] == -1 && d >= 0 ? have : sizes[i];
        if (to[i] < 0 || (have != 1 && to[i] != have)) {
            if (to[i] == -1)
                ct__fail(CT_ERR_SHAPE, "ct_expand: %s has no size that -1 at dim %d of %s could keep", CT__SIZES(&a, x), i,
                         ct__shape_str(&b, sizes, ndim));
            else
                ct__fail(CT_ERR_SHAPE, "ct_expand: %s cannot be expanded to %s: %lld != %lld at dim %d", CT__SIZES(&a, x),
                         ct__shape_str(&b, sizes, ndim), (long long)have, (long long)to[i], i);
            return NULL;
        }
        strides[i] = d < 0 || (have == 1 && to[i] != 1) ? 0 : x->strides[d];
    }
    CT__TRY_NULL(ct__numel("ct_expand", to, ndim, &numel));
    return make_view(ct__node_new(&expand_class, &x, 1, 1), x, to, strides, ndim);
}
