/*
 * svg.h: how tests read what a chart drew: as text.
 */
#ifndef CT_TEST_SVG_H
#define CT_TEST_SVG_H

#include <ctorch/ctorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The chart as a text; the chart is freed. To be freed. */
static inline char *svg_of(ct_chart *chart) {
    ct_tensor *bytes = ct_chart_svg(chart);
    ck_ok();
    size_t n = (size_t)ct_numel(bytes);
    char *text = malloc(n + 1);
    memcpy(text, ct_data(bytes), n);
    text[n] = '\0';
    ct_chart_free(chart);
    return text;
}

static inline int svg_count(const char *text, const char *what) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}

/* The number behind `name="` in the element that begins at `element`. */
static inline double svg_number(const char *element, const char *name) {
    char key[32];
    snprintf(key, sizeof key, " %s=\"", name);
    const char *at = strstr(element, key);
    ck_assert_msg(at != NULL, "no %s in %.80s", name, element);
    return strtod(at + strlen(key), NULL);
}

/* The text element that shows exactly s. */
static inline const char *svg_label(const char *text, const char *s) {
    char key[200];
    snprintf(key, sizeof key, ">%s</text>", s);
    const char *at = strstr(text, key);
    ck_assert_msg(at != NULL, "no text \"%s\" in\n%.2500s", s, strstr(text, "</style>"));
    while (strncmp(at, "<text", 5) != 0) at--;
    return at;
}

/* The points of the first path whose class begins so, at most max; returns how many. */
static inline int svg_path(const char *text, const char *class_, double *x, double *y, int max) {
    char key[64];
    snprintf(key, sizeof key, "<path class=\"%s", class_);
    const char *at = strstr(text, key);
    ck_assert_msg(at != NULL, "no path of class %s", class_);
    at = strstr(at, " d=\"") + 4;
    int n = 0;
    while (*at != '"' && n < max) {
        char *end;
        if (*at == 'M' || *at == 'L') at++;
        x[n] = strtod(at, &end);
        y[n++] = strtod(end, &end);
        at = end;
        while (*at == 'h' || *at == '0' || *at == 'Z') at++;
    }
    return n;
}

#endif
