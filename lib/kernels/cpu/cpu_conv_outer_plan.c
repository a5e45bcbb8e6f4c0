/*
 * cpu_conv_outer_plan.c: sizes and scratch of weight_grad. See conv_outer_plan.h for what they mean.
 */
#include "kernels/cpu/conv_outer_plan.h"

/*
 * How the sizes are chosen (measured on Cascade Lake, 32 KiB L1, 1 MiB L2; none is sharp):
 * - A band's x and gy fill BAND_BYTES, half of an L2. If the sums of a thread do not stay in the L2 anyway, a band has DEEP_PIXELS, so that sums are loaded and
 *   stored seldom.
 * - Channels-last images are read in place while pixels are at most DIRECT_BYTES apart: with longer steps the pixels of a
 *   sweep share few sets of the cache.
 * - ADD_COST: what adding one more sum per thread costs, in packed elements.
 */
enum { BAND_BYTES = 512 * 1024, LEAST_PIXELS = 392, DEEP_BYTES = 256 * 1024, DEEP_PIXELS = 1024, DIRECT_BYTES = 256, LINE_BYTES = 64, ADD_COST = 3 };

static outer_axis axis_make(int64_t src, int64_t dst, int64_t taps, int64_t stride, int64_t pad, int64_t dil) {
    outer_axis a = {.src = src, .dst = dst, .taps = taps, .stride = stride, .dil = dil, .low = -pad};
    a.pack = taps == 1 ? stride : 1;
    a.dst_step = stride / a.pack;
    return a;
}
static bool needs_padding(const outer_axis *a) { return a->low < 0 || (a->dst - 1) * a->stride + (a->taps - 1) * a->dil >= a->src; }

static void choose_panels(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    int64_t most = LINE_BYTES / (int64_t)p->real_size, padded = p->vecs * p->lanes_per_vec;
    p->x_direct = p->x_last && !needs_padding(&p->v) && !needs_padding(&p->h) && s->c * (int64_t)p->real_size <= DIRECT_BYTES &&
                  !(p->depthwise && s->c != padded); /* depthwise tiles read whole vectors */
    p->panels = 1;
    if (p->x_direct) {
        p->v.pack = p->h.pack = 1;
        p->v.dst_step = s->stride_h;
        p->h.dst_step = s->stride_w;
        p->panel_w = s->c;
    } else if (p->depthwise) {
        p->panel_w = padded;
    } else {
        p->panel_w = ct__even_part_i64(s->c, most);
        p->panels = ct__ceil_div_i64(s->c, p->panel_w);
    }
    p->packed_w = p->x_direct ? s->w : outer_packed(&p->h, s->ow);
}

/* ---- work ---- */

static void choose_stretch(outer_plan *p) {
    p->wide = p->vecs == 1 ? CONV_VECS : p->vecs == 2 ? CONV_VECS / 2 : 1;
    if (p->depthwise || p->red % p->wide != 0 || p->panel_w % p->wide != 0) p->wide = 1;
    p->stretch = OUTER_STRETCH;
    p->by_tap = p->wide == 1 && !p->depthwise && p->red >= CONV_PIXELS && p->taps > 1;
    if (p->by_tap) {
        p->stretch = ct__min_i64(16, p->red) * p->taps;
    } else if (p->wide > 1) { /* whole channels; if possible whole tiles */
        int64_t least = p->wide * p->taps, n = ct__ceil_div_i64(OUTER_STRETCH, least);
        for (int64_t i = 0; i < CONV_PIXELS; i++)
            if ((n + i) * p->taps % CONV_PIXELS == 0 && (n + i) * least <= 4 * OUTER_STRETCH) {
                n += i;
                break;
            }
        p->stretch = ct__min_i64(n * least, p->reduction);
    }
    p->stretches = ct__ceil_div_i64(p->reduction, p->stretch);
    p->units = p->groups * p->blocks * p->stretches;
}

/* A thread's sums, if it makes all of the weight. */
static double weight_size(const outer_plan *p) { return (double)(p->groups * p->vecs * p->lanes_per_vec) * (double)p->reduction; }

