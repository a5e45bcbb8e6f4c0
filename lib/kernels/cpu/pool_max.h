/*
 * pool_max.h: max pooling for one element type. A template: see vec_real.h.
 *
 * Channels-last: a vector is channels of one output pixel, so windows of any shape are vectorised and borders are a clipped range of taps.
 * Row-major: a vector is neighbouring outputs of a row, for those whose window lies within the row; stride 1 loads, stride 2
 * loads two vectors and keeps every second element. The outputs at the borders, and other strides, go one by one.
 * Windows of more than 256 taps are left to the reference.
 */

typedef struct NAME(pool_job) {
    const ct__pool_shape *s;
    const REAL *in;
    const uint8_t *taps;
    REAL *out;
    uint8_t *out_taps;
} NAME(pool_job);

CT__INLINE void NAME(keep_max)(VEC v, int tap, VEC *best, IVEC *won) {
    IVEC take = (v > *best) | (v != v); /* the last NaN stays */
    *best = v_select(take, v, *best);
    *won = (take & ((IVEC){0} + tap)) | (~take & *won);
}

/* ---- forward, channels-last: one output row per item ---- */

static void NAME(max_pixel)(const ct__pool_shape *s, const REAL *image, const pool_range *rows, const pool_range *cols, REAL *y, uint8_t *taps) {
    int first = (int)(rows->first * s->kw + cols->first);
    for (int64_t c = 0; c < s->c; c += LANES) {
        int n = (int)ct__min_i64(LANES, s->c - c);
        VEC best = v_zero() - (REAL)INFINITY;
        IVEC won = (IVEC){0} + first;
        for (int64_t a = rows->first; a < rows->end; a++)
            for (int64_t b = cols->first; b < cols->end; b++) {
                const REAL *x = image + ((rows->at + a * s->dil_h) * s->w + cols->at + b * s->dil_w) * s->c + c;
                NAME(keep_max)(n == LANES ? v_load(x) : v_load_n(x, n), (int)(a * s->kw + b), &best, &won);
            }
        v_store_n(y + c, best, n);
        v_store_bytes(taps + c, won, n);
    }
}

static void NAME(max_rows_last)(int64_t begin, int64_t end, void *arg) {
    const NAME(pool_job) *o = arg;
    const ct__pool_shape *s = o->s;
    for (int64_t r = begin; r < end; r++) {
        const REAL *image = o->in + r / s->oh * s->h * s->w * s->c;
        pool_range rows = pool_taps(r % s->oh, s->stride_h, s->pad_h, s->dil_h, s->kh, s->h);
        for (int64_t j = 0; j < s->ow; j++) {
            pool_range cols = pool_taps(j, s->stride_w, s->pad_w, s->dil_w, s->kw, s->w);
            NAME(max_pixel)(s, image, &rows, &cols, o->out + (r * s->ow + j) * s->c, o->out_taps + (r * s->ow + j) * s->c);
        }
    }
}

/* ---- forward, row-major: one output row per item ---- */

static void NAME(max_one)(const ct__pool_shape *s, const REAL *volume, const pool_range *deps, const pool_range *rows, int64_t j, REAL *y,
                          uint8_t *tap) {
    pool_range cols = pool_taps(j, s->stride_w, s->pad_w, s->dil_w, s->kw, s->w);
    REAL best = -(REAL)INFINITY;
    int64_t won = (deps->first * s->kh + rows->first) * s->kw + cols.first;
    for (int64_t k = deps->first; k < deps->end; k++)
        for (int64_t a = rows->first; a < rows->end; a++) {
            const REAL *x = volume + ((deps->at + k * s->dil_d) * s->h + rows->at + a * s->dil_h) * s->w + cols.at;
            for (int64_t b = cols.first; b < cols.end; b++) {
                REAL v = x[b * s->dil_w];
                if (v > best || v != v) {
                    best = v;
                    won = (k * s->kh + a) * s->kw + b;
                }
            }
        }
    *y = best;
    *tap = (uint8_t)won;
}

/* n elements from p on, or every second one. Reads nothing behind the last that it needs. */
CT__INLINE VEC NAME(load_stride)(const REAL *p, int64_t stride, int n) {
    if (stride == 1) return n == LANES ? v_load(p) : v_load_n(p, n);
    int all = 2 * n - 1;
    VEC a = all >= LANES ? v_load(p) : v_load_n(p, all), b = all > LANES ? v_load_n(p + LANES, all - LANES) : v_zero();
    return v_evens(a, b);
}

