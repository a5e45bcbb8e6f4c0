/*
 * op_create.c: new tensors from shapes and numbers. Sequences are in op_sequence.c.
 */
#include "ops/create.h"
#include <ctorch/ops_create.h>

#include <string.h>

/* ---- from a shape: empty, zeros, ones, full ---- */

ct_tensor *ct__create(int op, const int64_t *sizes, int ndim, ct_dtype dtype, ct_dtype standard) {
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = standard;
    if (!ct__dtype_valid(dtype)) {
        ct__fail(CT_ERR_DTYPE, "%s: tensors of %s cannot be made", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    return ct__new(ct__fn(op), sizes, ndim, dtype);
}

/* Takes over t, whose elements become x. */
enum { ONE_THREAD = 1 << 20 }; /* bytes; more of them are filled by all threads */

static ct_tensor *filled(int op, ct_tensor *t, ct__number x) {
    ct__element e;
    if (!t) return NULL;
    ct_status status = ct__element_checked(ct__fn(op), x, (ct_dtype)t->dtype, &e);
    if (status == CT_OK) {
        const size_t bytes = (size_t)t->numel * ct_dtype_size((ct_dtype)t->dtype);
        if (e.i64 == 0 && bytes <= ONE_THREAD) {
            if (bytes) memset(ct__ptr(t), 0, bytes);
        } else {
            status = ct__fill_into(ct__fn(op), t, &e);
        }
    }
    if (status != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return ct__finish(NULL, t);
}

ct_tensor *ct_empty(const int64_t *sizes, int ndim, ct_dtype dtype) {
    return ct__finish(NULL, ct__create(CT__OP_empty, sizes, ndim, dtype, CT_F32));
}
ct_tensor *ct_zeros(const int64_t *sizes, int ndim, ct_dtype dtype) {
    return filled(CT__OP_zeros, ct__create(CT__OP_zeros, sizes, ndim, dtype, CT_F32), ct__number_i64(0));
}
ct_tensor *ct_ones(const int64_t *sizes, int ndim, ct_dtype dtype) {
    return filled(CT__OP_ones, ct__create(CT__OP_ones, sizes, ndim, dtype, CT_F32), ct__number_i64(1));
}
ct_tensor *ct_full(const int64_t *sizes, int ndim, double value, ct_dtype dtype) {
    return filled(CT__OP_full, ct__create(CT__OP_full, sizes, ndim, dtype, CT_F32), ct__number_f64(value));
}
ct_tensor *ct_full_int(const int64_t *sizes, int ndim, int64_t value, ct_dtype dtype) {
    return filled(CT__OP_full_int, ct__create(CT__OP_full_int, sizes, ndim, dtype, CT_I64), ct__number_i64(value));
}
ct_tensor *ct_scalar_tensor(double value, ct_dtype dtype) {
    return filled(CT__OP_scalar_tensor, ct__create(CT__OP_scalar_tensor, NULL, 0, dtype, CT_F32), ct__number_f64(value));
}
ct_tensor *ct_scalar_tensor_int(int64_t value, ct_dtype dtype) {
    return filled(CT__OP_scalar_tensor_int, ct__create(CT__OP_scalar_tensor_int, NULL, 0, dtype, CT_I64), ct__number_i64(value));
}

/* Any strides that are not negative: dims may overlap or leave gaps. The memory is as long as the last element lies. */
ct_tensor *ct_empty_strided(const int64_t *sizes, const int64_t *strides, int ndim, ct_dtype dtype) {
    const int op = CT__OP_empty_strided;
    if (ndim > 0 && !strides && ct__pending() == CT_OK) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_empty_strided: strides is NULL");
    int64_t numel, extent = 1;
    if (!ct__enter(op, NULL, 0) || ct__numel(ct__fn(op), sizes, ndim, &numel) != CT_OK) return NULL;
    for (int d = 0; d < ndim; d++) {
        int64_t reach;
        if (strides[d] < 0 || !ct__mul_i64(ct__max_i64(sizes[d] - 1, 0), strides[d], &reach) || extent > INT64_MAX - reach) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_empty_strided: stride %lld at dim %d is negative or too large", (long long)strides[d], d);
            return NULL;
        }
        extent += reach;
    }
    if (numel == 0) extent = 0;
    ct_tensor *memory = ct__create(op, &extent, 1, dtype, CT_F32);
    ct_tensor *out = memory ? ct__new_view(memory, sizes, strides, ndim, 0) : NULL;
    ct__unref(memory);
    return ct__finish(NULL, out);
}

/* ---- like a tensor ---- */

static ct_tensor *like(int op, ct_tensor *a, ct_dtype dtype) {
    if (!ct__enter(op, &a, 1)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = (ct_dtype)a->dtype;
    if (!ct__dtype_valid(dtype)) {
        ct__fail(CT_ERR_DTYPE, "%s: tensors of %s cannot be made", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    return ct__new_like(ct__fn(op), a, dtype);
}

ct_tensor *ct_empty_like(ct_tensor *a, ct_dtype dtype) { return ct__finish(NULL, like(CT__OP_empty_like, a, dtype)); }
ct_tensor *ct_zeros_like(ct_tensor *a, ct_dtype dtype) {
    return filled(CT__OP_zeros_like, like(CT__OP_zeros_like, a, dtype), ct__number_i64(0));
}
ct_tensor *ct_ones_like(ct_tensor *a, ct_dtype dtype) {
    return filled(CT__OP_ones_like, like(CT__OP_ones_like, a, dtype), ct__number_i64(1));
}
ct_tensor *ct_full_like(ct_tensor *a, double value, ct_dtype dtype) {
    return filled(CT__OP_full_like, like(CT__OP_full_like, a, dtype), ct__number_f64(value));
}

ct_tensor *ct_full_like_int(ct_tensor *a, int64_t value, ct_dtype dtype) {
    return filled(CT__OP_full_like_int, like(CT__OP_full_like_int, a, dtype), ct__number_i64(value));
}
ct_tensor *ct__new_in_format(const char *function, const ct_tensor *a, ct_dtype dtype, ct_memory_format format) {
    switch (format) {
    case CT_FORMAT_PRESERVE: return ct__new_like(function, a, dtype);
    case CT_FORMAT_CONTIGUOUS: return ct__new(function, a->sizes, a->ndim, dtype);
    case CT_FORMAT_CHANNELS_LAST: break;
    default: ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a memory format", function, (int)format); return NULL;
    }
    if (a->ndim != 4) {
        ct__fail(CT_ERR_SHAPE, "%s: channels_last wants 4 dims, the tensor has %d", function, a->ndim);
        return NULL;
    }
    const int64_t c = a->sizes[1], h = a->sizes[2], w = a->sizes[3];
    return ct__new_strided(function, a->sizes, (int64_t[]){h * w * c, 1, w * c, c}, 4, dtype);
}
ct_tensor *ct_empty_like_memory_format(ct_tensor *a, ct_dtype dtype, ct_memory_format format) {
    const int op = CT__OP_empty_like_memory_format;
    if (!ct__enter(op, &a, 1)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = (ct_dtype)a->dtype;
    if (!ct__dtype_valid(dtype)) {
        ct__fail(CT_ERR_DTYPE, "%s: tensors of %s cannot be made", ct__fn(op), ct_dtype_name(dtype));
        return NULL;
    }
    return ct__finish(NULL, ct__new_in_format(ct__fn(op), a, dtype, format));
}

/* ---- on the diagonal ---- */

ct_tensor *ct_eye(int64_t n, int64_t m, ct_dtype dtype) {
    const int op = CT__OP_eye;
    ct_tensor *out = ct__create(op, (int64_t[]){n, m}, 2, dtype, CT_F32);
    if (!out) return NULL;
    size_t size = ct_dtype_size((ct_dtype)out->dtype);
    if (out->numel) memset(ct__ptr(out), 0, (size_t)out->numel * size);
    for (int64_t i = 0; i < n && i < m; i++)
        ct__store_i64(ct__ptr(out) + (size_t)(i * m + i) * size, (ct_dtype)out->dtype, 1);
    return ct__finish(NULL, out);
}
