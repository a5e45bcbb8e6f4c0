/*
 * ctorch/ops_pool.h: pooling of lines, images and volumes.
 *
 * Images are [N, C, H, W], lines [N, C, L], volumes [N, C, D, H, W], or the same without N for one without a batch; every channel is pooled by
 * itself. float32 and float64, float16 and bfloat16 through float32, integers where said. The result of an image has the memory format of
 * x. N may be 0, nothing else. Gradients of any order flow. Errors: CT_ERR_SHAPE with the sizes where no window fits, CT_ERR_INVALID_ARGUMENT
 * for options out of range (padding may be at most half of the kernel), CT_ERR_DTYPE.
 *
 * Options have a value for all dimensions, or a pointer to one for each ([depth,] [height,] width), which then counts. kernel_size_nd is for windows
 * that are not square. indices, unless NULL, receives int64 of the result's shape: where each was found, as (plane * H + row) * W + column of its
 * channel (return_indices=True).
 */
#ifndef CTORCH_OPS_POOL_H
#define CTORCH_OPS_POOL_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Max pooling ------------------------------------------------------------------------------------------------ */

typedef struct ct_max_pool_options {
    int64_t stride;   /* 0 = the kernel's size, so that windows tile the image */
    int64_t padding;  /* places on each side that never win */
    int64_t dilation; /* distance between the elements of a window; 0 = 1 */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd, *dilation_nd;
    bool ceil_mode; /* round H' up: a last window may hang over the edge */
    uint64_t reserved[4];
} ct_max_pool_options;
typedef ct_max_pool_options ct_max_pool1d_options, ct_max_pool2d_options, ct_max_pool3d_options;

/*
 * The largest element of each window: torch.nn.functional.max_pool1d, max_pool2d, max_pool3d.
 *
 *     x [N, C, H, W]  ->  [N, C, H', W'] with H' = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, W' likewise
 *
 * NaN counts as the largest; among equals the first is taken, and it gets the gradient. A window without any element, which dilation makes
 * possible, is CT_ERR_SHAPE (torch gives -inf and an index outside of the image). Images and volumes may be of integers. Since 0.1.
 */
CT_API ct_tensor *ct_max_pool1d(ct_tensor *x, int64_t kernel_size, const ct_max_pool1d_options *options, ct_tensor **indices);
CT_API ct_tensor *ct_max_pool2d(ct_tensor *x, int64_t kernel_size, const ct_max_pool2d_options *options, ct_tensor **indices);
CT_API ct_tensor *ct_max_pool3d(ct_tensor *x, int64_t kernel_size, const ct_max_pool3d_options *options, ct_tensor **indices);

/* The largest of windows that share the input out evenly, as ct_adaptive_avg_pool2d has them; CT_DIM_NONE keeps the size of a dimension.
 * torch.nn.functional.adaptive_max_pool1d, 2d, 3d. Since 0.1. */
CT_API ct_tensor *ct_adaptive_max_pool1d(ct_tensor *x, int64_t l, ct_tensor **indices);
CT_API ct_tensor *ct_adaptive_max_pool2d(ct_tensor *x, int64_t h, int64_t w, ct_tensor **indices);
CT_API ct_tensor *ct_adaptive_max_pool3d(ct_tensor *x, int64_t d, int64_t h, int64_t w, ct_tensor **indices);

typedef struct ct_max_unpool_options {
    int64_t stride;  /* 0 = the kernel's size */
    int64_t padding; /* that the pooling had */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd;
    const int64_t *output_size; /* the pooled input's sizes without N and C, one per dimension; NULL = (n - 1) stride - 2 padding + kernel_size */
    uint64_t reserved[4];
} ct_max_unpool_options;
typedef ct_max_unpool_options ct_max_unpool1d_options, ct_max_unpool2d_options, ct_max_unpool3d_options;

/* The way back: zeros, with x at the places that max pooling gave as indices. Of several elements for one place the last counts. Errors besides:
 * CT_ERR_INDEX for a place outside. torch.nn.functional.max_unpool1d, 2d, 3d. Since 0.1. */
CT_API ct_tensor *ct_max_unpool1d(ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool1d_options *options);
CT_API ct_tensor *ct_max_unpool2d(ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool2d_options *options);
CT_API ct_tensor *ct_max_unpool3d(ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool3d_options *options);

/* ---- Average pooling -------------------------------------------------------------------------------------------- */

typedef struct ct_avg_pool_options {
    int64_t stride;  /* 0 = the kernel's size */
    int64_t padding; /* zeros on each side */
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd;
    bool ceil_mode;
    bool no_count_include_pad; /* divide by the number of elements inside of the image */
    int64_t divisor_override;  /* divide by this; 0 = by the size of the window */
    uint64_t reserved[4];
} ct_avg_pool_options;
typedef ct_avg_pool_options ct_avg_pool1d_options, ct_avg_pool2d_options, ct_avg_pool3d_options;

/* The mean of each window: torch.nn.functional.avg_pool1d, avg_pool2d, avg_pool3d. Shapes as ct_max_pool2d's with dilation 1. int64 too: quotients are
 * cut off. Since 0.1. */
CT_API ct_tensor *ct_avg_pool1d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool1d_options *options);
CT_API ct_tensor *ct_avg_pool2d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool2d_options *options);
CT_API ct_tensor *ct_avg_pool3d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool3d_options *options);

/* The mean of windows that share the image out evenly among h x w results, whatever its size: rows floor(i H / h) to ceil((i + 1) H / h) for
 * result i. torch.nn.functional.adaptive_avg_pool1d, 2d, 3d; CT_DIM_NONE keeps the size of that dimension (None). Since 0.1. */
CT_API ct_tensor *ct_adaptive_avg_pool1d(ct_tensor *x, int64_t l);
CT_API ct_tensor *ct_adaptive_avg_pool2d(ct_tensor *x, int64_t h, int64_t w);
CT_API ct_tensor *ct_adaptive_avg_pool3d(ct_tensor *x, int64_t d, int64_t h, int64_t w);

typedef struct ct_lp_pool_options {
    int64_t stride; /* 0 = the kernel's size */
    const int64_t *kernel_size_nd, *stride_nd;
    bool ceil_mode;
    uint64_t reserved[4];
} ct_lp_pool_options;
typedef ct_lp_pool_options ct_lp_pool1d_options, ct_lp_pool2d_options, ct_lp_pool3d_options;

/* (sum of x^norm_type over the window)^(1 / norm_type); a negative sum counts as 0. Composed of other operations, as in torch.
 * torch.nn.functional.lp_pool1d, 2d, 3d. Since 0.1. */
CT_API ct_tensor *ct_lp_pool1d(ct_tensor *x, double norm_type, int64_t kernel_size, const ct_lp_pool1d_options *options);
CT_API ct_tensor *ct_lp_pool2d(ct_tensor *x, double norm_type, int64_t kernel_size, const ct_lp_pool2d_options *options);
CT_API ct_tensor *ct_lp_pool3d(ct_tensor *x, double norm_type, int64_t kernel_size, const ct_lp_pool3d_options *options);

#ifdef __cplusplus
}
#endif
#endif
