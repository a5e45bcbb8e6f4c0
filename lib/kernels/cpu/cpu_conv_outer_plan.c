/*
 * cpu_conv_outer_plan.c: sizes and scratch of weight_grad. See conv_outer_plan.h for what they mean.
 */
#include "kernels/cpu/conv_outer_plan.h"

/*
 * How the sizes are chosen (measured on Cascade Lake, 32 KiB L1, 1 MiB L2; none is sharp):
 * - A band's gy and a stretch's x fill BAND_BYTES, half of an L2. If the sums of a thread do not stay in the L2 anyway, a band has DEEP_PIXELS, so that
 *   sums are loaded and stored seldom.
 * - ADD_COST: what adding one more sum per thread costs, in packed elements.
 */
enum { BAND_BYTES = 512 * 1024, LEAST_PIXELS = 392, DEEP_BYTES = 256 * 1024, DEEP_PIXELS = 1024, ADD_COST = 3 };

static outer_axis axis_make(int64_t src, int64_t dst, int64_t taps, int64_t stride, int64_t pad, int64_t dil) {
    return (outer_axis){.src = src, .dst = dst, .taps = taps, .stride = stride, .dil = dil, .low = -pad, .pack = 1, .phases = 1, .dst_step = stride};
}
/* Taps read phase 0 only: the stride skips what is between its positions. */
static bool reads_one_phase(const outer_axis *a) { return a->taps == 1 || a->dil % a->stride == 0; }
static void pack_phases(outer_axis *a) {
    a->pack = a->stride;
    a->phases = reads_one_phase(a) ? 1 : ct__min_i64(a->stride, (a->taps - 1) * a->dil + 1);
    a->dst_step = 1;
}

static void choose_panels(outer_plan *p) {
    enum { MOST = OUTER_ROWS > 8 ? OUTER_ROWS : 2 * OUTER_ROWS };
    const ct__conv_shape *s = &p->shape;
    if (p->depthwise) p->panel_w = p->vecs * p->lanes_per_vec;
    else if (!p->x_last && p->red <= OUTER_FEW && s->kw > 1 && s->kw <= OUTER_HALF && s->dil_w == 1) p->panel_w = 1;
    else if (p->red <= MOST) p->panel_w = p->red;
    else p->panel_w = ct__ceil_div_i64(ct__even_part_i64(p->red, MOST), 2) * 2;
    bool sides = p->panel_w <= OUTER_HALF || p->depthwise; /* taps of a row are better neighbours than pixels */
    if (reads_one_phase(&p->v)) pack_phases(&p->v);
    if (reads_one_phase(&p->h) || !sides) pack_phases(&p->h);
    p->packed_w = outer_packed(&p->h, s->ow);
}

/* ---- work ---- */

static void choose_stretch(outer_plan *p) {
    p->all_panels = ct__ceil_div_i64(p->red, p->panel_w);
    p->panels = ct__even_part_i64(p->all_panels, ct__max_i64(1, OUTER_STRETCH / (p->panel_w * p->taps)));
    p->stretches = ct__ceil_div_i64(p->all_panels, p->panels);
    p->units = p->groups * p->blocks * p->stretches;
}

/* A thread's sums, if it makes all of the weight. */
static double weight_size(const outer_plan *p) { return (double)(p->groups * p->vecs * p->lanes_per_vec) * (double)p->reduction; }

static void choose_split(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    int64_t threads = ct__num_threads();
    double t = (double)threads, groups = (double)p->groups, parts = groups * (double)p->stretches;
    double x = (double)(s->n * s->h) * (double)(s->w * s->c), gy = (double)(s->n * s->oh) * (double)(s->ow * s->f);
    double apart = parts < t ? parts : t; /* threads that work on different channels all pack gy; others pack the same x */
    double packed_twice = gy * (apart / (groups < t ? groups : t) - 1) + x * (t / apart - 1);
    p->by_weight = p->units >= threads && (s->n * s->oh < threads || packed_twice <= ADD_COST * t * weight_size(p) || threads == 1);
    int64_t work = p->by_weight ? p->units : s->n * s->oh;
    p->chunks = ct__parallel_count(work, 1);
    p->chunk = ct__parallel_chunk(work, 1);
}

