/*
 * gemm_tile.h: the innermost loops of cpu_gemm.c and cpu_attention.c: packing, and a tile of C held in registers over a block of k. A template: see vec_real.h,
 * and GEMM_ROWS, GEMM_VECS, GEMM_COLS, GEMM_STEPS. Who includes it makes functions of tile_run.
 */

/* ---- Packing: panels of `width` rows or columns, each [k][width], the last one filled up with copies or zeros that no result is made of ---- */

CT__INLINE void NAME(copy_rows)(const REAL *s, int64_t ld, int rows, const int n, const int width, REAL *out) {
    for (int r = 0; r < rows; r++, s += ld, out += width)
        for (int v = 0; v < width; v += LANES) {
            const int have = n - v, room = width - v;
            VEC x = have >= LANES ? v_load(s + v) : have > 0 ? v_load_n(s + v, have) : v_zero();
            if (room >= LANES) v_store(out + v, x);
            else v_store_n(out + v, x, room);
        }
}

/* Elements (i, l) lie at i + l * ld. Sixteen rows at a time over all panels, so that what is read is read in order. */
CT__INLINE void NAME(pack_along)(const REAL *src, int64_t ld, int64_t n, int64_t k, const int width, REAL *out) {
    for (int64_t l = 0; l < k; l += 16)
        for (int64_t i = 0; i < n; i += width) {
            const int rows = (int)ct__min_i64(k - l, 16);
            if (n - i >= width) NAME(copy_rows)(src + l * ld + i, ld, rows, width, width, out + i * k + l * width);
            else NAME(copy_rows)(src + l * ld + i, ld, rows, (int)(n - i), width, out + i * k + l * width);
        }
}

/* Elements (i, l) lie at i * ld + l: squares of LANES x LANES are transposed. width is below LANES or a multiple of it. A store may run over into the
 * next row or panel, which is written after it; out has LANES elements to spare. */
CT__INLINE void NAME(pack_across)(const REAL *src, int64_t ld, int64_t n, int64_t k, const int width, REAL *out) {
    for (int64_t i = 0; i < n; i += width, out += k * width)
        for (int v = 0; v < width; v += LANES) {
            const REAL *row[LANES];
            const int room = width < LANES ? width : LANES;
            int64_t l = 0;
            for (int r = 0; r < LANES; r++) row[r] = src + ct__min_i64(i + v + r, n - 1) * ld;
            for (; l + LANES <= k; l += LANES) {
                VEC x[LANES];
#pragma GCC unroll 16
                for (int r = 0; r < LANES; r++) x[r] = v_load(row[r] + l);
                v_transpose(x);
#pragma GCC unroll 16
                for (int r = 0; r < LANES; r++) v_store(out + (l + r) * width + v, x[r]);
            }
            for (; l < k; l++)
                for (int r = 0; r < room; r++) out[l * width + v + r] = row[r][l];
        }
}

/* ---- The tile ---- */

/* What is wanted soon: in GEMM_STEPS of k so many lines of 64 bytes, `line` bytes from one to the next, then `step` bytes on. */
typedef struct gemm_fetch {
    const char *p;
    int lines;
    int64_t line, step;
} gemm_fetch;

typedef struct NAME(gemm_tile) {
    const REAL *a, *b; /* see tile_run */
    int64_t a_row;     /* where it is not known before */
    int64_t k;
    REAL *c; /* element (i, j) at i * c_row + j, or transposed at i + j * c_row */
    int64_t c_row;
    bool simple;       /* a whole tile, not transposed, alpha 1, keep 0 or 1 */
    int skip, rows, cols; /* of the tile rows skip <= i < rows and columns j < cols are wanted */
    REAL alpha, keep;     /* C = keep * C + alpha * product, + bias */
    const REAL *bias;     /* of column j, transposed of row i; or NULL */
    gemm_fetch next;
} NAME(gemm_tile);

CT__INLINE VEC NAME(tile_finish)(const NAME(gemm_tile) *t, VEC sum, VEC bias, const REAL *c, int n) {
    sum = sum * v_splat(t->alpha) + bias;
    if (t->keep != 0) sum = v_fma(v_load_n(c, n), v_splat(t->keep), sum);
    return sum;
}

/* From the tile's sums to C, at its edges and wherever there is more to do than to store or add. */
static CT__NOINLINE void NAME(tile_end)(const NAME(gemm_tile) *t, const REAL (*sum)[GEMM_COLS]) {
    for (int v = 0; v < t->cols; v += LANES) {
        const int n = t->cols - v < LANES ? t->cols - v : LANES;
        const VEC bias = t->bias ? v_load_n(t->bias + v, n) : v_zero();
        for (int i = t->skip; i < t->rows; i++) {
            REAL *c = t->c + i * t->c_row + v;
            v_store_n(c, NAME(tile_finish)(t, v_load(sum[i] + v), bias, c, n), n);
        }
    }
}

