/*
 * op_arrange.c: copies in another order: flip, roll, repeat, tril, triu.
 */
#include "ops/layout.h"

#include "base/pool.h"
#include "base/vec.h"
#include "kernels/strided.h"

#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <string.h>

static size_t elem_size(const ct_tensor *t) { return ct_dtype_size((ct_dtype)t->dtype); }

/* ---- Flip: a copy that reads backwards; its gradient is flipped back ---- */

typedef struct flip_ctx {
    int64_t dims[CT_MAX_NDIM];
    int n;
} flip_ctx;

static void flip_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const flip_ctx *c = ct__ctx(n);
    gin[0] = ct_flip(g[0], c->dims, c->n);
}
static const ct__node_class flip_class = {.op = CT__OP_flip, .backward = flip_backward, .ctx_size = sizeof(flip_ctx)};

ct_tensor *ct_flip(ct_tensor *x, const int64_t *dims, int n) {
    uint32_t mask;
    if (!ct__enter(CT__OP_flip, &x, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dims("ct_flip", dims, n, x->ndim, &mask));
    if (n == 0) mask = 0;
    ct_tensor *out = ct__new_like("ct_flip", x, (ct_dtype)x->dtype);
    if (!out) return NULL;
    ct__node *node = ct__node_new(&flip_class, &x, 1, 1);
    flip_ctx c = {.n = 0};
    int64_t strides[CT_MAX_NDIM], first = 0;
    for (int d = 0; d < x->ndim; d++) {
        strides[d] = mask >> d & 1 ? -x->strides[d] : x->strides[d];
        if (!(mask >> d & 1)) continue;
        c.dims[c.n++] = d;
        first += (x->sizes[d] - 1) * x->strides[d];
    }
    if (node) *(flip_ctx *)ct__ctx(node) = c;
    if (x->numel) ct__copy_strided(elem_size(x), x->ndim, x->sizes, ct__ptr(out), out->strides, ct__ptr(x) + first * (int64_t)elem_size(x), strides);
    return ct__finish(node, out);
}

/* ---- Roll: each rolled dim falls into two pieces that change places ---- */

typedef struct roll_ctx {
    int64_t shift[CT_MAX_NDIM]; /* per dim, in 0 .. size - 1; of a flattened tensor in shift[0] */
    bool flat;
} roll_ctx;

static ct_tensor *roll(ct_tensor *x, const roll_ctx *c);

static void roll_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    roll_ctx back = *(const roll_ctx *)ct__ctx(n);
    const int64_t *sizes = back.flat ? &g[0]->numel : g[0]->sizes;
    for (int d = 0; d < (back.flat ? 1 : g[0]->ndim); d++) back.shift[d] = back.shift[d] ? sizes[d] - back.shift[d] : 0;
    gin[0] = roll(g[0], &back);
}
static const ct__node_class roll_class = {.op = CT__OP_roll, .backward = roll_backward, .ctx_size = sizeof(roll_ctx)};

typedef struct roll_plan {
    size_t elem;
    int ndim;
    const int64_t *shift, *to, *from;
} roll_plan;

/* Dims below d are whole or already one piece, of these sizes, at dst and src. */
static void roll_pieces(const roll_plan *p, int d, int64_t *sizes, char *dst, const char *src) {
    while (d < p->ndim && p->shift[d] == 0) d++;
    if (d == p->ndim) {
        ct__copy_strided(p->elem, p->ndim, sizes, dst, p->to, src, p->from);
        return;
    }
    int64_t size = sizes[d], s = p->shift[d], elem = (int64_t)p->elem;
    sizes[d] = size - s;
    roll_pieces(p, d + 1, sizes, dst + s * p->to[d] * elem, src);
    sizes[d] = s;
    roll_pieces(p, d + 1, sizes, dst, src + (size - s) * p->from[d] * elem);
    sizes[d] = size;
}

