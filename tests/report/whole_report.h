/*
 * whole_report.h: a report with parts of every kind, and reading what was written.
 */
#ifndef CT_TEST_WHOLE_REPORT_H
#define CT_TEST_WHOLE_REPORT_H

#include "support/test.h"

#include <ctorch/ctorch.h>
#include <stdlib.h>
#include <string.h>

/* A file as a text, to be freed. */
static inline char *text_of(const char *path) {
    ct_tensor *bytes = ct_read_file(path, NULL);
    ck_ok();
    size_t n = (size_t)ct_numel(bytes);
    char *text = malloc(n + 1);
    if (n) memcpy(text, ct_data(bytes), n);
    text[n] = '\0';
    return text;
}

static inline ct_report *whole_report(void) {
    ct_report *r = ct_report_new("Everything");
    ct_report_text(r, "A text with **marks**.");
    ct_chart *c = ct_chart_new("Loss", &(ct_chart_options){.x_title = "epoch", .y_title = "loss"});
    ct_chart_line(c, NULL, test_f64((double[]){3, 2, 1}, CT_SHAPE(3)), &(ct_chart_line_options){.label = "training"});
    ct_chart_line(c, NULL, test_f64((double[]){3, 2.5, 2.4}, CT_SHAPE(3)), &(ct_chart_line_options){.label = "validation"});
    ct_report_chart(r, c, "The loss");
    ct_chart_free(c);
    ct_report_images(r, ct_full(CT_SHAPE(12, 1, 28, 28), 0.5, CT_F32), NULL);
    const ct_report_column wide[] = {{.name = "a rather long name of a column"}, {.name = "another rather long name"}, {.name = "parameters of the network"}, {.name = "a fourth column"}};
    ct_report_table(r, wide, 4, NULL);
    for (int i = 0; i < 8; i++) ct_report_cell_f64(r, i / 7.0);
    ct_report_confusion(r, test_i64((double[]){8, 2, 1, 3}, CT_SHAPE(2, 2)), NULL);
    ct_report_code(r, "a line of code that is so long that no phone in the world shows it without scrolling its box; and on it goes");
    const char *names[] = {"crimes per head of the population", "rooms"};
    c = ct_chart_new("Weights", NULL);
    ct_chart_bars(c, names, test_f64((double[]){-0.9, 1.1}, CT_SHAPE(2)), NULL);
    ct_report_chart(r, c, NULL);
    ct_chart_free(c);
    ct_report_environment(r);
    return r;
}

#endif
