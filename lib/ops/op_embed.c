/*
 * op_embed.c: a tensor placed inside another: diagonals, and copies with a part replaced.
 */
#include "ops/layout.h"

#include "base/vec.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

/* ---- diag_embed: the gradient is g's diagonal ---- */

typedef struct diagonal_ctx {
    int64_t offset, dim1, dim2;
} diagonal_ctx;

static void diag_embed_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const diagonal_ctx *c = ct__ctx(n);
    gin[0] = ct_diagonal(g[0], c->offset, c->dim1, c->dim2);
}
static const ct__node_class diag_embed_class = {.op = CT__OP_diag_embed, .backward = diag_embed_backward, .ctx_size = sizeof(diagonal_ctx)};

static ct_tensor *embedded(ct_tensor *x, const int64_t *sizes, const diagonal_ctx *c) {
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *out = ct_zeros(sizes, x->ndim + 1, (ct_dtype)x->dtype);
    ct_copy_(ct_diagonal(out, c->offset, c->dim1, c->dim2), x);
    out = ct_ok() ? ct_keep(out) : NULL;
    ct_scope_end(scope);
    return out;
}

ct_tensor *ct_diag_embed(ct_tensor *x, int64_t offset, int64_t dim1, int64_t dim2) {
    static const char function[] = "ct_diag_embed";
    int d1, d2;
    int64_t sizes[CT_MAX_NDIM], length;
    if (!ct__enter(CT__OP_diag_embed, &x, 1)) return NULL;
    if (x->ndim == 0 || x->ndim == CT_MAX_NDIM) {
        ct__fail(x->ndim ? CT_ERR_SHAPE : CT_ERR_INDEX, "%s: a tensor of %d dims; 1 to %d", function, x->ndim, CT_MAX_NDIM - 1);
        return NULL;
    }
    CT__TRY_NULL(ct__wrap_dim(function, dim1, x->ndim + 1, &d1));
    CT__TRY_NULL(ct__wrap_dim(function, dim2, x->ndim + 1, &d2));
    if (d1 == d2 || offset == INT64_MIN || !ct__add_i64(x->sizes[x->ndim - 1], offset < 0 ? -offset : offset, &length)) {
        if (d1 == d2) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dim1 and dim2 are both %d", function, d1);
        else ct__fail(CT_ERR_SHAPE, "%s: offset %lld is too large", function, (long long)offset);
        return NULL;
    }
    for (int i = 0, d = 0; i <= x->ndim; i++) sizes[i] = i == d1 || i == d2 ? length : x->sizes[d++];
    diagonal_ctx c = {offset, d1, d2};
    ct_tensor *out = embedded(x, sizes, &c);
    ct__node *n = ct__node_new(&diag_embed_class, &x, 1, 1);
    if (n) *(diagonal_ctx *)ct__ctx(n) = c;
    return ct__finish(n, out);
}

ct_tensor *ct_diag(ct_tensor *x, int64_t diagonal) {
    if (!ct__enter(CT__OP_diag, &x, 1)) return NULL;
    if (x->ndim == 1) return ct_diag_embed(x, diagonal, 0, 1);
    if (x->ndim != 2) {
        ct__fail(CT_ERR_SHAPE, "ct_diag: a tensor of %d dims; a vector or a matrix", x->ndim);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_clone(ct_diagonal(x, diagonal, 0, 1)));
}

/* ---- A part replaced: a copy changed through a view of the part, which makes the gradients, too ---- */

/* Ends the scope. */
static ct_tensor *replaced(int op, ct_scope scope, ct_tensor *out, ct_tensor *part, ct_tensor *src) {
    ct__shape_text a, b;
    if (part && !ct__same_sizes(part, src))
        ct__fail(CT_ERR_SHAPE, "%s: src %s must have the sizes of the part, %s", ct__fn(op), CT__SIZES(&a, src), CT__SIZES(&b, part));
    ct_copy_(part, src);
    return ct_scope_return(scope, ct_ok() ? out : NULL);
}

ct_tensor *ct_select_scatter(ct_tensor *x, ct_tensor *src, int64_t dim, int64_t index) {
    if (!ct__enter(CT__OP_select_scatter, (ct_tensor *[]){x, src}, 2)) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = ct_clone(x);
    return replaced(CT__OP_select_scatter, scope, out, ct_select(out, dim, index), src);
}
ct_tensor *ct_slice_scatter(ct_tensor *x, ct_tensor *src, int64_t dim, int64_t start, int64_t end, int64_t step) {
    if (!ct__enter(CT__OP_slice_scatter, (ct_tensor *[]){x, src}, 2)) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = ct_clone(x);
    return replaced(CT__OP_slice_scatter, scope, out, ct_slice(out, dim, start, end, step), src);
}
ct_tensor *ct_diagonal_scatter(ct_tensor *x, ct_tensor *src, int64_t offset, int64_t dim1, int64_t dim2) {
    if (!ct__enter(CT__OP_diagonal_scatter, (ct_tensor *[]){x, src}, 2)) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = ct_clone(x);
    return replaced(CT__OP_diagonal_scatter, scope, out, ct_diagonal(out, offset, dim1, dim2), src);
}
