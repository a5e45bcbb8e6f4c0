/*
 * test_chart.c: charts show the right numbers at the right places, whatever the data are.
 */
#include "support/test.h"

#include "base/file.h"
#include "report/svg.h"

#include <math.h>
#include <sys/stat.h>

#define VALUES(...) test_f64((double[]){__VA_ARGS__}, CT_SHAPE((int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))))

/* Where a tick's grid line is: the labels stand 4 pixels below it. */
static double tick_y(const char *svg, const char *label) { return svg_number(svg_label(svg, label), "y") - 4; }
static double tick_x(const char *svg, const char *label) { return svg_number(svg_label(svg, label), "x"); }

/* ---- Right numbers at the right places ---- */

START_TEST(points_of_a_line_lie_at_their_ticks) {
    ct_chart *c = ct_chart_new("Title", &(ct_chart_options){.x_title = "epoch", .y_title = "loss (nats)"});
    ct_chart_line(c, NULL, VALUES(0, 50, 100, 20), &(ct_chart_line_options){.label = "a"});
    ct_chart_line(c, VALUES(1, 4), VALUES(20, 40), &(ct_chart_line_options){.label = "b"});
    char *svg = svg_of(c);
    double x[8], y[8];
    ck_assert_int_eq(svg_path(svg, "l s0", x, y, 8), 4);
    static const char *const xs[] = {"1", "2", "3", "4"}, *const ys[] = {"0", NULL, "100", "20"};
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq_tol(x[i], tick_x(svg, xs[i]), i == 3 ? 8 : 0.11); /* the last label may move inwards */
        if (ys[i]) ck_assert_double_eq_tol(y[i], tick_y(svg, ys[i]), 0.11);
    }
    ck_assert_double_eq_tol(y[1], (y[0] + y[2]) / 2, 0.11);
    ck_assert_double_eq_tol(x[1] - x[0], x[3] - x[2], 0.11);
    svg_label(svg, "Title"), svg_label(svg, "epoch"), svg_label(svg, "loss (nats)"), svg_label(svg, "a"), svg_label(svg, "b");
    free(svg);
}
END_TEST

START_TEST(a_logarithmic_axis_has_equal_steps_for_equal_factors) {
    ct_chart *c = ct_chart_new(NULL, &(ct_chart_options){.y_log = true});
    ct_chart_line(c, NULL, VALUES(0.001, 0.1, 10, 0, -1, 1000), NULL);
    char *svg = svg_of(c);
    double x[8], y[8];
    ck_assert_int_eq(svg_path(svg, "l s0", x, y, 8), 3);
    ck_assert_double_eq_tol(y[0] - y[1], y[1] - y[2], 0.11);
    ck_assert_double_eq_tol(y[0], tick_y(svg, "0.001"), 0.11);
    ck_assert_double_eq_tol(y[2], tick_y(svg, "10"), 0.11);
    ck_assert_int_eq(svg_path(svg, "p s0", x, y, 8), 1); /* 1000 stands alone, behind what has no logarithm */
    ck_assert_double_eq_tol(y[0], tick_y(svg, "1000"), 0.11);
    free(svg);
}
END_TEST

START_TEST(bars_are_as_long_as_their_values) {
    for (int lying = 0; lying <= 1; lying++) {
        ct_chart *c = ct_chart_new(NULL, &(ct_chart_options){.horizontal = lying, .y_title = "value"});
        ct_chart_bars(c, (const char *[]){"one", "two", "three"}, VALUES(10, -20, 40), &(ct_chart_bars_options){.label = "first", .errors = VALUES(1, 1, NAN)});
        ct_chart_bars(c, NULL, VALUES(5, 5, NAN), &(ct_chart_bars_options){.label = "second"});
        ct_chart_hline(c, 30, "goal");
        char *svg = svg_of(c);
        const char *side = lying ? "width" : "height", *one = strstr(svg, "<title>one, first: 10<"), *two = strstr(svg, "<title>two, first: \u221220<"), *three = strstr(svg, "<title>three, first: 40<");
        ck_assert(one && two && three && strstr(svg, "<title>one, second: 5<"));
        while (strncmp(one, "<rect", 5) != 0) one--;
        while (strncmp(two, "<rect", 5) != 0) two--;
        while (strncmp(three, "<rect", 5) != 0) three--;
        double length = svg_number(one, side);
        ck_assert_double_eq_tol(svg_number(two, side), 2 * length, 0.21);
        ck_assert_double_eq_tol(svg_number(three, side), 4 * length, 0.21);
        if (lying) ck_assert_double_eq_tol(svg_number(two, "x") + svg_number(two, "width"), svg_number(one, "x"), 0.21); /* both begin at 0 */
        else ck_assert_double_eq_tol(svg_number(one, "y") + svg_number(one, "height"), svg_number(two, "y"), 0.21);
        ck_assert_int_eq(svg_count(svg, "<path class=\"e\""), 2); /* the error that is NaN is not drawn */
        ck_assert_int_eq(svg_count(svg, "<title>"), 5);
        free(svg);
    }
}
END_TEST

