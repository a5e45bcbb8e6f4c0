/*
 * winograd_tile.h: the transforms of Winograd's F(2x2, 3x3) in registers (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016). A
 * template: see vec_real.h.
 *
 * 2 x 2 outputs y of a 3 x 3 filter g over 4 x 4 inputs d, with 16 multiplications in the place of 36, per channel:
 *
 *      y = A^T [ (G g G^T) * (B^T d B) ] A          * elementwise; sums over channels stand between the brackets
 *
 *            | 1  0 -1  0 |        | 1    0   0  |
 *      B^T = | 0  1  1  0 |    G = | .5  .5  .5  |    A^T = | 1  1  1  0 |
 *            | 0 -1  1  0 |        | .5 -.5  .5  |          | 0  1 -1 -1 |
 *            | 0  1  0 -1 |        | 0    0   1  |
 *
 * and turned around, the filter's gradient from that of y:  gg = G^T [ (A gy A^T) * (B^T d B) ] G.
 *
 * Each lane is a tile (or a channel) of its own. A square of registers is row after row; lines of it are `step` registers apart, so that the same
 * functions transform rows and columns. What one line is made into may lie where it was.
 */

/* ---- one line ---- */

CT__INLINE void NAME(wino_input_line)(const VEC *d, const int step, VEC *v, const int v_step) { /* B^T */
    const VEC a = d[0], b = d[step], c = d[2 * step], e = d[3 * step];
    v[0] = a - c;
    v[v_step] = b + c;
    v[2 * v_step] = c - b;
    v[3 * v_step] = b - e;
}

CT__INLINE void NAME(wino_filter_line)(const VEC *g, const int step, VEC *u, const int u_step) { /* G */
    const VEC half = v_splat((REAL)0.5), a = g[0], b = g[step], c = g[2 * step], ends = a + c;
    u[0] = a;
    u[u_step] = half * (ends + b);
    u[2 * u_step] = half * (ends - b);
    u[3 * u_step] = c;
}

CT__INLINE void NAME(wino_output_line)(const VEC *m, const int step, VEC *y, const int y_step) { /* A^T */
    const VEC a = m[0], b = m[step], c = m[2 * step], e = m[3 * step];
    y[0] = a + (b + c);
    y[y_step] = (b - c) - e;
}

CT__INLINE void NAME(wino_output_grad_line)(const VEC *gy, const int step, VEC *m, const int m_step) { /* A */
    const VEC a = gy[0], b = gy[step];
    m[0] = a;
    m[m_step] = a + b;
    m[2 * m_step] = a - b;
    m[3 * m_step] = -b;
}

CT__INLINE void NAME(wino_filter_grad_line)(const VEC *m, const int step, VEC *g, const int g_step) { /* G^T */
    const VEC half = v_splat((REAL)0.5), a = m[0], b = m[step], c = m[2 * step], e = m[3 * step], sum = half * (b + c);
    g[0] = a + sum;
    g[g_step] = half * (b - c);
    g[2 * g_step] = sum + e;
}

/* ---- squares ---- */

CT__INLINE void NAME(wino_input)(VEC d[16]) { /* 4 x 4 in place: B^T d B */
    for (int i = 0; i < 4; i++) NAME(wino_input_line)(d + 4 * i, 1, d + 4 * i, 1);
    for (int j = 0; j < 4; j++) NAME(wino_input_line)(d + j, 4, d + j, 4);
}

CT__INLINE void NAME(wino_filter)(const VEC g[9], VEC u[16]) { /* 3 x 3 to 4 x 4: G g G^T */
    VEC half[12];
    for (int j = 0; j < 3; j++) NAME(wino_filter_line)(g + j, 3, half + j, 3);
    for (int i = 0; i < 4; i++) NAME(wino_filter_line)(half + 3 * i, 1, u + 4 * i, 1);
}

CT__INLINE void NAME(wino_output)(const VEC m[16], VEC y[4]) { /* 4 x 4 to 2 x 2: A^T m A */
    VEC half[8];
    for (int j = 0; j < 4; j++) NAME(wino_output_line)(m + j, 4, half + j, 4);
    for (int i = 0; i < 2; i++) NAME(wino_output_line)(half + 4 * i, 1, y + 2 * i, 1);
}

CT__INLINE void NAME(wino_output_grad)(const VEC gy[4], VEC m[16]) { /* 2 x 2 to 4 x 4: A gy A^T */
    VEC half[8];
    for (int j = 0; j < 2; j++) NAME(wino_output_grad_line)(gy + j, 2, half + j, 2);
    for (int i = 0; i < 4; i++) NAME(wino_output_grad_line)(half + 2 * i, 1, m + 4 * i, 1);
}

CT__INLINE void NAME(wino_filter_grad)(const VEC m[16], VEC g[9]) { /* 4 x 4 to 3 x 3: G^T m G */
    VEC half[12];
    for (int j = 0; j < 4; j++) NAME(wino_filter_grad_line)(m + j, 4, half + j, 4);
    for (int i = 0; i < 3; i++) NAME(wino_filter_grad_line)(half + 4 * i, 1, g + 3 * i, 1);
}
