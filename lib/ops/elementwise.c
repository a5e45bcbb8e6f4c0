/*
 * elementwise.c: see elementwise.h.
 */
#include "ops/elementwise.h"

#include <float.h>
#include <math.h>

ct__element ct__element_of(ct__number x, ct_dtype dtype) {
    ct__element e = {.i64 = 0};
    if (x.category == 1)
        ct__store_i64(&e, dtype, x.i);
    else
        ct__store_f64(&e, dtype, x.f);
    return e;
}

/* Unsigned types take negative numbers down to minus their largest, which wrap. What is too large for a half type is refused, as torch refuses it
 * for more than one element (of one it makes infinity). */
static bool fits(ct__number x, ct_dtype dtype) {
    double v = x.f;
    switch (dtype) {
    case CT_F32: return !isfinite(v) || fabs(v) <= FLT_MAX;
    case CT_F16: return !isfinite(v) || fabs(v) <= 65504;
    case CT_BF16: return !isfinite(v) || fabs(v) <= 0x1.fep127;
    case CT_I32: return v >= INT32_MIN && v <= INT32_MAX;
    case CT_I64: return x.category == 1 || (v >= -0x1p63 && v < 0x1p63);
    case CT_U8: return v >= -255 && v <= 255;
    case CT_I8: return v >= INT8_MIN && v <= INT8_MAX;
    case CT_I16: return v >= INT16_MIN && v <= INT16_MAX;
    default: return true;
    }
}

ct_status ct__element_checked(const char *function, ct__number x, ct_dtype dtype, ct__element *out) {
    if (!fits(x, dtype))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %.17g does not fit into %s", function, x.f, ct_dtype_name(dtype));
    *out = ct__element_of(x, dtype);
    return CT_OK;
}

ct__element ct__loop_element(ct__number x, ct_dtype dtype) {
    const ct_dtype compute = ct__compute_dtype(dtype);
    ct__element e = ct__element_of(x, dtype);
    if (compute == CT_F32 && dtype != CT_F32) e.f32 = (float)ct__load_f64(&e, dtype);
    else if (compute != dtype) e.i32 = (int32_t)ct__load_i64(&e, dtype);
    return e;
}

ct_dtype ct__common_dtype(const ct_tensor *a, const ct_tensor *b) {
    if (CT__LIKELY(a->dtype == b->dtype)) return (ct_dtype)a->dtype;
    return ct__result_type((const ct_tensor *const[]){a, b}, 2, 0);
}

ct_dtype ct__number_dtype(const ct_tensor *a, ct__number x) {
    if (CT__LIKELY(ct__is_float(a))) return (ct_dtype)a->dtype;
    return ct__result_type(&a, 1, x.category);
}

static int category(ct_dtype d) { return d == CT_BOOL ? 0 : ct_dtype_is_floating_point(d) ? 2 : 1; }

ct_status ct__check_cast(int op, ct_dtype from, ct_dtype to) {
    if (CT__LIKELY(category(from) <= category(to))) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: the result is %s and cannot be written to a tensor of %s", ct__fn(op),
                    ct_dtype_name(from), ct_dtype_name(to));
}

ct_status ct__check_not_bool(int op, ct_dtype dtype) {
    if (CT__LIKELY(dtype != CT_BOOL)) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: not for bool tensors", ct__fn(op));
}

ct_status ct__check_float(int op, const ct_tensor *t) {
    if (CT__LIKELY(ct__is_float(t))) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: wants floating point, not %s", ct__fn(op), ct_dtype_name((ct_dtype)t->dtype));
}

ct_status ct__check_bits(int op, ct_dtype dtype) {
    if (CT__LIKELY(!ct_dtype_is_floating_point(dtype))) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: wants integers or bools, not %s", ct__fn(op), ct_dtype_name(dtype));
}

/* The rounded divisions note a zero divisor of integers: an error, and no result. */
static bool divides(ct__binary_fn fn) {
    return fn == CT__BINARY_div_trunc || fn == CT__BINARY_div_floor || fn == CT__BINARY_remainder || fn == CT__BINARY_fmod;
}

static ct_tensor *binary_args(int op, ct__binary_fn fn, const ct__arg *in, ct_dtype dtype) {
    const ct_dtype compute = ct__compute_dtype(dtype);
    ct__loop loop = ct__kern()->pointwise.binary[fn][compute];
    CT__ASSERT(loop);
    if (CT__LIKELY(!divides(fn))) return ct__map_as(ct__fn(op), loop, NULL, compute, dtype, in, 2);
    atomic_int zero = 0;
    ct_tensor *out = ct__map_as(ct__fn(op), loop, &(ct__zero_flag){&zero}, compute, dtype, in, 2);
    if (out && atomic_load(&zero)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: integer division by zero", ct__fn(op));
        ct__unref(out);
        out = NULL;
    }
    return out;
}

