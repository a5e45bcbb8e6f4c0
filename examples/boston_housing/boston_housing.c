/*
 * boston_housing: linear regression on a real table, from the bottom up.
 *
 *     price = b + w1 crime + w2 zoning + ... + w13 lower status          in 1,000 dollars
 *
 * The program reads the table, fills what is missing, standardises the features, fits the weights by gradient descent (the step written by
 * hand, then by ct_optim_sgd), shows what three learning rates do, and checks it all against the closed-form solution.
 *
 *     boston_housing            boston_housing --help
 *
 * CMake builds it with the library. On its own, against an installed one, in this folder:
 *
 *     cc boston_housing.c report.c ../common/example.c -I../common $(pkg-config --cflags --libs ctorch) -lm -o boston_housing
 *
 * Reading order: data, model and training, closed form, the study; the rest prints, report.c draws. Errors: the first one stays pending in the library and later
 * calls do nothing, so main checks once, at its end.
 */
#define _POSIX_C_SOURCE 200809L
#include "boston_housing.h"
#include "example.h"

#include <ctorch/ctorch.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Settings ------------------------------------------------------------------------------------------------------ */

static const char HELP[] =
    "usage: boston_housing [OPTION...]\n"
    "Linear regression on the Boston housing data by gradient descent, beside the closed-form solution.\n"
    "\n"
    "  --epochs N     steps of gradient descent, each on all of the training set; default 1000\n"
    "  --lr NUMBER    learning rate; default 0.1. The study also tries a hundredth and the double of it\n"
    "  --seed N       of the split into 404 training and 102 test rows; default 1\n"
    "  --data DIR     folder with boston.csv and HousingData.csv; default: the bundled one\n"
    "  --out DIR      where results go; default out/boston_housing\n"
    "  --help         print this\n";

typedef enum parsed { PARSED_RUN, PARSED_HELP, PARSED_WRONG } parsed;

static parsed parse_arguments(int argc, char **argv, settings *s) {
    enum { HELP_OPTION = 256, EPOCHS, LR, SEED, DATA, OUT };
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, HELP_OPTION}, {"epochs", required_argument, NULL, EPOCHS}, {"lr", required_argument, NULL, LR},
        {"seed", required_argument, NULL, SEED}, {"data", required_argument, NULL, DATA}, {"out", required_argument, NULL, OUT}, {NULL, 0, NULL, 0}};
    *s = (settings){.out = "out/boston_housing", .epochs = 1000, .seed = 1, .lr = 0.1};
    bool right = true;
    for (int option; right && (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case HELP_OPTION: return PARSED_HELP;
        case EPOCHS: right = parse_integer("--epochs", optarg, 1, MAX_EPOCHS, &s->epochs); break;
        case LR: right = parse_number("--lr", optarg, 1e-12, 1e6, &s->lr); break;
        case SEED: right = parse_integer("--seed", optarg, 0, INT64_MAX, &s->seed); break;
        case DATA: s->data = optarg; break;
        case OUT: s->out = optarg; break;
        default: right = false; /* getopt_long has said what is wrong */
        }
    }
    if (right && optind < argc) {
        fprintf(stderr, "there is no argument \"%s\"\n", argv[optind]);
        right = false;
    }
    return right ? PARSED_RUN : PARSED_WRONG;
}

/* ---- Data ---------------------------------------------------------------------------------------------------------- */

/* Reads a table whose last column is the price, and cuts it into 80 % training and 20 % test rows at random. Medians, means and deviations come from the
 * training rows alone: what the test rows say must not reach the model, not even through a mean. */
