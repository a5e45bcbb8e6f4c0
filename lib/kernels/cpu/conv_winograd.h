/*
 * conv_winograd.h: forward and input_grad of 3 x 3 kernels with stride 1 by Winograd's F(2x2, 3x3), see winograd_tile.h. A template: see vec_real.h.
 *
 * Dest is cut into tiles of 2 x 2 pixels, counted along rows and on into the next row and image. With U the transformed weights, V the transformed
 * source and M their products, each of the 16 positions in a transformed tile is a product of matrices, M [filters][tiles] = U [filters][channels] V
 * [channels][tiles]. Lanes are tiles, so that row-major images are read and written as they are; channels-last ones pass through a small buffer. A
 * block is WINO_LINE tiles, which the registers hold for WINO_FILTERS filters while all channels pass by:
 *
 *      V   per block [channels / WINO_DEPTH][16][WINO_DEPTH][WINO_LINE]      a strip of tiles writes to few pages, at distances known to the compiler
 *      M   per block [filters / WINO_FILTERS][16][WINO_FILTERS][WINO_LINE]
 *      U   [16][filters / WINO_FILTERS][channels][WINO_FILTERS]
 *
 * Two ways through it:
 *
 *      V of a block fits into the L2                    deep: it does not, and U is more than an L2
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

enum {
    NAME(WINO_HALF) = LANES / 2,
    NAME(WINO_LINE) = WINO_VECS * LANES,
    NAME(WINO_V) = WINO_ROOM * WINO_DEPTH * NAME(WINO_LINE),   /* elements of WINO_DEPTH channels in V */
    NAME(WINO_M) = WINO_ROOM * WINO_FILTERS * NAME(WINO_LINE), /* of WINO_FILTERS filters in M */
    NAME(WINO_PATCH) = 2 * LANES,                       /* columns of source that half a strip reads, LANES + 2, and to spare */
    WINO_CHUNK = 4                                      /* channels or filters whose lines stay in the L1 from one strip to the next */
};

typedef struct NAME(wino) {
    const conv_plan *p;
    const REAL *src, *w;
    ct__conv_end end;
    REAL *dst;
    char *scratch;
} NAME(wino);

/*
 * A strip is a vector of tiles: up to LANES / 2 neighbours in a row of an image, and as many that follow, beside them, in the next row, or in the next image. So
 * rows of 7 tiles fill 14 of 16 lanes.
 */
typedef struct NAME(wino_half) {
    int64_t src, dst; /* elements to its first row and column of channel 0; src may lie outside of the image */
    int n;            /* tiles; 0: there is none */
    int rows;         /* bit i: row i of source is inside of the image */
    int lo[2], hi[2]; /* lanes inside of the image of the vectors from columns 0 and 2 */
    int cols;         /* of dest */
    bool both;        /* rows of dest */
} NAME(wino_half);

typedef struct NAME(wino_strip) {
    int64_t at; /* in the block */
    NAME(wino_half) half[2];
} NAME(wino_strip);

static NAME(wino_half) NAME(wino_half_at)(const conv_plan *p, int64_t tile, int64_t left) {
    const conv_winograd *k = &p->winograd;
    const int64_t line = tile / k->cols, image = line / k->rows, i = 2 * (line % k->rows), j = 2 * (tile % k->cols), row = i + p->v.low, col = j + p->h.low;
    NAME(wino_half) h = {.n = (int)ct__min_i64(ct__min_i64(left, NAME(WINO_HALF)), k->cols - j / 2)};
    if (h.n <= 0) return (NAME(wino_half)){0};
    h.src = p->src_last ? ((image * p->v.src + row) * p->h.src + col) * p->src_c : (image * p->src_c * p->v.src + row) * p->h.src + col;
    h.dst = p->dst_last ? ((image * p->v.dst + i) * p->h.dst + j) * p->dst_c : (image * p->dst_c * p->v.dst + i) * p->h.dst + j;
    for (int r = 0; r < 4; r++) h.rows |= (row + r >= 0 && row + r < p->v.src) << r;
    for (int x = 0; x < 2; x++) {
        h.lo[x] = (int)ct__min_i64(LANES, ct__max_i64(0, -(col + 2 * x)));
        h.hi[x] = (int)ct__max_i64(h.lo[x], ct__min_i64(LANES, p->h.src - (col + 2 * x)));
    }
    h.cols = (int)ct__min_i64(2 * h.n, p->h.dst - j);
    h.both = i + 1 < p->v.dst;
    return h;
}

