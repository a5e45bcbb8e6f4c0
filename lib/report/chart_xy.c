/*
 * chart_xy.c: lines, bands and points on two axes of numbers. Histograms, which share the axes, are in chart_histogram.c.
 *
 * A line of many points is drawn by the columns of pixels that it crosses (M4: Jugel et al. 2014, "M4: a visualization-oriented time series data
 * aggregation"): of the points that follow each other within a column the first, the last, the lowest and the highest are joined in their order, which
 * gives the same pixels as all of them. Points that would lie on one another are drawn once.
 */
#include "report/chart_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double x_at(const ct__series *s, int64_t i) { return s->x ? s->x[i] : (double)(i + 1); }

/* ---- Ranges ---- */

static void add_point(const ct__frame *f, ct__range *x, ct__range *y, double at, double value) {
    if (!ct__scale_shows(&f->x, at) || !ct__scale_shows(&f->y, value)) return;
    ct__range_add(x, at);
    ct__range_add(y, value);
}

static void measure(const ct__frame *f, const ct__series *s, ct__range *x, ct__range *y) {
    for (int64_t i = 0; i < s->n; i++) {
        add_point(f, x, y, x_at(s, i), s->y[i]);
        if (s->low) {
            add_point(f, x, y, x_at(s, i), s->low[i]);
            add_point(f, x, y, x_at(s, i), s->high[i]);
        }
    }
}

static void fit_scales(ct__frame *f, ct__range x, ct__range y, bool points, bool histogram) {
    const ct_chart_options *o = &f->chart->o;
    for (const ct__rule *r = f->chart->first_rule; r; r = r->next)
        if (ct__scale_shows(r->vertical ? &f->x : &f->y, r->at)) ct__range_add(r->vertical ? &x : &y, r->at);
    if (o->same_axes) {
        ct__range_add(&x, y.lo), ct__range_add(&x, y.hi);
        y = x;
    }
    ct__scale_fit(&f->x, &x, false, points ? 0.04 : 0, o->x_min, o->x_max);
    ct__scale_fit(&f->y, &y, o->y_zero || histogram, points && !histogram ? 0.04 : f->y.log ? 0.02 : 0, o->y_min, o->y_max);
}

/* ---- Paths ---- */

/* Writes the points of one line; a gap or a new column of pixels ends what was collected. */
typedef struct pen {
    ct__buf *out;
    ct__buf dots; /* points that stand alone */
    bool thin;     /* collect columns */
    int64_t in_run;
    double x[4], y[4]; /* first, lowest, highest, last of the column; y grows downwards, whichever is which */
    int64_t order[4];
    int64_t count;
} pen;

static void put_xy(ct__buf *t, char command, double x, double y) {
    ct__buf_append(t, &command, 1);
    ct__put_tenths(t, x);
    ct__buf_puts(t, " ");
    ct__put_tenths(t, y);
}

static void pen_emit(pen *p, double x, double y) {
    put_xy(p->out, p->in_run ? 'L' : 'M', x, y);
    p->in_run++;
}

static void pen_flush(pen *p) {
    if (!p->count) return;
    int middle[2] = {1, 2};
    if (p->order[1] > p->order[2]) middle[0] = 2, middle[1] = 1;
    pen_emit(p, p->x[0], p->y[0]);
    for (int i = 0; i < 2; i++) {
        int m = middle[i];
        if (p->order[m] > p->order[0] && p->order[m] < p->order[3] && (i == 0 || p->order[m] != p->order[middle[0]])) pen_emit(p, p->x[m], p->y[m]);
    }
    if (p->order[3] > p->order[0]) pen_emit(p, p->x[3], p->y[3]);
    p->count = 0;
}

static void pen_point(pen *p, int64_t i, double x, double y) {
    if (p->count && (!p->thin || floor(x) != floor(p->x[0]))) pen_flush(p);
    for (int k = 0; k < 4; k++) {
        bool take = !p->count || k == 3 || (k == 1 && y < p->y[1]) || (k == 2 && y > p->y[2]);
        if (take) p->x[k] = x, p->y[k] = y, p->order[k] = i;
    }
    p->count++;
}

