/*
 * op_reduce_nan.c: sum and mean without what is NaN, composed: NaN becomes 0.
 */
#include "ops/half.h"
#include "ops/reduce.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_pointwise.h>

/* d a = g where a is a number, times 0 elsewhere */
static void nansum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    gin[0] = ct_mul(ct__reduce_spread(n, g[0]), ct_logical_not(ct_isnan(ct__saved(n, 0))));
}
static const ct__node_class nansum_class = CT__REDUCE_CLASS(CT__OP_nansum, nansum_backward, 1);
static const ct__node_class nansum_dim_class = CT__REDUCE_CLASS(CT__OP_nansum_dim, nansum_backward, 1);

static ct_tensor *nansum(const ct__node_class *cls, ct_tensor *a, const int64_t *dims, int n, uint32_t mask, const ct_reduce_options *options) {
    if (!ct__is_float(a)) return ct_sum_dim(a, dims, n, options);
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *out = ct_keep(ct_sum_dim(ct_masked_fill(a, ct_isnan(a), 0), dims, n, options));
    ct_scope_end(scope);
    return ct__reduce_finish(cls, a, mask, ct__keepdim(options), 0, out);
}
ct_tensor *ct_nansum(ct_tensor *a) { return ct__enter(CT__OP_nansum, &a, 1) ? nansum(&nansum_class, a, NULL, 0, ct__all_dims(a), NULL) : NULL; }
ct_tensor *ct_nansum_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    return ct__reduce_enter(CT__OP_nansum_dim, a, dims, n, options, &mask) ? nansum(&nansum_dim_class, a, dims, n, mask, options) : NULL;
}

static ct_tensor *nanmean(int op, ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    CT__TRY_NULL(ct__check_float(op, a));
    if (ct__all_half(&a, 1)) {
        ct__half h = ct__half_begin(a);
        return ct__half_end(h, nanmean(op, ct__widen(a), dims, n, options));
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *count = ct_sum_dim(ct_logical_not(ct_isnan(a)), dims, n, options);
    return ct_scope_return(scope, ct_div(ct_nansum_dim(a, dims, n, options), count));
}
ct_tensor *ct_nanmean(ct_tensor *a) { return ct__enter(CT__OP_nanmean, &a, 1) ? nanmean(CT__OP_nanmean, a, NULL, 0, NULL) : NULL; }
ct_tensor *ct_nanmean_dim(ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options) {
    uint32_t mask;
    return ct__reduce_enter(CT__OP_nanmean_dim, a, dims, n, options, &mask) ? nanmean(CT__OP_nanmean_dim, a, dims, n, options) : NULL;
}
