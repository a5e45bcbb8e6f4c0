/*
 * op_rnn_layer.c: one layer of a recurrent network in one direction.
 *
 *      gates of all steps   X [S, I] W_ih^T + b         one product
 *      step t               gates[t] += h W_hh^T        one product of batch_sizes[t] rows, then the cell of kern_rnn.h
 *      backward             the cells from the last step to the first, dh = dgates W_hh on the way; then one product each for
 *                           dX = dG W_ih, dW_ih = dG^T X, dW_hh = dG^T H, H being h before each step
 *
 * The states live in [B, ..] buffers of which a step uses the first rows; what remains in them at the end are the last states, in either
 * direction. The node keeps the gates as the cell left them and what the cell needs besides (c before each step, or the state's part of n);
 * h before each step is rebuilt from the outputs. While backward is recorded, the gradients are those of a twin of public ops.
 */
#include "base/vec.h"
#include "kernels/blas/blas.h"
#include "kernels/kernels.h"
#include "ops/layout.h"
#include "ops/rnn.h"
#include "ops/twin.h"

#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* The node's inputs, and its first saved slots. */
enum { X, H0, C0, W_IH, W_HH, B_IH, B_HH, W_HR, N_INPUTS, OUTPUT = N_INPUTS, GATES, EXTRA, N_SAVED };

typedef struct layer_ctx {
    ct__rnn_kind kind;
    ct__rnn_steps steps;
    int64_t *batch_sizes; /* owned */
    ct_dtype dtype;
    int64_t b, in, h, p; /* batch, input, hidden, projected (= h without) */
} layer_ctx;

static void layer_destroy(void *ctx) { ct__free(((layer_ctx *)ctx)->batch_sizes); }

/* Step number k in the order of processing: its index, its first row in S. */
typedef struct step { int64_t t, at, rows; } step;
static step first_step(const ct__rnn_steps *s) {
    return s->reverse ? (step){s->n - 1, s->total - s->batch_sizes[s->n - 1], s->batch_sizes[s->n - 1]} : (step){0, 0, s->batch_sizes[0]};
}
static step last_step(const ct__rnn_steps *s) {
    ct__rnn_steps other = *s;
    other.reverse = !s->reverse;
    return first_step(&other);
}
static step move(const ct__rnn_steps *s, step k, bool forward) {
    if (forward != s->reverse) {
        k.at += k.rows;
        k.t++;
        k.rows = k.t < s->n ? s->batch_sizes[k.t] : 0;
    } else {
        k.t--;
        k.rows = k.t >= 0 ? s->batch_sizes[k.t] : 0;
        k.at -= k.rows;
    }
    return k;
}

/* ---- Products of row-major matrices: C [m, n] = op(A) op(B) + beta C ---- */

static void product(ct_dtype dtype, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a, const void *b, void *c, double beta, const void *bias) {
    if (m == 0 || n == 0) return;
    ct__gemm(&(ct__gemm_args){.dtype = dtype, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .lda = ct__max_i64(ta ? m : k, 1),
                              .ldb = ct__max_i64(tb ? k : n, 1), .ldc = n, .a = a, .b = b, .c = c, .alpha = 1, .beta = beta, .bias = bias});
}

static void *row(ct_dtype dtype, const void *base, int64_t r, int64_t width) {
    return (char *)(uintptr_t)base + (size_t)(r * width) * ct_dtype_size(dtype);
}

static void add(ct_dtype dtype, int64_t n, void *to, const void *from) {
    if (dtype == CT_F32)
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
    else
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)from)[i];
}

/* ---- Forward ---- */

/* Pointers to dense memory of everything; NULL for what is not there. */
typedef struct operands {
    const char *in[N_INPUTS];
    char *gates, *extra;     /* [S, G H]; LSTM: c before each step [S, H], GRU: the state's part of n */
    char *bias;              /* [G H]: what is added to the input's product */
    char *state, *cell;      /* [B, P], [B, H] */
    char *out, *scratch;     /* [S, P]; GRU: [B, 3 H], projection: [B, H] */
} operands;

static void sum_bias(const layer_ctx *c, const operands *o) {
    int64_t n = ct__rnn_gates(c->kind) * c->h;
    if (!o->in[B_IH]) return;
    memcpy(o->bias, o->in[B_IH], (size_t)n * ct_dtype_size(c->dtype));
    if (c->kind != CT__RNN_GRU) add(c->dtype, n, o->bias, o->in[B_HH]);
}

