/*
 * cpu_conv_plan.c: sizes, blocks and scratch of the fast convolution. See conv_plan.h for what they mean.
 *
 * How the sizes are chosen (measured on Zen 5, 48 KiB L1, 1 MiB L2; none is sharp):
 * - A task packs its source rows into at most SOURCE_BYTES, a quarter of an L2: packing writes them, every block of lanes reads them
 *   again. Fewer rows per task mean that more halo rows are packed twice.
 * - TASKS_PER_THREAD tasks per thread where there are rows enough, so that batch 1 runs in parallel as well; fewer where that shares the rows more evenly
 *   (28 rows in 7 tasks of 4 leave one of two threads with 16 of them; in 4 tasks of 7 each has 14: 3 x 3 with stride 2 on one image gained a sixth).
 * - The inner loop covers about INNER_PIXELS pixels: 64 filters of 96 pixels are 24 KiB, half of an L1. For a row-major dest they are staged there
 *   before being transposed. Up to MOST_INNER_PIXELS, 96 KiB, if that leaves fewer tiles partly empty (7 x 7 with stride 2: three rows of 112 are 56
 *   whole tiles, one is 18 and two thirds).
 */
#include "kernels/cpu/conv_plan.h"

enum { SOURCE_BYTES = 256 * 1024, TASKS_PER_THREAD = 4, INNER_PIXELS = 96, MOST_INNER_PIXELS = 384 };

static int64_t mod(int64_t a, int64_t b) { return (a % b + b) % b; }

/* ---- axes: which source positions a dest position reads ---- */

/* Taps in the order in which their source positions rise, so that neighbours can merge into one run. */
static int64_t axis_tap(const conv_axis *a, int64_t i) { return a->mirrored ? a->taps - 1 - i : i; }

static void axis_reach(conv_axis *a) {
    int64_t low = 0, high = 0;
    bool any = false;
    for (int64_t t = 0; t < a->taps; t++) {
        int64_t phase = a->mirrored ? mod(t * a->dil - a->pad, a->stride) : 0;
        if (phase >= conv_axis_phases(a)) continue;
        int64_t at = conv_axis_source(a, phase, t);
        low = any ? ct__min_i64(low, at) : at;
        high = any ? ct__max_i64(high, at) : at;
        any = true;
    }
    a->low = low;
    a->span = high - low + 1;
}

static conv_axis axis_make(bool mirrored, int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t pad, int64_t dil) {
    conv_axis a = {.taps = taps, .stride = stride, .pad = pad, .dil = dil, .mirrored = mirrored};
    a.src = mirrored ? out : in;
    a.dst = mirrored ? in : out;
    a.src_step = mirrored ? 1 : stride;
    a.dst_step = mirrored ? stride : 1;
    axis_reach(&a);
    return a;
}

/* ---- scratch ---- */

static bool layout(conv_plan *p) {
    int64_t padded_lanes = p->vecs * p->lanes_per_vec;
    size_t total = 0, mine = 0;
    p->runs_at = conv_reserve(&total, p->taps, sizeof(conv_run));
    p->order_at = conv_reserve(&total, p->taps, sizeof(int64_t));
    p->phases_at = conv_reserve(&total, conv_axis_phases(&p->v) * conv_axis_phases(&p->h), sizeof(conv_phase));
    p->weights_at = conv_reserve(&total, p->groups * p->reduction, (size_t)padded_lanes * p->real_size);
    p->chunk_base = total;
    if (!p->direct) {
        int64_t row;
        if (!ct__mul_i64(p->packed_w, p->src_c, &row)) return false;
        if (!ct__mul_i64(row, conv_axis_count(&p->v, p->task_rows), &row)) return false;
        p->src_at = conv_reserve(&mine, row + p->lanes_per_vec, p->real_size); /* depthwise reads whole vectors */
    }
    if (!p->dst_last)
        p->stage_at = conv_reserve(&mine, p->inner_rows * p->h.dst, (size_t)(CONV_VECS * p->lanes_per_vec) * p->real_size);
    p->chunk_stride = mine;
    conv_reserve(&total, p->chunks, mine);
    if (mine == SIZE_MAX || total == SIZE_MAX) return false;
    p->total = total + 64;
    return true;
}

