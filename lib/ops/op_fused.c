/*
 * op_fused.c: products and quotients added to a tensor, interpolation, in one pass. Floating point.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

typedef struct fused_ctx { double value; } fused_ctx;

static ct_status check(int op, ct_tensor *const *t, int n) {
    for (int i = 0; i < n; i++) CT__TRY(ct__check_float(op, t[i]));
    return CT_OK;
}

static ct_tensor *three(const ct__node_class *cls, const ct__loop *loops, ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    ct_tensor *t[] = {a, b, c};
    if (!ct__enter(cls->op, t, 3)) return NULL;
    CT__TRY_NULL(check(cls->op, t, 3));
    ct_dtype dtype = ct__result_type((const ct_tensor *const[]){a, b, c}, 3, 0);
    ct_dtype compute = ct__compute_dtype(dtype);
    ct__element e = ct__loop_factor(ct__number_f64(value), dtype);
    ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_as(b, dtype), ct__arg_as(c, dtype)};
    ct_tensor *out = ct__map_as(ct__fn(cls->op), loops[compute], &e, compute, dtype, in, 3);
    ct__node *n = ct__node_new(cls, t, 3, 1);
    if (n) ((fused_ctx *)ct__ctx(n))->value = value;
    ct__save(n, 0, b);
    ct__save(n, 1, c);
    return ct__finish(n, out);
}

/* ---- addcmul: a + v b c; d a = g, d b = v g c, d c = v g b ---- */

static void addcmul_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    double v = ((fused_ctx *)ct__ctx(n))->value;
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct_mul_scalar(ct__saved(n, 1), v)));
    if (ct__needs(n, 2)) gin[2] = ct__reduce_to_input(n, 2, ct_mul(g[0], ct_mul_scalar(ct__saved(n, 0), v)));
}
static const ct__node_class addcmul_class = {.op = CT__OP_addcmul, .backward = addcmul_backward, .n_saved = 2, .ctx_size = sizeof(fused_ctx)};
ct_tensor *ct_addcmul(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    return three(&addcmul_class, ct__kern()->pointwise.addcmul, a, b, c, value);
}

/* ---- addcdiv: a + v b / c; d a = g, d b = v g / c, d c = -v g b / c^2 ---- */

static void addcdiv_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    double v = ((fused_ctx *)ct__ctx(n))->value;
    ct_tensor *c = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct_div_rscalar(v, c)));
    if (ct__needs(n, 2))
        gin[2] = ct__reduce_to_input(n, 2, ct_mul(g[0], ct_div(ct_mul_scalar(ct__saved(n, 0), -v), ct_mul(c, c))));
}
static const ct__node_class addcdiv_class = {.op = CT__OP_addcdiv, .backward = addcdiv_backward, .n_saved = 2, .ctx_size = sizeof(fused_ctx)};
ct_tensor *ct_addcdiv(ct_tensor *a, ct_tensor *b, ct_tensor *c, double value) {
    return three(&addcdiv_class, ct__kern()->pointwise.addcdiv, a, b, c, value);
}

/* ---- lerp: a + w (b - a); d a = (1 - w) g, d b = w g ---- */

static void lerp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    double w = ((fused_ctx *)ct__ctx(n))->value;
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul_scalar(g[0], 1 - w));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul_scalar(g[0], w));
}
static const ct__node_class lerp_class = {.op = CT__OP_lerp, .backward = lerp_backward, .ctx_size = sizeof(fused_ctx)};

ct_tensor *ct_lerp(ct_tensor *a, ct_tensor *end, double weight) {
    const int op = CT__OP_lerp;
    ct_tensor *t[] = {a, end};
    if (!ct__enter(op, t, 2)) return NULL;
    CT__TRY_NULL(check(op, t, 2));
    if (a->dtype != end->dtype) {
        ct__fail(CT_ERR_DTYPE, "ct_lerp: %s and %s; both must be of one dtype", ct_dtype_name((ct_dtype)a->dtype), ct_dtype_name((ct_dtype)end->dtype));
        return NULL;
    }
    ct_dtype dtype = (ct_dtype)a->dtype, compute = ct__compute_dtype(dtype);
    ct__element e = ct__loop_factor(ct__number_f64(weight), dtype);
    ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_as(end, dtype)};
    ct_tensor *out = ct__map_as(ct__fn(op), ct__kern()->pointwise.lerp[compute], &e, compute, dtype, in, 2);
    ct__node *n = ct__node_new(&lerp_class, t, 2, 1);
    if (n) ((fused_ctx *)ct__ctx(n))->value = weight;
    return ct__finish(n, out);
}
