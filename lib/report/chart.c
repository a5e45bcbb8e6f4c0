/*
 * chart.c: the handle: checks and copies what is added to a chart. Nothing is computed before the chart is drawn.
 *
 * Everything of a chart lies in its store; series and rules are lists in the order in which they came.
 */
#include "report/chart_impl.h"

#include <math.h>

/* ---- The handle ---- */

static ct_status check_options(const char *fn, const ct_chart_options *o) {
    if (!o) return CT_OK;
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if (o->height && (o->height < 120 || o->height > 4000))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: height is %d, not between 120 and 4000", fn, o->height);
    const ct_opt_f64 ends[] = {o->x_min, o->x_max, o->y_min, o->y_max};
    static const char *const names[] = {"x_min", "x_max", "y_min", "y_max"};
    for (int i = 0; i < 4; i++) {
        if (!ends[i].has) continue;
        if (!(fabs(ends[i].value) <= 1e300)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g", fn, names[i], ends[i].value);
        if ((i < 2 ? o->x_log : o->y_log) && ends[i].value <= 0)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g, and the axis logarithmic", fn, names[i], ends[i].value);
    }
    for (int i = 0; i < 4; i += 2)
        if (ends[i].has && ends[i + 1].has && ends[i].value >= ends[i + 1].value)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s %g is not less than %s %g", fn, names[i], ends[i].value, names[i + 1], ends[i + 1].value);
    CT__TRY(ct__check_text(fn, "x_title", o->x_title, false));
    return ct__check_text(fn, "y_title", o->y_title, false);
}

ct_chart *ct_chart_new(const char *title, const ct_chart_options *options) {
    static const char fn[] = "ct_chart_new";
    if (!ct_ok() || check_options(fn, options) != CT_OK || ct__check_text(fn, "title", title, false) != CT_OK) return NULL;
    ct_chart *c = ct__alloc_zero(sizeof *c);
    if (!c) return NULL;
    atomic_init(&c->refs, 1);
    c->title = ct__store_string(&c->store, title);
    if (options) c->o = *options;
    c->o.x_title = ct__store_string(&c->store, c->o.x_title);
    c->o.y_title = ct__store_string(&c->store, c->o.y_title);
    c->last = &c->first;
    c->last_rule = &c->first_rule;
    if (ct__pending() == CT_OK) return c;
    ct_chart_free(c);
    return NULL;
}

ct_chart *ct_chart_retain(ct_chart *chart) {
    if (chart) atomic_fetch_add(&chart->refs, 1);
    return chart;
}

void ct_chart_free(ct_chart *chart) {
    if (!chart || atomic_fetch_sub(&chart->refs, 1) != 1) return;
    ct__store_free(&chart->store);
    ct__free(chart);
}

/* ---- Checks ---- */

static ct_status check_chart(const char *fn, const ct_chart *c, const char *label) {
    CT__TRY(ct__pending());
    if (!c) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: chart is NULL", fn);
    return ct__check_text(fn, "label", label, false);
}

static const char *kind_name(const ct_chart *c) {
    if (!c->first) return "nothing";
    return c->first->kind == CT__SERIES_BARS ? "bars" : c->first->kind == CT__SERIES_HEAT ? "a heat map" : "lines, points or histograms";
}

/* Lines, points and histograms go together; bars with bars. */
static ct_status check_kind(const char *fn, const ct_chart *c, ct__series_kind kind) {
    for (const ct__rule *r = c->first_rule; r; r = r->next)
        if (kind == CT__SERIES_HEAT || (kind == CT__SERIES_BARS && r->vertical))
            return ct__fail(CT_ERR_STATE, "%s: the chart has an upright or level line, which has no place here", fn);
    if (!c->first) return CT_OK;
    ct__series_kind there = c->first->kind;
    bool xy = kind <= CT__SERIES_HISTOGRAM && there <= CT__SERIES_HISTOGRAM, bars = kind == CT__SERIES_BARS && there == CT__SERIES_BARS;
    return xy || bars ? CT_OK : ct__fail(CT_ERR_STATE, "%s: the chart has %s already, which do not go together with this", fn, kind_name(c));
}

static ct_status check_color(const char *fn, int32_t color) {
    if (color >= 0 && color <= CT__PALETTE) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: color is %d, not 1 to %d or 0", fn, color, CT__PALETTE);
}

static ct_status check_length(const char *fn, const char *what, const ct_tensor *t, int64_t n) {
    if (!t || ct_numel(t) == n) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %s has %lld elements, and there are %lld values", fn, what, (long long)ct_numel(t), (long long)n);
}

/* ---- Adding ---- */

static const double *copy(ct_chart *c, const ct_tensor *t) { return t ? ct__store_doubles(&c->store, t) : NULL; }

/* What all series have. It is linked in by link_series, when all of it could be copied. */
static ct__series *new_series(ct_chart *c, ct__series_kind kind, const ct_tensor *values, const char *label, int32_t color) {
    ct__series *s = ct__store_alloc(&c->store, sizeof *s);
    if (!s) return NULL;
    s->kind = kind;
    s->label = ct__store_string(&c->store, label);
    s->color = color ? color - 1 : c->n_series % CT__PALETTE;
    s->n = ct_numel(values);
    s->y = copy(c, values);
    return s;
}

static ct_status link_series(ct_chart *c, ct__series *s) {
    CT__TRY(ct__pending());
    *c->last = s;
    c->last = &s->next;
    c->n_series++;
    return CT_OK;
}

ct_status ct_chart_line(ct_chart *chart, const ct_tensor *x, const ct_tensor *y, const ct_chart_line_options *options) {
    static const char fn[] = "ct_chart_line";
    ct_chart_line_options o = options ? *options : (ct_chart_line_options){0};
    CT__TRY(check_chart(fn, chart, o.label));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!y) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: y is NULL", fn);
    if (!o.low != !o.high) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a band needs low and high", fn);
    CT__TRY(check_kind(fn, chart, CT__SERIES_LINE));
    CT__TRY(check_color(fn, o.color));
    CT__TRY(check_length(fn, "x", x, ct_numel(y)));
    CT__TRY(check_length(fn, "low", o.low, ct_numel(y)));
    CT__TRY(check_length(fn, "high", o.high, ct_numel(y)));
    ct__series *s = new_series(chart, CT__SERIES_LINE, y, o.label, o.color);
    if (!s) return ct__pending();
    s->x = copy(chart, x);
    s->low = copy(chart, o.low);
    s->high = copy(chart, o.high);
    s->points = o.points;
    return link_series(chart, s);
}

