/*
 * conv_winograd.h: forward and input_grad of 3 x 3 kernels with stride 1 by Winograd's F(2x2, 3x3), see winograd_tile.h. A template: see vec_real.h.
 *
 * Dest is cut into tiles of 2 x 2 pixels, counted along rows and on into the next row and image. With U the transformed weights, V the transformed
 * source and M their products, each of the 16 positions in a transformed tile is a product of matrices, M [filters][tiles] = U [filters][channels] V
 * [channels][tiles]. Lanes are tiles, so that row-major images are read and written as they are (conv_winograd_image.h); channels-last ones pass through
 * a small buffer. A block is WINO_LINE tiles, which the registers hold for WINO_FILTERS filters while all channels pass by:
 *
 *      V   per block [channels / WINO_DEPTH][16][WINO_DEPTH][WINO_LINE]      a strip of tiles writes to few pages, at distances known to the compiler
 *      M   per block [filters / WINO_FILTERS][16][WINO_FILTERS][WINO_LINE]
 *      U   [16][filters / WINO_FILTERS][channels][WINO_FILTERS]
 *
 * Two ways through it:
 *
 *      V of a block stays in the cache                  deep: it does not, and U is more than V of all tiles
 *                                                       for each stretch of blocks
 *      U of all weights                  in parallel        V of the stretch                   in parallel
 *      for each block                    in parallel        for each part of the filters       in parallel
 *          V of the block                                       for each part of the channels
 *          for each part of the filters                             U of both parts
 *              M = U V, dest from M                                 for each block: M += U V
 *                                                               dest from M
 *
 * Source and dest of a row-major image are short stretches of many planes, more streams than the hardware follows: tiles of multiplications fetch
 * what comes next, one cache line with each step.
 */

/* ---- U; filters are the lanes of the plan ---- */

/* Elements between the weights of two filters, and of two channels. */
static int64_t NAME(wino_filter_step)(const conv_plan *p) { return p->v.mirrored ? p->taps : p->red * p->taps; }
static int64_t NAME(wino_channel_step)(const conv_plan *p) { return p->v.mirrored ? p->lanes * p->taps : p->taps; }
static const REAL *NAME(wino_weights_at)(const NAME(wino) *g, int64_t group, int64_t lane, int64_t channel) {
    const conv_plan *p = g->p;
    return g->w + group * p->lanes * p->reduction + lane * NAME(wino_filter_step)(p) + channel * NAME(wino_channel_step)(p);
}

/* The lanes of one vector of U, filters side by side for one channel or several. Lanes of what does not exist repeat what does. */
CT__INLINE void NAME(wino_weights_vector)(const REAL *const lane[LANES], const bool mirrored, VEC u[16]) {
    enum { TAPS = 9 };
    VEC t[LANES], tap[TAPS];
    for (int k = 0; k < TAPS; k += LANES) {
        const int cols = TAPS - k < LANES ? TAPS - k : LANES;
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) t[i] = cols == LANES ? v_load(lane[i] + k) : v_load_n(lane[i] + k, cols);
        v_transpose(t);
#pragma GCC unroll 16
        for (int i = 0; i < cols; i++) tap[k + i] = t[i];
    }
    if (mirrored)
        for (int i = 0; i < TAPS / 2; i++) t[0] = tap[i], tap[i] = tap[TAPS - 1 - i], tap[TAPS - 1 - i] = t[0];
    NAME(wino_filter)(tap, u);
}

