/*
 * op_reduce.c: sum, mean, prod, running sums; and the summing of gradients to the shape of a broadcast input.
 */
#include "ops/half.h"
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
    for (int d = 0; d < ndim; d++)
        if (sizes[d] == 1 && g->sizes[lead + d] != 1) dims[n++] = lead + d;
    if (n == 0) return g;
    const bool stretched = n > lead; /* one sum for all dims: half types are rounded once */
    g = ct_sum_dim(g, dims, n, &(ct_reduce_options){.keepdim = stretched});
    return lead && stretched ? ct_reshape(g, sizes, ndim) : g;
}

ct_tensor *ct__reduce_to_input(const ct__node *n, int i, ct_tensor *g) {
    const ct__meta *m = ct__input_meta(n, i);
    g = ct__sum_to(g, m->sizes, m->ndim);
    return g && g->dtype != m->dtype ? ct_to(g, (ct_dtype)m->dtype) : g;
}

/* ---- sum: d a = g, spread ---- */

static ct_dtype sum_dtype(const ct_tensor *a) { return ct__is_float(a) ? (ct_dtype)a->dtype : CT_I64; }

static void sum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_spread(n, g[0]);
}
static const ct__node_class sum_class = CT__REDUCE_CLASS(CT__OP_sum, sum_backward, 0);
static const ct__node_class sum_dim_class = CT__REDUCE_CLASS(CT__OP_sum_dim, sum_backward, 0);

static ct_tensor *sum(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim) {
    return ct__reduce_finish(cls, a, mask, keepdim, 0,
                             ct__reduce(ct__fn(cls->op), a, mask, keepdim, CT__REDUCE_SUM, NULL, sum_dtype(a)));
}
ct_tensor *ct_sum(ct_tensor *a) {
    return ct__enter(CT__OP_sum, &a, 1) ? sum(&sum_class, a, ct__all_dims(a), false) : NULL;
}
ct_tensor *ct_sum_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_sum_dim, a, dims, n, options, &mask)) return NULL;
    return sum(&sum_dim_class, a, mask, ct__keepdim(options));
}

/* ---- mean: d a = g / count, spread ---- */

static void mean_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__reduce_ctx *c = ct__ctx(n);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_spread(n, ct_div_scalar(g[0], (double)c->count));
}
static const ct__node_class mean_class = CT__REDUCE_CLASS(CT__OP_mean, mean_backward, 0);
static const ct__node_class mean_dim_class = CT__REDUCE_CLASS(CT__OP_mean_dim, mean_backward, 0);

static ct_tensor *mean(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim) {
    CT__TRY_NULL(ct__check_float(cls->op, a));
    ct__reduce_args args = {.divisor = (double)ct__reduced_count(a, mask)};
    return ct__reduce_finish(cls, a, mask, keepdim, 0,
                             ct__reduce(ct__fn(cls->op), a, mask, keepdim, CT__REDUCE_SUM, &args, (ct_dtype)a->dtype));
}
ct_tensor *ct_mean(ct_tensor *a) {
    return ct__enter(CT__OP_mean, &a, 1) ? mean(&mean_class, a, ct__all_dims(a), false) : NULL;
}
ct_tensor *ct_mean_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_mean_dim, a, dims, n, options, &mask)) return NULL;
    return mean(&mean_dim_class, a, mask, ct__keepdim(options));
}

/* ---- prod: d a_i = g times the product of the others ---- */

/* The products of the others, along dim. Division by each is enough where nothing is zero, and where nothing records: beside one zero
 * the others' products are zero. Recording beside zeros wants products that can be differentiated: of the n x n matrix with ones
 * on its diagonal. */
static ct_tensor *others(ct_tensor *x, ct_tensor *y, int dim) {
    ct_tensor *zero = ct_eq_scalar(x, 0);
    if (!zero) return NULL;
    ct_reduce_options keep = {.keepdim = true};
    if (!ct_item_bool(ct_any(zero))) return ct_div(y, x);
    if (ct__grad_mode()) {
        int64_t sizes[CT_MAX_NDIM], n = x->sizes[dim];
        ct_tensor *last = ct_movedim(x, dim, -1);
        if (!last || last->ndim == CT_MAX_NDIM) {
            ct__fail(CT_ERR_UNSUPPORTED, "ct_prod: the derivative of the gradient beside zeros wants a free dimension, %d are in use", x->ndim);
            return NULL;
        }
        for (int d = 0; d < last->ndim; d++) sizes[d] = last->sizes[d];
        sizes[last->ndim] = n;
        ct_tensor *square = ct_expand(ct_unsqueeze(last, -2), sizes, last->ndim + 1);
        return ct_movedim(ct_prod_dim(ct_masked_fill(square, ct_eye(n, n, CT_BOOL), 1), -1, NULL), -1, dim);
    }
    ct_tensor *rest = ct_prod_dim(ct_masked_fill(x, zero, 1), dim, &keep); /* of what is not zero */
    ct_tensor *zeros = ct_sum_dim(zero, (int64_t[]){dim}, 1, &keep);
    ct_tensor *here = ct_where(zero, ct_eq_scalar_int(zeros, 1), ct_eq_scalar_int(zeros, 0)); /* no other one is zero */
    return ct_where(here, ct_div(rest, ct_masked_fill(x, zero, 1)), ct_zeros_like(x, CT_DTYPE_NONE));
}
static void prod_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const ct__meta *m = ct__input_meta(n, 0);
    ct_tensor *flat = ct_reshape(ct__saved(n, 0), (int64_t[]){-1}, 1);
    gin[0] = ct_mul(g[0], ct_reshape(others(flat, ct__saved(n, 1), 0), m->sizes, m->ndim));
}
static void prod_dim_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const ct__reduce_ctx *c = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0);
    if (!x) return;
    if (x->ndim == 0) {
        gin[0] = g[0];
        return;
    }
    int64_t dim;
    ct__mask_dims(c->mask, x->ndim, &dim);
    ct_tensor *y = ct__restore_dims(ct__saved(n, 1), x->ndim, c->mask, c->keepdim);
    gin[0] = ct_mul(ct__restore_dims(g[0], x->ndim, c->mask, c->keepdim), others(x, y, (int)dim));
}
static const ct__node_class prod_class = CT__REDUCE_CLASS(CT__OP_prod, prod_backward, 2);
static const ct__node_class prod_dim_class = CT__REDUCE_CLASS(CT__OP_prod_dim, prod_dim_backward, 2);

