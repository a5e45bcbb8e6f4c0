/*
 * op_cdist.c: distances of all pairs of rows.
 *
 * p = 2 has a formula of its own, which needs no [P, R, M] tensor:
 *
 *      w = g / d, 0 where d is 0      gx1 = x1 rowsum(w) - w x2      gx2 = x2 columnsum(w) - w^T x1
 *
 * forward from more than 25 rows on as sqrt(max(|x1|^2 + |x2|^2 - 2 x1 x2^T, 0)), the sum as one product of [P, M + 2] and [M + 2, R], as PyTorch's
 * euclidean_dist. All else is the norm of the broadcast differences.
 */
#include "ops/layout.h"

#include "base/vec.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

static ct_tensor *by_differences(ct_tensor *x1, ct_tensor *x2, double p) {
    return ct_norm(ct_sub(ct_unsqueeze(x1, -2), ct_unsqueeze(x2, -3)), p, CT_DIMS(-1), NULL);
}

static ct_tensor *by_product(ct_tensor *x1, ct_tensor *x2) {
    const ct_reduce_options keep = {.keepdim = true};
    ct_tensor *n1 = ct_sum_dim(ct_square(x1), CT_DIMS(-1), &keep), *n2 = ct_sum_dim(ct_square(x2), CT_DIMS(-1), &keep);
    ct_tensor *left = ct_cat(CT_TENSORS(ct_mul_scalar(x1, -2), n1, ct_ones_like(n1, CT_DTYPE_NONE)), -1);
    ct_tensor *right = ct_cat(CT_TENSORS(x2, ct_ones_like(n2, CT_DTYPE_NONE), n2), -1);
    return ct_sqrt(ct_clamp_min(ct_matmul(left, ct_transpose(right, -2, -1)), 0));
}

/* Slots: 0 x1, 1 x2, 2 distances. */
static void cdist_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *x1 = ct__saved(n, 0), *x2 = ct__saved(n, 1), *d = ct__saved(n, 2);
    if (!x1 || !x2 || !d) return;
    const ct_reduce_options keep = {.keepdim = true};
    ct_tensor *zero = ct_eq_scalar(d, 0), *w = ct_masked_fill(ct_div(g[0], ct_masked_fill(d, zero, 1)), zero, 0), *wt = ct_transpose(w, -2, -1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_sub(ct_mul(x1, ct_sum_dim(w, CT_DIMS(-1), &keep)), ct_matmul(w, x2)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_sub(ct_mul(x2, ct_sum_dim(wt, CT_DIMS(-1), &keep)), ct_matmul(wt, x1)));
}
static const ct__node_class cdist_class = {.op = CT__OP_cdist, .backward = cdist_backward, .n_saved = 3};

static ct_status check(const ct_tensor *x1, const ct_tensor *x2, double p) {
    ct__shape_text a, b;
    int64_t batch[CT_MAX_NDIM];
    int n;
    if ((x1->dtype != CT_F32 && x1->dtype != CT_F64) || x1->dtype != x2->dtype)
        return ct__fail(CT_ERR_DTYPE, "ct_cdist: x1 is %s, x2 is %s; both must be float32 or both float64", ct_dtype_name((ct_dtype)x1->dtype),
                        ct_dtype_name((ct_dtype)x2->dtype));
    if (x1->ndim < 2 || x2->ndim < 2 || x1->sizes[x1->ndim - 1] != x2->sizes[x2->ndim - 1])
        return ct__fail(CT_ERR_SHAPE, "ct_cdist: x1 %s and x2 %s must be [.., P, M] and [.., R, M]", CT__SIZES(&a, x1), CT__SIZES(&b, x2));
    if (!(p >= 0)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_cdist: p is %g; it must not be negative", p);
    return ct__broadcast("ct_cdist", x1->sizes, x1->ndim - 2, x2->sizes, x2->ndim - 2, batch, &n);
}

ct_tensor *ct_cdist(ct_tensor *x1, ct_tensor *x2, double p) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x1, &x2}, 2, &cast)) return ct_scope_return(cast, ct_cdist(x1, x2, p));
    ct_tensor *in[] = {x1, x2}, *out;
    if (!ct__enter(CT__OP_cdist, in, 2)) return NULL;
    CT__TRY_NULL(check(x1, x2, p));
    bool empty = x1->sizes[x1->ndim - 1] == 0;
    if (p != 2 || empty) {
        ct_scope scope = ct_scope_begin();
        return ct_scope_return(scope, by_differences(x1, x2, empty ? 2 : p));
    }
    ct_scope scope = ct_no_grad_begin();
    bool many = x1->sizes[x1->ndim - 2] > 25 || x2->sizes[x2->ndim - 2] > 25;
    out = ct_keep(many ? by_product(x1, x2) : by_differences(x1, x2, 2));
    ct_scope_end(scope);
    ct__node *n = out ? ct__node_new(&cdist_class, in, 2, 1) : NULL;
    ct__save(n, 0, x1);
    ct__save(n, 1, x2);
    ct__save_output(n, 2, out, 0);
    return ct__finish(n, out);
}
