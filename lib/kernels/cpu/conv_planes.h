/*
 * conv_planes.h: forward and input_grad of row-major images with few channels, for one element type. A template: see vec_real.h.
 *
 * Lanes are neighbouring pixels, so that nothing is transposed and one channel fills a vector as well as many.
 *
 *      for each task (rows of an image)                                 in parallel
 *          for each block of source channels                            packed into the L2, with its padding
 *              for each tile of 14 output channels
 *                  for each 2 vectors of pixels                         sums over the block, in registers
 *
 * Each tap finds its pixels in the padded planes, shifted. Tiles run across row ends; the lanes that fall on the columns of padding are not stored.
 */

typedef struct NAME(planes) {
    const conv_plan *p;
    const REAL *src, *w;
    ct__conv_end end;
    REAL *dst;
    char *scratch;
} NAME(planes);

/* ---- weights: [F][C/g][taps] -> per tile [source channels][taps][output channels of the tile] ---- */

static REAL *NAME(tile_weights)(const NAME(planes) *g, int64_t group, int64_t tile) {
    const conv_plan *p = g->p;
    return (REAL *)(void *)(g->scratch + p->weights_at) + (group * p->lanes + planes_tile_at(p, tile)) * p->reduction;
}

static void NAME(pack_tile)(const NAME(planes) *g, int64_t group, int64_t tile) {
    const conv_plan *p = g->p;
    int64_t first = planes_tile_at(p, tile), n = planes_tile_at(p, tile + 1) - first;
    REAL *out = NAME(tile_weights)(g, group, tile);
    if (!p->v.mirrored) {
        NAME(conv_transpose)(g->w + (group * p->lanes + first) * p->reduction, p->reduction, n, p->reduction, out, n);
        return;
    }
    for (int64_t c = 0; c < p->red; c++)
        NAME(conv_transpose)(g->w + ((group * p->red + c) * p->lanes + first) * p->taps, p->taps, n, p->taps, out + c * p->taps * n, n);
}

static void NAME(pack_tiles)(int64_t begin, int64_t end, void *arg) {
    const NAME(planes) *g = arg;
    for (int64_t i = begin; i < end; i++) NAME(pack_tile)(g, i / g->p->planes.tiles, i % g->p->planes.tiles);
}

/* ---- the source ---- */

typedef struct NAME(planes_task) {
    int64_t image, row, rows; /* of dest */
    int64_t pixels;           /* lanes in use */
    REAL *block;              /* the packed source */
} NAME(planes_task);

/* n zeros, and up to a vector more. */
CT__INLINE REAL *NAME(put_zeros)(REAL *out, int64_t n) {
    for (int64_t k = 0; k < n; k += LANES) v_store(out + k, v_zero());
    return out + n;
}

/* The rows of one channel that `rows` dest rows from `row` on read, padded, and zeros for a tile more. */
static void NAME(pad_plane)(const conv_plan *p, const REAL *src, int64_t row, int64_t rows, REAL *out) {
    int64_t first = row + p->v.low, n = rows - 1 + p->v.span, line = p->planes.line;
    int64_t left = ct__max_i64(0, ct__min_i64(line, -p->h.low)), right = ct__max_i64(left, ct__min_i64(line, p->h.src - p->h.low));
    int64_t inside = right - left;
    for (int64_t r = first; r < first + n; r++) {
        if (r < 0 || r >= p->v.src || inside == 0) {
            out = NAME(put_zeros)(out, line);
            continue;
        }
        const REAL *from = src + r * p->h.src + left + p->h.low;
        out = NAME(put_zeros)(out, left);
        int64_t k = 0;
        for (; k + LANES <= inside; k += LANES) v_store(out + k, v_load(from + k));
        if (k < inside) v_store(out + k, v_load_n(from + k, (int)(inside - k)));
        out = NAME(put_zeros)(out + inside, line - right);
    }
    NAME(put_zeros)(out, PLANES_VECS * LANES); /* for the last tile's lanes that are no pixels */
}

