/*
 * conv_outer_winograd.h: weight_grad of 3 x 3 taps with stride 1 by the transforms of winograd_tile.h. A template: see vec_real.h.
 *
 *      gw[f][c] = G^T [ sum over tiles of  (A gy A^T)[f] * (B^T d B)[c] ] G        * elementwise
 *
 * A tile is 2 x 2 pixels of gy and the 4 x 4 of x that they meet: 16 multiplications in the place of 36. Each of the 16 positions of a transformed
 * tile has a product of matrices of its own, [channels x tiles] [tiles x filters], whose sums are transformed at the end. Two ways through it:
 *
 *      few weights, many pixels                                    deep: more weights than pixels
 *      for each part of the pixels             in parallel         transform all pixels                in parallel
 *          for each band of tiles                                  for each unit                       in parallel
 *              transform x and gy                                      for each position: sums of all tiles
 *              for each position: add to the part's sums               transform the sums, write the unit
 *      for each unit                           in parallel
 *          add the parts' sums in order, transform, write
 *
 * A unit is a panel of channels and a pair of vectors of filters. What is stored in between:
 *
 *      x       [group][panel of at most WINO_PANEL channels][position][tile][channel]
 *      gy      [group][pair][position][tile][lane]
 *      sums    [position][group][pair][channel][lane], deep: [position][panel's channel][lane]
 *
 * From one position to the next it is a tile more than there are, or half a line of sums: a tile's 16 stores would share few sets of the cache if they
 * were a power of two apart. These stores are what the transforms take: the L2 gets a line in five cycles, fetched before or not.
 */

/* ---- transforms ---- */

CT__INLINE void NAME(wino_x_column)(const REAL *src, const int64_t row, VEC *h) {
    VEC d[4];
    for (int i = 0; i < 4; i++) d[i] = v_load(src + i * row);
    NAME(wino_input_line)(d, 1, h, 4);
}

/* `rows` rows of tiles from packed rows of a vector of channels. Neighbours share two columns. */
static void NAME(wino_x_rows)(const outer_plan *p, const REAL *src, int64_t rows, REAL *out, int64_t line) {
    const int64_t step = p->wino.step * line, row = p->x_row;
    for (int64_t i = 0; i < rows; i++, src += 2 * row) {
        VEC h[16];
        const REAL *s = src;
        NAME(wino_x_column)(s, row, h);
        NAME(wino_x_column)(s + LANES, row, h + 1);
        for (int64_t j = 0; j < p->wino.tiles_w; j++, out += line) {
            s += 2 * LANES;
            NAME(wino_x_column)(s, row, h + 2);
            NAME(wino_x_column)(s + LANES, row, h + 3);
            REAL *at = out;
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                VEC v[4];
                NAME(wino_input_line)(h + 4 * r, 1, v, 1);
                for (int k = 0; k < 4; k++, at += step) v_store(at, v[k]);
                h[4 * r] = h[4 * r + 2];
                h[4 * r + 1] = h[4 * r + 3];
            }
        }
    }
}

/* The same from `rows` rows of pixels of a vector of filters; the last tile of an odd number of rows or columns is filled up with zeros. */
static void NAME(wino_gy_rows)(const outer_plan *p, const REAL *src, int64_t rows, REAL *out, int64_t line) {
    const int64_t step = p->wino.step * line, width = p->shape.ow;
    for (int64_t i = 0; i < rows; i += 2) {
        const REAL *a = src + i * width * LANES, *b = a + width * LANES;
        const bool low = i + 1 < rows;
        for (int64_t j = 0; j < width; j += 2, a += 2 * LANES, b += 2 * LANES, out += line) {
            const bool right = j + 1 < width;
            const VEC g[4] = {v_load(a), right ? v_load(a + LANES) : v_zero(), low ? v_load(b) : v_zero(), low && right ? v_load(b + LANES) : v_zero()};
            VEC m[16];
            NAME(wino_output_grad)(g, m);
            REAL *at = out;
#pragma GCC unroll 16
            for (int k = 0; k < 16; k++, at += step) v_store(at, m[k]);
        }
    }
}

