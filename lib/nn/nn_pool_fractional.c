/*
 * nn_pool_fractional.c: FractionalMaxPool2d and 3d, composed of a gather of all windows and a maximum.
 *
 *      x [N, C, H W] -> gather at places [N, C, H' W' K] -> [N, C, H' W', K] -> max over K
 *
 * places holds each window's elements as positions in a channel, K of them. Where windows begin is drawn for each channel of each sample, as PyTorch draws it.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/autograd.h>
#include <ctorch/nn_pool.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <string.h>

typedef struct fractional {
    const char *function;
    int n; /* dimensions */
    ct__per_dim kernel, size;
    double ratio[3];
    bool by_ratio;
    ct_tensor *samples; /* during init; borrowed. Afterwards it is a buffer */
} fractional;

/* ---- Where the windows are ---- */

/* Window i of `out` over `in` elements begins here. In the arithmetic of the input's dtype, which decides how a number is cut off. */
static int64_t begin_of(int64_t i, int64_t in, int64_t out, int64_t k, double sample, bool in_double) {
    if (i == out - 1) return in - k;
    if (in_double) {
        double step = (double)(in - k) / (double)(out - 1);
        return (int64_t)(((double)i + sample) * step) - (int64_t)(sample * step);
    }
    float step = (float)(in - k) / (float)(out - 1), s = (float)sample;
    return (int64_t)(((float)i + s) * step) - (int64_t)(s * step);
}

typedef struct grid {
    int n;
    int64_t in[3], out[3], kernel[3];
    bool in_double;
} grid;

/* The places of one channel: for each window, its elements row by row. Both are counted like an odometer. */
static int64_t *fill_channel(const grid *g, const double *samples, int64_t *to) {
    int64_t at[3] = {0}, inside[3];
    for (bool more = true; more;) {
        memset(inside, 0, sizeof inside);
        for (bool within = true; within;) {
            int64_t place = 0;
            for (int d = 0; d < g->n; d++) {
                /* PyTorch draws width before height for images, but depth, height, width for volumes. */
                double sample = samples[g->n == 2 ? 1 - d : d];
                place = place * g->in[d] + begin_of(at[d], g->in[d], g->out[d], g->kernel[d], sample, g->in_double) + inside[d];
            }
            *to++ = place;
            int d = g->n - 1;
            while (d >= 0 && ++inside[d] == g->kernel[d]) inside[d--] = 0;
            within = d >= 0;
        }
        int d = g->n - 1;
        while (d >= 0 && ++at[d] == g->out[d]) at[d--] = 0;
        more = d >= 0;
    }
    return to;
}

static ct_status make_grid(const ct_module *m, const fractional *s, const ct_tensor *x, grid *g) {
    ct__shape_text text;
    if (x->ndim != s->n + 1 && x->ndim != s->n + 2)
        return ct__fail(CT_ERR_SHAPE, "ct_forward: %s takes %d dims or one more, not %s", m->cls.name, s->n + 1, ct__shape_str(&text, x->sizes, x->ndim));
    *g = (grid){.n = s->n, .in_double = x->dtype == CT_F64};
    for (int d = 0; d < s->n; d++) {
        g->in[d] = x->sizes[x->ndim - s->n + d], g->kernel[d] = s->kernel.v[d];
        g->out[d] = s->by_ratio ? (int64_t)((double)g->in[d] * s->ratio[d]) : s->size.v[d];
        if (g->out[d] < 1 || g->out[d] > g->in[d] - g->kernel[d] + 1)
            return ct__fail(CT_ERR_SHAPE, "ct_forward: %s: %lld windows of %lld in dim %d of %s", m->cls.name, (long long)g->out[d], (long long)g->kernel[d],
                            x->ndim - s->n + d, ct__shape_str(&text, x->sizes, x->ndim));
    }
    return CT_OK;
}

/* Those of the module, or new ones: [N, C, n] in double. */
static ct_tensor *samples_for(const ct_module *m, const fractional *s, const ct_tensor *x, int64_t batch, int64_t channels) {
    ct_tensor *samples = ct__entry_at(m, 0);
    if (!samples) return ct_to(ct_rand(CT_SHAPE(batch, channels, s->n), (ct_dtype)x->dtype, NULL), CT_F64);
    ct__shape_text text;
    if (samples->ndim == 3 && samples->sizes[0] == batch && samples->sizes[1] == channels && samples->sizes[2] == s->n)
        return ct_contiguous(ct_to(samples, CT_F64), CT_FORMAT_CONTIGUOUS);
    ct__fail(CT_ERR_SHAPE, "ct_forward: the random samples of %s are %s, not [%lld, %lld, %d]", m->cls.name,
             ct__shape_str(&text, samples->sizes, samples->ndim),
             (long long)batch, (long long)channels, s->n);
    return NULL;
}

