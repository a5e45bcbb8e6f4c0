/*
 * conv_pack.h: moving elements between the layouts of tensors and those that the convolution's inner loops read. A template: see vec_real.h.
 */

/* n neighbouring pixels of an image, from column `at` of row `row`, to channels-last. */
static void NAME(pack_pixels)(const conv_plan *p, const REAL *image, int64_t row, int64_t at, int64_t n, REAL *out) {
    if (p->src_last)
        memcpy(out, image + (row * p->h.src + at) * p->src_c, (size_t)(n * p->src_c) * sizeof *out);
    else
        NAME(conv_transpose)(image + row * p->h.src + at, p->v.src * p->h.src, p->src_c, n, out, p->src_c);
}

/*
 * Rows first ... first + n - 1 of a source image, which may lie outside of it, to out [n][packed_w][C] with zeros around. Without columns to pad or
 * leave out, the rows inside are one stretch.
 */
static CT__NOINLINE void NAME(pack_source)(const conv_plan *p, const REAL *image, int64_t first, int64_t n, REAL *out) {
    int64_t line = p->packed_w * p->src_c;
    int64_t above = ct__max_i64(0, ct__min_i64(n, -first)), end = ct__max_i64(above, ct__min_i64(n, p->v.src - first));
    int64_t left = ct__max_i64(0, ct__min_i64(p->packed_w, -p->h.low)), right = ct__max_i64(left, ct__min_i64(p->packed_w, p->h.src - p->h.low));
    memset(out, 0, (size_t)(above * line) * sizeof *out);
    memset(out + end * line, 0, (size_t)((n - end) * line) * sizeof *out);
    if (left == 0 && right == p->packed_w && p->packed_w == p->h.src) {
        if (end > above) NAME(pack_pixels)(p, image, first + above, 0, (end - above) * p->h.src, out + above * line);
        return;
    }
    for (int64_t r = above; r < end; r++) {
        REAL *to = out + r * line;
        memset(to, 0, (size_t)(left * p->src_c) * sizeof *out);
        if (right > left) NAME(pack_pixels)(p, image, first + r, left + p->h.low, right - left, to + left * p->src_c);
        memset(to + right * p->src_c, 0, (size_t)((p->packed_w - right) * p->src_c) * sizeof *out);
    }
}

/*
 * The source of a task that begins at dest row r0: packed into buffer, or where it lies. *line becomes the elements from one row to the next, the
 * result the place that run offsets of dest (r0, 0) count from.
 */
static const REAL *NAME(task_source)(const conv_plan *p, const REAL *src, int64_t image, int64_t r0, int64_t rows, REAL *buffer, int64_t *line) {
    const REAL *from = src + image * p->v.src * p->h.src * p->src_c;
    int64_t first = r0 / p->v.dst_step * p->v.src_step + p->v.low;
    *line = p->packed_w * p->src_c;
    if (p->direct) return from + (first * p->h.src + p->h.low) * p->src_c;
    int64_t phase_rows = (rows + p->v.dst_step - 1) / p->v.dst_step;
    NAME(pack_source)(p, from, first, (phase_rows - 1) * p->v.src_step + p->v.span, buffer);
    return buffer;
}
