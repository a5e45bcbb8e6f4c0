/*
 * cpu_rnn.c: the steps of LSTM and GRU for an instruction set: the loops of rnn_loops.inc with the functions of vmath.h, which vectorise, and rows shared
 * among threads where a step is large.
 */
#include "kernels/kernels.h"
#include "kernels/vmath.h"

static double sigmoid_f64(double x) { return 1 / (1 + exp(-x)); }

#define REAL float
#define SIGMOID ct__v_sigmoidf
#define TANH ct__v_tanhf
#define T float
#define NAME(x) x##_f32
#include "kernels/rnn_loops.inc"
#undef REAL
#undef SIGMOID
#undef TANH
#undef T
#undef NAME
#define REAL double
#define SIGMOID sigmoid_f64
#define TANH tanh
#define T double
#define NAME(x) x##_f64
#include "kernels/rnn_loops.inc"

enum { GRAIN = 4096 }; /* gates' elements that make a thread's while */
static int64_t grain(int64_t h) { return ct__max_i64(1, GRAIN / ct__max_i64(4 * h, 1)); }

static void lstm(ct_dtype dtype, int64_t rows, int64_t h, void *gates, void *c, void *c_old, void *out) {
    lstm_job j = {.h = h, .gates = gates, .c = c, .c_old = c_old, .out = out};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? lstm_rows_f32 : lstm_rows_f64, &j);
}
static void lstm_backward(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *c_old, const void *dout, void *dc, void *dgates, void *out) {
    lstm_job j = {.h = h, .saved = gates, .old = c_old, .dout = dout, .c = dc, .gates = dgates, .out = out};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? lstm_backward_rows_f32 : lstm_backward_rows_f64, &j);
}
static void gru(ct_dtype dtype, int64_t rows, int64_t h, void *gx, const void *gh, void *state, void *hn, void *out) {
    gru_job j = {.h = h, .gx = gx, .gh = gh, .state = state, .hn = hn, .out = out};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? gru_rows_f32 : gru_rows_f64, &j);
}
static void gru_backward(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *hn, const void *old, void *dstate, void *dgx, void *dgh) {
    gru_job j = {.h = h, .gh = gates, .saved_hn = hn, .old = old, .state = dstate, .gx = dgx, .out = dgh};
    ct__parallel_for(rows, grain(h), dtype == CT_F32 ? gru_backward_rows_f32 : gru_backward_rows_f64, &j);
}

void CT__ISA_NAME(ct__rnn_fill)(ct__rnn_kernels *k);
void CT__ISA_NAME(ct__rnn_fill)(ct__rnn_kernels *k) {
    *k = (ct__rnn_kernels){.lstm = lstm, .lstm_backward = lstm_backward, .gru = gru, .gru_backward = gru_backward};
}
