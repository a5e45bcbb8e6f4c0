/*
 * ref_pool.c: pooling as its definition says, in plain C. Sums are in double.
 */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

void ct__pool_fill_ref(ct__pool_kernels *k);

static double get(const void *p, int real, int64_t i) { return real == CT__REAL_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i]; }
static void put(void *p, int real, int64_t i, double v) {
    if (real == CT__REAL_F64) ((double *)p)[i] = v;
    else ((float *)p)[i] = (float)v;
}

static int64_t at_x(const ct__pool_shape *s, int64_t plane, int64_t z, int64_t i, int64_t j) {
    return s->last ? ((plane / s->c * s->h + i) * s->w + j) * s->c + plane % s->c : ((plane * s->d + z) * s->h + i) * s->w + j;
}
static int64_t at_y(const ct__pool_shape *s, int64_t plane, int64_t z, int64_t i, int64_t j) {
    return s->last ? ((plane / s->c * s->oh + i) * s->ow + j) * s->c + plane % s->c : ((plane * s->od + z) * s->oh + i) * s->ow + j;
}

/* The place in the volume that a tap of output (z, i, j) reads; false outside. */
typedef struct place {
    int64_t z, i, j;
} place;
static bool tap_place(const ct__pool_shape *s, place y, int64_t tap, place *x) {
    x->z = y.z * s->stride_d - s->pad_d + tap / (s->kh * s->kw) * s->dil_d;
    x->i = y.i * s->stride_h - s->pad_h + tap / s->kw % s->kh * s->dil_h;
    x->j = y.j * s->stride_w - s->pad_w + tap % s->kw * s->dil_w;
    return x->z >= 0 && x->z < s->d && x->i >= 0 && x->i < s->h && x->j >= 0 && x->j < s->w;
}

typedef struct job {
    const ct__pool_shape *s;
    const ct__pool_windows *win;
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

/* All outputs of a channel. */
#define EACH_OUTPUT(s, y)                             \
    for (y.z = 0; y.z < (s)->od; y.z++)               \
        for (y.i = 0; y.i < (s)->oh; y.i++)           \
            for (y.j = 0; y.j < (s)->ow; y.j++)

static void max_window(const job *o, int64_t p, place y) {
    const ct__pool_shape *s = o->s;
    double best = -INFINITY;
    int64_t won = -1;
    for (int64_t t = 0; t < s->kd * s->kh * s->kw; t++) {
        place x;
        if (!tap_place(s, y, t, &x)) continue;
        double v = get(o->in, o->real, at_x(s, p, x.z, x.i, x.j));
        if (won < 0 || v > best || isnan(v)) {
            best = v;
            won = t;
        }
    }
    put(o->out, o->real, at_y(s, p, y.z, y.i, y.j), best);
    ct__pool_set_tap(s, o->out_taps, at_y(s, p, y.z, y.i, y.j), won);
}
static void max_plane(const job *o, int64_t p) {
    place y;
    EACH_OUTPUT(o->s, y) max_window(o, p, y);
}

static void zero_plane(const job *o, int64_t p) {
    for (int64_t z = 0; z < o->s->d; z++)
        for (int64_t i = 0; i < o->s->h; i++)
            for (int64_t j = 0; j < o->s->w; j++) put(o->out, o->real, at_x(o->s, p, z, i, j), 0);
}
static void scatter_plane(const job *o, int64_t p) {
    place y, w;
    zero_plane(o, p);
    EACH_OUTPUT(o->s, y) {
        int64_t at = at_y(o->s, p, y.z, y.i, y.j);
        tap_place(o->s, y, ct__pool_tap(o->s, o->taps, at), &w);
        int64_t x = at_x(o->s, p, w.z, w.i, w.j);
        put(o->out, o->real, x, get(o->out, o->real, x) + get(o->in, o->real, at));
    }
}
static void gather_plane(const job *o, int64_t p) {
    place y, w;
    EACH_OUTPUT(o->s, y) {
        int64_t at = at_y(o->s, p, y.z, y.i, y.j);
        tap_place(o->s, y, ct__pool_tap(o->s, o->taps, at), &w);
        put(o->out, o->real, at, get(o->in, o->real, at_x(o->s, p, w.z, w.i, w.j)));
    }
}
static void indices_plane(const job *o, int64_t p) {
    place y, w;
    EACH_OUTPUT(o->s, y) {
        int64_t at = at_y(o->s, p, y.z, y.i, y.j);
        tap_place(o->s, y, ct__pool_tap(o->s, o->taps, at), &w);
        o->indices[at] = (w.z * o->s->h + w.i) * o->s->w + w.j;
    }
}

static double divisor(const ct__pool_windows *w, place y) {
    return w->divisor != 0 ? w->divisor : w->planes[y.z].count * w->rows[y.i].count * w->cols[y.j].count;
}
#define EACH_OF_WINDOW(win, y, x)                                                             \
    for (x.z = (win)->planes[y.z].begin; x.z < (win)->planes[y.z].end; x.z++)                 \
        for (x.i = (win)->rows[y.i].begin; x.i < (win)->rows[y.i].end; x.i++)                 \
            for (x.j = (win)->cols[y.j].begin; x.j < (win)->cols[y.j].end; x.j++)

static void avg_plane(const job *o, int64_t p) {
    place y, x;
    EACH_OUTPUT(o->s, y) {
        double sum = 0;
        bool any = false;
        EACH_OF_WINDOW(o->win, y, x) {
            sum += get(o->in, o->real, at_x(o->s, p, x.z, x.i, x.j));
            any = true;
        }
        put(o->out, o->real, at_y(o->s, p, y.z, y.i, y.j), any ? sum / divisor(o->win, y) : 0);
    }
}
static void avg_backward_plane(const job *o, int64_t p) {
    place y, x;
    zero_plane(o, p);
    EACH_OUTPUT(o->s, y) {
        double g = get(o->in, o->real, at_y(o->s, p, y.z, y.i, y.j)) / divisor(o->win, y);
        EACH_OF_WINDOW(o->win, y, x) {
            int64_t at = at_x(o->s, p, x.z, x.i, x.j);
            put(o->out, o->real, at, get(o->out, o->real, at) + g);
        }
    }
}

static void max_forward_f32(const ct__pool_shape *s, const void *x, void *y, void *taps) {
    run(&(job){.s = s, .real = CT__REAL_F32, .in = x, .out = y, .out_taps = taps}, max_plane);
}
static void max_forward_f64(const ct__pool_shape *s, const void *x, void *y, void *taps) {
    run(&(job){.s = s, .real = CT__REAL_F64, .in = x, .out = y, .out_taps = taps}, max_plane);
}
static void max_scatter_f32(const ct__pool_shape *s, const void *gy, const void *taps, void *gx) {
    run(&(job){.s = s, .real = CT__REAL_F32, .in = gy, .taps = taps, .out = gx}, scatter_plane);
}
static void max_scatter_f64(const ct__pool_shape *s, const void *gy, const void *taps, void *gx) {
    run(&(job){.s = s, .real = CT__REAL_F64, .in = gy, .taps = taps, .out = gx}, scatter_plane);
}
static void max_gather_f32(const ct__pool_shape *s, const void *x, const void *taps, void *y) {
    run(&(job){.s = s, .real = CT__REAL_F32, .in = x, .taps = taps, .out = y}, gather_plane);
}
static void max_gather_f64(const ct__pool_shape *s, const void *x, const void *taps, void *y) {
    run(&(job){.s = s, .real = CT__REAL_F64, .in = x, .taps = taps, .out = y}, gather_plane);
}
static void max_indices(const ct__pool_shape *s, const void *taps, int64_t *indices) {
    run(&(job){.s = s, .taps = taps, .indices = indices}, indices_plane);
}
static void avg_forward_f32(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, void *y) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F32, .in = x, .out = y}, avg_plane);
}
static void avg_forward_f64(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, void *y) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F64, .in = x, .out = y}, avg_plane);
}
static void avg_backward_f32(const ct__pool_shape *s, const ct__pool_windows *win, const void *gy, void *gx) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F32, .in = gy, .out = gx}, avg_backward_plane);
}
static void avg_backward_f64(const ct__pool_shape *s, const ct__pool_windows *win, const void *gy, void *gx) {
    run(&(job){.s = s, .win = win, .real = CT__REAL_F64, .in = gy, .out = gx}, avg_backward_plane);
}

