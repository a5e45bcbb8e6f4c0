/*
 * op_grid_sample.c: images and volumes at the points of a grid.
 *
 *     y[n, c, p] = sum over taps k of  w_k(grid[n, p]) x[n, c, place_k]      w_k: the product of the axes' weights
 *
 * A kernel for each of forward and backward. While backward is recorded (gradients of gradients), it is written with operations instead: the places, and
 * the position t between taps with its slope, are constants of a point; t itself is slope coordinate + constant, the weights are polynomials of t.
 */
#include "kernels/kernels.h"
#include "ops/half.h"
#include "ops/image.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_vision.h>

#include <string.h>

typedef struct grid_ctx {
    ct__grid_shape s;
} grid_ctx;

static int real_of(const ct_tensor *t) { return t->dtype == CT_F64 ? CT__REAL_F64 : CT__REAL_F32; }

/* ---- backward by the kernel ---- */

static void fused_backward(ct__node *n, const ct__grid_shape *s, ct_tensor *g, ct_tensor **gin) {
    const char *fn = ct__fn(CT__OP_grid_sample);
    ct_tensor *x = ct__saved(n, 0), *grid = ct__saved(n, 1), *gx = NULL, *ggrid = NULL;
    if (ct__pending() != CT_OK) return;
    ct_tensor *xd = ct__dense(fn, x), *pd = xd ? ct__dense(fn, grid) : NULL, *gd = pd ? ct__dense(fn, g) : NULL;
    if (gd && ct__needs(n, 0)) gx = ct__new(fn, x->sizes, x->ndim, (ct_dtype)x->dtype);
    if (gd && ct__needs(n, 1)) ggrid = ct__new(fn, grid->sizes, grid->ndim, (ct_dtype)grid->dtype);
    if (ct__pending() == CT_OK)
        ct__kern()->vision.grid_backward[real_of(x)](s, ct__ptr(xd), ct__ptr(pd), ct__ptr(gd), gx ? ct__ptr(gx) : NULL, ggrid ? ct__ptr(ggrid) : NULL);
    ct__unref(gd);
    ct__unref(pd);
    ct__unref(xd);
    gin[0] = ct__scope_give(gx);
    gin[1] = ct__scope_give(ggrid);
}

/* ---- backward by operations ---- */

typedef struct points {
    ct_tensor *place, *inside;                                    /* [N, K, P] */
    ct_tensor *fraction, *slope;                                  /* [axes, N, P] */
    ct_tensor *w[CT__GRID_AXES][CT__GRID_TAPS], *dw[CT__GRID_AXES][CT__GRID_TAPS]; /* [N, P]; by the coordinate */
    int taps, all;
} points;

static bool find_places(const ct__grid_shape *s, ct_tensor *grid, points *p) {
    const char *fn = ct__fn(CT__OP_grid_sample);
    ct_dtype dtype = (ct_dtype)grid->dtype;
    p->taps = ct__grid_taps(s);
    p->all = 1;
    for (int j = 0; j < s->axes; j++) p->all *= p->taps;
    const int64_t by_tap[] = {s->n, p->all, s->points}, by_axis[] = {s->axes, s->n, s->points};
    p->place = ct_empty(by_tap, 3, CT_I64);
    p->inside = ct_empty(by_tap, 3, dtype);
    p->fraction = ct_empty(by_axis, 3, dtype);
    p->slope = ct_empty(by_axis, 3, dtype);
    ct_tensor *dense = p->slope ? ct__dense(fn, grid) : NULL;
    if (!dense) return false;
    ct__grid_places out = {(int64_t *)(void *)ct__ptr(p->place), ct__ptr(p->inside), ct__ptr(p->fraction), ct__ptr(p->slope)};
    if (grid->numel > 0) ct__kern()->vision.grid_places[real_of(grid)](s, ct__ptr(dense), &out);
    ct__unref(dense);
    return true;
}

/* a x^3 + b x^2 + c x + d */
static ct_tensor *cubic(ct_tensor *x, double a, double b, double c, double d) {
    ct_tensor *y = ct_add_scalar(ct_mul_scalar(x, a), b);
    y = ct_add_scalar(ct_mul(y, x), c);
    return ct_add_scalar(ct_mul(y, x), d);
}
static ct_tensor *near_weight(ct_tensor *x) { return cubic(x, 1.25, -2.25, 0, 1); }
static ct_tensor *far_weight(ct_tensor *x) { return cubic(x, -0.75, 3.75, -6, 3); }
static ct_tensor *near_slope(ct_tensor *x) { return cubic(x, 0, 3.75, -4.5, 0); }
static ct_tensor *far_slope(ct_tensor *x) { return cubic(x, 0, -2.25, 7.5, -6); }

