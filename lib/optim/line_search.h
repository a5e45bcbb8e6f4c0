/*
 * line_search.h: how far to go along a direction.
 */
#ifndef CT__LINE_SEARCH_H
#define CT__LINE_SEARCH_H

#include "core/tensor_impl.h"

/* A point of the line x + t d: the loss there, its slope along d, and the gradient (a reference). */
typedef struct ct__line_point {
    double t, loss, slope;
    ct_tensor *grad;
} ct__line_point;

typedef struct ct__line {
    ct_status (*evaluate)(void *user, double t, ct__line_point *out); /* the reference in out->grad is the caller's */
    void *user;
    double d_norm;           /* largest |d_i| */
    double tolerance_change; /* a bracket shorter than this, times d_norm, is left as it is */
    int64_t max_evals;       /* beyond the first one */
} ct__line;

/* From start (t = 0), first trying t: the point that satisfies the strong Wolfe conditions, or the best one when max_evals are used up. *evals: how
 * often the loss was evaluated. The reference in best->grad is the caller's; NULL on an error. */
ct_status ct__strong_wolfe(const ct__line *line, const ct__line_point *start, double t, ct__line_point *best, int64_t *evals);

#endif
