/*
 * wide.h: row-major copies in an element type that a plain kernel knows.
 */
#ifndef CT__WIDE_H
#define CT__WIDE_H

#include "kernels/cumulative.h"
#include "ops/layout.h"

/* The type in which elements of dtype are compared: the same order, every value exact. f32 f64 i32 i64 u8. */
ct_dtype ct__order_dtype(ct_dtype dtype);

/* x's elements, row-major, as dtype: x itself where it is that, else a copy without history. A reference of the caller's; NULL on an error. */
ct_tensor *ct__wide(const char *function, ct_tensor *x, ct_dtype dtype);

/* Gives up the reference to wide and returns one to the same elements as dtype. NULL passes through. */
ct_tensor *ct__narrowed(const char *function, ct_tensor *wide, ct_dtype dtype);

/* The lines along dim of a row-major tensor of x's sizes; of a 0-dim one, its element. */
ct__lines ct__lines_of(const ct_tensor *x, int dim);

/* The end of an op whose values are elements of x along dim: x gathered at index (int64, scope-held, dims kept), which also makes their gradient.
 * Without keepdim dim, of size 1, goes. *indices, if not NULL, is index without dim. Ends the scope. */
ct_tensor *ct__pick(ct_scope scope, ct_tensor *x, int dim, bool keepdim, ct_tensor *index, ct_tensor **indices);

/* Where the k-th smallest element (k from 1) along dim is, dim kept; NaN counts as the largest. The first k are selected, not sorted. In op_sort.c. */
ct_tensor *ct__kth_index(ct_tensor *x, int dim, int64_t k);

/* Ends the scope of a function with two results, the second of which may not be wanted: second NULL. */
ct_tensor *ct__return_two(ct_scope scope, ct_tensor *first, ct_tensor *other, ct_tensor **second);

#endif