/* ---- bands ---- */

/* A band of tiles: where it is, for the packing functions, and its transformed pixels. */
typedef struct NAME(wino_band) {
    NAME(outer_source) b;
    REAL *x, *gy;
} NAME(wino_band);

/* The band that begins with row r of tiles, counted over all images. */
static NAME(outer_source) NAME(wino_band_at)(const outer_plan *p, int64_t r, int64_t end) {
    NAME(outer_source) b = NAME(next_band)(p, r, end);
    b.pixels = b.images * b.rows * p->wino.tiles_w;
    b.row *= 2, b.rows *= 2;
    return b;
}

/*
 * Packing and transforming take turns after some rows of tiles: the stores of one wait for the L2 while the other shuffles. PIXELS to pack at a time are
 * nearly whole squares of vectors.
 */
static int64_t NAME(wino_turn)(int64_t width) {
    enum { PIXELS = 48 };
    return ct__max_i64(1, PIXELS / (2 * width));
}

/* One image of a vector of channels. */
static void NAME(wino_x_image)(const outer_plan *p, const REAL *image, int64_t channel, const NAME(outer_source) *b, REAL *pack, REAL *out, int64_t line) {
    const ct__conv_shape *s = &p->shape;
    const int64_t first = p->v.low + b->row, n = b->rows + 2, turn = NAME(wino_turn)(s->w), channels = ct__min_i64(LANES, s->c - channel);
    int64_t begin, end;
    NAME(clear_padding)(p, first, n, pack, &begin, &end);
    for (int64_t i = 0, packed = begin, rows; i < b->rows / 2; i += rows) {
        rows = ct__min_i64(turn, b->rows / 2 - i);
        const int64_t need = ct__min_i64(end, 2 * (i + rows) + 2);
        if (p->x_last)
            for (int64_t r = packed; r < need; r++)
                NAME(pack_pixels_last)(p, image + (first + r) * s->w * s->c + channel, channels, pack + r * p->x_row);
        else if (need > packed)
            NAME(pack_planes)(p, image + (channel * s->h + first + packed) * s->w, s->h * s->w, channels, (need - packed) * s->w, pack + packed * p->x_row);
        packed = ct__max_i64(packed, need);
        NAME(wino_x_rows)(p, pack + 2 * i * p->x_row, rows, out, line);
        out += rows * p->wino.tiles_w * line;
    }
}

/* Vectors of channels v0 ... v1 - 1, counted over all groups, each of which begins with one. */
static void NAME(wino_x)(const NAME(outer) *o, const NAME(wino_band) *band, int64_t v0, int64_t v1, REAL *pack) {
    const outer_plan *p = o->p;
    const outer_winograd *w = &p->wino;
    const ct__conv_shape *s = &p->shape;
    int64_t vecs = w->red / LANES, tiles = band->b.rows / 2 * w->tiles_w;
    for (int64_t v = v0; v < v1; v++) {
        int64_t group = v / vecs, lane = v % vecs * LANES, from = lane / WINO_PANEL * WINO_PANEL, line = ct__min_i64(WINO_PANEL, w->red - from);
        REAL *out = band->x + (group * w->red + from) * 16 * w->step + lane - from;
        for (int64_t n = 0; n < band->b.images; n++, out += tiles * line)
            NAME(wino_x_image)(p, o->x + (band->b.image + n) * s->h * s->w * s->c, group * p->red + lane, &band->b, pack, out, line);
    }
}

