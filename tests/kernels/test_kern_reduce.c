/*
 * Every ISA's reductions against the reference: odd lengths, dense, strided and stride 0 input, row and column folds, merged parts. Sums of f32 may differ by
 * 1e-6 of the sum of magnitudes, of f64 by 1e-12 (the reference adds one after the other); counts, extrema and indices not at all.
 */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static const ct_dtype dtypes[] = {CT_F32, CT_F64, CT_I32, CT_I64, CT_U8, CT_BOOL};
static const int64_t sizes[][2] = {{1, 1}, {3, 5}, {17, 1}, {1, 33}, {64, 64}, {65, 127}, {200, 9}, {5, 1100}, {5000, 1}};
static const char *const names[] = {"sum", "prod", "sum_squares", "sum_abs", "sum_power", "var", "nonzero", "all", "any", "max", "min", "argmax", "argmin"};

enum { ROOM = 3 * 10000 };
static union { char bytes[ROOM * 8]; double align; } in;
static union { char bytes[1200 * CT__REDUCE_STATE]; double align; } state[2], part;
static union { char bytes[1200 * 8]; double align; } out[2];

static uint64_t seed = 7;
static uint64_t bits(void) { return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 16; }

static void fill(ct_dtype d, bool nan) {
    for (int i = 0; i < ROOM; i++) {
        uint64_t b = bits();
        double v = (double)((int64_t)(b % 2001) - 1000) / 997;
        if (nan && b % 37 == 0) v = b % 2 ? NAN : INFINITY;
        if (d == CT_F32) ((float *)in.bytes)[i] = (float)v;
        else if (d == CT_F64) ((double *)in.bytes)[i] = v;
        else if (d == CT_I32) ((int32_t *)in.bytes)[i] = (int32_t)(b % 9) - 4;
        else if (d == CT_I64) ((int64_t *)in.bytes)[i] = (int64_t)(b % 9) - 4;
        else in.bytes[i] = (char)(b % (d == CT_U8 ? 9 : 2));
    }
}

