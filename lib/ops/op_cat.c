/*
 * op_cat.c: joining (cat, stack) and splitting.
 *
 * Inputs are copied one after the other into their part of the result. The gradient of an input is its part of g; both know the parts from
 * where[]: input i lies at where[i] to where[i + 1] along dim.
 */
#include "ops/part.h"

#include "base/vec.h"
#include "kernels/strided.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>
#include <string.h>

typedef struct join_ctx {
    int64_t *where; /* n_in + 1 */
    int dim;
} join_ctx;

static void join_destroy(void *ctx) { ct__free(((join_ctx *)ctx)->where); }

static void cat_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const join_ctx *c = ct__ctx(n);
    for (int i = 0; i < n->n_in; i++) {
        if (!ct__needs(n, i)) continue;
        const ct__meta *m = ct__input_meta(n, i);
        if (m->ndim != ct_ndim(g[0])) gin[i] = ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0])); /* a skipped [0] */
        else gin[i] = ct_narrow(g[0], c->dim, c->where[i], c->where[i + 1] - c->where[i]);
    }
}
static void stack_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const join_ctx *c = ct__ctx(n);
    for (int i = 0; i < n->n_in; i++)
        if (ct__needs(n, i)) gin[i] = ct_select(g[0], c->dim, i);
}
static const ct__node_class cat_class = {.op = CT__OP_cat, .backward = cat_backward, .ctx_size = sizeof(join_ctx), .ctx_destroy = join_destroy};
static const ct__node_class stack_class = {.op = CT__OP_stack, .backward = stack_backward, .ctx_size = sizeof(join_ctx), .ctx_destroy = join_destroy};

/* PyTorch skips tensors of sizes [0] whatever the others look like: torch.tensor([]) was once the only empty tensor. */
static bool skipped(const ct_tensor *t) { return t->ndim == 1 && t->numel == 0; }

/* ---- The result's sizes ---- */

typedef struct join_plan {
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM];
    int ndim, dim;
    int64_t *where;
} join_plan;

static ct_status plan_cat(ct_tensor *const *t, int64_t n, int64_t dim, join_plan *p) {
    int64_t first = 0;
    ct__shape_text a, b;
    for (int64_t i = 0; i < n; i++)
        if (t[i]->ndim == 0)
            return ct__fail(CT_ERR_SHAPE, "ct_cat: tensor %lld is 0-dim; use ct_stack, or ct_unsqueeze first", (long long)i);
    while (first < n - 1 && skipped(t[first])) first++;
    const ct_tensor *like = t[first];
    CT__TRY(ct__wrap_dim("ct_cat", dim, like->ndim, &p->dim));
    p->ndim = like->ndim;
    memcpy(p->sizes, like->sizes, like->ndim * sizeof *p->sizes);
    p->sizes[p->dim] = 0;
    for (int64_t i = 0; i < n; i++) {
        p->where[i] = p->sizes[p->dim];
        if (skipped(t[i])) continue;
        if (t[i]->ndim != like->ndim)
            return ct__fail(CT_ERR_SHAPE, "ct_cat: tensor %lld has sizes %s, tensor %lld %s: another number of dims", (long long)first,
                            CT__SIZES(&a, like), (long long)i, CT__SIZES(&b, t[i]));
        for (int d = 0; d < like->ndim; d++)
            if (d != p->dim && t[i]->sizes[d] != like->sizes[d])
                return ct__fail(CT_ERR_SHAPE, "ct_cat: %s and %s (tensor %lld) cannot be joined along dim %d: %lld != %lld at dim %d",
                                CT__SIZES(&a, like), CT__SIZES(&b, t[i]), (long long)i, p->dim, (long long)like->sizes[d],
                                (long long)t[i]->sizes[d], d);
        if (!ct__add_i64(p->sizes[p->dim], t[i]->sizes[p->dim], &p->sizes[p->dim]))
            return ct__fail(CT_ERR_SHAPE, "ct_cat: the sizes along dim %d add up to more than 64 bits hold", p->dim);
    }
    p->where[n] = p->sizes[p->dim];
    return CT_OK;
}