static ct_tensor *roll(ct_tensor *x, const roll_ctx *c) {
    ct_tensor *src = c->flat ? ct__dense("ct_roll", x) : x;
    if (!src) return NULL;
    ct_tensor *out = ct__new("ct_roll", x->sizes, x->ndim, (ct_dtype)x->dtype);
    ct__node *node = ct__node_new(&roll_class, &x, 1, 1);
    if (node) *(roll_ctx *)ct__ctx(node) = *c;
    if (out && x->numel) {
        static const int64_t one[] = {1};
        int64_t sizes[CT_MAX_NDIM];
        memcpy(sizes, c->flat ? &x->numel : x->sizes, (size_t)(c->flat ? 1 : x->ndim) * sizeof *sizes);
        roll_plan p = {elem_size(x), c->flat ? 1 : x->ndim, c->shift, c->flat ? one : out->strides, c->flat ? one : x->strides};
        roll_pieces(&p, 0, sizes, ct__ptr(out), ct__ptr(src));
    }
    if (c->flat) ct__unref(src);
    return ct__finish(node, out);
}

static int64_t modulo(int64_t a, int64_t n) { return n ? (a % n + n) % n : 0; }

ct_tensor *ct_roll(ct_tensor *x, const int64_t *shifts, int n, const int64_t *dims) {
    if (!ct__enter(CT__OP_roll, &x, 1)) return NULL;
    if (n < 1 || !shifts || (!dims && n != 1)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_roll: %d shifts%s; one per dim, or one without dims", n, !shifts ? " at NULL" : dims ? "" : " without dims");
        return NULL;
    }
    roll_ctx c = {.flat = !dims};
    if (!dims) c.shift[0] = modulo(shifts[0], x->numel);
    for (int i = 0; i < n && dims; i++) {
        int d;
        if (x->ndim == 0) ct__fail(CT_ERR_INDEX, "ct_roll: dim %lld of a 0-dim tensor", (long long)dims[i]);
        CT__TRY_NULL(ct__pending());
        CT__TRY_NULL(ct__wrap_dim("ct_roll", dims[i], x->ndim, &d));
        c.shift[d] = modulo(c.shift[d] + modulo(shifts[i], x->sizes[d]), x->sizes[d]); /* a dim named twice rolls twice */
    }
    return roll(x, &c);
}

/* ---- Repeat: the gradient is the sum over all repetitions ---- */

typedef struct repeat_ctx {
    int64_t repeats[CT_MAX_NDIM];
} repeat_ctx;

/* One dim at a time, as [outer, repeats, size, inner], so that the number of dims never matters. */
static void repeat_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const repeat_ctx *c = ct__ctx(n);
    const ct__meta *m = ct__input_meta(n, 0);
    ct_tensor *sum = g[0];
    int ndim = ct_ndim(g[0]);
    int64_t outer = 1;
    for (int d = 0; d < ndim; d++) {
        int own = d - (ndim - m->ndim);
        int64_t size = own < 0 ? 1 : m->sizes[own], inner = 1;
        for (int i = d + 1; i < ndim; i++) inner *= ct_size(g[0], i);
        if (c->repeats[d] != 1) sum = ct_sum_dim(ct_reshape(sum, (const int64_t[]){outer, c->repeats[d], size, inner}, 4), (const int64_t[]){1}, 1, NULL);
        outer *= size;
    }
    gin[0] = ct_reshape(sum, m->sizes, m->ndim);
}
static const ct__node_class repeat_class = {.op = CT__OP_repeat, .backward = repeat_backward, .ctx_size = sizeof(repeat_ctx)};

