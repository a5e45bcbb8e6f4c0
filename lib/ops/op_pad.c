/*
 * op_pad.c: F.pad.
 *
 * Constant: x copied into a tensor full of the value; the gradient is g padded by the negative, which cuts it out. The other modes read x at other
 * places, dim by dim: an index_select, whose gradient adds up what was read twice.
 */
#include "ops/layout.h"

#include "base/vec.h"
#include "kernels/strided.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>
#include <string.h>

typedef struct padding {
    int n; /* dims padded, from the last one on: before[0] belongs to the last dim */
    int64_t before[CT_MAX_NDIM], after[CT_MAX_NDIM];
} padding;

/* ---- Constant ---- */

static void pad_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const padding *p = ct__ctx(n);
    int64_t pad[2 * CT_MAX_NDIM];
    for (int i = 0; i < p->n; i++) {
        pad[2 * i] = -p->before[i];
        pad[2 * i + 1] = -p->after[i];
    }
    gin[0] = ct_pad(g[0], pad, 2 * p->n, NULL);
}
static const ct__node_class pad_class = {.op = CT__OP_pad, .backward = pad_backward, .ctx_size = sizeof(padding)};

static ct_tensor *filled(const int64_t *sizes, int ndim, double value, ct_dtype dtype) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = ct_keep(ct_full(sizes, ndim, value, dtype));
    ct_scope_end(scope);
    return out;
}

static ct_tensor *pad_constant(ct_tensor *x, const padding *p, double value) {
    int64_t sizes[CT_MAX_NDIM], part[CT_MAX_NDIM], to = 0, from = 0;
    ct__shape_text a;
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    memcpy(part, x->sizes, x->ndim * sizeof *part);
    for (int i = 0; i < p->n; i++) {
        const int d = x->ndim - 1 - i;
        const int64_t b = p->before[i], e = p->after[i], cut = ct__min_i64(b, 0) + ct__min_i64(e, 0);
        part[d] += cut;
        if (b < -sizes[d] || e < -sizes[d] || part[d] < 0 || !ct__add_i64(part[d], ct__max_i64(b, 0), &sizes[d]) ||
            !ct__add_i64(sizes[d], ct__max_i64(e, 0), &sizes[d])) {
            ct__fail(CT_ERR_SHAPE, "ct_pad: %lld and %lld do not fit dim %d of %s", (long long)b, (long long)e, d, CT__SIZES(&a, x));
            return NULL;
        }
    }
    ct_tensor *out = filled(sizes, x->ndim, value, (ct_dtype)x->dtype);
    if (!out) return NULL;
    bool any = true;
    for (int d = 0; d < x->ndim; d++) any &= part[d] > 0;
    for (int i = 0; i < p->n && any; i++) {
        const int d = x->ndim - 1 - i;
        to += ct__max_i64(p->before[i], 0) * out->strides[d];
        from += ct__max_i64(-p->before[i], 0) * x->strides[d];
    }
    const int64_t elem = (int64_t)ct_dtype_size((ct_dtype)x->dtype);
    if (any) ct__copy_strided((size_t)elem, x->ndim, part, ct__ptr(out) + to * elem, out->strides, ct__ptr(x) + from * elem, x->strides);
    ct__node *n = ct__node_new(&pad_class, &x, 1, 1);
    if (n) *(padding *)ct__ctx(n) = *p;
    return ct__finish(n, out);
}

/* ---- Reflect, replicate, circular ---- */

