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
#include "base/denormal.h"
#include "base/vec.h"
#include "kernels/blas/blas.h"
#include "kernels/kernels.h"
#include "ops/layout.h"
#include "ops/rnn.h"
#include "ops/twin.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
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

/* ---- The steps ---- */

/* Pointers to dense memory of everything; NULL for what is not there. */
typedef struct operands {
    const char *in[N_INPUTS];
    char *gates, *extra;     /* [S, G H]; LSTM: c before each step [S, H], GRU: the state's part of n */
    char *bias;              /* [G H]: what is added to the input's product */
    char *state, *cell;      /* [B, P], [B, H] */
    char *out, *scratch;     /* [S, P]; forward, GRU: [B, 3 H], projection: [B, H] */
    char *before;            /* backward, sequences of several lengths: h before each step [S, P] */
} operands;

static void sum_bias(const layer_ctx *c, const operands *o) {
    int64_t n = ct__rnn_gates(c->kind) * c->h;
    if (!o->in[B_IH]) return;
    memcpy(o->bias, o->in[B_IH], (size_t)n * ct_dtype_size(c->dtype));
    if (c->kind != CT__RNN_GRU) add(c->dtype, n, o->bias, o->in[B_HH]);
}

/*
 * The rows of a layer run by themselves: threads share them out, and meet once for all steps. Products with the state's weight, some rows by all of it, take it
 * packed (f32); without, each is one of BLAS.
 */
typedef struct weight { const char *plain; float *packed; } weight;

typedef struct gradients {
    char *dgates, *dgh;        /* [S, G H]; dgh: GRU's of the state's product, else the same memory */
    char *dh, *dc, *dhidden;   /* [B, P], [B, H]; with a projection [B, H] */
    char *projected, *hidden;  /* with a projection: gradients of the outputs [S, P], what was projected [S, H] */
    const char *dout;          /* [S, P] or NULL */
} gradients;

typedef struct pass {
    const layer_ctx *c;
    const operands *o;
    const gradients *g;    /* backward */
    weight w_hh, w_hr;     /* op(W) [k, n] of each product */
} pass;

static void times(const pass *p, const weight *w, bool transposed, int64_t rows, int64_t k, int64_t n, const void *a, bool add, void *c) {
    if (w->packed) ct__kern()->rnn.product(rows, k, n, a, w->packed, add, c);
    else product(p->c->dtype, false, transposed, rows, n, k, a, w->plain, c, add, NULL);
}

/* Rows [begin, end) of step k. */
static step part_of(step k, int64_t begin, int64_t end) { return (step){k.t, k.at + begin, ct__min_i64(k.rows, end) - begin}; }

static void gru_forward(const pass *p, step k, int64_t begin, void *gates, void *extra, void *out) {
    const layer_ctx *c = p->c;
    const ct_dtype d = c->dtype;
    char *state = row(d, p->o->state, begin, c->p), *gh = row(d, p->o->scratch, begin, 3 * c->h);
    for (int64_t i = 0; i < k.rows && p->o->in[B_HH]; i++) memcpy(row(d, gh, i, 3 * c->h), p->o->in[B_HH], (size_t)(3 * c->h) * ct_dtype_size(d));
    times(p, &p->w_hh, true, k.rows, c->h, 3 * c->h, state, p->o->in[B_HH], gh);
    ct__kern()->rnn.gru(d, k.rows, c->h, gates, gh, state, extra, out);
}

static void forward_rows(int64_t begin, int64_t end, void *arg) {
    const pass *p = arg;
    const layer_ctx *c = p->c;
    const operands *o = p->o;
    const ct_dtype d = c->dtype;
    const int64_t width = ct__rnn_gates(c->kind) * c->h;
    step all = first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, all = move(&c->steps, all, true)) {
        const step k = part_of(all, begin, end);
        if (k.rows <= 0) continue;
        char *gates = row(d, o->gates, k.at, width), *out = row(d, o->out, k.at, c->p), *state = row(d, o->state, begin, c->p);
        char *extra = o->extra ? row(d, o->extra, k.at, c->h) : NULL;
        if (c->kind == CT__RNN_GRU) {
            gru_forward(p, k, begin, gates, extra, out);
            continue;
        }
        times(p, &p->w_hh, true, k.rows, c->p, width, state, true, gates);
        if (c->kind == CT__RNN_LSTM) {
            char *hidden = o->in[W_HR] ? row(d, o->scratch, begin, c->h) : out;
            ct__kern()->rnn.lstm(d, k.rows, c->h, gates, row(d, o->cell, begin, c->h), extra, hidden);
            if (o->in[W_HR]) times(p, &p->w_hr, true, k.rows, c->h, c->p, hidden, false, out);
        } else {
            ct__kern()->nn.act(c->kind == CT__RNN_TANH ? CT__ACT_TANH : CT__ACT_RELU, d, k.rows * c->h, gates, out, 0, 0);
        }
        memcpy(state, out, (size_t)(k.rows * c->p) * ct_dtype_size(d));
    }
}

