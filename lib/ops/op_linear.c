/*
 * op_linear.c: y = x weight^T + bias.
 *
 *      x [.., in] -> X [M, in]      Y [M, out] = X W^T + b      gX = g W      gW = g^T X      gb = column sums of g
 *
 * One product of all rows, whatever the leading dims; gradients likewise, g^T being a view. With a ReLU behind it, g is set to 0 where y is first. With GELU and
 * dropout behind it, forward leaves their slope where Y was, which is all that backward needs; Y is computed again for a gradient of the gradient.
 */
#include "kernels/kernels.h"
#include "ops/activation.h"
#include "ops/dropout.h"
#include "ops/half.h"
#include "ops/packed.h"
#include "ops/product.h"
#include "ops/transformer.h"
#include "ops/twin.h"
#include "ops/zero_rows.h"

#include "base/vec.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <string.h>

static ct_tensor *rows_of(ct_tensor *x, int64_t cols) {
    int64_t rows = 1;
    for (int d = 0; d < ct_ndim(x) - 1; d++) rows *= ct_size(x, d);
    return ct_reshape(x, (const int64_t[]){rows, cols}, 2);
}

/* gX and gW. Slots: 0 x, 1 weight. */
static void product_backward(ct__node *n, ct_tensor *g, ct_tensor **gin) {
    ct_tensor *weight = ct__needs(n, 0) ? ct__saved(n, 1) : NULL, *x = ct__needs(n, 1) ? ct__saved(n, 0) : NULL;
    if (ct__pending() != CT_OK || ct__product_without_zero_rows(g, x, weight, weight ? &gin[0] : NULL, x ? &gin[1] : NULL)) return;
    if (weight) gin[0] = ct_matmul(g, weight);
    if (x) gin[1] = ct_mm(ct_t(rows_of(g, ct_size(g, -1))), rows_of(x, ct_size(x, -1)));
}

static void linear_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    product_backward(n, g[0], gin);
    if (n->n_in > 2 && ct__needs(n, 2)) {
        const ct__meta *m = ct__input_meta(n, 2);
        gin[2] = ct__sum_to(m->ndim > 1 ? rows_of(g[0], ct_size(g[0], -1)) : g[0], m->sizes, m->ndim);
    }
}
static const ct__node_class linear_class = {.op = CT__OP_linear, .backward = linear_backward, .n_saved = 2, .used_by = {2, 1}};

/* Slots: 0 x, 1 weight, 2 y. */
static void linear_relu_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *gy = ct__relu_gradient(ct__fn(n->cls->op), ct__saved(n, 2), g[0]);
    if (gy) linear_backward(n, &gy, gin);
}
static const ct__node_class linear_relu_class = {.op = CT__OP_linear_relu, .backward = linear_relu_backward, .n_saved = 3, .used_by = {2, 1}};

static ct_status check_linear(const char *function, const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias) {
    ct__shape_text a, b;
    if (x->ndim == 0 || weight->ndim != 2 || x->sizes[x->ndim - 1] != weight->sizes[1]) {
        const char *sx = CT__SIZES(&a, x), *sw = CT__SIZES(&b, weight);
        if (x->ndim == 0 || weight->ndim != 2)
            return ct__fail(CT_ERR_SHAPE, "%s: x %s and weight %s: they must be [..., in] and [out, in]%s", function, sx, sw,
                            weight->ndim == 1 && bias ? " when there is a bias" : "");
        return ct__fail(CT_ERR_SHAPE, "%s: x %s and weight %s cannot be multiplied: %lld != %lld", function, sx, sw, (long long)x->sizes[x->ndim - 1],
                        (long long)weight->sizes[1]);
    }
    CT__TRY(ct__product_dtypes(function, x, weight));
    if (bias && bias->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: bias is %s, x is %s; convert one with ct_to", function, ct_dtype_name((ct_dtype)bias->dtype),
                        ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

/* Y = X W^T + bias into out, seen as [M, out]. */
static void run_linear(const char *function, ct_tensor *out, ct_tensor *x, ct_tensor *weight, const ct_tensor *bias) {
    ct__matrix a = ct__matrix_of(x, true), w = ct__matrix_t(ct__matrix_of(weight, true));
    ct_tensor *copy = NULL, *flat = NULL;
    if (!ct__matrix_fold(&a)) {
        copy = ct__dense(function, x);
        if (!copy) return;
        a = ct__matrix_of(copy, true);
        ct__matrix_fold(&a);
    }
    if (!bias || (bias->ndim == 1 && bias->sizes[0] == w.cols && bias->contiguous)) {
        ct__multiply(function, &a, &w, NULL, 0, out, 1, 0, bias);
    } else { /* some other sizes that broadcast, or strides */
        int64_t sizes[] = {a.rows, w.cols}, strides[] = {ct__max_i64(w.cols, 1), 1};
        flat = ct__new_view(out, sizes, strides, 2, 0);
        if (flat && ct__fill_broadcast(function, "bias", flat, bias) == CT_OK) ct__multiply(function, &a, &w, NULL, 0, out, 1, 1, NULL);
    }
    ct__unref(flat);
    ct__unref(copy);
}

/* Of sizes and dtypes that fit. */
static ct_tensor *linear(const ct__node_class *cls, ct_tensor *const *in, int n_in) {
    ct_tensor *x = in[0], *weight = in[1];
    const char *function = ct__fn(cls->op);
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    sizes[x->ndim - 1] = weight->sizes[0];
    ct_tensor *out = ct__new(function, sizes, x->ndim, (ct_dtype)x->dtype);
    if (!out) return NULL;
    ct__node *node = ct__node_new(cls, in, n_in, 1);
    if (node) ct__product_save(node, 0, x, weight);
    run_linear(function, out, x, weight, n_in > 2 ? in[2] : NULL);
    if (cls == &linear_relu_class && ct__pending() == CT_OK) {
        ct__relu_fresh(out);
        ct__save_output(node, 2, out, 0);
    }
    return ct__finish(node, out);
}

ct_tensor *ct_linear(ct_tensor *x, ct_tensor *weight, ct_tensor *bias) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast)) return ct_scope_return(cast, ct_linear(x, weight, bias));
    ct_tensor *in[] = {x, weight, bias};
    int n_in = bias ? 3 : 2;
    if (!ct__enter(CT__OP_linear, in, n_in)) return NULL;
    if (ct__all_half(in, n_in)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_linear(ct__widen(x), ct__widen(weight), ct__widen(bias)));
    }
    if (weight->ndim == 1 && !bias) return ct__matmul(CT__OP_linear, x, weight);
    CT__TRY_NULL(check_linear(ct__fn(CT__OP_linear), x, weight, bias));
    return linear(&linear_class, in, n_in);
}

