/*
 * nn_upsample.c: Upsample and its two old forms.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/nn_shape.h>

#include <string.h>

typedef struct upsample {
    int dims; /* that the old forms are for, and that the arrays have; 0 = any */
    bool nd;  /* sizes or scales are those of the arrays */
    bool by_scale;
    int64_t size[3];
    double scale[3];
    ct_interpolate_mode mode;
    bool align_corners, recompute_scale_factor;
} upsample;

/* ---- Making ---- */

static ct_status check(const char *fn, const ct_nn_upsample_options *o) {
    bool size = o->size || o->size_nd, scale = o->scale_factor != 0 || o->scale_factor_nd, array = o->size_nd || o->scale_factor_nd;
    if (size == scale)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", fn, size ? "a size and a scale factor are given" : "neither size nor scale factor is given");
    if (array ? o->ndim < 1 || o->ndim > 3 : o->ndim != 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: ndim is %d; it says how many numbers a pointer has: 1 to 3, 0 without one", fn, o->ndim);
    if ((int)o->mode < 0 || o->mode > CT_INTERPOLATE_AREA) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown mode %d", fn, (int)o->mode);
    for (int i = 0; i < (array ? o->ndim : 1); i++) {
        if (size && (o->size_nd ? o->size_nd[i] : o->size) < 1)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: size %lld", fn, (long long)(o->size_nd ? o->size_nd[i] : o->size));
        double factor = o->scale_factor_nd ? o->scale_factor_nd[i] : o->scale_factor;
        if (scale && !(factor > 0)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale factor %g", fn, factor);
    }
    return CT_OK;
}

static upsample of_options(const ct_nn_upsample_options *o) {
    upsample s = {.dims = o->ndim, .nd = o->ndim > 0, .by_scale = !o->size && !o->size_nd, .mode = o->mode, .align_corners = o->align_corners,
                  .recompute_scale_factor = o->recompute_scale_factor};
    for (int i = 0; i < 3; i++) {
        s.size[i] = !o->size_nd ? o->size : i < o->ndim ? o->size_nd[i] : 0;
        s.scale[i] = !o->scale_factor_nd ? o->scale_factor : i < o->ndim ? o->scale_factor_nd[i] : 0;
    }
    return s;
}

/* ---- Running ---- */

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const upsample *s = ct_module_state(m);
    ct__shape_text text;
    int dims = in[0]->ndim - 2;
    if (dims < 1 || dims > 3 || (s->dims && dims != s->dims))
        return ct__fail(CT_ERR_SHAPE, "ct_forward: %s takes [N, C, ...] with %d more dims, not %s", m->cls.name, s->dims ? s->dims : 1,
                        ct__shape_str(&text, in[0]->sizes, in[0]->ndim));
    ct_interpolate_options o = {.size_nd = s->by_scale ? NULL : s->size, .scale_factor_nd = s->by_scale ? s->scale : NULL, .mode = s->mode,
                                .align_corners = s->align_corners, .recompute_scale_factor = s->recompute_scale_factor};
    out[0] = ct_interpolate(in[0], &o);
    return ct__pending();
}

static void describe_scale(ct__writer *w, const upsample *s) {
    ct__float_text t;
    ct__write(w, s->nd ? "scale_factor=(" : "scale_factor=");
    for (int i = 0; i < (s->nd ? s->dims : 1); i++) ct__write(w, "%s%s", i ? ", " : "", ct__float_str(&t, s->scale[i]));
    if (s->nd) ct__write(w, s->dims == 1 ? ",)" : ")");
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    static const char *const modes[] = {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"};
    const upsample *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__per_dim p = ct__per_dim_of(s->nd ? s->dims : 1, s->size[0], s->nd ? s->size : NULL);
    if (s->by_scale) describe_scale(&w, s);
    else ct__write(&w, "size=%s", ct__per_dim_str(&(ct__tuple_text){{0}}, &p));
    ct__write(&w, ", mode='%s'", modes[s->mode]);
    return w.length;
}

/* ---- The three ---- */

static ct_module *make(const char *name, const upsample *s) {
    return ct_module_new(&(ct_module_class){.name = name, .state_size = sizeof *s, .n_inputs = 1, .n_outputs = 1, .init = ct__copy_state, .forward = forward,
                                            .describe = describe}, s);
}

ct_module *ct_nn_upsample(const ct_nn_upsample_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_upsample", options));
    ct_nn_upsample_options o = options ? *options : (ct_nn_upsample_options){0};
    CT__TRY_NULL(check("ct_nn_upsample", &o));
    upsample s = of_options(&o);
    return make("Upsample", &s);
}

/* The old forms: images, in a mode of their own. */
static ct_module *make_old(const char *function, const char *name, ct_interpolate_mode mode, const ct_nn_upsample_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    ct_nn_upsample_options o = options ? *options : (ct_nn_upsample_options){0};
    if (o.mode || o.align_corners || (o.ndim && o.ndim != 2)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: mode, align_corners and dims are not to be chosen; that is ct_nn_upsample", function);
        return NULL;
    }
    CT__TRY_NULL(check(function, &o));
    upsample s = of_options(&o);
    s.dims = 2, s.mode = mode, s.align_corners = mode == CT_INTERPOLATE_BILINEAR;
    return make(name, &s);
}
ct_module *ct_nn_upsampling_nearest2d(const ct_nn_upsample_options *options) {
    return make_old("ct_nn_upsampling_nearest2d", "UpsamplingNearest2d", CT_INTERPOLATE_NEAREST, options);
}
ct_module *ct_nn_upsampling_bilinear2d(const ct_nn_upsample_options *options) {
    return make_old("ct_nn_upsampling_bilinear2d", "UpsamplingBilinear2d", CT_INTERPOLATE_BILINEAR, options);
}
