/*
 * op_part.c: views of a part of x. A part is a place in x's geometry:
 *
 *      select     one index of a dim             x[:, i]
 *      slice      start, length, step of a dim   x[:, a:b:s], also narrow and the pieces of split
 *      diagonal   the diagonal of two dims
 *
 * The gradient is zeros of x's sizes with g written into the same part; that op is a node of its own, whose gradient is again the part.
 *
 * as_strided, whose elements may coincide, is a view by geometry instead.
 */
#include "ops/part.h"

#include "base/vec.h"

#include <ctorch/ops_shape.h>

static ct_tensor *embed(ct_tensor *g, const ct__part *part, const ct__meta *m);

static void part_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { gin[0] = embed(g[0], ct__ctx(n), ct__input_meta(n, 0)); }
static const ct__node_class select_class = {.op = CT__OP_select, .backward = part_backward, .ctx_size = sizeof(ct__part)};
static const ct__node_class narrow_class = {.op = CT__OP_narrow, .backward = part_backward, .ctx_size = sizeof(ct__part)};
static const ct__node_class slice_class = {.op = CT__OP_slice, .backward = part_backward, .ctx_size = sizeof(ct__part)};
static const ct__node_class diagonal_class = {.op = CT__OP_diagonal, .backward = part_backward, .ctx_size = sizeof(ct__part)};

/* The part as a tensor that shares x's storage, without history: a reference of the caller's. */
static ct_tensor *part_of(const ct_tensor *x, const ct__part *p) {
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM], offset = x->offset;
    int n = 0;
    for (int d = 0; d < x->ndim; d++) {
        if (d == p->dim && p->kind == CT__PART_SELECT) continue;
        if (p->kind == CT__PART_DIAGONAL && (d == p->dim || d == p->dim2)) continue;
        sizes[n] = x->sizes[d];
        strides[n++] = x->strides[d];
    }
    if (p->kind == CT__PART_SELECT) {
        offset += p->start * x->strides[p->dim];
    } else if (p->kind == CT__PART_SLICE) {
        offset += p->start * x->strides[p->dim];
        sizes[p->dim] = p->length;
        strides[p->dim] *= p->step;
    } else { /* start < 0: below the main diagonal */
        offset += p->start >= 0 ? p->start * x->strides[p->dim2] : -p->start * x->strides[p->dim];
        if (p->length == 0) offset = x->offset;
        sizes[n] = p->length;
        strides[n++] = x->strides[p->dim] + x->strides[p->dim2];
    }
    return ct__new_view(x, sizes, strides, n, offset);
}

ct_tensor *ct__part_view(int op, ct_tensor *x, const ct__part *part) {
    const ct__node_class *cls = part->kind == CT__PART_SELECT ? &select_class : part->kind == CT__PART_DIAGONAL ? &diagonal_class : op == CT__OP_narrow ? &narrow_class : &slice_class;
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (n) *(ct__part *)ct__ctx(n) = *part;
    return ct__finish_view(n, part_of(x, part), x);
}

/* ---- Zeros with g in the part ---- */

static void embed_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { gin[0] = ct__part_view(CT__OP_slice, g[0], ct__ctx(n)); }
static const ct__node_class embed_class = {.op = -1, .name = "PartBackwardBackward", .backward = embed_backward, .ctx_size = sizeof(ct__part)};

static ct_tensor *embed(ct_tensor *g, const ct__part *part, const ct__meta *m) {
    ct__node *n = ct__node_new(&embed_class, &g, 1, 1);
    if (n) *(ct__part *)ct__ctx(n) = *part;
    ct_tensor *out = ct__new_zeros("backward", m->sizes, m->ndim, (ct_dtype)g->dtype);
    ct_tensor *view = out ? part_of(out, part) : NULL;
    if (view) ct__copy_raw(view, g);
    ct__unref(view);
    return ct__finish(n, out);
}

/* ---- The ops ---- */

/* A dim of a tensor that has dims. */
static ct_status wrap_dim_of(int op, const ct_tensor *x, int64_t dim, int *out) {
    if (x->ndim == 0) return ct__fail(CT_ERR_INDEX, "%s: a 0-dim tensor has no dim to take a part of", ct__fn(op));
    return ct__wrap_dim(ct__fn(op), dim, x->ndim, out);
}

