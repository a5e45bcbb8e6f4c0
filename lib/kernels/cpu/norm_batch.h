/*
 * norm_batch.h: batch norm for one element type. A template: see vec_real.h; formulas stand in kern_norm.h.
 *
 * Planes (inner > 1): a thread takes whole channels, whose planes are measured and then, last ones first, rewritten while they are in the cache:
 * memory is read once. Channels-last: columns are measured first, then rows are rewritten.
 *
 * Sums run in lanes of the element type over a block of BATCH_BLOCK elements, and are carried on in double. A block's mean is taken before the deviations from
 * it, so that nothing is lost to cancellation whatever the mean of x.
 */

/* n >= LANES: a whole vector. */
CT__INLINE VEC NAME(some)(const REAL *p, int64_t n) { return n >= LANES ? v_load(p) : v_load_n(p, (int)n); }
CT__INLINE void NAME(put)(REAL *p, VEC v, int64_t n) {
    if (n >= LANES) v_store(p, v);
    else v_store_n(p, v, (int)n);
}
/* Zero in the lanes from n on. */
CT__INLINE VEC NAME(cut)(VEC v, int64_t n) {
    if (n >= LANES) return v;
    REAL lane[LANES];
    v_store(lane, v);
    return v_load_n(lane, (int)n);
}

static double NAME(lane_sum)(VEC v) {
    REAL lane[LANES];
    double sum = 0;
    v_store(lane, v);
    for (int i = 0; i < LANES; i++) sum += (double)lane[i];
    return sum;
}

/* y = (x - mean) a + b, gx = p h + q (x - mean) + r: a vector of each, of one channel or of neighbouring ones. */
typedef struct NAME(batch_numbers) {
    VEC mean, a, b, p, q, r;
} NAME(batch_numbers);

CT__INLINE VEC NAME(batch_y)(const NAME(batch_numbers) *k, VEC x) { return v_fma(x - k->mean, k->a, k->b); }
/* g where relu let y pass; a NaN passes. */
CT__INLINE VEC NAME(passed)(const NAME(batch_numbers) *k, VEC g, VEC x, const bool relu) {
    return relu ? v_select(NAME(batch_y)(k, x) <= v_zero(), v_zero(), g) : g;
}
CT__INLINE VEC NAME(batch_gx)(const NAME(batch_numbers) *k, VEC h, VEC x) { return v_fma(k->p, h, v_fma(k->q, x - k->mean, k->r)); }

/* ---- Planes ---- */

CT__INLINE const REAL *NAME(plane)(const ct__channels *s, const void *x, int64_t outer, int64_t c) {
    return (const REAL *)x + (outer * s->channels + c) * s->inner;
}

/* A block: len elements of each of `planes` planes. */
static void NAME(measure_block)(const ct__channels *s, const REAL *x, int64_t planes, int64_t len, ct__moments *m) {
    int64_t step = s->channels * s->inner;
    double n = (double)(planes * len);
    VEC sum = v_zero(), d_sum = v_zero(), square = v_zero();
    for (int64_t k = 0; k < planes; k++)
        for (int64_t i = 0; i < len; i += LANES) sum += NAME(some)(x + k * step + i, len - i);
    REAL mean = (REAL)(NAME(lane_sum)(sum) / n);
    for (int64_t k = 0; k < planes; k++)
        for (int64_t i = 0; i < len; i += LANES) {
            VEC d = NAME(cut)(NAME(some)(x + k * step + i, len - i) - v_splat(mean), len - i);
            d_sum += d;
            square = v_fma(d, d, square);
        }
    double rest = NAME(lane_sum)(d_sum); /* what rounding the mean left */
    ct__moments_merge(m, n, (double)mean + rest / n, fmax(0, NAME(lane_sum)(square) - rest * rest / n));
}

CT__INLINE void NAME(sums_block)(const ct__channels *s, const NAME(batch_numbers) *numbers, const REAL *g, const REAL *x, int64_t planes, int64_t len,
                                 const bool relu, double *sum, double *dot) {
    const NAME(batch_numbers) k = *numbers;
    int64_t step = s->channels * s->inner;
    VEC sums = v_zero(), dots = v_zero();
    for (int64_t o = 0; o < planes; o++)
        for (int64_t i = 0; i < len; i += LANES) {
            VEC xv = NAME(some)(x + o * step + i, len - i), h = NAME(passed)(&k, NAME(some)(g + o * step + i, len - i), xv, relu);
            sums += h;
            dots = v_fma(h, xv - k.mean, dots);
        }
    *sum += NAME(lane_sum)(sums);
    *dot += NAME(lane_sum)(dots);
}

