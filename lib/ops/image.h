/*
 * image.h: what convolution and pooling share: images of one to three dimensions in two memory formats, options with a value per dimension.
 *
 * A line is an image of depth and height 1, a plane one of depth 1: arrays of three values are depth, height, width, the last nd of them used.
 */
#ifndef CT__IMAGE_H
#define CT__IMAGE_H

#include "base/vec.h"
#include "ops/layout.h"

/* [N, C, W], [N, C, H, W], [N, C, D, H, W], or one without N seen as N = 1. */
typedef struct ct__image_sizes {
    bool batched;
    int nd;
    int64_t n, c, size[3]; /* 1 for dimensions that are not there */
} ct__image_sizes;

/* CT_ERR_SHAPE unless t has nd + 1 or nd + 2 dims, and none but N and C is 0; `what` names the argument. */
ct_status ct__image_sizes_of(const char *function, const char *what, const int64_t *sizes, int ndim, int nd, ct__image_sizes *out);

/* The sizes as a tensor has them: the number of dims. */
int ct__image_shape(const ct__image_sizes *s, int64_t *sizes);

/* "height" for messages; i counts from depth = 0. */
const char *ct__image_dim(int nd, int i);

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

/* A value for each of the last nd dimensions: those of values if it is not NULL, else scalar; scalar 0 stands for fallback. Dimensions that are not there get
 * absent. An error names the option if one is below min. */
ct_status ct__image_values(const char *function, const char *name, int nd, int64_t scalar, const int64_t *values, int64_t fallback, int64_t min,
                           int64_t absent, int64_t out[3]);

#endif
