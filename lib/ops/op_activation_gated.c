/*
 * op_activation_gated.c: activations with a second input or a random one, composed of public ops, which give them their gradients: prelu, rrelu, glu,
 * softmin, gumbel_softmax.
 */
#include "ops/activation.h"
#include "ops/elementwise.h"
#include "ops/half.h"
#include "base/vec.h"
#include "ops/layout.h"

#include "core/generator.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* ---- prelu: x where x > 0, else weight x; weight [1], [] or one number per channel, which is dim 1 ---- */

static ct_status check_prelu(const ct_tensor *x, const ct_tensor *weight) {
    ct__shape_text a, b;
    CT__TRY(ct__check_float(CT__OP_prelu, x));
    if (weight->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "ct_prelu: x is %s, but weight is %s", ct_dtype_name((ct_dtype)x->dtype),
                        ct_dtype_name((ct_dtype)weight->dtype));
    if (weight->ndim > 1) return ct__fail(CT_ERR_SHAPE, "ct_prelu: weight %s must have at most one dim", CT__SIZES(&b, weight));
    if (weight->numel == 1) return CT_OK;
    int64_t channels = x->ndim > 1 ? x->sizes[1] : 1;
    if (x->ndim == 0 || weight->numel != channels)
        return ct__fail(CT_ERR_SHAPE, "ct_prelu: weight %s for x %s, which has %lld channels", CT__SIZES(&b, weight), CT__SIZES(&a, x),
                        (long long)channels);
    return CT_OK;
}

ct_tensor *ct_prelu(ct_tensor *x, ct_tensor *weight) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight}, 2, &cast)) return ct_scope_return(cast, ct_prelu(x, weight));
    if (!ct__enter(CT__OP_prelu, (ct_tensor *[]){x, weight}, 2)) return NULL;
    CT__TRY_NULL(check_prelu(x, weight));
    int64_t sizes[CT_MAX_NDIM];
    for (int d = 0; d < x->ndim; d++) sizes[d] = 1;
    if (x->ndim > 1) sizes[1] = weight->numel;
    ct_scope scope = ct_scope_begin();
    ct_tensor *w = ct_reshape(weight, sizes, x->ndim);
    return ct_scope_return(scope, ct_where(ct_gt_scalar(x, 0), x, ct_mul(w, x)));
}

/* ---- rrelu: x where x > 0, else slope x; slope drawn from [lower, upper) for each element, or their mean ---- */

typedef struct rrelu_plan {
    double lower, upper;
    bool training;
    ct_generator *generator;
} rrelu_plan;

static bool rrelu_plan_of(const char *function, const ct_rrelu_options *o, rrelu_plan *p) {
    if (CT__CHECK_OPTIONS(function, o) != CT_OK) return false;
    *p = (rrelu_plan){1.0 / 8, 1.0 / 3, o && o->training, o ? o->generator : NULL};
    if (o && o->lower.has) p->lower = o->lower.value;
    if (o && o->upper.has) p->upper = o->upper.value;
    if (!(p->lower <= p->upper)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: lower %g is above upper %g", function, p->lower, p->upper);
    return ct__pending() == CT_OK;
}

/* 1 above 0, a slope elsewhere, drawn one after the other in row-major order: torch's stream. */
static ct_tensor *rrelu_slopes(const char *function, ct_tensor *x, const rrelu_plan *p) {
    ct_tensor *in = ct__dense(function, x), *out = in ? ct__new(function, x->sizes, x->ndim, (ct_dtype)x->dtype) : NULL;
    if (out && out->numel) {
        const size_t size = ct_dtype_size((ct_dtype)x->dtype);
        ct_generator *g = ct__generator_lock(p->generator);
        for (int64_t i = 0; i < out->numel; i++) {
            bool draws = ct__load_f64(ct__ptr(in) + (size_t)i * size, (ct_dtype)x->dtype) <= 0;
            ct__store_f64(ct__ptr(out) + (size_t)i * size, (ct_dtype)x->dtype, draws ? ct__draw_f64(g) * (p->upper - p->lower) + p->lower : 1);
        }
        ct__generator_unlock(g);
    }
    ct__unref(in);
    return ct__scope_give(out);
}

ct_tensor *ct_rrelu(ct_tensor *x, const ct_rrelu_options *options) {
    rrelu_plan p;
    if (!ct__enter(CT__OP_rrelu, &x, 1) || !rrelu_plan_of("ct_rrelu", options, &p)) return NULL;
    CT__TRY_NULL(ct__check_float(CT__OP_rrelu, x));
    if (!p.training) return ct_leaky_relu(x, &(ct_leaky_relu_options){.negative_slope = {true, (p.lower + p.upper) / 2}});
    ct_scope scope = ct_scope_begin();
    ct_tensor *slopes = rrelu_slopes("ct_rrelu", x, &p);
    return ct_scope_return(scope, slopes ? ct_mul(x, slopes) : NULL);
}

ct_status ct_rrelu_(ct_tensor *x, const ct_rrelu_options *options) {
    rrelu_plan p;
    if (!ct__enter_inplace(CT__OP_rrelu_, x, NULL, 0) || !rrelu_plan_of("ct_rrelu_", options, &p)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_rrelu_, x));
    if (!p.training) return ct_leaky_relu_(x, &(ct_leaky_relu_options){.negative_slope = {true, (p.lower + p.upper) / 2}});
    ct_scope scope = ct_scope_begin();
    ct_tensor *slopes = rrelu_slopes("ct_rrelu_", x, &p);
    if (slopes) ct_mul_(x, slopes);
    ct_scope_end(scope);
    return ct__pending();
}

