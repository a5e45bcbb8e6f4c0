/*
 * ref_pool2d.c: pooling as its definition says, in plain C. Sums are in double.
 */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

void ct__pool2d_fill_ref(ct__pool2d_kernels *k);

static double get(const void *p, int real, int64_t i) { return real == CT__REAL_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i]; }
static void put(void *p, int real, int64_t i, double v) {
    if (real == CT__REAL_F64) ((double *)p)[i] = v;
    else ((float *)p)[i] = (float)v;
}

static int64_t at_x(const ct__pool2d_shape *s, int64_t plane, int64_t i, int64_t j) {
    return s->last ? ((plane / s->c * s->h + i) * s->w + j) * s->c + plane % s->c : (plane * s->h + i) * s->w + j;
}
static int64_t at_y(const ct__pool2d_shape *s, int64_t plane, int64_t i, int64_t j) {
    return s->last ? ((plane / s->c * s->oh + i) * s->ow + j) * s->c + plane % s->c : (plane * s->oh + i) * s->ow + j;
}
static int64_t row_of(const ct__pool2d_shape *s, int64_t i, int64_t tap) { return i * s->stride_h - s->pad_h + tap / s->kw * s->dil_h; }
static int64_t col_of(const ct__pool2d_shape *s, int64_t j, int64_t tap) { return j * s->stride_w - s->pad_w + tap % s->kw * s->dil_w; }

typedef struct job {
    const ct__pool2d_shape *s;
    const ct__pool2d_windows *win;
    int real;
    const void *in, *taps;
    void *out, *out_taps;
    int64_t *indices;
    void (*plane)(const struct job *o, int64_t plane);
} job;

static void planes(int64_t begin, int64_t end, void *arg) {
    const job *o = arg;
    for (int64_t p = begin; p < end; p++) o->plane(o, p);
}
static void run(job *o, void (*plane)(const job *o, int64_t plane)) {
    o->plane = plane;
    ct__parallel_for(o->s->n * o->s->c, 1, planes, o);
}

static void max_window(const job *o, int64_t p, int64_t i, int64_t j) {
    const ct__pool2d_shape *s = o->s;
    double best = -INFINITY;
    int64_t won = -1;
    for (int64_t t = 0; t < s->kh * s->kw; t++) {
        int64_t r = row_of(s, i, t), c = col_of(s, j, t);
        if (r < 0 || r >= s->h || c < 0 || c >= s->w) continue;
        double v = get(o->in, o->real, at_x(s, p, r, c));
        if (won < 0 || v > best || isnan(v)) {
            best = v;
            won = t;
        }
    }
    put(o->out, o->real, at_y(s, p, i, j), best);
    ct__pool2d_set_tap(s, o->out_taps, at_y(s, p, i, j), won);
}
static void max_plane(const job *o, int64_t p) {
    for (int64_t i = 0; i < o->s->oh; i++)
        for (int64_t j = 0; j < o->s->ow; j++) max_window(o, p, i, j);
}

static void zero_plane(const job *o, int64_t p) {
    for (int64_t i = 0; i < o->s->h; i++)
        for (int64_t j = 0; j < o->s->w; j++) put(o->out, o->real, at_x(o->s, p, i, j), 0);
}
static void scatter_plane(const job *o, int64_t p) {
    const ct__pool2d_shape *s = o->s;
    zero_plane(o, p);
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++) {
            int64_t y = at_y(s, p, i, j), t = ct__pool2d_tap(s, o->taps, y), x = at_x(s, p, row_of(s, i, t), col_of(s, j, t));
            put(o->out, o->real, x, get(o->out, o->real, x) + get(o->in, o->real, y));
        }
}
static void gather_plane(const job *o, int64_t p) {
    const ct__pool2d_shape *s = o->s;
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++) {
            int64_t y = at_y(s, p, i, j), t = ct__pool2d_tap(s, o->taps, y);
            put(o->out, o->real, y, get(o->in, o->real, at_x(s, p, row_of(s, i, t), col_of(s, j, t))));
        }
}
static void indices_plane(const job *o, int64_t p) {
    const ct__pool2d_shape *s = o->s;
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++) {
            int64_t y = at_y(s, p, i, j), t = ct__pool2d_tap(s, o->taps, y);
            o->indices[y] = row_of(s, i, t) * s->w + col_of(s, j, t);
        }
}