/* Vectors of filters v0 ... v1 - 1, counted over all groups, each of which begins with a pair. */
static void NAME(wino_gy)(const NAME(outer) *o, const NAME(wino_band) *band, int64_t v0, int64_t v1, REAL *pack) {
    const outer_plan *p = o->p;
    const ct__conv_shape *s = &p->shape;
    const int64_t height = ct__min_i64(band->b.rows, s->oh - band->b.row), plane = s->oh * s->ow, turn = ct__min_i64(height, 2 * NAME(wino_turn)(s->ow));
    for (int64_t v = v0; v < v1; v++) {
        int64_t group = v / p->vecs, lane = v % p->vecs * LANES, lanes = ct__min_i64(LANES, p->lanes - lane);
        REAL *out = band->gy + v / 2 * 16 * p->wino.step * WINO_PAIR + v % 2 * LANES;
        if (lanes <= 0) memset(pack, 0, (size_t)(turn * s->ow * LANES) * sizeof *pack); /* the second vector of the last pair */
        for (int64_t n = 0; n < band->b.images; n++) {
            const REAL *image = o->gy + (band->b.image + n) * plane * s->f;
            for (int64_t i = 0, rows; i < height; i += rows) {
                rows = ct__min_i64(turn, height - i);
                const REAL *from = image + (band->b.row + i) * s->ow * (p->gy_last ? s->f : 1);
                if (lanes > 0) NAME(pack_block)(p, from, group * p->lanes + lane, lanes, LANES, rows * s->ow, pack, LANES);
                NAME(wino_gy_rows)(p, pack, rows, out, WINO_PAIR);
                out += (rows + 1) / 2 * p->wino.tiles_w * WINO_PAIR;
            }
        }
    }
}

/*
 * ---- tiles of registers ----
 *
 * WINO_ROWS channels by a pair: 14 loads for 24 multiply-adds with 32 registers, 12 x 2 elements a step to come from the L2. The tiles of conv_outer.h, 6 by 4
 * vectors, read half as much again: 5 to 10 % slower. 12, 8 and 4 channels (6, 4 and 2 with 16 registers) leave nothing of a panel over.
 */

typedef struct NAME(wino_tile) {
    const REAL *x, *gy; /* [tiles][x_line], [tiles][WINO_PAIR] */
    int64_t x_line, tiles;
    REAL *sum; /* [rows][WINO_PAIR] */
    bool begin; /* sums begin with 0; else with what they hold */
} NAME(wino_tile);

CT__INLINE void NAME(wino_sweep)(const NAME(wino_tile) *t, const int rows) {
    VEC acc[WINO_ROWS][2];
    const REAL *x = t->x, *g = t->gy;
    REAL *sum = t->sum;
    const int64_t line = t->x_line;
    for (int i = 0; i < rows; i++) acc[i][0] = acc[i][1] = v_zero();
#pragma GCC unroll 2
    for (int64_t n = t->tiles; n > 0; n--, x += line, g += WINO_PAIR) {
        const VEC a = v_load(g), b = v_load(g + LANES);
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            const VEC s = v_splat(x[i]);
            acc[i][0] = v_fma(s, a, acc[i][0]);
            acc[i][1] = v_fma(s, b, acc[i][1]);
        }
    }
    if (!t->begin) {
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++)
            for (int v = 0; v < 2; v++) acc[i][v] += v_load(sum + i * WINO_PAIR + v * LANES);
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < 2; v++) v_store(sum + i * WINO_PAIR + v * LANES, acc[i][v]);
}
static CT__NOINLINE void NAME(wino_sweep_1)(const NAME(wino_tile) *t) { NAME(wino_sweep)(t, WINO_ROWS / 3); }
static CT__NOINLINE void NAME(wino_sweep_2)(const NAME(wino_tile) *t) { NAME(wino_sweep)(t, WINO_ROWS / 3 * 2); }
static CT__NOINLINE void NAME(wino_sweep_3)(const NAME(wino_tile) *t) { NAME(wino_sweep)(t, WINO_ROWS); }

/* ---- units ---- */

/* A panel of channels and a pair of vectors of filters of one group. */
typedef struct NAME(wino_unit) {
    int64_t group, panel, pair; /* the last counted over all groups */
    int64_t channels, line;     /* of the panel, and rounded up to vectors */
    REAL *sum;                  /* of position 0 */
} NAME(wino_unit);

