/*
 * cpu_conv_outer_winograd.c: whether conv_outer_winograd.h takes a weight_grad, and how it cuts the work.
 */
#include "base/cpu.h"
#include "kernels/cpu/conv_outer_plan.h"

#if CONV_WINOGRAD
/* A band's transformed pixels fill BAND_BYTES, half of an L2; but a sweep over fewer tiles than LEAST_TILES would load and store its sums too often. */
enum { BAND_BYTES = 512 * 1024, LEAST_TILES = 96 };

static bool is_possible(const outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    return p->real_size == 4 && s->kh == 3 && s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->dil_h == 1 && s->dil_w == 1 && !p->depthwise;
}

/* Taps of a row or a column that are not on padding, in the mean of all pixels. */
static double inside(const outer_axis *a) {
    int64_t pixels = 0;
    for (int64_t t = 0; t < a->taps; t++) {
        int64_t end, first = outer_inside(a, t, &end);
        pixels += ct__max_i64(0, end - first);
    }
    return (double)pixels / (double)a->dst;
}

/*
 * Cycles for a group, as measured on Cascade Lake with AVX-512 and with AVX2, where moving a vector takes half as long:
 *
 *      direct        a pixel    9 multiply-adds per channel and vector of filters, 1.6 a cycle, deep without those with padding; 0.4 a byte of its vectors
 *                               for packing
 *                    the end    4 a byte of a vector of filters per channel
 *      Winograd      a tile     16 multiply-adds, 1.8 a cycle, deep 1.4; 4 a byte of its vectors for packing and transforming
 *                    the end    2.5 a byte, and 1.25 for each part's sums
 */
static bool is_faster(const outer_plan *p) {
    const outer_winograd *w = &p->wino;
    double pixels = (double)p->shape.n * (double)(p->shape.oh * p->shape.ow), tiles = (double)p->shape.n * (double)(p->height * w->tiles_w);
    double channels = (double)p->red, vecs = (double)ct__ceil_div_i64(p->lanes, p->lanes_per_vec), red_vecs = (double)(w->red / p->lanes_per_vec);
    double bytes = CONV_REG_BYTES, padded = (double)p->vecs;
    double taps = w->deep ? inside(&p->v) * inside(&p->h) : 9;
    double direct = pixels * (taps * channels * vecs / 1.6 + 0.4 * bytes * (red_vecs + vecs)) + channels * vecs * bytes * 4;
    double end = channels * padded * bytes * (2.5 + 1.25 * (double)w->parts);
    return tiles * (16 * channels * padded / (w->deep ? 1.4 : 1.8) + 4 * bytes * (red_vecs + padded)) + end < direct;
}

/* Sums for each thread that would be loaded and stored for every band cost more than transformed pixels that do not stay in the L2. */
static bool is_deep(const outer_plan *p) {
    double tiles = (double)p->shape.n * (double)(p->height * p->wino.tiles_w), c = (double)p->red, f = (double)p->lanes;
    return tiles * (c + f) <= (double)ct__num_threads() * c * f;
}

static void choose_band(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    const outer_winograd *w = &p->wino;
    int64_t plane = p->height * w->tiles_w, tile = 16 * (w->red * p->groups + p->vecs * p->groups * p->lanes_per_vec) * (int64_t)p->real_size;
    int64_t most = w->deep ? plane * s->n : ct__max_i64(LEAST_TILES, BAND_BYTES / tile);
    p->band_images = 1;
    p->band_rows = p->height;
    if (plane <= most) p->band_images = ct__even_part_i64(ct__ceil_div_i64(s->n, w->parts), most / plane);
    else p->band_rows = ct__even_part_i64(p->height, ct__max_i64(1, most / w->tiles_w));
    p->band_pixels = p->band_images * p->band_rows * w->tiles_w;
}

static bool layout(outer_plan *p) {
    outer_winograd *w = &p->wino;
    int64_t rows = outer_packed(&p->v, 2 * p->band_rows), positions, lines;
    size_t total = 0, mine = 0, one = 0, *transformed = w->deep ? &total : &mine;
    p->packed_w = outer_packed(&p->h, 2 * w->tiles_w);
    w->step = p->band_pixels + 1;
    if (!ct__mul_i64(p->packed_w, p->panel_w, &p->x_row) || !ct__mul_i64(p->x_row, rows, &p->x_image) ||
        !ct__mul_i64(16 * w->step, p->groups, &positions) || !ct__mul_i64(w->deep ? WINO_PANEL : w->red * w->pairs * p->groups, WINO_PAIR, &lines))
        return false;
    w->sum_step = (size_t)lines + WINO_PAIR / 2;
    p->lists_at = conv_reserve(&total, p->shape.w, sizeof(int64_t));
    p->x_at = conv_reserve(transformed, positions, (size_t)w->red * p->real_size);
    p->gy_at = conv_reserve(transformed, positions, (size_t)(w->pairs * WINO_PAIR) * p->real_size);
    w->pack_at = conv_reserve(&mine, ct__max_i64(p->x_image, 2 * p->band_rows * p->shape.ow * p->panel_w), p->real_size);
    p->bias_at = conv_reserve(&mine, p->groups * w->pairs * WINO_PAIR, p->real_size);
    conv_reserve(&one, 16, w->sum_step * p->real_size);
    p->sums_at = conv_reserve(w->deep ? &mine : &total, w->parts, one);
    p->sums_stride = one;
    p->chunk_stride = mine;
    p->chunk_base = total;
    conv_reserve(&total, p->chunks, mine);
    if (mine == SIZE_MAX || one == SIZE_MAX || total == SIZE_MAX) return false;
    p->total = total + 64;
    return true;
}

bool outer_winograd_make(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    outer_plan q = *p;
    outer_winograd *w = &q.wino;
    if (!is_possible(p) || !ct__winograd_enabled()) return true;
    w->on = true;
    q.height = ct__ceil_div_i64(s->oh, 2);
    w->tiles_w = ct__ceil_div_i64(s->ow, 2);
    q.panel_w = p->lanes_per_vec;
    w->red = ct__ceil_div_i64(p->red, p->lanes_per_vec) * p->lanes_per_vec;
    w->panels = ct__ceil_div_i64(p->red, WINO_PANEL);
    w->pairs = ct__ceil_div_i64(p->lanes, WINO_PAIR);
    q.vecs = 2 * w->pairs;
    w->deep = is_deep(&q);
    q.chunks = ct__num_threads();
    w->parts = w->deep ? 1 : ct__min_i64(q.chunks, s->n * q.height);
    q.units = p->groups * w->pairs * w->panels;
    if (!is_faster(&q) && !ct__winograd_always()) return true;
    choose_band(&q);
    *p = q;
    return layout(p);
}
#endif
