/*
 * Every ISA's elementwise loops against the reference: odd lengths, dense, strided and stride 0 operands, in place. f32 functions may differ by 4 units in the
 * last place (two on each side of the exact value), everything else not at all.
 */
#include "core/tensor_impl.h"
#include "kernels/kernels.h"
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { ROOM = 256, OPERANDS = 4 };
static const ct_dtype dtypes[] = {CT_F32, CT_F64, CT_I32, CT_I64, CT_U8, CT_BOOL, CT_F16, CT_BF16, CT_I8, CT_I16}; /* the last four: converted and selected only */
static const int lengths[] = {0, 1, 3, 8, 15, 16, 17, 31, 33, 64, 67};
static const int steps[][OPERANDS] = {{1, 1, 1, 1}, {1, 1, 0, 1}, {1, 0, 1, 1}, {1, 1, 1, 0}, {2, 1, 3, 1}, {1, 2, 1, 2}, {1, 0, 0, 0}, {3, 3, 3, 3}};

typedef union block { char bytes[ROOM * 8]; double align; } block;
static block input[OPERANDS], want[1], got[1];

static uint64_t state = 1;
static uint64_t bits(void) { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 16; }

static double draw(ct_dtype d) {
    static const double special[] = {0, -0.0, 1, -1, NAN, INFINITY, -INFINITY, 1e-40, 0.5, 2, -2, 3};
    uint64_t b = bits();
    if (d == CT_BOOL) return (double)(b & 1);
    if (d == CT_U8) return (double)(b & 255);
    if (d == CT_I8) return (double)((int64_t)(b & 255) - 128);
    if (d == CT_I16) return (double)((int64_t)(b & 65535) - 32768);
    if (d == CT_I32 || d == CT_I64) return b % 7 == 0 ? 0 : b % 11 == 0 ? -1 : b % 13 == 0 ? INT32_MIN : (double)((int64_t)(b % 200) - 100);
    return b % 5 == 0 ? special[b / 5 % 12] : (double)((int64_t)(b % 20001) - 10000) / 700;
}
static void store(void *p, ct_dtype d, int i, double v) {
    switch (d) {
    case CT_F32: ((float *)p)[i] = (float)v; break;
    case CT_F64: ((double *)p)[i] = v; break;
    case CT_I32: ((int32_t *)p)[i] = (int32_t)v; break;
    case CT_I64: ((int64_t *)p)[i] = (int64_t)v; break;
    case CT_F16: case CT_BF16: case CT_I16: ct__store_f64((uint16_t *)p + i, d, v); break;
    case CT_I8: ((int8_t *)p)[i] = (int8_t)v; break;
    default: ((uint8_t *)p)[i] = (uint8_t)v; break;
    }
}
static void fill(ct_dtype first, ct_dtype d) { /* operand 1 may be a mask */
    for (int k = 1; k < OPERANDS; k++)
        for (int i = 0; i < ROOM; i++) store(input[k].bytes, k == 1 ? first : d, i, draw(k == 1 ? first : d));
}

static bool same_f32(float a, float b) {
    if (a == b || (isnan(a) && isnan(b))) return true;
    int e;
    (void)frexpf(fmaxf(fabsf(b), FLT_MIN), &e);
    return isfinite(a) && isfinite(b) && fabsf(a - b) <= 4 * ldexpf(1, e - 24);
}

static bool same_half(ct_dtype d, const void *a, const void *b) {
    double x = ct__load_f64(a, d), y = ct__load_f64(b, d);
    return memcmp(a, b, 2) == 0 || (isnan(x) && isnan(y));
}

typedef struct loop_case {
    const char *name;
    int isa, inputs;
    ct_dtype from, to; /* of operand 2 on, of the result */
    ct_dtype first;    /* of operand 1 */
} loop_case;