/* sums: of all units, or deep: the unit's own. */
static NAME(wino_unit) NAME(wino_unit_at)(const outer_plan *p, int64_t i, REAL *sums) {
    const outer_winograd *w = &p->wino;
    int64_t panel = i % w->panels, pair = i / w->panels, from = panel * WINO_PANEL;
    NAME(wino_unit) u = {.group = pair / w->pairs, .panel = panel, .pair = pair};
    u.channels = ct__min_i64(WINO_PANEL, p->red - from);
    u.line = ct__min_i64(WINO_PANEL, w->red - from);
    u.sum = w->deep ? sums : sums + (pair * w->red + from) * WINO_PAIR;
    return u;
}

/* Adds a band at position k to a unit's sums, and to those of the bias. */
static void NAME(wino_add)(const outer_plan *p, const NAME(wino_unit) *u, const NAME(wino_band) *band, int k, bool begin, REAL *bias) {
    static void (*const sweep[])(const NAME(wino_tile) *t) = {NAME(wino_sweep_1), NAME(wino_sweep_2), NAME(wino_sweep_3)};
    const outer_winograd *w = &p->wino;
    NAME(wino_tile) t = {.x_line = u->line, .tiles = band->b.pixels, .begin = begin};
    t.x = band->x + ((u->group * w->red + u->panel * WINO_PANEL) * 16 + k * u->line) * w->step;
    t.gy = band->gy + (u->pair * 16 + k) * w->step * WINO_PAIR;
    t.sum = u->sum + (size_t)k * w->sum_step;
    for (int64_t left = u->channels; left > 0; left -= WINO_ROWS) {
        sweep[ct__min_i64(3, ct__ceil_div_i64(left, WINO_ROWS / 3)) - 1](&t);
        t.x += WINO_ROWS;
        t.sum += WINO_ROWS * WINO_PAIR;
    }
    /* This position of A gy A^T is the sum of the tile's pixels. */
    if (k == 5 && u->panel == 0 && bias) NAME(add_bias)(t.gy, t.tiles, WINO_PAIR, 2, begin, bias + u->pair * WINO_PAIR);
}

/* Transforms a unit's sums, those of all parts of the pixels added in order, and writes it; also the bias, whose sums begin with those of `chunk`. */
static void NAME(wino_write)(const NAME(outer) *o, const NAME(wino_unit) *u, int64_t chunk) {
    enum { CHANNELS = 16 }; /* whole vectors of gw */
    const outer_plan *p = o->p;
    const outer_winograd *w = &p->wino;
    const size_t set = p->sums_stride / sizeof(REAL);
    REAL taps[CHANNELS * 9 * WINO_PAIR];
    NAME(outer_unit) out = {.group = u->group, .vec = u->pair * 2, .vecs = 2, .sum = taps};
    const REAL *sum = u->sum;
    for (int64_t c0 = 0, c1; c0 < u->channels; c0 = c1) {
        c1 = ct__min_i64(c0 + CHANNELS, u->channels);
        for (int64_t i = 0; i < 2 * (c1 - c0); i++, sum += LANES) {
            VEC m[16], g[9];
            for (int k = 0; k < 16; k++) {
                const REAL *at = sum + (size_t)k * w->sum_step;
                m[k] = v_load(at);
                for (int64_t part = 1; part < w->parts; part++) m[k] += v_load(at + (size_t)part * set);
            }
            NAME(wino_filter_grad)(m, g);
            REAL *to = taps + i / 2 * 9 * WINO_PAIR + i % 2 * LANES;
            for (int k = 0; k < 9; k++) v_store(to + k * WINO_PAIR, g[k]);
        }
        out.e0 = (u->panel * WINO_PANEL + c0) * 9, out.e1 = (u->panel * WINO_PANEL + c1) * 9;
        NAME(write_unit)(o, &out, 1);
    }
    out.vecs = ct__min_i64(2, ct__ceil_div_i64(p->lanes, LANES) - u->pair % w->pairs * 2);
    if (u->panel == 0 && o->gbias) NAME(write_bias)(o, &out, chunk, (int)w->parts);
}

static REAL *NAME(wino_area)(const NAME(outer) *o, int64_t chunk, size_t at) {
    return (REAL *)(void *)(o->scratch + o->p->chunk_base + (size_t)chunk * o->p->chunk_stride + at);
}
static REAL *NAME(wino_shared)(const NAME(outer) *o, size_t at) { return (REAL *)(void *)(o->scratch + at); }

