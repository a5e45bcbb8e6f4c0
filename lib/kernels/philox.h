/*
 * philox.h: the random words of dropout, in plain C. kernels/cpu/philox_block.h makes 64 at once.
 */
#ifndef CT__PHILOX_H
#define CT__PHILOX_H

#include "base/platform.h"
#include "kernels/kern_nn.h"

/*
 * Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): counter and key in, four words out.
 */
CT__INLINE void ct__philox(uint64_t counter, uint64_t key, uint32_t out[4]) {
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)c[0] * 0xD2511F53u, p1 = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        c[0] = n0;
        c[2] = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) out[i] = c[i];
}

/*
 * The word of element i. A block of 64 elements takes 16 counters; word w of them all is elements 16 w to 16 w + 15, so that a
 * vector of counters yields whole vectors of elements without a transpose.
 */
CT__INLINE uint32_t ct__dropout_word(uint64_t key, int64_t i) {
    uint32_t words[4];
    ct__philox((uint64_t)(i / CT__PHILOX_BLOCK * 16 + i % 16), key, words);
    return words[i % CT__PHILOX_BLOCK / 16];
}

/* What element i is multiplied with. */
CT__INLINE double ct__dropout_factor(const ct__dropout_draw *draw, int64_t i) {
    return ct__dropout_word(draw->key, i) >= draw->threshold ? draw->scale : 0;
}

#endif
