/*
 * kern_pool.h: pooling over windows of volumes, row-major [N, C, D, H, W], images (depth 1) and lines (height 1 too). Images may be channels-last
 * [N, H, W, C] as well; input and output have the same layout.
 *
 * Max pooling remembers of each output which tap of its window won: (k * kh + a) * kw + b, in one byte where windows have at most 256 taps, else in an
 * int32. That is an eighth or a half of an int64 index, and backward turns it into a place as cheaply. Where the input has a NaN, the
 * last NaN of a window wins; among equals the first; positions outside of the image never. Every window must have a tap inside.
 *
 * Average pooling gets its windows as tables, one entry per output plane, row and column, clipped to the image, so that adaptive pooling is
 * the same kernel: y = sum / (planes.count rows.count cols.count), or sum / divisor where that is not 0.
 */
#ifndef CT__KERN_POOL2D_H
#define CT__KERN_POOL2D_H

#include "kernels/kern_conv.h"

typedef struct ct__pool_shape {
    int64_t n, c, d, h, w, od, oh, ow;
    int64_t kd, kh, kw, stride_d, stride_h, stride_w, pad_d, pad_h, pad_w, dil_d, dil_h, dil_w; /* max pooling only */
    bool last; /* channels-last; d, od, kd are 1 then */
} ct__pool_shape;

typedef struct ct__pool_window {
    int64_t begin, end; /* of the image: 0 <= begin <= end <= size */
    double count;       /* what the sum is divided by; averages only */
    int64_t step;       /* between elements; max_places only */
} ct__pool_window;

typedef struct ct__pool_windows {
    const ct__pool_window *planes, *rows, *cols; /* [od], [oh], [ow] */
    double divisor;
} ct__pool_windows;

CT__INLINE bool ct__pool_wide_taps(const ct__pool_shape *s) { return s->kd * s->kh * s->kw > 256; }
CT__INLINE int64_t ct__pool_tap(const ct__pool_shape *s, const void *taps, int64_t i) {
    return ct__pool_wide_taps(s) ? ((const int32_t *)taps)[i] : ((const uint8_t *)taps)[i];
}
CT__INLINE void ct__pool_set_tap(const ct__pool_shape *s, void *taps, int64_t i, int64_t tap) {
    if (ct__pool_wide_taps(s)) ((int32_t *)taps)[i] = (int32_t)tap;
    else ((uint8_t *)taps)[i] = (uint8_t)tap;
}

typedef struct ct__pool_kernels {
    void (*max_forward[CT__REAL_COUNT])(const ct__pool_shape *s, const void *x, void *y, void *taps);
    /* gx, all of it: zero but for the sum of gy at the places that won. */
    void (*max_scatter[CT__REAL_COUNT])(const ct__pool_shape *s, const void *gy, const void *taps, void *gx);
    /* y: x at the places that won. */
    void (*max_gather[CT__REAL_COUNT])(const ct__pool_shape *s, const void *x, const void *taps, void *y);
    /* The places as torch has them: (plane * H + row) * W + column of each channel. */
    void (*max_indices)(const ct__pool_shape *s, const void *taps, int64_t *indices);
    void (*avg_forward[CT__REAL_COUNT])(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, void *y);
    void (*avg_backward[CT__REAL_COUNT])(const ct__pool_shape *s, const ct__pool_windows *win, const void *gy, void *gx);
    /* int64: sums wrap around, the quotient is cut off. */
    void (*avg_forward_i64)(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, void *y);
    /* Maxima over windows of any table, row-major: places as max_indices has them. For float32, float64 and int64. Each window has an element. */
    void (*max_places[CT__REAL_COUNT + 1])(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, int64_t *places);
} ct__pool_kernels;

#endif
