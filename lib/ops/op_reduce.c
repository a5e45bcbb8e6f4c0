/*
 * op_reduce.c: sum, mean, prod, running sums; and the summing of gradients to the shape of a broadcast input.
 */
#include "ops/reduce.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* ---- gradients of broadcast inputs ---- */

/* Leading dims that the shape lacks are summed away, dims that were stretched are summed to 1. */
ct_tensor *ct__sum_to(ct_tensor *g, const int64_t *sizes, int ndim) {
    if (!g) return NULL;
    int lead = g->ndim - ndim, n = 0;
    int64_t dims[CT_MAX_NDIM];
    for (int d = 0; d < lead; d++) dims[n++] = d;
    if (n) g = ct_sum_dim(g, dims, n, NULL);
    if (!g) return NULL;
    n = 0;
    for (int d = 0; d < ndim; d++)
        if (sizes[d] == 1 && g->sizes[d] != 1) dims[n++] = d;
    return n ? ct_sum_dim(g, dims, n, &(ct_reduce_options){.keepdim = true}) : g;
}

ct_tensor *ct__reduce_to_input(const ct__node *n, int i, ct_tensor *g) {
    const ct__meta *m = ct__input_meta(n, i);
    g = ct__sum_to(g, m->sizes, m->ndim);
    return g && g->dtype != m->dtype ? ct_to(g, (ct_dtype)m->dtype) : g;
}

/* ---- what all have in common ---- */

typedef struct reduce_ctx {
    uint32_t mask;
    bool keepdim;
    int64_t count;
} reduce_ctx;

/* g with the shape of the input. */
static ct_tensor *spread(ct__node *n, ct_tensor *g) {
    const reduce_ctx *c = ct__ctx(n);
    const ct__meta *m = ct__input_meta(n, 0);
    return ct_expand(ct__restore_dims(g, m->ndim, c->mask, c->keepdim), m->sizes, m->ndim);
}

static bool keep(const ct_reduce_options *options) { return options && options->keepdim; }

static ct_tensor *recorded(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim, ct_tensor *out) {
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    if (n) *(reduce_ctx *)ct__ctx(n) = (reduce_ctx){mask, keepdim, ct__reduced_count(a, mask)};
    if (n && cls->n_saved > 0) ct__save(n, 0, a);
    if (n && cls->n_saved > 1) ct__save_output(n, 1, out, 0);
    return ct__finish(n, out);
}

static ct_dtype sum_dtype(const ct_tensor *a) { return ct__is_float(a) ? (ct_dtype)a->dtype : CT_I64; }

/* ---- sum: d a = g, spread ---- */

static void sum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = spread(n, g[0]);
}
static const ct__node_class sum_class = {.op = CT__OP_sum, .backward = sum_backward, .ctx_size = sizeof(reduce_ctx)};
static const ct__node_class sum_dim_class = {.op = CT__OP_sum_dim, .backward = sum_backward, .ctx_size = sizeof(reduce_ctx)};

ct_tensor *ct_sum(ct_tensor *a) {
    if (!ct__enter(CT__OP_sum, &a, 1)) return NULL;
    uint32_t mask = ct__all_dims(a);
    return recorded(&sum_class, a, mask, false, ct__reduce("ct_sum", a, mask, false, CT__REDUCE_SUM, NULL, sum_dtype(a)));
}

ct_tensor *ct_sum_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    const char *fn = ct__fn(CT__OP_sum_dim);
    uint32_t mask;
    if (!ct__enter(CT__OP_sum_dim, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(ct__wrap_dims(fn, dims, n, a->ndim, &mask));
    return recorded(&sum_dim_class, a, mask, keep(options), ct__reduce(fn, a, mask, keep(options), CT__REDUCE_SUM, NULL, sum_dtype(a)));
}

/* ---- mean: d a = g / count, spread ---- */

static void mean_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const reduce_ctx *c = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = spread(n, ct_div_scalar(g[0], (double)c->count));
}
static const ct__node_class mean_class = {.op = CT__OP_mean, .backward = mean_backward, .ctx_size = sizeof(reduce_ctx)};
static const ct__node_class mean_dim_class = {.op = CT__OP_mean_dim, .backward = mean_backward, .ctx_size = sizeof(reduce_ctx)};

static ct_tensor *mean(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim) {
    CT__TRY_NULL(ct__check_float(cls->op, a));
    ct__reduce_args args = {.divisor = (double)ct__reduced_count(a, mask)};
    return recorded(cls, a, mask, keepdim, ct__reduce(ct__fn(cls->op), a, mask, keepdim, CT__REDUCE_SUM, &args, (ct_dtype)a->dtype));
}

ct_tensor *ct_mean(ct_tensor *a) {
    if (!ct__enter(CT__OP_mean, &a, 1)) return NULL;
    return mean(&mean_class, a, ct__all_dims(a), false);
}
ct_tensor *ct_mean_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    const char *fn = ct__fn(CT__OP_mean_dim);
    uint32_t mask;
    if (!ct__enter(CT__OP_mean_dim, &a, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(ct__wrap_dims(fn, dims, n, a->ndim, &mask));
    return mean(&mean_dim_class, a, mask, keep(options));
}
