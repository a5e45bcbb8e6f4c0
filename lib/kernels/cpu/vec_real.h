/*
 * vec_real.h: one vector register of float or double, for kernels written once and compiled per ISA.
 *
 * A template: set CT__F64 to 0 or 1 and include; again for the other type. It defines
 *
 *      REAL     float or double              LANES    elements per register: 64, 32 or 16 bytes
 *      VEC      a register of them           NAME(f)  f_f32 or f_f64, for functions of the file that includes
 *
 *      IVEC     a register of integers of the same width: what comparing two VECs gives, 0 or -1 per lane
 *
 * and v_load, v_store, v_load_n, v_store_n (the first n lanes; the others read as zero), v_load_range, v_store_range (lanes lo to hi - 1, at p[lo] to
 * p[hi - 1]; the others' memory is not touched), v_splat, v_zero, v_fma, v_transpose, v_select (a where
 * the mask is set, else b), v_evens (every second element of 2 * LANES), v_zip_lo and v_zip_hi (elements of two vectors in turn), v_store_bytes (n integers
 * as bytes) and v_load_bytes. For float alone there are LANES_MASK, made by v_lanes(lo, hi) once for many v_load_lanes and v_store_lanes, and
 * v_pick(a, b, i), whose lanes are the elements i of a and b, one after the other, modulo their number. Arithmetic uses the operators, which GCC and
 * Clang give vector types. v_fma is one instruction where the ISA has it: a*b+c would not be under -std=c11, which forbids contraction.
 */
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef CT__VEC_REAL_ONCE
#define CT__VEC_REAL_ONCE
#if defined(__AVX512F__)
#define CT__VEC_BYTES 64
#elif defined(__AVX2__)
#define CT__VEC_BYTES 32
#else
#define CT__VEC_BYTES 16
#endif
#define CT__LANES_F32 (CT__VEC_BYTES / 4)
#define CT__LANES_F64 (CT__VEC_BYTES / 8)

typedef float ct__vec_f32 __attribute__((vector_size(CT__VEC_BYTES)));
typedef double ct__vec_f64 __attribute__((vector_size(CT__VEC_BYTES)));

/*
 * Swaps blocks of s lanes: lo takes b's lower halves into a's upper ones, hi a's upper halves into b's lower ones. log2(L) rounds of it, s = L/2 ... 1, over rows
 * i and i + s transpose an L x L square.
 */
#define CT__SWAP_LO(L, s, j) ((j) & (s) ? (L) + (j) - (s) : (j))
#define CT__SWAP_HI(L, s, j) ((j) & (s) ? (L) + (j) : (j) + (s))
#define CT__LIST2(M, L, s) M(L, s, 0), M(L, s, 1)
#define CT__LIST4(M, L, s) CT__LIST2(M, L, s), M(L, s, 2), M(L, s, 3)
#define CT__LIST8(M, L, s) CT__LIST4(M, L, s), M(L, s, 4), M(L, s, 5), M(L, s, 6), M(L, s, 7)
#define CT__LIST16(M, L, s)                                                                              \
    CT__LIST8(M, L, s), M(L, s, 8), M(L, s, 9), M(L, s, 10), M(L, s, 11), M(L, s, 12), M(L, s, 13), M(L, s, 14), \
        M(L, s, 15)
#if defined(__clang__)
#define CT__SHUFFLE(I, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define CT__SHUFFLE(I, a, b, ...) __builtin_shuffle(a, b, (I){__VA_ARGS__})
#endif
typedef int32_t ct__ivec_f32 __attribute__((vector_size(CT__VEC_BYTES)));
typedef int64_t ct__ivec_f64 __attribute__((vector_size(CT__VEC_BYTES)));

#define CT__SWAP_ROUND(V, I, LIST, L, s)                                  \
    for (int i = 0; i < (L); i++)                                         \
        if (!(i & (s))) {                                                 \
            V a = r[i], b = r[i + (s)];                                   \
            r[i] = CT__SHUFFLE(I, a, b, LIST(CT__SWAP_LO, L, s));         \
            r[i + (s)] = CT__SHUFFLE(I, a, b, LIST(CT__SWAP_HI, L, s));   \
        }

