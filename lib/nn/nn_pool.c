/*
 * nn_pool.c: pooling layers. A kind of pooling is one class for 1, 2 and 3 dimensions; the state holds the options of the function, with arrays of
 * its own, because the caller's may be gone at the next forward.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"
#include "nn/nn_text.h"

#include <ctorch/nn_pool.h>

/* ---- Windows ---- */

typedef struct pool {
    const char *function; /* of the call that made it, for messages */
    ct__per_dim kernel, stride, padding, dilation;
    bool ceil_mode, no_count_include_pad;
    bool has_stride; /* given: LPPool shows None otherwise */
    int64_t divisor_override;
    double norm_type;
} pool;

static pool windows(const char *function, int n, int64_t kernel, const int64_t *kernel_nd, int64_t stride, const int64_t *stride_nd) {
    pool s = {.function = function, .kernel = ct__per_dim_of(n, kernel, kernel_nd), .has_stride = stride || stride_nd};
    s.stride = s.has_stride ? ct__per_dim_of(n, stride, stride_nd) : s.kernel;
    s.padding = ct__per_dim_of(n, 0, NULL);
    s.dilation = ct__per_dim_of(n, 1, NULL);
    return s;
}

static ct_status init(ct_module *m, const void *arg) {
    pool *s = ct_module_state(m);
    *s = *(const pool *)arg;
    for (int i = 0; i < s->kernel.n; i++)
        if (s->kernel.v[i] < 1 || s->stride.v[i] < 1 || s->padding.v[i] < 0 || s->padding.v[i] > s->kernel.v[i] / 2 || s->dilation.v[i] < 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT,
                            "%s: kernel size %lld, stride %lld, padding %lld (at most half the kernel), dilation %lld in dimension %d", s->function,
                            (long long)s->kernel.v[i], (long long)s->stride.v[i], (long long)s->padding.v[i], (long long)s->dilation.v[i], i);
    return CT_OK;
}

static ct_module *make(const char *name, int n_inputs, int n_outputs, ct_status (*forward)(ct_module *, ct_tensor *const *, int, ct_tensor **, int),
                       int64_t (*describe)(const ct_module *, char *, size_t), const pool *s) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof *s, .n_inputs = n_inputs, .n_outputs = n_outputs, .init = init,
                                            .forward = forward,
                                            .describe = describe}, s);
}

/* Where forward puts the indices: nowhere unless two outputs are asked for. */
static ct_status indices_of(const ct_module *m, ct_tensor **out, int n_out, ct_tensor ***indices) {
    *indices = n_out == 2 ? &out[1] : NULL;
    return n_out <= 2 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: %s gives its result and the indices, not %d outputs", m->cls.name, n_out);
}

/* ---- Maxima ---- */

static ct_status max_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    static ct_tensor *(*const ops[])(ct_tensor *, int64_t, const ct_max_pool_options *, ct_tensor **) = {ct_max_pool1d, ct_max_pool2d, ct_max_pool3d};
    (void)n_in;
    const pool *s = ct_module_state(m);
    ct_tensor **indices;
    CT__TRY(indices_of(m, out, n_out, &indices));
    ct_max_pool_options o = {.kernel_size_nd = s->kernel.v, .stride_nd = s->stride.v, .padding_nd = s->padding.v, .dilation_nd = s->dilation.v,
                             .ceil_mode = s->ceil_mode};
    out[0] = ops[s->kernel.n - 1](in[0], s->kernel.v[0], &o, indices);
    return ct__pending();
}

bool ct__is_max_pool(const ct_module *m) { return m && m->cls.forward == max_forward; }

static int64_t max_describe(const ct_module *m, char *buffer, size_t size) {
    const pool *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text k, st, p, d;
    ct__write(&w, "kernel_size=%s, stride=%s, padding=%s, dilation=%s, ceil_mode=%s", ct__per_dim_str(&k, &s->kernel), ct__per_dim_str(&st, &s->stride),
              ct__per_dim_str(&p, &s->padding), ct__per_dim_str(&d, &s->dilation), ct__bool_str(s->ceil_mode));
    return w.length;
}