static void choose_split(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    int64_t threads = ct__num_threads();
    double t = (double)threads, blocks = (double)(p->groups * p->blocks);
    double x = (double)(s->n * s->h) * (double)(s->w * s->c), gy = (double)(s->n * s->oh) * (double)(s->ow * s->f);
    double shared = blocks < t ? blocks : t; /* threads that work on different filters all pack x; others pack the same gy */
    double packed_twice = x * (shared - 1) + gy * (t / shared - 1);
    p->by_weight = p->units >= threads && (s->n * s->oh < threads || packed_twice <= ADD_COST * t * weight_size(p) || threads == 1);
    int64_t work = p->by_weight ? p->units : s->n * s->oh;
    p->chunks = ct__parallel_count(work, 1);
    p->chunk = ct__parallel_chunk(work, 1);
}

static void choose_band(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    double pixel = ((double)s->c * (double)(s->h * s->w) / (double)(s->oh * s->ow) + (double)s->f) * (double)p->real_size;
    double want = BAND_BYTES / pixel, sums = weight_size(p) * (double)p->real_size / (p->by_weight ? (double)p->chunks : 1);
    double least = sums > DEEP_BYTES ? DEEP_PIXELS : LEAST_PIXELS;
    int64_t most = (int64_t)(want > least ? want : least) + 1, plane = s->oh * s->ow;
    p->band_images = 1;
    p->band_rows = s->oh;
    if (plane <= most) {
        int64_t images = p->by_weight ? s->n : ct__ceil_div_i64(p->chunk, s->oh);
        p->band_images = ct__even_part_i64(images, most / plane);
    } else {
        int64_t rows = most / s->ow > 0 ? most / s->ow : 1;
        p->band_rows = ct__even_part_i64(s->oh, rows);
    }
    p->band_pixels = p->band_images * p->band_rows * s->ow;
    p->one_band = p->by_weight && (p->band_images >= s->n && p->band_rows == s->oh);
    p->edges = p->by_tap && p->by_weight && p->band_rows == s->oh && s->n % p->band_images == 0 && !p->gy_direct;
}

/* ---- scratch ---- */

/* Positions of a band, and what follows from them; false where they do not fit. */
static bool set_steps(outer_plan *p) {
    int64_t rows = p->x_direct ? p->shape.h : outer_packed(&p->v, p->band_rows);
    return ct__mul_i64(p->packed_w, p->panel_w, &p->x_row) && ct__mul_i64(p->x_row, rows, &p->x_image) &&
           ct__mul_i64(p->x_image, p->band_images, &p->x_panel);
}

static bool layout(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    int64_t filters = p->groups * p->vecs * p->lanes_per_vec;
    size_t total = 0, mine = 0;
    int64_t runs = p->edges ? p->taps * s->oh : 0;
    p->lists_at = conv_reserve(&total, p->band_pixels + s->c + 2 * p->taps + 1 + s->w + 2 * runs, sizeof(int64_t));
    if (!p->x_direct) {
        int64_t all;
        if (!ct__mul_i64(p->x_panel, p->panels, &all)) return false;
        p->x_at = conv_reserve(&mine, all, p->real_size);
    }
    if (!p->gy_direct) p->gy_at = conv_reserve(&mine, p->band_pixels, (size_t)filters * p->real_size);
    p->bias_at = conv_reserve(&mine, filters, p->real_size);
    p->chunk_stride = mine;
    p->chunk_base = total;
    conv_reserve(&total, p->chunks, mine);
    size_t one = 0; /* one set of sums */
    if (p->one_band) conv_reserve(&one, p->stretch, (size_t)(CONV_VECS * p->lanes_per_vec) * p->real_size);
    else conv_reserve(&one, filters, (size_t)p->reduction * p->real_size);
    bool shared = p->by_weight && !p->one_band; /* each thread has its units' part of the same sums */
    p->sums_stride = shared ? 0 : one;
    p->sums_at = conv_reserve(&total, shared ? 1 : p->chunks, one);
    if (mine == SIZE_MAX || one == SIZE_MAX || total == SIZE_MAX) return false;
    p->total = total + 64;
    return true;
}

