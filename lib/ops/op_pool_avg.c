/*
 * op_pool_avg.c: average, adaptive average and power-average pooling of lines, images and volumes.
 *
 * Averaging is linear, with its transpose as backward, whose backward is the average again. Adaptive pooling differs in its windows only.
 */
#include "ops/half.h"
#include "ops/windows.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

typedef ct__pool_geometry geometry;

static ct_tensor *avg(const geometry *g, ct_tensor *x);
static ct_tensor *spread(const geometry *g, ct_tensor *gy);

static void avg_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = spread(ct__ctx(n), g[0]);
}
static void spread_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = avg(ct__ctx(n), g[0]);
}
#define CLASS(op_, function) {.op = op_, .backward = function, .ctx_size = sizeof(geometry)}
static const ct__node_class avg_class[3] = {
    CLASS(CT__OP_avg_pool1d, avg_backward), CLASS(CT__OP_avg_pool2d, avg_backward), CLASS(CT__OP_avg_pool3d, avg_backward)};
static const ct__node_class adaptive_class[3] = {CLASS(CT__OP_adaptive_avg_pool1d, avg_backward), CLASS(CT__OP_adaptive_avg_pool2d, avg_backward),
                                                 CLASS(CT__OP_adaptive_avg_pool3d, avg_backward)};
static const ct__node_class spread_class = {.op = -1, .name = "AvgPoolSpreadBackward", .backward = spread_backward, .ctx_size = sizeof(geometry)};

static const ct__node_class *class_of(const geometry *g) { return g->adaptive ? &adaptive_class[g->nd - 1] : &avg_class[g->nd - 1]; }

static ct__node *record(const ct__node_class *cls, const geometry *g, ct_tensor *in) {
    ct__node *n = ct__node_new(cls, &in, 1, 1);
    if (n) *(geometry *)ct__ctx(n) = *g;
    return n;
}

static void avg_kernel(const geometry *g, const ct__pool_windows *win, const ct_tensor *in, ct_tensor *y) {
    if (y->numel == 0) return;
    if (y->dtype == CT_I64) ct__kern()->pool.avg_forward_i64(&g->s, win, ct__ptr(in), ct__ptr(y));
    else ct__kern()->pool.avg_forward[ct__pool_real(y)](&g->s, win, ct__ptr(in), ct__ptr(y));
}

static ct_tensor *avg(const geometry *g, ct_tensor *x) {
    const ct__node_class *cls = class_of(g);
    const char *fn = ct__fn(cls->op);
    ct__pool_windows win;
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    ct__image_sizes sizes = ct__pool_y_sizes(g);
    ct_tensor *y = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)x->dtype), *in = y ? ct__image_as(fn, x, g->s.last) : NULL;
    ct__node *n = in ? record(cls, g, x) : NULL;
    ct__pool_window *table = in ? ct__pool_tables(g, &win) : NULL;
    if (table) avg_kernel(g, &win, in, y);
    ct__free(table);
    ct__unref(in);
    return ct__finish(n, y);
}

static ct_tensor *spread(const geometry *g, ct_tensor *gy) {
    const int op = class_of(g)->op;
    const char *fn = ct__fn(op);
    ct__pool_windows win;
    if (!ct__enter(op, &gy, 1)) return NULL;
    ct__image_sizes sizes = ct__pool_x_sizes(g);
    ct_tensor *gx = ct__image_new(fn, &sizes, g->s.last, (ct_dtype)gy->dtype), *in = gx ? ct__image_as(fn, gy, g->s.last) : NULL;
    ct__node *n = in ? record(&spread_class, g, gy) : NULL;
    ct__pool_window *table = in ? ct__pool_tables(g, &win) : NULL;
    if (table && gx->numel > 0) ct__kern()->pool.avg_backward[ct__pool_real(gx)](&g->s, &win, ct__ptr(in), ct__ptr(gx));
    ct__free(table);
    ct__unref(in);
    return ct__finish(n, gx);
}

/* float16 and bfloat16 through float32. */
static ct_tensor *avg_any(const geometry *g, ct_tensor *x) {
    if (!ct__is_half(x)) return avg(g, x);
    ct__half h = ct__half_begin(x);
    return ct__half_end(h, avg(g, ct__widen(x)));
}

/* ---- public ---- */

static ct_status check_dtype(int op, const ct_tensor *x, bool integer) {
    if (ct__is_float(x) || (integer && x->dtype == CT_I64)) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: x is %s; it must be floating point%s: convert with ct_to", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype),
                    integer ? " or int64" : "");
}

