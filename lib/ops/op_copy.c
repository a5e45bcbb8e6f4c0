/*
 * op_copy.c: copies, conversions, and filling in place.
 */
#include "ops/create.h"
#include <ctorch/ops_create.h>

#include <string.h>

/* ---- clone: d a = g ---- */

static void clone_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
}
static const ct__node_class clone_class = {.op = CT__OP_clone, .backward = clone_backward};

ct_tensor *ct_clone(ct_tensor *a) {
    if (!ct__enter(CT__OP_clone, &a, 1)) return NULL;
    ct_tensor *out = ct__copy_of(ct__fn(CT__OP_clone), a);
    return ct__finish(ct__node_new(&clone_class, &a, 1, 1), out);
}

static const ct__node_class clone_memory_format_class = {.op = CT__OP_clone_memory_format, .backward = clone_backward};

ct_tensor *ct_clone_memory_format(ct_tensor *a, ct_memory_format format) {
    const int op = CT__OP_clone_memory_format;
    if (!ct__enter(op, &a, 1)) return NULL;
    ct_tensor *out = ct__new_in_format(ct__fn(op), a, (ct_dtype)a->dtype, format);
    if (out) ct__copy_into(ct__fn(op), out, a);
    return ct__finish(ct__node_new(&clone_memory_format_class, &a, 1, 1), out);
}

/* ---- to: d a = g in a's dtype ---- */

static void to_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_to(g[0], (ct_dtype)ct__input_meta(n, 0)->dtype);
}
static const ct__node_class to_class = {.op = CT__OP_to, .backward = to_backward};

/* A second handle on the same memory, through which gradients flow. */
static ct_tensor *alias(const ct__node_class *cls, ct_tensor *a) {
    ct_tensor *out = ct__new_view(a, a->sizes, a->strides, a->ndim, a->offset);
    return ct__finish_view(ct__node_new(cls, &a, 1, 1), out, a);
}

ct_tensor *ct_to(ct_tensor *a, ct_dtype dtype) {
    const int op = CT__OP_to;
    CT__TRY_NULL(ct__pending());
    if (!a) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_to: tensor argument 1 is NULL");
        return NULL;
    }
    if (dtype == CT_DTYPE_NONE || dtype == (ct_dtype)a->dtype) return alias(&to_class, a);
    if (!ct__dtype_valid(dtype)) {
        ct__fail(CT_ERR_DTYPE, "ct_to: tensors of %s cannot be made", ct_dtype_name(dtype));
        return NULL;
    }
    ct_tensor *out = ct__new_like(ct__fn(op), a, dtype);
    if (out) ct__copy_into(ct__fn(op), out, a);
    return ct__finish(ct__node_new(&to_class, &a, 1, 1), out);
}

/* ---- contiguous: d a = g ---- */

static const ct__node_class contiguous_class = {.op = CT__OP_contiguous, .backward = clone_backward};

ct_tensor *ct_contiguous(ct_tensor *a, ct_memory_format format) {
    const int op = CT__OP_contiguous;
    if (!ct__enter(op, &a, 1)) return NULL;
    bool channels_last = format == CT_FORMAT_CHANNELS_LAST;
    if (!channels_last && format != CT_FORMAT_CONTIGUOUS && format != CT_FORMAT_PRESERVE) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_contiguous: %d is not a memory format", (int)format);
        return NULL;
    }
    if (channels_last && a->ndim != 4) {
        ct__fail(CT_ERR_SHAPE, "ct_contiguous: channels_last wants 4 dims, the tensor has %d", a->ndim);
        return NULL;
    }
    if (channels_last ? ct__is_dense(a, CT_FORMAT_CHANNELS_LAST) : a->contiguous) return alias(&contiguous_class, a);
    ct_tensor *out = ct__new_in_format(ct__fn(op), a, (ct_dtype)a->dtype, channels_last ? format : CT_FORMAT_CONTIGUOUS);
    if (out) ct__copy_into(ct__fn(op), out, a);
    return ct__finish(ct__node_new(&contiguous_class, &a, 1, 1), out);
}

/* ---- copy_: d dst = 0, d src = g, summed where src was broadcast ---- */

static void copy_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_zeros_like(g[0], CT_DTYPE_NONE);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, g[0]);
}
static const ct__node_class copy_class = {.op = CT__OP_copy_, .backward = copy_backward};

ct_status ct_copy_(ct_tensor *dst, ct_tensor *src) {
    const int op = CT__OP_copy_;
    if (!ct__enter_inplace(op, dst, &src, 1)) return ct__pending();
    ct__node *n = ct__node_new(&copy_class, (ct_tensor *[]){dst, src}, 2, 1);
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__copy_into(ct__fn(op), dst, src);
    if (status == CT_OK) return ct__finish_inplace(n, dst);
    ct__node_unref(n);
    return status;
}

/* ---- fill_, zero_: d a = 0 ---- */

static void fill_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_zeros_like(g[0], CT_DTYPE_NONE);
}
static const ct__node_class fill_class = {.op = CT__OP_fill_, .backward = fill_backward};
static const ct__node_class fill_int_class = {.op = CT__OP_fill_int_, .backward = fill_backward};
static const ct__node_class zero_class = {.op = CT__OP_zero_, .backward = fill_backward};

static ct_status fill(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter_inplace(cls->op, a, NULL, 0)) return ct__pending();
    ct__element e;
    CT__TRY(ct__element_checked(ct__fn(cls->op), x, (ct_dtype)a->dtype, &e));
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__fill_into(ct__fn(cls->op), a, &e);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}

ct_status ct_fill_(ct_tensor *a, double value) { return fill(&fill_class, a, ct__number_f64(value)); }
ct_status ct_fill_int_(ct_tensor *a, int64_t value) { return fill(&fill_int_class, a, ct__number_i64(value)); }
ct_status ct_zero_(ct_tensor *a) { return fill(&zero_class, a, ct__number_i64(0)); }
