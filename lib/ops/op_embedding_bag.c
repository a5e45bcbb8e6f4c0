/*
 * op_embedding_bag.c: sums, means and maxima of embeddings.
 *
 * Two index tensors say it all: which rows of weight are taken (those that are padding are not) and which bag each belongs to. The rest is composed
 * of public ops, which give gradients of any order:
 *
 *      sum, mean    zeros [bags, dim] + index_add of embedding(rows) [* per_sample_weights]      [/ number of rows]
 *      max          gather of weight at the rows that are largest, found once per column
 */
#include "base/vec.h"
#include "ops/half.h"
#include "ops/indices.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

typedef struct bags {
    int64_t n, taken;       /* bags; elements that are not padding */
    ct_tensor *row, *bag;   /* int64 [taken], scope-held */
    ct_tensor *place;       /* int64 [taken]: where in input each stood */
    ct_tensor *count;       /* int64 [n]: rows of each bag */
} bags;

static int64_t *numbers(ct_tensor *t) { return (int64_t *)(void *)ct__ptr(t); }
static ct_tensor *vector(int64_t n) { return ct__scope_give(ct__new("ct_embedding_bag", &n, 1, CT_I64)); }

/* offsets: where each of the n bags begins, n + 1 numbers; checked. */
static ct_status check_offsets(const int64_t *offset, int64_t n, int64_t total) {
    for (int64_t b = 0; b < n; b++) {
        if (b == 0 && offset[0] != 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_embedding_bag: offsets[0] is %lld, but must be 0", (long long)offset[0]);
        if (offset[b] < 0 || offset[b] > total || offset[b + 1] < offset[b] || offset[b + 1] > total)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_embedding_bag: offsets[%lld] is %lld; they must not fall, nor exceed the %lld indices", (long long)b,
                            (long long)offset[b], (long long)total);
    }
    return CT_OK;
}

static ct_status fill_bags(const int64_t *at, const int64_t *offset, int64_t n, int64_t total, int64_t padding, bags *b) {
    CT__TRY(check_offsets(offset, n, total));
    b->n = n;
    b->taken = 0;
    for (int64_t i = 0; i < (n ? offset[n] : 0); i++) b->taken += at[i] != padding;
    b->row = vector(b->taken);
    b->bag = vector(b->taken);
    b->place = vector(b->taken);
    b->count = vector(n);
    if (ct__pending() != CT_OK) return ct__pending();
    int64_t to = 0;
    for (int64_t k = 0; k < n; k++) {
        const int64_t first = to;
        for (int64_t i = offset[k]; i < offset[k + 1]; i++) {
            if (at[i] == padding) continue;
            numbers(b->row)[to] = at[i];
            numbers(b->bag)[to] = k;
            numbers(b->place)[to++] = i;
        }
        numbers(b->count)[k] = to - first;
    }
    return CT_OK;
}

