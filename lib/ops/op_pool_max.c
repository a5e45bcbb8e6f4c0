/*
 * op_pool_max.c: max pooling, adaptive max pooling and the way back (unpooling), of lines, images and volumes.
 *
 * Max pooling saves which tap won, a byte per result, and not its input. What backward does, scatter, is linear in the gradient, and its own
 * derivative is the gather at the same places, whose derivative is the scatter again: two nodes give every order. Adaptive pooling and integers
 * find the places (int64) and gather there; unpooling scatters to given places: ct_gather and ct_scatter record them.
 */
#include "ops/half.h"
#include "ops/windows.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>

typedef ct__pool_geometry geometry;

/* ---- scatter and gather by taps ---- */

static ct_tensor *scatter(const geometry *g, ct_tensor *gy, ct_tensor *taps);
static ct_tensor *gather(const geometry *g, ct_tensor *x, ct_tensor *taps);

/* Slot 0: taps, in all three. */
static void max_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0) && g[0]) gin[0] = scatter(ct__ctx(n), g[0], ct__saved(n, 0));
}
static void scatter_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = gather(ct__ctx(n), g[0], ct__saved(n, 0));
}
static void gather_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = scatter(ct__ctx(n), g[0], ct__saved(n, 0));
}
#define CLASS(op_, function) {.op = op_, .backward = function, .ctx_size = sizeof(geometry), .n_saved = 1}
static const ct__node_class max_class[3] = {
    CLASS(CT__OP_max_pool1d, max_backward), CLASS(CT__OP_max_pool2d, max_backward), CLASS(CT__OP_max_pool3d, max_backward)};
static const ct__node_class scatter_class = {
    .op = -1, .name = "MaxPoolScatterBackward", .backward = scatter_backward, .ctx_size = sizeof(geometry), .n_saved = 1};
static const ct__node_class gather_class = {
    .op = -1, .name = "MaxPoolGatherBackward", .backward = gather_backward, .ctx_size = sizeof(geometry), .n_saved = 1};

static int op_of(const geometry *g) {
    static const int adaptive[] = {CT__OP_adaptive_max_pool1d, CT__OP_adaptive_max_pool2d, CT__OP_adaptive_max_pool3d};
    return g->adaptive ? adaptive[g->nd - 1] : max_class[g->nd - 1].op;
}

static ct__node *record(const ct__node_class *cls, const geometry *g, ct_tensor *in, ct_tensor *taps, int n_out) {
    ct__node *n = ct__node_new(cls, &in, 1, n_out);
    if (!n) return NULL;
    *(geometry *)ct__ctx(n) = *g;
    ct__save(n, 0, taps);
    return n;
}

static ct_tensor *scatter(const geometry *g, ct_tensor *gy, ct_tensor *taps) {
    const char *fn = ct__fn(op_of(g));
    if (!ct__enter(op_of(g), (ct_tensor *[]){gy, taps}, 2)) return NULL;
    ct__image_sizes sizes = ct__pool_x_sizes(g);
    ct_tensor *gx = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)gy->dtype), *in = gx ? ct__image_as(fn, gy, g->s.last) : NULL;
    ct__node *n = in ? record(&scatter_class, g, gy, taps, 1) : NULL;
    if (in && gx->numel > 0) ct__kern()->pool.max_scatter[ct__pool_real(gx)](&g->s, ct__ptr(in), ct__ptr(taps), ct__ptr(gx));
    ct__unref(in);
    return ct__finish(n, gx);
}

static ct_tensor *gather(const geometry *g, ct_tensor *x, ct_tensor *taps) {
    const char *fn = ct__fn(op_of(g));
    if (!ct__enter(op_of(g), (ct_tensor *[]){x, taps}, 2)) return NULL;
    ct__image_sizes sizes = ct__pool_y_sizes(g);
    ct_tensor *y = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)x->dtype), *in = y ? ct__image_as(fn, x, g->s.last) : NULL;
    ct__node *n = in ? record(&gather_class, g, x, taps, 1) : NULL;
    if (in && y->numel > 0) ct__kern()->pool.max_gather[ct__pool_real(y)](&g->s, ct__ptr(in), ct__ptr(taps), ct__ptr(y));
    ct__unref(in);
    return ct__finish(n, y);
}

/* ---- by places: any windows, any numbers ---- */

