/*
 * iter.c: see iter.h. The order of work:
 *
 *      broadcast     one shape; an operand's stride is 0 where it is stretched
 *      order         dims sorted so that strides rise, the innermost first: PyTorch's insertion sort, since the result's
 *                    strides are defined by it
 *      allocate      the result, dense in that order
 *      merge         neighbours with stride[d + 1] == size[d] * stride[d] for every operand become one dim
 *      run           rows of the innermost dim, in ranges of the flat index for the threads
 */
#include "ops/iter.h"

#include "base/vec.h"
#include "kernels/strided.h"

#include <string.h>

enum { BLOCK = 256 }; /* elements converted at a time; five operands of 8 bytes are 10 KiB of stack */

typedef struct iter {
    int n, ndim;                                      /* operands, operand 0 is the output; dims */
    int64_t numel;
    int64_t sizes[CT_MAX_NDIM];                       /* innermost first */
    int64_t strides[CT_MAX_NDIM][CT__ITER_OPERANDS];  /* bytes */
    char *data[CT__ITER_OPERANDS];
    ct__loop loop;
    const void *args;
    bool convert;                                     /* some operand's dtype is not the loop's */
    ct_dtype dtype[CT__ITER_OPERANDS], loop_dtype[CT__ITER_OPERANDS], via[CT__ITER_OPERANDS];
} iter;

static const int64_t element_size[CT__DTYPES] = {0, 4, 8, 2, 2, 1, 1, 2, 4, 8, 1};

/* ---- run ---- */

/* m elements of operand i at p to a dense buffer in the loop's dtype. */
static void load_block(const iter *it, int i, int64_t m, char *p, int64_t stride, char *buffer) {
    const ct__pointwise_kernels *k = &ct__kern()->pointwise;
    const ct_dtype to = it->loop_dtype[i], via = it->via[i];
    ct_dtype from = it->dtype[i];
    _Alignas(64) char narrow[BLOCK * 2]; /* via is a type of at most two bytes */
    if (via != CT_DTYPE_NONE) {
        k->convert[via][from](m, (char *[]){narrow, p}, (int64_t[]){element_size[via], stride}, NULL);
        p = narrow;
        stride = element_size[via];
        from = via;
    }
    k->convert[to][from](m, (char *[]){buffer, p}, (int64_t[]){element_size[to], stride}, NULL);
}

/* One row with conversion: blocks of inputs into buffers, the loop on those, the block of output back. */
static void run_converting(const iter *it, int64_t n, char *const *data, const int64_t *strides) {
    _Alignas(64) char buffer[CT__ITER_OPERANDS][BLOCK * 8];
    const ct__pointwise_kernels *k = &ct__kern()->pointwise;
    char *d[CT__ITER_OPERANDS];
    int64_t s[CT__ITER_OPERANDS];
    for (int64_t start = 0; start < n; start += BLOCK) {
        int64_t m = ct__min_i64(BLOCK, n - start);
        for (int i = 0; i < it->n; i++) {
            char *p = data[i] + start * strides[i];
            if (it->dtype[i] == it->loop_dtype[i] && it->via[i] == CT_DTYPE_NONE) {
                d[i] = p;
                s[i] = strides[i];
                continue;
            }
            d[i] = buffer[i];
            s[i] = i > 0 && strides[i] == 0 ? 0 : element_size[it->loop_dtype[i]];
            if (i > 0 && (s[i] || start == 0)) load_block(it, i, s[i] ? m : 1, p, strides[i], buffer[i]);
        }
        it->loop(m, d, s, it->args);
        if (it->dtype[0] != it->loop_dtype[0])
            k->convert[it->dtype[0]][it->loop_dtype[0]](m, (char *[]){data[0] + start * strides[0], buffer[0]},
                                                        (int64_t[]){strides[0], element_size[it->loop_dtype[0]]}, NULL);
    }
}