static ct_tensor *strided(int nd, ct_tensor *x, int64_t kernel_size, const ct_avg_pool_options *options) {
    static const ct_avg_pool_options defaults = {0};
    const ct_avg_pool_options *o = options ? options : &defaults;
    const int op = avg_class[nd - 1].op;
    geometry g;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__pool_begin(op, nd, x, &g));
    CT__TRY_NULL(check_dtype(op, x, true));
    ct__pool_request r = {.kernel_size = kernel_size, .stride = o->stride, .padding = o->padding, .kernel_size_nd = o->kernel_size_nd,
                          .stride_nd = o->stride_nd, .padding_nd = o->padding_nd, .ceil_mode = o->ceil_mode};
    CT__TRY_NULL(ct__pool_fit(op, &r, &g));
    g.count_pad = !o->no_count_include_pad;
    g.divisor = (double)o->divisor_override;
    return avg_any(&g, x);
}

ct_tensor *ct_avg_pool1d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool1d_options *options) { return strided(1, x, kernel_size, options); }
ct_tensor *ct_avg_pool2d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool2d_options *options) { return strided(2, x, kernel_size, options); }
ct_tensor *ct_avg_pool3d(ct_tensor *x, int64_t kernel_size, const ct_avg_pool3d_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x}, 1, &cast)) return ct_scope_return(cast, ct_avg_pool3d(x, kernel_size, options));
    return strided(3, x, kernel_size, options);
}

static ct_tensor *adaptive(int nd, ct_tensor *x, const int64_t *out) {
    const int op = adaptive_class[nd - 1].op;
    geometry g;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(ct__pool_begin(op, nd, x, &g));
    CT__TRY_NULL(check_dtype(op, x, false));
    CT__TRY_NULL(ct__pool_fit_adaptive(op, out, &g));
    return avg_any(&g, x);
}

ct_tensor *ct_adaptive_avg_pool1d(ct_tensor *x, int64_t l) { return adaptive(1, x, (int64_t[]){l}); }
ct_tensor *ct_adaptive_avg_pool2d(ct_tensor *x, int64_t h, int64_t w) { return adaptive(2, x, (int64_t[]){h, w}); }
ct_tensor *ct_adaptive_avg_pool3d(ct_tensor *x, int64_t d, int64_t h, int64_t w) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&x}, 1, &cast)) return ct_scope_return(cast, ct_adaptive_avg_pool3d(x, d, h, w));
    return adaptive(3, x, (int64_t[]){d, h, w});
}

/* ---- lp_pool: (sum of x^p)^(1 / p), composed as torch does: the mean times the window's size, negative sums kept ---- */

static ct_tensor *lp(int nd, ct_tensor *x, double p, int64_t kernel_size, const ct_lp_pool_options *options) {
    static const ct_lp_pool_options defaults = {0};
    const ct_lp_pool_options *o = options ? options : &defaults;
    const int op = nd == 1 ? CT__OP_lp_pool1d : nd == 2 ? CT__OP_lp_pool2d : CT__OP_lp_pool3d;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(check_dtype(op, x, false));
    if (p == 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: norm_type is 0", ct__fn(op));
        return NULL;
    }
    ct_avg_pool_options a = {.stride = o->stride, .kernel_size_nd = o->kernel_size_nd, .stride_nd = o->stride_nd, .ceil_mode = o->ceil_mode};
    double size = 1;
    for (int i = 0; i < nd; i++) size *= (double)(o->kernel_size_nd ? o->kernel_size_nd[i] : kernel_size);
    ct_scope scope = ct_scope_begin();
    ct_tensor *mean = strided(nd, ct_pow_scalar(x, p), kernel_size, &a);
    return ct_scope_return(scope, ct_pow_scalar(ct_mul_scalar(ct_mul(ct_sign(mean), ct_relu(ct_abs(mean))), size), 1 / p));
}

ct_tensor *ct_lp_pool1d(ct_tensor *x, double norm_type, int64_t kernel_size, const ct_lp_pool1d_options *options) {
    return lp(1, x, norm_type, kernel_size, options);
}
ct_tensor *ct_lp_pool2d(ct_tensor *x, double norm_type, int64_t kernel_size, const ct_lp_pool2d_options *options) {
    return lp(2, x, norm_type, kernel_size, options);
}
ct_tensor *ct_lp_pool3d(ct_tensor *x, double norm_type, int64_t kernel_size, const ct_lp_pool3d_options *options) {
    return lp(3, x, norm_type, kernel_size, options);
}