/* The places of the maxima, in the shape of the result. No history. */
static ct_tensor *places_of(const geometry *g, ct_tensor *x) {
    const char *fn = ct__fn(op_of(g));
    ct__image_sizes sizes = ct__pool_y_sizes(g);
    ct__pool_windows win;
    int kind = x->dtype == CT_I64 ? CT__REAL_COUNT : ct__pool_real(x);
    ct_tensor *places = ct__image_new(fn, &sizes, false, CT_I64), *in = places ? ct__dense(fn, x) : NULL;
    ct__pool_window *table = in ? ct__pool_tables(g, &win) : NULL;
    ct__pool_shape s = g->s;
    s.last = false;
    if (table && places->numel > 0) ct__kern()->pool.max_places[kind](&s, &win, ct__ptr(in), (int64_t *)(void *)ct__ptr(places));
    ct__free(table);
    ct__unref(in);
    return ct__finish(NULL, places);
}

/* x at the maxima of each window; *indices, unless NULL, where they are. */
static ct_tensor *max_by_places(const geometry *g, ct_tensor *x, ct_tensor **indices) {
    ct_dtype computed = ct__is_float(x) ? (ct_dtype)x->dtype : CT_I64;
    ct_scope scope = ct_scope_begin();
    ct_tensor *same = ct_to(x, computed), *places = same ? places_of(g, same) : NULL, *out[2] = {NULL, places};
    int64_t dim = g->batched ? 2 : 1;
    if (places) out[0] = ct_reshape(ct_gather(ct_flatten(x, dim, -1), dim, ct_flatten(places, dim, -1)), places->sizes, places->ndim);
    bool ok = ct__scope_return_n(scope, (void *const *)out, indices ? 2 : 1) && ct__pending() == CT_OK;
    if (indices) *indices = ok ? out[1] : NULL;
    return ok ? out[0] : NULL;
}

/* ---- public: max pooling ---- */

static ct_status check_dtype(int op, const ct_tensor *x, bool integers) {
    if (ct__is_float(x) || (integers && x->dtype != CT_BOOL)) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: x is %s; it must be floating point%s: convert with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype),
                    integers ? " or an integer" : "");
}

/* float32 and float64 */
static ct_tensor *max_by_taps(const geometry *g, ct_tensor *x, ct_tensor **indices) {
    const char *fn = ct__fn(op_of(g));
    ct__image_sizes sizes = ct__pool_y_sizes(g);
    ct_tensor *out[2] = {ct__image_new(fn, &sizes, g->s.last, (ct_dtype)x->dtype), NULL}, *taps = NULL, *in = NULL;
    ct__node *n = NULL;
    int n_out = indices ? 2 : 1;
    if (!out[0]) return NULL;
    if (indices) out[1] = ct__image_new(fn, &sizes, g->s.last, CT_I64);
    if (ct__pending() == CT_OK) taps = ct__image_new(fn, &sizes, g->s.last, ct__pool_wide_taps(&g->s) ? CT_I32 : CT_U8);
    if (taps) in = ct__image_as(fn, x, g->s.last);
    if (in) n = record(&max_class[g->nd - 1], g, x, taps, n_out);
    if (in && out[0]->numel > 0) {
        ct__kern()->pool.max_forward[ct__pool_real(x)](&g->s, ct__ptr(in), ct__ptr(out[0]), ct__ptr(taps));
        if (indices) ct__kern()->pool.max_indices(&g->s, ct__ptr(taps), (int64_t *)(void *)ct__ptr(out[1]));
    }
    ct__unref(in);
    ct__unref(taps);
    ct__finish_n(n, out, n_out);
    if (indices) *indices = out[1];
    return out[0];
}

/* find on x, a half type through float32: y rounded, which changes nothing, and the indices as they are. */
static ct_tensor *widened(ct_tensor *(*find)(const geometry *, ct_tensor *, ct_tensor **), const geometry *g, ct_tensor *x, ct_tensor **indices) {
    if (!ct__is_half(x)) return find(g, x, indices);
    ct__half h = ct__half_begin(x);
    ct_tensor *out[2] = {NULL, NULL}, *wide = ct__widen(x);
    if (wide) out[0] = find(g, wide, indices ? &out[1] : NULL);
    ct__half_end_n(h, out, indices ? 2 : 1);
    if (indices) *indices = out[1];
    return out[0];
}

