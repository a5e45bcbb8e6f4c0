/*
 * op_index.c: x[i0, :, i1]: index, index_put, masked_select, nonzero.
 *
 * A list of indices is first put in order: every bool mask becomes the int64 columns of its non-zero places, so that entry k belongs to
 * dim k of x. A 0-dim bool is a dim of its own of size 1, which x gets first. Then all are broadcast to one shape B and
 * each of its elements becomes one place in x:
 *
 *      place[e] = sum over k of  index_k[e] * stride_k of x
 *
 * which the kernels of picks.h read or write a slice at. index's gradient is index_put of g into zeros, adding; index_put's is index.
 */
#include "ops/indices.h"

#include "base/vec.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_shape.h>
#include <stdio.h>
#include <string.h>

/* ---- Non-zero places ---- */

/* dtype is a constant at each call, so that the switch is outside of the loop. */
CT__INLINE bool is_set(const char *p, int64_t i, ct_dtype dtype) {
    switch (dtype) {
    case CT_F32: return ((const float *)(const void *)p)[i] != 0;
    case CT_F64: return ((const double *)(const void *)p)[i] != 0;
    case CT_I32: return ((const int32_t *)(const void *)p)[i] != 0;
    case CT_I64: return ((const int64_t *)(const void *)p)[i] != 0;
    case CT_I16: return ((const uint16_t *)(const void *)p)[i] != 0;
    case CT_F16: return (((const uint16_t *)(const void *)p)[i] & 0x7fff) != 0; /* -0 is zero */
    default: return p[i] != 0;
    }
}

CT__INLINE int64_t count_set(const char *p, int64_t n, ct_dtype dtype) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += is_set(p, i, dtype);
    return count;
}

/* The first `count` places. Each is written where it belongs if it is one: to jump over those that are not costs several times as much. */
CT__INLINE void find_set(const char *p, int64_t count, ct_dtype dtype, int64_t *where) {
    for (int64_t i = 0, found = 0; found < count; i++) {
        where[found] = i;
        found += is_set(p, i, dtype);
    }
}

/* How many elements are not zero; where not NULL: writes in which row-major places the first `count` of them lie. */
CT__INLINE int64_t scan_as(const char *p, int64_t n, ct_dtype dtype, int64_t count, int64_t *where) {
    if (!where) return count_set(p, n, dtype);
    find_set(p, count, dtype, where);
    return count;
}
static int64_t scan(const ct_tensor *x, int64_t count, int64_t *where) {
    const char *p = ct__ptr(x);
    switch (x->dtype) {
    case CT_F32: return scan_as(p, x->numel, CT_F32, count, where);
    case CT_F64: return scan_as(p, x->numel, CT_F64, count, where);
    case CT_I32: return scan_as(p, x->numel, CT_I32, count, where);
    case CT_I64: return scan_as(p, x->numel, CT_I64, count, where);
    case CT_I16: return scan_as(p, x->numel, CT_I16, count, where);
    case CT_F16:
    case CT_BF16: return scan_as(p, x->numel, CT_F16, count, where);
    default: return scan_as(p, x->numel, CT_U8, count, where);
    }
}

/* The coordinates at of element 0 of a row become those of the next row. */
static void next_row(const ct_tensor *x, int64_t *at) {
    for (int d = x->ndim - 2; d >= 0 && ++at[d] == x->sizes[d]; d--) at[d] = 0;
}

/* The coordinates of all non-zero elements: by_dim [ndim, count], else [count, ndim]. A reference of the caller's. */
static ct_tensor *nonzero(const char *function, ct_tensor *x, bool by_dim) {
    ct_tensor *dense = ct__dense(function, x), *out = NULL;
    if (!dense) return NULL;
    const int64_t count = scan(dense, 0, NULL), ndim = x->ndim, sizes[] = {by_dim ? ndim : count, by_dim ? count : ndim};
    const int64_t step = by_dim ? 1 : ndim, dim_step = by_dim ? count : 1;
    int64_t *where = ct__alloc_array((size_t)count, sizeof *where), at[CT_MAX_NDIM] = {0};
    if (where) out = ct__new(function, sizes, 2, CT_I64);
    if (out && out->numel) {
        const int64_t columns = x->sizes[ndim - 1];
        int64_t *p = (int64_t *)(void *)ct__ptr(out), row = 0; /* where the row at begins */
        scan(dense, count, where);
        for (int64_t i = 0; i < count; i++, p += step) {
            for (; where[i] >= row + columns; row += columns) next_row(x, at);
            for (int64_t d = 0; d + 1 < ndim; d++) p[d * dim_step] = at[d];
            p[(ndim - 1) * dim_step] = where[i] - row;
        }
    }
    ct__free(where);
    ct__unref(dense);
    return out;
}

