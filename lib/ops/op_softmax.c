/*
 * op_softmax.c: softmax and log_softmax.
 *
 * A dense tensor is [outer, n, inner] around any of its dims, whatever the order of the dims in memory is: inner, the number of elements
 * between neighbours, is that dim's stride. So channels_last needs no copy.
 */
#include "kernels/kernels.h"
#include "ops/half.h"
#include "ops/packed.h"
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>

typedef struct softmax_ctx {
    bool log;
    int32_t dim;
} softmax_ctx;

typedef struct around {
    int64_t outer, n, inner;
} around;

static around around_dim(const ct_tensor *dense, int dim) {
    if (dense->ndim == 0 || dense->sizes[dim] <= 1) return (around){dense->numel, 1, 1};
    int64_t n = dense->sizes[dim], inner = dense->strides[dim];
    return (around){dense->numel / n / inner, n, inner};
}

static ct_tensor *composed(const softmax_ctx *c, ct_tensor *y, ct_tensor *g) {
    const ct_reduce_options keep = {.keepdim = true};
    const int64_t dim = c->dim;
    if (c->log) return ct_sub(g, ct_mul(ct_exp(y), ct_sum_dim(g, &dim, 1, &keep)));
    return ct_mul(y, ct_sub(g, ct_sum_dim(ct_mul(g, y), &dim, 1, &keep)));
}

static ct_tensor *fused(const char *function, const softmax_ctx *c, ct_tensor *y, ct_tensor *g) {
    ct_tensor *gd = ct__packed_as(function, y, g);
    ct_tensor *out = gd ? ct__new_like(function, y, (ct_dtype)y->dtype) : NULL;
    if (out) {
        around a = around_dim(y, c->dim);
        ct__kern()->nn.softmax_backward(c->log, (ct_dtype)y->dtype, a.outer, a.n, a.inner, ct__ptr(gd), ct__ptr(y), ct__ptr(out));
    }
    ct__unref(gd);
    return ct__scope_give(out);
}

/*     softmax:      gin = y (g - sum(g y))          log_softmax:  gin = g - exp(y) sum(g)      sums over dim */
static void softmax_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const softmax_ctx *c = ct__ctx(n);
    ct_tensor *y = ct__saved(n, 0);
    if (y) gin[0] = ct__grad_mode() ? composed(c, y, g[0]) : fused(ct__fn(n->cls->op), c, y, g[0]);
}

static const ct__node_class softmax_class = {
    .op = CT__OP_softmax, .backward = softmax_backward, .ctx_size = sizeof(softmax_ctx), .n_saved = 1};
static const ct__node_class log_softmax_class = {
    .op = CT__OP_log_softmax, .backward = softmax_backward, .ctx_size = sizeof(softmax_ctx), .n_saved = 1};

static ct_tensor *softmax(const ct__node_class *cls, ct_tensor *x, int64_t dim_in, bool log) {
    const char *function = ct__fn(cls->op);
    int dim;
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    if (ct__all_half(&x, 1)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, softmax(cls, ct__widen(x), dim_in, log));
    }
    if (x->dtype != CT_F32 && x->dtype != CT_F64) {
        ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", function, ct_dtype_name((ct_dtype)x->dtype));
        return NULL;
    }
    CT__TRY_NULL(ct__wrap_dim(function, dim_in, x->ndim, &dim));
    ct_tensor *in = ct__packed(function, x);
    ct_tensor *y = in ? ct__new_like(function, in, (ct_dtype)in->dtype) : NULL;
    if (y && y->numel) {
        around a = around_dim(in, dim);
        ct__kern()->nn.softmax(log, (ct_dtype)in->dtype, a.outer, a.n, a.inner, ct__ptr(in), ct__ptr(y));
    }
    ct__unref(in);
    ct__node *n = y ? ct__node_new(cls, &x, 1, 1) : NULL;
    if (n) *(softmax_ctx *)ct__ctx(n) = (softmax_ctx){log, dim};
    ct__save_output(n, 0, y, 0);
    return ct__finish(n, y);
}

ct_tensor *ct_softmax(ct_tensor *x, int64_t dim) { return softmax(&softmax_class, x, dim, false); }
ct_tensor *ct_log_softmax(ct_tensor *x, int64_t dim) { return softmax(&log_softmax_class, x, dim, true); }
