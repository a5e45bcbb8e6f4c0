/*
 * op_pow.c: powers of tensors and numbers.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

/* ---- pow: a^b; d a = g b a^(b - 1), 0 for b = 0; d b = g y log a, 0 where a = 0 and b >= 0 ---- */

static void pow_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) {
        ct_tensor *slope = ct_mul(b, ct_pow(a, ct_sub_scalar(b, 1)));
        gin[0] = ct__reduce_to_input(n, 0, ct_masked_fill(ct_mul(g[0], slope), ct_eq_scalar(b, 0), 0));
    }
    if (ct__needs(n, 1)) {
        ct_tensor *flat = ct_logical_and(ct_eq_scalar(a, 0), ct_ge_scalar(b, 0)); /* where log a would be infinite */
        ct_tensor *d = ct_mul(g[0], ct_mul(ct__saved(n, 2), ct_log(a)));
        gin[1] = ct__reduce_to_input(n, 1, ct_masked_fill(d, flat, 0));
    }
}
static const ct__forms pow_forms = CT__FORMS(pow, pow_backward, 0, CT__A | CT__B, CT__A | CT__B, 0, CT__B);

ct_tensor *ct_pow(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_pow;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    const ct_dtype dtype = ct__common_dtype(a, b);
    CT__TRY_NULL(ct__check_not_bool(op, dtype));
    return ct__fresh2(&pow_forms, CT__BINARY_pow, dtype, a, b);
}
ct_status ct_pow_(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_pow_;
    if (!ct__enter_inplace(op, a, &b, 1)) return ct__pending();
    ct__call c = ct__call2(CT__BINARY_pow, ct__common_dtype(a, b), a, b);
    CT__TRY(ct__check_not_bool(op, c.dtype));
    return ct__inplace(&pow_forms, &c);
}

/* ---- a number as the exponent: d a = g x a^(x - 1), 0 for x = 0 ---- */

static void pow_scalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    double x = *(const double *)ct__ctx(n);
    if (x == 0)
        gin[0] = ct_zeros_like(g[0], CT_DTYPE_NONE);
    else
        gin[0] = ct_mul(g[0], ct_mul_scalar(ct_pow_scalar(ct__saved(n, 0), x - 1), x));
}
static const ct__forms pow_scalar = CT__FORMS(pow_scalar, pow_scalar_backward, sizeof(double), CT__A, 0, 0, 0);
static const ct__forms pow_scalar_int = CT__FORMS(pow_scalar_int, pow_scalar_backward, sizeof(double), CT__A, 0, 0, 0);

static ct_status check_exponent(int op, ct_dtype dtype, const ct__number *x) {
    if (ct_dtype_is_floating_point(dtype) || x->i >= 0) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: integers to the power of %lld would be fractions; convert with ct_to first", ct__fn(op), (long long)x->i);
}

/* Exponents that have a faster function, which PyTorch uses too; but for f16 only the square. */
static ct__call power(ct_tensor *a, const ct__number *x) {
    static const struct { double exponent; ct__unary_fn fn; } direct[] = {
        {2, CT__UNARY_square}, {3, CT__UNARY_cube}, {0.5, CT__UNARY_sqrt}, {-0.5, CT__UNARY_rsqrt}, {-1, CT__UNARY_reciprocal}};
    const ct_dtype dtype = ct__number_dtype(a, *x);
    ct__call c = ct__call2(CT__BINARY_pow, dtype, a, NULL);
    c.in[1].x = *x;
    const size_t n = dtype == CT_F16 ? 1 : ct_dtype_is_floating_point(dtype) ? CT__COUNT(direct) : 2;
    for (size_t i = 0; i < n; i++)
        if (x->f == direct[i].exponent) c = ct__call1(direct[i].fn, dtype, a);
    c.ctx = &x->f;
    return c;
}

