/*
 * op_pairs.c: functions of two tensors that are not arithmetic: atan2, hypot, logarithms of sums, xlogy, copysign, fmax, fmin, heaviside.
 */
#include "ops/forms.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

typedef enum rule { REAL, FLOAT, ANY } rule; /* integers become float32; integers are refused; the common dtype whatever it is */
typedef struct pair { ct__forms forms; ct__binary_fn fn; rule rule; } pair;
#define PAIR(name, rule, a, b, result) static const pair name##_pair = {CT__FORMS(name, name##_backward, 0, a, b, 0, result), CT__BINARY_##name, rule}
#define FRESH_PAIR(name, rule, a, b, result) static const pair name##_pair = {CT__FRESH(name, name##_backward, 0, a, b, 0, result), CT__BINARY_##name, rule}

static ct_dtype dtype_of(const pair *p, int op, const ct_tensor *a, const ct_tensor *b) {
    const ct_dtype d = ct__common_dtype(a, b);
    if (p->rule == ANY) return d;
    if (p->rule == REAL || ct_dtype_is_floating_point(d)) return ct__at_least_float(d);
    ct__fail(CT_ERR_DTYPE, "%s: wants floating point, not %s", ct__fn(op), ct_dtype_name(d));
    return CT_DTYPE_NONE;
}
static ct_tensor *fresh(const pair *p, ct_tensor *a, ct_tensor *b) {
    const int op = p->forms.fresh.op;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_dtype dtype = dtype_of(p, op, a, b);
    return dtype == CT_DTYPE_NONE ? NULL : ct__fresh2(&p->forms, p->fn, dtype, a, b);
}
static ct_status inplace(const pair *p, ct_tensor *a, ct_tensor *b) {
    const int op = p->forms.inplace.op;
    if (!ct__enter_inplace(op, a, &b, 1)) return ct__pending();
    ct_dtype dtype = dtype_of(p, op, a, b);
    if (dtype == CT_DTYPE_NONE) return ct__pending();
    ct__call c = ct__call2(p->fn, dtype, a, b);
    return ct__inplace(&p->forms, &c);
}

/* ---- atan2: d a = g b / (a^2 + b^2), d b = -g a / (a^2 + b^2) ---- */

static void atan2_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    ct_tensor *scale = ct_reciprocal(ct_add(ct_square(a), ct_square(b)));
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul(ct_mul(g[0], b), scale));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(ct_mul(g[0], ct_neg(a)), scale));
}
PAIR(atan2, REAL, CT__A | CT__B, CT__A | CT__B, 0);
ct_tensor *ct_atan2(ct_tensor *a, ct_tensor *b) { return fresh(&atan2_pair, a, b); }
ct_status ct_atan2_(ct_tensor *a, ct_tensor *b) { return inplace(&atan2_pair, a, b); }

/* ---- hypot: sqrt(a^2 + b^2); d a = g a / y, d b = g b / y ---- */

static void hypot_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *y = ct__saved(n, 2);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul(g[0], ct_div(ct__saved(n, 0), y)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct_div(ct__saved(n, 1), y)));
}
PAIR(hypot, FLOAT, CT__A, CT__B, CT__A | CT__B);
ct_tensor *ct_hypot(ct_tensor *a, ct_tensor *b) { return fresh(&hypot_pair, a, b); }
ct_status ct_hypot_(ct_tensor *a, ct_tensor *b) { return inplace(&hypot_pair, a, b); }

/* ---- logaddexp: log(e^a + e^b); d a = g / (1 + e^(b - a)), d b = g / (1 + e^(a - b)); logaddexp2 the same with 2 ---- */

