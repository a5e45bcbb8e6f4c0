/*
 * conv_outer.h: weight_grad for one element type. A template: see vec_real.h.
 *
 *      gw[f][c][tap] = sum over pixels of  x[pixel's place + tap][c]  gy[pixel][f]
 *
 * A tile of registers is an outer product, 6 (tap, channel) entries by 64 filters, summed over the pixels of a piece. Pieces are small
 * enough for gy's and x's rows to stay in the L1 while all tiles sweep them.
 *
 *      each chunk of tasks          in parallel; sums into its own partial [entries + 1][filters]
 *          pack x, pack gy          per task
 *          for each piece, block of filters, 6 entries: load tile, sweep pixels, store tile
 *      partials are added in order  in parallel over filters; so the sum depends on the number of threads only
 *
 * The line after a partial's entries is the bias' gradient.
 */

typedef struct NAME(outer) {
    const conv_plan *p;
    const REAL *x, *gy;
    REAL *gw, *gbias;
    char *scratch;
} NAME(outer);

typedef struct NAME(outer_tile) {
    const REAL *x[CONV_PIXELS]; /* each entry's place for the piece's first pixel */
    REAL *sum[CONV_PIXELS];
    const REAL *gy;
    int64_t rows, cols;
    int64_t x_row, x_pixel, gy_pixel;
} NAME(outer_tile);

CT__INLINE void NAME(outer_body)(const NAME(outer_tile) *t, const bool depthwise, const int entries, const int vecs) {
    VEC acc[CONV_PIXELS][CONV_VECS];
    for (int i = 0; i < entries; i++)
        for (int v = 0; v < vecs; v++) acc[i][v] = v_load(t->sum[i] + v * LANES);
    const REAL *x[CONV_PIXELS];
    for (int i = 0; i < entries; i++) x[i] = t->x[i];
    const REAL *g = t->gy;
    const int64_t x_pixel = t->x_pixel, gy_pixel = t->gy_pixel, end = t->cols * x_pixel;
    for (int64_t r = 0; r < t->rows; r++) {
#pragma GCC unroll 2
        for (int64_t at = 0; at < end; at += x_pixel) {
            VEC gv[CONV_VECS];
            for (int v = 0; v < vecs; v++) gv[v] = v_load(g + v * LANES);
            for (int i = 0; i < entries; i++) {
                VEC s = v_splat(depthwise ? 0 : x[i][at]);
                for (int v = 0; v < vecs; v++) acc[i][v] = v_fma(depthwise ? v_load(x[i] + at + v * LANES) : s, gv[v], acc[i][v]);
            }
            g += gy_pixel;
        }
        for (int i = 0; i < entries; i++) x[i] += t->x_row;
    }
    for (int i = 0; i < entries; i++)
        for (int v = 0; v < vecs; v++) v_store(t->sum[i] + v * LANES, acc[i][v]);
}

