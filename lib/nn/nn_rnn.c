/*
 * nn_rnn.c: RNN, LSTM and GRU: parameters for the functions of ops_rnn.h. The module's entries are the op's weights, in its order: for each layer and
 * direction weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, as far as there are such.
 *
 * Inputs of forward: x, h0, for an LSTM c0, and of packed sequences after them batch_sizes, sorted_indices, unsorted_indices.
 */
#include "nn/nn_packed.h"
#include "nn/nn_text.h"
#include "ops/layout.h"

#include <ctorch/nn_init.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_rnn.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>

typedef struct kind {
    const char *function; /* that makes it */
    int64_t gates;
    int n_states;
} kind;
static const kind rnn_kind = {"ct_nn_rnn", 1, 1}, lstm_kind = {"ct_nn_lstm", 4, 2}, gru_kind = {"ct_nn_gru", 3, 1};

typedef struct network {
    const kind *kind;
    ct_rnn_nonlinearity nonlinearity;
    int64_t input_size, hidden_size, num_layers, proj_size;
    bool bias, batch_first, bidirectional;
    double dropout;
    ct_dtype dtype;
} network;

static int64_t directions(const network *s) { return s->bidirectional ? 2 : 1; }
static int each(const network *s) { return 2 + (s->bias ? 2 : 0) + (s->proj_size ? 1 : 0); }
static int64_t n_weights(const network *s) { return s->num_layers * directions(s) * each(s); }

/* ---- Making ---- */

static ct_status check(const network *s) {
    const char *fn = s->kind->function;
    int64_t rows;
    if (s->input_size < 1 || s->hidden_size < 1 || !ct__mul_i64(s->hidden_size, 4, &rows))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: input_size is %lld, hidden_size %lld", fn, (long long)s->input_size, (long long)s->hidden_size);
    if (s->num_layers < 1 || s->num_layers > INT_MAX / 10) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_layers is %lld", fn, (long long)s->num_layers);
    if (!(s->dropout >= 0 && s->dropout <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dropout is %g but must be between 0 and 1", fn, s->dropout);
    if (s->proj_size < 0 || s->proj_size >= s->hidden_size)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: proj_size is %lld, but must be below hidden_size, which is %lld", fn, (long long)s->proj_size,
                        (long long)s->hidden_size);
    if (s->nonlinearity != CT_RNN_TANH && s->nonlinearity != CT_RNN_RELU)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown nonlinearity %d", fn, (int)s->nonlinearity);
    return CT_OK;
}

static ct_status add(ct_module *m, const char *what, int64_t layer, bool reverse, const int64_t *sizes, int ndim) {
    const network *s = ct_module_state(m);
    char name[64];
    snprintf(name, sizeof name, "%s_l%lld%s", what, (long long)layer, reverse ? "_reverse" : "");
    return ct_module_register_parameter(m, name, ct_empty(sizes, ndim, s->dtype));
}

static ct_status init(ct_module *m, const void *arg) {
    network *s = ct_module_state(m);
    *s = *(const network *)arg;
    CT__TRY(check(s));
    const int64_t rows = s->kind->gates * s->hidden_size, width = s->proj_size ? s->proj_size : s->hidden_size;
    for (int64_t layer = 0; layer < s->num_layers; layer++)
        for (int reverse = 0; reverse < directions(s); reverse++) {
            CT__TRY(add(m, "weight_ih", layer, reverse, CT_SHAPE(rows, layer ? width * directions(s) : s->input_size)));
            CT__TRY(add(m, "weight_hh", layer, reverse, CT_SHAPE(rows, width)));
            if (s->bias) CT__TRY(add(m, "bias_ih", layer, reverse, CT_SHAPE(rows)));
            if (s->bias) CT__TRY(add(m, "bias_hh", layer, reverse, CT_SHAPE(rows)));
            if (s->proj_size) CT__TRY(add(m, "weight_hr", layer, reverse, CT_SHAPE(width, s->hidden_size)));
        }
    const double bound = 1 / sqrt((double)s->hidden_size);
    for (int64_t i = 0; i < m->entries.size; i++) CT__TRY(ct_init_uniform_(ct__entry_at(m, i), -bound, bound, NULL));
    return CT_OK;
}

/* As RNNBase.extra_repr: what differs from the defaults. */
static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    const network *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__float_text p;
    ct__write(&w, "%lld, %lld", (long long)s->input_size, (long long)s->hidden_size);
    if (s->proj_size) ct__write(&w, ", proj_size=%lld", (long long)s->proj_size);
    if (s->num_layers != 1) ct__write(&w, ", num_layers=%lld", (long long)s->num_layers);
    if (!s->bias) ct__write(&w, ", bias=False");
    if (s->batch_first) ct__write(&w, ", batch_first=True");
    if (s->dropout != 0) ct__write(&w, ", dropout=%s", ct__float_str(&p, s->dropout));
    if (s->bidirectional) ct__write(&w, ", bidirectional=True");
    return w.length;
}