static void logaddexps_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin, ct_tensor *(*power)(ct_tensor *)) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_div(g[0], ct_add_scalar(power(ct_sub(b, a)), 1)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_div(g[0], ct_add_scalar(power(ct_sub(a, b)), 1)));
}
static void logaddexp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { logaddexps_backward(n, g, gin, ct_exp); }
static void logaddexp2_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { logaddexps_backward(n, g, gin, ct_exp2); }
FRESH_PAIR(logaddexp, FLOAT, CT__A | CT__B, CT__A | CT__B, 0);
FRESH_PAIR(logaddexp2, FLOAT, CT__A | CT__B, CT__A | CT__B, 0);
ct_tensor *ct_logaddexp(ct_tensor *a, ct_tensor *b) { return fresh(&logaddexp_pair, a, b); }
ct_tensor *ct_logaddexp2(ct_tensor *a, ct_tensor *b) { return fresh(&logaddexp2_pair, a, b); }

/* ---- xlogy: a log b, 0 for a = 0; d a = g log b, 0 where a = 0 and b <= 0, d b = g a / b ---- */

static void xlogy_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) {
        ct_tensor *flat = ct_logical_and(ct_eq_scalar(a, 0), ct_le_scalar(b, 0));
        gin[0] = ct__reduce_to_input(n, 0, ct_masked_fill(ct_xlogy(g[0], b), flat, 0));
    }
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_div(ct_mul(g[0], a), b));
}
PAIR(xlogy, REAL, CT__A | CT__B, CT__A | CT__B, 0);
ct_tensor *ct_xlogy(ct_tensor *a, ct_tensor *b) { return fresh(&xlogy_pair, a, b); }
ct_status ct_xlogy_(ct_tensor *a, ct_tensor *b) { return inplace(&xlogy_pair, a, b); }

static void xlogy_scalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const double b = *(const double *)ct__ctx(n);
    ct_tensor *slope = ct_mul_scalar(g[0], log(b));
    gin[0] = b > 0 ? slope : ct_masked_fill(slope, ct_eq_scalar(ct__saved(n, 0), 0), 0);
}
static void xlogy_rscalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div(ct_mul_scalar(g[0], *(const double *)ct__ctx(n)), ct__saved(n, 0));
}
static const ct__forms xlogy_scalar = CT__FORMS(xlogy_scalar, xlogy_scalar_backward, sizeof(double), CT__A, 0, 0, 0);
static const ct__forms xlogy_rscalar = CT__FRESH(xlogy_rscalar, xlogy_rscalar_backward, sizeof(double), CT__A, 0, 0, 0);

/* A tensor and a number on its right. */
static ct__call with_number(ct__binary_fn fn, ct_tensor *a, const double *b) {
    ct__call c = ct__call2(fn, ct__at_least_float((ct_dtype)a->dtype), a, NULL);
    c.in[1].x = ct__number_f64(*b);
    c.ctx = b;
    return c;
}
ct_tensor *ct_xlogy_scalar(ct_tensor *a, double b) {
    if (!ct__enter(CT__OP_xlogy_scalar, &a, 1)) return NULL;
    ct__call c = with_number(CT__BINARY_xlogy, a, &b);
    return ct__fresh(&xlogy_scalar, &c);
}
ct_status ct_xlogy_scalar_(ct_tensor *a, double b) {
    if (!ct__enter_inplace(CT__OP_xlogy_scalar_, a, NULL, 0)) return ct__pending();
    ct__call c = with_number(CT__BINARY_xlogy, a, &b);
    return ct__inplace(&xlogy_scalar, &c);
}
ct_tensor *ct_xlogy_rscalar(double a, ct_tensor *b) {
    if (!ct__enter(CT__OP_xlogy_rscalar, &b, 1)) return NULL;
    ct__call c = with_number(CT__BINARY_xlogy, b, &a);
    c.in[0] = c.in[1];
    c.in[1] = (ct__operand){.t = b};
    return ct__fresh(&xlogy_rscalar, &c);
}

/* ---- copysign: |a| with the sign of b; d a = g y / a, 0 for a = 0, d b = 0 ---- */