ct_tensor *ct_nonzero(ct_tensor *x) {
    if (!ct__enter(CT__OP_nonzero, &x, 1)) return NULL;
    return ct__finish(NULL, nonzero("ct_nonzero", x, false));
}

/* ---- The list of indices ---- */

/* Per dim of x: int64 or int32 of any sizes, or NULL for the whole dim. References of the list. */
typedef struct index_list {
    ct_tensor *at[CT_MAX_NDIM];
    int n;
} index_list;

static void list_free(index_list *l) {
    for (int i = 0; i < l->n; i++) ct__unref(l->at[i]);
    l->n = 0;
}

static ct_status list_add(const char *function, index_list *l, const ct_tensor *x, ct_tensor *index) {
    ct__shape_text a;
    int dims = index && index->dtype == CT_BOOL ? index->ndim : 1;
    if (l->n + dims > x->ndim)
        return ct__fail(CT_ERR_INDEX, "%s: more indices than the %d dims of x %s", function, x->ndim, CT__SIZES(&a, x));
    if (index && index->dtype == CT_BOOL) {
        for (int d = 0; d < dims; d++) {
            ct__shape_text b;
            if (index->sizes[d] != x->sizes[l->n + d])
                return ct__fail(CT_ERR_INDEX, "%s: mask %s does not fit x %s at dim %d: %lld != %lld", function, CT__SIZES(&b, index), CT__SIZES(&a, x),
                                l->n + d, (long long)index->sizes[d], (long long)x->sizes[l->n + d]);
        }
        ct_tensor *places = nonzero(function, index, true);
        for (int d = 0; d < dims && places; d++) { /* rows of places */
            ct_tensor *row = ct__new_view(places, places->sizes + 1, (const int64_t[]){1}, 1, d * places->sizes[1]);
            if (!row) break;
            l->at[l->n++] = row;
        }
        ct__unref(places);
        return ct__pending();
    }
    if (index && index->dtype != CT_I64 && index->dtype != CT_I32)
        return ct__fail(CT_ERR_DTYPE, "%s: an index must be int64, int32 or bool, not %s", function, ct_dtype_name((ct_dtype)index->dtype));
    if (index) ct__ref(index);
    l->at[l->n++] = index;
    return CT_OK;
}

static ct_status list_make(const char *function, index_list *l, const ct_tensor *x, ct_tensor *const *indices, int n) {
    l->n = 0;
    for (int i = 0; i < n; i++) CT__TRY(list_add(function, l, x, indices[i]));
    return CT_OK;
}

/* ---- Places ---- */

typedef struct index_plan {
    ct__picks picks;
    int64_t sizes[CT_MAX_NDIM]; /* of the result */
    int ndim;
    int64_t *place; /* of the plan */
} index_plan;

/* index has these sizes, and all of its values are in 0 .. size - 1. */
static bool all_below(const ct_tensor *index, const int64_t *sizes, int64_t size) {
    const int64_t *v = (const int64_t *)(const void *)ct__ptr(index);
    bool bad = memcmp(sizes, index->sizes, index->ndim * sizeof *sizes) != 0;
    for (int64_t e = 0; e < index->numel; e++) bad |= (uint64_t)v[e] >= (uint64_t)size;
    return !bad;
}

static ct_status add_places(const char *function, int64_t *place, const ct_tensor *index, const int64_t *sizes, int ndim, const ct_tensor *x, int dim) {
    int64_t counter[CT_MAX_NDIM] = {0}, strides[CT_MAX_NDIM], at = 0, size = x->sizes[dim], n = 1;
    const char *p = ct__ptr(index);
    if (index->dtype == CT_I64 && index->contiguous && ndim == index->ndim && all_below(index, sizes, size)) { /* the usual case */
        const int64_t *v = (const int64_t *)(const void *)p;
        for (int64_t e = 0; e < index->numel; e++) place[e] += v[e] * x->strides[dim];
        return CT_OK;
    }
    for (int d = 0; d < ndim; d++) {
        int own = d - (ndim - index->ndim);
        strides[d] = own < 0 || index->sizes[own] == 1 ? 0 : index->strides[own];
        n *= sizes[d];
    }
    for (int64_t e = 0; e < n; e++) {
        int64_t v = index->dtype == CT_I64 ? ((const int64_t *)(const void *)p)[at] : ((const int32_t *)(const void *)p)[at];
        if (v < -size || v >= size) {
            ct__shape_text text;
            for (int d = 0; d < index->ndim; d++) counter[d] = index->sizes[d] == 1 ? 0 : counter[d + ndim - index->ndim];
            return ct__fail(CT_ERR_INDEX, "%s: index %lld at %s is out of range: dim %d has size %lld", function, (long long)v,
                            ct__shape_str(&text, counter, index->ndim), dim, (long long)size);
        }
        place[e] += (v < 0 ? v + size : v) * x->strides[dim];
        for (int d = ndim - 1; d >= 0; d--) { /* the next in row-major order */
            at += strides[d];
            if (++counter[d] < sizes[d]) break;
            at -= strides[d] * sizes[d];
            counter[d] = 0;
        }
    }
    return CT_OK;
}