static void read_data(const char *path, int64_t seed, data *d) {
    ct_table *table = ct_csv_read(path, NULL);
    if (table && ct_table_num_columns(table) != FEATURES + 1)
        ct_error_raisef(CT_ERR_FORMAT, "%s has %" PRId64 " columns, not %d features and the price", path, ct_table_num_columns(table), FEATURES);
    if (ct_ok() && ct_table_num_rows(table) < 40)
        ct_error_raisef(CT_ERR_FORMAT, "%s has %" PRId64 " rows; %d weights need at least 40", path, ct_table_num_rows(table), FEATURES + 1);
    if (ct_ok()) {
        d->rows = ct_table_num_rows(table);
        d->missing = ct_table_num_missing(table);
        for (int j = 0; j < FEATURES; j++) {
            snprintf(d->names[j], sizeof d->names[j], "%s", ct_table_column_name(table, j));
            for (char *c = d->names[j]; *c; c++) *c = (char)toupper((unsigned char)*c);
        }
        ct_generator *generator = ct_generator_new((uint64_t)seed);
        ct_tensor *order = ct_randperm(d->rows, CT_I64, generator);
        ct_generator_free(generator);
        int64_t n_train = d->rows * 4 / 5;
        ct_tensor *shuffled = ct_index_select(ct_table_values(table), 0, order);
        ct_tensor *train = ct_narrow(shuffled, 0, 0, n_train), *test = ct_narrow(shuffled, 0, n_train, d->rows - n_train);
        ct_tensor *train_x = ct_narrow(train, 1, 0, FEATURES), *test_x = ct_narrow(test, 1, 0, FEATURES);

        ct_tensor *medians = ct_nanquantile_scalar(train_x, 0.5, 0, NULL); /* [13], of the values that are there */
        train_x = ct_where(ct_isnan(train_x), medians, train_x); /* [404, 13] where missing: the column's median [13] */
        test_x = ct_where(ct_isnan(test_x), medians, test_x);
        ct_tensor *mean = ct_mean_dim(train_x, CT_DIMS(0), NULL), *deviation = ct_std_dim(train_x, CT_DIMS(0), NULL);
        d->train = (part){ct_div(ct_sub(train_x, mean), deviation), ct_contiguous(ct_select(train, 1, FEATURES), CT_FORMAT_CONTIGUOUS)};
        d->test = (part){ct_div(ct_sub(test_x, mean), deviation), ct_contiguous(ct_select(test, 1, FEATURES), CT_FORMAT_CONTIGUOUS)};
        if (ct_ok() && !ct_item_bool(ct_all(ct_isfinite(d->train.y))))
            ct_error_raisef(CT_ERR_FORMAT, "%s: prices are missing", path);
    }
    ct_table_free(table);
}

/* ---- Model and training --------------------------------------------------------------------------------------------- */

typedef struct model { ct_tensor *w, *b; } model; /* [13] and [] */

static model model_new(void) {
    model m = {ct_zeros(CT_SHAPE(FEATURES), CT_F64), ct_zeros(NULL, 0, CT_F64)};
    ct_set_requires_grad(m.w, true);
    ct_set_requires_grad(m.b, true);
    return m;
}

static ct_tensor *model_forward(const model *m, ct_tensor *x) { return ct_add(ct_mv(x, m->w), m->b); }

/* The same without recording a graph. */
static ct_tensor *model_predict(const model *m, ct_tensor *x) {
    ct_scope scope = ct_no_grad_begin();
    return ct_scope_return(scope, model_forward(m, x));
}

/* Gradient descent on the mean squared error, all rows in each step. The library records the forward pass and makes the gradients; the step itself is
 * either by hand or the optimizer's. */
static void train(const model *m, const part *rows, double lr, int64_t epochs, bool by_hand, fit *f) {
    ct_optim *sgd = NULL;
    if (!by_hand) {
        ct_list *weights = ct_list_new();
        ct_list_append(weights, m->w);
        ct_list_append(weights, m->b);
        sgd = ct_optim_sgd(weights, lr, NULL);
    }
    f->lr = lr, f->diverged = false;
    ct_progress *bar = ct_progress_new(epochs, &(ct_progress_options){.label = by_hand ? "by hand" : "by ct_optim_sgd"});
    for (f->epochs = 0; ct_ok() && f->epochs < epochs && !f->diverged; f->epochs++) {
        ct_scope scope = ct_scope_begin(); /* all tensors of this step go at its end */
        ct_tensor *loss = ct_mse_loss(model_forward(m, rows->x), rows->y, NULL);
        ct_backward(loss);
        if (by_hand) {
            ct_scope no_grad = ct_no_grad_begin(); /* w -= lr dL/dw is no part of the graph */
            ct_add_alpha_(m->w, ct_tensor_grad(m->w), -lr);
            ct_add_alpha_(m->b, ct_tensor_grad(m->b), -lr);
            ct_scope_end(no_grad);
            ct_tensor_set_grad(m->w, NULL); /* else the next gradient is added to this one */
            ct_tensor_set_grad(m->b, NULL);
        } else {
            ct_optim_step(sgd);
            ct_optim_zero_grad(sgd);
        }
        double value = f->losses[f->epochs] = ct_item_f64(loss);
        f->diverged = !(value <= 1e6 * f->losses[0]); /* NaN too */
        ct_scope_end(scope);
        ct_progress_updatef(bar, f->epochs + 1, 0, "loss %.4f", value);
    }
    ct_progress_free(bar);
    f->final_loss = ct_item_f64(ct_mse_loss(model_predict(m, rows->x), rows->y, NULL));
    ct_optim_free(sgd);
}

