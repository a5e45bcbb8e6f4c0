/*
 * op_attention.c: scaled dot product attention.
 *
 * The fused form takes three or four dims, equal leading ones, and a mask that needs no gradient, in any strides whose last is 1 (heads that lie
 * inside of rows, as projections give them, are read in place). It keeps query, key, value, the result, one number per row (kern_attention.h) and
 * dropout's draw. All else, and gradients of gradients, is composed of public ops.
 *
 * ct__attention_packed is the same for one projection with query, key and value side by side: it reads them there, writes the result with its heads
 * side by side, and its gradient as one tensor, so that nothing is cut, permuted or put together.
 */
#include "base/vec.h"
#include "kernels/blas/blas.h"
#include "kernels/kernels.h"
#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/twin.h"

#include <ctorch/ops_attention.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <string.h>

typedef struct attention_ctx {
    double scale;
    bool causal;
    ct__dropout_draw drop;
    int64_t heads;    /* packed: of query, key and value each; else 0 */
    bool batch_first; /* packed */
    ct_tensor *mask;  /* for the twin; not a reference */
} attention_ctx;

enum { QUERY, KEY, VALUE, MASK, OUTPUT, LSE, N_SAVED }; /* packed: all three are QUERY */

/* ---- Composed ---- */

/* A floating point mask to add, of dtype: 0 and -inf for a bool one. */
static ct_tensor *additive(ct_tensor *mask, ct_dtype dtype) {
    if (!mask || mask->dtype != CT_BOOL) return mask;
    return ct_masked_fill(ct_zeros(mask->sizes, mask->ndim, dtype), ct_logical_not(mask), -INFINITY);
}

static ct_tensor *causal_mask(int64_t l, int64_t s, ct_dtype dtype) {
    return ct_triu(ct_full(CT_SHAPE(l, s), -INFINITY, dtype), 1);
}

/* softmax over the last dim, 0 for rows of nothing but -inf, and no NaN in their gradient. */
static ct_tensor *safe_softmax(ct_tensor *scores) {
    ct_tensor *blind = ct_all_dim(ct_eq_scalar(scores, -INFINITY), -1, &(ct_reduce_options){.keepdim = true});
    return ct_masked_fill(ct_softmax(ct_masked_fill(scores, blind, 0), -1), blind, 0);
}

/* What attention multiplies value by. The scale's root goes to each factor, as in torch: half types do not overflow. */
static ct_tensor *probabilities(ct_tensor *q, ct_tensor *k, ct_tensor *mask, double scale, bool causal) {
    const bool negative = scale < 0;
    const double root = sqrt(fabs(scale));
    ct_tensor *scores = ct_matmul(ct_mul_scalar(q, negative ? -root : root), ct_transpose(ct_mul_scalar(k, root), -2, -1));
    if (!scores) return NULL;
    if (causal) mask = causal_mask(ct_size(q, -2), ct_size(k, -2), ct_tensor_dtype(q));
    if (mask) scores = ct_add(scores, additive(mask, ct_tensor_dtype(q)));
    return mask ? safe_softmax(scores) : ct_softmax(scores, -1);
}

static ct_tensor *composed(ct_tensor *const *qkv, const attention_ctx *c) {
    ct_tensor *p = probabilities(qkv[0], qkv[1], c->mask, c->scale, c->causal);
    if (p && c->drop.threshold > 0) p = ct__dropout_with(p, c->drop);
    return ct_matmul(p, qkv[2]);
}

/* Part i of a packed projection as [B, heads, T, d]. */
static ct_tensor *head_part(ct_tensor *x, int i, const attention_ctx *c) {
    const int64_t e = ct_size(x, 2) / 3;
    x = ct_unflatten(ct_narrow(x, 2, i * e, e), 2, (const int64_t[]){c->heads, e / c->heads}, 2);
    return c->batch_first ? ct_permute(x, CT_DIMS(0, 2, 1, 3)) : ct_permute(x, CT_DIMS(1, 2, 0, 3));
}

