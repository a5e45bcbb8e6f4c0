/*
 * Element types: lib/core/dtype.c. The tables were printed by PyTorch 2.13. Out of range numbers show what x86 makes of them, as there.
 */
#include "support/test.h"

#include "core/tensor_impl.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>
#include <string.h>

enum { N = 10 };
static const ct_dtype all[N] = {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I8, CT_U8, CT_I16, CT_I32, CT_I64, CT_BOOL}; /* the order of the tables */

typedef struct conversion {
    double from, to[N];
} conversion;

/* torch.promote_types */
static const ct_dtype promoted[10][10] = {
    {CT_F32, CT_F64, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32}, /* float32 */
    {CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64}, /* float64 */
    {CT_F32, CT_F64, CT_F16, CT_F32, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16}, /* float16 */
    {CT_F32, CT_F64, CT_F32, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16}, /* bfloat16 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I8, CT_I16, CT_I16, CT_I32, CT_I64, CT_I8}, /* int8 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I16, CT_U8, CT_I16, CT_I32, CT_I64, CT_U8}, /* uint8 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I16, CT_I16, CT_I16, CT_I32, CT_I64, CT_I16}, /* int16 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I32, CT_I32, CT_I32, CT_I32, CT_I64, CT_I32}, /* int32 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I64, CT_I64, CT_I64, CT_I64, CT_I64, CT_I64}, /* int64 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I8, CT_U8, CT_I16, CT_I32, CT_I64, CT_BOOL}, /* bool */
};

/* torch.result_type(a tensor with dimensions, a 0-dim tensor) */
static const ct_dtype with_zero_dim[10][10] = {
    {CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32, CT_F32}, /* float32 */
    {CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64, CT_F64}, /* float64 */
    {CT_F16, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16, CT_F16}, /* float16 */
    {CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16, CT_BF16}, /* bfloat16 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I8, CT_I8, CT_I8, CT_I8, CT_I8, CT_I8}, /* int8 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_U8, CT_U8, CT_U8, CT_U8, CT_U8, CT_U8}, /* uint8 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I16, CT_I16, CT_I16, CT_I16, CT_I16, CT_I16}, /* int16 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I32, CT_I32, CT_I32, CT_I32, CT_I32, CT_I32}, /* int32 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I64, CT_I64, CT_I64, CT_I64, CT_I64, CT_I64}, /* int64 */
    {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I8, CT_U8, CT_I16, CT_I32, CT_I64, CT_BOOL}, /* bool */
};

/* torch.result_type with a number: {dims, an int}, {dims, a float}, {0-dim, an int}, {0-dim, a float} */
static const ct_dtype with_number[10][4] = {
    {CT_F32, CT_F32, CT_F32, CT_F32},
    {CT_F64, CT_F64, CT_F64, CT_F64},
    {CT_F16, CT_F16, CT_F16, CT_F16},
    {CT_BF16, CT_BF16, CT_BF16, CT_BF16},
    {CT_I8, CT_F32, CT_I8, CT_F32},
    {CT_U8, CT_F32, CT_U8, CT_F32},
    {CT_I16, CT_F32, CT_I16, CT_F32},
    {CT_I32, CT_F32, CT_I32, CT_F32},
    {CT_I64, CT_F32, CT_I64, CT_F32},
    {CT_I64, CT_F32, CT_I64, CT_F32},
};

