/*
 * kern_vision.h: columns of windows (im2col and its transpose), resampling along one dimension, sampling at points of a grid. Row-major.
 */
#ifndef CT__KERN_VISION_H
#define CT__KERN_VISION_H

#include "kernels/kern_conv.h"

/*
 * Resampling along one dimension by a table: y[o][i][k] = sum over t from start[i] to start[i + 1] - 1 of  weight[t] x[o][index[t]][k].
 * The gradient of x is the same with the transposed table.
 */
typedef struct ct__resample {
    int64_t outer, in, out, inner; /* x [outer, in, inner], y [outer, out, inner] */
    const int64_t *start, *index;  /* [out + 1], [start[out]] */
    const double *weight;
} ct__resample;

typedef enum ct__grid_mode { CT__GRID_BILINEAR, CT__GRID_NEAREST, CT__GRID_BICUBIC } ct__grid_mode;
typedef enum ct__grid_padding { CT__GRID_ZEROS, CT__GRID_BORDER, CT__GRID_REFLECTION } ct__grid_padding;
enum { CT__GRID_AXES = 3, CT__GRID_TAPS = 4 };

/* x [N, C, D, H, W], grid [N, points, axes] with coordinates of width, height, depth, y [N, C, points]. */
typedef struct ct__grid_shape {
    int axes;
    int64_t n, c, points;
    int64_t size[CT__GRID_AXES]; /* width, height, depth; 1 for an axis that is not there */
    ct__grid_mode mode;
    ct__grid_padding padding;
    bool align_corners;
} ct__grid_shape;

/* Taps of one axis: 2 (linear), 1 (nearest), 4 (cubic). An output has their product; tap k has digit j of base taps along axis j. */
CT__INLINE int ct__grid_taps(const ct__grid_shape *s) { return s->mode == CT__GRID_BILINEAR ? 2 : s->mode == CT__GRID_NEAREST ? 1 : 4; }

/* What a formula written with operations needs of a grid: of each tap where it reads and whether that is inside (else place 0, inside 0), of each axis
 * the position between its taps, and that position's derivative with respect to the coordinate. */
typedef struct ct__grid_places {
    int64_t *place; /* [N, taps^axes, points] */
    void *inside;   /* [N, taps^axes, points] */
    void *fraction; /* [axes, N, points] */
    void *slope;    /* [axes, N, points] */
} ct__grid_places;

typedef struct ct__vision_kernels {
    /* cols [N, C KH KW, OH OW] of elements of `size` bytes; the shape's f, groups and formats do not count. */
    void (*unfold)(const ct__conv_shape *s, size_t size, const void *x, void *cols);
    void (*fold[CT__REAL_COUNT])(const ct__conv_shape *s, const void *cols, void *x);
    void (*resample[CT__REAL_COUNT])(const ct__resample *r, const void *x, void *y);
    void (*grid_forward[CT__REAL_COUNT])(const ct__grid_shape *s, const void *x, const void *grid, void *y);
    /* gx or ggrid may be NULL. */
    void (*grid_backward[CT__REAL_COUNT])(const ct__grid_shape *s, const void *x, const void *grid, const void *gy, void *gx, void *ggrid);
    void (*grid_places[CT__REAL_COUNT])(const ct__grid_shape *s, const void *grid, const ct__grid_places *out);
} ct__vision_kernels;

#endif
