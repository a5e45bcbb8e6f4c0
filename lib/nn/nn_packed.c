/*
 * nn_packed.c: padded and packed sequences, put together from index_select and index_copy_ along rows.
 *
 *     padded [T, B]    packed        rows of padded [T B] for each of packed, in the order of packed: 0 1 2, 3 4, 6
 *      a  d  f         a d f b e c
 *      b  e  .         batch_sizes 3 2 1
 *      c  .  .
 *
 * The element t of the i-th longest sequence stands in row start[i] + t step, whatever holds the sequences: of [T, B] start is b and step is B, of [B, T] they
 * are b T and 1, and of sequences one after the other the sum of the lengths before, and 1.
 */
#include "nn/nn_packed.h"
#include "ops/layout.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* ---- Numbers of index tensors ---- */

static bool is_integer(const ct_tensor *t) { return !ct_is_floating_point(t) && ct_tensor_dtype(t) != CT_BOOL; }

/* A copy of t's elements, to be freed; NULL with an error pending. */
static int64_t *numbers(const ct_tensor *t) {
    int64_t n = ct_numel(t), *a = ct__alloc_array((size_t)(n + 1), sizeof *a);
    if (a && ct_copy_to(t, a, n, CT_I64) == CT_OK) return a;
    ct__free(a);
    return NULL;
}

static ct_tensor *new_i64(const int64_t *a, int64_t n) { return ct_from_data(a, &n, 1, CT_I64); }

/* ---- Checks ---- */

static ct_status check_vector(const char *function, const char *what, const ct_tensor *t, int64_t n) {
    ct__shape_text a;
    if (is_integer(t) && ct_ndim(t) == 1 && (n < 0 || ct_numel(t) == n)) return CT_OK;
    if (n < 0)
        return ct__fail(CT_ERR_SHAPE, "%s: %s is %s %s, but must be integers with one dim", function, what, ct_dtype_name(ct_tensor_dtype(t)),
                        CT__SIZES(&a, t));
    return ct__fail(CT_ERR_SHAPE, "%s: %s is %s %s, but must be %lld integers, one for each sequence", function, what, ct_dtype_name(ct_tensor_dtype(t)),
                    CT__SIZES(&a, t), (long long)n);
}

static ct_status check_batch_sizes(const char *function, const int64_t *sizes, int64_t n, int64_t rows) {
    int64_t total = 0;
    for (int64_t t = 0; t < n; t++) {
        if (sizes[t] < 1 || (t && sizes[t] > sizes[t - 1]) || sizes[t] > rows - total)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: batch_sizes[%lld] is %lld; they must be positive, not grow, and add up to the %lld rows of data",
                            function,
                            (long long)t, (long long)sizes[t], (long long)rows);
        total += sizes[t];
    }
    if (n > 0 && total == rows) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: batch_sizes add up to %lld, but data has %lld rows", function, (long long)total, (long long)rows);
}

static ct_status check_indices(const char *function, const int64_t *sorted, const int64_t *unsorted, int64_t batch) {
    for (int64_t i = 0; i < batch; i++)
        if (sorted[i] < 0 || sorted[i] >= batch || unsorted[sorted[i]] != i)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sorted_indices[%lld] is %lld, of which unsorted_indices is not the inverse", function, (long long)i,
                            (long long)sorted[i]);
    return CT_OK;
}

