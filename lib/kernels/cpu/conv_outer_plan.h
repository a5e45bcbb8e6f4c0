/*
 * conv_outer_plan.h: how weight_grad is cut into pieces. The plan knows sizes and no element; conv_outer_pack.h packs, conv_outer.h multiplies.
 *
 *      gw[f][e] = sum over pixels of  x[pixel's place + e]  gy[pixel][f]          e = (channel, tap): an entry
 *
 * A tile of registers holds 14 entries x 2 vectors of filters (6 x 2 with 16 registers) while it sweeps some hundred pixels: 2 vector loads and 14 broadcasts for 28
 * multiply-adds. 6 x 4 needs fewer loads; but gy comes from the L2, whose lines cost more than loads that hit: 5 lines for 24 multiply-adds are 76 % of the peak,
 * 3 for 28 are 80 to 92 %. The entries are two halves of neighbours in x, which two pointers reach. Neighbours are the channels of a tap, and, where a
 * position holds no other channel, the taps of a row too. An odd number of entries has one in both halves, whose second sum nobody reads.
 *
 * What tiles read is packed first, a band of pixels at a time: rows of an image, or several whole images.
 *      x    [panel][packed position][panel's channels]    zeros around; a panel has a tile's entries (12 channels where that is 6), or one channel,
 *                                                         where there are few and a row of taps fills half a tile: then rows are copied as they are
 *      gy   [block of filters][pixel][block's lanes]
 * A pixel's place in x comes from a list, so that sweeps run on across the ends of rows and images. With a stride of 2 even columns come before odd ones ("phases"):
 * what a tap reads of neighbouring pixels lies side by side.
 *
 * In small images a tap is on padding for many pixels, of 2 x 2 images and a 3 x 3 kernel 5 of 9: where bands are whole images ("edges") each tap sweeps the other
 * pixels only, in runs.
 *
 * Work is cut for the threads in one of two ways:
 *      by pixels     each thread has sums of its own for the whole weight, which are added at the end
 *      by weight     each thread makes a part of the weight from all pixels: nothing to add, but threads pack the same pixels
 * The second is for deep layers, whose weights are larger than their images. Both depend on sizes and the number of threads only.
 */
#ifndef CT__CONV_OUTER_PLAN_H
#define CT__CONV_OUTER_PLAN_H

#include "kernels/cpu/conv_plan.h"

/* A tile: two halves of at most OUTER_HALF entries, OUTER_VECS vectors of filters. Of OUTER_FEW channels squares to transpose would be almost empty. */
enum { OUTER_HALF = CONV_VECS == 4 ? 7 : 3, OUTER_ROWS = 2 * OUTER_HALF, OUTER_VECS = 2, OUTER_FEW = 4 };

/* A unit has up to OUTER_STRETCH entries (at least a panel), whose x is packed together: an L2 holds them and a block of gy. A piece is a tile's sweep: 800 pixels of
 * 32 filters are 100 KiB, which the L2 delivers; pieces of 100 to 200, which stay in the L1, are 2 to 5 % slower, for the sums to load and store. Half as wide vectors
 * read x twice as often and are better off in the L1 (AVX2: 160 pixels are 7 % faster than 800). */
enum { OUTER_STRETCH = 168, OUTER_PIECE = CONV_VECS == 4 ? 800 : 160 };

