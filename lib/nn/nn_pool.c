/*
 * nn_pool.c: MaxPool2d, AvgPool2d, AdaptiveAvgPool2d. The state holds the options of the function, with arrays of its own; the function
 * checks them.
 */
#include "nn/module_impl.h"

#include <ctorch/nn_layers.h>

#include <stdio.h>

/* Numbers per dimension, kept because the caller's arrays may be gone at the next forward. */
typedef struct window {
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    bool square; /* made from one number each: described as one */
} window;

static void pair(int64_t out[2], int64_t both, const int64_t *nd) {
    out[0] = nd ? nd[0] : both;
    out[1] = nd ? nd[1] : both;
}

static window window_of(int64_t kernel_size, const int64_t *kernel_nd, int64_t stride, const int64_t *stride_nd, int64_t padding, const int64_t *padding_nd,
                        int64_t dilation, const int64_t *dilation_nd) {
    window w = {.square = !kernel_nd && !stride_nd && !padding_nd && !dilation_nd};
    pair(w.kernel, kernel_size, kernel_nd);
    pair(w.stride, stride ? stride : w.kernel[0], stride_nd);
    if (!stride && !stride_nd) w.stride[1] = w.kernel[1];
    pair(w.padding, padding, padding_nd);
    pair(w.dilation, dilation ? dilation : 1, dilation_nd);
    return w;
}

static const char *text(char buffer[48], const window *w, const int64_t v[2]) {
    if (w->square) snprintf(buffer, 48, "%lld", (long long)v[0]);
    else snprintf(buffer, 48, "(%lld, %lld)", (long long)v[0], (long long)v[1]);
    return buffer;
}

static ct_status check(const char *function, const window *w) {
    for (int i = 0; i < 2; i++)
        if (w->kernel[i] < 1 || w->stride[i] < 1 || w->padding[i] < 0 || w->padding[i] > w->kernel[i] / 2 || w->dilation[i] < 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: kernel size %lld, stride %lld, padding %lld (at most half the kernel), dilation %lld in dimension %d", function,
                            (long long)w->kernel[i], (long long)w->stride[i], (long long)w->padding[i], (long long)w->dilation[i], i);
    return CT_OK;
}

/* ---- MaxPool2d ---- */

typedef struct max_pool {
    window w;
    bool ceil_mode;
} max_pool;

static ct_status max_init(ct_module *m, const void *arg) {
    *(max_pool *)ct_module_state(m) = *(const max_pool *)arg;
    return check("ct_nn_max_pool2d", &((const max_pool *)arg)->w);
}

static ct_status max_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const max_pool *s = ct_module_state(m);
    ct_max_pool2d_options o = {.kernel_size_nd = s->w.kernel, .stride_nd = s->w.stride, .padding_nd = s->w.padding, .dilation_nd = s->w.dilation,
                               .ceil_mode = s->ceil_mode};
    out[0] = ct_max_pool2d(in[0], s->w.kernel[0], &o, NULL);
    return ct__pending();
}

static int64_t max_describe(const ct_module *m, char *buffer, size_t size) {
    const max_pool *s = ct_module_state(m);
    char k[48], st[48], p[48], d[48];
    return snprintf(buffer, size, "kernel_size=%s, stride=%s, padding=%s, dilation=%s, ceil_mode=%s", text(k, &s->w, s->w.kernel), text(st, &s->w, s->w.stride),
                    text(p, &s->w, s->w.padding), text(d, &s->w, s->w.dilation), s->ceil_mode ? "True" : "False");
}

ct_module *ct_nn_max_pool2d(int64_t kernel_size, const ct_max_pool2d_options *options) {
    static const ct_module_class cls = {.name = "MaxPool2d", .state_size = sizeof(max_pool), .n_inputs = 1, .n_outputs = 1,
                                        .init = max_init, .forward = max_forward, .describe = max_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_max_pool2d", options));
    ct_max_pool2d_options o = options ? *options : (ct_max_pool2d_options){0};
    max_pool s = {window_of(kernel_size, o.kernel_size_nd, o.stride, o.stride_nd, o.padding, o.padding_nd, o.dilation, o.dilation_nd), o.ceil_mode};
    return ct_module_new(&cls, &s);
}

/* ---- AvgPool2d ---- */

typedef struct avg_pool {
    window w;
    bool ceil_mode, no_count_include_pad;
    int64_t divisor_override;
} avg_pool;

static ct_status avg_init(ct_module *m, const void *arg) {
    *(avg_pool *)ct_module_state(m) = *(const avg_pool *)arg;
    return check("ct_nn_avg_pool2d", &((const avg_pool *)arg)->w);
}

static ct_status avg_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const avg_pool *s = ct_module_state(m);
    ct_avg_pool2d_options o = {.kernel_size_nd = s->w.kernel, .stride_nd = s->w.stride, .padding_nd = s->w.padding, .ceil_mode = s->ceil_mode,
                               .no_count_include_pad = s->no_count_include_pad, .divisor_override = s->divisor_override};
    out[0] = ct_avg_pool2d(in[0], s->w.kernel[0], &o);
    return ct__pending();
}

static int64_t avg_describe(const ct_module *m, char *buffer, size_t size) {
    const avg_pool *s = ct_module_state(m);
    char k[48], st[48], p[48];
    return snprintf(buffer, size, "kernel_size=%s, stride=%s, padding=%s", text(k, &s->w, s->w.kernel), text(st, &s->w, s->w.stride), text(p, &s->w, s->w.padding));
}

ct_module *ct_nn_avg_pool2d(int64_t kernel_size, const ct_avg_pool2d_options *options) {
    static const ct_module_class cls = {.name = "AvgPool2d", .state_size = sizeof(avg_pool), .n_inputs = 1, .n_outputs = 1,
                                        .init = avg_init, .forward = avg_forward, .describe = avg_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_avg_pool2d", options));
    ct_avg_pool2d_options o = options ? *options : (ct_avg_pool2d_options){0};
    avg_pool s = {window_of(kernel_size, o.kernel_size_nd, o.stride, o.stride_nd, o.padding, o.padding_nd, 1, NULL), o.ceil_mode, o.no_count_include_pad,
                  o.divisor_override};
    return ct_module_new(&cls, &s);
}

/* ---- AdaptiveAvgPool2d ---- */

static ct_status adaptive_init(ct_module *m, const void *arg) {
    const int64_t *size = arg;
    int64_t *s = ct_module_state(m);
    s[0] = size[0], s[1] = size[1];
    return s[0] >= 0 && s[1] >= 0 ? CT_OK
                                  : ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_adaptive_avg_pool2d: output size %lld x %lld", (long long)s[0], (long long)s[1]);
}

static ct_status adaptive_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const int64_t *s = ct_module_state(m);
    out[0] = ct_adaptive_avg_pool2d(in[0], s[0], s[1]);
    return ct__pending();
}

static int64_t adaptive_describe(const ct_module *m, char *buffer, size_t size) {
    const int64_t *s = ct_module_state(m);
    return snprintf(buffer, size, "output_size=(%lld, %lld)", (long long)s[0], (long long)s[1]);
}

ct_module *ct_nn_adaptive_avg_pool2d(int64_t h, int64_t w) {
    static const ct_module_class cls = {.name = "AdaptiveAvgPool2d", .state_size = 2 * sizeof(int64_t), .n_inputs = 1, .n_outputs = 1,
                                        .init = adaptive_init, .forward = adaptive_forward, .describe = adaptive_describe};
    return ct_module_new(&cls, (const int64_t[]){h, w});
}