ct_status ct__packed_sequence_check(const char *function, const ct_packed_sequence *p, int64_t *batch) {
    CT__TRY(ct__pending());
    if (!p || !p->data || !p->batch_sizes)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the packed sequence%s is NULL", function, !p ? "" : p->data ? "'s batch_sizes" : "'s data");
    if (!p->sorted_indices != !p->unsorted_indices)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the packed sequence has %ssorted_indices only", function, p->sorted_indices ? "" : "un");
    if (ct_ndim(p->data) < 1) return ct__fail(CT_ERR_SHAPE, "%s: data of a packed sequence has no dims", function);
    CT__TRY(check_vector(function, "batch_sizes", p->batch_sizes, -1));
    int64_t *sizes = numbers(p->batch_sizes), *sorted = NULL, *unsorted = NULL;
    if (sizes && check_batch_sizes(function, sizes, ct_numel(p->batch_sizes), ct_size(p->data, 0)) == CT_OK) *batch = sizes[0];
    ct__free(sizes);
    CT__TRY(ct__pending());
    if (!p->sorted_indices) return CT_OK;
    CT__TRY(check_vector(function, "sorted_indices", p->sorted_indices, *batch));
    CT__TRY(check_vector(function, "unsorted_indices", p->unsorted_indices, *batch));
    if ((sorted = numbers(p->sorted_indices)) && (unsorted = numbers(p->unsorted_indices))) check_indices(function, sorted, unsorted, *batch);
    ct__free(sorted);
    ct__free(unsorted);
    return ct__pending();
}

static ct_status check_lengths(const char *function, const int64_t *lengths, int64_t n, int64_t least, int64_t most, bool falling) {
    for (int64_t b = 0; b < n; b++) {
        if (lengths[b] < least || lengths[b] > most)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: lengths[%lld] is %lld, but must be between %lld and %lld", function, (long long)b,
                            (long long)lengths[b],
                            (long long)least, (long long)most);
        if (falling && b && lengths[b] > lengths[b - 1])
            return ct__fail(CT_ERR_INVALID_ARGUMENT,
                            "%s: lengths[%lld] is %lld after %lld; the longest sequence must come first, or .no_enforce_sorted be set", function, (long long)b,
                            (long long)lengths[b], (long long)lengths[b - 1]);
    }
    return CT_OK;
}

/* The lengths of a batch, checked; to be freed. NULL with an error pending. */
static int64_t *read_lengths(const char *function, const ct_tensor *lengths, int64_t batch, int64_t least, int64_t most, bool falling) {
    CT__TRY_NULL(check_vector(function, "lengths", lengths, batch));
    int64_t *a = numbers(lengths);
    if (a && check_lengths(function, a, batch, least, most, falling) == CT_OK) return a;
    ct__free(a);
    return NULL;
}

/* ---- Packing ---- */

/* The batch's first row in what holds the sequences, and how far it is to the next element. */
typedef struct rows {
    const int64_t *start; /* of each sequence; NULL: b * each */
    int64_t each, step;
} rows;

static int64_t row_of(const rows *r, int64_t b, int64_t t) { return (r->start ? r->start[b] : b * r->each) + t * r->step; }

/* For each packed element its row. order: which sequence is the i-th longest, NULL: i. */
static ct_tensor *positions(const int64_t *batch_sizes, int64_t steps, const int64_t *order, const rows *r, int64_t total) {
    int64_t *at = ct__alloc_array((size_t)(total + 1), sizeof *at), k = 0;
    for (int64_t t = 0; at && t < steps; t++)
        for (int64_t i = 0; i < batch_sizes[t]; i++) at[k++] = row_of(r, order ? order[i] : i, t);
    ct_tensor *out = at ? new_i64(at, total) : NULL;
    ct__free(at);
    return out;
}

