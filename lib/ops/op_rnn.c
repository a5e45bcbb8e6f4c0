/*
 * op_rnn.c: rnn_tanh, rnn_relu, lstm, gru and their cells: layers and directions over op_rnn_layer.c, put together from public ops.
 *
 *      input -> packed rows [S, I] -> layer by layer, the directions side by side, dropout in between -> unpacked
 *
 * Sequences of one length are packed by a change of sizes alone. With lengths the longest comes first: rows are picked by one index, and
 * the results are put back by it.
 */
#include "base/vec.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/rnn.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_rnn.h>
#include <ctorch/ops_shape.h>

#include <string.h>

typedef struct plan {
    int op;
    ct__rnn_kind kind;
    ct_rnn_options o;
    ct_tensor *const *weights;
    int64_t layers, directions;
    int each;              /* weights of a layer's direction: 2 to 5 */
    bool biases, projects; /* what they are */
    bool unbatched;
    int64_t batch, steps_n, total, hidden, out; /* B, T, S, H, P */
    int64_t *sizes;        /* batch_sizes [T], owned */
    ct_tensor *at, *order, *back; /* with lengths: rows of [T B], sequences by length, and the way back */
} plan;

/* ---- Checks ---- */

static ct_status check_weight(const plan *p, const char *what, int64_t layer, const ct_tensor *t, int64_t rows, int64_t cols, const ct_tensor *x) {
    ct__shape_text a, b;
    const bool vector = cols < 0;
    if (!t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s of layer %lld is NULL", ct__fn(p->op), what, (long long)layer);
    if (t->ndim != (vector ? 1 : 2) || t->sizes[0] != rows || (!vector && t->sizes[1] != cols))
        return ct__fail(CT_ERR_SHAPE, "%s: %s of layer %lld is %s, but must be %s", ct__fn(p->op), what, (long long)layer, CT__SIZES(&a, t),
                        ct__shape_str(&b, (int64_t[]){rows, cols}, vector ? 1 : 2));
    if (t->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: %s of layer %lld is %s, but input is %s", ct__fn(p->op), what, (long long)layer,
                        ct_dtype_name((ct_dtype)t->dtype), ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

static ct__rnn_weights weights_of(const plan *p, int64_t i) {
    ct_tensor *const *w = p->weights + i * p->each;
    return (ct__rnn_weights){w[0], w[1], p->biases ? w[2] : NULL, p->biases ? w[3] : NULL, p->projects ? w[p->each - 1] : NULL};
}

static ct_status check_weights(plan *p, int n_weights, const ct_tensor *x) {
    const int64_t n = p->layers * p->directions, gates = ct__rnn_gates(p->kind);
    p->each = n > 0 && n_weights > 0 && n_weights % n == 0 && n_weights / n <= 5 ? (int)(n_weights / n) : 0;
    p->biases = p->each >= 4;
    p->projects = p->each == 3 || p->each == 5;
    if (!p->weights || p->each < 2 || (p->projects && p->kind != CT__RNN_LSTM))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d weights for %lld layers of %lld directions; %s each", ct__fn(p->op), n_weights,
                        (long long)p->layers, (long long)p->directions, p->kind == CT__RNN_LSTM ? "2 to 5" : "2 or 4");
    for (int i = 0; i < n_weights; i++)
        if (!ct__enter(p->op, &p->weights[i], 1)) return ct__pending();
    const ct_tensor *first = p->weights[1], *last = p->weights[p->each - 1];
    p->hidden = first->ndim == 2 ? first->sizes[0] / gates : 0;
    p->out = p->projects && last->ndim == 2 ? last->sizes[0] : p->hidden;
    for (int64_t i = 0; i < n; i++) {
        ct__rnn_weights w = weights_of(p, i);
        const int64_t layer = i / p->directions, in = layer ? p->directions * p->out : x->sizes[x->ndim - 1];
        CT__TRY(check_weight(p, "w_ih", layer, w.w_ih, gates * p->hidden, in, x));
        CT__TRY(check_weight(p, "w_hh", layer, w.w_hh, gates * p->hidden, p->out, x));
        if (p->biases) CT__TRY(check_weight(p, "b_ih", layer, w.b_ih, gates * p->hidden, -1, x));
        if (p->biases) CT__TRY(check_weight(p, "b_hh", layer, w.b_hh, gates * p->hidden, -1, x));
        if (p->projects) CT__TRY(check_weight(p, "w_hr", layer, w.w_hr, p->out, p->hidden, x));
    }
    return CT_OK;
}

static ct_status check_input(plan *p, const ct_tensor *x) {
    const ct_rnn_options *o = &p->o;
    ct__shape_text a;
    if (!ct__is_float(x)) return ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", ct__fn(p->op), ct_dtype_name((ct_dtype)x->dtype));
    if (o->num_layers < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_layers is %lld", ct__fn(p->op), (long long)o->num_layers);
    if (!(o->dropout >= 0 && o->dropout <= 1))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dropout is %g but must be between 0 and 1", ct__fn(p->op), o->dropout);
    if (o->lengths && o->batch_sizes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: both lengths and batch_sizes are given", ct__fn(p->op));
    if (o->batch_sizes && o->batch_first) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_first with batch_sizes, whose input has no batch dim", ct__fn(p->op));
    p->unbatched = !o->batch_sizes && x->ndim == 2;
    if (o->batch_sizes ? x->ndim != 2 : x->ndim != 2 && x->ndim != 3)
        return ct__fail(CT_ERR_SHAPE, "%s: input %s must be %s", ct__fn(p->op), CT__SIZES(&a, x), o->batch_sizes ? "[sum of batch_sizes, I]" : "[T, B, I] or [T, I]");
    if (o->lengths && p->unbatched) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: lengths for input %s without a batch", ct__fn(p->op), CT__SIZES(&a, x));
    return CT_OK;
}

/* ---- Steps ---- */

static ct_status check_counts(const plan *p, const char *what, ct_tensor *t, int64_t n) {
    ct__shape_text a;
    if (!ct__enter(p->op, &t, 1)) return ct__pending();
    if (t->dtype != CT_I64 || t->ndim != 1 || (n >= 0 && t->sizes[0] != n))
        return ct__fail(CT_ERR_SHAPE, "%s: %s is %s %s, but must be int64 with one dim%s", ct__fn(p->op), what, ct_dtype_name((ct_dtype)t->dtype), CT__SIZES(&a, t),
                        n >= 0 ? " and a number for each sequence" : "");
    return CT_OK;
}

static int64_t element(const ct_tensor *t, int64_t i) { return ct__load_i64(ct__ptr(t) + (size_t)(i * t->strides[0]) * sizeof(int64_t), CT_I64); }

static ct_status packed_steps(plan *p, const ct_tensor *x) {
    ct_tensor *t = p->o.batch_sizes;
    CT__TRY(check_counts(p, "batch_sizes", t, -1));
    p->steps_n = t->sizes[0];
    p->batch = p->steps_n ? element(t, 0) : 0;
    p->sizes = ct__alloc_array((size_t)(p->steps_n + 1), sizeof *p->sizes);
    if (!p->sizes) return ct__pending();
    for (int64_t i = 0, before = INT64_MAX; i < p->steps_n; i++) {
        int64_t n = p->sizes[i] = element(t, i);
        if (n < 1 || n > before || n > x->sizes[0] - p->total)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_sizes[%lld] is %lld; they must be positive, not grow, and add up to the %lld rows of input",
                            ct__fn(p->op), (long long)i, (long long)n, (long long)x->sizes[0]);
        p->total += n;
        before = n;
    }
    if (p->total != x->sizes[0])
        return ct__fail(CT_ERR_SHAPE, "%s: batch_sizes add up to %lld, but input has %lld rows", ct__fn(p->op), (long long)p->total, (long long)x->sizes[0]);
    return CT_OK;
}

/* The sequences, longest first, equal ones in their order; by counting. */
static void sort_by_length(const plan *p, int64_t *order, int64_t *back) {
    int64_t at = 0;
    for (int64_t n = p->steps_n; n >= 1 && at < p->batch; n--)
        for (int64_t b = 0; b < p->batch; b++)
            if (element(p->o.lengths, b) == n) {
                order[at] = b;
                back[b] = at++;
            }
}

static ct_tensor *indices(const plan *p, int64_t n) { return ct__scope_give(ct__new(ct__fn(p->op), &n, 1, CT_I64)); }
static int64_t *numbers(ct_tensor *t) { return (int64_t *)(void *)ct__ptr(t); }

static ct_status steps_of_lengths(plan *p) {
    CT__TRY(check_counts(p, "lengths", p->o.lengths, p->batch));
    for (int64_t b = 0; b < p->batch; b++) {
        int64_t n = element(p->o.lengths, b);
        if (n < 1 || n > p->steps_n)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: lengths[%lld] is %lld, but must be between 1 and %lld", ct__fn(p->op), (long long)b, (long long)n, (long long)p->steps_n);
        p->total += n;
    }
    p->order = indices(p, p->batch);
    p->back = indices(p, p->batch);
    p->at = indices(p, p->total);
    if (ct__pending() != CT_OK) return ct__pending();
    sort_by_length(p, numbers(p->order), numbers(p->back));
    int64_t at = 0, longest = p->batch ? element(p->o.lengths, numbers(p->order)[0]) : 0;
    for (int64_t t = 0; t < longest; t++) {
        p->sizes[t] = 0;
        for (int64_t i = 0; i < p->batch && element(p->o.lengths, numbers(p->order)[i]) > t; i++, p->sizes[t]++)
            numbers(p->at)[at++] = t * p->batch + numbers(p->order)[i];
    }
    return CT_OK;
}

static ct_status find_steps(plan *p, const ct_tensor *x) {
    ct__shape_text a;
    if (p->o.batch_sizes) return packed_steps(p, x);
    bool first = p->o.batch_first && !p->unbatched;
    p->batch = p->unbatched ? 1 : x->sizes[first ? 0 : 1];
    p->steps_n = x->sizes[first ? 1 : 0];
    p->sizes = ct__alloc_array((size_t)(p->steps_n + 1), sizeof *p->sizes);
    if (!p->sizes) return ct__pending();
    if (p->steps_n == 0 || p->batch == 0) return ct__fail(CT_ERR_SHAPE, "%s: input %s has no elements in a sequence", ct__fn(p->op), CT__SIZES(&a, x));
    for (int64_t t = 0; t < p->steps_n; t++) p->sizes[t] = p->batch;
    if (p->o.lengths) return steps_of_lengths(p);
    p->total = p->steps_n * p->batch;
    return CT_OK;
}

/* The number of steps that have rows. */
static int64_t steps_used(const plan *p) {
    int64_t n = 0, rows = 0;
    while (n < p->steps_n && rows < p->total) rows += p->sizes[n++];
    return n;
}

/* ---- States ---- */

static ct_status check_state(const plan *p, const char *what, ct_tensor *t, int64_t width, const ct_tensor *x) {
    ct__shape_text a, b;
    int64_t sizes[] = {p->layers * p->directions, p->batch, width};
    if (p->unbatched) sizes[1] = width;
    int ndim = p->unbatched ? 2 : 3;
    if (!t) return CT_OK;
    if (!ct__enter(p->op, &t, 1)) return ct__pending();
    bool same = t->ndim == ndim;
    for (int d = 0; same && d < ndim; d++) same = t->sizes[d] == sizes[d];
    if (!same) return ct__fail(CT_ERR_SHAPE, "%s: %s is %s, but must be %s", ct__fn(p->op), what, CT__SIZES(&a, t), ct__shape_str(&b, sizes, ndim));
    if (t->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, but input is %s", ct__fn(p->op), what, ct_dtype_name((ct_dtype)t->dtype), ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

/* [layers * directions, B, width], in the order of the packed rows. */
static ct_tensor *states(const plan *p, ct_tensor *t, int64_t width, ct_dtype dtype) {
    if (!t) return ct_zeros(CT_SHAPE(p->layers * p->directions, p->batch, width), dtype);
    if (p->unbatched) return ct_unsqueeze(t, 1);
    return p->order ? ct_index_select(t, 1, p->order) : t;
}

static ct_tensor *last_states(const plan *p, ct_tensor **list) {
    ct_tensor *all = ct_stack(list, p->layers * p->directions, 0);
    if (p->unbatched) return ct_squeeze_dim(all, CT_DIMS(1));
    return p->back ? ct_index_select(all, 1, p->back) : all;
}

/* ---- The run ---- */

static ct_tensor *packed(const plan *p, ct_tensor *x) {
    if (p->o.batch_sizes || p->unbatched) return x;
    if (p->o.batch_first) x = ct_transpose(x, 0, 1);
    x = ct_reshape(x, CT_SHAPE(p->steps_n * p->batch, ct_size(x, 2)));
    return p->at ? ct_index_select(x, 0, p->at) : x;
}

static ct_tensor *unpacked(const plan *p, ct_tensor *y) {
    if (!y || p->o.batch_sizes || p->unbatched) return y;
    const int64_t width = ct_size(y, 1), rows = p->steps_n * p->batch;
    if (p->at) y = ct_index_add(ct_zeros(CT_SHAPE(rows, width), ct_tensor_dtype(y)), 0, p->at, y, NULL);
    y = ct_reshape(y, CT_SHAPE(p->steps_n, p->batch, width));
    return p->o.batch_first ? ct_transpose(y, 0, 1) : y;
}

/* hn and cn have room for layers * directions. */
static ct_tensor *run_layers(const plan *p, ct_tensor *x, ct_tensor *h0, ct_tensor *c0, ct_tensor **hn, ct_tensor **cn) {
    const ct_dropout_options dropout = {.generator = p->o.generator};
    for (int64_t layer = 0; layer < p->layers; layer++) {
        ct_tensor *side[2] = {NULL, NULL};
        for (int64_t d = 0; d < p->directions; d++) {
            const int64_t i = layer * p->directions + d;
            const ct__rnn_steps steps = {steps_used(p), p->sizes, p->total, d == 1};
            const ct__rnn_weights w = weights_of(p, i);
            ct_tensor *out[3], *h = ct_select(h0, 0, i), *c = c0 ? ct_select(c0, 0, i) : NULL;
            if (!ct__rnn_layer(p->op, p->kind, &steps, x, h, c, &w, out)) return NULL;
            side[d] = out[0];
            hn[i] = out[1];
            cn[i] = out[2];
        }
        x = p->directions == 2 ? ct_cat(side, 2, 1) : side[0];
        if (layer + 1 < p->layers && p->o.dropout > 0 && !p->o.no_training) x = ct_dropout(x, p->o.dropout, &dropout);
    }
    return x;
}

static ct_status check_all(plan *p, ct_tensor *x, ct_tensor *h0, ct_tensor *c0, int n_weights) {
    CT__TRY(check_input(p, x));
    p->layers = p->o.num_layers ? p->o.num_layers : 1;
    p->directions = p->o.bidirectional ? 2 : 1;
    CT__TRY(check_weights(p, n_weights, x));
    CT__TRY(find_steps(p, x));
    CT__TRY(check_state(p, "h0", h0, p->out, x));
    return check_state(p, "c0", c0, p->hidden, x);
}

/* In a scope; out: output, hn, cn. */
static void run(plan *p, ct_tensor *x, ct_tensor *h0, ct_tensor *c0, int n_weights, ct_tensor **out) {
    if (check_all(p, x, h0, c0, n_weights) != CT_OK) return;
    const size_t n = (size_t)(p->layers * p->directions);
    ct_tensor **list = ct__alloc_zero(2 * n * sizeof *list);
    if (!list) return;
    const bool lstm = p->kind == CT__RNN_LSTM;
    ct_tensor *h = states(p, h0, p->out, ct_tensor_dtype(x)), *c = lstm ? states(p, c0, p->hidden, ct_tensor_dtype(x)) : NULL;
    ct_tensor *y = run_layers(p, packed(p, x), h, c, list, list + n);
    if (y) {
        out[0] = unpacked(p, y);
        out[1] = last_states(p, list);
        if (lstm) out[2] = last_states(p, list + n);
    }
    ct__free(list);
}

/* Half types in float32. */
static void run_wide(plan *p, ct_tensor *x, ct_tensor *h0, ct_tensor *c0, int n_weights, ct_tensor **out) {
    const ct_dtype dtype = (ct_dtype)x->dtype;
    ct_tensor **wide = p->weights && n_weights > 0 ? ct__alloc_zero((size_t)n_weights * sizeof *wide) : NULL;
    for (int i = 0; wide && i < n_weights; i++) wide[i] = ct__widen(p->weights[i]);
    if (wide) p->weights = wide;
    ct_tensor *in[] = {ct__widen(x), ct__widen(h0), ct__widen(c0)};
    if (ct__pending() == CT_OK) run(p, in[0], in[1], in[2], n_weights, out);
    for (int i = 0; i < 3; i++)
        if (out[i]) out[i] = ct_to(out[i], dtype);
    ct__free(wide);
}

/* Ends the scope and hands the results on: all or none. */
static ct_tensor *give(ct_scope scope, ct_tensor **out, ct_tensor **hn, ct_tensor **cn) {
    const bool ok = ct__pending() == CT_OK;
    ct_tensor **to[] = {NULL, hn, cn};
    for (int i = 1; i < 3; i++)
        if (to[i] && ok && out[i]) ct__ref(out[i]);
    ct_tensor *y = ct_scope_return(scope, ok ? out[0] : NULL);
    for (int i = 1; i < 3; i++)
        if (to[i]) *to[i] = ok && out[i] ? ct__scope_give(out[i]) : NULL;
    if (ct__pending() == CT_OK) return y;
    for (int i = 1; i < 3; i++)
        if (to[i]) *to[i] = NULL;
    return NULL;
}

/* PyTorch multiplies in the half type and adds to the state: what comes out is of the state's dtype. The networks without a state that is added to are cast whole. */
static ct__cast_policy policy_by_state(const ct_tensor *state) { return state && ct__is_half(state) ? CT__CAST_LOWER : CT__CAST_F32; }

/* Weights converted as the inputs are: a block to be freed, NULL with an error pending or if autocast is off. *scope holds them. */
static ct_tensor **autocast_all(plan *p, ct_tensor **x, ct_tensor **h0, ct_tensor **c0, int n_weights, ct_scope *scope) {
    if (CT__LIKELY(!(ct__context()->modes & CT__MODE_AUTOCAST)) || n_weights < 0 || (n_weights && !p->weights)) return NULL;
    ct__cast_policy policy = p->kind == CT__RNN_GRU ? policy_by_state(*h0 ? *h0 : *x) : CT__CAST_LOWER;
    ct_tensor **weights = ct__alloc_array((size_t)n_weights + 3, sizeof *weights), ***all = ct__alloc_array((size_t)n_weights + 3, sizeof *all);
    if (weights && all) {
        for (int i = 0; i < n_weights; i++) {
            weights[i] = p->weights[i];
            all[i] = &weights[i];
        }
        all[n_weights] = x;
        all[n_weights + 1] = h0;
        all[n_weights + 2] = c0;
        if (ct__autocast(policy, all, n_weights + 3, scope)) p->weights = weights;
    }
    ct__free(all);
    return weights;
}

static ct_tensor *network(plan p, ct_tensor *x, ct_tensor *h0, ct_tensor *c0, int n_weights, const ct_rnn_options *o, ct_tensor **hn, ct_tensor **cn) {
    ct_tensor *out[3] = {NULL, NULL, NULL};
    if (hn) *hn = NULL;
    if (cn) *cn = NULL;
    if (!ct__enter(p.op, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(p.op), o));
    if (o) p.o = *o;
    ct_scope scope = ct_scope_begin(), inner;
    ct_tensor **weights = autocast_all(&p, &x, &h0, &c0, n_weights, &inner);
    if (ct__pending() == CT_OK && ct__is_half(x)) run_wide(&p, x, h0, c0, n_weights, out);
    else if (ct__pending() == CT_OK) run(&p, x, h0, c0, n_weights, out);
    ct__free(weights);
    ct__free(p.sizes);
    return give(scope, out, hn, cn);
}

ct_tensor *ct_rnn_tanh(ct_tensor *input, ct_tensor *h0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn) {
    return network((plan){.op = CT__OP_rnn_tanh, .kind = CT__RNN_TANH, .weights = weights}, input, h0, NULL, n_weights, options, hn, NULL);
}
ct_tensor *ct_rnn_relu(ct_tensor *input, ct_tensor *h0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn) {
    return network((plan){.op = CT__OP_rnn_relu, .kind = CT__RNN_RELU, .weights = weights}, input, h0, NULL, n_weights, options, hn, NULL);
}
ct_tensor *ct_gru(ct_tensor *input, ct_tensor *h0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn) {
    return network((plan){.op = CT__OP_gru, .kind = CT__RNN_GRU, .weights = weights}, input, h0, NULL, n_weights, options, hn, NULL);
}
ct_tensor *ct_lstm(ct_tensor *input, ct_tensor *h0, ct_tensor *c0, ct_tensor *const *weights, int n_weights, const ct_rnn_options *options, ct_tensor **hn,
                   ct_tensor **cn) {
    return network((plan){.op = CT__OP_lstm, .kind = CT__RNN_LSTM, .weights = weights}, input, h0, c0, n_weights, options, hn, cn);
}

/* ---- Cells: a layer of one step ---- */

static ct_status check_cell(int op, ct__rnn_kind kind, ct_tensor *x, ct_tensor *h, ct_tensor *c, const ct__rnn_weights *w) {
    ct__shape_text a, b;
    if (!ct__is_float(x)) return ct__fail(CT_ERR_DTYPE, "%s: %s is not a floating point dtype", ct__fn(op), ct_dtype_name((ct_dtype)x->dtype));
    if ((x->ndim != 1 && x->ndim != 2) || h->ndim != x->ndim || (x->ndim == 2 && h->sizes[0] != x->sizes[0]))
        return ct__fail(CT_ERR_SHAPE, "%s: input %s and h %s must be [B, I] and [B, H], or [I] and [H]", ct__fn(op), CT__SIZES(&a, x), CT__SIZES(&b, h));
    if (!w->b_ih != !w->b_hh) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: b_ih and b_hh must both be given, or neither", ct__fn(op));
    if (c && (!ct__same_sizes(h, c) || c->dtype != x->dtype))
        return ct__fail(CT_ERR_SHAPE, "%s: h %s and c %s must have the same shape and dtype", ct__fn(op), CT__SIZES(&a, h), CT__SIZES(&b, c));
    if (h->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: h is %s, but input is %s", ct__fn(op), ct_dtype_name((ct_dtype)h->dtype), ct_dtype_name((ct_dtype)x->dtype));
    const plan p = {.op = op};
    const int64_t hidden = h->sizes[h->ndim - 1], rows = ct__rnn_gates(kind) * hidden;
    CT__TRY(check_weight(&p, "w_ih", 0, w->w_ih, rows, x->sizes[x->ndim - 1], x));
    CT__TRY(check_weight(&p, "w_hh", 0, w->w_hh, rows, hidden, x));
    if (w->b_ih) CT__TRY(check_weight(&p, "b_ih", 0, w->b_ih, rows, -1, x));
    return w->b_ih ? check_weight(&p, "b_hh", 0, w->b_hh, rows, -1, x) : CT_OK;
}

static void run_cell(int op, ct__rnn_kind kind, ct_tensor *x, ct_tensor *h, ct_tensor *c, const ct__rnn_weights *w, ct_tensor **out) {
    const bool single = x->ndim == 1;
    if (check_cell(op, kind, x, h, c, w) != CT_OK) return;
    if (single) {
        x = ct_unsqueeze(x, 0);
        h = ct_unsqueeze(h, 0);
        c = c ? ct_unsqueeze(c, 0) : NULL;
    }
    if (!x || !h) return;
    if (x->sizes[0] == 0) { /* nobody */
        out[1] = ct_mul_scalar(h, 1);
        out[2] = c ? ct_mul_scalar(c, 1) : NULL;
        return;
    }
    const ct__rnn_steps steps = {1, &x->sizes[0], x->sizes[0], false};
    ct__rnn_layer(op, kind, &steps, x, h, c, w, out);
    for (int i = 1; i < 3 && single; i++)
        if (out[i]) out[i] = ct_squeeze_dim(out[i], CT_DIMS(0));
}

static ct_tensor *cell(int op, ct__rnn_kind kind, ct_tensor *x, ct_tensor *h, ct_tensor *c, ct__rnn_weights w, ct_tensor **c_out) {
    ct_tensor *in[] = {x, h, w.w_ih, w.w_hh, c}, *out[3] = {NULL, NULL, NULL};
    if (c_out) *c_out = NULL;
    if (!ct__enter(op, in, kind == CT__RNN_LSTM ? 5 : 4)) return NULL;
    ct_scope scope = ct_scope_begin();
    const ct_dtype dtype = (ct_dtype)x->dtype;
    const bool half = ct__is_half(x);
    if (half) w = (ct__rnn_weights){ct__widen(w.w_ih), ct__widen(w.w_hh), ct__widen(w.b_ih), ct__widen(w.b_hh), NULL};
    if (ct__pending() == CT_OK) run_cell(op, kind, ct__widen(x), ct__widen(h), ct__widen(c), &w, out);
    for (int i = 1; i < 3 && half; i++)
        if (out[i]) out[i] = ct_to(out[i], dtype);
    return give(scope, (ct_tensor *[]){out[1], NULL, out[2]}, NULL, c_out);
}

ct_tensor *ct_rnn_tanh_cell(ct_tensor *input, ct_tensor *h, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&input, &h, &w_ih, &w_hh, &b_ih, &b_hh}, 6, &cast))
        return ct_scope_return(cast, ct_rnn_tanh_cell(input, h, w_ih, w_hh, b_ih, b_hh));
    return cell(CT__OP_rnn_tanh_cell, CT__RNN_TANH, input, h, NULL, (ct__rnn_weights){w_ih, w_hh, b_ih, b_hh, NULL}, NULL);
}
ct_tensor *ct_rnn_relu_cell(ct_tensor *input, ct_tensor *h, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&input, &h, &w_ih, &w_hh, &b_ih, &b_hh}, 6, &cast))
        return ct_scope_return(cast, ct_rnn_relu_cell(input, h, w_ih, w_hh, b_ih, b_hh));
    return cell(CT__OP_rnn_relu_cell, CT__RNN_RELU, input, h, NULL, (ct__rnn_weights){w_ih, w_hh, b_ih, b_hh, NULL}, NULL);
}
ct_tensor *ct_gru_cell(ct_tensor *input, ct_tensor *h, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh) {
    ct_scope cast;
    if (ct__autocast(policy_by_state(h), (ct_tensor **[]){&input, &h, &w_ih, &w_hh, &b_ih, &b_hh}, 6, &cast))
        return ct_scope_return(cast, ct_gru_cell(input, h, w_ih, w_hh, b_ih, b_hh));
    return cell(CT__OP_gru_cell, CT__RNN_GRU, input, h, NULL, (ct__rnn_weights){w_ih, w_hh, b_ih, b_hh, NULL}, NULL);
}
ct_tensor *ct_lstm_cell(ct_tensor *input, ct_tensor *h, ct_tensor *c, ct_tensor *w_ih, ct_tensor *w_hh, ct_tensor *b_ih, ct_tensor *b_hh, ct_tensor **c_out) {
    ct_scope cast;
    if (ct__autocast(policy_by_state(c), (ct_tensor **[]){&input, &h, &c, &w_ih, &w_hh, &b_ih, &b_hh}, 7, &cast))
        return ct__autocast_end(cast, ct_lstm_cell(input, h, c, w_ih, w_hh, b_ih, b_hh, c_out), (ct_tensor **[]){c_out}, 1);
    return cell(CT__OP_lstm_cell, CT__RNN_LSTM, input, h, c, (ct__rnn_weights){w_ih, w_hh, b_ih, b_hh, NULL}, c_out);
}
