/*
 * op_rnn_layer.c: one layer of a recurrent network in one direction: memory, the node, and the gradients. rnn_steps.c computes.
 *
 * The node keeps the gates as the cell left them and what the cell needs besides (c before each step, or the state's part of n); h before each step is rebuilt
 * from the outputs. While backward is recorded, the gradients are those of a twin of public ops.
 */
#include "base/denormal.h"
#include "base/vec.h"
#include "ops/layout.h"
#include "ops/rnn_steps.h"
#include "ops/twin.h"

#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* The node's inputs, and its first saved slots. */
enum { X = CT__RNN_X, H0, C0, W_IH, W_HH, B_IH, B_HH, W_HR, N_INPUTS, OUTPUT = N_INPUTS, GATES, EXTRA, N_SAVED };

typedef ct__rnn_sizes sizes;

typedef struct layer_ctx {
    sizes sizes;
    int64_t *batch_sizes; /* owned: those of sizes.steps */
} layer_ctx;

static void layer_destroy(void *ctx) { ct__free(((layer_ctx *)ctx)->batch_sizes); }

/* ---- Backward, fused ---- */

static ct_tensor *matrix(int64_t m, int64_t n, ct_dtype d) { return ct__scope_give(ct__new("backward", (int64_t[]){m, n}, 2, d)); }

/* A copy of t, or zeros: [m, n], scope-held. */
static ct_tensor *copied(ct_tensor *t, int64_t m, int64_t n, ct_dtype d) {
    ct_tensor *out = t ? ct__new("backward", (int64_t[]){m, n}, 2, d) : ct__new_zeros("backward", (int64_t[]){m, n}, 2, d);
    if (out && t) ct__copy_raw(out, t);
    return ct__scope_give(out);
}

static char *ptr(ct_tensor *t) { return t ? ct__ptr(t) : NULL; }

/* Sequences of one length: the state before a step is the output of the one before it, or h0. */
static bool is_even(const sizes *c) { return c->steps.total == c->steps.n * c->b; }

static double *sums(const sizes *c) {
    const int64_t shape[] = {ct__rnn_slots(c), ct__rnn_gates(c->kind) * c->h};
    return (double *)(void *)ptr(ct__scope_give(ct__new_zeros("backward", shape, 2, CT_F64)));
}

/* The gradients that weights and input want: gin of them, zeros for what is added up, and sums for the biases. */
static void wanted(const ct__node *n, const sizes *c, ct__rnn_gradients *g, ct_tensor **gin) {
    const int64_t width = ct__rnn_gates(c->kind) * c->h;
    const int64_t shape[N_INPUTS][2] = {[X] = {c->steps.total, c->in}, [W_IH] = {width, c->in}, [W_HH] = {width, c->p}, [B_IH] = {width}, [B_HH] = {width}, [W_HR] = {c->p, c->h}};
    for (int i = 0; i < N_INPUTS; i++) {
        const bool vector = i == B_IH || i == B_HH;
        if (i == H0 || i == C0 || !ct__needs(n, i)) continue;
        gin[i] = i == X ? matrix(shape[i][0], shape[i][1], c->dtype) : ct__scope_give(ct__new_zeros("backward", shape[i], vector ? 1 : 2, c->dtype));
        g->d[i] = ptr(gin[i]);
    }
    const bool apart = c->kind == CT__RNN_GRU; /* else both biases have the same gradient */
    if (ct__needs(n, B_IH) || (ct__needs(n, B_HH) && !apart)) g->bias_ih = sums(c);
    if (ct__needs(n, B_HH) && apart) g->bias_hh = sums(c);
}

static void fused(ct__node *n, const sizes *c, ct_tensor *const *saved, ct_tensor *const *gout, ct_tensor **gin) {
    const ct_dtype d = c->dtype;
    const int64_t rows = ct__rnn_block_rows(c), width = ct__rnn_gates(c->kind) * c->h;
    ct__rnn_operands o = {.gates = ptr(saved[GATES]), .keeps = true, .extra = ptr(saved[EXTRA]), .out = ptr(saved[OUTPUT])};
    for (int i = 0; i < N_INPUTS; i++) o.in[i] = ptr(saved[i]);
    ct_tensor *dgates = matrix(rows, width, d), *dgh = c->kind == CT__RNN_GRU ? matrix(rows, width, d) : dgates;
    ct_tensor *dh = copied(gout[1], c->b, c->p, d), *dc = c->kind == CT__RNN_LSTM ? copied(gout[2], c->b, c->h, d) : NULL;
    ct__rnn_gradients g = {.dout = gout[0] ? ptr(ct__scope_give(ct__dense("backward", gout[0]))) : NULL, .dgates = ptr(dgates), .dgh = ptr(dgh)};
    wanted(n, c, &g, gin);
    g.d[H0] = ptr(dh), g.d[C0] = ptr(dc);
    if (o.in[W_HR]) {
        g.dhidden = ptr(matrix(c->b, c->h, d));
        g.projected = ptr(matrix(rows, c->p, d));
        g.hidden = ptr(matrix(rows, c->h, d));
    }
    if (!is_even(c)) {
        ct_tensor *state = copied(saved[H0], c->b, c->p, d);
        o.before = ptr(matrix(c->steps.total, c->p, d));
        if (ct__pending() == CT_OK) ct__rnn_states_before(c, o.out, ptr(state), o.before);
    }
    if (ct__pending() != CT_OK) return;
    ct__rnn_backward(c, &o, &g);
    if (ct__needs(n, H0)) gin[H0] = dh;
    if (ct__needs(n, C0)) gin[C0] = dc;
}

