/*
 * conv_plan.h: how forward and input_grad are cut into pieces. Plan, pack and compute are apart: cpu_conv_plan.c decides every size and knows no
 * element, conv_pack.h moves elements between layouts, conv_tile.h and the pass files multiply. weight_grad is in conv_outer_plan.h.
 *
 * Both work on channels-last images, "source" (read around each pixel, zero-padded) and "dest" (one vector of lanes per
 * pixel), without im2col:
 *
 *      pass           source   dest    reduction     lanes        a tile of registers
 *      forward        x        y       taps x C      filters      6 pixels x 4 vectors of filters
 *      input_grad     gy       gx      taps x F      channels     6 pixels x 4 vectors of channels
 *
 * In each step of the reduction a tile loads 4 vectors and 6 scalars, broadcast, for 24 multiply-adds: with 512-bit registers and two of
 * each per cycle the loads take 5 of 12 cycles. 24 accumulators + 4 vectors + 1 broadcast fit the 32 registers of AVX-512;
 * with 16 registers the tile is 6 x 2. Blocks of one or two vectors have tiles of 12 pixels, which fill the registers and read the weights half as often
 * (32 filters of 32 channels on one core: 93 GFLOP/s with 6 x 2, 105 with 12 x 2).
 *
 * The gradient of the input gathers too. For stride s, dest row i gets source row (i + pad - a dil) / s for the taps a where that divides.
 * So dest rows of one residue mod s (a "phase") form an ordinary convolution of stride 1 with a subset of the taps; for s = 1 there
 * is one phase with all taps, mirrored. The forward pass is the case of one phase and a source step of s.
 *
 * Depthwise (one channel and one filter per group): lanes are channels of both source and dest, and the reduction is over taps only.
 */
#ifndef CT__CONV_PLAN_H
#define CT__CONV_PLAN_H

#include "kernels/kernels.h"

#if defined(__AVX512F__)
#define CONV_VECS 4
#define CONV_REG_BYTES 64
#elif defined(__AVX2__)
#define CONV_VECS 2
#define CONV_REG_BYTES 32
#elif defined(__aarch64__) /* 32 registers, as AVX-512 has */
#define CONV_VECS 4
#define CONV_REG_BYTES 16
#else
#define CONV_VECS 2
#define CONV_REG_BYTES 16
#endif
#define CONV_PIXELS 6
#define CONV_MOST_PIXELS (CONV_VECS == 4 ? 12 : 6) /* of a tile of one or two vectors, whose accumulators would not fill the registers */

/* The tile of conv_planes.h: output channels by vectors of pixels. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define PLANES_CHANNELS 14
#else
#define PLANES_CHANNELS 6
#endif
#define PLANES_VECS 2

/* Winograd's way, of f32: not for baseline, whose size it is not worth. The tile of conv_winograd.h, filters by vectors of tiles, fills 32 registers or 16. */
#if defined(__AVX2__) || defined(__aarch64__)
#define CONV_WINOGRAD 1
#else
#define CONV_WINOGRAD 0
#endif
#if defined(__AVX512F__) || defined(__aarch64__)
#define WINO_FILTERS 8
#else
#define WINO_FILTERS 4
#endif
#define WINO_VECS 3
#define WINO_DEPTH 8 /* channels that lie side by side */
#define WINO_ROOM 17 /* 16 positions, and room for one: with 16, all groups of channels would fall into the same sets of the L1 */

/* A stretch of the reduction whose source elements lie side by side: the channels of a tap, or of several taps that are neighbours in
 * memory. offset is from the pixel's own place in the packed source, entry counts the weights' lines before the first of these. */
typedef struct conv_run {
    int64_t offset, length, entry;
} conv_run;

typedef struct conv_phase {
    int64_t row, col;         /* the first dest row and column; others follow in steps of dst_step */
    int64_t run, n_run;       /* its part of the list of runs */
} conv_phase;

typedef struct conv_axis {
    int64_t src, dst, taps;     /* sizes */
    int64_t src_step, dst_step; /* per dest position of a phase */
    int64_t stride, pad, dil;
    bool mirrored;              /* input_grad */
    int64_t low, span;          /* a phase's first dest position reads source positions low ... low + span - 1 */
} conv_axis;

/* How conv_planes.h cuts the work: see there. */
typedef struct conv_planes {
    bool on;              /* this engine takes the pass, and not conv_gather.h */
    int64_t line;         /* elements from one row of a padded plane to the next */
    int64_t channels;     /* of the source, per block */
    int64_t channel_step; /* packed elements from one to the next */
    int64_t tiles;        /* of a group's output channels */
} conv_planes;

