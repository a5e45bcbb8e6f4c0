/*
 * op_embedding.c: embedding and one_hot.
 *
 *      out[i] = weight[input[i]]        g_weight[v] = sum of g[i] over all i with input[i] = v, but 0 for padding_idx
 *
 * divided by how many there are with scale_grad_by_freq. While nothing records, the gradient is one pass over g, parallel over ranges of the
 * vocabulary: each range reads all of input, which is small beside g, and adds its own rows in order. Otherwise it is
 * put together from ops.
 */
#include "ops/half.h"
#include "ops/indices.h"

#include "base/pool.h"
#include "base/vec.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <string.h>

typedef struct embedding_ctx {
    int64_t padding; /* -1: none */
    bool scale;
} embedding_ctx;

/* ---- Gradient in one pass ---- */

typedef struct embedding_job {
    const int64_t *input, *count; /* count: NULL without scaling */
    int64_t n, width, padding;
    bool f32;
    const void *g; /* [n, width] */
    void *out;     /* [vocabulary, width] */
} embedding_job;

static void add_rows(int64_t begin, int64_t end, void *arg) {
    const embedding_job *j = arg;
    size_t elem = j->f32 ? sizeof(float) : sizeof(double);
    memset((char *)j->out + (size_t)(begin * j->width) * elem, 0, (size_t)((end - begin) * j->width) * elem);
    for (int64_t i = 0; i < j->n; i++) {
        int64_t v = j->input[i];
        if (v < begin || v >= end || v == j->padding) continue;
        double scale = j->count ? 1 / (double)j->count[v] : 1;
        if (j->f32) {
            float *to = (float *)j->out + v * j->width, s = (float)scale;
            const float *from = (const float *)j->g + i * j->width;
            for (int64_t c = 0; c < j->width; c++) to[c] += s * from[c];
        } else {
            double *to = (double *)j->out + v * j->width;
            const double *from = (const double *)j->g + i * j->width;
            for (int64_t c = 0; c < j->width; c++) to[c] += scale * from[c];
        }
    }
}

/* How often each of size values occurs in input: int64 [size], a reference of the caller's. */
static ct_tensor *frequencies(const ct_tensor *input, int64_t size) {
    ct_tensor *count = ct__new_zeros("ct_embedding", &size, 1, CT_I64);
    if (!count || !input->numel) return count;
    const int64_t *v = (const int64_t *)(const void *)ct__ptr(input);
    int64_t *c = (int64_t *)(void *)ct__ptr(count);
    for (int64_t i = 0; i < input->numel; i++) c[v[i]]++;
    return count;
}

static ct_tensor *gradient_fused(const ct__meta *m, const ct_tensor *at, ct_tensor *g, const embedding_ctx *c) {
    ct_tensor *dense = ct__dense("backward", g), *count = NULL, *out = NULL;
    if (!dense || (c->scale && !(count = frequencies(at, m->sizes[0])))) goto done;
    out = ct__new("backward", m->sizes, 2, (ct_dtype)g->dtype);
    if (!out || !out->numel) goto done;
    embedding_job j = {.input = (const int64_t *)(const void *)ct__ptr(at), .count = count ? (const int64_t *)(const void *)ct__ptr(count) : NULL,
                       .n = at->numel, .width = m->sizes[1], .padding = c->padding, .f32 = g->dtype == CT_F32, .g = ct__ptr(dense), .out = ct__ptr(out)};
    ct__parallel_for(m->sizes[0], ct__max_i64(1, 16384 / j.width), add_rows, &j);
done:
    ct__unref(dense);
    ct__unref(count);
    return ct__finish(NULL, out);
}

/* The same from ops: rows of g are scaled, or zero for the padding, and added to zeros. */
static ct_tensor *gradient_composed(const ct__meta *m, ct_tensor *at, ct_tensor *g, const embedding_ctx *c) {
    int64_t n = ct_numel(at);
    ct_tensor *rows = ct_reshape(g, (const int64_t[]){n, m->sizes[1]}, 2);
    ct_tensor *flat = ct_reshape(at, &n, 1);
    if (c->scale) {
        ct_tensor *count = ct__scope_give(frequencies(at, m->sizes[0]));
        ct_tensor *often = ct_to(ct_index_select(count, 0, flat), ct_tensor_dtype(g));
        rows = ct_div(rows, ct_unsqueeze(often, 1));
    }
    if (c->padding >= 0) rows = ct_masked_fill(rows, ct_unsqueeze(ct_eq_scalar_int(flat, c->padding), 1), 0);
    return ct_index_add(ct_zeros(m->sizes, 2, ct_tensor_dtype(g)), 0, flat, rows, NULL);
}

static void embedding_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const embedding_ctx *c = ct__ctx(n);
    const ct__meta *m = ct__input_meta(n, 0);
    ct_tensor *input = ct__saved(n, 0);
    if (!input) return;
    ct_tensor *at = ct__scope_give(ct__indices("backward", input));
    if (!at) return;
    const ct_dtype dtype = ct_tensor_dtype(g[0]); /* the sums of a half type are kept in f32 */
    ct_tensor *wide = ct__widen(g[0]), *sum = ct__grad_mode() ? gradient_composed(m, at, wide, c) : wide ? gradient_fused(m, at, wide, c) : NULL;
    gin[0] = sum && dtype != (ct_dtype)sum->dtype ? ct_to(sum, dtype) : sum;
}
static const ct__node_class embedding_class = {
    .op = CT__OP_embedding, .backward = embedding_backward, .n_saved = 1, .ctx_size = sizeof(embedding_ctx)};

/* ---- The op ---- */