static void run_forward(const layer_ctx *c, const operands *o) {
    const ct_dtype d = c->dtype;
    const int64_t width = ct__rnn_gates(c->kind) * c->h;
    const ct__kernels *kern = ct__kern();
    sum_bias(c, o);
    product(d, false, true, c->steps.total, width, c->in, o->in[X], o->in[W_IH], o->gates, 0, o->in[B_IH] ? o->bias : NULL);
    step k = first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, k = move(&c->steps, k, true)) {
        char *gates = row(d, o->gates, k.at, width), *out = row(d, o->out, k.at, c->p);
        char *extra = o->extra ? row(d, o->extra, k.at, c->h) : NULL;
        if (c->kind == CT__RNN_GRU) {
            product(d, false, true, k.rows, width, c->h, o->state, o->in[W_HH], o->scratch, 0, o->in[B_HH]);
            kern->rnn.gru(d, k.rows, c->h, gates, o->scratch, o->state, extra, out);
            continue;
        }
        product(d, false, true, k.rows, width, c->p, o->state, o->in[W_HH], gates, 1, NULL);
        if (c->kind == CT__RNN_LSTM) {
            kern->rnn.lstm(d, k.rows, c->h, gates, o->cell, extra, o->in[W_HR] ? o->scratch : out);
            if (o->in[W_HR]) product(d, false, true, k.rows, c->p, c->h, o->scratch, o->in[W_HR], out, 0, NULL);
        } else {
            kern->nn.act(c->kind == CT__RNN_TANH ? CT__ACT_TANH : CT__ACT_RELU, d, k.rows * c->h, gates, out, 0, 0);
        }
        memcpy(o->state, out, (size_t)(k.rows * c->p) * ct_dtype_size(d));
    }
}

/* ---- Backward, fused ---- */

typedef struct gradients {
    char *dgates, *dgh;        /* [S, G H]; dgh: GRU's of the state's product, else the same memory */
    char *dh, *dc, *dhidden;   /* [B, P], [B, H]; with a projection [B, H] */
    char *projected, *hidden;  /* with a projection: gradients of the outputs [S, P], what was projected [S, H] */
} gradients;

static void run_backward(const layer_ctx *c, const operands *o, const char *dout, const gradients *g) {
    const ct_dtype d = c->dtype;
    const int64_t width = ct__rnn_gates(c->kind) * c->h;
    const ct__kernels *kern = ct__kern();
    step k = last_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, k = move(&c->steps, k, false)) {
        char *gates = row(d, o->gates, k.at, width), *dgates = row(d, g->dgates, k.at, width), *dgh = row(d, g->dgh, k.at, width);
        char *extra = o->extra ? row(d, o->extra, k.at, c->h) : NULL;
        if (dout) add(d, k.rows * c->p, g->dh, row(d, dout, k.at, c->p));
        if (c->kind == CT__RNN_GRU) {
            kern->rnn.gru_backward(d, k.rows, c->h, gates, extra, row(d, o->scratch, k.at, c->h), g->dh, dgates, dgh);
            product(d, false, false, k.rows, c->h, width, dgh, o->in[W_HH], g->dh, 1, NULL);
            continue;
        }
        const char *dhidden = g->dh;
        if (o->in[W_HR]) {
            memcpy(row(d, g->projected, k.at, c->p), g->dh, (size_t)(k.rows * c->p) * ct_dtype_size(d));
            product(d, false, false, k.rows, c->h, c->p, g->dh, o->in[W_HR], g->dhidden, 0, NULL);
            dhidden = g->dhidden;
        }
        if (c->kind == CT__RNN_LSTM)
            kern->rnn.lstm_backward(d, k.rows, c->h, gates, extra, dhidden, g->dc, dgates, g->hidden ? row(d, g->hidden, k.at, c->h) : NULL);
        else
            kern->nn.act_backward(c->kind == CT__RNN_TANH ? CT__ACT_TANH : CT__ACT_RELU, d, k.rows * c->h, row(d, o->out, k.at, c->h), g->dh, dgates, 0, 0);
        product(d, false, false, k.rows, c->p, width, dgates, o->in[W_HH], g->dh, 0, NULL);
    }
}

/* h before each step into before [S, P]: the outputs, moved on by one step. state: a copy of h0. */
static void states_before(const layer_ctx *c, const char *out, char *state, char *before) {
    const size_t size = ct_dtype_size(c->dtype);
    step k = first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, k = move(&c->steps, k, true)) {
        memcpy(row(c->dtype, before, k.at, c->p), state, (size_t)(k.rows * c->p) * size);
        memcpy(state, row(c->dtype, out, k.at, c->p), (size_t)(k.rows * c->p) * size);
    }
}

