/* Recurrent networks against PyTorch: see README.md. */
#include "parity/replay.h"

#define OPTIONS                                                                                                                     \
    {.num_layers = I_OR("num_layers", 0), .bidirectional = B_OR("bidirectional", false), .batch_first = B_OR("batch_first", false), \
     .lengths = OPT_T("lengths"), .batch_sizes = OPT_T("batch_sizes")}

/* torch._VF.rnn_tanh(input, h0, weights, ...): output, hn */
#define NETWORK(name)                    \
    const ct_rnn_options options = OPTIONS; \
    RESULT(name, ct_##name(T("input"), OPT_T("h0"), TENSORS("weights"), &options, OUT(1)))
CALL(rnn_tanh) { NETWORK(rnn_tanh); }
CALL(rnn_relu) { NETWORK(rnn_relu); }
CALL(gru) { NETWORK(gru); }

/* output, hn, cn */
CALL(lstm) {
    const ct_rnn_options options = OPTIONS;
    RESULT(lstm, ct_lstm(T("input"), OPT_T("h0"), OPT_T("c0"), TENSORS("weights"), &options, OUT(1), OUT(2)));
}

#define CELL(name) RESULT(name, ct_##name(T("input"), T("h"), T("w_ih"), T("w_hh"), OPT_T("b_ih"), OPT_T("b_hh")))
CALL(rnn_tanh_cell) { CELL(rnn_tanh_cell); }
CALL(rnn_relu_cell) { CELL(rnn_relu_cell); }
CALL(gru_cell) { CELL(gru_cell); }
CALL(lstm_cell) { RESULT(lstm_cell, ct_lstm_cell(T("input"), T("h"), T("c"), T("w_ih"), T("w_hh"), OPT_T("b_ih"), OPT_T("b_hh"), OUT(1))); }

PARITY_MAIN()