/* ---- Backward, composed ---- */

static ct_tensor *gate(ct_tensor *gates, int64_t i, int64_t h) { return ct_narrow(gates, 1, i * h, h); }

/* One step of public ops: the new state of its rows; *cell likewise. */
static ct_tensor *twin_step(const sizes *c, ct_tensor *const *in, ct_tensor *gx, ct_tensor *state, ct_tensor **cell) {
    ct_tensor *gh = ct_linear(state, in[W_HH], in[B_HH]);
    if (c->kind == CT__RNN_TANH) return ct_tanh(ct_add(gx, gh));
    if (c->kind == CT__RNN_RELU) return ct_relu(ct_add(gx, gh));
    if (c->kind == CT__RNN_GRU) {
        ct_tensor *r = ct_sigmoid(ct_add(gate(gx, 0, c->h), gate(gh, 0, c->h))), *z = ct_sigmoid(ct_add(gate(gx, 1, c->h), gate(gh, 1, c->h)));
        ct_tensor *n = ct_tanh(ct_add(gate(gx, 2, c->h), ct_mul(r, gate(gh, 2, c->h))));
        return ct_add(n, ct_mul(z, ct_sub(state, n)));
    }
    ct_tensor *all = ct_add(gx, gh);
    ct_tensor *i = ct_sigmoid(gate(all, 0, c->h)), *f = ct_sigmoid(gate(all, 1, c->h)), *g = ct_tanh(gate(all, 2, c->h)), *o = ct_sigmoid(gate(all, 3, c->h));
    *cell = ct_add(ct_mul(f, *cell), ct_mul(i, g));
    ct_tensor *out = ct_mul(o, ct_tanh(*cell));
    return in[W_HR] ? ct_linear(out, in[W_HR], NULL) : out;
}

/* all, with its first rows replaced. */
static ct_tensor *replaced(ct_tensor *all, ct_tensor *rows) {
    int64_t n = ct_size(rows, 0), rest = ct_size(all, 0) - n;
    return rest ? ct_cat(CT_TENSORS(rows, ct_narrow(all, 0, n, rest)), 0) : rows;
}

static void twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    const sizes *c = &((const layer_ctx *)ctx)->sizes;
    ct_tensor **parts = ct__alloc_zero((size_t)c->steps.n * sizeof *parts);
    ct_tensor *gx = ct_linear(in[X], in[W_IH], in[B_IH]), *state = in[H0], *cell = in[C0];
    if (!parts) return;
    ct__rnn_step k = ct__rnn_first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n && ct__pending() == CT_OK; i++, k = ct__rnn_move(&c->steps, k, true)) {
        ct_tensor *rows_c = cell ? ct_narrow(cell, 0, 0, k.rows) : NULL;
        parts[k.t] = twin_step(c, in, ct_narrow(gx, 0, k.at, k.rows), ct_narrow(state, 0, 0, k.rows), &rows_c);
        if (!parts[k.t]) break;
        state = replaced(state, parts[k.t]);
        if (cell) cell = replaced(cell, rows_c);
    }
    if (ct__pending() == CT_OK) {
        out[0] = ct_cat(parts, c->steps.n, 0);
        out[1] = state;
        out[2] = cell;
    }
    ct__free(parts);
}

static void layer_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const layer_ctx *c = ct__ctx(n);
    ct_tensor *saved[N_SAVED], *const *gout = g;
    for (int i = 0; i < N_SAVED; i++) saved[i] = ct__saved(n, i);
    if (ct__pending() != CT_OK) return;
    if (ct__grad_mode()) {
        ct__twin_backward(n, twin, c, saved, N_INPUTS, gout, n->n_out, gin);
        return;
    }
    for (int i = 0; i < N_INPUTS; i++)
        if (saved[i]) saved[i] = ct__scope_give(ct__dense("backward", saved[i]));
    if (ct__pending() != CT_OK) return;
    const bool before = ct__flush_denormals(true);
    fused(n, &c->sizes, saved, gout, gin);
    ct__flush_denormals(before);
}

