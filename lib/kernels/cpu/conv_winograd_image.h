/*
 * conv_winograd_image.h: what conv_winograd.h has between images and transformed tiles: it reads the tiles of a block from the source into V, and writes
 * dest from M. A template: see vec_real.h.
 *
 * Lanes are tiles. A strip is a vector of them, made of pieces: neighbours in one row of tiles of an image. There are two pieces, of up to LANES / 2 tiles, or
 * where rows are short four, of up to LANES / 4. The piece that follows begins where the one before ends, in the next row or image too, so that rows of 7
 * tiles fill 14 of 16 lanes. One vector has the columns of a piece, or side by side those of two; picking every second element of two vectors gives column 0
 * of all tiles in the order of the lanes, and so on. Results go back the same way.
 */

enum {
    NAME(WINO_LINE) = WINO_VECS * LANES,
    NAME(WINO_V) = WINO_ROOM * WINO_DEPTH * NAME(WINO_LINE),   /* elements of WINO_DEPTH channels in V */
    NAME(WINO_M) = WINO_ROOM * WINO_FILTERS * NAME(WINO_LINE), /* of WINO_FILTERS filters in M */
    NAME(WINO_PATCH) = 2 * LANES,                       /* columns of source that a piece reads, LANES + 2, and to spare */
    NAME(WINO_STRIPS) = NAME(WINO_LINE) / 2,            /* of a block at most, if each piece were one tile */
    WINO_PIECES = 4,
    WINO_CHUNK = 4                                      /* channels or filters whose lines stay in the L1 from one strip to the next */
};

typedef struct NAME(wino) {
    const conv_plan *p;
    const REAL *src, *w;
    ct__conv_end end;
    REAL *dst;
    char *scratch;
} NAME(wino);

typedef struct NAME(wino_piece) {
    int64_t src, dst;  /* elements to its first row and column of channel 0; src may lie outside of the image */
    int lane;          /* its first tile's */
    int rows;          /* bit i: row i of source is inside of the image */
    int lo, hi;        /* columns of source inside of the image */
    int cols;          /* of dest; 0: there is no such piece */
    bool both;         /* rows of dest */
    LANES_MASK in[2];  /* of source from columns 0 and 2 on */
    LANES_MASK out;    /* of dest */
} NAME(wino_piece);

typedef struct NAME(wino_strip) {
    int64_t at; /* in the block */
    IVEC even, odd; /* which elements of two vectors of columns are columns 0 and 1 of the tiles */
    NAME(wino_piece) piece[WINO_PIECES];
} NAME(wino_strip);

static IVEC NAME(wino_iota)(void) {
    IVEC v = {0};
    for (int i = 0; i < LANES; i++) v[i] = i;
    return v;
}

/* Where a piece's columns begin in the vectors of two or four pieces. */
CT__INLINE int NAME(wino_slot)(int piece, int pieces) { return 2 * LANES / pieces * piece; }

/* n tiles from a tile of an image on. */
static void NAME(wino_piece_at)(const conv_plan *p, int64_t image, int64_t line, int64_t tile, int64_t n, int slot, NAME(wino_piece) *h) {
    const int64_t i = 2 * line, j = 2 * tile, row = i + p->v.low, col = j + p->h.low, side = 2 * LANES / p->winograd.pieces;
    h->src = p->src_last ? ((image * p->v.src + row) * p->h.src + col) * p->src_c : (image * p->src_c * p->v.src + row) * p->h.src + col;
    h->dst = p->dst_last ? ((image * p->v.dst + i) * p->h.dst + j) * p->dst_c : (image * p->dst_c * p->v.dst + i) * p->h.dst + j;
    for (int r = 0; r < 4; r++) h->rows |= (row + r >= 0 && row + r < p->v.src) << r;
    for (int64_t x = 0; x < 2; x++) {
        const int64_t first = col + 2 * x, lo = ct__min_i64(side, ct__max_i64(0, -first)), hi = ct__max_i64(lo, ct__min_i64(side, p->h.src - first));
        h->in[x] = v_lanes(slot + (int)lo, slot + (int)hi);
    }
    h->lo = (int)ct__max_i64(0, -col);
    h->hi = (int)ct__min_i64(side + 2, p->h.src - col);
    h->cols = (int)ct__min_i64(2 * n, p->h.dst - j);
    h->both = i + 1 < p->v.dst;
    h->out = v_lanes(0, h->cols);
}

