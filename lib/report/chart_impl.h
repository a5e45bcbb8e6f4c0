/*
 * chart_impl.h: what the files that draw charts share.
 *
 *     chart.c         the handle: checks and copies what is added
 *     chart_scale.c   axes: ranges, ticks, their labels
 *     chart_svg.c     elements of SVG, the width of texts, the colours
 *     chart_draw.c    title, axes, legend around the plot
 *     chart_xy.c      lines, points, histograms        chart_bars.c  bars        chart_heat.c  heat maps
 */
#ifndef CT__CHART_IMPL_H
#define CT__CHART_IMPL_H

#include "report/report_impl.h"
#include <ctorch/chart.h>

#include <stdatomic.h>

/* ---- What a chart holds ---- */

enum { CT__PALETTE = 8, CT__MAX_TICKS = 64, CT__MAX_CELLS = 500 };

typedef enum ct__series_kind { CT__SERIES_LINE, CT__SERIES_POINTS, CT__SERIES_HISTOGRAM, CT__SERIES_BARS, CT__SERIES_HEAT } ct__series_kind;

typedef struct ct__series {
    struct ct__series *next;
    ct__series_kind kind;
    const char *label; /* or NULL */
    int color;         /* 0 .. CT__PALETTE - 1 */
    int64_t n;
    const double *x;           /* NULL: 1, 2, 3, ... */
    const double *y;           /* of histograms the values, of a heat map the matrix */
    const double *low, *high;  /* band; of bars low holds the errors */
    bool points, fit, identity, density;
    int64_t bins;
} ct__series;

typedef struct ct__rule { /* ct_chart_vline, ct_chart_hline */
    struct ct__rule *next;
    bool vertical;
    double at;
    const char *label;
} ct__rule;

typedef struct ct__heat {
    int64_t rows, columns;
    const char *const *row_names, *const *column_names;
    const double *shade;
    int decimals; /* -1: as needed */
    bool no_values;
    ct_opt_f64 min, max;
} ct__heat;

struct ct_chart {
    atomic_int refs;
    ct__store store; /* all that it points to lies there */
    const char *title;
    ct_chart_options o; /* with copies of its strings */
    ct__series *first, **last;
    ct__rule *first_rule, **last_rule;
    int n_series;
    const char *const *names; /* of bars: first->n */
    ct__heat heat;
};

/* ---- Scales, chart_scale.c ---- */

/* lo .. hi lies at the pixels from .. to. */
typedef struct ct__scale {
    double lo, hi, from, to;
    bool log, percent, whole; /* whole: no ticks between integers */
} ct__scale;

typedef struct ct__ticks {
    int n;
    double at[CT__MAX_TICKS];
    char label[CT__MAX_TICKS][48];
} ct__ticks;

/* A range that grows with what it has seen. */
typedef struct ct__range { double lo, hi, least; bool whole; int64_t n; } ct__range; /* least: the smallest above 0 */
ct__range ct__range_empty(void);
void ct__range_add(ct__range *r, double v);

/* Whether v can be placed on the axis. */
bool ct__scale_shows(const ct__scale *s, double v);
double ct__scale_px(const ct__scale *s, double v);
/* Sets lo and hi from the range: with zero, with a margin (a share of the range), ends that are given. */
void ct__scale_fit(ct__scale *s, const ct__range *r, bool zero, double margin, ct_opt_f64 min, ct_opt_f64 max);
/* About so many ticks, inside lo .. hi. */
void ct__scale_ticks(const ct__scale *s, int about, ct__ticks *out);
/* Moves lo and hi outwards to ticks, where they were not given. */
void ct__scale_round(ct__scale *s, int about, bool fixed_lo, bool fixed_hi);

/* ---- SVG, chart_svg.c ---- */

typedef struct ct__svg {
    ct__buf body; /* what stands between <svg> and </svg> */
    double width, height;
} ct__svg;

