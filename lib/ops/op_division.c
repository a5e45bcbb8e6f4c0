/*
 * op_division.c: rounded divisions and remainders. Integers by zero are an error, and nothing traps.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

/* A description, and what it computes. */
typedef struct division { ct__forms forms; ct__binary_fn fn; } division;

/* ---- Calls: two tensors, or a tensor and a number on its right or left ---- */

static ct__call call(ct__binary_fn fn, ct_dtype dtype, ct__operand a, ct__operand b) {
    ct__call c = ct__call2(fn, dtype, NULL, NULL);
    c.in[0] = a;
    c.in[1] = b;
    c.divides = true;
    c.factors = fn == CT__BINARY_div_trunc || fn == CT__BINARY_div_floor;
    return c;
}

static ct_tensor *two(const division *d, ct_tensor *a, ct_tensor *b) {
    const int op = d->forms.fresh.op;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct__call c = call(d->fn, ct__common_dtype(a, b), (ct__operand){.t = a}, (ct__operand){.t = b});
    CT__TRY_NULL(ct__check_not_bool(op, c.dtype));
    return ct__fresh(&d->forms, &c);
}
static ct_status two_(const division *d, ct_tensor *a, ct_tensor *b) {
    const int op = d->forms.inplace.op;
    if (!ct__enter_inplace(op, a, &b, 1)) return ct__pending();
    ct__call c = call(d->fn, ct__common_dtype(a, b), (ct__operand){.t = a}, (ct__operand){.t = b});
    CT__TRY(ct__check_not_bool(op, c.dtype));
    return ct__inplace(&d->forms, &c);
}
static ct_tensor *right(const division *d, ct_tensor *a, ct__number x) {
    if (!ct__enter(d->forms.fresh.op, &a, 1)) return NULL;
    ct__call c = call(d->fn, ct__number_dtype(a, x), (ct__operand){.t = a}, (ct__operand){.x = x});
    return ct__fresh(&d->forms, &c);
}
static ct_status right_(const division *d, ct_tensor *a, ct__number x) {
    if (!ct__enter_inplace(d->forms.inplace.op, a, NULL, 0)) return ct__pending();
    ct__call c = call(d->fn, ct__number_dtype(a, x), (ct__operand){.t = a}, (ct__operand){.x = x});
    return ct__inplace(&d->forms, &c);
}

/* ---- div_tensor_mode, div_scalar_mode, floor_divide: the quotient rounded; a step function, 0 ---- */

#define ROUNDED(name, fn) static const division name##_##fn = {CT__FORMS(name, ct__zero_backward, 0, 0, 0, 0, 0), CT__BINARY_##fn}
ROUNDED(div_tensor_mode, div_trunc);
ROUNDED(div_tensor_mode, div_floor);
ROUNDED(div_scalar_mode, div_trunc);
ROUNDED(div_scalar_mode, div_floor);
ROUNDED(div_scalar_mode_int, div_trunc);
ROUNDED(div_scalar_mode_int, div_floor);
ROUNDED(floor_divide, div_floor);
ROUNDED(floor_divide_scalar, div_floor);
ROUNDED(floor_divide_scalar_int, div_floor);

/* The one for the mode; NULL: it is none. */
static const division *by_mode(int op, ct_rounding_mode mode, const division *trunc, const division *floor) {
    if (mode == CT_ROUND_TRUNC) return trunc;
    if (mode == CT_ROUND_FLOOR) return floor;
    if (ct__pending() == CT_OK) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a rounding mode", ct__fn(op), (int)mode);
    return NULL;
}

