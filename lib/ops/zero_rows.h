/*
 * zero_rows.h: gradients of which most rows are zero.
 *
 * Where a classifier reads the first token of each sequence, or targets are ignored, no gradient reaches the other tokens up to the next operation that mixes
 * them: a row of 0 makes a row of 0 in gX = g W, and nothing in gW = g^T X. Such rows are left out of these products, which gives the same numbers, unless a
 * weight or an element of X is infinite or NaN, which times 0 is NaN: then, and while something records, nothing is left out.
 */
#ifndef CT__ZERO_ROWS_H
#define CT__ZERO_ROWS_H

#include "graph/graph.h"

/* gX [.., in] and gW [out, in] from g [.., out], x [.., in] and weight [out, in], scope-held; gx or gw NULL: not wanted, nor is weight or x then. False: nothing
 * was made, as too few rows are zero, a product is small or its operands have no fast path here, or with an error pending. */
bool ct__product_without_zero_rows(ct_tensor *g, ct_tensor *x, ct_tensor *weight, ct_tensor **gx, ct_tensor **gw);

#endif
