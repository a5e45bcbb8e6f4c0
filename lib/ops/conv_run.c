/*
 * conv_run.c: the passes of convolution on tensors: memory formats, scratch, and volumes cut into planes (see conv.h).
 *
 * Laying depth taps side by side copies each input plane KD times, in pieces of about VOLUME_BYTES, so that a piece is still in the cache when the
 * kernel reads it. A copied element is used F KH KW times: the copies do not count.
 */
#include "ops/conv.h"

#include "ops/activation.h"
#include "ops/elementwise.h"

#include <string.h>

enum { VOLUME_BYTES = 8 << 20 };

static bool is_last(const ct_tensor *t) { return !t->contiguous; } /* of an image of ct__image_new */
static size_t size_of(const ct_tensor *t) { return ct_dtype_size((ct_dtype)t->dtype); }
static void zero(ct_tensor *t) { memset(ct__ptr(t), 0, (size_t)t->numel * size_of(t)); }

/* ---- kernels, called with scratch; false with the error pending ---- */

typedef struct call {
    const char *function;
    ct_dtype dtype;
    ct__conv_shape s;
} call;

static int real_of(const call *c) { return c->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32; }

static void *scratch_for(const call *c, ct__conv_pass pass) {
    size_t bytes = c->dtype == CT_I64 ? 0 : ct__kern()->conv.scratch(&c->s, pass, real_of(c));
    if (bytes == SIZE_MAX) {
        ct__fail(CT_ERR_SHAPE, "%s: an image of %lld x %lld with %lld channels, padded, is too large", c->function, (long long)c->s.h,
                 (long long)c->s.w, (long long)c->s.c);
        return NULL;
    }
    return ct__alloc(bytes);
}

static bool forward_call(const call *c, const void *x, const void *w, const ct__conv_end *end, void *y) {
    void *scratch = scratch_for(c, CT__CONV_FORWARD);
    if (!scratch) return false;
    if (c->dtype == CT_I64) ct__kern()->conv.forward_i64(&c->s, x, w, end->bias, y);
    else ct__kern()->conv.forward[real_of(c)](&c->s, x, w, end, y, scratch);
    ct__free(scratch);
    return true;
}

static bool input_grad_call(const call *c, const void *gy, const void *w, void *gx) {
    void *scratch = scratch_for(c, CT__CONV_INPUT_GRAD);
    if (!scratch) return false;
    if (c->dtype == CT_I64) ct__kern()->conv.input_grad_i64(&c->s, gy, w, gx);
    else ct__kern()->conv.input_grad[real_of(c)](&c->s, gy, w, gx, scratch);
    ct__free(scratch);
    return true;
}

static bool weight_grad_call(const call *c, const void *x, const void *gy, void *gw, void *gbias) {
    void *scratch = scratch_for(c, CT__CONV_WEIGHT_GRAD);
    if (scratch) ct__kern()->conv.weight_grad[real_of(c)](&c->s, x, gy, gw, gbias, scratch);
    ct__free(scratch);
    return scratch != NULL;
}

/* ---- volumes: pieces of output planes, counted through images and depth ---- */

typedef struct piece {
    const ct__conv_geometry *g;
    size_t size;        /* bytes of an element */
    int64_t begin, end; /* output planes: image i / od, depth i % od */
    char *x, *y;        /* row-major: [N, C, D, H, W], [N, F, OD, OH, OW] */
    char *px, *py;      /* of the piece: [end - begin, C KD, H, W], [end - begin, F, OH, OW] */
} piece;

/* The plane of x that tap k of output plane i reads; -1 in the padding. */
static int64_t depth_of(const ct__conv_geometry *g, int64_t i, int64_t k) {
    int64_t at = i % g->od * g->stride_d - g->pad_d + k * g->dil_d;
    return at >= 0 && at < g->d ? at : -1;
}