/* Where the list's indices lead in x. The caller frees plan->place, on failure too. */
static ct_status plan_make(const char *function, index_plan *plan, const ct_tensor *x, const index_list *l) {
    int64_t sizes[CT_MAX_NDIM], n;
    int ndim = 0, first = -1, last = -1;
    bool together = true;
    *plan = (index_plan){.picks = {.scale = 1}};
    for (int d = 0; d < l->n; d++) {
        if (!l->at[d]) continue;
        if (first < 0) first = d;
        else if (last != d - 1) together = false;
        last = d;
        CT__TRY(ct__broadcast(function, sizes, ndim, l->at[d]->sizes, l->at[d]->ndim, sizes, &ndim));
    }
    CT__TRY(ct__numel(function, sizes, ndim, &n));
    if (!(plan->place = ct__alloc_array((size_t)n + 1, sizeof *plan->place))) return ct__pending();
    memset(plan->place, 0, (size_t)n * sizeof *plan->place);
    ct__picks *p = &plan->picks;
    p->n = n;
    p->place = plan->place;
    for (int d = 0; d < x->ndim; d++) {
        if (d < l->n && l->at[d]) {
            CT__TRY(add_places(function, plan->place, l->at[d], sizes, ndim, x, d));
        } else if (together && d < first) {
            p->outer_sizes[p->n_outer] = x->sizes[d];
            p->outer_strides[p->n_outer++] = x->strides[d];
        } else {
            p->inner_sizes[p->n_inner] = x->sizes[d];
            p->inner_strides[p->n_inner++] = x->strides[d];
        }
    }
    if (p->n_outer + ndim + p->n_inner > CT_MAX_NDIM)
        return ct__fail(CT_ERR_SHAPE, "%s: the result would have %d dims, more than %d", function, p->n_outer + ndim + p->n_inner, CT_MAX_NDIM);
    memcpy(plan->sizes, p->outer_sizes, (size_t)p->n_outer * sizeof *sizes);
    memcpy(plan->sizes + p->n_outer, sizes, (size_t)ndim * sizeof *sizes);
    memcpy(plan->sizes + p->n_outer + ndim, p->inner_sizes, (size_t)p->n_inner * sizeof *sizes);
    plan->ndim = p->n_outer + ndim + p->n_inner;
    return CT_OK;
}

/* ---- Gradients ---- */

typedef struct index_ctx {
    int n;
    bool accumulate;
} index_ctx;

static void save_list(ct__node *n, const index_list *l, bool accumulate) {
    for (int i = 0; i < l->n; i++) ct__save(n, i, l->at[i]);
    if (n) *(index_ctx *)ct__ctx(n) = (index_ctx){l->n, accumulate};
}

static int saved_list(ct__node *n, ct_tensor **at) {
    const index_ctx *c = ct__ctx(n);
    for (int i = 0; i < c->n; i++) at[i] = ct__saved(n, i);
    return c->n;
}

static const ct_index_put_options adding = {.accumulate = true};

static void index_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *at[CT_MAX_NDIM];
    int count = saved_list(n, at);
    const ct__meta *m = ct__input_meta(n, 0);
    gin[0] = ct_index_put(ct_zeros(m->sizes, m->ndim, ct_tensor_dtype(g[0])), at, count, g[0], &adding);
}
static void index_put_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *at[CT_MAX_NDIM];
    int count = saved_list(n, at);
    if (ct__needs(n, 0)) {
        bool accumulate = ((const index_ctx *)ct__ctx(n))->accumulate;
        gin[0] = accumulate ? g[0] : ct_index_put(g[0], at, count, ct_zeros(NULL, 0, ct_tensor_dtype(g[0])), NULL);
    }
    if (ct__needs(n, 1)) {
        const ct__meta *m = ct__input_meta(n, 1);
        ct_tensor *gv = ct_index(g[0], at, count);
        gin[1] = gv ? ct__sum_to(gv, m->sizes, m->ndim) : NULL;
    }
}
static const ct__node_class index_class = {.op = CT__OP_index, .backward = index_backward, .n_saved = CT_MAX_NDIM, .ctx_size = sizeof(index_ctx)};
static const ct__node_class index_put_class = {
    .op = CT__OP_index_put, .backward = index_put_backward, .n_saved = CT_MAX_NDIM, .ctx_size = sizeof(index_ctx)};