static ct_status plan_stack(ct_tensor *const *t, int64_t n, int64_t dim, join_plan *p) {
    ct__shape_text a, b;
    CT__TRY(ct__wrap_dim("ct_stack", dim, t[0]->ndim + 1, &p->dim));
    if (t[0]->ndim == CT_MAX_NDIM) return ct__fail(CT_ERR_SHAPE, "ct_stack: the tensors have %d dims, which is the maximum", CT_MAX_NDIM);
    for (int64_t i = 1; i < n; i++)
        if (!ct__same_sizes(t[0], t[i]))
            return ct__fail(CT_ERR_SHAPE, "ct_stack: tensor 0 has sizes %s, tensor %lld %s", CT__SIZES(&a, t[0]), (long long)i, CT__SIZES(&b, t[i]));
    p->ndim = t[0]->ndim + 1;
    for (int i = 0; i < p->ndim; i++) p->sizes[i] = i == p->dim ? n : t[0]->sizes[i - (i > p->dim)];
    for (int64_t i = 0; i <= n; i++) p->where[i] = i;
    return CT_OK;
}

/* channels_last if every input is; else row-major. */
static void plan_format(ct_tensor *const *t, int64_t n, join_plan *p) {
    bool last = p->ndim == 4;
    for (int64_t i = 0; i < n && last; i++)
        last = skipped(t[i]) || (t[i]->ndim == 4 && !t[i]->contiguous && ct__is_dense(t[i], CT_FORMAT_CHANNELS_LAST));
    ct__row_major_strides(p->sizes, p->ndim, p->strides);
    if (!last) return;
    int64_t nhwc[] = {p->sizes[0], p->sizes[2], p->sizes[3], p->sizes[1]}, strides[4];
    ct__row_major_strides(nhwc, 4, strides);
    memcpy(p->strides, (int64_t[]){strides[0], strides[3], strides[1], strides[2]}, sizeof strides);
}

static void copy_parts(ct_tensor *out, ct_tensor *const *t, int64_t n, const join_plan *p, bool stacked) {
    size_t elem = ct_dtype_size((ct_dtype)out->dtype);
    for (int64_t i = 0; i < n; i++) {
        if (t[i]->numel == 0) continue;
        int64_t strides[CT_MAX_NDIM];
        for (int d = 0; d < t[i]->ndim; d++) strides[d] = out->strides[d + (stacked && d >= p->dim)];
        char *to = ct__ptr(out) + p->where[i] * out->strides[p->dim] * (int64_t)elem;
        ct__copy_strided(elem, t[i]->ndim, t[i]->sizes, to, strides, ct__ptr(t[i]), t[i]->strides);
    }
}

/* All of one dtype. */
static ct_tensor *join(int op, ct_tensor *const *t, int64_t n, int64_t dim) {
    bool stacked = op == CT__OP_stack;
    join_plan p = {.where = ct__alloc_array((size_t)n + 1, sizeof *p.where)};
    ct_tensor *out = NULL;
    ct__node *node = NULL;
    if (!p.where || (stacked ? plan_stack(t, n, dim, &p) : plan_cat(t, n, dim, &p)) != CT_OK) goto done;
    plan_format(t, n, &p);
    node = ct__node_new(stacked ? &stack_class : &cat_class, t, (int)n, 1);
    out = ct__new_strided(ct__fn(op), p.sizes, p.strides, p.ndim, (ct_dtype)t[0]->dtype);
    if (out) copy_parts(out, t, n, &p, stacked);
    if (node) {
        *(join_ctx *)ct__ctx(node) = (join_ctx){p.where, p.dim};
        p.where = NULL;
    }
done:
    ct__free(p.where);
    return ct__finish(node, out);
}

static ct_tensor *join_promoted(int op, ct_tensor *const *t, int64_t n, int64_t dim, ct_dtype dtype) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = NULL, **same = ct__alloc_array((size_t)n, sizeof *same);
    if (same) {
        for (int64_t i = 0; i < n; i++) same[i] = t[i]->dtype == dtype ? t[i] : ct_to(t[i], dtype);
        if (ct_ok()) out = join(op, same, n, dim);
    }
    ct__free(same);
    return ct_scope_return(scope, out);
}

static ct_tensor *join_any(int op, ct_tensor *const *t, int64_t n, int64_t dim) {
    if (ct__pending() != CT_OK) return NULL;
    if (n < 1 || n > INT32_MAX || !t) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a list of %lld tensors at %s; at least one is needed", ct__fn(op), (long long)n, t ? "an address" : "NULL");
        return NULL;
    }
    if (!ct__enter(op, t, (int)n)) return NULL;
    ct_dtype dtype = ct__result_type((const ct_tensor *const *)t, (int)n, 0);
    for (int64_t i = 0; i < n; i++)
        if (t[i]->dtype != dtype) return join_promoted(op, t, n, dim, dtype);
    return join(op, t, n, dim);
}