/* n channels from `from` on of one tile of filters. */
static void NAME(wino_weights)(const NAME(wino) *g, int64_t group, int64_t tile, int64_t from, int64_t n, REAL *out, int64_t position) {
    enum { AT_ONCE = LANES > WINO_FILTERS ? LANES / WINO_FILTERS : 1, SIDE = LANES < WINO_FILTERS ? LANES : WINO_FILTERS };
    const conv_plan *p = g->p;
    const int64_t filter = NAME(wino_filter_step)(p), channel = NAME(wino_channel_step)(p), first = tile * WINO_FILTERS;
    const REAL *w = NAME(wino_weights_at)(g, group, first, from);
    for (int64_t f = 0; f < WINO_FILTERS; f += SIDE)
        for (int64_t c = 0; c < n; c += AT_ONCE) {
            const REAL *lane[LANES];
            VEC u[16];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                lane[i] = w + ct__min_i64(f + i % SIDE, p->lanes - first - 1) * filter + ct__min_i64(c + i / SIDE, n - 1) * channel;
            if (p->v.mirrored) NAME(wino_weights_vector)(lane, true, u);
            else NAME(wino_weights_vector)(lane, false, u);
            REAL *to = out + c * WINO_FILTERS + f;
            const int64_t used = ct__min_i64(LANES, (n - c) * SIDE);
            for (int q = 0; q < 16; q++) {
                if (used == LANES) v_store(to + q * position, u[q]);
                else v_store_n(to + q * position, u[q], (int)used);
            }
        }
}

static void NAME(wino_pack)(int64_t begin, int64_t end, void *arg) {
    const NAME(wino) *g = arg;
    const conv_plan *p = g->p;
    const conv_winograd *k = &p->winograd;
    for (int64_t i = begin; i < end; i++) {
        int64_t group = i / k->filter_tiles, tile = i % k->filter_tiles, one = p->red * WINO_FILTERS;
        REAL *u = (REAL *)(void *)(g->scratch + k->u_at) + group * 16 * k->u_position + tile * one;
        NAME(wino_weights)(g, group, tile, 0, p->red, u, k->u_position);
    }
}

/* ---- fetching ahead: stretches of memory that will be read or written soon, a tile of multiplications at a time ---- */

typedef struct NAME(wino_fetch) {
    conv_fetch now, next;
} NAME(wino_fetch);

/* The next stretch, of at most `most` lines. */
static int64_t NAME(wino_soon)(NAME(wino_fetch) *a, int64_t most, const char **soon) {
    conv_fetch *f = &a->now;
    if (f->planes == 0) a->now = a->next, a->next.planes = 0;
    if (f->planes == 0) return 0;
    const int64_t lines = ct__min_i64(most, (f->bytes - f->at) / CONV_LINE + 1);
    *soon = f->plane + f->at;
    f->at += lines * CONV_LINE;
    if (f->at > f->bytes) f->at = 0, f->plane += f->step, f->planes--;
    return lines;
}

/* Rows begin ... end - 1 of n planes, as far as there are such. */
static conv_fetch NAME(wino_rows)(const REAL *image, int64_t height, int64_t width, int64_t n, int64_t begin, int64_t end) {
    conv_fetch f = {0};
    begin = ct__max_i64(begin, 0), end = ct__min_i64(end, height);
    if (end <= begin) return f;
    f = (conv_fetch){.plane = (const char *)(image + begin * width), .planes = n, .step = height * width * (int64_t)sizeof(REAL),
                     .bytes = (end - begin) * width * (int64_t)sizeof(REAL)};
    if (f.bytes == f.step) f.bytes *= n, f.planes = 1;
    return f;
}

/* ---- M ---- */

typedef struct NAME(wino_tile) {
    const REAL *u, *v;
    REAL *m;
    int64_t channels; /* from one of V's groups of WINO_DEPTH on */
    bool begin;       /* sums begin with 0; else with what m holds */
    const char *soon; /* what is wanted soon, */
    int64_t lines;    /* so many cache lines of it, at most channels */
} NAME(wino_tile);

