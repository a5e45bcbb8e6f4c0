/*
 * nn_shape.c: Flatten, Unflatten, PixelShuffle, PixelUnshuffle, ChannelShuffle, Unfold, Fold. The functions check what their numbers mean for an input.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/nn_shape.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* ---- Flatten ---- */

typedef struct flatten {
    int64_t start, end;
} flatten;

static ct_status flatten_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const flatten *s = ct_module_state(m);
    out[0] = ct_flatten(in[0], s->start, s->end);
    return ct__pending();
}

static int64_t flatten_describe(const ct_module *m, char *buffer, size_t size) {
    const flatten *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "start_dim=%lld, end_dim=%lld", (long long)s->start, (long long)s->end);
    return w.length;
}

ct_module *ct_nn_flatten(const ct_nn_flatten_options *options) {
    static const ct_module_class cls = {.name = "Flatten", .state_size = sizeof(flatten), .n_inputs = 1, .n_outputs = 1,
                                        .init = ct__copy_state, .forward = flatten_forward, .describe = flatten_describe};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_flatten", options));
    flatten s = {1, -1};
    if (options && options->start_dim.has) s.start = options->start_dim.value;
    if (options && options->end_dim.has) s.end = options->end_dim.value;
    return ct_module_new(&cls, &s);
}

/* ---- Unflatten ---- */

typedef struct unflatten {
    int64_t dim, sizes[CT_MAX_NDIM];
    int n;
} unflatten;

static ct_status unflatten_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const unflatten *s = ct_module_state(m);
    out[0] = ct_unflatten(in[0], s->dim, s->sizes, s->n);
    return ct__pending();
}

static int64_t unflatten_describe(const ct_module *m, char *buffer, size_t size) {
    const unflatten *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "dim=%lld, unflattened_size=%s", (long long)s->dim, ct__tuple_str(&(ct__tuple_text){{0}}, s->sizes, s->n));
    return w.length;
}

ct_module *ct_nn_unflatten(int64_t dim, const int64_t *sizes, int n) {
    static const ct_module_class cls = {.name = "Unflatten", .state_size = sizeof(unflatten), .n_inputs = 1, .n_outputs = 1,
                                        .init = ct__copy_state, .forward = unflatten_forward, .describe = unflatten_describe};
    if (n < 1 || n > CT_MAX_NDIM || !sizes) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_unflatten: %d sizes at %s; 1 to %d are taken", n, sizes ? "an array" : "NULL", CT_MAX_NDIM);
        return NULL;
    }
    unflatten s = {.dim = dim, .n = n};
    memcpy(s.sizes, sizes, (size_t)n * sizeof *sizes);
    return ct_module_new(&cls, &s);
}

/* ---- Shuffles ---- */

typedef struct shuffle {
    const char *function, *shown; /* of the call that made it; before the number in the description */
    ct_tensor *(*op)(ct_tensor *x, int64_t n);
    int64_t n;
} shuffle;

static ct_status shuffle_init(ct_module *m, const void *arg) {
    const shuffle *s = arg;
    *(shuffle *)ct_module_state(m) = *s;
    return s->n > 0 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s%lld", s->function, s->shown, (long long)s->n);
}

static ct_status shuffle_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const shuffle *s = ct_module_state(m);
    out[0] = s->op(in[0], s->n);
    return ct__pending();
}

static int64_t shuffle_describe(const ct_module *m, char *buffer, size_t size) {
    const shuffle *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "%s%lld", s->shown, (long long)s->n);
    return w.length;
}

static ct_module *make_shuffle(const char *name, shuffle s) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .n_outputs = 1, .init = shuffle_init,
                                            .forward = shuffle_forward,
                                            .describe = shuffle_describe}, &s);
}
ct_module *ct_nn_pixel_shuffle(int64_t factor) {
    return make_shuffle("PixelShuffle", (shuffle){"ct_nn_pixel_shuffle", "upscale_factor=", ct_pixel_shuffle, factor});
}
ct_module *ct_nn_pixel_unshuffle(int64_t factor) {
    return make_shuffle("PixelUnshuffle", (shuffle){"ct_nn_pixel_unshuffle", "downscale_factor=", ct_pixel_unshuffle, factor});
}
ct_module *ct_nn_channel_shuffle(int64_t groups) {
    return make_shuffle("ChannelShuffle", (shuffle){"ct_nn_channel_shuffle", "groups=", ct_channel_shuffle, groups});
}

/* ---- Unfold, Fold ---- */

typedef struct columns {
    const char *function;
    bool fold;
    int64_t out[2]; /* Fold: the image's height and width */
    ct__per_dim kernel, dilation, padding, stride;
} columns;

static ct_status columns_init(ct_module *m, const void *arg) {
    columns *s = ct_module_state(m);
    *s = *(const columns *)arg;
    if (s->out[0] < 0 || s->out[1] < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: an image of %lld x %lld", s->function, (long long)s->out[0], (long long)s->out[1]);
    for (int i = 0; i < 2; i++)
        if (s->kernel.v[i] < 1 || s->dilation.v[i] < 1 || s->padding.v[i] < 0 || s->stride.v[i] < 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: kernel size %lld, dilation %lld, padding %lld, stride %lld in dimension %d", s->function,
                            (long long)s->kernel.v[i],
                            (long long)s->dilation.v[i], (long long)s->padding.v[i], (long long)s->stride.v[i], i);
    return CT_OK;
}

static ct_status columns_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const columns *s = ct_module_state(m);
    ct_unfold_options o = {.kernel_size_nd = s->kernel.v, .dilation_nd = s->dilation.v, .padding_nd = s->padding.v, .stride_nd = s->stride.v};
    out[0] = s->fold ? ct_fold(in[0], s->out[0], s->out[1], s->kernel.v[0], &o) : ct_unfold(in[0], s->kernel.v[0], &o);
    return ct__pending();
}

static int64_t columns_describe(const ct_module *m, char *buffer, size_t size) {
    const columns *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__tuple_text k, d, p, st;
    if (s->fold) ct__write(&w, "output_size=%s, ", ct__tuple_str(&k, s->out, 2));
    ct__write(&w, "kernel_size=%s, dilation=%s, padding=%s, stride=%s", ct__per_dim_str(&k, &s->kernel), ct__per_dim_str(&d, &s->dilation),
              ct__per_dim_str(&p, &s->padding), ct__per_dim_str(&st, &s->stride));
    return w.length;
}

static ct_module *make_columns(const char *name, columns s, int64_t kernel_size, const ct_unfold_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(s.function, options));
    ct_unfold_options o = options ? *options : (ct_unfold_options){0};
    s.kernel = ct__per_dim_of(2, kernel_size, o.kernel_size_nd);
    s.dilation = ct__per_dim_of(2, o.dilation ? o.dilation : 1, o.dilation_nd);
    s.padding = ct__per_dim_of(2, o.padding, o.padding_nd);
    s.stride = ct__per_dim_of(2, o.stride ? o.stride : 1, o.stride_nd);
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .n_outputs = 1, .init = columns_init,
                                            .forward = columns_forward,
                                            .describe = columns_describe}, &s);
}
ct_module *ct_nn_unfold(int64_t kernel_size, const ct_unfold_options *options) {
    return make_columns("Unfold", (columns){.function = "ct_nn_unfold"}, kernel_size, options);
}
ct_module *ct_nn_fold(int64_t h, int64_t w, int64_t kernel_size, const ct_fold_options *options) {
    return make_columns("Fold", (columns){.function = "ct_nn_fold", .fold = true, .out = {h, w}}, kernel_size, options);
}
