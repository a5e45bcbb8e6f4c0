/*
 * metrics_impl.h: what the metrics share: the two arguments as plain arrays, checks, results.
 */
#ifndef CT__METRICS_IMPL_H
#define CT__METRICS_IMPL_H

#include "core/tensor_impl.h"

/* preds and target, row-major: references of our own. */
typedef struct ct__metric_pair {
    ct_tensor *preds, *target;
} ct__metric_pair;

/* Any two tensors, and two of the same shape; false with an error pending. Close what was opened. */
bool ct__metric_open_any(const char *function, ct_tensor *preds, ct_tensor *target, ct__metric_pair *out);
bool ct__metric_open(const char *function, ct_tensor *preds, ct_tensor *target, ct__metric_pair *out);
void ct__metric_close(ct__metric_pair *p);

bool ct__metric_check_indices(const char *function, const char *what, const ct_tensor *t); /* its dtype is an integer one */
bool ct__metric_check_range(const char *function, const char *what, const ct_tensor *t, int64_t num_classes);

/* Element i of a row-major tensor. */
CT__INLINE const char *ct__metric_element(const ct_tensor *t, int64_t i) { return ct__ptr(t) + i * (int64_t)ct_dtype_size((ct_dtype)t->dtype); }
CT__INLINE int64_t ct__metric_index(const ct_tensor *t, int64_t i) { return ct__load_i64(ct__metric_element(t, i), (ct_dtype)t->dtype); }
CT__INLINE double ct__metric_number(const ct_tensor *t, int64_t i) { return ct__load_f64(ct__metric_element(t, i), (ct_dtype)t->dtype); }

/* A result in the innermost scope: f64 [] and f64 [n], which is a copy. */
ct_tensor *ct__metric_result(const char *function, double value);
ct_tensor *ct__metric_results(const char *function, const double *values, int64_t n);

#endif
