/*
 * rnn_steps.c: see rnn_steps.h.
 *
 * Work goes in blocks of some steps, about BLOCK rows of S, so that what one part makes is still in the cache for the next:
 *
 *      forward     step by step gates[t] = x[t] W_ih^T + b + h W_hh^T and the cell of kern_rnn.h
 *      backward    the steps from the last to the first: the cell, dh = dgates W_hh, dx[t] = dgates W_ih; then for the block's rows
 *                  dW_ih += dG^T X, dW_hh += dG^T H, H being h before each step. The biases' sums are one for each thread, added in order
 *
 * Within a block a row of the batch runs by itself: threads share the rows and meet once, not once per step. Products of some rows with a weight
 * take it packed (f32); else each is one of BLAS, and those of the input are one of all the block's rows. The states live in [B, ..] buffers of which a
 * step uses the first rows; what remains in them at the end are the last states, in either direction.
 *
 * Measured alternatives: docs/design/kernels.md.
 */
#include "ops/rnn_steps.h"

#include "kernels/blas/blas.h"
#include "kernels/kernels.h"
#include "ops/layout.h"

#include <string.h>

enum { X = CT__RNN_X, H0, C0, W_IH, W_HH, B_IH, B_HH, W_HR };
enum { BLOCK = 1024 };

typedef ct__rnn_sizes sizes;
typedef ct__rnn_operands operands;
typedef ct__rnn_gradients gradients;
typedef ct__rnn_step step;

/* ---- Steps and blocks ---- */

step ct__rnn_first_step(const ct__rnn_steps *s) {
    return s->reverse ? (step){s->n - 1, s->total - s->batch_sizes[s->n - 1], s->batch_sizes[s->n - 1]} : (step){0, 0, s->batch_sizes[0]};
}
static step last_step(const ct__rnn_steps *s) {
    ct__rnn_steps other = *s;
    other.reverse = !s->reverse;
    return ct__rnn_first_step(&other);
}
step ct__rnn_move(const ct__rnn_steps *s, step k, bool forward) {
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

/* Steps first, .. in one direction, n of them: rows [at, at + rows) of S. */
typedef struct block {
    step first;
    int64_t n, at, rows;
} block;

static block block_from(const ct__rnn_steps *s, step first, bool forward, step *next) {
    block b = {.first = first, .at = first.at};
    step k = first;
    do {
        b.n++;
        b.rows += k.rows;
        b.at = ct__min_i64(b.at, k.at);
        k = ct__rnn_move(s, k, forward);
    } while (k.rows && b.rows < BLOCK);
    *next = k;
    return b;
}

int64_t ct__rnn_block_rows(const sizes *c) { return ct__min_i64(c->steps.total, BLOCK - 1 + c->b); }

/* ---- Dense memory ---- */

static int64_t width_of(const sizes *c) { return ct__rnn_gates(c->kind) * c->h; }

/* C [m, n] = op(A) op(B) + beta C */
static void product(ct_dtype dtype, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a, const void *b, void *c, double beta, const void *bias) {
    if (m == 0 || n == 0) return;
    ct__gemm(&(ct__gemm_args){.dtype = dtype, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .lda = ct__max_i64(ta ? m : k, 1),
                              .ldb = ct__max_i64(tb ? k : n, 1), .ldc = n, .a = a, .b = b, .c = c, .alpha = 1, .beta = beta, .bias = bias});
}

static char *row(ct_dtype dtype, const void *base, int64_t r, int64_t width) {
    return (char *)(uintptr_t)base + (size_t)(r * width) * ct_dtype_size(dtype);
}

static void add(ct_dtype dtype, int64_t n, void *to, const void *from) {
    if (dtype == CT_F32)
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
    else
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)from)[i];
}

/*
 * Threads share the rows, at least ROWS_GRAIN each: with fewer all of a weight is read for little work. A single row of a weight beyond LARGE elements is BLAS'
 * GEMV, whose threads share the weight. So is all with one step, for which packing does not pay, and f64. The input's weight is packed if both together stay in
 * a second-level cache.
 */
enum { ROWS_GRAIN = 4, LARGE = 1 << 17 };
static int64_t grain(const sizes *c) { return c->steps.n > 1 ? ROWS_GRAIN : ct__max_i64(c->b, 1); }
int64_t ct__rnn_slots(const sizes *c) { return ct__parallel_count(c->b, grain(c)); }

/* ---- A block's rows ---- */

typedef struct weight { const char *plain; float *packed; } weight;

