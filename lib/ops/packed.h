/*
 * packed.h: bringing tensors into memory that flat kernels can walk.
 *
 * Packed means: the elements fill one block without gaps or overlaps, in the order of any permutation of the dims (row-major, channels_last,
 * transposed). Two tensors of the same sizes that are packed in the same order can be walked side by side with one index.
 *
 * ct__packed and ct__packed_as give a reference of the caller's own, to be ended with ct__unref: t itself where it will do, otherwise a
 * copy without history. NULL with an error pending; NULL passes through. (ct__dense of layout.h is the same for row-major.)
 */
#ifndef CT__PACKED_H
#define CT__PACKED_H

#include "core/tensor_impl.h"

bool ct__is_packed(const ct_tensor *t);

/* Row-major float32, for kernels of that dtype only; and its elements, NULL for NULL. */
CT__INLINE bool ct__is_dense_f32(const ct_tensor *t) { return t->dtype == CT_F32 && t->contiguous; }
CT__INLINE float *ct__f32(const ct_tensor *t) { return t ? (float *)(void *)ct__ptr(t) : NULL; }

bool ct__same_order(const ct_tensor *a, const ct_tensor *b); /* equal strides, where a size is above 1 */

ct_tensor *ct__packed(const char *function, ct_tensor *t);
ct_tensor *ct__packed_as(const char *function, const ct_tensor *like, ct_tensor *t); /* in the order of like, which is packed */

/* For kernels of backward formulas that may write over what they read: ct__packed_as(function, like, g), and in *out a tensor of that order for the result,
 * which is g itself where nobody else sees it: a tensor less to make, to write and to keep. Both are references; on an error both are NULL. */
ct_tensor *ct__packed_gradient(const char *function, const ct_tensor *like, ct_tensor *g, ct_tensor **out);

#endif