static void pen_gap(pen *p) {
    double x = p->x[3], y = p->y[3];
    bool alone = p->count == 1 && p->in_run == 0;
    if (alone) {
        put_xy(&p->dots, 'M', x, y);
        ct__buf_puts(&p->dots, "h0");
        p->count = 0;
    }
    pen_flush(p);
    p->in_run = 0;
}

static void path(ct__frame *f, const ct__buf *d, const char *class_, double width) {
    if (!d->size) return;
    ct__buf_printf(&f->svg->body, "<path class=\"%s\"", class_);
    if (width > 0) {
        ct__buf_puts(&f->svg->body, " stroke-width=\"");
        ct__put_tenths(&f->svg->body, width);
        ct__buf_puts(&f->svg->body, "\"");
    }
    ct__buf_puts(&f->svg->body, " d=\"");
    ct__buf_append(&f->svg->body, d->data, d->size);
    ct__buf_puts(&f->svg->body, "\"/>\n");
}

/* ---- Lines ---- */

static bool many(const ct__frame *f, const ct__series *s) { return (double)s->n > 2 * (f->right - f->left); }

static void draw_line(ct__frame *f, const ct__series *s) {
    ct__buf line = {0};
    pen p = {.out = &line, .thin = many(f, s)};
    bool dots = s->points && (double)s->n * 7 < f->right - f->left;
    for (int64_t i = 0; i < s->n && ct_ok(); i++) {
        double x = x_at(s, i), y = s->y[i];
        if (ct__scale_shows(&f->x, x) && ct__scale_shows(&f->y, y)) {
            pen_point(&p, i, ct__scale_px(&f->x, x), ct__scale_px(&f->y, y));
            if (dots) {
                put_xy(&p.dots, 'M', p.x[3], p.y[3]);
                ct__buf_puts(&p.dots, "h0");
            }
        } else {
            pen_gap(&p);
        }
    }
    pen_gap(&p);
    char class_[32];
    snprintf(class_, sizeof class_, "l s%d%s", s->color, ct__dash_class(f, s));
    path(f, &line, class_, 0);
    snprintf(class_, sizeof class_, "p s%d", s->color);
    path(f, &p.dots, class_, 7);
    ct__buf_free(&line);
    ct__buf_free(&p.dots);
}

/* One stretch of a band without gaps: there along the upper edge, back along the lower. */
static void close_band(ct__buf *d, const double *x, const double *low, const double *high, int64_t n) {
    for (int64_t i = 0; i < n; i++) put_xy(d, i ? 'L' : 'M', x[i], high[i]);
    for (int64_t i = n - 1; i >= 0; i--) put_xy(d, 'L', x[i], low[i]);
    if (n) ct__buf_puts(d, "Z");
}

static void draw_band(ct__frame *f, const ct__series *s) {
    double *edges = ct__alloc_array((size_t)s->n, 3 * sizeof *edges);
    ct__buf d = {0};
    int64_t n = 0;
    bool thin = many(f, s);
    for (int64_t i = 0; edges && i <= s->n; i++) {
        double *x = edges, *low = edges + s->n, *high = edges + 2 * s->n;
        bool shown = i < s->n && ct__scale_shows(&f->x, x_at(s, i)) && ct__scale_shows(&f->y, s->low[i]) && ct__scale_shows(&f->y, s->high[i]);
        if (!shown) {
            close_band(&d, x, low, high, n);
            n = 0;
            continue;
        }
        double px = ct__scale_px(&f->x, x_at(s, i)), bottom = ct__scale_px(&f->y, s->low[i]), top = ct__scale_px(&f->y, s->high[i]);
        bool same = thin && n && floor(px) == floor(x[n - 1]);
        if (!same) x[n] = px, low[n] = bottom, high[n] = top, n++;
        else low[n - 1] = fmax(low[n - 1], bottom), high[n - 1] = fmin(high[n - 1], top);
    }
    char class_[16];
    snprintf(class_, sizeof class_, "w f%d", s->color);
    path(f, &d, class_, 0);
    ct__buf_free(&d);
    ct__free(edges);
}