CT__INLINE void NAME(wino_multiply)(const NAME(wino_tile) *t, const int vecs) {
    VEC acc[WINO_FILTERS * WINO_VECS]; /* a pragma unrolls before arrays become registers */
    const REAL *u = t->u, *v = t->v;
    REAL *const m = t->m;
    if (t->begin) {
#pragma GCC unroll 24
        for (int i = 0; i < WINO_FILTERS * WINO_VECS; i++) acc[i] = v_zero();
    } else {
#pragma GCC unroll 24
        for (int i = 0; i < WINO_FILTERS * vecs; i++) acc[i] = v_load(m + i / vecs * NAME(WINO_LINE) + i % vecs * LANES);
    }
    const char *soon = t->soon, *last = soon + t->lines * CONV_LINE;
    for (int64_t c = t->channels; c > 0; c -= WINO_DEPTH) {
#pragma GCC unroll 1
        for (int64_t n = c < WINO_DEPTH ? c : WINO_DEPTH; n > 0; n--) {
            VEC x[WINO_VECS];
#pragma GCC unroll 3
            for (int k = 0; k < vecs; k++) x[k] = v_load(v + k * LANES);
            __builtin_prefetch(soon);
            if (soon < last) soon += CONV_LINE;
#pragma GCC unroll 24
            for (int i = 0; i < WINO_FILTERS * vecs; i++) acc[i] = v_fma(v_splat(u[i / vecs]), x[i % vecs], acc[i]);
            u += WINO_FILTERS;
            v += NAME(WINO_LINE);
        }
        v += NAME(WINO_V) - WINO_DEPTH * NAME(WINO_LINE);
    }
#pragma GCC unroll 24
    for (int i = 0; i < WINO_FILTERS * vecs; i++) v_store(m + i / vecs * NAME(WINO_LINE) + i % vecs * LANES, acc[i]);
}
static CT__NOINLINE void NAME(wino_multiply_1)(const NAME(wino_tile) *t) { NAME(wino_multiply)(t, 1); }
static CT__NOINLINE void NAME(wino_multiply_2)(const NAME(wino_tile) *t) { NAME(wino_multiply)(t, 2); }
static CT__NOINLINE void NAME(wino_multiply_3)(const NAME(wino_tile) *t) { NAME(wino_multiply)(t, 3); }

/* One position of a block: all of `filters`, u_step elements apart in u. t has the first of them. */
static void NAME(wino_position)(NAME(wino_tile) t, int64_t filters, int64_t u_step, int64_t tiles, NAME(wino_fetch) *fetch) {
    for (int64_t f = 0; f < filters; f++) {
        t.lines = NAME(wino_soon)(fetch, t.channels, &t.soon);
        if (tiles > 2 * LANES) NAME(wino_multiply_3)(&t);
        else if (tiles > LANES) NAME(wino_multiply_2)(&t);
        else NAME(wino_multiply_1)(&t);
        t.u += u_step;
        t.m += NAME(WINO_M);
    }
}

/* ---- blocks of tiles, all filters ---- */

/* The source, or dest, of some tiles: where they lie in the first image that they belong to. */
static conv_fetch NAME(wino_region)(const NAME(wino) *g, bool dest, int64_t channel, int64_t n, int64_t first, int64_t tiles) {
    const conv_plan *p = g->p;
    const conv_winograd *k = &p->winograd;
    const int64_t in_image = k->rows * k->cols, image = first / in_image, from = first % in_image, to = ct__min_i64(from + tiles, in_image);
    if (tiles <= 0) return (conv_fetch){0};
    const int64_t begin = from / k->cols * 2, end = (to - 1) / k->cols * 2;
    if (dest) {
        if (p->dst_last) return NAME(wino_rows)(g->dst + image * p->v.dst * p->h.dst * p->dst_c, p->v.dst, p->h.dst * p->dst_c, 1, begin, end + 2);
        return NAME(wino_rows)(g->dst + (image * p->dst_c + channel) * p->v.dst * p->h.dst, p->v.dst, p->h.dst, n, begin, end + 2);
    }
    if (p->src_last) return NAME(wino_rows)(g->src + image * p->v.src * p->h.src * p->src_c, p->v.src, p->h.src * p->src_c, 1, begin + p->v.low, end + p->v.low + 4);
    return NAME(wino_rows)(g->src + (image * p->src_c + channel) * p->v.src * p->h.src, p->v.src, p->h.src, n, begin + p->v.low, end + p->v.low + 4);
}