START_TEST(bars_lie_down_for_long_names) {
    ct_chart *c = ct_chart_new(NULL, &(ct_chart_options){.y_percent = true});
    ct_chart_bars(c, (const char *[]){"a name that would not fit under a standing bar at all, not even", "another name, on the wide screen of a computer: as long as the first"}, VALUES(0.5, 1), NULL);
    char *svg = svg_of(c);
    const char *name = strstr(svg, "a name that would"), *shown = strstr(name + 1, "a name that would"); /* the first is the bar's title */
    ck_assert_ptr_nonnull(shown);
    ck_assert_ptr_nonnull(strstr(shown, "\u2026</text>"));
    while (strncmp(shown, "<text", 5) != 0) shown--;
    ck_assert_int_eq(strncmp(strstr(shown, "text-anchor"), "text-anchor=\"end\"", 17), 0);
    svg_label(svg, "50.0 %");
    svg_label(svg, "100 %");
    free(svg);
}
END_TEST

START_TEST(histograms_count) {
    ct_chart *c = ct_chart_new(NULL, NULL);
    ct_chart_histogram(c, VALUES(0, 0.1, 0.5, 1, 1.9, 2, NAN), &(ct_chart_histogram_options){.bins = 2});
    char *svg = svg_of(c);
    ck_assert_ptr_nonnull(strstr(svg, "<title>0 to 1: 3</title>"));
    ck_assert_ptr_nonnull(strstr(svg, "<title>1 to 2: 3</title>")); /* the last interval has its upper end */
    free(svg);
    c = ct_chart_new(NULL, NULL); /* integers have intervals of their own */
    ct_chart_histogram(c, test_i64((double[]){3, 3, 4, 6}, CT_SHAPE(4)), &(ct_chart_histogram_options){.density = true});
    svg = svg_of(c);
    ck_assert_ptr_nonnull(strstr(svg, "<title>2.5 to 3.5: 0.5</title>"));
    ck_assert_ptr_nonnull(strstr(svg, "<title>5.5 to 6.5: 0.25</title>"));
    free(svg);
}
END_TEST

START_TEST(a_fit_is_the_least_squares_line) {
    ct_chart *c = ct_chart_new(NULL, &(ct_chart_options){.same_axes = true});
    ct_chart_scatter(c, VALUES(0, 1, 2, NAN, 10), VALUES(1, 3, 5, 7, 21), &(ct_chart_scatter_options){.label = "rows", .fit = true, .identity = true});
    char *svg = svg_of(c);
    svg_label(svg, "fit: y = 2 x + 1");
    svg_label(svg, "y = x");
    double x[8], y[8];
    ck_assert_int_eq(svg_path(svg, "p s0", x, y, 8), 4);
    ck_assert_double_eq_tol(x[3] - x[0], (y[0] - y[3]) / 2, 0.2); /* one scale: 10 to the right, 20 up */
    free(svg);
}
END_TEST

START_TEST(cells_of_a_heat_map_show_their_values) {
    ct_chart *c = ct_chart_new("Confusion", NULL);
    ct_chart_heatmap(c, test_i64((double[]){9, 1, 0, 10, 0, 5}, CT_SHAPE(2, 3)), &(ct_chart_heatmap_options){.row_names = (const char *[]){"cat", "dog"}, .column_names = (const char *[]){"cat", "dog", "bird"}});
    char *svg = svg_of(c);
    ck_assert_ptr_nonnull(strstr(svg, "<title>cat, dog: 1</title>"));
    ck_assert_ptr_nonnull(strstr(svg, "<title>dog, cat: 10</title>"));
    ck_assert_ptr_nonnull(strstr(svg, "class=\"heat\"")); /* the largest is opaque */
    ck_assert_double_lt(svg_number(svg_label(svg, "9"), "y"), svg_number(svg_label(svg, "10"), "y"));
    free(svg);
}
END_TEST

