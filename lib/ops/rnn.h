/*
 * rnn.h: one layer of a recurrent network in one direction, which op_rnn.c builds all of them from.
 *
 * Sequences are packed, as in torch: data [S, I] holds the first elements of all sequences, then the second ones, ...; step t has batch_sizes[t] rows, which
 * never grow, so that row b is always the same sequence. Sequences of one length are the case where all batch sizes are equal.
 */
#ifndef CT__RNN_H
#define CT__RNN_H

#include "ops/op.h"

typedef enum ct__rnn_kind { CT__RNN_TANH, CT__RNN_RELU, CT__RNN_LSTM, CT__RNN_GRU } ct__rnn_kind;

/* Optional ones are NULL: c0 but for LSTM, biases, w_hr (the projection of an LSTM). */
typedef struct ct__rnn_weights {
    ct_tensor *w_ih, *w_hh, *b_ih, *b_hh, *w_hr;
} ct__rnn_weights;

typedef struct ct__rnn_steps {
    int64_t n;
    const int64_t *batch_sizes; /* [n] */
    int64_t total;              /* their sum */
    bool reverse;               /* from the last element of each sequence to the first */
} ct__rnn_steps;

/* Gates per hidden unit. */
CT__INLINE int64_t ct__rnn_gates(ct__rnn_kind kind) { return kind == CT__RNN_LSTM ? 4 : kind == CT__RNN_GRU ? 3 : 1; }

/*
 * x [S, I], h [B, P], c [B, H] -> out[0] [S, P], out[1] the last h [B, P], out[2] the last c [B, H] (LSTM). Everything has been checked.
 * Scope-held, recorded; false with an error pending. op: whose name nodes and messages bear.
 */
bool ct__rnn_layer(int op, ct__rnn_kind kind, const ct__rnn_steps *steps, ct_tensor *x, ct_tensor *h, ct_tensor *c, const ct__rnn_weights *w,
                   ct_tensor **out);

#endif
