/*
 * conv_transpose.h: rectangles of elements, transposed in the registers. A template: see vec_real.h.
 */

void NAME(conv_transpose)(const REAL *src, int64_t src_step, int64_t rows, int64_t cols, REAL *dst, int64_t dst_step) {
    if (rows == 3) { /* an image's colours: of a square of registers most would be empty */
        for (int64_t j = 0; j < cols; j++, dst += dst_step)
            for (int i = 0; i < 3; i++) dst[i] = src[i * src_step + j];
        return;
    }
    for (int64_t j = 0; j < cols; j += LANES) {
        int nj = (int)ct__min_i64(LANES, cols - j);
        for (int64_t i = 0; i < rows; i += LANES) {
            int ni = (int)ct__min_i64(LANES, rows - i);
            const REAL *s = src + i * src_step + j;
            REAL *d = dst + j * dst_step + i;
            VEC r[LANES];
            if (ni == LANES && nj == LANES) {
                for (int k = 0; k < LANES; k++) r[k] = v_load(s + k * src_step);
                v_transpose(r);
                for (int k = 0; k < LANES; k++) v_store(d + k * dst_step, r[k]);
            } else {
                for (int k = 0; k < LANES; k++) r[k] = k < ni ? v_load_n(s + k * src_step, nj) : v_zero();
                v_transpose(r);
                for (int k = 0; k < nj; k++) v_store_n(d + k * dst_step, r[k], ni);
            }
        }
    }
}
