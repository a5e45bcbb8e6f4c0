/*
 * cpu_conv_planes_plan.c: whether conv_planes.h takes a pass, and how it cuts the work.
 *
 * It takes passes of stride 1 with at most FEW channels on one side (measured: with 32 on both, lanes along channels and transposing are as fast
 * in spite of the lanes that padding wastes here, and faster with more).
 *
 * A block of packed source channels has at most BLOCK_BYTES, which with weights fit an L2 of 1 MiB; a task at least MIN_PIXELS, as weights pass through
 * the L1 once per task. There are TASKS_PER_THREAD where there are rows enough.
 */
#include "kernels/cpu/conv_plan.h"

enum { FEW = 16, BLOCK_BYTES = 256 * 1024, MIN_PIXELS = 256, TASKS_PER_THREAD = 4 };

static bool takes(const conv_plan *p) {
    const ct__conv_shape *s = &p->shape;
    bool rows = (!s->x_last || s->c == 1) && (!s->y_last || s->f == 1), few = p->red <= FEW || p->lanes <= FEW;
    bool steps = p->v.src_step == 1 && p->h.src_step == 1 && p->v.dst_step == 1 && p->h.dst_step == 1;
    return !p->depthwise && rows && few && steps && p->h.dst >= p->h.span; /* little else than padding: not worth it */
}

static bool cut(conv_plan *p) {
    conv_planes *k = &p->planes;
    int64_t size, most = p->v.dst, want = (int64_t)TASKS_PER_THREAD * ct__num_threads();
    double row_bytes = (double)k->line * (double)p->red * (double)p->real_size;
    double fit = (double)BLOCK_BYTES / row_bytes - (double)p->v.span;
    if (fit < (double)most) most = fit < 1 ? 1 : (int64_t)fit;
    if (p->shape.n < want) most = ct__min_i64(most, ct__ceil_div_i64(p->v.dst, ct__ceil_div_i64(want, p->shape.n)));
    p->task_rows = ct__even_part_i64(p->v.dst, ct__max_i64(most, ct__ceil_div_i64(MIN_PIXELS, p->h.dst)));
    p->row_tasks = ct__ceil_div_i64(p->v.dst, p->task_rows);
    p->tasks = p->shape.n * p->row_tasks;
    p->chunks = ct__parallel_count(p->tasks, 1);
    p->chunk = ct__parallel_chunk(p->tasks, 1);
    if (!ct__mul_i64(p->task_rows + p->v.span - 1, k->line, &size) || size > INT64_MAX / 64) return false;
    int64_t lines = ct__ceil_div_i64(size, p->lanes_per_vec) + PLANES_VECS; /* each channel writes a tile more than its own */
    k->channel_step = (lines | 1) * p->lanes_per_vec;          /* odd: channels fall into different sets of the caches */
    k->channels = ct__even_part_i64(p->red, ct__max_i64(1, BLOCK_BYTES / (k->channel_step * (int64_t)p->real_size)));
    return true;
}

bool conv_planes_make(conv_plan *p) {
    conv_planes *k = &p->planes;
    size_t total = 0, mine = 0;
    if (!takes(p)) return true;
    k->on = true;
    k->line = conv_axis_count(&p->h, p->h.dst);
    k->tiles = ct__ceil_div_i64(p->lanes, PLANES_CHANNELS);
    if (!cut(p)) return false;
    p->order_at = conv_reserve(&total, 2 * p->taps, sizeof(int64_t));
    p->weights_at = conv_reserve(&total, p->groups * p->reduction, (size_t)p->lanes * p->real_size);
    p->chunk_base = total;
    conv_reserve(&mine, k->channels * k->channel_step + PLANES_VECS * p->lanes_per_vec, p->real_size);
    p->chunk_stride = mine;
    conv_reserve(&total, p->chunks, mine);
    if (mine == SIZE_MAX || total == SIZE_MAX) return false;
    p->total = total + 64;
    return true;
}

void conv_planes_lists(conv_plan *p, void *scratch) {
    p->order = (void *)((char *)scratch + p->order_at);
    int64_t *soon = p->order + p->taps;
    for (int64_t t = 0; t < p->taps; t++) {
        int64_t a = t / p->h.taps, b = t % p->h.taps, row = (conv_axis_source(&p->v, 0, a) - p->v.low) * p->planes.line;
        p->order[t] = row + conv_axis_source(&p->h, 0, b) - p->h.low;
        soon[t] = p->planes.channel_step + row + ct__min_i64(b, PLANES_VECS) * p->lanes_per_vec; /* the three lines of a row */
    }
}
