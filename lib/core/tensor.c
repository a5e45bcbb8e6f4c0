/*
 * tensor.c: making, freeing and asking tensors; access to their data.
 *
 * A new tensor is two blocks: the handle and the storage, whose header and elements share one block. Headers take 64
 * bytes, so that elements stay aligned to a cache line.
 */
#include "core/tensor_impl.h"

#include "base/vec.h"

#include <string.h>

_Static_assert(sizeof(ct__storage) <= CT__STORAGE_HEADER, "elements follow the header at a cache line");

void (*ct__autograd_destroy)(ct_tensor *t);

/* ---- Making ---- */

static ct__storage *storage_new(const char *function, int64_t numel, ct_dtype dtype) {
    int64_t bytes, total;
    if (!ct__mul_i64(numel, (int64_t)ct_dtype_size(dtype), &bytes) || !ct__add_i64(bytes, CT__STORAGE_HEADER, &total) || (uint64_t)total > SIZE_MAX) {
        ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %lld elements of %s do not fit in memory", function, (long long)numel, ct_dtype_name(dtype));
        return NULL;
    }
    ct__storage *s = ct__alloc((size_t)total);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    atomic_init(&s->version, 0);
    s->device = CT_DEVICE_CPU;
    s->data = (char *)s + CT__STORAGE_HEADER;
    s->nbytes = (size_t)bytes;
    s->deleter = NULL;
    s->user = NULL;
    return s;
}

static void storage_unref(ct__storage *s) {
    /* The only reference cannot become another thread's while we hold it: no locked subtraction then. */
    if (atomic_load_explicit(&s->refs, memory_order_acquire) != 1 && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    if (s->deleter) s->deleter(s->data, s->user);
    ct__free(s);
}

/* Takes over the reference to storage, on failure too. */
static ct_tensor *handle_new(ct__storage *storage, const int64_t *sizes, const int64_t *strides, int ndim, int64_t numel, int64_t offset, ct_dtype dtype) {
    ct_tensor *t = ct__alloc(sizeof *t);
    if (!t) {
        storage_unref(storage);
        return NULL;
    }
    atomic_init(&t->obj.refs, 1);
    t->obj.kind = CT__KIND_TENSOR;
    t->dtype = (uint8_t)dtype;
    t->ndim = (uint8_t)ndim;
    t->inference = false;
    t->storage = storage;
    t->offset = offset;
    t->numel = numel;
    t->autograd = NULL;
    for (int i = 0; i < ndim; i++) t->sizes[i] = sizes[i];
    if (strides) {
        for (int i = 0; i < ndim; i++) t->strides[i] = strides[i];
        t->contiguous = ct__is_dense(t, CT_FORMAT_CONTIGUOUS);
    } else {
        ct__row_major_strides(sizes, ndim, t->strides);
        t->contiguous = true;
    }
    return t;
}

static ct_status check_new(const char *function, const int64_t *sizes, int ndim, ct_dtype dtype, int64_t *numel) {
    CT__TRY(ct__pending());
    if (!ct__dtype_valid(dtype)) return ct__fail(CT_ERR_DTYPE, "%s: %d is not a dtype", function, (int)dtype);
    return ct__numel(function, sizes, ndim, numel);
}

ct_tensor *ct__new_strided(const char *function, const int64_t *sizes, const int64_t *strides, int ndim, ct_dtype dtype) {
    int64_t numel;
    CT__TRY_NULL(check_new(function, sizes, ndim, dtype, &numel));
    ct__storage *s = storage_new(function, numel, dtype);
    return s ? handle_new(s, sizes, strides, ndim, numel, 0, dtype) : NULL;
}

ct_tensor *ct__new(const char *function, const int64_t *sizes, int ndim, ct_dtype dtype) {
    return ct__new_strided(function, sizes, NULL, ndim, dtype);
}

/* The quick way of element-wise operations: like's sizes have been checked. */
static ct_tensor *new_dense_like(const char *function, const ct_tensor *like, ct_dtype dtype) {
    CT__TRY_NULL(ct__pending());
    ct__storage *s = storage_new(function, like->numel, dtype);
    return s ? handle_new(s, like->sizes, NULL, like->ndim, like->numel, 0, dtype) : NULL;
}

ct_tensor *ct__new_like(const char *function, const ct_tensor *like, ct_dtype dtype) {
    int64_t strides[CT_MAX_NDIM];
    if (like->contiguous) return new_dense_like(function, like, dtype);
    ct__preserved_strides(like, strides);
    return ct__new_strided(function, like->sizes, strides, like->ndim, dtype);
}

ct_tensor *ct__new_view(const ct_tensor *base, const int64_t *sizes, const int64_t *strides, int ndim, int64_t offset) {
    int64_t numel;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(ct__numel("view", sizes, ndim, &numel));
    atomic_fetch_add_explicit(&base->storage->refs, 1, memory_order_relaxed);
    ct_tensor *t = handle_new(base->storage, sizes, strides, ndim, numel, offset, (ct_dtype)base->dtype);
    if (t) t->inference = base->inference;
    return t;
}

void ct__tensor_destroy(ct__obj *o) {
    ct_tensor *t = (ct_tensor *)o;
    if (t->autograd) ct__autograd_destroy(t);
    storage_unref(t->storage);
    ct__free(t);
}

ct_tensor *ct_from_data(const void *data, const int64_t *sizes, int ndim, ct_dtype dtype) {
    int64_t numel;
    CT__TRY_NULL(check_new("ct_from_data", sizes, ndim, dtype, &numel));
    if (numel && !data) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_from_data: data is NULL for %lld elements", (long long)numel);
        return NULL;
    }
    ct_tensor *t = ct__new("ct_from_data", sizes, ndim, dtype);
    if (!t || !numel) return ct__scope_give(t);
    char *p = ct__ptr(t);
    memcpy(p, data, t->storage->nbytes);
    if (dtype == CT_BOOL) /* any non-zero byte is true; kernels rely on 0 and 1 */
        for (int64_t i = 0; i < numel; i++) p[i] = p[i] != 0;
    return ct__scope_give(t);
}