ct_tensor *ct_div_tensor_mode(ct_tensor *a, ct_tensor *b, ct_rounding_mode rounding_mode) {
    if (rounding_mode == CT_ROUND_NONE) return ct_div(a, b);
    const division *d = by_mode(CT__OP_div_tensor_mode, rounding_mode, &div_tensor_mode_div_trunc, &div_tensor_mode_div_floor);
    return d ? two(d, a, b) : NULL;
}
ct_status ct_div_tensor_mode_(ct_tensor *a, ct_tensor *b, ct_rounding_mode rounding_mode) {
    if (rounding_mode == CT_ROUND_NONE) return ct_div_(a, b);
    const division *d = by_mode(CT__OP_div_tensor_mode_, rounding_mode, &div_tensor_mode_div_trunc, &div_tensor_mode_div_floor);
    return d ? two_(d, a, b) : ct__pending();
}
ct_tensor *ct_div_scalar_mode(ct_tensor *a, double b, ct_rounding_mode rounding_mode) {
    if (rounding_mode == CT_ROUND_NONE) return ct_div_scalar(a, b);
    const division *d = by_mode(CT__OP_div_scalar_mode, rounding_mode, &div_scalar_mode_div_trunc, &div_scalar_mode_div_floor);
    return d ? right(d, a, ct__number_f64(b)) : NULL;
}
ct_status ct_div_scalar_mode_(ct_tensor *a, double b, ct_rounding_mode rounding_mode) {
    if (rounding_mode == CT_ROUND_NONE) return ct_div_scalar_(a, b);
    const division *d = by_mode(CT__OP_div_scalar_mode_, rounding_mode, &div_scalar_mode_div_trunc, &div_scalar_mode_div_floor);
    return d ? right_(d, a, ct__number_f64(b)) : ct__pending();
}
ct_tensor *ct_div_scalar_mode_int(ct_tensor *a, int64_t b, ct_rounding_mode rounding_mode) {
    if (rounding_mode == CT_ROUND_NONE) return ct_div_scalar(a, (double)b);
    const division *d = by_mode(CT__OP_div_scalar_mode_int, rounding_mode, &div_scalar_mode_int_div_trunc, &div_scalar_mode_int_div_floor);
    return d ? right(d, a, ct__number_i64(b)) : NULL;
}
ct_status ct_div_scalar_mode_int_(ct_tensor *a, int64_t b, ct_rounding_mode rounding_mode) {
    if (rounding_mode == CT_ROUND_NONE) return ct_div_scalar_(a, (double)b);
    const division *d = by_mode(CT__OP_div_scalar_mode_int_, rounding_mode, &div_scalar_mode_int_div_trunc, &div_scalar_mode_int_div_floor);
    return d ? right_(d, a, ct__number_i64(b)) : ct__pending();
}
ct_tensor *ct_floor_divide(ct_tensor *a, ct_tensor *b) { return two(&floor_divide_div_floor, a, b); }
ct_status ct_floor_divide_(ct_tensor *a, ct_tensor *b) { return two_(&floor_divide_div_floor, a, b); }
ct_tensor *ct_floor_divide_scalar(ct_tensor *a, double b) { return right(&floor_divide_scalar_div_floor, a, ct__number_f64(b)); }
ct_status ct_floor_divide_scalar_(ct_tensor *a, double b) { return right_(&floor_divide_scalar_div_floor, a, ct__number_f64(b)); }
ct_tensor *ct_floor_divide_scalar_int(ct_tensor *a, int64_t b) { return right(&floor_divide_scalar_int_div_floor, a, ct__number_i64(b)); }
ct_status ct_floor_divide_scalar_int_(ct_tensor *a, int64_t b) { return right_(&floor_divide_scalar_int_div_floor, a, ct__number_i64(b)); }

/* ---- remainder: a - b floor(a / b); fmod: a - b trunc(a / b): d a = g, d b = -g times the rounded quotient ---- */

static void remainders_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin, ct_rounding_mode mode) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1))
        gin[1] = ct__reduce_to_input(n, 1, ct_mul(ct_neg(g[0]), ct_div_tensor_mode(ct__saved(n, 0), ct__saved(n, 1), mode)));
}
static void remainder_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { remainders_backward(n, g, gin, CT_ROUND_FLOOR); }
static void fmod_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { remainders_backward(n, g, gin, CT_ROUND_TRUNC); }