/* Where element i, counted from x's first, comes from. Circular goes around what negative numbers leave: `kept` elements from `first` on. */
static int64_t source(ct_pad_mode mode, int64_t i, int64_t n, int64_t first, int64_t kept) {
    if (mode == CT_PAD_REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
    if (mode == CT_PAD_CIRCULAR) return first + ((i - first) % kept + kept) % kept;
    if (i < 0) i = -i;
    return i >= n ? 2 * (n - 1) - i : i;
}

static ct_status check_border(ct_pad_mode mode, const ct_tensor *x, int d, int64_t before, int64_t after) {
    const int64_t n = x->sizes[d], most = mode == CT_PAD_REFLECT ? n - 1 : n;
    int64_t size;
    ct__shape_text a;
    if (n == 0 && mode != CT_PAD_CIRCULAR)
        return ct__fail(CT_ERR_SHAPE, "ct_pad: dim %d of %s is empty", d, CT__SIZES(&a, x));
    if (mode != CT_PAD_REPLICATE && (before > most || after > most))
        return ct__fail(CT_ERR_SHAPE, "ct_pad: %lld and %lld at dim %d of %s; at most %lld (%s)", (long long)before, (long long)after, d, CT__SIZES(&a, x),
                        (long long)most, mode == CT_PAD_REFLECT ? "reflect" : "circular");
    const bool fits = ct__add_i64(n, before, &size) && ct__add_i64(size, after, &size);
    const int64_t kept = n + ct__min_i64(before, 0) + ct__min_i64(after, 0);
    if (!fits || size < 0 || (mode == CT_PAD_CIRCULAR && (kept < 0 || (kept == 0 && size > 0))) || (size == 0 && mode != CT_PAD_CIRCULAR))
        return ct__fail(CT_ERR_SHAPE, "ct_pad: %lld and %lld leave nothing of dim %d of %s", (long long)before, (long long)after, d, CT__SIZES(&a, x));
    return CT_OK;
}

static ct_tensor *pad_dim(ct_tensor *x, int d, ct_pad_mode mode, int64_t before, int64_t after) {
    const int64_t n = x->sizes[d], size = n + before + after, first = ct__max_i64(-before, 0), kept = n - first - ct__max_i64(-after, 0);
    ct_tensor *index = ct__scope_give(ct__new("ct_pad", &size, 1, CT_I64));
    if (!index) return NULL;
    int64_t *p = (int64_t *)(void *)ct__ptr(index);
    for (int64_t i = 0; i < size; i++) p[i] = source(mode, i - before, n, first, kept);
    return ct_index_select(x, d, index);
}

static ct_tensor *pad_border(ct_tensor *x, const padding *p, ct_pad_mode mode) {
    if (p->n > 3 || (x->ndim != p->n + 1 && x->ndim != p->n + 2)) {
        ct__fail(CT_ERR_SHAPE, "ct_pad: %d numbers for a tensor of %d dims; the modes other than constant pad 1, 2 or 3 dims of tensors with one or two more",
                 2 * p->n, x->ndim);
        return NULL;
    }
    if (x->dtype == CT_BOOL && mode != CT_PAD_CIRCULAR) {
        ct__fail(CT_ERR_DTYPE, "ct_pad: not for bool tensors in this mode");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = x;
    for (int i = 0; i < p->n; i++) check_border(mode, x, x->ndim - 1 - i, p->before[i], p->after[i]);
    if (x->ndim == p->n + 2 && x->sizes[1] == 0 && mode != CT_PAD_CIRCULAR) ct__fail(CT_ERR_SHAPE, "ct_pad: dim 1 is empty");
    for (int i = 0; i < p->n && ct_ok(); i++)
        if (out == x || p->before[i] || p->after[i]) out = pad_dim(out, x->ndim - 1 - i, mode, p->before[i], p->after[i]);
    return ct_scope_return(scope, out);
}

ct_tensor *ct_pad(ct_tensor *x, const int64_t *pad, int n, const ct_pad_options *options) {
    const ct_pad_mode mode = options ? options->mode : CT_PAD_CONSTANT;
    const bool listed = mode == CT_PAD_REPLICATE || (mode == CT_PAD_REFLECT && n <= 4); /* reflection of 3 dims is not */
    ct_scope cast;
    if (listed && ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x}, 1, &cast)) return ct_scope_return(cast, ct_pad(x, pad, n, options));
    if (!ct__enter(CT__OP_pad, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_pad", options));
    const double value = options ? options->value : 0;
    if (n < 0 || n % 2 || n / 2 > x->ndim || (n && !pad)) {
        ct__fail(CT_ERR_SHAPE, "ct_pad: %d numbers%s for a tensor of %d dims; two per dim", n, n > 0 && !pad ? " at NULL" : "", x->ndim);
        return NULL;
    }
    if (mode < CT_PAD_CONSTANT || mode > CT_PAD_CIRCULAR || (mode != CT_PAD_CONSTANT && value != 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_pad: mode %d with value %g%s", (int)mode, value, mode > CT_PAD_CIRCULAR ? "" : "; only constant has a value");
        return NULL;
    }
    padding p = {.n = n / 2};
    for (int i = 0; i < p.n; i++) {
        p.before[i] = pad[2 * i];
        p.after[i] = pad[2 * i + 1];
    }
    return mode == CT_PAD_CONSTANT ? pad_constant(x, &p, value) : pad_border(x, &p, mode);
}