static void choose_band(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    double channels = (double)(p->panels * p->panel_w), pixel = (channels * (double)(s->h * s->w) / (double)(s->oh * s->ow) + (double)s->f) * (double)p->real_size;
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
    p->edges = !p->depthwise && p->taps > 1 && p->red >= OUTER_HALF && p->by_weight && p->band_rows == s->oh && s->n % p->band_images == 0;
}

/* ---- tiles ---- */

/* Positions of a band, and what follows from them; false where they do not fit. */
static bool set_steps(outer_plan *p) {
    int64_t rows = outer_packed(&p->v, p->band_rows);
    return ct__mul_i64(p->h.phases * p->packed_w, p->panel_w, &p->x_row) && ct__mul_i64(p->x_row, rows, &p->x_image) &&
           ct__mul_i64(p->x_image, p->band_images, &p->x_panel);
}
/* Elements from the first tap of a row, or of a column, to another. */
static int64_t row_offset(const outer_plan *p, int64_t tap) { return tap * p->v.dil / p->v.pack * p->x_row; }
static int64_t col_offset(const outer_plan *p, int64_t tap) {
    int64_t at = tap * p->h.dil;
    return (at % p->h.pack * p->packed_w + at / p->h.pack) * p->panel_w;
}

/* Neighbours in x: entries from ... from + n - 1 of a row of taps from col on, each with so many channels. */
typedef struct outer_neighbours {
    int64_t x, channel, channels, row, col, from, n;
} outer_neighbours;

static void note_lines(const outer_plan *p, const outer_neighbours *a, int64_t line) {
    for (int64_t i = a->from; i < a->from + a->n; i++)
        p->line_at[(a->channel + i % a->channels) * p->taps + a->row * p->shape.kw + a->col + i / a->channels] = line++;
}

/* Two halves, or neighbours to be halved: of an odd number the one in the middle is in both halves. */
static void add_tile(outer_plan *p, const outer_neighbours *a, const outer_neighbours *b) {
    int64_t half = b ? a->n : ct__ceil_div_i64(a->n, 2);
    if (p->tile) {
        outer_neighbours first = *a, second = b ? *b : *a;
        first.n = half;
        if (!b) second.from += a->n - half, second.x += a->n - half, second.n = half;
        p->tile[p->tiles] = (outer_place){{first.x, second.x}, half, p->lines, a->row * p->shape.kw + a->col};
        note_lines(p, &first, p->lines);
        note_lines(p, &second, p->lines + half);
    }
    p->tiles++;
    p->lines += 2 * half;
}

/* Whole tiles, and at the end two parts rather than a small one. */
static int64_t next_part(int64_t left) {
    if (left <= OUTER_ROWS) return left;
    return left < OUTER_ROWS + 4 ? ct__ceil_div_i64(left, 4) * 2 : OUTER_ROWS;
}

/* Panels q0 ... q1 - 1 of a group. What is no more than half a tile waits for its like. */
static void cut_panels(outer_plan *p, int64_t q0, int64_t q1) {
    const ct__conv_shape *s = &p->shape;
    outer_neighbours waiting = {0};
    for (int64_t q = q0; q < q1; q++) {
        int64_t first = outer_panel_at(p, q), channels = outer_panel_at(p, q + 1) - first;
        bool whole = channels == p->panel_w && s->dil_w == 1 && p->h.phases == 1 && !p->edges; /* a row of taps lies side by side */
        int64_t length = whole ? s->kw * channels : channels;
        for (int64_t t = 0; t < p->taps; t += whole ? s->kw : 1) {
            outer_neighbours a = {.channel = first, .channels = channels, .row = t / s->kw, .col = t % s->kw};
            a.x = (q - q0) * p->x_panel + row_offset(p, a.row) + col_offset(p, a.col);
            for (; a.from < length; a.from += a.n, a.x += a.n) {
                a.n = next_part(length - a.from);
                if (a.n > OUTER_HALF || p->edges) {
                    add_tile(p, &a, NULL);
                } else if (waiting.n == a.n) {
                    add_tile(p, &waiting, &a);
                    waiting.n = 0;
                } else {
                    if (waiting.n > 0) add_tile(p, &waiting, NULL);
                    waiting = a;
                }
            }
        }
    }
    if (waiting.n > 0) add_tile(p, &waiting, NULL);
}

