/*
 * ref_norm.c: normalization in plain C: every element and every sum in double.
 */
#include "base/platform.h"
#include "kernels/kern_norm.h"
#include "kernels/philox.h"

#include <math.h>

static double load(ct_dtype dtype, const void *p, int64_t i) {
    return dtype == CT_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}
static void store(ct_dtype dtype, void *p, int64_t i, double v) {
    if (dtype == CT_F32) ((float *)p)[i] = (float)v;
    else ((double *)p)[i] = v;
}

static int64_t count(const ct__channels *s) { return s->outer * s->channels * s->inner; }
static int64_t channel(const ct__channels *s, int64_t i) { return i / s->inner % s->channels; }

static void scale(const ct__channels *s, const void *x, const double *mean, const double *a, const double *b, void *y) {
    for (int64_t i = 0; i < count(s); i++) {
        int64_t c = channel(s, i);
        store(s->dtype, y, i, (load(s->dtype, x, i) - mean[c]) * a[c] + b[c]);
    }
}

static void sums(const ct__channels *s, const void *g, const void *x, const double *mean, double *sum, double *dots) {
    for (int64_t c = 0; c < s->channels; c++) sum[c] = dots[c] = 0;
    for (int64_t i = 0; i < count(s); i++) {
        int64_t c = channel(s, i);
        sum[c] += load(s->dtype, g, i);
        dots[c] += load(s->dtype, g, i) * (load(s->dtype, x, i) - mean[c]);
    }
}

static void combine(const ct__channels *s, const void *g, const void *x, const double *mean, const double *p, const double *q,
                    const double *r, void *gx) {
    for (int64_t i = 0; i < count(s); i++) {
        int64_t c = channel(s, i);
        store(s->dtype, gx, i, p[c] * load(s->dtype, g, i) + q[c] * (load(s->dtype, x, i) - mean[c]) + r[c]);
    }
}

static void measure(const ct__channels *s, const ct__batch_norm *b, const void *x) {
    double n = (double)(s->outer * s->inner);
    for (int64_t c = 0; c < s->channels; c++) b->mean[c] = b->sample[c] = 0;
    for (int64_t i = 0; i < count(s); i++) b->mean[channel(s, i)] += load(s->dtype, x, i) / n;
    for (int64_t i = 0; i < count(s); i++) {
        double d = load(s->dtype, x, i) - b->mean[channel(s, i)];
        b->sample[channel(s, i)] += d * d;
    }
    for (int64_t c = 0; c < s->channels; c++) {
        b->rstd[c] = 1 / sqrt(b->sample[c] / n + b->eps);
        b->sample[c] /= n - 1;
    }
}

static double batch_y(const ct__batch_norm *b, int64_t c, double x) { return (x - b->mean[c]) * (b->rstd[c] * b->weight[c]) + b->bias[c]; }

static void batch(const ct__channels *s, const ct__batch_norm *b, const void *x, void *y) {
    if (b->training) measure(s, b, x);
    for (int64_t i = 0; i < count(s); i++) {
        double v = batch_y(b, channel(s, i), load(s->dtype, x, i));
        store(s->dtype, y, i, b->relu && v <= 0 ? 0 : v);
    }
}

static void batch_backward(const ct__channels *s, const ct__batch_norm *b, const void *g, const void *x, double *sum, double *dots, void *gx) {
    double n = (double)(s->outer * s->inner);
    for (int64_t c = 0; c < s->channels; c++) sum[c] = dots[c] = 0;
    for (int pass = 0; pass < (gx ? 2 : 1); pass++)
        for (int64_t i = 0; i < count(s); i++) {
            int64_t c = channel(s, i);
            double v = load(s->dtype, x, i), hat = (v - b->mean[c]) * b->rstd[c], h = load(s->dtype, g, i);
            if (b->relu && batch_y(b, c, v) <= 0) h = 0;
            if (pass == 0) sum[c] += h, dots[c] += h * hat;
            else store(s->dtype, gx, i, b->weight[c] * b->rstd[c] * (b->training ? h - (sum[c] + hat * dots[c]) / n : h));
        }
}

