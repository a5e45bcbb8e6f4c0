/*
 * conv_outer.h: weight_grad for one element type. A template: see vec_real.h. conv_outer_plan.h says how the work is cut, conv_outer_pack.h packs.
 *
 *      each chunk of work           in parallel
 *          for each band of pixels
 *              pack gy
 *              for each stretch of x's panels: pack x
 *                  for each block of filters: a unit
 *                      for each piece of the band: tiles: load sums, sweep the pixels, store sums
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
    const REAL *x[CONV_PIXELS]; /* places in x for pixel_at 0: of the two halves, depthwise of each tap */
    const REAL *gy;
    const int64_t *pixel_at;
    int64_t gy_pixel;
    const outer_run *run, *end;
    REAL *sum;                  /* [entry][vectors] */
    bool begin;                 /* sums begin with 0; else with what they hold */
} NAME(outer_tile);

CT__INLINE void NAME(outer_body)(const NAME(outer_tile) *t, const int half, const int vecs) {
    VEC acc[OUTER_ROWS][OUTER_VECS];
    REAL *const sum = t->sum;
    if (t->begin) {
#pragma GCC unroll 16
        for (int i = 0; i < 2 * half; i++)
            for (int v = 0; v < vecs; v++) acc[i][v] = v_zero();
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < 2 * half; i++)
            for (int v = 0; v < vecs; v++) acc[i][v] = v_load(sum + (i * vecs + v) * LANES);
    }
    const REAL *const x = t->x[0], *const y = t->x[1];
    const int64_t *const pixel_at = t->pixel_at, gy_pixel = t->gy_pixel;
    for (const outer_run *run = t->run, *const last = t->end; run < last; run++) {
        const REAL *g = t->gy + run->first * gy_pixel;
        const int64_t *next = pixel_at + run->first, *const end = next + run->pixels;
#pragma GCC unroll 2
        for (; next < end; next++, g += gy_pixel) {
            const REAL *p = x + *next, *q = y + *next;
            VEC gv[OUTER_VECS];
            for (int v = 0; v < vecs; v++) gv[v] = v_load(g + v * LANES);
#pragma GCC unroll 16
            for (int i = 0; i < 2 * half; i++) {
                VEC s = v_splat(i < half ? p[i] : q[i - half]);
                for (int v = 0; v < vecs; v++) acc[i][v] = v_fma(s, gv[v], acc[i][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 2 * half; i++)
        for (int v = 0; v < vecs; v++) v_store(sum + (i * vecs + v) * LANES, acc[i][v]);
}

/* Depthwise: lanes are channels of x too, and an entry is a tap. */
CT__INLINE void NAME(outer_lanes)(const NAME(outer_tile) *t, const int taps, const int vecs) {
    VEC acc[CONV_PIXELS][OUTER_VECS];
    for (int i = 0; i < taps; i++)
        for (int v = 0; v < vecs; v++) acc[i][v] = t->begin ? v_zero() : v_load(t->sum + (i * vecs + v) * LANES);
    const REAL *x[CONV_PIXELS];
    for (int i = 0; i < taps; i++) x[i] = t->x[i];
    const int64_t gy_pixel = t->gy_pixel;
    const REAL *g = t->gy + t->run->first * gy_pixel;
    for (const int64_t *next = t->pixel_at + t->run->first, *end = next + t->run->pixels; next < end; next++) {
        int64_t at = *next;
        for (int v = 0; v < vecs; v++) {
            VEC gv = v_load(g + v * LANES);
            for (int i = 0; i < taps; i++) acc[i][v] = v_fma(v_load(x[i] + at + v * LANES), gv, acc[i][v]);
        }
        g += gy_pixel;
    }
    for (int i = 0; i < taps; i++)
        for (int v = 0; v < vecs; v++) v_store(t->sum + (i * vecs + v) * LANES, acc[i][v]);
}

#define OUTER_TILE(H)                                                                                    \
    static void NAME(outer_##H##_1)(const NAME(outer_tile) *t) { NAME(outer_body)(t, H, 1); }             \
    static void NAME(outer_##H##_2)(const NAME(outer_tile) *t) { NAME(outer_body)(t, H, 2); }
#define OUTER_LANES(T)                                                                                   \
    static void NAME(outer_lanes_##T##_1)(const NAME(outer_tile) *t) { NAME(outer_lanes)(t, T, 1); }      \
    static void NAME(outer_lanes_##T##_2)(const NAME(outer_tile) *t) { NAME(outer_lanes)(t, T, 2); }
OUTER_TILE(1)
OUTER_TILE(2)
OUTER_TILE(3)
#if CONV_VECS == 4
OUTER_TILE(4)
OUTER_TILE(5)
OUTER_TILE(6)
OUTER_TILE(7)
#endif
OUTER_LANES(1)
OUTER_LANES(3)
OUTER_LANES(6)
#undef OUTER_TILE
#undef OUTER_LANES

typedef void (*NAME(outer_function))(const NAME(outer_tile) *t);
/* [half - 1][vectors - 1] */
static const NAME(outer_function) NAME(outer_table)[OUTER_HALF][OUTER_VECS] = {
    {NAME(outer_1_1), NAME(outer_1_2)}, {NAME(outer_2_1), NAME(outer_2_2)}, {NAME(outer_3_1), NAME(outer_3_2)},
#if CONV_VECS == 4
    {NAME(outer_4_1), NAME(outer_4_2)}, {NAME(outer_5_1), NAME(outer_5_2)}, {NAME(outer_6_1), NAME(outer_6_2)}, {NAME(outer_7_1), NAME(outer_7_2)},
#endif
};
/* [0: one tap, 1: three, 2: six][vectors - 1] */
static const NAME(outer_function) NAME(outer_lanes_table)[3][OUTER_VECS] = {
    {NAME(outer_lanes_1_1), NAME(outer_lanes_1_2)}, {NAME(outer_lanes_3_1), NAME(outer_lanes_3_2)}, {NAME(outer_lanes_6_1), NAME(outer_lanes_6_2)}};

/* ---- units ---- */

/* A stretch of a group's entries, and a block of its filters. */
typedef struct NAME(outer_unit) {
    int64_t group, stretch, block;     /* block: counted over all groups */
    int64_t vec, vecs;                 /* vec: the first of the block, counted over all groups */
    int64_t e0, e1;
    REAL *sum;                         /* [line - first_line][vecs * LANES], in the first chunk's sums */
    const int64_t *line_at;            /* entry - e0 -> its line; NULL: they lie in order */
    int64_t first_line;
} NAME(outer_unit);

static NAME(outer_unit) NAME(outer_unit_at)(const NAME(outer) *o, int64_t unit, int64_t chunk) {
    const outer_plan *p = o->p;
    int64_t b = unit % p->blocks, first = outer_block_at(p, b);
    NAME(outer_unit) u = {.group = unit / p->blocks / p->stretches, .stretch = unit / p->blocks % p->stretches};
    u.block = u.group * p->blocks + b;
    u.vec = u.group * p->vecs + first;
    u.vecs = outer_block_at(p, b + 1) - first;
    u.e0 = outer_stretch_at(p, u.stretch);
    u.e1 = outer_stretch_at(p, u.stretch + 1);
    u.line_at = p->line_at + u.e0;
    u.first_line = p->depthwise ? 0 : p->tile[p->tiles_at[u.stretch]].line;
    u.sum = (REAL *)(void *)(o->scratch + p->sums_at + (size_t)chunk * p->sums_stride);
    if (!p->one_band) u.sum += (u.vec * p->lines + u.first_line * u.vecs) * LANES;
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

/* Adds a piece of a band to a unit's sums: t's pixels, or with edges each tap's. */
static void NAME(outer_piece)(const outer_plan *p, const NAME(outer_unit) *u, const REAL *x, NAME(outer_tile) *t) {
    int64_t line = u->vecs * LANES;
    for (const outer_place *at = p->tile + p->tiles_at[u->stretch], *end = p->tile + p->tiles_at[u->stretch + 1]; at < end; at++) {
        if (p->edges) t->run = p->run + p->runs_at[at->tap], t->end = p->run + p->runs_at[at->tap + 1];
        t->x[0] = x + at->x[0];
        t->x[1] = x + at->x[1];
        t->sum = u->sum + (at->line - u->first_line) * line;
        NAME(outer_table)[at->half - 1][u->vecs - 1](t);
    }
}
static void NAME(lanes_piece)(const outer_plan *p, const NAME(outer_unit) *u, const REAL *x, NAME(outer_tile) *t) {
    for (int64_t tap = 0, left; (left = p->taps - tap) > 0;) {
        int kind = left < 3 ? 0 : left < 6 ? 1 : 2, n = kind == 0 ? 1 : 3 * kind;
        for (int i = 0; i < n; i++) t->x[i] = x + p->tap_at[tap + i];
        t->sum = u->sum + tap * u->vecs * LANES;
        NAME(outer_lanes_table)[kind][u->vecs - 1](t);
        tap += n;
    }
}

static void NAME(outer_band)(const NAME(outer) *o, const NAME(outer_unit) *u, const NAME(outer_source) *b, bool begin) {
    const outer_plan *p = o->p;
    int64_t piece = p->edges ? b->pixels : ct__even_part_i64(b->pixels, OUTER_PIECE);
    const REAL *x = b->x + (p->depthwise ? u->vec * LANES : 0);
    NAME(outer_tile) t = {.gy = b->gy + u->vec * b->gy_vec, .gy_pixel = u->vecs * LANES, .pixel_at = p->pixel_at};
    for (int64_t at = 0; at < b->pixels; at += piece) {
        outer_run run = {at, ct__min_i64(piece, b->pixels - at)};
        t.run = &run;
        t.end = &run + 1;
        t.begin = begin && at == 0;
        if (p->depthwise) NAME(lanes_piece)(p, u, x, &t);
        else NAME(outer_piece)(p, u, x, &t);
    }
}

/* Sums of the first `sets` chunks, [line][filter], to gw [filter][entry]: whole lines of gw, so far as the unit has them. */
static void NAME(write_unit)(const NAME(outer) *o, const NAME(outer_unit) *u, int sets) {
    const outer_plan *p = o->p;
    int64_t line = u->vecs * LANES, first = u->vec - u->group * p->vecs; /* of the group */
    size_t set = p->sums_stride / sizeof(REAL);
    for (int64_t e = u->e0, next; e < u->e1; e = next) {
        next = ct__min_i64(u->e1, e / LANES * LANES + LANES);
        int ne = (int)(next - e);
        const REAL *sum[LANES]; /* of what is beyond the last entry, that of the last */
        for (int i = 0; i < LANES; i++) {
            int64_t at = ct__min_i64(e + i, next - 1) - u->e0;
            sum[i] = u->sum + (u->line_at ? u->line_at[at] - u->first_line : at) * line;
        }
        for (int64_t v = 0; v < u->vecs; v++) {
            VEC r[LANES];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) r[i] = v_load(sum[i] + v * LANES);
            for (int c = 1; c < sets; c++)
#pragma GCC unroll 16
                for (int i = 0; i < LANES; i++) r[i] += v_load(sum[i] + v * LANES + (size_t)c * set);
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
    bool together = from.group == to.group && from.stretch == to.stretch; /* else all blocks of the groups */
    int64_t b0 = together ? from.block : from.group * p->blocks, b1 = together ? to.block + 1 : (to.group + 1) * p->blocks;
    for (int64_t r = r0; r < r1;) {
        NAME(outer_source) b = NAME(next_band)(p, r, r1);
        NAME(pack_gy)(p, o->gy, &b, b0, b1, (REAL *)(void *)(mine + p->gy_at));
        bool begin = r == r0;
        r += b.images * b.rows;
        bool last = p->by_weight && r == r1;
        for (int64_t unit = u0; unit < u1; unit++) {
            NAME(outer_unit) u = NAME(outer_unit_at)(o, unit, chunk);
            if (unit == u0 || u.block % p->blocks == 0) NAME(pack_x)(p, o->x, &b, u.group, u.stretch, (REAL *)(void *)(mine + p->x_at));
            NAME(outer_band)(o, &u, &b, begin);
            if (last) NAME(write_unit)(o, &u, 1);
            if (u.e0 > 0 || !o->gbias) continue;
            NAME(add_bias)(b.gy + u.vec * b.gy_vec, b.pixels, u.vecs * LANES, u.vecs, begin, bias + u.vec * LANES);
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
    ct__parallel_for(p->units, ct__max_i64(1, 16384 / (p->panels * p->panel_w * p->taps * OUTER_VECS * LANES)), NAME(write_units), o);
}