/* ---- The closed form ------------------------------------------------------------------------------------------------ */

/* Least squares over X with a column of ones for b. x [rows, n] -> weights and, last, b: [n + 1]. */
static ct_tensor *least_squares(const part *rows, ct_tensor *x) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *rank, *xb = ct_cat((ct_tensor *[]){x, ct_ones(CT_SHAPE(ct_size(x, 0), 1), CT_F64)}, 2, 1);
    ct_tensor *z = ct_squeeze_dim(ct_linalg_lstsq(xb, ct_unsqueeze(rows->y, 1), NULL, NULL, &rank, NULL), CT_DIMS(1));
    if (ct_ok() && ct_item_i64(rank) < ct_size(xb, 1))
        ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "the features depend on each other linearly (rank %" PRId64 " of %" PRId64 "): there is no single least-squares solution",
                        ct_item_i64(rank), ct_size(xb, 1));
    return ct_scope_return(scope, z);
}

/* The largest eigenvalue of the loss' second derivative 2 / n X^T X, by power iteration. Gradient descent converges for learning rates below
 * 2 / this, and diverges above. */
static double largest_curvature(const part *rows) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *v = ct_ones(CT_SHAPE(FEATURES), CT_F64);
    double length = 0;
    for (int i = 0; ct_ok() && i < 200; i++) {
        v = ct_mv(ct_t(rows->x), ct_mv(rows->x, v));
        length = ct_item_f64(ct_norm(v, 2, NULL, 0, NULL));
        v = ct_div_scalar(v, length);
    }
    double n = (double)ct_size(rows->x, 0);
    ct_scope_end(scope);
    return fmax(2 * length / n, 2); /* 2 is the curvature along b */
}

/* ---- Results -------------------------------------------------------------------------------------------------------- */

static score score_of(ct_tensor *predicted, ct_tensor *y) {
    return (score){ct_item_f64(ct_root_mean_squared_error(predicted, y)), ct_item_f64(ct_r2_score(predicted, y))};
}

static bool results_init(results *r, int64_t epochs) {
    *r = (results){.minimum = 0};
    for (int i = 0; i < RATES; i++) {
        r->rates[i].losses = calloc((size_t)epochs, sizeof(double));
        if (!r->rates[i].losses) ct_error_raise(CT_ERR_OUT_OF_MEMORY, "no memory for the loss curves");
    }
    return ct_ok();
}

static void results_free(results *r) {
    for (int i = 0; i < RATES; i++) free(r->rates[i].losses);
}

/* ---- The study ------------------------------------------------------------------------------------------------------ */

static void model_weights(const model *m, double out[FEATURES + 1]) {
    ct_copy_to(m->w, out, FEATURES, CT_F64);
    ct_copy_to(m->b, out + FEATURES, 1, CT_F64);
}