/* n outputs of a row from output j on, whose windows lie within the row. kw, stride and dil are the shape's: constants for the usual windows. */
CT__INLINE void NAME(max_span)(const ct__pool_shape *s, const REAL *volume, const pool_range *deps, const pool_range *rows, int64_t j, int n,
                               const int64_t kw, const int64_t stride, const int64_t dil, REAL *y, uint8_t *taps) {
    VEC best = v_zero() - (REAL)INFINITY;
    IVEC won = (IVEC){0} + (int)((deps->first * s->kh + rows->first) * kw);
    for (int64_t k = deps->first; k < deps->end; k++)
        for (int64_t a = rows->first; a < rows->end; a++) {
            const REAL *x = volume + ((deps->at + k * s->dil_d) * s->h + rows->at + a * s->dil_h) * s->w + j * stride - s->pad_w;
            __builtin_prefetch(x + POOL_AHEAD);
            __builtin_prefetch(x + POOL_AHEAD + LANES);
            for (int64_t b = 0; b < kw; b++)
                NAME(keep_max)(NAME(load_stride)(x + b * dil, stride, n), (int)((k * s->kh + a) * kw + b), &best, &won);
        }
    v_store_n(y, best, n);
    v_store_bytes(taps, won, n);
}

static void NAME(max_rows_major)(int64_t begin, int64_t end, void *arg) {
    const NAME(pool_job) *o = arg;
    const ct__pool_shape *s = o->s;
    int64_t first = 0, last = 0; /* outputs whose windows lie within the row */
    if (s->stride_w <= 2) pool_inside(s->ow, s->stride_w, s->pad_w, s->dil_w, s->kw, s->w, &first, &last);
    int usual = s->stride_w == 2 && s->dil_w == 1 && (s->kw == 2 || s->kw == 3) ? (int)s->kw : 0;
    int64_t i = begin % s->oh, z = begin / s->oh % s->od;
    const REAL *volume = o->in + begin / (s->od * s->oh) * s->d * s->h * s->w;
    for (int64_t r = begin; r < end; r++) {
        REAL *y = o->out + r * s->ow;
        uint8_t *taps = o->out_taps + r * s->ow;
        pool_range deps = pool_taps(z, s->stride_d, s->pad_d, s->dil_d, s->kd, s->d), rows = pool_taps(i, s->stride_h, s->pad_h, s->dil_h, s->kh, s->h);
        for (int64_t j = 0; j < first; j++) NAME(max_one)(s, volume, &deps, &rows, j, y + j, taps + j);
        for (int64_t j = first; j < last; j += LANES) {
            int n = (int)ct__min_i64(LANES, last - j);
            if (usual == 2) NAME(max_span)(s, volume, &deps, &rows, j, n, 2, 2, 1, y + j, taps + j);
            else if (usual == 3) NAME(max_span)(s, volume, &deps, &rows, j, n, 3, 2, 1, y + j, taps + j);
            else NAME(max_span)(s, volume, &deps, &rows, j, n, s->kw, s->stride_w, s->dil_w, y + j, taps + j);
        }
        for (int64_t j = last; j < s->ow; j++) NAME(max_one)(s, volume, &deps, &rows, j, y + j, taps + j);
        if (++i < s->oh) continue;
        i = 0;
        if (++z < s->od) continue;
        z = 0;
        volume += s->d * s->h * s->w;
    }
}

/* ---- scatter, channels-last: some channels of one image per item ---- */

static void NAME(scatter_pixel)(const ct__pool_shape *s, REAL *image, const pool_range *rows, const pool_range *cols, int64_t c0, int64_t c1,
                                const REAL *gy, const uint8_t *taps) {
    for (int64_t c = c0; c < c1; c += LANES) {
        int n = (int)ct__min_i64(LANES, c1 - c);
        VEC g = v_load_n(gy + c, n);
        IVEC won = v_load_bytes(taps + c, n);
        for (int64_t a = rows->first; a < rows->end; a++)
            for (int64_t b = cols->first; b < cols->end; b++) {
                REAL *x = image + ((rows->at + a * s->dil_h) * s->w + cols->at + b * s->dil_w) * s->c + c;
                VEC mine = v_select(won == (IVEC){0} + (int)(a * s->kw + b), g, v_zero());
                v_store_n(x, v_load_n(x, n) + mine, n);
            }
    }
}

static void NAME(scatter_last)(int64_t begin, int64_t end, void *arg) {
    const NAME(pool_job) *o = arg;
    const ct__pool_shape *s = o->s;
    int64_t parts = pool_channel_parts(s);
    for (int64_t item = begin; item < end; item++) {
        int64_t image = item / parts, c0 = item % parts * POOL_CHANNELS, c1 = ct__min_i64(c0 + POOL_CHANNELS, s->c);
        REAL *x = o->out + image * s->h * s->w * s->c;
        for (int64_t p = 0; p < s->h * s->w; p++) memset(x + p * s->c + c0, 0, (size_t)(c1 - c0) * sizeof *x);
        for (int64_t i = 0; i < s->oh; i++) {
            pool_range rows = pool_taps(i, s->stride_h, s->pad_h, s->dil_h, s->kh, s->h);
            for (int64_t j = 0; j < s->ow; j++) {
                pool_range cols = pool_taps(j, s->stride_w, s->pad_w, s->dil_w, s->kw, s->w);
                int64_t y = ((image * s->oh + i) * s->ow + j) * s->c;
                NAME(scatter_pixel)(s, x, &rows, &cols, c0, c1, o->in + y, o->taps + y);
            }
        }
    }
}

