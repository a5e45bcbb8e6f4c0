/*
 * gelu_vec.h: gelu and its slope in vectors of float32.
 *
 *      gelu(x) = x P(x)      gelu'(x) = P(x) + x p(x)      P: the normal distribution, p = e^(-x^2 / 2) / sqrt(2 pi): its density
 *
 * With a = |x|: P(-a) = e^(-a^2 / 2) R(a), where R is smooth, and a polynomial of degree 8 in 1 / (1 + 0.29 a) (fitted over [0, 14]; relative error of R 1.2e-8 at
 * a < 3, where it counts, up to 4e-7 where P(-a) is below 1e-9). So one exponential serves both results, and P keeps its digits in the tail, where 1 + erf has
 * none left: the error is 2e-7 |x| and less. Nanoseconds an element for both together, by way of erf and a second exponential and
 * so: AVX-512 3.5, 0.9; AVX2 6.7, 1.3; SSE2 22, 5.2.
 */
#ifndef CT__GELU_VEC_H
#define CT__GELU_VEC_H

#include "base/platform.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"

#if CT__VEC_BYTES == 64
CT__INLINE VEC v_at_least(VEC x, VEC low) { return _mm512_max_ps(low, x); } /* NaN stays NaN */
CT__INLINE IVEC v_not_below_0(IVEC x) { return (IVEC)_mm512_max_epi32((__m512i)x, _mm512_setzero_si512()); }
CT__INLINE VEC v_where_negative(VEC x, VEC a, VEC b) { return _mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)x), b, a); }
#elif CT__VEC_BYTES == 32
CT__INLINE VEC v_at_least(VEC x, VEC low) { return _mm256_max_ps(low, x); }
CT__INLINE IVEC v_not_below_0(IVEC x) { return (IVEC)_mm256_max_epi32((__m256i)x, _mm256_setzero_si256()); }
CT__INLINE VEC v_where_negative(VEC x, VEC a, VEC b) { return _mm256_blendv_ps(b, a, x); }
#else
CT__INLINE VEC v_at_least(VEC x, VEC low) { return v_select(x < low, low, x); }
CT__INLINE IVEC v_not_below_0(IVEC x) { return x & ~(x >> 31); }
CT__INLINE VEC v_where_negative(VEC x, VEC a, VEC b) { return v_select((IVEC)x >> 31, a, b); }
#endif

/* e^(-x^2 / 2), as ct__v_expf (vmath.h) with powers of two below 2^-126 made 0 instead of subnormal. */
CT__INLINE VEC v_bell(VEC x) {
    const VEC shift = v_splat(0x1.8p23f);
    VEC c = v_at_least(x * x * v_splat(-0.5f), v_splat(-104));
    VEC t = v_fma(c, v_splat(0x1.715476p0f), shift), n = t - shift;
    VEC r = v_fma(n, v_splat(2.12194440e-4f), v_fma(n, v_splat(-0.693359375f), c));
    VEC p = v_fma(v_splat(1.9875691500e-4f), r, v_splat(1.3981999507e-3f));
    p = v_fma(p, r, v_splat(8.3334519073e-3f));
    p = v_fma(p, r, v_splat(4.1665795894e-2f));
    p = v_fma(p, r, v_splat(1.6666665459e-1f));
    p = v_fma(p, r, v_splat(5.0000001201e-1f));
    IVEC power = v_not_below_0((IVEC)t - (IVEC)shift + 127) << 23;
    return (v_fma(p, r * r, r) + 1) * (VEC)power;
}

/* P(x); *density: sqrt(2 pi) p(x). */
CT__INLINE VEC v_normal(VEC x, VEC *density) {
    VEC a = (VEC)((IVEC)x & 0x7fffffff), e = v_bell(x), t = v_splat(1) / v_fma(a, v_splat(0.29f), v_splat(1));
    VEC r = v_fma(t, v_splat(4.0208225e-2f), v_splat(-1.97094859e-1f));
    r = v_fma(r, t, v_splat(3.14972495e-1f));
    r = v_fma(r, t, v_splat(-1.61505065e-1f));
    r = v_fma(r, t, v_splat(1.93067972e-1f));
    r = v_fma(r, t, v_splat(7.34925390e-2f));
    r = v_fma(r, t, v_splat(1.21772909e-1f));
    r = v_fma(r, t, v_splat(1.15057497e-1f));
    r = v_fma(r, t, v_splat(2.82922643e-5f));
    VEC tail = e * r;
    *density = e;
    return v_where_negative(x, tail, 1 - tail);
}

CT__INLINE VEC v_gelu(VEC x) {
    VEC density;
    return x * v_normal(x, &density);
}
/* gelu(x), and its slope. */
CT__INLINE VEC v_gelu_and_slope(VEC x, VEC *slope) {
    VEC density, below = v_normal(x, &density);
    *slope = v_fma(x * density, v_splat(0.39894228040143267794f), below);
    return x * below;
}

#endif