static void twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    const attention_ctx *c = ctx;
    if (c->heads == 0) {
        out[0] = composed(in, c);
        return;
    }
    ct_tensor *qkv[3];
    for (int i = 0; i < 3; i++) qkv[i] = head_part(in[0], i, c);
    ct_tensor *y = composed(qkv, c);
    out[0] = ct_flatten(c->batch_first ? ct_permute(y, CT_DIMS(0, 2, 1, 3)) : ct_permute(y, CT_DIMS(2, 0, 1, 3)), 2, 3);
}

/* ---- Fused ---- */

/* t with rows that the BLAS can read: itself or a row-major copy; a reference. */
static ct_tensor *with_dense_rows(const char *function, ct_tensor *t) {
    const int64_t width = t->sizes[t->ndim - 1], step = t->strides[t->ndim - 2];
    const bool dense = width <= 1 || t->strides[t->ndim - 1] == 1;
    if (!dense || (t->sizes[t->ndim - 2] > 1 && (step < width || step > ct__blas_ld_max()))) return ct__dense(function, t);
    ct__ref(t);
    return t;
}

static ct__attention_rows rows_of(const ct_tensor *t) {
    const int d = t->ndim;
    const int64_t step = t->sizes[d - 2] > 1 ? t->strides[d - 2] : t->sizes[d - 1]; /* of one row it may be anything */
    return (ct__attention_rows){ct__ptr(t), d > 3 ? t->strides[0] : 0, d > 2 ? t->strides[d - 3] : 0, step};
}

/* Part `part` of a packed projection, or of a result that has one part, as [B, heads, T, d]: a reference to a view without history. */
static ct_tensor *part_view(const ct_tensor *t, int part, int parts, const attention_ctx *c) {
    const int b = c->batch_first ? 0 : 1, l = 1 - b;
    const int64_t e = t->sizes[2] / parts, d = e / c->heads;
    const int64_t sizes[] = {t->sizes[b], c->heads, t->sizes[l], d}, strides[] = {t->strides[b], d * t->strides[2], t->strides[l], t->strides[2]};
    return ct__new_view(t, sizes, strides, 4, t->offset + part * e * t->strides[2]);
}

/* What a call works on, all references: query, key, value and the result or its gradient with rows that the BLAS can read. */
typedef struct operands {
    ct__attention a;
    ct_tensor *q, *k, *v;
} operands;

static void release(operands *o) {
    ct__unref(o->q);
    ct__unref(o->k);
    ct__unref(o->v);
}

/* t, or part i of it, with dense rows: a reference. */
static ct_tensor *operand(const char *function, ct_tensor *t, int i, const attention_ctx *c) {
    if (c->heads == 0) return with_dense_rows(function, t);
    ct_tensor *view = part_view(t, i, 3, c), *rows = view ? with_dense_rows(function, view) : NULL;
    ct__unref(view);
    return rows;
}

/* mask: additive, NULL or broadcast to four dims. */
static bool problem_of(const char *function, const attention_ctx *c, ct_tensor *q, ct_tensor *k, ct_tensor *v, ct_tensor *mask, operands *o) {
    *o = (operands){.q = operand(function, q, 0, c), .k = operand(function, k, 1, c), .v = operand(function, v, 2, c)};
    if (!o->q || !o->k || !o->v) return false;
    const int d = o->q->ndim;
    ct__attention *a = &o->a;
    *a = (ct__attention){.dtype = (ct_dtype)q->dtype, .n = d > 3 ? o->q->sizes[0] : 1, .h = d > 2 ? o->q->sizes[d - 3] : 1, .l = o->q->sizes[d - 2],
                         .s = o->k->sizes[d - 2], .e = o->q->sizes[d - 1], .ev = o->v->sizes[d - 1], .scale = c->scale, .causal = c->causal,
                         .q = rows_of(o->q), .k = rows_of(o->k), .v = rows_of(o->v), .key = c->drop.key, .threshold = c->drop.threshold, .keep = c->drop.scale};
    if (!mask) return true;
    int64_t stride[4];
    for (int i = 0; i < 4; i++) {
        int at = mask->ndim - 4 + i;
        stride[i] = at >= 0 && mask->sizes[at] > 1 ? mask->strides[at] : 0;
    }
    a->mask = ct__ptr(mask);
    a->mask_n = stride[0], a->mask_h = stride[1], a->mask_l = stride[2], a->mask_s = stride[3];
    return true;
}

