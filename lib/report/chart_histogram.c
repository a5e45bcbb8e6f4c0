/*
 * chart_histogram.c: how often values fall into equally wide intervals.
 *
 * The number of intervals follows Freedman and Diaconis (1981): a width of 2 IQR n^(-1/3), but not fewer than Sturges' log2(n) + 1, as numpy's "auto".
 * Integers get intervals of whole numbers, with the integer in the middle. All histograms of a chart share the intervals.
 */
#include "report/chart_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_AUTO = 100 };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The finite values of s, sorted; a block. */
static double *sorted(const ct__series *s, int64_t *n) {
    double *v = ct__alloc_array((size_t)s->n, sizeof *v);
    *n = 0;
    for (int64_t i = 0; v && i < s->n; i++)
        if (fabs(s->y[i]) <= 1e300) v[(*n)++] = s->y[i];
    if (v && *n) qsort(v, (size_t)*n, sizeof *v, ascending);
    return v;
}

static double quantile(const double *v, int64_t n, double q) {
    double at = q * (double)(n - 1);
    int64_t i = (int64_t)at;
    return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[i];
}

static int64_t auto_bins(const double *v, int64_t n, double span) {
    if (n < 2 || span <= 0) return 1;
    double sturges = span / (log2((double)n) + 1), fd = 2 * (quantile(v, n, 0.75) - quantile(v, n, 0.25)) / cbrt((double)n);
    double bins = ceil(span / (fd > 0 ? fmin(fd, sturges) : sturges) - 1e-9);
    return bins > MAX_AUTO ? MAX_AUTO : bins < 1 ? 1 : (int64_t)bins;
}

/* lo, width and bins from the first histogram's rule and the range of all. */
static void choose_intervals(ct__frame *f, const ct__series *first, const ct__range *r) {
    double lo = f->chart->o.x_min.has ? f->chart->o.x_min.value : r->lo, hi = f->chart->o.x_max.has ? f->chart->o.x_max.value : r->hi;
    int64_t n;
    double *v = sorted(first, &n);
    if (!(lo < hi)) lo -= 0.5, hi += 0.5;
    int64_t bins = first->bins ? first->bins : v ? auto_bins(v, n, hi - lo) : 1;
    ct__free(v);
    f->histogram.lo = lo, f->histogram.width = (hi - lo) / (double)bins, f->histogram.bins = bins;
    if (r->whole && !first->bins && hi - lo < 1e15) { /* so many integers in an interval */
        double width = fmax(1, ceil((hi - lo + 1) / (hi - lo < MAX_AUTO / 2 ? MAX_AUTO / 2 : (double)bins) - 1e-9));
        f->histogram.lo = floor(lo) - 0.5, f->histogram.width = width;
        f->histogram.bins = (int64_t)ceil((hi - f->histogram.lo + 0.5) / width - 1e-9);
    }
}

static void count(const ct__frame *f, const ct__series *s, double *heights) {
    double lo = f->histogram.lo, width = f->histogram.width;
    int64_t bins = f->histogram.bins, all = 0;
    memset(heights, 0, (size_t)bins * sizeof *heights);
    for (int64_t i = 0; i < s->n; i++) {
        double at = (s->y[i] - lo) / width;
        if (!(at >= 0 && at <= (double)bins)) continue; /* NaN too */
        heights[at < (double)bins ? (int64_t)at : bins - 1]++; /* the last interval has its upper end */
        all++;
    }
    for (int64_t i = 0; s->density && all && i < bins; i++) heights[i] /= (double)all * width;
}

void ct__count_histograms(ct__frame *f, ct__range *x, ct__range *y) {
    ct__range r = ct__range_empty();
    const ct__series *first = NULL;
    int64_t n = 0, at = 0;
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        if (s->kind != CT__SERIES_HISTOGRAM) continue;
        if (!first) first = s;
        for (int64_t i = 0; i < s->n; i++) ct__range_add(&r, s->y[i]);
        n++;
    }
    if (!r.n) return;
    choose_intervals(f, first, &r);
    int64_t bins = f->histogram.bins;
    f->histogram.heights = ct__alloc_array((size_t)(n * bins), sizeof(double));
    if (!f->histogram.heights) return;
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        if (s->kind != CT__SERIES_HISTOGRAM) continue;
        double *heights = f->histogram.heights + at++ * bins;
        count(f, s, heights);
        for (int64_t i = 0; i < bins; i++) ct__range_add(y, heights[i]);
    }
    ct__range_add(x, f->histogram.lo);
    ct__range_add(x, f->histogram.lo + f->histogram.width * (double)bins);
}

void ct__draw_histograms(ct__frame *f) {
    int64_t n = 0, at = 0, bins = f->histogram.bins;
    if (!f->histogram.heights) return;
    for (const ct__series *s = f->chart->first; s; s = s->next) n += s->kind == CT__SERIES_HISTOGRAM;
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        if (s->kind != CT__SERIES_HISTOGRAM) continue;
        const double *heights = f->histogram.heights + at++ * bins;
        char class_[16], title[160];
        snprintf(class_, sizeof class_, "f%d%s", s->color, n > 1 ? " o" : "");
        for (int64_t i = 0; i < bins; i++) {
            double from = f->histogram.lo + (double)i * f->histogram.width;
            double x0 = ct__scale_px(&f->x, from), x1 = ct__scale_px(&f->x, from + f->histogram.width), y = ct__scale_px(&f->y, heights[i]);
            ct__number a, b, c;
            if (heights[i] <= 0) continue;
            snprintf(title, sizeof title, "%s to %s: %s", ct__number_general(&a, from, 4), ct__number_general(&b, from + f->histogram.width, 4),
                     ct__number_general(&c, heights[i], 6));
            ct__svg_rect(f->svg, x0 + 0.5, y, fmax(x1 - x0 - 1, 0.5), ct__scale_px(&f->y, 0) - y, class_, title);
        }
    }
}