ct_tensor *ct_select(ct_tensor *x, int64_t dim, int64_t index) {
    int d;
    if (!ct__enter(CT__OP_select, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_dim_of(CT__OP_select, x, dim, &d));
    int64_t size = x->sizes[d];
    if (index < -size || index >= size) {
        ct__shape_text a;
        ct__fail(CT_ERR_INDEX, "ct_select: index %lld is out of range for dim %d of %s", (long long)index, d, CT__SIZES(&a, x));
        return NULL;
    }
    ct__part p = {.kind = CT__PART_SELECT, .dim = d, .start = index < 0 ? index + size : index};
    return ct__part_view(CT__OP_select, x, &p);
}

ct_tensor *ct_narrow(ct_tensor *x, int64_t dim, int64_t start, int64_t length) {
    int d;
    if (!ct__enter(CT__OP_narrow, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_dim_of(CT__OP_narrow, x, dim, &d));
    int64_t size = x->sizes[d], first = start < 0 ? start + size : start;
    if (first < 0 || first > size || length < 0 || length > size - first) {
        ct__shape_text a;
        ct__fail(CT_ERR_INDEX, "ct_narrow: start %lld with length %lld does not lie inside of dim %d of %s", (long long)start, (long long)length, d,
                 CT__SIZES(&a, x));
        return NULL;
    }
    ct__part p = {.kind = CT__PART_SLICE, .dim = d, .start = first, .length = length, .step = 1};
    return ct__part_view(CT__OP_narrow, x, &p);
}

/* A bound of a slice: counted from the end if negative, clamped to the size. */
static int64_t bound(int64_t b, int64_t none, int64_t size) {
    if (b == CT_DIM_NONE) return none;
    if (b < 0) b += size;
    return b < 0 ? 0 : b > size ? size : b;
}

ct_tensor *ct_slice(ct_tensor *x, int64_t dim, int64_t start, int64_t end, int64_t step) {
    int d;
    if (!ct__enter(CT__OP_slice, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_dim_of(CT__OP_slice, x, dim, &d));
    if (step < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_slice: step %lld is below 1; ct_flip reverses", (long long)step);
        return NULL;
    }
    int64_t size = x->sizes[d], first = bound(start, 0, size), last = bound(end, size, size);
    ct__part p = {.kind = CT__PART_SLICE, .dim = d, .start = first, .length = last > first ? (last - first - 1) / step + 1 : 0};
    p.step = p.length > 1 ? step : 1; /* a step beyond the size could overflow the stride */
    return ct__part_view(CT__OP_slice, x, &p);
}

ct_tensor *ct_diagonal(ct_tensor *x, int64_t offset, int64_t dim1, int64_t dim2) {
    int d1, d2;
    if (!ct__enter(CT__OP_diagonal, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_dim_of(CT__OP_diagonal, x, dim1, &d1));
    CT__TRY_NULL(wrap_dim_of(CT__OP_diagonal, x, dim2, &d2));
    if (d1 == d2) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_diagonal: dim1 and dim2 are both %d", d1);
        return NULL;
    }
    int64_t rows = x->sizes[d1], columns = x->sizes[d2];
    int64_t length = 0;
    if (offset >= 0 && offset < columns) length = ct__min_i64(rows, columns - offset);
    if (offset < 0 && offset > -rows) length = ct__min_i64(rows + offset, columns);
    ct__part p = {.kind = CT__PART_DIAGONAL, .dim = d1, .dim2 = d2, .start = length ? offset : 0, .length = length};
    return ct__part_view(CT__OP_diagonal, x, &p);
}

/* ---- as_strided ---- */

/* One past the last element that the view reaches, from its offset on; 0 for an empty one; false on overflow. An empty one is measured too: a
 * part of it multiplies by its strides. */
static bool reach(const ct__geometry *g, int64_t *out) {
    int64_t sum = 1;
    bool empty = false;
    for (int i = 0; i < g->ndim; i++) {
        int64_t part;
        empty |= g->sizes[i] == 0;
        if (g->sizes[i] == 0) continue;
        if (!ct__mul_i64(g->sizes[i], g->strides[i], &part) || !ct__add_i64(sum, part - g->strides[i], &sum)) return false;
    }
    *out = empty ? 0 : sum;
    return true;
}

/* The formula is graph's, which makes such views itself: lib/ops/op_graph.c. */
ct_tensor *ct_as_strided(ct_tensor *x, const int64_t *sizes, int ndim, const int64_t *strides, int64_t storage_offset) {
    int64_t numel, last, bytes;
    ct__shape_text a, b;
    if (!ct__enter(CT__OP_as_strided, &x, 1)) return NULL;
    CT__TRY_NULL(ct__numel("ct_as_strided", sizes, ndim, &numel));
    if (storage_offset < 0 || (ndim && !strides)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_as_strided: %s %lld", strides ? "storage_offset" : "strides are NULL, storage_offset", (long long)storage_offset);
        return NULL;
    }
    ct__geometry g = {.offset = storage_offset, .ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        g.sizes[i] = sizes[i];
        g.strides[i] = strides[i];
        if (strides[i] < 0) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_as_strided: stride %lld of dim %d is negative", (long long)strides[i], i);
            return NULL;
        }
    }
    int64_t held = (int64_t)(x->storage->nbytes / ct_dtype_size((ct_dtype)x->dtype));
    if (!reach(&g, &last) || !ct__add_i64(last, storage_offset, &bytes) || (numel && bytes > held)) {
        ct__fail(CT_ERR_INDEX, "ct_as_strided: %s with strides %s from offset %lld on reaches beyond the storage of %lld elements",
                 ct__shape_str(&a, sizes, ndim), ct__shape_str(&b, strides, ndim), (long long)storage_offset, (long long)held);
        return NULL;
    }
    ct__node *n = ct__node_new(&ct__as_strided_class, &x, 1, 1);
    if (n) *(ct__as_strided_ctx *)ct__ctx(n) = (ct__as_strided_ctx){ct__geometry_of(x), g};
    return ct__finish_view(n, ct__new_view(x, g.sizes, g.strides, ndim, storage_offset), x);
}