/* Columns of the tile are rows of C. */
static CT__NOINLINE void NAME(tile_end_transposed)(const NAME(gemm_tile) *t, const REAL (*sum)[GEMM_COLS]) {
    const int n = t->rows - t->skip;
    const VEC bias = t->bias ? v_load_n(t->bias + t->skip, n) : v_zero();
    for (int v = 0; v < t->cols; v += LANES) {
        VEC x[LANES];
        for (int r = 0; r < LANES; r++) x[r] = r < n ? v_load(sum[t->skip + r] + v) : v_zero();
        v_transpose(x);
        for (int r = 0; r < LANES && v + r < t->cols; r++) {
            REAL *c = t->c + (v + r) * t->c_row + t->skip;
            v_store_n(c, NAME(tile_finish)(t, x[r], bias, c, n), n);
        }
    }
}

/* Some steps of k. Rows of the upper half are counted from q, so that few registers hold their distances. */
#define GEMM_RUN(steps)                                                                                                                \
    do {                                                                                                                               \
        _Pragma("GCC unroll 4") for (int s = 0; s < (steps); s++) {                                                                   \
            VEC x[GEMM_VECS];                                                                                                          \
            for (int v = 0; v < GEMM_VECS; v++) x[v] = v_load(b + s * GEMM_COLS + v * LANES);                                          \
            _Pragma("GCC unroll 16") for (int i = 0; i < GEMM_ROWS; i++) {                                                            \
                VEC y = v_splat(i < GEMM_HALF ? p[i * a_row + s * a_step] : q[(i - GEMM_HALF) * a_row + s * a_step]);                    \
                for (int v = 0; v < GEMM_VECS; v++) acc[i][v] = v_fma(y, x[v], acc[i][v]);                                            \
            }                                                                                                                          \
        }                                                                                                                              \
        p += (steps) * a_step;                                                                                                         \
        q += (steps) * a_step;                                                                                                         \
        b += (steps) * GEMM_COLS;                                                                                                      \
    } while (0)

/* Element (i, l) of A is a[i * a_row + l * a_step], for all i < GEMM_ROWS; B is [k][GEMM_COLS]. `transposed` says how C lies. */
CT__INLINE void NAME(tile_run)(const NAME(gemm_tile) *const t, const int64_t a_row, const int64_t a_step, const bool transposed) {
    enum { GEMM_HALF = GEMM_ROWS / 2, ROW_BYTES = GEMM_COLS * (int)sizeof(REAL) };
    VEC acc[GEMM_ROWS][GEMM_VECS];
#pragma GCC unroll 16
    for (int i = 0; i < GEMM_ROWS; i++)
        for (int v = 0; v < GEMM_VECS; v++) acc[i][v] = v_zero();
    const REAL *p = t->a, *q = p + GEMM_HALF * a_row, *b = t->b;
    const char *next = t->next.p, *const place = (const char *)t->c;
    const int64_t k = t->k, c_bytes = t->c_row * (int64_t)sizeof(REAL), c_end = transposed ? 0 : c_bytes * t->rows;
    const int64_t line = t->next.line, step = t->next.step;
    const int lines = t->next.lines;
    int64_t l = 0, row = 0;
    for (; l + GEMM_STEPS <= k; l += GEMM_STEPS) {
        if (row < c_end) { /* all of C at once would fill the queue that the loads of a and b need */
            for (int i = 0; i < ROW_BYTES; i += 64) __builtin_prefetch(place + row + i, 1);
            row += c_bytes;
        }
        for (int i = 0; i < lines; i++) __builtin_prefetch(next + i * line);
        next += step;
        for (int n = 0; n < GEMM_STEPS; n += 2) GEMM_RUN(2); /* 3 % faster than one at a time; four are slower */
    }
    for (; l < k; l++) GEMM_RUN(1);
    if (t->simple) {
        REAL *c = t->c;
        const int64_t c_row = t->c_row;
        if (t->bias) {
            VEC x[GEMM_VECS];
            for (int v = 0; v < GEMM_VECS; v++) x[v] = v_load(t->bias + v * LANES);
#pragma GCC unroll 16
            for (int i = 0; i < GEMM_ROWS; i++)
                for (int v = 0; v < GEMM_VECS; v++) acc[i][v] += x[v];
        }
        if (t->keep != 0) {
#pragma GCC unroll 16
            for (int i = 0; i < GEMM_ROWS; i++)
                for (int v = 0; v < GEMM_VECS; v++) acc[i][v] += v_load(c + i * c_row + v * LANES);
        }
#pragma GCC unroll 16
        for (int i = 0; i < GEMM_ROWS; i++)
            for (int v = 0; v < GEMM_VECS; v++) v_store(c + i * c_row + v * LANES, acc[i][v]);
        return;
    }
    REAL sum[GEMM_ROWS][GEMM_COLS];
#pragma GCC unroll 16
    for (int i = 0; i < GEMM_ROWS; i++)
        for (int v = 0; v < GEMM_VECS; v++) v_store(sum[i] + v * LANES, acc[i][v]);
    (transposed ? NAME(tile_end_transposed) : NAME(tile_end))(t, (const REAL(*)[GEMM_COLS])sum);
}
#undef GEMM_RUN