static void run_range(int64_t begin, int64_t end, void *arg) {
    const iter *it = arg;
    int64_t index[CT_MAX_NDIM];
    char *data[CT__ITER_OPERANDS];
    memcpy(data, it->data, sizeof data);
    int64_t rest = begin;
    for (int d = 0; d < it->ndim; d++) {
        index[d] = rest % it->sizes[d];
        rest /= it->sizes[d];
        for (int i = 0; i < it->n; i++) data[i] += index[d] * it->strides[d][i];
    }
    for (int64_t left = end - begin; left > 0;) {
        int64_t n = ct__min_i64(it->sizes[0] - index[0], left);
        if (it->convert)
            run_converting(it, n, data, it->strides[0]);
        else
            it->loop(n, data, it->strides[0], it->args);
        left -= n;
        if (left <= 0) break;
        for (int i = 0; i < it->n; i++) data[i] -= index[0] * it->strides[0][i]; /* to the next row's start */
        index[0] = 0;
        for (int d = 1; d < it->ndim; d++) {
            for (int i = 0; i < it->n; i++) data[i] += it->strides[d][i];
            if (++index[d] < it->sizes[d]) break;
            for (int i = 0; i < it->n; i++) data[i] -= it->sizes[d] * it->strides[d][i];
            index[d] = 0;
        }
    }
}

static void run(iter *it) {
    if (it->numel == 0) return;
    if (it->numel <= CT__GRAIN)
        run_range(0, it->numel, it);
    else
        ct__parallel_for(it->numel, CT__GRAIN, run_range, it);
}

/* ---- order and merge ---- */

/* 1 if dim a (now inside) belongs outside of dim b, -1 if it is right as it is, 0 if the operands do not say. */
static int compare_dims(const iter *it, int first_operand, int a, int b) {
    for (int i = first_operand; i < it->n; i++) {
        int64_t x = it->strides[a][i], y = it->strides[b][i];
        if (x == 0 || y == 0) continue;
        if (x < y) return -1;
        if (x > y) return 1;
        if (it->sizes[a] > it->sizes[b]) return 1;
    }
    return 0;
}

static void swap_dims(iter *it, int *perm, int a, int b) {
    int64_t t;
    t = it->sizes[a], it->sizes[a] = it->sizes[b], it->sizes[b] = t;
    for (int i = 0; i < it->n; i++) t = it->strides[a][i], it->strides[a][i] = it->strides[b][i], it->strides[b][i] = t;
    int p = perm[a];
    perm[a] = perm[b];
    perm[b] = p;
}

/* perm[d]: which dim of the tensors is the d-th from inside. first_operand 1: operand 0 is not there yet. */
static void order(iter *it, int first_operand, int *perm) {
    for (int i = 1; i < it->ndim; i++)
        for (int outer = i, inner = i - 1; inner >= 0; inner--) {
            int c = compare_dims(it, first_operand, inner, outer);
            if (c > 0) {
                swap_dims(it, perm, inner, outer);
                outer = inner;
            } else if (c < 0) {
                break;
            }
        }
}

static void merge(iter *it) {
    int kept = 0;
    for (int d = 0; d < it->ndim; d++) {
        if (it->sizes[d] == 1) continue;
        bool joins = kept > 0;
        for (int i = 0; joins && i < it->n; i++)
            joins = it->strides[d][i] == it->strides[kept - 1][i] * it->sizes[kept - 1];
        if (joins) {
            it->sizes[kept - 1] *= it->sizes[d];
        } else {
            it->sizes[kept] = it->sizes[d];
            memmove(it->strides[kept], it->strides[d], sizeof it->strides[0]);
            kept++;
        }
    }
    if (kept == 0) {
        it->sizes[0] = 1;
        memset(it->strides[0], 0, sizeof it->strides[0]);
        kept = 1;
    }
    it->ndim = kept;
}

/* ---- setup ---- */

static void set_operand(iter *it, int i, const ct_tensor *t, int ndim) {
    it->data[i] = t->numel ? ct__ptr(t) : NULL;
    it->dtype[i] = (ct_dtype)t->dtype;
    it->convert |= it->dtype[i] != it->loop_dtype[i] || it->via[i] != CT_DTYPE_NONE;
    int64_t size = element_size[t->dtype];
    for (int d = 0; d < ndim; d++) { /* d counts from the last dim */
        int j = t->ndim - 1 - d;
        it->strides[d][i] = j < 0 || (t->sizes[j] == 1 && it->sizes[d] != 1) ? 0 : t->strides[j] * size;
    }
}