static ct_tensor *pow_number(const ct__forms *f, ct_tensor *a, ct__number x) {
    const int op = f->fresh.op;
    if (!ct__enter(op, &a, 1)) return NULL;
    ct__call c = power(a, &x);
    CT__TRY_NULL(check_exponent(op, c.dtype, &x));
    return ct__fresh(f, &c);
}
static ct_status pow_number_(const ct__forms *f, ct_tensor *a, ct__number x) {
    const int op = f->inplace.op;
    if (!ct__enter_inplace(op, a, NULL, 0)) return ct__pending();
    ct__call c = power(a, &x);
    CT__TRY(check_exponent(op, c.dtype, &x));
    return ct__inplace(f, &c);
}
ct_tensor *ct_pow_scalar(ct_tensor *a, double b) { return pow_number(&pow_scalar, a, ct__number_f64(b)); }
ct_tensor *ct_pow_scalar_int(ct_tensor *a, int64_t b) { return pow_number(&pow_scalar_int, a, ct__number_i64(b)); }
ct_status ct_pow_scalar_(ct_tensor *a, double b) { return pow_number_(&pow_scalar, a, ct__number_f64(b)); }
ct_status ct_pow_scalar_int_(ct_tensor *a, int64_t b) { return pow_number_(&pow_scalar_int, a, ct__number_i64(b)); }

/* ---- a number as the base: d b = g y log x, 0 where x = 0 and b >= 0 ---- */

static void pow_rscalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    double x = *(const double *)ct__ctx(n);
    ct_tensor *d = ct_mul(g[0], ct_mul_scalar(ct__saved(n, 1), log(x)));
    gin[0] = x == 0 ? ct_masked_fill(d, ct_ge_scalar(ct__saved(n, 0), 0), 0) : d;
}
static const ct__forms pow_rscalar = CT__FRESH(pow_rscalar, pow_rscalar_backward, sizeof(double), CT__A, 0, 0, CT__A);
static const ct__forms pow_rscalar_int = CT__FRESH(pow_rscalar_int, pow_rscalar_backward, sizeof(double), CT__A, 0, 0, CT__A);

static ct_tensor *power_of(const ct__forms *f, ct__number x, ct_tensor *b) {
    if (!ct__enter(f->fresh.op, &b, 1)) return NULL;
    ct__call c = ct__call2(CT__BINARY_pow, ct__number_dtype(b, x), NULL, b);
    c.in[0].x = x;
    c.ctx = &x.f;
    return ct__fresh(f, &c);
}
ct_tensor *ct_pow_rscalar(double a, ct_tensor *b) { return power_of(&pow_rscalar, ct__number_f64(a), b); }
ct_tensor *ct_pow_rscalar_int(int64_t a, ct_tensor *b) { return power_of(&pow_rscalar_int, ct__number_i64(a), b); }

/* ---- float_power: pow in f64, composed ---- */

ct_tensor *ct_float_power(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_float_power, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_pow(ct_to(a, CT_F64), ct_to(b, CT_F64)));
}
ct_tensor *ct_float_power_scalar(ct_tensor *a, double b) {
    if (!ct__enter(CT__OP_float_power_scalar, &a, 1)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_pow_scalar(ct_to(a, CT_F64), b));
}
ct_tensor *ct_float_power_rscalar(double a, ct_tensor *b) {
    if (!ct__enter(CT__OP_float_power_rscalar, &b, 1)) return NULL;
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_pow_rscalar(a, ct_to(b, CT_F64)));
}
static ct_status check_f64(int op, const ct_tensor *a) {
    if (a->dtype == CT_F64) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: the result is float64 and cannot be written to a tensor of %s", ct__fn(op), ct_dtype_name((ct_dtype)a->dtype));
}
ct_status ct_float_power_(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(CT__OP_float_power_, a, &b, 1)) return ct__pending();
    CT__TRY(check_f64(CT__OP_float_power_, a));
    ct_scope scope = ct_scope_begin();
    ct_pow_(a, ct_to(b, CT_F64));
    ct_scope_end(scope);
    return ct__pending();
}
ct_status ct_float_power_scalar_(ct_tensor *a, double b) {
    if (!ct__enter_inplace(CT__OP_float_power_scalar_, a, NULL, 0)) return ct__pending();
    CT__TRY(check_f64(CT__OP_float_power_scalar_, a));
    return ct_pow_scalar_(a, b);
}