/* How many elements beyond the first the view reaches; false if that overflows or a stride is negative. */
static bool reach(const int64_t *sizes, const int64_t *strides, int ndim, int64_t *out) {
    int64_t sum = 0;
    for (int i = 0; i < ndim; i++) {
        int64_t r;
        if (strides[i] < 0 || (sizes[i] > 0 && !ct__mul_i64(sizes[i] - 1, strides[i], &r))) return false;
        if (sizes[i] > 0 && !ct__add_i64(sum, r, &sum)) return false;
    }
    *out = sum;
    return true;
}

ct_tensor *ct_from_blob(void *data, const int64_t *sizes, int ndim, const int64_t *strides, ct_dtype dtype,
                        void (*deleter)(void *data, void *user), void *user) {
    int64_t numel, last = 0, bytes;
    CT__TRY_NULL(check_new("ct_from_blob", sizes, ndim, dtype, &numel));
    int64_t size = (int64_t)ct_dtype_size(dtype), row_major[CT_MAX_NDIM];
    ct__row_major_strides(sizes, ndim, row_major);
    if (!strides) strides = row_major;
    if (!reach(sizes, strides, ndim, &last) || !ct__add_i64(last, 1, &last) || !ct__mul_i64(last, size, &bytes)) {
        ct__shape_text text;
        ct__fail(CT_ERR_SHAPE, "ct_from_blob: strides %s are negative or reach beyond 64 bits", ct__shape_str(&text, strides, ndim));
        return NULL;
    }
    if (numel && (!data || (uintptr_t)data % (uintptr_t)size)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_from_blob: data at %p is %s", data, data ? "not aligned to its elements" : "NULL");
        return NULL;
    }
    ct__storage *s = ct__alloc(sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    atomic_init(&s->version, 0);
    s->device = CT_DEVICE_CPU;
    s->data = data;
    s->nbytes = numel ? (size_t)bytes : 0;
    s->deleter = NULL; /* until nothing can fail any more */
    s->user = user;
    ct_tensor *t = ct__scope_give(handle_new(s, sizes, strides, ndim, numel, 0, dtype));
    if (t) s->deleter = deleter;
    return t;
}

/* ---- Asking ---- */

int ct_ndim(const ct_tensor *t) { return t ? t->ndim : 0; }
int64_t ct_numel(const ct_tensor *t) { return t ? t->numel : 0; }
const int64_t *ct_sizes(const ct_tensor *t) { return t ? t->sizes : NULL; }
const int64_t *ct_strides(const ct_tensor *t) { return t ? t->strides : NULL; }
int64_t ct_storage_offset(const ct_tensor *t) { return t ? t->offset : 0; }
ct_dtype ct_tensor_dtype(const ct_tensor *t) { return t ? (ct_dtype)t->dtype : CT_DTYPE_NONE; }
ct_device ct_tensor_device(const ct_tensor *t) { return t ? t->storage->device : CT_DEVICE_CPU; }
bool ct_is_floating_point(const ct_tensor *t) { return t && ct__is_float(t); }
bool ct_is_same(const ct_tensor *a, const ct_tensor *b) { return a == b; }
bool ct_shares_storage(const ct_tensor *a, const ct_tensor *b) { return a && b && a->storage == b->storage; }
int64_t ct_version_of(const ct_tensor *t) { return t ? ct__version(t) : 0; }
bool ct_is_contiguous(const ct_tensor *t, ct_memory_format format) {
    return t && ct__is_dense(t, format == CT_FORMAT_PRESERVE ? CT_FORMAT_CONTIGUOUS : format);
}

static int64_t at_dim(const ct_tensor *t, const int64_t *values, int64_t dim) {
    if (dim < 0) dim += t->ndim;
    return dim >= 0 && dim < t->ndim ? values[dim] : 0;
}
int64_t ct_size(const ct_tensor *t, int64_t dim) { return t ? at_dim(t, t->sizes, dim) : 0; }
int64_t ct_stride(const ct_tensor *t, int64_t dim) { return t ? at_dim(t, t->strides, dim) : 0; }

/* ---- Data ---- */

const void *ct_data(const ct_tensor *t) { return t && t->numel ? ct__ptr(t) : NULL; }

void *ct_data_mut(ct_tensor *t) {
    if (!t || !t->numel) return NULL;
    ct__bump_version(t);
    return ct__ptr(t);
}

static const void *typed(const char *function, const ct_tensor *t, ct_dtype dtype) {
    if (!t) return NULL;
    if (t->dtype != dtype) {
        ct__fail(CT_ERR_DTYPE, "%s: the tensor is %s; convert it with ct_to", function, ct_dtype_name((ct_dtype)t->dtype));
        return NULL;
    }
    if (!t->contiguous) {
        ct__shape_text a, b;
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sizes %s with strides %s are not contiguous; make a copy with ct_contiguous", function,
                 ct__shape_str(&a, t->sizes, t->ndim), ct__shape_str(&b, t->strides, t->ndim));
        return NULL;
    }
    return ct_data(t);
}
const float *ct_data_f32(const ct_tensor *t) { return typed("ct_data_f32", t, CT_F32); }
const double *ct_data_f64(const ct_tensor *t) { return typed("ct_data_f64", t, CT_F64); }
const int64_t *ct_data_i64(const ct_tensor *t) { return typed("ct_data_i64", t, CT_I64); }
const uint8_t *ct_data_u8(const ct_tensor *t) { return typed("ct_data_u8", t, CT_U8); }

