/*
 * image.h: what convolution and pooling share: images in two memory formats, options with a value per dimension.
 */
#ifndef CT__IMAGE_H
#define CT__IMAGE_H

#include "base/vec.h"
#include "ops/layout.h"

/* [N, C, H, W], or [C, H, W] seen as N = 1. */
typedef struct ct__image_sizes {
    bool batched;
    int64_t n, c, h, w;
} ct__image_sizes;

/* CT_ERR_SHAPE unless t has 3 or 4 dims and rows and columns; `what` names the argument. */
ct_status ct__image_sizes_of(const char *function, const char *what, const int64_t *sizes, int ndim, ct__image_sizes *out);

/* float32 or float64; the kernels' number of it in *real. */
ct_status ct__image_dtype(const char *function, const char *what, const ct_tensor *t, int *real);

/* torch's suggest_memory_format: strides as channels_last makes them. Where sizes of 1 leave it open, the strides of those decide. */
bool ct__prefers_channels_last(const ct_tensor *t);

/* A new image, uninitialised; as ct__new. [C, H, W] is always row-major. */
ct_tensor *ct__image_new(const char *function, const ct__image_sizes *s, bool last, ct_dtype dtype);

/* t where it lies if it is dense in one of the formats (*last says which), else a row-major copy. A reference of the caller's; NULL on an error. */
ct_tensor *ct__image_read(const char *function, ct_tensor *t, bool *last);

/* t if it is dense in the format that is asked for, else a copy in it. */
ct_tensor *ct__image_as(const char *function, ct_tensor *t, bool last);

/* A value for height and one for width: those of nd if it is not NULL, else scalar twice; scalar 0 stands for fallback. An error names the
 * option if one is below min. */
ct_status ct__image_pair(const char *function, const char *name, int64_t scalar, const int64_t *nd, int64_t fallback, int64_t min, int64_t out[2]);

#endif
