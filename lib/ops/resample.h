/*
 * resample.h: tables of taps for resampling along one dimension, and the op that applies one.
 *
 * Each output element is a weighted sum of input elements. Forward uses the table, backward its transpose, so that both are sums without races and every
 * order of gradient is one of the two.
 */
#ifndef CT__RESAMPLE_H
#define CT__RESAMPLE_H

#include "kernels/kernels.h"
#include "ops/image.h"

#include <ctorch/ops_vision.h>

typedef struct ct__taps {
    atomic_int refs;
    int64_t in, out;
    int64_t *start, *index; /* as in ct__resample */
    double *weight;
} ct__taps;

typedef enum ct__filter {
    CT__FILTER_NEAREST,
    CT__FILTER_NEAREST_EXACT,
    CT__FILTER_LINEAR,
    CT__FILTER_CUBIC,
    CT__FILTER_LINEAR_AA,
    CT__FILTER_CUBIC_AA
} ct__filter;

/* PyTorch's positions and weights from in to out elements; scale > 0: the factor that the caller gave, else it follows from the sizes. Numbers are
 * rounded to float32 where single says so, as PyTorch computes them. NULL on an error. */
ct__taps *ct__taps_make(const char *function, ct__filter filter, int64_t in, int64_t out, bool align_corners, double scale, bool single);
ct__taps *ct__taps_transpose(const ct__taps *t);
void ct__taps_unref(ct__taps *t);

/* x resampled along dim (2 or later); recorded. Takes its own references to table and its transpose. x is float32 or float64. */
ct_tensor *ct__resample_dim(ct_tensor *x, int dim, ct__taps *table, ct__taps *transpose);

/* uint8, along dim: PyTorch's fixed-point weights, rounded and clamped to 0 ... 255. Changes the table. Nothing is recorded. */
ct_tensor *ct__resample_dim_u8(ct_tensor *x, int dim, ct__taps *table);

#endif