static void run_one(const loop_case *c, ct__loop fast, ct__loop ref, const void *args, int n, const int *step, bool in_place) {
    const int64_t size = (int64_t)ct_dtype_size(c->from), out = (int64_t)ct_dtype_size(c->to), first = (int64_t)ct_dtype_size(c->first);
    memset(want, 1, sizeof want);
    memset(got, 1, sizeof got);
    if (in_place) {
        memcpy(want, &input[1], sizeof *want);
        memcpy(got, &input[1], sizeof *got);
    }
    int64_t strides[] = {step[0] * out, (in_place ? step[0] : step[1]) * first, step[2] * size, step[3] * size};
    ref(n, (char *[]){want->bytes, in_place ? want->bytes : input[1].bytes, input[2].bytes, input[3].bytes}, strides, args);
    fast(n, (char *[]){got->bytes, in_place ? got->bytes : input[1].bytes, input[2].bytes, input[3].bytes}, strides, args);
    for (int i = 0; i < ROOM; i++) {
        bool same = c->to == CT_F32 ? same_f32(((float *)got)[i], ((float *)want)[i])
                    : c->to == CT_F64 ? ((double *)got)[i] == ((double *)want)[i] || (isnan(((double *)got)[i]) && isnan(((double *)want)[i])) ||
                                            fabs(((double *)got)[i] - ((double *)want)[i]) <= 4e-16 * fabs(((double *)want)[i])
                    : c->to == CT_F16 || c->to == CT_BF16 ? same_half(c->to, got->bytes + i * 2, want->bytes + i * 2)
                                      : memcmp(got->bytes + i * out, want->bytes + i * out, (size_t)out) == 0;
        if (!same)
            ck_abort_msg("%s of %s on %s: element %d of %d, strides %d %d %d %d%s: %.9g, want %.9g", c->name, ct_dtype_name(c->from),
                         ct__isa_name((ct__isa)c->isa), i, n, step[0], step[1], step[2], step[3], in_place ? ", in place" : "",
                         c->to == CT_F32 ? (double)((float *)got)[i] : (double)got->bytes[i * out], c->to == CT_F32 ? (double)((float *)want)[i] : (double)want->bytes[i * out]);
    }
}

static void run(const loop_case *c, ct__loop fast, ct__loop ref, const void *args) {
    ck_assert_msg((fast != NULL) == (ref != NULL), "%s: one table lacks it", c->name);
    if (!fast) return;
    for (size_t l = 0; l < CT__COUNT(lengths); l++)
        for (size_t s = 0; s < CT__COUNT(steps); s++) {
            fill(c->first, c->from);
            if (c->inputs == 3 && steps[s][3] == 3 && lengths[l] > 80) continue;
            run_one(c, fast, ref, args, lengths[l], steps[s], false);
            if (c->first == c->to && steps[s][0] > 0) run_one(c, fast, ref, args, lengths[l], steps[s], true);
        }
}

typedef struct tables { const ct__pointwise_kernels *fast, *ref; int isa; } tables;
static bool next(tables *t) {
    while (++t->isa <= CT__ISA_AVX512) {
        const ct__kernels *k = ct__kern_for((ct__isa)t->isa);
        if (!k) return false;
        t->fast = &k->pointwise;
        t->ref = &ct__kern_for(CT__ISA_REF)->pointwise;
        return true;
    }
    return false;
}

START_TEST(functions_of_one_input) {
#define CT__UNARY(name, kinds) #name,
    static const char *const names[] = {
#include "kernels/pointwise.def"
    };
#define CT__TEST(name, kinds) #name,
    static const char *const test_names[] = {
#include "kernels/pointwise.def"
    };
    for (tables t = {.isa = CT__ISA_REF}; next(&t);)
        for (size_t d = 0; d < CT__COUNT(dtypes); d++) {
            ct_dtype T = dtypes[d];
            for (int f = 0; f < CT__UNARY_COUNT; f++) run(&(loop_case){names[f], t.isa, 1, T, T, T}, t.fast->unary[f][T], t.ref->unary[f][T], NULL);
            for (int f = 0; f < CT__TEST_COUNT; f++) run(&(loop_case){test_names[f], t.isa, 1, T, CT_BOOL, T}, t.fast->test[f][T], t.ref->test[f][T], NULL);
            for (size_t e = 0; e < CT__COUNT(dtypes); e++)
                run(&(loop_case){"convert", t.isa, 1, dtypes[e], T, dtypes[e]}, t.fast->convert[T][dtypes[e]], t.ref->convert[T][dtypes[e]], NULL);
        }
}
END_TEST

