/*
 * data_mixup.c: MixUp and CutMix: batches whose samples are mixed with their predecessors, targets as well.
 *
 * lambda is drawn as torch.distributions.Beta draws it: two gamma variates in f64 (Marsaglia and Tsang, 2000), the first's share of their sum.
 */
#include "data/data_planes.h"

#include "base/vec.h"
#include "core/generator.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* On a locked generator. */
static double draw_gamma(ct_generator *g, double alpha) {
    double scale = 1;
    if (alpha < 1) { /* more is accepted at alpha + 1 */
        scale = pow(1 - ct__draw_f64(g), 1 / alpha);
        alpha += 1;
    }
    double d = alpha - (double)(1.0f / 3.0f), c = 1 / sqrt(9 * d); /* torch's third is one of f32 */
    for (;;) {
        double x, y;
        do {
            x = ct__draw_normal(g);
            y = 1 + c * x;
        } while (y <= 0);
        double v = y * y * y, u = 1 - ct__draw_f64(g), xx = x * x;
        if (u < 1 - (double)0.0331f * xx * xx || log(u) < 0.5 * xx + d * (1 - v + log(v))) return fmax(DBL_MIN, scale * d * v);
    }
}

static double draw_beta(ct_generator *g, double alpha) {
    g = ct__generator_lock(g);
    double a = draw_gamma(g, alpha), b = draw_gamma(g, alpha);
    ct__generator_unlock(g);
    float share = (float)(a / (a + b));
    return (double)fminf(nextafterf(1, 0), fmaxf(FLT_MIN, share));
}

typedef struct mix {
    const char *fn;
    ct_tensor *input, *target; /* the caller's */
    int64_t classes;
    double alpha;
} mix;

static ct_status check(mix *m, ct_tensor **input, ct_tensor **target, int64_t num_classes, const ct_mixup_options *o, bool cut) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(m->fn, o));
    m->alpha = o && o->alpha.has ? o->alpha.value : 1;
    if (!input || !*input || !target || !*target) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", m->fn, input && *input ? "target" : "input");
    const ct_tensor *x = m->input = *input, *y = m->target = *target;
    ct__shape_text a, b;
    if (!(m->alpha > 0 && isfinite(m->alpha))) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: alpha is %g, it must be positive", m->fn, m->alpha);
    if (x->dtype != CT_F32 && !(cut && x->dtype == CT_U8))
        return ct__fail(CT_ERR_DTYPE, "%s: the input is %s, it must be float32%s", m->fn, ct_dtype_name(x->dtype), cut ? " or uint8" : "");
    if (x->ndim != 4 || x->numel == 0 || y->ndim < 1 || y->ndim > 2 || y->sizes[0] != x->sizes[0])
        return ct__fail(CT_ERR_SHAPE, "%s: input %s and target %s: they must be [N, C, H, W], not empty, and [N] or [N, classes]", m->fn,
                        ct__shape_str(&a, x->sizes, x->ndim), ct__shape_str(&b, y->sizes, y->ndim));
    if (y->dtype != (y->ndim == 1 ? CT_I64 : CT_F32))
        return ct__fail(CT_ERR_DTYPE, "%s: the target is %s: class numbers [N] are int64, probabilities [N, classes] float32", m->fn, ct_dtype_name(y->dtype));
    m->classes = y->ndim == 2 && num_classes == 0 ? y->sizes[1] : num_classes;
    if (m->classes < 1 || (y->ndim == 2 && y->sizes[1] != m->classes))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_classes is %lld with a target %s", m->fn, (long long)num_classes,
                        ct__shape_str(&b, y->sizes, y->ndim));
    return CT_OK;
}