/* A float64, and what it becomes in each dtype. */
static const conversion from_f64[] = {
    {0.0, {0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0}},
    {-0x0.0p+0, {-0x0.0p+0, -0x0.0p+0, -0x0.0p+0, -0x0.0p+0, 0, 0, 0, 0, 0, 0}},
    {0x1.8000000000000p+0, {0x1.8000000000000p+0, 0x1.8000000000000p+0, 0x1.8000000000000p+0, 0x1.8000000000000p+0, 1, 1, 1, 1, 1, 1}},
    {-0x1.8000000000000p+0, {-0x1.8000000000000p+0, -0x1.8000000000000p+0, -0x1.8000000000000p+0, -0x1.8000000000000p+0, -1, 255, -1, -1, -1, 1}},
    {0x1.ff9999999999ap+6, {0x1.ff999a0000000p+6, 0x1.ff9999999999ap+6, 0x1.ff80000000000p+6, 128.0, 127, 127, 127, 127, 127, 1}},
    {128, {128.0, 128.0, 128.0, 128.0, -128, 128, 128, 128, 128, 1}},
    {0x1.ffccccccccccdp+7, {0x1.ffcccc0000000p+7, 0x1.ffccccccccccdp+7, 0x1.ffc0000000000p+7, 256.0, -1, 255, 255, 255, 255, 1}},
    {256, {256.0, 256.0, 256.0, 256.0, 0, 0, 256, 256, 256, 1}},
    {300, {300.0, 300.0, 300.0, 300.0, 44, 44, 300, 300, 300, 1}},
    {-1, {-1.0, -1.0, -1.0, -1.0, -1, 255, -1, -1, -1, 1}},
    {-129, {-129.0, -129.0, -129.0, -129.0, 127, 127, -129, -129, -129, 1}},
    {32768, {32768.0, 32768.0, 32768.0, 32768.0, 0, 0, -32768, 32768, 32768, 1}},
    {65519, {65519.0, 65519.0, 65504.0, 65536.0, -17, 239, -17, 65519, 65519, 1}},
    {65520, {65520.0, 65520.0, INFINITY, 65536.0, -16, 240, -16, 65520, 65520, 1}},
    {2049, {2049.0, 2049.0, 2048.0, 2048.0, 1, 1, 2049, 2049, 2049, 1}},
    {2051, {2051.0, 2051.0, 2052.0, 2048.0, 3, 3, 2051, 2051, 2051, 1}},
    {0x1.ad7f29abcaf48p-24, {0x1.ad7f2a0000000p-24, 0x1.ad7f29abcaf48p-24, 0x1.0000000000000p-23, 0x1.ae00000000000p-24, 0, 0, 0, 0, 0, 1}},
    {0x1.01b2b29a4692bp-25, {0x1.01b2b20000000p-25, 0x1.01b2b29a4692bp-25, 0x1.0000000000000p-24, 0x1.0200000000000p-25, 0, 0, 0, 0, 0, 1}},
    {0x1.5555555555555p-2, {0x1.5555560000000p-2, 0x1.5555555555555p-2, 0x1.5540000000000p-2, 0x1.5600000000000p-2, 0, 0, 0, 0, 0, 1}},
    {0x1.fffffffe00000p+30, {2147483648.0, 0x1.fffffffe00000p+30, INFINITY, 2147483648.0, -1, 255, -1, 2147483647, 2147483647, 1}},
    {NAN, {NAN, NAN, NAN, NAN, 0, 0, 0, -2147483648, -0x1p63, 1}},
    {INFINITY, {INFINITY, INFINITY, INFINITY, INFINITY, 0, 0, 0, -2147483648, -0x1p63, 1}},
    {-INFINITY, {-INFINITY, -INFINITY, -INFINITY, -INFINITY, 0, 0, 0, -2147483648, -0x1p63, 1}},
};

/* Likewise of an int64. */
static const conversion from_i64[] = {
    {0, {0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0}},
    {1, {1.0, 1.0, 1.0, 1.0, 1, 1, 1, 1, 1, 1}},
    {-1, {-1.0, -1.0, -1.0, -1.0, -1, 255, -1, -1, -1, 1}},
    {127, {127.0, 127.0, 127.0, 127.0, 127, 127, 127, 127, 127, 1}},
    {128, {128.0, 128.0, 128.0, 128.0, -128, 128, 128, 128, 128, 1}},
    {255, {255.0, 255.0, 255.0, 255.0, -1, 255, 255, 255, 255, 1}},
    {256, {256.0, 256.0, 256.0, 256.0, 0, 0, 256, 256, 256, 1}},
    {-129, {-129.0, -129.0, -129.0, -129.0, 127, 127, -129, -129, -129, 1}},
    {40000, {40000.0, 40000.0, 40000.0, 39936.0, 64, 64, -25536, 40000, 40000, 1}},
    {65537, {65537.0, 65537.0, INFINITY, 65536.0, 1, 1, 1, 65537, 65537, 1}},
    {16777217, {16777216.0, 16777217.0, INFINITY, 16777216.0, 1, 1, 1, 16777217, 16777217, 1}},
    {2147483648, {2147483648.0, 2147483648.0, INFINITY, 2147483648.0, 0, 0, 0, -2147483648, 2147483648, 1}},
    {-2147483649, {-2147483648.0, -2147483649.0, -INFINITY, -2147483648.0, -1, 255, -1, 2147483647, -2147483649, 1}},
};

START_TEST(names_and_sizes_are_those_of_torch) {
    static const char *const names[N] = {"float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "bool"};
    static const size_t sizes[N] = {4, 8, 2, 2, 1, 1, 2, 4, 8, 1};
    for (int i = 0; i < N; i++) {
        ck_assert_str_eq(ct_dtype_name(all[i]), names[i]);
        ck_assert_uint_eq(ct_dtype_size(all[i]), sizes[i]);
        ck_assert_int_eq(ct_dtype_is_floating_point(all[i]), i < 4);
    }
}
END_TEST

START_TEST(what_is_no_dtype_has_no_size) {
    const ct_dtype none[] = {CT_DTYPE_NONE, (ct_dtype)11, (ct_dtype)-1, CT_DTYPE_FORCE_32BIT};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_assert_str_eq(ct_dtype_name(none[i]), i ? "unknown dtype" : "none");
        ck_assert_uint_eq(ct_dtype_size(none[i]), 0);
        ck_assert(!ct_dtype_is_floating_point(none[i]));
        ck_assert_int_eq(ct_promote_types(none[i], CT_F32), CT_DTYPE_NONE);
        ck_assert_int_eq(ct_promote_types(CT_F32, none[i]), CT_DTYPE_NONE);
    }
}
END_TEST

