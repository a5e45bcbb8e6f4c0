/*
 * op_sort.c: sort and topk, argsort and msort. The gradient of the values goes back to where they came from: scatter of g to the indices.
 */
#include "ops/wide.h"

#include "base/vec.h"
#include "kernels/order.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <string.h>

typedef struct order_ctx {
    int dim;
} order_ctx;

static void order_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, 0);
    if (!g[0]) return;
    ct_tensor *zeros = ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0]));
    gin[0] = ct_scatter(zeros, ((order_ctx *)ct__ctx(n))->dim, ct__saved(n, 0), g[0]);
}
static const ct__node_class sort_class = {.op = CT__OP_sort, .backward = order_backward, .n_saved = 1, .ctx_size = sizeof(order_ctx)};
static const ct__node_class topk_class = {.op = CT__OP_topk, .backward = order_backward, .n_saved = 1, .ctx_size = sizeof(order_ctx)};

static void describe(ct__order *o, const ct_tensor *x, int dim, ct_tensor *values, ct_tensor *indices) {
    o->dtype = (ct_dtype)x->dtype;
    o->n = x->ndim ? x->sizes[dim] : 1;
    o->x_step = x->ndim ? x->strides[dim] : 1;
    o->out_step = x->ndim ? values->strides[dim] : 1;
    o->rows = 1;
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim) continue;
        o->rows *= x->sizes[d];
        o->sizes[o->ndim] = x->sizes[d];
        o->x_strides[o->ndim] = x->strides[d];
        o->out_strides[o->ndim++] = values->strides[d];
    }
    o->x = ct__ptr(x);
    o->values = ct__ptr(values);
    o->indices = (int64_t *)(void *)ct__ptr(indices);
}

/* The first k along dim, in the order that o says; *indices as the public functions. */
static ct_tensor *order(const ct__node_class *cls, ct_tensor *x, int dim, int64_t k, ct__order o, ct_tensor **indices) {
    const char *function = ct__fn(cls->op);
    int64_t sizes[CT_MAX_NDIM];
    size_t bytes;
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    if (x->ndim) sizes[dim] = o.last ? 1 : k;
    const ct_dtype dtype = ct__order_dtype((ct_dtype)x->dtype);
    const bool same = dtype == (ct_dtype)x->dtype || x->dtype == CT_BOOL; /* bools lie in memory as uint8 do */
    ct_tensor *out[2] = {NULL, NULL}, *wide = same ? NULL : ct__wide(function, x, dtype);
    const ct_tensor *from = same ? x : wide;
    ct__node *n = NULL;
    void *scratch = NULL;
    if (!from) goto done;
    if (!(out[0] = ct__new(function, sizes, x->ndim, same ? (ct_dtype)x->dtype : dtype)) || !(out[1] = ct__new(function, sizes, x->ndim, CT_I64))) goto done;
    if (out[0]->numel) {
        o.k = k;
        describe(&o, from, dim, out[0], out[1]);
        if (!ct__order_scratch(&o, &bytes)) ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: rows of %lld elements", function, (long long)o.n);
        else if ((scratch = ct__alloc(bytes))) ct__order_run(&o, scratch);
    }
    out[0] = ct__narrowed(function, out[0], (ct_dtype)x->dtype);
    n = ct__node_new(cls, &x, 1, 2);
    if (n) ((order_ctx *)ct__ctx(n))->dim = dim;
    ct__save_output(n, 0, out[1], 1);
done:
    ct__free(scratch);
    ct__unref(wide);
    ct__finish_n(n, out, 2);
    if (indices) *indices = out[1];
    else ct_scope_drop(out[1]);
    return out[0];
}

ct_tensor *ct_sort(ct_tensor *x, int64_t dim, const ct_sort_options *options, ct_tensor **indices) {
    int d;
    if (indices) *indices = NULL;
    if (!ct__enter(CT__OP_sort, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_sort", options));
    CT__TRY_NULL(ct__wrap_dim("ct_sort", dim, x->ndim, &d));
    ct__order o = {.descending = options && options->descending};
    return order(&sort_class, x, d, x->ndim ? x->sizes[d] : 1, o, indices);
}

ct_tensor *ct__kth_index(ct_tensor *x, int dim, int64_t k) {
    ct_tensor *indices;
    ct_scope scope = ct_no_grad_begin();
    order(&topk_class, x, dim, k, (ct__order){.last = true}, &indices);
    return ct_scope_return(scope, indices);
}

ct_tensor *ct_argsort(ct_tensor *x, int64_t dim, const ct_sort_options *options) {
    int d;
    if (!ct__enter(CT__OP_argsort, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_argsort", options));
    CT__TRY_NULL(ct__wrap_dim("ct_argsort", dim, x->ndim, &d));
    ct_tensor *indices;
    ct_scope scope = ct_no_grad_begin();
    ct_sort(x, d, options, &indices);
    return ct_scope_return(scope, indices);
}

ct_tensor *ct_msort(ct_tensor *x) { return ct__enter(CT__OP_msort, &x, 1) ? ct_sort(x, 0, NULL, NULL) : NULL; }

ct_tensor *ct_topk(ct_tensor *x, int64_t k, int64_t dim, const ct_topk_options *options, ct_tensor **indices) {
    int d;
    if (indices) *indices = NULL;
    if (!ct__enter(CT__OP_topk, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_topk", options));
    CT__TRY_NULL(ct__wrap_dim("ct_topk", dim, x->ndim, &d));
    int64_t size = x->ndim ? x->sizes[d] : 1;
    if (x->dtype == CT_BOOL || k < 0 || k > size) {
        if (x->dtype == CT_BOOL) ct__fail(CT_ERR_DTYPE, "ct_topk: x is bool; convert it with ct_to");
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_topk: k %lld is out of range for size %lld at dim %d", (long long)k, (long long)size, d);
        return NULL;
    }
    ct__order o = {.descending = !(options && options->no_largest), .unsorted = options && options->no_sorted};
    return order(&topk_class, x, d, k, o, indices);
}