static void copysign_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) {
        ct_tensor *a = ct__saved(n, 0);
        gin[0] = ct__reduce_to_input(n, 0, ct_mul(g[0], ct_masked_fill(ct_div(ct__saved(n, 1), a), ct_eq_scalar(a, 0), 0)));
    }
    if (n->n_in > 1 && ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_zeros_like(g[0], CT_DTYPE_NONE));
}
PAIR(copysign, REAL, CT__A, 0, CT__A);
static const ct__forms copysign_scalar = CT__FORMS(copysign_scalar, copysign_backward, 0, CT__A, 0, 0, CT__A);
ct_tensor *ct_copysign(ct_tensor *a, ct_tensor *b) { return fresh(&copysign_pair, a, b); }
ct_status ct_copysign_(ct_tensor *a, ct_tensor *b) { return inplace(&copysign_pair, a, b); }
ct_tensor *ct_copysign_scalar(ct_tensor *a, double b) {
    if (!ct__enter(CT__OP_copysign_scalar, &a, 1)) return NULL;
    ct__call c = with_number(CT__BINARY_copysign, a, &b);
    c.ctx = NULL;
    return ct__fresh(&copysign_scalar, &c);
}
ct_status ct_copysign_scalar_(ct_tensor *a, double b) {
    if (!ct__enter_inplace(CT__OP_copysign_scalar_, a, NULL, 0)) return ct__pending();
    ct__call c = with_number(CT__BINARY_copysign, a, &b);
    c.ctx = NULL;
    return ct__inplace(&copysign_scalar, &c);
}

/* ---- fmax, fmin: NaN loses; g to a where it is at least (at most) b or b is NaN, else to b ---- */

static void fextremum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin, ct_tensor *(*wins)(ct_tensor *, ct_tensor *)) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1), *first = ct_logical_or(wins(a, b), ct_isnan(b));
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_masked_fill(g[0], ct_logical_not(first), 0));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_masked_fill(g[0], first, 0));
}
static void fmax_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { fextremum_backward(n, g, gin, ct_ge); }
static void fmin_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { fextremum_backward(n, g, gin, ct_le); }
FRESH_PAIR(fmax, ANY, CT__A | CT__B, CT__A | CT__B, 0);
FRESH_PAIR(fmin, ANY, CT__A | CT__B, CT__A | CT__B, 0);
/* Integers have no NaN. */
ct_tensor *ct_fmax(ct_tensor *a, ct_tensor *b) { return a && b && !ct__is_float(a) && !ct__is_float(b) ? ct_maximum(a, b) : fresh(&fmax_pair, a, b); }
ct_tensor *ct_fmin(ct_tensor *a, ct_tensor *b) { return a && b && !ct__is_float(a) && !ct__is_float(b) ? ct_minimum(a, b) : fresh(&fmin_pair, a, b); }

/* ---- heaviside: 0 below 0, b at 0, 1 above; composed, no gradient ---- */

static const ct__forms heaviside = CT__FORMS(heaviside, ct__zero_backward, 0, 0, 0, 0, 0);

static ct_tensor *steps(int op, ct_tensor *a, ct_tensor *b) {
    if (a->dtype != b->dtype) {
        ct__fail(CT_ERR_DTYPE, "%s: %s and %s; both must be of one dtype", ct__fn(op), ct_dtype_name((ct_dtype)a->dtype), ct_dtype_name((ct_dtype)b->dtype));
        return NULL;
    }
    ct_scope scope = ct_no_grad_begin();
    return ct_scope_return(scope, ct_where(ct_eq_scalar(a, 0), b, ct_to(ct_gt_scalar(a, 0), (ct_dtype)a->dtype)));
}
ct_tensor *ct_heaviside(ct_tensor *a, ct_tensor *b) {
    return ct__enter(CT__OP_heaviside, (ct_tensor *[]){a, b}, 2) ? steps(CT__OP_heaviside, a, b) : NULL;
}
ct_status ct_heaviside_(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(CT__OP_heaviside_, a, &b, 1)) return ct__pending();
    ct_scope scope = ct_scope_begin();
    ct_tensor *y = steps(CT__OP_heaviside_, a, b);
    if (y) {
        ct__ref(y);
        ct__inplace_copy(&heaviside, a, y);
    }
    ct_scope_end(scope);
    return ct__pending();
}