/* Of the rows of k, which is the step number i from the last. */
static const char *state_before(const layer_ctx *c, const operands *o, int64_t i, step k, int64_t begin) {
    if (o->before) return row(c->dtype, o->before, k.at, c->p);
    if (i == c->steps.n - 1) return row(c->dtype, o->in[H0], begin, c->p);
    return row(c->dtype, o->out, c->steps.reverse ? k.at + c->b : k.at - c->b, c->p);
}

static void backward_rows(int64_t begin, int64_t end, void *arg) {
    const pass *p = arg;
    const layer_ctx *c = p->c;
    const operands *o = p->o;
    const gradients *g = p->g;
    const ct_dtype d = c->dtype;
    const int64_t width = ct__rnn_gates(c->kind) * c->h;
    char *dh = row(d, g->dh, begin, c->p);
    step all = last_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, all = move(&c->steps, all, false)) {
        const step k = part_of(all, begin, end);
        if (k.rows <= 0) continue;
        char *gates = row(d, o->gates, k.at, width), *dgates = row(d, g->dgates, k.at, width), *dgh = row(d, g->dgh, k.at, width);
        char *extra = o->extra ? row(d, o->extra, k.at, c->h) : NULL, *dhidden = dh;
        if (g->dout) add(d, k.rows * c->p, dh, row(d, g->dout, k.at, c->p));
        if (o->in[W_HR]) {
            dhidden = row(d, g->dhidden, begin, c->h);
            memcpy(row(d, g->projected, k.at, c->p), dh, (size_t)(k.rows * c->p) * ct_dtype_size(d));
            times(p, &p->w_hr, false, k.rows, c->p, c->h, dh, false, dhidden);
        }
        if (c->kind == CT__RNN_GRU)
            ct__kern()->rnn.gru_backward(d, k.rows, c->h, gates, extra, state_before(c, o, i, k, begin), dh, dgates, dgh);
        else if (c->kind == CT__RNN_LSTM)
            ct__kern()->rnn.lstm_backward(d, k.rows, c->h, gates, extra, dhidden, row(d, g->dc, begin, c->h), dgates, g->hidden ? row(d, g->hidden, k.at, c->h) : NULL);
        else
            ct__kern()->nn.act_backward(c->kind == CT__RNN_TANH ? CT__ACT_TANH : CT__ACT_RELU, d, k.rows * c->h, row(d, o->out, k.at, c->h), dh, dgates, 0, 0);
        times(p, &p->w_hh, false, k.rows, width, c->p, dgh, c->kind == CT__RNN_GRU, dh);
    }
}

/*
 * Threads share the rows, at least ROWS_GRAIN each: with fewer all of a weight is read for little work. A single row of a weight beyond LARGE elements is BLAS'
 * GEMV, whose threads share the weight. So is all with one step, for which packing does not pay, and f64.
 */
enum { ROWS_GRAIN = 4, LARGE = 1 << 17 };
static bool packs(const layer_ctx *c) {
    return c->dtype == CT_F32 && c->steps.n > 1 && (c->b > 1 || ct__rnn_gates(c->kind) * c->h * c->p <= LARGE);
}

/* w [rows, cols], by which a product multiplies as it is or transposed. The memory: a reference; NULL with an error pending or for nothing. */
static ct_tensor *pack(weight *w, int64_t rows, int64_t cols, bool transposed) {
    if (!w->plain || rows == 0 || cols == 0) return NULL;
    const int64_t k = transposed ? cols : rows, n = transposed ? rows : cols, size = ct__kern()->rnn.packed_size(k, n);
    ct_tensor *t = ct__new("pack", &size, 1, CT_F32);
    if (!t) return NULL;
    w->packed = (float *)(void *)ct__ptr(t);
    ct__kern()->rnn.pack(k, n, transposed, (const float *)(const void *)w->plain, w->packed);
    return t;
}

static void run_rows(const layer_ctx *c, const operands *o, const gradients *g) {
    pass p = {.c = c, .o = o, .g = g, .w_hh = {.plain = o->in[W_HH]}, .w_hr = {.plain = o->in[W_HR]}};
    ct_tensor *hh = NULL, *hr = NULL;
    if (packs(c)) {
        hh = pack(&p.w_hh, ct__rnn_gates(c->kind) * c->h, c->p, !g);
        hr = pack(&p.w_hr, c->p, c->h, !g);
    }
    if (ct__pending() == CT_OK) ct__parallel_for(c->b, c->steps.n > 1 ? ROWS_GRAIN : ct__max_i64(c->b, 1), g ? backward_rows : forward_rows, &p);
    ct__unref(hh);
    ct__unref(hr);
}