static double weight_at(const ct__norm_rows *c, int64_t j) { return c->weight ? load(c->dtype, c->weight, j) : 1; }

/* (x - mean) rstd of element j of row i. */
static double hat(const ct__norm_rows *c, int64_t i, int64_t j) {
    return (load(c->dtype, c->x, i * c->n + j) - (c->centred ? c->mean[i] : 0)) * c->rstd[i];
}

static void rows(const ct__norm_rows *c, const void *bias, void *y) {
    for (int64_t i = 0; i < c->m; i++) {
        double mean = 0, square = 0;
        for (int64_t j = 0; c->centred && j < c->n; j++) mean += load(c->dtype, c->x, i * c->n + j) / (double)c->n;
        for (int64_t j = 0; j < c->n; j++) {
            double d = load(c->dtype, c->x, i * c->n + j) - mean;
            square += d * d;
        }
        c->mean[i] = mean;
        c->rstd[i] = 1 / sqrt(square / (double)c->n + c->eps);
        for (int64_t j = 0; j < c->n; j++)
            store(c->dtype, y, i * c->n + j, hat(c, i, j) * weight_at(c, j) + (bias ? load(c->dtype, bias, j) : 0));
    }
}

static void rows_backward(const ct__norm_rows *c, const void *g, void *gx) {
    for (int64_t i = 0; i < c->m; i++) {
        double mean = 0, dot = 0;
        for (int64_t j = 0; j < c->n; j++) {
            double h = load(c->dtype, g, i * c->n + j) * weight_at(c, j);
            mean += c->centred ? h / (double)c->n : 0;
            dot += h * hat(c, i, j) / (double)c->n;
        }
        for (int64_t j = 0; j < c->n; j++) {
            double h = load(c->dtype, g, i * c->n + j) * weight_at(c, j);
            store(c->dtype, gx, i * c->n + j, c->rstd[i] * (h - mean - hat(c, i, j) * dot));
        }
    }
}

static void rows_params(const ct__norm_rows *c, const void *g, void *gw, void *gb) {
    for (int64_t j = 0; j < c->n; j++) {
        double w = 0, b = 0;
        for (int64_t i = 0; i < c->m; i++) {
            b += load(c->dtype, g, i * c->n + j);
            w += load(c->dtype, g, i * c->n + j) * hat(c, i, j);
        }
        if (gw) store(c->dtype, gw, j, w);
        if (gb) store(c->dtype, gb, j, b);
    }
}

static void add_rows(const ct__norm_rows *c, const ct__dropout_draw *draw, const float *a, const float *b, float *sum, const float *bias, float *y) {
    for (int64_t i = 0; i < c->m * c->n; i++) sum[i] = a[i] + b[i] * (float)ct__dropout_factor(draw, i);
    rows(c, bias, y);
}

static void rows_backward_all(const ct__norm_rows *c, const ct__dropout_draw *draw, const float *g, float *gx, float *gm, float *gw, float *gb) {
    for (int64_t first = 0; first < c->m; first += CT__SUM_ROWS) {
        const int64_t at = first * c->n, to = first / CT__SUM_ROWS * c->n;
        ct__norm_rows some = *c;
        some.m = ct__min_i64(CT__SUM_ROWS, c->m - first);
        some.x = (const float *)c->x + at;
        some.mean += first, some.rstd += first;
        rows_params(&some, g + at, gw ? gw + to : NULL, gb ? gb + to : NULL);
        rows_backward(&some, g + at, gx + at);
    }
    for (int64_t i = 0; draw && i < c->m * c->n; i++) gm[i] = gx[i] * (float)ct__dropout_factor(draw, i);
}

void ct__norm_fill_ref(ct__norm_kernels *k);
void ct__norm_fill_ref(ct__norm_kernels *k) {
    *k = (ct__norm_kernels){.scale = scale, .sums = sums, .combine = combine, .batch = batch, .batch_backward = batch_backward,
                            .rows = rows, .rows_backward = rows_backward, .rows_params = rows_params,
                            .add_rows = add_rows, .rows_backward_all = rows_backward_all};
}
