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

/* The low halves of two words side by side. */
typedef uint32_t halves __attribute__((vector_size(sizeof(words))));
#if defined(__AVX512F__)
#define UPPER_HALVES(a) ((words)_mm512_shuffle_epi32((__m512i)(a), _MM_PERM_DDBB)) /* takes another port than the multiplications, as shifts would not */
CT__INLINE halves low_halves(words a, words b) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return (halves)_mm512_permutex2var_epi32((__m512i)a, even, (__m512i)b);
}
#else
#define UPPER_HALVES(a) ((a) >> 32)
#if defined(__AVX2__)
CT__INLINE halves low_halves(words a, words b) {
    return (halves)_mm256_permute4x64_epi64((__m256i)_mm256_shuffle_ps((__m256)a, (__m256)b, 0x88), 0xd8);
}
#elif defined(__SSE2__)
CT__INLINE halves low_halves(words a, words b) { return (halves)_mm_shuffle_ps((__m128)a, (__m128)b, 0x88); }
#else
CT__INLINE halves low_halves(words a, words b) { return (halves){(uint32_t)a[0], (uint32_t)a[1], (uint32_t)b[0], (uint32_t)b[1]}; }
#endif
#endif
CT__INLINE void store_low_halves(uint32_t *out, words a, words b) {
    halves low = low_halves(a, b);
    memcpy(out, &low, sizeof low);
}

/* The keys of the ten rounds, which all blocks share. */
typedef struct philox_keys {
    uint64_t k0[10], k1[10];
} philox_keys;

static philox_keys philox_keys_of(uint64_t key) {
    philox_keys k;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) k.k0[round] = k0, k.k1[round] = k1;
    return k;
}

/* CHAINS vectors of counters take turns, as a round waits for the one before. Of the first two rounds, half is the same for all counters of a block: the words
 * 1 to 3 begin the same. Nanoseconds a word, of one chain and all ten rounds in full: AVX-512 0.70, AVX2 1.34, SSE2 2.10; so: 0.51, 0.87, 1.64. */
static void philox_block(uint64_t block, const philox_keys *key, uint32_t out[CT__PHILOX_BLOCK]) {
    enum { CHAINS = 2 };
    static const uint64_t lanes[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const uint64_t base = block * 16; /* sixteen counters from here share the high word */
    const uint64_t second = (uint32_t)((base >> 32) ^ key->k0[0]) * (uint64_t)0xD2511F53u;
    const words m0 = splat(0xD2511F53u), m1 = splat(0xCD9E8D57u);
    words lane;
    memcpy(&lane, lanes, sizeof lane);
    for (int first = 0; first < 16; first += CHAINS * WORD_LANES) {
        words c0[CHAINS], c1[CHAINS], c2[CHAINS], c3[CHAINS];
#pragma GCC unroll 2
        for (int i = 0; i < CHAINS; i++) {
            words p0 = MUL_LOW_HALVES(splat(base + (uint64_t)(first + i * WORD_LANES)) + lane, m0);
            c1[i] = MUL_LOW_HALVES(UPPER_HALVES(p0) ^ splat(key->k1[0]), m1);
            c0[i] = UPPER_HALVES(c1[i]) ^ splat(key->k0[1]);
            c2[i] = p0 ^ splat((second >> 32) ^ key->k1[1]);
            c3[i] = splat(second);
        }
#pragma GCC unroll 10
        for (int round = 2; round < 10; round++) {
            const words k0 = splat(key->k0[round]), k1 = splat(key->k1[round]);
#pragma GCC unroll 2
            for (int i = 0; i < CHAINS; i++) {
                words p0 = MUL_LOW_HALVES(c0[i], m0), p1 = MUL_LOW_HALVES(c2[i], m1);
                c0[i] = UPPER_HALVES(p1) ^ c1[i] ^ k0;
                c2[i] = UPPER_HALVES(p0) ^ c3[i] ^ k1;
                c1[i] = p1;
                c3[i] = p0;
            }
        }
        store_low_halves(out + first, c0[0], c0[1]);
        store_low_halves(out + 16 + first, c1[0], c1[1]);
        store_low_halves(out + 32 + first, c2[0], c2[1]);
        store_low_halves(out + 48 + first, c3[0], c3[1]);
    }
}
#endif