CT__INLINE void ct__vec_transpose_f32(ct__vec_f32 *r) {
#if CT__VEC_BYTES == 64
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST16, 16, 8)
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST16, 16, 4)
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST16, 16, 2)
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST16, 16, 1)
#elif CT__VEC_BYTES == 32
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST8, 8, 4)
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST8, 8, 2)
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST8, 8, 1)
#else
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST4, 4, 2)
    CT__SWAP_ROUND(ct__vec_f32, ct__ivec_f32, CT__LIST4, 4, 1)
#endif
}
CT__INLINE void ct__vec_transpose_f64(ct__vec_f64 *r) {
#if CT__VEC_BYTES == 64
    CT__SWAP_ROUND(ct__vec_f64, ct__ivec_f64, CT__LIST8, 8, 4)
    CT__SWAP_ROUND(ct__vec_f64, ct__ivec_f64, CT__LIST8, 8, 2)
    CT__SWAP_ROUND(ct__vec_f64, ct__ivec_f64, CT__LIST8, 8, 1)
#elif CT__VEC_BYTES == 32
    CT__SWAP_ROUND(ct__vec_f64, ct__ivec_f64, CT__LIST4, 4, 2)
    CT__SWAP_ROUND(ct__vec_f64, ct__ivec_f64, CT__LIST4, 4, 1)
#else
    CT__SWAP_ROUND(ct__vec_f64, ct__ivec_f64, CT__LIST2, 2, 1)
#endif
}

CT__INLINE ct__vec_f32 ct__vec_load_f32(const float *p) {
    ct__vec_f32 v;
    memcpy(&v, p, sizeof v);
    return v;
}
CT__INLINE ct__vec_f64 ct__vec_load_f64(const double *p) {
    ct__vec_f64 v;
    memcpy(&v, p, sizeof v);
    return v;
}
CT__INLINE void ct__vec_store_f32(float *p, ct__vec_f32 v) { memcpy(p, &v, sizeof v); }
CT__INLINE void ct__vec_store_f64(double *p, ct__vec_f64 v) { memcpy(p, &v, sizeof v); }
CT__INLINE ct__vec_f32 ct__vec_splat_f32(float x) { return x - (ct__vec_f32){0}; }
CT__INLINE ct__vec_f64 ct__vec_splat_f64(double x) { return x - (ct__vec_f64){0}; }

