/*
 * op_scatter_reduce.c: scatter_add with another function than the sum.
 *
 *      out[index] = f(x[index], all src[..] that go there)       include_self=False: without x[index]
 *
 * src is first narrowed to the sizes of index, so that from here on one element of src belongs to one of index. Gradients are PyTorch's
 * formulas: see each below.
 */
#include "ops/along.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

typedef struct reduce_ctx {
    int dim;
    ct_scatter_reduction reduce;
    ct_scatter_reduce_options options;
} reduce_ctx;

/* ---- Gradients ---- */

typedef struct gradients {
    ct_tensor *x, *src;
} gradients;

/* g over how many went to the element. */
static gradients of_mean(const reduce_ctx *c, ct_tensor *g, ct_tensor *index, ct_tensor *src) {
    ct_tensor *start = c->options.no_include_self ? ct_zeros_like(g, CT_DTYPE_NONE) : ct_ones_like(g, CT_DTYPE_NONE);
    ct_tensor *count = ct_scatter_add(start, c->dim, index, ct_ones_like(src, CT_DTYPE_NONE));
    ct_tensor *share = ct_div(g, ct_clamp_min(count, 1));
    return (gradients){share, ct_gather(share, c->dim, index)};
}

/* g shared evenly by all that equal the result. */
static gradients of_extremum(const reduce_ctx *c, ct_tensor *g, ct_tensor *x, ct_tensor *index, ct_tensor *src, ct_tensor *result) {
    ct_dtype dtype = ct_tensor_dtype(g);
    ct_tensor *from_src = ct_to(ct_eq(src, ct_gather(result, c->dim, index)), dtype), *from_x = ct_to(ct_eq(x, result), dtype);
    ct_tensor *share = ct_div(g, ct_scatter_add(from_x, c->dim, index, from_src));
    return (gradients){ct_mul(from_x, share), ct_mul(from_src, ct_gather(share, c->dim, index))};
}

/* g times the product of the others: divided by where that is not zero, multiplied anew without the one zero where there is one. */
static gradients of_product(const reduce_ctx *c, ct_tensor *g, ct_tensor *x, ct_tensor *index, ct_tensor *src, ct_tensor *result) {
    gradients out;
    ct_tensor *full_x = ct_masked_fill(x, ct_eq_scalar(x, 0), 1);
    ct_tensor *rest = ct_scatter_reduce(full_x, c->dim, index, src, CT_SCATTER_PROD, &c->options);
    out.x = ct_div(ct_mul(g, rest), full_x);
    ct_tensor *zero = ct_eq_scalar(src, 0), *zeros_like = ct_zeros_like(x, CT_I64);
    ct_tensor *zeros = ct_gather(ct_scatter_add(zeros_like, c->dim, index, ct_to(zero, CT_I64)), c->dim, index);
    if (ct__grad_mode() && zeros && ct_item_bool(ct_any(ct_gt_scalar_int(zeros, 1)))) {
        ct__fail(CT_ERR_UNSUPPORTED, "ct_scatter_reduce: the derivative of the gradient of a product beside more than one zero in src");
        return (gradients){NULL, NULL};
    }
    ct_tensor *single = ct_logical_and(zero, ct_eq_scalar_int(zeros, 1));
    ct_tensor *others = ct_scatter_reduce(x, c->dim, index, ct_masked_fill(src, single, 1), CT_SCATTER_PROD, &c->options);
    ct_tensor *divided = ct_div(ct_gather(ct_mul(g, result), c->dim, index), ct_masked_fill(src, zero, 1));
    out.src = ct_where(single, ct_gather(ct_mul(g, others), c->dim, index), divided);
    return out;
}

static void scatter_reduce_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const reduce_ctx *c = ct__ctx(n);
    ct_tensor *index = ct__saved(n, 0), *x = ct__saved(n, 1), *src = ct__saved(n, 2), *result = ct__saved(n, 3);
    if (!index || !src) return;
    gradients out;
    if (c->reduce == CT_SCATTER_SUM) out = (gradients){g[0], ct_gather(g[0], c->dim, index)};
    else if (c->reduce == CT_SCATTER_MEAN) out = of_mean(c, g[0], index, src);
    else if (c->reduce == CT_SCATTER_PROD) out = of_product(c, g[0], x, index, src, result);
    else out = of_extremum(c, g[0], x, index, src, result);
    if (c->options.no_include_self && out.x) out.x = ct_scatter_scalar(out.x, c->dim, index, 0);
    if (ct__needs(n, 0)) gin[0] = out.x;
    if (ct__needs(n, 1)) gin[1] = out.src;
}
static const ct__node_class scatter_reduce_class = {
    .op = CT__OP_scatter_reduce, .backward = scatter_reduce_backward, .n_saved = 4, .ctx_size = sizeof(reduce_ctx)};

/* ---- Values ---- */

/* What f starts from. */
static double identity(const reduce_ctx *c, ct_dtype dtype) {
    const bool real = ct_dtype_is_floating_point(dtype);
    switch (c->reduce) {
    case CT_SCATTER_PROD: return 1;
    case CT_SCATTER_AMAX: return real ? -(double)INFINITY : dtype == CT_I32 ? (double)INT32_MIN : dtype == CT_I64 ? (double)INT64_MIN : 0;
    case CT_SCATTER_AMIN: return real ? (double)INFINITY : dtype == CT_I32 ? (double)INT32_MAX : dtype == CT_U8 ? (double)UINT8_MAX : 1.0;
    default: return 0;
    }
}

