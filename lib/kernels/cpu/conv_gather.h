/*
 * conv_gather.h: forward and input_grad for one element type. A template: see vec_real.h.
 *
 *      for each task (rows of an image)             in parallel
 *          pack its source rows                     or read them in place
 *          for each block of 64 lanes               its weights go to the L2 and stay
 *              for each inner piece of rows         its source is in the L1
 *                  for each phase: tiles of 6 pixels
 *                  transpose the staged piece       if dest is row-major
 */

typedef struct NAME(gather) {
    const conv_plan *p;
    const REAL *src, *w;
    ct__conv_end end;
    REAL *dst, *weights;
    char *scratch;
} NAME(gather);

/* ---- weights: [F][C/g][kh][kw] -> per group and block of lanes [reduction][lanes of the block] ---- */

/* Lanes n of one vector, `cols` neighbouring taps or (channel, tap) pairs: column j goes to line place[j] of the block. */
static void NAME(pack_square)(const REAL *src, int64_t lane_step, int n, int cols, const int64_t *place, REAL *out, int64_t line) {
    VEC r[LANES];
    if (n == LANES && cols == LANES) {
        for (int k = 0; k < LANES; k++) r[k] = v_load(src + k * lane_step);
    } else {
        for (int k = 0; k < LANES; k++) r[k] = k < n ? v_load_n(src + k * lane_step, cols) : v_zero();
    }
    v_transpose(r);
    for (int j = 0; j < cols; j++)
        if (place[j] >= 0) v_store(out + place[j] * line, r[j]);
}

/*
 * One vector of lanes of one group, over n of the channels that are summed, to lines of out: tap by tap. A filter's weights are [channel][tap]: forward
 * has them as columns, input_grad one filter after the other.
 */
static void NAME(pack_lanes)(const NAME(gather) *g, int64_t group, int64_t vec, int64_t from, int64_t n, REAL *out, int64_t line) {
    const conv_plan *p = g->p;
    bool mirrored = p->v.mirrored && !p->depthwise;
    int64_t channels = p->shape.c / p->shape.groups, lane_step = mirrored ? p->taps : channels * p->taps;
    int lanes = (int)ct__min_i64(LANES, p->lanes - vec * LANES);
    const REAL *src = g->w + vec * LANES * lane_step;
    src += mirrored ? (group * p->red + from) * channels * p->taps : group * p->lanes * lane_step + from * p->taps;
    int64_t outer = mirrored ? n : 1, inner = mirrored ? p->taps : n * p->taps, tap = 0, channel = 0;
    for (int64_t j = 0; j < inner; j += LANES) {
        int64_t place[LANES];
        int cols = (int)ct__min_i64(LANES, inner - j);
        for (int i = 0; i < cols; i++) {
            place[i] = p->order[tap] * n + channel; /* an unused tap's is below 0 */
            tap++; /* no branch: taps and columns are out of step */
            channel += tap == p->taps;
            tap = tap == p->taps ? 0 : tap;
        }
        for (int64_t f = 0; f < outer; f++) NAME(pack_square)(src + f * channels * p->taps + j, lane_step, lanes, cols, place, out + f * line, line);
    }
}

static void NAME(pack_weights)(int64_t begin, int64_t end, void *arg) {
    const NAME(gather) *g = arg;
    const conv_plan *p = g->p;
    for (int64_t i = begin; i < end; i++) {
        int64_t group = i / p->vecs, vec = i % p->vecs, block = conv_block_of(p, vec), first = conv_block_at(p, block);
        REAL *out = g->weights + (group * p->vecs + first) * LANES * p->reduction + (vec - first) * LANES;
        NAME(pack_lanes)(g, group, vec, 0, p->red, out, (conv_block_at(p, block + 1) - first) * LANES);
    }
}

/* ---- tiles ---- */

/* One group and block of lanes, over an inner piece of rows. */
typedef struct NAME(piece) {
    const conv_plan *p;
    const REAL *src; /* what run offsets count from at the piece's first row */
    int64_t src_line;
    REAL *dst; /* lane 0 at the piece's first row */
    int64_t dst_pixel;
    int64_t rows;
    const REAL *weights, *scale, *bias; /* of these lanes; NULL: none */
    bool relu;
    int64_t vecs;
    int last;
    conv_fetch *next, here; /* the next task's source; dest, where the piece is staged */
    int64_t next_lines, here_lines; /* to fetch with each tile */
} NAME(piece);

/* The tile of t's first n pixels. */
static void NAME(run_tile)(const NAME(piece) *c, NAME(conv_tile) *t, int64_t n) {
    const NAME(tile_function) *table = NAME(tile_table)[c->p->depthwise][c->vecs - 1];
    if (table[n - 1]) {
        table[n - 1](t);
        return;
    }
    REAL nowhere[CONV_VECS * LANES] = {0};
    for (; !table[n - 1]; n++) t->src[n] = t->src[0], t->dst[n] = nowhere;
    table[n - 1](t);
}

