/*
 * indices.h: index tensors, checked.
 */
#ifndef CT__INDICES_H
#define CT__INDICES_H

#include "kernels/picks.h"
#include "ops/elementwise.h"
#include "ops/layout.h"

/* index as row-major int64 data: itself, or a converted copy without history; a reference of the caller's. CT_ERR_DTYPE for
 * anything but int64 and int32. */
ct_tensor *ct__indices(const char *function, ct_tensor *index);

/* All of index (row-major int64) in 0 .. size - 1. what: "dim 1", "weight": of what size it is. CT_ERR_INDEX names value, place and size. */
ct_status ct__check_indices(const char *function, const ct_tensor *index, int64_t size, const char *what);

/* The slices of x along one dim; a 0-dim x counts as [1]. place is index's data. */
ct__picks ct__picks_along(const ct_tensor *x, int dim, const ct_tensor *index);


#endif