/* ---- Points ---- */

enum { ENOUGH = 5000, LEVELS = 3 };

/* The plot in squares, each with the number of its points; what has been drawn counts 0. */
typedef struct squares {
    double cell;
    int64_t columns, rows, taken;
    int32_t *counts, most;
} squares;

static bool place(const ct__frame *f, const ct__series *s, int64_t i, double *x, double *y) {
    if (!ct__scale_shows(&f->x, x_at(s, i)) || !ct__scale_shows(&f->y, s->y[i])) return false;
    *x = ct__scale_px(&f->x, x_at(s, i));
    *y = ct__scale_px(&f->y, s->y[i]);
    return *x >= f->left - 0.5 && *x <= f->right + 0.5 && *y >= f->top - 0.5 && *y <= f->bottom + 0.5; /* within axes that were given */
}

static int32_t *square_of(const ct__frame *f, const squares *q, double x, double y) {
    return &q->counts[(int64_t)((y - f->top + 0.5) / q->cell) * q->columns + (int64_t)((x - f->left + 0.5) / q->cell)];
}

/* Fills the squares; counts is a block. */
static void count_squares(const ct__frame *f, const ct__series *s, double cell, squares *q) {
    *q = (squares){.cell = cell, .columns = (int64_t)((f->right - f->left) / cell) + 3, .rows = (int64_t)((f->bottom - f->top) / cell) + 3};
    q->counts = ct__alloc_zero((size_t)(q->columns * q->rows) * sizeof *q->counts);
    for (int64_t i = 0; q->counts && i < s->n; i++) {
        double x, y;
        if (!place(f, s, i, &x, &y)) continue;
        int32_t *count = square_of(f, q, x, y);
        if (*count == 0) q->taken++;
        if (*count < INT32_MAX) ++*count;
        if (*count > q->most) q->most = *count;
    }
}

/* The first point of each square, and leftmost, rightmost, lowest and highest; by how many lie there, into one of the texts. */
static void mark_points(const ct__frame *f, const ct__series *s, squares *q, ct__buf levels[LEVELS]) {
    int64_t ends[4] = {-1, -1, -1, -1};
    double x, y;
    for (int64_t i = 0; i < s->n; i++) {
        if (!place(f, s, i, &x, &y)) continue;
        if (ends[0] < 0 || x_at(s, i) < x_at(s, ends[0])) ends[0] = i;
        if (ends[1] < 0 || x_at(s, i) > x_at(s, ends[1])) ends[1] = i;
        if (ends[2] < 0 || s->y[i] < s->y[ends[2]]) ends[2] = i;
        if (ends[3] < 0 || s->y[i] > s->y[ends[3]]) ends[3] = i;
    }
    for (int64_t i = 0; i < s->n; i++) {
        if (!place(f, s, i, &x, &y)) continue;
        int32_t *count = square_of(f, q, x, y);
        bool end = i == ends[0] || i == ends[1] || i == ends[2] || i == ends[3];
        if (!*count && !end) continue;
        int level = q->most > 1 && *count ? (int)(LEVELS * log2((double)*count) / log2(q->most + 1.0)) : 0;
        put_xy(&levels[level], 'M', x, y);
        ct__buf_puts(&levels[level], "h0");
        *count = 0;
    }
}

