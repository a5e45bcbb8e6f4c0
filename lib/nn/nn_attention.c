/*
 * nn_attention.c: MultiheadAttention.
 *
 *     query, key, value  ->  in_proj: q, k, v [.., E]  ->  a learned and a zero row after k and v  ->  [B, heads, L, d]  ->  attention  ->  out_proj
 *
 * Heads are views of the projections: nothing is copied on the way to the attention, which takes strided rows, whether the batch comes first or not. Both
 * masks become one that is added to the scores and broadcasts to [B, heads, L, S]. With weights asked for the attention is composed, else it is
 * ct_scaled_dot_product_attention.
 *
 * Entries: in_proj_weight, or three weights; in_proj_bias; bias_k, bias_v. Child: out_proj.
 */
#include "nn/module_impl.h"
#include "nn/nn_flag.h"
#include "ops/attention.h"
#include "ops/layout.h"

#include <ctorch/nn_init.h>
#include <ctorch/nn_layers.h>
#include <ctorch/nn_transformer.h>
#include <ctorch/ops_attention.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char fn[] = "ct_nn_multihead_attention";

typedef struct attention {
    int64_t embed_dim, num_heads, kdim, vdim;
    double dropout;
    bool bias, add_bias_kv, add_zero_attn, batch_first;
    ct_dtype dtype;
} attention;

/* ---- Making ---- */

static bool packed(const attention *s) { return s->kdim == s->embed_dim && s->vdim == s->embed_dim; }
static int64_t n_projections(const attention *s) { return packed(s) ? 1 : 3; }

static ct_tensor *in_proj_bias(const ct_module *m) {
    const attention *s = ct_module_state(m);
    return s->bias ? ct__entry_at(m, n_projections(s)) : NULL;
}
/* 0: bias_k, 1: bias_v */
static ct_tensor *bias_kv(const ct_module *m, int i) {
    const attention *s = ct_module_state(m);
    return ct__entry_at(m, n_projections(s) + (s->bias ? 1 : 0) + i);
}