/* The bags of an input [B, N], whose rows they are, or [N] with offsets. */
static ct_status make_bags(ct_tensor *at, ct_tensor *offsets, bool with_last, int64_t padding, bags *b) {
    const int64_t given = offsets ? offsets->sizes[0] : 0, n = offsets ? given - (with_last ? 1 : 0) : at->sizes[0];
    if (n < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_embedding_bag: include_last_offset needs at least one offset");
    int64_t *offset = ct__alloc_array((size_t)(n + 1), sizeof *offset);
    if (!offset) return ct__pending();
    for (int64_t i = 0; i <= n; i++) offset[i] = offsets ? (i < given ? numbers(offsets)[i] : at->numel) : i * at->sizes[1];
    ct_status status = fill_bags(numbers(at), offset, n, at->numel, padding, b);
    ct__free(offset);
    return status;
}

/* ---- sum and mean ---- */

static ct_tensor *summed(const bags *b, ct_tensor *weight, ct_tensor *per_sample, bool mean, bool scale) {
    const ct_dtype dtype = (ct_dtype)weight->dtype;
    ct_tensor *rows = ct_embedding(b->row, weight, &(ct_embedding_options){.scale_grad_by_freq = scale});
    if (per_sample) {
        ct_tensor *factor = ct_index_select(ct_reshape(per_sample, CT_SHAPE(-1)), 0, b->place);
        rows = ct_mul(rows, ct_unsqueeze(factor, 1));
    }
    ct_tensor *sum = ct_index_add(ct_zeros(CT_SHAPE(b->n, weight->sizes[1]), dtype), 0, b->bag, rows, NULL);
    if (!mean) return sum;
    return ct_div(sum, ct_unsqueeze(ct_to(ct_clamp_int(b->count, 1, INT64_MAX), dtype), 1));
}

/* ---- max ---- */

/* For each bag and column the row that is largest, the first of equals; 0 for an empty bag. int64 [n, dim]. */
static ct_tensor *largest(const bags *b, const ct_tensor *weight) {
    const int64_t dim = weight->sizes[1];
    ct_tensor *out = ct__new("ct_embedding_bag", (int64_t[]){b->n, dim}, 2, CT_I64);
    if (!out || !out->numel) return ct__scope_give(out);
    const size_t size = ct_dtype_size((ct_dtype)weight->dtype);
    int64_t *best = numbers(out), at = 0;
    for (int64_t k = 0; k < b->n; k++, best += dim) {
        for (int64_t d = 0; d < dim; d++) best[d] = 0;
        for (int64_t i = 0; i < numbers(b->count)[k]; i++, at++) {
            const int64_t row = numbers(b->row)[at];
            for (int64_t d = 0; d < dim; d++) {
                const char *column = ct__ptr(weight) + (size_t)(d * weight->strides[1]) * size;
                double value = ct__load_f64(column + (size_t)(row * weight->strides[0]) * size, (ct_dtype)weight->dtype);
                double high = ct__load_f64(column + (size_t)(best[d] * weight->strides[0]) * size, (ct_dtype)weight->dtype);
                if (i == 0 || value > high) best[d] = row;
            }
        }
    }
    return ct__scope_give(out);
}

static ct_tensor *maximum(const bags *b, ct_tensor *weight) {
    if (weight->sizes[0] == 0) return ct_zeros(CT_SHAPE(b->n, weight->sizes[1]), (ct_dtype)weight->dtype);
    ct_tensor *values = ct_gather(weight, 0, largest(b, weight));
    return ct_masked_fill(values, ct_unsqueeze(ct_eq_scalar_int(b->count, 0), 1), 0);
}

/* ---- The op ---- */

static ct_status check(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *offsets, const ct_embedding_bag_options *o, int64_t *padding) {
    static const char function[] = "ct_embedding_bag";
    ct__shape_text a, b;
    const ct_tensor *per_sample = o ? o->per_sample_weights : NULL;
    CT__TRY(ct__is_float(weight) ? CT_OK : ct__fail(CT_ERR_DTYPE, "%s: weight is %s, not floating point", function, ct_dtype_name((ct_dtype)weight->dtype)));
    if (weight->ndim != 2) return ct__fail(CT_ERR_SHAPE, "%s: weight %s must be [num_embeddings, dim]", function, CT__SIZES(&a, weight));
    if (input->ndim == 2 ? offsets != NULL : input->ndim != 1 || !offsets)
        return ct__fail(CT_ERR_SHAPE, "%s: input %s %s offsets: it must be [N] with them or [B, N] without", function, CT__SIZES(&a, input), offsets ? "with" : "without");
    if (offsets && (offsets->ndim != 1 || offsets->dtype != input->dtype))
        return ct__fail(CT_ERR_SHAPE, "%s: offsets are %s %s; they must have one dim and input's dtype %s", function, ct_dtype_name((ct_dtype)offsets->dtype),
                        CT__SIZES(&a, offsets), ct_dtype_name((ct_dtype)input->dtype));
    const ct_embedding_bag_mode mode = o ? o->mode : CT_EMBEDDING_BAG_MEAN;
    if (mode != CT_EMBEDDING_BAG_MEAN && mode != CT_EMBEDDING_BAG_SUM && mode != CT_EMBEDDING_BAG_MAX)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a mode", function, (int)mode);
    if (mode == CT_EMBEDDING_BAG_MAX && o->scale_grad_by_freq)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale_grad_by_freq is not for maxima", function);
    if (per_sample && mode != CT_EMBEDDING_BAG_SUM) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: per_sample_weights are for sums only", function);
    if (per_sample && (!ct__same_sizes(per_sample, input) || per_sample->dtype != weight->dtype))
        return ct__fail(CT_ERR_SHAPE, "%s: per_sample_weights %s of %s for input %s: they must have its shape and weight's dtype %s", function,
                        CT__SIZES(&a, per_sample), ct_dtype_name((ct_dtype)per_sample->dtype), CT__SIZES(&b, input), ct_dtype_name((ct_dtype)weight->dtype));
    *padding = -1;
    if (!o || !o->padding_idx.has) return CT_OK;
    const int64_t rows = weight->sizes[0], p = o->padding_idx.value;
    if (p < -rows || p >= rows)
        return ct__fail(CT_ERR_INDEX, "%s: padding_idx %lld is out of range for %lld embeddings", function, (long long)p, (long long)rows);
    *padding = p < 0 ? p + rows : p;
    return CT_OK;
}

static ct_tensor *run(ct_tensor *input, ct_tensor *weight, ct_tensor *offsets, const ct_embedding_bag_options *o, int64_t padding) {
    ct_tensor *at = ct__scope_give(ct__indices("ct_embedding_bag", input));
    ct_tensor *from = offsets ? ct__scope_give(ct__indices("ct_embedding_bag", offsets)) : NULL;
    const ct_embedding_bag_mode mode = o ? o->mode : CT_EMBEDDING_BAG_MEAN;
    bags b = {.n = 0};
    if (ct__pending() != CT_OK || ct__check_indices("ct_embedding_bag", at, weight->sizes[0], "weight") != CT_OK) return NULL;
    if (make_bags(at, from, o && o->include_last_offset, padding, &b) != CT_OK) return NULL;
    if (mode == CT_EMBEDDING_BAG_MAX) return maximum(&b, weight);
    return summed(&b, weight, o ? o->per_sample_weights : NULL, mode == CT_EMBEDDING_BAG_MEAN, o && o->scale_grad_by_freq);
}

ct_tensor *ct_embedding_bag(ct_tensor *input, ct_tensor *weight, ct_tensor *offsets, const ct_embedding_bag_options *o) {
    int64_t padding;
    ct_tensor *optional[] = {offsets, o ? o->per_sample_weights : NULL};
    if (!ct__enter(CT__OP_embedding_bag, (ct_tensor *[]){input, weight}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_embedding_bag", o));
    for (int i = 0; i < 2; i++)
        if (optional[i] && !ct__enter(CT__OP_embedding_bag, &optional[i], 1)) return NULL;
    CT__TRY_NULL(check(input, weight, offsets, o, &padding));
    ct_scope scope = ct_scope_begin();
    if (!ct__is_half(weight)) return ct_scope_return(scope, run(input, weight, offsets, o, padding));
    ct_embedding_bag_options wide = o ? *o : (ct_embedding_bag_options){.mode = CT_EMBEDDING_BAG_MEAN};
    wide.per_sample_weights = ct__widen(wide.per_sample_weights);
    ct_tensor *w = ct__widen(weight), *y = w ? run(input, w, offsets, &wide, padding) : NULL;
    return ct_scope_return(scope, y ? ct_to(y, (ct_dtype)weight->dtype) : NULL);
}
