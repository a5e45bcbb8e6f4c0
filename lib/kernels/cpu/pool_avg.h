/*
 * pool_avg.h: average pooling for one element type. A template: see vec_real.h.
 *
 * Channels-last: a vector is channels of one pixel. Row-major: windows as wide as a vector are summed by vectors (pooling over the whole
 * image), narrower ones element by element.
 */

typedef struct NAME(avg_job) {
    const ct__pool_shape *s;
    const ct__pool_windows *win;
    const REAL *in;
    REAL *out;
} NAME(avg_job);

CT__INLINE REAL NAME(avg_factor)(const ct__pool_windows *win, const ct__pool_window *d, const ct__pool_window *r, const ct__pool_window *c) {
    if (d->begin >= d->end || r->begin >= r->end || c->begin >= c->end) return 0; /* a window of padding only */
    return (REAL)(win->divisor != 0 ? win->divisor : d->count * r->count * c->count);
}

/* ---- forward ---- */

static REAL NAME(sum_window)(const REAL *x, int64_t line, int64_t rows, int64_t cols) {
    REAL sum = 0;
    VEC v = v_zero();
    for (int64_t a = 0; a < rows; a++) {
        const REAL *p = x + a * line;
        int64_t b = 0;
        for (; b + LANES <= cols; b += LANES) v += v_load(p + b);
        for (; b < cols; b++) sum += p[b];
    }
    if (cols >= LANES)
        for (int k = 0; k < LANES; k++) sum += v[k];
    return sum;
}

static void NAME(avg_rows_major)(int64_t begin, int64_t end, void *arg) {
    const NAME(avg_job) *o = arg;
    const ct__pool_shape *s = o->s;
    for (int64_t r = begin; r < end; r++) {
        const REAL *volume = o->in + r / (s->od * s->oh) * s->d * s->h * s->w;
        const ct__pool_window *dep = &o->win->planes[r / s->oh % s->od], *row = &o->win->rows[r % s->oh];
        for (int64_t j = 0; j < s->ow; j++) {
            const ct__pool_window *col = &o->win->cols[j];
            REAL f = NAME(avg_factor)(o->win, dep, row, col), sum = 0;
            for (int64_t k = dep->begin; k < dep->end; k++)
                sum += NAME(sum_window)(volume + (k * s->h + row->begin) * s->w + col->begin, s->w, row->end - row->begin, col->end - col->begin);
            o->out[r * s->ow + j] = f != 0 ? sum / f : 0;
        }
    }
}

static void NAME(avg_rows_last)(int64_t begin, int64_t end, void *arg) {
    const NAME(avg_job) *o = arg;
    const ct__pool_shape *s = o->s;
    for (int64_t r = begin; r < end; r++) {
        const REAL *image = o->in + r / s->oh * s->h * s->w * s->c;
        const ct__pool_window *row = &o->win->rows[r % s->oh];
        for (int64_t j = 0; j < s->ow; j++) {
            const ct__pool_window *col = &o->win->cols[j];
            REAL f = NAME(avg_factor)(o->win, o->win->planes, row, col);
            for (int64_t c = 0; c < s->c; c += LANES) {
                int n = (int)ct__min_i64(LANES, s->c - c);
                VEC sum = v_zero();
                for (int64_t a = row->begin; a < row->end; a++)
                    for (int64_t b = col->begin; b < col->end; b++) sum += v_load_n(image + (a * s->w + b) * s->c + c, n);
                v_store_n(o->out + (r * s->ow + j) * s->c + c, f != 0 ? sum / f : v_zero(), n);
            }
        }
    }
}

/* ---- backward: each output's share goes to all of its window ---- */

static void NAME(spread_major)(int64_t begin, int64_t end, void *arg) {
    const NAME(avg_job) *o = arg;
    const ct__pool_shape *s = o->s;
    int64_t size = s->d * s->h * s->w, out = s->od * s->oh * s->ow;
    for (int64_t p = begin; p < end; p++) {
        const REAL *gy = o->in + p * out;
        REAL *gx = o->out + p * size;
        memset(gx, 0, (size_t)size * sizeof *gx);
        for (int64_t y = 0; y < out; y++) {
            const ct__pool_window *dep = &o->win->planes[y / (s->oh * s->ow)], *row = &o->win->rows[y / s->ow % s->oh], *col = &o->win->cols[y % s->ow];
            REAL f = NAME(avg_factor)(o->win, dep, row, col);
            if (f == 0) continue;
            REAL g = gy[y] / f;
            for (int64_t k = dep->begin; k < dep->end; k++)
                for (int64_t a = row->begin; a < row->end; a++)
                    for (int64_t b = col->begin; b < col->end; b++) gx[(k * s->h + a) * s->w + b] += g;
        }
    }
}

static void NAME(spread_last)(int64_t begin, int64_t end, void *arg) {
    const NAME(avg_job) *o = arg;
    const ct__pool_shape *s = o->s;
    int64_t parts = pool_channel_parts(s);
    for (int64_t item = begin; item < end; item++) {
        int64_t image = item / parts, c0 = item % parts * POOL_CHANNELS, c1 = ct__min_i64(c0 + POOL_CHANNELS, s->c);
        const REAL *gy = o->in + image * s->oh * s->ow * s->c;
        REAL *gx = o->out + image * s->h * s->w * s->c;
        for (int64_t p = 0; p < s->h * s->w; p++) memset(gx + p * s->c + c0, 0, (size_t)(c1 - c0) * sizeof *gx);
        for (int64_t y = 0; y < s->oh * s->ow; y++) {
            const ct__pool_window *row = &o->win->rows[y / s->ow], *col = &o->win->cols[y % s->ow];
            REAL f = NAME(avg_factor)(o->win, o->win->planes, row, col);
            if (f == 0) continue;
            for (int64_t c = c0; c < c1; c += LANES) {
                int n = (int)ct__min_i64(LANES, c1 - c);
                VEC g = v_load_n(gy + y * s->c + c, n) / f;
                for (int64_t a = row->begin; a < row->end; a++)
                    for (int64_t b = col->begin; b < col->end; b++) {
                        REAL *x = gx + (a * s->w + b) * s->c + c;
                        v_store_n(x, v_load_n(x, n) + g, n);
                    }
            }
        }
    }
}

/* ---- entries ---- */

static void NAME(avg_forward)(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, void *y) {
    NAME(avg_job) o = {.s = s, .win = win, .in = x, .out = y};
    int64_t cost = s->d * s->h * s->w / (s->od * s->oh); /* of a row, roughly: windows mostly tile the image */
    if (s->last) ct__parallel_for(s->n * s->oh, pool_grain(cost * s->c), NAME(avg_rows_last), &o);
    else ct__parallel_for(s->n * s->c * s->od * s->oh, pool_grain(cost), NAME(avg_rows_major), &o);
}

static void NAME(avg_backward)(const ct__pool_shape *s, const ct__pool_windows *win, const void *gy, void *gx) {
    NAME(avg_job) o = {.s = s, .win = win, .in = gy, .out = gx};
    if (s->last) ct__parallel_for(s->n * pool_channel_parts(s), 1, NAME(spread_last), &o);
    else ct__parallel_for(s->n * s->c, pool_grain(s->d * s->h * s->w), NAME(spread_major), &o);
}