static void lay_out(int64_t begin, int64_t end, void *arg) { /* px = x; an item is a channel of an output plane */
    const piece *p = arg;
    const ct__conv_geometry *g = p->g;
    size_t bytes = (size_t)(g->s.h * g->s.w) * p->size;
    for (int64_t item = begin; item < end; item++)
        for (int64_t k = 0; k < g->kd; k++) {
            int64_t i = p->begin + item / g->s.c, c = item % g->s.c, at = depth_of(g, i, k);
            char *to = p->px + (size_t)(item * g->kd + k) * bytes;
            if (at < 0) memset(to, 0, bytes);
            else memcpy(to, p->x + (size_t)((i / g->od * g->s.c + c) * g->d + at) * bytes, bytes);
        }
}

static void add_run(void *to, const void *from, int64_t n, size_t size, bool integer) {
    if (integer) {
        for (int64_t i = 0; i < n; i++) ((uint64_t *)to)[i] += ((const uint64_t *)from)[i];
    } else if (size == sizeof(double)) {
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)from)[i];
    } else {
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
    }
}

typedef struct fold_job {
    const piece *p;
    bool integer;
} fold_job;

static void add_up(int64_t begin, int64_t end, void *arg) { /* x += px; an item is a channel, so that no two add to one place */
    const fold_job *job = arg;
    const piece *p = job->p;
    const ct__conv_geometry *g = p->g;
    int64_t plane = g->s.h * g->s.w;
    for (int64_t c = begin; c < end; c++)
        for (int64_t i = p->begin; i < p->end; i++)
            for (int64_t k = 0; k < g->kd; k++) {
                int64_t at = depth_of(g, i, k);
                if (at < 0) continue;
                const char *from = p->px + (size_t)((((i - p->begin) * g->s.c + c) * g->kd + k) * plane) * p->size;
                add_run(p->x + (size_t)(((i / g->od * g->s.c + c) * g->d + at) * plane) * p->size, from, plane, p->size, job->integer);
            }
}

/* py to y, or y to py: an item is a filter of an output plane. */
static char *y_plane(const piece *p, int64_t item, size_t bytes) {
    const ct__conv_geometry *g = p->g;
    int64_t i = p->begin + item / g->s.f, f = item % g->s.f;
    return p->y + (size_t)((i / g->od * g->s.f + f) * g->od + i % g->od) * bytes;
}
static void put_y(int64_t begin, int64_t end, void *arg) {
    const piece *p = arg;
    size_t bytes = (size_t)(p->g->s.oh * p->g->s.ow) * p->size;
    for (int64_t item = begin; item < end; item++) memcpy(y_plane(p, item, bytes), p->py + (size_t)item * bytes, bytes);
}
static void get_y(int64_t begin, int64_t end, void *arg) {
    const piece *p = arg;
    size_t bytes = (size_t)(p->g->s.oh * p->g->s.ow) * p->size;
    for (int64_t item = begin; item < end; item++) memcpy(p->py + (size_t)item * bytes, y_plane(p, item, bytes), bytes);
}

static void share(int64_t n, int64_t plane, void (*fn)(int64_t, int64_t, void *), void *arg) {
    ct__parallel_for(n, ct__max_i64(1, CT__GRAIN / ct__max_i64(plane, 1)), fn, arg);
}

static bool is_volume(const ct__conv_geometry *g) { return g->nd == 3; }

/* Sets c to the convolution of one piece and returns the number of output planes in a full piece; 0 with the error pending. */
static int64_t plan_pieces(const ct__conv_geometry *g, call *c, piece *p, size_t size) {
    int64_t px, py, channels;
    c->s = g->s;
    if (!ct__mul_i64(g->s.c, g->kd, &channels) || !ct__mul_i64(g->s.h, g->s.w, &px) || !ct__mul_i64(px, channels, &px) ||
        !ct__mul_i64(g->s.oh, g->s.ow, &py) || !ct__mul_i64(py, g->s.f, &py) || px > INT64_MAX / 64 || py > INT64_MAX / 64) {
        ct__fail(CT_ERR_SHAPE, "%s: %lld channels of %lld planes overflow", c->function, (long long)g->s.c, (long long)g->kd);
        return 0;
    }
    c->s.c = channels;
    int64_t planes = ct__max_i64(1, (int64_t)VOLUME_BYTES / ct__max_i64(1, px * (int64_t)size));
    planes = ct__min_i64(planes, g->s.n * g->od);
    *p = (piece){.g = g, .size = size};
    p->px = ct__alloc_array((size_t)(planes * px), size);
    p->py = p->px ? ct__alloc_array((size_t)(planes * py), size) : NULL;
    if (p->py) return planes;
    ct__free(p->px);
    p->px = NULL;
    return 0;
}