static ct_tensor *prod(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim) {
    return ct__reduce_finish(cls, a, mask, keepdim, 0,
                             ct__reduce(ct__fn(cls->op), a, mask, keepdim, CT__REDUCE_PROD, NULL, sum_dtype(a)));
}
/* In f32 for the half types, gradient and all: quotients of rounded products would be off by more than a rounding. */
ct_tensor *ct_prod(ct_tensor *a) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_prod(a));
    if (!ct__enter(CT__OP_prod, &a, 1)) return NULL;
    if (ct__all_half(&a, 1)) {
        ct__half h = ct__half_begin(a);
        return ct__half_end(h, ct_prod(ct__widen(a)));
    }
    return prod(&prod_class, a, ct__all_dims(a), false);
}
ct_tensor *ct_prod_dim(ct_tensor *a, int64_t dim, const ct_reduce_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&a}, 1, &cast)) return ct_scope_return(cast, ct_prod_dim(a, dim, options));
    uint32_t mask;
    if (!ct__reduce_enter(CT__OP_prod_dim, a, &dim, 1, options, &mask)) return NULL;
    if (ct__all_half(&a, 1)) {
        ct__half h = ct__half_begin(a);
        return ct__half_end(h, ct_prod_dim(ct__widen(a), dim, options));
    }
    return prod(&prod_dim_class, a, mask, ct__keepdim(options));
}

/* ---- cumsum: d a = the running sum of g from the end ---- */

static void cumsum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    int64_t dim = (int64_t)((const ct__reduce_ctx *)ct__ctx(n))->mask;
    gin[0] = ct_ndim(g[0]) ? ct_flip(ct_cumsum(ct_flip(g[0], &dim, 1), dim), &dim, 1) : g[0];
}
static const ct__node_class cumsum_class = CT__REDUCE_CLASS(CT__OP_cumsum, cumsum_backward, 0);

typedef struct lines {
    void (*run)(int64_t n, const char *in, int64_t stride, char *out, int64_t out_stride);
    const ct_tensor *in, *out;
    int dim;
} lines;

static void run_lines(int64_t begin, int64_t end, void *arg) {
    const lines *l = arg;
    const int64_t size = (int64_t)ct_dtype_size((ct_dtype)l->in->dtype), out_size = (int64_t)ct_dtype_size((ct_dtype)l->out->dtype);
    const int64_t *in_strides = l->in->strides, *out_strides = l->out->strides;
    for (int64_t i = begin; i < end; i++) {
        int64_t rest = i, at = 0, out_at = 0;
        for (int d = l->in->ndim - 1; d >= 0; d--) {
            if (d == l->dim) continue;
            at += rest % l->in->sizes[d] * in_strides[d];
            out_at += rest % l->in->sizes[d] * out_strides[d];
            rest /= l->in->sizes[d];
        }
        l->run(l->in->sizes[l->dim], ct__ptr(l->in) + at * size, in_strides[l->dim] * size, ct__ptr(l->out) + out_at * out_size,
               out_strides[l->dim] * out_size);
    }
}

static void cumsum(const ct_tensor *a, const ct_tensor *out, int d) {
    lines l = {ct__kern()->reduce.cumsum[a->dtype], a, out, d};
    ct__parallel_for(a->numel / a->sizes[d], ct__max_i64(1, CT__GRAIN / a->sizes[d]), run_lines, &l);
}

/* Of dtypes that no loop takes: a copy is summed, in f32 for the half types. Overwrites out. */
static ct_status cumsum_converted(const char *function, const ct_tensor *a, ct_tensor *out, int d) {
    ct_tensor *in = ct__copy_as(function, a, ct__compute_dtype((ct_dtype)a->dtype)), *sums = NULL;
    if (in) sums = ct__is_half(a) ? ct__new(function, a->sizes, a->ndim, CT_F32) : ct_keep(out);
    if (sums) cumsum(in, sums, d);
    if (sums && sums != out) ct__copy_into(function, out, sums);
    ct__unref(in);
    ct__unref(sums);
    return ct__pending();
}

ct_tensor *ct_cumsum(ct_tensor *a, int64_t dim) {
    const int op = CT__OP_cumsum;
    int d;
    if (!ct__enter(op, &a, 1)) return NULL;
    CT__TRY_NULL(ct__wrap_dim(ct__fn(op), dim, a->ndim, &d));
    ct_tensor *out = ct__new(ct__fn(op), a->sizes, a->ndim, sum_dtype(a));
    if (out && a->ndim == 0) {
        ct__copy_into(ct__fn(op), out, a);
    } else if (out && a->numel) {
        if (ct__compute_dtype((ct_dtype)a->dtype) != (ct_dtype)a->dtype) cumsum_converted(ct__fn(op), a, out, d);
        else cumsum(a, out, d);
    }
    ct__node *n = ct__node_new(&cumsum_class, &a, 1, 1);
    if (n) ((ct__reduce_ctx *)ct__ctx(n))->mask = (uint32_t)d;
    return ct__finish(n, out);
}