static void NAME(wino_block)(const NAME(wino) *g, int64_t first, int64_t tiles, int64_t next, REAL *v, REAL *m) {
    const conv_plan *p = g->p;
    const conv_winograd *k = &p->winograd;
    NAME(wino_strip) strip[NAME(WINO_STRIPS)];
    const int strips = NAME(wino_strips)(p, first, tiles, strip);
    for (int64_t group = 0; group < p->groups; group++) {
        const REAL *u = (const REAL *)(const void *)(g->scratch + k->u_at) + group * 16 * k->u_position;
        NAME(wino_source)(g, group * p->red, p->red, strip, strips, tiles, v);
        NAME(wino_fetch) fetch = {.next = NAME(wino_region)(g, false, group * p->red, p->red, first + tiles, next)};
        for (int64_t f = 0; f < k->filter_tiles; f += k->filters) {
            const int64_t n = ct__min_i64(k->filters, k->filter_tiles - f), lane = f * WINO_FILTERS, used = ct__min_i64(n * WINO_FILTERS, p->lanes - lane);
            if (fetch.now.planes > 0) fetch.next = fetch.now;
            fetch.now = NAME(wino_region)(g, true, group * p->lanes + lane, used, first, tiles);
            for (int q = 0; q < 16; q++)
                for (int64_t c = 0; c < p->red; c += k->channels) {
                    NAME(wino_tile) t = {.u = u + q * k->u_position + lane * p->red + c * WINO_FILTERS, .channels = ct__min_i64(k->channels, p->red - c),
                                         .v = v + c / WINO_DEPTH * NAME(WINO_V) + q * WINO_DEPTH * NAME(WINO_LINE),
                                         .m = m + q * WINO_FILTERS * NAME(WINO_LINE), .begin = c == 0};
                    NAME(wino_position)(t, n, p->red * WINO_FILTERS, tiles, &fetch);
                }
            NAME(wino_dest)(g, m, group * p->lanes + lane, used, strip, strips);
        }
    }
}

/* Vectors of tiles begin ... end - 1. */
static void NAME(wino_blocks)(int64_t begin, int64_t end, void *arg) {
    const NAME(wino) *g = arg;
    const conv_plan *p = g->p;
    const conv_winograd *k = &p->winograd;
    char *mine = g->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride;
    const int64_t last = ct__min_i64(end * LANES, k->tiles);
    for (int64_t t = begin * LANES; t < last; t += NAME(WINO_LINE)) {
        const int64_t tiles = ct__min_i64(NAME(WINO_LINE), last - t), next = ct__min_i64(NAME(WINO_LINE), last - t - tiles);
        NAME(wino_block)(g, t, tiles, next, (REAL *)(void *)(mine + k->v_at), (REAL *)(void *)(mine + k->m_at));
    }
}

/* ---- deep: parts of the filters, a stretch of tiles ---- */

typedef struct NAME(wino_stretch) {
    const NAME(wino) *g;
    int64_t first, end; /* tiles */
} NAME(wino_stretch);

/* V of a group's channels from `channel` on, a multiple of WINO_DEPTH, for one of the stretch's blocks. */
static REAL *NAME(wino_deep_v)(const NAME(wino) *g, int64_t block, int64_t group, int64_t channel) {
    const conv_winograd *k = &g->p->winograd;
    return (REAL *)(void *)(g->scratch + k->v_at) + ((block * g->p->groups + group) * k->v_groups + channel / WINO_DEPTH) * NAME(WINO_V);
}

static void NAME(wino_deep_source)(int64_t begin, int64_t end, void *arg) {
    const NAME(wino_stretch) *s = arg;
    const conv_plan *p = s->g->p;
    const int64_t line = NAME(WINO_LINE), v_groups = p->winograd.v_groups;
    NAME(wino_strip) strip[NAME(WINO_STRIPS)];
    for (int64_t t = s->first; t < s->end; t += line) {
        const int strips = NAME(wino_strips)(p, t, ct__min_i64(line, s->end - t), strip);
        for (int64_t i = begin; i < end; i++) {
            const int64_t group = i / v_groups, c = i % v_groups * WINO_DEPTH, n = ct__min_i64(WINO_DEPTH, p->red - c);
            REAL *v = NAME(wino_deep_v)(s->g, (t - s->first) / line, group, c);
            NAME(wino_source)(s->g, group * p->red + c, n, strip, strips, ct__min_i64(line, s->end - t), v);
        }
    }
}