static void set_inputs(iter *it, const ct__arg *in, int n_in, int ndim) {
    for (int i = 0; i < n_in; i++) {
        it->loop_dtype[i + 1] = in[i].dtype;
        it->via[i + 1] = in[i].via;
        if (in[i].t) {
            set_operand(it, i + 1, in[i].t, ndim);
            continue;
        }
        it->data[i + 1] = (char *)(uintptr_t)in[i].element; /* only read */
        it->dtype[i + 1] = in[i].dtype;
        for (int d = 0; d < ndim; d++) it->strides[d][i + 1] = 0;
    }
}

static ct_status broadcast_inputs(const char *function, const ct__arg *in, int n_in, int64_t *sizes, int *ndim) {
    for (int i = 0; i < n_in; i++)
        if (in[i].t)
            CT__TRY(ct__broadcast(function, sizes, *ndim, in[i].t->sizes, in[i].t->ndim, sizes, ndim));
    return CT_OK;
}

/* Strides of the result where all inputs agree in shape and layout (TensorIterator's fast set-up): true if they do. */
static bool common_layout(const ct__arg *in, int n_in, const ct_tensor **like) {
    const ct_tensor *first = NULL;
    bool row_major = true, channels_last = true, same = true;
    for (int i = 0; i < n_in; i++) {
        const ct_tensor *t = in[i].t;
        if (!t) continue;
        if (!first) first = t;
        if (t->ndim != first->ndim || memcmp(t->sizes, first->sizes, sizeof(int64_t) * (size_t)t->ndim) != 0) return false;
        row_major &= t->contiguous;
        channels_last &= ct__is_dense(t, CT_FORMAT_CHANNELS_LAST);
        same &= memcmp(t->strides, first->strides, sizeof(int64_t) * (size_t)t->ndim) == 0;
    }
    *like = first;
    return first && (row_major || channels_last) && (row_major || same);
}

static ct_tensor *new_result(const char *function, const iter *it, const int *perm, const int64_t *sizes, int ndim,
                             ct_dtype dtype, const ct__arg *in, int n_in) {
    const ct_tensor *like;
    if (common_layout(in, n_in, &like))
        return like->contiguous ? ct__new(function, sizes, ndim, dtype)
                                : ct__new_strided(function, sizes, like->strides, ndim, dtype);
    int64_t strides[CT_MAX_NDIM], next = 1;
    bool row_major = true;
    for (int d = 0; d < ndim; d++) {
        row_major &= perm[d] == ndim - 1 - d;
        strides[perm[d]] = next;
        next *= it->sizes[d];
    }
    return row_major || it->numel == 0 ? ct__new(function, sizes, ndim, dtype)
                                       : ct__new_strided(function, sizes, strides, ndim, dtype);
}

static void start(iter *it, ct__loop loop, const void *args, ct_dtype dtype, int n_in, const int64_t *sizes, int ndim) {
    it->via[0] = CT_DTYPE_NONE;
    it->n = n_in + 1;
    it->ndim = ndim;
    it->loop = loop;
    it->args = args;
    it->convert = false;
    it->loop_dtype[0] = dtype;
    it->numel = 1;
    for (int d = 0; d < ndim; d++) it->numel *= it->sizes[d] = sizes[ndim - 1 - d];
}

static ct_tensor *map_strided(const char *function, ct__loop loop, const void *args, ct_dtype dtype, ct_dtype result, const ct__arg *in, int n_in) {
    int64_t sizes[CT_MAX_NDIM];
    int ndim = 0, perm[CT_MAX_NDIM];
    CT__TRY_NULL(broadcast_inputs(function, in, n_in, sizes, &ndim));
    iter it;
    int64_t numel;
    CT__TRY_NULL(ct__numel(function, sizes, ndim, &numel));
    start(&it, loop, args, dtype, n_in, sizes, ndim);
    set_inputs(&it, in, n_in, ndim);
    for (int d = 0; d < ndim; d++) {
        perm[d] = ndim - 1 - d;
        it.strides[d][0] = 0;
    }
    order(&it, 1, perm);
    ct_tensor *out = new_result(function, &it, perm, sizes, ndim, result, in, n_in);
    if (!out) return NULL;
    it.data[0] = out->numel ? ct__ptr(out) : NULL;
    it.dtype[0] = result;
    it.convert |= result != dtype;
    for (int d = 0; d < ndim; d++) it.strides[d][0] = out->strides[perm[d]] * element_size[result];
    merge(&it);
    run(&it);
    return out;
}

