/*
 * reduce.h: folding dims of a tensor of any strides.
 */
#ifndef CT__REDUCE_H
#define CT__REDUCE_H

#include "ops/elementwise.h"

/*
 * Folds the dims in mask (bit d = dim d) with a function of kernels. The result is row-major; without the dims, or with them at size 1 (keepdim). dtype is that of
 * the function's results. A reference of the caller's, NULL with an error pending. Over no elements it gives the function's start (0, 1, -infinity).
 */
ct_tensor *ct__reduce(const char *function, const ct_tensor *a, uint32_t mask, bool keepdim, ct__reduce_fn fn,
                      const ct__reduce_args *args, ct_dtype dtype);

CT__INLINE uint32_t ct__all_dims(const ct_tensor *a) { return (uint32_t)((1u << a->ndim) - 1); }
/* How many elements go into each result. */
int64_t ct__reduced_count(const ct_tensor *a, uint32_t mask);
/* g, a result's gradient, with the reduced dims back at size 1 (nothing to do with keepdim): broadcasts against the input. */
ct_tensor *ct__restore_dims(ct_tensor *g, int ndim, uint32_t mask, bool keepdim);

#endif
