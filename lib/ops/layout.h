/*
 * layout.h: what shape, indexing and matrix ops share: inferring sizes, views without a copy, raw copies.
 */
#ifndef CT__LAYOUT_H
#define CT__LAYOUT_H

#include "ops/op.h"

/* Sizes with at most one -1 replaced by what numel leaves; CT_ERR_SHAPE if they do not multiply up to numel. */
ct_status ct__infer_sizes(const char *function, const int64_t *sizes, int ndim, int64_t numel, int64_t *out);

/* Strides under which x's elements, in row-major order, have these sizes; false if that takes a copy. numel must agree. */
bool ct__view_strides(const ct_tensor *x, const int64_t *sizes, int ndim, int64_t *strides);

/* dst = src for the same sizes and dtype, any strides; no history, no version. Both exist. */
void ct__copy_raw(ct_tensor *dst, const ct_tensor *src);

/* x itself if it is row-major, else a row-major copy without history: a reference of the caller's. NULL on an error. */
ct_tensor *ct__dense(const char *function, ct_tensor *x);

/* A new row-major tensor of zeros; as ct__new. */
ct_tensor *ct__new_zeros(const char *function, const int64_t *sizes, int ndim, ct_dtype dtype);

/* out = in, broadcast; CT_ERR_SHAPE if it does not: "ct_linear: bias [3] does not broadcast to [2, 4]". The same dtype. */
ct_status ct__fill_broadcast(const char *function, const char *what, ct_tensor *out, const ct_tensor *in);

/* For messages: "[2, 3]". */
#define CT__SIZES(buffer, t) ct__shape_str(buffer, (t)->sizes, (t)->ndim)

#endif