typedef struct pass {
    const sizes *c;
    const operands *o;
    const gradients *g; /* backward */
    weight w_ih, w_hh, w_hr; /* op(W) [k, n] of each product; w_ih: only if packed, else the input's products are the block's */
    block block;
    int64_t gates_at;   /* the row of S with which gates begins */
} pass;

/* C = from + A op(W): from is C itself, one row for all, or NULL. */
static void times(const pass *p, const weight *w, bool transposed, int64_t rows, int64_t k, int64_t n, const void *a, const void *from, void *c) {
    const size_t bytes = (size_t)n * ct_dtype_size(p->c->dtype);
    if (!w->packed) {
        product(p->c->dtype, false, transposed, rows, n, k, a, w->plain, c, from == c, from == c ? NULL : from);
        return;
    }
    for (int64_t i = 0; i < rows && from && from != c; i++) memcpy((char *)c + (size_t)i * bytes, from, bytes);
    ct__kern()->rnn.product(rows, k, n, a, w->packed, from != NULL, c);
}

/* Rows [begin, end) of step k. */
static step part_of(step k, int64_t begin, int64_t end) { return (step){k.t, k.at + begin, ct__min_i64(k.rows, end) - begin}; }

static void gru_forward(const pass *p, step k, int64_t begin, void *gates, void *extra, void *out) {
    const sizes *c = p->c;
    const ct_dtype d = c->dtype;
    char *state = row(d, p->o->state, begin, c->p), *gh = row(d, p->o->scratch, begin, 3 * c->h);
    times(p, &p->w_hh, true, k.rows, c->h, 3 * c->h, state, p->o->in[B_HH], gh);
    ct__kern()->rnn.gru(d, k.rows, c->h, gates, gh, state, extra, out);
}

static void forward_rows(int64_t begin, int64_t end, void *arg) {
    const pass *p = arg;
    const sizes *c = p->c;
    const operands *o = p->o;
    const ct_dtype d = c->dtype;
    step all = p->block.first;
    for (int64_t i = 0; i < p->block.n; i++, all = ct__rnn_move(&c->steps, all, true)) {
        const step k = part_of(all, begin, end);
        if (k.rows <= 0) continue;
        char *gates = row(d, o->gates, k.at - p->gates_at, width_of(c)), *out = row(d, o->out, k.at, c->p), *state = row(d, o->state, begin, c->p);
        char *extra = o->extra ? row(d, o->extra, k.at, c->h) : NULL;
        if (p->w_ih.packed) times(p, &p->w_ih, true, k.rows, c->in, width_of(c), row(d, o->in[X], k.at, c->in), o->in[B_IH] ? o->bias : NULL, gates);
        if (c->kind == CT__RNN_GRU) {
            gru_forward(p, k, begin, gates, extra, out);
            continue;
        }
        times(p, &p->w_hh, true, k.rows, c->p, width_of(c), state, gates, gates);
        if (c->kind == CT__RNN_LSTM) {
            char *hidden = o->in[W_HR] ? row(d, o->scratch, begin, c->h) : out;
            ct__kern()->rnn.lstm(d, k.rows, c->h, gates, row(d, o->cell, begin, c->h), extra, hidden);
            if (o->in[W_HR]) times(p, &p->w_hr, true, k.rows, c->h, c->p, hidden, NULL, out);
        } else {
            ct__kern()->nn.act(c->kind == CT__RNN_TANH ? CT__ACT_TANH : CT__ACT_RELU, d, k.rows * c->h, gates, out, 0, 0);
        }
        memcpy(state, out, (size_t)(k.rows * c->p) * ct_dtype_size(d));
    }
}

/* Of the rows of k. In even sequences the output of the step before it, or h0. */
static const char *state_before(const sizes *c, const operands *o, step k, int64_t begin) {
    if (o->before) return row(c->dtype, o->before, k.at, c->p);
    if (k.t == (c->steps.reverse ? c->steps.n - 1 : 0)) return row(c->dtype, o->in[H0], begin, c->p);
    return row(c->dtype, o->out, c->steps.reverse ? k.at + c->b : k.at - c->b, c->p);
}

