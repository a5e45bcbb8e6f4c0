/* report.c: the report of boston_housing. See boston_housing.h; every number in it is one that the run measured. */
#include "boston_housing.h"

#include <inttypes.h>
#include <stdio.h>

const char *const MEANING[FEATURES] = {
    "crimes per head",          "share of large plots",      "share of industry",       "at the Charles river",  "nitric oxides",
    "rooms per dwelling",       "share built before 1940",   "distance to work",        "access to highways",    "property tax",
    "pupils per teacher",       "see the note below",        "share of lower status",
};

const char NOTE_ON_B[] =
    "About column B: it is 1000 (Bk - 0.63)^2, where Bk is the share of Black residents in a town. It builds a racist assumption into the data, namely that\n"
    "prices fall as this share rises to 63 % and rise again above it; the study (Harrison and Rubinfeld 1978) did not show that this holds. The parabola\n"
    "cannot be inverted: up to B = 136.9 two shares have the same value. scikit-learn removed the data set in version 1.2 for these reasons. It serves here to\n"
    "compare regressions with published results, not to learn about housing. Prices above 50 are recorded as 50.\n";


static void put_chart(ct_report *report, ct_chart *chart, const char *caption) {
    ct_report_chart(report, chart, caption);
    ct_chart_free(chart);
}

ct_report *report_begin(void) {
    ct_report *report = ct_report_new("Prices of houses in Boston, by linear regression");
    ct_report_heading(report, 2, "The problem");
    ct_report_text(report, "What does a house cost, given thirteen numbers on its neighbourhood? The data are 506 districts of Boston around 1970 (Harrison and Rubinfeld 1978), with the "
                           "median price of a house in 1,000 dollars. They come in two versions, one complete and one with values missing. Four fifths of the rows, drawn at random, train; "
                           "the others test.");
    ct_report_heading(report, 2, "Approach and key decisions");
    ct_report_text(report, "- The model is a weighted sum of the features and a constant: 14 numbers that one can read.\n"
                           "- Features are standardised to mean 0 and deviation 1, so that one learning rate suits all and weights can be compared.\n"
                           "- Missing values become the median of their column. Medians, means and deviations come from the training rows alone.\n"
                           "- The loss is the mean squared error, minimised by gradient descent over all rows, with the step written by hand and then by `ct_optim_sgd`.\n"
                           "- A linear model has a best solution that can be computed directly (`ct_linalg_lstsq`): it is what gradient descent is held against.");
    return report;
}

/* The training loss of the three learning rates. */
static void put_losses(ct_report *report, const results *r) {
    ct_chart *chart = ct_chart_new("Training loss", &(ct_chart_options){.x_title = "step", .y_title = "mean squared error", .x_log = true, .y_log = true, .y_max = ct_some_f64(2000)});
    for (int i = 0; i < RATES; i++) {
        const fit *f = &r->rates[i];
        char label[64];
        snprintf(label, sizeof label, "rate %g%s", f->lr, f->diverged ? ", diverges" : "");
        ct_tensor *losses = ct_from_data(f->losses, CT_SHAPE(f->epochs), CT_F64);
        ct_chart_line(chart, ct_arange_int(1, f->epochs + 1, 1, CT_I64), losses, &(ct_chart_line_options){.label = label});
    }
    ct_chart_hline(chart, r->minimum, "smallest possible");
    put_chart(report, chart, "Both axes are logarithmic.");
    const ct_report_column columns[] = {{.name = "learning rate"}, {.name = "steps"}, {.name = "training loss"}, {.name = "test RMSE"}, {.name = "outcome"}};
    ct_report_table(report, columns, 5, NULL);
    for (int i = 0; i < RATES; i++) {
        const fit *f = &r->rates[i];
        bool there = f->final_loss < 1.001 * r->minimum;
        ct_report_cell_f64(report, f->lr), ct_report_cell_i64(report, f->epochs), ct_report_cell_f64(report, f->final_loss);
        ct_report_cell_f64(report, r->rate_scores[i].rmse), ct_report_cell_string(report, f->diverged ? "diverged" : there ? "at the minimum" : "not there yet");
    }
    ct_report_textf(report, "The curvature of the loss says that rates above %.3f must diverge.", r->stable_lr);
}

static void put_coefficients(ct_report *report, const results *r) {
    const char *names[FEATURES];
    for (int j = 0; j < FEATURES; j++) names[j] = r->data.names[j];
    ct_chart *chart = ct_chart_new("Weights", &(ct_chart_options){.y_title = "1,000 dollars for each standard deviation", .horizontal = true});
    ct_chart_bars(chart, names, ct_from_data(r->weights, CT_SHAPE(FEATURES), CT_F64), NULL);
    put_chart(report, chart, NULL);
    const ct_report_column columns[] = {{.name = "column"}, {.name = "meaning"}, {.name = "gradient descent", .decimals = ct_some_i64(4)}, {.name = "closed form", .decimals = ct_some_i64(4)}};
    ct_report_table(report, columns, 4, NULL);
    for (int j = 0; j <= FEATURES; j++) {
        ct_report_cell_string(report, j < FEATURES ? r->data.names[j] : ""), ct_report_cell_string(report, j < FEATURES ? MEANING[j] : "all features at their mean");
        ct_report_cell_f64(report, r->weights[j]), ct_report_cell_f64(report, r->exact[j]);
    }
}