/* ---- the short way: row-major operands of one shape, 0-dim ones and elements; no conversion ---- */

typedef struct flat_job {
    ct__loop loop;
    const void *args;
    int n;
    char *data[CT__ITER_OPERANDS];
    int64_t strides[CT__ITER_OPERANDS];
} flat_job;

static void run_flat(int64_t begin, int64_t end, void *arg) {
    const flat_job *job = arg;
    char *data[CT__ITER_OPERANDS];
    for (int i = 0; i < job->n; i++) data[i] = job->data[i] + begin * job->strides[i];
    job->loop(end - begin, data, job->strides, job->args);
}

/* The tensor whose shape the result has, or NULL if the long way is needed. */
static const ct_tensor *flat_inputs(flat_job *job, const ct__arg *in, int n_in) {
    const ct_tensor *shape = NULL;
    for (int i = 0; i < n_in; i++)
        if (in[i].t && (!shape || in[i].t->ndim > shape->ndim)) shape = in[i].t;
    if (!shape) return NULL;
    for (int i = 0; i < n_in; i++) {
        const ct_tensor *t = in[i].t;
        if (!t) {
            job->data[i + 1] = (char *)(uintptr_t)in[i].element;
            job->strides[i + 1] = 0;
            continue;
        }
        if (t->dtype != in[i].dtype || in[i].via != CT_DTYPE_NONE || !t->contiguous) return NULL;
        job->data[i + 1] = ct__ptr(t);
        if (t->ndim == shape->ndim) {
            for (int d = 0; d < t->ndim; d++)
                if (t->sizes[d] != shape->sizes[d]) return NULL;
            job->strides[i + 1] = element_size[t->dtype];
        } else if (t->ndim == 0) {
            job->strides[i + 1] = 0;
        } else {
            return NULL;
        }
    }
    return shape;
}

static void flat(flat_job *job, ct__loop loop, const void *args, int n_in, const ct_tensor *out) {
    job->data[0] = ct__ptr(out);
    job->strides[0] = element_size[out->dtype];
    if (out->numel <= CT__GRAIN) {
        loop(out->numel, job->data, job->strides, args);
        return;
    }
    job->loop = loop;
    job->args = args;
    job->n = n_in + 1;
    ct__parallel_for(out->numel, CT__GRAIN, run_flat, job);
}

/* ---- overlap ---- */

/* May a write to out change an element of t that is read later? Not if both are the same view: each element is read before
 * it is written. */
static bool needs_copy(const ct_tensor *out, const ct_tensor *t) {
    if (t->storage != out->storage || !t->numel || !out->numel) return false;
    size_t bytes = sizeof(int64_t) * (size_t)t->ndim;
    if (t->offset == out->offset && t->ndim == out->ndim && memcmp(t->sizes, out->sizes, bytes) == 0 &&
        memcmp(t->strides, out->strides, bytes) == 0)
        return false;
    int64_t last = t->offset, out_last = out->offset;
    for (int d = 0; d < t->ndim; d++) last += (t->sizes[d] - 1) * t->strides[d];
    for (int d = 0; d < out->ndim; d++) out_last += (out->sizes[d] - 1) * out->strides[d];
    return t->offset <= out_last && out->offset <= last;
}

/* ---- the calls ---- */

ct_tensor *ct__map(const char *function, ct__loop loop, const void *args, ct_dtype dtype, const ct__arg *in, int n_in) {
    CT__ASSERT(loop && n_in < CT__ITER_OPERANDS);
    flat_job job;
    const ct_tensor *shape = flat_inputs(&job, in, n_in);
    if (CT__UNLIKELY(!shape)) return map_strided(function, loop, args, dtype, dtype, in, n_in);
    ct_tensor *out = ct__new_like(function, shape, dtype);
    if (out && out->numel) flat(&job, loop, args, n_in, out);
    return out;
}