/* sum [G H] += the rows of dg. A few rows in f32 first: half the work of converting each. */
enum { COLUMNS = 64, SHORT = 16 };
static void add_rows(const sizes *c, int64_t rows, const void *dg, double *sum) {
    const int64_t width = width_of(c);
    if (c->dtype != CT_F32) {
        for (int64_t i = 0; i < rows * width; i++) sum[i % width] += ((const double *)dg)[i];
        return;
    }
    for (int64_t i = 0; i < rows; i += SHORT)
        for (int64_t first = 0; first < width; first += COLUMNS) {
            const int64_t n = ct__min_i64(COLUMNS, width - first), last = ct__min_i64(i + SHORT, rows);
            float part[COLUMNS] = {0};
            for (int64_t r = i; r < last; r++)
                for (int64_t j = 0; j < n; j++) part[j] += ((const float *)dg)[r * width + first + j];
            for (int64_t j = 0; j < n; j++) sum[first + j] += (double)part[j];
        }
}

static void backward_rows(int64_t begin, int64_t end, void *arg) {
    const pass *p = arg;
    const sizes *c = p->c;
    const operands *o = p->o;
    const gradients *g = p->g;
    const ct_dtype d = c->dtype;
    const int64_t slot = begin / ct__parallel_chunk(c->b, grain(c)) * width_of(c);
    char *dh = row(d, g->d[H0], begin, c->p);
    step all = p->block.first;
    for (int64_t i = 0; i < p->block.n; i++, all = ct__rnn_move(&c->steps, all, false)) {
        const step k = part_of(all, begin, end);
        const int64_t at = k.at - p->block.at;
        if (k.rows <= 0) continue;
        char *gates = row(d, o->gates, k.at, width_of(c)), *dgates = row(d, g->dgates, at, width_of(c)), *dgh = row(d, g->dgh, at, width_of(c));
        char *extra = o->extra ? row(d, o->extra, k.at, c->h) : NULL, *dhidden = dh;
        if (g->dout) add(d, k.rows * c->p, dh, row(d, g->dout, k.at, c->p));
        if (o->in[W_HR]) {
            dhidden = row(d, g->dhidden, begin, c->h);
            memcpy(row(d, g->projected, at, c->p), dh, (size_t)(k.rows * c->p) * ct_dtype_size(d));
            times(p, &p->w_hr, false, k.rows, c->p, c->h, dh, NULL, dhidden);
        }
        if (c->kind == CT__RNN_GRU)
            ct__kern()->rnn.gru_backward(d, k.rows, c->h, gates, extra, state_before(c, o, k, begin), dh, dgates, dgh);
        else if (c->kind == CT__RNN_LSTM)
            ct__kern()->rnn.lstm_backward(d, k.rows, c->h, gates, extra, dhidden, row(d, g->d[C0], begin, c->h), dgates, g->hidden ? row(d, g->hidden, at, c->h) : NULL);
        else
            ct__kern()->nn.act_backward(c->kind == CT__RNN_TANH ? CT__ACT_TANH : CT__ACT_RELU, d, k.rows * c->h, row(d, o->out, k.at, c->h), dh, dgates, 0, 0);
        times(p, &p->w_hh, false, k.rows, width_of(c), c->p, dgh, c->kind == CT__RNN_GRU ? dh : NULL, dh);
        if (g->bias_ih) add_rows(c, k.rows, dgates, g->bias_ih + slot);
        if (g->bias_hh) add_rows(c, k.rows, dgh, g->bias_hh + slot);
        if (g->d[X] && p->w_ih.packed) times(p, &p->w_ih, false, k.rows, width_of(c), c->in, dgates, NULL, row(d, g->d[X], k.at, c->in));
    }
}

/* ---- A block's gradients of weights ---- */

/* dW_hh += dG^T H, H being the states before each step. In even sequences these lie in out, one step off, but for the first step's. */
static void add_state_weight(const pass *p) {
    const sizes *c = p->c;
    const operands *o = p->o;
    const ct_dtype d = c->dtype;
    const int64_t width = width_of(c), rows = p->block.rows, at = p->block.at;
    char *dgh = p->g->dgh, *dw = p->g->d[W_HH];
    if (o->before) {
        product(d, true, false, width, c->p, rows, dgh, row(d, o->before, at, c->p), dw, 1, NULL);
        return;
    }
    const bool reverse = c->steps.reverse, has_first = reverse ? at + rows == c->steps.total : at == 0;
    const int64_t rest = has_first ? rows - c->b : rows, skip = has_first && !reverse ? c->b : 0;
    if (has_first) product(d, true, false, width, c->p, c->b, row(d, dgh, reverse ? rest : 0, width), o->in[H0], dw, 1, NULL);
    if (rest) product(d, true, false, width, c->p, rest, row(d, dgh, skip, width), row(d, o->out, at + skip + (reverse ? c->b : -c->b), c->p), dw, 1, NULL);
}

