/*
 * strided.h: copying between strided layouts of one element size, without looking at the elements.
 */
#ifndef CT__STRIDED_H
#define CT__STRIDED_H

#include <ctorch/tensor.h>

/* An element that is only moved, whatever its type. */
#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) ct__bits32;
typedef uint64_t __attribute__((may_alias)) ct__bits64;
#else
typedef uint32_t ct__bits32;
typedef uint64_t ct__bits64;
#endif

enum { CT__STRIDED_DIMS = 2 * CT_MAX_NDIM };

/* dst[i...] = src[i...] for all indices below sizes. Strides in elements, of any sign, 0 too for src; dst and src do not overlap. At most
 * CT__STRIDED_DIMS dims. elem is 1, 2, 4 or 8 bytes. Parallel. */
void ct__copy_strided(size_t elem, int ndim, const int64_t *sizes, void *dst, const int64_t *dst_strides, const void *src,
                      const int64_t *src_strides);

#endif