static const ct__node_class index_put_inplace_class = {
    .op = CT__OP_index_put_, .backward = index_put_backward, .n_saved = CT_MAX_NDIM, .ctx_size = sizeof(index_ctx)};

/* ---- 0-dim masks ---- */

/* The first 0-dim bool in the list: where it stands among the indices, and which dim of x comes next; -1 if there is none. */
static int zero_dim_mask(ct_tensor *const *indices, int n, int *dim) {
    *dim = 0;
    for (int i = 0; i < n; i++) {
        bool mask = indices[i] && indices[i]->dtype == CT_BOOL;
        if (mask && indices[i]->ndim == 0) return i;
        *dim += mask ? indices[i]->ndim : 1;
    }
    return -1;
}

/* The list with that mask as [1] for the dim that x gets there. */
static ct_status replace_mask(const char *function, ct_tensor *const *indices, int n, int at, const ct_tensor *x, int dim, ct_tensor **out) {
    if (dim > x->ndim || x->ndim == CT_MAX_NDIM) return ct__fail(CT_ERR_INDEX, "%s: more indices than the %d dims of x", function, x->ndim);
    for (int i = 0; i < n; i++) out[i] = i == at ? ct_unsqueeze(indices[i], 0) : indices[i];
    return ct__pending();
}

static ct_status check_list(int op, ct_tensor *const *indices, int n) {
    if (n < 0 || n > CT_MAX_NDIM || (n && !indices))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a list of %d indices%s; at most %d", ct__fn(op), n, n > 0 && !indices ? " at NULL" : "", CT_MAX_NDIM);
    return CT_OK;
}

/* ---- The ops ---- */

ct_tensor *ct_index(ct_tensor *x, ct_tensor *const *indices, int n) {
    static const char function[] = "ct_index";
    int dim;
    if (!ct__enter(CT__OP_index, &x, 1)) return NULL;
    CT__TRY_NULL(check_list(CT__OP_index, indices, n));
    int mask = zero_dim_mask(indices, n, &dim);
    if (mask >= 0) {
        ct_tensor *list[CT_MAX_NDIM], *out = NULL;
        ct_scope scope = ct_scope_begin();
        if (replace_mask(function, indices, n, mask, x, dim, list) == CT_OK) out = ct_index(ct_unsqueeze(x, dim), list, n);
        return ct_scope_return(scope, out);
    }
    index_list l;
    index_plan plan = {.place = NULL};
    ct_tensor *out = NULL;
    ct__node *node = NULL;
    if (list_make(function, &l, x, indices, n) == CT_OK && plan_make(function, &plan, x, &l) == CT_OK)
        out = ct__new(function, plan.sizes, plan.ndim, (ct_dtype)x->dtype);
    if (out) {
        node = ct__node_new(&index_class, &x, 1, 1);
        save_list(node, &l, false);
        if (out->numel) ct__picks_take(&plan.picks, ct_dtype_size((ct_dtype)x->dtype), ct__ptr(x), ct__ptr(out));
    }
    ct__free(plan.place);
    list_free(&l);
    return ct__finish(node, out);
}

/* values in the plan's sizes, dense: a reference of the caller's. */
static ct_tensor *spread_values(const char *function, const index_plan *plan, const ct_tensor *x, ct_tensor *values) {
    if (values->dtype != x->dtype) {
        ct__fail(CT_ERR_DTYPE, "%s: x is %s, values are %s; convert them with ct_to", function, ct_dtype_name((ct_dtype)x->dtype),
                 ct_dtype_name((ct_dtype)values->dtype));
        return NULL;
    }
    ct_tensor *out = ct__new(function, plan->sizes, plan->ndim, (ct_dtype)x->dtype);
    if (out && ct__fill_broadcast(function, "values", out, values) == CT_OK) return out;
    ct__unref(out);
    return NULL;
}

