/*
 * cpu_conv_winograd_plan.c: whether conv_winograd.h takes a pass, and how it cuts the work.
 *
 * The sizes below were measured with AVX-512 and an L2 of 1 MiB; none is sharp.
 */
#include "kernels/cpu/conv_plan.h"

#if CONV_WINOGRAD
#include "base/cpu.h"

/* DEEP: channels whose V of a block, 3 KiB each, with M and a stream of U is more than an L2. PART: filters whose M of a block is half of V. */
enum { DEEP = 256, PART = 64, PART_CHANNELS = 128 };
/* M of DEEP_PART filters over a stretch is half an L2, U of as many and PART_CHANNELS channels a quarter. */
enum { DEEP_PART = 32, DEEP_BLOCKS = 4 };

enum { LEAST = 8 };

/* The share of an axis' taps that do not fall on padding. */
static double inside(const conv_axis *a) {
    int64_t taps = 0;
    for (int64_t t = a->low; t < a->low + 3; t++) taps += ct__max_i64(0, ct__min_i64(a->dst, a->src - t) - ct__max_i64(0, -t));
    return (double)taps / (double)(3 * a->dst);
}

/* V does not stay in the cache, and is no more than U. With more tiles (256 channels of 392 tiles) not being deep is 8 % faster. */
static bool is_deep(const conv_plan *p, double tiles) { return p->red >= DEEP && tiles <= (double)p->lanes; }

/*
 * The one rule. Cost of a tile of 2 x 2 pixels, channel and filter, in multiplications at the peak: direct engines need 36 at two thirds of it, at five sixths
 * with images in channels-last, conv_deep.h without those with padding. Here there are 16, and what is shared: transforming a tile's source costs about 300 per
 * channel, its dest 200 per filter, of channels-last images 1350 and 900 with vectors of 64 bytes, less with shorter ones; a weight 1000 more than a direct
 * engine's, in deep layers 2000, with shorter vectors 3500. So of row-major images it takes 64 channels and filters from about 40 tiles on, 32 from 50,
 * 16 from 300, deep layers from 80 to 100.
 */
static bool pays(const conv_plan *p, double tiles) {
    const double source = p->src_last ? 1350.0 / 64 * CONV_REG_BYTES : 300, dest = p->dst_last ? 900.0 / 64 * CONV_REG_BYTES : 200;
    const double weight = !is_deep(p, tiles) ? 1000 : CONV_REG_BYTES == 64 ? 2000 : 3500;
    const double direct = p->src_last || p->dst_last ? 36 * 1.2 : 36 * 1.5;
    return 16 + source / (double)p->lanes + dest / (double)p->red + weight / tiles < direct * inside(&p->v) * inside(&p->h);
}

static bool takes(const conv_plan *p) {
    const ct__conv_shape *s = &p->shape;
    const double tiles = (double)s->n * (double)((p->v.dst + 1) / 2) * (double)((p->h.dst + 1) / 2), weights = (double)p->reduction * (double)p->lanes;
    const bool kernel = s->kh == 3 && s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->dil_h == 1 && s->dil_w == 1;
    const bool sane = tiles < 1e15 && weights * (double)p->groups < 1e15; /* products of sizes fit */
    if (p->red < LEAST || p->lanes < LEAST) return false; /* never pays, and of a few products the transforms' roundings are the larger part */
    if (!kernel || !sane || p->real_size != 4 || p->depthwise || !ct__winograd_enabled()) return false;
    return ct__winograd_always() || pays(p, tiles);
}

/* The elements from one position of U to the next: an odd number of cache lines, so that the 16 fall into different sets. */
static int64_t position_step(int64_t filters, int64_t channels) { return (ct__ceil_div_i64(filters * channels, 16) | 1) * 16; }

bool conv_winograd_make(conv_plan *p) {
    conv_winograd *k = &p->winograd;
    if (!takes(p)) return true;
    const int64_t line = WINO_VECS * p->lanes_per_vec, threads = ct__num_threads();
    const size_t v_group = (size_t)(WINO_ROOM * WINO_DEPTH * line) * p->real_size, m_tile = (size_t)(WINO_ROOM * WINO_FILTERS * line) * p->real_size;
    size_t total = 0, mine = 0;
    int64_t tasks, m_blocks = 1;
    k->on = true;
    k->rows = ct__ceil_div_i64(p->v.dst, 2);
    k->cols = ct__ceil_div_i64(p->h.dst, 2);
    k->tiles = p->shape.n * k->rows * k->cols;
    k->deep = is_deep(p, (double)k->tiles);
    k->pieces = k->cols > p->lanes_per_vec / 4 ? 2 : 4;
    k->filter_tiles = ct__ceil_div_i64(p->lanes, WINO_FILTERS);
    k->v_groups = ct__ceil_div_i64(p->red, WINO_DEPTH);
    k->channels = PART_CHANNELS;
    if (k->deep) {
        m_blocks = ct__even_part_i64(ct__ceil_div_i64(k->tiles, line), DEEP_BLOCKS);
        k->stretch = m_blocks * line;
        k->parts = ct__ceil_div_i64(k->filter_tiles, DEEP_PART / WINO_FILTERS);
        k->parts = ct__ceil_div_i64(k->parts, threads) * threads; /* as many for each */
        k->filters = ct__ceil_div_i64(k->filter_tiles, k->parts);
        k->parts = ct__ceil_div_i64(k->filter_tiles, k->filters);
        k->u_position = position_step(k->filters * WINO_FILTERS, k->channels);
        k->v_at = conv_reserve(&total, m_blocks * p->groups * k->v_groups, v_group);
        k->u_at = conv_reserve(&mine, 16 * k->u_position, p->real_size);
        tasks = p->groups * k->parts;
    } else {
        k->filters = ct__min_i64(k->filter_tiles, PART / WINO_FILTERS);
        k->u_position = position_step(k->filter_tiles * WINO_FILTERS, p->red);
        k->u_at = conv_reserve(&total, 16 * k->u_position * p->groups, p->real_size);
        k->v_at = conv_reserve(&mine, k->v_groups, v_group);
        tasks = ct__ceil_div_i64(k->tiles, p->lanes_per_vec);
    }
    k->m_at = conv_reserve(&mine, m_blocks * k->filters, m_tile);
    p->chunks = ct__parallel_count(tasks, 1);
    p->chunk = ct__parallel_chunk(tasks, 1);
    p->chunk_base = total;
    p->chunk_stride = mine;
    conv_reserve(&total, p->chunks, mine);
    if (mine == SIZE_MAX || total == SIZE_MAX) return false;
    p->total = total + 64;
    return true;
}
#endif