/* ---- scatter, row-major: one channel per item ---- */

/* Windows of 2 x 2 that tile the plane: every element of gx is written once, from one output. */
static void NAME(scatter_tiled_row)(const ct__pool_shape *s, const REAL *gy, const uint8_t *taps, REAL *gx) {
    for (int64_t j = 0; j < s->ow; j += LANES) {
        int n = (int)ct__min_i64(LANES, s->ow - j);
        VEC g = v_load_n(gy + j, n);
        IVEC won = v_load_bytes(taps + j, n);
        for (int a = 0; a < 2; a++) {
            VEC l = v_select(won == (IVEC){0} + 2 * a, g, v_zero()), r = v_select(won == (IVEC){0} + (2 * a + 1), g, v_zero());
            REAL *x = gx + a * s->w + 2 * j;
            v_store_n(x, v_zip_lo(l, r), (int)ct__min_i64(LANES, 2 * n));
            if (2 * n > LANES) v_store_n(x + LANES, v_zip_hi(l, r), 2 * n - LANES);
        }
    }
}

static void NAME(scatter_tiled)(const ct__pool_shape *s, const REAL *gy, const uint8_t *taps, REAL *gx) {
    for (int64_t i = 0; i < s->oh; i++) {
        REAL *x = gx + 2 * i * s->w;
        NAME(scatter_tiled_row)(s, gy + i * s->ow, taps + i * s->ow, x);
        if (s->w > 2 * s->ow) x[s->w - 1] = x[2 * s->w - 1] = 0;
    }
    if (s->h > 2 * s->oh) memset(gx + (s->h - 1) * s->w, 0, (size_t)s->w * sizeof *gx);
}

static void NAME(scatter_major)(int64_t begin, int64_t end, void *arg) {
    const NAME(pool_job) *o = arg;
    const ct__pool_shape *s = o->s;
    bool tiled = s->kh == 2 && s->kw == 2 && s->stride_h == 2 && s->stride_w == 2 && s->pad_h == 0 && s->pad_w == 0 && s->dil_h == 1 &&
                 s->dil_w == 1 && s->h / 2 == s->oh && s->w / 2 == s->ow && s->d == 1;
    int64_t size = s->d * s->h * s->w, out = s->od * s->oh * s->ow;
    int64_t place[256]; /* of a tap, from its window's own place on */
    for (int64_t t = 0; t < s->kd * s->kh * s->kw; t++)
        place[t] = ((t / (s->kh * s->kw) * s->dil_d) * s->h + t / s->kw % s->kh * s->dil_h) * s->w + t % s->kw * s->dil_w;
    for (int64_t p = begin; p < end; p++) {
        const REAL *gy = o->in + p * out;
        const uint8_t *taps = o->taps + p * out;
        REAL *gx = o->out + p * size;
        if (tiled) {
            NAME(scatter_tiled)(s, gy, taps, gx);
            continue;
        }
        memset(gx, 0, (size_t)size * sizeof *gx);
        for (int64_t z = 0; z < s->od; z++)
            for (int64_t i = 0; i < s->oh; i++, gy += s->ow, taps += s->ow) {
                int64_t at = ((z * s->stride_d - s->pad_d) * s->h + i * s->stride_h - s->pad_h) * s->w - s->pad_w;
                for (int64_t j = 0; j < s->ow; j++, at += s->stride_w) gx[at + place[taps[j]]] += gy[j];
            }
    }
}

/* ---- entries ---- */

static void NAME(max_forward)(const ct__pool_shape *s, const void *x, void *y, void *taps) {
    NAME(pool_job) o = {.s = s, .in = x, .out = y, .out_taps = taps};
    if (ct__pool_wide_taps(s)) {
        pool_reference()->max_forward[sizeof(REAL) == 8](s, x, y, taps);
    } else if (s->last) {
        ct__parallel_for(s->n * s->oh, pool_grain(s->ow * s->c * s->kh * s->kw), NAME(max_rows_last), &o);
    } else {
        ct__parallel_for(s->n * s->c * s->od * s->oh, pool_grain(s->ow * s->kd * s->kh * s->kw), NAME(max_rows_major), &o);
    }
}

static void NAME(max_scatter)(const ct__pool_shape *s, const void *gy, const void *taps, void *gx) {
    NAME(pool_job) o = {.s = s, .in = gy, .taps = taps, .out = gx};
    if (ct__pool_wide_taps(s)) {
        pool_reference()->max_scatter[sizeof(REAL) == 8](s, gy, taps, gx);
    } else if (s->last) {
        ct__parallel_for(s->n * pool_channel_parts(s), 1, NAME(scatter_last), &o);
    } else {
        ct__parallel_for(s->n * s->c, pool_grain(s->d * s->h * s->w), NAME(scatter_major), &o);
    }
}