static ct_status check(const attention *s) {
    int64_t rows;
    if (s->embed_dim < 1 || s->num_heads < 1 || s->embed_dim % s->num_heads || !ct__mul_i64(s->embed_dim, 3, &rows))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: embed_dim %lld cannot be divided among %lld heads", fn, (long long)s->embed_dim, (long long)s->num_heads);
    if (s->kdim < 1 || s->vdim < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: kdim is %lld, vdim %lld", fn, (long long)s->kdim, (long long)s->vdim);
    if (!(s->dropout >= 0 && s->dropout <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dropout is %g but must be between 0 and 1", fn, s->dropout);
    return CT_OK;
}

static ct_status add_parameters(ct_module *m, const attention *s) {
    const int64_t e = s->embed_dim;
    if (packed(s)) {
        CT__TRY(ct_module_register_parameter(m, "in_proj_weight", ct_empty(CT_SHAPE(3 * e, e), s->dtype)));
    } else {
        CT__TRY(ct_module_register_parameter(m, "q_proj_weight", ct_empty(CT_SHAPE(e, e), s->dtype)));
        CT__TRY(ct_module_register_parameter(m, "k_proj_weight", ct_empty(CT_SHAPE(e, s->kdim), s->dtype)));
        CT__TRY(ct_module_register_parameter(m, "v_proj_weight", ct_empty(CT_SHAPE(e, s->vdim), s->dtype)));
    }
    if (s->bias) CT__TRY(ct_module_register_parameter(m, "in_proj_bias", ct_empty(CT_SHAPE(3 * e), s->dtype)));
    ct_module *out_proj = ct_nn_linear(e, e, &(ct_nn_linear_options){.no_bias = !s->bias, .dtype = s->dtype});
    if (out_proj) out_proj->cls.name = "NonDynamicallyQuantizableLinear"; /* as PyTorch describes it */
    CT__TRY(ct_module_add_child(m, "out_proj", out_proj));
    if (s->add_bias_kv) CT__TRY(ct_module_register_parameter(m, "bias_k", ct_empty(CT_SHAPE(1, 1, e), s->dtype)));
    if (s->add_bias_kv) CT__TRY(ct_module_register_parameter(m, "bias_v", ct_empty(CT_SHAPE(1, 1, e), s->dtype)));
    return CT_OK;
}

/* Draws in the order of MultiheadAttention.__init__: out_proj's own values, of which the weight stays, come first. */
static ct_status init(ct_module *m, const void *arg) {
    attention *s = ct_module_state(m);
    *s = *(const attention *)arg;
    CT__TRY(check(s));
    CT__TRY(add_parameters(m, s));
    for (int64_t i = 0; i < n_projections(s); i++) CT__TRY(ct_init_xavier_uniform_(ct__entry_at(m, i), 1, NULL));
    if (s->bias) CT__TRY(ct_init_zeros_(in_proj_bias(m)));
    if (s->bias) CT__TRY(ct_init_zeros_(ct_module_get_parameter(m, "out_proj.bias")));
    for (int i = 0; i < 2 && s->add_bias_kv; i++) CT__TRY(ct_init_xavier_normal_(bias_kv(m, i), 1, NULL));
    return CT_OK;
}

/* ---- Inputs ---- */

enum { QUERY, KEY, VALUE, KEY_PADDING_MASK, ATTN_MASK, IS_CAUSAL, AVERAGE, N_INPUTS };

/* What forward works on: sequences with a batch, and their sizes. */
typedef struct problem {
    const attention *s;
    ct_tensor *in[N_INPUTS];
    bool unbatched;
    bool batch_first;  /* [B, T, E] */
    int64_t b, l, t;   /* batch, queries, keys */
    int64_t appended;  /* rows that are no keys of the caller's */
} problem;

static ct_status check_sequences(const problem *p) {
    const ct_tensor *q = p->in[QUERY], *k = p->in[KEY], *v = p->in[VALUE];
    ct__shape_text a, b, c;
    const int d = q->ndim;
    bool fits = (d == 2 || d == 3) && k->ndim == d && v->ndim == d;
    fits = fits && q->sizes[d - 1] == p->s->embed_dim && k->sizes[d - 1] == p->s->kdim && v->sizes[d - 1] == p->s->vdim;
    for (int i = 0; fits && i < d - 1; i++) fits = k->sizes[i] == v->sizes[i];
    if (fits && d == 3) fits = k->sizes[p->batch_first ? 0 : 1] == q->sizes[p->batch_first ? 0 : 1];
    if (fits) return CT_OK;
    const char *form = d == 2           ? "L, %lld], [S, %lld], [S, %lld]"
                       : p->batch_first ? "B, L, %lld], [B, S, %lld], [B, S, %lld]"
                                        : "L, B, %lld], [S, B, %lld], [S, B, %lld]";
    char want[128];
    snprintf(want, sizeof want, form, (long long)p->s->embed_dim, (long long)p->s->kdim, (long long)p->s->vdim);
    return ct__fail(CT_ERR_SHAPE, "%s: query %s, key %s, value %s must be [%s", fn, CT__SIZES(&a, q), CT__SIZES(&b, k), CT__SIZES(&c, v), want);
}

/* A mask is of bools, or of numbers to add; its sizes are one of two. */
static ct_status check_mask(const char *what, const ct_tensor *mask, const int64_t *sizes, int n, const int64_t *or_sizes, int or_n) {
    ct__shape_text a, b, c;
    if (!mask) return CT_OK;
    if (mask->dtype != CT_BOOL && !ct_is_floating_point(mask))
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s; it must be bool or floating point", fn, what, ct_dtype_name((ct_dtype)mask->dtype));
    if (mask->ndim == n && !memcmp(mask->sizes, sizes, (size_t)n * sizeof *sizes)) return CT_OK;
    if (or_n && mask->ndim == or_n && !memcmp(mask->sizes, or_sizes, (size_t)or_n * sizeof *or_sizes)) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %s is %s, but must be %s%s%s", fn, what, CT__SIZES(&a, mask), ct__shape_str(&b, sizes, n), or_n ? " or " : "",
                    or_n ? ct__shape_str(&c, or_sizes, or_n) : "");
}

static ct_status find_problem(const ct_module *m, ct_tensor *const *in, int n_in, problem *p) {
    const attention *s = ct_module_state(m);
    CT__TRY(ct__check_inputs(m, in, n_in, n_in == 1 ? 1 : 3, N_INPUTS));
    *p = (problem){.s = s, .batch_first = s->batch_first, .appended = (s->add_bias_kv ? 1 : 0) + (s->add_zero_attn ? 1 : 0)};
    for (int i = 0; i < n_in; i++) p->in[i] = in[i];
    if (n_in == 1) p->in[KEY] = p->in[VALUE] = p->in[QUERY];
    CT__TRY(check_sequences(p));
    p->unbatched = p->in[QUERY]->ndim == 2;
    const int sequence = p->unbatched || !p->batch_first ? 0 : 1;
    p->b = p->unbatched ? 1 : p->in[QUERY]->sizes[1 - sequence];
    p->l = p->in[QUERY]->sizes[sequence];
    p->t = p->in[KEY]->sizes[sequence];
    const int64_t padding[] = {p->b, p->t}, pairs[] = {p->l, p->t}, each[] = {p->b * s->num_heads, p->l, p->t};
    CT__TRY(check_mask("key_padding_mask", p->in[KEY_PADDING_MASK], padding + (p->unbatched ? 1 : 0), p->unbatched ? 1 : 2, NULL, 0));
    return check_mask("attn_mask", p->in[ATTN_MASK], pairs, 2, each, 3);
}

/* Without a batch: one of one sequence, the batch first. Equal handles stay equal. */
static void add_batch(problem *p) {
    if (!p->unbatched) return;
    ct_tensor *query = ct_unsqueeze(p->in[QUERY], 0), *key = p->in[KEY] == p->in[QUERY] ? query : ct_unsqueeze(p->in[KEY], 0);
    p->in[VALUE] = p->in[VALUE] == p->in[KEY] ? key : ct_unsqueeze(p->in[VALUE], 0);
    p->in[QUERY] = query;
    p->in[KEY] = key;
    p->batch_first = true;
}

/* ---- Masks ---- */

/* With columns for the appended rows, which everybody sees; -inf for true. */
static ct_tensor *additive(const problem *p, ct_tensor *mask) {
    const ct_dtype dtype = ct_tensor_dtype(p->in[QUERY]);
    if (!mask) return NULL;
    if (ct_tensor_dtype(mask) == CT_BOOL) mask = ct_masked_fill(ct_zeros(mask->sizes, mask->ndim, dtype), mask, -INFINITY);
    else if (ct_tensor_dtype(mask) != dtype) mask = ct_to(mask, dtype);
    return p->appended ? ct_pad(mask, (const int64_t[]){0, p->appended}, 2, NULL) : mask;
}

static ct_tensor *sum(ct_tensor *a, ct_tensor *b) { return a && b ? ct_add(a, b) : a ? a : b; }

/* One mask that broadcasts to [B, heads, L, S], NULL for none. *causal: whether the attention itself must still be causal. */
static ct_tensor *merged_mask(const problem *p, bool fused, bool *causal) {
    ct_tensor *mask = additive(p, p->in[ATTN_MASK]), *padding = additive(p, p->in[KEY_PADDING_MASK]);
    if (ct_ndim(mask) == 3) mask = ct_unflatten(mask, 0, (const int64_t[]){p->b, p->s->num_heads}, 2);
    if (padding) padding = ct_reshape(padding, CT_SHAPE(p->b, 1, 1, p->t + p->appended));
    *causal = ct__flag(p->in[IS_CAUSAL], false);
    if (*causal && (mask || padding || p->appended || !fused)) {
        mask = sum(mask, additive(p, ct_triu(ct_ones(CT_SHAPE(p->l, p->t), CT_BOOL), 1)));
        *causal = false;
    }
    return sum(mask, padding);
}

/* ---- Projections ---- */

static ct_tensor *rows_of(ct_tensor *t, int64_t first, int64_t n, int64_t e) { return t ? ct_narrow(t, 0, first * e, n * e) : NULL; }

/* q, k and v [.., 3 E] in one product where they have one input; else NULL. */
static ct_tensor *project_packed(const ct_module *m, const problem *p) {
    ct_tensor *const *x = p->in;
    if (!packed(p->s) || x[KEY] != x[QUERY] || x[VALUE] != x[QUERY]) return NULL;
    return ct_linear(x[QUERY], ct__entry_at(m, 0), in_proj_bias(m));
}

/* q, k, v [.., E]: parts of all, and without it in one product what has one input. */
static void project(const ct_module *m, const problem *p, ct_tensor *all, ct_tensor **out) {
    const int64_t e = p->s->embed_dim;
    ct_tensor *w = ct__entry_at(m, 0), *bias = in_proj_bias(m);
    ct_tensor *const *x = p->in;
    if (!packed(p->s)) {
        for (int i = 0; i < 3; i++) out[i] = ct_linear(x[i], ct__entry_at(m, i), rows_of(bias, i, 1, e));
        return;
    }
    for (int i = 0, n; i < 3; i += n) {
        n = 1;
        while (i + n < 3 && x[i + n] == x[i]) n++;
        ct_tensor *y = n == 3 ? all : ct_linear(x[i], rows_of(w, i, n, e), rows_of(bias, i, n, e));
        for (int j = 0; j < n && y; j++) out[i + j] = n == 1 ? y : ct_narrow(y, -1, j * e, e);
    }
}

/* The learned and the zero row at the end of key or value. */
static ct_tensor *append(const ct_module *m, const problem *p, ct_tensor *x, int which) {
    const int64_t sizes[] = {p->batch_first ? p->b : 1, p->batch_first ? 1 : p->b, p->s->embed_dim};
    ct_tensor *parts[3] = {x};
    int n = 1;
    if (p->s->add_bias_kv) parts[n++] = ct_expand(bias_kv(m, which), sizes, 3);
    if (p->s->add_zero_attn) parts[n++] = ct_zeros(sizes, 3, ct_tensor_dtype(x));
    return n > 1 ? ct_cat(parts, n, p->batch_first ? 1 : 0) : x;
}

/* [B, heads, T, d] of [B, T, E] or [T, B, E], and back. */
static ct_tensor *split_heads(const problem *p, ct_tensor *x) {
    x = ct_unflatten(x, -1, (const int64_t[]){p->s->num_heads, p->s->embed_dim / p->s->num_heads}, 2);
    return p->batch_first ? ct_permute(x, CT_DIMS(0, 2, 1, 3)) : ct_permute(x, CT_DIMS(1, 2, 0, 3));
}
static ct_tensor *join_heads(const problem *p, ct_tensor *x) {
    x = p->batch_first ? ct_permute(x, CT_DIMS(0, 2, 1, 3)) : ct_permute(x, CT_DIMS(2, 0, 1, 3));
    return ct_flatten(x, 2, 3);
}

/* ---- Attention ---- */

/* softmax over keys; queries that see none get zeros, and no NaN in their gradient. */
static ct_tensor *probabilities(ct_tensor *q, ct_tensor *k, ct_tensor *mask) {
    ct_tensor *scores = ct_matmul(ct_mul_scalar(q, sqrt(1 / (double)ct_size(q, -1))), ct_transpose(k, -2, -1));
    if (!mask) return ct_softmax(scores, -1);
    scores = ct_add(scores, mask);
    ct_tensor *blind = ct_all_dim(ct_eq_scalar(scores, -INFINITY), -1, &(ct_reduce_options){.keepdim = true});
    return ct_masked_fill(ct_softmax(ct_masked_fill(scores, blind, 0), -1), blind, 0);
}

static ct_tensor *attend(const problem *p, ct_tensor *const *qkv, double dropout, ct_tensor **weights) {
    ct_scaled_dot_product_attention_options o = {.dropout_p = dropout};
    ct_tensor *mask = merged_mask(p, !weights, &o.is_causal);
    CT__TRY_NULL(ct__pending());
    if (!weights)
        return ct_scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], mask, &o);
    *weights = probabilities(qkv[0], qkv[1], mask);
    if (dropout > 0) *weights = ct_dropout(*weights, dropout, NULL);
    return ct_matmul(*weights, qkv[2]);
}

