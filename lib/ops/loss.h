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

#endif
