/*
 * op_multinomial.c: drawing indices by weight.
 *
 * With replacement: uniform numbers looked up in the running sum of the weights. Without (and for one sample): each weight is divided by an exponential
 * random number, and the largest quotients win, which is the same as drawing one after the other (Efraimidis and Spirakis, 2006).
 */
#include "core/generator.h"
#include "ops/elementwise.h"
#include <ctorch/ops_random.h>

#include <math.h>

/* A row's weights as PyTorch computes with them: in the tensor's dtype. */
static double rounded(double x, ct_dtype dtype) {
    char element[8];
    if (dtype == CT_F64) return x;
    if (dtype == CT_F32) return (double)(float)x;
    ct__store_f64(element, dtype, x);
    return ct__load_f64(element, dtype);
}

/* Half an epsilon. */
static double half_epsilon(ct_dtype dtype) { return dtype == CT_F64 ? 0x1p-53 : dtype == CT_F32 ? 0x1p-24 : dtype == CT_F16 ? 0x1p-11 : 0x1p-8; }

static ct_status check_rows(const double *w, int64_t rows, int64_t n, int64_t samples, bool replacement) {
    for (int64_t r = 0; r < rows; r++, w += n) {
        int64_t positive = 0;
        for (int64_t i = 0; i < n; i++) {
            if (!(w[i] >= 0) || isinf(w[i]))
                return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: weight %lld of row %lld is %g", (long long)i, (long long)r, w[i]);
            positive += w[i] > 0;
        }
        if (!positive) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: all weights of row %lld are zero", (long long)r);
        if (!replacement && samples > positive)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: %lld samples without replacement from %lld non-zero weights in row %lld",
                            (long long)samples, (long long)positive, (long long)r);
    }
    return CT_OK;
}

/* key[i] = w[i] / an exponential number */
static void draw_keys(ct_generator *g, double *w, int64_t n, ct_dtype dtype) {
    for (int64_t i = 0; i < n; i++) {
        double u = ct__draw_f64(g), top = half_epsilon(dtype); /* log1p(-u) must not be 0 */
        double q = u >= 1 - top ? top : -log1p(-u);
        w[i] = rounded(w[i] / rounded(q, dtype), dtype);
    }
}

/* The samples largest, in falling order; the first of equals. */
static void take_largest(double *key, int64_t n, int64_t samples, int64_t *out) {
    for (int64_t s = 0; s < samples; s++) {
        int64_t best = 0;
        for (int64_t i = 1; i < n; i++)
            if (key[i] > key[best]) best = i;
        out[s] = best;
        key[best] = -1;
    }
}

static void draw_replaced(ct_generator *g, double *w, int64_t n, int64_t samples, ct_dtype dtype, int64_t *out) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) w[i] = sum = rounded(sum + w[i], dtype);
    for (int64_t i = 0; i < n; i++) w[i] = rounded(w[i] / sum, dtype);
    for (int64_t s = 0; s < samples; s++) {
        double u = ct__draw_f64(g);
        int64_t left = 0, right = n;
        while (left < right) {
            int64_t middle = left + (right - left) / 2;
            if (w[middle] < u) left = middle + 1;
            else right = middle;
        }
        out[s] = left < n ? left : n - 1;
    }
}

ct_tensor *ct_multinomial(ct_tensor *weights, int64_t num_samples, const ct_multinomial_options *options) {
    const int op = CT__OP_multinomial;
    if (!ct__enter(op, &weights, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(ct__check_float(op, weights));
    const bool replacement = options && options->replacement;
    const ct_dtype dtype = (ct_dtype)weights->dtype;
    const int ndim = weights->ndim;
    if (ndim < 1 || ndim > 2 || weights->sizes[ndim - 1] == 0) {
        ct__fail(CT_ERR_SHAPE, "ct_multinomial: weights have %d dims and %lld elements; [C] or [N, C] with C > 0 is wanted", ndim, (long long)weights->numel);
        return NULL;
    }
    const int64_t n = weights->sizes[ndim - 1], rows = ndim == 2 ? weights->sizes[0] : 1;
    if (num_samples < 1 || (!replacement && num_samples > n)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: %lld samples %s replacement from %lld weights", (long long)num_samples,
                 replacement ? "with" : "without", (long long)n);
        return NULL;
    }
    ct_tensor *out = ct__new(ct__fn(op), ndim == 2 ? (int64_t[]){rows, num_samples} : (int64_t[]){num_samples}, ndim, CT_I64);
    double *w = out ? ct__alloc_array((size_t)weights->numel + 1, sizeof *w) : NULL;
    if (!w || ct_copy_to(weights, w, weights->numel, CT_F64) != CT_OK || check_rows(w, rows, n, num_samples, replacement) != CT_OK) goto fail;
    int64_t *index = (int64_t *)(void *)ct__ptr(out);
    ct_generator *g = ct__generator_lock(options ? options->generator : NULL);
    if (!replacement || num_samples == 1) { /* all numbers first, row by row, as PyTorch does */
        draw_keys(g, w, rows * n, dtype);
        for (int64_t r = 0; r < rows; r++) take_largest(w + r * n, n, num_samples, index + r * num_samples);
    } else {
        for (int64_t r = 0; r < rows; r++) draw_replaced(g, w + r * n, n, num_samples, ct__sum_dtype(dtype), index + r * num_samples);
    }
    ct__generator_unlock(g);
    ct__free(w);
    return ct__finish(NULL, out);
fail:
    ct__free(w);
    ct__unref(out);
    return NULL;
}
