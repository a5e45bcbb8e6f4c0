/*
 * rnn_steps.h: what the steps of one layer in one direction compute, on dense memory: op_rnn_layer.c brings the memory.
 */
#ifndef CT__RNN_STEPS_H
#define CT__RNN_STEPS_H

#include "ops/rnn.h"

/* The inputs of a layer's node. */
enum { CT__RNN_X, CT__RNN_H0, CT__RNN_C0, CT__RNN_W_IH, CT__RNN_W_HH, CT__RNN_B_IH, CT__RNN_B_HH, CT__RNN_W_HR, CT__RNN_INPUTS };

typedef struct ct__rnn_sizes {
    ct__rnn_kind kind;
    ct_dtype dtype;
    ct__rnn_steps steps;  /* S = steps.total rows */
    int64_t b, in, h, p;  /* batch, input, hidden, projected (= h without) */
} ct__rnn_sizes;

/* Rows of gates that are worked on at a time: at most this many where not all are kept. */
int64_t ct__rnn_block_rows(const ct__rnn_sizes *c);

/* Threads that add up gradients of biases, each in a slot. */
int64_t ct__rnn_slots(const ct__rnn_sizes *c);

/* NULL for what is not there. G: gates per hidden unit. */
typedef struct ct__rnn_operands {
    const char *in[CT__RNN_INPUTS];
    char *gates;          /* [S, G H], or one block's; backward: as forward left them */
    bool keeps;           /* gates has room for all */
    char *extra;          /* [S, H]; LSTM: c before each step, GRU: the state's part of n */
    char *bias;           /* forward: [G H], scratch for what is added to the input's product */
    char *state, *cell;   /* forward: [B, P], [B, H]; h0 and c0 in, the last ones out */
    char *out;            /* [S, P] */
    char *scratch;        /* forward; GRU: [B, 3 H], projection: [B, H] */
    char *before;         /* backward, sequences of several lengths: h before each step [S, P] */
} ct__rnn_operands;

/* What backward works with. d of an input that is NULL is not computed. */
typedef struct ct__rnn_gradients {
    const char *dout;             /* [S, P] or NULL */
    char *d[CT__RNN_INPUTS];      /* of H0 and C0, [B, P] and [B, H]: needed, they hold the gradients of the last states at the beginning */
    double *bias_ih, *bias_hh;    /* [slots, G H] zeros: scratch for d of the biases */
    char *dgates, *dgh;           /* a block's [rows, G H]; dgh: GRU's of the state's product, else the same memory */
    char *dhidden;                /* with a projection: [B, H] */
    char *projected, *hidden;     /* with a projection, a block's: gradients of the outputs [rows, P], what was projected [rows, H] */
} ct__rnn_gradients;

/* May fail for lack of memory: an error is then pending. */
void ct__rnn_forward(const ct__rnn_sizes *c, const ct__rnn_operands *o);
void ct__rnn_backward(const ct__rnn_sizes *c, const ct__rnn_operands *o, const ct__rnn_gradients *g);

/* h before each step into before [S, P]: the outputs, moved on by one step. state: a copy of h0. */
void ct__rnn_states_before(const ct__rnn_sizes *c, const char *out, char *state, char *before);

/* Step number k in the order of processing: its index, its first row in S, its rows. */
typedef struct ct__rnn_step { int64_t t, at, rows; } ct__rnn_step;
ct__rnn_step ct__rnn_first_step(const ct__rnn_steps *s);
ct__rnn_step ct__rnn_move(const ct__rnn_steps *s, ct__rnn_step k, bool forward);

#endif
