/*
 * conv_outer_pack.h: packs what the tiles of weight_grad read. A template: see vec_real.h and conv_outer_plan.h.
 */

/* A packed band of pixels: `images` whole images, or rows of one. */
typedef struct NAME(outer_source) {
    int64_t image, images, row, rows, pixels;
    const REAL *x;
    const REAL *gy;
    int64_t gy_vec; /* elements per vector of filters before the block */
} NAME(outer_source);

/* The band that begins with dst row r, counted over all images, and ends at `end` or earlier. */
static NAME(outer_source) NAME(next_band)(const outer_plan *p, int64_t r, int64_t end) {
    int64_t height = p->height;
    NAME(outer_source) b = {.image = r / height, .images = 1, .row = r % height};
    if (b.row == 0 && p->band_images > 1 && end - r >= height) {
        b.images = ct__min_i64(p->band_images, (end - r) / height);
        b.rows = height;
    } else {
        b.rows = ct__min_i64(ct__min_i64(p->band_rows, height - b.row), end - r);
    }
    b.pixels = b.images * b.rows * p->shape.ow;
    return b;
}

/* Columns of neighbouring source rows, planes apart by `plane`, to the lines of a panel: n pixels that begin at column 0 of packed row out. */
static void NAME(pack_planes)(const outer_plan *p, const REAL *src, int64_t plane, int64_t channels, int64_t n, REAL *out) {
    int64_t col = 0, width = p->shape.w;
    for (int64_t j = 0; j < n; j += LANES) {
        int nj = (int)ct__min_i64(LANES, n - j);
        REAL *to[LANES];
        for (int k = 0; k < nj; k++) {
            to[k] = p->col_at[col] < 0 ? NULL : out + p->col_at[col];
            if (++col == width) col = 0, out += p->x_row;
        }
        for (int64_t c = 0; c < channels; c += LANES) {
            VEC r[LANES];
            const REAL *s = src + c * plane + j;
            int64_t nc = ct__min_i64(LANES, channels - c), room = p->panel_w - c;
            if (nc == LANES && nj == LANES) {
                for (int k = 0; k < LANES; k++) r[k] = v_load(s + k * plane);
            } else {
                for (int k = 0; k < LANES; k++) r[k] = k < nc ? v_load_n(s + k * plane, nj) : v_zero();
            }
            v_transpose(r);
            for (int k = 0; k < nj; k++) {
                if (!to[k]) continue;
                if (room >= LANES) v_store(to[k] + c, r[k]);
                else v_store_n(to[k] + c, r[k], (int)room);
            }
        }
    }
}

/* One row to a panel of few channels: element (channel, column) of src at channel * plane + column * step. */
static void NAME(pack_few)(const outer_plan *p, const REAL *src, int64_t plane, int64_t step, int64_t channels, REAL *out) {
    int64_t begin = ct__max_i64(0, p->h.low), n = ct__min_i64(p->shape.w, p->h.low + p->packed_w) - begin;
    if (step == p->panel_w && p->h.pack == 1) { /* the row as it is */
        if (n > 0) memcpy(out + (begin - p->h.low) * step, src + begin * step, (size_t)(n * step) * sizeof *src);
        return;
    }
    for (int64_t j = 0; j < p->shape.w; j++)
        for (int64_t c = 0; c < channels && p->col_at[j] >= 0; c++) out[p->col_at[j] + c] = src[c * plane + j * step];
}

/* One row of a channels-last image to a packed row of a panel. */
static void NAME(pack_pixels_last)(const outer_plan *p, const REAL *src, int64_t channels, REAL *out) {
    int64_t step = p->shape.c;
    for (int64_t j = 0; j < p->shape.w; j++) {
        if (p->col_at[j] < 0) continue;
        const REAL *s = src + j * step;
        REAL *to = out + p->col_at[j];
        for (int64_t c = 0; c < p->panel_w; c += LANES) {
            if (c + LANES <= channels) v_store(to + c, v_load(s + c));
            else v_store_n(to + c, v_load_n(s + c, (int)ct__max_i64(0, channels - c)), (int)ct__min_i64(LANES, p->panel_w - c));
        }
    }
}

/* Zeros the positions of a packed row that no source column has. */
static void NAME(clear_sides)(const outer_plan *p, REAL *row) {
    int64_t width = p->panel_w;
    for (int64_t phase = 0; phase < p->h.phases; phase++, row += p->packed_w * width) {
        int64_t from = p->h.low + phase; /* the column of position 0 */
        int64_t left = ct__min_i64(p->packed_w, ct__max_i64(0, ct__ceil_div_i64(-from, p->h.pack)));
        int64_t right = ct__min_i64(p->packed_w, ct__max_i64(left, ct__ceil_div_i64(p->shape.w - from, p->h.pack)));
        memset(row, 0, (size_t)(left * width) * sizeof *row);
        memset(row + right * width, 0, (size_t)((p->packed_w - right) * width) * sizeof *row);
    }
}