/* Of `tiles` tiles from `first` on, a block or less: how many strips there are. */
static int NAME(wino_strips)(const conv_plan *p, int64_t first, int64_t tiles, NAME(wino_strip) strip[NAME(WINO_STRIPS)]) {
    const conv_winograd *k = &p->winograd;
    const IVEC iota = NAME(wino_iota)();
    int64_t tile = first % k->cols, line = first / k->cols, image = line / k->rows;
    int n = 0;
    line %= k->rows;
    for (int64_t t = 0; t < tiles; n++) {
        NAME(wino_strip) *s = &strip[n];
        IVEC even = 2 * iota;
        *s = (NAME(wino_strip)){.at = t};
        for (int i = 0, before = 0; i < k->pieces; i++) {
            const int64_t most = ct__min_i64(ct__min_i64(LANES / k->pieces, k->cols - tile), tiles - t);
            const int lane = (int)(t - s->at), slot = NAME(wino_slot)(i, k->pieces), shift = slot - 2 * lane;
            if (most == 0) break;
            NAME(wino_piece_at)(p, image, line, tile, most, slot % LANES, &s->piece[i]);
            s->piece[i].lane = lane;
            even += (iota >= lane) & (shift - before);
            before = shift;
            t += most, tile += most;
            if (tile == k->cols) {
                tile = 0;
                if (++line == k->rows) line = 0, image++;
            }
        }
        s->even = even;
        s->odd = even + 1;
    }
    return n;
}

/* ---- V ---- */

/* Transforms channel after channel of a strip: n of them, `step` apart in the source and a line in V, from piece q's at[q], rows `row` apart. room: tiles
 * that V has for the strip. Lanes beyond the strip's hold anything. */
CT__INLINE void NAME(wino_read)(const NAME(wino_strip) *s, const REAL *at[WINO_PIECES], const int64_t row, const int64_t step, int64_t n, REAL *to, const int room,
                                const int pieces) {
    const IVEC even = s->even, odd = s->odd;
    LANES_MASK in[2 * WINO_PIECES];
    int rows[WINO_PIECES];
    for (int q = 0; q < pieces; q++) in[2 * q] = s->piece[q].in[0], in[2 * q + 1] = s->piece[q].in[1], rows[q] = s->piece[q].rows;
    for (int64_t skip = 0; n > 0; n--, skip += step, to += NAME(WINO_LINE)) {
        VEC v[16];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            VEC x[4] = {v_zero(), v_zero(), v_zero(), v_zero()}, d[4];
#pragma GCC unroll 4
            for (int q = 0; q < pieces; q++) {
                const int k = 2 * q / pieces;
                const REAL *a = at[q] + skip + i * row;
                if (!(rows[q] >> i & 1)) continue;
                x[k] = (VEC)((IVEC)x[k] | (IVEC)v_load_lanes(a, in[2 * q]));
                x[k + 2] = (VEC)((IVEC)x[k + 2] | (IVEC)v_load_lanes(a + 2, in[2 * q + 1]));
            }
            d[0] = v_pick(x[0], x[1], even);
            d[1] = v_pick(x[0], x[1], odd);
            d[2] = v_pick(x[2], x[3], even);
            d[3] = v_pick(x[2], x[3], odd);
            NAME(wino_input_line)(d, 1, v + 4 * i, 1);
        }
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) NAME(wino_input_line)(v + j, 4, v + j, 4);
        if (room >= LANES) {
#pragma GCC unroll 16
            for (int q = 0; q < 16; q++) v_store(to + q * WINO_DEPTH * NAME(WINO_LINE), v[q]);
        } else {
#pragma GCC unroll 16
            for (int q = 0; q < 16; q++) v_store_n(to + q * WINO_DEPTH * NAME(WINO_LINE), v[q], room);
        }
    }
}

/* Of a channels-last source, `channels` channels of all pieces from `channel` on to buffer [channels][WINO_PIECES][4][WINO_PATCH]. */
static void NAME(wino_gather)(const NAME(wino) *g, const NAME(wino_strip) *s, int64_t channel, int64_t channels, REAL *buffer) {
    const conv_plan *p = g->p;
    for (int q = 0; q < p->winograd.pieces; q++)
        for (int i = 0; i < 4; i++) {
            const NAME(wino_piece) *h = &s->piece[q];
            if (!(h->rows >> i & 1) || h->hi <= h->lo) continue;
            NAME(conv_transpose)(g->src + h->src + (i * p->h.src + h->lo) * p->src_c + channel, p->src_c, h->hi - h->lo, channels,
                            buffer + (q * 4 + i) * NAME(WINO_PATCH) + h->lo, WINO_PIECES * 4 * NAME(WINO_PATCH));
        }
}

