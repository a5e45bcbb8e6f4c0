/*
 * op_extremum.c: the larger or smaller of two tensors. Limits are in op_clamp.c, fmax and fmin in op_pairs.c.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

/* ---- maximum, minimum: g to the larger (smaller); halves where they are equal ---- */

/* The part of g that belongs to x, which loses against y where `loses`. */
static ct_tensor *share(ct_tensor *g, ct_tensor *x, ct_tensor *y, ct_tensor *loses) {
    return ct_masked_fill(ct_where(ct_eq(x, y), ct_div_scalar(g, 2), g), loses, 0);
}
static void maximum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, share(g[0], a, b, ct_lt(a, b)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, share(g[0], a, b, ct_gt(a, b)));
}
static void minimum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, share(g[0], a, b, ct_gt(a, b)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, share(g[0], a, b, ct_lt(a, b)));
}
static const ct__forms maximum = CT__FRESH(maximum, maximum_backward, 0, CT__A | CT__B, CT__A | CT__B, 0, 0);
static const ct__forms minimum = CT__FRESH(minimum, minimum_backward, 0, CT__A | CT__B, CT__A | CT__B, 0, 0);

static ct_tensor *extremum(const ct__forms *f, ct__binary_fn fn, ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(f->fresh.op, (ct_tensor *[]){a, b}, 2)) return NULL;
    return ct__fresh2(f, fn, ct__common_dtype(a, b), a, b);
}
ct_tensor *ct_maximum(ct_tensor *a, ct_tensor *b) { return extremum(&maximum, CT__BINARY_maximum, a, b); }
ct_tensor *ct_minimum(ct_tensor *a, ct_tensor *b) { return extremum(&minimum, CT__BINARY_minimum, a, b); }
