/*
 * conv_tile.h: the innermost loops of forward and input_grad: a tile of dest pixels by vectors of lanes, held in registers over the whole reduction.
 * A template: see vec_real.h.
 *
 * Each size is a function of its own, so that the compiler unrolls it and keeps every accumulator in a register. What remains of a row of pixels after whole
 * tiles takes the next larger size and stores what is too much nowhere. The sizes left out would hardly be faster: with less than 8 accumulators a
 * tile waits for its own additions. (All 60 sizes of AVX-512 took 100 KB per element type, and no layer of bench_ops was faster with them.)
 */

typedef struct NAME(conv_tile) {
    const REAL *src[CONV_MOST_PIXELS];
    REAL *dst[CONV_MOST_PIXELS];
    const REAL *w;    /* [entries][vectors * LANES] */
    bool begin;       /* sums begin with 0; else with what dst holds from earlier runs */
    const REAL *scale, *bias; /* of finished sums, one number per lane (see ct__conv_end); NULL: more runs follow, or there is none */
    bool relu;
    const conv_run *run;
    int64_t n_run;
    int last; /* lanes of the last vector that dst has */
} NAME(conv_tile);

CT__INLINE void NAME(tile_begin)(const NAME(conv_tile) *t, const int pixels, const int vecs, VEC (*acc)[CONV_VECS]) {
    for (int i = 0; i < pixels; i++)
        for (int v = 0; v < vecs; v++) {
            if (t->begin) acc[i][v] = v_splat(0);
            else acc[i][v] = v < vecs - 1 ? v_load(t->dst[i] + v * LANES) : v_load_n(t->dst[i] + v * LANES, t->last);
        }
}

CT__INLINE void NAME(tile_end)(const NAME(conv_tile) *t, const int pixels, const int vecs, VEC (*acc)[CONV_VECS]) {
    for (int i = 0; i < pixels; i++)
        for (int v = 0; v < vecs; v++) {
            VEC sum = acc[i][v];
            if (t->scale) sum *= v_load(t->scale + v * LANES);
            if (t->bias) sum += v_load(t->bias + v * LANES);
            if (t->relu) sum = v_select(sum <= v_zero(), v_zero(), sum);
            if (v < vecs - 1 || t->last == LANES) v_store(t->dst[i] + v * LANES, sum);
            else v_store_n(t->dst[i] + v * LANES, sum, t->last);
        }
}

CT__INLINE void NAME(tile_dense)(const NAME(conv_tile) *t, const int pixels, const int vecs) {
    VEC acc[CONV_MOST_PIXELS][CONV_VECS];
    NAME(tile_begin)(t, pixels, vecs, acc);
    for (int64_t r = 0; r < t->n_run; r++) {
        const REAL *s[CONV_MOST_PIXELS], *w = t->w + t->run[r].entry * vecs * LANES;
        for (int i = 0; i < pixels; i++) s[i] = t->src[i] + t->run[r].offset;
        int64_t n = t->run[r].length;
#pragma GCC unroll 2
        for (int64_t k = 0; k < n; k++) {
            VEC wv[CONV_VECS];
            for (int v = 0; v < vecs; v++) wv[v] = v_load(w + v * LANES);
            for (int i = 0; i < pixels; i++) {
                VEC x = v_splat(s[i][k]);
                for (int v = 0; v < vecs; v++) acc[i][v] = v_fma(x, wv[v], acc[i][v]);
            }
            w += vecs * LANES;
        }
    }
    NAME(tile_end)(t, pixels, vecs, acc);
}

/* Depthwise: every run is one tap, and a lane multiplies its own channel. */
CT__INLINE void NAME(tile_depthwise)(const NAME(conv_tile) *t, const int pixels, const int vecs) {
    VEC acc[CONV_MOST_PIXELS][CONV_VECS];
    NAME(tile_begin)(t, pixels, vecs, acc);
    for (int64_t r = 0; r < t->n_run; r++) {
        const REAL *w = t->w + t->run[r].entry * vecs * LANES;
        for (int v = 0; v < vecs; v++) {
            VEC wv = v_load(w + v * LANES);
            for (int i = 0; i < pixels; i++)
                acc[i][v] = v_fma(v_load(t->src[i] + t->run[r].offset + v * LANES), wv, acc[i][v]);
        }
    }
    NAME(tile_end)(t, pixels, vecs, acc);
}

#define CONV_TILE(kind, P, V) \
    static void NAME(kind##_##P##x##V)(const NAME(conv_tile) *t) { NAME(tile_##kind)(t, P, V); }
#define CONV_AT(kind, P, V) [P - 1] = NAME(kind##_##P##x##V)
CONV_TILE(dense, 6, 2)
CONV_TILE(dense, 4, 2)
CONV_TILE(depthwise, 2, 1)
CONV_TILE(depthwise, 6, 1)
CONV_TILE(depthwise, 2, 2)
CONV_TILE(depthwise, 6, 2)
#if CONV_VECS == 4
CONV_TILE(dense, 8, 1)
CONV_TILE(dense, 12, 1)
CONV_TILE(dense, 8, 2)
CONV_TILE(dense, 12, 2)
CONV_TILE(dense, 2, 3)
CONV_TILE(dense, 4, 3)
CONV_TILE(dense, 6, 3)
CONV_TILE(dense, 2, 4)
CONV_TILE(dense, 3, 4)
CONV_TILE(dense, 4, 4)
CONV_TILE(dense, 5, 4)
CONV_TILE(dense, 6, 4)
CONV_TILE(depthwise, 2, 3)
CONV_TILE(depthwise, 6, 3)
CONV_TILE(depthwise, 2, 4)
CONV_TILE(depthwise, 6, 4)
#else
CONV_TILE(dense, 6, 1)
CONV_TILE(dense, 5, 2)
#endif

/* [depthwise][vectors - 1][pixels - 1]; NULL: the next one will do */
typedef void (*NAME(tile_function))(const NAME(conv_tile) *t);
static const NAME(tile_function) NAME(tile_table)[2][CONV_VECS][CONV_MOST_PIXELS] = {
#if CONV_VECS == 4
    {{CONV_AT(dense, 8, 1), CONV_AT(dense, 12, 1)},
     {CONV_AT(dense, 4, 2), CONV_AT(dense, 6, 2), CONV_AT(dense, 8, 2), CONV_AT(dense, 12, 2)},
     {CONV_AT(dense, 2, 3), CONV_AT(dense, 4, 3), CONV_AT(dense, 6, 3)},
     {CONV_AT(dense, 2, 4), CONV_AT(dense, 3, 4), CONV_AT(dense, 4, 4), CONV_AT(dense, 5, 4), CONV_AT(dense, 6, 4)}},
    {{CONV_AT(depthwise, 2, 1), CONV_AT(depthwise, 6, 1)},
     {CONV_AT(depthwise, 2, 2), CONV_AT(depthwise, 6, 2)},
     {CONV_AT(depthwise, 2, 3), CONV_AT(depthwise, 6, 3)},
     {CONV_AT(depthwise, 2, 4), CONV_AT(depthwise, 6, 4)}},
#else
    {{CONV_AT(dense, 6, 1)}, {CONV_AT(dense, 4, 2), CONV_AT(dense, 5, 2), CONV_AT(dense, 6, 2)}},
    {{CONV_AT(depthwise, 2, 1), CONV_AT(depthwise, 6, 1)}, {CONV_AT(depthwise, 2, 2), CONV_AT(depthwise, 6, 2)}},
#endif
};
#undef CONV_TILE
#undef CONV_AT