#if CT__VEC_BYTES == 64
CT__INLINE ct__vec_f32 ct__vec_fma_f32(ct__vec_f32 a, ct__vec_f32 b, ct__vec_f32 c) { return _mm512_fmadd_ps(a, b, c); }
CT__INLINE ct__vec_f64 ct__vec_fma_f64(ct__vec_f64 a, ct__vec_f64 b, ct__vec_f64 c) { return _mm512_fmadd_pd(a, b, c); }
CT__INLINE ct__vec_f32 ct__vec_load_n_f32(const float *p, int n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
CT__INLINE ct__vec_f64 ct__vec_load_n_f64(const double *p, int n) { return _mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p); }
CT__INLINE void ct__vec_store_n_f32(float *p, ct__vec_f32 v, int n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v); }
CT__INLINE void ct__vec_store_n_f64(double *p, ct__vec_f64 v, int n) { _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), v); }
#define CT__LANE_RANGE(lo, hi) (((1u << (hi)) - 1) & ~((1u << (lo)) - 1))
typedef __mmask16 ct__lanes_f32;
CT__INLINE ct__lanes_f32 ct__vec_lanes_f32(int lo, int hi) { return (__mmask16)CT__LANE_RANGE(lo, hi); }
CT__INLINE ct__vec_f32 ct__vec_load_lanes_f32(const float *p, ct__lanes_f32 l) { return _mm512_maskz_loadu_ps(l, p); }
CT__INLINE void ct__vec_store_lanes_f32(float *p, ct__vec_f32 v, ct__lanes_f32 l) { _mm512_mask_storeu_ps(p, l, v); }
CT__INLINE ct__vec_f32 ct__vec_pick_f32(ct__vec_f32 a, ct__vec_f32 b, ct__ivec_f32 i) { return _mm512_permutex2var_ps(a, (__m512i)i, b); }
CT__INLINE ct__vec_f32 ct__vec_load_range_f32(const float *p, int lo, int hi) { return ct__vec_load_lanes_f32(p, ct__vec_lanes_f32(lo, hi)); }
CT__INLINE ct__vec_f64 ct__vec_load_range_f64(const double *p, int lo, int hi) { return _mm512_maskz_loadu_pd((__mmask8)CT__LANE_RANGE(lo, hi), p); }
CT__INLINE void ct__vec_store_range_f32(float *p, ct__vec_f32 v, int lo, int hi) { ct__vec_store_lanes_f32(p, v, ct__vec_lanes_f32(lo, hi)); }
CT__INLINE void ct__vec_store_range_f64(double *p, ct__vec_f64 v, int lo, int hi) { _mm512_mask_storeu_pd(p, (__mmask8)CT__LANE_RANGE(lo, hi), v); }
#elif CT__VEC_BYTES == 32
CT__INLINE __m256i ct__vec_mask_f32(int n) {
    static const int32_t on[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const void *)(on + 8 - n));
}
CT__INLINE __m256i ct__vec_mask_f64(int n) {
    static const int64_t on[8] = {-1, -1, -1, -1};
    return _mm256_loadu_si256((const void *)(on + 4 - n));
}
CT__INLINE __m256i ct__vec_range_f64(int lo, int hi) { return _mm256_andnot_si256(ct__vec_mask_f64(lo), ct__vec_mask_f64(hi)); }
typedef __m256i ct__lanes_f32;
CT__INLINE ct__lanes_f32 ct__vec_lanes_f32(int lo, int hi) { return _mm256_andnot_si256(ct__vec_mask_f32(lo), ct__vec_mask_f32(hi)); }
CT__INLINE ct__vec_f32 ct__vec_load_lanes_f32(const float *p, ct__lanes_f32 l) { return _mm256_maskload_ps(p, l); }
CT__INLINE void ct__vec_store_lanes_f32(float *p, ct__vec_f32 v, ct__lanes_f32 l) { _mm256_maskstore_ps(p, l, v); }
CT__INLINE ct__vec_f32 ct__vec_pick_f32(ct__vec_f32 a, ct__vec_f32 b, ct__ivec_f32 i) {
    const __m256 second = _mm256_castsi256_ps(_mm256_slli_epi32((__m256i)i, 28)); /* bit 3 to the sign */
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(a, (__m256i)i), _mm256_permutevar8x32_ps(b, (__m256i)i), second);
}
CT__INLINE ct__vec_f32 ct__vec_load_range_f32(const float *p, int lo, int hi) { return ct__vec_load_lanes_f32(p, ct__vec_lanes_f32(lo, hi)); }
CT__INLINE ct__vec_f64 ct__vec_load_range_f64(const double *p, int lo, int hi) { return _mm256_maskload_pd(p, ct__vec_range_f64(lo, hi)); }
CT__INLINE void ct__vec_store_range_f32(float *p, ct__vec_f32 v, int lo, int hi) { ct__vec_store_lanes_f32(p, v, ct__vec_lanes_f32(lo, hi)); }
CT__INLINE void ct__vec_store_range_f64(double *p, ct__vec_f64 v, int lo, int hi) { _mm256_maskstore_pd(p, ct__vec_range_f64(lo, hi), v); }
CT__INLINE ct__vec_f32 ct__vec_fma_f32(ct__vec_f32 a, ct__vec_f32 b, ct__vec_f32 c) { return _mm256_fmadd_ps(a, b, c); }
CT__INLINE ct__vec_f64 ct__vec_fma_f64(ct__vec_f64 a, ct__vec_f64 b, ct__vec_f64 c) { return _mm256_fmadd_pd(a, b, c); }
CT__INLINE ct__vec_f32 ct__vec_load_n_f32(const float *p, int n) { return _mm256_maskload_ps(p, ct__vec_mask_f32(n)); }
CT__INLINE ct__vec_f64 ct__vec_load_n_f64(const double *p, int n) { return _mm256_maskload_pd(p, ct__vec_mask_f64(n)); }
CT__INLINE void ct__vec_store_n_f32(float *p, ct__vec_f32 v, int n) { _mm256_maskstore_ps(p, ct__vec_mask_f32(n), v); }
CT__INLINE void ct__vec_store_n_f64(double *p, ct__vec_f64 v, int n) { _mm256_maskstore_pd(p, ct__vec_mask_f64(n), v); }
#else
#if defined(__aarch64__)
CT__INLINE ct__vec_f32 ct__vec_fma_f32(ct__vec_f32 a, ct__vec_f32 b, ct__vec_f32 c) { return (ct__vec_f32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
CT__INLINE ct__vec_f64 ct__vec_fma_f64(ct__vec_f64 a, ct__vec_f64 b, ct__vec_f64 c) { return (ct__vec_f64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
CT__INLINE ct__vec_f32 ct__vec_fma_f32(ct__vec_f32 a, ct__vec_f32 b, ct__vec_f32 c) { return a * b + c; }
CT__INLINE ct__vec_f64 ct__vec_fma_f64(ct__vec_f64 a, ct__vec_f64 b, ct__vec_f64 c) { return a * b + c; }
#endif
CT__INLINE ct__vec_f32 ct__vec_load_range_f32(const float *p, int lo, int hi) {
    ct__vec_f32 v = {0};
    for (int i = lo; i < hi; i++) v[i] = p[i];
    return v;
}
CT__INLINE ct__vec_f64 ct__vec_load_range_f64(const double *p, int lo, int hi) {
    ct__vec_f64 v = {0};
    for (int i = lo; i < hi; i++) v[i] = p[i];
    return v;
}
CT__INLINE void ct__vec_store_range_f32(float *p, ct__vec_f32 v, int lo, int hi) {
    for (int i = lo; i < hi; i++) p[i] = v[i];
}
CT__INLINE void ct__vec_store_range_f64(double *p, ct__vec_f64 v, int lo, int hi) {
    for (int i = lo; i < hi; i++) p[i] = v[i];
}
typedef struct ct__lanes_f32 {
    int lo, hi;
} ct__lanes_f32;
CT__INLINE ct__lanes_f32 ct__vec_lanes_f32(int lo, int hi) { return (ct__lanes_f32){lo, hi}; }
CT__INLINE ct__vec_f32 ct__vec_load_lanes_f32(const float *p, ct__lanes_f32 l) { return ct__vec_load_range_f32(p, l.lo, l.hi); }
CT__INLINE void ct__vec_store_lanes_f32(float *p, ct__vec_f32 v, ct__lanes_f32 l) { ct__vec_store_range_f32(p, v, l.lo, l.hi); }
CT__INLINE ct__vec_f32 ct__vec_pick_f32(ct__vec_f32 a, ct__vec_f32 b, ct__ivec_f32 i) {
    ct__vec_f32 v;
    for (int k = 0; k < CT__LANES_F32; k++) v[k] = i[k] & CT__LANES_F32 ? b[i[k] & (CT__LANES_F32 - 1)] : a[i[k] & (CT__LANES_F32 - 1)];
    return v;
}
CT__INLINE ct__vec_f32 ct__vec_load_n_f32(const float *p, int n) { return ct__vec_load_range_f32(p, 0, n); }
CT__INLINE ct__vec_f64 ct__vec_load_n_f64(const double *p, int n) { return ct__vec_load_range_f64(p, 0, n); }
CT__INLINE void ct__vec_store_n_f32(float *p, ct__vec_f32 v, int n) { ct__vec_store_range_f32(p, v, 0, n); }
CT__INLINE void ct__vec_store_n_f64(double *p, ct__vec_f64 v, int n) { ct__vec_store_range_f64(p, v, 0, n); }
#endif

/* ---- masks, pairs, bytes ---- */

typedef uint8_t ct__bvec_f32 __attribute__((vector_size(CT__VEC_BYTES / 4)));
typedef uint8_t ct__bvec_f64 __attribute__((vector_size(CT__VEC_BYTES / 8)));

#define CT__EVEN(L, s, j) (2 * (j))
#define CT__ZIP_LO(L, s, j) ((j) / 2 + ((j) & 1) * (L))
#define CT__ZIP_HI(L, s, j) ((L) / 2 + (j) / 2 + ((j) & 1) * (L))
#if CT__VEC_BYTES == 64
#define CT__LIST_F32(M) CT__LIST16(M, 16, 0)
#define CT__LIST_F64(M) CT__LIST8(M, 8, 0)
#elif CT__VEC_BYTES == 32
#define CT__LIST_F32(M) CT__LIST8(M, 8, 0)
#define CT__LIST_F64(M) CT__LIST4(M, 4, 0)
#else
#define CT__LIST_F32(M) CT__LIST4(M, 4, 0)
#define CT__LIST_F64(M) CT__LIST2(M, 2, 0)
#endif
#define CT__SHUFFLE_LIST(I, a, b, ...) CT__SHUFFLE(I, a, b, __VA_ARGS__)

#define CT__VEC_EXTRAS(T)                                                                                                       \
    CT__INLINE ct__vec_##T ct__vec_select_##T(ct__ivec_##T mask, ct__vec_##T a, ct__vec_##T b) {                                 \
        return (ct__vec_##T)((mask & (ct__ivec_##T)a) | (~mask & (ct__ivec_##T)b));                                              \
    }                                                                                                                           \
    CT__INLINE ct__vec_##T ct__vec_evens_##T(ct__vec_##T a, ct__vec_##T b) {                                                     \
        return CT__SHUFFLE_LIST(ct__ivec_##T, a, b, CT__EVENS_##T);                                                             \
    }                                                                                                                           \
    CT__INLINE ct__vec_##T ct__vec_zip_lo_##T(ct__vec_##T a, ct__vec_##T b) {                                                    \
        return CT__SHUFFLE_LIST(ct__ivec_##T, a, b, CT__ZIPS_LO_##T);                                                           \
    }                                                                                                                           \
    CT__INLINE ct__vec_##T ct__vec_zip_hi_##T(ct__vec_##T a, ct__vec_##T b) {                                                    \
        return CT__SHUFFLE_LIST(ct__ivec_##T, a, b, CT__ZIPS_HI_##T);                                                           \
    }
/* n integers of a vector as bytes. */
#define CT__VEC_BYTE_MOVES(T)                                                                                                   \
    CT__INLINE void ct__vec_store_bytes_##T(uint8_t *p, ct__ivec_##T v, int n) {                                                 \
        ct__bvec_##T b = __builtin_convertvector(v, ct__bvec_##T);                                                              \
        if (n == (int)sizeof b) memcpy(p, &b, sizeof b);                                                                        \
        else memcpy(p, &b, (size_t)n);                                                                                          \
    }                                                                                                                           \
    CT__INLINE ct__ivec_##T ct__vec_load_bytes_##T(const uint8_t *p, int n) {                                                    \
        ct__bvec_##T b = {0};                                                                                                   \
        if (n == (int)sizeof b) memcpy(&b, p, sizeof b);                                                                        \
        else memcpy(&b, p, (size_t)n);                                                                                          \
        return __builtin_convertvector(b, ct__ivec_##T);                                                                        \
    }
#define CT__EVENS_f32 CT__LIST_F32(CT__EVEN)
#define CT__EVENS_f64 CT__LIST_F64(CT__EVEN)
#define CT__ZIPS_LO_f32 CT__LIST_F32(CT__ZIP_LO)
#define CT__ZIPS_LO_f64 CT__LIST_F64(CT__ZIP_LO)
#define CT__ZIPS_HI_f32 CT__LIST_F32(CT__ZIP_HI)
#define CT__ZIPS_HI_f64 CT__LIST_F64(CT__ZIP_HI)
CT__VEC_EXTRAS(f32)
CT__VEC_EXTRAS(f64)
#if CT__VEC_BYTES == 64
CT__INLINE void ct__vec_store_bytes_f32(uint8_t *p, ct__ivec_f32 v, int n) {
    _mm512_mask_cvtepi32_storeu_epi8(p, (__mmask16)((1u << n) - 1), (__m512i)v);
}
CT__INLINE void ct__vec_store_bytes_f64(uint8_t *p, ct__ivec_f64 v, int n) {
    _mm512_mask_cvtepi64_storeu_epi8(p, (__mmask8)((1u << n) - 1), (__m512i)v);
}
CT__INLINE ct__ivec_f32 ct__vec_load_bytes_f32(const uint8_t *p, int n) {
    return (ct__ivec_f32)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p));
}
CT__INLINE ct__ivec_f64 ct__vec_load_bytes_f64(const uint8_t *p, int n) {
    return (ct__ivec_f64)_mm512_cvtepu8_epi64(_mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p));
}
#else
CT__VEC_BYTE_MOVES(f32)
CT__VEC_BYTE_MOVES(f64)
#endif
#endif /* CT__VEC_REAL_ONCE */

