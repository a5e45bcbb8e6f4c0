/*
 * philox_block.h: the words of dropout for CT__PHILOX_BLOCK elements at once, sixteen counters in parallel; philox.h says which word is whose.
 */
#include "base/platform.h"
#include "kernels/kern_nn.h"

#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#ifndef CT__PHILOX_BLOCK_ONCE
#define CT__PHILOX_BLOCK_ONCE
/* Words in lanes of 64 bits, of which the upper half may hold anything: what a 32 x 32 -> 64 bit multiplication reads and writes. */
#if defined(__AVX512F__)
typedef uint64_t words __attribute__((vector_size(64)));
#define MUL_LOW_HALVES(a, b) ((words)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif defined(__AVX2__)
typedef uint64_t words __attribute__((vector_size(32)));
#define MUL_LOW_HALVES(a, b) ((words)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#else
typedef uint64_t words __attribute__((vector_size(16)));
#if defined(__SSE2__)
#define MUL_LOW_HALVES(a, b) ((words)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#else
#define MUL_LOW_HALVES(a, b) (((a) & 0xffffffffu) * ((b) & 0xffffffffu))
#endif
#endif
enum { WORD_LANES = sizeof(words) / 8 };

CT__INLINE words splat(uint64_t v) { return v - (words){0}; }

typedef uint32_t low_halves __attribute__((vector_size(sizeof(words) / 2)));
CT__INLINE void store_low_halves(uint32_t *out, words w) {
    low_halves low = __builtin_convertvector(w, low_halves);
    memcpy(out, &low, sizeof low);
}

/* The keys of the ten rounds, which all blocks share. */
typedef struct philox_keys {
    words k0[10], k1[10];
} philox_keys;

static philox_keys philox_keys_of(uint64_t key) {
    philox_keys k;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        k.k0[round] = splat(k0);
        k.k1[round] = splat(k1);
    }
    return k;
}

static void philox_block(uint64_t block, const philox_keys *key, uint32_t out[CT__PHILOX_BLOCK]) {
    uint64_t base = block * 16; /* sixteen counters from here share the high word */
    static const uint64_t lanes[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const words m0 = splat(0xD2511F53u), m1 = splat(0xCD9E8D57u);
    words lane;
    memcpy(&lane, lanes, sizeof lane);
#pragma GCC unroll 2 /* two chains of multiplications, which take turns */
    for (int first = 0; first < 16; first += WORD_LANES) {
        words c0, c1 = splat(base >> 32), c2 = splat(0), c3 = c2;
        c0 = splat(base + (uint64_t)first) + lane;
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            words p0 = MUL_LOW_HALVES(c0, m0), p1 = MUL_LOW_HALVES(c2, m1);
            c0 = (p1 >> 32) ^ c1 ^ key->k0[round];
            c2 = (p0 >> 32) ^ c3 ^ key->k1[round];
            c1 = p1;
            c3 = p0;
        }
        store_low_halves(out + first, c0);
        store_low_halves(out + 16 + first, c1);
        store_low_halves(out + 32 + first, c2);
        store_low_halves(out + 48 + first, c3);
    }
}
#endif