static ct_tensor *max_any(int nd, ct_tensor *x, int64_t kernel_size, const ct_max_pool_options *options, ct_tensor **indices) {
    static const ct_max_pool_options defaults = {0};
    const ct_max_pool_options *o = options ? options : &defaults;
    const int op = max_class[nd - 1].op;
    geometry g;
    if (indices) *indices = NULL;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__pool_begin(op, nd, x, &g));
    CT__TRY_NULL(check_dtype(op, x, nd > 1));
    ct__pool_request r = {kernel_size, o->stride, o->padding, o->dilation, o->kernel_size_nd, o->stride_nd, o->padding_nd, o->dilation_nd, o->ceil_mode};
    CT__TRY_NULL(ct__pool_fit(op, &r, &g));
    if (g.s.kd > INT32_MAX / g.s.kh || g.s.kd * g.s.kh > INT32_MAX / g.s.kw) {
        ct__fail(CT_ERR_UNSUPPORTED, "%s: a window of %lld x %lld x %lld is too large", ct__fn(op), (long long)g.s.kd, (long long)g.s.kh,
                 (long long)g.s.kw);
        return NULL;
    }
    return widened(ct__is_float(x) ? max_by_taps : max_by_places, &g, x, indices);
}

ct_tensor *ct_max_pool1d(ct_tensor *x, int64_t kernel_size, const ct_max_pool1d_options *options, ct_tensor **indices) {
    return max_any(1, x, kernel_size, options, indices);
}
ct_tensor *ct_max_pool2d(ct_tensor *x, int64_t kernel_size, const ct_max_pool2d_options *options, ct_tensor **indices) {
    return max_any(2, x, kernel_size, options, indices);
}
ct_tensor *ct_max_pool3d(ct_tensor *x, int64_t kernel_size, const ct_max_pool3d_options *options, ct_tensor **indices) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x}, 1, &cast))
        return ct__autocast_end(cast, ct_max_pool3d(x, kernel_size, options, indices), (ct_tensor **[]){indices}, 1);
    return max_any(3, x, kernel_size, options, indices);
}

static ct_tensor *adaptive(int op, int nd, ct_tensor *x, const int64_t *out, ct_tensor **indices) {
    geometry g;
    if (indices) *indices = NULL;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(ct__pool_begin(op, nd, x, &g));
    CT__TRY_NULL(check_dtype(op, x, false));
    CT__TRY_NULL(ct__pool_fit_adaptive(op, out, &g));
    return widened(max_by_places, &g, x, indices);
}

ct_tensor *ct_adaptive_max_pool1d(ct_tensor *x, int64_t l, ct_tensor **indices) {
    return adaptive(CT__OP_adaptive_max_pool1d, 1, x, (int64_t[]){l}, indices);
}
ct_tensor *ct_adaptive_max_pool2d(ct_tensor *x, int64_t h, int64_t w, ct_tensor **indices) {
    return adaptive(CT__OP_adaptive_max_pool2d, 2, x, (int64_t[]){h, w}, indices);
}
ct_tensor *ct_adaptive_max_pool3d(ct_tensor *x, int64_t d, int64_t h, int64_t w, ct_tensor **indices) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x}, 1, &cast))
        return ct__autocast_end(cast, ct_adaptive_max_pool3d(x, d, h, w, indices), (ct_tensor **[]){indices}, 1);
    return adaptive(CT__OP_adaptive_max_pool3d, 3, x, (int64_t[]){d, h, w}, indices);
}

/* ---- public: unpooling ---- */

/* The result's size along one dim: (n - 1) stride + kernel - 2 padding, or what is asked for, less than a stride away. */
static ct_status unpool_size(int op, const char *dim, int64_t n, int64_t kernel, int64_t stride, int64_t pad, const int64_t *asked, int64_t *out) {
    int64_t usual;
    if (!ct__mul_i64(n - 1, stride, &usual) || !ct__add_i64(usual, kernel - 2 * pad, &usual))
        return ct__fail(CT_ERR_SHAPE, "%s: the result's %s overflows", ct__fn(op), dim);
    *out = asked ? *asked : usual;
    if (asked && (*asked <= usual - stride || *asked >= usual + stride))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s of output_size is %lld; it must be between %lld and %lld", ct__fn(op), dim,
                        (long long)*asked, (long long)(usual - stride + 1), (long long)(usual + stride - 1));
    if (*out < 1) return ct__fail(CT_ERR_SHAPE, "%s: the result's %s would be %lld", ct__fn(op), dim, (long long)*out);
    return CT_OK;
}