/* n channels from `channel` of the source on, of a block of tiles. Fills the last vector of a line up with zeros. */
static void NAME(wino_source)(const NAME(wino) *g, int64_t channel, int64_t n, const NAME(wino_strip) *strip, int strips, int64_t tiles, REAL *v) {
    const conv_plan *p = g->p;
    const int pieces = p->winograd.pieces;
    REAL buffer[WINO_CHUNK * WINO_PIECES * 4 * NAME(WINO_PATCH)];
    const int64_t end = ct__ceil_div_i64(tiles, LANES) * LANES, plane = p->v.src * p->h.src;
    for (int64_t c = 0; c < n; c += WINO_CHUNK) {
        const int64_t channels = ct__min_i64(WINO_CHUNK, n - c);
        REAL *line = v + c / WINO_DEPTH * NAME(WINO_V) + c % WINO_DEPTH * NAME(WINO_LINE);
        for (int k = 0; k < strips; k++) {
            const NAME(wino_strip) *s = &strip[k];
            const int room = (int)ct__min_i64(LANES, end - s->at);
            const int64_t row = p->src_last ? NAME(WINO_PATCH) : p->h.src, step = p->src_last ? WINO_PIECES * 4 * row : plane;
            const REAL *at[WINO_PIECES];
            if (p->src_last) NAME(wino_gather)(g, s, channel + c, channels, buffer);
            for (int q = 0; q < WINO_PIECES; q++)
                at[q] = (p->src_last ? buffer + 4 * q * row : g->src + (channel + c) * plane + s->piece[q].src) - NAME(wino_slot)(q, pieces) % LANES;
            if (pieces == 2) NAME(wino_read)(s, at, row, step, channels, line + s->at, room, 2);
            else NAME(wino_read)(s, at, row, step, channels, line + s->at, room, 4);
        }
        for (int64_t i = 0; end > tiles && i < channels; i++)
            for (int q = 0; q < 16; q++) v_store_n(line + (q * WINO_DEPTH + i) * NAME(WINO_LINE) + tiles, v_zero(), (int)(end - tiles));
    }
}

/* ---- dest ---- */

/* One filter's 2 x 2 pixels of each lane's tile, from M. */
CT__INLINE void NAME(wino_pixels)(const REAL *m, const ct__conv_end *end, const int64_t lane, VEC y[4]) {
    VEC x[16];
#pragma GCC unroll 16
    for (int q = 0; q < 16; q++) x[q] = v_load(m + q * WINO_FILTERS * NAME(WINO_LINE));
    NAME(wino_output)(x, y);
    if (end->scale)
        for (int i = 0; i < 4; i++) y[i] *= v_splat(((const REAL *)end->scale)[lane]);
    if (end->bias)
        for (int i = 0; i < 4; i++) y[i] += v_splat(((const REAL *)end->bias)[lane]);
    if (end->relu)
        for (int i = 0; i < 4; i++) y[i] = v_select(y[i] <= v_zero(), v_zero(), y[i]);
}

/* A channels-last dest takes `filters` filters from buffer [filters][2][WINO_PIECES][LANES]. */
static void NAME(wino_scatter)(const NAME(wino) *g, const NAME(wino_strip) *s, int64_t lane, int64_t filters, const REAL *buffer) {
    const conv_plan *p = g->p;
    for (int q = 0; q < p->winograd.pieces; q++) {
        const NAME(wino_piece) *h = &s->piece[q];
        for (int i = 0; i < 1 + h->both; i++)
            NAME(conv_transpose)(buffer + (WINO_PIECES * i + q) * LANES, 2 * WINO_PIECES * LANES, filters, h->cols,
                            g->dst + h->dst + i * p->h.dst * p->dst_c + lane, p->dst_c);
    }
}

/* n filters, the first of them lane `lane` of dest, of a block of tiles. */
static void NAME(wino_dest)(const NAME(wino) *g, const REAL *m, int64_t lane, int64_t n, const NAME(wino_strip) *strip, int strips) {
    const conv_plan *p = g->p;
    const ct__conv_end end = g->end;
    const int pieces = p->winograd.pieces;
    const int64_t plane = p->v.dst * p->h.dst, row = p->h.dst;
    const IVEC iota = NAME(wino_iota)(), zip = iota / 2 + (iota & 1) * LANES;
    REAL buffer[WINO_CHUNK * 2 * WINO_PIECES * LANES];
    for (int64_t f = 0; f < n; f += WINO_CHUNK) {
        const int64_t filters = ct__min_i64(WINO_CHUNK, n - f);
        const REAL *line = m + f / WINO_FILTERS * NAME(WINO_M) + f % WINO_FILTERS * NAME(WINO_LINE);
        for (int x = 0; x < strips; x++) {
            const NAME(wino_strip) *s = &strip[x];
            REAL *to = g->dst + (lane + f) * plane;
            for (int64_t i = 0; i < filters; i++, to += plane) {
                VEC y[4];
                NAME(wino_pixels)(line + i * NAME(WINO_LINE) + s->at, &end, lane + f + i, y);
                for (int q = 0; q < pieces; q++) {
                    const NAME(wino_piece) *h = &s->piece[q];
                    const VEC a = v_pick(y[0], y[1], zip + h->lane), b = v_pick(y[2], y[3], zip + h->lane);
                    if (p->dst_last) {
                        REAL *at = buffer + (2 * i * WINO_PIECES + q) * LANES;
                        v_store(at, a);
                        v_store(at + WINO_PIECES * LANES, b);
                    } else {
                        v_store_lanes(to + h->dst, a, h->out);
                        if (h->both) v_store_lanes(to + h->dst + row, b, h->out);
                    }
                }
            }
            if (p->dst_last) NAME(wino_scatter)(g, s, lane + f, filters, buffer);
        }
    }
}