static void avg_plane_i64(const job *o, int64_t p) {
    const int64_t *in = o->in;
    place y, x;
    EACH_OUTPUT(o->s, y) {
        uint64_t sum = 0;
        EACH_OF_WINDOW(o->win, y, x) sum += (uint64_t)in[at_x(o->s, p, x.z, x.i, x.j)];
        ((int64_t *)o->out)[at_y(o->s, p, y.z, y.i, y.j)] = (int64_t)sum / (int64_t)divisor(o->win, y);
    }
}
static void avg_forward_i64(const ct__pool_shape *s, const ct__pool_windows *win, const void *x, void *y) {
    run(&(job){.s = s, .win = win, .in = x, .out = y}, avg_plane_i64);
}

#define IS_NAN(v) isnan(v)
#define TYPE float
#define NAME(x) x##_f32
#include "kernels/ref/ref_pool_places.inc"
#undef TYPE
#undef NAME
#define TYPE double
#define NAME(x) x##_f64
#include "kernels/ref/ref_pool_places.inc"
#undef TYPE
#undef NAME
#undef IS_NAN
#define IS_NAN(v) false
#define TYPE int64_t
#define NAME(x) x##_i64
#include "kernels/ref/ref_pool_places.inc"

void ct__pool_fill_ref(ct__pool_kernels *k) {
    *k = (ct__pool_kernels){
        .max_forward = {max_forward_f32, max_forward_f64},
        .max_scatter = {max_scatter_f32, max_scatter_f64},
        .max_gather = {max_gather_f32, max_gather_f64},
        .max_indices = max_indices,
        .avg_forward = {avg_forward_f32, avg_forward_f64},
        .avg_backward = {avg_backward_f32, avg_backward_f64},
        .avg_forward_i64 = avg_forward_i64,
        .max_places = {max_places_f32, max_places_f64, max_places_i64},
    };
}