/* ---- the plan ---- */

static bool needs_padding(const conv_axis *a) { return a->low < 0 || conv_axis_count(a, a->dst) + a->low > a->src; }

/* Rows are cut at multiples of dst_step, so that each piece begins where phase 0 does. */
static int64_t round_rows(const conv_plan *p, int64_t rows) {
    int64_t step = ct__min_i64(p->v.dst_step, p->v.dst);
    return ct__min_i64(ct__ceil_div_i64(ct__max_i64(rows, 1), step) * step, p->v.dst);
}

/* Rows of a task of which there are as many for each thread as can be: those that the thread with the most of them has decide. */
static int64_t even_rows(const conv_plan *p, int64_t fit) {
    const int64_t threads = ct__num_threads(), want = TASKS_PER_THREAD * threads;
    int64_t best = round_rows(p, fit), least = INT64_MAX;
    for (int64_t parts = ct__ceil_div_i64(want, p->shape.n); parts > 0 && p->shape.n < want; parts--) {
        const int64_t rows = round_rows(p, ct__min_i64(fit, ct__ceil_div_i64(p->v.dst, parts)));
        const int64_t most = ct__ceil_div_i64(p->shape.n * ct__ceil_div_i64(p->v.dst, rows), threads) * rows;
        if (most >= least) continue;
        least = most;
        best = rows;
    }
    return best;
}

/* Tiles for so many rows. */
static int64_t tiles(const conv_plan *p, int64_t rows) {
    const int64_t phases = conv_axis_phases(&p->v) * conv_axis_phases(&p->h);
    const int64_t pixels = ct__ceil_div_i64(rows, p->v.dst_step) * ct__ceil_div_i64(p->h.dst, p->h.dst_step);
    return phases * ct__ceil_div_i64(pixels, conv_tile_pixels(p, ct__min_i64(p->vecs, CONV_VECS)));
}

/* Rows of a piece: up to some more than INNER_PIXELS where that leaves fewer tiles that are not whole. */
static int64_t inner_rows(const conv_plan *p) {
    const int64_t step = ct__min_i64(p->v.dst_step, p->v.dst);
    int64_t best = step, least = INT64_MAX;
    for (int64_t rows = step; rows == step || rows * p->h.dst <= MOST_INNER_PIXELS; rows += step) {
        const int64_t r = ct__min_i64(rows, p->task_rows), n = p->task_rows / r * tiles(p, r) + (p->task_rows % r ? tiles(p, p->task_rows % r) : 0);
        const bool small = rows * p->h.dst <= INNER_PIXELS;
        if (small ? n > least : n >= least) continue;
        least = n;
        best = r;
    }
    return best;
}

static void cut_work(conv_plan *p) {
    int64_t rows = p->v.dst;
    if (!p->direct) { /* the larger the task, the fewer halo rows */
        double row_bytes = (double)p->packed_w * (double)p->src_c * (double)p->real_size;
        double fit = ((double)SOURCE_BYTES / row_bytes - (double)p->v.span) / (double)p->v.src_step * (double)p->v.dst_step;
        if (fit < (double)rows) rows = fit < 1 ? 1 : (int64_t)fit;
    }
    p->task_rows = even_rows(p, rows);
    p->row_tasks = ct__ceil_div_i64(p->v.dst, p->task_rows);
    p->task_rows = round_rows(p, ct__ceil_div_i64(p->v.dst, p->row_tasks)); /* even */
    p->row_tasks = ct__ceil_div_i64(p->v.dst, p->task_rows);
    p->inner_rows = inner_rows(p);
    p->tasks = p->shape.n * p->row_tasks;
    p->chunks = ct__parallel_count(p->tasks, 1);
    p->chunk = ct__parallel_chunk(p->tasks, 1);
}