/* The planes, and the elements of each, of the block that begins at (outer, at). */
static int64_t NAME(block_planes)(const ct__channels *s, int64_t outer) {
    return ct__max_i64(1, ct__min_i64(s->outer - outer, BATCH_BLOCK / s->inner));
}

static void NAME(measure_channel)(const ct__channels *s, const ct__batch_norm *b, const void *x, int64_t c) {
    ct__moments m = {0};
    for (int64_t o = 0, planes; o < s->outer; o += planes) {
        planes = NAME(block_planes)(s, o);
        for (int64_t at = 0; at < s->inner; at += BATCH_BLOCK)
            NAME(measure_block)(s, NAME(plane)(s, x, o, c) + at, planes, ct__min_i64(BATCH_BLOCK, s->inner - at), &m);
    }
    batch_statistics(b, &m, c);
}

static void NAME(sums_channel)(const batch_job *j, const NAME(batch_numbers) *k, int64_t c) {
    const ct__channels *s = j->s;
    double sum = 0, dot = 0;
    for (int64_t o = 0, planes; o < s->outer; o += planes) {
        planes = NAME(block_planes)(s, o);
        for (int64_t at = 0; at < s->inner; at += BATCH_BLOCK) {
            const REAL *g = NAME(plane)(s, j->g, o, c) + at, *x = NAME(plane)(s, j->x, o, c) + at;
            int64_t len = ct__min_i64(BATCH_BLOCK, s->inner - at);
            if (j->b->relu) NAME(sums_block)(s, k, g, x, planes, len, true, &sum, &dot);
            else NAME(sums_block)(s, k, g, x, planes, len, false, &sum, &dot);
        }
    }
    j->sums[c] = sum;
    j->dots[c] = dot * j->b->rstd[c];
}

/* The numbers of channels c ... c + n - 1, one to a lane, or of channel c in all lanes. */
static NAME(batch_numbers) NAME(numbers_of)(const batch_job *j, int64_t c, int64_t n, bool lanes) {
    REAL v[6][LANES] = {{0}};
    for (int i = 0; i < LANES && (!lanes || i < n); i++) {
        batch_coefficients k = batch_coefficients_of(j, lanes ? c + i : c);
        v[0][i] = (REAL)k.mean, v[1][i] = (REAL)k.a, v[2][i] = (REAL)k.b, v[3][i] = (REAL)k.p, v[4][i] = (REAL)k.q, v[5][i] = (REAL)k.r;
    }
    return (NAME(batch_numbers)){v_load(v[0]), v_load(v[1]), v_load(v[2]), v_load(v[3]), v_load(v[4]), v_load(v[5])};
}

static void NAME(batch_planes)(int64_t begin, int64_t end, void *arg) {
    const batch_job *j = arg;
    const ct__channels *s = j->s;
    for (int64_t c = begin; c < end; c++) {
        if (j->b->training) NAME(measure_channel)(s, j->b, j->x, c);
        const NAME(batch_numbers) k = NAME(numbers_of)(j, c, 1, false);
        const bool relu = j->b->relu;
        for (int64_t o = s->outer; o-- > 0;) {
            const REAL *x = NAME(plane)(s, j->x, o, c);
            REAL *y = (REAL *)j->out + (x - (const REAL *)j->x);
            for (int64_t i = 0; i < s->inner; i += LANES) {
                VEC v = NAME(batch_y)(&k, NAME(some)(x + i, s->inner - i));
                if (relu) v = v_select(v <= v_zero(), v_zero(), v);
                NAME(put)(y + i, v, s->inner - i);
            }
        }
    }
}

CT__INLINE void NAME(rewrite_plane)(const NAME(batch_numbers) *numbers, const REAL *g, const REAL *x, REAL *gx, int64_t n, const bool relu) {
    const NAME(batch_numbers) k = *numbers;
    for (int64_t i = 0; i < n; i += LANES) {
        VEC xv = NAME(some)(x + i, n - i);
        NAME(put)(gx + i, NAME(batch_gx)(&k, NAME(passed)(&k, NAME(some)(g + i, n - i), xv, relu), xv), n - i);
    }
}

static void NAME(backward_planes)(int64_t begin, int64_t end, void *arg) {
    const batch_job *j = arg;
    const ct__channels *s = j->s;
    for (int64_t c = begin; c < end; c++) {
        NAME(batch_numbers) k = NAME(numbers_of)(j, c, 1, false);
        NAME(sums_channel)(j, &k, c);
        if (!j->out) continue;
        k = NAME(numbers_of)(j, c, 1, false);
        for (int64_t o = s->outer; o-- > 0;) {
            const REAL *g = NAME(plane)(s, j->g, o, c), *x = NAME(plane)(s, j->x, o, c);
            REAL *gx = (REAL *)j->out + (x - (const REAL *)j->x);
            if (j->b->relu) NAME(rewrite_plane)(&k, g, x, gx, s->inner, true);
            else NAME(rewrite_plane)(&k, g, x, gx, s->inner, false);
        }
    }
}