static void draw_points(ct__frame *f, const ct__series *s) {
    ct__buf levels[LEVELS] = {{0}};
    squares q;
    double cell = 0.5;
    count_squares(f, s, cell, &q);
    while (q.taken > ENOUGH && cell < 8) { /* coarser, until they are few enough */
        ct__free(q.counts);
        count_squares(f, s, cell *= 1.4, &q);
    }
    if (q.counts) mark_points(f, s, &q, levels);
    ct__free(q.counts);
    for (int i = 0; i < LEVELS; i++) {
        char class_[32];
        bool thinned = s->n > ENOUGH;
        if (thinned) snprintf(class_, sizeof class_, "p s%d q%d", s->color, i);
        else snprintf(class_, sizeof class_, "p s%d%s", s->color, s->n > 100 ? " q1" : "");
        path(f, &levels[i], class_, s->n > 2000 ? 4 : s->n > 100 ? 5.5 : 7);
        ct__buf_free(&levels[i]);
    }
}

/* ---- Fit ---- */

bool ct__series_fit(const ct__series *s, double *slope, double *intercept) {
    double mx = 0, my = 0, xx = 0, xy = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < s->n; i++) { /* means and products in one pass, without the squares of large numbers (Welford) */
        double x = x_at(s, i), y = s->y[i];
        if (!isfinite(x) || !isfinite(y)) continue;
        n++;
        double dx = x - mx;
        mx += dx / (double)n;
        my += (y - my) / (double)n;
        xx += dx * (x - mx);
        xy += dx * (y - my);
    }
    *slope = xy / xx;
    *intercept = my - *slope * mx;
    return n >= 2 && isfinite(*slope) && isfinite(*intercept);
}

void ct__fit_text(double slope, double intercept, char out[80]) {
    ct__number a, b;
    snprintf(out, 80, "fit: y = %.24s x %s %.24s", ct__number_general(&a, slope, 3),
             intercept < 0 ? "\u2212" : "+", ct__number_general(&b, fabs(intercept), 3));
}

/* The line y = slope x + intercept as far as it is in the plot. */
static void draw_straight(ct__frame *f, double slope, double intercept, const char *class_) {
    double from = f->x.lo, to = f->x.hi;
    double at_lo = (f->y.lo - intercept) / slope, at_hi = (f->y.hi - intercept) / slope;
    if (slope != 0 && isfinite(at_lo) && isfinite(at_hi)) {
        from = fmax(from, fmin(at_lo, at_hi));
        to = fmin(to, fmax(at_lo, at_hi));
    }
    double y0 = slope * from + intercept, y1 = slope * to + intercept, rounding = 1e-6 * (f->y.hi - f->y.lo);
    double least = f->y.lo - rounding, most = f->y.hi + rounding;
    if (!(from < to) || y0 < least || y0 > most || y1 < least || y1 > most) return;
    ct__svg_line(f->svg, ct__scale_px(&f->x, from), ct__scale_px(&f->y, y0), ct__scale_px(&f->x, to), ct__scale_px(&f->y, y1), class_);
}

static void draw_identity(ct__frame *f) {
    double from = fmax(f->x.lo, f->y.lo), to = fmin(f->x.hi, f->y.hi);
    if (from < to) ct__svg_line(f->svg, ct__scale_px(&f->x, from), ct__scale_px(&f->y, from), ct__scale_px(&f->x, to), ct__scale_px(&f->y, to), "r");
}

/* ---- Names at the ends of lines ---- */

typedef struct tag { const ct__series *s; double y; } tag;
enum { MAX_TAGS = 6, TAG_HEIGHT = 16 };

static int64_t last_shown(const ct__frame *f, const ct__series *s) {
    for (int64_t i = s->n - 1; i >= 0; i--)
        if (ct__scale_shows(&f->x, x_at(s, i)) && ct__scale_shows(&f->y, s->y[i])) return i;
    return -1;
}

/* Whether all lines can carry their names at their right ends; then room is made for them. */
static bool plan_tags(ct__frame *f) {
    double widest = 0;
    int n = 0;
    if (f->svg->width < 500 || f->chart->n_series < 2) return false;
    for (const ct__series *s = f->chart->first; s; s = s->next, n++) {
        int64_t last = last_shown(f, s);
        if (s->kind != CT__SERIES_LINE || !s->label || last < 0) return false;
        widest = fmax(widest, ct__text_width(s->label, CT__FONT));
        double x = x_at(s, last), share = f->x.log ? log10(x / f->x.lo) / log10(f->x.hi / f->x.lo) : (x - f->x.lo) / (f->x.hi - f->x.lo);
        if (share < 0.97 || share > 1.001 || s->y[last] < f->y.lo || s->y[last] > f->y.hi) return false; /* it ends elsewhere */
    }
    if (n > MAX_TAGS || widest > f->svg->width * 0.22) return false;
    f->right = f->svg->width - widest - 14;
    return true;
}

