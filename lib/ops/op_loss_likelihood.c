/*
 * op_loss_likelihood.c: kl_div, poisson_nll_loss, gaussian_nll_loss: negative logarithms of likelihoods; composed of public ops.
 */
#include "base/vec.h"
#include "ops/layout.h"
#include "ops/loss.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_special.h>

#include <math.h>

#define TWO_PI 6.28318530717958647692

ct_tensor *ct_kl_div(ct_tensor *input, ct_tensor *target, const ct_kl_div_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_kl_div(input, target, o));
    ct_tensor *in[] = {input, target}, *loss;
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_kl_div", o));
    bool per_batch = o && o->reduction == CT_REDUCTION_BATCHMEAN;
    if (!ct__loss_begin(&c, CT__OP_kl_div, in, 2, per_batch ? CT_REDUCTION_NONE : o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    if (o && o->log_target) loss = ct_mul(ct_exp(in[1]), ct_sub(in[1], in[0]));
    else loss = ct_sub(ct_xlogy(in[1], in[1]), ct_mul(in[1], in[0]));
    if (per_batch) loss = ct_sum(loss);
    if (per_batch && input->ndim) loss = ct_div_scalar(loss, (double)input->sizes[0]);
    return ct__loss_end(&c, loss);
}

/* log(t!) by Stirling's formula, where it is good. */
static ct_tensor *log_factorial(ct_tensor *t) {
    ct_tensor *stirling = ct_sub(ct_mul(t, ct_log(t)), t);
    stirling = ct_add(stirling, ct_mul_scalar(ct_log(ct_mul_scalar(t, TWO_PI)), 0.5));
    return ct_masked_fill(stirling, ct_le_scalar(t, 1), 0);
}

ct_tensor *ct_poisson_nll_loss(ct_tensor *input, ct_tensor *target, const ct_poisson_nll_loss_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_poisson_nll_loss(input, target, options));
    ct_tensor *in[] = {input, target}, *loss;
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_poisson_nll_loss", options));
    ct_poisson_nll_loss_options o = options ? *options : (ct_poisson_nll_loss_options){0};
    if (!ct__loss_begin(&c, CT__OP_poisson_nll_loss, in, 2, o.reduction)) return NULL;
    if (!o.no_log_input) loss = ct_sub(ct_exp(in[0]), ct_mul(in[1], in[0]));
    else loss = ct_sub(in[0], ct_mul(in[1], ct_log(ct_add_scalar(in[0], o.eps.has ? o.eps.value : 1e-8))));
    if (o.full) loss = ct_add(loss, log_factorial(in[1]));
    return ct__loss_end(&c, loss);
}

/* ---- gaussian_nll_loss ---- */

/* var as it broadcasts against input; NULL on an error. */
static ct_tensor *fitted_variance(const char *function, const ct_tensor *input, ct_tensor *var) {
    int differ = 0, ones = 0;
    ct__shape_text vs, is;
    for (int d = 0; d < var->ndim && d < input->ndim; d++) {
        differ += var->sizes[d] != input->sizes[d];
        ones += var->sizes[d] != input->sizes[d] && var->sizes[d] == 1;
    }
    if (var->ndim == input->ndim && (differ == 0 || (differ == 1 && ones == 1))) return var;
    if (var->ndim == input->ndim - 1 && differ == 0) return ct_unsqueeze(var, -1);
    ct__fail(CT_ERR_SHAPE, "%s: var %s is neither of input's shape %s, nor without its last dim, nor with 1 in one dim", function, CT__SIZES(&vs, var),
             CT__SIZES(&is, input));
    return NULL;
}

static bool check_variance(const char *function, ct_tensor *var) {
    ct_tensor *rows = ct__dense(function, var);
    if (!rows) return false;
    const int64_t size = (int64_t)ct_dtype_size((ct_dtype)rows->dtype), n = rows->numel;
    int64_t at = 0;
    while (at < n && !(ct__load_f64(ct__ptr(rows) + at * size, (ct_dtype)rows->dtype) < 0)) at++;
    if (at < n)
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: var has %g at position %lld, but none may be negative", function,
                 ct__load_f64(ct__ptr(rows) + at * size, (ct_dtype)rows->dtype), (long long)at);
    ct__unref(rows);
    return at == n;
}

/* max(var, eps), where the limit is no part of the gradient. */
static ct_tensor *limited(ct_tensor *var, double eps) {
    ct_tensor *v = ct_clone(var);
    ct_scope unrecorded = ct_no_grad_begin();
    if (v) ct_clamp_min_(v, eps);
    ct_scope_end(unrecorded);
    return v;
}

ct_tensor *ct_gaussian_nll_loss(ct_tensor *input, ct_tensor *target, ct_tensor *var, const ct_gaussian_nll_loss_options *options) {
    ct_tensor *in[] = {input, target, var};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_gaussian_nll_loss", options));
    ct_gaussian_nll_loss_options o = options ? *options : (ct_gaussian_nll_loss_options){0};
    if (!ct__loss_begin(&c, CT__OP_gaussian_nll_loss, in, 3, o.reduction)) return NULL;
    if (in[2] && !check_variance(c.function, in[2])) return ct__loss_end(&c, NULL);
    ct_tensor *v = in[2] ? fitted_variance(c.function, input, in[2]) : NULL;
    v = v ? limited(v, o.eps.has ? o.eps.value : 1e-6) : NULL;
    ct_tensor *loss = ct_mul_scalar(ct_add(ct_log(v), ct_div(ct_square(ct_sub(in[0], in[1])), v)), 0.5);
    if (o.full) loss = ct_add_scalar(loss, 0.5 * log(TWO_PI));
    return ct__loss_end(&c, loss);
}
