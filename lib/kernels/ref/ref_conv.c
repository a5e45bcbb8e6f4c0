/*
 * ref_conv.c: convolution as its definition says, in plain C. Sums are in double for both element types.
 */
#include "kernels/kernels.h"

void ct__conv_fill_ref(ct__conv_kernels *k);

static double get(const void *p, int real, int64_t i) { return real == CT__REAL_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i]; }
static void put(void *p, int real, int64_t i, double v) {
    if (real == CT__REAL_F64) ((double *)p)[i] = v;
    else ((float *)p)[i] = (float)v;
}

static int64_t at_x(const ct__conv_shape *s, int64_t n, int64_t c, int64_t i, int64_t j) {
    return s->x_last ? ((n * s->h + i) * s->w + j) * s->c + c : ((n * s->c + c) * s->h + i) * s->w + j;
}
static int64_t at_y(const ct__conv_shape *s, int64_t n, int64_t f, int64_t i, int64_t j) {
    return s->y_last ? ((n * s->oh + i) * s->ow + j) * s->f + f : ((n * s->f + f) * s->oh + i) * s->ow + j;
}

typedef struct job {
    const ct__conv_shape *s;
    int real;
    const void *x, *w, *bias, *gy; /* bias: of int64 */
    ct__conv_end end;
    void *y, *gx, *gw, *gbias;
} job;

/* ---- rows ----
 * Sums along a row are kept apart in blocks of columns: one running sum per output element would wait for each addition. */

enum { BLOCK = 64 };

/* Output columns j in [*begin, *end) of those given whose input column j stride + offset lies in [low, high). */
static void clip_columns(int64_t *begin, int64_t *end, int64_t stride, int64_t offset, int64_t low, int64_t high) {
    int64_t first = low > offset ? (low - offset + stride - 1) / stride : 0, last = high > offset ? (high - offset + stride - 1) / stride : 0;
    if (first > *begin) *begin = first;
    if (last < *end) *end = last;
}

/* sum[k sum_step] += w v[k step] for k < n, v of the given element type from element `at` on. Steps of 1, as nearly always, get a loop of their own: the
 * compiler's loops over unknown steps take three times as long. */
static void add_products(double *sum, int64_t sum_step, double w, const void *v, int real, int64_t at, int64_t step, int64_t n) {
    const double *d = (const double *)v + (real == CT__REAL_F64 ? at : 0);
    const float *f = (const float *)v + (real == CT__REAL_F64 ? 0 : at);
    if (sum_step == 1 && step == 1 && real == CT__REAL_F64)
        for (int64_t k = 0; k < n; k++) sum[k] += w * d[k];
    else if (sum_step == 1 && step == 1)
        for (int64_t k = 0; k < n; k++) sum[k] += w * (double)f[k];
    else
        for (int64_t k = 0; k < n; k++) sum[k * sum_step] += w * get(v, real, at + k * step);
}

/* sum[k] += x[k x_step] y[k y_step] for k < n. */
static void add_pairs(double *sum, const void *x, int64_t x_at, int64_t x_step, const void *y, int64_t y_at, int64_t y_step, int real, int64_t n) {
    const double *xd = (const double *)x + (real == CT__REAL_F64 ? x_at : 0), *yd = (const double *)y + (real == CT__REAL_F64 ? y_at : 0);
    const float *xf = (const float *)x + (real == CT__REAL_F64 ? 0 : x_at), *yf = (const float *)y + (real == CT__REAL_F64 ? 0 : y_at);
    if (x_step == 1 && y_step == 1 && real == CT__REAL_F64)
        for (int64_t k = 0; k < n; k++) sum[k] += xd[k] * yd[k];
    else if (x_step == 1 && y_step == 1)
        for (int64_t k = 0; k < n; k++) sum[k] += (double)xf[k] * (double)yf[k];
    else
        for (int64_t k = 0; k < n; k++) sum[k] += get(x, real, x_at + k * x_step) * get(y, real, y_at + k * y_step);
}