ct_status ct_chart_scatter(ct_chart *chart, const ct_tensor *x, const ct_tensor *y, const ct_chart_scatter_options *options) {
    static const char fn[] = "ct_chart_scatter";
    ct_chart_scatter_options o = options ? *options : (ct_chart_scatter_options){0};
    CT__TRY(check_chart(fn, chart, o.label));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!x || !y) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, x ? "y" : "x");
    if (o.fit && (chart->o.x_log || chart->o.y_log)) return ct__fail(CT_ERR_UNSUPPORTED, "%s: a fit on a logarithmic axis is not drawn", fn);
    if (o.identity && chart->o.x_log != chart->o.y_log) return ct__fail(CT_ERR_UNSUPPORTED, "%s: y = x is no line where one axis is logarithmic", fn);
    CT__TRY(check_kind(fn, chart, CT__SERIES_POINTS));
    CT__TRY(check_color(fn, o.color));
    CT__TRY(check_length(fn, "x", x, ct_numel(y)));
    ct__series *s = new_series(chart, CT__SERIES_POINTS, y, o.label, o.color);
    if (!s) return ct__pending();
    s->x = copy(chart, x);
    s->fit = o.fit;
    s->identity = o.identity;
    return link_series(chart, s);
}

ct_status ct_chart_histogram(ct_chart *chart, const ct_tensor *values, const ct_chart_histogram_options *options) {
    static const char fn[] = "ct_chart_histogram";
    ct_chart_histogram_options o = options ? *options : (ct_chart_histogram_options){0};
    CT__TRY(check_chart(fn, chart, o.label));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!values) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: values is NULL", fn);
    if (o.bins < 0 || o.bins > 1000) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: bins is %lld, not between 1 and 1000, or 0", fn, (long long)o.bins);
    if (chart->o.x_log || chart->o.y_log) return ct__fail(CT_ERR_UNSUPPORTED, "%s: a histogram on a logarithmic axis is not drawn", fn);
    CT__TRY(check_kind(fn, chart, CT__SERIES_HISTOGRAM));
    CT__TRY(check_color(fn, o.color));
    ct__series *s = new_series(chart, CT__SERIES_HISTOGRAM, values, o.label, o.color);
    if (!s) return ct__pending();
    s->bins = o.bins;
    s->density = o.density;
    return link_series(chart, s);
}

ct_status ct_chart_bars(ct_chart *chart, const char *const *names, const ct_tensor *values, const ct_chart_bars_options *options) {
    static const char fn[] = "ct_chart_bars";
    ct_chart_bars_options o = options ? *options : (ct_chart_bars_options){0};
    CT__TRY(check_chart(fn, chart, o.label));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!values || (!names && !chart->first)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, values ? "names" : "values");
    if (chart->o.x_log || chart->o.y_log)
        return ct__fail(CT_ERR_UNSUPPORTED, "%s: bars on a logarithmic axis have no foot and are not drawn; a line with .points is", fn);
    CT__TRY(check_kind(fn, chart, CT__SERIES_BARS));
    CT__TRY(check_color(fn, o.color));
    CT__TRY(check_length(fn, "errors", o.errors, ct_numel(values)));
    CT__TRY(ct__check_texts(fn, "a name", names, ct_numel(values)));
    if (chart->first && chart->first->n != ct_numel(values))
        return ct__fail(CT_ERR_SHAPE, "%s: %lld values, and the bars that are there have %lld", fn, (long long)ct_numel(values), (long long)chart->first->n);
    const char *const *copies = chart->first ? chart->names : ct__store_strings(&chart->store, names, ct_numel(values));
    ct__series *s = new_series(chart, CT__SERIES_BARS, values, o.label, o.color);
    if (!s) return ct__pending();
    s->low = copy(chart, o.errors);
    if (ct_ok()) chart->names = copies;
    return link_series(chart, s);
}

