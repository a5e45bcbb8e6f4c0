/*
 * op_attention.c: scaled dot product attention.
 *
 * The fused form takes three or four dims, equal leading ones, no dropout, and a mask that needs no gradient, in any strides whose last is 1 (heads that
 * lie inside of rows, as projections give them, are read in place). It keeps query, key, value, the result and one number per row (kern_attention.h). All
 * else, and gradients of gradients, is composed of public ops.
 */
#include "base/vec.h"
#include "kernels/blas/blas.h"
#include "kernels/kernels.h"
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
    ct_tensor *mask; /* for the twin; not a reference */
} attention_ctx;

enum { QUERY, KEY, VALUE, MASK, OUTPUT, LSE, N_SAVED };

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

/* The scale's root goes to each factor, as in torch: half types do not overflow. */
static ct_tensor *composed(ct_tensor *q, ct_tensor *k, ct_tensor *v, ct_tensor *mask, double scale, bool causal, double dropout, ct_generator *generator) {
    const bool negative = scale < 0;
    const double root = sqrt(fabs(scale));
    ct_tensor *scores = ct_matmul(ct_mul_scalar(q, negative ? -root : root), ct_transpose(ct_mul_scalar(k, root), -2, -1));
    if (!scores) return NULL;
    if (causal) mask = causal_mask(ct_size(q, -2), ct_size(k, -2), ct_tensor_dtype(q));
    if (mask) scores = ct_add(scores, additive(mask, ct_tensor_dtype(q)));
    ct_tensor *p = mask ? safe_softmax(scores) : ct_softmax(scores, -1);
    if (dropout > 0) p = ct_dropout(p, dropout, &(ct_dropout_options){.generator = generator});
    return ct_matmul(p, v);
}

static void twin(const void *ctx, ct_tensor *const *in, ct_tensor **out) {
    const attention_ctx *c = ctx;
    out[0] = composed(in[QUERY], in[KEY], in[VALUE], c->mask, c->scale, c->causal, 0, NULL);
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

/* The operands as the kernel wants them; dense[] are references. mask: additive, NULL or broadcast to four dims. */
static bool problem_of(const char *function, const attention_ctx *c, ct_tensor *q, ct_tensor *k, ct_tensor *v, ct_tensor *mask, ct__attention *a,
                       ct_tensor **dense) {
    ct_tensor *in[] = {q, k, v};
    for (int i = 0; i < 3; i++)
        if (!(dense[i] = with_dense_rows(function, in[i]))) return false;
    const int d = q->ndim;
    *a = (ct__attention){.dtype = (ct_dtype)q->dtype, .n = d > 3 ? q->sizes[0] : 1, .h = d > 2 ? q->sizes[d - 3] : 1, .l = q->sizes[d - 2],
                         .s = k->sizes[d - 2], .e = q->sizes[d - 1], .ev = v->sizes[d - 1], .scale = c->scale, .causal = c->causal,
                         .q = rows_of(dense[0]), .k = rows_of(dense[1]), .v = rows_of(dense[2])};
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

static void end_problem(ct_tensor **dense) {
    for (int i = 0; i < 3; i++) ct__unref(dense[i]);
}

static void fused(ct__node *n, const attention_ctx *c, ct_tensor *const *saved, ct_tensor *g, ct_tensor **gin) {
    static const char function[] = "backward";
    ct_tensor *dense[3] = {NULL, NULL, NULL}, *gd = ct__dense(function, g), *out[3] = {NULL, NULL, NULL};
    ct__attention a;
    if (gd && problem_of(function, c, saved[QUERY], saved[KEY], saved[VALUE], saved[MASK], &a, dense)) {
        for (int i = 0; i < 3; i++) out[i] = ct__new(function, saved[i]->sizes, saved[i]->ndim, a.dtype);
        if (ct__pending() == CT_OK)
            ct__kern()->attention.backward(&a, ct__ptr(gd), ct__ptr(saved[OUTPUT]), ct__ptr(saved[LSE]), ct__ptr(out[0]), ct__ptr(out[1]), ct__ptr(out[2]));
    }
    end_problem(dense);
    ct__unref(gd);
    for (int i = 0; i < 3; i++) {
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
    if (ct__grad_mode()) ct__twin_backward(n, twin, &c, saved, 3, g, 1, gin);
    else fused(n, &c, saved, g[0], gin);
}
static const ct__node_class attention_class = {
    .op = CT__OP_scaled_dot_product_attention, .backward = attention_backward, .ctx_size = sizeof(attention_ctx), .n_saved = N_SAVED};

static ct_tensor *fused_attention(ct_tensor *q, ct_tensor *k, ct_tensor *v, ct_tensor *mask, attention_ctx c) {
    const char *function = ct__fn(CT__OP_scaled_dot_product_attention);
    ct_tensor *dense[3] = {NULL, NULL, NULL}, *out = NULL, *lse = NULL;
    int64_t sizes[CT_MAX_NDIM];
    ct__attention a;
    memcpy(sizes, q->sizes, q->ndim * sizeof *sizes);
    sizes[q->ndim - 1] = v->sizes[v->ndim - 1];
    ct__node *n = ct__node_new(&attention_class, (ct_tensor *[]){q, k, v}, 3, 1);
    if (problem_of(function, &c, q, k, v, mask, &a, dense)) {
        out = ct__new(function, sizes, q->ndim, a.dtype);
        lse = out ? ct__new(function, sizes, q->ndim - 1, a.dtype) : NULL;
        if (lse) ct__kern()->attention.forward(&a, ct__ptr(out), ct__ptr(lse));
    }
    if (n) *(attention_ctx *)ct__ctx(n) = c;
    ct__save(n, QUERY, q);
    ct__save(n, KEY, k);
    ct__save(n, VALUE, v);
    ct__save(n, MASK, mask);
    ct__save(n, LSE, lse);
    ct__save_output(n, OUTPUT, out, 0);
    end_problem(dense);
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

/* The fused form takes it: no elements to divide by, broadcast or draw. */
static bool is_plain(const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, ct_tensor *mask, double dropout) {
    if (dropout > 0 || q->ndim < 3 || q->ndim > 4 || k->ndim != q->ndim || v->ndim != q->ndim) return false;
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
    const attention_ctx c = {.scale = given.scale.has ? given.scale.value : 1 / sqrt((double)query->sizes[query->ndim - 1]), .causal = given.is_causal};
    ct_scope scope = ct_scope_begin();
    if (given.enable_gqa) {
        key = shared_heads(query, key);
        value = shared_heads(query, value);
    }
    ct_tensor *y = NULL;
    if (key && value && is_plain(query, key, value, attn_mask, given.dropout_p)) {
        ct_tensor *mask = additive(attn_mask, (ct_dtype)query->dtype);
        if (ct__pending() == CT_OK) y = fused_attention(query, key, value, mask, c);
    } else if (key && value) {
        y = composed(query, key, value, attn_mask, c.scale, c.causal, given.dropout_p, given.generator);
    }
    return ct_scope_return(scope, y);
}
