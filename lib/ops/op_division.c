/*
 * op_division.c: rounded division, remainders, atan2. Integers by zero are an error, and nothing traps.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

/* ---- div_tensor_mode: the quotient rounded; a step function, 0 ---- */

static void rounded_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    for (int i = 0; i < 2; i++)
        if (ct__needs(n, i)) gin[i] = ct__reduce_to_input(n, i, ct_zeros_like(g[0], CT_DTYPE_NONE));
}
static const ct__node_class div_tensor_mode_class = {.op = CT__OP_div_tensor_mode, .backward = rounded_backward};

ct_tensor *ct_div_tensor_mode(ct_tensor *a, ct_tensor *b, ct_rounding_mode rounding_mode) {
    const int op = CT__OP_div_tensor_mode;
    if (rounding_mode == CT_ROUND_NONE) return ct_div(a, b);
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    if (rounding_mode != CT_ROUND_TRUNC && rounding_mode != CT_ROUND_FLOOR) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_div_tensor_mode: %d is not a rounding mode", (int)rounding_mode);
        return NULL;
    }
    ct_dtype dtype = ct__common_dtype(a, b);
    CT__TRY_NULL(ct__check_not_bool(op, dtype));
    ct_tensor *out = ct__binary(op, rounding_mode == CT_ROUND_TRUNC ? CT__BINARY_div_trunc : CT__BINARY_div_floor, a, b, dtype);
    return ct__finish(ct__node_new(&div_tensor_mode_class, (ct_tensor *[]){a, b}, 2, 1), out);
}

/* ---- remainder: a - b floor(a / b); fmod: a - b trunc(a / b): d a = g, d b = -g times the rounded quotient ---- */

static void remainders_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin, ct_rounding_mode mode) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1))
        gin[1] = ct__reduce_to_input(n, 1, ct_mul(ct_neg(g[0]), ct_div_tensor_mode(ct__saved(n, 0), ct__saved(n, 1), mode)));
}
static void remainder_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { remainders_backward(n, g, gin, CT_ROUND_FLOOR); }
static void fmod_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) { remainders_backward(n, g, gin, CT_ROUND_TRUNC); }
static void pass_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
}
static const ct__node_class remainder_class = {.op = CT__OP_remainder, .backward = remainder_backward, .n_saved = 2};
static const ct__node_class fmod_class = {.op = CT__OP_fmod, .backward = fmod_backward, .n_saved = 2};
static const ct__node_class remainder_scalar_class = {.op = CT__OP_remainder_scalar, .backward = pass_backward};
static const ct__node_class remainder_scalar_int_class = {.op = CT__OP_remainder_scalar_int, .backward = pass_backward};

static ct_tensor *saved_both(const ct__node_class *cls, ct_tensor *a, ct_tensor *b, ct_tensor *out) {
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){a, b}, 2, 1);
    ct__save(n, 0, a);
    ct__save(n, 1, b);
    return ct__finish(n, out);
}

static ct_tensor *remaining(const ct__node_class *cls, ct__binary_fn fn, ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(cls->op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_dtype dtype = ct__common_dtype(a, b);
    CT__TRY_NULL(ct__check_not_bool(cls->op, dtype));
    return saved_both(cls, a, b, ct__binary(cls->op, fn, a, b, dtype));
}
ct_tensor *ct_remainder(ct_tensor *a, ct_tensor *b) { return remaining(&remainder_class, CT__BINARY_remainder, a, b); }
ct_tensor *ct_fmod(ct_tensor *a, ct_tensor *b) { return remaining(&fmod_class, CT__BINARY_fmod, a, b); }

static ct_tensor *remaining_number(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    ct_tensor *out = ct__binary_number(cls->op, CT__BINARY_remainder, a, x, false, ct__number_dtype(a, x));
    return ct__finish(ct__node_new(cls, &a, 1, 1), out);
}
ct_tensor *ct_remainder_scalar(ct_tensor *a, double b) { return remaining_number(&remainder_scalar_class, a, ct__number_f64(b)); }
ct_tensor *ct_remainder_scalar_int(ct_tensor *a, int64_t b) { return remaining_number(&remainder_scalar_int_class, a, ct__number_i64(b)); }

/* ---- atan2: d a = g b / (a^2 + b^2), d b = -g a / (a^2 + b^2) ---- */

static void atan2_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    ct_tensor *scaled = ct_div(g[0], ct_add(ct_square(a), ct_square(b)));
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul(scaled, b));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(scaled, ct_neg(a)));
}
static const ct__node_class atan2_class = {.op = CT__OP_atan2, .backward = atan2_backward, .n_saved = 2};

ct_tensor *ct_atan2(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_atan2, (ct_tensor *[]){a, b}, 2)) return NULL;
    return saved_both(&atan2_class, a, b, ct__binary(CT__OP_atan2, CT__BINARY_atan2, a, b, ct__at_least_float(ct__common_dtype(a, b))));
}
