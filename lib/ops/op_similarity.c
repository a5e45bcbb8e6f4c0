/*
 * op_similarity.c: distances and similarities between vectors, and the bilinear form; composed of public ops, which give them their gradients.
 */
#include "ops/elementwise.h"
#include "ops/half.h"
#include "base/vec.h"
#include "ops/layout.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* ---- pairwise_distance: norm of x1 - x2 + eps over the last dim ---- */

ct_tensor *ct_pairwise_distance(ct_tensor *x1, ct_tensor *x2, const ct_pairwise_distance_options *o) {
    if (!ct__enter(CT__OP_pairwise_distance, (ct_tensor *[]){x1, x2}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_pairwise_distance", o));
    if (ct__all_half((ct_tensor *[]){x1, x2}, 2)) {
        ct__half h = ct__half_begin(x1);
        return ct__half_end(h, ct_pairwise_distance(ct__widen(x1), ct__widen(x2), o));
    }
    double p = o && o->p.has ? o->p.value : 2, eps = o && o->eps.has ? o->eps.value : 1e-6;
    const ct_reduce_options keep = {.keepdim = o && o->keepdim};
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_norm(ct_add_scalar(ct_sub(x1, x2), eps), p, CT_DIMS(-1), &keep));
}

/* ---- cosine_similarity: sum of x1 / max(|x1|, eps) * x2 / max(|x2|, eps) over dim ---- */

/* The limit is no part of the gradient, as in torch: below it the norm's own flows. */
static ct_tensor *length(ct_tensor *x, int64_t dim, double eps) {
    ct_tensor *norm = ct_norm(x, 2, &dim, 1, &(ct_reduce_options){.keepdim = true});
    ct_tensor *value = ct_detach(norm);
    return ct_add(norm, ct_sub(ct_clamp_min(value, eps), value));
}

ct_tensor *ct_cosine_similarity(ct_tensor *x1, ct_tensor *x2, int64_t dim, const ct_cosine_similarity_options *o) {
    int64_t sizes[CT_MAX_NDIM];
    int ndim, d;
    if (!ct__enter(CT__OP_cosine_similarity, (ct_tensor *[]){x1, x2}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_cosine_similarity", o));
    if (ct__all_half((ct_tensor *[]){x1, x2}, 2)) {
        ct__half h = ct__half_begin(x1);
        return ct__half_end(h, ct_cosine_similarity(ct__widen(x1), ct__widen(x2), dim, o));
    }
    ct_dtype dtype = ct__common_dtype(x1, x2);
    if (!ct_dtype_is_floating_point(dtype)) {
        ct__fail(CT_ERR_DTYPE, "ct_cosine_similarity: the common dtype %s is not floating point", ct_dtype_name(dtype));
        return NULL;
    }
    CT__TRY_NULL(ct__broadcast("ct_cosine_similarity", x1->sizes, x1->ndim, x2->sizes, x2->ndim, sizes, &ndim));
    CT__TRY_NULL(ct__wrap_dim("ct_cosine_similarity", dim, ndim, &d));
    double eps = o && o->eps.has ? o->eps.value : 1e-8;
    ct_scope scope = ct_scope_begin();
    ct_tensor *a = ct_expand(ct_to(x1, dtype), sizes, ndim), *b = ct_expand(ct_to(x2, dtype), sizes, ndim);
    ct_tensor *products = ct_mul(ct_div(a, length(a, d, eps)), ct_div(b, length(b, d, eps)));
    return ct_scope_return(scope, ct_sum_dim(products, CT_DIMS(d), NULL));
}

/* ---- normalize: x / max(norm(x), eps) over dim ---- */

ct_tensor *ct_normalize(ct_tensor *x, int64_t dim, const ct_normalize_options *o) {
    if (!ct__enter(CT__OP_normalize, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_normalize", o));
    if (ct__is_half(x)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_normalize(ct__widen(x), dim, o));
    }
    CT__TRY_NULL(ct__check_float(CT__OP_normalize, x));
    double p = o && o->p.has ? o->p.value : 2, eps = o && o->eps.has ? o->eps.value : 1e-12;
    ct_scope scope = ct_scope_begin();
    ct_tensor *norm = ct_norm(x, p, &dim, 1, &(ct_reduce_options){.keepdim = true});
    return ct_scope_return(scope, ct_div(x, ct_clamp_min(norm, eps)));
}

/* ---- bilinear: y[n, o] = x1[n] weight[o] x2[n] + bias[o] ---- */

static ct_status check_bilinear(const ct_tensor *x1, const ct_tensor *x2, const ct_tensor *weight, const ct_tensor *bias) {
    ct__shape_text a, b, c;
    const char *sa = CT__SIZES(&a, x1), *sb = CT__SIZES(&b, x2), *sw = CT__SIZES(&c, weight);
    if (x1->ndim != x2->ndim || x1->ndim == 0)
        return ct__fail(CT_ERR_SHAPE, "ct_bilinear: x1 %s and x2 %s must have as many dims, at least one", sa, sb);
    for (int d = 0; d < x1->ndim - 1; d++)
        if (x1->sizes[d] != x2->sizes[d]) return ct__fail(CT_ERR_SHAPE, "ct_bilinear: x1 %s and x2 %s differ in dim %d", sa, sb, d);
    if (weight->ndim != 3 || weight->sizes[1] != x1->sizes[x1->ndim - 1] || weight->sizes[2] != x2->sizes[x2->ndim - 1])
        return ct__fail(CT_ERR_SHAPE, "ct_bilinear: weight %s for x1 %s and x2 %s must be [out, %lld, %lld]", sw, sa, sb,
                        (long long)x1->sizes[x1->ndim - 1], (long long)x2->sizes[x2->ndim - 1]);
    if (bias && (bias->ndim != 1 || bias->sizes[0] != weight->sizes[0]))
        return ct__fail(CT_ERR_SHAPE, "ct_bilinear: bias %s must be [%lld]", CT__SIZES(&a, bias), (long long)weight->sizes[0]);
    CT__TRY(ct__check_not_bool(CT__OP_bilinear, (ct_dtype)x1->dtype));
    const ct_tensor *others[] = {x2, weight, bias};
    for (int i = 0; i < (bias ? 3 : 2); i++)
        if (others[i]->dtype != x1->dtype)
            return ct__fail(CT_ERR_DTYPE, "ct_bilinear: %s is %s, but x1 is %s", (const char *[]){"x2", "weight", "bias"}[i],
                            ct_dtype_name((ct_dtype)others[i]->dtype), ct_dtype_name((ct_dtype)x1->dtype));
    return CT_OK;
}

/* One product x1 [N, in1] x [in1, out in2], then the sum over in2 of it times x2. */
ct_tensor *ct_bilinear(ct_tensor *x1, ct_tensor *x2, ct_tensor *weight, ct_tensor *bias) {
    ct_tensor *in[] = {x1, x2, weight, bias};
    if (!ct__enter(CT__OP_bilinear, in, bias ? 4 : 3)) return NULL;
    CT__TRY_NULL(check_bilinear(x1, x2, weight, bias));
    if (ct__is_half(x1)) {
        ct__half h = ct__half_begin(x1);
        return ct__half_end(h, ct_bilinear(ct__widen(x1), ct__widen(x2), ct__widen(weight), ct__widen(bias)));
    }
    int64_t out = weight->sizes[0], n1 = weight->sizes[1], n2 = weight->sizes[2], rows = 1, sizes[CT_MAX_NDIM];
    for (int d = 0; d < x1->ndim - 1; d++) rows *= sizes[d] = x1->sizes[d];
    sizes[x1->ndim - 1] = out;
    ct_scope scope = ct_scope_begin();
    ct_tensor *a = ct_reshape(x1, CT_SHAPE(rows, n1)), *b = ct_reshape(x2, CT_SHAPE(rows, 1, n2));
    ct_tensor *w = ct_reshape(ct_permute(weight, CT_DIMS(1, 0, 2)), CT_SHAPE(n1, out * n2));
    ct_tensor *y = ct_sum_dim(ct_mul(ct_reshape(ct_mm(a, w), CT_SHAPE(rows, out, n2)), b), CT_DIMS(2), NULL);
    if (y && y->dtype != x1->dtype) y = ct_to(y, (ct_dtype)x1->dtype); /* sums of integers are int64 */
    if (bias) y = ct_add(y, bias);
    return ct_scope_return(scope, ct_reshape(y, sizes, x1->ndim));
}
