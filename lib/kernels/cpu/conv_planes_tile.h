/*
 * conv_planes_tile.h: the innermost loop of conv_planes.h: a tile of output channels by vectors of pixels, held in registers over a block of the
 * reduction. A template: see vec_real.h.
 *
 * Each step loads 2 vectors of pixels and 14 weights, broadcast, for 28 multiply-adds. Pixels are loaded unaligned, most of them across two
 * cache lines: 18 accesses to the L1, which does two per cycle, in 14 cycles. From the L2 come 56 bytes of weights and on
 * average less than 64 of pixels per step. 28 accumulators + 2 vectors + 1 broadcast fit the 32 registers of AVX-512; with 16 registers the tile is
 * 6 x 2. Each number of channels is a function of its own, as in conv_tile.h.
 */

/* Lanes lo to hi - 1 of one vector are pixels that lie side by side in dest; lane 0 is at `to`, or would be. */
typedef struct NAME(stretch) {
    int vec, lo, hi;
    int64_t to;
} NAME(stretch);

typedef struct NAME(planes_tile) {
    const REAL *x; /* [channels] channel_step apart */
    const REAL *w; /* [channels][taps][output channels of the tile] */
    int64_t channels, channel_step;
    const int64_t *tap, *soon; /* from x on: where each tap's pixels lie; what to fetch meanwhile */
    int64_t taps;
    REAL *dst; /* the first output channel; the others plane apart */
    int64_t plane;
    bool begin; /* sums begin with 0; else with what dest holds from earlier blocks */
    bool end;   /* sums are finished */
    const REAL *scale, *bias; /* of the tile's channels (see ct__conv_end); NULL: none */
    bool relu;
    NAME(stretch) part[PLANES_VECS * LANES];
    int parts;
} NAME(planes_tile);

CT__INLINE void NAME(planes_begin)(const NAME(planes_tile) *t, const int channels, VEC (*acc)[PLANES_VECS]) {
    for (int i = 0; i < channels; i++)
        for (int v = 0; v < PLANES_VECS; v++) acc[i][v] = v_zero();
    if (t->begin) return;
    for (int k = 0; k < t->parts; k++) {
        const NAME(stretch) *s = &t->part[k];
        for (int v = 0; v < PLANES_VECS; v++)
            if (s->vec == v)
                for (int i = 0; i < channels; i++) acc[i][v] += v_load_range(t->dst + i * t->plane + s->to, s->lo, s->hi);
    }
}

CT__INLINE void NAME(planes_end)(const NAME(planes_tile) *t, const int channels, VEC (*acc)[PLANES_VECS]) {
    if (t->end)
        for (int i = 0; i < channels; i++)
            for (int v = 0; v < PLANES_VECS; v++) {
                if (t->scale) acc[i][v] *= v_splat(t->scale[i]);
                if (t->bias) acc[i][v] += v_splat(t->bias[i]);
                if (t->relu) acc[i][v] = v_select(acc[i][v] <= v_zero(), v_zero(), acc[i][v]);
            }
    for (int k = 0; k < t->parts; k++) {
        const NAME(stretch) *s = &t->part[k];
        for (int v = 0; v < PLANES_VECS; v++)
            if (s->vec == v)
                for (int i = 0; i < channels; i++) v_store_range(t->dst + i * t->plane + s->to, acc[i][v], s->lo, s->hi);
    }
}

CT__INLINE void NAME(planes_body)(const NAME(planes_tile) *t, const int channels) {
    VEC acc[PLANES_CHANNELS][PLANES_VECS];
    NAME(planes_begin)(t, channels, acc);
    const REAL *w = t->w, *x = t->x;
    const int64_t *tap = t->tap, *soon = t->soon;
    for (int64_t c = 0; c < t->channels; c++) {
        for (int64_t k = 0; k < t->taps; k++) {
            VEC xv[PLANES_VECS];
            for (int v = 0; v < PLANES_VECS; v++) xv[v] = v_load(x + tap[k] + v * LANES);
            __builtin_prefetch(x + soon[k]);
            for (int i = 0; i < channels; i++) {
                VEC wv = v_splat(w[i]);
                for (int v = 0; v < PLANES_VECS; v++) acc[i][v] = v_fma(wv, xv[v], acc[i][v]);
            }
            w += channels;
        }
        x += t->channel_step;
    }
    NAME(planes_end)(t, channels, acc);
}

#define PLANES_TILE(N) \
    static void NAME(planes_##N)(const NAME(planes_tile) *t) { NAME(planes_body)(t, N); }
PLANES_TILE(1)
PLANES_TILE(2)
PLANES_TILE(3)
PLANES_TILE(4)
PLANES_TILE(5)
PLANES_TILE(6)
#if PLANES_CHANNELS == 14
PLANES_TILE(7)
PLANES_TILE(8)
PLANES_TILE(9)
PLANES_TILE(10)
PLANES_TILE(11)
PLANES_TILE(12)
PLANES_TILE(13)
PLANES_TILE(14)
#endif

/* [channels - 1] */
static void (*const NAME(planes_table)[PLANES_CHANNELS])(const NAME(planes_tile) *t) = {
    NAME(planes_1), NAME(planes_2), NAME(planes_3), NAME(planes_4), NAME(planes_5), NAME(planes_6),
#if PLANES_CHANNELS == 14
    NAME(planes_7), NAME(planes_8), NAME(planes_9), NAME(planes_10), NAME(planes_11), NAME(planes_12), NAME(planes_13), NAME(planes_14),
#endif
};
#undef PLANES_TILE