/* Of `tiles` tiles from `first` on, a block or less: how many strips there are. */
static int NAME(wino_strips)(const conv_plan *p, int64_t first, int64_t tiles, NAME(wino_strip) strip[NAME(WINO_LINE)]) {
    int n = 0;
    for (int64_t t = 0; t < tiles; n++) {
        strip[n].at = t;
        for (int h = 0; h < 2; h++) {
            strip[n].half[h] = NAME(wino_half_at)(p, first + t, tiles - t);
            t += strip[n].half[h].n;
        }
    }
    return n;
}

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

/* ---- V ---- */

/* Transforms one channel of a strip, the halves' first rows being at a and b, rows `row` apart. */
CT__INLINE void NAME(wino_read)(const NAME(wino_strip) *s, const REAL *a, const REAL *b, const int64_t row, VEC v[16]) {
    const NAME(wino_half) *const h = s->half;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        VEC x[4] = {v_zero(), v_zero(), v_zero(), v_zero()}, d[4];
        if (h[0].rows >> i & 1) {
            x[0] = v_load_range(a + i * row, h[0].lo[0], h[0].hi[0]);
            x[2] = v_load_range(a + i * row + 2, h[0].lo[1], h[0].hi[1]);
        }
        if (h[1].rows >> i & 1) {
            x[1] = v_load_range(b + i * row, h[1].lo[0], h[1].hi[0]);
            x[3] = v_load_range(b + i * row + 2, h[1].lo[1], h[1].hi[1]);
        }
        d[0] = v_evens(x[0], x[1]);
        d[1] = v_odds(x[0], x[1]);
        d[2] = v_evens(x[2], x[3]);
        d[3] = v_odds(x[2], x[3]);
        NAME(wino_input_line)(d, 1, v + 4 * i, 1);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) NAME(wino_input_line)(v + j, 4, v + j, 4);
}

/* To V, whose line has room for `room` more tiles. What lanes beyond the first half's tiles hold is written over by the second half. */
CT__INLINE void NAME(wino_put)(const NAME(wino_strip) *s, REAL *to, const int room, const VEC v[16]) {
    enum { STEP = WINO_DEPTH * NAME(WINO_LINE) };
    const int n = s->half[0].n, more = s->half[1].n;
    if (room >= LANES) {
#pragma GCC unroll 16
        for (int q = 0; q < 16; q++) v_store(to + q * STEP, v[q]);
    } else {
#pragma GCC unroll 16
        for (int q = 0; q < 16; q++) v_store_n(to + q * STEP, v[q], room);
    }
    if (n == NAME(WINO_HALF) || more == 0) return;
#pragma GCC unroll 16
    for (int q = 0; q < 16; q++) v_store_range(to + q * STEP + n - NAME(WINO_HALF), v[q], NAME(WINO_HALF), NAME(WINO_HALF) + more);
}

/* Of a channels-last source, `channels` channels of both halves from `channel` on to buffer [channels][2][4][WINO_PATCH]. */
static void NAME(wino_gather)(const NAME(wino) *g, const NAME(wino_strip) *s, int64_t channel, int64_t channels, REAL *buffer) {
    const conv_plan *p = g->p;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 4; i++) {
            const NAME(wino_half) *h = &s->half[k];
            const int lo = h->lo[0], hi = h->hi[1] > h->lo[1] ? h->hi[1] + 2 : h->hi[0]; /* of the columns 0 ... LANES + 1 */
            if (!(h->rows >> i & 1) || hi <= lo) continue;
            NAME(conv_transpose)(g->src + h->src + (i * p->h.src + lo) * p->src_c + channel, p->src_c, hi - lo, channels,
                            buffer + (k * 4 + i) * NAME(WINO_PATCH) + lo, 8 * NAME(WINO_PATCH));
        }
}