/* The rows of a result or a gradient; a packed one through a view of it, whose memory is t's. */
static bool rows_in(const attention_ctx *c, ct_tensor *t, int part, int parts, ct__attention_rows *rows) {
    ct_tensor *view = c->heads ? part_view(t, part, parts, c) : t;
    if (!view) return false;
    *rows = rows_of(view);
    if (view != t) ct__unref(view);
    return true;
}

/* gin of the inputs: three, or packed one of all three. */
static void fused(ct__node *n, const attention_ctx *c, ct_tensor *const *saved, ct_tensor *g, ct_tensor **gin) {
    static const char function[] = "backward";
    ct_tensor *gd = c->heads ? ct__dense(function, g) : with_dense_rows(function, g), *out[3] = {NULL, NULL, NULL};
    const int n_in = c->heads ? 1 : 3;
    operands o;
    ct__attention_grads r;
    bool ready = problem_of(function, c, saved[QUERY], saved[n_in > 1 ? KEY : QUERY], saved[n_in > 1 ? VALUE : QUERY], saved[MASK], &o) && gd;
    for (int i = 0; i < n_in && ready; i++) ready = (out[i] = ct__new(function, saved[i]->sizes, saved[i]->ndim, o.a.dtype)) != NULL;
    ready = ready && rows_in(c, gd, 0, 1, &r.dout) && rows_in(c, saved[OUTPUT], 0, 1, &r.out) && rows_in(c, out[0], 0, 3, &r.dq) &&
            rows_in(c, out[n_in > 1 ? 1 : 0], 1, 3, &r.dk) && rows_in(c, out[n_in > 1 ? 2 : 0], 2, 3, &r.dv);
    if (ready) ct__kern()->attention.backward(&o.a, &r, ct__ptr(saved[LSE]));
    release(&o);
    ct__unref(gd);
    for (int i = 0; i < n_in; i++) {
        out[i] = ct__scope_give(out[i]);
        if (ct__needs(n, i)) gin[i] = out[i];
    }
}

static void attention_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    attention_ctx c = *(const attention_ctx *)ct__ctx(n);
    ct_tensor *saved[N_SAVED];
    for (int i = 0; i < N_SAVED; i++) saved[i] = ct__saved(n, i);
    if (ct__pending() != CT_OK) return;
    c.mask = saved[MASK];
    if (ct__grad_mode()) ct__twin_backward(n, twin, &c, saved, c.heads ? 1 : 3, g, 1, gin);
    else fused(n, &c, saved, g[0], gin);
}
static const ct__node_class attention_class = {
    .op = CT__OP_scaled_dot_product_attention, .backward = attention_backward, .ctx_size = sizeof(attention_ctx), .n_saved = N_SAVED};

/* in: query, key, value, or packed all three in in[0]. */
static ct_tensor *fused_attention(ct_tensor *const *in, ct_tensor *mask, attention_ctx c) {
    const char *function = ct__fn(CT__OP_scaled_dot_product_attention);
    const bool packed = c.heads > 0;
    ct_tensor *q = in[0], *k = in[packed ? 0 : 1], *v = in[packed ? 0 : 2], *out = NULL, *lse = NULL;
    int64_t sizes[CT_MAX_NDIM];
    operands o;
    ct__attention_rows rows;
    memcpy(sizes, q->sizes, q->ndim * sizeof *sizes);
    sizes[q->ndim - 1] = packed ? q->sizes[2] / 3 : v->sizes[v->ndim - 1];
    ct__node *n = ct__node_new(&attention_class, in, packed ? 1 : 3, 1);
    if (problem_of(function, &c, q, k, v, mask, &o)) {
        const int64_t stats[] = {o.a.n, o.a.h, o.a.l};
        out = ct__new(function, sizes, q->ndim, o.a.dtype);
        lse = out ? ct__new(function, stats, 3, o.a.dtype) : NULL;
        if (lse && rows_in(&c, out, 0, 1, &rows)) ct__kern()->attention.forward(&o.a, &rows, ct__ptr(lse));
    }
    if (n) *(attention_ctx *)ct__ctx(n) = c;
    ct__save(n, QUERY, q);
    ct__save(n, KEY, packed ? NULL : k);
    ct__save(n, VALUE, packed ? NULL : v);
    ct__save(n, MASK, mask);
    ct__save(n, LSE, lse);
    ct__save_output(n, OUTPUT, out, 0);
    release(&o);
    ct__unref(lse);
    return ct__finish(n, out);
}

