/*
 * ctc.h: connectionist temporal classification: the loss of each sample, and its gradient. The samples are shared among the threads.
 */
#ifndef CT__CTC_H
#define CT__CTC_H

#include <ctorch/tensor.h>

/*
 * x [steps, batch, classes], row-major, f32 or f64: log-probabilities. Sample n has input_length[n] steps and target_length[n] labels from
 * targets[offset[n]] on. Its states are the labels with a blank before, between and behind: 2 target_length[n] + 1 of them, at most `states`.
 * Labels and the blank are classes, lengths in range.
 */
typedef struct ct__ctc {
    ct_dtype dtype;
    int64_t steps, batch, classes, states, blank;
    const void *x;
    const int64_t *targets, *offset, *input_length, *target_length;
} ct__ctc;

/* loss [batch], inf where the labels do not fit. alpha [batch, steps, states] keeps for backward the logarithm of the probability of all ways into a state;
 * with `kept` 2 it is [batch, 2, states] and of no use to backward. All f64: sums of logarithms over hundreds of steps. */
void ct__ctc_forward(const ct__ctc *c, int64_t kept, double *alpha, double *loss);

/* out [steps, batch, classes] of x's dtype = g[n] (exp(x) - share of the paths through a class at a step), 0 behind a sample's last step; for samples whose
 * loss is inf: 0 if zero_infinity, else NaN. g f64 [batch]; scratch [batch, 2 states + classes]. */
void ct__ctc_backward(const ct__ctc *c, const double *alpha, const double *loss, const double *g, bool zero_infinity, double *scratch, void *out);

#endif
