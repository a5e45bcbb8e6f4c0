/*
 * windows.h: what max and average pooling share: the geometry of windows over lines, images and volumes.
 */
#ifndef CT__WINDOWS_H
#define CT__WINDOWS_H

#include "kernels/kernels.h"
#include "ops/image.h"

#include <ctorch/ops_pool.h>

typedef struct ct__pool_geometry {
    ct__pool_shape s; /* last: the format of x and of all that derives from it */
    int nd;
    bool batched;
    bool adaptive;  /* windows share the input out evenly; else by kernel, stride, padding, dilation */
    bool count_pad; /* average pooling only */
    double divisor;
} ct__pool_geometry;

/* The options of pooling, for all dimensions. A NULL pointer: the number. */
typedef struct ct__pool_request {
    int64_t kernel_size, stride, padding, dilation;
    const int64_t *kernel_size_nd, *stride_nd, *padding_nd, *dilation_nd;
    bool ceil_mode;
} ct__pool_request;

/* Sizes of x, then of the result. */
ct_status ct__pool_begin(int op, int nd, const ct_tensor *x, ct__pool_geometry *g);
ct_status ct__pool_fit(int op, const ct__pool_request *r, ct__pool_geometry *g);
ct_status ct__pool_fit_adaptive(int op, const int64_t *out_nd, ct__pool_geometry *g); /* CT_DIM_NONE keeps a size */

ct__image_sizes ct__pool_x_sizes(const ct__pool_geometry *g);
ct__image_sizes ct__pool_y_sizes(const ct__pool_geometry *g);

/* Tables for planes, rows and columns in one block, which the caller frees; NULL on an error. */
ct__pool_window *ct__pool_tables(const ct__pool_geometry *g, ct__pool_windows *win);

CT__INLINE int ct__pool_real(const ct_tensor *t) { return t->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32; }

#endif
