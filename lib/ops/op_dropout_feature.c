/*
 * op_dropout_feature.c: dropout of whole channels, and alpha dropout, which keeps mean and variance of what a SELU gives. Both make a mask by
 * ct_dropout of ones and are composed of public ops.
 *
 *      dropout1d/2d/3d          y = x m                     m [N, C, 1, ...]: 0 with probability p, else 1 / (1 - p)
 *      alpha_dropout            y = a (x k + alpha' (1 - k)) + b      k: 0 with probability p, else 1; alpha' = -scale alpha of SELU
 *      feature_alpha_dropout    the same with k [N, C, 1, ...]
 *
 * a = 1 / sqrt((1 - p)(1 + p alpha'^2)) and b = -a alpha' p: Klambauer et al., "Self-normalizing neural networks" (2017).
 */
#include "kernels/kernels.h"
#include "base/vec.h"
#include "ops/layout.h"
#include "ops/op.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <math.h>

typedef struct plan {
    int op;
    double p;
    bool feature, alpha;
    bool unbatched; /* dim 0 is the channel */
    bool nothing;   /* x stays as it is */
    ct_dropout_options options;
} plan;

/* dims: with how many x has no batch dim; 0: always with one. */
static bool plan_of(plan *c, ct_tensor *x, int dims, const ct_dropout_options *o) {
    const char *function = ct__fn(c->op);
    ct__shape_text a;
    if (CT__CHECK_OPTIONS(function, o) != CT_OK) return false;
    if (o) c->options = *o;
    if (!(c->p >= 0 && c->p <= 1)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: p is %g but must be between 0 and 1", function, c->p);
    if (!ct__is_float(x))
        ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", function, ct_dtype_name((ct_dtype)x->dtype));
    c->nothing = c->p == 0 || x->numel == 0 || c->options.no_training;
    c->unbatched = dims && x->ndim == dims;
    if (c->op == CT__OP_dropout1d || c->op == CT__OP_dropout1d_) {
        if (x->ndim != 2 && x->ndim != 3) ct__fail(CT_ERR_SHAPE, "%s: x %s must be [N, C, L] or [C, L]", function, CT__SIZES(&a, x));
    } else if (c->feature && !c->nothing && x->ndim < 2) {
        ct__fail(CT_ERR_SHAPE, "%s: x %s must have at least the dims N and C", function, CT__SIZES(&a, x));
    }
    return ct__pending() == CT_OK;
}

/* The dropout of ones: [N, C, 1, ...], [C, 1, ...] or x's shape. */
static ct_tensor *mask(const plan *c, ct_tensor *x) {
    int64_t sizes[CT_MAX_NDIM];
    int kept = c->feature ? c->unbatched ? 1 : 2 : x->ndim;
    for (int d = 0; d < x->ndim; d++) sizes[d] = d < kept ? x->sizes[d] : 1;
    return ct_dropout(ct_ones(sizes, x->ndim, (ct_dtype)x->dtype), c->p, &c->options);
}

/* y = x factor + shift; shift may be NULL. */
static void affine(const plan *c, ct_tensor *x, ct_tensor **factor, ct_tensor **shift) {
    ct_tensor *m = mask(c, x);
    *factor = m;
    *shift = NULL;
    if (!c->alpha || c->p == 1) return;
    const double alpha = CT__SELU_ALPHA * CT__SELU_SCALE, a = 1 / sqrt((alpha * alpha * c->p + 1) * (1 - c->p));
    ct_tensor *keep = ct_to(ct_gt_scalar(m, 0), (ct_dtype)x->dtype);
    *factor = ct_mul_scalar(keep, a);
    *shift = ct_add_scalar(ct_mul_scalar(ct_sub_scalar(keep, 1), alpha * a), alpha * a * c->p);
}

static ct_tensor *dropped(plan c, ct_tensor *x, int dims, const ct_dropout_options *o) {
    if (!ct__enter(c.op, &x, 1) || !plan_of(&c, x, dims, o)) return NULL;
    if (c.nothing) return ct_dropout(x, 0, NULL);
    ct_scope scope = ct_scope_begin();
    ct_tensor *factor, *shift;
    affine(&c, x, &factor, &shift);
    ct_tensor *y = ct_mul(x, factor);
    return ct_scope_return(scope, shift ? ct_add(y, shift) : y);
}

static ct_status dropped_inplace(plan c, ct_tensor *x, int dims, const ct_dropout_options *o) {
    if (!ct__enter_inplace(c.op, x, NULL, 0) || !plan_of(&c, x, dims, o)) return ct__pending();
    if (c.nothing) return CT_OK;
    ct_scope scope = ct_scope_begin();
    ct_tensor *factor, *shift;
    affine(&c, x, &factor, &shift);
    ct_mul_(x, factor);
    if (shift) ct_add_(x, shift);
    ct_scope_end(scope);
    return ct__pending();
}

#define FEATURE(name) (plan){.op = CT__OP_##name, .p = p, .feature = true}
ct_tensor *ct_dropout1d(ct_tensor *x, double p, const ct_dropout_options *options) { return dropped(FEATURE(dropout1d), x, 2, options); }
ct_tensor *ct_dropout2d(ct_tensor *x, double p, const ct_dropout_options *options) { return dropped(FEATURE(dropout2d), x, 0, options); }
ct_tensor *ct_dropout3d(ct_tensor *x, double p, const ct_dropout_options *options) { return dropped(FEATURE(dropout3d), x, 4, options); }
ct_status ct_dropout1d_(ct_tensor *x, double p, const ct_dropout_options *options) { return dropped_inplace(FEATURE(dropout1d_), x, 2, options); }
ct_status ct_dropout2d_(ct_tensor *x, double p, const ct_dropout_options *options) { return dropped_inplace(FEATURE(dropout2d_), x, 0, options); }
ct_status ct_dropout3d_(ct_tensor *x, double p, const ct_dropout_options *options) { return dropped_inplace(FEATURE(dropout3d_), x, 4, options); }
ct_status ct_dropout_(ct_tensor *x, double p, const ct_dropout_options *options) {
    return dropped_inplace((plan){.op = CT__OP_dropout_, .p = p}, x, 0, options);
}

ct_tensor *ct_alpha_dropout(ct_tensor *x, double p, const ct_dropout_options *options) {
    return dropped((plan){.op = CT__OP_alpha_dropout, .p = p, .alpha = true}, x, 0, options);
}
ct_status ct_alpha_dropout_(ct_tensor *x, double p, const ct_dropout_options *options) {
    return dropped_inplace((plan){.op = CT__OP_alpha_dropout_, .p = p, .alpha = true}, x, 0, options);
}
ct_tensor *ct_feature_alpha_dropout(ct_tensor *x, double p, const ct_dropout_options *options) {
    return dropped((plan){.op = CT__OP_feature_alpha_dropout, .p = p, .alpha = true, .feature = true}, x, 0, options);
}
ct_status ct_feature_alpha_dropout_(ct_tensor *x, double p, const ct_dropout_options *options) {
    return dropped_inplace((plan){.op = CT__OP_feature_alpha_dropout_, .p = p, .alpha = true, .feature = true}, x, 0, options);
}
