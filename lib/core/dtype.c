/*
 * dtype.c: names, sizes, promotion and single-element conversion.
 *
 * Promotion is PyTorch's: within a category (bool < integer < floating point) the wider type wins; across categories
 * the higher one. uint8 with a signed type takes the next signed type that holds both.
 */
#include "base/half_bits.h"
#include "core/tensor_impl.h"

#include <string.h>

static const struct {
    const char *name;
    uint8_t size;
    bool floating;
} info[] = {
    [CT_DTYPE_NONE] = {"none", 0, false}, [CT_F32] = {"float32", 4, true},   [CT_F64] = {"float64", 8, true},
    [CT_F16] = {"float16", 2, true},      [CT_BF16] = {"bfloat16", 2, true}, [CT_I8] = {"int8", 1, false},
    [CT_U8] = {"uint8", 1, false},        [CT_I16] = {"int16", 2, false},    [CT_I32] = {"int32", 4, false},
    [CT_I64] = {"int64", 8, false},       [CT_BOOL] = {"bool", 1, false},
};

bool ct__dtype_valid(ct_dtype d) { return d > CT_DTYPE_NONE && (size_t)d < CT__COUNT(info); }
const char *ct_dtype_name(ct_dtype d) { return (unsigned)d < CT__COUNT(info) ? info[d].name : "unknown dtype"; }
size_t ct_dtype_size(ct_dtype d) { return (unsigned)d < CT__COUNT(info) ? info[d].size : 0; }
bool ct_dtype_is_floating_point(ct_dtype d) { return (unsigned)d < CT__COUNT(info) && info[d].floating; }

ct_dtype ct_promote_types(ct_dtype a, ct_dtype b) {
    if (!ct__dtype_valid(a) || !ct__dtype_valid(b)) return CT_DTYPE_NONE;
    if (a == b || b == CT_BOOL) return a;
    if (a == CT_BOOL) return b;
    if (info[a].floating != info[b].floating) return info[a].floating ? a : b;
    if (info[a].size == info[b].size) return info[a].floating ? CT_F32 : CT_I16; /* f16 with bf16; u8 with i8 */
    return info[a].size > info[b].size ? a : b;
}

static ct_dtype promote_or(ct_dtype a, ct_dtype b) {
    if (a == CT_DTYPE_NONE) return b;
    return b == CT_DTYPE_NONE ? a : ct_promote_types(a, b);
}

/* The lower rank counts only where its category is above the higher rank's. */
static ct_dtype combine(ct_dtype higher, ct_dtype lower) {
    if (info[higher].floating) return higher;
    if (higher == CT_BOOL || info[lower].floating) return promote_or(higher, lower);
    return higher != CT_DTYPE_NONE ? higher : lower;
}

ct_dtype ct__result_type(const ct_tensor *const *t, int n, int number) {
    ct_dtype dim = CT_DTYPE_NONE, zero = CT_DTYPE_NONE;
    ct_dtype wrapped = number == 0 ? CT_DTYPE_NONE : number == 1 ? CT_I64 : CT_F32;
    for (int i = 0; i < n; i++) {
        if (t[i]->ndim) dim = promote_or(dim, (ct_dtype)t[i]->dtype);
        else zero = promote_or(zero, (ct_dtype)t[i]->dtype);
    }
    return combine(dim, combine(zero, wrapped));
}

/* ---- One element ---- */

/* x86's conversion, which PyTorch's results show: out of range and NaN give the lowest value. */
static int64_t f64_to_i64(double v) { return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN; }

#define LOAD(type) (memcpy(&u.type##_v, p, sizeof u.type##_v), u.type##_v)
typedef union any {
    float f32_v;
    double f64_v;
    uint16_t u16_v;
    int8_t i8_v;
    uint8_t u8_v;
    int16_t i16_v;
    int32_t i32_v;
    int64_t i64_v;
} any;

double ct__load_f64(const void *p, ct_dtype d) {
    any u;
    switch (d) {
    case CT_F32: return (double)LOAD(f32);
    case CT_F64: return LOAD(f64);
    case CT_F16: return (double)ct__f32_from_f16(LOAD(u16));
    case CT_BF16: return (double)ct__f32_from_bf16(LOAD(u16));
    default: return (double)ct__load_i64(p, d);
    }
}

int64_t ct__load_i64(const void *p, ct_dtype d) {
    any u;
    switch (d) {
    case CT_I8: return LOAD(i8);
    case CT_U8: return LOAD(u8);
    case CT_BOOL: return LOAD(u8) != 0;
    case CT_I16: return LOAD(i16);
    case CT_I32: return LOAD(i32);
    case CT_I64: return LOAD(i64);
    default: return f64_to_i64(ct__load_f64(p, d));
    }
}
#undef LOAD

void ct__store_f64(void *p, ct_dtype d, double v) {
    switch (d) {
    case CT_F32: memcpy(p, &(float){(float)v}, 4); break;
    case CT_F64: memcpy(p, &v, 8); break;
    case CT_F16: memcpy(p, &(uint16_t){ct__f16_from_f32((float)v)}, 2); break; /* by way of f32, as in PyTorch: rounded twice */
    case CT_BF16: memcpy(p, &(uint16_t){ct__bf16_from_f32((float)v)}, 2); break;
    case CT_BOOL: memcpy(p, &(uint8_t){v != 0}, 1); break;
    case CT_I32: ct__store_i64(p, d, v > -2147483649.0 && v < 2147483648.0 ? (int64_t)v : INT32_MIN); break;
    default: ct__store_i64(p, d, f64_to_i64(v)); break;
    }
}

void ct__store_i64(void *p, ct_dtype d, int64_t v) {
    switch (d) {
    case CT_I8: memcpy(p, &(int8_t){(int8_t)(uint8_t)v}, 1); break;
    case CT_U8: memcpy(p, &(uint8_t){(uint8_t)v}, 1); break;
    case CT_BOOL: memcpy(p, &(uint8_t){v != 0}, 1); break;
    case CT_I16: memcpy(p, &(int16_t){(int16_t)(uint16_t)v}, 2); break;
    case CT_I32: memcpy(p, &(int32_t){(int32_t)(uint32_t)v}, 4); break;
    case CT_I64: memcpy(p, &v, 8); break;
    case CT_F32: memcpy(p, &(float){(float)v}, 4); break; /* straight from the integer: rounded once */
    default: ct__store_f64(p, d, (double)v); break;
    }
}