static ct_status check_embedding(const ct_tensor *input, const ct_tensor *weight, const ct_embedding_options *o, embedding_ctx *c) {
    ct__shape_text a;
    CT__TRY(CT__CHECK_OPTIONS("ct_embedding", o));
    if (weight->ndim != 2) return ct__fail(CT_ERR_SHAPE, "ct_embedding: weight %s must be [num_embeddings, dim]", CT__SIZES(&a, weight));
    if (input->ndim == CT_MAX_NDIM) return ct__fail(CT_ERR_SHAPE, "ct_embedding: input has %d dims, which leaves none for the rows", CT_MAX_NDIM);
    *c = (embedding_ctx){.padding = -1, .scale = o && o->scale_grad_by_freq};
    if (!o || !o->padding_idx.has) return CT_OK;
    int64_t rows = weight->sizes[0], p = o->padding_idx.value;
    if (p < -rows || p >= rows)
        return ct__fail(CT_ERR_INDEX, "ct_embedding: padding_idx %lld is out of range for %lld embeddings", (long long)p, (long long)rows);
    c->padding = p < 0 ? p + rows : p;
    return CT_OK;
}

/* Rows of weight that at names and whose norm is above the limit, scaled down in place, as torch.embedding_renorm_. */
static ct_status renorm(ct_tensor *weight, ct_tensor *at, double max_norm, double norm_type) {
    ct_scope scope = ct_no_grad_begin();
    if (ct__check_inplace("ct_embedding", weight, NULL, 0) == CT_OK && at->numel) {
        ct_tensor *unique = ct_unique(at, CT_DIM_NONE, NULL, NULL, NULL), *rows = ct_index_select(weight, 0, unique);
        ct_tensor *norm = ct_norm(rows, norm_type, CT_DIMS(1), &(ct_reduce_options){.keepdim = true});
        ct_tensor *scale = ct_div(ct_full_like(norm, max_norm, CT_DTYPE_NONE), ct_add_scalar(norm, 1e-7));
        ct_tensor *scaled = ct_where(ct_gt_scalar(norm, max_norm), ct_mul(rows, scale), rows);
        if (scaled) ct_index_copy_(weight, 0, unique, scaled);
    }
    ct_scope_end(scope);
    return ct__pending();
}

ct_tensor *ct_embedding(ct_tensor *input, ct_tensor *weight, const ct_embedding_options *options) {
    static const char function[] = "ct_embedding";
    embedding_ctx c;
    if (!ct__enter(CT__OP_embedding, (ct_tensor *[]){input, weight}, 2)) return NULL;
    CT__TRY_NULL(check_embedding(input, weight, options, &c));
    int64_t sizes[CT_MAX_NDIM];
    memcpy(sizes, input->sizes, input->ndim * sizeof *sizes);
    sizes[input->ndim] = weight->sizes[1];
    ct_tensor *out = NULL, *at = ct__indices(function, input);
    ct__node *n = NULL;
    const bool good = at && ct__check_indices(function, at, weight->sizes[0], "weight") == CT_OK;
    if (good && options && options->max_norm.has)
        renorm(weight, at, options->max_norm.value, options->norm_type.has ? options->norm_type.value : 2);
    if (good && ct__pending() == CT_OK) out = ct__new(function, sizes, input->ndim + 1, (ct_dtype)weight->dtype);
    if (out) {
        n = ct__node_new(&embedding_class, &weight, 1, 1);
        ct__save(n, 0, input);
        if (n) *(embedding_ctx *)ct__ctx(n) = c;
        ct__picks p = ct__picks_along(weight, 0, at);
        ct__picks_take(&p, ct_dtype_size((ct_dtype)weight->dtype), ct__ptr(weight), ct__ptr(out));
    }
    ct__unref(at);
    return ct__finish(n, out);
}

ct_tensor *ct_one_hot(ct_tensor *x, int64_t num_classes) {
    static const char function[] = "ct_one_hot";
    if (!ct__enter(CT__OP_one_hot, &x, 1)) return NULL;
    if (x->dtype != CT_I64 || x->ndim == CT_MAX_NDIM) {
        ct__fail(x->dtype != CT_I64 ? CT_ERR_DTYPE : CT_ERR_SHAPE, "ct_one_hot: x is %s with %d dims; it must be int64 with fewer than %d",
                 ct_dtype_name((ct_dtype)x->dtype), x->ndim, CT_MAX_NDIM);
        return NULL;
    }
    if (num_classes < -1 || num_classes == 0 || (num_classes == -1 && x->numel == 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_one_hot: num_classes %lld for %lld elements; at least 1, or -1 for the highest value + 1",
                 (long long)num_classes, (long long)x->numel);
        return NULL;
    }
    ct_tensor *at = ct__dense(function, x), *out = NULL;
    if (!at) return NULL;
    const int64_t *v = (const int64_t *)(const void *)ct__ptr(at);
    int64_t classes = num_classes, sizes[CT_MAX_NDIM];
    if (num_classes == -1) {
        classes = 0;
        for (int64_t i = 0; i < at->numel; i++) classes = ct__max_i64(classes, v[i] < INT64_MAX ? v[i] + 1 : INT64_MAX);
        if (classes == 0) classes = 1; /* all negative: the check below says so */
    }
    memcpy(sizes, x->sizes, x->ndim * sizeof *sizes);
    sizes[x->ndim] = classes;
    if (ct__check_indices(function, at, classes, "num_classes") == CT_OK) out = ct__new_zeros(function, sizes, x->ndim + 1, CT_I64);
    if (out && out->numel) {
        int64_t *to = (int64_t *)(void *)ct__ptr(out);
        for (int64_t i = 0; i < at->numel; i++) to[i * classes + v[i]] = 1;
    }
    ct__unref(at);
    return ct__finish(NULL, out);
}