START_TEST(functions_of_two_inputs) {
#define CT__BINARY(name, kinds) #name,
    static const char *const names[] = {
#include "kernels/pointwise.def"
    };
#define CT__COMPARE(name, kinds) #name,
    static const char *const compare_names[] = {
#include "kernels/pointwise.def"
    };
    atomic_int zero = 0;
    for (tables t = {.isa = CT__ISA_REF}; next(&t);)
        for (size_t d = 0; d < CT__COUNT(dtypes); d++) {
            ct_dtype T = dtypes[d];
            for (int f = 0; f < CT__BINARY_COUNT; f++)
                run(&(loop_case){names[f], t.isa, 2, T, T, T}, t.fast->binary[f][T], t.ref->binary[f][T], &(ct__zero_flag){&zero});
            for (int f = 0; f < CT__COMPARE_COUNT; f++)
                run(&(loop_case){compare_names[f], t.isa, 2, T, CT_BOOL, T}, t.fast->compare[f][T], t.ref->compare[f][T], NULL);
        }
    ck_assert_int_eq(zero, 1);
}
END_TEST

START_TEST(selection_and_fused_functions) {
    for (tables t = {.isa = CT__ISA_REF}; next(&t);)
        for (size_t d = 0; d < CT__COUNT(dtypes); d++) {
            ct_dtype T = dtypes[d];
            block arg;
            store(arg.bytes, T, 0, 0.75);
            if (T != CT_F32 && T != CT_F64) store(arg.bytes, T, 0, 1);
            run(&(loop_case){"where", t.isa, 3, T, T, CT_BOOL}, t.fast->where[T], t.ref->where[T], NULL);
            run(&(loop_case){"clamp", t.isa, 3, T, T, T}, t.fast->clamp[T], t.ref->clamp[T], NULL);
            if (T == CT_F32 || T == CT_F64) continue; /* below */
            run(&(loop_case){"add_alpha", t.isa, 2, T, T, T}, t.fast->add_alpha[T], t.ref->add_alpha[T], &arg);
        }
}
END_TEST

/* a + alpha b cancels: the error bound is in units of the terms, which only an independent sum knows. */
START_TEST(fused_functions_of_floats_round_once_or_twice) {
    for (tables t = {.isa = CT__ISA_REF}; next(&t);)
        for (int n = 1; n <= 67; n += 11) {
            float a[67], b[67], c[67], y[67], value = 0.75f;
            for (int i = 0; i < n; i++) a[i] = (float)(bits() % 1000) / 100, b[i] = (float)(bits() % 1000) / 100 - 5, c[i] = 1 + (float)(bits() % 1000) / 100;
            char *data[] = {(char *)y, (char *)a, (char *)b, (char *)c};
            const int64_t strides[] = {4, 4, 4, 4};
            t.fast->addcmul[CT_F32](n, data, strides, &value);
            for (int i = 0; i < n; i++) ck_assert(fabs(y[i] - (a[i] + 0.75 * b[i] * c[i])) <= 2e-7 * (fabs(a[i]) + 2 * fabs(b[i] * c[i])));
            t.fast->addcdiv[CT_F32](n, data, strides, &value);
            for (int i = 0; i < n; i++) ck_assert(fabs(y[i] - (a[i] + 0.75 * b[i] / c[i])) <= 2e-7 * (fabs(a[i]) + 2 * fabs(b[i] / c[i])));
            t.fast->lerp[CT_F32](n, data, strides, &value);
            for (int i = 0; i < n; i++) ck_assert(fabs(y[i] - (a[i] + 0.75 * ((double)b[i] - a[i]))) <= 3e-7 * (fabs(a[i]) + fabs(b[i])));
            t.fast->add_alpha[CT_F32](n, data, strides, &value);
            for (int i = 0; i < n; i++) ck_assert(fabs(y[i] - (a[i] + 0.75 * b[i])) <= 2e-7 * (fabs(a[i]) + fabs(b[i])));
        }
}
END_TEST

/* All halfs to floats, and floats whose last 11 bits are one of eight patterns, around the middles between halfs, to halfs: on every machine
 * what the reference gives, which test_dtype compares with PyTorch's. */