static void put_predictions(ct_report *report, const results *r) {
    ct_tensor *residual = ct_sub(r->data.test.y, r->predicted);
    ct_chart *chart = ct_chart_new("Predicted against true prices, test rows", &(ct_chart_options){.x_title = "true price (1,000 dollars)", .y_title = "predicted price (1,000 dollars)", .same_axes = true});
    ct_chart_scatter(chart, r->data.test.y, r->predicted, &(ct_chart_scatter_options){.identity = true});
    put_chart(report, chart, "On the line a prediction is right. Prices above 50 are recorded as 50.");
    chart = ct_chart_new("Residuals", &(ct_chart_options){.x_title = "predicted price (1,000 dollars)", .y_title = "true - predicted"});
    ct_chart_scatter(chart, r->predicted, residual, NULL);
    ct_chart_hline(chart, 0, NULL);
    put_chart(report, chart, "A model that misses nothing would leave a cloud without shape.");
    chart = ct_chart_new("How often which residual", &(ct_chart_options){.x_title = "true - predicted (1,000 dollars)", .y_title = "test rows"});
    ct_chart_histogram(chart, residual, NULL);
    put_chart(report, chart, NULL);
}

static void put_scores(ct_report *report, const results *r) {
    const struct { const char *name; score score; } rows[] = {
        {"gradient step by hand", r->by_hand}, {"ct_optim_sgd", r->sgd}, {"closed form", r->closed}, {"closed form without column B", r->without_b}};
    const ct_report_column columns[] = {{.name = "fit"}, {.name = "RMSE (1,000 dollars)", .decimals = ct_some_i64(4), .best = CT_REPORT_BEST_SMALLEST}, {.name = "R2", .decimals = ct_some_i64(4), .best = CT_REPORT_BEST_LARGEST}};
    ct_report_table(report, columns, 3, &(ct_report_table_options){.caption = "On the test rows"});
    for (int i = 0; i < 4; i++) ct_report_cell_string(report, rows[i].name), ct_report_cell_f64(report, rows[i].score.rmse), ct_report_cell_f64(report, rows[i].score.r2);
}

static void put_conclusions(ct_report *report, const results *r) {
    int largest = 0;
    double distance = 0;
    for (int j = 0; j < FEATURES; j++)
        if ((r->weights[j] < 0 ? -r->weights[j] : r->weights[j]) > (r->weights[largest] < 0 ? -r->weights[largest] : r->weights[largest])) largest = j;
    for (int j = 0; j <= FEATURES; j++) {
        double d = r->weights[j] > r->exact[j] ? r->weights[j] - r->exact[j] : r->exact[j] - r->weights[j];
        if (d > distance) distance = d;
    }
    ct_report_heading(report, 3, "What worked and what did not");
    ct_report_textf(report, "- Gradient descent with rate %g comes within %.2g of every weight of the closed form; between the step by hand and that of `ct_optim_sgd` the largest difference of a weight is %.2g.\n"
                            "- The weight of the largest size is that of %s (%s).\n"
                            "- A typical error on the test rows is %.2f thousand dollars; the model explains %.1f %% of the variance of their prices.\n"
                            "- Without column B the error is %.4f instead of %.4f: leaving it out costs %s.",
                    r->rates[1].lr, distance, r->sgd_difference, r->data.names[largest], MEANING[largest], r->by_hand.rmse, 100 * r->by_hand.r2, r->without_b.rmse, r->closed.rmse,
                    r->without_b.rmse <= r->closed.rmse ? "nothing" : "a little");
}

void report_version(ct_report *report, const char *title, const results *r) {
    ct_scope scope = ct_scope_begin();
    ct_report_heading(report, 2, title);
    ct_report_textf(report, "%" PRId64 " rows, of which %" PRId64 " train and %" PRId64 " test; %" PRId64 " values are missing.", r->data.rows, ct_numel(r->data.train.y),
                    ct_numel(r->data.test.y), r->data.missing);
    ct_chart *chart = ct_chart_new("Prices", &(ct_chart_options){.x_title = "median price (1,000 dollars)", .y_title = "share of the rows, per 1,000 dollars"});
    ct_chart_histogram(chart, r->data.train.y, &(ct_chart_histogram_options){.label = "training", .density = true, .bins = 20});
    ct_chart_histogram(chart, r->data.test.y, &(ct_chart_histogram_options){.label = "test", .density = true});
    put_chart(report, chart, NULL);
    put_losses(report, r);
    put_scores(report, r);
    put_coefficients(report, r);
    put_predictions(report, r);
    put_conclusions(report, r);
    ct_scope_end(scope);
}

void report_end(ct_report *report, const char *folder) {
    ct_report_heading(report, 2, "About column B");
    ct_report_text(report, NOTE_ON_B);
    ct_report_heading(report, 2, "Environment");
    ct_report_environment(report);
    ct_report_write(report, folder);
}