/* ---- The op ---- */

static ct_status check(const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, const ct_tensor *mask, const ct_scaled_dot_product_attention_options *o) {
    const char *function = ct__fn(CT__OP_scaled_dot_product_attention);
    ct__shape_text a, b, c;
    if (!ct__is_float(q) || k->dtype != q->dtype || v->dtype != q->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: query is %s, key %s, value %s; they must be of one floating point dtype", function,
                        ct_dtype_name((ct_dtype)q->dtype), ct_dtype_name((ct_dtype)k->dtype), ct_dtype_name((ct_dtype)v->dtype));
    if (q->ndim < 2 || k->ndim < 2 || v->ndim < 2 || q->sizes[q->ndim - 1] != k->sizes[k->ndim - 1] || k->sizes[k->ndim - 2] != v->sizes[v->ndim - 2])
        return ct__fail(CT_ERR_SHAPE, "%s: query %s, key %s, value %s must be [..., L, E], [..., S, E], [..., S, Ev]", function, CT__SIZES(&a, q),
                        CT__SIZES(&b, k), CT__SIZES(&c, v));
    if (mask && o && o->is_causal) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: attn_mask together with is_causal", function);
    if (mask && mask->dtype != CT_BOOL && mask->dtype != q->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: attn_mask is %s; it must be bool or, as query, %s", function, ct_dtype_name((ct_dtype)mask->dtype),
                        ct_dtype_name((ct_dtype)q->dtype));
    if (o && !(o->dropout_p >= 0 && o->dropout_p <= 1))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dropout_p is %g but must be between 0 and 1", function, o->dropout_p);
    return CT_OK;
}

/* key or value with each of its heads repeated for a group of query's. */
static ct_tensor *shared_heads(ct_tensor *q, ct_tensor *t) {
    const char *function = ct__fn(CT__OP_scaled_dot_product_attention);
    if (q->ndim < 3 || t->ndim < 3 || t->sizes[t->ndim - 3] == 0 || q->sizes[q->ndim - 3] % t->sizes[t->ndim - 3]) {
        ct__shape_text a, b;
        ct__fail(CT_ERR_SHAPE, "%s: enable_gqa needs a number of heads in query %s that is a multiple of those in %s", function, CT__SIZES(&a, q), CT__SIZES(&b, t));
        return NULL;
    }
    const int d = t->ndim - 3;
    const int64_t heads = t->sizes[d], group = q->sizes[q->ndim - 3] / heads;
    if (group == 1) return t;
    int64_t sizes[CT_MAX_NDIM + 1];
    memcpy(sizes, t->sizes, t->ndim * sizeof *sizes);
    memmove(sizes + d + 2, sizes + d + 1, 2 * sizeof *sizes);
    sizes[d + 1] = group;
    ct_tensor *wide = ct_expand(ct_unsqueeze(t, d + 1), sizes, t->ndim + 1);
    memcpy(sizes, t->sizes, t->ndim * sizeof *sizes);
    sizes[d] = heads * group;
    return ct_reshape(wide, sizes, t->ndim);
}