/* What goes step by step: half types, whose y is rounded before its sign decides, integers, and a weight of one dim. */
ct_tensor *ct_linear_relu(ct_tensor *x, ct_tensor *weight, ct_tensor *bias) {
    ct_scope scope;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &scope)) return ct_scope_return(scope, ct_linear_relu(x, weight, bias));
    ct_tensor *in[] = {x, weight, bias};
    int n_in = bias ? 3 : 2;
    if (!ct__enter(CT__OP_linear_relu, in, n_in)) return NULL;
    if ((x->dtype != CT_F32 && x->dtype != CT_F64) || (weight->ndim == 1 && !bias)) {
        scope = ct_scope_begin();
        return ct_scope_return(scope, ct_relu(ct_linear(x, weight, bias)));
    }
    CT__TRY_NULL(check_linear(ct__fn(CT__OP_linear_relu), x, weight, bias));
    return linear(&linear_relu_class, in, n_in);
}

/* ---- dropout(gelu(linear)) ---- */

static void gelu_twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    ct_tensor *y = ct_gelu(ct_linear(in[0], in[1], in[2]), NULL);
    const ct__dropout_draw *draw = ctx;
    out[0] = draw->threshold ? ct__dropout_with(y, *draw) : y;
}

/* Slots: 0 x, 1 weight, 2 slope, 3 bias. */
static void gelu_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    static const char function[] = "backward";
    if (ct__grad_mode()) {
        ct__twin_backward(n, gelu_twin, ct__ctx(n), (ct_tensor *[]){ct__saved(n, 0), ct__saved(n, 1), ct__saved(n, 3)}, n->n_in, g, 1, gin);
        return;
    }
    ct_tensor *slope = ct__saved(n, 2), *gy = NULL, *sums = NULL;
    if (!slope) return;
    const int64_t cols = ct_size(slope, -1), rows = slope->numel / cols;
    ct_tensor *gd = ct__packed_gradient(function, slope, g[0], &gy);
    if (gd && n->n_in > 2 && ct__needs(n, 2)) sums = ct__new(function, (int64_t[]){ct__ceil_div_i64(rows, CT__SUM_ROWS), cols}, 2, CT_F32);
    if (ct__pending() == CT_OK)
        ct__kern()->nn.slope_backward(rows, cols, ct__f32(slope), ct__f32(gd), ct__f32(gy), ct__f32(sums));
    ct__unref(gd);
    gy = ct__scope_give(gy);
    sums = ct__scope_give(sums);
    if (sums) gin[2] = ct_sum_dim(sums, CT_DIMS(0), NULL);
    product_backward(n, gy, gin);
}
static const ct__node_class gelu_class = {.op = CT__OP_linear, .name = "LinearGeluDropoutBackward", .backward = gelu_backward,
                                          .ctx_size = sizeof(ct__dropout_draw), .n_saved = 4};

ct_tensor *ct__linear_gelu_dropout(ct_tensor *x, ct_tensor *weight, ct_tensor *bias, double p) {
    ct_tensor *in[] = {x, weight, bias};
    const int n_in = bias ? 3 : 2;
    if (!ct__enter(CT__OP_linear, in, n_in)) return NULL;
    if (!ct__is_dense_f32(x) || x->numel == 0 || !ct__is_dense_f32(weight) || weight->numel == 0 || (bias && bias->ndim != 1) || (ct__context()->modes & CT__MODE_AUTOCAST))
        return NULL;
    ct_scope no_grad = ct_no_grad_begin();
    ct_tensor *z = ct_scope_return(no_grad, ct_linear(x, weight, bias)), *y = z;
    if (!z) return NULL;
    const ct__dropout_draw draw = ct__dropout_new_draw(p, NULL);
    ct__node *n = ct__node_new(&gelu_class, in, n_in, 1);
    if (n) y = ct__new(ct__fn(CT__OP_linear), z->sizes, z->ndim, CT_F32);
    else ct__ref(y);
    if (n) *(ct__dropout_draw *)ct__ctx(n) = draw;
    if (y && ct__pending() == CT_OK) ct__kern()->nn.gelu_dropout(z->numel, &draw, ct__f32(z), ct__f32(y));
    ct__save(n, 0, x);
    ct__save(n, 1, weight);
    ct__save(n, 2, z);
    ct__save(n, 3, bias);
    return ct__finish(n, y);
}
