/*
 * ctorch/ops_bitwise.h: bits of integers and bools, elementwise. Shapes, promotion and in-place forms as in ops_pointwise.h; nothing flows back.
 *
 * and, or, xor and not take integers and bools (of which they are the logical operations), the shifts integers. Floating point is CT_ERR_DTYPE. A shift by a
 * negative distance or by the number of bits and more shifts everything out: left gives 0, right 0 or, for negative numbers, -1.
 */
#ifndef CTORCH_OPS_BITWISE_H
#define CTORCH_OPS_BITWISE_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

CT_API ct_tensor *ct_bitwise_not(ct_tensor *a);
CT_API ct_tensor *ct_bitwise_and(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_bitwise_or(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_bitwise_xor(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_bitwise_left_shift(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_bitwise_right_shift(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_bitwise_and_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_bitwise_or_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_bitwise_xor_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_bitwise_left_shift_scalar_int(ct_tensor *a, int64_t b);
CT_API ct_tensor *ct_bitwise_right_shift_scalar_int(ct_tensor *a, int64_t b);

/* In place. */
CT_API ct_status ct_bitwise_not_(ct_tensor *a);
CT_API ct_status ct_bitwise_and_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_bitwise_or_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_bitwise_xor_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_bitwise_left_shift_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_bitwise_right_shift_(ct_tensor *a, ct_tensor *b);
CT_API ct_status ct_bitwise_and_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_bitwise_or_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_bitwise_xor_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_bitwise_left_shift_scalar_int_(ct_tensor *a, int64_t b);
CT_API ct_status ct_bitwise_right_shift_scalar_int_(ct_tensor *a, int64_t b);

#ifdef __cplusplus
}
#endif
#endif