/* [.., E] of q, k and v side by side, in place; NULL where it is not of the simple kind. */
static ct_tensor *attend_packed(const ct_module *m, const problem *p, ct_tensor *all) {
    bool causal;
    ct_tensor *mask = merged_mask(p, true, &causal);
    if (p->appended || ct__pending() != CT_OK || !ct__attention_packs(all, mask)) return NULL;
    return ct__attention_packed(all, p->s->num_heads, p->batch_first, mask, causal, m->training ? p->s->dropout : 0);
}

static ct_tensor *attend_parts(const ct_module *m, const problem *p, ct_tensor *all, ct_tensor **weights) {
    ct_tensor *qkv[3] = {NULL, NULL, NULL};
    project(m, p, all, qkv);
    for (int i = 1; i < 3 && p->appended && qkv[i]; i++) qkv[i] = append(m, p, qkv[i], i - 1);
    for (int i = 0; i < 3; i++) qkv[i] = split_heads(p, qkv[i]);
    CT__TRY_NULL(ct__pending());
    return join_heads(p, attend(p, qkv, m->training ? p->s->dropout : 0, weights));
}

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    problem p;
    CT__TRY(find_problem(m, in, n_in, &p));
    add_batch(&p);
    ct_tensor *all = project_packed(m, &p), *y = n_out == 1 && all ? attend_packed(m, &p, all) : NULL;
    CT__TRY(ct__pending());
    if (!y) y = attend_parts(m, &p, all, n_out > 1 ? &out[1] : NULL);
    y = ct_forward(ct__child_at(m, 0)->module, y);
    out[0] = p.unbatched ? ct_squeeze_dim(y, CT_DIMS(0)) : y;
    if (n_out > 1 && ct__flag(p.in[AVERAGE], true)) out[1] = ct_mean_dim(out[1], CT_DIMS(1), NULL);
    if (n_out > 1 && p.unbatched) out[1] = ct_squeeze_dim(out[1], CT_DIMS(0));
    return ct__pending();
}

