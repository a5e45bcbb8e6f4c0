/*
 * ctorch/ops_rnn.h: recurrent networks: torch.rnn_tanh, rnn_relu, lstm, gru and their cells, as torch.nn's modules call them.
 *
 *     rnn_tanh, rnn_relu   h' = tanh or relu (W_ih x + b_ih + W_hh h + b_hh)
 *     lstm                 i, f, g, o = W_ih x + b_ih + W_hh h + b_hh;  c' = sigmoid(f) c + sigmoid(i) tanh(g);  h' = sigmoid(o) tanh(c')
 *     gru                  r, z, n = W_ih x + b_ih;  r', z', n' = W_hh h + b_hh;
 *                          n = tanh(n + sigmoid(r + r') n');  h' = n + sigmoid(z + z') (h - n)
 *
 * The input's products of all steps are one matrix product; gradients of any order flow to input, states and weights. Floating point, all of one
 * dtype; half types are computed in float32 and rounded at the end (torch rounds each step). Results are held by the innermost scope; NULL with the error
 * pending on failure. Since 0.1.
 *
 * Denormal numbers count as 0 in them, as after ct_set_flush_denormal(true), whatever the program chose: states and gradients below 1.2e-38 (f64: 2.2e-308). A gradient
 * that vanishes over a long sequence would otherwise take a hundred cycles an element to compute nothing that a weight could notice. torch keeps them.
 */
#ifndef CTORCH_OPS_RNN_H
#define CTORCH_OPS_RNN_H

#include <ctorch/random.h>
#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_rnn_options {
    int64_t num_layers; /* 0 = 1 */
    bool bidirectional;
    bool batch_first;        /* input and output are [B, T, ..] */
    double dropout;          /* probability, on the outputs of every layer but the last */
    bool no_training;        /* no dropout */
    ct_generator *generator; /* of dropout; NULL = the default one */
    /* Sequences of several lengths, in one of two ways; neither: all have T elements. */
    ct_tensor *lengths;      /* int64 [B], 1 to T each, in any order. Outputs beyond a sequence's end are 0, last states those at its end */
    ct_tensor *batch_sizes;  /* int64 [T], falling: input is [sum, I], the data of a torch PackedSequence, and so is the output */
    uint64_t reserved[4];
} ct_rnn_options;

/*
 * input [T, B, I], with .batch_first [B, T, I], without a batch [T, I], packed [sum of batch_sizes, I]
 * h0 [layers * directions, B, H], or NULL for zeros; without a batch [layers * directions, H]. hn, unless NULL, receives the last states, alike
 * -> [T, B, directions * H] or alike
 *
 * weights: for each layer, for each direction (forward, then backward) w_ih [G H, I], w_hh [G H, H] and, unless there are no biases, b_ih [G H],
 * b_hh [G H]; G is 1, 4 for LSTM, 3 for GRU. From the second layer on I is directions * H. Their number says whether there are biases.
 *
 * An LSTM may have projections (proj_size of torch.nn.LSTM): then w_hr [P, H] follows each direction's other weights, w_hh is [G H, P], and outputs and h have P
 * elements for H; c has H.
 */
CT_API ct_tensor *ct_rnn_tanh(ct_tensor *input, ct_tensor *h0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn);
CT_API ct_tensor *ct_rnn_relu(ct_tensor *input, ct_tensor *h0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn);
CT_API ct_tensor *ct_gru(ct_tensor *input, ct_tensor *h0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn);
CT_API ct_tensor *ct_lstm(ct_tensor *input, ct_tensor *h0, ct_tensor *c0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options,
                          ct_tensor **hn, ct_tensor **cn);

/* One step: input [B, I] or [I], h [B, H] or [H] -> the new h. Biases may both be NULL. ct_lstm_cell's c_out, unless NULL, receives the new c. */
CT_API ct_tensor *ct_rnn_tanh_cell(ct_tensor *input, ct_tensor *h, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh);
CT_API ct_tensor *ct_rnn_relu_cell(ct_tensor *input, ct_tensor *h, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh);
CT_API ct_tensor *ct_gru_cell(ct_tensor *input, ct_tensor *h, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh);
CT_API ct_tensor *ct_lstm_cell(ct_tensor *input, ct_tensor *h, ct_tensor *c, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh,
                               ct_tensor **c_out);

#ifdef __cplusplus
}
#endif
#endif
