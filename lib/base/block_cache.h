/*
 * block_cache.h: large blocks between two uses: in a list per size class, and in one by age. Neither locks nor counts: alloc.c does.
 */
#ifndef CT__BLOCK_CACHE_H
#define CT__BLOCK_CACHE_H

#include "base/platform.h"

enum { CT__BLOCK_CLASSES = 448 };

/* The beginning of a block. */
typedef struct ct__cached_block {
    struct ct__cached_block *older, *newer; /* of all in the cache */
    struct ct__cached_block *next, *prev;   /* of this class */
    size_t bytes;                           /* of the block, this struct included */
    uint64_t size_class;                    /* below CT__BLOCK_CLASSES */
} ct__cached_block;

typedef struct ct__block_cache {
    ct__cached_block *of_class[CT__BLOCK_CLASSES];
    ct__cached_block *oldest, *newest;
    int64_t bytes; /* of all */
} ct__block_cache;

/* The block of the class that was put last; NULL if there is none. */
ct__cached_block *ct__block_cache_take(ct__block_cache *c, uint64_t size_class);
void ct__block_cache_put(ct__block_cache *c, ct__cached_block *b);
/* Takes the oldest out until no more than `limit` bytes are left; they come back linked by next. */
ct__cached_block *ct__block_cache_evict(ct__block_cache *c, int64_t limit);

#endif
