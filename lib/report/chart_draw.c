/*
 * chart_draw.c: what all charts have around the plot. From the top:
 *
 *     title, in at most two lines
 *     legend, in as many rows as it needs (not where lines carry their names at their ends)
 *     title of the y axis
 *     plot, with tick labels on its left
 *     tick labels of the x axis
 *     title of the x axis
 *
 * The heights are known first, then the ticks of y and with them the width of their labels, then the ticks of x, of which as many are taken
 * as stand side by side.
 */
#include "report/chart_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MARGIN = 6, ROW = 19, SWATCH = 20, GAP = 16 };

/* ---- Title ---- */

/* Breaks s after the last blank that fits into the width; the rest begins at the return value, NULL if all fits. */
static const char *break_line(ct__short *line, const char *s, double size, double width) {
    if (ct__text_width(s, size) <= width) {
        ct__shorten(line, s, size, width);
        return NULL;
    }
    size_t fits = 0;
    for (size_t n = 0; s[n] && n + 1 < sizeof line->s; n++) {
        if (s[n] != ' ') continue;
        memcpy(line->s, s, n);
        line->s[n] = '\0';
        if (ct__text_width(line->s, size) > width) break;
        fits = n;
    }
    if (!fits) {
        ct__shorten(line, s, size, width);
        return NULL;
    }
    line->s[fits] = '\0';
    return s + fits + 1;
}

static void draw_title(ct__frame *f) {
    f->top = MARGIN;
    const char *rest = f->chart->title;
    double width = f->svg->width - 2 * MARGIN;
    for (int line = 0; rest && *rest && line < 2; line++) {
        ct__short text;
        const char *next = line == 0 ? break_line(&text, rest, CT__TITLE * 1.06, width) : NULL; /* bold letters are wider */
        if (line == 1) ct__shorten(&text, rest, CT__TITLE * 1.06, width);
        ct__svg_text(f->svg, MARGIN, f->top + CT__TITLE, "start", "h", 0, text.s);
        f->top += ROW + 1;
        rest = next;
    }
    if (f->chart->title) f->top += 4;
}

/* ---- Legend ---- */

const char *ct__dash_class(const ct__frame *f, const ct__series *s) {
    static const char *const dashes[CT__PALETTE] = {"", " d1", " d2", " d3", " d4", " d5", " d6", " d7"};
    int lines = 0;
    for (const ct__series *each = f->chart->first; each; each = each->next) lines += each->kind == CT__SERIES_LINE;
    return lines > 3 ? dashes[s->color] : "";
}

typedef enum sign { SIGN_SERIES, SIGN_FIT, SIGN_IDENTITY } sign;

static void draw_sign(ct__frame *f, double x, double y, const ct__series *s, sign what) {
    char class_[32];
    if (what != SIGN_SERIES) {
        ct__svg_line(f->svg, x, y, x + SWATCH - 4, y, what == SIGN_FIT ? "e" : "r");
    } else if (s->kind == CT__SERIES_LINE) {
        snprintf(class_, sizeof class_, "l s%d%s", s->color, ct__dash_class(f, s));
        ct__svg_line(f->svg, x, y, x + SWATCH - 4, y, class_);
    } else {
        snprintf(class_, sizeof class_, "f%d", s->color);
        ct__svg_rect(f->svg, x + 3, y - 5, 11, 11, class_, NULL);
    }
}

/* One entry, in the next row if this one is full. *x is where it begins. */
static void entry(ct__frame *f, double *x, const char *text, const ct__series *s, sign what) {
    double width = f->svg->width - 2 * MARGIN;
    ct__short label;
    ct__shorten(&label, text, CT__FONT, width - SWATCH);
    double needs = SWATCH + ct__text_width(label.s, CT__FONT);
    if (*x > MARGIN && *x + needs > MARGIN + width) {
        *x = MARGIN;
        f->top += ROW;
    }
    draw_sign(f, *x, f->top + 8, s, what);
    ct__svg_text(f->svg, *x + SWATCH, f->top + 12.5, "start", "", 0, label.s);
    *x += needs + GAP;
}

