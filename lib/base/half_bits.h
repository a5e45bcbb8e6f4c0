/*
 * half_bits.h: float16 (IEEE binary16) and bfloat16 (the upper half of a float32) to and from float32, on bits. Rounded to nearest even;
 * without branches, so that loops over them vectorise on any machine. Arithmetic is done in float32.
 */
#ifndef CT__HALF_BITS_H
#define CT__HALF_BITS_H

#include "base/platform.h"

#include <string.h>

CT__INLINE uint32_t ct__bits_of_f32(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
CT__INLINE float ct__f32_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

CT__INLINE float ct__f32_from_bf16(uint16_t h) { return ct__f32_of_bits((uint32_t)h << 16); }
CT__INLINE uint16_t ct__bf16_from_f32(float x) {
    uint32_t bits = ct__bits_of_f32(x), rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? 0x7fc0 : rounded);
}

/* Seen as an f32, the half's exponent is 112 too small; the product corrects it for subnormal halfs too. */
CT__INLINE float ct__f32_from_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = (uint32_t)(h & 0x7fff) << 13;
    uint32_t finite = ct__bits_of_f32(ct__f32_of_bits(magnitude) * 0x1p112f);
    return ct__f32_of_bits(sign | (magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : finite));
}
/* Below 2^-14 the sum with 0.5, whose last bit is worth 2^-24, rounds as a subnormal half does. 65520 is halfway to 2^16. */
CT__INLINE uint16_t ct__f16_from_f32(float x) {
    uint32_t bits = ct__bits_of_f32(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t small = ct__bits_of_f32(ct__f32_of_bits(magnitude) + 0.5f) - 0x3f000000;
    uint32_t normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    uint32_t h = magnitude < 0x38800000 ? small : normal;
    h = magnitude >= 0x477ff000 ? 0x7c00 : h;
    return (uint16_t)(sign | (magnitude > 0x7f800000 ? 0x7e00 : h));
}

#endif
