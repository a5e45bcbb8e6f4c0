/*
 * check_finite.c: the guard of a training loop.
 */
#include <ctorch/autograd.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <ctorch/train.h>

#include <math.h>

static ct_status check(ct_tensor *t, const char *name, int64_t step) {
    int64_t n = ct_numel(t);
    if (n == 1) {
        double v = ct_item_f64(t);
        if (!ct_ok() || isfinite(v)) return ct_error_status();
        return ct_error_raisef(CT_ERR_STATE, "ct_check_finite: the %s is %g at step %lld", name, isnan(v) ? fabs(v) : v, (long long)step);
    }
    int64_t bad = n - ct_item_i64(ct_sum(ct_isfinite(t)));
    if (!ct_ok() || bad == 0) return ct_error_status();
    return ct_error_raisef(CT_ERR_STATE, "ct_check_finite: %lld of %lld elements of the %s are not finite at step %lld", (long long)bad, (long long)n, name, (long long)step);
}

ct_status ct_check_finite(ct_tensor *t, const char *name, int64_t step) {
    if (!ct_ok()) return ct_error_status();
    if (!t || !name) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "ct_check_finite: the %s is NULL", t ? "name" : "tensor");
    ct_scope scope = ct_no_grad_begin();
    ct_status status = check(t, name, step);
    ct_scope_end(scope);
    return status;
}
