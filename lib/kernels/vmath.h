/*
 * vmath.h: f32 functions that vectorise: no branches, no tables, no calls. Included by kernels/cpu, where each ISA
 * compiles its own copy. Errors are the largest found over all floats, against f64 libm (tests/kernels/test_pointwise.c).
 */
#ifndef CT__VMATH_H
#define CT__VMATH_H

#include "base/half_bits.h"

#include <float.h>
#include <math.h>

/* a * b + c, fused where the ISA has it: without, a call to libm would stop the vectoriser. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define CT__FMAF_FUSED 1
#define CT__FMAF(a, b, c) __builtin_fmaf(a, b, c)
#else
#define CT__FMAF_FUSED 0
#define CT__FMAF(a, b, c) ((a) * (b) + (c))
#endif

/*
 * e^x = 2^n e^r with r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2], ln 2 in two parts, e^r by a polynomial (Cephes). n is
 * rounded by adding 1.5 * 2^23, whose low bits then are n: no conversion that could overflow. 2^n is multiplied in two
 * halves, so that the results next to overflow and the subnormal ones are right.
 */
CT__INLINE float ct__v_expf(float x) {
    int32_t none = x < -104.0f;      /* 0 without a product that underflows: that takes a hundred cycles, and masks are full of -inf */
    float c = x > 89.0f ? 89.0f : x; /* NaN stays NaN */
    c = none ? 0.0f : c;
    const float shift = 0x1.8p23f;
    float t = CT__FMAF(c, 0x1.715476p0f, shift);
    float n = t - shift;
    float r = CT__FMAF(n, -0.693359375f, c);
    r = CT__FMAF(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = CT__FMAF(p, r, 1.3981999507e-3f);
    p = CT__FMAF(p, r, 8.3334519073e-3f);
    p = CT__FMAF(p, r, 4.1665795894e-2f);
    p = CT__FMAF(p, r, 1.6666665459e-1f);
    p = CT__FMAF(p, r, 5.0000001201e-1f);
    float y = CT__FMAF(p, r * r, r) + 1.0f;
    int32_t i = (int32_t)(ct__bits_of_f32(t) - ct__bits_of_f32(shift));
    int32_t h = i >> 1;
    float s1 = ct__f32_of_bits((uint32_t)(h + 127) << 23), s2 = ct__f32_of_bits((uint32_t)(i - h + 127) << 23);
    return none ? 0.0f : y * s1 * s2;
}

/*
 * log x = e ln 2 + log m with m in [sqrt(1/2), sqrt(2)), log m by a polynomial in m - 1 (Cephes).
 */
CT__INLINE float ct__v_logf(float x) {
    int32_t tiny = x < FLT_MIN; /* subnormal: scaled first */
    float y = tiny ? x * 0x1p23f : x;
    uint32_t u = ct__bits_of_f32(y) + (0x3f800000u - 0x3f3504f3u);
    float e = (float)((int32_t)(u >> 23) - 127 - (tiny ? 23 : 0));
    float f = ct__f32_of_bits((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float z = f * f;
    float p = 7.0376836292e-2f;
    p = CT__FMAF(p, f, -1.1514610310e-1f);
    p = CT__FMAF(p, f, 1.1676998740e-1f);
    p = CT__FMAF(p, f, -1.2420140846e-1f);
    p = CT__FMAF(p, f, 1.4249322787e-1f);
    p = CT__FMAF(p, f, -1.6668057665e-1f);
    p = CT__FMAF(p, f, 2.0000714765e-1f);
    p = CT__FMAF(p, f, -2.4999993993e-1f);
    p = CT__FMAF(p, f, 3.3333331174e-1f);
    p = p * f * z;
    p = CT__FMAF(e, -2.12194440e-4f, p);
    p = CT__FMAF(-0.5f, z, p);
    float r = CT__FMAF(e, 0.693359375f, f + p);
    r = x < INFINITY ? r : x;   /* infinity and NaN */
    r = x > 0.0f ? r : x == 0.0f ? -INFINITY : x < 0.0f ? NAN : x;
    return r;
}

/* Near 0 an odd polynomial (Cephes), else 1 - 2 / (e^2|x| + 1) with the sign of x. */
CT__INLINE float ct__v_tanhf(float x) {
    float a = fabsf(x), z = x * x;
    float p = -5.70498872745e-3f;
    p = CT__FMAF(p, z, 2.06390887954e-2f);
    p = CT__FMAF(p, z, -5.37397155531e-2f);
    p = CT__FMAF(p, z, 1.33314422036e-1f);
    p = CT__FMAF(p, z, -3.33332819422e-1f);
    float small = CT__FMAF(p * z, x, x);
    float large = copysignf(1.0f - 2.0f / (ct__v_expf(2.0f * a) + 1.0f), x);
    return a < 0.625f ? small : large;
}

/* Two polynomials by N. Juffa: near 0 in x, else erf = 1 - e^q(|x|). */
CT__INLINE float ct__v_erff(float x) {
    float a = fabsf(x), s = x * x;
    float p = CT__FMAF(-1.72853470e-5f, a, 3.83197126e-4f);
    float q = CT__FMAF(-3.88396438e-3f, a, 2.42546219e-2f);
    p = CT__FMAF(p, s, q);
    p = CT__FMAF(p, a, -1.06777877e-1f);
    p = CT__FMAF(p, a, -6.34846687e-1f);
    p = CT__FMAF(p, a, -1.28717512e-1f);
    p = CT__FMAF(p, a, -a);
    float large = copysignf(1.0f - ct__v_expf(a > 4.0f ? -20.0f : p), x); /* past 4 the result is 1 */
    p = -5.96761703e-4f;
    p = CT__FMAF(p, s, 4.99119423e-3f);
    p = CT__FMAF(p, s, -2.67681349e-2f);
    p = CT__FMAF(p, s, 1.12819925e-1f);
    p = CT__FMAF(p, s, -3.76125336e-1f);
    p = CT__FMAF(p, s, 1.28379166e-1f);
    float small = CT__FMAF(p, x, x);
    float r = a > 0.927734375f ? large : small;
    return x == x ? r : x;
}

#if CT__FMAF_FUSED
/*
 * sin(x + quarter pi / 2) = +-sin r or +-cos r, with r = x - n pi / 2 in [-pi / 4, pi / 4], pi / 2 in three parts whose products with n are fused, and polynomials
 * by Cephes. For |x| <= CT__V_TRIG_MOST: beyond, r would lose digits. NaN stays NaN. n is rounded as in expf.
 */
#define CT__V_TRIG_MOST 65536.0f
CT__INLINE float ct__v_trigf(float x, int32_t quarter) {
    const float shift = 0x1.8p23f;
    float t = CT__FMAF(x, 0x1.45f306p-1f, shift), n = t - shift;
    int32_t q = (int32_t)(ct__bits_of_f32(t) - ct__bits_of_f32(shift)) + quarter;
    float r = CT__FMAF(n, -0x1.921fb6p0f, x);
    r = CT__FMAF(n, 0x1.777a5cp-25f, r);
    r = CT__FMAF(n, 0x1.ee59dap-50f, r);
    float z = r * r;
    float s = CT__FMAF(CT__FMAF(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f);
    s = CT__FMAF(s * z, r, r);
    float c = CT__FMAF(CT__FMAF(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f);
    c = CT__FMAF(c * z, z, CT__FMAF(-0.5f, z, 1.0f));
    float y = q & 1 ? c : s;
    return ct__f32_of_bits(ct__bits_of_f32(y) ^ (uint32_t)(q & 2) << 30);
}
CT__INLINE float ct__v_sinf(float x) { return x == 0.0f ? x : ct__v_trigf(x, 0); } /* -0 stays -0 */
CT__INLINE float ct__v_cosf(float x) { return ct__v_trigf(x, 1); }
#endif

CT__INLINE float ct__v_sigmoidf(float x) { return 1.0f / (1.0f + ct__v_expf(-x)); }

#endif
