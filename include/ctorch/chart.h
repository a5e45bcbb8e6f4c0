/*
 * ctorch/chart.h: charts as SVG: lines, bars, histograms, scatter plots, heat maps.
 *
 *     ct_chart *chart = ct_chart_new("Loss", &(ct_chart_options){.x_title = "epoch", .y_title = "cross entropy"});
 *     ct_chart_line(chart, NULL, x, &(ct_chart_line_options){.label = "training"});
 *     ct_chart_line(chart, NULL, y, &(ct_chart_line_options){.label = "test"});
 *     ct_chart_vline(chart, 7, "best epoch");
 *     ct_chart_write(chart, "loss.svg");
 *     ct_chart_free(chart);
 *
 * ct_report_chart (report.h) puts one into a report. A chart chooses its axes, ticks, legend and colours itself: ticks are 1, 2 or 5 times a power of
 * ten, labels never overlap, colours are apart for the colour-blind too and have a contrast of at least 3:1 in light and dark. The picture is
 * legible by itself, follows the reader's light or dark setting, and needs no script.
 *
 * Tensors may have any dtype and are read in row-major order; they are copied at the call, strings too. Strings are UTF-8. NaN is a gap, infinite values too.
 * A million points are drawn as the few thousand that a screen shows; of each column of pixels the first, last, lowest and highest, so that no peak is lost.
 *
 * A chart is of one kind: lines, points and histograms go together; bars, or one heat map, do not go with anything else: CT_ERR_STATE.
 */
#ifndef CTORCH_CHART_H
#define CTORCH_CHART_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reference-counted: retain adds a reference, free drops one. */
typedef struct ct_chart ct_chart;

typedef struct ct_chart_options {
    const char *x_title, *y_title; /* what the axes show, with the unit: "price (1,000 dollars)"; NULL = nothing */
    bool x_log, y_log;             /* logarithmic; values that are not above 0 are gaps */
    bool x_percent, y_percent;     /* values are shares: 0.5 reads "50 %" */
    bool y_zero;                   /* the y axis begins at 0 or below; bars and histograms always do */
    bool same_axes;                /* x and y show the same range, in a square: predicted against true values */
    bool horizontal;               /* bars lie; they also do when their names are too long to stand side by side. y is the axis of values all the same */
    ct_opt_f64 x_min, x_max, y_min, y_max; /* ends of the axes; default: what the data need */
    int32_t height;                /* in pixels, where the width is 720; 0 = 400, more for many lying bars; 120 to 4000 */
    uint64_t reserved[4];
} ct_chart_options;

/* title may be NULL. */
CT_API ct_chart *ct_chart_new(const char *title, const ct_chart_options *options);
CT_API ct_chart *ct_chart_retain(ct_chart *chart); /* NULL passes through */
CT_API void ct_chart_free(ct_chart *chart);        /* NULL is fine */

/* ---- Lines and points ------------------------------------------------------------------------------------------- */

/* In all options: label names the series in the legend (NULL = not in it); color 1 to 8 is one of the palette, 0 the next. */
typedef struct ct_chart_line_options {
    const char *label;
    const ct_tensor *low, *high; /* a band around the line, as many elements as y: a confidence interval, the spread over seeds. Both or none */
    bool points;                 /* marks each point */
    int32_t color;
    uint64_t reserved[4];
} ct_chart_line_options;

/* The points (x[i], y[i]) joined in their order. x NULL = 1, 2, 3, ..., as epochs count. CT_ERR_SHAPE if the numbers of elements differ. Since 0.1. */
CT_API ct_status ct_chart_line(ct_chart *chart, const ct_tensor *x, const ct_tensor *y, const ct_chart_line_options *options);

typedef struct ct_chart_scatter_options {
    const char *label;
    bool fit;      /* the least-squares line through the points, with its equation in the legend */
    bool identity; /* the line y = x: where predicted values equal the true ones */
    int32_t color;
    uint64_t reserved[4];
} ct_chart_scatter_options;

/* The points alone. Residuals against predictions are one of these with ct_chart_hline(chart, 0, NULL). Since 0.1. */
CT_API ct_status ct_chart_scatter(ct_chart *chart, const ct_tensor *x, const ct_tensor *y, const ct_chart_scatter_options *options);

/* A thin line across the chart, upright at x or level at y, with a label or NULL: the best epoch, chance level. The axes include it. On a chart of bars level
 * with the values. Since 0.1. */
CT_API ct_status ct_chart_vline(ct_chart *chart, double x, const char *label);
CT_API ct_status ct_chart_hline(ct_chart *chart, double y, const char *label);

/* ---- Distributions, categories, matrices ------------------------------------------------------------------------ */

typedef struct ct_chart_histogram_options {
    const char *label;
    int64_t bins;  /* 0: by the rule of Freedman and Diaconis, at most 100; of several histograms the first decides */
    bool density;  /* the area of the bars is 1, for sets of different size; default: counts */
    int32_t color;
    uint64_t reserved[4];
} ct_chart_histogram_options;

/* How often values fall into each of equally wide intervals. Several in one chart share the intervals. Since 0.1. */
CT_API ct_status ct_chart_histogram(ct_chart *chart, const ct_tensor *values, const ct_chart_histogram_options *options);

typedef struct ct_chart_bars_options {
    const char *label;
    const ct_tensor *errors; /* half the length of an error bar for each value, as many elements: a standard deviation */
    int32_t color;
    uint64_t reserved[4];
} ct_chart_bars_options;

/* One bar for each of values, named by names (as many). A further call adds a bar to each group: names is then NULL or the same number of names, which are
 * ignored. Since 0.1. */
CT_API ct_status ct_chart_bars(ct_chart *chart, const char *const *names, const ct_tensor *values, const ct_chart_bars_options *options);

typedef struct ct_chart_heatmap_options {
    const char *const *row_names, *const *column_names; /* as many as the matrix has; NULL = their numbers from 0 */
    const ct_tensor *shade;  /* [R, C]: what the colours show, if it is not the values; a row's percentages where the cells show counts */
    ct_opt_i64 decimals;     /* of the values in the cells; default: none for integers, else 2 or 3 digits in all */
    bool no_values;          /* colours alone, with a scale beside them */
    ct_opt_f64 min, max;     /* of the colours; default: the smallest (or 0) and largest. With negative values two colours, 0 between them */
    uint64_t reserved[4];
} ct_chart_heatmap_options;

/* A matrix [R, C] as coloured cells, the first row on top, with the values in them where there is room; at most 500 x 500. Since 0.1. */
CT_API ct_status ct_chart_heatmap(ct_chart *chart, const ct_tensor *matrix, const ct_chart_heatmap_options *options);

/* ---- The picture ------------------------------------------------------------------------------------------------- */

/* The SVG file, UTF-8, as u8 [n]. A chart without data is a frame that says so. Since 0.1. */
CT_API ct_tensor *ct_chart_svg(const ct_chart *chart);

/* Writes it; the file is replaced in one step, as by ct_write_file. */
CT_API ct_status ct_chart_write(const ct_chart *chart, const char *path);

#ifdef __cplusplus
}
#endif
#endif