/* ---- forward: one output plane per item ---- */

/* Columns j0 .. j1 - 1 of row i of the plane (n, f), at most BLOCK of them. */
static void forward_block(const job *o, int64_t n, int64_t f, int64_t i, int64_t j0, int64_t j1) {
    const ct__conv_shape *s = o->s;
    int64_t cg = s->c / s->groups, c0 = f / (s->f / s->groups) * cg, step = (s->x_last ? s->c : 1) * s->stride_w;
    double sum[BLOCK] = {0};
    for (int64_t a = 0; a < s->kh; a++) {
        int64_t xi = i * s->stride_h - s->pad_h + a * s->dil_h;
        if (xi < 0 || xi >= s->h) continue;
        for (int64_t b = 0; b < s->kw; b++) {
            int64_t begin = j0, end = j1, shift = b * s->dil_w - s->pad_w;
            clip_columns(&begin, &end, s->stride_w, shift, 0, s->w);
            for (int64_t c = 0; c < cg && begin < end; c++)
                add_products(sum + (begin - j0), 1, get(o->w, o->real, ((f * cg + c) * s->kh + a) * s->kw + b), o->x, o->real,
                             at_x(s, n, c0 + c, xi, begin * s->stride_w + shift), step, end - begin);
        }
    }
    double scale = o->end.scale ? get(o->end.scale, o->real, f) : 1, bias = o->end.bias ? get(o->end.bias, o->real, f) : 0;
    for (int64_t j = j0; j < j1; j++) {
        double y = sum[j - j0] * scale + bias;
        put(o->y, o->real, at_y(s, n, f, i, j), o->end.relu && y <= 0 ? 0 : y);
    }
}

static void forward_planes(int64_t begin, int64_t end, void *arg) {
    const job *o = arg;
    const ct__conv_shape *s = o->s;
    for (int64_t p = begin; p < end; p++)
        for (int64_t i = 0; i < s->oh; i++)
            for (int64_t j = 0; j < s->ow; j += BLOCK) forward_block(o, p / s->f, p % s->f, i, j, j + BLOCK < s->ow ? j + BLOCK : s->ow);
}

/* ---- gradient of the input: what each input element was multiplied with ---- */

static void input_grad_block(const job *o, int64_t n, int64_t c, int64_t xi, int64_t x0, int64_t x1) {
    const ct__conv_shape *s = o->s;
    int64_t cg = s->c / s->groups, fg = s->f / s->groups, f0 = c / cg * fg, step = s->y_last ? s->f : 1;
    double sum[BLOCK] = {0};
    for (int64_t a = 0; a < s->kh; a++) {
        int64_t i = xi + s->pad_h - a * s->dil_h;
        if (i < 0 || i % s->stride_h || i / s->stride_h >= s->oh) continue;
        i /= s->stride_h;
        for (int64_t b = 0; b < s->kw; b++) {
            int64_t begin = 0, end = s->ow, shift = b * s->dil_w - s->pad_w;
            clip_columns(&begin, &end, s->stride_w, shift, x0, x1);
            for (int64_t f = f0; f < f0 + fg && begin < end; f++)
                add_products(sum + (begin * s->stride_w + shift - x0), s->stride_w, get(o->w, o->real, ((f * cg + c % cg) * s->kh + a) * s->kw + b), o->gy,
                             o->real, at_y(s, n, f, i, begin), step, end - begin);
        }
    }
    for (int64_t j = x0; j < x1; j++) put(o->gx, o->real, at_x(s, n, c, xi, j), sum[j - x0]);
}

static void input_grad_planes(int64_t begin, int64_t end, void *arg) {
    const job *o = arg;
    const ct__conv_shape *s = o->s;
    for (int64_t p = begin; p < end; p++)
        for (int64_t i = 0; i < s->h; i++)
            for (int64_t j = 0; j < s->w; j += BLOCK) input_grad_block(o, p / s->c, p % s->c, i, j, j + BLOCK < s->w ? j + BLOCK : s->w);
}

