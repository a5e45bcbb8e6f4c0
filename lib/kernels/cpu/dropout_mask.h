/*
 * dropout_mask.h: the factors of a draw of dropout, CT__PHILOX_BLOCK at a time, for loops of float32 that drop among other things.
 */
#ifndef CT__DROPOUT_MASK_H
#define CT__DROPOUT_MASK_H

#include "kernels/cpu/philox_block.h"

typedef struct dropout_mask {
    philox_keys key;
    uint32_t threshold;
    float scale;
    bool drops; /* else all factors are 1 */
} dropout_mask;

static dropout_mask dropout_mask_of(const ct__dropout_draw *draw) {
    const bool all = draw->threshold > UINT32_MAX; /* everything goes */
    return (dropout_mask){philox_keys_of(draw->key), all ? 0 : (uint32_t)draw->threshold, all ? 0 : (float)draw->scale, draw->threshold > 0};
}

CT__INLINE void dropout_factors(const dropout_mask *m, int64_t block, float factor[CT__PHILOX_BLOCK]) {
    const uint32_t threshold = m->threshold; /* read once: factor could be a part of m */
    const float scale = m->scale;
    uint32_t word[CT__PHILOX_BLOCK];
    philox_block((uint64_t)block, &m->key, word);
    for (int i = 0; i < CT__PHILOX_BLOCK; i++) factor[i] = word[i] >= threshold ? scale : 0;
}

#endif
