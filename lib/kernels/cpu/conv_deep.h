/*
 * conv_deep.h: forward and input_grad of a few small images with many channels, for one element type, where weights are more than the pixels that
 * use them. A template: see vec_real.h.
 *
 *      all images are packed                                   in parallel
 *      for each block of 64 lanes                              in parallel
 *          for each part of the source's channels              its weights are packed into the L2, and used up
 *              for each image: tiles of 6 pixels               sums wait in stage or dest
 *
 * So weights are read once and never written to memory, and threads have work with one image as well.
 */

/* Elements of one packed image. */
static int64_t NAME(deep_image)(const conv_plan *p) { return conv_axis_count(&p->v, p->v.dst) * p->packed_w * p->src_c; }

static void NAME(deep_pack)(int64_t begin, int64_t end, void *arg) {
    const NAME(gather) *g = arg;
    const conv_plan *p = g->p;
    int64_t line;
    REAL *to = (REAL *)(void *)(g->scratch + p->deep.images_at);
    for (int64_t i = begin; i < end; i++) NAME(task_source)(p, g->src, i, 0, p->v.dst, to + i * NAME(deep_image)(p), &line);
}

/* What the run offsets of an image count from. */
static const REAL *NAME(deep_source)(const NAME(gather) *g, int64_t image) {
    const conv_plan *p = g->p;
    int64_t line;
    if (p->direct) return NAME(task_source)(p, g->src, image, 0, p->v.dst, NULL, &line);
    return (const REAL *)(const void *)(g->scratch + p->deep.images_at) + image * NAME(deep_image)(p);
}

/* All images over channels `from` to `from` + n - 1, whose weights t has. */
static void NAME(deep_part)(const NAME(gather) *g, NAME(piece) *c, int64_t group, int64_t lane, int64_t from, NAME(conv_tile) *t, REAL *stage) {
    const conv_plan *p = g->p;
    int64_t pixels = p->v.dst * p->h.dst;
    for (int64_t i = 0; i < p->shape.n; i++) {
        c->src = NAME(deep_source)(g, i) + group * p->red + from;
        c->dst = p->dst_last ? g->dst + i * pixels * p->dst_c + lane : stage + i * pixels * c->dst_pixel;
        NAME(sweep)(c, p->phase, p->v.dst, p->h.dst, t);
    }
}

static void NAME(deep_block)(const NAME(gather) *g, int64_t group, int64_t block, char *mine) {
    const conv_plan *p = g->p;
    REAL *weights = (REAL *)(void *)(mine + p->deep.part_at), *stage = (REAL *)(void *)(mine + p->stage_at);
    conv_run *run = (conv_run *)(void *)(mine + p->deep.runs_at);
    NAME(lane_ends) ends;
    NAME(piece) c = NAME(block_piece)(g, group, block, &ends);
    int64_t v0 = conv_block_at(p, block), lanes = NAME(block_lanes)(p, block), lane = group * p->lanes + v0 * LANES, pixels = p->v.dst * p->h.dst;
    c.src_line = p->packed_w * p->src_c;
    NAME(conv_tile) t = {.w = weights, .run = run, .n_run = p->taps, .last = c.last};
    for (int64_t from = 0; from < p->red; from += p->deep.channels) {
        int64_t n = ct__min_i64(p->deep.channels, p->red - from);
        for (int64_t v = 0; v < c.vecs; v++) NAME(pack_lanes)(g, group, v0 + v, from, n, weights + v * LANES, c.vecs * LANES);
        for (int64_t k = 0; k < p->taps; k++) run[k] = (conv_run){p->run[k].offset, n};
        t.begin = from == 0;
        if (from + n == p->red) t.scale = c.scale, t.bias = c.bias, t.relu = c.relu;
        NAME(deep_part)(g, &c, group, lane, from, &t, stage);
    }
    if (p->dst_last) return;
    for (int64_t i = 0; i < p->shape.n; i++)
        NAME(transpose)(stage + i * pixels * c.dst_pixel, c.dst_pixel, pixels, lanes, g->dst + (i * p->dst_c + lane) * pixels, pixels);
}

static void NAME(deep_blocks)(int64_t begin, int64_t end, void *arg) {
    const NAME(gather) *g = arg;
    const conv_plan *p = g->p;
    char *mine = g->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride;
    for (int64_t i = begin; i < end; i++) NAME(deep_block)(g, i / p->blocks, i % p->blocks, mine);
}

static void NAME(conv_deep)(NAME(gather) *g) {
    if (!g->p->direct) ct__parallel_for(g->p->shape.n, 1, NAME(deep_pack), g);
    ct__parallel_for(g->p->groups * g->p->blocks, 1, NAME(deep_blocks), g);
}
