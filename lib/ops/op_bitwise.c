/*
 * op_bitwise.c: bits of integers and bools. Nothing flows back.
 */
#include "ops/forms.h"
#include <ctorch/ops_pointwise.h>

typedef struct bitwise { ct__forms forms; ct__binary_fn fn; bool shifts; } bitwise;
#define BITWISE(name, fn, shifts) static const bitwise name = {CT__FORMS(name, NULL, 0, 0, 0, 0, 0), CT__BINARY_##fn, shifts}
BITWISE(bitwise_and, bitwise_and, false);
BITWISE(bitwise_and_scalar_int, bitwise_and, false);
BITWISE(bitwise_or, bitwise_or, false);
BITWISE(bitwise_or_scalar_int, bitwise_or, false);
BITWISE(bitwise_xor, bitwise_xor, false);
BITWISE(bitwise_xor_scalar_int, bitwise_xor, false);
BITWISE(bitwise_left_shift, left_shift, true);
BITWISE(bitwise_left_shift_scalar_int, left_shift, true);
BITWISE(bitwise_right_shift, right_shift, true);
BITWISE(bitwise_right_shift_scalar_int, right_shift, true);

static ct_status check(const bitwise *b, int op, ct_dtype dtype) {
    return b->shifts && dtype == CT_BOOL ? ct__check_not_bool(op, dtype) : ct__check_bits(op, dtype);
}

/* b, or x if b is NULL */
static ct__call call(const bitwise *f, ct_tensor *a, ct_tensor *b, int64_t x) {
    ct__call c = ct__call2(f->fn, b ? ct__common_dtype(a, b) : ct__number_dtype(a, ct__number_i64(x)), a, b);
    c.in[1].x = ct__number_i64(x);
    return c;
}
static ct_tensor *fresh(const bitwise *f, ct_tensor *a, ct_tensor *b, int64_t x) {
    ct__call c = call(f, a, b, x);
    CT__TRY_NULL(check(f, f->forms.fresh.op, c.dtype));
    return ct__fresh(&f->forms, &c);
}
static ct_status inplace(const bitwise *f, ct_tensor *a, ct_tensor *b, int64_t x) {
    ct__call c = call(f, a, b, x);
    CT__TRY(check(f, f->forms.inplace.op, c.dtype));
    return ct__inplace(&f->forms, &c);
}

static ct_tensor *two(const bitwise *f, ct_tensor *a, ct_tensor *b) {
    return ct__enter(f->forms.fresh.op, (ct_tensor *[]){a, b}, 2) ? fresh(f, a, b, 0) : NULL;
}
static ct_status two_(const bitwise *f, ct_tensor *a, ct_tensor *b) {
    return ct__enter_inplace(f->forms.inplace.op, a, &b, 1) ? inplace(f, a, b, 0) : ct__pending();
}
static ct_tensor *number(const bitwise *f, ct_tensor *a, int64_t x) {
    return ct__enter(f->forms.fresh.op, &a, 1) ? fresh(f, a, NULL, x) : NULL;
}
static ct_status number_(const bitwise *f, ct_tensor *a, int64_t x) {
    return ct__enter_inplace(f->forms.inplace.op, a, NULL, 0) ? inplace(f, a, NULL, x) : ct__pending();
}

ct_tensor *ct_bitwise_and(ct_tensor *a, ct_tensor *b) { return two(&bitwise_and, a, b); }
ct_tensor *ct_bitwise_or(ct_tensor *a, ct_tensor *b) { return two(&bitwise_or, a, b); }
ct_tensor *ct_bitwise_xor(ct_tensor *a, ct_tensor *b) { return two(&bitwise_xor, a, b); }
ct_tensor *ct_bitwise_left_shift(ct_tensor *a, ct_tensor *b) { return two(&bitwise_left_shift, a, b); }
ct_tensor *ct_bitwise_right_shift(ct_tensor *a, ct_tensor *b) { return two(&bitwise_right_shift, a, b); }
ct_tensor *ct_bitwise_and_scalar_int(ct_tensor *a, int64_t b) { return number(&bitwise_and_scalar_int, a, b); }
ct_tensor *ct_bitwise_or_scalar_int(ct_tensor *a, int64_t b) { return number(&bitwise_or_scalar_int, a, b); }
ct_tensor *ct_bitwise_xor_scalar_int(ct_tensor *a, int64_t b) { return number(&bitwise_xor_scalar_int, a, b); }
ct_tensor *ct_bitwise_left_shift_scalar_int(ct_tensor *a, int64_t b) { return number(&bitwise_left_shift_scalar_int, a, b); }
ct_tensor *ct_bitwise_right_shift_scalar_int(ct_tensor *a, int64_t b) { return number(&bitwise_right_shift_scalar_int, a, b); }
ct_status ct_bitwise_and_(ct_tensor *a, ct_tensor *b) { return two_(&bitwise_and, a, b); }
ct_status ct_bitwise_or_(ct_tensor *a, ct_tensor *b) { return two_(&bitwise_or, a, b); }
ct_status ct_bitwise_xor_(ct_tensor *a, ct_tensor *b) { return two_(&bitwise_xor, a, b); }
ct_status ct_bitwise_left_shift_(ct_tensor *a, ct_tensor *b) { return two_(&bitwise_left_shift, a, b); }
ct_status ct_bitwise_right_shift_(ct_tensor *a, ct_tensor *b) { return two_(&bitwise_right_shift, a, b); }
ct_status ct_bitwise_and_scalar_int_(ct_tensor *a, int64_t b) { return number_(&bitwise_and_scalar_int, a, b); }
ct_status ct_bitwise_or_scalar_int_(ct_tensor *a, int64_t b) { return number_(&bitwise_or_scalar_int, a, b); }
ct_status ct_bitwise_xor_scalar_int_(ct_tensor *a, int64_t b) { return number_(&bitwise_xor_scalar_int, a, b); }
ct_status ct_bitwise_left_shift_scalar_int_(ct_tensor *a, int64_t b) { return number_(&bitwise_left_shift_scalar_int, a, b); }
ct_status ct_bitwise_right_shift_scalar_int_(ct_tensor *a, int64_t b) { return number_(&bitwise_right_shift_scalar_int, a, b); }

static const ct__function bitwise_not = {CT__FORMS(bitwise_not, NULL, 0, 0, 0, 0, 0), CT__UNARY_bitwise_not, CT__BITS};
ct_tensor *ct_bitwise_not(ct_tensor *a) { return ct__function_fresh(&bitwise_not, a); }
ct_status ct_bitwise_not_(ct_tensor *a) { return ct__function_inplace(&bitwise_not, a); }
