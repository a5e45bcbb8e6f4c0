/*
 * conv_tile.h: the innermost loops of forward and input_grad: a tile of dest pixels by vectors of lanes, held in registers over the whole reduction.
 * A template: see vec_real.h.
 *
 * Each count of pixels and vectors is a function of its own, so that the compiler unrolls it and keeps every accumulator in a register; a tail of 2
 * pixels then costs a third of a tile and not a whole one.
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
#define CONV_TILES(kind, V) \
    CONV_TILE(kind, 1, V) CONV_TILE(kind, 2, V) CONV_TILE(kind, 3, V) CONV_TILE(kind, 4, V) CONV_TILE(kind, 5, V) CONV_TILE(kind, 6, V)
#define CONV_MORE_TILES(V) \
    CONV_TILE(dense, 7, V) CONV_TILE(dense, 8, V) CONV_TILE(dense, 9, V) CONV_TILE(dense, 10, V) CONV_TILE(dense, 11, V) CONV_TILE(dense, 12, V)
#define CONV_ROW(kind, V) NAME(kind##_1x##V), NAME(kind##_2x##V), NAME(kind##_3x##V), NAME(kind##_4x##V), NAME(kind##_5x##V), NAME(kind##_6x##V)
#define CONV_MORE(V) \
    NAME(dense_7x##V), NAME(dense_8x##V), NAME(dense_9x##V), NAME(dense_10x##V), NAME(dense_11x##V), NAME(dense_12x##V)
CONV_TILES(dense, 1)
CONV_TILES(dense, 2)
CONV_TILES(depthwise, 1)
CONV_TILES(depthwise, 2)
#if CONV_VECS == 4
CONV_MORE_TILES(1)
CONV_MORE_TILES(2)
CONV_TILES(dense, 3)
CONV_TILES(dense, 4)
CONV_TILES(depthwise, 3)
CONV_TILES(depthwise, 4)
#endif

/* [depthwise][vectors - 1][pixels - 1] */
typedef void (*NAME(tile_function))(const NAME(conv_tile) *t);
static const NAME(tile_function) NAME(tile_table)[2][CONV_VECS][CONV_MOST_PIXELS] = {
#if CONV_VECS == 4
    {{CONV_ROW(dense, 1), CONV_MORE(1)}, {CONV_ROW(dense, 2), CONV_MORE(2)}, {CONV_ROW(dense, 3)}, {CONV_ROW(dense, 4)}},
    {{CONV_ROW(depthwise, 1)}, {CONV_ROW(depthwise, 2)}, {CONV_ROW(depthwise, 3)}, {CONV_ROW(depthwise, 4)}},
#else
    {{CONV_ROW(dense, 1)}, {CONV_ROW(dense, 2)}},
    {{CONV_ROW(depthwise, 1)}, {CONV_ROW(depthwise, 2)}},
#endif
};
#undef CONV_TILE
#undef CONV_TILES
#undef CONV_ROW
#undef CONV_MORE
#undef CONV_MORE_TILES
