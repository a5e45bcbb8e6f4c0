/*
 * chart_bars.c: bars, grouped where there are several series. They stand where their names fit side by side, and lie otherwise: a name is then as long
 * as it likes. Of very many standing bars every n-th is named.
 */
#include "report/chart_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 60, LYING_BAR = 15, LYING_GAP = 9, MOST_HEIGHT = 4000 };

static double widest_name(const ct_chart *c) {
    double widest = 0;
    for (int64_t i = 0; i < c->first->n; i++) widest = fmax(widest, ct__text_width(c->names[i], CT__SMALL));
    return widest;
}

static ct__range measure(const ct_chart *c) {
    ct__range r = ct__range_empty();
    for (const ct__series *s = c->first; s; s = s->next)
        for (int64_t i = 0; i < s->n; i++) {
            double error = s->low && isfinite(s->low[i]) ? fabs(s->low[i]) : 0;
            if (!isfinite(s->y[i])) continue;
            double lo = s->y[i] - error, hi = s->y[i] + error;
            if (c->o.y_percent && s->y[i] >= 0 && s->y[i] <= 1) lo = fmax(lo, 0), hi = fmin(hi, 1); /* no share is more than all */
            ct__range_add(&r, lo);
            ct__range_add(&r, hi);
        }
    for (const ct__rule *rule = c->first_rule; rule; rule = rule->next) ct__range_add(&r, rule->at);
    return r;
}

/* Three digits of the largest value, for all of them; -1 where some need more, are large, or all are integers. */
static int common_decimals(const ct_chart *c) {
    double largest = 0, smallest = INFINITY;
    bool whole = true;
    for (const ct__series *s = c->first; s; s = s->next)
        for (int64_t i = 0; i < s->n; i++) {
            double v = fabs(s->y[i]) * (c->o.y_percent ? 100 : 1);
            if (!isfinite(v) || v == 0) continue;
            largest = fmax(largest, v), smallest = fmin(smallest, v);
            whole = whole && v == floor(v);
        }
    if (largest == 0 || largest >= 1e4 || (whole && !c->o.y_percent)) return -1;
    int decimals = 2 - (int)floor(log10(largest));
    decimals = decimals < 0 ? 0 : decimals;
    if (c->o.y_percent) return decimals > 4 ? 4 : decimals < 1 ? 1 : decimals;
    return decimals > 5 || smallest < 0.5 * pow(10, -decimals) ? -1 : decimals;
}

/* ---- One bar ---- */

/* Where a value's bar lies: along the axis of values from foot to tip, across from side for the thickness. */
typedef struct bar { double foot, tip, side, thickness; const ct__series *s; int64_t i; } bar;

static void draw_bar(ct__frame *f, const bar *b, const char *name) {
    char class_[16], title[400];
    ct__number number;
    ct__short short_name;
    const ct__scale *values = f->lying ? &f->x : &f->y;
    snprintf(class_, sizeof class_, "f%d", b->s->color);
    snprintf(title, sizeof title, "%s%s%.80s: %s", ct__shorten(&short_name, name, 1, 200), b->s->label ? ", " : "", b->s->label ? b->s->label : "",
             ct__value_label(&number, b->s->y[b->i], values->percent, f->decimals));
    double from = fmin(b->foot, b->tip), length = fabs(b->tip - b->foot);
    if (f->lying) ct__svg_rect(f->svg, from, b->side, length, b->thickness, class_, title);
    else ct__svg_rect(f->svg, b->side, from, b->thickness, length, class_, title);
}

static void draw_error(ct__frame *f, const bar *b, double error) {
    const ct__scale *values = f->lying ? &f->x : &f->y;
    double v = b->s->y[b->i], at = b->side + b->thickness / 2, cap = fmin(4, b->thickness / 3);
    double lo = ct__scale_px(values, fmax(v - error, values->lo)), hi = ct__scale_px(values, fmin(v + error, values->hi));
    ct__buf *t = &f->svg->body;
    const double ends[6][2] = {{lo, at}, {hi, at}, {lo, at - cap}, {lo, at + cap}, {hi, at - cap}, {hi, at + cap}};
    ct__buf_puts(t, "<path class=\"e\" d=\"");
    for (int i = 0; i < 6; i++) {
        ct__buf_puts(t, i % 2 ? "L" : "M");
        ct__put_tenths(t, f->lying ? ends[i][0] : ends[i][1]);
        ct__buf_puts(t, " ");
        ct__put_tenths(t, f->lying ? ends[i][1] : ends[i][0]);
    }
    ct__buf_puts(t, "\"/>\n");
}

/* The value beyond the tip (and the error bar), on the side away from the foot. */
static void draw_value(ct__frame *f, const bar *b) {
    const ct__scale *values = f->lying ? &f->x : &f->y;
    double v = b->s->y[b->i], error = b->s->low && isfinite(b->s->low[b->i]) ? fabs(b->s->low[b->i]) : 0, middle = b->side + b->thickness / 2;
    double beyond = ct__scale_px(values, v < 0 ? fmax(v - error, values->lo) : fmin(v + error, values->hi));
    ct__number number;
    const char *text = ct__value_label(&number, v, values->percent, f->decimals);
    if (f->lying) ct__svg_text(f->svg, v < 0 ? beyond - 5 : beyond + 5, middle + 4, v < 0 ? "end" : "start", "n", 0, text);
    else ct__svg_text(f->svg, middle, v < 0 ? beyond + 14 : beyond - 5, "middle", "n", 0, text);
}

/* ---- All bars ---- */