void ct__frame_legend(ct__frame *f) {
    double x = MARGIN, before = f->top;
    bool any = false;
    for (const ct__series *s = f->chart->first; s; s = s->next) {
        double slope, intercept;
        char text[80];
        if (s->label && !f->direct) entry(f, &x, s->label, s, SIGN_SERIES), any = true;
        if (s->fit && ct__series_fit(s, &slope, &intercept)) {
            ct__fit_text(slope, intercept, text);
            entry(f, &x, text, s, SIGN_FIT), any = true;
        }
        if (s->identity) entry(f, &x, "y = x", s, SIGN_IDENTITY), any = true;
    }
    if (!f->chart->o.height) f->svg->height += f->top - before; /* a legend of many rows takes nothing from the plot */
    f->top = any ? f->top + ROW + 5 : before;
}

/* ---- Axes ---- */

/* The middle of a label below the axis, moved inwards where it would leave the picture. */
static double label_middle(const ct__frame *f, double px, double width) {
    double most = f->svg->width - 1 - width / 2;
    return px > most ? most : px < 1 + width / 2 ? 1 + width / 2 : px;
}

/* As many ticks as fit. */
static void place_x_ticks(ct__frame *f) {
    double room = f->x.to - f->x.from;
    int about = (int)(room / 36);
    for (about = about > 14 ? 14 : about < 5 ? 5 : about; about >= 1; about--) {
        ct__scale_ticks(&f->x, about, &f->x_ticks);
        double end = -INFINITY;
        bool fit = true;
        for (int i = 0; i < f->x_ticks.n && fit; i++) {
            double width = ct__text_width(f->x_ticks.label[i], CT__SMALL), middle = label_middle(f, ct__scale_px(&f->x, f->x_ticks.at[i]), width);
            fit = middle - width / 2 >= end + 9;
            end = middle + width / 2;
        }
        if (fit) return;
    }
    if (f->x_ticks.n > 1) f->x_ticks.n = 1; /* labels wider than half the plot */
}

void ct__frame_place(ct__frame *f) {
    const ct_chart_options *o = &f->chart->o;
    f->bottom = f->svg->height - MARGIN - (f->below > 0 ? f->below : 18) - (f->x_title ? 19 : 0);
    f->top += f->y_title ? 24 : 6;
    f->y.from = f->bottom, f->y.to = f->top;
    double widest = 0;
    if (!f->no_y_ticks) {
        int about = (int)((f->bottom - f->top) / 48);
        about = about < 2 ? 2 : about > 9 ? 9 : about;
        ct__scale_round(&f->y, about, o->y_min.has, o->y_max.has);
        ct__scale_ticks(&f->y, about, &f->y_ticks);
        for (int i = 0; i < f->y_ticks.n; i++) widest = fmax(widest, ct__text_width(f->y_ticks.label[i], CT__SMALL));
        f->left = MARGIN + widest + 8;
    }
    if (o->same_axes) {
        f->x.lo = f->y.lo, f->x.hi = f->y.hi;
        f->right = fmin(f->right, f->left + (f->bottom - f->top));
    }
    f->x.from = f->left, f->x.to = f->right;
    if (!f->no_x_ticks) place_x_ticks(f);
}

void ct__frame_axes(ct__frame *f) {
    ct__short text;
    for (int i = 0; !f->no_y_ticks && i < f->y_ticks.n; i++) {
        double y = ct__scale_px(&f->y, f->y_ticks.at[i]);
        ct__svg_line(f->svg, f->left, y, f->right, y, "g");
        ct__svg_text(f->svg, f->left - 7, y + 4, "end", "m", 0, f->y_ticks.label[i]);
    }
    for (int i = 0; !f->no_x_ticks && i < f->x_ticks.n; i++) {
        double x = ct__scale_px(&f->x, f->x_ticks.at[i]);
        ct__svg_line(f->svg, x, f->top, x, f->bottom, "g");
        ct__svg_text(f->svg, label_middle(f, x, ct__text_width(f->x_ticks.label[i], CT__SMALL)), f->bottom + 16, "middle", "m", 0, f->x_ticks.label[i]);
    }
    if (!f->no_x_ticks) ct__svg_line(f->svg, f->left, f->bottom, f->right, f->bottom, "a");
    if (f->y_title) ct__svg_text(f->svg, MARGIN, f->top - 12, "start", "m", 0, ct__shorten(&text, f->y_title, CT__SMALL, f->svg->width - 2 * MARGIN));
    if (f->x_title) {
        ct__shorten(&text, f->x_title, CT__SMALL, f->svg->width - 2 * MARGIN);
        double middle = label_middle(f, (f->left + f->right) / 2, ct__text_width(text.s, CT__SMALL));
        ct__svg_text(f->svg, middle, f->svg->height - MARGIN - 4, "middle", "m", 0, text.s);
    }
}