static ct_tensor *places_of(const grid *g, ct_tensor *samples, int64_t planes, int64_t windows, int64_t k) {
    int64_t each;
    if (!ct__mul_i64(windows, k, &each)) each = INT64_MAX; /* ct_empty says that it is too large */
    ct_tensor *places = ct_empty(CT_SHAPE(planes, each), CT_I64);
    const double *v = ct_data_f64(samples);
    if (!places || ct__pending() != CT_OK) return NULL;
    int64_t *to = (int64_t *)ct__ptr(places);
    for (int64_t p = 0; p < planes; p++) {
        for (int d = 0; d < g->n; d++)
            if (!(v[p * g->n + d] >= 0 && v[p * g->n + d] <= 1)) {
                ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: a random sample is %g; they lie between 0 and 1", v[p * g->n + d]);
                return NULL;
            }
        to = fill_channel(g, v + p * g->n, to);
    }
    return places;
}

/* ---- Running ---- */

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in;
    const fractional *s = ct_module_state(m);
    ct_tensor *x = in[0], *argmax = NULL;
    grid g;
    if (n_out > 2) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward: %s gives its result and the indices, not %d outputs", m->cls.name, n_out);
    CT__TRY(make_grid(m, s, x, &g));
    int lead = x->ndim - s->n;
    int64_t batch = lead == 2 ? x->sizes[0] : 1, channels = x->sizes[lead - 1], planes = batch * channels, plane = 1, windows = 1, k = 1, sizes[CT_MAX_NDIM];
    for (int d = 0; d < g.n; d++) plane *= g.in[d], windows *= g.out[d], k *= g.kernel[d];
    memcpy(sizes, x->sizes, (size_t)lead * sizeof *sizes);
    memcpy(sizes + lead, g.out, (size_t)g.n * sizeof *sizes);
    ct_tensor *places = places_of(&g, samples_for(m, s, x, batch, channels), planes, windows, k);
    ct_tensor *all = ct_reshape(ct_gather(ct_reshape(x, CT_SHAPE(planes, plane)), 1, places), CT_SHAPE(planes, windows, k));
    out[0] = ct_reshape(ct_max_dim(all, 2, NULL, &argmax), sizes, x->ndim);
    if (n_out == 2) out[1] = ct_reshape(ct_gather(ct_reshape(places, CT_SHAPE(planes, windows, k)), 2, ct_unsqueeze(argmax, 2)), sizes, x->ndim);
    return ct__pending();
}

/* ---- Making ---- */

static ct_status init(ct_module *m, const void *arg) {
    fractional *s = ct_module_state(m);
    *s = *(const fractional *)arg;
    ct_tensor *samples = s->samples;
    s->samples = NULL;
    for (int d = 0; d < s->n; d++) {
        if (s->kernel.v[d] < 1 || (!s->by_ratio && s->size.v[d] < 1))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: kernel size %lld, output size %lld in dimension %d", s->function, (long long)s->kernel.v[d],
                            (long long)s->size.v[d], d);
        if (s->by_ratio && !(s->ratio[d] > 0 && s->ratio[d] < 1))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: output ratio %g; it lies between 0 and 1", s->function, s->ratio[d]);
    }
    return samples ? ct_module_register_buffer(m, "_random_samples", ct_detach(samples), true) : CT_OK; /* ct_module_to leaves the caller's as it is */
}

static ct_module *make(const char *function, const char *name, int n, int64_t kernel, const ct_nn_fractional_max_pool_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    ct_nn_fractional_max_pool_options o = options ? *options : (ct_nn_fractional_max_pool_options){0};
    bool size = o.output_size || o.output_size_nd, ratio = o.output_ratio != 0 || o.output_ratio_nd;
    if (size == ratio) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", function, size ? "an output size and a ratio are given" : "neither output size nor ratio is given");
        return NULL;
    }
    fractional s = {.function = function, .n = n, .kernel = ct__per_dim_of(n, kernel, o.kernel_size_nd),
                    .size = ct__per_dim_of(n, o.output_size, o.output_size_nd),
                    .by_ratio = ratio, .samples = o.random_samples};
    for (int d = 0; d < n; d++) s.ratio[d] = o.output_ratio_nd ? o.output_ratio_nd[d] : o.output_ratio;
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof s, .n_inputs = 1, .init = init, .forward = forward}, &s);
}

ct_module *ct_nn_fractional_max_pool2d(int64_t kernel_size, const ct_nn_fractional_max_pool2d_options *o) {
    return make("ct_nn_fractional_max_pool2d", "FractionalMaxPool2d", 2, kernel_size, o);
}
ct_module *ct_nn_fractional_max_pool3d(int64_t kernel_size, const ct_nn_fractional_max_pool3d_options *o) {
    return make("ct_nn_fractional_max_pool3d", "FractionalMaxPool3d", 3, kernel_size, o);
}