/* n channels from `channel` of the source on. Fills the last vector of a line up with zeros. */
static void NAME(wino_source)(const NAME(wino) *g, int64_t channel, int64_t n, int64_t first, int64_t tiles, REAL *v) {
    const conv_plan *p = g->p;
    NAME(wino_strip) strip[NAME(WINO_LINE)];
    REAL buffer[WINO_CHUNK * 8 * NAME(WINO_PATCH)];
    const int strips = NAME(wino_strips)(p, first, tiles, strip);
    const int64_t end = ct__ceil_div_i64(tiles, LANES) * LANES, plane = p->v.src * p->h.src;
    for (int64_t c = 0; c < n; c += WINO_CHUNK) {
        const int64_t channels = ct__min_i64(WINO_CHUNK, n - c);
        REAL *line = v + c / WINO_DEPTH * NAME(WINO_V) + c % WINO_DEPTH * NAME(WINO_LINE);
        for (int k = 0; k < strips; k++) {
            const NAME(wino_strip) *s = &strip[k];
            const int room = (int)ct__min_i64(LANES, end - s->at);
            const REAL *a = g->src + (channel + c) * plane + s->half[0].src, *b = g->src + (channel + c) * plane + s->half[1].src;
            int64_t row = p->h.src, step = plane;
            if (p->src_last) {
                NAME(wino_gather)(g, s, channel + c, channels, buffer);
                row = NAME(WINO_PATCH), step = 8 * row;
                a = buffer, b = buffer + 4 * row;
            }
            for (int64_t i = 0; i < channels; i++) {
                VEC x[16];
                NAME(wino_read)(s, a + i * step, b + i * step, row, x);
                NAME(wino_put)(s, line + i * NAME(WINO_LINE) + s->at, room, x);
            }
        }
        for (int64_t i = 0; end > tiles && i < channels; i++)
            for (int q = 0; q < 16; q++) v_store_n(line + (q * WINO_DEPTH + i) * NAME(WINO_LINE) + tiles, v_zero(), (int)(end - tiles));
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
    VEC acc[WINO_FILTERS][WINO_VECS];
    for (int i = 0; i < WINO_FILTERS; i++)
        for (int k = 0; k < vecs; k++) acc[i][k] = t->begin ? v_zero() : v_load(t->m + i * NAME(WINO_LINE) + k * LANES);
    const REAL *u = t->u, *v = t->v;
    const char *soon = t->soon, *last = soon + t->lines * CONV_LINE;
    for (int64_t c = t->channels; c > 0; c -= WINO_DEPTH) {
#pragma GCC unroll 1
        for (int64_t n = c < WINO_DEPTH ? c : WINO_DEPTH; n > 0; n--) {
            VEC x[WINO_VECS];
            for (int k = 0; k < vecs; k++) x[k] = v_load(v + k * LANES);
            __builtin_prefetch(soon);
            if (soon < last) soon += CONV_LINE;
            for (int i = 0; i < WINO_FILTERS; i++) {
                const VEC w = v_splat(u[i]);
                for (int k = 0; k < vecs; k++) acc[i][k] = v_fma(w, x[k], acc[i][k]);
            }
            u += WINO_FILTERS;
            v += NAME(WINO_LINE);
        }
        v += NAME(WINO_V) - WINO_DEPTH * NAME(WINO_LINE);
    }
    for (int i = 0; i < WINO_FILTERS; i++)
        for (int k = 0; k < vecs; k++) v_store(t->m + i * NAME(WINO_LINE) + k * LANES, acc[i][k]);
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

/* ---- dest ---- */

/* One filter's 2 x 2 pixels of each lane's tile, from M: y[2 i + k] is row i of half k. */
CT__INLINE void NAME(wino_pixels)(const REAL *m, const ct__conv_end *end, const int64_t lane, VEC y[4]) {
    VEC x[16];
#pragma GCC unroll 16
    for (int q = 0; q < 16; q++) x[q] = v_load(m + q * WINO_FILTERS * NAME(WINO_LINE));
    NAME(wino_output)(x, x);
    if (end->scale)
        for (int i = 0; i < 4; i++) x[i] *= v_splat(((const REAL *)end->scale)[lane]);
    if (end->bias)
        for (int i = 0; i < 4; i++) x[i] += v_splat(((const REAL *)end->bias)[lane]);
    if (end->relu)
        for (int i = 0; i < 4; i++) x[i] = v_select(x[i] <= v_zero(), v_zero(), x[i]);
    for (int i = 0; i < 2; i++) y[2 * i] = v_zip_lo(x[2 * i], x[2 * i + 1]), y[2 * i + 1] = v_zip_hi(x[2 * i], x[2 * i + 1]);
}

/* A channels-last dest takes `filters` filters from buffer [filters][2][2][LANES]. */
static void NAME(wino_scatter)(const NAME(wino) *g, const NAME(wino_strip) *s, int64_t lane, int64_t filters, const REAL *buffer) {
    const conv_plan *p = g->p;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 1 + s->half[k].both; i++)
            NAME(conv_transpose)(buffer + (2 * i + k) * LANES, 4 * LANES, filters, s->half[k].cols, g->dst + s->half[k].dst + i * p->h.dst * p->dst_c + lane, p->dst_c);
}

/* n filters, the first of them lane `lane` of dest. */
static void NAME(wino_dest)(const NAME(wino) *g, const REAL *m, int64_t lane, int64_t n, int64_t first, int64_t tiles) {
    const conv_plan *p = g->p;
    const ct__conv_end end = g->end;
    NAME(wino_strip) strip[NAME(WINO_LINE)];
    REAL buffer[WINO_CHUNK * 4 * LANES];
    const int strips = NAME(wino_strips)(p, first, tiles, strip);
    const int64_t plane = p->v.dst * p->h.dst, row = p->h.dst;
    for (int64_t f = 0; f < n; f += WINO_CHUNK) {
        const int64_t filters = ct__min_i64(WINO_CHUNK, n - f);
        const REAL *line = m + f / WINO_FILTERS * NAME(WINO_M) + f % WINO_FILTERS * NAME(WINO_LINE);
        for (int x = 0; x < strips; x++) {
            const NAME(wino_strip) *s = &strip[x];
            const NAME(wino_half) *h = s->half;
            REAL *a = g->dst + (lane + f) * plane + h[0].dst, *b = g->dst + (lane + f) * plane + h[1].dst;
            for (int64_t i = 0; i < filters; i++, a += plane, b += plane) {
                VEC y[4], z[4];
                NAME(wino_pixels)(line + i * NAME(WINO_LINE) + s->at, &end, lane + f + i, y);
                if (h[1].n > 0 && h[0].n < NAME(WINO_HALF)) {
                    NAME(wino_pixels)(line + i * NAME(WINO_LINE) + s->at + h[0].n, &end, lane + f + i, z);
                    y[1] = z[0], y[3] = z[2];
                }
                if (p->dst_last) {
                    for (int k = 0; k < 4; k++) v_store(buffer + (4 * i + k) * LANES, y[k]);
                    continue;
                }
                v_store_n(a, y[0], h[0].cols);
                if (h[0].both) v_store_n(a + row, y[2], h[0].cols);
                v_store_n(b, y[1], h[1].cols);
                if (h[1].both) v_store_n(b + row, y[3], h[1].cols);
            }
            if (p->dst_last) NAME(wino_scatter)(g, s, lane + f, filters, buffer);
        }
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
    for (int64_t group = 0; group < p->groups; group++) {
        const REAL *u = (const REAL *)(const void *)(g->scratch + k->u_at) + group * 16 * k->u_position;
        NAME(wino_source)(g, group * p->red, p->red, first, tiles, v);
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
            NAME(wino_dest)(g, m, group * p->lanes + lane, used, first, tiles);
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
    for (int64_t t = s->first; t < s->end; t += line)
        for (int64_t i = begin; i < end; i++) {
            const int64_t group = i / v_groups, c = i % v_groups * WINO_DEPTH, n = ct__min_i64(WINO_DEPTH, p->red - c);
            REAL *v = NAME(wino_deep_v)(s->g, (t - s->first) / line, group, c);
            NAME(wino_source)(s->g, group * p->red + c, n, t, ct__min_i64(line, s->end - t), v);
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
    for (int64_t t = s->first, block = 0; t < s->end; t += line, block++)
        NAME(wino_dest)(g, m + block * m_block, group * p->lanes + lane, used, t, ct__min_i64(line, s->end - t));
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