/* Walks a phase's pixels in tiles that cross row ends, so that only the piece's last tile may be short. */
static CT__NOINLINE void NAME(sweep)(NAME(piece) *c, const conv_phase *f, int64_t rows, int64_t cols, NAME(conv_tile) *t) {
    const conv_plan *p = c->p;
    int64_t left = rows * cols, col = 0, most = conv_tile_pixels(p, c->vecs);
    const REAL *src = c->src, *src_row = src;
    REAL *dst = c->dst + (f->row * p->h.dst + f->col) * c->dst_pixel, *dst_row = dst;
    int64_t src_step = p->h.src_step * p->src_c, dst_step = p->h.dst_step * c->dst_pixel;
    while (left > 0) {
        int n = (int)ct__min_i64(left, most);
        for (int i = 0; i < n; i++) {
            t->src[i] = src;
            t->dst[i] = dst;
            if (++col < cols) {
                src += src_step;
                dst += dst_step;
            } else {
                col = 0;
                src = src_row += p->v.src_step * c->src_line;
                dst = dst_row += p->v.dst_step * p->h.dst * c->dst_pixel;
            }
        }
        conv_fetch_some(&c->here, c->here_lines);
        conv_fetch_some(c->next, c->next_lines);
        NAME(run_tile)(c, t, n);
        left -= n;
    }
}

/* Weights beyond this many bytes per block are used in parts, so that a part stays in the L2 (half of 1 MiB) while all tiles of
 * the piece pass; sums wait in dst. */
enum { NAME(WEIGHT_BYTES) = 512 * 1024 };

static void NAME(compute_phase)(NAME(piece) *c, const conv_phase *f) {
    const conv_plan *p = c->p;
    int64_t rows = (c->rows - f->row + p->v.dst_step - 1) / p->v.dst_step, cols = (p->h.dst - f->col + p->h.dst_step - 1) / p->h.dst_step;
    if (c->rows <= f->row || cols <= 0) return;
    int64_t most = NAME(WEIGHT_BYTES) / (int64_t)sizeof(REAL) / (c->vecs * LANES);
    NAME(conv_tile) t = {.w = c->weights, .begin = true, .run = p->run + f->run, .last = c->last};
    int64_t left = f->n_run;
    do { /* once for a phase without taps as well: its pixels are the bias */
        int64_t entries = 0;
        for (t.n_run = 0; t.n_run < left; t.n_run++) {
            if (t.n_run > 0 && entries + t.run[t.n_run].length > most) break;
            entries += t.run[t.n_run].length;
        }
        left -= t.n_run;
        if (left == 0) t.scale = c->scale, t.bias = c->bias, t.relu = c->relu;
        NAME(sweep)(c, f, rows, cols, &t);
        t.begin = false;
        t.run += t.n_run;
    } while (left > 0);
}

/* ---- tasks ---- */

/* scale and bias of a block's lanes, a whole vector for the last lanes too. */
typedef struct NAME(lane_ends) {
    REAL scale[CONV_VECS * LANES], bias[CONV_VECS * LANES];
} NAME(lane_ends);

static int64_t NAME(block_lanes)(const conv_plan *p, int64_t block) {
    return ct__min_i64(p->lanes, conv_block_at(p, block + 1) * LANES) - conv_block_at(p, block) * LANES;
}

/* All but the places of weights, source and dest. */
static NAME(piece) NAME(block_piece)(const NAME(gather) *g, int64_t group, int64_t block, NAME(lane_ends) *ends) {
    const conv_plan *p = g->p;
    int64_t v0 = conv_block_at(p, block), lanes = NAME(block_lanes)(p, block), lane = group * p->lanes + v0 * LANES;
    NAME(piece) c = {.p = p, .relu = g->end.relu, .vecs = conv_block_at(p, block + 1) - v0};
    memset(ends, 0, sizeof *ends);
    if (g->end.scale) c.scale = memcpy(ends->scale, (const REAL *)g->end.scale + lane, (size_t)lanes * sizeof(REAL));
    if (g->end.bias) c.bias = memcpy(ends->bias, (const REAL *)g->end.bias + lane, (size_t)lanes * sizeof(REAL));
    c.dst_pixel = p->dst_last ? p->dst_c : c.vecs * LANES;
    c.last = p->dst_last ? (int)(lanes - (c.vecs - 1) * LANES) : LANES;
    return c;
}

