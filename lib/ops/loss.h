/*
 * loss.h: what the loss ops share.
 */
#ifndef CT__LOSS_H
#define CT__LOSS_H

#include "ops/op.h"
#include <ctorch/ops_loss.h>

bool ct__check_reduction(const char *function, ct_reduction reduction);
bool ct__check_loss_dtype(const char *function, const char *what, ct_dtype dtype); /* float32 or float64 */
ct_tensor *ct__reduce_loss(ct_tensor *loss, ct_reduction reduction);              /* with public ops */
ct_tensor *ct__loss_scalar(const char *function, double value, ct_dtype dtype);   /* a reference of the caller's */

/* ---- Class indices: op_cross_entropy.c ---- */

ct_tensor *ct__class_indices(const char *function, ct_tensor *target); /* int64 or uint8 as row-major int64; a reference of the caller's */
void ct__fail_class(const char *function, int64_t label, int64_t position, int64_t classes);
/* weight, if not NULL, is [classes] of x's dtype and requires no gradient. */
bool ct__check_class_weight(const char *function, const ct_tensor *x, int64_t classes, const ct_tensor *weight);

/*
 * A loss that is composed of public ops, between a beginning and an end:
 *
 *      ct_tensor *in[] = {input, target};
 *      ct__loss c;
 *      if (!ct__loss_begin(&c, CT__OP_soft_margin_loss, in, 2, reduction)) return NULL;
 *      return ct__loss_end(&c, ct_neg(ct_logsigmoid(ct_mul(in[1], in[0]))));
 */
typedef struct ct__loss {
    const char *function;
    ct_scope scope;
    ct_dtype half; /* what the result is rounded to; CT_DTYPE_NONE: it is not */
    ct_reduction reduction;
} ct__loss;
/* The prologue, a check of reduction, a scope; inputs of a half type become f32 where the result would be of one. false: an error is pending, no scope open. */
bool ct__loss_begin(ct__loss *c, int op, ct_tensor **in, int n, ct_reduction reduction);
/* Reduces the losses and ends the scope. NULL, with an error pending, passes through. */
ct_tensor *ct__loss_end(const ct__loss *c, ct_tensor *loss);

#endif
