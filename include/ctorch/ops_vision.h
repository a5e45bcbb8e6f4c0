/*
 * ctorch/ops_vision.h: images at other sizes and other places: interpolation, sampling at a grid, windows as columns, channels as pixels.
 *
 * Images are [N, C, H, W], lines [N, C, L], volumes [N, C, D, H, W]. float32 and float64 are computed as they are, float16 and bfloat16 in float32. Errors:
 * CT_ERR_SHAPE with the sizes, CT_ERR_INVALID_ARGUMENT for options out of range, CT_ERR_DTYPE.
 */
#ifndef CTORCH_OPS_VISION_H
#define CTORCH_OPS_VISION_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Interpolation ---------------------------------------------------------------------------------------------- */

typedef enum ct_interpolate_mode {
    CT_INTERPOLATE_NEAREST = 0,       /* lines, images, volumes: element floor(i / scale) */
    CT_INTERPOLATE_NEAREST_EXACT = 1, /* the one whose centre is the nearest, as image libraries have it */
    CT_INTERPOLATE_LINEAR = 2,        /* lines */
    CT_INTERPOLATE_BILINEAR = 3,      /* images */
    CT_INTERPOLATE_BICUBIC = 4,       /* images; cubic convolution with A = -0.75 */
    CT_INTERPOLATE_TRILINEAR = 5,     /* volumes */
    CT_INTERPOLATE_AREA = 6,          /* lines, images, volumes: adaptive average pooling */
    CT_INTERPOLATE_FORCE_32BIT = 0x7fffffff
} ct_interpolate_mode;

/* Either a size or a scale: for all dimensions, or a pointer to one for each ([depth,] [height,] width), which then counts. */
typedef struct ct_interpolate_options {
    int64_t size;
    double scale_factor;
    const int64_t *size_nd;
    const double *scale_factor_nd;
    ct_interpolate_mode mode;
    bool align_corners;           /* the corner elements' centres stay where they are; linear, bilinear, bicubic, trilinear */
    bool recompute_scale_factor;  /* positions follow from the two sizes instead of from scale_factor */
    bool antialias;               /* bilinear and bicubic: when shrinking, the kernel widens so that all elements count (A = -0.5) */
    uint64_t reserved[4];
} ct_interpolate_options;

/*
 * The input at another size: torch.nn.functional.interpolate. x [N, C, ...] -> [N, C, ...] with size, or floor(size of x * scale_factor), in each of the
 * other dimensions. Linear in x: gradients of any order. uint8 images are taken too; bilinear and bicubic results of
 * those are those of torch's fixed-point weights. Since 0.1.
 */
CT_API ct_tensor *ct_interpolate(ct_tensor *x, const ct_interpolate_options *options);

/* ---- Sampling at a grid ----------------------------------------------------------------------------------------- */

typedef enum ct_grid_sample_mode {
    CT_GRID_SAMPLE_BILINEAR = 0, /* trilinear for volumes */
    CT_GRID_SAMPLE_NEAREST = 1,
    CT_GRID_SAMPLE_BICUBIC = 2, /* images only */
    CT_GRID_SAMPLE_MODE_FORCE_32BIT = 0x7fffffff
} ct_grid_sample_mode;

typedef enum ct_grid_sample_padding {
    CT_GRID_SAMPLE_ZEROS = 0,
    CT_GRID_SAMPLE_BORDER = 1,     /* the nearest element of the border */
    CT_GRID_SAMPLE_REFLECTION = 2, /* mirrored at the border */
    CT_GRID_SAMPLE_PADDING_FORCE_32BIT = 0x7fffffff
} ct_grid_sample_padding;

typedef struct ct_grid_sample_options {
    ct_grid_sample_mode mode;
    ct_grid_sample_padding padding_mode; /* what lies outside of the image */
    bool align_corners; /* -1 and 1 are the centres of the corner elements, not their outer edges */
    uint64_t reserved[4];
} ct_grid_sample_options;

/*
 * x at the points of a grid: torch.nn.functional.grid_sample. The last dim of grid holds coordinates (width, height[, depth]) from -1 to 1.
 *
 *     x [N, C, H, W], grid [N, H', W', 2]  ->  [N, C, H', W']            x [N, C, D, H, W], grid [N, D', H', W', 3]  ->  [N, C, D', H', W']
 *
 * Gradients of any order to x and grid. Since 0.1.
 */
CT_API ct_tensor *ct_grid_sample(ct_tensor *x, ct_tensor *grid, const ct_grid_sample_options *options);

/* The grid of an affine map, for ct_grid_sample: theta [N, 2, 3] and sizes {N, C, H, W} -> [N, H, W, 2]; theta [N, 3, 4] and
 * {N, C, D, H, W} -> [N, D, H, W, 3].
 * Composed of other operations; gradients of any order. torch.nn.functional.affine_grid. Since 0.1. */
typedef struct ct_affine_grid_options {
    bool align_corners;
    uint64_t reserved[4];
} ct_affine_grid_options;
CT_API ct_tensor *ct_affine_grid(ct_tensor *theta, const int64_t *sizes, int ndim, const ct_affine_grid_options *options);

/* ---- Windows as columns ----------------------------------------------------------------------------------------- */

/* A value for height and width, or a pointer to two, which then counts. */
typedef struct ct_unfold_options {
    int64_t dilation; /* 0 = 1 */
    int64_t padding;  /* zeros on each side */
    int64_t stride;   /* 0 = 1 */
    const int64_t *kernel_size_nd, *dilation_nd, *padding_nd, *stride_nd;
    uint64_t reserved[4];
} ct_unfold_options;
typedef ct_unfold_options ct_fold_options;

/*
 * Each window of an image as a column (im2col), and the sum of such columns back into an image of h x w: torch.nn.functional.unfold and fold.
 *
 *     ct_unfold   x [N, C, H, W] or [C, H, W]  ->  [N, C KH KW, L]      L: the windows, row by row, as a convolution visits them
 *     ct_fold     x [N, C KH KW, L] or [C KH KW, L]  ->  [N, C, h, w]
 *
 * Each is the other's gradient: any order. bool too. (The method Tensor.unfold is another one.) Since 0.1.
 */
CT_API ct_tensor *ct_unfold(ct_tensor *x, int64_t kernel_size, const ct_unfold_options *options);
CT_API ct_tensor *ct_fold(ct_tensor *x, int64_t h, int64_t w, int64_t kernel_size, const ct_fold_options *options);

/* ---- Channels as pixels ----------------------------------------------------------------------------------------- */

/* r^2 channels become r x r pixels of one, and back; channels of `groups` groups take turns. Any dtype, any dims in front, gradients of any order; copies
 * composed of views. torch.nn.functional.pixel_shuffle, pixel_unshuffle, torch.channel_shuffle. Since 0.1.
 *
 *     ct_pixel_shuffle     x [..., C r^2, H, W]  ->  [..., C, H r, W r]          ct_pixel_unshuffle   the reverse
 *     ct_channel_shuffle   x [N, C, ...]  ->  the same, its channels read as [groups, C / groups] and transposed
 */
CT_API ct_tensor *ct_pixel_shuffle(ct_tensor *x, int64_t upscale_factor);
CT_API ct_tensor *ct_pixel_unshuffle(ct_tensor *x, int64_t downscale_factor);
CT_API ct_tensor *ct_channel_shuffle(ct_tensor *x, int64_t groups);

#ifdef __cplusplus
}
#endif
#endif