static ct_module *make_max(int n, int64_t kernel, const ct_max_pool_options *options) {
    static const char *const names[] = {"MaxPool1d", "MaxPool2d", "MaxPool3d"},
                      *const functions[] = {"ct_nn_max_pool1d", "ct_nn_max_pool2d", "ct_nn_max_pool3d"};
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[n - 1], options));
    ct_max_pool_options o = options ? *options : (ct_max_pool_options){0};
    pool s = windows(functions[n - 1], n, kernel, o.kernel_size_nd, o.stride, o.stride_nd);
    s.padding = ct__per_dim_of(n, o.padding, o.padding_nd);
    s.dilation = ct__per_dim_of(n, o.dilation ? o.dilation : 1, o.dilation_nd);
    s.ceil_mode = o.ceil_mode;
    return make(names[n - 1], 1, 0, max_forward, max_describe, &s);
}
ct_module *ct_nn_max_pool1d(int64_t kernel_size, const ct_max_pool1d_options *o) { return make_max(1, kernel_size, o); }
ct_module *ct_nn_max_pool2d(int64_t kernel_size, const ct_max_pool2d_options *o) { return make_max(2, kernel_size, o); }
ct_module *ct_nn_max_pool3d(int64_t kernel_size, const ct_max_pool3d_options *o) { return make_max(3, kernel_size, o); }

/* ---- Back from maxima ---- */

static ct_status unpool_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    static ct_tensor *(*const ops[])(ct_tensor *, ct_tensor *, int64_t, const ct_max_unpool_options *) = {ct_max_unpool1d, ct_max_unpool2d, ct_max_unpool3d};
    (void)n_out;
    const pool *s = ct_module_state(m);
    int64_t sizes[3];
    CT__TRY(ct__check_inputs(m, in, n_in, 2, 3));
    ct_max_unpool_options o = {.kernel_size_nd = s->kernel.v, .stride_nd = s->stride.v, .padding_nd = s->padding.v};
    if (n_in == 3 && in[2]) {
        CT__TRY(ct__read_sizes("ct_forward", in[2], s->kernel.n, in[0]->ndim, sizes));
        o.output_size = sizes;
    }
    out[0] = ops[s->kernel.n - 1](in[0], in[1], s->kernel.v[0], &o);
    return ct__pending();
}

/* Tuples, even where one number was given. */
static int64_t tuples_describe(const ct_module *m, char *buffer, size_t size) {
    const pool *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text k, st, p;
    ct__write(&w, "kernel_size=%s, stride=%s, padding=%s", ct__tuple_str(&k, s->kernel.v, s->kernel.n), ct__tuple_str(&st, s->stride.v, s->kernel.n),
              ct__tuple_str(&p, s->padding.v, s->kernel.n));
    return w.length;
}

static ct_module *make_unpool(int n, int64_t kernel, const ct_max_unpool_options *options) {
    static const char *const names[] = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"},
                      *const functions[] = {"ct_nn_max_unpool1d", "ct_nn_max_unpool2d", "ct_nn_max_unpool3d"};
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[n - 1], options));
    ct_max_unpool_options o = options ? *options : (ct_max_unpool_options){0};
    if (o.output_size) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: output_size is no option of the module; it is its third input", functions[n - 1]);
        return NULL;
    }
    pool s = windows(functions[n - 1], n, kernel, o.kernel_size_nd, o.stride, o.stride_nd);
    s.padding = ct__per_dim_of(n, o.padding, o.padding_nd);
    return make(names[n - 1], 0, 1, unpool_forward, tuples_describe, &s);
}
ct_module *ct_nn_max_unpool1d(int64_t kernel_size, const ct_max_unpool1d_options *o) { return make_unpool(1, kernel_size, o); }
ct_module *ct_nn_max_unpool2d(int64_t kernel_size, const ct_max_unpool2d_options *o) { return make_unpool(2, kernel_size, o); }
ct_module *ct_nn_max_unpool3d(int64_t kernel_size, const ct_max_unpool3d_options *o) { return make_unpool(3, kernel_size, o); }

/* ---- Means ---- */