#define REMAINDER(name) static const division name##_two = {CT__FORMS(name, name##_backward, 0, CT__B, CT__B, 0, 0), CT__BINARY_##name}
#define REMAINDER_OF(name, fn) static const division name##_right = {CT__FORMS(name, ct__pass_backward, 0, 0, 0, 0, 0), CT__BINARY_##fn}
REMAINDER(remainder);
REMAINDER(fmod);
REMAINDER_OF(remainder_scalar, remainder);
REMAINDER_OF(remainder_scalar_int, remainder);
REMAINDER_OF(fmod_scalar, fmod);
REMAINDER_OF(fmod_scalar_int, fmod);

ct_tensor *ct_remainder(ct_tensor *a, ct_tensor *b) { return two(&remainder_two, a, b); }
ct_tensor *ct_fmod(ct_tensor *a, ct_tensor *b) { return two(&fmod_two, a, b); }
ct_tensor *ct_remainder_scalar(ct_tensor *a, double b) { return right(&remainder_scalar_right, a, ct__number_f64(b)); }
ct_tensor *ct_remainder_scalar_int(ct_tensor *a, int64_t b) { return right(&remainder_scalar_int_right, a, ct__number_i64(b)); }
ct_tensor *ct_fmod_scalar(ct_tensor *a, double b) { return right(&fmod_scalar_right, a, ct__number_f64(b)); }
ct_tensor *ct_fmod_scalar_int(ct_tensor *a, int64_t b) { return right(&fmod_scalar_int_right, a, ct__number_i64(b)); }
ct_status ct_remainder_(ct_tensor *a, ct_tensor *b) { return two_(&remainder_two, a, b); }
ct_status ct_fmod_(ct_tensor *a, ct_tensor *b) { return two_(&fmod_two, a, b); }
ct_status ct_remainder_scalar_(ct_tensor *a, double b) { return right_(&remainder_scalar_right, a, ct__number_f64(b)); }
ct_status ct_remainder_scalar_int_(ct_tensor *a, int64_t b) { return right_(&remainder_scalar_int_right, a, ct__number_i64(b)); }
ct_status ct_fmod_scalar_(ct_tensor *a, double b) { return right_(&fmod_scalar_right, a, ct__number_f64(b)); }
ct_status ct_fmod_scalar_int_(ct_tensor *a, int64_t b) { return right_(&fmod_scalar_int_right, a, ct__number_i64(b)); }

/* ---- remainder of a number: d b = -g floor(x / b) ---- */

static void remainder_rscalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul(ct_neg(g[0]), ct_floor(ct_div_rscalar(*(const double *)ct__ctx(n), ct__saved(n, 0))));
}
static const ct__forms remainder_rscalar = CT__FRESH(remainder_rscalar, remainder_rscalar_backward, sizeof(double), CT__A, 0, 0, 0);
static const ct__forms remainder_rscalar_int = CT__FRESH(remainder_rscalar_int, remainder_rscalar_backward, sizeof(double), CT__A, 0, 0, 0);

static ct_tensor *left(const ct__forms *f, ct__number x, ct_tensor *b) {
    if (!ct__enter(f->fresh.op, &b, 1)) return NULL;
    ct__call c = call(CT__BINARY_remainder, ct__number_dtype(b, x), (ct__operand){.x = x}, (ct__operand){.t = b});
    c.ctx = &x.f;
    return ct__fresh(f, &c);
}
ct_tensor *ct_remainder_rscalar(double a, ct_tensor *b) { return left(&remainder_rscalar, ct__number_f64(a), b); }
ct_tensor *ct_remainder_rscalar_int(int64_t a, ct_tensor *b) { return left(&remainder_rscalar_int, ct__number_i64(a), b); }