static void NAME(pack_block)(const NAME(planes) *g, const NAME(planes_task) *t, int64_t channel, int64_t channels) {
    const conv_plan *p = g->p;
    const REAL *src = g->src + (t->image * p->src_c + channel) * p->v.src * p->h.src;
    for (int64_t c = 0; c < channels; c++)
        NAME(pad_plane)(p, src + c * p->v.src * p->h.src, t->row, t->rows, t->block + c * p->planes.channel_step);
}

/* ---- tiles ---- */

/* Where the pixels of the tile at `at` lie in dest. */
CT__INLINE void NAME(find_parts)(const conv_plan *p, int64_t pixels, int64_t at, NAME(planes_tile) *t) {
    int64_t line = p->planes.line, width = p->h.dst, row = at / line, col = at % line;
    t->parts = 0;
    for (int vec = 0; vec < PLANES_VECS; vec++)
        for (int lane = 0; lane < LANES && at < pixels;) {
            int n = (int)ct__min_i64(LANES - lane, line - col), used = (int)ct__min_i64(n, ct__min_i64(width - col, pixels - at));
            if (used > 0) t->part[t->parts++] = (NAME(stretch)){vec, lane, lane + used, row * width + col - lane};
            lane += n, at += n, col += n;
            if (col == line) row++, col = 0;
        }
}

static void NAME(planes_sweep)(const conv_plan *p, const NAME(planes_task) *k, int64_t channels, NAME(planes_tile) *t) {
    for (int64_t at = 0; at < k->pixels; at += PLANES_VECS * LANES) {
        t->x = k->block + at;
        NAME(find_parts)(p, k->pixels, at, t);
        NAME(planes_table)[channels - 1](t);
    }
}

static void NAME(planes_group)(const NAME(planes) *g, const NAME(planes_task) *k, int64_t group) {
    const conv_plan *p = g->p;
    NAME(planes_tile) t = {.channel_step = p->planes.channel_step, .tap = p->order, .soon = p->order + p->taps, .taps = p->taps,
                           .plane = p->v.dst * p->h.dst, .relu = g->end.relu};
    for (int64_t c = 0; c < p->red; c += p->planes.channels) {
        t.channels = ct__min_i64(p->planes.channels, p->red - c);
        t.begin = c == 0;
        t.end = c + t.channels == p->red;
        NAME(pack_block)(g, k, group * p->red + c, t.channels);
        for (int64_t tile = 0; tile < p->planes.tiles; tile++) {
            int64_t first = planes_tile_at(p, tile), n = planes_tile_at(p, tile + 1) - first, lane = group * p->lanes + first;
            t.w = NAME(tile_weights)(g, group, tile) + c * p->taps * n;
            t.dst = g->dst + (k->image * p->dst_c + lane) * t.plane + k->row * p->h.dst;
            if (g->end.scale) t.scale = (const REAL *)g->end.scale + lane;
            if (g->end.bias) t.bias = (const REAL *)g->end.bias + lane;
            NAME(planes_sweep)(p, k, n, &t);
        }
    }
}

static void NAME(planes_tasks)(int64_t begin, int64_t end, void *arg) {
    const NAME(planes) *g = arg;
    const conv_plan *p = g->p;
    NAME(planes_task) k = {.block = (REAL *)(void *)(g->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride)};
    for (int64_t task = begin; task < end; task++) {
        k.image = task / p->row_tasks;
        k.row = task % p->row_tasks * p->task_rows;
        k.rows = ct__min_i64(p->task_rows, p->v.dst - k.row);
        k.pixels = (k.rows - 1) * p->planes.line + p->h.dst;
        for (int64_t group = 0; group < p->groups; group++) NAME(planes_group)(g, &k, group);
    }
}

void NAME(conv_planes)(const conv_plan *p, const REAL *src, const REAL *w, const ct__conv_end *end, REAL *dst, void *scratch) {
    NAME(planes) g = {.p = p, .src = src, .w = w, .dst = dst, .scratch = scratch};
    if (end) g.end = *end;
    int64_t per_tile = p->reduction * PLANES_CHANNELS; /* elements; small ones are not worth waking threads for */
    ct__parallel_for(p->groups * p->planes.tiles, ct__max_i64(1, 32768 / per_tile), NAME(pack_tiles), &g);
    ct__parallel_for(p->tasks, 1, NAME(planes_tasks), &g);
}