/* x with the start where something will be written. int64's largest number is no double. */
static ct_tensor *cleared(const reduce_ctx *c, ct_tensor *x, ct_tensor *index) {
    if (c->reduce != CT_SCATTER_AMIN || x->dtype != CT_I64) return ct_scatter_scalar(x, c->dim, index, identity(c, (ct_dtype)x->dtype));
    return ct_scatter(x, c->dim, index, ct_full_int(index->sizes, index->ndim, INT64_MAX, CT_I64));
}

static ct_tensor *divided(const reduce_ctx *c, ct_tensor *sum, ct_tensor *index) {
    ct_tensor *start = c->options.no_include_self ? ct_zeros_like(sum, CT_I64) : ct_ones_like(sum, CT_I64);
    ct_tensor *count = ct_scatter_add(start, c->dim, index, ct_ones(index->sizes, index->ndim, CT_I64));
    count = ct_clamp_min(count, 1);
    if (ct__is_float(sum)) return ct_div(sum, count);
    return ct_to(ct_div_tensor_mode(sum, ct_to(count, CT_I64), CT_ROUND_FLOOR), (ct_dtype)sum->dtype);
}

/* Without history, scope-held. x and src are of a type that the kernel knows; at is row-major. */
static ct_tensor *forward(const reduce_ctx *c, ct_tensor *x, ct_tensor *index, ct_tensor *at, ct_tensor *src) {
    static const ct__fold folds[] = {CT__FOLD_ADD, CT__FOLD_MUL, CT__FOLD_ADD, CT__FOLD_MAX, CT__FOLD_MIN};
    ct_tensor *out = c->options.no_include_self ? cleared(c, x, at) : ct_clone(x);
    if (!out) return NULL;
    if (index->numel) {
        ct__along a = ct__along_of(out, c->dim, at, src);
        ct__along_fold(&a, folds[c->reduce], (ct_dtype)out->dtype, ct__ptr(out), ct__ptr(src));
    }
    return c->reduce == CT_SCATTER_MEAN ? divided(c, out, at) : out;
}

static ct_tensor *reduced(const reduce_ctx *c, ct_tensor *x, ct_tensor *index, ct_tensor *src) {
    static const char function[] = "ct_scatter_reduce";
    ct__dim_text text;
    ct_scope scope = ct_no_grad_begin();
    const ct_dtype dtype = ct__compute_dtype((ct_dtype)x->dtype);
    ct_tensor *at = ct__scope_give(ct__along_indices(function, index)), *out = NULL;
    if (at && ct__check_indices(function, at, ct__size_at(x, c->dim), ct__dim_name(&text, c->dim)) == CT_OK) {
        ct_tensor *wide_x = ct_to(x, dtype), *wide_src = ct_to(src, dtype);
        if (ct_ok()) out = ct_to(forward(c, wide_x, index, at, wide_src), (ct_dtype)x->dtype);
    }
    out = ct_ok() ? ct_keep(out) : NULL;
    ct_scope_end(scope);
    return out;
}

static ct_status check(int op, ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src, reduce_ctx *c) {
    const char *function = ct__fn(op);
    CT__TRY(ct__wrap_dim(function, dim, x->ndim, &c->dim));
    CT__TRY(ct__check_along(function, x, c->dim, index, src));
    if (c->reduce < CT_SCATTER_SUM || c->reduce > CT_SCATTER_AMIN) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is no reduction", function, (int)c->reduce);
    if (c->reduce == CT_SCATTER_MEAN && x->dtype == CT_BOOL) return ct__fail(CT_ERR_DTYPE, "%s: no mean of bools", function);
    return CT_OK;
}

ct_tensor *ct_scatter_reduce(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src, ct_scatter_reduction reduce,
                             const ct_scatter_reduce_options *options) {
    const int op = CT__OP_scatter_reduce;
    reduce_ctx c = {.reduce = reduce};
    if (!ct__enter(op, (ct_tensor *[]){x, index, src}, 3)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    if (options) c.options = *options;
    CT__TRY_NULL(check(op, x, dim, index, src, &c));
    ct_scope scope = ct_scope_begin();
    if (index->numel)
        for (int d = 0; d < src->ndim; d++)
            if (src->sizes[d] != ct__size_at(index, d)) src = ct_narrow(src, d, 0, ct__size_at(index, d));
    if (src && index->numel == 0) src = ct_reshape(ct_narrow(ct_reshape(src, (const int64_t[]){-1}, 1), 0, 0, 0), index->sizes, index->ndim);
    ct_tensor *out = src ? reduced(&c, x, index, src) : NULL;
    ct__node *n = out ? ct__node_new(&scatter_reduce_class, (ct_tensor *[]){x, src}, 2, 1) : NULL;
    if (n) *(reduce_ctx *)ct__ctx(n) = c;
    ct__save(n, 0, index);
    ct__save(n, 1, x);
    ct__save(n, 2, src);
    if (out) ct__save_output(n, 3, out, 0);
    return ct_scope_return(scope, ct__finish(n, out));
}

/* Through a new tensor: the formula needs x as it was. */
ct_status ct_scatter_reduce_(ct_tensor *x, int64_t dim, ct_tensor *index, ct_tensor *src, ct_scatter_reduction reduce,
                             const ct_scatter_reduce_options *options) {
    const int op = CT__OP_scatter_reduce_;
    reduce_ctx c = {.reduce = reduce};
    if (!ct__enter_inplace(op, x, (ct_tensor *[]){index, src}, 2)) return ct__pending();
    CT__TRY(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY(check(op, x, dim, index, src, &c));
    CT__TRY(ct__check_apart(ct__fn(op), x, index, "index"));
    CT__TRY(ct__check_apart(ct__fn(op), x, src, "src"));
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = ct_scatter_reduce(ct_clone(x), dim, index, src, reduce, options);
    if (out) ct_copy_(x, out);
    ct_scope_end(scope);
    return ct__pending();
}