/* The weights of axis j and their derivatives with respect to the coordinate. */
static void axis_weights(const ct__grid_shape *s, ct_tensor *grid, points *p, int j) {
    const int64_t flat[] = {s->n, s->points};
    ct_tensor *slope = ct_select(p->slope, 0, j), *fraction = ct_select(p->fraction, 0, j), **w = p->w[j], **dw = p->dw[j];
    ct_tensor *moved = ct_mul(slope, ct_reshape(ct_select(grid, -1, j), flat, 2));
    ct_tensor *t = ct_add(moved, ct_sub(fraction, ct_detach(moved))); /* fraction, with its derivative */
    if (s->mode == CT__GRID_NEAREST) {
        w[0] = ct_ones(flat, 2, (ct_dtype)grid->dtype);
        dw[0] = slope; /* 0 */
    } else if (s->mode == CT__GRID_BILINEAR) {
        w[0] = ct_sub_rscalar(1, t), w[1] = t;
        dw[0] = ct_neg(slope), dw[1] = slope;
    } else {
        ct_tensor *rest = ct_sub_rscalar(1, t), *before = ct_add_scalar(t, 1), *behind = ct_add_scalar(rest, 1);
        w[0] = far_weight(before), w[1] = near_weight(t), w[2] = near_weight(rest), w[3] = far_weight(behind);
        dw[0] = ct_mul(far_slope(before), slope), dw[1] = ct_mul(near_slope(t), slope);
        dw[2] = ct_neg(ct_mul(near_slope(rest), slope)), dw[3] = ct_neg(ct_mul(far_slope(behind), slope));
    }
}

/* The products of the axes' weights for all taps, [N, K, P]; axis `derived` (-1: none) gives its derivative. */
static ct_tensor *products(const ct__grid_shape *s, const points *p, int derived) {
    ct_tensor *product[16];
    for (int k = 0; k < p->all; k++)
        for (int j = 0, rest = k; j < s->axes; j++, rest /= p->taps) {
            ct_tensor *w = (j == derived ? p->dw : p->w)[j][rest % p->taps];
            product[k] = j == 0 ? w : ct_mul(product[k], w);
        }
    return ct_mul(ct_stack(product, p->all, 1), p->inside);
}

static void recorded_backward(ct__node *n, const ct__grid_shape *s, ct_tensor *g, ct_tensor **gin) {
    ct_tensor *x = ct__saved(n, 0), *grid = ct__saved(n, 1);
    points p = {0};
    if (ct__pending() != CT_OK || !find_places(s, grid, &p)) return;
    for (int j = 0; j < s->axes; j++) axis_weights(s, grid, &p, j);
    int64_t taps = (int64_t)p.all * s->points, pixels = s->size[0] * s->size[1] * s->size[2];
    const int64_t by_channel[] = {s->n, s->c, p.all, s->points}, joined[] = {s->n, s->c, taps}, flat[] = {s->n, s->c, pixels};
    const int64_t one[] = {s->n, 1, taps}, of_g[] = {s->n, s->c, 1, s->points};
    ct_tensor *place = ct_expand(ct_reshape(p.place, one, 3), joined, 3), *gy = ct_reshape(g, of_g, 4);
    if (ct__needs(n, 0)) {
        ct_tensor *share = ct_reshape(ct_mul(gy, ct_unsqueeze(products(s, &p, -1), 1)), joined, 3);
        gin[0] = ct_reshape(ct_scatter_add(ct_zeros(flat, 3, (ct_dtype)x->dtype), 2, place, share), x->sizes, x->ndim);
    }
    if (ct__needs(n, 1)) {
        ct_tensor *seen = ct_reshape(ct_gather(ct_reshape(x, flat, 3), 2, place), by_channel, 4), *part[CT__GRID_AXES];
        ct_tensor *sum = ct_sum_dim(ct_mul(gy, seen), CT_DIMS(1), NULL);
        for (int j = 0; j < s->axes; j++) part[j] = ct_sum_dim(ct_mul(products(s, &p, j), sum), CT_DIMS(1), NULL);
        gin[1] = ct_reshape(ct_stack(part, s->axes, 2), grid->sizes, grid->ndim);
    }
}