/* ---- Rules, notes ---- */

static void label_upright(ct__frame *f, const ct__rule *r, double x, int row) {
    ct__short text;
    ct__shorten(&text, r->label, CT__SMALL, (f->right - f->left) * 0.7);
    bool left = x + 5 + ct__text_width(text.s, CT__SMALL) > f->right;
    ct__svg_text(f->svg, left ? x - 5 : x + 5, f->top + 12 + row * 15, left ? "end" : "start", "n halo", 0, text.s);
}

static void label_level(ct__frame *f, const ct__rule *r, double y) {
    ct__short text;
    ct__shorten(&text, r->label, CT__SMALL, (f->right - f->left) * 0.7);
    ct__svg_text(f->svg, f->right - 3, y - 5 < f->top + 10 ? y + 14 : y - 5, "end", "n halo", 0, text.s);
}

/* First the lines, then the labels, that no line crosses one. */
void ct__frame_rules(ct__frame *f) {
    int row = 0;
    for (int labels = 0; labels <= 1; labels++)
        for (const ct__rule *r = f->chart->first_rule; r; r = r->next) {
            bool upright = r->vertical || f->lying;
            const ct__scale *s = upright ? &f->x : &f->y;
            if (!ct__scale_shows(s, r->at) || r->at < s->lo || r->at > s->hi) continue;
            double at = ct__scale_px(s, r->at);
            if (!labels && upright) ct__svg_line(f->svg, at, f->top, at, f->bottom, "r");
            else if (!labels) ct__svg_line(f->svg, f->left, at, f->right, at, "r");
            else if (r->label && upright) label_upright(f, r, at, row++);
            else if (r->label) label_level(f, r, at);
        }
}

void ct__frame_note(ct__frame *f, const char *text) {
    ct__svg_text(f->svg, (f->left + f->right) / 2, (f->top + f->bottom) / 2, "middle", "m", 0, text);
}

/* ---- The chart ---- */

const char *ct__value_label(ct__number *out, double v, bool percent, int decimals) {
    static const struct { double from, by; const char *suffix; } large[] = {{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}};
    if (percent) {
        ct__number_fixed(out, v * 100, decimals >= 0 ? decimals : 1);
        strcat(out->s, " %");
        return out->s;
    }
    if (decimals >= 0) return ct__number_fixed(out, v, decimals);
    for (int i = 0; i < 4; i++) {
        if (!(fabs(v) >= large[i].from) || fabs(v) >= 1e15) continue;
        ct__number_general(out, v / large[i].by, 3);
        strcat(out->s, large[i].suffix);
        return out->s;
    }
    return ct__number_general(out, v, v == floor(v) ? 6 : 4);
}

void ct__chart_draw(const ct_chart *chart, ct__svg *svg, double width) {
    ct__series_kind kind = chart->first ? chart->first->kind : CT__SERIES_LINE;
    svg->width = width;
    svg->height = chart->o.height ? chart->o.height : width < CT__WIDE ? 300 : chart->o.same_axes ? 480 : 400;
    ct__frame f = {.chart = chart, .svg = svg, .left = MARGIN, .right = width - 14};
    f.x.log = chart->o.x_log, f.y.log = chart->o.y_log;
    f.x_title = chart->o.x_title, f.y_title = chart->o.y_title;
    f.x.percent = chart->o.x_percent, f.y.percent = chart->o.y_percent;
    draw_title(&f);
    if (kind == CT__SERIES_BARS) ct__draw_bars(&f);
    else if (kind == CT__SERIES_HEAT) ct__draw_heat(&f);
    else ct__draw_xy(&f);
}

void ct__chart_describe(const ct_chart *chart, ct__buf *out) {
    static const char *const kinds[] = {"line chart", "scatter plot", "histogram", "bar chart", "heat map"};
    if (chart->title) ct__buf_printf(out, "%s: ", chart->title);
    ct__buf_puts(out, chart->first ? kinds[chart->first->kind] : "empty chart");
    if (chart->o.y_title) ct__buf_printf(out, ", %s", chart->o.y_title);
    if (chart->o.x_title) ct__buf_printf(out, " by %s", chart->o.x_title);
    const char *before = " of ";
    for (const ct__series *s = chart->first; s; s = s->next) {
        if (!s->label) continue;
        ct__buf_printf(out, "%s%s", before, s->label);
        before = ", ";
    }
}