ct_tensor *ct_repeat(ct_tensor *x, const int64_t *repeats, int n) {
    int64_t sizes[CT_MAX_NDIM], pairs[2 * CT_MAX_NDIM], to[2 * CT_MAX_NDIM], from[2 * CT_MAX_NDIM];
    if (!ct__enter(CT__OP_repeat, &x, 1)) return NULL;
    if (n < x->ndim || n > CT_MAX_NDIM || (n && !repeats)) {
        ct__fail(CT_ERR_SHAPE, "ct_repeat: %d repeats for a tensor of %d dims; as many or more, at most %d", n, x->ndim, CT_MAX_NDIM);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        int d = i - (n - x->ndim);
        if (repeats[i] < 0 || !ct__mul_i64(repeats[i], d < 0 ? 1 : x->sizes[d], &sizes[i])) {
            ct__fail(CT_ERR_SHAPE, "ct_repeat: %lld times at dim %d", (long long)repeats[i], i);
            return NULL;
        }
    }
    ct_tensor *out = ct__new("ct_repeat", sizes, n, (ct_dtype)x->dtype);
    if (!out) return NULL;
    ct__node *node = ct__node_new(&repeat_class, &x, 1, 1);
    if (node && n) memcpy(((repeat_ctx *)ct__ctx(node))->repeats, repeats, (size_t)n * sizeof *repeats);
    for (int i = 0; i < n; i++) { /* every dim as (repeat, index) */
        int d = i - (n - x->ndim);
        pairs[2 * i] = repeats[i];
        pairs[2 * i + 1] = d < 0 ? 1 : x->sizes[d];
        to[2 * i + 1] = out->strides[i];
        to[2 * i] = pairs[2 * i + 1] * out->strides[i];
        from[2 * i + 1] = d < 0 ? 0 : x->strides[d];
        from[2 * i] = 0;
    }
    if (out->numel) ct__copy_strided(elem_size(x), 2 * n, pairs, ct__ptr(out), to, ct__ptr(x), from);
    return ct__finish(node, out);
}

/* ---- Triangles ---- */

typedef struct tri_ctx {
    int64_t diagonal;
} tri_ctx;

static void tril_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { gin[0] = ct_tril(g[0], ((tri_ctx *)ct__ctx(n))->diagonal); }
static void triu_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { gin[0] = ct_triu(g[0], ((tri_ctx *)ct__ctx(n))->diagonal); }
static const ct__node_class tril_class = {.op = CT__OP_tril, .backward = tril_backward, .ctx_size = sizeof(tri_ctx)};
static const ct__node_class triu_class = {.op = CT__OP_triu, .backward = triu_backward, .ctx_size = sizeof(tri_ctx)};

typedef struct tri_plan {
    char *dst;
    const char *src;
    size_t elem;
    int64_t rows, cols, diagonal;
    bool upper;
} tri_plan;

static void tri_rows(int64_t begin, int64_t end, void *arg) {
    const tri_plan *p = arg;
    size_t width = (size_t)p->cols * p->elem;
    for (int64_t row = begin; row < end; row++) {
        int64_t edge = row % p->rows + p->diagonal + !p->upper; /* the first column of the upper part */
        size_t at = (size_t)ct__max_i64(0, ct__min_i64(edge, p->cols)) * p->elem;
        char *dst = p->dst + (size_t)row * width;
        const char *src = p->src + (size_t)row * width;
        if (p->upper) {
            memset(dst, 0, at);
            memcpy(dst + at, src + at, width - at);
        } else {
            memcpy(dst, src, at);
            memset(dst + at, 0, width - at);
        }
    }
}

static ct_tensor *triangle(const ct__node_class *cls, ct_tensor *x, int64_t diagonal) {
    const char *function = ct__fn(cls->op);
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    if (x->ndim < 2) {
        ct__shape_text a;
        ct__fail(CT_ERR_SHAPE, "%s: %s has fewer than 2 dims", function, CT__SIZES(&a, x));
        return NULL;
    }
    ct_tensor *src = ct__dense(function, x);
    if (!src) return NULL;
    ct_tensor *out = ct__new(function, x->sizes, x->ndim, (ct_dtype)x->dtype);
    ct__node *node = ct__node_new(cls, &x, 1, 1);
    if (node) *(tri_ctx *)ct__ctx(node) = (tri_ctx){diagonal};
    if (out && out->numel) {
        int64_t rows = x->sizes[x->ndim - 2], cols = x->sizes[x->ndim - 1];
        tri_plan p = {ct__ptr(out), ct__ptr(src), elem_size(x), rows, cols, ct__max_i64(-rows - 1, ct__min_i64(diagonal, cols + 1)), cls == &triu_class};
        ct__parallel_for(x->numel / cols, ct__max_i64(1, 32768 / cols), tri_rows, &p);
    }
    ct__unref(src);
    return ct__finish(node, out);
}
ct_tensor *ct_tril(ct_tensor *x, int64_t diagonal) { return triangle(&tril_class, x, diagonal); }
ct_tensor *ct_triu(ct_tensor *x, int64_t diagonal) { return triangle(&triu_class, x, diagonal); }