static void volume_forward(const ct__conv_geometry *g, call *c, char *x, const char *w, const ct__conv_end *end, char *y, size_t size) {
    piece p;
    int64_t planes = plan_pieces(g, c, &p, size), all = g->s.n * g->od;
    bool ok = planes > 0;
    p.x = x, p.y = y;
    for (p.begin = 0; ok && p.begin < all; p.begin = p.end) {
        p.end = ct__min_i64(p.begin + planes, all);
        c->s.n = p.end - p.begin;
        share(c->s.n * g->s.c, g->kd * g->s.h * g->s.w, lay_out, &p);
        ok = forward_call(c, p.px, w, end, p.py);
        if (ok) share(c->s.n * g->s.f, g->s.oh * g->s.ow, put_y, &p);
    }
    if (planes > 0) {
        ct__free(p.px);
        ct__free(p.py);
    }
}

static void volume_input_grad(const ct__conv_geometry *g, call *c, char *gy, const char *w, char *gx, size_t size) {
    piece p;
    fold_job job = {.p = &p, .integer = c->dtype == CT_I64};
    int64_t planes = plan_pieces(g, c, &p, size), all = g->s.n * g->od;
    bool ok = planes > 0;
    p.x = gx, p.y = gy;
    for (p.begin = 0; ok && p.begin < all; p.begin = p.end) {
        p.end = ct__min_i64(p.begin + planes, all);
        c->s.n = p.end - p.begin;
        share(c->s.n * g->s.f, g->s.oh * g->s.ow, get_y, &p);
        ok = input_grad_call(c, p.py, w, p.px);
        if (ok) share(g->s.c, c->s.n * g->kd * g->s.h * g->s.w, add_up, &job);
    }
    if (planes > 0) {
        ct__free(p.px);
        ct__free(p.py);
    }
}

/* gw and gbias are sums over the pieces; part has room for both. */
static void volume_weight_grad(const ct__conv_geometry *g, call *c, char *x, char *gy, ct_tensor *gw, ct_tensor *gbias) {
    piece p;
    size_t size = size_of(gw);
    char *part = ct__alloc_array((size_t)(gw->numel + g->s.f), size), *part_bias = part ? part + (size_t)gw->numel * size : NULL;
    int64_t planes = part ? plan_pieces(g, c, &p, size) : 0, all = g->s.n * g->od;
    bool ok = planes > 0;
    if (ok) p.x = x, p.y = gy, p.begin = 0;
    while (ok && p.begin < all) {
        p.end = ct__min_i64(p.begin + planes, all);
        c->s.n = p.end - p.begin;
        share(c->s.n * g->s.c, g->kd * g->s.h * g->s.w, lay_out, &p);
        share(c->s.n * g->s.f, g->s.oh * g->s.ow, get_y, &p);
        ok = weight_grad_call(c, p.px, p.py, part, gbias ? part_bias : NULL);
        if (ok) add_run(ct__ptr(gw), part, gw->numel, size, false);
        if (ok && gbias) add_run(ct__ptr(gbias), part_bias, g->s.f, size, false);
        p.begin = p.end;
    }
    if (planes > 0) {
        ct__free(p.px);
        ct__free(p.py);
    }
    ct__free(part);
}

/* ---- the passes ---- */

/* bias [C] as [C, 1, ...], which broadcasts over an image; a reference of the caller's. */
static ct_tensor *bias_view(const ct_tensor *bias, int nd) {
    int64_t sizes[4] = {1, 1, 1, 1}, strides[4] = {0};
    sizes[0] = bias->sizes[0];
    strides[0] = bias->strides[0];
    return ct__new_view(bias, sizes, strides, nd + 1, bias->offset);
}

