/*
 * conv.h: the geometry of a convolution of one to three dimensions, and its three passes on tensors.
 *
 * The kernels are two-dimensional. A line is an image of height 1. A volume is cut into planes: output plane o reads the planes o stride - pad + k dil,
 * k = 0 ... KD - 1, and laid side by side as channels they make it a two-dimensional convolution of C KD channels, whose weight
 * [F, C KD, KH, KW] is [F, C, KD, KH, KW] as it lies in memory.
 */
#ifndef CT__CONV_H
#define CT__CONV_H

#include "kernels/kernels.h"
#include "ops/image.h"

#include <ctorch/ops_conv.h>

typedef struct ct__conv_geometry {
    ct__conv_shape s; /* of one plane, c without depth; x_last and y_last are set for each call */
    int nd;
    int64_t d, kd, od, stride_d, pad_d, dil_d; /* 1, and padding 0, below three dimensions */
    bool batched;
    bool last; /* the format of new images */
} ct__conv_geometry;

/* What y = conv(x, w) means for sizes of x and w; errors name op. */
ct_status ct__conv_fit(int op, int nd, const int64_t *x, int x_ndim, const int64_t *w, int w_ndim, const ct_conv_options *options,
                       ct__conv_geometry *g);

/* The convolution whose input gradient turns y and w into the transposed convolution's result. */
ct_status ct__conv_transpose_fit(int op, int nd, const int64_t *y, int y_ndim, const int64_t *w, int w_ndim, const ct_conv_transpose_options *options,
                                 ct__conv_geometry *g);

ct__image_sizes ct__conv_x_sizes(const ct__conv_geometry *g);
ct__image_sizes ct__conv_y_sizes(const ct__conv_geometry *g);
int ct__conv_w_sizes(const ct__conv_geometry *g, int64_t *sizes); /* the number of dims */

/* What becomes of a convolution's sums as they are written: see ct__conv_end. */
typedef struct ct__conv_after {
    ct_tensor *scale, *bias; /* [F] of y's dtype, or NULL; scale only of images and lines in floating point */
    bool relu;               /* floating point only */
} ct__conv_after;

/* relu(conv2d(x, weight) scale[f] + shift[f]), the ReLU if asked for: a convolution and what follows it in evaluation. Float32 or float64, not
 * recorded. */
ct_tensor *ct__conv2d_scaled(ct_tensor *x, ct_tensor *weight, ct_tensor *scale, ct_tensor *shift, bool relu, const ct_conv2d_options *options);

/* The passes. out and the tensors exist, sizes are checked, dtypes are one: float32, float64, for the first two int64 as well. `function` is for
 * messages. An error is pending afterwards. bias, gbias may be NULL. */
void ct__conv_forward(const char *function, const ct__conv_geometry *g, ct_tensor *x, ct_tensor *w, const ct__conv_after *after, ct_tensor *y);
void ct__conv_input_grad(const char *function, const ct__conv_geometry *g, ct_tensor *w, ct_tensor *gy, ct_tensor *bias, ct_tensor *gx);
void ct__conv_weight_grad(const char *function, const ct__conv_geometry *g, ct_tensor *x, ct_tensor *gy, ct_tensor *gw, ct_tensor *gbias);

#endif
