/*
 * ctorch/nn_shape.h: layers that change shapes: flattening, padding, resizing, channels as pixels, windows as columns. They have no parameters. Gradients
 * flow. The options' arrays are copied. Since 0.1.
 */
#ifndef CTORCH_NN_SHAPE_H
#define CTORCH_NN_SHAPE_H

#include <ctorch/nn.h>
#include <ctorch/ops_vision.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Dimensions ------------------------------------------------------------------------------------------------- */

typedef struct ct_nn_flatten_options {
    ct_opt_i64 start_dim, end_dim; /* 1, -1 */
    uint64_t reserved[2];
} ct_nn_flatten_options;

/* flatten: start_dim to end_dim become one; unflatten: dim becomes n of these sizes, one of which may be -1. torch.nn.Flatten, Unflatten. */
CT_API ct_module *ct_nn_flatten(const ct_nn_flatten_options *options);
CT_API ct_module *ct_nn_unflatten(int64_t dim, const int64_t *sizes, int n);

/* ---- Padding ---------------------------------------------------------------------------------------------------- */

typedef struct ct_nn_pad_options {
    const int64_t *padding_nd; /* instead of padding: left, right[, top, bottom[, front, back]] */
    uint64_t reserved[2];
} ct_nn_pad_options;

/*
 * ct_pad of the last one, two or three dims, by `padding` on each side. torch.nn.ConstantPad1d and so on.
 *
 *     constant      the value; any number of dims in front; negative padding cuts off
 *     zero          0, likewise
 *     reflection    3 2 | 1 2 3 | 2 1
 *     replication   1 1 | 1 2 3 | 3 3
 *     circular      2 3 | 1 2 3 | 1 2
 */
CT_API ct_module *ct_nn_constant_pad1d(int64_t padding, double value, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_constant_pad2d(int64_t padding, double value, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_constant_pad3d(int64_t padding, double value, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_zero_pad1d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_zero_pad2d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_zero_pad3d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_reflection_pad1d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_reflection_pad2d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_reflection_pad3d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_replication_pad1d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_replication_pad2d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_replication_pad3d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_circular_pad1d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_circular_pad2d(int64_t padding, const ct_nn_pad_options *options);
CT_API ct_module *ct_nn_circular_pad3d(int64_t padding, const ct_nn_pad_options *options);

/* ---- Resizing --------------------------------------------------------------------------------------------------- */

/* Either a size or a scale: for all dimensions, or a pointer to one for each of ndim, which then counts. */
typedef struct ct_nn_upsample_options {
    int64_t size;
    double scale_factor;
    const int64_t *size_nd;
    const double *scale_factor_nd;
    int32_t ndim; /* how many numbers a pointer has: 1, 2 or 3, for lines, images or volumes; 0 without one */
    ct_interpolate_mode mode;
    bool align_corners, recompute_scale_factor;
    uint64_t reserved[4];
} ct_nn_upsample_options;

/* ct_interpolate. x [N, C, ...] -> [N, C, ...] of another size; nearest by default. torch.nn.Upsample, and its two old forms for images: UpsamplingNearest2d,
 * and UpsamplingBilinear2d, which aligns the corners; of those mode and align_corners are not to be set. */
CT_API ct_module *ct_nn_upsample(const ct_nn_upsample_options *options);
CT_API ct_module *ct_nn_upsampling_nearest2d(const ct_nn_upsample_options *options);
CT_API ct_module *ct_nn_upsampling_bilinear2d(const ct_nn_upsample_options *options);

/* ---- Channels as pixels, windows as columns ----------------------------------------------------------------------- */

/* ct_pixel_shuffle, ct_pixel_unshuffle, ct_channel_shuffle. torch.nn.PixelShuffle, PixelUnshuffle, ChannelShuffle. */
CT_API ct_module *ct_nn_pixel_shuffle(int64_t upscale_factor);
CT_API ct_module *ct_nn_pixel_unshuffle(int64_t downscale_factor);
CT_API ct_module *ct_nn_channel_shuffle(int64_t groups);

/* ct_unfold, and ct_fold into images of h x w. torch.nn.Unfold, Fold. */
CT_API ct_module *ct_nn_unfold(int64_t kernel_size, const ct_unfold_options *options);
CT_API ct_module *ct_nn_fold(int64_t h, int64_t w, int64_t kernel_size, const ct_fold_options *options);

#ifdef __cplusplus
}
#endif
#endif