/* Everything is checked and ready before the first element of target changes; the plan is made for its strides. */
static ct_status put(const char *function, ct_tensor *target, const index_list *l, ct_tensor *values, bool accumulate) {
    index_plan plan;
    ct_tensor *dense = NULL;
    if (plan_make(function, &plan, target, l) == CT_OK) dense = spread_values(function, &plan, target, values);
    if (dense && dense->numel) {
        if (accumulate) ct__picks_add(&plan.picks, (ct_dtype)target->dtype, ct__ptr(target), ct__ptr(dense), 1);
        else ct__picks_put(&plan.picks, ct_dtype_size((ct_dtype)target->dtype), ct__ptr(target), ct__ptr(dense));
    }
    ct__unref(dense);
    ct__free(plan.place);
    return ct__pending();
}

ct_tensor *ct_index_put(ct_tensor *x, ct_tensor *const *indices, int n, ct_tensor *values, const ct_index_put_options *options) {
    static const char function[] = "ct_index_put";
    int dim;
    if (!ct__enter(CT__OP_index_put, (ct_tensor *[]){x, values}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    CT__TRY_NULL(check_list(CT__OP_index_put, indices, n));
    int mask = zero_dim_mask(indices, n, &dim);
    if (mask >= 0) {
        ct_tensor *list[CT_MAX_NDIM], *out = NULL;
        ct_scope scope = ct_scope_begin();
        if (replace_mask(function, indices, n, mask, x, dim, list) == CT_OK)
            out = ct_squeeze_dim(ct_index_put(ct_unsqueeze(x, dim), list, n, values, options), (const int64_t[]){dim}, 1);
        return ct_scope_return(scope, out);
    }
    bool accumulate = options && options->accumulate;
    index_list l;
    ct_tensor *out = NULL;
    ct__node *node = NULL;
    if (list_make(function, &l, x, indices, n) == CT_OK) out = ct__copy_of(function, x);
    if (out && put(function, out, &l, values, accumulate) == CT_OK) {
        node = ct__node_new(&index_put_class, (ct_tensor *[]){x, values}, 2, 1);
        save_list(node, &l, accumulate);
    }
    list_free(&l);
    return ct__finish(node, out);
}

ct_status ct_index_put_(ct_tensor *x, ct_tensor *const *indices, int n, ct_tensor *values, const ct_index_put_options *options) {
    static const char function[] = "ct_index_put_";
    int dim;
    if (!ct__enter_inplace(CT__OP_index_put_, x, (ct_tensor *[]){values}, 1)) return ct__pending();
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    CT__TRY(check_list(CT__OP_index_put_, indices, n));
    int mask = zero_dim_mask(indices, n, &dim);
    if (mask >= 0) { /* through a view of x, which moves x's history on */
        ct_tensor *list[CT_MAX_NDIM];
        ct_scope scope = ct_scope_begin();
        if (replace_mask(function, indices, n, mask, x, dim, list) == CT_OK) ct_index_put_(ct_unsqueeze(x, dim), list, n, values, options);
        ct_scope_end(scope);
        return ct__pending();
    }
    bool accumulate = options && options->accumulate;
    index_list l;
    ct__node *node = NULL;
    if (list_make(function, &l, x, indices, n) == CT_OK) {
        node = ct__node_new(&index_put_inplace_class, (ct_tensor *[]){x, values}, 2, 1);
        save_list(node, &l, accumulate);
    }
    ct_status status = ct__pending() == CT_OK ? put(function, x, &l, values, accumulate) : ct__pending();
    list_free(&l);
    if (status == CT_OK) return ct__finish_inplace(node, x);
    ct__node_unref(node);
    return status;
}

/* index with one mask, both expanded to the common sizes and flattened. */
ct_tensor *ct_masked_select(ct_tensor *x, ct_tensor *mask) {
    static const char function[] = "ct_masked_select";
    int64_t sizes[CT_MAX_NDIM];
    int ndim;
    if (!ct__enter(CT__OP_masked_select, (ct_tensor *[]){x, mask}, 2)) return NULL;
    if (mask->dtype != CT_BOOL) {
        ct__fail(CT_ERR_DTYPE, "ct_masked_select: mask must be bool, not %s", ct_dtype_name((ct_dtype)mask->dtype));
        return NULL;
    }
    CT__TRY_NULL(ct__broadcast(function, x->sizes, x->ndim, mask->sizes, mask->ndim, sizes, &ndim));
    ct_scope scope = ct_scope_begin();
    const int64_t all[] = {-1};
    ct_tensor *flat = ct_reshape(ct_expand(mask, sizes, ndim), all, 1);
    ct_tensor *out = ct_index(ct_reshape(ct_expand(x, sizes, ndim), all, 1), &flat, 1);
    return ct_scope_return(scope, out);
}