/* ---- Running ---- */

static ct_status check_input(const ct_module *m, int n_in, ct_tensor *const *in) {
    const network *s = ct_module_state(m);
    ct__shape_text a;
    CT__TRY(ct__check_inputs(m, in, n_in, 1, s->kind->n_states + 4));
    if (ct_ndim(in[0]) < 2 || ct_size(in[0], -1) == s->input_size) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: input %s has %lld features, but input_size is %lld", s->kind->function, CT__SIZES(&a, in[0]),
                    (long long)ct_size(in[0], -1), (long long)s->input_size);
}

static ct_tensor *reordered(ct_tensor *state, ct_tensor *order) { return state && order ? ct_index_select(state, 1, order) : state; }

static void run(const network *s, ct_tensor *x, ct_tensor *const *state, ct_tensor *const *weights, const ct_rnn_options *o, ct_tensor **out, int n_out) {
    const int n = (int)n_weights(s);
    ct_tensor **hn = n_out > 1 ? &out[1] : NULL, **cn = n_out > 2 ? &out[2] : NULL;
    if (s->kind == &lstm_kind) out[0] = ct_lstm(x, state[0], state[1], weights, n, o, hn, cn);
    else if (s->kind == &gru_kind) out[0] = ct_gru(x, state[0], weights, n, o, hn);
    else if (s->nonlinearity == CT_RNN_TANH) out[0] = ct_rnn_tanh(x, state[0], weights, n, o, hn);
    else out[0] = ct_rnn_relu(x, state[0], weights, n, o, hn);
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    const network *s = ct_module_state(m);
    const int states = s->kind->n_states;
    ct_tensor *state[2] = {NULL, NULL};
    CT__TRY(check_input(m, n_in, in));
    ct_tensor *const *rest = in + 1 + states; /* of a packed sequence */
    ct_packed_sequence p = {.data = in[0]};
    if (n_in > states + 1) p.batch_sizes = rest[0];
    if (n_in > states + 2) p.sorted_indices = rest[1];
    if (n_in > states + 3) p.unsorted_indices = rest[2];
    int64_t batch = 0;
    if (p.batch_sizes || p.sorted_indices || p.unsorted_indices) CT__TRY(ct__packed_sequence_check(s->kind->function, &p, &batch));
    for (int i = 0; i < states && i + 1 < n_in; i++) state[i] = reordered(in[1 + i], p.sorted_indices);
    ct_tensor **weights = ct__alloc_array((size_t)n_weights(s), sizeof *weights);
    for (int64_t i = 0; weights && i < n_weights(s); i++) weights[i] = ct__entry_at(m, i);
    const ct_rnn_options o = {.num_layers = s->num_layers, .bidirectional = s->bidirectional, .batch_first = s->batch_first && !p.batch_sizes,
                              .dropout = s->dropout, .no_training = !m->training, .batch_sizes = p.batch_sizes};
    if (weights) run(s, in[0], state, weights, &o, out, n_out);
    ct__free(weights);
    for (int i = 1; i < n_out; i++) out[i] = reordered(out[i], p.unsorted_indices);
    return ct__pending();
}

#define NETWORK_CLASS(python) {.name = python, .state_size = sizeof(network), .init = init, .forward = forward, .describe = describe}
static const ct_module_class rnn_class = NETWORK_CLASS("RNN"), lstm_class = NETWORK_CLASS("LSTM"), gru_class = NETWORK_CLASS("GRU");

#define COMMON(k)                                                                                                                                    \
    .kind = (k), .input_size = input_size, .hidden_size = hidden_size, .num_layers = o.num_layers ? o.num_layers : 1, .bias = !o.no_bias,             \
    .batch_first = o.batch_first, .bidirectional = o.bidirectional, .dropout = o.dropout, .dtype = o.dtype ? o.dtype : CT_F32

ct_module *ct_nn_rnn(int64_t input_size, int64_t hidden_size, const ct_nn_rnn_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_rnn", options));
    const ct_nn_rnn_options o = options ? *options : (ct_nn_rnn_options){.num_layers = 0};
    return ct_module_new(&rnn_class, &(network){COMMON(&rnn_kind), .nonlinearity = o.nonlinearity});
}

