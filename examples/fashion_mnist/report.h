/* What the study found, and the report on it. */
#ifndef REPORT_H
#define REPORT_H

#include "study.h"

enum { N_STEPS = 6, N_SIZES = 4, MAX_SEEDS = 20, MAX_TRIALS = 64 };

typedef struct results {
    int n_seeds, n_steps, n_trials, n_sizes;
    outcome seeds[MAX_SEEDS];   /* the full recipe */
    outcome steps[N_STEPS];     /* built up, one means after the other */
    outcome trials[MAX_TRIALS]; /* of the random search */
    outcome sizes[N_SIZES];     /* with ever more training images */
    ct_module *net;             /* of the first seed */
} results;

/* Of the test accuracies; the spread is the standard deviation of the sample, 0 for one. */
void mean_and_spread(const outcome *outcomes, int n, double *mean, double *spread);

/* folder/report.html and folder/report.md. */
ct_status write_report(const char *folder, const data *d, const results *r);

#endif
