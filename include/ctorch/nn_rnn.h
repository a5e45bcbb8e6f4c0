/*
 * ctorch/nn_rnn.h: RNN, LSTM and GRU, their cells, and sequences of several lengths: padded and packed. The formulas are in ops_rnn.h.
 *
 *     ct_module *lstm = ct_nn_lstm(8, 16, &(ct_nn_lstm_options){.num_layers = 2, .bidirectional = true});
 *     ct_tensor *hn, *cn, *out = ct_nn_lstm_forward(lstm, x, NULL, NULL, &hn, &cn); // x [T, B, 8] -> out [T, B, 32], hn and cn [4, B, 16]
 *     ct_tensor *only_out = ct_forward(lstm, x);                                    // with states of zeros
 *
 * Names, shapes and order of the parameters are PyTorch's, and so are the initial values, to the bit: all uniform within 1 / sqrt(hidden_size). Results are
 * held by the innermost scope; NULL (or a status) with the error pending on failure. Since 0.1.
 */
#ifndef CTORCH_NN_RNN_H
#define CTORCH_NN_RNN_H

#include <ctorch/dict.h>
#include <ctorch/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sequences of several lengths ------------------------------------------------------------------------------ */

/*
 * Sequences without padding, as torch.nn.utils.rnn.PackedSequence holds them: the first elements of all sequences, the longest sequence first, then the
 * second elements, and so on. abc, de and f are packed as adf be c, with batch_sizes 3, 2, 1.
 *
 * The tensors belong to the scope that was innermost when the sequence was packed. One made by hand needs data and batch_sizes; what it gets wrong is
 * an error of the calls that take it. What works element by element on data gives the data of another packed sequence with the same other members.
 */
typedef struct ct_packed_sequence {
    ct_tensor *data;             /* [sum of lengths, ...] */
    ct_tensor *batch_sizes;      /* int64 [T]: how many sequences have a t-th element */
    ct_tensor *sorted_indices;   /* int64 [B]: which sequence of the caller's is the i-th longest; NULL: they were in that order */
    ct_tensor *unsorted_indices; /* the way back; NULL with sorted_indices */
} ct_packed_sequence;

typedef struct ct_pack_padded_sequence_options {
    bool batch_first;       /* input is [B, T, ...] */
    bool no_enforce_sorted; /* the longest sequence need not come first: they are sorted, and what takes the packed sequence puts its results back */
    uint64_t reserved[2];
} ct_pack_padded_sequence_options;

/* input [T, B, ...] of any dtype; lengths [B], integers from 1 to T, falling unless .no_enforce_sorted. What is beyond a sequence's end is left out.
 * Gradient: to input. On failure *packed is all NULL. */
CT_API ct_status ct_pack_padded_sequence(ct_tensor *input, ct_tensor *lengths, const ct_pack_padded_sequence_options *options, ct_packed_sequence *packed);

typedef struct ct_pad_packed_sequence_options {
    bool batch_first;
    double padding_value;
    int64_t total_length; /* T of the result, at least that of the longest sequence; 0 = that */
    uint64_t reserved[2];
} ct_pad_packed_sequence_options;

/* -> [T, B, ...] with padding_value beyond the ends, the sequences in the caller's order; *lengths, unless NULL, receives int64 [B]. Gradient: to data. */
CT_API ct_tensor *ct_pad_packed_sequence(const ct_packed_sequence *packed, const ct_pad_packed_sequence_options *options, ct_tensor **lengths);

typedef struct ct_pad_sequence_options {
    bool batch_first;
    bool left; /* padding comes before the sequence: padding_side="left" */
    double padding_value;
    uint64_t reserved[2];
} ct_pad_sequence_options;

/* n sequences [L_i, ...], alike but for their lengths -> [T, n, ...] with T the longest. Gradient: to all. */
CT_API ct_tensor *ct_pad_sequence(ct_tensor *const *sequences, int64_t n, const ct_pad_sequence_options *options);

typedef struct ct_unpad_sequence_options {
    bool batch_first;
    uint64_t reserved[2];
} ct_unpad_sequence_options;

/* The sequences [L_i, ...] of padded [T, B, ...], views of it. lengths as above, in any order. */
CT_API ct_list *ct_unpad_sequence(ct_tensor *padded, ct_tensor *lengths, const ct_unpad_sequence_options *options);

typedef struct ct_pack_sequence_options {
    bool no_enforce_sorted;
    uint64_t reserved[2];
} ct_pack_sequence_options;

CT_API ct_status ct_pack_sequence(ct_tensor *const *sequences, int64_t n, const ct_pack_sequence_options *options, ct_packed_sequence *packed);
CT_API ct_list *ct_unpack_sequence(const ct_packed_sequence *packed); /* the sequences, in the caller's order */

/* ---- Networks -------------------------------------------------------------------------------------------------- */

typedef enum ct_rnn_nonlinearity { CT_RNN_TANH = 0, CT_RNN_RELU = 1, CT_RNN_NONLINEARITY_FORCE_32BIT = 0x7fffffff } ct_rnn_nonlinearity;

typedef struct ct_nn_rnn_options {
    int64_t num_layers; /* 0 = 1 */
    ct_rnn_nonlinearity nonlinearity;
    bool no_bias;
    bool batch_first;   /* input and output are [B, T, ..]; states are not */
    double dropout;     /* probability, in training, on the outputs of every layer but the last: with one layer none (PyTorch warns) */
    bool bidirectional; /* a second network reads backwards; the outputs of both stand side by side */
    ct_dtype dtype;     /* CT_DTYPE_NONE: float32 */
    uint64_t reserved[4];
} ct_nn_rnn_options;