/* ---- Channels last: ranges of vectors of channels, or of rows ---- */

static void NAME(measure_columns)(int64_t begin, int64_t end, void *arg) {
    const batch_job *j = arg;
    int64_t channels = j->s->channels, rows = j->s->outer, block = BATCH_BLOCK / LANES;
    for (int64_t c = begin * LANES; c < ct__min_i64(end * LANES, channels); c += LANES) {
        int64_t n = channels - c;
        const REAL *x = (const REAL *)j->x + c;
        ct__moments m[LANES] = {{0}};
        for (int64_t at = 0; at < rows; at += block) {
            int64_t stop = ct__min_i64(at + block, rows);
            VEC sum = v_zero(), rest = v_zero(), square = v_zero();
            REAL lane[3][LANES], count = (REAL)(stop - at);
            for (int64_t r = at; r < stop; r++) sum += NAME(some)(x + r * channels, n);
            VEC mean = sum / v_splat(count);
            for (int64_t r = at; r < stop; r++) {
                VEC d = NAME(some)(x + r * channels, n) - mean;
                rest += d;
                square = v_fma(d, d, square);
            }
            v_store(lane[0], mean), v_store(lane[1], rest), v_store(lane[2], square);
            for (int i = 0; i < LANES && i < n; i++) {
                double over = (double)lane[1][i];
                ct__moments_merge(&m[i], (double)count, (double)lane[0][i] + over / (double)count, fmax(0, (double)lane[2][i] - over * over / (double)count));
            }
        }
        for (int i = 0; i < LANES && i < n; i++) batch_statistics(j->b, &m[i], c + i);
    }
}

static void NAME(sums_columns)(int64_t begin, int64_t end, void *arg) {
    const batch_job *j = arg;
    int64_t channels = j->s->channels, rows = j->s->outer, block = BATCH_BLOCK / LANES;
    const bool relu = j->b->relu;
    for (int64_t c = begin * LANES; c < ct__min_i64(end * LANES, channels); c += LANES) {
        int64_t n = channels - c;
        const REAL *x = (const REAL *)j->x + c, *g = (const REAL *)j->g + c;
        const NAME(batch_numbers) k = NAME(numbers_of)(j, c, n, true);
        double sums[LANES] = {0}, dots[LANES] = {0};
        for (int64_t at = 0; at < rows; at += block) {
            VEC sum = v_zero(), dot = v_zero();
            REAL lane[2][LANES];
            for (int64_t r = at; r < ct__min_i64(at + block, rows); r++) {
                VEC xv = NAME(some)(x + r * channels, n), h = NAME(passed)(&k, NAME(some)(g + r * channels, n), xv, relu);
                sum += h;
                dot = v_fma(h, xv - k.mean, dot);
            }
            v_store(lane[0], sum), v_store(lane[1], dot);
            for (int i = 0; i < LANES; i++) sums[i] += (double)lane[0][i], dots[i] += (double)lane[1][i];
        }
        for (int i = 0; i < LANES && i < n; i++) j->sums[c + i] = sums[i], j->dots[c + i] = dots[i] * j->b->rstd[c + i];
    }
}

static void NAME(batch_rows)(int64_t begin, int64_t end, void *arg) {
    const batch_job *j = arg;
    int64_t channels = j->s->channels;
    const bool relu = j->b->relu;
    for (int64_t c = 0; c < channels; c += LANES) {
        const NAME(batch_numbers) k = NAME(numbers_of)(j, c, channels - c, true);
        for (int64_t at = begin * channels + c; at < end * channels; at += channels) {
            VEC v = NAME(batch_y)(&k, NAME(some)((const REAL *)j->x + at, channels - c));
            if (relu) v = v_select(v <= v_zero(), v_zero(), v);
            NAME(put)((REAL *)j->out + at, v, channels - c);
        }
    }
}

static void NAME(backward_rows)(int64_t begin, int64_t end, void *arg) {
    const batch_job *j = arg;
    int64_t channels = j->s->channels;
    const bool relu = j->b->relu;
    for (int64_t c = 0; c < channels; c += LANES) {
        const NAME(batch_numbers) k = NAME(numbers_of)(j, c, channels - c, true);
        for (int64_t at = begin * channels + c; at < end * channels; at += channels) {
            VEC xv = NAME(some)((const REAL *)j->x + at, channels - c), g = NAME(some)((const REAL *)j->g + at, channels - c);
            NAME(put)((REAL *)j->out + at, NAME(batch_gx)(&k, NAME(passed)(&k, g, xv, relu), xv), channels - c);
        }
    }
}