bool conv_plan_make(conv_plan *p, const ct__conv_shape *s, ct__conv_pass pass, int real) {
    bool mirrored = pass == CT__CONV_INPUT_GRAD;
    int64_t cg = s->c / s->groups, fg = s->f / s->groups;
    *p = (conv_plan){.shape = *s, .groups = s->groups};
    p->real_size = real == CT__REAL_F64 ? 8 : 4;
    p->lanes_per_vec = CONV_REG_BYTES / (int)p->real_size;
    p->depthwise = s->groups > 1 && cg == 1 && fg == 1;
    p->red = mirrored ? fg : cg;
    p->lanes = mirrored ? cg : fg;
    if (p->depthwise) p->groups = 1, p->red = 1, p->lanes = s->c;
    p->src_c = mirrored ? s->f : s->c;
    p->dst_c = mirrored ? s->c : s->f;
    p->src_last = mirrored ? s->y_last : s->x_last;
    p->dst_last = mirrored ? s->x_last : s->y_last;
    if (p->src_c == 1) p->src_last = true; /* the same bytes; and nothing to transpose */
    if (p->dst_c == 1) p->dst_last = true;
    p->v = axis_make(mirrored, s->h, s->oh, s->kh, s->stride_h, s->pad_h, s->dil_h);
    p->h = axis_make(mirrored, s->w, s->ow, s->kw, s->stride_w, s->pad_w, s->dil_w);
    p->packed_w = conv_axis_count(&p->h, p->h.dst);
    p->taps = s->kh * s->kw;
    p->reduction = p->taps * p->red;
    p->vecs = ct__ceil_div_i64(p->lanes, p->lanes_per_vec);
    p->blocks = ct__ceil_div_i64(p->vecs, CONV_VECS);
    /* Depthwise tiles read whole vectors, which at an image's last pixel could pass its end. */
    p->direct = p->src_last && !needs_padding(&p->v) && !needs_padding(&p->h) && !(p->depthwise && p->src_c % p->lanes_per_vec);
    if (p->direct) p->packed_w = p->h.src;
    if (!conv_winograd_make(p)) return false;
    if (p->winograd.on) return true;
    if (!conv_planes_make(p)) return false;
    if (p->planes.on) return true;
    if (!conv_deep_make(p)) return false;
    if (p->deep.on) return true;
    cut_work(p);
    return layout(p);
}

static void add_taps(conv_plan *p, conv_phase *f, int64_t *runs, int64_t *entries) {
    for (int64_t i = 0; i < p->v.taps; i++) {
        int64_t a = axis_tap(&p->v, i);
        if (!conv_axis_reads(&p->v, f->row, a)) continue;
        for (int64_t j = 0; j < p->h.taps; j++) {
            int64_t b = axis_tap(&p->h, j);
            if (!conv_axis_reads(&p->h, f->col, b)) continue;
            int64_t row = conv_axis_source(&p->v, f->row, a) - p->v.low, col = conv_axis_source(&p->h, f->col, b) - p->h.low;
            int64_t offset = (row * p->packed_w + col) * p->src_c;
            conv_run *last = f->n_run > 0 && !p->depthwise ? &p->run[*runs - 1] : NULL;
            if (last && last->offset + last->length == offset) {
                last->length += p->red;
            } else {
                p->run[(*runs)++] = (conv_run){offset, p->red, *entries};
                f->n_run++;
            }
            p->order[a * p->h.taps + b] = *entries / p->red;
            *entries += p->red;
        }
    }
}

void conv_plan_lists(conv_plan *p, void *scratch) {
    char *base = scratch;
    if (p->winograd.on) return;
    if (p->planes.on) {
        conv_planes_lists(p, scratch);
        return;
    }
    if (p->deep.on) {
        conv_deep_lists(p, scratch);
        return;
    }
    p->run = (void *)(base + p->runs_at);
    p->phase = (void *)(base + p->phases_at);
    p->order = (void *)(base + p->order_at);
    for (int64_t t = 0; t < p->taps; t++) p->order[t] = -1; /* stays so for taps of phases that no dest position has */
    int64_t runs = 0, entries = 0;
    for (int64_t a = 0; a < conv_axis_phases(&p->v); a++)
        for (int64_t b = 0; b < conv_axis_phases(&p->h); b++) {
            conv_phase *f = &p->phase[p->n_phase++];
            *f = (conv_phase){.row = a, .col = b, .run = runs};
            add_taps(p, f, &runs, &entries);
        }
}