static const void *one_element(const char *function, const ct_tensor *t) {
    if (!t || ct__pending() != CT_OK) return NULL;
    if (t->numel == 1) return ct__ptr(t);
    ct__shape_text text;
    ct__fail(CT_ERR_SHAPE, "%s: %s has %lld elements, not one", function, ct__shape_str(&text, t->sizes, t->ndim), (long long)t->numel);
    return NULL;
}
double ct_item_f64(const ct_tensor *t) {
    const void *p = one_element("ct_item_f64", t);
    return p ? ct__load_f64(p, (ct_dtype)t->dtype) : 0;
}
int64_t ct_item_i64(const ct_tensor *t) {
    const void *p = one_element("ct_item_i64", t);
    return p ? ct__load_i64(p, (ct_dtype)t->dtype) : 0;
}
bool ct_item_bool(const ct_tensor *t) {
    const void *p = one_element("ct_item_bool", t);
    return p && ct__load_f64(p, (ct_dtype)t->dtype) != 0;
}

ct_status ct_copy_to(const ct_tensor *t, void *out, int64_t capacity, ct_dtype dtype) {
    CT__TRY(ct__pending());
    if (!t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_copy_to: the tensor is NULL");
    if (!ct__dtype_valid(dtype)) return ct__fail(CT_ERR_DTYPE, "ct_copy_to: %d is not a dtype", (int)dtype);
    if (capacity < t->numel || (t->numel && !out))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_copy_to: room for %lld elements at %s, the tensor has %lld", (long long)capacity,
                        out ? "out" : "NULL", (long long)t->numel);
    if (!t->numel) return CT_OK;
    size_t from = ct_dtype_size((ct_dtype)t->dtype), to = ct_dtype_size(dtype);
    if (t->contiguous && t->dtype == dtype) {
        memcpy(out, ct__ptr(t), (size_t)t->numel * to);
        return CT_OK;
    }
    bool integers = !ct__is_float(t);
    const char *p = ct__ptr(t);
    char *q = out;
    int64_t index[CT_MAX_NDIM] = {0};
    for (int64_t i = 0; i < t->numel; i++, q += to) {
        if (integers) ct__store_i64(q, dtype, ct__load_i64(p, (ct_dtype)t->dtype));
        else ct__store_f64(q, dtype, ct__load_f64(p, (ct_dtype)t->dtype));
        for (int d = t->ndim - 1; d >= 0; d--) { /* the next index in row-major order */
            p += (int64_t)from * t->strides[d];
            if (++index[d] < t->sizes[d]) break;
            p -= (int64_t)from * t->strides[d] * t->sizes[d];
            index[d] = 0;
        }
    }
    return CT_OK;
}