typedef struct ct_nn_lstm_options {
    int64_t num_layers; /* 0 = 1 */
    bool no_bias, batch_first;
    double dropout;
    bool bidirectional;
    int64_t proj_size; /* P below hidden_size: outputs and h are W_hr times the usual ones. 0: none */
    ct_dtype dtype;
    uint64_t reserved[4];
} ct_nn_lstm_options;

typedef struct ct_nn_gru_options {
    int64_t num_layers; /* 0 = 1 */
    bool no_bias, batch_first;
    double dropout;
    bool bidirectional;
    ct_dtype dtype;
    uint64_t reserved[4];
} ct_nn_gru_options;

/* torch.nn.RNN, LSTM, GRU. Parameters of layer k: weight_ih_lk [G H, I], weight_hh_lk [G H, H], bias_ih_lk, bias_hh_lk [G H]; weight_hr_lk [P, H] with a
 * projection; the same with the suffix _reverse for the second direction. G is 1, 4 for LSTM, 3 for GRU; from the second layer on I is directions * H. */
CT_API ct_module *ct_nn_rnn(int64_t input_size, int64_t hidden_size, const ct_nn_rnn_options *options);
CT_API ct_module *ct_nn_lstm(int64_t input_size, int64_t hidden_size, const ct_nn_lstm_options *options);
CT_API ct_module *ct_nn_gru(int64_t input_size, int64_t hidden_size, const ct_nn_gru_options *options);

/*
 * input [T, B, I], with .batch_first [B, T, I], without a batch [T, I] -> [T, B, directions * H] or alike
 * h0, c0 [layers * directions, B, H], without a batch [layers * directions, H]; NULL: zeros. With a projection outputs and h have P elements for H
 * hn, cn: unless NULL, receive the last states, alike. Layer k's forward direction is state k * directions, the backward one comes after it
 *
 * Gradient: to input, states and weights. ct_forward_n is the general form: inputs x, h0, c0, where each after x may be NULL or left out,
 * and outputs y, hn, cn. Hooks see these.
 */
CT_API ct_tensor *ct_nn_rnn_forward(ct_module *rnn, ct_tensor *input, ct_tensor *h0, ct_tensor **hn);
CT_API ct_tensor *ct_nn_lstm_forward(ct_module *lstm, ct_tensor *input, ct_tensor *h0, ct_tensor *c0, ct_tensor **hn, ct_tensor **cn);
CT_API ct_tensor *ct_nn_gru_forward(ct_module *gru, ct_tensor *input, ct_tensor *h0, ct_tensor **hn);

/* The same with packed sequences [sum of lengths, I] -> [sum of lengths, directions * H]; last states are those at each sequence's end. States
 * are in the caller's order. batch_first plays no part. On failure *output is all NULL. (ct_forward_n: the three index tensors follow the states.) */
CT_API ct_status ct_nn_rnn_forward_packed(ct_module *rnn, const ct_packed_sequence *input, ct_tensor *h0, ct_packed_sequence *output, ct_tensor **hn);
CT_API ct_status ct_nn_lstm_forward_packed(ct_module *lstm, const ct_packed_sequence *input, ct_tensor *h0, ct_tensor *c0, ct_packed_sequence *output,
                                           ct_tensor **hn, ct_tensor **cn);
CT_API ct_status ct_nn_gru_forward_packed(ct_module *gru, const ct_packed_sequence *input, ct_tensor *h0, ct_packed_sequence *output, ct_tensor **hn);

/* ---- Cells: one step ------------------------------------------------------------------------------------------- */

typedef struct ct_nn_rnn_cell_options {
    bool no_bias;
    ct_rnn_nonlinearity nonlinearity;
    ct_dtype dtype;
    uint64_t reserved[2];
} ct_nn_rnn_cell_options;

typedef struct ct_nn_lstm_cell_options {
    bool no_bias;
    ct_dtype dtype;
    uint64_t reserved[2];
} ct_nn_lstm_cell_options;

typedef struct ct_nn_gru_cell_options {
    bool no_bias;
    ct_dtype dtype;
    uint64_t reserved[2];
} ct_nn_gru_cell_options;

/* torch.nn.RNNCell, LSTMCell, GRUCell. Parameters weight_ih [G H, I], weight_hh [G H, H], bias_ih, bias_hh [G H]. */
CT_API ct_module *ct_nn_rnn_cell(int64_t input_size, int64_t hidden_size, const ct_nn_rnn_cell_options *options);
CT_API ct_module *ct_nn_lstm_cell(int64_t input_size, int64_t hidden_size, const ct_nn_lstm_cell_options *options);
CT_API ct_module *ct_nn_gru_cell(int64_t input_size, int64_t hidden_size, const ct_nn_gru_cell_options *options);

/* input [B, I] or [I], h and c [B, H] or [H], NULL: zeros -> the new h; *c_out, unless NULL, receives the new c. */
CT_API ct_tensor *ct_nn_rnn_cell_forward(ct_module *cell, ct_tensor *input, ct_tensor *h);
CT_API ct_tensor *ct_nn_lstm_cell_forward(ct_module *cell, ct_tensor *input, ct_tensor *h, ct_tensor *c, ct_tensor **c_out);
CT_API ct_tensor *ct_nn_gru_cell_forward(ct_module *cell, ct_tensor *input, ct_tensor *h);

#ifdef __cplusplus
}
#endif
#endif
