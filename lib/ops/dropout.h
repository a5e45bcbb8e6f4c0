/*
 * dropout.h: a draw of dropout, for ops that apply it inside of their own loops and make its mask again in backward.
 */
#ifndef CT__DROPOUT_H
#define CT__DROPOUT_H

#include "kernels/kern_nn.h"
#include "ops/op.h"

#include <ctorch/random.h>

/* For p in [0, 1]; takes 64 bits of the generator (NULL: the default one) unless p is 0 or 1. */
ct__dropout_draw ct__dropout_new_draw(double p, ct_generator *generator);

/* x, floating point but not half, with a draw applied: what ct_dropout does after it. Held by the scope. */
ct_tensor *ct__dropout_with(ct_tensor *x, ct__dropout_draw draw);

#endif
