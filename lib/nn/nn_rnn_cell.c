/*
 * nn_rnn_cell.c: RNNCell, LSTMCell, GRUCell: parameters for the cells of ops_rnn.h. Inputs of forward: x, h, for an LSTM c; outputs h', c'.
 */
#include "nn/module_impl.h"
#include "ops/layout.h"

#include <ctorch/nn_init.h>
#include <ctorch/nn_rnn.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_rnn.h>

#include <math.h>
#include <stdio.h>

typedef struct kind {
    const char *function; /* that makes it */
    int64_t gates;
    int n_states;
} kind;
static const kind rnn_kind = {"ct_nn_rnn_cell", 1, 1}, lstm_kind = {"ct_nn_lstm_cell", 4, 2}, gru_kind = {"ct_nn_gru_cell", 3, 1};

typedef struct cell {
    const kind *kind;
    ct_rnn_nonlinearity nonlinearity;
    int64_t input_size, hidden_size;
    bool bias;
    ct_dtype dtype;
} cell;

static ct_status init(ct_module *m, const void *arg) {
    cell *s = ct_module_state(m);
    *s = *(const cell *)arg;
    int64_t rows;
    if (s->input_size < 0 || s->hidden_size < 0 || !ct__mul_i64(s->hidden_size, s->kind->gates, &rows))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: input_size is %lld, hidden_size %lld", s->kind->function, (long long)s->input_size,
                        (long long)s->hidden_size);
    if (s->nonlinearity != CT_RNN_TANH && s->nonlinearity != CT_RNN_RELU)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown nonlinearity %d", s->kind->function, (int)s->nonlinearity);
    CT__TRY(ct_module_register_parameter(m, "weight_ih", ct_empty(CT_SHAPE(rows, s->input_size), s->dtype)));
    CT__TRY(ct_module_register_parameter(m, "weight_hh", ct_empty(CT_SHAPE(rows, s->hidden_size), s->dtype)));
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "bias_ih", ct_empty(CT_SHAPE(rows), s->dtype)));
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "bias_hh", ct_empty(CT_SHAPE(rows), s->dtype)));
    const double bound = s->hidden_size > 0 ? 1 / sqrt((double)s->hidden_size) : 0;
    for (int64_t i = 0; i < m->entries.size; i++) CT__TRY(ct_init_uniform_(ct__entry_at(m, i), -bound, bound, NULL));
    return CT_OK;
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const cell *s = ct_module_state(m);
    return snprintf(buffer, size, "%lld, %lld%s%s", (long long)s->input_size, (long long)s->hidden_size, s->bias ? "" : ", bias=False",
                    s->nonlinearity == CT_RNN_RELU ? ", nonlinearity=relu" : "");
}

static ct_status check_input(const ct_module *m, int n_in, ct_tensor *const *in) {
    const cell *s = ct_module_state(m);
    ct__shape_text a;
    CT__TRY(ct__check_inputs(m, in, n_in, 1, s->kind->n_states + 1));
    const ct_tensor *x = in[0];
    if ((x->ndim == 1 || x->ndim == 2) && x->sizes[x->ndim - 1] == s->input_size) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: input %s must be [B, %lld] or [%lld]", s->kind->function, CT__SIZES(&a, x), (long long)s->input_size,
                    (long long)s->input_size);
}

static ct_tensor *zeros(const cell *s, const ct_tensor *x) {
    const int64_t sizes[] = {x->sizes[0], s->hidden_size};
    return x->ndim == 2 ? ct_zeros(sizes, 2, (ct_dtype)x->dtype) : ct_zeros(sizes + 1, 1, (ct_dtype)x->dtype);
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    const cell *s = ct_module_state(m);
    CT__TRY(check_input(m, n_in, in));
    ct_tensor *x = in[0], *h = n_in > 1 && in[1] ? in[1] : zeros(s, x);
    ct_tensor *w_ih = ct__entry_at(m, 0), *w_hh = ct__entry_at(m, 1), *b_ih = s->bias ? ct__entry_at(m, 2) : NULL, *b_hh = s->bias ? ct__entry_at(m, 3) : NULL;
    if (s->kind == &lstm_kind) {
        ct_tensor *c = n_in > 2 && in[2] ? in[2] : zeros(s, x);
        out[0] = ct_lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh, n_out > 1 ? &out[1] : NULL);
    } else if (s->kind == &gru_kind) {
        out[0] = ct_gru_cell(x, h, w_ih, w_hh, b_ih, b_hh);
    } else {
        out[0] = (s->nonlinearity == CT_RNN_TANH ? ct_rnn_tanh_cell : ct_rnn_relu_cell)(x, h, w_ih, w_hh, b_ih, b_hh);
    }
    return ct__pending();
}

#define CELL_CLASS(python) {.name = python, .state_size = sizeof(cell), .init = init, .forward = forward, .describe = describe}
static const ct_module_class rnn_class = CELL_CLASS("RNNCell"), lstm_class = CELL_CLASS("LSTMCell"), gru_class = CELL_CLASS("GRUCell");

#define COMMON(k) .kind = (k), .input_size = input_size, .hidden_size = hidden_size, .bias = !o.no_bias, .dtype = o.dtype ? o.dtype : CT_F32

ct_module *ct_nn_rnn_cell(int64_t input_size, int64_t hidden_size, const ct_nn_rnn_cell_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_rnn_cell", options));
    const ct_nn_rnn_cell_options o = options ? *options : (ct_nn_rnn_cell_options){.no_bias = false};
    return ct_module_new(&rnn_class, &(cell){COMMON(&rnn_kind), .nonlinearity = o.nonlinearity});
}

ct_module *ct_nn_lstm_cell(int64_t input_size, int64_t hidden_size, const ct_nn_lstm_cell_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_lstm_cell", options));
    const ct_nn_lstm_cell_options o = options ? *options : (ct_nn_lstm_cell_options){.no_bias = false};
    return ct_module_new(&lstm_class, &(cell){COMMON(&lstm_kind)});
}

ct_module *ct_nn_gru_cell(int64_t input_size, int64_t hidden_size, const ct_nn_gru_cell_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_gru_cell", options));
    const ct_nn_gru_cell_options o = options ? *options : (ct_nn_gru_cell_options){.no_bias = false};
    return ct_module_new(&gru_class, &(cell){COMMON(&gru_kind)});
}

/* ---- Typed calls ---- */

ct_tensor *ct_nn_rnn_cell_forward(ct_module *m, ct_tensor *input, ct_tensor *h) {
    ct_tensor *out = NULL;
    ct__forward_as("ct_nn_rnn_cell_forward", &rnn_class, m, (ct_tensor *[]){input, h}, 2, &out, 1);
    return out;
}

ct_tensor *ct_nn_lstm_cell_forward(ct_module *m, ct_tensor *input, ct_tensor *h, ct_tensor *c, ct_tensor **c_out) {
    ct_tensor *out[2] = {NULL, NULL};
    ct__forward_as("ct_nn_lstm_cell_forward", &lstm_class, m, (ct_tensor *[]){input, h, c}, 3, out, c_out ? 2 : 1);
    if (c_out) *c_out = out[1];
    return out[0];
}

ct_tensor *ct_nn_gru_cell_forward(ct_module *m, ct_tensor *input, ct_tensor *h) {
    ct_tensor *out = NULL;
    ct__forward_as("ct_nn_gru_cell_forward", &gru_class, m, (ct_tensor *[]){input, h}, 2, &out, 1);
    return out;
}