/* lambda x + (1 - lambda) its predecessor, row by row: torch's roll(1, 0).mul_(1 - lambda).add_(x.mul(lambda)). A scope-held tensor. */
static ct_tensor *mixed(const char *fn, ct_tensor *x, double lambda) {
    ct_tensor *dense = ct__data_dense(x), *out = dense ? ct__scope_give(ct__new(fn, x->sizes, x->ndim, CT_F32)) : NULL;
    float own = (float)lambda, other = (float)(1 - lambda);
    int64_t n = x->sizes[0], each = x->numel / n;
    for (int64_t i = 0; i < n && out; i++) {
        const float *all = (const float *)(const void *)ct__ptr(dense), *a = all + i * each, *b = all + (i + n - 1) % n * each;
        float *to = (float *)(void *)ct__ptr(out) + i * each;
        for (int64_t k = 0; k < each; k++) to[k] = b[k] * other + a[k] * own;
    }
    ct_release(dense);
    return out;
}

static ct_tensor *mixed_target(const mix *m, double lambda) {
    ct_tensor *t = m->target->ndim == 2 ? m->target : ct_to(ct_one_hot(m->target, m->classes), CT_F32);
    return t ? mixed(m->fn, t, lambda) : NULL;
}

/* Rectangles [y1, y2) x [x1, x2) of each picture from its predecessor. */
typedef struct box {
    int64_t y1, y2, x1, x2;
} box;

static box draw_box(ct_generator *g, double lambda, int64_t height, int64_t width) {
    int64_t x = ct__draw_one_below(g, width), y = ct__draw_one_below(g, height);
    double r = 0.5 * sqrt(1 - lambda);
    int64_t half_w = (int64_t)(r * (double)width), half_h = (int64_t)(r * (double)height);
    return (box){ct__max_i64(0, y - half_h), ct__min_i64(height, y + half_h), ct__max_i64(0, x - half_w), ct__min_i64(width, x + half_w)};
}

static ct_tensor *pasted(const mix *m, const box *b) {
    ct_tensor *x = m->input, *dense = ct__data_dense(x), *out = dense ? ct__scope_give(ct__new(m->fn, x->sizes, x->ndim, x->dtype)) : NULL;
    size_t size = ct_dtype_size(x->dtype);
    int64_t channels = x->sizes[1], height = x->sizes[2], width = x->sizes[3], planes = x->sizes[0] * channels;
    if (out) memcpy(ct__ptr(out), ct__ptr(dense), (size_t)x->numel * size);
    for (int64_t i = 0; i < planes && out; i++)
        for (int64_t y = b->y1; y < b->y2; y++) {
            int64_t from = (i + planes - channels) % planes, at = y * width + b->x1;
            memcpy(ct__ptr(out) + (size_t)(i * height * width + at) * size, ct__ptr(dense) + (size_t)(from * height * width + at) * size,
                   (size_t)(b->x2 - b->x1) * size);
        }
    ct_release(dense);
    return out;
}

static ct_status run(bool cut, const char *fn, ct_tensor **input, ct_tensor **target, int64_t num_classes, ct_generator *g, const ct_mixup_options *o) {
    mix m = {.fn = fn};
    CT__TRY(check(&m, input, target, num_classes, o, cut));
    ct_scope scope = ct_no_grad_begin();
    double lambda = draw_beta(g, m.alpha);
    ct_tensor *x;
    if (cut) {
        int64_t height = m.input->sizes[2], width = m.input->sizes[3];
        box b = draw_box(g, lambda, height, width);
        x = pasted(&m, &b);
        lambda = 1 - (double)((b.x2 - b.x1) * (b.y2 - b.y1)) / (double)(height * width);
    } else {
        x = mixed(fn, m.input, lambda);
    }
    ct_tensor *y = x ? mixed_target(&m, lambda) : NULL;
    x = ct_keep(x);
    y = ct_scope_return(scope, y);
    x = ct__scope_give(x);
    if (x && y) {
        *input = x;
        *target = y;
    }
    return ct__pending();
}

ct_status ct_mixup(ct_tensor **input, ct_tensor **target, int64_t num_classes, ct_generator *generator, const ct_mixup_options *options) {
    return run(false, "ct_mixup", input, target, num_classes, generator, options);
}
ct_status ct_cutmix(ct_tensor **input, ct_tensor **target, int64_t num_classes, ct_generator *generator, const ct_mixup_options *options) {
    return run(true, "ct_cutmix", input, target, num_classes, generator, options);
}
