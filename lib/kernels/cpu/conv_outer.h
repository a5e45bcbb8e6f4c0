/*
 * conv_outer.h: weight_grad for one element type. A template: see vec_real.h. conv_outer_plan.h says how the work is cut, conv_outer_pack.h packs.
 *
 *      each chunk of work           in parallel
 *          for each band of pixels
 *              pack x, pack gy
 *              for each unit        a block of filters, about 48 entries
 *                  for each piece of the band: tiles: load sums, sweep the pixels, store sums
 *      by pixels: sums of the chunks are added in order, in parallel over units; so they depend on the number of threads only
 */

typedef struct NAME(outer) {
    const outer_plan *p;
    const REAL *x, *gy;
    REAL *gw, *gbias;
    char *scratch;
} NAME(outer);

/* ---- tiles ---- */

typedef struct NAME(outer_tile) {
    const REAL *x[CONV_PIXELS]; /* each point's place in x for pixel_at 0 */
    const REAL *gy;
    const int64_t *pixel_at;
    int64_t gy_pixel;
    const outer_run *run, *end;
    REAL *sum[CONV_PIXELS];     /* each point's line of sums; its other channels' lines follow in steps of sum_step */
    int64_t sum_step;
    bool begin;                 /* sums begin with 0; else with what they hold */
} NAME(outer_tile);

/* A point is a tap of `wide` neighbouring channels, so wide entries. */
CT__INLINE void NAME(outer_body)(const NAME(outer_tile) *t, const bool depthwise, const int points, const int wide, const int vecs) {
    VEC acc[CONV_PIXELS][CONV_VECS][CONV_VECS];
    for (int i = 0; i < points; i++)
        for (int c = 0; c < wide; c++)
            for (int v = 0; v < vecs; v++) acc[i][c][v] = t->begin ? v_zero() : v_load(t->sum[i] + c * t->sum_step + v * LANES);
    const REAL *x[CONV_PIXELS];
    for (int i = 0; i < points; i++) x[i] = t->x[i];
    const int64_t gy_pixel = t->gy_pixel;
    for (const outer_run *run = t->run, *last = t->end; run < last; run++) {
        const REAL *g = t->gy + run->first * gy_pixel;
#pragma GCC unroll 2
        for (const int64_t *next = t->pixel_at + run->first, *end = next + run->pixels; next < end; next++) {
            int64_t at = *next;
            VEC gv[CONV_VECS];
            for (int v = 0; v < vecs; v++) gv[v] = v_load(g + v * LANES);
            for (int i = 0; i < points; i++)
                for (int c = 0; c < wide; c++) {
                    VEC s = v_splat(depthwise ? 0 : x[i][at + c]);
                    for (int v = 0; v < vecs; v++) acc[i][c][v] = v_fma(depthwise ? v_load(x[i] + at + v * LANES) : s, gv[v], acc[i][c][v]);
                }
            g += gy_pixel;
        }
    }
    for (int i = 0; i < points; i++)
        for (int c = 0; c < wide; c++)
            for (int v = 0; v < vecs; v++) v_store(t->sum[i] + c * t->sum_step + v * LANES, acc[i][c][v]);
}