/* ---- glu: a sigmoid(b), a and b the halves of x along dim ---- */

ct_tensor *ct_glu(ct_tensor *x, int64_t dim_in) {
    int dim;
    ct__shape_text a;
    if (!ct__enter(CT__OP_glu, &x, 1)) return NULL;
    if (ct__is_half(x)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_glu(ct__widen(x), dim_in));
    }
    CT__TRY_NULL(ct__check_float(CT__OP_glu, x));
    if (x->ndim == 0) {
        ct__fail(CT_ERR_SHAPE, "ct_glu: x has no dims");
        return NULL;
    }
    CT__TRY_NULL(ct__wrap_dim("ct_glu", dim_in, x->ndim, &dim));
    int64_t n = x->sizes[dim];
    if (n % 2) {
        ct__fail(CT_ERR_SHAPE, "ct_glu: x %s has %lld elements along dim %d, which is odd", CT__SIZES(&a, x), (long long)n, dim);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_mul(ct_narrow(x, dim, 0, n / 2), ct_sigmoid(ct_narrow(x, dim, n / 2, n / 2))));
}

/* ---- softmin: softmax(-x) ---- */

ct_tensor *ct_softmin(ct_tensor *x, int64_t dim) {
    if (!ct__enter(CT__OP_softmin, &x, 1)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_softmax(ct_neg(x), dim));
}

/* ---- gumbel_softmax: softmax((x + n) / tau), n = -log(e), e of the exponential distribution; hard: 1 at the largest, the soft gradient ---- */

ct_tensor *ct_gumbel_softmax(ct_tensor *x, int64_t dim, const ct_gumbel_softmax_options *o) {
    if (!ct__enter(CT__OP_gumbel_softmax, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_gumbel_softmax", o));
    CT__TRY_NULL(ct__check_float(CT__OP_gumbel_softmax, x));
    int d;
    CT__TRY_NULL(ct__wrap_dim("ct_gumbel_softmax", dim, x->ndim, &d));
    double tau = o && o->tau != 0 ? o->tau : 1;
    if (!(tau > 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_gumbel_softmax: tau is %g but must be positive", tau);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *u = ct_rand(x->sizes, x->ndim, CT_F64, o ? o->generator : NULL);
    ct_tensor *e = ct_clamp_min(ct_neg(ct_log1p(ct_neg(u))), 0x1p-54);
    ct_tensor *noise = ct_to(ct_neg(ct_log(e)), (ct_dtype)x->dtype);
    ct_tensor *soft = ct_softmax(ct_div_scalar(ct_add(x, noise), tau), d);
    if (!o || !o->hard || !soft || soft->numel == 0) return ct_scope_return(scope, soft);
    ct_tensor *fixed = ct_detach(soft), *at;
    ct_max_dim(fixed, d, &(ct_reduce_options){.keepdim = true}, &at);
    ct_tensor *one = ct_scatter(ct_zeros_like(fixed, CT_DTYPE_NONE), d, at, ct_ones_like(at, (ct_dtype)x->dtype));
    return ct_scope_return(scope, ct_add(ct_sub(one, fixed), soft));
}