static void NAME(gather_block)(const NAME(gather) *g, int64_t image, int64_t r0, int64_t r1, int64_t group, int64_t block, const REAL *src,
                               int64_t src_line, REAL *stage, conv_fetch *next, int64_t next_lines) {
    const conv_plan *p = g->p;
    NAME(lane_ends) ends;
    NAME(piece) c = NAME(block_piece)(g, group, block, &ends);
    int64_t v0 = conv_block_at(p, block), lanes = NAME(block_lanes)(p, block), lane = group * p->lanes + v0 * LANES, plane = p->v.dst * p->h.dst;
    c.src_line = src_line;
    c.next = next;
    c.next_lines = next_lines;
    c.weights = g->weights + (group * p->vecs + v0) * LANES * p->reduction;
    int64_t step = p->dst_last ? p->task_rows : p->inner_rows;
    for (int64_t r = r0; r < r1; r += step) {
        c.rows = ct__min_i64(step, r1 - r);
        c.src = src + (r - r0) / p->v.dst_step * p->v.src_step * src_line + (p->depthwise ? v0 * LANES : group * p->red);
        if (p->dst_last) {
            c.dst = g->dst + (image * plane + r * p->h.dst) * p->dst_c + lane;
        } else {
            c.dst = stage;
            c.here = (conv_fetch){.plane = (const char *)(g->dst + (image * p->dst_c + lane) * plane + r * p->h.dst), .planes = lanes,
                                  .step = plane * (int64_t)sizeof(REAL), .bytes = c.rows * p->h.dst * (int64_t)sizeof(REAL)};
            c.here_lines = conv_fetch_share(&c.here, c.rows * p->h.dst / conv_tile_pixels(p, c.vecs) + 1);
        }
        for (int64_t f = 0; f < p->n_phase; f++) NAME(compute_phase)(&c, &p->phase[f]);
        if (!p->dst_last)
            NAME(conv_transpose)(stage, c.dst_pixel, c.rows * p->h.dst, lanes, g->dst + (image * p->dst_c + lane) * plane + r * p->h.dst, plane);
    }
}

/* What task_source will transpose for a task. */
static conv_fetch NAME(fetch_source)(const NAME(gather) *g, int64_t task) {
    const conv_plan *p = g->p;
    int64_t r0 = task % p->row_tasks * p->task_rows, rows = ct__min_i64(p->task_rows, p->v.dst - r0);
    int64_t first = r0 / p->v.dst_step * p->v.src_step + p->v.low, end = ct__min_i64(first + conv_axis_count(&p->v, rows), p->v.src);
    const REAL *image = g->src + task / p->row_tasks * p->src_c * p->v.src * p->h.src;
    first = ct__max_i64(first, 0);
    conv_fetch f = {.plane = (const char *)(image + first * p->h.src), .step = p->v.src * p->h.src * (int64_t)sizeof(REAL)};
    if (p->src_last || end <= first) return f;
    f.planes = p->src_c;
    f.bytes = (end - first) * p->h.src * (int64_t)sizeof(REAL);
    return f;
}

static void NAME(gather_tasks)(int64_t begin, int64_t end, void *arg) {
    const NAME(gather) *g = arg;
    const conv_plan *p = g->p;
    char *mine = g->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride;
    for (int64_t task = begin; task < end; task++) {
        int64_t image = task / p->row_tasks, r0 = task % p->row_tasks * p->task_rows, r1 = ct__min_i64(r0 + p->task_rows, p->v.dst);
        int64_t line;
        const REAL *src = NAME(task_source)(p, g->src, image, r0, r1 - r0, (REAL *)(void *)(mine + p->src_at), &line);
        conv_fetch next = {0};
        if (task + 1 < end) next = NAME(fetch_source)(g, task + 1);
        int64_t share = conv_fetch_share(&next, p->groups * p->blocks * ((r1 - r0) * p->h.dst / CONV_MOST_PIXELS + 1));
        for (int64_t group = 0; group < p->groups; group++)
            for (int64_t block = 0; block < p->blocks; block++)
                NAME(gather_block)(g, image, r0, r1, group, block, src, line, (REAL *)(void *)(mine + p->stage_at), &next, share);
    }
}

static void NAME(conv_deep)(NAME(gather) *g); /* conv_deep.h */

void NAME(conv_gather)(conv_plan *p, const REAL *src, const REAL *w, const ct__conv_end *end, REAL *dst, void *scratch) {
    NAME(gather) g = {.p = p, .src = src, .w = w, .dst = dst, .scratch = scratch};
    if (end) g.end = *end;
    g.weights = (REAL *)(void *)((char *)scratch + p->weights_at);
    if (p->planes.on) {
        NAME(conv_planes)(p, src, w, end, dst, scratch);
    } else if (p->deep.on) {
        NAME(conv_deep)(&g);
    } else {
        int64_t per_vec = p->reduction * LANES; /* elements; small ones are not worth waking threads for */
        ct__parallel_for(p->groups * p->vecs, ct__max_i64(1, 32768 / per_vec), NAME(pack_weights), &g);
        ct__parallel_for(p->tasks, 1, NAME(gather_tasks), &g);
    }
}
