/*
 * conv_outer_plan.h: how weight_grad is cut into pieces. The plan knows sizes and no element; conv_outer.h packs and multiplies.
 *
 *      gw[f][e] = sum over pixels of  x[pixel's place + e]  gy[pixel][f]          e = (channel, tap): an entry
 *
 * A tile of registers holds 6 entries x 4 vectors of filters (6 x 2 with 16 registers) while it sweeps some hundred pixels: 4 vector
 * loads, 6 broadcasts and 24 multiply-adds for each. With one or two vectors of filters a tile has 4 or 2 channels of 6 taps, which keeps the 24 multiply-adds:
 * with 12 of them the other instructions take longer. The channels share 6 pointers.
 *
 * What tiles read is packed first, a band of pixels at a time: rows of an image, or several whole images.
 *      x    [panel][packed position][panel's channels]    zeros around; a position of a panel is at most one cache line, so that the pixels of a sweep
 *                                                         lie side by side whatever the number of channels
 *      gy   [block of filters][pixel][block's lanes]
 * A pixel's place in x comes from a list, so that sweeps run on across the ends of rows and images.
 *
 * The 6 entries of a tile are channels of one tap, which lie in one line of x: with a stride of 2, six taps of a channel are four lines a pixel (with AVX2 45 % of
 * the peak, by tap 55). Only few channels (the first layer's) are taken by taps. In small images a tap is on padding for many pixels, of 2 x 2 images
 * and a 3 x 3 kernel 5 of 9: where bands are whole images ("edges") each tap sweeps the other pixels only, in runs.
 *
 * Work is cut for the threads in one of two ways:
 *      by pixels     each thread has sums of its own for the whole weight, which are added at the end
 *      by weight     each thread makes a part of the weight from all pixels: nothing to add, but threads pack the same pixels
 * The second is for deep layers, whose weights are larger than their images. Both depend on sizes and the number of threads only.
 */
#ifndef CT__CONV_OUTER_PLAN_H
#define CT__CONV_OUTER_PLAN_H

#include "kernels/cpu/conv_plan.h"

/* Entries that are swept together: their sums (12 KiB) stay in the cache from one piece of a band to the next. A multiple of CONV_PIXELS
 * and, so that lines of gw are written whole, of 16. A piece is a tile's sweep: 800 pixels of 64 filters are 200 KiB, which the L2 delivers fast enough;
 * pieces of 96 that stay in the L1 were 7 % slower, of 448 2 %, for the sums to load and store. Tiles of 16 filters read x four times as often and are better off in
 * the L1 (AVX2: 160 pixels are 7 % faster than 800). */
enum { OUTER_STRETCH = 48, OUTER_PIECE = CONV_VECS == 4 ? 800 : 160 };

typedef struct outer_axis {
    int64_t src, dst, taps, stride, dil;
    int64_t low;      /* the source position of packed position 0 */
    int64_t pack;     /* source positions per packed position: a single tap needs only every stride-th */
    int64_t dst_step; /* packed positions per dst position */
} outer_axis;

/* How conv_outer_winograd.h cuts the work: see there. */
typedef struct outer_winograd {
    bool on, deep;
    int64_t tiles_w;     /* of an image */
    int64_t parts;       /* of the pixels; deep: 1 */
    int64_t step;        /* tiles from one position to the next */
    int64_t red, panels; /* of a group: channels, rounded up to vectors; panels of them */
    int64_t pairs;       /* of a group: pairs of vectors that hold its filters */
    size_t sum_step;     /* elements from the sums of one position to the next */
    size_t pack_at;      /* within a chunk's area */
} outer_winograd;
enum { WINO_ROWS = CONV_VECS == 4 ? 12 : 6, WINO_PANEL = 48, WINO_PAIR = 2 * CONV_REG_BYTES / 4 };

/* Pixels of a band that a sweep visits one after the other. */
typedef struct outer_run {
    int64_t first, pixels;
} outer_run;