/* PyTorch rounds a number or a single element to the half types, but for a factor or divisor. */
static bool scales(ct__binary_fn fn) {
    return fn == CT__BINARY_mul || fn == CT__BINARY_div || fn == CT__BINARY_div_trunc || fn == CT__BINARY_div_floor;
}
CT__INLINE ct__arg right_arg(ct__binary_fn fn, const ct_tensor *b, ct_dtype dtype) {
    const ct__arg arg = ct__arg_as(b, dtype);
    const bool exact = CT__UNLIKELY(arg.via != CT_DTYPE_NONE) && arg.dtype == CT_F32 && b->numel == 1 && scales(fn);
    return (ct__arg){.t = b, .dtype = arg.dtype, .via = exact ? CT_DTYPE_NONE : arg.via}; /* a changed copy would be stored in parts and loaded whole, which stalls */
}
static ct__element number_element(ct__binary_fn fn, ct__number x, bool left, ct_dtype dtype) {
    return !left && scales(fn) ? ct__loop_factor(x, dtype) : ct__loop_element(x, dtype);
}

ct_tensor *ct__binary(int op, ct__binary_fn fn, const ct_tensor *a, const ct_tensor *b, ct_dtype dtype) {
    ct__arg in[] = {ct__arg_as(a, dtype), right_arg(fn, b, dtype)};
    return binary_args(op, fn, in, dtype);
}

ct_tensor *ct__binary_number(int op, ct__binary_fn fn, const ct_tensor *a, ct__number x, bool left, ct_dtype dtype) {
    ct__element e = number_element(fn, x, left, dtype);
    ct__arg t = ct__arg_as(a, dtype), number = ct__arg_element(&e, ct__compute_dtype(dtype));
    return binary_args(op, fn, left ? (ct__arg[]){number, t} : (ct__arg[]){t, number}, dtype);
}

ct_status ct__binary_into(int op, ct__binary_fn fn, ct_tensor *a, const ct_tensor *b, ct_dtype dtype) {
    const ct_dtype compute = ct__compute_dtype(dtype);
    ct__arg in[] = {ct__arg_as(a, dtype), right_arg(fn, b, dtype)};
    return ct__map_into(ct__fn(op), a, ct__kern()->pointwise.binary[fn][compute], NULL, compute, in, 2);
}

ct_status ct__binary_number_into(int op, ct__binary_fn fn, ct_tensor *a, ct__number x, ct_dtype dtype) {
    const ct_dtype compute = ct__compute_dtype(dtype);
    ct__element e = number_element(fn, x, false, dtype);
    ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_element(&e, compute)};
    return ct__map_into(ct__fn(op), a, ct__kern()->pointwise.binary[fn][compute], NULL, compute, in, 2);
}

ct_tensor *ct__unary(int op, ct__unary_fn fn, const ct_tensor *a, ct_dtype dtype) {
    const ct_dtype compute = ct__compute_dtype(dtype);
    ct__arg in = ct__arg_as(a, dtype);
    return ct__map_as(ct__fn(op), ct__kern()->pointwise.unary[fn][compute], NULL, compute, dtype, &in, 1);
}

ct_status ct__unary_into(int op, ct__unary_fn fn, ct_tensor *a) {
    const ct_dtype compute = ct__compute_dtype((ct_dtype)a->dtype);
    ct__arg in = ct__arg_tensor(a, compute);
    return ct__map_into(ct__fn(op), a, ct__kern()->pointwise.unary[fn][compute], NULL, compute, &in, 1);
}

ct_tensor *ct__copy_of(const char *function, const ct_tensor *a) { return ct__copy_as(function, a, (ct_dtype)a->dtype); }

ct_tensor *ct__copy_as(const char *function, const ct_tensor *a, ct_dtype dtype) {
    ct_tensor *out = ct__new_like(function, a, dtype);
    if (out && ct__copy_into(function, out, a) != CT_OK) {
        ct__unref(out);
        out = NULL;
    }
    return out;
}

ct_tensor *ct__dense_as(const char *function, ct_tensor *a, ct_dtype dtype) {
    if (a->contiguous && a->dtype == dtype) return ct_keep(a);
    ct_tensor *out = ct__new(function, a->sizes, a->ndim, dtype);
    if (out && ct__copy_into(function, out, a) != CT_OK) {
        ct__unref(out);
        out = NULL;
    }
    return out;
}

ct_tensor *ct__into_dtype(const char *function, ct_tensor *t, ct_dtype dtype) {
    if (!t || t->dtype == dtype) return t;
    ct_tensor *out = ct__copy_as(function, t, dtype);
    ct__unref(t);
    return out;
}
