/*
 * ref_norm.c: normalization in plain C: every element and every sum in double.
 */
#include "kernels/kern_norm.h"

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

void ct__norm_fill_ref(ct__norm_kernels *k);
void ct__norm_fill_ref(ct__norm_kernels *k) {
    *k = (ct__norm_kernels){.scale = scale, .sums = sums, .combine = combine, .rows = rows, .rows_backward = rows_backward, .rows_params = rows_params};
}
