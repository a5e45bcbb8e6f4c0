/*
 * chart_heat.c: a matrix as coloured cells. The strength of a colour is its opacity over the ground, so that one picture serves light and dark; where it is
 * strong the numbers change to the colour that is read on it.
 */
#include "report/chart_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL_LEAST = 22, CELL_MOST = 64, SCALE_WIDTH = 64, FEW_CELLS = 2500 };

typedef struct heat {
    ct__frame *f;
    const ct__heat *o;
    const double *values, *shade;
    double lo, hi;      /* of the shades */
    int decimals;       /* of the values; -1: each as it needs */
    double cell_w, cell_h;
    bool two_colours;
} heat;

static const char *name_of(const char *const *names, int64_t i, char number[24]) {
    if (names) return names[i];
    snprintf(number, 24, "%lld", (long long)i);
    return number;
}

static double widest(const char *const *names, int64_t n) {
    double most = 0;
    char number[24];
    for (int64_t i = 0; i < n; i++) most = fmax(most, ct__text_width(name_of(names, i, number), CT__SMALL));
    return most;
}

/* ---- Colours ---- */

static void measure(heat *h) {
    ct__range r = ct__range_empty();
    for (int64_t i = 0; i < h->o->rows * h->o->columns; i++) ct__range_add(&r, h->shade[i]);
    h->lo = h->o->min.has ? h->o->min.value : r.n ? fmin(r.lo, 0) : 0;
    h->hi = h->o->max.has ? h->o->max.value : r.n ? fmax(r.hi, 0) : 1;
    if (!(h->lo < h->hi)) h->hi = h->lo + 1;
    h->two_colours = h->lo < 0 && !h->o->min.has;
}