/* How conv_deep.h cuts the work: see there. */
typedef struct conv_deep {
    bool on;
    bool edges;                     /* taps that fall on padding are left out, and no source is padded */
    int64_t channels;               /* of a part */
    int64_t kinds, n_run;
    size_t kinds_at, pixels_at, images_at; /* in scratch */
    size_t part_at, my_runs_at;     /* within a chunk's area */
    struct conv_kind *kind;         /* filled in by conv_plan_lists, as the next one */
    struct conv_pixel *pixel;
} conv_deep;

/* Dest pixels of an image that the same taps reach, and where they lie: elements of a packed source image, pixels of dest. */
typedef struct conv_kind {
    int64_t pixel, pixels; /* its part of the list of pixels */
    int64_t run, n_run;    /* and of the list of runs: one for each tap, whose entry is the tap's number */
} conv_kind;
typedef struct conv_pixel {
    int64_t src, dst;
} conv_pixel;

/* How conv_winograd.h cuts the work: see there. Steps are elements. */
typedef struct conv_winograd {
    bool on, deep;
    int64_t rows, cols, tiles;                  /* of tiles: in an image, in all images */
    int pieces;                                 /* of a strip, see conv_winograd_image.h */
    int64_t stretch;                            /* deep: so many at a time, whole blocks */
    int64_t v_groups;                           /* of WINO_DEPTH channels in a group */
    int64_t filter_tiles, filters, parts;       /* WINO_FILTERS lanes of a group; so many in a part; parts */
    int64_t channels;                           /* of a part */
    int64_t u_position;                         /* elements from one position to the next */
    size_t u_at, v_at, m_at;                    /* in scratch, or within a chunk's area */
} conv_winograd;

typedef struct conv_plan {
    ct__conv_shape shape;
    size_t real_size;
    int lanes_per_vec;
    bool depthwise;
    bool src_last, dst_last;
    bool direct;               /* the source is read where it is: channels-last, and nothing to pad */
    int64_t groups, red, lanes; /* per group: channels that are summed over, channels that are lanes; depthwise: 1, 1, C */
    int64_t src_c, dst_c;       /* channels of whole images */
    conv_axis v, h;             /* rows, columns */
    int64_t packed_w;           /* columns of the packed source */
    int64_t taps, reduction;    /* kh kw; taps red */
    int64_t vecs, blocks;       /* vectors that hold a group's lanes, blocks of at most CONV_VECS of them */

    conv_planes planes;
    conv_deep deep;
    conv_winograd winograd;

    /* Work: a task is some rows of one image; inside it, weights stay in the cache while inner rows pass by. */
    int64_t task_rows, row_tasks, tasks, inner_rows, chunk;
    int chunks;

    /* Scratch: byte offsets from its start; per_chunk areas repeat every chunk_stride bytes from chunk_base. */
    size_t runs_at, phases_at, order_at, weights_at, chunk_base, chunk_stride;
    size_t src_at, stage_at; /* within a chunk's area */
    size_t total;

    /* Filled in by conv_plan_lists. */
    conv_run *run;
    conv_phase *phase;
    int64_t n_phase;
    int64_t *order; /* tap (a * kw + b) -> its place among the taps of the packed weights, -1 if unused; conv_planes.h: -> offset in the packed source */
} conv_plan;

#define conv_plan_make CT__ISA_NAME(ct__conv_plan_make)
#define conv_plan_lists CT__ISA_NAME(ct__conv_plan_lists)
#define conv_planes_make CT__ISA_NAME(ct__conv_planes_make)
#define conv_planes_lists CT__ISA_NAME(ct__conv_planes_lists)
#define conv_deep_make CT__ISA_NAME(ct__conv_deep_make)
#define conv_deep_lists CT__ISA_NAME(ct__conv_deep_lists)
#define conv_transpose_f32 CT__ISA_NAME(ct__conv_transpose_f32)
#define conv_transpose_f64 CT__ISA_NAME(ct__conv_transpose_f64)
#define conv_planes_f32 CT__ISA_NAME(ct__conv_planes_f32)
#define conv_planes_f64 CT__ISA_NAME(ct__conv_planes_f64)
#define conv_winograd_make CT__ISA_NAME(ct__conv_winograd_make)
#define conv_winograd_f32 CT__ISA_NAME(ct__conv_winograd_f32)
#define conv_gather_f32 CT__ISA_NAME(ct__conv_gather_f32)
#define conv_gather_f64 CT__ISA_NAME(ct__conv_gather_f64)
#define conv_forward_f32 CT__ISA_NAME(ct__conv_forward_f32)
#define conv_forward_f64 CT__ISA_NAME(ct__conv_forward_f64)
#define conv_input_grad_f32 CT__ISA_NAME(ct__conv_input_grad_f32)
#define conv_input_grad_f64 CT__ISA_NAME(ct__conv_input_grad_f64)
#define conv_weight_grad_f32 CT__ISA_NAME(ct__conv_weight_grad_f32)
#define conv_weight_grad_f64 CT__ISA_NAME(ct__conv_weight_grad_f64)