/* Counts tiles and lines, and makes the lists where there is room for them. */
static void cut_tiles(outer_plan *p) {
    p->tiles = p->lines = p->most_lines = 0;
    if (p->depthwise) {
        p->lines = p->most_lines = p->taps;
        for (int64_t t = 0; t < p->taps && p->line_at; t++) p->line_at[t] = t;
        return;
    }
    for (int64_t i = 0; i < p->stretches; i++) {
        int64_t before = p->lines, q = i * p->panels;
        if (p->tile) p->tiles_at[i] = p->tiles;
        cut_panels(p, q, ct__min_i64(q + p->panels, p->all_panels));
        p->most_lines = ct__max_i64(p->most_lines, p->lines - before);
    }
    if (p->tile) p->tiles_at[p->stretches] = p->tiles;
}

/* ---- scratch ---- */

static bool layout(outer_plan *p) {
    const ct__conv_shape *s = &p->shape;
    int64_t filters = p->groups * p->vecs * p->lanes_per_vec;
    size_t total = 0, mine = 0;
    int64_t runs = p->edges ? p->taps * s->oh : 0, place = (int64_t)(sizeof(outer_place) / sizeof(int64_t));
    p->lists_at = conv_reserve(&total, p->band_pixels + s->w + 2 * p->taps + 1 + 2 * runs + p->reduction + p->stretches + 1 + p->tiles * place, sizeof(int64_t));
    int64_t all;
    if (!ct__mul_i64(p->x_panel, p->panels, &all)) return false;
    p->x_at = conv_reserve(&mine, all, p->real_size);
    p->gy_at = conv_reserve(&mine, p->band_pixels, (size_t)filters * p->real_size);
    p->bias_at = conv_reserve(&mine, filters, p->real_size);
    p->chunk_stride = mine;
    p->chunk_base = total;
    conv_reserve(&total, p->chunks, mine);
    size_t one = 0; /* one set of sums */
    if (p->one_band) conv_reserve(&one, p->most_lines, (size_t)(OUTER_VECS * p->lanes_per_vec) * p->real_size);
    else conv_reserve(&one, filters, (size_t)p->lines * p->real_size);
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
    p->x_last = s->x_last && s->c > 1; /* else the same bytes */
    p->gy_last = s->y_last || s->f == 1;
    p->taps = s->kh * s->kw;
    p->reduction = p->taps * p->red;
    p->vecs = ct__ceil_div_i64(p->lanes, p->lanes_per_vec);
    p->blocks = ct__ceil_div_i64(p->vecs, OUTER_VECS);
    p->v = axis_make(s->h, s->oh, s->kh, s->stride_h, s->pad_h, s->dil_h);
    p->h = axis_make(s->w, s->ow, s->kw, s->stride_w, s->pad_w, s->dil_w);
    p->height = s->oh;
    if (!outer_winograd_make(p)) return false;
    if (p->wino.on) return true;
    choose_panels(p);
    choose_stretch(p);
    choose_split(p);
    choose_band(p);
    if (!set_steps(p)) return false;
    cut_tiles(p);
    return layout(p);
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
        int64_t d = j - p->h.low, phase = d % p->h.pack, at = d / p->h.pack;
        p->col_at[j] = d >= 0 && phase < p->h.phases && at < p->packed_w ? (phase * p->packed_w + at) * p->panel_w : -1;
    }
    if (p->wino.on) return; /* reads no other list */
    p->pixel_at = p->col_at + s->w;
    p->tap_at = p->pixel_at + p->band_pixels;
    p->runs_at = p->tap_at + p->taps;
    p->run = (void *)(p->runs_at + p->taps + 1);
    p->line_at = (int64_t *)(p->run + (p->edges ? p->taps * s->oh : 0));
    p->tiles_at = p->line_at + p->reduction;
    p->tile = (void *)(p->tiles_at + p->stretches + 1);
    int64_t image_step = p->edges ? 1 : p->band_rows * s->ow, pixel_step = p->edges ? p->band_images : 1;
    for (int64_t n = 0; n < p->band_images; n++)
        for (int64_t i = 0; i < p->band_rows; i++)
            for (int64_t j = 0; j < s->ow; j++)
                p->pixel_at[n * image_step + (i * s->ow + j) * pixel_step] = n * p->x_image + i * p->v.dst_step * p->x_row + j * p->h.dst_step * p->panel_w;
    if (p->edges) list_runs(p);
    for (int64_t t = 0; t < p->taps; t++) p->tap_at[t] = row_offset(p, t / s->kw) + col_offset(p, t % s->kw);
    cut_tiles(p);
}
