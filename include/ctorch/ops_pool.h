/*
 * ctorch/ops_pool.h: pooling of images.
 *
 * Images are [N, C, H, W], or [C, H, W] for one without a batch; float32 or float64; every channel is pooled by itself. The result has
 * the memory format of x. N may be 0, nothing else. Gradients of any order flow. Errors: CT_ERR_SHAPE with the sizes where no
 * window fits, CT_ERR_INVALID_ARGUMENT for options out of range (padding may be at most half of the kernel), CT_ERR_DTYPE.
 */
#ifndef CTORCH_OPS_POOL_H
#define CTORCH_OPS_POOL_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value for both dimensions, or a pointer to two, height and width, which then counts. kernel_size_nd is for windows that are not square. */
typedef struct ct_max_pool2d_options {
    int64_t stride;   /* 0 = the kernel's size, so that windows tile the image */
    int64_t padding;  /* places on each side that never win */
    int64_t dilation; /* distance between the elements of a window; 0 = 1 */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd, *dilation_nd;
    bool ceil_mode; /* round H' up: a last window may hang over the edge */
    uint64_t reserved[4];
} ct_max_pool2d_options;

/*
 * The largest element of each window: torch.nn.functional.max_pool2d.
 *
 *     x [N, C, H, W]  ->  [N, C, H', W'] with H' = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, W' likewise
 *
 * indices, unless NULL, receives int64 of the same shape: where each result was found, as row * W + column of its channel
 * (return_indices=True). NaN counts as the largest; among equals the first is taken, and it gets the gradient. A window without any element,
 * which dilation makes possible, is CT_ERR_SHAPE (torch gives -inf and an index outside of the image). Since 0.1.
 */
CT_API ct_tensor *ct_max_pool2d(ct_tensor *x, int64_t kernel_size, const ct_max_pool2d_options *options, ct_tensor **indices);

typedef struct ct_avg_pool2d_options {
    int64_t stride;  /* 0 = the kernel's size */
    int64_t padding; /* zeros on each side */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd;
    bool ceil_mode;
    bool no_count_include_pad; /* divide by the number of elements inside of the image */
    int64_t divisor_override;  /* divide by this; 0 = by the size of the window */
    uint64_t reserved[4];
} ct_avg_pool2d_options;

/* The mean of each window: torch.nn.functional.avg_pool2d. Shapes as ct_max_pool2d's with dilation 1. Since 0.1. */
CT_API ct_tensor *ct_avg_pool2d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool2d_options *options);

/* The mean of windows that share the image out evenly among h x w results, whatever its size: rows floor(i H / h) to ceil((i + 1) H / h) for
 * result i. torch.nn.functional.adaptive_avg_pool2d; CT_DIM_NONE keeps the size of that dimension (None). Since 0.1. */
CT_API ct_tensor *ct_adaptive_avg_pool2d(ct_tensor *x, int64_t h, int64_t w);

#ifdef __cplusplus
}
#endif
#endif