static double widest_value(const ct__frame *f, bool percent) {
    double widest = 0;
    ct__number number;
    for (const ct__series *s = f->chart->first; s; s = s->next)
        for (int64_t i = 0; i < s->n; i++) widest = fmax(widest, ct__text_width(ct__value_label(&number, s->y[i], percent, f->decimals), CT__SMALL));
    return widest;
}

static void draw_all(ct__frame *f, double begin, double slot, bool valued) {
    const ct_chart *c = f->chart;
    const ct__scale *values = f->lying ? &f->x : &f->y;
    double zero = fmin(fmax(0, values->lo), values->hi), inner = slot * (c->n_series > 1 ? 0.82 : 0.72), thickness = inner / c->n_series;
    if (thickness > 64) thickness = 64, inner = thickness * c->n_series;
    for (int64_t i = 0; i < c->first->n && ct_ok(); i++) {
        int k = 0;
        for (const ct__series *s = c->first; s; s = s->next, k++) {
            if (!isfinite(s->y[i])) continue;
            double shown = fmin(fmax(s->y[i], values->lo), values->hi);
            bar b = {.foot = ct__scale_px(values, zero), .tip = ct__scale_px(values, shown), .thickness = thickness - (thickness > 4 ? 1 : 0), .s = s, .i = i};
            b.side = begin + (double)i * slot + (slot - inner) / 2 + k * thickness;
            draw_bar(f, &b, c->names[i]);
            if (s->low && isfinite(s->low[i])) draw_error(f, &b, fabs(s->low[i]));
            if (valued) draw_value(f, &b);
        }
    }
    double at = ct__scale_px(values, zero); /* the line on which the bars stand */
    if (f->lying) ct__svg_line(f->svg, at, f->top, at, f->bottom, "a");
    else ct__svg_line(f->svg, f->left, at, f->right, at, "a");
}

/* ---- Standing ---- */

static void name_standing(ct__frame *f, double slot, double widest) {
    const ct_chart *c = f->chart;
    int64_t each = (int64_t)ceil((widest + 8) / slot);
    double end = -INFINITY;
    for (int64_t i = 0; i < c->first->n; i += each < 1 ? 1 : each) {
        ct__short name;
        ct__shorten(&name, c->names[i], CT__SMALL, (f->right - f->left) * 0.5);
        double middle = f->left + ((double)i + 0.5) * slot, width = ct__text_width(name.s, CT__SMALL);
        if (middle - width / 2 < end || middle + width / 2 > f->svg->width) continue;
        ct__svg_text(f->svg, middle, f->bottom + 16, "middle", "m", 0, name.s);
        end = middle + width / 2 + 4;
    }
}

static void draw_standing(ct__frame *f, double widest) {
    const ct_chart_options *o = &f->chart->o;
    f->no_x_ticks = true;
    ct__range r = measure(f->chart);
    ct__scale_fit(&f->y, &r, true, 0, o->y_min, o->y_max);
    ct__frame_legend(f);
    f->top += 12; /* the value of the highest bar */
    ct__frame_place(f);
    double slot = (f->right - f->left) / (double)f->chart->first->n;
    bool valued = widest_value(f, f->y.percent) + 4 < slot * 0.82 / f->chart->n_series;
    ct__frame_axes(f);
    draw_all(f, f->left, slot, valued);
    name_standing(f, slot, widest);
}

/* ---- Lying ---- */

static void draw_lying(ct__frame *f, double widest) {
    const ct_chart_options *o = &f->chart->o;
    int64_t n = f->chart->first->n;
    double slot = LYING_BAR * f->chart->n_series + LYING_GAP, room = f->svg->width * 0.42;
    f->lying = f->no_y_ticks = true;
    f->x_title = o->y_title, f->y_title = o->x_title;
    f->x.percent = o->y_percent;
    ct__range r = measure(f->chart);
    ct__scale_fit(&f->x, &r, true, 0.02, o->y_min, o->y_max);
    ct__frame_legend(f);
    double around = f->top + 60;
    if (!o->height) f->svg->height = fmin(MOST_HEIGHT, around + slot * (double)n);
    f->left = 6 + fmin(widest, room) + 8;
    bool valued = n * f->chart->n_series <= MANY;
    if (valued) f->right -= r.hi > 0 ? widest_value(f, f->x.percent) + 2 : 0;
    double before = f->left;
    if (valued && r.lo < 0) f->left += widest_value(f, f->x.percent) + 2; /* values left of the bars */
    ct__frame_place(f);
    ct__frame_axes(f);
    slot = (f->bottom - f->top) / (double)n;
    draw_all(f, f->top, slot, valued && slot / f->chart->n_series > 11);
    for (int64_t i = 0; i < n && slot > 3; i += slot < 13 ? (int64_t)ceil(13 / slot) : 1) {
        ct__short name;
        ct__svg_text(f->svg, before - 7, f->top + ((double)i + 0.5) * slot + 4, "end", "m", 0, ct__shorten(&name, f->chart->names[i], CT__SMALL, room));
    }
}

void ct__draw_bars(ct__frame *f) {
    const ct_chart *c = f->chart;
    if (!c->first->n) {
        ct__frame_place(f);
        ct__frame_note(f, "no bars");
        return;
    }
    f->decimals = common_decimals(c);
    double widest = widest_name(c), slot = (f->right - f->left - 40) / (double)c->first->n;
    if (c->o.horizontal || (widest + 8 > slot && c->first->n <= MANY)) draw_lying(f, widest);
    else draw_standing(f, widest);
    ct__frame_rules(f);
}