static void block_gradients(const pass *p) {
    const sizes *c = p->c;
    const gradients *g = p->g;
    const ct_dtype d = c->dtype;
    const int64_t width = width_of(c), rows = p->block.rows, at = p->block.at;
    const char *const *in = p->o->in;
    if (g->d[X] && !p->w_ih.packed) product(d, false, false, rows, c->in, width, g->dgates, in[W_IH], row(d, g->d[X], at, c->in), 0, NULL);
    if (g->d[W_IH]) product(d, true, false, width, c->in, rows, g->dgates, row(d, in[X], at, c->in), g->d[W_IH], 1, NULL);
    if (g->d[W_HH]) add_state_weight(p);
    if (g->d[W_HR]) product(d, true, false, c->p, c->h, rows, g->projected, g->hidden, g->d[W_HR], 1, NULL);
}

/* ---- All blocks ---- */

static bool packs(const sizes *c) {
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

static void run_blocks(pass *p) {
    const sizes *c = p->c;
    const operands *o = p->o;
    const bool forward = !p->g;
    for (step next = forward ? ct__rnn_first_step(&c->steps) : last_step(&c->steps); next.rows;) {
        p->block = block_from(&c->steps, next, forward, &next);
        const int64_t at = p->block.at;
        p->gates_at = o->keeps ? 0 : at;
        if (forward && !p->w_ih.packed)
            product(c->dtype, false, true, p->block.rows, width_of(c), c->in, row(c->dtype, o->in[X], at, c->in), o->in[W_IH],
                    row(c->dtype, o->gates, at - p->gates_at, width_of(c)), 0, o->in[B_IH] ? o->bias : NULL);
        ct__parallel_for(c->b, grain(c), forward ? forward_rows : backward_rows, p);
        if (!forward) block_gradients(p);
    }
}

static void run(const sizes *c, const operands *o, const gradients *g) {
    pass p = {.c = c, .o = o, .g = g, .w_hh = {.plain = o->in[W_HH]}, .w_hr = {.plain = o->in[W_HR]}};
    ct_tensor *ih = NULL, *hh = NULL, *hr = NULL;
    if (packs(c)) {
        if (width_of(c) * (c->in + c->p) <= LARGE) {
            p.w_ih.plain = o->in[W_IH];
            ih = pack(&p.w_ih, width_of(c), c->in, !g);
        }
        hh = pack(&p.w_hh, width_of(c), c->p, !g);
        hr = pack(&p.w_hr, c->p, c->h, !g);
    }
    if (ct__pending() == CT_OK) run_blocks(&p);
    ct__unref(ih);
    ct__unref(hh);
    ct__unref(hr);
}

void ct__rnn_forward(const sizes *c, const operands *o) {
    if (o->in[B_IH]) {
        memcpy(o->bias, o->in[B_IH], (size_t)width_of(c) * ct_dtype_size(c->dtype));
        if (c->kind != CT__RNN_GRU) add(c->dtype, width_of(c), o->bias, o->in[B_HH]);
    }
    run(c, o, NULL);
}

static void store(const sizes *c, const double *sum, char *to) {
    for (int64_t j = 0; j < width_of(c); j++) {
        double all = 0;
        for (int64_t slot = 0; slot < ct__rnn_slots(c); slot++) all += sum[slot * width_of(c) + j];
        ct__store_f64(row(c->dtype, to, j, 1), c->dtype, all);
    }
}

void ct__rnn_backward(const sizes *c, const operands *o, const gradients *g) {
    run(c, o, g);
    if (g->d[B_IH]) store(c, g->bias_ih, g->d[B_IH]);
    if (g->d[B_HH]) store(c, g->bias_hh ? g->bias_hh : g->bias_ih, g->d[B_HH]);
}

void ct__rnn_states_before(const sizes *c, const char *out, char *state, char *before) {
    const size_t size = ct_dtype_size(c->dtype);
    step k = ct__rnn_first_step(&c->steps);
    for (int64_t i = 0; i < c->steps.n; i++, k = ct__rnn_move(&c->steps, k, true)) {
        memcpy(row(c->dtype, before, k.at, c->p), state, (size_t)(k.rows * c->p) * size);
        memcpy(state, row(c->dtype, out, k.at, c->p), (size_t)(k.rows * c->p) * size);
    }
}