#define CONV_OUTER(D, E, V) \
    static void NAME(outer_##D##_##E##x##V)(const NAME(outer_tile) *t) { NAME(outer_body)(t, D, E, V); }
#define CONV_OUTERS(D, V) \
    CONV_OUTER(D, 1, V) CONV_OUTER(D, 2, V) CONV_OUTER(D, 3, V) CONV_OUTER(D, 4, V) CONV_OUTER(D, 5, V) CONV_OUTER(D, 6, V)
#define CONV_ROW(D, V)                                                                                                   \
    {NAME(outer_##D##_1x##V), NAME(outer_##D##_2x##V), NAME(outer_##D##_3x##V), NAME(outer_##D##_4x##V), NAME(outer_##D##_5x##V), \
     NAME(outer_##D##_6x##V)}
CONV_OUTERS(0, 1)
CONV_OUTERS(0, 2)
CONV_OUTERS(1, 1)
CONV_OUTERS(1, 2)
#if CONV_VECS == 4
CONV_OUTERS(0, 3)
CONV_OUTERS(0, 4)
CONV_OUTERS(1, 3)
CONV_OUTERS(1, 4)
#endif

/* [depthwise][vectors - 1][entries - 1] */
typedef void (*NAME(outer_function))(const NAME(outer_tile) *t);
static const NAME(outer_function) NAME(outer_table)[2][CONV_VECS][CONV_PIXELS] = {
#if CONV_VECS == 4
    {CONV_ROW(0, 1), CONV_ROW(0, 2), CONV_ROW(0, 3), CONV_ROW(0, 4)},
    {CONV_ROW(1, 1), CONV_ROW(1, 2), CONV_ROW(1, 3), CONV_ROW(1, 4)},
#else
    {CONV_ROW(0, 1), CONV_ROW(0, 2)},
    {CONV_ROW(1, 1), CONV_ROW(1, 2)},
#endif
};
#undef CONV_OUTER
#undef CONV_OUTERS
#undef CONV_ROW

/* gy of n pixels from `at` on, to [n][groups][vecs * LANES]. The lanes that fill up the last vector are never used: whatever they hold stays in
 * lanes of the partial that are not read. */
static const REAL *NAME(task_gy)(const conv_plan *p, const REAL *gy, int64_t image, int64_t at, int64_t n, REAL *out) {
    int64_t plane = p->v.dst * p->h.dst, line = p->groups * p->vecs * LANES;
    const REAL *from = gy + image * plane * p->dst_c;
    if (p->gy_direct) return from + at * p->dst_c;
    for (int64_t g = 0; g < p->groups; g++) {
        REAL *to = out + g * p->vecs * LANES;
        if (!p->dst_last) {
            NAME(transpose)(from + g * p->lanes * plane + at, plane, p->lanes, n, to, line);
            continue;
        }
        for (int64_t i = 0; i < n; i++)
            memcpy(to + i * line, from + (at + i) * p->dst_c + g * p->lanes, (size_t)p->lanes * sizeof *to);
    }
    return out;
}

static void NAME(add_bias)(const NAME(outer_tile) *t, int64_t vecs, REAL *sum) {
    for (int64_t v = 0; v < vecs; v++) {
        VEC s = v_load(sum + v * LANES);
        for (int64_t i = 0; i < t->rows * t->cols; i++) s += v_load(t->gy + i * t->gy_pixel + v * LANES);
        v_store(sum + v * LANES, s);
    }
}

/* One piece of rows, one block of filters: all entries. t has gy, sizes and steps; src is the place of the piece's first pixel. */
static void NAME(outer_block)(const conv_plan *p, NAME(outer_tile) *t, const REAL *src, int64_t vecs, REAL *partial, bool bias) {
    int64_t line = vecs * LANES;
    const NAME(outer_function) *table = NAME(outer_table)[p->depthwise][vecs - 1];
    for (int64_t k = 0; k < p->reduction; k += CONV_PIXELS) {
        int n = (int)ct__min_i64(CONV_PIXELS, p->reduction - k);
        for (int i = 0; i < n; i++) {
            t->x[i] = src + p->order[k + i];
            t->sum[i] = partial + (k + i) * line;
        }
        table[n - 1](t);
    }
    if (bias) NAME(add_bias)(t, vecs, partial + p->reduction * line);
}

static void NAME(outer_tasks)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    const conv_plan *p = o->p;
    char *mine = o->scratch + p->chunk_base + (size_t)(begin / p->chunk) * p->chunk_stride;
    REAL *partial = (REAL *)(void *)(mine + p->partial_at);
    int64_t padded = p->groups * p->vecs * LANES;
    memset(partial, 0, (size_t)((p->reduction + 1) * padded) * sizeof *partial);
    for (int64_t task = begin; task < end; task++) {
        int64_t image = task / p->row_tasks, r0 = task % p->row_tasks * p->task_rows, r1 = ct__min_i64(r0 + p->task_rows, p->v.dst);
        int64_t line, width = p->h.dst;
        const REAL *x = NAME(task_source)(p, o->x, image, r0, r1 - r0, (REAL *)(void *)(mine + p->src_at), &line);
        const REAL *gy = NAME(task_gy)(p, o->gy, image, r0 * width, (r1 - r0) * width, (REAL *)(void *)(mine + p->dst_at));
        NAME(outer_tile) t = {.cols = width, .x_row = p->v.src_step * line, .x_pixel = p->h.src_step * p->src_c, .gy_pixel = padded};
        for (int64_t r = r0; r < r1; r += p->inner_rows) {
            t.rows = ct__min_i64(p->inner_rows, r1 - r);
            for (int64_t i = 0; i < p->groups * p->blocks; i++) {
                int64_t group = i / p->blocks, v0 = conv_block_at(p, i % p->blocks), at = group * p->vecs + v0;
                int64_t vecs = conv_block_at(p, i % p->blocks + 1) - v0;
                t.gy = gy + (r - r0) * width * padded + at * LANES;
                NAME(outer_block)(p, &t, x + (r - r0) * t.x_row + (p->depthwise ? v0 * LANES : group * p->red), vecs,
                                  partial + at * LANES * (p->reduction + 1), o->gbias != NULL);
            }
        }
    }
}

/* ---- adding the partials: [entry][filter] of each chunk to [filter][channel][tap] ---- */

static VEC NAME(sum_partials)(const NAME(outer) *o, int64_t at) {
    const conv_plan *p = o->p;
    const char *base = o->scratch + p->chunk_base + p->partial_at;
    VEC s = v_load((const REAL *)(const void *)base + at);
    for (int c = 1; c < p->chunks; c++) s += v_load((const REAL *)(const void *)(base + (size_t)c * p->chunk_stride) + at);
    return s;
}

static void NAME(unpack_vec)(const NAME(outer) *o, int64_t group, int64_t vec) {
    const conv_plan *p = o->p;
    int64_t block = conv_block_of(p, vec), v0 = conv_block_at(p, block), line = (conv_block_at(p, block + 1) - v0) * LANES;
    int64_t at = (group * p->vecs + v0) * LANES * (p->reduction + 1) + (vec - v0) * LANES;
    int64_t filter = group * p->lanes + vec * LANES;
    int n = (int)ct__min_i64(LANES, p->lanes - vec * LANES);
    for (int64_t j = 0; j < p->reduction; j += LANES) {
        int cols = (int)ct__min_i64(LANES, p->reduction - j);
        VEC r[LANES];
        for (int i = 0; i < LANES; i++) {
            int64_t c = (j + i) / p->taps, tap = (j + i) % p->taps;
            r[i] = i < cols ? NAME(sum_partials)(o, at + (tap * p->red + c) * line) : v_zero();
        }
        v_transpose(r);
        for (int k = 0; k < n; k++) v_store_n(o->gw + (filter + k) * p->reduction + j, r[k], cols);
    }
    if (o->gbias) v_store_n(o->gbias + filter, NAME(sum_partials)(o, at + p->reduction * line), n);
}

static void NAME(unpack_vecs)(int64_t begin, int64_t end, void *arg) {
    const NAME(outer) *o = arg;
    for (int64_t i = begin; i < end; i++) NAME(unpack_vec)(o, i / o->p->vecs, i % o->p->vecs);
}

void NAME(conv_weight_grad)(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *scratch) {
    conv_plan p;
    conv_plan_make(&p, s, CT__CONV_WEIGHT_GRAD, sizeof(REAL) == 8 ? CT__REAL_F64 : CT__REAL_F32);
    conv_plan_lists(&p, CT__CONV_WEIGHT_GRAD, scratch);
    NAME(outer) o = {.p = &p, .x = x, .gy = gy, .gw = gw, .gbias = gbias, .scratch = scratch};
    ct__parallel_for(p.tasks, 1, NAME(outer_tasks), &o);
    ct__parallel_for(p.groups * p.vecs, ct__max_i64(1, 32768 / (p.reduction * LANES)), NAME(unpack_vecs), &o);
}
