/*
 * half.h: float16 and bfloat16 for ops whose kernels know float32 and float64 only, by composition: the inputs are converted to f32, the
 * op runs on those, and its result is rounded. Both conversions are recorded, so gradients flow and come back in the half type.
 *
 *      ct_tensor *ct_softmax(ct_tensor *x, int64_t dim) {
 *          if (!ct__enter(CT__OP_softmax, &x, 1)) return NULL;
 *          if (ct__all_half(&x, 1)) {
 *              ct__half h = ct__half_begin(x);
 *              return ct__half_end(h, ct_softmax(ct__widen(x), dim));
 *          }
 *          ...
 *
 * ct__all_half comes after ct__enter and before what checks dtypes: inputs of several dtypes are not its business, and meet the op's own check.
 */
#ifndef CT__HALF_H
#define CT__HALF_H

#include "ops/op.h"
#include <ctorch/ops_create.h>

/* The first one's dtype is f16 or bf16, and it is that of all others; NULL among the others, an optional input, is fine. */
CT__INLINE bool ct__all_half(ct_tensor *const *t, int n) {
    if (CT__LIKELY(!ct__is_half(t[0]))) return false;
    for (int i = 1; i < n; i++)
        if (t[i] && t[i]->dtype != t[0]->dtype) return false;
    return true;
}

/* A tensor of a half type in f32; any other one, and NULL, as it is. */
CT__INLINE ct_tensor *ct__widen(ct_tensor *t) { return t && ct__is_half(t) ? ct_to(t, CT_F32) : t; }

/* Holds the tensors in between. */
typedef struct ct__half {
    ct_scope scope;
    ct_dtype dtype; /* of the result */
} ct__half;
CT__INLINE ct__half ct__half_begin(const ct_tensor *like) { return (ct__half){ct_scope_begin(), (ct_dtype)like->dtype}; }
/* y rounded, for the caller's scope; NULL stays NULL. */
CT__INLINE ct_tensor *ct__half_end(ct__half h, ct_tensor *y) { return ct_scope_return(h.scope, y ? ct_to(y, h.dtype) : NULL); }
/* For an op with n results: rounds those of floating point in place of what they were. CT_OK, or all are NULL and the error is pending. */
ct_status ct__half_end_n(ct__half h, ct_tensor **y, int n);

#endif