START_TEST(promotion_is_that_of_torch_for_all_pairs) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            ck_assert_msg(ct_promote_types(all[i], all[j]) == promoted[i][j], "%s with %s gives %s, not %s", ct_dtype_name(all[i]), ct_dtype_name(all[j]),
                          ct_dtype_name(ct_promote_types(all[i], all[j])), ct_dtype_name(promoted[i][j]));
}
END_TEST

START_TEST(tensors_with_dimensions_outrank_those_without_and_both_numbers) {
    for (int i = 0; i < N; i++) {
        const ct_tensor *dims = ct__scope_give(ct__new("test", CT_SHAPE(1), all[i]));
        const ct_tensor *zero_i = ct__scope_give(ct__new("test", NULL, 0, all[i]));
        for (int j = 0; j < N; j++) {
            const ct_tensor *zero = ct__scope_give(ct__new("test", NULL, 0, all[j]));
            ct_dtype got = ct__result_type((const ct_tensor *[]){dims, zero}, 2, 0), swapped = ct__result_type((const ct_tensor *[]){zero, dims}, 2, 0);
            ck_assert_msg(got == with_zero_dim[i][j], "%s [1] with %s [] gives %s", ct_dtype_name(all[i]), ct_dtype_name(all[j]), ct_dtype_name(got));
            ck_assert_int_eq(swapped, got);
        }
        const ct_dtype got[4] = {ct__result_type(&dims, 1, 1), ct__result_type(&dims, 1, 2), ct__result_type(&zero_i, 1, 1), ct__result_type(&zero_i, 1, 2)};
        for (int k = 0; k < 4; k++)
            ck_assert_msg(got[k] == with_number[i][k], "%s %s with a number of kind %d gives %s", ct_dtype_name(all[i]), k < 2 ? "[1]" : "[]", k % 2 + 1,
                          ct_dtype_name(got[k]));
    }
}
END_TEST

static void check_close(const char *what, ct_dtype d, double from, double got, double want) {
    ck_assert_msg(got == want ? signbit(got) == signbit(want) : isnan(got) && isnan(want), "%s %.17g as %s is %.17g, not %.17g", what, from, ct_dtype_name(d),
                  got, want);
}

START_TEST(a_double_becomes_what_torch_makes_of_it) {
    for (size_t k = 0; k < sizeof from_f64 / sizeof *from_f64; k++)
        for (int i = 0; i < N; i++) {
            char bytes[8];
            ct__store_f64(bytes, all[i], from_f64[k].from);
            check_close("float64", all[i], from_f64[k].from, ct__load_f64(bytes, all[i]), from_f64[k].to[i]);
        }
}
END_TEST

START_TEST(an_int64_becomes_what_torch_makes_of_it) {
    for (size_t k = 0; k < sizeof from_i64 / sizeof *from_i64; k++)
        for (int i = 0; i < N; i++) {
            char bytes[8];
            ct__store_i64(bytes, all[i], (int64_t)from_i64[k].from);
            check_close("int64", all[i], from_i64[k].from, ct__load_f64(bytes, all[i]), from_i64[k].to[i]);
        }
}
END_TEST

/* Rounded once: 2^53 + 1 as a double is 2^53, 2^24 + 1 past it rounds to even as a float. */
START_TEST(large_integers_are_rounded_once) {
    char bytes[8];
    const int64_t v = ((int64_t)1 << 54) + ((int64_t)1 << 30) + 1; /* just above the middle of two floats, exactly there as a double */
    ct__store_i64(bytes, CT_F32, v);
    ck_assert_double_eq(ct__load_f64(bytes, CT_F32), (double)(float)v);
    ck_assert_double_ne(ct__load_f64(bytes, CT_F32), (double)(float)(double)v);
    ct__store_i64(bytes, CT_I64, INT64_MAX);
    ck_assert_int_eq(ct__load_i64(bytes, CT_I64), INT64_MAX);
    ct__store_f64(bytes, CT_F64, 0x1p63);
    ck_assert_int_eq(ct__load_i64(bytes, CT_F64), INT64_MIN);
    ct__store_f64(bytes, CT_F64, -2.9);
    ck_assert_int_eq(ct__load_i64(bytes, CT_F64), -2);
}
END_TEST