ct_status ct_chart_heatmap(ct_chart *chart, const ct_tensor *matrix, const ct_chart_heatmap_options *options) {
    static const char fn[] = "ct_chart_heatmap";
    ct_chart_heatmap_options o = options ? *options : (ct_chart_heatmap_options){0};
    CT__TRY(check_chart(fn, chart, NULL));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!matrix) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: matrix is NULL", fn);
    if (ct_ndim(matrix) != 2) return ct__fail(CT_ERR_SHAPE, "%s: the matrix has %d dimensions, not 2", fn, ct_ndim(matrix));
    int64_t rows = ct_size(matrix, 0), columns = ct_size(matrix, 1);
    if (rows > CT__MAX_CELLS || columns > CT__MAX_CELLS)
        return ct__fail(CT_ERR_UNSUPPORTED, "%s: %lld x %lld cells are more than can be told apart; at most %d a side are drawn", fn, (long long)rows,
                        (long long)columns, CT__MAX_CELLS);
    if (o.decimals.has && (o.decimals.value < 0 || o.decimals.value > 15))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: decimals is %lld, not between 0 and 15", fn, (long long)o.decimals.value);
    if (o.min.has && o.max.has && !(o.min.value < o.max.value))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: min %g is not less than max %g", fn, o.min.value, o.max.value);
    CT__TRY(check_kind(fn, chart, CT__SERIES_HEAT));
    CT__TRY(check_length(fn, "shade", o.shade, ct_numel(matrix)));
    CT__TRY(ct__check_texts(fn, "a row's name", o.row_names, rows));
    CT__TRY(ct__check_texts(fn, "a column's name", o.column_names, columns));
    ct__heat heat = {.rows = rows, .columns = columns, .no_values = o.no_values, .min = o.min, .max = o.max};
    heat.decimals = o.decimals.has ? (int)o.decimals.value : -1;
    heat.row_names = ct__store_strings(&chart->store, o.row_names, rows);
    heat.column_names = ct__store_strings(&chart->store, o.column_names, columns);
    heat.shade = copy(chart, o.shade);
    ct__series *s = new_series(chart, CT__SERIES_HEAT, matrix, NULL, 0);
    CT__TRY(ct__pending());
    chart->heat = heat;
    return link_series(chart, s);
}

static ct_status add_rule(const char *fn, ct_chart *c, bool vertical, double at, const char *label) {
    CT__TRY(check_chart(fn, c, label));
    if (!isfinite(at)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the place is %g", fn, at);
    if (c->first && (c->first->kind == CT__SERIES_HEAT || (c->first->kind == CT__SERIES_BARS && vertical)))
        return ct__fail(CT_ERR_STATE, "%s: the chart has %s, and no place for such a line", fn, kind_name(c));
    ct__rule *r = ct__store_alloc(&c->store, sizeof *r);
    if (!r) return ct__pending();
    *r = (ct__rule){.vertical = vertical, .at = at, .label = ct__store_string(&c->store, label)};
    CT__TRY(ct__pending());
    *c->last_rule = r;
    c->last_rule = &r->next;
    return CT_OK;
}

ct_status ct_chart_vline(ct_chart *chart, double x, const char *label) { return add_rule("ct_chart_vline", chart, true, x, label); }
ct_status ct_chart_hline(ct_chart *chart, double y, const char *label) { return add_rule("ct_chart_hline", chart, false, y, label); }

/* ---- The picture ---- */

static ct_status draw_file(const char *fn, const ct_chart *chart, ct__buf *file) {
    CT__TRY(check_chart(fn, chart, NULL));
    ct__svg svg = {0};
    ct__buf name = {0};
    ct__chart_draw(chart, &svg, CT__WIDE);
    ct__chart_describe(chart, &name);
    ct__svg_file(file, &svg, name.data ? name.data : "");
    ct__buf_free(&svg.body);
    ct__buf_free(&name);
    return ct__pending();
}

ct_tensor *ct_chart_svg(const ct_chart *chart) {
    ct__buf file = {0};
    ct_tensor *bytes = draw_file("ct_chart_svg", chart, &file) == CT_OK ? ct_from_data(file.data, &(int64_t){(int64_t)file.size}, 1, CT_U8) : NULL;
    ct__buf_free(&file);
    return bytes;
}

ct_status ct_chart_write(const ct_chart *chart, const char *path) {
    static const char fn[] = "ct_chart_write";
    ct__buf file = {0};
    if (draw_file(fn, chart, &file) == CT_OK) ct__write_text(fn, path, &file);
    ct__buf_free(&file);
    return ct__pending();
}