/* The fused form takes it: nothing to broadcast, some elements. */
static bool is_plain(const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, ct_tensor *mask) {
    if (q->ndim < 3 || q->ndim > 4 || k->ndim != q->ndim || v->ndim != q->ndim) return false;
    for (int d = 0; d < q->ndim - 2; d++)
        if (k->sizes[d] != q->sizes[d] || v->sizes[d] != q->sizes[d]) return false;
    if (q->numel == 0 || k->numel == 0 || v->numel == 0) return false;
    if (!mask) return true;
    if (mask->ndim > q->ndim || (ct__grad_mode() && ct__requires_grad(mask))) return false;
    const int64_t scores[] = {q->ndim > 3 ? q->sizes[0] : 1, q->sizes[q->ndim - 3], q->sizes[q->ndim - 2], k->sizes[k->ndim - 2]};
    for (int i = 0; i < mask->ndim; i++) {
        int64_t have = mask->sizes[mask->ndim - 1 - i];
        if (have != 1 && have != scores[3 - i]) return false;
    }
    return true;
}

ct_tensor *ct_scaled_dot_product_attention(ct_tensor *query, ct_tensor *key, ct_tensor *value, ct_tensor *attn_mask,
                                           const ct_scaled_dot_product_attention_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&query, &key, &value, &attn_mask}, 4, &cast))
        return ct_scope_return(cast, ct_scaled_dot_product_attention(query, key, value, attn_mask, o));
    const int op = CT__OP_scaled_dot_product_attention;
    ct_tensor *in[] = {query, key, value, attn_mask};
    if (!ct__enter(op, in, attn_mask ? 4 : 3)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), o));
    CT__TRY_NULL(check(query, key, value, attn_mask, o));
    const ct_scaled_dot_product_attention_options given = o ? *o : (ct_scaled_dot_product_attention_options){.dropout_p = 0};
    if (ct__is_half(query)) {
        ct_scaled_dot_product_attention_options same = given;
        same.scale = (ct_opt_f64){true, given.scale.has ? given.scale.value : 1 / sqrt((double)query->sizes[query->ndim - 1])};
        ct__half h = ct__half_begin(query);
        return ct__half_end(h, ct_scaled_dot_product_attention(ct__widen(query), ct__widen(key), ct__widen(value), ct__widen(attn_mask), &same));
    }
    attention_ctx c = {.scale = given.scale.has ? given.scale.value : 1 / sqrt((double)query->sizes[query->ndim - 1]), .causal = given.is_causal};
    ct_scope scope = ct_scope_begin();
    if (given.enable_gqa) {
        key = shared_heads(query, key);
        value = shared_heads(query, value);
    }
    ct_tensor *y = NULL;
    if (key && value && is_plain(query, key, value, attn_mask)) {
        ct_tensor *mask = additive(attn_mask, (ct_dtype)query->dtype);
        c.drop = ct__dropout_new_draw(given.dropout_p, given.generator);
        if (ct__pending() == CT_OK) y = fused_attention((ct_tensor *[]){query, key, value}, mask, c);
    } else if (key && value) {
        y = probabilities(query, key, attn_mask, c.scale, c.causal);
        if (given.dropout_p > 0) y = ct_dropout(y, given.dropout_p, &(ct_dropout_options){.generator = given.generator});
        y = ct_matmul(y, value);
    }
    return ct_scope_return(scope, y);
}

/* ---- Packed ---- */

bool ct__attention_packs(const ct_tensor *qkv, ct_tensor *mask) {
    return qkv && qkv->ndim == 3 && qkv->numel > 0 && ct__is_float(qkv) && !ct__is_half(qkv) && !(mask && ct__grad_mode() && ct__requires_grad(mask));
}

ct_tensor *ct__attention_packed(ct_tensor *qkv, int64_t heads, bool batch_first, ct_tensor *mask, bool causal, double dropout) {
    if (!ct__enter(CT__OP_scaled_dot_product_attention, (ct_tensor *[]){qkv, mask}, mask ? 2 : 1)) return NULL;
    attention_ctx c = {.scale = 1 / sqrt((double)qkv->sizes[2] / 3 / (double)heads), .causal = causal, .heads = heads, .batch_first = batch_first,
                       .drop = ct__dropout_new_draw(dropout, NULL)};
    return fused_attention(&qkv, mask, c);
}