/* Packs rows of `all`, where sequence b of lengths[b] elements begins. In a scope. */
static void pack(ct_tensor *all, const int64_t *lengths, int64_t batch, bool sorts, const rows *r, ct_packed_sequence *out) {
    ct_tensor *given = new_i64(lengths, batch);
    if (sorts) {
        out->sorted_indices = ct_argsort(given, 0, &(ct_sort_options){.descending = true, .stable = true});
        out->unsorted_indices = ct_argsort(out->sorted_indices, 0, NULL);
    }
    int64_t *order = out->unsorted_indices ? numbers(out->sorted_indices) : NULL, total = 0;
    const int64_t steps = ct__pending() == CT_OK ? lengths[order ? order[0] : 0] : 0;
    int64_t *sizes = ct__pending() == CT_OK ? ct__alloc_array((size_t)(steps + 1), sizeof *sizes) : NULL;
    for (int64_t t = 0, n = batch; sizes && t < steps; t++) {
        while (lengths[order ? order[n - 1] : n - 1] <= t) n--;
        sizes[t] = n;
        total += n;
    }
    if (sizes) {
        out->batch_sizes = new_i64(sizes, steps);
        out->data = ct_index_select(all, 0, positions(sizes, steps, order, r, total));
    }
    ct__free(order);
    ct__free(sizes);
}

static ct_status give(ct_scope scope, const ct_packed_sequence *p, ct_packed_sequence *packed) {
    if (ct__scope_return_n(scope, (void *[]){p->data, p->batch_sizes, p->sorted_indices, p->unsorted_indices}, 4)) *packed = *p;
    return ct__pending();
}

static ct_status check_padded(const char *function, const ct_tensor *padded, const ct_tensor *lengths) {
    ct__shape_text a;
    CT__TRY(ct__pending());
    if (!padded || !lengths) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, padded ? "lengths" : "input");
    if (ct_ndim(padded) >= 2) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: %s must have two dims or more: [T, B, ...]", function, CT__SIZES(&a, padded));
}

ct_status ct_pack_padded_sequence(ct_tensor *input, ct_tensor *lengths, const ct_pack_padded_sequence_options *options, ct_packed_sequence *packed) {
    static const char fn[] = "ct_pack_padded_sequence";
    const ct_pack_padded_sequence_options o = options ? *options : (ct_pack_padded_sequence_options){.batch_first = false};
    if (packed) *packed = (ct_packed_sequence){.data = NULL};
    CT__TRY(check_padded(fn, input, lengths));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!packed) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: nowhere to put the result: packed is NULL", fn);
    const int64_t steps = ct_size(input, o.batch_first ? 1 : 0), batch = ct_size(input, o.batch_first ? 0 : 1);
    if (batch == 0) return ct__fail(CT_ERR_SHAPE, "%s: a batch of no sequences", fn);
    int64_t *n = read_lengths(fn, lengths, batch, 1, steps, !o.no_enforce_sorted);
    if (!n) return ct__pending();
    ct_packed_sequence p = {.data = NULL};
    ct_scope scope = ct_scope_begin();
    pack(ct_flatten(input, 0, 1), n, batch, o.no_enforce_sorted, &(rows){.each = o.batch_first ? steps : 1, .step = o.batch_first ? 1 : batch}, &p);
    ct__free(n);
    return give(scope, &p, packed);
}