static void study_closed_form(const data *d, results *r) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *z = least_squares(&d->train, d->train.x);
    ct_copy_to(z, r->exact, FEATURES + 1, CT_F64);
    model m = {ct_narrow(z, 0, 0, FEATURES), ct_select(z, 0, FEATURES)};
    r->closed = score_of(model_predict(&m, d->test.x), d->test.y);
    r->minimum = ct_item_f64(ct_mse_loss(model_forward(&m, d->train.x), d->train.y, NULL));

    /* The same without column B, to see what leaving it out costs. */
    ct_tensor *others = ct_cat((ct_tensor *[]){ct_arange_int(0, COLUMN_B, 1, CT_I64), ct_arange_int(COLUMN_B + 1, FEATURES, 1, CT_I64)}, 2, 0);
    z = least_squares(&d->train, ct_index_select(d->train.x, 1, others));
    m = (model){ct_narrow(z, 0, 0, FEATURES - 1), ct_select(z, 0, FEATURES - 1)};
    r->without_b = score_of(model_predict(&m, ct_index_select(d->test.x, 1, others)), d->test.y);
    ct_scope_end(scope);
}

static void study(const char *path, const settings *s, results *r) {
    read_data(path, s->seed, &r->data);
    data *d = &r->data;
    study_closed_form(d, r);
    r->stable_lr = 2 / largest_curvature(&d->train);

    const double factors[RATES] = {0.01, 1, 2};
    for (int i = 0; i < RATES; i++) {
        model m = model_new();
        train(&m, &d->train, factors[i] * s->lr, s->epochs, true, &r->rates[i]);
        ct_tensor *predicted = model_predict(&m, d->test.x);
        r->rate_scores[i] = score_of(predicted, d->test.y);
        if (i == 1) {
            model_weights(&m, r->weights);
            r->by_hand = r->rate_scores[i];
            r->predicted = predicted;
        }
    }

    /* The good rate again, the step now taken by the library's optimizer. */
    fit f = {.losses = calloc((size_t)s->epochs, sizeof(double))};
    model m = model_new();
    if (!f.losses) ct_error_raise(CT_ERR_OUT_OF_MEMORY, "no memory for a loss curve");
    train(&m, &d->train, s->lr, s->epochs, false, &f);
    free(f.losses);
    double weights[FEATURES + 1] = {0};
    model_weights(&m, weights);
    r->sgd = score_of(model_predict(&m, d->test.x), d->test.y);
    for (int j = 0; j <= FEATURES; j++) r->sgd_difference = fmax(r->sgd_difference, fabs(weights[j] - r->weights[j]));
}

/* ---- Printing and writing ------------------------------------------------------------------------------------------- */

static void print_version(const char *title, const results *r) {
    const data *d = &r->data;
    printf("%s: %" PRId64 " rows, %" PRId64 " values missing%s; %" PRId64 " rows train, %" PRId64 " test\n\n", title, d->rows, d->missing,
           d->missing ? " (filled with the training rows' medians)" : "", ct_numel(d->train.y), ct_numel(d->test.y));

    printf("  learning rate  after     training loss  test RMSE  outcome\n");
    for (int i = 0; i < RATES; i++) {
        const fit *f = &r->rates[i];
        printf("  %13g  %5" PRId64 "  ", f->lr, f->epochs);
        if (f->diverged) printf("%16.3g  %9s  diverged: rates above %.3f must\n", f->final_loss, "-", r->stable_lr);
        else printf("%16.4f  %9.3f  %s\n", f->final_loss, r->rate_scores[i].rmse,
                    f->final_loss < 1.001 * r->minimum ? "at the minimum" : "too slow: not at the minimum yet");
    }
    printf("  (the smallest loss that a linear model can have is %.4f)\n\n", r->minimum);

    printf("  column   meaning                    by gradient descent  closed form   (1,000 dollars per standard deviation)\n");
    for (int j = 0; j < FEATURES; j++) printf("  %-7s  %-25s  %19.4f  %11.4f\n", d->names[j], MEANING[j], r->weights[j], r->exact[j]);
    printf("  %-7s  %-25s  %19.4f  %11.4f\n\n", "", "all features at their mean", r->weights[FEATURES], r->exact[FEATURES]);

    printf("  on the test rows           RMSE      R2\n");
    printf("  gradient step by hand   %7.4f  %6.4f\n", r->by_hand.rmse, r->by_hand.r2);
    printf("  ct_optim_sgd            %7.4f  %6.4f   largest difference of a weight: %g\n", r->sgd.rmse, r->sgd.r2, r->sgd_difference);
    printf("  closed form             %7.4f  %6.4f\n", r->closed.rmse, r->closed.r2);
    printf("  closed form without B   %7.4f  %6.4f\n\n", r->without_b.rmse, r->without_b.r2);
}