/* Decides everything that sizes decide; false where a number of bytes does not fit. Writes no scratch. */
bool conv_plan_make(conv_plan *p, const ct__conv_shape *s, ct__conv_pass pass, int real);
/* Writes runs, phases and order into scratch and points p at them. */
void conv_plan_lists(conv_plan *p, void *scratch);

/* The same for conv_planes.h; planes.on becomes whether it takes the pass. */
bool conv_planes_make(conv_plan *p);
void conv_planes_lists(conv_plan *p, void *scratch);
/* And for conv_deep.h, with deep.on. */
bool conv_deep_make(conv_plan *p);
void conv_deep_lists(conv_plan *p, void *scratch);

/* The same for conv_winograd.h, which has no lists. */
#if CONV_WINOGRAD
bool conv_winograd_make(conv_plan *p);
void conv_winograd_f32(const conv_plan *p, const float *src, const float *w, const ct__conv_end *end, float *dst, void *scratch);
#else
CT__INLINE bool conv_winograd_make(conv_plan *p) { return !p->winograd.on; }
CT__INLINE void conv_winograd_f32(const conv_plan *p, const float *src, const float *w, const ct__conv_end *end, float *dst, void *scratch) {
    (void)p, (void)src, (void)w, (void)end, (void)dst, (void)scratch; /* never called */
}
#endif

/* forward and input_grad: dest = source gathered with the weights, as the plan says, and what `end` makes of it (NULL: nothing). */
void conv_gather_f32(conv_plan *p, const float *src, const float *w, const ct__conv_end *end, float *dst, void *scratch);
void conv_gather_f64(conv_plan *p, const double *src, const double *w, const ct__conv_end *end, double *dst, void *scratch);

/* dst[j][i] = src[i][j] for i < rows, j < cols. Writes each line of dst from left to right. */
void conv_transpose_f32(const float *src, int64_t src_step, int64_t rows, int64_t cols, float *dst, int64_t dst_step);
void conv_transpose_f64(const double *src, int64_t src_step, int64_t rows, int64_t cols, double *dst, int64_t dst_step);

void conv_planes_f32(const conv_plan *p, const float *src, const float *w, const ct__conv_end *end, float *dst, void *scratch);
void conv_planes_f64(const conv_plan *p, const double *src, const double *w, const ct__conv_end *end, double *dst, void *scratch);
void conv_forward_f32(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *scratch);
void conv_forward_f64(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *scratch);
void conv_input_grad_f32(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *scratch);
void conv_input_grad_f64(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *scratch);
void conv_weight_grad_f32(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *scratch);
void conv_weight_grad_f64(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *scratch);

/* Reserves count * size bytes of scratch; what does not fit makes total SIZE_MAX for good. */
CT__INLINE size_t conv_reserve(size_t *total, int64_t count, size_t size) {
    size_t at = *total, bytes;
    if (at == SIZE_MAX || !ct__mul_size((size_t)count, size, &bytes) || bytes > SIZE_MAX / 4 - at) {
        *total = SIZE_MAX;
        return 0;
    }
    *total = (at + bytes + 63) & ~(size_t)63;
    return at;
}

/* Whether a tap reads a source position, if only one of padding, for dest position `at`, and which. */
CT__INLINE bool conv_axis_reads(const conv_axis *a, int64_t at, int64_t tap) {
    return !a->mirrored || (at + a->pad - tap * a->dil) % a->stride == 0;
}
CT__INLINE int64_t conv_axis_source(const conv_axis *a, int64_t at, int64_t tap) {
    return a->mirrored ? (at + a->pad - tap * a->dil) / a->stride : at * a->stride + tap * a->dil - a->pad;
}
/* Source positions that n dest positions, beginning at one where phase 0 begins, read. */
CT__INLINE int64_t conv_axis_count(const conv_axis *a, int64_t n) { return (ct__ceil_div_i64(n, a->dst_step) - 1) * a->src_step + a->span; }

/* Residues of dest positions that are phases: a stride may be larger than the image. */
CT__INLINE int64_t conv_axis_phases(const conv_axis *a) { return ct__min_i64(a->dst_step, a->dst); }

CT__INLINE int64_t planes_tile_at(const conv_plan *p, int64_t tile) { return p->lanes * tile / p->planes.tiles; }

CT__INLINE int64_t conv_tile_pixels(const conv_plan *p, int64_t vecs) { return vecs > 2 || p->depthwise ? CONV_PIXELS : CONV_MOST_PIXELS; }

/* Block b of a group covers the vectors conv_block_at(b) ... conv_block_at(b + 1) - 1: the same number each, give or take one. */
CT__INLINE int64_t conv_block_at(const conv_plan *p, int64_t b) { return p->vecs * b / p->blocks; }
CT__INLINE int64_t conv_block_of(const conv_plan *p, int64_t vec) {
    int64_t b = 0;
    while (conv_block_at(p, b + 1) <= vec) b++;
    return b;
}

#endif