static void add_bias(ct_tensor *out, const ct_tensor *bias, int nd) {
    ct_tensor *view = bias && ct__pending() == CT_OK ? bias_view(bias, nd) : NULL;
    if (view) ct__binary_into(CT__OP_add_, CT__BINARY_add, out, view, (ct_dtype)out->dtype);
    ct__unref(view);
}

/* No channels to sum over: y is the bias. */
static void forward_of_nothing(const ct__conv_geometry *g, const ct__conv_after *after, ct_tensor *y) {
    zero(y);
    add_bias(y, after->bias, g->nd);
    if (after->relu) ct__relu_fresh(y);
}

void ct__conv_forward(const char *function, const ct__conv_geometry *g, ct_tensor *x, ct_tensor *w, const ct__conv_after *after, ct_tensor *y) {
    call c = {.function = function, .dtype = (ct_dtype)y->dtype, .s = g->s};
    if (y->numel == 0) return;
    if (g->s.c == 0) {
        forward_of_nothing(g, after, y);
        return;
    }
    c.s.y_last = is_last(y);
    ct_tensor *xd = ct__image_read(function, x, &c.s.x_last), *wd = xd ? ct__dense(function, w) : NULL;
    ct_tensor *bd = after->bias && wd ? ct__dense(function, after->bias) : NULL, *sd = after->scale && wd ? ct__dense(function, after->scale) : NULL;
    if (wd && ct__pending() == CT_OK) {
        const ct__conv_end end = {.scale = sd ? ct__ptr(sd) : NULL, .bias = bd ? ct__ptr(bd) : NULL, .relu = after->relu};
        if (is_volume(g)) volume_forward(g, &c, ct__ptr(xd), ct__ptr(wd), &end, ct__ptr(y), size_of(y));
        else forward_call(&c, ct__ptr(xd), ct__ptr(wd), &end, ct__ptr(y));
    }
    ct__unref(sd);
    ct__unref(bd);
    ct__unref(wd);
    ct__unref(xd);
}

void ct__conv_input_grad(const char *function, const ct__conv_geometry *g, ct_tensor *w, ct_tensor *gy, ct_tensor *bias, ct_tensor *gx) {
    call c = {.function = function, .dtype = (ct_dtype)gx->dtype, .s = g->s};
    if (gx->numel == 0) return;
    c.s.x_last = is_last(gx);
    ct_tensor *gd = ct__image_read(function, gy, &c.s.y_last), *wd = gd ? ct__dense(function, w) : NULL;
    if (wd && is_volume(g)) {
        zero(gx);
        volume_input_grad(g, &c, ct__ptr(gd), ct__ptr(wd), ct__ptr(gx), size_of(gx));
    } else if (wd) {
        input_grad_call(&c, ct__ptr(gd), ct__ptr(wd), ct__ptr(gx));
    }
    add_bias(gx, bias, g->nd);
    ct__unref(wd);
    ct__unref(gd);
}

void ct__conv_weight_grad(const char *function, const ct__conv_geometry *g, ct_tensor *x, ct_tensor *gy, ct_tensor *gw, ct_tensor *gbias) {
    call c = {.function = function, .dtype = (ct_dtype)gw->dtype, .s = g->s};
    if (g->s.n == 0 || g->s.c == 0 || is_volume(g)) {
        zero(gw);
        if (gbias) zero(gbias);
    }
    if (g->s.n == 0 || g->s.c == 0) return;
    ct_tensor *xd = ct__image_read(function, x, &c.s.x_last), *gd = xd ? ct__image_read(function, gy, &c.s.y_last) : NULL;
    if (gd && is_volume(g)) volume_weight_grad(g, &c, ct__ptr(xd), ct__ptr(gd), gw, gbias);
    else if (gd) weight_grad_call(&c, ct__ptr(xd), ct__ptr(gd), ct__ptr(gw), gbias ? ct__ptr(gbias) : NULL);
    ct__unref(gd);
    ct__unref(xd);
}