/* ---- Hard data ---- */

START_TEST(a_million_points_keep_their_extremes) {
    enum { N = 1000000 };
    float *v = malloc(N * sizeof *v);
    for (int i = 0; i < N; i++) v[i] = (float)sin(i * 0.001);
    v[123456] = 100;
    v[777777] = -100;
    ct_chart *c = ct_chart_new(NULL, NULL);
    ct_chart_line(c, NULL, ct_from_data(v, CT_SHAPE(N), CT_F32), NULL);
    free(v);
    char *svg = svg_of(c);
    ck_assert_uint_lt(strlen(svg), 100000);
    static double x[8192], y[8192];
    int n = svg_path(svg, "l s0", x, y, 8192);
    double top = INFINITY, bottom = -INFINITY;
    for (int i = 0; i < n; i++) top = fmin(top, y[i]), bottom = fmax(bottom, y[i]);
    ck_assert_double_eq_tol(top, tick_y(svg, "100"), 0.11);
    ck_assert_double_eq_tol(bottom, tick_y(svg, "\u2212100"), 0.11);
    free(svg);
}
END_TEST

START_TEST(a_cloud_of_many_points_stays_small_and_keeps_its_ends) {
    ct_tensor *x = ct_rand(CT_SHAPE(200000), CT_F64, NULL), *y = ct_rand(CT_SHAPE(200000), CT_F64, NULL);
    double *px = ct_data_mut(x), *py = ct_data_mut(y);
    px[5] = 2, py[5] = 0.5, px[70000] = 0.5, py[70000] = 3;
    ct_chart *c = ct_chart_new(NULL, NULL);
    ct_chart_scatter(c, x, y, NULL);
    char *svg = svg_of(c);
    ck_assert_uint_lt(strlen(svg), 200000);
    free(svg);
}
END_TEST

START_TEST(nan_is_a_gap) {
    ct_chart *c = ct_chart_new(NULL, NULL);
    ct_chart_line(c, NULL, VALUES(1, 2, NAN, 3, INFINITY, 4, 5), &(ct_chart_line_options){.low = VALUES(0, 1, NAN, 2, 3, 3, 4), .high = VALUES(2, 3, 4, 4, 5, 5, 6)});
    char *svg = svg_of(c);
    const char *line = strstr(svg, "<path class=\"l s0\"");
    char d[400];
    snprintf(d, sizeof d, "%.*s", (int)strcspn(strstr(line, " d=\"") + 4, "\""), strstr(line, " d=\"") + 4);
    ck_assert_int_eq(svg_count(d, "M"), 2);
    double x[4], y[4];
    ck_assert_int_eq(svg_path(svg, "p s0", x, y, 4), 1); /* the 3 */
    free(svg);
}
END_TEST