static ct_status unpool_sizes(int op, const ct__image_sizes *in, int64_t kernel_size, const ct_max_unpool_options *o, ct__image_sizes *out) {
    const char *fn = ct__fn(op);
    int nd = in->nd;
    int64_t kernel[3], stride[3], pad[3];
    CT__TRY(ct__image_values(fn, "kernel_size", nd, kernel_size, o->kernel_size_nd, 0, 1, 1, kernel));
    bool tiles = o->stride == 0 && !o->stride_nd;
    CT__TRY(ct__image_values(fn, "stride", nd, o->stride, tiles ? &kernel[3 - nd] : o->stride_nd, 0, 1, 1, stride));
    CT__TRY(ct__image_values(fn, "padding", nd, o->padding, o->padding_nd, 0, 0, 0, pad));
    *out = *in;
    for (int i = 3 - nd; i < 3; i++)
        CT__TRY(unpool_size(op, ct__image_dim(nd, i), in->size[i], kernel[i], stride[i], pad[i], o->output_size ? &o->output_size[i - 3 + nd] : NULL,
                            &out->size[i]));
    return CT_OK;
}

static ct_status check_places(int op, const ct_tensor *indices, int64_t room) { /* dense */
    const int64_t *at = (const int64_t *)(const void *)ct__ptr(indices);
    for (int64_t i = 0; i < indices->numel; i++)
        if (at[i] < 0 || at[i] >= room)
            return ct__fail(CT_ERR_INDEX, "%s: element %lld of indices is %lld, outside of the result's %lld places per channel", ct__fn(op), (long long)i,
                            (long long)at[i], (long long)room);
    return CT_OK;
}

static ct_tensor *unpool(int op, int nd, ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool_options *options) {
    static const ct_max_unpool_options defaults = {0};
    ct__image_sizes in, out;
    ct__shape_text a, b;
    int64_t sizes[5], room = 1;
    if (!ct__enter(op, (ct_tensor *[]){x, indices}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__image_sizes_of(ct__fn(op), "x", x->sizes, x->ndim, nd, &in));
    CT__TRY_NULL(check_dtype(op, x, false));
    if (indices->dtype != CT_I64 || !ct__same_sizes(x, indices)) {
        ct__fail(indices->dtype != CT_I64 ? CT_ERR_DTYPE : CT_ERR_SHAPE, "%s: indices must be int64 of x's shape %s, got %s %s", ct__fn(op),
                 CT__SIZES(&a, x), ct_dtype_name((ct_dtype)indices->dtype), CT__SIZES(&b, indices));
        return NULL;
    }
    CT__TRY_NULL(unpool_sizes(op, &in, kernel_size, options ? options : &defaults, &out));
    int ndim = ct__image_shape(&out, sizes);
    for (int i = 0; i < 3; i++)
        if (!ct__mul_i64(room, out.size[i], &room)) {
            ct__fail(CT_ERR_SHAPE, "%s: the size of the result overflows", ct__fn(op));
            return NULL;
        }
    int64_t dim = in.batched ? 2 : 1, flat[3] = {in.n, in.c, room};
    if (ct__is_half(x)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, unpool(op, nd, ct__widen(x), indices, kernel_size, options));
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *at = ct_flatten(ct_contiguous(indices, CT_FORMAT_CONTIGUOUS), dim, -1), *zeros = NULL;
    if (at && check_places(op, at, room) == CT_OK) zeros = ct_zeros(flat + (in.batched ? 0 : 1), (int)dim + 1, (ct_dtype)x->dtype);
    ct_tensor *y = zeros ? ct_reshape(ct_scatter(zeros, dim, at, ct_flatten(x, dim, -1)), sizes, ndim) : NULL;
    return ct_scope_return(scope, y);
}

ct_tensor *ct_max_unpool1d(ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool1d_options *options) {
    return unpool(CT__OP_max_unpool1d, 1, x, indices, kernel_size, options);
}
ct_tensor *ct_max_unpool2d(ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool2d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x, &indices}, 2, &cast)) return ct_scope_return(cast, ct_max_unpool2d(x, indices, kernel_size, options));
    return unpool(CT__OP_max_unpool2d, 2, x, indices, kernel_size, options);
}
ct_tensor *ct_max_unpool3d(ct_tensor *x, ct_tensor *indices, int64_t kernel_size, const ct_max_unpool3d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x, &indices}, 2, &cast)) return ct_scope_return(cast, ct_max_unpool3d(x, indices, kernel_size, options));
    return unpool(CT__OP_max_unpool3d, 3, x, indices, kernel_size, options);
}