static ct_status avg_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    static ct_tensor *(*const ops[])(ct_tensor *, int64_t, const ct_avg_pool_options *) = {ct_avg_pool1d, ct_avg_pool2d, ct_avg_pool3d};
    (void)n_in, (void)n_out;
    const pool *s = ct_module_state(m);
    ct_avg_pool_options o = {.kernel_size_nd = s->kernel.v, .stride_nd = s->stride.v, .padding_nd = s->padding.v, .ceil_mode = s->ceil_mode,
                             .no_count_include_pad = s->no_count_include_pad, .divisor_override = s->divisor_override};
    out[0] = ops[s->kernel.n - 1](in[0], s->kernel.v[0], &o);
    return ct__pending();
}

static int64_t avg_describe(const ct_module *m, char *buffer, size_t size) {
    const pool *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text k, st, p;
    ct__write(&w, "kernel_size=%s, stride=%s, padding=%s", ct__per_dim_str(&k, &s->kernel), ct__per_dim_str(&st, &s->stride), ct__per_dim_str(&p, &s->padding));
    return w.length;
}

static ct_module *make_avg(int n, int64_t kernel, const ct_avg_pool_options *options) {
    static const char *const names[] = {"AvgPool1d", "AvgPool2d", "AvgPool3d"},
                      *const functions[] = {"ct_nn_avg_pool1d", "ct_nn_avg_pool2d", "ct_nn_avg_pool3d"};
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[n - 1], options));
    ct_avg_pool_options o = options ? *options : (ct_avg_pool_options){0};
    pool s = windows(functions[n - 1], n, kernel, o.kernel_size_nd, o.stride, o.stride_nd);
    s.padding = ct__per_dim_of(n, o.padding, o.padding_nd);
    s.ceil_mode = o.ceil_mode, s.no_count_include_pad = o.no_count_include_pad, s.divisor_override = o.divisor_override;
    return make(names[n - 1], 1, 1, avg_forward, n == 1 ? tuples_describe : avg_describe, &s);
}
ct_module *ct_nn_avg_pool1d(int64_t kernel_size, const ct_avg_pool1d_options *o) { return make_avg(1, kernel_size, o); }
ct_module *ct_nn_avg_pool2d(int64_t kernel_size, const ct_avg_pool2d_options *o) { return make_avg(2, kernel_size, o); }
ct_module *ct_nn_avg_pool3d(int64_t kernel_size, const ct_avg_pool3d_options *o) { return make_avg(3, kernel_size, o); }

/* ---- Norms ---- */

static ct_status lp_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    static ct_tensor *(*const ops[])(ct_tensor *, double, int64_t, const ct_lp_pool_options *) = {ct_lp_pool1d, ct_lp_pool2d, ct_lp_pool3d};
    (void)n_in, (void)n_out;
    const pool *s = ct_module_state(m);
    ct_lp_pool_options o = {.kernel_size_nd = s->kernel.v, .stride_nd = s->stride.v, .ceil_mode = s->ceil_mode};
    out[0] = ops[s->kernel.n - 1](in[0], s->norm_type, s->kernel.v[0], &o);
    return ct__pending();
}

static int64_t lp_describe(const ct_module *m, char *buffer, size_t size) {
    const pool *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text k, st;
    ct__write(&w, "norm_type=%s, kernel_size=%s, stride=%s, ceil_mode=%s", ct__number_str(&(ct__float_text){{0}}, s->norm_type),
              ct__per_dim_str(&k, &s->kernel),
              s->has_stride ? ct__per_dim_str(&st, &s->stride) : "None", ct__bool_str(s->ceil_mode));
    return w.length;
}

static ct_module *make_lp(int n, double norm_type, int64_t kernel, const ct_lp_pool_options *options) {
    static const char *const names[] = {"LPPool1d", "LPPool2d", "LPPool3d"}, *const functions[] = {"ct_nn_lp_pool1d", "ct_nn_lp_pool2d", "ct_nn_lp_pool3d"};
    CT__TRY_NULL(CT__CHECK_OPTIONS(functions[n - 1], options));
    ct_lp_pool_options o = options ? *options : (ct_lp_pool_options){0};
    pool s = windows(functions[n - 1], n, kernel, o.kernel_size_nd, o.stride, o.stride_nd);
    s.ceil_mode = o.ceil_mode, s.norm_type = norm_type;
    return make(names[n - 1], 1, 1, lp_forward, lp_describe, &s);
}
ct_module *ct_nn_lp_pool1d(double norm_type, int64_t kernel_size, const ct_lp_pool1d_options *o) { return make_lp(1, norm_type, kernel_size, o); }
ct_module *ct_nn_lp_pool2d(double norm_type, int64_t kernel_size, const ct_lp_pool2d_options *o) { return make_lp(2, norm_type, kernel_size, o); }
ct_module *ct_nn_lp_pool3d(double norm_type, int64_t kernel_size, const ct_lp_pool3d_options *o) { return make_lp(3, norm_type, kernel_size, o); }

