/*
 * grads.h: first and second gradients against differences, and numbers to check them at.
 */
#ifndef CT_TEST_GRADS_H
#define CT_TEST_GRADS_H

#include "support/test.h"

#include <ctorch/autograd.h>
#include <math.h>

/* float64 [sizes] of different numbers between -1 and 1, none near 0. */
static inline ct_tensor *wave(double seed, const int64_t *sizes, int ndim) {
    double v[4096];
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    ck_assert_int_le(n, 4096);
    for (int64_t i = 0; i < n; i++) {
        v[i] = sin(1.7 * (double)i + seed);
        v[i] += v[i] < 0 ? -0.05 : 0.05;
    }
    return test_f64(v, sizes, ndim);
}

static inline void check_grads(const char *file, int line, ct_gradcheck_fn fn, void *user, ct_tensor *const *in, int n) {
    for (int i = 0; i < n; i++)
        if (ct_is_floating_point(in[i])) ct_set_requires_grad(in[i], true);
    ct_gradcheck(fn, user, in, n, NULL);
    if (!ct_ok()) ck_abort_msg("%s:%d: gradcheck: %s", file, line, ct_error_message());
    ct_gradgradcheck(fn, user, in, n, NULL);
    if (!ct_ok()) ck_abort_msg("%s:%d: gradgradcheck: %s", file, line, ct_error_message());
}

/* fn(in, n, user) of the inputs, those of float64 requiring grad. */
#define ck_grads(fn, user, ...) \
    check_grads(__FILE__, __LINE__, fn, user, (ct_tensor *[]){__VA_ARGS__}, (int)(sizeof((ct_tensor *[]){__VA_ARGS__}) / sizeof(ct_tensor *)))

#endif