#define LAYER_CLASS(name) \
    {.op = CT__OP_##name, .backward = layer_backward, .ctx_size = sizeof(layer_ctx), .ctx_destroy = layer_destroy, .n_saved = N_SAVED}
static const ct__node_class classes[] = {LAYER_CLASS(rnn_tanh),      LAYER_CLASS(rnn_relu),      LAYER_CLASS(lstm),      LAYER_CLASS(gru),
                                         LAYER_CLASS(rnn_tanh_cell), LAYER_CLASS(rnn_relu_cell), LAYER_CLASS(lstm_cell), LAYER_CLASS(gru_cell)};

static const ct__node_class *class_of(int op) {
    for (size_t i = 0; i < CT__COUNT(classes); i++)
        if (classes[i].op == op) return &classes[i];
    return NULL;
}

/* ---- The op ---- */

/* Dense inputs, and memory for what the run needs; false with an error pending. Everything in t is a reference. */
typedef struct memory {
    ct_tensor *in[N_INPUTS], *gates, *extra, *bias, *scratch, *out, *state, *cell;
} memory;

static ct_tensor *buffer(const char *function, int64_t m, int64_t n, ct_dtype d) { return ct__new(function, (int64_t[]){m, n}, 2, d); }

static ct_tensor *copy_of(const char *function, const ct_tensor *t) {
    ct_tensor *out = ct__new(function, t->sizes, t->ndim, (ct_dtype)t->dtype);
    if (out) ct__copy_raw(out, t);
    return out;
}

static bool take_memory(const char *function, const sizes *c, ct_tensor *const *in, bool records, memory *m) {
    const int64_t s = c->steps.total, width = ct__rnn_gates(c->kind) * c->h;
    for (int i = 0; i < N_INPUTS; i++)
        if (in[i] && i != H0 && i != C0) m->in[i] = ct__dense(function, in[i]);
    m->gates = buffer(function, records ? s : ct__rnn_block_rows(c), width, c->dtype);
    m->out = buffer(function, s, c->p, c->dtype);
    m->state = copy_of(function, in[H0]);
    if (in[C0]) m->cell = copy_of(function, in[C0]);
    if (in[B_IH]) m->bias = buffer(function, 1, width, c->dtype);
    if (records && (c->kind == CT__RNN_LSTM || c->kind == CT__RNN_GRU)) m->extra = buffer(function, s, c->h, c->dtype);
    if (c->kind == CT__RNN_GRU) m->scratch = buffer(function, c->b, width, c->dtype);
    if (in[W_HR]) m->scratch = buffer(function, c->b, c->h, c->dtype);
    return ct__pending() == CT_OK;
}

static void give_memory(memory *m) {
    for (int i = 0; i < N_INPUTS; i++) ct__unref(m->in[i]);
    ct__unref(m->gates);
    ct__unref(m->extra);
    ct__unref(m->bias);
    ct__unref(m->scratch);
}

static sizes sizes_of(ct__rnn_kind kind, const ct__rnn_steps *steps, ct_tensor *const *in) {
    return (sizes){.kind = kind, .steps = *steps, .dtype = (ct_dtype)in[X]->dtype, .b = in[H0]->sizes[0], .in = in[X]->sizes[1],
                       .h = in[W_IH]->sizes[0] / ct__rnn_gates(kind), .p = in[H0]->sizes[1]};
}

static ct__node *record(int op, const sizes *c, ct_tensor *const *in) {
    ct__node *n = ct__node_new(class_of(op), in, N_INPUTS, c->kind == CT__RNN_LSTM ? 3 : 2);
    if (!n) return NULL;
    layer_ctx *kept = ct__ctx(n);
    kept->sizes = *c;
    kept->batch_sizes = ct__alloc_array((size_t)ct__max_i64(c->steps.n, 1), sizeof *kept->batch_sizes);
    kept->sizes.steps.batch_sizes = kept->batch_sizes;
    if (kept->batch_sizes) memcpy(kept->batch_sizes, c->steps.batch_sizes, (size_t)c->steps.n * sizeof *kept->batch_sizes);
    for (int i = 0; i < N_INPUTS; i++) ct__save(n, i, in[i]);
    return n;
}

bool ct__rnn_layer(int op, ct__rnn_kind kind, const ct__rnn_steps *steps, ct_tensor *x, ct_tensor *h, ct_tensor *c, const ct__rnn_weights *w, ct_tensor **out) {
    ct_tensor *in[N_INPUTS] = {x, h, c, w->w_ih, w->w_hh, w->b_ih, w->b_hh, w->w_hr};
    out[0] = out[1] = out[2] = NULL;
    if (ct__pending() != CT_OK) return false;
    const sizes k = sizes_of(kind, steps, in);
    memory m = {.gates = NULL};
    ct__node *n = record(op, &k, in);
    if (take_memory(ct__fn(op), &k, in, n != NULL, &m)) {
        ct__rnn_operands o = {.gates = ptr(m.gates), .keeps = n != NULL, .extra = ptr(m.extra), .bias = ptr(m.bias), .state = ptr(m.state), .cell = ptr(m.cell),
                              .out = ptr(m.out), .scratch = ptr(m.scratch)};
        for (int i = 0; i < N_INPUTS; i++) o.in[i] = ptr(m.in[i]);
        const bool before = ct__flush_denormals(true);
        ct__rnn_forward(&k, &o);
        ct__flush_denormals(before);
        ct__save_output(n, OUTPUT, m.out, 0);
        ct__save(n, GATES, m.gates);
        ct__save(n, EXTRA, m.extra);
    }
    give_memory(&m);
    out[0] = m.out, out[1] = m.state, out[2] = m.cell;
    return ct__finish_n(n, out, kind == CT__RNN_LSTM ? 3 : 2);
}