/* ---- the same for int64 ---- */

static void forward_ints(int64_t begin, int64_t end, void *arg) {
    const job *o = arg;
    const ct__conv_shape *s = o->s;
    int64_t cg = s->c / s->groups, taps = s->kh * s->kw, pixels = s->oh * s->ow;
    const uint64_t *x = o->x, *w = o->w, *bias = o->bias;
    uint64_t *y = o->y;
    for (int64_t p = begin; p < end; p++)
        for (int64_t at = 0; at < pixels; at++) {
            int64_t n = p / s->f, f = p % s->f, i = at / s->ow, j = at % s->ow, c0 = f / (s->f / s->groups) * cg;
            uint64_t sum = bias ? bias[f] : 0;
            for (int64_t k = 0; k < cg * taps; k++) {
                int64_t xi = i * s->stride_h - s->pad_h + k % taps / s->kw * s->dil_h, xj = j * s->stride_w - s->pad_w + k % s->kw * s->dil_w;
                if (xi < 0 || xi >= s->h || xj < 0 || xj >= s->w) continue;
                sum += x[at_x(s, n, c0 + k / taps, xi, xj)] * w[f * cg * taps + k];
            }
            y[at_y(s, n, f, i, j)] = sum;
        }
}

static void input_grad_ints(int64_t begin, int64_t end, void *arg) {
    const job *o = arg;
    const ct__conv_shape *s = o->s;
    int64_t cg = s->c / s->groups, fg = s->f / s->groups, taps = s->kh * s->kw, pixels = s->h * s->w;
    const uint64_t *gy = o->gy, *w = o->w;
    uint64_t *gx = o->gx;
    for (int64_t p = begin; p < end; p++)
        for (int64_t at = 0; at < pixels; at++) {
            int64_t n = p / s->c, c = p % s->c, xi = at / s->w, xj = at % s->w;
            uint64_t sum = 0;
            for (int64_t k = 0; k < fg * taps; k++) {
                int64_t f = c / cg * fg + k / taps, i = xi + s->pad_h - k % taps / s->kw * s->dil_h, j = xj + s->pad_w - k % s->kw * s->dil_w;
                if (i < 0 || i % s->stride_h || i / s->stride_h >= s->oh || j < 0 || j % s->stride_w || j / s->stride_w >= s->ow) continue;
                sum += gy[at_y(s, n, f, i / s->stride_h, j / s->stride_w)] * w[(f * cg + c % cg) * taps + k % taps];
            }
            gx[at_x(s, n, c, xi, xj)] = sum;
        }
}

/* ---- gradients of weight and bias: one filter per item ---- */

static double weight_grad_at(const job *o, int64_t f, int64_t c, int64_t a, int64_t b) {
    const ct__conv_shape *s = o->s;
    int64_t begin = 0, end = s->ow, shift = b * s->dil_w - s->pad_w, x_step = (s->x_last ? s->c : 1) * s->stride_w, y_step = s->y_last ? s->f : 1;
    double sum[BLOCK] = {0}, total = 0;
    clip_columns(&begin, &end, s->stride_w, shift, 0, s->w);
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t i = 0; i < s->oh; i++) {
            int64_t xi = i * s->stride_h - s->pad_h + a * s->dil_h;
            if (xi < 0 || xi >= s->h) continue;
            for (int64_t j = begin; j < end; j += BLOCK)
                add_pairs(sum, o->x, at_x(s, n, c, xi, j * s->stride_w + shift), x_step, o->gy, at_y(s, n, f, i, j), y_step, o->real,
                          end - j < BLOCK ? end - j : BLOCK);
        }
    for (int k = 0; k < BLOCK; k++) total += sum[k];
    return total;
}