static double get(const void *p, ct_dtype d, int64_t i) {
    switch (d) {
    case CT_F32: return (double)((const float *)p)[i];
    case CT_F64: return ((const double *)p)[i];
    case CT_I32: return ((const int32_t *)p)[i];
    case CT_I64: return (double)((const int64_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}
static ct_dtype result(int fn, ct_dtype d) {
    if (fn == CT__REDUCE_NONZERO || fn >= CT__REDUCE_ARGMAX) return CT_I64;
    if (fn == CT__REDUCE_ALL || fn == CT__REDUCE_ANY) return CT_BOOL;
    return d == CT_F32 || d == CT_F64 || fn >= CT__REDUCE_MAX ? d : CT_I64;
}

static void compare(int isa, int fn, ct_dtype d, const char *how, int64_t n, int64_t cols) {
    static const double bound[] = {[CT_F32] = 1e-6, [CT_F64] = 1e-12};
    ct_dtype r = result(fn, d);
    for (int64_t i = 0; i < cols; i++) {
        double a = get(out[0].bytes, r, i), b = get(out[1].bytes, r, i);
        double tol = r <= CT_F64 && fn < CT__REDUCE_NONZERO ? bound[r] * (fn == CT__REDUCE_SUM || fn == CT__REDUCE_SUM_ABS ? (double)n : 1 + fabs(b)) : 0;
        if (!(a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tol))
            ck_abort_msg("%s of %s on %s, %s, %d of %d: element %d is %.17g, want %.17g", names[fn], ct_dtype_name(d), ct__isa_name((ct__isa)isa), how, (int)n,
                         (int)cols, (int)i, a, b);
    }
}

static void check(int isa, int fn, ct_dtype d, const ct__reduce_args *args) {
    const ct__reduce_loops *loops[2] = {&ct__kern_for((ct__isa)isa)->reduce.fn[fn][d], &ct__kern_for(CT__ISA_REF)->reduce.fn[fn][d]};
    ck_assert((loops[0]->inner != NULL) == (loops[1]->inner != NULL));
    if (!loops[0]->inner) return;
    ck_assert(loops[0]->state == loops[1]->state && loops[0]->state <= CT__REDUCE_STATE);
    const int64_t z = (int64_t)ct_dtype_size(d), rz = (int64_t)ct_dtype_size(result(fn, d));
    for (size_t s = 0; s < CT__COUNT(sizes); s++) {
        const int64_t rows = sizes[s][0], cols = sizes[s][1], n = rows * cols;
        for (int step = 0; step < 4; step++) { /* a row of n at strides 0, 1, 2, 3, in two parts, and whole */
            if (n * (step ? step : 1) > ROOM) continue;
            const int64_t cut = n / 3;
            for (int k = 0; k < 2; k++) {
                loops[k]->init(1, &state[k]);
                loops[k]->init(1, &part);
                loops[k]->inner(cut, in.bytes, step * z, 0, &state[k], args);
                loops[k]->inner(n - cut, in.bytes + cut * step * z, step * z, cut, &part, args);
                loops[k]->merge(1, &state[k], &part);
                loops[k]->finish(1, &state[k], out[k].bytes, rz, args);
            }
            compare(isa, fn, d, "a row in two parts", n, 1);
            loops[0]->init(1, &state[0]);
            loops[0]->inner(n, in.bytes, step * z, 0, &state[0], args);
            loops[0]->finish(1, &state[0], out[0].bytes, rz, args);
            compare(isa, fn, d, "a row", n, 1);
        }
        for (int layout = 0; layout < 3; layout++) { /* columns: dense rows, rows with gaps, transposed */
            const int64_t row = layout == 0 ? cols : layout == 1 ? cols + 3 : 1, col = layout == 2 ? rows : 1;
            if (rows * (cols + 3) > ROOM) continue;
            for (int k = 0; k < 2; k++) {
                loops[k]->init(cols, &state[k]);
                loops[k]->outer(rows / 2, cols, in.bytes, row * z, col * z, 0, &state[k], args);
                loops[k]->outer(rows - rows / 2, cols, in.bytes + rows / 2 * row * z, row * z, col * z, rows / 2, &state[k], args);
                loops[k]->finish(cols, &state[k], out[k].bytes, rz, args);
            }
            compare(isa, fn, d, "columns", rows, cols);
        }
    }
}

static void check_all(int isa, bool nan) {
    static const ct__reduce_args args = {.divisor = 1, .p = 3, .correction = 1};
    for (size_t d = 0; d < CT__COUNT(dtypes); d++)
        for (int fn = 0; fn < CT__REDUCE_COUNT; fn++) {
            if (nan && (fn == CT__REDUCE_VAR || fn == CT__REDUCE_PROD)) continue; /* infinities meet in another order */
            fill(dtypes[d], nan);
            check(isa, fn, dtypes[d], &args);
        }
}

START_TEST(reductions_agree_with_the_reference) {
    for (int isa = CT__ISA_BASELINE; isa <= CT__ISA_AVX512 && ct__kern_for((ct__isa)isa); isa++) check_all(isa, false);
}
END_TEST

START_TEST(nan_and_infinity_agree_with_the_reference) {
    for (int isa = CT__ISA_BASELINE; isa <= CT__ISA_AVX512 && ct__kern_for((ct__isa)isa); isa++) check_all(isa, true);
}
END_TEST

START_TEST(running_sums_agree_with_the_reference) {
    for (int isa = CT__ISA_BASELINE; isa <= CT__ISA_AVX512 && ct__kern_for((ct__isa)isa); isa++)
        for (size_t d = 0; d < CT__COUNT(dtypes); d++) {
            ct_dtype T = dtypes[d], r = result(CT__REDUCE_SUM, T);
            int64_t z = (int64_t)ct_dtype_size(T), rz = (int64_t)ct_dtype_size(r);
            fill(T, false);
            ct__kern_for((ct__isa)isa)->reduce.cumsum[T](101, in.bytes, 2 * z, out[0].bytes, rz);
            ct__kern_for(CT__ISA_REF)->reduce.cumsum[T](101, in.bytes, 2 * z, out[1].bytes, rz);
            ck_assert(memcmp(out[0].bytes, out[1].bytes, (size_t)(101 * rz)) == 0);
        }
}
END_TEST

/* The mean is a million times the deviation. */
START_TEST(variance_survives_a_large_mean) {
    const ct__reduce_args args = {.correction = 0};
    for (int isa = CT__ISA_REF; isa <= CT__ISA_AVX512 && ct__kern_for((ct__isa)isa); isa++) {
        const ct__reduce_loops *l = &ct__kern_for((ct__isa)isa)->reduce.fn[CT__REDUCE_VAR][CT_F32];
        float *x = (float *)in.bytes, v;
        for (int i = 0; i < 8192; i++) x[i] = 1e6f + (float)(i % 2);
        l->init(1, &state[0]);
        l->inner(8192, in.bytes, 4, 0, &state[0], &args);
        l->finish(1, &state[0], (char *)&v, 4, &args);
        ck_assert_msg(fabsf(v - 0.25f) < 1e-5f, "%s: %.9g", ct__isa_name((ct__isa)isa), (double)v);
        l->init(2, &state[0]);
        l->outer(4096, 2, in.bytes, 4, 4, 0, &state[0], &args); /* overlapping columns: fine to read */
        l->finish(2, &state[0], out[0].bytes, 4, &args);
        ck_assert_msg(fabs(get(out[0].bytes, CT_F32, 1) - 0.25) < 1e-5, "%s: %.9g", ct__isa_name((ct__isa)isa), get(out[0].bytes, CT_F32, 1));
    }
}
END_TEST

TEST_LIST = {TEST(reductions_agree_with_the_reference), TEST(nan_and_infinity_agree_with_the_reference), TEST(running_sums_agree_with_the_reference),
             TEST(variance_survives_a_large_mean)};
TEST_MAIN("kern_reduce")