static const ct_module_class attention_class = {.name = "MultiheadAttention", .state_size = sizeof(attention), .init = init, .forward = forward};

ct_module *ct_nn_multihead_attention(int64_t embed_dim, int64_t num_heads, const ct_nn_multihead_attention_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    const ct_nn_multihead_attention_options o = options ? *options : (ct_nn_multihead_attention_options){.dropout = 0};
    const attention s = {.embed_dim = embed_dim, .num_heads = num_heads, .kdim = o.kdim ? o.kdim : embed_dim, .vdim = o.vdim ? o.vdim : embed_dim,
                         .dropout = o.dropout, .bias = !o.no_bias, .add_bias_kv = o.add_bias_kv, .add_zero_attn = o.add_zero_attn,
                         .batch_first = o.batch_first, .dtype = o.dtype ? o.dtype : CT_F32};
    return ct_module_new(&attention_class, &s);
}

ct_tensor *ct_nn_multihead_attention_forward(ct_module *m, ct_tensor *query, ct_tensor *key, ct_tensor *value,
                                             const ct_nn_multihead_attention_forward_options *options, ct_tensor **weights) {
    static const char name[] = "ct_nn_multihead_attention_forward";
    ct_tensor *out[2] = {NULL, NULL};
    if (weights) *weights = NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(name, options));
    const ct_nn_multihead_attention_forward_options o = options ? *options : (ct_nn_multihead_attention_forward_options){.attn_mask = NULL};
    ct_scope scope = ct_scope_begin();
    ct_tensor *in[N_INPUTS] = {query, key, value, o.key_padding_mask, o.attn_mask, ct__flag_of(o.is_causal),
                               o.no_average_attn_weights ? ct_zeros(NULL, 0, CT_BOOL) : NULL};
    ct__forward_as(name, &attention_class, m, in, N_INPUTS, out, weights ? 2 : 1);
    if (!ct__scope_return_n(scope, (void *[]){out[0], out[1]}, 2)) return NULL;
    if (weights) *weights = out[1];
    return out[0];
}