static void weight_grad_filters(int64_t begin, int64_t end, void *arg) {
    const job *o = arg;
    const ct__conv_shape *s = o->s;
    int64_t cg = s->c / s->groups, fg = s->f / s->groups;
    for (int64_t f = begin; f < end; f++) {
        for (int64_t c = 0; c < cg; c++)
            for (int64_t a = 0; a < s->kh; a++)
                for (int64_t b = 0; b < s->kw; b++)
                    put(o->gw, o->real, ((f * cg + c) * s->kh + a) * s->kw + b, weight_grad_at(o, f, f / fg * cg + c, a, b));
        if (!o->gbias) continue;
        double sum = 0;
        for (int64_t n = 0; n < s->n; n++)
            for (int64_t i = 0; i < s->oh; i++)
                for (int64_t j = 0; j < s->ow; j++) sum += get(o->gy, o->real, at_y(s, n, f, i, j));
        put(o->gbias, o->real, f, sum);
    }
}

/* ---- the table ---- */

static size_t scratch(const ct__conv_shape *s, ct__conv_pass pass, int real) {
    (void)s, (void)pass, (void)real;
    return 0;
}

static void forward(const ct__conv_shape *s, int real, const void *x, const void *w, const ct__conv_end *end, void *y) {
    job o = {.s = s, .real = real, .x = x, .w = w, .y = y};
    if (end) o.end = *end;
    ct__parallel_for(s->n * s->f, 1, forward_planes, &o);
}
static void input_grad(const ct__conv_shape *s, int real, const void *gy, const void *w, void *gx) {
    job o = {.s = s, .real = real, .gy = gy, .w = w, .gx = gx};
    ct__parallel_for(s->n * s->c, 1, input_grad_planes, &o);
}
static void weight_grad(const ct__conv_shape *s, int real, const void *x, const void *gy, void *gw, void *gbias) {
    job o = {.s = s, .real = real, .x = x, .gy = gy, .gw = gw, .gbias = gbias};
    ct__parallel_for(s->f, 1, weight_grad_filters, &o);
}

static void forward_f32(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *mem) {
    (void)mem;
    forward(s, CT__REAL_F32, x, w, end, y);
}
static void forward_f64(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *mem) {
    (void)mem;
    forward(s, CT__REAL_F64, x, w, end, y);
}
static void input_grad_f32(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *mem) {
    (void)mem;
    input_grad(s, CT__REAL_F32, gy, w, gx);
}
static void input_grad_f64(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *mem) {
    (void)mem;
    input_grad(s, CT__REAL_F64, gy, w, gx);
}
static void weight_grad_f32(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *mem) {
    (void)mem;
    weight_grad(s, CT__REAL_F32, x, gy, gw, gbias);
}
static void weight_grad_f64(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *mem) {
    (void)mem;
    weight_grad(s, CT__REAL_F64, x, gy, gw, gbias);
}

static void forward_i64(const ct__conv_shape *s, const void *x, const void *w, const void *bias, void *y) {
    job o = {.s = s, .x = x, .w = w, .bias = bias, .y = y};
    ct__parallel_for(s->n * s->f, 1, forward_ints, &o);
}
static void input_grad_i64(const ct__conv_shape *s, const void *gy, const void *w, void *gx) {
    job o = {.s = s, .gy = gy, .w = w, .gx = gx};
    ct__parallel_for(s->n * s->c, 1, input_grad_ints, &o);
}

void ct__conv_fill_ref(ct__conv_kernels *k) {
    *k = (ct__conv_kernels){
        .scratch = scratch,
        .forward = {forward_f32, forward_f64},
        .input_grad = {input_grad_f32, input_grad_f64},
        .weight_grad = {weight_grad_f32, weight_grad_f64},
        .forward_i64 = forward_i64,
        .input_grad_i64 = input_grad_i64,
    };
}