/* ---- few weights, many pixels ---- */

static void NAME(wino_part)(const NAME(outer) *o, int64_t part) {
    const outer_plan *p = o->p;
    const outer_winograd *w = &p->wino;
    int64_t all = p->shape.n * p->height, end = all * (part + 1) / w->parts, begin = all * part / w->parts;
    REAL *pack = NAME(wino_area)(o, part, w->pack_at), *bias = o->gbias ? NAME(wino_area)(o, part, p->bias_at) : NULL;
    REAL *sums = NAME(wino_shared)(o, p->sums_at + (size_t)part * p->sums_stride);
    NAME(wino_band) band = {.x = NAME(wino_area)(o, part, p->x_at), .gy = NAME(wino_area)(o, part, p->gy_at)};
    for (int64_t r = begin; r < end; r += band.b.images * band.b.rows / 2) {
        band.b = NAME(wino_band_at)(p, r, end);
        NAME(wino_x)(o, &band, 0, p->groups * w->red / LANES, pack);
        NAME(wino_gy)(o, &band, 0, p->groups * p->vecs, pack);
        for (int k = 0; k < 16; k++)
            for (int64_t i = 0; i < p->units; i++) {
                NAME(wino_unit) u = NAME(wino_unit_at)(p, i, sums);
                NAME(wino_add)(p, &u, &band, k, r == begin, bias);
            }
    }
}

static void NAME(wino_parts)(int64_t begin, int64_t end, void *arg) {
    for (int64_t part = begin; part < end; part++) NAME(wino_part)(arg, part);
}
static void NAME(wino_units)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    for (int64_t i = begin; i < end; i++) {
        NAME(wino_unit) u = NAME(wino_unit_at)(o->p, i, NAME(wino_shared)(o, o->p->sums_at));
        NAME(wino_write)(o, &u, 0);
    }
}

/* ---- deep ---- */

static NAME(wino_band) NAME(wino_all)(const NAME(outer) *o) {
    const outer_plan *p = o->p;
    return (NAME(wino_band)){NAME(wino_band_at)(p, 0, p->shape.n * p->height), NAME(wino_shared)(o, p->x_at), NAME(wino_shared)(o, p->gy_at)};
}

/* Vectors of channels, then vectors of filters. */
static void NAME(wino_deep_transform)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    const outer_plan *p = o->p;
    int64_t channels = p->groups * p->wino.red / LANES, all = channels + p->groups * p->vecs;
    REAL *pack = NAME(wino_area)(o, begin / ct__parallel_chunk(all, 1), p->wino.pack_at);
    const NAME(wino_band) band = NAME(wino_all)(o);
    NAME(wino_x)(o, &band, begin, ct__min_i64(end, channels), pack);
    NAME(wino_gy)(o, &band, ct__max_i64(begin - channels, 0), end - channels, pack);
}

static void NAME(wino_deep_units)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    const outer_plan *p = o->p;
    int64_t chunk = begin / ct__parallel_chunk(p->units, 1);
    REAL *sums = NAME(wino_area)(o, chunk, p->sums_at), *bias = o->gbias ? NAME(wino_area)(o, chunk, p->bias_at) : NULL;
    const NAME(wino_band) band = NAME(wino_all)(o);
    for (int64_t i = begin; i < end; i++) {
        NAME(wino_unit) u = NAME(wino_unit_at)(p, i, sums);
        for (int k = 0; k < 16; k++) NAME(wino_add)(p, &u, &band, k, true, bias);
        NAME(wino_write)(o, &u, chunk);
    }
}

static void NAME(outer_winograd)(NAME(outer) *o) {
    const outer_plan *p = o->p;
    if (p->wino.deep) ct__parallel_for(p->groups * (p->wino.red / LANES + p->vecs), 1, NAME(wino_deep_transform), o);
    else ct__parallel_for(p->wino.parts, 1, NAME(wino_parts), o);
    ct__parallel_for(p->units, 1, p->wino.deep ? NAME(wino_deep_units) : NAME(wino_units), o);
}