/* 0 .. 1; negative values have the other colour. */
static double strength(const heat *h, double v) {
    double share = h->two_colours ? fabs(v) / fmax(fabs(h->lo), fabs(h->hi)) : (v - h->lo) / (h->hi - h->lo);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void cell(const heat *h, double x, double y, double w, double height, double v, const char *title) {
    if (!isfinite(v)) return;
    double share = strength(h, v);
    char class_[64];
    int opacity = (int)lround(1000 * (0.04 + 0.96 * share));
    if (opacity > 999) snprintf(class_, sizeof class_, "%s", h->two_colours && v < 0 ? "cold" : "heat");
    else snprintf(class_, sizeof class_, "%s\" fill-opacity=\".%03d", h->two_colours && v < 0 ? "cold" : "heat", opacity);
    ct__svg_rect(h->f->svg, x, y, w, height, class_, title);
}

/* ---- Cells ---- */

static const char *value_text(const heat *h, double v, ct__number *out) { return ct__value_label(out, v, false, h->decimals); }

/* Two digits of the largest value for all, where not all are integers. */
static int common_decimals(const heat *h) {
    double largest = 0;
    bool whole = true;
    for (int64_t i = 0; i < h->o->rows * h->o->columns; i++) {
        if (!isfinite(h->values[i])) continue;
        largest = fmax(largest, fabs(h->values[i]));
        whole = whole && h->values[i] == floor(h->values[i]);
    }
    if (h->o->decimals >= 0 || whole || largest >= 1e4) return h->o->decimals;
    int decimals = 1 - (int)floor(log10(largest));
    return decimals < 0 ? 0 : decimals > 6 ? -1 : decimals;
}

static bool values_fit(const heat *h) {
    ct__number number;
    if (h->o->no_values || h->cell_h < 15 || h->o->rows * h->o->columns > FEW_CELLS) return false;
    for (int64_t i = 0; i < h->o->rows * h->o->columns; i++)
        if (isfinite(h->values[i]) && ct__text_width(value_text(h, h->values[i], &number), CT__SMALL) > h->cell_w - 3) return false;
    return true;
}

static void draw_cells(heat *h, bool valued) {
    ct__frame *f = h->f;
    double gap = h->cell_w > 8 && h->cell_h > 8 ? 1 : 0;
    for (int64_t r = 0; r < h->o->rows && ct_ok(); r++)
        for (int64_t c = 0; c < h->o->columns; c++) {
            int64_t i = r * h->o->columns + c;
            double x = f->left + (double)c * h->cell_w, y = f->top + (double)r * h->cell_h;
            char title[300], row[24], column[24];
            ct__short row_name, column_name;
            ct__number number;
            const char *text = value_text(h, h->values[i], &number);
            snprintf(title, sizeof title, "%s, %s: %s", ct__shorten(&row_name, name_of(h->o->row_names, r, row), 1, 60),
                     ct__shorten(&column_name, name_of(h->o->column_names, c, column), 1, 60), text);
            cell(h, x, y, h->cell_w - gap, h->cell_h - gap, h->shade[i], title);
            if (valued && isfinite(h->values[i]))
                ct__svg_text(f->svg, x + (h->cell_w - gap) / 2, y + h->cell_h / 2 + 4, "middle", strength(h, h->shade[i]) > 0.66 ? "n on" : "n", 0, text);
        }
}

/* Many cells without values: one path for each of 24 strengths of a colour, in units of cells, at 12 bytes a cell. */
static void draw_small_cells(const heat *h) {
    enum { STEPS = 24 };
    ct__buf *b = &h->f->svg->body, paths[2][STEPS] = {{{0}}};
    for (int64_t r = 0; r < h->o->rows && ct_ok(); r++)
        for (int64_t c = 0; c < h->o->columns; c++) {
            double v = h->shade[r * h->o->columns + c];
            if (isfinite(v))
                ct__buf_printf(&paths[h->two_colours && v < 0][(int)lround((STEPS - 1) * strength(h, v))], "M%lld %lldh1v1h-1z", (long long)c, (long long)r);
        }
    ct__buf_puts(b, "<g transform=\"translate(");
    ct__put_tenths(b, h->f->left);
    ct__buf_puts(b, " ");
    ct__put_tenths(b, h->f->top);
    int w = (int)lround(h->cell_w * 1e4), height = (int)lround(h->cell_h * 1e4);
    ct__buf_printf(b, ") scale(%d.%04d %d.%04d)\" shape-rendering=\"crispEdges\">\n", w / 10000, w % 10000, height / 10000, height % 10000);
    for (int i = 0; i < 2 * STEPS; i++) {
        ct__buf *path = &paths[i / STEPS][i % STEPS];
        if (path->size) {
            ct__buf_printf(b, "<path class=\"%s\" fill-opacity=\".%03d\" d=\"", i < STEPS ? "heat" : "cold", 40 + (i % STEPS) * 959 / (STEPS - 1));
            ct__buf_append(b, path->data, path->size);
            ct__buf_puts(b, "\"/>\n");
        }
        ct__buf_free(path);
    }
    ct__buf_puts(b, "</g>\n");
}

static void draw_names(const heat *h, double room_left, double room_below, bool turned) {
    const ct__frame *f = h->f;
    char number[24];
    ct__short name;
    int64_t each = (int64_t)ceil(13 / h->cell_h);
    for (int64_t r = 0; r < h->o->rows; r += each) {
        ct__shorten(&name, name_of(h->o->row_names, r, number), CT__SMALL, room_left);
        ct__svg_text(f->svg, f->left - 6, f->top + ((double)r + 0.5) * h->cell_h + 4, "end", "m", 0, name.s);
    }
    each = (int64_t)ceil((turned ? 14 : widest(h->o->column_names, h->o->columns) + 4) / h->cell_w);
    for (int64_t c = 0; c < h->o->columns; c += each < 1 ? 1 : each) {
        double x = f->left + ((double)c + 0.5) * h->cell_w;
        ct__shorten(&name, name_of(h->o->column_names, c, number), CT__SMALL, turned ? room_below : 1e9);
        if (turned) ct__svg_text(f->svg, x + 4, f->bottom + 7, "end", "m", -90, name.s);
        else ct__svg_text(f->svg, x, f->bottom + 16, "middle", "m", 0, name.s);
    }
}

/* What the colours mean, right of the cells: a column of steps with the ends' values. */
static void draw_scale(const heat *h) {
    enum { STEPS = 24 };
    const ct__frame *f = h->f;
    double x = f->right + 14, height = fmin(f->bottom - f->top, 200), step = height / STEPS;
    ct__number number;
    for (int i = 0; i < STEPS; i++) cell(h, x, f->top + i * step, 12, step + 0.3, h->hi - (h->hi - h->lo) * (i + 0.5) / STEPS, NULL);
    ct__svg_text(f->svg, x + 17, f->top + 9, "start", "m", 0, ct__value_label(&number, h->hi, false, -1));
    ct__svg_text(f->svg, x + 17, f->top + height, "start", "m", 0, ct__value_label(&number, h->lo, false, -1));
}

void ct__draw_heat(ct__frame *f) {
    const ct_chart *c = f->chart;
    heat h = {.f = f, .o = &c->heat, .values = c->first->y, .shade = c->heat.shade ? c->heat.shade : c->first->y};
    f->no_x_ticks = f->no_y_ticks = true;
    if (!c->heat.rows || !c->heat.columns) {
        ct__frame_place(f);
        ct__frame_note(f, "no cells");
        return;
    }
    measure(&h);
    h.decimals = common_decimals(&h);
    double room_left = fmin(widest(c->heat.row_names, c->heat.rows), f->svg->width * 0.35);
    f->left = 6 + room_left + 7;
    double width = f->right - f->left - (c->heat.no_values ? SCALE_WIDTH : 0);
    h.cell_w = fmin(width / (double)c->heat.columns, CELL_MOST);
    double room_below = widest(c->heat.column_names, c->heat.columns);
    bool turned = room_below + 4 > h.cell_w && c->heat.column_names;
    room_below = turned ? fmin(room_below, 130) : 14;
    f->below = room_below + 12;
    double around = f->top + (c->o.y_title ? 24 : 6) + f->below + (c->o.x_title ? 19 : 0) + 6;
    h.cell_h = c->o.height ? (c->o.height - around) / (double)c->heat.rows : fmin(fmax(h.cell_w * 0.8, c->heat.rows > 40 ? h.cell_w : CELL_LEAST), 44);
    h.cell_h = fmax(h.cell_h, 0.2);
    if (!c->o.height) f->svg->height = around + h.cell_h * (double)c->heat.rows;
    bool valued = values_fit(&h);
    if (!valued && !c->heat.no_values) h.cell_w = fmin((width - SCALE_WIDTH) / (double)c->heat.columns, h.cell_w);
    f->right = f->left + h.cell_w * (double)c->heat.columns;
    ct__frame_place(f);
    if (c->heat.rows * c->heat.columns > FEW_CELLS) draw_small_cells(&h);
    else draw_cells(&h, valued);
    draw_names(&h, room_left, room_below, turned);
    if (!valued) draw_scale(&h);
    ct__frame_axes(f);
}