bool outer_plan_make(outer_plan *p, const ct__conv_shape *s, int real) {
    *p = (outer_plan){.shape = *s, .groups = s->groups, .red = s->c / s->groups, .lanes = s->f / s->groups};
    p->real_size = real == CT__REAL_F64 ? 8 : 4;
    p->lanes_per_vec = CONV_REG_BYTES / (int)p->real_size;
    p->depthwise = s->groups > 1 && p->red == 1 && p->lanes == 1;
    if (p->depthwise) p->groups = 1, p->lanes = s->c;
    p->x_last = s->x_last || s->c == 1; /* the same bytes, and nothing to transpose */
    p->gy_last = s->y_last || s->f == 1;
    p->taps = s->kh * s->kw;
    p->reduction = p->taps * p->red;
    p->vecs = ct__ceil_div_i64(p->lanes, p->lanes_per_vec);
    p->blocks = ct__ceil_div_i64(p->vecs, CONV_VECS);
    p->v = axis_make(s->h, s->oh, s->kh, s->stride_h, s->pad_h, s->dil_h);
    p->h = axis_make(s->w, s->ow, s->kw, s->stride_w, s->pad_w, s->dil_w);
    p->height = s->oh;
    if (!outer_winograd_make(p)) return false;
    if (p->wino.on) return true;
    p->gy_direct = p->gy_last && p->lanes % p->lanes_per_vec == 0 && s->f * (int64_t)p->real_size <= DIRECT_BYTES;
    choose_panels(p);
    choose_stretch(p);
    choose_split(p);
    choose_band(p);
    return set_steps(p) && layout(p);
}

static void list_runs(outer_plan *p) {
    int64_t runs = 0, images = p->band_images;
    for (int64_t t = 0; t < p->taps; t++) {
        int64_t bottom, right, top = outer_inside(&p->v, t / p->shape.kw, &bottom), left = outer_inside(&p->h, t % p->shape.kw, &right);
        p->runs_at[t] = runs;
        for (int64_t i = top; i < bottom && left < right; i++) p->run[runs++] = (outer_run){(i * p->shape.ow + left) * images, (right - left) * images};
    }
    p->runs_at[p->taps] = runs;
}

void outer_plan_lists(outer_plan *p, void *scratch) {
    const ct__conv_shape *s = &p->shape;
    p->col_at = (void *)((char *)scratch + p->lists_at);
    for (int64_t j = 0; j < s->w; j++) {
        int64_t d = j - p->h.low;
        p->col_at[j] = d >= 0 && d % p->h.pack == 0 && d / p->h.pack < p->packed_w ? d / p->h.pack * p->panel_w : -1;
    }
    if (p->wino.on) return; /* reads no other list */
    p->pixel_at = p->col_at + s->w;
    p->chan_at = p->pixel_at + p->band_pixels;
    p->tap_at = p->chan_at + s->c;
    p->runs_at = p->tap_at + p->taps;
    p->run = (void *)(p->runs_at + p->taps + 1);
    int64_t image_step = p->edges ? 1 : p->band_rows * s->ow, pixel_step = p->edges ? p->band_images : 1;
    for (int64_t n = 0; n < p->band_images; n++)
        for (int64_t i = 0; i < p->band_rows; i++)
            for (int64_t j = 0; j < s->ow; j++)
                p->pixel_at[n * image_step + (i * s->ow + j) * pixel_step] = n * p->x_image + i * p->v.dst_step * p->x_row + j * p->h.dst_step * p->panel_w;
    if (p->edges) list_runs(p);
    for (int64_t c = 0; c < s->c; c++) p->chan_at[c] = c / p->panel_w * p->x_panel + c % p->panel_w;
    for (int64_t a = 0; a < s->kh; a++)
        for (int64_t b = 0; b < s->kw; b++) p->tap_at[a * s->kw + b] = a * s->dil_h * p->x_row + b * s->dil_w * p->panel_w;
}