static void run_forward(const layer_ctx *c, const operands *o) {
    const int64_t width = ct__rnn_gates(c->kind) * c->h;
    sum_bias(c, o);
    product(c->dtype, false, true, c->steps.total, width, c->in, o->in[X], o->in[W_IH], o->gates, 0, o->in[B_IH] ? o->bias : NULL);
    run_rows(c, o, NULL);
}

/* Sequences of one length: the state before a step is the output of the one before it, or h0. Else it is put together, [S, P]. */
static bool is_even(const layer_ctx *c) { return c->steps.total == c->steps.n * c->b; }

/* state: a copy of h0. */
static void states_before(const layer_ctx *c, const char *out, char *state, char *before) {
    const size_t size = ct_dtype_size(c->dtype);
    step k = first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, k = move(&c->steps, k, true)) {
        memcpy(row(c->dtype, before, k.at, c->p), state, (size_t)(k.rows * c->p) * size);
        memcpy(state, row(c->dtype, out, k.at, c->p), (size_t)(k.rows * c->p) * size);
    }
}

/* op(A) op(B) as a scope-held tensor. */
static ct_tensor *made(ct_dtype d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a, const void *b) {
    ct_tensor *t = ct__new("backward", (int64_t[]){m, n}, 2, d);
    if (t) product(d, ta, tb, m, n, k, a, b, ct__ptr(t), 0, NULL);
    return ct__scope_give(t);
}

/* dG^T H, H being the states before each step. */
static ct_tensor *state_weight_grad(const layer_ctx *c, const operands *o, const char *dgh) {
    const ct_dtype d = c->dtype;
    const int64_t width = ct__rnn_gates(c->kind) * c->h, rest = c->steps.total - c->b;
    const bool reverse = c->steps.reverse;
    if (o->before) return made(d, true, false, width, c->p, c->steps.total, dgh, o->before);
    ct_tensor *t = made(d, true, false, width, c->p, rest, row(d, dgh, reverse ? 0 : c->b, width), row(d, o->out, reverse ? c->b : 0, c->p));
    if (t) product(d, true, false, width, c->p, c->b, row(d, dgh, reverse ? rest : 0, width), o->in[H0], ct__ptr(t), 1, NULL);
    return t;
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
    const bool even = is_even(c);
    ct_tensor *before = even ? NULL : matrix(s, c->p, d), *state = even ? NULL : copied(saved[H0], c->b, c->p, d);
    ct_tensor *dout = g[0] ? ct__scope_give(ct__dense("backward", g[0])) : NULL;
    ct_tensor *dgates = matrix(s, width, d), *dgh = gru ? matrix(s, width, d) : dgates, *dh = copied(g[1], c->b, c->p, d);
    ct_tensor *dc = lstm ? copied(g[2], c->b, c->h, d) : NULL, *dhidden = o.in[W_HR] ? matrix(c->b, c->h, d) : NULL;
    ct_tensor *projected = o.in[W_HR] ? matrix(s, c->p, d) : NULL, *hidden = o.in[W_HR] ? matrix(s, c->h, d) : NULL;
    if (ct__pending() != CT_OK) return;
    o.before = ptr(before);
    if (before) states_before(c, o.out, ct__ptr(state), o.before);
    run_rows(c, &o, &(gradients){ptr(dgates), ptr(dgh), ptr(dh), ptr(dc), ptr(dhidden), ptr(projected), ptr(hidden), ptr(dout)});
    if (ct__pending() != CT_OK) return;
    if (ct__needs(n, X)) gin[X] = made(d, false, false, s, c->in, width, ptr(dgates), o.in[W_IH]);
    if (ct__needs(n, H0)) gin[H0] = dh;
    if (ct__needs(n, C0)) gin[C0] = dc;
    if (ct__needs(n, W_IH)) gin[W_IH] = made(d, true, false, width, c->in, s, ptr(dgates), o.in[X]);
    if (ct__needs(n, W_HH)) gin[W_HH] = state_weight_grad(c, &o, ptr(dgh));
    if (ct__needs(n, B_IH)) gin[B_IH] = ct_sum_dim(dgates, CT_DIMS(0), NULL);
    if (ct__needs(n, B_HH)) gin[B_HH] = gin[B_IH] && !gru ? ct_clone(gin[B_IH]) : ct_sum_dim(dgh, CT_DIMS(0), NULL);
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
    if (ct__pending() != CT_OK) return;
    const bool before = ct__flush_denormals(true);
    fused(n, c, saved, gout, gin);
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
        const bool before = ct__flush_denormals(true);
        run_forward(&k, &o);
        ct__flush_denormals(before);
        ct__save_output(n, OUTPUT, m.out, 0);
        ct__save(n, GATES, m.gates);
        ct__save(n, EXTRA, m.extra);
    }
    give_memory(&m);
    out[0] = m.out, out[1] = m.state, out[2] = m.cell;
    return ct__finish_n(n, out, kind == CT__RNN_LSTM ? 3 : 2);
}