/* Widths of texts at a size, in pixels: of a sans-serif font, a little too wide rather than too narrow. */
double ct__text_width(const char *s, double size);
/* s cut to the width, with an ellipsis if it is too long, into out. */
typedef struct ct__short { char s[256]; } ct__short;
const char *ct__shorten(ct__short *out, const char *s, double size, double width);

/* class_ is CSS's; anchor "start", "middle" or "end". angle in degrees about (x, y), 0 = none. */
void ct__svg_text(ct__svg *v, double x, double y, const char *anchor, const char *class_, double angle, const char *s);
void ct__svg_line(ct__svg *v, double x1, double y1, double x2, double y2, const char *class_);
void ct__svg_rect(ct__svg *v, double x, double y, double w, double h, const char *class_, const char *title); /* title: shown on hover, or NULL */

void ct__svg_attribute(ct__buf *b, const char *name, double value); /* name="12.3", a blank before it */

/* The whole file; or for a page, which has the styles once. */
void ct__svg_file(ct__buf *out, const ct__svg *v, const char *name);
void ct__svg_inline(ct__buf *out, const ct__svg *v, const char *name, const char *class_);
/* The colours as CSS variables, light and dark, and the classes that charts use. */
extern const char ct__chart_css[];

/* ---- Drawing ---- */

enum { CT__FONT = 13, CT__SMALL = 12, CT__TITLE = 15, CT__WIDE = 720, CT__NARROW = 350 };

/* The plot's place in the picture, and what is around it. */
typedef struct ct__frame {
    const ct_chart *chart;
    ct__svg *svg;
    double left, right, top, bottom; /* of the plot, in pixels */
    double below;                    /* room for the labels of the x axis, 0 = a line's height */
    ct__scale x, y;
    ct__ticks x_ticks, y_ticks;
    bool no_x_ticks, no_y_ticks;     /* bars and heat maps have names there */
    bool direct;                     /* lines are labelled at their ends, not in a legend */
    bool lying;                      /* bars lie: what the options say of y holds for x, and the other way round */
    const char *x_title, *y_title;
    int decimals;                    /* of the values at bars; -1: each as it needs */
    struct {
        int64_t bins;
        double lo, width;  /* interval i is lo + i * width .. lo + (i + 1) * width */
        double *heights;   /* [histograms][bins] */
    } histogram;
} ct__frame;

/* The chart as it looks at this width; narrow ones are laid out anew, not shrunk. */
void ct__chart_draw(const ct_chart *chart, ct__svg *svg, double width);
/* "Loss: line chart of 2 series", for those who cannot see it. */
void ct__chart_describe(const ct_chart *chart, ct__buf *out);

void ct__draw_xy(ct__frame *f);
void ct__count_histograms(ct__frame *f, ct__range *x, ct__range *y); /* chart_histogram.c; grows the ranges */
void ct__draw_histograms(ct__frame *f);
void ct__draw_bars(ct__frame *f);
void ct__draw_heat(ct__frame *f);

/* Series are told apart by dashes too from four on. */
const char *ct__dash_class(const ct__frame *f, const ct__series *s);

/* The legend, if a series needs one; top moves below it. */
void ct__frame_legend(ct__frame *f);
/* Places the plot between top and right: sets left, bottom, the scales' pixels and ticks. Scales must be fitted. */
void ct__frame_place(ct__frame *f);
/* Grid, tick labels and titles of the axes, where they were placed. */
void ct__frame_axes(ct__frame *f);
void ct__frame_rules(ct__frame *f);
/* In the middle of the plot. */
void ct__frame_note(ct__frame *f, const char *text);

/* "y = 0.98 x + 1.2", of the least-squares line; false if there is none. chart_xy.c */
bool ct__series_fit(const ct__series *s, double *slope, double *intercept);
void ct__fit_text(double slope, double intercept, char out[80]);

/* A value as it stands at a bar or in a cell: with so many decimals, or -1: few digits, k and M. */
const char *ct__value_label(ct__number *out, double v, bool percent, int decimals);

#endif