#define CONV_OUTER(D, P, W, V) \
    static void NAME(outer_##D##_##P##x##W##x##V)(const NAME(outer_tile) *t) { NAME(outer_body)(t, D, P, W, V); }
#define CONV_AT(D, P, W, V) [P - 1] = NAME(outer_##D##_##P##x##W##x##V)
/* Not every number of points: what whole tiles leave takes the largest that fits, and then the next. */
#define CONV_OUTERS(D, W, V) CONV_OUTER(D, 1, W, V) CONV_OUTER(D, 3, W, V) CONV_OUTER(D, 6, W, V)
#define CONV_EVENS(D, W, V) CONV_OUTER(D, 1, W, V) CONV_OUTER(D, 2, W, V) CONV_OUTER(D, 4, W, V) CONV_OUTER(D, 6, W, V)
#define CONV_ROW(D, W, V) {CONV_AT(D, 1, W, V), CONV_AT(D, 3, W, V), CONV_AT(D, 6, W, V)}
#define CONV_EVEN_ROW(D, W, V) {CONV_AT(D, 1, W, V), CONV_AT(D, 2, W, V), CONV_AT(D, 4, W, V), CONV_AT(D, 6, W, V)}
CONV_OUTERS(0, 1, 1)
CONV_EVENS(0, 1, 2)
CONV_OUTERS(1, 1, 1)
CONV_OUTERS(1, 1, 2)
#if CONV_VECS == 4
CONV_EVENS(0, 1, 3)
CONV_EVENS(0, 1, 4)
CONV_OUTERS(1, 1, 3)
CONV_OUTERS(1, 1, 4)
CONV_OUTERS(0, 4, 1)
CONV_OUTERS(0, 2, 2)
#else
CONV_OUTERS(0, 2, 1)
#endif

/* [narrow, depthwise, wide (for few filters)][vectors - 1][points - 1] */
typedef void (*NAME(outer_function))(const NAME(outer_tile) *t);
static const NAME(outer_function) NAME(outer_table)[3][CONV_VECS][CONV_PIXELS] = {
#if CONV_VECS == 4
    {CONV_ROW(0, 1, 1), CONV_EVEN_ROW(0, 1, 2), CONV_EVEN_ROW(0, 1, 3), CONV_EVEN_ROW(0, 1, 4)},
    {CONV_ROW(1, 1, 1), CONV_ROW(1, 1, 2), CONV_ROW(1, 1, 3), CONV_ROW(1, 1, 4)},
    {CONV_ROW(0, 4, 1), CONV_ROW(0, 2, 2)},
#else
    {CONV_ROW(0, 1, 1), CONV_EVEN_ROW(0, 1, 2)},
    {CONV_ROW(1, 1, 1), CONV_ROW(1, 1, 2)},
    {CONV_ROW(0, 2, 1)},
#endif
};
#undef CONV_OUTER
#undef CONV_AT
#undef CONV_OUTERS
#undef CONV_EVENS
#undef CONV_ROW
#undef CONV_EVEN_ROW

/* ---- units ---- */

/* One block of filters and a stretch of its entries. */
typedef struct NAME(outer_unit) {
    int64_t block, group, vec, vecs;   /* vec: the first of the block, counted over all groups */
    int64_t e0, e1;
    REAL *sum;                         /* [e1 - e0][vecs * LANES], in the first chunk's sums */
} NAME(outer_unit);

static NAME(outer_unit) NAME(outer_unit_at)(const NAME(outer) *o, int64_t unit, int64_t chunk) {
    const outer_plan *p = o->p;
    NAME(outer_unit) u = {.block = unit / p->stretches};
    u.group = u.block / p->blocks;
    int64_t b = u.block % p->blocks, first = outer_block_at(p, b);
    u.vec = u.group * p->vecs + first;
    u.vecs = outer_block_at(p, b + 1) - first;
    u.e0 = unit % p->stretches * p->stretch;
    u.e1 = ct__min_i64(u.e0 + p->stretch, p->reduction);
    u.sum = (REAL *)(void *)(o->scratch + p->sums_at + (size_t)chunk * p->sums_stride);
    if (!p->one_band) u.sum += (u.vec * p->reduction + u.e0 * u.vecs) * LANES;
    return u;
}

static void NAME(add_bias)(const REAL *gy, int64_t pixels, int64_t gy_pixel, int64_t vecs, bool begin, REAL *sum) {
    for (int64_t v = 0; v < vecs; v++) {
        VEC s[4] = {begin ? v_zero() : v_load(sum + v * LANES)}; /* four, as an addition takes that many cycles */
        const REAL *g = gy + v * LANES;
        int64_t i = 0;
        for (; i + 4 <= pixels; i += 4, g += 4 * gy_pixel)
            for (int k = 0; k < 4; k++) s[k] += v_load(g + k * gy_pixel);
        for (; i < pixels; i++, g += gy_pixel) s[0] += v_load(g);
        v_store(sum + v * LANES, (s[0] + s[1]) + (s[2] + s[3]));
    }
}

/* Adds pixels of a band to a unit's sums: t's, or with edges each tap's. Fetches some lines meanwhile, with each tile. */
static void NAME(outer_piece)(const outer_plan *p, const NAME(outer_unit) *u, const NAME(outer_source) *b, NAME(outer_tile) *t, conv_fetch *fetch, int64_t lines) {
    const NAME(outer_function) *table = NAME(outer_table)[p->wide > 1 ? 2 : p->depthwise][u->vecs - 1];
    int64_t line = u->vecs * LANES, left = (u->e1 - u->e0) / p->wide, first = u->e0 / p->taps, end = u->e1 / p->taps, c = first, tap = u->e0 % p->taps;
    while (left > 0) {
        int n = (int)ct__min_i64(CONV_PIXELS, p->by_tap ? end - c : left);
        while (!table[n - 1]) n--;
        if (p->edges) t->run = p->run + p->runs_at[tap], t->end = p->run + p->runs_at[tap + 1];
        for (int i = 0; i < n; i++) {
            t->x[i] = b->x + p->tap_at[tap] + (p->depthwise ? u->vec * LANES : p->chan_at[u->group * p->red + c]);
            t->sum[i] = u->sum + (c * p->taps + tap - u->e0) * line;
            if (p->by_tap) {
                if (++c == end) c = first, tap++;
            } else if (++tap == p->taps) {
                tap = 0, c += p->wide;
            }
        }
        conv_fetch_some(fetch, lines);
        table[n - 1](t);
        left -= n;
    }
}

/* Where a unit's part of gw will be written. */
static conv_fetch NAME(fetch_weight)(const NAME(outer) *o, const NAME(outer_unit) *u) {
    const outer_plan *p = o->p;
    int64_t lane = (u->vec - u->group * p->vecs) * LANES, lanes = ct__min_i64(p->lanes - lane, u->vecs * LANES);
    return (conv_fetch){.plane = (const char *)(o->gw + (u->group * p->lanes + lane) * p->reduction + u->e0), .planes = lanes,
                        .step = p->reduction * (int64_t)sizeof(REAL), .bytes = (u->e1 - u->e0) * (int64_t)sizeof(REAL)};
}

static void NAME(outer_band)(const NAME(outer) *o, const NAME(outer_unit) *u, const NAME(outer_source) *b, bool begin, bool last) {
    const outer_plan *p = o->p;
    conv_fetch fetch = {0};
    if (last) fetch = NAME(fetch_weight)(o, u);
    int64_t lines = conv_fetch_share(&fetch, (u->e1 - u->e0) / (CONV_PIXELS * p->wide) + 1);
    int64_t line = u->vecs * LANES, piece = p->edges ? b->pixels : ct__even_part_i64(b->pixels, OUTER_PIECE);
    NAME(outer_tile) t = {.gy = b->gy + u->vec * b->gy_vec, .gy_pixel = p->gy_direct ? p->shape.f : line, .pixel_at = p->pixel_at, .sum_step = p->taps * line};
    for (int64_t at = 0; at < b->pixels; at += piece) {
        outer_run run = {at, ct__min_i64(piece, b->pixels - at)};
        t.run = &run;
        t.end = &run + 1;
        t.begin = begin && at == 0;
        NAME(outer_piece)(p, u, b, &t, &fetch, lines);
    }
}

/* Sums of the first `sets` chunks, [entry][filter], to gw [filter][entry]. */
static void NAME(write_unit)(const NAME(outer) *o, const NAME(outer_unit) *u, int sets) {
    const outer_plan *p = o->p;
    int64_t line = u->vecs * LANES, first = u->vec - u->group * p->vecs; /* of the group */
    size_t set = p->sums_stride / sizeof(REAL);
    for (int64_t e = u->e0; e < u->e1; e += LANES) {
        int ne = (int)ct__min_i64(LANES, u->e1 - e);
        for (int64_t v = 0; v < u->vecs; v++) {
            VEC r[LANES];
            for (int i = 0; i < LANES; i++) {
                const REAL *sum = u->sum + (e - u->e0 + i) * line + v * LANES;
                r[i] = i < ne ? v_load(sum) : v_zero();
                for (int c = 1; c < sets && i < ne; c++) r[i] += v_load(sum + (size_t)c * set);
            }
            v_transpose(r);
            int64_t lane = (first + v) * LANES;
            int n = (int)ct__min_i64(LANES, p->lanes - lane);
            REAL *to = o->gw + (u->group * p->lanes + lane) * p->reduction + e;
            for (int k = 0; k < n; k++) {
                if (ne == LANES) v_store(to + k * p->reduction, r[k]);
                else v_store_n(to + k * p->reduction, r[k], ne);
            }
        }
    }
}

static const REAL *NAME(bias_sums)(const NAME(outer) *o, int64_t chunk) {
    return (const REAL *)(const void *)(o->scratch + o->p->chunk_base + (size_t)chunk * o->p->chunk_stride + o->p->bias_at);
}

/* The same for the bias of a unit's block: sums of `sets` chunks from `chunk` on. */
static void NAME(write_bias)(const NAME(outer) *o, const NAME(outer_unit) *u, int64_t chunk, int sets) {
    const outer_plan *p = o->p;
    for (int64_t v = 0; v < u->vecs; v++) {
        int64_t lane = (u->vec + v - u->group * p->vecs) * LANES;
        VEC s = v_load(NAME(bias_sums)(o, chunk) + (u->vec + v) * LANES);
        for (int c = 1; c < sets; c++) s += v_load(NAME(bias_sums)(o, chunk + c) + (u->vec + v) * LANES);
        v_store_n(o->gbias + u->group * p->lanes + lane, s, (int)ct__min_i64(LANES, p->lanes - lane));
    }
}

/* ---- chunks ---- */

/* Units u0 ... u1 - 1 over dst rows r0 ... r1 - 1, counted over all images. */
static void NAME(outer_chunk)(const NAME(outer) *o, int64_t chunk, int64_t u0, int64_t u1, int64_t r0, int64_t r1) {
    const outer_plan *p = o->p;
    char *mine = o->scratch + p->chunk_base + (size_t)chunk * p->chunk_stride;
    REAL *bias = (REAL *)(void *)(mine + p->bias_at);
    NAME(outer_unit) from = NAME(outer_unit_at)(o, u0, chunk), to = NAME(outer_unit_at)(o, u1 - 1, chunk);
    for (int64_t r = r0; r < r1;) {
        NAME(outer_source) b = NAME(next_band)(p, r, r1);
        NAME(pack_x)(p, o->x, &b, from.block == to.block ? from.group * p->red + from.e0 / p->taps : from.group * p->red,
                     from.block == to.block ? from.group * p->red + (to.e1 - 1) / p->taps + 1 : (to.group + 1) * p->red, (REAL *)(void *)(mine + p->x_at));
        NAME(pack_gy)(p, o->gy, &b, from.block, to.block + 1, (REAL *)(void *)(mine + p->gy_at));
        bool begin = r == r0, last;
        r += b.images * b.rows;
        last = p->by_weight && r == r1;
        for (int64_t unit = u0; unit < u1; unit++) {
            NAME(outer_unit) u = NAME(outer_unit_at)(o, unit, chunk);
            NAME(outer_band)(o, &u, &b, begin, last);
            if (last) NAME(write_unit)(o, &u, 1);
            if (u.e0 > 0 || !o->gbias) continue;
            NAME(add_bias)(b.gy + u.vec * b.gy_vec, b.pixels, p->gy_direct ? p->shape.f : u.vecs * LANES, u.vecs, begin, bias + u.vec * LANES);
            if (last) NAME(write_bias)(o, &u, chunk, 1);
        }
    }
}

static void NAME(outer_by_weight)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    NAME(outer_chunk)(o, begin / o->p->chunk, begin, end, 0, o->p->shape.n * o->p->shape.oh);
}
static void NAME(outer_by_pixels)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    NAME(outer_chunk)(o, begin / o->p->chunk, 0, o->p->units, begin, end);
}
static void NAME(write_units)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    for (int64_t i = begin; i < end; i++) {
        NAME(outer_unit) u = NAME(outer_unit_at)(o, i, 0);
        NAME(write_unit)(o, &u, o->p->chunks);
        if (u.e0 == 0 && o->gbias) NAME(write_bias)(o, &u, 0, o->p->chunks);
    }
}

static void NAME(outer_direct)(NAME(outer) *o) {
    const outer_plan *p = o->p;
    if (p->by_weight) {
        ct__parallel_for(p->units, 1, NAME(outer_by_weight), o);
        return;
    }
    ct__parallel_for(p->shape.n * p->shape.oh, 1, NAME(outer_by_pixels), o);
    ct__parallel_for(p->units, ct__max_i64(1, 16384 / (p->stretch * CONV_VECS * LANES)), NAME(write_units), o);
}