ct_tensor *ct__map_as(const char *function, ct__loop loop, const void *args, ct_dtype dtype, ct_dtype result, const ct__arg *in, int n_in) {
    if (CT__LIKELY(dtype == result)) return ct__map(function, loop, args, dtype, in, n_in);
    CT__ASSERT(loop && n_in < CT__ITER_OPERANDS);
    return map_strided(function, loop, args, dtype, result, in, n_in);
}

static ct_status into_strided(const char *function, ct_tensor *out, ct__loop loop, const void *args, ct_dtype dtype,
                              const ct__arg *in, int n_in) {
    int64_t sizes[CT_MAX_NDIM];
    int ndim = out->ndim, perm[CT_MAX_NDIM];
    memcpy(sizes, out->sizes, sizeof sizes[0] * (size_t)ndim);
    CT__TRY(broadcast_inputs(function, in, n_in, sizes, &ndim));
    ct__shape_text want, have;
    if (ndim != out->ndim || memcmp(sizes, out->sizes, sizeof sizes[0] * (size_t)ndim) != 0)
        return ct__fail(CT_ERR_SHAPE, "%s: the result would be %s, which the tensor %s cannot hold in place", function,
                        ct__shape_str(&want, sizes, ndim), ct__shape_str(&have, out->sizes, out->ndim));
    iter it;
    start(&it, loop, args, dtype, n_in, sizes, ndim);
    set_operand(&it, 0, out, ndim);
    set_inputs(&it, in, n_in, ndim);
    for (int d = 0; d < ndim; d++) perm[d] = ndim - 1 - d;
    order(&it, 0, perm);
    merge(&it);
    run(&it);
    return CT_OK;
}

ct_status ct__map_into(const char *function, ct_tensor *out, ct__loop loop, const void *args, ct_dtype dtype,
                       const ct__arg *in, int n_in) {
    CT__ASSERT(loop && n_in < CT__ITER_OPERANDS);
    ct__arg own[CT__ITER_OPERANDS];
    ct_tensor *copies[CT__ITER_OPERANDS] = {NULL};
    ct_status status = CT_OK;
    bool long_way = !out->contiguous || out->dtype != dtype;
    for (int i = 0; i < n_in && status == CT_OK; i++) {
        own[i] = in[i];
        if (!in[i].t || !needs_copy(out, in[i].t)) continue;
        copies[i] = ct__new_like(function, in[i].t, (ct_dtype)in[i].t->dtype);
        status = copies[i] ? ct__copy_into(function, copies[i], in[i].t) : ct__pending();
        own[i].t = copies[i];
    }
    flat_job job;
    if (status != CT_OK) {
        /* nothing was written */
    } else {
        const ct_tensor *shape = long_way ? NULL : flat_inputs(&job, own, n_in);
        if (!shape || !ct__same_sizes(shape, out))
            status = into_strided(function, out, loop, args, dtype, own, n_in);
        else if (out->numel)
            flat(&job, loop, args, n_in, out);
    }
    for (int i = 0; i < n_in; i++) ct__unref(copies[i]);
    return status;
}

ct_status ct__copy_into(const char *function, ct_tensor *dst, const ct_tensor *src) {
    if (dst->dtype == src->dtype && !(dst->contiguous && src->contiguous) && ct__same_sizes(dst, src) && !needs_copy(dst, src)) {
        if (dst->numel)
            ct__copy_strided((size_t)element_size[dst->dtype], dst->ndim, dst->sizes, ct__ptr(dst), dst->strides, ct__ptr(src), src->strides);
        return CT_OK;
    }
    ct__arg in = ct__arg_tensor(src, (ct_dtype)src->dtype);
    return ct__map_into(function, dst, ct__kern()->pointwise.convert[dst->dtype][src->dtype], NULL, (ct_dtype)dst->dtype, &in, 1);
}

ct_status ct__fill_into(const char *function, ct_tensor *dst, const void *element) {
    ct__arg in = ct__arg_element(element, (ct_dtype)dst->dtype);
    return ct__map_into(function, dst, ct__kern()->pointwise.convert[dst->dtype][dst->dtype], NULL, (ct_dtype)dst->dtype, &in, 1);
}