START_TEST(all_halfs_survive_a_round_trip) {
    const ct_dtype halfs[] = {CT_F16, CT_BF16};
    for (int k = 0; k < 2; k++)
        for (uint32_t bits = 0; bits < 65536; bits++) {
            uint16_t in = (uint16_t)bits, out;
            double v = ct__load_f64(&in, halfs[k]);
            ct__store_f64(&out, halfs[k], v);
            if (isnan(v)) ck_assert(isnan(ct__load_f64(&out, halfs[k])));
            else ck_assert_msg(in == out, "%s 0x%04x is %g and comes back as 0x%04x", ct_dtype_name(halfs[k]), in, v, out);
        }
}
END_TEST

/* The kernels of ct_to agree with the conversion of single elements, on a length that has a vector part and a rest. */
START_TEST(converting_a_tensor_agrees_with_converting_elements) {
    enum { REPEAT = 5, COUNT = sizeof from_f64 / sizeof *from_f64 };
    double values[REPEAT * COUNT];
    for (int r = 0; r < REPEAT; r++)
        for (size_t k = 0; k < COUNT; k++) values[(size_t)r * COUNT + k] = from_f64[k].from;
    ct_tensor *t = ct_from_data(values, CT_SHAPE(REPEAT * COUNT), CT_F64);
    for (int i = 0; i < N; i++) {
        ct_tensor *converted = ct_to(t, all[i]);
        double got[REPEAT * COUNT];
        ck_assert_int_eq(ct_copy_to(converted, got, REPEAT * COUNT, CT_F64), CT_OK);
        for (size_t k = 0; k < REPEAT * COUNT; k++) check_close("ct_to of", all[i], values[k], got[k], from_f64[k % COUNT].to[i]);
    }
}
END_TEST

/* Between all pairs of dtypes: as if each element were read as the number it is and stored. */
START_TEST(every_dtype_converts_to_every_other) {
    enum { COUNT = sizeof from_f64 / sizeof *from_f64 };
    double values[COUNT], got[COUNT];
    for (size_t k = 0; k < COUNT; k++) values[k] = from_f64[k].from;
    ct_tensor *t = ct_from_data(values, CT_SHAPE(COUNT), CT_F64);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            ct_tensor *from = ct_to(t, all[i]);
            ck_assert_int_eq(ct_copy_to(ct_to(from, all[j]), got, COUNT, CT_F64), CT_OK);
            for (int64_t k = 0; k < COUNT; k++) {
                char bytes[8];
                const char *p = (const char *)ct_data(from) + (size_t)k * ct_dtype_size(all[i]);
                if (i < 4) ct__store_f64(bytes, all[j], ct__load_f64(p, all[i]));
                else ct__store_i64(bytes, all[j], ct__load_i64(p, all[i]));
                check_close(ct_dtype_name(all[i]), all[j], values[k], got[k], ct__load_f64(bytes, all[j]));
            }
        }
}
END_TEST

START_TEST(halfs_are_rounded_by_way_of_float32) {
    const double just_above_a_middle[] = {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-8 + 0x1p-40}; /* a float of them is the middle, which goes to even */
    ct_tensor *t = ct_from_data(just_above_a_middle, CT_SHAPE(2), CT_F64);
    ck_values(ct_to(t, CT_F16), 1, 1.00390625);
    ck_values(ct_to(t, CT_BF16), 1, 1);
    ck_values(ct_full(CT_SHAPE(1), just_above_a_middle[0], CT_F16), 1);
}
END_TEST

START_TEST(what_is_no_dtype_is_refused) {
    ck_assert_ptr_null(ct_zeros(CT_SHAPE(1), (ct_dtype)99));
    ck_error(CT_ERR_DTYPE, "ct_zeros");
    ck_assert_ptr_null(ct_to(ct_zeros(CT_SHAPE(1), CT_F16), (ct_dtype)-3));
    ck_error(CT_ERR_DTYPE, "ct_to");
}
END_TEST

TEST_LIST = {
    TEST(names_and_sizes_are_those_of_torch),
    TEST(what_is_no_dtype_has_no_size),
    TEST(promotion_is_that_of_torch_for_all_pairs),
    TEST(tensors_with_dimensions_outrank_those_without_and_both_numbers),
    TEST(a_double_becomes_what_torch_makes_of_it),
    TEST(an_int64_becomes_what_torch_makes_of_it),
    TEST(large_integers_are_rounded_once),
    TEST(all_halfs_survive_a_round_trip),
    TEST(converting_a_tensor_agrees_with_converting_elements),
    TEST(every_dtype_converts_to_every_other),
    TEST(halfs_are_rounded_by_way_of_float32),
    TEST(what_is_no_dtype_is_refused),
};
TEST_MAIN("dtype")