static FILE *open_result(const settings *s, const char *version, const char *name, char path[EXAMPLE_PATH]) {
    char file_name[64];
    snprintf(file_name, sizeof file_name, "%s_%s.csv", version, name);
    join_path(path, s->out, file_name);
    FILE *file = ct_ok() ? fopen(path, "w") : NULL;
    if (!file) ct_error_raisef(CT_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    return file;
}

static void close_result(FILE *file, const char *path) {
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) ct_error_raisef(CT_ERR_IO, "%s was not written whole", path);
}

/* The loss curves, the coefficients and the test rows' prices, each as one CSV file. */
static void write_version(const settings *s, const char *version, const results *r) {
    char path[EXAMPLE_PATH];
    FILE *file = open_result(s, version, "loss", path);
    if (!file) return;
    fprintf(file, "epoch,lr_%g,lr_%g,lr_%g\n", r->rates[0].lr, r->rates[1].lr, r->rates[2].lr);
    for (int64_t e = 0; e < s->epochs; e++) {
        fprintf(file, "%" PRId64, e);
        for (int i = 0; i < RATES; i++) {
            if (e < r->rates[i].epochs) fprintf(file, ",%.10g", r->rates[i].losses[e]);
            else fprintf(file, ","); /* it diverged before */
        }
        fprintf(file, "\n");
    }
    close_result(file, path);

    file = open_result(s, version, "coefficients", path);
    if (!file) return;
    fprintf(file, "column,gradient_descent,closed_form\n");
    for (int j = 0; j <= FEATURES; j++) fprintf(file, "%s,%.12g,%.12g\n", j < FEATURES ? r->data.names[j] : "INTERCEPT", r->weights[j], r->exact[j]);
    close_result(file, path);

    file = open_result(s, version, "predictions", path);
    if (!file) return;
    fprintf(file, "price,predicted\n");
    const double *y = ct_data_f64(r->data.test.y), *predicted = ct_data_f64(r->predicted);
    for (int64_t i = 0; ct_ok() && i < ct_numel(r->predicted); i++) fprintf(file, "%.1f,%.4f\n", y[i], predicted[i]);
    close_result(file, path);
}

int main(int argc, char **argv) {
    static const struct { const char *file, *title, *name; } VERSIONS[] = {
        {"boston.csv", "Complete data", "complete"}, {"HousingData.csv", "Data with gaps", "gaps"}};
    settings s;
    parsed arguments = parse_arguments(argc, argv, &s);
    if (arguments == PARSED_HELP) fputs(HELP, stdout);
    if (arguments == PARSED_WRONG) fprintf(stderr, "boston_housing --help lists the options\n");
    if (arguments != PARSED_RUN) return arguments == PARSED_HELP ? 0 : 2;

    char bundled[EXAMPLE_PATH], path[2 * EXAMPLE_PATH];
    if (!s.data && !find_data("boston", bundled)) return 1;
    if (!make_folders(s.out)) return 1;
    ct_report *report = report_begin();
    for (int v = 0; ct_ok() && v < 2; v++) {
        results r;
        ct_scope scope = ct_scope_begin();
        snprintf(path, sizeof path, "%.1023s/%s", s.data ? s.data : bundled, VERSIONS[v].file);
        if (results_init(&r, s.epochs)) study(path, &s, &r);
        if (ct_ok()) print_version(VERSIONS[v].title, &r);
        if (ct_ok()) write_version(&s, VERSIONS[v].name, &r);
        if (ct_ok()) report_version(report, VERSIONS[v].title, &r);
        results_free(&r);
        ct_scope_end(scope);
    }
    if (ct_ok()) report_end(report, s.out);
    ct_report_free(report);
    if (ct_ok()) {
        fputs(NOTE_ON_B, stdout);
        printf("\nresults are in %s: loss curves, coefficients and predictions of both versions as CSV\nreport: %s/report.html\n", s.out, s.out);
    } else {
        fprintf(stderr, "boston_housing: %s\n", ct_error_message());
    }
    return ct_ok() ? 0 : 1;
}