ct_tensor *ct_cat(ct_tensor *const *tensors, int64_t n, int64_t dim) { return join_any(CT__OP_cat, tensors, n, dim); }
ct_tensor *ct_stack(ct_tensor *const *tensors, int64_t n, int64_t dim) { return join_any(CT__OP_stack, tensors, n, dim); }

/* ---- Splitting ---- */

static ct_status wrap_split_dim(int op, const ct_tensor *x, int64_t dim, int *d) {
    if (x->ndim == 0) return ct__fail(CT_ERR_INDEX, "%s: a 0-dim tensor cannot be split", ct__fn(op));
    return ct__wrap_dim(ct__fn(op), dim, x->ndim, d);
}

/* Ends the scope of the pieces and hands the list on, which holds them. */
static ct_list *return_list(ct_scope scope, ct_list *list) {
    return ct__scope_return_n(scope, (void *[]){list}, 1) ? list : NULL;
}

/* n pieces, of `size` or, where given, sizes[i]; the last is what is left. */
static ct_list *pieces(ct_tensor *x, int dim, int64_t n, int64_t size, const int64_t *sizes) {
    ct_scope scope = ct_scope_begin();
    ct_list *list = ct_list_new();
    ct__part p = {.kind = CT__PART_SLICE, .dim = dim, .step = 1};
    for (int64_t i = 0; i < n && ct_ok(); i++) {
        p.length = sizes ? sizes[i] : ct__min_i64(size, x->sizes[dim] - p.start);
        ct_tensor *piece = ct__mark_piece(ct__part_view(CT__OP_slice, x, &p));
        ct_list_append(list, piece);
        ct_scope_drop(piece);
        p.start += p.length;
    }
    return return_list(scope, list);
}

ct_list *ct_split(ct_tensor *x, int64_t split_size, int64_t dim) {
    int d;
    if (!ct__enter(CT__OP_split, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_split_dim(CT__OP_split, x, dim, &d));
    int64_t size = x->sizes[d];
    if (split_size < 0 || (split_size == 0 && size > 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_split: split_size %lld for size %lld at dim %d", (long long)split_size, (long long)size, d);
        return NULL;
    }
    return pieces(x, d, size ? (size - 1) / split_size + 1 : 1, split_size, NULL);
}

ct_list *ct_split_sizes(ct_tensor *x, const int64_t *sizes, int n, int64_t dim) {
    int d;
    int64_t sum = 0;
    if (!ct__enter(CT__OP_split_sizes, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_split_dim(CT__OP_split_sizes, x, dim, &d));
    bool good = n >= 0 && (sizes || n == 0);
    for (int i = 0; i < n && good; i++) good = sizes[i] >= 0 && ct__add_i64(sum, sizes[i], &sum);
    if (!good || sum != x->sizes[d]) {
        ct__shape_text a;
        ct__fail(CT_ERR_SHAPE, "ct_split_sizes: %s do not add up to size %lld of dim %d", sizes ? ct__shape_str(&a, sizes, n) : "no sizes",
                 (long long)x->sizes[d], d);
        return NULL;
    }
    return pieces(x, d, n, 0, sizes);
}

ct_list *ct_chunk(ct_tensor *x, int64_t chunks, int64_t dim) {
    int d;
    if (!ct__enter(CT__OP_chunk, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_split_dim(CT__OP_chunk, x, dim, &d));
    if (chunks < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_chunk: %lld chunks; at least 1", (long long)chunks);
        return NULL;
    }
    int64_t size = x->sizes[d];
    if (size == 0) return pieces(x, d, chunks, 0, NULL); /* so many empty ones, as PyTorch */
    int64_t piece = (size - 1) / chunks + 1;
    return pieces(x, d, (size - 1) / piece + 1, piece, NULL);
}

ct_list *ct_unbind(ct_tensor *x, int64_t dim) {
    int d;
    if (!ct__enter(CT__OP_unbind, &x, 1)) return NULL;
    CT__TRY_NULL(wrap_split_dim(CT__OP_unbind, x, dim, &d));
    ct_scope scope = ct_scope_begin();
    ct_list *list = ct_list_new();
    for (int64_t i = 0; i < x->sizes[d] && ct_ok(); i++) {
        ct_tensor *piece = ct__mark_piece(ct_select(x, d, i));
        ct_list_append(list, piece);
        ct_scope_drop(piece);
    }
    return return_list(scope, list);
}