static ct_tensor *column_sums(ct_dtype dtype, const char *rows, int64_t n, int64_t width) {
    ct_tensor *out = ct__new("backward", &width, 1, dtype);
    double *sum = out ? ct__alloc_array((size_t)ct__max_i64(width, 1), sizeof *sum) : NULL;
    if (sum) {
        for (int64_t j = 0; j < width; j++) sum[j] = 0;
        for (int64_t i = 0; i < n; i++) {
            if (dtype == CT_F32)
                for (int64_t j = 0; j < width; j++) sum[j] += (double)((const float *)(const void *)rows)[i * width + j];
            else
                for (int64_t j = 0; j < width; j++) sum[j] += ((const double *)(const void *)rows)[i * width + j];
        }
        for (int64_t j = 0; j < width; j++) ct__store_f64(ct__ptr(out) + (size_t)j * ct_dtype_size(dtype), dtype, sum[j]);
    }
    ct__free(sum);
    return ct__scope_give(out);
}

/* op(A) op(B) as a scope-held tensor. */
static ct_tensor *made(ct_dtype d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a, const void *b) {
    ct_tensor *t = ct__new("backward", (int64_t[]){m, n}, 2, d);
    if (t) product(d, ta, tb, m, n, k, a, b, ct__ptr(t), 0, NULL);
    return ct__scope_give(t);
}

static ct_tensor *matrix(int64_t m, int64_t n, ct_dtype d) { return ct__scope_give(ct__new("backward", (int64_t[]){m, n}, 2, d)); }

/* A copy of t, or zeros: [m, n], scope-held. */
static ct_tensor *copied(ct_tensor *t, int64_t m, int64_t n, ct_dtype d) {
    ct_tensor *out = t ? ct__new("backward", (int64_t[]){m, n}, 2, d) : ct__new_zeros("backward", (int64_t[]){m, n}, 2, d);
    if (out && t) ct__copy_raw(out, t);
    return ct__scope_give(out);
}

static char *ptr(ct_tensor *t) { return t ? ct__ptr(t) : NULL; }

static void fused(ct__node *n, const layer_ctx *c, ct_tensor *const *saved, ct_tensor *const *g, ct_tensor **gin) {
    const ct_dtype d = c->dtype;
    const int64_t s = c->steps.total, width = ct__rnn_gates(c->kind) * c->h;
    const bool lstm = c->kind == CT__RNN_LSTM, gru = c->kind == CT__RNN_GRU;
    operands o = {.gates = ptr(saved[GATES]), .extra = ptr(saved[EXTRA])};
    for (int i = 0; i < N_INPUTS; i++) o.in[i] = ptr(saved[i]);
    o.out = ptr(saved[OUTPUT]);
    ct_tensor *before = matrix(s, c->p, d), *state = copied(saved[H0], c->b, c->p, d), *dout = g[0] ? ct__scope_give(ct__dense("backward", g[0])) : NULL;
    ct_tensor *dgates = matrix(s, width, d), *dgh = gru ? matrix(s, width, d) : dgates, *dh = copied(g[1], c->b, c->p, d);
    ct_tensor *dc = lstm ? copied(g[2], c->b, c->h, d) : NULL, *dhidden = o.in[W_HR] ? matrix(c->b, c->h, d) : NULL;
    ct_tensor *projected = o.in[W_HR] ? matrix(s, c->p, d) : NULL, *hidden = o.in[W_HR] ? matrix(s, c->h, d) : NULL;
    if (ct__pending() != CT_OK) return;
    states_before(c, o.out, ct__ptr(state), ct__ptr(before));
    o.scratch = ct__ptr(before); /* GRU's cell reads it */
    run_backward(c, &o, ptr(dout), &(gradients){ptr(dgates), ptr(dgh), ptr(dh), ptr(dc), ptr(dhidden), ptr(projected), ptr(hidden)});
    if (ct__needs(n, X)) gin[X] = made(d, false, false, s, c->in, width, ptr(dgates), o.in[W_IH]);
    if (ct__needs(n, H0)) gin[H0] = dh;
    if (ct__needs(n, C0)) gin[C0] = dc;
    if (ct__needs(n, W_IH)) gin[W_IH] = made(d, true, false, width, c->in, s, ptr(dgates), o.in[X]);
    if (ct__needs(n, W_HH)) gin[W_HH] = made(d, true, false, width, c->p, s, ptr(dgh), ptr(before));
    if (ct__needs(n, B_IH)) gin[B_IH] = column_sums(d, ptr(dgates), s, width);
    if (ct__needs(n, B_HH)) gin[B_HH] = column_sums(d, ptr(dgh), s, width);
    if (ct__needs(n, W_HR)) gin[W_HR] = made(d, true, false, c->p, c->h, s, ptr(projected), ptr(hidden));
}