static void draw_tags(ct__frame *f) {
    tag tags[MAX_TAGS];
    int n = 0;
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        tag t = {s, ct__scale_px(&f->y, s->y[last_shown(f, s)])};
        int at = n++;
        for (; at > 0 && tags[at - 1].y > t.y; at--) tags[at] = tags[at - 1];
        tags[at] = t;
    }
    /* apart by a line's height: pushed down from the top, then up from the bottom */
    double edge = f->top - TAG_HEIGHT;
    for (int i = 0; i < n; i++) tags[i].y = edge = fmax(tags[i].y, edge + TAG_HEIGHT);
    edge = f->bottom + TAG_HEIGHT;
    for (int i = n - 1; i >= 0; i--) tags[i].y = edge = fmin(tags[i].y, edge - TAG_HEIGHT);
    for (int i = 0; i < n; i++) {
        char class_[16];
        snprintf(class_, sizeof class_, "f%d", tags[i].s->color);
        ct__svg_text(f->svg, f->right + 8, tags[i].y + 4.5, "start", class_, 0, tags[i].s->label);
    }
}

/* ---- The plot ---- */

static void clip_begin(ct__frame *f) {
    ct__buf *t = &f->svg->body;
    ct__buf_puts(t, "<svg x=\"");
    const double box[] = {f->left, f->top, f->right - f->left, f->bottom - f->top};
    static const char *const between[] = {"\" y=\"", "\" width=\"", "\" height=\"", "\" viewBox=\""};
    for (int i = 0; i < 4; i++) {
        ct__put_tenths(t, box[i]);
        ct__buf_puts(t, between[i]);
    }
    for (int i = 0; i < 4; i++) {
        ct__put_tenths(t, box[i]);
        ct__buf_puts(t, i < 3 ? " " : "\">\n");
    }
}

static void draw_data(ct__frame *f) {
    const ct_chart_options *o = &f->chart->o;
    bool clip = o->x_min.has || o->x_max.has || o->y_min.has || o->y_max.has;
    if (clip) clip_begin(f);
    for (const ct__series *s = f->chart->first; s; s = s->next)
        if (s->low) draw_band(f, s);
    ct__draw_histograms(f);
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        double slope, intercept;
        if (s->kind == CT__SERIES_LINE) draw_line(f, s);
        if (s->kind == CT__SERIES_POINTS) draw_points(f, s);
        if (s->identity) draw_identity(f);
        if (s->fit && ct__series_fit(s, &slope, &intercept)) draw_straight(f, slope, intercept, "e");
    }
    if (clip) ct__buf_puts(&f->svg->body, "</svg>\n");
}

void ct__draw_xy(ct__frame *f) {
    ct__range x = ct__range_empty(), y = ct__range_empty();
    bool points = false, histogram = false;
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        points |= s->kind == CT__SERIES_POINTS;
        histogram |= s->kind == CT__SERIES_HISTOGRAM;
        if (s->kind != CT__SERIES_HISTOGRAM) measure(f, s, &x, &y);
    }
    if (histogram) ct__count_histograms(f, &x, &y);
    int64_t shown = y.n;
    fit_scales(f, x, y, points, histogram);
    f->direct = plan_tags(f);
    ct__frame_legend(f);
    ct__frame_place(f);
    ct__frame_axes(f);
    draw_data(f);
    ct__frame_rules(f);
    if (f->direct) draw_tags(f);
    if (!shown) ct__frame_note(f, f->chart->first ? "no values to draw" : "no data");
    ct__free(f->histogram.heights);
}