/* ---- Adaptive ---- */

typedef struct adaptive {
    const char *function;
    int64_t size[3];
    int n;
} adaptive;

static ct_status adaptive_init(ct_module *m, const void *arg) {
    adaptive *s = ct_module_state(m);
    *s = *(const adaptive *)arg;
    for (int i = 0; i < s->n; i++)
        if (s->size[i] < 0 && s->size[i] != CT_DIM_NONE)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: output size %s", s->function, ct__tuple_str(&(ct__tuple_text){{0}}, s->size, s->n));
    return CT_OK;
}

static int64_t adaptive_describe(const ct_module *m, char *buffer, size_t size) {
    const adaptive *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__per_dim p = ct__per_dim_of(s->n, s->size[0], s->n == 1 ? NULL : s->size);
    ct__write(&w, "output_size=%s", ct__per_dim_str(&(ct__tuple_text){{0}}, &p));
    return w.length;
}

static ct_status adaptive_avg_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const adaptive *s = ct_module_state(m);
    if (s->n == 1) out[0] = ct_adaptive_avg_pool1d(in[0], s->size[0]);
    else if (s->n == 2) out[0] = ct_adaptive_avg_pool2d(in[0], s->size[0], s->size[1]);
    else out[0] = ct_adaptive_avg_pool3d(in[0], s->size[0], s->size[1], s->size[2]);
    return ct__pending();
}

static ct_status adaptive_max_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in;
    const adaptive *s = ct_module_state(m);
    ct_tensor **indices;
    CT__TRY(indices_of(m, out, n_out, &indices));
    if (s->n == 1) out[0] = ct_adaptive_max_pool1d(in[0], s->size[0], indices);
    else if (s->n == 2) out[0] = ct_adaptive_max_pool2d(in[0], s->size[0], s->size[1], indices);
    else out[0] = ct_adaptive_max_pool3d(in[0], s->size[0], s->size[1], s->size[2], indices);
    return ct__pending();
}

static ct_module *make_adaptive(const char *name, bool max, adaptive s) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .n_outputs = max ? 0 : 1, .init = adaptive_init,
                                            .forward = max ? adaptive_max_forward : adaptive_avg_forward, .describe = adaptive_describe}, &s);
}
ct_module *ct_nn_adaptive_avg_pool1d(int64_t l) { return make_adaptive("AdaptiveAvgPool1d", false, (adaptive){"ct_nn_adaptive_avg_pool1d", {l}, 1}); }
ct_module *ct_nn_adaptive_avg_pool2d(int64_t h, int64_t w) {
    return make_adaptive("AdaptiveAvgPool2d", false, (adaptive){"ct_nn_adaptive_avg_pool2d", {h, w}, 2});
}
ct_module *ct_nn_adaptive_avg_pool3d(int64_t d, int64_t h, int64_t w) {
    return make_adaptive("AdaptiveAvgPool3d", false, (adaptive){"ct_nn_adaptive_avg_pool3d", {d, h, w}, 3});
}
ct_module *ct_nn_adaptive_max_pool1d(int64_t l) { return make_adaptive("AdaptiveMaxPool1d", true, (adaptive){"ct_nn_adaptive_max_pool1d", {l}, 1}); }
ct_module *ct_nn_adaptive_max_pool2d(int64_t h, int64_t w) {
    return make_adaptive("AdaptiveMaxPool2d", true, (adaptive){"ct_nn_adaptive_max_pool2d", {h, w}, 2});
}
ct_module *ct_nn_adaptive_max_pool3d(int64_t d, int64_t h, int64_t w) {
    return make_adaptive("AdaptiveMaxPool3d", true, (adaptive){"ct_nn_adaptive_max_pool3d", {d, h, w}, 3});
}
