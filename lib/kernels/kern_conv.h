/*
 * kern_conv.h: two-dimensional convolution, three passes.
 *
 *      y[n][f][i][j] = end(f, sum over c, a, b of  x[n][c][i sh - ph + a dh][j sw - pw + b dw]  w[f][c][a][b])
 *      end(f, sum)   = sum scale[f] + bias[f], and of that, with relu, the part above 0 (NaN stays)
 *
 * Images are dense, row-major [N, C, H, W] or channels-last [N, H, W, C]; x and its gradient share one flag, y and its gradient the other. The
 * weight is dense [F, C / groups, KH, KW]. Positions outside of x are zeros, so padding below and to the right follows from oh
 * and ow. All sizes are at least 1.
 *
 * The caller provides scratch: as many bytes as `scratch` says for this shape, pass and element type, aligned to 64. It
 * depends on the number of threads, which must not change between the two calls.
 */
#ifndef CT__KERN_CONV_H
#define CT__KERN_CONV_H

#include "base/platform.h"

typedef struct ct__conv_shape {
    int64_t n, c, h, w;         /* x */
    int64_t f, kh, kw;          /* the weight: f filters over c / groups channels */
    int64_t oh, ow;             /* y */
    int64_t stride_h, stride_w; /* sh, sw */
    int64_t pad_h, pad_w;       /* ph, pw: rows above, columns to the left */
    int64_t dil_h, dil_w;       /* dh, dw */
    int64_t groups;             /* divides c and f */
    bool x_last, y_last;        /* channels-last */
} ct__conv_shape;

typedef enum ct__conv_pass { CT__CONV_FORWARD, CT__CONV_INPUT_GRAD, CT__CONV_WEIGHT_GRAD } ct__conv_pass;
enum { CT__REAL_F32, CT__REAL_F64, CT__REAL_COUNT };

/* What becomes of a finished sum before it is stored: work that would otherwise be a pass over y of its own. */
typedef struct ct__conv_end {
    const void *scale; /* [F]; NULL: 1 */
    const void *bias;  /* [F]; NULL: 0 */
    bool relu;
} ct__conv_end;

typedef struct ct__conv_kernels {
    /* Bytes of scratch; SIZE_MAX where the number does not fit. */
    size_t (*scratch)(const ct__conv_shape *s, ct__conv_pass pass, int real);
    void (*forward[CT__REAL_COUNT])(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *scratch);
    void (*input_grad[CT__REAL_COUNT])(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *scratch);
    /* int64, sums wrapping around; without scratch. bias [F] may be NULL. */
    void (*forward_i64)(const ct__conv_shape *s, const void *x, const void *w, const void *bias, void *y);
    void (*input_grad_i64)(const ct__conv_shape *s, const void *gy, const void *w, void *gx);
    /* gbias [F] may be NULL. */
    void (*weight_grad[CT__REAL_COUNT])(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *scratch);
} ct__conv_kernels;

#endif
