/*
 * op_pow.c: powers of tensors and numbers.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

typedef struct pow_ctx { double x; } pow_ctx;

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
static const ct__node_class pow_class = {.op = CT__OP_pow, .backward = pow_backward, .n_saved = 3};

ct_tensor *ct_pow(ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_pow;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_dtype dtype = ct__common_dtype(a, b);
    CT__TRY_NULL(ct__check_not_bool(op, dtype));
    ct_tensor *out = ct__binary(op, CT__BINARY_pow, a, b, dtype);
    ct__node *n = ct__node_new(&pow_class, (ct_tensor *[]){a, b}, 2, 1);
    ct__save(n, 0, a);
    ct__save(n, 1, b);
    ct__save_output(n, 2, out, 0);
    return ct__finish(n, out);
}

/* ---- a number as the exponent: d a = g x a^(x - 1), 0 for x = 0 ---- */

static void pow_scalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    double x = ((pow_ctx *)ct__ctx(n))->x;
    if (x == 0)
        gin[0] = ct_zeros_like(g[0], CT_DTYPE_NONE);
    else
        gin[0] = ct_mul(g[0], ct_mul_scalar(ct_pow_scalar(ct__saved(n, 0), x - 1), x));
}
static const ct__node_class pow_scalar_class = {.op = CT__OP_pow_scalar, .backward = pow_scalar_backward, .n_saved = 1, .ctx_size = sizeof(pow_ctx)};
static const ct__node_class pow_scalar_int_class = {.op = CT__OP_pow_scalar_int, .backward = pow_scalar_backward, .n_saved = 1, .ctx_size = sizeof(pow_ctx)};

/* Exponents that have a faster function, which PyTorch uses too; but not for f16. */
static ct_tensor *power(int op, const ct_tensor *a, ct__number x, ct_dtype dtype) {
    bool real = ct_dtype_is_floating_point(dtype);
    if (x.f == 2) return ct__unary(op, CT__UNARY_square, a, dtype);
    if (dtype == CT_F16) return ct__binary_number(op, CT__BINARY_pow, a, x, false, dtype);
    if (real && x.f == 0.5) return ct__unary(op, CT__UNARY_sqrt, a, dtype);
    if (real && x.f == -0.5) return ct__unary(op, CT__UNARY_rsqrt, a, dtype);
    if (real && x.f == -1) return ct__unary(op, CT__UNARY_reciprocal, a, dtype);
    if (x.f != 3) return ct__binary_number(op, CT__BINARY_pow, a, x, false, dtype);
    ct_tensor *square = ct__unary(op, CT__UNARY_square, a, dtype);
    if (square && ct__binary_into(op, CT__BINARY_mul, square, a, dtype) != CT_OK) {
        ct__unref(square);
        square = NULL;
    }
    return square;
}

static ct_tensor *pow_number(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    ct_dtype dtype = ct__number_dtype(a, x);
    if (!ct_dtype_is_floating_point(dtype) && x.i < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: integers to the power of %lld would be fractions; convert with ct_to first", ct__fn(cls->op), (long long)x.i);
        return NULL;
    }
    ct_tensor *out = power(cls->op, a, x, dtype);
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    if (n) ((pow_ctx *)ct__ctx(n))->x = x.f;
    ct__save(n, 0, a);
    return ct__finish(n, out);
}
ct_tensor *ct_pow_scalar(ct_tensor *a, double b) { return pow_number(&pow_scalar_class, a, ct__number_f64(b)); }
ct_tensor *ct_pow_scalar_int(ct_tensor *a, int64_t b) { return pow_number(&pow_scalar_int_class, a, ct__number_i64(b)); }

/* ---- a number as the base: d b = g y log x, 0 where x = 0 and b >= 0 ---- */

static void pow_rscalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    double x = ((pow_ctx *)ct__ctx(n))->x;
    ct_tensor *d = ct_mul(g[0], ct_mul_scalar(ct__saved(n, 1), log(x)));
    gin[0] = x == 0 ? ct_masked_fill(d, ct_ge_scalar(ct__saved(n, 0), 0), 0) : d;
}
static const ct__node_class pow_rscalar_class = {.op = CT__OP_pow_rscalar, .backward = pow_rscalar_backward, .n_saved = 2, .ctx_size = sizeof(pow_ctx)};

ct_tensor *ct_pow_rscalar(double a, ct_tensor *b) {
    const int op = CT__OP_pow_rscalar;
    if (!ct__enter(op, &b, 1)) return NULL;
    ct__number x = ct__number_f64(a);
    ct_tensor *out = ct__binary_number(op, CT__BINARY_pow, b, x, true, ct__number_dtype(b, x));
    ct__node *n = ct__node_new(&pow_rscalar_class, &b, 1, 1);
    if (n) ((pow_ctx *)ct__ctx(n))->x = a;
    ct__save(n, 0, b);
    ct__save_output(n, 1, out, 0);
    return ct__finish(n, out);
}