#undef REAL
#undef VEC
#undef IVEC
#undef LANES
#undef NAME
#undef v_load
#undef v_store
#undef v_load_n
#undef v_store_n
#undef v_load_range
#undef LANES_MASK
#undef v_lanes
#undef v_load_lanes
#undef v_store_lanes
#undef v_pick
#undef v_store_range
#undef v_splat
#undef v_zero
#undef v_fma
#undef v_transpose
#undef v_select
#undef v_evens
#undef v_zip_lo
#undef v_zip_hi
#undef v_store_bytes
#undef v_load_bytes
#if CT__F64
#define REAL double
#define VEC ct__vec_f64
#define IVEC ct__ivec_f64
#define LANES CT__LANES_F64
#define NAME(f) f##_f64
#define v_load ct__vec_load_f64
#define v_store ct__vec_store_f64
#define v_load_n ct__vec_load_n_f64
#define v_store_n ct__vec_store_n_f64
#define v_load_range ct__vec_load_range_f64
#define v_store_range ct__vec_store_range_f64
#define v_splat ct__vec_splat_f64
#define v_zero() ((ct__vec_f64){0})
#define v_fma ct__vec_fma_f64
#define v_transpose ct__vec_transpose_f64
#define v_select ct__vec_select_f64
#define v_evens ct__vec_evens_f64
#define v_zip_lo ct__vec_zip_lo_f64
#define v_zip_hi ct__vec_zip_hi_f64
#define v_store_bytes ct__vec_store_bytes_f64
#define v_load_bytes ct__vec_load_bytes_f64
#else
#define REAL float
#define VEC ct__vec_f32
#define IVEC ct__ivec_f32
#define LANES CT__LANES_F32
#define NAME(f) f##_f32
#define v_load ct__vec_load_f32
#define v_store ct__vec_store_f32
#define v_load_n ct__vec_load_n_f32
#define v_store_n ct__vec_store_n_f32
#define v_load_range ct__vec_load_range_f32
#define LANES_MASK ct__lanes_f32
#define v_lanes ct__vec_lanes_f32
#define v_load_lanes ct__vec_load_lanes_f32
#define v_store_lanes ct__vec_store_lanes_f32
#define v_pick ct__vec_pick_f32
#define v_store_range ct__vec_store_range_f32
#define v_splat ct__vec_splat_f32
#define v_zero() ((ct__vec_f32){0})
#define v_fma ct__vec_fma_f32
#define v_transpose ct__vec_transpose_f32
#define v_select ct__vec_select_f32
#define v_evens ct__vec_evens_f32
#define v_zip_lo ct__vec_zip_lo_f32
#define v_zip_hi ct__vec_zip_hi_f32
#define v_store_bytes ct__vec_store_bytes_f32
#define v_load_bytes ct__vec_load_bytes_f32
#endif
#undef CT__F64