/* Slots: 0 x, 1 grid. */
static void grid_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const grid_ctx *c = ct__ctx(n);
    if (ct__grad_mode()) recorded_backward(n, &c->s, g[0], gin);
    else fused_backward(n, &c->s, g[0], gin);
}
static const ct__node_class grid_class = {.op = CT__OP_grid_sample, .backward = grid_backward, .ctx_size = sizeof(grid_ctx), .n_saved = 2};

/* ---- forward ---- */

static ct_tensor *sample(const ct__grid_shape *s, ct_tensor *x, ct_tensor *grid) {
    const char *fn = ct__fn(CT__OP_grid_sample);
    ct_tensor *in[] = {x, grid};
    if (!ct__enter(CT__OP_grid_sample, in, 2)) return NULL;
    int64_t sizes[5] = {s->n, s->c};
    memcpy(sizes + 2, grid->sizes + 1, (size_t)s->axes * sizeof *sizes);
    ct_tensor *y = ct__new(fn, sizes, s->axes + 2, (ct_dtype)x->dtype), *xd = y ? ct__dense(fn, x) : NULL, *gd = xd ? ct__dense(fn, grid) : NULL;
    ct__node *n = gd ? ct__node_new(&grid_class, in, 2, 1) : NULL;
    if (n) ((grid_ctx *)ct__ctx(n))->s = *s;
    ct__save(n, 0, x);
    ct__save(n, 1, grid);
    if (gd && y->numel > 0) ct__kern()->vision.grid_forward[real_of(x)](s, ct__ptr(xd), ct__ptr(gd), ct__ptr(y));
    ct__unref(gd);
    ct__unref(xd);
    return ct__finish(n, y);
}

static ct_status fit(const ct_tensor *x, const ct_tensor *grid, const ct_grid_sample_options *o, ct__grid_shape *s) {
    ct__shape_text a, b;
    if ((x->ndim != 4 && x->ndim != 5) || grid->ndim != x->ndim || grid->sizes[0] != x->sizes[0] || grid->sizes[x->ndim - 1] != x->ndim - 2)
        return ct__fail(CT_ERR_SHAPE,
                        "ct_grid_sample: x must be [N, C, H, W] with grid [N, H', W', 2], or [N, C, D, H, W] with [N, D', H', W', 3], got %s and %s",
                        CT__SIZES(&a, x), CT__SIZES(&b, grid));
    if (!ct__is_float(x) || x->dtype != grid->dtype)
        return ct__fail(CT_ERR_DTYPE, "ct_grid_sample: x is %s, grid is %s; both must be of one floating point dtype", ct_dtype_name((ct_dtype)x->dtype),
                        ct_dtype_name((ct_dtype)grid->dtype));
    if ((int)o->mode < 0 || o->mode > CT_GRID_SAMPLE_BICUBIC || (int)o->padding_mode < 0 || o->padding_mode > CT_GRID_SAMPLE_REFLECTION)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_grid_sample: unknown mode %d or padding_mode %d", (int)o->mode, (int)o->padding_mode);
    if (o->mode == CT_GRID_SAMPLE_BICUBIC && x->ndim == 5)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_grid_sample: bicubic is for images, x is %s", CT__SIZES(&a, x));
    *s = (ct__grid_shape){.axes = x->ndim - 2, .n = x->sizes[0], .c = x->sizes[1], .points = 1, .size = {1, 1, 1}, .mode = (ct__grid_mode)o->mode,
                          .padding = (ct__grid_padding)o->padding_mode, .align_corners = o->align_corners};
    for (int j = 0; j < s->axes; j++) {
        s->size[j] = x->sizes[x->ndim - 1 - j];
        s->points *= grid->sizes[1 + j];
        if (s->size[j] < 1) return ct__fail(CT_ERR_SHAPE, "ct_grid_sample: x %s has no pixels", CT__SIZES(&a, x));
    }
    return CT_OK;
}

ct_tensor *ct_grid_sample(ct_tensor *x, ct_tensor *grid, const ct_grid_sample_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x, &grid}, 2, &cast)) return ct_scope_return(cast, ct_grid_sample(x, grid, options));
    static const ct_grid_sample_options defaults = {0};
    ct__grid_shape s;
    if (!ct__enter(CT__OP_grid_sample, (ct_tensor *[]){x, grid}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_grid_sample", options));
    CT__TRY_NULL(fit(x, grid, options ? options : &defaults, &s));
    if (!ct__is_half(x)) return sample(&s, x, grid);
    ct__half h = ct__half_begin(x);
    return ct__half_end(h, sample(&s, ct__widen(x), ct__widen(grid)));
}
