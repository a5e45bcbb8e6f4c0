/*
 * ref_rnn.c: the steps of LSTM and GRU in plain C, every element in double. The loops are in rnn_loops.inc, which the fast version shares.
 */
#include "kernels/kern_rnn.h"

#include "base/platform.h"
#include <math.h>
#include <string.h>

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

#define REAL double /* of the arithmetic */
#define SIGMOID sigmoid
#define TANH tanh
#define T float
#define NAME(x) x##_f32
#include "kernels/rnn_loops.inc"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/rnn_loops.inc"

static void lstm(ct_dtype dtype, int64_t rows, int64_t h, void *gates, void *c, void *c_old, void *out) {
    lstm_job j = {.h = h, .gates = gates, .c = c, .c_old = c_old, .out = out};
    (dtype == CT_F32 ? lstm_rows_f32 : lstm_rows_f64)(0, rows, &j);
}
static void lstm_backward(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *c_old, const void *dout, void *dc, void *dgates, void *out) {
    lstm_job j = {.h = h, .saved = gates, .old = c_old, .dout = dout, .c = dc, .gates = dgates, .out = out};
    (dtype == CT_F32 ? lstm_backward_rows_f32 : lstm_backward_rows_f64)(0, rows, &j);
}
static void gru(ct_dtype dtype, int64_t rows, int64_t h, void *gx, const void *gh, void *state, void *hn, void *out) {
    gru_job j = {.h = h, .gx = gx, .gh = gh, .state = state, .hn = hn, .out = out};
    (dtype == CT_F32 ? gru_rows_f32 : gru_rows_f64)(0, rows, &j);
}
static void gru_backward(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *hn, const void *old, void *dstate, void *dgx, void *dgh) {
    gru_job j = {.h = h, .gh = gates, .saved_hn = hn, .old = old, .state = dstate, .gx = dgx, .out = dgh};
    (dtype == CT_F32 ? gru_backward_rows_f32 : gru_backward_rows_f64)(0, rows, &j);
}

/* Packed as it is, or transposed: [k, n]. */
static int64_t packed_size(int64_t k, int64_t n) { return k * n; }
static void pack(int64_t k, int64_t n, bool transposed, const float *w, float *packed) {
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) packed[i * n + j] = transposed ? w[j * k + i] : w[i * n + j];
}
static void product(int64_t rows, int64_t k, int64_t n, const float *a, const float *packed, bool add, float *c) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = add ? (double)c[i * n + j] : 0;
            for (int64_t l = 0; l < k; l++) sum += (double)a[i * k + l] * (double)packed[l * n + j];
            c[i * n + j] = (float)sum;
        }
}

void ct__rnn_fill_ref(ct__rnn_kernels *k);
void ct__rnn_fill_ref(ct__rnn_kernels *k) {
    *k = (ct__rnn_kernels){.lstm = lstm, .lstm_backward = lstm_backward, .gru = gru, .gru_backward = gru_backward,
                            .packed_size = packed_size, .pack = pack, .product = product};
}