/* The weights of the next part of the channels, or the first one of the next filters. */
static conv_fetch NAME(wino_next_weights)(const NAME(wino) *g, int64_t group, int64_t lane, int64_t lanes, int64_t channel) {
    const conv_plan *p = g->p;
    if (channel == p->red) lane += lanes, channel = 0;
    if (lane == p->lanes) return (conv_fetch){0};
    const int64_t n = ct__min_i64(p->winograd.channels, p->red - channel), used = ct__min_i64(lanes, p->lanes - lane);
    return (conv_fetch){.plane = (const char *)NAME(wino_weights_at)(g, group, lane, channel), .planes = p->v.mirrored ? n : used,
                        .step = (p->v.mirrored ? p->lanes : p->red) * p->taps * (int64_t)sizeof(REAL),
                        .bytes = (p->v.mirrored ? used : n) * p->taps * (int64_t)sizeof(REAL)};
}

static void NAME(wino_deep_part)(const NAME(wino_stretch) *s, int64_t group, int64_t part, REAL *u, REAL *m) {
    const NAME(wino) *g = s->g;
    const conv_plan *p = g->p;
    const conv_winograd *k = &p->winograd;
    const int64_t tile = part * k->filters, n = ct__min_i64(k->filters, k->filter_tiles - tile), lane = tile * WINO_FILTERS;
    const int64_t used = ct__min_i64(n * WINO_FILTERS, p->lanes - lane), line = NAME(WINO_LINE), m_block = n * NAME(WINO_M);
    for (int64_t c = 0; c < p->red; c += k->channels) {
        const int64_t channels = ct__min_i64(k->channels, p->red - c);
        for (int64_t f = 0; f < n; f++) NAME(wino_weights)(g, group, tile + f, c, channels, u + f * channels * WINO_FILTERS, k->u_position);
        NAME(wino_fetch) fetch = {.now = NAME(wino_next_weights)(g, group, lane, used, c + channels)};
        for (int64_t t = s->first, block = 0; t < s->end; t += line, block++)
            for (int q = 0; q < 16; q++) {
                NAME(wino_tile) a = {.u = u + q * k->u_position, .v = NAME(wino_deep_v)(g, block, group, c) + q * WINO_DEPTH * line,
                                     .m = m + block * m_block + q * WINO_FILTERS * line, .channels = channels, .begin = c == 0};
                NAME(wino_position)(a, n, channels * WINO_FILTERS, s->end - t, &fetch);
            }
    }
    NAME(wino_strip) strip[NAME(WINO_STRIPS)];
    for (int64_t t = s->first, block = 0; t < s->end; t += line, block++) {
        const int strips = NAME(wino_strips)(p, t, ct__min_i64(line, s->end - t), strip);
        NAME(wino_dest)(g, m + block * m_block, group * p->lanes + lane, used, strip, strips);
    }
}

static void NAME(wino_deep_parts)(int64_t begin, int64_t end, void *arg) {
    const NAME(wino_stretch) *s = arg;
    const conv_plan *p = s->g->p;
    const conv_winograd *k = &p->winograd;
    char *mine = s->g->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride;
    for (int64_t i = begin; i < end; i++)
        NAME(wino_deep_part)(s, i / k->parts, i % k->parts, (REAL *)(void *)(mine + k->u_at), (REAL *)(void *)(mine + k->m_at));
}

void NAME(conv_winograd)(const conv_plan *p, const REAL *src, const REAL *w, const ct__conv_end *end, REAL *dst, void *scratch) {
    NAME(wino) g = {.p = p, .src = src, .w = w, .dst = dst, .scratch = scratch};
    const conv_winograd *k = &p->winograd;
    if (end) g.end = *end;
    if (!k->deep) {
        ct__parallel_for(p->groups * k->filter_tiles, 1, NAME(wino_pack), &g);
        ct__parallel_for(ct__ceil_div_i64(k->tiles, LANES), 1, NAME(wino_blocks), &g);
        return;
    }
    for (int64_t first = 0; first < k->tiles; first += k->stretch) {
        NAME(wino_stretch) s = {&g, first, ct__min_i64(first + k->stretch, k->tiles)};
        ct__parallel_for(p->groups * k->v_groups, 1, NAME(wino_deep_source), &s);
        ct__parallel_for(p->groups * k->parts, 1, NAME(wino_deep_parts), &s);
    }
}
