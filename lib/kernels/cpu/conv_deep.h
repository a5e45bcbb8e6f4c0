/*
 * conv_deep.h: forward and input_grad of a few small images with many channels, for one element type, where weights are more than the pixels that
 * use them. A template: see vec_real.h. cpu_conv_deep_plan.c says when, and what a kind of pixels is.
 *
 *      all images are packed                                   in parallel
 *      for each block of 64 lanes                              in parallel
 *          for each part of the source's channels              its weights are packed into the L2, and used up
 *              for each kind of pixels: tiles of 6             sums wait in stage or dest
 *
 * So weights are read once and never written to memory, and threads have work with one image as well.
 */

/* Elements of one packed image. */
static int64_t NAME(deep_image)(const conv_plan *p) { return conv_axis_count(&p->v, p->v.dst) * p->packed_w * p->src_c; }

/* Rows of all images in pieces, of which one image has enough for all threads. */
static int64_t NAME(deep_piece)(const conv_plan *p) {
    return ct__ceil_div_i64(conv_axis_count(&p->v, p->v.dst), ct__ceil_div_i64(ct__num_threads(), p->shape.n));
}

static void NAME(deep_pack)(int64_t begin, int64_t end, void *arg) {
    const NAME(gather) *g = arg;
    const conv_plan *p = g->p;
    int64_t rows = conv_axis_count(&p->v, p->v.dst), piece = NAME(deep_piece)(p), pieces = ct__ceil_div_i64(rows, piece), image = p->v.src * p->h.src * p->src_c;
    REAL *to = (REAL *)(void *)(g->scratch + p->deep.images_at);
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / pieces, row = i % pieces * piece;
        NAME(pack_source)(p, g->src + n * image, p->v.low + row, ct__min_i64(piece, rows - row), to + n * NAME(deep_image)(p) + row * p->packed_w * p->src_c);
    }
}

/* What places in the first image count from. */
static const REAL *NAME(deep_source)(const NAME(gather) *g) {
    int64_t line;
    if (g->p->direct) return NAME(task_source)(g->p, g->src, 0, 0, g->p->v.dst, NULL, &line);
    return (const REAL *)(const void *)(g->scratch + g->p->deep.images_at);
}

/* All pixels of one kind; c has the places of the first image. */
static CT__NOINLINE void NAME(deep_kind)(const NAME(piece) *c, const conv_kind *k, NAME(conv_tile) *t) {
    const conv_plan *p = c->p;
    const conv_pixel *pixel = p->deep.pixel + k->pixel, *next = pixel;
    int64_t src_image = p->direct ? p->v.src * p->h.src * p->src_c : NAME(deep_image)(p), dst_image = p->v.dst * p->h.dst * c->dst_pixel;
    const REAL *src = c->src;
    REAL *dst = c->dst;
    for (int64_t left = p->shape.n * k->pixels, n; left > 0; left -= n) {
        n = ct__min_i64(left, conv_tile_pixels(p, c->vecs));
        for (int64_t i = 0; i < n; i++) {
            t->src[i] = src + next->src;
            t->dst[i] = dst + next->dst * c->dst_pixel;
            if (++next == pixel + k->pixels) next = pixel, src += src_image, dst += dst_image;
        }
        NAME(run_tile)(c, t, n);
    }
}

static void NAME(deep_block)(const NAME(gather) *g, int64_t group, int64_t block, char *mine) {
    const conv_plan *p = g->p;
    REAL *weights = (REAL *)(void *)(mine + p->deep.part_at), *stage = (REAL *)(void *)(mine + p->stage_at);
    conv_run *run = (conv_run *)(void *)(mine + p->deep.my_runs_at);
    NAME(lane_ends) ends;
    NAME(piece) c = NAME(block_piece)(g, group, block, &ends);
    int64_t v0 = conv_block_at(p, block), lanes = NAME(block_lanes)(p, block), lane = group * p->lanes + v0 * LANES, pixels = p->v.dst * p->h.dst;
    c.dst = p->dst_last ? g->dst + lane : stage;
    NAME(conv_tile) t = {.w = weights, .last = c.last};
    for (int64_t from = 0, n; from < p->red; from += n) {
        n = ct__min_i64(p->deep.channels, p->red - from);
        for (int64_t v = 0; v < c.vecs; v++) NAME(pack_lanes)(g, group, v0 + v, from, n, weights + v * LANES, c.vecs * LANES);
        for (int64_t k = 0; k < p->deep.n_run; k++) run[k] = (conv_run){p->run[k].offset, n, p->run[k].entry * n};
        c.src = NAME(deep_source)(g) + group * p->red + from;
        t.begin = from == 0;
        if (from + n == p->red) t.scale = c.scale, t.bias = c.bias, t.relu = c.relu;
        for (int64_t k = 0; k < p->deep.kinds; k++) {
            t.run = run + p->deep.kind[k].run;
            t.n_run = p->deep.kind[k].n_run;
            NAME(deep_kind)(&c, &p->deep.kind[k], &t);
        }
    }
    if (p->dst_last) return;
    for (int64_t i = 0; i < p->shape.n; i++)
        NAME(conv_transpose)(stage + i * pixels * c.dst_pixel, c.dst_pixel, pixels, lanes, g->dst + (i * p->dst_c + lane) * pixels, pixels);
}

static void NAME(deep_blocks)(int64_t begin, int64_t end, void *arg) {
    const NAME(gather) *g = arg;
    const conv_plan *p = g->p;
    char *mine = g->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride;
    for (int64_t i = begin; i < end; i++) NAME(deep_block)(g, i / p->blocks, i % p->blocks, mine);
}

static void NAME(conv_deep)(NAME(gather) *g) {
    int64_t pieces = ct__ceil_div_i64(conv_axis_count(&g->p->v, g->p->v.dst), NAME(deep_piece)(g->p));
    if (!g->p->direct) ct__parallel_for(g->p->shape.n * pieces, 1, NAME(deep_pack), g);
    ct__parallel_for(g->p->groups * g->p->blocks, 1, NAME(deep_blocks), g);
}