ct_module *ct_nn_lstm(int64_t input_size, int64_t hidden_size, const ct_nn_lstm_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_lstm", options));
    const ct_nn_lstm_options o = options ? *options : (ct_nn_lstm_options){.num_layers = 0};
    return ct_module_new(&lstm_class, &(network){COMMON(&lstm_kind), .proj_size = o.proj_size});
}

ct_module *ct_nn_gru(int64_t input_size, int64_t hidden_size, const ct_nn_gru_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_gru", options));
    const ct_nn_gru_options o = options ? *options : (ct_nn_gru_options){.num_layers = 0};
    return ct_module_new(&gru_class, &(network){COMMON(&gru_kind)});
}

/* ---- Typed calls ---- */

/* in: x, the states, and of packed sequences more. */
static ct_tensor *call(const char *function, const ct_module_class *cls, ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **hn, ct_tensor **cn) {
    ct_tensor *out[3] = {NULL, NULL, NULL};
    if (hn) *hn = NULL;
    if (cn) *cn = NULL;
    CT__TRY_NULL(ct__forward_as(function, cls, m, in, n_in, out, cn ? 3 : hn ? 2 : 1));
    if (hn) *hn = out[1];
    if (cn) *cn = out[2];
    return out[0];
}

ct_tensor *ct_nn_rnn_forward(ct_module *rnn, ct_tensor *input, ct_tensor *h0, ct_tensor **hn) {
    return call("ct_nn_rnn_forward", &rnn_class, rnn, (ct_tensor *[]){input, h0}, 2, hn, NULL);
}
ct_tensor *ct_nn_lstm_forward(ct_module *lstm, ct_tensor *input, ct_tensor *h0, ct_tensor *c0, ct_tensor **hn, ct_tensor **cn) {
    return call("ct_nn_lstm_forward", &lstm_class, lstm, (ct_tensor *[]){input, h0, c0}, 3, hn, cn);
}
ct_tensor *ct_nn_gru_forward(ct_module *gru, ct_tensor *input, ct_tensor *h0, ct_tensor **hn) {
    return call("ct_nn_gru_forward", &gru_class, gru, (ct_tensor *[]){input, h0}, 2, hn, NULL);
}

/* state: h0 and, for an LSTM, c0. */
static ct_status call_packed(const char *function, const ct_module_class *cls, ct_module *m, const ct_packed_sequence *p, ct_tensor *const *state, int n_states,
                             ct_packed_sequence *output, ct_tensor **hn, ct_tensor **cn) {
    ct_tensor *in[6];
    int64_t batch = 0;
    int n = 0;
    if (output) *output = (ct_packed_sequence){.data = NULL};
    if (ct__packed_sequence_check(function, p, &batch) == CT_OK && !output) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: nowhere to put the result: output is NULL",
                                                                                     function);
    if (ct__pending() == CT_OK) {
        in[n++] = p->data;
        for (int i = 0; i < n_states; i++) in[n++] = state[i];
        in[n++] = p->batch_sizes;
        in[n++] = p->sorted_indices;
        in[n++] = p->unsorted_indices;
    }
    ct_tensor *y = call(function, cls, m, in, n, hn, cn);
    if (!y) return ct__pending();
    *output = *p;
    output->data = y;
    return CT_OK;
}

ct_status ct_nn_rnn_forward_packed(ct_module *rnn, const ct_packed_sequence *input, ct_tensor *h0, ct_packed_sequence *output, ct_tensor **hn) {
    return call_packed("ct_nn_rnn_forward_packed", &rnn_class, rnn, input, &h0, 1, output, hn, NULL);
}
ct_status ct_nn_lstm_forward_packed(ct_module *lstm, const ct_packed_sequence *input, ct_tensor *h0, ct_tensor *c0, ct_packed_sequence *output,
                                    ct_tensor **hn, ct_tensor **cn) {
    return call_packed("ct_nn_lstm_forward_packed", &lstm_class, lstm, input, (ct_tensor *[]){h0, c0}, 2, output, hn, cn);
}
ct_status ct_nn_gru_forward_packed(ct_module *gru, const ct_packed_sequence *input, ct_tensor *h0, ct_packed_sequence *output, ct_tensor **hn) {
    return call_packed("ct_nn_gru_forward_packed", &gru_class, gru, input, &h0, 1, output, hn, NULL);
}