START_TEST(small_large_and_constant_numbers_have_readable_ticks) {
    static const struct { double lo, hi; const char *tick, *why; } cases[] = {
        {0, 30000, "20k", "thousands"}, {0, 3e6, "2.0M", "millions"}, {0, 0.00003, "2.0\u00b710\u207b\u2075", "powers of ten"}, {0.5, 0.5, "0.50", "a constant"},
        {7, 7, "7", "a constant integer"}, {1e6, 1e6 + 4, "1000002", "a small difference"}, {-0.3, 0.3, "\u22120.2", "a true minus"}, {0, 7999, "4000", "below ten thousand"}, {0, 10000, "4k", "ten thousand"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_chart *c = ct_chart_new(cases[i].why, NULL);
        ct_chart_line(c, NULL, VALUES(cases[i].lo, cases[i].hi, cases[i].lo), NULL);
        char *svg = svg_of(c);
        svg_label(svg, cases[i].tick);
        free(svg);
    }
}
END_TEST

START_TEST(charts_without_values_say_so) {
    char *svg = svg_of(ct_chart_new("Empty", NULL));
    svg_label(svg, "no data");
    free(svg);
    ct_chart *c = ct_chart_new(NULL, NULL);
    ct_chart_line(c, NULL, VALUES(NAN, NAN), NULL);
    free((svg = svg_of(c), svg_label(svg, "no values to draw"), svg));
    c = ct_chart_new(NULL, NULL);
    ct_chart_bars(c, NULL, ct_zeros(CT_SHAPE(0), CT_F32), NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "names is NULL");
    ct_chart_bars(c, (const char *[]){NULL}, ct_zeros(CT_SHAPE(0), CT_F32), NULL);
    free((svg = svg_of(c), svg_label(svg, "no bars"), svg));
    c = ct_chart_new(NULL, NULL);
    ct_chart_heatmap(c, ct_zeros(CT_SHAPE(0, 3), CT_F32), NULL);
    free((svg = svg_of(c), svg_label(svg, "no cells"), svg));
}
END_TEST

/* ---- Every chart is well-formed ---- */

static ct_chart *nasty(int which) {
    const char *name = "<&\"'> \u2026 \x01 Gr\u00f6\u00dfe";
    ct_chart *c = ct_chart_new(name, &(ct_chart_options){.x_title = name, .y_title = name, .y_min = which == 2 ? ct_some_f64(0.5) : (ct_opt_f64){0}});
    ct_tensor *v = VALUES(1, NAN, -1e300, 1e300, 1e-300, INFINITY, 0), *names = v;
    const char *labels[] = {name, name, name, name, name, name, name};
    switch (which) {
    case 0: ct_chart_line(c, names, v, &(ct_chart_line_options){.label = name, .low = v, .high = v, .points = true}), ct_chart_vline(c, -5, name); break;
    case 1: ct_chart_scatter(c, v, v, &(ct_chart_scatter_options){.label = name, .fit = true, .identity = true}); break;
    case 2: ct_chart_line(c, NULL, VALUES(0, 1, 2), NULL), ct_chart_hline(c, 1, name); break;
    case 3: ct_chart_bars(c, labels, v, &(ct_chart_bars_options){.label = name, .errors = v}); break;
    case 4: ct_chart_histogram(c, v, &(ct_chart_histogram_options){.label = name}); break;
    case 5: ct_chart_heatmap(c, ct_reshape(v, CT_SHAPE(1, 7)), &(ct_chart_heatmap_options){.column_names = labels, .row_names = labels}); break;
    case 6: ct_chart_heatmap(c, ct_rand(CT_SHAPE(70, 3), CT_F32, NULL), &(ct_chart_heatmap_options){.no_values = true}); break;
    default: ct_chart_free(c); return NULL;
    }
    return c;
}

START_TEST(every_chart_is_well_formed_xml) {
    if (system("python3 -c 'import xml.dom.minidom' >/dev/null 2>&1") != 0) {
        test_skip("there is no python3 to parse XML");
        return;
    }
    mkdir(test_tmp("svg"), 0777);
    ct_chart *c;
    for (int i = 0; (c = nasty(i)); i++) {
        char name[32];
        snprintf(name, sizeof name, "svg/%d.svg", i);
        ck_assert_int_eq(ct_chart_write(c, test_tmp(name)), CT_OK);
        ct_chart_free(c);
    }
    ck_ok();
    char command[800];
    snprintf(command, sizeof command, "cd '%s' && python3 -c 'import glob, xml.dom.minidom as m; f = glob.glob(\"*.svg\"); assert len(f) == 7; [m.parse(p) for p in f]'", test_tmp("svg"));
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(no_number_depends_on_the_locale_or_is_not_one) {
    ct_chart *c;
    for (int i = 0; (c = nasty(i)); i++) {
        char *svg = svg_of(c);
        static const char *const never[] = {"nan", "inf", "=\"\"", "-nan"};
        const char *body = strstr(svg, "</style>");
        for (size_t k = 0; k < 4; k++) ck_assert_msg(strstr(body, never[k]) == NULL, "chart %d: %s in\n%.2000s", i, never[k], strstr(body, never[k]) - 200);
        free(svg);
    }
}
END_TEST

/* ---- Colours ---- */

/* "0072b2" as linear light. */
static void linear(const char *hex, double rgb[3]) {
    for (int i = 0; i < 3; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        double v = (double)strtol(two, NULL, 16) / 255;
        rgb[i] = v <= 0.03928 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
    }
}

static double luminance(const char *hex) {
    double rgb[3];
    linear(hex, rgb);
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

static void multiply(const double m[3][3], const double v[3], double out[3]) {
    for (int i = 0; i < 3; i++) out[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
}

/* CIELAB of linear sRGB. */
static void lab(const double rgb[3], double out[3]) {
    static const double to_xyz[3][3] = {{0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}}, white[] = {0.95047, 1, 1.08883};
    double inside[3], xyz[3], f[3];
    for (int i = 0; i < 3; i++) inside[i] = fmin(fmax(rgb[i], 0), 1);
    multiply(to_xyz, inside, xyz);
    for (int i = 0; i < 3; i++) {
        double v = xyz[i] / white[i];
        f[i] = v > 0.008856 ? cbrt(v) : 7.787 * v + 16.0 / 116;
    }
    out[0] = 116 * f[1] - 16, out[1] = 500 * (f[0] - f[1]), out[2] = 200 * (f[1] - f[2]);
}

START_TEST(colours_have_contrast_in_light_and_dark) {
    char *svg = svg_of(ct_chart_new(NULL, NULL));
    const char *modes[] = {strstr(svg, ":root{"), strstr(strstr(svg, "prefers-color-scheme:dark"), ":root{")};
    static const char *const names[] = {"--c0:#", "--c1:#", "--c2:#", "--c3:#", "--c4:#", "--c5:#", "--c6:#", "--c7:#", "--heat:#", "--cold:#"};
    static const char *const texts[] = {"--ink:#", "--muted:#"};
    for (int m = 0; m < 2; m++) {
        double ground = luminance(strstr(modes[m], "--bg:#") + 6);
        for (size_t i = 0; i < 12; i++) {
            const char *name = i < 10 ? names[i] : texts[i - 10];
            double l = luminance(strstr(modes[m], name) + strlen(name)), contrast = (fmax(l, ground) + 0.05) / (fmin(l, ground) + 0.05);
            ck_assert_msg(contrast >= (i < 10 ? 3 : 4.5), "%s in mode %d: contrast %.2f", name, m, contrast);
        }
    }
    free(svg);
}
END_TEST

/* Distances in CIELAB, as people without one kind of cone see them (Machado, Oliveira and Fernandes 2009, severity 1); about 2.3 can just be seen. */
START_TEST(colours_are_apart_for_the_colour_blind) {
    static const double vision[4][3][3] = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
                                           {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
                                           {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
                                           {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}};
    char *svg = svg_of(ct_chart_new(NULL, NULL));
    const char *modes[] = {strstr(svg, ":root{"), strstr(strstr(svg, "prefers-color-scheme:dark"), ":root{")};
    for (int m = 0; m < 2; m++)
        for (int v = 0; v < 4; v++) {
            double seen[8][3];
            for (int i = 0; i < 8; i++) {
                char name[12];
                double rgb[3], changed[3];
                snprintf(name, sizeof name, "--c%d:#", i);
                linear(strstr(modes[m], name) + strlen(name), rgb);
                multiply(vision[v], rgb, changed);
                lab(changed, seen[i]);
                for (int k = 0; k < i; k++) {
                    double d = sqrt(pow(seen[i][0] - seen[k][0], 2) + pow(seen[i][1] - seen[k][1], 2) + pow(seen[i][2] - seen[k][2], 2));
                    ck_assert_msg(d >= 10, "mode %d, vision %d: colours %d and %d are %.1f apart", m, v, k, i, d);
                }
            }
        }
    free(svg);
}
END_TEST

/* ---- Errors ---- */

START_TEST(arguments_are_checked) {
    ck_assert_ptr_null(ct_chart_new("\xff", NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_chart_new: byte 0 of title is not UTF-8");
    ck_assert_ptr_null(ct_chart_new(NULL, &(ct_chart_options){.height = 5}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "height is 5");
    ck_assert_ptr_null(ct_chart_new(NULL, &(ct_chart_options){.y_log = true, .y_min = ct_some_f64(0)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "y_min is 0, and the axis logarithmic");
    ck_assert_ptr_null(ct_chart_new(NULL, &(ct_chart_options){.x_min = ct_some_f64(2), .x_max = ct_some_f64(1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "x_min 2 is not less than x_max 1");
    ct_tensor *two = VALUES(1, 2), *three = VALUES(1, 2, 3);
    ct_chart *c = ct_chart_new(NULL, &(ct_chart_options){.x_log = true});
    ct_chart_line(NULL, NULL, two, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "chart is NULL");
    ct_chart_line(c, NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "y is NULL");
    ct_chart_line(c, two, three, NULL);
    ck_error(CT_ERR_SHAPE, "x has 2 elements, and there are 3 values");
    ct_chart_line(c, NULL, two, &(ct_chart_line_options){.low = two});
    ck_error(CT_ERR_INVALID_ARGUMENT, "a band needs low and high");
    ct_chart_line(c, NULL, two, &(ct_chart_line_options){.color = 9});
    ck_error(CT_ERR_INVALID_ARGUMENT, "color is 9");
    ct_chart_scatter(c, two, two, &(ct_chart_scatter_options){.fit = true});
    ck_error(CT_ERR_UNSUPPORTED, "a fit on a logarithmic axis");
    ct_chart_scatter(c, two, two, &(ct_chart_scatter_options){.identity = true});
    ck_error(CT_ERR_UNSUPPORTED, "y = x is no line");
    ct_chart_histogram(c, two, NULL);
    ck_error(CT_ERR_UNSUPPORTED, "logarithmic");
    ct_chart_vline(c, NAN, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_chart_vline: the place is nan");
    ct_chart_free(c);
    c = ct_chart_new(NULL, NULL);
    ct_chart_histogram(c, two, &(ct_chart_histogram_options){.bins = -1});
    ck_error(CT_ERR_INVALID_ARGUMENT, "bins is -1");
    ct_chart_heatmap(c, two, NULL);
    ck_error(CT_ERR_SHAPE, "1 dimensions");
    ct_chart_heatmap(c, ct_zeros(CT_SHAPE(501, 2), CT_F32), NULL);
    ck_error(CT_ERR_UNSUPPORTED, "501 x 2");
    ct_chart_bars(c, (const char *[]){"a", "b"}, two, NULL);
    ct_chart_bars(c, NULL, three, NULL);
    ck_error(CT_ERR_SHAPE, "3 values, and the bars that are there have 2");
    ct_chart_line(c, NULL, two, NULL);
    ck_error(CT_ERR_STATE, "has bars already");
    ct_chart_vline(c, 1, NULL);
    ck_error(CT_ERR_STATE, "the chart has bars");
    ck_assert_ptr_eq(ct_chart_retain(c), c);
    ct_chart_free(c);
    ct_chart_write(c, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    ct_chart_free(c);
    ct_chart_free(NULL);
    ck_assert_ptr_null(ct_chart_retain(NULL));
}
END_TEST

START_TEST(any_failing_allocation_is_an_error_and_leaks_nothing) {
    int failures = 0;
    for (int which = 0; which < 7; which++) {
        for (int64_t n = 1;; n++, failures++) {
            ct_scope scope = ct_scope_begin();
            ct_memory_fail_at(n);
            ct_chart *c = nasty(which);
            ct_tensor *svg = ct_chart_svg(c);
            ct_memory_fail_at(0);
            ct_chart_free(c);
            bool done = svg != NULL && ct_ok();
            ct_scope_end(scope);
            if (done) break;
            ck_error(CT_ERR_OUT_OF_MEMORY, "");
        }
    }
    ck_assert_int_gt(failures, 100);
}
END_TEST

TEST_LIST = {
    TEST(points_of_a_line_lie_at_their_ticks),
    TEST(a_logarithmic_axis_has_equal_steps_for_equal_factors),
    TEST(bars_are_as_long_as_their_values),
    TEST(bars_lie_down_for_long_names),
    TEST(histograms_count),
    TEST(a_fit_is_the_least_squares_line),
    TEST(cells_of_a_heat_map_show_their_values),
    TEST(a_million_points_keep_their_extremes),
    TEST(a_cloud_of_many_points_stays_small_and_keeps_its_ends),
    TEST(nan_is_a_gap),
    TEST(small_large_and_constant_numbers_have_readable_ticks),
    TEST(charts_without_values_say_so),
    TEST(every_chart_is_well_formed_xml),
    TEST(no_number_depends_on_the_locale_or_is_not_one),
    TEST(colours_have_contrast_in_light_and_dark),
    TEST(colours_are_apart_for_the_colour_blind),
    TEST(arguments_are_checked),
    TEST(any_failing_allocation_is_an_error_and_leaks_nothing),
};
TEST_MAIN("chart")