typedef struct outer_axis {
    int64_t src, dst, taps, stride, dil;
    int64_t low;      /* the source position of packed position 0 */
    int64_t pack;     /* source positions per packed position */
    int64_t phases;   /* so many sets of packed positions, which begin with low, low + 1, ..., follow each other */
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

/* A tile: its halves' places in x, from the unit's, and its first line of sums; with edges its tap. */
typedef struct outer_place {
    int64_t x[2], half, line, tap;
} outer_place;

typedef struct outer_plan {
    ct__conv_shape shape;
    size_t real_size;
    int lanes_per_vec;
    bool depthwise;
    bool x_last, gy_last;
    int64_t groups, red, lanes; /* per group: channels and filters; depthwise: 1, 1, C */
    int64_t taps, reduction;    /* kh kw; taps red: entries of a group */
    int64_t vecs, blocks;       /* vectors that hold a group's filters, blocks of at most OUTER_VECS of them */
    outer_axis v, h;

    /* Packed x: elements from one to the next */
    int64_t panel_w;  /* channels of a panel: from one position to the next */
    int64_t packed_w; /* positions of a row; with phases of one of them */
    int64_t x_row, x_image, x_panel;

    /* Work: a unit is a stretch of panels of one group, and one block of its filters. */
    outer_winograd wino;
    bool by_weight;
    int64_t height;             /* rows of an image: of dst, or of tiles */
    int64_t band_images, band_rows, band_pixels; /* one of the first two is more than 1 only if the band has whole images */
    bool edges;                 /* a tap visits only the pixels for which it is not on padding; those of all images with the same place lie side by side */
    int64_t panels, all_panels; /* of a stretch, of a group */
    int64_t stretches, units;   /* of a group, of all */
    int64_t tiles, lines;       /* of a group: of its list; of sums */
    int64_t most_lines;         /* of a stretch */
    int chunks;
    int64_t chunk;      /* dst rows, or units */
    bool one_band;      /* by_weight, and all pixels are one band: sums of a unit are complete at once */

    /* Scratch: byte offsets. Chunk c's areas are at chunk_base + c chunk_stride, its sums at sums_at + c sums_stride. */
    size_t lists_at, sums_at, sums_stride, chunk_base, chunk_stride;
    size_t x_at, gy_at, bias_at; /* within a chunk's area */
    size_t total;

    /* Filled in by outer_plan_lists; in elements. */
    int64_t *pixel_at; /* pixel of a band -> its place in x */
    int64_t *col_at;   /* source column -> its place in a packed row, -1: not read */
    int64_t *tap_at;   /* tap -> what it adds */
    int64_t *line_at;  /* entry of a group -> its line of sums */
    int64_t *tiles_at; /* stretch -> its part of the list of tiles */
    outer_place *tile;
    int64_t *runs_at;  /* edges: tap -> its part of the list of runs */
    outer_run *run;
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

/* Packed positions of a phase that n dst positions read. */
CT__INLINE int64_t outer_packed(const outer_axis *a, int64_t n) { return (n - 1) * a->dst_step + (a->taps - 1) * a->dil / a->pack + 1; }
/* The dst positions for which a tap is not on padding: from the first to before *end. */
CT__INLINE int64_t outer_inside(const outer_axis *a, int64_t tap, int64_t *end) {
    int64_t at = tap * a->dil + a->low; /* what position 0 reads */
    *end = ct__min_i64(a->dst, at >= a->src ? 0 : (a->src - 1 - at) / a->stride + 1);
    return ct__max_i64(0, ct__ceil_div_i64(-at, a->stride));
}
/* The first channel of panel q of a group. The last two share what would leave the last one almost empty. */
CT__INLINE int64_t outer_panel_at(const outer_plan *p, int64_t q) {
    int64_t at = q * p->panel_w, left = p->red - (p->all_panels - 1) * p->panel_w;
    if (q == p->all_panels) return p->red;
    return q > 0 && q == p->all_panels - 1 && left < OUTER_HALF / 2 ? at - (p->panel_w - left) / 2 : at;
}
/* The first entry of stretch i of a group. */
CT__INLINE int64_t outer_stretch_at(const outer_plan *p, int64_t i) { return outer_panel_at(p, ct__min_i64(i * p->panels, p->all_panels)) * p->taps; }
/* The first vector of block b of a group. */
CT__INLINE int64_t outer_block_at(const outer_plan *p, int64_t b) { return p->vecs * b / p->blocks; }

#endif