/* All there, and alike but for their lengths. */
static ct_status check_sequences(const char *function, ct_tensor *const *sequences, int64_t n) {
    ct__shape_text a, b;
    CT__TRY(ct__pending());
    if (!sequences || n < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld sequences at %s", function, (long long)n, sequences ? "an array" : "NULL");
    for (int64_t i = 0; i < n; i++) {
        const ct_tensor *t = sequences[i], *first = sequences[0];
        if (!t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sequence %lld is NULL", function, (long long)i);
        bool same = t->ndim >= 1 && t->ndim == first->ndim;
        for (int d = 1; same && d < t->ndim; d++) same = t->sizes[d] == first->sizes[d];
        if (!same)
            return ct__fail(CT_ERR_SHAPE, "%s: sequence %lld is %s, the first is %s; they must be [L, ...], alike but for L", function, (long long)i,
                            CT__SIZES(&a, t),
                            CT__SIZES(&b, first));
        if (t->dtype != first->dtype)
            return ct__fail(CT_ERR_DTYPE, "%s: sequence %lld is %s, the first is %s", function, (long long)i, ct_dtype_name((ct_dtype)t->dtype),
                            ct_dtype_name((ct_dtype)first->dtype));
    }
    return CT_OK;
}

ct_status ct_pack_sequence(ct_tensor *const *sequences, int64_t n, const ct_pack_sequence_options *options, ct_packed_sequence *packed) {
    static const char fn[] = "ct_pack_sequence";
    const bool sorts = options && options->no_enforce_sorted;
    if (packed) *packed = (ct_packed_sequence){.data = NULL};
    CT__TRY(check_sequences(fn, sequences, n));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!packed) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: nowhere to put the result: packed is NULL", fn);
    int64_t *numbers_of = ct__alloc_array((size_t)n, 2 * sizeof *numbers_of), *start = numbers_of + n;
    if (!numbers_of) return ct__pending();
    for (int64_t i = 0, at = 0; i < n; at += numbers_of[i++]) {
        numbers_of[i] = ct_size(sequences[i], 0);
        start[i] = at;
    }
    ct_packed_sequence p = {.data = NULL};
    ct_scope scope = ct_scope_begin();
    if (check_lengths(fn, numbers_of, n, 1, INT64_MAX, !sorts) == CT_OK)
        pack(ct_cat(sequences, n, 0), numbers_of, n, sorts, &(rows){.start = start, .step = 1}, &p);
    ct__free(numbers_of);
    return give(scope, &p, packed);
}

/* ---- Padding ---- */

/* The lengths of the sequences in the caller's order. */
static ct_tensor *lengths_of(const int64_t *batch_sizes, int64_t steps, const int64_t *order) {
    const int64_t batch = batch_sizes[0];
    int64_t *n = ct__alloc_array((size_t)batch, sizeof *n);
    for (int64_t i = 0, t = steps; n && i < batch; i++) {
        while (batch_sizes[t - 1] <= i) t--;
        n[order ? order[i] : i] = t;
    }
    ct_tensor *out = n ? new_i64(n, batch) : NULL;
    ct__free(n);
    return out;
}

/* In a scope; *lengths too. */
static ct_tensor *pad(const ct_packed_sequence *p, int64_t batch, const ct_pad_packed_sequence_options *o, ct_tensor **lengths) {
    const int64_t longest = ct_numel(p->batch_sizes), steps = o->total_length ? o->total_length : longest;
    int64_t sizes[CT_MAX_NDIM], count = 0;
    const int64_t grid[] = {o->batch_first ? batch : steps, o->batch_first ? steps : batch};
    int64_t *batch_sizes = numbers(p->batch_sizes), *order = p->sorted_indices ? numbers(p->sorted_indices) : NULL;
    ct_tensor *y = NULL;
    memcpy(sizes, p->data->sizes, p->data->ndim * sizeof *sizes);
    if (!ct__mul_i64(steps, batch, &count))
        ct__fail(CT_ERR_SHAPE, "ct_pad_packed_sequence: %lld sequences of %lld elements", (long long)batch, (long long)steps);
    sizes[0] = count;
    if (ct__pending() == CT_OK) {
        const rows r = {.each = o->batch_first ? steps : 1, .step = o->batch_first ? 1 : batch};
        y = ct_full(sizes, p->data->ndim, o->padding_value, ct_tensor_dtype(p->data));
        ct_index_copy_(y, 0, positions(batch_sizes, longest, order, &r, p->data->sizes[0]), p->data);
        y = ct_unflatten(y, 0, grid, 2);
        *lengths = lengths_of(batch_sizes, longest, order);
    }
    ct__free(batch_sizes);
    ct__free(order);
    return y;
}

ct_tensor *ct_pad_packed_sequence(const ct_packed_sequence *packed, const ct_pad_packed_sequence_options *options, ct_tensor **lengths) {
    static const char fn[] = "ct_pad_packed_sequence";
    const ct_pad_packed_sequence_options o = options ? *options : (ct_pad_packed_sequence_options){.batch_first = false};
    int64_t batch = 0;
    ct_tensor *n = NULL;
    if (lengths) *lengths = NULL;
    CT__TRY_NULL(ct__packed_sequence_check(fn, packed, &batch));
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    if (o.total_length && o.total_length < ct_numel(packed->batch_sizes)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: total_length is %lld, but the longest sequence has %lld elements", fn, (long long)o.total_length,
                 (long long)ct_numel(packed->batch_sizes));
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *y = pad(packed, batch, &o, &n);
    if (!ct__scope_return_n(scope, (void *[]){y, lengths ? n : NULL}, 2)) return NULL;
    if (lengths) *lengths = n;
    return y;
}

ct_tensor *ct_pad_sequence(ct_tensor *const *sequences, int64_t n, const ct_pad_sequence_options *options) {
    static const char fn[] = "ct_pad_sequence";
    const ct_pad_sequence_options o = options ? *options : (ct_pad_sequence_options){.batch_first = false};
    CT__TRY_NULL(check_sequences(fn, sequences, n));
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    int64_t longest = 0, by[2 * CT_MAX_NDIM] = {0};
    for (int64_t i = 0; i < n; i++) longest = ct__max_i64(longest, ct_size(sequences[i], 0));
    ct_tensor **same = ct__alloc_array((size_t)n, sizeof *same);
    if (!same) return NULL;
    ct_scope scope = ct_scope_begin();
    for (int64_t i = 0; i < n; i++) { /* ct_pad counts dims from the last one */
        const int dims = ct_ndim(sequences[i]);
        by[2 * dims - (o.left ? 2 : 1)] = longest - ct_size(sequences[i], 0);
        same[i] = ct_pad(sequences[i], by, 2 * dims, &(ct_pad_options){.value = o.padding_value});
    }
    ct_tensor *y = ct__pending() == CT_OK ? ct_stack(same, n, o.batch_first ? 0 : 1) : NULL;
    ct__free(same);
    return ct_scope_return(scope, y);
}

/* ---- Unpadding ---- */

static ct_list *give_list(ct_scope scope, ct_list *list) { return ct__scope_return_n(scope, (void *[]){list}, 1) ? list : NULL; }

/* In a scope. */
static ct_list *unpad(ct_tensor *padded, const int64_t *lengths, bool batch_first) {
    const int64_t batch = ct_size(padded, batch_first ? 0 : 1);
    ct_list *list = ct_list_new();
    for (int64_t b = 0; b < batch && ct__pending() == CT_OK; b++) ct_list_append(list, ct_narrow(ct_select(padded, batch_first ? 0 : 1, b), 0, 0, lengths[b]));
    return list;
}

ct_list *ct_unpad_sequence(ct_tensor *padded, ct_tensor *lengths, const ct_unpad_sequence_options *options) {
    static const char fn[] = "ct_unpad_sequence";
    const bool first = options && options->batch_first;
    CT__TRY_NULL(check_padded(fn, padded, lengths));
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    int64_t *n = read_lengths(fn, lengths, ct_size(padded, first ? 0 : 1), 0, ct_size(padded, first ? 1 : 0), false);
    if (!n) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_list *list = unpad(padded, n, first);
    ct__free(n);
    return give_list(scope, list);
}

ct_list *ct_unpack_sequence(const ct_packed_sequence *packed) {
    int64_t batch = 0;
    ct_tensor *lengths = NULL;
    CT__TRY_NULL(ct__packed_sequence_check("ct_unpack_sequence", packed, &batch));
    ct_scope scope = ct_scope_begin();
    ct_tensor *padded = pad(packed, batch, &(ct_pad_packed_sequence_options){.batch_first = true}, &lengths);
    int64_t *n = padded && lengths ? numbers(lengths) : NULL;
    ct_list *list = n ? unpad(padded, n, true) : NULL;
    ct__free(n);
    return give_list(scope, list);
}