/* Zeros what n packed rows have on padding, of which the first is source row `first`: *begin and *end are the rows inside of the image. */
static void NAME(clear_padding)(const outer_plan *p, int64_t first, int64_t n, REAL *out, int64_t *begin, int64_t *end) {
    *begin = ct__min_i64(n, ct__max_i64(0, ct__ceil_div_i64(-first, p->v.pack)));
    *end = ct__max_i64(*begin, ct__min_i64(n, ct__ceil_div_i64(p->shape.h - first, p->v.pack)));
    memset(out, 0, (size_t)(*begin * p->x_row) * sizeof *out);
    memset(out + *end * p->x_row, 0, (size_t)((n - *end) * p->x_row) * sizeof *out);
    for (int64_t r = *begin; r < *end; r++) NAME(clear_sides)(p, out + r * p->x_row);
}

/* One panel of one image's rows: channels-last, or planes. */
static void NAME(pack_panel)(const outer_plan *p, const REAL *image, int64_t channel, const NAME(outer_source) *b, REAL *out) {
    const ct__conv_shape *s = &p->shape;
    int64_t channels = ct__min_i64(p->panel_w, s->c - channel), n = outer_packed(&p->v, b->rows);
    int64_t first = p->v.low + b->row * p->v.stride; /* source row of packed row 0 */
    int64_t begin, end;
    NAME(clear_padding)(p, first, n, out, &begin, &end);
    bool few = p->panel_w <= OUTER_FEW;
    int64_t together = p->x_last || few || p->v.pack > 1 ? 1 : end - begin; /* rows that lie in one stretch */
    for (int64_t r = begin; r < end; r += together) {
        const REAL *row = image + (first + r * p->v.pack) * s->w * (p->x_last ? s->c : 1) + channel * (p->x_last ? 1 : s->h * s->w);
        REAL *to = out + r * p->x_row;
        if (few) NAME(pack_few)(p, row, p->x_last ? 1 : s->h * s->w, p->x_last ? s->c : 1, channels, to);
        else if (p->x_last) NAME(pack_pixels_last)(p, row, channels, to);
        else NAME(pack_planes)(p, row, s->h * s->w, channels, together * s->w, to);
    }
}

/* Packs a stretch's panels, and sets b->x. */
static void NAME(pack_x)(const outer_plan *p, const REAL *x, NAME(outer_source) *b, int64_t group, int64_t stretch, REAL *out) {
    const ct__conv_shape *s = &p->shape;
    int64_t image = s->h * s->w * s->c;
    b->x = out;
    for (int64_t q = stretch * p->panels, end = ct__min_i64(q + p->panels, p->all_panels); q < end; q++, out += p->x_panel)
        for (int64_t n = 0; n < b->images; n++) NAME(pack_panel)(p, x + (b->image + n) * image, group * p->red + outer_panel_at(p, q), b, out + n * p->x_image);
}

/* n pixels of one block of one image, to `line` lanes each, `step` apart, with zeros in the lanes that no filter has. */
static CT__NOINLINE void NAME(pack_block)(const outer_plan *p, const REAL *gy, int64_t filter, int64_t lanes, int64_t line, int64_t n, REAL *out, int64_t step) {
    int64_t plane = p->shape.oh * p->shape.ow;
    for (int64_t i = 0; i < line; i += LANES) {
        int64_t ni = ct__min_i64(LANES, lanes - i);
        if (p->gy_last) {
            for (int64_t j = 0; j < n; j++) {
                const REAL *from = gy + j * p->shape.f + filter + i;
                v_store(out + j * step + i, ni == LANES ? v_load(from) : v_load_n(from, (int)ni));
            }
            continue;
        }
        const REAL *from = gy + (filter + i) * plane;
        for (int64_t j = 0; j < n; j += LANES) {
            int nj = (int)ct__min_i64(LANES, n - j);
            VEC r[LANES];
            if (ni == LANES && nj == LANES) {
                for (int k = 0; k < LANES; k++) r[k] = v_load(from + k * plane + j);
            } else {
                for (int k = 0; k < LANES; k++) r[k] = k < ni ? v_load_n(from + k * plane + j, nj) : v_zero();
            }
            v_transpose(r);
            for (int k = 0; k < nj; k++) v_store(out + (j + k) * step + i, r[k]);
        }
    }
}

/* Packs blocks b0 ... b1 - 1 of gy, counted over all groups, and sets b->gy and its steps. */
static void NAME(pack_gy)(const outer_plan *p, const REAL *gy, NAME(outer_source) *b, int64_t b0, int64_t b1, REAL *out) {
    const ct__conv_shape *s = &p->shape;
    int64_t plane = s->oh * s->ow, n = b->rows * s->ow;
    b->gy = out;
    b->gy_vec = p->band_pixels * LANES;
    for (int64_t i = b0; i < b1; i++) {
        int64_t group = i / p->blocks, v0 = outer_block_at(p, i % p->blocks), line = (outer_block_at(p, i % p->blocks + 1) - v0) * LANES;
        int64_t filter = group * p->lanes + v0 * LANES, lanes = ct__min_i64(line, p->lanes - v0 * LANES);
        REAL *to = out + (group * p->vecs + v0) * b->gy_vec;
        for (int64_t k = 0; k < b->images; k++) {
            const REAL *from = gy + (b->image + k) * plane * s->f + b->row * s->ow * (p->gy_last ? s->f : 1);
            NAME(pack_block)(p, from, filter, lanes, line, n, to + k * (p->edges ? 1 : n) * line, (p->edges ? b->images : 1) * line);
        }
    }
}