typedef struct outer_plan {
    ct__conv_shape shape;
    size_t real_size;
    int lanes_per_vec;
    bool depthwise;
    bool x_last, gy_last;
    bool x_direct, gy_direct;   /* read where they are: channels-last, not padded, with short steps between pixels */
    int64_t groups, red, lanes; /* per group: channels and filters; depthwise: 1, 1, C */
    int64_t taps, reduction;    /* kh kw; taps red: entries of a group */
    int64_t vecs, blocks;       /* vectors that hold a group's filters, blocks of at most CONV_VECS of them */
    outer_axis v, h;

    /* x, packed or direct: elements from one to the next */
    int64_t panels, panel_w; /* channels of a panel: also the step between positions */
    int64_t packed_w, x_row, x_image, x_panel;

    /* Work: a unit is one block of one group and a stretch of entries. */
    outer_winograd wino;
    bool by_weight;
    int64_t height;             /* rows of an image: of dst, or of tiles */
    int64_t band_images, band_rows, band_pixels; /* one of the first two is more than 1 only if the band has whole images */
    int64_t wide;               /* channels of a tile's tap: 1, 2, 4 */
    bool by_tap;                /* a tile's points are channels of one tap; else taps of a channel */
    bool edges;                 /* a tap visits only the pixels for which it is not on padding; those of all images with the same place lie side by side */
    int64_t stretch, stretches, units;
    int chunks;
    int64_t chunk;      /* dst rows, or units */
    bool one_band;      /* by_weight, and all pixels are one band: sums of a unit are complete at once */

    /* Scratch: byte offsets. Chunk c's areas are at chunk_base + c chunk_stride, its sums at sums_at + c sums_stride. */
    size_t lists_at, sums_at, sums_stride, chunk_base, chunk_stride;
    size_t x_at, gy_at, bias_at; /* within a chunk's area */
    size_t total;

    /* Filled in by outer_plan_lists; in elements. */
    int64_t *pixel_at; /* pixel of a band -> its place in x */
    int64_t *chan_at;  /* channel -> what it adds */
    int64_t *tap_at;   /* tap -> what it adds */
    int64_t *runs_at;  /* edges: tap -> its part of the list of runs */
    outer_run *run;
    int64_t *col_at;   /* source column -> its place in a packed row, -1: not read */
} outer_plan;

#define outer_plan_make CT__ISA_NAME(ct__outer_plan_make)
#define outer_winograd_make CT__ISA_NAME(ct__outer_winograd_make)
#define outer_plan_lists CT__ISA_NAME(ct__outer_plan_lists)

/* As conv_plan_make and conv_plan_lists. */
bool outer_plan_make(outer_plan *p, const ct__conv_shape *s, int real);
void outer_plan_lists(outer_plan *p, void *scratch);

/* The same for conv_outer_winograd.h; wino.on becomes whether it takes the pass. */
#if CONV_WINOGRAD
bool outer_winograd_make(outer_plan *p);
#else
CT__INLINE bool outer_winograd_make(outer_plan *p) { return !p->wino.on; }
#endif

/* Packed positions that n dst positions read. */
CT__INLINE int64_t outer_packed(const outer_axis *a, int64_t n) { return (n - 1) * a->dst_step + (a->taps - 1) * a->dil + 1; }
/* The dst positions for which a tap is not on padding: from the first to before *end. */
CT__INLINE int64_t outer_inside(const outer_axis *a, int64_t tap, int64_t *end) {
    int64_t at = tap * a->dil + a->low; /* what position 0 reads */
    *end = ct__min_i64(a->dst, at >= a->src ? 0 : (a->src - 1 - at) / a->stride + 1);
    return ct__max_i64(0, ct__ceil_div_i64(-at, a->stride));
}
/* The first vector of block b of a group. */
CT__INLINE int64_t outer_block_at(const outer_plan *p, int64_t b) { return p->vecs * b / p->blocks; }

#endif