/* ---- Backward, composed ---- */

static ct_tensor *gate(ct_tensor *gates, int64_t i, int64_t h) { return ct_narrow(gates, 1, i * h, h); }

/* One step of public ops: the new state of its rows; *cell likewise. */
static ct_tensor *twin_step(const layer_ctx *c, ct_tensor *const *in, ct_tensor *gx, ct_tensor *state, ct_tensor **cell) {
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
    const layer_ctx *c = ctx;
    ct_tensor **parts = ct__alloc_zero((size_t)c->steps.n * sizeof *parts);
    ct_tensor *gx = ct_linear(in[X], in[W_IH], in[B_IH]), *state = in[H0], *cell = in[C0];
    if (!parts) return;
    step k = first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n && ct__pending() == CT_OK; i++, k = move(&c->steps, k, true)) {
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
    if (ct__pending() == CT_OK) fused(n, c, saved, gout, gin);
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

static bool take_memory(const char *function, const layer_ctx *c, ct_tensor *const *in, bool records, memory *m) {
    const int64_t s = c->steps.total, width = ct__rnn_gates(c->kind) * c->h;
    for (int i = 0; i < N_INPUTS; i++)
        if (in[i] && i != H0 && i != C0) m->in[i] = ct__dense(function, in[i]);
    m->gates = buffer(function, s, width, c->dtype);
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

static layer_ctx layer_of(ct__rnn_kind kind, const ct__rnn_steps *steps, ct_tensor *const *in) {
    return (layer_ctx){.kind = kind, .steps = *steps, .dtype = (ct_dtype)in[X]->dtype, .b = in[H0]->sizes[0], .in = in[X]->sizes[1],
                       .h = in[W_IH]->sizes[0] / ct__rnn_gates(kind), .p = in[H0]->sizes[1]};
}

static ct__node *record(int op, const layer_ctx *c, ct_tensor *const *in) {
    ct__node *n = ct__node_new(class_of(op), in, N_INPUTS, c->kind == CT__RNN_LSTM ? 3 : 2);
    if (!n) return NULL;
    layer_ctx *kept = ct__ctx(n);
    *kept = *c;
    kept->batch_sizes = ct__alloc_array((size_t)ct__max_i64(c->steps.n, 1), sizeof *kept->batch_sizes);
    kept->steps.batch_sizes = kept->batch_sizes;
    if (kept->batch_sizes) memcpy(kept->batch_sizes, c->steps.batch_sizes, (size_t)c->steps.n * sizeof *kept->batch_sizes);
    for (int i = 0; i < N_INPUTS; i++) ct__save(n, i, in[i]);
    return n;
}

bool ct__rnn_layer(int op, ct__rnn_kind kind, const ct__rnn_steps *steps, ct_tensor *x, ct_tensor *h, ct_tensor *c, const ct__rnn_weights *w, ct_tensor **out) {
    ct_tensor *in[N_INPUTS] = {x, h, c, w->w_ih, w->w_hh, w->b_ih, w->b_hh, w->w_hr};
    out[0] = out[1] = out[2] = NULL;
    if (ct__pending() != CT_OK) return false;
    layer_ctx k = layer_of(kind, steps, in);
    memory m = {.gates = NULL};
    ct__node *n = record(op, &k, in);
    if (take_memory(ct__fn(op), &k, in, n != NULL, &m)) {
        operands o = {.gates = ptr(m.gates), .extra = ptr(m.extra), .bias = ptr(m.bias), .state = ptr(m.state), .cell = ptr(m.cell), .out = ptr(m.out),
                      .scratch = ptr(m.scratch)};
        for (int i = 0; i < N_INPUTS; i++) o.in[i] = ptr(m.in[i]);
        run_forward(&k, &o);
        ct__save_output(n, OUTPUT, m.out, 0);
        ct__save(n, GATES, m.gates);
        ct__save(n, EXTRA, m.extra);
    }
    give_memory(&m);
    out[0] = m.out, out[1] = m.state, out[2] = m.cell;
    return ct__finish_n(n, out, kind == CT__RNN_LSTM ? 3 : 2);
}