START_TEST(half_conversions_are_those_of_the_reference) {
    enum { N = 1 << 14 };
    static float x[N], y[N], z[N];
    static uint16_t h[N], g[N];
    static const uint32_t tails[8] = {0, 1, 0x3ff, 0x400, 0x401, 0x7ff, 0x555, 0x2aa};
    const int64_t widen[] = {4, 2}, narrow[] = {2, 4};
    for (tables t = {.isa = CT__ISA_REF}; next(&t);)
        for (int k = 0; k < 2; k++) {
            const ct_dtype H = k ? CT_BF16 : CT_F16;
            for (uint32_t base = 0; base < 65536; base += N) {
                for (uint32_t i = 0; i < N; i++) h[i] = (uint16_t)(base + i);
                t.fast->convert[CT_F32][H](N, (char *[]){(char *)y, (char *)h}, widen, NULL);
                t.ref->convert[CT_F32][H](N, (char *[]){(char *)z, (char *)h}, widen, NULL);
                for (int i = 0; i < N; i++) ck_assert(memcmp(&y[i], &z[i], 4) == 0 || (isnan(y[i]) && isnan(z[i])));
            }
            for (uint32_t base = 0; base < (1u << 21) / 13; base += N / 8) { /* every 13th of the upper 21 bits */
                for (uint32_t i = 0; i < N; i++) {
                    uint32_t u = (base + i / 8) * 13 << 11 | tails[i % 8];
                    memcpy(&x[i], &u, 4);
                }
                t.fast->convert[H][CT_F32](N, (char *[]){(char *)h, (char *)x}, narrow, NULL);
                t.ref->convert[H][CT_F32](N, (char *[]){(char *)g, (char *)x}, narrow, NULL);
                for (int i = 0; i < N; i++)
                    ck_assert_msg(same_half(H, &h[i], &g[i]), "%a to %s on %s: %04x, want %04x", (double)x[i], ct_dtype_name(H), ct__isa_name((ct__isa)t.isa), h[i], g[i]);
            }
        }
}
END_TEST

/* Every 1009th float there is, against f64 libm. */
START_TEST(vectorised_functions_are_within_two_units_over_all_floats) {
    static const struct { const char *name; ct__unary_fn fn; double (*exact)(double); double units; } cases[] = {
        {"exp", CT__UNARY_exp, exp, 1.5}, {"log", CT__UNARY_log, log, 1.5}, {"tanh", CT__UNARY_tanh, tanh, 2}, {"erf", CT__UNARY_erf, erf, 1.5},
        {"sin", CT__UNARY_sin, sin, 1.5}, {"cos", CT__UNARY_cos, cos, 1.5}};
    enum { N = 4096 };
    static float x[N], y[N];
    for (tables t = {.isa = CT__ISA_REF}; next(&t);)
        for (size_t c = 0; c < CT__COUNT(cases); c++) {
            const double units = t.isa == CT__ISA_BASELINE ? 2 * cases[c].units : cases[c].units; /* no fused multiply-add there */
            for (uint64_t base = 0; base < (uint64_t)1 << 32; base += N * 1009u) {
                for (uint32_t i = 0; i < N; i++) {
                    uint32_t u = (uint32_t)base + i * 1009u;
                    memcpy(&x[i], &u, 4);
                }
                t.fast->unary[cases[c].fn][CT_F32](N, (char *[]){(char *)y, (char *)x}, (int64_t[]){4, 4}, NULL);
                for (int i = 0; i < N; i++) {
                    double want_ = cases[c].exact((double)x[i]);
                    if ((float)want_ == y[i] || (isnan(want_) && isnan(y[i]))) continue;
                    int e;
                    (void)frexp(fmax(fabs(want_), FLT_MIN), &e);
                    if (!(fabs(y[i] - want_) <= units * ldexp(1, e - 24)))
                        ck_abort_msg("%s(%a) on %s is %.9g, want %.9g", cases[c].name, (double)x[i], ct__isa_name((ct__isa)t.isa), (double)y[i], want_);
                }
            }
        }
}
END_TEST

TEST_LIST = {TEST(functions_of_one_input), TEST(functions_of_two_inputs), TEST(selection_and_fused_functions), TEST(fused_functions_of_floats_round_once_or_twice),
             TEST(half_conversions_are_those_of_the_reference),
             TEST(vectorised_functions_are_within_two_units_over_all_floats)};
TEST_MAIN("kern_pointwise")