static double divisor(const ct__pool2d_windows *w, int64_t i, int64_t j) {
    return w->divisor != 0 ? w->divisor : w->rows[i].count * w->cols[j].count;
}
static void avg_plane(const job *o, int64_t p) {
    const ct__pool2d_shape *s = o->s;
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++) {
            double sum = 0;
            for (int64_t r = o->win->rows[i].begin; r < o->win->rows[i].end; r++)
                for (int64_t c = o->win->cols[j].begin; c < o->win->cols[j].end; c++) sum += get(o->in, o->real, at_x(s, p, r, c));
            bool empty = o->win->rows[i].begin >= o->win->rows[i].end || o->win->cols[j].begin >= o->win->cols[j].end;
            put(o->out, o->real, at_y(s, p, i, j), empty ? 0 : sum / divisor(o->win, i, j));
        }
}
static void avg_backward_plane(const job *o, int64_t p) {
    const ct__pool2d_shape *s = o->s;
    zero_plane(o, p);
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++) {
            double g = get(o->in, o->real, at_y(s, p, i, j)) / divisor(o->win, i, j);
            for (int64_t r = o->win->rows[i].begin; r < o->win->rows[i].end; r++)
                for (int64_t c = o->win->cols[j].begin; c < o->win->cols[j].end; c++)
                    put(o->out, o->real, at_x(s, p, r, c), get(o->out, o->real, at_x(s, p, r, c)) + g);
        }
}

static void max_forward_f32(const ct__pool2d_shape *s, const void *x, void *y, void *taps) {
    run(&(job){.s = s, .real = CT__REAL_F32, .in = x, .out = y, .out_taps = taps}, max_plane);
}
static void max_forward_f64(const ct__pool2d_shape *s, const void *x, void *y, void *taps) {
    run(&(job){.s = s, .real = CT__REAL_F64, .in = x, .out = y, .out_taps = taps}, max_plane);
}
static void max_scatter_f32(const ct__pool2d_shape *s, const void *gy, const void *taps, void *gx) {
    run(&(job){.s = s, .real = CT__REAL_F32, .in = gy, .taps = taps, .out = gx}, scatter_plane);
}
static void max_scatter_f64(const ct__pool2d_shape *s, const void *gy, const void *taps, void *gx) {
    run(&(job){.s = s, .real = CT__REAL_F64, .in = gy, .taps = taps, .out = gx}, scatter_plane);
}
static void max_gather_f32(const ct__pool2d_shape *s, const void *x, const void *taps, void *y) {
    run(&(job){.s = s, .real = CT__REAL_F32, .in = x, .taps = taps, .out = y}, gather_plane);
}
static void max_gather_f64(const ct__pool2d_shape *s, const void *x, const void *taps, void *y) {
    run(&(job){.s = s, .real = CT__REAL_F64, .in = x, .taps = taps, .out = y}, gather_plane);
}
static void max_indices(const ct__pool2d_shape *s, const void *taps, int64_t *indices) {
    run(&(job){.s = s, .taps = taps, .indices = indices}, indices_plane);
}
static void avg_forward_f32(const ct__pool2d_shape *s, const ct__pool2d_windows *win, const void *x, void *y) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F32, .in = x, .out = y}, avg_plane);
}
static void avg_forward_f64(const ct__pool2d_shape *s, const ct__pool2d_windows *win, const void *x, void *y) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F64, .in = x, .out = y}, avg_plane);
}
static void avg_backward_f32(const ct__pool2d_shape *s, const ct__pool2d_windows *win, const void *gy, void *gx) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F32, .in = gy, .out = gx}, avg_backward_plane);
}
static void avg_backward_f64(const ct__pool2d_shape *s, const ct__pool2d_windows *win, const void *gy, void *gx) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F64, .in = gy, .out = gx}, avg_backward_plane);
}

void ct__pool2d_fill_ref(ct__pool2d_kernels *k) {
    *k = (ct__pool2d_kernels){
        .max_forward = {max_forward_f32, max_forward_f64},
        .max_scatter = {max_scatter_f32, max_scatter_f64},
        .max_gather = {max_gather_f32, max_gather_f64},
        .max_indices = max_indices,
        .avg_forward = {avg_forward_f32, avg_forward_f64},
        .avg_backward = {avg_backward_f32, avg_backward_f64},
    };
}
