/* Recurrent networks and cells against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

/* torch.nn.RNN(input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False, dropout=0.0, bidirectional=False),
 * LSTM (with proj_size=0) and GRU likewise without nonlinearity */
#define COMMON                                                                                                            \
    .num_layers = I_OR("num_layers", 0), .no_bias = !B_OR("bias", true), .batch_first = B_OR("batch_first", false),      \
    .dropout = F_OR("dropout", 0), .bidirectional = B_OR("bidirectional", false), .dtype = CASE_DTYPE
#define NONLINEARITY (CHOICE("nonlinearity", "tanh", "relu") ? CT_RNN_RELU : CT_RNN_TANH)
MODULE(RNN) { return ct_nn_rnn(I("input_size"), I("hidden_size"), &(ct_nn_rnn_options){COMMON, .nonlinearity = NONLINEARITY}); }
MODULE(LSTM) { return ct_nn_lstm(I("input_size"), I("hidden_size"), &(ct_nn_lstm_options){COMMON, .proj_size = I_OR("proj_size", 0)}); }
MODULE(GRU) { return ct_nn_gru(I("input_size"), I("hidden_size"), &(ct_nn_gru_options){COMMON}); }

/* forward(input, hx=None): input may be packed, LSTM's hx are two */
#define IS_PACKED HAS("input.data")
#define STATE(i) (HAS("hx") ? replay_get_tensors(c, "hx")[i] : NULL)
static ct_packed_sequence packed(replay *c) {
    return (ct_packed_sequence){T("input.data"), T("input.batch_sizes"), OPT_T("input.sorted_indices"), OPT_T("input.unsorted_indices")};
}
FORWARD(RNN) {
    if (!IS_PACKED) {
        *OUT(0) = ct_nn_rnn_forward(module, T("input"), STATE(0), OUT(1));
        return;
    }
    ct_packed_sequence in = packed(c), out;
    ct_nn_rnn_forward_packed(module, &in, STATE(0), &out, OUT(1));
    *OUT(0) = out.data;
}
FORWARD(GRU) {
    if (!IS_PACKED) {
        *OUT(0) = ct_nn_gru_forward(module, T("input"), STATE(0), OUT(1));
        return;
    }
    ct_packed_sequence in = packed(c), out;
    ct_nn_gru_forward_packed(module, &in, STATE(0), &out, OUT(1));
    *OUT(0) = out.data;
}
FORWARD(LSTM) {
    if (!IS_PACKED) {
        *OUT(0) = ct_nn_lstm_forward(module, T("input"), STATE(0), STATE(1), OUT(1), OUT(2));
        return;
    }
    ct_packed_sequence in = packed(c), out;
    ct_nn_lstm_forward_packed(module, &in, STATE(0), STATE(1), &out, OUT(1), OUT(2));
    *OUT(0) = out.data;
}

/* torch.nn.RNNCell(input_size, hidden_size, bias=True, nonlinearity='tanh'), LSTMCell, GRUCell; forward(input, hx=None) */
MODULE(RNNCell) {
    const ct_nn_rnn_cell_options options = {.no_bias = !B_OR("bias", true), .nonlinearity = NONLINEARITY, .dtype = CASE_DTYPE};
    return ct_nn_rnn_cell(I("input_size"), I("hidden_size"), &options);
}
MODULE(LSTMCell) {
    return ct_nn_lstm_cell(I("input_size"), I("hidden_size"), &(ct_nn_lstm_cell_options){.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE});
}
MODULE(GRUCell) {
    return ct_nn_gru_cell(I("input_size"), I("hidden_size"), &(ct_nn_gru_cell_options){.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE});
}
FORWARD(RNNCell) { *OUT(0) = ct_nn_rnn_cell_forward(module, T("input"), STATE(0)); }
FORWARD(LSTMCell) { *OUT(0) = ct_nn_lstm_cell_forward(module, T("input"), STATE(0), STATE(1), OUT(1)); }
FORWARD(GRUCell) { *OUT(0) = ct_nn_gru_cell_forward(module, T("input"), STATE(0)); }

MODULES_MAIN()
