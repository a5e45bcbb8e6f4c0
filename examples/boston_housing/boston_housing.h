/*
 * boston_housing.h: what the study of one version of the data finds out, shared by the program and by its report.
 */
#ifndef BOSTON_HOUSING_H
#define BOSTON_HOUSING_H

#include <ctorch/ctorch.h>

enum { FEATURES = 13, COLUMN_B = 11, MAX_EPOCHS = 100000 };

extern const char *const MEANING[FEATURES]; /* of the columns */
extern const char NOTE_ON_B[];

typedef struct settings {
    const char *data, *out;
    int64_t epochs, seed;
    double lr;
} settings;

/* Features [rows, 13], standardised, and prices [rows]; f64. */
typedef struct part { ct_tensor *x, *y; } part;

typedef struct data {
    part train, test;
    int64_t rows, missing;
    char names[FEATURES][16]; /* of the columns, in capitals */
} data;

/* How a fit went. A loss beyond a million times the first one counts as diverged: it would overflow soon. */
typedef struct fit {
    double lr;
    int64_t epochs; /* that were run */
    bool diverged;
    double *losses; /* of the training set, before each step */
    double final_loss;
} fit;

typedef struct score { double rmse, r2; } score; /* root mean squared error in 1,000 dollars; share of the variance explained */

enum { RATES = 3 };

/* All that the study of one version of the data found out; what is printed, written and reported comes from here. */
typedef struct results {
    data data;
    fit rates[RATES];             /* too small, good, too large */
    score rate_scores[RATES];     /* on the test rows */
    double minimum;               /* the training loss that no line can beat */
    double stable_lr;             /* above it gradient descent diverges */
    double weights[FEATURES + 1]; /* by hand with the good rate; the last is b */
    double exact[FEATURES + 1];   /* the closed form */
    double sgd_difference;        /* the largest between by hand and ct_optim_sgd */
    score by_hand, sgd, closed, without_b;
    ct_tensor *predicted; /* [102] prices of the test rows, by hand */
} results;

/* report.c: a report, a part for each version of the data, and its end with the note on B; then folder/report.html and report.md. */
ct_report *report_begin(void);
void report_version(ct_report *report, const char *title, const results *r);
void report_end(ct_report *report, const char *folder);

#endif
